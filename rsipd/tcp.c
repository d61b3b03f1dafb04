/* tcp.c - RSIP over TCP: messages follow one another on a connection, each answered in turn */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/listener.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/watch.h"
#include "proto/rsip.h"
#include "rsipd/server_internal.h"

#define BUFFER_MIN	512	/* most messages are shorter than 100 bytes */
#define KEPT_MAX	4096	/* of an empty buffer */
#define OUT_MAX		131072	/* unread answers; a host that reads
				 * nothing is heard no more */
#define MESSAGES	64	/* of one connection, a turn */
#define EARLY		32	/* answers after which what is there leaves: the
				 * host goes on while its others are served */
#define IDLE_STRANGER	30000	/* milliseconds without being registered */
#define IDLE_PARTIAL	10000	/* in the middle of a message,
				 * or with answers unread */
#define KEEPALIVE_IDLE	60	/* seconds, then probes: hosts
				 * vanish without a word */
#define KEEPALIVE_PROBE	15
#define PROBES		3	/* a second apart, once another
				 * asks for its registration */

struct tcp_connection {
	uint64_t id;
	struct addr host;
	int	 fd;
	struct server *server;
	struct event *read, *write;
	uint64_t used;			/* when bytes last moved */
	bool	 waiting;		/* for the answer to its last request */
	unsigned held;			/* answers that come before that one */
	bool	 ending;		/* close once out is sent */
	bool	 privileged;		/* from a port below 1024 */
	bool	 probed;		/* asked often whether it lives */
	bool	 reading, writing;	/* whether events are pending */
	uint8_t	*in, *out;		/* in: what is not served yet */
	size_t	 inlen, incap;
	size_t	 outlen, outcap;
	TAILQ_ENTRY(tcp_connection) entry;
	UT_hash_handle hh;
};

static void	on_read(evutil_socket_t, short, void *);
static void	on_write(evutil_socket_t, short, void *);

static void
connection_free(struct tcp_connection *c)
{
	struct server	   *s = c->server;
	struct gateway_peer peer = { .host = c->host, .transport = GATEWAY_TCP,
		.id = c->id };

	gateway_disconnected(s->gateway, &peer);
	HASH_DEL(s->connections, c);
	TAILQ_REMOVE(&s->all, c, entry);
	s->nconnections--;
	watch_end(c->read);
	watch_end(c->write);
	close(c->fd);
	free(c->in);
	free(c->out);
	free(c);
}

static bool
reserve(uint8_t **buf, size_t *cap, size_t want)
{
	uint8_t *p;
	size_t	 n = *cap == 0 ? BUFFER_MIN : *cap;

	if (want <= *cap)
		return true;
	while (n < want)
		n *= 2;
	if ((p = realloc(*buf, n)) == NULL)
		return false;
	*buf = p;
	*cap = n;
	return true;
}

/* One large message must not make its connection cost as much from then on. */
static void
release_large(uint8_t **buf, size_t *cap)
{
	if (*cap <= KEPT_MAX)
		return;
	free(*buf);
	*buf = NULL;
	*cap = 0;
}

static void
set_reading(struct tcp_connection *c, bool on)
{
	if (on != c->reading && (on ? event_add(c->read, NULL) :
	    event_del(c->read)) == 0)
		c->reading = on;
}

static void
set_writing(struct tcp_connection *c, bool on)
{
	if (on != c->writing && (on ? event_add(c->write, NULL) :
	    event_del(c->write)) == 0)
		c->writing = on;
}

/* Sends what the socket takes of what waits; -1: it is done for. */
static int
send_some(struct tcp_connection *c)
{
	ssize_t n = send(c->fd, c->out, c->outlen, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n == -1 && errno != EAGAIN && errno != EINTR)
		return -1;
	if (n > 0) {
		c->outlen -= (size_t)n;
		memmove(c->out, c->out + n, c->outlen);
	}
	return 0;
}

/* Sends what waits; -1: the connection is done for. */
static int
flush(struct tcp_connection *c)
{
	if (c->outlen == 0)
		return c->ending && c->held == 0 ? -1 : 0;
	if (send_some(c) == -1)
		return -1;
	if (c->outlen != 0) {
		set_writing(c, true);
		server_wake(c->server, clock_now());
		return 0;
	}
	release_large(&c->out, &c->outcap);
	set_writing(c, false);
	if (c->ending)
		return c->held == 0 ? -1 : 0;
	/* What serve_messages() left for want of room in out may go on. */
	if (!c->waiting && c->held < MESSAGES && !c->reading) {
		set_reading(c, true);
		event_active(c->read, EV_READ, 0);
	}
	return 0;
}

static int
queue(struct tcp_connection *c, const uint8_t *msg, size_t len)
{
	if (c->outlen + len > OUT_MAX ||
	    !reserve(&c->out, &c->outcap, c->outlen + len))
		return -1;
	memcpy(c->out + c->outlen, msg, len);
	c->outlen += len;
	return 0;
}

