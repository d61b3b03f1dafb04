/* test_ike_flood.c - what strangers and peers may cost an IKE responder: floods, limits, replays, SAs that serve nothing */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/util.h"
#include "oe/ike1/notify.h"
#include "oe/ike1/table.h"
#include "tests/unit/ike_pair.h"

static struct ike1 *
inside(const struct net_host *h)
{
	return h->ike;
}

/* --- messages by hand ----------------------------------------------------- */

/* A first message of x's, to be sent from anywhere. */
static struct net_datagram first;

static bool
keep_first(struct net *n, struct net_datagram *d, void *arg)
{
	(void)n;
	(void)arg;
	first = *d;
	return false;
}

static void
take_first(void)
{
	net.filter = keep_first;
	assert_int_equal(net_request(x, y, 0), 0);
	x->engine->forget(x->ike, net.now, &x->conns[0], false);
	net_pass(&net, 60000);
	net.filter = NULL;
	assert_int_equal(y->received, 0);
}

/* What y answers to whom the test plays. */
static struct net_datagram answer;
static unsigned nanswers;

static bool
keep_answers(struct net *n, struct net_datagram *d, void *arg)
{
	const struct addr *of = arg;

	(void)n;
	if (!addr_equal(&d->path.peer, of))
		return true;
	answer = *d;
	nanswers++;
	return false;
}

/* Message 1 from this address and port; true if it was answered. */
static bool
say_first(uint32_t from, uint16_t port, uint64_t cookie)
{
	struct addr addr = addr_from_v4(from);

	nanswers = 0;
	net.filter = keep_answers;
	net.filter_arg = &addr;
	first.path.local = addr;
	first.path.local_port = port;
	store_u64(first.buf, cookie);
	net_deliver(&net, &first);
	net.filter = NULL;
	return nanswers == 1;
}

/* Message 3 with these cookies; true if it was answered. */
static bool
say_third(uint32_t from, uint16_t port, uint64_t cookie_i, uint64_t cookie_r)
{
	static struct net_datagram d;
	struct isakmp_header h = { .cookie_i = cookie_i, .cookie_r = cookie_r,
		.exchange = ISAKMP_MAIN_MODE };
	struct isakmp_builder b;
	struct addr addr = addr_from_v4(from);
	uint8_t ke[256] = { 0 };

	/* A power of the generator, for which the attacker computes nothing. */
	ke[16 + random_uniform(200)] = 1;
	isakmp_begin(&b, d.buf, sizeof(d.buf), &h);
	isakmp_put(&b, ISAKMP_KE, ke, sizeof(ke));
	isakmp_put(&b, ISAKMP_NONCE, ke + 100, 32);
	d.len = isakmp_end(&b);
	d.path = first.path;
	d.path.local = addr;
	d.path.local_port = port;
	nanswers = 0;
	net.filter = keep_answers;
	net.filter_arg = &addr;
	net_deliver(&net, &d);
	net.filter = NULL;
	return nanswers == 1;
}

/* --- message 1 ------------------------------------------------------------ */

