/* test_pool.c - ports, SPIs and addresses: all or nothing, by chance, and at rest after use */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rsipd/pool.h"
#include "rsipd/portset.h"

#define REST	120000	/* milliseconds */
#define T0	1000000

/* What could be drawn, ports at rest included. */
static size_t
ports_left(const struct pool *p)
{
	struct pool_counts c;

	pool_count(p, &c);
	return c.ports_free + c.ports_resting;
}

static const struct addr host_a = { AF_INET, { 10, 0, 0, 11 } };
static const struct addr host_b = { AF_INET, { 10, 0, 0, 12 } };
#define HOST_A	(&host_a)
#define HOST_B	(&host_b)

static struct pool *
make(uint16_t lo, uint16_t hi, size_t spis)
{
	struct pool_address a = { .addr = { AF_INET, { 198, 51, 100, 1 } },
		.ports = { { lo, hi } }, .nports = 1 };
	struct pool	   *p = pool_new(REST, spis);

	assert_non_null(p);
	assert_int_equal(pool_add(p, &a), 0);
	assert_int_equal(pool_add(p, &a), -1);
	return p;
}

/* A slow set that cannot be wrong. */
static unsigned
slow_run(const bool *has, unsigned from, size_t n)
{
	unsigned i;
	size_t	 run = 0;

	for (i = from == 0 ? 1 : from; i < 65536; i++) {
		run = has[i] ? run + 1 : 0;
		if (run == n)
			return i + 1 - (unsigned)n;
	}
	return 0;
}

static void
portset_agrees_with_a_slow_set(void **state)
{
	struct portset *s = calloc(1, sizeof(*s));
	static bool	has[65536];
	unsigned	i, k, lo, hi, from;
	size_t		n, count = 0;

	(void)state;
	srandom(7);
	for (i = 0; i < 400; i++) {
		lo = 1 + (unsigned)random() % 65535;
		hi = lo + (unsigned)random() % (i % 7 == 0 ? 9000 : 130);
		if (hi > 65535)
			hi = 65535;
		if (random() % 2) {
			portset_add(s, (uint16_t)lo, (uint16_t)hi);
			memset(has + lo, true, hi - lo + 1);
		} else {
			portset_remove(s, (uint16_t)lo, (uint16_t)hi);
			memset(has + lo, false, hi - lo + 1);
		}
		from = (unsigned)random() % 65536;
		n = 1 + (size_t)random() % (i % 3 == 0 ? 5000 : 70);
		assert_int_equal(portset_run(s, (uint16_t)from, n),
		    slow_run(has, from, n));
	}
	for (i = 0; i < 65536; i++) {
		assert_int_equal(portset_has(s, (uint16_t)i), has[i]);
		if (has[i])
			assert_int_equal(portset_nth(s, count++), i);
	}
	assert_int_equal(portset_count(s), count);
	portset_add(s, 0, 65535);
	assert_int_equal(portset_count(s), 65535);
	assert_int_equal(portset_run(s, 0, 65535), 1);
	for (k = 1; k < 65536; k += 997)
		assert_int_equal(portset_nth(s, k - 1), k);
	free(s);
}

static void
ports_are_given_once_and_all_of_them(void **state)
{
	struct pool *p = make(20000, 20999, 16);
	static bool  seen[65536];
	uint16_t     port[8];
	unsigned     i, k;

	(void)state;
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < 125; i++) {
		assert_int_equal(pool_draw_ports(p, T0, 0, 8, port), POOL_OK);
		for (k = 0; k < 8; k++) {
			assert_in_range(port[k], 20000, 20999);
			assert_false(seen[port[k]]);
			seen[port[k]] = true;
		}
	}
	assert_int_equal(ports_left(p), 0);
	assert_int_equal(pool_draw_ports(p, T0, 0, 1, port), POOL_UNAVAILABLE);
	pool_free(p);
}

