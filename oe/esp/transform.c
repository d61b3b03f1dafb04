/* transform.c - encryption and ICV of ESP under the keys of one SA (RFC 4303 §3.3.2, §3.4.4) */
#include "config.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/util.h"
#include "oe/esp/algorithm.h"
#include "oe/esp/transform.h"

#define SALT_LEN	4

struct esp_transform {
	const struct esp_algorithm *alg;
	const struct esp_integrity *integrity;	/* NULL with combined modes */
	EVP_CIPHER_CTX		*cipher;
	EVP_MAC_CTX		*mac;
	EVP_CIPHER_CTX		*iv_cipher;	/* makes CBC's IVs */
	uint8_t			 salt[SALT_LEN];
	bool			 esn;
};

static EVP_MAC_CTX *
mac_context(const struct esp_integrity *in, const uint8_t *key, size_t len)
{
	OSSL_PARAM   params[2];
	EVP_MAC_CTX *ctx = NULL;
	EVP_MAC	    *mac;
	char	     digest[16];

	memcpy(digest, in->digest, strlen(in->digest) + 1);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
	    digest, 0);
	params[1] = OSSL_PARAM_construct_end();
	if ((mac = EVP_MAC_fetch(NULL, "HMAC", NULL)) == NULL)
		return NULL;
	ctx = EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac);
	if (ctx != NULL && EVP_MAC_init(ctx, key, len, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

/* IVs must be unpredictable (RFC 3602 §3): a counter under a key of its own. */
static EVP_CIPHER_CTX *
iv_context(void)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t		key[16];

	random_bytes(key, sizeof(key));
	if (ctx != NULL && (EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL,
	    key, NULL) != 1 || EVP_CIPHER_CTX_set_padding(ctx, 0) != 1)) {
		EVP_CIPHER_CTX_free(ctx);
		ctx = NULL;
	}
	wipe(key, sizeof(key));
	return ctx;
}

/* The contexts under the keys of p; false if OpenSSL refuses. */
static bool
transform_key(struct esp_transform *t, const struct esp_params *p,
    const EVP_CIPHER *cipher, bool seals)
{
	if (t->alg->aead)
		/* RFC 4106 §8.1, RFC 7634 §2: the last four bytes are the
		 * salt. */
		memcpy(t->salt, p->cipher_key + p->cipher_len - SALT_LEN,
		    SALT_LEN);
	t->cipher = EVP_CIPHER_CTX_new();
	if (t->cipher == NULL || EVP_CipherInit_ex(t->cipher, cipher, NULL,
	    p->cipher_key, NULL, seals) != 1 ||
	    EVP_CIPHER_CTX_set_padding(t->cipher, 0) != 1)
		return false;
	if (t->integrity != NULL && (t->mac = mac_context(t->integrity,
	    p->auth_key, p->auth_len)) == NULL)
		return false;
	return t->alg->aead || !seals || (t->iv_cipher = iv_context()) != NULL;
}

struct esp_transform *
esp_transform_new(const struct esp_params *p, bool seals)
{
	struct esp_transform *t;
	const EVP_CIPHER     *cipher;

	if ((t = calloc(1, sizeof(*t))) == NULL) {
		log_error("ESP SA: out of memory");
		return NULL;
	}
	t->alg = esp_algorithm(p->cipher);
	t->integrity = esp_integrity(p->auth);
	t->esn = p->esn;
	if (t->alg == NULL ||
	    (cipher = esp_algorithm_evp(t->alg, p->cipher_len)) == NULL ||
	    (t->alg->aead && p->auth != ESP_AUTH_NONE) ||
	    (!t->alg->aead && t->integrity == NULL) ||
	    (t->integrity != NULL && p->auth_len != t->integrity->key_len)) {
		log_error("ESP SA 0x%08x: unknown algorithm or key length "
		    "(cipher %d, %zu bytes; authentication %d, %zu bytes)",
		    p->spi, p->cipher, p->cipher_len, p->auth, p->auth_len);
	} else if (!transform_key(t, p, cipher, seals)) {
		log_error("ESP SA 0x%08x: OpenSSL refuses %s: %s", p->spi,
		    esp_cipher_name(p->cipher, p->cipher_len),
		    ERR_reason_error_string(ERR_get_error()));
	} else {
		return t;
	}
	esp_transform_free(t);
	return NULL;
}

void
esp_transform_free(struct esp_transform *t)
{
	if (t == NULL)
		return;
	EVP_CIPHER_CTX_free(t->cipher);
	EVP_CIPHER_CTX_free(t->iv_cipher);
	EVP_MAC_CTX_free(t->mac);
	wipe_free(t, sizeof(*t));
}

size_t
esp_transform_iv_len(const struct esp_transform *t)
{
	return t->alg->iv_len;
}

size_t
esp_transform_icv_len(const struct esp_transform *t)
{
	return t->alg->aead ? t->alg->icv_len : t->integrity->icv_len;
}

size_t
esp_transform_block(const struct esp_transform *t)
{
	return t->alg->block;
}

/* The ICV over an ESP packet from its header on; with ESN the high half of the
 * sequence number follows it (RFC 4303 §2.2.1). */
