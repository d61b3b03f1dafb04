/* forward.c - what becomes of one packet: into a tunnel, out of one, to the router, or nowhere */
#include "config.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ip.h"
#include "nat/queue.h"

#define ICMP_TTL_EXCEEDED	0
#define ICMP_FRAG_NEEDED	4

static const struct dataplane_pool *
find_pool(const struct queue_shared *s, uint32_t addr)
{
	for (size_t i = 0; i < s->npools; i++) {
		if (s->pools[i].addr == addr)
			return &s->pools[i];
	}
	return NULL;
}

/* Answers an inbound packet's sender, as a router does (RFC 1812 §4.3). */
static void
send_error(struct queue *q, const struct packet *p, uint8_t type, uint8_t code,
    unsigned mtu)
{
	const struct dataplane_pool *pool = find_pool(q->shared, p->dst);
	uint8_t			     out[PACKET_ICMP_MAX];
	struct sockaddr_in	     to = { .sin_family = AF_INET };
	uint32_t		     from;
	size_t			     len;

	if (!packet_may_answer(p) || !ratelimit_pass(&q->errors, q->now))
		return;
	from = pool != NULL && pool->local ? pool->addr
					   : q->shared->public_addr;
	len = packet_make_error(out, p, from, type, code, (uint16_t)mtu);
	to.sin_addr.s_addr = p->src;
	/* Nothing hangs on it: the sender sends again and is told again. */
	(void)sendto(q->shared->raw_fd, out, len, MSG_DONTWAIT | MSG_NOSIGNAL,
	    (struct sockaddr *)&to, sizeof(to));
}

/* Into the tunnel (RFC 2003 §3.1). */
static enum forward_action
enter_tunnel(struct queue *q, const struct forward_packet *in,
    const struct packet *p, const struct demux_target *to, uint8_t *out,
    size_t *out_len)
{
	size_t	      overhead = packet_tunnel_overhead(to->tunnel);
	struct packet inner = *p;
	unsigned      mtu;
	uint16_t      id = 0;

	if (!in->output && p->ttl <= 1) {
		queue_count(q, QUEUE_TTL);
		send_error(q, p, PACKET_ICMP_EXCEEDED, ICMP_TTL_EXCEEDED, 0);
		return FORWARD_DROP;
	}
	mtu = atomic_load_explicit(&q->shared->mtu, memory_order_relaxed);
	/* Longer than the link it came by: it came in fragments, and what
	 * fragments say by DF is not about the whole. */
	if (p->len > atomic_load_explicit(
			 &q->shared->public_mtu, memory_order_relaxed))
		inner.df = false;
	if (p->len + overhead > (inner.df ? mtu : IP_PACKET_MAX)) {
		queue_count(q, QUEUE_TOO_BIG);
		/* RFC 2003 §5.1: the tunnel's MTU without its header. */
		if (inner.df)
			send_error(q, p, PACKET_ICMP_UNREACH, ICMP_FRAG_NEEDED,
			    mtu - (unsigned)overhead);
		return FORWARD_DROP;
	}
	/* Only what may be fragmented needs an id of its own (RFC 6864). */
	if (!inner.df)
		id = (uint16_t)atomic_fetch_add_explicit(
		    &q->shared->outer_id, 1, memory_order_relaxed);
	packet_encapsulate(out, &inner, to, id);
	memcpy(out + overhead, p->data, p->len);
	if (!in->output)
		packet_decrement_ttl(out + overhead);
	*out_len = p->len + overhead;
	return FORWARD_SEND;
}

static enum forward_action
from_outside(struct queue *q, const struct forward_packet *in,
    const struct packet *p, uint8_t *out, size_t *out_len)
{
	const struct dataplane_pool *pool;
	struct demux_target	     to;
	enum forward_action	     action;

	switch (demux_inbound(
	    q->shared->demux, q->now, in->data, in->len, &to)) {
	case DEMUX_FORWARD:
		action = enter_tunnel(q, in, p, &to, out, out_len);
		if (action != FORWARD_SEND)
			return action;
		queue_count(q, QUEUE_IN);
		if (!in->output)
			offload_learn(q->shared->offload, &q->recent, q->now,
			    false, p, &to);
		return action;
	case DEMUX_NOT_OURS:
		pool = find_pool(q->shared, p->dst);
		if (pool != NULL && !pool->local)
			break;	/* nobody's: the router would send it back */
		queue_count(q, QUEUE_NOT_OURS);
		return FORWARD_ACCEPT;
	default:
		break;
	}
	queue_count(q, QUEUE_DROP_UNKNOWN);
	return FORWARD_DROP;
}