static void
flood_of_first_messages_leaves_others_working(void **state)
{
	unsigned i;

	(void)state;
	picture(30, NULL);
	net.filter = keep_first;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 60000);
	assert_int_equal(x->fails, 1);
	net.filter = NULL;
	x->fails = 0;
	/* An established tunnel, a flood, then an honest
	 * newcomer and a rekey. */
	key_up();
	for (i = 0; i < 20000; i++) {
		first.path.local =
		    addr_from_v4(htonl(0x0b000000 + i * 7919));
		first.path.local_port = (uint16_t)(1024 + i % 50000);
		store_u64(first.buf, 0x1000000000000000 + i);
		net_deliver(&net, &first);
		net.nqueue = 0;
		if (i % 1000 == 0)
			net_pass(&net, 10);
	}
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 5000);
	assert_int_equal(x->nchildren, 2);
	x->engine->forget(x->ike, net.now, &x->conns[0], false);
	ike1_host_add(&net, "198.51.100.3", "@x3.lab", net_key(2), NULL);
	assert_int_equal(net_request(&net.hosts[2], y, 0), 0);
	for (i = 0; i < 3000; i++) {
		first.path.local =
		    addr_from_v4(htonl(0x0c000000 + i * 7919));
		store_u64(first.buf, 0x2000000000000000 + i);
		net_deliver(&net, &first);
		if (i % 10 == 0)
			net_pass(&net, 5);
	}
	net_pass(&net, 15000);
	assert_int_equal(net.hosts[2].nchildren, 1);
	/* Under the honest one's own address too. */
	net.hosts[2].engine->forget(net.hosts[2].ike, net.now,
	    &net.hosts[2].conns[0], false);
	net_pass(&net, 60000);
	first.path.local = net.hosts[2].addr;
	net.hosts[2].nchildren = 0;
	assert_int_equal(net_request(&net.hosts[2], y, 1), 0);
	for (i = 0; i < 3000; i++) {
		store_u64(first.buf, 0x3000000000000000 + i);
		net_deliver(&net, &first);
		net_pass(&net, 5);
	}
	assert_int_equal(net.hosts[2].nchildren, 1);
	/* What strangers left behind goes away by itself. */
	net_pass(&net, 120000);
	end_clean();
}

/* Not a byte is kept for an address that may be forged. */
static void
first_messages_leave_no_state(void **state)
{
	unsigned i;

	(void)state;
	picture(31, NULL);
	take_first();
	for (i = 0; i < 20000; i++)
		assert_true(say_first(htonl(0x0b000000 + i), 500, 0x4000 + i));
	assert_int_equal(inside(y)->nsas[false], 0);
	assert_int_equal(inside(y)->budget.nhalf, 0);
	assert_ptr_equal(TAILQ_FIRST(&inside(y)->sas), NULL);
	/* The answer is no longer than what was asked: nothing to amplify. */
	assert_true(answer.len <= first.len);
	end_clean();
}

static void
cookies_are_for_one_peer_and_time(void **state)
{
	const uint32_t from = htonl(0x0b000001);
	uint64_t       r;

	(void)state;
	picture(32, NULL);
	take_first();
	assert_true(say_first(from, 500, 0x51));
	r = load_u64(answer.buf + 8);
	/* Other cookies, port, address; a bit of the cookie. */
	assert_false(say_third(from, 500, 0x52, r));
	assert_false(say_third(from, 501, 0x51, r));
	assert_false(say_third(htonl(0x0b000002), 500, 0x51, r));
	assert_false(say_third(from, 500, 0x51, r ^ 1));
	assert_false(say_third(from, 500, 0x51, r ^ (1ull << 52)));
	assert_false(say_third(from, 500, 0x51, r ^ (1ull << 60)));
	assert_int_equal(inside(y)->nsas[false], 0);
	/* A cookie is good for half a minute, and not for ever. */
	net_pass(&net, 29000);
	assert_true(say_third(from, 500, 0x51, r));
	assert_int_equal(inside(y)->nsas[false], 1);
	net_pass(&net, 60000);
	assert_int_equal(inside(y)->nsas[false], 0);
	assert_false(say_third(from, 500, 0x51, r));
	assert_int_equal(inside(y)->nsas[false], 0);
	end_clean();
}

/* Strangers' offers by the thousand, each another one. */
static void
invent_offers(unsigned n)
{
	static uint32_t life;
	size_t		at = first.len;

	/* The last transform's lifetime: its value is the SA payload's end. */
	at = ISAKMP_HEADER_LEN + load_u16(first.buf + ISAKMP_HEADER_LEN + 2);
	for (; n > 0; n--) {
		store_u32(first.buf + at - 4, ++life);
		say_first(htonl(0x0b000000 + n), 500, 0x6000 + n);
	}
}

