/* child.c - keying, initiator: the keyed connection, its SA pairs and their renewal (draft -17 §3.2.6, §3.4.2) */
#include "config.h"

#include "base/log.h"
#include "base/util.h"
#include "oe/child.h"
#include "oe/classes.h"
#include "oe/connection.h"
#include "oe/crossing.h"
#include "oe/ending.h"
#include "oe/esp/algorithm.h"
#include "oe/esp/dataplane.h"
#include "oe/initiator.h"
#include "oe/known.h"
#include "oe/lead.h"
#include "oe/lookup.h"
#include "oe/pair.h"
#include "oe/peer.h"
#include "oe/peer_gateway.h"
#include "oe/ports.h"
#include "oe/request.h"
#include "oe/session_keying.h"
#include "oe/version.h"

#define SECONDS		1000u
#define LINGER		5000		/* a replaced inbound SA:
					 * packets still under way */

/* Is one the other's successor? */
static bool
pair_like(const struct sa_pair *a, const struct sa_pair *b)
{
	return keying_selectors_equal(&a->ours, &b->ours) &&
	    keying_selectors_equal(&a->theirs, &b->theirs);
}

/* Does the younger take the elder's place?  Blocks of ports become more, or
 * none where the peer takes another way to tell us from others. */
static bool
pair_follows(const struct sa_pair *younger, const struct sa_pair *elder)
{
	return pair_like(younger, elder) || (elder->our_blocks &&
	    (younger->our_blocks || pair_is_whole(younger)));
}

/* The pair carries what we send from here on. */
static void
child_confirm(struct sa_pair *fresh)
{
	if (esp_pair_confirm(fresh->esp) == -1)
		log_warn("%s: no data plane takes these keys: nothing is sent "
		    "until there are others",
		    ADDR_TEXT(&fresh->connection->key.dst.addr));
}

static void
connection_keyed(struct connection *conn, struct sa_pair *fresh)
{
	struct core	  *c = conn->core;
	struct connection *other;
	struct sa_pair	  *p;
	bool		   rekey = conn->state == CONNECTION_KEYED;
	const struct esp_params *e = esp_pair_params(fresh->esp, true);

	fresh->confirmed = true;
	conn->failed = conn->silent = false;
	conn->unanswered = conn->asked_at = 0;
	/* Keys with one host say nothing of what others at its address send. */
	if (conn->right != RIGHT_FLOWS)
		known_add(c, &conn->key.dst.addr);
	/* §3.4.2: the new outbound SA at once; the old pair goes when what is
	 * under way has come.  Two negotiations that crossed both stay: the
	 * peer may have chosen the other, if it has not lost that. */
	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (p != fresh && p->linger == 0 && pair_follows(fresh, p) &&
		    (!pair_like(fresh, p) ||
		    fresh->born - p->born >= CROSSING ||
		    p->born < conn->anew_at ||
		    fresh->version > p->version ||
		    (p->how == KEYING_BY_NOTHING && fresh->how != p->how)))
			p->linger = c->now + LINGER;
	}
	log_info("%s: %s with %s at %s, SPIs 0x%08x in, 0x%08x out, %s",
	    ADDR_TEXT(&conn->key.dst.addr), rekey ? "rekeyed" : "encrypted",
	    keying_id_text(&conn->peer_id), ADDR_TEXT(&conn->path.peer),
	    fresh->spi_in, fresh->spi_out,
	    esp_cipher_name(e->cipher, e->cipher_len));
	if (rekey) {
		child_confirm(fresh);
		connections_decide(c, conn->spd);
		core_event(c, conn, "rekeyed");
		session_keyed(conn, fresh);
		return;
	}
	c->count.keyed++;
	conn->recheck = false;
	/* As responder we may have been asking DNS ourselves. */
	lookups_forget(c, conn);
	conn->waiting = 0;
	conn->born = conn->used = c->now;
	conn->look_at = c->now + (uint64_t)c->config->lifespan_first * SECONDS;
	conn->reason = conn->class == OE_CLASS_TUNNEL ?
	    reason_with(REASON_TUNNEL, c->config->tunnels[conn->tunnel].name) :
	    reason_of(conn->anonymous ? (fresh->initiator ?
	    REASON_NOBODY_ANSWERED : REASON_NOBODY_ASKED) :
	    fresh->initiator ? REASON_KEY_IN_DNS : REASON_PEER_ASKED);
	/* Nothing for that address may go past us any more. */
	TAILQ_FOREACH(other, &conn->spd->connections, entry)
		connection_route(other, false);
	/* Before what was held is released: it goes the same way. */
	child_confirm(fresh);
	session_keyed(conn, fresh);
	connection_set(conn, CONNECTION_KEYED, SPD_ENCRYPT);
	core_event(c, conn, "keyed");
	connection_stand_in(conn);
}

