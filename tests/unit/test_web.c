/* test_web.c - requests to the page of numbers: what is read, what is refused, and no byte that breaks it */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/web.h"

#define TOKEN	"0123456789abcdef"
#define HOST	"Host: 127.0.0.1:9478\r\n"

static struct web_config config, open_config;
static struct web_request q;

static int
listen_at(struct web_config *c, const char *text)
{
	static const struct option table[] = {
		{ "metrics", OPTION_TEXT, OPTION_FIXED, .take = web_take },
		{ 0 }
	};
	cfg_t *cfg = option_parse_nothing(table);
	int    rc = web_take(c, cfg, table, text);

	cfg_free(cfg);
	return rc;
}

static int
set_up(void **state)
{
	(void)state;
	listen_at(&config, "127.0.0.1:9478");
	open_config = config;
	memcpy(config.token.bytes, TOKEN, sizeof(TOKEN) - 1);
	config.token.len = sizeof(TOKEN) - 1;
	return 0;
}

static unsigned
asked(const struct web_config *c, const char *text)
{
	return web_request_read(c, text, strlen(text), &q);
}

static void
what_readers_send_is_read(void **state)
{
	(void)state;
	assert_int_equal(asked(&config, "GET /metrics HTTP/1.1\r\n" HOST
	    "Accept: */*\r\n\r\n"), 200);
	assert_string_equal(q.path, "/metrics");
	assert_false(q.head || q.trusted);
	assert_int_equal(asked(&config, "HEAD /status.json?x=1 HTTP/1.0\r\n"
	    "host:localhost:9478 \r\nAUTHORIZATION: bearer " TOKEN "\r\n\r\n"),
	    200);
	assert_string_equal(q.path, "/status.json");
	assert_true(q.head && q.trusted);
	assert_int_equal(asked(&config, "GET / HTTP/1.1\r\n" HOST
	    "Content-Length: 0\r\nSec-Fetch-Site: none\r\n\r\n"), 200);
}

static void
a_token_is_whole_or_none(void **state)
{
	static const char *const wrong[] = { "Bearer 0123456789abcde",
		"Bearer 0123456789abcdefg", "Bearer ", "Bearer",
		"Basic " TOKEN, TOKEN, "", "Bearer  " TOKEN };
	char   text[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" HOST
		    "Authorization: %s\r\n\r\n", wrong[i]);
		assert_int_equal(asked(&config, text), 401);
		assert_false(q.trusted);
	}
	assert_int_equal(asked(&config, "GET / HTTP/1.1\r\n" HOST
	    "Authorization: Bearer " TOKEN "\r\nAuthorization: Bearer x\r\n"
	    "\r\n"), 400);
	/* Where there is none, none is right. */
	assert_int_equal(asked(&open_config, "GET / HTTP/1.1\r\n" HOST
	    "Authorization: Bearer \r\n\r\n"), 401);
	assert_int_equal(asked(&open_config, "GET / HTTP/1.1\r\n" HOST "\r\n"),
	    200);
	assert_false(q.trusted);
}

static void
another_name_is_misdirected(void **state)
{
	static const char *const hosts[] = { "evil.example:9478", "127.0.0.1",
		"127.0.0.1:9479", "127.0.0.2:9478", "localhost", "",
		"localhost.evil:9478", "127.0.0.1:9478x", "127.0.0.1.:9478",
		"0127.0.0.1:9478", ":9478",
		    "127.0.0.1:09999999999999999999478" };
	struct web_config any = config;
	char		  text[256];
	size_t		  i;

	(void)state;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		snprintf(text, sizeof(text),
		    "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", hosts[i]);
		assert_int_equal(asked(&config, text), 421);
	}
	assert_int_equal(listen_at(&any, "0.0.0.0:9478"), 0);
	assert_int_equal(asked(&any,
	    "GET / HTTP/1.1\r\nHost: 192.0.2.1:9478\r\n\r\n"), 200);
	assert_int_equal(asked(&any,
	    "GET / HTTP/1.1\r\nHost: evil.example:9478\r\n\r\n"), 421);
}

