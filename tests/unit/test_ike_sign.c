/* test_ike_sign.c - IKEv2's signatures: RFC 7427's identifiers, RFC 4754's and RFC 8032's answers, and what must not verify */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oe/ike/sign.h"

#define SET(hash)	(1u << (hash))

static EVP_PKEY *rsa, *p256, *p384, *p521, *ed25519;
static const struct ike_chunk abc[2] = { { "a", 1 }, { "bc", 2 } };

static size_t
unhex(const char *s, uint8_t *out, size_t cap)
{
	size_t	 n = 0;
	unsigned v;

	for (; *s != '\0'; s += 2) {
		assert_true(n < cap);
		assert_int_equal(sscanf(s, "%2x", &v), 1);
		out[n++] = (uint8_t)v;
	}
	return n;
}

/* A public key of a curve from its point. */
static EVP_PKEY *
public_key(const char *curve, const char *x, const char *y)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY     *key = NULL;
	uint8_t	      point[1 + 2 * 66];
	size_t	      n = 1;
	char	      name[16];
	OSSL_PARAM    params[3];

	point[0] = 4;
	n += unhex(x, point + n, sizeof(point) - n);
	n += unhex(y, point + n, sizeof(point) - n);
	snprintf(name, sizeof(name), "%s", curve);
	params[0] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
	    point, n);
	params[2] = OSSL_PARAM_construct_end();
	assert_non_null(ctx);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY,
	    params), 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static int
make_keys(void **state)
{
	(void)state;
	rsa = EVP_RSA_gen(2048);
	p256 = EVP_EC_gen("P-256");
	p384 = EVP_EC_gen("P-384");
	p521 = EVP_EC_gen("P-521");
	ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return rsa == NULL || p256 == NULL || p384 == NULL || p521 == NULL ||
	    ed25519 == NULL;
}

static int
free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(p256);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(p521);
	EVP_PKEY_free(ed25519);
	return 0;
}

#define PSS_256	"304106092a864886f70d01010a3034a00f300d0609608648016503040201" \
	"0500a11c301a06092a864886f70d010108300d0609608648016503040201" \
	"0500a203020120"
/* RFC 7427 A.4.3: the same, with the default trailerField written out. */
#define PSS_256_TRAILER	"304606092a864886f70d01010a3039a00f300d06096086480165" \
	"030402010500a11c301a06092a864886f70d010108300d06096086480165" \
	"030402010500a203020120a303020101"

/* RFC 7427 A.1, A.3, A.4.3; RFC 8420 A.1. */
static void
identifiers_are_the_rfcs(void **state)
{
	const struct {
		EVP_PKEY   *key;
		unsigned    hashes;
		bool	    pss;
		const char *id;
	} v[] = {
		{ rsa, SET(2), false, "300d06092a864886f70d01010b0500" },
		{ rsa, SET(2) | SET(3), false,
		    "300d06092a864886f70d01010c0500" },
		{ rsa, IKE_SIGN_HASHES, false,
		    "300d06092a864886f70d01010d0500" },
		{ rsa, SET(2), true, PSS_256 },
		{ p256, IKE_SIGN_HASHES, true, "300a06082a8648ce3d040302" },
		{ p384, IKE_SIGN_HASHES, false, "300a06082a8648ce3d040303" },
		{ p521, IKE_SIGN_HASHES, false, "300a06082a8648ce3d040304" },
		/* What they have in common is not what suits the curve. */
		{ p384, SET(2), false, "300a06082a8648ce3d040302" },
		{ p256, SET(4), false, "300a06082a8648ce3d040304" },
		{ ed25519, SET(5), false, "300506032b6570" },
	};
	uint8_t out[IKE_DIGITAL_MAX], id[256];
	size_t	i, len;
	int	n;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		n = ike_sign_digital(v[i].key, v[i].hashes, v[i].pss, abc, 2,
		    out);
		len = unhex(v[i].id, id, sizeof(id));
		assert_true(n > (int)len);
		assert_int_equal(out[0], len);
		assert_memory_equal(out + 1, id, len);
		assert_true(ike_verify_digital(v[i].key, v[i].hashes, abc, 2,
		    out, (size_t)n));
		/* The same octets, cut elsewhere. */
		assert_true(ike_verify_digital(v[i].key, v[i].hashes,
		    &(struct ike_chunk){ "abc", 3 }, 1, out, (size_t)n));
	}
	/* No hash in common. */
	assert_int_equal(ike_sign_digital(rsa, SET(5), true, abc, 2, out), -1);
	assert_int_equal(ike_sign_digital(ed25519, SET(2), true, abc, 2, out),
	    -1);
	assert_int_equal(ike_sign_digital(p256, 0, true, abc, 2, out), -1);
}

/* The signature stays, what stands before it is another identifier. */
static bool
verifies_as(EVP_PKEY *key, const uint8_t *data, size_t len, const char *id,
    unsigned hashes)
{
	uint8_t out[1 + 255 + IKE_SIG_MAX];
	size_t	n = unhex(id, out + 1, 255), skip = 1 + (size_t)data[0];

	out[0] = (uint8_t)n;
	memcpy(out + 1 + n, data + skip, len - skip);
	return ike_verify_digital(key, hashes, abc, 2, out, 1 + n + len - skip);
}

