/* demux_hash.c - the demux table's hash table: readers never wait */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "nat/demux_hash.h"
#include "nat/demux_reader.h"

/* Slots to begin with: 32 KiB, enough for a home. */
#define TABLE_MIN  1024
#define LINE	   64	/* bytes of a cache line */

/* The owner of a slot whose key was removed: searches go on past it. */
static char	   gone;
#define DEMUX_GONE ((void *)&gone)

/* Both halves of the product, 128 bits, folded; 32 bit machines have no type
 * for it. */
static inline uint64_t
mix(uint64_t a, uint64_t b)
{
	uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
	uint64_t upper = ah * bl;
	uint64_t middle = (al * bl >> 32) + (uint32_t)upper + al * bh;

	return a * b ^ (ah * bh + (upper >> 32) + (middle >> 32));
}

/*
 * Where the search for a key begins.  Seeded: hosts choose cookies and ids, and
 * must not choose their place.
 */
static inline size_t
first_place(const struct demux *d, const struct demux_table *t,
    const struct demux_key *k)
{
	uint64_t h;

	h = mix(k->value ^ d->seed, 0x9e3779b97f4a7c15);
	h = mix(h ^ ((uint64_t)k->remote.v4 << 32 | k->local.v4),
	    d->seed ^ (0xd6e8feb86659fd93 + (uint64_t)k->kind));
	/* The hash as a fraction of the whole, which has fewer than 2^32
	 * places. */
	return (size_t)((h >> 32) * t->nslots >> 32);
}

static inline size_t
next_place(const struct demux_table *t, size_t i)
{
	return i + 1 == t->nslots ? 0 : i + 1;
}

static inline bool
slot_is(struct demux_slot *s, const struct demux_key *k)
{
	return atomic_load_explicit(&s->value, memory_order_relaxed) ==
	    k->value &&
	    atomic_load_explicit(&s->local, memory_order_relaxed) ==
	    k->local.v4 &&
	    atomic_load_explicit(&s->remote, memory_order_relaxed) ==
	    k->remote.v4 &&
	    atomic_load_explicit(&s->kind, memory_order_relaxed) ==
	    (uint32_t)k->kind;
}

void *
demux_find(const struct demux *d, const struct demux_key *k,
    struct demux_slot **slot)
{
	struct demux_table *t;
	struct demux_slot  *s;
	void		   *owner;
	size_t		    i;

	t = atomic_load_explicit(&d->table, memory_order_acquire);
	i = first_place(d, t, k);
	for (;;) {
		s = &t->slots[i];
		owner = atomic_load_explicit(&s->owner, memory_order_acquire);
		if (owner == NULL)
			return NULL;
		if (owner == DEMUX_GONE || !slot_is(s, k)) {
			i = next_place(t, i);
			continue;
		}
		atomic_thread_fence(memory_order_acquire);
		/* If it changed while we compared, look at the slot again. */
		if (atomic_load_explicit(&s->owner, memory_order_relaxed)
		    != owner)
			continue;
		if (slot != NULL)
			*slot = s;
		return owner;
	}
}

void
demux_ahead(const struct demux *d, const struct demux_key *k)
{
	struct demux_table *t;

	t = atomic_load_explicit(&d->table, memory_order_acquire);
	__builtin_prefetch(&t->slots[first_place(d, t, k)]);
}

struct demux_entry *
demux_find_port(const struct demux_local *l, uint16_t port)
{
	struct demux_port_page *page;

	page = atomic_load_explicit(&l->page[port >> 8], memory_order_acquire);
	if (page == NULL)
		return NULL;
	return atomic_load_explicit(&page->port[port & 255],
	    memory_order_acquire);
}

void
demux_touch(struct demux_slot *s, uint64_t now)
{
	uint32_t seconds = (uint32_t)(now / 1000);

	/* Most packets of a second find it done: the line stays shared. */
	if (atomic_load_explicit(&s->last_used, memory_order_relaxed)
	    != seconds)
		atomic_store_explicit(&s->last_used, seconds,
		    memory_order_relaxed);
}

void
demux_spend(struct demux_slot *s)
{
	atomic_store_explicit(&s->last_used, 0, memory_order_relaxed);
}

void *
demux_slot_owner(struct demux_slot *s, enum demux_kind kind)
{
	void *owner = atomic_load(&s->owner);

	return owner == DEMUX_GONE || atomic_load(&s->kind) !=
	    (uint32_t)kind ? NULL : owner;
}

uint64_t
demux_slot_idle(struct demux_slot *s, uint64_t now)
{
	uint64_t used;

	used = (uint64_t)atomic_load(&s->last_used) * 1000;
	return now > used ? now - used : 0;
}

