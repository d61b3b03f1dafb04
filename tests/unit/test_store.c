/* test_store.c - records come back as they were, or not at all; ends by a clock that jumps */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "rsipd/store.h"

#define WALL	1800000000000u		/* milliseconds of the Epoch */

static const struct demux_range ranges[] = { { 20000, 20003 }, { 20010, 20010 } };
static const uint32_t spis[] = { 0x100, 0xffffffff };
static const uint64_t cookies[] = { 0x0123456789abcdef };

static struct grant
example(void)
{
	return (struct grant){ .bind_id = 77, .local = 0x016433c6,
		.method = RSIP_METHOD_RSIPSEC, .tunnel = TUNNEL_GRE,
		.remote_policy = DEMUX_REMOTE_MICRO,
		.remote = { 0x0a6433c6, { 80, 90 } },
		.ranges = ranges, .nranges = 2, .spis = spis, .nspis = 2,
		.cookies = cookies, .ncookies = 1, .expires = 61000 };
}

static int
decode(struct grant *g, struct store_room *room, uint64_t now, uint64_t wall,
    const uint8_t *value, size_t len)
{
	uint8_t	 key[STORE_KEY_MAX];
	size_t	 keylen = store_grant_key(key, 5, 77);
	uint32_t client_id;
	int	 rc;

	rc = store_grant_decode(g, &client_id, room, now, wall, key, keylen,
	    value, len);
	if (rc == 0)
		assert_int_equal(client_id, 5);
	return rc;
}

static void
a_grant_comes_back(void **state)
{
	struct grant	  g = example(), got;
	struct store_room room;
	uint8_t		  value[STORE_RECORD_MAX];
	size_t		  len = store_grant_encode(value, 1000, WALL, &g);

	(void)state;
	/* Another life: its clock began anew. */
	assert_int_equal(decode(&got, &room, 50, WALL + 20000, value, len), 0);
	assert_int_equal(got.expires, 50 + 40000);
	assert_int_equal(got.bind_id, 77);
	assert_int_equal(got.local, g.local);
	assert_int_equal(got.tunnel, TUNNEL_GRE);
	assert_int_equal(got.remote.addr, g.remote.addr);
	assert_int_equal(got.remote.ports.hi, 90);
	assert_int_equal(got.nranges, 2);
	assert_memory_equal(got.ranges, ranges, sizeof(ranges));
	assert_memory_equal(got.spis, spis, sizeof(spis));
	assert_memory_equal(got.cookies, cookies, sizeof(cookies));
}

/* Routers without a battery wake in 1970, or in the year of their firmware. */
static void
a_clock_that_went_back_takes_nothing(void **state)
{
	struct grant	  g = example(), got;
	struct store_room room;
	uint8_t		  value[STORE_RECORD_MAX];
	size_t		  len = store_grant_encode(value, 1000, WALL, &g);

	(void)state;
	assert_int_equal(decode(&got, &room, 50, 1000, value, len), 0);
	assert_int_equal(got.expires, 50 + 60000);
	assert_int_equal(decode(&got, &room, 50, WALL * 2, value, len), 0);
	assert_int_equal(got.expires, 50);
}

static void
damaged_bytes_are_no_grant(void **state)
{
	struct grant	  g = example(), got;
	struct store_room room;
	uint8_t		  value[STORE_RECORD_MAX], bad[STORE_RECORD_MAX];
	size_t		  len = store_grant_encode(value, 1000, WALL, &g), i, k;
	unsigned	  x;

	(void)state;
	for (i = 0; i < len; i++)
		assert_int_equal(decode(&got, &room, 50, WALL, value, i), -1);
	memcpy(bad, value, len);
	bad[len] = 0;
	assert_int_equal(decode(&got, &room, 50, WALL, bad, len + 1), -1);
	/* Whatever is taken is within what tables can be given. */
	for (i = 0; i < len; i++) {
		for (x = 1; x < 256; x++) {
			memcpy(bad, value, len);
			bad[i] = (uint8_t)(bad[i] ^ x);
			if (decode(&got, &room, 50, WALL, bad, len) == -1)
				continue;
			for (k = 0; k < got.nranges; k++)
				assert_true(got.ranges[k].lo != 0 &&
				    got.ranges[k].lo <= got.ranges[k].hi);
			assert_true(got.nspis < 2 || got.spis[0] != got.spis[1]);
			assert_true(got.method >= 1 && got.method <= 3);
		}
	}
}

static void
what_was_freed_is_read_to_the_byte(void **state)
{
	struct grant	  g = example(), got;
	struct store_room room;
	struct cursor	  c;
	uint8_t		  value[2 * STORE_RECORD_MAX];
	size_t		  one, len, i;
	uint32_t	  host;

	(void)state;
	one = store_rest_encode(value, 0x0b00000a, &g);
	assert_int_not_equal(one, 0);
	len = one + store_rest_encode(value + one, 0x0c00000a, &g);
	cursor_init(&c, value, len);
	assert_int_equal(store_rest_decode(&c, &host, &got, &room), 0);
	assert_int_equal(host, 0x0b00000a);
	assert_int_equal(got.local, g.local);
	assert_int_equal(got.nspis, 2);
	assert_int_equal(got.ranges[0].hi, 20003);
	assert_int_equal(got.ncookies, 0);
	assert_int_equal(store_rest_decode(&c, &host, &got, &room), 0);
	assert_int_equal(host, 0x0c00000a);
	assert_int_equal(cursor_left(&c), 0);
	for (i = 0; i < one; i++) {
		cursor_init(&c, value, i);
		assert_int_equal(store_rest_decode(&c, &host, &got, &room), -1);
	}
}

static void
a_registration_comes_back(void **state)
{
	struct store_client c = { .host = 0x0200000a, .client_id = 9,
		.next_bind_id = 3, .transport = 2, .authentic = true,
		.expires = 11000, .fqdn = "x1.lab" }, got;
	uint8_t		    value[STORE_RECORD_MAX], key[STORE_KEY_MAX];
	char		    fqdn[256];
	size_t		    keylen = store_client_key(key, 9), i;
	size_t		    len = store_client_encode(value, 1000, WALL, &c);

	(void)state;
	for (i = 0; i < len; i++)
		assert_int_equal(store_client_decode(&got, fqdn, 50, WALL, key,
		    keylen, value, i), -1);
	assert_int_equal(store_client_decode(&got, fqdn, 50, WALL + 4000, key,
	    keylen, value, len), 0);
	assert_int_equal(got.host, c.host);
	assert_int_equal(got.client_id, 9);
	assert_int_equal(got.next_bind_id, 3);
	assert_true(got.authentic);
	assert_false(got.privileged);
	assert_string_equal(got.fqdn, "x1.lab");
	assert_int_equal(got.expires, 50 + 6000);
	/* A grant's key has no registration. */
	assert_int_equal(store_client_decode(&got, fqdn, 50, WALL, key,
	    store_grant_key(key, 9, 1), value, len), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_grant_comes_back),
		cmocka_unit_test(a_clock_that_went_back_takes_nothing),
		cmocka_unit_test(damaged_bytes_are_no_grant),
		cmocka_unit_test(what_was_freed_is_read_to_the_byte),
		cmocka_unit_test(a_registration_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
