/* session.c - flows that have keys of their own: for peers that cannot tell hosts at one address apart (RFC 3104 §3) */
#include "config.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "net/ip.h"
#include "oe/connection.h"
#include "oe/initiator.h"
#include "oe/pair.h"
#include "oe/report.h"
#include "oe/session.h"

/*
 * Hosts that share an address all ask for keys between it and the peer.  One
 * that chooses its outbound SA by addresses alone has but one of them: it sends
 * to the last what is for all, or deletes the others.  Protocol and ports tell
 * them apart, as no two hosts have the same port (RFC 3102 §4): where a peer
 * shows that it needs this, it is asked for each flow alone.
 */

#define SECONDS		1000u
#define DELETES		2	/* of what is in use, each soon after the other */
#define DELETES_TIME	(60 * SECONDS)
#define IN_USE		(30 * SECONDS)
#define ALIVE		2000	/* milliseconds: asked so long ago, and not found silent */
#define SENDS		2	/* more, after the first that nothing answered; */
#define SENT_LATELY	(4 * SECONDS)	/* who is only idle sends nothing */
#define FLOW_TRY	(6 * SECONDS)	/* a flow's own keys must bring something */
#define REMEMBERED	(3600 * SECONDS)
#define WAITING_TIME	(30 * SECONDS)
#define SAID_MAX	48

struct session {
	TAILQ_ENTRY(session) entry;
	struct keying_selector ours, theirs;
	struct datagram	  *held;	/* the last one; NULL: none */
	uint64_t	   since;
};

/* What a destination showed; the longest known first. */
struct collision {
	UT_hash_handle hh;
	uint32_t dst;
	unsigned deleted;
	uint64_t deleted_at;
	bool	 by_flow;	/* flows are asked for alone */
	bool	 whole;		/* and, for what is no flow, the whole address */
	bool	 useless;	/* flows were refused, or brought nothing either */
	/* What it said last to all of the address, and to a flow; empty: not asked. */
	char	 whole_said[SAID_MAX], flow_said[SAID_MAX];
	uint64_t until;
};

/* --- selectors --------------------------------------------------------------------- */

/* All between the two ends of a connection. */
static void
key_selectors(const struct connection *conn, struct keying_selector *ours,
    struct keying_selector *theirs)
{
	struct prefix src = { addr_from_v4(conn->key.src),
		(uint8_t)conn->key.src_plen };
	struct prefix dst = { addr_from_v4(conn->key.dst),
		(uint8_t)conn->key.dst_plen };

	*ours = keying_selector_prefix(&src);
	*theirs = keying_selector_prefix(&dst);
}

static void
selector_narrow(struct keying_selector *s, uint8_t protocol, uint16_t port)
{
	s->protocol = protocol;
	s->port_from = s->port_to = port;
}

/* The selectors of the flow that a packet of ours is of; false if it names none. */
static bool
flow_selectors(const struct connection *conn, const uint8_t *pkt,
    const struct ip_info *ip, struct keying_selector *ours,
    struct keying_selector *theirs)
{
	uint16_t sport, dport;

	if (!ip_ports(pkt, ip, &sport, &dport) || sport == 0 || dport == 0)
		return false;
	key_selectors(conn, ours, theirs);
	selector_narrow(ours, ip->protocol, sport);
	selector_narrow(theirs, ip->protocol, dport);
	return true;
}

static bool
names_flow(const uint8_t *pkt, const struct ip_info *ip)
{
	uint16_t sport, dport;

	return ip_ports(pkt, ip, &sport, &dport) && sport != 0 && dport != 0;
}

void
session_text(const struct sa_pair *p, char *out, size_t cap)
{
	const struct keying_selector *ours = &p->ours.ts[0];
	const struct keying_selector *theirs = &p->theirs.ts[0];
	const uint8_t		      protocol = ours->protocol;
	char			      name[16];

	*out = '\0';
	if (pair_is_whole(p))
		return;
	if (p->ours.n != 1 || p->theirs.n != 1 ||
	    keying_selector_port(ours) == -1 ||
	    keying_selector_port(theirs) == -1) {
		snprintf(out, cap, "some ports");
		return;
	}
	snprintf(name, sizeof(name), protocol == IPPROTO_TCP ? "tcp" :
	    protocol == IPPROTO_UDP ? "udp" : "protocol %u", protocol);
	if (keying_selector_port(ours) == 0 && keying_selector_port(theirs) == 0)
		snprintf(out, cap, "%s", name);
	else
		snprintf(out, cap, "%s %d:%d", name,
		    keying_selector_port(ours), keying_selector_port(theirs));
}

/* --- what peers showed -------------------------------------------------------------- */

