/* begin.c - Phase 1 SAs that we begin: for a request, to follow one that ends, instead of a stale one */
#include "config.h"

#include "base/log.h"
#include "oe/ike1/begin.h"
#include "oe/ike1/phase1.h"

#define STALE_TRIES	3	/* repetitions without a word, over an SA ... */
#define STALE_TIME	10000	/* ... that was silent for as many milliseconds
				 * before */

static bool
has_key_that_fits(const struct ike1 *e, const struct keying_credentials *c)
{
	size_t i;

	for (i = 0; i < c->nkeys; i++) {
		if (ike1_key_fits(e, &c->keys[i]))
			return true;
	}
	return false;
}

struct ike1_sa *
begin_sa(struct ike1 *e, uint64_t now, const struct keying_request *r)
{
	struct keying_path path = r->path;
	struct ike1_sa	  *sa;

	if (path.local_port == 0)
		path.local_port = 500;
	if (path.peer_port == 0)
		path.peer_port = 500;
	if ((r->peer.psk == NULL &&
	    (e->c.key == NULL || !has_key_that_fits(e, &r->peer))) ||
	    (sa = ike1_sa_new(e, now, &path, true)) == NULL)
		return NULL;
	sa->my_id = r->my_id;
	sa->peer_id = r->peer_id;
	sa->initial_contact = r->initial_contact;
	sa->departed = r->departed;
	ike1_sa_set_keys(sa, &r->peer);
	sa->modern = r->modern;
	if (r->peer.psk != NULL)
		ike_keep(&sa->psk, &sa->psk_len, r->peer.psk,
		    r->peer.psk_len);
	return sa;
}

/* A new SA to the same peer, on the same path, to be proved the same way. */
static struct ike1_sa *
sa_like(const struct ike1_sa *sa, uint64_t now)
{
	struct keying_request r = { .path = sa->path, .my_id = sa->my_id,
		.peer_id = sa->peer_id, .peer = { .keys = sa->keys,
		.nkeys = sa->nkeys, .psk = sa->psk, .psk_len = sa->psk_len },
		.modern = sa->modern };

	return begin_sa(sa->ike, now, &r);
}

/*
 * A peer may drop the Phase 2 SAs with the Phase 1 SA that made them, so one
 * in use is followed by another before it ends.
 */
void
begin_renewal(struct ike1_sa *sa, uint64_t now)
{
	struct ike1    *e = sa->ike;
	struct ike1_sa *next;

	/* Again, should it fail; what replaces it puts an end to that. */
	sa->renew_at = now + e->x.give_up + IKE1_LINGER;
	if (!ike1_sa_in_use(sa) || ike1_sa_newest(sa) != sa ||
	    (next = sa_like(sa, now)) == NULL)
		return;
	next->renewal = true;
	phase1_start(next, now);
}

/* Quick Mode over an SA from earlier, and not a word since it began. */
bool
begin_is_unheard(const struct ike1_child *c)
{
	return !c->again && c->initiator && c->state == IKE1_QM_SENT_1 &&
	    c->sa->up_at <= c->since && c->sa->heard < c->since;
}

static void
child_begin_again(struct ike1_child *c, struct ike1_sa *next)
{
	c->ike->x.ops->spi_put(c->ike->x.arg, c->spi_in);
	c->spi_in = 0;
	ike_retry_clear(&c->retry);
	ike_dh_free(c->dh);
	c->dh = NULL;
	c->sa->nchildren--;
	next->nchildren++;
	c->sa = next;
	c->state = IKE1_QM_WAIT_SA;
	c->again = true;
}

bool
begin_again(struct ike1_sa *stale, uint64_t now)
{
	struct ike1_child *c;
	struct ike1_sa	 *next = NULL;

	TAILQ_FOREACH(c, &stale->ike->children, entry) {
		if (c->sa != stale || !begin_is_unheard(c))
			continue;
		if (next == NULL && (next = sa_like(stale, now)) == NULL)
			return false;
		child_begin_again(c, next);
	}
	if (next == NULL)
		return false;
	log_info("IKE peer %s (%s) does not know its Phase 1 SA any more",
	    keying_id_text(&stale->peer_id), ADDR_TEXT(&stale->path.peer));
	ike1_sa_kill(stale, now);
	phase1_start(next, now);
	return true;
}

/* An SA of before a sleep, or a restart of the peer's, is not waited for
 * long. */
bool
begin_is_lost(const struct ike1_child *c, uint64_t now)
{
	return begin_is_unheard(c) && c->retry.tries >= STALE_TRIES &&
	    now - c->sa->heard >= STALE_TIME;
}

/* Nobody answers over sa.  Another SA, by which the peer still speaks, asks for
 * itself; else each of its children is told. */
static void
peer_lost(struct ike1_sa *sa, uint64_t now, void (*tell)(struct ike1_child *c))
{
	struct ike1	 *e = sa->ike;
	struct ike1_child *c;

	(void)begin_again(sa, now);
	ike1_sa_kill(sa, now);
	if (ike1_sa_newest(sa) != NULL)
		return;
	/* What a callback asks for is appended, and not older than sa. */
	TAILQ_FOREACH(c, &e->children, entry) {
		if (ike1_child_is_older(c, sa))
			tell(c);
	}
}

static void
child_silent(struct ike1_child *c)
{
	if (c->conn != NULL)
		c->ike->x.ops->peer_silent(c->ike->x.arg, c->conn);
}

static void
child_dead(struct ike1_child *c)
{
	ike1_child_gone(c, false);
}

void
begin_peer_silent(struct ike1_sa *sa, uint64_t now)
{
	peer_lost(sa, now, child_silent);
}

void
begin_peer_dead(struct ike1_sa *sa, uint64_t now)
{
	peer_lost(sa, now, child_dead);
}
