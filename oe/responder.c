/* responder.c - keying, responder: who a peer is, and for whom it may speak (draft -17 §3.3) */
#include "config.h"

#include <netinet/in.h>
#include <string.h>

#include "base/log.h"
#include "base/queue.h"
#include "oe/authorization.h"
#include "oe/claim.h"
#include "oe/classes.h"
#include "oe/connection.h"
#include "oe/ending.h"
#include "oe/lookup.h"
#include "oe/peer.h"
#include "oe/peer_gateway.h"
#include "oe/pool.h"
#include "oe/ports.h"
#include "oe/request.h"
#include "oe/responder.h"
#include "oe/room.h"

#define SECONDS		1000u
#define RIGHT_TTL_MIN	5		/* seconds that a right is believed, at
					 * least and at most */
#define RIGHT_TTL_MAX	86400
#define ANONYMOUS_BLOCKS 4		/* pairs for ports, of one without a
					 * name */

/* --- configured tunnels --------------------------------------------------- */

/* The tunnel an identity belongs to: by its name, or its address
 * where it has none. */
static const struct oe_tunnel *
tunnel_of(const struct core *c, const struct keying_id *id,
    const struct keying_path *path, unsigned *index)
{
	const struct oe_tunnel *t;
	size_t			i;

	for (i = 0; i < c->config->ntunnels; i++) {
		t = &c->config->tunnels[i];
		if (keying_id_equal(&t->peer_id, id) &&
		    addr_equal(&t->peer, &path->peer)) {
			*index = (unsigned)i;
			return t;
		}
	}
	return NULL;
}

/* --- unauthenticated OE peer ---------------------------------------------- */

void
responder_peer_lookup(struct core *c, uint64_t now, uint64_t token,
    const struct keying_id *id, enum keying_how claims,
    const struct keying_path *path)
{
	const struct oe_tunnel *t;
	struct class_match	m;
	unsigned		index;
	struct keying_credentials credentials = { 0 };

	c->now = now;
	if (claims == KEYING_BY_NOTHING) {
		credentials.nothing = classes_find(c->config->classes,
		    &path->peer, &m) == 0 && oe_config_anonymous(c->config,
		    m.class) != OE_ANONYMOUS_NO;
		goto refuse;
	}
	if ((t = tunnel_of(c, id, path, &index)) != NULL) {
		if (t->my_id.type != 0)
			c->keying->peer_identity(c->keying_arg, token,
			    &t->my_id);
		credentials = oe_tunnel_credentials(t);
		c->keying->peer_keys(c->keying_arg, now, token, &credentials);
		return;
	}
	/* Where nobody may encrypt there is nothing to look up.  Which clients
	 * may is known in Phase 2: a gateway's own class
	 * says little of them. */
	if (c->config->key == NULL ||
	    (!classes_has(c->config->classes, OE_CLASS_PERMISSIVE) &&
	    !classes_has(c->config->classes, OE_CLASS_PARANOID)) ||
	    (classes_find(c->config->classes, &path->peer, &m) == 0 &&
	    m.class == OE_CLASS_DENY))
		goto refuse;
	if (peer_ask_keys(c, token, id, &path->peer))
		return;
refuse:
	c->keying->peer_keys(c->keying_arg, now, token, &credentials);
}

/* --- authenticated, authorized OE peer ------------------------------------ */

static uint64_t
right_expiry(const struct core *c, uint32_t ttl)
{
	return c->now + (uint64_t)(ttl < RIGHT_TTL_MIN ? RIGHT_TTL_MIN :
	    ttl > RIGHT_TTL_MAX ? RIGHT_TTL_MAX : ttl) * SECONDS;
}

/*
 * The connection that this peer's keys will be for.  One with nothing but flows
 * of its own has a connection beside whatever else there is for the address.
 */
static struct connection *
responder_connection(struct core *c, const struct keying_id *id,
    const struct spd_key *key, enum oe_class class, unsigned tunnel,
    enum oe_right right, bool shares)
{
	struct connection *conn = NULL;
	struct spd_entry  *e;
	bool		   fresh;

