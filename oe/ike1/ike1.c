/* ike1.c - the IKEv1 engine: what connections ask of it, and what comes */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/util.h"
#include "oe/ike1/admit.h"
#include "oe/ike1/begin.h"
#include "oe/ike1/id.h"
#include "oe/ike1/ike1.h"
#include "oe/ike1/info.h"
#include "oe/ike1/natt.h"
#include "oe/ike1/notify.h"
#include "oe/ike1/offer.h"
#include "oe/ike1/phase1.h"
#include "oe/ike1/phase2.h"
#include "oe/ike1/show.h"
#include "oe/ike1/tick.h"

struct ike1 *
ike1_new(const struct ike1_config *c, const struct keying_ops *ops, void *arg)
{
	const struct ike_budget_limits limits = {
		.per_port = c->half_open_per_port,
		.per_network = c->half_open_per_address,
		.all = c->half_open_max,
	};
	struct ike1 *e;

	if ((e = calloc(1, sizeof(*e))) == NULL) {
		log_error("IKE: out of memory");
		return NULL;
	}
	e->c = *c;
	/* IKEv1's signatures here are of RSA (RFC 2409 §5.1), or none. */
	if (e->c.key != NULL && EVP_PKEY_is_a(e->c.key, "RSA") != 1)
		e->c.key = NULL;
	if (e->c.key != NULL)
		EVP_PKEY_up_ref(e->c.key);
#define DEFAULT(member, value) if (e->c.member == 0) e->c.member = (value)
	DEFAULT(rsa_min_bits, PUBKEY_BITS_MIN);
	DEFAULT(phase1_lifetime, 3600);
	DEFAULT(phase2_lifetime, 1200);
	DEFAULT(sa_max, 4096);
	DEFAULT(sa_per_address, 1024);
	DEFAULT(sa_per_peer, 4);
#undef DEFAULT
	TAILQ_INIT(&e->sas);
	TAILQ_INIT(&e->children);
	ike_exchanges_init(&e->x, IKE1_VERSION, ops, arg, c->give_up);
	ike_budget_init(&e->budget, &limits, c->spent);
	offers_init(e);
	return e;
}

static void
engine_free(void *engine)
{
	struct ike1 *e = engine;
	struct ike1_child *c;
	struct ike1_sa	 *sa;

	if (e == NULL)
		return;
	while ((c = TAILQ_FIRST(&e->children)) != NULL)
		ike1_child_free(c);
	while ((sa = TAILQ_FIRST(&e->sas)) != NULL)
		ike1_sa_free(sa);
	offers_free(e);
	ike_budget_free(&e->budget);
	EVP_PKEY_free(e->c.key);
	wipe_free(e, sizeof(*e));
}

/* --- what connections ask ------------------------------------------------- */

/* Did the peer of an SA that is up prove itself by what the request allows? */
static bool
sa_proved_by(const struct ike1_sa *sa, const struct keying_request *r)
{
	const struct pubkey *used;
	size_t		     i;

	if (sa->psk != NULL || r->peer.psk != NULL)
		return sa->psk != NULL && r->peer.psk != NULL &&
		    sa->psk_len == r->peer.psk_len &&
		    compare_secret(sa->psk, r->peer.psk, sa->psk_len) == 0;
	if (sa->key_used < 0)
		return false;
	used = &sa->keys[sa->key_used];
	for (i = 0; i < r->peer.nkeys; i++) {
		if (pubkey_equal(used, &r->peer.keys[i]))
			return true;
	}
	return false;
}

