/* test_record.c - TXT, KEY and IPSECKEY records, each alone */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>

#include "base/util.h"
#include "oe/record.h"
#include "tests/unit/dns_message.h"
#include "tests/unit/record_keys.h"

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
	assert_int_equal(r.gateway.type, KEYING_ID_ADDR);
	assert_int_equal(addr_v4(&r.gateway.addr), inet_addr(GATEWAY));
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
		n = (size_t)snprintf(s, sizeof(s),
		    "%sX-IPsec-Server(10)=%s%s%s", gap[i], gap[i], GATEWAY,
		    gap[i]);
		for (j = 0; b64[j] != '\0'; j++) {
			if (j % 40 == 39)
				n += (size_t)snprintf(s + n, sizeof(s) - n,
				    "%s", gap[i]);
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
		"X-IPsec-Servers(10)=192.0.2.1",
		    "X-IPsec-Server-2(10)=192.0.2.1",
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
		"X-IPsec-Server(-1)=192.0.2.1",
		    "X-IPsec-Server(65536)=192.0.2.1",
		"X-IPsec-Server(1 0)=192.0.2.1",
		    "X-IPsec-Server (10) 192.0.2.1",
		"X-IPsec-Server(99999999999999999999)=192.0.2.1",
		"X-IPsec-Server(10", "X-IPsec-Server(10)",
		"X-IPsec-Server(10) 192.0.2.1",
		"X-IPsec-Server(10)=", "X-IPsec-Server(10)= ",
		"X-IPsec-Server(10)=192.0.2", "X-IPsec-Server(10)=192.0.2.256",
		"X-IPsec-Server(10)=192.0.2.1x",
		    "X-IPsec-Server(10)=2001:db8:::1",
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
	assert_int_equal(record_txt(&r, long_name, 19 + 64, BITS),
	    RECORD_WRONG);
	for (i = 63; i < 253; i += 64)
		long_name[19 + i] = '.';
	assert_int_equal(record_txt(&r, long_name, 19 + 253, BITS),
	    RECORD_READ);
	assert_int_equal(strlen(r.gateway.name), 253);
	assert_int_equal(record_txt(&r, long_name, 19 + 254, BITS),
	    RECORD_WRONG);
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
		CHECK_INT(t[i].text, addr_v4(&r.gateway.addr),
		    inet_addr("192.0.2.1"));
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
	assert_int_equal(record_txt(&r, s, strlen(s), BITS + 1),
	    RECORD_USELESS);
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
		{ "longer than the record", 3, { 0, 0xff, 0xff },
		    RECORD_WRONG },
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
	assert_int_equal(r.gateway.type, KEYING_ID_ADDR);
	assert_int_equal(addr_v4(&r.gateway.addr), inet_addr(GATEWAY));
	assert_key(&r.key, 6);

	n = ipseckey(d, 1, 2, 2, v6, sizeof(v6), &k);
	assert_int_equal(record_ipseckey(&r, d, n, BITS), RECORD_READ);
	assert_int_equal(r.gateway.type, KEYING_ID_ADDR);
	assert_string_equal(ADDR_TEXT(&r.gateway.addr), "2001:db8::");
	assert_key(&r.key, 6);
	assert_int_equal(record_ipseckey(&r, d, 18, BITS), RECORD_WRONG);

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

	/* Algorithm 0: no key here; 1 (DSA) and what comes later: not ours. */
	n = ipseckey(d, 1, 1, 0, v4, sizeof(v4), NULL);
	assert_int_equal(record_ipseckey(&r, d, n, BITS), 0);
	assert_int_equal(r.key.len, 0);
	n = ipseckey(d, 1, 1, 1, v4, sizeof(v4), &k);
	assert_int_equal(record_ipseckey(&r, d, n, BITS), RECORD_USELESS);
}

/* Algorithms 3 and 4 (RFC 6605 §4's and RFC 8080 §3's bytes),
 * and what is none. */
static void
ipseckey_of_curves(void **state)
{
	static const struct {
		const char     *what;
		uint8_t		algorithm;
		enum pubkey_type type;
		unsigned	bits, cut;
		bool		flip;
		enum record_kind want;
	} t[] = {
		{ "P-256", 3, PUBKEY_ECDSA, 256, 0, false, RECORD_READ },
		{ "P-384", 3, PUBKEY_ECDSA, 384, 0, false, RECORD_READ },
		{ "P-384, cut", 3, PUBKEY_ECDSA, 384, 1, false, RECORD_WRONG },
		{ "P-256, cut", 3, PUBKEY_ECDSA, 256, 1, false, RECORD_WRONG },
		{ "P-256, x alone", 3, PUBKEY_ECDSA, 256, 32, false,
		    RECORD_WRONG },
		{ "beside the curve", 3, PUBKEY_ECDSA, 256, 0, true,
		    RECORD_WRONG },
		{ "Ed25519", 4, PUBKEY_ED25519, 256, 0, false, RECORD_READ },
		{ "Ed25519, cut", 4, PUBKEY_ED25519, 256, 1, false,
		    RECORD_WRONG },
		{ "an empty key", 4, PUBKEY_ED25519, 256, 32, false,
		    RECORD_WRONG },
		{ "ECDSA's point as Ed25519", 4, PUBKEY_ECDSA, 256, 0, false,
		    RECORD_WRONG },
		{ "Ed25519 as RSA", 2, PUBKEY_ED25519, 256, 0, false,
		    RECORD_WRONG },
		{ "of a later standard", 5, PUBKEY_ECDSA, 256, 0, false,
		    RECORD_USELESS },
	};
	static const uint8_t v4[] = { 198, 51, 100, 10 };
	struct record r;
	struct pubkey k;
	EVP_PKEY     *pkey;
	uint8_t	      d[256], ed448[57] = { 1 };
	size_t	      i, n;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		pkey = t[i].type == PUBKEY_ECDSA ? EVP_EC_gen(t[i].bits == 256 ?
		    "P-256" : "P-384") :
		    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		assert_int_equal(pubkey_from_evp(&k, pkey), 0);
		EVP_PKEY_free(pkey);
		k.wire[5] ^= t[i].flip;
		/* Random bytes may look like a short key of RSA: an exponent
		 * longer than what there is does not (RFC 3110 §2). */
		if (t[i].algorithm == 2)
			k.wire[0] = 0xff;
		n = ipseckey(d, 7, 1, t[i].algorithm, v4, sizeof(v4), &k);
		CHECK_INT(t[i].what, record_ipseckey(&r, d, n - t[i].cut, BITS),
		    t[i].want);
		if (t[i].want == RECORD_READ && !pubkey_equal(&r.key, &k))
			fail_msg("%s: another key", t[i].what);
		if (t[i].want != RECORD_READ)
			CHECK_INT(t[i].what, r.key.len, 0);
	}
	/* Ed448 is a key, but not one that we can use. */
	n = ipseckey(d, 7, 1, 4, v4, sizeof(v4), NULL);
	memcpy(d + n, ed448, sizeof(ed448));
	assert_int_equal(record_ipseckey(&r, d, n + sizeof(ed448), BITS),
	    RECORD_USELESS);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
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
		cmocka_unit_test(ipseckey_of_curves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
