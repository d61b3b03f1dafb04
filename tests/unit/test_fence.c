/* test_fence.c - epochs: who may grant, what is heard out of order, and that no port is ever in two hands whoever thinks what */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rsipd/fence.h"

#define NOW	1000

static struct addr nb;

static struct fence
make(void)
{
	struct fence f;

	fence_init(&f);
	nb = addr_from_v4(0x0100a8c0);
	assert_int_equal(fence_add(&f, &nb), 0);
	return f;
}

static size_t
ask(struct fence *f, uint64_t now)
{
	struct addr out[4];

	return fence_ask(f, now, out, 4);
}

static void
test_nothing_is_ours_without_the_address(void **state)
{
	struct fence f = make();

	(void)state;
	assert_int_equal(ask(&f, NOW), 0);
	fence_taken(&f, &nb, 1, NOW);
	fence_heard(&f, &nb, 1, true, NOW);
	assert_int_equal(fence_epoch(&f, &nb), 0);
}

static void
test_ours_when_read_so_far(void **state)
{
	struct fence f = make();

	(void)state;
	assert_true(fence_hold(&f, &nb, true));
	assert_false(fence_hold(&f, &nb, true));
	assert_int_equal(ask(&f, NOW), 1);
	assert_int_equal(ask(&f, NOW), 0);
	fence_taken(&f, &nb, 7, NOW);
	assert_int_equal(fence_epoch(&f, &nb), 0);
	fence_heard(&f, &nb, 6, false, NOW);
	assert_int_equal(fence_epoch(&f, &nb), 0);
	fence_heard(&f, &nb, 7, true, NOW);
	assert_int_equal(fence_epoch(&f, &nb), 7);
	/* The address is gone: at once. */
	assert_true(fence_hold(&f, &nb, false));
	assert_int_equal(fence_epoch(&f, &nb), 0);
}

static void
test_the_log_may_come_first(void **state)
{
	struct fence f = make();

	(void)state;
	fence_hold(&f, &nb, true);
	ask(&f, NOW);
	fence_heard(&f, &nb, 3, true, NOW);
	fence_taken(&f, &nb, 3, NOW);
	assert_int_equal(fence_epoch(&f, &nb), 3);
}

static void
test_another_is_heard_of(void **state)
{
	struct fence f = make();

	(void)state;
	fence_hold(&f, &nb, true);
	ask(&f, NOW);
	fence_taken(&f, &nb, 3, NOW);
	fence_heard(&f, &nb, 3, true, NOW);
	fence_heard(&f, &nb, 4, false, NOW);
	assert_int_equal(fence_state(&f, &nb), FENCE_FENCED);
	assert_int_equal(f.lost, 1);
	assert_int_equal(ask(&f, NOW + FENCE_REST - 1), 0);
	assert_int_equal(ask(&f, NOW + FENCE_REST), 1);
	/* Another took it once more before our answer is read. */
	fence_heard(&f, &nb, 5, true, NOW);
	fence_heard(&f, &nb, 6, false, NOW);
	fence_taken(&f, &nb, 5, NOW);
	assert_int_equal(fence_state(&f, &nb), FENCE_FENCED);
}

/* The same number of a store that went back, taken by another. */
static void
test_an_equal_epoch_of_another(void **state)
{
	struct fence f = make();

	(void)state;
	fence_hold(&f, &nb, true);
	ask(&f, NOW);
	fence_taken(&f, &nb, 3, NOW);
	fence_heard(&f, &nb, 3, false, NOW);
	assert_int_equal(fence_state(&f, &nb), FENCE_FENCED);
}

static void
test_it_goes_and_comes(void **state)
{
	struct fence f = make();

	(void)state;
	fence_hold(&f, &nb, true);
	ask(&f, NOW);
	fence_hold(&f, &nb, false);
	fence_hold(&f, &nb, true);
	assert_int_equal(ask(&f, NOW), 1);
	/* Our answers come, and both are in the log too. */
	fence_heard(&f, &nb, 1, true, NOW);
	fence_heard(&f, &nb, 2, true, NOW);
	fence_taken(&f, &nb, 1, NOW);
	assert_int_equal(fence_epoch(&f, &nb), 0);
	fence_taken(&f, &nb, 2, NOW);
	assert_int_equal(fence_epoch(&f, &nb), 2);
}

static void
test_no_answer(void **state)
{
	struct fence f = make();

	(void)state;
	fence_hold(&f, &nb, true);
	ask(&f, NOW);
	fence_unanswered(&f);
	assert_int_equal(fence_next(&f), 1);
	assert_int_equal(ask(&f, NOW), 1);
	fence_taken(&f, &nb, 2, NOW);
	fence_heard(&f, &nb, 2, true, NOW);
	fence_unanswered(&f);
	assert_int_equal(fence_epoch(&f, &nb), 2);
	fence_refused(&f, &nb, NOW);
	assert_int_equal(fence_epoch(&f, &nb), 0);
	fence_reset(&f);
	assert_int_equal(ask(&f, NOW), 1);
	/* What was refused came before what is asked
	 * for, whose answer is no longer of use. */
	fence_refused(&f, &nb, NOW);
	fence_taken(&f, &nb, 3, NOW);
	fence_heard(&f, &nb, 3, true, NOW);
	assert_int_equal(fence_epoch(&f, &nb), 0);
	assert_int_equal(fence_took(&f, &nb), 0);
	assert_int_equal(ask(&f, NOW), 0);
	assert_int_equal(ask(&f, NOW + FENCE_REST), 1);
}

