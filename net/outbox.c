/* outbox.c - packets on their way to a raw socket: many a system call, and datagrams of one flow as one (UDP_SEGMENT) */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/outbox.h"
#include "net/udp.h"

#ifndef UDP_SEGMENT		/* not in every libc */
#define UDP_SEGMENT	103
#endif
#ifndef SOL_UDP
#define SOL_UDP		17
#endif

#define OUTBOX_MAX	64	/* packets: those of one read of a TUN, */
#define OUTBOX_BYTES	(2 * IP_PACKET_MAX)	/* and their bytes */
#define UDP_HEADERS	(IP_HEADER_LEN + UDP_HEADER_LEN)
#define REFUSALS_MAX	16	/* one after the other, and segments
				 * are not tried any more */

/* What is said of a packet beside its bytes. */
union outbox_control {
	struct cmsghdr align;
	char	       buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
	    2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))];
};

struct outbox {
	int		  fd, udp;
	bool		  sourced;
	uint16_t	  port;		/* of segments */
	unsigned	  refusals;
	outbox_refused_fn refused;
	void		 *arg;
	struct event	 *flush;
	unsigned	  n;		/* packets that wait, ... */
	size_t		  used;		/* and bytes of buf */
	struct packet_view queue[OUTBOX_MAX];
	struct mmsghdr	  msg[OUTBOX_MAX];
	struct iovec	  iov[OUTBOX_MAX];
	struct sockaddr_storage to[OUTBOX_MAX];
	union outbox_control control[OUTBOX_MAX];
	uint8_t		  buf[OUTBOX_BYTES];
};

/* --- one packet a message ------------------------------------------------- */

static void
control_add(struct msghdr *m, union outbox_control *room, int level, int type,
    const void *value, size_t len)
{
	struct cmsghdr *c;

	/* The length so far is that of whole messages. */
	c = (struct cmsghdr *)(void *)(room->buf + m->msg_controllen);
	memset(c, 0, CMSG_SPACE(len));
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), value, len);
	m->msg_control = room;
	m->msg_controllen += CMSG_SPACE(len);
}

static void
control_source(struct msghdr *m, union outbox_control *room,
    const struct addr *src)
{
	struct in_pktinfo  four = { .ipi_spec_dst.s_addr = addr_v4(src) };
	struct in6_pktinfo six = { .ipi6_ifindex = 0 };

	if (src->family == AF_INET) {
		control_add(m, room, IPPROTO_IP, IP_PKTINFO, &four,
		    sizeof(four));
		return;
	}
	memcpy(&six.ipi6_addr, src->bytes, 16);
	control_add(m, room, IPPROTO_IPV6, IPV6_PKTINFO, &six, sizeof(six));
}

static void
outbox_message(struct outbox *o, unsigned i)
{
	const struct packet_view *v = &o->queue[i];
	struct msghdr		 *m = &o->msg[i].msg_hdr;

	o->iov[i] = (struct iovec){ (void *)(uintptr_t)v->data, v->len };
	*m = (struct msghdr){ .msg_name = &o->to[i],
		.msg_namelen = addr_to_sockaddr(&v->dst, 0, &o->to[i]),
		.msg_iov = &o->iov[i], .msg_iovlen = 1 };
	if (o->sourced)
		control_source(m, &o->control[i], &v->src);
}

static void
outbox_plain(struct outbox *o, unsigned from, unsigned to)
{
	unsigned i;
	int	 n;

	for (i = from; i < to; i++)
		outbox_message(o, i);
	while (from < to) {
		n = sendmmsg(o->fd, o->msg + from, to - from, MSG_DONTWAIT);
		if (n > 0)
			from += (unsigned)n;
		else
			o->refused(o->arg, &o->queue[from++]);
	}
}

int
outbox_once(int fd, const struct addr *src, const struct addr *dst,
    uint16_t port, const uint8_t *buf, size_t len)
{
	struct sockaddr_storage to;
	union outbox_control	room;
	struct iovec		iov = { (void *)(uintptr_t)buf, len };
	struct msghdr m = { .msg_name = &to,
		.msg_namelen = addr_to_sockaddr(dst, port, &to),
		.msg_iov = &iov, .msg_iovlen = 1 };

	control_source(&m, &room, src);
	return sendmsg(fd, &m, MSG_DONTWAIT) == -1 ? -1 : 0;
}

/* --- many a message ------------------------------------------------------- */

static bool
segment_candidate(const struct outbox *o, const struct packet_view *v)
{
	uint16_t sport, dport;

	return v->src.family == AF_INET && v->protocol == IPPROTO_UDP &&
	    v->df && v->header == IP_HEADER_LEN && v->len > UDP_HEADERS &&
	    packet_ports(v, &sport, &dport) && sport == o->port;
}

static bool
segment_follows(const struct packet_view *first, const struct packet_view *v)
{
	return v->len <= first->len && v->tos == first->tos &&
	    v->ttl == first->ttl && addr_equal(&v->src, &first->src) &&
	    addr_equal(&v->dst, &first->dst) &&
	    load_u16(v->data + IP_HEADER_LEN + 2) ==
	    load_u16(first->data + IP_HEADER_LEN + 2);
}

