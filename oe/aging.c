/* aging.c - what time does to a connection (draft -17 §3.4.1, §3.4.2) */
#include "config.h"

#include "base/log.h"
#include "base/queue.h"
#include "oe/aging.h"
#include "oe/child.h"
#include "oe/classes.h"
#include "oe/connection.h"
#include "oe/ending.h"
#include "oe/esp/dataplane.h"
#include "oe/initiator.h"
#include "oe/liveness.h"
#include "oe/pair.h"
#include "oe/pathmtu.h"
#include "oe/plane.h"
#include "oe/request.h"
#include "oe/session_keying.h"

#define SECONDS		1000u
#define ANONYMOUS_IDLE	(120 * SECONDS)	/* a pair of who proves
					 * nothing is kept */
#define UNFINISHED_MAX	(60 * SECONDS)	/* a responder's
					 * connection without keys */
#define STIRRED		(10 * SECONDS)	/* after a packet: whether the
					 * peer lives is found out meanwhile */
#define PASSED_MAX	(30 * SECONDS)	/* between looks at what goes
					 * past us */

/* Of what is looked for the first packet is enough. */
static bool
is_in_use_again(const struct connection *conn)
{
	return conn->state == CONNECTION_EXPIRING && conn->used +
	    (uint64_t)conn->core->config->idle * SECONDS >= conn->look_at;
}

static void
connection_tick_settled(struct connection *conn)
{
	struct core *c = conn->core;

	if (c->now < conn->look_at && !is_in_use_again(conn))
		return;
	/* What the kernel forwards past us leaves no trace here:
	 * look for a while. */
	if (conn->routed) {
		connection_route(conn, false);
		conn->state = CONNECTION_EXPIRING;
		conn->look_at = c->now + (uint64_t)c->config->idle * SECONDS;
		return;
	}
	if (!connection_recently_used(conn)) {
		connection_expire(conn, REASON_UNUSED);
		return;
	}
	if (conn->state == CONNECTION_EXPIRING)
		conn->state = conn->policy == SPD_DENY ? CONNECTION_DENY :
		    CONNECTION_CLEAR;
	if (conn->class == OE_CLASS_TUNNEL) {
		initiator_ask_keys(conn);
		return;
	}
	if (connection_is_oe(conn) && oe_config_can_begin(c->config) &&
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
	bool		told = false;

	if (c->now < conn->delete_at)
		return;
	if (conn->delete_tries == DELETE_TRIES) {
		connection_free(conn, false);
		return;
	}
	conn->delete_tries++;
	conn->delete_at = c->now + DELETE_INTERVAL;
	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (c->keying->delete_child(c->keying_arg, c->now, p->spi_in) ==
		    0)
			told = true;
	}
	/* By IKEv2 the peer has answered the first. */
	if (!told)
		connection_free(conn, false);
}

/* What was led beside us counts as if it had come by. */
static void
connection_tick_led(struct sa_pair *p, const struct esp_usage *u)
{
	struct core *c = p->connection->core;

	c->count.esp_out += u->out.packets;
	c->count.esp_in += u->in.packets;
	c->count.bad_esp += u->bad;
	c->count.filtered += u->filtered;
	if (u->bad != 0 && ratelimit_pass(&p->bad, c->now))
		log_info("ESP SPI 0x%08x: %llu packets dropped: replayed, "
		    "wrong ICV, or malformed", p->spi_in,
		    (unsigned long long)u->bad);
	if (u->filtered != 0 && ratelimit_pass(&p->bad, c->now))
		log_warn("peer %s sent what was not negotiated, dropped",
		    keying_id_text(&p->connection->peer_id));
}

/* Sees what went past us meanwhile. */
static void
connection_tick_passed(struct connection *conn)
{
	struct sa_pair	*p;
	struct esp_usage u;

	TAILQ_FOREACH(p, &conn->pairs, entry) {
		esp_pair_passed(p->esp, &u);
		if (!esp_policy_is_past(&conn->esp))
			connection_tick_led(p, &u);
		if (u.in.packets == 0 && u.out.packets == 0)
			continue;
		/* Packets may have come by us, too. */
		if (u.in.packets != 0)
			liveness_heard(conn);
		else if (esp_policy_is_past(&conn->esp) ||
		    conn->core->now - conn->heard >= SECONDS)
			liveness_sent(conn);
		conn->used = p->used = conn->core->now;
		conn->packets += u.in.packets + u.out.packets;
		conn->bytes += u.in.bytes + u.out.bytes;
		/* Only a peer that has its half can have sent this. */
		if (u.in.packets != 0 && !p->confirmed) {
			child_confirmed(conn, p->spi_in);
			return;
		}
	}
}

static bool
is_stirred(const struct connection *conn)
{
	const struct core    *c = conn->core;
	const struct sa_pair *first = TAILQ_FIRST(&conn->pairs);

	return first == NULL || c->now - first->born < STIRRED ||
	    c->now - conn->used < STIRRED || c->now - conn->heard < STIRRED ||
	    conn->requested || conn->nsessions > 0 || conn->ask != NULL ||
	    conn->gone || conn->unled ||
	    (conn->spd != NULL && conn->spd->again != NULL);
}

