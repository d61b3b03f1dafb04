/* phase2.c - Quick Mode with perfect forward secrecy, in both roles (RFC 2409 §5.5) */
#include "config.h"

#include <string.h>

#include "base/util.h"
#include "oe/esp/algorithm.h"
#include "oe/ike1/id.h"
#include "oe/ike1/message.h"
#include "oe/ike1/msgid.h"
#include "oe/ike1/natt.h"
#include "oe/ike1/notify.h"
#include "oe/ike1/phase2.h"

#define KEYMAT_MAX	(2 * ESP_KEY_MAX)

static uint16_t
phase2_encapsulation(const struct ike1_sa *sa)
{
	return sa->nat_here || sa->nat_there ? IKE1_UDP_TUNNEL : IKE1_TUNNEL;
}

static struct message_hash
phase2_hash(const struct ike1_child *c, unsigned step)
{
	return (struct message_hash){ step, c->msgid, { c->ni, c->ni_len },
		{ c->nr, c->nr_len } };
}

static void
phase2_begin(struct isakmp_builder *b, uint8_t *buf, size_t cap,
    const struct ike1_child *c)
{
	message_begin(b, buf, cap, c->sa, ISAKMP_QUICK_MODE,
	    ISAKMP_FLAG_ENCRYPTION, c->msgid);
}

static size_t
phase2_finish(struct isakmp_builder *b, struct ike1_child *c, unsigned step)
{
	const struct message_hash k = phase2_hash(c, step);

	return message_seal_hashed(c->sa, b, c->iv, &k);
}

static void
phase2_put_selectors(struct isakmp_builder *b, const struct ike1_child *c)
{
	isakmp_open(b, ISAKMP_ID);
	ike1_selector_write(&b->w, c->initiator ? &c->ours : &c->theirs);
	isakmp_close(b);
	isakmp_open(b, ISAKMP_ID);
	ike1_selector_write(&b->w, c->initiator ? &c->theirs : &c->ours);
	isakmp_close(b);
}

void
phase2_start(struct ike1_child *c, uint64_t now)
{
	struct ike1_sa	     *sa = c->sa;
	struct isakmp_builder b;
	uint8_t		      buf[ISAKMP_MESSAGE_MAX];
	size_t		      len, at;

	c->msgid = msgid_new(sa, now, ISAKMP_QUICK_MODE);
	c->peer_id = sa->peer_id;	/* now it is known and proved */
	c->ni_len = IKE1_NONCE_LEN;
	random_bytes(c->ni, c->ni_len);
	/* All proposals share one KE payload, so one group: Phase 1's. */
	if (c->ike->x.ops->spi_get(c->ike->x.arg, &c->spi_in) == -1) {
		c->spi_in = 0;
		ike1_child_failed(c, KEYING_LOCAL, "no SPI");
		return;
	}
	if ((c->dh = ike_dh_new(sa->suite.group)) == NULL ||
	    message_iv(sa, c->msgid, c->iv) == -1) {
		ike1_child_failed(c, KEYING_LOCAL, "Diffie-Hellman");
		return;
	}
	phase2_begin(&b, buf, sizeof(buf), c);
	isakmp_open(&b, ISAKMP_SA);
	at = b.w.len;
	proposal_offer_phase2(&b.w, c->spi_in, &(struct proposal_phase2){
	    sa->suite.group, phase2_encapsulation(sa), c->ike->c.legacy &&
	    !sa->modern,
	    c->ike->c.esn, c->ike->c.phase2_lifetime,
	    c->ike->c.phase2_kilobytes });
	ike_keep(&c->sa_body, &c->sa_body_len, buf + at, b.w.len - at);
	isakmp_close(&b);
	isakmp_put(&b, ISAKMP_NONCE, c->ni, c->ni_len);
	isakmp_put(&b, ISAKMP_KE, ike_dh_public(c->dh),
	    ike_group_len(sa->suite.group));
	phase2_put_selectors(&b, c);
	if ((len = phase2_finish(&b, c, 1)) == 0) {
		ike1_child_failed(c, KEYING_LOCAL, "message does not fit");
		return;
	}
	c->state = IKE1_QM_SENT_1;
	ike_retry_set(&c->ike->x, &c->retry, now, buf, len);
	message_send(sa, buf, len);
}

