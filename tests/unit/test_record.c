/* test_record.c - TXT, KEY and IPSECKEY records, alone and in whole DNS messages */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "oe/record.h"
#include "tests/unit/dns_message.h"

#define OWNER	"10.100.51.198.in-addr.arpa"
#define GATEWAY	"198.51.100.10"
#define BITS	PUBKEY_BITS_MIN

/* cmocka's assertions in a form that says which case failed. */
#define CHECK_INT(what, got, want) do {					\
	long long g_ = (long long)(got), w_ = (long long)(want);	\
	if (g_ != w_)							\
		fail_msg("%s: " #got " is %lld, not %lld", what, g_, w_); \
} while (0)

static struct pubkey
key_of(unsigned seed)
{
	struct pubkey k;

	memset(&k, 0, sizeof(k));
	dns_message_key(&k, BITS, seed);
	return k;
}

/* "PREFIX KEY" with a key of 2048 bits; the caller frees. */
static char *
text_with_key(const char *prefix, unsigned seed)
{
	struct pubkey k = key_of(seed);
	size_t	      n = strlen(prefix), cap = n + 2048;
	char	     *s = xcalloc(1, cap);

	memcpy(s, prefix, n);
	assert_true(pubkey_to_base64(&k, s + n, cap - n) > 0);
	return s;
}

static void
assert_key(const struct pubkey *got, unsigned seed)
{
	struct pubkey want = key_of(seed);

	assert_int_equal(got->len, want.len);
	assert_memory_equal(got->wire, want.wire, want.len);
}

static enum record_kind
txt(struct record *r, const char *s)
{
	return record_txt(r, s, strlen(s), BITS);
}

static void
txt_address_and_name_forms(void **state)
{
	struct record r;
	char	     *s;

	(void)state;
	s = text_with_key("X-IPsec-Server(10)=" GATEWAY " ", 1);
	assert_int_equal(txt(&r, s), 0);
	free(s);
	assert_int_equal(r.precedence, 10);
	assert_int_equal(r.gateway.type, KEYING_ID_IPV4);
	assert_int_equal(r.gateway.addr, inet_addr(GATEWAY));
	assert_key(&r.key, 1);

	/* The key may be absent: then it is looked up (draft -17 §5.2). */
	assert_int_equal(txt(&r, "X-IPsec-Server(0)=" GATEWAY), 0);
	assert_int_equal(r.key.len, 0);
	assert_int_equal(r.precedence, 0);
	assert_int_equal(txt(&r, "X-IPsec-Server(255)=" GATEWAY " \r\n"), 0);
	assert_int_equal(r.precedence, 255);
	assert_int_equal(r.key.len, 0);

	s = text_with_key("X-IPsec-Server(7)=@SG-A.Example. ", 2);
	assert_int_equal(txt(&r, s), 0);
	free(s);
	assert_int_equal(r.gateway.type, KEYING_ID_FQDN);
	assert_string_equal(r.gateway.name, "sg-a.example");
	assert_key(&r.key, 2);

	/* RFC 1464: the attribute's name in any case. */
	assert_int_equal(txt(&r, "x-ipsec-SERVER(1)=@x.lab"), 0);
}

static void
txt_white_space(void **state)
{
	static const char *const gap[] = { " ", "\t", "\n", "\r", "\r\n", "  ",
		" \t \n " };
	struct record r;
	struct pubkey k = key_of(3);
	char	      b64[2048], s[8192];
	size_t	      i, j, n;

	(void)state;
	assert_true(pubkey_to_base64(&k, b64, sizeof(b64)) > 0);
	for (i = 0; i < sizeof(gap) / sizeof(gap[0]); i++) {
		/* Between the fields and, each 40 characters, in the base64. */
		n = (size_t)snprintf(s, sizeof(s), "%sX-IPsec-Server(10)=%s%s%s",
		    gap[i], gap[i], GATEWAY, gap[i]);
		for (j = 0; b64[j] != '\0'; j++) {
			if (j % 40 == 39)
				n += (size_t)snprintf(s + n, sizeof(s) - n, "%s",
				    gap[i]);
			s[n++] = b64[j];
		}
		n += (size_t)snprintf(s + n, sizeof(s) - n, "%s", gap[i]);
		CHECK_INT(gap[i], record_txt(&r, s, n, BITS), 0);
		assert_key(&r.key, 3);
	}
}

