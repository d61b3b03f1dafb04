/* establish.c - IKE_AUTH in both roles, with the first child (RFC 7296 §1.2, §2.15, §2.21.2; RFC 7619) */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/queue.h"
#include "oe/ike2/auth.h"
#include "oe/ike2/child.h"
#include "oe/ike2/establish.h"
#include "oe/ike2/identity.h"
#include "oe/ike2/inform.h"
#include "oe/ike2/notify.h"
#include "oe/ike2/table.h"
#include "oe/ike2/window.h"

/* The body of an ID payload, and what it says in the door's words. */
struct id_body { uint8_t p[IKE2_ID_BODY_MAX]; size_t len; };

static int
id_body_of(const struct keying_id *id, bool nothing, struct id_body *out)
{
	static const struct keying_id nobody = { .type = KEYING_ID_NULL };
	struct writer		      w;

	writer_init(&w, out->p, sizeof(out->p));
	/* RFC 7619 §2.2: who proves nothing says nothing. */
	if (ike2_id_write(&w, nothing ? &nobody : id) == -1)
		return -1;
	out->len = w.len;
	return 0;
}

/* Which octets a side signs; id: its ID payload's body. */
static struct ike2_signed
signed_by(const struct ike2_sa *sa, bool initiator, const uint8_t *id,
    size_t id_len)
{
	bool		   mine = initiator == sa->initiator;
	struct ike2_signed s = {
		.keys = &sa->keys,
		.initiator = initiator,
		.message = mine ? sa->init->mine : sa->init->theirs,
		.message_len = mine ? sa->init->mine_len :
		    sa->init->theirs_len,
		.nonce = initiator ? &sa->nr : &sa->ni,
		.id = id,
		.id_len = id_len,
	};

	return s;
}

/* Do we show nobody who we are? */
static bool
proves_nothing(const struct ike2_sa *sa)
{
	return sa->my_id.type == KEYING_ID_NULL ||
	    (sa->init->psk == NULL && sa->ike->c.key == NULL);
}

/* IDi or IDr and AUTH of ours, into a chain. 0, or -1. */
static int
put_auth(struct ike2_sa *sa, struct ike2_builder *b, bool nothing)
{
	struct ike2_credential c = { .psk = sa->init->psk,
		.psk_len = sa->init->psk_len, .hashes = sa->init->hashes };
	struct ike2_signed     s;
	struct id_body	       id;
	uint8_t		       auth[IKE2_AUTH_MAX];
	int		       n;

	if (id_body_of(&sa->my_id, nothing, &id) == -1)
		return -1;
	if (nothing)
		c.psk = NULL;
	else if (c.psk == NULL)
		c.key = sa->ike->c.key;
	s = signed_by(sa, sa->initiator, id.p, id.len);
	if ((n = ike2_auth_make(&s, &c, auth)) == -1)
		return -1;
	ike2_put(b, sa->initiator ? IKE2_P_IDI : IKE2_P_IDR, id.p, id.len);
	/* §1.2 has the order; the initiator's IDr follows its IDi. */
	if (sa->initiator && (sa->init->want_id.type !=
	    KEYING_ID_ANYONE || (sa->init->nothing && sa->init->nkeys == 0)) &&
	    id_body_of(&sa->init->want_id, sa->init->want_id.type ==
	    KEYING_ID_ANYONE, &id) == 0)
		ike2_put(b, IKE2_P_IDR, id.p, id.len);
	ike2_put(b, IKE2_P_AUTH, auth, (size_t)n);
	return 0;
}

/* RFC 7619 §2.2: what it calls itself is not to be used. */
static void
forget_identity(struct ike2_sa *sa)
{
	memset(&sa->peer_id, 0, sizeof(sa->peer_id));
	sa->peer_id.type = KEYING_ID_NULL;
	/* Two of them are two, also at one address; a rekeyed IKE SA is of the
	 * same one. */
	snprintf(sa->peer_id.name, sizeof(sa->peer_id.name), "%016" PRIx64,
	    sa->peer_spi);
}

/* What IKE_AUTH has of libreswan's "authby=rsasig,null" beside the signature,
 * as a body of AUTH; its length, 0: nothing. */
