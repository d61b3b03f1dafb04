/* dns_message.h - DNS answers made for tests */
#ifndef TESTS_UNIT_DNS_MESSAGE_H
#define TESTS_UNIT_DNS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "oe/pubkey.h"

#define DNS_MESSAGE_MAX	16384
#define DNS_FLAG_AD	0x0020
#define DNS_RCODE(n)	(n)

/* A message under construction: first the answers, then the authority. */
struct dns_message {
	uint8_t	      buf[DNS_MESSAGE_MAX];
	struct writer w;
};

/* Header with flags (QR, RD, RA are added) and the question (name, type). */
void	dns_message_init(struct dns_message *m, const char *name, uint16_t type,
	    uint16_t flags);
/* owner NULL: a compression pointer to the question's name. */
void	dns_message_answer(struct dns_message *m, const char *owner,
	    uint16_t type, uint32_t ttl, const void *data, size_t len);
/* text is cut into strings of at most chunk (1..255) bytes. */
void	dns_message_txt(struct dns_message *m, const char *owner, uint32_t ttl,
	    const char *text, size_t chunk);
void	dns_message_cname(struct dns_message *m, const char *owner,
	    uint32_t ttl, const char *target);
void	dns_message_soa(struct dns_message *m, const char *owner, uint32_t ttl,
	    uint32_t minimum);

/* A well-formed RSA public key of this many bits (a multiple of 8) with
 * exponent 65537; seed makes it another one.  Nobody has its private half. */
void	dns_message_key(struct pubkey *k, unsigned bits, unsigned seed);
/* KEY data (RFC 2535 §3.1): flags, IPsec, RSA, k. Returns the length. */
size_t	dns_message_key_data(uint8_t *out, uint16_t flags, uint8_t protocol,
	    uint8_t algorithm, const struct pubkey *k);

#endif
