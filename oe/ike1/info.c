/* info.c - Informational exchanges that come, and dead peer detection */
#include "config.h"

#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "oe/ike1/begin.h"
#include "oe/ike1/info.h"
#include "oe/ike1/message.h"
#include "oe/ike1/msgid.h"
#include "oe/ike1/natt.h"
#include "oe/ike1/notify.h"
#include "oe/ike1/phase2.h"

#define DPD_TRIES	3
#define DPD_AGAIN	3000	/* milliseconds between unanswered R-U-THEREs */
#define PROBE_AGAIN	500 /* the same, while somebody waits for the answer */

/* Does anything hang on this peer being alive? */
static bool
peer_has_children(const struct ike1_sa *sa)
{
	const struct ike1_child *c;

	TAILQ_FOREACH(c, &sa->ike->children, entry) {
		if (c->announced && ike1_child_is_of(c, sa))
			return true;
	}
	return false;
}

void
info_dpd(struct ike1_sa *sa, uint64_t now)
{
	struct ike1 *e = sa->ike;
	uint64_t    idle = (uint64_t)e->c.dpd_delay * 1000;
	uint8_t	    seq[4];

	if (sa->probed_at != 0 && sa->heard >= sa->probed_at)
		sa->probed_at = 0;
	if (sa->probed_at == 0 && idle == 0) {
		sa->dpd_at = IKE_NEVER;
		return;
	}
	if (sa->probed_at == 0 && now < sa->heard + idle) {
		sa->dpd_tries = 0;
		sa->dpd_at = sa->heard + idle;
	} else if (!peer_has_children(sa)) {
		/* A Phase 1 SA kept for later may find out then. */
		sa->dpd_tries = 0;
		sa->probed_at = 0;
		sa->dpd_at = idle == 0 ? IKE_NEVER : now + idle;
	} else if (sa->dpd_tries == DPD_TRIES && sa->probed_at != 0) {
		begin_peer_silent(sa, now);
		return;
	} else if (sa->dpd_tries == DPD_TRIES) {
		log_info("IKE peer %s (%s) is dead: %u R-U-THEREs unanswered",
		    keying_id_text(&sa->peer_id), ADDR_TEXT(&sa->path.peer),
		    DPD_TRIES);
		begin_peer_dead(sa, now);
		return;
	} else {
		/* RFC 3706 §6.2: grows by one with each question. */
		if (sa->dpd_seq == 0)
			sa->dpd_seq = msgid_random() & 0x7fffffff;
		if (sa->dpd_tries++ == 0)
			sa->dpd_seq++;
		store_u32(seq, sa->dpd_seq);
		notify_send(sa, now, ISAKMP_N_R_U_THERE, PROTO_ISAKMP, NULL, 0,
		    seq, sizeof(seq));
		sa->dpd_at = now + (sa->probed_at != 0 ? PROBE_AGAIN :
		    DPD_AGAIN);
	}
	ike_timer(&e->x, sa->dpd_at);
}

void
info_probe(struct ike1_sa *sa, uint64_t now)
{
	if (sa->probed_at != 0)
		return;
	sa->probed_at = now;
	sa->dpd_tries = 0;
	info_dpd(sa, now);
}

/* A Phase 2 negotiation that the peer, authenticated, says no to. */
static void
info_phase2_refused(struct ike1_sa *sa, uint16_t type, const uint8_t *spi,
    size_t spi_len)
{
	struct ike1_child *c, *waiting = NULL;
	unsigned	  n = 0;

	TAILQ_FOREACH(c, &sa->ike->children, entry) {
		if (c->sa != sa || (c->state != IKE1_QM_SENT_1 &&
		    c->state != IKE1_QM_SENT_2))
			continue;
		if (spi_len == 4 && (load_u32(spi) == c->spi_in ||
		    load_u32(spi) == c->spi_out)) {
			waiting = c;
			n = 1;
			break;
		}
		waiting = c;
		n++;
	}
	/* Not every peer quotes our SPI; with several under way, time tells. */
	if (n != 1)
		return;
	ike1_child_failed(waiting, KEYING_CHILD_REFUSED,
	    isakmp_notify_text(type));
}

/* RFC 2408 §3.1: under the message id of the Quick Mode it ends. */
static void
info_connected(struct ike1_sa *sa, uint32_t msgid)
{
	struct ike1_child *c;

	TAILQ_FOREACH(c, &sa->ike->children, entry) {
		if (c->sa == sa && c->msgid == msgid &&
		    c->state == IKE1_QM_UP) {
			phase2_confirmed(c);
			return;
		}
	}
}

static void
info_got_notify(struct ike1_sa *sa, uint64_t now, uint32_t msgid,
    const struct isakmp_part *p)
{
	struct ike1  *e = sa->ike;
	struct notify n;
	uint32_t      seq;

	notify_read(&n, p);
	if (n.data.bad)
		return;
	switch (n.type) {
	case ISAKMP_N_INVALID_SPI:
		if (sa->state == IKE1_MM_UP && n.protocol == PROTO_ESP &&
		    n.spi_len == 4)
			e->x.ops->invalid_spi(e->x.arg, &sa->path.peer,
			    load_u32(n.spi), &sa->peer_id);
		return;
	case ISAKMP_N_INITIAL_CONTACT:
		if (sa->state == IKE1_MM_UP)
			ike1_peer_restarted(sa, now);
		return;
	case ISAKMP_N_R_U_THERE:
		notify_send(sa, now, ISAKMP_N_R_U_THERE_ACK, PROTO_ISAKMP,
		    NULL, 0, n.data.p, cursor_left(&n.data) > 4 ? 4 :
		    cursor_left(&n.data));
		return;
	case ISAKMP_N_R_U_THERE_ACK:
		seq = cursor_u32(&n.data);
		if (!n.data.bad && seq == sa->dpd_seq)
			sa->dpd_tries = 0;
		return;
	case ISAKMP_N_CONNECTED:
		info_connected(sa, msgid);
		return;
	}
	log_debug("%s about protocol %u from %s", isakmp_notify_text(n.type),
	    n.protocol, ADDR_TEXT(&sa->path.peer));
	if (n.type == 0 || n.type >= 16384)
		return;
	if (sa->state == IKE1_MM_UP)
		info_phase2_refused(sa, n.type, n.spi, n.spi_len);
	else
		sa->refused = n.type;
}

