/* ip.c - IPv4, UDP and ICMP headers: bounded reading, writing, and what tunnels do to them */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/ip.h"

#define ICMP_ERROR_MAX	576	/* RFC 1812 §4.3.2.3 */

uint32_t
ip_mask(unsigned plen)
{
	return plen == 0 ? 0 : htonl(UINT32_MAX << (32 - plen));
}

bool
ip_in_prefix(uint32_t addr, uint32_t net, unsigned plen)
{
	return (addr & ip_mask(plen)) == net;
}

bool
ip_is_rfc1918(uint32_t net, unsigned plen)
{
	static const struct {
		uint32_t net;		/* host order */
		unsigned plen;
	} space[] = { { 0x0a000000, 8 }, { 0xac100000, 12 },
		{ 0xc0a80000, 16 } };
	size_t i;

	for (i = 0; i < sizeof(space) / sizeof(space[0]); i++) {
		if (plen >= space[i].plen &&
		    ip_in_prefix(net, htonl(space[i].net), space[i].plen))
			return true;
	}
	return false;
}

bool
ip_is_host(uint32_t addr)
{
	uint32_t h = ntohl(addr);

	return h >> 28 < 14 && h >> 24 != 127 && h >> 24 != 0;
}

bool
ip_is_private(uint32_t addr)
{
	uint32_t h = ntohl(addr);

	return h >> 24 == 10 || h >> 20 == 0xac1 || h >> 16 == 0xc0a8 ||
	    h >> 22 == 0x191 || h >> 16 == 0xa9fe;
}

bool
ip_parse(const uint8_t *buf, size_t len, struct ip_info *ip)
{
	uint16_t frag;

	if (len < IP_HEADER_LEN || buf[0] >> 4 != 4)
		return false;
	ip->header = (size_t)(buf[0] & 15) * 4;
	ip->total = load_u16(buf + 2);
	if (ip->header < IP_HEADER_LEN || ip->total < ip->header ||
	    ip->total > len)
		return false;
	ip->tos = buf[1];
	ip->id = load_u16(buf + 4);
	frag = load_u16(buf + 6);
	ip->df = (frag & 0x4000) != 0;
	ip->more = (frag & 0x2000) != 0;
	ip->frag = (uint16_t)((frag & 0x1fff) * 8);
	ip->ttl = buf[8];
	ip->protocol = buf[9];
	memcpy(&ip->src, buf + 12, 4);
	memcpy(&ip->dst, buf + 16, 4);
	return true;
}

bool
ip_ports(const uint8_t *pkt, const struct ip_info *ip, uint16_t *sport,
    uint16_t *dport)
{
	if ((ip->protocol != IPPROTO_UDP && ip->protocol != IPPROTO_TCP) ||
	    ip->frag != 0 || ip->total - ip->header < 4)
		return false;
	*sport = load_u16(pkt + ip->header);
	*dport = load_u16(pkt + ip->header + 2);
	return true;
}

static void
ip_checksum(uint8_t *pkt)
{
	store_u16(pkt + 10, 0);
	store_u16(pkt + 10, checksum_fold(checksum_add(0, pkt,
	    (size_t)(pkt[0] & 15) * 4)));
}

void
ip_write(uint8_t *out, const struct ip_header *h)
{
	out[0] = 0x45;
	out[1] = h->tos;
	store_u16(out + 2, (uint16_t)h->total);
	store_u16(out + 4, h->id);
	store_u16(out + 6, h->df ? 0x4000 : 0);
	out[8] = h->ttl;
	out[9] = h->protocol;
	memcpy(out + 12, &h->src, 4);
	memcpy(out + 16, &h->dst, 4);
	ip_checksum(out);
}

size_t
ip_write_udp(uint8_t *out, uint32_t src, uint32_t dst, uint16_t sport,
    uint16_t dport, size_t len)
{
	struct ip_header h = { .src = src, .dst = dst, .ttl = 64,
		.protocol = IPPROTO_UDP,
		.total = IP_HEADER_LEN + UDP_HEADER_LEN + len };
	uint8_t *udp = out + IP_HEADER_LEN;
	uint8_t	 pseudo[12];
	uint16_t sum;

	random_bytes(&h.id, sizeof(h.id));
	ip_write(out, &h);
	store_u16(udp, sport);
	store_u16(udp + 2, dport);
	store_u16(udp + 4, (uint16_t)(UDP_HEADER_LEN + len));
	store_u16(udp + 6, 0);
	memcpy(pseudo, &src, 4);
	memcpy(pseudo + 4, &dst, 4);
	pseudo[8] = 0;
	pseudo[9] = IPPROTO_UDP;
	memcpy(pseudo + 10, udp + 4, 2);
	sum = checksum_fold(checksum_add(checksum_add(0, pseudo, 12), udp,
	    UDP_HEADER_LEN + len));
	/* Zero would say that there is no checksum (RFC 768). */
	store_u16(udp + 6, sum == 0 ? 0xffff : sum);
	return h.total;
}

void
ip_write_echo(uint8_t *out, uint32_t src, uint32_t dst, uint8_t ttl)
{
	struct ip_header h = { .src = src, .dst = dst, .ttl = ttl,
		.protocol = IPPROTO_ICMP, .total = IP_ECHO_LEN };
	uint8_t *icmp = out + IP_HEADER_LEN;

	random_bytes(&h.id, sizeof(h.id));
	memset(icmp, 0, ICMP_HEADER_LEN);
	icmp[0] = 8;
	random_bytes(icmp + 4, 4);
	store_u16(icmp + 2, checksum_fold(checksum_add(0, icmp,
	    ICMP_HEADER_LEN)));
	ip_write(out, &h);
}

