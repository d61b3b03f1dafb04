/* prf.c - hash functions, and HMAC as pseudo-random function */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdbool.h>

#include "oe/ike/prf.h"

/*
 * What OpenSSL is asked for by name is looked for in its providers, each time,
 * at the price of several hashes: so once for the life of the process.
 */
static struct algorithm {
	unsigned     hash;
	const char  *openssl, *name;
	EVP_MD	    *md;	/* NULL: not fetched, or there is none */
	EVP_MAC_CTX *hmac;	/* with a key of no meaning, to be copied */
} algorithms[] = {
	{ .hash = IKE_MD5, .openssl = "MD5", .name = "MD5" },
	{ .hash = IKE_SHA1, .openssl = "SHA1", .name = "SHA1" },
	{ .hash = IKE_SHA2_256, .openssl = "SHA2-256", .name = "SHA2-256" },
	{ .hash = IKE_SHA2_384, .openssl = "SHA2-384", .name = "SHA2-384" },
	{ .hash = IKE_SHA2_512, .openssl = "SHA2-512", .name = "SHA2-512" },
};

static struct algorithm *
algorithm_find(unsigned hash)
{
	size_t i;

	for (i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (algorithms[i].hash == hash)
			return &algorithms[i];
	}
	return NULL;
}

static const EVP_MD *
hash_evp(unsigned hash)
{
	struct algorithm *a = algorithm_find(hash);

	if (a != NULL && a->md == NULL)
		a->md = EVP_MD_fetch(NULL, a->openssl, NULL);
	return a == NULL ? NULL : a->md;
}

/* A context of one's own, which wants a key; NULL: there is none such. */
static EVP_MAC_CTX *
hmac_new(unsigned hash)
{
	struct algorithm *a = algorithm_find(hash);
	EVP_MAC_CTX	 *ctx;
	EVP_MAC		 *mac;
	OSSL_PARAM	  params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };

	if (a == NULL)
		return NULL;
	if (a->hmac == NULL) {
		params[0] = OSSL_PARAM_construct_utf8_string(
		    OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)a->openssl, 0);
		mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
		ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
		EVP_MAC_free(mac);
		if (ctx == NULL || EVP_MAC_init(ctx, (const uint8_t *)"", 1,
		    params) != 1) {
			EVP_MAC_CTX_free(ctx);
			return NULL;
		}
		a->hmac = ctx;
	}
	return EVP_MAC_CTX_dup(a->hmac);
}

size_t
ike_hash_len(unsigned hash)
{
	const EVP_MD *md = hash_evp(hash);

	return md == NULL ? 0 : (size_t)EVP_MD_get_size(md);
}

const char *
ike_hash_name(unsigned hash)
{
	const struct algorithm *a = algorithm_find(hash);

	return a == NULL ? "unknown" : a->name;
}

int
ike_hash(unsigned hash, const struct ike_chunk *c, size_t n, uint8_t *out)
{
	const EVP_MD *md = hash_evp(hash);
	EVP_MD_CTX   *ctx = EVP_MD_CTX_new();
	bool	      ok;
	size_t	      i;

	ok = md != NULL && ctx != NULL && EVP_DigestInit_ex(ctx, md, NULL) == 1;
	for (i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(ctx, c[i].p, c[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -1;
}

EVP_MAC_CTX *
ike_prf_key(unsigned hash, const uint8_t *key, size_t key_len)
{
	EVP_MAC_CTX *ctx = hmac_new(hash);

	if (ctx != NULL && EVP_MAC_init(ctx, key, key_len, NULL) == 1)
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

static int
prf_run(EVP_MAC_CTX *ctx, const struct ike_chunk *c, size_t n, uint8_t *out)
{
	size_t i, len = IKE_HASH_MAX;
	bool   ok = ctx != NULL;

	for (i = 0; ok && i < n; i++)
		ok = EVP_MAC_update(ctx, c[i].p, c[i].len) == 1;
	ok = ok && EVP_MAC_final(ctx, out, &len, IKE_HASH_MAX) == 1;
	EVP_MAC_CTX_free(ctx);
	return ok ? 0 : -1;
}

int
ike_prf(unsigned hash, const uint8_t *key, size_t key_len,
    const struct ike_chunk *c, size_t n, uint8_t *out)
{
	return prf_run(ike_prf_key(hash, key, key_len), c, n, out);
}

int
ike_prf_keyed(const EVP_MAC_CTX *key, const struct ike_chunk *c, size_t n,
    uint8_t *out)
{
	return prf_run(key == NULL ? NULL : EVP_MAC_CTX_dup(key), c, n, out);
}