/* Does a Phase 1 SA, up or on its way, serve this request? */
static bool
sa_serves(const struct ike1_sa *sa, const struct keying_request *r,
    uint64_t now)
{
	if (sa->state == IKE1_MM_DEAD ||
	    !addr_equal(&sa->path.peer, &r->path.peer) ||
	    !addr_equal(&sa->path.local, &r->path.local) ||
	    !keying_id_equal(&sa->my_id, &r->my_id) ||
	    (sa->psk != NULL) != (r->peer.psk != NULL))
		return false;
	if (sa->state == IKE1_MM_UP) {
		/* An SA about to end would take its Quick Mode with it. */
		if (sa->expires < now + sa->ike->x.give_up ||
		    sa->nchildren >= IKE1_CHILDREN_MAX)
			return false;
		return sa_proved_by(sa, r) && (r->peer_id.type == 0 ||
		    keying_id_equal(&sa->peer_id, &r->peer_id));
	}
	return sa->initiator && sa->nchildren < IKE1_CHILDREN_MAX &&
	    sa->peer_id.type == r->peer_id.type &&
	    (r->peer_id.type == KEYING_ID_ANYONE ||
	    keying_id_equal(&sa->peer_id, &r->peer_id));
}

static int
engine_request(void *engine, uint64_t now, const struct keying_request *r,
    void *conn)
{
	struct ike1 *e = engine;
	struct ike1_sa	 *sa;
	struct ike1_child *c;
	bool   fresh = false;

	if ((r->version != 0 && r->version != IKE1_VERSION) ||
	    r->mode != KEYING_TUNNEL || r->inner == KEYING_INNER_YES ||
	    r->peer.nothing ||
	    !ike1_selector_fits(&r->ours) || !ike1_selector_fits(&r->theirs))
		return -1;
	/* The newest first: after a reboot of the peer the older ones are
	 * stale. */
	TAILQ_FOREACH_REVERSE(sa, &e->sas, ike1_sas, entry) {
		if (sa_serves(sa, r, now))
			break;
	}
	if (sa == NULL) {
		if ((sa = begin_sa(e, now, r)) == NULL)
			return -1;
		fresh = true;
	}
	if ((c = ike1_child_new(e, sa, true)) == NULL) {
		if (fresh)
			ike1_sa_kill(sa, now);
		return -1;
	}
	c->conn = conn;
	c->ours = r->ours.ts[0];
	c->theirs = r->theirs.ts[0];
	c->since = now;
	c->state = IKE1_QM_WAIT_SA;
	if (fresh)
		phase1_start(sa, now);
	else if (sa->state == IKE1_MM_UP)
		phase2_start(c, now);
	return 0;
}

static void
engine_forget(void *engine, uint64_t now, void *conn, bool tell)
{
	struct ike1 *e = engine;
	struct ike1_child *c, *next;
	struct ike1_sa	 *sa;

	TAILQ_FOREACH_SAFE(c, &e->children, entry, next) {
		if (c->conn != conn || c->state == IKE1_QM_DEAD)
			continue;
		c->conn = NULL;
		if (tell && c->announced && (sa = ike1_child_leader(c)) != NULL)
			notify_delete_child(sa, now, c->spi_in);
		if (!c->announced && c->spi_in != 0)
			e->x.ops->spi_put(e->x.arg, c->spi_in);
		sa = c->sa;
		ike1_child_kill(c);
		/* Begun for nobody who is left, and not answered: what is
		 * asked for next has patience of its own. */
		if (sa != NULL && sa->state == IKE1_MM_SENT_SA &&
		    sa->nchildren == 0)
			ike1_sa_kill(sa, now);
	}
}

static int
engine_delete_child(void *engine, uint64_t now, uint32_t spi_in)
{
	struct ike1 *e = engine;
	struct ike1_child *c;
	struct ike1_sa	 *sa;

	TAILQ_FOREACH(c, &e->children, entry) {
		if (c->state == IKE1_QM_DEAD || !c->announced ||
		    c->spi_in != spi_in)
			continue;
		if ((sa = ike1_child_leader(c)) == NULL)
			return -1;
		notify_delete_child(sa, now, spi_in);
		return 0;
	}
	return -1;
}

