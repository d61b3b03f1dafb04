/* test_pubkey.c - keys: their bytes in DNS, base64, files; what is not a key is refused */
#include "config.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "oe/pubkey.h"

static char folder[] = "/tmp/test_pubkey.XXXXXX";
static char path[64];

static int
folder_make(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/key.pem", folder);
	return 0;
}

static int
folder_remove(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

/* Exponent length, exponent 65537, a modulus of that many bits. */
static size_t
make_wire(uint8_t *wire, unsigned bits)
{
	size_t n = (bits + 7) / 8, i;

	memcpy(wire, "\3\1\0\1", 4);
	for (i = 0; i < n; i++)
		wire[4 + i] = (uint8_t)(i * 73 + 11);
	wire[4] = (uint8_t)(1u << (bits - 1) % 8);
	wire[4 + n - 1] |= 1;
	return n + 4;
}

static void
wire_form_is_rfc3110(void **state)
{
	static uint8_t wire[PUBKEY_WIRE_MAX + 8];
	struct pubkey  k;
	char	       name[10];
	size_t	       len;

	(void)state;
	len = make_wire(wire, 2048);
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, len, 2048), 0);
	assert_int_equal(k.len, len);
	assert_memory_equal(k.wire, wire, len);
	assert_int_equal(pubkey_bits(&k), 2048);
	pubkey_short(&k, name);
	assert_memory_equal(name, "AwEAAY", 6);
	assert_int_equal(strlen(name), 9);

	/* Exponent 3: the names of FreeS/WAN's keys begin with "AQ". */
	memmove(wire + 2, wire + 4, 256);
	wire[0] = 1;
	wire[1] = 3;
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, 258, 2048), 0);
	assert_int_equal(pubkey_bits(&k), 2048);
	pubkey_short(&k, name);
	assert_memory_equal(name, "AQ", 2);

	/* The long form of the exponent's length is read, too. */
	memmove(wire + 6, wire + 2, 256);
	memcpy(wire, "\0\0\3\1\0\1", 6);
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, 262, 2048), 0);
	assert_int_equal(pubkey_bits(&k), 2048);
}

static void
sizes_are_bounded(void **state)
{
	static uint8_t wire[PUBKEY_WIRE_MAX + 512];
	struct pubkey  k;
	unsigned       bits;
	size_t	       len;

	(void)state;
	for (bits = 2040; bits <= 2056; bits++) {
		len = make_wire(wire, bits);
		assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, len,
		    2048), bits < 2048 ? -1 : 0);
		assert_int_equal(k.len, bits < 2048 ? 0 : len);
		if (bits >= 2048)
			assert_int_equal(pubkey_bits(&k), bits);
	}
	len = make_wire(wire, 1024);
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, len, 1024), 0);
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, len, 1025), -1);
	len = make_wire(wire, PUBKEY_BITS_MAX);
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, len, 2048), 0);
	len = make_wire(wire, PUBKEY_BITS_MAX + 1);
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, len, 2048), -1);
	len = make_wire(wire, 10000);
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, len, 2048), -1);
}

static void
what_is_no_key_is_refused(void **state)
{
	static uint8_t wire[PUBKEY_WIRE_MAX];
	struct pubkey  k;
	size_t	       len, i;

	(void)state;
	len = make_wire(wire, 2048);
	for (i = 0; i < len; i++)
		assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, i,
		    2048), -1);
	/* An even exponent, exponent 1, a leading zero, none at all. */
	wire[3] = 2;
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, len, 2048), -1);
	len = make_wire(wire, 2048);
	wire[1] = 0;
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, len, 2048), -1);
	len = make_wire(wire, 2048);
	memmove(wire + 2, wire + 4, len - 4);
	wire[0] = wire[1] = 1;
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, len - 2,
	    2048), -1);
	wire[0] = wire[1] = 0;
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, len - 2,
	    2048), -1);
	/* An even modulus, one with a leading zero. */
	len = make_wire(wire, 2048);
	wire[len - 1] &= 0xfe;
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, len, 2048), -1);
	len = make_wire(wire, 2056);
	wire[4] = 0;
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, len, 2048), -1);
	/* An exponent that would cost the verifier seconds. */
	memset(wire, 0xff, sizeof(wire));
	wire[0] = 9;
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, 10 + 256,
	    2048), -1);
	wire[0] = 8;
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, 9 + 256,
	    2048), 0);
	/* The exponent's length reaches beyond the end. */
	wire[0] = 200;
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, 100, 0), -1);
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, 201, 0), -1);
}

