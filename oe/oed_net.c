/* oed_net.c - oed's way to the kernel: TUN device, policy route, raw and UDP sockets */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <net/if.h>
#include <linux/icmp.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/gso.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/rtnl.h"
#include "base/tun.h"
#include "base/util.h"
#include "oe/guard.h"
#include "oe/oed_net.h"

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
#define IKE_PORT	500
#define NATT_PORT	4500
#define BATCH		64	/* packets a wake-up: the other sockets wait no longer */
#define SOCKET_BUFFER	(1 << 20)

enum { SOCK_TUN, SOCK_ESP, SOCK_ICMP, SOCK_IKE, SOCK_NATT, SOCK_N };

struct oed_net {
	struct event_base *base;
	struct oe	  *oe;
	oed_event_fn	   event;
	void		  *event_arg;
	char		   name[IFNAMSIZ];
	uint32_t	   addr;
	int		   fd[SOCK_N], out;
	struct event	  *ev[SOCK_N];
	struct rtnl_rule   rules[OE_NETWORKS_MAX + 1];
	struct guard	  *guard;
	size_t		   nrules;
	bool		   routes_passed;	/* pass_route may be used */
	struct gso_join	  *join;	/* packets for the host */
	bool		   batch;	/* more of them may follow at once */
	uint8_t		   buf[GSO_BUFFER_LEN];
};

/* --- sockets ---------------------------------------------------------------------- */

static int
set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/* IKE, ESP and errors about them are never encrypted, nor expected to be, whatever
 * policy the kernel is given for their peers.  A kernel without XFRM has none. */
static void
bypass_policy(int fd)
{
	struct xfrm_userpolicy_info p;
	int			    dir;

	for (dir = XFRM_POLICY_IN; dir <= XFRM_POLICY_OUT; dir++) {
		memset(&p, 0, sizeof(p));
		p.action = XFRM_POLICY_ALLOW;
		p.sel.family = AF_INET;
		p.dir = (uint8_t)dir;
		(void)setsockopt(fd, IPPROTO_IP, IP_XFRM_POLICY, &p, sizeof(p));
	}
}

static int
raw_socket(int protocol)
{
	int fd;

	fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd == -1) {
		log_error("raw socket for protocol %d: %s (root or "
		    "CAP_NET_RAW is needed)", protocol, strerror(errno));
		return -1;
	}
	set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	if (protocol != IPPROTO_RAW)
		bypass_policy(fd);
	return fd;
}

static int
udp_socket(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	int fd;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    set_option(fd, SOL_SOCKET, SO_MARK, (int)OED_MARK) == -1 ||
	    set_option(fd, IPPROTO_IP, IP_PKTINFO, 1) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		log_error("UDP port %u: %s%s", port, strerror(errno),
		    errno == EADDRINUSE ? " (does another IKE daemon run?)" :
		    "");
		if (fd != -1)
			close(fd);
		return -1;
	}
	set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	bypass_policy(fd);
	return fd;
}

static int
net_sockets(struct oed_net *n)
{
	struct icmp_filter errors_only;

	if ((n->out = raw_socket(IPPROTO_RAW)) == -1 ||
	    (n->fd[SOCK_ESP] = raw_socket(IPPROTO_ESP)) == -1 ||
	    (n->fd[SOCK_ICMP] = raw_socket(IPPROTO_ICMP)) == -1 ||
	    (n->fd[SOCK_IKE] = udp_socket(IKE_PORT)) == -1 ||
	    (n->fd[SOCK_NATT] = udp_socket(NATT_PORT)) == -1)
		return -1;
	errors_only.data = ~(1u << ICMP_DEST_UNREACH);
	if (set_option(n->out, SOL_SOCKET, SO_MARK, (int)OED_MARK) == -1 ||
	    set_option(n->out, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER) == -1 ||
	    setsockopt(n->fd[SOCK_ICMP], SOL_RAW, ICMP_FILTER, &errors_only,
	    sizeof(errors_only)) == -1) {
		log_error("socket options: %s", strerror(errno));
		return -1;
	}
	return 0;
}

/* --- routes ------------------------------------------------------------------------- */

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

int
oed_net_set_address(struct oed_net *n, uint32_t addr)
{
	struct rtnl_route r = { .ifname = n->name, .src = addr,
		.table = OED_TABLE, .metric = METRIC_SOURCE };

	n->addr = addr;
	if (addr != 0 && rtnl_route_add(&r) == -1) {
		log_error("route through %s from %s: %s", n->name,
		    ipv4_text(addr), strerror(errno));
		return -1;
	}
	return 0;
}

