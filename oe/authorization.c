/* authorization.c - what peers asked to speak for, until the reverse map has said whether they may (draft -17 §3.3.2, §3.3.3) */
#include "config.h"

#include <stdlib.h>

#include "base/util.h"
#include "oe/authorization.h"
#include "oe/connection.h"
#include "oe/lookup.h"

#define AUTHORIZATIONS_MAX 256		/* proposals that wait for a record */
#define AUTHORIZATIONS_PER_PEER 16

/* One peer's questions must not use up everybody's. */
static bool
authorization_room(const struct core *c, const struct keying_id *id)
{
	const struct authorization *a;
	unsigned		    n = 0;

	TAILQ_FOREACH(a, &c->authorizations, entry)
		n += keying_id_equal(&a->id, id);
	return n < AUTHORIZATIONS_PER_PEER &&
	    c->nauthorizations < AUTHORIZATIONS_MAX;
}

struct authorization *
authorization_new(struct core *c, const struct keying_id *id)
{
	struct authorization *a;

	if (!authorization_room(c, id))
		return NULL;
	a = xcalloc(1, sizeof(*a));
	a->core = c;
	a->id = *id;
	TAILQ_INSERT_TAIL(&c->authorizations, a, entry);
	c->nauthorizations++;
	return a;
}

void
authorization_free(struct authorization *a)
{
	struct core *c = a->core;

	lookups_forget(c, a);
	TAILQ_REMOVE(&c->authorizations, a, entry);
	c->nauthorizations--;
	free(a);
}

struct authorization *
authorization_of(const struct core *c, const struct connection *conn)
{
	struct authorization *a;

	TAILQ_FOREACH(a, &c->authorizations, entry) {
		if (a->conn == conn)
			break;
	}
	return a;
}

void
authorizations_forget(struct core *c, const struct connection *conn)
{
	struct authorization *a;

	while ((a = authorization_of(c, conn)) != NULL)
		authorization_free(a);
}

void
authorizations_free(struct core *c)
{
	struct authorization *a;

	while ((a = TAILQ_FIRST(&c->authorizations)) != NULL)
		authorization_free(a);
}
