/* rules_settings.h - settings of the machine that the data plane needs, noted and put back */
#ifndef NAT_RULES_SETTINGS_H
#define NAT_RULES_SETTINGS_H

#include "nat/plan.h"

/* A setting of /proc/sys as it was before us, kept in a rule's comment so that
 * it outlives us however we end. */
struct rules_setting {
	char key[64];
	char value[160];	/* comments hold 255 with the key */
};
#define RULES_SETTINGS	40
struct rules_settings {
	struct rules_setting list[RULES_SETTINGS];
	size_t n;
};

/* After other pools: gives back addresses that are none, reserves others'
 * ports, applies. */
void	rules_settings_pools(const struct rules_plan *plan,
	    struct rules_settings *saved);
/* Sets what the data plane needs; again at each check, since others set it
 * too. */
void	rules_settings_apply(const struct rules_plan *p,
	    struct rules_settings *saved);
/* Neighbours hear where addresses are that no machine has. */
void	rules_settings_announce(const struct rules_plan *p);
/* Sets what is set only once.  True if both interfaces now receive in
 * threads. */
bool	rules_settings_once(const struct rules_plan *p,
	    struct rules_settings *saved);
/* Did the kernel check sources strictly at an interface before us (RFC 3704
 * §2.2)?  */
bool	rules_settings_was_strict(const struct rules_settings *saved,
	    const char *ifname);
/* Puts all of it back. */
void	rules_settings_restore(const struct rules_settings *saved);
/* Reads "rsip-saved KEY=VALUE" comments out of a dump. */
void	rules_read_saved(const char *dump, struct rules_settings *out);

#endif
