/* forward.h - what becomes of one packet: into a tunnel, out of one, to the router, or nowhere */
#ifndef NAT_FORWARD_H
#define NAT_FORWARD_H

#include <stdatomic.h>

#include "base/ratelimit.h"
#include "nat/offload_lease.h"
#include "nat/plan.h"
#include "nat/reassemble.h"

/* Lengths are in bytes. */

/* What a thread counts; it alone writes, anybody reads. */
enum forward_counter {
	FORWARD_COUNT_IN,	/* from the public side into a tunnel */
	FORWARD_COUNT_OUT,	/* from a tunnel to the public side */
	FORWARD_COUNT_HAIRPIN,	/* from one host's tunnel into another's */
	FORWARD_COUNT_BYTES_IN,	/* of these, without their tunnel's header */
	FORWARD_COUNT_BYTES_OUT,
	FORWARD_COUNT_BYTES_HAIRPIN,
	FORWARD_COUNT_NOT_OURS,	/* left to the router */
	FORWARD_COUNT_DROP_UNKNOWN,	/* inbound, must not reach anybody */
	FORWARD_COUNT_DROP_MISUSE,	/* outbound, not leased */
	FORWARD_COUNT_DROP_MALFORMED,
	FORWARD_COUNT_DROP_ECN,	/* congestion experienced, inner cannot say
				 * so */
	FORWARD_COUNT_TOO_BIG,	/* DF and too big for the tunnel: told the
				 * sender */
	FORWARD_COUNT_TTL,	/* no hops left */
	FORWARD_COUNT_REFUSED,	/* a host's, to where its tunnel does not lead:
				 * told it */
	FORWARD_COUNT_LOST,	/* the kernel had forgotten it before our
				 * verdict */
	FORWARD_COUNTERS
};

/* What may change as a whole while threads read it: another takes its place. */
struct forward_public {
	struct addr addr;		/* errors about tunnels come from
					 * here */
	struct dataplane_gateways gateways;	/* tunnels end here */
	struct prefix networks[RULES_NETWORKS];	/* of the private side */
	size_t nnetworks;
	size_t npools;
	struct forward_pool {		/* a leased address */
		struct addr addr;
		bool local;		/* the router's own */
		bool away;		/* another machine's now */
	} pool[];
};

/* What all threads share, constant but for the atomics. */
struct forward_shared {
	struct demux *demux;
	struct offload *offload;	/* NULL: there is none */
	const struct forward_public *_Atomic public;
	_Atomic unsigned private_index;	/* interface */
	_Atomic unsigned mtu;		/* of the private link */
	_Atomic unsigned public_mtu;	/* of the public link */
	_Atomic uint32_t outer_id;	/* next id of a tunnel packet */
	_Atomic uint32_t inner_id;	/* next one of a datagram to the public
					 * side */
	int raw_fd;			/* what is no verdict leaves here */
	int wake_fd;			/* eventfd: something lies in a misuse
					 * ring, or "asleep" was seen */
	_Atomic bool asleep;		/* the control thread does not look
					 * before it is woken */
};

/* Hosts' misuse on its way to the control thread. */
struct forward_misuse {
	struct addr gateway;		/* whose the ids are */
	struct addr host;
	enum demux_verdict verdict;
	uint32_t client_id, bind_id;	/* 0 where unknown */
};
#define FORWARD_MISUSES	64		/* a power of two */

/* What one thread has to itself; all zero but for shared to begin with. */
struct forward {
	struct forward_shared *shared;
	uint64_t now;			/* ms of clock_now(), of this batch */
	struct ratelimit errors;	/* ICMP errors sent */
	struct ratelimit refusals;	/* of IKE */
	struct offload_recent recent;
	struct reassemble *fragments;	/* of hosts' datagrams */
	_Atomic uint64_t count[FORWARD_COUNTERS];

	struct forward_misuse misuse[FORWARD_MISUSES];
	_Atomic unsigned misuse_head, misuse_tail;
};

/* 0, or -1: no memory.  shared outlives it. */
int	forward_init(struct forward *f, struct forward_shared *shared);
void	forward_clear(struct forward *f);

enum forward_action {
	FORWARD_ACCEPT,		/* as it is */
	FORWARD_DROP,
	FORWARD_SEND,		/* what was written to out */
};

/* Where a packet was when the kernel queued it. */
enum forward_hook {
	FORWARD_PREROUTING,
	FORWARD_OUTPUT,		/* made by this machine */
	FORWARD_LATE,		/* INPUT or FORWARD, from the private side or
				 * this machine */
};

struct forward_packet {
	const uint8_t *data;
	size_t	 len;
	unsigned in_index;	/* interface it came in on; 0: none */
	enum forward_hook hook;
};

/*
 * What takes a packet's place.  A verdict's attribute has 16 bits for its
 * length and four bytes of header: no packet may be longer.
 */
#define FORWARD_MAX	65531
struct forward_out {
	uint8_t *data;		/* the caller's, room for FORWARD_MAX bytes */
	size_t	 len;
	struct packet_view outer;	/* of what enters a tunnel */
	uint32_t mark;		/* MARK_* */
};

/* Decides about one packet; fills *out on FORWARD_SEND. */
enum forward_action forward_packet(struct forward *f,
	    const struct forward_packet *in, struct forward_out *out);

/* A packet of ours into a tunnel, past the verdicts; cut to the link's MTU if
 * it may be. */
void	forward_raw(struct forward *f, const struct packet_view *p);

/* Any thread: there are packets again. */
void	forward_awaken(struct forward_shared *s);

/* The control thread takes one misuse out of the ring; false if it is empty. */
bool	forward_take_misuse(struct forward *f, struct forward_misuse *out);

static inline void
forward_add(struct forward *f, enum forward_counter c, size_t by)
{
	uint64_t n;

	n = atomic_load_explicit(&f->count[c], memory_order_relaxed);
	atomic_store_explicit(&f->count[c], n + by, memory_order_relaxed);
}

static inline void
forward_count(struct forward *f, enum forward_counter c)
{
	forward_add(f, c, 1);
}

#endif
