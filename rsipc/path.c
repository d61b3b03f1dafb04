/* path.c - the way of packets between programs, the OE engine and the tunnel */
#include "config.h"

#include <netinet/in.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/util.h"
#include "net/icmp.h"
#include "net/validator.h"
#include "oe/esp/dataplane.h"
#include "oe/esp/user.h"
#include "rsipc/path.h"

#define IKE_PORT	500
#define IKE_NAT_PORT	4500
#define MULTICAST	224	/* first byte; broadcast is beyond it */
#define ICMP_MTU_MIN	68	/* RFC 791 */
#define DNS_PORT	53
#define PATH_PORT_RUNS	16	/* told of to the engine, at most */

/* An ICMP error to our own program about a packet that it sent. */
static void
path_answer_error(struct path *p, uint8_t type, uint8_t code, uint32_t rest,
    const struct packet_view *about)
{
	struct packet_view error;
	uint8_t		   out[ICMP_ERROR_MAX];

	if (ratelimit_pass(&p->errors, clock_now()) && icmp_write_error(out,
	    &p->gateway, type, code, rest, about, &error))
		device_to_host(p->device, &error, false);
}

static void
path_send(void *arg, const struct packet_view *v)
{
	struct path *p = arg;

	if (!addr_is_set(&p->addr)) {
		p->counters.out_idle++;
		return;
	}
	if (tunnel_send(p->tunnel, v) == 0) {
		worth_sent(&p->worth, clock_now());
		p->remote = v->dst;
	}
}

/* RFC 2003 §5.1: path MTU discovery goes on inside the tunnel. */
void
path_too_big(struct path *p, const struct packet_view *v)
{
	unsigned mtu = tunnel_mtu(p->tunnel);

	path_answer_error(p, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
	    mtu < ICMP_MTU_MIN ? ICMP_MTU_MIN : mtu, v);
}

/* An echo request that ends at the gateway: one that forwards what comes out of
 * the tunnel says that its time is over (RFC 1812 §5.3.1). */
void
path_probe(struct path *p)
{
	struct packet_view echo;
	uint8_t		   out[ICMP_ECHO_LEN];

	if (!addr_is_set(&p->addr) || !addr_is_set(&p->remote))
		return;
	icmp_write_echo(out, &p->addr, &p->remote, 1, &echo);
	(void)tunnel_send(p->tunnel, &echo);
}

static void
path_held_leaves(void *arg, const struct packet_view *v)
{
	struct path *p = arg;

	/* A lease that does not cover what it was asked for is not asked for
	 * without end. */
	p->released = true;
	path_outbound(p, v, clock_now());
	p->released = false;
}

static void
path_refuse(void *arg, const struct packet_view *v)
{
	struct path *p = arg;

	p->counters.demands_refused++;
	/* A lease that nothing can be sent with, either. */
	if (!p->worth.proven)
		worth_sent(&p->worth, clock_now());
	path_answer_error(p, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, 0, v);
}

void
path_demanded(struct path *p, const struct host_demand *d, unsigned error)
{
	demand_release(&p->demand, d->port, &d->remote,
	    error == 0 ? path_held_leaves : path_refuse, p);
}

/* A question to a resolver has a port drawn at random, free again at once. */
static bool
path_is_question(const struct path *p, const struct packet_view *v,
    uint16_t dport)
{
	return v->protocol == IPPROTO_UDP && dport == DNS_PORT &&
	    !p->cascade && oe_is_resolver(p->oe, &v->dst);
}

/*
 * Is the packet's source port leased?  If not, it is held until the port is,
 * or refused (RFC 3102 §3.1), and this returns false.
 */
