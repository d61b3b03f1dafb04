/* known.h - what is remembered of peers: with whom there were keys, and who said goodbye */
#ifndef OE_KNOWN_H
#define OE_KNOWN_H

#include "oe/core.h"

/* Destinations whose keys we had or know: at a limit they are
 * held, never passed. */
void	known_add(struct core *c, const struct addr *dst);
bool	known_has(const struct core *c, const struct addr *dst);
/* The peer at that address deleted what we had, in good order; and
 * did it so within the last minute? */
void	known_departed(struct core *c, const struct addr *addr);
bool	known_has_departed(const struct core *c, const struct addr *addr);
void	known_init(struct core *c);
void	known_free(struct core *c);

#endif
