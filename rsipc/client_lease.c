/* client_lease.c - the RSIP client daemon: what a lease makes of this host, and its loss */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/statefile.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/validator.h"
#include "rsipc/client_private.h"
#include "rsipc/keeper.h"
#include "rsipc/remember.h"

#define TIME_WAIT_REUSE	"net/ipv4/tcp_tw_reuse"
#define PORT_RANGE	"net/ipv4/ip_local_port_range"
#define PORT_BLOCK_MIN	8
/* Where each port is leased alone, counted from the one that was given: */
#define PORT_MICRO_SPAN	2048	/* programs choose from so many, ... */
#define PORT_MICRO_NEAR	48	/* ... before it is known that there are more,
				 * ... */
#define PORT_MICRO_DNS	16	/* ... and not from these, which are for
				 * questions that DNSSEC takes: each lease is
				 * soon there */
#define SETTLE_WAIT	1000	/* ms for the kernel's settings to be made */
#define MTU_FALLBACK	1500	/* where the kernel does not know the path's */

void
client_range(struct client *c, uint16_t lo, uint16_t hi)
{
	char range[16];

	c->range_lo = lo;
	c->range_hi = hi;
	snprintf(range, sizeof(range), "%u %u", lo, hi);
	keeper_set(PORT_RANGE, range);
}

void
client_range_restore(void)
{
	keeper_restore(PORT_RANGE);
	validator_ports(0, 0);
}

/* The engine is gone when we are about to leave. */
static void
client_set_local(struct client *c, const struct addr *addr, uint16_t ike_port)
{
	if (c->oe != NULL)
		oe_set_local(c->oe, AF_INET, addr, ike_port);
}

static bool
client_leases_one_by_one(const struct client *c)
{
	return c->host.local_policy == RSIP_LOCAL_MICRO ||
	    host_flow_policy(&c->host);
}

/* Asks for a port only to learn whether the gateway's range goes as far; it is
 * as good as any other for programs. */
static void
client_range_ask(struct client *c, uint16_t port)
{
	struct host_demand d = c->host.first;

	d.port = port;
	c->range_ask = host_demand(&c->host, &d, clock_now()) ? port : 0;
}

/*
 * Programs choose from the ports between the one that was given and another, on
 * either side of it.  Neither is for them, nor are those of questions: under
 * remote flow policy a port is for whom it was leased for first.
 */
static void
client_range_to(struct client *c, int given, int other)
{
	if (other > given)
		client_range(c, (uint16_t)(given + PORT_MICRO_DNS + 1),
		    (uint16_t)(other - 1));
	else
		client_range(c, (uint16_t)(other + 1),
		    (uint16_t)(given - PORT_MICRO_DNS - 1));
}

/* From a few on one side, sign being -1 before it; and the gateway is asked
 * whether it has more there. */
static void
client_range_begin(struct client *c, int given, int sign)
{
	int dns = given + sign * PORT_MICRO_DNS;
	int near = given + sign * PORT_MICRO_NEAR;
	int far = given + sign * PORT_MICRO_SPAN;

	if (near < 1 || near > UINT16_MAX)
		return;
	client_range_to(c, given, near);
	validator_ports((uint16_t)(sign > 0 ? given + 1 : dns),
	    (uint16_t)(sign > 0 ? dns : given - 1));
	client_range_ask(c, (uint16_t)(far < 1 ? 1 :
	    far > UINT16_MAX ? UINT16_MAX : far));
}

/*
 * A port a binding (micro-flow local policy): programs choose from those that
 * follow the one we were given, and each is leased as it is met.  What is
 * refused costs a program its connection, so these are few until the gateway
 * has shown that it has more.
 */
static void
client_ports_one_by_one(struct client *c, const struct binding *b)
{
	if (!client_leases_one_by_one(c) || b->nports == 0 ||
	    b->purpose != BINDING_MAIN)
		return;
	client_range_begin(c, b->port[0],
	    b->port[0] + PORT_MICRO_NEAR > UINT16_MAX ? -1 : 1);
}

/* The port that was asked for is not the gateway's: half as far, or, where the
 * one that we were given is among its last, those before it. */
static void
client_range_less(struct client *c, int given, int asked)
{
	int half = (asked - given) / 2;

	if (abs(half) >= PORT_MICRO_NEAR)
		client_range_ask(c, (uint16_t)(given + half));
	else if (half > 0)
		client_range_begin(c, given, -1);
}

void
client_port_answered(struct client *c, uint16_t port, unsigned error)
{
	const struct binding *main = bindings_main(&c->host.bindings);
	bool		      asked = port != 0 && port == c->range_ask;
	uint16_t	      given;

	if (asked)
		c->range_ask = 0;
	if (main == NULL || main->nports == 0 || !client_leases_one_by_one(c))
		return;
	given = main->port[0];
	if (asked && error == RSIP_LOCAL_ADDRPORT_UNALLOWED)
		client_range_less(c, given, port);
	else if (asked)
		/* In use, or one too many: it is of the range. */
		client_range_to(c, given, port);
	else if (error != RSIP_LOCAL_ADDRPORT_UNALLOWED)
		return;
	else if (port <= c->range_hi && port >= c->range_lo &&
	    abs(port - given) > PORT_MICRO_DNS + PORT_BLOCK_MIN)
		client_range_to(c, given, port);
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
	/* Stays where it is when programs go on to another block, as what is
	 * known of DNS would be lost. */
	if (b->purpose == BINDING_MAIN)
		validator_ports(lo, hi);
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
	    &c->gateway, b)) != 0)
		(void)statefile_write(c->state, text, n);
}

