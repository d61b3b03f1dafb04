/* table.c - the IKEv1 engine's Phase 1 and Phase 2 SAs: made, found, ended */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/queue.h"
#include "base/util.h"
#include "oe/ike1/table.h"

struct ike1_sa *
ike1_sa_new(struct ike1 *e, uint64_t now, const struct keying_path *path,
    bool initiator)
{
	struct ike1_sa *sa;

	if (e->nsas[initiator] >= e->c.sa_max ||
	    (sa = calloc(1, sizeof(*sa))) == NULL)
		return NULL;
	sa->ike = e;
	sa->path = *path;
	sa->initiator = initiator;
	sa->created = now;
	sa->expires = IKE_NEVER;
	sa->dpd_at = sa->renew_at = sa->childless_at = IKE_NEVER;
	sa->key_used = -1;
	TAILQ_INSERT_TAIL(&e->sas, sa, entry);
	e->nsas[initiator]++;
	return sa;
}

bool
ike1_key_fits(const struct ike1 *e, const struct pubkey *k)
{
	return k->type == PUBKEY_RSA && pubkey_bits(k) >= e->c.rsa_min_bits;
}

void
ike1_sa_set_keys(struct ike1_sa *sa, const struct keying_credentials *c)
{
	size_t i;

	sa->nkeys = 0;
	for (i = 0; i < c->nkeys && sa->nkeys < KEYING_KEYS_MAX; i++) {
		if (ike1_key_fits(sa->ike, &c->keys[i]))
			sa->keys[sa->nkeys++] = c->keys[i];
	}
}

void
ike1_sa_hash(struct ike1_sa *sa)
{
	if (sa->key.cookie != 0)
		HASH_DEL(sa->ike->by_cookie, sa);
	memset(&sa->key, 0, sizeof(sa->key));
	sa->key.cookie = sa->cookie_i;
	sa->key.peer = sa->path.peer;
	HASH_ADD(hh, sa->ike->by_cookie, key, sizeof(sa->key), sa);
}

struct ike1_sa *
ike1_sa_find(struct ike1 *e, uint64_t cookie_i, const struct addr *peer)
{
	struct ike1_sa *sa, want;

	memset(&want.key, 0, sizeof(want.key));
	want.key.cookie = cookie_i;
	want.key.peer = *peer;
	HASH_FIND(hh, e->by_cookie, &want.key, sizeof(want.key), sa);
	return sa;
}

void
ike1_sa_free(struct ike1_sa *sa)
{
	struct ike1 *e = sa->ike;

	if (sa->key.cookie != 0)
		HASH_DEL(e->by_cookie, sa);
	TAILQ_REMOVE(&e->sas, sa, entry);
	if (sa->state != IKE1_MM_DEAD)
		e->nsas[sa->initiator]--;
	free(sa->msgids.table);
	ike_retry_clear(&sa->retry);
	ike_answered_clear(&sa->answered);
	ike_dh_free(sa->dh);
	free(sa->sai);
	wipe_free(sa->psk, sa->psk_len);
	wipe_free(sa->pending, sa->pending_len);
	wipe_free(sa, sizeof(*sa));
}

void
ike1_sa_kill(struct ike1_sa *sa, uint64_t now)
{
	struct ike1	 *e = sa->ike;
	struct ike1_child *c, *next;

	if (sa->state == IKE1_MM_DEAD)
		return;
	ike_half_remove(&e->budget, &sa->half);
	sa->state = IKE1_MM_DEAD;
	e->nsas[sa->initiator]--;
	sa->token = 0;
	ike_retry_clear(&sa->retry);
	if (sa->key.cookie != 0) {
		HASH_DEL(e->by_cookie, sa);
		sa->key.cookie = 0;
	}
	TAILQ_FOREACH_SAFE(c, &e->children, entry, next) {
		if (c->sa != sa)
			continue;
		if (c->state == IKE1_QM_UP) {
			c->sa = NULL;
			sa->nchildren--;
		} else if (c->state != IKE1_QM_DEAD)
			ike1_child_failed(c, KEYING_SILENCE,
			    "Phase 1 SA deleted");
	}
	ike_timer(&e->x, now);
}

void
ike1_sa_failed(struct ike1_sa *sa, uint64_t now, enum keying_failure f,
    const char *detail)
{
	struct ike1	 *e = sa->ike;
	struct ike1_child *c, *next;

	e->count.phase1_failed++;
	TAILQ_FOREACH_SAFE(c, &e->children, entry, next) {
		if (c->sa == sa && c->state == IKE1_QM_WAIT_SA)
			ike1_child_failed(c, f, detail);
	}
	ike1_sa_kill(sa, now);
}

bool
ike1_sa_used_up(const struct ike1_sa *sa)
{
	return sa->suite.bytes != 0 && sa->bytes > sa->suite.bytes / 2;
}

