/* shared.c - leases in a store that gateways share: grants under epochs, answers after the store's, who serves */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
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

#include "rsipd/shared_lua.h"

#define TICK_MS		100
#define LOG_LENGTH	"4096"	/* entries that the store keeps, about */
#define UNDERWAY	2		/* batches; what comes
					 * meanwhile goes together */
#define OWED_MAX	256		/* batches of what ended while
					 * the store was away */
#define AHEAD_MAX	3600000		/* an end is promised to the
					 * store so much beyond */
#define FORGET_AFTER	60000		/* milliseconds that records
					 * outlive their end there */
#define CLOSE_MS	300
#define TOKEN_MAX	64	/* an address, or an epoch
				 * and whose it is */

static const char *const scripts[] = {
	[SHARED_BEGIN] = shared_lua_begin, [SHARED_PAGE] = shared_lua_page,
	[SHARED_RENEW] = shared_lua_renew,
	[SHARED_TAKE] = shared_lua_take, [SHARED_WRITE] = shared_lua_write,
};

static void ask_epochs(struct shared *s);
static int send_batch(struct shared *s, struct shared_batch *b,
	    unsigned waiting);

/* --- scripts -------------------------------------------------------------- */

void
shared_load_script(struct shared *s, struct resp *r, enum shared_script which,
    resp_fn fn)
{
	resp_ask(r, fn, s, "SCRIPT", "LOAD", scripts[which], NULL);
}