static void
base64_as_zone_files_have_it(void **state)
{
	static uint8_t wire[PUBKEY_WIRE_MAX];
	static char    text[PUBKEY_WIRE_MAX * 2], spaced[PUBKEY_WIRE_MAX * 4];
	struct pubkey  k, again;
	size_t	       len, n, i, j;
	int	       rc;

	(void)state;
	len = make_wire(wire, 2048);
	assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, wire, len, 2048), 0);
	rc = pubkey_to_base64(&k, text, sizeof(text));
	assert_int_equal(rc, (len + 2) / 3 * 4);
	assert_int_equal(strlen(text), rc);
	n = (size_t)rc;
	assert_int_equal(pubkey_from_base64(&again, text, n, 2048), 0);
	assert_true(pubkey_equal(&again, &k));
	/* White space anywhere (RFC 4322 §5.2.1). */
	for (i = j = 0; i < n; i++) {
		spaced[j++] = text[i];
		if (i % 7 == 0)
			spaced[j++] = " \t\n\r"[i % 4];
	}
	assert_int_equal(pubkey_from_base64(&again, spaced, j, 2048), 0);
	assert_memory_equal(again.wire, wire, len);
	assert_int_equal(pubkey_from_base64(&again, text, n - 3, 2048), -1);
	text[40] = '!';
	assert_int_equal(pubkey_from_base64(&again, text, n, 2048), -1);
	assert_int_equal(again.len, 0);
	assert_int_equal(pubkey_from_base64(&again, "", 0, 2048), -1);
	/* Buffers that do not hold it all. */
	assert_int_equal(pubkey_to_base64(&k, text, n), -1);
	memset(spaced, 'A', sizeof(spaced));
	assert_int_equal(pubkey_from_base64(&again, spaced, sizeof(spaced), 0),
	    -1);
}

/* A key goes through its file, DNS form and OpenSSL and still verifies. */
static void
keys_survive_every_form(void **state)
{
	static const uint8_t message[] = "signed";
	struct pubkey	     k, again;
	struct stat	     st;
	EVP_PKEY	    *made, *loaded, *public;
	EVP_MD_CTX	    *ctx;
	uint8_t		     sig[256];
	size_t		     siglen = sizeof(sig);

	(void)state;
	assert_non_null(made = pubkey_generate(path, PUBKEY_RSA, 2048));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_null(pubkey_generate(path, PUBKEY_RSA, 2048));
	assert_non_null(loaded = pubkey_load_private(path));
	assert_int_equal(pubkey_from_evp(&k, loaded), 0);
	assert_int_equal(pubkey_from_evp(&again, made), 0);
	assert_int_equal(k.len, again.len);
	assert_memory_equal(k.wire, again.wire, k.len);
	assert_int_equal(pubkey_from_wire(&again, PUBKEY_RSA, k.wire, k.len,
	    2048), 0);
	assert_non_null(public = pubkey_to_evp(&again));

	assert_non_null(ctx = EVP_MD_CTX_new());
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL,
	    loaded), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &siglen, message,
	    sizeof(message)), 1);
	EVP_MD_CTX_reset(ctx);
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL,
	    public), 1);
	assert_int_equal(EVP_DigestVerify(ctx, sig, siglen, message,
	    sizeof(message)), 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(made);
	EVP_PKEY_free(loaded);
	EVP_PKEY_free(public);

	/* Secrets that others can read are not used. */
	assert_int_equal(chmod(path, 0640), 0);
	assert_null(pubkey_load_private(path));
	assert_int_equal(chmod(path, 0600), 0);
	unlink(path);
	assert_null(pubkey_load_private(path));
}

/* The same of the other types, whose forms have no parts. */
static void
curves_survive_every_form(void **state)
{
	static const struct {
		enum pubkey_type type;
		unsigned	 bits;
		size_t		 len;
		const char	*kind;
	} t[] = {
		{ PUBKEY_ECDSA, 256, 64, "ECDSA P-256" },
		{ PUBKEY_ECDSA, 384, 96, "ECDSA P-384" },
		{ PUBKEY_ED25519, 256, 32, "Ed25519" },
	};
	struct pubkey k, again;
	EVP_PKEY     *made, *loaded, *public;
	char	      text[PUBKEY_WIRE_MAX * 2];
	size_t	      i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_non_null(made = pubkey_generate(path, t[i].type,
		    t[i].bits));
		assert_non_null(loaded = pubkey_load_private(path));
		assert_int_equal(pubkey_from_evp(&k, loaded), 0);
		assert_int_equal(k.type, t[i].type);
		assert_int_equal(k.len, t[i].len);
		assert_int_equal(pubkey_bits(&k), t[i].bits);
		assert_string_equal(PUBKEY_KIND(&k), t[i].kind);
		assert_true(pubkey_to_base64(&k, text, sizeof(text)) > 0);
		assert_int_equal(pubkey_from_base64(&again, text, strlen(text),
		    2048), 0);
		assert_true(pubkey_equal(&k, &again));
		assert_non_null(public = pubkey_to_evp(&again));
		assert_int_equal(EVP_PKEY_eq(public, made), 1);
		EVP_PKEY_free(made);
		EVP_PKEY_free(loaded);
		EVP_PKEY_free(public);
		unlink(path);
		/* A byte less or more is no key, nor is one of another type. */
		again.wire[k.len] = 0;
		assert_int_equal(pubkey_from_wire(&k, t[i].type, again.wire,
		    again.len - 1, 2048), -1);
		assert_int_equal(pubkey_from_wire(&k, t[i].type, again.wire,
		    again.len + 1, 2048), -1);
		assert_int_equal(pubkey_from_wire(&k, PUBKEY_RSA, again.wire,
		    again.len, 2048), -1);
		assert_int_equal(pubkey_from_wire(&k, PUBKEY_NONE, again.wire,
		    again.len, 0), -1);
	}
}

