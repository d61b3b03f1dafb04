/* admit.c - message 1 from strangers: half-open limits, cookies, the choice of a proposal (RFC 2408 §2.5.3) */
#include "config.h"

#include <string.h>

#include "base/util.h"
#include "oe/ike/sa.h"

static unsigned
half_open_of(const struct ike *e, uint32_t peer)
{
	const struct ike_sa *sa;
	unsigned	     n = 0;

	TAILQ_FOREACH(sa, &e->half, half_entry)
		n += sa->path.peer == peer;
	return n;
}

/* The oldest that did not even answer our first message, of one source or of all. */
static struct ike_sa *
half_open_idle(const struct ike *e, const uint32_t *peer)
{
	struct ike_sa *sa;

	TAILQ_FOREACH(sa, &e->half, half_entry) {
		if (sa->state == IKE_MM_GOT_SA &&
		    (peer == NULL || sa->path.peer == *peer))
			return sa;
	}
	return NULL;
}

/*
 * May one more stranger be half-way in?  At either limit the oldest idle one
 * makes room: a flood, be it from forged sources or under the name of an
 * honest one, then cannot lock out a peer that answers within the time the
 * flood takes to go round.  Those that have answered are refused more.
 */
static bool
half_open_room(struct ike *e, uint64_t now, uint32_t peer)
{
	struct ike_sa *idle;

	if (half_open_of(e, peer) >= e->c.half_open_per_source) {
		if ((idle = half_open_idle(e, &peer)) == NULL)
			return false;
		ike_sa_kill(idle, now);
	}
	if (e->half_open >= e->c.half_open_max) {
		if ((idle = half_open_idle(e, NULL)) == NULL)
			return false;
		ike_sa_kill(idle, now);
	}
	return true;
}

/* RFC 2408 §2.5.3: depends on the peer and on a secret of ours. */
static uint64_t
responder_cookie(const struct ike *e, const struct ike_sa *sa, uint64_t now)
{
	uint8_t		 out[IKE_HASH_MAX];
	struct ike_chunk c[3] = { { &sa->cookie_i, 8 },
		{ &sa->path, sizeof(sa->path) }, { &now, sizeof(now) } };
	uint64_t	 cookie;

	if (ike_prf(IKE_SHA2_256, e->cookie_key, sizeof(e->cookie_key), c, 3,
	    out) == -1)
		random_bytes(out, 8);
	cookie = load_u64(out);
	return cookie == 0 ? 1 : cookie;
}

static void
phase1_refuse(struct ike *e, const struct keying_path *path,
    const struct isakmp_header *request, uint16_t type)
{
	struct isakmp_header h = { .cookie_i = request->cookie_i,
		.cookie_r = request->cookie_r,
		.exchange = ISAKMP_INFORMATIONAL, .msgid = ike_msgid() };
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
		ike_send_path(e, path, buf, len);
}

void
phase1_respond(struct ike *e, uint64_t now, const struct keying_path *path,
    const struct isakmp_header *h, const uint8_t *buf, size_t len)
{
	const struct isakmp_part *part;
	struct isakmp_message	  m = { .h = *h };
	struct isakmp_header	  answer;
	struct isakmp_builder	  b;
	struct ike_suite	  suite;
	struct ike_sa		 *sa;
	struct writer		  w;
	uint8_t			  body[512], out[1024];

	if (h->flags & ISAKMP_FLAG_ENCRYPTION || h->msgid != 0 ||
	    isakmp_split(&m, buf + ISAKMP_HEADER_LEN, len - ISAKMP_HEADER_LEN,
	    false) == -1 || isakmp_count(&m, ISAKMP_SA) != 1 ||
	    m.part[0].type != ISAKMP_SA) {
		e->count.malformed++;
		return;
	}
	part = &m.part[0];
	writer_init(&w, body, sizeof(body));
	if (proposal_choose_phase1(part->body, part->len,
	    1u << IKE_PRESHARED | (e->c.key != NULL ? 1u << IKE_RSA_SIG : 0),
	    e->c.legacy, &suite, &w) == -1) {
		ike_complain(e, now, path, "none of its Phase 1 proposals is allowed");
		if (ratelimit_pass(&e->complain, now))
			phase1_refuse(e, path, h, ISAKMP_N_NO_PROPOSAL_CHOSEN);
		return;
	}
	if (!half_open_room(e, now, path->peer) ||
	    (sa = ike_sa_new(e, now, path, false)) == NULL) {
		e->count.half_open_refused++;
		return;
	}
	sa->cookie_i = h->cookie_i;
	sa->cookie_r = responder_cookie(e, sa, now);
	ike_sa_hash(sa);
	sa->suite = suite;
	sa->my_id = e->c.my_id;
	sa->state = IKE_MM_GOT_SA;
	sa->expires = now + IKE_HALF_OPEN_TIME;
	ike_timer(e, sa->expires);
	sa->half_open = true;
	e->half_open++;
	TAILQ_INSERT_TAIL(&e->half, sa, half_entry);
	ike_remember(&sa->sai, &sa->sai_len, part->body, part->len);
	phase1_note_vendor_ids(sa, &m);

	answer = phase1_header(sa, false);
	isakmp_begin(&b, out, sizeof(out), &answer);
	isakmp_put(&b, ISAKMP_SA, body, w.len);
	phase1_put_vendor_ids(sa, &b);
	phase1_send(sa, now, out, isakmp_end(&b), buf, len);
}
