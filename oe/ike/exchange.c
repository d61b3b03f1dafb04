/* exchange.c - what exchanges of either version need: sending, repeating, answering again, timers */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/log.h"
#include "base/util.h"
#include "oe/ike/door.h"
#include "oe/ike/exchange.h"
#include "oe/ike/prf.h"

#define RETRY_FIRST	500 /* milliseconds; doubled each time, but for ... */
#define RETRY_EVEN	4	/* ... the first: a loss is no jam yet */
#define RETRY_MOST	4000	/* a peer that comes back is met this soon */
#define GIVE_UP		20000

void
ike_exchanges_init(struct ike_exchanges *x, unsigned version,
    const struct keying_ops *ops, void *arg, unsigned give_up)
{
	memset(x, 0, sizeof(*x));
	x->ops = ops;
	x->arg = arg;
	x->give_up = give_up != 0 ? give_up : GIVE_UP;
	x->next = IKE_NEVER;
	x->next_token = DOOR_TOKEN(version);
	x->complain = (struct ratelimit)RATELIMIT_INIT(10, 1000);
}

void
ike_timer(struct ike_exchanges *x, uint64_t at)
{
	if (at < x->next)
		x->next = at;
}

uint64_t
ike_token(struct ike_exchanges *x)
{
	return ++x->next_token;
}

void
ike_complain(struct ike_exchanges *x, uint64_t now,
    const struct keying_path *path, const char *fmt, ...)
{
	char	 text[256];
	uint32_t missed;
	va_list	 ap;

	if (!ratelimit_pass(&x->complain, now))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	missed = ratelimit_take_missed(&x->complain);
	if (missed != 0)
		log_warn("IKE with %s: %s (and %u more messages not shown)",
		    ADDR_TEXT(&path->peer), text, missed);
	else
		log_warn("IKE with %s: %s", ADDR_TEXT(&path->peer), text);
}

bool
ike_is_marked(const struct keying_path *path)
{
	return path->local_port == KEYING_PORT_NATT ||
	    path->peer_port == KEYING_PORT_NATT;
}

void
ike_send(struct ike_exchanges *x, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	uint8_t marked[IKE_MARKER_LEN + IKE_MESSAGE_MAX];

	if (len > IKE_MESSAGE_MAX)
		return;
	if (!ike_is_marked(path)) {
		x->ops->send(x->arg, path, buf, len);
		return;
	}
	memset(marked, 0, IKE_MARKER_LEN);
	memcpy(marked + IKE_MARKER_LEN, buf, len);
	x->ops->send(x->arg, path, marked, IKE_MARKER_LEN + len);
}

const uint8_t *
ike_unmark(const struct keying_path *path, const uint8_t *buf, size_t *len)
{
	if (!ike_is_marked(path))
		return buf;
	if (*len == 1 && buf[0] == 0xff) {
		*len = 0;
		return NULL;
	}
	if (*len < IKE_MARKER_LEN || load_u32(buf) != 0)
		return NULL;
	*len -= IKE_MARKER_LEN;
	return buf + IKE_MARKER_LEN;
}

void
ike_keep(uint8_t **to, size_t *to_len, const uint8_t *buf, size_t len)
{
	wipe_free(*to, *to_len);
	*to = NULL;
	*to_len = 0;
	if (len == 0 || (*to = malloc(len)) == NULL)
		return;
	memcpy(*to, buf, len);
	*to_len = len;
}

/* --- repetition ----------------------------------------------------------- */

void
ike_retry_set(struct ike_exchanges *x, struct ike_retry *r, uint64_t now,
    const uint8_t *buf, size_t len)
{
	ike_keep(&r->buf, &r->len, buf, len);
	r->tries = 0;
	r->at = now + RETRY_FIRST;
	r->until = now + x->give_up;
	ike_timer(x, r->at);
}

void
ike_retry_clear(struct ike_retry *r)
{
	wipe_free(r->buf, r->len);
	memset(r, 0, sizeof(*r));
}

bool
ike_retry_again(struct ike_exchanges *x, struct ike_retry *r, uint64_t now)
{
	uint64_t wait;

	if (now >= r->until)
		return false;
	r->tries++;
	wait = (uint64_t)RETRY_FIRST << (r->tries < RETRY_EVEN ? 0 :
	    r->tries - RETRY_EVEN > 2 ? 3 : r->tries - RETRY_EVEN + 1);
	if (wait > RETRY_MOST)
		wait = RETRY_MOST;
	r->at = now + wait < r->until ? now + wait : r->until;
	ike_timer(x, r->at);
	x->retransmits++;
	return true;
}

/* --- requests that come again --------------------------------------------- */

void
ike_digest(const uint8_t *buf, size_t len, uint8_t out[32])
{
	struct ike_chunk c = { buf, len };

	if (ike_hash(IKE_SHA2_256, &c, 1, out) == -1)
		random_bytes(out, 32);
}

void
ike_answered_request(struct ike_answered *a, const uint8_t *buf, size_t len)
{
	ike_digest(buf, len, a->request);
	ike_keep(&a->buf, &a->len, NULL, 0);
}

void
ike_answered_with(struct ike_answered *a, const uint8_t *buf, size_t len)
{
	ike_keep(&a->buf, &a->len, buf, len);
}

bool
ike_answered_is(const struct ike_answered *a, const uint8_t *buf, size_t len)
{
	uint8_t digest[32];

	ike_digest(buf, len, digest);
	return memcmp(digest, a->request, sizeof(digest)) == 0;
}

void
ike_answered_clear(struct ike_answered *a)
{
	wipe_free(a->buf, a->len);
	memset(a, 0, sizeof(*a));
}
