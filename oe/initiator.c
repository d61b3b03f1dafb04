/* initiator.c - keying, initiator: from the first datagram through DNS to IKE (draft -17 §3.2.1 to §3.2.5) */
#include "config.h"

#include "base/log.h"
#include "oe/classes.h"
#include "oe/connection.h"
#include "oe/crossing.h"
#include "oe/ending.h"
#include "oe/identity.h"
#include "oe/initiator.h"
#include "oe/known.h"
#include "oe/lookup.h"
#include "oe/peer_gateway.h"
#include "oe/request.h"
#include "oe/room.h"
#include "oe/session.h"
#include "oe/session_keying.h"
#include "oe/version.h"

#define SECONDS		1000u
#define BLIND_MAX	32	/* peers tried of whom DNS says
				 * nothing, at once */
#define ROOM_RETRY	1000	/* a search that met a limit tries again */

/* Tags of a connection's DNS questions. */
enum { ASK_TXT, ASK_IPSECKEY, ASK_KEY /* + index of the gateway */ };

/* --- limits of our own ---------------------------------------------------- */

/* Something of ours is full: what waits goes on waiting, and is tried again. */
static void
initiator_wait_room(struct connection *conn, const struct reason *what)
{
	struct core *c = conn->core;

	c->count.limits++;
	if (conn->room_since == 0)
		conn->room_since = c->now;
	conn->room_at = c->now + ROOM_RETRY;
	conn->reason = *what;
}

static void
initiator_found_room(struct connection *conn)
{
	conn->room_at = conn->room_since = 0;
}

void
initiator_tick_room(struct connection *conn)
{
	struct core *c = conn->core;
	uint64_t     until = conn->room_since +
	    (uint64_t)c->config->give_up * SECONDS;

	conn->room_at = 0;
	if (!connection_recently_used(conn)) {
		connection_expire(conn, REASON_UNUSED);
	} else if (conn->state == CONNECTION_PENDING) {
		if (!conn->requested)
			initiator_ask_keys(conn);
	} else if (c->now >= until && !known_has(c, &conn->key.dst.addr)) {
		initiator_found_room(conn);
		connection_no_oe(conn, c->config->lifespan_short,
		    REASON(REASON_LOOKUPS_FULL));
	} else {
		initiator_ask_dns(conn);
	}
}

static void initiator_ended(struct connection *conn, unsigned version,
    enum keying_failure f, const char *detail);

/* --- pending OE ----------------------------------------------------------- */

void
initiator_ask_keys(struct connection *conn)
{
	if (!conn->blind)
		known_add(conn->core, &conn->key.dst.addr);
	connection_set(conn, CONNECTION_PENDING,
	    conn->recheck ? conn->policy : SPD_HOLD);
	if (!session_begin(conn))
		connection_expire(conn, REASON_NO_FLOW);
	else if (request_keys(conn) == -1)
		initiator_ended(conn, 0, KEYING_LOCAL, "too many negotiations");
	else
		initiator_found_room(conn);
}

/* Of several gateways' failures the one that says most decides the lifespan. */
static unsigned
failure_rank(enum keying_failure f)
{
	return f == KEYING_SIGNATURE ? 3 : f == KEYING_CHILD_REFUSED ? 2 :
	    f == KEYING_IDENTITY || f == KEYING_OUR_PROOF ? 1 : 0;
}

static void
initiator_note_failure(struct connection *conn, enum keying_failure f)
{
	if (!conn->failed || failure_rank(f) >= failure_rank(conn->failure))
		conn->failure = f;
	conn->failed = true;
}

/* No keys came of it, in any version. */
static void
initiator_ended(struct connection *conn, unsigned version,
    enum keying_failure f, const char *detail)
{
	struct core  *c = conn->core;
	struct reason why;
	char	      said[REASON_WORDS_MAX];

