/* rekey.c - an IKE SA takes another's place (RFC 7296 §1.3.2, §2.8, §2.18, §2.25.2) */
#include "config.h"

#include <stdlib.h>

#include "base/util.h"
#include "oe/ike2/notify.h"
#include "oe/ike2/rekey.h"
#include "oe/ike2/table.h"
#include "oe/ike2/window.h"

#define KE_ROUNDS	1	/* INVALID_KE_PAYLOAD answered */
#define OLD_TIME	30000	/* milliseconds for its creator's peer to
				 * delete the old one */
#define AGAIN_AFTER	30000	/* milliseconds, when it was refused */

/* What the new one has of the old one: who is there, and by which way. */
static void
inherit(struct ike2_sa *to, const struct ike2_sa *from)
{
	to->path = from->path;
	to->fragments = from->fragments;
	to->nat_here = from->nat_here;
	to->nat_there = from->nat_there;
	to->feigned = from->feigned;
	to->my_id = from->my_id;
	to->peer_id = from->peer_id;
	to->inner = from->inner;
	to->proof = from->proof;
}

/* Children and all that is to be done go over (§2.8); the old one only ends. */
static void
take_over(struct ike2_sa *old, struct ike2_sa *new, uint64_t now)
{
	struct ike2_child *c;

	while ((c = TAILQ_FIRST(&old->children)) != NULL)
		ike2_child_move(c, new);
	new->childless_at = TAILQ_EMPTY(&new->children) ?
	    now + IKE2_CHILDLESS_TIME : IKE_NEVER;
	old->replaced = true;
	if (old->expires > now + OLD_TIME)
		old->expires = now + OLD_TIME;
	ike_timer(&old->ike->x, now);
}

static int
make_keys(struct ike2_sa *new, const struct ike2_sa *old, struct ike_dh *dh,
    const uint8_t *ke, size_t ke_len, const struct ike2_nonce *ni,
    const struct ike2_nonce *nr)
{
	uint8_t		  secret[IKE_KE_MAX];
	struct ike2_fresh f = { ni, nr, secret, 0 };
	int		  n, rc = -1;

	if ((n = ike_dh_derive(dh, ke, ke_len, secret)) != -1) {
		f.secret_len = (size_t)n;
		rc = ike2_keys_make(&new->keys, &new->suite, &old->keys, &f,
		    new->initiator ? new->spi : new->peer_spi,
		    new->initiator ? new->peer_spi : new->spi);
	}
	wipe(secret, sizeof(secret));
	return rc;
}

/* SA, nonce, public value: the three that such a message has, or false. */
static bool
split_rekey(const struct ike2_chain *m, const struct ike2_part **psa,
    const struct ike2_part **ke, struct ike2_nonce *nonce)
{
	const struct ike2_part *n = ike2_chain_only(m, IKE2_P_NONCE);

	*psa = ike2_chain_only(m, IKE2_P_SA);
	*ke = ike2_chain_only(m, IKE2_P_KE);
	return *psa != NULL && *ke != NULL && (*ke)->len > 4 && n != NULL &&
	    ike2_nonce_read(nonce, n->body, n->len) == 0;
}

/* --- initiator --- */

static void
send_request(struct ike2_sa *sa, uint64_t now)
{
	struct ike2_rekey  *r = sa->rekey;
	struct ike2_builder b;
	struct writer	    w;

	writer_init(&w, r->offer, sizeof(r->offer));
	ike2_offer_write(&w, &r->terms, r->sa->spi);
	r->offer_len = w.len;
	ike_dh_free(r->dh);
	r->dh = ike_dh_new(r->terms.ke);
	ike2_nonce_draw(&r->ni);
	if (r->dh != NULL && !w.bad) {
		ike2_inner_begin(sa, &b);
		ike2_put(&b, IKE2_P_SA, r->offer, r->offer_len);
		ike2_put(&b, IKE2_P_NONCE, r->ni.p, r->ni.len);
		ike2_ke_put(&b, r->terms.ke, r->dh);
		if (ike2_request_send(sa, now, IKE2_JOB_REKEY,
		    IKE2_CREATE_CHILD_SA, NULL, &b) == 0)
			return;
	}
	ike2_rekey_end(sa);
	sa->renew_at = now + AGAIN_AFTER;
}

