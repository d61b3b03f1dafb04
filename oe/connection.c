/* connection.c - keying, initiator: from the first datagram to keys, clear text or denial (draft -17 §3.2) */
#include "config.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "oe/core.h"

#define SECONDS		1000u
#define UNFINISHED_MAX	(60 * SECONDS)	/* a responder's connection without keys */

/* Tags of a connection's DNS questions. */
enum { ASK_TXT, ASK_IPSECKEY, ASK_KEY /* + index of the gateway */ };

const char *
connection_state_name(enum connection_state s)
{
	static const char *const names[] = { "nonexistent", "potential OE",
		"authenticate", "pending OE", "keyed", "clear-text", "deny",
		"expiring", "expired" };

	return names[s];
}

static bool
class_is_oe(enum oe_class class)
{
	return class == OE_CLASS_PERMISSIVE || class == OE_CLASS_PARANOID;
}

static uint32_t
mask_of(unsigned plen)
{
	return plen == 0 ? 0 : htonl(0xffffffffu << (32 - plen));
}

static void
connection_set(struct connection *conn, enum connection_state state,
    enum spd_policy policy)
{
	conn->state = state;
	conn->policy = policy;
	if (conn->spd != NULL)
		spd_update(conn->core, conn->spd);
}

static void
connection_route(struct connection *conn, bool add)
{
	struct core *c = conn->core;

	if (conn->routed == add || c->shell->pass_route == NULL ||
	    (add && (conn->spd == NULL || conn->spd->policy != SPD_PASS)))
		return;
	conn->routed = add;
	c->shell->pass_route(c->shell_arg, conn->key.dst, add);
}

struct connection *
connection_new(struct core *c, struct spd_entry *e, enum oe_class class,
    unsigned tunnel)
{
	struct connection *conn;

	if (c->nconnections >= c->config->connections_max ||
	    e->nconnections >= CONNECTIONS_PER_ENTRY) {
		c->count.limits++;
		return NULL;
	}
	conn = xcalloc(1, sizeof(*conn));
	conn->core = c;
	conn->spd = e;
	conn->key = e->key;
	conn->class = class;
	conn->tunnel = tunnel;
	conn->born = conn->used = c->now;
	TAILQ_INIT(&conn->pairs);
	TAILQ_INSERT_HEAD(&e->connections, conn, entry);
	TAILQ_INSERT_TAIL(&c->connections, conn, all);
	e->nconnections++;
	c->nconnections++;
	return conn;
}

static void
pair_free(struct sa_pair *p)
{
	struct core *c = p->connection->core;

	HASH_DEL(c->sad, p);
	TAILQ_REMOVE(&p->connection->pairs, p, entry);
	if (c->shell->spi_put != NULL)
		c->shell->spi_put(c->shell_arg, p->spi_in);
	esp_sa_free(p->in);
	esp_sa_free(p->out);
	free(p);
}

