/* offload_lease.c - what the eBPF programs forward by: bindings, leases and learnt flows, written to their maps */
#include "config.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/util.h"
#include "nat/offload_lease.h"
#include "nat/offload_state.h"

#define REFRESH_NS	(10 * OFFLOAD_SECOND_NS)
#define RELEARN_MS	5000		/* a thread tells of one flow this often
					 * at most */
#define SLOT_REST	5		/* seconds: longer than any program
					 * looks at a slot */
#define NANOSECONDS_A_MS 1000000

#define PORT_IKE	500
#define PORT_IKE_NATT	4500

_Static_assert(sizeof(struct offload_key) == 16, "a key is two words");
_Static_assert(sizeof(struct offload_lease) == 16, "a key has no padding");
_Static_assert(sizeof(struct offload_binding) == 64, "a slot is a line");

/* The kernel reads it meanwhile: first what it was before, then this. */
static void
set_handle(__u64 *at, uint64_t handle)
{
	__atomic_store_n(at, handle, __ATOMIC_RELEASE);
}

/* --- slots ---------------------------------------------------------------- */

void
offload_slots_init(struct offload *o)
{
	uint32_t i;

	random_bytes(&o->generation, sizeof(o->generation));
	if (o->bindings.n > OFFLOAD_SLOT_MASK)
		o->bindings.n = OFFLOAD_SLOT_MASK;
	o->unused = xcalloc(o->bindings.n, sizeof(*o->unused));
	/* 0 is no slot. */
	for (i = 1; i < o->bindings.n; i++)
		o->unused[o->nunused++].number = i;
}

static struct offload_binding *
slot_at(const struct offload *o, uint32_t slot)
{
	return (struct offload_binding *)o->bindings.memory + slot;
}

static uint32_t
now_seconds(void)
{
	return (uint32_t)(offload_now() / OFFLOAD_SECOND_NS);
}

/* 0: all are taken, or were a moment ago. */
static uint32_t
slot_take(struct offload *o)
{
	const struct offload_unused *u = &o->unused[o->first_unused];

	if (o->nunused == 0 ||
	    (u->since != 0 && now_seconds() - u->since < SLOT_REST))
		return 0;
	o->first_unused = (o->first_unused + 1) % o->bindings.n;
	o->nunused--;
	return u->number;
}

static void
slot_give(struct offload *o, uint32_t number)
{
	struct offload_unused *u;

	u = &o->unused[(o->first_unused + o->nunused) % o->bindings.n];
	*u = (struct offload_unused){ .number = number,
		.since = now_seconds() };
	o->nunused++;
}

/* Neither half of it is 0 (offload_map.h), whatever the slot. */
static uint64_t
next_handle(struct offload *o, uint32_t number)
{
	uint64_t handle;

	do {
		handle = ++o->generation << OFFLOAD_SLOT_BITS | number;
	} while ((uint32_t)(handle & ~(uint64_t)OFFLOAD_SLOT_MASK) == 0 ||
	    handle >> 32 == 0);
	return handle;
}

/* --- leases --------------------------------------------------------------- */

static struct offload_local *
local_find(struct offload *o, const struct addr *addr)
{
	size_t i;

	for (i = 0; i < o->nlocals; i++) {
		if (addr_equal(&o->local[i].addr, addr))
			return &o->local[i];
	}
	return NULL;
}

/* The handles of an address' ports; NULL: there was no room for them. */
static __u64 *
local_ports(const struct offload *o, const struct offload_local *l)
{
	if (l->number == OFFLOAD_NO_PORTS)
		return NULL;
	return (__u64 *)o->ports.memory + (size_t)l->number * OFFLOAD_PORTS;
}

/* Who has an address whole has what the maps do not say of it only where they
 * say all of it. */
static void
show_whole(struct offload *o, const struct offload_local *l)
{
	__u64 *ports = local_ports(o, l);

	if (ports != NULL)
		set_handle(&ports[OFFLOAD_WHOLE], l->missing == 0 ? l->whole :
		    0);
}

static void
set_ports(struct offload *o, const struct offload_local *l,
    const struct demux_binding *b, uint64_t handle)
{
	__u64 *ports = local_ports(o, l);
	uint32_t  p;
	size_t	  i;

	for (i = 0; i < b->nports && ports != NULL; i++) {
		for (p = b->ports[i].lo; p <= b->ports[i].hi; p++) {
			if (p != OFFLOAD_WHOLE)
				set_handle(&ports[p], handle);
		}
	}
}

static struct offload_lease
lease_spi(const struct demux_binding *b, size_t i)
{
	return (struct offload_lease){ .value = { htonl(b->spis[i]), 0 },
		.local = addr_v4(&b->local), .kind = OFFLOAD_SPI };
}

