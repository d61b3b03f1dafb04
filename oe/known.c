/* known.c - what is remembered of peers: with whom there were keys, and who said goodbye */
#include "config.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "base/util.h"
#include "oe/core.h"
#include "oe/known.h"

#define KNOWN_SETS	1024
#define KNOWN_WAYS	8
#define DEPARTED_TIME	60000	/* a goodbye is remembered so long, milliseconds */

/* Peers with keys, of late or in DNS: a cache of fixed size. */
struct known {
	uint32_t addr;		/* 0: free */
	uint64_t used;
};

/* Keyed, as whoever chooses addresses could else fill one set. */
static struct known *
known_set(const struct core *c, uint32_t addr)
{
	uint64_t h = load_u64(c->known_key) ^ addr;

	h *= 0x9e3779b97f4a7c15u;
	h = (h ^ (h >> 29) ^ load_u64(c->known_key + 8)) * 0xbf58476d1ce4e5b9u;
	return c->known + (h >> 40) % KNOWN_SETS * KNOWN_WAYS;
}

void
known_add(struct core *c, uint32_t dst)
{
	struct known *set = known_set(c, dst), *slot = set;
	unsigned      i;

	for (i = 0; i < KNOWN_WAYS; i++) {
		if (set[i].addr == dst) {
			slot = &set[i];
			break;
		}
		if (slot->addr != 0 &&
		    (set[i].addr == 0 || set[i].used < slot->used))
			slot = &set[i];
	}
	slot->addr = dst;
	slot->used = c->now;
}

bool
known_has(const struct core *c, uint32_t dst)
{
	const struct known *set = known_set(c, dst);
	unsigned	    i;

	for (i = 0; i < KNOWN_WAYS; i++) {
		if (set[i].addr == dst)
			return true;
	}
	return false;
}

void
known_departed(struct core *c, uint32_t addr)
{
	unsigned i = c->ndeparted++ % DEPARTED_MAX;

	c->departed[i].addr = addr;
	c->departed[i].at = c->now;
}

bool
known_has_departed(const struct core *c, uint32_t addr)
{
	unsigned i;

	for (i = 0; i < DEPARTED_MAX; i++) {
		if (c->departed[i].addr == addr && c->departed[i].at != 0 &&
		    c->now - c->departed[i].at < DEPARTED_TIME)
			return true;
	}
	return false;
}

void
known_init(struct core *c)
{
	c->known = xcalloc(KNOWN_SETS * KNOWN_WAYS, sizeof(*c->known));
	random_bytes(c->known_key, sizeof(c->known_key));
}

void
known_free(struct core *c)
{
	free(c->known);
	c->known = NULL;
}
