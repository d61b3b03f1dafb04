/* test_ike2_rekey.c - CREATE_CHILD_SA: children and IKE SAs made and replaced, and all that crosses on the way */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "oe/ike2/exchange.h"
#include "oe/ike2/sa.h"
#include "tests/unit/ike2_net.h"

/* The newest IKE SA of h that is up, NULL: none. */
static struct ike2_sa *
newest(const struct net_host *h)
{
	struct ike2    *e = h->ike;
	struct ike2_sa *sa;

	TAILQ_FOREACH_REVERSE(sa, &e->sas, ike2_sas, entry) {
		if (sa->state == IKE2_UP && !sa->replaced && !sa->close)
			return sa;
	}
	return NULL;
}

static unsigned
ike_sas(const struct net_host *h)
{
	struct ike2    *e = h->ike;
	struct ike2_sa *sa;
	unsigned	n = 0;

	TAILQ_FOREACH(sa, &e->sas, entry)
		n += sa->state < IKE2_GONE;
	return n;
}

/* --- what one end does --- */

static void
rekey_child(struct net_host *h)
{
	/* y's connection is the one that answered the first question. */
	if (h == x)
		(void)net_request(x, y, 0);
	else
		(void)net_request(y, x, 1);
}

static void
rekey_ike(struct net_host *h)
{
	struct ike2_sa *sa = newest(h);

	if (sa == NULL)
		return;
	sa->renew_at = h->net->now;
	ike2_exchange_next(sa, h->net->now);
	ike_timer(&sa->ike->x, h->net->now);
}

static void
delete_child(struct net_host *h)
{
	void	*conn = h == x ? &x->conns[0] : &y->conns[1];
	unsigned i;

	/* Who forgets is not told. */
	for (i = 0; i < h->nchildren && i < NET_CHILDREN; i++)
		h->children[i].down = h->children[i].down ||
		    h->children[i].conn == conn;
	h->engine->forget(h->ike, h->net->now, conn, true);
}

static void
delete_ike(struct net_host *h)
{
	struct ike2_sa *sa = newest(h);

	if (sa == NULL)
		return;
	sa->close = true;
	ike2_exchange_next(sa, h->net->now);
	ike_timer(&sa->ike->x, h->net->now);
}

static void
make_child(struct net_host *h)
{
	struct keying_request r;

	net_request_init(&r, h, h == x ? y : x, 0);
	r.ours.ts[0].protocol = r.theirs.ts[0].protocol = 17;
	(void)h->engine->request(h->ike, h->net->now, &r, &h->conns[20]);
}

static void
nothing(struct net_host *h)
{
	(void)h;
}

/* Every pair of SAs that is alive at one end is so at the other,
 * with the same keys. */
static bool
both_have_the_same(void)
{
	struct net_child *a, *b;
	unsigned	  i, k, found;

	if (net_alive(x) != net_alive(y))
		return false;
	for (i = 0; i < x->nchildren && i < NET_CHILDREN; i++) {
		a = &x->children[i];
		if (a->down)
			continue;
		for (found = k = 0; k < y->nchildren && k < NET_CHILDREN; k++) {
			b = &y->children[k];
			found += !b->down &&
			    a->child.in.spi == b->child.out.spi &&
			    a->child.out.spi == b->child.in.spi &&
			    memcmp(a->child.in.cipher_key,
			    b->child.out.cipher_key, 36) == 0 &&
			    memcmp(a->child.out.cipher_key,
			    b->child.in.cipher_key, 36) == 0;
		}
		if (found != 1)
			return false;
	}
	return true;
}

/* --- one end alone --- */

