/* test_slab.c - base/slab.h: records are zeroes, apart from one another, and their memory goes back */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/slab.h"

#define RECORDS	20000
#define CHUNK	65536	/* of slab.c */

static uint8_t	*record[RECORDS];
static size_t	 size_of[RECORDS];

static void
take(struct slab *s, size_t i, size_t size)
{
	size_t k;

	record[i] = slab_get(s, size);
	size_of[i] = size;
	assert_non_null(record[i]);
	assert_int_equal((uintptr_t)record[i] % 8, 0);
	for (k = 0; k < size; k++)
		assert_int_equal(record[i][k], 0);
	memset(record[i], (int)(i % 251) + 1, size);
}

static void
give(struct slab *s, size_t i)
{
	size_t k;

	/* Nobody else has written to it. */
	for (k = 0; k < size_of[i]; k++)
		assert_int_equal(record[i][k], i % 251 + 1);
	slab_put(s, record[i], size_of[i]);
	record[i] = NULL;
}

static void
test_many_come_and_go(void **state)
{
	static const size_t sizes[] = { 1, 8, 24, 64, 80, 81, SLAB_MAX,
		SLAB_MAX + 1, 5000 };
	struct slab *s = slab_new();
	uint64_t     x = 1;
	size_t	     i, n;

	(void)state;
	assert_non_null(s);
	for (n = 0; n < 10 * (size_t)RECORDS; n++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		i = (size_t)(x >> 33) % RECORDS;
		if (record[i] != NULL)
			give(s, i);
		else
			take(s, i, sizes[(x >> 50) %
			    (sizeof(sizes) / sizeof(sizes[0]))]);
	}
	for (i = 0; i < RECORDS; i++) {
		if (record[i] != NULL)
			give(s, i);
	}
	/* One chunk of each size that went through them is kept. */
	assert_true(slab_bytes(s) <= 7 * CHUNK);
	slab_free(s);
}

static void
test_nothing_beside_a_record(void **state)
{
	struct slab *s = slab_new();
	size_t	     i;

	(void)state;
	for (i = 0; i < RECORDS; i++)
		take(s, i, 80);
	if (slab_bytes(s) != 0)		/* else a sanitizer has them */
		assert_true(slab_bytes(s) < 80 * RECORDS + 80 * RECORDS / 100 +
		    CHUNK);
	for (i = 0; i < RECORDS; i++)
		give(s, i);
	slab_put(s, NULL, 80);
	assert_true(slab_bytes(s) <= CHUNK);
	slab_free(s);
	slab_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_come_and_go),
		cmocka_unit_test(test_nothing_beside_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
