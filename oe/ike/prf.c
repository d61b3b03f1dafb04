/* prf.c - hash functions, and HMAC as pseudo-random function */
#include "config.h"

#include <openssl/evp.h>
#include <stdbool.h>

#include "oe/ike/prf.h"

static const EVP_MD *
hash_evp(unsigned hash)
{
	switch (hash) {
	case IKE_MD5:
		return EVP_md5();
	case IKE_SHA1:
		return EVP_sha1();
	case IKE_SHA2_256:
		return EVP_sha256();
	case IKE_SHA2_384:
		return EVP_sha384();
	case IKE_SHA2_512:
		return EVP_sha512();
	default:
		return NULL;
	}
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
	switch (hash) {
	case IKE_MD5:
		return "MD5";
	case IKE_SHA1:
		return "SHA1";
	case IKE_SHA2_256:
		return "SHA2-256";
	case IKE_SHA2_384:
		return "SHA2-384";
	case IKE_SHA2_512:
		return "SHA2-512";
	default:
		return "unknown";
	}
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

int
ike_prf(unsigned hash, const uint8_t *key, size_t key_len,
    const struct ike_chunk *c, size_t n, uint8_t *out)
{
	const EVP_MD *md = hash_evp(hash);
	EVP_PKEY     *pkey = NULL;
	EVP_MD_CTX   *ctx = EVP_MD_CTX_new();
	size_t	      i, len = IKE_HASH_MAX;
	bool	      ok;

	ok = md != NULL && ctx != NULL && (pkey = EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_HMAC, NULL, key, key_len)) != NULL &&
	    EVP_DigestSignInit(ctx, NULL, md, NULL, pkey) == 1;
	for (i = 0; ok && i < n; i++)
		ok = EVP_DigestSignUpdate(ctx, c[i].p, c[i].len) == 1;
	ok = ok && EVP_DigestSignFinal(ctx, out, &len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return ok ? 0 : -1;
}
