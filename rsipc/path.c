/* path.c - the way of packets between programs, the OE engine and the tunnel */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/util.h"
#include "oe/esp/dataplane.h"
#include "oe/esp/user.h"
#include "rsipc/path.h"

#define IKE_PORT	500
#define IKE_NAT_PORT	4500
#define MULTICAST	0xe0000000u	/* host order; broadcast is beyond it */
#define ICMP_MTU_MIN	68	/* RFC 791 */

/* An ICMP error to our own program about a packet that it sent. */
static void
path_answer_error(struct path *p, uint8_t type, uint8_t code, uint32_t rest,
    const uint8_t *pkt, size_t len)
{
	uint8_t error[576];
	size_t	n;

	if (!ratelimit_pass(&p->errors, clock_now()))
		return;
	n = ip_write_icmp_error(error, sizeof(error), p->gateway, type, code,
	    rest, pkt, len);
	if (n > 0)
		device_deliver(p->device, error, n, false);
}

/* Into the tunnel, with an answer for what does not fit. */
static void
path_send(struct path *p, const uint8_t *pkt, size_t len)
{
	unsigned mtu;

	if (p->addr == 0) {
		p->counters.out_idle++;
		return;
	}
	if (tunnel_send(p->tunnel, pkt, len) == 0) {
		worth_sent(&p->worth, clock_now());
		memcpy(&p->remote, pkt + 16, sizeof(p->remote));
		return;
	}
	/* RFC 2003 §5.1: path MTU discovery goes on inside the tunnel. */
	if (errno == EMSGSIZE) {
		mtu = tunnel_mtu(p->tunnel);
		path_answer_error(p, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
		    mtu < ICMP_MTU_MIN ? ICMP_MTU_MIN : mtu, pkt, len);
	}
}

/* An echo request that ends at the gateway: one that forwards what comes out of
 * the tunnel says that its time is over (RFC 1812 §5.3.1). */
void
path_probe(struct path *p)
{
	uint8_t echo[IP_ECHO_LEN];

	if (p->addr == 0 || p->remote == 0)
		return;
	ip_write_echo(echo, p->addr, p->remote, 1);
	(void)tunnel_send(p->tunnel, echo, sizeof(echo));
}

static void
path_held_leaves(void *arg, const uint8_t *pkt, size_t len)
{
	struct path *p = arg;

	/* A lease that does not cover what it was asked for is not asked for
	 * without end. */
	p->released = true;
	path_outbound(p, pkt, len, clock_now());
	p->released = false;
}

static void
path_held_refused(void *arg, const uint8_t *pkt, size_t len)
{
	struct path *p = arg;

	p->counters.demands_refused++;
	/* A lease that nothing can be sent with, either. */
	if (!p->worth.proven)
		worth_sent(&p->worth, clock_now());
	path_answer_error(p, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, 0, pkt, len);
}

void
path_demanded(struct path *p, const struct host_demand *d, unsigned error)
{
	demand_release(&p->demand, d->port, d->port == 0 ? d->remote : 0,
	    error == 0 ? path_held_leaves : path_held_refused, p);
}

/*
 * Is the packet's source port leased?  If not, it is held until the port is,
 * or refused (RFC 3102 §3.1), and this returns false.
 */
static bool
path_port_leased(struct path *p, const uint8_t *pkt, const struct ip_info *ip,
    uint64_t now)
{
	struct host_demand d = { .remote = ip->dst };
	enum bindings_flow	   flow;

	/* Later fragments have no ports; the first one was looked at.  Without
	 * remote flow policy neither ports nor remote side matter then. */
	if (!ip_ports(pkt, ip, &d.port, &d.remote_port)) {
		if (ip->frag != 0 || !host_flow_policy(p->host))
			return true;
		d.port = d.remote_port = 0;
	}
	/* RFC 3104 §6.1: IKE from port 500 is told apart by its cookies. */
	if (ip->protocol == IPPROTO_UDP && d.port == IKE_PORT)
		return true;
	flow = bindings_flow_use(&p->host->bindings, d.port, d.remote,
	    d.remote_port, now);
	if (flow == BINDINGS_FLOW_OK) {
		if (bindings_ports_scarce(&p->host->bindings)) {
			host_more_ports(p->host, now);
			p->wake |= p->host->more_ports;
		}
		return true;
	}
	p->counters.demands++;
	p->wake = true;
	if (p->released || flow == BINDINGS_FLOW_OTHER ||
	    !host_demand(p->host, &d, now))
		path_held_refused(p, pkt, ip->total);
	else
		demand_hold(&p->demand, d.port, d.port == 0 ? d.remote : 0, pkt,
		    ip->total, now);
	return false;
}

