/* settings_machine.c - what rsipd.conf leaves to the machine: its interfaces, addresses and networks */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "net/ip.h"
#include "net/rtnl.h"
#include "rsipd/parent.h"
#include "rsipd/settings_machine.h"
#include "rsipd/settings_read.h"

/* The one other interface that is up with a private address. */
static int
find_private(struct settings *c)
{
	struct ifaddrs *list, *i;
	const char     *found = NULL;
	struct prefix	host;
	struct addr	a;
	int		rc = -1;

	if (getifaddrs(&list) == -1) {
		log_error("cannot list interfaces: %s", strerror(errno));
		return -1;
	}
	for (i = list; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET ||
		    !(i->ifa_flags & IFF_UP) || (i->ifa_flags & IFF_LOOPBACK) ||
		    strcmp(i->ifa_name, c->public_if) == 0)
			continue;
		a = addr_from_sockaddr(i->ifa_addr, sizeof(struct sockaddr_in),
		    NULL);
		host = prefix_host(&a);
		if (!prefix_is_rfc1918(&host))
			continue;
		if (found != NULL && strcmp(found, i->ifa_name) != 0) {
			log_error("both %s and %s could be the private "
			    "interface: name it in the configuration", found,
			    i->ifa_name);
			goto out;
		}
		found = i->ifa_name;
	}
	if (found == NULL) {
		log_error("no other interface than %s is up with an RFC 1918 "
		    "address: name private-interface in the configuration",
		    c->public_if);
		goto out;
	}
	memcpy(c->private_if, found, strlen(found) + 1);
	rc = 0;
out:
	freeifaddrs(list);
	return rc;
}

static bool
is_address(const struct ifaddrs *i, const struct addr *addr)
{
	struct addr has;

	if (i->ifa_addr == NULL)
		return false;
	has = addr_from_sockaddr(i->ifa_addr, sizeof(struct sockaddr_in6),
	    NULL);
	return addr_is_set(&has) && addr_equal(&has, addr);
}

/* The interface that has an address. */
static void
find_interface_of(const struct addr *addr, char out[IF_NAMESIZE])
{
	struct ifaddrs *list, *i;

	if (getifaddrs(&list) == -1)
		return;
	for (i = list; i != NULL; i = i->ifa_next) {
		if (is_address(i, addr))
			memcpy(out, i->ifa_name, strnlen(i->ifa_name,
			    IF_NAMESIZE - 1) + 1);
	}
	freeifaddrs(list);
}

/* What rsipc has leased is the pool, and its interface the public one. */
static int
find_parent(struct settings *c)
{
	struct parent_lease lease;

	if (parent_ask(c->parent, &lease) == -1) {
		log_error("parent %s: no lease with ports: start rsipc first",
		    c->parent);
		return -1;
	}
	settings_set_parent(c, &lease.what);
	c->parent_expires = lease.expires;
	if (c->public_if[0] == '\0') {
		c->public_found = true;
		find_interface_of(&lease.what.addr, c->public_if);
	}
	return 0;
}

static int
find_interfaces(struct settings *c)
{
	struct addr via;

	if (c->public_if[0] == '\0') {
		c->public_found = true;
		if (rtnl_default_route(AF_INET, &via, c->public_if) == -1) {
			log_error("no default route: name public-interface in "
			    "the configuration");
			return -1;
		}
	}
	if (c->private_if[0] == '\0') {
		c->private_found = true;
		if (find_private(c) == -1)
			return -1;
	}
	if (if_nametoindex(c->public_if) == 0) {
		log_error("public interface %s: %s", c->public_if,
		    strerror(errno));
		return -1;
	}
	if (if_nametoindex(c->private_if) == 0) {
		log_error("private interface %s: %s", c->private_if,
		    strerror(errno));
		return -1;
	}
	return 0;
}

struct networks {
	const char *what;		/* for QUERY, what
					 * these addresses are */
	struct prefix *list;
	size_t *n;
};

static void
add_network(void *arg, const struct prefix *net)
{
	struct networks *to = arg;

	if (*to->n < GATEWAY_NETWORKS_MAX)
		to->list[(*to->n)++] = *net;
	else
		log_warn("%s is not among the %s: there are more than %d",
		    PREFIX_TEXT(net), to->what, GATEWAY_NETWORKS_MAX);
}

/* QUERY knows what is on the links, beside what the configuration says. */
static void
find_networks(struct settings *c)
{
	struct networks local = { "local networks", c->gateway.local,
		&c->gateway.nlocal };
	struct networks remote = { "remote networks", c->gateway.remote,
		&c->gateway.nremote };
	struct networks from = { "networks whose hosts are heard",
		c->gateway.from, &c->gateway.nfrom };

	c->gateway.nlocal = c->nlocal;
	c->gateway.nremote = c->nremote;
	c->gateway.nfrom = 0;
	if (rtnl_networks_of(c->private_if, AF_INET, add_network,
	    &local) == -1 ||
	    rtnl_networks_of(c->private_if, AF_INET, add_network,
	    &from) == -1 ||
	    rtnl_networks_of(c->public_if, AF_INET, add_network, &remote) == -1)
		log_warn("cannot list the networks of the interfaces: %s",
		    strerror(errno));
}

