/* responder.c - keying, responder: who a peer is, and for whom it may speak (draft -17 §3.3) */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "net/ip.h"
#include "oe/connection.h"
#include "oe/limits.h"
#include "oe/lookup.h"
#include "oe/peer_gateway.h"
#include "oe/responder.h"

#define SECONDS		1000u
#define PEER_TTL_MIN	5		/* seconds: a flood of message 1 asks DNS once */
#define PEER_TTL_MAX	86400

enum { ASK_KEY, ASK_IPSECKEY, ASK_TXT };
static const uint16_t peer_types[] = { [ASK_KEY] = RECORD_TYPE_KEY,
	[ASK_IPSECKEY] = RECORD_TYPE_IPSECKEY, [ASK_TXT] = RECORD_TYPE_TXT };

/* An identity and what DNS says its keys are: the unauthenticated OE peer. */
struct peer {
	UT_hash_handle	 hh;
	struct keying_id id;
	struct core	*core;
	uint32_t	 from;		/* the address that named it first */
	unsigned	 waiting;	/* answers that have not come */
	bool		 found, authentic;
	enum record_status problem;	/* RECORD_NONE: just no record */
	unsigned	 nkeys;
	struct pubkey	*keys;
	uint32_t	 ttl;
	uint64_t	 expires;
	unsigned	 ntokens;
	uint64_t	 tokens[PEER_WAITING_MAX];
};

/*
 * What an authenticated peer asked for, and whether the reverse map of the
 * address that it would speak for names it (draft -17 §3.3.2, §3.3.3).
 */
struct authorization {
	TAILQ_ENTRY(authorization) entry;
	struct core	  *core;
	uint64_t	   token;	/* of the Phase 2 proposal that waits, or */
	struct connection *conn;	/* granted already, but not all of the address */
	struct keying_id   id;
	struct spd_key	   key;
	enum oe_class	   class;
	bool		   shares;
	bool		   answered;	/* DNS said something, not only nothing */
	uint32_t	   ttl;
	unsigned	   waiting;
};

/* --- configured tunnels ------------------------------------------------------------ */

/* The tunnel an identity belongs to: by its name, or its address where it has none. */
static const struct oe_tunnel *
tunnel_of(const struct core *c, const struct keying_id *id,
    const struct keying_path *path, unsigned *index)
{
	const struct oe_tunnel *t;
	size_t			i;

	for (i = 0; i < c->config->ntunnels; i++) {
		t = &c->config->tunnels[i];
		if (keying_id_equal(&t->peer_id, id) &&
		    (t->peer == 0 || t->peer == addr_v4(&path->peer))) {
			*index = (unsigned)i;
			return t;
		}
	}
	return NULL;
}

/* --- unauthenticated OE peer ---------------------------------------------------------- */

static void
peer_free(struct peer *p)
{
	struct core *c = p->core;

	HASH_DEL(c->peers, p);
	c->npeers--;
	lookups_forget(c, p);
	free(p->keys);
	free(p);
}

static void
peer_answer(struct peer *p)
{
	struct core *c = p->core;
	unsigned     i, n = p->ntokens;

	p->ntokens = 0;
	for (i = 0; i < n; i++)
		c->keying->peer_keys(c->keying_arg, c->now, p->tokens[i],
		    &(struct keying_credentials){ .keys = p->keys,
		    .nkeys = p->nkeys });
}

/* Does a delegation record name this identity, or the record's owner? */
static bool
record_names(const struct record *r, const struct keying_id *id)
{
	return keying_id_equal(&r->gateway, id);
}

