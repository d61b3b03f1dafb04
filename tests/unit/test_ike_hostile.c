/* test_ike_hostile.c - every truncation and one-byte change of a Main Mode and Quick Mode, at every state, in both roles */
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
#include "oe/ike/dh.h"
#include "oe/ike/sign.h"
#include "oe/ike1/keys.h"
#include "tests/unit/ike_pair.h"

#define MESSAGES	9	/* six of Main Mode, three of Quick Mode */

/* --- Diffie-Hellman, done once -------------------------------------------- */

/*
 * Thousands of handshakes differ in one damaged byte, and nine tenths of their
 * time would go into Diffie-Hellman.  While reuse is set the engines get the
 * same few pairs again and again, and what a pair and a public value come to is
 * computed once; a damaged value is one that was not seen, and goes to the real
 * functions.  The linker puts these in their place (--wrap).
 */
#define PAIRS	8
#define SECRETS 64

struct ike_dh *__real_ike_dh_new(unsigned group);
struct ike_dh *__wrap_ike_dh_new(unsigned group);
void	__real_ike_dh_free(struct ike_dh *p);
void	__wrap_ike_dh_free(struct ike_dh *p);
int	__real_ike_dh_derive(struct ike_dh *p, const uint8_t *peer, size_t len,
	    uint8_t *out);
int	__wrap_ike_dh_derive(struct ike_dh *p, const uint8_t *peer, size_t len,
	    uint8_t *out);

static struct {
	bool	       reuse;
	struct ike_dh *pair[PAIRS];
	unsigned       next, group, out;	/* out: given and
						 * not taken back */
	struct {
		const struct ike_dh *dh;
		uint8_t		     peer[IKE_KE_MAX], secret[IKE_KE_MAX];
		size_t		     len;
		int		     rc;
	} known[SECRETS];
	unsigned nknown;
} dh;

static bool
dh_is_pair(const struct ike_dh *p)
{
	unsigned i;

	for (i = 0; i < PAIRS; i++) {
		if (dh.pair[i] == p)
			return true;
	}
	return false;
}

struct ike_dh *
__wrap_ike_dh_new(unsigned group)
{
	struct ike_dh **p = &dh.pair[dh.next % PAIRS];

	if (!dh.reuse || (dh.group != 0 && group != dh.group))
		return __real_ike_dh_new(group);
	dh.group = group;
	dh.next++;
	dh.out++;
	if (*p == NULL)
		*p = __real_ike_dh_new(group);
	return *p;
}

void
__wrap_ike_dh_free(struct ike_dh *p)
{
	if (p != NULL && dh_is_pair(p))
		dh.out--;
	else
		__real_ike_dh_free(p);
}

int
__wrap_ike_dh_derive(struct ike_dh *p, const uint8_t *peer, size_t len,
    uint8_t *out)
{
	unsigned i;
	int	 rc;

	if (!dh_is_pair(p) || len > IKE_KE_MAX)
		return __real_ike_dh_derive(p, peer, len, out);
	for (i = 0; i < dh.nknown; i++) {
		if (dh.known[i].dh != p || dh.known[i].len != len ||
		    memcmp(dh.known[i].peer, peer, len) != 0)
			continue;
		memcpy(out, dh.known[i].secret, sizeof(dh.known[i].secret));
		return dh.known[i].rc;
	}
	rc = __real_ike_dh_derive(p, peer, len, out);
	if (rc > 0 && dh.nknown < SECRETS) {
		dh.known[dh.nknown].dh = p;
		dh.known[dh.nknown].len = len;
		dh.known[dh.nknown].rc = rc;
		memcpy(dh.known[dh.nknown].peer, peer, len);
		memcpy(dh.known[dh.nknown++].secret, out, (size_t)rc);
	}
	return rc;
}

static int
dh_reuse(void **state)
{
	(void)state;
	dh.reuse = true;
	return 0;
}

/* Which datagram is damaged, and how; the true one follows or not. */
struct damage {
	unsigned message;		/* 1.. */
	size_t	 cut;			/* bytes kept; SIZE_MAX: all */
	size_t	 at;			/* byte changed; SIZE_MAX: none */
	uint8_t	 mask;
	bool	 forever;		/* each repetition too */
	size_t	 len;			/* out: of the datagram */
};

