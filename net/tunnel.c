/* tunnel.c - IP in IP and GRE: the header in front, what is inside, ECN */
#include "config.h"

#include <netinet/in.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/tunnel.h"

#define OUTER_TTL	64	/* RFC 2003 §3.1: enough to
				 * reach the other end */
#define GRE_HEADER_LEN	4
#define GRE_IPV4	0x0800
#define GRE_CHECKSUM	0x8000
#define GRE_IGNORED	0x03f8	/* RFC 2784 §2.3: bits 6 to 12 */

size_t
tunnel_overhead(enum tunnel_type type)
{
	return type == TUNNEL_GRE ? IP_HEADER_LEN + GRE_HEADER_LEN :
	    IP_HEADER_LEN;
}

uint8_t
tunnel_protocol(enum tunnel_type type)
{
	return type == TUNNEL_GRE ? IPPROTO_GRE : IPPROTO_IPIP;
}

void
tunnel_write(uint8_t *out, enum tunnel_type type, const struct addr *src,
    const struct addr *dst, const struct packet_view *inner, uint16_t id,
    struct packet_view *outer)
{
	*outer = (struct packet_view){ .src = *src, .dst = *dst,
		.tos = inner->tos, .ttl = OUTER_TTL,
		.protocol = tunnel_protocol(type), .df = inner->df, .id = id,
		.len = inner->len + tunnel_overhead(type) };
	ip_write(out, outer);
	if (type == TUNNEL_GRE) {
		store_u16(out + IP_HEADER_LEN, 0);
		store_u16(out + IP_HEADER_LEN + 2, GRE_IPV4);
	}
}

/* The length of a GRE header around IPv4; 0 of what is not taken. */
static size_t
gre_header(const uint8_t *p, size_t len)
{
	unsigned flags;

	if (len < GRE_HEADER_LEN || load_u16(p + 2) != GRE_IPV4)
		return 0;
	flags = load_u16(p) & ~(unsigned)GRE_IGNORED;
	if (flags == 0)
		return GRE_HEADER_LEN;
	/* The checksum is over all that follows too. */
	if (flags != GRE_CHECKSUM || len < GRE_HEADER_LEN + 4 ||
	    checksum_fold(checksum_add(0, p, len)) != 0)
		return 0;
	return GRE_HEADER_LEN + 4;
}

bool
tunnel_inner(const struct packet_view *outer, struct packet_view *inner,
    enum tunnel_type *type)
{
	const uint8_t *p = outer->data + outer->header;
	size_t	       len = outer->len - outer->header, skip = 0;

	if (outer->frag != 0 || outer->more)
		return false;
	switch (outer->protocol) {
	case IPPROTO_IPIP:
		*type = TUNNEL_IPIP;
		break;
	case IPPROTO_GRE:
		*type = TUNNEL_GRE;
		if ((skip = gre_header(p, len)) == 0)
			return false;
		break;
	default:
		return false;
	}
	return packet_parse_ipv4(inner, p + skip, len - skip) &&
	    ip_checksum_ok(inner);
}

int
tunnel_leave_tos(uint8_t inner_tos, uint8_t outer_tos)
{
	unsigned inner = inner_tos & IP_ECN_MASK;
	unsigned outer = outer_tos & IP_ECN_MASK;

	if (outer == IP_ECN_CE)
		return inner == 0 ? -1 : inner_tos | (int)IP_ECN_CE;
	/* ECT(1) over ECT(0) is the one other combination that changes. */
	if (inner == IP_ECN_ECT0 && outer == IP_ECN_ECT1)
		return (int)((inner_tos & ~IP_ECN_MASK) | IP_ECN_ECT1);
	return inner_tos;
}
