/* test_forward.c - what becomes of one packet: lengths, hosts' fragments, ids, where a tunnel leads */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/util.h"
#include "nat/forward.h"
#include "nat/mark.h"
#include "nat/refusal.h"
#include "tests/unit/header_reads.h"

#define NOW	1000000u
#define NB	0xc6336401u
#define NA	0x0a000001u
#define X1	0x0a00000bu
#define X2	0x0a00000cu
#define X3	0x0a00000du
#define Y	0xc633640au
#define SPI_OF(host) ((host) << 8)	/* a host's inbound one */
#define PRIVATE	7u		/* interface */

static uint8_t buf[65536], out_buf[65536];

static size_t
make_ip(uint8_t *p, uint32_t src, uint32_t dst, uint8_t protocol, size_t len,
    uint16_t id, uint16_t frag)
{
	memset(p, 0, 20);
	p[0] = 0x45;
	store_u16(p + 2, (uint16_t)len);
	store_u16(p + 4, id);
	store_u16(p + 6, frag);
	p[8] = 64;
	p[9] = protocol;
	store_u32(p + 12, src);
	store_u32(p + 16, dst);
	store_u16(p + 10, checksum_fold(checksum_add(0, p, 20)));
	return len;
}

static size_t
make_udp(uint8_t *p, uint32_t src, uint32_t dst, uint16_t sport,
    uint16_t dport, size_t len)
{
	for (size_t i = 28; i < len; i++)
		p[i] = (uint8_t)(i % 251);
	store_u16(p + 20, sport);
	store_u16(p + 22, dport);
	store_u16(p + 24, (uint16_t)(len - 20));
	store_u16(p + 26, 0);
	return make_ip(p, src, dst, IPPROTO_UDP, len, 0x1234, 0);
}

/* --- a queue without a kernel --------------------------------------------- */

struct lab {
	struct forward_shared shared;
	struct forward f;
	struct forward_public *public;
};

static void
add_host(struct demux *d, uint32_t id, uint32_t host, uint16_t lo)
{
	struct demux_range   r = { lo, (uint16_t)(lo + 63) };
	uint32_t	     spi = SPI_OF(host);
	struct demux_binding b = { .client_id = id, .bind_id = 1,
		.host = addr_from_v4(htonl(host)),
		.gateway = addr_from_v4(htonl(NA)),
		.tunnel = TUNNEL_IPIP, .local = addr_from_v4(htonl(NB)),
		.ipsec = true, .ports = &r, .nports = 1, .spis = &spi,
		.nspis = 1,
		.remote_policy = DEMUX_REMOTE_NONE };

	assert_non_null(demux_add(d, &b));
}

static int
setup(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));

	l->public = calloc(1, sizeof(*l->public) +
	    2 * sizeof(l->public->pool[0]));
	l->public->addr = addr_from_v4(htonl(NB));
	l->public->npools = 1;
	l->public->pool[0].local = true;
	l->public->pool[0].addr = addr_from_v4(htonl(NB));
	l->shared.public = l->public;
	l->public->gateways.list[0] = addr_from_v4(htonl(NA));
	l->public->gateways.n = 1;
	l->public->networks[0] = (struct prefix){
		addr_from_v4(htonl(0x0a000000)), 24 };
	l->public->nnetworks = 1;
	l->shared.demux = demux_new(1000);
	atomic_store(&l->shared.private_index, PRIVATE);
	atomic_store(&l->shared.mtu, 1500);
	atomic_store(&l->shared.public_mtu, 1500);
	/* Errors go nowhere here; the tests with real wires look at them. */
	l->shared.raw_fd = -1;
	l->shared.wake_fd = -1;
	assert_int_equal(forward_init(&l->f, &l->shared), 0);
	l->f.now = NOW;
	add_host(l->shared.demux, 1, X1, 20000);
	add_host(l->shared.demux, 2, X2, 20064);
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	struct lab *l = *state;

	forward_clear(&l->f);
	demux_free(l->shared.demux);
	free(l->public);
	free(l);
	return 0;
}

