/* resolver.c - DNS through c-ares on libevent: addresses of names, whole messages */
#include "config.h"

#include <ares.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/resolver.h"

/* UDP and TCP of each server */
#define SOCKETS_MAX	(2 * RESOLVER_SERVERS_MAX)

struct question {
	struct resolver	      *resolver;
	uint64_t	       ticket;
	struct resolver_answer answer;
	uint8_t		      *msg;
	TAILQ_ENTRY(question)  entry;
};

struct resolver {
	struct event_base *base;
	ares_channel	   channel;
	struct event	   timer;	/* answers go out in it too */
	struct event	  *socket[SOCKETS_MAX];
	TAILQ_HEAD(, question) ready;
	uint32_t	   mark;
	bool		   open, closing;
	resolver_fn	   fn;
	void		  *arg;
};

static void
question_free(struct question *q)
{
	free(q->msg);
	free(q);
}

/* --- c-ares on libevent --------------------------------------------------- */

static void
resolver_timer_set(struct resolver *r)
{
	struct timeval tv, *next;

	if (!TAILQ_EMPTY(&r->ready)) {
		/* What comes of it happens outside c-ares, and of who asked. */
		event_active(&r->timer, EV_TIMEOUT, 0);
		return;
	}
	next = ares_timeout(r->channel, NULL, &tv);
	if (next == NULL)
		event_del(&r->timer);
	else
		event_add(&r->timer, next);
}

static void
resolver_timer(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;
	struct question *q = TAILQ_FIRST(&r->ready);

	(void)fd;
	(void)what;
	if (q == NULL) {
		ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
		resolver_timer_set(r);
		return;
	}
	TAILQ_REMOVE(&r->ready, q, entry);
	resolver_timer_set(r);
	r->fn(r->arg, q->ticket, &q->answer);	/* may free r */
	question_free(q);
}

static void
resolver_socket_ready(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;

	ares_process_fd(r->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
	    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	resolver_timer_set(r);
}

/* c-ares says which descriptors it wants watched. */
static void
resolver_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = arg;
	struct event   **unused = NULL;
	short		 what = (short)(EV_PERSIST |
	    (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		if (r->socket[i] != NULL && event_get_fd(r->socket[i]) == fd) {
			event_free(r->socket[i]);
			r->socket[i] = NULL;
		}
		if (r->socket[i] == NULL)
			unused = &r->socket[i];
	}
	if ((!readable && !writable) || unused == NULL)
		return;			/* without a watch it times out */
	*unused = event_new(r->base, fd, what, resolver_socket_ready, r);
	if (*unused != NULL)
		event_add(*unused, NULL);
}

static int
resolver_socket_mark(ares_socket_t fd, int type, void *arg)
{
	const struct resolver *r = arg;

	(void)type;
	return setsockopt(fd, SOL_SOCKET, SO_MARK, &r->mark, sizeof(r->mark));
}

static int
resolver_servers(struct resolver *r, const struct resolver_options *o)
{
	struct ares_addr_node node[RESOLVER_SERVERS_MAX];
	size_t		      i, n = o->nservers;

	if (n == 0)
		return ARES_SUCCESS;
	if (n > RESOLVER_SERVERS_MAX)
		n = RESOLVER_SERVERS_MAX;
	memset(node, 0, sizeof(node));
	for (i = 0; i < n; i++) {
		node[i].next = i + 1 < n ? &node[i + 1] : NULL;
		node[i].family = o->servers[i].family;
		memcpy(&node[i].addr, o->servers[i].bytes,
		    addr_len(&o->servers[i]));
	}
	return ares_set_servers(r->channel, node);
}

static int
resolver_open(struct resolver *r, const struct resolver_options *o)
{
	static char	    dns_only[] = "b";
	/* IPv6's have no place there; see resolver_servers(). */
	struct in_addr	    servers[1] = { { htonl(INADDR_LOOPBACK) } };
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH,
		.timeout = (int)o->timeout,
		.tries = (int)o->tries,
		.lookups = dns_only,
		.servers = servers,
		.nservers = 1,
		.sock_state_cb = resolver_socket_state,
		.sock_state_cb_data = r,
	};
	int		    rc, mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS |
	    ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;

	/* A file's servers instead were nobody's choice. */
	if (o->nservers > 0)
		mask |= ARES_OPT_SERVERS;
	if (o->messages) {
		options.flags |= ARES_FLAG_NOCHECKRESP | ARES_FLAG_EDNS |
		    ARES_FLAG_NOALIASES;
		options.ednspsz = RESOLVER_UDP_SIZE;
		options.ndots = 1;
		/* All that a file could say is said: none is read. */
		mask |= ARES_OPT_EDNSPSZ | ARES_OPT_NDOTS | ARES_OPT_DOMAINS;
	}
	if ((rc = ares_library_init(ARES_LIB_INIT_ALL)) == ARES_SUCCESS &&
	    (rc = ares_init_options(&r->channel, &options, mask)) !=
	    ARES_SUCCESS)
		ares_library_cleanup();
	if (rc == ARES_SUCCESS) {
		r->open = true;
		rc = resolver_servers(r, o);
	}
	if (rc != ARES_SUCCESS) {
		log_debug("c-ares: %s", ares_strerror(rc));
		return -1;
	}
	if (r->mark != 0)
		ares_set_socket_configure_callback(
		    r->channel, resolver_socket_mark, r);
	return 0;
}

