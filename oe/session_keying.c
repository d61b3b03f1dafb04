/* session_keying.c - a peer that cannot tell hosts at our address apart is asked for each flow alone (RFC 3104 §3) */
#include "config.h"

#include <stdio.h>

#include "base/log.h"
#include "base/queue.h"
#include "net/ip.h"
#include "oe/collision.h"
#include "oe/connection.h"
#include "oe/ending.h"
#include "oe/pair.h"
#include "oe/ports.h"
#include "oe/request.h"
#include "oe/session.h"
#include "oe/session_keying.h"

/*
 * Hosts that share an address all ask for keys between it and the peer.  One
 * that chooses its outbound SA by addresses alone has but one of them: it sends
 * to the last what is for all, or deletes the others.  Protocol and ports tell
 * them apart, as no two hosts have the same port (RFC 3102 §4): where a peer
 * shows that it needs this, it is asked for each flow alone.
 */

#define SECONDS		1000u
#define DELETES		2	/* of what is in use, each
				 * soon after the other */
#define DELETES_TIME	(60 * SECONDS)
#define IN_USE		(30 * SECONDS)
#define ALIVE		2000	/* milliseconds: asked so long ago, and
				 * not found silent */
#define SENDS		2	/* more, after the first that
				 * nothing answered; */
#define SENT_LATELY	(4 * SECONDS)	/* who is only idle sends nothing */
#define FLOW_TRY	(6 * SECONDS)	/* a flow's own keys
					 * must bring something */
#define WAITING_TIME	(30 * SECONDS)

static void
collision_by_flow(struct connection *conn, struct collision *col, bool whole,
    const char *why)
{
	col->by_flow = true;
	col->whole = whole;
	log_info("%s: %s: another host at our address, it seems; asking %s for "
	    "each flow alone", ADDR_TEXT(&conn->key.dst.addr), why,
	    keying_id_text(&conn->peer_id));
}

/* Asks for one flow at a time: the answer says whose it is by nothing else. */
static void
session_next(struct connection *conn)
{
	if (conn->requested || conn->state != CONNECTION_KEYED ||
	    TAILQ_EMPTY(&conn->sessions))
		return;
	conn->ask = TAILQ_FIRST(&conn->sessions);
	/* What was leased meanwhile comes to the ports that the peer knows. */
	if (conn->nblocks != 0 && !conn->by_flow &&
	    ports_lease_has(conn, &conn->ask->ours))
		conn->ask = NULL;
	(void)request_keys(conn);
}

/* A program that waits for an answer may send nothing more. */
static void
session_recent(struct connection *conn)
{
	struct keying_selector ours, theirs;
	unsigned	       i;

	conn->ask = NULL;
	session_selectors(conn, &ours, &theirs);
	for (i = 0; i < SESSIONS_WAITING; i++) {
		if (conn->recent[i].protocol == 0 ||
		    conn->core->now - conn->recent[i].used >= IN_USE)
			continue;
		session_narrow(&ours, conn->recent[i].protocol,
		    conn->recent[i].ours);
		session_narrow(&theirs, conn->recent[i].protocol,
		    conn->recent[i].theirs);
		(void)session_add(conn, &ours, &theirs);
	}
	session_next(conn);
}

bool
session_wait(struct connection *conn, const struct packet_view *v)
{
	struct core	      *c = conn->core;
	const struct collision *col;
	struct keying_selector ours, theirs;
	struct session	      *s;

	if (!conn->by_flow && conn->nblocks == 0) {
		c->count.dropped++;
		return true;
	}
	conn->used = c->now;
	if (!session_flow(conn, v, &ours, &theirs)) {
		col = collision_find(c, &conn->key.dst.addr);
		if (conn->nblocks != 0 || (col != NULL && !col->whole))
			return false;
		c->count.dropped++;
		request_rekey(conn, "a packet that is of no flow");
		return true;
	}
	if ((s = session_add(conn, &ours, &theirs)) == NULL) {
		c->count.dropped++;
		return true;
	}
	spd_keep(c, &s->held, conn->cause, v);
	session_next(conn);
	return true;
}

/* --- what becomes of them ------------------------------------------------- */

static void
session_send(struct connection *conn, struct session *s)
{
	struct datagram *d = s->held;

	s->held = NULL;
	session_free(conn, s);
	if (d != NULL && conn->spd != NULL)
		spd_release_on(conn->core, conn->spd, conn, d);
}

