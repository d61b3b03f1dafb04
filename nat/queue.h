/* queue.h - one NFQUEUE and the thread that decides about its packets */
#ifndef NAT_QUEUE_H
#define NAT_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/ratelimit.h"
#include "nat/offload.h"
#include "nat/reassemble.h"
#include "nat/plan.h"

/* What a thread counts; one writer each, anybody reads. */
enum queue_counter {
	QUEUE_IN,		/* from the public side into a tunnel */
	QUEUE_OUT,		/* from a tunnel to the public side */
	QUEUE_HAIRPIN,		/* from one host's tunnel into another's */
	QUEUE_BYTES_IN,		/* of these, without their tunnel's header */
	QUEUE_BYTES_OUT,
	QUEUE_BYTES_HAIRPIN,
	QUEUE_NOT_OURS,		/* left to the router */
	QUEUE_DROP_UNKNOWN,	/* inbound, must not reach anybody */
	QUEUE_DROP_MISUSE,	/* outbound, not leased */
	QUEUE_DROP_MALFORMED,
	QUEUE_DROP_ECN,		/* congestion experienced, inner cannot say so */
	QUEUE_TOO_BIG,		/* DF and too big for the tunnel: told the sender */
	QUEUE_TTL,		/* no hops left */
	QUEUE_REFUSED,		/* a host's, to where its tunnel does not lead: told it */
	QUEUE_LOST,		/* the kernel had forgotten it before our verdict */
	QUEUE_COUNTERS
};

/* What may change as a whole while threads read it: another takes its place. */
struct queue_public {
	struct addr addr;		/* errors about tunnels come from here */
	struct addr gateway;		/* tunnels end here */
	struct prefix networks[RULES_NETWORKS];	/* of the private side */
	size_t nnetworks;
	size_t npools;
	struct queue_pool {
		struct addr addr;
		bool local;		/* the router's own */
	} pool[];
};

/* What all threads share, constant but for the atomics. */
struct queue_shared {
	struct demux *demux;
	struct offload *offload;	/* NULL: there is none */
	const struct queue_public *_Atomic public;
	_Atomic unsigned private_index;	/* interface */
	_Atomic unsigned mtu;		/* of the private link */
	_Atomic unsigned public_mtu;	/* of the public link */
	_Atomic uint32_t outer_id;	/* next identification of a tunnel packet */
	_Atomic uint32_t inner_id;	/* next one of a datagram to the public side */
	int raw_fd;			/* what is no verdict leaves here */
	int misuse_fd;			/* eventfd: something lies in a misuse ring */
};

/* Hosts' misuse on its way to the control thread. */
struct queue_misuse {
	struct addr host;
	enum demux_verdict verdict;
	uint32_t client_id, bind_id;
};
#define QUEUE_MISUSES	64		/* a power of two */

struct queue {
	struct queue_shared *shared;
	unsigned index;			/* also the reader's number at the demux table */
	uint16_t number;		/* NFQUEUE's */
	int fd;
	int stop_fd;
	pthread_t thread;
	bool running;
	struct ratelimit errors;	/* ICMP errors sent */
	struct offload_recent recent;
	struct reassemble *fragments;	/* of hosts' */
	_Atomic uint64_t count[QUEUE_COUNTERS];

	struct queue_misuse misuse[QUEUE_MISUSES];
	_Atomic unsigned misuse_head, misuse_tail;

	struct queue_buffers *buffers;
	uint64_t now;
};

/* Opens and binds the queue: 0, or -1 after one log line. */
int	queue_open(struct queue *q, struct queue_shared *shared, unsigned index,
	    uint16_t number, unsigned length);
/* Starts the thread: 0, or -1 after one log line. */
int	queue_start(struct queue *q);
/* Stops the thread and frees all; a queue that was never opened is all zero. */
void	queue_close(struct queue *q);
/* Takes one misuse out of the ring; false if it is empty. */
bool	queue_take_misuse(struct queue *q, struct queue_misuse *out);

/* --- the decision, in forward.c ------------------------------------------- */

enum forward_action {
	FORWARD_ACCEPT,		/* as it is */
	FORWARD_DROP,
	FORWARD_SEND,		/* what was written to out */
};

/* Where a packet was when the kernel queued it. */
enum forward_hook {
	FORWARD_PREROUTING,
	FORWARD_OUTPUT,		/* made by this machine */
	FORWARD_LATE,		/* INPUT or FORWARD, from the private side or this machine */
};
struct forward_packet {
	const uint8_t *data;
	size_t	 len;
	unsigned in_index;	/* interface it came in on; 0: none */
	enum forward_hook hook;
};

/*
 * What takes a packet's place.  A verdict's attribute has 16 bits for its length
 * and four bytes of header: no packet may be longer.
 */
#define FORWARD_MAX	65531
struct forward_out {
	uint8_t *data;		/* room for FORWARD_MAX bytes */
	size_t	 len;
	struct packet_view outer;	/* of what enters a tunnel */
	uint32_t mark;		/* RULES_MARK_* */
};

/* Decides about one packet; fills *out on FORWARD_SEND. */
enum forward_action forward_packet(struct queue *q,
	    const struct forward_packet *in, struct forward_out *out);

/* A packet of ours into a tunnel, past the verdicts; cut to the link's MTU if it
 * may be. */
void	forward_raw(struct queue *q, const struct packet_view *p);

static inline void
queue_add(struct queue *q, enum queue_counter c, size_t by)
{
	uint64_t n;

	n = atomic_load_explicit(&q->count[c], memory_order_relaxed);
	atomic_store_explicit(&q->count[c], n + by, memory_order_relaxed);
}

static inline void
queue_count(struct queue *q, enum queue_counter c)
{
	queue_add(q, c, 1);
}

#endif
