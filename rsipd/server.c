/* server.c - RSIP's sockets: TCP connections and UDP endpoints of hosts */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/listener.h"
#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/inbox.h"
#include "rsipd/server_internal.h"

#define UDP_BUFFER	(1 << 20)	/* a burst of all hosts' requests */
#define ENDPOINT_IDLE	30000		/* milliseconds without
					 * a registration */
#define SECOND		1000
#define FILES_OTHER	128		/* control connections, queues,
					 * DNS, files opened in passing */

static int
open_socket(const struct server_config *c, int type)
{
	struct sockaddr_storage ss;
	socklen_t		sslen;
	int			fd, on = 1, size = UDP_BUFFER;
	const char	       *name = type == SOCK_STREAM ? "TCP" : "UDP";

	fd = socket(c->addr.family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		log_error("socket: %s", strerror(errno));
		return -1;
	}
	/* An address of ours must not serve strangers on the public side. */
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, c->ifname,
	    (socklen_t)strlen(c->ifname)) == -1) {
		log_error("cannot bind to interface %s: %s", c->ifname,
		    strerror(errno));
		goto fail;
	}
	if (c->early)
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	else
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	sslen = addr_to_sockaddr(&c->addr, c->port, &ss);
	if (bind(fd, (struct sockaddr *)&ss, sslen) == -1 ||
	    (type == SOCK_STREAM && listen(fd, SOMAXCONN) == -1)) {
		log_error("%s port %u of %s: %s%s", name, c->port,
		    ADDR_TEXT(&c->addr), strerror(errno), errno == EADDRINUSE ?
		    ": stop the other program or set another port" :
		    errno == EADDRNOTAVAIL ? ": gateway must be an address of "
		    "this machine" : "");
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return -1;
}

/*
 * A connection more than there are files would keep accept() failing, and
 * rsipctl out: the limit is raised as far as needed and allowed, and what that
 * leaves is how many connections there can be.
 */
static size_t
find_files(size_t max_connections)
{
	struct rlimit old, new;
	rlim_t	      want = (rlim_t)max_connections + FILES_OTHER;

	if (getrlimit(RLIMIT_NOFILE, &old) == -1)
		return max_connections;
	if (old.rlim_cur < want) {
		new.rlim_cur = want;
		new.rlim_max = old.rlim_max > want ? old.rlim_max : want;
		if (setrlimit(RLIMIT_NOFILE, &new) == -1) {
			new.rlim_cur = new.rlim_max = old.rlim_max;
			setrlimit(RLIMIT_NOFILE, &new);
		}
		if (getrlimit(RLIMIT_NOFILE, &old) == -1)
			return max_connections;
	}
	return old.rlim_cur > 2 * FILES_OTHER ?
	    (size_t)(old.rlim_cur - FILES_OTHER) : FILES_OTHER;
}

struct server *
server_open(struct event_base *base, const struct server_config *c)
{
	struct server *s = xcalloc(1, sizeof(*s));

	s->base = base;
	s->config = *c;
	s->config.ifname = NULL;
	s->files = find_files(c->max_connections * c->beside) / c->beside;
	s->udp_fd = -1;
	s->log = (struct ratelimit)RATELIMIT_INIT(5, 2000);
	TAILQ_INIT(&s->all);
	if ((s->endpoints = endpoints_new(c->max_endpoints)) == NULL) {
		log_error("out of memory");
		free(s);
		return NULL;
	}
	server_set_limits(s, c->max_connections, c->max_host_connections,
	    c->max_endpoints);
	if ((s->tcp_fd = open_socket(c, SOCK_STREAM)) == -1 ||
	    (s->udp_fd = open_socket(c, SOCK_DGRAM)) == -1) {
		server_close(s);
		return NULL;
	}
	return s;
}

