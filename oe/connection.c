/* connection.c - one connection's life: made, settled, aged, taken down (draft -17 §3.2, §3.4) */
#include "config.h"

#include "base/log.h"
#include "base/util.h"
#include "oe/classes.h"
#include "oe/connection.h"
#include "oe/known.h"
#include "oe/pool.h"

#define SECONDS		1000u

const char *
connection_state_name(enum connection_state s)
{
	static const char *const names[] = { "nonexistent", "potential OE",
		"authenticate", "pending OE", "keyed", "clear-text", "deny",
		"expiring", "expired" };

	return names[s];
}

bool
connection_is_oe(const struct connection *conn)
{
	return conn->class == OE_CLASS_PERMISSIVE ||
	    conn->class == OE_CLASS_PARANOID;
}

static uint64_t
hold_time(const struct connection *conn)
{
	const struct core *c = conn->core;
	uint64_t	   most = (uint64_t)c->config->hold * SECONDS;

	/* A program that has two families to choose from tries the other one
	 * soon (RFC 8305 §5), and would take that for the better one. */
	if (conn->key.dst.addr.family == AF_INET6 &&
	    addr_is_set(core_local(c, AF_INET)) && most > c->config->hold_dual)
		most = c->config->hold_dual;
	return most;
}

/* The next to be let go first. */
static void
hold_enter(struct connection *conn)
{
	struct core	  *c = conn->core;
	struct connection *next;

	conn->hold_until = c->now + hold_time(conn);
	if (conn->hold_until == 0)
		conn->hold_until = 1;
	next = TAILQ_LAST(&c->holding, holding);
	if (next == NULL || next->hold_until <= conn->hold_until) {
		TAILQ_INSERT_TAIL(&c->holding, conn, holding);
		return;
	}
	TAILQ_FOREACH(next, &c->holding, holding) {
		if (next->hold_until > conn->hold_until)
			break;
	}
	TAILQ_INSERT_BEFORE(next, conn, holding);
}

/* What is permissive waits for keys only so long (RFC 4322 §3.2: it may go in
 * the clear, so its user need not wait for what may never come). */
static void
connection_hold(struct connection *conn)
{
	struct core *c = conn->core;
	bool	     held = conn->policy == SPD_HOLD &&
	    conn->class == OE_CLASS_PERMISSIVE;

	if (held == (conn->hold_until != 0))
		return;
	if (held) {
		hold_enter(conn);
	} else {
		conn->hold_until = 0;
		TAILQ_REMOVE(&c->holding, conn, holding);
	}
}

uint64_t
connection_next_holding(const struct core *c)
{
	return TAILQ_EMPTY(&c->holding) ? UINT64_MAX :
	    TAILQ_FIRST(&c->holding)->hold_until;
}

/* In the clear for now; the search goes on, and its success encrypts. */
static void
connection_let_go(struct connection *conn)
{
	struct core *c = conn->core;

	/* The peer had keys, and a limit of ours is no answer of the peer. */
	if (conn->room_at != 0 && known_has(c, &conn->key.dst.addr)) {
		TAILQ_REMOVE(&c->holding, conn, holding);
		hold_enter(conn);
		return;
	}
	conn->reason = reason_of(conn->state == CONNECTION_POTENTIAL ?
	    REASON_DNS_SLOW : REASON_IKE_SLOW);
	conn->reason.number = (unsigned)(hold_time(conn) / SECONDS);
	log_info("%s: clear text: %s", ADDR_TEXT(&conn->key.dst.addr),
	    REASON_TEXT(&conn->reason));
	conn->recheck = true;
	connection_set(conn, conn->state, SPD_PASS);
	core_event(c, conn, "clear-text");
}

void
connection_tick_holding(struct core *c, uint64_t now)
{
	struct connection *conn;

	c->now = now;
	while ((conn = TAILQ_FIRST(&c->holding)) != NULL &&
	    conn->hold_until <= now)
		connection_let_go(conn);
}

void
connection_set(struct connection *conn, enum connection_state state,
    enum spd_policy policy)
{
	conn->state = state;
	conn->policy = policy;
	connection_hold(conn);
	if (conn->spd != NULL)
		connections_decide(conn->core, conn->spd);
}

void
connection_route(struct connection *conn, bool add)
{
	struct core *c = conn->core;

	if (conn->routed == add || c->shell->pass_route == NULL ||
	    (add && (conn->spd == NULL || conn->spd->nshared != 0 ||
	    (conn->spd->policy != SPD_PASS &&
	    !esp_policy_is_past(&conn->esp)))))
		return;
	conn->routed = add;
	c->shell->pass_route(c->shell_arg, &conn->key.dst.addr, add);
}

void
connection_set_right(struct connection *conn, enum oe_right right, bool shares)
{
	struct spd_entry *e = conn->spd;

	conn->right = right;
	if (e == NULL)
		return;
	if (shares && !conn->shares && e->nshared++ == 0)
		e->shared_since = conn->core->now;
	else if (!shares && conn->shares)
		e->nshared--;
	conn->shares = shares;
	connections_decide(conn->core, e);
}

/* The identical connection is the one that a peer's new keys
 * belong to (§3.3.2). */
struct connection *
connection_identical(const struct spd_entry *e, const struct keying_id *id)
{
	struct connection *conn;

	TAILQ_FOREACH(conn, &e->connections, entry) {
		if ((conn->state == CONNECTION_KEYED ||
		    conn->state == CONNECTION_PENDING ||
		    conn->state == CONNECTION_NONEXISTENT) &&
		    keying_id_equal(&conn->peer_id, id))
			return conn;
	}
	return NULL;
}