/* RFC 3986 §3.2.2: an IPv6 address stands in brackets. */
static void
either_family_is_served(void **state)
{
	static const char *const wrong[] = { "::1:9478", "[::1]", "[::1]9478",
		"[::1]:0", "[::1]:65536", "[::1:9478", "[127.0.0.1]:9478",
		"127.0.0.1", "127.0.0.1:", "127.1:9478", "[]:1", "[", ":" };
	struct web_config six = config;
	size_t		  i;

	(void)state;
	assert_int_equal(listen_at(&six, "[::1]:9478"), 0);
	six.token.len = 0;
	assert_int_equal(web_check(&six), 0);
	assert_int_equal(asked(&six,
	    "GET / HTTP/1.1\r\nHost: [::1]:9478\r\n\r\n"), 200);
	assert_int_equal(asked(&six,
	    "GET / HTTP/1.1\r\nHost: [::2]:9478\r\n\r\n"), 421);
	assert_int_equal(asked(&six, "GET / HTTP/1.1\r\n" HOST "\r\n"), 421);
	assert_int_equal(listen_at(&six, "[2001:db8::1]:80"), 0);
	assert_int_equal(web_check(&six), -1);
	assert_int_equal(asked(&six,
	    "GET / HTTP/1.1\r\nHost: [2001:DB8:0::1]\r\n\r\n"), 200);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(listen_at(&six, wrong[i]), -1);
}

static void
what_is_no_request_is_refused(void **state)
{
	static const struct {
		unsigned    status;
		const char *text;
	} all[] = {
		{ 400, "" }, { 400, "\r\n" }, { 400, "GET\r\n\r\n" },
		{ 400, "GET /\r\n\r\n" }, { 400, "GET / HTTP/1.1\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\n" HOST },
		{ 400, "GET / HTTP/1.1\r\n" HOST "\r\nmore" },
		{ 400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n" },
		{ 400, "GET / HTTP/1.1\r\n" HOST " folded\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\n" HOST "\r\n" },
		{ 400, "GET / HTTP/1.1\r\n" HOST "A: \x01\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\n" HOST
		    "Transfer-Encoding: chunked\r\n\r\n" },
		{ 400, "GET http://127.0.0.1/ HTTP/1.1\r\n" HOST "\r\n" },
		{ 403, "GET / HTTP/1.1\r\n" HOST
		    "Sec-Fetch-Site: cross-site\r\n\r\n" },
		{ 405, "POST / HTTP/1.1\r\n" HOST "\r\n" },
		{ 405, "get / HTTP/1.1\r\n" HOST "\r\n" },
		{ 505, "GET / HTTP/3\r\n" HOST "\r\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_int_equal(asked(&config, all[i].text), all[i].status);
}

/* Every truncation, and every byte changed to each other one. */
static void
nothing_breaks_it(void **state)
{
	static const char good[] = "GET /status.json?a HTTP/1.1\r\n" HOST
	    "Authorization: Bearer " TOKEN "\r\nSec-Fetch-Site: none\r\n"
	    "Content-Length: 0\r\n\r\n";
	size_t n = sizeof(good) - 1, i;
	char  *copy;
	int    c;

	(void)state;
	for (i = 0; i < n; i++) {
		copy = malloc(i + 1);	/* so that a byte too far is seen */
		assert_non_null(copy);
		memcpy(copy, good, i);
		assert_int_not_equal(web_request_read(&config, copy, i, &q),
		    200);
		free(copy);
	}
	copy = malloc(n);
	assert_non_null(copy);
	memcpy(copy, good, n);
	for (i = 0; i < n; i++) {
		for (c = 0; c < 256; c++) {
			copy[i] = (char)c;
			if (web_request_read(&config, copy, n, &q) == 200)
				assert_true(strlen(q.path) < sizeof(q.path));
		}
		copy[i] = good[i];
	}
	free(copy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_readers_send_is_read),
		cmocka_unit_test(a_token_is_whole_or_none),
		cmocka_unit_test(another_name_is_misdirected),
		cmocka_unit_test(either_family_is_served),
		cmocka_unit_test(what_is_no_request_is_refused),
		cmocka_unit_test(nothing_breaks_it),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