void
client_recall(struct client *c)
{
	char		 *text;
	size_t		  len;

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
		c->former_gateway = addr_none;
	}
	free(text);
}

static void
client_main_granted(struct client *c, const struct binding *b)
{
	struct addr	  local = transport_local(c->transport), remote;
	unsigned	  mtu;
	bool		  kept;

	c->seeking = c->waiting = c->worthless = false;
	remote = addr_is_set(&b->endpoint) ? b->endpoint : c->gateway;
	tunnel_set(c->tunnel, b->tunnel, &local, &remote);
	mtu = tunnel_mtu(c->tunnel);
	if (mtu == 0)
		mtu = MTU_FALLBACK - TUNNEL_OVERHEAD_MAX;
	evtimer_del(c->grace);
	/* What was negotiated in another life would only fail slowly. */
	kept = c->suspended && addr_equal(&c->had.addr, &b->addr) &&
	    client_spis_kept(c, b);
	if (!kept)
		client_set_local(c, &addr_none, 0);
	c->suspended = false;
	c->range_hi = 0;
	client_ports(c, b);
	/* A port that a program chooses earlier may be one that is not to be
	 * had. */
	if (!keeper_settle(SETTLE_WAIT))
		log_info("programs may go on choosing other ports than those "
		    "that are leased, for a while");
	if (device_up(c->device, &b->addr, &remote, mtu,
	    !c->settings->cascade &&
	    (b->nspis > 0 || b->method == RSIP_METHOD_RSA_IP)) == -1)
		log_warn("%s is leased but cannot be used",
		    ADDR_TEXT(&b->addr));
	c->path.addr = b->addr;
	client_kernel_follow(c);
	c->path.gateway = c->gateway;
	worth_begin(&c->path.worth);
	c->up_since = clock_now();
	c->gone_since = 0;
	client_choose(c);
	client_set_local(c, &b->addr, c->path.ike_port);
	client_remember(c, b);
	if (kept && c->oe != NULL)
		oe_wake(c->oe, "leased once more");
	log_info("leased %s, %u port%s, %u SPI%s for %u s from %s, tunnel %s, "
	    "MTU %u", ADDR_TEXT(&b->addr), b->nports, plural(b->nports),
	    b->nspis, plural(b->nspis), b->seconds,
	    ADDR_TEXT(&c->gateway), rsip_tunnel_name(b->tunnel), mtu);
}

void
client_granted(void *arg, const struct binding *b)
{
	struct client *c = arg;

	if (c->stopping)
		return;
	if (b->purpose == BINDING_MAIN)
		client_main_granted(c, b);
	else if (b->purpose == BINDING_PORTS)
		/* Programs go on from here; what began before ends there. */
		client_ports(c, b);
	client_pass_granted(c);
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
	    b->port[0] != c->host.bindings.lo ||
	    !binding_port_block(main, &lo, &hi) || hi - lo < PORT_BLOCK_MIN)
		return;
	if (hi == c->path.ike_port)
		hi--;
	bindings_port_range(&c->host.bindings, lo, hi);
	client_range(c, lo, hi);
}

/* RFC 3103 §9.5: all use stops at once.  Address and security associations stay
 * for a while, since the same lease often comes back. */
void
client_revoked(void *arg, const struct binding *b)
{
	struct client *c = arg;
	uint64_t       lasted = clock_now() - c->up_since;

	client_pass_revoked(c, b);
	status_publish(c, "revoked", b);
	if (b->purpose == BINDING_PORTS)
		client_block_revoked(c, b);
	if (b->purpose != BINDING_MAIN)
		return;
	c->had = *b;
	c->suspended = true;
	c->path.addr = addr_none;
	pass_look_again(c->path.pass);
	/* What does not come now is no fault of the tunnel. */
	worth_begin(&c->path.worth);
	tunnel_set(c->tunnel, b->tunnel, &addr_none, &addr_none);
	/* What lasted a second is not waited for half a minute. */
	watch_after(c->grace, lasted < CLIENT_GRACE ? lasted : CLIENT_GRACE);
}

void
client_give_up_lease(struct client *c)
{
	struct addr	  leased = device_address(c->device);

	evtimer_del(c->grace);
	c->suspended = c->waiting = c->worthless = false;
	c->path.addr = addr_none;
	pass_look_again(c->path.pass);
	c->range_hi = 0;
	client_set_local(c, &addr_none, 0);
	client_range_restore();
	keeper_restore(TIME_WAIT_REUSE);
	if (addr_is_set(&leased))
		log_info("%s is given up", ADDR_TEXT(&leased));
	client_lead(c, false);
	device_down(c->device);
}

/* Another network: what was encrypted on the last one is not to go out in the
 * clear while it turns out whether there is a gateway here. */
void
client_seek(struct client *c)
{
	c->seeking = true;
	client_give_up_lease(c);
	worth_forget(&c->path.worth);
	device_forget_locals(c->device);
	watch_after(c->grace, CLIENT_SEEK);
}