static void
child_is_rekeyed(void **state)
{
	struct net_host *who[2];
	unsigned	 i;

	(void)state;
	for (i = 0; i < 2; i++) {
		picture2(1 + i, NULL);
		who[0] = x;
		who[1] = y;
		key_up2();
		rekey_child(who[i]);
		net_pass(&net, 1000);
		assert_int_equal(x->nchildren, 2);
		assert_int_equal(y->nchildren, 2);
		assert_true(net_agree(x, y));
		assert_true(both_have_the_same());
		/* The old pair is gone at both ends, and nobody was asked. */
		assert_true(x->children[0].down && y->children[0].down);
		assert_true(who[!i]->children[0].by_peer);
		assert_int_equal(net_alive(x), 1);
		assert_int_equal(y->asks, 1);
		assert_int_equal(x->asks, 0);
		/* The same connections as before. */
		assert_ptr_equal(x->children[1].conn, x->children[0].conn);
		assert_ptr_equal(y->children[1].conn, y->children[0].conn);
		/* With a key exchange of its own (PFS): nothing in common. */
		assert_memory_not_equal(x->children[0].child.in.cipher_key,
		    x->children[1].child.in.cipher_key, 36);
		/* §2.8: who answered sends by the new one when the other has
		 * shown that it can. */
		assert_true(who[!i]->children[1].confirmed);
		assert_int_equal(ike_sas(x), 1);
		end_clean2();
	}
}

static void
another_child(void **state)
{
	(void)state;
	picture2(3, NULL);
	key_up2();
	make_child(x);
	net_pass(&net, 1000);
	assert_int_equal(net_alive(x), 2);
	assert_true(both_have_the_same());
	assert_int_equal(y->asks, 2);
	assert_int_equal(ike_sas(y), 1);
	/* And y refuses a third. */
	y->ask = NET_REFUSE;
	assert_int_equal(net_request(x, y, 30), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->failure, KEYING_CHILD_REFUSED);
	assert_int_equal(net_alive(x), 2);
	end_clean2();
}

/* The shell of y never says a word about it: refused before x
 * takes y for dead. */
static void
a_question_without_an_answer(void **state)
{
	(void)state;
	picture2(8, NULL);
	key_up2();
	y->ask = NET_NEVER;
	make_child(x);
	net_pass(&net, 15000);
	assert_int_equal(x->fails, 1);
	assert_int_equal(x->failure, KEYING_CHILD_REFUSED);
	assert_int_equal(net_alive(x), 1);
	/* The window is open again. */
	y->ask = NET_NOW;
	make_child(x);
	net_pass(&net, 1000);
	assert_int_equal(net_alive(x), 2);
	assert_true(both_have_the_same());
	end_clean2();
}

/* Three requests at once: the first goes with IKE_AUTH, the others
 * follow one by one. */
static void
several_at_once(void **state)
{
	(void)state;
	picture2(4, NULL);
	assert_int_equal(net_request(x, y, 0), 0);
	assert_int_equal(net_request(x, y, 1), 0);
	assert_int_equal(net_request(x, y, 2), 0);
	net_pass(&net, 2000);
	assert_int_equal(net_alive(x), 3);
	assert_true(both_have_the_same());
	assert_int_equal(ike_sas(x), 1);
	end_clean2();
}

/* RFC 7296 §4: a peer that takes no more SAs on this IKE SA
 * gets another one. */
static void
no_additional_sas(void **state)
{
	(void)state;
	picture2(40, NULL);
	key_up2();
	y->no_spi = true;		/* y says NO_ADDITIONAL_SAS */
	assert_int_equal(net_request(x, y, 1), 0);
	net_pass(&net, 1000);
	assert_int_equal(x->fails, 1);
	/* No fault of its own, so it is asked for again soon. */
	assert_int_equal(x->failure, KEYING_LOCAL);
	assert_int_equal(net_alive(x), 1);
	y->no_spi = false;
	assert_int_equal(net_request(x, y, 1), 0);
	net_pass(&net, 1000);
	assert_int_equal(net_alive(x), 2);
	assert_int_equal(ike_sas(x), 2);
	/* And a rekey likewise: the new pair stands on the new IKE SA. */
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(ike_sas(x), 2);
	assert_true(both_have_the_same());
	end_clean2();
}

