/* offload_state.h - the daemon's side of the eBPF programs: descriptors, memory shared with the kernel, slots */
#ifndef NAT_OFFLOAD_STATE_H
#define NAT_OFFLOAD_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "nat/dataplane_config.h"
#include "nat/offload_map.h"
#include "net/card.h"
#include "net/ebpf.h"

#define OFFLOAD_SECOND_NS	1000000000ull

/* A slot that is free, and since which second. */
struct offload_unused {
	uint32_t number, since;
};

/* A public address that is leased from. */
struct offload_local {
	struct addr addr;
	uint32_t number;	/* of the part of ports that it has */
	unsigned missing;	/* bindings that the maps have not all of */
	uint64_t whole;		/* handle of who has it whole; 0: nobody */
};

/* Programs at the cards: of the public interface, of the private one. */
#define OFFLOAD_CARDS	2
struct offload_cards {
	enum dataplane_offload where;
	bool		  wanted, on;	/* on: they may send on */
	struct card_asker asker;
	struct offload_card {
		char	 name[16];
		unsigned index;
		int	 link;		/* -1: none stands there */
	} card[OFFLOAD_CARDS];
	const char	 *said;		/* why not, in the log already */
};

struct offload {
	struct bpf_object *object;
	struct offload_cards cards;
	struct hook {
		int  ifindex;
		bool egress, attached, made;	/* made: the qdisc is ours */
	} in, out, left_in, left_out, bare;
	char	 decap[16];	/* the device that decapsulates joined
				 * segments; empty: there is none */
	unsigned decap_index;	/* 0: none, or nothing comes out of it */
	uint64_t nmarked, nbare;	/* packets into it and out of it when
					 * one came out last */
	uint64_t lost;		/* in since then, a second ago */
	int	 flows, leases, locals, counters;	/* descriptors */
	unsigned ncpus;
	_Atomic bool refused;		/* a map does not say what it must:
					 * nothing is vouched for */

	struct ebpf_array bindings, ports, state;

	uint64_t generation;
	struct offload_unused *unused;	/* a ring: the longest free first */
	uint32_t nunused, first_unused;
	struct offload_local local[DATAPLANE_POOLS_MAX];
	size_t	 nlocals;
};

/* bpf_ktime_get_boot_ns()'s clock. */
static inline uint64_t
offload_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * OFFLOAD_SECOND_NS + (uint64_t)ts.tv_nsec;
}

#endif