static size_t
null_auth(const struct ike2_sa *sa, uint8_t body[4 + IKE_HASH_MAX])
{
	const struct ike2_init *in = sa->init;
	struct ike2_notify	n;
	struct ike2_chain	m;

	if (ike2_chain_split(&m, in->pending_first, in->pending,
	    in->pending_len, false) != IKE2_OK ||
	    !ike2_notify_find(&m, IKE2_N_NULL_AUTH, &n) || n.len == 0 ||
	    n.len > IKE_HASH_MAX)
		return 0;
	memset(body, 0, 4);
	body[0] = IKE2_METHOD_NULL;
	memcpy(body + 4, n.data, n.len);
	return 4 + n.len;
}

/*
 * Does the peer's AUTH prove what is asked of it?  Then sa->proof says what and
 * sa->peer_id who.  KEYING_BY_NOTHING proves no identity at all
 * (RFC 7619 §2.2).
 */
static bool
check_auth(struct ike2_sa *sa, const struct ike2_part *idp,
    const struct ike2_part *auth, const struct keying_credentials *c)
{
	struct ike2_signed s = signed_by(sa, !sa->initiator, idp->body,
	    idp->len);
	uint8_t		   null[4 + IKE_HASH_MAX];
	EVP_PKEY	  *key;
	size_t		   i;
	bool		   ok;

	if (sa->init->stranger) {
		sa->proof.how = KEYING_BY_NOTHING;
		forget_identity(sa);
		return c->nothing && ike2_auth_verify_null(&s, null,
		    null_auth(sa, null));
	}
	switch (ike2_auth_method(auth->body, auth->len)) {
	case IKE2_METHOD_PSK:
		sa->proof.how = KEYING_BY_PSK;
		return c->psk != NULL && ike2_auth_verify_psk(&s, c->psk,
		    c->psk_len, auth->body, auth->len);
	case IKE2_METHOD_NULL:
		sa->proof.how = KEYING_BY_NOTHING;
		forget_identity(sa);
		return c->nothing && ike2_auth_verify_null(&s, auth->body,
		    auth->len);
	default:
		break;
	}
	sa->proof.how = KEYING_BY_KEY;
	for (i = 0; i < c->nkeys && i < KEYING_KEYS_MAX; i++) {
		if ((key = pubkey_to_evp(&c->keys[i])) == NULL)
			continue;
		ok = ike2_auth_verify_key(&s, key, sa->ike->c.legacy,
		    auth->body, auth->len);
		EVP_PKEY_free(key);
		if (ok) {
			sa->proof.key = c->keys[i];
			return true;
		}
	}
	return false;
}

/* §2.4: an authenticated peer that began anew has nothing of before. */
static void
initial_contact(struct ike2_sa *sa)
{
	struct ike2    *e = sa->ike;
	struct ike2_sa *old, *next;

	/* RFC 7619 §2.3: nobody's word is not taken for it. */
	if (sa->proof.how == KEYING_BY_NOTHING)
		return;
	TAILQ_FOREACH_SAFE(old, &e->sas, entry, next) {
		if (old != sa && (old->state == IKE2_UP ||
		    old->state == IKE2_CLOSING) &&
		    old->proof.how != KEYING_BY_NOTHING &&
		    addr_equal(&old->path.peer, &sa->path.peer) &&
		    keying_id_equal(&old->peer_id, &sa->peer_id))
			ike2_sa_kill(old, false, true);
	}
	e->x.ops->initial_contact(e->x.arg, &sa->peer_id, &sa->path.peer);
}

/* --- initiator --- */

int
ike2_auth_start(struct ike2_sa *sa, uint64_t now)
{
	bool		    nothing = proves_nothing(sa);
	struct ike2_child  *c;
	struct ike2_builder b;

	ike2_inner_begin(sa, &b);
	if (put_auth(sa, &b, nothing) == -1)
		return -1;
	if (sa->init->initial_contact && !nothing)
		ike2_notify_put(&b, IKE2_N_INITIAL_CONTACT, NULL, 0);
	/* One child goes with it, others follow. */
	TAILQ_FOREACH(c, &sa->children, entry) {
		if (c->state == IKE2_CHILD_WANTED)
			break;
	}
	if (c != NULL) {
		c->first = true;
		if (ike2_child_put_offer(c, &b) == -1)
			return -1;
		c->state = IKE2_CHILD_SENT;
	}
	return ike2_request_send(sa, now, IKE2_JOB_AUTH, IKE2_AUTH, c, &b);
}

