/* settings_machine.h - what rsipd.conf leaves to the machine: its interfaces, addresses and networks */
#ifndef RSIPD_SETTINGS_MACHINE_H
#define RSIPD_SETTINGS_MACHINE_H

#include "rsipd/settings.h"

/* Fills in what the machine knows: interfaces, addresses, networks.  -1 after
 * one log line. */
int	settings_complete(struct settings *c);

/*
 * What has become of the interfaces' addresses; one that is there still stays,
 * whichever came beside it.
 */
enum settings_news {
	SETTINGS_SAME,
	SETTINGS_CAME,		/* where there was none */
	SETTINGS_GONE,		/* one that is leased, perhaps
				 * for a moment only */
};
enum settings_news settings_look(const struct settings *c);
/* Takes it over into pools, public_addr and the networks. */
void	settings_follow(struct settings *c);
/* Has this machine the address, at that interface ("": at any)? */
bool	settings_has_address(const char *ifname, const struct addr *addr);
/* What our rsipc has leased now, for settings_follow(). */
void	settings_set_parent(struct settings *c,
	    const struct pool_address *lease);
/*
 * After the file was read again: what was found in the machine stays as it is,
 * interfaces, addresses, and pools that come with what only a restart changes.
 * 0, or -1 after one log line.
 */
int	settings_inherit(struct settings *to, const struct settings *from);

#endif
