/* exchange.c - the exchanges of an IKE SA: which message is wanted, who reads it, what is next (RFC 7296 §2.1-§2.4) */
#include "config.h"

#include "base/util.h"
#include "oe/ike2/child.h"
#include "oe/ike2/establish.h"
#include "oe/ike2/exchange.h"
#include "oe/ike2/inform.h"
#include "oe/ike2/init.h"
#include "oe/ike2/notify.h"
#include "oe/ike2/rekey.h"
#include "oe/ike2/table.h"
#include "oe/ike2/window.h"

#define HINT_EVERY	60000	/* milliseconds between checks that
				 * anybody can cause */

static void
give_up(struct ike2_sa *sa, uint64_t now)
{
	switch (sa->out.job) {
	case IKE2_JOB_INIT:
		ike2_sa_failed(sa, sa->init != NULL && sa->init->icmp ?
		    KEYING_ICMP : KEYING_SILENCE, NULL);
		break;
	case IKE2_JOB_AUTH:
		/* The peer may have it all, and its answers were lost. */
		if (sa->late)
			ike2_sa_kill(sa, false, false);
		else
			ike2_auth_late(sa, now);
		break;
	case IKE2_JOB_DELETE_SA:
		ike2_sa_kill(sa, false, false);
		break;
	default:
		/* §2.4: who answers nothing has lost the SA, or is gone. */
		ike2_peer_dead(sa, sa->probe_asked);
	}
}

void
ike2_exchange_tick(struct ike2_sa *sa, uint64_t now)
{
	struct ike2_request *r = &sa->out;

	ike_timer(&sa->ike->x, ike2_reassembly_tick(&sa->in_parts, now));
	ike_timer(&sa->ike->x, ike2_reassembly_tick(&sa->out_parts, now));
	if (r->job == IKE2_JOB_NONE) {
		ike2_exchange_next(sa, now);
		return;
	}
	if (now >= r->until) {
		give_up(sa, now);
		return;
	}
	if (now >= r->at) {
		if (r->job == IKE2_JOB_INIT && r->tries >= IKE2_INIT_TRIES) {
			if (ike2_init_again(sa, now) == -1)
				ike2_sa_failed(sa, KEYING_LOCAL,
				    "no SPI for another attempt");
			return;
		}
		ike2_request_repeat(sa, now);
	}
	ike_timer(&sa->ike->x, r->at < r->until ? r->at : r->until);
}

void
ike2_exchange_next(struct ike2_sa *sa, uint64_t now)
{
	struct ike2_child *c;

	if (sa->out.job != IKE2_JOB_NONE || sa->state != IKE2_UP)
		return;
	if (ike2_inform_start(sa, now))
		return;
	/* §2.25: who said that it is busy is left alone for a moment. */
	if (now < sa->wait_until) {
		ike_timer(&sa->ike->x, sa->wait_until);
		return;
	}
	if (!sa->replaced && now >= sa->renew_at) {
		ike2_rekey_start(sa, now);
		if (sa->out.job != IKE2_JOB_NONE)
			return;
	}
	TAILQ_FOREACH(c, &sa->children, entry) {
		if (c->state == IKE2_CHILD_WANTED) {
			ike2_child_start(c, now);
			if (sa->out.job != IKE2_JOB_NONE)
				return;
		}
	}
}

/* --- what comes --- */

/* Unauthenticated, and no more than so many a second (§2.21.4, §2.5). */
static void
answer_clear(struct ike2 *e, uint64_t now, const struct keying_path *path,
    const struct ike2_header *h, uint16_t type)
{
	struct ike2_header  mine = *h;
	struct ike2_builder b;
	uint8_t		    buf[64];

	if ((h->flags & IKE2_FLAG_RESPONSE) || !ratelimit_pass(&e->clear, now))
		return;
	mine.flags = (uint8_t)(IKE2_FLAG_RESPONSE |
	    (h->flags & IKE2_FLAG_INITIATOR ? 0 : IKE2_FLAG_INITIATOR));
	ike2_message_begin(&b, buf, sizeof(buf), &mine);
	ike2_notify_put(&b, type, NULL, 0);
	ike_send(&e->x, path, buf, ike2_message_end(&b));
}

