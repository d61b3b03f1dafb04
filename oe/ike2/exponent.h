/* exponent.h - what IKE_SA_INIT is answered with: an exponent of each group kept ready, another once one is used (RFC 7296 §2.12) */
#ifndef OE_IKE2_EXPONENT_H
#define OE_IKE2_EXPONENT_H

#include "oe/ike2/sa.h"

/*
 * All who begin while nobody has come back get the same public value, which
 * costs nothing; the first secret that is made with it retires it, and only
 * those that it was sent to before still have it, IKE2_HALF_OPEN_TIME at most.
 * What nobody comes back for is replaced IKE2_EXPONENT_TIME after it was sent
 * first.  Wiped when nobody has it any more.
 */
struct ike2_exponent {
	struct ike_dh *dh;
	unsigned       holders;		/* IKE SAs, and the engine while it is
					 * ready */
	uint16_t       group;
	uint64_t       due;		/* IKE_NEVER: nobody has seen it */
};

/* Makes those of the groups with which most begin. */
void	ike2_exponents_begin(struct ike2 *e);
void	ike2_exponents_tick(struct ike2 *e, uint64_t now);
void	ike2_exponents_free(struct ike2 *e);
bool	ike2_exponent_is_ready(const struct ike2 *e, uint16_t group);
/* Makes it ready: a public-key operation.  0, or -1: not our group, or no
 * memory. */
int	ike2_exponent_make(struct ike2 *e, uint16_t group);
/* The one that is ready, to be given back; NULL: none is. */
struct ike2_exponent *ike2_exponent_get(struct ike2 *e, uint64_t now,
	    uint16_t group);
void	ike2_exponent_put(struct ike2_exponent *x);	/* NULL is allowed */
/* As ike_dh_derive(); and nobody else gets x. */
int	ike2_exponent_derive(struct ike2 *e, struct ike2_exponent *x,
	    const uint8_t *peer, size_t len, uint8_t *out);

#endif
