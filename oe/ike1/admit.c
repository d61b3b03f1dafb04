/* admit.c - strangers' messages 1 and 3: cookies without state, then limits (RFC 2408 §2.5.3) */
#include "config.h"

#include <string.h>

#include "base/util.h"
#include "oe/ike1/table.h"

/*
 * Nothing is kept of an exchange until message 3 shows that its sender
 * receives.  What message 1 said is found again: the SA payload, which HASH_I and
 * HASH_R cover, in a table of the different ones (offer.c), of which there are few; the
 * rest in the cookie itself,
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
#define COOKIE_EPOCH	30000	/* milliseconds; good in this one and the next */

/* RFC 2408 §2.5.3: depends on the peer and on a secret of ours. */
static uint64_t
responder_cookie(const struct ike1 *e, const struct keying_path *path,
    uint64_t cookie_i, uint16_t top, const struct ike1_offer *o, uint64_t epoch)
{
	uint8_t		 text[8 + 2 * sizeof(struct addr) + 2 + 2 + 2 + 8], out[IKE_HASH_MAX];
	struct ike_chunk c[2] = { { text, sizeof(text) },
		{ o->digest, sizeof(o->digest) } };
	struct writer	 w;
	uint64_t	 cookie;

	writer_init(&w, text, sizeof(text));
	writer_u64(&w, cookie_i);
	writer_put(&w, &path->local, sizeof(path->local));
	writer_put(&w, &path->peer, sizeof(path->peer));
	writer_u16(&w, path->local_port);
	writer_u16(&w, path->peer_port);
	writer_u16(&w, top);
	writer_u64(&w, epoch);
	if (ike_prf(IKE_SHA2_256, e->cookie_key, sizeof(e->cookie_key), c, 2,
	    out) == -1)
		random_bytes(out, 8);	/* then it fits nothing */
	cookie = (uint64_t)top << 48 | (load_u64(out) & COOKIE_MAC);
	return cookie == 0 ? 1 : cookie;
}

static void
phase1_refuse(struct ike1 *e, const struct keying_path *path,
    const struct isakmp_header *request, uint16_t type)
{
	struct isakmp_header h = { .cookie_i = request->cookie_i,
		.cookie_r = request->cookie_r,
		.exchange = ISAKMP_INFORMATIONAL, .msgid = ike1_msgid() };
	struct isakmp_builder b;
	uint8_t		      buf[128];
	size_t		      len;

	isakmp_begin(&b, buf, sizeof(buf), &h);
	isakmp_open(&b, ISAKMP_NOTIFICATION);
	writer_u32(&b.w, IPSEC_DOI);
	writer_u8(&b.w, PROTO_ISAKMP);
	writer_u8(&b.w, 0);
	writer_u16(&b.w, type);
	isakmp_close(&b);
	if ((len = isakmp_end(&b)) != 0)
		ike1_send_path(e, path, buf, len);
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
		ike1_complain(e, now, path, "none of its Phase 1 proposals is allowed");
		if (ratelimit_pass(&e->complain, now))
			phase1_refuse(e, path, h, ISAKMP_N_NO_PROPOSAL_CHOSEN);
		return;
	}
	phase1_note_vendor_ids(e, &m, &natt, &dpd);
	top = (uint16_t)(o->index << 6 | (natt ? COOKIE_NATT : 0) |
	    (dpd ? COOKIE_DPD : 0));
	answer.cookie_r = responder_cookie(e, path, h->cookie_i, top, o,
	    now / COOKIE_EPOCH);
	/* No longer than what was asked, should its sender be forged. */
	isakmp_begin(&b, out, sizeof(out), &answer);
	isakmp_put(&b, ISAKMP_SA, o->answer, o->answer_len);
	phase1_put_vendor_ids(&b, natt, dpd);
	ike1_send_path(e, path, out, isakmp_end(&b));
}

