/* engine.c - IKEv2 as an engine behind the keying door: requests, clocks, answers of others */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/queue.h"
#include "base/util.h"
#include "oe/ike2/child.h"
#include "oe/ike2/establish.h"
#include "oe/ike2/exchange.h"
#include "oe/ike2/exponent.h"
#include "oe/ike2/identity.h"
#include "oe/ike2/init.h"
#include "oe/ike2/inform.h"
#include "oe/ike2/report.h"
#include "oe/ike2/selector.h"
#include "oe/ike2/table.h"
#include "oe/ike2/window.h"

static unsigned
or_default(unsigned value, unsigned otherwise)
{
	return value != 0 ? value : otherwise;
}

struct ike2 *
ike2_new(const struct ike2_config *c, const struct keying_ops *ops, void *arg)
{
	struct ike2 *e = calloc(1, sizeof(*e));

	if (e == NULL || (c->key != NULL && EVP_PKEY_up_ref(c->key) != 1)) {
		log_error("no memory for IKEv2");
		free(e);
		return NULL;
	}
	e->c = *c;
	e->c.half_open_max = or_default(c->half_open_max, 1024);
	e->c.half_open_per_address = or_default(c->half_open_per_address, 16);
	e->c.cookie_from = or_default(c->cookie_from, 32);
	e->c.anonymous_max = or_default(c->anonymous_max, 1024);
	e->c.anonymous_per_address = or_default(c->anonymous_per_address, 16);
	e->c.sa_max = or_default(c->sa_max, 4096);
	e->c.sa_per_address = or_default(c->sa_per_address, 1024);
	e->c.ike_lifetime = or_default(c->ike_lifetime, 3600);
	e->c.child_lifetime = or_default(c->child_lifetime, 1200);
	e->c.keepalive = or_default(c->keepalive, 20);
	e->c.datagram_max = or_default(c->datagram_max, 1280);
	e->c.ke = (uint16_t)or_default(c->ke, IKE2_KE_CURVE25519);
	ike_exchanges_init(&e->x, IKE2_MAJOR, ops, arg, c->give_up);
	ike_budget_init(&e->budget, &(struct ike_budget_limits){
	    .per_port = e->c.half_open_per_address,
	    .per_network = e->c.half_open_per_address,
	    .all = e->c.half_open_max }, c->spent);
	e->next = ike2_exchange_next;
	e->clear = (struct ratelimit)RATELIMIT_INIT(10, 100);
	TAILQ_INIT(&e->sas);
	TAILQ_INIT(&e->orphans);
	random_bytes(e->secret, sizeof(e->secret));
	ike2_exponents_begin(e);
	return e;
}

static void
engine_free(void *engine)
{
	struct ike2	  *e = engine;
	struct ike2_child *c;
	struct ike2_sa	  *sa;

	if (e == NULL)
		return;
	ike2_exponents_free(e);
	ike_budget_free(&e->budget);
	while ((sa = TAILQ_FIRST(&e->sas)) != NULL)
		ike2_sa_free(sa);
	while ((c = TAILQ_FIRST(&e->orphans)) != NULL)
		ike2_child_free(c);
	EVP_PKEY_free(e->c.key);
	wipe_free(e, sizeof(*e));
}

static void
engine_shutdown(void *engine, uint64_t now)
{
	struct ike2	  *e = engine;
	struct ike2_sa	  *sa, *next;
	struct ike2_child *c, *c_next;

	TAILQ_FOREACH_SAFE(sa, &e->sas, entry, next) {
		/* Not asked for anew, of us. */
		TAILQ_FOREACH_SAFE(c, &sa->children, entry, c_next) {
			if (!c->announced)
				ike2_child_failed(c, KEYING_LOCAL,
				    "IKE ends here");
		}
		if (sa->state == IKE2_UP || sa->state == IKE2_AUTH_SENT) {
			/* Whatever waits for an answer: this
			 * is the last word. */
			ike2_request_done(sa);
			sa->close = true;
			ike2_inform_start(sa, now);
		}
		if (sa->state != IKE2_DEAD)
			ike2_sa_kill(sa, true, false);
	}
}

