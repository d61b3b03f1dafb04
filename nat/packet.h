/* packet.h - IPv4 headers as the gateway meets them: reading, tunnels (RFC 2003, 2784), ECN (RFC 6040), ICMP errors */
#ifndef NAT_PACKET_H
#define NAT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat/demux.h"

#define PACKET_ICMP	1
#define PACKET_IPIP	4
#define PACKET_TCP	6
#define PACKET_UDP	17
#define PACKET_GRE	47
#define PACKET_ESP	50
#define PACKET_AH	51

#define PACKET_ICMP_UNREACH	3
#define PACKET_ICMP_HOST	1	/* codes of it */
#define PACKET_ICMP_FRAG	4
#define PACKET_ICMP_PROHIBITED	13	/* RFC 1812 §5.2.7.1 */
#define PACKET_ICMP_EXCEEDED	11

/* An IPv4 header's fields; data points into a buffer that must live on. */
struct packet {
	const uint8_t *data;		/* the header's first byte */
	size_t	 len;			/* total length; of a quoted one: bytes present */
	size_t	 hlen;			/* header length, 20 to 60 */
	uint32_t src, dst;		/* network order */
	uint16_t id, offset;		/* fragment offset in bytes */
	uint8_t	 tos, ttl, protocol;
	bool	 df, mf;
};

/* A whole packet: false unless its header is sane and len bytes hold it all. */
bool	packet_parse(struct packet *p, const uint8_t *buf, size_t len);
/* The start of a packet, quoted in an ICMP error: the header must be there. */
bool	packet_parse_quoted(struct packet *p, const uint8_t *buf, size_t len);
/* Is the header's checksum right? */
bool	packet_checksum_ok(const struct packet *p);
/* May addr (network order) be a host's source or destination on the Internet? */
bool	packet_is_unicast(uint32_t addr);

/* Bytes that a tunnel puts in front. */
size_t	packet_tunnel_overhead(enum demux_tunnel tunnel);

/*
 * Writes the outer header (and GRE's) for an inner packet of inner->len bytes
 * into out, packet_tunnel_overhead() bytes, as RFC 2003 §3.1 and RFC 6040 §4.1
 * (normal mode) say.  id is the outer identification.
 */
void	packet_encapsulate(uint8_t *out, const struct packet *inner,
	    const struct demux_target *to, uint16_t id);

/*
 * Finds the inner packet of an outer one whose protocol is 4 or 47.  Returns
 * false if it is malformed, its checksum is wrong or (GRE) it carries
 * what we do not do.  *tunnel says which it was.
 */
bool	packet_decapsulate(const struct packet *outer, struct packet *inner,
	    enum demux_tunnel *tunnel);

/*
 * Combines outer and inner ECN at the tunnel's end (RFC 6040 §4.2): the TOS
 * that the inner packet must leave with, or -1: drop it.
 */
int	packet_ecn_egress(uint8_t inner_tos, uint8_t outer_tos);

/* They change a header in place and its checksum with it (RFC 1624). */
void	packet_set_src(uint8_t *header, uint32_t src);	/* network order; not for TCP or UDP */
void	packet_set_id(uint8_t *header, uint16_t id);
void	packet_set_tos(uint8_t *header, uint8_t tos);
void	packet_decrement_ttl(uint8_t *header);

/* An ICMP error about p (RFC 792, 1191, 1812 §4.3.2.3): a whole packet. */
#define PACKET_ICMP_MAX	576
size_t	packet_make_error(uint8_t out[PACKET_ICMP_MAX], const struct packet *p,
	    uint32_t from, uint8_t type, uint8_t code, uint16_t mtu);
/* Is it one? */
bool	packet_is_error(const struct packet *p);
/* RFC 1122 §3.2.2: never about an ICMP error, a later fragment, or to no single host. */
bool	packet_may_answer(const struct packet *p);

#endif
