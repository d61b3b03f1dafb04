/* test_demux.c - whose is an inbound packet, what may a host send, what is remembered and for how long */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/util.h"
#include "nat/demux.h"
#include "nat/packet.h"

#define NOW	1000000u
#define NB	"198.51.100.1"
#define NB2	"198.51.100.2"
#define NA	"10.0.0.1"
#define X1	"10.0.0.11"
#define X2	"10.0.0.12"
#define Y	"198.51.100.10"
#define Y2	"198.51.100.20"

static uint8_t buf[2048];

static uint32_t
addr(const char *s)
{
	struct in_addr a;

	assert_int_equal(inet_pton(AF_INET, s, &a), 1);
	return a.s_addr;
}

/* --- making packets --------------------------------------------------------- */

static size_t
make_ip(uint8_t *p, const char *src, const char *dst, uint8_t protocol,
    size_t payload)
{
	uint32_t s = addr(src), d = addr(dst);

	memset(p, 0, 20);
	p[0] = 0x45;
	store_u16(p + 2, (uint16_t)(20 + payload));
	store_u16(p + 4, 0x1234);
	p[8] = 64;
	p[9] = protocol;
	memcpy(p + 12, &s, 4);
	memcpy(p + 16, &d, 4);
	return 20 + payload;
}

static size_t
make_esp(const char *src, const char *dst, uint32_t spi)
{
	memset(buf, 0, 64);
	store_u32(buf + 20, spi);
	return make_ip(buf, src, dst, PACKET_ESP, 24);
}

static size_t
make_ah(const char *src, const char *dst, uint32_t spi)
{
	memset(buf, 0, 64);
	store_u32(buf + 24, spi);
	return make_ip(buf, src, dst, PACKET_AH, 24);
}

static size_t
make_port(uint8_t protocol, const char *src, const char *dst, uint16_t sport,
    uint16_t dport)
{
	memset(buf, 0, 64);
	store_u16(buf + 20, sport);
	store_u16(buf + 22, dport);
	return make_ip(buf, src, dst, protocol, 20);
}

static size_t
make_ike(const char *src, const char *dst, uint16_t port, uint64_t cookie)
{
	size_t off = port == 4500 ? 32 : 28;

	memset(buf, 0, 128);
	store_u16(buf + 20, port);
	store_u16(buf + 22, port);
	store_u64(buf + off, cookie);
	return make_ip(buf, src, dst, PACKET_UDP, off - 20 + 28);
}

static size_t
make_echo(const char *src, const char *dst, uint8_t type, uint16_t id)
{
	memset(buf, 0, 64);
	buf[20] = type;
	store_u16(buf + 24, id);
	return make_ip(buf, src, dst, PACKET_ICMP, 12);
}

/* Turns the packet in buf into an ICMP error about its first n bytes. */
static size_t
make_error(const char *src, const char *dst, uint8_t type, size_t n)
{
	memmove(buf + 28, buf, n);
	memset(buf + 20, 0, 8);
	buf[20] = type;
	return make_ip(buf, src, dst, PACKET_ICMP, 8 + n);
}

/* --- asking ------------------------------------------------------------------ */

static enum demux_verdict
in(struct demux *d, size_t len, struct demux_target *t)
{
	memset(t, 0, sizeof(*t));
	return demux_inbound(d, NOW, buf, len, t);
}

static enum demux_verdict
out_at(struct demux *d, uint64_t now, const char *host, size_t len)
{
	struct demux_target t;

	return demux_outbound(d, now, addr(host), DEMUX_IPIP, buf, len, &t);
}

static enum demux_verdict
out(struct demux *d, const char *host, size_t len)
{
	return out_at(d, NOW, host, len);
}

#define assert_to(d, len, x)                                                \
	do {                                                                \
		struct demux_target to_;                                    \
		assert_int_equal(in(d, len, &to_), DEMUX_FORWARD);          \
		assert_int_equal(to_.host, addr(x));                        \
		assert_int_equal(to_.gateway, addr(NA));                    \
	} while (0)

#define assert_in(d, len, verdict)                                          \
	do {                                                                \
		struct demux_target to_;                                    \
		assert_int_equal(in(d, len, &to_), verdict);                \
	} while (0)

