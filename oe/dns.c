/* dns.c - asynchronous look-ups of OE's records through c-ares on libevent */
#include "config.h"

#include <ares.h>
#include <arpa/inet.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/log.h"
#include "base/opener.h"
#include "base/util.h"
#include "oe/dns.h"

#define DNS_CLASS_IN	1
#define DNS_UDP_SIZE	1232	/* EDNS: what crosses every link unfragmented */
#define DNS_SERVERS_MAX	4
#define DNS_SOCKETS_MAX	(2 * DNS_SERVERS_MAX + 8)

struct query {
	TAILQ_ENTRY(query) entry;
	struct dns	  *dns;
	char		   name[KEYING_NAME_MAX + 1];
	uint16_t	   type;
	dns_fn		   fn;
	void		  *arg;
	struct event	  *later;	/* a failure known at once is told later */
	bool		   unchecked;	/* asked again with CD: was it DNSSEC? */
	struct record_answer answer;
};

struct dns_socket {
	struct dns   *dns;
	struct event *ev;
	int	      fd;
	short	      what;
};

struct dns {
	struct event_base *base;
	ares_channel	   channel;
	struct event	  *timer;
	struct dns_socket  sockets[DNS_SOCKETS_MAX];
	uint32_t	   servers[DNS_SERVERS_MAX];
	size_t		   nservers;
	unsigned	   rsa_min_bits;
	unsigned	   npending;
	bool		   closing;
	TAILQ_HEAD(, query) queries;
};

static void
dns_timer_set(struct dns *d)
{
	struct timeval tv, *next;

	next = ares_timeout(d->channel, NULL, &tv);
	if (next == NULL)
		event_del(d->timer);
	else
		event_add(d->timer, next);
}

static void
dns_timer(evutil_socket_t fd, short what, void *arg)
{
	struct dns *d = arg;

	(void)fd;
	(void)what;
	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	dns_timer_set(d);
}

static void
dns_ready(evutil_socket_t fd, short what, void *arg)
{
	struct dns *d = ((struct dns_socket *)arg)->dns;

	ares_process_fd(d->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
	    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	dns_timer_set(d);
}

/* c-ares says which descriptors it wants watched. */
static void
dns_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct dns	  *d = arg;
	struct dns_socket *s, *unused = NULL;
	short		   what = (short)(EV_PERSIST |
	    (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	size_t		   i;

	for (i = 0; i < DNS_SOCKETS_MAX; i++) {
		s = &d->sockets[i];
		if (s->ev != NULL && s->fd == fd)
			break;
		if (s->ev == NULL && unused == NULL)
			unused = s;
	}
	if (i == DNS_SOCKETS_MAX) {
		if ((!readable && !writable) || (s = unused) == NULL)
			return;		/* without a watch it times out */
	} else {
		event_free(s->ev);
		s->ev = NULL;
		if (!readable && !writable)
			return;
	}
	s->dns = d;
	s->fd = fd;
	s->ev = event_new(d->base, fd, what, dns_ready, s);
	if (s->ev != NULL)
		event_add(s->ev, NULL);
}

size_t
dns_read_resolv_conf(const char *path, uint32_t *out, size_t cap)
{
	struct in_addr a;
	size_t	       n = 0;
	char	       line[256], word[64];
	FILE	      *f;
	int	       fd;

	if ((fd = opener_open(path)) == -1)
		return 0;
	if ((f = fdopen(fd, "r")) == NULL) {
		close(fd);
		return 0;
	}
	while (n < cap && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, " nameserver %63s", word) == 1 &&
		    inet_pton(AF_INET, word, &a) == 1)
			out[n++] = a.s_addr;
	}
	fclose(f);
	return n;
}

static int
dns_set_servers(struct dns *d, const uint32_t *servers, size_t n)
{
	struct ares_addr_node node[DNS_SERVERS_MAX];
	size_t		      i;

	if (n == 0) {
		n = dns_read_resolv_conf("/etc/resolv.conf", d->servers,
		    DNS_SERVERS_MAX);
		servers = d->servers;
	}
	if (n == 0) {
		/* As resolver libraries do: one on this host. */
		d->servers[0] = htonl(INADDR_LOOPBACK);
		servers = d->servers;
		n = 1;
	}
	if (n > DNS_SERVERS_MAX)
		n = DNS_SERVERS_MAX;
	memmove(d->servers, servers, n * sizeof(*servers));
	d->nservers = n;
	memset(node, 0, sizeof(node));
	for (i = 0; i < n; i++) {
		node[i].family = AF_INET;
		node[i].addr.addr4.s_addr = d->servers[i];
		node[i].next = i + 1 < n ? &node[i + 1] : NULL;
	}
	return ares_set_servers(d->channel, node) == ARES_SUCCESS ? 0 : -1;
}

