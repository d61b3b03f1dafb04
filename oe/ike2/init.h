/* init.h - IKE_SA_INIT in both roles */
#ifndef OE_IKE2_INIT_H
#define OE_IKE2_INIT_H

#include "oe/ike2/sa.h"

/* Initiator: draws nonce and key pair and sends the first message; 0, or -1. */
int	ike2_init_start(struct ike2_sa *sa, uint64_t now);
/* Three times without an answer: another SPI, another message. */
int	ike2_init_again(struct ike2_sa *sa, uint64_t now);
/* Responder: a stranger's first message.  Initiator: what came for ours. */
void	ike2_init_request(struct ike2 *e, uint64_t now,
	    const struct keying_path *path, const struct ike2_header *h,
	    const uint8_t *buf, size_t len);
void	ike2_init_answer(struct ike2_sa *sa, uint64_t now,
	    const struct ike2_header *h, const uint8_t *buf, size_t len);
/* Responder, when IKE_AUTH comes: the keys, if there are none yet.  0, or -1:
 * the peer's public value is none. */
int	ike2_init_keys(struct ike2_sa *sa);
/* What was refused in the clear, and is not taken back. */
void	ike2_init_give_up(struct ike2_sa *sa);

#endif
