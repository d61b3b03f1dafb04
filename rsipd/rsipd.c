/* rsipd.c - the gateway daemon: starts, ties the rooms together, ends */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/log.h"
#include "base/service.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/resolver.h"
#include "net/netlink.h"
#include "net/rtnl.h"
#include "rsipd/parent.h"
#include "rsipd/settings_machine.h"
#include "rsipd/settings_plane.h"
#include "rsipd/settings_read.h"
#include "rsipd/status.h"

#define DNS_TRY_MS	1500	/* of one try at a name, milliseconds */
#define DNS_TRIES	3

struct rsipd {
	struct na_house house;
	struct na na[DATAPLANE_GATEWAYS_MAX];
	size_t	 nna;
	struct event *parent;		/* rsipc is asked */
	struct event *monitor, *gone;	/* of addresses; one that
					 * is leased is away */
};

static void
on_resolved(void *arg, uint64_t ticket, const struct resolver_answer *a)
{
	struct rsipd *d = arg;

	na_resolved(d->na, d->nna, ticket, a);
}

/* Whoever supervises us starts anew, and takes the rules over. */
static void
on_lost(void *arg)
{
	struct rsipd *d = arg;

	service_fail(d->house.service);
}

static void
on_misuse(void *arg, const struct addr *gateway, const struct addr *host,
    enum demux_verdict verdict, uint32_t client_id, uint32_t bind_id)
{
	struct rsipd *d = arg;
	struct na    *n = d->na;
	size_t	      i;

	(void)client_id;
	for (i = 0; i < d->nna; i++) {
		if (addr_equal(&d->na[i].addr, gateway))
			n = &d->na[i];
	}
	gateway_misuse(n->gateway, clock_now(), host, verdict, bind_id);
}

/* --- events --------------------------------------------------------------- */

/* Where we stand: interfaces, and the
 * addresses that hosts speak and tunnel to. */
struct place {
	char public_if[IF_NAMESIZE], private_if[IF_NAMESIZE];
	struct dataplane_gateways gateways;
};

static struct place
place_of(const struct settings *c)
{
	struct place p = { .gateways = c->gateways };

	memcpy(p.public_if, c->public_if, sizeof(p.public_if));
	memcpy(p.private_if, c->private_if, sizeof(p.private_if));
	return p;
}

static bool
is_there(const struct place *p, const struct settings *c)
{
	return strcmp(p->public_if, c->public_if) == 0 &&
	    strcmp(p->private_if, c->private_if) == 0 &&
	    addr_equal(&p->gateways.list[0], &c->gateway.gateway);
}

static int
move_to(struct rsipd *d, const struct place *p, const struct settings *c)
{
	char		       out[IFNAMSIZ];
	struct dataplane_links l = { .public_if = p->public_if,
		.private_if = p->private_if, .gateways = p->gateways,
		.public_out = settings_public_out(c, out) };

	return dataplane_set_links(d->house.dataplane, &l);
}

/* All of them, or none. */
static int
move_servers(struct rsipd *d, const struct place *from, const struct place *to)
{
	bool   all = strcmp(from->private_if, to->private_if) != 0;
	size_t i, k;

	for (i = 0; i < d->nna; i++) {
		if (!all && addr_equal(&from->gateways.list[i],
		    &to->gateways.list[i]))
			continue;
		if (na_move(&d->na[i], to->private_if,
		    &to->gateways.list[i]) == 0)
			continue;
		for (k = 0; k < i; k++)
			(void)na_move(&d->na[k], from->private_if,
			    &from->gateways.list[k]);
		return -1;
	}
	return 0;
}

/* From another place to that of c.  -1 after a log line, and we stay. */
static int
use_place(struct rsipd *d, const struct place *from, const struct settings *c)
{
	struct place to = place_of(c);

	if (move_to(d, &to, c) == -1)
		return -1;
	if (move_servers(d, from, &to) == -1) {
		(void)move_to(d, from, c);
		return -1;
	}
	log_info("gateway %s on %s now, of %s", ADDR_TEXT(&to.gateways.list[0]),
	    to.private_if, to.public_if);
	return 0;
}

