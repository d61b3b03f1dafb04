/* phase1.c - Main Mode after its first message, in both roles, with RSA signatures or a pre-shared key (RFC 2409 §5.1, §5.4) */
#include "config.h"

#include <string.h>

#include "base/log.h"
#include "base/queue.h"
#include "base/util.h"
#include "oe/ike/sign.h"
#include "oe/ike1/ending.h"
#include "oe/ike1/id.h"
#include "oe/ike1/message.h"
#include "oe/ike1/natt.h"
#include "oe/ike1/notify.h"
#include "oe/ike1/offer.h"
#include "oe/ike1/phase1.h"
#include "oe/ike1/phase2.h"

/* Milliseconds between first messages, after two, and once in five: each has a
 * cookie of its own, so that an answer must come before the next. */
#define RETRY_HELLO	1000
#define RETRY_FAR	3000

/* RFC 3706 §5.1: dead peer detection, version 1.0. */
static const uint8_t dpd_vendor_id[16] = { 0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1,
	0xf1, 0xc9, 0x6b, 0x86, 0x96, 0xfc, 0x77, 0x57, 0x01, 0x00 };

static void
phase1_begin(struct isakmp_builder *b, uint8_t *buf, size_t cap,
    const struct ike1_sa *sa, uint8_t flags)
{
	message_begin(b, buf, cap, sa, ISAKMP_MAIN_MODE, flags, 0);
}

void
phase1_put_vendor_ids(struct isakmp_builder *b, bool natt, bool dpd)
{
	if (dpd)
		isakmp_put(b, ISAKMP_VENDOR_ID, dpd_vendor_id,
		    sizeof(dpd_vendor_id));
	if (natt)
		natt_put_vendor_id(b);
}

void
phase1_note_vendor_ids(const struct ike1 *e, const struct isakmp_message *m,
    bool *natt, bool *dpd)
{
	const struct isakmp_part *p;
	unsigned		  i;

	*natt = *dpd = false;
	for (i = 0; i < m->nparts; i++) {
		p = &m->part[i];
		if (p->type != ISAKMP_VENDOR_ID)
			continue;
		/* The last two bytes are DPD's version. */
		if (p->len == sizeof(dpd_vendor_id) && memcmp(p->body,
		    dpd_vendor_id, sizeof(dpd_vendor_id) - 2) == 0)
			*dpd = true;
		else if (!e->c.no_natt && natt_is_vendor_id(p))
			*natt = true;
	}
}

/* Sends a message and keeps it: the initiator to repeat it, the responder to
 * answer a repeated request with it. */
static void
phase1_send(struct ike1_sa *sa, uint64_t now, const uint8_t *buf, size_t len,
    const uint8_t *request, size_t request_len)
{
	if (len == 0) {
		ike1_sa_failed(sa, now, KEYING_LOCAL, "message does not fit");
		return;
	}
	if (request != NULL) {
		ike_answered_request(&sa->answered, request, request_len);
		ike_answered_with(&sa->answered, buf, len);
	}
	if (sa->initiator && sa->state != IKE1_MM_UP)
		ike_retry_set(&sa->ike->x, &sa->retry, now, buf, len);
	else
		ike_retry_clear(&sa->retry);
	message_send(sa, buf, len);
}

static void
phase1_send_first(struct ike1_sa *sa, uint64_t now)
{
	struct isakmp_builder b;
	uint8_t		      buf[ISAKMP_MESSAGE_MAX];
	uint64_t	      until = sa->retry.until;
	unsigned	      tries = sa->retry.tries;
	size_t		      len;

	phase1_begin(&b, buf, sizeof(buf), sa, 0);
	isakmp_put(&b, ISAKMP_SA, sa->sai, sa->sai_len);
	phase1_put_vendor_ids(&b, !sa->ike->c.no_natt, true);
	len = isakmp_end(&b);
	phase1_send(sa, now, buf, len, NULL, 0);
	if (tries != 0 && sa->retry.buf != NULL) {
		/* A repetition under a new cookie, not a new beginning. */
		sa->retry.until = until;
		sa->retry.tries = tries;
		if (tries % 5 == 4)
			sa->retry.at = now + RETRY_FAR;
		else if (tries > 1)
			sa->retry.at = now + RETRY_HELLO;
	}
}