struct dns *
dns_new(struct event_base *base, const uint32_t *servers, size_t n,
    unsigned timeout, unsigned tries, unsigned rsa_min_bits)
{
	struct ares_options o = {
		.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_EDNS |
		    ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
		.timeout = (int)timeout,
		.tries = (int)tries,
		.ednspsz = DNS_UDP_SIZE,
		.sock_state_cb = dns_socket_state,
	};
	struct dns *d = xcalloc(1, sizeof(*d));
	int	    rc;

	TAILQ_INIT(&d->queries);
	d->base = base;
	d->rsa_min_bits = rsa_min_bits;
	o.sock_state_cb_data = d;
	rc = ares_library_init(ARES_LIB_INIT_ALL);
	if (rc == ARES_SUCCESS)
		rc = ares_init_options(&d->channel, &o, ARES_OPT_FLAGS |
		    ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
		    ARES_OPT_SOCK_STATE_CB);
	if (rc != ARES_SUCCESS) {
		log_error("c-ares: %s", ares_strerror(rc));
		free(d);
		return NULL;
	}
	d->timer = event_new(base, -1, 0, dns_timer, d);
	if (d->timer == NULL || dns_set_servers(d, servers, n) == -1) {
		log_error("c-ares: cannot use these resolvers");
		dns_free(d);
		return NULL;
	}
	return d;
}

static void
query_free(struct query *q)
{
	TAILQ_REMOVE(&q->dns->queries, q, entry);
	q->dns->npending--;
	if (q->later != NULL)
		event_free(q->later);
	free(q);
}

void
dns_free(struct dns *d)
{
	struct query *q;
	size_t	      i;

	if (d == NULL)
		return;
	d->closing = true;
	ares_destroy(d->channel);
	while ((q = TAILQ_FIRST(&d->queries)) != NULL)
		query_free(q);
	for (i = 0; i < DNS_SOCKETS_MAX; i++) {
		if (d->sockets[i].ev != NULL)
			event_free(d->sockets[i].ev);
	}
	if (d->timer != NULL)
		event_free(d->timer);
	ares_library_cleanup();
	free(d);
}

static void
query_finish(struct query *q)
{
	dns_fn fn = q->fn;
	void  *arg = q->arg;
	struct record_answer answer = q->answer;

	query_free(q);
	fn(arg, &answer);
}

static void
query_later(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	query_finish(arg);
}

static void
query_fail_later(struct query *q, enum record_status status)
{
	const struct timeval now = { 0, 0 };

	q->answer.status = status;
	q->answer.ttl = 0;
	q->later = event_new(q->dns->base, -1, 0, query_later, q);
	if (q->later != NULL)
		event_add(q->later, &now);
}

static int query_send(struct query *q);

/*
 * SERVFAIL is what a validating resolver says of bogus data and of a server that
 * is lame.  With CD set it gives what it would not vouch for (RFC 4035
 * §3.2.2): whoever answers now was refused for DNSSEC's sake.
 */
static bool
query_recheck(struct query *q)
{
	if (q->unchecked) {
		q->answer.status = q->answer.status == RECORD_FAILED ||
		    q->answer.status == RECORD_TIMEOUT ? RECORD_FAILED :
		    RECORD_BOGUS;
		q->answer.n = 0;
		q->answer.authentic = false;
		return false;
	}
	if (q->answer.status != RECORD_FAILED)
		return false;
	q->unchecked = true;
	return query_send(q) == 0;
}

static void
dns_answered(void *arg, int status, int timeouts, unsigned char *buf, int len)
{
	struct query *q = arg;

	(void)timeouts;
	if (q->dns->closing)
		return;
	if (status == ARES_SUCCESS && buf != NULL && len > 0) {
		record_parse(&q->answer, buf, (size_t)len, q->name, q->type,
		    q->dns->rsa_min_bits);
		if (!query_recheck(q))
			query_finish(q);
		return;
	}
	memset(&q->answer, 0, sizeof(q->answer));
	q->answer.status = status == ARES_ETIMEOUT ||
	    status == ARES_ECONNREFUSED ? RECORD_TIMEOUT : RECORD_FAILED;
	if (query_recheck(q))
		return;
	/* It may come from inside ares_send(): the asker is not ready for it. */
	query_fail_later(q, q->answer.status);
}

static int
query_send(struct query *q)
{
	unsigned char *buf = NULL;
	uint16_t       id;
	int	       len = 0;

	random_bytes(&id, sizeof(id));
	if (ares_create_query(q->name, DNS_CLASS_IN, q->type, id, 1, &buf, &len,
	    DNS_UDP_SIZE) != ARES_SUCCESS || len < 12 + 11) {
		if (buf != NULL)
			ares_free_string(buf);
		return -1;
	}
	/* AD asks the resolver to say whether it validated (RFC 6840 §5.7). DO
	 * is not set: the signatures themselves are of no use to us. */
	buf[3] |= q->unchecked ? 0x10 : 0x20;
	ares_send(q->dns->channel, buf, len, dns_answered, q);
	ares_free_string(buf);
	dns_timer_set(q->dns);
	return 0;
}

void
dns_query(struct dns *d, const char *name, uint16_t type, dns_fn fn, void *arg)
{
	struct query *q = xcalloc(1, sizeof(*q));

	q->dns = d;
	q->type = type;
	q->fn = fn;
	q->arg = arg;
	snprintf(q->name, sizeof(q->name), "%s", name);
	TAILQ_INSERT_TAIL(&d->queries, q, entry);
	d->npending++;
	if (d->npending > DNS_PENDING_MAX || query_send(q) == -1)
		query_fail_later(q, RECORD_TIMEOUT);
}

size_t
dns_servers(const struct dns *d, uint32_t *out, size_t cap)
{
	size_t n = d->nservers < cap ? d->nservers : cap;

	memcpy(out, d->servers, n * sizeof(*out));
	return n;
}

unsigned
dns_pending(const struct dns *d)
{
	return d->npending;
}