static void
txt_of_others_is_passed_over(void **state)
{
	static const char *const other[] = { "", " ", "X", "X-IPsec-Serve",
		"v=spf1 -all", "X-IPsec-Client(10)=192.0.2.1",
		"X-IPsec-Servers(10)=192.0.2.1", "X-IPsec-Server-2(10)=192.0.2.1",
		"my X-IPsec-Server(10)=192.0.2.1" };
	struct record r;
	size_t	      i;

	(void)state;
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		CHECK_INT(other[i], txt(&r, other[i]), RECORD_OTHER);
}

static void
txt_malformed(void **state)
{
	static const char *const bad[] = {
		"X-IPsec-Server", "X-IPsec-Server=192.0.2.1",
		"X-IPsec-Server()=192.0.2.1", "X-IPsec-Server(a)=192.0.2.1",
		"X-IPsec-Server(-1)=192.0.2.1", "X-IPsec-Server(65536)=192.0.2.1",
		"X-IPsec-Server(1 0)=192.0.2.1", "X-IPsec-Server (10) 192.0.2.1",
		"X-IPsec-Server(99999999999999999999)=192.0.2.1",
		"X-IPsec-Server(10", "X-IPsec-Server(10)",
		"X-IPsec-Server(10) 192.0.2.1",
		"X-IPsec-Server(10)=", "X-IPsec-Server(10)= ",
		"X-IPsec-Server(10)=192.0.2", "X-IPsec-Server(10)=192.0.2.256",
		"X-IPsec-Server(10)=192.0.2.1x", "X-IPsec-Server(10)=2001:db8:::1",
		"X-IPsec-Server(10)=@a..b", "X-IPsec-Server(10)=@.a",
		"X-IPsec-Server(10)=@a..",
		"X-IPsec-Server(10)=sg.example", "X-IPsec-Server(10)=@",
		"X-IPsec-Server(10)=@.", "X-IPsec-Server(10)=@a!b",
		"X-IPsec-Server(10)=192.0.2.1 not*base64*",
		"X-IPsec-Server(10)=192.0.2.1 AQAB",	/* no modulus */
	};
	struct record r;
	char	     *s, long_name[400];
	size_t	      i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_INT(bad[i], txt(&r, bad[i]), RECORD_WRONG);

	/* One wrong character anywhere in good base64; padding amid it. */
	s = text_with_key("X-IPsec-Server(10)=" GATEWAY " ", 1);
	for (i = sizeof("X-IPsec-Server(10)=" GATEWAY); s[i + 4] != '\0'; i++) {
		char was = s[i];

		s[i] = '*';
		CHECK_INT("*", txt(&r, s), RECORD_WRONG);
		s[i] = '=';
		CHECK_INT("=", txt(&r, s), RECORD_WRONG);
		s[i] = was;
	}
	free(s);

	/* A NUL does not end an address. */
	assert_int_equal(record_txt(&r, "X-IPsec-Server(1)=192.0.2.1\0zz", 30,
	    BITS), RECORD_WRONG);

	/* RFC 1035 §2.3.4: labels of 63, names of 253 characters. */
	memset(long_name, 'a', sizeof(long_name));
	memcpy(long_name, "X-IPsec-Server(1)=@", 19);
	assert_int_equal(record_txt(&r, long_name, 19 + 63, BITS), RECORD_READ);
	assert_int_equal(record_txt(&r, long_name, 19 + 64, BITS), RECORD_WRONG);
	for (i = 63; i < 253; i += 64)
		long_name[19 + i] = '.';
	assert_int_equal(record_txt(&r, long_name, 19 + 253, BITS), RECORD_READ);
	assert_int_equal(strlen(r.gateway.name), 253);
	assert_int_equal(record_txt(&r, long_name, 19 + 254, BITS), RECORD_WRONG);
}