/* --- addresses ------------------------------------------------------------ */

bool
settings_has_address(const char *ifname, const struct addr *addr)
{
	struct ifaddrs *list, *i;
	bool		has = false;

	if (!addr_is_set(addr) || getifaddrs(&list) == -1)
		return false;
	for (i = list; i != NULL; i = i->ifa_next) {
		if ((*ifname == '\0' || strcmp(i->ifa_name, ifname) == 0) &&
		    is_address(i, addr))
			has = true;
	}
	freeifaddrs(list);
	return has;
}

/* The address it had while it has it, else its first, if any. */
static struct addr
address_now(const char *ifname, const struct addr *before)
{
	struct addr addr;

	if (settings_has_address(ifname, before))
		return *before;
	return rtnl_addr_of(ifname, AF_INET, &addr, NULL) == 0 ? addr :
	    (struct addr){ 0 };
}

/* A private side without an address may get
 * one again: until then it has its last. */
static struct addr
gateway_now(const struct settings *c)
{
	struct addr addr = { 0 };

	if (c->gateway_found)
		addr = address_now(c->private_if, &c->gateway.gateway);
	return addr_is_set(&addr) ? addr : c->gateway.gateway;
}

static void
note_news(const struct addr *before, const struct addr *now,
    enum settings_news *news)
{
	if (addr_equal(now, before))
		return;
	if (addr_is_set(before))
		*news = SETTINGS_GONE;
	else if (*news == SETTINGS_SAME)
		*news = SETTINGS_CAME;
}

enum settings_news
settings_look(const struct settings *c)
{
	const struct settings_pool *p;
	enum settings_news	    news = SETTINGS_SAME;
	struct addr		    now;

	for (p = c->named; p < c->named + c->nnamed; p++) {
		if (p->ifname[0] == '\0')
			continue;
		now = address_now(p->ifname, &p->what.addr);
		note_news(&p->what.addr, &now, &news);
	}
	now = address_now(c->public_if, &c->public_addr);
	note_news(&c->public_addr, &now, &news);
	now = gateway_now(c);
	note_news(&c->gateway.gateway, &now, &news);
	return news;
}

static bool
is_listed(const struct settings *c, const struct addr *addr)
{
	size_t i;

	for (i = 0; i < c->npools; i++) {
		if (addr_equal(&c->pools[i].addr, addr))
			return true;
	}
	return false;
}

/* What there is of the named pools, each address once. */
static void
list_pools(struct settings *c)
{
	struct settings_pool *p;

	c->npools = 0;
	for (p = c->named; p < c->named + c->nnamed; p++) {
		if (p->ifname[0] != '\0') {
			p->what.addr = address_now(p->ifname, &p->what.addr);
			p->local = true;
		}
		if (addr_is_set(&p->what.addr) &&
		    !is_listed(c, &p->what.addr))
			c->pools[c->npools++] = p->what;
	}
}

/* Each that has, or had, a pool; the first is the one that
 * pools belong to that name none. */
static int
list_gateways(struct settings *c)
{
	const struct settings_pool *p;
	struct dataplane_gateways  *g = &c->gateways;

	if (g->n == 0)
		g->n = 1;
	g->list[0] = c->gateway.gateway;
	for (p = c->named; p < c->named + c->nnamed; p++) {
		if (!addr_is_set(&p->gateway) ||
		    dataplane_is_gateway(g, &p->gateway))
			continue;
		if (g->n == DATAPLANE_GATEWAYS_MAX) {
			log_error("pools name more than %d gateways",
			    DATAPLANE_GATEWAYS_MAX);
			return -1;
		}
		g->list[g->n++] = p->gateway;
	}
	return 0;
}

void
settings_follow(struct settings *c)
{
	c->public_addr = address_now(c->public_if, &c->public_addr);
	c->gateway.gateway = gateway_now(c);
	c->gateways.list[0] = c->gateway.gateway;
	list_pools(c);
	find_networks(c);
}

void
settings_set_parent(struct settings *c, const struct pool_address *lease)
{
	c->named[0].what = *lease;
	c->named[0].local = settings_has_address("", &lease->addr);
	c->nnamed = 1;
}

static void
keep_pools(struct settings *to, const struct settings *from)
{
	free(to->named);
	free(to->pools);
	to->named = xcalloc(from->nnamed + 1, sizeof(*to->named));
	memcpy(to->named, from->named, from->nnamed * sizeof(*to->named));
	to->nnamed = from->nnamed;
	to->pools = xcalloc(from->nnamed + 1, sizeof(*to->pools));
	memcpy(to->pools, from->pools, from->npools * sizeof(*to->pools));
	to->npools = from->npools;
}

