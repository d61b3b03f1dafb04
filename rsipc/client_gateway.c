/* client_gateway.c - the RSIP client daemon: which gateway it speaks with, and how */
#include "config.h"

#include <event2/event.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "rsipc/client_private.h"

/* Where no lease is needed, one that is good for nothing is given up. */
bool
client_passes_by(const struct client *c)
{
	return c->settings->direct && !c->settings->cascade && !c->stopping;
}

/* A gateway that is broken, or not for us: as if it was not there. */
void
client_abandon(struct client *c, const char *why, uint64_t now)
{
	uint32_t rest = worth_rest(&c->path.worth);

	/* Perhaps another gateway is better. */
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

void
client_go_elsewhere(struct client *c, uint64_t now)
{
	if (c->host.state != HOST_UNREGISTERED || c->host.stale ||
	    !c->host.up || c->host.bindings.n != 0)
		return;
	c->elsewhere = false;
	choose_ask(&c->choose, c->settings, now);
	if (addr_is_set(&c->settings->gateway) || !choose_more(&c->choose))
		return;
	transport_disconnect(c->transport);
	host_disconnected(&c->host, now);
}

void
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

void
client_grace_over(void *arg)
{
	struct client *c = arg;

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
		if (!c->unreachable_said &&
		    !addr_is_set(&c->settings->gateway))
			log_warn("no default route, so no gateway: waiting for "
			    "one (or set \"gateway\")");
		else if (!c->unreachable_said)
			log_warn("no route to gateway %s: waiting for one",
			    ADDR_TEXT(&c->settings->gateway));
		c->unreachable_said = true;
		host_disconnected(&c->host, clock_now());
		return;
	}
	c->unreachable_said = false;
	c->tried = true;
	c->gateway = way.gateway;
	c->link_addr = way.addr;
	memcpy(c->link, way.link, sizeof(way.link));
	if (addr_equal(&c->former_gateway, &c->gateway)) {
		host_resume(&c->host, &c->former);
		c->former_gateway = addr_none;
	}
	transport_connect(c->transport, &c->gateway, way.port, udp);
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
	client_port_answered(c, d->port, error);
}

static void
client_local(void *arg, const struct prefix *net)
{
	struct client *c = arg;

	device_add_local(c->device, net);
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

const struct host_ops client_host_ops = {
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

/* --- what the transport hears --------------------------------------------- */

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

const struct transport_ops client_transport_ops = {
	.connected = client_connected,
	.disconnected = client_disconnected,
	.message = client_message,
	.again = client_again,
	.unreadable = client_unreadable,
};
