/* pool.h - addresses that are lent to peers, each to one at a time (RFC 7296 §2.19) */
#ifndef OE_POOL_H
#define OE_POOL_H

#include "oe/core.h"

/* Is it of those that are lent?  Nobody has it but in SAs. */
bool	pool_has(const struct core *c, const struct addr *a);
/* A free one, neither lent nor lately, chosen at random; none: false. */
bool	pool_take(struct core *c, struct addr *out);
/* Given back: rests before another gets it, so that what is late does not come
 * to that. */
void	pool_put(struct core *c, const struct addr *a);
void	pool_free(struct core *c);

#endif
