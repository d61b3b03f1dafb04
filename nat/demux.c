/* demux.c - the demux table's writer: bindings, learnt keys, growth and reclaiming */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "nat/demux.h"
#include "nat/demux_hash.h"
#include "nat/demux_reader.h"
#include "nat/demux_learn.h"

#define CHAINS_MIN 64

static size_t
chain_of(size_t nchains, uint32_t client_id, uint32_t bind_id)
{
	uint64_t h = (uint64_t)client_id << 32 | bind_id;

	/* The gateway draws these numbers itself: nobody chooses them. */
	h *= 0x9e3779b97f4a7c15;
	return (size_t)(h >> 32) & (nchains - 1);
}

/* n is a power of two. */
static int
chains_resize(struct demux *d, size_t n)
{
	struct demux_chain *chains, *c;
	struct demux_lease *l;

	chains = calloc(n, sizeof(*chains));
	if (chains == NULL)
		return -1;
	for (size_t i = 0; i < d->nchains; i++) {
		while ((l = d->leases[i].first) != NULL) {
			d->leases[i].first = l->next_of_ids;
			c = &chains[chain_of(n, l->client_id, l->bind_id)];
			l->next_of_ids = c->first;
			c->first = l;
		}
	}
	d->bytes += (n - d->nchains) * sizeof(*chains);
	free(d->leases);
	d->leases = chains;
	d->nchains = n;
	return 0;
}

struct demux *
demux_new(size_t max_entries)
{
	struct demux *d;

	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return NULL;
	d->bytes = sizeof(*d);
	d->max_entries = max_entries;
	random_bytes(&d->seed, sizeof(d->seed));
	for (size_t i = 0; i < DEMUX_WISHES; i++)
		atomic_init(&d->wishes[i].turn, i);
	atomic_init(&d->epoch, 1);
	TAILQ_INIT(&d->learnt);
	STAILQ_INIT(&d->retired);
	SLIST_INIT(&d->locals);
	if (chains_resize(d, CHAINS_MIN) == -1
	    || demux_table_resize(d, 0) == -1) {
		free(d->leases);
		free(d);
		return NULL;
	}
	pthread_mutex_init(&d->lock, NULL);
	return d;
}

static void
lease_free(struct demux_lease *l)
{
	if (l == NULL)
		return;
	free(atomic_load(&l->passed));
	free(l->taught);
	free(l);
}

void
demux_free(struct demux *d)
{
	struct demux_lease   *l;
	struct demux_learnt  *e;
	struct demux_local   *a;

	if (d == NULL)
		return;
	while ((e = TAILQ_FIRST(&d->learnt)) != NULL) {
		TAILQ_REMOVE(&d->learnt, e, in_all);
		free(e);
	}
	for (size_t i = 0; i < d->nchains; i++) {
		while ((l = d->leases[i].first) != NULL) {
			d->leases[i].first = l->next_of_ids;
			lease_free(l);
		}
	}
	free(d->leases);
	while ((a = SLIST_FIRST(&d->locals)) != NULL) {
		SLIST_REMOVE_HEAD(&d->locals, next);
		for (size_t i = 0; i < 256; i++)
			free(atomic_load(&a->page[i]));
		free(a);
	}
	demux_reclaim(d, UINT64_MAX);
	free(atomic_load(&d->table));
	pthread_mutex_destroy(&d->lock);
	free(d);
}

void
demux_set_max(struct demux *d, size_t max_entries)
{
	d->max_entries = max_entries;
}

void
demux_set_local_ipsec(struct demux *d, bool on)
{
	atomic_store_explicit(&d->local_ipsec, on, memory_order_relaxed);
}

void
demux_watch(struct demux *d, const struct demux_watcher *w, void *arg)
{
	d->watcher = w;
	d->watcher_arg = arg;
}

static struct demux_lease *
find_lease(const struct demux *d, uint32_t client_id, uint32_t bind_id)
{
	struct demux_lease *l;
	size_t		    i = chain_of(d->nchains, client_id, bind_id);

	for (l = d->leases[i].first; l != NULL; l = l->next_of_ids) {
		if (l->client_id == client_id && l->bind_id == bind_id)
			break;
	}
	return l;
}

