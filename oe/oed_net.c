/* oed_net.c - oed's way to the kernel: TUN device, policy route, and the wire */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <net/if.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/gso.h"
#include "net/ip.h"
#include "net/rtnl.h"
#include "net/rtnl_table.h"
#include "net/sysctl.h"
#include "net/tun.h"
#include "oe/esp/crew.h"
#include "oe/esp/xfrm.h"
#include "oe/guard.h"
#include "oe/oed_net.h"
#include "oe/wire.h"
#include "oe/wire_beside.h"

/*
 * Every packet without our mark goes to the TUN; what the engine sends carries
 * the mark and takes the main table.  One number for mark, table and
 * priority: "OE".
 */
#define OED_TABLE	0x4f45u
#define OED_PRIORITY	0x4f45u
/* What policy shuts comes next, for when the TUN is not there. */
#define GUARD_TABLE	0x4f46u
/* The route with our address as its source goes with the address; the one
 * without stays, so that nothing passes while there is none. */
#define METRIC_SOURCE	1
#define METRIC_BARE	2

#define TUN_MTU		1400	/* with ESP_OVERHEAD it fits into Ethernet */
#define BATCH		64	/* packets a wake-up: the other
				 * sockets wait no longer */

/* What one worker has of the kernel beside its queue. */
struct net_worker {
	struct oed_net	*net;
	struct wire_out *out;
	struct wire_in	*in;
	struct gso_join *join;
};

struct oed_net {
	struct event_base *base;
	struct oe	  *oe;
	oed_event_fn	   event;
	void		 (*gone)(void *arg);
	bool		   is_gone;	/* the TUN device */
	void		  *event_arg;
	char		   name[IFNAMSIZ];
	struct addr	   source[2];	/* of packets, IPv4 first; none:
					 * the kernel's choice */
	bool		   captures[2];	/* packets come by */
	bool		   ipv6;	/* has a way to the device */
	int		   tun[LANES_MAX];	/* queues: one, or one for each
						 * worker */
	unsigned	   ntuns;
	struct event	  *ev[LANES_MAX];	/* of those that we read */
	struct lanes	  *seal, *open;	/* NULL: there are no workers */
	struct net_worker  worker[LANES_MAX];
	struct crew	  *crew;	/* NULL: none runs */
	struct event	  *handed;
	struct wire	  *wire;
	struct rtnl_rule   rules[OE_NETWORKS_MAX + 2];
	struct guard	  *guard;
	size_t		   nrules;
	bool		   routes_passed;	/* pass_route may be used */
	struct gso_join	  *join;	/* packets for the host */
	bool		   batch;	/* more of them may follow at once */
	uint8_t		   buf[GSO_BUFFER_LEN];
};

/* --- routes --------------------------------------------------------------- */

static int
net_rule(struct oed_net *n, const struct rtnl_rule *r)
{
	if (rtnl_rule_add(r) == -1) {
		log_error("policy routing rule: %s", strerror(errno));
		return -1;
	}
	n->rules[n->nrules++] = *r;
	return 0;
}

/* Without an address that is ours nobody could say what to do with its
 * packets. */
static int
net_capture(struct oed_net *n, int family)
{
	struct rtnl_rule capture = { .priority = OED_PRIORITY,
		.table = OED_TABLE, .mark = OED_MARK, .invert = true };
	bool		*done = &n->captures[family == AF_INET6];

	capture.dst.addr.family = (uint8_t)family;
	if (*done)
		return 0;
	*done = net_rule(n, &capture) == 0;
	return *done ? 0 : -1;
}

static int
net_source(struct oed_net *n)
{
	struct rtnl_route r = { .ifname = n->name, .table = OED_TABLE,
		.metric = METRIC_SOURCE };
	size_t		  i;

	for (i = 0; i < 2; i++) {
		if (!addr_is_set(&n->source[i]))
			continue;
		r.src = n->source[i];
		r.dst = prefix_of(&r.src, 0);
		if (rtnl_route_add(&r) == -1) {
			log_error("route through %s from %s: %s", n->name,
			    ADDR_TEXT(&r.src), strerror(errno));
			return -1;
		}
	}
	return 0;
}

int
oed_net_set_address(struct oed_net *n, const struct addr *addr, bool source)
{
	if (source)
		n->source[addr->family == AF_INET6] = *addr;
	return net_source(n) == -1 ? -1 : net_capture(n, addr->family);
}

/* Of each family that there is: everything to the TUN. */
static size_t
net_bare(const struct oed_net *n, struct rtnl_route bare[2])
{
	const struct prefix six = { .addr = { .family = AF_INET6 } };

	bare[0] = (struct rtnl_route){ .ifname = n->name,
		.metric = METRIC_BARE };
	bare[1] = bare[0];
	bare[1].dst = six;
	return n->ipv6 ? 2 : 1;
}

