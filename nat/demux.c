/* demux.c - the demux table's writer: bindings, learnt keys, growth and reclaiming */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/slab.h"
#include "base/util.h"
#include "nat/demux.h"
#include "nat/demux_hash.h"
#include "nat/demux_key.h"
#include "nat/demux_reader.h"
#include "nat/demux_learn.h"

#define REMOVED_AT_ONCE	1024	/* entries, and their memory is looked at
				 * before the next tick */

struct demux *
demux_new(size_t max_keys)
{
	struct demux *d;

	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return NULL;
	d->bytes = sizeof(*d);
	d->max_keys = max_keys;
	random_bytes(&d->seed, sizeof(d->seed));
	for (size_t i = 0; i < DEMUX_WISHES; i++)
		atomic_init(&d->wishes[i].turn, i);
	atomic_init(&d->epoch, 1);
	TAILQ_INIT(&d->learnt);
	STAILQ_INIT(&d->retired);
	SLIST_INIT(&d->locals);
	if ((d->slab = slab_new()) == NULL || demux_table_resize(d, 0) == -1) {
		slab_free(d->slab);
		free(d);
		return NULL;
	}
	pthread_mutex_init(&d->lock, NULL);
	return d;
}

/*
 * Calls fn for every entry, each of which is in one list: of its host's at its
 * address.  The writer's own.
 */
static void
each_entry(const struct demux *d, bool (*fn)(void *, struct demux_entry *),
    void *arg)
{
	struct demux_table *t = atomic_load(&d->table);
	struct demux_entry *e, *next;
	size_t		    i;

	for (i = 0; i < t->nslots; i++) {
		e = demux_slot_owner(&t->slots[i], DEMUX_KIND_HOST);
		for (; e != NULL; e = next) {
			next = atomic_load(&e->next_of_host);
			if (!fn(arg, e))
				return;
		}
	}
}

static bool
free_one(void *arg, struct demux_entry *e)
{
	demux_entry_free(arg, e);
	return true;
}