static void
report_misuse(struct queue *q, uint32_t host, enum demux_verdict v,
    const struct demux_target *whose)
{
	static const uint64_t one = 1;
	struct queue_misuse  *m;
	unsigned	      head, tail;

	queue_count(q, QUEUE_DROP_MISUSE);
	head = atomic_load_explicit(&q->misuse_head, memory_order_relaxed);
	tail = atomic_load_explicit(&q->misuse_tail, memory_order_acquire);
	if (head - tail == QUEUE_MISUSES)
		return;
	m = &q->misuse[head % QUEUE_MISUSES];
	m->host = host;
	m->verdict = v;
	m->client_id = whose->client_id;
	m->bind_id = whose->bind_id;
	atomic_store_explicit(&q->misuse_head, head + 1, memory_order_release);
	if (head == tail && write(q->shared->misuse_fd, &one, sizeof(one)) == -1)
		return;		/* it is signalled already */
}

/*
 * From one host to a leased address: to the host that has it now, without a
 * way round the public side, where the sender's address is ours.
 */
static enum forward_action
between_hosts(struct queue *q, const struct forward_packet *in,
    const struct packet *inner, uint8_t tos, uint8_t *out, size_t *out_len)
{
	struct packet	    p = *inner;
	struct demux_target to;
	enum forward_action action;

	if (demux_inbound(q->shared->demux, q->now, p.data, p.len, &to)
	    != DEMUX_FORWARD) {
		queue_count(q, QUEUE_DROP_UNKNOWN);
		return FORWARD_DROP;
	}
	p.tos = tos;
	action = enter_tunnel(q, in, &p, &to, out, out_len);
	if (action != FORWARD_SEND)
		return action;
	if (tos != inner->tos)
		packet_set_tos(out + packet_tunnel_overhead(to.tunnel), tos);
	queue_count(q, QUEUE_HAIRPIN);
	return action;
}

static enum forward_action
from_tunnel(struct queue *q, const struct forward_packet *in,
    const struct packet *outer, uint8_t *out, size_t *out_len)
{
	struct demux_target whose;
	enum demux_tunnel   tunnel;
	enum demux_verdict  v;
	struct packet	    inner;
	int		    tos;

	if (!packet_decapsulate(outer, &inner, &tunnel)) {
		queue_count(q, QUEUE_DROP_MALFORMED);
		return FORWARD_DROP;
	}
	v = demux_outbound(q->shared->demux, q->now, outer->src, tunnel,
	    inner.data, inner.len, &whose);
	if (v == DEMUX_DROP) {
		queue_count(q, QUEUE_DROP_MISUSE);
		return FORWARD_DROP;
	}
	if (v != DEMUX_FORWARD) {
		report_misuse(q, outer->src, v, &whose);
		return FORWARD_DROP;
	}
	tos = packet_ecn_egress(inner.tos, outer->tos);
	if (tos == -1) {
		queue_count(q, QUEUE_DROP_ECN);
		return FORWARD_DROP;
	}
	if (find_pool(q->shared, inner.dst) != NULL)
		return between_hosts(
		    q, in, &inner, (uint8_t)tos, out, out_len);
	/* The kernel takes one from the TTL when it forwards (RFC 2003 §3.1),
	 * and makes the errors if it cannot; they come to us by OUTPUT. */
	memcpy(out, inner.data, inner.len);
	if (tos != inner.tos)
		packet_set_tos(out, (uint8_t)tos);
	*out_len = inner.len;
	offload_learn(q->shared->offload, &q->recent, q->now, true, &inner,
	    &whose);
	queue_count(q, QUEUE_OUT);
	return FORWARD_SEND;
}

enum forward_action
forward_packet(struct queue *q, const struct forward_packet *in, uint8_t *out,
    size_t *out_len)
{
	struct packet p;

	if (!packet_parse(&p, in->data, in->len)) {
		queue_count(q, QUEUE_DROP_MALFORMED);
		return FORWARD_DROP;
	}
	if ((p.protocol == PACKET_IPIP || p.protocol == PACKET_GRE)
	    && p.dst == q->shared->gateway && !in->output) {
		/* Whatever the rules say: a tunnel begins on our side. */
		if (in->in_index
		    == atomic_load_explicit(
			&q->shared->private_index, memory_order_relaxed))
			return from_tunnel(q, in, &p, out, out_len);
		queue_count(q, QUEUE_DROP_UNKNOWN);
		return FORWARD_DROP;
	}
	return from_outside(q, in, &p, out, out_len);
}
