/* lease.c - registrations and their bindings, found by host and id, expiring in order */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/slab.h"
#include "base/util.h"
#include "rsipd/lease.h"
#include "rsipd/pool.h"

#define BUCKETS_MIN	64	/* a power of two */
#define HEAP_MIN	64
#define LINE		64	/* bytes of a cache line */

struct leases {
	const struct pool     *pool;
	struct slab	      *slab;	/* of bindings */
	struct lease_client   *last;	/* was asked for last; NULL: none */
	struct lease_client  **client;	/* hash tables with chains: by host, */
	struct lease_client  **id;	/* by client id, as large, */
	struct lease_binding **binding;	/* by client and bind id */
	size_t		       cmask, bmask;
	size_t		       nclients, nbindings;
	size_t		       nkind[LEASE_KINDS];
	struct lease_timer   **heap;
	size_t		       nheap, heapcap;
	uint64_t	       seed;
	TAILQ_HEAD(lease_clients, lease_client) stage[LEASE_BOUND];
	size_t		       nstage[LEASE_BOUND];
};

static size_t
mix(const struct leases *l, uint64_t v)
{
	v = (v ^ l->seed) * 0xff51afd7ed558ccdu;
	v = (v ^ v >> 33) * 0xc4ceb9fe1a85ec53u;
	return (size_t)(v ^ v >> 33);
}

struct leases *
leases_new(const struct pool *pool)
{
	struct leases *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	l->pool = pool;
	l->slab = slab_new();
	l->client = calloc(BUCKETS_MIN, sizeof(struct lease_client *));
	l->id = calloc(BUCKETS_MIN, sizeof(struct lease_client *));
	l->binding = calloc(BUCKETS_MIN, sizeof(struct lease_binding *));
	l->heap = calloc(HEAP_MIN, sizeof(struct lease_timer *));
	if (l->slab == NULL || l->client == NULL || l->id == NULL ||
	    l->binding == NULL || l->heap == NULL) {
		leases_free(l);
		return NULL;
	}
	l->cmask = l->bmask = BUCKETS_MIN - 1;
	l->heapcap = HEAP_MIN;
	TAILQ_INIT(&l->stage[LEASE_HALF_OPEN]);
	TAILQ_INIT(&l->stage[LEASE_BARE]);
	random_bytes(&l->seed, sizeof(l->seed));
	return l;
}

static size_t
binding_size(size_t nranges, size_t nspis, size_t ncookies,
    enum demux_remote policy)
{
	return (ncookies == 0 ? offsetof(struct lease_binding, data) :
	    sizeof(struct lease_binding) + ncookies * sizeof(uint64_t)) +
	    nspis * sizeof(uint32_t) +
	    nranges * sizeof(struct demux_range) +
	    (policy != DEMUX_REMOTE_NONE ? sizeof(struct lease_remote) : 0);
}

void
lease_binding_free(struct leases *l, struct lease_binding *b)
{
	slab_put(l->slab, b, binding_size(b->nranges, b->nspis, b->ncookies,
	    (enum demux_remote)b->remote_policy));
}

static void
timed_free(struct leases *l, struct lease_timer *t)
{
	struct lease_client *c = (struct lease_client *)(void *)t;

	if (t->is_binding) {
		lease_binding_free(l, (struct lease_binding *)(void *)t);
		return;
	}
	free(c->fqdn);
	free(c);
}

void
leases_free(struct leases *l)
{
	size_t i;

	if (l == NULL)
		return;
	for (i = 0; i < l->nheap; i++)
		timed_free(l, l->heap[i]);
	slab_free(l->slab);
	free(l->heap);
	free(l->client);
	free(l->id);
	free(l->binding);
	free(l);
}

/* --- the heap of what expires --------------------------------------------- */

/* Of two at the same time a binding is earlier: its client ends after it. */
static bool
timer_earlier(const struct lease_timer *a, const struct lease_timer *b)
{
	return a->at != b->at ? a->at < b->at :
	    a->is_binding && !b->is_binding;
}

static void
heap_set(struct leases *l, size_t i, struct lease_timer *t)
{
	l->heap[i] = t;
	t->slot = (uint32_t)i;
}