void
demux_free(struct demux *d)
{
	struct demux_learnt  *t;
	struct demux_local   *a;

	if (d == NULL)
		return;
	while ((t = TAILQ_FIRST(&d->learnt)) != NULL) {
		TAILQ_REMOVE(&d->learnt, t, in_all);
		free(t);
	}
	each_entry(d, free_one, d);
	while ((a = SLIST_FIRST(&d->locals)) != NULL) {
		SLIST_REMOVE_HEAD(&d->locals, next);
		for (size_t i = 0; i < 256; i++)
			free(atomic_load(&a->page[i]));
		free(a);
	}
	demux_reclaim(d, UINT64_MAX);
	free(atomic_load(&d->table));
	slab_free(d->slab);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

void
demux_set_max(struct demux *d, size_t max_keys)
{
	d->max_keys = max_keys;
}

void
demux_set_local_ipsec(struct demux *d, bool on)
{
	atomic_store_explicit(&d->local_ipsec, on, memory_order_relaxed);
}

void
demux_set_refuse_ike(struct demux *d, bool on)
{
	atomic_store_explicit(&d->refuse_ike, on, memory_order_relaxed);
}

bool
demux_refuses_ike(const struct demux *d)
{
	return atomic_load_explicit(&d->refuse_ike, memory_order_relaxed);
}

void
demux_watch(struct demux *d, const struct demux_watcher *w, void *arg)
{
	d->watcher = w;
	d->watcher_arg = arg;
}

static size_t
entry_nkeys(const struct demux_entry *e)
{
	return (size_t)e->nspis + e->ncookies;
}

static struct demux_key
entry_key(struct demux_entry *e, size_t i)
{
	if (i < e->ncookies)
		return (struct demux_key) { .value = demux_entry_cookies(e)[i],
			.local = e->local, .kind = DEMUX_KIND_COOKIE };
	i -= e->ncookies;
	return (struct demux_key) { .value = demux_entry_spis(e)[i],
		.local = e->local, .kind = DEMUX_KIND_SPI };
}

/* Another host's entry at the address of one that is new. */
struct others {
	const struct demux_entry *new;
	bool found;
};

static bool
is_other(void *arg, struct demux_entry *e)
{
	struct others *o = arg;

	o->found = demux_addr_equal(e->local, o->new->local) &&
	    !demux_addr_equal(e->host, o->new->host);
	return !o->found;
}

/* Does another host hold the address whole, or, for a whole binding, anything
 * of it?  */
static bool
local_is_taken(const struct demux *d, const struct demux_entry *new,
    struct demux_local *a)
{
	struct others	    o = { new, false };
	struct demux_entry *e;

	e = atomic_load(&a->whole);
	if (e != NULL &&
	    (new->whole || !demux_addr_equal(e->host, new->host)))
		return true;
	if (new->whole && a->nentries != 0)
		each_entry(d, is_other, &o);
	return o.found;
}

static struct demux_local *
local_get(struct demux *d, struct demux_addr addr)
{
	struct demux_key    k = demux_key_local(addr);
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
static struct demux_entry *
entry_new(struct demux *d, const struct demux_binding *b, struct demux_local *a)
{
	struct demux_entry  head = { .nspis = (uint16_t)b->nspis,
		 .ncookies = (uint8_t)b->ncookies,
		 .nports = (uint16_t)b->nports,
		 .remote_policy = (unsigned)b->remote_policy & 3u };
	struct demux_entry *e;

	e = slab_get(d->slab, demux_entry_size(&head));
	if (e == NULL)
		return NULL;
	e->grantor = (uint8_t)b->grantor;
	e->client_id = b->client_id;
	e->bind_id = b->bind_id;
	e->host = demux_addr_of(&b->host);
	e->gateway = demux_addr_of(&b->gateway);
	e->local = demux_addr_of(&b->local);
	e->tunnel = (unsigned)b->tunnel & 3u;
	e->whole = b->whole;
	e->ipsec = b->ipsec;
	e->remote_policy = head.remote_policy;
	e->nspis = head.nspis;
	e->ncookies = head.ncookies;
	e->nports = head.nports;
	if (e->remote_policy != DEMUX_REMOTE_NONE)
		*demux_entry_peer(e) = (struct demux_peer){
			demux_addr_of(&b->remote), b->remote_ports };
	for (size_t i = 0; i < b->ncookies; i++)
		demux_entry_cookies(e)[i] = b->cookies[i];
	for (size_t i = 0; i < b->nspis; i++)
		demux_entry_spis(e)[i] = b->spis[i];
	for (size_t i = 0; i < b->nports; i++) {
		demux_entry_ports(e)[i] = b->ports[i];
		if (make_pages(d, a, b->ports[i]) == -1) {
			demux_entry_free(d, e);
			return NULL;
		}
	}
	return e;
}

static size_t
count_keys(struct demux_entry *e)
{
	const struct demux_range *r = demux_entry_ports(e);
	size_t			  n = 1 + entry_nkeys(e);

	for (size_t i = 0; i < e->nports; i++)
		n += (size_t)(r[i].hi - r[i].lo) + 1;
	return n;
}

static bool
is_taken(struct demux *d, struct demux_entry *e, struct demux_local *a)
{
	const struct demux_range *r = demux_entry_ports(e);
	struct demux_key	  k;

	for (size_t i = 0; i < entry_nkeys(e); i++) {
		k = entry_key(e, i);
		if (demux_find(d, &k, NULL) != NULL)
			return true;
	}
	for (size_t i = 0; i < e->nports; i++) {
		for (unsigned p = r[i].lo; p <= r[i].hi; p++) {
			if (demux_find_port(a, (uint16_t)p) != NULL)
				return true;
		}
	}
	return false;
}

static void
set_ports(struct demux_local *a, struct demux_entry *e,
    struct demux_entry *owner)
{
	const struct demux_range *r = demux_entry_ports(e);
	struct demux_port_page	 *page;

	for (size_t i = 0; i < e->nports; i++) {
		for (unsigned p = r[i].lo; p <= r[i].hi; p++) {
			page = atomic_load(&a->page[p >> 8]);
			atomic_store_explicit(&page->port[p & 255], owner,
			    memory_order_release);
		}
	}
}

/* Puts an entry in front of its host's others at this address. */
static void
host_link(struct demux *d, struct demux_entry *e)
{
	struct demux_key    k = demux_key_host(e->host, e->local);
	struct demux_slot  *s;
	struct demux_entry *first;

	first = demux_find(d, &k, &s);
	atomic_store(&e->next_of_host, first);
	if (first == NULL)
		demux_insert(d, &k, e, 0);
	else
		atomic_store_explicit(&s->owner, e, memory_order_release);
}

static void
host_unlink(struct demux *d, struct demux_entry *e)
{
	struct demux_key    k = demux_key_host(e->host, e->local);
	struct demux_slot  *s;
	struct demux_entry *p, *next;

	p = demux_find(d, &k, &s);
	next = atomic_load(&e->next_of_host);
	if (p == e) {
		if (next == NULL)
			demux_erase(d, &k);
		else
			atomic_store_explicit(&s->owner, next,
			    memory_order_release);
		return;
	}
	while (p != NULL && atomic_load(&p->next_of_host) != e)
		p = atomic_load(&p->next_of_host);
	if (p != NULL)
		atomic_store_explicit(&p->next_of_host, next,
		    memory_order_release);
}

/* None of them is nobody's (demux_addr_of()). */
static bool
is_ipv4(const struct demux_binding *b)
{
	return addr_v4(&b->host) != 0 && addr_v4(&b->gateway) != 0 &&
	    addr_v4(&b->local) != 0 && b->remote.family != AF_INET6;
}

struct demux_entry *
demux_add(struct demux *d, const struct demux_binding *b)
{
	struct demux_entry *e = NULL;
	struct demux_local *a;
	struct demux_key    k;
	size_t		    keys;
	int		    error = 0;

	demux_lock(d);
	if (!is_ipv4(b)) {
		error = EAFNOSUPPORT;
		goto out;
	}
	k = demux_key_host(demux_addr_of(&b->host), demux_addr_of(&b->local));
	demux_ahead(d, &k);
	for (size_t i = 0; i < b->nports; i++) {
		if (b->ports[i].lo > b->ports[i].hi) {
			error = EINVAL;
			goto out;
		}
	}
	/* One for the address, one for the host. */
	if (b->nspis + b->ncookies > d->max_keys || b->nspis > UINT16_MAX ||
	    b->ncookies > UINT8_MAX || b->nports > UINT16_MAX ||
	    b->grantor > UINT8_MAX) {
		error = ENOSPC;
		goto out;
	}
	if (demux_table_reserve(d, b->nspis + b->ncookies + 2) == -1 ||
	    (a = local_get(d, demux_addr_of(&b->local))) == NULL ||
	    (e = entry_new(d, b, a)) == NULL) {
		error = ENOMEM;
		goto out;
	}
	keys = count_keys(e);
	if (d->nkeys + keys > d->max_keys)
		error = ENOSPC;
	else if (local_is_taken(d, e, a) || is_taken(d, e, a))
		error = EEXIST;
	if (error != 0) {
		demux_entry_free(d, e);
		goto out;
	}
	d->nentries++;
	d->nkeys += keys;
	d->bytes += demux_entry_size(e);
	host_link(d, e);
	a->nentries++;
	if (e->whole)
		atomic_store_explicit(&a->whole, e, memory_order_release);
	set_ports(a, e, e);
	for (size_t i = 0; i < entry_nkeys(e); i++) {
		/* The same one twice in a request is there once. */
		k = entry_key(e, i);
		if (demux_find(d, &k, NULL) == NULL)
			demux_insert(d, &k, e, 0);
	}
out:
	demux_unlock(d);
	if (error != 0) {
		errno = error;
		return NULL;
	}
	if (d->watcher != NULL)
		atomic_store_explicit(&e->slot,
		    d->watcher->added(d->watcher_arg, b), memory_order_relaxed);
	return e;
}

static void
tell_removed(struct demux *d, struct demux_entry *e)
{
	const struct demux_peer	   peer = e->remote_policy !=
	    DEMUX_REMOTE_NONE ? *demux_entry_peer(e) :
	    (struct demux_peer){ 0 };
	const struct demux_binding b = { .grantor = e->grantor,
		.client_id = e->client_id, .bind_id = e->bind_id,
		.host = demux_addr_full(e->host),
		.gateway = demux_addr_full(e->gateway),
		.tunnel = e->tunnel, .local = demux_addr_full(e->local),
		.whole = e->whole, .ipsec = e->ipsec,
		.ports = demux_entry_ports(e), .nports = e->nports,
		.spis = demux_entry_spis(e), .nspis = e->nspis,
		.cookies = demux_entry_cookies(e), .ncookies = e->ncookies,
		.remote_policy = e->remote_policy,
		.remote = demux_addr_full(peer.addr),
		.remote_ports = peer.ports };

	d->watcher->removed(d->watcher_arg, atomic_load(&e->slot), &b);
}

/* First who may still be inside, then all that they wished for, then free: a
 * wish may name an entry that was removed meanwhile. */
static void
free_unseen(struct demux *d)
{
	uint64_t oldest = demux_oldest_reader(d);

	if (demux_drain(d))
		demux_reclaim(d, oldest);
}

void
demux_remove(struct demux *d, struct demux_entry *e)
{
	struct demux_passed *passed;
	struct demux_local  *a;
	struct demux_key     k;

	if (d->watcher != NULL)
		tell_removed(d, e);
	demux_lock(d);
	e->dead = true;
	demux_forget_all(d, e);
	for (size_t i = 0; i < entry_nkeys(e); i++) {
		k = entry_key(e, i);
		demux_erase(d, &k);
	}
	k = demux_key_local(e->local);
	a = demux_find(d, &k, NULL);
	a->nentries--;
	set_ports(a, e, NULL);
	if (e->whole)
		atomic_store(&a->whole, NULL);
	host_unlink(d, e);
	d->nentries--;
	d->nkeys -= count_keys(e);
	d->bytes -= demux_entry_size(e);
	passed = atomic_exchange(&e->passed, NULL);
	if (passed != NULL) {
		d->bytes -= sizeof(*passed);
		demux_retire(d, passed);
	}
	demux_retire_entry(d, e);
	if (++d->nremoved % REMOVED_AT_ONCE == 0)
		free_unseen(d);
	demux_unlock(d);
}

void
demux_tick(struct demux *d, uint64_t now)
{
	demux_lock(d);
	demux_expire(d, now);
	if (demux_table_full(d, 72))
		(void)demux_table_resize(d, atomic_load(&d->table)->used);
	free_unseen(d);
	demux_unlock(d);
}

bool
demux_rests(struct demux *d)
{
	bool rests;

	demux_lock(d);
	rests = demux_drain(d) && STAILQ_EMPTY(&d->retired) &&
	    d->nlearnt == 0 && !demux_table_full(d, 72);
	demux_unlock(d);
	return rests;
}

void
demux_usage(const struct demux *d, const struct demux_entry *e,
    struct demux_usage *out)
{
	const struct demux_passed *passed;

	memset(out, 0, sizeof(*out));
	out->last_used = (uint64_t)atomic_load(&e->last_used) * 1000;
	passed = atomic_load(&e->passed);
	if (passed != NULL) {
		out->packets_in = atomic_load(&passed->packets_in);
		out->bytes_in = atomic_load(&passed->bytes_in);
		out->packets_out = atomic_load(&passed->packets_out);
		out->bytes_out = atomic_load(&passed->bytes_out);
	}
	if (d->watcher != NULL)
		d->watcher->usage(d->watcher_arg, atomic_load(&e->slot), out);
}

static struct demux_row
make_row(const struct demux *d, const struct demux_entry *e)
{
	struct demux_row row = {
		.local = demux_addr_full(e->local),
		.host = demux_addr_full(e->host),
		.grantor = e->grantor,
		.client_id = e->client_id,
		.bind_id = e->bind_id,
	};

	demux_usage(d, e, &row.used);
	row.last_used = row.used.last_used;
	return row;
}

static struct demux_row
make_key_row(const struct demux *d, const struct demux_entry *e,
    struct demux_key k)
{
	struct demux_row row = make_row(d, e);

	row.key = k.value;
	row.remote = demux_addr_full(k.remote);
	switch (k.kind) {
	case DEMUX_KIND_SPI:
		row.kind = "spi";
		break;
	case DEMUX_KIND_COOKIE:
		row.kind = "cookie";
		row.protocol = 17;
		break;
	case DEMUX_KIND_ICMP:
		row.kind = "icmp";
		row.protocol = 1;
		break;
	case DEMUX_KIND_ANSWER:
		row.kind = "answer";
		row.protocol = (uint8_t)(k.value >> 32);
		row.key = (uint32_t)k.value;
		break;
	case DEMUX_KIND_PEER_SPI:
		row.kind = "peer-spi";
		row.protocol = (uint8_t)(k.value >> 32);
		row.key = (uint32_t)k.value;
		break;
	default:
		row.kind = NULL;
		break;
	}
	return row;
}

static void
each_learnt(const struct demux *d, struct demux_entry *e,
    const struct demux_learnt_list *list,
    void (*fn)(void *, const struct demux_row *), void *arg)
{
	struct demux_learnt *learnt;
	struct demux_slot   *s;
	struct demux_row   row;

	TAILQ_FOREACH(learnt, list, in_class)
	{
		row = make_key_row(d, e, learnt->key);
		if (row.kind == NULL || demux_find(d, &learnt->key, &s) == NULL)
			continue;
		row.last_used = (uint64_t)atomic_load(&s->last_used) * 1000;
		fn(arg, &row);
	}
}

struct row_reader {
	const struct demux *d;
	void (*fn)(void *, const struct demux_row *);
	void *arg;
};

static bool
each_of_entry(void *arg, struct demux_entry *e)
{
	const struct row_reader	 *to = arg;
	const struct demux_range *r = demux_entry_ports(e);
	struct demux_row	  row;

	for (size_t i = 0; i < e->nports; i++) {
		row = make_row(to->d, e);
		row.kind = "port";
		row.key = (uint64_t)r[i].lo << 16 | r[i].hi;
		to->fn(to->arg, &row);
	}
	for (size_t i = 0; i < entry_nkeys(e); i++) {
		row = make_key_row(to->d, e, entry_key(e, i));
		to->fn(to->arg, &row);
	}
	for (unsigned c = 0; c < DEMUX_CLASSES && e->taught != NULL; c++)
		each_learnt(to->d, e, &e->taught->list[c], to->fn, to->arg);
	return true;
}

void
demux_each(const struct demux *d,
    void (*fn)(void *, const struct demux_row *), void *arg)
{
	struct demux	 *w = (struct demux *)(uintptr_t)d;
	struct row_reader r = { d, fn, arg };

	/* Readers that want to learn meanwhile leave it in the queue. */
	demux_lock(w);
	each_entry(d, each_of_entry, &r);
	demux_unlock(w);
}

void
demux_count(const struct demux *d, size_t *bindings, size_t *keys,
    size_t *bytes)
{
	struct demux *w = (struct demux *)(uintptr_t)d;

	demux_lock(w);
	if (bindings != NULL)
		*bindings = d->nentries;
	if (keys != NULL)
		*keys = d->nkeys + d->nlearnt;
	if (bytes != NULL)
		*bytes = d->bytes;
	demux_unlock(w);
}
