/* sealed.h - what an IKE SA encrypts: SK and SKF payloads (RFC 7296 §3.14, RFC 5282, RFC 7634, RFC 7383 §2.5) */
#ifndef OE_IKE2_SEALED_H
#define OE_IKE2_SEALED_H

#include "oe/ike2/algorithm.h"
#include "oe/ike2/message.h"

/* One direction's keys (SK_e and SK_a); to be wiped. */
struct ike2_key {
	const struct ike2_encr_info  *encr;
	const struct ike2_integ_info *integ;	/* NULL: a combined mode */
	uint8_t	 enc[IKE2_ENCR_KEY_MAX];	/* encr->key_len octets */
	uint8_t	 auth[IKE2_INTEG_KEY_MAX];	/* integ->key_len octets */
	uint64_t iv;			/* combined modes: the next, never
					 * twice (RFC 5282 §3) */
};

/* 0, or -1: a cipher without its MAC, or a combined mode with one
 * (RFC 5282 §8). The lengths of enc and auth are the algorithms'. */
int	ike2_key_init(struct ike2_key *k, const struct ike2_encr_info *encr,
	    const struct ike2_integ_info *integ, const uint8_t *enc,
	    const uint8_t *auth);

/* Which part of a message an SKF is; both 0: an SK. */
struct ike2_fragment_no { uint16_t number, total; };

/* The whole message's length (header included) that carries len octets. */
size_t	ike2_sealed_len(const struct ike2_key *k, size_t len, bool fragment);
/* The reverse: how many octets a message of at most size carries; 0: none. */
size_t	ike2_sealed_room(const struct ike2_key *k, size_t size, bool fragment);

/*
 * Writes a message that is header h and one SK or SKF around the len octets
 * at p, which are a chain that begins with type first, or a part of one.
 * h's first and length are filled in.  Its length, or 0 if it did not fit
 * or OpenSSL failed.
 */
size_t	ike2_seal(struct ike2_key *k, const struct ike2_header *h,
	    uint8_t first, struct ike2_fragment_no no, const uint8_t *p,
	    size_t len, uint8_t *out, size_t cap);

/* An SKF's numbers, checked as RFC 7383 §2.6 wants; an SK has 0
 * and 0.  0, or -1. */
int	ike2_fragment_no(const struct ike2_part *sk,
	    struct ike2_fragment_no *no);

/*
 * Checks and decrypts sk, the last payload of the message msg.  out holds at
 * least sk->len octets.  The length of what was inside, or -1: nothing of it is
 * to be believed.
 */
int	ike2_unseal(const struct ike2_key *k, const uint8_t *msg, size_t len,
	    const struct ike2_part *sk, uint8_t *out);

#endif
