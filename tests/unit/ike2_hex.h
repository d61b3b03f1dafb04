/* ike2_hex.h - octets from text, for tests with known answers */
#ifndef TESTS_UNIT_IKE2_HEX_H
#define TESTS_UNIT_IKE2_HEX_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Returns the length; spaces are passed over, the text is ours. */
static inline size_t
unhex(const char *s, uint8_t *out, size_t cap)
{
	size_t	 n = 0;
	unsigned v;

	for (; *s != '\0'; s++) {
		if (*s == ' ')
			continue;
		assert_true(n < cap);
		assert_int_equal(sscanf(s, "%2x", &v), 1);
		out[n++] = (uint8_t)v;
		s++;
	}
	return n;
}

static inline void
assert_hex(const uint8_t *p, size_t len, const char *hex)
{
	uint8_t want[4096];

	assert_int_equal(unhex(hex, want, sizeof(want)), len);
	assert_memory_equal(p, want, len);
}

#endif