static bool
path_port_leased(struct path *p, const struct packet_view *v, uint64_t now)
{
	struct host_demand d = { .remote = v->dst };
	enum bindings_flow flow;

	/* Later fragments have no ports; the first one was looked at.  Without
	 * remote flow policy neither ports nor remote side matter then. */
	if (!packet_ports(v, &d.port, &d.remote_port)) {
		if (v->frag != 0 || !host_flow_policy(p->host))
			return true;
		d.port = d.remote_port = 0;
	}
	/* RFC 3104 §6.1: IKE from port 500 is told apart by its cookies. */
	if (v->protocol == IPPROTO_UDP && d.port == IKE_PORT)
		return true;
	flow = bindings_flow_use(&p->host->bindings, d.port, &d.remote,
	    d.remote_port, !path_is_question(p, v, d.remote_port), now);
	if (flow == BINDINGS_FLOW_OK) {
		if (bindings_ports_scarce(&p->host->bindings)) {
			host_more_ports(p->host, now);
			p->wake |= p->host->more_ports;
		}
		return true;
	}
	/* The question comes once more, from a port that is leased. */
	if (flow == BINDINGS_FLOW_UNLEASED && validator_moves() &&
	    path_is_question(p, v, d.remote_port)) {
		p->counters.out_unleased++;
		return false;
	}
	p->counters.demands++;
	p->wake = true;
	if (p->released || flow == BINDINGS_FLOW_OTHER ||
	    !host_demand(p->host, &d, now))
		path_refuse(p, v);
	else
		demand_hold(&p->demand, d.port, &d.remote, v,
		    now);
	return false;
}

/* Multicast and broadcast end at the link. */
static bool
path_goes_out(const struct packet_view *v)
{
	return v->dst.bytes[0] < MULTICAST;
}

/* A packet from an address that is not leased, or while there is no lease. */
static void
path_unleased(struct path *p, const struct packet_view *v)
{
	bool	 idle = !addr_is_set(&p->addr);
	uint16_t sport, dport = 0;

	if (!idle)
		p->counters.out_unleased++;
	else
		p->counters.out_idle++;
	/* A packet on its way out is too early, but says whom the
	 * lease shall be for. */
	if (idle && host_flow_policy(p->host) && path_goes_out(v)) {
		packet_ports(v, &sport, &dport);
		host_name_remote(p->host, &v->dst, dport);
		p->wake = p->waits = true;
	}
	/* A connection of before the lease cannot go on from here. */
	if (!addr_equal(&v->src, &p->addr))
		path_answer_error(p, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, 0,
		    v);
}

/* Never what a connection of the lease sends, also while that is lost. */
static bool
path_is_own(const struct path *p, const struct addr *src)
{
	struct addr own, up;

	if (p->own == PATH_OWN_SHUT)
		return false;
	own = direct_address(p->direct);
	up = device_address(p->device);
	return addr_equal(src, &own) ||
	    (p->own == PATH_OWN_ALL && !addr_equal(src, &p->addr) &&
	    !addr_equal(src, &up));
}

/* ESP that the kernel has made for us of what we gave it? */
static bool
path_is_sealed(const struct path *p, const struct packet_view *v)
{
	return v->protocol == IPPROTO_ESP && p->planes[1] != NULL &&
	    v->frag == 0 && v->len >= v->header + 4 &&
	    oe_has_spi_out(p->oe, &v->dst, load_u32(v->data + v->header));
}

void
path_outbound(struct path *p, const struct packet_view *v, uint64_t now)
{
	/* No lease is of IPv6, and no gateway has a part in it. */
	if (v->src.family == AF_INET6) {
		if (p->direct != NULL)
			direct_outbound(p->direct, v);
		else
			p->counters.out_idle++;
		return;
	}
	if (path_is_own(p, &v->src)) {
		direct_outbound(p->direct, v);
		return;
	}
	if (!addr_equal(&v->src, &p->addr)) {
		path_unleased(p, v);
		return;
	}
	if (!path_goes_out(v))
		return;
	if (path_is_sealed(p, v)) {
		pass_wake(p->pass);
		path_send(p, v);
		return;
	}
	/* ESP, AH, IKE and ICMP of a cascade are those of its hosts, whose own
	 * resources its gateway has checked. */
	if (p->cascade && v->protocol != IPPROTO_TCP &&
	    v->protocol != IPPROTO_UDP) {
		path_send(p, v);
		return;
	}
	if (!path_port_leased(p, v, now))
		return;
	/* DNS must work before anything is known of anybody. */
	if (p->cascade || oe_is_resolver(p->oe, &v->dst))
		path_send(p, v);
	else
		oe_outbound(p->oe, v);
}

