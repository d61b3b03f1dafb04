/* forward.c - what becomes of one packet: into a tunnel, out of one, to the router, or nowhere */
#include "config.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nat/demux_answer.h"
#include "nat/demux_inbound.h"
#include "nat/refusal.h"
#include "nat/demux_outbound.h"
#include "nat/forward.h"
#include "nat/mark.h"
#include "net/icmp.h"
#include "net/ip.h"
#include "net/tunnel.h"

#define TTL_EXCEEDED	0
#define LOOPBACK_INDEX	1	/* in every network namespace */

static const struct forward_pool *
find_pool(const struct forward_shared *s, const struct addr *a)
{
	const struct forward_public *public = atomic_load_explicit(&s->public,
	    memory_order_acquire);

	for (size_t i = 0; i < public->npools; i++) {
		if (addr_equal(&public->pool[i].addr, a))
			return &public->pool[i];
	}
	return NULL;
}

/* Is an address the gateway's or a neighbour's? */
static bool
is_private(const struct forward_public *p, const struct addr *a)
{
	if (dataplane_is_gateway(&p->gateways, a))
		return true;
	for (size_t i = 0; i < p->nnetworks; i++) {
		if (prefix_contains(&p->networks[i], a))
			return true;
	}
	return false;
}

static const struct forward_public *
public_of(const struct forward *f)
{
	return atomic_load_explicit(&f->shared->public, memory_order_acquire);
}

int
forward_init(struct forward *f, struct forward_shared *shared)
{
	f->shared = shared;
	f->errors = (struct ratelimit) RATELIMIT_INIT(50, 10);
	f->refusals = (struct ratelimit) RATELIMIT_INIT(10, 100);
	f->fragments = reassemble_new();
	return f->fragments == NULL ? -1 : 0;
}

void
forward_clear(struct forward *f)
{
	reassemble_free(f->fragments);
	f->fragments = NULL;
}

/* --- past the verdicts ---------------------------------------------------- */

static void
send_raw(void *arg, const struct packet_view *p)
{
	const struct forward *f = arg;
	struct sockaddr_in  to = { .sin_family = AF_INET,
		.sin_addr.s_addr = addr_v4(&p->dst) };

	/* Nothing hangs on it: the sender sends again. */
	(void)sendto(f->shared->raw_fd, p->data, p->len,
	    MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof(to));
}

void
forward_raw(struct forward *f, const struct packet_view *p)
{
	unsigned mtu;

	mtu = atomic_load_explicit(&f->shared->mtu, memory_order_relaxed);
	/* A raw socket cuts nothing. */
	if (p->len <= mtu || ip_fragment(p, mtu, send_raw, f) == -1)
		send_raw(f, p);
}

static uint16_t
next_id(_Atomic uint32_t *id)
{
	return (uint16_t)atomic_fetch_add_explicit(id, 1, memory_order_relaxed);
}

/* The header of a host's tunnel, around inner. */
static void
encapsulate(uint8_t *out, const struct demux_target *to,
    const struct packet_view *inner, uint16_t id, struct packet_view *outer)
{
	tunnel_write(out, to->tunnel, &to->gateway, &to->host, inner, id,
	    outer);
}

/*
 * Answers a packet's sender, as a router does (RFC 1812 §4.3): into its tunnel
 * if it is a host's, whose address is the router's too.
 */
static void
send_error(struct forward *f, const struct packet_view *p,
    const struct demux_target *host, uint8_t type, uint8_t code, unsigned mtu)
{
	const struct forward_pool *pool = find_pool(f->shared, &p->dst);
	uint8_t		   out[TUNNEL_OVERHEAD_MAX + ICMP_ERROR_MAX];
	struct packet_view error, outer;
	const struct addr *from;
	size_t		   overhead = 0;

	if (!icmp_may_answer(p) || !ratelimit_pass(&f->errors, f->now))
		return;
	if (host != NULL) {
		from = &host->gateway;
		overhead = tunnel_overhead(host->tunnel);
	} else {
		from = pool != NULL && pool->local ? &pool->addr :
		    &public_of(f)->addr;
	}
	if (!icmp_write_error(out + overhead, from, type, code, mtu, p, &error))
		return;
	if (host != NULL)
		encapsulate(out, host, &error, next_id(&f->shared->outer_id),
		    &outer);
	send_raw(f, host != NULL ? &outer : &error);
}

/* The kernel may forward the next ones of this flow. */
static void
learn(struct forward *f, bool outbound, const struct packet_view *p,
    const struct demux_target *to)
{
	if (f->shared->offload != NULL)
		offload_learn(f->shared->offload, &f->recent, f->now, outbound,
		    p, to);
}