static int
phase1_new_cookie(struct ike1_sa *sa)
{
	if (sa->ike->x.ops->cookie_get(sa->ike->x.arg, &sa->cookie_i) == -1 ||
	    sa->cookie_i == 0)
		return -1;
	ike1_sa_hash(sa);
	return 0;
}

void
phase1_start(struct ike1_sa *sa, uint64_t now)
{
	uint8_t	      buf[1024];
	struct writer w;

	writer_init(&w, buf, sizeof(buf));
	proposal_offer_phase1(&w,
	    sa->psk != NULL ? IKE1_PRESHARED : IKE1_RSA_SIG,
	    sa->ike->c.legacy && !sa->modern, sa->ike->c.phase1_lifetime);
	sa->state = IKE1_MM_SENT_SA;
	if (w.bad || phase1_new_cookie(sa) == -1) {
		ike1_sa_failed(sa, now, KEYING_LOCAL, "no initiator cookie");
		return;
	}
	ike_keep(&sa->sai, &sa->sai_len, buf, w.len);
	phase1_send_first(sa, now);
}

void
phase1_retry_first(struct ike1_sa *sa, uint64_t now)
{
	if (phase1_new_cookie(sa) == -1) {
		ike1_sa_failed(sa, now, KEYING_LOCAL, "no initiator cookie");
		return;
	}
	phase1_send_first(sa, now);
}

/* --- keys and hashes ------------------------------------------------------ */

/* SKEYID, SKEYID_d, _a, _e, the cipher's key and first IV. */
static int
phase1_derive(struct ike1_sa *sa)
{
	uint8_t		 gxy[IKE_KE_MAX], cookies[16], iv[IKE_HASH_MAX];
	size_t		 ke = ike_group_len(sa->suite.group);
	struct ike_chunk secret, ni = { sa->ni, sa->ni_len };
	struct ike_chunk nr = { sa->nr, sa->nr_len }, c[2];
	int		 n, rc;

	if ((n = ike_dh_derive(sa->dh, sa->peer_ke, ke, gxy)) == -1)
		return -1;
	secret = (struct ike_chunk){ gxy, (size_t)n };
	notify_cookies(sa, cookies);
	rc = ike1_keys_derive(&sa->k, sa->suite.hash, sa->suite.enc,
	    sa->suite.enc_bits, sa->psk, sa->psk_len, &ni, &nr, &secret,
	    cookies);
	wipe(gxy, sizeof(gxy));
	/* RFC 2409 App. B: the first IV is hash(g^xi | g^xr). */
	c[0].p = sa->initiator ? ike_dh_public(sa->dh) : sa->peer_ke;
	c[1].p = sa->initiator ? sa->peer_ke : ike_dh_public(sa->dh);
	c[0].len = c[1].len = ke;
	if (rc == -1 || ike_hash(sa->suite.hash, c, 2, iv) == -1)
		return -1;
	memcpy(sa->iv, iv, ike1_block_len(sa->suite.enc));
	return 0;
}

/* HASH_I or HASH_R (RFC 2409 §5); id is the body of that side's ID payload. */
static int
phase1_hash(const struct ike1_sa *sa, bool of_initiator, const uint8_t *id,
    size_t id_len, uint8_t out[IKE_HASH_MAX])
{
	size_t		 ke = ike_group_len(sa->suite.group);
	const uint8_t	*mine = ike_dh_public(sa->dh);
	uint8_t		 cookies[16], swapped[16];
	struct ike_chunk c[5];
	bool		 own = of_initiator == sa->initiator;

	notify_cookies(sa, cookies);
	memcpy(swapped, cookies + 8, 8);
	memcpy(swapped + 8, cookies, 8);
	c[0] = (struct ike_chunk){ own ? mine : sa->peer_ke, ke };
	c[1] = (struct ike_chunk){ own ? sa->peer_ke : mine, ke };
	c[2] = (struct ike_chunk){ of_initiator ? cookies : swapped, 16 };
	c[3] = (struct ike_chunk){ sa->sai, sa->sai_len };
	c[4] = (struct ike_chunk){ id, id_len };
	return ike_prf(sa->suite.hash, sa->k.skeyid, sa->k.len, c, 5, out);
}