/* What FreeS/WAN's pluto reads, and RFC 4322 §5.2 does not forbid. */
static void
txt_preferences(void **state)
{
	static const struct {
		const char *text;
		unsigned    want;
	} t[] = {
		{ "X-IPsec-Server(256)=192.0.2.1", 256 },
		{ "X-IPsec-Server(1000)=192.0.2.1", 1000 },
		{ "X-IPsec-Server(65535)=192.0.2.1", 65535 },
		{ "X-IPsec-Server (10) = 192.0.2.1", 10 },
		{ "X-IPsec-Server ( 10 ) =192.0.2.1", 10 },
		{ "X-IPsec-Server\t(00010)\t=\t192.0.2.1", 10 },
	};
	struct record r;
	size_t	      i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CHECK_INT(t[i].text, txt(&r, t[i].text), RECORD_READ);
		CHECK_INT(t[i].text, r.precedence, t[i].want);
		CHECK_INT(t[i].text, r.gateway.addr, inet_addr("192.0.2.1"));
	}
}

/* A key of so many bits: RFC 3110's bytes in base64 after a prefix. */
static char *
text_with_bits(const char *prefix, size_t bits)
{
	uint8_t wire[4 + 4096];
	size_t	n = strlen(prefix), cap = n + 8192;
	char   *s = xcalloc(1, cap);

	assert_true(bits / 8 + 4 <= sizeof(wire));
	memset(wire, 0xa5, sizeof(wire));
	memcpy(wire, "\003\001\000\001", 4);
	memcpy(s, prefix, n);
	assert_true(base64_encode(s + n, cap - n, wire, bits / 8 + 4) > 0);
	return s;
}

/* Well formed and of no use: told apart from what is not to be read. */
static void
txt_unusable(void **state)
{
	static const size_t bits[] = { 8, 512, 1024, 8200, 16384, 32768 };
	struct record_answer a;
	struct dns_message   m;
	struct record	     r;
	char		    *s;
	size_t		     i;

	(void)state;
	assert_int_equal(txt(&r, "X-IPsec-Server(10)=2001:db8::1"),
	    RECORD_USELESS);
	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		s = text_with_bits("X-IPsec-Server(10)=" GATEWAY " ", bits[i]);
		CHECK_INT(s, bits[i] > 24000 ? RECORD_USELESS : txt(&r, s),
		    RECORD_USELESS);
		/* In a message: alone it says so, beside a good one it is
		 * passed over, beside a malformed one it is what was there. */
		dns_message_init(&m, OWNER, RECORD_TYPE_TXT, DNS_FLAG_AD);
		dns_message_txt(&m, NULL, 60, s, 255);
		record_parse(&a, m.buf, m.w.len, OWNER, RECORD_TYPE_TXT, BITS);
		CHECK_INT(s, a.status, RECORD_UNUSABLE);
		CHECK_INT(s, a.ttl, 60);
		CHECK_INT(s, a.n, 0);
		dns_message_txt(&m, NULL, 60, "X-IPsec-Server(x)=", 255);
		record_parse(&a, m.buf, m.w.len, OWNER, RECORD_TYPE_TXT, BITS);
		CHECK_INT(s, a.status, RECORD_UNUSABLE);
		dns_message_txt(&m, NULL, 60, "X-IPsec-Server(9)=@x.lab", 255);
		record_parse(&a, m.buf, m.w.len, OWNER, RECORD_TYPE_TXT, BITS);
		CHECK_INT(s, a.status, RECORD_FOUND);
		CHECK_INT(s, a.n, 1);
		free(s);
	}
}

static void
txt_key_below_the_floor(void **state)
{
	struct record r;
	char	     *s;

	(void)state;
	s = text_with_key("X-IPsec-Server(10)=" GATEWAY " ", 1);
	assert_int_equal(record_txt(&r, s, strlen(s), BITS), 0);
	assert_int_equal(record_txt(&r, s, strlen(s), BITS + 1), RECORD_USELESS);
	free(s);
}

