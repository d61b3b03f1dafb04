/* offload.h - established flows forwarded by the kernel: eBPF beside NFQUEUE (configure --enable-bpf) */
#ifndef NAT_OFFLOAD_H
#define NAT_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "nat/demux.h"
#include "nat/demux_verdict.h"
#include "net/ip.h"

/*
 * NFQUEUE decides about the first packet of a flow; what it let through is put
 * into a map, and programs at both interfaces forward the rest of exactly that
 * flow.  A binding that ends takes its flows with it at once; every ten
 * seconds a packet of each flow goes the slow way, so that what was learnt
 * from traffic and its last use stay known.
 */
struct offload;

/* What a thread told the map not long ago; zero to begin with. */
#define OFFLOAD_RECENT	256
struct offload_recent {
	uint64_t hash[OFFLOAD_RECENT];
	uint64_t when[OFFLOAD_RECENT];
};

/* What the programs must know of the machine; indexes of interfaces, MTUs in
 * bytes. */
struct offload_facts {
	struct addr gateway;
	unsigned private_index, public_index, mtu, public_mtu;
};

/* What the programs forwarded (bytes: without the tunnel), and packets that
 * took the slow way because they were due. */
struct offload_counts {
	uint64_t packets_in, packets_out, bytes_in, bytes_out, refreshed;
};

#ifdef HAVE_BPF
/*
 * As root: loads the programs and puts them on both interfaces.  NULL after one
 * log line that says why not; the slow path then does it all.
 */
struct offload *offload_open(const char *public_if, const char *private_if);
/* Takes the programs off. NULL is allowed. */
void	offload_close(struct offload *o);
/* Takes off what a daemon that was killed left on the interfaces; as root. */
void	offload_sweep(const char *public_if, const char *private_if);
/* Vouches for the map for the next seconds; at least once a second. */
void	offload_tick(struct offload *o, const struct offload_facts *f);

/* Follows the bindings of d from now on; before the first one. */
void	offload_watch(struct offload *o, struct demux *d);

/*
 * Any thread: the slow path let p through, inbound or out of the tunnel of
 * to->host.  now: milliseconds.
 */
void	offload_learn(struct offload *o, struct offload_recent *r, uint64_t now,
	    bool outbound, const struct packet_view *p,
	    const struct demux_target *to);

void	offload_count(struct offload *o, struct offload_counts *out);
#else
static inline struct offload *
offload_open(const char *public_if, const char *private_if)
{
	(void)public_if;
	(void)private_if;
	return NULL;
}
static inline void
offload_watch(struct offload *o, struct demux *d)
{
	(void)o;
	(void)d;
}
static inline void
offload_close(struct offload *o)
{
	(void)o;
}
static inline void
offload_sweep(const char *public_if, const char *private_if)
{
	(void)public_if;
	(void)private_if;
}
static inline void
offload_tick(struct offload *o, const struct offload_facts *f)
{
	(void)o;
	(void)f;
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
static inline void
offload_count(struct offload *o, struct offload_counts *out)
{
	(void)o;
	(void)out;
}
#endif

#endif
