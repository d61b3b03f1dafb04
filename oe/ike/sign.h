/* sign.h - signatures over what was exchanged: IKEv1's (RFC 2409 §5.1) and IKEv2's (RFC 7427, RFC 7296 §2.15, RFC 4754) */
#ifndef OE_IKE_SIGN_H
#define OE_IKE_SIGN_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oe/ike/prf.h"
#include "oe/pubkey.h"

#define IKE_SIG_MAX	(PUBKEY_BITS_MAX / 8)	/* octets of an RSA signature */

/*
 * PKCS #1 private-key encryption of a hash without saying which (no OID):
 * IKEv1's signature. Its length, or -1.
 */
int	ike_sign(EVP_PKEY *key, const uint8_t *hash, size_t len,
	    uint8_t sig[IKE_SIG_MAX]);
bool	ike_verify(const struct pubkey *key, const uint8_t *hash, size_t len,
	    const uint8_t *sig, size_t sig_len);

/* What SIGNATURE_HASH_ALGORITHMS names (RFC 7427 §4, §7; RFC 8420 §2); a set
 * of them has the bit 1 << IKE_SIGN_* of each. */
enum ike_sign_hash {
	IKE_SIGN_SHA2_256 = 2,
	IKE_SIGN_SHA2_384 = 3,
	IKE_SIGN_SHA2_512 = 4,
	IKE_SIGN_IDENTITY = 5,		/* Ed25519 hashes by itself */
};
#define IKE_SIGN_HASHES	(1u << IKE_SIGN_SHA2_256 | 1u << IKE_SIGN_SHA2_384 | \
	    1u << IKE_SIGN_SHA2_512 | 1u << IKE_SIGN_IDENTITY)

#define IKE_DIGITAL_MAX	(1 + 255 + IKE_SIG_MAX)	/* octets */

/*
 * Authentication Data of method 14, Digital Signature: length of an
 * AlgorithmIdentifier, it, and a signature over n chunks in a row.  hashes: the
 * set that the peer takes; the strongest is used, with an elliptic curve the
 * one of its strength.  pss: RSA signs as RSASSA-PSS with a salt of the hash's
 * length, else as PKCS #1 v1.5.  The length, or -1: no hash in common, a key of
 * another kind than RSA, ECDSA (P-256, P-384, P-521) and Ed25519, or no memory.
 */
int	ike_sign_digital(EVP_PKEY *key, unsigned hashes, bool pss,
	    const struct ike_chunk *c, size_t n,
	    uint8_t out[IKE_DIGITAL_MAX]);
/*
 * Does such data verify?  hashes: the set that we announced.  The identifier is
 * hostile and compared parsed, as one algorithm has several encodings; it must
 * fit the key.  RSA exponents below 65537 are refused.
 */
bool	ike_verify_digital(EVP_PKEY *key, unsigned hashes,
	    const struct ike_chunk *c, size_t n, const uint8_t *data,
	    size_t len);

/* Methods of RFC 7296 §3.8 and RFC 4754 §7 whose data is a bare signature. */
enum ike_sign_method {
	IKE_METHOD_RSA = 1,	/* PKCS #1 v1.5, taken with SHA-1 alone */
	IKE_METHOD_ECDSA_256 = 9,	/* P-256 with SHA2-256, r | s */
	IKE_METHOD_ECDSA_384 = 10,
	IKE_METHOD_ECDSA_521 = 11,	/* P-521 with SHA2-512 */
	IKE_METHOD_DIGITAL = 14,
};
/*
 * Signs by the key's own one of RFC 4754's methods, for peers that do not know
 * method 14.  The length, *method says which; -1: there is none for such a key.
 */
int	ike_sign_method(EVP_PKEY *key, const struct ike_chunk *c, size_t n,
	    uint8_t *method, uint8_t sig[IKE_SIG_MAX]);
/* Does a signature by one of the first four verify?  Whether SHA-1 is good
 * enough is for the caller to say. */
bool	ike_verify_method(EVP_PKEY *key, unsigned method,
	    const struct ike_chunk *c, size_t n, const uint8_t *sig,
	    size_t len);

#endif
