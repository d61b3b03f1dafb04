/* dns.c - look-ups of OE's records: each resolver is asked at once, the first in the list is believed first */
#include "config.h"

#include <ares.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/util.h"
#include "net/validator.h"
#include "oe/ask.h"
#include "oe/dns.h"

#define DNS_SERVERS_MAX	4
#define DNS_TRUSTED_MAX	8
#define DNS_ASKS_MAX	512	/* sockets at once; further
				 * look-ups wait for one */
#define DNS_GRACE	300000	/* microseconds for an earlier
				 * resolver of the list */

enum { QUEUE_OURS, QUEUE_STRANGERS, QUEUES };

struct query {
	TAILQ_ENTRY(query)  entry;	/* of asking, or of waiting[queue] */
	struct dns	   *dns;
	struct ask_question question;
	unsigned	    queue;
	bool		    started;
	dns_fn		    fn;
	void		   *arg;
	struct event	    later;	/* the grace, or a
					 * failure known at once */
	bool		    grace, grace_over;
	struct validator_question *check;	/* NULL: the servers
						 * are asked */
	bool		    unchecked;	/* as it cannot be checked */
	bool		    failed;	/* does anybody answer at all? */
	struct ask	   *ask[DNS_SERVERS_MAX];
	struct record_answer *answer[DNS_SERVERS_MAX];	/* NULL: not yet */
};
TAILQ_HEAD(queries, query);

struct dns {
	struct event_base *base;
	struct dns_config  config;	/* of these: */
	struct addr	   servers[DNS_SERVERS_MAX];
	struct addr	   trusted[DNS_TRUSTED_MAX];
	unsigned	   npending;
	size_t		   nasks[QUEUES], asks_max;
	struct queries	   asking, waiting[QUEUES];
};

/* --- resolvers ------------------------------------------------------------ */

static size_t
addrs_copy(struct addr *to, size_t max, const struct addr *from, size_t n)
{
	n = n < max ? n : max;
	memcpy(to, from, n * sizeof(*from));
	return n;
}

static void
dns_set(struct dns *d, const struct dns_config *c)
{
	d->config = *c;
	d->config.nservers = addrs_copy(d->servers, DNS_SERVERS_MAX,
	    c->servers, c->nservers);
	d->config.servers = d->servers;
	d->config.ntrusted = addrs_copy(d->trusted, DNS_TRUSTED_MAX,
	    c->trusted, c->ntrusted);
	d->config.trusted = d->trusted;
}

bool
dns_config_trusts(const struct dns_config *c, const struct addr *server)
{
	size_t i;

	if (c->validate == DNS_VALIDATE_NO)
		return false;
	for (i = 0; i < c->ntrusted; i++) {
		if (addr_equal(&c->trusted[i], server))
			return true;
	}
	return addr_is_loopback(server);
}

/* Half of the descriptors, as there are other uses for them;
 * TCP takes a second. */
static size_t
dns_sockets_max(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_cur / 2 > DNS_ASKS_MAX)
		return DNS_ASKS_MAX;
	return r.rlim_cur / 2 > 4 * DNS_SERVERS_MAX ? (size_t)r.rlim_cur / 2 :
	    4 * DNS_SERVERS_MAX;
}

struct dns *
dns_new(struct event_base *base, const struct dns_config *c)
{
	struct dns *d = xcalloc(1, sizeof(*d));
	unsigned    i;
	int	    rc;

	if ((rc = ares_library_init(ARES_LIB_INIT_ALL)) != ARES_SUCCESS) {
		log_error("c-ares: %s", ares_strerror(rc));
		free(d);
		return NULL;
	}
	TAILQ_INIT(&d->asking);
	for (i = 0; i < QUEUES; i++)
		TAILQ_INIT(&d->waiting[i]);
	d->base = base;
	d->asks_max = dns_sockets_max();
	dns_set(d, c);
	return d;
}

/* --- look-ups ------------------------------------------------------------- */

/* Nothing is asked any more, and what was answered is forgotten. */
static void
query_stop(struct query *q)
{
	size_t i;

	if (q->check != NULL)
		q->dns->nasks[q->queue]--;
	validator_cancel(q->check);
	q->check = NULL;
	for (i = 0; i < DNS_SERVERS_MAX; i++) {
		if (q->ask[i] != NULL)
			q->dns->nasks[q->queue]--;
		ask_free(q->ask[i]);
		free(q->answer[i]);
		q->ask[i] = NULL;
		q->answer[i] = NULL;
	}
	event_del(&q->later);
}

