/* work.c - how much public-key work others may make us do, and who waits for it */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cursor.h"
#include "base/util.h"
#include "oe/ike1/table.h"

/*
 * A handshake costs milliseconds, an ESP packet microseconds, and both are one
 * thread's.  So work that peers cause has a budget of processor time;
 * a message that would exceed it waits, as it came, and is read again later.
 * What our own connections ask is not counted.
 */
#define WORK_SHARE	500	/* microseconds of work a millisecond: half of a processor */
#define WORK_BURST	10000	/* microseconds that may be saved up */
#define WORK_MAX	128	/* messages that wait */
#define WORK_PER_ADDRESS 16
#define WORK_PATIENCE	5000	/* milliseconds; by then the peer has sent it again */

struct ike1_waiting {
	TAILQ_ENTRY(ike1_waiting) entry;
	struct keying_path path;
	uint64_t since;
	size_t	 len;
	uint8_t	 buf[];
};

static uint64_t
thread_time(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == -1)
		return 0;
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t
work_begin(const struct ike1 *e)
{
	return e->c.spent != NULL ? e->c.spent() : thread_time();
}

void
work_end(struct ike1 *e, uint64_t begun)
{
	uint64_t us = work_begin(e) - begun;

	e->work.credit -= (int64_t)us;
	e->count.work_us += us;
}

static void
work_refill(struct ike1 *e, uint64_t now)
{
	uint64_t ms = now > e->work.at ? now - e->work.at : 0;

	e->work.at = now;
	if (ms >= WORK_BURST / WORK_SHARE && e->work.credit >= 0)
		e->work.credit = WORK_BURST;
	else
		e->work.credit += (int64_t)(ms < 1000000 ? ms : 1000000) *
		    WORK_SHARE;
	if (e->work.credit > WORK_BURST)
		e->work.credit = WORK_BURST;
}

/* When the next of those who wait may be served. */
static uint64_t
work_due(const struct ike1 *e)
{
	if (e->work.n == 0)
		return IKE1_NEVER;
	if (e->work.credit > 0)
		return e->work.at;
	return e->work.at + (uint64_t)(-e->work.credit) / WORK_SHARE + 1;
}

bool
work_ready(struct ike1 *e, uint64_t now)
{
	work_refill(e, now);
	/* Nobody passes those who wait. */
	return e->work.serving || (e->work.n == 0 && e->work.credit > 0);
}

static void
work_drop(struct ike1 *e, struct ike1_waiting *w)
{
	TAILQ_REMOVE(&e->work.waiting, w, entry);
	e->work.n--;
	free(w);
}

/* The same message of the same exchange, sent once more. */
static bool
same_message(const struct ike1_waiting *w, const struct keying_path *path,
    const uint8_t *buf)
{
	return addr_equal(&w->path.peer, &path->peer) &&
	    w->path.peer_port == path->peer_port &&
	    memcmp(w->buf, buf, ISAKMP_HEADER_LEN - 4) == 0;
}

void
work_wait(struct ike1 *e, uint64_t now, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	struct ike1_waiting *w, *of_address = NULL, *any = NULL;
	unsigned	    n = 0, all = 0;

	TAILQ_FOREACH(w, &e->work.waiting, entry) {
		if (same_message(w, path, buf))
			return;
		if (random_uniform(++all) == 0)
			any = w;
		if (addr_equal(&w->path.peer, &path->peer) && random_uniform(++n) == 0)
			of_address = w;
	}
	if ((w = calloc(1, sizeof(*w) + len)) == NULL)
		return;
	if (n >= WORK_PER_ADDRESS)
		any = of_address;
	else if (all < WORK_MAX)
		any = NULL;
	if (any != NULL) {
		e->count.work_lost++;
		work_drop(e, any);
	}
	w->path = *path;
	w->since = now;
	w->len = len;
	memcpy(w->buf, buf, len);
	TAILQ_INSERT_TAIL(&e->work.waiting, w, entry);
	e->work.n++;
	e->count.work_waited++;
	ike1_timer(e, work_due(e));
}

/* Of those whose address has the fewest waiting, the one that waited longest. */
static struct ike1_waiting *
work_next(struct ike1 *e)
{
	struct ike1_waiting *w, *other, *best = NULL;
	unsigned	    n, least = 0;

	TAILQ_FOREACH(w, &e->work.waiting, entry) {
		n = 0;
		TAILQ_FOREACH(other, &e->work.waiting, entry)
			n += addr_equal(&other->path.peer, &w->path.peer);
		if (best == NULL || n < least) {
			best = w;
			least = n;
		}
	}
	return best;
}

/* One at a time: between two of them the daemon looks after its packets. */
uint64_t
work_tick(struct ike1 *e, uint64_t now)
{
	struct ike1_waiting *w;

	work_refill(e, now);
	while (e->work.credit > 0 && (w = work_next(e)) != NULL) {
		if (now - w->since > WORK_PATIENCE) {
			e->count.work_lost++;
			work_drop(e, w);
			continue;
		}
		TAILQ_REMOVE(&e->work.waiting, w, entry);
		e->work.n--;
		e->work.serving = true;
		ike1_message(e, now, &w->path, w->buf, w->len);
		e->work.serving = false;
		free(w);
		break;
	}
	return work_due(e);
}

void
work_free(struct ike1 *e)
{
	while (!TAILQ_EMPTY(&e->work.waiting))
		work_drop(e, TAILQ_FIRST(&e->work.waiting));
}