/* --- Phase 2 SAs ---------------------------------------------------------- */

struct ike1_child *
ike1_child_new(struct ike1 *e, struct ike1_sa *sa, bool initiator)
{
	struct ike1_child *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->ike = e;
	c->sa = sa;
	c->initiator = initiator;
	c->deadline = c->hard = IKE_NEVER;
	c->peer = sa->path.peer;
	c->peer_id = sa->peer_id;
	sa->nchildren++;
	TAILQ_INSERT_TAIL(&e->children, c, entry);
	return c;
}

void
ike1_child_free(struct ike1_child *c)
{
	TAILQ_REMOVE(&c->ike->children, c, entry);
	ike_retry_clear(&c->retry);
	ike_answered_clear(&c->answered);
	ike_dh_free(c->dh);
	free(c->sa_body);
	wipe_free(c, sizeof(*c));
}

void
ike1_child_kill(struct ike1_child *c)
{
	if (c->state == IKE1_QM_DEAD)
		return;
	c->state = IKE1_QM_DEAD;
	c->token = 0;
	ike_retry_clear(&c->retry);
	if (c->sa != NULL) {
		c->sa->nchildren--;
		c->sa = NULL;
	}
	ike_timer(&c->ike->x, 0);
}

bool
ike1_child_is_of(const struct ike1_child *c, const struct ike1_sa *sa)
{
	return c->state != IKE1_QM_DEAD &&
	    addr_equal(&c->peer, &sa->path.peer) &&
	    keying_id_equal(&c->peer_id, &sa->peer_id);
}

bool
ike1_child_is_older(const struct ike1_child *c, const struct ike1_sa *sa)
{
	return c->announced && c->sa != sa && ike1_child_is_of(c, sa);
}

void
ike1_child_gone(struct ike1_child *c, bool by_peer)
{
	void *conn = c->conn;

	c->conn = NULL;
	if (conn != NULL)
		c->ike->x.ops->child_down(c->ike->x.arg, conn, c->spi_in,
		    by_peer);
	ike1_child_kill(c);
}

void
ike1_child_failed(struct ike1_child *c, enum keying_failure f,
    const char *detail)
{
	struct ike1 *e = c->ike;
	void	   *conn = c->conn;
	bool	    tell = conn != NULL && c->state != IKE1_QM_DEAD;

	e->count.phase2_failed++;
	if (c->announced)
		e->x.ops->child_down(e->x.arg, conn, c->spi_in, false);
	else if (tell && c->initiator)
		e->x.ops->failed(e->x.arg, conn, IKE1_VERSION, f,
		    detail);
	if (!c->announced && c->spi_in != 0)
		e->x.ops->spi_put(e->x.arg, c->spi_in);
	c->conn = NULL;
	ike1_child_kill(c);
}

/* --- both ----------------------------------------------------------------- */

struct ike1_sa *
ike1_sa_for_peer(const struct ike1 *e, const struct addr *peer,
    const struct keying_id *id)
{
	struct ike1_sa *sa, *best = NULL;

	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state == IKE1_MM_UP &&
		    addr_equal(&sa->path.peer, peer) &&
		    keying_id_equal(&sa->peer_id, id) &&
		    (best == NULL || sa->up_at >= best->up_at))
			best = sa;
	}
	return best;
}

struct ike1_sa *
ike1_sa_newest(const struct ike1_sa *sa)
{
	return ike1_sa_for_peer(sa->ike, &sa->path.peer, &sa->peer_id);
}

struct ike1_sa *
ike1_child_leader(const struct ike1_child *c)
{
	return ike1_sa_for_peer(c->ike, &c->peer, &c->peer_id);
}

bool
ike1_sa_in_use(const struct ike1_sa *sa)
{
	const struct ike1_child *c;

	TAILQ_FOREACH(c, &sa->ike->children, entry) {
		if (c->conn != NULL && ike1_child_is_of(c, sa))
			return true;
	}
	return false;
}

void
ike1_peer_restarted(struct ike1_sa *sa, uint64_t now)
{
	struct ike1	 *e = sa->ike;
	struct ike1_sa	 *old;
	struct ike1_child *c;

	TAILQ_FOREACH(old, &e->sas, entry) {
		/* An SA that came up beside sa is a crossing first contact. */
		if (old != sa && old->state == IKE1_MM_UP &&
		    old->up_at < sa->created &&
		    addr_equal(&old->path.peer, &sa->path.peer) &&
		    keying_id_equal(&old->peer_id, &sa->peer_id))
			ike1_sa_kill(old, now);
	}
	TAILQ_FOREACH(c, &e->children, entry) {
		if (ike1_child_is_older(c, sa) && c->sa == NULL)
			ike1_child_gone(c, true);
	}
	e->x.ops->initial_contact(e->x.arg, &sa->peer_id, &sa->path.peer);
}