static void
chain_link(struct demux *d, struct demux_lease *l)
{
	struct demux_chain *c;

	/* Without memory chains become longer, no more. */
	if (d->nleases >= d->nchains)
		(void)chains_resize(d, d->nchains * 2);
	c = &d->leases[chain_of(d->nchains, l->client_id, l->bind_id)];
	l->next_of_ids = c->first;
	c->first = l;
	d->nleases++;
}

static void
chain_unlink(struct demux *d, struct demux_lease *l)
{
	struct demux_lease **c;

	c = &d->leases[chain_of(d->nchains, l->client_id, l->bind_id)].first;
	while (*c != l)
		c = &(*c)->next_of_ids;
	*c = l->next_of_ids;
	d->nleases--;
}

/* What a lease holds: cookies, SPIs and ranges lie behind it in this order. */
static uint64_t *
lease_cookies(struct demux_lease *l)
{
	return (uint64_t *)(void *)l->data;
}

static uint32_t *
lease_spis(struct demux_lease *l)
{
	return (uint32_t *)(void *)(l->data + l->ncookies * sizeof(uint64_t));
}

static struct demux_range *
lease_ports(struct demux_lease *l)
{
	return (struct demux_range *)(void *)(lease_spis(l) + l->nspis);
}

static size_t
lease_nkeys(const struct demux_lease *l)
{
	return (size_t)l->nspis + l->ncookies;
}

static struct demux_key
lease_key(struct demux_lease *l, size_t i)
{
	if (i < l->ncookies)
		return (struct demux_key) { .value = lease_cookies(l)[i],
			.local = l->local, .kind = DEMUX_KIND_COOKIE };
	return (struct demux_key) { .value = lease_spis(l)[i - l->ncookies],
		.local = l->local, .kind = DEMUX_KIND_SPI };
}

static size_t
lease_size(const struct demux_lease *l)
{
	return sizeof(*l) + l->ncookies * sizeof(uint64_t)
	    + l->nspis * sizeof(uint32_t)
	    + l->nports * sizeof(struct demux_range);
}

static struct demux_key
key_local(uint32_t local)
{
	return (struct demux_key) { .local = local, .kind = DEMUX_KIND_LOCAL };
}

static struct demux_key
key_host(uint32_t host, uint32_t local)
{
	return (struct demux_key) { .value = host, .local = local,
		.kind = DEMUX_KIND_HOST };
}

/* Does another host hold the address whole, or, for a whole binding, anything of it? */
static bool
local_is_taken(
    const struct demux *d, const struct demux_binding *b, struct demux_local *a)
{
	struct demux_lease *l;

	l = atomic_load(&a->whole);
	if (l != NULL && (b->whole || l->host != b->host))
		return true;
	if (!b->whole || a->nleases == 0)
		return false;
	for (size_t i = 0; i < d->nchains; i++) {
		for (l = d->leases[i].first; l != NULL;
		     l = l->next_of_ids) {
			if (l->local == b->local && l->host != b->host)
				return true;
		}
	}
	return false;
}

static struct demux_local *
local_get(struct demux *d, uint32_t addr)
{
	struct demux_key    k = key_local(addr);
	struct demux_local *a;

	a = demux_find(d, &k, NULL);
	if (a != NULL)
		return a;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	a->addr = addr;
	d->bytes += sizeof(*a);
	demux_insert(d, &k, a, 0);
	SLIST_INSERT_HEAD(&d->locals, a, next);
	return a;
}

/* Makes the pages of a local address that a range of ports lies in. */
static int
make_pages(struct demux *d, struct demux_local *a, struct demux_range r)
{
	struct demux_port_page *page;

	for (unsigned k = r.lo >> 8; k <= r.hi >> 8; k++) {
		if (atomic_load(&a->page[k]) != NULL)
			continue;
		page = calloc(1, sizeof(*page));
		if (page == NULL)
			return -1;
		d->bytes += sizeof(*page);
		atomic_store_explicit(&a->page[k], page, memory_order_release);
	}
	return 0;
}

