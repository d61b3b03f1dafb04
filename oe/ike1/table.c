/* table.c - Phase 1 and Phase 2 SAs: made, found, ended */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "oe/ike1/table.h"

/* One of the responder's SAs that serve nothing, by chance. */
static struct ike1_sa *
sa_to_evict(struct ike1 *e)
{
	struct ike1_sa *sa, *victim = NULL;
	unsigned       n = 0;

	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (!sa->initiator && sa->state != IKE1_MM_DEAD &&
		    sa->nchildren == 0 && random_uniform(++n) == 0)
			victim = sa;
	}
	return victim;
}

struct ike1_sa *
ike1_sa_new(struct ike1 *e, uint64_t now, const struct keying_path *path,
    bool initiator)
{
	struct ike1_sa *sa;

	if (!initiator && e->nsas[initiator] >= e->c.sa_max &&
	    (sa = sa_to_evict(e)) != NULL) {
		e->count.phase1_evicted++;
		ike1_sa_expired(sa, now);
	}
	if (e->nsas[initiator] >= e->c.sa_max ||
	    (sa = calloc(1, sizeof(*sa))) == NULL)
		return NULL;
	sa->ike = e;
	sa->path = *path;
	sa->initiator = initiator;
	sa->created = now;
	sa->expires = IKE1_NEVER;
	sa->dpd_at = sa->renew_at = sa->childless_at = IKE1_NEVER;
	sa->key_used = -1;
	TAILQ_INSERT_TAIL(&e->sas, sa, entry);
	e->nsas[initiator]++;
	return sa;
}

/*
 * The oldest of the same peer goes first, then one of its address that
 * serves nothing: who shares an address with many is not the one to pay.
 */
void
ike1_sa_limits(struct ike1_sa *sa, uint64_t now)
{
	struct ike1    *e = sa->ike;
	struct ike1_sa *other, *of_peer = NULL, *idle = NULL;
	unsigned       npeer = 0, naddress = 0;

	TAILQ_FOREACH(other, &e->sas, entry) {
		if (other == sa || other->initiator ||
		    other->state != IKE1_MM_UP ||
		    !addr_equal(&other->path.peer, &sa->path.peer))
			continue;
		naddress++;
		if (idle == NULL && other->nchildren == 0)
			idle = other;
		if (!keying_id_equal(&other->peer_id, &sa->peer_id))
			continue;
		npeer++;
		if (of_peer == NULL)
			of_peer = other;
	}
	if (npeer < e->c.sa_per_peer)
		of_peer = NULL;
	if (of_peer == NULL && naddress >= e->c.sa_per_address)
		of_peer = idle != NULL ? idle : sa;
	if (of_peer == NULL)
		return;
	e->count.phase1_evicted++;
	ike1_sa_expired(of_peer, now);
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
	msgids_free(&sa->msgids);
	ike1_retry_clear(&sa->retry);
	ike_dh_free(sa->dh);
	free(sa->sai);
	wipe_free(sa->psk, sa->psk_len);
	wipe_free(sa->answer, sa->answer_len);
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
	if (sa->half_open) {
		sa->half_open = false;
		e->half_open--;
		TAILQ_REMOVE(&e->half, sa, half_entry);
	}
	sa->state = IKE1_MM_DEAD;
	e->nsas[sa->initiator]--;
	sa->token = 0;
	ike1_retry_clear(&sa->retry);
	if (sa->key.cookie != 0) {
		HASH_DEL(e->by_cookie, sa);
		sa->key.cookie = 0;
	}
	for (c = TAILQ_FIRST(&e->children); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->sa != sa)
			continue;
		if (c->state == IKE1_QM_UP) {
			c->sa = NULL;
			sa->nchildren--;
		} else if (c->state != IKE1_QM_DEAD)
			phase2_failed(c, now, KEYING_SILENCE,
			    "Phase 1 SA deleted");
	}
	ike1_timer(e, now);
}

