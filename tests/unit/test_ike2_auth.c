/* test_ike2_auth.c - AUTH payloads: every method, both sides, and all that must not be believed */
#include "config.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oe/ike2/auth.h"
#include "tests/unit/ike2_hex.h"

enum { RSA_KEY, RSA_OTHER, RSA_SHORT, RSA_E3, P256, P384, P521, ED25519, KEYS };

static EVP_PKEY *keys[KEYS];
static struct ike2_keys sa;
static struct ike2_nonce ni = { .len = 32 }, nr = { .len = 32, .p = { 9 } };
static const uint8_t request[] = "the request as it was sent",
    response[] = "the response as it was sent";
static const uint8_t id_i[] = { 2, 0, 0, 0, 'x' }, id_r[] = { 2, 0, 0, 0, 'y' };
static const struct ike2_signed by_i = { &sa, true, request, sizeof(request),
	&nr, id_i, sizeof(id_i) };
static const struct ike2_signed by_r = { &sa, false, response,
	sizeof(response), &ni, id_r, sizeof(id_r) };

static EVP_PKEY *
rsa_with_exponent(unsigned bits, unsigned e)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY     *key = NULL;
	BIGNUM	     *n = BN_new();

	BN_set_word(n, e);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits), 1);
	assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, n), 1);
	assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
	BN_free(n);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static int
make_keys(void **state)
{
	static const struct ike2_suite suite = { .encr = IKE2_ENCR_AES_GCM_16,
		.bits = 256, .prf = IKE2_PRF_HMAC_SHA2_512 };
	static const uint8_t	       secret[32] = { 1 };
	struct ike2_fresh	       f = { &ni, &nr, secret, sizeof(secret) };
	int			       i;

	(void)state;
	keys[RSA_KEY] = EVP_RSA_gen(2048);
	keys[RSA_OTHER] = EVP_RSA_gen(2048);
	keys[RSA_SHORT] = EVP_RSA_gen(1024);
	keys[RSA_E3] = rsa_with_exponent(2048, 3);
	keys[P256] = EVP_EC_gen("P-256");
	keys[P384] = EVP_EC_gen("P-384");
	keys[P521] = EVP_EC_gen("P-521");
	keys[ED25519] = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	for (i = 0; i < KEYS; i++)
		assert_non_null(keys[i]);
	return ike2_keys_make(&sa, &suite, NULL, &f, 1, 2);
}

static int
free_keys(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < KEYS; i++)
		EVP_PKEY_free(keys[i]);
	return 0;
}

/* A peer that says which hashes it takes gets a signature that only the right
 * key, and only over the right octets, verifies. */
static void
signatures(void **state)
{
	static const struct {
		int key;
		bool pkcs1;
		unsigned hashes;
	} cases[] = {
		{ RSA_KEY, false, IKE_SIGN_HASHES },
		{ RSA_KEY, true, IKE_SIGN_HASHES },
		{ RSA_KEY, true, 1u << IKE_SIGN_SHA2_256 },
		{ P256, false, IKE_SIGN_HASHES },
		{ P384, false, IKE_SIGN_HASHES },
		{ P521, false, IKE_SIGN_HASHES },
		{ ED25519, false, IKE_SIGN_HASHES },
	};
	struct ike2_credential c = { 0 };
	struct ike2_signed     other;
	struct ike2_keys       wrong = sa;
	uint8_t		       body[IKE2_AUTH_MAX], *copy;
	size_t		       i, at;
	int		       n, k;

	(void)state;
	wrong.pi[0] ^= 1;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c.key = keys[cases[i].key];
		c.pkcs1 = cases[i].pkcs1;
		c.hashes = cases[i].hashes;
		n = ike2_auth_make(&by_i, &c, body);
		assert_true(n > 4 && n <= IKE2_AUTH_MAX);
		assert_int_equal(ike2_auth_method(body, (size_t)n),
		    IKE2_METHOD_DIGITAL);
		assert_true(ike2_auth_verify_key(&by_i, c.key, false, body,
		    (size_t)n));
		for (k = 0; k < KEYS; k++)
			assert_true(ike2_auth_verify_key(&by_i, keys[k], true,
			    body, (size_t)n) == (k == cases[i].key));
		/* Another side, message, nonce, identity or SK_p. */
		assert_false(ike2_auth_verify_key(&by_r, c.key, true, body,
		    (size_t)n));
		other = by_i;
		other.message_len--;
		assert_false(ike2_auth_verify_key(&other, c.key, true, body,
		    (size_t)n));
		other = by_i;
		other.nonce = &ni;
		assert_false(ike2_auth_verify_key(&other, c.key, true, body,
		    (size_t)n));
		other = by_i;
		other.id = id_r;
		assert_false(ike2_auth_verify_key(&other, c.key, true, body,
		    (size_t)n));
		other = by_i;
		other.keys = &wrong;
		assert_false(ike2_auth_verify_key(&other, c.key, true, body,
		    (size_t)n));
		/* No secret makes it good. */
		assert_false(ike2_auth_verify_null(&by_i, body, (size_t)n));
		/* Each truncation, from memory of its size;
		 * some changed octets. */
		for (at = 0; at < (size_t)n; at++) {
			copy = malloc(at + 1);
			memcpy(copy, body, at);
			assert_false(ike2_auth_verify_key(&by_i, c.key, true,
			    copy, at));
			free(copy);
		}
		for (at = 4; at < (size_t)n; at += at < 80 ? 1 : 7) {
			body[at] ^= 0x10;
			assert_false(ike2_auth_verify_key(&by_i, c.key, true,
			    body, (size_t)n));
			body[at] ^= 0x10;
		}
		/* And one octet more. */
		assert_false(ike2_auth_verify_key(&by_i, c.key, true, body,
		    (size_t)n + 1));
	}
}

