/* ip.h - IPv4, UDP and ICMP headers: bounded reading, writing, and what tunnels do to them */
#ifndef NET_IP_H
#define NET_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IP_HEADER_LEN	20	/* without options */
#define UDP_HEADER_LEN	8
#define ICMP_HEADER_LEN	8
#define IP_PACKET_MAX	65535

#define IP_ECN_MASK	3u	/* RFC 3168 */
#define IP_ECN_CE	3u

/* The mask of a prefix length (0 to 32), and whether addr lies in net/plen; network order. */
uint32_t ip_mask(unsigned plen);
bool	ip_in_prefix(uint32_t addr, uint32_t net, unsigned plen);

/* Is all of net/plen private space (RFC 1918)? */
bool	ip_is_rfc1918(uint32_t net, unsigned plen);

/* May addr be one host's: no multicast, broadcast, loopback nor network 0? */
bool	ip_is_host(uint32_t addr);

/* Is addr of a realm that others have too: RFC 1918, shared (RFC 6598), link-local? */
bool	ip_is_private(uint32_t addr);

/* An IPv4 header that was checked: version, lengths within the buffer. */
struct ip_info {
	uint32_t src, dst;	/* network order */
	uint8_t	 tos, ttl, protocol;
	uint16_t id;
	bool	 df, more;	/* more: more fragments follow */
	uint16_t frag;		/* offset in bytes */
	size_t	 header;	/* length of the header with options */
	size_t	 total;		/* of the packet, at most the buffer's */
};

/*
 * Reads the header of the packet that begins buf.  False if it is not a whole
 * IPv4 packet; bytes after its total length are allowed and not part of it.
 * The header checksum is not looked at: the kernel did.
 */
bool	ip_parse(const uint8_t *buf, size_t len, struct ip_info *ip);

/* Ports of the UDP or TCP header that follows, host order; false for other
 * protocols, later fragments and what is too short. */
bool	ip_ports(const uint8_t *pkt, const struct ip_info *ip,
	    uint16_t *sport, uint16_t *dport);

struct ip_header {
	uint32_t src, dst;	/* network order */
	uint8_t	 tos, ttl, protocol;
	bool	 df;
	uint16_t id;		/* host order */
	size_t	 total;		/* of the packet, with the header */
};
/* Writes 20 bytes with the right checksum. */
void	ip_write(uint8_t *out, const struct ip_header *h);

/* Writes an IPv4 + UDP header before len bytes of payload that already stand at
 * out + 28, with the UDP checksum. Ports in host order. Returns the packet's length. */
size_t	ip_write_udp(uint8_t *out, uint32_t src, uint32_t dst, uint16_t sport,
	    uint16_t dport, size_t len);

/* Writes an echo request (RFC 792) of IP_ECHO_LEN bytes with an identifier and sequence
 * number of its own. */
#define IP_ECHO_LEN	(IP_HEADER_LEN + ICMP_HEADER_LEN)
void	ip_write_echo(uint8_t *out, uint32_t src, uint32_t dst, uint8_t ttl);

/* Sets the TOS byte of a packet and mends its header checksum. */
void	ip_set_tos(uint8_t *pkt, uint8_t tos);
/* Lowers the TTL by one and mends the checksum; false if it was 1 or 0. */
bool	ip_lower_ttl(uint8_t *pkt);

/*
 * RFC 6040 §4.2: the inner ECN field after decapsulation from an outer header
 * with that TOS.  Returns the inner TOS to set, or -1 if the packet must be dropped
 * (congestion was marked on a transport that cannot hear it).
 */
int	ip_ecn_decapsulate(uint8_t inner_tos, uint8_t outer_tos);

/*
 * An ICMP error from src about the IPv4 packet offending (RFC 792, 1812
 * §4.3.2.3: as much as fits 576 bytes), with rest (RFC 1191: next-hop MTU in
 * its low half).  Errors about errors, fragments, multicast and broadcast
 * are not made.  Returns the length, or 0.
 */
size_t	ip_write_icmp_error(uint8_t *out, size_t cap, uint32_t src,
	    uint8_t type, uint8_t code, uint32_t rest, const uint8_t *offending,
	    size_t len);

/*
 * Cuts a whole packet into fragments of at most mtu bytes (RFC 791 §3.2) and
 * calls fn for each in order; the buffer is fn's during the call only.  A
 * fragment may be cut again.  Returns how many there were, or -1 if pkt is not whole,
 * must not be fragmented, or mtu leaves no room for data.
 */
int	ip_fragment(const uint8_t *pkt, size_t len, size_t mtu,
	    void (*fn)(void *, const uint8_t *, size_t), void *arg);

#endif
