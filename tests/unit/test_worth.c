/* test_worth.c - which leases are worth nothing, and for how long their gateways are left alone */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rsipc/worth.h"

/* A program sends ten times a second until the verdict is not "fine". */
static enum worth_verdict
send_on(struct worth *w, uint64_t *now, uint64_t until, uint64_t heard)
{
	enum worth_verdict v = WORTH_FINE;

	for (; v == WORTH_FINE && *now < until; *now += 100) {
		worth_sent(w, *now);
		v = worth_judge(w, *now, heard == 0 ? *now : heard, true);
	}
	return v;
}

static void
a_mute_lease_is_given_up(void **state)
{
	struct worth w;
	uint64_t     now = 1000;
	unsigned     i;

	(void)state;
	worth_forget(&w);
	worth_begin(&w);
	assert_int_equal(worth_judge(&w, now, now, true), WORTH_FINE);
	for (i = 1; i <= WORTH_MUTE; i++) {
		assert_int_equal(send_on(&w, &now, UINT64_MAX, 0), WORTH_ASK);
		assert_in_range(now, 1000 + i * WORTH_SILENCE,
		    1000 + i * WORTH_SILENCE + 1000);
	}
	assert_int_equal(send_on(&w, &now, UINT64_MAX, 0), WORTH_NOTHING);
	assert_in_range(now, 17000, 18000);
}

static void
what_comes_back_is_worth_it(void **state)
{
	struct worth w;
	uint64_t     now = 1000;
	unsigned     i;

	(void)state;
	worth_forget(&w);
	worth_begin(&w);
	/* The last question is answered: all begins anew. */
	for (i = 1; i <= WORTH_MUTE; i++)
		assert_int_equal(send_on(&w, &now, UINT64_MAX, 0), WORTH_ASK);
	worth_came(&w);
	for (i = 1; i <= WORTH_MUTE; i++)
		assert_int_equal(send_on(&w, &now, UINT64_MAX, 0), WORTH_ASK);
	assert_int_equal(send_on(&w, &now, UINT64_MAX, 0), WORTH_NOTHING);
}

/* One packet a minute, never answered, is no reason before it was asked. */
static void
who_hardly_speaks_is_not_hasty(void **state)
{
	struct worth w;
	uint64_t     now;
	unsigned     i;

	(void)state;
	worth_forget(&w);
	worth_begin(&w);
	worth_sent(&w, 1000);
	for (i = 1, now = 61000; i <= WORTH_MUTE; i++, now += 60000) {
		worth_sent(&w, now);
		assert_int_equal(worth_judge(&w, now, now, true), WORTH_ASK);
	}
}

/* A gateway that starts again, a link that is down. */
static void
what_worked_is_waited_for(void **state)
{
	struct worth w;
	uint64_t     now = 1000;
	unsigned     i;

	(void)state;
	worth_forget(&w);
	worth_begin(&w);
	worth_sent(&w, now);
	worth_came(&w);
	now = 100000;
	for (i = 1; i <= WORTH_AWAY; i++)
		assert_int_equal(send_on(&w, &now, UINT64_MAX, 50000),
		    WORTH_ASK);
	assert_int_equal(send_on(&w, &now, UINT64_MAX, 50000), WORTH_NOTHING);
	assert_in_range(now, 135000, 138000);
	assert_int_equal(worth_rest(&w), 0);
}

/* Nothing has come on this lease yet, and the gateway is gone:
 * killed, restarted. */
static void
who_is_away_is_not_mute(void **state)
{
	struct worth	   w;
	uint64_t	   now;
	enum worth_verdict v = WORTH_FINE;
	unsigned	   asked = 0, round;

	(void)state;
	worth_forget(&w);
	for (round = 0; round < 2; round++) {
		worth_begin(&w);
		for (now = 1000; v != WORTH_NOTHING; now += 100) {
			worth_sent(&w, now);
			v = worth_judge(&w, now, 900, false);
			asked += v == WORTH_ASK;
		}
		assert_int_equal(asked, WORTH_AWAY);
		assert_in_range(now, 1000 + (WORTH_AWAY + 1) * WORTH_SILENCE,
		    1000 + (WORTH_AWAY + 1) * WORTH_SILENCE + 1000);
		/* At once the first time; and then as others
		 * that bring nothing. */
		assert_int_equal(worth_rest(&w), round == 0 ? 0 :
		    WORTH_REST_MIN);
		v = WORTH_FINE;
		asked = 0;
	}
	worth_begin(&w);
	worth_came(&w);
	assert_false(w.spared);
	/* What was asked while it was away does not count once it is back. */
	worth_begin(&w);
	worth_sent(&w, 1000);
	for (now = 5000; now < 29000; now += WORTH_SILENCE)
		assert_int_equal(worth_judge(&w, now, 900, false), WORTH_ASK);
	for (asked = 0; asked < WORTH_MUTE; asked++, now += WORTH_SILENCE)
		assert_int_equal(worth_judge(&w, now, now, true), WORTH_ASK);
	assert_int_equal(worth_judge(&w, now, now, true), WORTH_NOTHING);
}

static void
rests_grow(void **state)
{
	static const uint32_t want[] = { 60000, 120000, 240000, 480000, 960000,
		1920000, 3600000, 3600000 };
	struct worth w;
	unsigned     i;

	(void)state;
	worth_forget(&w);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		worth_begin(&w);
		worth_sent(&w, 1000);
		assert_int_equal(worth_rest(&w), want[i]);
	}
	worth_begin(&w);
	worth_came(&w);
	assert_int_equal(worth_rest(&w), 0);
	worth_begin(&w);
	assert_int_equal(worth_rest(&w), 60000);
	worth_forget(&w);
	assert_int_equal(worth_rest(&w), 60000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mute_lease_is_given_up),
		cmocka_unit_test(what_comes_back_is_worth_it),
		cmocka_unit_test(who_hardly_speaks_is_not_hasty),
		cmocka_unit_test(what_worked_is_waited_for),
		cmocka_unit_test(who_is_away_is_not_mute),
		cmocka_unit_test(rests_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
