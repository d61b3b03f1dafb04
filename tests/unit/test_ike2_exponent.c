/* test_ike2_exponent.c - the exponents that answer IKE_SA_INIT: forged ones cost none, one is used once, bad public values end it */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "oe/ike2/exponent.h"
#include "oe/ike2/message.h"
#include "tests/unit/ike2_net.h"

static const uint16_t groups[] = { 31, 19, 20, 14, 15, 16 };

/* What goes by of IKE_SA_INIT and IKE_AUTH. */
struct tap {
	struct net_datagram first;	/* the newest request of a host */
	uint8_t		    value[IKE_KE_MAX];	/* of y's newest answer */
	size_t		    value_len;
	uint64_t	    spi;	/* y's, in that answer */
	unsigned	    syntax;	/* INVALID_SYNTAX in the clear */
	const struct net_host *held;	/* whose IKE_AUTH is lost */
	const uint8_t	   *bad;	/* goes in place of a public value */
};
static struct tap tap;

static bool
filter(struct net *n, struct net_datagram *d, void *arg)
{
	const struct ike2_part *ke, *notify;
	struct ike2_header	h;
	struct ike2_chain	c;

	(void)n;
	(void)arg;
	if (ike2_header_read(&h, d->buf, d->len) != IKE2_OK)
		return true;
	if (ike2_chain_split(&c, h.first, d->buf + IKE2_HEADER_LEN, d->len -
	    IKE2_HEADER_LEN, true) != IKE2_OK)
		return true;
	notify = ike2_chain_find(&c, IKE2_P_NOTIFY);
	ke = ike2_chain_find(&c, IKE2_P_KE);
	if (h.exchange == IKE2_AUTH) {
		tap.syntax += notify != NULL && load_u16(notify->body + 2) == 7;
		return tap.held == NULL || !addr_equal(&d->path.local,
		    &tap.held->addr);
	}
	if (h.exchange != IKE2_SA_INIT || ke == NULL)
		return true;
	if (h.flags & IKE2_FLAG_RESPONSE) {
		tap.spi = h.spi_r;
		tap.value_len = ke->len - 4;
		memcpy(tap.value, ke->body + 4, tap.value_len);
		return true;
	}
	tap.first = *d;
	if (tap.bad != NULL)
		memcpy(d->buf + (ke->body + 4 - d->buf), tap.bad, ke->len - 4);
	return true;
}

static void
scene(uint32_t seed, uint16_t group)
{
	struct ike2_config c = { .ke = group };

	picture2(seed, &c);
	memset(&tap, 0, sizeof(tap));
	net.filter = filter;
}

static unsigned
half_open(void)
{
	return ((struct ike2 *)y->ike)->budget.nhalf;
}

/* As long as there is an answer with a public value to it. */
static bool
same_value(const uint8_t *before)
{
	return memcmp(tap.value, before, tap.value_len) == 0;
}

/* x asks, and has its pair; y's public value in that is in tap. */
static void
key_up(struct net_host *from, unsigned n)
{
	assert_int_equal(net_request(from, y, n), 0);
	net_pass(&net, 1000);
	assert_true(net_agree(from, y));
}

/* 5000 of each group, from as many addresses, and not one public-key
 * operation. */
static void
forged_ones_cost_none(void **state)
{
	static struct net_datagram d;
	uint64_t		   before;
	unsigned		   i, k, half;

	(void)state;
	for (k = 0; k < sizeof(groups) / sizeof(groups[0]); k++) {
		scene(1, groups[k]);
		x->psk = y->psk = "0123456789abcdef0123456789abcdef";
		tap.held = x;
		assert_int_equal(net_request(x, y, 0), 0);
		d = tap.first;
		ike2_host_restart(y, NULL);
		before = ike_dh_operations();
		for (i = 0; i < 5000; i++) {
			store_u32(d.buf, i + 1);
			store_u32(d.path.local.bytes, 0x0b000000 + i);
			net_deliver(&net, &d);
			net.nqueue = 0;
		}
		assert_int_equal(ike_dh_operations() - before, 0);
		half = half_open();
		/* Of a group that nobody has come for: only a cookie. */
		assert_int_equal(half, k < 2 ? 32 : 0);
		tap.held = NULL;
		net_pass(&net, 3000);
		assert_true(net_agree(x, y));
		/* Both ends' secrets, and y's next pair, its first one too. */
		assert_int_equal(ike_dh_operations() - before, k < 2 ? 3 : 4);
		print_message("%s: 5000 forged, 0 public-key operations, "
		    "%u half open\n", ike_group_name(groups[k]), half);
		net_pass(&net, 100000);
		end_clean2();
	}
}

