/* rsipd.c - the gateway daemon: starts, ties the rooms together, ends */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/log.h"
#include "base/service.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/resolver.h"
#include "net/netlink.h"
#include "net/rtnl.h"
#include "rsipd/keep.h"
#include "rsipd/parent.h"
#include "rsipd/server.h"
#include "rsipd/settings_machine.h"
#include "rsipd/settings_plane.h"
#include "rsipd/settings_read.h"
#include "rsipd/shared.h"
#include "rsipd/status.h"

#define LINGER_MS	5000	/* a supervisor starts us again within it */
#define DNS_TRY_MS	1500	/* of one try at a name, milliseconds */
#define DNS_TRIES	3

struct rsipd {
	struct service *service;
	struct settings *settings;
	struct event *alarm, *parent;	/* the next lease ends;
					 * rsipc is asked */
	struct event *monitor, *gone;	/* of addresses; one that
					 * is leased is away */
	struct server *server;
	struct gateway *gateway;
	struct keep *keep;		/* leases on disk; NULL: none */
	struct shared *shared;		/* ... or in a store that
					 * gateways share */
	struct shared_config shared_config;
	struct option_secret password;	/* the store's */
	bool	 proxies;		/* ARP is answered for
					 * what no machine has */
	struct pool *pool;		/* the gateway's */
	struct demux *demux;
	struct dataplane *dataplane;
	struct resolver *resolver;
	struct resolver_options dns;	/* as it is at the start */
};

/* --- what the gateway core asks of the shell ------------------------------ */

/* Bindings of before a restart are there before the data plane is. */
static void
stir(struct rsipd *d)
{
	if (d->dataplane != NULL)
		dataplane_stir(d->dataplane);
}

static int
op_demux_add(void *arg, const struct demux_binding *b)
{
	struct rsipd *d = arg;

	stir(d);
	return demux_add(d->demux, b);
}

static int
op_demux_remove(void *arg, uint32_t client_id, uint32_t bind_id)
{
	struct rsipd *d = arg;

	stir(d);
	return demux_remove(d->demux, 0, client_id, bind_id);
}

static void
op_send(void *arg, const struct gateway_peer *to, bool answer,
    const uint8_t *msg, size_t len)
{
	struct rsipd *d = arg;

	server_send(d->server, to, answer, msg, len);
}

static int
op_resolve(void *arg, const char *name, uint64_t ticket)
{
	struct rsipd *d = arg;

	return resolver_ask_name(d->resolver, name, ticket);
}

static void
op_event(void *arg, enum gateway_event e, const struct lease_client *c,
    struct lease_binding *b)
{
	struct rsipd *d = arg;

	if (e == GATEWAY_DEREGISTERED && d->server != NULL)
		server_wake(d->server);
	if (service_watched(d->service))
		service_publish(d->service, status_event(e, c, b));
}

static int
op_neighbour(void *arg, const struct addr *host, uint8_t mac[8])
{
	struct rsipd *d = arg;

	return rtnl_neighbour(d->settings->private_if, host, mac);
}

static void
op_probe(void *arg, uint64_t id)
{
	struct rsipd *d = arg;

	server_probe(d->server, id);
}

/* libevent's clock stands still while the machine sleeps, ours does not. */
#define ALARM_MAX	60000

