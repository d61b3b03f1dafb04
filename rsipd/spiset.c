/* spiset.c - which SPIs of which address are leased or at rest */
#include "config.h"

#include <stdlib.h>

#include "base/util.h"
#include "nat/binding.h"
#include "rsipd/spiset.h"

#define SLOTS_MIN	256
#define QUEUE_MIN	64	/* a power of two */

#define LEASED		0x80000000u
#define RANKS		0x3fffffffu

/* A million of these may be there: what both states need lies in one word. */
struct spi_slot {
	uint32_t spi;
	uint32_t is;		/* 0: empty; LEASED and the address; or
				 * at rest where in the queue, as rank() */
};

/* Longest freed first.  One that its host took again stays here until its turn
 * comes, and is then passed over: no slot at rest names its place. */
struct spi_freed {
	uint32_t	  spi, since;	/* seconds */
	uint16_t	  address;
	struct demux_addr host;	/* whose it was */
};

struct spiset {
	struct spi_slot	 *slot;		/* open addressing, no
					 * gaps in a chain */
	size_t		  nslots;	/* no power of two: half of
					 * those would lie idle */
	size_t		  leased, resting, max;
	struct spi_freed *queue;
	size_t		  qmask, head, tail;	/* ever rising; head:
						 * next to wake */
	uint64_t	  seed;
};

struct spiset *
spiset_new(size_t max)
{
	struct spiset *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->slot = calloc(SLOTS_MIN, sizeof(*s->slot));
	s->queue = calloc(QUEUE_MIN, sizeof(*s->queue));
	if (s->slot == NULL || s->queue == NULL) {
		spiset_free(s);
		return NULL;
	}
	s->nslots = SLOTS_MIN;
	s->qmask = QUEUE_MIN - 1;
	s->max = max;
	random_bytes(&s->seed, sizeof(s->seed));
	return s;
}

void
spiset_free(struct spiset *s)
{
	if (s == NULL)
		return;
	free(s->slot);
	free(s->queue);
	free(s);
}

/* Hosts may suggest SPIs: the seed keeps them from choosing where they fall. */
static size_t
slot_home(const struct spiset *s, uint16_t address, uint32_t spi)
{
	uint64_t h = ((uint64_t)address << 32 | spi) ^ s->seed;

	h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
	h ^= h >> 33;
	/* The hash as a fraction of the whole. */
	return (size_t)((h >> 32) * s->nslots >> 32);
}

static size_t
slot_next(const struct spiset *s, size_t i)
{
	return i + 1 == s->nslots ? 0 : i + 1;
}

static size_t
slots_between(const struct spiset *s, size_t from, size_t to)
{
	return to >= from ? to - from : to + s->nslots - from;
}

/* A place of the queue as a slot's word has it, which is never 0; the queue is
 * shorter than this counts. */
static uint32_t
rank(size_t at)
{
	return (uint32_t)(at & RANKS) + 1;
}

static bool
is_resting(const struct spi_slot *slot)
{
	return slot->is != 0 && !(slot->is & LEASED);
}

/* What the queue has of a slot at rest. */
static struct spi_freed *
slot_freed(const struct spiset *s, const struct spi_slot *slot)
{
	size_t behind = (slot->is - rank(s->head)) & RANKS;

	return &s->queue[(s->head + behind) & s->qmask];
}

static uint16_t
slot_address(const struct spiset *s, const struct spi_slot *slot)
{
	return slot->is & LEASED ? (uint16_t)slot->is :
	    slot_freed(s, slot)->address;
}

/* Where it is, or the empty slot where it would go. */
static struct spi_slot *
slot_find(const struct spiset *s, uint16_t address, uint32_t spi)
{
	size_t i = slot_home(s, address, spi);

	while (s->slot[i].is != 0 && (s->slot[i].spi != spi ||
	    slot_address(s, &s->slot[i]) != address))
		i = slot_next(s, i);
	return &s->slot[i];
}

/* Empties a slot and moves back those that it had pushed on. */
static void
slot_erase(struct spiset *s, struct spi_slot *slot)
{
	size_t hole = (size_t)(slot - s->slot), i = hole, home;

	for (;;) {
		i = slot_next(s, i);
		if (s->slot[i].is == 0)
			break;
		home = slot_home(s, slot_address(s, &s->slot[i]),
		    s->slot[i].spi);
		if (slots_between(s, home, i) < slots_between(s, hole, i))
			continue;
		s->slot[hole] = s->slot[i];
		hole = i;
	}
	s->slot[hole].is = 0;
}