static void
peer_dns(struct core *c, void *owner, unsigned tag,
    const struct record_answer *a)
{
	struct peer *p = owner;
	unsigned     i, had = p->nkeys;
	char	     name[KEYING_NAME_MAX + 1];

	p->waiting--;
	if (a->status == RECORD_FOUND &&
	    (a->authentic || !c->config->require_dnssec)) {
		for (i = 0; i < a->n; i++) {
			if (record_gives_key(&a->r[i], peer_types[tag], &p->id))
				keys_add(&p->keys, &p->nkeys, &a->r[i].key);
		}
		if (p->nkeys > had) {
			p->authentic = a->authentic && (had == 0 || p->authentic);
			p->found = true;
		}
	} else if (a->status != RECORD_FOUND && a->status != RECORD_NONE) {
		p->problem = a->status;
	}
	if (a->ttl < p->ttl)
		p->ttl = a->ttl;
	/* Its KEY record is what the draft asks for; the others stand in. */
	if (tag == ASK_KEY && p->found) {
		lookups_forget(c, p);
		p->waiting = 0;
	}
	if (p->waiting > 0)
		return;
	if (p->ttl < PEER_TTL_MIN)
		p->ttl = PEER_TTL_MIN;
	p->expires = c->now + (uint64_t)p->ttl * SECONDS;
	if (!p->found && ratelimit_pass(&c->bad_packet, c->now) &&
	    lookup_key_name(&p->id, name) == 0)
		log_info("peer %s has no key in DNS: no KEY, IPSECKEY or TXT "
		    "record with one at %s%s%s", keying_id_text(&p->id), name,
		    p->problem != RECORD_NONE ? ": " : "",
		    p->problem != RECORD_NONE ?
		    record_status_text(p->problem) : "");
	peer_answer(p);
}

/* The same bytes for the same identity: it is a hash key. */
static struct keying_id
canonical_id(const struct keying_id *id)
{
	struct keying_id out;

	memset(&out, 0, sizeof(out));
	out.type = id->type;
	if (id->type == KEYING_ID_ADDR)
		out.addr = id->addr;
	else
		memcpy(out.name, id->name, strlen(id->name));
	return out;
}

/* No address may have many names looked up at once: each costs questions whose
 * answers it can delay. */
static bool
peer_room(struct core *c, uint32_t from)
{
	struct peer *p, *next, *victim = NULL;
	unsigned     mine = 0, idle = 0;

	HASH_ITER(hh, c->peers, p, next) {
		if (p->waiting != 0)
			mine += p->from == from;
		else if (random_uniform(++idle) == 0)
			victim = p;
	}
	if (mine >= PEERS_WAITING_PER_ADDRESS)
		return false;
	if (c->npeers >= PEERS_MAX && victim != NULL)
		peer_free(victim);
	return c->npeers < PEERS_MAX;
}

static struct peer *
peer_new(struct core *c, const struct keying_id *id, const char *name,
    uint32_t from)
{
	struct peer *p;
	unsigned     i;

	if (!peer_room(c, from)) {
		c->count.limits++;
		return NULL;
	}
	p = xcalloc(1, sizeof(*p));
	p->core = c;
	p->id = *id;
	p->from = from;
	p->ttl = PEER_TTL_MAX;
	p->problem = RECORD_NONE;
	HASH_ADD(hh, c->peers, id, sizeof(p->id), p);
	c->npeers++;
	for (i = ASK_KEY; i <= ASK_TXT; i++) {
		if (lookup_start(c, CAUSE_STRANGERS, name, peer_types[i], peer_dns,
		    p, i) == 0)
			p->waiting++;
	}
	if (p->waiting == 0) {
		peer_free(p);
		return NULL;
	}
	return p;
}