bool
shared_script_loaded(struct shared *s, struct resp *r, enum shared_script which,
    const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_STRING || reply->len != 40) {
		resp_drop(r, reply->type == REDIS_REPLY_ERROR ? reply->str :
		    "it takes no scripts");
		return false;
	}
	memcpy(s->sha[which], reply->str, 41);
	return true;
}

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
		log_info("shared store: %s, where it was %s",
		    shared_state_text(state),
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

#define CALL_HEAD	6

/* How the call of a script begins that changes the store; returns CALL_HEAD. */
static size_t
call_begin(const struct shared *s, enum shared_script which, const char **argv)
{
	const char *const head[CALL_HEAD] = { "EVALSHA", s->sha[which], "0",
		s->prefix, s->token, LOG_LENGTH };

	memcpy(argv, head, sizeof(head));
	return CALL_HEAD;
}

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
	const char *argv[CALL_HEAD + FENCE_ADDRS_MAX];
	char	    text[FENCE_ADDRS_MAX][ADDR_TEXT_MAX];
	size_t	    len[CALL_HEAD + FENCE_ADDRS_MAX], i;
	uint64_t    next, now = clock_now();
	int	    argc = 0;

	if (!s->ready || s->phase != SHARED_LOG || !s->known || s->newer ||
	    s->asking)
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
	argc = (int)call_begin(s, SHARED_TAKE, argv);
	for (i = 0; i < s->nasked; i++)
		argv[argc++] = addr_text(&s->asked[i], text[i],
		    sizeof(text[i]));
	for (i = 0; i < (size_t)argc; i++)
		len[i] = strlen(argv[i]);
	s->asking = resp_send(s->writer, on_taken, s, argc, argv, len) == 0;
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

/* --- batches -------------------------------------------------------------- */

static struct shared_batch *
open_batch(struct shared *s)
{
	if (s->open == NULL)
		s->open = calloc(1, sizeof(*s->open));
	return s->open;
}

/* Not known to be done. */
static void
owe_batch(struct shared *s, struct shared_batch *b)
{
	shared_batch_strip(b);
	if (b->changes == 0 || s->nowed == OWED_MAX) {
		shared_batch_free(b);
		return;
	}
	STAILQ_INSERT_TAIL(&s->owed, b, entry);
	s->nowed++;
}

static void
send_again(struct shared *s, struct shared_batch *b)
{
	shared_batch_strip(b);
	if (b->changes == 0)
		shared_batch_free(b);
	else if (send_batch(s, b, 0) == -1)
		owe_batch(s, b);
}

static void
batch_answered(struct shared *s, bool answered)
{
	struct shared_batch *b = STAILQ_FIRST(&s->underway);
	bool		     good = b->good;
	unsigned	     waiting = b->waiting;
	bool		     waited = waiting > 0;

	STAILQ_REMOVE_HEAD(&s->underway, entry);
	s->nunderway--;
	s->counts.writes++;
	s->counts.failures += !good;
	/* What was told of registrations is not known to be there. */
	s->life += !good;
	/* Only what it was that is known to be
	 * taken back there is sure again. */
	if (!answered) {
		s->unsure = s->unsure || b->grants;
		owe_batch(s, b);
		return;		/* gateway_lost() tells of all at once */
	}
	if (good)
		shared_batch_free(b);
	else	/* what ended beside what was refused has ended all the same */
		send_again(s, b);
	/* A part fails with the last one, whose answers promise all of it. */
	s->part_failed = s->part_failed || !good;
	for (; waiting > 0; waiting--)
		gateway_written(s->gateway, clock_now(), !s->part_failed);
	if (waited)
		s->part_failed = false;
	if (s->open != NULL && s->open->changes > 0)
		event_active(s->batch, EV_TIMEOUT, 0);
}

/*
 * Another gateway had taken it before.  What ended here in between goes on
 * there: it is to be read again before anything is granted once more.
 */
static void
lose(struct shared *s, const struct addr *a)
{
	log_warn("%s: another gateway has taken it: nothing is granted from it "
	    "here", ADDR_TEXT(a));
	fence_refused(&s->fence, a, clock_now());
	s->unsure = true;
}

static void
on_written(void *arg, const redisReply *reply)
{
	struct shared_batch *b = arg;
	struct shared	    *s = b->owner;
	struct addr	     a;
	size_t		     i;

	if (reply != NULL && reply->type == REDIS_REPLY_ARRAY &&
	    reply->elements > 0) {
		b->good = reply->element[0]->integer != 0;
		s->counts.refused += !b->good;
		for (i = 1; i < reply->elements; i++) {
			if (reply->element[i]->str != NULL &&
			    addr_parse(&a, reply->element[i]->str) == 0)
				lose(s, &a);
		}
	} else if (reply != NULL) {
		log_warn("shared store: %s", reply->str != NULL ? reply->str :
		    "no answer to a batch");
	}
	if (s->config.replicas == 0)
		batch_answered(s, reply != NULL);
	if (reply != NULL)
		shared_update(s);
}

/* Has it reached as many replicas as it must? */
static void
on_replicated(void *arg, const redisReply *reply)
{
	struct shared_batch *b = arg;
	struct shared	    *s = b->owner;

	if (reply != NULL && (reply->type != REDIS_REPLY_INTEGER ||
	    reply->integer < s->config.replicas))
		b->good = false;
	batch_answered(s, reply != NULL);
}

static int
send_batch(struct shared *s, struct shared_batch *b, unsigned waiting)
{
	size_t	     n = 0, i, tokens = 0, argc, *len;
	const char **argv;
	char	   (*token)[2][TOKEN_MAX], count[24], text[24];
	uint64_t     epoch;
	int	     rc = -1;

	argv = calloc(CALL_HEAD + 2 + 2 * s->fence.n + b->nwords,
	    sizeof(*argv));
	len = calloc(CALL_HEAD + 2 + 2 * s->fence.n + b->nwords, sizeof(*len));
	token = calloc(s->fence.n + 1, sizeof(*token));
	if (argv == NULL || len == NULL || token == NULL)
		goto out;
	n = call_begin(s, SHARED_WRITE, argv);
	argv[n++] = addr_text(&s->config.na, token[s->fence.n][0], TOKEN_MAX);
	argv[n++] = count;
	for (i = 0; i < s->fence.n; i++) {
		epoch = fence_epoch(&s->fence, &s->fence.list[i].addr);
		if (epoch == 0)
			continue;
		snprintf(token[i][1], TOKEN_MAX, "%" PRIu64 ":%s", epoch,
		    s->token);
		argv[n++] = addr_text(&s->fence.list[i].addr, token[i][0],
		    TOKEN_MAX);
		argv[n++] = token[i][1];
		tokens++;
	}
	snprintf(count, sizeof(count), "%zu", tokens);
	for (i = 0; i < n; i++)
		len[i] = strlen(argv[i]);
	argc = n + b->nwords;
	shared_batch_words(b, argv + n, len + n);
	b->owner = s;
	b->waiting = waiting;
	b->good = false;
	rc = resp_send(s->writer, on_written, b, (int)argc, argv, len);
	if (rc == 0) {
		STAILQ_INSERT_TAIL(&s->underway, b, entry);
		s->nunderway++;
	}
	if (rc == 0 && s->config.replicas > 0) {
		snprintf(count, sizeof(count), "%u", s->config.replicas);
		snprintf(text, sizeof(text), "%u", s->config.store.patience /
		    2);
		if (resp_ask(s->writer, on_replicated, b, "WAIT", count, text,
		    NULL) == -1)
			resp_drop(s->writer, "out of memory");
	}
out:
	free(argv);
	free(len);
	free(token);
	return rc;
}

/* The open batch, away with it; waiting: gateway_commit()s that hear of it. */
static int
send_open(struct shared *s, unsigned waiting)
{
	struct shared_batch *b = s->open;

	s->open = NULL;
	if (b == NULL || b->changes == 0) {
		shared_batch_free(b);
		return 0;
	}
	if (s->ready && send_batch(s, b, waiting) == 0)
		return 1;
	owe_batch(s, b);
	return -1;
}

static int
add_change(struct shared *s, char kind, const struct addr *a, const char *key,
    uint64_t ms, const void *record, size_t len)
{
	if (s->open != NULL && s->open->changes == SHARED_BATCH_MAX &&
	    send_open(s, 0) == -1)
		s->part_failed = true;
	if (open_batch(s) == NULL || shared_batch_add(s->open, kind, a, key, ms,
	    record, len) == -1)
		return -1;
	if (s->ready)
		event_active(s->batch, EV_TIMEOUT, 0);
	return 0;
}

/* When all that came at once is served, and
 * the store is not busy with former ones. */
static void
on_batch(evutil_socket_t fd, short what, void *arg)
{
	struct shared *s = arg;

	(void)fd;
	(void)what;
	if (!s->ready || s->nunderway >= UNDERWAY)
		return;
	gateway_commit(s->gateway, clock_now());
	if (s->ready)
		(void)send_open(s, 0);
}

/* --- what the gateway asks ------------------------------------------------ */

static uint64_t
ms_left(uint64_t now, uint64_t at)
{
	return at > now ? at - now : 0;
}

static int
put_client(struct shared *s, uint64_t now, struct lease_client *c, bool changed)
{
	struct store_client sc;
	char		    key[SHARED_KEY_MAX];
	size_t		    len;

	if (!store_client_due(c, s->life, changed, &sc))
		return 0;
	len = store_client_encode(s->record, now, 0, &sc);
	snprintf(key, sizeof(key), "c:%08" PRIx32, c->client_id);
	if (len != 0 && add_change(s, 'C', &s->config.na, key,
	    ms_left(now, sc.expires) + s->config.rest + FORGET_AFTER, s->record,
	    len) == 0)
		return 0;
	c->kept.life = 0;
	return -1;
}

/*
 * The end is written ahead: while the store is away the host can be promised no
 * more than that, and who takes over counts with it.  It is told as time left,
 * from when it is read: no gateway's clock is compared with another's.
 */
static int
put_grant(struct shared *s, uint64_t now, struct lease_binding *b)
{
	uint64_t     ahead = ms_left(now, b->timer.at);
	struct grant g;
	char	     key[SHARED_KEY_MAX];
	size_t	     len;

	grant_of(b, &g);
	g.expires += ahead < AHEAD_MAX ? ahead : AHEAD_MAX;
	len = store_grant_encode(s->record, now, 0, &g);
	snprintf(key, sizeof(key), "g:%08" PRIx32 ":%08" PRIx32,
	    b->client->client_id, b->bind_id);
	if (len == 0 ||
	    add_change(s, 'G', &g.local, key,
	    ms_left(now, g.expires) + s->config.rest + FORGET_AFTER, s->record,
	    len) == -1)
		return -1;
	b->kept = g.expires;
	return 0;
}

static int
op_keep(void *arg, struct lease_client *c, struct lease_binding *b)
{
	struct shared *s = arg;
	uint64_t       now = clock_now();

	if (!s->ready)
		return b != NULL && b->timer.at <= b->kept ? 0 : -1;
	if (put_client(s, now, c, b == NULL) == -1 ||
	    (b != NULL && put_grant(s, now, b) == -1))
		return -1;
	return 1;
}

static int
op_forget(void *arg, const struct lease_client *c, struct lease_binding *b)
{
	struct shared *s = arg;
	struct grant   g;
	const char    *text = ADDR_TEXT(&c->host);
	char	       key[SHARED_KEY_MAX];

	if (b == NULL) {
		snprintf(key, sizeof(key), "c:%08" PRIx32, c->client_id);
		(void)add_change(s, 'D', &s->config.na, key, 0, "", 0);
	} else {
		grant_of(b, &g);
		snprintf(key, sizeof(key), "g:%08" PRIx32 ":%08" PRIx32,
		    c->client_id, b->bind_id);
		(void)add_change(s, 'F', &g.local, key, s->config.rest, text,
		    strlen(text));
	}
	return s->ready ? 1 : 0;
}

static int
op_commit(void *arg)
{
	struct shared	    *s = arg;
	struct shared_batch *b, *last = NULL;

	if (s->open != NULL && s->open->changes > 0)
		return send_open(s, 1);
	/* All of it is on its way already. */
	STAILQ_FOREACH(b, &s->underway, entry)
		last = b;
	if (last == NULL)
		return 0;
	last->waiting++;
	return 1;
}

static bool
op_may_grant(void *arg, const struct addr *local)
{
	const struct shared *s = arg;

	return s->ready && fence_epoch(&s->fence, local) != 0 &&
	    fence_epoch(&s->fence, &s->config.na) != 0;
}

static uint64_t
op_latest(void *arg, const struct lease_binding *b)
{
	const struct shared *s = arg;

	return s->ready ? UINT64_MAX : b->kept;
}

/* --- the writer's connection ---------------------------------------------- */

static void begin_writing(struct shared *s);

/* What another has taken since. */
static void
on_renewed(void *arg, const redisReply *reply)
{
	struct shared *s = arg;
	struct addr    a;
	size_t	       i;

	if (reply == NULL)
		return;
	if (reply->type != REDIS_REPLY_ARRAY) {
		resp_drop(s->writer, reply->str != NULL ? reply->str :
		    "no renewal");
		return;
	}
	for (i = 0; i < reply->elements; i++) {
		if (reply->element[i]->str != NULL &&
		    addr_parse(&a, reply->element[i]->str) == 0)
			lose(s, &a);
	}
	begin_writing(s);
}

/*
 * A batch that the former connection carried may arrive after all, from a
 * kernel that still sends it, behind what this one brings: it was taken back.
 */
static void
renew(struct shared *s)
{
	const char *argv[6 + 2 * FENCE_ADDRS_MAX];
	char	    text[FENCE_ADDRS_MAX][2][TOKEN_MAX];
	size_t	    len[6 + 2 * FENCE_ADDRS_MAX], i;
	uint64_t    epoch;
	int	    argc = 0;

	argv[argc++] = "EVALSHA";
	argv[argc++] = s->sha[SHARED_RENEW];
	argv[argc++] = "0";
	argv[argc++] = s->prefix;
	argv[argc++] = s->token;
	argv[argc++] = s->by;
	for (i = 0; i < s->fence.n; i++) {
		epoch = fence_took(&s->fence, &s->fence.list[i].addr);
		if (epoch == 0)
			continue;
		snprintf(text[i][1], TOKEN_MAX, "%" PRIu64, epoch);
		argv[argc++] = addr_text(&s->fence.list[i].addr, text[i][0],
		    TOKEN_MAX);
		argv[argc++] = text[i][1];
	}
	for (i = 0; i < (size_t)argc; i++)
		len[i] = strlen(argv[i]);
	if (resp_send(s->writer, on_renewed, s, argc, argv, len) == -1)
		resp_drop(s->writer, "out of memory");
}

static void
on_renew_script(void *arg, const redisReply *reply)
{
	struct shared *s = arg;

	if (reply != NULL)
		shared_script_loaded(s, s->writer, SHARED_RENEW, reply);
}

static void
on_take_script(void *arg, const redisReply *reply)
{
	struct shared *s = arg;

	if (reply != NULL)
		shared_script_loaded(s, s->writer, SHARED_TAKE, reply);
}

static void
on_write_script(void *arg, const redisReply *reply)
{
	struct shared *s = arg;

	if (reply != NULL &&
	    shared_script_loaded(s, s->writer, SHARED_WRITE, reply))
		renew(s);
}

static void
begin_writing(struct shared *s)
{
	struct shared_batch *b;

	s->ready = true;
	while (s->ready && (b = STAILQ_FIRST(&s->owed)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->owed, entry);
		s->nowed--;
		if (send_batch(s, b, 0) == -1)
			owe_batch(s, b);
	}
	if (s->ready)
		(void)send_open(s, 0);
	shared_update(s);
}

static void
on_up(void *arg)
{
	struct shared *s = arg;

	snprintf(s->token, sizeof(s->token), "%s.%x", s->by,
	    ++s->connections);
	shared_load_script(s, s->writer, SHARED_RENEW, on_renew_script);
	shared_load_script(s, s->writer, SHARED_TAKE, on_take_script);
	shared_load_script(s, s->writer, SHARED_WRITE, on_write_script);
}

static void
on_down(void *arg)
{
	struct shared *s = arg;

	s->ready = false;
	s->part_failed = false;
	s->life++;
	fence_unanswered(&s->fence);
	/* What it promised in between is taken back. */
	gateway_commit(s->gateway, clock_now());
	gateway_lost(s->gateway, clock_now());
	shared_update(s);
}

static const struct resp_ops writer_ops = { on_up, on_down };

/* --- its life ------------------------------------------------------------- */

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	shared_update(arg);
}