static void
identifiers_are_compared_parsed(void **state)
{
	uint8_t out[IKE_DIGITAL_MAX];
	size_t	n;

	(void)state;
	n = (size_t)ike_sign_digital(rsa, SET(2), true, abc, 2, out);
	assert_true(verifies_as(rsa, out, n, PSS_256, IKE_SIGN_HASHES));
	assert_true(verifies_as(rsa, out, n, PSS_256_TRAILER, IKE_SIGN_HASHES));
	assert_false(verifies_as(rsa, out, n, PSS_256, SET(3) | SET(4)));
	/* Nothing said means SHA-1; v1.5; with something behind it. */
	assert_false(verifies_as(rsa, out, n, "300d06092a864886f70d01010a3000",
	    IKE_SIGN_HASHES));
	assert_false(verifies_as(rsa, out, n, "300b06092a864886f70d01010a",
	    IKE_SIGN_HASHES));
	assert_false(verifies_as(rsa, out, n, "300d06092a864886f70d01010b0500",
	    IKE_SIGN_HASHES));
	assert_false(verifies_as(rsa, out, n, PSS_256 "00", IKE_SIGN_HASHES));
	assert_false(verifies_as(rsa, out, n, "", IKE_SIGN_HASHES));

	n = (size_t)ike_sign_digital(rsa, SET(2), false, abc, 2, out);
	assert_true(verifies_as(rsa, out, n, "300d06092a864886f70d01010b0500",
	    SET(2)));
	/* Parameters absent instead of NULL. */
	assert_true(verifies_as(rsa, out, n, "300b06092a864886f70d01010b",
	    SET(2)));
	assert_false(verifies_as(rsa, out, n, "300d06092a864886f70d01010c0500",
	    IKE_SIGN_HASHES));
	/* SHA-1, and an algorithm of another kind of key. */
	assert_false(verifies_as(rsa, out, n, "300d06092a864886f70d0101050500",
	    IKE_SIGN_HASHES));
	assert_false(verifies_as(rsa, out, n, "300a06082a8648ce3d040302",
	    IKE_SIGN_HASHES));
	assert_false(verifies_as(p256, out, n, "300d06092a864886f70d01010b0500",
	    IKE_SIGN_HASHES));
	assert_false(verifies_as(rsa, out, n, "300506032b6570",
	    IKE_SIGN_HASHES));
}

static void
nothing_else_verifies(void **state)
{
	EVP_PKEY *keys[] = { rsa, p256, ed25519 };
	uint8_t	  out[IKE_DIGITAL_MAX], *cut;
	size_t	  i, k, n, id;

	(void)state;
	for (k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		n = (size_t)ike_sign_digital(keys[k], IKE_SIGN_HASHES,
		    true, abc, 2, out);
		assert_true(ike_verify_digital(keys[k], IKE_SIGN_HASHES, abc, 2,
		    out, n));
		assert_false(ike_verify_digital(keys[k], IKE_SIGN_HASHES,
		    abc, 1, out, n));
		for (i = 0; i < n; i++) {
			/* An exact allocation: a sanitizer
			 * sees reads past it. */
			assert_non_null(cut = malloc(i == 0 ? 1 : i));
			memcpy(cut, out, i);
			assert_false(ike_verify_digital(keys[k],
			    IKE_SIGN_HASHES, abc, 2, cut, i));
			free(cut);
		}
		assert_false(ike_verify_digital(keys[k], IKE_SIGN_HASHES,
		    abc, 2, out, n + 1));
		id = 1 + (size_t)out[0];
		for (i = 0; i < n; i++) {
			/* Within the identifier some
			 * encodings mean the same. */
			out[i] ^= i < id ? 0x80 : 0x01;
			assert_false(ike_verify_digital(keys[k],
			    IKE_SIGN_HASHES, abc, 2, out, n));
			out[i] ^= i < id ? 0x80 : 0x01;
		}
	}
}

/* An exponent of 3 is a valid key to OpenSSL, and too good a target. */
static void
small_exponents_are_refused(void **state)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY     *key = NULL;
	BIGNUM	     *e = BN_new();
	uint8_t	      out[IKE_DIGITAL_MAX];
	int	      n;

	(void)state;
	assert_non_null(ctx);
	assert_int_equal(BN_set_word(e, 3), 1);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
	assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), 1);
	assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
	n = ike_sign_digital(key, SET(2), false, abc, 2, out);
	assert_true(n > 0);
	assert_false(ike_verify_digital(key, SET(2), abc, 2, out, (size_t)n));
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
	BN_free(e);
}

