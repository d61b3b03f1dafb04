/* window.c - requests and answers that go out: Message IDs, repeats, fragments (RFC 7296 §2.1-§2.3, RFC 7383) */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "oe/ike2/notify.h"
#include "oe/ike2/window.h"

#define UDP_LEN		8
#define SMALL_DATAGRAM	576	/* what passes everywhere (RFC 7383 §2.5.1) */
#define COARSE_TRIES	2	/* with datagram_max, then smaller ones */

static void
send_packets(struct ike2_sa *sa, const struct ike2_packets *p)
{
	const uint8_t *at = p->buf;
	unsigned       i;

	for (i = 0; i < p->n; i++) {
		ike_send(&sa->ike->x, &sa->path, at, p->len[i]);
		at += p->len[i];
	}
}

void
ike2_inner_begin(struct ike2_sa *sa, struct ike2_builder *b)
{
	ike2_chain_begin(b, sa->ike->inner, sizeof(sa->ike->inner));
}

/* Octets of a message that fit into a datagram. */
static size_t
message_size(const struct ike2_sa *sa, size_t datagram)
{
	size_t ip = sa->path.peer.family == AF_INET6 ? 40 : 20;

	return datagram - ip - UDP_LEN -
	    (ike_is_marked(&sa->path) ? IKE_MARKER_LEN : 0);
}

static int
seal(struct ike2_sa *sa, struct ike2_packets *out, uint8_t exchange,
    uint32_t msgid, bool answer, uint8_t first, const uint8_t *inner,
    size_t len, size_t datagram)
{
	struct ike2_header h = {
		.spi_i = sa->initiator ? sa->spi : sa->peer_spi,
		.spi_r = sa->initiator ? sa->peer_spi : sa->spi,
		.exchange = exchange,
		.flags = (uint8_t)((sa->initiator ? IKE2_FLAG_INITIATOR : 0) |
		    (answer ? IKE2_FLAG_RESPONSE : 0)),
		.msgid = msgid,
	};

	return ike2_packets_seal(out, sa->initiator ? &sa->keys.i :
	    &sa->keys.r, &h, first, inner, len, message_size(sa, datagram),
	    sa->fragments);
}

/* How long to wait for an answer to the n-th sending. */
static uint64_t
retry_wait(const struct ike2_sa *sa)
{
	uint64_t ms = IKE2_RETRY_FIRST;
	unsigned n;

	if (sa->state == IKE2_UP && sa->probe_asked)
		return IKE2_PROBE_EVERY;
	for (n = 2; n < sa->out.tries && ms < IKE2_RETRY_MOST; n++)
		ms *= 2;
	return ms;
}

static void
await_answer(struct ike2_sa *sa, uint64_t now)
{
	struct ike2_request *r = &sa->out;

	r->tries = 1;
	r->at = now + retry_wait(sa);
	r->until = now + sa->ike->x.give_up;
	if (r->job == IKE2_JOB_PROBE && sa->probe_asked)
		r->until = now + IKE2_PROBE_TRIES * IKE2_PROBE_EVERY;
	if (sa->state == IKE2_INIT_SENT || sa->state == IKE2_AUTH_SENT)
		r->until = sa->expires;
	ike_timer(&sa->ike->x, r->at);
	send_packets(sa, &r->packets);
}

int
ike2_request_send(struct ike2_sa *sa, uint64_t now, enum ike2_job job,
    uint8_t exchange, struct ike2_child *child, struct ike2_builder *b)
{
	struct ike2_request *r = &sa->out;

	if (b->w.bad || r->job != IKE2_JOB_NONE ||
	    seal(sa, &r->packets, exchange, sa->out_next, false, b->first,
	    b->w.base, b->w.len, sa->ike->c.datagram_max) == -1)
		return -1;
	r->job = job;
	r->exchange = exchange;
	r->msgid = sa->out_next++;
	r->child = child;
	/* What is in datagrams that a path may not take is cut finer later. */
	if (sa->fragments && r->packets.len[0] > message_size(sa,
	    SMALL_DATAGRAM) && (r->inner = malloc(b->w.len)) != NULL) {
		memcpy(r->inner, b->w.base, b->w.len);
		r->inner_len = b->w.len;
		r->first = b->first;
	}
	await_answer(sa, now);
	return 0;
}

