/* classes.h - which class a destination belongs to: prefixes, longest match (draft -17 §1.2, §3.2) */
#ifndef OE_CLASSES_H
#define OE_CLASSES_H

#include <stdbool.h>
#include <stddef.h>

#include "net/addr.h"

/* Policy classes (draft -17 §3.2); longest prefix wins. */
enum oe_class {
	OE_CLASS_DENY,
	OE_CLASS_CLEAR,
	OE_CLASS_PERMISSIVE,
	OE_CLASS_PARANOID,
	OE_CLASS_TUNNEL,
};

struct classes;

/* An empty table; classes_free() takes NULL too. */
struct classes *classes_new(void);
void	classes_free(struct classes *p);

/*
 * Puts a prefix into a class.  0; 1: it stands in this class already; -1: it
 * stands in another one, which is an error (draft -17 §1.2).  tunnel: an index
 * that OE_CLASS_TUNNEL brings with it, 0 else.
 */
int	classes_add(struct classes *c, const struct prefix *p,
	    enum oe_class class, unsigned tunnel);

struct class_match {
	enum oe_class class;
	struct prefix prefix;
	unsigned tunnel;
};
/* Longest prefix that holds addr; 0, or -1 if none does. */
int	classes_find(const struct classes *c, const struct addr *addr,
	    struct class_match *m);

/* How many prefixes stand in any class. */
size_t	classes_count(const struct classes *c);
/* Does any prefix stand in that class? */
bool	classes_has(const struct classes *c, enum oe_class class);
typedef void (*classes_fn)(void *arg, const struct prefix *p,
	    enum oe_class class);
/* Calls fn for each prefix, those of IPv4 first, the short ones first. */
void	classes_each(const struct classes *c, classes_fn fn, void *arg);
const char *oe_class_name(enum oe_class c);	/* "OE-permissive" */

#endif