void
server_close(struct server *s)
{
	if (s == NULL)
		return;
	tcp_stop(s);
	listener_free(s->listener);
	watch_end(s->udp_event);
	inbox_free(s->inbox);
	watch_end(s->tick);
	if (s->tcp_fd != -1)
		close(s->tcp_fd);
	if (s->udp_fd != -1)
		close(s->udp_fd);
	endpoints_free(s->endpoints);
	free(s);
}

static bool
endpoint_wanted(void *arg, const struct endpoint *e)
{
	const struct server *s = arg;
	struct gateway_peer  peer = { .host = e->key.addr,
		.transport = GATEWAY_UDP, .id = e->port };

	return gateway_registered(s->gateway, &peer);
}

static void
tick_at(struct server *s, uint64_t at)
{
	uint64_t now = clock_now();

	s->tick_at = at;
	watch_after(s->tick, at > now ? at - now : 0);
}

/* Ends what has been silent for too long, and looks when more will be. */
static void
on_tick(void *arg)
{
	struct server *s = arg;
	uint64_t       now = clock_now(), due, silent;

	due = tcp_tick(s, now);
	endpoints_expire(s->endpoints, now, ENDPOINT_IDLE, endpoint_wanted, s);
	silent = endpoints_next(s->endpoints, ENDPOINT_IDLE);
	if (silent < due)
		due = silent;
	s->tick_at = UINT64_MAX;
	if (due != UINT64_MAX)
		tick_at(s, due > now + SECOND ? due : now + SECOND);
}

void
server_wake(struct server *s, uint64_t now)
{
	uint64_t soon = now + SECOND;

	if (s->tick_at > soon)
		tick_at(s, soon);
}

void
server_start(struct server *s, struct gateway *g)
{
	s->gateway = g;
	s->tick = watch_timer(s->base, on_tick, s);
	s->tick_at = UINT64_MAX;
	tcp_start(s);
	udp_start(s);
}

void
server_set_open(struct server *s, bool open)
{
	listener_pause(s->listener, !open);
	if (open) {
		event_add(s->udp_event, NULL);
		return;
	}
	event_del(s->udp_event);
	tcp_stop(s);
}

int
server_move(struct server *s, const char *ifname, const struct addr *addr)
{
	struct server_config c = s->config;
	int		     tcp, udp;

	c.ifname = ifname;
	c.addr = *addr;
	if ((tcp = open_socket(&c, SOCK_STREAM)) == -1)
		return -1;
	if ((udp = open_socket(&c, SOCK_DGRAM)) == -1) {
		close(tcp);
		return -1;
	}
	s->config.addr = *addr;
	tcp_stop(s);
	listener_free(s->listener);
	watch_end(s->udp_event);
	close(s->udp_fd);
	s->tcp_fd = tcp;
	s->udp_fd = udp;
	tcp_start(s);
	udp_start(s);
	return 0;
}

void
server_set_limits(struct server *s, size_t max_connections,
    size_t max_host_connections, size_t max_endpoints)
{
	if (max_connections > s->files) {
		log_warn("connections: the limit of open files (RLIMIT_NOFILE) "
		    "leaves room for %zu only", s->files);
		max_connections = s->files;
	}
	s->config.max_connections = max_connections;
	s->config.max_host_connections = max_host_connections;
	endpoints_set_max(s->endpoints, max_endpoints);
}

void
server_send(struct server *s, const struct gateway_peer *to, bool answer,
    const uint8_t *msg, size_t len)
{
	if (to->transport == GATEWAY_UDP)
		udp_send(s, to, answer, msg, len);
	else
		tcp_send(s, to, answer, msg, len);
}

void
server_probe(struct server *s, uint64_t id)
{
	tcp_probe(s, id);
}

void
server_flush(struct server *s)
{
	tcp_flush(s);
}

void
server_count(const struct server *s, struct server_counts *out)
{
	*out = s->counts;
	out->connections = s->nconnections;
	out->endpoints = endpoints_count(s->endpoints);
}
