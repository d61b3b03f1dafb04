/* prf.h - hash functions, and HMAC as pseudo-random function (RFC 2409 §4; RFC 7296 §2.13) */
#ifndef OE_IKE_PRF_H
#define OE_IKE_PRF_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

#define IKE_HASH_MAX	64		/* octets; SHA2-512 */

/* IKEv1's attribute values (RFC 2409 App. A; RFC 4868 §2.7); IKEv2 maps its
 * transform ids to them. */
enum ike_hash {
	IKE_MD5 = 1,
	IKE_SHA1 = 2,
	IKE_SHA2_256 = 4,
	IKE_SHA2_384 = 5,
	IKE_SHA2_512 = 6,
};

struct ike_chunk { const void *p; size_t len; };	/* borrowed octets */

/* Octets of a hash's output, 0 if we do not have it. */
size_t	ike_hash_len(unsigned hash);
const char *ike_hash_name(unsigned hash);
/* Hash, and HMAC, over n chunks in a row; out holds IKE_HASH_MAX. 0, or -1. */
int	ike_hash(unsigned hash, const struct ike_chunk *c, size_t n,
	    uint8_t *out);
int	ike_prf(unsigned hash, const uint8_t *key, size_t key_len,
	    const struct ike_chunk *c, size_t n, uint8_t *out);
/* The same key for several: EVP_MAC_CTX_free() forgets it; NULL: there is none
 * such. */
EVP_MAC_CTX *ike_prf_key(unsigned hash, const uint8_t *key, size_t key_len);
int	ike_prf_keyed(const EVP_MAC_CTX *key, const struct ike_chunk *c,
	    size_t n, uint8_t *out);

#endif
