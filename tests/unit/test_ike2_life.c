/* test_ike2_life.c - an IKE SA of two engines once it is up: INFORMATIONAL, liveness, limits, lifetimes */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "oe/ike2/message.h"
#include "oe/ike2/sa.h"
#include "tests/unit/ike2_net.h"

/* --- INFORMATIONAL --- */

static void
forgetting_deletes(void **state)
{
	(void)state;
	picture2(30, NULL);
	key_up2();
	x->engine->forget(x->ike, net.now, &x->conns[0], true);
	net_pass(&net, 100);
	assert_int_equal(y->downs, 1);
	assert_true(y->children[0].by_peer);
	assert_int_equal(x->downs, 0);
	/* An IKE SA without children goes after a minute. */
	net_pass(&net, 59000);
	assert_non_null(TAILQ_FIRST(&((struct ike2 *)x->ike)->sas));
	net_pass(&net, 41000);
	assert_null(TAILQ_FIRST(&((struct ike2 *)x->ike)->sas));
	assert_null(TAILQ_FIRST(&((struct ike2 *)y->ike)->sas));
	end_clean2();
}

static void
shutdown_deletes(void **state)
{
	(void)state;
	picture2(31, NULL);
	key_up2();
	y->engine->shutdown(y->ike, net.now);
	net_pass(&net, 100);
	assert_int_equal(x->downs, 1);
	assert_true(x->children[0].by_peer);
	end_clean2();
}

static void
deletes_cross(void **state)
{
	(void)state;
	picture2(32, NULL);
	key_up2();
	x->engine->forget(x->ike, net.now, &x->conns[0], true);
	assert_int_equal(y->engine->delete_child(y->ike, net.now,
	    y->children[0].child.in.spi), 0);
	net_pass(&net, 1000);
	/* Both IKE SAs live on, and make another child. */
	assert_int_equal(net_request(x, y, 1), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->nchildren, 2);
	assert_true(net_agree(x, y));
	end_clean2();
}

/* Every answer to IKE_AUTH. */
static bool
lose_answers(struct net *n, struct net_datagram *d, void *arg)
{
	(void)n;
	(void)arg;
	return d->buf[18] != IKE2_AUTH ||
	    (d->buf[19] & IKE2_FLAG_RESPONSE) == 0;
}

/* Whose last answer was lost begins something: it is asked for that at once,
 * and not when its patience is over. */
static void
a_request_shows_that_an_answer_was_lost(void **state)
{
	(void)state;
	picture2(34, NULL);
	net.filter = lose_answers;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 300);
	assert_int_equal(y->nchildren, 1);
	assert_int_equal(x->nchildren, 0);
	net.filter = NULL;
	assert_int_equal(net_request(y, x, 0), 0);
	net_pass(&net, 100);
	assert_true(x->nchildren >= 1);
	/* What it began is done when it asks again, at the latest. */
	net_pass(&net, 2000);
	assert_int_equal(x->nchildren, 2);
	assert_int_equal(net_alive(x), 2);
	end_clean2();
}

static void
liveness(void **state)
{
	struct ike2_config c = { .dpd_delay = 30 };
	unsigned	   sent;

	(void)state;
	picture2(33, &c);
	key_up2();
	/* Nothing heard for half a minute: an empty request, answered. */
	sent = x->sent + y->sent;
	net_pass(&net, 35000);
	assert_true(x->sent + y->sent >= sent + 2);
	assert_int_equal(net_alive(x), 1);
	/* Nobody there any more. */
	net.loss = 100;
	net_pass(&net, 70000);
	assert_int_equal(net_alive(x), 0);
	assert_int_equal(net_alive(y), 0);
	end_clean2();
}