struct shared *
shared_open(struct event_base *base, const struct shared_config *c,
    struct gateway *g, shared_serving serving, void *arg)
{
	static const struct timeval tick = { 0, TICK_MS * 1000 };
	struct shared		   *s = xcalloc(1, sizeof(*s));
	uint64_t		    by;

	s->base = base;
	s->config = *c;
	s->gateway = g;
	s->serving_fn = serving;
	s->arg = arg;
	s->life = 1;
	s->ops = (struct grant_store){ op_keep, op_forget, op_commit,
		op_may_grant, op_latest, s };
	STAILQ_INIT(&s->underway);
	STAILQ_INIT(&s->owed);
	fence_init(&s->fence);
	fence_add(&s->fence, &c->na);
	random_bytes(&by, sizeof(by));
	snprintf(s->by, sizeof(s->by), "%016" PRIx64, by);
	snprintf(s->prefix, sizeof(s->prefix), "%s:", c->name);
	s->tick = event_new(base, -1, EV_PERSIST, on_tick, s);
	s->batch = evtimer_new(base, on_batch, s);
	s->writer = resp_new(base, "shared store", &s->config.store,
	    &writer_ops, s);
	s->reader = resp_new(base, "shared store's log", &s->config.store,
	    &shared_reader_ops, s);
	if (s->tick == NULL || s->batch == NULL || s->writer == NULL ||
	    s->reader == NULL || event_add(s->tick, &tick) == -1) {
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
		(void)send_open(s, 0);
		event_base_loop(s->base, EVLOOP_ONCE);
	}
	resp_free(s->writer);
	resp_free(s->reader);
	if (s->tick != NULL)
		event_free(s->tick);
	if (s->batch != NULL)
		event_free(s->batch);
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
