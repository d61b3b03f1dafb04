/* rekey.h - an IKE SA takes another's place */
#ifndef OE_IKE2_REKEY_H
#define OE_IKE2_REKEY_H

#include "oe/ike2/sa.h"

/* Initiator: CREATE_CHILD_SA about the IKE SA itself
 * (RFC 7296 §1.3.2), and its answer. */
void	ike2_rekey_start(struct ike2_sa *sa, uint64_t now);
void	ike2_rekey_answer(struct ike2_sa *sa, uint64_t now,
	    const struct ike2_chain *m);
/* Responder: the peer's. */
void	ike2_rekey_request(struct ike2_sa *sa, uint64_t now,
	    const struct ike2_chain *m);
/* The IKE SA that the peer made while we were at it takes over; false: none. */
bool	ike2_rekey_yield(struct ike2_sa *sa, uint64_t now);

#endif
