/* ending.c - Phase 1 SAs whose time or place is over: their peers are told */
#include "config.h"

#include "base/util.h"
#include "oe/ike1/ending.h"
#include "oe/ike1/notify.h"

void
ending_sa(struct ike1_sa *sa, uint64_t now)
{
	/* A delete takes some peers' Phase 2 SAs along, so not while these
	 * have no other Phase 1 SA. */
	if (sa->state == IKE1_MM_UP && (!ike1_sa_in_use(sa) ||
	    ike1_sa_newest(sa) != sa))
		notify_delete_sa(sa, now);
	ike1_sa_kill(sa, now);
}

/* An SA is kept for its Phase 2 SAs; without any it is made anew as easily. */
void
ending_childless(struct ike1_sa *sa, uint64_t now)
{
	if (sa->nchildren == 0 && (!ike1_sa_in_use(sa) ||
	    ike1_sa_newest(sa) != sa)) {
		ending_sa(sa, now);
		return;
	}
	sa->childless_at = now + IKE1_CHILDLESS_TIME;
}

void
ending_evict(struct ike1 *e, uint64_t now)
{
	struct ike1_sa *sa, *victim = NULL;
	unsigned       n = 0;

	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (!sa->initiator && sa->state != IKE1_MM_DEAD &&
		    sa->nchildren == 0 && random_uniform(++n) == 0)
			victim = sa;
	}
	if (victim == NULL)
		return;
	e->count.phase1_evicted++;
	ending_sa(victim, now);
}

/*
 * The oldest of the same peer goes first, then one of its address that
 * serves nothing: who shares an address with many is not the one to pay.
 */
void
ending_limits(struct ike1_sa *sa, uint64_t now)
{
	struct ike1    *e = sa->ike;
	struct ike1_sa *other, *of_peer = NULL, *idle = NULL;
	unsigned       npeer = 0, naddress = 0;

	TAILQ_FOREACH(other, &e->sas, entry) {
		if (other == sa || other->initiator ||
		    other->state != IKE1_MM_UP ||
		    !addr_same_network(&other->path.peer, &sa->path.peer))
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
	ending_sa(of_peer, now);
}
