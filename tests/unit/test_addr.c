/* test_addr.c - addresses and prefixes of both families, and tables of these */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "net/addr.h"
#include "net/prefixes.h"

static struct addr
addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static struct prefix
prefix_read(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, text), 0);
	return p;
}

static void
text_is_read_and_written(void **state)
{
	static const char *good[] = { "0.0.0.0", "198.51.100.1",
		"255.255.255.255", "::", "::1", "2001:db8::1",
		"fe80::1:2:3:4",
		"2001:db8:1234:5678:9abc:def0:1234:5678" };
	static const char *bad[] = { "", "1.2.3", "1.2.3.4.5", "256.1.1.1",
		"1.2.3.4 ", " 1.2.3.4", "01.2.3.4x", "::1%eth0", "1:2:3",
		":::", "2001:db8::1::2", "none", "12345::", "1.2.3.4/32" };
	struct addr a;
	char	    small[8];
	size_t	    i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		a = addr_of(good[i]);
		assert_string_equal(ADDR_TEXT(&a), good[i]);
		assert_true(addr_is_set(&a));
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(addr_parse(&a, bad[i]), -1);
		assert_false(addr_is_set(&a));
		assert_string_equal(ADDR_TEXT(&a), "none");
	}
	a = addr_of("2001:db8::1");
	assert_string_equal(addr_text(&a, small, sizeof(small)), "2001:db");
}

static void
bytes_decide_equality(void **state)
{
	uint8_t	    bytes[16] = { 192, 0, 2, 1, 5, 6, 7, 8 };
	struct addr v4 = addr_from_bytes(AF_INET, bytes), v6, none = { 0 };

	(void)state;
	assert_int_equal(addr_len(&v4), 4);
	/* What follows four bytes is no part of an IPv4 address. */
	v6 = addr_of("192.0.2.1");
	assert_true(addr_equal(&v4, &v6));
	assert_memory_equal(&v4, &v6, sizeof(v4));
	assert_true(addr_hash(&v4) == addr_hash(&v6));
	assert_int_equal(addr_v4(&v4), inet_addr("192.0.2.1"));
	v6 = addr_from_v4(inet_addr("192.0.2.1"));
	assert_true(addr_equal(&v4, &v6));

	v6 = addr_from_bytes(AF_INET6, bytes);
	assert_int_equal(addr_len(&v6), 16);
	assert_false(addr_equal(&v4, &v6));
	assert_false(addr_hash(&v4) == addr_hash(&v6));
	assert_int_equal(addr_v4(&v6), 0);

	v6 = addr_from_bytes(AF_UNIX, bytes);
	assert_true(addr_equal(&v6, &none));
	assert_int_equal(addr_len(&none), 0);
	/* 0.0.0.0 is an address, and another than none and ::. */
	v4 = addr_from_v4(0);
	assert_false(addr_equal(&v4, &none));
	v6 = addr_of("::");
	assert_false(addr_equal(&v4, &v6));
}

static void
order_is_family_then_value(void **state)
{
	static const char *sorted[] = { "0.0.0.0", "9.255.255.255",
		"10.0.0.1", "200.0.0.0", "::", "::ffff", "1::",
		"2001:db8::1", "ff02::1" };
	struct addr a, b, none = { 0 };
	size_t	    i, k, n = sizeof(sorted) / sizeof(sorted[0]);

	(void)state;
	for (i = 0; i < n; i++) {
		a = addr_of(sorted[i]);
		assert_true(addr_compare(&none, &a) < 0);
		for (k = 0; k < n; k++) {
			b = addr_of(sorted[k]);
			assert_true(i < k ? addr_compare(&a, &b) < 0 :
			    i > k ? addr_compare(&a, &b) > 0 :
			    addr_compare(&a, &b) == 0);
		}
	}
}

enum {
	UNSPEC = 1, LOOP = 2, LINK = 8, HOST = 16, PRIV = 32
};