/* --- requests --- */

static bool
has_key(const struct keying_credentials *c, const struct pubkey *key)
{
	size_t i;

	for (i = 0; i < c->nkeys; i++) {
		if (pubkey_equal(&c->keys[i], key))
			return true;
	}
	return false;
}

/* Has the peer proved over sa what r wants of it? */
static bool
proof_will_do(const struct ike2_sa *sa, const struct keying_request *r)
{
	if (sa->proof.how == KEYING_BY_NOTHING)
		return r->peer.nothing;
	/* A proof may be more than is asked. */
	if (r->peer.nothing && r->peer.nkeys == 0 && r->peer.psk == NULL)
		return true;
	if (r->peer_id.type != KEYING_ID_ANYONE && !keying_id_equal(&r->peer_id,
	    &sa->peer_id))
		return false;
	return sa->proof.how == KEYING_BY_KEY ?
	    has_key(&r->peer, &sa->proof.key) : r->peer.psk != NULL;
}

/* And will it, where the negotiation is under way? */
static bool
same_wishes(const struct ike2_init *i, const struct keying_request *r)
{
	size_t k;

	if (i == NULL || !keying_id_equal(&i->want_id, &r->peer_id) ||
	    i->nothing != r->peer.nothing || i->nkeys != r->peer.nkeys ||
	    i->psk_len != (r->peer.psk == NULL ? 0 : r->peer.psk_len) ||
	    (i->psk_len != 0 && compare_secret(i->psk, r->peer.psk,
	    i->psk_len) != 0))
		return false;
	for (k = 0; k < i->nkeys; k++) {
		if (!has_key(&r->peer, &i->keys[k]))
			return false;
	}
	return true;
}

static bool
sa_serves(const struct ike2_sa *sa, const struct keying_request *r)
{
	if (!addr_equal(&sa->path.local, &r->path.local) ||
	    !addr_equal(&sa->path.peer, &r->path.peer) ||
	    sa->close || sa->replaced || sa->full ||
	    sa->nchildren >= IKE2_CHILDREN_MAX ||
	    /* An address is lent in IKE_AUTH, or never. */
	    (r->inner == KEYING_INNER_YES && !addr_is_set(&sa->inner)) ||
	    !keying_id_equal(&sa->my_id, &r->my_id))
		return false;
	if (sa->state == IKE2_UP)
		return proof_will_do(sa, r);
	return (sa->state == IKE2_INIT_SENT || sa->state == IKE2_AUTH_SENT) &&
	    same_wishes(sa->init, r);
}

/* One takes the place of those of the same two that serve nothing. */
static void
close_childless(struct ike2_sa *sa, uint64_t now)
{
	struct ike2_sa *o;

	TAILQ_FOREACH(o, &sa->ike->sas, entry) {
		if (o == sa || o->state != IKE2_UP || !o->initiator ||
		    !TAILQ_EMPTY(&o->children) ||
		    !addr_equal(&o->path.peer, &sa->path.peer) ||
		    !addr_equal(&o->path.local, &sa->path.local) ||
		    !keying_id_equal(&o->my_id, &sa->my_id))
			continue;
		o->close = true;
		ike2_exchange_next(o, now);
	}
}

static struct ike2_sa *
begin_sa(struct ike2 *e, uint64_t now, const struct keying_request *r)
{
	struct keying_path path = r->path;
	struct ike2_init  *i;
	struct ike2_sa	  *sa;
	size_t		   k;

	if (path.local_port == 0)
		path.local_port = KEYING_PORT;
	if (path.peer_port == 0)
		path.peer_port = KEYING_PORT;
	if ((sa = ike2_sa_new(e, now, &path, true)) == NULL)
		return NULL;
	i = sa->init;
	sa->my_id = r->my_id;
	sa->expires = now + (r->patience != 0 ? r->patience : e->x.give_up);
	i->want_id = r->peer_id;
	i->nothing = r->peer.nothing;
	i->initial_contact = r->initial_contact;
	i->departed = r->departed;
	for (k = 0; k < r->peer.nkeys && k < KEYING_KEYS_MAX; k++)
		i->keys[i->nkeys++] = r->peer.keys[k];
	if (r->peer.psk != NULL && r->peer.psk_len != 0) {
		if ((i->psk = malloc(r->peer.psk_len)) == NULL) {
			ike2_sa_kill(sa, false, false);
			return NULL;
		}
		memcpy(i->psk, r->peer.psk, r->peer.psk_len);
		i->psk_len = r->peer.psk_len;
	}
	return sa;
}