	c->count.failed++;
	switch (session_failed(conn, version, f, detail)) {
	case SESSION_DEALT_WITH:
		return;
	case SESSION_ASK_AGAIN:
		initiator_ask_keys(conn);
		return;
	case SESSION_NOT_CONCERNED:
		break;
	}
	initiator_note_failure(conn, f);
	switch (conn->state) {
	case CONNECTION_NONEXISTENT:
		connection_free(conn, false);
		return;
	case CONNECTION_PENDING:
		break;
	case CONNECTION_KEYED:
		/* §3.2.6: the policy stands until the keys' hard expiry. */
		log_info("%s: rekeying failed: %s%s%s",
		    ADDR_TEXT(&conn->key.dst.addr), keying_failure_text(f),
		    detail != NULL ? ", " : "", detail != NULL ? detail : "");
		/* Now there is somebody that it should be. */
		if (conn->anonymous && !conn->blind &&
		    (f == KEYING_SIGNATURE || f == KEYING_IDENTITY)) {
			connection_expire(conn, REASON_IKE_SIGNATURE);
			return;
		}
		/* What nobody answers to carries nothing until then. */
		if (conn->silent)
			connection_lost(conn);
		return;
	case CONNECTION_POTENTIAL:
	case CONNECTION_AUTHENTICATE:
	case CONNECTION_CLEAR:
	case CONNECTION_DENY:
	case CONNECTION_EXPIRING:
	case CONNECTION_EXPIRED:
		return;
	}
	/* The peer has keys, and the fault is ours: no
	 * reason for clear text. */
	if (f == KEYING_LOCAL && connection_is_oe(conn)) {
		why = reason_with(REASON_IKE_FULL, detail != NULL ? detail :
		    keying_failure_text(f));
		initiator_wait_room(conn, &why);
		return;
	}
	if (conn->peer_gateway + 1 < conn->npeer_gateways) {
		log_info("%s: gateway %s: %s; trying the next",
		    ADDR_TEXT(&conn->key.dst.addr),
		    ADDR_TEXT(&conn->peer_gateways[conn->peer_gateway].addr),
		    keying_failure_text(f));
		conn->peer_gateway++;
		initiator_ask_keys(conn);
		return;
	}
	if (conn->blind) {
		if (connection_stand_aside(conn))
			return;
		why = reason_with(REASON_TRIED,
		    keying_failure_text(conn->failure));
		connection_no_oe(conn, crossing_is_beside(conn) ?
		    c->config->lifespan_short : c->config->lifespan, &why);
		return;
	}
	if (session_why(conn, said, sizeof(said)))
		detail = said;
	why = reason_of_failure(conn->failure, &conn->path.peer, detail);
	connection_no_oe(conn, connection_failure_lifespan(conn), &why);
}

/* The next IKE SA has it from its first message on, so that no more of them
 * are lost than there are requests. */
static bool
initiator_asks_anew(struct connection *conn, enum keying_failure f)
{
	return f == KEYING_LOST && conn->requested == 0 &&
	    (conn->state == CONNECTION_PENDING ||
	    conn->state == CONNECTION_KEYED) && request_keys(conn) == 0;
}

void
initiator_failed(struct connection *conn, unsigned version,
    enum keying_failure f, const char *detail)
{
	if (version == 2 && conn->late) {
		conn->late = false;
		return;
	}
	/* Another request has made this one needless, or it ended with that. */
	if (!(conn->requested & VERSION_BIT(version)) &&
	    conn->state != CONNECTION_NONEXISTENT)
		return;
	conn->requested &= ~VERSION_BIT(version);
	if (initiator_asks_anew(conn, f))
		return;
	switch (version_failed(conn, version, f)) {
	case VERSION_ASK_OLDER:
		if (request_older(conn) == -1)
			break;
		return;
	case VERSION_GOES_ON:
		initiator_note_failure(conn, f);
		return;
	case VERSION_OVER:
		break;
	}
	initiator_ended(conn, version, f, detail);
}

/* --- potential OE: DNS ---------------------------------------------------- */

static void
initiator_note_ttl(struct connection *conn, const struct record_answer *a)
{
	uint64_t until = conn->core->now + (uint64_t)a->ttl * SECONDS;

	if (conn->dns_expires == 0 || until < conn->dns_expires)
		conn->dns_expires = until;
}

static void initiator_dns_answered(struct core *c, void *owner, unsigned tag,
    const struct record_answer *a);

