/* demux_learn.c - what the demux table learns from outbound packets, and how long it remembers */
#include "config.h"

#include <stdlib.h>

#include "nat/demux_hash.h"
#include "nat/demux_learn.h"

/* A test may have a thread interrupted here; nothing otherwise. */
#ifdef DEMUX_TEST
void	demux_test_wish(bool claimed);
#define DEMUX_TEST_WISH(claimed) demux_test_wish(claimed)
#else
#define DEMUX_TEST_WISH(claimed) ((void)0)
#endif

/* Learnt keys looked at in one tick, so that a tick stays short. */
#define LEARNT_PER_TICK	   8192
/* Keys that were used since are passed over when room is made, so many at
 * most. */
#define LEARNT_SPARED	   8
/* Another host may take over a learnt key that lay idle this long (ms): of a
 * query whose answer did not come, and of the rest. */
#define HELD_ICMP	   5000
#define HELD		   60000

#define COOKIE_IDLE	   (24 * 3600 * 1000)	/* no phase 1 lives longer */
#define ICMP_IDLE	   (60 * 1000)		/* RFC 5508 REQ-1 */
#define PEER_SPI_IDLE	   (3600 * 1000)
#define ANSWER_IDLE	   (7440 * 1000)	/* RFC 5382 REQ-5, for TCP */

/* Keys that one binding may have taught. */
static const unsigned budget[DEMUX_CLASSES] = {
	[DEMUX_CLASS_LASTING] = 256,
	[DEMUX_CLASS_FLEETING] = 512,
	[DEMUX_CLASS_OTHERS] = 256,
};

static enum demux_class
class_of(enum demux_kind kind)
{
	switch (kind) {
	case DEMUX_KIND_ICMP:
		return DEMUX_CLASS_FLEETING;
	case DEMUX_KIND_ANSWER:
		return DEMUX_CLASS_OTHERS;
	default:
		return DEMUX_CLASS_LASTING;
	}
}

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
	case DEMUX_KIND_ANSWER:
		return ANSWER_IDLE;
	default:
		return UINT64_MAX;
	}
}

uint64_t
demux_held(enum demux_kind kind)
{
	return kind == DEMUX_KIND_ICMP ? HELD_ICMP : HELD;
}

static void
demux_forget(struct demux *d, struct demux_learnt *learnt)
{
	struct demux_taught *t = learnt->entry->taught;
	enum demux_class     c = class_of(learnt->key.kind);

	demux_erase(d, &learnt->key);
	if (d->cursor == learnt)
		d->cursor = TAILQ_NEXT(learnt, in_all);
	TAILQ_REMOVE(&d->learnt, learnt, in_all);
	TAILQ_REMOVE(&t->list[c], learnt, in_class);
	t->n[c]--;
	d->nlearnt--;
	d->bytes -= sizeof(*learnt);
	free(learnt);
}

void
demux_forget_all(struct demux *d, struct demux_entry *e)
{
	struct demux_learnt *learnt;

	if (e->taught == NULL)
		return;
	for (unsigned c = 0; c < DEMUX_CLASSES; c++) {
		while ((learnt = TAILQ_FIRST(&e->taught->list[c])) != NULL)
			demux_forget(d, learnt);
	}
	d->bytes -= sizeof(*e->taught);
	free(e->taught);
	e->taught = NULL;
}

static struct demux_taught *
get_taught(struct demux *d, struct demux_entry *e)
{
	if (e->taught != NULL)
		return e->taught;
	e->taught = calloc(1, sizeof(*e->taught));
	if (e->taught == NULL)
		return NULL;
	for (unsigned c = 0; c < DEMUX_CLASSES; c++)
		TAILQ_INIT(&e->taught->list[c]);
	d->bytes += sizeof(*e->taught);
	return e->taught;
}

static struct demux_learnt *
learnt_find(struct demux_entry *e, const struct demux_key *k)
{
	struct demux_learnt *learnt;

	if (e->taught == NULL)
		return NULL;
	TAILQ_FOREACH(learnt, &e->taught->list[class_of(k->kind)], in_class)
	{
		if (learnt->key.value == k->value &&
		    learnt->key.kind == k->kind &&
		    demux_addr_equal(learnt->key.remote, k->remote) &&
		    demux_addr_equal(learnt->key.local, k->local))
			return learnt;
	}
	return NULL;
}

/*
 * Forgets the key that was known longest of those that were not used since room
 * was last made: few steps however many there are, since hosts decide how
 * often.
 */
static void
learnt_make_room(struct demux *d, struct demux_taught *t, enum demux_class c)
{
	struct demux_learnt *learnt;
	struct demux_slot   *s;
	uint32_t	     used;

	for (unsigned n = 0; n < LEARNT_SPARED; n++) {
		learnt = TAILQ_FIRST(&t->list[c]);
		if (learnt == NULL || c == DEMUX_CLASS_FLEETING ||
		    demux_find(d, &learnt->key, &s) == NULL)
			break;
		used = atomic_load_explicit(&s->last_used,
		    memory_order_relaxed);
		if (used <= learnt->seen)
			break;
		learnt->seen = used;
		TAILQ_REMOVE(&t->list[c], learnt, in_class);
		TAILQ_INSERT_TAIL(&t->list[c], learnt, in_class);
	}
	learnt = TAILQ_FIRST(&t->list[c]);
	if (learnt == NULL)
		learnt = TAILQ_FIRST(&d->learnt);
	if (learnt != NULL)
		demux_forget(d, learnt);
}

