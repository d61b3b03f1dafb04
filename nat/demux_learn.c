/* demux_learn.c - what the demux table learns from outbound packets, and how long it remembers */
#include <stdlib.h>

#include "nat/demux_table.h"

/* Keys one binding may have taught; the longest idle one makes room. */
#define LEARNT_PER_LEASE   256
/* Learnt keys looked at in one tick, so that a tick stays short. */
#define LEARNT_PER_TICK	   8192
/* Another host may take over a learnt key that lay idle this long (ms). */
#define TAKEOVER_IDLE	   60000

#define COOKIE_IDLE	   (24 * 3600 * 1000)	/* no phase 1 lives longer */
#define ICMP_IDLE	   (60 * 1000)		/* RFC 5508 REQ-1 */
#define PEER_SPI_IDLE	   (3600 * 1000)
#define FRAGMENT_IDLE	   (3 * 1000)		/* the rest follows at once */

static uint64_t
idle_limit(enum demux_kind kind)
{
	switch (kind) {
	case DEMUX_KIND_COOKIE:
		return COOKIE_IDLE;
	case DEMUX_KIND_ICMP:
		return ICMP_IDLE;
	case DEMUX_KIND_PEER_SPI:
		return PEER_SPI_IDLE;
	case DEMUX_KIND_FRAGMENT:
		return FRAGMENT_IDLE;
	default:
		return UINT64_MAX;
	}
}

void
demux_forget(struct demux *d, struct demux_learnt *e)
{
	demux_erase(d, &e->key);
	if (d->cursor == e)
		d->cursor = TAILQ_NEXT(e, in_all);
	TAILQ_REMOVE(&d->learnt, e, in_all);
	LIST_REMOVE(e, in_lease);
	e->lease->nlearnt--;
	d->nlearnt--;
	d->bytes -= sizeof(*e);
	free(e);
}

static struct demux_learnt *
learnt_find(struct demux_lease *l, const struct demux_key *k)
{
	struct demux_learnt *e;

	LIST_FOREACH(e, &l->learnt, in_lease)
	{
		if (e->key.value == k->value && e->key.kind == k->kind
		    && e->key.remote == k->remote && e->key.local == k->local)
			return e;
	}
	return NULL;
}

static void
learnt_make_room(struct demux *d, struct demux_lease *l)
{
	struct demux_learnt *e, *oldest = NULL;
	struct demux_slot   *s;
	uint32_t	     used, least = UINT32_MAX;

	LIST_FOREACH(e, &l->learnt, in_lease)
	{
		if (demux_find(d, &e->key, &s) == NULL)
			continue;
		used = atomic_load(&s->last_used);
		if (used <= least) {
			least = used;
			oldest = e;
		}
	}
	if (oldest == NULL)
		oldest = TAILQ_FIRST(&d->learnt);
	if (oldest != NULL)
		demux_forget(d, oldest);
}

static void
make_passed(struct demux *d, struct demux_lease *l)
{
	struct demux_passed *p;

	if (atomic_load(&l->passed) != NULL
	    || (p = calloc(1, sizeof(*p))) == NULL)
		return;
	d->bytes += sizeof(*p);
	atomic_store_explicit(&l->passed, p, memory_order_release);
}

static void
learn(struct demux *d, const struct demux_wish *w)
{
	struct demux_lease  *l = w->lease, *holder;
	struct demux_learnt *e;
	struct demux_slot   *s;

	if (l->dead)
		return;
	if (w->key.kind == DEMUX_KIND_PASSED) {
		make_passed(d, l);
		return;
	}
	holder = demux_find(d, &w->key, &s);
	if (holder == l) {
		demux_touch(s, w->now);
		return;
	}
	if (holder != NULL) {
		e = learnt_find(holder, &w->key);
		if (e == NULL)
			return;		/* leased, not learnt */
		if (holder->host != l->host
		    && demux_slot_idle(s, w->now) < TAKEOVER_IDLE)
			return;
		demux_forget(d, e);
	}
	if (l->nlearnt >= LEARNT_PER_LEASE
	    || d->nlearnt >= d->max_entries / 2)
		learnt_make_room(d, l);
	/* The packet thread does not resize: demux_tick() does so in time. */
	if (demux_table_full(d, 85))
		return;
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return;
	e->key = w->key;
	e->lease = l;
	TAILQ_INSERT_TAIL(&d->learnt, e, in_all);
	LIST_INSERT_HEAD(&l->learnt, e, in_lease);
	l->nlearnt++;
	d->nlearnt++;
	d->bytes += sizeof(*e);
	demux_insert(d, &e->key, l, w->now);
}

