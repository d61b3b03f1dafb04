/* budget.c - what strangers may cost: cookies before state, unfinished exchanges, public-key work */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cursor.h"
#include "base/util.h"
#include "oe/ike/budget.h"

/*
 * A handshake costs milliseconds, an ESP packet microseconds, and both are one
 * thread's.  So work that peers cause has a budget of processor time;
 * a message that would exceed it waits, as it came, and is read again later.
 * What our own connections ask is not counted.
 */
#define WORK_SHARE	500	/* microseconds of work a millisecond: half of a
				 * processor */
#define WORK_BURST	10000	/* microseconds that may be saved up */
#define WORK_MAX	128	/* messages that wait */
#define WORK_PER_NETWORK 16	/* addr_same_network() */
#define WORK_PATIENCE	5000	/* milliseconds; by then the peer has sent it
				 * again */
#define NAMES_LEN	24	/* of a header: SPIs, types and message id (RFC
				 * 2408 §3.1, RFC 7296 §3.1) */

void
ike_budget_init(struct ike_budget *b, const struct ike_budget_limits *limits,
    uint64_t (*spent)(void))
{
	memset(b, 0, sizeof(*b));
	b->limits = *limits;
	if (b->limits.per_port == 0)
		b->limits.per_port = 8;
	if (b->limits.per_network == 0)
		b->limits.per_network = 128;
	if (b->limits.all == 0)
		b->limits.all = 1024;
	TAILQ_INIT(&b->half);
	TAILQ_INIT(&b->waiting);
	b->spent = spent;
	random_bytes(b->cookie_key, sizeof(b->cookie_key));
}

/* --- cookies -------------------------------------------------------------- */

void
ike_cookie(const struct ike_budget *b, uint64_t epoch,
    const struct keying_path *path, const struct ike_chunk *c, size_t n,
    uint8_t out[32])
{
	uint8_t		 head[2 * sizeof(struct addr) + 2 + 2 + 8];
	uint8_t		 mac[IKE_HASH_MAX];
	struct ike_chunk all[8] = { { head, sizeof(head) } };
	struct writer	 w;
	size_t		 i;

	writer_init(&w, head, sizeof(head));
	writer_put(&w, &path->local, sizeof(path->local));
	writer_put(&w, &path->peer, sizeof(path->peer));
	writer_u16(&w, path->local_port);
	writer_u16(&w, path->peer_port);
	writer_u64(&w, epoch);
	for (i = 0; i < n && i + 1 < sizeof(all) / sizeof(all[0]); i++)
		all[i + 1] = c[i];
	if (i < n || ike_prf(IKE_SHA2_256, b->cookie_key,
	    sizeof(b->cookie_key), all, n + 1, mac) == -1)
		random_bytes(mac, 32);	/* then it fits nothing */
	memcpy(out, mac, 32);
}

/* --- unfinished exchanges ------------------------------------------------- */

enum { OF_PORT, OF_NETWORK, OF_ALL, GROUPS };

static bool
is_of(const struct ike_half *h, const struct keying_path *path, unsigned group)
{
	return group == OF_ALL || (addr_same_network(&h->addr, &path->peer) &&
	    (group == OF_NETWORK || h->port == path->peer_port));
}

/* Of n in the group, all of which showed a cookie or did not. */
static struct ike_half *
half_draw(struct ike_budget *b, const struct keying_path *path, unsigned group,
    bool shown, unsigned n)
{
	struct ike_half *h;
	unsigned	 left = random_uniform(n);

	TAILQ_FOREACH(h, &b->half, entry) {
		if (!h->works && h->shown == shown && is_of(h, path, group) &&
		    left-- == 0)
			break;
	}
	return h;
}

bool
ike_half_room(struct ike_budget *b, const struct keying_path *path,
    void **victim)
{
	const unsigned max[GROUPS] = { b->limits.per_port,
		b->limits.per_network, b->limits.all };
	struct ike_half *h;
	unsigned	 n[GROUPS] = { 0 }, may[GROUPS][2] = { { 0 } }, i;

	*victim = NULL;
	TAILQ_FOREACH(h, &b->half, entry) {
		for (i = GROUPS; i-- > 0 && is_of(h, path, i); ) {
			n[i]++;
			may[i][h->shown] += !h->works;
		}
	}
	for (i = OF_PORT; i < GROUPS; i++) {
		if (n[i] < max[i])
			continue;
		if (may[i][false] + may[i][true] == 0)
			return false;
		h = half_draw(b, path, i, may[i][false] == 0,
		    may[i][may[i][false] == 0]);
		*victim = h->owner;
		ike_half_remove(b, h);
		return true;
	}
	return true;
}

unsigned
ike_half_of(const struct ike_budget *b, const struct addr *a)
{
	const struct ike_half *h;
	unsigned	       n = 0;

	TAILQ_FOREACH(h, &b->half, entry)
		n += addr_same_network(&h->addr, a);
	return n;
}

