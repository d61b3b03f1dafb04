/* client.c - the RSIP client daemon: its life, its timers, and a network that changes under it */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/statefile.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/netlink.h"
#include "net/rtnl.h"
#include "oe/classes.h"
#include "oe/esp/xfrm.h"
#include "oe/inward.h"
#include "oe/planes.h"
#include "oe/settings.h"
#include "rsipc/capture.h"
#include "rsipc/client_private.h"
#include "rsipc/keeper.h"

void
client_kick(struct client *c)
{
	event_active(c->timer, EV_TIMEOUT, 0);
}

static void
client_kicked(void *arg)
{
	client_kick(arg);
}

/* Resolvers stay reachable in the clear, also where policy shuts the rest. */
static void
client_resolvers(void *arg, const struct oe_config *config)
{
	struct client *c = arg;

	if (!c->settings->cascade) {
		(void)device_policy(c->device, config);
		inward_set(c->inward, config);
	}
	settings_remote(&c->host.config, config);
}

static void
client_arm(struct client *c, uint64_t now)
{
	uint64_t next = host_next(&c->host);

	if (c->path.demand.n > 0 && (next == 0 || next > now + 1000))
		next = now + 1000;
	if (c->gone_since != 0 && now < c->gone_since + CLIENT_SEEK &&
	    (next == 0 || next > c->gone_since + CLIENT_SEEK))
		next = c->gone_since + CLIENT_SEEK;
	if (next == 0) {
		event_del(c->timer);
		return;
	}
	watch_after(c->timer, next > now ? next - now : 0);
}

static void
client_timer(void *arg)
{
	struct client *c = arg;
	uint64_t       now = clock_now();

	c->path.wake = false;
	if (c->worthless)
		client_abandon(c, "nothing comes back through the gateway's "
		    "tunnel", now);
	demand_expire(&c->path.demand, now);
	host_tick(&c->host, now);
	if (c->elsewhere)
		client_go_elsewhere(c, now);
	client_choose(c);
	client_arm(c, now);
}

/* --- a network that changes under us -------------------------------------- */

/* The host's own addresses, and what of them is led to us. */
static void
client_follow(struct client *c)
{
	struct addr six = { 0 };

	if (c->direct != NULL) {
		direct_follow(c->direct);
		six = direct_address6(c->direct);
	}
	device_ipv6(c->device, addr_is_set(&six));
}

static void
client_network_settled(void *arg)
{
	struct client	 *c = arg;
	struct choose_way way = { 0 };

	client_follow(c);
	pass_look_again(c->path.pass);
	if (!choose_way(&c->choose, c->settings, &way)) {
		/* A cable pulled may be put back: leases wait for their end. */
		client_choose(c);
		return;
	}
	if (addr_is_set(&c->gateway) &&
	    (!addr_equal(&way.gateway, &c->gateway) ||
	    strcmp(way.link, c->link) != 0 ||
	    !addr_equal(&way.addr, &c->link_addr))) {
		log_info("the network has changed: gateway %s on %s",
		    ADDR_TEXT(&way.gateway), way.link);
		c->tried = false;
		host_reset(&c->host, clock_now());
		client_seek(c);
	} else {
		device_mend(c->device);
		client_kernel_follow(c);
	}
	c->unreachable_said = false;
	if (!c->host.up && !c->host.connecting)
		c->host.retry_at = clock_now();
	client_kick(c);
}

static void
client_network(int fd, void *arg)
{
	struct client *c = arg;

	netlink_drain(fd);
	pass_look_again(c->path.pass);
	if (!evtimer_pending(c->network_timer, NULL))
		watch_after(c->network_timer, CLIENT_NETWORK_SETTLE);
}

/* --- life ----------------------------------------------------------------- */

/* Denied and paranoid prefixes are shut whatever happens to us. */
static int
client_policy(struct client *c, const struct settings *s)
{
	if (s->cascade) {
		inward_set(c->inward, NULL);
		return device_policy(c->device, NULL);
	}
	inward_set(c->inward, s->oe);
	if (s->direct && classes_has(s->oe->classes, OE_CLASS_PARANOID))
		log_warn("direct = true: without a lease what has no key, but "
		    "for denied, paranoid and tunnel prefixes, goes out in the "
		    "clear");
	return device_policy(c->device, s->oe);
}

/* The second engine, where there is use for it. */
static void
client_make_direct(struct client *c, const struct settings *s,
    struct oe_config *oe)
{
	bool wanted = s->direct && !s->cascade &&
	    (oe_config_can_begin(oe) || oe->ntunnels > 0);

	/* What was opened as root is kept: it is not to be had again. */
	if (c->direct != NULL) {
		oe_reconfigure(direct_engine(c->direct), oe_config_share(oe));
		direct_use(c->direct, wanted);
		if (!wanted)
			device_own_link(c->device, "");
		client_follow(c);
		return;
	}
	c->direct = wanted ? direct_open(c->base, oe_config_share(oe),
	    &c->planes, c->device, status_engine_event, c) : NULL;
	if (wanted && c->direct == NULL)
		log_warn("without a lease nothing is encrypted: the line "
		    "before says why");
	direct_beside(c->direct, c->oe);
	client_kernel_follow(c);
	if ((c->path.direct = c->direct) == NULL)
		device_own_link(c->device, "");
	client_follow(c);
}