static void
slot_put(struct demux *d, struct demux_table *t, const struct demux_key *k,
    void *owner, uint32_t last_used)
{
	struct demux_slot *s;
	void		  *old;

	for (size_t i = first_place(d, t, k);; i = next_place(t, i)) {
		s = &t->slots[i];
		old = atomic_load_explicit(&s->owner, memory_order_relaxed);
		if (old == NULL || old == DEMUX_GONE)
			break;
	}
	if (old == DEMUX_GONE)
		t->gone--;
	t->used++;
	/* Readers who still hold the former owner must see its removal
	 * first. */
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&s->value, k->value, memory_order_relaxed);
	atomic_store_explicit(&s->local, k->local.v4, memory_order_relaxed);
	atomic_store_explicit(&s->remote, k->remote.v4, memory_order_relaxed);
	atomic_store_explicit(&s->kind, (uint32_t)k->kind,
	    memory_order_relaxed);
	atomic_store_explicit(&s->last_used, last_used, memory_order_relaxed);
	atomic_store_explicit(&s->owner, owner, memory_order_release);
}

void
demux_insert(struct demux *d, const struct demux_key *k, void *owner,
    uint64_t now)
{
	slot_put(d, atomic_load(&d->table), k, owner, (uint32_t)(now / 1000));
}

void
demux_erase(struct demux *d, const struct demux_key *k)
{
	struct demux_table *t = atomic_load(&d->table);
	struct demux_slot  *s;
	size_t		    i;

	if (demux_find(d, k, &s) == NULL)
		return;
	atomic_store_explicit(&s->owner, DEMUX_GONE, memory_order_release);
	t->used--;
	t->gone++;
	/* No chain goes over a place whose follower is empty. */
	i = (size_t)(s - t->slots);
	if (atomic_load(&t->slots[next_place(t, i)].owner) != NULL)
		return;
	while (atomic_load(&t->slots[i].owner) == DEMUX_GONE) {
		atomic_store(&t->slots[i].owner, NULL);
		t->gone--;
		i = i == 0 ? t->nslots - 1 : i - 1;
	}
}

static void
table_copy(struct demux *d, struct demux_table *to, struct demux_table *from)
{
	struct demux_slot *s;
	struct demux_key   k;
	void		  *owner;

	for (size_t i = 0; i < from->nslots; i++) {
		s = &from->slots[i];
		owner = atomic_load(&s->owner);
		if (owner == NULL || owner == DEMUX_GONE)
			continue;
		k.value = atomic_load(&s->value);
		k.local.v4 = atomic_load(&s->local);
		k.remote.v4 = atomic_load(&s->remote);
		k.kind = (enum demux_kind)atomic_load(&s->kind);
		slot_put(d, to, &k, owner, atomic_load(&s->last_used));
	}
}

static_assert(sizeof(struct demux_table) <= sizeof(struct demux_slot) &&
    LINE % sizeof(struct demux_slot) == 0,
    "the head of a table has the room of one slot");

/* Of the slots more than there may be in front of and behind a line. */
#define BESIDE	(LINE / sizeof(struct demux_slot) + 1)

static size_t
table_bytes(size_t slots)
{
	return (BESIDE + slots) * sizeof(struct demux_slot);
}

static void
table_align(struct demux_table *t)
{
	uintptr_t at = (uintptr_t)(t + 1);

	t->slots = (struct demux_slot *)(void *)((uint8_t *)t + sizeof(*t) +
	    (-at % LINE));
}

int
demux_table_resize(struct demux *d, size_t want)
{
	struct demux_table *old = atomic_load(&d->table), *t;
	uint64_t	    n = want + (uint64_t)want * 2 / 3;

	if (n < TABLE_MIN)
		n = TABLE_MIN;
	if (n >= UINT32_MAX)
		return -1;
	/* Head and alignment take the place of a few; calloc() minds the
	 * product. */
	/* NOLINTNEXTLINE(clang-analyzer-unix.MallocSizeof) */
	t = calloc(BESIDE + (size_t)n, sizeof(struct demux_slot));
	if (t == NULL)
		return -1;
	t->nslots = (size_t)n;
	table_align(t);
	d->bytes += table_bytes(t->nslots);
	if (old != NULL)
		table_copy(d, t, old);
	atomic_store_explicit(&d->table, t, memory_order_release);
	if (old != NULL) {
		d->bytes -= table_bytes(old->nslots);
		demux_retire(d, old);
	}
	return 0;
}

bool
demux_table_full(const struct demux *d, unsigned percent)
{
	struct demux_table *t = atomic_load(&d->table);

	return (t->used + t->gone + 1) * 100 > t->nslots * percent;
}

int
demux_table_reserve(struct demux *d, size_t n)
{
	struct demux_table *t = atomic_load(&d->table);

	if ((t->used + t->gone + n) * 5 <= t->nslots * 4)
		return 0;
	return demux_table_resize(d, t->used + n);
}