static int
set_pools(struct rsipd *d, const struct settings *c)
{
	struct dataplane_pool *pools;
	size_t		       n;
	int		       rc;

	pools = settings_pools(c, &n);
	rc = dataplane_set_pools(d->house.dataplane, pools, n, &c->public_addr);
	free(pools);
	return rc;
}

/* From there, and from other pools, to what c says.
 * -1 after a log line, and all is as it was. */
static int
use_pools(struct rsipd *d, const struct place *from, const struct settings *c)
{
	struct place to = place_of(c);
	size_t	     i;
	int	     rc;

	if (!is_there(from, c) && use_place(d, from, c) == -1)
		return -1;
	rc = set_pools(d, c);
	if (rc == -1) {
		if (!is_there(from, c) && move_to(d, from, c) == 0)
			(void)move_servers(d, &to, from);
		return -1;
	}
	demux_set_max(d->house.demux, settings_keys_max(c));
	for (i = 0; i < d->nna; i++)
		na_set_pools(&d->na[i], c);
	return 0;
}

/* What can be changed in a running gateway. */
static int
reload(void *arg, void *settings)
{
	struct rsipd	*d = arg;
	struct settings *new = settings;
	struct place	 from = place_of(d->house.settings);
	struct settings_hosts named;
	size_t		 i;

	if (settings_inherit(new, d->house.settings) == -1 ||
	    use_pools(d, &from, new) == -1)
		return -1;
	for (i = 0; i < d->nna; i++)
		na_reconfigure(&d->na[i], new);
	demux_set_local_ipsec(d->house.demux, new->local_ipsec);
	demux_set_refuse_ike(d->house.demux, new->refuse_ike);
	named = settings_hosts(new);
	dataplane_set_hosts(d->house.dataplane, named.list, named.n);
	free(named.list);
	settings_free(d->house.settings);
	d->house.settings = new;
	return 0;
}

/* --- the router's own address --------------------------------------------- */

#define GRACE	1	/* seconds that an address may be away:
			 * a renewal, a link that flaps */

static void
follow_addresses(struct rsipd *d)
{
	struct settings *c = d->house.settings;
	struct addr	 before = c->public_addr;
	struct place	 from = place_of(c);
	size_t		 i;

	settings_follow(c);
	if (!addr_equal(&c->public_addr, &before))
		log_info("%s has %s now, where it had %s: leases of addresses "
		    "that went are taken back", c->public_if,
		    addr_is_set(&c->public_addr) ? ADDR_TEXT(&c->public_addr) :
		    "no address", ADDR_TEXT(&before));
	if (use_pools(d, &from, c) == -1) {
		log_error("pools stay as they were");
		c->gateway.gateway = from.gateways.list[0];
		c->gateways = from.gateways;
	}
	for (i = 0; i < d->nna; i++)
		na_reconfigure(&d->na[i], c);
}

/*
 * Our leases end with those of our own rsipc, which renews them in time.  If it
 * has another one, that is leased on; if it is silent, what it last said holds.
 */
static void
ask_parent(struct rsipd *d)
{
	struct settings	   *c = d->house.settings;
	struct parent_lease lease;
	uint64_t	    now;

	if (parent_ask(c->parent, &lease) == -1)
		return;
	now = clock_now();
	gateway_set_until(d->na[0].gateway, now,
	    now + (uint64_t)lease.expires * 1000);
	if (c->npools != 0 && parent_contains(&lease.what, &c->pools[0]))
		return;
	log_info("rsipc has another lease now, of %s",
	    ADDR_TEXT(&lease.what.addr));
	settings_set_parent(c, &lease.what);
	follow_addresses(d);
}

static void
on_parent(void *arg)
{
	ask_parent(arg);
}

static void
look_at_addresses(struct rsipd *d)
{
	enum settings_news news = settings_look(d->house.settings);

	/* The address that changed is, as a rule,
	 * the one that rsipc has leased. */
	if (news != SETTINGS_SAME && d->house.settings->parent != NULL) {
		ask_parent(d);
		news = settings_look(d->house.settings);
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
			watch_after(d->gone, GRACE * 1000);
		break;
	}
}