static int
net_routes(struct oed_net *n, const struct oe_config *c)
{
	struct rtnl_rule capture = { .priority = OED_PRIORITY,
		.table = OED_TABLE, .mark = OED_MARK, .invert = true };
	struct rtnl_rule inside = { .priority = OED_PRIORITY - 1,
		.table = RT_TABLE_MAIN };
	struct rtnl_route bare = { .ifname = n->name, .metric = METRIC_BARE };
	size_t	 i;
	char	 ifname[IFNAMSIZ];
	uint32_t src, via;

	if (rtnl_link_mtu(n->name, TUN_MTU) == -1 ||
	    rtnl_link_up(n->name) == -1) {
		log_error("%s: %s", n->name, strerror(errno));
		return -1;
	}
	/* Packets come in on the outer interface that the TUN would answer to:
	 * strict reverse path filtering drops them.  Loose does not. */
	if (rtnl_route_get(htonl(0xc6290004), OED_MARK, &src, &via,
	    ifname) == 0)
		sysctl_if_set(ifname, "rp_filter", 2);
	sysctl_if_set(n->name, "rp_filter", 2);
	/* What comes by the TUN was decrypted and has passed the engine. */
	sysctl_if_set(n->name, "disable_policy", 1);
	/* Without what a predecessor that was killed has left. */
	if (rtnl_table_set(OED_TABLE, &bare, 1) == -1) {
		log_error("route through %s: %s", n->name, strerror(errno));
		return -1;
	}
	if (oed_net_set_address(n, n->addr) == -1)
		return -1;
	/* What is for the networks behind us has arrived: no second round. */
	for (i = 0; i < c->nnetworks; i++) {
		inside.dst = c->networks[i].net;
		inside.plen = (unsigned)__builtin_popcount(c->networks[i].mask);
		if (net_rule(n, &inside) == -1)
			return -1;
	}
	n->routes_passed = c->nnetworks == 0;
	return net_rule(n, &capture);
}

int
oed_net_policy(struct oed_net *n, const struct oe_config *c)
{
	return guard_set(n->guard, c);
}

void
oed_net_mend(struct oed_net *n)
{
	struct rtnl_route bare = { .ifname = n->name, .table = OED_TABLE,
		.metric = METRIC_BARE };
	size_t i;

	for (i = 0; i < n->nrules; i++) {
		if (rtnl_rule_add(&n->rules[i]) == -1)
			log_error("policy routing rule: %s", strerror(errno));
	}
	if (rtnl_route_add(&bare) == -1)
		log_error("route through %s: %s", n->name, strerror(errno));
	oed_net_set_address(n, n->addr);
	guard_mend(n->guard);
}

int
oed_net_own_address(uint32_t *addr)
{
	char	 ifname[IFNAMSIZ];
	uint32_t via;

	if (rtnl_default_route(&via, ifname) == -1)
		return -1;
	if (via != 0 && rtnl_route_get(via, OED_MARK, addr, &via, ifname) == 0)
		return 0;
	return rtnl_addr_of(ifname, addr, NULL);
}

/* --- from the kernel ------------------------------------------------------------------ */

static void
tun_packet(void *arg, const uint8_t *pkt, size_t len)
{
	struct oed_net *n = arg;

	/* IPv6 router solicitations and the like come here too. */
	if (pkt[0] >> 4 == 4)
		oe_outbound(n->oe, pkt, len);
}

static void
on_tun(evutil_socket_t fd, short what, void *arg)
{
	struct oed_net *n = arg;
	ssize_t		len;
	unsigned	i;

	(void)what;
	/* One read may give many packets. */
	for (i = 0; i < BATCH; i++) {
		if ((len = read(fd, n->buf, sizeof(n->buf))) <= 0)
			return;
		i += gso_split(n->buf, (size_t)len, tun_packet, n);
	}
}

static void
batch_end(struct oed_net *n)
{
	n->batch = false;
	gso_join_flush(n->join);
}

static void
on_raw(evutil_socket_t fd, short what, void *arg)
{
	struct oed_net *n = arg;
	ssize_t		len;
	int		i;

	(void)what;
	n->batch = true;
	for (i = 0; i < BATCH; i++) {
		if ((len = recv(fd, n->buf, sizeof(n->buf), 0)) <= 0)
			break;
		if (fd == n->fd[SOCK_ESP])
			oe_inbound_esp(n->oe, n->buf, (size_t)len);
		else
			oe_inbound_icmp(n->oe, n->buf, (size_t)len);
	}
	batch_end(n);
}

