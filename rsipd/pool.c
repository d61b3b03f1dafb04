/* pool.c - the addresses, ports and SPIs a gateway leases, drawn at random, with rest after use */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "rsipd/pool.h"
#include "rsipd/portset.h"
#include "rsipd/spiset.h"

#define ALIGN_TRIES	64	/* runs looked at for one that is aligned */
#define NEVER	0	/* a time at which nothing was freed */

/* A port that is not free: leased (since is NEVER) or in the queue at rest. */
struct pool_port {
	uint32_t since;			/* seconds, one added */
	uint16_t prev, next;		/* in the queue at rest; 0 ends it */
	struct demux_addr host;		/* at rest: whose it was */
};

struct pool_entry {
	struct pool_address what;	/* addr none: no entry */
	bool retired;			/* gives nothing, but what
					 * it gave rests on */
	uint64_t retired_at;
	struct portset *free;
	struct portset *ours;		/* free, leased or at rest */
	struct pool_port *port;		/* by number */
	uint16_t first, last;		/* of the queue at rest,
					 * longest freed first */
	size_t nresting;		/* of ours: more may be in the queue */
	bool leased;			/* exclusive ones */
	struct addr host;
	uint64_t freed;
};

struct pool {
	uint64_t quarantine;
	bool	 follows;
	size_t	 n;
	struct random_store chance;
	struct pool_entry entry[POOL_ADDRS_MAX];
	struct spiset *spis;
};

bool
pool_address_equal(const struct pool_address *a, const struct pool_address *b)
{
	unsigned i;

	if (!addr_equal(&a->addr, &b->addr) || a->exclusive != b->exclusive ||
	    a->nports != b->nports || a->few_spis != b->few_spis ||
	    a->nspis != b->nspis)
		return false;
	for (i = 0; i < a->nports; i++) {
		if (a->ports[i].lo != b->ports[i].lo ||
		    a->ports[i].hi != b->ports[i].hi)
			return false;
	}
	return memcmp(a->spis, b->spis, a->nspis * sizeof(a->spis[0])) == 0;
}

struct pool *
pool_new(uint64_t quarantine, size_t spis_max)
{
	struct pool *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->quarantine = quarantine;
	if ((p->spis = spiset_new(spis_max)) == NULL) {
		free(p);
		return NULL;
	}
	return p;
}

static void
entry_free(struct pool_entry *e)
{
	free(e->free);
	free(e->ours);
	free(e->port);
}

void
pool_free(struct pool *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->n; i++)
		entry_free(&p->entry[i]);
	spiset_free(p->spis);
	free(p);
}

void
pool_set_follows(struct pool *p, bool follows)
{
	p->follows = follows;
}

void
pool_set_quarantine(struct pool *p, uint64_t quarantine)
{
	p->quarantine = quarantine;
}

/* Any entry of an address, retired or not; -1: none. */
static int
entry_find(const struct pool *p, const struct addr *addr)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (addr_equal(&p->entry[i].what.addr, addr))
			return (int)i;
	}
	return -1;
}

static void
rest_port(struct pool_entry *e, uint16_t port, const struct addr *host,
    uint64_t now)
{
	struct pool_port *s = &e->port[port];

	s->host = demux_addr_of(host);
	s->since = (uint32_t)(now / 1000) + 1;
	s->next = 0;
	s->prev = e->last;
	if (e->last != 0)
		e->port[e->last].next = port;
	else
		e->first = port;
	e->last = port;
	e->nresting += portset_has(e->ours, port);
}

/*
 * The ranges of an entry from now on, which no binding is outside of.  What was
 * given before and is at rest rests on, in them and outside.  -1: no memory.
 */
static int
set_ranges(struct pool_entry *e, const struct pool_address *a)
{
	struct portset *ours = calloc(1, sizeof(*ours));
	unsigned	i, port;
	bool		before;

	if (ours == NULL)
		return -1;
	for (i = 0; i < a->nports; i++)
		portset_add(ours, a->ports[i].lo, a->ports[i].hi);
	e->nresting = 0;
	for (port = 1; port <= UINT16_MAX; port++) {
		before = portset_has(e->ours, (uint16_t)port);
		if (!portset_has(ours, (uint16_t)port)) {
			if (before)
				portset_remove(e->free, (uint16_t)port,
				    (uint16_t)port);
		} else if (e->port[port].since != NEVER)
			e->nresting++;
		else if (!before)
			portset_add(e->free, (uint16_t)port, (uint16_t)port);
	}
	free(e->ours);
	e->ours = ours;
	return 0;
}