static void
kinds(void **state)
{
	static const struct {
		const char *text;
		int	    kind;
	} list[] = {
		{ "0.0.0.0", UNSPEC }, { "0.1.2.3", 0 }, { "::", UNSPEC },
		{ "127.0.0.1", LOOP }, { "127.255.0.9", LOOP }, { "::1", LOOP },
		{ "224.0.0.0", 0 }, { "239.255.255.255", 0 },
		{ "240.0.0.1", 0 }, { "255.255.255.255", 0 },
		{ "223.255.255.255", HOST }, { "1.0.0.0", HOST },
		{ "ff00::", 0 }, { "ff02::1", 0 },
		{ "169.254.0.1", LINK | HOST | PRIV },
		{ "169.253.0.1", HOST }, { "169.255.0.1", HOST },
		{ "fe80::1", LINK | HOST | PRIV },
		{ "febf::1", LINK | HOST | PRIV }, { "fec0::1", HOST },
		{ "fe7f::1", HOST },
		{ "10.0.0.0", HOST | PRIV }, { "10.255.255.255", HOST | PRIV },
		{ "9.255.255.255", HOST }, { "11.0.0.0", HOST },
		{ "172.16.0.0", HOST | PRIV },
		{ "172.31.255.255", HOST | PRIV }, { "172.15.255.255", HOST },
		{ "172.32.0.0", HOST }, { "192.168.0.0", HOST | PRIV },
		{ "192.167.0.0", HOST }, { "100.64.0.0", HOST | PRIV },
		{ "100.127.0.0", HOST | PRIV }, { "100.128.0.0", HOST },
		{ "100.63.0.0", HOST }, { "fc00::1", HOST | PRIV },
		{ "fdff::1", HOST | PRIV }, { "fbff::1", HOST },
		{ "fe00::1", HOST }, { "2001:db8::1", HOST },
		{ "198.51.100.1", HOST }, { "::ffff:10.0.0.1", 0 },
		{ "::198.51.100.1", 0 }, { "::2", 0 }, { "::1:0:0", HOST },
	};
	struct addr a, none = { 0 };
	size_t	    i;
	int	    kind;

	(void)state;
	for (i = 0; i <= sizeof(list) / sizeof(list[0]); i++) {
		a = i == sizeof(list) / sizeof(list[0]) ? none :
		    addr_of(list[i].text);
		kind = (addr_is_unspecified(&a) ? UNSPEC : 0) |
		    (addr_is_loopback(&a) ? LOOP : 0) |
		    (addr_is_link_local(&a) ? LINK : 0) |
		    (addr_is_host(&a) ? HOST : 0) |
		    (addr_is_private(&a) ? PRIV : 0);
		assert_int_equal(kind, addr_is_set(&a) ? list[i].kind : 0);
	}
}

static void
reverse_names(void **state)
{
	char	    name[ADDR_REVERSE_MAX];
	struct addr a = addr_of("198.51.100.7"), none = { 0 };

	(void)state;
	assert_string_equal(addr_reverse_name(&a, name),
	    "7.100.51.198.in-addr.arpa");
	/* RFC 3596 §2.5's own example. */
	a = addr_of("4321:0:1:2:3:4:567:89ab");
	assert_string_equal(addr_reverse_name(&a, name),
	    "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4"
	    ".ip6.arpa");
	assert_int_equal(strlen(name) + 2, ADDR_REVERSE_MAX);
	assert_string_equal(addr_reverse_name(&none, name), "");
}

static void
socket_addresses(void **state)
{
	static const char *texts[] = { "198.51.100.7", "2001:db8::7" };
	struct sockaddr_storage ss;
	struct sockaddr_in6	in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(9) };
	struct addr a, b;
	socklen_t   len, k;
	uint16_t    port;
	size_t	    i;

	(void)state;
	for (i = 0; i < 2; i++) {
		a = addr_of(texts[i]);
		len = addr_to_sockaddr(&a, 4555, &ss);
		assert_int_equal(ss.ss_family, a.family);
		b = addr_from_sockaddr(&ss, len, &port);
		assert_true(addr_equal(&a, &b));
		assert_int_equal(port, 4555);
		b = addr_from_sockaddr(&ss, len, NULL);
		assert_true(addr_equal(&a, &b));
		for (k = 0; k < len; k++) {
			b = addr_from_sockaddr(&ss, k, &port);
			assert_false(addr_is_set(&b));
			assert_int_equal(port, 0);
		}
	}
	/* What a socket of both families says of an IPv4 peer. */
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.9",
	    &in6.sin6_addr), 1);
	a = addr_from_sockaddr(&in6, sizeof(in6), &port);
	assert_string_equal(ADDR_TEXT(&a), "192.0.2.9");
	assert_int_equal(port, 9);
	in6.sin6_family = AF_UNIX;
	a = addr_from_sockaddr(&in6, sizeof(in6), &port);
	assert_false(addr_is_set(&a));
	assert_int_equal(addr_to_sockaddr(&a, 1, &ss), 0);
}