/* Two hosts at one address, as in the picture of the design. */
static const struct demux_range ports1 = { 20000, 20063 },
	ports2 = { 20064, 20127 };
static const uint32_t spis1[] = { 0x1001, 0x1002 }, spis2[] = { 0x2001 };

static struct demux_binding
binding(uint32_t client, const char *host)
{
	return (struct demux_binding) {
		.client_id = client,
		.bind_id = 1,
		.host = addr(host),
		.gateway = addr(NA),
		.tunnel = DEMUX_IPIP,
		.local = addr(NB),
		.ipsec = true,
		.remote_policy = DEMUX_REMOTE_NONE,
	};
}

static struct demux *
two_hosts(void)
{
	struct demux	    *d = demux_new(10000);
	struct demux_binding b1 = binding(1, X1), b2 = binding(2, X2);

	assert_non_null(d);
	b1.ports = &ports1;
	b1.nports = 1;
	b1.spis = spis1;
	b1.nspis = 2;
	b2.ports = &ports2;
	b2.nports = 1;
	b2.spis = spis2;
	b2.nspis = 1;
	assert_int_equal(demux_add(d, &b1), 0);
	assert_int_equal(demux_add(d, &b2), 0);
	return d;
}

/* --- inbound ----------------------------------------------------------------- */

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
	assert_int_equal(demux_add(d, &b), 0);
	assert_to(d, make_ike(Y, NB, 500, 0xc00c1e), X2);
	assert_int_equal(out(d, X1, make_ike(NB, Y, 500, 0xc00c1e)), DEMUX_DROP);
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
	/* Answers to both could not be told apart, until the first is answered. */
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
	/* Requests are the router's; a reply of a host to nobody's request is not sent. */
	assert_in(d, make_echo(Y, NB, 8, 7), DEMUX_NOT_OURS);
	assert_int_equal(
	    out(d, X1, make_echo(NB, Y, 0, 7)), DEMUX_MISUSE_ADDRPORT);
	demux_free(d);
}

static size_t
make_ping(const char *src, const char *dst, uint8_t type, uint16_t id,
    uint16_t sequence)
{
	size_t n = make_echo(src, dst, type, id);

	store_u16(buf + 26, sequence);
	return n;
}

/* RFC 3102 §6.2: identifier and sequence number; some systems use one identifier. */
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