/* Keys of one direction: the cipher's, then the integrity's (RFC 2409 §5.5). */
static int
phase2_keys(const struct ike1_child *c, const struct ike_chunk *gxy,
    uint32_t spi, struct esp_params *p)
{
	uint8_t		 keymat[KEYMAT_MAX];
	struct ike_chunk ni = { c->ni, c->ni_len }, nr = { c->nr, c->nr_len };

	p->spi = spi;
	p->cipher = c->suite.cipher;
	p->auth = c->suite.auth;
	p->esn = c->suite.esn;
	p->cipher_len = esp_cipher_key_len(p->cipher, c->suite.cipher_bits);
	p->auth_len = esp_auth_key_len(p->auth);
	if (ike1_keymat(&c->sa->k, c->sa->suite.hash, gxy, PROTO_ESP, spi, &ni,
	    &nr, keymat, p->cipher_len + p->auth_len) == -1)
		return -1;
	memcpy(p->cipher_key, keymat, p->cipher_len);
	memcpy(p->auth_key, keymat + p->cipher_len, p->auth_len);
	wipe(keymat, sizeof(keymat));
	return 0;
}

static void
phase2_proof(const struct ike1_sa *sa, struct keying_proof *p)
{
	memset(p, 0, sizeof(*p));
	p->how = sa->psk != NULL ? KEYING_BY_PSK : KEYING_BY_KEY;
	if (sa->key_used >= 0)
		p->key = sa->keys[sa->key_used];
}

/*
 * Both SAs are agreed on: derive and hand over.  0, or -1.  last, where it is
 * not NULL, is the message that the peer needs to install them: it goes out
 * before ESP that waits for the keys can overtake it.
 */
static int
phase2_announce(struct ike1_child *c, uint64_t now, const uint8_t *last,
    size_t last_len)
{
	struct ike1_sa	   *sa = c->sa;
	struct keying_child up = { 0 };
	uint8_t		    secret[IKE_KE_MAX];
	struct ike_chunk    gxy = { secret, 0 };
	uint32_t	    life = c->ike->c.phase2_lifetime;
	uint64_t	    own_bytes =
	    (uint64_t)c->ike->c.phase2_kilobytes * 1024;
	unsigned	    percent;
	int		    n, rc = -1;

	n = ike_dh_derive(c->dh, c->peer_ke, ike_group_len(c->suite.group),
	    secret);
	if (n == -1)
		return -1;
	gxy.len = (size_t)n;
	up.in.src = up.out.dst = sa->path.peer;
	up.in.dst = up.out.src = sa->path.local;
	if (c->suite.encapsulation == IKE1_UDP_TUNNEL) {
		up.in.encap_sport = up.out.encap_dport = sa->path.peer_port;
		up.in.encap_dport = up.out.encap_sport = sa->path.local_port;
	}
	if (phase2_keys(c, &gxy, c->spi_in, &up.in) == -1 ||
	    phase2_keys(c, &gxy, c->spi_out, &up.out) == -1)
		goto out;
	if (c->suite.lifetime != 0 && c->suite.lifetime < life)
		life = c->suite.lifetime;
	up.ours = keying_selectors_of(&c->ours);
	up.theirs = keying_selectors_of(&c->theirs);
	up.path = sa->path;
	up.peer_id = sa->peer_id;
	up.initiator = c->initiator;
	up.nat_there = sa->nat_there;
	up.version = IKE1_VERSION;
	up.mode = KEYING_TUNNEL;
	up.encapsulated = c->suite.encapsulation == IKE1_UDP_TUNNEL;
	phase2_proof(sa, &up.proof);
	/* The initiator renews first, so that both do not at once. */
	percent = c->initiator ? IKE1_REKEY_PERCENT - random_uniform(5) :
	    IKE1_REKEY_LATE_PERCENT;
	up.hard = now + (uint64_t)life * 1000;
	up.soft = now + (uint64_t)life * 10 * percent;
	up.hard_bytes = c->suite.bytes;
	if (own_bytes != 0 && (up.hard_bytes == 0 || own_bytes < up.hard_bytes))
		up.hard_bytes = own_bytes;
	up.soft_bytes = up.hard_bytes / 100 * percent;
	c->hard = up.hard;
	ike_timer(&c->ike->x, c->hard);
	c->announced = true;
	c->ike->count.phase2_up++;
	if (last != NULL)
		message_send(sa, last, last_len);
	c->ike->x.ops->child_up(c->ike->x.arg, c->conn, &up);
	rc = 0;
out:
	wipe(secret, sizeof(secret));
	wipe(&up, sizeof(up));
	ike_dh_free(c->dh);
	c->dh = NULL;
	return rc;
}