static void
blocks_are_contiguous_while_they_can_be(void **state)
{
	struct pool *p = make(20000, 20063, 16);
	uint16_t     one[] = { 20016 }, other[] = { 20048 }, port[32];
	unsigned     i;

	(void)state;
	assert_int_equal(pool_take_ports(p, T0, 0, HOST_A, one, 1), POOL_OK);
	assert_int_equal(pool_draw_ports(p, T0, 0, 32, port), POOL_OK);
	for (i = 1; i < 32; i++)
		assert_int_equal(port[i], port[0] + i);
	pool_undo_ports(p, 0, &(struct demux_range){ port[0], port[31] }, 1);
	assert_int_equal(pool_take_ports(p, T0, 0, HOST_A, other, 1), POOL_OK);
	assert_int_equal(pool_draw_ports(p, T0, 0, 32, port), POOL_OK);
	/* Now 31 in a row are the most: a list, in order. */
	for (i = 1; i < 32; i++)
		assert_true(port[i] > port[i - 1]);
	pool_free(p);
}

/* A power of two is one selector to a kernel that knows ports and masks. */
static void
blocks_are_aligned_while_they_can_be(void **state)
{
	struct pool *p = make(20001, 29999, 16);
	uint16_t     port[64];
	unsigned     i, aligned = 0, k;

	(void)state;
	/* All that there are: 155 begin at a multiple of 64. */
	for (i = 0; i < 155; i++) {
		assert_int_equal(pool_draw_ports(p, T0, 0, 64, port), POOL_OK);
		for (k = 1; k < 64; k++)
			assert_int_equal(port[k], port[0] + k);
		aligned += port[0] % 64 == 0;
	}
	assert_int_equal(aligned, 155);
	/* What is left is still given. */
	assert_int_equal(pool_draw_ports(p, T0, 0, 32, port), POOL_OK);
	pool_free(p);
	p = make(20000, 20100, 16);
	assert_int_equal(pool_draw_ports(p, T0, 0, 48, port), POOL_OK);
	assert_int_equal(port[47], port[0] + 47);
	pool_free(p);
}

static void
draws_cannot_be_foretold(void **state)
{
	struct pool *p = make(20000, 49999, 4096);
	uint16_t     port;
	uint32_t     spi, last = 0;
	unsigned     i, low = 0, steps = 0, before = 0;

	(void)state;
	for (i = 0; i < 1000; i++) {
		assert_int_equal(pool_draw_ports(p, T0, 0, 1, &port), POOL_OK);
		low += port < 35000;
		steps += port == before + 1;
		before = port;
		assert_int_equal(pool_draw_spis(p, T0, 0, 1, &spi), POOL_OK);
		assert_true(spi >= POOL_SPI_MIN);
		assert_int_not_equal(spi, last + 1);
		last = spi;
	}
	/* Seven standard deviations. */
	assert_in_range(low, 390, 610);
	assert_in_range(steps, 0, 5);
	pool_free(p);
}

static void
taking_is_all_or_nothing(void **state)
{
	struct pool *p = make(20000, 20009, 16);
	uint16_t     want[] = { 20003, 20004 }, more[] = { 20002, 20003 },
		     out[] = { 20009, 20010 };

	(void)state;
	assert_int_equal(pool_take_ports(p, T0, 0, HOST_A, want, 2), POOL_OK);
	assert_int_equal(pool_take_ports(p, T0, 0, HOST_B, more, 2),
	    POOL_INUSE);
	assert_int_equal(pool_take_ports(p, T0, 0, HOST_B, out, 2),
	    POOL_UNALLOWED);
	assert_int_equal(ports_left(p), 8);
	pool_free(p);
}

