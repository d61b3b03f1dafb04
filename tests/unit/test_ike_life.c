/* test_ike_life.c - the life of IKE's SAs between two engines: deletes, lifetimes, renewal, peers that die or begin anew */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "tests/unit/ike_pair.h"

static void
deletes_reach_the_other_end(void **state)
{
	uint32_t spi;

	(void)state;
	picture(16, NULL);
	key_up();
	spi = x->children[0].child.in.spi;
	assert_int_equal(x->engine->delete_child(x->ike, net.now, spi), 0);
	net_pass(&net, 1000);
	assert_int_equal(y->downs, 1);
	assert_true(y->children[0].by_peer);
	x->engine->forget(x->ike, net.now, &x->conns[0], false);
	assert_int_equal(x->spis, 0);
	end_clean();

	/* Shutdown says goodbye to everyone. */
	picture(17, NULL);
	key_up();
	y->engine->shutdown(y->ike, net.now);
	net_pass(&net, 2000);
	assert_int_equal(x->downs, 1);
	assert_true(x->children[0].by_peer);
	end_clean();

	/* Forgetting with a word. */
	picture(18, NULL);
	key_up();
	x->engine->forget(x->ike, net.now, &x->conns[0], true);
	net_pass(&net, 1000);
	assert_int_equal(y->downs, 1);
	assert_int_equal(x->downs, 0);
	end_clean();
}

static void
hard_lifetime_ends_both(void **state)
{
	struct ike1_config c;

	(void)state;
	memset(&c, 0, sizeof(c));
	c.rsa_min_bits = 2048;
	c.phase2_lifetime = 60;
	picture(19, &c);
	key_up();
	assert_true(x->children[0].child.hard <= net.now + 60000);
	net_pass(&net, 90000);
	assert_int_equal(x->downs, 1);
	assert_int_equal(y->downs, 1);
	assert_int_equal(x->spis, 0);
	assert_int_equal(y->spis, 0);
	end_clean();
}

static void
rekey_gives_the_same_conn_again(void **state)
{
	unsigned sent;

	(void)state;
	picture(20, NULL);
	key_up();
	sent = x->sent;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->nchildren, 2);
	assert_ptr_equal(x->children[1].conn, &x->conns[0]);
	assert_true(net_agree(x, y));
	/* The live Phase 1 SA was used: Quick Mode alone. */
	assert_int_equal(x->sent - sent, 2);
	assert_int_equal(net_alive(x), 2);

	/* From the other side over the same Phase 1 SA. */
	sent = y->sent;
	assert_int_equal(net_request(y, x, 5), 0);
	net_pass(&net, 1000);
	assert_true(net_agree(x, y));
	assert_int_equal(y->children[y->nchildren - 1].child.initiator, true);
	assert_int_equal(y->sent - sent, 2);
	end_clean();
}

static void
crossing_requests_both_come_up(void **state)
{
	(void)state;
	picture(21, NULL);
	assert_int_equal(net_request(x, y, 0), 0);
	assert_int_equal(net_request(y, x, 1), 0);
	net_pass(&net, 20000);
	assert_int_equal(x->nchildren, 2);
	assert_int_equal(y->nchildren, 2);
	assert_int_equal(x->fails + y->fails, 0);
	/* And again, as rekeys in both directions at once. */
	assert_int_equal(net_request(x, y, 0), 0);
	assert_int_equal(net_request(y, x, 1), 0);
	net_pass(&net, 20000);
	assert_int_equal(x->nchildren, 4);
	assert_int_equal(y->nchildren, 4);
	end_clean();
}

static void
phase1_outlives_its_lifetime_by_renewal(void **state)
{
	struct ike1_config c;
	unsigned	  i;

	(void)state;
	memset(&c, 0, sizeof(c));
	c.rsa_min_bits = 2048;
	c.phase1_lifetime = 120;
	picture(22, &c);
	key_up();
	for (i = 1; i < 10; i++) {
		net_pass(&net, 47000);
		assert_int_equal(net_request(x, y, 0), 0);
		net_pass(&net, 3000);
		assert_int_equal(x->nchildren, i + 1);
		assert_true(net_agree(x, y));
		assert_int_equal(x->fails, 0);
	}
	end_clean();
}

static void
a_stale_phase1_is_given_up_for_a_new_one(void **state)
{
	(void)state;
	picture(223, NULL);
	key_up();
	/* y forgets all, and x does not look (no DPD). */
	y = ike1_host_add(&net, "198.51.100.10", "198.51.100.10", net_key(1),
	    NULL);
	y->next_spi = 0x7000;
	net.hosts[1].addr = (struct addr){ 0 };
	net_pass(&net, 10000);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 30000);
	assert_int_equal(x->fails, 0);
	assert_int_equal(x->nchildren, 2);
	assert_true(net_agree(x, y));
	/* A peer that has vanished ends in one failure. */
	net.loss = 100;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 60000);
	assert_int_equal(x->fails, 1);
	end_clean();
}