/* The two ID payloads in their order: initiator's, responder's. Absent: the
 * peers' own addresses (RFC 2409 §5.5). */
static int
phase2_selectors(const struct ike1_sa *sa, const struct isakmp_message *m,
    struct keying_selector *of_i, struct keying_selector *of_r,
    bool we_initiate)
{
	struct keying_selector *to[2] = { of_i, of_r };
	unsigned		i, n = 0;

	for (i = 0; i < m->nparts; i++) {
		if (m->part[i].type != ISAKMP_ID)
			continue;
		if (n == 2 || ike1_selector_read(to[n++], m->part[i].body,
		    m->part[i].len) == -1)
			return -1;
	}
	if (n == 2)
		return 0;
	if (n == 1)
		return -1;
	*of_i = keying_selector_host(we_initiate ? &sa->path.local :
	    &sa->path.peer, 0, 0);
	*of_r = keying_selector_host(we_initiate ? &sa->path.peer :
	    &sa->path.local, 0, 0);
	return 0;
}

/* Decrypts; the first payload must be the HASH that step asks for. */
static int
phase2_open(struct ike1_child *c, unsigned step, const struct isakmp_header *h,
    const uint8_t *buf, size_t len, uint8_t *text, struct isakmp_message *m)
{
	const struct message_hash k = phase2_hash(c, step);
	uint8_t			  iv[IKE1_BLOCK_MAX];

	memcpy(iv, c->iv, sizeof(iv));
	if (message_open_hashed(c->sa, iv, &k, h, buf, len, text, m) == -1)
		return -1;
	memcpy(c->iv, iv, sizeof(iv));
	if (h->flags & ISAKMP_FLAG_COMMIT)
		c->commit = true;
	natt_moved(c->sa);
	return 0;
}

/* The one SA payload, which must follow the HASH (RFC 2409 §5.5), or NULL. */
static const struct isakmp_part *
phase2_sa_payload(const struct isakmp_message *m)
{
	return m->nparts >= 2 && m->part[1].type == ISAKMP_SA &&
	    isakmp_count(m, ISAKMP_SA) == 1 ? &m->part[1] : NULL;
}

/* RFC 2407 §4.6.3.1: we keep it for less long than was offered. */
static void
phase2_put_lifetime(struct isakmp_builder *b, const struct ike1_child *c)
{
	uint32_t      life = c->ike->c.phase2_lifetime;
	uint8_t	      spi[4], attrs[16];
	struct writer w;

	if (c->suite.lifetime != 0 && c->suite.lifetime <= life)
		return;
	store_u32(spi, c->spi_in);
	writer_init(&w, attrs, sizeof(attrs));
	proposal_put_lifetime(&w, life);
	notify_put(b, ISAKMP_N_RESPONDER_LIFETIME, PROTO_ESP, spi,
	    sizeof(spi), attrs, w.len);
}

static void
phase2_get_lifetime(struct ike1_child *c, const struct isakmp_message *m)
{
	struct notify n;
	unsigned      i;

	for (i = 0; i < m->nparts; i++) {
		if (m->part[i].type != ISAKMP_NOTIFICATION)
			continue;
		notify_read(&n, &m->part[i]);
		if (n.type == ISAKMP_N_RESPONDER_LIFETIME && !n.data.bad)
			proposal_get_lifetime(n.data.p, cursor_left(&n.data),
			    &c->suite.lifetime, &c->suite.bytes);
	}
}

void
phase2_confirmed(struct ike1_child *c)
{
	c->deadline = IKE_NEVER;
	if (c->confirmed)
		return;
	c->confirmed = true;
	c->ike->x.ops->child_confirmed(c->ike->x.arg, c->conn, c->spi_in);
}

/* The exchange is over on our side. A peer that set the commit bit says when
 * it is on its own (RFC 2408 §3.1). */
static void
phase2_done(struct ike1_child *c, uint64_t now)
{
	c->state = IKE1_QM_UP;
	c->sa->heard = now;
	if (!c->commit) {
		phase2_confirmed(c);
		return;
	}
	c->deadline = now + IKE1_LINGER;
	ike_timer(&c->ike->x, c->deadline);
}

static void
phase2_refuse(struct ike1_child *c, uint64_t now, uint16_t type)
{
	uint8_t spi[4];

	store_u32(spi, c->spi_out);
	notify_send(c->sa, now, type, PROTO_ESP, spi, sizeof(spi), NULL, 0);
}