/* RFC 6605 §6.1, §6.2 and RFC 8080 §6.1: their DNSKEYs are keys, and a point
 * beside the curve is none. */
static void
curves_of_the_rfcs(void **state)
{
	static const struct { const char *text, *kind; bool point; } t[] = {
		{ "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7w"
		  "NcP+e+MAnLr+Wi9xMWyQLc8NAA==", "ECDSA P-256", true },
		{ "xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhye"
		  "m5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/"
		  "qTI37m40", "ECDSA P-384", true },
		{ "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=", "Ed25519",
		  false },
	};
	struct pubkey k, bad;
	EVP_PKEY     *pkey;
	size_t	      i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(pubkey_from_base64(&k, t[i].text,
		    strlen(t[i].text), 2048), 0);
		assert_string_equal(PUBKEY_KIND(&k), t[i].kind);
		assert_non_null(pkey = pubkey_to_evp(&k));
		EVP_PKEY_free(pkey);
		if (!t[i].point)
			continue;
		bad = k;
		bad.wire[3] ^= 1;
		assert_false(pubkey_is_key(bad.type, bad.wire, bad.len));
		assert_int_equal(pubkey_from_wire(&bad, k.type, bad.wire, k.len,
		    0), -1);
		/* The coordinates of no point, of the curve's
		 * prime and above. */
		memset(bad.wire, 0, k.len);
		assert_false(pubkey_is_key(k.type, bad.wire, k.len));
		memset(bad.wire, 0xff, k.len);
		assert_false(pubkey_is_key(k.type, bad.wire, k.len));
	}
}

/* The same bytes as keys of two types are two keys. */
static void
types_tell_keys_apart(void **state)
{
	struct pubkey a = { .type = PUBKEY_ECDSA, .len = 64 }, b = a;

	(void)state;
	assert_true(pubkey_equal(&a, &b));
	b.type = PUBKEY_RSA;
	assert_false(pubkey_equal(&a, &b));
}

static void
write_key(EVP_PKEY *pkey, const EVP_CIPHER *cipher)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	assert_int_equal(PEM_write_PrivateKey(f, pkey, cipher,
	    cipher == NULL ? NULL : (unsigned char *)(uintptr_t)"secret",
	    cipher == NULL ? 0 : 6, NULL, NULL), 1);
	fclose(f);
	EVP_PKEY_free(pkey);
}

static void
other_files_are_refused(void **state)
{
	FILE *f;

	(void)state;
	write_key(EVP_EC_gen("P-521"), NULL);
	assert_null(pubkey_load_private(path));
	write_key(EVP_EC_gen("secp256k1"), NULL);
	assert_null(pubkey_load_private(path));
	write_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), NULL);
	assert_null(pubkey_load_private(path));
	write_key(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), NULL);
	assert_null(pubkey_load_private(path));
	write_key(EVP_RSA_gen(1024), NULL);
	assert_null(pubkey_load_private(path));
	/* A key with a pass phrase: nobody is there to type it. */
	write_key(EVP_RSA_gen(2048), EVP_aes_128_cbc());
	assert_null(pubkey_load_private(path));
	assert_non_null(f = fopen(path, "w"));
	fputs("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	    f);
	fclose(f);
	assert_null(pubkey_load_private(path));
	assert_int_equal(truncate(path, 0), 0);
	assert_null(pubkey_load_private(path));
	assert_null(pubkey_load_private(folder));
	assert_null(pubkey_generate("/nonexistent/folder/key.pem", PUBKEY_RSA,
	    2048));
	unlink(path);
	/* A link is not followed: the name could be another's trap. */
	assert_int_equal(symlink("/nonexistent/other", path), 0);
	assert_null(pubkey_generate(path, PUBKEY_RSA, 2048));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(wire_form_is_rfc3110),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(what_is_no_key_is_refused),
		cmocka_unit_test(base64_as_zone_files_have_it),
		cmocka_unit_test(keys_survive_every_form),
		cmocka_unit_test(curves_survive_every_form),
		cmocka_unit_test(curves_of_the_rfcs),
		cmocka_unit_test(types_tell_keys_apart),
		cmocka_unit_test(other_files_are_refused),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