static void
freed_ports_rest_but_not_for_their_host(void **state)
{
	struct pool *p = make(20000, 20009, 16);
	uint16_t     want[] = { 20003 };

	(void)state;
	assert_int_equal(pool_take_ports(p, T0, 0, HOST_A, want, 1), POOL_OK);
	pool_rest_ports(p, T0, 0, HOST_A, (struct demux_range){ 20003, 20003 });
	assert_int_equal(pool_take_ports(p, T0 + REST - 1000, 0, HOST_B,
	    want, 1), POOL_INUSE);
	assert_int_equal(pool_take_ports(p, T0 + 5, 0, HOST_A, want, 1),
	    POOL_OK);
	pool_rest_ports(p, T0 + 10, 0, HOST_A,
	    (struct demux_range){ 20003, 20003 });
	assert_int_equal(pool_take_ports(p, T0 + REST + 1000, 0, HOST_B,
	    want, 1), POOL_OK);
	pool_free(p);
}

static void
scarce_ports_wake_longest_freed_first(void **state)
{
	struct pool *p = make(20000, 20003, 16);
	uint16_t     all[4], port;
	unsigned     i;
	static const uint16_t order[] = { 20002, 20000, 20003, 20001 };

	(void)state;
	assert_int_equal(pool_draw_ports(p, T0, 0, 4, all), POOL_OK);
	for (i = 0; i < 4; i++)
		pool_rest_ports(p, T0 + i * 1000, 0, HOST_A,
		    (struct demux_range){ order[i], order[i] });
	for (i = 0; i < 4; i++) {
		assert_int_equal(pool_draw_ports(p, T0 + 9000, 0, 1, &port),
		    POOL_OK);
		assert_int_equal(port, order[i]);
	}
	pool_free(p);
}

static void
spis_rest_and_run_out(void **state)
{
	struct pool	  *p = make(20000, 20003, 4);
	uint32_t	   spi[4] = { 300, 301, 302, 303 }, low = 255, got[2];
	struct pool_counts c;

	(void)state;
	assert_int_equal(pool_take_spis(p, T0, 0, HOST_A, &low, 1),
	    POOL_UNALLOWED);
	assert_int_equal(pool_take_spis(p, T0, 0, HOST_A, spi, 4), POOL_OK);
	assert_int_equal(pool_take_spis(p, T0, 0, HOST_B, spi, 1), POOL_INUSE);
	assert_int_equal(pool_draw_spis(p, T0, 0, 1, got), POOL_UNAVAILABLE);
	pool_rest_spis(p, T0, 0, HOST_A, spi, 2);
	assert_int_equal(pool_take_spis(p, T0 + 1000, 0, HOST_B, spi, 1),
	    POOL_INUSE);
	assert_int_equal(pool_take_spis(p, T0 + 1000, 0, HOST_A, spi, 1),
	    POOL_OK);
	pool_rest_spis(p, T0 + 2000, 0, HOST_A, spi, 1);
	/* Scarce: 301 was freed first. */
	assert_int_equal(pool_draw_spis(p, T0 + 3000, 0, 1, got), POOL_OK);
	assert_int_equal(pool_take_spis(p, T0 + 3000, 0, HOST_B, spi, 1),
	    POOL_INUSE);
	pool_undo_spis(p, 0, got, 1);
	assert_int_equal(pool_take_spis(p, T0 + 3000, 0, HOST_B, &spi[1], 1),
	    POOL_OK);
	assert_int_equal(pool_take_spis(p, T0 + 2000 + REST, 0, HOST_B, spi, 1),
	    POOL_OK);
	pool_count(p, &c);
	assert_int_equal(c.spis_leased, 4);
	assert_int_equal(c.spis_resting, 0);
	pool_free(p);
}