static void
phase1_put_initial_contact(const struct ike1_sa *sa, struct isakmp_builder *b)
{
	uint8_t cookies[16];

	notify_cookies(sa, cookies);
	notify_put(b, ISAKMP_N_INITIAL_CONTACT, PROTO_ISAKMP, cookies,
	    sizeof(cookies), NULL, 0);
}

/* Message 5 or 6: our identity and the proof of it. */
static size_t
phase1_auth_message(struct ike1_sa *sa, uint8_t *buf, size_t cap)
{
	struct isakmp_builder b;
	struct writer	      w;
	uint8_t		      id[KEYING_NAME_MAX + 16], hash[IKE_HASH_MAX];
	uint8_t		      sig[IKE_SIG_MAX];
	int		      n;

	writer_init(&w, id, sizeof(id));
	ike1_id_write(&w, &sa->my_id);
	if (w.bad || phase1_hash(sa, sa->initiator, id, w.len, hash) == -1)
		return 0;
	phase1_begin(&b, buf, cap, sa, ISAKMP_FLAG_ENCRYPTION);
	isakmp_put(&b, ISAKMP_ID, id, w.len);
	if (sa->psk != NULL) {
		isakmp_put(&b, ISAKMP_HASH, hash, sa->k.len);
	} else {
		n = sa->ike->c.key == NULL ? -1 :
		    ike_sign(sa->ike->c.key, hash, sa->k.len, sig);
		if (n == -1)
			return 0;
		isakmp_put(&b, ISAKMP_SIGNATURE, sig, (size_t)n);
	}
	/* Only here is it repeated until it arrives (RFC 2407 §4.6.3.3). */
	if (sa->initiator && sa->initial_contact &&
	    ike1_sa_newest(sa) == NULL)
		phase1_put_initial_contact(sa, &b);
	return message_seal(sa, &b, sa->iv);
}

/* Does the peer's proof fit one of its keys? */
static bool
phase1_proved(struct ike1_sa *sa, const struct isakmp_message *m)
{
	const struct isakmp_part *id = isakmp_find(m, ISAKMP_ID), *proof;
	uint8_t			  hash[IKE_HASH_MAX];
	size_t			  i;

	if (phase1_hash(sa, !sa->initiator, id->body, id->len, hash) == -1)
		return false;
	if (sa->psk != NULL) {
		proof = isakmp_find(m, ISAKMP_HASH);
		return proof != NULL && proof->len == sa->k.len &&
		    compare_secret(proof->body, hash, sa->k.len) == 0;
	}
	if ((proof = isakmp_find(m, ISAKMP_SIGNATURE)) == NULL)
		return false;
	for (i = 0; i < sa->nkeys; i++) {
		if (ike_verify(&sa->keys[i], hash, sa->k.len, proof->body,
		    proof->len)) {
			sa->key_used = (int)i;
			return true;
		}
	}
	return false;
}

/* --- progress ------------------------------------------------------------- */

/* When this SA ends, and when the next one is to take its place. */
static void
phase1_lifetime(struct ike1_sa *sa, uint64_t now)
{
	uint32_t life = sa->ike->c.phase1_lifetime;
	unsigned percent;

	if (sa->suite.lifetime != 0 && sa->suite.lifetime < life)
		life = sa->suite.lifetime;
	percent = sa->initiator ? IKE1_REKEY_PERCENT - random_uniform(5) :
	    IKE1_REKEY_LATE_PERCENT;
	sa->expires = now + (uint64_t)life * 1000;
	sa->renew_at = now + (uint64_t)life * 10 * percent;
	ike_timer(&sa->ike->x, sa->renew_at);
}

/* The SA that this one was made to replace goes once the peer has had time
 * to move what belongs to it. */
