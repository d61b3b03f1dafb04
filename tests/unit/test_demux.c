/* test_demux.c - whose is an inbound packet, and what may a host send */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/util.h"
#include "nat/demux_answer.h"
#include "tests/unit/demux_world.h"
#include "tests/unit/demux_ids.h"

/* --- inbound -------------------------------------------------------------- */

/* RFC 3102 §3.2; RFC 3104 §5. */
static void
test_ipsec_by_spi(void **state)
{
	struct demux *d = two_hosts();

	(void)state;
	assert_to(d, make_esp(Y, NB, 0x1001), X1);
	assert_to(d, make_esp(Y, NB, 0x1002), X1);
	assert_to(d, make_esp(Y, NB, 0x2001), X2);
	assert_to(d, make_ah(Y, NB, 0x2001), X2);
	assert_in(d, make_esp(Y, NB, 0x2002), DEMUX_DROP);
	assert_in(d, make_ah(Y, NB, 0), DEMUX_DROP);
	assert_in(d, make_esp(Y, NB2, 0x1001), DEMUX_DROP);
	demux_set_local_ipsec(d, true);
	assert_in(d, make_esp(Y, NB, 0x2002), DEMUX_NOT_OURS);
	assert_to(d, make_esp(Y, NB, 0x2001), X2);
	demux_free(d);
}

/* RFC 3103 §7.3.2, §7.3.3. */
static void
test_ports(void **state)
{
	struct demux *d = two_hosts();

	(void)state;
	assert_to(d, make_port(17, Y, NB, 53, 20000), X1);
	assert_to(d, make_port(17, Y, NB, 53, 20063), X1);
	assert_to(d, make_port(17, Y, NB, 53, 20064), X2);
	assert_to(d, make_port(6, Y, NB, 80, 20127), X2);
	assert_in(d, make_port(6, Y, NB, 80, 20128), DEMUX_NOT_OURS);
	assert_in(d, make_port(6, Y, NB, 80, 19999), DEMUX_NOT_OURS);
	assert_in(d, make_port(17, Y, NB2, 53, 20000), DEMUX_NOT_OURS);
	demux_free(d);
}

/* RFC 3102 §5.1. */
static void
test_cookies(void **state)
{
	static const uint64_t negotiated[] = { 0xc00c1e };
	struct demux	     *d = two_hosts();
	struct demux_binding  b = binding(3, X2);

	(void)state;
	assert_in(d, make_ike(Y, NB, 500, 0xa), DEMUX_DROP);
	assert_int_equal(out(d, X1, make_ike(NB, Y, 500, 0xa)), DEMUX_FORWARD);
	assert_int_equal(out(d, X2, make_ike(NB, Y, 500, 0xb)), DEMUX_FORWARD);
	assert_to(d, make_ike(Y, NB, 500, 0xa), X1);
	assert_to(d, make_ike(Y, NB, 500, 0xb), X2);
	/* RFC 3104 §6.1: another's cookie is dropped. */
	assert_int_equal(out(d, X2, make_ike(NB, Y, 500, 0xa)), DEMUX_DROP);
	/* RFC 3948: the same exchange goes on at 4500. */
	assert_to(d, make_ike(Y, NB, 4500, 0xa), X1);
	/* ESP in UDP at 4500 is told by its SPI. */
	make_ike(Y, NB, 4500, 0);
	store_u32(buf + 28, 0x2001);
	assert_to(d, 20 + 8 + 32, X2);
	b.cookies = negotiated;
	b.ncookies = 1;
	assert_non_null(demux_add(d, &b));
	assert_to(d, make_ike(Y, NB, 500, 0xc00c1e), X2);
	assert_int_equal(out(d, X1, make_ike(NB, Y, 500, 0xc00c1e)),
	    DEMUX_DROP);
	demux_free(d);
}