/* Draft -17 §3.4.2: a delete for our outbound SA takes the tunnel down, and is
 * answered by one; for a tunnel that is gone, nothing is said. */
static void
info_child_deleted(struct ike1_sa *sa, uint64_t now, uint32_t spi)
{
	struct ike1_child *c;

	TAILQ_FOREACH(c, &sa->ike->children, entry) {
		if (c->announced && c->spi_out == spi &&
		    ike1_child_is_of(c, sa))
			break;
	}
	if (c == NULL)
		return;
	notify_delete_child(sa, now, c->spi_in);
	ike1_child_gone(c, true);
}

static void
info_got_delete(struct ike1_sa *sa, uint64_t now, const struct isakmp_part *p)
{
	struct cursor  c;
	const uint8_t *spi;
	uint8_t	       protocol, size;
	unsigned       n;

	cursor_init(&c, p->body, p->len);
	cursor_u32(&c);
	protocol = cursor_u8(&c);
	size = cursor_u8(&c);
	n = cursor_u16(&c);
	for (; n > 0 && (spi = cursor_take(&c, size)) != NULL; n--) {
		if (protocol == PROTO_ESP && size == 4)
			info_child_deleted(sa, now, load_u32(spi));
		else if (protocol == PROTO_ISAKMP && size == 16 &&
		    load_u64(spi) == sa->cookie_i &&
		    load_u64(spi + 8) == sa->cookie_r) {
			ike1_sa_kill(sa, now);
			return;
		}
	}
}

/* A notify in the clear proves nothing: at most it explains a silence later. */
static void
info_plain(struct ike1_sa *sa, uint64_t now, const struct isakmp_header *h,
    const uint8_t *buf, size_t len)
{
	struct isakmp_message	  m = { .h = *h };
	const struct isakmp_part *p;
	struct notify		  n;

	if (sa->state == IKE1_MM_UP || isakmp_split(&m, buf + ISAKMP_HEADER_LEN,
	    len - ISAKMP_HEADER_LEN, false) == -1 ||
	    (p = isakmp_find(&m, ISAKMP_NOTIFICATION)) == NULL)
		return;
	notify_read(&n, p);
	if (sa->initiator && sa->refused == 0 && !n.data.bad && n.type != 0) {
		sa->refused = n.type;
		ike_complain(&sa->ike->x, now, &sa->path,
		    "it, or a forger, says that it refuses Phase 1");
	}
}

void
info_stray(struct ike1 *e, const struct keying_path *path,
    const struct isakmp_header *h, const uint8_t *buf, size_t len)
{
	struct isakmp_message	  m = { .h = *h };
	const struct isakmp_part *p;
	struct notify		  n;

	if ((h->flags & ISAKMP_FLAG_ENCRYPTION) ||
	    isakmp_split(&m, buf + ISAKMP_HEADER_LEN, len - ISAKMP_HEADER_LEN,
	    false) == -1 ||
	    (p = isakmp_find(&m, ISAKMP_NOTIFICATION)) == NULL)
		return;
	notify_read(&n, p);
	if (n.type == ISAKMP_N_INVALID_SPI && !n.data.bad &&
	    n.protocol == PROTO_ESP && n.spi_len == 4)
		e->x.ops->invalid_spi(e->x.arg, &path->peer, load_u32(n.spi),
		    NULL);
}

void
info_message(struct ike1_sa *sa, uint64_t now, const struct isakmp_header *h,
    const uint8_t *buf, size_t len)
{
	const struct message_hash k = { .step = 1, .msgid = h->msgid };
	struct isakmp_message	  m;
	uint8_t			  text[ISAKMP_MESSAGE_MAX], iv[IKE1_BLOCK_MAX];
	unsigned		  i;

	if (!(h->flags & ISAKMP_FLAG_ENCRYPTION)) {
		info_plain(sa, now, h, buf, len);
		return;
	}
	if (sa->k.len == 0 || h->msgid == 0 ||
	    message_iv(sa, h->msgid, iv) == -1)
		return;
	if (message_open_hashed(sa, iv, &k, h, buf, len, text, &m) == -1 ||
	    m.nparts < 2) {
		sa->ike->count.malformed++;
		return;
	}
	if (!msgid_use(sa, now, ISAKMP_INFORMATIONAL, h->msgid)) {
		sa->ike->count.replays++;
		return;
	}
	sa->heard = now;
	natt_moved(sa);
	for (i = 1; i < m.nparts && sa->state != IKE1_MM_DEAD; i++) {
		if (m.part[i].type == ISAKMP_NOTIFICATION)
			info_got_notify(sa, now, h->msgid, &m.part[i]);
		else if (m.part[i].type == ISAKMP_DELETE &&
		    sa->state == IKE1_MM_UP)
			info_got_delete(sa, now, &m.part[i]);
	}
}