static int
net_rules(struct oed_net *n, const struct oe_config *c)
{
	struct rtnl_rule inside = { .priority = OED_PRIORITY - 1,
		.table = RT_TABLE_MAIN };
	size_t		 i;

	/* What is for the networks behind us has arrived: no second round. */
	for (i = 0; i < c->nnetworks; i++) {
		inside.dst = c->networks[i];
		if (inside.dst.addr.family == AF_INET6 && !n->ipv6)
			continue;
		if (net_rule(n, &inside) == -1)
			return -1;
	}
	n->routes_passed = c->nnetworks == 0;
	return 0;
}

static int
net_routes(struct oed_net *n, const struct oe_config *c)
{
	struct rtnl_route bare[2];
	struct addr outside = addr_from_v4(htonl(0xc6290004));
	char	    ifname[IFNAMSIZ];

	n->ipv6 = rtnl_has_ipv6() && tun_ipv6(n->name);
	if (rtnl_link_mtu(n->name, TUN_MTU) == -1 ||
	    rtnl_link_up(n->name) == -1) {
		log_error("%s: %s", n->name, strerror(errno));
		return -1;
	}
	/* Packets come in on the outer interface that the TUN would answer to:
	 * strict reverse path filtering drops them.  Loose does not. */
	if (rtnl_route_get(&outside, OED_MARK, NULL, NULL, ifname) == 0)
		sysctl_if_set(AF_INET, ifname, "rp_filter", 2);
	sysctl_if_set(AF_INET, n->name, "rp_filter", 2);
	/* Without what a predecessor that was killed has left. */
	if (rtnl_table_set(OED_TABLE, bare, net_bare(n, bare)) == -1) {
		log_error("route through %s: %s", n->name, strerror(errno));
		return -1;
	}
	return net_rules(n, c);
}

bool
oed_net_has_ipv6(const struct oed_net *n)
{
	return n->ipv6;
}

int
oed_net_policy(struct oed_net *n, const struct oe_config *c)
{
	return guard_set(n->guard, c);
}

void
oed_net_mend(struct oed_net *n)
{
	struct rtnl_route bare[2];
	size_t		  i, nbare = net_bare(n, bare);

	for (i = 0; i < n->nrules; i++) {
		if (rtnl_rule_add(&n->rules[i]) == -1)
			log_error("policy routing rule: %s", strerror(errno));
	}
	for (i = 0; i < nbare; i++) {
		bare[i].table = OED_TABLE;
		if (rtnl_route_add(&bare[i]) == -1)
			log_error("route through %s: %s", n->name,
			    strerror(errno));
	}
	(void)net_source(n);
	guard_mend(n->guard);
}

/* --- from the kernel ------------------------------------------------------ */

static void
tun_packet(void *arg, const struct packet_view *v)
{
	struct oed_net *n = arg;

	oe_outbound(n->oe, v);
}

static void
net_gone(struct oed_net *n)
{
	if (n->is_gone)
		return;
	n->is_gone = true;
	log_error("%s is gone: ending, so that who supervises us starts anew",
	    n->name);
	n->gone(n->event_arg);
}

static void
on_tun(int fd, void *arg)
{
	struct oed_net *n = arg;
	ssize_t		len;
	unsigned	i;

	/* One read may give many packets. */
	for (i = 0; i < BATCH; i++) {
		if ((len = read(fd, n->buf, sizeof(n->buf))) <= 0) {
			if (tun_is_gone(len))
				net_gone(n);
			break;
		}
		i += gso_split(n->buf, (size_t)len, tun_packet, n);
	}
	wire_flush(n->wire);
}

static void
on_batch(void *arg, bool more)
{
	struct oed_net *n = arg;

	n->batch = more;
	if (!more)
		gso_join_flush(n->join);
}

static void
on_handed(int fd, void *arg)
{
	struct oed_net	  *n = arg;
	struct packet_view v;
	size_t		   len;
	unsigned	   i;

	(void)fd;
	on_batch(n, true);
	for (i = 0; i < BATCH; i++) {
		switch (crew_hear(n->crew, n->buf, sizeof(n->buf), &len)) {
		case CREW_NOTHING:
			i = BATCH;
			break;
		case CREW_FRAME:
			i += gso_split(n->buf, len, tun_packet, n);
			break;
		case CREW_ESP:
			if (packet_parse(&v, n->buf, len))
				oe_inbound_esp(n->oe, &v);
			break;
		case CREW_TOO_BIG:
			if (packet_parse(&v, n->buf, len))
				wire_too_big(n->wire, &v);
			break;
		case CREW_STIRRED:
			oe_stirred(n->oe);
			break;
		case CREW_GONE:
			net_gone(n);
			break;
		}
	}
	on_batch(n, false);
	wire_flush(n->wire);
}

