/* inward.h - who is denied, or has to encrypt, is not heard in the clear either (draft -17 §12.1) */
#ifndef OE_INWARD_H
#define OE_INWARD_H

#include <stdbool.h>

struct inward;
struct oe_config;
struct xfrm;

/*
 * Policies of the kernel's IPsec refuse what comes in the clear from denied,
 * paranoid and tunnel prefixes; a killed daemon leaves them.  What comes by
 * ifname, a TUN, was decrypted and has passed the engine, and what this host
 * says to itself is its own; of IPv6 neighbours, routers and multicast
 * listeners are heard.  Needs root; x NULL (no such policies here) is
 * told once there is something to refuse.  Both are borrowed.  ipv4 false: of
 * IPv6 alone.
 */
struct inward *inward_new(struct xfrm *x, const char *ifname, bool ipv4);
/* What c says, where resolvers are heard; NULL: all is. */
void	inward_set(struct inward *w, const struct oe_config *c);
/* All is heard again.  NULL is allowed. */
void	inward_free(struct inward *w);

#endif
