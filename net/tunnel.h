/* tunnel.h - IP in IP (RFC 2003) and GRE (RFC 2784): the header in front, what is inside, ECN (RFC 6040) */
#ifndef NET_TUNNEL_H
#define NET_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ip.h"

enum tunnel_type { TUNNEL_IPIP = 1, TUNNEL_GRE = 2 };	/* RFC 3103 §8.6 */

#define TUNNEL_OVERHEAD_MAX	24

/* Bytes that a tunnel puts in front. */
size_t	tunnel_overhead(enum tunnel_type type);
/* The tunnel's IP protocol: 4, 47. */
uint8_t	tunnel_protocol(enum tunnel_type type);

/*
 * Writes the outer header (and GRE's) for an inner packet into out,
 * tunnel_overhead() bytes: TOS and DF are the inner packet's (RFC 2003 §3.1,
 * RFC 6040 §4.1, normal mode).  id is the outer identification.  *outer is the
 * packet that begins at out, of which inner's bytes have yet to follow.
 */
void	tunnel_write(uint8_t *out, enum tunnel_type type,
	    const struct addr *src, const struct addr *dst,
	    const struct packet_view *inner, uint16_t id,
	    struct packet_view *outer);

/*
 * The IPv4 packet inside of an outer one whose protocol is 4 or 47, and which
 * is no fragment.  False if it is malformed or its header's checksum is
 * wrong.  Of GRE that is RFC 2784's, with or without a checksum: a key or a
 * sequence number (RFC 2890) is of a tunnel that nobody here has agreed on,
 * as RSIP has no way to, and RFC 2784 §2.3 has whoever does not implement
 * them discard the packet.
 */
bool	tunnel_inner(const struct packet_view *outer, struct packet_view *inner,
	    enum tunnel_type *type);

/*
 * RFC 6040 §4.2: the TOS that an inner packet leaves with, or -1 if it must be
 * dropped (congestion was marked on a transport that cannot hear it).
 */
int	tunnel_leave_tos(uint8_t inner_tos, uint8_t outer_tos);

#endif
