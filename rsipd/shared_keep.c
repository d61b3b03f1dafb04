/* shared_keep.c - what the gateway asks of the store that gateways share: records to keep and to forget, and what may be granted */
#include "config.h"

#ifdef HAVE_HIREDIS
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "rsipd/shared_internal.h"

#define AHEAD_MAX	3600000		/* an end is promised to the
					 * store so much beyond */
#define FORGET_AFTER	60000		/* milliseconds that records
					 * outlive their end there */

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
	if (len != 0 && shared_add_change(s, 'C', &s->config.na, key,
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
	if (len == 0 || shared_add_change(s, 'G', &g.local, key,
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
op_forget(void *arg, const struct lease_client *c, struct lease_binding *b,
    bool asked)
{
	struct shared *s = arg;
	struct grant   g;
	char	       key[SHARED_KEY_MAX];
	uint8_t	       rest[STORE_KEY_MAX];
	size_t	       len;

	if (b == NULL) {
		snprintf(key, sizeof(key), "c:%08" PRIx32, c->client_id);
		(void)shared_add_change(s, asked ? 'd' : 'D', &s->config.na,
		    key, 0, "", 0);
	} else {
		grant_of(b, &g);
		snprintf(key, sizeof(key), "g:%08" PRIx32 ":%08" PRIx32,
		    c->client_id, b->bind_id);
		store_rest_key(rest, 0);
		s->record[0] = rest[SHARED_REST_VERSION];
		len = store_rest_encode(s->record + 1, &c->host, &g);
		(void)shared_add_change(s, asked ? 'f' : 'F', &g.local, key,
		    s->config.rest, s->record, len == 0 ? 0 : 1 + len);
	}
	return s->ready ? 1 : 0;
}

static int
op_commit(void *arg)
{
	struct shared	    *s = arg;
	struct shared_batch *b, *last = NULL;

	if (s->open != NULL && s->open->changes > 0)
		return shared_send_open(s, 1);
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

const struct grant_store shared_grant_ops = { op_keep, op_forget, op_commit,
	op_may_grant, op_latest, NULL };
#endif