static void
prefixes_are_read(void **state)
{
	static const struct {
		const char *text, *out;
	} good[] = {
		{ "0.0.0.0/0", NULL }, { "::/0", NULL }, { "10.0.0.0/8", NULL },
		{ "192.0.2.128/25", NULL }, { "192.0.2.1/32", NULL },
		{ "192.0.2.1", "192.0.2.1/32" }, { "2001:db8::/33", NULL },
		{ "2001:db8::1", "2001:db8::1/128" }, { "fe80::/10", NULL },
		{ "2001:db8::8000:0/97", NULL },
		{ "10.0.0.0/008", "10.0.0.0/8" },
	};
	static const char *bad[] = { "", "/", "10.0.0.0/", "10.0.0.0/33",
		"10.0.0.1/24", "192.0.2.128/24", "10.0.0.0/-1", "10.0.0.0/+8",
		"10.0.0.0/8 ", "10.0.0.0/8/8", "10/8", "::/129", "::1/127",
		"2001:db9::/31", "10.0.0.0/0008", "10.0.0.0/4294967304",
		"11111111111111111111111111111111111111111111111/8" };
	struct prefix p;
	char	      small[6];
	size_t	      i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		p = prefix_read(good[i].text);
		assert_string_equal(PREFIX_TEXT(&p), good[i].out == NULL ?
		    good[i].text : good[i].out);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(prefix_parse(&p, bad[i]), -1);
		assert_false(addr_is_set(&p.addr));
	}
	p = prefix_read("10.0.0.0/8");
	assert_string_equal(prefix_text(&p, small, sizeof(small)), "10.0.");
}

static void
prefixes_contain(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool	    in;
	} list[] = {
		{ "0.0.0.0/0", "198.51.100.1", true },
		{ "0.0.0.0/0", "::1", false }, { "::/0", "0.0.0.0", false },
		{ "::/0", "2001:db8::1", true },
		{ "198.51.100.0/24", "198.51.100.255", true },
		{ "198.51.100.0/24", "198.51.101.0", false },
		{ "198.51.100.128/25", "198.51.100.127", false },
		{ "198.51.100.1/32", "198.51.100.1", true },
		{ "198.51.100.1/32", "198.51.100.0", false },
		{ "2001:db8::/33", "2001:db8:7fff::", true },
		{ "2001:db8::/33", "2001:db8:8000::", false },
		{ "2001:db8::1/128", "2001:db8::1", true },
		{ "2001:db8::1/128", "2001:db8::2", false },
	};
	struct prefix p, q;
	struct addr   a, none = { 0 };
	size_t	      i;

	(void)state;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		p = prefix_read(list[i].prefix);
		a = addr_of(list[i].addr);
		assert_int_equal(prefix_contains(&p, &a), list[i].in);
		assert_false(prefix_contains(&p, &none));
		q = prefix_host(&a);
		assert_int_equal(prefix_covers(&p, &q), list[i].in);
	}
	p = (struct prefix){ 0 };
	assert_false(prefix_contains(&p, &a));
	assert_false(prefix_contains(&p, &none));
	p = prefix_read("10.0.0.0/8");
	q = prefix_read("10.0.0.0/9");
	assert_true(prefix_covers(&p, &q));
	assert_false(prefix_covers(&q, &p));
	assert_true(prefix_compare(&p, &q) < 0);
	assert_true(prefix_covers(&p, &p));
	assert_true(prefix_is_private(&q));
	assert_true(prefix_is_rfc1918(&q));
	q = prefix_read("8.0.0.0/7");
	assert_false(prefix_is_private(&q));
	q = prefix_read("100.64.0.0/10");
	assert_true(prefix_is_private(&q));
	assert_false(prefix_is_rfc1918(&q));
	q = prefix_read("169.254.1.0/24");
	assert_false(prefix_is_private(&q));
	q = prefix_read("fd00::/8");
	assert_true(prefix_is_private(&q));
}

static void
masks(void **state)
{
	struct addr   m, a = addr_of("203.0.113.255");
	struct prefix p;
	unsigned      n;
	int	      f;

	(void)state;
	for (f = AF_INET;; f = AF_INET6) {
		for (n = 0; n <= addr_bits(f); n++) {
			m = prefix_mask(f, n);
			assert_int_equal(prefix_mask_len(&m), n);
		}
		assert_int_equal(addr_len(&m) * 8, addr_bits(f));
		if (f == AF_INET6)
			break;
	}
	m = prefix_mask(AF_INET, 25);
	assert_string_equal(ADDR_TEXT(&m), "255.255.255.128");
	m = prefix_mask(AF_INET, 200);
	assert_string_equal(ADDR_TEXT(&m), "255.255.255.255");
	m = addr_of("255.0.255.0");
	assert_int_equal(prefix_mask_len(&m), -1);
	m = (struct addr){ 0 };
	assert_int_equal(prefix_mask_len(&m), -1);
	p = prefix_of(&a, 25);
	assert_string_equal(PREFIX_TEXT(&p), "203.0.113.128/25");
	p = prefix_of(&a, 255);
	assert_int_equal(p.plen, 32);
}

static void
table_add(struct prefixes *t, const char *text, int value)
{
	struct prefix p = prefix_read(text);

	assert_int_equal(prefixes_add(t, &p, &value), 0);
	assert_int_equal(*(int *)prefixes_get(t, &p), value);
	errno = 0;
	assert_int_equal(prefixes_add(t, &p, &value), -1);
	assert_int_equal(errno, EEXIST);
}