static void
few_spis_are_only_those(void **state)
{
	struct pool	   *p = make(20000, 20003, 100);
	struct pool_address a = { .addr = { AF_INET, { 198, 51, 100, 9 } },
		.ports = { { 1000, 1001 } }, .nports = 1, .few_spis = true,
		.nspis = 3, .spis = { 70000, 4711, 256 } };
	uint32_t	    got[4], other = 4712, one = 4711;

	(void)state;
	assert_int_equal(pool_add(p, &a), 1);
	assert_int_equal(pool_take_spis(p, T0, 1, HOST_A, &other, 1),
	    POOL_UNALLOWED);
	assert_int_equal(pool_draw_spis(p, T0, 1, 4, got), POOL_UNAVAILABLE);
	assert_int_equal(pool_take_spis(p, T0, 1, HOST_A, &one, 1), POOL_OK);
	assert_int_equal(pool_draw_spis(p, T0, 1, 2, got), POOL_OK);
	assert_int_equal(got[0] + got[1], 70256);
	pool_rest_spis(p, T0, 1, HOST_A, got, 2);
	assert_int_equal(pool_draw_spis(p, T0, 1, 1, got), POOL_UNAVAILABLE);
	assert_int_equal(pool_draw_spis(p, T0 + REST, 1, 2, got), POOL_OK);
	pool_free(p);
}

static void
many_spis_come_and_go(void **state)
{
	struct pool	  *p = make(20000, 20003, 50000);
	uint32_t	  *spi = calloc(40000, sizeof(*spi));
	struct pool_counts c;
	size_t		   i, round;
	uint64_t	   now = T0;

	(void)state;
	assert_non_null(spi);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 40000; i++)
			assert_int_equal(pool_draw_spis(p, now, 0, 1, &spi[i]),
			    POOL_OK);
		for (i = 0; i < 40000; i++)
			assert_int_equal(pool_take_spis(p, now, 0, HOST_B,
			    &spi[i], 1), POOL_INUSE);
		for (i = 0; i < 40000; i++)
			pool_rest_spis(p, now, 0, HOST_A, &spi[i], 1);
		now += 1000;
	}
	assert_int_equal(pool_draw_spis(p, now + REST, 0, 1, spi), POOL_OK);
	pool_count(p, &c);
	assert_int_equal(c.spis_leased, 1);
	assert_int_equal(c.spis_resting, 0);
	free(spi);
	pool_free(p);
}

static void
whole_addresses(void **state)
{
	struct pool	   *p = make(20000, 20003, 4);
	struct pool_address a = { .addr = { AF_INET, { 198, 51, 100, 2 } },
		.exclusive = true };
	size_t		    at;

	(void)state;
	assert_int_equal(pool_draw_whole(p, T0, HOST_A, NULL, NULL, &at),
	    POOL_UNAVAILABLE);
	assert_int_equal(pool_take_whole(p, T0, 0, HOST_A), POOL_UNALLOWED);
	assert_int_equal(pool_add(p, &a), 1);
	assert_int_equal(pool_draw_whole(p, T0, HOST_A, NULL, NULL, &at),
	    POOL_OK);
	assert_int_equal(at, 1);
	assert_int_equal(pool_take_whole(p, T0, 1, HOST_B), POOL_INUSE);
	assert_false(pool_whole_left(p, NULL, NULL));
	pool_rest_whole(p, T0, 1);
	assert_int_equal(pool_take_whole(p, T0 + 1, 1, HOST_B), POOL_INUSE);
	assert_int_equal(pool_take_whole(p, T0 + 1, 1, HOST_A), POOL_OK);
	pool_rest_whole(p, T0 + 2, 1);
	assert_int_equal(pool_take_whole(p, T0 + 2 + REST, 1, HOST_B), POOL_OK);
	pool_free(p);
}

static struct pool_address
range(uint16_t lo, uint16_t hi)
{
	return (struct pool_address){ .addr = { AF_INET, { 198, 51, 100, 1 } },
		.ports = { { lo, hi } }, .nports = 1 };
}

