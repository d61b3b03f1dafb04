/* gateway_held.c - answers wait until the store has written what they promise; where it cannot, it is taken back */
#include "config.h"

#include <string.h>

#include "rsipd/gateway_internal.h"

/* Bytes of nearly every answer: room for these is used again, as thousands wait
 * at once where many requests are under way. */
#define SPARE_LEN	256

static struct gateway_held *
take_room(struct gateway *g, size_t len)
{
	struct gateway_held *h = TAILQ_FIRST(&g->spare);

	if (len > SPARE_LEN || h == NULL)
		return malloc(sizeof(*h) + (len > SPARE_LEN ? len :
		    SPARE_LEN));
	TAILQ_REMOVE(&g->spare, h, entry);
	return h;
}

int
gateway_hold(struct gateway *g, const struct gateway_request *r,
    const uint8_t *answer, size_t len)
{
	struct gateway_held *h = take_room(g, len);

	/* The host asks again, and is answered from what stands then. */
	if (h == NULL)
		return -1;
	*h = (struct gateway_held){ .peer = *r->peer,
		.asked = gateway_asked(r->in), .unsafe = g->tables.unsafe,
		.batch = g->tables.batch ? g->batch_open : g->batch_open - 1,
		.authentic = r->authentic, .len = len };
	memcpy(h->answer, answer, len);
	TAILQ_INSERT_TAIL(&g->held, h, entry);
	g->nheld++;
	g->held_bytes += len;
	g->nopen++;
	g->open_bytes += len;
	return 0;
}

static void
remove_held(struct gateway *g, struct gateway_held *h)
{
	TAILQ_REMOVE(&g->held, h, entry);
	g->nheld--;
	g->held_bytes -= h->len;
	if (h->len > SPARE_LEN)
		free(h);
	else
		TAILQ_INSERT_HEAD(&g->spare, h, entry);
}

void
gateway_held_free(struct gateway *g)
{
	struct gateway_held *h;

	while (!TAILQ_EMPTY(&g->held))
		remove_held(g, TAILQ_FIRST(&g->held));
	while ((h = TAILQ_FIRST(&g->spare)) != NULL) {
		TAILQ_REMOVE(&g->spare, h, entry);
		free(h);
	}
}

/* The host never heard of it; but its resources
 * rest, as the demultiplexer had them. */
static void
take_back(struct gateway *g, uint64_t now, const struct gateway_held *h)
{
	struct lease_client  *c = leases_client(g->leases, &h->peer.host);
	struct lease_binding *b;

	if (h->unsafe.bind_id == 0 || c == NULL ||
	    c->client_id != h->asked.client_id)
		return;
	b = leases_binding(g->leases, c, h->unsafe.bind_id);
	if (b == NULL)
		return;
	/* What the store has of it nobody knows. */
	b->kept = 0;
	if (h->unsafe.before != 0)
		leases_extend(g->leases, b, h->unsafe.before);
	else
		gateway_unbind(g, now, b);
}

/* Instead of the answer, which was counted as such. */
static void
send_error(struct gateway *g, const struct gateway_held *h)
{
	int len;

	gateway_error(&g->out, RSIP_INTERNAL_SERVER_ERROR, &h->asked);
	g->counts.errors[RSIP_INTERNAL_SERVER_ERROR]++;
	len = gateway_encode_answer(g, &h->peer.host, h->authentic, &g->out,
	    g->buffer);
	if (len > 0)
		g->ops->send(g->arg, &h->peer, true, g->buffer, (size_t)len);
}

/* Answers that wait for batches up to last leave. */
static void
release_answers(struct gateway *g, uint64_t now, uint64_t last, bool written)
{
	struct gateway_held *h;

	g->batch_done = last;
	/* The newest first: one binding may have been prolonged twice. */
	if (!written) {
		TAILQ_FOREACH_REVERSE(h, &g->held, gateway_holding, entry) {
			if (h->batch <= last)
				take_back(g, now, h);
		}
		gateway_set_alarm(g);
	}
	while ((h = TAILQ_FIRST(&g->held)) != NULL && h->batch <= last) {
		if (written || h->unsafe.bind_id == 0)
			g->ops->send(g->arg, &h->peer, true, h->answer, h->len);
		else
			send_error(g, h);
		remove_held(g, h);
	}
}

void
gateway_commit(struct gateway *g, uint64_t now)
{
	int rc;

	if (!g->tables.batch)
		return;
	rc = g->tables.store->commit(g->tables.store->arg);
	g->tables.batch = false;
	g->batch_open++;
	g->nopen = g->open_bytes = 0;
	if (rc != 1)
		release_answers(g, now, g->batch_open - 1, rc == 0);
}

void
gateway_written(struct gateway *g, uint64_t now, bool written)
{
	if (g->batch_done + 1 < g->batch_open)
		release_answers(g, now, g->batch_done + 1, written);
}

void
gateway_lost(struct gateway *g, uint64_t now)
{
	if (g->batch_done + 1 < g->batch_open)
		release_answers(g, now, g->batch_open - 1, false);
}

size_t
gateway_held(const struct gateway *g)
{
	return g->nheld;
}