/* --- to the kernel -------------------------------------------------------- */

static void
send_packet(void *arg, const struct packet_view *v)
{
	struct oed_net *n = arg;

	wire_send(n->wire, v);
}

struct xfrm_shell
oed_net_kernel(const struct oed_net *n)
{
	return wire_kernel(n->wire);
}

void
oed_net_esp_taken(struct oed_net *n, uint32_t spi, bool on)
{
	wire_esp_taken(n->wire, spi, on);
}

void
oed_net_batch(struct oed_net *n, bool more)
{
	on_batch(n, more);
}

static void
send_ike(void *arg, const struct keying_path *path, const uint8_t *buf,
    size_t len)
{
	struct oed_net *n = arg;

	wire_send_ike(n->wire, path, buf, len);
}

/* Answers come back by the queue that a packet was written to: one for all of a
 * peer's, so that no two workers want its lane. */
static int
tun_of(const struct oed_net *n, const uint8_t *frame, size_t len)
{
	struct packet_view v;

	return n->seal != NULL && packet_parse(&v, frame + GSO_HEADER_LEN,
	    len - GSO_HEADER_LEN) ? n->tun[lanes_of(n->seal, &v.src)] :
	    n->tun[0];
}

static void
tun_write(void *arg, const uint8_t *frame, size_t len)
{
	struct oed_net *n = arg;

	if (write(tun_of(n, frame, len), frame, len) == -1)
		log_debug("packet for this host not delivered: %s",
		    strerror(errno));
}

static void
to_host(void *arg, const struct packet_view *v)
{
	struct oed_net *n = arg;

	gso_join_add(n->join, v);
	if (!n->batch)
		gso_join_flush(n->join);
}

/* Traffic that goes in the clear may take the kernel's way at no cost. */
static void
pass_route(void *arg, const struct addr *dst, bool add)
{
	struct oed_net	 *n = arg;
	struct rtnl_route r = { .dst = prefix_host(dst),
		.src = n->source[dst->family == AF_INET6], .table = OED_TABLE };
	char		  ifname[IFNAMSIZ];

	if (!n->routes_passed)
		return;
	if (rtnl_route_get(dst, OED_MARK, NULL, &r.via, ifname) == -1)
		return;
	r.ifname = ifname;
	if ((add ? rtnl_route_add(&r) : rtnl_route_del(&r)) == -1)
		log_debug("route of %s: %s", ADDR_TEXT(dst), strerror(errno));
}

static bool
is_own(void *arg, const struct addr *addr)
{
	struct oed_net *n = arg;

	return wire_is_own(n->wire, addr);
}

static void
on_event(void *arg, const struct oe_event *e)
{
	struct oed_net *n = arg;

	n->event(n->event_arg, e);
}

const struct oe_shell oed_net_shell = {
	.send_clear = send_packet,
	.send_ike = send_ike,
	.to_host = to_host,
	.answer = to_host,
	.pass_route = pass_route,
	.is_own = is_own,
	.is_near = wire_is_near,
	.event = on_event,
};

/* --- life ----------------------------------------------------------------- */

static void
net_too_big(void *arg, const struct packet_view *v)
{
	const struct net_worker *w = arg;

	if (w->net->crew != NULL)
		crew_say_too_big(w->net->crew, v);
}

static void
worker_write(void *arg, const uint8_t *frame, size_t len)
{
	const struct net_worker *w = arg;

	tun_write(w->net, frame, len);
}

static void
worker_opened(void *arg, const struct packet_view *v)
{
	gso_join_add(((struct net_worker *)arg)->join, v);
}

static void
worker_deliver(void *arg)
{
	gso_join_flush(((struct net_worker *)arg)->join);
}

static int
net_worker(struct oed_net *n, unsigned i)
{
	struct net_worker *w = &n->worker[i];

	w->net = n;
	w->join = gso_join_new(worker_write, w);
	w->out = wire_out_new(n->wire, net_too_big, w);
	w->in = wire_in_new(n->wire, i, n->ntuns);
	return w->out == NULL || w->in == NULL ? -1 : 0;
}

