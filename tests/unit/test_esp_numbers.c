/* test_esp_numbers.c - ESP: sequence numbers, the replay window, and keys that are wiped */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Sequence numbers near their end are out of reach from outside. */
#include "oe/esp/esp.c"
#include "oe/esp/algorithm.h"
#include "tests/unit/esp_packets.h"

/* --- sequence numbers ----------------------------------------------------- */

static void
numbers_never_cycle(void **state)
{
	struct esp_params   p = params_default();
	struct esp_counters count;
	struct esp_sa	   *out = esp_sa_new(&p, true), *in;
	int		    n;

	(void)state;
	make_inner(64, 0, false);
	out->count.seq = UINT32_MAX - 1;
	n = seal_bytes(out, inner, 64, outer, sizeof(outer));
	assert_true(n > 0);
	assert_int_equal(load_u32(outer + IP_HEADER_LEN + 4), UINT32_MAX);
	in = esp_sa_new(&p, false);
	assert_int_equal(open_bytes(in, outer, (size_t)n, back, sizeof(back)),
	    64);
	assert_int_equal(open_bytes(in, outer, (size_t)n, back, sizeof(back)),
	    ESP_E_REPLAY);
	esp_sa_free(in);
	assert_int_equal(seal_bytes(out, inner, 64, outer, sizeof(outer)),
	    ESP_E_OVERFLOW);
	assert_int_equal(seal_bytes(out, inner, 64, outer, sizeof(outer)),
	    ESP_E_OVERFLOW);
	esp_sa_counters(out, &count);
	assert_int_equal(count.seq, UINT32_MAX);
	esp_sa_free(out);

	/* With ESN the low half goes on from 0, and the far end follows. */
	p.esn = true;
	out = esp_sa_new(&p, true);
	in = esp_sa_new(&p, false);
	out->count.seq = UINT32_MAX - 2;
	for (uint32_t i = 0; i < 6; i++) {
		n = seal_bytes(out, inner, 64, outer, sizeof(outer));
		assert_int_equal(load_u32(outer + IP_HEADER_LEN + 4),
		    UINT32_MAX - 1 + i);
		assert_int_equal(open_bytes(in, outer, (size_t)n, back,
		    sizeof(back)), 64);
		assert_int_equal(open_bytes(in, outer, (size_t)n, back,
		    sizeof(back)), ESP_E_REPLAY);
	}
	esp_sa_counters(in, &count);
	assert_int_equal(count.seq, (uint64_t)UINT32_MAX + 4);
	assert_int_equal(count.replays, 6);
	out->count.seq = UINT64_MAX - 1;
	assert_true(seal_bytes(out, inner, 64, outer, sizeof(outer)) > 0);
	assert_int_equal(seal_bytes(out, inner, 64, outer, sizeof(outer)),
	    ESP_E_OVERFLOW);
	esp_sa_free(in);
	esp_sa_free(out);
}

/* New keys are asked for while there are numbers left to do it with. */
static void
old_keys_say_so(void **state)
{
	struct esp_params p = params_default();
	struct esp_sa	 *sa = esp_sa_new(&p, true);

	(void)state;
	assert_false(esp_key_is_worn(&p, &sa->count));
	sa->count.bytes = 1ull << 40;
	sa->count.seq = 0xbfffffff;
	assert_false(esp_key_is_worn(&p, &sa->count));
	sa->count.seq++;
	assert_true(esp_key_is_worn(&p, &sa->count));
	esp_sa_free(sa);

	p.esn = true;
	sa = esp_sa_new(&p, false);
	sa->count.seq = 1ull << 63;
	assert_false(esp_key_is_worn(&p, &sa->count));
	sa->count.seq = UINT64_MAX;
	assert_true(esp_key_is_worn(&p, &sa->count));
	esp_sa_free(sa);

	/* 64-bit blocks wear out by bytes, too. */
	p.cipher = ESP_3DES_CBC;
	p.cipher_len = 24;
	sa = esp_sa_new(&p, true);
	sa->count.bytes = (512u << 20) - 1;
	assert_false(esp_key_is_worn(&p, &sa->count));
	sa->count.bytes++;
	assert_true(esp_key_is_worn(&p, &sa->count));
	esp_sa_free(sa);
}

