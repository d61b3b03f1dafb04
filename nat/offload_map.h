/* offload_map.h - what the eBPF programs and the daemon share: keys and values of the maps */
#ifndef NAT_OFFLOAD_MAP_H
#define NAT_OFFLOAD_MAP_H

#include <linux/types.h>

/*
 * Addresses, ports and SPIs are as packets have them, but for ports that are an
 * index.  A binding's handle is its slot in "bindings" and, above that, a
 * number that no other binding has had: whatever map says that something is
 * leased says so by a handle, and the slot has to show the same one.  Neither
 * half of a handle is ever 0, so that one which a 32 bit machine has written by
 * half is nobody's.
 */
#define OFFLOAD_SLOT_BITS	20
#define OFFLOAD_SLOT_MASK	((1u << OFFLOAD_SLOT_BITS) - 1)

enum { OFFLOAD_IN, OFFLOAD_OUT };	/* side */

/* One flow that the slow path has let through: exactly these packets. */
struct offload_key {
	__u32 src, dst;		/* of the inner packet */
	__u32 id;		/* SPI, or source and destination port */
	__u8  protocol;
	__u8  side;
	__u16 zero;
};

struct offload_flow {
	__u64 handle;		/* of its binding */
	__u64 refresh;		/* boot time, ns: the next packet after it goes
				 * the slow way, so that what traffic taught
				 * stays known */
	__u32 left;		/* a packet of it has left, so that the router's
				 * rules have let it pass too */
	__u32 zero;
};

/* What was leased of a public address and is no port, to a handle. */
enum { OFFLOAD_SPI, OFFLOAD_COOKIE };	/* kind */

struct offload_lease {
	__u32 value[2];		/* of a SPI the second is 0 */
	__u32 local;
	__u32 kind;
};

/*
 * "locals" has every public address that is leased from, and which part of
 * "ports" is its: OFFLOAD_PORTS handles by port, or none where there is no
 * room.  Port 0 is nobody's; in its place stands who has the address whole.
 */
#define OFFLOAD_PORTS	65536
#define OFFLOAD_WHOLE	0
#define OFFLOAD_NO_PORTS	0xffffffffu

/* A slot, but for 0, which is none.  What stands in it does not change before
 * it has rested. */
struct offload_binding {
	__u64 handle;		/* 0: nobody's */
	__u64 last_used;	/* boot time, ns; 0: never */
	__u64 packets_in, bytes_in, packets_out, bytes_out;
	__u32 host, gateway;	/* the tunnel's ends */
	__u32 local;		/* the leased address */
	__u32 missing;		/* the daemon's: the maps have not all of it */
};

#define OFFLOAD_NETWORKS	8
#define OFFLOAD_GATEWAYS	16

struct offload_state {
	__u64 alive;		/* boot time, ns, until which the daemon
				 * vouches */
	__u32 private_index, public_index;
	__u32 mtu, public_mtu;
	__u32 decap_index;	/* of the device that takes the mark of a
				 * tunnel off joined segments; 0: none */
	__u32 at_cards;		/* the programs there may send on */
	__u32 gateway[OFFLOAD_GATEWAYS];	/* 0: none */
	__u32 judged;		/* the router has rules of its own: only what
				 * has passed them goes on here */
	__u32 nnetworks;
	struct {
		__u32 addr, mask;
	} network[OFFLOAD_NETWORKS];	/* of the private side */
};

enum { OFFLOAD_COUNT_IN, OFFLOAD_COUNT_OUT, OFFLOAD_COUNT_BYTES_IN,
	OFFLOAD_COUNT_BYTES_OUT, OFFLOAD_COUNT_SLOW, OFFLOAD_COUNT_MARKED,
	OFFLOAD_COUNT_BARE, OFFLOAD_COUNT_CARD, OFFLOAD_COUNTERS };

#endif