static void
phase2_respond(struct ike1_sa *sa, uint64_t now, const struct isakmp_header *h,
    const uint8_t *buf, size_t len)
{
	struct ike1		 *e = sa->ike;
	struct ike1_child	 *c;
	struct isakmp_message	  m;
	const struct isakmp_part *part;
	struct proposal_choice	  choice;
	struct writer		  w;
	struct keying_proof	  proof;
	struct keying_selectors	  ours, theirs;
	uint8_t			  text[ISAKMP_MESSAGE_MAX], body[256];

	if (sa->nchildren >= IKE1_CHILDREN_MAX ||
	    (c = ike1_child_new(e, sa, false)) == NULL) {
		ike_complain(&e->x, now, &sa->path, "too many Phase 2 SAs");
		return;
	}
	c->msgid = h->msgid;
	if (message_iv(sa, c->msgid, c->iv) == -1 ||
	    phase2_open(c, 1, h, buf, len, text, &m) == -1) {
		ike_complain(&e->x, now, &sa->path, "bad Quick Mode message");
		e->count.malformed++;
		ike1_child_kill(c);
		return;
	}
	if (!ike_work_ready(&e->budget, now)) {
		ike_work_wait(&e->budget, now, &sa->came, buf, len);
		ike_timer(&e->x, ike_work_due(&e->budget));
		ike1_child_kill(c);
		return;
	}
	if (!msgid_use(sa, now, ISAKMP_QUICK_MODE, c->msgid)) {
		e->count.replays++;
		ike1_child_kill(c);
		return;
	}
	sa->heard = now;
	ike_answered_request(&c->answered, buf, len);
	part = phase2_sa_payload(&m);
	if (part == NULL || proposal_choose_phase2(part->body, part->len,
	    phase2_encapsulation(sa), e->c.legacy, &c->suite, &c->spi_out,
	    &choice) == -1) {
		ike_complain(&e->x, now, &sa->path,
		    "none of its Phase 2 proposals is allowed");
		phase2_refuse(c, now, ISAKMP_N_NO_PROPOSAL_CHOSEN);
		ike1_child_kill(c);
		return;
	}
	if (!message_take_ke(&m, c->suite.group, c->peer_ke, c->ni,
	    &c->ni_len) ||
	    phase2_selectors(sa, &m, &c->theirs, &c->ours, false) == -1) {
		ike_complain(&e->x, now, &sa->path,
		    "bad nonce, KE or identities");
		phase2_refuse(c, now, ISAKMP_N_INVALID_ID_INFORMATION);
		ike1_child_kill(c);
		return;
	}
	if (e->x.ops->spi_get(e->x.arg, &c->spi_in) == -1) {
		c->spi_in = 0;
		ike1_child_kill(c);
		return;
	}
	writer_init(&w, body, sizeof(body));
	proposal_answer(&w, &choice, c->spi_in);
	ike_keep(&c->sa_body, &c->sa_body_len, body, w.bad ? 0 : w.len);
	c->state = IKE1_QM_WAIT_POLICY;
	c->deadline = now + e->x.give_up;
	ike_timer(&e->x, c->deadline);
	c->token = ike_token(&e->x);
	phase2_proof(sa, &proof);
	ours = keying_selectors_of(&c->ours);
	theirs = keying_selectors_of(&c->theirs);
	e->x.ops->child_ask(e->x.arg, c->token, &(struct keying_ask){
	    .peer_id = &sa->peer_id, .proof = &proof, .path = &sa->path,
	    .ours = &ours, .theirs = &theirs, .mode = KEYING_TUNNEL });
}