/*
 * Is this UDP packet for the engine's IKE?  Then it is handed over.
 * Behind RSIP we are not translated, but a peer may be: then ESP comes
 * in UDP (RFC 3948).
 */
static bool
path_inbound_ike(struct path *p, const struct packet_view *v)
{
	struct keying_path path = { .local = v->dst, .peer = v->src };
	const uint8_t	  *data = v->data + v->header + UDP_HEADER_LEN;
	size_t		   len;

	if (v->protocol != IPPROTO_UDP || packet_is_fragment(v) ||
	    !packet_ports(v, &path.peer_port, &path.local_port) ||
	    path.local_port != p->ike_port ||
	    v->len < v->header + UDP_HEADER_LEN)
		return false;
	len = v->len - v->header - UDP_HEADER_LEN;
	if (path.peer_port == IKE_NAT_PORT &&
	    (len < 4 || load_u32(data) != 0)) {
		if (len > 1)		/* else a keepalive */
			oe_inbound_esp(p->oe, v);
		return true;
	}
	oe_inbound_ike(p->oe, &path, data, len);
	return true;
}

/* Is this an ICMP error about ESP or IKE of the engine's? */
static bool
path_inbound_icmp(struct path *p, const struct packet_view *v)
{
	struct packet_view quoted;
	uint16_t	   sport, dport;

	if (!icmp_quoted(v, &quoted) || (quoted.protocol != IPPROTO_ESP &&
	    (!packet_ports(&quoted, &sport, &dport) ||
	    quoted.protocol != IPPROTO_UDP || sport != p->ike_port)))
		return false;
	oe_inbound_icmp(p->oe, v);
	return true;
}

/* ESP of an SA that we have? */
static bool
path_inbound_esp(struct path *p, const struct packet_view *v)
{
	if (v->protocol != IPPROTO_ESP || packet_is_fragment(v) ||
	    v->len < v->header + 4 ||
	    !bindings_spi_used(&p->host->bindings,
	    load_u32(v->data + v->header)))
		return false;
	oe_inbound_esp(p->oe, v);
	return true;
}

void
path_inbound(struct path *p, const struct packet_view *v)
{
	if (!addr_equal(&v->dst, &p->addr) || addr_equal(&v->src, &p->addr)) {
		p->counters.in_foreign++;
		return;
	}
	worth_came(&p->worth);
	if (p->cascade) {
		device_to_host(p->device, v, false);
		return;
	}
	if (path_inbound_esp(p, v) || path_inbound_ike(p, v) ||
	    path_inbound_icmp(p, v))
		return;
	/* ESP of an SA that is gone: a kernel's "protocol unreachable" would
	 * only tell strangers so. */
	if (v->protocol == IPPROTO_ESP) {
		p->counters.in_stale++;
		return;
	}
	if (!oe_is_resolver(p->oe, &v->src) &&
	    !oe_inbound_clear(p->oe, v)) {
		p->counters.in_refused++;
		return;
	}
	device_to_host(p->device, v, false);
}

/* --- what the engine asks for -------------------------------------------- */

static void
shell_send_ike(void *arg, const struct keying_path *path, const uint8_t *buf,
    size_t len)
{
	struct path	  *p = arg;
	struct packet_view v;
	size_t		   skip = IP_HEADER_LEN + UDP_HEADER_LEN;

	if (len > sizeof(p->out) - skip)
		return;
	memcpy(p->out + skip, buf, len);
	ip_write_udp(p->out, &path->local, &path->peer, path->local_port,
	    path->peer_port, len, &v);
	path_send(p, &v);
}

static void
shell_to_host(void *arg, const struct packet_view *v)
{
	struct path *p = arg;

	device_to_host(p->device, v, true);
}