static void
test_icmp_queries(void **state)
{
	struct demux *d = two_hosts();

	(void)state;
	assert_in(d, make_echo(Y, NB, 0, 7), DEMUX_NOT_OURS);
	assert_int_equal(out(d, X1, make_echo(NB, Y, 8, 7)), DEMUX_FORWARD);
	assert_int_equal(out(d, X2, make_echo(NB, Y2, 8, 7)), DEMUX_FORWARD);
	assert_to(d, make_echo(Y, NB, 0, 7), X1);
	assert_to(d, make_echo(Y2, NB, 0, 7), X2);
	/* Answers to both could not be told apart, until the
	 * first is answered. */
	assert_int_equal(out(d, X1, make_echo(NB, Y, 8, 7)), DEMUX_FORWARD);
	assert_int_equal(out(d, X2, make_echo(NB, Y, 8, 7)), DEMUX_DROP);
	assert_to(d, make_echo(Y, NB, 0, 7), X1);
	assert_int_equal(out(d, X2, make_echo(NB, Y, 8, 7)), DEMUX_FORWARD);
	assert_to(d, make_echo(Y, NB, 0, 7), X2);
	/* Or is not answered for some seconds. */
	assert_int_equal(out(d, X1, make_echo(NB, Y, 8, 7)), DEMUX_FORWARD);
	assert_int_equal(
	    out_at(d, NOW + 4000, X2, make_echo(NB, Y, 8, 7)), DEMUX_DROP);
	assert_int_equal(
	    out_at(d, NOW + 5000, X2, make_echo(NB, Y, 8, 7)), DEMUX_FORWARD);
	assert_to(d, make_echo(Y, NB, 0, 7), X2);
	/* Requests are the router's; a reply of a host to nobody's
	 * request is not sent. */
	assert_in(d, make_echo(Y, NB, 8, 7), DEMUX_NOT_OURS);
	assert_int_equal(
	    out(d, X1, make_echo(NB, Y, 0, 7)), DEMUX_MISUSE_ADDRPORT);
	demux_free(d);
}

/* RFC 3102 §6.2: identifier and sequence number; some systems
 * use one identifier. */
static void
test_icmp_sequence(void **state)
{
	struct demux *d = two_hosts();

	(void)state;
	for (uint16_t i = 0; i < 100; i++)
		assert_int_equal(out(d, i % 2 == 0 ? X1 : X2,
				     make_ping(NB, Y, 8, 1, i)),
		    DEMUX_FORWARD);
	for (uint16_t i = 100; i-- > 0;) {
		make_ping(NB, Y, 8, 1, i);
		assert_to(d, make_error(Y2, NB, 11, 28), i % 2 == 0 ? X1 : X2);
		assert_to(d, make_ping(Y, NB, 0, 1, i), i % 2 == 0 ? X1 : X2);
	}
	assert_in(d, make_ping(Y, NB, 0, 1, 100), DEMUX_NOT_OURS);
	assert_in(d, make_ping(Y2, NB, 0, 1, 1), DEMUX_NOT_OURS);
	demux_free(d);
}

static void
expect(struct demux *d, uint64_t now, size_t n)
{
	struct packet_view v;

	assert_true(packet_parse_ipv4(&v, buf, n));
	demux_expect(d, now, &v);
}

static bool
expected(struct demux *d, size_t n)
{
	struct packet_view v;

	assert_true(packet_parse_ipv4(&v, buf, n));
	return demux_expected(d, NOW, &v);
}

