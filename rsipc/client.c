/* client.c - the RSIP client daemon: the state machine, its shells and the OE engine put together */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/statefile.h"
#include "base/util.h"
#include "net/rtnl.h"
#include "oe/classes.h"
#include "oe/settings.h"
#include "rsipc/capture.h"
#include "rsipc/client.h"
#include "rsipc/keeper.h"
#include "rsipc/remember.h"

#define TIME_WAIT_REUSE	"net/ipv4/tcp_tw_reuse"
#define PORT_RANGE	"net/ipv4/ip_local_port_range"
#define PORT_BLOCK_MIN	8
#define PORT_MICRO_SPAN	2047	/* ports to choose from where each is leased alone */
#define MTU_FALLBACK	1500	/* where the kernel does not know the path's */

static bool	client_passes_by(const struct client *);
static void	client_abandon(struct client *, const char *, uint64_t);
static void	client_go_elsewhere(struct client *, uint64_t);

/* Lets the state machine look at what has happened, soon but not from within
 * whatever calls this. */
static void
client_kick(struct client *c)
{
	event_active(c->timer, EV_TIMEOUT, 0);
}

static void
client_kicked(void *arg)
{
	client_kick(arg);
}

/* They stay reachable in the clear, also where policy shuts all the rest. */
static void
client_resolvers(void *arg, const struct oe_config *config)
{
	struct client *c = arg;

	if (!c->settings->cascade)
		(void)device_policy(c->device, config);
	c->host.config.remote = config->resolvers[0];
}

static void
client_arm(struct client *c, uint64_t now)
{
	uint64_t       next = host_next(&c->host), wait;
	struct timeval tv;

	if (c->path.demand.n > 0 && (next == 0 || next > now + 1000))
		next = now + 1000;
	if (c->gone_since != 0 && now < c->gone_since + CLIENT_SEEK &&
	    (next == 0 || next > c->gone_since + CLIENT_SEEK))
		next = c->gone_since + CLIENT_SEEK;
	if (next == 0) {
		event_del(c->timer);
		return;
	}
	wait = next > now ? next - now : 0;
	tv.tv_sec = (time_t)(wait / 1000);
	tv.tv_usec = (suseconds_t)(wait % 1000 * 1000);
	event_add(c->timer, &tv);
}

/* --- which way packets go --------------------------------------------------- */

/* A lease is as good as nothing once its gateway is gone for that long. */
static bool
client_lease_serves(struct client *c, uint64_t now)
{
	if (!c->host.up || c->suspended) {
		if (c->gone_since == 0)
			c->gone_since = now;
	} else if (c->host.state == HOST_ASSIGNED && !c->host.verify) {
		c->gone_since = 0;
	}
	return c->gone_since == 0 || now < c->gone_since + CLIENT_SEEK;
}

/* Remote flow policy: the first packet is what asks for a lease, so it must come
 * to us. */
static bool
client_awaits_first(const struct client *c)
{
	return c->host.state >= HOST_REGISTERED &&
	    host_flow_policy(&c->host) && c->host.bindings.n == 0;
}

static bool
client_may_be_direct(const struct client *c)
{
	return c->direct != NULL && direct_address(c->direct) != 0 &&
	    !c->seeking && !client_awaits_first(c);
}

static void
client_range(struct client *c, uint16_t lo, uint16_t hi)
{
	char range[16];

	c->range_lo = lo;
	c->range_hi = hi;
	snprintf(range, sizeof(range), "%u %u", lo, hi);
	keeper_set(PORT_RANGE, range);
}

/* New connections leave from our own address, and those of a lease stay. */
static void
client_go_direct(struct client *c)
{
	if (c->path.own != PATH_OWN_ALL) {
		log_info("no RSIP gateway here: connections leave from %s, and "
		    "are encrypted %s", ipv4_text(direct_address(c->direct)),
		    direct_how(c->direct));
		keeper_restore(PORT_RANGE);
	}
	device_own_link(c->device, direct_link(c->direct));
	if (device_own(c->device, direct_address(c->direct),
	    direct_mtu(c->direct)) == -1)
		return;
	c->path.own = PATH_OWN_ALL;
}