/* The living pair of SAs that a new one replaces: it has all of what that is
 * for (§2.9.2). */
static struct ike2_child *
child_of(const struct ike2_sa *sa, const struct ike2_child *new)
{
	struct ike2_child *c, *found = NULL;

	TAILQ_FOREACH(c, &sa->children, entry) {
		if (c->conn == new->conn && c->state == IKE2_CHILD_UP &&
		    keying_selectors_within(&c->ours, &new->ours) &&
		    keying_selectors_within(&c->theirs, &new->theirs))
			found = c;
	}
	return found;
}

static bool
can_request(const struct ike2 *e, const struct keying_request *r)
{
	struct writer w;
	uint8_t	      body[IKE2_ID_BODY_MAX];

	writer_init(&w, body, sizeof(body));
	return (r->version == 0 || r->version == IKE2_MAJOR) &&
	    (ike2_id_write(&w, &r->my_id) == 0 || e->c.key == NULL) &&
	    r->peer_id.type != KEYING_ID_PREFIX &&
	    r->ours.n != 0 && r->theirs.n != 0 &&
	    (r->peer.nkeys != 0 || r->peer.psk != NULL || r->peer.nothing) &&
	    (r->mode == KEYING_TUNNEL || e->c.transport);
}

static int
engine_request(void *engine, uint64_t now, const struct keying_request *r,
    void *conn)
{
	struct ike2	  *e = engine;
	struct ike2_sa	  *sa;
	struct ike2_child *c, *old;
	struct keying_selector inner;
	bool		   fresh = false;

	if (!can_request(e, r))
		return -1;
	/* The newest first: after a reboot of the peer the
	 * older ones are stale. */
	TAILQ_FOREACH_REVERSE(sa, &e->sas, ike2_sas, entry) {
		if (sa_serves(sa, r))
			break;
	}
	if (sa == NULL) {
		if ((sa = begin_sa(e, now, r)) == NULL)
			return -1;
		close_childless(sa, now);
		fresh = true;
	}
	if ((c = ike2_child_new(sa, true)) == NULL) {
		if (fresh)
			ike2_sa_kill(sa, false, false);
		return -1;
	}
	c->conn = conn;
	c->mode = r->mode;
	c->since = now;
	c->theirs = r->theirs;
	c->want_inner = r->inner;
	if (r->inner != KEYING_INNER_NO && addr_is_set(&sa->inner)) {
		c->inner = sa->inner;
		inner = keying_selector_host(&sa->inner, 0, 0);
		c->ours = keying_selectors_of(&inner);
	} else
		c->ours = r->ours;
	if ((old = child_of(sa, c)) != NULL)
		c->rekeys = old->spi_in;
	if (fresh && ike2_init_start(sa, now) == -1) {
		c->conn = NULL;
		ike2_sa_kill(sa, false, false);
		return -1;
	}
	ike_timer(&e->x, now);
	ike2_exchange_next(sa, now);
	return 0;
}

/* The child is in no message yet, or in one that was answered. */
static void
forget_child(struct ike2_child *c, uint64_t now, bool tell)
{
	c->conn = NULL;
	if (c->sa == NULL || c->state == IKE2_CHILD_WANTED ||
	    (c->announced && !tell))
		ike2_child_kill(c);
	else if (c->announced)
		ike2_child_delete(c, now);
	/* Else the peer is making it: it is deleted when it is known. */
}

/* Begun for nobody who is left, and not answered: were it kept, it would take
 * what is asked for next with it when its patience is over. */