/* As after a sleep: the peer has forgotten all, and nobody spoke for long. */
static void
a_phase1_long_unheard_is_given_up_soon(void **state)
{
	struct ike1_config c;

	(void)state;
	picture(225, NULL);
	key_up();
	y = ike1_host_add(&net, "198.51.100.10", "198.51.100.10", net_key(1),
	    NULL);
	y->next_spi = 0x7000;
	net.hosts[1].addr = (struct addr){ 0 };
	net_pass(&net, 300000);
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 3000);
	assert_int_equal(x->fails, 0);
	assert_int_equal(x->nchildren, 2);
	assert_true(net_agree(x, y));
	end_clean();

	/* Dead peer detection, which was about to find out, refuses nothing. */
	memset(&c, 0, sizeof(c));
	c.dpd_delay = 1;
	picture(226, &c);
	key_up();
	net_pass(&net, 500);
	net.loss = 100;
	net_pass(&net, 8000);
	assert_int_equal(net_request(x, y, 1), 0);
	net_pass(&net, 1400);
	y = ike1_host_add(&net, "198.51.100.10", "198.51.100.10", net_key(1),
	    NULL);
	y->next_spi = 0x7000;
	net.hosts[1].addr = (struct addr){ 0 };
	net.loss = 0;
	net_pass(&net, 5000);
	assert_int_equal(x->fails, 0);
	assert_int_equal(x->nchildren, 2);
	assert_true(net_agree(x, y));
	end_clean();
}

static void
another_key_needs_another_phase1(void **state)
{
	struct keying_request r;

	(void)state;
	/* Whoever answers at the address; then as one whom
	 * another key names. */
	picture(224, NULL);
	net_request_init(&r, x, y, 0);
	r.peer_id.type = 0;
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[0]),
	    0);
	net_pass(&net, 1000);
	assert_true(net_agree(x, y));
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[0]),
	    0);
	net_pass(&net, 1000);
	assert_int_equal(x->cookies, 1);
	assert_int_equal(x->nchildren, 2);
	r.peer.keys = &x->pub;
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[1]),
	    0);
	net_pass(&net, 60000);
	assert_int_equal(x->cookies, 2);
	assert_int_equal(x->nchildren, 2);
	assert_int_equal(x->failure, KEYING_SIGNATURE);
	/* Whom it found, it can say goodbye to. */
	assert_int_equal(x->engine->delete_child(x->ike, net.now,
	    x->children[0].child.in.spi), 0);
	net_pass(&net, 1000);
	assert_int_equal(y->downs, 1);
	/* The responder asks back over what the initiator has made. */
	net_request_init(&r, y, x, 0);
	r.peer_id.type = 0;
	assert_int_equal(y->engine->request(y->ike, net.now, &r, &y->conns[1]),
	    0);
	net_pass(&net, 1000);
	assert_int_equal(y->cookies, 0);
	assert_int_equal(y->nchildren, 3);
	end_clean();
}

static void
phase1_in_use_is_renewed_before_it_ends(void **state)
{
	struct ike1_config c, brief;

	(void)state;
	/* By the initiator; then by the responder, whose limit is shorter. */
	memset(&c, 0, sizeof(c));
	c.rsa_min_bits = 2048;
	c.phase1_lifetime = 120;
	picture(220, &c);
	key_up();
	net_pass(&net, 1000000);
	/* The children lived from 1200 s on: the SA between must be young. */
	assert_int_equal(net_alive(x), 1);
	assert_true(x->cookies >= 8 && x->cookies <= 12);
	assert_int_equal(y->cookies, 0);
	assert_int_equal(y->engine->delete_child(y->ike, net.now,
	    y->children[0].child.in.spi), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->downs, 1);
	end_clean();

	c.phase1_lifetime = 0;
	brief = c;
	brief.phase1_lifetime = 120;
	net_init(&net, 221);
	x = ike1_host_add(&net, "198.51.100.1", "@x1.lab", net_key(0), &c);
	y = ike1_host_add(&net, "198.51.100.10", "198.51.100.10", net_key(1),
	    &brief);
	key_up();
	net_pass(&net, 1000000);
	assert_int_equal(net_alive(x), 1);
	assert_int_equal(x->cookies, 1);
	/* From 114 s of the first on; of its own, from 80 % on. */
	assert_true(y->cookies >= 7);
	end_clean();

	/* Without a child nothing is renewed. */
	picture(222, &c);
	key_up();
	x->engine->forget(x->ike, net.now, &x->conns[0], true);
	net_pass(&net, 7200000);
	assert_int_equal(x->cookies + y->cookies, 1);
	end_clean();
}