/* ... and the other way round. */
static void
client_go_leased(struct client *c)
{
	if (c->path.own == PATH_OWN_ALL && c->range_hi != 0)
		client_range(c, c->range_lo, c->range_hi);
	c->path.own = client_may_be_direct(c) ? PATH_OWN_OLD : PATH_OWN_SHUT;
	if (c->path.own == PATH_OWN_OLD)
		device_own_link(c->device, direct_link(c->direct));
	if (device_prefer(c->device, device_address(c->device)) == -1)
		log_error("packets may go out beside the lease");
}

/*
 * What becomes of packets, whatever happened.  Before a leased address goes it
 * is said that it does (!lease), so that at no time what was led to us goes past
 * us.
 */
static void
client_lead(struct client *c, bool lease)
{
	bool direct;

	if (c->stopping)
		return;
	direct = client_may_be_direct(c);
	if (lease && (client_lease_serves(c, clock_now()) || !direct)) {
		client_go_leased(c);
	} else if (direct) {
		client_go_direct(c);
	} else {
		c->path.own = PATH_OWN_SHUT;
		if (c->seeking || !c->settings->direct ||
		    client_awaits_first(c))
			device_block(c->device);
		else
			device_release(c->device);
	}
}

static void
client_choose(struct client *c)
{
	client_lead(c, device_address(c->device) != 0);
}