/* --- into a tunnel -------------------------------------------------------- */

/* RFC 2003 §3.1.  sender: the host that p comes from; NULL: it is no host's. */
static enum forward_action
enter_tunnel(struct forward *f, const struct forward_packet *in,
    const struct packet_view *p, const struct demux_target *sender,
    const struct demux_target *to, struct forward_out *out)
{
	size_t	      overhead = tunnel_overhead(to->tunnel);
	struct packet_view inner = *p;
	bool	      ours;
	unsigned      mtu;
	uint16_t      id = 0;

	ours = in->hook == FORWARD_OUTPUT || in->in_index == LOOPBACK_INDEX;
	if (!ours && p->ttl <= 1) {
		forward_count(f, FORWARD_COUNT_TTL);
		send_error(f, p, sender, ICMP_TIME_EXCEEDED, TTL_EXCEEDED, 0);
		return FORWARD_DROP;
	}
	mtu = atomic_load_explicit(&f->shared->mtu, memory_order_relaxed);
	/* Longer than the link it came by: it came in fragments, and what
	 * fragments say by DF is not about the whole. */
	if (p->len > atomic_load_explicit(&f->shared->public_mtu,
			 memory_order_relaxed))
		inner.df = false;
	if (p->len + overhead > (inner.df ? mtu : FORWARD_MAX)) {
		forward_count(f, FORWARD_COUNT_TOO_BIG);
		/* RFC 2003 §5.1: the tunnel's MTU without its header. */
		if (inner.df)
			send_error(f, p, sender, ICMP_DEST_UNREACH,
			    ICMP_FRAG_NEEDED, mtu - (unsigned)overhead);
		return FORWARD_DROP;
	}
	/* Only what may be fragmented needs an id of its own (RFC 6864). */
	if (!inner.df)
		id = next_id(&f->shared->outer_id);
	encapsulate(out->data, to, &inner, id, &out->outer);
	memcpy(out->data + overhead, p->data, p->len);
	if (!ours)
		ip_lower_ttl(out->data + overhead);
	/* The kernel's errors come from the address that was asked, and a host
	 * takes nothing from outside that has its own. */
	if (ours && addr_equal(&p->src, &p->dst) && icmp_is_error(p))
		ip_set_src(out->data + overhead, &to->gateway);
	out->len = p->len + overhead;
	out->mark = MARK_HOST;
	return FORWARD_SEND;
}

/*
 * Who would encrypt to an address that several hosts have means none of them,
 * and without an answer holds back what it has for all of them.
 */
static void
refuse_stranger(struct forward *f, const struct packet_view *p)
{
	uint8_t		   out[REFUSAL_MAX];
	struct packet_view answer;

	if (demux_refuses_ike(f->shared->demux) &&
	    refusal_write(out, p, &answer) &&
	    ratelimit_pass(&f->refusals, f->now))
		send_raw(f, &answer);
}

static enum forward_action
from_outside(struct forward *f, const struct forward_packet *in,
    const struct packet_view *p, struct forward_out *out)
{
	const struct forward_pool *pool;
	struct demux_target	     to;
	enum forward_action	     action;

	switch (demux_inbound(f->shared->demux, f->now, p, &to)) {
	case DEMUX_FORWARD:
		action = enter_tunnel(f, in, p, NULL, &to, out);
		if (action != FORWARD_SEND)
			return action;
		forward_count(f, FORWARD_COUNT_IN);
		forward_add(f, FORWARD_COUNT_BYTES_IN, p->len);
		if (in->hook == FORWARD_LATE)
			demux_expect(f->shared->demux, f->now, p);
		else if (in->hook == FORWARD_PREROUTING)
			learn(f, false, p, &to);
		return action;
	case DEMUX_NOT_OURS:
		pool = find_pool(f->shared, &p->dst);
		if (pool != NULL && !pool->local)
			break;	/* nobody's: the router would send it back */
		forward_count(f, FORWARD_COUNT_NOT_OURS);
		return FORWARD_ACCEPT;
	default:
		refuse_stranger(f, p);
		break;
	}
	forward_count(f, FORWARD_COUNT_DROP_UNKNOWN);
	return FORWARD_DROP;
}

/* --- out of a tunnel ------------------------------------------------------ */

static void
report_misuse(struct forward *f, const struct packet_view *outer,
    enum demux_verdict v, const struct demux_target *whose)
{
	static const uint64_t one = 1;
	struct forward_misuse  *m;
	unsigned	      head, tail;