static void
name_default_pool(struct settings *c)
{
	struct settings_pool *p;

	if (c->nnamed != 0)
		return;
	p = &c->named[c->nnamed++];
	memcpy(p->ifname, c->public_if, sizeof(p->ifname));
	memcpy(p->what.ports, c->ports, sizeof(p->what.ports));
	p->what.nports = c->nports;
}

/* What there is of the pools, and may it be leased? */
static int
complete_pools(struct settings *c)
{
	const char *why;
	size_t	    i;

	/* What goes from machine to machine is
	 * treated as ours before it comes. */
	for (i = 0; i < c->nnamed; i++)
		c->named[i].local = c->shared.store.nservers != 0 ?
		    !c->named[i].proxy :
		    settings_has_address("", &c->named[i].what.addr);
	settings_follow(c);
	if (list_gateways(c) == -1)
		return -1;
	if (c->npools == 0) {
		log_error("interface %s has no IPv4 address to lease from: "
		    "give it one or name a pool", c->named[0].ifname);
		return -1;
	}
	for (i = 0; i < c->npools; i++) {
		/* What a parent has leased to us is as good as it is. */
		if (c->parent == NULL && (why = settings_pool_refused(c,
		    &c->pools[i].addr)) != NULL) {
			log_error("pool \"%s\" %s",
			    ADDR_TEXT(&c->pools[i].addr), why);
			return -1;
		}
	}
	return 0;
}

/* What the file does not name stays what was
 * found, if that was not named either. */
static void
inherit_interface(char to[IF_NAMESIZE], bool *found,
    const char from[IF_NAMESIZE], bool was_found)
{
	if (to[0] != '\0' || !was_found)
		return;
	memcpy(to, from, IF_NAMESIZE);
	*found = true;
}

static int
find_gateway(struct settings *c)
{
	if (addr_is_set(&c->gateway.gateway))
		return 0;
	c->gateway_found = true;
	if (rtnl_addr_of(c->private_if, AF_INET, &c->gateway.gateway,
	    NULL) == 0)
		return 0;
	log_error("interface %s has no IPv4 address", c->private_if);
	return -1;
}

/* A gateway's sockets and leases are made at the start,
 * and what one has leased is no other's. */
static int
inherit_gateways(struct settings *to, const struct settings *from)
{
	const struct settings_pool *p, *was;

	to->gateways = from->gateways;
	to->gateways.list[0] = to->gateway.gateway;
	for (p = to->named; p < to->named + to->nnamed; p++) {
		for (was = from->named; was < from->named + from->nnamed;
		    was++) {
			if (addr_equal(&was->what.addr, &p->what.addr) &&
			    strcmp(was->ifname, p->ifname) == 0)
				break;
		}
		if ((was == from->named + from->nnamed ||
		    addr_equal(&was->gateway, &p->gateway)) &&
		    (!addr_is_set(&p->gateway) ||
		    dataplane_is_gateway(&to->gateways, &p->gateway)))
			continue;
		log_error("pool \"%s\": another gateway only with a restart",
		    p->ifname[0] != '\0' ? p->ifname :
		    ADDR_TEXT(&p->what.addr));
		return -1;
	}
	return 0;
}

int
settings_inherit(struct settings *to, const struct settings *from)
{
	size_t i, k;

	inherit_interface(to->public_if, &to->public_found, from->public_if,
	    from->public_found);
	inherit_interface(to->private_if, &to->private_found, from->private_if,
	    from->private_found);
	if (find_interfaces(to) == -1)
		return -1;
	if (strcmp(to->public_if, from->public_if) == 0)
		to->public_addr = from->public_addr;
	if (!addr_is_set(&to->gateway.gateway) && from->gateway_found &&
	    strcmp(to->private_if, from->private_if) == 0) {
		to->gateway.gateway = from->gateway.gateway;
		to->gateway_found = true;
	}
	if (find_gateway(to) == -1)
		return -1;
	if (to->pools_stay || to->parent != NULL) {
		to->gateways = from->gateways;
		to->gateways.list[0] = to->gateway.gateway;
		keep_pools(to, from);
		find_networks(to);
		return 0;
	}
	name_default_pool(to);
	for (i = 0; i < to->nnamed; i++) {
		for (k = 0; k < from->nnamed; k++) {
			if (to->named[i].ifname[0] != '\0' && strcmp(
			    to->named[i].ifname, from->named[k].ifname) == 0)
				to->named[i].what.addr =
				    from->named[k].what.addr;
		}
	}
	return inherit_gateways(to, from) == -1 ? -1 : complete_pools(to);
}

int
settings_complete(struct settings *c)
{
	if ((c->parent != NULL && find_parent(c) == -1) ||
	    find_interfaces(c) == -1)
		return -1;
	if (find_gateway(c) == -1)
		return -1;
	name_default_pool(c);
	return complete_pools(c);
}