/* Out of the forwarding plane; what it decided is decided no more. */
static void
connection_detach(struct connection *conn)
{
	struct spd_entry *e = conn->spd;

	connection_route(conn, false);
	flow_forget(conn->core, conn);
	lookups_forget(conn->core, conn);
	conn->waiting = 0;
	if (e == NULL)
		return;
	conn->spd = NULL;
	conn->policy = SPD_NONE;
	if (e->fragment_to == conn)
		e->fragment_to = NULL;
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
	c->ops->forget(c->ops_arg, c->now, conn, tell);
	while ((p = TAILQ_FIRST(&conn->pairs)) != NULL)
		pair_free(p);
	gateways_clear(conn);
	free(conn->peer_key);
	TAILQ_REMOVE(&c->connections, conn, all);
	c->nconnections--;
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
		if (c->ops->delete_child(c->ops_arg, c->now, p->spi_in) == 0)
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

/*
 * Clear text or denial, for lifespan seconds.  hard: the drafts deny whatever
 * the class (malformed records, DNSSEC failure: §3.2.4).
 */
static void connection_settle(struct connection *conn, bool deny,
    unsigned lifespan, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void
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
	conn->recheck = false;
	lookups_forget(c, conn);
	conn->waiting = 0;
	gateways_clear(conn);
	conn->look_at = c->now + (uint64_t)lifespan * SECONDS;
	if (class_is_oe(conn->class) && !again)
		log_info("%s: %s: %s; looked at again in %u s",
		    ipv4_text(conn->key.dst), deny ? "denied" : "clear text",
		    reason, lifespan);
	connection_set(conn, deny ? CONNECTION_DENY : CONNECTION_CLEAR,
	    deny ? SPD_DENY : SPD_PASS);
	connection_route(conn, !deny);
	if (!again)
		report_event(c, conn, deny ? "deny" : "clear-text");
}

/* No encryption: what the class says of that (§3.2: OE-permissive, OE-paranoid). */
#define connection_no_oe(conn_, lifespan_, ...) \
	connection_settle(conn_, (conn_)->class != OE_CLASS_PERMISSIVE, \
	    lifespan_, __VA_ARGS__)

static unsigned
dns_left(const struct connection *conn)
{
	uint64_t now = conn->core->now;
	unsigned least = conn->core->config->lifespan_short;

	if (conn->dns_expires <= now + (uint64_t)least * SECONDS)
		return least;
	return (unsigned)((conn->dns_expires - now) / SECONDS);
}

/* --- pending OE --------------------------------------------------------------------- */

/* Another connection is keyed with that peer: it knows us as we are now. */
static bool
peer_knows_us(const struct core *c, const struct keying_id *id)
{
	const struct connection *conn;

	TAILQ_FOREACH(conn, &c->connections, all) {
		if (conn->state == CONNECTION_KEYED &&
		    keying_id_equal(&conn->peer_id, id))
			return true;
	}
	return false;
}

static int
connection_request(struct connection *conn)
{
	struct core	      *c = conn->core;
	const struct gateway  *g;
	const struct oe_tunnel *t;
	struct keying_request  r;

	memset(&r, 0, sizeof(r));
	r.path.local = c->local;
	r.path.local_port = c->ike_port;
	r.my_id = core_my_id(c);
	if (conn->class == OE_CLASS_TUNNEL) {
		t = &c->config->tunnels[conn->tunnel];
		r.path.peer = t->peer;
		r.peer_id = t->peer_id;
		if (t->my_id.type != 0)
			r.my_id = t->my_id;
		r.keys = t->key.len != 0 ? &t->key : NULL;
		r.nkeys = t->key.len != 0;
		r.psk = t->psk;
		r.psk_len = t->psk_len;
	} else {
		if (conn->gateway >= conn->ngateways)
			return -1;
		g = &conn->gateways[conn->gateway];
		r.path.peer = g->addr;
		r.peer_id = g->id;
		r.keys = g->keys;
		r.nkeys = g->nkeys;
	}
	r.src.net = conn->key.src;
	r.src.mask = mask_of(conn->key.src_plen);
	r.dst.net = conn->key.dst;
	r.dst.mask = mask_of(conn->key.dst_plen);
	r.initial_contact = !peer_knows_us(c, &r.peer_id);
	conn->path.peer = r.path.peer;
	if (TAILQ_EMPTY(&conn->pairs))
		conn->peer_id = r.peer_id;
	conn->requested = true;
	conn->request_at = c->now;
	if (c->ops->request(c->ops_arg, c->now, &r, conn) == -1) {
		conn->requested = false;
		return -1;
	}
	return 0;
}

static void
connection_pending(struct connection *conn)
{
	connection_set(conn, CONNECTION_PENDING,
	    conn->recheck ? conn->policy : SPD_HOLD);
	if (connection_request(conn) == -1)
		connection_failed(conn, KEYING_LOCAL, "too many negotiations");
}

int
connection_rekey(struct connection *conn, const char *why)
{
	if (conn->requested || conn->core->now - conn->request_at < REKEY_RETRY)
		return 0;
	log_debug("%s: rekeying: %s", ipv4_text(conn->key.dst), why);
	return connection_request(conn);
}

/* Of several gateways' failures the one that says most decides the lifespan. */
static unsigned
failure_rank(enum keying_failure f)
{
	switch (f) {
	case KEYING_SIGNATURE:
		return 3;
	case KEYING_PHASE2_REFUSED:
		return 2;
	case KEYING_IDENTITY:
		return 1;
	case KEYING_SILENCE:
	case KEYING_ICMP:
	case KEYING_PHASE1_REFUSED:
	case KEYING_LOCAL:
		break;
	}
	return 0;
}

static unsigned
failure_lifespan(const struct connection *conn)
{
	switch (conn->failure) {
	case KEYING_SIGNATURE:		/* until DNS may say otherwise */
		return dns_left(conn);
	case KEYING_PHASE2_REFUSED:	/* it lives, and does not want OE */
		return conn->core->config->lifespan;
	case KEYING_IDENTITY:
	case KEYING_SILENCE:
	case KEYING_ICMP:
	case KEYING_PHASE1_REFUSED:
	case KEYING_LOCAL:
		break;
	}
	return conn->core->config->lifespan_short;
}

void
connection_failed(struct connection *conn, enum keying_failure f,
    const char *detail)
{
	struct core *c = conn->core;

	conn->requested = false;
	c->count.failed++;
	if (!conn->failed || failure_rank(f) >= failure_rank(conn->failure))
		conn->failure = f;
	conn->failed = true;
	switch (conn->state) {
	case CONNECTION_NONEXISTENT:
		connection_free(conn, false);
		return;
	case CONNECTION_PENDING:
		break;
	case CONNECTION_KEYED:
		/* §3.2.6: the policy stands until the keys' hard expiry. */
		log_info("%s: rekeying failed: %s%s%s",
		    ipv4_text(conn->key.dst), keying_failure_text(f),
		    detail != NULL ? ", " : "", detail != NULL ? detail : "");
		return;
	case CONNECTION_POTENTIAL:
	case CONNECTION_AUTHENTICATE:
	case CONNECTION_CLEAR:
	case CONNECTION_DENY:
	case CONNECTION_EXPIRING:
	case CONNECTION_EXPIRED:
		return;
	}
	if (conn->gateway + 1 < conn->ngateways) {
		log_info("%s: gateway %s: %s; trying the next",
		    ipv4_text(conn->key.dst),
		    ipv4_text(conn->gateways[conn->gateway].addr),
		    keying_failure_text(f));
		conn->gateway++;
		connection_pending(conn);
		return;
	}
	connection_no_oe(conn, failure_lifespan(conn), "IKE with %s: %s%s%s",
	    ipv4_text(conn->path.peer), keying_failure_text(conn->failure),
	    detail != NULL && *detail != '\0' ? ", " : "",
	    detail != NULL ? detail : "");
}

/* --- potential OE: DNS ---------------------------------------------------------------- */

static void
dns_note(struct connection *conn, const struct record_answer *a)
{
	uint64_t until = conn->core->now + (uint64_t)a->ttl * SECONDS;

	if (conn->dns_expires == 0 || until < conn->dns_expires)
		conn->dns_expires = until;
}

/* Everything DNS had to say is here (§3.2.4): may it be believed? */
static void
connection_authenticate(struct connection *conn)
{
	struct core *c = conn->core;
	bool	     keyed = conn->state == CONNECTION_KEYED;

	if (!keyed)
		conn->state = CONNECTION_AUTHENTICATE;
	gateways_drop_unusable(conn);
	if (keyed) {
		conn->recheck = false;
		if (conn->ngateways == 0)
			connection_expire(conn, "its DNS record is gone");
		else if (conn->peer_key != NULL &&
		    !gateways_have_key(conn, conn->peer_key))
			connection_rekey(conn, "its key in DNS changed");
		return;
	}
	if (c->config->require_dnssec && !conn->authentic) {
		connection_no_oe(conn, dns_left(conn),
		    "its DNS record is not vouched for by DNSSEC");
		return;
	}
	if (conn->ngateways == 0) {
		if (conn->key_malformed)
			connection_settle(conn, true, dns_left(conn),
			    "malformed KEY record in DNS");
		else
			connection_no_oe(conn, dns_left(conn),
			    "no usable gateway or key in its DNS record");
		return;
	}
	conn->gateway = 0;
	conn->failed = false;
	connection_pending(conn);
}

static void connection_dns(struct core *c, void *owner, unsigned tag,
    const struct record_answer *a);

/* A record may name a gateway and leave its key to a KEY record (§5.1). */
static void
connection_find_keys(struct connection *conn)
{
	struct core *c = conn->core;
	char	     name[KEYING_NAME_MAX + 1];
	unsigned     i;

	lookups_forget(c, conn);
	conn->waiting = 0;
	for (i = 0; i < conn->ngateways; i++) {
		if (conn->gateways[i].nkeys == 0 &&
		    lookup_key_name(&conn->gateways[i].id, name) == 0 &&
		    lookup_start(c, name, RECORD_TYPE_KEY, connection_dns,
		    conn, ASK_KEY + i) == 0)
			conn->waiting++;
	}
	if (conn->waiting == 0)
		connection_authenticate(conn);
}

static void
connection_no_record(struct connection *conn)
{
	const struct oe_config *o = conn->core->config;
	enum record_status	s = conn->txt;

	if (s == RECORD_NONE && conn->ipseckey != RECORD_NONE)
		s = conn->ipseckey;
	if (conn->state == CONNECTION_KEYED) {
		conn->recheck = false;
		/* Only DNS that says so takes a working connection down. */
		if (s == RECORD_NONE)
			connection_expire(conn, "its DNS record is gone");
		return;
	}
	switch (s) {
	case RECORD_MALFORMED:
	case RECORD_BOGUS:
		connection_settle(conn, true, dns_left(conn), "%s",
		    record_status_text(s));
		break;
	case RECORD_FAILED:
	case RECORD_TIMEOUT:
		connection_no_oe(conn, o->lifespan_short, "%s",
		    record_status_text(s));
		break;
	case RECORD_FOUND:
	case RECORD_NONE:
		connection_no_oe(conn, conn->recheck ? o->lifespan :
		    o->lifespan_first, "%s", record_status_text(RECORD_NONE));
		break;
	}
}

static void
connection_dns(struct core *c, void *owner, unsigned tag,
    const struct record_answer *a)
{
	struct connection *conn = owner;

	(void)c;
	if (conn->waiting > 0)
		conn->waiting--;
	dns_note(conn, a);
	if (tag >= ASK_KEY) {
		if (a->status == RECORD_FOUND &&
		    tag - ASK_KEY < conn->ngateways) {
			gateway_add_keys(&conn->gateways[tag - ASK_KEY], a);
			conn->authentic = conn->authentic && a->authentic;
		} else if (a->status == RECORD_MALFORMED ||
		    a->status == RECORD_BOGUS) {
			conn->key_malformed = true;
		}
		if (conn->waiting == 0)
			connection_authenticate(conn);
		return;
	}
	if (tag == ASK_TXT) {
		conn->txt = a->status;
		conn->txt_here = true;
	} else {
		conn->ipseckey = a->status;
		conn->ipseckey_here = true;
	}
	/* TXT is what the drafts ask for; IPSECKEY stands in where it is absent. */
	if (a->status == RECORD_FOUND) {
		gateways_set(conn, a);
		conn->authentic = a->authentic;
		if (tag == ASK_TXT) {
			connection_find_keys(conn);
			return;
		}
	}
	if (!conn->txt_here || !conn->ipseckey_here)
		return;
	if (conn->ipseckey == RECORD_FOUND && conn->txt == RECORD_NONE)
		connection_find_keys(conn);
	else
		connection_no_record(conn);
}

static void
connection_potential(struct connection *conn)
{
	struct core *c = conn->core;
	char	     name[RECORD_REVERSE_LEN];

	if (conn->state != CONNECTION_KEYED)
		connection_set(conn, CONNECTION_POTENTIAL,
		    conn->recheck ? conn->policy : SPD_HOLD);
	lookups_forget(c, conn);
	conn->txt_here = conn->ipseckey_here = conn->key_malformed = false;
	conn->dns_expires = 0;
	conn->dns_time = c->now;
	conn->waiting = 0;
	record_reverse_name(conn->key.dst, name);
	if (lookup_start(c, name, RECORD_TYPE_TXT, connection_dns, conn,
	    ASK_TXT) == -1 || lookup_start(c, name, RECORD_TYPE_IPSECKEY,
	    connection_dns, conn, ASK_IPSECKEY) == -1) {
		lookups_forget(c, conn);
		if (conn->state != CONNECTION_KEYED)
			connection_no_oe(conn, c->config->lifespan_short,
			    "too many DNS look-ups under way");
		return;
	}
	conn->waiting = 2;
}

void
connection_acquire(struct core *c, struct spd_entry *e,
    const struct policy_match *m)
{
	struct connection *conn;

	/* A peer that was authorized is about to bring keys: wait for those. */
	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (conn->state == CONNECTION_NONEXISTENT) {
			connection_set(conn, conn->state, SPD_HOLD);
			return;
		}
	}
	if ((conn = connection_new(c, e, m->class, m->tunnel)) == NULL) {
		if (TAILQ_EMPTY(&e->connections))
			spd_update(c, e);
		return;
	}
	switch (m->class) {
	case OE_CLASS_DENY:
		connection_settle(conn, true, c->config->lifespan_first,
		    "policy class deny");
		return;
	case OE_CLASS_CLEAR:
		connection_settle(conn, false, c->config->lifespan_first,
		    "policy class always-clear-text");
		return;
	case OE_CLASS_TUNNEL:
		connection_pending(conn);
		return;
	case OE_CLASS_PERMISSIVE:
	case OE_CLASS_PARANOID:
		break;
	}
	if (c->config->key == NULL)
		connection_no_oe(conn, c->config->lifespan, "we have no key of "
		    "our own");
	else if (!c->config->initiate)
		connection_no_oe(conn, c->config->lifespan, "configured to "
		    "accept, not to initiate");
	else
		connection_potential(conn);
}

