/* tick.c - what IKEv1 does because time passes */
#include "config.h"

#include "base/queue.h"
#include "oe/ike1/begin.h"
#include "oe/ike1/ending.h"
#include "oe/ike1/info.h"
#include "oe/ike1/message.h"
#include "oe/ike1/natt.h"
#include "oe/ike1/phase1.h"
#include "oe/ike1/phase2.h"
#include "oe/ike1/tick.h"

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void
sa_tick(struct ike1_sa *sa, uint64_t now)
{
	enum keying_failure f;

	if (sa->retry.buf != NULL && now >= sa->retry.at) {
		if (!ike_retry_again(&sa->ike->x, &sa->retry, now)) {
			f = sa->refused != 0 ? KEYING_PEER_REFUSED :
			    sa->icmp ? KEYING_ICMP : KEYING_SILENCE;
			ike1_sa_failed(sa, now, f, sa->refused ==
			    ISAKMP_N_AUTHENTICATION_FAILED ? "it has not found "
			    "our key in DNS, or another one (AUTHENTICATION-"
			    "FAILED)" : NULL);
			return;
		}
		if (sa->state == IKE1_MM_SENT_SA)
			phase1_retry_first(sa, now);
		else
			message_send(sa, sa->retry.buf, sa->retry.len);
	}
	if (now >= sa->expires) {
		ending_sa(sa, now);
		return;
	}
	if (sa->state != IKE1_MM_UP)
		return;
	if (ike1_sa_used_up(sa)) {
		sa->suite.bytes = 0;
		sa->renew_at = now;
		sa->expires = earlier(sa->expires, now + sa->ike->x.give_up);
	}
	if (now >= sa->renew_at)
		begin_renewal(sa, now);
	natt_tick(sa, now);
	if (now >= sa->dpd_at)
		info_dpd(sa, now);
	if (now >= sa->childless_at && sa->state == IKE1_MM_UP)
		ending_childless(sa, now);
}

/* When an SA that is up wants to be looked at. */
static uint64_t
sa_next(const struct ike1_sa *sa)
{
	uint64_t at = earlier(earlier(sa->dpd_at, sa->renew_at),
	    sa->childless_at);

	return sa->nat_here ? earlier(at, sa->keepalive_at) : at;
}

static void
child_tick(struct ike1_child *c, uint64_t now)
{
	if (c->retry.buf != NULL && now >= c->retry.at) {
		if (begin_is_lost(c, now) && begin_again(c->sa, now))
			return;
		if (!ike_retry_again(&c->ike->x, &c->retry, now)) {
			if (!begin_is_unheard(c) || !begin_again(c->sa, now))
				ike1_child_failed(c, KEYING_CHILD_REFUSED,
				    "no answer to Quick Mode");
			return;
		}
		message_send(c->sa, c->retry.buf, c->retry.len);
	}
	if (now >= c->deadline && c->state == IKE1_QM_UP) {
		phase2_confirmed(c);	/* CONNECTED never came */
	} else if (now >= c->deadline) {
		ike1_child_failed(c, KEYING_LOCAL, "no decision in time");
	} else if (now >= c->hard) {
		ike1_child_gone(c, false);
	}
}

void
tick_engine(struct ike1 *e, uint64_t now)
{
	struct ike1_sa	 *sa, *s_next;
	struct ike1_child *c, *c_next;
	uint64_t	  next;

	next = ike_work_due(&e->budget);
	/* Callbacks of a tick may set timers, but free nothing. */
	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state != IKE1_MM_DEAD)
			sa_tick(sa, now);
	}
	TAILQ_FOREACH(c, &e->children, entry) {
		if (c->state != IKE1_QM_DEAD)
			child_tick(c, now);
	}
	TAILQ_FOREACH_SAFE(c, &e->children, entry, c_next) {
		if (c->state == IKE1_QM_DEAD) {
			ike1_child_free(c);
			continue;
		}
		next = earlier(next, earlier(c->deadline, c->hard));
		if (c->retry.buf != NULL)
			next = earlier(next, c->retry.at);
	}
	TAILQ_FOREACH_SAFE(sa, &e->sas, entry, s_next) {
		if (sa->state == IKE1_MM_DEAD) {
			ike1_sa_free(sa);
			continue;
		}
		next = earlier(next, earlier(sa->expires, sa->state ==
		    IKE1_MM_UP ? sa_next(sa) : IKE_NEVER));
		if (sa->retry.buf != NULL)
			next = earlier(next, sa->retry.at);
	}
	e->x.next = next;
}