/*
 * The queue of wishes is bounded, many put in, the holder of the lock takes
 * out: a cell's turn says whether it is free for the one who got that place.
 */
static bool
wish_push(struct demux *d, const struct demux_wish *w)
{
	struct demux_wish_cell *c;
	size_t			place, turn;

	place = atomic_load_explicit(&d->wish_head, memory_order_relaxed);
	for (;;) {
		c = &d->wishes[place % DEMUX_WISHES];
		turn = atomic_load_explicit(&c->turn, memory_order_acquire);
		if (turn == place) {
			if (atomic_compare_exchange_weak_explicit(
				&d->wish_head, &place, place + 1,
				memory_order_relaxed, memory_order_relaxed))
				break;
		} else if ((intptr_t)(turn - place) < 0) {
			return false;	/* full: the next packet asks again */
		} else {
			place = atomic_load_explicit(
			    &d->wish_head, memory_order_relaxed);
		}
	}
	c->wish = *w;
	atomic_store_explicit(&c->turn, place + 1, memory_order_release);
	return true;
}

void
demux_drain(struct demux *d)
{
	struct demux_wish_cell *c;
	struct demux_wish	w;
	size_t			place;

	place = atomic_load_explicit(&d->wish_tail, memory_order_relaxed);
	for (;;) {
		c = &d->wishes[place % DEMUX_WISHES];
		if (atomic_load_explicit(&c->turn, memory_order_acquire)
		    != place + 1)
			break;
		w = c->wish;
		atomic_store_explicit(
		    &c->turn, place + DEMUX_WISHES, memory_order_release);
		place++;
		atomic_store_explicit(
		    &d->wish_tail, place, memory_order_relaxed);
		learn(d, &w);
	}
}

static bool
wishes_waiting(struct demux *d)
{
	size_t place;

	atomic_thread_fence(memory_order_seq_cst);
	place = atomic_load_explicit(&d->wish_tail, memory_order_relaxed);
	return atomic_load_explicit(
		   &d->wishes[place % DEMUX_WISHES].turn, memory_order_acquire)
	    == place + 1;
}

void
demux_lock(struct demux *d)
{
	pthread_mutex_lock(&d->lock);
	demux_drain(d);
}

void
demux_unlock(struct demux *d)
{
	do {
		demux_drain(d);
		pthread_mutex_unlock(&d->lock);
	} while (wishes_waiting(d) && pthread_mutex_trylock(&d->lock) == 0);
}

void
demux_learn(struct demux *d, const struct demux_key *k,
    struct demux_lease *lease, uint64_t now)
{
	struct demux_wish w = { .key = *k, .lease = lease, .now = now };

	if (wish_push(d, &w) && pthread_mutex_trylock(&d->lock) == 0)
		demux_unlock(d);
}

void
demux_expire(struct demux *d, uint64_t now)
{
	struct demux_learnt *e;
	struct demux_slot   *s;

	for (unsigned n = 0; n < LEARNT_PER_TICK; n++) {
		e = d->cursor;
		if (e == NULL)
			break;
		d->cursor = TAILQ_NEXT(e, in_all);
		if (demux_find(d, &e->key, &s) == NULL
		    || demux_slot_idle(s, now) > idle_limit(e->key.kind))
			demux_forget(d, e);
	}
	if (d->cursor == NULL)
		d->cursor = TAILQ_FIRST(&d->learnt);
}

