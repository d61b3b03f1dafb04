/* fuzz_demux.c - packets of hosts and strangers at the demux table: each goes to its owner, or nowhere */
#include "config.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/cursor.h"
#include "nat/demux.h"
#include "nat/demux_inbound.h"
#include "nat/demux_outbound.h"
#include "nat/demux_reader.h"
#include "tests/fuzz/fuzz.h"

#define NB	0xc6336401u	/* 198.51.100.1, shared */
#define WHOLE	0xc6336402u	/* 198.51.100.2, one host's */
#define NA	0x0a000001u
#define REMOTE	0xc633640au	/* 198.51.100.10 */

static const struct owner {
	uint32_t	    host, local;
	enum tunnel_type   tunnel;
	bool		    whole, ipsec;
	struct demux_range  ports;
	uint32_t	    spi;	/* two of them */
	enum demux_remote   policy;
} owners[] = {
	{ 0x0a00000b, NB, TUNNEL_IPIP, false, true, { 20000, 20015 }, 0x1000,
	    DEMUX_REMOTE_NONE },
	{ 0x0a00000c, NB, TUNNEL_GRE, false, true, { 20016, 20031 }, 0x2000,
	    DEMUX_REMOTE_NONE },
	{ 0x0a00000d, NB, TUNNEL_IPIP, false, false, { 20032, 20047 }, 0,
	    DEMUX_REMOTE_MACRO },
	{ 0x0a00000e, WHOLE, TUNNEL_IPIP, true, false, { 0, 0 }, 0,
	    DEMUX_REMOTE_NONE },
};
#define NOWNERS	(sizeof(owners) / sizeof(owners[0]))

static struct demux *
make_table(void)
{
	struct demux *d = demux_new(4096);
	size_t	      i;

	FUZZ_CHECK(d != NULL);
	for (i = 0; i < NOWNERS; i++) {
		const struct owner  *o = &owners[i];
		uint32_t	     spis[] = { o->spi, o->spi + 1 };
		struct demux_binding b = {
			.client_id = (uint32_t)i + 1, .bind_id = 1,
			.host = addr_from_v4(htonl(o->host)),
			.gateway = addr_from_v4(htonl(NA)),
			.tunnel = o->tunnel,
			.local = addr_from_v4(htonl(o->local)),
			.whole = o->whole, .ipsec = o->ipsec,
			.ports = &o->ports, .nports = o->whole ? 0 : 1,
			.spis = spis, .nspis = o->spi == 0 ? 0 : 2,
			.remote_policy = o->policy,
			.remote = addr_from_v4(
			    o->policy == DEMUX_REMOTE_NONE ? 0 : htonl(REMOTE)),
		};

		FUZZ_CHECK(demux_add(d, &b) != NULL);
	}
	return d;
}

static const struct owner *
owner_of(const struct addr *host)
{
	size_t i;

	for (i = 0; i < NOWNERS; i++) {
		if (htonl(owners[i].host) == addr_v4(host))
			return &owners[i];
	}
	return NULL;
}

static bool
has_ports(const struct packet_view *p)
{
	return (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP) &&
	    p->frag == 0 && p->len >= p->header + 4;
}

