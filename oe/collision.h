/* collision.h - which destinations cannot tell hosts at our address apart: what they showed */
#ifndef OE_COLLISION_H
#define OE_COLLISION_H

#include "oe/core.h"

#define SAID_MAX	48

/* How hosts that share an address are told apart by a peer that speaks IKEv2,
 * the first that it takes. */
enum oe_way {
	WAY_PORTS,		/* the blocks of ports that are leased; or an
				 * inner address, where it shows that it lends
				 * them */
	WAY_INNER,		/* an inner address above all */
	WAY_WHOLE,		/* all of our address, and flows of it */
};

/* What a destination showed; the longest known first. */
struct collision {
	UT_hash_handle hh;
	struct addr dst;
	unsigned deleted;
	uint64_t deleted_at;
	enum oe_way way;	/* that it did not refuse */
	bool	 by_flow;	/* flows are asked for alone */
	bool	 whole;		/* and, for what is no flow,
				 * the whole address */
	bool	 useless;	/* flows were refused, or
				 * brought nothing either */
	/* What it said last to all of the address, and to a flow;
	 * empty: not asked. */
	char	 whole_said[SAID_MAX], flow_said[SAID_MAX];
	uint64_t until;
};

/* What that destination showed within the hour; NULL: nothing. */
struct collision *collision_find(const struct core *c, const struct addr *dst);
/* The same, made where there is none, and remembered from now on; where there
 * are too many the first of all is forgotten. */
struct collision *collision_get(struct core *c, const struct addr *dst);
void	collisions_free(struct core *c);

#endif