int
client_reload(void *arg, void *settings)
{
	struct client	*c = arg;
	struct settings *new = settings, *old = c->settings;

	if (c->stopping) {
		log_error("ending: no configuration is read");
		return -1;
	}
	/* Shut before the engine knows, and open after. */
	if (client_policy(c, new) == -1)
		return -1;
	client_make_direct(c, new, new->oe);
	oe_reconfigure(c->oe, new->oe);
	new->oe = NULL;
	transport_set_auth(c->transport, new->key_id, new->secret.bytes,
	    new->secret.len, new->require_auth);
	c->settings = new;
	new->host.seed = c->host.config.seed;
	c->host.config = new->host;
	c->host.want_ports = new->host.ports;
	c->host.want_spis = new->host.spis;
	if (!addr_equal(&new->gateway, &old->gateway) ||
	    new->port != old->port || new->host.udp != old->host.udp) {
		host_reset(&c->host, clock_now());
		client_seek(c);
	} else {
		client_choose(c);
	}
	settings_free(old);
	client_kick(c);
	return 0;
}

void
client_end(void *arg, bool again)
{
	struct client	 *c = arg;

	if (again) {
		service_end(c->service);
		return;
	}
	c->stopping = true;
	/* Peers are told while the tunnel is there to tell them through. */
	direct_beside(c->direct, NULL);
	oe_free(c->oe);
	c->oe = c->path.oe = NULL;
	c->path.own = PATH_OWN_SHUT;
	c->path.direct = NULL;
	device_ipv6(c->device, false);
	direct_free(c->direct);
	c->direct = NULL;
	c->path.addr = addr_none;
	pass_look_again(c->path.pass);
	host_leave(&c->host, clock_now(), CLIENT_LEAVE_WAIT);
	client_kick(c);
}

static void
client_keeper_gone(int fd, void *arg)
{
	struct client *c = arg;

	(void)fd;
	if (keeper_alive())
		return;
	event_del(c->keeper);
	log_error("the process that keeps kernel settings was killed, and who "
	    "starts it again, too: ending, so that who supervises us starts "
	    "anew and puts them back");
	service_fail(c->service);
}

static void
client_gone(void *arg)
{
	struct client *c = arg;

	service_fail(c->service);
}

static int
client_events(struct client *c)
{
	int fd;

	c->timer = watch_timer(c->base, client_timer, c);
	c->grace = watch_timer(c->base, client_grace_over, c);
	c->network_timer = watch_timer(c->base, client_network_settled, c);
	c->keeper = watch_fd(c->base, keeper_fd(), client_keeper_gone, c);
	if ((fd = rtnl_monitor()) == -1) {
		log_error("rtnetlink: %s", strerror(errno));
		return -1;
	}
	c->network = watch_fd(c->base, fd, client_network, c);
	return 0;
}

int
client_open(struct client *c, struct service *service,
    struct settings *settings)
{
	struct oe_shell shell = path_shell;

	memset(c, 0, sizeof(*c));
	c->service = service;
	c->base = service_base(service);
	c->settings = settings;
	random_bytes(&settings->host.seed, sizeof(settings->host.seed));
	host_init(&c->host, &settings->host, &client_host_ops, c);
	if ((c->device = device_open(c->base, settings->interface,
	    settings->oe_interface, client_outbound, client_gone, c)) == NULL ||
	    (c->tunnel = tunnel_new(c->base, client_inbound,
	    client_inbound_end, client_too_big, c)) == NULL ||
	    client_events(c) == -1)
		return -1;
	c->xfrm = xfrm_open(CAPTURE_MARK);
	c->inward = inward_new(c->xfrm, settings->oe_interface, false);
	if (client_policy(c, settings) == -1 ||
	    client_kernel_open(c, settings) == -1)
		return -1;
	client_recall(c);
	path_init(&c->path, &c->host, c->tunnel, c->device);
	client_pass_open(c);
	client_kernel_lease(c);
	c->path.cascade = settings->cascade;
	c->path.event = status_engine_event;
	c->path.event_arg = c;
	c->path.kick = client_kicked;
	client_make_direct(c, settings, settings->oe);
	shell.planes = c->path.planes;
	c->oe = oe_new(settings->oe, c->base, &shell, &c->path);
	settings->oe = NULL;
	if ((c->path.oe = c->oe) == NULL)
		return -1;
	direct_beside(c->direct, c->oe);
	oe_on_resolvers(c->oe, client_resolvers, c);
	c->transport = transport_new(c->base, &client_transport_ops, c);
	transport_set_auth(c->transport, settings->key_id,
	    settings->secret.bytes, settings->secret.len,
	    settings->require_auth);
	if (!settings->direct)
		device_block(c->device);
	choose_open(&c->choose, c->base, client_found, c);
	return 0;
}

void
client_run(struct client *c)
{
	client_choose(c);	/* the keeper of settings is ready now */
	client_kick(c);
}

void
client_close(struct client *c)
{
	if (c->service == NULL)
		return;
	c->stopping = true;
	direct_beside(c->direct, NULL);
	oe_free(c->oe);
	c->path.direct = NULL;
	direct_free(c->direct);
	inward_free(c->inward);
	client_kernel_close(c);
	xfrm_close(c->xfrm);
	pass_close(c->path.pass);
	c->path.pass = NULL;
	transport_free(c->transport);
	choose_close(&c->choose);
	device_close(c->device, service_ordered(c->service) &&
	    !c->settings->stay_shut);
	tunnel_free(c->tunnel);
	path_clear(&c->path);
	host_clear(&c->host);
	watch_close(c->network);
	watch_end(c->keeper);
	watch_end(c->network_timer);
	watch_end(c->grace);
	watch_end(c->timer);
	statefile_close(c->state, false);
	settings_free(c->settings);
}