static enum forward_action
from_outside(struct lab *l, size_t len, struct forward_out *out)
{
	struct forward_packet in = { .data = buf, .len = len, .in_index = 3,
		.hook = FORWARD_PREROUTING };

	*out = (struct forward_out) { .data = out_buf };
	return forward_packet(&l->f, &in, out);
}

/* inner lies at buf + 20 */
static enum forward_action
through(struct lab *l, uint32_t host, uint32_t gateway, size_t inner,
    struct forward_out *out)
{
	struct forward_packet in = { .data = buf, .in_index = PRIVATE,
		.hook = FORWARD_PREROUTING };

	*out = (struct forward_out) { .data = out_buf };
	in.len = make_ip(buf, host, gateway, IPPROTO_IPIP, 20 + inner, 1, 0);
	return forward_packet(&l->f, &in, out);
}

static enum forward_action
from_host(struct lab *l, uint32_t host, size_t inner, struct forward_out *out)
{
	return through(l, host, NA, inner, out);
}

/* --- headers -------------------------------------------------------------- */

/* doc/tour.md: an inbound ESP packet at the gateway, and a
 * host's on its way out. */
static void
test_headers_are_read_once(void **state)
{
	struct lab	  *l = *state;
	struct forward_out out;

	store_u32(buf + 40, 0x1234);
	make_ip(buf + 20, NB, Y, IPPROTO_ESP, 100, 1, 0);
	header_reads = 0;
	assert_int_equal(from_host(l, X1, 100, &out), FORWARD_SEND);
	/* The tunnel's, and that of what is inside. */
	assert_int_equal(header_reads, 2);
	store_u32(buf + 20, SPI_OF(X1));
	make_ip(buf, Y, NB, IPPROTO_ESP, 100, 1, 0);
	header_reads = 0;
	assert_int_equal(from_outside(l, 100, &out), FORWARD_SEND);
	assert_int_equal(out.len, 120);
	assert_int_equal(header_reads, 1);
}

/* --- two gateways --------------------------------------------------------- */

#define NA2	(NA + 1)
#define NB2	(NB + 1)

/* What a host leases at one goes through the tunnel to that one
 * alone, and comes out of it. */
static void
test_each_gateway_has_its_tunnels(void **state)
{
	struct lab	    *l = *state;
	struct forward_misuse m;
	struct forward_out   out;
	struct packet_view   outer;
	struct demux_range   r = { 30000, 30063 };
	struct demux_binding b = { .grantor = 1, .client_id = 1, .bind_id = 9,
		.host = addr_from_v4(htonl(X1)),
		.gateway = addr_from_v4(htonl(NA2)), .tunnel = TUNNEL_IPIP,
		.local = addr_from_v4(htonl(NB2)), .ports = &r, .nports = 1,
		.remote_policy = DEMUX_REMOTE_NONE };

	l->public->gateways.list[l->public->gateways.n++] = b.gateway;
	l->public->pool[l->public->npools++].addr = b.local;
	assert_non_null(demux_add(l->shared.demux, &b));
	make_udp(buf + 20, NB2, Y, 30000, 53, 100);
	assert_int_equal(through(l, X1, NA2, 100, &out), FORWARD_SEND);
	assert_int_equal(through(l, X1, NA, 100, &out), FORWARD_DROP);
	assert_true(forward_take_misuse(&l->f, &m));
	assert_int_equal(m.verdict, DEMUX_MISUSE_TUNNEL);
	assert_true(addr_equal(&m.gateway, &b.gateway));
	assert_int_equal(m.bind_id, 9);
	make_udp(buf + 20, NB, Y, 20000, 53, 100);
	assert_int_equal(through(l, X1, NA, 100, &out), FORWARD_SEND);
	assert_int_equal(through(l, X1, NA2, 100, &out), FORWARD_DROP);
	assert_true(forward_take_misuse(&l->f, &m));
	assert_int_equal(addr_v4(&m.gateway), htonl(NA));
	/* No gateway of ours: no rule queues it, and it is no tunnel. */
	assert_int_equal(through(l, X1, NA + 9, 100, &out), FORWARD_ACCEPT);
	assert_false(forward_take_misuse(&l->f, &m));
	make_udp(buf, Y, NB2, 53, 30000, 100);
	assert_int_equal(from_outside(l, 100, &out), FORWARD_SEND);
	assert_true(packet_parse_ipv4(&outer, out.data, out.len));
	assert_true(addr_equal(&outer.src, &b.gateway));
}

