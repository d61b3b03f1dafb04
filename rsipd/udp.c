/* udp.c - RSIP over UDP: one datagram a message, duplicates answered from the last one (RFC 3103 §10.1) */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/watch.h"
#include "net/inbox.h"
#include "rsipd/server_internal.h"

#define BATCH	16	/* datagrams a system call */
#define ROUNDS	4	/* of these a turn, so that other events have theirs */

/* What is to be sent when what has arrived is served, or when this is full. */
struct udp_turn {
	struct mmsghdr		msg[BATCH];
	struct iovec		iov[BATCH];
	struct sockaddr_storage to[BATCH];
	unsigned		n;
	size_t			used;		/* of data */
	uint8_t			data[GATEWAY_MESSAGE_MAX];
};

static void
send_failed(const struct addr *to)
{
	/* A lost answer is asked for again. */
	log_debug("%s: send: %s", ADDR_TEXT(to), strerror(errno));
}

static void
flush(struct server *s)
{
	struct udp_turn *t = s->turn;
	struct addr	 to;
	unsigned	 at = 0;
	int		 n;

	while (at < t->n) {
		n = sendmmsg(s->udp_fd, t->msg + at, t->n - at, MSG_DONTWAIT);
		if (n > 0) {
			at += (unsigned)n;
			continue;
		}
		/* The first of them failed; the others have their turn. */
		to = addr_from_sockaddr(&t->to[at], sizeof(t->to[at]), NULL);
		send_failed(&to);
		at++;
	}
	t->n = 0;
	t->used = 0;
}

static void
send_in_turn(struct server *s, const struct addr *to, uint16_t port,
    const uint8_t *msg, size_t len)
{
	struct udp_turn *t = s->turn;
	struct msghdr	*m;

	if (t->n == BATCH || len > sizeof(t->data) - t->used)
		flush(s);
	memcpy(t->data + t->used, msg, len);
	t->iov[t->n] = (struct iovec){ t->data + t->used, len };
	m = &t->msg[t->n].msg_hdr;
	*m = (struct msghdr){ .msg_name = &t->to[t->n],
		.msg_namelen = addr_to_sockaddr(to, port, &t->to[t->n]),
		.msg_iov = &t->iov[t->n], .msg_iovlen = 1 };
	t->used += len;
	t->n++;
}

static void
send_to(struct server *s, const struct addr *to, uint16_t port,
    const uint8_t *msg, size_t len)
{
	struct sockaddr_storage ss;
	socklen_t		sslen;

	if (s->turn != NULL) {
		send_in_turn(s, to, port, msg, len);
		return;
	}
	sslen = addr_to_sockaddr(to, port, &ss);
	if (sendto(s->udp_fd, msg, len, MSG_DONTWAIT, (struct sockaddr *)&ss,
	    sslen) == -1)
		send_failed(to);
}

/* Only where a registration is now need its last answer be kept. */
static void
hold_latest(struct server *s, struct endpoint *e,
    const struct gateway_peer *peer, const struct gateway_peer *before)
{
	struct endpoint *old;

	if (before->transport == GATEWAY_UDP && before->id != peer->id &&
	    !gateway_registered(s->gateway, before) &&
	    (old = endpoints_find(s->endpoints, &before->host,
	    (uint16_t)before->id)) != NULL)
		endpoints_hold(s->endpoints, old, false);
	endpoints_hold(s->endpoints, e, gateway_registered(s->gateway, peer));
}

static void
receive(struct server *s, uint64_t now, const struct addr *from,
    uint16_t port, const uint8_t *msg, size_t len)
{
	struct gateway_peer peer = { .host = *from, .transport = GATEWAY_UDP,
		.id = port, .privileged = port < IPPORT_RESERVED };
	struct gateway_peer before = { 0 };
	struct endpoint	   *e;
	int		    n;

	if (!gateway_hears(s->gateway, from)) {
		s->counts.foreign++;
		return;
	}
	e = endpoints_get(s->endpoints, now, from, port);
	if (e == NULL)
		return;
	server_wake(s, now);
	switch (endpoint_arrived(s->endpoints, e, msg, len)) {
	case ENDPOINT_IGNORE:
		s->counts.duplicates++;
		return;
	case ENDPOINT_REPEAT:
		s->counts.duplicates++;
		send_to(s, from, port, e->answer, e->len);
		return;
	case ENDPOINT_SERVE:
		break;
	}
	gateway_end_of(s->gateway, from, &before);
	n = gateway_input(s->gateway, now, &peer, msg, len, s->out);
	if (n == GATEWAY_LATER || n == GATEWAY_HELD)
		endpoint_waits(e);
	else
		endpoint_answered(e, s->out, (size_t)n);
	if (n != GATEWAY_LATER)
		hold_latest(s, e, &peer, &before);
	if (n > 0)
		send_to(s, from, port, s->out, (size_t)n);
}

/* Serves what has arrived, BATCH at most: false where that was all. */
static bool
serve_some(struct server *s, uint64_t now)
{
	struct inbox_datagram d;
	int		      i, n;

	n = inbox_receive(s->inbox, s->udp_fd, BATCH);
	if (n == -1 && errno != EAGAIN && errno != EINTR &&
	    ratelimit_pass(&s->log, now))
		log_debug("UDP: %s", strerror(errno));
	for (i = 0; i < n; i++) {
		inbox_get(s->inbox, (unsigned)i, &d);
		receive(s, now, &d.from, d.port, d.data, d.len);
	}
	return n == BATCH;
}

static void
on_udp(int fd, void *arg)
{
	static struct udp_turn turn;
	struct server	      *s = arg;
	uint64_t	       now = clock_now();
	unsigned	       i;

	(void)fd;
	s->turn = &turn;
	for (i = 0; i < ROUNDS; i++) {
		if (!serve_some(s, now))
			break;
		/* The first hosts read their answers meanwhile. */
		flush(s);
	}
	flush(s);
	s->turn = NULL;
}

void
udp_start(struct server *s)
{
	if (s->inbox == NULL)
		s->inbox = inbox_new(BATCH, 0);
	s->udp_event = watch_fd(s->base, s->udp_fd, on_udp, s);
}

void
udp_send(struct server *s, const struct gateway_peer *to, bool answer,
    const uint8_t *msg, size_t len)
{
	struct endpoint *e;

	if (answer) {
		e = endpoints_find(s->endpoints, &to->host, (uint16_t)to->id);
		if (e == NULL)
			return;
		endpoint_answered(e, msg, len);
	}
	send_to(s, &to->host, (uint16_t)to->id, msg, len);
}