/* RFC 7427 §4: what was not announced is not used; without a common hash there
 * is no signature at all, least of all one with SHA-1. */
static void
no_common_hash(void **state)
{
	struct ike2_credential c = { .key = keys[RSA_KEY] };
	uint8_t		       body[IKE2_AUTH_MAX];

	(void)state;
	assert_int_equal(ike2_auth_make(&by_i, &c, body), -1);
	c.hashes = 1u << IKE_SIGN_IDENTITY;
	assert_int_equal(ike2_auth_make(&by_i, &c, body), -1);
	c.key = keys[ED25519];
	c.hashes = 1u << IKE_SIGN_SHA2_256;
	assert_int_equal(ike2_auth_make(&by_i, &c, body), -1);
	c.key = keys[P256];
	assert_true(ike2_auth_make(&by_i, &c, body) > 0);
	assert_int_equal(body[0], IKE2_METHOD_DIGITAL);
}

/* To who says nothing of RFC 7427, ECDSA goes by RFC 4754: r and
 * s of full length. */
static void
peers_without_rfc7427(void **state)
{
	static const struct { int key; uint8_t method; int len; } cases[] = {
		{ P256, IKE2_METHOD_ECDSA_256, 64 },
		{ P384, IKE2_METHOD_ECDSA_384, 96 },
		{ P521, IKE2_METHOD_ECDSA_521, 132 },
	};
	struct ike2_credential c = { 0 };
	uint8_t		       body[IKE2_AUTH_MAX];
	unsigned	       i, round, short_ones = 0;
	int		       k, n;

	(void)state;
	for (i = 0; i < 3; i++) {
		c.key = keys[cases[i].key];
		/* One r or s in 256 is shorter than the group's order. */
		for (round = 0; round < 100 || (short_ones == 0 &&
		    round < 20000); round++) {
			n = ike2_auth_make(&by_i, &c, body);
			assert_int_equal(n, 4 + cases[i].len);
			assert_int_equal(body[0], cases[i].method);
			assert_true(ike2_auth_verify_key(&by_i, c.key, false,
			    body, (size_t)n));
			short_ones += i < 2 && (body[4] == 0 ||
			    body[4 + cases[i].len / 2] == 0);
			if (round > 0)
				continue;
			for (k = 0; k < KEYS; k++)
				assert_true(ike2_auth_verify_key(&by_i, keys[k],
				    true, body, (size_t)n) ==
				    (k == cases[i].key));
			assert_false(ike2_auth_verify_key(&by_r, c.key, true,
			    body, (size_t)n));
		}
	}
	assert_true(short_ones > 0);
	/* No method is left for the other keys: of RSA it would be SHA-1. */
	c.key = keys[RSA_KEY];
	assert_int_equal(ike2_auth_make(&by_i, &c, body), -1);
	c.key = keys[ED25519];
	assert_int_equal(ike2_auth_make(&by_i, &c, body), -1);
}

static void
weak_keys(void **state)
{
	struct ike2_credential c = { .hashes = IKE_SIGN_HASHES };
	uint8_t		       body[IKE2_AUTH_MAX];
	int		       n, k;

	(void)state;
	for (k = RSA_SHORT; k <= RSA_E3; k++) {
		c.key = keys[k];
		c.pkcs1 = true;
		assert_true((n = ike2_auth_make(&by_i, &c, body)) > 0);
		assert_false(ike2_auth_verify_key(&by_i, keys[k], true, body,
		    (size_t)n));
	}
}