/* How many packets, from the i-th one on, can go as one; 1: it goes alone. */
static unsigned
segment_run(const struct outbox *o, unsigned i)
{
	const struct packet_view *first = &o->queue[i], *v;
	size_t			  bytes = first->len;
	unsigned		  n = 1;

	if (o->udp == -1 || o->refusals >= REFUSALS_MAX ||
	    !segment_candidate(o, first))
		return 1;
	for (; i + n < o->n; n++) {
		v = &o->queue[i + n];
		if (!segment_candidate(o, v) || !segment_follows(first, v) ||
		    bytes + v->len - UDP_HEADERS > IP_PACKET_MAX)
			break;
		bytes += v->len - UDP_HEADERS;
		if (v->len < first->len)
			return n + 1;
	}
	return n;
}

/* False: they have to go one by one. */
static bool
outbox_segmented(struct outbox *o, unsigned from, unsigned n)
{
	const struct packet_view *v = &o->queue[from];
	struct sockaddr_storage	  to;
	union outbox_control	  room;
	struct msghdr m = { .msg_name = &to, .msg_iov = o->iov,
		.msg_iovlen = n };
	uint16_t size = (uint16_t)(v->len - UDP_HEADERS);
	int	 tos = v->tos, ttl = v->ttl;
	unsigned i;

	m.msg_namelen = addr_to_sockaddr(&v->dst,
	    load_u16(v->data + IP_HEADER_LEN + 2), &to);
	control_source(&m, &room, &v->src);
	control_add(&m, &room, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	control_add(&m, &room, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	control_add(&m, &room, SOL_UDP, UDP_SEGMENT, &size, sizeof(size));
	for (i = 0; i < n; i++)
		o->iov[i] = (struct iovec){
			(void *)(uintptr_t)(v[i].data + UDP_HEADERS),
			v[i].len - UDP_HEADERS };
	if (sendmsg(o->udp, &m, MSG_DONTWAIT) != -1) {
		o->refusals = 0;
		return true;
	}
	/* A full buffer says nothing of segments. */
	if (errno != EAGAIN && errno != ENOBUFS &&
	    ++o->refusals == REFUSALS_MAX)
		log_debug("datagrams go one by one: %s", strerror(errno));
	return false;
}

int
outbox_segments_socket(int owner)
{
	/* What comes to this address, and from itself alone, is nobody's. */
	const struct addr nobody = addr_from_v4(htonl(INADDR_LOOPBACK));
	const int	  on = 1, probe = IP_PMTUDISC_PROBE;
	uint16_t	  port;
	int		  fd, error;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd != -1 && (port = udp_port(owner)) != 0 &&
	    setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) == 0 &&
	    /* Of the path its users know more than the kernel. */
	    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe,
	    sizeof(probe)) == 0 &&
	    udp_bind_beside(owner, fd, &nobody, &nobody, port) == 0)
		return fd;
	error = errno;
	if (fd != -1)
		close(fd);
	errno = error;
	return -1;
}

void
outbox_segments(struct outbox *o, int udp, uint16_t port)
{
	o->udp = udp;
	o->port = port;
	o->refusals = 0;
}

/* --- life ----------------------------------------------------------------- */

void
outbox_flush(struct outbox *o)
{
	unsigned i = 0, end;

	while (i < o->n) {
		end = i + segment_run(o, i);
		if (end == i + 1 || !outbox_segmented(o, i, end - i)) {
			while (end < o->n && segment_run(o, end) == 1)
				end++;
			outbox_plain(o, i, end);
		}
		i = end;
	}
	o->n = 0;
	o->used = 0;
}

static void
outbox_turn_ends(void *arg)
{
	outbox_flush(arg);
}

void
outbox_send(struct outbox *o, const struct packet_view *v, const uint8_t *head,
    size_t head_len, const uint8_t *body)
{
	uint8_t *at;

	if (o->n == OUTBOX_MAX || v->len > OUTBOX_BYTES - o->used)
		outbox_flush(o);
	if (o->n == 0 && o->flush != NULL)
		event_active(o->flush, EV_TIMEOUT, 0);
	at = o->buf + o->used;
	if (head_len != 0)
		memcpy(at, head, head_len);
	memcpy(at + head_len, body, v->len - head_len);
	o->queue[o->n] = *v;
	o->queue[o->n].data = at;
	o->n++;
	o->used += v->len;
}

struct outbox *
outbox_new(struct event_base *base, int fd, bool sourced,
    outbox_refused_fn refused, void *arg)
{
	struct outbox *o = xcalloc(1, sizeof(*o));

	o->fd = fd;
	o->udp = -1;
	o->sourced = sourced;
	o->refused = refused;
	o->arg = arg;
	if (base != NULL)
		o->flush = watch_timer(base, outbox_turn_ends, o);
	return o;
}

void
outbox_free(struct outbox *o)
{
	if (o == NULL)
		return;
	outbox_flush(o);
	watch_end(o->flush);
	free(o);
}