static void
phase1_retire_old(const struct ike1_sa *sa, uint64_t now)
{
	struct ike1_sa *old;

	TAILQ_FOREACH(old, &sa->ike->sas, entry) {
		if (old == sa || old->state != IKE1_MM_UP ||
		    !addr_equal(&old->path.peer, &sa->path.peer) ||
		    !keying_id_equal(&old->peer_id, &sa->peer_id) ||
		    old->up_at >= sa->created ||
		    old->expires <= now + IKE1_LINGER)
			continue;
		old->expires = now + IKE1_LINGER;
		old->renew_at = IKE_NEVER;
		ike_timer(&sa->ike->x, old->expires);
	}
}

static void
phase1_up(struct ike1_sa *sa, uint64_t now)
{
	struct ike1	 *e = sa->ike;
	struct ike1_child *c, *next;

	sa->state = IKE1_MM_UP;
	sa->up_at = sa->heard = now;
	sa->childless_at = now + IKE1_CHILDLESS_TIME;
	ike_timer(&e->x, sa->childless_at);
	phase1_lifetime(sa, now);
	ike_half_remove(&e->budget, &sa->half);
	e->count.phase1_up++;
	if (e->c.dpd_delay != 0 && sa->dpd) {
		sa->dpd_at = now + (uint64_t)e->c.dpd_delay * 1000;
		ike_timer(&e->x, sa->dpd_at);
	}
	log_debug("Phase 1 SA with %s (%s): %s, %s, %s%s%s", keying_id_text(
	    &sa->peer_id), ADDR_TEXT(&sa->path.peer),
	    ike1_enc_name(sa->suite.enc, sa->suite.enc_bits),
	    ike_hash_name(sa->suite.hash),
	    ike_group_name(sa->suite.group), sa->nat_here ?
	    ", we are behind a NAT" : "", sa->nat_there ?
	    ", it is behind a NAT" : "");
	if (sa->renewal)
		phase1_retire_old(sa, now);
	if (!sa->initiator) {
		offer_prove(e, now, sa->sai, sa->sai_len);
		ending_limits(sa, now);
		if (sa->state != IKE1_MM_UP)
			return;
	}
	natt_tick(sa, now);
	TAILQ_FOREACH_SAFE(c, &e->children, entry, next) {
		if (c->sa == sa && c->state == IKE1_QM_WAIT_SA)
			phase2_start(c, now);
	}
}

static void
phase1_got_sa_answer(struct ike1_sa *sa, uint64_t now,
    const struct isakmp_header *h, const struct isakmp_message *m,
    const uint8_t *buf, size_t len)
{
	const struct isakmp_part *part = &m->part[0];
	struct isakmp_builder	  b;
	uint8_t			  msg[ISAKMP_MESSAGE_MAX];

	/* RFC 2409 §5: the SA payload comes first. */
	if (h->cookie_r == 0 || m->nparts == 0 || part->type != ISAKMP_SA ||
	    isakmp_count(m, ISAKMP_SA) != 1 ||
	    proposal_accept_phase1(part->body, part->len, sa->sai, sa->sai_len,
	    &sa->suite) == -1) {
		ike_complain(&sa->ike->x, now, &sa->path,
		    "its answer to our Phase 1 proposal is not one of ours");
		return;	/* perhaps forged: the true one may still come */
	}
	if ((sa->dh = ike_dh_new(sa->suite.group)) == NULL) {
		ike1_sa_failed(sa, now, KEYING_LOCAL, "Diffie-Hellman");
		return;
	}
	sa->cookie_r = h->cookie_r;
	phase1_note_vendor_ids(sa->ike, m, &sa->natt, &sa->dpd);
	sa->ni_len = IKE1_NONCE_LEN;
	random_bytes(sa->ni, sa->ni_len);
	sa->state = IKE1_MM_SENT_KE;
	phase1_begin(&b, msg, sizeof(msg), sa, 0);
	isakmp_put(&b, ISAKMP_KE, ike_dh_public(sa->dh),
	    ike_group_len(sa->suite.group));
	isakmp_put(&b, ISAKMP_NONCE, sa->ni, sa->ni_len);
	natt_put(sa, &b);
	phase1_send(sa, now, msg, isakmp_end(&b), buf, len);
}

