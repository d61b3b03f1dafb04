/* beside_map.h - what the eBPF programs at the kernel's ESP and the daemon share: keys and values of the maps */
#ifndef OE_ESP_BESIDE_MAP_H
#define OE_ESP_BESIDE_MAP_H

#include <linux/types.h>

/*
 * A slot is a pair of SAs; its index stands in the mark that the pair's packets
 * bear at the esp device.  Its handle stands while the pair leads: it is the
 * index and, above that, one that no other lead has had; neither half is ever
 * 0, so that one which a 32 bit machine has written by half is nobody's.  What
 * stands in "leads" counts only while its slot shows the same handle: one store
 * ends it.
 */
#define BESIDE_SLOTS	4096	/* the first is none */
#define BESIDE_MARK	0x4f450000u	/* and the index: "OE" */
#define BESIDE_MASK	(BESIDE_SLOTS - 1u)
#define BESIDE_PARTS	16
#define BESIDE_FLOWS	8	/* of TCP whose place is remembered; 2^n */
#define BESIDE_LARGE	576	/* bytes: what is not larger gets through
				 * everywhere (RFC 791) */

/* Addresses as packets have them, IPv4's as RFC 4291 §2.5.5.2 maps them; src is
 * ours. */
struct beside_hosts {
	__u32 src[4], dst[4];
};

/* Ports of ours, host order, from lo to hi. */
struct beside_part {
	__u16 lo, hi;
	__u16 protocol;		/* 0: no part, and none after it */
};

/* How far a flow of TCP has come. */
struct beside_flow {
	__u32 ports, end;	/* ours above theirs; a sequence number */
};

struct beside_slot {
	__u64 handle;		/* 0: nothing is led */
	__u64 packets_out, bytes_out, packets_in, bytes_in;	/* inner ones,
				 * as the wire has them */
	__u32 spi;		/* inbound, host order; 0: no pair */
	__u32 mtu;		/* of an inner packet, bytes */
	struct beside_hosts hosts;
	struct beside_part  part[BESIDE_PARTS];
	struct beside_flow  flow[BESIDE_FLOWS];
};

struct beside_state {
	__u32 tun, esp;		/* where programs send, and where the kernel
				 * encrypts: interfaces */
	__u8  used[65536];	/* not 0: a packet was led from that port */
};

#endif
