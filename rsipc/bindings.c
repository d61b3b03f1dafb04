/* bindings.c - the bindings that a gateway has granted, and who uses what of them */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "rsipc/bindings.h"

#define SPI_RESERVED	256	/* RFC 2406 §2.1: below it none is for the wire */

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
lease_init(struct lease *l)
{
	memset(l, 0, sizeof(*l));
}

void
lease_clear(struct lease *l)
{
	while (l->n > 0)
		free(l->b[--l->n]);
	lease_init(l);
}

/* Bindings may overlap in what a careless gateway grants, so bits are drawn
 * anew rather than cleared one by one. */
static void
lease_draw(struct lease *l)
{
	const struct binding *b;
	size_t		      i, j;

	memset(l->owner, 0, sizeof(l->owner));
	l->whole = false;
	for (i = 0; i < l->n; i++) {
		b = l->b[i];
		l->whole |= b->method == RSIP_METHOD_RSA_IP;
		for (j = 0; j < b->nports; j++)
			l->owner[b->port[j]] = (uint16_t)(i + 1);
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

static uint32_t
address_of(const struct rsip_address *a)
{
	uint32_t addr;

	if (a->any || a->type != RSIP_ADDR_IPV4)
		return 0;
	memcpy(&addr, a->bytes, sizeof(addr));
	return addr;
}

/* Loopback, multicast and the like are no addresses that anybody leases. */
static bool
address_fit(uint32_t addr)
{
	uint8_t first;

	memcpy(&first, &addr, 1);
	return first != 0 && first != 127 && first < 224;
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
lease_add(struct lease *l, const struct rsip_message *m,
    enum lease_purpose purpose, uint64_t now, const char **why)
{
	struct binding *b, *have;
	int		n;

	if (m->lease == 0) {
		*why = "a lease of no time at all";
		return NULL;
	}
	if (l->n == LEASE_BINDINGS_MAX) {
		*why = "too many bindings";
		return NULL;
	}
	b = xcalloc(1, sizeof(*b));
	b->bind_id = m->bind_id;
	b->purpose = purpose;
	b->method = method_of(m->type);
	b->addr = address_of(&m->local);
	b->tunnel = m->ntunnels == 0 ? RSIP_TUNNEL_IPIP : m->tunnel[0];
	if (!address_fit(b->addr)) {
		*why = "no IPv4 address that can be leased";
		goto fail;
	}
	if ((have = lease_main(l)) != NULL &&
	    (purpose == LEASE_MAIN || have->addr != b->addr)) {
		*why = "another address than the one that is leased";
		goto fail;
	}
	if (lease_find(l, b->bind_id) != NULL) {
		*why = "a bind ID that is in use";
		goto fail;
	}
	if (b->tunnel != RSIP_TUNNEL_IPIP && b->tunnel != RSIP_TUNNEL_GRE) {
		*why = "a tunnel type that was not asked for";
		goto fail;
	}
	if (m->has & RSIP_HAS_ENDPOINT)
		b->endpoint = address_of(&m->endpoint);
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
		memcpy(b->cookie, m->cookie, m->ncookies * sizeof(b->cookie[0]));
	}
	lease_grant(b, m->lease, now);
	b->used = now;
	l->b[l->n++] = b;
	lease_draw(l);
	return b;
fail:
	free(b);
	return NULL;
}

void
lease_remove(struct lease *l, struct binding *b)
{
	size_t i;

	for (i = 0; i < l->n && l->b[i] != b; i++)
		continue;
	if (i == l->n)
		return;
	for (l->n--; i < l->n; i++)
		l->b[i] = l->b[i + 1];
	free(b);
	lease_draw(l);
}

struct binding *
lease_find(const struct lease *l, uint32_t bind_id)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (l->b[i]->bind_id == bind_id)
			return l->b[i];
	}
	return NULL;
}

struct binding *
lease_oldest_port(const struct lease *l, uint64_t then)
{
	struct binding *b, *oldest = NULL;
	size_t		i;

	for (i = 0; i < l->n; i++) {
		b = l->b[i];
		if (b->purpose == LEASE_PORT && b->used < then &&
		    (oldest == NULL || b->used < oldest->used))
			oldest = b;
	}
	return oldest;
}

struct binding *
lease_main(const struct lease *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (l->b[i]->purpose == LEASE_MAIN)
			return l->b[i];
	}
	return NULL;
}

void
lease_grant(struct binding *b, uint32_t seconds, uint64_t now)
{
	b->seconds = seconds > LEASE_TIME_MAX ? LEASE_TIME_MAX : seconds;
	b->expires = now + (uint64_t)b->seconds * 1000;
	b->renew = now + (uint64_t)b->seconds * 500;
}