static void
lifetimes_in_kilobytes_and_the_shorter_one(void **state)
{
	const struct keying_child *a, *b;
	struct ike1_config	   c, brief;

	(void)state;
	memset(&c, 0, sizeof(c));
	c.rsa_min_bits = 2048;
	c.phase2_kilobytes = 1000000;
	c.esn = true;
	brief = c;
	brief.phase2_lifetime = 300;
	brief.phase2_kilobytes = 1000;
	net_init(&net, 263);
	x = ike1_host_add(&net, "198.51.100.1", "@x1.lab", net_key(0), &c);
	y = ike1_host_add(&net, "198.51.100.10", "198.51.100.10", net_key(1),
	    &brief);
	key_up();
	a = &x->children[0].child;
	b = &y->children[0].child;
	assert_true(a->in.esn && b->in.esn);
	assert_int_equal(a->hard_bytes, 1000000ull * 1024);
	assert_int_equal(b->hard_bytes, 1000ull * 1024);
	assert_true(b->soft_bytes < b->hard_bytes && b->soft_bytes > 0);
	/* RESPONDER-LIFETIME told x that y keeps it for 300 s only. */
	assert_true(a->hard <= net.now + 300000);
	assert_true(a->soft < b->soft);
	end_clean();
}

/* Loses message 5 twice or its answer, and what follows at once. */
static bool
swallow_auth(struct net *n, struct net_datagram *d, void *arg)
{
	(void)d;
	(void)arg;
	return n->count != 5 && n->count != 6 && n->count != 7;
}

static void
initial_contact_is_told(void **state)
{
	struct keying_request r;

	(void)state;
	picture(26, NULL);
	net_request_init(&r, x, y, 0);
	r.initial_contact = true;
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[0]),
	    0);
	net_pass(&net, 1000);
	assert_true(net_agree(x, y));
	assert_int_equal(y->contacts, 1);
	end_clean();

	picture(27, NULL);
	key_up();
	assert_int_equal(y->contacts, 0);
	end_clean();

	/* A negotiation survives loss (RFC 2407 §4.6.3: only
	 * message 5 is repeated). */
	picture(270, NULL);
	net.filter = swallow_auth;
	net_request_init(&r, x, y, 0);
	r.initial_contact = true;
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[0]),
	    0);
	net_pass(&net, 10000);
	assert_true(net_agree(x, y));
	assert_int_equal(y->contacts, 1);
	end_clean();
}

static void
a_restarted_peer_takes_its_old_children_down(void **state)
{
	struct keying_request r;

	(void)state;
	picture(271, NULL);
	key_up();
	/* x's engine dies without a word and comes again. */
	x = ike1_host_add(&net, "198.51.100.1", "@x1.lab", net_key(0), NULL);
	x->next_spi = 0x7000;
	net.hosts[0].addr = (struct addr){ 0 };
	net_pass(&net, 5000);
	net_request_init(&r, x, y, 0);
	r.initial_contact = true;
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[0]),
	    0);
	net_pass(&net, 2000);
	assert_true(net_agree(x, y));
	assert_int_equal(y->contacts, 1);
	assert_int_equal(y->downs, 1);
	assert_true(y->children[0].down);
	assert_false(y->children[1].down);
	end_clean();
}

static void
dead_peers_are_noticed(void **state)
{
	struct ike1_config c;

	(void)state;
	memset(&c, 0, sizeof(c));
	c.rsa_min_bits = 2048;
	c.dpd_delay = 10;
	picture(31, &c);
	key_up();
	/* Each answers: nobody is taken for dead. */
	net_pass(&net, 300000);
	assert_int_equal(x->downs + y->downs, 0);
	net.loss = 100;
	net_pass(&net, 120000);
	assert_int_equal(net_alive(x), 0);
	assert_int_equal(net_alive(y), 0);
	end_clean();
}

static void
forgetting_ends_all_calls(void **state)
{
	(void)state;
	picture(32, NULL);
	assert_int_equal(net_request(x, y, 0), 0);
	x->engine->forget(x->ike, net.now, &x->conns[0], true);
	net_pass(&net, 120000);
	assert_int_equal(x->fails, 0);
	assert_int_equal(x->nchildren, 0);
	assert_int_equal(x->spis, 0);
	end_clean();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(deletes_reach_the_other_end),
		cmocka_unit_test(hard_lifetime_ends_both),
		cmocka_unit_test(rekey_gives_the_same_conn_again),
		cmocka_unit_test(crossing_requests_both_come_up),
		cmocka_unit_test(phase1_outlives_its_lifetime_by_renewal),
		cmocka_unit_test(a_stale_phase1_is_given_up_for_a_new_one),
		cmocka_unit_test(a_phase1_long_unheard_is_given_up_soon),
		cmocka_unit_test(another_key_needs_another_phase1),
		cmocka_unit_test(phase1_in_use_is_renewed_before_it_ends),
		cmocka_unit_test(lifetimes_in_kilobytes_and_the_shorter_one),
		cmocka_unit_test(initial_contact_is_told),
		cmocka_unit_test(a_restarted_peer_takes_its_old_children_down),
		cmocka_unit_test(dead_peers_are_noticed),
		cmocka_unit_test(forgetting_ends_all_calls),
	};

	log_init("test_ike_life", true, getenv("V") != NULL ? LOG_LEVEL_DEBUG :
	    LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("ike life", tests, NULL, NULL);
}