	if ((e = room_entry(c, key, CAUSE_STRANGERS)) == NULL &&
	    room_evict_keyed(c, id, NULL))
		e = room_entry(c, key, CAUSE_STRANGERS);
	if (e != NULL) {
		conn = right == RIGHT_FLOWS ? connection_identical(e, id) :
		    connection_with(e, id);
		fresh = conn == NULL;
		if (fresh && (right != RIGHT_FLOWS || e->nconnections <
		    CONNECTIONS_PER_ENTRY - PEER_GATEWAYS_MAX)) {
			conn = room_connection(c, e, class, tunnel);
			if (conn == NULL && room_evict_keyed(c, id, e))
				conn = room_connection(c, e, class, tunnel);
		}
		if (conn != NULL && TAILQ_EMPTY(&conn->pairs) &&
		    conn->state != CONNECTION_PENDING)
			conn->peer_id = *id;
		if (conn != NULL && (fresh || right != RIGHT_FLOWS))
			connection_set_right(conn, right, shares);
		if (conn == NULL && TAILQ_EMPTY(&e->connections))
			connections_decide(c, e);
	}
	return conn;
}

/* The answer may be followed at once by the end of the
 * connection: it comes last. */
static void
responder_authorize(struct core *c, uint64_t token, struct connection *conn)
{
	c->keying->authorize(c->keying_arg, c->now, token, conn);
}

/* The address's own reverse map names the peer. */
static void
authorization_named(struct authorization *a, bool authentic)
{
	struct core	  *c = a->core;
	struct connection *conn = a->conn;
	enum oe_right	   right = authentic ? RIGHT_DNSSEC : RIGHT_DNS;
	uint64_t	   token = a->token;
	bool		   waits = conn == NULL;

	if (waits)
		conn = responder_connection(c, &a->id, &a->key, a->class, 0,
		    right, a->shares);
	else {
		if (conn->right == RIGHT_FLOWS)
			log_info("peer %s is named by the reverse map of %s: "
			    "all packets for that address are for it",
			    keying_id_text(&a->id),
			    ADDR_TEXT(&a->key.dst.addr));
		connection_set_right(conn, right, a->shares);
	}
	if (conn != NULL)
		conn->right_expires = right_expiry(c, a->ttl);
	authorization_free(a);
	if (waits)
		responder_authorize(c, token, conn);
}

static void
authorization_unnamed(struct authorization *a)
{
	struct core	  *c = a->core;
	struct connection *conn = a->conn;
	uint64_t	   token = a->token;

	if (conn == NULL) {
		log_info("peer %s may not speak for %s: no record there names "
		    "it", keying_id_text(&a->id), ADDR_TEXT(&a->key.dst.addr));
	} else if (!a->answered) {
		conn->right_expires = right_expiry(c, 0);
	} else {
		/* Only DNS that says so takes a right away. */
		if (conn->right != RIGHT_FLOWS)
			log_info("peer %s is not named by the reverse map of "
			    "%s any more: its own flows only",
			    keying_id_text(&a->id),
			    ADDR_TEXT(&a->key.dst.addr));
		conn->right_expires = right_expiry(c, a->ttl);
		connection_set_right(conn, RIGHT_FLOWS, true);
	}
	authorization_free(a);
	if (conn == NULL)
		responder_authorize(c, token, NULL);
}

static void
authorization_dns(struct core *c, void *owner, unsigned tag,
    const struct record_answer *answer)
{
	struct authorization *a = owner;
	unsigned	      i;

	(void)tag;
	a->waiting--;
	if (answer->ttl < a->ttl)
		a->ttl = answer->ttl;
	if (answer->status == RECORD_FOUND || answer->status == RECORD_NONE ||
	    answer->status == RECORD_UNUSABLE)
		a->answered = true;
	if (answer->status == RECORD_FOUND && core_believes(c, a->class,
	    answer->authentic, answer->unchecked)) {
		for (i = 0; i < answer->n; i++) {
			if (keying_id_equal(&answer->r[i].gateway, &a->id)) {
				authorization_named(a, answer->authentic);
				return;
			}
		}
	}
	if (a->waiting == 0)
		authorization_unnamed(a);
}

/* Asks the reverse map of the address that the peer would speak
 * for; -1 at a limit. */
static int
authorization_ask(struct core *c, uint64_t token, struct connection *conn,
    const struct keying_id *id, const struct spd_key *key, enum oe_class class,
    bool shares)
{
	struct authorization *a;
	char		      name[ADDR_REVERSE_MAX];

	if ((a = authorization_new(c, id)) == NULL)
		return -1;
	a->token = token;
	a->conn = conn;
	a->key = *key;
	a->class = class;
	a->shares = shares;
	a->ttl = RIGHT_TTL_MAX;
	addr_reverse_name(&key->dst.addr, name);
	if (lookup_start(c, CAUSE_STRANGERS, name, RECORD_TYPE_TXT,
	    authorization_dns, a, 0) == 0)
		a->waiting++;
	if (lookup_start(c, CAUSE_STRANGERS, name, RECORD_TYPE_IPSECKEY,
	    authorization_dns, a, 0) == 0)
		a->waiting++;
	if (a->waiting != 0)
		return 0;
	authorization_free(a);
	return -1;
}

