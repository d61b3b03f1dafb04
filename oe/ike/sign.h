/* sign.h - signatures over what was exchanged: IKEv1's (RFC 2409 §5.1) */
#ifndef OE_IKE_SIGN_H
#define OE_IKE_SIGN_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oe/pubkey.h"

#define IKE_SIG_MAX	(PUBKEY_BITS_MAX / 8)	/* octets of an RSA signature */

/*
 * PKCS #1 private-key encryption of a hash without saying which (no OID): IKEv1's
 * signature. Its length, or -1.
 */
int	ike_sign(EVP_PKEY *key, const uint8_t *hash, size_t len,
	    uint8_t sig[IKE_SIG_MAX]);
bool	ike_verify(const struct pubkey *key, const uint8_t *hash, size_t len,
	    const uint8_t *sig, size_t sig_len);

#endif
