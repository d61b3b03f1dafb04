/* udp.c - RSIP over UDP: one datagram a message, duplicates answered from the last one (RFC 3103 §10.1) */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/watch.h"
#include "rsipd/server_internal.h"

#define BATCH	64	/* datagrams a turn, so that other events have theirs */

static void
send_to(struct server *s, const struct addr *to, uint16_t port,
    const uint8_t *msg, size_t len)
{
	struct sockaddr_storage ss;
	socklen_t		sslen = addr_to_sockaddr(to, port, &ss);

	/* A lost answer is asked for again. */
	if (sendto(s->udp_fd, msg, len, MSG_DONTWAIT, (struct sockaddr *)&ss,
	    sslen) == -1)
		log_debug("%s: send: %s", ADDR_TEXT(to), strerror(errno));
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

static void
on_udp(int fd, void *arg)
{
	struct server	       *s = arg;
	struct sockaddr_storage ss;
	static uint8_t		msg[GATEWAY_MESSAGE_MAX];
	struct addr		from;
	uint16_t		port;
	socklen_t		sslen;
	ssize_t			n;
	unsigned		i;
	uint64_t		now = clock_now();

	for (i = 0; i < BATCH; i++) {
		sslen = sizeof(ss);
		n = recvfrom(fd, msg, sizeof(msg), MSG_DONTWAIT,
		    (struct sockaddr *)&ss, &sslen);
		if (n == -1) {
			if (errno != EAGAIN && errno != EINTR &&
			    ratelimit_pass(&s->log, now))
				log_debug("UDP: %s", strerror(errno));
			break;
		}
		from = addr_from_sockaddr(&ss, sslen, &port);
		receive(s, now, &from, port, msg, (size_t)n);
	}
}

void
udp_start(struct server *s)
{
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