/* A leased address that another machine serves just now is reached
 * there, by whatever that has learnt. */
static void
test_away_is_elsewhere(void **state)
{
	struct lab	    *l = *state;
	struct forward_out   out;
	struct demux_range   r = { 30000, 30063 };
	struct demux_binding b = { .grantor = 1, .client_id = 1, .bind_id = 9,
		.host = addr_from_v4(htonl(X2)),
		.gateway = addr_from_v4(htonl(NA2)), .tunnel = TUNNEL_IPIP,
		.local = addr_from_v4(htonl(NB2)), .ports = &r, .nports = 1,
		.remote_policy = DEMUX_REMOTE_NONE };

	l->public->gateways.list[l->public->gateways.n++] = b.gateway;
	l->public->pool[1].addr = b.local;
	l->public->pool[1].away = true;
	l->public->npools = 2;
	assert_non_null(demux_add(l->shared.demux, &b));
	make_udp(buf + 20, NB, NB2, 20000, 30000, 100);
	assert_int_equal(from_host(l, X1, 100, &out), FORWARD_SEND);
	assert_int_equal(out.mark, MARK_OUT);
	l->public->pool[1].away = false;
	assert_int_equal(from_host(l, X1, 100, &out), FORWARD_SEND);
	assert_int_equal(out.mark, MARK_HOST);
}

/* --- lengths -------------------------------------------------------------- */

/*
 * With the outer header these do not fit the verdict's attribute: its 16 bits
 * of length wrapped, and the kernel took the packet on as it was.
 */
static void
test_largest(void **state)
{
	struct lab	  *l = *state;
	struct forward_out out;

	for (size_t n = 65500; n <= 65535; n++) {
		make_udp(buf, Y, NB, 53, 20000, n);
		if (n <= FORWARD_MAX - 20) {
			assert_int_equal(
			    from_outside(l, n, &out), FORWARD_SEND);
			assert_int_equal(out.len, n + 20);
			assert_true(out.len + 4 <= UINT16_MAX);
		} else {
			assert_int_equal(
			    from_outside(l, n, &out), FORWARD_DROP);
		}
	}
	for (size_t n = 65500; n <= 65515; n++) {
		make_udp(buf + 20, NB, Y, 20000, 53, n);
		assert_int_equal(from_host(l, X1, n, &out), FORWARD_SEND);
		assert_true(out.len + 4 <= UINT16_MAX);
	}
}

/* --- hosts' fragments ----------------------------------------------------- */

static uint8_t datagram[65536];

/* Sends one part of datagram in host's tunnel. */
static enum forward_action
send_part(struct lab *l, uint32_t host, size_t from, size_t n, uint16_t id,
    struct forward_out *out)
{
	size_t total = load_u16(datagram + 2);
	bool   more = from + n < total - 20;

	memcpy(buf + 40, datagram + 20 + from, n);
	make_ip(buf + 20, load_u32(datagram + 12), load_u32(datagram + 16),
	    datagram[9], 20 + n, id,
	    (uint16_t)(from / 8 | (more ? 0x2000 : 0)));
	return from_host(l, host, 20 + n, out);
}

