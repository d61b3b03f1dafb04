/* table.c - IKE SAs by SPI, and their children */
#include "config.h"

#include <stdlib.h>

#include "base/queue.h"
#include "base/util.h"
#include "oe/ike2/exponent.h"
#include "oe/ike2/table.h"
#include "oe/ike2/window.h"

#define SPI_DRAWS	8	/* before we say that none is free */

struct ike2_sa *
ike2_sa_find(struct ike2 *e, uint64_t spi)
{
	struct ike2_sa *sa;

	HASH_FIND(hh, e->by_spi, &spi, sizeof(spi), sa);
	return sa;
}

int
ike2_spi_draw(struct ike2 *e, bool initiator, uint64_t *spi)
{
	int i;

	for (i = 0; i < SPI_DRAWS; i++) {
		if (!initiator)
			random_bytes(spi, sizeof(*spi));
		else if (e->x.ops->cookie_get(e->x.arg, spi) == -1)
			return -1;
		/* §3.1: zero names no IKE SA. */
		if (*spi != 0 && ike2_sa_find(e, *spi) == NULL)
			return 0;
	}
	return -1;
}

void
ike2_sa_hash(struct ike2_sa *sa, uint64_t spi)
{
	struct ike2 *e = sa->ike;

	if (sa->spi != 0)
		HASH_DELETE(hh, e->by_spi, sa);
	sa->spi = spi;
	HASH_ADD(hh, e->by_spi, spi, sizeof(sa->spi), sa);
}

struct ike2_sa *
ike2_sa_new(struct ike2 *e, uint64_t now, const struct keying_path *path,
    bool initiator)
{
	struct ike2_sa *sa = calloc(1, sizeof(*sa));
	uint64_t	spi;

	if (sa == NULL || (sa->init = calloc(1, sizeof(*sa->init))) == NULL ||
	    e->nsas[initiator] >= e->c.sa_max ||
	    ike2_spi_draw(e, initiator, &spi) == -1) {
		if (sa != NULL)
			free(sa->init);
		free(sa);
		return NULL;
	}
	sa->ike = e;
	sa->initiator = initiator;
	sa->state = initiator ? IKE2_INIT_SENT : IKE2_INIT_GOT;
	sa->path = sa->came = *path;
	sa->created = sa->heard = now;
	sa->expires = sa->renew_at = sa->childless_at = sa->keepalive_at =
	    IKE_NEVER;
	TAILQ_INIT(&sa->children);
	TAILQ_INSERT_TAIL(&e->sas, sa, entry);
	e->nsas[initiator]++;
	ike2_sa_hash(sa, spi);
	return sa;
}

static void
ike2_init_free(struct ike2_sa *sa)
{
	struct ike2_init *i = sa->init;

	if (i == NULL)
		return;
	free(i->mine);
	free(i->theirs);
	ike_dh_free(i->dh);
	ike2_exponent_put(i->exponent);
	wipe_free(i->psk, i->psk_len);
	wipe_free(i->pending, i->pending_len);
	wipe_free(i, sizeof(*i));
	sa->init = NULL;
}

void
ike2_rekey_free(struct ike2_sa *sa)
{
	struct ike2_rekey *r = sa->rekey;

	if (r == NULL)
		return;
	ike_dh_free(r->dh);
	wipe_free(r, sizeof(*r));
	sa->rekey = NULL;
}

/* The IKE SA is counted no more among those that others began and
 * may never finish. */
static void
not_half_open(struct ike2_sa *sa)
{
	struct ike2 *e = sa->ike;

	if (!sa->half_open)
		return;
	HASH_DELETE(hh_init, e->by_init, sa);
	ike_half_remove(&e->budget, &sa->half);
	sa->half_open = false;
}

static size_t
group_slot(const struct addr *peer)
{
	return (size_t)(hash_bytes(peer, sizeof(*peer)) % IKE2_GROUPS_KEPT);
}

uint16_t
ike2_group_of(const struct ike2 *e, const struct addr *peer)
{
	size_t i = group_slot(peer);

	return e->groups[i].group != 0 && addr_equal(&e->groups[i].peer,
	    peer) ? e->groups[i].group : e->c.ke;
}

/* A peer that meets another's group there is asked once more, that is all. */
static void
group_keep(struct ike2 *e, const struct addr *peer, uint16_t group)
{
	size_t i = group_slot(peer);

	e->groups[i].peer = *peer;
	e->groups[i].group = group;
}