static void
shell_answer(void *arg, const struct packet_view *v)
{
	struct path *p = arg;

	device_to_host(p->device, v, false);
}

/* What waits to go past us is among these. */
static void
shell_send_clear(void *arg, const struct packet_view *v)
{
	struct path *p = arg;

	pass_wake(p->pass);
	path_send(p, v);
}

static void
shell_pass_pair(void *arg, const struct addr *src, const struct addr *dst,
    bool add)
{
	struct path *p = arg;

	pass_pair(p->pass, src, dst, add);
}

static bool
shell_peer_known(void *arg, const struct keying_id *peer)
{
	struct path *p = arg;

	return p->direct != NULL &&
	    oe_peer_known(direct_engine(p->direct), peer);
}

static void
shell_event(void *arg, const struct oe_event *e)
{
	struct path *p = arg;

	p->event(p->event_arg, e);
}

/* The lease went on growing old, and may be somebody else's by now. */
static void
shell_woken(void *arg)
{
	struct path *p = arg;

	host_suspect(p->host, clock_now());
	p->kick(p->event_arg);
}

static int
shell_spi_get(void *arg, uint32_t *spi)
{
	struct path *p = arg;
	int	     rc;

	rc = bindings_spi_get(&p->host->bindings, spi);
	host_spis_taken(p->host);
	p->wake = true;
	return rc;
}

static void
shell_spi_put(void *arg, uint32_t spi)
{
	struct path *p = arg;

	bindings_spi_put(&p->host->bindings, spi);
}

static int
shell_cookie_get(void *arg, uint64_t *cookie)
{
	struct path *p = arg;

	/* Without SPIs there is nothing to negotiate with. */
	if (bindings_spi_free(&p->host->bindings) == 0 &&
	    !p->host->bindings.whole) {
		host_spis_taken(p->host);
		p->wake = true;
		return -1;
	}
	/* RFC 3104 §6.1: a negotiated one, else trial and error. */
	if (bindings_cookie_get(&p->host->bindings, cookie) == -1)
		random_bytes(cookie, sizeof(*cookie));
	return 0;
}

static bool
shell_shares(void *arg)
{
	const struct path *p = arg;

	return p->host->bindings.n > 0 && !p->host->bindings.whole;
}

static unsigned
shell_ports(void *arg, const struct addr *dst, struct port_block *out,
    unsigned max)
{
	const struct path  *p = arg;
	struct bindings_run run[PATH_PORT_RUNS];
	unsigned	    i, n;

	n = bindings_port_runs(&p->host->bindings, dst, run,
	    max < PATH_PORT_RUNS ? max : PATH_PORT_RUNS);
	for (i = 0; i < n; i++)
		out[i] = (struct port_block){ run[i].lo, run[i].hi };
	return n;
}

const struct oe_shell path_shell = {
	.send_clear = shell_send_clear,
	.send_ike = shell_send_ike,
	.to_host = shell_to_host,
	.answer = shell_answer,
	.spi_get = shell_spi_get,
	.spi_put = shell_spi_put,
	.cookie_get = shell_cookie_get,
	.pass_pair = shell_pass_pair,
	.peer_known = shell_peer_known,
	.shares = shell_shares,
	.ports = shell_ports,
	.event = shell_event,
	.woken = shell_woken,
};

void
path_init(struct path *p, struct host *h, struct tunnel *t, struct device *d)
{
	memset(p, 0, sizeof(*p));
	p->host = h;
	p->tunnel = t;
	p->device = d;
	p->ike_port = IKE_PORT;
	p->planes[0] = p->user = esp_user_new(path_send, p);
	p->errors = (struct ratelimit)RATELIMIT_INIT(50, 20);
}

void
path_clear(struct path *p)
{
	demand_expire(&p->demand, UINT64_MAX);
	esp_plane_free(p->user);
}

void
path_plane(struct path *p, struct esp_plane *plane)
{
	p->planes[0] = plane;
	p->planes[1] = p->user;
}