/* What a leased port may send to the private side: answers. */
static void
test_answers_to_neighbours(void **state)
{
	struct demux *d = two_hosts();
	size_t	      n, before, after;

	(void)state;
	n = make_port(17, NB, "10.0.0.99", 20000, 4000);
	assert_false(expected(d, n));
	n = make_port(17, "10.0.0.99", NB, 4000, 20000);
	assert_to(d, n, X1);
	expect(d, NOW, n);
	n = make_error(NB, "10.0.0.99", 3, n);
	assert_true(expected(d, n));
	n = make_port(17, NB, "10.0.0.99", 20000, 4000);
	assert_true(expected(d, n));
	n = make_port(6, NB, "10.0.0.99", 20000, 4000);
	assert_false(expected(d, n));
	n = make_port(17, NB, "10.0.0.98", 20000, 4000);
	assert_false(expected(d, n));
	n = make_port(17, NB, "10.0.0.99", 20000, 4001);
	assert_false(expected(d, n));
	n = make_port(17, NB, "10.0.0.99", 20001, 4000);
	assert_false(expected(d, n));
	/* Nobody's port is nobody's to answer from. */
	n = make_port(17, "10.0.0.99", NB, 4000, 20500);
	expect(d, NOW, n);
	n = make_port(17, NB, "10.0.0.99", 20500, 4000);
	assert_false(expected(d, n));
	/* A neighbour that tries all ports pushes out nothing of the host's. */
	assert_int_equal(out(d, X1, make_ike(NB, Y, 500, 7)), DEMUX_FORWARD);
	demux_count(d, NULL, &before, NULL);
	for (unsigned i = 0; i < 20000; i++) {
		n = make_port(17, "10.0.0.99", NB, (uint16_t)i, 20000);
		expect(d, NOW + 61000 + i * 10, n);
	}
	demux_count(d, NULL, &after, NULL);
	assert_true(after - before <= 256);
	assert_to(d, make_ike(Y, NB, 500, 7), X1);
	assert_int_equal(demux_remove_ids(d, 0, 1, 1), 0);
	n = make_port(17, NB, "10.0.0.99", 20000, 19999);
	assert_false(expected(d, n));
	demux_free(d);
}

/* RFC 3102 §6.2. */
static void
test_icmp_errors(void **state)
{
	struct demux *d = two_hosts();

	(void)state;
	/* ESP: only the remembered SPI of the peer tells whose it was. */
	make_esp(NB, Y, 0x9001);
	assert_in(d, make_error(Y2, NB, 3, 28), DEMUX_NOT_OURS);
	assert_int_equal(out(d, X2, make_esp(NB, Y, 0x9001)), DEMUX_FORWARD);
	make_esp(NB, Y, 0x9001);
	assert_to(d, make_error(Y2, NB, 3, 28), X2);
	make_esp(NB, Y2, 0x9001);
	assert_in(d, make_error(Y2, NB, 3, 28), DEMUX_NOT_OURS);
	assert_int_equal(out(d, X1, make_ah(NB, Y, 0x9001)), DEMUX_FORWARD);
	make_ah(NB, Y, 0x9001);
	assert_to(d, make_error(Y2, NB, 11, 28), X1);
	/* IKE from 500, UDP and TCP from leased ports, echo. */
	assert_int_equal(out(d, X1, make_ike(NB, Y, 500, 5)), DEMUX_FORWARD);
	make_ike(NB, Y, 500, 5);
	assert_to(d, make_error(Y, NB, 3, 36), X1);
	make_port(17, NB, Y, 20064, 53);
	assert_to(d, make_error(Y, NB, 3, 28), X2);
	make_port(6, NB, Y, 20000, 80);
	assert_to(d, make_error(Y, NB, 12, 28), X1);
	assert_int_equal(out(d, X1, make_echo(NB, Y, 8, 9)), DEMUX_FORWARD);
	make_echo(NB, Y, 8, 9);
	assert_to(d, make_error(Y, NB, 11, 28), X1);
	/* Quoting what did not come from here, or too little of it. */
	make_port(6, NB2, Y, 20000, 80);
	assert_in(d, make_error(Y, NB, 3, 28), DEMUX_NOT_OURS);
	make_port(6, NB, Y, 20000, 80);
	assert_in(d, make_error(Y, NB, 3, 27), DEMUX_NOT_OURS);
	/* Redirects are about a link that hosts are not on. */
	make_port(6, NB, Y, 20000, 80);
	assert_in(d, make_error(Y, NB, 5, 28), DEMUX_NOT_OURS);
	demux_free(d);
}