static void
a_probe_that_somebody_waits_for(void **state)
{
	(void)state;
	picture2(34, NULL);
	key_up2();
	assert_int_equal(x->engine->probe(x->ike, net.now, &x->conns[0]), 0);
	net_pass(&net, 2000);
	assert_int_equal(x->silences, 0);
	net.loss = 100;
	assert_int_equal(x->engine->probe(x->ike, net.now, &x->conns[0]), 0);
	net_pass(&net, 1600);
	assert_int_equal(x->silences, 1);
	/* What it has stays until it is decided. */
	assert_int_equal(net_alive(x), 1);
	assert_int_equal(x->engine->probe(x->ike, net.now, &x->conns[0]), -1);
	x->engine->forget(x->ike, net.now, &x->conns[0], false);
	end_clean2();
}

/* Who answers nothing has refused nothing, neither what it was asked for nor
 * what waited for its turn. */
static void
an_ike_sa_is_lost_with_what_was_asked(void **state)
{
	bool hurried;

	(void)state;
	for (hurried = false;; hurried = true) {
		picture2(34, NULL);
		key_up2();
		net.loss = 100;
		assert_int_equal(net_request(x, y, 1), 0);
		assert_int_equal(net_request(x, y, 2), 0);
		if (hurried)
			assert_int_equal(x->engine->probe(x->ike, net.now,
			    &x->conns[0]), 0);
		net_pass(&net, hurried ? 11000 : 21000);
		assert_int_equal(x->fails, 2);
		assert_int_equal(x->failure, KEYING_LOST);
		assert_int_equal(net_alive(x), hurried ? 1 : 0);
		net.loss = 0;
		assert_int_equal(net_request(x, y, 1), 0);
		assert_int_equal(net_request(x, y, 2), 0);
		net_pass(&net, 1000);
		assert_int_equal(net_alive(x), hurried ? 3 : 2);
		if (hurried)
			x->engine->forget(x->ike, net.now, &x->conns[0],
			    false);
		end_clean2();
		if (hurried)
			break;
	}
}

/* Whoever asks anew at once cannot ask an engine that ends. */
static void
shutdown_does_not_ask_for_more(void **state)
{
	(void)state;
	picture2(34, NULL);
	key_up2();
	assert_int_equal(net_request(x, y, 1), 0);
	assert_int_equal(net_request(x, y, 2), 0);
	x->engine->shutdown(x->ike, net.now);
	assert_int_equal(x->fails, 2);
	assert_int_equal(x->failure, KEYING_LOCAL);
	end_clean2();
}

static void
a_restarted_peer(void **state)
{
	struct keying_request r;

	(void)state;
	picture2(35, NULL);
	key_up2();
	/* y forgets; x's IKE SA means nothing to it: a hint, then a check. */
	ike2_host_restart(y, NULL);
	assert_int_equal(x->engine->probe(x->ike, net.now, &x->conns[0]), 0);
	net_pass(&net, 3000);
	assert_int_equal(x->silences, 1);
	/* Keyed anew, with INITIAL_CONTACT this time. */
	net_request_init(&r, x, y, 0);
	r.initial_contact = true;
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[1]),
	    0);
	net_pass(&net, 1000);
	assert_int_equal(y->contacts, 1);
	assert_true(net_agree(x, y));
	x->engine->forget(x->ike, net.now, &x->conns[0], false);
	end_clean2();
}

static void
unknown_spis_are_told(void **state)
{
	struct keying_path p;

	(void)state;
	picture2(36, NULL);
	key_up2();
	p = (struct keying_path){ y->addr, x->addr, 500, 500 };
	assert_int_equal(y->engine->invalid_spi(y->ike, net.now, &p, 0xabcd,
	    true), 0);
	net_pass(&net, 100);
	assert_int_equal(x->facts, 1);
	assert_int_equal(x->invalid_spi, 0xabcd);
	end_clean2();
}

/* --- life --- */

