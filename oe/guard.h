/* guard.h - what policy denies or takes only encrypted stays in, also while nobody runs to encrypt it */
#ifndef OE_GUARD_H
#define OE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "oe/settings.h"

/*
 * Deny, paranoid and tunnel prefixes as "prohibit" routes in a table of their
 * own, asked for every packet without the daemon's mark before the main
 * table is.  They are the kernel's: no route of the main table, however long,
 * passes them by, and they stay when the daemon is killed.  A socket bound to a
 * device does, on a link where somebody answers ARP for the destination: the
 * kernel takes what has no route out of that device to be on its link.
 * Prefixes within them that policy lets go in the clear, and resolvers, are
 * left to the main table.
 */
struct guard;

/*
 * ifname: where packets for such prefixes go while it exists, NULL if
 * another rule has taken them before.  It is borrowed.
 */
struct guard *guard_new(uint32_t table, uint32_t priority, uint32_t mark,
	    const char *ifname);
/*
 * What c says; NULL: nothing is shut.  src: the source that packets (of IPv4)
 * into ifname get, none: the kernel's choice.  Never shorter of a prefix
 * that stays.  0, or -1 after one log line: then all that was shut still is.
 */
int	guard_set(struct guard *g, const struct oe_config *c);
int	guard_source(struct guard *g, const struct addr *src);
/* Does the device take packets of IPv6 now?  Not so before it was said.  0,
 * or -1 logged. */
int	guard_ipv6(struct guard *g, bool leads);
/* Somebody may have removed rules or routes: puts back what is gone. */
void	guard_mend(struct guard *g);
/* Is all of a network left to the main table? */
bool	guard_leaves(const struct guard *g, const struct prefix *net);
/* open: the operator ends it, and what was shut is open again; else it stays
 * in the kernel, for a successor.  NULL is allowed. */
void	guard_close(struct guard *g, bool open);

#endif