/* Anybody may have sent it: a reason to ask, no more (§2.21.4). */
static void
clear_hint(struct ike2_sa *sa, uint64_t now, const struct ike2_chain *outer)
{
	if (sa->state != IKE2_UP || ike2_notify_error(outer) == 0 ||
	    now < sa->heard + HINT_EVERY)
		return;
	sa->heard = now;	/* so that the next hint waits */
	sa->probe = true;
	ike2_exchange_next(sa, now);
}

/* Of no IKE SA: somebody says that it has no SA for our ESP
 * (§1.5), true if so. */
static bool
spi_hint(struct ike2 *e, const struct keying_path *path,
    const struct ike2_header *h, const uint8_t *buf, size_t len)
{
	struct ike2_notify n;
	struct ike2_chain  c;

	if (h->exchange != IKE2_INFORMATIONAL ||
	    (h->flags & IKE2_FLAG_RESPONSE) || h->msgid != 0 ||
	    ike2_chain_split(&c, h->first, buf + IKE2_HEADER_LEN,
	    len - IKE2_HEADER_LEN, true) != IKE2_OK ||
	    !ike2_notify_find(&c, IKE2_N_INVALID_SPI, &n) || n.len != 4)
		return false;
	e->x.ops->invalid_spi(e->x.arg, &path->peer, load_u32(n.data), NULL);
	return true;
}

void
ike2_spi_hint(struct ike2 *e, const struct keying_path *path, uint32_t spi)
{
	struct ike2_header  h = { .exchange = IKE2_INFORMATIONAL,
		.flags = IKE2_FLAG_INITIATOR };
	struct ike2_builder b;
	uint8_t		    buf[64], data[4];

	/* §1.5: no SPI of an IKE SA would mean anything to the peer. */
	random_bytes(&h.spi_i, sizeof(h.spi_i));
	store_u32(data, spi);
	ike2_message_begin(&b, buf, sizeof(buf), &h);
	ike2_notify_put(&b, IKE2_N_INVALID_SPI, data, sizeof(data));
	ike_send(&e->x, path, buf, ike2_message_end(&b));
}

static void
dispatch_request(struct ike2_sa *sa, uint64_t now, uint8_t exchange,
    uint8_t first, const uint8_t *inner, size_t len)
{
	struct ike2_chain c;
	enum ike2_error	  err;

	sa->in_busy = true;
	if (sa->state == IKE2_INIT_GOT && exchange == IKE2_AUTH) {
		ike2_auth_request(sa, now, first, inner, len);
		return;
	}
	err = ike2_chain_split(&c, first, inner, len, false);
	if (err == IKE2_E_CRITICAL) {
		struct ike2_builder b;

		ike2_inner_begin(sa, &b);
		ike2_notify_put(&b, IKE2_N_UNSUPPORTED_CRITICAL_PAYLOAD,
		    &c.refused, 1);
		ike2_answer_send(sa, now, exchange, &b);
		return;
	}
	if (err == IKE2_OK && exchange == IKE2_INFORMATIONAL)
		ike2_inform_request(sa, now, &c);
	else if (err == IKE2_OK && exchange == IKE2_CREATE_CHILD_SA &&
	    sa->state == IKE2_UP)
		(ike2_chain_find(&c, IKE2_P_TSI) != NULL ? ike2_child_request :
		    ike2_rekey_request)(sa, now, &c);
	else if (err == IKE2_OK && exchange == IKE2_CREATE_CHILD_SA)
		ike2_answer_error(sa, now, exchange, IKE2_N_TEMPORARY_FAILURE);
	else {
		/* §2.21.3: both ends know then that the SA is gone. */
		ike2_answer_error(sa, now, exchange, IKE2_N_INVALID_SYNTAX);
		ike_complain(&sa->ike->x, now, &sa->path,
		    "malformed %s, its IKE SA ends",
		    ike2_exchange_text(exchange));
		ike2_sa_linger(sa, now);
	}
}

