/* wire.c - the engine's sockets on a host with an address of its own: ESP, IKE on 500 and 4500, ICMP errors */
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
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/ip.h"
#include "net/rtnl.h"
#include "oe/wire.h"

#define IKE_PORT	500
#define NATT_PORT	4500
#define BATCH		64	/* packets a wake-up: the other
				 * sockets wait no longer */
#define SOCKET_BUFFER	(1 << 20)

enum { SOCK_ESP, SOCK_ICMP, SOCK_IKE, SOCK_NATT, SOCK_N };

struct wire {
	struct event_base *base;
	struct oe	  *oe;
	wire_batch_fn	   batch;
	void		  *batch_arg;
	uint32_t	   mark;
	struct addr	   local;
	int		   fd[SOCK_N], out;
	struct event	  *ev[SOCK_N];
	uint8_t		   buf[IP_PACKET_MAX];
};

/* --- opening -------------------------------------------------------------- */

static int
set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/* IKE, ESP and errors about them are never encrypted, nor expected to
 * be, whatever policy the kernel is given for their peers.  A kernel
 * without XFRM has none. */
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
udp_socket(uint16_t port, uint32_t mark)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	int fd;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    set_option(fd, SOL_SOCKET, SO_MARK, (int)mark) == -1 ||
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
wire_sockets(struct wire *w)
{
	struct icmp_filter errors_only;

	if ((w->out = raw_socket(IPPROTO_RAW)) == -1 ||
	    (w->fd[SOCK_ESP] = raw_socket(IPPROTO_ESP)) == -1 ||
	    (w->fd[SOCK_ICMP] = raw_socket(IPPROTO_ICMP)) == -1 ||
	    (w->fd[SOCK_IKE] = udp_socket(IKE_PORT, w->mark)) == -1 ||
	    (w->fd[SOCK_NATT] = udp_socket(NATT_PORT, w->mark)) == -1)
		return -1;
	errors_only.data = ~(1u << ICMP_DEST_UNREACH);
	if (set_option(w->out, SOL_SOCKET, SO_MARK, (int)w->mark) == -1 ||
	    set_option(w->out, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER) == -1 ||
	    setsockopt(w->fd[SOCK_ICMP], SOL_RAW, ICMP_FILTER, &errors_only,
	    sizeof(errors_only)) == -1) {
		log_error("socket options: %s", strerror(errno));
		return -1;
	}
	return 0;
}

/* --- what comes ----------------------------------------------------------- */

