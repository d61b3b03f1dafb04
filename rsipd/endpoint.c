/* endpoint.c - hosts that speak RSIP over UDP: message counters and the last answer */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/util.h"
#include "proto/rsip.h"
#include "rsipd/endpoint.h"

struct endpoints {
	struct endpoint *hash;
	/* Longest silent first; [1]: held. */
	TAILQ_HEAD(endpoint_list, endpoint) lru[2];
	size_t	 nfree, max;
	uint64_t seed;
};

struct endpoints *
endpoints_new(size_t max)
{
	struct endpoints *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	TAILQ_INIT(&t->lru[0]);
	TAILQ_INIT(&t->lru[1]);
	t->max = max;
	random_bytes(&t->seed, sizeof(t->seed));
	return t;
}

void
endpoints_set_max(struct endpoints *t, size_t max)
{
	t->max = max;
}

static void
endpoint_free(struct endpoints *t, struct endpoint *e)
{
	/* NOLINTNEXTLINE: what is in the list is in the hash table */
	HASH_DEL(t->hash, e);
	TAILQ_REMOVE(&t->lru[e->held], e, lru);
	t->nfree -= !e->held;
	free(e->answer);
	free(e);
}

void
endpoints_free(struct endpoints *t)
{
	unsigned i;

	if (t == NULL)
		return;
	for (i = 0; i < 2; i++) {
		while (!TAILQ_EMPTY(&t->lru[i]))
			endpoint_free(t, TAILQ_FIRST(&t->lru[i]));
	}
	free(t);
}

static struct endpoint_key
make_key(const struct addr *addr, uint16_t port)
{
	struct endpoint_key key = { .addr = *addr };

	store_u16(key.port, port);
	return key;
}

struct endpoint *
endpoints_find(struct endpoints *t, const struct addr *addr, uint16_t port)
{
	struct endpoint_key key = make_key(addr, port);
	struct endpoint	   *e;

	HASH_FIND(hh, t->hash, &key, sizeof(key), e);
	return e;
}

/* A host that speaks from ever new ports displaces itself, not others. */
static void
make_room(struct endpoints *t, const struct addr *addr)
{
	struct endpoint *e, *oldest = NULL;
	size_t		 n = 0;

	TAILQ_FOREACH(e, &t->lru[0], lru) {
		if (!addr_equal(&e->key.addr, addr))
			continue;
		if (oldest == NULL)
			oldest = e;
		if (++n == ENDPOINTS_PER_HOST) {
			endpoint_free(t, oldest);
			return;
		}
	}
	while (t->nfree >= t->max && t->nfree > 0)
		endpoint_free(t, TAILQ_FIRST(&t->lru[0]));
}

void
endpoints_hold(struct endpoints *t, struct endpoint *e, bool held)
{
	if (e->held == held)
		return;
	TAILQ_REMOVE(&t->lru[e->held], e, lru);
	e->held = held;
	TAILQ_INSERT_TAIL(&t->lru[held], e, lru);
	if (held)
		t->nfree--;
	else
		t->nfree++;
}

struct endpoint *
endpoints_get(struct endpoints *t, uint64_t now, const struct addr *addr,
    uint16_t port)
{
	struct endpoint *e = endpoints_find(t, addr, port);

	if (e == NULL) {
		make_room(t, addr);
		if ((e = calloc(1, sizeof(*e))) == NULL)
			return NULL;
		e->key = make_key(addr, port);
		e->port = port;
		HASH_ADD(hh, t->hash, key, sizeof(e->key), e);
		t->nfree++;
	} else
		TAILQ_REMOVE(&t->lru[e->held], e, lru);
	TAILQ_INSERT_TAIL(&t->lru[e->held], e, lru);
	e->used = now;
	return e;
}

void
endpoints_expire(struct endpoints *t, uint64_t now, uint64_t idle,
    bool (*keep)(void *arg, const struct endpoint *e), void *arg)
{
	struct endpoint *e, *next;
	unsigned	 i;

	for (i = 0; i < 2; i++) {
		for (e = TAILQ_FIRST(&t->lru[i]); e != NULL &&
		    e->used + idle <= now; e = next) {
			next = TAILQ_NEXT(e, lru);
			if (!e->held || !keep(arg, e))
				endpoint_free(t, e);
		}
	}
}

