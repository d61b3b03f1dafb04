/* portal.c - is there a captive portal before us, that answers for all of DNS?  A heuristic */
#include "config.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "base/watch.h"
#include "oe/ask.h"
#include "oe/portal.h"
#include "oe/rr.h"

#define SERVERS_MAX	4
#define TRY_MS		1000
#define TRIES		2
#define AGAIN_MS	2000	/* somebody stands before a portal, ... */
#define PATIENCE_MS	600000	/* ... for so long; then they are gone, ... */
#define SELDOM_MS	10000	/* ... or come back */
#define RCODE		0x000f

struct portal {
	void		   (*seen)(void *arg, const struct addr *portal);
	void		    *arg;
	struct event	    *again;
	struct ask_question  question;
	struct addr	     server[SERVERS_MAX];
	unsigned	     nservers;
	struct ask	    *ask[SERVERS_MAX];
	struct addr	     now, found;	/* none: there is no portal */
	uint64_t	     since;
	bool		     spoken;		/* has a resolver answered? */
};

/* The address that a name has which cannot be: FOUND. */
static enum record_status
portal_read(void *arg, const uint8_t *msg, size_t len)
{
	struct portal	 *p = arg;
	struct rr_message m;
	struct rr	  rr;
	const uint8_t	 *bytes;
	unsigned	  i;

	if (rr_begin(&m, msg, len) == -1)
		return RECORD_FAILED;
	for (i = 0; (m.flags & RCODE) == 0 && i < m.nanswers; i++) {
		if (rr_next(&m.answers, msg, len, &rr) == -1)
			return RECORD_FAILED;
		if (rr.type != RR_TYPE_A ||
		    (bytes = cursor_take(&rr.data, 4)) == NULL)
			continue;
		p->found = addr_from_bytes(AF_INET, bytes);
		return RECORD_FOUND;
	}
	return RECORD_NONE;
}

static void
portal_stop(struct portal *p)
{
	unsigned i;

	for (i = 0; i < SERVERS_MAX; i++) {
		ask_free(p->ask[i]);
		p->ask[i] = NULL;
	}
	event_del(p->again);
}

static void
portal_arm(struct portal *p)
{
	watch_after(p->again, clock_now() < p->since + PATIENCE_MS ? AGAIN_MS :
	    SELDOM_MS);
}

/* All have answered, or none will. */
static void
portal_conclude(struct portal *p)
{
	struct addr before = p->now;

	/* Silence says nothing: a portal may be starting, or just gone. */
	if (p->spoken)
		p->now = p->found;
	if (addr_is_set(&p->now)) {
		if (!addr_is_set(&before))
			p->since = clock_now();
		portal_arm(p);
	}
	if (!addr_equal(&before, &p->now))
		p->seen(p->arg, &p->now);
}

static void
portal_answered(void *arg, unsigned tag, const struct record_answer *a)
{
	struct portal *p = arg;
	unsigned       i;

	ask_free(p->ask[tag]);
	p->ask[tag] = NULL;
	p->spoken |= a->status == RECORD_FOUND || a->status == RECORD_NONE;
	for (i = 0; i < p->nservers; i++) {
		if (p->ask[i] != NULL)
			return;
	}
	portal_conclude(p);
}

static void
portal_ask(struct portal *p)
{
	unsigned i;
	uint64_t name;

	portal_stop(p);
	p->spoken = false;
	p->found = (struct addr){ 0 };
	random_bytes(&name, sizeof(name));
	snprintf(p->question.name, sizeof(p->question.name), "%016llx.invalid",
	    (unsigned long long)name);
	for (i = 0; i < p->nservers; i++)
		p->ask[i] = ask_new(&p->question, &p->server[i],
		    portal_answered, p, i);
}

static void
portal_again(void *arg)
{
	portal_ask(arg);
}

void
portal_look(struct portal *p, const struct dns_config *c)
{
	p->nservers = c->nservers < SERVERS_MAX ? (unsigned)c->nservers :
	    SERVERS_MAX;
	memcpy(p->server, c->servers, p->nservers * sizeof(*c->servers));
	portal_ask(p);
}

struct portal *
portal_new(struct event_base *base,
    void (*seen)(void *arg, const struct addr *portal), void *arg)
{
	struct portal *p = xcalloc(1, sizeof(*p));

	p->seen = seen;
	p->arg = arg;
	p->again = watch_timer(base, portal_again, p);
	p->question = (struct ask_question){ .base = base, .type = RR_TYPE_A,
		.timeout = TRY_MS, .tries = TRIES, .read = portal_read,
		.read_arg = p };
	return p;
}

void
portal_free(struct portal *p)
{
	if (p == NULL)
		return;
	portal_stop(p);
	watch_end(p->again);
	free(p);
}