	forward_count(f, FORWARD_COUNT_DROP_MISUSE);
	head = atomic_load_explicit(&f->misuse_head, memory_order_relaxed);
	tail = atomic_load_explicit(&f->misuse_tail, memory_order_acquire);
	if (head - tail == FORWARD_MISUSES)
		return;
	m = &f->misuse[head % FORWARD_MISUSES];
	m->gateway = addr_is_set(&whose->gateway) ? whose->gateway : outer->dst;
	m->host = outer->src;
	m->verdict = v;
	m->client_id = whose->client_id;
	m->bind_id = whose->bind_id;
	atomic_store_explicit(&f->misuse_head, head + 1, memory_order_release);
	if (head == tail &&
	    write(f->shared->wake_fd, &one, sizeof(one)) == -1)
		return;		/* signalled already */
}

void
forward_awaken(struct forward_shared *s)
{
	static const uint64_t one = 1;

	if (atomic_load_explicit(&s->asleep, memory_order_relaxed) &&
	    atomic_exchange(&s->asleep, false) &&
	    write(s->wake_fd, &one, sizeof(one)) == -1)
		return;		/* signalled already */
}

bool
forward_take_misuse(struct forward *f, struct forward_misuse *out)
{
	unsigned head, tail;

	tail = atomic_load_explicit(&f->misuse_tail, memory_order_relaxed);
	head = atomic_load_explicit(&f->misuse_head, memory_order_acquire);
	if (head == tail)
		return false;
	*out = f->misuse[tail % FORWARD_MISUSES];
	atomic_store_explicit(&f->misuse_tail, tail + 1, memory_order_release);
	return true;
}

static enum forward_action
leave_tunnel(const struct packet_view *inner, uint8_t tos, uint32_t mark,
    struct forward_out *out)
{
	memcpy(out->data, inner->data, inner->len);
	if (tos != inner->tos)
		ip_set_tos(out->data, tos);
	out->len = inner->len;
	out->mark = mark;
	return FORWARD_SEND;
}

static enum forward_action
refuse(struct forward *f, const struct packet_view *inner,
    const struct demux_target *whose, uint8_t code)
{
	forward_count(f, FORWARD_COUNT_REFUSED);
	send_error(f, inner, whose, ICMP_DEST_UNREACH, code, 0);
	return FORWARD_DROP;
}

/*
 * From one host to a leased address: to the host that has it now, without a
 * way round the public side, where the sender's address is ours; or to the
 * router, whose address it is.
 */
static enum forward_action
to_leased(struct forward *f, const struct forward_packet *in,
    const struct packet_view *inner, const struct demux_target *whose,
    uint8_t tos, const struct forward_pool *pool, struct forward_out *out)
{
	struct packet_view	    p = *inner;
	struct demux_target to;
	enum forward_action action;

	switch (demux_inbound(f->shared->demux, f->now, &p, &to)) {
	case DEMUX_FORWARD:
		break;
	case DEMUX_NOT_OURS:
		if (!pool->local)
			return refuse(f, inner, whose, ICMP_HOST_UNREACH);
		forward_count(f, FORWARD_COUNT_NOT_OURS);
		return leave_tunnel(inner, tos, MARK_ROUTER, out);
	default:
		return refuse(f, inner, whose, ICMP_PKT_FILTERED);
	}
	p.tos = tos;
	action = enter_tunnel(f, in, &p, whose, &to, out);
	if (action != FORWARD_SEND)
		return action;
	if (tos != inner->tos)
		ip_set_tos(out->data + tunnel_overhead(to.tunnel),
		    tos);
	forward_count(f, FORWARD_COUNT_HAIRPIN);
	forward_add(f, FORWARD_COUNT_BYTES_HAIRPIN, inner->len);
	return action;
}

/*
 * A tunnel leads to the public realm and nowhere else (RFC 3102 §3.2): hosts
 * speak with neighbours, and with the gateway, by their own address.
 */
static enum forward_action
to_private(struct forward *f, const struct packet_view *inner,
    const struct demux_target *whose, uint8_t tos, struct forward_out *out)
{
	if (!demux_expected(f->shared->demux, f->now, inner))
		return refuse(f, inner, whose, ICMP_PKT_FILTERED);
	forward_count(f, FORWARD_COUNT_OUT);
	forward_add(f, FORWARD_COUNT_BYTES_OUT, inner->len);
	return leave_tunnel(inner, tos,
	    dataplane_is_gateway(&public_of(f)->gateways, &inner->dst) ?
	    MARK_ROUTER : MARK_ANSWER, out);
}

