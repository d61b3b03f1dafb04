/* inform.c - INFORMATIONAL: deletes, liveness, and what one end tells the other (RFC 7296 §1.4, §1.5, §2.4) */
#include "config.h"

#include "base/queue.h"
#include "oe/ike2/child.h"
#include "oe/ike2/inform.h"
#include "oe/ike2/notify.h"
#include "oe/ike2/rekey.h"
#include "oe/ike2/table.h"
#include "oe/ike2/window.h"

void
ike2_peer_dead(struct ike2_sa *sa, bool asked)
{
	struct ike2	  *e = sa->ike;
	struct ike2_child *c, *next;

	if (!asked) {
		ike2_sa_kill(sa, false, false);
		return;
	}
	/* What they have stays, until somebody decides
	 * (struct keying_engine). */
	ike2_sa_kill(sa, true, false);
	TAILQ_FOREACH_SAFE(c, &e->orphans, entry, next) {
		if (c->told || c->conn == NULL)
			continue;
		c->told = true;
		e->x.ops->peer_silent(e->x.arg, c->conn);
	}
}

/* --- ours --- */

static bool
start_deletes(struct ike2_sa *sa, uint64_t now)
{
	struct ike2_delete  d = { .protocol = IKE2_PROTO_ESP };
	struct ike2_child  *c;
	struct ike2_builder b;

	TAILQ_FOREACH(c, &sa->children, entry) {
		if (c->state != IKE2_CHILD_DELETING || c->told ||
		    d.n == IKE2_DELETE_MAX)
			continue;
		d.spi[d.n++] = c->spi_in;
		c->told = true;
	}
	if (d.n == 0)
		return false;
	ike2_inner_begin(sa, &b);
	ike2_delete_put(&b, &d);
	return ike2_request_send(sa, now, IKE2_JOB_DELETE_CHILD,
	    IKE2_INFORMATIONAL, NULL, &b) == 0;
}

void
ike2_inform_close(struct ike2_sa *sa, uint64_t now)
{
	struct ike2_delete  d = { .protocol = IKE2_PROTO_IKE };
	struct ike2_builder b;

	ike2_inner_begin(sa, &b);
	ike2_delete_put(&b, &d);
	sa->state = IKE2_CLOSING;
	if (ike2_request_send(sa, now, IKE2_JOB_DELETE_SA, IKE2_INFORMATIONAL,
	    NULL, &b) == -1)
		ike2_sa_kill(sa, false, false);
}

bool
ike2_inform_start(struct ike2_sa *sa, uint64_t now)
{
	struct ike2_builder b;
	uint8_t		    spi[4];

	if (sa->close) {
		ike2_inform_close(sa, now);
		return true;
	}
	if (start_deletes(sa, now))
		return true;
	ike2_inner_begin(sa, &b);
	if (sa->unknown_spi != 0) {
		/* §1.5: the notify's data is the SPI that came. */
		store_u32(spi, sa->unknown_spi);
		sa->unknown_spi = 0;
		ike2_notify_put(&b, IKE2_N_INVALID_SPI, spi, sizeof(spi));
		return ike2_request_send(sa, now, IKE2_JOB_INFORM,
		    IKE2_INFORMATIONAL, NULL, &b) == 0;
	}
	if (!sa->probe && !sa->probe_asked)
		return false;
	sa->probe = false;
	return ike2_request_send(sa, now, IKE2_JOB_PROBE, IKE2_INFORMATIONAL,
	    NULL, &b) == 0;
}

void
ike2_inform_answer(struct ike2_sa *sa, uint64_t now, enum ike2_job job,
    struct ike2_child *child, const struct ike2_chain *m)
{
	struct ike2_child *c, *next;

