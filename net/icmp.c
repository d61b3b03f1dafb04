/* icmp.c - ICMP: errors that are made, the packet that one quotes, echo requests */
#include "config.h"

#include <netinet/in.h>
#include <string.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/icmp.h"

bool
icmp_is_error(const struct packet_view *p)
{
	uint8_t type;

	if (p->src.family != AF_INET || p->protocol != IPPROTO_ICMP ||
	    p->frag != 0 || p->len < p->header + ICMP_HEADER_LEN)
		return false;
	type = p->data[p->header];
	return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
	    type == ICMP_PARAMETERPROB;
}

bool
icmp_quoted(const struct packet_view *p, struct packet_view *quoted)
{
	size_t skip = p->header + ICMP_HEADER_LEN;

	return icmp_is_error(p) &&
	    packet_parse_quoted(quoted, p->data + skip, p->len - skip);
}

bool
icmp_may_answer(const struct packet_view *about)
{
	uint8_t type;

	if (about->frag != 0 || !addr_is_host(&about->src) ||
	    !addr_is_host(&about->dst))
		return false;
	if (about->protocol != IPPROTO_ICMP)
		return true;
	if (about->len <= about->header)
		return false;
	/* Queries and their answers are no errors. */
	type = about->data[about->header];
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