void
ike2_peer_busy(struct ike2_sa *sa, uint64_t now)
{
	if (sa->busy_since == 0)
		sa->busy_since = now;
	sa->wait_until = now + IKE2_TEMPORARY_WAIT +
	    random_uniform(9 * IKE2_TEMPORARY_WAIT);
	if (now - sa->busy_since < IKE2_TEMPORARY_TIME)
		return;
	ike_complain(&sa->ike->x, now, &sa->path,
	    "it has been busy for minutes, the IKE SA ends");
	sa->close = true;
}

void
ike2_sa_up(struct ike2_sa *sa, uint64_t now)
{
	struct ike2 *e = sa->ike;
	uint64_t     life = (uint64_t)e->c.ike_lifetime * 1000;

	not_half_open(sa);
	if (sa->initiator && sa->init != NULL && sa->init->group != 0)
		group_keep(e, &sa->path.peer, sa->init->group);
	ike2_init_free(sa);
	sa->state = IKE2_UP;
	sa->up_at = sa->heard = now;
	/* The original initiator renews first, so that both do not at once. */
	sa->renew_at = now + life / 100 * (sa->initiator ?
	    85 - random_uniform(5) : 95);
	sa->expires = now + life;
	sa->childless_at = now + IKE2_CHILDLESS_TIME;
	if (sa->nat_here)
		sa->keepalive_at = now + (uint64_t)e->c.keepalive * 1000;
	e->count.up++;
	ike_timer(&e->x, now);
}

void
ike2_sa_free(struct ike2_sa *sa)
{
	struct ike2_child *c;

	while ((c = TAILQ_FIRST(&sa->children)) != NULL)
		ike2_child_free(c);
	not_half_open(sa);
	if (sa->state != IKE2_DEAD && sa->state != IKE2_GONE)
		sa->ike->nsas[sa->initiator]--;
	HASH_DELETE(hh, sa->ike->by_spi, sa);
	TAILQ_REMOVE(&sa->ike->sas, sa, entry);
	ike2_init_free(sa);
	ike2_request_done(sa);
	ike2_packets_free(&sa->answer);
	ike2_reassembly_clear(&sa->in_parts);
	ike2_reassembly_clear(&sa->out_parts);
	ike2_rekey_free(sa);
	ike2_keys_wipe(&sa->keys);
	wipe_free(sa, sizeof(*sa));
}

static void
sa_end(struct ike2_sa *sa, enum ike2_state state)
{
	if (sa->state != IKE2_DEAD && sa->state != IKE2_GONE)
		sa->ike->nsas[sa->initiator]--;
	sa->state = state;
	sa->token = 0;
	not_half_open(sa);
	ike2_request_done(sa);
	ike2_init_free(sa);
	ike2_rekey_end(sa);
	ike_timer(&sa->ike->x, 0);
}

void
ike2_sa_kill(struct ike2_sa *sa, bool keep, bool by_peer)
{
	struct ike2_child *c, *next;
	bool		   up = sa->state == IKE2_UP ||
	    sa->state == IKE2_CLOSING;

	sa_end(sa, IKE2_DEAD);
	TAILQ_FOREACH_SAFE(c, &sa->children, entry, next) {
		if (up && !c->announced)
			ike2_child_failed(c, KEYING_LOST, NULL);
		else if (keep && c->announced && c->conn != NULL)
			ike2_child_move(c, NULL);
		else
			ike2_child_gone(c, by_peer);
	}
}

void
ike2_sa_linger(struct ike2_sa *sa, uint64_t now)
{
	ike2_sa_kill(sa, false, true);
	sa->state = IKE2_GONE;
	sa->expires = now + IKE2_LINGER;
}

void
ike2_sa_failed(struct ike2_sa *sa, enum keying_failure f, const char *detail)
{
	struct ike2_child *c, *next;

	sa->ike->count.failed++;
	sa_end(sa, IKE2_DEAD);
	TAILQ_FOREACH_SAFE(c, &sa->children, entry, next)
		ike2_child_failed(c, f, detail);
}

void
ike2_rekey_end(struct ike2_sa *sa)
{
	struct ike2_rekey *r = sa->rekey;

	if (r == NULL)
		return;
	sa->rekey = NULL;
	if (r->sa != NULL)
		ike2_sa_kill(r->sa, false, false);
	if (r->rival != NULL)
		ike2_sa_kill(r->rival, false, false);
	sa->rekey = r;
	ike2_rekey_free(sa);
}