static bool
flood_after_message_2(struct net *n, struct net_datagram *d, void *arg)
{
	static struct net_datagram saved;
	unsigned *left = arg;

	if (n->count != 2)
		return true;
	saved = *d;
	n->count++;
	invent_offers(*left);
	*d = saved;
	n->filter = flood_after_message_2;
	n->filter_arg = left;
	return true;
}

/*
 * An offer that no other host makes.  A first time it stands among strangers':
 * some thousand new ones may displace it, and the peer asks once more; when it
 * has proved itself they cannot.
 */
static void
proved_offers_are_not_displaced(void **state)
{
	struct ike1_config c = { .rsa_min_bits = 2048,
	    .phase1_lifetime = 1234 };
	unsigned	  left = 20000, i;

	(void)state;
	picture(33, NULL);
	take_first();
	x = ike1_host_add(&net, "198.51.100.2", "@x2.lab", net_key(2), &c);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_true(net_agree(x, y));
	for (i = 0; i < 5; i++) {
		x->engine->shutdown(x->ike, net.now);
		y->engine->shutdown(y->ike, net.now);
		net_pass(&net, 1000);
		x->sent = 0;
		net.count = 0;
		net.filter = flood_after_message_2;
		net.filter_arg = &left;
		assert_int_equal(net_request(x, y, i + 1), 0);
		net_pass(&net, 900);
		assert_true(net_agree(x, y));
		assert_int_equal(x->sent, 5);	/* nothing said twice */
	}
	assert_true(inside(y)->noffers <= IKE1_OFFERS_MAX);
	assert_true(inside(y)->noffers > IKE1_OFFERS_MAX / 2);
	end_clean();
}

/* --- who has shown that it receives --------------------------------------- */

static void
half_open_limits_are_of_port_address_and_all(void **state)
{
	struct ike1_config c = { .rsa_min_bits = 2048, .half_open_max = 96,
		.half_open_per_address = 32 };
	unsigned	  i;

	(void)state;
	picture(34, &c);
	take_first();
	for (i = 0; i < 20; i++) {
		assert_true(say_first(htonl(0x0b000001), 500, 0x100 + i));
		assert_true(say_third(htonl(0x0b000001), 500, 0x100 + i,
		    load_u64(answer.buf + 8)));
	}
	assert_int_equal(inside(y)->budget.nhalf,
	    inside(y)->budget.limits.per_port);
	net_pass(&net, 100);
	for (i = 0; i < 60; i++) {
		assert_true(say_first(htonl(0x0b000001),
		    (uint16_t)(1000 + i), 0x1000 + i));
		assert_true(say_third(htonl(0x0b000001), (uint16_t)(1000 + i),
		    0x1000 + i, load_u64(answer.buf + 8)));
	}
	assert_int_equal(inside(y)->budget.nhalf,
	    inside(y)->budget.limits.per_network);
	/* A neighbour at another address does not notice. */
	key_up();
	for (i = 0; i < 120; i++) {
		assert_true(say_first(htonl(0x0c000001 + i), 500, 0x2000 + i));
		assert_true(say_third(htonl(0x0c000001 + i), 500, 0x2000 + i,
		    load_u64(answer.buf + 8)));
	}
	assert_int_equal(inside(y)->budget.nhalf, inside(y)->budget.limits.all);
	assert_true(inside(y)->count.half_open_evicted >= 50);
	net_pass(&net, 60000);
	assert_int_equal(inside(y)->budget.nhalf, 0);
	end_clean();
}

/* Of many exchanges any may make room: an honest one among few others stays
 * most of the time, whichever came first. */