static void
heap_fix(struct leases *l, size_t i)
{
	struct lease_timer *t = l->heap[i];
	size_t		    k;

	while (i > 0 && timer_earlier(t, l->heap[(i - 1) / 2])) {
		heap_set(l, i, l->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (; (k = 2 * i + 1) < l->nheap; i = k) {
		if (k + 1 < l->nheap &&
		    timer_earlier(l->heap[k + 1], l->heap[k]))
			k++;
		if (!timer_earlier(l->heap[k], t))
			break;
		heap_set(l, i, l->heap[k]);
	}
	heap_set(l, i, t);
}

static bool
heap_room(struct leases *l)
{
	struct lease_timer **heap;

	if (l->nheap < l->heapcap)
		return true;
	heap = reallocarray(l->heap, l->heapcap * 2,
	    sizeof(struct lease_timer *));
	if (heap == NULL)
		return false;
	l->heap = heap;
	l->heapcap *= 2;
	return true;
}

static void
heap_add(struct leases *l, struct lease_timer *t)
{
	heap_set(l, l->nheap++, t);
	heap_fix(l, l->nheap - 1);
}

static void
heap_remove(struct leases *l, struct lease_timer *t)
{
	size_t i = t->slot;

	if (i != --l->nheap) {
		heap_set(l, i, l->heap[l->nheap]);
		heap_fix(l, i);
	}
}

struct lease_timer *
leases_first(const struct leases *l)
{
	return l->nheap == 0 ? NULL : l->heap[0];
}

/* --- clients -------------------------------------------------------------- */

static struct lease_client **
client_bucket(const struct leases *l, const struct addr *host)
{
	return &l->client[addr_hash(host) & l->cmask];
}

static struct lease_client **
id_bucket(const struct leases *l, uint32_t id)
{
	return &l->id[mix(l, id) & l->cmask];
}

static void
clients_grow(struct leases *l)
{
	struct lease_client **old = l->client, **table, **ids, **b, *c;
	size_t		      i, n = l->cmask + 1;

	if (l->nclients < n)
		return;
	table = calloc(n * 2, sizeof(struct lease_client *));
	ids = calloc(n * 2, sizeof(struct lease_client *));
	if (table == NULL || ids == NULL) {
		free(table);	/* without memory: longer chains */
		free(ids);
		return;
	}
	free(l->id);
	l->client = table;
	l->id = ids;
	l->cmask = n * 2 - 1;
	for (i = 0; i < n; i++) {
		while ((c = old[i]) != NULL) {
			old[i] = c->chain;
			b = client_bucket(l, &c->host);
			c->chain = *b;
			*b = c;
			b = id_bucket(l, c->client_id);
			c->id_chain = *b;
			*b = c;
		}
	}
	free(old);
}

/* Most of a registration will be looked at, and its latest binding. */
static void
client_ahead(const struct lease_client *c)
{
	size_t at;

	for (at = LINE; at < sizeof(*c); at += LINE)
		__builtin_prefetch((const uint8_t *)c + at);
	__builtin_prefetch(LIST_FIRST(&c->bindings));
}

struct lease_client *
leases_client(struct leases *l, const struct addr *host)
{
	struct lease_client *c = l->last;

	/* One request asks for it several times. */
	if (c != NULL && addr_equal(&c->host, host))
		return c;
	c = *client_bucket(l, host);
	while (c != NULL && !addr_equal(&c->host, host))
		c = c->chain;
	if (c != NULL) {
		l->last = c;
		client_ahead(c);
	}
	return c;
}

struct lease_client *
leases_by_id(const struct leases *l, uint32_t id)
{
	struct lease_client *c = *id_bucket(l, id);

	while (c != NULL && c->client_id != id)
		c = c->id_chain;
	return c;
}

static void
stage_leave(struct leases *l, struct lease_client *c)
{
	if (c->stage == LEASE_BOUND)
		return;
	TAILQ_REMOVE(&l->stage[c->stage], c, entry);
	l->nstage[c->stage]--;
}

static void
stage_enter(struct leases *l, struct lease_client *c, enum lease_stage stage)
{
	c->stage = stage;
	if (stage == LEASE_BOUND)
		return;
	TAILQ_INSERT_TAIL(&l->stage[stage], c, entry);
	l->nstage[stage]++;
}

void
leases_prove(struct leases *l, struct lease_client *c)
{
	if (c->stage != LEASE_HALF_OPEN)
		return;
	stage_leave(l, c);
	stage_enter(l, c, LEASE_BARE);
}

struct lease_client *
leases_oldest(const struct leases *l, enum lease_stage stage)
{
	return TAILQ_FIRST(&l->stage[stage]);
}

size_t
leases_at(const struct leases *l, enum lease_stage stage)
{
	return l->nstage[stage];
}

struct lease_client *
leases_any(const struct leases *l, enum lease_stage stage)
{
	struct lease_client *c = TAILQ_FIRST(&l->stage[stage]);
	uint32_t	     n = random_uniform((uint32_t)l->nstage[stage]);

	while (n-- > 0)
		c = TAILQ_NEXT(c, entry);
	return c;
}

void
leases_shorten(struct leases *l, struct lease_client *c, uint64_t at)
{
	if (c->timer.at <= at)
		return;
	c->timer.at = at;
	heap_fix(l, c->timer.slot);
}

void
leases_prolong(struct leases *l, struct lease_client *c, uint64_t at)
{
	if (c->timer.at >= at)
		return;
	c->timer.at = at;
	heap_fix(l, c->timer.slot);
}

/* With an id that nobody has; takes c over. */
static struct lease_client *
client_enter(struct leases *l, struct lease_client *c,
    const struct addr *host, uint64_t at)
{
	struct lease_client **b;

	c->pool = l->pool;
	c->host = *host;
	c->timer.at = at;
	LIST_INIT(&c->bindings);
	stage_enter(l, c, LEASE_HALF_OPEN);
	b = client_bucket(l, host);
	c->chain = *b;
	*b = c;
	b = id_bucket(l, c->client_id);
	c->id_chain = *b;
	*b = c;
	l->nclients++;
	heap_add(l, &c->timer);
	return c;
}

static struct lease_client *
client_new(struct leases *l)
{
	clients_grow(l);
	return heap_room(l) ? calloc(1, sizeof(struct lease_client)) : NULL;
}

struct lease_client *
leases_register(struct leases *l, const struct addr *host, uint64_t at)
{
	struct lease_client *c = client_new(l);

	if (c == NULL)
		return NULL;
	/* By chance, so that an id of before a restart is not valid after it
	 * and nobody guesses another's; different from all others (§9.3.3). */
	do
		random_bytes(&c->client_id, sizeof(c->client_id));
	while (c->client_id == 0 || leases_by_id(l, c->client_id) != NULL);
	c->next_bind_id = 1;
	return client_enter(l, c, host, at);
}

struct lease_client *
leases_restore(struct leases *l, const struct addr *host,
    uint32_t client_id, uint32_t next_bind_id, uint64_t at)
{
	struct lease_client *c;

	if (client_id == 0 || leases_by_id(l, client_id) != NULL ||
	    leases_client(l, host) != NULL) {
		errno = EEXIST;
		return NULL;
	}
	if ((c = client_new(l)) == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	c->client_id = client_id;
	c->next_bind_id = next_bind_id;
	c->wrapped = next_bind_id == 0;
	return client_enter(l, c, host, at);
}

void
leases_deregister(struct leases *l, struct lease_client *c)
{
	struct lease_client **b;

	if (l->last == c)
		l->last = NULL;
	for (b = client_bucket(l, &c->host); *b != c; b = &(*b)->chain)
		;
	*b = c->chain;
	for (b = id_bucket(l, c->client_id); *b != c; b = &(*b)->id_chain)
		;
	*b = c->id_chain;
	stage_leave(l, c);
	l->nclients--;
	heap_remove(l, &c->timer);
	free(c->fqdn);
	free(c);
}

size_t
leases_clients(const struct leases *l)
{
	return l->nclients;
}

void
leases_each(struct leases *l, bool (*fn)(void *, struct lease_client *),
    void *arg)
{
	struct lease_client *c, *next;
	size_t		     i;

	for (i = 0; i <= l->cmask; i++) {
		for (c = l->client[i]; c != NULL; c = next) {
			next = c->chain;
			if (!fn(arg, c))
				return;
		}
	}
}

/* --- bindings ------------------------------------------------------------- */

static struct lease_binding **
binding_bucket(const struct leases *l, uint32_t client_id, uint32_t bind_id)
{
	return &l->binding[mix(l, (uint64_t)client_id << 32 | bind_id) &
	    l->bmask];
}

static void
bindings_grow(struct leases *l)
{
	struct lease_binding **old = l->binding, **table, **bucket, *b;
	size_t		       i, n = l->bmask + 1;

	if (l->nbindings < 2 * n ||
	    (table = calloc(n * 2, sizeof(struct lease_binding *))) ==
	    NULL)
		return;
	l->binding = table;
	l->bmask = n * 2 - 1;
	for (i = 0; i < n; i++) {
		while ((b = old[i]) != NULL) {
			old[i] = b->chain;
			bucket = binding_bucket(l, b->client->client_id,
			    b->bind_id);
			b->chain = *bucket;
			*bucket = b;
		}
	}
	free(old);
}

struct lease_binding *
leases_binding(const struct leases *l, const struct lease_client *c,
    uint32_t bind_id)
{
	struct lease_binding *b = *binding_bucket(l, c->client_id, bind_id);

	while (b != NULL && (b->client != c || b->bind_id != bind_id))
		b = b->chain;
	return b;
}

/* A number for a binding that its client does not use. */
static uint32_t
draw_bind_id(const struct leases *l, struct lease_client *c)
{
	uint32_t id = c->next_bind_id++;

	if (c->next_bind_id == 0)
		c->wrapped = true;
	/* After four thousand million bindings the first may still live. */
	while (c->wrapped && (id == 0 || leases_binding(l, c, id) != NULL))
		id = c->next_bind_id++;
	return id;
}

struct lease_binding *
lease_binding_new(struct leases *l, struct lease_client *c, uint32_t bind_id,
    size_t nranges, size_t nspis, size_t ncookies, enum demux_remote policy)
{
	struct lease_binding *b;

	if (bind_id != 0 && leases_binding(l, c, bind_id) != NULL) {
		errno = EEXIST;
		return NULL;
	}
	/* A million may be there: no byte for what a binding lacks. */
	b = slab_get(l->slab, binding_size(nranges, nspis, ncookies, policy));
	if (b == NULL)
		return NULL;
	b->remote_policy = (unsigned)policy & 3u;
	b->client = c;
	b->nranges = (uint8_t)nranges;
	b->nspis = (uint16_t)nspis;
	b->ncookies = (uint8_t)ncookies;
	b->bind_id = bind_id != 0 ? bind_id : draw_bind_id(l, c);
	__builtin_prefetch(binding_bucket(l, c->client_id, b->bind_id));
	return b;
}

const struct addr *
lease_local(const struct lease_binding *b)
{
	return &pool_at(b->client->pool, b->pool)->addr;
}

uint64_t *
lease_cookies(struct lease_binding *b)
{
	/* Aligned; where there are none, no byte is lost for that. */
	return (uint64_t *)(void *)(b + 1);
}

uint32_t *
lease_spis(struct lease_binding *b)
{
	return b->ncookies == 0 ? b->data :
	    (uint32_t *)(void *)(lease_cookies(b) + b->ncookies);
}

struct demux_range *
lease_ranges(struct lease_binding *b)
{
	_Static_assert(sizeof(struct demux_range) == sizeof(uint32_t),
	    "ranges stand behind SPIs");

	return (struct demux_range *)(void *)&lease_spis(b)[b->nspis];
}

struct lease_remote *
lease_remote(struct lease_binding *b)
{
	return b->remote_policy == DEMUX_REMOTE_NONE ? NULL :
	    (struct lease_remote *)(void *)&lease_ranges(b)[b->nranges];
}

enum lease_kind
lease_kind(const struct lease_binding *b)
{
	if (b->listen)
		return LEASE_LISTEN;
	switch (b->method) {
	case RSIP_METHOD_RSA_IP:
		return LEASE_RSA_IP;
	case RSIP_METHOD_RSIPSEC:
		return LEASE_RSIPSEC;
	}
	return LEASE_RSAP_IP;
}

const char *
lease_kind_name(enum lease_kind k)
{
	static const char *const names[LEASE_KINDS] = {
		[LEASE_RSA_IP] = "RSA-IP", [LEASE_RSAP_IP] = "RSAP-IP",
		[LEASE_RSIPSEC] = "RSIPSEC", [LEASE_LISTEN] = "LISTEN" };

	return names[k];
}

int
leases_bind(struct leases *l, struct lease_binding *b, uint64_t at)
{
	struct lease_client   *c = b->client;
	struct lease_binding **bucket;

	if (!heap_room(l))
		return -1;
	bindings_grow(l);
	bucket = binding_bucket(l, c->client_id, b->bind_id);
	b->chain = *bucket;
	*bucket = b;
	LIST_INSERT_HEAD(&c->bindings, b, entry);
	stage_leave(l, c);
	stage_enter(l, c, LEASE_BOUND);
	l->nbindings++;
	l->nkind[lease_kind(b)]++;
	c->nbindings++;
	c->nports += b->nports;
	c->nspis += b->nspis;
	b->timer.is_binding = true;
	b->timer.at = at;
	heap_add(l, &b->timer);
	leases_extend(l, b, at);
	return 0;
}

void
leases_unbind(struct leases *l, struct lease_binding *b)
{
	struct lease_client   *c = b->client;
	struct lease_binding **bucket;

	bucket = binding_bucket(l, c->client_id, b->bind_id);
	while (*bucket != b)
		bucket = &(*bucket)->chain;
	*bucket = b->chain;
	LIST_REMOVE(b, entry);
	l->nbindings--;
	l->nkind[lease_kind(b)]--;
	c->nbindings--;
	c->nports -= b->nports;
	c->nspis -= b->nspis;
	if (c->nbindings == 0)
		stage_enter(l, c, LEASE_BARE);
	heap_remove(l, &b->timer);
	lease_binding_free(l, b);
}

void
leases_extend(struct leases *l, struct lease_binding *b, uint64_t at)
{
	struct lease_timer *c = &b->client->timer;

	b->timer.at = at;
	heap_fix(l, b->timer.slot);
	if (c->at < at) {
		c->at = at;
		heap_fix(l, c->slot);
	}
}

size_t
leases_bindings(const struct leases *l)
{
	return l->nbindings;
}

size_t
leases_of_kind(const struct leases *l, enum lease_kind k)
{
	return l->nkind[k];
}
