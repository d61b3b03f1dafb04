/* veth.h - a pair of devices, of which each receives what the other one sends */
#ifndef NET_VETH_H
#define NET_VETH_H

#include <stdbool.h>

/*
 * Makes both, up and with mtu bytes, and without IPv6; names are shorter than
 * IFNAMSIZ.  The first has its packets' checksums filled in as they leave, and
 * joins what it receives (GRO).  Needs CAP_NET_ADMIN.  0, or -1 with errno, and
 * neither is there.
 */
int	veth_add(const char *name, const char *peer, unsigned mtu);
/* Takes both away; without them nothing. */
void	veth_del(const char *name);

#endif
