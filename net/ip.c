/* ip.c - IP and UDP headers: a packet read once, bounded; headers written and changed */
#include "config.h"

#include <netinet/in.h>
#include <string.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/ip.h"

#define IP6_FRAGMENT_LEN	8
#define LABEL_MASK	0xfffffu	/* of the first word (RFC 8200 §3) */

/* What both readers of an IPv4 header want: all of it, with its options. */
static bool
parse_ipv4_header(struct packet_view *v, const uint8_t *buf, size_t len)
{
	uint16_t frag;

	if (len < IP_HEADER_LEN || buf[0] >> 4 != 4)
		return false;
	v->header = (size_t)(buf[0] & 15) * 4;
	if (v->header < IP_HEADER_LEN || v->header > len)
		return false;
	v->data = buf;
	v->len = load_u16(buf + 2);
	v->tos = buf[1];
	v->id = load_u16(buf + 4);
	frag = load_u16(buf + 6);
	v->df = (frag & 0x4000) != 0;
	v->more = (frag & 0x2000) != 0;
	v->frag = (uint16_t)((frag & 0x1fff) * 8);
	v->label = 0;
	v->ttl = buf[8];
	v->protocol = buf[9];
	addr_set_v4(&v->src, buf + 12);
	addr_set_v4(&v->dst, buf + 16);
	return true;
}

bool
packet_parse_ipv4(struct packet_view *v, const uint8_t *buf, size_t len)
{
	return parse_ipv4_header(v, buf, len) && v->len >= v->header &&
	    v->len <= len;
}

/*
 * Passes over the extension headers behind an IPv6 header, as far as the upper
 * layer or a later fragment's data.
 */
static bool
parse_extensions(struct packet_view *v)
{
	const uint8_t *p;
	size_t	       left, n;
	uint16_t       frag;
	int	       i;

	for (i = 0;; i++) {
		p = v->data + v->header;
		left = v->len - v->header;
		switch (v->protocol) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case IPPROTO_MH:
			n = left < 8 ? 8 : ((size_t)p[1] + 1) * 8;
			break;
		case IPPROTO_FRAGMENT:
			n = 8;
			break;
		default:
			return true;
		}
		if (n > left || i == PACKET_EXTENSIONS_MAX)
			return false;
		v->header += n;
		if (v->protocol != IPPROTO_FRAGMENT) {
			v->protocol = p[0];
			continue;
		}
		frag = load_u16(p + 2);
		v->frag = frag & 0xfff8;
		v->more = (frag & 1) != 0;
		v->id = load_u32(p + 4);
		v->protocol = p[0];
		if (v->frag != 0)
			return true;
	}
}

static bool
parse_ipv6_header(struct packet_view *v, const uint8_t *buf, size_t len)
{
	if (len < IP6_HEADER_LEN || buf[0] >> 4 != 6)
		return false;
	*v = (struct packet_view){
		.data = buf,
		.len = IP6_HEADER_LEN + (size_t)load_u16(buf + 4),
		.header = IP6_HEADER_LEN,
		.src = addr_from_bytes(AF_INET6, buf + 8),
		.dst = addr_from_bytes(AF_INET6, buf + 24),
		.tos = (uint8_t)(load_u16(buf) >> 4),
		.ttl = buf[7],
		.protocol = buf[6],
		.df = true,
		.label = load_u32(buf) & LABEL_MASK,
	};
	return true;
}

bool
packet_parse(struct packet_view *v, const uint8_t *buf, size_t len)
{
	if (len > 0 && buf[0] >> 4 == 6)
		return parse_ipv6_header(v, buf, len) && v->len <= len &&
		    parse_extensions(v);
	return packet_parse_ipv4(v, buf, len);
}

bool
packet_parse_quoted(struct packet_view *v, const uint8_t *buf, size_t len)
{
	bool six = len > 0 && buf[0] >> 4 == 6;

	if (!(six ? parse_ipv6_header(v, buf, len) :
	    parse_ipv4_header(v, buf, len)))
		return false;
	/* What follows a whole packet is no part of it (RFC 4884); some quote
	 * a length that they have changed. */
	if (v->len < v->header || v->len > len)
		v->len = len;
	return !six || parse_extensions(v);
}