/* --- keyed ------------------------------------------------------------------------------ */

struct sa_pair *
connection_pair(const struct connection *conn)
{
	struct sa_pair *p;

	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (p->confirmed)
			return p;
	}
	return NULL;
}

struct connection *
connection_with(const struct spd_entry *e, const struct keying_id *id)
{
	struct connection *conn, *other = NULL;

	TAILQ_FOREACH(conn, &e->connections, entry) {
		switch (conn->state) {
		case CONNECTION_KEYED:
		case CONNECTION_PENDING:
		case CONNECTION_NONEXISTENT:
			if (keying_id_equal(&conn->peer_id, id))
				return conn;
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

static void
connection_keyed(struct connection *conn, struct sa_pair *fresh)
{
	struct core	  *c = conn->core;
	struct connection *other;
	struct sa_pair	  *p;
	bool		   rekey = conn->state == CONNECTION_KEYED;
	const struct esp_params *e = esp_sa_params(fresh->out);

	fresh->confirmed = true;
	conn->failed = false;
	/* §3.4.2: the new outbound SA at once; the old pair goes when what is
	 * under way has come.  Two negotiations that crossed both stay: the peer may
	 * have chosen the other. */
	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (p != fresh && p->linger == 0 &&
		    fresh->born - p->born >= CROSSING)
			p->linger = c->now + LINGER;
	}
	log_info("%s: %s with %s at %s, SPIs 0x%08x in, 0x%08x out, %s",
	    ipv4_text(conn->key.dst), rekey ? "rekeyed" : "encrypted",
	    keying_id_text(&conn->peer_id), ipv4_text(conn->path.peer),
	    fresh->spi_in, fresh->spi_out,
	    esp_cipher_name(e->cipher, e->cipher_len));
	if (rekey) {
		report_event(c, conn, "rekeyed");
		return;
	}
	c->count.keyed++;
	conn->recheck = false;
	/* As responder we may have been asking DNS ourselves. */
	lookups_forget(c, conn);
	conn->waiting = 0;
	conn->born = conn->used = c->now;
	conn->look_at = c->now + (uint64_t)c->config->lifespan_first * SECONDS;
	snprintf(conn->reason, sizeof(conn->reason), "%s",
	    fresh->initiator ? "its key is in DNS and IKE succeeded" :
	    "the peer asked for it and proved its key");
	if (conn->class == OE_CLASS_TUNNEL)
		snprintf(conn->reason, sizeof(conn->reason),
		    "configured tunnel %s", c->config->tunnels[conn->tunnel].name);
	/* Nothing for that address may go past us any more. */
	TAILQ_FOREACH(other, &conn->spd->connections, entry)
		connection_route(other, false);
	connection_set(conn, CONNECTION_KEYED, SPD_ENCRYPT);
	report_event(c, conn, "keyed");
}

void
connection_child_up(struct connection *conn, const struct keying_child *k)
{
	struct core    *c = conn->core;
	struct sa_pair *p;

	HASH_FIND(hh, c->sad, &k->in.spi, sizeof(k->in.spi), p);
	if (p != NULL || conn->state == CONNECTION_EXPIRED) {
		c->ops->delete_child(c->ops_arg, c->now, k->in.spi);
		return;
	}
	p = xcalloc(1, sizeof(*p));
	p->connection = conn;
	p->in = esp_sa_new(&k->in, false);
	p->out = esp_sa_new(&k->out, true);
	if (p->in == NULL || p->out == NULL) {
		esp_sa_free(p->in);
		esp_sa_free(p->out);
		free(p);
		c->ops->delete_child(c->ops_arg, c->now, k->in.spi);
		return;
	}
	p->spi_in = k->in.spi;
	p->spi_out = k->out.spi;
	p->initiator = k->initiator;
	p->born = c->now;
	p->soft = k->soft;
	p->soft_bytes = k->soft_bytes;
	p->bad = (struct ratelimit)RATELIMIT_INIT(3, 10000);
	HASH_ADD(hh, c->sad, spi_in, sizeof(p->spi_in), p);
	TAILQ_INSERT_HEAD(&conn->pairs, p, entry);
	conn->path = k->path;
	conn->peer_id = k->peer_id;
	if (k->peer_key.len != 0 && conn->class != OE_CLASS_TUNNEL) {
		if (conn->peer_key == NULL)
			conn->peer_key = xcalloc(1, sizeof(*conn->peer_key));
		*conn->peer_key = k->peer_key;
		gateways_keep_peer(conn, k);
	}
	if (k->initiator) {
		conn->requested = false;
		connection_keyed(conn, p);
	} else if (conn->state != CONNECTION_KEYED) {
		conn->authentic = responder_authentic(c, &k->peer_id);
	}
}

void
connection_child_confirmed(struct connection *conn, uint32_t spi_in)
{
	struct sa_pair *p;

	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (p->spi_in == spi_in && !p->confirmed &&
		    conn->state != CONNECTION_EXPIRED) {
			connection_keyed(conn, p);
			return;
		}
	}
}

void
connection_child_down(struct connection *conn, uint32_t spi_in, bool by_peer)
{
	struct core    *c = conn->core;
	struct sa_pair *p;

	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (p->spi_in == spi_in)
			break;
	}
	if (p == NULL)
		return;
	pair_free(p);
	if ((p = TAILQ_FIRST(&conn->pairs)) != NULL) {
		p->linger = 0;	/* whatever the peer chose, this is what is left */
		return;
	}
	if (conn->state == CONNECTION_EXPIRED || conn->state ==
	    CONNECTION_NONEXISTENT || conn->state == CONNECTION_PENDING) {
		if (conn->state != CONNECTION_PENDING)
			connection_free(conn, false);
		return;
	}
	log_info("%s: connection with %s ended: %s", ipv4_text(conn->key.dst),
	    keying_id_text(&conn->peer_id), by_peer ? "deleted by the peer" :
	    "its keys expired");
	report_event(c, conn, "expired");
	/* §3.2.6: rekeying failed, and now the keys are gone too. */
	if (!by_peer && conn->failed && class_is_oe(conn->class)) {
		connection_no_oe(conn, failure_lifespan(conn), "rekeying with "
		    "%s: %s", ipv4_text(conn->path.peer),
		    keying_failure_text(conn->failure));
		return;
	}
	connection_free(conn, false);
}

