/* algorithm.c - the ESP transforms: key, IV, block and ICV lengths */
#include "config.h"

#include <openssl/evp.h>

#include "oe/esp/algorithm.h"

#define WORN_BYTES	(512ull << 20)	/* 2^26 blocks of 3DES: 1 chance in 8192
					 * that two are equal */

static const struct esp_algorithm algorithms[] = {
	{ ESP_AES_CBC, 16, 16, 0, false },	/* RFC 3602 */
	{ ESP_3DES_CBC, 8, 8, 0, false },	/* RFC 2451 */
	{ ESP_AES_GCM_16, 8, 1, 16, true },	/* RFC 4106 */
	{ ESP_CHACHA20_POLY1305, 8, 1, 16, true },	/* RFC 7634 */
};

static const struct esp_integrity integrities[] = {
	{ ESP_AUTH_HMAC_SHA2_256, "SHA256", "HMAC-SHA2-256-128", 32, 16 },
	{ ESP_AUTH_HMAC_SHA2_384, "SHA384", "HMAC-SHA2-384-192", 48, 24 },
	{ ESP_AUTH_HMAC_SHA2_512, "SHA512", "HMAC-SHA2-512-256", 64, 32 },
	{ ESP_AUTH_HMAC_SHA1, "SHA1", "HMAC-SHA1-96", 20, 12 },
	{ ESP_AUTH_HMAC_MD5, "MD5", "HMAC-MD5-96", 16, 12 },
};

const struct esp_algorithm *
esp_algorithm(enum esp_cipher c)
{
	size_t i;

	for (i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (algorithms[i].cipher == c)
			return &algorithms[i];
	}
	return NULL;
}

const struct esp_integrity *
esp_integrity(enum esp_auth a)
{
	size_t i;

	for (i = 0; i < sizeof(integrities) / sizeof(integrities[0]); i++) {
		if (integrities[i].auth == a)
			return &integrities[i];
	}
	return NULL;
}

const EVP_CIPHER *
esp_algorithm_evp(const struct esp_algorithm *a, size_t key_len)
{
	switch (a->cipher) {
	case ESP_3DES_CBC:
		return key_len == 24 ? EVP_des_ede3_cbc() : NULL;
	case ESP_AES_CBC:
		return key_len == 16 ? EVP_aes_128_cbc() :
		    key_len == 24 ? EVP_aes_192_cbc() :
		    key_len == 32 ? EVP_aes_256_cbc() : NULL;
	case ESP_AES_GCM_16:
		return key_len == 20 ? EVP_aes_128_gcm() :
		    key_len == 28 ? EVP_aes_192_gcm() :
		    key_len == 36 ? EVP_aes_256_gcm() : NULL;
	case ESP_CHACHA20_POLY1305:
		return key_len == 36 ? EVP_chacha20_poly1305() : NULL;
	}
	return NULL;
}

size_t
esp_cipher_key_len(enum esp_cipher c, unsigned bits)
{
	switch (c) {
	case ESP_3DES_CBC:
		return 24;
	case ESP_AES_CBC:
		return bits == 128 || bits == 192 || bits == 256 ? bits / 8 : 0;
	case ESP_AES_GCM_16:
		return bits == 128 || bits == 192 || bits == 256 ?
		    bits / 8 + 4 : 0;
	case ESP_CHACHA20_POLY1305:
		return 36;
	}
	return 0;
}

size_t
esp_auth_key_len(enum esp_auth a)
{
	const struct esp_integrity *in = esp_integrity(a);

	return in == NULL ? 0 : in->key_len;
}

bool
esp_key_is_worn(const struct esp_params *p, const struct esp_counters *c)
{
	uint64_t last = p->esn ? UINT64_MAX : UINT32_MAX;

	return c->seq >= last - last / 4 ||
	    (p->cipher == ESP_3DES_CBC && c->bytes >= WORN_BYTES);
}

const char *
esp_cipher_name(enum esp_cipher c, size_t key_len)
{
	switch (c) {
	case ESP_3DES_CBC:
		return "3DES-CBC";
	case ESP_AES_CBC:
		return key_len == 16 ? "AES-128-CBC" :
		    key_len == 24 ? "AES-192-CBC" : "AES-256-CBC";
	case ESP_AES_GCM_16:
		return key_len == 20 ? "AES-128-GCM" :
		    key_len == 28 ? "AES-192-GCM" : "AES-256-GCM";
	case ESP_CHACHA20_POLY1305:
		return "ChaCha20-Poly1305";
	}
	return "unknown";
}

const char *
esp_auth_name(enum esp_auth a)
{
	const struct esp_integrity *in = esp_integrity(a);

	return in == NULL ? "none" : in->name;
}
