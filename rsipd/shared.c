/* shared.c - leases in a store that gateways share: who serves, and the epochs under which it grants */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "rsipd/shared_internal.h"

const char *
shared_state_text(enum shared_state s)
{
	static const char *const texts[] = {
		[SHARED_AWAY] = "away", [SHARED_READING] = "reading",
		[SHARED_STANDBY] = "standby", [SHARED_TAKING] = "taking over",
		[SHARED_ACTIVE] = "active", [SHARED_ALONE] = "alone",
	};

	return texts[s];
}

#ifdef HAVE_HIREDIS
#include <hiredis/hiredis.h>

#define TICK_MS		100
#define CLOSE_MS	300

static void ask_epochs(struct shared *s);

/* --- who serves ----------------------------------------------------------- */

/* Late packets of what was freed since do not
 * reach another host (doc/robustness.md). */
static bool
is_fresh(const struct shared *s, uint64_t now)
{
	return s->read_at != 0 && now - s->read_at <= s->config.rest;
}

static enum shared_state
state_of(const struct shared *s, uint64_t now)
{
	enum fence_state na = fence_state(&s->fence, &s->config.na);

	if (na == FENCE_ABSENT)
		return s->phase == SHARED_LOADING ? SHARED_READING :
		    s->phase == SHARED_LOG || is_fresh(s, now) ?
		    SHARED_STANDBY : SHARED_AWAY;
	if (na == FENCE_OURS)
		return s->ready ? SHARED_ACTIVE : SHARED_ALONE;
	if (s->ready)
		return s->phase == SHARED_LOADING ? SHARED_READING :
		    SHARED_TAKING;
	return is_fresh(s, now) ? SHARED_ALONE : SHARED_AWAY;
}

/* The store has forgotten: it gets all that is here once more. */
static bool
put_again(void *arg, struct lease_client *c)
{
	struct shared	     *s = arg;
	struct lease_binding *b;

	if (LIST_EMPTY(&c->bindings))
		s->ops.keep(s, c, NULL);
	LIST_FOREACH(b, &c->bindings, entry)
		s->ops.keep(s, c, b);
	return true;
}

void
shared_update(struct shared *s)
{
	uint64_t	  now = clock_now();
	enum shared_state state = state_of(s, now);
	bool		  serving = state == SHARED_ACTIVE ||
		state == SHARED_ALONE;

	if (state != s->counts.state)
		log_info("shared store%s%s: %s, where it was %s",
		    s->config.all.n > 1 ? " of " : "", s->config.all.n > 1 ?
		    ADDR_TEXT(&s->config.na) : "", shared_state_text(state),
		    shared_state_text(s->counts.state));
	s->counts.state = state;
	/* What is known is too old to forward by, or was never known whole. */
	if (state == SHARED_AWAY && s->holds) {
		log_warn("the shared store has been away for too long: what "
		    "was known of it is dropped");
		s->read_at = 0;
		s->holds = false;
		shared_reload(s);
		/* Nor is anything ours before all of it is read anew. */
		fence_reset(&s->fence);
		gateway_follow_mark(s->gateway);
		gateway_follow_sweep(s->gateway, now);
	}
	s->clean = s->clean && !serving;
	if (serving != s->serving) {
		s->serving = serving;
		gateway_set_passive(s->gateway, now, !serving);
		s->serving_fn(s->arg, serving);
	}
	if (state == SHARED_ACTIVE && s->republish) {
		s->republish = false;
		s->life++;
		leases_each(gateway_leases(s->gateway), put_again, s);
	}
	ask_epochs(s);
}

/* --- epochs --------------------------------------------------------------- */

static void
on_taken(void *arg, const redisReply *reply)
{
	struct shared *s = arg;
	size_t	       i;

	s->asking = false;
	if (reply == NULL)
		return;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != s->nasked) {
		resp_drop(s->writer, reply->type == REDIS_REPLY_ERROR ?
		    reply->str : "no epochs");
		return;
	}
	for (i = 0; i < s->nasked; i++) {
		if (reply->element[i]->str != NULL)
			fence_taken(&s->fence, &s->asked[i], strtoull(
			    reply->element[i]->str, NULL, 10), clock_now());
	}
	shared_update(s);
}