/* What a leased port may send to the private side: answers. */
static void
test_answers_to_neighbours(void **state)
{
	struct demux *d = two_hosts();
	size_t	      n, before, after;

	(void)state;
	n = make_port(17, NB, "10.0.0.99", 20000, 4000);
	assert_false(demux_expected(d, NOW, buf, n));
	n = make_port(17, "10.0.0.99", NB, 4000, 20000);
	assert_to(d, n, X1);
	demux_expect(d, NOW, buf, n);
	n = make_error(NB, "10.0.0.99", 3, n);
	assert_true(demux_expected(d, NOW, buf, n));
	n = make_port(17, NB, "10.0.0.99", 20000, 4000);
	assert_true(demux_expected(d, NOW, buf, n));
	n = make_port(6, NB, "10.0.0.99", 20000, 4000);
	assert_false(demux_expected(d, NOW, buf, n));
	n = make_port(17, NB, "10.0.0.98", 20000, 4000);
	assert_false(demux_expected(d, NOW, buf, n));
	n = make_port(17, NB, "10.0.0.99", 20000, 4001);
	assert_false(demux_expected(d, NOW, buf, n));
	n = make_port(17, NB, "10.0.0.99", 20001, 4000);
	assert_false(demux_expected(d, NOW, buf, n));
	/* Nobody's port is nobody's to answer from. */
	n = make_port(17, "10.0.0.99", NB, 4000, 20500);
	demux_expect(d, NOW, buf, n);
	n = make_port(17, NB, "10.0.0.99", 20500, 4000);
	assert_false(demux_expected(d, NOW, buf, n));
	/* A neighbour that tries all ports pushes out nothing of the host's. */
	assert_int_equal(out(d, X1, make_ike(NB, Y, 500, 7)), DEMUX_FORWARD);
	demux_count(d, NULL, &before, NULL);
	for (unsigned i = 0; i < 20000; i++) {
		n = make_port(17, "10.0.0.99", NB, (uint16_t)i, 20000);
		demux_expect(d, NOW + 61000 + i * 10, buf, n);
	}
	demux_count(d, NULL, &after, NULL);
	assert_true(after - before <= 256);
	assert_to(d, make_ike(Y, NB, 500, 7), X1);
	assert_int_equal(demux_remove(d, 1, 1), 0);
	n = make_port(17, NB, "10.0.0.99", 20000, 19999);
	assert_false(demux_expected(d, NOW, buf, n));
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

/* --- outbound ------------------------------------------------------------------ */

/* RFC 3103 §10.4. */
static void
test_outbound_only_what_was_leased(void **state)
{
	struct demux_target t;
	struct demux	   *d = two_hosts();
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
	assert_int_equal(demux_outbound(d, NOW, addr(X1), DEMUX_GRE, buf, n, &t),
	    DEMUX_MISUSE_TUNNEL);
	assert_int_equal(t.client_id, 1);
	assert_int_equal(t.bind_id, 1);
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
	assert_int_equal(demux_add(d, &b), 0);
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
	assert_int_equal(demux_add(d, &b), 0);
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
	assert_int_equal(demux_add(d, &b), 0);
	assert_to(d, make_esp(Y, NB2, 12345), X1);
	assert_to(d, make_port(6, Y, NB2, 1, 1), X1);
	assert_to(d, make_echo(Y, NB2, 8, 1), X1);
	assert_to(d, make_ike(Y, NB2, 500, 3), X1);
	assert_to(d, make_ip(buf, Y, NB2, 132, 8), X1);
	assert_int_equal(out(d, X1, make_ip(buf, NB2, Y, 132, 8)), DEMUX_FORWARD);
	assert_int_equal(
	    out(d, X2, make_ip(buf, NB2, Y, 132, 8)), DEMUX_MISUSE_ADDR);
	other.local = addr(NB2);
	other.ports = &ports2;
	other.nports = 1;
	assert_int_equal(demux_add(d, &other), -1);
	assert_int_equal(errno, EEXIST);
	b = binding(5, X1);
	b.whole = true;
	assert_int_equal(demux_add(d, &b), -1);
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
	assert_true(demux_holds(d, addr(X1), addr(NB)));
	assert_false(demux_holds(d, addr(X1), addr(NB2)));
	assert_false(demux_holds(d, addr(Y), addr(NB)));
	demux_free(d);
}

/* --- bindings -------------------------------------------------------------------- */

static void
test_all_or_nothing(void **state)
{
	static const uint32_t spis[] = { 0x5001, 0x1001 };
	struct demux	     *d = two_hosts();
	struct demux_binding  b = binding(3, X2);
	struct demux_range    over = { 20100, 20200 };
	size_t		      before, after, n;

	(void)state;
	demux_count(d, &n, &before, NULL);
	b.spis = spis;
	b.nspis = 2;
	assert_int_equal(demux_add(d, &b), -1);
	assert_int_equal(errno, EEXIST);
	assert_in(d, make_esp(Y, NB, 0x5001), DEMUX_DROP);
	b.nspis = 1;
	b.ports = &over;
	b.nports = 1;
	assert_int_equal(demux_add(d, &b), -1);
	assert_int_equal(errno, EEXIST);
	assert_in(d, make_port(6, Y, NB, 1, 20200), DEMUX_NOT_OURS);
	b.client_id = 1;
	b.nports = 0;
	assert_int_equal(demux_add(d, &b), -1);
	assert_int_equal(errno, EEXIST);
	over = (struct demux_range) { 30000, 49999 };
	b.client_id = 9;
	b.nports = 1;
	assert_int_equal(demux_add(d, &b), -1);
	assert_int_equal(errno, ENOSPC);
	demux_count(d, &n, &after, NULL);
	assert_int_equal(n, 2);
	assert_int_equal(before, after);
	demux_free(d);
}

/* RFC 3103 §10.2.2. */
static void
test_remove_forgets_all(void **state)
{
	struct demux_usage u;
	struct demux	  *d = two_hosts();

	(void)state;
	assert_int_equal(out(d, X1, make_ike(NB, Y, 500, 7)), DEMUX_FORWARD);
	assert_int_equal(out(d, X1, make_echo(NB, Y, 8, 7)), DEMUX_FORWARD);
	assert_int_equal(out(d, X1, make_esp(NB, Y, 0x77)), DEMUX_FORWARD);
	assert_to(d, make_ike(Y, NB, 500, 7), X1);
	assert_int_equal(demux_usage(d, 1, 1, &u), 0);
	assert_int_equal(u.packets_out, 3);
	assert_int_equal(u.packets_in, 1);
	assert_int_equal(u.last_used, NOW);
	assert_int_equal(demux_remove(d, 1, 1), 0);
	assert_int_equal(demux_remove(d, 1, 1), -1);
	assert_int_equal(demux_usage(d, 1, 1, &u), -1);
	assert_in(d, make_ike(Y, NB, 500, 7), DEMUX_DROP);
	assert_in(d, make_echo(Y, NB, 0, 7), DEMUX_NOT_OURS);
	assert_in(d, make_esp(Y, NB, 0x1001), DEMUX_DROP);
	assert_in(d, make_port(17, Y, NB, 1, 20000), DEMUX_NOT_OURS);
	make_esp(NB, Y, 0x77);
	assert_in(d, make_error(Y, NB, 3, 28), DEMUX_NOT_OURS);
	assert_to(d, make_esp(Y, NB, 0x2001), X2);
	assert_int_equal(
	    out(d, X1, make_port(17, NB, Y, 20000, 1)), DEMUX_MISUSE_ADDR);
	/* Another takes the same things. */
	assert_int_equal(out(d, X2, make_ike(NB, Y, 500, 7)), DEMUX_FORWARD);
	assert_to(d, make_ike(Y, NB, 500, 7), X2);
	demux_tick(d, NOW);
	demux_free(d);
}

static void
test_learnt_keys_expire(void **state)
{
	struct demux *d = two_hosts();
	size_t	      before, with, after;

	(void)state;
	demux_count(d, NULL, &before, NULL);
	assert_int_equal(out(d, X1, make_echo(NB, Y, 8, 7)), DEMUX_FORWARD);
	assert_int_equal(out(d, X1, make_ike(NB, Y, 500, 7)), DEMUX_FORWARD);
	demux_count(d, NULL, &with, NULL);
	assert_int_equal(with, before + 2);
	for (unsigned i = 0; i < 4; i++)
		demux_tick(d, NOW + 59000);
	assert_to(d, make_echo(Y, NB, 0, 7), X1);
	for (unsigned i = 0; i < 4; i++)
		demux_tick(d, NOW + 62000);
	assert_in(d, make_echo(Y, NB, 0, 7), DEMUX_NOT_OURS);
	assert_to(d, make_ike(Y, NB, 500, 7), X1);
	for (unsigned i = 0; i < 4; i++)
		demux_tick(d, NOW + 25 * 3600 * 1000);
	assert_in(d, make_ike(Y, NB, 500, 7), DEMUX_DROP);
	demux_count(d, NULL, &after, NULL);
	assert_int_equal(after, before);
	demux_free(d);
}

static void
test_learning_is_bounded(void **state)
{
	struct demux *d = two_hosts();
	size_t	      before, after;

	(void)state;
	demux_count(d, NULL, &before, NULL);
	for (unsigned i = 1; i <= 5000; i++)
		assert_int_equal(out_at(d, NOW + i * 1000, X1,
				     make_ike(NB, Y, 500, i)),
		    DEMUX_FORWARD);
	demux_count(d, NULL, &after, NULL);
	assert_true(after - before <= 256);
	/* The latest are there, and the other host's work. */
	assert_to(d, make_ike(Y, NB, 500, 5000), X1);
	assert_int_equal(out(d, X2, make_ike(NB, Y, 500, 77777)), DEMUX_FORWARD);
	assert_to(d, make_ike(Y, NB, 500, 77777), X2);
	demux_free(d);
}

/* What one host taught and left idle is another's when that uses it. */
static void
test_learnt_keys_are_taken_over(void **state)
{
	struct demux *d = two_hosts();
	size_t	      before, after;

	(void)state;
	assert_int_equal(
	    out(d, X1, make_esp(NB, Y, 0x9001)), DEMUX_FORWARD);
	demux_count(d, NULL, &before, NULL);
	/* In use: both may send, errors are the first one's. */
	assert_int_equal(out_at(d, NOW + 59000, X2, make_esp(NB, Y, 0x9001)),
	    DEMUX_FORWARD);
	make_esp(NB, Y, 0x9001);
	assert_to(d, make_error(Y2, NB, 3, 28), X1);
	/* Idle: the second's. */
	assert_int_equal(out_at(d, NOW + 61000, X2, make_esp(NB, Y, 0x9001)),
	    DEMUX_FORWARD);
	make_esp(NB, Y, 0x9001);
	assert_to(d, make_error(Y2, NB, 3, 28), X2);
	demux_count(d, NULL, &after, NULL);
	assert_int_equal(after, before);
	/* The first comes back too soon, and leaves nothing behind when it ends. */
	assert_int_equal(out_at(d, NOW + 62000, X1, make_esp(NB, Y, 0x9001)),
	    DEMUX_FORWARD);
	assert_int_equal(demux_remove(d, 1, 1), 0);
	make_esp(NB, Y, 0x9001);
	assert_to(d, make_error(Y2, NB, 3, 28), X2);
	/* What was leased is never taken over. */
	assert_int_equal(out_at(d, NOW + 3600000, X2,
			     make_esp(NB, Y, 0x9001)),
	    DEMUX_FORWARD);
	assert_to(d, make_esp(Y, NB, 0x2001), X2);
	demux_free(d);
}

/* A lease's second binding of the same host takes over at once. */
static void
test_learnt_keys_move_within_a_host(void **state)
{
	struct demux	    *d = two_hosts();
	struct demux_binding b = binding(1, X1);

	(void)state;
	assert_int_equal(
	    out(d, X1, make_esp(NB, Y, 0x9001)), DEMUX_FORWARD);
	b.bind_id = 2;
	assert_int_equal(demux_add(d, &b), 0);
	assert_int_equal(
	    out(d, X1, make_esp(NB, Y, 0x9001)), DEMUX_FORWARD);
	/* It is still the first binding's, and ends with it. */
	assert_int_equal(demux_remove(d, 1, 1), 0);
	make_esp(NB, Y, 0x9001);
	assert_in(d, make_error(Y2, NB, 3, 28), DEMUX_NOT_OURS);
	assert_int_equal(
	    out(d, X1, make_esp(NB, Y, 0x9001)), DEMUX_FORWARD);
	make_esp(NB, Y, 0x9001);
	assert_to(d, make_error(Y2, NB, 3, 28), X1);
	demux_free(d);
}

/* A cookie that is in use stays when many others are seen once. */
static void
test_what_is_used_is_kept(void **state)
{
	struct demux *d = two_hosts();

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t now = NOW + i * 2000;

		assert_int_equal(out_at(d, now, X1, make_ike(NB, Y, 500, 7)),
		    DEMUX_FORWARD);
		assert_int_equal(
		    out_at(d, now, X1, make_ike(NB, Y, 500, 1000 + i)),
		    DEMUX_FORWARD);
		/* Pings have a budget of their own. */
		assert_int_equal(
		    out_at(d, now, X1, make_echo(NB, Y, 8, (uint16_t)i)),
		    DEMUX_FORWARD);
	}
	assert_to(d, make_ike(Y, NB, 500, 7), X1);
	assert_in(d, make_ike(Y, NB, 500, 1000), DEMUX_DROP);
	demux_free(d);
}