/* KEY data: flags, protocol, algorithm as RFC 2535 §3.1 has them. */
static void
key_fields(void **state)
{
	static const struct {
		const char *what;
		uint16_t    flags;
		uint8_t	    protocol, algorithm;
		int	    want;
	} t[] = {
		{ "the draft's example", 0x4200, 4, 1, 0 },
		{ "RSA/SHA-1", 0x4200, 4, 5, 0 },
		{ "any protocol", 0x0200, 255, 1, 0 },
		{ "a user's key", 0x0000, 4, 1, 0 },
		{ "not for authentication", 0x8200, 4, 1, 1 },
		{ "no key at all", 0xc200, 4, 1, 1 },
		{ "a zone's key", 0x0100, 4, 1, 1 },
		{ "DNSSEC's", 0x0200, 3, 1, 1 },
		{ "TLS's", 0x0200, 1, 1, 1 },
		{ "Diffie-Hellman", 0x0200, 4, 2, RECORD_USELESS },
		{ "DSA", 0x0200, 4, 3, RECORD_USELESS },
	};
	struct record r;
	struct pubkey k = key_of(4);
	uint8_t	      data[2048], extended[2048];
	size_t	      i, n;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		n = dns_message_key_data(data, t[i].flags, t[i].protocol,
		    t[i].algorithm, &k);
		CHECK_INT(t[i].what, record_key(&r, data, n, BITS), t[i].want);
		if (t[i].want == 0)
			assert_key(&r.key, 4);
	}
	/* RFC 2535 §3.1.1: bit 3 says that two more bytes of flags follow. */
	n = dns_message_key_data(data, 0x5200, 4, 1, &k);
	memcpy(extended, data, 4);
	extended[4] = extended[5] = 0;
	memcpy(extended + 6, data + 4, n - 4);
	assert_int_equal(record_key(&r, extended, n + 2, BITS), 0);
	assert_key(&r.key, 4);

	/* Cut anywhere it is malformed, or a key too small; never read past its
	 * end. */
	n = dns_message_key_data(data, 0x4200, 4, 1, &k);
	for (i = 0; i < n; i++) {
		uint8_t *cut = xcalloc(1, i + 1);

		memcpy(cut, data, i);
		CHECK_INT("cut", record_key(&r, cut, i, BITS),
		    i > 8 && (data[i - 1] & 1) ? RECORD_USELESS : RECORD_WRONG);
		free(cut);
	}
}

/* RFC 3110 §2: the exponent's length in one byte, or in three. */
static void
key_exponent_forms(void **state)
{
	static const struct {
		const char *what;
		size_t	    n;
		uint8_t	    head[16];
		int	    want;
	} t[] = {
		{ "one byte, 3", 2, { 1, 3 }, 0 },
		{ "one byte, 65537", 4, { 3, 1, 0, 1 }, 0 },
		{ "three bytes, 65537", 6, { 0, 0, 3, 1, 0, 1 }, 0 },
		{ "three bytes, 3", 4, { 0, 0, 1, 3 }, 0 },
		{ "eight bytes", 9, { 8, 1, 0, 0, 0, 0, 0, 0, 1 }, 0 },
		{ "nine bytes", 10, { 9, 1, 0, 0, 0, 0, 0, 0, 0, 1 },
		    RECORD_USELESS },
		{ "length 0", 3, { 0, 0, 0 }, RECORD_WRONG },
		{ "longer than the record", 3, { 0, 0xff, 0xff }, RECORD_WRONG },
		{ "exponent 1", 2, { 1, 1 }, RECORD_WRONG },
		{ "even exponent", 2, { 1, 4 }, RECORD_WRONG },
		{ "leading zero", 3, { 2, 0, 3 }, RECORD_WRONG },
	};
	struct record r;
	struct pubkey k = key_of(5), wire;
	uint8_t	      data[2048];
	size_t	      i, n = k.len - 4;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(&wire, 0, sizeof(wire));
		memcpy(wire.wire, t[i].head, t[i].n);
		memcpy(wire.wire + t[i].n, k.wire + 4, n);
		wire.len = t[i].n + n;
		CHECK_INT(t[i].what, record_key(&r, data, dns_message_key_data(
		    data, 0x4200, 4, 1, &wire), BITS), t[i].want);
		if (t[i].want == 0) {
			CHECK_INT(t[i].what, pubkey_bits(&r.key), BITS);
		}
	}
}

static size_t
ipseckey(uint8_t *out, uint8_t precedence, uint8_t type, uint8_t algorithm,
    const void *gateway, size_t glen, const struct pubkey *k)
{
	out[0] = precedence;
	out[1] = type;
	out[2] = algorithm;
	memcpy(out + 3, gateway, glen);
	if (k == NULL)
		return 3 + glen;
	memcpy(out + 3 + glen, k->wire, k->len);
	return 3 + glen + k->len;
}

