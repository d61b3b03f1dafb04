/* policy.h - which class a destination belongs to: prefixes, longest match (draft -17 §1.2, §3.2) */
#ifndef OE_POLICY_H
#define OE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oe/engine.h"

struct policy;

struct policy *policy_new(void);
void	policy_free(struct policy *p);

/*
 * Puts a prefix (network order) into a class.  0; 1: it stands in this class
 * already; -1: it stands in another one, which is an error (draft -17 §1.2).
 * tunnel: an index that OE_CLASS_TUNNEL brings with it, 0 else.
 */
int	policy_add(struct policy *p, uint32_t net, unsigned plen,
	    enum oe_class class, unsigned tunnel);

struct policy_match {
	enum oe_class class;
	uint32_t net;
	unsigned plen;
	unsigned tunnel;
};
/* Longest prefix that holds addr; 0, or -1 if none does. */
int	policy_find(const struct policy *p, uint32_t addr, struct policy_match *m);

size_t	policy_count(const struct policy *p);
/* Does any prefix stand in that class? */
bool	policy_has_class(const struct policy *p, enum oe_class class);
/* Calls fn for each prefix; network order. */
void	policy_each(const struct policy *p,
	    void (*fn)(void *arg, uint32_t net, unsigned plen, enum oe_class class),
	    void *arg);
const char *oe_class_name(enum oe_class c);	/* "OE-permissive" */

#endif
