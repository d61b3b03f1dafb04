/* na.c - one address that hosts speak and tunnel to (Na): its sockets, gateway core, pools and leases */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/rtnl.h"
#include "rsipd/na.h"
#include "rsipd/settings_machine.h"
#include "rsipd/settings_plane.h"

/* A ticket of the core has room above for whose it is. */
#define TICKET_BITS	56
_Static_assert(DATAPLANE_GATEWAYS_MAX <= 1 << (64 - TICKET_BITS),
    "a ticket, and demux_binding, tell no more of them apart");

/* --- what the gateway core asks of the shell ------------------------------ */

static struct demux_entry *
op_demux_add(void *arg, const struct demux_binding *b)
{
	struct na	    *n = arg;
	struct demux_binding granted = *b;

	na_stir(n->house);
	granted.grantor = n->number;
	return demux_add(n->house->demux, &granted);
}

static void
op_demux_remove(void *arg, struct demux_entry *e)
{
	struct na *n = arg;

	na_stir(n->house);
	demux_remove(n->house->demux, e);
}

static void
op_send(void *arg, const struct gateway_peer *to, bool answer,
    const uint8_t *msg, size_t len)
{
	struct na *n = arg;

	server_send(n->server, to, answer, msg, len);
}

static int
op_resolve(void *arg, const char *name, uint64_t ticket)
{
	struct na *n = arg;

	return resolver_ask_name(n->house->resolver, name,
	    (uint64_t)n->number << TICKET_BITS | ticket);
}

void
na_resolved(struct na *list, size_t n, uint64_t ticket,
    const struct resolver_answer *a)
{
	size_t whose = (size_t)(ticket >> TICKET_BITS);

	if (whose < n)
		gateway_resolved(list[whose].gateway, clock_now(),
		    ticket & (((uint64_t)1 << TICKET_BITS) - 1), a->addr,
		    a->naddrs);
}

static void
op_event(void *arg, enum gateway_event e, const struct lease_client *c,
    struct lease_binding *b)
{
	struct na *n = arg;

	if (e == GATEWAY_DEREGISTERED && n->server != NULL)
		server_wake(n->server, clock_now());
	if (service_watched(n->house->service))
		service_publish(n->house->service, n->house->event(e, n, c, b));
}

static int
op_neighbour(void *arg, const struct addr *host, uint8_t mac[8])
{
	struct na *n = arg;

	return rtnl_neighbour(n->house->settings->private_if, host, mac);
}

static void
op_probe(void *arg, uint64_t id)
{
	struct na *n = arg;

	server_probe(n->server, id);
}

/* libevent's clock stands still while the machine sleeps, ours does not. */
#define ALARM_MAX	60000

static void
op_alarm(void *arg, uint64_t at)
{
	struct na *n = arg;
	uint64_t   now = clock_now(), left = at > now ? at - now : 0;

	if (at == 0) {
		event_del(n->alarm);
		return;
	}
	watch_after(n->alarm, left > ALARM_MAX ? ALARM_MAX : left);
}

static void
on_alarm(void *arg)
{
	struct na *n = arg;

	gateway_tick(n->gateway, clock_now());
}

static const struct gateway_ops gateway_ops = {
	.demux_add = op_demux_add,
	.demux_remove = op_demux_remove,
	.send = op_send,
	.resolve = op_resolve,
	.event = op_event,
	.neighbour = op_neighbour,
	.probe = op_probe,
	.alarm = op_alarm,
};

/* --- start ---------------------------------------------------------------- */

/* What is said of all gateways, of this one. */
static struct gateway_config
config_of(const struct na *n, const struct settings *c)
{
	struct gateway_config g = c->gateway;

	g.gateway = n->addr;
	return g;
}

static int
open_server(struct na *n)
{
	const struct settings	  *c = n->house->settings;
	const struct server_config sc = {
		.ifname = c->private_if,
		.addr = n->addr,
		.port = c->port,
		.early = settings_is_shared(c),
		.beside = c->gateways.n,
		.max_connections = c->max_connections,
		.max_host_connections = c->max_host_connections,
		.max_endpoints = 2 * c->gateway.max_registrations,
	};

	n->server = server_open(service_base(n->house->service), &sc);
	return n->server == NULL ? -1 : 0;
}

static int
make_gateway(struct na *n)
{
	const struct settings *c = n->house->settings;
	struct gateway_config  g = config_of(n, c);
	struct pool_address   *pools;
	size_t		       npools, i;

	n->pool = pool_new(c->quarantine, c->max_spis);
	pools = settings_pools_at(c, &n->addr, &npools);
	for (i = 0; n->pool != NULL && i < npools; i++) {
		if (pool_add(n->pool, &pools[i]) == -1) {
			pool_free(n->pool);
			n->pool = NULL;
		}
	}
	free(pools);
	do
		random_bytes(&g.auth_index, sizeof(g.auth_index));
	while (g.auth_index == 0);
	if (n->pool != NULL &&
	    (n->gateway = gateway_new(&g, n->pool, &gateway_ops, n)) == NULL)
		pool_free(n->pool);
	if (n->gateway == NULL) {
		log_error("out of memory");
		return -1;
	}
	if (c->parent != NULL)
		gateway_set_until(n->gateway, clock_now(), clock_now() +
		    (uint64_t)c->parent_expires * 1000);
	return 0;
}

/* Each has ids of its own, and therefore a file or, in
 * a store that gateways share, a name. */