/* RFC 4025 §2.3, §2.5: gateway types 0 to 3. */
static void
ipseckey_gateways(void **state)
{
	static const uint8_t v4[] = { 198, 51, 100, 10 };
	static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	static const uint8_t name[] = "\002SG\003lab";	/* with its final 0 */
	static const uint8_t pointer[] = { 0xc0, 0x0c };
	static const uint8_t root[] = { 0 };
	struct record r;
	struct pubkey k = key_of(6);
	uint8_t	      d[2048];
	size_t	      i, n;

	(void)state;
	n = ipseckey(d, 3, 0, 2, "", 0, &k);
	assert_int_equal(record_ipseckey(&r, d, n, BITS), 0);
	assert_int_equal(r.precedence, 3);
	assert_int_equal(r.gateway.type, 0);
	assert_key(&r.key, 6);

	n = ipseckey(d, 200, 1, 2, v4, sizeof(v4), &k);
	assert_int_equal(record_ipseckey(&r, d, n, BITS), 0);
	assert_int_equal(r.precedence, 200);
	assert_int_equal(r.gateway.type, KEYING_ID_IPV4);
	assert_int_equal(r.gateway.addr, inet_addr(GATEWAY));
	assert_key(&r.key, 6);

	n = ipseckey(d, 1, 2, 2, v6, sizeof(v6), &k);
	assert_int_equal(record_ipseckey(&r, d, n, BITS), RECORD_USELESS);

	n = ipseckey(d, 1, 3, 2, name, sizeof(name), &k);
	assert_int_equal(record_ipseckey(&r, d, n, BITS), 0);
	assert_int_equal(r.gateway.type, KEYING_ID_FQDN);
	assert_string_equal(r.gateway.name, "sg.lab");
	assert_key(&r.key, 6);
	for (i = 0; i < n; i++) {
		uint8_t *cut = xcalloc(1, i + 1);

		memcpy(cut, d, i);
		CHECK_INT("cut", record_ipseckey(&r, cut, i, BITS),
		    i > 15 && (d[i - 1] & 1) ? RECORD_USELESS : RECORD_WRONG);
		free(cut);
	}

	/* No compression there, no root, no type beyond 3. */
	n = ipseckey(d, 1, 3, 2, pointer, sizeof(pointer), &k);
	assert_int_equal(record_ipseckey(&r, d, n, BITS), RECORD_WRONG);
	n = ipseckey(d, 1, 3, 2, root, sizeof(root), &k);
	assert_int_equal(record_ipseckey(&r, d, n, BITS), RECORD_WRONG);
	n = ipseckey(d, 1, 4, 2, "", 0, &k);
	assert_int_equal(record_ipseckey(&r, d, n, BITS), RECORD_USELESS);

	/* Algorithm 0: no key here; 1 (DSA) and 3: not ours. */
	n = ipseckey(d, 1, 1, 0, v4, sizeof(v4), NULL);
	assert_int_equal(record_ipseckey(&r, d, n, BITS), 0);
	assert_int_equal(r.key.len, 0);
	n = ipseckey(d, 1, 1, 1, v4, sizeof(v4), &k);
	assert_int_equal(record_ipseckey(&r, d, n, BITS), RECORD_USELESS);
}

static void
parse(struct record_answer *a, const struct dns_message *m, uint16_t type)
{
	assert_false(m->w.bad);
	memset(a, 0xa5, sizeof(*a));
	record_parse(a, m->buf, m->w.len, OWNER, type, BITS);
}

/* Long TXT in several strings, cut at any place (draft -17 §5.2.1), beside
 * records of others; strongest precedence first; AD and TTL as they came. */