static void
recent_count(struct lease *l)
{
	unsigned port;

	l->nrecent = 0;
	for (port = l->lo; port <= l->hi && l->hi != 0; port++)
		l->nrecent += bit_get(l->recent[0], (uint16_t)port) ||
		    bit_get(l->recent[1], (uint16_t)port);
}

static void
recent_note(struct lease *l, uint16_t port, uint64_t now)
{
	if (now >= l->half_ends) {
		l->half ^= 1;
		memset(l->recent[l->half], 0, sizeof(l->recent[0]));
		l->half_ends = now + LEASE_RECENT / 2;
		recent_count(l);
	}
	if (bit_get(l->recent[l->half], port))
		return;
	if (port >= l->lo && port <= l->hi && !bit_get(l->recent[!l->half], port))
		l->nrecent++;
	bit_set(l->recent[l->half], port);
}

static bool
covers(const struct binding *b, uint32_t remote, uint16_t remote_port)
{
	return (b->remote == 0 || b->remote == remote) &&
	    (b->remote_port == 0 || remote_port == 0 ||
	    b->remote_port == remote_port);
}

enum lease_flow
lease_flow_use(struct lease *l, uint16_t port, uint32_t remote,
    uint16_t remote_port, uint64_t now)
{
	struct binding *b;
	size_t		i;

	if (port == 0 || l->whole) {
		for (i = 0; i < l->n; i++) {
			if (covers(l->b[i], remote, remote_port))
				return LEASE_FLOW_OK;
		}
		return LEASE_FLOW_UNLEASED;
	}
	if (l->owner[port] == 0)
		return LEASE_FLOW_UNLEASED;
	b = l->b[l->owner[port] - 1];
	if (!covers(b, remote, remote_port))
		return LEASE_FLOW_OTHER;
	b->used = now;
	recent_note(l, port, now);
	return LEASE_FLOW_OK;
}

void
lease_port_range(struct lease *l, uint16_t lo, uint16_t hi)
{
	l->lo = lo;
	l->hi = hi;
	recent_count(l);
}

bool
lease_ports_scarce(const struct lease *l)
{
	return l->hi != 0 && l->nrecent * 4 >= (l->hi - l->lo + 1u) * 3;
}

bool
lease_port_block(const struct binding *b, uint16_t *lo, uint16_t *hi)
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
lease_spi_get(struct lease *l, uint32_t *spi)
{
	struct binding *b;
	size_t		bi = l->spi_binding, si = l->spi_index, turn;

	/* Once round all bindings; the first is met again at its beginning. */
	for (turn = 0; turn <= l->n; turn++, bi++, si = 0) {
		if (l->n == 0)
			break;
		if (bi >= l->n)
			bi = si = 0;
		b = l->b[bi];
		for (; si < b->nspis; si++) {
			if (b->spi_used[si])
				continue;
			b->spi_used[si] = true;
			*spi = b->spi[si];
			l->spi_binding = (uint16_t)bi;
			l->spi_index = (uint16_t)(si + 1);
			return 0;
		}
	}
	if (!l->whole)
		return -1;
	/* Nobody else's packets come to this address. */
	do
		random_bytes(spi, sizeof(*spi));
	while (*spi < SPI_RESERVED);
	return 0;
}

static struct binding *
spi_find(const struct lease *l, uint32_t spi, size_t *index)
{
	size_t i, j;

	for (i = 0; i < l->n; i++) {
		for (j = 0; j < l->b[i]->nspis; j++) {
			if (l->b[i]->spi[j] == spi) {
				*index = j;
				return l->b[i];
			}
		}
	}
	return NULL;
}

void
lease_spi_put(struct lease *l, uint32_t spi)
{
	struct binding *b;
	size_t		i;

	if ((b = spi_find(l, spi, &i)) != NULL)
		b->spi_used[i] = false;
}

bool
lease_spi_used(const struct lease *l, uint32_t spi)
{
	struct binding *b;
	size_t		i;

	return l->whole ||
	    ((b = spi_find(l, spi, &i)) != NULL && b->spi_used[i]);
}

size_t
lease_spi_free(const struct lease *l)
{
	size_t i, j, n = 0;

	for (i = 0; i < l->n; i++) {
		for (j = 0; j < l->b[i]->nspis; j++)
			n += !l->b[i]->spi_used[j];
	}
	return n;
}

int
lease_cookie_get(struct lease *l, uint64_t *cookie)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (l->b[i]->cookie_next < l->b[i]->ncookies) {
			*cookie = l->b[i]->cookie[l->b[i]->cookie_next++];
			return 0;
		}
	}
	return -1;
}