void
session_keyed(struct connection *conn, const struct sa_pair *p)
{
	struct session *s, *next;

	if (!conn->requested)
		conn->ask = NULL;
	TAILQ_FOREACH_SAFE(s, &conn->sessions, entry, next) {
		if (p->our_blocks ? ports_name(&p->ours, &s->ours) :
		    p->ours.n == 1 && p->theirs.n == 1 &&
		    keying_selector_equal(&s->ours, &p->ours.ts[0]) &&
		    keying_selector_equal(&s->theirs, &p->theirs.ts[0]))
			session_send(conn, s);
	}
	session_next(conn);
}

/* Flows alone are no help: all of the address as before, where
 * there is a pair. */
static void
session_give_up(struct connection *conn, const char *why)
{
	struct collision *col = collision_get(conn->core, &conn->key.dst.addr);
	unsigned	  n = conn->nsessions;

	col->useless = true;
	col->by_flow = conn->by_flow = false;
	conn->ask = NULL;
	snprintf(col->flow_said, sizeof(col->flow_said), "%s", why);
	conn->reason = reason_with(REASON_ANSWERS_ANOTHER, why);
	log_info("%s: the keys for all of our address stay: a flow's own keys: "
	    "%s", ADDR_TEXT(&conn->key.dst.addr), why);
	if (connection_pair(conn) == NULL) {
		while (!TAILQ_EMPTY(&conn->sessions))
			session_free(conn, TAILQ_FIRST(&conn->sessions));
		return;
	}
	for (; n > 0 && !TAILQ_EMPTY(&conn->sessions); n--)
		session_send(conn, TAILQ_FIRST(&conn->sessions));
}

/* The peer keeps one host at our address only: the first, and clear text would
 * not be taken either. */
static void
session_settle(struct connection *conn)
{
	const struct reason reason = reason_of(REASON_ONE_HOST_ONLY);

	conn->failed = true;
	conn->failure = KEYING_CHILD_REFUSED;
	connection_settle(conn, true, conn->core->config->lifespan, &reason);
}

bool
session_why(const struct connection *conn, char *out, size_t cap)
{
	const struct collision *col;

	if (conn->failure != KEYING_CHILD_REFUSED || !session_can(conn) ||
	    (col = collision_find(conn->core, &conn->key.dst.addr)) == NULL ||
	    *col->whole_said == '\0')
		return false;
	snprintf(out, cap, "it proved its key, but seems to keep our address "
	    "for another host (all of the address: %s; the flow alone: %s)",
	    col->whole_said, *col->flow_said != '\0' ? col->flow_said :
	    "no flow waited");
	return true;
}

/* Refused what would tell us from others at our address: there
 * may be another way. */
static bool
session_other_way(struct connection *conn, unsigned version,
    const char *detail)
{
	struct collision *col;

	if (version != 2)
		return false;
	col = collision_get(conn->core, &conn->key.dst.addr);
	if (col->way == WAY_WHOLE)
		return false;
	col->way++;
	log_debug("%s: refused, %s: asking for %s",
	    ADDR_TEXT(&conn->key.dst.addr), detail != NULL ? detail :
	    "no reason given", col->way == WAY_INNER ? "an address of its own" :
	    "all of our address");
	return true;
}

enum session_verdict
session_failed(struct connection *conn, unsigned version,
    enum keying_failure f, const char *detail)
{
	struct collision *col;
	bool		  flow = conn->ask != NULL;

	if (flow && f == KEYING_CHILD_REFUSED && session_can(conn) &&
	    conn->state == CONNECTION_KEYED) {
		session_give_up(conn, "refuses a flow alone");
		connections_decide(conn->core, conn->spd);
		return SESSION_DEALT_WITH;
	}
	if (flow)
		session_free(conn, conn->ask);
	if (f != KEYING_CHILD_REFUSED || !session_can(conn))
		return SESSION_NOT_CONCERNED;
	if (conn->state != CONNECTION_PENDING)
		return SESSION_NOT_CONCERNED;
	if (!flow && session_other_way(conn, version, detail))
		return SESSION_ASK_AGAIN;
	col = collision_get(conn->core, &conn->key.dst.addr);
	snprintf(flow ? col->flow_said : col->whole_said, SAID_MAX, "%s",
	    detail != NULL ? detail : keying_failure_text(f));
	if (flow) {
		col->useless = true;
		col->by_flow = conn->by_flow = false;
		if (col->deleted < DELETES)
			return SESSION_NOT_CONCERNED;
		session_settle(conn);
		return SESSION_DEALT_WITH;
	}
	/* Another host at our address may have keys there. */
	if (col->useless || col->by_flow ||
	    conn->peer_gateway + 1 < conn->npeer_gateways)
		return SESSION_NOT_CONCERNED;
	collision_by_flow(conn, col, false, "refused");
	if (!session_of_held(conn)) {
		col->by_flow = false;
		return SESSION_NOT_CONCERNED;
	}
	return SESSION_ASK_AGAIN;
}

