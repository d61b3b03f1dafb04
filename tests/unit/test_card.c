/* test_card.c - what the kernel says of interfaces that are no network cards, in a network namespace of its own */
#include "config.h"

#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/card.h"

static void
nothing_of_this_machine_is_taken_for_a_card(void **state)
{
	(void)state;
	assert_false(card_is_hardware("lo"));
	assert_false(card_is_hardware("there-is-none"));
	assert_false(card_is_hardware("../lo"));
	/* Another namespace's, whose /sys is still here. */
	assert_false(card_is_hardware("eth0"));
}

static void
what_is_not_known_is_against_it(void **state)
{
	(void)state;
	assert_false(card_takes_tags("lo"));
	assert_true(card_takes_tags("there-is-none"));
}

static void
drivers_say_what_they_can(void **state)
{
	struct card_asker a;
	uint64_t	  features = ~0ull;

	(void)state;
	if (card_open(&a) == -1) {
		assert_int_equal(a.fd, -1);
		print_message("this kernel does not say\n");
		return;
	}
	assert_int_equal(card_xdp(&a, if_nametoindex("lo"), &features), 0);
	assert_int_equal(features & (CARD_XDP_RECEIVES | CARD_XDP_SENDS), 0);
	assert_int_equal(card_xdp(&a, 4711, &features), -1);
	card_close(&a);
	assert_int_equal(a.fd, -1);
	card_close(&a);
}

static void
a_queue_that_shapes_is_seen(void **state)
{
	unsigned lo = if_nametoindex("lo");

	(void)state;
	assert_false(card_is_shaped(lo));
	if (system("tc qdisc add dev lo root tbf rate 1mbit burst 10k "
		   "latency 50ms 2>/dev/null") != 0) {
		print_message("this kernel has no queue that shapes\n");
		return;
	}
	assert_true(card_is_shaped(lo));
	assert_false(card_is_shaped(lo + 4711));
	assert_int_equal(system("tc qdisc del dev lo root"), 0);
	assert_false(card_is_shaped(lo));
}

static int
own_namespace(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) == -1 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1) {
		print_message("skipped: no network namespace here\n");
		_exit(77);
	}
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_of_this_machine_is_taken_for_a_card),
		cmocka_unit_test(what_is_not_known_is_against_it),
		cmocka_unit_test(drivers_say_what_they_can),
		cmocka_unit_test(a_queue_that_shapes_is_seen),
	};

	return cmocka_run_group_tests(tests, own_namespace, NULL);
}