struct connection *
connection_with(const struct spd_entry *e, const struct keying_id *id)
{
	struct connection *conn, *other;

	if ((other = connection_identical(e, id)) != NULL)
		return other;
	TAILQ_FOREACH(conn, &e->connections, entry) {
		switch (conn->state) {
		case CONNECTION_KEYED:
		case CONNECTION_PENDING:
		case CONNECTION_NONEXISTENT:
			break;
		case CONNECTION_POTENTIAL:
		case CONNECTION_AUTHENTICATE:
		case CONNECTION_CLEAR:
		case CONNECTION_DENY:
		case CONNECTION_EXPIRING:
			other = conn;
			break;
		case CONNECTION_EXPIRED:
			break;
		}
	}
	return other;
}

bool
connection_recently_used(const struct connection *conn)
{
	return conn->core->now - conn->used <
	    (uint64_t)conn->core->config->idle * SECONDS;
}

enum cause
connection_cause(const struct spd_entry *e)
{
	/* A second one at the same address is a peer's doing. */
	return e->nconnections == 0 ? e->cause : CAUSE_STRANGERS;
}

struct connection *
connection_new(struct core *c, struct spd_entry *e, enum oe_class class,
    unsigned tunnel)
{
	struct connection *conn;
	enum cause	   cause = connection_cause(e);

	if (e->nconnections >= CONNECTIONS_PER_ENTRY ||
	    !core_budget_left(c, c->nconnections, cause))
		return NULL;
	conn = xcalloc(1, sizeof(*conn));
	conn->core = c;
	conn->spd = e;
	conn->key = e->key;
	conn->cause = cause;
	conn->class = class;
	conn->tunnel = tunnel;
	conn->right = class == OE_CLASS_TUNNEL ? RIGHT_CONFIGURED : RIGHT_NONE;
	conn->born = conn->used = c->now;
	TAILQ_INIT(&conn->pairs);
	TAILQ_INIT(&conn->sessions);
	TAILQ_INIT(&conn->flows.list);
	/* What it will decide is not known yet. */
	spd_pass(c, e, false);
	spd_led_end(e);
	TAILQ_INSERT_HEAD(&e->connections, conn, entry);
	TAILQ_INSERT_TAIL(&c->connections, conn, all);
	e->nconnections++;
	c->nconnections[cause]++;
	return conn;
}

void
connection_leave(struct connection *conn)
{
	struct spd_entry *e = conn->spd;

	conn->spd = NULL;
	conn->policy = SPD_NONE;
	if (conn->shares)
		e->nshared--;
	conn->shares = false;
	connection_hold(conn);
	TAILQ_REMOVE(&e->connections, conn, entry);
	e->nconnections--;
	spd_release_none(conn->core, e, conn);
	if (conn->right == RIGHT_LENT)
		pool_put(conn->core, &conn->key.dst.addr);
	connections_decide(conn->core, e);
}

/* --- what the connections of an entry decide for it ----------------------- */

bool
connection_decides(const struct connection *conn)
{
	if (conn->right == RIGHT_FLOWS)
		return false;
	return conn->state != CONNECTION_KEYED || conn->by_flow ||
	    conn->nwhole != 0 || conn->nblocks != 0 ||
	    TAILQ_EMPTY(&conn->pairs);
}

/* Clear text and denial are found out again; keys and searches are not lost. */
static bool
entry_is_settled(const struct spd_entry *e)
{
	const struct connection *conn;

	if (e->master != NULL)
		return true;
	if (TAILQ_EMPTY(&e->connections))
		return false;
	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (conn->state != CONNECTION_CLEAR &&
		    conn->state != CONNECTION_DENY &&
		    conn->state != CONNECTION_EXPIRING)
			return false;
	}
	return true;
}

/* Is there nothing that a packet between the two addresses could tell us, or
 * that could be told of it? */
static bool
entry_is_passed(const struct spd_entry *e)
{
	const struct connection *conn;

	if (e->policy != SPD_PASS || e->nshared != 0 ||
	    !spd_key_is_of_hosts(&e->key))
		return false;
	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (conn->state != CONNECTION_CLEAR)
			return false;
	}
	return true;
}

void
connections_decide(struct core *c, struct spd_entry *e)
{
	static const unsigned	 rank[] = { [SPD_NONE] = 0, [SPD_PASS] = 1,
		[SPD_DENY] = 2, [SPD_HOLD] = 3, [SPD_ENCRYPT] = 4 };
	const struct connection *conn;
	enum spd_policy		 best = SPD_NONE;

	spd_led_end(e);
	/* A peer with flows of its own only decides nothing for the address. */
	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (connection_decides(conn) && rank[conn->policy] > rank[best])
			best = conn->policy;
	}
	e->policy = best;
	spd_settle(c, e, entry_is_settled(e));
	spd_pass(c, e, entry_is_passed(e));
	if (TAILQ_EMPTY(&e->connections))
		spd_ready(c, e);
	else if (best != SPD_HOLD && best != SPD_NONE)
		spd_release(c, e);
}

/* Another connection is keyed with that peer: it knows us as we are now. */
bool
connection_peer_known(const struct core *c, const struct keying_id *id)
{
	const struct connection *conn;

	TAILQ_FOREACH(conn, &c->connections, all) {
		if (conn->state == CONNECTION_KEYED &&
		    keying_id_equal(&conn->peer_id, id))
			return true;
	}
	return false;
}
