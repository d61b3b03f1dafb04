/* udp.h - another UDP socket at a port that is ours already, and which datagrams are its */
#ifndef NET_UDP_H
#define NET_UDP_H

#include <stddef.h>
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

/*
 * Binds fd to owner's port and any of this host's addresses.  Until
 * udp_share() has said what is fd's, either may have what comes.  Who asks for
 * the port is refused as before, but one of the same user that is willing to
 * share it, to which nothing comes.  Both of one user's.  0, or -1 with errno.
 */
int	udp_bind_shared(int owner, int fd);

#define UDP_SHARE_MAX	512
/*
 * Datagrams that begin with one of these words (host order, UDP_SHARE_MAX at
 * most) are the second one's, the rest is owner's.  0, or -1 with errno, and
 * all is as before.
 */
int	udp_share(int owner, const uint32_t *words, size_t n);

#endif