void
responder_peer_lookup(struct core *c, uint64_t now, uint64_t token,
    const struct keying_id *id, enum keying_how claims,
    const struct keying_path *path)
{
	const struct oe_tunnel *t;
	struct class_match	m;
	struct keying_id	key = canonical_id(id);
	struct peer	       *p;
	char			name[KEYING_NAME_MAX + 1];
	unsigned		index;
	uint32_t		peer = addr_v4(&path->peer);
	struct keying_credentials credentials = { 0 };

	c->now = now;
	/* Nobody is anonymous to us. */
	if (claims == KEYING_BY_NOTHING)
		goto refuse;
	if ((t = tunnel_of(c, id, path, &index)) != NULL) {
		if (t->my_id.type != 0)
			c->keying->peer_identity(c->keying_arg, token, &t->my_id);
		credentials = oe_tunnel_credentials(t);
		c->keying->peer_keys(c->keying_arg, now, token, &credentials);
		return;
	}
	/* Where nobody may encrypt there is nothing to look up.  Which clients
	 * may is known in Phase 2: a gateway's own class says little of them. */
	if (c->config->key == NULL || lookup_key_name(id, name) == -1 ||
	    (!classes_has(c->config->classes, OE_CLASS_PERMISSIVE) &&
	    !classes_has(c->config->classes, OE_CLASS_PARANOID)) ||
	    (classes_find(c->config->classes, peer, &m) == 0 &&
	    m.class == OE_CLASS_DENY))
		goto refuse;
	HASH_FIND(hh, c->peers, &key, sizeof(key), p);
	if (p != NULL && p->waiting == 0 && now >= p->expires) {
		peer_free(p);
		p = NULL;
	}
	if (p == NULL && (p = peer_new(c, &key, name, peer)) == NULL)
		goto refuse;
	if (p->waiting == 0) {
		credentials.keys = p->keys;
		credentials.nkeys = p->nkeys;
		c->keying->peer_keys(c->keying_arg, now, token, &credentials);
		return;
	}
	if (p->ntokens == PEER_WAITING_MAX)
		goto refuse;
	p->tokens[p->ntokens++] = token;
	return;
refuse:
	c->keying->peer_keys(c->keying_arg, now, token, &credentials);
}

bool
responder_authentic(struct core *c, const struct keying_id *id)
{
	struct keying_id key = canonical_id(id);
	struct peer	*p;

	HASH_FIND(hh, c->peers, &key, sizeof(key), p);
	return p != NULL && p->found && p->authentic;
}

/* --- authenticated, authorized OE peer --------------------------------------------------- */

static void
authorization_free(struct authorization *a)
{
	struct core *c = a->core;

	lookups_forget(c, a);
	TAILQ_REMOVE(&c->authorizations, a, entry);
	c->nauthorizations--;
	free(a);
}

void
responder_forget(struct core *c, const struct connection *conn)
{
	struct authorization *a, *next;

	for (a = TAILQ_FIRST(&c->authorizations); a != NULL; a = next) {
		next = TAILQ_NEXT(a, entry);
		if (a->conn == conn)
			authorization_free(a);
	}
}

static uint64_t
expiry(const struct core *c, uint32_t ttl)
{
	return c->now + (uint64_t)(ttl < PEER_TTL_MIN ? PEER_TTL_MIN :
	    ttl > PEER_TTL_MAX ? PEER_TTL_MAX : ttl) * SECONDS;
}

/*
 * The connection that this peer's keys will be for.  One with nothing but flows
 * of its own has a connection beside whatever else there is for the address.
 */
static struct connection *
connection_for(struct core *c, const struct keying_id *id,
    const struct spd_key *key, enum oe_class class, unsigned tunnel,
    enum oe_right right, bool shares)
{
	struct connection *conn = NULL;
	struct spd_entry  *e;
	bool		   fresh;

	if ((e = spd_get(c, key, CAUSE_STRANGERS)) == NULL &&
	    limits_keyed_evict(c, id, NULL))
		e = spd_get(c, key, CAUSE_STRANGERS);
	if (e != NULL) {
		conn = right == RIGHT_FLOWS ? connection_identical(e, id) :
		    connection_with(e, id);
		fresh = conn == NULL;
		if (fresh && (right != RIGHT_FLOWS || e->nconnections <
		    CONNECTIONS_PER_ENTRY - PEER_GATEWAYS_MAX)) {
			conn = connection_new(c, e, class, tunnel);
			if (conn == NULL && limits_keyed_evict(c, id, e))
				conn = connection_new(c, e, class, tunnel);
		}
		if (conn != NULL && TAILQ_EMPTY(&conn->pairs) &&
		    conn->state != CONNECTION_PENDING)
			conn->peer_id = *id;
		if (conn != NULL && (fresh || right != RIGHT_FLOWS))
			connection_set_right(conn, right, shares);
		if (conn == NULL && TAILQ_EMPTY(&e->connections))
			spd_update(c, e);
	}
	return conn;
}