static bool
is_unwanted(const struct ike2_sa *sa)
{
	const struct ike2_child *c;

	if (sa->state != IKE2_INIT_SENT)
		return false;
	TAILQ_FOREACH(c, &sa->children, entry) {
		if (c->state != IKE2_CHILD_DEAD)
			return false;
	}
	return true;
}

static void
engine_forget(void *engine, uint64_t now, void *conn, bool tell)
{
	struct ike2	  *e = engine;
	struct ike2_child *c, *next;
	struct ike2_sa	  *sa, *sa_next;

	TAILQ_FOREACH_SAFE(sa, &e->sas, entry, sa_next) {
		TAILQ_FOREACH_SAFE(c, &sa->children, entry, next) {
			if (c->conn == conn && c->state != IKE2_CHILD_DEAD)
				forget_child(c, now, tell);
		}
		if (is_unwanted(sa))
			ike2_sa_kill(sa, false, false);
	}
	TAILQ_FOREACH_SAFE(c, &e->orphans, entry, next) {
		if (c->conn == conn)
			ike2_child_kill(c);
	}
	ike_timer(&e->x, now);
}

static int
engine_delete_child(void *engine, uint64_t now, uint32_t spi_in)
{
	struct ike2	  *e = engine;
	struct ike2_child *c;
	struct ike2_sa	  *sa;

	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state != IKE2_UP ||
		    (c = ike2_child_by_in(sa, spi_in)) == NULL)
			continue;
		c->conn = NULL;
		ike2_child_delete(c, now);
		return 0;
	}
	return -1;
}

static struct ike2_sa *
sa_of(struct ike2 *e, const void *conn)
{
	struct ike2_child *c;
	struct ike2_sa	  *sa;

	TAILQ_FOREACH_REVERSE(sa, &e->sas, ike2_sas, entry) {
		if (sa->state >= IKE2_CLOSING)
			continue;
		TAILQ_FOREACH(c, &sa->children, entry) {
			if (c->conn == conn && c->state != IKE2_CHILD_DEAD)
				return sa;
		}
	}
	return NULL;
}

static int
engine_probe(void *engine, uint64_t now, void *conn)
{
	struct ike2    *e = engine;
	struct ike2_sa *sa = sa_of(e, conn);

	if (sa == NULL)
		return -1;
	if (sa->out.job != IKE2_JOB_NONE) {
		/* The peer has not answered so far: once more, now; and an
		 * answer to that is one to our question. */
		ike2_request_hurry(sa, now);
		return 0;
	}
	if (sa->state != IKE2_UP)
		return -1;
	sa->probe_asked = true;
	ike2_exchange_next(sa, now);
	return 0;
}

static void
engine_moved(void *engine, void *conn, const struct addr *peer, uint16_t port)
{
	struct ike2_sa *sa = sa_of(engine, conn);

	if (sa == NULL || !sa->nat_there)
		return;
	sa->path.peer = *peer;
	sa->path.peer_port = port;
}

static int
engine_invalid_spi(void *engine, uint64_t now, const struct keying_path *path,
    uint32_t spi, bool hint)
{
	struct ike2    *e = engine;
	struct ike2_sa *sa;

	TAILQ_FOREACH_REVERSE(sa, &e->sas, ike2_sas, entry) {
		if (sa->state == IKE2_UP &&
		    addr_equal(&sa->path.peer, &path->peer) &&
		    addr_equal(&sa->path.local, &path->local)) {
			sa->unknown_spi = spi;
			ike2_exchange_next(sa, now);
			return 0;
		}
	}
	if (hint)
		ike2_spi_hint(e, path, spi);
	return -1;
}

/* --- answers --- */

static struct ike2_sa *
sa_by_token(struct ike2 *e, uint64_t token)
{
	struct ike2_sa *sa;

	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (token != 0 && sa->token == token &&
		    sa->state < IKE2_CLOSING)
			return sa;
	}
	return NULL;
}

static void
engine_peer_identity(void *engine, uint64_t token,
    const struct keying_id *my_id)
{
	struct ike2_sa *sa = sa_by_token(engine, token);

	if (sa != NULL && sa->state == IKE2_AUTH_GOT)
		sa->my_id = *my_id;
}

