/* life.h - the pure part of the OE engine as a whole: made, given addresses and configurations, ticked, freed */
#ifndef OE_LIFE_H
#define OE_LIFE_H

#include "oe/core.h"

/* Borrows config; ops, shell and what keys connections must outlive it. */
struct core *core_new(struct oe_config *config, const struct oe_shell *shell,
	    void *shell_arg, const struct core_ops *ops, void *ops_arg,
	    const struct keying_engine *keying, void *keying_arg);
/* The keying engine must be gone, or never call again. */
void	core_free(struct core *c);
void	core_set_local(struct core *c, uint64_t now, int family,
	    const struct addr *addr, uint16_t ike_port);
/* Ends every connection at once; peers are told. */
void	core_drop_all(struct core *c, uint64_t now);
/* Once a second or so: lifespans, deletes, rekeying. */
void	core_tick(struct core *c, uint64_t now);
/*
 * After that: when it is to be called again at the latest, if nothing else of
 * this engine is; as connection_next() of aging.h.  After anything else within
 * a second.
 */
uint64_t core_next(const struct core *c);
void	core_reconfigure(struct core *c, uint64_t now,
	    struct oe_config *config);
/* What was settled while a captive portal was there, or DNSSEC could not be
 * checked, is looked at again. */
void	core_network_opens(struct core *c, uint64_t now);
/* What was settled because resolvers did not answer is looked at again. */
void	core_resolvers_changed(struct core *c, uint64_t now);

#endif