static void
on_gone(void *arg)
{
	struct rsipd *d = arg;

	if (settings_look(d->house.settings) != SETTINGS_SAME)
		follow_addresses(d);
}

/* Addresses that go from machine to machine, and what is answered with them. */
static void
look_at_shared(struct rsipd *d)
{
	const struct settings *c = d->house.settings;
	bool		       moved = false, any = d->nna > 1;
	size_t		       i;

	for (i = 0; i < d->nna; i++)
		moved |= na_hold(&d->na[i], c);
	for (i = 0; i < c->npools; i++)
		any = any || settings_is_proxied(c, &c->pools[i].addr);
	if (any && moved)
		(void)set_pools(d, c);
}

static void
on_monitor(int fd, void *arg)
{
	netlink_drain(fd);
	na_stir(&((struct rsipd *)arg)->house);
	look_at_shared(arg);
	look_at_addresses(arg);
}

/* --- rsipctl -------------------------------------------------------------- */

static void
report(void *arg, struct report *r)
{
	struct rsipd *d = arg;

	status_report(r, d->na, d->nna, d->house.dataplane);
}

static json_object *
command_leases(void *arg, json_object *req, bool privileged)
{
	struct rsipd *d = arg;

	(void)privileged;
	return status_leases(clock_now(), d->na, d->nna,
	    control_limit(req));
}

static json_object *
command_flows(void *arg, json_object *req, bool privileged)
{
	struct rsipd *d = arg;

	(void)privileged;
	return status_flows(clock_now(), d->house.demux, control_limit(req));
}

static const struct service_command commands[] = {
	{ "leases", true, command_leases, status_lease_fields },
	{ "flows", true, command_flows, status_flow_fields },
	{ 0 }
};

/* --- start ---------------------------------------------------------------- */

/* Does another rsipd have what hosts hold when this one ends? */
static bool
is_kept(const struct rsipd *d)
{
	return settings_is_shared(d->house.settings) ||
	    (d->nna > 0 && d->na[0].keep != NULL);
}

static struct dataplane *
open_dataplane(struct rsipd *d)
{
	static const struct dataplane_ops ops = { .misuse = on_misuse,
		.lost = on_lost };
	const struct settings	   *c = d->house.settings;
	struct dataplane_pool	   *pools;
	struct dataplane	   *dp;
	struct dataplane_config	    config = {
		.public_if = c->public_if,
		.private_if = c->private_if,
		.gateways = c->gateways,
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
		.linger = is_kept(d) ? c->linger : 0,
		.roams = settings_is_shared(c),
	};
	struct settings_hosts named = settings_hosts(c);
	char	     out[IFNAMSIZ];

	config.public_out = settings_public_out(c, out);
	pools = settings_pools(c, &config.npools);
	config.pools = pools;
	config.room = c->npools;
	config.hosts = named.list;
	config.nhosts = named.n;
	dp = dataplane_open(&config, service_base(d->house.service),
	    d->house.demux, &ops, d);
	free(pools);
	free(named.list);
	return dp;
}

static int
open_resolver(struct rsipd *d)
{
	struct na_house	      *h = &d->house;
	const struct settings *c = h->settings;

	h->dns = (struct resolver_options){ .servers = c->resolver,
		.nservers = c->nresolvers,
		.timeout = DNS_TRY_MS, .tries = DNS_TRIES };
	h->resolver = resolver_new(service_base(h->service), &h->dns,
	    on_resolved, d);
	if (h->resolver == NULL)
		log_error("cannot start the resolver");
	return h->resolver == NULL ? -1 : 0;
}

static int
open_demux(struct na_house *h)
{
	const struct settings *c = h->settings;

	if ((h->demux = demux_new(settings_keys_max(c))) == NULL) {
		log_error("out of memory");
		return -1;
	}
	demux_set_local_ipsec(h->demux, c->local_ipsec);
	demux_set_refuse_ike(h->demux, c->refuse_ike);
	return 0;
}