bool
packet_ports(const struct packet_view *v, uint16_t *sport, uint16_t *dport)
{
	if ((v->protocol != IPPROTO_UDP && v->protocol != IPPROTO_TCP) ||
	    v->frag != 0 || v->len - v->header < 4)
		return false;
	*sport = load_u16(v->data + v->header);
	*dport = load_u16(v->data + v->header + 2);
	return true;
}

bool
ip_checksum_ok(const struct packet_view *v)
{
	return checksum_fold(checksum_add(0, v->data, v->header)) == 0;
}

static void
ip_checksum(uint8_t *pkt)
{
	store_u16(pkt + 10, 0);
	store_u16(pkt + 10, checksum_fold(checksum_add(0, pkt,
	    (size_t)(pkt[0] & 15) * 4)));
}

size_t
ip_header_len(int family)
{
	return family == AF_INET6 ? IP6_HEADER_LEN : IP_HEADER_LEN;
}

uint32_t
ip_pseudo_sum(const struct addr *src, const struct addr *dst, uint8_t protocol,
    size_t len)
{
	uint32_t sum = protocol + (uint32_t)(len >> 16) +
	    (uint32_t)(len & 0xffff);

	sum = checksum_add(sum, src->bytes, addr_len(src));
	return checksum_add(sum, dst->bytes, addr_len(dst));
}

static void
write_ipv4(uint8_t *out, const struct packet_view *v)
{
	out[0] = 0x45;
	out[1] = v->tos;
	store_u16(out + 2, (uint16_t)v->len);
	store_u16(out + 4, (uint16_t)v->id);
	store_u16(out + 6, v->df ? 0x4000 : 0);
	out[8] = v->ttl;
	out[9] = v->protocol;
	memcpy(out + 12, v->src.bytes, 4);
	memcpy(out + 16, v->dst.bytes, 4);
	ip_checksum(out);
}

static void
write_ipv6(uint8_t *out, const struct packet_view *v)
{
	store_u32(out, 6u << 28 | (uint32_t)v->tos << 20 |
	    (v->label & LABEL_MASK));
	store_u16(out + 4, (uint16_t)(v->len - IP6_HEADER_LEN));
	out[6] = v->protocol;
	out[7] = v->ttl;
	memcpy(out + 8, v->src.bytes, 16);
	memcpy(out + 24, v->dst.bytes, 16);
}

void
ip_write(uint8_t *out, struct packet_view *v)
{
	v->data = out;
	v->header = ip_header_len(v->src.family);
	if (v->src.family == AF_INET6) {
		/* As whoever reads it finds it. */
		v->df = true;
		v->id = 0;
		v->label &= LABEL_MASK;
		write_ipv6(out, v);
	} else {
		v->label = 0;
		write_ipv4(out, v);
	}
}

void
ip_write_udp(uint8_t *out, const struct addr *src, const struct addr *dst,
    uint16_t sport, uint16_t dport, size_t len, struct packet_view *v)
{
	size_t	 header = ip_header_len(src->family);
	uint8_t *udp = out + header;
	uint16_t id, folded;

	random_bytes(&id, sizeof(id));
	len += UDP_HEADER_LEN;
	*v = (struct packet_view){ .src = *src, .dst = *dst, .ttl = 64,
		.protocol = IPPROTO_UDP, .id = id, .len = header + len };
	ip_write(out, v);
	store_u16(udp, sport);
	store_u16(udp + 2, dport);
	store_u16(udp + 4, (uint16_t)len);
	store_u16(udp + 6, 0);
	folded = checksum_fold(checksum_add(ip_pseudo_sum(src, dst,
	    IPPROTO_UDP, len), udp, len));
	/* Zero would say that there is no checksum (RFC 768). */
	store_u16(udp + 6, folded == 0 ? 0xffff : folded);
}

