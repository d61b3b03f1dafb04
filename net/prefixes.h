/* prefixes.h - a table of prefixes of both families, longest match */
#ifndef NET_PREFIXES_H
#define NET_PREFIXES_H

#include <stddef.h>

#include "net/addr.h"

/* What each prefix brings with it is a value of one size, copied in.  For what
 * is configured: without memory the program ends. */
struct prefixes;

/* An empty table whose values have value_size bytes. */
struct prefixes *prefixes_new(size_t value_size);
/* Not what values point to.  NULL is allowed. */
void	prefixes_free(struct prefixes *p);

/* 0, or -1 with errno: EEXIST (it is there already), EINVAL (of none). */
int	prefixes_add(struct prefixes *p, const struct prefix *prefix,
	    const void *value);
size_t	prefixes_count(const struct prefixes *p);

/* All of these give the value in the table, which stays there until the next
 * prefixes_add(), or NULL. */

/* Of exactly that prefix. */
void	*prefixes_get(const struct prefixes *p, const struct prefix *prefix);
/* Of the longest that holds an address; which (may be NULL) gets the prefix. */
void	*prefixes_find(const struct prefixes *p, const struct addr *a,
	    struct prefix *which);

typedef void (*prefixes_fn)(void *arg, const struct prefix *prefix,
	    void *value);
/* Calls fn for each that holds an address, the shortest first. */
void	prefixes_holding(const struct prefixes *p, const struct addr *a,
	    prefixes_fn fn, void *arg);
/* Calls fn for each: IPv4 first, by length, then by address. */
void	prefixes_each(const struct prefixes *p, prefixes_fn fn, void *arg);

#endif