void
ike2_auth_disown(struct ike2_sa *sa, uint64_t now, enum keying_failure f,
    const char *detail)
{
	struct ike2_child *c, *next;

	sa->ike->count.auth_failed += f == KEYING_SIGNATURE ||
	    f == KEYING_IDENTITY;
	sa->state = IKE2_CLOSING;
	TAILQ_FOREACH_SAFE(c, &sa->children, entry, next)
		ike2_child_failed(c, f, detail);
	ike2_inform_close(sa, now);
}

void
ike2_auth_late(struct ike2_sa *sa, uint64_t now)
{
	struct ike2_child *c, *next;

	sa->late = sa->close = true;
	sa->ike->count.failed++;
	sa->out.until = now + IKE2_LATE_TIME;
	ike_timer(&sa->ike->x, now);
	TAILQ_FOREACH_SAFE(c, &sa->children, entry, next) {
		if (c->state == IKE2_CHILD_WANTED)
			ike2_child_failed(c, KEYING_SILENCE, NULL);
		else
			ike2_child_abandon(c, KEYING_SILENCE, NULL);
	}
}

static struct ike2_child *
first_child(const struct ike2_sa *sa)
{
	struct ike2_child *c;

	TAILQ_FOREACH(c, &sa->children, entry) {
		if (c->first && (c->state == IKE2_CHILD_SENT ||
		    c->state == IKE2_CHILD_ASKED))
			return c;
	}
	return NULL;
}

void
ike2_auth_answer(struct ike2_sa *sa, uint64_t now, const struct ike2_chain *m)
{
	const struct ike2_part	 *idp = ike2_chain_only(m, IKE2_P_IDR);
	const struct ike2_part	 *auth = ike2_chain_only(m, IKE2_P_AUTH);
	struct ike2_init	 *in = sa->init;
	struct keying_credentials c = { in->keys, in->nkeys, in->psk,
		in->psk_len, in->nothing };
	struct ike2_fresh	  f = { &sa->ni, &sa->nr, NULL, 0 };
	struct ike2_child	 *child = first_child(sa);
	uint16_t		  refused;

	refused = idp == NULL || auth == NULL ? ike2_notify_error(m) : 0;
	if (refused != 0) {
		/* Whoever made the keys says so, and has proved nothing. */
		ike2_sa_failed(sa, refused != IKE2_N_AUTHENTICATION_FAILED ?
		    KEYING_PEER_REFUSED : KEYING_OUR_PROOF,
		    ike2_notify_text(refused));
		return;
	}
	if (sa->late) {
		ike2_auth_disown(sa, now, KEYING_SILENCE, NULL);
		return;
	}
	if (idp == NULL || auth == NULL) {
		ike2_auth_disown(sa, now, KEYING_PEER_REFUSED,
		    "its answer to IKE_AUTH is none");
		return;
	}
	if (ike2_id_read(&sa->peer_id, idp->body, idp->len) == -1) {
		ike2_auth_disown(sa, now, KEYING_IDENTITY,
		    "its identity cannot be read");
		return;
	}
	if (!check_auth(sa, idp, auth, &c)) {
		ike2_auth_disown(sa, now, KEYING_SIGNATURE,
		    "its AUTH does not verify");
		return;
	}
	if (sa->proof.how != KEYING_BY_NOTHING && in->want_id.type !=
	    KEYING_ID_ANYONE &&
	    !keying_id_equal(&in->want_id, &sa->peer_id)) {
		ike2_auth_disown(sa, now, KEYING_IDENTITY,
		    keying_id_text(&sa->peer_id));
		return;
	}
	ike2_sa_up(sa, now);
	if (child == NULL)
		return;
	refused = ike2_child_take_answer(child, m);
	if (refused != 0 && ike2_child_without_inner(child)) {
		sa->ike->next(sa, now);
		return;
	}
	if (refused == 0 && child->conn == NULL) {
		/* Nobody wants it any more; the peer has it. */
		ike2_child_delete(child, now);
		return;
	}
	if (refused != 0 || ike2_child_announce(child, now, &f) == -1)
		ike2_child_not_made(child, now, m, refused);
}

/* --- responder --- */

static void
refuse(struct ike2_sa *sa, uint64_t now, uint16_t type, const char *why)
{
	sa->ike->count.auth_failed++;
	ike_complain(&sa->ike->x, now, &sa->path, "IKE_AUTH refused: %s", why);
	ike2_answer_error(sa, now, IKE2_AUTH, type);
	ike2_sa_linger(sa, now);
}