static bool
inflict(struct net *n, struct net_datagram *d, void *arg)
{
	struct damage *g = arg;

	if (n->count != g->message && !(g->forever && n->count > g->message &&
	    d->len == g->len))
		return true;
	g->len = d->len;
	if (g->cut < d->len)
		d->len = g->cut;
	if (g->at < d->len)
		d->buf[g->at] ^= g->mask;
	return true;
}

/* One handshake with one damage; whatever happens must end. */
static size_t
suffer(struct damage *g, unsigned *up)
{
	picture(1, NULL);
	/* The same pairs for the same messages, as long as
	 * nothing is damaged. */
	dh.next = 0;
	net.filter = inflict;
	net.filter_arg = g;
	g->len = 0;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 120000);
	/* Either keys that both have, or a reason; nothing half-way. */
	if (x->nchildren > 0) {
		(*up)++;
		assert_int_equal(x->fails, 0);
	} else {
		assert_int_equal(x->fails, 1);
	}
	if (x->nchildren > 0 && y->nchildren > 0 &&
	    !x->children[0].down && !y->children[0].down)
		assert_true(net_agree(x, y));
	x->engine->forget(x->ike, net.now, &x->conns[0], false);
	assert_int_equal(x->spis, 0);
	assert_true(net_end(&net));
	assert_int_equal(dh.out, 0);
	return g->len;
}

static void
truncations_end_well(void **state)
{
	struct damage g;
	unsigned      m, up = 0, tries = 0;
	size_t	      len;

	(void)state;
	for (m = 1; m <= MESSAGES; m++) {
		len = SIZE_MAX;
		for (g.cut = 0; g.cut < len; g.cut++) {
			g.message = m;
			g.at = SIZE_MAX;
			g.forever = false;
			len = suffer(&g, &up);
			tries++;
		}
	}
	/* A lost message is repeated, so all must have come up. */
	assert_true(up * 100 >= tries * 95);
}

static void
changes_end_well(void **state)
{
	struct damage g;
	unsigned      m, up = 0, tries = 0;
	size_t	      len;

	(void)state;
	for (m = 1; m <= MESSAGES; m++) {
		len = SIZE_MAX;
		for (g.at = 0; g.at < len; g.at++) {
			g.message = m;
			g.cut = SIZE_MAX;
			g.mask = (uint8_t)(1u << (g.at % 8));
			g.forever = false;
			len = suffer(&g, &up);
			tries++;
		}
	}
	assert_true(up > 0);
}

/* --- damaged copies first, then the true message -------------------------- */

/*
 * At each state the engine gets every truncation, then the true message, and
 * must go on as if nothing had been.
 */
static bool
copies_before(struct net *n, struct net_datagram *d, void *arg)
{
	struct net_datagram *copy;
	const unsigned	    *mode = arg;
	size_t		     i;

	if (n->count > MESSAGES)
		return true;
	if ((copy = malloc(sizeof(*copy))) == NULL)
		abort();
	/* Nothing that the copies cause is to be damaged again. */
	n->filter = NULL;
	if (*mode == 0) {
		for (i = 0; i < d->len; i++) {
			*copy = *d;
			copy->len = i;
			net_deliver(n, copy);
		}
	} else {
		/* The header's bytes: cookies, exchange, flags,
		 * message id, length. */
		for (i = 0; i < 28 * 8; i++) {
			*copy = *d;
			copy->buf[i / 8] ^= (uint8_t)(1u << (i % 8));
			/* Bits of the cookie of a first message make
			 * new first messages. */
			if (i / 8 < 8 && load_u64(d->buf + 8) == 0)
				continue;
			net_deliver(n, copy);
		}
	}
	free(copy);
	n->filter = copies_before;
	return true;
}