static void
half_open_ones_are_limited(void **state)
{
	struct ike2_config c = { .half_open_max = 8, .cookie_from = 100,
		.half_open_per_address = 4 };
	struct net_host	  *z;
	unsigned	   i;

	(void)state;
	picture2(37, &c);
	z = ike2_host_add(&net, "192.0.2.7", "@z.lab", net_key(2), NULL);
	y->lookup = NET_NEVER;
	for (i = 0; i < 4; i++) {
		struct keying_request r;
		struct pubkey	      key = y->pub;

		/* Different wishes: an IKE SA each. */
		net_request_init(&r, z, y, (uint16_t)(1000 + i));
		r.peer.keys = &key;
		r.my_id.type = KEYING_ID_FQDN;
		snprintf(r.my_id.name, sizeof(r.my_id.name), "z%u.lab", i);
		assert_int_equal(z->engine->request(z->ike, net.now, &r,
		    &z->conns[i]), 0);
	}
	net_pass(&net, 1000);
	assert_int_equal(y->lookups, 4);
	/* z's address has its share; x is not kept out. */
	y->lookup = NET_NOW;
	assert_int_equal(net_request(z, y, 10), 0);
	net_pass(&net, 1000);
	assert_int_equal(z->nchildren, 0);
	key_up2();
	net_pass(&net, 120000);
	end_clean2();
}

static void
hard_lifetimes(void **state)
{
	struct ike2_config c = { .child_lifetime = 100,
	    .ike_lifetime = 100000 };

	(void)state;
	picture2(38, &c);
	key_up2();
	net_pass(&net, 90000);
	assert_int_equal(net_alive(x), 1);
	net_pass(&net, 12000);
	assert_int_equal(net_alive(x), 0);
	assert_int_equal(net_alive(y), 0);
	end_clean2();
}

/* Taken back while the peer is making it: it is deleted when it is known. */
static void
forgotten_on_the_way(void **state)
{
	unsigned ms;

	(void)state;
	for (ms = 0; ms <= 50; ms += 5) {
		picture2(39, NULL);
		assert_int_equal(net_request(x, y, 0), 0);
		net_pass(&net, ms);
		x->engine->forget(x->ike, net.now, &x->conns[0], true);
		net_pass(&net, 200000);
		assert_int_equal(net_alive(y), 0);
		assert_int_equal(x->downs, 0);
		assert_int_equal(x->fails, 0);
		end_clean2();
	}
}

/* --- what the peer has made when nobody here waits for it any more --- */

/* x asks with so much patience, as conn n. */
static void
ask_with_patience(unsigned n, unsigned ms)
{
	struct keying_request r;

	net_request_init(&r, x, y, 0);
	r.patience = ms;
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[n]),
	    0);
}

/* y looks for longer than x waits: x has failed, and tells y
 * when it hears of it. */
static void
an_answer_that_is_late_is_taken_back(void **state)
{
	(void)state;
	picture2(40, NULL);
	y->ask = NET_LATE;
	ask_with_patience(0, 200);
	net_pass(&net, 300);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_SILENCE);
	assert_int_equal(y->nchildren, 0);
	net_pass(&net, 1000);
	assert_int_equal(y->nchildren, 1);
	assert_int_equal(y->downs, 1);
	assert_true(y->children[0].by_peer);
	assert_int_equal(x->nchildren, 0);
	assert_int_equal(x->fails, 1);
	end_clean2();
}

/* Answers are lost for longer than x waits: x goes on asking for them. */
static void
an_answer_that_was_lost_is_asked_for(void **state)
{
	(void)state;
	picture2(41, NULL);
	net.filter = lose_answers;
	ask_with_patience(0, 2000);
	net_pass(&net, 3000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(net_alive(y), 1);
	net.filter = NULL;
	net_pass(&net, 5000);
	assert_int_equal(net_alive(y), 0);
	assert_true(y->children[0].by_peer);
	end_clean2();
}

/* The answer is asked for so long and no longer, and says nothing
 * to who asks anew. */
static void
a_late_answer_is_not_in_the_way(void **state)
{
	unsigned sent;

	(void)state;
	picture2(42, NULL);
	net.filter = lose_answers;
	ask_with_patience(0, 2000);
	net_pass(&net, 2500);
	assert_int_equal(x->fails, 1);
	net.filter = NULL;
	/* Another IKE SA for it, which the end of the one
	 * before leaves alone. */
	assert_int_equal(net_request(x, y, 1), 0);
	net_pass(&net, 10000);
	assert_int_equal(x->nchildren, 1);
	assert_int_equal(y->nchildren, 2);
	assert_int_equal(net_alive(y), 1);
	assert_true(net_agree(x, y));
	end_clean2();

	picture2(43, NULL);
	net.filter = lose_answers;
	ask_with_patience(0, 2000);
	net_pass(&net, 40000);
	sent = x->sent;
	net_pass(&net, 100000);
	assert_int_equal(x->sent, sent);
	assert_true(sent < 30);
	end_clean2();
}

/* A daemon ends meanwhile: its last word is to be heard. */
static void
shutdown_takes_back_what_is_not_answered(void **state)
{
	(void)state;
	picture2(44, NULL);
	net.filter = lose_answers;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 300);
	assert_int_equal(net_alive(y), 1);
	x->engine->shutdown(x->ike, net.now);
	net_pass(&net, 100);
	assert_int_equal(net_alive(y), 0);
	end_clean2();
}