static void
eviction_is_by_chance(void **state)
{
	struct ike1_config c = { .rsa_min_bits = 2048, .half_open_max = 16 };
	const struct addr  tried = addr_from_v4(htonl(0x0d000001));
	uint64_t	   r, cookie;
	unsigned	   round, i, stayed = 0;

	(void)state;
	picture(35, &c);
	take_first();
	for (round = 0; round < 40; round++) {
		/* The oldest of 16, and then 4 more come. */
		cookie = 0x700000 + round;
		assert_true(say_first(htonl(0x0d000001), 500, cookie));
		r = load_u64(answer.buf + 8);
		assert_true(say_third(htonl(0x0d000001), 500, cookie, r));
		for (i = 0; i < 15 + 4; i++) {
			assert_true(say_first(htonl(0x0e000000 + i), 500,
			    0x800000 + round * 1000 + i));
			say_third(htonl(0x0e000000 + i), 500, 0x800000 +
			    round * 1000 + i, load_u64(answer.buf + 8));
		}
		stayed += ike1_sa_find(y->ike, cookie, &tried) != NULL;
		net_pass(&net, 60000);
	}
	/* (15/16)^4 is 0.77; oldest first would be 0. */
	assert_true(stayed >= 20);
	end_clean();
}

/* --- public-key work ------------------------------------------------------ */

static void
work_of_strangers_has_a_share(void **state)
{
	uint64_t start, spent;
	unsigned i;

	(void)state;
	picture(36, NULL);
	take_first();
	net_work_us = 3000;
	start = net.now;
	spent = inside(y)->budget.work_us;
	assert_int_equal(net_request(x, y, 0), 0);
	/* 1000 handshakes a second from one address: three times what
	 * one processor can. */
	for (i = 0; i < 2000; i++) {
		assert_true(say_first(htonl(0x0b000001), (uint16_t)(1000 + i),
		    0x9000 + i));
		say_third(htonl(0x0b000001), (uint16_t)(1000 + i), 0x9000 + i,
		    load_u64(answer.buf + 8));
		net_pass(&net, 1);
	}
	spent = inside(y)->budget.work_us - spent;
	assert_true(spent <= (net.now - start) * 500 + 10000 + 3000);
	assert_true(spent >= (net.now - start) * 300);
	/* The honest one, of another address, is served before the many. */
	assert_int_equal(x->nchildren, 1);
	assert_true(net_agree(x, y));
	assert_true(inside(y)->budget.lost > 100);
	/* Messages that wait are given up when they can have
	 * been sent again. */
	net_pass(&net, 20000);
	assert_int_equal(inside(y)->budget.nwaiting, 0);
	end_clean();
}

/* A peer that proved itself waits as well, and nothing of it is lost. */
static void
quick_modes_wait_for_their_share(void **state)
{
	unsigned i;

	(void)state;
	picture(37, NULL);
	key_up();
	net_work_us = 20000;
	for (i = 1; i < 20; i++)
		assert_int_equal(net_request(x, y, i), 0);
	net_pass(&net, 3000);
	assert_int_equal(x->nchildren, 20);
	assert_int_equal(y->nchildren, 20);
	assert_true(inside(y)->budget.waited > 0);
	end_clean();
}

/* --- SAs that serve nothing ----------------------------------------------- */

/* Main Mode and no more. */
static void
main_mode_only(struct net_host *a, unsigned n)
{
	assert_int_equal(net_request(a, y, n), 0);
	/* Before an answer there is nothing to go on with. */
	net_pass(&net, 2 * NET_DELAY + 5);
	a->engine->forget(a->ike, net.now, &a->conns[n], false);
	net_pass(&net, 500);
}

static void
childless_sas_end_in_a_minute(void **state)
{
	(void)state;
	picture(38, NULL);
	main_mode_only(x, 0);
	assert_int_equal(inside(y)->nsas[false], 1);
	net_pass(&net, 50000);
	assert_int_equal(inside(y)->nsas[false], 1);
	net_pass(&net, 20000);
	assert_int_equal(inside(y)->nsas[false], 0);
	assert_int_equal(inside(x)->nsas[true], 0);
	/* An IKE SA that serves a tunnel stays as long as that does. */
	key_up();
	net_pass(&net, 600000);
	assert_int_equal(inside(y)->nsas[false], 1);
	assert_int_equal(net_alive(y), 1);
	x->engine->forget(x->ike, net.now, &x->conns[0], true);
	net_pass(&net, 130000);
	assert_int_equal(inside(y)->nsas[false], 0);
	end_clean();
}

