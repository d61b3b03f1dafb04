/* test_ike_probe.c - is a peer still there? R-U-THERE at once, INVALID-SPI as hint and as fact (RFC 3706, RFC 2408 §3.14.1) */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ike1_net.h"

static struct net net;
static struct net_host *x, *y;

static void
begin(unsigned dpd)
{
	struct ike1_config c;

	memset(&c, 0, sizeof(c));
	c.rsa_min_bits = 2048;
	c.dpd_delay = dpd;
	net_init(&net, 1);
	x = ike1_host_add(&net, "192.0.2.1", "@x.example", net_key(0), &c);
	y = ike1_host_add(&net, "198.51.100.1", "198.51.100.1", net_key(1), &c);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_true(net_agree(x, y));
}

static void
answered(void **state)
{
	(void)state;
	begin(60);
	assert_int_equal(x->engine->probe(x->ike, net.now, &x->conns[0]), 0);
	net_pass(&net, 5000);
	assert_int_equal(x->silences, 0);
	assert_int_equal(net_alive(x), 1);
	assert_true(net_end(&net));
}

/* Without dead peer detection of its own the engine asks when it is told to. */
static void
answered_without_dpd(void **state)
{
	(void)state;
	begin(0);
	assert_int_equal(x->engine->probe(x->ike, net.now, &x->conns[0]), 0);
	net_pass(&net, 60000);
	assert_int_equal(x->silences, 0);
	assert_int_equal(net_alive(x), 1);
	assert_true(net_end(&net));
}

static bool
swallow(struct net *n, struct net_datagram *d, void *arg)
{
	(void)n;
	(void)d;
	return ++*(unsigned *)arg > 1000;
}

static void
silent(unsigned dpd)
{
	unsigned lost = 0;
	uint64_t at;

	begin(dpd);
	net.filter = swallow;
	net.filter_arg = &lost;
	at = net.now;
	assert_int_equal(x->engine->probe(x->ike, net.now, &x->conns[0]), 0);
	while (x->silences == 0 && net.now < at + 10000)
		net_pass(&net, 10);
	print_message("dpd %u: silence told after %u ms, %u questions\n", dpd,
	    (unsigned)(net.now - at), lost);
	assert_int_equal(x->silences, 1);
	assert_int_equal(lost, 3);
	assert_true(net.now - at <= 1600);
	/* The SAs stay: whoever was told decides. */
	assert_int_equal(net_alive(x), 1);
	assert_int_equal(x->downs, 0);
	/* Keyed anew beside them, by a new Phase 1. */
	net.filter = NULL;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->nchildren, 2);
	assert_true(net_agree(x, y));
	assert_true(net_end(&net));
}

static void
unanswered(void **state)
{
	(void)state;
	silent(60);
	silent(0);
}

/* One answer of three is enough. */
static bool
swallow_two(struct net *n, struct net_datagram *d, void *arg)
{
	(void)n;
	(void)d;
	return ++*(unsigned *)arg > 2;
}

static void
answered_at_last(void **state)
{
	unsigned lost = 0;

	(void)state;
	begin(60);
	net.filter = swallow_two;
	net.filter_arg = &lost;
	assert_int_equal(x->engine->probe(x->ike, net.now, &x->conns[0]), 0);
	net_pass(&net, 10000);
	assert_int_equal(x->silences, 0);
	assert_true(net_end(&net));
}

static void
invalid_spi(void **state)
{
	struct keying_path path;

	(void)state;
	begin(60);
	memset(&path, 0, sizeof(path));
	path.local = y->addr;
	path.peer = x->addr;
	path.local_port = path.peer_port = 500;
	/* Over the SA that they share it is a fact ... */
	y->engine->invalid_spi(y->ike, net.now, &path, 0x12345678, true);
	net_pass(&net, 100);
	assert_int_equal(x->facts, 1);
	assert_int_equal(x->hints, 0);
	assert_int_equal(x->invalid_spi, 0x12345678);
	/* ... and from a port where there is none, a hint. */
	path.local_port = 501;
	path.peer_port = 501;
	y->engine->invalid_spi(y->ike, net.now, &path, 0x9abcdef0, true);
	net_pass(&net, 100);
	assert_int_equal(x->facts, 1);
	assert_int_equal(x->hints, 1);
	assert_int_equal(x->invalid_spi, 0x9abcdef0);
	assert_true(net_end(&net));
}

static bool
damage(struct net *n, struct net_datagram *d, void *arg)
{
	unsigned *at = arg;

	(void)n;
	if (*at / 8 < d->len)
		d->buf[*at / 8] ^= (uint8_t)(1u << *at % 8);
	return true;
}

/* No bit of a hint can be turned into a fact, nor kill anything. */
static void
invalid_spi_damaged(void **state)
{
	struct keying_path path;
	unsigned	   at;

	(void)state;
	begin(0);
	memset(&path, 0, sizeof(path));
	path.local = y->addr;
	path.peer = x->addr;
	path.local_port = path.peer_port = 501;
	net.filter = damage;
	net.filter_arg = &at;
	for (at = 0; at < 60 * 8; at++) {
		y->engine->invalid_spi(y->ike, net.now, &path, 0x9abcdef0,
		    true);
		net_pass(&net, 30);
	}
	assert_int_equal(x->facts, 0);
	assert_int_equal(net_alive(x), 1);
	assert_true(net_end(&net));
}

static void
icmp(struct net_host *h, const struct net_host *about)
{
	struct keying_path path;

	memset(&path, 0, sizeof(path));
	path.local = h->addr;
	path.peer = about->addr;
	path.local_port = path.peer_port = 500;
	h->engine->icmp(h->ike, net.now, &path);
}

/* An ICMP error is believed of a peer that said goodbye, and of no other. */
static void
goodbye(void **state)
{
	struct keying_request r;
	unsigned	      lost = 0;

	(void)state;
	net_init(&net, 1);
	x = ike1_host_add(&net, "192.0.2.1", "@x.example", net_key(0), NULL);
	y = ike1_host_add(&net, "198.51.100.1", "198.51.100.1", net_key(1),
	    NULL);
	net.filter = swallow;
	net.filter_arg = &lost;
	net_request_init(&r, x, y, 0);
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[0]),
	    0);
	net_pass(&net, 100);
	icmp(x, y);
	net_pass(&net, 100);
	assert_int_equal(x->fails, 0);
	net_pass(&net, 60000);
	assert_int_equal(x->fails, 1);
	r.departed = true;
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[0]),
	    0);
	net_pass(&net, 100);
	assert_int_equal(x->fails, 1);
	icmp(x, y);
	assert_int_equal(x->fails, 2);
	assert_int_equal(x->failure, KEYING_ICMP);
	assert_true(net_end(&net));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answered),
		cmocka_unit_test(answered_without_dpd),
		cmocka_unit_test(unanswered),
		cmocka_unit_test(answered_at_last),
		cmocka_unit_test(invalid_spi),
		cmocka_unit_test(invalid_spi_damaged),
		cmocka_unit_test(goodbye),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
