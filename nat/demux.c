/* demux.c - the demux table's writer: bindings, learnt keys, growth and reclaiming */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "nat/demux_table.h"

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
	if (demux_table_resize(d, 0) == -1) {
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
	free(l->ports);
	free(l->keys);
	free(l);
}

void
demux_free(struct demux *d)
{
	struct demux_lease   *l, *next;
	struct demux_learnt  *e;
	struct demux_local   *a;

	if (d == NULL)
		return;
	while ((e = TAILQ_FIRST(&d->learnt)) != NULL) {
		TAILQ_REMOVE(&d->learnt, e, in_all);
		free(e);
	}
	HASH_ITER(hh, d->leases, l, next)
	{
		HASH_DEL(d->leases, l);
		lease_free(l);
	}
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

static uint64_t
make_ids(uint32_t client_id, uint32_t bind_id)
{
	return (uint64_t)client_id << 32 | bind_id;
}

static struct demux_lease *
find_lease(const struct demux *d, uint32_t client_id, uint32_t bind_id)
{
	struct demux_lease *l;
	uint64_t	    ids = make_ids(client_id, bind_id);

	HASH_FIND(hh, d->leases, &ids, sizeof(ids), l);
	return l;
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
	struct demux_lease *l, *next;

	l = atomic_load(&a->whole);
	if (l != NULL && (b->whole || l->host != b->host))
		return true;
	if (!b->whole || a->nleases == 0)
		return false;
	HASH_ITER(hh, d->leases, l, next)
	{
		if (l->local == b->local && l->host != b->host)
			return true;
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

/* Copies a binding and allocates all that inserting it will need. */
static struct demux_lease *
lease_new(struct demux *d, const struct demux_binding *b, struct demux_local *a)
{
	struct demux_lease     *l;
	struct demux_port_page *page;
	size_t			n = 0;

	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	l->client_id = b->client_id;
	l->bind_id = b->bind_id;
	l->ids = make_ids(b->client_id, b->bind_id);
	l->host = b->host;
	l->gateway = b->gateway;
	l->local = b->local;
	l->tunnel = b->tunnel;
	l->whole = b->whole;
	l->ipsec = b->ipsec;
	l->listen = b->listen;
	l->remote_policy = b->remote_policy;
	l->remote = b->remote;
	l->remote_ports = b->remote_ports;
	TAILQ_INIT(&l->learnt);
	l->nports = b->nports;
	l->nkeys = b->nspis + b->ncookies;
	l->ports = calloc(b->nports + 1, sizeof(l->ports[0]));
	l->keys = calloc(l->nkeys + 1, sizeof(l->keys[0]));
	if (l->ports == NULL || l->keys == NULL)
		goto fail;
	for (size_t i = 0; i < b->nports; i++) {
		l->ports[i] = b->ports[i];
		for (unsigned k = b->ports[i].lo >> 8; k <= b->ports[i].hi >> 8;
		    k++) {
			if (atomic_load(&a->page[k]) != NULL)
				continue;
			page = calloc(1, sizeof(*page));
			if (page == NULL)
				goto fail;
			d->bytes += sizeof(*page);
			atomic_store_explicit(
			    &a->page[k], page, memory_order_release);
		}
	}
	for (size_t i = 0; i < b->nspis; i++)
		l->keys[n++] = (struct demux_key) { .value = b->spis[i],
			.local = b->local, .kind = DEMUX_KIND_SPI };
	for (size_t i = 0; i < b->ncookies; i++)
		l->keys[n++] = (struct demux_key) { .value = b->cookies[i],
			.local = b->local, .kind = DEMUX_KIND_COOKIE };
	return l;
fail:
	lease_free(l);
	return NULL;
}

static size_t
count_keys(const struct demux_lease *l)
{
	size_t n = 1 + l->nkeys;

	for (size_t i = 0; i < l->nports; i++)
		n += (size_t)(l->ports[i].hi - l->ports[i].lo) + 1;
	return n;
}

static size_t
lease_bytes(const struct demux_lease *l)
{
	return sizeof(*l) + (l->nports + 1) * sizeof(l->ports[0])
	    + (l->nkeys + 1) * sizeof(l->keys[0]);
}

static bool
is_taken(struct demux *d, const struct demux_lease *l, struct demux_local *a)
{
	for (size_t i = 0; i < l->nkeys; i++) {
		if (demux_find(d, &l->keys[i], NULL) != NULL)
			return true;
	}
	for (size_t i = 0; i < l->nports; i++) {
		for (unsigned p = l->ports[i].lo; p <= l->ports[i].hi; p++) {
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
	struct demux_port_page *page;

	for (size_t i = 0; i < l->nports; i++) {
		for (unsigned p = l->ports[i].lo; p <= l->ports[i].hi; p++) {
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
	if (b->nspis + b->ncookies > d->max_entries) {
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
	HASH_ADD(hh, d->leases, ids, sizeof(l->ids), l);
	d->entries += keys;
	d->bytes += lease_bytes(l);
	host_link(d, l);
	a->nleases++;
	if (l->whole)
		atomic_store_explicit(&a->whole, l, memory_order_release);
	set_ports(a, l, l);
	for (size_t i = 0; i < l->nkeys; i++) {
		/* The same one twice in a request is there once. */
		if (demux_find(d, &l->keys[i], NULL) == NULL)
			demux_insert(d, &l->keys[i], l, 0);
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
	struct demux_local  *a;
	struct demux_learnt *e;
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
	while ((e = TAILQ_FIRST(&l->learnt)) != NULL)
		demux_forget(d, e);
	for (size_t i = 0; i < l->nkeys; i++)
		demux_erase(d, &l->keys[i]);
	k = key_local(l->local);
	a = demux_find(d, &k, NULL);
	a->nleases--;
	set_ports(a, l, NULL);
	if (l->whole)
		atomic_store(&a->whole, NULL);
	host_unlink(d, l);
	HASH_DEL(d->leases, l);
	d->entries -= count_keys(l);
	d->bytes -= lease_bytes(l);
	free(l->ports);
	free(l->keys);
	l->ports = NULL;
	l->keys = NULL;
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
	if (demux_table_full(d, 50))
		(void)demux_table_resize(d, atomic_load(&d->table)->used);
	/* First who may still be inside, then what they wished for, then free:
	 * a wish may name a lease that was removed meanwhile. */
	oldest = demux_oldest_reader(d);
	demux_drain(d);
	demux_reclaim(d, oldest);
	demux_unlock(d);
}

int
demux_usage(const struct demux *d, uint32_t client_id, uint32_t bind_id,
    struct demux_usage *out)
{
	const struct demux_lease *l;

	l = find_lease(d, client_id, bind_id);
	if (l == NULL)
		return -1;
	out->last_used = atomic_load(&l->last_used);
	out->packets_in = atomic_load(&l->packets_in);
	out->bytes_in = atomic_load(&l->bytes_in);
	out->packets_out = atomic_load(&l->packets_out);
	out->bytes_out = atomic_load(&l->bytes_out);
	if (d->watcher != NULL)
		d->watcher->usage(d->watcher_arg, client_id, bind_id, out);
	return 0;
}

static struct demux_entry
make_entry(const struct demux_lease *l, const struct demux_key *k)
{
	struct demux_entry e = {
		.local = l->local,
		.host = l->host,
		.client_id = l->client_id,
		.bind_id = l->bind_id,
		.last_used = atomic_load(&l->last_used),
	};

	if (k == NULL)
		return e;
	e.key = k->value;
	e.remote = k->remote;
	switch (k->kind) {
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
	case DEMUX_KIND_PEER_SPI:
		e.kind = "peer-spi";
		e.protocol = (uint8_t)(k->value >> 32);
		e.key = (uint32_t)k->value;
		break;
	default:
		e.kind = NULL;
		break;
	}
	return e;
}

void
demux_each(const struct demux *d,
    void (*fn)(void *, const struct demux_entry *), void *arg)
{
	struct demux	    *w = (struct demux *)(uintptr_t)d;
	struct demux_lease  *l, *next;
	struct demux_learnt *learnt;
	struct demux_slot   *s;
	struct demux_entry   e;

	/* Readers that want to learn meanwhile leave it in the queue. */
	demux_lock(w);
	HASH_ITER(hh, d->leases, l, next)
	{
		for (size_t i = 0; i < l->nports; i++) {
			e = make_entry(l, NULL);
			e.kind = "port";
			e.key = (uint64_t)l->ports[i].lo << 16 | l->ports[i].hi;
			fn(arg, &e);
		}
		for (size_t i = 0; i < l->nkeys; i++) {
			e = make_entry(l, &l->keys[i]);
			fn(arg, &e);
		}
		TAILQ_FOREACH(learnt, &l->learnt, in_lease)
		{
			e = make_entry(l, &learnt->key);
			if (e.kind == NULL
			    || demux_find(d, &learnt->key, &s) == NULL)
				continue;
			e.last_used = (uint64_t)atomic_load(&s->last_used)
			    * 1000;
			fn(arg, &e);
		}
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
		*bindings = HASH_COUNT(d->leases);
	if (keys != NULL)
		*keys = d->entries + d->nlearnt;
	if (bytes != NULL)
		*bytes = d->bytes;
	demux_unlock(w);
}
