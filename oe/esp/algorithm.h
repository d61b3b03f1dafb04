/* algorithm.h - the ESP transforms: key, IV, block and ICV lengths */
#ifndef OE_ESP_ALGORITHM_H
#define OE_ESP_ALGORITHM_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "oe/esp/params.h"

struct esp_algorithm {
	enum esp_cipher cipher;
	size_t iv_len, block;
	size_t icv_len;			/* combined modes only */
	bool   aead;
};

struct esp_integrity {
	enum esp_auth auth;
	const char *digest;		/* OpenSSL's name */
	const char *name;
	size_t key_len, icv_len;
};

/* NULL if there is no such algorithm here; DES and null are not. */
const struct esp_algorithm *esp_algorithm(enum esp_cipher c);
const struct esp_integrity *esp_integrity(enum esp_auth a);
/* OpenSSL's cipher for a key (combined modes: with salt) of key_len
 * bytes, NULL if none. */
const EVP_CIPHER *esp_algorithm_evp(const struct esp_algorithm *a,
	    size_t key_len);

/* Key and ICV lengths in bytes for an algorithm; 0 if it is not known.
 * keylen bits for AES. */
size_t	esp_cipher_key_len(enum esp_cipher c, unsigned bits);
size_t	esp_auth_key_len(enum esp_auth a);
/*
 * Is it time for new keys, whatever was negotiated?  True from three
 * quarters of the sequence numbers on (RFC 4303 §3.3.3), and with a cipher
 * of 64-bit blocks from 512 MiB on, long before equal blocks are likely to
 * tell their difference.
 */
bool	esp_key_is_worn(const struct esp_params *p,
	    const struct esp_counters *c);
/* "AES-256-CBC". */
const char *esp_cipher_name(enum esp_cipher c, size_t key_len);
const char *esp_auth_name(enum esp_auth a);	/* "HMAC-SHA2-256-128" */

#endif
