/* settings_plane.c - what rsipd.conf comes to for the data plane: pools, hosts, how many keys */
#include "config.h"

#include <netinet/in.h>
#include <string.h>

#include "base/util.h"
#include "net/rtnl.h"
#include "rsipd/settings_machine.h"
#include "rsipd/settings_plane.h"

#define ANYBODY		0xc0000201	/* 192.0.2.1, which is
					 * nobody's (RFC 5737) */
#define COOKIES_MAX	65536	/* leased initiator cookies of all hosts */

static void
add_named(void *arg, const struct prefix *hosts, void *policy)
{
	struct settings_hosts *named = arg;

	(void)policy;
	if (named->list != NULL)
		named->list[named->n] = *hosts;
	named->n++;
}

struct settings_hosts
settings_hosts(const struct settings *c)
{
	struct settings_hosts named = { NULL, 0 };

	policies_each(c->policies, add_named, &named);
	named.list = xcalloc(named.n + 1, sizeof(*named.list));
	named.n = 0;
	policies_each(c->policies, add_named, &named);
	return named;
}

size_t
settings_keys_max(const struct settings *c)
{
	size_t	 n = c->gateway.max_bindings + c->max_spis + COOKIES_MAX, i;
	unsigned k;

	n *= c->gateways.n;
	for (i = 0; i < c->npools; i++) {
		for (k = 0; k < c->pools[i].nports; k++)
			n += (size_t)(c->pools[i].ports[k].hi -
			    c->pools[i].ports[k].lo) + 1;
	}
	return n;
}

bool
settings_is_shared(const struct settings *c)
{
	return c->shared.store.nservers != 0;
}

static const struct settings_pool *
find_named(const struct settings *c, const struct addr *addr)
{
	size_t i;

	for (i = 0; i < c->nnamed; i++) {
		if (addr_equal(&c->named[i].what.addr, addr))
			return &c->named[i];
	}
	return NULL;
}

const struct addr *
settings_gateway_of(const struct settings *c, const struct addr *pool)
{
	const struct settings_pool *p = find_named(c, pool);

	return p != NULL && addr_is_set(&p->gateway) ? &p->gateway :
	    &c->gateway.gateway;
}

struct pool_address *
settings_pools_at(const struct settings *c, const struct addr *na, size_t *n)
{
	struct pool_address *pools = xcalloc(c->npools + 1, sizeof(*pools));
	size_t		     i;

	*n = 0;
	for (i = 0; i < c->npools; i++) {
		if (addr_equal(settings_gateway_of(c, &c->pools[i].addr), na))
			pools[(*n)++] = c->pools[i];
	}
	return pools;
}

bool
settings_is_proxied(const struct settings *c, const struct addr *addr)
{
	size_t i;

	for (i = 0; i < c->nnamed; i++) {
		if (addr_equal(&c->named[i].what.addr, addr) &&
		    c->named[i].proxy)
			return true;
	}
	return false;
}

struct dataplane_pool *
settings_pools(const struct settings *c, size_t *n)
{
	struct dataplane_pool *pools = xcalloc(c->npools + 1, sizeof(*pools)),
			      *p = pools;
	bool		       na;
	size_t		       i, k;

	for (i = 0; i < c->npools; i++) {
		na = !settings_is_shared(c) || settings_has_address("",
		    settings_gateway_of(c, &c->pools[i].addr));
		if (!na && settings_is_proxied(c, &c->pools[i].addr))
			continue;
		p->addr = c->pools[i].addr;
		p->away = !na && c->gateways.n > 1;
		memcpy(p->ports, c->pools[i].ports, sizeof(p->ports));
		p->nports = c->pools[i].nports;
		for (k = 0; k < c->nnamed; k++) {
			if (addr_equal(&c->named[k].what.addr,
			    &c->pools[i].addr))
				p->local |= c->named[k].local;
		}
		p++;
	}
	*n = (size_t)(p - pools);
	return pools;
}

const char *
settings_public_out(const struct settings *c, char out[IFNAMSIZ])
{
	struct addr anybody = addr_from_v4(htonl(ANYBODY));

	return c->parent != NULL && rtnl_route_get(&anybody, 0, NULL, NULL,
	    out) == 0 ? out : NULL;
}