static void
damaged_copies_do_not_disturb(void **state)
{
	unsigned mode;

	(void)state;
	for (mode = 0; mode < 2; mode++) {
		picture(1, NULL);
		net.filter = copies_before;
		net.filter_arg = &mode;
		assert_int_equal(net_request(x, y, 0), 0);
		net_pass(&net, 60000);
		assert_int_equal(x->nchildren, 1);
		assert_true(net_agree(x, y));
		assert_true(net_end(&net));
	}
}

/* Each message of the exchange, replayed to both at every later state. */
static struct net_datagram kept[64];
static unsigned nkept;

static bool
replay_all(struct net *n, struct net_datagram *d, void *arg)
{
	unsigned i;

	(void)arg;
	n->filter = NULL;
	for (i = 0; i < nkept; i++)
		net_deliver(n, &kept[i]);
	if (nkept < 64)
		kept[nkept++] = *d;
	n->filter = replay_all;
	return true;
}

static void
replays_make_no_new_keys(void **state)
{
	unsigned i, before;

	(void)state;
	picture(1, NULL);
	nkept = 0;
	net.filter = replay_all;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 60000);
	assert_int_equal(x->nchildren, 1);
	assert_int_equal(y->nchildren, 1);
	assert_true(net_agree(x, y));
	net.filter = NULL;
	/* Long after: no child, no contact, no delete comes of it. */
	before = y->lookups;
	for (i = 0; i < nkept; i++)
		net_deliver(&net, &kept[i]);
	net_pass(&net, 60000);
	assert_int_equal(x->nchildren, 1);
	assert_int_equal(y->nchildren, 1);
	assert_int_equal(x->downs + y->downs, 0);
	assert_int_equal(y->lookups, before);
	/* After the SA is gone too. */
	x->engine->shutdown(x->ike, net.now);
	y->engine->shutdown(y->ike, net.now);
	net_pass(&net, 60000);
	for (i = 0; i < nkept; i++)
		net_deliver(&net, &kept[i]);
	net_pass(&net, 120000);
	assert_int_equal(y->nchildren, 1);
	assert_true(net_end(&net));
}

/* Bytes at random behind a header that fits. */
static void
noise_is_survived(void **state)
{
	static struct net_datagram d;
	uint8_t			   cookies[16];
	unsigned		   i;

	(void)state;
	picture(1, NULL);
	nkept = 0;
	net.filter = replay_all;
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 5000);
	net.filter = NULL;
	memcpy(cookies, kept[nkept - 1].buf, sizeof(cookies));
	for (i = 0; i < 20000; i++) {
		d.len = 28 + random_uniform(300);
		random_bytes(d.buf, d.len);
		if (i % 3 != 0)
			memcpy(d.buf, cookies, sizeof(cookies));
		d.buf[17] = 0x10;
		d.buf[16] = (uint8_t)(d.buf[16] % 16);
		if (i % 2 == 0)
			d.buf[18] = (uint8_t[]){ 2, 5, 32, 4 }[i / 2 % 4];
		if (i % 5 == 0) {
			d.len = 28 + d.len / 16 * 16;
			d.buf[19] = 1;
		}
		store_u32(d.buf + 24, (uint32_t)d.len);
		d.path = (struct keying_path){ y->addr, x->addr, 500, 500 };
		if (i % 2 == 1)
			d.path = (struct keying_path){ x->addr, y->addr, 500,
				500 };
		net_deliver(&net, &d);
		net.nqueue = 0;
	}
	net_pass(&net, 60000);
	assert_int_equal(net_alive(x), 1);
	assert_int_equal(net_alive(y), 1);
	/* And it still works. */
	assert_int_equal(net_request(x, y, 0), 0);
	net_pass(&net, 1000);
	assert_true(net_agree(x, y));
	assert_int_equal(x->nchildren, 2);
	assert_true(net_end(&net));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_copies_do_not_disturb),
		cmocka_unit_test(replays_make_no_new_keys),
		cmocka_unit_test(noise_is_survived),
		cmocka_unit_test_setup(truncations_end_well, dh_reuse),
		cmocka_unit_test_setup(changes_end_well, dh_reuse),
	};

	log_init("test_ike_hostile", true, getenv("V") != NULL ?
	    LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("ike_hostile", tests, NULL, NULL);
}
