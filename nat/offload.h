/* offload.h - what is leased forwarded by the kernel: eBPF beside NFQUEUE (configure --disable-bpf: without) */
#ifndef NAT_OFFLOAD_H
#define NAT_OFFLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat/dataplane_config.h"

/*
 * Programs at both interfaces forward by maps that say what is leased to whom,
 * which are written when a binding is added and before it is gone.  What has to
 * be learnt or judged goes to NFQUEUE; a flow that was let through there comes
 * into a map of its own, ends with its binding, and sends a packet the slow way
 * every ten seconds, so that what was learnt from traffic stays known.
 */
struct offload;

/* What the programs must know of the machine; indexes of interfaces, MTUs in
 * bytes. */
struct offload_facts {
	struct dataplane_gateways gateways;
	const struct prefix *networks;	/* of the private side, some 8 */
	size_t nnetworks;
	unsigned private_index, public_index, mtu, public_mtu;
	/* The router has rules of its own about what is forwarded: only flows
	 * of which a packet has passed them are. */
	bool judged;
};

/* What the programs forwarded (bytes: without the tunnel), and packets that
 * took the slow way because they were due; cards: those that
 * programs at the cards (XDP) forwarded. */
struct offload_counts {
	uint64_t packets_in, packets_out, bytes_in, bytes_out, refreshed, cards;
};

#ifdef HAVE_BPF
/*
 * As root: loads the programs and puts them on both interfaces.  NULL after one
 * log line that says why not; the slow path then does it all.  nlocals: so many
 * public addresses have room for their ports.
 */
struct offload *offload_open(enum dataplane_offload where,
	    const char *public_if, const char *private_if,
	    size_t nlocals);
/* Takes the programs off. NULL is allowed. */
void	offload_close(struct offload *o);
/* Takes off what a daemon that was killed left on the interfaces; as root. */
void	offload_sweep(const char *public_if, const char *private_if);
/* Vouches for the maps for the next seconds; at least once a second. */
void	offload_tick(struct offload *o, const struct offload_facts *f);

/* Do joined segments come out of tunnels without NFQUEUE? */
bool	offload_joined(const struct offload *o);
/* Do programs at both cards send on what they can (XDP)? */
bool	offload_at_cards(const struct offload *o);
/* Sums over all processors what the eBPF programs have counted. */
void	offload_count(struct offload *o, struct offload_counts *out);
#else
static inline struct offload *
offload_open(enum dataplane_offload where, const char *public_if,
    const char *private_if, size_t nlocals)
{
	(void)where;
	(void)nlocals;
	(void)public_if;
	(void)private_if;
	return NULL;
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
static inline bool
offload_joined(const struct offload *o)
{
	(void)o;
	return false;
}
static inline bool
offload_at_cards(const struct offload *o)
{
	(void)o;
	return false;
}
static inline void
offload_count(struct offload *o, struct offload_counts *out)
{
	(void)o;
	(void)out;
}
#endif

#endif
