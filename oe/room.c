/* room.c - what makes room for a new entry or connection where a budget is used up */
#include "config.h"

#include "base/log.h"
#include "base/queue.h"
#include "oe/classes.h"
#include "oe/connection.h"
#include "oe/ending.h"
#include "oe/room.h"

static void
entry_evict(struct core *c, struct spd_entry *e)
{
	struct connection *conn, *next;

	c->count.evicted++;
	TAILQ_FOREACH_SAFE(conn, &e->connections, entry, next)
		connection_free(conn, false);
	connection_entry_free(c, e);
}

static struct spd_entry *
longest_unused(const struct core *c, enum cause cause,
    const struct spd_entry *keep)
{
	struct spd_entry *e = TAILQ_FIRST(&c->settled[cause]);

	return e != NULL && e == keep ? TAILQ_NEXT(e, settled_entry) : e;
}

/* The longest unused entry gives way, but for keep: a stranger's, or, for us,
 * then ours. */
static bool
evict_one(struct core *c, enum cause cause, const struct spd_entry *keep)
{
	struct spd_entry *e = longest_unused(c, CAUSE_STRANGERS, keep);

	if (e == NULL && cause == CAUSE_OURS)
		e = longest_unused(c, CAUSE_OURS, keep);
	if (e == NULL)
		return false;
	entry_evict(c, e);
	return true;
}

/* Keys that a peer brought: may they go?  Of somebody else's only what is not
 * in use; and never a peer's whose flows alone are encrypted, while it has
 * some: what we would send on these is not known to be its any more. */
static bool
keyed_may_go(const struct connection *conn, const struct spd_entry *keep,
    bool own)
{
	return conn->cause == CAUSE_STRANGERS &&
	    conn->state == CONNECTION_KEYED && conn->class != OE_CLASS_TUNNEL &&
	    (keep == NULL ? conn->spd->nconnections == 1 :
	    conn->spd != keep || keep->nconnections > 1) &&
	    (conn->right != RIGHT_FLOWS || conn->flows.n == 0) &&
	    (own || !connection_recently_used(conn));
}

struct spd_entry *
room_entry(struct core *c, const struct spd_key *key, enum cause cause)
{
	struct spd_entry *e;

	if ((e = spd_get(c, key, cause)) != NULL ||
	    (evict_one(c, cause, NULL) && (e = spd_get(c, key, cause)) != NULL))
		return e;
	c->count.limits++;
	if (ratelimit_pass(&c->limit_log, c->now))
		log_warn("connections-max (%u) reached%s: new destinations get "
		    "no encryption", c->config->connections_max, cause ==
		    CAUSE_STRANGERS ? " for what strangers cause" : "");
	return NULL;
}

struct connection *
room_connection(struct core *c, struct spd_entry *e, enum oe_class class,
    unsigned tunnel)
{
	struct connection *conn = connection_new(c, e, class, tunnel);

	if (conn == NULL && e->nconnections < CONNECTIONS_PER_ENTRY &&
	    evict_one(c, connection_cause(e), e))
		conn = connection_new(c, e, class, tunnel);
	if (conn == NULL)
		c->count.limits++;
	return conn;
}

bool
room_evict_keyed(struct core *c, const struct keying_id *id,
    const struct spd_entry *e)
{
	struct connection *conn, *victim = NULL;
	struct spd_entry  *left;
	bool		   own, victim_own = false;

	TAILQ_FOREACH(conn, &c->connections, all) {
		own = keying_id_equal(&conn->peer_id, id);
		if (!keyed_may_go(conn, e, own) || (victim_own && !own))
			continue;
		if (victim == NULL || own != victim_own ||
		    conn->used < victim->used) {
			victim = conn;
			victim_own = own;
		}
	}
	if (victim == NULL)
		return false;
	c->count.evicted++;
	core_event(c, victim, "expired");
	left = victim->spd;
	connection_free(victim, true);
	if (left != NULL && TAILQ_EMPTY(&left->connections))
		connection_entry_free(c, left);
	return true;
}
