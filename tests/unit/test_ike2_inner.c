/* test_ike2_inner.c - addresses that one end lends the other, between two engines (RFC 7296 §2.19, §3.15) */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/ike2_net.h"

static const char lent[] = "100.64.0.7";

static struct addr
address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static void
ask(enum keying_inner how)
{
	struct keying_request r;

	net_request_init(&r, x, y, 0);
	r.inner = how;
	assert_int_equal(x->engine->request(x->ike, net.now, &r, &x->conns[0]),
	    0);
	net_pass(&net, 1000);
}

/* A host's newest child is for one address alone, of ours or of theirs. */
static void
is_for(const struct net_host *h, bool ours, const char *text, bool inner)
{
	const struct keying_child *c =
	    &h->children[(h->nchildren - 1) % NET_CHILDREN].child;
	struct addr	      a = address(text);
	struct keying_selector s = keying_selector_host(&a, 0, 0);
	const struct keying_selectors *side = ours ? &c->ours : &c->theirs;

	assert_int_equal(side->n, 1);
	assert_true(keying_selector_equal(&side->ts[0], &s));
	assert_int_equal(addr_is_set(&c->inner), inner);
	if (inner)
		assert_true(addr_equal(&c->inner, &a));
}

static void
one_is_lent(void **state)
{
	(void)state;
	picture2(1, NULL);
	y->lends = address(lent);
	ask(KEYING_INNER_YES);
	assert_int_equal(y->wanted_inner, 1);
	assert_int_equal(x->nchildren, 1);
	assert_true(net_agree(x, y));
	is_for(x, true, lent, true);
	is_for(y, false, lent, false);
	/* Two round trips, as without. */
	assert_int_equal(x->sent, 2);
	end_clean2();
}

/* The same address after rekeys of all kinds: it is of the IKE SA. */
static void
it_stays_over_rekeys(void **state)
{
	struct ike2_config c = { .ike_lifetime = 100, .child_lifetime = 40 };
	unsigned	   ups;

	(void)state;
	picture2(2, &c);
	y->lends = address(lent);
	ask(KEYING_INNER_YES);
	ask(KEYING_INNER_YES);
	assert_int_equal(x->nchildren, 2);
	is_for(x, true, lent, true);
	is_for(y, false, lent, false);
	/* x's IKE SA is renewed at 80 s at the latest. */
	net_pass(&net, 88000);
	ups = x->nchildren;
	ask(KEYING_INNER_YES);
	assert_int_equal(x->nchildren, ups + 1);
	is_for(x, true, lent, true);
	is_for(y, false, lent, false);
	assert_int_equal(y->wanted_inner, 1);
	end_clean2();
}

static void
the_peer_may_rekey_it(void **state)
{
	struct keying_request r;

	(void)state;
	picture2(3, NULL);
	y->lends = address(lent);
	ask(KEYING_INNER_YES);
	net_request_init(&r, y, x, 0);
	r.theirs = y->children[0].child.theirs;
	assert_int_equal(y->engine->request(y->ike, net.now, &r,
	    y->children[0].conn), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->nchildren, 2);
	is_for(x, true, lent, true);
	is_for(y, false, lent, false);
	end_clean2();
}

/* Only where it is needed: behind a NAT. */
static void
asked_for_where_it_is_needed(void **state)
{
	static const struct {
		enum keying_inner how;
		bool nat, wanted;
	} cases[] = {
		{ KEYING_INNER_NO, true, false },
		{ KEYING_INNER_BEHIND_NAT, false, false },
		{ KEYING_INNER_BEHIND_NAT, true, true },
		{ KEYING_INNER_LIKELY, false, false },
		{ KEYING_INNER_LIKELY, true, true },
		{ KEYING_INNER_YES, false, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		picture2(4, NULL);
		if (cases[i].nat) {
			net.nat_inside = x->addr;
			net.nat_outside = address("203.0.113.1");
			net.nat_port = 20000;
		}
		y->lends = address(lent);
		ask(cases[i].how);
		assert_int_equal(x->nchildren, 1);
		assert_int_equal(y->wanted_inner, cases[i].wanted);
		is_for(x, true, cases[i].wanted ? lent : "198.51.100.1",
		    cases[i].wanted);
		end_clean2();
	}
}

/* libreswan says of itself that it takes strangers; here x tells y. */
static void
who_takes_strangers_is_asked(void **state)
{
	struct keying_request r;

	(void)state;
	picture2(5, NULL);
	x->anonymous = y->anonymous = true;
	x->lends = address(lent);
	net_request_init(&r, y, x, 0);
	r.inner = KEYING_INNER_LIKELY;
	r.my_id = (struct keying_id){ .type = KEYING_ID_NULL };
	assert_int_equal(y->engine->request(y->ike, net.now, &r, &y->conns[0]),
	    0);
	net_pass(&net, 1000);
	assert_int_equal(y->nchildren, 1);
	/* Our engine says it as initiator only. */
	assert_int_equal(x->wanted_inner, 0);
	end_clean2();
}

/* Who lends none grants what is the asker's own, of both that it offers. */
static void
none_is_lent(void **state)
{
	(void)state;
	picture2(6, NULL);
	y->first_only = true;
	ask(KEYING_INNER_YES);
	assert_int_equal(y->wanted_inner, 1);
	assert_int_equal(x->nchildren, 1);
	is_for(x, true, "198.51.100.1", false);
	is_for(y, false, "198.51.100.1", false);
	end_clean2();
}

/* Refused for that alone, it seems: the child is asked for
 * without (§2.21.2). */
static void
refused_with_it_and_asked_without(void **state)
{
	(void)state;
	picture2(7, NULL);
	net.nat_inside = x->addr;
	net.nat_outside = address("203.0.113.1");
	net.nat_port = 20000;
	y->ask = NET_REFUSE;
	ask(KEYING_INNER_BEHIND_NAT);
	assert_int_equal(y->asks, 2);
	assert_int_equal(y->wanted_inner, 1);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_CHILD_REFUSED);
	end_clean2();
	/* Who wants it above all hears that it is refused. */
	picture2(8, NULL);
	y->ask = NET_REFUSE;
	ask(KEYING_INNER_YES);
	assert_int_equal(y->asks, 1);
	assert_int_equal(x->fails, 1);
	/* And asks for another way on the IKE SA that is there; the next that
	 * wants it needs another, and the first, with nothing on it, ends. */
	y->ask = NET_NOW;
	ask(KEYING_INNER_NO);
	assert_int_equal(x->sent, 3);
	is_for(x, true, "198.51.100.1", false);
	end_clean2();
}

static void
one_that_cannot_be_lent(void **state)
{
	static const char *const bad[] = { "127.0.0.1", "224.0.0.1",
		"255.255.255.255" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		picture2(9, NULL);
		y->lends = address(bad[i]);
		ask(KEYING_INNER_YES);
		assert_int_equal(x->nchildren, 0);
		assert_int_equal(x->fails, 1);
		end_clean2();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_lent),
		cmocka_unit_test(it_stays_over_rekeys),
		cmocka_unit_test(the_peer_may_rekey_it),
		cmocka_unit_test(asked_for_where_it_is_needed),
		cmocka_unit_test(who_takes_strangers_is_asked),
		cmocka_unit_test(none_is_lent),
		cmocka_unit_test(refused_with_it_and_asked_without),
		cmocka_unit_test(one_that_cannot_be_lent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
