/* parent.h - a gateway behind a gateway: what this machine's own rsipc has leased is what we lease on (RFC 3102 §4.2.1) */
#ifndef RSIPD_PARENT_H
#define RSIPD_PARENT_H

#include <stdbool.h>
#include <stdint.h>

#include "rsipd/pool.h"

#define PARENT_POLL	5	/* seconds between two looks */

struct parent_lease {
	struct pool_address what;
	uint32_t expires;		/* seconds from now: of
					 * the first to end */
};

/*
 * Asks the control socket of rsipc, and waits a moment for it.  Returns 0, or
 * -1 if it does not answer or has no lease; says nothing.
 */
int	parent_ask(const char *path, struct parent_lease *out);
/* Does the lease still hold all that an earlier one did? */
bool	parent_contains(const struct pool_address *now,
	    const struct pool_address *before);

#endif
