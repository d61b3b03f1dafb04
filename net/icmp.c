/* icmp.c - ICMP of both families: errors that are made, the packet that one quotes, echo requests */
#include "config.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/icmp.h"

/* The type of a packet that has a whole ICMP header; -1: it has none. */
static int
icmp_type(const struct packet_view *p)
{
	if (p->protocol != (p->src.family == AF_INET6 ? IPPROTO_ICMPV6 :
	    IPPROTO_ICMP) || p->frag != 0 ||
	    p->len < p->header + ICMP_HEADER_LEN)
		return -1;
	return p->data[p->header];
}

bool
icmp_is_error(const struct packet_view *p)
{
	int type = icmp_type(p);

	if (p->src.family == AF_INET6)
		return type >= ICMP6_DST_UNREACH && type <= ICMP6_PARAM_PROB;
	return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
	    type == ICMP_PARAMETERPROB;
}

bool
icmp_is_unreachable(const struct packet_view *p)
{
	return icmp_type(p) == (p->src.family == AF_INET6 ?
	    ICMP6_DST_UNREACH : ICMP_DEST_UNREACH);
}

bool
icmp_is_too_big(const struct packet_view *p, size_t *mtu)
{
	const uint8_t *icmp = p->data + p->header;

	if (p->src.family == AF_INET6) {
		if (icmp_type(p) != ICMP6_PACKET_TOO_BIG)
			return false;
		*mtu = load_u32(icmp + 4);
		return true;
	}
	if (icmp_type(p) != ICMP_DEST_UNREACH || icmp[1] != ICMP_FRAG_NEEDED)
		return false;
	*mtu = load_u16(icmp + 6);
	return true;
}

bool
icmp_is_query(const struct packet_view *p)
{
	return icmp_type(p) == (p->src.family == AF_INET6 ?
	    ICMP6_ECHO_REQUEST : ICMP_ECHO);
}

bool
icmp_quoted(const struct packet_view *p, struct packet_view *quoted)
{
	size_t skip = p->header + ICMP_HEADER_LEN;

	return icmp_is_error(p) &&
	    packet_parse_quoted(quoted, p->data + skip, p->len - skip) &&
	    quoted->src.family == p->src.family;
}

bool
icmp_may_answer(const struct packet_view *about)
{
	bool	six = about->src.family == AF_INET6;
	uint8_t type;

	if (about->frag != 0 || !addr_is_host(&about->src) ||
	    !addr_is_host(&about->dst))
		return false;
	if (about->protocol != (six ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return true;
	if (about->len <= about->header)
		return false;
	/* Queries and their answers are no errors. */
	type = about->data[about->header];
	if (six)
		return type == ICMP6_ECHO_REQUEST || type == ICMP6_ECHO_REPLY;
	return type == ICMP_ECHOREPLY || type == ICMP_ECHO ||
	    type == ICMP_TIMESTAMP || type == ICMP_TIMESTAMPREPLY;
}

/* The IP header in front of len bytes of ICMP. */
static void
icmp_header(uint8_t *out, const struct addr *src, const struct addr *dst,
    uint8_t tos, uint8_t ttl, size_t len, struct packet_view *v)
{
	uint16_t id;

	random_bytes(&id, sizeof(id));
	*v = (struct packet_view){ .src = *src, .dst = *dst, .tos = tos,
		.ttl = ttl, .protocol = IPPROTO_ICMP, .id = id,
		.len = IP_HEADER_LEN + len };
	ip_write(out, v);
}

bool
icmp_write_error(uint8_t *out, const struct addr *src, uint8_t type,
    uint8_t code, uint32_t rest, const struct packet_view *about,
    struct packet_view *error)
{
	uint8_t *icmp = out + IP_HEADER_LEN;
	size_t	 quote = about->len;

	if (about->src.family != AF_INET || !icmp_may_answer(about))
		return false;
	if (quote > ICMP_ERROR_MAX - IP_HEADER_LEN - ICMP_HEADER_LEN)
		quote = ICMP_ERROR_MAX - IP_HEADER_LEN - ICMP_HEADER_LEN;
	icmp[0] = type;
	icmp[1] = code;
	store_u16(icmp + 2, 0);
	store_u32(icmp + 4, rest);
	memcpy(icmp + ICMP_HEADER_LEN, about->data, quote);
	store_u16(icmp + 2, checksum_fold(checksum_add(0, icmp,
	    ICMP_HEADER_LEN + quote)));
	/* Internetwork control (RFC 1812 §4.3.2.5). */
	icmp_header(out, src, &about->src, 0xc0, 64, ICMP_HEADER_LEN + quote,
	    error);
	return true;
}

static bool
write_error6(uint8_t *out, const struct addr *src, uint8_t type, uint8_t code,
    uint32_t rest, const struct packet_view *about, struct packet_view *error)
{
	uint8_t *icmp = out + IP6_HEADER_LEN;
	size_t	 quote = about->len;

	if (src->family != AF_INET6 || !icmp_may_answer(about))
		return false;
	if (quote > ICMP_ERROR_ROOM - IP6_HEADER_LEN - ICMP_HEADER_LEN)
		quote = ICMP_ERROR_ROOM - IP6_HEADER_LEN - ICMP_HEADER_LEN;
	*error = (struct packet_view){ .src = *src, .dst = about->src,
		.ttl = 64, .protocol = IPPROTO_ICMPV6,
		.len = IP6_HEADER_LEN + ICMP_HEADER_LEN + quote };
	icmp[0] = type;
	icmp[1] = code;
	store_u16(icmp + 2, 0);
	store_u32(icmp + 4, rest);
	memcpy(icmp + ICMP_HEADER_LEN, about->data, quote);
	store_u16(icmp + 2, checksum_fold(checksum_add(ip_pseudo_sum(src,
	    &about->src, IPPROTO_ICMPV6, ICMP_HEADER_LEN + quote), icmp,
	    ICMP_HEADER_LEN + quote)));
	ip_write(out, error);
	return true;
}

bool
icmp_write_too_big(uint8_t *out, const struct addr *src, size_t mtu,
    const struct packet_view *about, struct packet_view *error)
{
	if (about->src.family == AF_INET6)
		return write_error6(out, src, ICMP6_PACKET_TOO_BIG, 0,
		    (uint32_t)mtu, about, error);
	return icmp_write_error(out, src, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
	    (uint32_t)mtu, about, error);
}

bool
icmp_write_prohibited(uint8_t *out, const struct addr *src,
    const struct packet_view *about, struct packet_view *error)
{
	if (about->src.family == AF_INET6)
		return write_error6(out, src, ICMP6_DST_UNREACH,
		    ICMP6_DST_UNREACH_ADMIN, 0, about, error);
	return icmp_write_error(out, src, ICMP_DEST_UNREACH,
	    ICMP_PKT_FILTERED, 0, about, error);
}

void
icmp_write_echo(uint8_t *out, const struct addr *src, const struct addr *dst,
    uint8_t ttl, struct packet_view *echo)
{
	uint8_t *icmp = out + IP_HEADER_LEN;

	memset(icmp, 0, ICMP_HEADER_LEN);
	icmp[0] = ICMP_ECHO;
	random_bytes(icmp + 4, 4);
	store_u16(icmp + 2, checksum_fold(checksum_add(0, icmp,
	    ICMP_HEADER_LEN)));
	icmp_header(out, src, dst, 0, ttl, ICMP_HEADER_LEN, echo);
}