/* What by_i's octets are, for signing by hand. */
static size_t
octets(uint8_t *out)
{
	struct ike_chunk id = { id_i, sizeof(id_i) };
	size_t		 n = 0;

	memcpy(out, request, sizeof(request));
	n += sizeof(request);
	memcpy(out + n, nr.p, nr.len);
	n += nr.len;
	assert_int_equal(ike_prf(IKE_SHA2_512, sa.pi, 64, &id, 1, out + n), 0);
	return n + 64;
}

static size_t
sign_by_hand(EVP_PKEY *key, const EVP_MD *md, uint8_t *sig, size_t cap)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t	    text[512];
	size_t	    len = octets(text), n = cap;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, md, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &n, text, len), 1);
	EVP_MD_CTX_free(ctx);
	return n;
}

/* Method 1 is PKCS #1 v1.5 with SHA-1: only where "legacy" says so, and
 * with SHA-1 only. */
static void
method_1_is_legacy(void **state)
{
	uint8_t body[4 + 256] = { IKE2_METHOD_RSA };
	size_t	n;

	(void)state;
	n = sign_by_hand(keys[RSA_KEY], EVP_sha1(), body + 4, 256);
	assert_true(ike2_auth_verify_key(&by_i, keys[RSA_KEY], true, body,
	    4 + n));
	assert_false(ike2_auth_verify_key(&by_i, keys[RSA_KEY], false, body,
	    4 + n));
	assert_false(ike2_auth_verify_key(&by_i, keys[P256], true, body,
	    4 + n));
	assert_false(ike2_auth_verify_key(&by_i, keys[RSA_KEY], true, body,
	    3 + n));
	n = sign_by_hand(keys[RSA_KEY], EVP_sha256(), body + 4, 256);
	assert_false(ike2_auth_verify_key(&by_i, keys[RSA_KEY], true, body,
	    4 + n));
}

/* RFC 4754: r and s side by side, each of the full length; the curve
 * is the method's. */
static void
ecdsa_methods(void **state)
{
	static const struct {
		int key;
		uint8_t method;
		size_t half;
	} cases[] = {
		{ P256, IKE2_METHOD_ECDSA_256, 32 },
		{ P384, IKE2_METHOD_ECDSA_384, 48 },
		{ P521, IKE2_METHOD_ECDSA_521, 66 },
	};
	const uint8_t *p;
	ECDSA_SIG     *pair;
	uint8_t	       der[160], body[4 + 132];
	size_t	       i, n, len;
	unsigned       m;

	(void)state;
	for (i = 0; i < 3; i++) {
		n = sign_by_hand(keys[cases[i].key], i == 0 ? EVP_sha256() :
		    i == 1 ? EVP_sha384() : EVP_sha512(), der, sizeof(der));
		p = der;
		pair = d2i_ECDSA_SIG(NULL, &p, (long)n);
		memset(body, 0, sizeof(body));
		BN_bn2binpad(ECDSA_SIG_get0_r(pair), body + 4,
		    (int)cases[i].half);
		BN_bn2binpad(ECDSA_SIG_get0_s(pair), body + 4 + cases[i].half,
		    (int)cases[i].half);
		ECDSA_SIG_free(pair);
		len = 4 + 2 * cases[i].half;
		for (m = 0; m < 256; m++) {
			body[0] = (uint8_t)m;
			assert_true(ike2_auth_verify_key(&by_i,
			    keys[cases[i].key], true, body, len) ==
			    (m == cases[i].method));
		}
		body[0] = cases[i].method;
		assert_false(ike2_auth_verify_key(&by_i, keys[cases[i].key],
		    true, body, len - 1));
		assert_false(ike2_auth_verify_key(&by_i, keys[(i + 1) % 3 +
		    P256], true, body, len));
		/* The DER form is another method's. */
		memcpy(body + 4, der, n < sizeof(body) - 4 ? n :
		    sizeof(body) - 4);
		assert_false(ike2_auth_verify_key(&by_i, keys[cases[i].key],
		    true, body, 4 + n < sizeof(body) ? 4 + n : sizeof(body)));
		/* Zeros verify nothing (CVE-2022-21449's shape). */
		memset(body + 4, 0, sizeof(body) - 4);
		assert_false(ike2_auth_verify_key(&by_i, keys[cases[i].key],
		    true, body, len));
	}
}