/* RFC 3948 §2.2: four zero bytes mark IKE on port 4500; all else is ESP. */
static bool
is_natt_ike(const uint8_t *p, size_t len)
{
	return len >= 4 && p[0] == 0 && p[1] == 0 && p[2] == 0 && p[3] == 0;
}

static void
on_udp(evutil_socket_t fd, short what, void *arg)
{
	struct oed_net	  *n = arg;
	struct keying_path path;
	struct sockaddr_in from;
	struct in_pktinfo  info;
	struct cmsghdr	  *c;
	struct iovec	   iov;
	struct msghdr	   m;
	union {
		struct cmsghdr align;
		char	       buf[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control;
	uint8_t		  *payload = n->buf + IP_HEADER_LEN + UDP_HEADER_LEN;
	ssize_t		   len;
	int		   i;

	(void)what;
	n->batch = true;
	for (i = 0; i < BATCH; i++) {
		memset(&m, 0, sizeof(m));
		iov.iov_base = payload;
		iov.iov_len = IP_PACKET_MAX - IP_HEADER_LEN - UDP_HEADER_LEN;
		m.msg_name = &from;
		m.msg_namelen = sizeof(from);
		m.msg_iov = &iov;
		m.msg_iovlen = 1;
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		if ((len = recvmsg(fd, &m, 0)) < 0) {
			/* An ICMP error that was queued here; the raw socket
			 * has it with its header. */
			if (errno == ECONNREFUSED || errno == EHOSTUNREACH ||
			    errno == ENETUNREACH || errno == EINTR)
				continue;
			break;
		}
		memset(&path, 0, sizeof(path));
		path.local = n->addr;
		for (c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
			if (c->cmsg_level == IPPROTO_IP &&
			    c->cmsg_type == IP_PKTINFO) {
				memcpy(&info, CMSG_DATA(c), sizeof(info));
				path.local = info.ipi_addr.s_addr;
			}
		}
		path.peer = from.sin_addr.s_addr;
		path.peer_port = ntohs(from.sin_port);
		path.local_port = fd == n->fd[SOCK_IKE] ? IKE_PORT : NATT_PORT;
		if (fd == n->fd[SOCK_IKE] || is_natt_ike(payload, (size_t)len)) {
			oe_inbound_ike(n->oe, &path, payload, (size_t)len);
		} else if (len > 8) {
			/* As it came on the wire; a keepalive is one byte. */
			ip_write_udp(n->buf, path.peer, path.local,
			    path.peer_port, NATT_PORT, (size_t)len);
			oe_inbound_esp(n->oe, n->buf, IP_HEADER_LEN +
			    UDP_HEADER_LEN + (size_t)len);
		}
	}
	batch_end(n);
}

/* --- to the kernel ---------------------------------------------------------------------- */

/* A packet that does not go out is lost, as packets may be. */
static void
send_raw(void *arg, const uint8_t *pkt, size_t len)
{
	struct oed_net	  *n = arg;
	struct sockaddr_in to = { .sin_family = AF_INET };

	if (len < IP_HEADER_LEN)
		return;
	memcpy(&to.sin_addr.s_addr, pkt + 16, 4);
	if (sendto(n->out, pkt, len, 0, (struct sockaddr *)&to,
	    sizeof(to)) == -1)
		log_debug("packet to %s not sent: %s",
		    ipv4_text(to.sin_addr.s_addr), strerror(errno));
}

static void
send_ike(void *arg, const struct keying_path *path, const uint8_t *buf,
    size_t len)
{
	struct oed_net	  *n = arg;
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(path->peer_port),
		.sin_addr.s_addr = path->peer };
	struct in_pktinfo  info = { .ipi_spec_dst.s_addr = path->local };
	union {
		struct cmsghdr align;
		char	       buf[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control;
	struct iovec	   iov = { (void *)(uintptr_t)buf, len };
	struct msghdr	   m = { .msg_name = &to, .msg_namelen = sizeof(to),
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr	  *c;

	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	if (sendmsg(n->fd[path->local_port == NATT_PORT ? SOCK_NATT :
	    SOCK_IKE], &m, 0) == -1)
		log_debug("IKE to %s not sent: %s", ipv4_text(path->peer),
		    strerror(errno));
}

static void
tun_write(void *arg, const uint8_t *frame, size_t len)
{
	struct oed_net *n = arg;

	if (write(n->fd[SOCK_TUN], frame, len) == -1)
		log_debug("packet for this host not delivered: %s",
		    strerror(errno));
}

static void
to_host(void *arg, const uint8_t *pkt, size_t len)
{
	struct oed_net *n = arg;

	gso_join_add(n->join, pkt, len);
	if (!n->batch)
		gso_join_flush(n->join);
}

/* Traffic that goes in the clear may take the kernel's way at no cost. */
static void
pass_route(void *arg, uint32_t dst, bool add)
{
	struct oed_net	 *n = arg;
	struct rtnl_route r = { .dst = dst, .plen = 32, .table = OED_TABLE };
	char		  ifname[IFNAMSIZ];
	uint32_t	  src;

	if (!n->routes_passed)
		return;
	if (rtnl_route_get(dst, OED_MARK, &src, &r.via, ifname) == -1)
		return;
	r.ifname = ifname;
	r.src = n->addr;
	if ((add ? rtnl_route_add(&r) : rtnl_route_del(&r)) == -1)
		log_debug("route of %s: %s", ipv4_text(dst), strerror(errno));
}

/* What the kernel would deliver to this host itself. */
static bool
is_own(void *arg, uint32_t addr)
{
	char	 ifname[IFNAMSIZ];
	uint32_t src, via;

	(void)arg;
	return rtnl_route_get(addr, OED_MARK, &src, &via, ifname) == 0 &&
	    strcmp(ifname, "lo") == 0;
}

struct near {
	uint32_t addr;
	bool	 found;
};

static void
near_route(void *arg, const struct rtnl_seen *r)
{
	struct near *n = arg;

	if (r->plen > 0 && ip_in_prefix(n->addr, r->dst, r->plen))
		n->found = true;
}

/* What cannot be asked is near. */
static bool
is_near(void *arg, uint32_t addr)
{
	struct near n = { .addr = addr };

	(void)arg;
	return rtnl_routes(RT_TABLE_MAIN, near_route, &n) == -1 || n.found;
}

static void
on_event(void *arg, json_object *o)
{
	struct oed_net *n = arg;

	n->event(n->event_arg, o);
}

const struct oe_shell oed_net_shell = {
	.send_clear = send_raw,
	.send_esp = send_raw,
	.send_ike = send_ike,
	.deliver = to_host,
	.answer = to_host,
	.pass_route = pass_route,
	.is_own = is_own,
	.is_near = is_near,
	.event = on_event,
};

/* --- life ----------------------------------------------------------------------------------- */

struct oed_net *
oed_net_open(struct event_base *base, const char *name, uint32_t addr,
    const struct oe_config *c)
{
	struct oed_net *n = xcalloc(1, sizeof(*n));
	bool		offload;
	int		i;

	n->base = base;
	n->addr = addr;
	n->join = gso_join_new(tun_write, n);
	n->out = -1;
	for (i = 0; i < SOCK_N; i++)
		n->fd[i] = -1;
	strncpy(n->name, name, sizeof(n->name) - 1);
	n->guard = guard_new(GUARD_TABLE, GUARD_TABLE, OED_MARK, NULL);
	if (guard_set(n->guard, c) == -1 || net_sockets(n) == -1 ||
	    (n->fd[SOCK_TUN] = tun_open_gso(n->name, sizeof(n->name),
	    &offload)) == -1 ||
	    net_routes(n, c) == -1) {
		oed_net_close(n, false);
		return NULL;
	}
	if (!offload)
		log_debug("%s: large segments are not to be had here", n->name);
	return n;
}

void
oed_net_start(struct oed_net *n, struct oe *oe, oed_event_fn event, void *arg)
{
	static const event_callback_fn fn[SOCK_N] = { [SOCK_TUN] = on_tun,
		[SOCK_ESP] = on_raw, [SOCK_ICMP] = on_raw,
		[SOCK_IKE] = on_udp, [SOCK_NATT] = on_udp };
	int i;

	n->oe = oe;
	n->event = event;
	n->event_arg = arg;
	for (i = 0; i < SOCK_N; i++) {
		n->ev[i] = event_new(n->base, n->fd[i], EV_READ | EV_PERSIST,
		    fn[i], n);
		if (n->ev[i] != NULL)
			event_add(n->ev[i], NULL);
	}
}

void
oed_net_close(struct oed_net *n, bool open)
{
	int i;

	if (n == NULL)
		return;
	while (n->nrules > 0)
		rtnl_rule_del(&n->rules[--n->nrules]);
	for (i = 0; i < SOCK_N; i++) {
		if (n->ev[i] != NULL)
			event_free(n->ev[i]);
		if (n->fd[i] != -1)
			close(n->fd[i]);	/* the TUN's routes go with it */
	}
	if (n->out != -1)
		close(n->out);
	gso_join_free(n->join);
	guard_close(n->guard, open);
	free(n);
}

const char *
oed_net_name(const struct oed_net *n)
{
	return n->name;
}