/* A packet from an address that is not leased, or while there is no lease. */
static void
path_unleased(struct path *p, const uint8_t *pkt, const struct ip_info *ip)
{
	uint16_t sport, dport = 0;

	if (p->addr != 0)
		p->counters.out_unleased++;
	else
		p->counters.out_idle++;
	/* It comes too early, but says whom the lease shall be for. */
	if (p->addr == 0 && host_flow_policy(p->host) &&
	    ntohl(ip->dst) < MULTICAST) {
		ip_ports(pkt, ip, &sport, &dport);
		host_name_remote(p->host, ip->dst, dport);
		p->wake = p->waits = true;
	}
	/* A connection of before the lease cannot go on from here. */
	if (ip->src != p->addr)
		path_answer_error(p, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, 0,
		    pkt, ip->total);
}

/* Never what a connection of the lease sends, also while that is lost. */
static bool
path_is_own(const struct path *p, const struct ip_info *ip)
{
	return p->own != PATH_OWN_SHUT &&
	    (ip->src == direct_address(p->direct) ||
	    (p->own == PATH_OWN_ALL && ip->src != p->addr &&
	    ip->src != device_address(p->device)));
}

void
path_outbound(struct path *p, const uint8_t *pkt, size_t len, uint64_t now)
{
	struct ip_info ip;

	if (!ip_parse(pkt, len, &ip))
		return;
	if (path_is_own(p, &ip)) {
		direct_outbound(p->direct, pkt, ip.total);
		return;
	}
	if (p->addr == 0 || ip.src != p->addr) {
		path_unleased(p, pkt, &ip);
		return;
	}
	/* Multicast and broadcast end at the link. */
	if (ntohl(ip.dst) >= MULTICAST)
		return;
	/* ESP, AH, IKE and ICMP of a cascade are those of its hosts, whose own
	 * resources its gateway has checked. */
	if (p->cascade && ip.protocol != IPPROTO_TCP &&
	    ip.protocol != IPPROTO_UDP) {
		path_send(p, pkt, ip.total);
		return;
	}
	if (!path_port_leased(p, pkt, &ip, now))
		return;
	/* DNS must work before anything is known of anybody. */
	if (p->cascade || oe_is_resolver(p->oe, ip.dst))
		path_send(p, pkt, ip.total);
	else
		oe_outbound(p->oe, pkt, ip.total);
}

/*
 * Is this UDP packet for the engine's IKE?  Then it is handed over.  Behind RSIP
 * we are not translated, but a peer may be: then ESP comes in UDP (RFC 3948).
 */
static bool
path_inbound_ike(struct path *p, const uint8_t *pkt, const struct ip_info *ip)
{
	struct keying_path path = { .local = addr_from_v4(ip->dst),
		.peer = addr_from_v4(ip->src) };
	size_t		   skip = ip->header + UDP_HEADER_LEN;
	uint16_t	   sport, dport;

	if (ip->protocol != IPPROTO_UDP || ip->frag != 0 || ip->more ||
	    !ip_ports(pkt, ip, &sport, &dport) || dport != p->ike_port ||
	    ip->total < skip)
		return false;
	path.local_port = dport;
	path.peer_port = sport;
	if (sport == IKE_NAT_PORT && (ip->total < skip + 4 ||
	    load_u32(pkt + skip) != 0)) {
		if (ip->total > skip + 1)	/* else a keepalive */
			oe_inbound_esp(p->oe, pkt, ip->total);
		return true;
	}
	oe_inbound_ike(p->oe, &path, pkt + skip, ip->total - skip);
	return true;
}

