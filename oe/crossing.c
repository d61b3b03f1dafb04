/* crossing.c - both ends began at once without names: two connections that are with one peer */
#include "config.h"

#include "base/log.h"
#include "oe/crossing.h"
#include "oe/pair.h"

#define GIVES_WAY	5000	/* milliseconds: what is under way comes */

/* Hosts that share an address by NAT or lease have other ports, or are several
 * nobodies there. */
static bool
is_ike_port(uint16_t port)
{
	return port == KEYING_PORT || port == KEYING_PORT_NATT;
}

/* All to all of the two addresses, by one who proves nothing. */
static bool
is_whole_nobody(const struct connection *conn, enum oe_right right)
{
	const struct sa_pair *p;

	if (conn->state != CONNECTION_KEYED || !conn->anonymous ||
	    conn->right != right || conn->by_flow || conn->crossed != NULL ||
	    !addr_equal(&conn->path.peer, &conn->key.dst.addr) ||
	    !is_ike_port(conn->path.peer_port))
		return false;
	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (!pair_is_whole(p) || addr_is_set(&p->inner))
			return false;
	}
	return true;
}

bool
crossing_may_be(const struct connection *theirs, const struct connection *ours)
{
	const struct connection *other;

	if (theirs == ours || theirs->spd == NULL || theirs->spd != ours->spd ||
	    !is_whole_nobody(theirs, RIGHT_FLOWS) ||
	    !is_whole_nobody(ours, RIGHT_NONE) ||
	    theirs->met_at >= ours->met_at + CROSSING ||
	    ours->met_at >= theirs->met_at + CROSSING)
		return false;
	TAILQ_FOREACH(other, &theirs->spd->connections, entry) {
		if (other != theirs && other != ours &&
		    !TAILQ_EMPTY(&other->pairs))
			return false;
	}
	return true;
}

void
crossing_join(struct connection *theirs, struct connection *ours)
{
	theirs->crossed = ours;
	ours->crossed = theirs;
	if (theirs->nonce > ours->nonce)
		ours->gives_way_at = ours->core->now + GIVES_WAY;
	log_info("%s: %s answered us, and began at the same time: one peer",
	    ADDR_TEXT(&ours->key.dst.addr), keying_id_text(&ours->peer_id));
}

void
crossing_part(struct connection *conn)
{
	struct connection *other = conn->crossed;

	if (other == NULL)
		return;
	conn->crossed = other->crossed = NULL;
	conn->gives_way_at = other->gives_way_at = 0;
}

struct connection *
crossing_theirs(const struct connection *conn)
{
	struct connection *other, *theirs = NULL;

	if (conn->spd == NULL || !TAILQ_EMPTY(&conn->pairs))
		return NULL;
	TAILQ_FOREACH(other, &conn->spd->connections, entry) {
		if (TAILQ_EMPTY(&other->pairs))
			continue;
		if (theirs != NULL)
			return NULL;
		theirs = other;
	}
	return theirs != NULL && is_whole_nobody(theirs, RIGHT_FLOWS) &&
	    theirs->path.peer_port == KEYING_PORT && !theirs->gone &&
	    connection_pair(theirs) != NULL ? theirs : NULL;
}

bool
crossing_is_beside(const struct connection *conn)
{
	const struct connection *other;

	if (conn->spd == NULL)
		return false;
	TAILQ_FOREACH(other, &conn->spd->connections, entry) {
		if (other != conn && other->state == CONNECTION_KEYED)
			return true;
	}
	return false;
}

struct connection *
crossing_ours(struct connection *conn)
{
	return conn->crossed != NULL && conn->right == RIGHT_FLOWS ?
	    conn->crossed : conn;
}