/* --- two gateways and a store, in any order ------------------------------- */

#define PORTS	8
#define LOG_MAX	4096

/* What begin.lua, take.lua and write.lua do, for one address. */
struct fake_store {
	uint64_t epoch;
	int	 by;
	struct entry {
		int	 by, port;	/* port -1: taken; else
					 * given, or freed */
		uint64_t epoch;
		bool	 given;
	}	log[LOG_MAX];
	size_t	 n;
};

struct fake_gateway {
	int	 id;
	struct fence fence;
	size_t	 read;			/* of the log */
	bool	 taken[PORTS];		/* as it knows */
	uint64_t answer;		/* an epoch on its way; 0: none */
	int	 want;			/* a grant on its way to
					 * the store; -1: none */
	uint64_t want_epoch;
	bool	 reaches, unsure;	/* unsure: what it read did not fit */
};

static void
read_one(struct fake_gateway *g, const struct fake_store *s, uint64_t now)
{
	const struct entry *e;

	if (!g->reaches || g->read == s->n)
		return;
	e = &s->log[g->read++];
	if (e->port == -1)
		fence_heard(&g->fence, &nb, e->epoch, e->by == g->id, now);
	else if (e->by != g->id && e->given && g->want == e->port)
		g->unsure = true;
	else if (e->by != g->id)
		g->taken[e->port] = e->given;
}

static void
write_one(struct fake_gateway *g, struct fake_store *s, int *holder,
    unsigned *granted, uint64_t now)
{
	int port = g->want;

	if (!g->reaches || port == -1)
		return;
	g->want = -1;
	if (s->epoch != g->want_epoch || s->by != g->id) {
		fence_refused(&g->fence, &nb, now);
		g->taken[port] = false;
		return;
	}
	/* The promise: nobody else has it. */
	assert_int_equal(holder[port], 0);
	holder[port] = g->id;
	s->log[s->n++] = (struct entry){ g->id, port, 0, true };
	(*granted)++;
}

static void
step(struct fake_gateway *g, struct fake_store *s, int *holder,
    unsigned *granted, uint64_t now)
{
	struct addr out;
	int	    port = (int)(random() % PORTS), i;

	switch (random() % 8) {
	case 0:
		fence_hold(&g->fence, &nb, random() % 4 != 0);
		break;
	case 1:
		g->reaches = random() % 3 != 0;
		if (!g->reaches) {
			g->answer = 0;
			fence_unanswered(&g->fence);
		}
		break;
	case 2:
		if (g->reaches && g->unsure && g->want == -1) {
			for (i = 0; i < PORTS; i++)
				g->taken[i] = holder[i] != 0;
			g->read = s->n;
			g->unsure = false;
			fence_heard(&g->fence, &nb, s->epoch, s->by == g->id,
			    now);
		}
		if (g->reaches && !g->unsure && g->answer == 0 &&
		    fence_ask(&g->fence, now, &out, 1) == 1) {
			s->by = g->id;
			g->answer = ++s->epoch;
			s->log[s->n++] = (struct entry){ g->id, -1, s->epoch,
				false };
		}
		break;
	case 3:
		if (g->answer != 0)
			fence_taken(&g->fence, &nb, g->answer, now);
		g->answer = 0;
		break;
	case 4:
		if (g->want == -1 && !g->taken[port] &&
		    fence_epoch(&g->fence, &nb) != 0) {
			g->taken[port] = true;
			g->want = port;
			g->want_epoch = fence_epoch(&g->fence, &nb);
		}
		break;
	case 5:
		write_one(g, s, holder, granted, now);
		break;
	case 6:
		/* Freed by who has the address, in its own epoch. */
		if (holder[port] != 0 && g->taken[port] && g->want != port &&
		    g->reaches && s->by == g->id && g->want == -1 &&
		    fence_epoch(&g->fence, &nb) == s->epoch) {
			holder[port] = 0;
			g->taken[port] = false;
			s->log[s->n++] = (struct entry){ g->id, port, 0,
				false };
		}
		break;
	default:
		read_one(g, s, now);
		read_one(g, s, now);
	}
}

static void
test_split_brain(void **state)
{
	static struct fake_store s;
	struct fake_gateway	 g[2];
	unsigned		 run, i, granted = 0, both = 0;
	int			 holder[PORTS];

	(void)state;
	srandom(1);
	for (run = 0; run < 2000; run++) {
		memset(&s, 0, sizeof(s));
		memset(g, 0, sizeof(g));
		memset(holder, 0, sizeof(holder));
		for (i = 0; i < 2; i++) {
			g[i].id = (int)i + 1;
			g[i].fence = make();
			g[i].want = -1;
			g[i].reaches = true;
			fence_hold(&g[i].fence, &nb, true);
		}
		for (i = 0; i < 800; i++) {
			step(&g[random() % 2], &s, holder, &granted,
			    (uint64_t)i * 50);
			both += fence_epoch(&g[0].fence, &nb) != 0 &&
			    fence_epoch(&g[1].fence, &nb) != 0;
		}
	}
	print_message("%u grants; for %u steps both believed to be active\n",
	    granted, both);
	assert_true(granted > 5000);
	assert_true(both > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_ours_without_the_address),
		cmocka_unit_test(test_ours_when_read_so_far),
		cmocka_unit_test(test_the_log_may_come_first),
		cmocka_unit_test(test_another_is_heard_of),
		cmocka_unit_test(test_an_equal_epoch_of_another),
		cmocka_unit_test(test_it_goes_and_comes),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_split_brain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