static struct collision *
collision_find(const struct core *c, uint32_t dst)
{
	struct collision *col;

	HASH_FIND(hh, c->collisions, &dst, sizeof(dst), col);
	return col != NULL && c->now < col->until ? col : NULL;
}

static void
collision_forget(struct core *c, struct collision *col)
{
	HASH_DEL(c->collisions, col); /* NOLINT(clang-analyzer-core.NullDereference) */
	free(col);
}

static struct collision *
collision_get(struct core *c, uint32_t dst)
{
	struct collision *col;

	HASH_FIND(hh, c->collisions, &dst, sizeof(dst), col);
	if (col != NULL && c->now >= col->until) {
		collision_forget(c, col);
		col = NULL;
	}
	if (col == NULL) {
		if (HASH_COUNT(c->collisions) >= COLLISIONS_MAX)
			collision_forget(c, c->collisions);
		col = xcalloc(1, sizeof(*col));
		col->dst = dst;
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

/* May hosts beside us be what is in the way? */
static bool
session_can(const struct connection *conn)
{
	const struct core *c = conn->core;

	return c->shell->shares != NULL && c->shell->shares(c->shell_arg) &&
	    connection_is_oe(conn) && conn->right != RIGHT_FLOWS &&
	    conn->key.src == c->local;
}

static void
collision_by_flow(struct connection *conn, struct collision *col, bool whole,
    const char *why)
{
	col->by_flow = true;
	col->whole = whole;
	log_info("%s: %s: another host at our address, it seems; asking %s for "
	    "each flow alone", ipv4_text(conn->key.dst), why,
	    keying_id_text(&conn->peer_id));
}

bool
session_denies(const struct core *c, const uint8_t *pkt,
    const struct ip_info *ip)
{
	const struct collision *col = collision_find(c, ip->dst);

	return col != NULL && col->by_flow && !col->whole &&
	    !names_flow(pkt, ip);
}

/* --- flows that wait for keys ---------------------------------------------------------- */

static void
session_free(struct connection *conn, struct session *s)
{
	if (conn->ask == s)
		conn->ask = NULL;
	TAILQ_REMOVE(&conn->sessions, s, entry);
	conn->nsessions--;
	spd_keep_no_more(conn->core, &s->held);
	free(s);
}

void
session_forget(struct connection *conn)
{
	struct session *s;

	while ((s = TAILQ_FIRST(&conn->sessions)) != NULL)
		session_free(conn, s);
	conn->by_flow = false;
}

/* NULL at the limit. */
static struct session *
session_add(struct connection *conn, const struct keying_selector *ours,
    const struct keying_selector *theirs)
{
	struct session *s;

	TAILQ_FOREACH(s, &conn->sessions, entry) {
		if (keying_selector_equal(&s->ours, ours) &&
		    keying_selector_equal(&s->theirs, theirs))
			return s;
	}
	if (conn->nsessions == SESSIONS_WAITING) {
		conn->core->count.limits++;
		return NULL;
	}
	s = xcalloc(1, sizeof(*s));
	s->ours = *ours;
	s->theirs = *theirs;
	s->since = conn->core->now;
	TAILQ_INSERT_TAIL(&conn->sessions, s, entry);
	conn->nsessions++;
	return s;
}

/* One at a time: the answer says whose it is by nothing else. */
static void
session_next(struct connection *conn)
{
	if (conn->requested || conn->state != CONNECTION_KEYED ||
	    TAILQ_EMPTY(&conn->sessions))
		return;
	conn->ask = TAILQ_FIRST(&conn->sessions);
	(void)connection_request(conn);
}

struct sa_pair *
session_pair(const struct connection *conn, const uint8_t *pkt,
    const struct ip_info *ip)
{
	struct sa_pair *p;

	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (p->confirmed && !pair_is_whole(p) &&
		    pair_takes(p, pkt, ip, false))
			return p;
	}
	return conn->by_flow && names_flow(pkt, ip) ? NULL :
	    connection_pair(conn);
}

void
session_note(struct connection *conn, const uint8_t *pkt,
    const struct ip_info *ip)
{
	uint16_t ours, theirs;
	unsigned i, oldest = 0;

	if (!session_can(conn) || !ip_ports(pkt, ip, &ours, &theirs) ||
	    ours == 0 || theirs == 0)
		return;
	for (i = 0; i < SESSIONS_WAITING; i++) {
		if (conn->recent[i].protocol == ip->protocol &&
		    conn->recent[i].ours == ours &&
		    conn->recent[i].theirs == theirs) {
			conn->recent[i].used = conn->core->now;
			return;
		}
		if (conn->recent[i].used < conn->recent[oldest].used)
			oldest = i;
	}
	conn->recent[oldest].protocol = ip->protocol;
	conn->recent[oldest].ours = ours;
	conn->recent[oldest].theirs = theirs;
	conn->recent[oldest].used = conn->core->now;
}

/* Who waits for an answer may send nothing more. */
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
		selector_narrow(&ours, conn->recent[i].protocol,
		    conn->recent[i].ours);
		selector_narrow(&theirs, conn->recent[i].protocol,
		    conn->recent[i].theirs);
		(void)session_add(conn, &ours, &theirs);
	}
	session_next(conn);
}