/* The first who comes back retires it; who had it before comes up with it all
 * the same, and whoever comes later has another. */
static void
one_is_used_once(void **state)
{
	uint8_t		 value[IKE_KE_MAX];
	struct net_host *z, *w;

	(void)state;
	scene(2, 31);
	z = ike2_host_add(&net, "192.0.2.7", "@z.lab", net_key(2), NULL);
	w = ike2_host_add(&net, "192.0.2.8", "@w.lab", net_key(2), NULL);
	tap.held = z;
	assert_int_equal(net_request(z, y, 0), 0);
	net_pass(&net, 100);
	memcpy(value, tap.value, sizeof(value));
	key_up(x, 0);
	assert_true(same_value(value));
	assert_int_equal(half_open(), 1);
	key_up(w, 0);
	assert_false(same_value(value));
	tap.held = NULL;
	net_pass(&net, 5000);
	assert_true(net_agree(z, y));
	assert_int_equal(half_open(), 0);
	end_clean2();
}

/* A bad value ends its IKE SA when the secret would be made, which the peer
 * hears; the exponent is as good as before. */
static void
bad_public_values(void **state)
{
	static const struct { uint16_t group; uint8_t value[64]; } bad[] = {
		{ 31, { 0 } }, { 31, { 1 } }, { 19, { 4, 5, 6 } }
	};
	struct ike2_config c = { 0 };
	uint8_t		   value[IKE_KE_MAX], modp[256] = { 0 };
	unsigned	   i;

	(void)state;
	for (i = 0; i < 4; i++) {
		c.ke = i == 3 ? 14 : bad[i].group;
		scene(3, c.ke);
		if (i == 3)
			key_up(x, 1);	/* one of that group is ready then */
		modp[255] = 1;
		tap.bad = i == 3 ? modp : bad[i].value;
		ike2_host_restart(x, &c);
		assert_int_equal(net_request(x, y, 0), 0);
		net_pass(&net, 15);
		assert_int_equal(half_open(), 1);
		memcpy(value, tap.value, sizeof(value));
		net_pass(&net, 20);
		assert_int_equal(half_open(), 0);
		assert_int_equal(tap.syntax, 1);
		net_pass(&net, 30000);
		assert_int_equal(net_alive(y), i == 3);
		tap.bad = NULL;
		key_up(x, 2);
		assert_true(same_value(value));
		end_clean2();
	}
}

/* Nobody came back for it: it is another an hour after it was seen, and what
 * nobody has seen wakes nobody. */
static void
replaced_after_an_hour(void **state)
{
	uint8_t	 value[IKE_KE_MAX];
	uint64_t before;

	(void)state;
	scene(4, 31);
	tap.held = x;
	assert_int_equal(y->engine->next(y->ike), UINT64_MAX);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 100000);
	assert_int_equal(half_open(), 0);
	memcpy(value, tap.value, sizeof(value));
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 100000);
	assert_true(same_value(value));
	before = ike_dh_operations();
	net_pass(&net, IKE2_EXPONENT_TIME);
	assert_int_equal(ike_dh_operations() - before, 1);
	assert_int_equal(y->engine->next(y->ike), UINT64_MAX);
	tap.held = NULL;
	key_up(x, 0);
	assert_false(same_value(value));
	end_clean2();
}

/* Something encrypted, from who got that answer: nobody has its keys. */
static void
say_auth(const struct net_datagram *first)
{
	static struct net_datagram d;
	struct ike2_header	   h = { .spi_r = tap.spi,
		.exchange = IKE2_AUTH, .flags = IKE2_FLAG_INITIATOR,
		.msgid = 1 };
	struct ike2_builder	   b;
	uint8_t			   noise[64] = { 1 };

	h.spi_i = load_u64(first->buf);
	d.path = first->path;
	ike2_message_begin(&b, d.buf, sizeof(d.buf), &h);
	ike2_put(&b, IKE2_P_ENCRYPTED, noise, sizeof(noise));
	d.len = ike2_message_end(&b);
	net_deliver(&net, &d);
}

/* 1000 a second, each a secret of 3 ms, from so many addresses: half of one
 * processor goes. */