/* Chains stay short enough at four fifths. */
static bool
grow(struct spiset *s, size_t want)
{
	struct spi_slot *old = s->slot, *slot;
	size_t		 i, n = want + want / 3 * 2, oldn = s->nslots;

	if (want <= oldn / 5 * 4)
		return true;
	if ((slot = calloc(n, sizeof(*slot))) == NULL)
		return false;
	s->slot = slot;
	s->nslots = n;
	for (i = 0; i < oldn; i++) {
		if (old[i].is != 0)
			*slot_find(s, slot_address(s, &old[i]), old[i].spi) =
			    old[i];
	}
	free(old);
	return true;
}

/* The slot that rests at a place of the queue; NULL if it is leased again. */
static struct spi_slot *
slot_at_rest(const struct spiset *s, size_t at)
{
	const struct spi_freed *f = &s->queue[at & s->qmask];
	struct spi_slot	       *slot = slot_find(s, f->address, f->spi);

	return slot->is == rank(at) ? slot : NULL;
}

/* The longest freed is forgotten, or passed over if it is leased again. */
static void
wake_first(struct spiset *s)
{
	struct spi_slot *slot = slot_at_rest(s, s->head);

	if (slot != NULL) {
		slot_erase(s, slot);
		s->resting--;
	}
	s->head++;
}

bool
spiset_reserve(struct spiset *s, size_t n)
{
	if (n > s->max - s->leased)
		return false;
	while (s->leased + s->resting + n > s->max && s->head != s->tail)
		wake_first(s);
	return grow(s, s->leased + s->resting + n);
}

bool
spiset_rests(const struct spiset *s, uint16_t address, uint32_t spi)
{
	return is_resting(slot_find(s, address, spi));
}

bool
spiset_usable(const struct spiset *s, uint16_t address, uint32_t spi,
    const struct addr *host)
{
	const struct spi_slot *slot = slot_find(s, address, spi);

	return slot->is == 0 || (is_resting(slot) && host != NULL &&
	    demux_addr_equal(slot_freed(s, slot)->host, demux_addr_of(host)));
}

void
spiset_lease(struct spiset *s, uint16_t address, uint32_t spi)
{
	struct spi_slot *slot = slot_find(s, address, spi);

	if (slot->is & LEASED)
		return;
	if (is_resting(slot))
		s->resting--;
	*slot = (struct spi_slot){ spi, LEASED | address };
	s->leased++;
}

/* Without what is leased again. */
static void
queue_close_up(struct spiset *s)
{
	struct spi_slot *slot;
	size_t		 i, n = s->head;

	for (i = s->head; i != s->tail; i++) {
		if ((slot = slot_at_rest(s, i)) == NULL)
			continue;
		slot->is = rank(n);
		s->queue[n++ & s->qmask] = s->queue[i & s->qmask];
	}
	s->tail = n;
}

static bool
queue_has_room(struct spiset *s)
{
	struct spi_freed *q;
	size_t		  i, mask = 2 * s->qmask + 1;

	/* One host's taking and freeing of the same must not fill memory, nor
	 * shorten another's rest. */
	if (s->tail - s->head >= 2 * s->max)
		queue_close_up(s);
	if (s->tail - s->head <= s->qmask)
		return true;
	if ((q = calloc(mask + 1, sizeof(*q))) == NULL)
		return false;
	for (i = s->head; i != s->tail; i++)
		q[i & mask] = s->queue[i & s->qmask];
	free(s->queue);
	s->queue = q;
	s->qmask = mask;
	return true;
}

void
spiset_rest(struct spiset *s, uint16_t address, uint32_t spi,
    const struct addr *host, uint64_t now)
{
	struct spi_slot *slot = slot_find(s, address, spi);

	if (!(slot->is & LEASED))
		return;
	s->leased--;
	if (!queue_has_room(s)) {
		slot_erase(s, slot);
		return;
	}
	slot->is = rank(s->tail);
	s->queue[s->tail++ & s->qmask] = (struct spi_freed){ spi,
		(uint32_t)(now / 1000), address,
		demux_addr_of(host) };
	s->resting++;
}

void
spiset_remove(struct spiset *s, uint16_t address, uint32_t spi)
{
	struct spi_slot *slot = slot_find(s, address, spi);

	if (slot->is == 0)
		return;
	if (slot->is & LEASED)
		s->leased--;
	else
		s->resting--;
	slot_erase(s, slot);
}

void
spiset_refresh(struct spiset *s, uint64_t now, uint64_t quarantine)
{
	while (s->head != s->tail && quarantine +
	    (uint64_t)s->queue[s->head & s->qmask].since * 1000 <= now)
		wake_first(s);
}

void
spiset_count(const struct spiset *s, size_t *unused, size_t *leased,
    size_t *resting)
{
	*unused = s->max - s->leased - s->resting;
	*leased = s->leased;
	*resting = s->resting;
}

size_t
spiset_bytes(const struct spiset *s)
{
	return sizeof(*s) + s->nslots * sizeof(*s->slot) +
	    (s->qmask + 1) * sizeof(*s->queue);
}