/*
 * A peer at the address that it would speak for, but known by another identity:
 * that somebody sends from an address is no right to it, as hosts share
 * addresses (RFC 3104 §3) and pass them on.  Granted are flows of its own; more
 * when the reverse map says so.
 */
static void
responder_grant_flows(struct core *c, uint64_t token,
    const struct keying_id *id,
    const struct spd_key *key, enum oe_class class, bool shares)
{
	struct connection *conn;

	conn = responder_connection(c, id, key, class, 0, RIGHT_FLOWS, true);
	/* What our own search found is looked at again by that. */
	if (conn == NULL || c->now < conn->right_expires ||
	    (conn->right != RIGHT_FLOWS && conn->right_expires == 0))
		goto out;
	if (authorization_of(c, conn) != NULL)
		goto out;
	(void)authorization_ask(c, token, conn, id, key, class, shares);
out:
	responder_authorize(c, token, conn);
}

/* What goes past us to an address all goes one way: flows of
 * another are not seen. */
static bool
responder_is_past(struct core *c, const struct spd_key *key)
{
	const struct spd_entry	*e = spd_find(c, &key->src.addr,
	    &key->dst.addr);
	const struct connection *conn;

	if (e == NULL)
		return false;
	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (esp_policy_is_past(&conn->esp))
			return true;
	}
	return false;
}

/*
 * The next keys of who has the kernel's are to be user space's, which tells
 * packets of several apart; who asks waits for these.  False: they do not come.
 */
static bool
responder_contest(struct core *c, uint64_t token, const struct keying_ask *ask,
    const struct spd_key *key, uint64_t since)
{
	struct spd_entry  *e = spd_find(c, &key->src.addr, &key->dst.addr);
	struct connection *conn;

	e->contested = true;
	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (esp_policy_is_past(&conn->esp))
			(void)request_rekey(conn,
			    "another at its address asks for keys");
	}
	return claim_wait(c, token, ask, since);
}

static bool
has_meaning(const struct keying_selectors *side)
{
	const struct keying_selector *s;
	unsigned		      i;

	for (i = 0; i < side->n; i++) {
		s = &side->ts[i];
		if (keying_selector_port(s) != 0 &&
		    s->protocol != IPPROTO_TCP && s->protocol != IPPROTO_UDP)
			return false;
	}
	return true;
}

/* Are these protocols and their ports? */
static bool
are_flow_selectors(const struct keying_selectors *a,
    const struct keying_selectors *b)
{
	return has_meaning(a) && has_meaning(b) && (a->n != 1 || b->n != 1 ||
	    a->ts[0].protocol == b->ts[0].protocol);
}

static bool
is_all(const struct keying_selectors *s)
{
	return s->n == 1 && s->ts[0].protocol == 0;
}

static struct prefix
tunnel_local(const struct core *c, const struct oe_tunnel *t)
{
	return !addr_is_set(&t->local.addr) ?
	    prefix_host(core_local(c, t->peer.family)) : t->local;
}

static bool
tunnel_allows(const struct core *c, const struct oe_tunnel *t,
    const struct spd_key *k)
{
	const struct prefix local = tunnel_local(c, t);

	return prefix_equal(&k->dst, &t->remote) &&
	    prefix_equal(&k->src, &local);
}

/*
 * Who asks for more than one host with one host gets of it what its configured
 * tunnel is for, else what is of the two that speak (RFC 7296 §2.9); whether it
 * may have that is another question.  False: it asks for no more, or for
 * nothing of that.
 */
static bool
responder_narrow(const struct core *c, const struct oe_tunnel *t,
    const struct keying_ask *ask, struct keying_selectors *ours,
    struct keying_selectors *theirs)
{
	const struct prefix	local = t != NULL ? tunnel_local(c, t) :
	    prefix_host(&ask->path->local);
	const struct prefix	remote = t != NULL ? t->remote :
	    prefix_host(&ask->path->peer);
	struct keying_selector	s;
	struct keying_selectors here, there;
	struct spd_key		key = { 0 };

