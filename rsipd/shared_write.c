/* shared_write.c - changes for the store that gateways share: batches sent, answered or owed, and their connection */
#include "config.h"

#ifdef HAVE_HIREDIS
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "rsipd/shared_internal.h"

#define UNDERWAY	2		/* batches; what comes
					 * meanwhile goes together */
#define OWED_MAX	256		/* batches of what ended while
					 * the store was away */
#define TOKEN_MAX	64	/* an address, or an epoch
				 * and whose it is */

static int send_batch(struct shared *s, struct shared_batch *b,
	    unsigned waiting);

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
	size_t	     room = SHARED_CALL_HEAD + 2 + 2 * s->fence.n + b->nwords;
	size_t	     n = 0, i, tokens = 0, argc, *len;
	const char **argv;
	char	   (*token)[2][TOKEN_MAX], count[24], text[24];
	uint64_t     epoch;
	int	     rc = -1;

	argv = calloc(room, sizeof(*argv));
	len = calloc(room, sizeof(*len));
	token = calloc(s->fence.n + 1, sizeof(*token));
	if (argv == NULL || len == NULL || token == NULL)
		goto out;
	n = shared_script_call(s, SHARED_WRITE, SHARED_LOG_LENGTH, argv);
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

int
shared_send_open(struct shared *s, unsigned waiting)
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

int
shared_add_change(struct shared *s, char kind, const struct addr *a,
    const char *key, uint64_t ms, const void *record, size_t len)
{
	if (s->open != NULL && s->open->changes == SHARED_BATCH_MAX &&
	    shared_send_open(s, 0) == -1)
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
void
shared_on_batch(void *arg)
{
	struct shared *s = arg;

	if (!s->ready || s->nunderway >= UNDERWAY)
		return;
	gateway_commit(s->gateway, clock_now());
	if (s->ready)
		(void)shared_send_open(s, 0);
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
	const char *argv[SHARED_CALL_HEAD + 2 * FENCE_ADDRS_MAX];
	char	    text[FENCE_ADDRS_MAX][2][TOKEN_MAX];
	uint64_t    epoch;
	size_t	    i;
	int	    argc;

	argc = (int)shared_script_call(s, SHARED_RENEW, s->by, argv);
	for (i = 0; i < s->fence.n; i++) {
		epoch = fence_took(&s->fence, &s->fence.list[i].addr);
		if (epoch == 0)
			continue;
		snprintf(text[i][1], TOKEN_MAX, "%" PRIu64, epoch);
		argv[argc++] = addr_text(&s->fence.list[i].addr, text[i][0],
		    TOKEN_MAX);
		argv[argc++] = text[i][1];
	}
	if (resp_send(s->writer, on_renewed, s, argc, argv, NULL) == -1)
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
		(void)shared_send_open(s, 0);
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

const struct resp_ops shared_writer_ops = { on_up, on_down };
#endif