/* DNS cannot be asked now: a limit is no answer. */
static void
initiator_no_lookup(struct connection *conn)
{
	struct core *c = conn->core;

	lookups_forget(c, conn);
	conn->waiting = 0;
	if (conn->state != CONNECTION_KEYED) {
		initiator_wait_room(conn, REASON(REASON_LOOKUPS_FULL));
		return;
	}
	/* As it was, and asked again soon. */
	conn->recheck = false;
	conn->look_at = c->now + (uint64_t)c->config->lifespan_short * SECONDS;
}

/* Nothing came of the TXT records: an IPSECKEY record may do better. */
static void
initiator_ask_other_record(struct connection *conn)
{
	char name[ADDR_REVERSE_MAX];

	conn->txt = RECORD_UNUSABLE;
	conn->ipseckey_here = false;
	addr_reverse_name(&conn->key.dst.addr, name);
	if (lookup_start(conn->core, conn->cause, name, RECORD_TYPE_IPSECKEY,
	    initiator_dns_answered, conn, ASK_IPSECKEY) == -1)
		initiator_no_lookup(conn);
	else
		conn->waiting = 1;
}

/* Everything DNS had to say is here (§3.2.4): may it be believed? */
static void
initiator_authenticate(struct connection *conn)
{
	struct core *c = conn->core;
	bool	     keyed = conn->state == CONNECTION_KEYED;

	peer_gateways_drop_unusable(conn);
	if (conn->npeer_gateways == 0 && conn->txt == RECORD_FOUND) {
		initiator_ask_other_record(conn);
		return;
	}
	if (!keyed)
		conn->state = CONNECTION_AUTHENTICATE;
	if (keyed) {
		conn->recheck = false;
		if (conn->npeer_gateways == 0 && !conn->anonymous)
			connection_expire(conn, REASON_DNS_GONE);
		else if (conn->npeer_gateways != 0 && conn->anonymous)
			request_rekey(conn, "its key is in DNS now");
		else if (conn->peer_key != NULL &&
		    !peer_gateways_have_key(conn, conn->peer_key))
			request_rekey(conn, "its key in DNS changed");
		return;
	}
	if (!core_believes(c, conn->class, conn->authentic, conn->unchecked)) {
		connection_no_oe(conn, conn->unchecked ?
		    c->config->lifespan_short : connection_dns_left(conn),
		    REASON(REASON_DNS_NOT_SECURE));
		return;
	}
	if (conn->npeer_gateways == 0) {
		if (conn->key_malformed)
			connection_settle(conn, true, connection_dns_left(conn),
			    REASON(REASON_DNS_KEY_MALFORMED));
		else
			connection_no_oe(conn, connection_dns_left(conn),
			    REASON(REASON_DNS_NO_GATEWAY));
		return;
	}
	conn->peer_gateway = 0;
	conn->failed = false;
	initiator_ask_keys(conn);
}

/* A record may name a gateway and leave its key to a KEY record (§5.1). */
static void
initiator_ask_key_records(struct connection *conn)
{
	struct core *c = conn->core;
	char	     name[KEYING_NAME_MAX + 1];
	unsigned     i;

	lookups_forget(c, conn);
	conn->waiting = 0;
	for (i = 0; i < conn->npeer_gateways; i++) {
		if (conn->peer_gateways[i].nkeys != 0 ||
		    lookup_key_name(&conn->peer_gateways[i].id, name) == -1)
			continue;
		if (lookup_start(c, conn->cause, name, RECORD_TYPE_KEY,
		    initiator_dns_answered, conn, ASK_KEY + i) == -1) {
			initiator_no_lookup(conn);
			return;
		}
		conn->waiting++;
	}
	if (conn->waiting == 0)
		initiator_authenticate(conn);
}

/*
 * DNS says that there is no key: may it be asked all the same?  A guess that
 * mostly fails: what is permissive is not held for it, and few are under way.
 */