/* RFC 1624, equation 3, for one 16-bit word of the header. */
static void
ip_change_word(uint8_t *pkt, size_t off, uint16_t value)
{
	uint32_t sum = (uint16_t)~load_u16(pkt + 10);

	sum += (uint16_t)~load_u16(pkt + off);
	sum += value;
	store_u16(pkt + off, value);
	store_u16(pkt + 10, checksum_fold(sum));
}

void
ip_set_tos(uint8_t *pkt, uint8_t tos)
{
	if (pkt[0] >> 4 == 6)
		store_u16(pkt, (uint16_t)(0x6000 | tos << 4 |
		    (pkt[1] & 0xf)));
	else
		ip_change_word(pkt, 0, (uint16_t)(pkt[0] << 8 | tos));
}

void
ip_set_id(uint8_t *pkt, uint16_t id)
{
	ip_change_word(pkt, 4, id);
}

void
ip_set_src(uint8_t *pkt, const struct addr *src)
{
	ip_change_word(pkt, 12, load_u16(src->bytes));
	ip_change_word(pkt, 14, load_u16(src->bytes + 2));
}

bool
ip_lower_ttl(uint8_t *pkt)
{
	if (pkt[8] <= 1)
		return false;
	ip_change_word(pkt, 8, (uint16_t)(load_u16(pkt + 8) - 0x100));
	return true;
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
ip_fragment(const struct packet_view *v, size_t mtu, packet_fn fn, void *arg)
{
	struct packet_view piece = *v;
	uint8_t	 out[IP_PACKET_MAX];
	size_t	 at, n;
	uint16_t offset;
	int	 count = 0;

	if (v->df || mtu < v->header + 8 || mtu > sizeof(out))
		return -1;
	memcpy(out, v->data, v->header);
	piece.data = out;
	for (at = v->header; at < v->len; at += n) {
		n = (mtu - piece.header) & ~(size_t)7;
		if (n > v->len - at)
			n = v->len - at;
		memcpy(out + piece.header, v->data + at, n);
		piece.len = piece.header + n;
		piece.frag = (uint16_t)(v->frag + at - v->header);
		piece.more = v->more || at + n < v->len;
		offset = piece.frag / 8;
		if (piece.more)
			offset |= 0x2000;
		out[0] = (uint8_t)(0x40 | piece.header / 4);
		store_u16(out + 2, (uint16_t)piece.len);
		store_u16(out + 6, offset);
		ip_checksum(out);
		fn(arg, &piece);
		count++;
		if (at == v->header)
			piece.header = IP_HEADER_LEN + copied_options(out +
			    IP_HEADER_LEN, v->data + IP_HEADER_LEN,
			    v->header - IP_HEADER_LEN);
	}
	return count;
}

int
ip6_fragment(const struct packet_view *v, size_t mtu, uint32_t id, packet_fn fn,
    void *arg)
{
	struct packet_view piece = *v;
	uint8_t	 out[IP_PACKET_MAX], *f = out + IP6_HEADER_LEN;
	size_t	 at, n;
	int	 count = 0;

	if (v->header != IP6_HEADER_LEN || mtu < IP6_MTU_MIN ||
	    mtu > sizeof(out))
		return -1;
	memcpy(out, v->data, IP6_HEADER_LEN);
	out[6] = IPPROTO_FRAGMENT;
	piece.data = out;
	piece.header = IP6_HEADER_LEN + IP6_FRAGMENT_LEN;
	piece.id = id;
	for (at = v->header; at < v->len; at += n) {
		n = (mtu - piece.header) & ~(size_t)7;
		if (n > v->len - at)
			n = v->len - at;
		piece.len = piece.header + n;
		piece.frag = (uint16_t)(at - v->header);
		piece.more = at + n < v->len;
		store_u16(out + 4, (uint16_t)(IP6_FRAGMENT_LEN + n));
		f[0] = v->protocol;
		f[1] = 0;
		store_u16(f + 2, (uint16_t)(piece.frag | (piece.more ? 1 : 0)));
		store_u32(f + 4, id);
		memcpy(f + IP6_FRAGMENT_LEN, v->data + at, n);
		fn(arg, &piece);
		count++;
	}
	return count;
}