static int
entry_init(struct pool_entry *e, const struct pool_address *a)
{
	memset(e, 0, sizeof(*e));
	if (!a->exclusive) {
		e->free = calloc(1, sizeof(*e->free));
		e->ours = calloc(1, sizeof(*e->ours));
		/* The kernel gives memory only for the ports that are used. */
		e->port = calloc(65536, sizeof(*e->port));
		if (e->free == NULL || e->ours == NULL || e->port == NULL ||
		    set_ranges(e, a) == -1) {
			entry_free(e);
			memset(e, 0, sizeof(*e));
			return -1;
		}
	}
	e->what = *a;
	return 0;
}

/* Nobody else's traffic may still come in at what it becomes. */
static int
entry_revive(struct pool *p, struct pool_entry *e, const struct pool_address *a)
{
	struct pool_entry new;
	unsigned	  i, port;

	if (e->what.exclusive == a->exclusive) {
		if (!a->exclusive && set_ranges(e, a) == -1)
			return -1;
		e->what = *a;
		e->retired = false;
		return 0;
	}
	if (entry_init(&new, a) == -1)
		return -1;
	if (a->exclusive && e->first != 0)
		new.freed = e->retired_at;
	if (!a->exclusive && e->freed != NEVER && p->quarantine != 0) {
		for (i = 0; i < a->nports; i++) {
			portset_remove(new.free, a->ports[i].lo,
			    a->ports[i].hi);
			for (port = a->ports[i].lo; port <= a->ports[i].hi;
			    port++) {
				/* Ranges may overlap. */
				if (port != 0 && new.port[port].since == NEVER)
					rest_port(&new, (uint16_t)port,
					    &e->host, e->freed);
			}
		}
	}
	entry_free(e);
	*e = new;
	return 0;
}

int
pool_add(struct pool *p, const struct pool_address *a)
{
	struct pool_entry *e;
	size_t		   i;
	int		   found = entry_find(p, &a->addr);

	if (found != -1) {
		e = &p->entry[found];
		return e->retired && entry_revive(p, e, a) == 0 ? found : -1;
	}
	for (i = 0; i < p->n && addr_is_set(&p->entry[i].what.addr); i++)
		;
	if (i == POOL_ADDRS_MAX || entry_init(&p->entry[i], a) == -1)
		return -1;
	if (i == p->n)
		p->n++;
	return (int)i;
}

int
pool_change(struct pool *p, size_t i, const struct pool_address *a)
{
	struct pool_entry *e = &p->entry[i];

	if (e->what.exclusive != a->exclusive ||
	    (!a->exclusive && set_ranges(e, a) == -1))
		return -1;
	e->what = *a;
	return 0;
}

void
pool_retire(struct pool *p, uint64_t now, size_t i)
{
	p->entry[i].retired = true;
	p->entry[i].retired_at = now;
}

void
pool_sweep(struct pool *p, uint64_t now)
{
	struct pool_entry *e;
	size_t		   i;

	spiset_refresh(p->spis, now, p->quarantine);
	for (i = 0; i < p->n; i++) {
		e = &p->entry[i];
		/* Whole seconds: ports rest a moment longer than asked. */
		if (!e->retired || now < e->retired_at + p->quarantine + 1000)
			continue;
		entry_free(e);
		memset(e, 0, sizeof(*e));
	}
}

bool
pool_gives(const struct pool *p, size_t i)
{
	return addr_is_set(&p->entry[i].what.addr) && !p->entry[i].retired;
}

size_t
pool_size(const struct pool *p)
{
	return p->n;
}

int
pool_find(const struct pool *p, const struct addr *addr)
{
	int i = entry_find(p, addr);

	return i != -1 && pool_gives(p, (size_t)i) ? i : -1;
}