void
ike2_rekey_start(struct ike2_sa *sa, uint64_t now)
{
	if (sa->rekey == NULL) {
		sa->rekey = calloc(1, sizeof(*sa->rekey));
		if (sa->rekey == NULL || (sa->rekey->sa = ike2_sa_new(sa->ike,
		    now, &sa->path, true)) == NULL) {
			ike2_rekey_end(sa);
			sa->renew_at = now + AGAIN_AFTER;
			return;
		}
		sa->rekey->terms = (struct ike2_terms){
			.protocol = IKE2_PROTO_IKE, .spi_len = 8,
			.ke = sa->suite.ke };
	}
	send_request(sa, now);
}

/* The answer's SA and all that follows from it, into the new one. */
static bool
take_answer(struct ike2_sa *sa, const struct ike2_chain *m)
{
	struct ike2_rekey      *r = sa->rekey;
	struct ike2_sa	       *new = r->sa;
	const struct ike2_part *psa, *ke;

	if (!split_rekey(m, &psa, &ke, &r->nr) || ike2_offer_accept(psa->body,
	    psa->len, r->offer, r->offer_len, &r->terms, &new->suite,
	    &new->peer_spi) != IKE2_OFFER_OK ||
	    new->suite.ke != r->terms.ke || load_u16(ke->body) != r->terms.ke)
		return false;
	return make_keys(new, sa, r->dh, ke->body + 4, ke->len - 4, &r->ni,
	    &r->nr) == 0;
}

bool
ike2_rekey_yield(struct ike2_sa *sa, uint64_t now)
{
	struct ike2_sa *rival = sa->rekey == NULL ? NULL : sa->rekey->rival;

	if (rival == NULL)
		return false;
	sa->rekey->rival = NULL;
	ike2_rekey_end(sa);
	ike2_sa_up(rival, now);
	take_over(sa, rival, now);
	return true;
}

/* Our rekey was refused, or the answer is not good. */
static void
refused(struct ike2_sa *sa, uint64_t now)
{
	if (!ike2_rekey_yield(sa, now)) {
		ike2_rekey_end(sa);
		sa->renew_at = now + AGAIN_AFTER;
	}
}

void
ike2_rekey_answer(struct ike2_sa *sa, uint64_t now, const struct ike2_chain *m)
{
	struct ike2_rekey	*r = sa->rekey;
	const struct ike2_nonce *low;
	struct ike2_sa		*new = r->sa, *rival = r->rival;
	struct ike2_notify	 n;
	uint16_t		 error = ike2_notify_error(m), group;
	bool			 lost = false;

	if (error == IKE2_N_INVALID_KE_PAYLOAD && rival == NULL &&
	    ike2_notify_find(m, error, &n) && n.len == 2) {
		group = load_u16(n.data);
		if (r->rounds++ < KE_ROUNDS && group != r->terms.ke &&
		    ike2_ke_allowed(group)) {
			r->terms.ke = group;
			send_request(sa, now);
			return;
		}
	}
	if (error == IKE2_N_TEMPORARY_FAILURE && rival == NULL) {
		/* §2.25: it is busy with a child, and we with none. */
		ike2_rekey_end(sa);
		ike2_peer_busy(sa, now);
		return;
	}
	if (error != 0 || !take_answer(sa, m)) {
		sa->full |= error == IKE2_N_NO_ADDITIONAL_SAS;
		refused(sa, now);
		return;
	}
	inherit(new, sa);
	low = ike2_nonce_compare(&r->ni, &r->nr) < 0 ? &r->ni : &r->nr;
	if (rival != NULL)
		lost = ike2_nonce_compare(low, &r->rival_low) < 0;
	r->sa = NULL;
	ike2_rekey_free(sa);
	ike2_sa_up(new, now);
	if (rival != NULL)
		ike2_sa_up(rival, now);
	/* §2.8.2: the redundant one is deleted by who made it, the old one by
	 * who made the one that stays. */
	take_over(sa, lost ? rival : new, now);
	if (lost)
		new->close = true;
	else
		sa->close = true;
	if (rival != NULL && !lost)
		rival->replaced = true;
	new->ike->next(new, now);
}