static void
test_errors_that_hosts_send(void **state)
{
	struct demux *d = two_hosts();

	(void)state;
	make_port(17, Y, NB, 53, 20000);
	assert_int_equal(
	    out(d, X1, make_error(NB, Y, 3, 28)), DEMUX_FORWARD);
	make_port(17, Y, NB, 53, 20000);
	assert_int_equal(
	    out(d, X2, make_error(NB, Y, 3, 28)), DEMUX_MISUSE_ADDRPORT);
	make_esp(Y, NB, 0x2001);
	assert_int_equal(
	    out(d, X2, make_error(NB, Y, 3, 28)), DEMUX_FORWARD);
	make_esp(Y, NB, 0x2001);
	assert_int_equal(
	    out(d, X1, make_error(NB, Y, 3, 28)), DEMUX_MISUSE_ADDRPORT);
	/* To somebody else than the one it came from. */
	make_esp(Y, NB, 0x2001);
	assert_int_equal(out(d, X2, make_error(NB, Y2, 3, 28)), DEMUX_DROP);
	/* About the answer to a ping: it goes where that came from while it is
	 * known whose it was.  Nobody has misused anything. */
	assert_int_equal(out(d, X1, make_ping(NB, Y, 8, 1, 7)), DEMUX_FORWARD);
	make_ping(Y, NB, 0, 1, 7);
	assert_int_equal(
	    out(d, X1, make_error(NB, Y, 11, 28)), DEMUX_FORWARD);
	assert_to(d, make_ping(Y, NB, 0, 1, 7), X1);
	make_ping(Y, NB, 0, 1, 7);
	assert_int_equal(
	    out(d, X1, make_error(NB, Y, 11, 28)), DEMUX_FORWARD);
	make_ping(Y, NB, 0, 1, 7);
	assert_int_equal(out(d, X2, make_error(NB, Y, 11, 28)), DEMUX_DROP);
	make_ping(Y, NB, 0, 1, 8);
	assert_int_equal(out(d, X1, make_error(NB, Y, 11, 28)), DEMUX_DROP);
	assert_int_equal(out(d, X2, make_ping(NB, Y, 8, 1, 7)), DEMUX_FORWARD);
	make_ping(Y, NB, 0, 1, 7);
	assert_int_equal(out(d, X1, make_error(NB, Y, 11, 28)), DEMUX_DROP);
	/* What is no answer is nobody's, and another's address misuse. */
	make_ping(Y, NB, 8, 1, 7);
	assert_int_equal(
	    out(d, X1, make_error(NB, Y, 11, 28)), DEMUX_MISUSE_ADDRPORT);
	make_ping(Y, NB2, 0, 1, 7);
	assert_int_equal(
	    out(d, X1, make_error(NB2, Y, 11, 28)), DEMUX_MISUSE_ADDR);
	demux_free(d);
}

/* --- outbound ------------------------------------------------------------- */

/* RFC 3103 §10.4. */
static void
test_outbound_only_what_was_leased(void **state)
{
	struct demux_binding b = binding(1, X1);
	struct demux_target  t;
	struct demux	    *d = two_hosts();
	size_t		    n;

	(void)state;
	assert_int_equal(
	    out(d, X1, make_port(17, NB, Y, 20000, 53)), DEMUX_FORWARD);
	assert_int_equal(
	    out(d, X2, make_port(17, NB, Y, 20000, 53)), DEMUX_MISUSE_ADDRPORT);
	assert_int_equal(
	    out(d, X1, make_port(6, NB, Y, 1024, 80)), DEMUX_MISUSE_ADDRPORT);
	assert_int_equal(
	    out(d, "10.0.0.99", make_port(6, NB, Y, 20000, 80)),
	    DEMUX_MISUSE_ADDR);
	assert_int_equal(
	    out(d, X1, make_port(6, NB2, Y, 20000, 80)), DEMUX_MISUSE_ADDR);
	assert_int_equal(out(d, X1, make_esp(NB2, Y, 1)), DEMUX_MISUSE_ADDR);
	n = make_port(17, NB, Y, 20000, 53);
	assert_int_equal(ask_outbound(d, NOW, X1, TUNNEL_GRE, buf, n, &t),
	    DEMUX_MISUSE_TUNNEL);
	assert_int_equal(t.client_id, 1);
	assert_int_equal(t.bind_id, 1);
	/* With tunnels of both kinds each is spoken from in its own. */
	b.tunnel = TUNNEL_GRE;
	b.bind_id = 7;
	assert_non_null(demux_add(d, &b));
	n = make_esp(NB, Y, 9);
	assert_int_equal(ask_outbound(d, NOW, X1, TUNNEL_IPIP, buf, n, &t),
	    DEMUX_FORWARD);
	assert_int_equal(t.bind_id, 1);
	n = make_esp(NB, Y, 10);
	assert_int_equal(ask_outbound(d, NOW, X1, TUNNEL_GRE, buf, n, &t),
	    DEMUX_FORWARD);
	assert_int_equal(t.bind_id, 7);
	/* Other protocols show no port that could have been leased. */
	n = make_ip(buf, NB, Y, 132, 20);
	assert_int_equal(out(d, X1, n), DEMUX_MISUSE_ADDRPORT);
	demux_free(d);
}