/* The answer may be followed at once by the end of the connection: it comes last. */
static void
authorize(struct core *c, uint64_t token, struct connection *conn)
{
	c->keying->authorize(c->keying_arg, c->now, token, conn);
}

/* One peer's questions must not use up everybody's. */
static bool
authorization_room(const struct core *c, const struct keying_id *id)
{
	const struct authorization *a;
	unsigned		    n = 0;

	TAILQ_FOREACH(a, &c->authorizations, entry)
		n += keying_id_equal(&a->id, id);
	return n < AUTHORIZATIONS_PER_PEER &&
	    c->nauthorizations < AUTHORIZATIONS_MAX;
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
		conn = connection_for(c, &a->id, &a->key, a->class, 0, right,
		    a->shares);
	else {
		if (conn->right == RIGHT_FLOWS)
			log_info("peer %s is named by the reverse map of %s: "
			    "all packets for that address are for it",
			    keying_id_text(&a->id), ipv4_text(a->key.dst));
		connection_set_right(conn, right, a->shares);
	}
	if (conn != NULL)
		conn->right_expires = expiry(c, a->ttl);
	authorization_free(a);
	if (waits)
		authorize(c, token, conn);
}

static void
authorization_unnamed(struct authorization *a)
{
	struct core	  *c = a->core;
	struct connection *conn = a->conn;
	uint64_t	   token = a->token;

	if (conn == NULL) {
		log_info("peer %s may not speak for %s: no record there names "
		    "it", keying_id_text(&a->id), ipv4_text(a->key.dst));
	} else if (!a->answered) {
		conn->right_expires = expiry(c, 0);
	} else {
		/* Only DNS that says so takes a right away. */
		if (conn->right != RIGHT_FLOWS)
			log_info("peer %s is not named by the reverse map of "
			    "%s any more: its own flows only",
			    keying_id_text(&a->id), ipv4_text(a->key.dst));
		conn->right_expires = expiry(c, a->ttl);
		connection_set_right(conn, RIGHT_FLOWS, true);
	}
	authorization_free(a);
	if (conn == NULL)
		authorize(c, token, NULL);
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
	if (answer->status == RECORD_FOUND &&
	    (answer->authentic || !c->config->require_dnssec)) {
		for (i = 0; i < answer->n; i++) {
			if (record_names(&answer->r[i], &a->id)) {
				authorization_named(a, answer->authentic);
				return;
			}
		}
	}
	if (a->waiting == 0)
		authorization_unnamed(a);
}