static void
on_raw(evutil_socket_t fd, short what, void *arg)
{
	struct packet_view v;
	struct wire	  *w = arg;
	ssize_t		   len;
	int		   i;

	(void)what;
	w->batch(w->batch_arg, true);
	for (i = 0; i < BATCH; i++) {
		if ((len = recv(fd, w->buf, sizeof(w->buf), 0)) <= 0)
			break;
		if (!packet_parse_ipv4(&v, w->buf, (size_t)len))
			continue;
		if (fd == w->fd[SOCK_ESP])
			oe_inbound_esp(w->oe, &v);
		else
			oe_inbound_icmp(w->oe, &v);
	}
	w->batch(w->batch_arg, false);
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
	struct wire	  *w = arg;
	struct packet_view v;
	struct keying_path path;
	struct sockaddr_storage from;
	struct in_pktinfo  info;
	struct cmsghdr	  *c;
	struct iovec	   iov;
	struct msghdr	   m;
	union {
		struct cmsghdr align;
		char	       buf[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control;
	uint8_t		  *payload = w->buf + IP_HEADER_LEN + UDP_HEADER_LEN;
	ssize_t		   len;
	int		   i;

	(void)what;
	w->batch(w->batch_arg, true);
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
		for (c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
			if (c->cmsg_level == IPPROTO_IP &&
			    c->cmsg_type == IP_PKTINFO) {
				memcpy(&info, CMSG_DATA(c), sizeof(info));
				path.local = addr_from_v4(info.ipi_addr.s_addr);
			}
		}
		if (addr_is_set(&w->local) &&
		    !addr_equal(&path.local, &w->local))
			continue;
		path.peer = addr_from_sockaddr(&from, m.msg_namelen,
		    &path.peer_port);
		path.local_port = fd == w->fd[SOCK_IKE] ? IKE_PORT : NATT_PORT;
		if (fd == w->fd[SOCK_IKE] ||
		    is_natt_ike(payload, (size_t)len)) {
			oe_inbound_ike(w->oe, &path, payload, (size_t)len);
		} else if (len > 8) {
			/* As it came on the wire; a keepalive is one byte. */
			ip_write_udp(w->buf, &path.peer, &path.local,
			    path.peer_port, NATT_PORT, (size_t)len, &v);
			oe_inbound_esp(w->oe, &v);
		}
	}
	w->batch(w->batch_arg, false);
}

/* --- what goes ------------------------------------------------------------ */

/*
 * The source is said besides: without it rules and policies of the kernel see
 * the address that the route prefers, which need not be the packet's, and what
 * a policy has to encrypt would pass it by.
 */
static ssize_t
send_from(int fd, const struct addr *src, const struct addr *dst, uint16_t port,
    const uint8_t *buf, size_t len)
{
	struct sockaddr_storage to;
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = addr_v4(src) };
	union {
		struct cmsghdr align;
		char	       buf[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control;
	struct iovec	iov = { (void *)(uintptr_t)buf, len };
	struct msghdr	m = { .msg_name = &to,
		.msg_namelen = addr_to_sockaddr(dst, port, &to),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	return sendmsg(fd, &m, 0);
}

/* A packet that does not go out is lost, as packets may be. */
void
wire_send(struct wire *w, const struct packet_view *v)
{
	if (send_from(w->out, &v->src, &v->dst, 0, v->data, v->len) == -1)
		log_debug("packet to %s not sent: %s", ADDR_TEXT(&v->dst),
		    strerror(errno));
}

void
wire_send_ike(struct wire *w, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	int fd = w->fd[path->local_port == NATT_PORT ? SOCK_NATT : SOCK_IKE];

	if (send_from(fd, &path->local, &path->peer, path->peer_port, buf,
	    len) == -1)
		log_debug("IKE to %s not sent: %s", ADDR_TEXT(&path->peer),
		    strerror(errno));
}

/* --- what the kernel knows of addresses ----------------------------------- */

bool
wire_is_own(const struct wire *w, const struct addr *addr)
{
	char ifname[IFNAMSIZ];

	return rtnl_route_get(addr, w->mark, NULL, NULL, ifname) == 0 &&
	    strcmp(ifname, "lo") == 0;
}

struct near {
	struct addr addr;
	bool	    found;
};

static void
near_route(void *arg, const struct rtnl_seen *r)
{
	struct near *n = arg;

	if (r->dst.plen > 0 && prefix_contains(&r->dst, &n->addr))
		n->found = true;
}

bool
wire_is_near(void *arg, const struct addr *addr)
{
	struct near n = { .addr = *addr };

	(void)arg;
	return rtnl_routes(AF_INET, RT_TABLE_MAIN, near_route, &n) == -1 ||
	    n.found;
}

int
wire_own_address(uint32_t mark, struct addr *addr, char link[IFNAMSIZ])
{
	const struct addr none = { 0 };
	struct addr	  via;
	int		  rc;

	if (rtnl_default_route(AF_INET, &via, link) == -1)
		return -1;
	if (!addr_is_set(&via) ||
	    (rc = rtnl_route_get(&via, mark, addr, NULL, link)) == -1)
		rc = rtnl_addr_of(link, AF_INET, addr, NULL);
	if (rc == -1)
		*addr = none;
	return rc;
}

unsigned
wire_link_mtu(const char *link)
{
	struct ifreq ifr;
	int	     fd, rc;

	if ((fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return 0;
	memset(&ifr, 0, sizeof(ifr));
	strncpy(ifr.ifr_name, link, sizeof(ifr.ifr_name) - 1);
	rc = ioctl(fd, SIOCGIFMTU, &ifr);
	close(fd);
	return rc == -1 || ifr.ifr_mtu < 0 ? 0 : (unsigned)ifr.ifr_mtu;
}

/* --- life ----------------------------------------------------------------- */

struct wire *
wire_open(struct event_base *base, uint32_t mark)
{
	struct wire *w = xcalloc(1, sizeof(*w));
	int	     i;

	w->base = base;
	w->mark = mark;
	w->out = -1;
	for (i = 0; i < SOCK_N; i++)
		w->fd[i] = -1;
	if (wire_sockets(w) == 0)
		return w;
	wire_close(w);
	return NULL;
}

void
wire_start(struct wire *w, struct oe *oe, wire_batch_fn batch, void *arg)
{
	static const event_callback_fn fn[SOCK_N] = { [SOCK_ESP] = on_raw,
		[SOCK_ICMP] = on_raw, [SOCK_IKE] = on_udp,
		[SOCK_NATT] = on_udp };
	int i;

	w->oe = oe;
	w->batch = batch;
	w->batch_arg = arg;
	for (i = 0; i < SOCK_N; i++)
		w->ev[i] = watch_fd(w->base, w->fd[i], fn[i], w);
}

void
wire_close(struct wire *w)
{
	int i;

	if (w == NULL)
		return;
	for (i = 0; i < SOCK_N; i++) {
		watch_end(w->ev[i]);
		if (w->fd[i] != -1)
			close(w->fd[i]);
	}
	if (w->out != -1)
		close(w->out);
	free(w);
}

void
wire_set_local(struct wire *w, const struct addr *addr)
{
	w->local = *addr;
}
