/* ending.h - Phase 1 SAs whose time or place is over: their peers are told */
#ifndef OE_IKE1_ENDING_H
#define OE_IKE1_ENDING_H

#include "oe/ike1/table.h"

/* Deletes it, and says so unless that does harm. */
void	ending_sa(struct ike1_sa *sa, uint64_t now);
/* Without a Phase 2 SA it ends, or is looked at again later. */
void	ending_childless(struct ike1_sa *sa, uint64_t now);
/* Strangers' SAs are as many as may be: one that serves nothing makes room. */
void	ending_evict(struct ike1 *e, uint64_t now);
/* A responder's SA came up: the limits of its peer and of its address. */
void	ending_limits(struct ike1_sa *sa, uint64_t now);

#endif
