/* bindings.c - the bindings that a gateway has granted, and who uses what of them */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "rsipc/bindings.h"

#define SPI_RESERVED	256	/* RFC 2406 §2.1: below it
				 * none is for the wire */

static void
bit_set(uint8_t *map, uint16_t n)
{
	map[n >> 3] = (uint8_t)(map[n >> 3] | 1u << (n & 7));
}

static bool
bit_get(const uint8_t *map, uint16_t n)
{
	return map[n >> 3] & 1u << (n & 7);
}

void
bindings_init(struct bindings *bs)
{
	memset(bs, 0, sizeof(*bs));
}

void
bindings_clear(struct bindings *bs)
{
	while (bs->n > 0)
		free(bs->b[--bs->n]);
	bindings_init(bs);
}

/* Bindings may overlap in what a careless gateway grants, so bits are drawn
 * anew rather than cleared one by one. */
static void
bindings_draw(struct bindings *bs)
{
	const struct binding *b;
	size_t		      i, j;

	memset(bs->owner, 0, sizeof(bs->owner));
	bs->whole = false;
	for (i = 0; i < bs->n; i++) {
		b = bs->b[i];
		bs->whole |= b->method == RSIP_METHOD_RSA_IP;
		for (j = 0; j < b->nports; j++)
			bs->owner[b->port[j]] = (uint16_t)(i + 1);
	}
}

static uint8_t
method_of(uint8_t type)
{
	switch (type) {
	case RSIP_ASSIGN_RESPONSE_RSA_IP:
		return RSIP_METHOD_RSA_IP;
	case RSIP_ASSIGN_RESPONSE_RSIPSEC:
		return RSIP_METHOD_RSIPSEC;
	default:
		return RSIP_METHOD_RSAP_IP;
	}
}

/* None, where anybody is meant or a name. */
static struct addr
address_of(const struct rsip_address *a)
{
	return a->type != RSIP_ADDR_NETMASK4 ? a->addr : (struct addr){ 0 };
}