const struct pool_address *
pool_at(const struct pool *p, size_t i)
{
	return &p->entry[i].what;
}

/* --- ports ---------------------------------------------------------------- */

static void
port_wake(struct pool_entry *e, uint16_t port)
{
	struct pool_port *s = &e->port[port];

	if (s->prev != 0)
		e->port[s->prev].next = s->next;
	else
		e->first = s->next;
	if (s->next != 0)
		e->port[s->next].prev = s->prev;
	else
		e->last = s->prev;
	s->prev = s->next = 0;
	s->since = NEVER;
	e->nresting -= portset_has(e->ours, port);
}

/* Ports that have rested long enough are free again. */
static void
ports_refresh(struct pool *p, struct pool_entry *e, uint64_t now)
{
	uint16_t port;

	while ((port = e->first) != 0 &&
	    (uint64_t)(e->port[port].since - 1) * 1000 + p->quarantine <= now) {
		port_wake(e, port);
		if (portset_has(e->ours, port))
			portset_add(e->free, port, port);
	}
}

static enum pool_result
port_usable(const struct pool *p, const struct pool_entry *e,
    const struct addr *host, uint16_t port)
{
	if (!portset_has(e->ours, port))
		return POOL_UNALLOWED;
	if (portset_has(e->free, port))
		return POOL_OK;
	/* The host's own traffic may still come in: the rest is for others. */
	if (e->port[port].since != NEVER &&
	    (demux_addr_equal(e->port[port].host,
	    demux_addr_of(host)) || p->follows))
		return POOL_OK;
	return POOL_INUSE;
}

enum pool_result
pool_take_ports(struct pool *p, uint64_t now, size_t i,
    const struct addr *host, const uint16_t *port, size_t n)
{
	struct pool_entry *e = &p->entry[i];
	enum pool_result   rc, worst = POOL_OK;
	size_t		   k;

	if (e->what.exclusive)
		return POOL_UNALLOWED;
	ports_refresh(p, e, now);
	for (k = 0; k < n; k++) {
		rc = port_usable(p, e, host, port[k]);
		if (rc == POOL_UNALLOWED)
			return rc;
		if (rc != POOL_OK)
			worst = rc;
	}
	if (worst != POOL_OK)
		return worst;
	for (k = 0; k < n; k++) {
		if (e->port[port[k]].since != NEVER)
			port_wake(e, port[k]);
		else
			portset_remove(e->free, port[k], port[k]);
	}
	return POOL_OK;
}