/* --- responder --- */

/* §2.25.2: is a child made, replaced or deleted by an exchange of ours? */
static bool
busy_with_child(const struct ike2_sa *sa)
{
	return sa->out.job == IKE2_JOB_CHILD ||
	    sa->out.job == IKE2_JOB_DELETE_CHILD;
}

void
ike2_rekey_request(struct ike2_sa *sa, uint64_t now, const struct ike2_chain *m)
{
	struct ike2_terms	t = { .protocol = IKE2_PROTO_IKE,
	    .spi_len = 8 };
	const struct ike2_part *psa, *ke;
	struct ike2_choice	choice;
	struct ike2_builder	b;
	struct ike2_nonce	ni, nr;
	struct ike2_sa	       *new;
	struct ike_dh	       *dh;
	uint64_t		begun;
	int			rc = -1;

	if (sa->close || sa->replaced || busy_with_child(sa) ||
	    (sa->rekey != NULL && sa->rekey->rival != NULL)) {
		ike2_create_refuse(sa, now, IKE2_N_TEMPORARY_FAILURE, 0);
		return;
	}
	if (!split_rekey(m, &psa, &ke, &ni)) {
		ike2_create_refuse(sa, now, IKE2_N_INVALID_SYNTAX, 0);
		ike2_sa_linger(sa, now);
		return;
	}
	t.ke = load_u16(ke->body);
	if (ike2_offer_choose(psa->body, psa->len, &t, &choice) !=
	    IKE2_OFFER_OK) {
		ike2_create_refuse(sa, now, IKE2_N_NO_PROPOSAL_CHOSEN, 0);
		return;
	}
	if (choice.suite.ke != t.ke || ke->len - 4 != ike_group_len(t.ke)) {
		ike2_create_refuse(sa, now, IKE2_N_INVALID_KE_PAYLOAD,
		    choice.suite.ke);
		return;
	}
	begun = ike_work_begin(&sa->ike->budget);
	new = ike2_sa_new(sa->ike, now, &sa->path, false);
	dh = ike_dh_new(t.ke);
	ike2_nonce_draw(&nr);
	if (new != NULL && dh != NULL) {
		new->peer_spi = choice.spi;
		new->suite = choice.suite;
		ike2_inner_begin(sa, &b);
		ike2_open(&b, IKE2_P_SA);
		ike2_offer_answer(&b.w, &choice, &t, new->spi);
		ike2_close(&b);
		ike2_put(&b, IKE2_P_NONCE, nr.p, nr.len);
		ike2_ke_put(&b, t.ke, dh);
		rc = ike2_answer_seal(sa, IKE2_CREATE_CHILD_SA, &b);
	}
	if (rc == 0)
		rc = make_keys(new, sa, dh, ke->body + 4, ke->len - 4, &ni,
		    &nr);
	ike_dh_free(dh);
	ike_work_end(&sa->ike->budget, begun);
	if (rc == -1) {
		if (new != NULL)
			ike2_sa_kill(new, false, false);
		ike2_create_refuse(sa, now, IKE2_N_NO_ADDITIONAL_SAS, 0);
		return;
	}
	inherit(new, sa);
	ike2_answer_flush(sa, now);
	if (sa->rekey != NULL) {
		/* Both ends rekey at once: which one stays is known
		 * with our answer. */
		sa->rekey->rival = new;
		sa->rekey->rival_low = ike2_nonce_compare(&ni, &nr) < 0 ? ni :
		    nr;
		return;
	}
	ike2_sa_up(new, now);
	take_over(sa, new, now);
	/* RFC 3104 App. E: a gateway between us learns the new SPI from what we
	 * send with it, and it was the peer's to choose. */
	new->probe = true;
	ike_timer(&sa->ike->x, now);
}