/* Copies a binding and allocates all that inserting it will need. */
static struct demux_lease *
lease_new(struct demux *d, const struct demux_binding *b, struct demux_local *a)
{
	struct demux_lease  head = { .nspis = (uint16_t)b->nspis,
		 .ncookies = (uint16_t)b->ncookies,
		 .nports = (uint16_t)b->nports };
	struct demux_lease *l;

	l = calloc(1, lease_size(&head));
	if (l == NULL)
		return NULL;
	l->client_id = b->client_id;
	l->bind_id = b->bind_id;
	l->host = b->host;
	l->gateway = b->gateway;
	l->local = b->local;
	l->tunnel = (uint8_t)b->tunnel;
	l->whole = b->whole;
	l->ipsec = b->ipsec;
	l->remote_policy = (uint8_t)b->remote_policy;
	l->remote = b->remote;
	l->remote_ports = b->remote_ports;
	l->nspis = head.nspis;
	l->ncookies = head.ncookies;
	l->nports = head.nports;
	for (size_t i = 0; i < b->ncookies; i++)
		lease_cookies(l)[i] = b->cookies[i];
	for (size_t i = 0; i < b->nspis; i++)
		lease_spis(l)[i] = b->spis[i];
	for (size_t i = 0; i < b->nports; i++) {
		lease_ports(l)[i] = b->ports[i];
		if (make_pages(d, a, b->ports[i]) == -1) {
			lease_free(l);
			return NULL;
		}
	}
	return l;
}

static size_t
count_keys(struct demux_lease *l)
{
	size_t n = 1 + lease_nkeys(l);

	for (size_t i = 0; i < l->nports; i++)
		n += (size_t)(lease_ports(l)[i].hi - lease_ports(l)[i].lo) + 1;
	return n;
}

static bool
is_taken(struct demux *d, struct demux_lease *l, struct demux_local *a)
{
	const struct demux_range *r = lease_ports(l);
	struct demux_key	  k;

	for (size_t i = 0; i < lease_nkeys(l); i++) {
		k = lease_key(l, i);
		if (demux_find(d, &k, NULL) != NULL)
			return true;
	}
	for (size_t i = 0; i < l->nports; i++) {
		for (unsigned p = r[i].lo; p <= r[i].hi; p++) {
			if (demux_find_port(a, (uint16_t)p) != NULL)
				return true;
		}
	}
	return false;
}

static void
set_ports(
    struct demux_local *a, struct demux_lease *l, struct demux_lease *owner)
{
	const struct demux_range *r = lease_ports(l);
	struct demux_port_page	 *page;

	for (size_t i = 0; i < l->nports; i++) {
		for (unsigned p = r[i].lo; p <= r[i].hi; p++) {
			page = atomic_load(&a->page[p >> 8]);
			atomic_store_explicit(&page->port[p & 255], owner,
			    memory_order_release);
		}
	}
}

/* Puts a lease in front of its host's others at this address. */
static void
host_link(struct demux *d, struct demux_lease *l)
{
	struct demux_key    k = key_host(l->host, l->local);
	struct demux_slot  *s;
	struct demux_lease *first;

	first = demux_find(d, &k, &s);
	atomic_store(&l->next_of_host, first);
	if (first == NULL)
		demux_insert(d, &k, l, 0);
	else
		atomic_store_explicit(&s->owner, l, memory_order_release);
}

static void
host_unlink(struct demux *d, struct demux_lease *l)
{
	struct demux_key    k = key_host(l->host, l->local);
	struct demux_slot  *s;
	struct demux_lease *p, *next;

	p = demux_find(d, &k, &s);
	next = atomic_load(&l->next_of_host);
	if (p == l) {
		if (next == NULL)
			demux_erase(d, &k);
		else
			atomic_store_explicit(
			    &s->owner, next, memory_order_release);
		return;
	}
	while (p != NULL && atomic_load(&p->next_of_host) != l)
		p = atomic_load(&p->next_of_host);
	if (p != NULL)
		atomic_store_explicit(
		    &p->next_of_host, next, memory_order_release);
}