/* Asks the reverse map of the address that the peer would speak for; -1 at a limit. */
static int
authorization_ask(struct core *c, uint64_t token, struct connection *conn,
    const struct keying_id *id, const struct spd_key *key, enum oe_class class,
    bool shares)
{
	struct authorization *a;
	char		      name[RECORD_REVERSE_LEN];

	if (!authorization_room(c, id))
		return -1;
	a = xcalloc(1, sizeof(*a));
	a->core = c;
	a->token = token;
	a->conn = conn;
	a->id = *id;
	a->key = *key;
	a->class = class;
	a->shares = shares;
	a->ttl = PEER_TTL_MAX;
	TAILQ_INSERT_TAIL(&c->authorizations, a, entry);
	c->nauthorizations++;
	record_reverse_name(key->dst, name);
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
authorize_flows(struct core *c, uint64_t token, const struct keying_id *id,
    const struct spd_key *key, enum oe_class class, bool shares)
{
	struct connection *conn;
	const struct authorization *a;

	conn = connection_for(c, id, key, class, 0, RIGHT_FLOWS, true);
	/* What our own search found is looked at again by that. */
	if (conn == NULL || c->now < conn->right_expires ||
	    (conn->right != RIGHT_FLOWS && conn->right_expires == 0))
		goto out;
	TAILQ_FOREACH(a, &c->authorizations, entry) {
		if (a->conn == conn)
			goto out;
	}
	(void)authorization_ask(c, token, conn, id, key, class, shares);
out:
	authorize(c, token, conn);
}

/* What goes past us to an address all goes one way: flows of another are not seen. */
static bool
address_is_past(struct core *c, const struct spd_key *key)
{
	const struct spd_entry	*e = spd_find(c, key->src, key->dst);
	const struct connection *conn;

	if (e == NULL)
		return false;
	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (esp_policy_is_past(&conn->esp))
			return true;
	}
	return false;
}

static bool
has_meaning(const struct keying_selectors *side)
{
	const struct keying_selector *s;
	unsigned		      i;

	for (i = 0; i < side->n; i++) {
		s = &side->ts[i];
		if (keying_selector_port(s) != 0 && s->protocol != IPPROTO_TCP &&
		    s->protocol != IPPROTO_UDP)
			return false;
	}
	return true;
}

/* Are these protocols and their ports? */
static bool
selects(const struct keying_selectors *a, const struct keying_selectors *b)
{
	return has_meaning(a) && has_meaning(b) && (a->n != 1 || b->n != 1 ||
	    a->ts[0].protocol == b->ts[0].protocol);
}

static bool
is_all(const struct keying_selectors *s)
{
	return s->n == 1 && s->ts[0].protocol == 0;
}

static bool
tunnel_allows(const struct core *c, const struct oe_tunnel *t,
    const struct spd_key *k)
{
	if (k->dst != t->remote_net || k->dst_plen != t->remote_plen)
		return false;
	return t->local_plen == 0 ? k->src == c->local && k->src_plen == 32 :
	    k->src == t->local_net && k->src_plen == t->local_plen;
}

/*
 * A host behind a NAT is known by its name, and has an address of a realm of its own
 * (RFC 3947 §5.1), which many others have in theirs: flows of its own, then, as where
 * hosts share a public one.  Not an address that somebody near us may have.
 */
static bool
is_translated(const struct core *c, const struct keying_id *id,
    const struct keying_path *path, uint32_t addr)
{
	return id->type == KEYING_ID_FQDN && path->local_port == KEYING_PORT_NATT &&
	    ip_is_rfc1918(addr, 32) && c->shell->is_near != NULL &&
	    !c->shell->is_near(c->shell_arg, addr);
}

