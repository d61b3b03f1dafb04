/* collision.c - which destinations cannot tell hosts at our address apart: what they showed */
#include "config.h"

#include <stdlib.h>

#include "base/util.h"
#include "oe/collision.h"
#include "oe/core.h"

#define COLLISIONS_MAX	256
#define REMEMBERED	(3600 * 1000u)	/* milliseconds */

struct collision *
collision_find(const struct core *c, const struct addr *dst)
{
	struct collision *col;

	HASH_FIND(hh, c->collisions, dst, sizeof(*dst), col);
	return col != NULL && c->now < col->until ? col : NULL;
}

static void
collision_forget(struct core *c, struct collision *col)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	HASH_DEL(c->collisions, col);
	free(col);
}

struct collision *
collision_get(struct core *c, const struct addr *dst)
{
	struct collision *col;

	HASH_FIND(hh, c->collisions, dst, sizeof(*dst), col);
	if (col != NULL && c->now >= col->until) {
		collision_forget(c, col);
		col = NULL;
	}
	if (col == NULL) {
		if (HASH_COUNT(c->collisions) >= COLLISIONS_MAX)
			collision_forget(c, c->collisions);
		col = xcalloc(1, sizeof(*col));
		col->dst = *dst;
		col->whole = true;
		HASH_ADD(hh, c->collisions, dst, sizeof(col->dst), col);
	}
	col->until = c->now + REMEMBERED;
	return col;
}

void
collisions_free(struct core *c)
{
	struct collision *col, *next;

	HASH_ITER(hh, c->collisions, col, next)
		collision_forget(c, col);
}
