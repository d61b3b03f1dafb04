/* fence.c - the addresses that this gateway may grant from: those that it holds and whose newest epoch is its own */
#include "config.h"

#include <string.h>

#include "rsipd/fence.h"

static struct fence_address *
find(const struct fence *f, const struct addr *a)
{
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (addr_equal(&f->list[i].addr, a))
			return (struct fence_address *)(uintptr_t)&f->list[i];
	}
	return NULL;
}

void
fence_init(struct fence *f)
{
	memset(f, 0, sizeof(*f));
}

int
fence_add(struct fence *f, const struct addr *a)
{
	if (find(f, a) != NULL)
		return 0;
	if (f->n == FENCE_ADDRS_MAX)
		return -1;
	f->list[f->n++] = (struct fence_address){ .addr = *a };
	return 0;
}

bool
fence_hold(struct fence *f, const struct addr *a, bool held)
{
	struct fence_address *e = find(f, a);

	if (e == NULL || held == (e->state != FENCE_ABSENT))
		return false;
	e->state = held ? FENCE_WANTED : FENCE_ABSENT;
	e->epoch = 0;
	return true;
}

size_t
fence_ask(struct fence *f, uint64_t now, struct addr *out, size_t max)
{
	struct fence_address *e;
	size_t		      n = 0;

	for (e = f->list; e < f->list + f->n && n < max; e++) {
		if (e->state != FENCE_WANTED &&
		    (e->state != FENCE_FENCED || e->again > now))
			continue;
		e->state = FENCE_ASKED;
		out[n++] = e->addr;
	}
	return n;
}

static void
fence_shut(struct fence *f, struct fence_address *e, uint64_t now)
{
	if (e->state == FENCE_OURS)
		f->lost++;
	e->state = FENCE_FENCED;
	e->epoch = 0;
	e->again = now + FENCE_REST;
}

/* What is taken and what is heard come over connections of their own. */
static void
compare_epochs(struct fence *f, struct fence_address *e, uint64_t now)
{
	if (e->state != FENCE_READING && e->state != FENCE_OURS)
		return;
	if (e->heard < e->epoch)
		return;
	if (!e->heard_own)
		fence_shut(f, e, now);
	else	/* newer: it went and came, and the
		 * second answer is on its way */
		e->state = e->heard == e->epoch ? FENCE_OURS : FENCE_READING;
}

void
fence_taken(struct fence *f, const struct addr *a, uint64_t epoch,
    uint64_t now)
{
	struct fence_address *e = find(f, a);

	/* The address went while the answer was on its way; or it
	 * came again, too. */
	if (e == NULL || (e->state != FENCE_ASKED &&
	    (e->epoch == 0 || epoch <= e->epoch)))
		return;
	e->state = FENCE_READING;
	e->epoch = epoch;
	compare_epochs(f, e, now);
}

void
fence_heard(struct fence *f, const struct addr *a, uint64_t epoch, bool own,
    uint64_t now)
{
	struct fence_address *e = find(f, a);

	if (e == NULL || epoch < e->heard)
		return;
	e->heard = epoch;
	e->heard_own = own;
	compare_epochs(f, e, now);
}

void
fence_refused(struct fence *f, const struct addr *a, uint64_t now)
{
	struct fence_address *e = find(f, a);

	if (e != NULL && (e->state == FENCE_OURS ||
	    e->state == FENCE_READING || e->state == FENCE_ASKED))
		fence_shut(f, e, now);
}

void
fence_unanswered(struct fence *f)
{
	struct fence_address *e;

	for (e = f->list; e < f->list + f->n; e++) {
		if (e->state == FENCE_ASKED ||
		    (e->state == FENCE_READING && e->heard > e->epoch))
			e->state = FENCE_WANTED;
	}
}

void
fence_reset(struct fence *f)
{
	struct fence_address *e;

	for (e = f->list; e < f->list + f->n; e++) {
		if (e->state != FENCE_ABSENT)
			e->state = FENCE_WANTED;
		e->epoch = e->heard = 0;
	}
}

enum fence_state
fence_state(const struct fence *f, const struct addr *a)
{
	const struct fence_address *e = find(f, a);

	return e == NULL ? FENCE_ABSENT : e->state;
}

uint64_t
fence_epoch(const struct fence *f, const struct addr *a)
{
	const struct fence_address *e = find(f, a);

	return e != NULL && e->state == FENCE_OURS ? e->epoch : 0;
}

uint64_t
fence_took(const struct fence *f, const struct addr *a)
{
	const struct fence_address *e = find(f, a);

	return e != NULL && (e->state == FENCE_OURS ||
	    e->state == FENCE_READING) ? e->epoch : 0;
}

void
fence_count(const struct fence *f, size_t *held, size_t *ours)
{
	const struct fence_address *e;

	*held = *ours = 0;
	for (e = f->list; e < f->list + f->n; e++) {
		*held += e->state != FENCE_ABSENT;
		*ours += e->state == FENCE_OURS;
	}
}

uint64_t
fence_next(const struct fence *f)
{
	const struct fence_address *e;
	uint64_t		    next = 0;

	for (e = f->list; e < f->list + f->n; e++) {
		if (e->state == FENCE_WANTED)
			return 1;
		if (e->state == FENCE_FENCED && (next == 0 || e->again < next))
			next = e->again;
	}
	return next;
}
