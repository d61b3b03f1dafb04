/* address.h - answering ARP for a leased address that the router does not have itself */
#ifndef NAT_ADDRESS_H
#define NAT_ADDRESS_H

#include "net/addr.h"

/*
 * Routes addr to the private interface and answers ARP for it on the
 * public one, so that neighbours send its packets to us; taking it on as an
 * address of ours would let programs of the router use it.  Doing it again
 * changes nothing.  0, or -1 with errno.
 */
int	address_claim(const struct addr *addr, const char *public_if,
	    const char *private_if);
/* Tells the neighbours there that addr is here now (RFC 5227 section 2.3), who
 * else would send where they last heard of it. */
void	address_announce(const struct addr *addr, const char *public_if);
/* Undoes it as far as it is there. */
void	address_release(const struct addr *addr, const char *public_if,
	    const char *private_if);

#endif
