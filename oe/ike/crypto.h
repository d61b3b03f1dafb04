/* crypto.h - IKEv1's prf, Diffie-Hellman groups, keys and signatures (RFC 2409 §5, App. B) */
#ifndef OE_IKE_CRYPTO_H
#define OE_IKE_CRYPTO_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oe/pubkey.h"

#define IKE_HASH_MAX	64		/* SHA2-512 */
#define IKE_KE_MAX	512		/* group 16 would be 512 */
#define IKE_BLOCK_MAX	16
#define IKE_SIG_MAX	(PUBKEY_BITS_MAX / 8)

/* Phase 1 attribute values (RFC 2409 App. A; RFC 4868 §2.7; RFC 3526; RFC 5903). */
enum ike_encryption { IKE_3DES_CBC = 5, IKE_AES_CBC = 7 };
enum ike_hash { IKE_MD5 = 1, IKE_SHA1 = 2, IKE_SHA2_256 = 4, IKE_SHA2_384 = 5, IKE_SHA2_512 = 6 };
enum ike_auth { IKE_PRESHARED = 1, IKE_RSA_SIG = 3 };

struct ike_chunk { const void *p; size_t len; };	/* borrowed bytes */

/* Length of a hash's output, 0 if we do not have it. */
size_t	ike_hash_len(unsigned hash);
const char *ike_hash_name(unsigned hash);
/* Hash, and HMAC as prf (RFC 2409 §4), over n chunks in a row; out holds IKE_HASH_MAX. 0, or -1. */
int	ike_hash(unsigned hash, const struct ike_chunk *c, size_t n, uint8_t *out);
int	ike_prf(unsigned hash, const uint8_t *key, size_t key_len,
	    const struct ike_chunk *c, size_t n, uint8_t *out);

/* Block and key length of a Phase 1 cipher; bits 0 where it has one length only. */
size_t	ike_block_len(unsigned enc);
size_t	ike_enc_key_len(unsigned enc, unsigned bits);
const char *ike_enc_name(unsigned enc, unsigned bits);
/*
 * CBC in place over whole blocks.  iv is replaced by the last ciphertext
 * block, which begins the next message of the exchange. 0, or -1.
 */
int	ike_cbc(unsigned enc, bool encrypt, const uint8_t *key, size_t key_len,
	    uint8_t *iv, uint8_t *buf, size_t len);

/* One Diffie-Hellman exchange. */
struct ike_dh;
size_t	ike_group_len(unsigned group);		/* of public values; 0: unknown group */
const char *ike_group_name(unsigned group);
struct ike_dh *ike_dh_new(unsigned group);	/* makes a key pair */
void	ike_dh_free(struct ike_dh *dh);
const uint8_t *ike_dh_public(const struct ike_dh *dh);	/* ike_group_len() bytes */
/* The shared secret of the length the group fixes (at most IKE_KE_MAX). Its
 * length, or -1 if peer's value is none of the group (RFC 2412 §5; RFC 5903 §4). */
int	ike_dh_derive(struct ike_dh *dh, const uint8_t *peer, size_t len, uint8_t *out);
/* For known-answer tests: a pair from a given private value. */
struct ike_dh *ike_dh_from_private(unsigned group, const uint8_t *priv, size_t len);

struct ike_keys {				/* Phase 1 */
	uint8_t skeyid[IKE_HASH_MAX], d[IKE_HASH_MAX], a[IKE_HASH_MAX], e[IKE_HASH_MAX];
	size_t	len;				/* of each of the four */
	uint8_t enc[32];			/* the cipher's key */
	size_t	enc_len;
};

/*
 * SKEYID and what follows from it (RFC 2409 §5).  psk NULL: signatures.
 * Cookies as on the wire. 0, or -1.
 */
int	ike_keys_derive(struct ike_keys *k, unsigned hash, unsigned enc,
	    unsigned enc_bits, const uint8_t *psk, size_t psk_len,
	    const struct ike_chunk *ni, const struct ike_chunk *nr,
	    const struct ike_chunk *gxy, const uint8_t cookies[16]);

/* KEYMAT (RFC 2409 §5.5): len bytes; gxy NULL without PFS. */
int	ike_keymat(const struct ike_keys *k, unsigned hash,
	    const struct ike_chunk *gxy, uint8_t protocol, uint32_t spi,
	    const struct ike_chunk *ni, const struct ike_chunk *nr,
	    uint8_t *out, size_t len);

/* PKCS #1 private-key encryption of a hash, no OID (RFC 2409 §5.1). Length, or -1. */
int	ike_sign(EVP_PKEY *key, const uint8_t *hash, size_t len, uint8_t sig[IKE_SIG_MAX]);
bool	ike_verify(const struct pubkey *key, const uint8_t *hash, size_t len,
	    const uint8_t *sig, size_t sig_len);

#endif