static void
dispatch_answer(struct ike2_sa *sa, uint64_t now, uint8_t first,
    const uint8_t *inner, size_t len)
{
	struct ike2_child *child = sa->out.child;
	enum ike2_job	   job = sa->out.job;
	struct ike2_chain  c;

	/* An answer may not say that it could not be understood. */
	if (ike2_chain_split(&c, first, inner, len, false) != IKE2_OK) {
		ike2_request_done(sa);
		if (job == IKE2_JOB_AUTH)
			ike2_auth_disown(sa, now, KEYING_PEER_REFUSED,
			    "a malformed answer to IKE_AUTH");
		else
			ike2_peer_dead(sa, false);
		return;
	}
	ike2_request_done(sa);
	if ((job == IKE2_JOB_CHILD || job == IKE2_JOB_REKEY) &&
	    ike2_notify_error(&c) != IKE2_N_TEMPORARY_FAILURE)
		sa->busy_since = 0;
	sa->probe_asked = false;
	switch (job) {
	case IKE2_JOB_AUTH:
		ike2_auth_answer(sa, now, &c);
		break;
	case IKE2_JOB_CHILD:
		if (child != NULL)
			ike2_child_answer(child, now, &c);
		break;
	case IKE2_JOB_REKEY:
		ike2_rekey_answer(sa, now, &c);
		break;
	default:
		ike2_inform_answer(sa, now, job, child, &c);
	}
	ike_timer(&sa->ike->x, now);
	if (sa->state == IKE2_UP)
		ike2_exchange_next(sa, now);
}

/* The message is of the peer, and new: answers go to where it came
 * from (§2.11, §2.23). */
static void
note_authentic(struct ike2_sa *sa, uint64_t now)
{
	sa->heard = now;
	/* Who is behind a NAT would follow whoever sends a message on. */
	if (sa->state != IKE2_UP || sa->nat_there ||
	    (!sa->initiator && !sa->nat_here))
		sa->path = sa->came;
}

/* Is it one that we wait for?  *again: its answer is to be repeated. */
static bool
is_awaited(const struct ike2_sa *sa, const struct ike2_header *h, bool *again)
{
	*again = false;
	if (h->flags & IKE2_FLAG_RESPONSE)
		return sa->out.job > IKE2_JOB_INIT &&
		    h->msgid == sa->out.msgid &&
		    h->exchange == sa->out.exchange;
	if (sa->in_next != 0 && h->msgid == sa->in_next - 1) {
		*again = true;
		return sa->answer.n != 0;
	}
	return h->msgid == sa->in_next && !sa->in_busy &&
	    (sa->state == IKE2_UP || sa->state == IKE2_CLOSING ||
	    (sa->state == IKE2_INIT_GOT && h->exchange == IKE2_AUTH));
}

#define EARLY_WAIT	250	/* milliseconds between two that are heeded */

/*
 * The peer begins something in an IKE SA whose IKE_AUTH is not answered here:
 * it has sent its answer, and what it begins has to wait for it.  Our request
 * once more brings that, before its patience and ours are over.
 */
static void
early_request(struct ike2_sa *sa, uint64_t now, const struct ike2_header *h,
    const uint8_t *buf, size_t len, const struct ike2_part *sk)
{
	if (!sa->initiator || sa->state != IKE2_AUTH_SENT ||
	    sa->out.job != IKE2_JOB_AUTH || h->msgid != 0 ||
	    (h->flags & IKE2_FLAG_RESPONSE) || now - sa->heard < EARLY_WAIT ||
	    ike2_unseal(&sa->keys.r, buf, len, sk, sa->ike->opened) == -1)
		return;
	sa->heard = now;
	ike2_request_repeat(sa, now);
	ike_timer(&sa->ike->x, sa->out.at);
}

/*
 * Is it a request that makes public-key work, and is the share of that used up?
 * Then it is read again when there is some, and nothing is decrypted before.
 */
static bool
waits(struct ike2_sa *sa, uint64_t now, const struct ike2_header *h,
    const uint8_t *buf, size_t len)
{
	struct ike_budget *b = &sa->ike->budget;

	if ((h->flags & IKE2_FLAG_RESPONSE) || (sa->state == IKE2_INIT_GOT ?
	    sa->init->exponent == NULL : sa->state != IKE2_UP ||
	    h->exchange != IKE2_CREATE_CHILD_SA) || ike_work_ready(b, now))
		return false;
	ike_work_wait(b, now, &sa->came, buf, len);
	ike_timer(&sa->ike->x, ike_work_due(b));
	return true;
}