void
responder_child_ask(struct core *c, uint64_t now, uint64_t token,
    const struct keying_ask *ask)
{
	const struct keying_id	     *id = ask->peer_id;
	const struct keying_path     *path = ask->path;
	const struct oe_tunnel *t;
	struct class_match	m;
	struct prefix		ours, theirs;
	struct spd_key		key;
	const char	       *why;
	unsigned		index = 0;
	uint32_t		peer = addr_v4(&path->peer);
	bool			shares;

	c->now = now;
	memset(&key, 0, sizeof(key));
	why = "its selectors are of no one prefix";
	if (!keying_selectors_prefix(ask->ours, &ours) ||
	    !keying_selectors_prefix(ask->theirs, &theirs) ||
	    ours.addr.family != AF_INET || theirs.addr.family != AF_INET)
		goto refuse;
	key.src = addr_v4(&ours.addr);
	key.dst = addr_v4(&theirs.addr);
	key.src_plen = ours.plen;
	key.dst_plen = theirs.plen;
	if (ask->mode == KEYING_TUNNEL &&
	    (t = tunnel_of(c, id, path, &index)) != NULL &&
	    tunnel_allows(c, t, &key) && is_all(ask->ours) &&
	    is_all(ask->theirs)) {
		authorize(c, token, connection_for(c, id, &key,
		    OE_CLASS_TUNNEL, index, RIGHT_CONFIGURED, false));
		return;
	}
	/* §12.1: what comes from DNS alone never matches a configured tunnel, and
	 * never more than one host with one host.  Less it may be: a protocol, a
	 * flow (RFC 3104 §3). */
	why = "it wants transport mode";
	if (ask->mode != KEYING_TUNNEL)
		goto refuse;
	why = "its selectors are not of single hosts";
	if (key.src_plen != 32 || key.dst_plen != 32)
		goto refuse;
	why = "such protocol and port selectors mean nothing";
	if (!selects(ask->ours, ask->theirs))
		goto refuse;
	why = "the kernel does ESP for all of its address";
	if (!is_all(ask->ours) && address_is_past(c, &key))
		goto refuse;
	why = "that is not our address";
	if (!core_is_ours(c, key.src))
		goto refuse;
	why = "policy";
	if (core_is_ours(c, key.dst) || core_is_resolver(c, key.dst) ||
	    classes_find(c->config->classes, key.dst, &m) == -1 ||
	    (m.class != OE_CLASS_PERMISSIVE && m.class != OE_CLASS_PARANOID))
		goto refuse;
	/* The key came from the address's own reverse map (§3.3.1). */
	if (id->type == KEYING_ID_ADDR && addr_v4(&id->addr) == key.dst) {
		authorize(c, token, connection_for(c, id, &key, m.class, 0,
		    responder_authentic(c, id) ? RIGHT_DNSSEC : RIGHT_DNS,
		    false));
		return;
	}
	shares = key.dst == peer && id->type != KEYING_ID_ADDR;
	if (key.dst == peer && m.class == OE_CLASS_PERMISSIVE) {
		why = "the kernel does ESP for another at its address";
		if (address_is_past(c, &key))
			goto refuse;
		authorize_flows(c, token, id, &key, m.class, shares);
		return;
	}
	if (m.class == OE_CLASS_PERMISSIVE && is_translated(c, id, path, key.dst)) {
		authorize_flows(c, token, id, &key, m.class, true);
		return;
	}
	why = "too many look-ups under way";
	if (authorization_ask(c, token, NULL, id, &key, m.class, shares) == 0)
		return;
refuse:
	if (ratelimit_pass(&c->bad_packet, now))
		log_info("peer %s at %s is refused %s: %s", keying_id_text(id),
		    ADDR_TEXT(&path->peer), ipv4_text(key.dst), why);
	c->keying->authorize(c->keying_arg, now, token, NULL);
}

/* It has forgotten every SA that it had with us (RFC 2407 §4.6.3.3). */
void
responder_initial_contact(struct core *c, uint64_t now,
    const struct keying_id *id, const struct addr *peer)
{
	struct connection *conn, *next;

	c->now = now;
	for (conn = TAILQ_FIRST(&c->connections); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, all);
		if (conn->state != CONNECTION_KEYED ||
		    !addr_equal(&conn->path.peer, peer) ||
		    !keying_id_equal(&conn->peer_id, id))
			continue;
		log_info("%s: peer %s began anew", ipv4_text(conn->key.dst),
		    keying_id_text(id));
		connection_free(conn, false);
	}
}

void
responder_tick(struct core *c)
{
	struct peer *p, *next;

	HASH_ITER(hh, c->peers, p, next) {
		if (p->waiting == 0 && c->now >= p->expires)
			peer_free(p);
	}
}

void
responder_free(struct core *c)
{
	struct authorization *a;
	struct peer	     *p, *next;

	HASH_ITER(hh, c->peers, p, next)
		peer_free(p);
	while ((a = TAILQ_FIRST(&c->authorizations)) != NULL)
		authorization_free(a);
}