static void
op_alarm(void *arg, uint64_t at)
{
	struct rsipd  *d = arg;
	uint64_t       now = clock_now(), left = at > now ? at - now : 0;
	struct timeval tv;

	if (at == 0) {
		event_del(d->alarm);
		return;
	}
	if (left > ALARM_MAX)
		left = ALARM_MAX;
	tv.tv_sec = (time_t)(left / 1000);
	tv.tv_usec = (suseconds_t)(left % 1000 * 1000);
	if (event_add(d->alarm, &tv) == -1)
		log_error("out of memory");
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

static void
on_resolved(void *arg, uint64_t ticket, const struct resolver_answer *a)
{
	struct rsipd *d = arg;

	gateway_resolved(d->gateway, clock_now(), ticket, a->addr, a->naddrs);
}

/* Whoever supervises us starts anew, and takes the rules over. */
static void
on_lost(void *arg)
{
	struct rsipd *d = arg;

	service_fail(d->service);
}

static void
on_misuse(void *arg, const struct addr *gateway, const struct addr *host,
    enum demux_verdict verdict, uint32_t client_id, uint32_t bind_id)
{
	struct rsipd *d = arg;

	(void)gateway;
	(void)client_id;
	gateway_misuse(d->gateway, clock_now(), host, verdict, bind_id);
}

/* --- events --------------------------------------------------------------- */

static void
on_alarm(evutil_socket_t fd, short what, void *arg)
{
	struct rsipd *d = arg;

	(void)fd;
	(void)what;
	gateway_tick(d->gateway, clock_now());
}

/* Where we stand: interfaces, and the
 * address that hosts speak and tunnel to. */
struct place {
	char	    public_if[IF_NAMESIZE], private_if[IF_NAMESIZE];
	struct addr gateway;
};

static struct place
place_of(const struct settings *c)
{
	struct place p = { .gateway = c->gateway.gateway };

	memcpy(p.public_if, c->public_if, sizeof(p.public_if));
	memcpy(p.private_if, c->private_if, sizeof(p.private_if));
	return p;
}

static bool
is_there(const struct place *p, const struct settings *c)
{
	return strcmp(p->public_if, c->public_if) == 0 &&
	    strcmp(p->private_if, c->private_if) == 0 &&
	    addr_equal(&p->gateway, &c->gateway.gateway);
}

static int
move_to(struct rsipd *d, const struct place *p, const struct settings *c)
{
	char		       out[IFNAMSIZ];
	struct dataplane_links l = { .public_if = p->public_if,
		.private_if = p->private_if,
		.gateways = { { p->gateway }, 1 },
		.public_out = settings_public_out(c, out) };

	return dataplane_set_links(d->dataplane, &l);
}

/* From another place to that of c.  -1 after a log line, and we stay. */
static int
use_place(struct rsipd *d, const struct place *from, const struct settings *c)
{
	struct place to = place_of(c);

	if (move_to(d, &to, c) == -1)
		return -1;
	if ((strcmp(from->private_if, to.private_if) != 0 ||
	    !addr_equal(&from->gateway, &to.gateway)) &&
	    server_move(d->server, to.private_if, &to.gateway) == -1) {
		(void)move_to(d, from, c);
		return -1;
	}
	log_info("gateway %s on %s now, of %s", ADDR_TEXT(&to.gateway),
	    to.private_if, to.public_if);
	return 0;
}

/* Which of the addresses that go from machine to machine are here. */
static void
hold_addresses(struct rsipd *d, const struct settings *c)
{
	const struct addr *a;
	bool		   na;
	size_t		   i;

	if (d->shared == NULL)
		return;
	na = settings_has_address("", &c->gateway.gateway);
	for (i = 0; i < c->npools; i++) {
		a = &c->pools[i].addr;
		shared_hold(d->shared, a, settings_is_proxied(c, a) ? na :
		    settings_has_address("", a));
	}
	shared_hold(d->shared, &c->gateway.gateway, na);
}

static int
set_pools(struct rsipd *d, const struct settings *c)
{
	struct dataplane_pool *pools;
	size_t		       n;
	int		       rc;

	pools = settings_pools(c, &n);
	rc = dataplane_set_pools(d->dataplane, pools, n, &c->public_addr);
	free(pools);
	return rc;
}

/* From there, and from other pools, to what c says.
 * -1 after a log line, and all is as it was. */
static int
use_pools(struct rsipd *d, const struct place *from, const struct settings *c)
{
	int rc;

	if (!is_there(from, c) && use_place(d, from, c) == -1)
		return -1;
	rc = set_pools(d, c);
	if (rc == -1) {
		if (!is_there(from, c) && move_to(d, from, c) == 0)
			(void)server_move(d->server, from->private_if,
			    &from->gateway);
		return -1;
	}
	demux_set_max(d->demux, settings_keys_max(c));
	(void)gateway_set_pools(d->gateway, clock_now(), c->pools, c->npools);
	if (d->keep != NULL)
		(void)keep_load(d->keep);
	hold_addresses(d, c);
	return 0;
}

/* What can be changed in a running gateway. */
static int
reload(void *arg, void *settings)
{
	struct rsipd	*d = arg;
	struct settings *new = settings;
	struct place	 from = place_of(d->settings);
	struct settings_hosts named;

	if (settings_inherit(new, d->settings) == -1 ||
	    use_pools(d, &from, new) == -1)
		return -1;
	gateway_reconfigure(d->gateway, clock_now(), &new->gateway);
	pool_set_quarantine(d->pool, new->quarantine);
	demux_set_local_ipsec(d->demux, new->local_ipsec);
	demux_set_refuse_ike(d->demux, new->refuse_ike);
	named = settings_hosts(new);
	dataplane_set_hosts(d->dataplane, named.list, named.n);
	free(named.list);
	server_set_limits(d->server, new->max_connections,
	    new->max_host_connections, 2 * new->gateway.max_registrations);
	settings_free(d->settings);
	d->settings = new;
	return 0;
}

/* --- the router's own address --------------------------------------------- */

#define GRACE	1	/* seconds that an address may be away:
			 * a renewal, a link that flaps */

static void
follow_addresses(struct rsipd *d)
{
	struct settings *c = d->settings;
	struct addr	 before = c->public_addr;
	struct place	 from = place_of(c);

	settings_follow(c);
	if (!addr_equal(&c->public_addr, &before))
		log_info("%s has %s now, where it had %s: leases of addresses "
		    "that went are taken back", c->public_if,
		    addr_is_set(&c->public_addr) ? ADDR_TEXT(&c->public_addr) :
		    "no address", ADDR_TEXT(&before));
	if (use_pools(d, &from, c) == -1) {
		log_error("pools stay as they were");
		c->gateway.gateway = from.gateway;
	}
	gateway_reconfigure(d->gateway, clock_now(), &c->gateway);
}

/*
 * Our leases end with those of our own rsipc, which renews them in time.  If it
 * has another one, that is leased on; if it is silent, what it last said holds.
 */
static void
ask_parent(struct rsipd *d)
{
	struct settings	   *c = d->settings;
	struct parent_lease lease;
	uint64_t	    now;

	if (parent_ask(c->parent, &lease) == -1)
		return;
	now = clock_now();
	gateway_set_until(d->gateway, now,
	    now + (uint64_t)lease.expires * 1000);
	if (c->npools != 0 && parent_contains(&lease.what, &c->pools[0]))
		return;
	log_info("rsipc has another lease now, of %s",
	    ADDR_TEXT(&lease.what.addr));
	settings_set_parent(c, &lease.what);
	follow_addresses(d);
}

static void
on_parent(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ask_parent(arg);
}

static void
look_at_addresses(struct rsipd *d)
{
	static const struct timeval grace = { .tv_sec = GRACE };
	enum settings_news	    news = settings_look(d->settings);

	/* The address that changed is, as a rule,
	 * the one that rsipc has leased. */
	if (news != SETTINGS_SAME && d->settings->parent != NULL) {
		ask_parent(d);
		news = settings_look(d->settings);
	}
	switch (news) {
	case SETTINGS_SAME:
		event_del(d->gone);
		break;
	case SETTINGS_CAME:
		event_del(d->gone);
		follow_addresses(d);
		break;
	case SETTINGS_GONE:
		if (!event_pending(d->gone, EV_TIMEOUT, NULL))
			event_add(d->gone, &grace);
		break;
	}
}

static void
on_gone(evutil_socket_t fd, short what, void *arg)
{
	struct rsipd *d = arg;

	(void)fd;
	(void)what;
	if (settings_look(d->settings) != SETTINGS_SAME)
		follow_addresses(d);
}

/* Addresses that go from machine to machine, and what is answered with them. */
static void
look_at_shared(struct rsipd *d)
{
	const struct settings *c = d->settings;
	bool		       na, any = false;
	size_t		       i;

	if (d->shared == NULL)
		return;
	hold_addresses(d, c);
	na = settings_has_address("", &c->gateway.gateway);
	for (i = 0; i < c->npools; i++)
		any = any || settings_is_proxied(c, &c->pools[i].addr);
	if (!any || na == d->proxies)
		return;
	d->proxies = na;
	(void)set_pools(d, c);
}

static void
on_monitor(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	netlink_drain(fd);
	stir(arg);
	look_at_shared(arg);
	look_at_addresses(arg);
}

/* --- rsipctl -------------------------------------------------------------- */

static void
report(void *arg, struct report *r)
{
	struct rsipd *d = arg;

	status_report(r, d->settings, d->gateway, d->server, d->dataplane,
	    keep_store(d->keep), d->shared);
}

static json_object *
command_leases(void *arg, json_object *req, bool privileged)
{
	struct rsipd *d = arg;

	(void)privileged;
	return status_leases(clock_now(), d->gateway, control_limit(req));
}

static json_object *
command_flows(void *arg, json_object *req, bool privileged)
{
	struct rsipd *d = arg;

	(void)privileged;
	return status_flows(clock_now(), d->demux, control_limit(req));
}

static const struct service_command commands[] = {
	{ "leases", true, command_leases, status_lease_fields },
	{ "flows", true, command_flows, status_flow_fields },
	{ 0 }
};

/* --- start ---------------------------------------------------------------- */

static struct dataplane *
open_dataplane(struct rsipd *d)
{
	static const struct dataplane_ops ops = { .misuse = on_misuse,
		.lost = on_lost };
	const struct settings	   *c = d->settings;
	struct dataplane_pool	   *pools;
	struct dataplane	   *dp;
	struct dataplane_config	    config = {
		.public_if = c->public_if,
		.private_if = c->private_if,
		.gateways = { { c->gateway.gateway }, 1 },
		.firewall = c->firewall,
		.queue_first = c->queue_first,
		.queues = c->queues,
		.queue_length = c->queue_length,
		.local_ipsec = c->local_ipsec,
		.refuse_ike = c->refuse_ike,
		.napt = c->napt,
		.offload = c->offload,
		.mtu = c->mtu,
		.rsip_port = c->port,
		.linger = d->keep != NULL || settings_is_shared(c) ?
		    LINGER_MS : 0,
	};
	struct settings_hosts named = settings_hosts(c);
	char	     out[IFNAMSIZ];

	config.public_out = settings_public_out(c, out);
	pools = settings_pools(c, &config.npools);
	d->proxies = settings_has_address("", &c->gateway.gateway);
	config.pools = pools;
	config.hosts = named.list;
	config.nhosts = named.n;
	dp = dataplane_open(&config, service_base(d->service),
	    d->demux, &ops, d);
	free(pools);
	free(named.list);
	return dp;
}

/* Before the first packet is judged. */
static int
open_leases(struct rsipd *d)
{
	const struct settings *c = d->settings;

	if (settings_is_shared(c) || c->leases[0] == '\0' ||
	    (!store_is_built() && strcmp(c->leases, SETTINGS_LEASES) == 0))
		return 0;
	d->keep = keep_open(service_base(d->service), c->leases, c->durability,
	    c->gateway.max_registrations + c->gateway.max_bindings,
	    c->quarantine, d->gateway);
	return d->keep == NULL ? -1 : 0;
}

static void
on_serving(void *arg, bool serving)
{
	struct rsipd *d = arg;

	server_set_open(d->server, serving);
}

/* What is configured may be read anew, the store stays. */
static const char *
keep_text(const char *text)
{
	return text == NULL ? NULL : xstrdup(text);
}

/* The store's certificates are read here, with all privileges; the
 * rest needs none. */
static int
open_shared(struct rsipd *d)
{
	struct settings	     *c = d->settings;
	struct shared_config *s = &d->shared_config;

	if (!settings_is_shared(c))
		return 0;
	*s = (struct shared_config){ .store = c->shared.store,
		.name = xstrdup(c->shared.name), .replicas = c->shared.replicas,
		.rest = c->quarantine,
		.na = c->gateway.gateway };
	s->store.master = keep_text(c->shared.master);
	s->store.user = keep_text(c->shared.user);
	s->store.tls_name = keep_text(c->shared.tls_name);
	d->password = c->shared.password;
	s->store.password = &d->password;
	s->store.dns = &d->dns;
	if (c->shared.ca != NULL && c->shared.ca[0] != '\0' &&
	    (s->store.tls = resp_tls_new(c->shared.ca)) == NULL)
		return -1;
	server_set_open(d->server, false);
	d->shared = shared_open(service_base(d->service), s, d->gateway,
	    on_serving, d);
	if (d->shared == NULL)
		return -1;
	hold_addresses(d, c);
	return 0;
}

static int
open_resolver(struct rsipd *d, struct event_base *base)
{
	d->dns = (struct resolver_options){ .servers = d->settings->resolver,
		.nservers = d->settings->nresolvers,
		.timeout = DNS_TRY_MS, .tries = DNS_TRIES };
	d->resolver = resolver_new(base, &d->dns, on_resolved, d);
	if (d->resolver == NULL)
		log_error("cannot start the resolver");
	return d->resolver == NULL ? -1 : 0;
}

static int
make_gateway(struct rsipd *d)
{
	struct settings *c = d->settings;
	struct pool	*pool = pool_new(c->quarantine, c->max_spis);
	size_t		 i;

	if (pool == NULL)
		goto fail;
	for (i = 0; i < c->npools; i++) {
		if (pool_add(pool, &c->pools[i]) == -1)
			goto fail;
	}
	do
		random_bytes(&c->gateway.auth_index,
		    sizeof(c->gateway.auth_index));
	while (c->gateway.auth_index == 0);
	d->gateway = gateway_new(&c->gateway, pool, &gateway_ops, d);
	if (d->gateway != NULL) {
		d->pool = pool;
		if (c->parent != NULL)
			gateway_set_until(d->gateway, clock_now(), clock_now() +
			    (uint64_t)c->parent_expires * 1000);
		return 0;
	}
fail:
	pool_free(pool);
	log_error("out of memory");
	return -1;
}

static int
add_events(struct rsipd *d)
{
	struct event_base *base = service_base(d->service);
	struct timeval	   poll = { .tv_sec = PARENT_POLL };
	int		   fd;

	d->parent = watch_ticks(base, on_parent, d);
	d->gone = watch_timer(base, on_gone, d);
	if ((fd = rtnl_monitor()) == -1) {
		log_error("rtnetlink: %s", strerror(errno));
		return -1;
	}
	d->monitor = watch_fd(base, fd, on_monitor, d);
	if (d->settings->parent != NULL)
		event_add(d->parent, &poll);
	return 0;
}

static int
start(void *arg, struct service *service, void *settings)
{
	struct rsipd	    *d = arg;
	struct settings	    *c = settings;
	struct event_base   *base = service_base(service);
	struct server_config sc;

	d->service = service;
	d->settings = c;
	if (rtnl_open() == -1 || settings_complete(c) == -1)
		return -1;
	sc = (struct server_config){
		.ifname = c->private_if,
		.addr = c->gateway.gateway,
		.port = c->port,
		.early = settings_is_shared(c),
		.max_connections = c->max_connections,
		.max_host_connections = c->max_host_connections,
		.max_endpoints = 2 * c->gateway.max_registrations,
	};
	d->alarm = watch_timer(base, on_alarm, d);
	if ((d->demux = demux_new(settings_keys_max(c))) == NULL) {
		log_error("out of memory");
		return -1;
	}
	demux_set_local_ipsec(d->demux, c->local_ipsec);
	demux_set_refuse_ike(d->demux, c->refuse_ike);
	if ((d->server = server_open(base, &sc)) == NULL ||
	    open_resolver(d, base) == -1 || make_gateway(d) == -1 ||
	    open_leases(d) == -1 ||
	    (d->dataplane = open_dataplane(d)) == NULL)
		return -1;
	server_start(d->server, d->gateway);
	return open_shared(d) == -1 ? -1 : add_events(d);
}

static void
ready(void *arg)
{
	struct rsipd	      *d = arg;
	const struct settings *c = d->settings;

	log_info("gateway %s on %s leases %s%s of %s", 
	    ADDR_TEXT(&c->gateway.gateway), c->private_if,
	    ADDR_TEXT(&c->pools[0].addr), c->npools > 1 ? " and others" :
	    "", c->public_if);
}

static void
stop(void *arg)
{
	struct rsipd *d = arg;

	/* Hosts are told while there still are connections to them; but what is
	 * kept goes on when we are back. */
	if (d->gateway != NULL && d->dataplane != NULL && d->keep == NULL &&
	    d->shared == NULL)
		gateway_shutdown(d->gateway, clock_now());
	if (d->gateway != NULL)
		gateway_commit(d->gateway, clock_now());
	keep_settle(d->keep);
	if (d->server != NULL)
		server_flush(d->server);
	dataplane_close(d->dataplane);
	shared_close(d->shared);
	resp_tls_free(d->shared_config.store.tls);
	wipe(&d->password, sizeof(d->password));
	server_close(d->server);
	resolver_free(d->resolver);
	gateway_free(d->gateway);
	keep_close(d->keep);
	demux_free(d->demux);
	watch_end(d->alarm);
	watch_end(d->parent);
	watch_end(d->gone);
	watch_close(d->monitor);
	settings_free(d->settings);
	rtnl_close();
}

/* What ./configure found or was told to leave out. */
static const char built[] = "metrics"
#ifdef HAVE_BPF
    ", eBPF"
#endif
#ifdef HAVE_LMDB
    ", leases on disk (LMDB)"
#endif
#ifdef HAVE_HIREDIS
    ", a shared store (hiredis)"
#endif
    ;

int
main(int argc, char **argv)
{
	static const struct service_plan plan = {
		.name = "rsipd",
		.built = built,
		SERVICE_SETTINGS(struct settings, settings_options,
		    settings_read, settings_free),
		.start = start, .ready = ready,
		.reload = reload, .stop = stop,
		.report = report, .commands = commands,
	};
	static struct rsipd d;

	return service_main(&plan, &d, argc, argv);
}
