/* settings_plane.h - what rsipd.conf comes to for the data plane: pools, hosts, how many keys */
#ifndef RSIPD_SETTINGS_PLANE_H
#define RSIPD_SETTINGS_PLANE_H

#include <net/if.h>

#include "nat/dataplane.h"
#include "rsipd/settings.h"

/* The networks and hosts that sections name.  list is to be freed. */
struct settings_hosts {
	struct prefix *list;
	size_t n;
};
struct settings_hosts settings_hosts(const struct settings *c);

/* All that can be leased at once: the demux table never refuses what the pools
 * have given. */
size_t	settings_keys_max(const struct settings *c);

/* Na of a pool's address; the pools of one Na, to be freed, and how many. */
const struct addr *settings_gateway_of(const struct settings *c,
	    const struct addr *pool);
struct pool_address *settings_pools_at(const struct settings *c,
	    const struct addr *na, size_t *n);

/* The pools whose address, where it goes along with the gateway's own, is
 * here.  To be freed; how many is *n. */
struct dataplane_pool *settings_pools(const struct settings *c, size_t *n);

/*
 * Our parent's host may take what it sends in at another interface than the
 * leased address is on: where its route to everybody leads.  out, or NULL.
 */
const char *settings_public_out(const struct settings *c, char out[IFNAMSIZ]);

/* Are leases in a store that gateways share?  Does that pool address go along
 * with the gateway's own ("proxy")? */
bool	settings_is_shared(const struct settings *c);
bool	settings_is_proxied(const struct settings *c, const struct addr *addr);

#endif
