/* offload_map.h - what the eBPF programs and offload.c share: keys and values of the maps */
#ifndef NAT_OFFLOAD_MAP_H
#define NAT_OFFLOAD_MAP_H

#include <linux/types.h>

/* Addresses and ports in network order as the packet has them. */

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
	__u64 generation;	/* of the binding: another one ends the flow */
	__u64 refresh;		/* boot time, ns: the next packet after it goes
				 * the slow way, so that what traffic taught
				 * stays known */
	__u32 host, gateway;	/* the tunnel's ends */
	__u32 slot;		/* of the binding */
	__u32 zero;
};

/* One slot: a binding, whose flows are dead when it is gone. */
struct offload_binding {
	__u64 generation;	/* 0: nobody's */
	__u64 packets_in, bytes_in, packets_out, bytes_out;
};

struct offload_state {
	__u64 alive;		/* boot time, ns, until which the daemon
				 * vouches */
	__u32 private_index, public_index;
	__u32 gateway;
	__u32 mtu, public_mtu;
	__u32 zero;
};

enum { OFFLOAD_COUNT_IN, OFFLOAD_COUNT_OUT, OFFLOAD_COUNT_BYTES_IN,
	OFFLOAD_COUNT_BYTES_OUT, OFFLOAD_COUNT_SLOW, OFFLOAD_COUNTERS };

#endif