static void
message_txt(void **state)
{
	struct record_answer a;
	struct dns_message   m;
	char		    *s10, *s5, *s20;
	size_t		     chunk;

	(void)state;
	s10 = text_with_key("X-IPsec-Server(10)=" GATEWAY " ", 1);
	s5 = text_with_key("X-IPsec-Server(5)=192.0.2.1 ", 2);
	s20 = text_with_key("X-IPsec-Server(20)=@sg.lab ", 3);
	for (chunk = 1; chunk <= 255; chunk++) {
		dns_message_init(&m, OWNER, RECORD_TYPE_TXT, DNS_FLAG_AD);
		dns_message_txt(&m, NULL, 3600, s10, chunk);
		dns_message_txt(&m, NULL, 3600, "v=spf1 -all", 255);
		dns_message_txt(&m, OWNER, 1800, s5, chunk);
		dns_message_txt(&m, "10.100.51.198.IN-ADDR.arpa", 7200, s20, chunk);
		dns_message_txt(&m, "other.lab", 1, s20, 255);
		parse(&a, &m, RECORD_TYPE_TXT);
		assert_int_equal(a.status, RECORD_FOUND);
		assert_true(a.authentic);
		assert_int_equal(a.ttl, 1800);
		assert_int_equal(a.n, 3);
		assert_int_equal(a.r[0].precedence, 5);
		assert_key(&a.r[0].key, 2);
		assert_int_equal(a.r[1].precedence, 10);
		assert_key(&a.r[1].key, 1);
		assert_int_equal(a.r[2].precedence, 20);
		assert_key(&a.r[2].key, 3);
	}
	free(s5);
	free(s20);

	/* Without AD; nothing but ours counts for the TTL. */
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	dns_message_txt(&m, NULL, 7, "v=spf1 -all", 255);
	dns_message_txt(&m, NULL, 60, s10, 255);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FOUND);
	assert_false(a.authentic);
	assert_int_equal(a.ttl, 60);

	/* A malformed one beside a good one is only passed over ... */
	dns_message_txt(&m, NULL, 60, "X-IPsec-Server(1)=x", 255);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FOUND);
	assert_int_equal(a.n, 1);
	free(s10);

	/* ... and alone it is told apart from none (draft -17 §3.2.4). */
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, DNS_FLAG_AD);
	dns_message_txt(&m, NULL, 60, "X-IPsec-Server(1)=x", 255);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_MALFORMED);
	assert_int_equal(a.ttl, 60);
	assert_int_equal(a.n, 0);
}

/* More records than we keep: the strongest of those seen stay in order. */
static void
message_many_records(void **state)
{
	struct record_answer a;
	struct dns_message   m;
	char		     text[64];
	unsigned	     i;

	(void)state;
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "X-IPsec-Server(%u)=192.0.2.%u",
		    (i * 7) % 100, i);
		dns_message_txt(&m, NULL, 60, text, 255);
	}
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FOUND);
	assert_int_equal(a.n, RECORD_MAX);
	for (i = 1; i < a.n; i++)
		assert_true(a.r[i - 1].precedence <= a.r[i].precedence);
	/* A hundred answers cannot hide the strongest from us. */
	assert_int_equal(a.r[0].precedence, 0);
	assert_int_equal(a.r[RECORD_MAX - 1].precedence, RECORD_MAX - 1);
}

/* RFC 2317 reverse zones: the name is a CNAME into the holder's zone. */
static void
message_cname(void **state)
{
	struct record_answer a;
	struct dns_message   m;
	char		    *s, from[64], to[64];
	unsigned	     i;

	(void)state;
	s = text_with_key("X-IPsec-Server(10)=" GATEWAY " ", 1);
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, DNS_FLAG_AD);
	/* The order of the answer does not matter. */
	dns_message_txt(&m, "y1.keys.lab", 600, s, 255);
	dns_message_cname(&m, "10.rev.lab", 300, "Y1.keys.lab");
	dns_message_cname(&m, NULL, 900, "10.rev.lab");
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FOUND);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.ttl, 300);

	/* It leads nowhere, in a circle, or too far. */
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	dns_message_cname(&m, NULL, 900, "nobody.lab");
	dns_message_txt(&m, "y1.keys.lab", 600, s, 255);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_NONE);

	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	dns_message_cname(&m, NULL, 900, "b.lab");
	dns_message_cname(&m, "b.lab", 900, OWNER);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_NONE);

	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	dns_message_cname(&m, NULL, 900, "c0.lab");
	for (i = 0; i < 100; i++) {
		snprintf(from, sizeof(from), "c%u.lab", i);
		snprintf(to, sizeof(to), "c%u.lab", i + 1);
		dns_message_cname(&m, from, 900, to);
	}
	dns_message_txt(&m, to, 600, s, 255);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_NONE);
	free(s);
}

/* RFC 2308 §5: a negative answer is held for the SOA's MINIMUM, or its TTL
 * where that is less. */