void
phase2_authorized(struct ike1_child *c, uint64_t now, void *conn)
{
	struct ike1_sa	     *sa = c->sa;
	struct isakmp_builder b;
	uint8_t		      buf[ISAKMP_MESSAGE_MAX];
	uint64_t	      begun = ike_work_begin(&c->ike->budget);
	size_t		      len;
	int		      rc;

	if (conn == NULL) {
		phase2_refuse(c, now, ISAKMP_N_INVALID_ID_INFORMATION);
		ike1_child_failed(c, KEYING_CHILD_REFUSED, NULL);
		return;
	}
	c->conn = conn;
	c->nr_len = IKE1_NONCE_LEN;
	random_bytes(c->nr, c->nr_len);
	if ((c->dh = ike_dh_new(c->suite.group)) == NULL) {
		ike1_child_failed(c, KEYING_LOCAL, "Diffie-Hellman");
		return;
	}
	phase2_begin(&b, buf, sizeof(buf), c);
	isakmp_put(&b, ISAKMP_SA, c->sa_body, c->sa_body_len);
	isakmp_put(&b, ISAKMP_NONCE, c->nr, c->nr_len);
	isakmp_put(&b, ISAKMP_KE, ike_dh_public(c->dh),
	    ike_group_len(c->suite.group));
	phase2_put_selectors(&b, c);
	phase2_put_lifetime(&b, c);
	len = phase2_finish(&b, c, 2);
	c->state = IKE1_QM_SENT_2;
	/* Inbound keys stand before the initiator can use them. */
	rc = len == 0 ? -1 : phase2_announce(c, now, NULL, 0);
	ike_work_end(&c->ike->budget, begun);
	if (rc == -1) {
		ike1_child_failed(c, KEYING_LOCAL, "keys");
		return;
	}
	ike_answered_with(&c->answered, buf, len);
	ike_retry_set(&c->ike->x, &c->retry, now, buf, len);
	message_send(sa, buf, len);
}

static void
phase2_got_answer(struct ike1_child *c, uint64_t now,
    const struct isakmp_header *h, const uint8_t *buf, size_t len)
{
	struct ike1_sa		 *sa = c->sa;
	struct isakmp_message	  m;
	const struct isakmp_part *part;
	struct keying_selector	  src, dst;
	struct isakmp_builder	  b;
	uint8_t			  text[ISAKMP_MESSAGE_MAX];

	if (phase2_open(c, 2, h, buf, len, text, &m) == -1) {
		ike_complain(&sa->ike->x, now, &sa->path,
		    "bad Quick Mode answer");
		return;
	}
	sa->heard = now;
	part = phase2_sa_payload(&m);
	if (part == NULL || proposal_accept_phase2(part->body, part->len,
	    c->sa_body, c->sa_body_len, &c->suite, &c->spi_out) == -1 ||
	    !message_take_ke(&m, c->suite.group, c->peer_ke, c->nr,
	    &c->nr_len) ||
	    phase2_selectors(sa, &m, &src, &dst, true) == -1 ||
	    !keying_selector_equal(&src, &c->ours) ||
	    !keying_selector_equal(&dst, &c->theirs)) {
		ike1_child_failed(c, KEYING_CHILD_REFUSED,
		    "the answer is not what we proposed");
		return;
	}
	phase2_get_lifetime(c, &m);
	phase2_begin(&b, text, sizeof(text), c);
	if ((len = phase2_finish(&b, c, 3)) == 0 ||
	    phase2_announce(c, now, text, len) == -1) {
		ike1_child_failed(c, KEYING_LOCAL, "keys");
		return;
	}
	ike_answered_request(&c->answered, buf, h->length);
	ike_answered_with(&c->answered, text, len);
	ike_retry_clear(&c->retry);
	phase2_done(c, now);
}

static void
phase2_got_last(struct ike1_child *c, uint64_t now,
    const struct isakmp_header *h, const uint8_t *buf, size_t len)
{
	struct isakmp_message m;
	uint8_t		      text[ISAKMP_MESSAGE_MAX];

	if (phase2_open(c, 3, h, buf, len, text, &m) == -1) {
		ike_complain(&c->ike->x, now, &c->sa->path,
		    "bad last message of Quick Mode");
		return;
	}
	ike_retry_clear(&c->retry);
	ike_answered_request(&c->answered, buf, len);
	phase2_done(c, now);
}

void
phase2_message(struct ike1_sa *sa, uint64_t now, const struct isakmp_header *h,
    const uint8_t *buf, size_t len)
{
	struct ike1_child *c;

	if (sa->state != IKE1_MM_UP || h->msgid == 0) {
		sa->ike->count.malformed++;
		return;
	}
	TAILQ_FOREACH(c, &sa->ike->children, entry) {
		if (c->sa == sa && c->msgid == h->msgid &&
		    c->state != IKE1_QM_DEAD)
			break;
	}
	if (c == NULL) {
		phase2_respond(sa, now, h, buf, len);
		return;
	}
	if (ike_answered_is(&c->answered, buf, len)) {
		sa->ike->count.duplicates++;
		if (c->answered.buf != NULL)
			message_send(sa, c->answered.buf, c->answered.len);
		return;
	}
	if (c->state == IKE1_QM_SENT_1)
		phase2_got_answer(c, now, h, buf, len);
	else if (c->state == IKE1_QM_SENT_2)
		phase2_got_last(c, now, h, buf, len);
}