static void
query_free(struct query *q)
{
	struct dns *d = q->dns;

	TAILQ_REMOVE(q->started ? &d->asking : &d->waiting[q->queue], q, entry);
	d->npending--;
	query_stop(q);
	free(q);
}

void
dns_free(struct dns *d)
{
	struct query *q;
	unsigned      i;

	if (d == NULL)
		return;
	while ((q = TAILQ_FIRST(&d->asking)) != NULL)
		query_free(q);
	for (i = 0; i < QUEUES; i++) {
		while ((q = TAILQ_FIRST(&d->waiting[i])) != NULL)
			query_free(q);
	}
	ares_library_cleanup();
	free(d);
}

static void dns_start(struct dns *d);

static void
query_finish(struct query *q, const struct record_answer *a)
{
	struct dns	    *d = q->dns;
	dns_fn		     fn = q->fn;
	void		    *arg = q->arg;
	struct record_answer answer = *a;

	query_free(q);
	dns_start(d);
	fn(arg, &answer);
}

static bool
answer_says_something(const struct record_answer *a)
{
	return a->status != RECORD_FAILED && a->status != RECORD_TIMEOUT;
}

/*
 * The first resolver that says something is believed, first in the order of
 * the list: one that validates is not overtaken by one that does not, unless it
 * is silent.
 */
static void
query_consider(struct query *q)
{
	const struct timeval	    grace = { 0, DNS_GRACE };
	const struct record_answer *best = NULL;
	bool			    open = false;
	size_t			    i;

	for (i = 0; i < q->dns->config.nservers; i++) {
		if (q->answer[i] == NULL) {
			open = true;
			continue;
		}
		if (answer_says_something(q->answer[i])) {
			if (!open || q->grace_over) {
				query_finish(q, q->answer[i]);
				return;
			}
			if (!q->grace)
				event_add(&q->later, &grace);
			q->grace = true;
			return;
		}
		/* A failure says more than silence. */
		if (best == NULL || q->answer[i]->status == RECORD_FAILED)
			best = q->answer[i];
	}
	if (!open && best != NULL)
		query_finish(q, best);
}

static void
query_answered(void *arg, unsigned tag, const struct record_answer *a)
{
	struct query *q = arg;

	q->answer[tag] = xcalloc(1, sizeof(*a));
	*q->answer[tag] = *a;
	if (!dns_config_trusts(&q->dns->config, &q->dns->servers[tag])) {
		q->answer[tag]->authentic = false;
		q->answer[tag]->unchecked = q->unchecked;
	}
	/* What it says counts for nothing, but that it is there. */
	if (q->failed && a->status != RECORD_TIMEOUT)
		*q->answer[tag] = (struct record_answer){
			.status = RECORD_FAILED, .ttl = RECORD_NEGATIVE_TTL };
	ask_free(q->ask[tag]);
	q->ask[tag] = NULL;
	q->dns->nasks[q->queue]--;
	query_consider(q);
}

static void
query_later(evutil_socket_t fd, short what, void *arg)
{
	struct query	    *q = arg;
	struct record_answer a;

	(void)fd;
	(void)what;
	if (q->grace) {
		q->grace_over = true;
		query_consider(q);
		return;
	}
	memset(&a, 0, sizeof(a));
	a.status = RECORD_TIMEOUT;
	query_finish(q, &a);
}

static void
query_ask_servers(struct query *q)
{
	struct dns *d = q->dns;
	unsigned    i;

	d->nasks[q->queue] += d->config.nservers;
	for (i = 0; i < d->config.nservers; i++)
		q->ask[i] = ask_new(&q->question, &d->servers[i],
		    query_answered, q, i);
}

