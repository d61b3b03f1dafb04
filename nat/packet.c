/* packet.c - IPv4 headers as the gateway meets them */
#include "nat/packet.h"

#include <string.h>

#include "base/cursor.h"
#include "base/util.h"

#define HEADER_MIN 20
#define OUTER_TTL  64
#define GRE_IPV4   0x0800
#define ECN_MASK   3
#define ECN_CE	   3
#define ECN_ECT1   1

bool
packet_parse_quoted(struct packet *p, const uint8_t *buf, size_t len)
{
	uint16_t frag;

	if (len < HEADER_MIN || buf[0] >> 4 != 4)
		return false;
	p->data = buf;
	p->hlen = (size_t)(buf[0] & 15) * 4;
	if (p->hlen < HEADER_MIN || p->hlen > len)
		return false;
	p->len = len;
	p->tos = buf[1];
	p->id = load_u16(buf + 4);
	frag = load_u16(buf + 6);
	p->df = (frag & 0x4000) != 0;
	p->mf = (frag & 0x2000) != 0;
	p->offset = (uint16_t)((frag & 0x1fff) << 3);
	p->ttl = buf[8];
	p->protocol = buf[9];
	memcpy(&p->src, buf + 12, 4);
	memcpy(&p->dst, buf + 16, 4);
	return true;
}

bool
packet_parse(struct packet *p, const uint8_t *buf, size_t len)
{
	size_t total;

	if (!packet_parse_quoted(p, buf, len))
		return false;
	total = load_u16(buf + 2);
	if (total < p->hlen || total > len)
		return false;
	p->len = total;
	return true;
}

bool
packet_checksum_ok(const struct packet *p)
{
	return checksum_fold(checksum_add(0, p->data, p->hlen)) == 0;
}

bool
packet_is_unicast(uint32_t addr)
{
	uint8_t first;

	memcpy(&first, &addr, 1);
	return first != 0 && first != 127 && first < 224;
}

size_t
packet_tunnel_overhead(enum demux_tunnel tunnel)
{
	return tunnel == DEMUX_GRE ? HEADER_MIN + 4 : HEADER_MIN;
}

void
packet_encapsulate(uint8_t *out, const struct packet *inner,
    const struct demux_target *to, uint16_t id)
{
	size_t overhead = packet_tunnel_overhead(to->tunnel);

	out[0] = 0x45;
	out[1] = inner->tos;
	store_u16(out + 2, (uint16_t)(inner->len + overhead));
	store_u16(out + 4, id);
	store_u16(out + 6, inner->df ? 0x4000 : 0);
	out[8] = OUTER_TTL;
	out[9] = to->tunnel == DEMUX_GRE ? PACKET_GRE : PACKET_IPIP;
	store_u16(out + 10, 0);
	memcpy(out + 12, &to->gateway, 4);
	memcpy(out + 16, &to->host, 4);
	store_u16(out + 10, checksum_fold(checksum_add(0, out, HEADER_MIN)));
	if (to->tunnel == DEMUX_GRE) {
		store_u16(out + HEADER_MIN, 0);
		store_u16(out + HEADER_MIN + 2, GRE_IPV4);
	}
}

/* The bytes of a GRE header, or 0 if it is none that we take (RFC 2784, 2890). */
static size_t
gre_length(const uint8_t *p, size_t len)
{
	uint16_t flags;
	size_t	 n = 4;

	if (len < 4 || load_u16(p + 2) != GRE_IPV4)
		return 0;
	flags = load_u16(p);
	/* Routing, strict source route, recursion and versions: RFC 2784 §2.3. */
	if ((flags & 0x4fff) != 0)
		return 0;
	if (flags & 0x8000)
		n += 4;
	if (flags & 0x2000)
		n += 4;
	if (flags & 0x1000)
		n += 4;
	if (n > len)
		return 0;
	if ((flags & 0x8000) != 0
	    && checksum_fold(checksum_add(0, p, len)) != 0)
		return 0;
	return n;
}

bool
packet_decapsulate(const struct packet *outer, struct packet *inner,
    enum demux_tunnel *tunnel)
{
	const uint8_t *p = outer->data + outer->hlen;
	size_t	       len = outer->len - outer->hlen, n;