/* --- both begin at once --- */

static bool
lose_one(struct net *n, struct net_datagram *d, void *arg)
{
	(void)n;
	(void)d;
	return --*(int *)arg != 0;
}

static const struct keying_child *
other_half(const struct net_host *h, const struct keying_child *c)
{
	unsigned i;

	for (i = 0; i < h->nchildren; i++) {
		if (h->children[i].child.in.spi == c->out.spi &&
		    h->children[i].child.out.spi == c->in.spi)
			return &h->children[i].child;
	}
	return NULL;
}

/* Whichever datagram is lost: a pair of each, and of these both
 * ends see the same one come first by its nonce. */
static void
both_begin_at_once(void **state)
{
	const struct keying_child *c, *d;
	int			   which, left;
	unsigned		   i;

	(void)state;
	for (which = 0; which <= 8; which++) {
		net_init(&net, 60 + (uint32_t)which);
		x = ike2_host_add(&net, "198.51.100.1", "198.51.100.1", NULL,
		    NULL);
		y = ike2_host_add(&net, "198.51.100.10", "198.51.100.10", NULL,
		    NULL);
		x->anonymous = y->anonymous = true;
		left = which;
		net.filter = lose_one;
		net.filter_arg = &left;
		assert_int_equal(net_request(x, y, 0), 0);
		assert_int_equal(net_request(y, x, 0), 0);
		net_pass(&net, 10000);
		assert_int_equal(net_alive(x), 2);
		assert_int_equal(net_alive(y), 2);
		for (i = 0; i < 2; i++) {
			c = &x->children[i].child;
			assert_int_equal(c->path.peer_port, KEYING_PORT);
			d = other_half(y, c);
			assert_non_null(d);
			assert_true(c->nonce != 0 && c->nonce == d->nonce);
			assert_true(c->initiator != d->initiator);
		}
		assert_true(x->children[0].child.nonce !=
		    x->children[1].child.nonce);
		net.filter = NULL;
		end_clean2();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forgetting_deletes),
		cmocka_unit_test(shutdown_deletes),
		cmocka_unit_test(deletes_cross),
		cmocka_unit_test(a_request_shows_that_an_answer_was_lost),
		cmocka_unit_test(liveness),
		cmocka_unit_test(a_probe_that_somebody_waits_for),
		cmocka_unit_test(an_ike_sa_is_lost_with_what_was_asked),
		cmocka_unit_test(shutdown_does_not_ask_for_more),
		cmocka_unit_test(a_restarted_peer),
		cmocka_unit_test(unknown_spis_are_told),
		cmocka_unit_test(half_open_ones_are_limited),
		cmocka_unit_test(hard_lifetimes),
		cmocka_unit_test(forgotten_on_the_way),
		cmocka_unit_test(an_answer_that_is_late_is_taken_back),
		cmocka_unit_test(an_answer_that_was_lost_is_asked_for),
		cmocka_unit_test(a_late_answer_is_not_in_the_way),
		cmocka_unit_test(shutdown_takes_back_what_is_not_answered),
		cmocka_unit_test(both_begin_at_once),
	};

	log_init("test_ike2_life", true, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