bool
session_wait(struct connection *conn, const uint8_t *pkt,
    const struct ip_info *ip)
{
	struct core	      *c = conn->core;
	const struct collision *col;
	struct keying_selector ours, theirs;
	struct session	      *s;

	if (!conn->by_flow) {
		c->count.dropped++;
		return true;
	}
	conn->used = c->now;
	if (!flow_selectors(conn, pkt, ip, &ours, &theirs)) {
		col = collision_find(c, conn->key.dst);
		if (col != NULL && !col->whole)
			return false;
		c->count.dropped++;
		connection_rekey(conn, "a packet that is of no flow");
		return true;
	}
	if ((s = session_add(conn, &ours, &theirs)) == NULL) {
		c->count.dropped++;
		return true;
	}
	spd_keep(c, &s->held, conn->cause, pkt, ip->total);
	session_next(conn);
	return true;
}

/* The flow of a datagram that is on hold. */
static bool
session_of_datagram(struct connection *conn, const struct datagram *d)
{
	struct keying_selector ours, theirs;
	struct ip_info	       ip;

	if (d == NULL || !ip_parse(d->data, d->len, &ip) ||
	    !flow_selectors(conn, d->data, &ip, &ours, &theirs))
		return false;
	conn->ask = session_add(conn, &ours, &theirs);
	return conn->ask != NULL;
}

/* The first may be of none: an echo request before what it was to find out. */
static bool
session_of_held(struct connection *conn)
{
	return conn->spd != NULL &&
	    (session_of_datagram(conn, conn->spd->first) ||
	    session_of_datagram(conn, conn->spd->last));
}

bool
session_begin(struct connection *conn)
{
	const struct collision *col;
	const struct sa_pair   *p, *best = NULL;

	conn->ask = NULL;
	if (!session_can(conn) ||
	    (col = collision_find(conn->core, conn->key.dst)) == NULL ||
	    !col->by_flow)
		return true;
	conn->by_flow = true;
	if (connection_pair(conn) != NULL)
		return true;
	if (session_of_held(conn) || col->whole)
		return true;
	/* Anew: the flow that lives. */
	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (best == NULL || p->used > best->used)
			best = p;
	}
	if (best != NULL)
		conn->ask = session_add(conn, &best->ours.ts[0],
		    &best->theirs.ts[0]);
	return conn->ask != NULL;
}

void
session_selectors(const struct connection *conn, struct keying_selector *ours,
    struct keying_selector *theirs)
{
	if (conn->ask != NULL) {
		*ours = conn->ask->ours;
		*theirs = conn->ask->theirs;
		return;
	}
	key_selectors(conn, ours, theirs);
}

/* --- what becomes of them ---------------------------------------------------------------- */

static void
session_send(struct connection *conn, struct session *s)
{
	struct datagram *d = s->held;

	s->held = NULL;
	session_free(conn, s);
	if (d != NULL)
		spd_release_on(conn, d);
}

