/* tunnel.c - inner packets to and from the gateway through raw sockets */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/inbox.h"
#include "net/ip.h"
#include "net/outbox.h"
#include "net/tunnel.h"
#include "rsipc/capture.h"
#include "rsipc/tunnel.h"

#define TUNNEL_BATCH	32	/* packets one system call may bring */
#define TUNNEL_SOCKBUF	(2 << 20)

struct tunnel {
	struct event_base *base;
	tunnel_fn	 fn, too_big;
	tunnel_end_fn	 end;
	void		*arg;
	enum rsip_tunnel type;
	struct addr	 local, remote;
	int		 out;		/* with headers that we write */
	struct event	*ipip, *gre;
	struct tunnel_counters counters;
	struct inbox	*inbox;
	struct outbox	*outbox;	/* of out */
};

static void	tunnel_refused(void *, const struct packet_view *);

static enum tunnel_type
tunnel_type(const struct tunnel *t)
{
	return t->type == RSIP_TUNNEL_GRE ? TUNNEL_GRE : TUNNEL_IPIP;
}

static void
tunnel_read_packet(struct tunnel *t, uint8_t *pkt, size_t len)
{
	struct packet_view outer, inner;
	enum tunnel_type   type;
	int		   tos;

	if (!packet_parse_ipv4(&outer, pkt, len))
		goto malformed;
	/* The gateway alone may speak for the public realm. */
	if (!addr_equal(&outer.src, &t->remote) ||
	    !addr_equal(&outer.dst, &t->local) ||
	    outer.protocol != tunnel_protocol(tunnel_type(t))) {
		t->counters.in_foreign++;
		return;
	}
	if (!tunnel_inner(&outer, &inner, &type) ||
	    (tos = tunnel_leave_tos(inner.tos, outer.tos)) == -1)
		goto malformed;
	if (tos != inner.tos) {
		ip_set_tos(pkt + (inner.data - outer.data), (uint8_t)tos);
		inner.tos = (uint8_t)tos;
	}
	t->counters.in_packets++;
	t->counters.in_bytes += inner.len;
	t->fn(t->arg, &inner);
	return;
malformed:
	t->counters.in_malformed++;
}

static void
tunnel_readable(int fd, void *arg)
{
	struct tunnel	     *t = arg;
	struct inbox_datagram d;
	int		      i, n;

	n = inbox_receive(t->inbox, fd, TUNNEL_BATCH);
	for (i = 0; i < n; i++) {
		inbox_get(t->inbox, (unsigned)i, &d);
		tunnel_read_packet(t, d.data, d.len);
	}
	t->end(t->arg);
}

/* Past the rule that leads all others here. */
static void
tunnel_mark(int fd)
{
	int mark = CAPTURE_MARK;

	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == -1)
		log_warn("raw socket: no mark: %s", strerror(errno));
}

/* Receives a tunnel protocol; an open socket also keeps the kernel from
 * answering "protocol unreachable". */
static struct event *
tunnel_listen(struct tunnel *t, int protocol)
{
	int fd, size = TUNNEL_SOCKBUF;
	int dont = IP_PMTUDISC_DONT;

	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	if (fd == -1) {
		log_error("raw socket: %s", strerror(errno));
		return NULL;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ==
	    -1)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	tunnel_mark(fd);
	/* What goes out here may be fragmented: see tunnel_refused(). */
	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &dont, sizeof(dont));
	return watch_fd(t->base, fd, tunnel_readable, t);
}

struct tunnel *
tunnel_new(struct event_base *base, tunnel_fn fn, tunnel_end_fn end,
    tunnel_fn too_big, void *arg)
{
	struct tunnel *t = xcalloc(1, sizeof(*t));
	int	       size = TUNNEL_SOCKBUF;

	t->base = base;
	t->fn = fn;
	t->end = end;
	t->too_big = too_big;
	t->arg = arg;
	t->out = -1;
	t->inbox = inbox_new(TUNNEL_BATCH, 0);
	if ((t->ipip = tunnel_listen(t, IPPROTO_IPIP)) == NULL ||
	    (t->gre = tunnel_listen(t, IPPROTO_GRE)) == NULL)
		goto fail;
	t->out = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    IPPROTO_RAW);
	if (t->out == -1) {
		log_error("raw socket: %s", strerror(errno));
		goto fail;
	}
	tunnel_mark(t->out);
	if (setsockopt(t->out, SOL_SOCKET, SO_SNDBUFFORCE, &size,
	    sizeof(size)) == -1)
		setsockopt(t->out, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	t->outbox = outbox_new(base, t->out, false, tunnel_refused, t);
	return t;
fail:
	tunnel_free(t);
	return NULL;
}

