/* known.c - what is remembered of peers: with whom there were keys, and who said goodbye */
#include "config.h"

#include <stdlib.h>

#include "base/util.h"
#include "oe/core.h"
#include "oe/known.h"

#define KNOWN_SETS	1024
#define KNOWN_WAYS	8
#define DEPARTED_TIME	60000	/* a goodbye is remembered so
				 * long, milliseconds */

/* Peers with keys, of late or in DNS: a cache of fixed size. */
struct known {
	struct addr addr;	/* none: free */
	uint64_t used;
};

/* addr_hash() is keyed, as whoever chooses addresses could
 * else fill one set. */
static struct known *
known_set(const struct core *c, const struct addr *addr)
{
	return c->known + addr_hash(addr) % KNOWN_SETS * KNOWN_WAYS;
}

void
known_add(struct core *c, const struct addr *dst)
{
	struct known *set = known_set(c, dst), *slot = set;
	unsigned      i;

	for (i = 0; i < KNOWN_WAYS; i++) {
		if (addr_equal(&set[i].addr, dst)) {
			slot = &set[i];
			break;
		}
		if (addr_is_set(&slot->addr) &&
		    (!addr_is_set(&set[i].addr) || set[i].used < slot->used))
			slot = &set[i];
	}
	slot->addr = *dst;
	slot->used = c->now;
}

bool
known_has(const struct core *c, const struct addr *dst)
{
	const struct known *set = known_set(c, dst);
	unsigned	    i;

	for (i = 0; i < KNOWN_WAYS; i++) {
		if (addr_equal(&set[i].addr, dst))
			return true;
	}
	return false;
}

void
known_departed(struct core *c, const struct addr *addr)
{
	unsigned i = c->ndeparted++ % DEPARTED_MAX;

	c->departed[i].addr = *addr;
	c->departed[i].at = c->now;
}

bool
known_has_departed(const struct core *c, const struct addr *addr)
{
	unsigned i;

	for (i = 0; i < DEPARTED_MAX; i++) {
		if (addr_equal(&c->departed[i].addr, addr) &&
		    c->departed[i].at != 0 &&
		    c->now - c->departed[i].at < DEPARTED_TIME)
			return true;
	}
	return false;
}

void
known_init(struct core *c)
{
	c->known = xcalloc(KNOWN_SETS * KNOWN_WAYS, sizeof(*c->known));
}

void
known_free(struct core *c)
{
	free(c->known);
	c->known = NULL;
}
