/* sign.c - signatures over what was exchanged */
#include "config.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "oe/ike/sign.h"

int
ike_sign(EVP_PKEY *key, const uint8_t *hash, size_t len, uint8_t sig[IKE_SIG_MAX])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	size_t	      n = IKE_SIG_MAX;
	bool	      ok;

	/* Without a digest set, OpenSSL pads the bytes as they are. */
	ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_sign(ctx, sig, &n, hash, len) == 1;
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok ? (int)n : -1;
}

bool
ike_verify(const struct pubkey *key, const uint8_t *hash, size_t len,
    const uint8_t *sig, size_t sig_len)
{
	EVP_PKEY     *pkey = pubkey_to_evp(key);
	EVP_PKEY_CTX *ctx = NULL;
	bool	      ok;

	ok = pkey != NULL && (ctx = EVP_PKEY_CTX_new(pkey, NULL)) != NULL &&
	    EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_verify(ctx, sig, sig_len, hash, len) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return ok;
}
