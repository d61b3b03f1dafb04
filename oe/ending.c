/* ending.c - how a search ends, and a connection: settled, expired, lost, freed (draft -17 §3.2, §3.4) */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "oe/authorization.h"
#include "oe/classes.h"
#include "oe/connection.h"
#include "oe/crossing.h"
#include "oe/ending.h"
#include "oe/flow.h"
#include "oe/known.h"
#include "oe/liveness.h"
#include "oe/lookup.h"
#include "oe/pair.h"
#include "oe/peer_gateway.h"
#include "oe/session.h"
#include "oe/version.h"

#define SECONDS		1000u

/* Out of the forwarding plane; what it decided is decided no more. */
static void
connection_detach(struct connection *conn)
{
	esp_policy_down(&conn->esp);
	connection_route(conn, false);
	crossing_part(conn);
	flow_forget(conn->core, conn);
	session_forget(conn);
	authorizations_forget(conn->core, conn);
	lookups_forget(conn->core, conn);
	conn->waiting = 0;
	version_wait_no_more(conn);
	if (conn->spd != NULL)
		connection_leave(conn);
}

void
connection_free(struct connection *conn, bool tell)
{
	struct core    *c = conn->core;
	struct sa_pair *p;

	connection_detach(conn);
	c->keying->forget(c->keying_arg, c->now, conn, tell);
	while ((p = TAILQ_FIRST(&conn->pairs)) != NULL)
		pair_free(p);
	peer_gateways_clear(conn);
	free(conn->peer_key);
	TAILQ_REMOVE(&c->connections, conn, all);
	c->nconnections[conn->cause]--;
	free(conn);
}

void
connection_expire(struct connection *conn, enum oe_reason why)
{
	struct core    *c = conn->core;
	struct reason	reason = reason_of(why);
	struct sa_pair *p;
	bool		told = false;

	if (conn->state == CONNECTION_EXPIRED)
		return;
	if (!TAILQ_EMPTY(&conn->pairs))
		log_info("%s: connection with %s ended: %s (%llu packets, "
		    "%llu bytes)", ADDR_TEXT(&conn->key.dst.addr),
		    keying_id_text(&conn->peer_id), REASON_TEXT(&reason),
		    (unsigned long long)conn->packets,
		    (unsigned long long)conn->bytes);
	core_event(c, conn, "expired");
	conn->reason = reason;
	conn->state = CONNECTION_EXPIRED;
	connection_detach(conn);
	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (c->keying->delete_child(c->keying_arg, c->now,
		    p->spi_in) == 0)
			told = true;
	}
	/* No peer is to be told, or there is nothing to tell of. */
	if (!told) {
		connection_free(conn, false);
		return;
	}
	conn->delete_tries = 1;
	conn->delete_at = c->now + DELETE_INTERVAL;
}

/* other is for all that conn is for; conn ends. */
static void
connection_replace(struct connection *conn, struct connection *other)
{
	flow_give(conn->core, conn, other);
	other->blind = conn->blind;
	other->txt = conn->txt;
	other->ipseckey = conn->ipseckey;
	other->dns_expires = conn->dns_expires;
	other->look_at = conn->look_at;
	other->peer_gateway = 0;
	peer_gateways_blind(other);
	connection_set_right(other, conn->right, true);
	connection_expire(conn, REASON_CROSSED);
}

bool
connection_give_way(struct connection *conn)
{
	struct connection *other = conn->crossed;

	crossing_part(conn);
	if (other == NULL || conn->right == RIGHT_FLOWS ||
	    connection_pair(other) == NULL)
		return false;
	connection_replace(conn, other);
	return true;
}

/* Did who has port 500 of the address fail us?  Where hosts share it, its
 * gateway or nobody says so for them. */
static bool
is_failure_of_peer(enum keying_failure f)
{
	switch (f) {
	case KEYING_SILENCE:
	case KEYING_CHILD_REFUSED:
	case KEYING_SIGNATURE:
	case KEYING_IDENTITY:
	case KEYING_OUR_PROOF:
		return true;
	case KEYING_LOST:
	case KEYING_ICMP:
	case KEYING_PEER_REFUSED:
	case KEYING_VERSION:
	case KEYING_LOCAL:
		break;
	}
	return false;
}

bool
connection_stand_aside(struct connection *conn)
{
	struct connection *other = crossing_theirs(conn);

	if (other == NULL || !conn->blind || !conn->failed ||
	    !is_failure_of_peer(conn->failure))
		return false;
	log_info("%s: %s: what %s began is for all that is sent there",
	    ADDR_TEXT(&conn->key.dst.addr), keying_failure_text(conn->failure),
	    keying_id_text(&other->peer_id));
	conn->look_at = conn->core->now +
	    (uint64_t)conn->core->config->lifespan_first * SECONDS;
	connection_replace(conn, other);
	/* Or did it begin anew since, and has these keys no more? */
	liveness_doubt(other);
	return true;
}