static int
table_find(const struct prefixes *t, const char *text, const char *want)
{
	struct addr   a = addr_of(text);
	struct prefix which;
	const int    *value = prefixes_find(t, &a, &which);

	if (value == NULL)
		return 0;
	assert_string_equal(PREFIX_TEXT(&which), want);
	return *value;
}

static void
note_value(void *arg, const struct prefix *prefix, void *value)
{
	int **next = arg;

	(void)prefix;
	*(*next)++ = *(int *)value;
}

static void
the_longest_prefix_is_found(void **state)
{
	static const int in_order[] = { 1, 2, 8, 3, 4, 5, 6, 7 };
	struct prefixes *t = prefixes_new(sizeof(int));
	struct prefix	 none = { 0 };
	struct addr	 a;
	int		 seen[8] = { 0 }, *next, value = 9;

	(void)state;
	table_add(t, "198.51.100.10/32", 4);
	table_add(t, "198.51.100.0/24", 3);
	table_add(t, "0.0.0.0/0", 1);
	table_add(t, "198.51.0.0/16", 8);
	table_add(t, "10.0.0.0/8", 2);
	table_add(t, "2001:db8::/32", 6);
	table_add(t, "2001:db8::1/128", 7);
	table_add(t, "::/0", 5);
	assert_int_equal(prefixes_add(t, &none, &value), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(prefixes_count(t), 8);
	assert_int_equal(table_find(t, "198.51.100.10", "198.51.100.10/32"), 4);
	assert_int_equal(table_find(t, "198.51.100.11", "198.51.100.0/24"), 3);
	assert_int_equal(table_find(t, "198.51.101.11", "198.51.0.0/16"), 8);
	assert_int_equal(table_find(t, "11.0.0.0", "0.0.0.0/0"), 1);
	assert_int_equal(table_find(t, "2001:db8::1", "2001:db8::1/128"), 7);
	assert_int_equal(table_find(t, "2001:db8:ffff::1", "2001:db8::/32"), 6);
	assert_int_equal(table_find(t, "2001:db9::1", "::/0"), 5);
	next = seen;
	prefixes_each(t, note_value, &next);
	assert_int_equal(next - seen, 8);
	assert_memory_equal(seen, in_order, sizeof(seen));
	/* The shortest first. */
	next = seen;
	a = addr_of("198.51.100.10");
	prefixes_holding(t, &a, note_value, &next);
	assert_int_equal(next - seen, 4);
	assert_true(seen[0] == 1 && seen[1] == 8 && seen[2] == 3 &&
	    seen[3] == 4);
	assert_null(prefixes_find(t, &none.addr, NULL));
	prefixes_free(t);
	prefixes_free(NULL);
}

/* Against every prefix looked at one by one. */
static void
tables_agree_with_a_list(void **state)
{
	struct prefixes *t = prefixes_new(sizeof(int));
	struct prefix	 list[300], which;
	struct addr	 a;
	uint8_t		 bytes[16] = { 0 };
	uint32_t	 x = 1;
	int		 i, k, best, n = 0, family, value;
	const int	*found;

	(void)state;
	for (i = 0; i < 300; i++) {
		x = x * 1103515245 + 12345;
		family = x >> 30 & 1 ? AF_INET : AF_INET6;
		bytes[0] = (uint8_t)(x >> 16 & 3);
		bytes[1] = (uint8_t)(x >> 20);
		a = addr_from_bytes(family, bytes);
		list[n] = prefix_of(&a, (x >> 8) % 17);
		value = n;
		if (prefixes_add(t, &list[n], &value) == 0)
			n++;
	}
	for (i = 0; i < 2000; i++) {
		x = x * 1103515245 + 12345;
		bytes[0] = (uint8_t)(x >> 16 & 3);
		bytes[1] = (uint8_t)(x >> 20);
		a = addr_from_bytes(x >> 30 & 1 ? AF_INET : AF_INET6, bytes);
		best = -1;
		for (k = 0; k < n; k++) {
			if (prefix_contains(&list[k], &a) && (best == -1 ||
			    list[k].plen > list[best].plen))
				best = k;
		}
		found = prefixes_find(t, &a, &which);
		assert_int_equal(found == NULL ? -1 : *found, best);
		if (found != NULL)
			assert_true(prefix_equal(&which, &list[best]));
	}
	prefixes_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_read_and_written),
		cmocka_unit_test(bytes_decide_equality),
		cmocka_unit_test(order_is_family_then_value),
		cmocka_unit_test(kinds),
		cmocka_unit_test(reverse_names),
		cmocka_unit_test(socket_addresses),
		cmocka_unit_test(prefixes_are_read),
		cmocka_unit_test(prefixes_contain),
		cmocka_unit_test(masks),
		cmocka_unit_test(the_longest_prefix_is_found),
		cmocka_unit_test(tables_agree_with_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
