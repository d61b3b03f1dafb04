/* phase2.h - Quick Mode with perfect forward secrecy, in both roles (RFC 2409 §5.5) */
#ifndef OE_IKE1_PHASE2_H
#define OE_IKE1_PHASE2_H

#include "oe/ike1/table.h"

/* Initiator: message 1 of a Quick Mode. */
void	phase2_start(struct ike1_child *c, uint64_t now);
/* A Quick Mode message under sa: a new negotiation, or one under way. */
void	phase2_message(struct ike1_sa *sa, uint64_t now,
	    const struct isakmp_header *h, const uint8_t *buf, size_t len);
/* The peer has its half. */
void	phase2_confirmed(struct ike1_child *c);
/* conn NULL: refused. */
void	phase2_authorized(struct ike1_child *c, uint64_t now, void *conn);

#endif
