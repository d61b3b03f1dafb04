/* test_esp_transform.c - several transforms of one ESP SA: none knows of another's packets, and threads may have one each */
#include "config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "oe/esp/transform.h"
#include "tests/unit/esp_packets.h"

#define TEXT		96	/* whole blocks of every cipher */
#define ROOM		(ESP_HEADER_LEN + 16 + TEXT + 32)
#define THREADS		2
#define EACH		500	/* packets of a thread */
#define FIRST		0xffffff00ull	/* with ESN the high half changes on the
					 * way */

struct sealed {
	uint64_t seq;
	uint8_t	 esp[ROOM];
};

static void
text_of(uint8_t *text, uint64_t seq)
{
	size_t i;

	for (i = 0; i < TEXT; i++)
		text[i] = (uint8_t)(seq * 7 + i);
}

static bool
seal(struct esp_transform *t, struct sealed *s, uint64_t seq)
{
	s->seq = seq;
	store_u32(s->esp, VECTOR_SPI);
	store_u32(s->esp + 4, (uint32_t)seq);
	text_of(s->esp + ESP_HEADER_LEN + esp_transform_iv_len(t), seq);
	return esp_transform_seal(t, s->esp, TEXT, seq);
}

static bool
opens(struct esp_transform *t, const struct sealed *s)
{
	uint8_t text[TEXT], out[TEXT];

	if (!esp_transform_open(t, s->esp, TEXT, s->seq, out))
		return false;
	text_of(text, s->seq);
	assert_memory_equal(out, text, TEXT);
	return true;
}

/* One seals after the other, any of two opens, in any order. */
static void
none_knows_of_another(void **state)
{
	struct esp_transform *out[2], *in[2];
	struct esp_params     p;
	struct sealed	      s[8];
	size_t		      v, i;

	(void)state;
	for (v = 0; v < NVECTORS; v++) {
		p = params_of(&vectors[v]);
		for (i = 0; i < 2; i++) {
			out[i] = esp_transform_new(&p, true);
			in[i] = esp_transform_new(&p, false);
			assert_non_null(out[i]);
			assert_non_null(in[i]);
		}
		for (i = 0; i < 8; i++)
			assert_true(seal(out[i % 2], &s[i], i + 1));
		for (i = 8; i-- > 0;)
			assert_true(opens(in[i / 2 % 2], &s[i]));
		for (i = 0; i < 2; i++) {
			esp_transform_free(out[i]);
			esp_transform_free(in[i]);
		}
	}
}

/* What was refused leaves nothing behind; of ESN the half that is not in the
 * packet counts too. */
static void
what_is_not_authentic_is_refused(void **state)
{
	struct esp_transform *out, *in;
	struct esp_params     p;
	struct sealed	      s, bad;
	size_t		      v, i, len;

	(void)state;
	for (v = 0; v < NVECTORS; v++) {
		p = params_of(&vectors[v]);
		out = esp_transform_new(&p, true);
		in = esp_transform_new(&p, false);
		assert_true(seal(out, &s, FIRST));
		len = ESP_HEADER_LEN + esp_transform_iv_len(out) + TEXT +
		    esp_transform_icv_len(out);
		assert_true(len <= ROOM);
		for (i = 0; i < len; i++) {
			bad = s;
			bad.esp[i] ^= 0x10;
			assert_false(opens(in, &bad));
		}
		bad = s;
		bad.seq += 1ull << 32;
		assert_int_equal(opens(in, &bad), !p.esn);
		assert_true(opens(in, &s));
		esp_transform_free(out);
		esp_transform_free(in);
	}
}

/* --- threads -------------------------------------------------------------- */

struct sealer {
	pthread_t	      thread;
	struct esp_transform *transform;
	_Atomic uint64_t     *seq;	/* last used, of them all */
	struct sealed	      s[EACH];
	unsigned	      failed;
};

static void *
sealer_run(void *arg)
{
	struct sealer *r = arg;
	size_t	       i;

	for (i = 0; i < EACH; i++)
		r->failed += !seal(r->transform, &r->s[i],
		    atomic_fetch_add(r->seq, 1) + 1);
	return NULL;
}

static int
sealed_order(const void *a, const void *b)
{
	const struct sealed *x = a, *y = b;

	return memcmp(x->esp + ESP_HEADER_LEN, y->esp + ESP_HEADER_LEN, 8);
}

/* All open, and no IV came twice. */
static void
sealers_check(const struct sealer *r, const struct esp_params *p)
{
	static struct sealed  all[THREADS * EACH];
	struct esp_transform *in = esp_transform_new(p, false);
	size_t		      i;

	for (i = 0; i < THREADS; i++) {
		assert_int_equal(r[i].failed, 0);
		memcpy(all + i * EACH, r[i].s, sizeof(r[i].s));
	}
	qsort(all, THREADS * EACH, sizeof(all[0]), sealed_order);
	for (i = 0; i < THREADS * EACH; i++) {
		assert_true(opens(in, &all[i]));
		assert_true(i == 0 || sealed_order(&all[i - 1], &all[i]) != 0);
	}
	esp_transform_free(in);
}

static void
threads_have_one_each(void **state)
{
	static struct sealer r[THREADS];
	struct esp_params    p;
	_Atomic uint64_t     seq;
	size_t		     v, i;

	(void)state;
	for (v = 0; v < NVECTORS; v++) {
		p = params_of(&vectors[v]);
		atomic_init(&seq, p.esn ? FIRST : 0);
		for (i = 0; i < THREADS; i++) {
			r[i].transform = esp_transform_new(&p, true);
			r[i].seq = &seq;
			r[i].failed = 0;
			assert_int_equal(pthread_create(&r[i].thread, NULL,
			    sealer_run, &r[i]), 0);
		}
		for (i = 0; i < THREADS; i++) {
			assert_int_equal(pthread_join(r[i].thread, NULL), 0);
			esp_transform_free(r[i].transform);
		}
		assert_int_equal(atomic_load(&seq), (p.esn ? FIRST : 0) +
		    THREADS * EACH);
		sealers_check(r, &p);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_knows_of_another),
		cmocka_unit_test(what_is_not_authentic_is_refused),
		cmocka_unit_test(threads_have_one_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