static void
count_entry(void *arg, const struct demux_entry *e)
{
	unsigned *n = arg;

	assert_non_null(e->kind);
	(*n)++;
}

static void
test_each(void **state)
{
	struct demux *d = two_hosts();
	unsigned      n = 0;

	(void)state;
	out(d, X1, make_ike(NB, Y, 500, 7));
	demux_each(d, count_entry, &n);
	assert_int_equal(n, 2 + 3 + 1);	/* ports, SPIs, cookie */
	demux_free(d);
}

static void
test_many_bindings(void **state)
{
	struct demux	    *d = demux_new(300000);
	struct demux_binding b = binding(1, X1);
	uint32_t	     spi;
	struct demux_target  t;

	(void)state;
	b.spis = &spi;
	b.nspis = 1;
	for (uint32_t i = 0; i < 100000; i++) {
		b.client_id = i;
		b.host = htonl(0x0a000000 + i);
		spi = 0x10000 + i;
		assert_int_equal(demux_add(d, &b), 0);
	}
	for (uint32_t i = 0; i < 100000; i++) {
		size_t n = make_esp(Y, NB, 0x10000 + i);

		assert_int_equal(in(d, n, &t), DEMUX_FORWARD);
		assert_int_equal(t.client_id, i);
	}
	for (uint32_t i = 0; i < 100000; i += 2)
		assert_int_equal(demux_remove(d, i, 1), 0);
	demux_tick(d, NOW);
	for (uint32_t i = 0; i < 100000; i++)
		assert_in(d, make_esp(Y, NB, 0x10000 + i),
		    i % 2 == 0 ? DEMUX_DROP : DEMUX_FORWARD);
	demux_free(d);
}