/* The stream can no longer be followed: says why, then closes. */
static int
refuse(struct tcp_connection *c, const struct gateway_peer *peer)
{
	static const uint8_t broken[RSIP_HEADER_LEN] = { RSIP_VERSION,
		RSIP_REGISTER_REQUEST, 0, 0 };
	int		     n;

	c->ending = true;
	c->inlen = 0;
	set_reading(c, false);
	/* A length that cannot be is BAD_MESSAGE to the decoder too. */
	n = gateway_input(c->server->gateway, clock_now(), peer, broken,
	    sizeof(broken), c->server->out);
	if (n == GATEWAY_HELD)
		c->held++;
	return n <= 0 ? 0 : queue(c, c->server->out, (size_t)n);
}

/* Keeps what is not served of what came; -1: out of memory. */
static int
keep_rest(struct tcp_connection *c, const uint8_t *rest, size_t len)
{
	c->inlen = len;
	if (len == 0) {
		release_large(&c->in, &c->incap);
		return 0;
	}
	if (!reserve(&c->in, &c->incap, len))
		return -1;
	memmove(c->in, rest, len);
	return 0;
}

/* Serves whole messages among len bytes, which may be c->in, and keeps the
 * rest; -1: close. */
static int
serve_messages(struct tcp_connection *c, uint64_t now, const uint8_t *in,
    size_t len)
{
	struct server	   *s = c->server;
	struct gateway_peer peer = { .host = c->host, .transport = GATEWAY_TCP,
		.privileged = c->privileged, .id = c->id };
	size_t		    at = 0;
	unsigned	    served = 0;
	int		    one, n;

	while (!c->waiting && at != len && served++ < MESSAGES &&
	    c->held < MESSAGES &&
	    c->outlen + GATEWAY_MESSAGE_MAX <= OUT_MAX) {
		one = rsip_frame_length(in + at, len - at);
		if (one == -1)
			return refuse(c, &peer);
		if (one == 0 || len - at < (size_t)one)
			break;
		n = gateway_input(s->gateway, now, &peer, in + at,
		    (size_t)one, s->out);
		at += (size_t)one;
		if (n == GATEWAY_LATER)
			c->waiting = true;
		else if (n == GATEWAY_HELD)
			c->held++;
		else if (n > 0 && (queue(c, s->out, (size_t)n) == -1 ||
		    (served % EARLY == 0 && send_some(c) == -1)))
			return -1;
	}
	if (keep_rest(c, in + at, len - at) == -1)
		return -1;
	/* While an answer is awaited or unread no more is taken in. */
	if (c->waiting || c->held >= MESSAGES ||
	    c->outlen + GATEWAY_MESSAGE_MAX > OUT_MAX)
		set_reading(c, false);
	else {
		set_reading(c, true);
		if (served > MESSAGES)
			event_active(c->read, EV_READ, 0);
	}
	return 0;
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_connection *c = arg;
	struct server	      *s = c->server;
	size_t		       len = c->inlen;
	uint64_t	       now = clock_now();
	ssize_t		       n = 0;

	(void)what;
	/* What many requests came in is read at once, and served where it
	 * lies; only a part of a message stays with its connection. */
	if (len != 0)
		memcpy(s->in, c->in, len);
	if (len < sizeof(s->in)) {
		n = recv(fd, s->in + len, sizeof(s->in) - len, MSG_DONTWAIT);
		if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
			goto close;
	}
	if (n > 0) {
		c->used = now;
		len += (size_t)n;
	}
	server_wake(s, now);
	if (serve_messages(c, now, s->in, len) == 0 && flush(c) == 0)
		return;
close:
	connection_free(c);
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_connection *c = arg;

	(void)fd;
	(void)what;
	c->used = clock_now();
	c->writing = false;
	if (flush(c) == -1 || (!c->ending && serve_messages(c, c->used, c->in,
	    c->inlen) == -1) || flush(c) == -1)
		connection_free(c);
}

static size_t
connections_of(const struct server *s, const struct addr *host)
{
	const struct tcp_connection *c;
	size_t			     n = 0;

	TAILQ_FOREACH(c, &s->all, entry)
		n += addr_equal(&c->host, host);
	return n;
}