	(void)now;
	(void)child;
	(void)m;
	switch (job) {
	case IKE2_JOB_DELETE_SA:
		ike2_sa_kill(sa, false, false);
		break;
	case IKE2_JOB_DELETE_CHILD:
		/* §1.4.1: the answer names the other halves, or nothing if both
		 * deleted at once; gone they are either way. */
		TAILQ_FOREACH_SAFE(c, &sa->children, entry, next) {
			if (c->state == IKE2_CHILD_DELETING && c->told)
				ike2_child_gone(c, false);
		}
		break;
	default:
		break;
	}
}

/* --- the peer's --- */

/* Halves that we send by; the answer names those that we receive by. */
static void
delete_children(struct ike2_sa *sa, const struct ike2_delete *d,
    struct ike2_delete *answer)
{
	struct ike2_child *c, *heir;
	unsigned	   i;

	for (i = 0; i < d->n; i++) {
		if ((c = ike2_child_by_out(sa, d->spi[i])) == NULL) {
			/* Our request made it, and the answer was lost. */
			if (sa->out.job == IKE2_JOB_CHILD)
				sa->early[sa->nearly++ % IKE2_EARLY_MAX] =
				    d->spi[i];
			continue;
		}
		/* §1.4.1: ours crossed it, and has said so already. */
		if (!(c->state == IKE2_CHILD_DELETING && c->told) &&
		    answer->n < IKE2_DELETE_MAX)
			answer->spi[answer->n++] = c->spi_in;
		/* §2.8: so the peer has what replaces it. */
		TAILQ_FOREACH(heir, &sa->children, entry) {
			if (heir->rekeys == c->spi_in)
				ike2_child_confirm(heir);
		}
		ike2_child_gone(c, true);
	}
}

/* Notifies that change something; true: the IKE SA is gone by one. */
static bool
take_notifies(struct ike2_sa *sa, const struct ike2_chain *m)
{
	struct ike2_notify n;
	unsigned	   i;

	for (i = 0; i < m->nparts; i++) {
		if (m->part[i].type != IKE2_P_NOTIFY ||
		    ike2_notify_read(&n, &m->part[i]) == -1)
			continue;
		switch (n.type) {
		case IKE2_N_INVALID_SPI:
			if (n.len == 4 || n.spi_len == 4)
				sa->ike->x.ops->invalid_spi(sa->ike->x.arg,
				    &sa->path.peer, n.len == 4 ?
				    load_u32(n.data) : n.spi, &sa->peer_id);
			break;
		case IKE2_N_AUTHENTICATION_FAILED:
		case IKE2_N_INVALID_SYNTAX:
		case IKE2_N_UNSUPPORTED_CRITICAL_PAYLOAD:
			/* §2.21.2: right behind IKE_AUTH they undo it. */
			if (!sa->initiator && sa->in_next == 2)
				return true;
			break;
		default:
			break;
		}
	}
	return false;
}

void
ike2_inform_request(struct ike2_sa *sa, uint64_t now,
    const struct ike2_chain *m)
{
	struct ike2_delete  d, answer = { .protocol = IKE2_PROTO_ESP };
	struct ike2_builder b;
	unsigned	    i;
	bool		    ends = take_notifies(sa, m);

	for (i = 0; i < m->nparts; i++) {
		if (m->part[i].type != IKE2_P_DELETE ||
		    ike2_delete_read(&d, &m->part[i]) == -1)
			continue;
		if (d.protocol == IKE2_PROTO_IKE)
			ends = true;
		else if (d.protocol == IKE2_PROTO_ESP)
			delete_children(sa, &d, &answer);
	}
	ike2_inner_begin(sa, &b);
	/* §1.4.1: a deleted IKE SA takes its children without a word. */
	if (answer.n != 0 && !ends)
		ike2_delete_put(&b, &answer);
	ike2_answer_send(sa, now, IKE2_INFORMATIONAL, &b);
	if (!ends)
		return;
	/* The peer has its new IKE SA, and never saw that we wanted one too. */
	ike2_rekey_yield(sa, now);
	ike2_sa_linger(sa, now);
}