static int
port_compare(const void *a, const void *b)
{
	uint16_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

struct binding *
bindings_add(struct bindings *bs, const struct rsip_message *m,
    enum binding_purpose purpose, uint64_t now, const char **why)
{
	struct binding *b, *have;
	int		n;

	if (m->lease == 0) {
		*why = "a lease of no time at all";
		return NULL;
	}
	if (bs->n == BINDINGS_MAX) {
		*why = "too many bindings";
		return NULL;
	}
	b = xcalloc(1, sizeof(*b));
	b->bind_id = m->bind_id;
	b->purpose = purpose;
	b->method = method_of(m->type);
	b->addr = address_of(&m->local);
	b->tunnel = m->ntunnels == 0 ? RSIP_TUNNEL_IPIP : m->tunnel[0];
	if (b->addr.family != AF_INET || !addr_is_host(&b->addr)) {
		*why = "no IPv4 address that can be leased";
		goto fail;
	}
	if ((have = bindings_main(bs)) != NULL &&
	    (purpose == BINDING_MAIN || !addr_equal(&have->addr, &b->addr))) {
		*why = "another address than the one that is leased";
		goto fail;
	}
	if (bindings_find(bs, b->bind_id) != NULL) {
		*why = "a bind ID that is in use";
		goto fail;
	}
	if (b->tunnel != RSIP_TUNNEL_IPIP && b->tunnel != RSIP_TUNNEL_GRE) {
		*why = "a tunnel type that was not asked for";
		goto fail;
	}
	if (m->has & RSIP_HAS_ENDPOINT)
		b->endpoint = address_of(&m->endpoint);
	if (b->endpoint.family == AF_INET6) {
		*why = "a tunnel whose end is no IPv4 address";
		goto fail;
	}
	if (m->has & RSIP_HAS_REMOTE)
		b->remote = address_of(&m->remote);
	if ((m->has & RSIP_HAS_REMOTE_PORTS) && m->remote_ports.nfields > 0)
		b->remote_port = m->remote_ports.port[0];
	if (m->has & RSIP_HAS_LOCAL_PORTS) {
		n = rsip_ports_expand(&m->local_ports, b->port, RSIP_PORTS_MAX);
		if (n < 0 || (n == 0 && !m->local_ports.none)) {
			*why = "ports without numbers";
			goto fail;
		}
		b->nports = (uint16_t)n;
		qsort(b->port, b->nports, sizeof(b->port[0]), port_compare);
	}
	if (m->has & RSIP_HAS_SPIS) {
		n = rsip_spis_expand(&m->spis, b->spi, RSIP_SPIS_MAX);
		if (n <= 0) {
			*why = "SPIs without numbers";
			goto fail;
		}
		b->nspis = (uint16_t)n;
		for (n = 0; n < b->nspis; n++) {
			if (b->spi[n] < SPI_RESERVED) {
				*why = "a reserved SPI";
				goto fail;
			}
		}
	}
	if (m->has & RSIP_HAS_COOKIES) {
		b->ncookies = m->ncookies;
		memcpy(b->cookie, m->cookie,
		    m->ncookies * sizeof(b->cookie[0]));
	}
	binding_set_lease(b, m->lease, now);
	b->used = now;
	bs->b[bs->n++] = b;
	bindings_draw(bs);
	return b;
fail:
	free(b);
	return NULL;
}

void
bindings_remove(struct bindings *bs, struct binding *b)
{
	size_t i;

	for (i = 0; i < bs->n && bs->b[i] != b; i++)
		continue;
	if (i == bs->n)
		return;
	for (bs->n--; i < bs->n; i++)
		bs->b[i] = bs->b[i + 1];
	free(b);
	bindings_draw(bs);
}

struct binding *
bindings_find(const struct bindings *bs, uint32_t bind_id)
{
	size_t i;

	for (i = 0; i < bs->n; i++) {
		if (bs->b[i]->bind_id == bind_id)
			return bs->b[i];
	}
	return NULL;
}

struct binding *
bindings_oldest_port(const struct bindings *bs, uint64_t then)
{
	struct binding *b, *oldest = NULL;
	size_t		i;

	for (i = 0; i < bs->n; i++) {
		b = bs->b[i];
		if (b->purpose == BINDING_PORT && b->used < then &&
		    (oldest == NULL || b->used < oldest->used))
			oldest = b;
	}
	return oldest;
}

struct binding *
bindings_main(const struct bindings *bs)
{
	size_t i;

	for (i = 0; i < bs->n; i++) {
		if (bs->b[i]->purpose == BINDING_MAIN)
			return bs->b[i];
	}
	return NULL;
}

void
binding_set_lease(struct binding *b, uint32_t seconds, uint64_t now)
{
	b->seconds = seconds > LEASE_TIME_MAX ? LEASE_TIME_MAX : seconds;
	b->expires = now + (uint64_t)b->seconds * 1000;
	b->renew = now + (uint64_t)b->seconds * 500;
}

static void
recent_count(struct bindings *bs)
{
	unsigned port;

	bs->nrecent = 0;
	for (port = bs->lo; port <= bs->hi && bs->hi != 0; port++)
		bs->nrecent += bit_get(bs->recent[0], (uint16_t)port) ||
		    bit_get(bs->recent[1], (uint16_t)port);
}

static void
recent_note(struct bindings *bs, uint16_t port, uint64_t now)
{
	if (now >= bs->half_ends) {
		bs->half ^= 1;
		memset(bs->recent[bs->half], 0, sizeof(bs->recent[0]));
		bs->half_ends = now + BINDINGS_RECENT / 2;
		recent_count(bs);
	}
	if (bit_get(bs->recent[bs->half], port))
		return;
	if (port >= bs->lo && port <= bs->hi &&
	    !bit_get(bs->recent[!bs->half], port))
		bs->nrecent++;
	bit_set(bs->recent[bs->half], port);
}

static bool
covers(const struct binding *b, const struct addr *remote,
    uint16_t remote_port)
{
	return (!addr_is_set(&b->remote) || addr_equal(&b->remote, remote)) &&
	    (b->remote_port == 0 || remote_port == 0 ||
	    b->remote_port == remote_port);
}

enum bindings_flow
bindings_flow_use(struct bindings *bs, uint16_t port,
    const struct addr *remote, uint16_t remote_port, bool lasts, uint64_t now)
{
	struct binding *b;
	size_t		i;

	if (port == 0 || bs->whole) {
		for (i = 0; i < bs->n; i++) {
			if (covers(bs->b[i], remote, remote_port))
				return BINDINGS_FLOW_OK;
		}
		return BINDINGS_FLOW_UNLEASED;
	}
	if (bs->owner[port] == 0)
		return BINDINGS_FLOW_UNLEASED;
	b = bs->b[bs->owner[port] - 1];
	if (!covers(b, remote, remote_port))
		return BINDINGS_FLOW_OTHER;
	b->used = now;
	if (lasts)
		recent_note(bs, port, now);
	return BINDINGS_FLOW_OK;
}

static bool
covers_all(const struct binding *b)
{
	return !addr_is_set(&b->remote) && b->remote_port == 0;
}

bool
bindings_covers(const struct bindings *bs, uint16_t port)
{
	size_t i;

	if (!bs->whole)
		return bs->owner[port] != 0 &&
		    covers_all(bs->b[bs->owner[port] - 1]);
	for (i = 0; i < bs->n; i++) {
		if (covers_all(bs->b[i]))
			return true;
	}
	return false;
}

void
bindings_port_range(struct bindings *bs, uint16_t lo, uint16_t hi)
{
	bs->lo = lo;
	bs->hi = hi;
	recent_count(bs);
}

bool
bindings_ports_scarce(const struct bindings *bs)
{
	return bs->hi != 0 && bs->nrecent * 4 >= (bs->hi - bs->lo + 1u) * 3;
}

bool
binding_port_block(const struct binding *b, uint16_t *lo, uint16_t *hi)
{
	size_t start = 0, best = 0, most = 0, i;

	for (i = 1; i <= b->nports; i++) {
		if (i < b->nports && b->port[i] == b->port[i - 1] + 1)
			continue;
		if (i - start > most) {
			most = i - start;
			best = start;
		}
		start = i;
	}
	if (most == 0)
		return false;
	*lo = b->port[best];
	*hi = b->port[best + most - 1];
	return true;
}

int
bindings_spi_get(struct bindings *bs, uint32_t *spi)
{
	struct binding *b;
	size_t		bi = bs->spi_binding, si = bs->spi_index, turn;

	/* Once round all bindings; the first is met again at its beginning. */
	for (turn = 0; turn <= bs->n; turn++, bi++, si = 0) {
		if (bs->n == 0)
			break;
		if (bi >= bs->n)
			bi = si = 0;
		b = bs->b[bi];
		for (; si < b->nspis; si++) {
			if (b->spi_used[si])
				continue;
			b->spi_used[si] = true;
			*spi = b->spi[si];
			bs->spi_binding = (uint16_t)bi;
			bs->spi_index = (uint16_t)(si + 1);
			return 0;
		}
	}
	if (!bs->whole)
		return -1;
	/* Nobody else's packets come to this address. */
	do
		random_bytes(spi, sizeof(*spi));
	while (*spi < SPI_RESERVED);
	return 0;
}

static struct binding *
spi_find(const struct bindings *bs, uint32_t spi, size_t *index)
{
	size_t i, j;

	for (i = 0; i < bs->n; i++) {
		for (j = 0; j < bs->b[i]->nspis; j++) {
			if (bs->b[i]->spi[j] == spi) {
				*index = j;
				return bs->b[i];
			}
		}
	}
	return NULL;
}

void
bindings_spi_put(struct bindings *bs, uint32_t spi)
{
	struct binding *b;
	size_t		i;

	if ((b = spi_find(bs, spi, &i)) != NULL)
		b->spi_used[i] = false;
}

bool
bindings_spi_used(const struct bindings *bs, uint32_t spi)
{
	struct binding *b;
	size_t		i;

	return bs->whole ||
	    ((b = spi_find(bs, spi, &i)) != NULL && b->spi_used[i]);
}

size_t
bindings_spi_free(const struct bindings *bs)
{
	size_t i, j, n = 0;

	for (i = 0; i < bs->n; i++) {
		for (j = 0; j < bs->b[i]->nspis; j++)
			n += !bs->b[i]->spi_used[j];
	}
	return n;
}

int
bindings_cookie_get(struct bindings *bs, uint64_t *cookie)
{
	size_t i;

	for (i = 0; i < bs->n; i++) {
		if (bs->b[i]->cookie_next < bs->b[i]->ncookies) {
			*cookie = bs->b[i]->cookie[bs->b[i]->cookie_next++];
			return 0;
		}
	}
	return -1;
}

/* A run more, in place of the shortest where there is no room. */
static unsigned
run_add(struct bindings_run *out, unsigned n, unsigned max, uint16_t lo,
    uint16_t hi)
{
	unsigned i, shortest = 0;

	if (n < max) {
		out[n] = (struct bindings_run){ lo, hi };
		return n + 1;
	}
	for (i = 1; i < n; i++) {
		if (out[i].hi - out[i].lo < out[shortest].hi -
		    out[shortest].lo)
			shortest = i;
	}
	if (n > 0 && hi - lo > out[shortest].hi - out[shortest].lo)
		out[shortest] = (struct bindings_run){ lo, hi };
	return n;
}

unsigned
bindings_port_runs(const struct bindings *bs, const struct addr *remote,
    struct bindings_run *out, unsigned max)
{
	const struct binding *b;
	unsigned	      n = 0, port, lo = 0;

	for (port = 1; port <= UINT16_MAX + 1u; port++) {
		b = port > UINT16_MAX || bs->owner[port] == 0 ? NULL :
		    bs->b[bs->owner[port] - 1];
		if (b != NULL && b->remote_port == 0 &&
		    (!addr_is_set(&b->remote) ||
		    addr_equal(&b->remote, remote))) {
			if (lo == 0)
				lo = port;
			continue;
		}
		if (lo != 0)
			n = run_add(out, n, max, (uint16_t)lo,
			    (uint16_t)(port - 1));
		lo = 0;
	}
	return n;
}