static void
one_peer_holds_few_sas(void **state)
{
	struct ike1_sa *sa;
	unsigned       i;

	(void)state;
	picture(39, NULL);
	key_up();
	for (i = 1; i < 20; i++) {
		/* A peer that forgets its SAs, and says nothing of it. */
		TAILQ_FOREACH(sa, &inside(x)->sas, entry)
			ike1_sa_kill(sa, net.now);
		main_mode_only(x, i);
		assert_true(inside(y)->nsas[false] <= inside(y)->c.sa_per_peer +
		    1);
	}
	assert_true(inside(y)->count.phase1_evicted >= 10);
	assert_int_equal(net_alive(y), 1);
	end_clean();
}

/* All places taken by SAs that serve nothing: one of them gives way. */
static void
full_of_childless_sas_admits_more(void **state)
{
	struct ike1_config c = { .rsa_min_bits = 2048, .sa_max = 16,
		.sa_per_peer = 100 };
	struct net_host	 *z;
	unsigned	  i;

	(void)state;
	picture(40, &c);
	take_first();
	for (i = 0; i < 16; i++) {
		assert_true(say_first(htonl(0x0b000001 + i), 500, 0xa0 + i));
		assert_true(say_third(htonl(0x0b000001 + i), 500, 0xa0 + i,
		    load_u64(answer.buf + 8)));
	}
	assert_int_equal(inside(y)->nsas[false], 16);
	key_up();
	assert_true(inside(y)->nsas[false] <= 16);
	/* Our own have places of their own. */
	z = ike1_host_add(&net, "198.51.100.3", "@x3.lab", net_key(2), NULL);
	assert_int_equal(net_request(y, z, 5), 0);
	net_pass(&net, 1000);
	assert_true(net_agree(y, z));
	end_clean();
}

/* --- replays -------------------------------------------------------------- */

static struct net_datagram kept[256];
static unsigned nkept;

/* Keeps x's messages of one exchange type. */
static bool
keep_exchange(struct net *n, struct net_datagram *d, void *arg)
{
	const uint8_t *type = arg;

	(void)n;
	if (addr_equal(&d->path.local, &x->addr) && d->buf[18] == *type &&
	    nkept < 256)
		kept[nkept++] = *d;
	return true;
}

static void
keep(const uint8_t *type)
{
	nkept = 0;
	net.filter = keep_exchange;
	net.filter_arg = (void *)(uintptr_t)type;
}

static void
quick_mode_is_not_replayed_after_its_end(void **state)
{
	static const uint8_t quick = ISAKMP_QUICK_MODE;
	struct net_datagram  back;
	unsigned	     asked, sent;

	(void)state;
	picture(41, NULL);
	assert_int_equal(net_request(x, y, 1), 0); /* keeps Phase 1 in use */
	net_pass(&net, 1000);
	keep(&quick);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(nkept, 2);
	net.filter = NULL;
	x->engine->forget(x->ike, net.now, &x->conns[0], true);
	net_pass(&net, 1000);
	assert_int_equal(net_alive(y), 1);
	asked = y->asks;
	sent = y->sent;
	net_deliver(&net, &kept[0]);
	net_deliver(&net, &kept[1]);
	net_pass(&net, 100);
	assert_int_equal(y->asks, asked);
	assert_int_equal(y->sent, sent);
	assert_int_equal(y->nchildren, 2);
	assert_true(inside(y)->count.replays >= 1);
	/* Nor does x take its own for a peer's. */
	back = kept[0];
	back.path.local = y->addr;
	back.path.peer = x->addr;
	sent = x->sent;
	net_deliver(&net, &back);
	net_pass(&net, 100);
	assert_int_equal(x->asks, 0);
	assert_int_equal(x->sent, sent);
	/* And a new one is answered. */
	assert_int_equal(net_request(x, y, 2), 0);
	net_pass(&net, 1000);
	assert_true(net_agree(x, y));
	assert_int_equal(y->nchildren, 3);
	end_clean();
}