/* --- children --- */

struct ike2_child *
ike2_child_new(struct ike2_sa *sa, bool initiator)
{
	struct ike2_child *c;

	if (sa->nchildren >= IKE2_CHILDREN_MAX ||
	    (c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->ike = sa->ike;
	c->sa = sa;
	c->initiator = initiator;
	c->state = initiator ? IKE2_CHILD_WANTED : IKE2_CHILD_ASKED;
	c->hard = IKE_NEVER;
	TAILQ_INSERT_TAIL(&sa->children, c, entry);
	sa->nchildren++;
	return c;
}

static void
unlink_child(struct ike2_child *c)
{
	if (c->sa != NULL) {
		TAILQ_REMOVE(&c->sa->children, c, entry);
		c->sa->nchildren--;
		if (c->sa->out.child == c)
			c->sa->out.child = NULL;
	} else
		TAILQ_REMOVE(&c->ike->orphans, c, entry);
}

void
ike2_child_move(struct ike2_child *c, struct ike2_sa *to)
{
	unlink_child(c);
	c->sa = to;
	if (to != NULL) {
		TAILQ_INSERT_TAIL(&to->children, c, entry);
		to->nchildren++;
	} else
		TAILQ_INSERT_TAIL(&c->ike->orphans, c, entry);
}

void
ike2_child_free(struct ike2_child *c)
{
	unlink_child(c);
	if (!c->announced && c->spi_in != 0)
		c->ike->x.ops->spi_put(c->ike->x.arg, c->spi_in);
	ike_dh_free(c->dh);
	wipe_free(c, sizeof(*c));
}

void
ike2_child_kill(struct ike2_child *c)
{
	c->state = IKE2_CHILD_DEAD;
	c->conn = NULL;
	if (c->sa != NULL && c->sa->out.child == c)
		c->sa->out.child = NULL;
	/* Now, as the SPI may be wanted again; the rest when
	 * nobody holds it. */
	if (!c->announced && c->spi_in != 0)
		c->ike->x.ops->spi_put(c->ike->x.arg, c->spi_in);
	c->spi_in = 0;
	ike_timer(&c->ike->x, 0);
}

void
ike2_child_gone(struct ike2_child *c, bool by_peer)
{
	void	*conn = c->conn;
	uint32_t spi_in = c->spi_in;
	bool	 announced = c->announced;

	if (c->state == IKE2_CHILD_DEAD)
		return;
	if (!announced) {
		ike2_child_failed(c, KEYING_SILENCE, "the IKE SA ended");
		return;
	}
	ike2_child_kill(c);
	if (conn != NULL)
		c->ike->x.ops->child_down(c->ike->x.arg, conn, spi_in, by_peer);
}

void
ike2_child_failed(struct ike2_child *c, enum keying_failure f,
    const char *detail)
{
	void *conn = c->conn;

	if (c->state == IKE2_CHILD_DEAD)
		return;
	c->ike->count.children_failed++;
	ike2_child_kill(c);
	if (conn != NULL)
		c->ike->x.ops->failed(c->ike->x.arg, conn, IKE2_MAJOR, f,
		    detail);
}

void
ike2_child_abandon(struct ike2_child *c, enum keying_failure f,
    const char *detail)
{
	void *conn = c->conn;

	c->conn = NULL;
	if (conn != NULL)
		c->ike->x.ops->failed(c->ike->x.arg, conn, IKE2_MAJOR, f,
		    detail);
}

struct ike2_child *
ike2_child_by_in(const struct ike2_sa *sa, uint32_t spi)
{
	struct ike2_child *c;

	TAILQ_FOREACH(c, &sa->children, entry) {
		if (c->spi_in == spi && c->announced &&
		    c->state != IKE2_CHILD_DEAD)
			return c;
	}
	return NULL;
}

struct ike2_child *
ike2_child_by_out(const struct ike2_sa *sa, uint32_t spi)
{
	struct ike2_child *c;

	TAILQ_FOREACH(c, &sa->children, entry) {
		if (c->spi_out == spi && c->announced &&
		    c->state != IKE2_CHILD_DEAD)
			return c;
	}
	return NULL;
}