/*
 * The shape of CVE-2026-50721 and its brothers: a MAC or hash that is
 * shorter than it should be is compared as far as it goes, and the empty one
 * is equal to all.
 */
static void
secrets(void **state)
{
	struct ike2_credential c = { .psk = (const uint8_t *)"0123456789abcdef",
		.psk_len = 16 };
	uint8_t		       body[IKE2_AUTH_MAX], null[IKE2_AUTH_MAX];
	size_t		       n, at, null_len;

	(void)state;
	n = (size_t)ike2_auth_make(&by_i, &c, body);
	assert_int_equal(n, 4 + 64);
	assert_true(ike2_auth_verify_psk(&by_i, c.psk, 16, body, n));
	assert_false(ike2_auth_verify_psk(&by_r, c.psk, 16, body, n));
	assert_false(ike2_auth_verify_psk(&by_i, c.psk, 15, body, n));
	assert_false(ike2_auth_verify_psk(&by_i, c.psk, 0, body, n));
	assert_false(ike2_auth_verify_null(&by_i, body, n));
	assert_false(ike2_auth_verify_key(&by_i, keys[RSA_KEY], true, body, n));
	for (at = 0; at < n; at++)
		assert_false(ike2_auth_verify_psk(&by_i, c.psk, 16, body, at));
	assert_false(ike2_auth_verify_psk(&by_i, c.psk, 16, body, n + 1));
	for (at = 4; at < n; at++) {
		body[at] ^= 1;
		assert_false(ike2_auth_verify_psk(&by_i, c.psk, 16, body, n));
		body[at] ^= 1;
	}
	/* RFC 7619 §2.1: each side has a secret of its own. */
	c.psk = NULL;
	null_len = (size_t)ike2_auth_make(&by_i, &c, null);
	assert_int_equal(null[0], IKE2_METHOD_NULL);
	assert_true(ike2_auth_verify_null(&by_i, null, null_len));
	assert_false(ike2_auth_verify_null(&by_r, null, null_len));
	for (at = 0; at < null_len; at++)
		assert_false(ike2_auth_verify_null(&by_i, null, at));
	/* Nobody's secret is taken for a shared one, nor the
	 * other way round. */
	assert_false(ike2_auth_verify_psk(&by_i, sa.pi, 64, null, null_len));
	null[0] = IKE2_METHOD_PSK;
	assert_false(ike2_auth_verify_null(&by_i, null, null_len));
	body[0] = IKE2_METHOD_NULL;
	assert_false(ike2_auth_verify_psk(&by_i, (const uint8_t *)
	    "0123456789abcdef", 16, body, n));
}

/* Signature methods and secrets never stand for each other (a signature of
 * length 0, an unknown method, the reserved ones). */
static void
methods_that_are_none(void **state)
{
	uint8_t	 body[4 + 64] = { 0 };
	unsigned m;
	int	 k;

	(void)state;
	for (m = 0; m < 256; m++) {
		body[0] = (uint8_t)m;
		for (k = 0; k < KEYS; k++) {
			assert_false(ike2_auth_verify_key(&by_i, keys[k], true,
			    body, sizeof(body)));
			assert_false(ike2_auth_verify_key(&by_i, keys[k], true,
			    body, 4));
		}
		assert_false(ike2_auth_verify_psk(&by_i, body, 16, body,
		    sizeof(body)));
		assert_false(ike2_auth_verify_null(&by_i, body, sizeof(body)));
	}
	assert_int_equal(ike2_auth_method(body, 4), 0);
	assert_int_equal(ike2_auth_method(body, 0), 0);
}

static void
hash_sets(void **state)
{
	struct writer w;
	uint8_t	      data[32];

	(void)state;
	writer_init(&w, data, sizeof(data));
	ike2_hashes_write(&w);
	assert_hex(data, w.len, "0002000300040005");
	assert_int_equal(ike2_hashes_read(data, w.len), IKE_SIGN_HASHES);
	/* SHA-1, unknown ones, half a number. */
	assert_int_equal(ike2_hashes_read(data, unhex("0001 ffff 0000 0003 00",
	    data, sizeof(data))), 1u << IKE_SIGN_SHA2_384);
	assert_int_equal(ike2_hashes_read(data, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures),
		cmocka_unit_test(no_common_hash),
		cmocka_unit_test(peers_without_rfc7427),
		cmocka_unit_test(weak_keys),
		cmocka_unit_test(method_1_is_legacy),
		cmocka_unit_test(ecdsa_methods),
		cmocka_unit_test(secrets),
		cmocka_unit_test(methods_that_are_none),
		cmocka_unit_test(hash_sets),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