static bool
initiator_try(struct connection *conn)
{
	struct core		*c = conn->core;
	const struct connection *other;
	unsigned		 n = 0;
	bool			 waits;

	if (oe_config_anonymous(c->config, conn->class) != OE_ANONYMOUS_TRY)
		return false;
	TAILQ_FOREACH(other, &c->connections, all)
		n += other->blind && other->state == CONNECTION_PENDING;
	/* A peer that encrypts to us may take nothing else from us. */
	waits = conn->class != OE_CLASS_PERMISSIVE ||
	    crossing_theirs(conn) != NULL;
	if (n >= BLIND_MAX || !ratelimit_pass(&c->tried, c->now)) {
		if (!waits)
			return false;
		initiator_wait_room(conn, REASON(REASON_LOOKUPS_FULL));
		return true;
	}
	conn->blind = true;
	peer_gateways_blind(conn);
	conn->peer_gateway = 0;
	conn->failed = false;
	conn->authentic = conn->unchecked = false;
	if (!waits) {
		conn->recheck = true;
		conn->policy = SPD_PASS;
	}
	conn->reason = reason_of(REASON_TRYING);
	initiator_ask_keys(conn);
	return true;
}

static void
initiator_no_record(struct connection *conn)
{
	const struct oe_config *o = conn->core->config;
	enum record_status	s = conn->txt;
	struct reason		why;

	if (s == RECORD_NONE || conn->ipseckey == RECORD_BOGUS)
		s = conn->ipseckey;
	if (s == RECORD_UNUSABLE && conn->key_malformed)
		s = RECORD_MALFORMED;
	if (conn->state == CONNECTION_KEYED) {
		conn->recheck = false;
		/* Only DNS that says so takes a working connection down. */
		if (conn->anonymous)
			return;
		if (s == RECORD_NONE || (s == RECORD_UNUSABLE &&
		    conn->ipseckey != RECORD_FAILED &&
		    conn->ipseckey != RECORD_TIMEOUT))
			connection_expire(conn, REASON_DNS_GONE);
		return;
	}
	if (s == RECORD_NONE && initiator_try(conn))
		return;
	why = reason_of_record(s);
	switch (s) {
	case RECORD_MALFORMED:
	case RECORD_BOGUS:
		connection_settle(conn, true, connection_dns_left(conn), &why);
		break;
	case RECORD_UNUSABLE:
		connection_no_oe(conn, connection_dns_left(conn), &why);
		break;
	case RECORD_FAILED:
	case RECORD_TIMEOUT:
		identity_doubt(conn->core);
		connection_no_oe(conn, o->lifespan_short, &why);
		break;
	case RECORD_FOUND:
	case RECORD_NONE:
		connection_no_oe(conn, conn->recheck && conn->look_at != 0 ?
		    o->lifespan :
		    o->lifespan_first, &why);
		break;
	}
}

static void
initiator_dns_answered(struct core *c, void *owner, unsigned tag,
    const struct record_answer *a)
{
	struct connection *conn = owner;
	enum record_status status = a->status;

	if (conn->waiting > 0)
		conn->waiting--;
	initiator_note_ttl(conn, a);
	/* Keys that are at work do not give way to what is not believed. */
	if (status == RECORD_FOUND && conn->state == CONNECTION_KEYED &&
	    !core_believes(c, conn->class, a->authentic, a->unchecked))
		status = RECORD_FAILED;
	if (tag >= ASK_KEY) {
		if (status == RECORD_FOUND &&
		    tag - ASK_KEY < conn->npeer_gateways) {
			peer_gateway_add_keys(conn->peer_gateways + tag -
			    ASK_KEY, a);
			conn->authentic = conn->authentic && a->authentic;
			conn->unchecked = conn->unchecked || a->unchecked;
		} else if (a->status == RECORD_MALFORMED ||
		    a->status == RECORD_BOGUS) {
			conn->key_malformed = true;
		}
		if (conn->waiting == 0)
			initiator_authenticate(conn);
		return;
	}
	if (tag == ASK_TXT) {
		conn->txt = status;
		conn->txt_here = true;
	} else {
		conn->ipseckey = status;
		conn->ipseckey_here = true;
	}
	/* TXT is what the drafts ask for; IPSECKEY stands in where there is
	 * none that is of use.  Where DNSSEC found a forgery nothing does. */
	if (status == RECORD_FOUND) {
		conn->blind = false;
		peer_gateways_set(conn, a);
		conn->authentic = a->authentic;
		conn->unchecked = a->unchecked;
		/* The address's own reverse map names them. */
		conn->right = a->authentic ? RIGHT_DNSSEC : RIGHT_DNS;
		if (tag == ASK_TXT) {
			initiator_ask_key_records(conn);
			return;
		}
	}
	if (!conn->txt_here || !conn->ipseckey_here)
		return;
	if (conn->ipseckey == RECORD_FOUND && conn->txt != RECORD_BOGUS)
		initiator_ask_key_records(conn);
	else
		initiator_no_record(conn);
}