static void
retired_addresses_give_nothing_and_rest_on(void **state)
{
	struct pool	   *p = make(20000, 20009, 50);
	struct pool_address a = range(20000, 20009);
	struct pool_counts  n;
	uint16_t	    port[10];
	uint32_t	    spi[2];
	size_t		    i;

	(void)state;
	assert_int_equal(pool_draw_ports(p, T0, 0, 4, port), POOL_OK);
	assert_int_equal(pool_draw_spis(p, T0, 0, 2, spi), POOL_OK);
	for (i = 0; i < 4; i++)
		pool_rest_ports(p, T0, 0, HOST_A,
		    (struct demux_range){ port[i], port[i] });
	pool_rest_spis(p, T0, 0, HOST_A, spi, 2);
	pool_retire(p, T0, 0);
	assert_int_equal(pool_find(p, &a.addr), -1);
	assert_false(pool_gives(p, 0));
	pool_count(p, &n);
	assert_int_equal(n.addresses, 0);
	assert_int_equal(n.ports, 0);
	pool_sweep(p, T0 + REST / 2);
	/* Back within the rest: its last holder's, nobody else's. */
	assert_int_equal(pool_add(p, &a), 0);
	assert_int_equal(pool_add(p, &a), -1);
	assert_int_equal(pool_take_ports(p, T0 + REST / 2, 0, HOST_B, port, 4),
	    POOL_INUSE);
	assert_int_equal(pool_take_spis(p, T0 + REST / 2, 0, HOST_B, spi, 1),
	    POOL_INUSE);
	assert_int_equal(pool_take_ports(p, T0 + REST / 2, 0, HOST_A, port, 4),
	    POOL_OK);
	assert_int_equal(pool_take_spis(p, T0 + REST / 2, 0, HOST_A, spi, 2),
	    POOL_OK);
	assert_int_equal(ports_left(p), 6);
	pool_free(p);
}

static void
rested_addresses_make_room(void **state)
{
	struct pool	   *p = pool_new(REST, 50);
	struct pool_address a = range(1000, 1009);
	unsigned	    i;

	(void)state;
	for (i = 0; i < POOL_ADDRS_MAX; i++) {
		a.addr = addr_from_v4(htonl(0x0a000000 + i));
		assert_int_equal(pool_add(p, &a), (int)i);
	}
	a.addr = addr_from_v4(htonl(0x0b000000));
	assert_int_equal(pool_add(p, &a), -1);
	pool_retire(p, T0, 7);
	pool_sweep(p, T0 + REST / 2);
	assert_int_equal(pool_add(p, &a), -1);
	pool_sweep(p, T0 + REST + 1000);
	assert_int_equal(pool_add(p, &a), 7);
	pool_free(p);
}

static void
other_ranges_forget_no_rest(void **state)
{
	struct pool	   *p = make(20000, 20009, 50);
	struct pool_address a = range(20005, 20014);
	uint16_t	    port[10], own = 20002;

	(void)state;
	assert_int_equal(pool_take_ports(p, T0, 0, HOST_A, &own, 1), POOL_OK);
	pool_rest_ports(p, T0, 0, HOST_A, (struct demux_range){ own, own });
	assert_int_equal(pool_change(p, 0, &a), 0);
	assert_int_equal(ports_left(p), 10);
	assert_int_equal(pool_take_ports(p, T0, 0, HOST_A, &own, 1),
	    POOL_UNALLOWED);
	/* Scarce: what rests outside is not ours to wake. */
	assert_int_equal(pool_draw_ports(p, T0, 0, 10, port), POOL_OK);
	assert_int_equal(port[0], 20005);
	assert_int_equal(port[9], 20014);
	assert_int_equal(pool_draw_ports(p, T0, 0, 1, port), POOL_UNAVAILABLE);
	pool_rest_ports(p, T0, 0, HOST_B, (struct demux_range){ 20005, 20014 });
	a = range(20000, 20009);
	assert_int_equal(pool_change(p, 0, &a), 0);
	assert_int_equal(pool_take_ports(p, T0 + 1, 0, HOST_B, &own, 1),
	    POOL_INUSE);
	assert_int_equal(pool_take_ports(p, T0 + 1, 0, HOST_A, &own, 1),
	    POOL_OK);
	/* Five rest after HOST_B's use, four were never given. */
	assert_int_equal(ports_left(p), 9);
	assert_int_equal(pool_draw_ports(p, T0 + 1, 0, 9, port), POOL_OK);
	pool_free(p);
}

