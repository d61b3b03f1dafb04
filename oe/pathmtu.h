/* pathmtu.h - paths that lose large packets without a word */
#ifndef OE_PATHMTU_H
#define OE_PATHMTU_H

#include "oe/connection.h"

struct packet_view;

#define PATH_MTU_MIN	576	/* RFC 791 */
#define PATH_SYN_MAX	128
/* Of packets around which ESP goes to the peer, in bytes. */
size_t	pathmtu_of(const struct connection *conn);
/* An ICMP error, and what it quotes: one of our ESP packets? */
void	pathmtu_inbound_icmp(struct core *c, uint64_t now,
	    const struct packet_view *p, const struct packet_view *quoted);
/* A packet is about to go out: may find that the path takes less. */
void	pathmtu_sent(struct connection *conn, const struct esp_pair *esp,
	    const struct packet_view *v);
/* May the path lose large packets, so that what is acknowledged is to be looked
 * at? */
bool	pathmtu_doubts(const struct connection *conn);
/* A packet came out of an SA. */
void	pathmtu_heard(struct connection *conn, const struct packet_view *v);
void	pathmtu_tick(struct connection *conn);
/* The packet, or where it begins a TCP connection over a path known to take
 * less than the link, a copy in syn whose MSS fits mtu (of inner packets). */
struct packet_view pathmtu_clamp(const struct connection *conn, size_t mtu,
	    const struct packet_view *v, uint8_t syn[PATH_SYN_MAX]);

#endif
