/* pubkey.h - RSA keys: files, and the forms in DNS records (RFC 3110, RFC 2535 §3, RFC 4025, RFC 4322 §5) */
#ifndef OE_PUBKEY_H
#define OE_PUBKEY_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PUBKEY_BITS_MIN	2048	/* default floor for what we accept */
#define PUBKEY_BITS_MAX	8192
#define PUBKEY_WIRE_MAX	1100	/* RFC 3110 form of 8192 bits, exponent of up to 64 bits */

/* A peer's public key; copies share nothing. */
struct pubkey {
	size_t	len;
	uint8_t	wire[PUBKEY_WIRE_MAX];	/* RFC 3110: exponent length, exponent, modulus */
};

/* Takes RFC 3110 bytes; checks form and size (bits of the modulus at least
 * min_bits, at most PUBKEY_BITS_MAX). 0, or -1. */
int	pubkey_from_wire(struct pubkey *k, const uint8_t *p, size_t len, unsigned min_bits);
/* Are these RFC 3110 bytes a key at all, be it one that we cannot use? */
bool	pubkey_is_key(const uint8_t *p, size_t len);
/* Base64 with white space allowed, as in TXT, KEY and IPSECKEY text. */
int	pubkey_from_base64(struct pubkey *k, const char *s, size_t len, unsigned min_bits);
int	pubkey_to_base64(const struct pubkey *k, char *out, size_t cap);
unsigned pubkey_bits(const struct pubkey *k);
/* First 9 characters of base64 as FreeS/WAN names keys, terminated. */
void	pubkey_short(const struct pubkey *k, char out[10]);

/* New OpenSSL key from k; the caller frees. NULL if OpenSSL refuses it. */
EVP_PKEY *pubkey_to_evp(const struct pubkey *k);
int	pubkey_from_evp(struct pubkey *k, EVP_PKEY *pkey);

/*
 * Reads an unencrypted PEM private key of RSA from a file that only its owner
 * can read (conf_open_secret). NULL after one log line that says what to mend.
 */
EVP_PKEY *pubkey_load_private(const char *path);
/* Makes a key and writes it to path with mode 0600; refuses to overwrite. */
EVP_PKEY *pubkey_generate(const char *path, unsigned bits);

bool	pubkey_equal(const struct pubkey *a, const struct pubkey *b);
/* Appends k to a list of n keys on the heap, unless k is empty, there already, or
 * beyond max. */
void	pubkey_list_add(struct pubkey **list, unsigned *n, unsigned max,
	    const struct pubkey *k);

#endif