static void
test_without_ipsec(void **state)
{
	struct demux	    *d = demux_new(1000);
	struct demux_binding b = binding(1, X1);

	(void)state;
	b.ipsec = false;
	b.ports = &ports1;
	b.nports = 1;
	assert_non_null(demux_add(d, &b));
	assert_int_equal(
	    out(d, X1, make_esp(NB, Y, 0x9001)), DEMUX_MISUSE_ADDRPORT);
	assert_int_equal(
	    out(d, X1, make_ike(NB, Y, 500, 1)), DEMUX_MISUSE_ADDRPORT);
	assert_int_equal(
	    out(d, X1, make_port(17, NB, Y, 20000, 500)), DEMUX_FORWARD);
	demux_free(d);
}

/* RFC 3103 §7.2. */
static void
test_remote_policy(void **state)
{
	struct demux	    *d = demux_new(1000);
	struct demux_binding b = binding(1, X1);

	(void)state;
	b.ports = &ports1;
	b.nports = 1;
	b.spis = spis1;
	b.nspis = 1;
	b.remote_policy = DEMUX_REMOTE_MICRO;
	b.remote = addr(Y);
	b.remote_ports = (struct demux_range) { 80, 80 };
	assert_non_null(demux_add(d, &b));
	assert_int_equal(
	    out(d, X1, make_port(6, NB, Y, 20000, 80)), DEMUX_FORWARD);
	assert_int_equal(out(d, X1, make_port(6, NB, Y, 20000, 81)),
	    DEMUX_MISUSE_REMOTE_ADDRPORT);
	assert_int_equal(out(d, X1, make_port(6, NB, Y2, 20000, 80)),
	    DEMUX_MISUSE_REMOTE_ADDR);
	assert_int_equal(
	    out(d, X1, make_esp(NB, Y2, 1)), DEMUX_MISUSE_REMOTE_ADDR);
	assert_int_equal(out(d, X1, make_esp(NB, Y, 1)), DEMUX_FORWARD);
	assert_to(d, make_port(6, Y, NB, 80, 20000), X1);
	assert_in(d, make_port(6, Y, NB, 81, 20000), DEMUX_DROP);
	assert_in(d, make_port(6, Y2, NB, 80, 20000), DEMUX_DROP);
	assert_in(d, make_esp(Y2, NB, 0x1001), DEMUX_DROP);
	assert_to(d, make_esp(Y, NB, 0x1001), X1);
	demux_free(d);
}

/* RFC 3103 §7.3.1. */
static void
test_whole_address(void **state)
{
	struct demux	    *d = two_hosts();
	struct demux_binding b = binding(3, X1), other = binding(4, X2);

	(void)state;
	b.local = addr(NB2);
	b.whole = true;
	assert_non_null(demux_add(d, &b));
	assert_to(d, make_esp(Y, NB2, 12345), X1);
	assert_to(d, make_port(6, Y, NB2, 1, 1), X1);
	assert_to(d, make_echo(Y, NB2, 8, 1), X1);
	assert_to(d, make_ike(Y, NB2, 500, 3), X1);
	assert_to(d, make_ip(buf, Y, NB2, 132, 8), X1);
	assert_int_equal(out(d, X1, make_ip(buf, NB2, Y, 132, 8)),
	    DEMUX_FORWARD);
	assert_int_equal(
	    out(d, X2, make_ip(buf, NB2, Y, 132, 8)), DEMUX_MISUSE_ADDR);
	other.local = addr(NB2);
	other.ports = &ports2;
	other.nports = 1;
	assert_null(demux_add(d, &other));
	assert_int_equal(errno, EEXIST);
	b = binding(5, X1);
	b.whole = true;
	assert_null(demux_add(d, &b));
	assert_int_equal(errno, EEXIST);
	demux_free(d);
}