/* The store's secrets are read here, with all
 * privileges; the rest needs none. */
static int
read_secrets(struct na_house *h)
{
	const struct settings *c = h->settings;

	h->password = c->shared.password;
	if (!settings_is_shared(c) || c->shared.ca == NULL ||
	    c->shared.ca[0] == '\0')
		return 0;
	h->tls = resp_tls_new(c->shared.ca);
	return h->tls == NULL ? -1 : 0;
}

static int
open_gateways(struct rsipd *d)
{
	const struct dataplane_gateways *all = &d->house.settings->gateways;
	size_t				 i;

	for (; d->nna < all->n; d->nna++) {
		if (na_open(&d->na[d->nna], &d->house, (uint32_t)d->nna,
		    &all->list[d->nna]) == 0)
			continue;
		d->nna++;
		return -1;
	}
	for (i = 0; i < d->nna; i++) {
		if (na_load(&d->na[i]) == -1)
			return -1;
	}
	return 0;
}

static int
add_events(struct rsipd *d)
{
	struct event_base *base = service_base(d->house.service);
	int		   fd;

	d->parent = watch_ticks(base, on_parent, d);
	d->gone = watch_timer(base, on_gone, d);
	if ((fd = rtnl_monitor()) == -1) {
		log_error("rtnetlink: %s", strerror(errno));
		return -1;
	}
	d->monitor = watch_fd(base, fd, on_monitor, d);
	if (d->house.settings->parent != NULL)
		watch_after(d->parent, PARENT_POLL * 1000);
	return 0;
}

static int
start(void *arg, struct service *service, void *settings)
{
	struct rsipd *d = arg;
	size_t	      i;

	d->house.service = service;
	d->house.event = status_event;
	d->house.settings = settings;
	if (rtnl_open() == -1 || settings_complete(settings) == -1 ||
	    open_demux(&d->house) == -1 || open_resolver(d) == -1 ||
	    read_secrets(&d->house) == -1 || open_gateways(d) == -1 ||
	    (d->house.dataplane = open_dataplane(d)) == NULL)
		return -1;
	for (i = 0; i < d->nna; i++) {
		if (na_start(&d->na[i]) == -1)
			return -1;
	}
	return add_events(d);
}

static void
ready(void *arg)
{
	struct rsipd	      *d = arg;
	const struct settings *c = d->house.settings;
	struct pool_address   *pools;
	size_t		       i, n;

	for (i = 0; i < d->nna; i++) {
		pools = settings_pools_at(c, &d->na[i].addr, &n);
		log_info("gateway %s on %s leases %s%s of %s",
		    ADDR_TEXT(&d->na[i].addr), c->private_if, n == 0 ?
		    "nothing" : ADDR_TEXT(&pools[0].addr), n > 1 ?
		    " and others" : "", c->public_if);
		free(pools);
	}
}

static void
stop(void *arg)
{
	struct rsipd *d = arg;
	size_t	      i;

	for (i = 0; i < d->nna; i++)
		na_finish(&d->na[i], d->house.dataplane != NULL);
	if (is_kept(d) && !service_is_final(d->house.service))
		dataplane_leave(d->house.dataplane);
	else
		dataplane_close(d->house.dataplane);
	d->house.dataplane = NULL;
	for (i = 0; i < d->nna; i++)
		na_unshare(&d->na[i]);
	resp_tls_free(d->house.tls);
	wipe(&d->house.password, sizeof(d->house.password));
	resolver_free(d->house.resolver);
	for (i = 0; i < d->nna; i++)
		na_close(&d->na[i]);
	demux_free(d->house.demux);
	watch_end(d->parent);
	watch_end(d->gone);
	watch_close(d->monitor);
	settings_free(d->house.settings);
	rtnl_close();
}

/* What ./configure found or was told to leave out. */
static const char built[] = "metrics"
#ifdef HAVE_IPTABLES
    ", iptables"
#endif
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

	memory_goes_back();
	return service_main(&plan, &d, argc, argv);
}