static int
port_compare(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/*
 * A run of n from there on which begins at a multiple of n, a power of two:
 * what a peer's kernel takes as one selector, a port and a mask.  0: none is
 * near.
 */
static uint16_t
aligned_run(const struct portset *s, uint16_t from, size_t n)
{
	size_t	 next;
	uint16_t at;
	unsigned i;

	if ((n & (n - 1)) != 0)
		return 0;
	for (i = 0; i < ALIGN_TRIES; i++) {
		at = portset_run(s, from, n);
		next = (at + n - 1) / n * n;
		if (at == 0 || next == at || next > UINT16_MAX)
			return next == at ? at : 0;
		from = (uint16_t)next;
	}
	return 0;
}

/* Of those that are free, each with the same chance. */
static uint16_t
any_port(struct pool *p, const struct pool_entry *e)
{
	return portset_nth(e->free, random_store_uniform(&p->chance,
	    (uint32_t)portset_count(e->free)));
}

enum pool_result
pool_draw_ports(struct pool *p, uint64_t now, size_t i, size_t n,
    uint16_t *port)
{
	struct pool_entry *e = &p->entry[i];
	uint16_t	   at = 0, next;
	size_t		   k;

	if (e->what.exclusive)
		return POOL_UNALLOWED;
	ports_refresh(p, e, now);
	if (n > portset_count(e->free) + e->nresting)
		return POOL_UNAVAILABLE;
	for (next = e->first; n > portset_count(e->free);) {
		/* Scarce: the longest freed first (RFC 3102 §6). */
		at = next;
		next = e->port[at].next;
		if (!portset_has(e->ours, at))
			continue;
		port_wake(e, at);
		portset_add(e->free, at, at);
	}
	if (n > 1) {
		at = any_port(p, e);
		next = aligned_run(e->free, at, n);
		if (next == 0)
			next = aligned_run(e->free, 0, n);
		at = next != 0 ? next : portset_run(e->free, at, n);
		if (at == 0)
			at = portset_run(e->free, 0, n);
		if (at != 0) {
			for (k = 0; k < n; k++)
				port[k] = (uint16_t)(at + k);
			portset_remove(e->free, at, (uint16_t)(at + n - 1));
			return POOL_OK;
		}
	}
	for (k = 0; k < n; k++) {
		port[k] = any_port(p, e);
		portset_remove(e->free, port[k], port[k]);
	}
	if (n > 1)
		qsort(port, n, sizeof(*port), port_compare);
	return POOL_OK;
}

void
pool_rest_ports(struct pool *p, uint64_t now, size_t i,
    const struct addr *host, struct demux_range r)
{
	struct pool_entry *e = &p->entry[i];
	unsigned	   port;

	if (p->quarantine == 0) {
		portset_add(e->free, r.lo, r.hi);
		return;
	}
	for (port = r.lo; port <= r.hi; port++)
		rest_port(e, (uint16_t)port, host, now);
}

void
pool_undo_ports(struct pool *p, size_t i, const struct demux_range *r, size_t n)
{
	for (; n > 0; r++, n--)
		portset_add(p->entry[i].free, r->lo, r->hi);
}

/* --- SPIs ----------------------------------------------------------------- */

static bool
spi_is_ours(const struct pool_address *a, uint32_t spi)
{
	size_t k;

	for (k = 0; a->few_spis && k < a->nspis; k++) {
		if (a->spis[k] == spi)
			return true;
	}
	return !a->few_spis && spi >= POOL_SPI_MIN;
}

enum pool_result
pool_take_spis(struct pool *p, uint64_t now, size_t i,
    const struct addr *host, const uint32_t *spi, size_t n)
{
	size_t k;

	spiset_refresh(p->spis, now, p->quarantine);
	for (k = 0; k < n; k++) {
		if (!spi_is_ours(&p->entry[i].what, spi[k]))
			return POOL_UNALLOWED;
	}
	for (k = 0; k < n; k++) {
		if (!spiset_usable(p->spis, (uint16_t)i, spi[k], host) &&
		    !(p->follows && spiset_rests(p->spis, (uint16_t)i, spi[k])))
			return POOL_INUSE;
	}
	if (!spiset_reserve(p->spis, n))
		return POOL_UNAVAILABLE;
	for (k = 0; k < n; k++)
		spiset_lease(p->spis, (uint16_t)i, spi[k]);
	return POOL_OK;
}

/* From a short list: those that are usable, beginning anywhere in it. */
static enum pool_result
draw_few_spis(struct pool *p, size_t i, size_t n, uint32_t *spi)
{
	const struct pool_address *a = &p->entry[i].what;
	size_t			   k, found = 0, at;

	at = random_store_uniform(&p->chance, (uint32_t)a->nspis);
	for (k = 0; k < a->nspis && found < n; k++) {
		spi[found] = a->spis[(at + k) % a->nspis];
		found += spiset_usable(p->spis, (uint16_t)i, spi[found], NULL);
	}
	if (found < n || !spiset_reserve(p->spis, n))
		return POOL_UNAVAILABLE;
	for (k = 0; k < n; k++)
		spiset_lease(p->spis, (uint16_t)i, spi[k]);
	return POOL_OK;
}

enum pool_result
pool_draw_spis(struct pool *p, uint64_t now, size_t i, size_t n, uint32_t *spi)
{
	size_t k;

	spiset_refresh(p->spis, now, p->quarantine);
	if (p->entry[i].what.few_spis)
		return draw_few_spis(p, i, n, spi);
	if (!spiset_reserve(p->spis, n))
		return POOL_UNAVAILABLE;
	for (k = 0; k < n; k++) {
		/* spis_max is a small share of 2^32: the first is free but for
		 * a rare collision. */
		do
			random_store_bytes(&p->chance, &spi[k],
			    sizeof(spi[k]));
		while (spi[k] < POOL_SPI_MIN ||
		    !spiset_usable(p->spis, (uint16_t)i, spi[k], NULL));
		spiset_lease(p->spis, (uint16_t)i, spi[k]);
	}
	return POOL_OK;
}

void
pool_rest_spis(struct pool *p, uint64_t now, size_t i,
    const struct addr *host, const uint32_t *spi, size_t n)
{
	size_t k;

	for (k = 0; k < n; k++) {
		if (p->quarantine == 0)
			spiset_remove(p->spis, (uint16_t)i, spi[k]);
		else
			spiset_rest(p->spis, (uint16_t)i, spi[k], host, now);
	}
}

void
pool_undo_spis(struct pool *p, size_t i, const uint32_t *spi, size_t n)
{
	size_t k;

	for (k = 0; k < n; k++)
		spiset_remove(p->spis, (uint16_t)i, spi[k]);
}

/* --- whole addresses ------------------------------------------------------ */

static bool
whole_usable(const struct pool *p, const struct pool_entry *e, uint64_t now,
    const struct addr *host)
{
	return !e->leased && (e->freed == NEVER || p->follows ||
	    addr_equal(&e->host, host) || e->freed + p->quarantine <= now);
}

enum pool_result
pool_take_whole(struct pool *p, uint64_t now, size_t i,
    const struct addr *host)
{
	struct pool_entry *e = &p->entry[i];

	if (!e->what.exclusive)
		return POOL_UNALLOWED;
	if (!whole_usable(p, e, now, host))
		return POOL_INUSE;
	e->leased = true;
	e->host = *host;
	return POOL_OK;
}

enum pool_result
pool_draw_whole(struct pool *p, uint64_t now, const struct addr *host,
    pool_allowed allowed, const void *arg, size_t *i)
{
	struct pool_entry *e, *oldest = NULL;
	size_t		   k, n = 0;

	for (k = 0; k < p->n; k++) {
		e = &p->entry[k];
		if (!pool_gives(p, k) || !e->what.exclusive || e->leased ||
		    (allowed != NULL && !allowed(arg, &e->what.addr)))
			continue;
		if (oldest == NULL || e->freed < oldest->freed)
			oldest = e;
		/* Each of those that are free with the same chance. */
		if (whole_usable(p, e, now, host) &&
		    random_uniform((uint32_t)++n) == 0)
			*i = k;
	}
	if (oldest == NULL)
		return POOL_UNAVAILABLE;
	if (n == 0)
		*i = (size_t)(oldest - p->entry);
	p->entry[*i].leased = true;
	p->entry[*i].host = *host;
	return POOL_OK;
}

bool
pool_whole_left(const struct pool *p, pool_allowed allowed, const void *arg)
{
	size_t k;

	for (k = 0; k < p->n; k++) {
		if (pool_gives(p, k) && p->entry[k].what.exclusive &&
		    !p->entry[k].leased &&
		    (allowed == NULL || allowed(arg, &p->entry[k].what.addr)))
			return true;
	}
	return false;
}

void
pool_rest_whole(struct pool *p, uint64_t now, size_t i)
{
	p->entry[i].leased = false;
	p->entry[i].freed = now;
}

void
pool_undo_whole(struct pool *p, size_t i)
{
	p->entry[i].leased = false;
	p->entry[i].freed = NEVER;
}

void
pool_count(const struct pool *p, struct pool_counts *c)
{
	const struct pool_entry *e;
	size_t			 i;

	memset(c, 0, sizeof(*c));
	c->bytes = sizeof(*p) + spiset_bytes(p->spis);
	spiset_count(p->spis, &c->spis_free, &c->spis_leased,
	    &c->spis_resting);
	for (i = 0; i < p->n; i++) {
		if (!pool_gives(p, i))
			continue;
		e = &p->entry[i];
		c->addresses++;
		c->whole += e->leased;
		if (e->what.exclusive)
			continue;
		c->ports += portset_count(e->ours);
		c->ports_free += portset_count(e->free);
		c->ports_resting += e->nresting;
		c->bytes += 2 * sizeof(struct portset) +
		    portset_count(e->ours) * sizeof(struct pool_port);
	}
}