static void
another_kind_rests_too(void **state)
{
	struct pool	   *p = make(20000, 20009, 50);
	struct pool_address a = range(20000, 20009), whole = { .addr = a.addr,
		.exclusive = true };
	uint16_t	    port;

	(void)state;
	assert_int_equal(pool_draw_ports(p, T0, 0, 1, &port), POOL_OK);
	pool_rest_ports(p, T0, 0, HOST_A, (struct demux_range){ port, port });
	assert_int_equal(pool_change(p, 0, &whole), -1);
	pool_retire(p, T0, 0);
	assert_int_equal(pool_add(p, &whole), 0);
	assert_int_equal(pool_take_whole(p, T0 + 1, 0, HOST_B), POOL_INUSE);
	assert_int_equal(pool_take_whole(p, T0 + REST, 0, HOST_B), POOL_OK);
	pool_rest_whole(p, T0 + REST, 0);
	pool_retire(p, T0 + REST, 0);
	assert_int_equal(pool_add(p, &a), 0);
	assert_int_equal(pool_take_ports(p, T0 + REST + 1, 0, HOST_A, &port,
	    1), POOL_INUSE);
	assert_int_equal(pool_take_ports(p, T0 + REST + 1, 0, HOST_B, &port,
	    1), POOL_OK);
	pool_free(p);
}

/* Neither ends what rests for others, nor is anything lost on the way. */
static void
one_host_frees_the_same_for_ever(void **state)
{
	struct pool	  *p = make(20000, 20009, 300);
	struct pool_counts c;
	uint32_t	   spi[200];
	unsigned	   i;

	(void)state;
	assert_int_equal(pool_draw_spis(p, T0, 0, 200, spi), POOL_OK);
	pool_rest_spis(p, T0, 0, HOST_B, spi, 100);
	for (i = 0; i < 1200; i++) {
		pool_rest_spis(p, T0 + 1000, 0, HOST_A, &spi[199], 1);
		pool_count(p, &c);
		assert_int_equal(c.spis_leased, 99);
		assert_int_equal(c.spis_resting, 101);
		assert_int_equal(pool_take_spis(p, T0 + 1000, 0, HOST_A,
		    &spi[199], 1), POOL_OK);
	}
	pool_undo_spis(p, 0, &spi[100], 100);
	pool_count(p, &c);
	assert_int_equal(c.spis_leased, 0);
	assert_int_equal(c.spis_resting, 100);
	assert_int_equal(pool_take_spis(p, T0 + REST - 1000, 0, HOST_A, spi, 1),
	    POOL_INUSE);
	assert_int_equal(pool_take_spis(p, T0 + REST - 1000, 0, HOST_B, spi, 1),
	    POOL_OK);
	assert_int_equal(pool_take_spis(p, T0 + REST, 0, HOST_A, &spi[1], 99),
	    POOL_OK);
	pool_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(portset_agrees_with_a_slow_set),
		cmocka_unit_test(ports_are_given_once_and_all_of_them),
		cmocka_unit_test(blocks_are_contiguous_while_they_can_be),
		cmocka_unit_test(blocks_are_aligned_while_they_can_be),
		cmocka_unit_test(draws_cannot_be_foretold),
		cmocka_unit_test(taking_is_all_or_nothing),
		cmocka_unit_test(freed_ports_rest_but_not_for_their_host),
		cmocka_unit_test(scarce_ports_wake_longest_freed_first),
		cmocka_unit_test(spis_rest_and_run_out),
		cmocka_unit_test(few_spis_are_only_those),
		cmocka_unit_test(many_spis_come_and_go),
		cmocka_unit_test(whole_addresses),
		cmocka_unit_test(retired_addresses_give_nothing_and_rest_on),
		cmocka_unit_test(rested_addresses_make_room),
		cmocka_unit_test(other_ranges_forget_no_rest),
		cmocka_unit_test(another_kind_rests_too),
		cmocka_unit_test(one_host_frees_the_same_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