static bool
transform_icv(struct esp_transform *t, const uint8_t *esp, size_t len,
    uint32_t seq_high, uint8_t out[EVP_MAX_MD_SIZE])
{
	uint8_t high[4];
	size_t	n;

	store_u32(high, seq_high);
	return EVP_MAC_init(t->mac, NULL, 0, NULL) == 1 &&
	    EVP_MAC_update(t->mac, esp, len) == 1 &&
	    (!t->esn || EVP_MAC_update(t->mac, high, 4) == 1) &&
	    EVP_MAC_final(t->mac, out, &n, EVP_MAX_MD_SIZE) == 1;
}

/* Nonce and additional data (RFC 4106 §4, §5; RFC 7634 §2). */
static bool
aead_begin(struct esp_transform *t, const uint8_t *esp, uint32_t seq_high)
{
	uint8_t nonce[12], aad[12];
	size_t	n = ESP_HEADER_LEN;
	int	m;

	memcpy(nonce, t->salt, SALT_LEN);
	memcpy(nonce + SALT_LEN, esp + ESP_HEADER_LEN, 8);
	memcpy(aad, esp, ESP_HEADER_LEN);
	if (t->esn) {
		store_u32(aad + 4, seq_high);
		memcpy(aad + 8, esp + 4, 4);
		n = 12;
	}
	return EVP_CipherInit_ex(t->cipher, NULL, NULL, NULL, nonce, -1) == 1 &&
	    EVP_CipherUpdate(t->cipher, NULL, &m, aad, (int)n) == 1;
}

static bool
transform_iv(struct esp_transform *t, uint8_t *iv, uint64_t seq)
{
	uint8_t block[16] = { 0 }, out[16];
	int	n;

	store_u64(block, seq);
	if (t->alg->aead) {
		/* Never repeats under one key (RFC 4106 §3.1). */
		memcpy(iv, block, 8);
		return true;
	}
	if (EVP_EncryptUpdate(t->iv_cipher, out, &n, block, 16) != 1)
		return false;
	memcpy(iv, out, t->alg->iv_len);
	return true;
}

bool
esp_transform_seal(struct esp_transform *t, uint8_t *esp, size_t text_len,
    uint64_t seq)
{
	uint8_t *iv = esp + ESP_HEADER_LEN, *text = iv + t->alg->iv_len;
	uint8_t	 icv[EVP_MAX_MD_SIZE];
	int	 n, m = 0;

	if (!transform_iv(t, iv, seq))
		return false;
	if (t->alg->aead)
		return aead_begin(t, esp, (uint32_t)(seq >> 32)) &&
		    EVP_CipherUpdate(t->cipher, text, &n, text,
		    (int)text_len) == 1 &&
		    EVP_CipherFinal_ex(t->cipher, text + n, &m) == 1 &&
		    EVP_CIPHER_CTX_ctrl(t->cipher, EVP_CTRL_AEAD_GET_TAG,
		    (int)t->alg->icv_len, text + text_len) == 1;
	if (EVP_CipherInit_ex(t->cipher, NULL, NULL, NULL, iv, -1) != 1 ||
	    EVP_CipherUpdate(t->cipher, text, &n, text, (int)text_len) != 1 ||
	    n != (int)text_len ||
	    !transform_icv(t, esp, (size_t)(text - esp) + text_len,
	    (uint32_t)(seq >> 32), icv))
		return false;
	memcpy(text + text_len, icv, t->integrity->icv_len);
	return true;
}

static bool
aead_open(struct esp_transform *t, const uint8_t *esp, const uint8_t *text,
    size_t text_len, uint32_t seq_high, uint8_t *out)
{
	uint8_t icv[EVP_MAX_MD_SIZE];
	int	n, m;

	memcpy(icv, text + text_len, t->alg->icv_len);
	return aead_begin(t, esp, seq_high) &&
	    EVP_CIPHER_CTX_ctrl(t->cipher, EVP_CTRL_AEAD_SET_TAG,
	    (int)t->alg->icv_len, icv) == 1 &&
	    EVP_CipherUpdate(t->cipher, out, &n, text, (int)text_len) == 1 &&
	    EVP_CipherFinal_ex(t->cipher, out + n, &m) == 1;
}

/* The ICV first: nothing is decrypted that was not authenticated. */
static bool
cbc_open(struct esp_transform *t, const uint8_t *esp, const uint8_t *text,
    size_t text_len, uint32_t seq_high, uint8_t *out)
{
	uint8_t icv[EVP_MAX_MD_SIZE];
	int	n;

	return transform_icv(t, esp, (size_t)(text - esp) + text_len, seq_high,
	    icv) &&
	    compare_secret(icv, text + text_len, t->integrity->icv_len) == 0 &&
	    EVP_CipherInit_ex(t->cipher, NULL, NULL, NULL,
	    esp + ESP_HEADER_LEN, -1) == 1 &&
	    EVP_CipherUpdate(t->cipher, out, &n, text, (int)text_len) == 1 &&
	    n == (int)text_len;
}

bool
esp_transform_open(struct esp_transform *t, const uint8_t *esp,
    size_t text_len, uint64_t seq, uint8_t *out)
{
	if ((t->alg->aead ? aead_open : cbc_open)(t, esp,
	    esp + ESP_HEADER_LEN + t->alg->iv_len, text_len,
	    (uint32_t)(seq >> 32), out))
		return true;
	ERR_clear_error();
	return false;
}