/* RFC 3102 §3.1, §6.3. */
static void
test_fragments_in_any_order(void **state)
{
	static const unsigned order[][4] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 },
		{ 2, 0, 3, 1 }, { 1, 3, 0, 2 } };
	struct lab	     *l = *state;
	struct forward_out    out;

	make_udp(datagram, NB, Y, 20001, 53, 3020);
	for (size_t i = 0; i < 4; i++) {
		for (size_t k = 0; k < 4; k++) {
			unsigned	    at = order[i][k] * 800;
			enum forward_action a = send_part(l, X1, at,
			    at == 2400 ? 600 : 800, 7, &out);

			if (k == 2)	/* a duplicate changes nothing */
				(void)send_part(l, X1, order[i][0] * 800,
				    order[i][0] == 3 ? 600 : 800, 7, &out);
			assert_int_equal(
			    a, k == 3 ? FORWARD_SEND : FORWARD_DROP);
		}
		assert_int_equal(out.len, 3020);
		assert_int_equal(out.mark, MARK_OUT);
		assert_memory_equal(out.data + 20, datagram + 20, 3000);
		assert_int_equal(load_u16(out.data + 6), 0);
		assert_int_equal(
		    checksum_fold(checksum_add(0, out.data, 20)), 0);
	}
}

/* RFC 3102 §6.3: one IP id, one peer, at the same time. */
static void
test_fragments_of_two_hosts(void **state)
{
	struct lab	  *l = *state;
	struct forward_out out;
	uint16_t	   ids[2];

	for (size_t at = 0; at < 1600; at += 800) {
		for (unsigned h = 0; h < 2; h++) {
			make_udp(datagram, NB, Y, h == 0 ? 20001 : 20065, 53,
			    1620);
			datagram[100] = (uint8_t)h;
			assert_int_equal(send_part(l, h == 0 ? X1 : X2, at,
					     800, 7, &out),
			    at == 0 ? FORWARD_DROP : FORWARD_SEND);
			if (at == 0)
				continue;
			assert_memory_equal(
			    out.data + 20, datagram + 20, 1600);
			ids[h] = load_u16(out.data + 4);
		}
	}
	assert_int_not_equal(ids[0], ids[1]);
}

static void
test_fragments_are_judged_whole(void **state)
{
	struct lab	  *l = *state;
	struct forward_out out;

	/* Another host's port, which no fragment but the first shows. */
	make_udp(datagram, NB, Y, 20065, 53, 820);
	assert_int_equal(send_part(l, X1, 400, 400, 7, &out), FORWARD_DROP);
	assert_int_equal(send_part(l, X1, 0, 400, 7, &out), FORWARD_DROP);
	/* A leased port that the second fragment would write over. */
	make_udp(datagram, NB, Y, 20001, 53, 820);
	assert_int_equal(send_part(l, X1, 0, 400, 8, &out), FORWARD_DROP);
	store_u16(datagram + 20, 20065);
	assert_int_equal(send_part(l, X1, 0, 16, 8, &out), FORWARD_DROP);
	store_u16(datagram + 20, 20001);
	assert_int_equal(send_part(l, X1, 400, 400, 8, &out), FORWARD_DROP);
	/* Beyond the end, and beyond what a datagram can be. */
	assert_int_equal(send_part(l, X1, 400, 400, 9, &out), FORWARD_DROP);
	make_udp(datagram, NB, Y, 20001, 53, 65535);
	assert_int_equal(send_part(l, X1, 1600, 800, 9, &out), FORWARD_DROP);
	make_udp(datagram, NB, Y, 20001, 53, 820);
	assert_int_equal(send_part(l, X1, 0, 400, 9, &out), FORWARD_DROP);
	/* A host without a lease makes us keep nothing. */
	assert_int_equal(send_part(l, X3, 0, 400, 9, &out), FORWARD_DROP);
	assert_int_equal(send_part(l, X3, 400, 400, 9, &out), FORWARD_DROP);
}