static char *
name_of(const struct na *n, const char *name, char between)
{
	char *text;

	if (n->number == 0)
		return xstrdup(name);
	if (asprintf(&text, "%s%c%s", name, between, ADDR_TEXT(&n->addr)) == -1)
		return NULL;
	return text;
}

int
na_open(struct na *n, struct na_house *h, uint32_t number,
    const struct addr *addr)
{
	*n = (struct na){ .house = h, .number = number, .addr = *addr,
		.here = settings_has_address("", addr) };
	n->alarm = watch_timer(service_base(h->service), on_alarm, n);
	return open_server(n) == -1 || make_gateway(n) == -1 ? -1 : 0;
}

int
na_load(struct na *n)
{
	const struct settings *c = n->house->settings;
	char		      *path;

	if (settings_is_shared(c) || c->leases[0] == '\0' ||
	    (!store_is_built() && strcmp(c->leases, SETTINGS_LEASES) == 0))
		return 0;
	if ((path = name_of(n, c->leases, '.')) == NULL) {
		log_error("out of memory");
		return -1;
	}
	n->keep = keep_open(service_base(n->house->service), path,
	    c->durability,
	    c->gateway.max_registrations + c->gateway.max_bindings,
	    c->quarantine, n->gateway);
	free(path);
	return n->keep == NULL ? -1 : 0;
}

static void
on_serving(void *arg, bool serving)
{
	struct na *n = arg;

	server_set_open(n->server, serving);
}

/* What is configured may be read anew, the store stays. */
static const char *
keep_text(const char *text)
{
	return text == NULL ? NULL : xstrdup(text);
}

static int
open_shared(struct na *n)
{
	const struct settings *c = n->house->settings;
	struct shared_config  *s = &n->shared_config;

	if (!settings_is_shared(c))
		return 0;
	*s = (struct shared_config){ .store = c->shared.store,
		.name = name_of(n, c->shared.name, ':'),
		.replicas = c->shared.replicas, .rest = c->quarantine,
		.na = n->addr, .all = c->gateways };
	s->store.master = keep_text(c->shared.master);
	s->store.user = keep_text(c->shared.user);
	s->store.tls_name = keep_text(c->shared.tls_name);
	s->store.password = &n->house->password;
	s->store.dns = &n->house->dns;
	s->store.tls = n->house->tls;
	server_set_open(n->server, false);
	if (s->name != NULL)
		n->shared = shared_open(service_base(n->house->service), s,
		    n->gateway, on_serving, n);
	if (n->shared == NULL)
		return -1;
	(void)na_hold(n, c);
	return 0;
}

int
na_start(struct na *n)
{
	server_start(n->server, n->gateway);
	return open_shared(n);
}

/* --- what changes --------------------------------------------------------- */

bool
na_hold(struct na *n, const struct settings *c)
{
	const struct addr *a;
	bool		   was = n->here;
	size_t		   i;

	if (n->shared == NULL)
		return false;
	n->here = settings_has_address("", &n->addr);
	for (i = 0; i < c->npools; i++) {
		a = &c->pools[i].addr;
		if (!addr_equal(settings_gateway_of(c, a), &n->addr))
			continue;
		shared_hold(n->shared, a, settings_is_proxied(c, a) ? n->here :
		    settings_has_address("", a));
	}
	shared_hold(n->shared, &n->addr, n->here);
	return n->here != was;
}

void
na_set_pools(struct na *n, const struct settings *c)
{
	struct pool_address *pools;
	size_t		     npools;

	pools = settings_pools_at(c, &n->addr, &npools);
	(void)gateway_set_pools(n->gateway, clock_now(), pools, npools);
	free(pools);
	if (n->keep != NULL)
		(void)keep_load(n->keep);
	(void)na_hold(n, c);
}

void
na_reconfigure(struct na *n, const struct settings *c)
{
	struct gateway_config g = config_of(n, c);

	gateway_reconfigure(n->gateway, clock_now(), &g);
	pool_set_quarantine(n->pool, c->quarantine);
	server_set_limits(n->server, c->max_connections,
	    c->max_host_connections, 2 * c->gateway.max_registrations);
}

int
na_move(struct na *n, const char *ifname, const struct addr *addr)
{
	if (server_move(n->server, ifname, addr) == -1)
		return -1;
	n->addr = *addr;
	return 0;
}

/* --- end ------------------------------------------------------------------ */

void
na_finish(struct na *n, bool goodbye)
{
	/* Hosts are told while there still are connections to them; but what is
	 * kept goes on when we are back. */
	if (n->gateway != NULL && goodbye && n->keep == NULL &&
	    n->shared == NULL)
		gateway_shutdown(n->gateway, clock_now());
	if (n->gateway != NULL)
		gateway_commit(n->gateway, clock_now());
	keep_settle(n->keep);
	if (n->server != NULL)
		server_flush(n->server);
}

void
na_unshare(struct na *n)
{
	if (n->shared == NULL)
		return;
	shared_close(n->shared);
	n->shared = NULL;
	/* While another's store is told, nobody is served without one here. */
	server_set_open(n->server, false);
	gateway_set_passive(n->gateway, clock_now(), true);
	gateway_set_store(n->gateway, clock_now(), NULL);
}

void
na_close(struct na *n)
{
	server_close(n->server);
	gateway_free(n->gateway);
	keep_close(n->keep);
	watch_end(n->alarm);
}