void
tunnel_free(struct tunnel *t)
{
	if (t == NULL)
		return;
	outbox_free(t->outbox);		/* farewells go */
	watch_close(t->ipip);
	watch_close(t->gre);
	if (t->out != -1)
		close(t->out);
	inbox_free(t->inbox);
	free(t);
}

/*
 * A socket that knows both ends, so that the kernel drops what is not the
 * gateway's before we see it, and learns the path's MTU.  A new one each time:
 * one that is connected again keeps its first local address, and one that was
 * disconnected receives nothing any more.
 */
static int
tunnel_connect(struct tunnel *t, struct event **ev, int protocol)
{
	struct sockaddr_storage from, to;
	socklen_t		nfrom = addr_to_sockaddr(&t->local, 0, &from);
	socklen_t		nto = addr_to_sockaddr(&t->remote, 0, &to);
	struct event	       *new = tunnel_listen(t, protocol);

	if (new == NULL)
		return -1;
	watch_close(*ev);
	*ev = new;
	if (bind(event_get_fd(new), (struct sockaddr *)&from, nfrom) == 0 &&
	    connect(event_get_fd(new), (struct sockaddr *)&to, nto) == 0)
		return 0;
	log_warn("tunnel from %s: %s", ADDR_TEXT(&t->local), strerror(errno));
	return -1;
}

int
tunnel_set(struct tunnel *t, enum rsip_tunnel type, const struct addr *local,
    const struct addr *remote)
{
	outbox_flush(t->outbox);
	t->type = type;
	t->local = *local;
	t->remote = *remote;
	if (!addr_is_set(remote))
		return 0;
	return type == RSIP_TUNNEL_GRE ? tunnel_connect(t, &t->gre,
	    IPPROTO_GRE) : tunnel_connect(t, &t->ipip, IPPROTO_IPIP);
}

bool
tunnel_is_ipip(const struct tunnel *t, struct addr *local, struct addr *remote)
{
	*local = t->local;
	*remote = t->remote;
	return addr_is_set(&t->remote) && t->type == RSIP_TUNNEL_IPIP;
}

unsigned
tunnel_mtu(const struct tunnel *t)
{
	size_t	  overhead = tunnel_overhead(tunnel_type(t));
	socklen_t len = sizeof(int);
	int	  mtu;

	if (!addr_is_set(&t->remote) || getsockopt(event_get_fd(t->type ==
	    RSIP_TUNNEL_GRE ? t->gre : t->ipip), IPPROTO_IP, IP_MTU, &mtu,
	    &len) == -1 || mtu <= (int)overhead)
		return 0;
	return (unsigned)mtu - (unsigned)overhead;
}

/* RFC 2003 §3.1: without DF inside, the outer packet may be fragmented, which
 * the kernel does on a socket where it writes the header. */
static ssize_t
tunnel_send_fragmented(const struct tunnel *t, const struct packet_view *outer)
{
	int fd = event_get_fd(t->type == RSIP_TUNNEL_GRE ? t->gre : t->ipip);

	/* The GRE header remains; the IPv4 header becomes the kernel's. */
	return send(fd, outer->data + IP_HEADER_LEN,
	    outer->len - IP_HEADER_LEN, MSG_DONTWAIT);
}

/* What the kernel did not take, for the reason in errno. */
static void
tunnel_refused(void *arg, const struct packet_view *outer)
{
	struct tunnel	  *t = arg;
	size_t		   overhead = tunnel_overhead(tunnel_type(t));
	struct packet_view inner;
	int		   error = errno;

	if (error == EMSGSIZE && !outer->df &&
	    tunnel_send_fragmented(t, outer) != -1)
		return;
	t->counters.out_failed++;
	t->counters.out_packets--;
	t->counters.out_bytes -= outer->len - overhead;
	if (error == EMSGSIZE && outer->df && packet_parse_ipv4(&inner,
	    outer->data + overhead, outer->len - overhead))
		t->too_big(t->arg, &inner);
}

int
tunnel_send(struct tunnel *t, const struct packet_view *p)
{
	enum tunnel_type   type = tunnel_type(t);
	size_t		   overhead = tunnel_overhead(type);
	struct packet_view outer;
	uint8_t		   head[TUNNEL_OVERHEAD_MAX];

	if (!addr_is_set(&t->remote) || p->len + overhead > IP_PACKET_MAX) {
		errno = addr_is_set(&t->remote) ? EMSGSIZE : ENOTCONN;
		t->counters.out_failed++;
		return -1;
	}
	tunnel_write(head, type, &t->local, &t->remote, p, 0, &outer);
	outbox_send(t->outbox, &outer, head, overhead, p->data);
	t->counters.out_packets++;
	t->counters.out_bytes += p->len;
	return 0;
}

const struct tunnel_counters *
tunnel_counters(const struct tunnel *t)
{
	return &t->counters;
}
