/* translate.c - another address in an IPv4 packet, and checksums that follow (RFC 1624, RFC 3022 §4) */
#include "config.h"

#include <netinet/in.h>

#include "base/cursor.h"
#include "net/icmp.h"
#include "oe/translate.h"

#define HEADER_SUM	10	/* where an IPv4 header has its checksum */
#define ICMP_SUM	2
#define SOURCE		12
#define DESTINATION	16
#define PROTOCOL_DCCP	33	/* RFC 4340 §5.1 */
#define PROTOCOL_UDPLITE 136	/* RFC 3828 §3.1 */

/* RFC 1624, equation 3: the sum at sum, after a word of what it is over became
 * another. */
static uint16_t
sum_after(uint16_t sum, uint16_t before, uint16_t after)
{
	uint32_t s = (uint32_t)(uint16_t)~sum + (uint16_t)~before + after;

	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* A word becomes another, and outer, a checksum over it, follows. */
static void
word_set(uint8_t *at, uint16_t value, uint8_t *outer)
{
	store_u16(outer, sum_after(load_u16(outer), load_u16(at), value));
	store_u16(at, value);
}

static uint16_t
sum_after_address(uint16_t sum, const uint8_t *from, const uint8_t *to)
{
	return sum_after(sum_after(sum, load_u16(from), load_u16(to)),
	    load_u16(from + 2), load_u16(to + 2));
}

/* Where behind a header the checksum stands that is over addresses too; 0: that
 * protocol has none. */
static size_t
upper_sum(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
	case PROTOCOL_DCCP:
	case PROTOCOL_UDPLITE:
		return 6;
	default:
		return 0;
	}
}

/* The four octets at the offset at in a header, and what sums are over them. */
static void
address_set(uint8_t *pkt, const struct packet_view *v, size_t at,
    const struct addr *to, uint8_t *outer)
{
	size_t	 upper = v->frag != 0 ? 0 : upper_sum(v->protocol);
	uint8_t *sum = pkt + v->header + upper;
	uint16_t value;

	word_set(pkt + HEADER_SUM, sum_after_address(load_u16(pkt +
	    HEADER_SUM), pkt + at, to->bytes), outer);
	/* RFC 768, RFC 3828 §3.1: zero is none, and a sum that is zero is sent
	 * as its other form.  What is quoted may be cut before it. */
	if (upper != 0 && v->len >= v->header + upper + 2 &&
	    (v->protocol != IPPROTO_UDP || load_u16(sum) != 0)) {
		value = sum_after_address(load_u16(sum), pkt + at, to->bytes);
		if (value == 0 && (v->protocol == IPPROTO_UDP ||
		    v->protocol == PROTOCOL_UDPLITE))
			value = 0xffff;
		word_set(sum, value, outer);
	}
	word_set(pkt + at, load_u16(to->bytes), outer);
	word_set(pkt + at + 2, load_u16(to->bytes + 2), outer);
}

/* The packet that an error quotes went the other way. */
static void
quoted_set(uint8_t *pkt, const struct packet_view *v, bool out,
    const struct addr *from, const struct addr *to)
{
	struct packet_view q;

	if (!icmp_quoted(v, &q) || q.src.family != AF_INET ||
	    !addr_equal(out ? &q.dst : &q.src, from))
		return;
	address_set(pkt + (q.data - v->data), &q, out ? DESTINATION : SOURCE,
	    to, pkt + v->header + ICMP_SUM);
}

static bool
translate(uint8_t *pkt, struct packet_view *v, bool out,
    const struct addr *from, const struct addr *to)
{
	struct addr *which = out ? &v->src : &v->dst;
	size_t	     upper = v->frag != 0 ? 0 : upper_sum(v->protocol);
	uint8_t	     none[2] = { 0 };	/* nothing is over an outer header */

	if (v->src.family != AF_INET || to->family != AF_INET ||
	    !addr_equal(which, from) ||
	    (upper != 0 && v->len < v->header + upper + 2))
		return false;
	v->data = pkt;
	if (v->protocol == IPPROTO_ICMP)
		quoted_set(pkt, v, out, from, to);
	address_set(pkt, v, out ? SOURCE : DESTINATION, to, none);
	*which = *to;
	return true;
}

bool
translate_out(uint8_t *pkt, struct packet_view *v, const struct addr *from,
    const struct addr *to)
{
	return translate(pkt, v, true, from, to);
}

bool
translate_in(uint8_t *pkt, struct packet_view *v, const struct addr *from,
    const struct addr *to)
{
	return translate(pkt, v, false, from, to);
}
