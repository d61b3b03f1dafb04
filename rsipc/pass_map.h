/* pass_map.h - what rsipc's eBPF programs and the daemon share: keys and values of the maps */
#ifndef RSIPC_PASS_MAP_H
#define RSIPC_PASS_MAP_H

#include <linux/types.h>

/*
 * Addresses are as packets have them, ports are an index in host order.  A
 * slot's handle is its number and, above that, one that no other use of it has
 * had; neither half is ever 0, so that one which a 32 bit machine has written
 * by half is nobody's.  What stands in "pairs" counts only while its slot shows
 * the same handle: one store ends it.
 */
#define PASS_SLOTS	4096	/* the first is none */
#define PASS_SLOT_MASK	(PASS_SLOTS - 1)

/* From us to a peer. */
struct pass_key {
	__u32 src, dst;
};

/* Of packets in the tunnel, as the wire has them, without its header. */
struct pass_counters {
	__u64 packets_out, bytes_out, packets_in, bytes_in;
};

struct pass_slot {
	__u64 handle;		/* 0: nobody's */
	struct pass_counters n;
};

enum { PASS_TCP = 1, PASS_UDP = 2 };

struct pass_state {
	__u64 alive;		/* boot time, ns, until which the daemon
				 * vouches; 0: it does not */
	__u32 addr;		/* leased */
	__u32 local, remote;	/* the tunnel's ends */
	__u32 link, clear;	/* towards the gateway; that clear packets
				 * come by */
	__u32 mtu;		/* of an inner packet, bytes */
	__u32 mark, esp_mark;	/* of an outer one; of ESP that the kernel has
				 * made */
	struct pass_counters esp;	/* the kernel's */
	__u8  port[65536];	/* which protocols it is leased for, whoever is
				 * at the other end */
	__u8  used[65536];	/* not 0: a packet left from it */
};

#endif
