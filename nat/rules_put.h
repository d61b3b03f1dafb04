/* rules_put.h - what of a leased address comes to the queues, in either firewall's words */
#ifndef NAT_RULES_PUT_H
#define NAT_RULES_PUT_H

#include <stdio.h>

#include "nat/plan.h"

enum rules_kind {
	RULES_ALL,		/* of an address that is not the router's */
	RULES_IPSEC,		/* ESP, AH, and IKE at port 500 */
	RULES_NATT,		/* UDP port 4500 */
	RULES_PORTS,		/* a range of leased ports follows */
	RULES_ICMP,		/* all but what asks for an echo */
	RULES_KINDS
};

struct rules_words {
	const char *to;		/* stands before the address */
	/* A rule each, behind the address. */
	const char *of[RULES_KINDS][3];
	char	    dash;	/* between the ends of a range */
	/* The end of a rule that gives packets to the queues.  bypass: if
	 * nobody listens to them, the router has the packet as if we were not
	 * there. */
	void	    (*queue)(FILE *f, const struct rules_plan *p, bool bypass);
};

/* The rules for what comes to pool's address from outside, before connection
 * tracking. */
void	rules_put_pool(FILE *f, const struct rules_plan *p,
	    const struct dataplane_pool *pool, const struct rules_words *w);
/*
 * The same for one that is the router's, for while nobody knows what of it is
 * leased: where connection tracking has taken out what is NAPT's, which may
 * have got its port before it was to be leased.  w->to is of a chain of what
 * goes to the router itself.
 */
void	rules_put_away(FILE *f, const struct rules_plan *p,
	    const struct dataplane_pool *pool, const struct rules_words *w);
/* A line for each network of a list. */
void	rules_put_each(FILE *f, const char *before, const struct prefix *list,
	    size_t n, const char *after);

#endif