/* RFC 1624: the checksum after a 16-bit word of what it covers changed. */
static void
ip_mend_checksum(uint8_t *pkt, uint16_t before, uint16_t after)
{
	uint32_t sum = (uint16_t)~load_u16(pkt + 10);

	sum += (uint16_t)~before;
	sum += after;
	store_u16(pkt + 10, checksum_fold(sum));
}

void
ip_set_tos(uint8_t *pkt, uint8_t tos)
{
	uint16_t before = load_u16(pkt);

	if (pkt[1] == tos)
		return;
	pkt[1] = tos;
	ip_mend_checksum(pkt, before, load_u16(pkt));
}

bool
ip_lower_ttl(uint8_t *pkt)
{
	uint16_t before = load_u16(pkt + 8);

	if (pkt[8] <= 1)
		return false;
	pkt[8]--;
	ip_mend_checksum(pkt, before, load_u16(pkt + 8));
	return true;
}

int
ip_ecn_decapsulate(uint8_t inner_tos, uint8_t outer_tos)
{
	unsigned inner = inner_tos & IP_ECN_MASK;
	unsigned outer = outer_tos & IP_ECN_MASK;

	if (outer == IP_ECN_CE) {
		if (inner == 0)
			return -1;
		return inner_tos | (int)IP_ECN_CE;
	}
	/* ECT(1) over ECT(0) is the one other combination that changes. */
	if (inner == 2 && outer == 1)
		return (int)((inner_tos & ~IP_ECN_MASK) | 1);
	return inner_tos;
}

size_t
ip_write_icmp_error(uint8_t *out, size_t cap, uint32_t src, uint8_t type,
    uint8_t code, uint32_t rest, const uint8_t *offending, size_t len)
{
	struct ip_header h = { .src = src, .ttl = 64, .tos = 0xc0,
		.protocol = IPPROTO_ICMP };
	struct ip_info ip;
	uint8_t	      *icmp = out + IP_HEADER_LEN;
	size_t	       quote;

	if (!ip_parse(offending, len, &ip) || ip.frag != 0 || ip.src == 0 ||
	    (ntohl(ip.dst) >> 28) == 14 || ip.dst == INADDR_BROADCAST ||
	    (ntohl(ip.src) >> 28) >= 14)
		return 0;
	/* Never about an ICMP error: only queries may be quoted. */
	if (ip.protocol == IPPROTO_ICMP && (ip.total == ip.header ||
	    (offending[ip.header] != 8 && offending[ip.header] != 0 &&
	    offending[ip.header] != 13 && offending[ip.header] != 14)))
		return 0;
	quote = ip.total;
	if (quote > ICMP_ERROR_MAX - IP_HEADER_LEN - ICMP_HEADER_LEN)
		quote = ICMP_ERROR_MAX - IP_HEADER_LEN - ICMP_HEADER_LEN;
	h.total = IP_HEADER_LEN + ICMP_HEADER_LEN + quote;
	if (h.total > cap)
		return 0;
	h.dst = ip.src;
	random_bytes(&h.id, sizeof(h.id));
	icmp[0] = type;
	icmp[1] = code;
	store_u16(icmp + 2, 0);
	store_u32(icmp + 4, rest);
	memcpy(icmp + ICMP_HEADER_LEN, offending, quote);
	store_u16(icmp + 2, checksum_fold(checksum_add(0, icmp,
	    ICMP_HEADER_LEN + quote)));
	ip_write(out, &h);
	return h.total;
}

/* Options of later fragments: those whose copied flag is set (RFC 791 §3.1). */
static size_t
copied_options(uint8_t *out, const uint8_t *options, size_t len)
{
	size_t i = 0, n = 0, k;

	while (i < len && options[i] != 0) {
		k = options[i] == 1 ? 1 : i + 1 < len ? options[i + 1] : 0;
		if (k == 0 || k > len - i)
			break;
		if (options[i] & 0x80) {
			memcpy(out + n, options + i, k);
			n += k;
		}
		i += k;
	}
	while (n % 4 != 0)
		out[n++] = 0;
	return n;
}

int
ip_fragment(const uint8_t *pkt, size_t len, size_t mtu,
    void (*fn)(void *, const uint8_t *, size_t), void *arg)
{
	struct ip_info ip;
	uint8_t	       out[IP_PACKET_MAX];
	size_t	       header, at, n;
	uint16_t       offset;
	int	       count = 0;

	if (!ip_parse(pkt, len, &ip) || ip.df || mtu < ip.header + 8 ||
	    mtu > sizeof(out))
		return -1;
	memcpy(out, pkt, ip.header);
	header = ip.header;
	for (at = ip.header; at < ip.total; at += n) {
		n = (mtu - header) & ~(size_t)7;
		if (n > ip.total - at)
			n = ip.total - at;
		memcpy(out + header, pkt + at, n);
		offset = (uint16_t)((ip.frag + at - ip.header) / 8);
		if (ip.more || at + n < ip.total)
			offset |= 0x2000;
		out[0] = (uint8_t)(0x40 | header / 4);
		store_u16(out + 2, (uint16_t)(header + n));
		store_u16(out + 6, offset);
		ip_checksum(out);
		fn(arg, out, header + n);
		count++;
		if (at == ip.header)
			header = IP_HEADER_LEN + copied_options(out +
			    IP_HEADER_LEN, pkt + IP_HEADER_LEN,
			    ip.header - IP_HEADER_LEN);
	}
	return count;
}