/* RFC 3102 §3.1. */
static void
test_fragments_are_bounded(void **state)
{
	struct lab	  *l = *state;
	struct forward_out out;

	make_udp(datagram, NB, Y, 20065, 53, 820);
	assert_int_equal(send_part(l, X2, 0, 400, 7, &out), FORWARD_DROP);
	make_udp(datagram, NB, Y, 20001, 53, 820);
	for (uint16_t id = 0; id < 5000; id++)
		assert_int_equal(
		    send_part(l, X1, 0, 400, id, &out), FORWARD_DROP);
	/* The host's own oldest went, not the other host's. */
	assert_int_equal(send_part(l, X1, 400, 400, 4999, &out), FORWARD_SEND);
	assert_int_equal(send_part(l, X1, 400, 400, 0, &out), FORWARD_DROP);
	make_udp(datagram, NB, Y, 20065, 53, 820);
	assert_int_equal(send_part(l, X2, 400, 400, 7, &out), FORWARD_SEND);
	/* And what is not whole in time goes. */
	assert_int_equal(send_part(l, X2, 0, 400, 9, &out), FORWARD_DROP);
	l->f.now += REASSEMBLE_TIME;
	assert_int_equal(send_part(l, X2, 400, 400, 9, &out), FORWARD_DROP);
}

/* --- ids, and where a tunnel leads ---------------------------------------- */

/* RFC 3102 §6.3. */
static void
test_ids(void **state)
{
	struct lab	  *l = *state;
	struct forward_out out;
	uint16_t	   a, b;
	size_t		   n;

	n = make_udp(buf + 20, NB, Y, 20001, 53, 100);
	assert_int_equal(from_host(l, X1, n, &out), FORWARD_SEND);
	a = load_u16(out.data + 4);
	n = make_udp(buf + 20, NB, Y, 20065, 53, 100);
	assert_int_equal(from_host(l, X2, n, &out), FORWARD_SEND);
	b = load_u16(out.data + 4);
	assert_int_not_equal(a, b);
	assert_int_equal(checksum_fold(checksum_add(0, out.data, 20)), 0);
	/* What must not be fragmented keeps its own, and so does AH. */
	make_udp(buf + 20, NB, Y, 20065, 53, 100);
	make_ip(buf + 20, NB, Y, IPPROTO_UDP, 100, 0x4321, 0x4000);
	assert_int_equal(from_host(l, X2, 100, &out), FORWARD_SEND);
	assert_int_equal(load_u16(out.data + 4), 0x4321);
	memset(buf + 40, 0, 80);
	store_u32(buf + 44, 0x9001);
	make_ip(buf + 20, NB, Y, IPPROTO_AH, 100, 0x4321, 0);
	assert_int_equal(from_host(l, X2, 100, &out), FORWARD_SEND);
	assert_int_equal(load_u16(out.data + 4), 0x4321);
}

/* RFC 3102 §3.2. */
static void
test_where_a_tunnel_leads(void **state)
{
	struct lab	     *l = *state;
	struct forward_out    out;
	struct forward_packet in = { .data = buf, .in_index = PRIVATE,
		.hook = FORWARD_LATE };
	size_t		      n;

	n = make_udp(buf + 20, NB, X3, 20001, 53, 100);
	assert_int_equal(from_host(l, X1, n, &out), FORWARD_DROP);
	n = make_udp(buf + 20, NB, NA, 20001, 4555, 100);
	assert_int_equal(from_host(l, X1, n, &out), FORWARD_DROP);
	n = make_udp(buf + 20, NB, NB, 20001, 53, 100);
	assert_int_equal(from_host(l, X1, n, &out), FORWARD_SEND);
	assert_int_equal(out.mark, MARK_ROUTER);
	n = make_udp(buf + 20, NB, NB, 20001, 20065, 100);
	assert_int_equal(from_host(l, X1, n, &out), FORWARD_SEND);
	assert_int_equal(out.mark, MARK_HOST);
	assert_int_equal(load_u32(out.data + 16), X2);
	/* A neighbour speaks first. */
	in.len = make_udp(buf, X3, NB, 53, 20001, 100);
	out = (struct forward_out) { .data = out_buf };
	assert_int_equal(forward_packet(&l->f, &in, &out), FORWARD_SEND);
	assert_int_equal(load_u32(out.data + 16), X1);
	n = make_udp(buf + 20, NB, X3, 20001, 53, 100);
	assert_int_equal(from_host(l, X1, n, &out), FORWARD_SEND);
	assert_int_equal(out.mark, MARK_ANSWER);
	/* A tunnel does not begin elsewhere. */
	n = make_udp(buf + 20, NB, Y, 20001, 53, 100);
	in = (struct forward_packet) { .data = buf, .in_index = 3,
		.hook = FORWARD_PREROUTING };
	in.len = make_ip(buf, X1, NA, IPPROTO_IPIP, 20 + n, 1, 0);
	assert_int_equal(forward_packet(&l->f, &in, &out), FORWARD_DROP);
}