void
ike1_sa_failed(struct ike1_sa *sa, uint64_t now, enum keying_failure f,
    const char *detail)
{
	struct ike1	 *e = sa->ike;
	struct ike1_child *c, *next;

	e->count.phase1_failed++;
	for (c = TAILQ_FIRST(&e->children); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->sa == sa && c->state == IKE1_QM_WAIT_SA)
			phase2_failed(c, now, f, detail);
	}
	ike1_sa_kill(sa, now);
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
	c->deadline = c->hard = IKE1_NEVER;
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
	ike1_retry_clear(&c->retry);
	ike_dh_free(c->dh);
	free(c->sa_body);
	wipe_free(c->answer, c->answer_len);
	wipe_free(c, sizeof(*c));
}

void
ike1_child_kill(struct ike1_child *c)
{
	if (c->state == IKE1_QM_DEAD)
		return;
	c->state = IKE1_QM_DEAD;
	c->token = 0;
	ike1_retry_clear(&c->retry);
	if (c->sa != NULL) {
		c->sa->nchildren--;
		c->sa = NULL;
	}
	ike1_timer(c->ike, 0);
}

struct ike1_sa *
ike1_sa_for_peer(const struct ike1 *e, const struct addr *peer,
    const struct keying_id *id)
{
	struct ike1_sa *sa, *best = NULL;

	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state == IKE1_MM_UP && addr_equal(&sa->path.peer, peer) &&
		    keying_id_equal(&sa->peer_id, id) &&
		    (best == NULL || sa->up_at >= best->up_at))
			best = sa;
	}
	return best;
}

/* Is this child of the peer that sa leads to, and older than sa? */
static bool
child_is_older(const struct ike1_child *c, const struct ike1_sa *sa)
{
	return c->state != IKE1_QM_DEAD && c->announced && c->sa != sa &&
	    addr_equal(&c->peer, &sa->path.peer) &&
	    keying_id_equal(&c->peer_id, &sa->peer_id);
}

void
ike1_child_gone(struct ike1_child *c, bool by_peer)
{
	void *conn = c->conn;

	c->conn = NULL;
	if (conn != NULL)
		c->ike->ops->child_down(c->ike->arg, conn, c->spi_in, by_peer);
	ike1_child_kill(c);
}

void
ike1_peer_restarted(struct ike1_sa *sa, uint64_t now)
{
	struct ike1	 *e = sa->ike;
	struct ike1_sa	 *old;
	struct ike1_child *c;

	TAILQ_FOREACH(old, &e->sas, entry) {
		/* One that came up beside sa is a crossing first contact. */
		if (old != sa && old->state == IKE1_MM_UP &&
		    old->up_at < sa->created &&
		    addr_equal(&old->path.peer, &sa->path.peer) &&
		    keying_id_equal(&old->peer_id, &sa->peer_id))
			ike1_sa_kill(old, now);
	}
	TAILQ_FOREACH(c, &e->children, entry) {
		if (child_is_older(c, sa) && c->sa == NULL)
			ike1_child_gone(c, true);
	}
	e->ops->initial_contact(e->arg, &sa->peer_id, &sa->path.peer);
}

/* Nobody answers over sa.  Another SA, by which the peer still speaks, asks for
 * itself; else each of its children is told. */
static void
peer_lost(struct ike1_sa *sa, uint64_t now, void (*tell)(struct ike1_child *c))
{
	struct ike1	 *e = sa->ike;
	struct ike1_child *c;

	(void)ike1_children_again(sa, now);
	ike1_sa_kill(sa, now);
	if (ike1_sa_for_peer(e, &sa->path.peer, &sa->peer_id) != NULL)
		return;
	/* What a callback asks for is appended, and not older than sa. */
	TAILQ_FOREACH(c, &e->children, entry) {
		if (child_is_older(c, sa))
			tell(c);
	}
}

static void
child_silent(struct ike1_child *c)
{
	if (c->conn != NULL)
		c->ike->ops->peer_silent(c->ike->arg, c->conn);
}

static void
child_dead(struct ike1_child *c)
{
	ike1_child_gone(c, false);
}

void
ike1_peer_silent(struct ike1_sa *sa, uint64_t now)
{
	peer_lost(sa, now, child_silent);
}

void
ike1_peer_dead(struct ike1_sa *sa, uint64_t now)
{
	peer_lost(sa, now, child_dead);
}