void
connection_stand_in(struct connection *conn)
{
	struct core	  *c = conn->core;
	struct connection *other, *next;
	uint64_t	   soon = c->now +
	    (uint64_t)c->config->lifespan_short * SECONDS;

	if (conn->right != RIGHT_FLOWS || conn->spd == NULL)
		return;
	for (other = TAILQ_FIRST(&conn->spd->connections); other != NULL;
	    other = next) {
		next = TAILQ_NEXT(other, entry);
		if ((other->state != CONNECTION_CLEAR &&
		    other->state != CONNECTION_DENY &&
		    other->state != CONNECTION_EXPIRING) ||
		    other->reason.code != REASON_TRIED ||
		    connection_stand_aside(other))
			continue;
		if (other->look_at > soon)
			other->look_at = soon;
	}
}

void
connection_entry_free(struct core *c, struct spd_entry *e)
{
	flow_forget_clear(c, e);
	spd_free(c, e);
}

/* --- the end of a search -------------------------------------------------- */

unsigned
connection_dns_left(const struct connection *conn)
{
	uint64_t now = conn->core->now;
	unsigned least = conn->core->config->lifespan_short;

	if (conn->dns_expires <= now + (uint64_t)least * SECONDS)
		return least;
	return (unsigned)((conn->dns_expires - now) / SECONDS);
}

unsigned
connection_failure_lifespan(const struct connection *conn)
{
	switch (conn->failure) {
	case KEYING_SIGNATURE:		/* until DNS may say otherwise */
		return connection_dns_left(conn);
	case KEYING_CHILD_REFUSED:	/* the peer lives, and
					 * does not want OE */
		return conn->core->config->lifespan;
	case KEYING_IDENTITY:
	case KEYING_OUR_PROOF:
	case KEYING_SILENCE:
	case KEYING_LOST:
	case KEYING_ICMP:
	case KEYING_PEER_REFUSED:
	case KEYING_VERSION:
	case KEYING_LOCAL:
		break;
	}
	return conn->core->config->lifespan_short;
}

void
connection_settle(struct connection *conn, bool deny, unsigned lifespan,
    const struct reason *reason)
{
	struct core *c = conn->core;
	bool	     again;

	/* The same conclusion as before is not news. */
	again = conn->recheck && reason_equal(reason, &conn->reason);
	conn->reason = *reason;
	conn->recheck = conn->no_identity = false;
	lookups_forget(c, conn);
	conn->waiting = 0;
	version_wait_no_more(conn);
	peer_gateways_clear(conn);
	session_forget(conn);
	conn->look_at = c->now + (uint64_t)lifespan * SECONDS;
	if ((connection_is_oe(conn) || conn->class == OE_CLASS_TUNNEL) &&
	    !again)
		log_info("%s: %s: %s; looked at again in %u s",
		    ADDR_TEXT(&conn->key.dst.addr), deny ? "denied" :
		    "clear text", REASON_TEXT(reason), lifespan);
	connection_set(conn, deny ? CONNECTION_DENY : CONNECTION_CLEAR,
	    deny ? SPD_DENY : SPD_PASS);
	connection_route(conn, !deny);
	if (!again)
		core_event(c, conn, deny ? "deny" : "clear-text");
}

void
connection_no_oe(struct connection *conn, unsigned lifespan,
    const struct reason *reason)
{
	connection_settle(conn, conn->class != OE_CLASS_PERMISSIVE, lifespan,
	    reason);
}

/* --- the end of keys ------------------------------------------------------ */

/* The last pair is gone. */
void
connection_unkeyed(struct connection *conn, enum oe_reason why)
{
	struct core  *c = conn->core;
	struct reason reason = reason_of(why);
	bool	      by_peer = why == REASON_DELETED_BY_PEER;

	log_info("%s: connection with %s ended: %s",
	    ADDR_TEXT(&conn->key.dst.addr), keying_id_text(&conn->peer_id),
	    REASON_TEXT(&reason));
	if (by_peer)
		known_departed(c, &conn->path.peer);
	core_event(c, conn, "expired");
	/* §3.2.6: rekeying failed, and now the keys are gone too. */
	if (!by_peer && conn->failed && connection_is_oe(conn) &&
	    conn->right != RIGHT_FLOWS) {
		reason = reason_of(REASON_REKEY_FAILED);
		reason.addr = conn->path.peer;
		reason.number = conn->failure;
		connection_no_oe(conn, connection_failure_lifespan(conn),
		    &reason);
		return;
	}
	connection_free(conn, false);
}

void
connection_lost(struct connection *conn)
{
	struct core    *c = conn->core;
	struct sa_pair *p;

	c->keying->forget(c->keying_arg, c->now, conn, false);
	conn->requested = 0;
	conn->late = false;
	while ((p = TAILQ_FIRST(&conn->pairs)) != NULL)
		pair_free(p);
	connection_unkeyed(conn, REASON_PEER_GONE);
}
