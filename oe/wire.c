/* wire.c - the engine's sockets on a host with an address of its own: ESP, IKE on 500 and 4500, ICMP errors */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <net/if.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/icmp.h"
#include "net/inbox.h"
#include "net/ip.h"
#include "net/outbox.h"
#include "net/rtnl.h"
#include "net/udp.h"
#include "oe/esp/params.h"
#include "oe/esp/xfrm.h"
#include "oe/wire_private.h"

#define IKE_PORT	500
#define BATCH_JOINED	4	/* system calls' share of what may be 64 KiB
				 * each */
#define SOCKET_BUFFER	(1 << 20)
#ifndef SOL_UDP
#define SOL_UDP		17
#endif
#ifndef ICMP_FILTER		/* linux/icmp.h cannot be had as well */
#define ICMP_FILTER	1
struct icmp_filter {
	uint32_t data;
};
#endif
#ifndef IPV6_FREEBIND		/* not in every libc */
#define IPV6_FREEBIND	78
#endif

static void	wire_refused(void *, const struct packet_view *);

static struct wire_side *
side_of(struct wire *w, int family)
{
	return &w->side[family == AF_INET6];
}

/* --- opening -------------------------------------------------------------- */

static int
set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/* IKE, ESP and errors about them are never encrypted, nor expected to be,
 * whatever policy the kernel is given for their peers.  A kernel without XFRM
 * has none. */
static void
bypass_policy(const struct wire_side *s, int fd)
{
	struct xfrm_userpolicy_info p;
	bool			    six = s->family == AF_INET6;
	int			    dir;

	for (dir = XFRM_POLICY_IN; dir <= XFRM_POLICY_OUT; dir++) {
		memset(&p, 0, sizeof(p));
		p.action = XFRM_POLICY_ALLOW;
		p.sel.family = (uint16_t)s->family;
		p.dir = (uint8_t)dir;
		(void)setsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP,
		    six ? IPV6_XFRM_POLICY : IP_XFRM_POLICY, &p, sizeof(p));
	}
}

/* UDP's and IPv6's raw sockets give what is behind the header; this of the
 * header. */
static int
want_header(int fd, int family)
{
	if (family == AF_INET)
		return set_option(fd, IPPROTO_IP, IP_PKTINFO, 1) == -1 ? -1 :
		    set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
	if (set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) == -1 ||
	    set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) == -1)
		return -1;
	return set_option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
}