static int
engine_probe(void *engine, uint64_t now, void *conn)
{
	struct ike1 *e = engine;
	struct ike1_child *c;
	struct ike1_sa	 *sa;

	TAILQ_FOREACH(c, &e->children, entry) {
		if (c->conn == conn && c->state == IKE1_QM_WAIT_SA &&
		    c->sa->retry.buf != NULL) {
			if (c->sa->retry.at > now)
				c->sa->retry.at = now;
			ike_timer(&e->x, now);
			return 0;
		}
	}
	TAILQ_FOREACH(c, &e->children, entry) {
		if (c->conn != conn || c->state == IKE1_QM_DEAD ||
		    !c->announced)
			continue;
		sa = ike1_child_leader(c);
		if (sa == NULL || !sa->dpd)
			return -1;
		info_probe(sa, now);
		return 0;
	}
	return -1;
}

static void
engine_moved(void *engine, void *conn, const struct addr *peer, uint16_t port)
{
	struct ike1 *e = engine;
	struct ike1_child *c;
	struct ike1_sa	 *sa;

	TAILQ_FOREACH(c, &e->children, entry) {
		if (c->conn != conn || c->state == IKE1_QM_DEAD ||
		    !c->announced)
			continue;
		sa = ike1_child_leader(c);
		if (sa != NULL)
			natt_follow(sa, peer, port);
		c->peer = *peer;
	}
}

static int
engine_invalid_spi(void *engine, uint64_t now, const struct keying_path *path,
    uint32_t spi, bool hint)
{
	struct ike1    *e = engine;
	struct ike1_sa *sa;
	uint8_t		wire[4];
	uint64_t	cookie;

	store_u32(wire, spi);
	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state == IKE1_MM_UP &&
		    addr_equal(&sa->path.peer, &path->peer) &&
		    sa->path.peer_port == path->peer_port) {
			notify_send(sa, now, ISAKMP_N_INVALID_SPI, PROTO_ESP,
			    wire, sizeof(wire), NULL, 0);
			return 0;
		}
	}
	random_bytes(&cookie, sizeof(cookie));
	if (hint)
		notify_plain(e, path, cookie, 0, ISAKMP_N_INVALID_SPI,
		    PROTO_ESP, wire, sizeof(wire));
	return -1;
}

static void
engine_shutdown(void *engine, uint64_t now)
{
	struct ike1 *e = engine;
	struct ike1_child *c;
	struct ike1_sa	 *sa;

	TAILQ_FOREACH(c, &e->children, entry) {
		if (c->state != IKE1_QM_DEAD && c->announced &&
		    (sa = ike1_child_leader(c)) != NULL)
			notify_delete_child(sa, now, c->spi_in);
	}
	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state == IKE1_MM_UP)
			notify_delete_sa(sa, now);
	}
}

/* --- what they answer ----------------------------------------------------- */

static struct ike1_sa *
sa_of_token(struct ike1 *e, uint64_t token)
{
	struct ike1_sa *sa;

	if (token == 0)
		return NULL;
	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->token == token)
			break;
	}
	return sa;
}

static void
engine_peer_identity(void *engine, uint64_t token,
    const struct keying_id *my_id)
{
	struct ike1 *e = engine;
	struct ike1_sa *sa = sa_of_token(e, token);

	if (sa != NULL)
		sa->my_id = *my_id;
}

static void
engine_peer_keys(void *engine, uint64_t now, uint64_t token,
    const struct keying_credentials *c)
{
	struct ike1 *e = engine;
	struct ike1_sa *sa = sa_of_token(e, token);

	if (sa == NULL)
		return;
	sa->token = 0;
	ike1_sa_set_keys(sa, c);
	if (sa->state == IKE1_MM_WAIT_PSK && c->psk != NULL)
		ike_keep(&sa->psk, &sa->psk_len, c->psk, c->psk_len);
	sa->psk_confirmed = sa->psk != NULL && c->psk != NULL &&
	    c->psk_len == sa->psk_len &&
	    compare_secret(c->psk, sa->psk, c->psk_len) == 0;
	phase1_keys_found(sa, now);
}

