/* fuzz_packet.c - packets of both families, errors about them, and tunnels as the gateway meets them */
#include "config.h"

#include <string.h>

#include "net/icmp.h"
#include "net/tunnel.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/packet_equal.h"

static void
check_tunnel(const struct packet_view *p, const uint8_t *data)
{
	static uint8_t	    outer[65535];
	struct addr	    from = addr_from_v4(0x0100000a);
	struct addr	    to = addr_from_v4(0x0b00000a);
	struct packet_view  o, back, written;
	enum tunnel_type   tunnel, was;
	size_t		    over;

	for (was = TUNNEL_IPIP; was <= TUNNEL_GRE; was++) {
		over = tunnel_overhead(was);
		if (over + p->len > sizeof(outer))
			continue;
		tunnel_write(outer, was, &from, &to, p, 1, &written);
		memcpy(outer + over, data, p->len);
		FUZZ_CHECK(packet_parse_ipv4(&o, outer, over + p->len));
		FUZZ_CHECK(ip_checksum_ok(&o) && packet_equal(&o, &written));
		if (!ip_checksum_ok(p))
			continue;
		FUZZ_CHECK(tunnel_inner(&o, &back, &tunnel));
		FUZZ_CHECK(tunnel == was && back.len == p->len);
		FUZZ_CHECK(back.data == outer + over);
	}
}

/* Whatever the family: what is quoted lies within, and what is
 * written is read. */
static void
check_errors(const struct packet_view *p, const uint8_t *data, size_t size)
{
	static uint8_t	   error[ICMP_ERROR_ROOM];
	struct packet_view q, e, written;
	size_t		   mtu;

	if (icmp_quoted(p, &q))
		FUZZ_CHECK(q.data > data && q.data + q.len <= data + size &&
		    q.header <= q.len && icmp_is_error(p));
	FUZZ_CHECK(!icmp_is_error(p) || !icmp_may_answer(p));
	if (!icmp_may_answer(p)) {
		FUZZ_CHECK(!icmp_write_prohibited(error, &p->dst, p, &written));
		return;
	}
	FUZZ_CHECK(icmp_write_too_big(error, &p->dst, 1400, p, &written));
	FUZZ_CHECK(packet_parse(&e, error, written.len));
	FUZZ_CHECK(packet_equal(&e, &written) && !icmp_may_answer(&e));
	FUZZ_CHECK(icmp_is_too_big(&e, &mtu) && mtu == 1400);
	/* The start of a long chain of headers shows nothing. */
	if (icmp_quoted(&e, &q))
		FUZZ_CHECK(addr_equal(&q.dst, &p->dst));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t		  error[ICMP_ERROR_MAX], header[60];
	struct packet_view p, inner, e, written;
	enum tunnel_type tunnel;
	bool		  was_ok;

	if (packet_parse_quoted(&p, data, size))
		FUZZ_CHECK(p.header >= 20 && p.header <= size);
	/* Whatever the family: within the buffer, and headers
	 * before the rest. */
	if (packet_parse(&p, data, size)) {
		FUZZ_CHECK(p.data == data && p.len <= size &&
		    p.header <= p.len && addr_len(&p.src) == addr_len(&p.dst));
		check_errors(&p, data, size);
	}
	if (!packet_parse_ipv4(&p, data, size))
		return 0;
	FUZZ_CHECK(p.data == data && p.len <= size && p.header <= p.len);
	if (icmp_quoted(&p, &inner))
		FUZZ_CHECK(inner.data > data &&
		    inner.data + inner.len <= data + size);
	if (tunnel_inner(&p, &inner, &tunnel)) {
		FUZZ_CHECK(inner.data > data &&
		    inner.data + inner.len <= data + size);
		(void)tunnel_leave_tos(inner.tos, p.tos);
	}
	check_tunnel(&p, data);
	if (icmp_may_answer(&p)) {
		FUZZ_CHECK(icmp_write_error(error, &p.dst, ICMP_DEST_UNREACH, 4,
		    1400, &p, &written));
		FUZZ_CHECK(written.len >= 28 && written.len <= ICMP_ERROR_MAX);
		FUZZ_CHECK(packet_parse_ipv4(&e, error, written.len));
		FUZZ_CHECK(ip_checksum_ok(&e) && packet_equal(&e, &written));
		FUZZ_CHECK(!icmp_may_answer(&e));
	}
	memcpy(header, data, p.header);
	was_ok = ip_checksum_ok(&p);
	ip_set_tos(header, (uint8_t)(p.tos ^ 3));
	if (p.ttl > 1)
		(void)ip_lower_ttl(header);
	if (packet_parse_quoted(&e, header, p.header))
		FUZZ_CHECK(ip_checksum_ok(&e) == was_ok);
	return 0;
}