static struct offload_lease
lease_cookie(const struct demux_binding *b, size_t i)
{
	struct offload_lease k = { .local = addr_v4(&b->local),
		.kind = OFFLOAD_COOKIE };
	uint64_t	     cookie = htobe64(b->cookies[i]);

	memcpy(k.value, &cookie, sizeof(k.value));
	return k;
}

static bool
set_leases(struct offload *o, const struct demux_binding *b, uint64_t handle)
{
	struct offload_lease k;
	size_t		     i;

	for (i = 0; i < b->nspis; i++) {
		k = lease_spi(b, i);
		if (bpf_map_update_elem(o->leases, &k, &handle, BPF_ANY) != 0)
			return false;
	}
	for (i = 0; i < b->ncookies; i++) {
		k = lease_cookie(b, i);
		if (bpf_map_update_elem(o->leases, &k, &handle, BPF_ANY) != 0)
			return false;
	}
	return true;
}

/* An entry that stays says nothing any more: its slot does not
 * show its handle. */
static void
clear_leases(struct offload *o, const struct demux_binding *b)
{
	struct offload_lease k;
	size_t		     i;

	for (i = 0; i < b->nspis; i++) {
		k = lease_spi(b, i);
		(void)bpf_map_delete_elem(o->leases, &k);
	}
	for (i = 0; i < b->ncookies; i++) {
		k = lease_cookie(b, i);
		(void)bpf_map_delete_elem(o->leases, &k);
	}
}

/* What the programs may forward without a look at the packet's other end. */
static bool
is_plain(const struct demux_binding *b)
{
	return b->tunnel == TUNNEL_IPIP &&
	    (b->remote_policy == DEMUX_REMOTE_NONE || addr_v4(&b->remote) == 0);
}

/* --- bindings ------------------------------------------------------------- */

static uint32_t
slot_fill(struct offload *o, const struct demux_binding *b)
{
	struct offload_binding *at;
	uint32_t		slot;

	if (b->tunnel != TUNNEL_IPIP || (slot = slot_take(o)) == 0)
		return 0;
	at = slot_at(o, slot);
	memset(at, 0, sizeof(*at));
	at->host = addr_v4(&b->host);
	at->gateway = addr_v4(&b->gateway);
	at->local = addr_v4(&b->local);
	set_handle(&at->handle, next_handle(o, slot));
	return slot;
}

static uint32_t
binding_added(void *arg, const struct demux_binding *b)
{
	struct offload	       *o = arg;
	struct offload_local   *l = local_find(o, &b->local);
	uint32_t		slot = slot_fill(o, b);
	struct offload_binding *at = slot_at(o, slot);

	if (l == NULL)
		return slot;
	if (slot == 0 || !is_plain(b) || !set_leases(o, b, at->handle) ||
	    local_ports(o, l) == NULL) {
		l->missing++;
		at->missing = 1;
	} else {
		set_ports(o, l, b, at->handle);
		if (b->whole)
			l->whole = at->handle;
	}
	show_whole(o, l);
	return slot;
}

static void
binding_removed(void *arg, uint32_t slot, const struct demux_binding *b)
{
	struct offload	       *o = arg;
	struct offload_local   *l = local_find(o, &b->local);
	struct offload_binding *at = slot_at(o, slot);

	/* From here on nobody has what is under this handle. */
	set_handle(&at->handle, 0);
	if (slot != 0) {
		clear_leases(o, b);
		slot_give(o, slot);
	}
	if (l == NULL)
		return;
	if (slot == 0 || at->missing != 0)
		l->missing--;
	else
		set_ports(o, l, b, 0);
	if (b->whole)
		l->whole = 0;
	show_whole(o, l);
}

static void
binding_usage(void *arg, uint32_t slot, struct demux_usage *u)
{
	const struct offload_binding *b = slot_at(arg, slot);
	uint64_t		      used;

	u->packets_in += __atomic_load_n(&b->packets_in, __ATOMIC_RELAXED);
	u->bytes_in += __atomic_load_n(&b->bytes_in, __ATOMIC_RELAXED);
	u->packets_out += __atomic_load_n(&b->packets_out, __ATOMIC_RELAXED);
	u->bytes_out += __atomic_load_n(&b->bytes_out, __ATOMIC_RELAXED);
	/* clock_now() is boot time too, and one more. */
	used = __atomic_load_n(&b->last_used, __ATOMIC_RELAXED);
	if (used != 0 && used / NANOSECONDS_A_MS + 1 > u->last_used)
		u->last_used = used / NANOSECONDS_A_MS + 1;
}

void
offload_watch(struct offload *o, struct demux *d)
{
	static const struct demux_watcher watcher = {
		.added = binding_added,
		.removed = binding_removed,
		.usage = binding_usage,
	};

	demux_watch(d, &watcher, o);
}

/* --- addresses ------------------------------------------------------------ */