int
ike2_request_clear(struct ike2_sa *sa, uint64_t now, const uint8_t *buf,
    size_t len)
{
	ike2_request_done(sa);
	if (ike2_packets_set(&sa->out.packets, buf, len) == -1)
		return -1;
	sa->out.job = IKE2_JOB_INIT;
	sa->out.exchange = IKE2_SA_INIT;
	await_answer(sa, now);
	return 0;
}

void
ike2_request_done(struct ike2_sa *sa)
{
	ike2_packets_free(&sa->out.packets);
	wipe_free(sa->out.inner, sa->out.inner_len);
	memset(&sa->out, 0, sizeof(sa->out));
	ike2_reassembly_clear(&sa->out_parts);
}

int
ike2_answer_seal(struct ike2_sa *sa, uint8_t exchange, struct ike2_builder *b)
{
	ike2_packets_free(&sa->answer);
	return b->w.bad ? -1 : seal(sa, &sa->answer, exchange, sa->in_next,
	    true, b->first, b->w.base, b->w.len, sa->ike->c.datagram_max);
}

void
ike2_answer_flush(struct ike2_sa *sa, uint64_t now)
{
	/* Answered or not, the next request has the next number. */
	sa->in_next++;
	sa->in_busy = false;
	ike_timer(&sa->ike->x, now);
	send_packets(sa, &sa->answer);
}

int
ike2_answer_send(struct ike2_sa *sa, uint64_t now, uint8_t exchange,
    struct ike2_builder *b)
{
	int rc = ike2_answer_seal(sa, exchange, b);

	ike2_answer_flush(sa, now);
	return rc;
}

void
ike2_answer_error(struct ike2_sa *sa, uint64_t now, uint8_t exchange,
    uint16_t type)
{
	struct ike2_builder b;

	ike2_inner_begin(sa, &b);
	ike2_notify_put(&b, type, NULL, 0);
	ike2_answer_send(sa, now, exchange, &b);
}

void
ike2_create_refuse(struct ike2_sa *sa, uint64_t now, uint16_t type,
    uint16_t group)
{
	struct ike2_builder b;
	uint8_t		    data[2];

	store_u16(data, group);
	ike2_inner_begin(sa, &b);
	ike2_notify_put(&b, type, data,
	    type == IKE2_N_INVALID_KE_PAYLOAD ? 2 : 0);
	ike2_answer_send(sa, now, IKE2_CREATE_CHILD_SA, &b);
}

/* --- repeats --- */

void
ike2_request_hurry(struct ike2_sa *sa, uint64_t now)
{
	struct ike2_request *r = &sa->out;
	/* A new child may have to be looked up by its responder. */
	uint64_t most = r->job == IKE2_JOB_CHILD ? IKE2_ASK_TIME :
	    IKE2_PROBE_TRIES * IKE2_PROBE_EVERY;

	r->at = now;
	ike_timer(&sa->ike->x, now);
	if (sa->state != IKE2_UP || sa->probe_asked)
		return;
	sa->probe_asked = true;
	if (r->until > now + most)
		r->until = now + most;
}

/* The same content in smaller datagrams: the larger ones may not arrive. */
static void
cut_finer(struct ike2_sa *sa)
{
	struct ike2_request *r = &sa->out;
	struct ike2_packets  finer;

	if (r->inner == NULL || r->tries != COARSE_TRIES)
		return;
	if (seal(sa, &finer, r->exchange, r->msgid, false, r->first, r->inner,
	    r->inner_len, SMALL_DATAGRAM) == -1)
		return;
	/* RFC 7383 §2.5.2: a receiver tells the cuts apart by their number. */
	if (finer.n <= r->packets.n) {
		ike2_packets_free(&finer);
		return;
	}
	ike2_packets_free(&r->packets);
	r->packets = finer;
}

void
ike2_request_repeat(struct ike2_sa *sa, uint64_t now)
{
	cut_finer(sa);
	sa->out.tries++;
	sa->out.at = now + retry_wait(sa);
	sa->ike->count.retransmits++;
	send_packets(sa, &sa->out.packets);
}

void
ike2_answer_repeat(struct ike2_sa *sa)
{
	send_packets(sa, &sa->answer);
}
