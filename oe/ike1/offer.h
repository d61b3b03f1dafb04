/* offer.h - the different Phase 1 offers that initiators make, each kept once for all of them */
#ifndef OE_IKE1_OFFER_H
#define OE_IKE1_OFFER_H

#include "oe/ike1/table.h"

/* An empty table of offers; all of them go at the end. */
void	offers_init(struct ike1 *e);
void	offers_free(struct ike1 *e);
/* The body of an SA payload; NULL if none of it is acceptable. */
struct ike1_offer *offer_get(struct ike1 *e, uint64_t now, const uint8_t *body,
	    size_t len);
/* The offer that an SA has the index of. */
struct ike1_offer *offer_at(struct ike1 *e, unsigned index);
/* A peer that proved its identity made this offer: strangers cannot displace
 * it. */
void	offer_prove(struct ike1 *e, uint64_t now, const uint8_t *body,
	    size_t len);

#endif