static void
test_outbound_fragments(void **state)
{
	struct demux *d = two_hosts();
	size_t	      n;

	(void)state;
	/* None shows whose it is, and a first one may be written over by the
	 * next: whoever forwards makes them whole (reassemble.h). */
	n = make_port(17, NB, Y, 20000, 53);
	assert_int_equal(out(d, X1, n), DEMUX_FORWARD);
	store_u16(buf + 6, 3);
	assert_int_equal(out(d, X1, n), DEMUX_DROP);
	store_u16(buf + 6, 0x2000);
	assert_int_equal(out(d, X1, n), DEMUX_DROP);
	store_u16(buf + 6, 0x4000);
	assert_int_equal(out(d, X1, n), DEMUX_FORWARD);
	assert_true(holds(d, X1, NB));
	assert_false(holds(d, X1, NB2));
	assert_false(holds(d, Y, NB));
	demux_free(d);
}

/* --- hostile bytes -------------------------------------------------------- */

static void
try_all(struct demux *d, const uint8_t *p, size_t len)
{
	struct demux_target t;
	uint8_t		   *copy = malloc(len + 1);

	/* An allocation of its own lets the sanitizer see a
	 * byte read too far. */
	assert_non_null(copy);
	memcpy(copy, p, len);
	(void)ask_inbound(d, copy, len, &t);
	(void)ask_outbound(d, NOW, X1, TUNNEL_IPIP, copy, len, &t);
	free(copy);
}

static void
test_hostile(void **state)
{
	static uint8_t good[8][256];
	size_t	       len[8], n = 0;
	struct demux  *d = two_hosts();

	(void)state;
	len[n] = make_esp(Y, NB, 0x1001);
	memcpy(good[n++], buf, 256);
	len[n] = make_ah(Y, NB, 0x1001);
	memcpy(good[n++], buf, 256);
	len[n] = make_ike(Y, NB, 500, 1);
	memcpy(good[n++], buf, 256);
	len[n] = make_ike(Y, NB, 4500, 1);
	memcpy(good[n++], buf, 256);
	len[n] = make_port(6, Y, NB, 80, 20000);
	memcpy(good[n++], buf, 256);
	len[n] = make_echo(Y, NB, 0, 7);
	memcpy(good[n++], buf, 256);
	make_esp(NB, Y, 0x9001);
	len[n] = make_error(Y, NB, 3, 44);
	memcpy(good[n++], buf, 256);
	make_ike(NB, Y, 4500, 4);
	len[n] = make_error(Y, NB, 3, 60);
	memcpy(good[n++], buf, 256);
	for (size_t i = 0; i < n; i++) {
		for (size_t cut = 0; cut <= len[i]; cut++) {
			try_all(d, good[i], cut);
			memcpy(buf, good[i], len[i]);
			store_u16(buf + 2, (uint16_t)cut);
			try_all(d, buf, cut);
		}
		for (size_t at = 0; at < len[i]; at++) {
			for (unsigned v = 0; v < 256; v++) {
				memcpy(buf, good[i], len[i]);
				buf[at] = (uint8_t)v;
				try_all(d, buf, len[i]);
			}
		}
	}
	demux_free(d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipsec_by_spi),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_icmp_queries),
		cmocka_unit_test(test_icmp_sequence),
		cmocka_unit_test(test_answers_to_neighbours),
		cmocka_unit_test(test_icmp_errors),
		cmocka_unit_test(test_errors_that_hosts_send),
		cmocka_unit_test(test_outbound_only_what_was_leased),
		cmocka_unit_test(test_without_ipsec),
		cmocka_unit_test(test_remote_policy),
		cmocka_unit_test(test_whole_address),
		cmocka_unit_test(test_outbound_fragments),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