static void
connection_new(struct server *s, int fd, const struct addr *host,
    uint16_t port)
{
	struct tcp_connection *c;
	int		       on = 1, idle = KEEPALIVE_IDLE,
			       probe = KEEPALIVE_PROBE;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe, sizeof(probe));
	c->id = ++s->next_id;
	c->fd = fd;
	c->host = *host;
	c->privileged = port < IPPORT_RESERVED;
	c->server = s;
	c->used = clock_now();
	HASH_ADD(hh, s->connections, id, sizeof(c->id), c);
	TAILQ_INSERT_TAIL(&s->all, c, entry);
	s->nconnections++;
	server_wake(s, c->used);
	s->counts.accepted++;
	c->read = event_new(s->base, fd, EV_READ | EV_PERSIST, on_read, c);
	c->write = event_new(s->base, fd, EV_WRITE, on_write, c);
	if (c->read != NULL && c->write != NULL)
		set_reading(c, true);
	if (!c->reading)
		connection_free(c);
}

/*
 * A host that has vanished may leave connections behind: its own longest
 * silent one that holds no registration gives way to the new one, and where
 * all places are taken, anybody's.
 */
static bool
make_room(struct server *s, const struct addr *host)
{
	struct tcp_connection *c, *victim = NULL;
	struct gateway_peer    peer = { .transport = GATEWAY_TCP };
	bool		       own, victim_own = false;
	bool		       full = s->nconnections >=
				   s->config.max_connections;

	if (!full &&
	    connections_of(s, host) < s->config.max_host_connections)
		return true;
	TAILQ_FOREACH(c, &s->all, entry) {
		peer.host = c->host;
		peer.id = c->id;
		own = addr_equal(&c->host, host);
		if ((!own && !full) || gateway_registered(s->gateway, &peer))
			continue;
		if (victim == NULL || own > victim_own ||
		    (own == victim_own && c->used < victim->used)) {
			victim = c;
			victim_own = own;
		}
	}
	if (victim == NULL)
		return false;
	connection_free(victim);
	return true;
}

static void
on_accept(void *arg, int fd, const struct sockaddr *from, bool last)
{
	struct server *s = arg;
	uint16_t       port;
	struct addr    host = addr_from_sockaddr(from,
			   sizeof(struct sockaddr_storage), &port);

	(void)last;
	if (!gateway_hears(s->gateway, &host)) {
		s->counts.foreign++;
		close(fd);
		return;
	}
	if (make_room(s, &host)) {
		connection_new(s, fd, &host, port);
		return;
	}
	s->counts.refused++;
	if (ratelimit_pass(&s->log, clock_now()))
		log_warn("%s: too many connections", ADDR_TEXT(&host));
	close(fd);
}

void
tcp_start(struct server *s)
{
	int fd = s->tcp_fd;

	s->tcp_fd = -1;
	s->listener = listener_new(s->base, fd, "RSIP's TCP port", false,
	    on_accept, s);
}

void
tcp_stop(struct server *s)
{
	while (!TAILQ_EMPTY(&s->all))
		connection_free(TAILQ_FIRST(&s->all));
}

void
tcp_send(struct server *s, const struct gateway_peer *to, bool answer,
    const uint8_t *msg, size_t len)
{
	struct tcp_connection *c;

	HASH_FIND(hh, s->connections, &to->id, sizeof(to->id), c);
	if (c == NULL)
		return;
	if (answer && c->held > 0)
		c->held--;
	else if (answer)
		c->waiting = false;
	if (queue(c, msg, len) == -1)
		/* The host would miss an answer. */
		c->ending = c->ending || answer;
	/* The gateway may be in the middle of a request of this very
	 * connection: what follows happens in an event of its own. */
	set_writing(c, true);
}

void
tcp_probe(struct server *s, uint64_t id)
{
	struct tcp_connection *c;
	int		       second = 1, probes = PROBES;

	HASH_FIND(hh, s->connections, &id, sizeof(id), c);
	if (c == NULL || c->probed)
		return;
	c->probed = true;
	setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPINTVL, &second, sizeof(second));
	setsockopt(c->fd, IPPROTO_TCP, TCP_KEEPIDLE, &second, sizeof(second));
}

void
tcp_flush(struct server *s)
{
	struct tcp_connection *c, *next;

	TAILQ_FOREACH_SAFE(c, &s->all, entry, next) {
		if (flush(c) == -1)
			connection_free(c);
	}
}

uint64_t
tcp_tick(struct server *s, uint64_t now)
{
	struct tcp_connection *c, *next;
	struct gateway_peer    peer = { .transport = GATEWAY_TCP };
	uint64_t	       idle, most, next_at = UINT64_MAX;

	TAILQ_FOREACH_SAFE(c, &s->all, entry, next) {
		idle = now > c->used ? now - c->used : 0;
		peer.host = c->host;
		peer.id = c->id;
		if (!c->waiting && (c->inlen != 0 || c->outlen != 0))
			most = IDLE_PARTIAL;
		else if (!gateway_registered(s->gateway, &peer))
			most = IDLE_STRANGER;
		else
			continue;
		if (idle > most) {
			s->counts.timed_out++;
			connection_free(c);
		} else if (c->used + most + 1 < next_at) {
			next_at = c->used + most + 1;
		}
	}
	return next_at;
}
