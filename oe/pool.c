/* pool.c - addresses that are lent to peers: those in use, and those that rest */
#include "config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/util.h"
#include "oe/pool.h"

#define POOL_REST	120000		/* milliseconds */
#define POOL_TRIES	64	/* draws before we say that none is free */
#define POOL_LENT_MAX	65536		/* and resting */

struct lent {
	UT_hash_handle hh;
	struct addr    addr;
	uint64_t       until;		/* rests; 0: is lent */
};

bool
pool_has(const struct core *c, const struct addr *a)
{
	return c->config->pool.addr.family == AF_INET &&
	    prefix_contains(&c->config->pool, a);
}

static void
lent_free(struct core *c, struct lent *l)
{
	HASH_DEL(c->lent, l); /* NOLINT(clang-analyzer-core.NullDereference) */
	free(l);
}

/* Any but the first and the last, which mean others in some networks. */
static struct addr
draw(const struct prefix *pool)
{
	uint32_t count = (UINT32_MAX >> pool->plen) - 1;

	return addr_from_v4(htonl(ntohl(addr_v4(&pool->addr)) + 1 +
	    random_uniform(count)));
}

bool
pool_take(struct core *c, struct addr *out)
{
	struct lent *l;
	unsigned     i;

	if (c->config->pool.addr.family != AF_INET)
		return false;
	for (i = 0; i < POOL_TRIES; i++) {
		*out = draw(&c->config->pool);
		HASH_FIND(hh, c->lent, out, sizeof(*out), l);
		if (l != NULL && l->until != 0 && l->until <= c->now) {
			lent_free(c, l);
			l = NULL;
		}
		if (l != NULL || core_is_ours(c, out))
			continue;
		if (HASH_COUNT(c->lent) >= POOL_LENT_MAX)
			return false;
		l = xcalloc(1, sizeof(*l));
		l->addr = *out;
		HASH_ADD(hh, c->lent, addr, sizeof(l->addr), l);
		return true;
	}
	return false;
}

void
pool_put(struct core *c, const struct addr *a)
{
	struct lent *l;

	HASH_FIND(hh, c->lent, a, sizeof(*a), l);
	if (l != NULL)
		l->until = c->now + POOL_REST;
}

void
pool_free(struct core *c)
{
	struct lent *l, *next;

	HASH_ITER(hh, c->lent, l, next)
		lent_free(c, l);
}
