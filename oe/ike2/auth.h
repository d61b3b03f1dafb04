/* auth.h - AUTH payloads: what is signed, and by which method (RFC 7296 §2.15, §3.8; RFC 7427, RFC 7619 §2.1) */
#ifndef OE_IKE2_AUTH_H
#define OE_IKE2_AUTH_H

#include "oe/ike/sign.h"
#include "oe/ike2/keys.h"

enum ike2_method {			/* §3.8; RFC 4754, RFC 7427, RFC 7619 */
	IKE2_METHOD_RSA = 1,		/* PKCS #1 v1.5 with SHA-1: verified
					 * where "legacy" says so */
	IKE2_METHOD_PSK = 2,
	IKE2_METHOD_ECDSA_256 = 9,
	IKE2_METHOD_ECDSA_384 = 10,
	IKE2_METHOD_ECDSA_521 = 11,
	IKE2_METHOD_NULL = 13,
	IKE2_METHOD_DIGITAL = 14,
};

#define IKE2_RSA_BITS_MIN	2048	/* RFC 8247 §4: 1024
					 * and less MUST NOT */
#define IKE2_AUTH_MAX		(4 + IKE_DIGITAL_MAX)	/* octets of a body */

/* What one side of an IKE_AUTH exchange signs. */
struct ike2_signed {
	const struct ike2_keys *keys;
	bool	       initiator;	/* whose octets these are */
	const uint8_t *message;		/* the IKE_SA_INIT message as last
					 * sent, without marker */
	size_t	       message_len;
	const struct ike2_nonce *nonce;	/* the other's */
	const uint8_t *id;		/* the ID payload's
					 * body, as on the wire */
	size_t	       id_len;
};

/* How one side proves who it is. */
struct ike2_credential {
	EVP_PKEY      *key;		/* borrowed; NULL: a
					 * secret, or nothing */
	const uint8_t *psk;		/* NULL: nothing, which is
					 * NULL authentication */
	size_t	       psk_len;
	unsigned       hashes;		/* that the peer takes (IKE_SIGN_*);
					 * 0: it did not say */
	bool	       pkcs1;		/* RSA: v1.5, to a peer that
					 * does not know PSS */
};

/*
 * The body of our AUTH payload; out holds IKE2_AUTH_MAX.  Its length, or -1:
 * the key has no method that the peer could verify.
 */
int	ike2_auth_make(const struct ike2_signed *s,
	    const struct ike2_credential *c, uint8_t *out);

/* A body's method, 0 if it is malformed. */
uint8_t	ike2_auth_method(const uint8_t *body, size_t len);
/*
 * Does a peer's AUTH payload prove that it has the secret half of key?  The
 * methods of signatures only.  legacy: SHA-1 will do (method 1).
 */
bool	ike2_auth_verify_key(const struct ike2_signed *s, EVP_PKEY *key,
	    bool legacy, const uint8_t *body, size_t len);
/* Does it know the secret (method 2)? */
bool	ike2_auth_verify_psk(const struct ike2_signed *s, const uint8_t *psk,
	    size_t psk_len, const uint8_t *body, size_t len);
/* Did it at least make the keys (method 13)?  Proves no
 * identity (RFC 7619 §2). */
bool	ike2_auth_verify_null(const struct ike2_signed *s, const uint8_t *body,
	    size_t len);

/* The data of SIGNATURE_HASH_ALGORITHMS: those we take; and a
 * peer's as a set. */
void	ike2_hashes_write(struct writer *w);
unsigned ike2_hashes_read(const uint8_t *data, size_t len);

#endif
