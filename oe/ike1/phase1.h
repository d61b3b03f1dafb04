/* phase1.h - Main Mode after its first message, in both roles, with RSA signatures or a pre-shared key (RFC 2409 §5.1, §5.4) */
#ifndef OE_IKE1_PHASE1_H
#define OE_IKE1_PHASE1_H

#include "oe/ike1/table.h"

/* Initiator: message 1. */
void	phase1_start(struct ike1_sa *sa, uint64_t now);
/* RFC 3104 §6.1: a new initiator cookie for each repetition of message 1. */
void	phase1_retry_first(struct ike1_sa *sa, uint64_t now);
/* Vendor IDs of messages 1 and 2: what we can of NAT traversal and dead peer
 * detection, and what the peer can. */
void	phase1_put_vendor_ids(struct isakmp_builder *b, bool natt, bool dpd);
void	phase1_note_vendor_ids(const struct ike1 *e,
	    const struct isakmp_message *m, bool *natt, bool *dpd);
/* Messages 2 to 6, in clear or encrypted as they come. */
void	phase1_message(struct ike1_sa *sa, uint64_t now,
	    const struct isakmp_header *h, const uint8_t *buf, size_t len);
/* Responder: the peer's keys, or the pre-shared key, have come. */
void	phase1_keys_found(struct ike1_sa *sa, uint64_t now);

#endif
