/* session.c - flows that have keys of their own, or wait for them (RFC 3104 §3) */
#include "config.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "net/ip.h"
#include "oe/collision.h"
#include "oe/connection.h"
#include "oe/pair.h"
#include "oe/ports.h"
#include "oe/session.h"

/* --- selectors ------------------------------------------------------------ */

/* All between the two ends of a connection. */
static void
session_whole(const struct connection *conn, struct keying_selector *ours,
    struct keying_selector *theirs)
{
	*ours = keying_selector_prefix(&conn->key.src);
	*theirs = keying_selector_prefix(&conn->key.dst);
}

void
session_narrow(struct keying_selector *s, uint8_t protocol, uint16_t port)
{
	s->protocol = protocol;
	s->port_from = s->port_to = port;
}

/* The selectors of the flow that a packet of ours is of; false
 * if it names none. */
bool
session_flow(const struct connection *conn, const struct packet_view *v,
    struct keying_selector *ours, struct keying_selector *theirs)
{
	uint16_t sport, dport;

	if (!packet_ports(v, &sport, &dport) || sport == 0 || dport == 0)
		return false;
	session_whole(conn, ours, theirs);
	session_narrow(ours, v->protocol, sport);
	session_narrow(theirs, v->protocol, dport);
	return true;
}

static bool
names_flow(const struct packet_view *v)
{
	uint16_t sport, dport;

	return packet_ports(v, &sport, &dport) && sport != 0 && dport != 0;
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
	if (!pair_is_flow(p)) {
		ports_text(p->our_blocks ? &p->ours : &p->theirs, out, cap);
		return;
	}
	snprintf(name, sizeof(name), protocol == IPPROTO_TCP ? "tcp" :
	    protocol == IPPROTO_UDP ? "udp" : "protocol %u", protocol);
	if (keying_selector_port(ours) == 0 &&
	    keying_selector_port(theirs) == 0)
		snprintf(out, cap, "%s", name);
	else
		snprintf(out, cap, "%s %d:%d", name,
		    keying_selector_port(ours), keying_selector_port(theirs));
}

/* --- what peers showed ---------------------------------------------------- */

bool
session_can(const struct connection *conn)
{
	const struct core *c = conn->core;

	return c->shell->shares != NULL && c->shell->shares(c->shell_arg) &&
	    connection_is_oe(conn) && conn->right != RIGHT_FLOWS &&
	    core_is_own(c, &conn->key.src.addr);
}

bool
session_denies(const struct core *c, const struct packet_view *v)
{
	const struct collision *col = collision_find(c, &v->dst);

	return col != NULL && col->by_flow && !col->whole &&
	    !names_flow(v);
}

/* --- flows that wait for keys --------------------------------------------- */

void
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
struct session *
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

struct sa_pair *
session_pair(const struct connection *conn, const struct packet_view *v)
{
	struct sa_pair *p;

	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (p->confirmed && !pair_is_whole(p) &&
		    pair_takes(p, v, false))
			return p;
	}
	return conn->by_flow && names_flow(v) ? NULL :
	    connection_pair(conn);
}

void
session_note(struct connection *conn, const struct packet_view *v)
{
	uint16_t ours, theirs;
	unsigned i, oldest = 0;

	if (!session_can(conn) || !packet_ports(v, &ours, &theirs) ||
	    ours == 0 || theirs == 0)
		return;
	for (i = 0; i < SESSIONS_WAITING; i++) {
		if (conn->recent[i].protocol == v->protocol &&
		    conn->recent[i].ours == ours &&
		    conn->recent[i].theirs == theirs) {
			conn->recent[i].used = conn->core->now;
			return;
		}
		if (conn->recent[i].used < conn->recent[oldest].used)
			oldest = i;
	}
	conn->recent[oldest].protocol = v->protocol;
	conn->recent[oldest].ours = ours;
	conn->recent[oldest].theirs = theirs;
	conn->recent[oldest].used = conn->core->now;
}

/* The flow of a datagram that is on hold. */
static bool
session_of_datagram(struct connection *conn, const struct datagram *d)
{
	struct keying_selector ours, theirs;

	if (d == NULL || !session_flow(conn, &d->view, &ours, &theirs))
		return false;
	conn->ask = session_add(conn, &ours, &theirs);
	return conn->ask != NULL;
}

/* The first may be of none: an echo request before what it was to find out. */
bool
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
	    (col = collision_find(conn->core, &conn->key.dst.addr)) == NULL ||
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
	session_whole(conn, ours, theirs);
}