uint64_t
endpoints_next(const struct endpoints *t, uint64_t idle)
{
	const struct endpoint *e = TAILQ_FIRST(&t->lru[0]);

	return e == NULL ? UINT64_MAX : e->used + idle;
}

size_t
endpoints_count(const struct endpoints *t)
{
	return HASH_COUNT(t->hash);
}

/* The message counter, wherever it stands; 0 if there is none. */
static uint32_t
find_counter(const uint8_t *msg, size_t len)
{
	struct cursor c;
	uint8_t	      type;
	uint16_t      n;

	cursor_init(&c, msg, len);
	cursor_u32(&c);
	while (!c.bad && cursor_left(&c) > 0) {
		type = cursor_u8(&c);
		n = cursor_u16(&c);
		if (type == RSIP_PARAM_MESSAGE_COUNTER && n == 4)
			return cursor_u32(&c);
		cursor_take(&c, n);
	}
	return 0;
}

static uint64_t
rotate(uint64_t v)
{
	return v << 31 | v >> 33;
}

/* Tells copies from other messages; an accident costs one lost request. */
static uint64_t
digest(uint64_t seed, const uint8_t *msg, size_t len)
{
	uint64_t h = seed ^ len;
	size_t	 i;

	for (i = 0; i + 8 <= len; i += 8)
		h = rotate((h ^ load_u64(msg + i)) * 0xff51afd7ed558ccdu);
	for (; i < len; i++)
		h = (h ^ msg[i]) * 0x100000001b3u;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
	return (h ^ h >> 33) | 1;
}

/* Is a later than b, in a space that goes from 2^32 - 1 to 1 (§10.1)? */
static bool
is_later(uint32_t a, uint32_t b)
{
	return a != b && (a > b ? a - b : UINT32_MAX - b + a) < UINT32_MAX / 2;
}

enum endpoint_action
endpoint_arrived(struct endpoints *t, struct endpoint *e, const uint8_t *msg,
    size_t len)
{
	uint32_t counter = find_counter(msg, len);
	uint64_t request = digest(t->seed, msg, len);
	uint8_t	 type = len > 1 ? msg[1] : 0;

	/* Without a counter it is an error each time it comes. */
	if (counter == 0)
		return e->waiting ? ENDPOINT_IGNORE : ENDPOINT_SERVE;
	if (request == e->request) {
		return e->waiting || e->len == 0 ? ENDPOINT_IGNORE :
		    ENDPOINT_REPEAT;
	}
	if (e->waiting)
		return ENDPOINT_IGNORE;
	/*
	 * A copy that wandered must not be served again after its successors.
	 * A host that has rebooted begins anew, with the two messages that do
	 * no harm when they are served twice; the count begins anew only when a
	 * registration does.
	 */
	if (type != RSIP_REGISTER_REQUEST && type != RSIP_DEREGISTER_REQUEST &&
	    e->begun && !is_later(counter, e->floor))
		return ENDPOINT_IGNORE;
	e->request = request;
	e->counter = counter;
	return ENDPOINT_SERVE;
}

void
endpoint_answered(struct endpoint *e, const uint8_t *answer, size_t len)
{
	e->waiting = false;
	/* Of an error nobody knows whether the host
	 * itself has sent the request.  What was sent
	 * under another client ID is refused for that. */
	if (len > 0 && !(len > 1 && answer[1] == RSIP_ERROR_RESPONSE)) {
		e->floor = e->counter;
		e->begun = true;
	}
	if (len > e->cap) {
		free(e->answer);
		e->answer = malloc(len);
		e->cap = e->answer == NULL ? 0 : len;
	}
	e->len = 0;
	if (len > e->cap || len == 0)
		return;
	memcpy(e->answer, answer, len);
	e->len = len;
}

void
endpoint_waits(struct endpoint *e)
{
	e->waiting = true;
	e->len = 0;
}