/* --- hostile bytes ------------------------------------------------------------------ */

static void
try_all(struct demux *d, const uint8_t *p, size_t len)
{
	struct demux_target t;
	uint8_t		   *copy = malloc(len + 1);

	/* Its own allocation, so that the sanitizer sees a byte read too far. */
	assert_non_null(copy);
	memcpy(copy, p, len);
	(void)demux_inbound(d, NOW, copy, len, &t);
	(void)demux_outbound(d, NOW, addr(X1), DEMUX_IPIP, copy, len, &t);
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

/* --- readers beside the writer --------------------------------------------------------- */

struct race {
	struct demux *d;
	_Atomic bool stop;
	_Atomic unsigned next, wrong, seen;
};

/* An SPI leads to its own client or to nobody, at any moment. */
static void *
race_reader(void *arg)
{
	struct race	   *r = arg;
	unsigned	    me = atomic_fetch_add(&r->next, 1);
	uint8_t		    p[64], q[64];
	struct demux_target t;
	size_t		    n, m;
	uint32_t	    i = me;

	memset(p, 0, sizeof(p));
	memset(q, 0, sizeof(q));
	n = make_ip(p, Y, NB, PACKET_ESP, 24);
	m = make_ip(q, NB, Y, PACKET_ICMP, 12);
	q[20] = 8;
	while (!atomic_load(&r->stop)) {
		demux_online(r->d, me);
		for (unsigned k = 0; k < 64; k++) {
			i = (i * 1103515245 + 12345) % 512;
			store_u32(p + 20, 0x10000 + i);
			if (demux_inbound(r->d, NOW, p, n, &t)
			    == DEMUX_FORWARD) {
				atomic_fetch_add(&r->seen, 1);
				if (t.client_id != i)
					atomic_fetch_add(&r->wrong, 1);
			}
			store_u16(q + 24, (uint16_t)i);
			(void)demux_outbound(
			    r->d, NOW, htonl(i), DEMUX_IPIP, q, m, &t);
		}
		demux_offline(r->d, me);
	}
	return NULL;
}

static void
test_readers_beside_the_writer(void **state)
{
	struct demux_binding b = binding(0, X1);
	struct race	     r = { .d = demux_new(100000) };
	pthread_t	     t[3];
	uint32_t	     spi;
	bool		     there[512] = { false };

	(void)state;
	b.spis = &spi;
	b.nspis = 1;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
		    pthread_create(&t[i], NULL, race_reader, &r), 0);
	for (unsigned round = 0; round < 60000; round++) {
		uint32_t i = random_uniform(512);

		b.client_id = i;
		b.host = htonl(i);
		spi = 0x10000 + i;
		if (there[i])
			assert_int_equal(demux_remove(r.d, i, 1), 0);
		else
			assert_int_equal(demux_add(r.d, &b), 0);
		there[i] = !there[i];
		if (round % 64 == 0)
			demux_tick(r.d, NOW + round);
	}
	atomic_store(&r.stop, true);
	for (size_t i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(atomic_load(&r.wrong), 0);
	assert_true(atomic_load(&r.seen) > 0);
	demux_free(r.d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_remove_forgets_all),
		cmocka_unit_test(test_learnt_keys_expire),
		cmocka_unit_test(test_learning_is_bounded),
		cmocka_unit_test(test_learnt_keys_are_taken_over),
		cmocka_unit_test(test_learnt_keys_move_within_a_host),
		cmocka_unit_test(test_what_is_used_is_kept),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_many_bindings),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_readers_beside_the_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