/* KE and nonce of the other side into their places; false if unfit. */
static bool
phase1_take_ke(struct ike1_sa *sa, const struct isakmp_message *m,
    uint8_t *nonce, size_t *nonce_len)
{
	if (!message_take_ke(m, sa->suite.group, sa->peer_ke, nonce, nonce_len))
		return false;
	natt_detect(sa, m);
	return true;
}

/* Responder: the key exchange is done once DH and, if any, the PSK are
 * there. */
static void
phase1_answer_ke(struct ike1_sa *sa, uint64_t now)
{
	struct isakmp_builder b;
	uint8_t		      msg[ISAKMP_MESSAGE_MAX];
	uint64_t	      begun = ike_work_begin(&sa->ike->budget);
	size_t		      len;
	int		      rc = -1;

	if ((sa->dh = ike_dh_new(sa->suite.group)) != NULL)
		rc = phase1_derive(sa);
	ike_work_end(&sa->ike->budget, begun);
	if (rc == -1) {
		ike1_sa_failed(sa, now, KEYING_LOCAL,
		    "bad Diffie-Hellman value");
		return;
	}
	sa->state = IKE1_MM_GOT_KE;
	phase1_begin(&b, msg, sizeof(msg), sa, 0);
	isakmp_put(&b, ISAKMP_KE, ike_dh_public(sa->dh),
	    ike_group_len(sa->suite.group));
	isakmp_put(&b, ISAKMP_NONCE, sa->nr, sa->nr_len);
	natt_put(sa, &b);
	len = isakmp_end(&b);
	ike_answered_with(&sa->answered, msg, len);
	message_send(sa, msg, len);
}

static void
phase1_got_ke(struct ike1_sa *sa, uint64_t now, const struct isakmp_message *m,
    const uint8_t *buf, size_t len)
{
	struct keying_id id = keying_id_addr(&sa->path.peer);

	if (!phase1_take_ke(sa, m, sa->ni, &sa->ni_len)) {
		ike_complain(&sa->ike->x, now, &sa->path, "bad key exchange");
		return;
	}
	ike_answered_request(&sa->answered, buf, len);
	sa->nr_len = IKE1_NONCE_LEN;
	random_bytes(sa->nr, sa->nr_len);
	if (sa->suite.auth == IKE1_RSA_SIG) {
		phase1_answer_ke(sa, now);
		return;
	}
	/* A pre-shared key is needed before the identity can be read: it can
	 * only be found by address (RFC 2409 §5.4). */
	sa->state = IKE1_MM_WAIT_PSK;
	sa->token = ike_token(&sa->ike->x);
	sa->ike->x.ops->peer_lookup(sa->ike->x.arg, sa->token, &id,
	    KEYING_BY_PSK, &sa->path);
}

static void
phase1_got_ke_answer(struct ike1_sa *sa, uint64_t now,
    const struct isakmp_message *m, const uint8_t *buf, size_t len)
{
	uint8_t msg[ISAKMP_MESSAGE_MAX];

	if (!phase1_take_ke(sa, m, sa->nr, &sa->nr_len)) {
		ike_complain(&sa->ike->x, now, &sa->path, "bad key exchange");
		return;
	}
	if (phase1_derive(sa) == -1) {
		/* Tried with the true private value, so once is enough. */
		ike1_sa_failed(sa, now, KEYING_LOCAL,
		    "bad Diffie-Hellman value");
		return;
	}
	sa->state = IKE1_MM_SENT_AUTH;
	natt_float(sa);
	phase1_send(sa, now, msg, phase1_auth_message(sa, msg, sizeof(msg)),
	    buf, len);
}

/* Decrypts a message of the Main Mode chain; the IV moves on only if it makes
 * sense. */
