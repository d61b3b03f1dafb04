/* pubkey.h - keys of RSA, ECDSA and Ed25519: files, and the forms in DNS records (RFC 3110, 6605, 8080, 4025) */
#ifndef OE_PUBKEY_H
#define OE_PUBKEY_H

#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PUBKEY_BITS_MIN	2048	/* default floor for what we accept */
#define PUBKEY_BITS_MAX	8192
#define PUBKEY_WIRE_MAX	1100	/* RFC 3110 form of 8192 bits, exponent
				 * of up to 64 bits */

/* Numbered as IPSECKEY's algorithms (RFC 4025 §2.4, RFC 8005 §5.2 and IANA). */
enum pubkey_type {
	PUBKEY_NONE = 0,
	PUBKEY_RSA = 2,			/* RFC 3110: exponent length,
					 * exponent, modulus */
	PUBKEY_ECDSA = 3,		/* RFC 6605 §4: x | y,
					 * of P-256 or P-384 */
	PUBKEY_ED25519 = 4,		/* RFC 8080 §3: the 32 bytes
					 * of RFC 8032 §5.1.2 */
};

/* A peer's public key; copies share nothing. */
struct pubkey {
	enum pubkey_type type;
	size_t	len;			/* 0: none */
	uint8_t	wire[PUBKEY_WIRE_MAX];	/* as the type says */
};

/*
 * Takes the bytes of a key of that type.  RSA: checks form and size (bits of
 * the modulus at least min_bits, at most PUBKEY_BITS_MAX); ECDSA: the point is
 * on the curve.  0, or -1.
 */
int	pubkey_from_wire(struct pubkey *k, enum pubkey_type type,
	    const uint8_t *p, size_t len, unsigned min_bits);
/* Are these bytes a key of that type at all, be it one that we cannot use? */
bool	pubkey_is_key(enum pubkey_type type, const uint8_t *p, size_t len);
/*
 * Base64 with white space allowed, as in TXT, KEY and IPSECKEY text.  The
 * length says which type it is: no key of RSA is as short as 96 bytes.
 */
int	pubkey_from_base64(struct pubkey *k, const char *s, size_t len,
	    unsigned min_bits);
int	pubkey_to_base64(const struct pubkey *k, char *out, size_t cap);
/* Of the modulus, the curve's field or, for Ed25519, of the key itself. */
unsigned pubkey_bits(const struct pubkey *k);
/* "RSA 2048", "ECDSA P-256", "Ed25519": static, or in out. */
#define PUBKEY_KIND_MAX	16
const char *pubkey_kind(const struct pubkey *k, char out[PUBKEY_KIND_MAX]);
#define PUBKEY_KIND(k)	pubkey_kind((k), (char[PUBKEY_KIND_MAX]){ 0 })
/* First 9 characters of base64 as FreeS/WAN names keys, terminated. */
void	pubkey_short(const struct pubkey *k, char out[10]);

/* New OpenSSL key from k; the caller frees. NULL if OpenSSL refuses it. */
EVP_PKEY *pubkey_to_evp(const struct pubkey *k);
int	pubkey_from_evp(struct pubkey *k, EVP_PKEY *pkey);
/* A new key of OpenSSL's out of parameters, or of what was pushed into a
 * builder: type "RSA", "EC", "DH", "X25519", a string that stays; what as of
 * EVP_PKEY_fromdata(3).  NULL if that is none. */
EVP_PKEY *pubkey_from_params(const char *type, int what, OSSL_PARAM *params);
EVP_PKEY *pubkey_from_builder(const char *type, int what, OSSL_PARAM_BLD *bld);

/*
 * Reads an unencrypted PEM private key of one of these types from a file that
 * only its owner can read (conf_open_secret). NULL after one log line that
 * says what to mend.
 */
EVP_PKEY *pubkey_load_private(const char *path);
/* Makes a key and writes it to path with mode 0600; refuses to overwrite.
 * bits: of RSA, or 256 and 384 of ECDSA. */
EVP_PKEY *pubkey_generate(const char *path, enum pubkey_type type,
	    unsigned bits);

/* Same type and same bytes. */
bool	pubkey_equal(const struct pubkey *a, const struct pubkey *b);
/* Appends k to a list of n keys on the heap, unless k is empty, there
 * already, or beyond max. */
void	pubkey_list_add(struct pubkey **list, unsigned *n, unsigned max,
	    const struct pubkey *k);

#endif