static void
query_checked(void *arg, const struct validator_answer *v)
{
	struct query	    *q = arg;
	struct record_answer a = { .ttl = RECORD_NEGATIVE_TTL };

	q->check = NULL;
	q->dns->nasks[q->queue]--;
	switch (v->verdict) {
	case VALIDATOR_UNCHECKED:
		q->unchecked = true;
		query_ask_servers(q);
		return;
	case VALIDATOR_SECURE:
	case VALIDATOR_INSECURE:
		record_parse(&a, v->msg, v->len, q->question.name,
		    q->question.type, q->question.rsa_min_bits);
		a.authentic = v->verdict == VALIDATOR_SECURE;
		break;
	case VALIDATOR_BOGUS:
		log_debug("%s: %s", q->question.name, v->why);
		a.status = RECORD_BOGUS;
		break;
	case VALIDATOR_FAILED:
		q->failed = true;
		query_ask_servers(q);
		return;
	case VALIDATOR_SILENT:
		a.status = RECORD_TIMEOUT;
		break;
	}
	query_finish(q, &a);
}

/* Milliseconds that all tries take. */
static unsigned
query_patience(const struct dns_config *c)
{
	return c->timeout * ((1u << c->tries) - 1);
}

static void
query_start(struct query *q)
{
	struct dns *d = q->dns;

	TAILQ_REMOVE(&d->waiting[q->queue], q, entry);
	TAILQ_INSERT_TAIL(&d->asking, q, entry);
	q->started = true;
	q->unchecked = q->failed = false;
	if (d->config.validate == DNS_VALIDATE_LOCAL)
		q->check = validator_ask(q->question.name, q->question.type,
		    query_patience(&d->config), query_checked, q);
	if (q->check != NULL) {
		d->nasks[q->queue]++;
		return;
	}
	q->unchecked = d->config.validate == DNS_VALIDATE_LOCAL;
	query_ask_servers(q);
}

/* Our own look-ups start first; strangers leave half of the sockets to us. */
static void
dns_start(struct dns *d)
{
	struct query *q;
	unsigned      i;

	for (i = 0; i < QUEUES; i++) {
		while ((q = TAILQ_FIRST(&d->waiting[i])) != NULL) {
			if (d->nasks[QUEUE_OURS] + d->nasks[QUEUE_STRANGERS] +
			    d->config.nservers > d->asks_max ||
			    (i == QUEUE_STRANGERS && d->nasks[i] +
			    d->config.nservers > d->asks_max / 2))
				break;
			query_start(q);
		}
	}
}

void
dns_configure(struct dns *d, const struct dns_config *c)
{
	struct query *q;
	bool	      same;

	same = d->config.validate == c->validate && d->config.nservers ==
	    (c->nservers < DNS_SERVERS_MAX ? c->nservers : DNS_SERVERS_MAX) &&
	    memcmp(d->servers, c->servers, d->config.nservers *
	    sizeof(*c->servers)) == 0;
	if (same) {
		dns_set(d, c);
		return;
	}
	/* In their order, before those that have not been asked yet. */
	while ((q = TAILQ_LAST(&d->asking, queries)) != NULL) {
		TAILQ_REMOVE(&d->asking, q, entry);
		query_stop(q);
		q->started = q->grace = q->grace_over = false;
		q->question.timeout = c->timeout;
		q->question.tries = c->tries;
		q->question.rsa_min_bits = c->rsa_min_bits;
		TAILQ_INSERT_HEAD(&d->waiting[q->queue], q, entry);
	}
	dns_set(d, c);
	dns_start(d);
}

void
dns_query(struct dns *d, const char *name, uint16_t type, bool ours, dns_fn fn,
    void *arg)
{
	struct query *q = xcalloc(1, sizeof(*q));

	q->dns = d;
	q->queue = ours ? QUEUE_OURS : QUEUE_STRANGERS;
	q->fn = fn;
	q->arg = arg;
	q->question.base = d->base;
	q->question.type = type;
	q->question.timeout = d->config.timeout;
	q->question.tries = d->config.tries;
	q->question.rsa_min_bits = d->config.rsa_min_bits;
	snprintf(q->question.name, sizeof(q->question.name), "%s", name);
	event_assign(&q->later, d->base, -1, 0, query_later, q);
	TAILQ_INSERT_TAIL(&d->waiting[q->queue], q, entry);
	if (d->npending++ < DNS_PENDING_MAX)
		dns_start(d);
	else
		event_active(&q->later, EV_TIMEOUT, 0);
}
