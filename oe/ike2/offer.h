/* offer.h - SA payloads: what is offered, chosen, accepted (RFC 7296 §2.7, §3.3; RFC 8247) */
#ifndef OE_IKE2_OFFER_H
#define OE_IKE2_OFFER_H

#include "oe/ike2/algorithm.h"
#include "oe/ike2/message.h"

#define IKE2_OFFER_MAX	512		/* octets of our own SA payloads */

struct ike2_suite {			/* one transform of each type */
	uint16_t encr, bits;		/* bits 0: the cipher
					 * has one key length */
	uint16_t prf;			/* IKE only */
	uint16_t integ;			/* 0: a combined mode */
	uint16_t ke;			/* 0: none */
	bool	 esn;			/* ESP only */
};

/* What an SA payload is about. */
struct ike2_terms {
	uint8_t	 protocol;		/* IKE2_PROTO_IKE or IKE2_PROTO_ESP */
	uint8_t	 spi_len;		/* octets: 0 in IKE_SA_INIT, 8 when an
					 * IKE SA is rekeyed, 4 */
	bool	 first_child;		/* in IKE_AUTH: no key exchange
					 * of its own (§1.2) */
	uint16_t ke;			/* of the KE payload beside it;
					 * 0: there is none */
	bool	 no_esn;		/* our ESP cannot */
	unsigned ciphers;		/* of ESP: IKE2_ESP_*; 0: all */
};

/* Ciphers of ESP, each with all that goes with it. */
enum {
	IKE2_ESP_AES_GCM_256 = 1 << 0,
	IKE2_ESP_AES_GCM_128 = 1 << 1,
	IKE2_ESP_CHACHA20 = 1 << 2,
	IKE2_ESP_AES_CBC_256 = 1 << 3,
	IKE2_ESP_AES_CBC_128 = 1 << 4,
};

/*
 * Writes an SA body: what we offer, best first, ciphers that need a MAC in a
 * proposal of their own.  t->ke 0 in a child's: no key exchange; else the
 * groups from t->ke on, and none at all as last resort (the peer's first child
 * was keyed without).
 */
void	ike2_offer_write(struct writer *w, const struct ike2_terms *t,
	    uint64_t spi);

struct ike2_choice {			/* a responder's */
	struct ike2_suite suite;
	uint8_t	 number;		/* of the proposal */
	unsigned types;			/* bit of each transform
					 * type that it has */
	uint64_t spi;			/* the peer's */
};

enum ike2_offer_result {
	IKE2_OFFER_OK,
	IKE2_OFFER_MALFORMED,		/* INVALID_SYNTAX */
	IKE2_OFFER_NONE,		/* NO_PROPOSAL_CHOSEN */
};

/*
 * Responder: the first proposal of which we can take one transform of each
 * type, and of several the one that we like best; of groups the one that t->ke
 * names, if it is acceptable.  Where suite.ke is another, not 0, the peer is to
 * be told INVALID_KE_PAYLOAD.
 */
enum ike2_offer_result ike2_offer_choose(const uint8_t *body, size_t len,
	    const struct ike2_terms *t, struct ike2_choice *out);
/* The SA body that answers so. */
void	ike2_offer_answer(struct writer *w, const struct ike2_choice *c,
	    const struct ike2_terms *t, uint64_t spi);
/*
 * Initiator: an answer must be one proposal of ours, one transform of each type
 * (§3.3.6).  offer: the body that we sent.  spi: the peer's.
 */
enum ike2_offer_result ike2_offer_accept(const uint8_t *body, size_t len,
	    const uint8_t *offer, size_t offer_len, const struct ike2_terms *t,
	    struct ike2_suite *out, uint64_t *spi);

/* Would we use this group, and take it from others? */
bool	ike2_ke_allowed(unsigned group);
/* "AES-256-GCM, PRF-HMAC-SHA2-512, Curve25519"; returns out. */
const char *ike2_suite_text(const struct ike2_suite *s, char *out, size_t cap);

/* A KE payload with our public value (RFC 7296 §3.4). */
struct ike_dh;
void	ike2_ke_put(struct ike2_builder *b, uint16_t group,
	    const struct ike_dh *dh);

#endif
