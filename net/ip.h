/* ip.h - IP and UDP headers: a packet read once, bounded; headers written and changed */
#ifndef NET_IP_H
#define NET_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

#define IP_HEADER_LEN	20	/* without options */
#define IP6_HEADER_LEN	40
#define IP6_MTU_MIN	1280	/* of every link (RFC 8200 §5) */
#define UDP_HEADER_LEN	8
#define IP_PACKET_MAX	65535

#define IP_ECN_MASK	3u	/* RFC 3168 */
#define IP_ECN_ECT1	1u
#define IP_ECN_ECT0	2u
#define IP_ECN_CE	3u

/*
 * A packet as its headers say, read once where it comes in and handed down.
 * data points into the buffer, which has to live as long.
 */
struct packet_view {
	const uint8_t *data;	/* the header's first byte */
	size_t	 len;		/* of the packet; of a quoted
				 * one: what is there */
	size_t	 header;	/* of what stands before the upper layer */
	struct addr src, dst;
	uint8_t	 tos, ttl;	/* IPv6: traffic class, hop limit */
	uint8_t	 protocol;	/* of the upper layer */
	bool	 df, more;	/* IPv6: df is set; more: more
				 * fragments follow */
	uint16_t frag;		/* offset in bytes */
	uint32_t id;		/* of an IPv6 packet without a
				 * fragment header: 0 */
	uint32_t label;		/* IPv6's flow label */
};

/*
 * Reads the headers of the packet that begins buf.  False if it is not a whole
 * packet of its family; bytes after its length are allowed and not part of
 * it.  The IPv4 header's checksum is not looked at, see ip_checksum_ok().
 *
 * IPv6 (RFC 8200 §4): header counts the extension headers that are passed over,
 * PACKET_EXTENSIONS_MAX at most, and ends behind the fragment header of a later
 * fragment; protocol is what follows.  Jumbograms are refused.
 */
#define PACKET_EXTENSIONS_MAX	8
bool	packet_parse(struct packet_view *v, const uint8_t *buf, size_t len);
/* What is no IPv4 packet is refused too. */
bool	packet_parse_ipv4(struct packet_view *v, const uint8_t *buf,
	    size_t len);
/* The start of a packet as an ICMP error quotes it: the
 * headers must be there. */
bool	packet_parse_quoted(struct packet_view *v, const uint8_t *buf,
	    size_t len);

/* Is it a fragment, the first or a later one? */
static inline bool
packet_is_fragment(const struct packet_view *v)
{
	return v->frag != 0 || v->more;
}

/* Ports of its UDP or TCP header, host order; false for other protocols, later
 * fragments and what is too short. */
bool	packet_ports(const struct packet_view *v, uint16_t *sport,
	    uint16_t *dport);

/* Is the IPv4 header's checksum right? */
bool	ip_checksum_ok(const struct packet_view *v);

/* Of a header that we write: IP_HEADER_LEN, IP6_HEADER_LEN. */
size_t	ip_header_len(int family);
/* Not yet folded (base/util.h): both addresses, protocol and the length of what
 * they carry, as checksums of upper layers count them (RFC 8200 §8.1). */
uint32_t ip_pseudo_sum(const struct addr *src, const struct addr *dst,
	    uint8_t protocol, size_t len);

/*
 * Writes the header of a packet, without options or extension headers, with the
 * right checksum: len, src, dst, tos, ttl, protocol, df, id and label are v's
 * as far as the family has them.  v is then a view of the packet at out: who
 * has written it need not read it.
 */
void	ip_write(uint8_t *out, struct packet_view *v);

/* Writes an IP and a UDP header before len bytes of payload that already stand
 * behind them, with the UDP checksum.  Ports in host order.
 * v is the packet. */
void	ip_write_udp(uint8_t *out, const struct addr *src,
	    const struct addr *dst, uint16_t sport, uint16_t dport, size_t len,
	    struct packet_view *v);

/* Of a packet of either family, in place; with an IPv4 header's checksum. */
void	ip_set_tos(uint8_t *pkt, uint8_t tos);
/* In an IPv4 header, in place, its checksum with it (RFC 1624). */
void	ip_set_id(uint8_t *pkt, uint16_t id);
/* TCP's and UDP's checksums know of it too. */
void	ip_set_src(uint8_t *pkt, const struct addr *src);
/* By one; false and unchanged if it was 1 or 0. */
bool	ip_lower_ttl(uint8_t *pkt);

/* Takes a packet, whose bytes are its during the call only. */
typedef void (*packet_fn)(void *arg, const struct packet_view *v);

/*
 * Cuts an IPv4 packet into fragments of at most mtu bytes (RFC 791 §3.2)
 * and calls fn for each in order.  A fragment may be cut again.  Returns
 * how many there were, or -1 if it must not be fragmented, or mtu leaves
 * no room for data.
 */
int	ip_fragment(const struct packet_view *v, size_t mtu, packet_fn fn,
	    void *arg);
/*
 * The same of an IPv6 packet without extension headers, by who sends it (RFC
 * 8200 §4.5): nobody on its way may.  id: of no other packet between the two
 * for a while.  mtu: IP6_MTU_MIN at least.
 */
int	ip6_fragment(const struct packet_view *v, size_t mtu, uint32_t id,
	    packet_fn fn, void *arg);

#endif
