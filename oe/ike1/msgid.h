/* msgid.h - message ids: each is good once in the life of a Phase 1 SA (RFC 2408 §3.1; RFC 2409 §5.5, §5.7) */
#ifndef OE_IKE1_MSGID_H
#define OE_IKE1_MSGID_H

#include "oe/ike1/table.h"

/* Any but 0. */
uint32_t msgid_random(void);
/* Notes that an exchange began; false if there was one of this id, or too
 * many. */
bool	msgid_use(struct ike1_sa *sa, uint64_t now, uint8_t exchange,
	    uint32_t id);
/* A fresh id for an exchange of ours. */
uint32_t msgid_new(struct ike1_sa *sa, uint64_t now, uint8_t exchange);

#endif