int
wire_raw_socket(const struct wire_side *s, int protocol)
{
	int fd;

	fd = socket(s->family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    protocol);
	if (fd == -1) {
		log_error("raw socket for protocol %d: %s (root or "
		    "CAP_NET_RAW is needed)", protocol, strerror(errno));
		return -1;
	}
	set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	if (protocol == IPPROTO_RAW)
		return fd;
	bypass_policy(s, fd);
	if (s->family == AF_INET6 && want_header(fd, AF_INET6) == -1) {
		log_error("raw socket for protocol %d: %s", protocol,
		    strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

/* Not bound yet; -1 with errno. */
static int
udp_new(const struct wire_side *s)
{
	int fd, error;

	fd = socket(s->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (set_option(fd, SOL_SOCKET, SO_MARK, (int)s->wire->mark) == -1 ||
	    (s->family == AF_INET6 &&
	    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) == -1) ||
	    want_header(fd, s->family) == -1) {
		error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	bypass_policy(s, fd);
	return fd;
}

static int
udp_socket(const struct wire_side *s, uint16_t port)
{
	const struct addr	any = { .family = (uint8_t)s->family };
	struct sockaddr_storage ss;
	socklen_t		len = addr_to_sockaddr(&any, port, &ss);
	int			fd;

	if ((fd = udp_new(s)) != -1 &&
	    bind(fd, (struct sockaddr *)&ss, len) == 0)
		return fd;
	log_error("UDP port %u: %s%s", port, strerror(errno),
	    errno == EADDRINUSE ? " (does another IKE daemon run?)" : "");
	if (fd != -1)
		close(fd);
	return -1;
}

/* Of ICMP only that something was not reached, or too big. */
static int
errors_only(const struct wire_side *s)
{
	struct icmp_filter  four = { .data = ~(1u << ICMP_DEST_UNREACH) };
	struct icmp6_filter six;

	if (s->family == AF_INET)
		return setsockopt(s->fd[SOCK_ICMP], SOL_RAW, ICMP_FILTER, &four,
		    sizeof(four));
	ICMP6_FILTER_SETBLOCKALL(&six);
	ICMP6_FILTER_SETPASS(ICMP6_DST_UNREACH, &six);
	ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &six);
	return setsockopt(s->fd[SOCK_ICMP], IPPROTO_ICMPV6, ICMP6_FILTER, &six,
	    sizeof(six));
}

/* ESP in UDP by 64 KiB, both ways, where the kernel has that.  NAT is of IPv4;
 * and a label of IPv6 is the SA's. */
static void
side_join(struct wire_side *s)
{
	int natt = s->fd[SOCK_NATT];

	if (inbox_joins(natt) == -1)
		log_debug("UDP: what comes is not joined: %s", strerror(errno));
	if (s->family == AF_INET6)
		return;
	if ((s->segments = outbox_segments_socket(natt)) == -1 ||
	    set_option(s->segments, SOL_SOCKET, SO_MARK,
	    (int)s->wire->mark) == -1) {
		log_debug("UDP: no segments: %s", strerror(errno));
		return;
	}
	set_option(s->segments, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
	outbox_segments(s->outbox, s->segments, NATT_PORT);
}

/* As a gateway we send what others' addresses are on. */
int
wire_out_socket(const struct wire_side *s)
{
	int fd = wire_raw_socket(s, IPPROTO_RAW);

	if (fd == -1 || (set_option(fd, SOL_SOCKET, SO_MARK,
	    (int)s->wire->mark) == 0 &&
	    set_option(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER) == 0 &&
	    (s->family == AF_INET ||
	    set_option(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1) == 0)))
		return fd;
	log_error("socket options: %s", strerror(errno));
	close(fd);
	return -1;
}

static int
side_open(struct wire_side *s)
{
	bool six = s->family == AF_INET6;

	if ((s->out = wire_out_socket(s)) == -1 ||
	    (s->fd[SOCK_ESP] = wire_raw_socket(s, IPPROTO_ESP)) == -1 ||
	    (s->fd[SOCK_ICMP] = wire_raw_socket(s, six ? IPPROTO_ICMPV6 :
	    IPPROTO_ICMP)) == -1 ||
	    (s->fd[SOCK_IKE] = udp_socket(s, IKE_PORT)) == -1 ||
	    (s->fd[SOCK_NATT] = udp_socket(s, NATT_PORT)) == -1)
		return -1;
	if ((s->fd[SOCK_TAKEN] = udp_new(s)) == -1) {
		log_error("UDP socket: %s", strerror(errno));
		return -1;
	}
	if (errors_only(s) == -1) {
		log_error("socket options: %s", strerror(errno));
		return -1;
	}
	s->outbox = outbox_new(s->wire->base, s->out, true, wire_refused,
	    s->wire);
	side_join(s);
	return 0;
}

/* --- what comes ----------------------------------------------------------- */

/* A whole packet, with the header that it had; false: it was none. */
bool
wire_raw_packet(int family, uint8_t protocol, const struct inbox_datagram *d,
    struct packet_view *v)
{
	if (family == AF_INET)
		return packet_parse_ipv4(v, d->data, d->len);
	*v = (struct packet_view){ .tos = d->tos, .ttl = d->ttl, .src = d->from,
		.dst = d->dst, .len = IP6_HEADER_LEN + d->len,
		.protocol = protocol };
	if (v->src.family != AF_INET6 || v->dst.family != AF_INET6 ||
	    v->len > IP_PACKET_MAX)
		return false;
	ip_write(d->data - IP6_HEADER_LEN, v);
	return true;
}

static void
on_raw(int fd, void *arg)
{
	struct inbox_datagram d;
	struct packet_view    v;
	struct wire_side     *s = arg;
	struct wire	     *w = s->wire;
	int		      i, n;

	w->batch(w->batch_arg, true);
	n = inbox_receive(w->inbox, fd, BATCH);
	for (i = 0; i < n; i++) {
		inbox_get(w->inbox, (unsigned)i, &d);
		if (!wire_raw_packet(s->family, fd == s->fd[SOCK_ESP] ?
		    IPPROTO_ESP : IPPROTO_ICMPV6, &d, &v))
			continue;
		if (fd == s->fd[SOCK_ESP])
			oe_inbound_esp(w->oe, &v);
		else
			oe_inbound_icmp(w->oe, &v);
	}
	w->batch(w->batch_arg, false);
	wire_flush(w);
}

/* RFC 3948 §2.2: four zero bytes mark IKE on port 4500; all else is ESP. */
static bool
is_natt_ike(const uint8_t *p, size_t len)
{
	return len >= 4 && p[0] == 0 && p[1] == 0 && p[2] == 0 && p[3] == 0;
}

/*
 * As it came on the wire, before ESP: what stands before it there is written
 * over, and was read already.  Nobody asks for its checksum, which the kernel
 * has seen to.
 */
static void
udp_esp(struct wire *w, const struct inbox_datagram *d, uint8_t *esp,
    size_t len)
{
	size_t		   header = ip_header_len(d->from.family);
	uint8_t		  *udp = esp - UDP_HEADER_LEN;
	struct packet_view v = { .src = d->from, .dst = d->dst, .tos = d->tos,
		.ttl = d->ttl, .protocol = IPPROTO_UDP,
		.len = header + UDP_HEADER_LEN + len };

	if (v.len > IP_PACKET_MAX)
		return;
	ip_write(udp - header, &v);
	store_u16(udp, d->port);
	store_u16(udp + 2, NATT_PORT);
	store_u16(udp + 4, (uint16_t)(UDP_HEADER_LEN + len));
	store_u16(udp + 6, 0);
	oe_inbound_esp(w->oe, &v);
}

/* How many datagrams it was, of one sender to one address. */
static unsigned
udp_datagrams(struct wire_side *s, int fd, const struct inbox_datagram *d)
{
	struct wire	  *w = s->wire;
	struct keying_path path = { .local = d->dst, .peer = d->from,
		.peer_port = d->port,
		.local_port = fd == s->fd[SOCK_IKE] ? IKE_PORT : NATT_PORT };
	size_t		   off, len;
	unsigned	   n = 0;

	/* Whose address says not which link is not answered. */
	if (path.peer.family != s->family || path.local.family != s->family ||
	    (s->family == AF_INET6 && addr_is_link_local(&path.peer)) ||
	    (addr_is_set(&s->local) && !addr_equal(&path.local, &s->local)))
		return 1;
	for (off = 0; off < d->len; off += len, n++) {
		len = d->len - off < d->segment ? d->len - off : d->segment;
		if (fd == s->fd[SOCK_IKE] || is_natt_ike(d->data + off, len))
			oe_inbound_ike(w->oe, &path, d->data + off, len);
		else if (len > 8)	/* a keepalive is one byte */
			udp_esp(w, d, d->data + off, len);
	}
	return n;
}

static void
on_udp(int fd, void *arg)
{
	struct wire_side     *s = arg;
	struct wire	     *w = s->wire;
	struct inbox_datagram d;
	unsigned	      done = 0, calls;
	int		      i, n;

	w->batch(w->batch_arg, true);
	for (calls = 0; done < BATCH && calls < BATCH; calls++) {
		n = inbox_receive(w->inbox, fd, BATCH_JOINED);
		/* An ICMP error that was queued here; the raw socket has it
		 * with its header. */
		if (n == -1 && (errno == ECONNREFUSED ||
		    errno == EHOSTUNREACH || errno == ENETUNREACH ||
		    errno == EINTR))
			continue;
		for (i = 0; i < n; i++) {
			inbox_get(w->inbox, (unsigned)i, &d);
			done += udp_datagrams(s, fd, &d);
		}
		if (n < BATCH_JOINED)
			break;
	}
	w->batch(w->batch_arg, false);
	wire_flush(w);
}

/* --- what the kernel takes ------------------------------------------------ */

int
wire_esp_share(const struct wire_side *s, int fd, unsigned i, unsigned n)
{
	const struct esp_filter f = { .i = i, .n = n, .but = s->taken.spi,
		.nbut = s->taken.n, .not_to = addr_is_set(&s->other) ?
		ntohl(addr_v4(&s->other)) : 0 };

	return esp_filter_set(fd, s->family, &f);
}

/* What a filter is not changed for is looked at in vain, and no more. */
static void
filter_esp(const struct wire_side *s)
{
	const struct wire_in *in;
	int		      f = s->family == AF_INET6;

	if (!s->wire->shared && s->fd[SOCK_ESP] != -1)
		(void)wire_esp_share(s, s->fd[SOCK_ESP], 0, 1);
	LIST_FOREACH(in, &s->wire->ins, entry) {
		if (in->fd[f] != -1)
			(void)wire_esp_share(s, in->fd[f], in->i, in->n);
	}
}

static bool
spi_note(struct wire_taken *t, uint32_t spi, bool on)
{
	unsigned i;

	if (on) {
		if (t->n == sizeof(t->spi) / sizeof(t->spi[0]))
			return false;
		t->spi[t->n++] = spi;
		return true;
	}
	for (i = 0; i < t->n && t->spi[i] != spi; i++)
		;
	if (i == t->n)
		return false;
	t->spi[i] = t->spi[--t->n];
	return true;
}

/* The second socket at port 4500, of which the kernel takes ESP (RFC 3948
 * §2); it has been ours since we were root, as the first. */
static int
taken_open(struct wire_side *s)
{
	if (s->shared)
		return 0;
	if (udp_bind_shared(s->fd[SOCK_NATT], s->fd[SOCK_TAKEN]) == -1)
		return -1;
	s->shared = true;
	return 0;
}

/* From wherever it comes: a NAT's mapping may change. */
static int
taken_use(struct wire_side *s, uint32_t spi, bool on)
{
	if ((on && taken_open(s) == -1) ||
	    !spi_note(&s->in_udp, spi, on))
		return -1;
	/* Only what is told apart may go to a kernel that keeps it. */
	if (udp_share(s->fd[SOCK_NATT], s->in_udp.spi, s->in_udp.n) == 0 &&
	    set_option(s->fd[SOCK_TAKEN], SOL_UDP, UDP_ENCAP,
	    UDP_ENCAP_ESPINUDP) == 0)
		return 0;
	if (on)
		(void)spi_note(&s->in_udp, spi, false);
	return -1;
}

/* Raw sockets would get a copy of each packet, only to say that it is the
 * kernel's. */
static void
raw_use(struct wire_side *s, uint32_t spi, bool on)
{
	if (spi_note(&s->taken, spi, on))
		filter_esp(s);
}

void
wire_esp_taken(struct wire *w, uint32_t spi, bool on)
{
	raw_use(side_of(w, AF_INET), spi, on);
}

static int
take(void *arg, const struct esp_params *in, const struct esp_params *out,
    bool on)
{
	struct wire_side *s = side_of(arg, out->dst.family);

	if (in->encap_dport == 0) {
		raw_use(s, in->spi, on);
		return 0;
	}
	/* The kernel would say that it is there and take nothing. */
	if (in->encap_dport != NATT_PORT)
		return -1;
	if (taken_use(s, in->spi, on) == 0)
		return 0;
	log_debug("ESP in UDP from %s not to the kernel: %s",
	    ADDR_TEXT(&out->dst), strerror(errno));
	return -1;
}

static void
kernel_watch(void *arg, int fd, void (*fn)(int fd, void *arg), void *fn_arg)
{
	struct wire *w = arg;

	watch_close(w->kernel);
	w->kernel = watch_fd(w->base, fd, fn, fn_arg);
}

static void
kernel_elsewhere(void *arg, uint32_t spi, const struct addr *dst,
    const struct addr *peer, uint16_t port)
{
	struct wire *w = arg;

	if (w->oe == NULL)
		return;
	oe_heard_elsewhere(w->oe, spi, dst, peer, port);
	wire_flush(w);
}

/* --- what goes ------------------------------------------------------------ */

static void
on_told(void *arg)
{
	struct wire	  *w = arg;
	struct packet_view error = w->error;

	w->error.data = NULL;
	oe_inbound_icmp(w->oe, &error);
}

/* Our own link takes less than we took it for: told as a router would, once
 * what waits has gone; one for all that do. */
void
wire_too_big(struct wire *w, const struct packet_view *v)
{
	char	 link[IFNAMSIZ];
	unsigned mtu;

	if (w->oe == NULL || w->error.data != NULL)
		return;
	if (rtnl_route_get(&v->dst, w->mark, NULL, NULL, link) == 0 &&
	    (mtu = wire_link_mtu(link)) != 0 && mtu < v->len &&
	    icmp_write_too_big(w->error_buf, &v->src, mtu, v, &w->error))
		event_active(w->told, EV_TIMEOUT, 0);
	else
		w->error.data = NULL;
}

/* A packet that does not go out is lost, as packets may be. */
static void
wire_refused(void *arg, const struct packet_view *v)
{
	struct wire *w = arg;

	if (errno == EMSGSIZE)
		wire_too_big(w, v);
	else
		log_debug("packet to %s not sent: %s", ADDR_TEXT(&v->dst),
		    strerror(errno));
}

void
wire_send(struct wire *w, const struct packet_view *v)
{
	struct wire_side *s = side_of(w, v->dst.family);

	if (s->outbox != NULL)
		outbox_send(s->outbox, v, NULL, 0, v->data);
}

void
wire_flush(struct wire *w)
{
	struct wire_side *s;

	for (s = w->side; s < w->side + 2; s++) {
		if (s->outbox != NULL)
			outbox_flush(s->outbox);
	}
}

static void
send_now(void *arg, const struct packet_view *v)
{
	struct wire *w = arg;

	wire_flush(w);
	if (outbox_once(side_of(w, v->dst.family)->out, &v->src, &v->dst, 0,
	    v->data, v->len) == -1)
		wire_refused(w, v);
}

struct xfrm_shell
wire_kernel(struct wire *w)
{
	return (struct xfrm_shell){ .send = send_now, .take = take,
		.watch = kernel_watch, .elsewhere = kernel_elsewhere,
		.arg = w };
}

void
wire_send_ike(struct wire *w, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	struct wire_side *s = side_of(w, path->peer.family);
	int		  fd = s->fd[path->local_port == NATT_PORT ?
	    SOCK_NATT : SOCK_IKE];

	/* What it is the end of has been sent before. */
	wire_flush(w);
	if (outbox_once(fd, &path->local, &path->peer, path->peer_port, buf,
	    len) == -1)
		log_debug("IKE to %s not sent: %s", ADDR_TEXT(&path->peer),
		    strerror(errno));
}

/* --- what the kernel knows of addresses ----------------------------------- */

bool
wire_is_own(const struct wire *w, const struct addr *addr)
{
	return rtnl_is_local(addr, w->mark);
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
	return rtnl_routes(addr->family, RT_TABLE_MAIN, near_route,
	    &n) == -1 ||
	    n.found;
}

int
wire_own_address(int family, uint32_t mark, struct addr *addr,
    char link[IFNAMSIZ])
{
	/* The first address that a provider may have (RFC 4291 §2.4): next hops
	 * have no place but on their link. */
	static const uint8_t outside[16] = { 0x20 };
	struct addr	     via;
	int		     rc;

	*addr = addr_none;
	if (rtnl_default_route(family, &via, link) == -1)
		return -1;
	if (family == AF_INET6)
		via = addr_from_bytes(AF_INET6, outside);
	if (!addr_is_set(&via) ||
	    (rc = rtnl_route_get(&via, mark, addr, NULL, link)) == -1)
		rc = rtnl_addr_of(link, family, addr, NULL);
	if (rc == 0 && (!addr_is_host(addr) ||
	    (family == AF_INET6 && addr_is_link_local(addr))))
		rc = -1;
	if (rc == -1)
		*addr = addr_none;
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
	static const int families[2] = { AF_INET, AF_INET6 };
	struct wire	*w = xcalloc(1, sizeof(*w));
	struct wire_side *s;
	int		 i, n;

	w->base = base;
	w->mark = mark;
	w->inbox = inbox_new(BATCH, IP6_HEADER_LEN + UDP_HEADER_LEN);
	w->told = watch_timer(base, on_told, w);
	for (n = 0; n < 2; n++) {
		s = &w->side[n];
		s->wire = w;
		s->family = families[n];
		s->out = s->segments = -1;
		for (i = 0; i < SOCK_N; i++)
			s->fd[i] = -1;
	}
	for (n = 0; n < 2; n++) {
		if (families[n] == AF_INET6 && !rtnl_has_ipv6())
			log_debug("this kernel has no IPv6");
		else if (side_open(&w->side[n]) == -1) {
			wire_close(w);
			return NULL;
		}
	}
	return w;
}

void
wire_start(struct wire *w, struct oe *oe, wire_batch_fn batch, void *arg)
{
	static void (*const fn[SOCK_N])(int fd, void *arg) = {
		[SOCK_ESP] = on_raw, [SOCK_ICMP] = on_raw,
		[SOCK_IKE] = on_udp, [SOCK_NATT] = on_udp,
		[SOCK_TAKEN] = on_udp
	};
	struct wire_side *s;
	int		  i;

	w->oe = oe;
	w->batch = batch;
	w->batch_arg = arg;
	for (s = w->side; s < w->side + 2; s++) {
		for (i = 0; i < SOCK_N && s->fd[i] != -1; i++)
			s->ev[i] = watch_fd(w->base, s->fd[i], fn[i], s);
	}
}

void
wire_close(struct wire *w)
{
	struct wire_side *s;
	int		  i;

	if (w == NULL)
		return;
	watch_close(w->kernel);
	for (s = w->side; s < w->side + 2; s++) {
		outbox_free(s->outbox);
		for (i = 0; i < SOCK_N; i++) {
			watch_end(s->ev[i]);
			if (s->fd[i] != -1)
				close(s->fd[i]);
		}
		if (s->segments != -1)
			close(s->segments);
		if (s->out != -1)
			close(s->out);
	}
	watch_end(w->told);
	inbox_free(w->inbox);
	free(w);
}

void
wire_set_local(struct wire *w, int family, const struct addr *addr)
{
	side_of(w, family)->local = *addr;
}

void
wire_esp_other(struct wire *w, const struct addr *addr)
{
	struct wire_side *s = side_of(w, AF_INET);

	s->other = *addr;
	filter_esp(s);
}