static void
check_inbound(struct demux *d, uint64_t now, const uint8_t *pkt, size_t len)
{
	struct demux_target out;
	const struct owner *o;
	struct packet_view  p;
	uint16_t	    port;

	memset(&out, 0, sizeof(out));
	if (!packet_parse_ipv4(&p, pkt, len))
		return;
	switch (demux_inbound(d, now, &p, &out)) {
	case DEMUX_FORWARD:
		break;
	case DEMUX_DROP:
	case DEMUX_NOT_OURS:
		return;
	default:
		FUZZ_CHECK(false);	/* misuse from outside */
	}
	o = owner_of(&out.host);
	FUZZ_CHECK(o != NULL && out.tunnel == o->tunnel &&
	    addr_v4(&out.gateway) == htonl(NA) &&
	    addr_v4(&p.dst) == htonl(o->local));
	if (o->policy == DEMUX_REMOTE_MACRO && p.protocol != IPPROTO_ICMP)
		FUZZ_CHECK(addr_v4(&p.src) == htonl(REMOTE));
	if (has_ports(&p) && !o->whole) {
		port = load_u16(pkt + p.header + 2);
		FUZZ_CHECK((port >= o->ports.lo && port <= o->ports.hi) ||
		    (p.protocol == IPPROTO_UDP && o->ipsec &&
		    (port == 500 || port == 4500)));
	}
	if (p.protocol == IPPROTO_ESP && p.frag == 0 && !o->whole) {
		FUZZ_CHECK(p.len >= p.header + 4 && o->spi != 0);
		FUZZ_CHECK((load_u32(pkt + p.header) & ~1u) == o->spi);
	}
}

static void
check_outbound(struct demux *d, uint64_t now, unsigned who,
    enum tunnel_type tunnel, const uint8_t *pkt, size_t len)
{
	const struct owner *o = &owners[who % NOWNERS];
	struct addr	    host = addr_from_v4(htonl(o->host));
	struct demux_target out;
	struct packet_view  p;
	uint16_t	    port;

	memset(&out, 0, sizeof(out));
	if (!packet_parse_ipv4(&p, pkt, len) || demux_outbound(d, now,
	    &host, tunnel, &p, &out) != DEMUX_FORWARD)
		return;
	FUZZ_CHECK(addr_v4(&out.host) == htonl(o->host) && tunnel == o->tunnel);
	FUZZ_CHECK(addr_v4(&p.src) == htonl(o->local));
	if (o->policy == DEMUX_REMOTE_MACRO)
		FUZZ_CHECK(addr_v4(&p.dst) == htonl(REMOTE));
	if (has_ports(&p) && !o->whole) {
		port = load_u16(pkt + p.header);
		FUZZ_CHECK((port >= o->ports.lo && port <= o->ports.hi) ||
		    (p.protocol == IPPROTO_UDP && o->ipsec &&
		    (port == 500 || port == 4500)));
	}
}

/*
 * Steps: one byte, length (2), a packet.  Bit 7: from a stranger, else from the
 * host in the low bits; bits 4 and 5 the tunnel; bit 6: its addresses are made
 * such that they pass.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t	      pkt[2048];
	struct demux *d = make_table();
	struct cursor c;
	const uint8_t *p;
	uint64_t      now = 1000;
	uint32_t      sum;
	unsigned      i;
	size_t	      len;
	uint8_t	      how;

	cursor_init(&c, data, size);
	while (cursor_left(&c) > 3) {
		how = cursor_u8(&c);
		len = cursor_u16(&c);
		if (len > cursor_left(&c))
			len = cursor_left(&c);
		p = cursor_take(&c, len);
		if (len > sizeof(pkt) || len == 0)
			continue;
		memcpy(pkt, p, len);
		if ((how & 0x40) && len >= 20) {
			pkt[0] = 0x45;
			store_u16(pkt + 2, (uint16_t)len);
			store_u32(pkt + (how & 0x80 ? 16 : 12),
			    owners[how % NOWNERS].local);
			store_u16(pkt + 10, 0);
			for (sum = 0, i = 0; i < 20; i += 2)
				sum += load_u16(pkt + i);
			sum = (sum & 0xffff) + (sum >> 16);
			store_u16(pkt + 10, (uint16_t)~(sum + (sum >> 16)));
		}
		if (how & 0x80)
			check_inbound(d, now, pkt, len);
		else
			check_outbound(d, now, how & 7, how & 0x10 ?
			    TUNNEL_GRE : TUNNEL_IPIP, pkt, len);
		if ((how & 0x20) != 0)
			demux_tick(d, now += 7000);
		now++;
	}
	demux_free(d);
	return 0;
}