static void
sealed_message(struct ike2_sa *sa, uint64_t now, const struct ike2_header *h,
    const uint8_t *buf, size_t len, const struct ike2_part *sk)
{
	bool			answer = (h->flags & IKE2_FLAG_RESPONSE) != 0;
	struct ike2_reassembly *parts = answer ? &sa->out_parts :
	    &sa->in_parts;
	struct ike2_fragment_no no;
	struct ike2		*e = sa->ike;
	uint8_t			*inner = e->opened, *whole = NULL;
	uint8_t			 first = sk->next;
	size_t			 inner_len;
	bool			 again;
	int			 n;

	if (!is_awaited(sa, h, &again)) {
		e->count.duplicates++;
		early_request(sa, now, h, buf, len, sk);
		return;
	}
	if (ike2_fragment_no(sk, &no) == -1 ||
	    (no.total != 0 && (!sa->fragments || (!again &&
	    !ike2_reassembly_wants(parts, h->msgid, no))))) {
		e->count.duplicates++;
		return;
	}
	if (!again && waits(sa, now, h, buf, len))
		return;
	/* Who knows our SPI receives at its address: only now a secret is made.
	 * No key fits a bad public value: the IKE SA ends (RFC 6989 §2.5). */
	if (sa->state == IKE2_INIT_GOT && ike2_init_keys(sa) == -1) {
		ike2_sa_kill(sa, false, false);
		answer_clear(e, now, &sa->came, h, IKE2_N_INVALID_SYNTAX);
		return;
	}
	n = ike2_unseal(sa->initiator ? &sa->keys.r : &sa->keys.i, buf, len, sk,
	    e->opened);
	if (n == -1) {
		e->count.bad_icv++;
		return;
	}
	if (again) {
		/* RFC 7383 §2.6.1: once for all of its fragments. */
		e->count.duplicates++;
		if (no.number <= 1)
			ike2_answer_repeat(sa);
		return;
	}
	inner_len = (size_t)n;
	if (no.total != 0) {
		if (ike2_reassembly_add(parts, now, h->msgid, no, first,
		    e->opened, inner_len, &whole, &inner_len, &first) !=
		    IKE2_ARRIVAL_WHOLE) {
			ike_timer(&e->x, now + IKE2_REASSEMBLY_TIME);
			return;
		}
		inner = whole;
	}
	note_authentic(sa, now);
	if (answer)
		dispatch_answer(sa, now, first, inner, inner_len);
	else
		dispatch_request(sa, now, h->exchange, first, inner, inner_len);
	wipe_free(whole, inner_len);
}

void
ike2_message(struct ike2 *e, uint64_t now, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	const struct ike2_part *last;
	struct ike2_header	h;
	struct ike2_chain	c;
	struct ike2_sa	       *sa;
	enum ike2_error		err;
	bool			by_initiator;

	e->count.received++;
	if ((err = ike2_header_read(&h, buf, len)) != IKE2_OK) {
		e->count.malformed++;
		if (err == IKE2_E_VERSION)
			answer_clear(e, now, path, &h,
			    IKE2_N_INVALID_MAJOR_VERSION);
		return;
	}
	by_initiator = (h.flags & IKE2_FLAG_INITIATOR) != 0;
	if (h.exchange == IKE2_SA_INIT && !(h.flags & IKE2_FLAG_RESPONSE)) {
		if (by_initiator && h.spi_r == 0 && h.msgid == 0)
			ike2_init_request(e, now, path, &h, buf, len);
		else
			e->count.malformed++;
		return;
	}
	sa = ike2_sa_find(e, by_initiator ? h.spi_r : h.spi_i);
	if (sa == NULL || sa->state == IKE2_DEAD ||
	    by_initiator != !sa->initiator) {
		e->count.unknown++;
		if (sa == NULL && spi_hint(e, path, &h, buf, len))
			return;
		if (h.exchange != IKE2_SA_INIT)
			answer_clear(e, now, path, &h, IKE2_N_INVALID_IKE_SPI);
		return;
	}
	sa->came = *path;
	if (h.exchange == IKE2_SA_INIT) {
		if (sa->state == IKE2_INIT_SENT && h.msgid == 0)
			ike2_init_answer(sa, now, &h, buf, len);
		return;
	}
	if (sa->state == IKE2_INIT_SENT ||
	    (by_initiator ? h.spi_i : h.spi_r) != sa->peer_spi ||
	    ike2_chain_split(&c, h.first, buf + IKE2_HEADER_LEN,
	    len - IKE2_HEADER_LEN, true) != IKE2_OK) {
		e->count.malformed++;
		return;
	}
	last = c.nparts == 0 ? NULL : &c.part[c.nparts - 1];
	if (last != NULL && (last->type == IKE2_P_ENCRYPTED ||
	    last->type == IKE2_P_FRAGMENT))
		sealed_message(sa, now, &h, buf, len, last);
	else
		clear_hint(sa, now, &c);
}
