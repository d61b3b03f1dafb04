/* connection.c - one connection's life: made, settled, aged, taken down (draft -17 §3.2, §3.4) */
#include "config.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "oe/child.h"
#include "oe/connection.h"
#include "oe/flow.h"
#include "oe/initiator.h"
#include "oe/limits.h"
#include "oe/lookup.h"
#include "oe/pair.h"
#include "oe/peer_gateway.h"
#include "oe/report.h"
#include "oe/responder.h"
#include "oe/session.h"

#define SECONDS		1000u
#define UNFINISHED_MAX	(60 * SECONDS)	/* a responder's connection without keys */

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

/* What is permissive waits for keys only so long (RFC 4322 §3.2: it may go in the
 * clear, so its user need not wait for what may never come). */
static void
connection_hold(struct connection *conn)
{
	struct core *c = conn->core;
	bool	     held = conn->policy == SPD_HOLD &&
	    conn->class == OE_CLASS_PERMISSIVE;

	if (held == (conn->hold_until != 0))
		return;
	if (held) {
		conn->hold_until = c->now + (uint64_t)c->config->hold * SECONDS;
		TAILQ_INSERT_TAIL(&c->holding, conn, holding);
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

	/* Its keys were known, and a limit of ours is no answer of its. */
	if (conn->room_at != 0 && limits_known(c, conn->key.dst)) {
		conn->hold_until = c->now + (uint64_t)c->config->hold * SECONDS;
		TAILQ_REMOVE(&c->holding, conn, holding);
		TAILQ_INSERT_TAIL(&c->holding, conn, holding);
		return;
	}
	snprintf(conn->reason, sizeof(conn->reason), "%s has not answered "
	    "within %u s; the search goes on", conn->state ==
	    CONNECTION_POTENTIAL ? "DNS" : "the peer's IKE", c->config->hold);
	log_info("%s: clear text: %s", ipv4_text(conn->key.dst), conn->reason);
	conn->recheck = true;
	connection_set(conn, conn->state, SPD_PASS);
	report_event(c, conn, "clear-text");
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
		spd_update(conn->core, conn->spd);
}

void
connection_route(struct connection *conn, bool add)
{
	struct core *c = conn->core;

	if (conn->routed == add || c->shell->pass_route == NULL ||
	    (add && (conn->spd == NULL || conn->spd->nshared != 0 ||
	    (conn->spd->policy != SPD_PASS && !esp_policy_is_past(&conn->esp)))))
		return;
	conn->routed = add;
	c->shell->pass_route(c->shell_arg, conn->key.dst, add);
}

struct connection *
connection_new(struct core *c, struct spd_entry *e, enum oe_class class,
    unsigned tunnel)
{
	struct connection *conn;
	enum cause	   cause;

	/* A second one at the same address is a peer's doing. */
	cause = e->nconnections == 0 ? e->cause : CAUSE_STRANGERS;
	if (e->nconnections >= CONNECTIONS_PER_ENTRY ||
	    !limits_connection_room(c, cause, e)) {
		c->count.limits++;
		return NULL;
	}
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
	TAILQ_INSERT_HEAD(&e->connections, conn, entry);
	TAILQ_INSERT_TAIL(&c->connections, conn, all);
	e->nconnections++;
	c->nconnections[cause]++;
	return conn;
}

/* Out of the forwarding plane; what it decided is decided no more. */
static void
connection_detach(struct connection *conn)
{
	struct spd_entry *e = conn->spd;

	esp_policy_down(&conn->esp);
	connection_route(conn, false);
	flow_forget(conn->core, conn);
	session_forget(conn);
	responder_forget(conn->core, conn);
	lookups_forget(conn->core, conn);
	conn->waiting = 0;
	if (e == NULL)
		return;
	conn->spd = NULL;
	conn->policy = SPD_NONE;
	if (conn->shares)
		e->nshared--;
	conn->shares = false;
	connection_hold(conn);
	TAILQ_REMOVE(&e->connections, conn, entry);
	e->nconnections--;
	spd_update(conn->core, e);
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
connection_expire(struct connection *conn, const char *why)
{
	struct core    *c = conn->core;
	struct sa_pair *p;
	bool		told = false;

	if (conn->state == CONNECTION_EXPIRED)
		return;
	if (!TAILQ_EMPTY(&conn->pairs))
		log_info("%s: connection with %s ended: %s (%llu packets, "
		    "%llu bytes)", ipv4_text(conn->key.dst),
		    keying_id_text(&conn->peer_id), why,
		    (unsigned long long)conn->packets,
		    (unsigned long long)conn->bytes);
	report_event(c, conn, "expired");
	snprintf(conn->reason, sizeof(conn->reason), "%s", why);
	conn->state = CONNECTION_EXPIRED;
	connection_detach(conn);
	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (c->keying->delete_child(c->keying_arg, c->now, p->spi_in) == 0)
			told = true;
	}
	/* Nobody left to tell, or nothing to tell of. */
	if (!told) {
		connection_free(conn, false);
		return;
	}
	conn->delete_tries = 1;
	conn->delete_at = c->now + DELETE_INTERVAL;
}

/* --- the end of a search ---------------------------------------------------------- */

void
connection_settle(struct connection *conn, bool deny, unsigned lifespan,
    const char *fmt, ...)
{
	struct core *c = conn->core;
	char	     reason[sizeof(conn->reason)];
	bool	     again;
	va_list	     ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	/* The same conclusion as before is not news. */
	again = conn->recheck && strcmp(reason, conn->reason) == 0;
	memcpy(conn->reason, reason, sizeof(reason));
	conn->recheck = conn->no_identity = false;
	lookups_forget(c, conn);
	conn->waiting = 0;
	peer_gateways_clear(conn);
	session_forget(conn);
	conn->look_at = c->now + (uint64_t)lifespan * SECONDS;
	if ((connection_is_oe(conn) || conn->class == OE_CLASS_TUNNEL) && !again)
		log_info("%s: %s: %s; looked at again in %u s",
		    ipv4_text(conn->key.dst), deny ? "denied" : "clear text",
		    reason, lifespan);
	connection_set(conn, deny ? CONNECTION_DENY : CONNECTION_CLEAR,
	    deny ? SPD_DENY : SPD_PASS);
	connection_route(conn, !deny);
	if (!again)
		report_event(c, conn, deny ? "deny" : "clear-text");
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
	spd_update(conn->core, e);
}

bool
connection_decides(const struct connection *conn)
{
	const struct sa_pair *p;

	if (conn->right == RIGHT_FLOWS)
		return false;
	if (conn->state != CONNECTION_KEYED || conn->by_flow)
		return true;
	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (pair_is_whole(p))
			return true;
	}
	return TAILQ_EMPTY(&conn->pairs);
}