static void
engine_peer_keys(void *engine, uint64_t now, uint64_t token,
    const struct keying_credentials *c)
{
	struct ike2_sa *sa = sa_by_token(engine, token);

	if (sa == NULL || sa->state != IKE2_AUTH_GOT)
		return;
	sa->token = 0;
	ike2_auth_keys(sa, now, c);
}

static struct ike2_child *
child_asked(const struct ike2_sa *sa)
{
	struct ike2_child *c;

	TAILQ_FOREACH(c, &sa->children, entry) {
		if (c->state == IKE2_CHILD_ASKED)
			break;
	}
	return c;
}

static void
engine_narrow(void *engine, uint64_t token,
    const struct keying_selectors *ours, const struct keying_selectors *theirs,
    const struct addr *inner)
{
	struct ike2_sa	  *sa = sa_by_token(engine, token);
	struct ike2_child *c = sa == NULL ? NULL : child_asked(sa);

	if (c == NULL || !keying_selectors_within(ours, &c->ours) ||
	    !keying_selectors_within(theirs, &c->theirs))
		return;
	c->ours = *ours;
	c->theirs = *theirs;
	if (inner != NULL && c->inner_asked)
		c->lent = *inner;
}

static void
engine_authorize(void *engine, uint64_t now, uint64_t token, void *conn)
{
	struct ike2	  *e = engine;
	struct ike2_sa	  *sa = sa_by_token(e, token);
	struct ike2_child *c;

	if (sa == NULL)
		return;
	if ((c = child_asked(sa)) == NULL)
		return;
	sa->token = 0;
	if (sa->state == IKE2_AUTH_GOT)
		ike2_auth_authorized(sa, now, c, conn);
	else
		ike2_child_authorized(c, now, conn);
	ike_timer(&e->x, now);
}

static void
engine_packet(void *engine, uint64_t now, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	if ((buf = ike_unmark(path, buf, &len)) != NULL)
		ike2_message(engine, now, path, buf, len);
}

static void
engine_icmp(void *engine, uint64_t now, const struct keying_path *path)
{
	struct ike2    *e = engine;
	struct ike2_sa *sa, *next;

	(void)now;
	TAILQ_FOREACH_SAFE(sa, &e->sas, entry, next) {
		if (sa->state != IKE2_INIT_SENT || sa->init == NULL ||
		    !addr_equal(&sa->path.peer, &path->peer))
			continue;
		sa->init->icmp = true;
		if (sa->init->departed)
			ike2_sa_failed(sa, KEYING_ICMP, NULL);
	}
}

/* --- time --- */

static uint64_t
engine_next(const void *engine)
{
	return ((const struct ike2 *)engine)->x.next;
}

static void
keepalive(struct ike2_sa *sa, uint64_t now)
{
	static const uint8_t octet = 0xff;
	struct ike2	    *e = sa->ike;

	if (!sa->nat_here)
		return;
	if (now >= sa->keepalive_at) {
		e->x.ops->send(e->x.arg, &sa->path, &octet, 1);
		sa->keepalive_at = now + (uint64_t)e->c.keepalive * 1000;
	}
	ike_timer(&e->x, sa->keepalive_at);
}

/* The IKE SA is up: shall it end, be renewed, be asked whether it lives? */
static void
up_tick(struct ike2_sa *sa, uint64_t now)
{
	struct ike2 *e = sa->ike;
	uint64_t     dpd = e->c.dpd_delay == 0 || TAILQ_EMPTY(&sa->children) ?
	    IKE_NEVER : sa->heard + (uint64_t)e->c.dpd_delay * 1000;

	if (now >= sa->expires || (now >= sa->childless_at &&
	    TAILQ_EMPTY(&sa->children)))
		sa->close = true;
	if (now >= dpd && sa->out.job == IKE2_JOB_NONE) {
		sa->probe = true;
		dpd = now + (uint64_t)e->c.dpd_delay * 1000;
	}
	if (!sa->close) {
		ike_timer(&e->x, sa->expires);
		if (!sa->replaced && sa->renew_at > now)
			ike_timer(&e->x, sa->renew_at);
		if (dpd > now)
			ike_timer(&e->x, dpd);
	}
	keepalive(sa, now);
}