static void
engine_authorize(void *engine, uint64_t now, uint64_t token, void *conn)
{
	struct ike1 *e = engine;
	struct ike1_child *c;

	if (token == 0)
		return;
	TAILQ_FOREACH(c, &e->children, entry) {
		if (c->token == token)
			break;
	}
	if (c == NULL || c->sa == NULL)
		return;
	c->token = 0;
	c->deadline = IKE_NEVER;
	phase2_authorized(c, now, conn);
}

/* --- the network ---------------------------------------------------------- */

/* No SA has this cookie: strangers may only begin. */
static void
message_of_stranger(struct ike1 *e, uint64_t now,
    const struct keying_path *path, const struct isakmp_header *h,
    const uint8_t *buf, size_t len)
{
	if (h->exchange == ISAKMP_MAIN_MODE && h->cookie_r == 0) {
		admit_first(e, now, path, h, buf, len);
	} else if (h->exchange == ISAKMP_MAIN_MODE &&
	    !(h->flags & ISAKMP_FLAG_ENCRYPTION)) {
		admit_third(e, now, path, h, buf, len);
	} else {
		e->count.unknown++;
		if (h->exchange == ISAKMP_INFORMATIONAL)
			info_stray(e, path, h, buf, len);
	}
}

/* A message without its marker, hostile. */
static void
message_in(struct ike1 *e, uint64_t now, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	struct isakmp_header h;
	struct ike1_sa	    *sa;

	if (isakmp_header_read(&h, buf, len) == -1) {
		e->count.malformed++;
		return;
	}
	sa = ike1_sa_find(e, h.cookie_i, &path->peer);
	if (sa == NULL) {
		message_of_stranger(e, now, path, &h, buf, len);
		return;
	}
	/* A first message that comes late; its exchange has gone on. */
	if (!sa->initiator && h.cookie_r == 0) {
		e->count.duplicates++;
		return;
	}
	/* Only the answer to message 1 brings a new cookie. */
	if (sa->cookie_r != h.cookie_r && !(sa->state == IKE1_MM_SENT_SA &&
	    sa->cookie_r == 0)) {
		e->count.unknown++;
		return;
	}
	sa->came = *path;
	switch (h.exchange) {
	case ISAKMP_MAIN_MODE:
		phase1_message(sa, now, &h, buf, len);
		break;
	case ISAKMP_QUICK_MODE:
		phase2_message(sa, now, &h, buf, len);
		break;
	case ISAKMP_INFORMATIONAL:
		info_message(sa, now, &h, buf, len);
		break;
	default:
		e->count.malformed++;
	}
}

static void
engine_packet(void *engine, uint64_t now, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	struct ike1 *e = engine;

	e->count.received++;
	if ((buf = ike_unmark(path, buf, &len)) != NULL)
		message_in(e, now, path, buf, len);
	else if (len != 0)
		e->count.malformed++;
}

static void
engine_icmp(void *engine, uint64_t now, const struct keying_path *path)
{
	struct ike1 *e = engine;
	struct ike1_sa *sa;

	/* Anybody can forge one: it only gives a silence its name, unless the
	 * peer itself has said that it would be silent. */
	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state == IKE1_MM_UP || sa->state == IKE1_MM_DEAD ||
		    !addr_equal(&sa->path.peer, &path->peer) ||
		    sa->path.peer_port != path->peer_port)
			continue;
		sa->icmp = true;
		if (sa->departed && sa->state == IKE1_MM_SENT_SA)
			ike1_sa_failed(sa, now, KEYING_ICMP,
			    "it said goodbye before");
	}
}

/* --- time ----------------------------------------------------------------- */

static uint64_t
engine_next(const void *engine)
{
	return ((const struct ike1 *)engine)->x.next;
}

static void
engine_tick(void *engine, uint64_t now)
{
	struct ike1	   *e = engine;
	struct ike_waiting *w;

	if ((w = ike_work_next(&e->budget, now)) != NULL) {
		message_in(e, now, &w->path, w->buf, w->len);
		ike_work_served(&e->budget, w);
	}
	tick_engine(e, now);
}

const struct keying_engine ike1_engine = KEYING_ENGINE(IKE1_VERSION,
    engine, ike1, .narrow = NULL);