static bool
is_among(const struct dataplane_pool *pools, size_t n, const struct addr *a)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (addr_equal(&pools[i].addr, a))
			return true;
	}
	return false;
}

static uint32_t
free_number(const struct offload *o)
{
	uint32_t number;
	size_t	 i;

	for (number = 0; number < o->ports.n / OFFLOAD_PORTS; number++) {
		for (i = 0; i < o->nlocals; i++) {
			if (o->local[i].number == number)
				break;
		}
		if (i == o->nlocals)
			return number;
	}
	return OFFLOAD_NO_PORTS;
}

static void
local_drop(struct offload *o, struct offload_local *l)
{
	uint32_t key = addr_v4(&l->addr);
	__u64	*ports = local_ports(o, l);

	/* What is not in the map is the Internet's for the programs: one that
	 * stays is nobody's. */
	(void)bpf_map_delete_elem(o->locals, &key);
	if (ports != NULL)
		memset(ports, 0, OFFLOAD_PORTS * sizeof(*ports));
	*l = o->local[--o->nlocals];
}

static void
local_add(struct offload *o, const struct addr *addr)
{
	struct offload_local l = { .addr = *addr, .number = free_number(o) };
	uint32_t	     key = addr_v4(addr);

	if (o->nlocals < DATAPLANE_POOLS_MAX &&
	    bpf_map_update_elem(o->locals, &key, &l.number, BPF_ANY) == 0)
		o->local[o->nlocals++] = l;
	else if (!atomic_exchange(&o->refused, true))
		log_warn("eBPF offload: %s; NFQUEUE does it all",
		    strerror(errno));
}

void
offload_set_locals(struct offload *o, const struct dataplane_pool *pools,
    size_t n)
{
	size_t i;

	if (o == NULL)
		return;
	for (i = o->nlocals; i-- > 0;) {
		if (!is_among(pools, n, &o->local[i].addr))
			local_drop(o, &o->local[i]);
	}
	for (i = 0; i < n; i++) {
		if (local_find(o, &pools[i].addr) == NULL)
			local_add(o, &pools[i].addr);
	}
}

/* --- learnt flows --------------------------------------------------------- */

/* IKE's ports are shared by cookie: a flow does not tell whose a packet is. */
static bool
make_key(struct offload_key *k, bool outbound, const struct packet_view *p)
{
	const uint8_t *payload = p->data + p->header;
	uint16_t       port;

	if (p->header != IP_HEADER_LEN || packet_is_fragment(p) ||
	    p->len < p->header + 8)
		return false;
	memset(k, 0, sizeof(*k));
	k->src = addr_v4(&p->src);
	k->dst = addr_v4(&p->dst);
	k->protocol = p->protocol;
	k->side = outbound ? OFFLOAD_OUT : OFFLOAD_IN;
	switch (p->protocol) {
	case IPPROTO_UDP:
		port = outbound ? (uint16_t)(payload[0] << 8 | payload[1]) :
		    (uint16_t)(payload[2] << 8 | payload[3]);
		if (port == PORT_IKE || port == PORT_IKE_NATT)
			return false;
		/* FALLTHROUGH */
	case IPPROTO_TCP:
	case IPPROTO_ESP:
		memcpy(&k->id, payload, 4);
		return true;
	case IPPROTO_AH:
		memcpy(&k->id, payload + 4, 4);
		return true;
	}
	return false;
}

/* A flow that the programs keep refusing must not cost a system call a
 * packet. */
static bool
told_lately(struct offload_recent *r, const struct offload_key *k,
    uint64_t handle, uint64_t now)
{
	uint64_t words[3], h;
	size_t	 i;

	memcpy(words, k, sizeof(*k));
	words[2] = handle;
	h = hash_bytes(words, sizeof(words));
	i = (h >> 32) % OFFLOAD_RECENT;
	if (r->hash[i] == h && now - r->when[i] < RELEARN_MS)
		return true;
	r->hash[i] = h;
	r->when[i] = now;
	return false;
}

void
offload_learn(struct offload *o, struct offload_recent *r, uint64_t now,
    bool outbound, const struct packet_view *p, const struct demux_target *to)
{
	struct offload_flow f = { 0 };
	struct offload_key  k;

	if (o == NULL || to->slot == 0 ||
	    atomic_load_explicit(&o->refused, memory_order_relaxed) ||
	    !make_key(&k, outbound, p))
		return;
	/* Of this binding, or 0: a slot rests before it is another's. */
	f.handle = __atomic_load_n(&slot_at(o, to->slot)->handle,
	    __ATOMIC_RELAXED);
	if (f.handle == 0 || told_lately(r, &k, f.handle, now))
		return;
	f.refresh = offload_now() + REFRESH_NS;
	(void)bpf_map_update_elem(o->flows, &k, &f, BPF_ANY);
}
