/* test_reason.c - each reason has a code of its own, words, and a line in doc/control.md; details stand in both */
#include "config.h"

#include <err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oe/reason.h"

#define LAST REASON_PEER_GONE

static void
codes_are_told_apart_and_documented(void **state)
{
	static char   doc[200000];
	const char   *dir = getenv("srcdir");
	char	      path[1024], quoted[64];
	struct reason r;
	FILE	     *f;
	unsigned      i, k;

	(void)state;
	snprintf(path, sizeof(path), "%s/doc/control.md",
	    dir != NULL ? dir : ".");
	if ((f = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	doc[fread(doc, 1, sizeof(doc) - 1, f)] = '\0';
	fclose(f);
	for (i = REASON_NONE + 1; i <= LAST; i++) {
		r = reason_with((enum oe_reason)i, "WORDS");
		r.number = 1;
		assert_non_null(reason_name(r.code));
		assert_true(strlen(REASON_TEXT(&r)) > 1);
		assert_null(strchr(REASON_TEXT(&r), '%'));
		snprintf(quoted, sizeof(quoted), "`%s`", reason_name(r.code));
		if (strstr(doc, quoted) == NULL)
			fail_msg("%s is not in doc/control.md", quoted);
		for (k = REASON_NONE; k < i; k++)
			assert_string_not_equal(reason_name((enum oe_reason)k),
			    reason_name(r.code));
	}
}

static void
details_are_of_their_kind(void **state)
{
	struct addr   peer;
	struct reason r, same;
	char	      detail[256];

	(void)state;
	assert_int_equal(addr_parse(&peer, "2001:db8::1"), 0);
	r = reason_of_failure(KEYING_SILENCE, &peer, NULL);
	reason_detail(&r, detail, sizeof(detail));
	assert_string_equal(reason_name(r.code), "ike-silent");
	assert_string_equal(detail, "2001:db8::1");
	assert_string_equal(REASON_TEXT(&r),
	    "IKE with 2001:db8::1: no answer to IKE");
	r = reason_of_failure(KEYING_CHILD_REFUSED, &peer, "INVALID-ID");
	reason_detail(&r, detail, sizeof(detail));
	assert_string_equal(detail, "2001:db8::1, INVALID-ID");
	r = reason_of(REASON_REKEY_FAILED);
	r.addr = peer;
	r.number = KEYING_SILENCE;
	assert_string_equal(REASON_TEXT(&r),
	    "rekeying with 2001:db8::1: no answer to IKE");
	same = r;
	assert_true(reason_equal(&r, &same));
	same.number = KEYING_ICMP;
	assert_false(reason_equal(&r, &same));
	r = reason_of_record(RECORD_TIMEOUT);
	reason_detail(&r, detail, sizeof(detail));
	assert_string_equal(reason_name(r.code), "dns-silent");
	assert_string_equal(detail, "");
	assert_string_equal(REASON_TEXT(&r), "DNS time-out");
	r = reason_of(REASON_DNS_SLOW);
	r.number = 3;
	reason_detail(&r, detail, sizeof(detail));
	assert_string_equal(detail, "3");
	assert_string_equal(REASON_TEXT(&r),
	    "DNS has not answered within 3 s; the search goes on");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_told_apart_and_documented),
		cmocka_unit_test(details_are_of_their_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
