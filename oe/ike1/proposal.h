/* proposal.h - SA payloads: what is offered and what is chosen (RFC 2407 §4, RFC 2408 §4.2, RFC 2409 App. A) */
#ifndef OE_IKE1_PROPOSAL_H
#define OE_IKE1_PROPOSAL_H

#include "oe/esp/params.h"
#include "oe/ike1/keys.h"
#include "oe/ike1/isakmp.h"

/* RFC 2407 §4.5; RFC 3947 §5.1. */
enum ike1_encapsulation { IKE1_TUNNEL = 1, IKE1_UDP_TUNNEL = 3 };

struct ike1_suite {			/* what a Phase 1 SA agreed on */
	uint16_t enc, enc_bits;	/* bits 0: the cipher has one key length */
	uint16_t hash, auth, group;
	uint32_t lifetime;		/* seconds, 0: not said */
	uint64_t bytes;			/* 0: no limit */
};

struct ike1_esp_suite {			/* what a Phase 2 SA agreed on */
	enum esp_cipher cipher;
	uint16_t cipher_bits;
	enum esp_auth auth;
	uint16_t group;			/* 0: no PFS */
	uint16_t encapsulation;		/* IKE1_TUNNEL or IKE1_UDP_TUNNEL */
	uint32_t lifetime;		/* seconds, 0: not said */
	uint64_t bytes;			/* 0: no limit */
	bool	 esn;
};

/* Writes the body of the Phase 1 SA payload that we offer, best first (draft
 * -17 §4.6.1: MODP-1536 before MODP-1024). legacy: 3DES, MD5, SHA1, groups 2, 5
 * too. */
void	proposal_offer_phase1(struct writer *w, uint16_t auth, bool legacy,
	    uint32_t lifetime);
/*
 * Responder: picks the first transform offered that we take, and writes the SA
 * body of the answer.  auths: bit (1 << IKE_*) for each method we can do. 0, or
 * -1.
 */
int	proposal_choose_phase1(const uint8_t *sa, size_t len, unsigned auths,
	    bool legacy, struct ike1_suite *out, struct writer *answer);
/*
 * Initiator: reads the one transform in an answer.  It must equal one of offer,
 * the SA body we sent, in every attribute (RFC 2409 §5). 0, or -1.
 */
int	proposal_accept_phase1(const uint8_t *sa, size_t len,
	    const uint8_t *offer, size_t offer_len, struct ike1_suite *out);

struct proposal_phase2 {		/* what we want of all proposals */
	uint16_t group;		/* of the KE payload that goes with it */
	uint16_t encapsulation;
	bool	 legacy, esn;
	uint32_t lifetime;		/* seconds */
	uint32_t kilobytes;		/* 0: no limit */
};
void	proposal_offer_phase2(struct writer *w, uint32_t spi,
	    const struct proposal_phase2 *p);
/* spi: the peer's, host order. 0, or -1. choice is needed for the answer. */
struct proposal_choice {
	uint8_t proposal, protocol, transform, transform_id;
	const uint8_t *attrs;		/* borrowed from the offer */
	size_t	attrs_len;
};
int	proposal_choose_phase2(const uint8_t *sa, size_t len,
	    uint16_t encapsulation, bool legacy, struct ike1_esp_suite *out,
	    uint32_t *spi, struct proposal_choice *choice);
/* Attributes of a RESPONDER-LIFETIME notify (RFC 2407 §4.6.3.1). */
void	proposal_put_lifetime(struct writer *w, uint32_t seconds);
/* Lowers lifetimes to those in such a notify. */
void	proposal_get_lifetime(const uint8_t *p, size_t len, uint32_t *seconds,
	    uint64_t *bytes);
/* Writes the SA body that answers with what was chosen; spi: of ESP. */
void	proposal_answer(struct writer *w, const struct proposal_choice *c,
	    uint32_t spi);
/* As proposal_accept_phase1(). */
int	proposal_accept_phase2(const uint8_t *sa, size_t len,
	    const uint8_t *offer, size_t offer_len, struct ike1_esp_suite *out,
	    uint32_t *spi);

#endif
