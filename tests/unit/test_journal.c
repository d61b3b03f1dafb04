/* test_journal.c - batches of the store's journal are read whole or not at all, wherever power was lost */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rsipd/journal.h"

#define ID	0x1122334455667788u

static char	      path[64];
static struct journal journal;

static int
setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_journal.%ld", (long)getpid());
	unlink(path);
	return journal_open(&journal, path);
}

static int
teardown(void **state)
{
	(void)state;
	journal_close(&journal);
	return unlink(path);
}

/* The batch of one change of key, and one that is taken back. */
static void
write_batch(const char *key, const char *value, uint64_t sequence)
{
	struct journal_batch b = { 0 };

	journal_put(&b, (const uint8_t *)key, strlen(key),
	    (const uint8_t *)value, strlen(value));
	journal_remove(&b, (const uint8_t *)"gone", 4);
	assert_int_equal(journal_write(&journal, &b, ID, sequence), 0);
	assert_int_equal(journal_sync(&journal), 0);
	journal_batch_free(&b);
}

/* What was replayed: "key=value -gone ". */
static char said[256];

static int
say(void *arg, const uint8_t *key, size_t keylen, const uint8_t *value,
    size_t len)
{
	size_t n = strlen(said);

	(void)arg;
	if (value == NULL)
		snprintf(said + n, sizeof(said) - n, "-%.*s ", (int)keylen,
		    (const char *)key);
	else
		snprintf(said + n, sizeof(said) - n, "%.*s=%.*s ", (int)keylen,
		    (const char *)key, (int)len, (const char *)value);
	return 0;
}

static const char *
replayed(uint64_t id, uint64_t *done)
{
	said[0] = '\0';
	assert_int_equal(journal_replay(&journal, id, done, say, NULL), 0);
	return said;
}

static void
what_was_written_is_replayed_in_order(void **state)
{
	uint64_t done = 0, first, last;

	(void)state;
	write_batch("a", "1", 7);
	write_batch("a", "2", 8);
	assert_string_equal(replayed(ID, &done), "a=1 -gone a=2 -gone ");
	assert_int_equal(done, 8);
	journal_scan(&journal, ID, &first, &last);
	assert_int_equal(first, 7);
	assert_int_equal(last, 8);
	/* The file has the first by now; another file has none of it. */
	done = 7;
	assert_string_equal(replayed(ID, &done), "a=2 -gone ");
	done = 0;
	assert_string_equal(replayed(ID + 1, &done), "");
	assert_int_equal(done, 0);
	assert_int_equal(journal_clear(&journal), 0);
	assert_string_equal(replayed(ID, &done), "");
}

static void
a_torn_batch_is_none(void **state)
{
	uint64_t whole, end, done;
	uint8_t	 byte, bad;
	off_t	 at;

	(void)state;
	write_batch("a", "1", 1);
	whole = journal.end;
	write_batch("b", "2", 2);
	end = journal.end;
	/* Each of its bytes other than it was, as what a
	 * flush left half done. */
	for (at = (off_t)whole; at < (off_t)end; at++) {
		assert_int_equal(pread(journal.fd, &byte, 1, at), 1);
		bad = byte ^ 0x40;
		assert_int_equal(pwrite(journal.fd, &bad, 1, at), 1);
		done = 0;
		/* Another id is another file's, and passed by. */
		assert_string_equal(replayed(ID, &done), "a=1 -gone ");
		assert_int_equal(journal.end, whole);
		assert_int_equal(pwrite(journal.fd, &byte, 1, at), 1);
	}
	for (at = (off_t)end - 1; at >= (off_t)whole; at--) {
		assert_int_equal(ftruncate(journal.fd, at), 0);
		done = 0;
		assert_string_equal(replayed(ID, &done), "a=1 -gone ");
		assert_int_equal(done, 1);
	}
	/* What comes next is written over it. */
	write_batch("c", "3", 2);
	done = 0;
	assert_string_equal(replayed(ID, &done), "a=1 -gone c=3 -gone ");
}

static void
what_is_taken_back_is_not_there(void **state)
{
	struct journal_batch b = { 0 };
	uint64_t	     done = 0, whole;
	uint8_t		    *large = calloc(1, 20u << 20);

	(void)state;
	write_batch("a", "1", 1);
	whole = journal.end;
	write_batch("b", "2", 2);
	journal_undo(&journal, whole);
	assert_string_equal(replayed(ID, &done), "a=1 -gone ");
	/* More than a batch may have: nothing of it, and the next is good. */
	assert_non_null(large);
	journal_put(&b, (const uint8_t *)"k", 1, large, 20u << 20);
	assert_int_equal(journal_write(&journal, &b, ID, 2), -1);
	journal_batch_clear(&b);
	free(large);
	journal_remove(&b, (const uint8_t *)"k", 1);
	assert_int_equal(journal_write(&journal, &b, ID, 2), 0);
	done = 0;
	assert_string_equal(replayed(ID, &done), "a=1 -gone -k ");
	journal_batch_free(&b);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_is_replayed_in_order),
		TEST(a_torn_batch_is_none),
		TEST(what_is_taken_back_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