static void
make_passed(struct demux *d, struct demux_entry *e)
{
	struct demux_passed *p;

	if (atomic_load(&e->passed) != NULL ||
	    (p = calloc(1, sizeof(*p))) == NULL)
		return;
	d->bytes += sizeof(*p);
	atomic_store_explicit(&e->passed, p, memory_order_release);
}

static void
learn(struct demux *d, const struct demux_wish *w)
{
	struct demux_entry  *e = w->entry, *holder;
	enum demux_class     c = class_of(w->key.kind);
	struct demux_taught *t;
	struct demux_learnt *learnt;
	struct demux_slot   *s;

	if (e->dead)
		return;
	if (w->key.kind == DEMUX_KIND_PASSED) {
		make_passed(d, e);
		return;
	}
	holder = demux_find(d, &w->key, &s);
	if (holder == e) {
		demux_touch(s, w->now);
		return;
	}
	if (holder != NULL) {
		if (!demux_addr_equal(holder->host, e->host) &&
		    demux_slot_idle(s, w->now) < demux_held(w->key.kind))
			return;
		learnt = learnt_find(holder, &w->key);
		if (learnt == NULL)
			return;		/* leased, not learnt */
		demux_forget(d, learnt);
	}
	t = get_taught(d, e);
	if (t == NULL)
		return;
	if (t->n[c] >= budget[c] || d->nlearnt >= d->max_keys / 2)
		learnt_make_room(d, t, c);
	/* The packet thread does not resize: demux_tick() does so in time. */
	if (demux_table_full(d, 85))
		return;
	learnt = calloc(1, sizeof(*learnt));
	if (learnt == NULL)
		return;
	learnt->key = w->key;
	learnt->entry = e;
	learnt->seen = (uint32_t)(w->now / 1000);
	TAILQ_INSERT_TAIL(&d->learnt, learnt, in_all);
	TAILQ_INSERT_TAIL(&t->list[c], learnt, in_class);
	t->n[c]++;
	d->nlearnt++;
	d->bytes += sizeof(*learnt);
	demux_insert(d, &learnt->key, e, w->now);
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

	DEMUX_TEST_WISH(false);
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
			place = atomic_load_explicit(&d->wish_head,
			    memory_order_relaxed);
		}
	}
	DEMUX_TEST_WISH(true);
	c->wish = *w;
	atomic_store_explicit(&c->turn, place + 1, memory_order_release);
	return true;
}

bool
demux_drain(struct demux *d)
{
	struct demux_wish_cell *c;
	struct demux_wish	w;
	size_t			place, end;

	/* No further than to where it was: readers may fill it as fast. */
	end = atomic_load_explicit(&d->wish_head, memory_order_acquire);
	place = atomic_load_explicit(&d->wish_tail, memory_order_relaxed);
	while ((intptr_t)(end - place) > 0) {
		c = &d->wishes[place % DEMUX_WISHES];
		if (atomic_load_explicit(&c->turn, memory_order_acquire)
		    != place + 1)
			return false;
		w = c->wish;
		atomic_store_explicit(&c->turn, place + DEMUX_WISHES,
		    memory_order_release);
		place++;
		atomic_store_explicit(&d->wish_tail, place,
		    memory_order_relaxed);
		learn(d, &w);
	}
	return true;
}

static bool
wishes_waiting(struct demux *d)
{
	size_t place;

	atomic_thread_fence(memory_order_seq_cst);
	place = atomic_load_explicit(&d->wish_tail, memory_order_relaxed);
	return place + 1 == atomic_load_explicit(
	    &d->wishes[place % DEMUX_WISHES].turn, memory_order_acquire);
}

/*
 * Takes in wishes if nobody writes.  A mutex goes to who comes first, and a
 * reader that has just given it back is there before a writer that must wake
 * up: readers keep away while there is one.
 */
static bool
try_drain(struct demux *d)
{
	/* Either we see the writer gone or it sees our wish when it goes. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&d->writers, memory_order_relaxed) != 0 ||
	    pthread_mutex_trylock(&d->lock) != 0)
		return false;
	(void)demux_drain(d);
	pthread_mutex_unlock(&d->lock);
	return true;
}

void
demux_lock(struct demux *d)
{
	atomic_fetch_add(&d->writers, 1);
	pthread_mutex_lock(&d->lock);
	(void)demux_drain(d);
}

void
demux_unlock(struct demux *d)
{
	(void)demux_drain(d);
	atomic_fetch_sub(&d->writers, 1);
	pthread_mutex_unlock(&d->lock);
	/* Once, not until there are none: readers may wish without end. */
	if (wishes_waiting(d))
		(void)try_drain(d);
}

void
demux_learn(struct demux *d, const struct demux_key *k,
    struct demux_entry *entry, uint64_t now)
{
	struct demux_wish w = { .key = *k, .entry = entry, .now = now };

	if (!wish_push(d, &w))
		return;
	while (try_drain(d) && wishes_waiting(d))
		continue;
}

void
demux_expire(struct demux *d, uint64_t now)
{
	struct demux_learnt *learnt;
	struct demux_slot   *s;

	for (unsigned n = 0; n < LEARNT_PER_TICK; n++) {
		learnt = d->cursor;
		if (learnt == NULL)
			break;
		d->cursor = TAILQ_NEXT(learnt, in_all);
		if (demux_find(d, &learnt->key, &s) == NULL ||
		    demux_slot_idle(s, now) > idle_limit(learnt->key.kind))
			demux_forget(d, learnt);
	}
	if (d->cursor == NULL)
		d->cursor = TAILQ_FIRST(&d->learnt);
}

