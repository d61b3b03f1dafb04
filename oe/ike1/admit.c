/* admit.c - strangers' messages 1 and 3: cookies without state, then limits */
#include "config.h"

#include "base/cursor.h"
#include "oe/ike1/admit.h"
#include "oe/ike1/ending.h"
#include "oe/ike1/message.h"
#include "oe/ike1/notify.h"
#include "oe/ike1/offer.h"
#include "oe/ike1/phase1.h"

/*
 * Nothing is kept of an exchange until message 3 shows that its sender
 * receives.  What message 1 said is found again: the SA payload, which HASH_I
 * and HASH_R cover, in a table of the different ones (offer.c), of which there
 * are few; the rest in the cookie itself,
 *
 *	 0        9 10   11   12      15 16                    63
 *	| offer    |natt|dpd |  zero    | MAC                    |
 *
 * whose MAC covers both, the initiator's cookie, addresses, ports and the time.
 */
#define COOKIE_NATT	0x0020u
#define COOKIE_DPD	0x0010u
#define COOKIE_OFFER(top) ((top) >> 6)
#define COOKIE_MAC	0x0000ffffffffffffull

/* RFC 2408 §2.5.3: depends on the peer and on a secret of ours. */
static uint64_t
responder_cookie(const struct ike1 *e, const struct keying_path *path,
    uint64_t cookie_i, uint16_t top, const struct ike1_offer *o, uint64_t epoch)
{
	uint8_t		 text[8 + 2], mac[32];
	struct ike_chunk c[2] = { { text, sizeof(text) },
		{ o->digest, sizeof(o->digest) } };
	uint64_t	 cookie;

	store_u64(text, cookie_i);
	store_u16(text + 8, top);
	ike_cookie(&e->budget, epoch, path, c, 2, mac);
	cookie = (uint64_t)top << 48 | (load_u64(mac) & COOKIE_MAC);
	return cookie == 0 ? 1 : cookie;
}

void
admit_first(struct ike1 *e, uint64_t now, const struct keying_path *path,
    const struct isakmp_header *h, const uint8_t *buf, size_t len)
{
	const struct isakmp_part *part;
	struct isakmp_message	  m = { .h = *h };
	struct isakmp_header	  answer = { .cookie_i = h->cookie_i,
		.exchange = ISAKMP_MAIN_MODE };
	struct isakmp_builder	  b;
	struct ike1_offer	 *o;
	uint8_t			  out[1024];
	uint16_t		  top;
	bool			  natt, dpd;

	if (h->flags & ISAKMP_FLAG_ENCRYPTION || h->msgid != 0 ||
	    isakmp_split(&m, buf + ISAKMP_HEADER_LEN, len - ISAKMP_HEADER_LEN,
	    false) == -1 || isakmp_count(&m, ISAKMP_SA) != 1 ||
	    m.part[0].type != ISAKMP_SA) {
		e->count.malformed++;
		return;
	}
	part = &m.part[0];
	if ((o = offer_get(e, now, part->body, part->len)) == NULL) {
		ike_complain(&e->x, now, path,
		    "none of its Phase 1 proposals is allowed");
		if (ratelimit_pass(&e->x.complain, now))
			notify_plain(e, path, h->cookie_i, h->cookie_r,
			    ISAKMP_N_NO_PROPOSAL_CHOSEN, PROTO_ISAKMP, NULL, 0);
		return;
	}
	phase1_note_vendor_ids(e, &m, &natt, &dpd);
	top = (uint16_t)(o->index << 6 | (natt ? COOKIE_NATT : 0) |
	    (dpd ? COOKIE_DPD : 0));
	answer.cookie_r = responder_cookie(e, path, h->cookie_i, top, o,
	    now / IKE_COOKIE_EPOCH);
	/* No longer than what was asked, should its sender be forged. */
	isakmp_begin(&b, out, sizeof(out), &answer);
	isakmp_put(&b, ISAKMP_SA, o->answer, o->answer_len);
	phase1_put_vendor_ids(&b, natt, dpd);
	ike_send(&e->x, path, out, isakmp_end(&b));
}

void
admit_third(struct ike1 *e, uint64_t now, const struct keying_path *path,
    const struct isakmp_header *h, const uint8_t *buf, size_t len)
{
	const struct isakmp_part *ke, *n;
	struct isakmp_message m = { .h = *h };
	uint16_t	      top = (uint16_t)(h->cookie_r >> 48);
	struct ike1_offer     *o = offer_at(e, COOKIE_OFFER(top));
	uint64_t	      epoch = now / IKE_COOKIE_EPOCH;
	struct ike1_sa	     *sa;
	void		     *victim;

	if (o == NULL || h->msgid != 0 ||
	    (responder_cookie(e, path, h->cookie_i, top, o, epoch) !=
	    h->cookie_r && (epoch == 0 || responder_cookie(e, path,
	    h->cookie_i, top, o, epoch - 1) != h->cookie_r))) {
		e->count.unknown++;
		return;
	}
	/* Could it be what it must be?  Before anything is done for it. */
	if (isakmp_split(&m, buf + ISAKMP_HEADER_LEN, len - ISAKMP_HEADER_LEN,
	    false) == -1 || !message_find_ke(&m, o->suite.group, &ke, &n)) {
		e->count.malformed++;
		ike_complain(&e->x, now, path, "bad key exchange");
		return;
	}
	if (!ike_work_ready(&e->budget, now)) {
		ike_work_wait(&e->budget, now, path, buf, len);
		ike_timer(&e->x, ike_work_due(&e->budget));
		return;
	}
	if (!ike_half_room(&e->budget, path, &victim)) {
		e->count.half_open_refused++;
		return;
	}
	if (victim != NULL) {
		e->count.half_open_evicted++;
		ike1_sa_kill(victim, now);
	}
	if (e->nsas[false] >= e->c.sa_max)
		ending_evict(e, now);
	if ((sa = ike1_sa_new(e, now, path, false)) == NULL) {
		e->count.half_open_refused++;
		return;
	}
	sa->cookie_i = h->cookie_i;
	sa->cookie_r = h->cookie_r;
	ike1_sa_hash(sa);
	sa->suite = o->suite;
	sa->my_id = e->c.my_id;
	sa->natt = (top & COOKIE_NATT) != 0;
	sa->dpd = (top & COOKIE_DPD) != 0;
	sa->came = *path;
	sa->state = IKE1_MM_GOT_SA;
	sa->expires = now + IKE1_HALF_OPEN_TIME;
	ike_timer(&e->x, sa->expires);
	ike_half_add(&e->budget, &sa->half, path, true, sa);
	ike_keep(&sa->sai, &sa->sai_len, o->body, o->len);
	phase1_message(sa, now, h, buf, len);
	if (sa->state == IKE1_MM_GOT_SA) /* not even its keys were taken */
		ike1_sa_kill(sa, now);
}
