/* resolver.c - IPv4 addresses of names through c-ares on libevent */
#include "config.h"

#include <ares.h>
#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/util.h"
#include "rsipd/resolver.h"

#define ADDRS_MAX	16
#define SERVERS_MAX	16
#define TRY_MS		1500	/* milliseconds of one try */
#define TRIES		3
#define SOCKETS_MAX	32	/* c-ares holds one or two for each server */

struct resolver_socket {
	int	      fd;
	struct event *event;
};

struct resolver {
	struct event_base *base;
	ares_channel	   channel;
	struct event	  *timer;
	struct resolver_socket socket[SOCKETS_MAX];
	resolver_fn	   fn;
	void		  *arg;
	struct event	  *deliver;	/* answers go out in an event of their own */
	TAILQ_HEAD(, question) ready;
	bool		   closing;
};

struct question {
	struct resolver *resolver;
	uint64_t	 ticket;
	uint32_t	 addr[ADDRS_MAX];
	int		 n;
	TAILQ_ENTRY(question) entry;
};

static void
restart_timer(struct resolver *r)
{
	struct timeval tv, *next;

	next = ares_timeout(r->channel, NULL, &tv);
	if (next == NULL)
		event_del(r->timer);
	else
		event_add(r->timer, next);
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;

	ares_process_fd(r->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
	    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	restart_timer(r);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;

	(void)fd;
	(void)what;
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	restart_timer(r);
}

/* c-ares tells which descriptors it waits for. */
static void
on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = arg;
	size_t		 i, at = SOCKETS_MAX;
	short		 what = EV_PERSIST;

	for (i = 0; i < SOCKETS_MAX; i++) {
		if (r->socket[i].event != NULL && r->socket[i].fd == fd) {
			event_free(r->socket[i].event);
			r->socket[i].event = NULL;
		}
		if (r->socket[i].event == NULL)
			at = i;
	}
	if ((!readable && !writable) || at == SOCKETS_MAX)
		return;
	what = (short)(what | (readable ? EV_READ : 0) |
	    (writable ? EV_WRITE : 0));
	r->socket[at].fd = fd;
	r->socket[at].event = event_new(r->base, fd, what, on_socket, r);
	if (r->socket[at].event != NULL)
		event_add(r->socket[at].event, NULL);
}

static void
on_deliver(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;
	struct question *q;

	(void)fd;
	(void)what;
	while ((q = TAILQ_FIRST(&r->ready)) != NULL) {
		TAILQ_REMOVE(&r->ready, q, entry);
		r->fn(r->arg, q->ticket, q->addr, (size_t)q->n);
		free(q);
	}
}

static void
on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct question			*q = arg;
	struct resolver			*r = q->resolver;
	const struct ares_addrinfo_node *node;
	struct sockaddr_in		 sin;

	(void)timeouts;
	if (status == ARES_SUCCESS) {
		for (node = info->nodes; node != NULL && q->n < ADDRS_MAX;
		     node = node->ai_next) {
			if (node->ai_family != AF_INET)
				continue;
			memcpy(&sin, node->ai_addr, sizeof(sin));
			q->addr[q->n++] = sin.sin_addr.s_addr;
		}
	}
	if (info != NULL)
		ares_freeaddrinfo(info);
	if (r->closing) {
		free(q);
		return;
	}
	TAILQ_INSERT_TAIL(&r->ready, q, entry);
	event_active(r->deliver, EV_TIMEOUT, 0);
}

/* "192.0.2.1,192.0.2.2", which every c-ares takes. */
static int
set_servers(struct resolver *r, const uint32_t *servers, size_t n)
{
	char   text[SERVERS_MAX * (INET_ADDRSTRLEN + 1)] = "", one[INET_ADDRSTRLEN];
	size_t len = 0;

	for (size_t i = 0; i < n && i < SERVERS_MAX; i++) {
		inet_ntop(AF_INET, &servers[i], one, sizeof(one));
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
		    i == 0 ? "" : ",", one);
	}
	return n == 0 ? ARES_SUCCESS :
	    ares_set_servers_csv(r->channel, text);
}

struct resolver *
resolver_new(struct event_base *base, const uint32_t *servers, size_t n,
    resolver_fn fn, void *arg)
{
	struct resolver	   *r = xcalloc(1, sizeof(*r));
	static char	    dns_only[] = "b";
	struct ares_options o = { .flags = ARES_FLAG_NOSEARCH,
		.timeout = TRY_MS, .tries = TRIES, .lookups = dns_only,
		 .sock_state_cb = on_state, .sock_state_cb_data = r };
	int		    rc;

	r->base = base;
	r->fn = fn;
	r->arg = arg;
	TAILQ_INIT(&r->ready);
	r->timer = event_new(base, -1, 0, on_timer, r);
	r->deliver = event_new(base, -1, 0, on_deliver, r);
	if (r->timer == NULL || r->deliver == NULL ||
	    ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		log_error("cannot start the resolver");
		goto fail;
	}
	rc = ares_init_options(&r->channel, &o, ARES_OPT_FLAGS |
	    ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
	    ARES_OPT_SOCK_STATE_CB);
	if (rc == ARES_SUCCESS)
		rc = set_servers(r, servers, n);
	if (rc != ARES_SUCCESS) {
		log_error("cannot start the resolver: %s", ares_strerror(rc));
		goto fail;
	}
	return r;
fail:
	resolver_free(r);
	return NULL;
}

void
resolver_free(struct resolver *r)
{
	struct question *q;

	if (r == NULL)
		return;
	r->closing = true;
	if (r->channel != NULL) {
		ares_destroy(r->channel);
		ares_library_cleanup();
	}
	while ((q = TAILQ_FIRST(&r->ready)) != NULL) {
		TAILQ_REMOVE(&r->ready, q, entry);
		free(q);
	}
	if (r->timer != NULL)
		event_free(r->timer);
	if (r->deliver != NULL)
		event_free(r->deliver);
	free(r);
}

int
resolver_ask(struct resolver *r, const char *name, uint64_t ticket)
{
	/* To sort addresses c-ares would open a socket to each. */
	static const struct ares_addrinfo_hints hints = {
		.ai_family = AF_INET, .ai_flags = ARES_AI_NOSORT,
		.ai_socktype = SOCK_STREAM };
	struct question *q;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return -1;
	q->resolver = r;
	q->ticket = ticket;
	ares_getaddrinfo(r->channel, name, NULL, &hints, on_answer, q);
	restart_timer(r);
	return 0;
}