int
demux_add(struct demux *d, const struct demux_binding *b)
{
	struct demux_lease *l = NULL;
	struct demux_local *a;
	struct demux_key    k;
	size_t		    keys;
	int		    error = 0;

	demux_lock(d);
	if (find_lease(d, b->client_id, b->bind_id) != NULL) {
		error = EEXIST;
		goto out;
	}
	for (size_t i = 0; i < b->nports; i++) {
		if (b->ports[i].lo > b->ports[i].hi) {
			error = EINVAL;
			goto out;
		}
	}
	/* One for the address, one for the host. */
	if (b->nspis + b->ncookies > d->max_entries || b->nspis > UINT16_MAX
	    || b->ncookies > UINT16_MAX || b->nports > UINT16_MAX) {
		error = ENOSPC;
		goto out;
	}
	if (demux_table_reserve(d, b->nspis + b->ncookies + 2) == -1
	    || (a = local_get(d, b->local)) == NULL
	    || (l = lease_new(d, b, a)) == NULL) {
		error = ENOMEM;
		goto out;
	}
	keys = count_keys(l);
	if (d->entries + keys > d->max_entries)
		error = ENOSPC;
	else if (local_is_taken(d, b, a) || is_taken(d, l, a))
		error = EEXIST;
	if (error != 0) {
		lease_free(l);
		goto out;
	}
	chain_link(d, l);
	d->entries += keys;
	d->bytes += lease_size(l);
	host_link(d, l);
	a->nleases++;
	if (l->whole)
		atomic_store_explicit(&a->whole, l, memory_order_release);
	set_ports(a, l, l);
	for (size_t i = 0; i < lease_nkeys(l); i++) {
		/* The same one twice in a request is there once. */
		k = lease_key(l, i);
		if (demux_find(d, &k, NULL) == NULL)
			demux_insert(d, &k, l, 0);
	}
out:
	demux_unlock(d);
	if (error == 0 && d->watcher != NULL)
		d->watcher->added(d->watcher_arg, b->client_id, b->bind_id);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

int
demux_remove(struct demux *d, uint32_t client_id, uint32_t bind_id)
{
	struct demux_lease  *l;
	struct demux_passed *passed;
	struct demux_local  *a;
	struct demux_key     k;

	if (d->watcher != NULL)
		d->watcher->removed(d->watcher_arg, client_id, bind_id);
	demux_lock(d);
	l = find_lease(d, client_id, bind_id);
	if (l == NULL) {
		demux_unlock(d);
		return -1;
	}
	l->dead = true;
	demux_forget_all(d, l);
	for (size_t i = 0; i < lease_nkeys(l); i++) {
		k = lease_key(l, i);
		demux_erase(d, &k);
	}
	k = key_local(l->local);
	a = demux_find(d, &k, NULL);
	a->nleases--;
	set_ports(a, l, NULL);
	if (l->whole)
		atomic_store(&a->whole, NULL);
	host_unlink(d, l);
	chain_unlink(d, l);
	d->entries -= count_keys(l);
	d->bytes -= lease_size(l);
	passed = atomic_exchange(&l->passed, NULL);
	if (passed != NULL) {
		d->bytes -= sizeof(*passed);
		demux_retire(d, passed);
	}
	demux_retire(d, l);
	demux_unlock(d);
	return 0;
}

void
demux_tick(struct demux *d, uint64_t now)
{
	uint64_t oldest;

	demux_lock(d);
	demux_expire(d, now);
	if (demux_table_full(d, 72))
		(void)demux_table_resize(d, atomic_load(&d->table)->used);
	/* First who may still be inside, then all that they wished for, then
	 * free: a wish may name a lease that was removed meanwhile. */
	oldest = demux_oldest_reader(d);
	if (demux_drain(d))
		demux_reclaim(d, oldest);
	demux_unlock(d);
}

int
demux_usage(const struct demux *d, uint32_t client_id, uint32_t bind_id,
    struct demux_usage *out)
{
	const struct demux_lease  *l;
	const struct demux_passed *passed;

	l = find_lease(d, client_id, bind_id);
	if (l == NULL)
		return -1;
	memset(out, 0, sizeof(*out));
	out->last_used = atomic_load(&l->last_used);
	passed = atomic_load(&l->passed);
	if (passed != NULL) {
		out->packets_in = atomic_load(&passed->packets_in);
		out->bytes_in = atomic_load(&passed->bytes_in);
		out->packets_out = atomic_load(&passed->packets_out);
		out->bytes_out = atomic_load(&passed->bytes_out);
	}
	if (d->watcher != NULL)
		d->watcher->usage(d->watcher_arg, client_id, bind_id, out);
	return 0;
}

static struct demux_entry
make_entry(const struct demux_lease *l)
{
	return (struct demux_entry) {
		.local = l->local,
		.host = l->host,
		.client_id = l->client_id,
		.bind_id = l->bind_id,
		.last_used = atomic_load(&l->last_used),
	};
}

static struct demux_entry
make_key_entry(const struct demux_lease *l, struct demux_key k)
{
	struct demux_entry e = make_entry(l);

	e.key = k.value;
	e.remote = k.remote;
	switch (k.kind) {
	case DEMUX_KIND_SPI:
		e.kind = "spi";
		break;
	case DEMUX_KIND_COOKIE:
		e.kind = "cookie";
		e.protocol = 17;
		break;
	case DEMUX_KIND_ICMP:
		e.kind = "icmp";
		e.protocol = 1;
		break;
	case DEMUX_KIND_ANSWER:
		e.kind = "answer";
		e.protocol = (uint8_t)(k.value >> 32);
		e.key = (uint32_t)k.value;
		break;
	case DEMUX_KIND_PEER_SPI:
		e.kind = "peer-spi";
		e.protocol = (uint8_t)(k.value >> 32);
		e.key = (uint32_t)k.value;
		break;
	default:
		e.kind = NULL;
		break;
	}
	return e;
}

static void
each_learnt(const struct demux *d, struct demux_lease *l,
    const struct demux_learnt_list *list,
    void (*fn)(void *, const struct demux_entry *), void *arg)
{
	struct demux_learnt *learnt;
	struct demux_slot   *s;
	struct demux_entry   e;

	TAILQ_FOREACH(learnt, list, in_class)
	{
		e = make_key_entry(l, learnt->key);
		if (e.kind == NULL || demux_find(d, &learnt->key, &s) == NULL)
			continue;
		e.last_used = (uint64_t)atomic_load(&s->last_used) * 1000;
		fn(arg, &e);
	}
}

static void
each_of_lease(const struct demux *d, struct demux_lease *l,
    void (*fn)(void *, const struct demux_entry *), void *arg)
{
	const struct demux_range *r = lease_ports(l);
	struct demux_entry	  e;

	for (size_t i = 0; i < l->nports; i++) {
		e = make_entry(l);
		e.kind = "port";
		e.key = (uint64_t)r[i].lo << 16 | r[i].hi;
		fn(arg, &e);
	}
	for (size_t i = 0; i < lease_nkeys(l); i++) {
		e = make_key_entry(l, lease_key(l, i));
		fn(arg, &e);
	}
	for (unsigned c = 0; c < DEMUX_CLASSES && l->taught != NULL; c++)
		each_learnt(d, l, &l->taught->list[c], fn, arg);
}

void
demux_each(const struct demux *d,
    void (*fn)(void *, const struct demux_entry *), void *arg)
{
	struct demux *w = (struct demux *)(uintptr_t)d;

	/* Readers that want to learn meanwhile leave it in the queue. */
	demux_lock(w);
	for (size_t i = 0; i < d->nchains; i++) {
		for (struct demux_lease *l = d->leases[i].first; l != NULL;
		     l = l->next_of_ids)
			each_of_lease(d, l, fn, arg);
	}
	demux_unlock(w);
}

void
demux_count(
    const struct demux *d, size_t *bindings, size_t *keys, size_t *bytes)
{
	struct demux *w = (struct demux *)(uintptr_t)d;

	demux_lock(w);
	if (bindings != NULL)
		*bindings = d->nleases;
	if (keys != NULL)
		*keys = d->entries + d->nlearnt;
	if (bytes != NULL)
		*bytes = d->bytes;
	demux_unlock(w);
}