	if (outer->offset != 0 || outer->mf)
		return false;
	*tunnel = DEMUX_IPIP;
	if (outer->protocol == PACKET_GRE) {
		*tunnel = DEMUX_GRE;
		n = gre_length(p, len);
		if (n == 0)
			return false;
		p += n;
		len -= n;
	} else if (outer->protocol != PACKET_IPIP) {
		return false;
	}
	return packet_parse(inner, p, len) && packet_checksum_ok(inner);
}

int
packet_ecn_egress(uint8_t inner_tos, uint8_t outer_tos)
{
	uint8_t inner = inner_tos & ECN_MASK, outer = outer_tos & ECN_MASK;

	if (inner == 0)
		return outer == ECN_CE ? -1 : inner_tos;
	if (outer == ECN_CE)
		return inner_tos | ECN_CE;
	if (outer == ECN_ECT1 && inner != ECN_CE)
		return (inner_tos & ~ECN_MASK) | ECN_ECT1;
	return inner_tos;
}

/* RFC 1624, equation 3, for one 16-bit word of the header at offset off. */
static void
change_word(uint8_t *header, size_t off, uint16_t value)
{
	uint32_t sum;

	sum = (uint16_t)~load_u16(header + 10);
	sum += (uint16_t)~load_u16(header + off);
	sum += value;
	store_u16(header + off, value);
	store_u16(header + 10, checksum_fold(sum));
}

void
packet_set_id(uint8_t *header, uint16_t id)
{
	change_word(header, 4, id);
}

void
packet_set_src(uint8_t *header, uint32_t src)
{
	uint8_t word[4];

	memcpy(word, &src, sizeof(word));
	change_word(header, 12, load_u16(word));
	change_word(header, 14, load_u16(word + 2));
}

void
packet_set_tos(uint8_t *header, uint8_t tos)
{
	change_word(header, 0, (uint16_t)(header[0] << 8 | tos));
}

void
packet_decrement_ttl(uint8_t *header)
{
	change_word(header, 8, (uint16_t)(load_u16(header + 8) - 0x100));
}

bool
packet_is_error(const struct packet *p)
{
	uint8_t type;

	if (p->protocol != PACKET_ICMP || p->offset != 0 || p->len <= p->hlen)
		return false;
	type = p->data[p->hlen];
	return type == PACKET_ICMP_UNREACH || type == PACKET_ICMP_EXCEEDED
	    || type == 12;	/* parameter problem */
}

bool
packet_may_answer(const struct packet *p)
{
	const uint8_t *icmp = p->data + p->hlen;

	if (p->offset != 0 || !packet_is_unicast(p->src)
	    || !packet_is_unicast(p->dst))
		return false;
	if (p->protocol != PACKET_ICMP)
		return true;
	/* Queries and their answers are no errors. */
	return p->len > p->hlen
	    && (icmp[0] == 0 || icmp[0] == 8 || icmp[0] == 13 || icmp[0] == 14);
}

size_t
packet_make_error(uint8_t out[PACKET_ICMP_MAX], const struct packet *p,
    uint32_t from, uint8_t type, uint8_t code, uint16_t mtu)
{
	size_t	 quoted = p->len, len;
	uint8_t *icmp = out + HEADER_MIN;

	if (quoted > PACKET_ICMP_MAX - HEADER_MIN - 8)
		quoted = PACKET_ICMP_MAX - HEADER_MIN - 8;
	len = HEADER_MIN + 8 + quoted;
	memset(out, 0, HEADER_MIN + 8);
	out[0] = 0x45;
	out[1] = 0xc0;		/* internetwork control, RFC 1812 §4.3.2.5 */
	store_u16(out + 2, (uint16_t)len);
	out[8] = OUTER_TTL;
	out[9] = PACKET_ICMP;
	memcpy(out + 12, &from, 4);
	memcpy(out + 16, &p->src, 4);
	store_u16(out + 10, checksum_fold(checksum_add(0, out, HEADER_MIN)));
	icmp[0] = type;
	icmp[1] = code;
	store_u16(icmp + 6, mtu);
	memcpy(icmp + 8, p->data, quoted);
	store_u16(icmp + 2, checksum_fold(checksum_add(0, icmp, 8 + quoted)));
	return len;
}
