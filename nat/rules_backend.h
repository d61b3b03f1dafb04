/* rules_backend.h - what nftables and iptables each do, inside the process that keeps the rules */
#ifndef NAT_RULES_BACKEND_H
#define NAT_RULES_BACKEND_H

#include "nat/rules_settings.h"

struct rules_backend {
	const char *name;
	/* Can this machine's kernel and programs do it?  Logs nothing. */
	bool (*usable)(void);
	/* Replaces what is there of ours, also a dead predecessor's.  0, or -1
	 * logged. */
	int (*install)(const struct rules_plan *plan,
	    const struct rules_settings *saved);
	/* Removes all that is ours. */
	void (*remove)(void);
	/* Our rules as the kernel has them now, for comparison; a new string,
	 * NULL if unknown. */
	char *(*dump)(void);
	/* Is all that we made in a dump, and called where it must be? */
	bool (*whole)(const struct rules_plan *plan, const char *dump);
};
extern const struct rules_backend rules_iptables, rules_nftables;

#endif
