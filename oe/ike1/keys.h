/* keys.h - IKEv1's ciphers and keys (RFC 2409 §5, App. B) */
#ifndef OE_IKE1_KEYS_H
#define OE_IKE1_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oe/ike/prf.h"

#define IKE1_BLOCK_MAX	16

/* Phase 1 attribute values (RFC 2409 App. A). */
enum ike1_encryption { IKE1_3DES_CBC = 5, IKE1_AES_CBC = 7 };
enum ike1_auth { IKE1_PRESHARED = 1, IKE1_RSA_SIG = 3 };

/* Block and key length of a Phase 1 cipher; bits 0 where it has one length
 * only. */
size_t	ike1_block_len(unsigned enc);
size_t	ike1_enc_key_len(unsigned enc, unsigned bits);
const char *ike1_enc_name(unsigned enc, unsigned bits);
/*
 * CBC in place over whole blocks.  iv is replaced by the last ciphertext
 * block, which begins the next message of the exchange. 0, or -1.
 */
int	ike1_cbc(unsigned enc, bool encrypt, const uint8_t *key, size_t key_len,
	    uint8_t *iv, uint8_t *buf, size_t len);

struct ike1_keys {			/* Phase 1 */
	uint8_t skeyid[IKE_HASH_MAX], d[IKE_HASH_MAX];
	uint8_t a[IKE_HASH_MAX], e[IKE_HASH_MAX];
	size_t	len;			/* of each of the four */
	uint8_t enc[32];		/* the cipher's key */
	size_t	enc_len;
};

/*
 * SKEYID and what follows from it (RFC 2409 §5).  psk NULL: signatures.
 * Cookies as on the wire. 0, or -1.
 */
int	ike1_keys_derive(struct ike1_keys *k, unsigned hash, unsigned enc,
	    unsigned enc_bits, const uint8_t *psk, size_t psk_len,
	    const struct ike_chunk *ni, const struct ike_chunk *nr,
	    const struct ike_chunk *gxy, const uint8_t cookies[16]);

/* KEYMAT (RFC 2409 §5.5): len bytes; gxy NULL without PFS. */
int	ike1_keymat(const struct ike1_keys *k, unsigned hash,
	    const struct ike_chunk *gxy, uint8_t protocol, uint32_t spi,
	    const struct ike_chunk *ni, const struct ike_chunk *nr,
	    uint8_t *out, size_t len);

#endif
