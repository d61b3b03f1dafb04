/* child.h - children in IKE_AUTH and CREATE_CHILD_SA */
#ifndef OE_IKE2_CHILD_H
#define OE_IKE2_CHILD_H

#include "oe/ike2/sa.h"

/* SA, TSi, TSr and what goes with them, of a child that we want. 0, or -1. */
int	ike2_child_put_offer(struct ike2_child *c, struct ike2_builder *b);
/* A responder's answer to it. 0; else the error notify, and why is said. */
uint16_t ike2_child_take_answer(struct ike2_child *c,
	    const struct ike2_chain *m);
/* Refused: was that for the address that was asked for beside it, unasked by
 * who wants the child?  Then it is to be asked for once more,
 * without (§2.21.2). */
bool	ike2_child_without_inner(struct ike2_child *c);
/* What an initiator wants. 0; else the error notify to answer with, and *group
 * with INVALID_KE_PAYLOAD. */
uint16_t ike2_child_take_offer(struct ike2_child *c, const struct ike2_chain *m,
	    uint16_t *group);
void	ike2_child_put_answer(struct ike2_child *c, struct ike2_builder *b);
/* Asks the shell whether the peer may have it. */
void	ike2_child_ask(struct ike2_child *c);
/* Keys are there: hands it over.  0, or -1. */
int	ike2_child_announce(struct ike2_child *c, uint64_t now,
	    const struct ike2_fresh *f);
void	ike2_child_confirm(struct ike2_child *c);
/* CREATE_CHILD_SA about children */
void	ike2_child_start(struct ike2_child *c, uint64_t now);
void	ike2_child_answer(struct ike2_child *c, uint64_t now,
	    const struct ike2_chain *m);
void	ike2_child_request(struct ike2_sa *sa, uint64_t now,
	    const struct ike2_chain *m);
void	ike2_child_authorized(struct ike2_child *c, uint64_t now, void *conn);
/* The answer brings no pair: error, 0: no keys could be made.  Where only we
 * say so, the peer's is deleted. */
void	ike2_child_not_made(struct ike2_child *c, uint64_t now,
	    const struct ike2_chain *m, uint16_t error);
/* Says that it is to go. */
void	ike2_child_delete(struct ike2_child *c, uint64_t now);

#endif