	if (keying_selectors_prefix(ask->ours, &key.src) &&
	    keying_selectors_prefix(theirs, &key.dst) &&
	    spd_key_is_of_hosts(&key))
		return false;
	s = keying_selector_prefix(&local);
	here = keying_selectors_of(&s);
	s = keying_selector_prefix(&remote);
	there = keying_selectors_of(&s);
	if (!keying_selectors_narrow(&here, ask->ours, &here) ||
	    !keying_selectors_narrow(&there, ask->theirs, &there) ||
	    (keying_selectors_equal(&here, ask->ours) &&
	    keying_selectors_equal(&there, ask->theirs)))
		return false;
	*ours = here;
	*theirs = there;
	return true;
}

/*
 * A host behind a NAT is known by its name, and has an address of a realm of
 * its own (RFC 3947 §5.1), which many others have in theirs: flows of its
 * own, then, as where hosts share a public one.  Not an address that somebody
 * near us may have.
 */
static bool
responder_is_translated(const struct core *c, const struct keying_id *id,
    const struct keying_path *path, const struct addr *addr)
{
	struct prefix host = prefix_host(addr);

	return id->type == KEYING_ID_FQDN &&
	    path->local_port == KEYING_PORT_NATT && prefix_is_rfc1918(&host) &&
	    c->shell->is_near != NULL && !c->shell->is_near(c->shell_arg, addr);
}

/* NULL, or why who proves nothing may not have this.  Its address is all that
 * is known of it (RFC 7619 §2.5), and others may have that too. */
static const char *
anonymous_refused(struct core *c, const struct keying_ask *ask,
    const struct spd_key *key, enum oe_class class)
{
	const struct spd_entry	*e = spd_find(c, &key->src.addr,
	    &key->dst.addr);
	const struct connection *conn;
	const struct sa_pair	*p;
	unsigned		 n = 0;

	if (!addr_equal(&key->dst.addr, &ask->path->peer))
		return "who proves nothing speaks for its own address only";
	if (oe_config_anonymous(c->config, class) == OE_ANONYMOUS_NO)
		return "policy wants to know who it is";
	if (responder_is_past(c, key))
		return "the kernel does ESP for another at its address";
	if (e == NULL)
		return NULL;
	conn = connection_identical(e, ask->peer_id);
	if (conn != NULL && !TAILQ_EMPTY(&conn->pairs)) {
		/* A lease may grow. */
		TAILQ_FOREACH(p, &conn->pairs, entry)
			n++;
		if (!ports_are_blocks(ask->theirs) || n >= ANONYMOUS_BLOCKS)
			return "it has what it asked for";
	}
	/* RFC 7619 §3.3: it takes no place of one that is known. */
	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (conn->state == CONNECTION_KEYED && !conn->anonymous &&
		    conn->right > RIGHT_FLOWS && !conn->shares)
			return "another, who is known, has that address";
	}
	return NULL;
}

/* What of all that is of the same addresses as the first. */
static struct keying_selectors
of_the_first(const struct keying_selectors *all)
{
	struct keying_selectors s = { 0 };
	unsigned		i;

	for (i = 0; i < all->n; i++) {
		if (addr_equal(&all->ts[i].from, &all->ts[0].from) &&
		    addr_equal(&all->ts[i].to, &all->ts[0].to))
			s.ts[s.n++] = all->ts[i];
	}
	return s;
}

/* An address of the pool was lent to the peer before: more SAs for that. */
static struct connection *
borrower(struct core *c, const struct keying_ask *ask,
    const struct spd_key *key)
{
	struct spd_entry  *e = spd_find(c, &key->src.addr, &key->dst.addr);
	struct connection *conn = e == NULL ? NULL :
	    connection_identical(e, ask->peer_id);

	return conn != NULL && conn->right == RIGHT_LENT ? conn : NULL;
}

/* May the peer, with its own address, have SAs at all, and does it take
 * whatever is lent to it? */
static bool
responder_may_lend(struct core *c, const struct keying_ask *ask,
    const struct spd_key *key, struct class_match *m)
{
	const struct keying_selector *s;
	struct keying_selector	      pool;
	unsigned		      i;

	if (!ask->wants_inner || c->config->pool.addr.family != AF_INET ||
	    ask->mode != KEYING_TUNNEL || !is_all(ask->ours) ||
	    !core_is_ours(c, &key->src.addr) ||
	    key->src.plen != addr_bits(key->src.addr.family) ||
	    classes_find(c->config->classes, &ask->path->peer, m) == -1 ||
	    (m->class != OE_CLASS_PERMISSIVE &&
	    m->class != OE_CLASS_PARANOID) ||
	    (ask->proof->how == KEYING_BY_NOTHING && oe_config_anonymous(
	    c->config, m->class) == OE_ANONYMOUS_NO))
		return false;
	pool = keying_selector_prefix(&c->config->pool);
	for (i = 0; i < ask->theirs->n; i++) {
		s = &ask->theirs->ts[i];
		if (s->protocol == 0 && s->from.family == AF_INET &&
		    addr_compare(&s->from, &pool.from) <= 0 &&
		    addr_compare(&s->to, &pool.to) >= 0)
			return true;
	}
	return false;
}