static void
informationals_are_not_replayed(void **state)
{
	static const uint8_t info = ISAKMP_INFORMATIONAL;
	struct ike1_sa	    *sa;
	uint8_t		     seq[4] = { 0 };
	unsigned	     i, sent;

	(void)state;
	picture(42, NULL);
	key_up();
	sa = TAILQ_FIRST(&inside(x)->sas);
	keep(&info);
	notify_send(sa, net.now, ISAKMP_N_INITIAL_CONTACT, PROTO_ISAKMP,
	    NULL, 0, NULL, 0);
	notify_send(sa, net.now, ISAKMP_N_R_U_THERE, PROTO_ISAKMP, NULL, 0, seq,
	    sizeof(seq));
	net.filter = NULL;
	net_pass(&net, 100);
	assert_int_equal(y->contacts, 1);
	assert_int_equal(nkept, 2);
	/* More than any short list remembers. */
	for (i = 0; i < 200; i++) {
		notify_send(sa, net.now, ISAKMP_N_R_U_THERE, PROTO_ISAKMP, NULL,
		    0, seq, sizeof(seq));
		net_pass(&net, 30);
	}
	sent = y->sent;
	net_deliver(&net, &kept[0]);
	net_deliver(&net, &kept[1]);
	net_pass(&net, 100);
	assert_int_equal(y->contacts, 1);
	assert_int_equal(y->sent, sent);
	end_clean();
}

/* An SA that has seen as many exchanges as can be remembered is replaced. */
static void
many_exchanges_renew_the_sa(void **state)
{
	struct ike1_sa *sa;
	uint8_t	       seq[4] = { 0 };
	unsigned       i;

	(void)state;
	picture(43, NULL);
	key_up();
	for (i = 0; i < IKE1_MSGIDS_MAX / 4 * 3 + 20; i++) {
		sa = ike1_sa_for_peer(x->ike, &y->addr, &y->id);
		assert_non_null(sa);
		notify_send(sa, net.now, ISAKMP_N_R_U_THERE, PROTO_ISAKMP, NULL,
		    0, seq, sizeof(seq));
		net_pass(&net, 30);
	}
	net_pass(&net, 30000);
	assert_int_equal(net_alive(x), 1);
	assert_int_equal(net_alive(y), 1);
	TAILQ_FOREACH(sa, &inside(y)->sas, entry)
		assert_true(sa->msgids.n < 100);
	assert_int_equal(net_request(x, y, 1), 0);
	net_pass(&net, 1000);
	assert_true(net_agree(x, y));
	end_clean();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(flood_of_first_messages_leaves_others_working),
		cmocka_unit_test(first_messages_leave_no_state),
		cmocka_unit_test(cookies_are_for_one_peer_and_time),
		cmocka_unit_test(proved_offers_are_not_displaced),
		cmocka_unit_test(half_open_limits_are_of_port_address_and_all),
		cmocka_unit_test(eviction_is_by_chance),
		cmocka_unit_test(work_of_strangers_has_a_share),
		cmocka_unit_test(quick_modes_wait_for_their_share),
		cmocka_unit_test(childless_sas_end_in_a_minute),
		cmocka_unit_test(one_peer_holds_few_sas),
		cmocka_unit_test(full_of_childless_sas_admits_more),
		cmocka_unit_test(quick_mode_is_not_replayed_after_its_end),
		cmocka_unit_test(informationals_are_not_replayed),
		cmocka_unit_test(many_exchanges_renew_the_sa),
	};

	log_init("test_ike_flood", true, getenv("V") != NULL ?
	    LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("ike_flood", tests, NULL, NULL);
}
