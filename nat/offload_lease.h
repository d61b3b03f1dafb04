/* offload_lease.h - bindings, leases and learnt flows as the eBPF programs are told of them */
#ifndef NAT_OFFLOAD_LEASE_H
#define NAT_OFFLOAD_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "nat/dataplane_config.h"
#include "nat/demux.h"
#include "nat/demux_verdict.h"
#include "net/ip.h"

struct offload;

/* What a thread told the map not long ago; zero to begin with. */
#define OFFLOAD_RECENT	256
struct offload_recent {
	uint64_t hash[OFFLOAD_RECENT];
	uint64_t when[OFFLOAD_RECENT];
};

#ifdef HAVE_BPF
/* Every slot is free: once, when the maps are there. */
void	offload_slots_init(struct offload *o);

/* Which addresses are leased from, from now on: before anything of them is, and
 * at most DATAPLANE_POOLS_MAX.  NULL is allowed. */
void	offload_set_locals(struct offload *o,
	    const struct dataplane_pool *pools, size_t n);

/* Follows the bindings of d from now on; before the first one. */
void	offload_watch(struct offload *o, struct demux *d);

/*
 * Any thread: the slow path let p through, inbound or out of the tunnel of
 * to->host.  now: milliseconds.
 */
void	offload_learn(struct offload *o, struct offload_recent *r, uint64_t now,
	    bool outbound, const struct packet_view *p,
	    const struct demux_target *to);
#else
static inline void
offload_set_locals(struct offload *o, const struct dataplane_pool *pools,
    size_t n)
{
	(void)o;
	(void)pools;
	(void)n;
}
static inline void
offload_watch(struct offload *o, struct demux *d)
{
	(void)o;
	(void)d;
}
static inline void
offload_learn(struct offload *o, struct offload_recent *r, uint64_t now,
    bool outbound, const struct packet_view *p, const struct demux_target *to)
{
	(void)o;
	(void)r;
	(void)now;
	(void)outbound;
	(void)p;
	(void)to;
}
#endif

#endif