static int
phase1_open(struct ike1_sa *sa, const struct isakmp_header *h,
    const uint8_t *buf, size_t len, uint8_t *text, struct isakmp_message *m)
{
	uint8_t iv[IKE1_BLOCK_MAX];

	memcpy(iv, sa->iv, sizeof(iv));
	if (message_open(sa, iv, h, buf, len, text, m) == -1 ||
	    isakmp_count(m, ISAKMP_ID) != 1)
		return -1;
	memcpy(sa->iv, iv, sizeof(iv));
	natt_moved(sa);
	return 0;
}

static void
phase1_notes(struct ike1_sa *sa, uint64_t now, const struct isakmp_message *m)
{
	struct notify n;
	unsigned      i;

	/* INITIAL-CONTACT may ride in message 5 or 6, under the same proof. */
	for (i = 0; i < m->nparts; i++) {
		if (m->part[i].type != ISAKMP_NOTIFICATION)
			continue;
		notify_read(&n, &m->part[i]);
		if (n.type == ISAKMP_N_INITIAL_CONTACT && !n.data.bad)
			ike1_peer_restarted(sa, now);
	}
}

static void
phase1_got_auth(struct ike1_sa *sa, uint64_t now, const struct isakmp_header *h,
    const uint8_t *buf, size_t len)
{
	struct isakmp_message	  m;
	const struct isakmp_part *id;
	uint8_t			  text[ISAKMP_MESSAGE_MAX];

	if (phase1_open(sa, h, buf, len, text, &m) == -1) {
		ike_complain(&sa->ike->x, now, &sa->path,
		    "message 5 cannot be decrypted%s", sa->psk != NULL ?
		    ": is the pre-shared key the same?" : "");
		return;
	}
	id = isakmp_find(&m, ISAKMP_ID);
	if (ike1_id_read(&sa->peer_id, id->body, id->len) == -1) {
		ike_complain(&sa->ike->x, now, &sa->path,
		    "identity of an unknown form");
		ike1_sa_kill(sa, now);
		return;
	}
	ike_answered_request(&sa->answered, buf, len);
	ike_keep(&sa->pending, &sa->pending_len, text,
	    len - ISAKMP_HEADER_LEN);
	sa->pending_first = h->first;
	/* With a pre-shared key too: the secret found by address must be that
	 * of the identity now claimed. */
	sa->state = IKE1_MM_WAIT_KEYS;
	sa->token = ike_token(&sa->ike->x);
	sa->ike->x.ops->peer_lookup(sa->ike->x.arg, sa->token, &sa->peer_id,
	    sa->psk != NULL ? KEYING_BY_PSK : KEYING_BY_KEY, &sa->path);
}

void
phase1_keys_found(struct ike1_sa *sa, uint64_t now)
{
	struct isakmp_message m = { .h.first = sa->pending_first };
	uint8_t		      msg[ISAKMP_MESSAGE_MAX];
	uint64_t	      begun;
	size_t		      len;
	bool		      proved;

	if (sa->state == IKE1_MM_WAIT_PSK) {
		if (sa->psk == NULL) {
			ike_complain(&sa->ike->x, now, &sa->path,
			    "no pre-shared key for this address");
			ike1_sa_kill(sa, now);
			return;
		}
		phase1_answer_ke(sa, now);
		return;
	}
	if (sa->psk != NULL ? !sa->psk_confirmed : sa->nkeys == 0) {
		ike_complain(&sa->ike->x, now, &sa->path, "no %s found for %s",
		    sa->psk != NULL ? "such pre-shared key" : "public key",
		    keying_id_text(&sa->peer_id));
		goto refuse;
	}
	begun = ike_work_begin(&sa->ike->budget);
	proved = isakmp_split(&m, sa->pending, sa->pending_len, true) == 0 &&
	    isakmp_find(&m, ISAKMP_ID) != NULL && phase1_proved(sa, &m);
	len = proved ? phase1_auth_message(sa, msg, sizeof(msg)) : 0;
	ike_work_end(&sa->ike->budget, begun);
	if (!proved) {
		sa->ike->count.auth_failed++;
		if (sa->psk != NULL)
			ike_complain(&sa->ike->x, now, &sa->path,
			    "%s does not know the pre-shared key",
			    keying_id_text(&sa->peer_id));
		else
			ike_complain(&sa->ike->x, now, &sa->path,
			    "the signature of %s does not verify with its "
			    "%zu public key(s)",
			    keying_id_text(&sa->peer_id), sa->nkeys);
		goto refuse;
	}
	if (len == 0) {
		ike1_sa_failed(sa, now, KEYING_LOCAL, "cannot sign");
		return;
	}
	ike_answered_with(&sa->answered, msg, len);
	message_send(sa, msg, len);
	phase1_notes(sa, now, &m);
	ike_keep(&sa->pending, &sa->pending_len, NULL, 0);
	phase1_up(sa, now);
	return;
refuse:
	notify_send(sa, now, ISAKMP_N_AUTHENTICATION_FAILED, PROTO_ISAKMP, NULL,
	    0, NULL, 0);
	ike1_sa_kill(sa, now);
}