/* §2.25: a peer that is busy for minutes knows another state than we do. */
static void
busy_for_ever(void **state)
{
	struct ike2_sa *sa;
	unsigned	sent;

	(void)state;
	picture2(67, NULL);
	key_up2();
	/* As one that waits for the delete of an IKE SA that
	 * it has replaced. */
	sa = TAILQ_FIRST(&((struct ike2 *)y->ike)->sas);
	sa->replaced = true;
	sent = x->sent;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 120000);
	assert_int_equal(x->nchildren, 1);
	assert_int_equal(net_alive(x), 1);
	/* 1 to 10 seconds between two. */
	assert_in_range(x->sent - sent, 12, 121);
	net_pass(&net, 120000);
	assert_int_equal(net_alive(x), 0);
	assert_int_equal(net_alive(y), 0);
	assert_true(y->children[0].by_peer);
	/* Another IKE SA, and all is well. */
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_int_equal(net_alive(x), 1);
	assert_true(net_agree(x, y));
	end_clean2();
}

/* And one that is busy for a while is waited for. */
static void
busy_for_a_minute(void **state)
{
	struct ike2_sa *sa;

	(void)state;
	picture2(68, NULL);
	key_up2();
	sa = TAILQ_FIRST(&((struct ike2 *)y->ike)->sas);
	sa->replaced = true;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 60000);
	sa->replaced = false;
	net_pass(&net, 11000);
	assert_int_equal(x->nchildren, 2);
	assert_int_equal(net_alive(x), 1);
	/* What was before does not count any more. */
	sa->replaced = true;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 150000);
	assert_int_equal(net_alive(x), 1);
	end_clean2();
}

static void
ike_sa_is_rekeyed(void **state)
{
	struct net_host *who[2];
	uint64_t	 old;
	unsigned	 i, sent;

	(void)state;
	for (i = 0; i < 2; i++) {
		picture2(5 + i, NULL);
		who[0] = x;
		who[1] = y;
		key_up2();
		make_child(x);
		net_pass(&net, 1000);
		old = newest(x)->spi;
		sent = who[!i]->sent;
		rekey_ike(who[i]);
		net_pass(&net, 1000);
		/* RFC 3104 App. E: who answered speaks first on the new one. */
		assert_true(who[!i]->sent >= sent + 3);
		assert_int_equal(ike_sas(x), 1);
		assert_int_equal(ike_sas(y), 1);
		assert_true(newest(x)->spi != old);
		assert_true(newest(x)->spi == newest(y)->peer_spi);
		/* §2.2: "original initiator" is who made this one. */
		assert_true(newest(x)->initiator == (i == 0));
		/* The children live on, and are deleted over the new one. */
		assert_int_equal(net_alive(x), 2);
		assert_int_equal(net_alive(y), 2);
		assert_int_equal(x->downs + y->downs, 0);
		rekey_child(who[!i]);
		net_pass(&net, 1000);
		assert_true(both_have_the_same());
		delete_child(x);
		net_pass(&net, 1000);
		assert_int_equal(net_alive(y), 1);
		end_clean2();
	}
}

/* By itself, before its time is over; and again and again. */
static void
ike_sas_renew_themselves(void **state)
{
	struct ike2_config c = { .ike_lifetime = 100, .child_lifetime = 10000 };

	(void)state;
	picture2(7, &c);
	key_up2();
	net_pass(&net, 1000 * 1000);
	assert_int_equal(net_alive(x), 1);
	assert_true(both_have_the_same());
	assert_int_equal(ike_sas(x), 1);
	assert_int_equal(ike_sas(y), 1);
	assert_true(x->cookies >= 10);
	end_clean2();
}

/* --- both at once, and what is lost on the way --- */

struct lose { unsigned seen, which, more; };

