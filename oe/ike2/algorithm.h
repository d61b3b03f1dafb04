/* algorithm.h - the transforms that IKEv2 has here: numbers, names, lengths (RFC 7296 §3.3.2, RFC 8247) */
#ifndef OE_IKE2_ALGORITHM_H
#define OE_IKE2_ALGORITHM_H

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "oe/ike/prf.h"

enum ike2_type {			/* transform types, §3.3.2 */
	IKE2_T_ENCR = 1,
	IKE2_T_PRF = 2,
	IKE2_T_INTEG = 3,
	IKE2_T_KE = 4,	/* "D-H" there, Key Exchange Method since RFC 9370 */
	IKE2_T_ESN = 5,
};

enum ike2_encr {			/* RFC 3602, 5282, 7634 */
	IKE2_ENCR_AES_CBC = 12,
	IKE2_ENCR_AES_GCM_16 = 20,
	IKE2_ENCR_CHACHA20_POLY1305 = 28,
};
enum ike2_prf {				/* RFC 4868 */
	IKE2_PRF_HMAC_SHA2_256 = 5,
	IKE2_PRF_HMAC_SHA2_384 = 6,
	IKE2_PRF_HMAC_SHA2_512 = 7,
};
enum ike2_integ {			/* RFC 4868 */
	IKE2_INTEG_NONE = 0,
	IKE2_INTEG_HMAC_SHA2_256_128 = 12,
	IKE2_INTEG_HMAC_SHA2_384_192 = 13,
	IKE2_INTEG_HMAC_SHA2_512_256 = 14,
};
enum ike2_ke {				/* RFC 3526, 5903, 8031 */
	IKE2_KE_NONE = 0,
	IKE2_KE_MODP_2048 = 14,
	IKE2_KE_MODP_3072 = 15,
	IKE2_KE_MODP_4096 = 16,
	IKE2_KE_ECP_256 = 19,
	IKE2_KE_ECP_384 = 20,
	IKE2_KE_CURVE25519 = 31,
};

#define IKE2_ENCR_KEY_MAX	36	/* 256 bits and a salt */
#define IKE2_INTEG_KEY_MAX	64
#define IKE2_PRF_MAX		IKE_HASH_MAX

struct ike2_encr_info {
	uint16_t id, bits;		/* bits 0: no key length
					 * attribute, one length */
	const char *name;		/* OpenSSL's too */
	size_t	 key_len;		/* with the salt, as KEYMAT gives it */
	size_t	 salt_len;		/* combined modes; 0: a cipher
					 * that wants a MAC */
	size_t	 iv_len, block;
	size_t	 icv_len;		/* combined modes */
};
struct ike2_integ_info {
	uint16_t id;
	enum ike_hash hash;
	const char *name;
	size_t	 key_len, icv_len;
};
struct ike2_prf_info {
	uint16_t id;
	enum ike_hash hash;
	const char *name;
	size_t	 len;			/* of its output and of its keys */
};

/* NULL: we have none such.  bits as the key length attribute
 * says, 0 without one. */
const struct ike2_encr_info *ike2_encr_info(unsigned id, unsigned bits);
/* OpenSSL's, fetched once; NULL: it has none. */
const EVP_CIPHER *ike2_encr_evp(const struct ike2_encr_info *a);
const struct ike2_integ_info *ike2_integ_info(unsigned id);
const struct ike2_prf_info *ike2_prf_info(unsigned id);

#endif