static void
phase1_got_auth_answer(struct ike1_sa *sa, uint64_t now,
    const struct isakmp_header *h, const uint8_t *buf, size_t len)
{
	struct isakmp_message	  m;
	const struct isakmp_part *id;
	struct keying_id	  peer;
	uint8_t			  text[ISAKMP_MESSAGE_MAX];

	if (phase1_open(sa, h, buf, len, text, &m) == -1) {
		ike_complain(&sa->ike->x, now, &sa->path,
		    "message 6 cannot be decrypted");
		return;
	}
	id = isakmp_find(&m, ISAKMP_ID);
	if (ike1_id_read(&peer, id->body, id->len) == -1 ||
	    (sa->peer_id.type != 0 && !keying_id_equal(&peer, &sa->peer_id))) {
		notify_delete_sa(sa, now);
		ike1_sa_failed(sa, now, KEYING_IDENTITY, keying_id_text(&peer));
		return;
	}
	if (!phase1_proved(sa, &m)) {
		sa->ike->count.auth_failed++;
		notify_delete_sa(sa, now);	/* the peer thinks
						 * that all is well */
		ike1_sa_failed(sa, now, KEYING_SIGNATURE,
		    keying_id_text(&peer));
		return;
	}
	sa->peer_id = peer;
	ike_answered_request(&sa->answered, buf, len);
	ike_retry_clear(&sa->retry);
	phase1_notes(sa, now, &m);
	phase1_up(sa, now);
}

void
phase1_message(struct ike1_sa *sa, uint64_t now, const struct isakmp_header *h,
    const uint8_t *buf, size_t len)
{
	struct isakmp_message m = { .h = *h };
	bool		      plain;

	if (ike_answered_is(&sa->answered, buf, len)) {
		sa->ike->count.duplicates++;
		if (sa->answered.buf != NULL)
			message_send(sa, sa->answered.buf, sa->answered.len);
		return;
	}
	if (h->msgid != 0) {
		sa->ike->count.malformed++;
		return;
	}
	plain = sa->state == IKE1_MM_SENT_SA || sa->state == IKE1_MM_GOT_SA ||
	    sa->state == IKE1_MM_SENT_KE;
	if (plain && ((h->flags & ISAKMP_FLAG_ENCRYPTION) ||
	    isakmp_split(&m, buf + ISAKMP_HEADER_LEN, len - ISAKMP_HEADER_LEN,
	    false) == -1)) {
		sa->ike->count.malformed++;
		return;
	}
	switch (sa->state) {
	case IKE1_MM_SENT_SA:
		phase1_got_sa_answer(sa, now, h, &m, buf, len);
		break;
	case IKE1_MM_GOT_SA:
		phase1_got_ke(sa, now, &m, buf, len);
		break;
	case IKE1_MM_SENT_KE:
		phase1_got_ke_answer(sa, now, &m, buf, len);
		break;
	case IKE1_MM_GOT_KE:
		phase1_got_auth(sa, now, h, buf, len);
		break;
	case IKE1_MM_SENT_AUTH:
		phase1_got_auth_answer(sa, now, h, buf, len);
		break;
	default:
		break;		/* late, or while somebody is being asked */
	}
}