/* --- limits of those who have shown that they receive ----------------------------- */

enum { OF_PORT, OF_ADDRESS, OF_ALL, GROUPS };

/*
 * May one more be half-way in?  At each limit one of the same port, address or
 * of all, whichever chance names, makes room: who comes with many is hit most.
 */
static bool
half_open_room(struct ike1 *e, uint64_t now, const struct keying_path *path)
{
	const unsigned max[GROUPS] = { e->c.half_open_per_port,
		e->c.half_open_per_address, e->c.half_open_max };
	struct ike1_sa *sa, *victim[GROUPS] = { NULL };
	unsigned       n[GROUPS] = { 0 }, i;

	TAILQ_FOREACH(sa, &e->half, half_entry) {
		for (i = OF_ALL; ; i--) {
			if ((i == OF_ADDRESS && !addr_equal(&sa->path.peer, &path->peer)) ||
			    (i == OF_PORT && sa->path.peer_port !=
			    path->peer_port))
				break;
			if (random_uniform(++n[i]) == 0)
				victim[i] = sa;
			if (i == OF_PORT)
				break;
		}
	}
	for (i = OF_PORT; i < GROUPS; i++) {
		if (n[i] < max[i])
			continue;
		if (victim[i] == NULL)
			return false;
		e->count.half_open_evicted++;
		ike1_sa_kill(victim[i], now);
		return true;
	}
	return true;
}

/* Could message 3 be what it must be?  Looked at before anything is done for it. */
static bool
third_is_sane(const struct isakmp_message *m, const struct ike1_suite *suite)
{
	const struct isakmp_part *ke = isakmp_find(m, ISAKMP_KE);
	const struct isakmp_part *n = isakmp_find(m, ISAKMP_NONCE);

	return ke != NULL && n != NULL && isakmp_count(m, ISAKMP_KE) == 1 &&
	    isakmp_count(m, ISAKMP_NONCE) == 1 &&
	    ke->len == ike_group_len(suite->group) &&
	    n->len >= IKE1_NONCE_MIN && n->len <= IKE1_NONCE_MAX;
}

void
admit_third(struct ike1 *e, uint64_t now, const struct keying_path *path,
    const struct isakmp_header *h, const uint8_t *buf, size_t len)
{
	struct isakmp_message m = { .h = *h };
	uint16_t	      top = (uint16_t)(h->cookie_r >> 48);
	struct ike1_offer     *o = offer_at(e, COOKIE_OFFER(top));
	uint64_t	      epoch = now / COOKIE_EPOCH;
	struct ike1_sa	     *sa;

	if (o == NULL || h->msgid != 0 ||
	    (responder_cookie(e, path, h->cookie_i, top, o, epoch) !=
	    h->cookie_r && (epoch == 0 || responder_cookie(e, path,
	    h->cookie_i, top, o, epoch - 1) != h->cookie_r))) {
		e->count.unknown++;
		return;
	}
	if (isakmp_split(&m, buf + ISAKMP_HEADER_LEN, len - ISAKMP_HEADER_LEN,
	    false) == -1 || !third_is_sane(&m, &o->suite)) {
		e->count.malformed++;
		ike1_complain(e, now, path, "bad key exchange");
		return;
	}
	if (!work_ready(e, now)) {
		work_wait(e, now, path, buf, len);
		return;
	}
	if (!half_open_room(e, now, path) ||
	    (sa = ike1_sa_new(e, now, path, false)) == NULL) {
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
	ike1_timer(e, sa->expires);
	sa->half_open = true;
	e->half_open++;
	TAILQ_INSERT_TAIL(&e->half, sa, half_entry);
	ike1_remember(&sa->sai, &sa->sai_len, o->body, o->len);
	phase1_message(sa, now, h, buf, len);
	if (sa->state == IKE1_MM_GOT_SA)		/* not even its keys were taken */
		ike1_sa_kill(sa, now);
}
