/* client_way.c - the RSIP client daemon: which way packets go, by the lease or from an address of this host */
#include "config.h"

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/watch.h"
#include "rsipc/client_private.h"

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

/* Remote flow policy: the first packet is what asks for a lease, so it
 * must come to us. */
static bool
client_awaits_first(const struct client *c)
{
	return c->host.state >= HOST_REGISTERED &&
	    host_flow_policy(&c->host) && c->host.bindings.n == 0;
}

static bool
client_may_be_direct(const struct client *c)
{
	struct addr own;

	if (c->direct == NULL || c->seeking || client_awaits_first(c))
		return false;
	own = direct_address(c->direct);
	return addr_is_set(&own);
}

/* New connections leave from our own address, and those of a lease stay. */
static void
client_go_direct(struct client *c)
{
	struct addr own = direct_address(c->direct);

	if (c->path.own != PATH_OWN_ALL) {
		log_info("no RSIP gateway here: connections leave from %s, and "
		    "are encrypted %s", ADDR_TEXT(&own),
		    direct_how(c->direct));
		client_range_restore();
	}
	device_own_link(c->device, direct_link(c->direct));
	if (device_own(c->device, &own,
	    direct_mtu(c->direct)) == -1)
		return;
	c->path.own = PATH_OWN_ALL;
}

/* ... and the other way round. */
static void
client_go_leased(struct client *c)
{
	struct addr leased = device_address(c->device);

	if (c->path.own == PATH_OWN_ALL && c->range_hi != 0)
		client_range(c, c->range_lo, c->range_hi);
	c->path.own = client_may_be_direct(c) ? PATH_OWN_OLD : PATH_OWN_SHUT;
	if (c->path.own == PATH_OWN_OLD)
		device_own_link(c->device, direct_link(c->direct));
	if (device_prefer(c->device, &leased) == -1)
		log_error("packets may go out beside the lease");
}

void
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

void
client_choose(struct client *c)
{
	struct addr leased = device_address(c->device);

	client_lead(c, addr_is_set(&leased));
}

void
client_woken(struct client *c, uint64_t now)
{
	bool connected;

	/* Under remote flow policy the first program waits for the first lease,
	 * but not for ever; and not for one that has been given up, which what
	 * is left of its connections still speaks from. */
	if (c->path.waits && !c->waiting && !c->suspended &&
	    now >= c->host.rest_until) {
		c->waiting = true;
		if (!c->seeking)
			watch_after(c->grace, CLIENT_SEEK);
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

void
client_outbound(void *arg, const struct packet_view *v)
{
	struct client *c = arg;
	uint64_t       now = clock_now();

	path_outbound(&c->path, v, now);
	client_woken(c, now);
}

void
client_inbound(void *arg, const struct packet_view *p)
{
	struct client *c = arg;

	path_inbound(&c->path, p);
}

void
client_too_big(void *arg, const struct packet_view *p)
{
	struct client *c = arg;

	path_too_big(&c->path, p);
}

void
client_inbound_end(void *arg)
{
	struct client *c = arg;

	device_flush(c->device);
	if (c->path.wake)
		client_kick(c);
}
