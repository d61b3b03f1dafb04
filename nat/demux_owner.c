/* demux_owner.c - whose a leased address or port is, whom it may speak with, and what passed */
#include "config.h"

#include "nat/demux_hash.h"
#include "nat/demux_key.h"
#include "nat/demux_learn.h"
#include "nat/demux_owner.h"

static struct demux_local *
find_local(struct demux *d, const struct addr *addr)
{
	struct demux_key k = demux_key_local(demux_addr_of(addr));

	return demux_find(d, &k, NULL);
}

struct demux_entry *
demux_owner(struct demux *d, const struct addr *addr)
{
	struct demux_local *a = find_local(d, addr);

	if (a == NULL)
		return NULL;
	return atomic_load_explicit(&a->whole, memory_order_acquire);
}

struct demux_entry *
demux_port_owner(struct demux *d, const struct addr *addr, uint16_t port)
{
	struct demux_local *a = find_local(d, addr);
	struct demux_entry *e;

	if (a == NULL)
		return NULL;
	e = demux_find_port(a, port);
	if (e == NULL)
		e = atomic_load_explicit(&a->whole, memory_order_acquire);
	return e;
}

struct demux_entry *
demux_find_used(struct demux *d, const struct demux_key *k, uint64_t now)
{
	struct demux_entry *e;
	struct demux_slot  *s;

	e = demux_find(d, k, &s);
	if (e != NULL)
		demux_touch(s, now);
	return e;
}

enum demux_verdict
demux_may_speak(struct demux_entry *e, const struct addr *remote, int port)
{
	const struct demux_peer *peer = demux_entry_peer(e);

	/* Remote 0 is LISTEN's "from anybody" (RFC 3103 §9.16.3). */
	if (e->remote_policy == DEMUX_REMOTE_NONE || peer->addr.v4 == 0)
		return DEMUX_FORWARD;
	if (!demux_addr_equal(peer->addr, demux_addr_of(remote)))
		return DEMUX_MISUSE_REMOTE_ADDR;
	if (e->remote_policy == DEMUX_REMOTE_MICRO && port != DEMUX_ANY_PORT &&
	    peer->ports.hi != 0 &&
	    (port < peer->ports.lo || port > peer->ports.hi))
		return DEMUX_MISUSE_REMOTE_ADDRPORT;
	return DEMUX_FORWARD;
}

void
demux_fill_target(struct demux_target *out, const struct demux_entry *e)
{
	addr_set_v4(&out->host, &e->host.v4);
	addr_set_v4(&out->gateway, &e->gateway.v4);
	out->tunnel = e->tunnel;
	out->client_id = e->client_id;
	out->bind_id = e->bind_id;
	out->slot = atomic_load_explicit(&e->slot, memory_order_relaxed);
}

/*
 * An entry is used now.  Returns its counters.  Most entries of a large table
 * never see a packet: the first one makes them; NULL if the writer was busy
 * just then.
 */
static struct demux_passed *
use_entry(struct demux *d, struct demux_entry *e, uint64_t now)
{
	static const struct demux_key k = { .kind = DEMUX_KIND_PASSED };
	struct demux_passed	     *p;
	uint32_t		      seconds = (uint32_t)(now / 1000);

	/* Most packets of a second find it done: the line stays shared. */
	if (atomic_load_explicit(&e->last_used, memory_order_relaxed) !=
	    seconds)
		atomic_store_explicit(&e->last_used, seconds,
		    memory_order_relaxed);
	p = atomic_load_explicit(&e->passed, memory_order_acquire);
	if (p != NULL)
		return p;
	demux_learn(d, &k, e, now);
	return atomic_load_explicit(&e->passed, memory_order_acquire);
}

static void
add_one(_Atomic uint64_t *packets, _Atomic uint64_t *bytes, size_t len)
{
	atomic_fetch_add_explicit(packets, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(bytes, len, memory_order_relaxed);
}

void
demux_count_in(struct demux *d, struct demux_entry *e, uint64_t now, size_t len)
{
	struct demux_passed *p = use_entry(d, e, now);

	if (p != NULL)
		add_one(&p->packets_in, &p->bytes_in, len);
}

void
demux_count_out(struct demux *d, struct demux_entry *e, uint64_t now,
    size_t len)
{
	struct demux_passed *p = use_entry(d, e, now);

	if (p != NULL)
		add_one(&p->packets_out, &p->bytes_out, len);
}