/* --- aging (§3.4.1) ----------------------------------------------------------------------- */

static bool
recently_used(const struct connection *conn)
{
	return conn->core->now - conn->used <
	    (uint64_t)conn->core->config->idle * SECONDS;
}

static void
connection_tick_keyed(struct connection *conn)
{
	struct core	   *c = conn->core;
	struct sa_pair	   *p, *next;
	struct esp_counters in, out;

	for (p = TAILQ_FIRST(&conn->pairs); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if (p->linger != 0 && c->now >= p->linger) {
			c->ops->delete_child(c->ops_arg, c->now, p->spi_in);
			pair_free(p);
		}
	}
	if ((p = connection_pair(conn)) == NULL)
		return;
	if (c->now >= conn->look_at) {
		if (!recently_used(conn) && conn->class != OE_CLASS_TUNNEL) {
			connection_expire(conn, "not used any more");
			return;
		}
		conn->look_at = c->now + (uint64_t)c->config->lifespan * SECONDS;
		if (class_is_oe(conn->class) && conn->dns_expires != 0 &&
		    c->now >= conn->dns_expires && !conn->recheck) {
			conn->recheck = true;
			connection_potential(conn);
			if (conn->state == CONNECTION_EXPIRED)
				return;
		}
	}
	esp_sa_counters(p->in, &in);
	esp_sa_counters(p->out, &out);
	if (c->now >= p->soft || (p->soft_bytes != 0 &&
	    (in.bytes >= p->soft_bytes || out.bytes >= p->soft_bytes)) ||
	    esp_sa_worn(p->in) || esp_sa_worn(p->out)) {
		/* An unused one is left to expire (§3.4.1). */
		if (recently_used(conn) || conn->class == OE_CLASS_TUNNEL)
			connection_rekey(conn, "its keys grow old");
	}
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
	if (!recently_used(conn)) {
		connection_expire(conn, "not used any more");
		return;
	}
	if (conn->state == CONNECTION_EXPIRING)
		conn->state = conn->policy == SPD_DENY ? CONNECTION_DENY :
		    CONNECTION_CLEAR;
	if (conn->class == OE_CLASS_TUNNEL) {
		connection_pending(conn);
		return;
	}
	if (class_is_oe(conn->class) && c->config->key != NULL &&
	    c->config->initiate && (conn->failed ||
	    conn->txt == RECORD_TIMEOUT || conn->txt == RECORD_FAILED ||
	    c->now >= conn->dns_expires)) {
		conn->recheck = true;
		connection_potential(conn);
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
		c->ops->delete_child(c->ops_arg, c->now, p->spi_in);
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
		break;		/* DNS and IKE have timers of their own */
	}
}