/* The identical connection is the one that a peer's new keys belong to (§3.3.2). */
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

/* --- aging (§3.4.1) ----------------------------------------------------------------------- */

bool
connection_recently_used(const struct connection *conn)
{
	return conn->core->now - conn->used <
	    (uint64_t)conn->core->config->idle * SECONDS;
}

static void
connection_tick_settled(struct connection *conn)
{
	struct core *c = conn->core;

	if (c->now < conn->look_at)
		return;
	/* What the kernel forwards past us leaves no trace here: look for a while. */
	if (conn->routed) {
		connection_route(conn, false);
		conn->state = CONNECTION_EXPIRING;
		conn->look_at = c->now + (uint64_t)c->config->idle * SECONDS;
		return;
	}
	if (!connection_recently_used(conn)) {
		connection_expire(conn, "not used any more");
		return;
	}
	if (conn->state == CONNECTION_EXPIRING)
		conn->state = conn->policy == SPD_DENY ? CONNECTION_DENY :
		    CONNECTION_CLEAR;
	if (conn->class == OE_CLASS_TUNNEL) {
		initiator_ask_keys(conn);
		return;
	}
	if (connection_is_oe(conn) && c->config->key != NULL &&
	    c->config->initiate && (conn->failed || conn->no_identity ||
	    conn->txt == RECORD_TIMEOUT || conn->txt == RECORD_FAILED ||
	    c->now >= conn->dns_expires)) {
		conn->recheck = true;
		initiator_ask_dns(conn);
		return;
	}
	conn->look_at = c->now + (uint64_t)c->config->lifespan * SECONDS;
	connection_route(conn, conn->policy == SPD_PASS);
}

static void
connection_tick_expired(struct connection *conn)
{
	struct core    *c = conn->core;
	struct sa_pair *p;

	if (c->now < conn->delete_at)
		return;
	if (conn->delete_tries == DELETE_TRIES) {
		connection_free(conn, false);
		return;
	}
	conn->delete_tries++;
	conn->delete_at = c->now + DELETE_INTERVAL;
	TAILQ_FOREACH(p, &conn->pairs, entry)
		c->keying->delete_child(c->keying_arg, c->now, p->spi_in);
}

void
connection_tick(struct connection *conn)
{
	switch (conn->state) {
	case CONNECTION_KEYED:
		connection_tick_keyed(conn);
		break;
	case CONNECTION_CLEAR:
	case CONNECTION_DENY:
	case CONNECTION_EXPIRING:
		connection_tick_settled(conn);
		break;
	case CONNECTION_EXPIRED:
		connection_tick_expired(conn);
		break;
	case CONNECTION_NONEXISTENT:
		if (conn->core->now - conn->born > UNFINISHED_MAX)
			connection_free(conn, true);
		break;
	case CONNECTION_POTENTIAL:
	case CONNECTION_AUTHENTICATE:
	case CONNECTION_PENDING:
		/* DNS and IKE have timers of their own. */
		if (conn->room_at != 0 && conn->core->now >= conn->room_at)
			initiator_tick_room(conn);
		break;
	}
}