void
ike2_auth_request(struct ike2_sa *sa, uint64_t now, uint8_t first,
    const uint8_t *inner, size_t len)
{
	const struct ike2_part *idp, *idr, *auth;
	struct ike2_chain	m;
	struct keying_id	mine;
	struct ike2_builder	b;
	enum keying_how		how;
	struct ike2	       *e = sa->ike;

	if (ike2_chain_split(&m, first, inner, len, false) != IKE2_OK) {
		if (m.refused == 0) {
			refuse(sa, now, IKE2_N_INVALID_SYNTAX, "malformed");
			return;
		}
		ike2_inner_begin(sa, &b);
		ike2_notify_put(&b, IKE2_N_UNSUPPORTED_CRITICAL_PAYLOAD,
		    &m.refused, 1);
		ike2_answer_send(sa, now, IKE2_AUTH, &b);
		ike2_sa_linger(sa, now);
		return;
	}
	idp = ike2_chain_only(&m, IKE2_P_IDI);
	auth = ike2_chain_only(&m, IKE2_P_AUTH);
	idr = ike2_chain_find(&m, IKE2_P_IDR);
	/* §2.16: no AUTH asks for EAP, which we have not. */
	if (idp == NULL || auth == NULL ||
	    ike2_id_read(&sa->peer_id, idp->body, idp->len) == -1) {
		refuse(sa, now, IKE2_N_AUTHENTICATION_FAILED,
		    "no identity, or no proof of it");
		return;
	}
	sa->init->nothing = idr != NULL &&
	    ike2_id_read(&mine, idr->body, idr->len) == 0 &&
	    mine.type == KEYING_ID_NULL;
	sa->init->pending = malloc(len == 0 ? 1 : len);
	if (sa->init->pending == NULL) {
		refuse(sa, now, IKE2_N_AUTHENTICATION_FAILED, "no memory");
		return;
	}
	memcpy(sa->init->pending, inner, len);
	sa->init->pending_len = len;
	sa->init->pending_first = first;
	how = ike2_auth_method(auth->body, auth->len) == IKE2_METHOD_NULL ?
	    KEYING_BY_NOTHING : ike2_auth_method(auth->body, auth->len) ==
	    IKE2_METHOD_PSK ? KEYING_BY_PSK : KEYING_BY_KEY;
	if (how == KEYING_BY_NOTHING)
		forget_identity(sa);
	sa->state = IKE2_AUTH_GOT;
	sa->half.works = true;
	sa->token = ike_token(&e->x);
	sa->my_id = e->c.my_id;
	if (sa->my_id.type == 0) {
		sa->my_id.type = KEYING_ID_ADDR;
		sa->my_id.addr = sa->path.local;
	}
	e->x.ops->peer_lookup(e->x.arg, sa->token, &sa->peer_id, how,
	    &sa->path);
}

/* Who signs as somebody of whom nobody knows a key, and shows beside that what
 * it would if it proved nothing, is a stranger, if those may come at all. */
static bool
or_stranger(struct ike2_sa *sa, const struct keying_credentials *c)
{
	struct ike2 *e = sa->ike;
	uint8_t	     null[4 + IKE_HASH_MAX];

	if (c->nkeys != 0 || c->psk != NULL ||
	    sa->init->stranger || null_auth(sa, null) == 0)
		return false;
	sa->init->stranger = true;
	forget_identity(sa);
	sa->token = ike_token(&e->x);
	e->x.ops->peer_lookup(e->x.arg, sa->token, &sa->peer_id,
	    KEYING_BY_NOTHING, &sa->path);
	return true;
}

/* Is there a place for one more who proves nothing?  A stranger is as good as
 * any other of them. */
static bool
anonymous_place(const struct ike2_sa *sa)
{
	const struct ike2    *e = sa->ike;
	const struct ike2_sa *o;
	unsigned	      all = 0, here = 0;

	TAILQ_FOREACH(o, &e->sas, entry) {
		if (o->state != IKE2_UP || o->initiator || o->replaced ||
		    o->proof.how != KEYING_BY_NOTHING)
			continue;
		all++;
		here += addr_same_network(&o->path.peer, &sa->path.peer);
	}
	return all < e->c.anonymous_max && here < e->c.anonymous_per_address;
}

/* HDR, SK {IDr, AUTH ...}: after it the IKE SA is up.  0, or -1. */
static int
begin_answer(struct ike2_sa *sa, struct ike2_builder *b)
{
	bool	 nothing = sa->init->nothing || proves_nothing(sa);
	uint64_t begun = ike_work_begin(&sa->ike->budget);
	int	 rc;

	ike2_inner_begin(sa, b);
	rc = put_auth(sa, b, nothing);
	ike_work_end(&sa->ike->budget, begun);
	return rc;
}