void
session_keyed(struct connection *conn, const struct sa_pair *p)
{
	struct session *s, *next;

	if (!conn->requested)
		conn->ask = NULL;
	for (s = TAILQ_FIRST(&conn->sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (p->ours.n == 1 && p->theirs.n == 1 &&
		    keying_selector_equal(&s->ours, &p->ours.ts[0]) &&
		    keying_selector_equal(&s->theirs, &p->theirs.ts[0])) {
			session_send(conn, s);
			break;
		}
	}
	session_next(conn);
}

/* Flows alone are no help: all of the address as before, where there is a pair. */
static void
session_give_up(struct connection *conn, const char *why)
{
	struct collision *col = collision_get(conn->core, conn->key.dst);
	unsigned	  n = conn->nsessions;

	col->useless = true;
	col->by_flow = conn->by_flow = false;
	conn->ask = NULL;
	snprintf(col->flow_said, sizeof(col->flow_said), "%s", why);
	snprintf(conn->reason, sizeof(conn->reason), "IKE succeeded, but the "
	    "peer seems to answer another host at our address, and %s", why);
	log_info("%s: the keys for all of our address stay: a flow's own keys: "
	    "%s", ipv4_text(conn->key.dst), why);
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
	conn->failed = true;
	conn->failure = KEYING_CHILD_REFUSED;
	connection_settle(conn, true, conn->core->config->lifespan,
	    "the peer keeps keys with one host at our address only, another has "
	    "them, and refuses a flow alone");
}

bool
session_why(const struct connection *conn, char *out, size_t cap)
{
	const struct collision *col;

	if (conn->failure != KEYING_CHILD_REFUSED || !session_can(conn) ||
	    (col = collision_find(conn->core, conn->key.dst)) == NULL ||
	    *col->whole_said == '\0')
		return false;
	snprintf(out, cap, "it proved its key, but seems to keep our address "
	    "for another host (all of the address: %s; the flow alone: %s)",
	    col->whole_said, *col->flow_said != '\0' ? col->flow_said :
	    "no flow waited");
	return true;
}

bool
session_failed(struct connection *conn, enum keying_failure f,
    const char *detail)
{
	struct collision *col;
	bool		  flow = conn->ask != NULL;

	if (flow && f == KEYING_CHILD_REFUSED && session_can(conn) &&
	    conn->state == CONNECTION_KEYED) {
		session_give_up(conn, "refuses a flow alone");
		spd_update(conn->core, conn->spd);
		return true;
	}
	if (flow)
		session_free(conn, conn->ask);
	if (f != KEYING_CHILD_REFUSED || !session_can(conn))
		return false;
	if (conn->state != CONNECTION_PENDING)
		return false;
	col = collision_get(conn->core, conn->key.dst);
	snprintf(flow ? col->flow_said : col->whole_said, SAID_MAX, "%s",
	    detail != NULL ? detail : keying_failure_text(f));
	if (flow) {
		col->useless = true;
		col->by_flow = conn->by_flow = false;
		if (col->deleted < DELETES)
			return false;
		session_settle(conn);
		return true;
	}
	/* It may be in use there, by whoever else has our address. */
	if (col->useless || col->by_flow ||
	    conn->peer_gateway + 1 < conn->npeer_gateways)
		return false;
	collision_by_flow(conn, col, false, "refused");
	if (!session_of_held(conn)) {
		col->by_flow = false;
		return false;
	}
	initiator_ask_keys(conn);
	return true;
}

bool
session_deleted(struct connection *conn, bool heard)
{
	struct core	 *c = conn->core;
	struct collision *col;

	if (!session_can(conn) || conn->state != CONNECTION_KEYED)
		return false;
	/* It negotiates, but installs nothing while another has the address. */
	col = collision_find(c, conn->key.dst);
	if (!heard && col != NULL && col->useless &&
	    TAILQ_EMPTY(&conn->pairs)) {
		report_event(c, conn, "expired");
		session_settle(conn);
		return true;
	}
	if (c->now - conn->used >= IN_USE)
		return false;
	col = collision_get(c, conn->key.dst);
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
	report_event(c, conn, "expired");
	session_settle(conn);
	return true;
}

/* One that was used lately, and would have brought something by now. */
static bool
session_tried(const struct connection *conn)
{
	const struct sa_pair *p;
	uint64_t	      now = conn->core->now;

	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (!pair_is_whole(p) && now - p->born >= FLOW_TRY &&
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
	col = collision_find(c, conn->key.dst);
	if (col != NULL && col->useless)
		return;
	collision_by_flow(conn, collision_get(c, conn->key.dst), true,
	    "its peer lives, and sends us nothing");
	conn->by_flow = true;
	snprintf(conn->reason, sizeof(conn->reason), "its key is in DNS and IKE "
	    "succeeded, for each flow alone, as the peer does not tell the hosts "
	    "at our address apart");
	session_recent(conn);
}

void
session_tick(struct connection *conn)
{
	struct core    *c = conn->core;
	struct sa_pair *p, *next;
	struct session *s, *later;

	for (s = TAILQ_FIRST(&conn->sessions); s != NULL; s = later) {
		later = TAILQ_NEXT(s, entry);
		if (s != conn->ask && c->now - s->since >= WAITING_TIME)
			session_free(conn, s);
	}
	for (p = TAILQ_FIRST(&conn->pairs); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if (pair_is_whole(p) || p->linger != 0 || !p->confirmed)
			continue;
		if (c->now - p->used >= (uint64_t)c->config->idle * SECONDS) {
			c->keying->delete_child(c->keying_arg, c->now, p->spi_in);
			pair_free(p);
		} else if (p->initiator && c->now >= p->soft) {
			(void)session_add(conn, &p->ours.ts[0],
			    &p->theirs.ts[0]);
		}
	}
	session_next(conn);
}
