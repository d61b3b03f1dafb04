/* keep.c - leases on disk as the daemon runs it: what came at once is written at once */
#include "config.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "rsipd/keep.h"

#define INTERVAL_SECONDS 1	/* what STORE_INTERVAL means */
#define COMMIT_SECONDS	10	/* the journal has it: a start is to be quick */

#define PENDING		1024	/* batches that are flushed */
#define HELD_MOST	4096	/* answers that wait, before we wait too */

struct keep {
	struct grant_store ops;
	struct store   *store;
	struct gateway *gateway;
	struct event   *batch;		/* is to be written */
	struct event   *turn;		/* is to be brought from the
					 * journal into the file */
	unsigned	every;		/* milliseconds */
	struct event   *flushed;	/* NULL: nothing is later */
	uint64_t	pending[PENDING];	/* numbers, from head */
	size_t		head, npending;
};

static uint64_t
wall_ms(void)
{
	return (uint64_t)clock_wall() * 1000;
}

static void
on_turn(void *arg)
{
	struct keep *k = arg;

	store_turn(k->store);
	if (store_is_due(k->store))
		watch_after(k->turn, k->every);
}

/* When all that came at once is served. */
static void
on_batch(void *arg)
{
	struct keep *k = arg;

	gateway_commit(k->gateway, clock_now());
}

/* Hosts are told of what is on the disk by now;
 * false: something will not be. */
static bool
tell_hosts(struct keep *k)
{
	bool	 failed;
	uint64_t at = store_flushed(k->store, &failed);

	if (failed) {
		k->npending = 0;
		gateway_lost(k->gateway, clock_now());
	}
	while (k->npending > 0 && k->pending[k->head] <= at) {
		k->head = (k->head + 1) % PENDING;
		k->npending--;
		gateway_written(k->gateway, clock_now(), true);
	}
	return !failed;
}

static void
on_flushed(int fd, void *arg)
{
	(void)fd;
	(void)tell_hosts(arg);
}

void
keep_settle(struct keep *k)
{
	if (k == NULL || k->npending == 0)
		return;
	store_flush_wait(k->store);
	(void)tell_hosts(k);
}

/* --- what the gateway asks ------------------------------------------------ */

static int
batch_begun(struct keep *k, int rc)
{
	if (rc == 1)
		event_active(k->batch, EV_TIMEOUT, 0);
	return rc;
}

static int
keep_put(void *arg, struct lease_client *c, struct lease_binding *b)
{
	struct keep *k = arg;

	return batch_begun(k, store_put(k->store, clock_now(), wall_ms(),
	    c, b));
}

static int
keep_forget(void *arg, const struct lease_client *c, struct lease_binding *b,
    bool asked)
{
	struct keep *k = arg;

	(void)asked;		/* nobody else has the file */
	return batch_begun(k, store_remove(k->store, wall_ms(), c, b));
}

static int
keep_commit(void *arg)
{
	struct keep *k = arg;
	int	     rc = store_commit(k->store);

	/* Answers leave in their order: what is under way comes first.
	 * Where this batch is, it is done with as well by then. */
	if (k->npending > 0 && (rc != 1 || k->npending == PENDING ||
	    gateway_held(k->gateway) >= HELD_MOST)) {
		store_flush_wait(k->store);
		if (!tell_hosts(k) || rc == -1)
			rc = -1;
		else
			rc = 0;
	}
	if (rc == 1) {
		k->pending[(k->head + k->npending) % PENDING] =
		    store_last(k->store);
		k->npending++;
	}
	if (!event_pending(k->turn, EV_TIMEOUT, NULL))
		watch_after(k->turn, k->every);
	return rc;
}

/* --- loading -------------------------------------------------------------- */

static int
restore_client(void *arg, const struct store_client *c)
{
	struct keep *k = arg;

	return gateway_restore_client(k->gateway, clock_now(), c);
}

static int
restore_grant(void *arg, uint32_t client_id, const struct grant *g)
{
	struct keep *k = arg;

	return gateway_restore_grant(k->gateway, clock_now(), client_id, g);
}

static void
restore_rest(void *arg, const struct addr *host, const struct grant *g)
{
	struct keep *k = arg;

	gateway_restore_rest(k->gateway, clock_now(), host, g);
}

int
keep_load(struct keep *k)
{
	const struct store_reader reader = { restore_client, restore_grant,
		restore_rest, k };
	struct gateway_counts	  before, counts;

	gateway_count(k->gateway, &before);
	if (store_load(k->store, clock_now(), wall_ms(), &reader) == -1)
		return -1;
	gateway_count(k->gateway, &counts);
	if (counts.registrations > before.registrations ||
	    counts.bindings > before.bindings)
		log_info("going on: %zu registration%s with %zu binding%s",
		    counts.registrations, plural(counts.registrations),
		    counts.bindings, plural(counts.bindings));
	return 0;
}

struct keep *
keep_open(struct event_base *base, const char *path, enum store_durability d,
    size_t max, uint64_t rest, struct gateway *g)
{
	struct keep *k = xcalloc(1, sizeof(*k));
	int	     fd;

	k->gateway = g;
	k->ops = (struct grant_store){ .keep = keep_put, .forget = keep_forget,
		.commit = keep_commit, .arg = k };
	k->store = store_open(path, d, max, rest);
	k->batch = watch_timer(base, on_batch, k);
	k->turn = watch_timer(base, on_turn, k);
	k->every = 1000 * (d == STORE_INTERVAL ? INTERVAL_SECONDS :
	    COMMIT_SECONDS);
	if (k->store == NULL || keep_load(k) == -1) {
		keep_close(k);
		return NULL;
	}
	if ((fd = store_flush_later(k->store)) != -1)
		k->flushed = watch_fd(base, fd, on_flushed, k);
	gateway_set_store(g, clock_now(), &k->ops);
	return k;
}

struct store *
keep_store(struct keep *k)
{
	return k == NULL ? NULL : k->store;
}

void
keep_close(struct keep *k)
{
	if (k == NULL)
		return;
	watch_end(k->flushed);
	store_close(k->store);
	watch_end(k->batch);
	watch_end(k->turn);
	free(k);
}
