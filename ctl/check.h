/* check.h - "rsipctl check": what a peer would find of a host, up to the first step that fails */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include "ctl/names.h"

struct ask_request;

/* what: a name or an address; here: whom to ask whether this host has keys with
 * it.  The program's exit status: 0, or 1 if a step fails, after its line. */
int	check_run(const struct names_config *c, const struct ask_request *here,
	    const char *what);

#endif