/* What is not known whole is not asked for. */
static void
ask_epochs(struct shared *s)
{
	const char *argv[SHARED_CALL_HEAD + FENCE_ADDRS_MAX];
	char	    text[FENCE_ADDRS_MAX][ADDR_TEXT_MAX];
	size_t	    i;
	uint64_t    next, now = clock_now();
	int	    argc;

	if (!s->ready || s->phase != SHARED_LOG || !s->known || s->newer ||
	    s->foreign || s->asking)
		return;
	if (s->unsure) {
		next = fence_next(&s->fence);
		if (s->nunderway == 0 && now >= s->again &&
		    (!s->serving || (next != 0 && next <= now)))
			shared_reload(s);
		return;
	}
	s->nasked = fence_ask(&s->fence, now, s->asked,
	    FENCE_ADDRS_MAX);
	if (s->nasked == 0)
		return;
	argc = (int)shared_script_call(s, SHARED_TAKE,
	    SHARED_LOG_LENGTH, argv);
	for (i = 0; i < s->nasked; i++)
		argv[argc++] = addr_text(&s->asked[i], text[i],
		    sizeof(text[i]));
	s->asking = resp_send(s->writer, on_taken, s, argc, argv, NULL) == 0;
	if (!s->asking)
		fence_unanswered(&s->fence);
}

void
shared_hold(struct shared *s, const struct addr *a, bool held)
{
	if (fence_add(&s->fence, a) == -1)
		return;
	if (fence_hold(&s->fence, a, held))
		log_info("%s is %s", ADDR_TEXT(a), held ? "here" :
		    "not here any more");
	shared_update(s);
}

/* --- its life ------------------------------------------------------------- */

static void
on_tick(void *arg)
{
	shared_update(arg);
}

struct shared *
shared_open(struct event_base *base, const struct shared_config *c,
    struct gateway *g, shared_serving serving, void *arg)
{
	struct shared *s = xcalloc(1, sizeof(*s));
	uint64_t       by;

	s->base = base;
	s->config = *c;
	s->gateway = g;
	s->serving_fn = serving;
	s->arg = arg;
	s->life = 1;
	s->ops = shared_grant_ops;
	s->ops.arg = s;
	STAILQ_INIT(&s->underway);
	STAILQ_INIT(&s->owed);
	fence_init(&s->fence);
	fence_add(&s->fence, &c->na);
	random_bytes(&by, sizeof(by));
	snprintf(s->by, sizeof(s->by), "%016" PRIx64, by);
	snprintf(s->prefix, sizeof(s->prefix), "%s:", c->name);
	s->tick = watch_ticks(base, on_tick, s);
	s->batch = watch_timer(base, shared_on_batch, s);
	s->look = watch_timer(base, shared_on_look, s);
	watch_after(s->tick, TICK_MS);
	s->writer = resp_new(base, "shared store", &s->config.store,
	    &shared_writer_ops, s);
	s->reader = resp_new(base, "shared store's log", &s->config.store,
	    &shared_reader_ops, s);
	if (s->writer == NULL || s->reader == NULL) {
		log_error("out of memory");
		shared_close(s);
		return NULL;
	}
	gateway_set_passive(g, clock_now(), true);
	gateway_set_store(g, clock_now(), &s->ops);
	return s;
}

static void
free_batches(struct shared_batches *list)
{
	struct shared_batch *b;

	while ((b = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, entry);
		shared_batch_free(b);
	}
}

void
shared_close(struct shared *s)
{
	uint64_t end = clock_now() + CLOSE_MS;

	if (s == NULL)
		return;
	while (s->ready && (s->nunderway > 0 ||
	    (s->open != NULL && s->open->changes > 0)) && clock_now() < end) {
		gateway_commit(s->gateway, clock_now());
		(void)shared_send_open(s, 0);
		event_base_loop(s->base, EVLOOP_ONCE);
	}
	resp_free(s->writer);
	resp_free(s->reader);
	watch_end(s->tick);
	watch_end(s->batch);
	watch_end(s->look);
	shared_batch_free(s->open);
	free_batches(&s->underway);
	free_batches(&s->owed);
	free(s);
}

void
shared_count(const struct shared *s, struct shared_counts *out)
{
	uint64_t now = clock_now();

	*out = s->counts;
	fence_count(&s->fence, &out->held, &out->ours);
	out->epoch = fence_epoch(&s->fence, &s->config.na);
	out->log = s->seq;
	out->silent = s->read_at == 0 ? 0 : now - s->read_at;
	out->lost = s->fence.lost;
	out->underway = s->nunderway;
}
#else

struct shared *
shared_open(struct event_base *base, const struct shared_config *c,
    struct gateway *g, shared_serving serving, void *arg)
{
	(void)base;
	(void)c;
	(void)g;
	(void)serving;
	(void)arg;
	return NULL;
}

void
shared_hold(struct shared *s, const struct addr *a, bool held)
{
	(void)s;
	(void)a;
	(void)held;
}

void
shared_close(struct shared *s)
{
	(void)s;
}

void
shared_count(const struct shared *s, struct shared_counts *out)
{
	(void)s;
	memset(out, 0, sizeof(*out));
}
#endif