/*
 * A peer that goes on negotiating would else have an SPI of ours for each: the
 * oldest goes, but for the one that we send on; of those for flows the longest
 * unused.
 */
static void
connection_shed(struct connection *conn, const struct sa_pair *fresh)
{
	struct core    *c = conn->core;
	struct sa_pair *p, *chosen = connection_pair(conn), *victim = NULL;
	bool		whole = pair_is_whole(fresh);
	unsigned	n = 0;

	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (pair_is_whole(p) != whole)
			continue;
		n++;
		if (p != fresh && p != chosen && (whole || victim == NULL ||
		    p->used <= victim->used))
			victim = p;
	}
	if (n <= (whole ? PAIRS_MAX : SESSIONS_MAX) || victim == NULL)
		return;
	c->count.limits++;
	c->keying->delete_child(c->keying_arg, c->now, victim->spi_in);
	pair_free(victim);
}

static void
child_past(void *arg, bool past)
{
	connection_route(arg, past);
}

/*
 * Is all between its two addresses the peer's?  Not where others may share its
 * address, have keys there or asked for some, nor where it has no right to it,
 * nor beside flows' own SAs; nor for networks behind us, whose other packets to
 * the same destination must still come to the engine.  Known by a name it may
 * share its address, but not one that we lend it, or the operator has given it.
 */
static bool
child_is_sole(const struct connection *conn)
{
	const struct core    *c = conn->core;
	const struct sa_pair *p;
	bool		      its_own = conn->right >= RIGHT_CONFIGURED;

	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (!pair_is_whole(p))
			return false;
	}
	return c->config->nnetworks == 0 && (its_own ||
	    (conn->peer_id.type != KEYING_ID_FQDN &&
	    conn->peer_id.type != KEYING_ID_KEY)) &&
	    conn->right > RIGHT_FLOWS &&
	    (conn->spd == NULL || (conn->spd->nshared == 0 &&
	    !conn->spd->contested)) &&
	    core_is_own(c, &conn->key.src.addr) &&
	    spd_key_is_of_hosts(&conn->key);
}

/* What the data plane must know of the connection, before a pair comes up. */
static void
child_policy(struct connection *conn, const struct keying_child *k,
    const struct sa_pair *p)
{
	conn->esp.ours = conn->key.src;
	conn->esp.theirs = conn->key.dst;
	conn->esp.sole = child_is_sole(conn);
	conn->esp.roams = k->nat_there;
	conn->esp.leads = lead_likely(conn, p);
	conn->esp.past = child_past;
	conn->esp.owner = conn;
}

/* A pair of the connection as it was agreed on, known by both its SPIs; nobody
 * does ESP for it yet. */
static struct sa_pair *
child_pair_new(struct connection *conn, const struct keying_child *k)
{
	struct core    *c = conn->core;
	struct sa_pair *p = xcalloc(1, sizeof(*p));

	spd_led_end(conn->spd);
	p->connection = conn;
	p->spi_in = k->in.spi;
	p->spi_out = k->out.spi;
	p->ours = k->ours;
	p->theirs = k->theirs;
	p->inner = k->inner;
	p->used = c->now;
	p->initiator = k->initiator;
	p->version = k->version;
	p->how = k->proof.how;
	p->follows = k->nat_there && k->out.encap_dport != 0;
	p->born = c->now;
	p->soft = k->soft;
	p->soft_bytes = k->soft_bytes;
	p->bad = (struct ratelimit)RATELIMIT_INIT(3, 10000);
	p->mapped = (struct ratelimit)RATELIMIT_INIT(8, 1000);
	HASH_ADD(hh, c->sad, spi_in, sizeof(p->spi_in), p);
	p->out_key.dst = k->out.dst;
	p->out_key.spi = k->out.spi;
	HASH_ADD(hh_out, c->sad_out, out_key, sizeof(p->out_key), p);
	if (TAILQ_EMPTY(&conn->pairs)) {
		conn->met_at = c->now;
		conn->nonce = k->nonce;
	}
	TAILQ_INSERT_HEAD(&conn->pairs, p, entry);
	conn->nwhole += pair_is_whole(p);
	p->our_blocks = ports_are_blocks(&p->ours);
	p->their_blocks = ports_are_blocks(&p->theirs);
	conn->nblocks += p->our_blocks;
	return p;
}

