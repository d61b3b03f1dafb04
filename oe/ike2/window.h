/* window.h - what goes out in an IKE SA: a request that waits, the answer to the peer's */
#ifndef OE_IKE2_WINDOW_H
#define OE_IKE2_WINDOW_H

#include "oe/ike2/sa.h"

/* A chain that is built in e->inner. */
void	ike2_inner_begin(struct ike2_sa *sa, struct ike2_builder *b);
/* Seals it as a request of ours, or as the answer to the peer's. 0, or -1. */
int	ike2_request_send(struct ike2_sa *sa, uint64_t now, enum ike2_job job,
	    uint8_t exchange, struct ike2_child *child, struct ike2_builder *b);
int	ike2_answer_send(struct ike2_sa *sa, uint64_t now, uint8_t exchange,
	    struct ike2_builder *b);
/* An answer in two steps, where others are called between: seal may be called
 * again for another answer, and only what was sealed last is sent. */
int	ike2_answer_seal(struct ike2_sa *sa, uint8_t exchange,
	    struct ike2_builder *b);
void	ike2_answer_flush(struct ike2_sa *sa, uint64_t now);
/* An answer that is one notify, and what it says in our log. */
void	ike2_answer_error(struct ike2_sa *sa, uint64_t now, uint8_t exchange,
	    uint16_t type);
/* Answers a CREATE_CHILD_SA request with an error; group: of
 * INVALID_KE_PAYLOAD. */
void	ike2_create_refuse(struct ike2_sa *sa, uint64_t now, uint16_t type,
	    uint16_t group);
/* A request in the clear, which waits for an answer. */
int	ike2_request_clear(struct ike2_sa *sa, uint64_t now, const uint8_t *buf,
	    size_t len);
void	ike2_request_done(struct ike2_sa *sa);
/* What waits for its answer goes out again, cut finer if a path may not take
 * it. */
/* Somebody waits for a sign of life of the peer: once more now,
 * and not for long. */
void	ike2_request_hurry(struct ike2_sa *sa, uint64_t now);
void	ike2_request_repeat(struct ike2_sa *sa, uint64_t now);
/* The answer to the request before, once more. */
void	ike2_answer_repeat(struct ike2_sa *sa);

#endif