void
ike_half_add(struct ike_budget *b, struct ike_half *h,
    const struct keying_path *path, bool shown, void *owner)
{
	h->addr = path->peer;
	h->port = path->peer_port;
	h->shown = shown;
	h->works = false;
	h->owner = owner;
	b->nhalf++;
	TAILQ_INSERT_TAIL(&b->half, h, entry);
}

void
ike_half_remove(struct ike_budget *b, struct ike_half *h)
{
	if (h->owner == NULL)
		return;
	h->owner = NULL;
	b->nhalf--;
	TAILQ_REMOVE(&b->half, h, entry);
}

/* --- public-key work ------------------------------------------------------ */

static uint64_t
thread_time(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == -1)
		return 0;
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t
ike_work_begin(const struct ike_budget *b)
{
	return b->spent != NULL ? b->spent() : thread_time();
}

void
ike_work_end(struct ike_budget *b, uint64_t begun)
{
	uint64_t us = ike_work_begin(b) - begun;

	b->credit -= (int64_t)us;
	b->work_us += us;
}

static void
work_refill(struct ike_budget *b, uint64_t now)
{
	uint64_t ms = now > b->at ? now - b->at : 0;

	b->at = now;
	if (ms >= WORK_BURST / WORK_SHARE && b->credit >= 0)
		b->credit = WORK_BURST;
	else
		b->credit += (int64_t)(ms < 1000000 ? ms : 1000000) *
		    WORK_SHARE;
	if (b->credit > WORK_BURST)
		b->credit = WORK_BURST;
}

uint64_t
ike_work_due(const struct ike_budget *b)
{
	if (b->nwaiting == 0)
		return UINT64_MAX;
	if (b->credit > 0)
		return b->at;
	return b->at + (uint64_t)(-b->credit) / WORK_SHARE + 1;
}

bool
ike_work_ready(struct ike_budget *b, uint64_t now)
{
	work_refill(b, now);
	/* Nobody passes those who wait. */
	return b->serving || (b->nwaiting == 0 && b->credit > 0);
}

static void
work_take_off(struct ike_budget *b, struct ike_waiting *w)
{
	TAILQ_REMOVE(&b->waiting, w, entry);
	b->nwaiting--;
}

static void
work_drop(struct ike_budget *b, struct ike_waiting *w)
{
	work_take_off(b, w);
	free(w);
}

/* The same message of the same exchange, sent once more. */
static bool
same_message(const struct ike_waiting *w, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	return addr_equal(&w->path.peer, &path->peer) &&
	    w->path.peer_port == path->peer_port && w->len >= NAMES_LEN &&
	    len >= NAMES_LEN && memcmp(w->buf, buf, NAMES_LEN) == 0;
}

void
ike_work_wait(struct ike_budget *b, uint64_t now,
    const struct keying_path *path, const uint8_t *buf, size_t len)
{
	struct ike_waiting *w, *of_network = NULL, *any = NULL;
	unsigned	    n = 0, all = 0;

	TAILQ_FOREACH(w, &b->waiting, entry) {
		if (same_message(w, path, buf, len))
			return;
		if (random_uniform(++all) == 0)
			any = w;
		if (addr_same_network(&w->path.peer, &path->peer) &&
		    random_uniform(++n) == 0)
			of_network = w;
	}
	if ((w = calloc(1, sizeof(*w) + len)) == NULL)
		return;
	if (n >= WORK_PER_NETWORK)
		any = of_network;
	else if (all < WORK_MAX)
		any = NULL;
	if (any != NULL) {
		b->lost++;
		work_drop(b, any);
	}
	w->path = *path;
	w->since = now;
	w->len = len;
	memcpy(w->buf, buf, len);
	TAILQ_INSERT_TAIL(&b->waiting, w, entry);
	b->nwaiting++;
	b->waited++;
}

/* Of those whose network has the fewest waiting, the one that waited
 * longest. */
static struct ike_waiting *
work_fairest(struct ike_budget *b)
{
	struct ike_waiting *w, *other, *best = NULL;
	unsigned	    n, least = 0;

	TAILQ_FOREACH(w, &b->waiting, entry) {
		n = 0;
		TAILQ_FOREACH(other, &b->waiting, entry)
			n += addr_same_network(&other->path.peer,
			    &w->path.peer);
		if (best == NULL || n < least) {
			best = w;
			least = n;
		}
	}
	return best;
}

struct ike_waiting *
ike_work_next(struct ike_budget *b, uint64_t now)
{
	struct ike_waiting *w;

	work_refill(b, now);
	while (b->credit > 0 && (w = work_fairest(b)) != NULL) {
		if (now - w->since > WORK_PATIENCE) {
			b->lost++;
			work_drop(b, w);
			continue;
		}
		work_take_off(b, w);
		b->serving = true;
		return w;
	}
	return NULL;
}

void
ike_work_served(struct ike_budget *b, struct ike_waiting *w)
{
	b->serving = false;
	free(w);
}

void
ike_budget_free(struct ike_budget *b)
{
	while (!TAILQ_EMPTY(&b->waiting))
		work_drop(b, TAILQ_FIRST(&b->waiting));
	wipe(b->cookie_key, sizeof(b->cookie_key));
}
