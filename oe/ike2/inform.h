/* inform.h - INFORMATIONAL, and a peer that answers nothing */
#ifndef OE_IKE2_INFORM_H
#define OE_IKE2_INFORM_H

#include "oe/ike2/sa.h"

/* An INFORMATIONAL of the peer is answered; an answer to
 * ours, which did job. */
void	ike2_inform_request(struct ike2_sa *sa, uint64_t now,
	    const struct ike2_chain *m);
void	ike2_inform_answer(struct ike2_sa *sa, uint64_t now, enum ike2_job job,
	    struct ike2_child *child, const struct ike2_chain *m);
/* Starts the one that is wanted most; false: none is. */
bool	ike2_inform_start(struct ike2_sa *sa, uint64_t now);
/* Deletes the IKE SA; its window is free. */
void	ike2_inform_close(struct ike2_sa *sa, uint64_t now);
/* Nobody answers any more. */
void	ike2_peer_dead(struct ike2_sa *sa, bool asked);

#endif
