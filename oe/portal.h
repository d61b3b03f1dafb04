/* portal.h - is there a captive portal before us, that answers for all of DNS?  A heuristic (RFC 8952 §1; RFC 6761 §6.4) */
#ifndef OE_PORTAL_H
#define OE_PORTAL_H

#include <stdbool.h>

#include "oe/dns.h"

struct event_base;
struct portal;

/*
 * A name below "invalid." is asked for, which nobody can have: a resolver that
 * gives it an address would give any name one.  A portal that leaves DNS alone,
 * and turns away connections only, is not seen.
 *
 * seen: called where that has changed, with the address that all names have, or
 * none: the portal is passed.  Never before portal_look() returns.
 */
struct portal *portal_new(struct event_base *base,
	    void (*seen)(void *arg, const struct addr *portal), void *arg);
/* NULL is allowed. */
void	portal_free(struct portal *p);
/*
 * Asks these resolvers (copied): on what may be another network, or where
 * DNSSEC cannot be checked.  While there is a portal they are asked again by
 * itself.
 */
void	portal_look(struct portal *p, const struct dns_config *c);

#endif