static void
strangers_work(unsigned addresses)
{
	static struct net_datagram d;
	struct ike2_config	   c = { .cookie_from = 5000,
		.half_open_max = 5000, .half_open_per_address = 5000 };
	struct ike2		  *e;
	uint64_t		   start, spent;
	unsigned		   i;

	picture2(5, &c);
	memset(&tap, 0, sizeof(tap));
	net.filter = filter;
	assert_int_equal(net_request(x, y, 0), 0);
	d = tap.first;
	ike2_host_restart(x, &c);
	net_pass(&net, 100);
	net_work_us = 3000;
	e = y->ike;
	start = net.now;
	spent = e->budget.work_us;
	assert_int_equal(net_request(x, y, 0), 0);
	for (i = 0; i < 2000; i++) {
		store_u32(d.buf, i + 1);
		store_u32(d.path.local.bytes, 0x0b000001);
		d.path.local.bytes[3] = (uint8_t)(i % addresses);
		d.path.local_port = (uint16_t)(1000 + i);
		net_deliver(&net, &d);
		if (e->budget.nhalf != 0)
			say_auth(&d);
		net_pass(&net, 1);
	}
	spent = e->budget.work_us - spent;
	assert_true(spent <= (net.now - start) * 500 + 10000 + 9000);
	assert_true(spent >= (net.now - start) * 300);
	assert_true(e->budget.lost > 100);
}

static void
strangers_end(void)
{
	net_pass(&net, 40000);
	assert_int_equal(((struct ike2 *)y->ike)->budget.nwaiting, 0);
	end_clean2();
}

/* What of 7 addresses may wait leaves room: the honest one's message is
 * never lost, and is served before theirs. */
static void
work_of_strangers_has_a_share(void **state)
{
	(void)state;
	strangers_work(7);
	assert_true(net_agree(x, y));
	strangers_end();
}

/* Each of 200 addresses has as few that wait as the honest one: chance says
 * whose is lost, and what it sends after them is served at the latest. */
static void
strangers_of_many_addresses_share_alike(void **state)
{
	(void)state;
	strangers_work(200);
	net_pass(&net, 40000);
	assert_true(net_agree(x, y));
	strangers_end();
}

/* A peer that proved itself waits as well, and nothing of it is lost. */
static void
children_wait_for_their_share(void **state)
{
	unsigned i;

	(void)state;
	picture2(6, NULL);
	key_up2();
	net_work_us = 20000;
	for (i = 1; i < 20; i++)
		assert_int_equal(net_request(x, y, i), 0);
	net_pass(&net, 5000);
	assert_int_equal(x->nchildren, 20);
	assert_int_equal(y->nchildren, 20);
	assert_true(((struct ike2 *)y->ike)->budget.waited > 0);
	end_clean2();
}

/* Who has a /64 has the places of one address there, and of the rest none is
 * lost; another is served before it. */
static void
a_network_of_ipv6_waits_as_one(void **state)
{
	static const struct ike_budget_limits limits;
	struct ike_budget   b;
	struct ike_waiting *w;
	struct keying_path  many = { .peer_port = 500 }, one = many;
	uint8_t		    buf[32] = { 0 };
	unsigned	    i;

	(void)state;
	ike_budget_init(&b, &limits, NULL);
	assert_int_equal(addr_parse(&many.peer, "2001:db8:0:1::"), 0);
	assert_int_equal(addr_parse(&one.peer, "2001:db8:0:2::1"), 0);
	for (i = 0; i < 100; i++) {
		many.peer.bytes[15] = (uint8_t)i;
		ike_work_wait(&b, 1000, &many, buf, sizeof(buf));
	}
	assert_int_equal(b.nwaiting, 16);
	assert_int_equal(b.lost, 84);
	for (i = 0; i < 2; i++) {
		buf[0] = (uint8_t)i;
		ike_work_wait(&b, 1000, &one, buf, sizeof(buf));
	}
	assert_int_equal(b.nwaiting, 18);
	for (i = 0; i < 2; i++) {
		w = ike_work_next(&b, 2000);
		assert_non_null(w);
		assert_true(addr_equal(&w->path.peer, &one.peer));
		ike_work_served(&b, w);
	}
	ike_budget_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forged_ones_cost_none),
		cmocka_unit_test(one_is_used_once),
		cmocka_unit_test(bad_public_values),
		cmocka_unit_test(replaced_after_an_hour),
		cmocka_unit_test(work_of_strangers_has_a_share),
		cmocka_unit_test(strangers_of_many_addresses_share_alike),
		cmocka_unit_test(children_wait_for_their_share),
		cmocka_unit_test(a_network_of_ipv6_waits_as_one),
	};

	log_init("test_ike2_exponent", true, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
