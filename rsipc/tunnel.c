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
#include "net/ip.h"
#include "net/tunnel.h"
#include "rsipc/capture.h"
#include "rsipc/tunnel.h"

#define TUNNEL_BATCH	32	/* packets one system call may bring */
#define TUNNEL_OUT	64	/* ... and take: those of one read of rsip0, */
#define TUNNEL_OUT_BYTES (2 * IP_PACKET_MAX)	/* and their bytes */
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
	struct mmsghdr	 msg[TUNNEL_BATCH];
	struct iovec	 iov[TUNNEL_BATCH];
	struct sockaddr_in from[TUNNEL_BATCH];
	uint8_t		*buf;		/* TUNNEL_BATCH times IP_PACKET_MAX */

	struct event	*flush;
	unsigned	 nout;			/* packets that wait, ... */
	size_t		 out_used;		/* and bytes of out_buf */
	/* in out_buf, the outer header before each */
	struct packet_view queue[TUNNEL_OUT];
	struct mmsghdr	 out_msg[TUNNEL_OUT];
	struct iovec	 out_iov[TUNNEL_OUT];
	uint8_t		*out_buf;		/* TUNNEL_OUT_BYTES */
};

static void	tunnel_flush(void *);

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
	struct tunnel *t = arg;
	int	       i, n;

	for (i = 0; i < TUNNEL_BATCH; i++) {
		t->iov[i].iov_base = t->buf + (size_t)i * IP_PACKET_MAX;
		t->iov[i].iov_len = IP_PACKET_MAX;
		t->msg[i].msg_hdr = (struct msghdr){ .msg_iov = &t->iov[i],
			.msg_iovlen = 1 };
	}
	n = recvmmsg(fd, t->msg, TUNNEL_BATCH, MSG_DONTWAIT, NULL);
	for (i = 0; i < n; i++)
		tunnel_read_packet(t, t->iov[i].iov_base, t->msg[i].msg_len);
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
	/* What goes out here may be fragmented: see tunnel_send(). */
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
	t->buf = xcalloc(TUNNEL_BATCH, IP_PACKET_MAX);
	t->out_buf = xcalloc(1, TUNNEL_OUT_BYTES);
	t->flush = watch_timer(base, tunnel_flush, t);
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
	/* Farewells. */
	if (t->nout != 0)
		tunnel_flush(t);
	watch_close(t->ipip);
	watch_close(t->gre);
	if (t->out != -1)
		close(t->out);
	watch_end(t->flush);
	free(t->buf);
	free(t->out_buf);
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
	tunnel_flush(t);
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
tunnel_send_fragmented(struct tunnel *t, const struct iovec *whole)
{
	int fd = event_get_fd(t->type == RSIP_TUNNEL_GRE ? t->gre : t->ipip);

	/* The GRE header remains; the IPv4 header becomes the kernel's. */
	return send(fd, (uint8_t *)whole->iov_base + IP_HEADER_LEN,
	    whole->iov_len - IP_HEADER_LEN, MSG_DONTWAIT);
}

/* What the kernel did not take, for the reason in errno. */
static void
tunnel_refused(struct tunnel *t, unsigned i)
{
	const struct packet_view *p = &t->queue[i];

	if (errno == EMSGSIZE && !p->df &&
	    tunnel_send_fragmented(t, &t->out_iov[i]) != -1)
		return;
	t->counters.out_failed++;
	t->counters.out_packets--;
	t->counters.out_bytes -= p->len;
	if (errno == EMSGSIZE && p->df)
		t->too_big(t->arg, p);
}

/* What waits goes out, in one system call. */
static void
tunnel_flush(void *arg)
{
	struct tunnel	       *t = arg;
	struct sockaddr_storage to;
	socklen_t		nto = addr_to_sockaddr(&t->remote, 0, &to);
	unsigned		i, done = 0;
	int			n;

	for (i = 0; i < t->nout; i++)
		t->out_msg[i].msg_hdr = (struct msghdr){ .msg_name = &to,
			.msg_namelen = nto, .msg_iov = &t->out_iov[i],
			.msg_iovlen = 1 };
	while (done < t->nout) {
		n = sendmmsg(t->out, t->out_msg + done, t->nout - done,
		    MSG_DONTWAIT);
		if (n > 0)
			done += (unsigned)n;
		else
			tunnel_refused(t, done++);
	}
	t->nout = 0;
	t->out_used = 0;
}

int
tunnel_send(struct tunnel *t, const struct packet_view *p)
{
	enum tunnel_type   type = tunnel_type(t);
	size_t		   overhead = tunnel_overhead(type);
	size_t		   len = p->len + overhead;
	struct packet_view outer;
	uint8_t		  *at;

	if (!addr_is_set(&t->remote) || len > IP_PACKET_MAX) {
		errno = addr_is_set(&t->remote) ? EMSGSIZE : ENOTCONN;
		t->counters.out_failed++;
		return -1;
	}
	if (t->nout == TUNNEL_OUT || len > TUNNEL_OUT_BYTES - t->out_used)
		tunnel_flush(t);
	if (t->nout == 0)
		event_active(t->flush, EV_TIMEOUT, 0);
	at = t->out_buf + t->out_used;
	tunnel_write(at, type, &t->local, &t->remote, p, 0, &outer);
	memcpy(at + overhead, p->data, p->len);
	t->queue[t->nout] = *p;
	t->queue[t->nout].data = at + overhead;
	t->out_iov[t->nout] = (struct iovec){ .iov_base = at, .iov_len = len };
	t->nout++;
	t->out_used += len;
	t->counters.out_packets++;
	t->counters.out_bytes += p->len;
	return 0;
}

const struct tunnel_counters *
tunnel_counters(const struct tunnel *t)
{
	return &t->counters;
}