void
child_up(struct connection *conn, const struct keying_child *k)
{
	struct core    *c = conn->core;
	struct sa_pair *p;

	if (k->initiator && !ports_granted(&k->ours) && conn->ask == NULL &&
	    connection_is_oe(conn)) {
		c->keying->delete_child(c->keying_arg, c->now, k->in.spi);
		initiator_failed(conn, k->version, KEYING_CHILD_REFUSED,
		    "grants a part that is of no use");
		return;
	}
	HASH_FIND(hh, c->sad, &k->in.spi, sizeof(k->in.spi), p);
	if (p != NULL || conn->state == CONNECTION_EXPIRED ||
	    (k->initiator && !version_is_wanted(conn, k->version))) {
		c->keying->delete_child(c->keying_arg, c->now, k->in.spi);
		return;
	}
	p = child_pair_new(conn, k);
	connection_shed(conn, p);
	conn->path = k->path;
	conn->peer_id = k->peer_id;
	conn->anonymous = k->proof.how == KEYING_BY_NOTHING;
	if (!conn->anonymous)
		crossing_part(conn);
	if (k->proof.how == KEYING_BY_KEY && conn->class != OE_CLASS_TUNNEL) {
		if (conn->peer_key == NULL)
			conn->peer_key = xcalloc(1, sizeof(*conn->peer_key));
		*conn->peer_key = k->proof.key;
		peer_gateways_keep_peer(conn, k);
	}
	/* A peer known by a name, at the address itself, may
	 * share that (§5.3). */
	if (k->initiator && connection_is_oe(conn) && !conn->shares &&
	    k->peer_id.type != KEYING_ID_ADDR &&
	    addr_equal(&k->path.peer, &conn->key.dst.addr))
		connection_set_right(conn, conn->right, true);
	child_policy(conn, k, p);
	/* What passes without us is not translated either. */
	p->esp = esp_pair_up(c->shell->planes, (pair_is_whole(p) ||
	    p->our_blocks) && !addr_is_set(&p->inner) ? &conn->esp : NULL,
	    &k->in, &k->out);
	if (p->esp == NULL) {
		c->keying->delete_child(c->keying_arg, c->now, k->in.spi);
		pair_free(p);
		return;
	}
	version_keyed(conn, k);
	if (k->initiator) {
		histogram_add(&c->count.ike_latency, c->now - conn->request_at);
		connection_keyed(conn, p);
	} else if (conn->state != CONNECTION_KEYED) {
		conn->authentic = peer_is_authentic(c, &k->peer_id);
	}
}

void
child_confirmed(struct connection *conn, uint32_t spi_in)
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

/*
 * Another pair may be the one that carries what we send: the data plane that
 * has it must be able to, else nothing is sent until there are other keys.
 */
void
child_follow(struct connection *conn)
{
	struct sa_pair *p = connection_pair(conn);

	conn->unled = conn->spd != NULL && p != NULL &&
	    esp_policy_follow(&conn->esp, p->esp) == -1;
	if (!conn->unled)
		return;
	if (ratelimit_pass(&p->bad, conn->core->now))
		log_warn("%s: the %s takes no policy for the keys that are "
		    "left: nothing is sent until there are others",
		    ADDR_TEXT(&conn->key.dst.addr), esp_pair_plane(p->esp));
	request_rekey(conn, "the keys that are left cannot be used");
}

void
child_down(struct connection *conn, uint32_t spi_in, bool by_peer)
{
	struct sa_pair *p, *like;
	bool		collided, heard;

	TAILQ_FOREACH(p, &conn->pairs, entry) {
		if (p->spi_in == spi_in)
			break;
	}
	if (p == NULL)
		return;
	TAILQ_FOREACH(like, &conn->pairs, entry) {
		if (like != p && pair_like(like, p))
			break;
	}
	collided = by_peer && like == NULL && pair_is_whole(p);
	heard = conn->heard >= p->born;
	pair_free(p);
	/* Whatever the peer chose, this is what is left. */
	if (like != NULL)
		like->linger = 0;
	if (collided && session_deleted(conn, heard))
		return;
	if (!TAILQ_EMPTY(&conn->pairs)) {
		child_follow(conn);
		if (conn->spd != NULL)
			connections_decide(conn->core, conn->spd);
		return;
	}
	if (conn->state == CONNECTION_EXPIRED || conn->state ==
	    CONNECTION_NONEXISTENT || conn->state == CONNECTION_PENDING) {
		if (conn->state != CONNECTION_PENDING)
			connection_free(conn, false);
		return;
	}
	if (connection_give_way(conn))
		return;
	connection_unkeyed(conn, by_peer ? REASON_DELETED_BY_PEER :
	    REASON_KEYS_EXPIRED);
}