struct resolver *
resolver_new(struct event_base *base, const struct resolver_options *o,
    resolver_fn fn, void *arg)
{
	struct resolver *r = xcalloc(1, sizeof(*r));

	r->base = base;
	r->mark = o->mark;
	r->fn = fn;
	r->arg = arg;
	TAILQ_INIT(&r->ready);
	event_assign(&r->timer, base, -1, 0, resolver_timer, r);
	if (resolver_open(r, o) == -1) {
		resolver_free(r);
		return NULL;
	}
	return r;
}

void
resolver_free(struct resolver *r)
{
	struct question *q;

	if (r == NULL)
		return;
	r->closing = true;
	if (r->open) {
		ares_destroy(r->channel);	/* sockets go by
						 * resolver_socket_state() */
		ares_library_cleanup();
	}
	while ((q = TAILQ_FIRST(&r->ready)) != NULL) {
		TAILQ_REMOVE(&r->ready, q, entry);
		question_free(q);
	}
	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		watch_end(r->socket[i]);
	}
	event_del(&r->timer);
	free(r);
}

/* --- questions ------------------------------------------------------------ */

static struct question *
question_new(struct resolver *r, uint64_t ticket)
{
	struct question *q = calloc(1, sizeof(*q));

	if (q != NULL) {
		q->resolver = r;
		q->ticket = ticket;
	}
	return q;
}

static void
question_end(struct question *q, int status)
{
	q->answer.timeout =
	    status == ARES_ETIMEOUT || status == ARES_ECONNREFUSED;
	if (q->resolver->closing)
		question_free(q);
	else
		TAILQ_INSERT_TAIL(&q->resolver->ready, q, entry);
}

static void
question_addresses(void *arg, int status, int timeouts,
    struct ares_addrinfo *info)
{
	struct question			*q = arg;
	struct resolver_answer		*a = &q->answer;
	const struct ares_addrinfo_node *node;

	(void)timeouts;
	for (node = status == ARES_SUCCESS ? info->nodes : NULL;
	    node != NULL && a->naddrs < RESOLVER_ADDRS_MAX;
	    node = node->ai_next) {
		if (node->ai_family != AF_INET)
			continue;
		a->addr[a->naddrs++] = addr_from_sockaddr(node->ai_addr,
		    node->ai_addrlen, NULL);
	}
	if (info != NULL)
		ares_freeaddrinfo(info);
	question_end(q, status);
}

int
resolver_ask_name(struct resolver *r, const char *name, uint64_t ticket)
{
	/* To sort addresses c-ares would open a socket to each. */
	static const struct ares_addrinfo_hints hints = {
		.ai_family = AF_INET, .ai_flags = ARES_AI_NOSORT,
		.ai_socktype = SOCK_STREAM };
	struct question *q = question_new(r, ticket);

	if (q == NULL)
		return -1;
	ares_getaddrinfo(r->channel, name, NULL, &hints, question_addresses, q);
	resolver_timer_set(r);
	return 0;
}

static void
question_message(void *arg, int status, int timeouts, unsigned char *buf,
    int len)
{
	struct question *q = arg;

	(void)timeouts;
	if (status == ARES_SUCCESS && buf != NULL && len > 0 &&
	    (q->msg = malloc((size_t)len)) != NULL) {
		memcpy(q->msg, buf, (size_t)len);
		q->answer.msg = q->msg;
		q->answer.len = (size_t)len;
	}
	question_end(q, status);
}

#ifdef HAVE_ARES_SEND_DNSREC
static void
question_record(void *arg, ares_status_t status, size_t timeouts,
    const ares_dns_record_t *answer)
{
	unsigned char *buf = NULL;
	size_t	       len = 0;

	if (status == ARES_SUCCESS)
		status = ares_dns_write(answer, &buf, &len);
	question_message(arg, (int)status, (int)timeouts, buf, (int)len);
	ares_free_string(buf);
}

static void
question_send(struct question *q, const uint8_t *msg, size_t len)
{
	ares_dns_record_t *record = NULL;
	ares_status_t	   status = ares_dns_parse(msg, len, 0, &record);

	/* What it returns it tells question_record() as well. */
	if (status == ARES_SUCCESS)
		(void)ares_send_dnsrec(q->resolver->channel, record,
		    question_record, q, NULL);
	else
		question_message(q, (int)status, 0, NULL, 0);
	ares_dns_record_destroy(record);
}
#else
static void
question_send(struct question *q, const uint8_t *msg, size_t len)
{
	ares_send(q->resolver->channel, msg, (int)len, question_message, q);
}
#endif

int
resolver_ask_message(struct resolver *r, const uint8_t *msg, size_t len,
    uint64_t ticket)
{
	struct question *q = question_new(r, ticket);

	if (q == NULL)
		return -1;
	question_send(q, msg, len);
	resolver_timer_set(r);
	return 0;
}
