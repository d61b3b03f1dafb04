/* remember.h - the lease as text, for a file that outlives the daemon */
#ifndef RSIPC_REMEMBER_H
#define RSIPC_REMEMBER_H

#include <stddef.h>

#include "rsipc/bindings.h"

#define REMEMBER_MAX	8192	/* bytes that any binding takes,
				 * the zero included */

/*
 * Writes the main binding of a gateway: address, ports and SPIs.  Returns the
 * length, or 0 if it does not fit.
 */
size_t	remember_write(char *out, size_t cap, const struct addr *gateway,
	    const struct binding *b);
/*
 * Reads it: b's address, ports and SPIs, all else zero.  0, or -1 if text is
 * anything but what remember_write() makes.
 */
int	remember_read(const char *text, struct addr *gateway,
	    struct binding *b);

#endif