/* The first message of an IKE_SA_INIT with a body of 40 bytes, in
 * UDP; its length. */
static size_t
make_sa_init(void)
{
	uint8_t *ike = buf + 28;
	size_t	 n = make_udp(buf, Y, NB, 500, 500, 28 + 68);

	memset(ike, 0, 28);
	memset(ike, 0x5a, 8);
	ike[16] = 33;
	ike[17] = 0x20;
	ike[18] = 34;
	ike[19] = 0x08;
	store_u32(ike + 24, 68);
	return n;
}

static bool
refused(size_t len)
{
	static uint8_t	   out[REFUSAL_MAX];
	struct packet_view p, v;

	if (!packet_parse_ipv4(&p, buf, len) || !refusal_write(out, &p, &v))
		return false;
	assert_int_equal(v.len, REFUSAL_MAX);
	assert_true(v.len <= p.len);
	assert_int_equal(load_u32(out + 12), NB);
	assert_int_equal(load_u32(out + 16), Y);
	assert_int_equal(load_u16(out + 20), 500);
	assert_memory_equal(out + 28, buf + 28, 8);
	/* A notify of no protocol, NO_PROPOSAL_CHOSEN, in an answer. */
	assert_memory_equal(out + 44, "\x29\x20\x22\x20\0\0\0\0\0\0\0\x24"
	    "\0\0\0\x08\0\0\0\x0e", 20);
	return true;
}

/* RFC 7296 §2.21.1: nothing but a stranger's first message is
 * answered, and with less. */
static void
test_strangers_ike_is_refused(void **state)
{
	static const struct {
		unsigned at;
		uint8_t	 becomes;
	} others[] = {
		{ 22, 4 },		/* another port */
		{ 28 + 8, 1 },		/* a responder's SPI is there */
		{ 28 + 17, 0x10 },	/* IKEv1 */
		{ 28 + 18, 35 },	/* IKE_AUTH */
		{ 28 + 19, 0x28 },	/* an answer */
		{ 28 + 19, 0 },
		{ 28 + 23, 1 },		/* not the first */
		{ 28 + 27, 67 },	/* another length */
	};
	size_t n, i;

	(void)state;
	n = make_sa_init();
	assert_true(refused(n));
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		make_sa_init();
		buf[others[i].at] = others[i].becomes;
		assert_false(refused(n));
	}
	make_sa_init();
	memset(buf + 28, 0, 8);
	assert_false(refused(n));
	/* Cut short, or a fragment. */
	for (i = 28; i < n; i++) {
		make_sa_init();
		make_ip(buf, Y, NB, IPPROTO_UDP, i, 1, 0);
		assert_false(refused(i));
	}
	make_sa_init();
	make_ip(buf, Y, NB, IPPROTO_UDP, n, 1, 0x2000);
	assert_false(refused(n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
		TEST(test_headers_are_read_once),
		TEST(test_each_gateway_has_its_tunnels),
		TEST(test_away_is_elsewhere),
		TEST(test_largest),
		TEST(test_fragments_in_any_order),
		TEST(test_fragments_of_two_hosts),
		TEST(test_fragments_are_judged_whole),
		TEST(test_fragments_are_bounded),
		TEST(test_ids),
		TEST(test_where_a_tunnel_leads),
		TEST(test_strangers_ike_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
