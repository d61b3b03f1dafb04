/* claim.h - may a peer have the ports of its address that it asks for? */
#ifndef OE_CLAIM_H
#define OE_CLAIM_H

#include "oe/core.h"
#include "oe/spd.h"

/*
 * NULL: it may have these, which are blocks of ports; or why not.  Who has some
 * of them is asked whether it lives, as a host that began anew, or has now what
 * was another's, has no other way to say so: *waits is set, and what was asked
 * for is asked again with the same since.
 */
const char *claim_refused(struct core *c, uint64_t token,
	    const struct keying_ask *ask,
	    const struct keying_selectors *theirs, const struct spd_key *key,
	    uint64_t since, bool *waits);
/* Puts what was asked for off, as above, until something else of ours has
 * changed; false: it has waited for long enough, or too many do. */
bool	claim_wait(struct core *c, uint64_t token, const struct keying_ask *ask,
	    uint64_t since);
/* Asks again for those that wait; about once a second. */
typedef void (*claim_fn)(struct core *c, uint64_t now, uint64_t token,
	    const struct keying_ask *ask, uint64_t since);
void	claims_tick(struct core *c, uint64_t now, claim_fn ask);
void	claims_free(struct core *c);

#endif