static void
client_timer(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	uint64_t       now = clock_now();

	(void)fd;
	(void)what;
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

/* --- packets -------------------------------------------------------------- */

static void
client_woken(struct client *c, uint64_t now)
{
	struct timeval tv = { .tv_sec = CLIENT_SEEK / 1000 };
	bool	       connected;

	/* Under remote flow policy the first program waits for the first lease,
	 * but not for ever. */
	if (c->path.waits && !c->waiting && !c->suspended) {
		c->waiting = true;
		if (!c->seeking)
			evtimer_add(c->grace, &tv);
	}
	c->path.waits = false;
	/* UDP never says that nobody is there. */
	connected = c->host.up &&
	    (!c->host.udp || now <= c->host.heard + WORTH_HEARD);
	switch (worth_judge(&c->path.worth, now, c->host.heard, connected)) {
	case WORTH_FINE:
		break;
	case WORTH_NOTHING:
		c->worthless = client_passes_by(c);
		/* FALLTHROUGH */
	case WORTH_ASK:
		/* A gateway that forgot us may be silent about it. */
		path_probe(&c->path);
		host_suspect(&c->host, now);
		c->path.wake = true;
		break;
	}
	if (c->path.wake)
		client_kick(c);
}

static void
client_outbound(void *arg, const uint8_t *pkt, size_t len)
{
	struct client *c = arg;
	uint64_t       now = clock_now();

	path_outbound(&c->path, pkt, len, now);
	client_woken(c, now);
}

static void
client_inbound(void *arg, const struct packet_view *p)
{
	struct client *c = arg;

	path_inbound(&c->path, p);
}

static void
client_inbound_end(void *arg)
{
	struct client *c = arg;

	device_flush(c->device);
	if (c->path.wake)
		client_kick(c);
}

/* --- the lease ------------------------------------------------------------ */

/* The engine is gone when we are about to leave. */
static void
client_set_local(struct client *c, uint32_t addr, uint16_t ike_port)
{
	if (c->oe != NULL)
		oe_set_local(c->oe, addr, ike_port);
}

/*
 * A port a binding (micro-flow local policy): programs choose from those that
 * follow the one we were given, and each is leased as it is met.  Where the
 * gateway's range ends is learnt by being refused.
 */
static void
client_ports_one_by_one(struct client *c, const struct binding *b)
{
	if ((c->host.local_policy == RSIP_LOCAL_MICRO ||
	    host_flow_policy(&c->host)) && b->nports > 0 &&
	    b->port[0] <= UINT16_MAX - PORT_MICRO_SPAN)
		client_range(c, b->port[0],
		    (uint16_t)(b->port[0] + PORT_MICRO_SPAN));
}

static void
client_port_refused(struct client *c, uint16_t port, unsigned error)
{
	if ((c->host.local_policy == RSIP_LOCAL_MICRO ||
	    host_flow_policy(&c->host)) && error == RSIP_LOCAL_ADDRPORT_UNALLOWED && port <= c->range_hi &&
	    port > c->range_lo + PORT_BLOCK_MIN)
		client_range(c, c->range_lo, (uint16_t)(port - 1));
}

/* RFC 3102 §3.1: programs choose their source ports from the leased ones. The
 * last port is the IKE engine's own. */
static void
client_ports(struct client *c, const struct binding *b)
{
	uint16_t lo, hi;

	if (c->settings->cascade)
		return;		/* the ports are its hosts' */
	if (b->purpose == BINDING_MAIN) {
		c->path.ike_port = 500;
		bindings_port_range(&c->host.bindings, 0, 0);
	}
	/* A handful of ports is no range to choose from. */
	if (!binding_port_block(b, &lo, &hi) || hi - lo < PORT_BLOCK_MIN) {
		client_ports_one_by_one(c, b);
		return;
	}
	if (b->purpose == BINDING_MAIN && !c->settings->ike_500)
		c->path.ike_port = hi--;
	bindings_port_range(&c->host.bindings, lo, hi);
	client_range(c, lo, hi);
	/* Few ports must do for many short connections (RFC 6191). */
	keeper_set(TIME_WAIT_REUSE, "1");
}

/* Are all SPIs that security associations stand on still ours? */
static bool
client_spis_kept(const struct client *c, const struct binding *b)
{
	unsigned i, j;

	for (i = 0; i < c->had.nspis; i++) {
		if (!c->had.spi_used[i])
			continue;
		for (j = 0; j < b->nspis && b->spi[j] != c->had.spi[i]; j++)
			continue;
		if (j == b->nspis)
			return false;
	}
	return true;
}

/* A successor asks for the same, so that connections live on. */
static void
client_remember(struct client *c, const struct binding *b)
{
	char   text[REMEMBER_MAX];
	size_t n;

	if (c->state != NULL && (n = remember_write(text, sizeof(text),
	    c->gateway, b)) != 0)
		(void)statefile_write(c->state, text, n);
}

static void
client_recall(struct client *c)
{
	char  *text;
	size_t len;

	if (*c->settings->state == '\0')
		return;
	if ((c->state = statefile_open(c->settings->state)) == NULL) {
		log_warn("%s: %s: after a restart other ports are leased",
		    c->settings->state, errno == EWOULDBLOCK ?
		    "another daemon uses it" : strerror(errno));
		return;
	}
	if ((text = statefile_read(c->state, &len)) == NULL)
		return;
	if (remember_read(text, &c->former_gateway, &c->former) == -1) {
		if (len > 0)
			log_warn("%s holds no lease: it is not used",
			    c->settings->state);
		c->former_gateway = 0;
	}
	free(text);
}

static void
client_main_granted(struct client *c, const struct binding *b)
{
	uint32_t remote = b->endpoint != 0 ? b->endpoint : c->gateway;
	unsigned mtu;
	bool	 kept;

	c->seeking = c->waiting = c->worthless = false;
	tunnel_set(c->tunnel, b->tunnel, transport_local(c->transport), remote);
	mtu = tunnel_mtu(c->tunnel);
	if (mtu == 0)
		mtu = MTU_FALLBACK - TUNNEL_OVERHEAD_MAX;
	evtimer_del(c->grace);
	/* Negotiations and associations of another life would only fail slowly. */
	kept = c->suspended && c->had.addr == b->addr &&
	    client_spis_kept(c, b);
	if (!kept)
		client_set_local(c, 0, 0);
	c->suspended = false;
	c->range_hi = 0;
	client_ports(c, b);
	if (device_up(c->device, b->addr, remote, mtu, !c->settings->cascade &&
	    (b->nspis > 0 || b->method == RSIP_METHOD_RSA_IP)) == -1)
		log_warn("%s is leased but cannot be used",
		    ipv4_text(b->addr));
	c->path.addr = b->addr;
	c->path.gateway = c->gateway;
	worth_begin(&c->path.worth);
	c->up_since = clock_now();
	c->gone_since = 0;
	client_choose(c);
	client_set_local(c, b->addr, c->path.ike_port);
	client_remember(c, b);
	if (kept && c->oe != NULL)
		oe_wake(c->oe, "leased once more");
	log_info("leased %s, %u ports, %u SPIs for %u s from %s, tunnel %s, "
	    "MTU %u", ipv4_text(b->addr), b->nports, b->nspis, b->seconds,
	    ipv4_text(c->gateway), rsip_tunnel_name(b->tunnel), mtu);
}

static void
client_granted(void *arg, const struct binding *b)
{
	struct client *c = arg;

	if (c->stopping)
		return;
	if (b->purpose == BINDING_MAIN)
		client_main_granted(c, b);
	else if (b->purpose == BINDING_PORTS)
		/* Programs go on from here; what began on the old block ends there. */
		client_ports(c, b);
	if (b->purpose != BINDING_MAIN)
		log_debug("binding %u: %u ports, %u SPIs", b->bind_id,
		    b->nports, b->nspis);
	status_publish(c, "granted", b);
}

/* The block that programs choose from is gone: back to the first one. */
static void
client_block_revoked(struct client *c, const struct binding *b)
{
	const struct binding *main = bindings_main(&c->host.bindings);
	uint16_t	      lo, hi;

	if (main == NULL || b->nports == 0 ||
	    b->port[0] != c->host.bindings.lo || !binding_port_block(main, &lo, &hi) || hi - lo < PORT_BLOCK_MIN)
		return;
	if (hi == c->path.ike_port)
		hi--;
	bindings_port_range(&c->host.bindings, lo, hi);
	client_range(c, lo, hi);
}

/* RFC 3103 §9.5: all use stops at once.  Address and security associations stay
 * for a while, since the same lease often comes back. */
static void
client_revoked(void *arg, const struct binding *b)
{
	struct timeval tv = { .tv_sec = CLIENT_GRACE / 1000 };
	struct client *c = arg;
	uint64_t       lasted = clock_now() - c->up_since;

	status_publish(c, "revoked", b);
	if (b->purpose == BINDING_PORTS)
		client_block_revoked(c, b);
	if (b->purpose != BINDING_MAIN)
		return;
	c->had = *b;
	c->suspended = true;
	c->path.addr = 0;
	/* What does not come now is no fault of the tunnel. */
	worth_begin(&c->path.worth);
	tunnel_set(c->tunnel, b->tunnel, 0, 0);
	/* What lasted a second is not waited for half a minute. */
	if (lasted < CLIENT_GRACE) {
		tv.tv_sec = (time_t)(lasted / 1000);
		tv.tv_usec = (suseconds_t)(lasted % 1000 * 1000);
	}
	evtimer_add(c->grace, &tv);
}

static void
client_give_up_lease(struct client *c)
{
	evtimer_del(c->grace);
	c->suspended = c->waiting = c->worthless = false;
	c->path.addr = 0;
	c->range_hi = 0;
	client_set_local(c, 0, 0);
	keeper_restore(PORT_RANGE);
	keeper_restore(TIME_WAIT_REUSE);
	if (device_address(c->device) != 0)
		log_info("%s is given up", ipv4_text(device_address(c->device)));
	client_lead(c, false);
	device_down(c->device);
}

/* Another network: what was encrypted on the last one is not to go out in the
 * clear while it turns out whether there is a gateway here. */
static void
client_seek(struct client *c)
{
	struct timeval tv = { .tv_sec = CLIENT_SEEK / 1000 };

	c->seeking = true;
	client_give_up_lease(c);
	worth_forget(&c->path.worth);
	device_forget_locals(c->device);
	evtimer_add(c->grace, &tv);
}

/* Where no lease is needed, one that is good for nothing is given up. */
static bool
client_passes_by(const struct client *c)
{
	return c->settings->direct && !c->settings->cascade && !c->stopping;
}

/* A gateway that is broken, or not for us: as if it was not there. */
static void
client_abandon(struct client *c, const char *why, uint64_t now)
{
	uint32_t rest = worth_rest(&c->path.worth);

	/* There may be a better one. */
	choose_ask(&c->choose, c->settings, now);
	c->tried = c->elsewhere = true;
	if (choose_more(&c->choose))
		rest = 0;
	host_abandon(&c->host, why, now, rest);
	c->seeking = false;
	client_give_up_lease(c);
	device_forget_locals(c->device);
	log_warn("%s: going on without it, to be asked again %s", why,
	    rest == 0 ? "soon" : "in a while");
}

/* Refused, or given up: on to another gateway, if one is known. */
static void
client_go_elsewhere(struct client *c, uint64_t now)
{
	if (c->host.state != HOST_UNREGISTERED || c->host.stale ||
	    !c->host.up || c->host.bindings.n != 0)
		return;
	c->elsewhere = false;
	choose_ask(&c->choose, c->settings, now);
	if (c->settings->gateway != 0 || !choose_more(&c->choose))
		return;
	transport_disconnect(c->transport);
	host_disconnected(&c->host, now);
}

static void
client_found(void *arg)
{
	struct client *c = arg;

	if (c->host.bindings.n != 0 || c->host.state >= HOST_REGISTERED)
		return;
	/* Only the one that is in use is to be left alone. */
	c->host.rest_until = 0;
	c->elsewhere = true;
	if (!c->host.up && !c->host.connecting)
		c->host.retry_at = clock_now();
	client_kick(c);
}

static void
client_grace_over(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	if (c->waiting && c->host.bindings.n == 0 && client_passes_by(c)) {
		client_abandon(c, "the gateway leases nothing to whom programs "
		    "speak", clock_now());
		client_kick(c);
		return;
	}
	c->seeking = false;
	client_give_up_lease(c);
}

/* --- what the state machine asks for -------------------------------------- */

static void
client_connect(void *arg, bool udp)
{
	struct client	 *c = arg;
	struct choose_way way = { 0 };

	/* While a lease may still hold it is this gateway's. */
	if (c->tried && c->host.bindings.n == 0) {
		choose_next(&c->choose);
		choose_ask(&c->choose, c->settings, clock_now());
	}
	if (!choose_way(&c->choose, c->settings, &way)) {
		if (!c->unreachable_said && c->settings->gateway == 0)
			log_warn("no default route, so no gateway: waiting for "
			    "one (or set \"gateway\")");
		else if (!c->unreachable_said)
			log_warn("no route to gateway %s: waiting for one",
			    ipv4_text(c->settings->gateway));
		c->unreachable_said = true;
		host_disconnected(&c->host, clock_now());
		return;
	}
	c->unreachable_said = false;
	c->tried = true;
	c->gateway = way.gateway;
	c->link_addr = way.addr;
	memcpy(c->link, way.link, sizeof(way.link));
	if (c->former_gateway != 0 && c->former_gateway == c->gateway) {
		host_resume(&c->host, &c->former);
		c->former_gateway = 0;
	}
	transport_connect(c->transport, c->gateway, way.port, udp);
}

static void
client_disconnect(void *arg)
{
	struct client *c = arg;

	transport_disconnect(c->transport);
}

static void
client_send(void *arg, struct rsip_message *m)
{
	struct client *c = arg;

	log_debug("-> %s", rsip_type_name(m->type));
	transport_send(c->transport, m);
}

static void
client_resend(void *arg)
{
	struct client *c = arg;

	transport_resend(c->transport);
}

static void
client_demanded(void *arg, const struct host_demand *d, unsigned error)
{
	struct client *c = arg;

	path_demanded(&c->path, d, error);
	client_port_refused(c, d->port, error);
}

static void
client_local(void *arg, uint32_t net, uint32_t mask)
{
	struct client *c = arg;

	device_add_local(c->device, net, mask);
}

static void
client_changed(void *arg, enum host_state from, enum host_state to)
{
	struct client *c = arg;

	if (to == HOST_REGISTERED)
		c->tried = false;
	else if (from == HOST_REGISTRATION_PENDING)
		c->elsewhere = true;
	client_choose(c);
	status_publish(c, "state", NULL);
}

static void
client_left(void *arg)
{
	struct client *c = arg;

	service_end(c->service);
}

static const struct host_ops client_host_ops = {
	.connect = client_connect,
	.disconnect = client_disconnect,
	.send = client_send,
	.resend = client_resend,
	.granted = client_granted,
	.revoked = client_revoked,
	.demanded = client_demanded,
	.local = client_local,
	.changed = client_changed,
	.left = client_left,
};

static void
client_connected(void *arg)
{
	struct client *c = arg;

	host_connected(&c->host, clock_now());
	client_kick(c);
}

static void
client_disconnected(void *arg)
{
	struct client *c = arg;

	host_disconnected(&c->host, clock_now());
	if (c->seeking) {
		c->seeking = false;
		client_give_up_lease(c);
	}
	client_kick(c);
}

static void
client_message(void *arg, const struct rsip_message *m)
{
	struct client *c = arg;

	log_debug("<- %s%s%s", rsip_type_name(m->type),
	    m->has & RSIP_HAS_ERROR ? " " : "",
	    m->has & RSIP_HAS_ERROR ? rsip_error_name(m->error) : "");
	host_receive(&c->host, m, clock_now());
	client_kick(c);
}

static void
client_unreadable(void *arg, const struct rsip_message *m)
{
	struct client *c = arg;

	host_unreadable(&c->host, m, clock_now());
	client_kick(c);
}

static void
client_again(void *arg)
{
	struct client *c = arg;

	host_again_signed(&c->host, clock_now());
	client_kick(c);
}

static const struct transport_ops client_transport_ops = {
	.connected = client_connected,
	.disconnected = client_disconnected,
	.message = client_message,
	.again = client_again,
	.unreadable = client_unreadable,
};

/* --- a network that changes under us --------------------------------------- */

static void
client_network_settled(evutil_socket_t fd, short what, void *arg)
{
	struct client	 *c = arg;
	struct choose_way way = { 0 };

	(void)fd;
	(void)what;
	if (c->direct != NULL)
		direct_follow(c->direct);
	if (!choose_way(&c->choose, c->settings, &way)) {
		/* A cable pulled may be put back: leases wait for their end. */
		client_choose(c);
		return;
	}
	if (c->gateway != 0 && (way.gateway != c->gateway ||
	    strcmp(way.link, c->link) != 0 || way.addr != c->link_addr)) {
		log_info("the network has changed: gateway %s on %s",
		    ipv4_text(way.gateway), way.link);
		c->tried = false;
		host_reset(&c->host, clock_now());
		client_seek(c);
	} else {
		device_mend(c->device);
	}
	c->unreachable_said = false;
	if (!c->host.up && !c->host.connecting)
		c->host.retry_at = clock_now();
	client_kick(c);
}

static void
client_network(evutil_socket_t fd, short what, void *arg)
{
	struct timeval tv = { .tv_usec = CLIENT_NETWORK_SETTLE * 1000 };
	struct client *c = arg;
	char	       buf[8192];

	(void)what;
	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		continue;
	if (!evtimer_pending(c->network_timer, NULL))
		evtimer_add(c->network_timer, &tv);
}

/* --- life ------------------------------------------------------------------ */

/* Denied and paranoid prefixes are shut whatever happens to us. */
static int
client_policy(struct client *c, const struct settings *s)
{
	if (s->cascade)
		return device_policy(c->device, NULL);
	if (s->direct && classes_has(s->oe->classes, OE_CLASS_PARANOID))
		log_warn("direct = true: without a lease what has no key, but for "
		    "denied, paranoid and tunnel prefixes, goes out in the "
		    "clear");
	return device_policy(c->device, s->oe);
}

/* The second engine, where there is use for it. */
static void
client_make_direct(struct client *c, const struct settings *s,
    struct oe_config *oe)
{
	bool wanted = s->direct && !s->cascade &&
	    (oe->key != NULL || oe->ntunnels > 0);

	/* What was opened as root is kept: it is not to be had again. */
	if (c->direct != NULL) {
		oe_reconfigure(direct_engine(c->direct), oe_config_share(oe));
		direct_use(c->direct, wanted);
		if (!wanted)
			device_own_link(c->device, "");
		return;
	}
	c->direct = wanted ? direct_open(c->base, oe_config_share(oe),
	    c->device, status_engine_event, c) : NULL;
	if (wanted && c->direct == NULL)
		log_warn("without a lease nothing is encrypted: the line before "
		    "says why");
	direct_beside(c->direct, c->oe);
	if ((c->path.direct = c->direct) == NULL)
		device_own_link(c->device, "");
	else
		direct_follow(c->direct);
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
	if (new->gateway != old->gateway || new->port != old->port ||
	    new->host.udp != old->host.udp) {
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
	struct client *c = arg;

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
	direct_free(c->direct);
	c->direct = NULL;
	c->path.addr = 0;
	host_leave(&c->host, clock_now(), CLIENT_LEAVE_WAIT);
	client_kick(c);
}

/* Nothing else is ever said on that descriptor. */
static void
client_keeper_gone(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	log_error("the process that keeps kernel settings was killed, and who "
	    "starts it again, too: ending, so that who supervises us starts "
	    "anew and puts them back");
	service_fail(c->service);
}

static int
client_events(struct client *c)
{
	int fd;

	c->timer = evtimer_new(c->base, client_timer, c);
	c->grace = evtimer_new(c->base, client_grace_over, c);
	c->network_timer = evtimer_new(c->base, client_network_settled, c);
	c->keeper = event_new(c->base, keeper_fd(), EV_READ,
	    client_keeper_gone, c);
	if (c->keeper == NULL || event_add(c->keeper, NULL) == -1 ||
	    (fd = rtnl_monitor()) == -1)
		goto fail;
	c->network = event_new(c->base, fd, EV_READ | EV_PERSIST,
	    client_network, c);
	if (c->timer == NULL || c->grace == NULL || c->network_timer == NULL ||
	    c->network == NULL || event_add(c->network, NULL) == -1)
		goto fail;
	return 0;
fail:
	log_error("cannot watch for events: %s", strerror(errno));
	return -1;
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
	    settings->oe_interface, client_outbound, c)) == NULL ||
	    (c->tunnel = tunnel_new(c->base, client_inbound,
	    client_inbound_end, c)) == NULL || client_events(c) == -1)
		return -1;
	if (client_policy(c, settings) == -1)
		return -1;
	client_recall(c);
	path_init(&c->path, &c->host, c->tunnel, c->device);
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
	return choose_open(&c->choose, c->base, client_found, c);
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
	evutil_socket_t fd;

	if (c->service == NULL)
		return;
	c->stopping = true;
	direct_beside(c->direct, NULL);
	oe_free(c->oe);
	c->path.direct = NULL;
	direct_free(c->direct);
	transport_free(c->transport);
	choose_close(&c->choose);
	device_close(c->device, service_ordered(c->service) &&
	    !c->settings->stay_shut);
	tunnel_free(c->tunnel);
	path_clear(&c->path);
	host_clear(&c->host);
	if (c->network != NULL) {
		fd = event_get_fd(c->network);
		event_free(c->network);
		close(fd);
	}
	if (c->keeper != NULL)
		event_free(c->keeper);
	if (c->network_timer != NULL)
		event_free(c->network_timer);
	if (c->grace != NULL)
		event_free(c->grace);
	if (c->timer != NULL)
		event_free(c->timer);
	statefile_close(c->state, false);
	settings_free(c->settings);
}