/* Lanes, the ways into them and out, and who will work there. */
static int
net_workers(struct oed_net *n)
{
	struct crew_plan plan = { .n = n->ntuns, .read = wire_in_read };
	struct lane_out	 seal[LANES_MAX], open[LANES_MAX];
	unsigned	 i;

	for (i = 0; i < n->ntuns; i++) {
		if (net_worker(n, i) == -1)
			return -1;
		seal[i] = (struct lane_out){ .seals = wire_out_send,
			.flush = wire_out_flush, .arg = n->worker[i].out };
		open[i] = (struct lane_out){ .opens = worker_opened,
			.flush = worker_deliver, .arg = &n->worker[i] };
		plan.duty[i] = (struct crew_duty){ n->tun[i],
			{ wire_in_fd(n->worker[i].in, AF_INET),
			wire_in_fd(n->worker[i].in, AF_INET6) },
			n->worker[i].in };
	}
	plan.seal = n->seal = lanes_new(n->ntuns, seal);
	plan.open = n->open = lanes_new(n->ntuns, open);
	if ((n->crew = crew_new(&plan)) == NULL)
		return -1;
	wire_share_esp(n->wire, true);
	return 0;
}

static int
net_tun(struct oed_net *n, unsigned workers)
{
	bool offload;

	if (workers == 0) {
		n->tun[0] = tun_open_gso(n->name, sizeof(n->name), &offload);
		n->ntuns = n->tun[0] != -1;
	} else if (tun_open_queues(n->name, sizeof(n->name), n->tun, workers,
	    &offload) == 0) {
		n->ntuns = workers;
	}
	if (n->ntuns == 0)
		return -1;
	if (!offload)
		log_debug("%s: large segments are not to be had here", n->name);
	return workers == 0 ? 0 : net_workers(n);
}

struct oed_net *
oed_net_open(struct event_base *base, const char *name,
    const struct oe_config *c, unsigned workers)
{
	struct oed_net *n = xcalloc(1, sizeof(*n));

	n->base = base;
	n->join = gso_join_new(tun_write, n);
	strncpy(n->name, name, sizeof(n->name) - 1);
	n->guard = guard_new(GUARD_TABLE, GUARD_TABLE, OED_MARK, NULL);
	if (guard_set(n->guard, c) == -1 ||
	    (n->wire = wire_open(base, OED_MARK)) == NULL ||
	    net_tun(n, workers) == -1 || net_routes(n, c) == -1) {
		oed_net_close(n, false);
		return NULL;
	}
	return n;
}

/* No worker is left, nor anything that they had for us. */
static void
net_rest(struct oed_net *n)
{
	watch_end(n->handed);
	n->handed = NULL;
	crew_free(n->crew);
	n->crew = NULL;
}

/* Without workers the event loop reads the TUN. */
static void
net_read(struct oed_net *n)
{
	unsigned i;

	for (i = 0; i < n->ntuns; i++)
		n->ev[i] = watch_fd(n->base, n->tun[i], on_tun, n);
}

void
oed_net_start(struct oed_net *n, struct oe *oe, oed_event_fn event,
    void (*gone)(void *arg), void *arg)
{
	n->oe = oe;
	n->event = event;
	n->gone = gone;
	n->event_arg = arg;
	if (n->crew == NULL)
		net_read(n);
	wire_start(n->wire, oe, on_batch, n);
}

void
oed_net_work(struct oed_net *n)
{
	if (n->crew == NULL)
		return;
	n->handed = watch_fd(n->base, crew_fd(n->crew), on_handed, n);
	if (crew_start(n->crew) == 0)
		return;
	net_rest(n);
	wire_share_esp(n->wire, false);
	net_read(n);
}

bool
oed_net_lanes(const struct oed_net *n, struct lanes **seal, struct lanes **open)
{
	*seal = n->seal;
	*open = n->open;
	return n->seal != NULL;
}

void
oed_net_flush(void *arg)
{
	struct oed_net *n = arg;

	wire_flush(n->wire);
}

void
oed_net_close(struct oed_net *n, bool open)
{
	unsigned i;

	if (n == NULL)
		return;
	net_rest(n);
	while (n->nrules > 0)
		rtnl_rule_del(&n->rules[--n->nrules]);
	lanes_free(n->seal);
	lanes_free(n->open);
	for (i = 0; i < LANES_MAX; i++) {
		wire_out_free(n->worker[i].out);
		wire_in_free(n->worker[i].in);
		gso_join_free(n->worker[i].join);
	}
	/* Routes go with the device. */
	for (i = 0; i < n->ntuns; i++) {
		watch_end(n->ev[i]);
		close(n->tun[i]);
	}
	wire_close(n->wire);
	gso_join_free(n->join);
	guard_close(n->guard, open);
	free(n);
}

const char *
oed_net_name(const struct oed_net *n)
{
	return n->name;
}