static void
connection_tick_keyed(struct connection *conn)
{
	struct core	*c = conn->core;
	struct sa_pair	*p, *next;
	struct esp_usage u;

	TAILQ_FOREACH_SAFE(p, &conn->pairs, entry, next) {
		if (p->linger != 0 && c->now >= p->linger) {
			c->keying->delete_child(c->keying_arg, c->now,
			    p->spi_in);
			pair_free(p);
		}
	}
	if ((conn->right == RIGHT_LENT || (conn->anonymous &&
	    conn->right == RIGHT_FLOWS)) && (conn->gone ||
	    c->now - conn->used >= ANONYMOUS_IDLE)) {
		connection_expire(conn, conn->gone ? REASON_PEER_GONE :
		    REASON_UNUSED);
		return;
	}
	if (conn->gives_way_at != 0 && c->now >= conn->gives_way_at &&
	    connection_give_way(conn))
		return;
	child_follow(conn);
	connection_tick_passed(conn);
	/* Nobody looks at what is led while we rest: the next packet comes by,
	 * and wakes us. */
	if (!is_stirred(conn))
		spd_led_end(conn->spd);
	plane_again(conn);
	pathmtu_tick(conn);
	session_tick(conn);
	if (TAILQ_EMPTY(&conn->pairs)) {
		connection_expire(conn, REASON_UNUSED);
		return;
	}
	if (connection_any_pair(conn) == NULL)
		return;
	session_one_way(conn);
	liveness_tick(conn);
	if (c->now >= conn->look_at) {
		if (!connection_recently_used(conn) &&
		    conn->class != OE_CLASS_TUNNEL) {
			connection_expire(conn, REASON_UNUSED);
			return;
		}
		conn->look_at =
		    c->now + (uint64_t)c->config->lifespan * SECONDS;
		if (connection_is_oe(conn) && conn->dns_expires != 0 &&
		    c->now >= conn->dns_expires && !conn->recheck) {
			conn->recheck = true;
			initiator_ask_dns(conn);
			if (conn->state == CONNECTION_EXPIRED)
				return;
		}
	}
	if ((p = connection_carrier(conn)) == NULL)
		return;
	esp_pair_usage(p->esp, &u);
	if (c->now >= p->soft || u.worn || (p->soft_bytes != 0 &&
	    (u.in.bytes >= p->soft_bytes || u.out.bytes >= p->soft_bytes))) {
		/* An unused one is left to expire (§3.4.1). */
		if (connection_recently_used(conn) ||
		    conn->class == OE_CLASS_TUNNEL)
			request_rekey(conn, "its keys grow old");
	}
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

static void
sooner(uint64_t *next, uint64_t at)
{
	if (at < *next)
		*next = at;
}

/* A time that is over, and ended nothing, waits for a packet. */
static void
sooner_yet(uint64_t *next, uint64_t now, uint64_t at)
{
	if (at > now)
		sooner(next, at);
}

/* Of one pair, whether it carries what we send or not. */
static void
pair_next(uint64_t *next, const struct connection *conn,
    const struct sa_pair *p)
{
	const struct core *c = conn->core;

	if (p->linger != 0)
		sooner(next, p->linger);
	else if (!pair_is_flow(p))
		sooner_yet(next, c->now, p->soft);
	else if (p->confirmed) {
		sooner(next, p->used + (uint64_t)c->config->idle * SECONDS);
		if (p->initiator)
			sooner(next, p->soft);
	}
}

static uint64_t
connection_next_keyed(const struct connection *conn)
{
	const struct core    *c = conn->core;
	const struct sa_pair *p;
	uint64_t	      next = conn->look_at, quiet = c->now - conn->used;

	if (is_stirred(conn))
		return 0;
	TAILQ_FOREACH(p, &conn->pairs, entry)
		pair_next(&next, conn, p);
	if (conn->right == RIGHT_LENT || conn->anonymous)
		sooner_yet(&next, c->now, conn->used + ANONYMOUS_IDLE);
	if (conn->gives_way_at != 0)
		sooner(&next, conn->gives_way_at);
	if (conn->mtu_raise_at != 0)
		sooner(&next, conn->mtu_raise_at);
	/* What goes past us is counted; the longer there was nothing, the
	 * longer we may take to see it. */
	if (esp_policy_is_past(&conn->esp))
		sooner(&next, c->now + (quiet / 4 < PASSED_MAX ? quiet / 4 :
		    PASSED_MAX));
	return next;
}

uint64_t
connection_next(const struct connection *conn)
{
	switch (conn->state) {
	case CONNECTION_KEYED:
		return connection_next_keyed(conn);
	case CONNECTION_CLEAR:
	case CONNECTION_DENY:
	case CONNECTION_EXPIRING:
		return conn->look_at;
	case CONNECTION_EXPIRED:
		return conn->delete_at;
	case CONNECTION_NONEXISTENT:
		return conn->born + UNFINISHED_MAX + 1;
	case CONNECTION_POTENTIAL:
	case CONNECTION_AUTHENTICATE:
	case CONNECTION_PENDING:
		break;
	}
	return conn->room_at != 0 ? conn->room_at : UINT64_MAX;
}