static void
sa_tick(struct ike2_sa *sa, uint64_t now)
{
	struct ike2_child *c, *next;
	struct ike2	  *e = sa->ike;

	switch (sa->state) {
	case IKE2_DEAD:
		return;
	case IKE2_GONE:
		if (now >= sa->expires)
			sa->state = IKE2_DEAD;
		else
			ike_timer(&e->x, sa->expires);
		return;
	case IKE2_INIT_GOT:
	case IKE2_AUTH_GOT:
		if (now >= sa->expires)
			ike2_sa_kill(sa, false, false);
		else
			ike_timer(&e->x, sa->expires);
		return;
	case IKE2_INIT_SENT:
		if (sa->init->refused != 0) {
			if (now >= sa->init->refused_at) {
				ike2_init_give_up(sa);
				return;
			}
			ike_timer(&e->x, sa->init->refused_at);
		}
		break;
	case IKE2_UP:
		up_tick(sa, now);
		break;
	default:
		break;
	}
	ike2_exchange_tick(sa, now);
	TAILQ_FOREACH_SAFE(c, &sa->children, entry, next) {
		if (c->state == IKE2_CHILD_ASKED && sa->state == IKE2_UP) {
			/* Else the window stays shut, and the
			 * peer thinks us dead. */
			if (now >= c->since + IKE2_ASK_TIME) {
				sa->token = 0;
				ike2_child_authorized(c, now, NULL);
			} else
				ike_timer(&e->x, c->since + IKE2_ASK_TIME);
		}
		if (c->state != IKE2_CHILD_UP)
			continue;
		if (now < c->hard) {
			ike_timer(&e->x, c->hard);
			continue;
		}
		/* The connection hears of the end at once, the peer too. */
		if (c->conn != NULL)
			e->x.ops->child_down(e->x.arg, c->conn, c->spi_in,
			    false);
		c->conn = NULL;
		ike2_child_delete(c, now);
	}
}

/* Frees what is dead; an IKE SA that has nothing left ends some time later. */
static void
sweep(struct ike2 *e, uint64_t now)
{
	struct ike2_child *c, *c_next;
	struct ike2_sa	  *sa, *next;

	TAILQ_FOREACH_SAFE(sa, &e->sas, entry, next) {
		TAILQ_FOREACH_SAFE(c, &sa->children, entry, c_next) {
			if (c->state == IKE2_CHILD_DEAD)
				ike2_child_free(c);
		}
		if (sa->state == IKE2_UP && !sa->close &&
		    TAILQ_EMPTY(&sa->children)) {
			if (sa->childless_at == IKE_NEVER)
				sa->childless_at = now + IKE2_CHILDLESS_TIME;
			ike_timer(&e->x, sa->childless_at);
		}
		if (sa->state == IKE2_DEAD)
			ike2_sa_free(sa);
	}
	TAILQ_FOREACH_SAFE(c, &e->orphans, entry, c_next) {
		if (c->state == IKE2_CHILD_DEAD)
			ike2_child_free(c);
	}
}

static void
engine_tick(void *engine, uint64_t now)
{
	struct ike2	   *e = engine;
	struct ike2_child  *c, *next;
	struct ike2_sa	   *sa;
	struct ike_waiting *w;

	if ((w = ike_work_next(&e->budget, now)) != NULL) {
		ike2_message(e, now, &w->path, w->buf, w->len);
		ike_work_served(&e->budget, w);
	}
	e->x.next = ike_work_due(&e->budget);
	TAILQ_FOREACH(sa, &e->sas, entry)
		sa_tick(sa, now);
	TAILQ_FOREACH_SAFE(c, &e->orphans, entry, next) {
		if (now >= c->hard)
			ike2_child_gone(c, false);
		else
			ike_timer(&e->x, c->hard);
	}
	ike2_exponents_tick(e, now);
	sweep(e, now);
}

const struct keying_engine ike2_engine = KEYING_ENGINE(IKE2_MAJOR,
    engine, ike2, .narrow = engine_narrow);