static void
message_negative(void **state)
{
	struct record_answer a;
	struct dns_message   m;
	unsigned	     rcode;

	(void)state;
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT,
	    DNS_FLAG_AD | DNS_RCODE(3));
	dns_message_soa(&m, "100.51.198.in-addr.arpa", 3600, 120);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_NONE);
	assert_true(a.authentic);
	assert_int_equal(a.ttl, 120);

	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	dns_message_soa(&m, "100.51.198.in-addr.arpa", 30, 120);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_NONE);
	assert_int_equal(a.ttl, 30);

	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_NONE);
	assert_int_equal(a.ttl, RECORD_NEGATIVE_TTL);

	for (rcode = 1; rcode < 16; rcode++) {
		if (rcode == 3)
			continue;
		dns_message_init(&m, OWNER, RECORD_TYPE_TXT,
		    (uint16_t)DNS_RCODE(rcode));
		parse(&a, &m, RECORD_TYPE_TXT);
		assert_int_equal(a.status, RECORD_FAILED);
		assert_int_equal(a.n, 0);
	}

	/* RFC 2181 §8: a TTL with the top bit is zero. */
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	dns_message_txt(&m, NULL, 0x80000001, "X-IPsec-Server(1)=@x.lab", 255);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FOUND);
	assert_int_equal(a.ttl, 0);
}

/* Several KEY records at a name: all are to be tried (draft -17 §5.1, §6.4). */
static void
message_key_rollover(void **state)
{
	struct record_answer a;
	struct dns_message   m;
	struct pubkey	     k;
	uint8_t		     data[2048];
	unsigned	     i;

	(void)state;
	dns_message_init(&m, OWNER, RECORD_TYPE_KEY, 0);
	for (i = 0; i < 3; i++) {
		k = key_of(i);
		dns_message_answer(&m, NULL, RECORD_TYPE_KEY, 100, data,
		    dns_message_key_data(data, 0x4200, 4, 1, &k));
	}
	k = key_of(9);
	dns_message_answer(&m, NULL, RECORD_TYPE_KEY, 100, data,
	    dns_message_key_data(data, 0x0100, 3, 5, &k));
	parse(&a, &m, RECORD_TYPE_KEY);
	assert_int_equal(a.status, RECORD_FOUND);
	assert_int_equal(a.n, 3);
	for (i = 0; i < 3; i++)
		assert_key(&a.r[i].key, i);
	/* Asked for another type they are not there. */
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_NONE);
}

/* Everything in one: what the next two tests cut and change. */
static void
build_rich(struct dns_message *m, uint16_t type)
{
	struct pubkey k = key_of(1);
	uint8_t	      data[2048];
	char	     *s;

	dns_message_init(m, OWNER, type, DNS_FLAG_AD);
	dns_message_cname(m, NULL, 900, "10.rev.lab");
	s = text_with_key("X-IPsec-Server(10)=" GATEWAY " ", 1);
	dns_message_txt(m, "10.rev.lab", 600, s, 100);
	free(s);
	dns_message_txt(m, "10.rev.lab", 600, "X-IPsec-Server(5)=@sg.lab", 255);
	dns_message_answer(m, "10.rev.lab", RECORD_TYPE_KEY, 500, data,
	    dns_message_key_data(data, 0x4200, 4, 1, &k));
	dns_message_answer(m, "10.rev.lab", RECORD_TYPE_IPSECKEY, 500, data,
	    ipseckey(data, 4, 3, 2, "\002sg\003lab", 8, &k));
	dns_message_soa(m, "lab", 3600, 120);
}

static void
assert_sane(const struct record_answer *a)
{
	unsigned i;

	assert_true(a->n <= RECORD_MAX);
	assert_int_equal(a->status == RECORD_FOUND, a->n > 0);
	/* Never "for ever": it would outlive every correction. */
	assert_true(a->ttl <= INT32_MAX);
	for (i = 0; i < a->n; i++) {
		assert_true(a->r[i].key.len == 0 ||
		    pubkey_bits(&a->r[i].key) >= BITS);
		assert_non_null(memchr(a->r[i].gateway.name, '\0',
		    sizeof(a->r[i].gateway.name)));
		assert_true(i == 0 ||
		    a->r[i - 1].precedence <= a->r[i].precedence);
	}
}

