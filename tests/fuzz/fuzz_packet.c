/* fuzz_packet.c - IPv4 packets and tunnels as the gateway meets them on both sides */
#include "config.h"

#include <string.h>

#include "nat/packet.h"
#include "tests/fuzz/fuzz.h"

static void
check_tunnel(const struct packet *p, const uint8_t *data)
{
	static uint8_t	    outer[65535];
	struct demux_target to = { .gateway = 0x0100000a,
		.host = 0x0b00000a };
	struct packet	    o, back;
	enum demux_tunnel   tunnel, was;
	size_t		    over;

	for (was = DEMUX_IPIP; was <= DEMUX_GRE; was++) {
		to.tunnel = was;
		over = packet_tunnel_overhead(was);
		if (over + p->len > sizeof(outer))
			continue;
		packet_encapsulate(outer, p, &to, 1);
		memcpy(outer + over, data, p->len);
		FUZZ_CHECK(packet_parse(&o, outer, over + p->len));
		FUZZ_CHECK(packet_checksum_ok(&o));
		if (!packet_checksum_ok(p))
			continue;
		FUZZ_CHECK(packet_decapsulate(&o, &back, &tunnel));
		FUZZ_CHECK(tunnel == was && back.len == p->len);
		FUZZ_CHECK(back.data == outer + over);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t		  error[PACKET_ICMP_MAX], header[60];
	struct packet	  p, inner, e;
	enum demux_tunnel tunnel;
	size_t		  len;
	bool		  was_ok;

	if (packet_parse_quoted(&p, data, size))
		FUZZ_CHECK(p.hlen >= 20 && p.hlen <= size);
	if (!packet_parse(&p, data, size))
		return 0;
	FUZZ_CHECK(p.data == data && p.len <= size && p.hlen <= p.len);
	if (packet_decapsulate(&p, &inner, &tunnel)) {
		FUZZ_CHECK(inner.data > data &&
		    inner.data + inner.len <= data + size);
		(void)packet_ecn_egress(inner.tos, p.tos);
	}
	check_tunnel(&p, data);
	if (packet_may_answer(&p)) {
		len = packet_make_error(error, &p, 0x0100000a,
		    PACKET_ICMP_UNREACH, 4, 1400);
		FUZZ_CHECK(len >= 28 && len <= PACKET_ICMP_MAX);
		FUZZ_CHECK(packet_parse(&e, error, len));
		FUZZ_CHECK(packet_checksum_ok(&e));
		FUZZ_CHECK(!packet_may_answer(&e));
	}
	memcpy(header, data, p.hlen);
	was_ok = packet_checksum_ok(&p);
	packet_set_tos(header, (uint8_t)(p.tos ^ 3));
	if (p.ttl > 1)
		packet_decrement_ttl(header);
	if (packet_parse_quoted(&e, header, p.hlen))
		FUZZ_CHECK(packet_checksum_ok(&e) == was_ok);
	return 0;
}
