/* udp.h - another UDP socket at a port that is ours already */
#ifndef NET_UDP_H
#define NET_UDP_H

#include <stdint.h>

#include "net/addr.h"

/* The port that a socket is bound to, host order; 0: none, with errno. */
uint16_t udp_port(int fd);
/*
 * Binds fd to owner's port at one of this host's addresses and connects it to
 * peer: from then on it has what comes from there to here, and owner the rest.
 * Who else asks for the port is refused as before.  0, or -1 with errno.
 */
int	udp_bind_beside(int owner, int fd, const struct addr *local,
	    const struct addr *peer, uint16_t peer_port);

#endif