bool
session_deleted(struct connection *conn, bool heard)
{
	struct core	 *c = conn->core;
	struct collision *col;

	if (!session_can(conn) || conn->state != CONNECTION_KEYED)
		return false;
	/* The peer negotiates, but installs nothing while another
	 * has the address. */
	col = collision_find(c, &conn->key.dst.addr);
	if (!heard && col != NULL && col->useless &&
	    TAILQ_EMPTY(&conn->pairs)) {
		core_event(c, conn, "expired");
		session_settle(conn);
		return true;
	}
	if (c->now - conn->used >= IN_USE)
		return false;
	col = collision_get(c, &conn->key.dst.addr);
	if (!col->useless && c->now - col->deleted_at >= DELETES_TIME)
		col->deleted = 0;
	col->deleted++;
	col->deleted_at = c->now;
	if (col->deleted < DELETES)
		return false;
	if (!col->useless) {
		if (!col->by_flow)
			collision_by_flow(conn, col, false, "its peer deleted "
			    "keys in use twice within a minute");
		col->whole = false;
		return false;
	}
	if (!TAILQ_EMPTY(&conn->pairs))
		return false;
	core_event(c, conn, "expired");
	session_settle(conn);
	return true;
}

/* Was a flow's pair used lately, and would have brought something by now? */
static bool
session_tried(const struct connection *conn)
{
	const struct sa_pair *p;
	uint64_t	      now = conn->core->now;

	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (pair_is_flow(p) && now - p->born >= FLOW_TRY &&
		    now - p->used < FLOW_TRY && conn->heard < p->born)
			return true;
	}
	return false;
}

void
session_one_way(struct connection *conn)
{
	struct core	 *c = conn->core;
	struct collision *col;

	if (conn->asked_at == 0 || c->now - conn->asked_at < ALIVE ||
	    conn->silent || conn->requested || !session_can(conn))
		return;
	if (conn->by_flow) {
		if (session_tried(conn))
			session_give_up(conn, "nothing comes back on a flow's "
			    "own keys either");
		return;
	}
	if (conn->sends < SENDS || c->now - conn->sent_at >= SENT_LATELY)
		return;
	if (conn->nblocks != 0) {
		(void)session_other_way(conn, 2, "nothing comes back");
		conn->ask = NULL;
		(void)request_rekey(conn, "nothing comes back");
		return;
	}
	col = collision_find(c, &conn->key.dst.addr);
	if (col != NULL && col->useless)
		return;
	collision_by_flow(conn, collision_get(c, &conn->key.dst.addr), true,
	    "its peer lives, and sends us nothing");
	conn->by_flow = true;
	conn->reason = reason_of(REASON_EACH_FLOW);
	session_recent(conn);
}

void
session_tick(struct connection *conn)
{
	struct core    *c = conn->core;
	struct sa_pair *p, *next;
	struct session *s, *later;

	TAILQ_FOREACH_SAFE(s, &conn->sessions, entry, later) {
		if (s != conn->ask && c->now - s->since >= WAITING_TIME)
			session_free(conn, s);
	}
	TAILQ_FOREACH_SAFE(p, &conn->pairs, entry, next) {
		if (!pair_is_flow(p) || p->linger != 0 || !p->confirmed)
			continue;
		if (c->now - p->used >= (uint64_t)c->config->idle * SECONDS) {
			c->keying->delete_child(c->keying_arg, c->now,
			    p->spi_in);
			pair_free(p);
		} else if (p->initiator && c->now >= p->soft) {
			(void)session_add(conn, &p->ours.ts[0],
			    &p->theirs.ts[0]);
		}
	}
	session_next(conn);
}