static bool
lose(struct net *n, struct net_datagram *d, void *arg)
{
	struct lose *l = arg;

	(void)n;
	(void)d;
	l->seen++;
	return l->seen != l->which && (l->more == 0 || l->seen != l->more);
}

static const struct act {
	const char *name;
	void	  (*act)(struct net_host *h);
	bool	    ends;	/* what there was may be gone after it */
} acts[] = {
	{ "nothing", nothing, false },
	{ "rekey child", rekey_child, false },
	{ "rekey IKE SA", rekey_ike, false },
	{ "delete child", delete_child, true },
	{ "delete IKE SA", delete_ike, true },
	{ "make child", make_child, false },
};
#define ACTS	(sizeof(acts) / sizeof(acts[0]))

static unsigned situations;

/* What is left of the one pair that there was. */
struct left { unsigned pairs, ike_sas; };

/* apart: y acts so many milliseconds after x, or before it. */
static struct left
collide(size_t a, size_t b, int apart, unsigned which, unsigned more)
{
	struct left left;
	struct lose l = { 0, which, more };
	char	    text[160];

	situations++;
	snprintf(text, sizeof(text),
	    "%s at x, %s at y %d ms later, datagrams %u and %u lost",
	    acts[a].name, acts[b].name, apart, which, more);
	picture2(50 + (uint32_t)abs(apart), NULL);
	key_up2();
	net.filter = lose;
	net.filter_arg = &l;
	if (apart < 0) {
		acts[b].act(y);
		net_pass(&net, (uint64_t)-apart);
		acts[a].act(x);
	} else {
		acts[a].act(x);
		net_pass(&net, (uint64_t)apart);
		acts[b].act(y);
	}
	net_pass(&net, 45000);
	left = (struct left){ net_alive(x), ike_sas(x) };
	/* The ends agree on what there is, and nothing that
	 * was wanted is lost. */
	if (!both_have_the_same())
		fail_msg("%s: x has %u, y %u", text, net_alive(x),
		    net_alive(y));
	if (!acts[a].ends && !acts[b].ends && net_alive(x) < 1)
		fail_msg("%s: nothing is left", text);
	if (a == 5 && !acts[b].ends && x->children[x->nchildren - 1].down &&
	    net_alive(x) < 2)
		fail_msg("%s: what x made is gone", text);
	/* A redundant pair or IKE SA does not stay. */
	if (a != 5 && b != 5 && net_alive(x) > 1)
		fail_msg("%s: %u pairs", text, net_alive(x));
	net_pass(&net, 100000);
	if (ike_sas(x) > 1 || ike_sas(y) > 1)
		fail_msg("%s: %u and %u IKE SAs", text, ike_sas(x), ike_sas(y));
	if (ike_sas(x) == 1 && ike_sas(y) == 1 &&
	    newest(x)->spi != newest(y)->peer_spi)
		fail_msg("%s: not the same IKE SA", text);
	/* And it still works. */
	net.filter = NULL;
	if (net_request(x, y, 40) != 0)
		fail_msg("%s: no request", text);
	net_pass(&net, 30000);
	if (!both_have_the_same() || net_alive(x) == 0)
		fail_msg("%s: no new pair", text);
	end_clean2();
	return left;
}

/* The table of doc/ike2.md: each rekey against each act, in three orders, with
 * nothing lost and with each datagram lost. */