static void
window_is_as_wide_as_promised(void **state)
{
	struct esp_replay r;
	uint64_t	  seq;
	uint32_t	  w;

	(void)state;
	assert_int_equal(esp_replay_init(&r, 0, false), 0);
	assert_true(r.window >= 1024);
	w = r.window;
	assert_false(esp_replay_check(&r, 0, &seq));
	assert_true(esp_replay_check(&r, 5000, &seq));
	/* Until it has authenticated, nothing moves. */
	assert_true(esp_replay_check(&r, 1, &seq));
	esp_replay_update(&r, 5000);
	assert_false(esp_replay_check(&r, 5000, &seq));
	assert_true(esp_replay_check(&r, 4999, &seq));
	assert_true(esp_replay_check(&r, 5000 - w + 1, &seq));
	assert_false(esp_replay_check(&r, 5000 - w, &seq));
	esp_replay_update(&r, 5000 - w + 1);
	assert_false(esp_replay_check(&r, 5000 - w + 1, &seq));
	/* A long jump forgets everything left of the new window. */
	esp_replay_update(&r, 4000000000u);
	assert_int_equal(esp_replay_top(&r), 4000000000u);
	assert_false(esp_replay_check(&r, 5000, &seq));
	assert_true(esp_replay_check(&r, 4000000000u - 1, &seq));
	esp_replay_free(&r);
	assert_int_equal(esp_replay_init(&r, UINT32_MAX, false), 0);
	assert_true(r.window < 2 * ESP_REPLAY_MAX);
	esp_replay_free(&r);
}

/* Against a window that simply keeps everything it saw. */
static void
window_agrees_with_a_plain_one(void **state)
{
	static uint8_t	  seen[1 << 16];
	static const uint64_t starts[] = { 0, 0xffffc000ull, 0x1fffff000ull,
		0xffffffff00000000ull };
	struct esp_replay r;
	uint64_t	  start, number, seq, top;
	uint32_t	  rnd = 1, window, i;
	unsigned	  s, esn, w;
	bool		  fresh;

	(void)state;
	for (s = 0; s < 4; s++)
	for (esn = 0; esn < 2; esn++)
	for (w = 1; w <= 4096; w *= 8) {
		start = starts[s];
		if (!esn && start != 0)
			continue;
		assert_int_equal(esp_replay_init(&r, w, esn), 0);
		window = r.window;
		assert_true(window >= w);
		memset(seen, 0, sizeof(seen));
		if (start != 0)
			esp_replay_update(&r, start);
		seen[0] = 1;
		top = 0;
		for (i = 0; i < 50000; i++) {
			rnd = rnd * 1664525 + 1013904223;
			/* Mostly near the top, sometimes far
			 * ahead or behind. */
			number = top + (rnd >> 16) % 64;
			if ((rnd >> 8) % 16 == 0)
				number = top + (rnd >> 16) % 300;
			if ((rnd >> 8) % 4 == 1 && number > window)
				number -= (rnd >> 16) % (window + 64);
			if (number >= sizeof(seen))
				break;
			fresh = number > top ||
			    (top - number < window && !seen[number]);
			/* Numbers further left are taken for the next 2^32. */
			if (esn && start + top - (start + number) >= window &&
			    number < top)
				continue;
			assert_int_equal(esp_replay_check(&r,
			    (uint32_t)(start + number), &seq), fresh);
			if (!fresh)
				continue;
			assert_true(seq == start + number);
			esp_replay_update(&r, seq);
			seen[number] = 1;
			if (number > top)
				top = number;
		}
		esp_replay_free(&r);
	}
}

/* --- the end -------------------------------------------------------------- */

static void
keys_are_wiped(void **state)
{
	struct esp_params	 p = params_default();
	struct esp_sa		*sa = esp_sa_new(&p, true);
	const struct esp_params *kept = &sa->p;
	size_t			 i;

	(void)state;
	for (i = 0; i < ESP_KEY_MAX; i++) {
		assert_int_equal(kept->cipher_key[i], 0);
		assert_int_equal(kept->auth_key[i], 0);
	}
	assert_int_equal(kept->spi, VECTOR_SPI);
	esp_sa_free(sa);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_never_cycle),
		cmocka_unit_test(old_keys_say_so),
		cmocka_unit_test(window_is_as_wide_as_promised),
		cmocka_unit_test(window_agrees_with_a_plain_one),
		cmocka_unit_test(keys_are_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