/* In place of what the peer calls its own; false: none is free. */
static bool
responder_lend(struct core *c, uint64_t token, const struct keying_ask *ask,
    const struct spd_key *key, enum oe_class class)
{
	struct keying_selectors theirs;
	struct keying_selector	s;
	struct connection      *conn;
	struct spd_key		lent = *key;
	struct addr		a;

	if (!pool_take(c, &a))
		return false;
	lent.dst = prefix_host(&a);
	conn = responder_connection(c, ask->peer_id, &lent, class, 0,
	    RIGHT_LENT, false);
	if (conn == NULL) {
		pool_put(c, &a);
		return false;
	}
	s = keying_selector_host(&a, 0, 0);
	theirs = keying_selectors_of(&s);
	c->keying->narrow(c->keying_arg, token, ask->ours, &theirs, &a);
	log_info("peer %s at %s has %s of us", keying_id_text(ask->peer_id),
	    ADDR_TEXT(&ask->path->peer), ADDR_TEXT(&a));
	responder_authorize(c, token, conn);
	return true;
}

void
responder_child_ask(struct core *c, uint64_t now, uint64_t token,
    const struct keying_ask *ask)
{
	responder_ask(c, now, token, ask, now);
}

/*
 * §12.1: what comes from DNS alone never matches a configured tunnel, and never
 * more than one host with one host.  Less it may be: a protocol, a flow (RFC
 * 3104 §3).  claims: ports of a shared address, not granted yet.  NULL: it is
 * granted, or waits for an answer; else why it is refused.
 */
static const char *
responder_judge(struct core *c, uint64_t token, const struct keying_ask *ask,
    const struct keying_selectors *theirs, const struct spd_key *key,
    bool claims, uint64_t since)
{
	const struct keying_id *id = ask->peer_id;
	const struct addr      *peer = &ask->path->peer, *dst = &key->dst.addr;
	const char	       *why;
	struct class_match	m;
	struct connection      *conn;
	bool			shares, waits = false;

	if (ask->mode != KEYING_TUNNEL && !addr_equal(dst, peer))
		return "transport mode is for its own address";
	if (!spd_key_is_of_hosts(key))
		return "its selectors are not of single hosts";
	if (!are_flow_selectors(ask->ours, theirs))
		return "such protocol and port selectors mean nothing";
	if ((!is_all(ask->ours) || !is_all(theirs)) &&
	    responder_is_past(c, key))
		return responder_contest(c, token, ask, key, since) ? NULL :
		    "the kernel does ESP for all of its address";
	if (!core_is_ours(c, &key->src.addr))
		return "that is not our address";
	if (pool_has(c, dst)) {
		if ((conn = borrower(c, ask, key)) == NULL)
			return "that address is lent to another";
		responder_authorize(c, token, conn);
		return NULL;
	}
	if (core_is_ours(c, dst) || core_is_resolver(c, dst) ||
	    classes_find(c->config->classes, dst, &m) == -1 ||
	    (m.class != OE_CLASS_PERMISSIVE && m.class != OE_CLASS_PARANOID))
		return "policy";
	if (claims && (why = claim_refused(c, token, ask, theirs, key, since,
	    &waits)) != NULL)
		return waits ? NULL : why;
	if (ask->proof->how == KEYING_BY_NOTHING) {
		if ((why = anonymous_refused(c, ask, key, m.class)) == NULL)
			responder_authorize(c, token, responder_connection(c,
			    id, key, m.class, 0, RIGHT_FLOWS, true));
		return why;
	}
	if (m.class == OE_CLASS_PARANOID && peer_is_doubtful(c, id))
		return "DNSSEC of its key cannot be checked here";
	/* The key came from the address's own reverse map (§3.3.1). */
	if (id->type == KEYING_ID_ADDR && addr_equal(&id->addr, dst)) {
		responder_authorize(c, token, responder_connection(c, id, key,
		    m.class, 0, peer_is_authentic(c, id) ? RIGHT_DNSSEC :
		    RIGHT_DNS, false));
		return NULL;
	}
	shares = addr_equal(dst, peer) && id->type != KEYING_ID_ADDR;
	if (addr_equal(dst, peer) && m.class == OE_CLASS_PERMISSIVE) {
		if (responder_is_past(c, key))
			return responder_contest(c, token, ask, key, since) ?
			    NULL : "the kernel does ESP for another at its "
			    "address";
		responder_grant_flows(c, token, id, key, m.class, shares);
		return NULL;
	}
	if (m.class == OE_CLASS_PERMISSIVE &&
	    responder_is_translated(c, id, ask->path, dst)) {
		responder_grant_flows(c, token, id, key, m.class, true);
		return NULL;
	}
	return authorization_ask(c, token, NULL, id, key, m.class,
	    shares) == 0 ? NULL : "too many look-ups under way";
}