void
ike2_auth_keys(struct ike2_sa *sa, uint64_t now,
    const struct keying_credentials *c)
{
	struct ike2_init       *in = sa->init;
	const struct ike2_part *idp, *auth;
	struct ike2_notify	n;
	struct ike2_chain	m;
	struct ike2_child      *child;
	struct ike2_builder	b;
	uint16_t		refused, group;
	uint64_t		begun;
	bool			contact, proved;

	if (or_stranger(sa, c))
		return;
	/* No error can come: the same chain was split before. */
	ike2_chain_split(&m, in->pending_first, in->pending, in->pending_len,
	    false);
	idp = ike2_chain_only(&m, IKE2_P_IDI);
	auth = ike2_chain_only(&m, IKE2_P_AUTH);
	begun = ike_work_begin(&sa->ike->budget);
	proved = check_auth(sa, idp, auth, c);
	ike_work_end(&sa->ike->budget, begun);
	if (!proved) {
		refuse(sa, now, IKE2_N_AUTHENTICATION_FAILED,
		    sa->proof.how == KEYING_BY_NOTHING ?
		    "who proves nothing is not wanted" :
		    "no key that may be used verifies");
		return;
	}
	if (sa->proof.how == KEYING_BY_NOTHING && !anonymous_place(sa)) {
		refuse(sa, now, IKE2_N_AUTHENTICATION_FAILED,
		    "no place for one more who proves nothing");
		return;
	}
	if (sa->proof.how == KEYING_BY_PSK) {
		in->psk = malloc(c->psk_len);
		if (in->psk == NULL) {
			refuse(sa, now, IKE2_N_AUTHENTICATION_FAILED,
			    "no memory");
			return;
		}
		memcpy(in->psk, c->psk, c->psk_len);
		in->psk_len = c->psk_len;
	}
	contact = ike2_notify_find(&m, IKE2_N_INITIAL_CONTACT, &n);
	child = ike2_chain_find(&m, IKE2_P_SA) == NULL ? NULL :
	    ike2_child_new(sa, false);
	if (child != NULL) {
		child->first = true;
		refused = ike2_child_take_offer(child, &m, &group);
		if (contact)
			initial_contact(sa);
		if (refused == 0) {
			ike2_child_ask(child);
			return;
		}
		ike2_child_kill(child);
	} else {
		refused = ike2_chain_find(&m, IKE2_P_SA) == NULL ? 0 :
		    IKE2_N_NO_ADDITIONAL_SAS;
		if (contact)
			initial_contact(sa);
	}
	/* §2.21.2: the IKE SA stands, even if its first child does not. */
	if (begin_answer(sa, &b) == -1) {
		refuse(sa, now, IKE2_N_AUTHENTICATION_FAILED,
		    "we cannot prove who we are");
		return;
	}
	if (refused != 0)
		ike2_notify_put(&b, refused, NULL, 0);
	ike2_answer_send(sa, now, IKE2_AUTH, &b);
	ike2_sa_up(sa, now);
}

void
ike2_auth_authorized(struct ike2_sa *sa, uint64_t now, struct ike2_child *c,
    void *conn)
{
	struct ike2_fresh   f = { &sa->ni, &sa->nr, NULL, 0 };
	struct ike2_builder b;

	if (begin_answer(sa, &b) == -1) {
		refuse(sa, now, IKE2_N_AUTHENTICATION_FAILED,
		    "we cannot prove who we are");
		return;
	}
	c->conn = conn;
	if (conn == NULL) {
		ike2_notify_put(&b, IKE2_N_TS_UNACCEPTABLE, NULL, 0);
		ike2_child_kill(c);
		ike2_answer_send(sa, now, IKE2_AUTH, &b);
		ike2_sa_up(sa, now);
		return;
	}
	ike2_child_put_answer(c, &b);
	/* Keys before the answer: the peer's ESP follows that at once. */
	if (ike2_answer_seal(sa, IKE2_AUTH, &b) == -1 ||
	    ike2_child_announce(c, now, &f) == -1) {
		refuse(sa, now, IKE2_N_AUTHENTICATION_FAILED, "no keys");
		return;
	}
	ike2_sa_up(sa, now);
	sa->childless_at = IKE_NEVER;
	ike2_answer_flush(sa, now);
	ike2_child_confirm(c);
}
