/* reassemble.c - fragments that a host sends through its tunnel made whole, so that its datagrams are judged whole */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/cursor.h"
#include "base/util.h"
#include "nat/reassemble.h"

#define HEADER_MAX	60
#define BLOCK		8		/* RFC 791: offsets count these */
#define BLOCKS		(65536 / BLOCK)

struct datagram {
	TAILQ_ENTRY(datagram) next;
	uint64_t since;
	struct addr host, src, dst;
	uint32_t id;
	uint8_t	 protocol;
	uint8_t	 ecn;			/* a bit for each code point seen */
	size_t	 hlen;			/* 0: the first one is missing */
	size_t	 end;			/* of the data; 0: the last one is
					 * missing */
	size_t	 have, cap;		/* bytes there are, and room for */
	uint8_t *data;			/* HEADER_MAX bytes for the header, then
					 * data */
	uint8_t	 seen[BLOCKS / 8];
};
TAILQ_HEAD(datagrams, datagram);

struct reassemble {
	struct datagrams list;		/* the oldest first */
	unsigned n;
	struct datagram *whole;		/* the one that was returned last */
};

static void
datagram_free(struct datagram *g)
{
	if (g == NULL)
		return;
	free(g->data);
	free(g);
}

struct reassemble *
reassemble_new(void)
{
	struct reassemble *r = calloc(1, sizeof(*r));

	if (r != NULL)
		TAILQ_INIT(&r->list);
	return r;
}

static void
end_datagram(struct reassemble *r, struct datagram *g)
{
	TAILQ_REMOVE(&r->list, g, next);
	r->n--;
	datagram_free(g);
}

void
reassemble_free(struct reassemble *r)
{
	struct datagram *g;

	if (r == NULL)
		return;
	while ((g = TAILQ_FIRST(&r->list)) != NULL)
		end_datagram(r, g);
	datagram_free(r->whole);
	free(r);
}

static void
expire(struct reassemble *r, uint64_t now)
{
	struct datagram *g;

	while ((g = TAILQ_FIRST(&r->list)) != NULL &&
	    now - g->since >= REASSEMBLE_TIME)
		end_datagram(r, g);
}

/* The datagram that a fragment is of, known or new; NULL: no memory. */
static struct datagram *
get_datagram(struct reassemble *r, uint64_t now, const struct addr *host,
    const struct packet_view *p)
{
	struct datagram *g, *oldest = NULL;
	unsigned	 of_host = 0;

	TAILQ_FOREACH(g, &r->list, next)
	{
		if (!addr_equal(&g->host, host))
			continue;
		if (addr_equal(&g->src, &p->src) &&
		    addr_equal(&g->dst, &p->dst) &&
		    g->id == p->id && g->protocol == p->protocol)
			return g;
		if (of_host++ == 0)
			oldest = g;
	}
	/* A host that sends beginnings only loses its own. */
	if (of_host >= REASSEMBLE_PER_HOST)
		end_datagram(r, oldest);
	else if (r->n >= REASSEMBLE_MAX)
		end_datagram(r, TAILQ_FIRST(&r->list));
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return NULL;
	g->since = now;
	g->host = *host;
	g->src = p->src;
	g->dst = p->dst;
	g->id = p->id;
	g->protocol = p->protocol;
	TAILQ_INSERT_TAIL(&r->list, g, next);
	r->n++;
	return g;
}

static bool
make_room(struct datagram *g, size_t end)
{
	size_t	 cap = g->cap == 0 ? 2048 : g->cap;
	uint8_t *data;

	if (end <= g->cap)
		return true;
	while (cap < end)
		cap *= 2;
	data = realloc(g->data, HEADER_MAX + cap);
	if (data == NULL)
		return false;
	g->data = data;
	g->cap = cap;
	return true;
}

/*
 * Are the bytes from..end new?  1: all; 0: all are there already and the same
 * (a duplicate); -1: neither.
 */
static int
is_new(const struct datagram *g, size_t from, size_t end, const uint8_t *data)
{
	size_t known = 0, n = 0;

	for (size_t b = from / BLOCK; b * BLOCK < end; b++, n++) {
		if ((g->seen[b / 8] & 1u << b % 8) != 0)
			known++;
	}
	if (known == 0)
		return 1;
	if (known < n || memcmp(g->data + HEADER_MAX + from, data, end - from)
	    != 0)
		return -1;
	return 0;
}

/* False if the fragment contradicts the others. */
static bool
add_data(struct datagram *g, const struct packet_view *p)
{
	const uint8_t *data = p->data + p->header;
	size_t	       n = p->len - p->header, end = p->frag + n;

	if (n == 0 || (p->more && n % BLOCK != 0) ||
	    n > REASSEMBLE_BYTES || end > REASSEMBLE_BYTES - p->header ||
	    (g->end != 0 && (end > g->end || (!p->more && end != g->end))))
		return false;
	if (!make_room(g, end))
		return false;
	switch (is_new(g, p->frag, end, data)) {
	case 0:
		return true;
	case -1:
		return false;
	default:
		break;
	}
	if (g->data == NULL)
		return false;
	if (!p->more) {
		/* Nothing may lie behind the end already. */
		for (size_t b = (end + BLOCK - 1) / BLOCK; b < BLOCKS; b++) {
			if ((g->seen[b / 8] & 1u << b % 8) != 0)
				return false;
		}
		g->end = end;
	}
	memcpy(g->data + HEADER_MAX + p->frag, data, n);
	for (size_t b = p->frag / BLOCK; b * BLOCK < end; b++)
		g->seen[b / 8] |= (uint8_t)(1u << b % 8);
	g->have += n;
	g->ecn |= (uint8_t)(1u << (p->tos & IP_ECN_MASK));
	if (p->frag == 0) {
		g->hlen = p->header;
		memcpy(g->data + HEADER_MAX - p->header, p->data, p->header);
	}
	return true;
}

/* Makes the header that of a whole packet; false if it cannot be one. */
static bool
finish(struct datagram *g, size_t *len)
{
	uint8_t *h = g->data + HEADER_MAX - g->hlen;
	uint8_t	 tos = h[1];

	*len = g->hlen + g->end;
	if (*len > REASSEMBLE_BYTES)
		return false;
	if ((g->ecn & 1u << IP_ECN_CE) != 0) {
		if ((g->ecn & 1u) != 0)
			return false;
		tos |= IP_ECN_CE;
	}
	h[1] = tos;
	store_u16(h + 2, (uint16_t)*len);
	store_u16(h + 6, 0);
	store_u16(h + 10, 0);
	store_u16(h + 10, checksum_fold(checksum_add(0, h, g->hlen)));
	return true;
}

const uint8_t *
reassemble_add(struct reassemble *r, uint64_t now, const struct addr *host,
    const struct packet_view *p, size_t *len)
{
	struct datagram *g;

	datagram_free(r->whole);
	r->whole = NULL;
	expire(r, now);
	g = get_datagram(r, now, host, p);
	if (g == NULL)
		return NULL;
	if (!add_data(g, p)) {
		end_datagram(r, g);
		return NULL;
	}
	if (g->hlen == 0 || g->end == 0 || g->have != g->end)
		return NULL;
	if (!finish(g, len)) {
		end_datagram(r, g);
		return NULL;
	}
	TAILQ_REMOVE(&r->list, g, next);
	r->n--;
	r->whole = g;
	return g->data + HEADER_MAX - g->hlen;
}