static void
forty_eight_collisions(void **state)
{
	enum { NOTHING, REKEY_CHILD, REKEY_IKE, DELETE_CHILD, DELETE_IKE,
	    MAKE };
	static const struct {
		size_t	    x, y;
		struct left left;
	} t[] = {
		{ REKEY_CHILD, REKEY_CHILD, { 1, 1 } },
		{ REKEY_CHILD, REKEY_IKE, { 1, 1 } },
		{ REKEY_CHILD, DELETE_CHILD, { 1, 1 } },
		{ REKEY_CHILD, DELETE_IKE, { 0, 0 } },
		{ REKEY_CHILD, MAKE, { 2, 1 } },
		{ REKEY_IKE, REKEY_CHILD, { 1, 1 } },
		{ REKEY_IKE, REKEY_IKE, { 1, 1 } },
		{ REKEY_IKE, DELETE_CHILD, { 0, 1 } },
		{ REKEY_IKE, DELETE_IKE, { 0, 0 } },
		{ REKEY_IKE, MAKE, { 2, 1 } },
		{ DELETE_CHILD, REKEY_CHILD, { 1, 1 } },
		{ DELETE_CHILD, REKEY_IKE, { 0, 1 } },
		{ DELETE_IKE, REKEY_CHILD, { 0, 0 } },
		{ DELETE_IKE, REKEY_IKE, { 0, 0 } },
		{ MAKE, REKEY_CHILD, { 2, 1 } },
		{ MAKE, REKEY_IKE, { 2, 1 } },
	};
	struct left l;
	unsigned    which;
	size_t	    i;
	int	    order;

	(void)state;
	situations = 0;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (order = -1; order <= 1; order++)
			for (which = 0; which <= 8; which++) {
				l = collide(t[i].x, t[i].y, order * 5, which,
				    0);
				/* A redundant IKE SA may take a minute more. */
				if (l.pairs != t[i].left.pairs ||
				    (l.ike_sas != 0) != t[i].left.ike_sas)
					fail_msg("%s, %s, %d, %u lost: %u "
					    "pairs, "
					    "%u IKE SAs", acts[t[i].x].name,
					    acts[t[i].y].name, order, which,
					    l.pairs, l.ike_sas);
			}
	print_message("%u situations\n", situations);
}

/* Each act of x with each of y, in each order of their
 * messages, nothing lost. */
static void
collisions(void **state)
{
	size_t	 a, b;
	unsigned apart;

	(void)state;
	situations = 0;
	for (a = 0; a < ACTS; a++)
		for (b = 0; b < ACTS; b++)
			for (apart = 0; apart <= 45; apart += 5)
				collide(a, b, (int)apart, 0, 0);
	print_message("%u situations\n", situations);
}

/* The same with each datagram lost in turn. */
static void
collisions_with_a_loss(void **state)
{
	size_t	 a, b;
	unsigned apart, which;

	(void)state;
	situations = 0;
	for (a = 1; a < ACTS; a++)
		for (b = 1; b < ACTS; b++)
			for (apart = 0; apart <= 20; apart += 5)
				for (which = 1; which <= 8; which++)
					collide(a, b, (int)apart, which, 0);
	print_message("%u situations\n", situations);
}

/* And any two of them. */
static void
collisions_with_two_losses(void **state)
{
	unsigned which, more, apart;
	size_t	 a, b;

	(void)state;
	situations = 0;
	for (a = 1; a < ACTS; a++)
		for (b = 1; b < ACTS; b++)
			for (apart = 0; apart <= 10; apart += 10)
				for (which = 1; which <= 6; which++)
					for (more = which + 1; more <= 8;
					    more++)
						collide(a, b, (int)apart, which,
						    more);
	print_message("%u situations\n", situations);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_is_rekeyed),
		cmocka_unit_test(another_child),
		cmocka_unit_test(a_question_without_an_answer),
		cmocka_unit_test(several_at_once),
		cmocka_unit_test(no_additional_sas),
		cmocka_unit_test(busy_for_ever),
		cmocka_unit_test(busy_for_a_minute),
		cmocka_unit_test(ike_sa_is_rekeyed),
		cmocka_unit_test(ike_sas_renew_themselves),
		cmocka_unit_test(forty_eight_collisions),
		cmocka_unit_test(collisions),
		cmocka_unit_test(collisions_with_a_loss),
		cmocka_unit_test(collisions_with_two_losses),
	};

	log_init("test_ike2_rekey", true, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