/* A configured tunnel, an address that we lend, or what DNS allows; *key is
 * what was asked for. */
static const char *
responder_decide(struct core *c, uint64_t token, const struct keying_ask *ask,
    struct spd_key *key, uint64_t since)
{
	const struct oe_tunnel *t;
	struct keying_selectors ours, theirs = of_the_first(ask->theirs);
	struct keying_ask	less;
	struct class_match	m;
	unsigned		index = 0;
	bool blocks = ports_are_blocks(&theirs), own = false, waits = false;

	if (keying_selectors_prefix(ask->ours, &key->src) &&
	    keying_selectors_prefix(&theirs, &key->dst) &&
	    responder_may_lend(c, ask, key, &m)) {
		/* Ports of its own address first, where it has them. */
		own = blocks && addr_equal(&key->dst.addr, &ask->path->peer) &&
		    claim_refused(c, token, ask, &theirs, key, since,
		    &waits) == NULL;
		if (waits || (!own && responder_lend(c, token, ask, key,
		    m.class)))
			return NULL;
	}
	t = ask->mode == KEYING_TUNNEL ? tunnel_of(c, ask->peer_id, ask->path,
	    &index) : NULL;
	if (ask->less && responder_narrow(c, t, ask, &ours, &theirs)) {
		less = *ask;
		less.ours = &ours;
		less.theirs = &theirs;
		ask = &less;
	}
	if (ask == &less || theirs.n != ask->theirs->n)
		c->keying->narrow(c->keying_arg, token, ask->ours, &theirs,
		    NULL);
	if (!keying_selectors_prefix(ask->ours, &key->src) ||
	    !keying_selectors_prefix(&theirs, &key->dst))
		return "its selectors are of no one prefix";
	if (t == NULL || !tunnel_allows(c, t, key) || !is_all(ask->ours) ||
	    !is_all(&theirs))
		return responder_judge(c, token, ask, &theirs, key,
		    blocks && !own, since);
	responder_authorize(c, token, responder_connection(c, ask->peer_id,
	    key, OE_CLASS_TUNNEL, index, RIGHT_CONFIGURED, false));
	return NULL;
}

void
responder_ask(struct core *c, uint64_t now, uint64_t token,
    const struct keying_ask *ask, uint64_t since)
{
	struct spd_key key;
	const char    *why;

	c->now = now;
	memset(&key, 0, sizeof(key));
	if ((why = responder_decide(c, token, ask, &key, since)) == NULL)
		return;
	if (ratelimit_pass(&c->bad_packet, now))
		log_info("peer %s at %s is refused %s: %s",
		    keying_id_text(ask->peer_id), ADDR_TEXT(&ask->path->peer),
		    ADDR_TEXT(&key.dst.addr), why);
	c->keying->authorize(c->keying_arg, now, token, NULL);
}

/* The peer has forgotten every SA that it had with us (RFC 2407 §4.6.3.3). */
void
responder_initial_contact(struct core *c, uint64_t now,
    const struct keying_id *id, const struct addr *peer)
{
	struct connection *conn, *next;

	c->now = now;
	TAILQ_FOREACH_SAFE(conn, &c->connections, all, next) {
		if (conn->state != CONNECTION_KEYED ||
		    !addr_equal(&conn->path.peer, peer) ||
		    !keying_id_equal(&conn->peer_id, id))
			continue;
		log_info("%s: peer %s began anew",
		    ADDR_TEXT(&conn->key.dst.addr), keying_id_text(id));
		connection_free(conn, false);
	}
}