/* Is this an ICMP error about ESP or IKE of the engine's? */
static bool
path_inbound_icmp(struct path *p, const uint8_t *pkt, const struct ip_info *ip)
{
	const uint8_t *icmp = pkt + ip->header, *in;
	size_t	       len = ip->total - ip->header, skip;

	if (ip->protocol != IPPROTO_ICMP || ip->frag != 0 ||
	    len < ICMP_HEADER_LEN + IP_HEADER_LEN + 8 ||
	    (icmp[0] != ICMP_DEST_UNREACH && icmp[0] != ICMP_TIME_EXCEEDED &&
	    icmp[0] != ICMP_PARAMETERPROB))
		return false;
	/* The packet meant is cut, so ip_parse() would not have it. */
	in = icmp + ICMP_HEADER_LEN;
	skip = (size_t)(in[0] & 15) * 4;
	if (in[0] >> 4 != 4 || skip < IP_HEADER_LEN ||
	    len < ICMP_HEADER_LEN + skip + 2)
		return false;
	if (in[9] != IPPROTO_ESP && (in[9] != IPPROTO_UDP ||
	    load_u16(in + skip) != p->ike_port))
		return false;
	oe_inbound_icmp(p->oe, pkt, ip->total);
	return true;
}

void
path_inbound(struct path *p, const uint8_t *pkt, size_t len)
{
	struct ip_info ip;

	if (!ip_parse(pkt, len, &ip) || p->addr == 0 || ip.dst != p->addr ||
	    ip.src == p->addr) {
		p->counters.in_foreign++;
		return;
	}
	worth_came(&p->worth);
	if (p->cascade) {
		device_deliver(p->device, pkt, ip.total, false);
		return;
	}
	if (ip.protocol == IPPROTO_ESP && ip.frag == 0 && !ip.more &&
	    ip.total >= ip.header + 4 && bindings_spi_used(&p->host->bindings,
	    load_u32(pkt + ip.header))) {
		oe_inbound_esp(p->oe, pkt, ip.total);
		return;
	}
	if (path_inbound_ike(p, pkt, &ip) || path_inbound_icmp(p, pkt, &ip))
		return;
	/* ESP of an SA that is gone: a kernel's "protocol unreachable" would only
	 * tell strangers so. */
	if (ip.protocol == IPPROTO_ESP) {
		p->counters.in_stale++;
		return;
	}
	if (!oe_is_resolver(p->oe, ip.src) &&
	    !oe_inbound_clear(p->oe, pkt, ip.total)) {
		p->counters.in_refused++;
		return;
	}
	device_deliver(p->device, pkt, ip.total, false);
}

/* --- what the engine asks for -------------------------------------------- */

static void
shell_send(void *arg, const uint8_t *pkt, size_t len)
{
	path_send(arg, pkt, len);
}

static void
shell_send_ike(void *arg, const struct keying_path *path, const uint8_t *buf,
    size_t len)
{
	struct path *p = arg;
	size_t	     skip = IP_HEADER_LEN + UDP_HEADER_LEN;

	if (len > sizeof(p->out) - skip)
		return;
	memcpy(p->out + skip, buf, len);
	len = ip_write_udp(p->out, addr_v4(&path->local), addr_v4(&path->peer),
	    path->local_port, path->peer_port, len);
	path_send(p, p->out, len);
}

static void
shell_deliver(void *arg, const uint8_t *pkt, size_t len)
{
	struct path *p = arg;

	device_deliver(p->device, pkt, len, true);
}

static void
shell_answer(void *arg, const uint8_t *pkt, size_t len)
{
	struct path *p = arg;

	device_deliver(p->device, pkt, len, false);
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

const struct oe_shell path_shell = {
	.send_clear = shell_send,
	.send_ike = shell_send_ike,
	.deliver = shell_deliver,
	.answer = shell_answer,
	.spi_get = shell_spi_get,
	.spi_put = shell_spi_put,
	.cookie_get = shell_cookie_get,
	.peer_known = shell_peer_known,
	.shares = shell_shares,
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
	p->planes[0] = esp_user_new(shell_send, p);
	p->errors = (struct ratelimit)RATELIMIT_INIT(50, 20);
}

void
path_clear(struct path *p)
{
	demand_expire(&p->demand, UINT64_MAX);
	esp_plane_free(p->planes[0]);
}