static void
message_cut_anywhere(void **state)
{
	static const uint16_t types[] = { RECORD_TYPE_TXT, RECORD_TYPE_KEY,
		RECORD_TYPE_IPSECKEY };
	struct record_answer a;
	struct dns_message   m;
	uint8_t		    *cut;
	size_t		     t, n, answers_end;

	(void)state;
	for (t = 0; t < 3; t++) {
		build_rich(&m, types[t]);
		/* The authority is the last thing: 3 + 2 + ... bytes of SOA. */
		answers_end = m.w.len - (5 + 10 + 8 + 10 + 20);
		for (n = 0; n <= m.w.len; n++) {
			cut = xcalloc(1, n + 1);
			memcpy(cut, m.buf, n);
			/* One byte less is allocated than a read past n needs. */
			cut = xrealloc(cut, n > 0 ? n : 1, 1);
			record_parse(&a, cut, n, OWNER, types[t], BITS);
			free(cut);
			assert_sane(&a);
			CHECK_INT("cut", a.status, n >= answers_end ?
			    RECORD_FOUND : RECORD_FAILED);
		}
	}
}

static void
message_every_byte_changed(void **state)
{
	static const uint16_t types[] = { RECORD_TYPE_TXT, RECORD_TYPE_KEY,
		RECORD_TYPE_IPSECKEY };
	static const uint8_t  flips[] = { 0x01, 0x80, 0xff, 0xc0, 0x3f };
	struct record_answer  a;
	struct dns_message    m;
	uint8_t		     *copy;
	size_t		      t, i, f;

	(void)state;
	for (t = 0; t < 3; t++) {
		build_rich(&m, types[t]);
		copy = xcalloc(1, m.w.len);
		for (i = 0; i < m.w.len; i++) {
			for (f = 0; f < sizeof(flips); f++) {
				memcpy(copy, m.buf, m.w.len);
				copy[i] ^= flips[f];
				record_parse(&a, copy, m.w.len, OWNER, types[t],
				    BITS);
				assert_sane(&a);
			}
		}
		free(copy);
	}
}

/* A name whose pointers go round, and one that is too long. */
static void
message_hostile_names(void **state)
{
	struct record_answer a;
	struct dns_message   m;
	size_t		     at;
	unsigned	     i;

	(void)state;
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	at = m.w.len;
	writer_patch_u16(&m.w, 6, 1);
	writer_u16(&m.w, (uint16_t)(0xc000 | at));
	writer_u16(&m.w, RECORD_TYPE_TXT);
	writer_u16(&m.w, 1);
	writer_u32(&m.w, 60);
	writer_u16(&m.w, 0);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FAILED);

	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	writer_patch_u16(&m.w, 6, 1);
	for (i = 0; i < 10; i++) {
		writer_u8(&m.w, 63);
		writer_put(&m.w, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaaaaaaaaa", 63);
	}
	writer_u8(&m.w, 0);
	writer_u16(&m.w, RECORD_TYPE_TXT);
	writer_u16(&m.w, 1);
	writer_u32(&m.w, 60);
	writer_u16(&m.w, 0);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FAILED);

	/* A query is no answer. */
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	dns_message_txt(&m, NULL, 60, "X-IPsec-Server(1)=@x.lab", 255);
	m.buf[2] &= 0x7f;
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FAILED);
}

static void
reverse_names(void **state)
{
	char name[RECORD_REVERSE_LEN];

	(void)state;
	record_reverse_name(inet_addr("198.51.100.1"), name);
	assert_string_equal(name, "1.100.51.198.in-addr.arpa");
	record_reverse_name(inet_addr("255.255.255.255"), name);
	assert_string_equal(name, "255.255.255.255.in-addr.arpa");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(txt_address_and_name_forms),
		cmocka_unit_test(txt_white_space),
		cmocka_unit_test(txt_of_others_is_passed_over),
		cmocka_unit_test(txt_malformed),
		cmocka_unit_test(txt_preferences),
		cmocka_unit_test(txt_unusable),
		cmocka_unit_test(txt_key_below_the_floor),
		cmocka_unit_test(key_fields),
		cmocka_unit_test(key_exponent_forms),
		cmocka_unit_test(ipseckey_gateways),
		cmocka_unit_test(message_txt),
		cmocka_unit_test(message_many_records),
		cmocka_unit_test(message_cname),
		cmocka_unit_test(message_negative),
		cmocka_unit_test(message_key_rollover),
		cmocka_unit_test(message_cut_anywhere),
		cmocka_unit_test(message_every_byte_changed),
		cmocka_unit_test(message_hostile_names),
		cmocka_unit_test(reverse_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
