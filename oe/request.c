/* request.c - asking the keying engine for keys: what for, of whom, as whom */
#include "config.h"

#include <string.h>

#include "base/log.h"
#include "oe/classes.h"
#include "oe/collision.h"
#include "oe/connection.h"
#include "oe/identity.h"
#include "oe/known.h"
#include "oe/peer_gateway.h"
#include "oe/ports.h"
#include "oe/request.h"
#include "oe/session.h"
#include "oe/version.h"

#define REKEY_RETRY	10000
#define BLIND_TIME	2000	/* milliseconds for a peer of whom
				 * DNS says nothing */

/* Is the peer to lend us an address?  Where others may have ours, or have it
 * nowhere but behind a NAT. */
static enum keying_inner
request_inner(const struct connection *conn)
{
	static const enum keying_inner ways[] = {
		[WAY_PORTS] = KEYING_INNER_LIKELY,
		[WAY_INNER] = KEYING_INNER_YES,
		[WAY_WHOLE] = KEYING_INNER_NO,
	};
	const struct collision *col;

	if (!connection_is_oe(conn) ||
	    !addr_equal(&conn->key.src.addr, core_local(conn->core,
	    AF_INET)))
		return KEYING_INNER_NO;
	if (!session_can(conn))
		return KEYING_INNER_BEHIND_NAT;
	col = collision_find(conn->core, &conn->key.dst.addr);
	return ways[col != NULL ? col->way : WAY_PORTS];
}

/* Whom a peer has keys with it hears from where it heard it before: another
 * address of ours may be one that no way leads back to. */
static struct addr
request_from(const struct connection *conn, const struct addr *peer)
{
	const struct addr *before = &conn->path.local;

	if (!TAILQ_EMPTY(&conn->pairs) && before->family == peer->family &&
	    core_is_own(conn->core, before))
		return *before;
	return core_speaks_from(conn->core, &conn->key.src, peer);
}

/* Is the peer to be told who we are? */
static bool
request_shows(const struct core *c, const struct keying_request *r)
{
	return c->config->key != NULL &&
	    identity_usable(c, r->path.peer.family) &&
	    (c->config->id.type != 0 ||
	    addr_equal(&r->path.local, &r->my_id.addr));
}

/* One request, in one version.  What it leads to may come at
 * once, and end conn. */
static int
request_in(struct connection *conn, unsigned version)
{
	struct core	      *c = conn->core;
	const struct peer_gateway  *g;
	const struct oe_tunnel *t;
	struct keying_request  r;
	struct keying_selector ours, theirs;

	memset(&r, 0, sizeof(r));
	r.version = version;
	/* Nothing old follows an attempt of IKEv2. */
	r.modern = c->config->ike & VERSION_BIT(2);
	if (conn->class == OE_CLASS_TUNNEL) {
		t = &c->config->tunnels[conn->tunnel];
		r.path.peer = t->peer;
		r.path.local = request_from(conn, &r.path.peer);
		r.peer_id = t->peer_id;
		r.my_id = t->my_id.type != 0 ? t->my_id :
		    core_my_id(c, t->peer.family);
		r.peer = oe_tunnel_credentials(t);
	} else {
		if (conn->peer_gateway >= conn->npeer_gateways)
			return -1;
		g = &conn->peer_gateways[conn->peer_gateway];
		r.path.peer = g->addr;
		r.path.local = request_from(conn, &r.path.peer);
		r.peer_id = g->id;
		r.my_id = core_my_id(c, g->addr.family);
		r.peer.keys = g->keys;
		r.peer.nkeys = g->nkeys;
		/* Who would look for our key in vain is not shown a name. */
		if (version == 2 && !request_shows(c, &r))
			r.my_id = (struct keying_id){ .type = KEYING_ID_NULL };
		if (conn->blind) {
			r.peer.nothing = true;
			r.patience = BLIND_TIME;
		}
	}
	if (!addr_is_set(&r.path.local))
		return -1;
	r.path.local_port = core_ike_port(c, r.path.peer.family);
	session_selectors(conn, &ours, &theirs);
	if (version == 2) {
		r.inner = request_inner(conn);
		/* The engine makes a tunnel where it cannot be. */
		r.mode = c->config->transport == OE_TRANSPORT_ASK &&
		    connection_is_oe(conn) ? KEYING_TRANSPORT : KEYING_TUNNEL;
	}
	if (r.inner != KEYING_INNER_LIKELY || conn->ask != NULL ||
	    !ports_leased(conn, &r.ours))
		r.ours = keying_selectors_of(&ours);
	r.theirs = keying_selectors_of(&theirs);
	r.initial_contact = !connection_peer_known(c, &r.peer_id) &&
	    (c->shell->peer_known == NULL ||
	    !c->shell->peer_known(c->shell_arg, &r.peer_id));
	r.departed = known_has_departed(c, &r.path.peer);
	conn->path.peer = r.path.peer;
	conn->path.local = r.path.local;
	if (TAILQ_EMPTY(&conn->pairs))
		conn->peer_id = r.peer_id;
	conn->requested |= VERSION_BIT(version);
	if (c->keying->request(c->keying_arg, c->now, &r, conn) == -1) {
		conn->requested &= ~VERSION_BIT(version);
		return -1;
	}
	return 0;
}

int
request_keys(struct connection *conn)
{
	unsigned version = version_first(conn);
	bool	 waits;

	conn->request_at = conn->core->now;
	if (version == 2)
		version_wait_older(conn);
	if (request_in(conn, version) == 0)
		return 0;
	waits = conn->older_at != 0;
	version_wait_no_more(conn);
	if (waits && request_older(conn) == 0)
		return 0;
	conn->ask = NULL;
	return -1;
}

int
request_older(struct connection *conn)
{
	log_info("%s: nothing so far from %s by IKEv2; asking by IKEv1 too",
	    ADDR_TEXT(&conn->key.dst.addr), ADDR_TEXT(&conn->path.peer));
	return request_in(conn, 1);
}

void
request_tick_older(struct core *c, uint64_t now)
{
	struct connection *conn;

	c->now = now;
	while ((conn = TAILQ_FIRST(&c->older)) != NULL &&
	    conn->older_at <= now) {
		version_wait_no_more(conn);
		if ((conn->requested & VERSION_BIT(2)) &&
		    (conn->state == CONNECTION_PENDING ||
		    conn->state == CONNECTION_KEYED))
			(void)request_older(conn);
	}
}

int
request_rekey(struct connection *conn, const char *why)
{
	if (conn->requested || conn->core->now - conn->request_at < REKEY_RETRY)
		return 0;
	log_debug("%s: rekeying: %s", ADDR_TEXT(&conn->key.dst.addr), why);
	return session_begin(conn) ? request_keys(conn) : -1;
}