void
initiator_ask_dns(struct connection *conn)
{
	struct core *c = conn->core;
	struct reason reason;
	char	     name[ADDR_REVERSE_MAX], why[REASON_WORDS_MAX];

	if (conn->state != CONNECTION_KEYED && !identity_usable(c, AF_INET) &&
	    !(c->config->ike & VERSION_BIT(2))) {
		identity_text(c, why, sizeof(why));
		reason = reason_with(REASON_NO_IDENTITY, why);
		connection_no_oe(conn, c->config->lifespan_short, &reason);
		conn->no_identity = true;
		return;
	}
	if (conn->state != CONNECTION_KEYED)
		connection_set(conn, CONNECTION_POTENTIAL,
		    conn->recheck ? conn->policy : SPD_HOLD);
	lookups_forget(c, conn);
	conn->txt_here = conn->ipseckey_here = conn->key_malformed = false;
	conn->waiting = 0;
	addr_reverse_name(&conn->key.dst.addr, name);
	if (lookup_start(c, conn->cause, name, RECORD_TYPE_TXT,
	    initiator_dns_answered, conn, ASK_TXT) == -1 ||
	    lookup_start(c, conn->cause, name, RECORD_TYPE_IPSECKEY,
	    initiator_dns_answered, conn, ASK_IPSECKEY) == -1) {
		initiator_no_lookup(conn);
		return;
	}
	conn->dns_expires = 0;
	conn->dns_time = c->now;
	conn->waiting = 2;
	initiator_found_room(conn);
}

void
initiator_acquire(struct core *c, struct spd_entry *e,
    const struct class_match *m)
{
	struct connection *conn;

	/* A peer that was authorized is about to bring keys: wait for those. */
	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (conn->state == CONNECTION_NONEXISTENT &&
		    conn->right != RIGHT_FLOWS) {
			connection_set(conn, conn->state, SPD_HOLD);
			return;
		}
	}
	if ((conn = room_connection(c, e, m->class, m->tunnel)) == NULL) {
		if (TAILQ_EMPTY(&e->connections))
			connections_decide(c, e);
		return;
	}
	if (m->class != OE_CLASS_DENY && m->class != OE_CLASS_CLEAR &&
	    !(c->config->ike & VERSION_BIT(2)) && !version_has_one(conn)) {
		connection_no_oe(conn, c->config->lifespan,
		    REASON(REASON_IKEV1_ONLY));
		return;
	}
	switch (m->class) {
	case OE_CLASS_DENY:
		connection_settle(conn, true, c->config->lifespan_first,
		    REASON(REASON_POLICY_DENY));
		return;
	case OE_CLASS_CLEAR:
		connection_settle(conn, false, c->config->lifespan_first,
		    REASON(REASON_POLICY_CLEAR));
		return;
	case OE_CLASS_TUNNEL:
		initiator_ask_keys(conn);
		return;
	case OE_CLASS_PERMISSIVE:
	case OE_CLASS_PARANOID:
		break;
	}
	if (!oe_config_can_begin(c->config))
		connection_no_oe(conn, c->config->lifespan,
		    REASON(REASON_NO_KEY));
	else if (!c->config->initiate)
		connection_no_oe(conn, c->config->lifespan,
		    REASON(REASON_ACCEPT_ONLY));
	else
		initiator_ask_dns(conn);
}