static enum forward_action
to_public(struct forward *f, const struct packet_view *inner,
    const struct demux_target *whose, uint8_t tos, struct forward_out *out)
{
	/* The kernel takes one from the TTL when it forwards (RFC 2003 §3.1),
	 * and makes the errors if it cannot; they come to us by OUTPUT. */
	leave_tunnel(inner, tos, MARK_OUT, out);
	/* Hosts at one address draw ids that the others know nothing of (RFC
	 * 3102 §6.3): all that may be fragmented, here or beyond, gets one of a
	 * single sequence (RFC 6864 §4.1).  AH covers it (RFC 4302
	 * §3.3.3.1). */
	if (!inner->df && inner->protocol != IPPROTO_AH)
		ip_set_id(out->data, next_id(&f->shared->inner_id));
	learn(f, true, inner, whose);
	forward_count(f, FORWARD_COUNT_OUT);
	forward_add(f, FORWARD_COUNT_BYTES_OUT, inner->len);
	return FORWARD_SEND;
}

/* A host's datagram, whole; outer: the packet that it, or its last part, came
 * in. */
static enum forward_action
from_host(struct forward *f, const struct forward_packet *in,
    const struct packet_view *outer, enum tunnel_type tunnel,
    const struct packet_view *inner, uint8_t tos, struct forward_out *out)
{
	const struct forward_pool *pool;
	struct demux_target	     whose;
	enum demux_verdict	     v;

	v = demux_outbound(f->shared->demux, f->now, &outer->src, tunnel, inner,
	    &whose);
	/* What one gateway leased goes through no other's tunnel. */
	if (v == DEMUX_FORWARD && !addr_equal(&whose.gateway, &outer->dst) &&
	    dataplane_is_gateway(&public_of(f)->gateways, &whose.gateway))
		v = DEMUX_MISUSE_TUNNEL;
	if (v == DEMUX_DROP) {
		forward_count(f, FORWARD_COUNT_DROP_MISUSE);
		return FORWARD_DROP;
	}
	if (v != DEMUX_FORWARD) {
		report_misuse(f, outer, v, &whose);
		return FORWARD_DROP;
	}
	if (inner->len > FORWARD_MAX) {
		forward_count(f, FORWARD_COUNT_TOO_BIG);
		return FORWARD_DROP;
	}
	pool = find_pool(f->shared, &inner->dst);
	if (pool != NULL && !pool->away)
		return to_leased(f, in, inner, &whose, tos, pool, out);
	if (is_private(public_of(f), &inner->dst))
		return to_private(f, inner, &whose, tos, out);
	return to_public(f, inner, &whose, tos, out);
}

static enum forward_action
from_tunnel(struct forward *f, const struct forward_packet *in,
    const struct packet_view *outer, struct forward_out *out)
{
	enum tunnel_type tunnel;
	struct packet_view	  inner;
	const uint8_t	 *whole;
	size_t		  len;
	int		  tos;

	if (!tunnel_inner(outer, &inner, &tunnel)) {
		forward_count(f, FORWARD_COUNT_DROP_MALFORMED);
		return FORWARD_DROP;
	}
	tos = tunnel_leave_tos(inner.tos, outer->tos);
	if (tos == -1) {
		forward_count(f, FORWARD_COUNT_DROP_ECN);
		return FORWARD_DROP;
	}
	if (!packet_is_fragment(&inner))
		return from_host(f, in, outer, tunnel, &inner, (uint8_t)tos,
		    out);
	/* Who holds nothing makes us keep nothing. */
	if (!demux_holds(f->shared->demux, &outer->src, &inner.src)) {
		forward_count(f, FORWARD_COUNT_DROP_MISUSE);
		return FORWARD_DROP;
	}
	inner.tos = (uint8_t)tos;
	whole = reassemble_add(f->fragments, f->now, &outer->src, &inner, &len);
	if (whole == NULL || !packet_parse_ipv4(&inner, whole, len))
		return FORWARD_DROP;	/* so far */
	return from_host(f, in, outer, tunnel, &inner, inner.tos, out);
}

enum forward_action
forward_packet(struct forward *f, const struct forward_packet *in,
    struct forward_out *out)
{
	struct packet_view p;

	if (!packet_parse_ipv4(&p, in->data, in->len)) {
		forward_count(f, FORWARD_COUNT_DROP_MALFORMED);
		return FORWARD_DROP;
	}
	if ((p.protocol == IPPROTO_IPIP || p.protocol == IPPROTO_GRE) &&
	    dataplane_is_gateway(&public_of(f)->gateways, &p.dst) &&
	    in->hook == FORWARD_PREROUTING) {
		/* Whatever the rules say: a tunnel begins on our side. */
		if (in->in_index ==
		    atomic_load_explicit(&f->shared->private_index,
			memory_order_relaxed))
			return from_tunnel(f, in, &p, out);
		forward_count(f, FORWARD_COUNT_DROP_UNKNOWN);
		return FORWARD_DROP;
	}
	return from_outside(f, in, &p, out);
}