/* RFC 4754 §8.1 and §8.2: signatures of "abc". */
static const struct {
	unsigned    method;
	const char *curve, *x, *y, *rs;
} ecdsa[] = {
	{ IKE_METHOD_ECDSA_256, "P-256",
	    "2442a5cc0ecd015fa3ca31dc8e2bbc70bf42d60cbca20085e0822cb04235e970",
	    "6fc98bd7e50211a4a27102fa3549df79ebcb4bf246b80945cddfe7d509bbfd7d",
	    "cb28e0999b9c7715fd0a80d8e47a77079716cbbf917dd72e97566ea1c066957c"
	    "86fa3bb4e26cad5bf90b7f81899256ce"
	    "7594bb1ea0c89212748bff3b3d5b0315" },
	{ IKE_METHOD_ECDSA_384, "P-384",
	    "96281bf8dd5e0525ca049c048d345d3082968d10fedf5c5aca0c64e6465a97ea"
	    "5ce10c9dfec21797415710721f437922",
	    "447688ba94708eb6e2e4d59f6ab6d7edff9301d249fe49c33096655f5d502fad"
	    "3d383b91c5e7edaa2b714cc99d5743ca",
	    "fb017b914e29149432d8bac29a514640b46f53ddab2c69948084e2930f1c8f7e"
	    "08e07c9c63f2d21a07dcb56a6af56eb3"
	    "b263a1305e057f984d38726a1b46874109f417bca112674c528262a40a629af1"
	    "cbb9f516ce0fa7d2ff630863a00e8b9f" },
};

static void
ecdsa_methods_are_rfc4754s(void **state)
{
	EVP_PKEY *key;
	uint8_t	  sig[2 * 66];
	size_t	  i, k, n;

	(void)state;
	for (k = 0; k < sizeof(ecdsa) / sizeof(ecdsa[0]); k++) {
		key = public_key(ecdsa[k].curve, ecdsa[k].x, ecdsa[k].y);
		n = unhex(ecdsa[k].rs, sig, sizeof(sig));
		assert_true(ike_verify_method(key, ecdsa[k].method, abc, 2, sig,
		    n));
		assert_false(ike_verify_method(key, ecdsa[k].method, abc, 1,
		    sig, n));
		assert_false(ike_verify_method(key, ecdsa[k].method, abc, 2,
		    sig, n - 1));
		assert_false(ike_verify_method(key, ecdsa[1 - k].method, abc, 2,
		    sig, n));
		assert_false(ike_verify_method(rsa, ecdsa[k].method, abc, 2,
		    sig, n));
		for (i = 0; i < n; i++) {
			sig[i] ^= 1;
			assert_false(ike_verify_method(key, ecdsa[k].method,
			    abc, 2, sig, n));
			sig[i] ^= 1;
		}
		EVP_PKEY_free(key);
	}
}

/* RFC 8032 §7.1, test 3: Ed25519 signs alike each time. */
static void
ed25519_is_rfc8032s(void **state)
{
	const struct ike_chunk c = { "\xaf\x82", 2 };
	uint8_t		       priv[32], want[64], out[IKE_DIGITAL_MAX];
	EVP_PKEY	      *key;
	int		       n;

	(void)state;
	unhex("c5aa8df43f9f837bedb7442f31dcb7b1"
	    "66d38535076f094b85ce3a2e0b4458f7",
	    priv, sizeof(priv));
	unhex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
	    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
	    want, sizeof(want));
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, priv,
	    sizeof(priv));
	assert_non_null(key);
	n = ike_sign_digital(key, SET(5), false, &c, 1, out);
	assert_int_equal(n, 1 + 7 + 64);
	assert_memory_equal(out + 8, want, 64);
	EVP_PKEY_free(key);
}

/* Method 1: PKCS #1 v1.5 with SHA-1, as older peers sign (RFC 7296 §2.15). */
static void
rsa_method_is_sha1(void **state)
{
	const unsigned char text[] = "abc";
	EVP_MD_CTX	   *ctx = EVP_MD_CTX_new();
	uint8_t		    sig[256];
	size_t		    n = sizeof(sig);

	(void)state;
	assert_non_null(ctx);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha1(), NULL, rsa),
	    1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &n, text, 3), 1);
	EVP_MD_CTX_free(ctx);
	assert_true(ike_verify_method(rsa, IKE_METHOD_RSA, abc, 2, sig, n));
	assert_false(ike_verify_method(p256, IKE_METHOD_RSA, abc, 2, sig, n));
	assert_false(ike_verify_method(rsa, IKE_METHOD_DIGITAL, abc, 2,
	    sig, n));
	sig[100] ^= 1;
	assert_false(ike_verify_method(rsa, IKE_METHOD_RSA, abc, 2, sig, n));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(identifiers_are_the_rfcs),
		cmocka_unit_test(identifiers_are_compared_parsed),
		cmocka_unit_test(nothing_else_verifies),
		cmocka_unit_test(small_exponents_are_refused),
		cmocka_unit_test(ecdsa_methods_are_rfc4754s),
		cmocka_unit_test(ed25519_is_rfc8032s),
		cmocka_unit_test(rsa_method_is_sha1),
	};

	return cmocka_run_group_tests_name("ike_sign", tests, make_keys,
	    free_keys);
}
