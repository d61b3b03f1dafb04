/* offload_xdp.bpf.h - the same at the cards, before the kernel makes a buffer: what is simple is sent on from there */
#ifndef NAT_OFFLOAD_XDP_BPF_H
#define NAT_OFFLOAD_XDP_BPF_H

#include "offload_judge.h"

/*
 * The programs here judge as those at tc do, by the same maps, and leave to
 * them whatever they do not send on: no neighbour known, a checksum that is to
 * be filled in, a flow that is due on the slow path.
 */

/*
 * The kernel does not see what is sent from here, so it would take a
 * neighbour's word of long ago for ever.  So each next hop has a packet of the
 * kernel's now and then: in a pause, since a packet by another way may be
 * overtaken, and at last anyhow.
 */
#define HOPS		1024
#define HOP_PAUSE_NS	20000000ull
#define HOP_STEP_NS	1000000ull	/* when it was last seen is known to */
#define HOP_SOON_NS	1000000000ull
#define HOP_LATE_NS	10000000000ull

struct hop {
	__u64 seen, left;	/* boot time, ns: any packet, one left to the
				 * kernel */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HOPS);
	__type(key, __u32);
	__type(value, struct hop);
} hops SEC(".maps");

static __always_inline int
is_kernels_turn(__u32 next, __u64 now)
{
	__u32	    i = next * 0x9e3779b1u >> 22;
	struct hop *h = bpf_map_lookup_elem(&hops, &i);
	__u64	    since;

	if (h == NULL)
		return 1;
	since = now - h->seen;
	if (since > HOP_STEP_NS)
		h->seen = now;
	if (now - h->left <= (since > HOP_PAUSE_NS ? HOP_SOON_NS : HOP_LATE_NS))
		return 0;
	h->left = now;
	return 1;
}

/* As is_from() at tc.  Frames for other machines come up here too: *f says the
 * link-layer address of ours. */
static __always_inline int
is_for_us(struct xdp_md *x, struct bpf_fib_lookup *f, const struct ethhdr *eth,
    __u32 src, __u32 dst)
{
	const __u16 *to = (const void *)eth->h_dest;
	const __u16 *ours = (const void *)f->smac;

	return route(x, f, LOOPBACK_INDEX, dst, src, sizeof(struct iphdr),
	    x->ingress_ifindex) == BPF_FIB_LKUP_RET_SUCCESS &&
	    to[0] == ours[0] && to[1] == ours[1] && to[2] == ours[2];
}

/* The header of the next link. */
static __always_inline void
write_link(struct ethhdr *eth, const struct bpf_fib_lookup *f)
{
	__builtin_memcpy(eth->h_dest, f->dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, f->smac, ETH_ALEN);
	eth->h_proto = bpf_htons(ETH_P_IP);
}

SEC("xdp")
int
offload_card_in(struct xdp_md *x)
{
	struct ethhdr	       *eth = (void *)(long)x->data;
	void		       *end = (void *)(long)x->data_end;
	struct iphdr	       *ip = (void *)(eth + 1), *outer;
	struct offload_binding *b;
	struct offload_state   *s;
	struct offload_key	k;
	struct bpf_fib_lookup	f;
	__u64			now;
	__u16			len;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) ||
	    !make_key(&k, ip, end, (__u32)(end - (void *)ip), OFFLOAD_IN) ||
	    (s = get_state(&now)) == NULL || !s->at_cards ||
	    (b = owner_in(s, &k, ip, end, now, 1)) == NULL)
		return XDP_PASS;
	len = bpf_ntohs(ip->tot_len);
	if (!may_enter(s, ip, len) || is_summed_later(ip, end) ||
	    !is_for_us(x, &f, eth, ip->saddr, ip->daddr) ||
	    route(x, &f, x->ingress_ifindex, b->gateway, b->host,
	    (__u16)(len + sizeof(*outer)), s->private_index) !=
		BPF_FIB_LKUP_RET_SUCCESS ||
	    is_kernels_turn(f.ipv4_dst, now) ||
	    bpf_xdp_adjust_head(x, -(int)sizeof(*outer)) != 0)
		return XDP_PASS;
	eth = (void *)(long)x->data;
	outer = (void *)(eth + 1);
	ip = outer + 1;
	if ((void *)(ip + 1) > (void *)(long)x->data_end)
		return XDP_DROP;
	write_link(eth, &f);
	decrement_ttl(ip);
	write_outer(outer, ip, (__u16)(len + sizeof(*outer)), OUTER_TTL,
	    b->gateway, b->host);
	account_in(b, 1, len, now);
	count(OFFLOAD_COUNT_CARD, 1);
	return (int)bpf_redirect(s->private_index, 0);
}

SEC("xdp")
int
offload_card_out(struct xdp_md *x)
{
	struct ethhdr	       *eth = (void *)(long)x->data;
	void		       *end = (void *)(long)x->data_end;
	struct iphdr	       *outer = (void *)(eth + 1), *ip = outer + 1;
	struct offload_binding *b;
	struct offload_state   *s;
	struct offload_key	k;
	struct bpf_fib_lookup	f;
	__u64			now;
	__u16			len;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) ||
	    !is_tunnel(outer) ||
	    !make_key(&k, ip, end, (__u32)(end - (void *)ip), OFFLOAD_OUT) ||
	    (s = get_state(&now)) == NULL || !s->at_cards ||
	    (b = owner_out(s, &k, now, 1)) == NULL)
		return XDP_PASS;
	len = bpf_ntohs(ip->tot_len);
	if (!may_leave(s, b, outer, ip, len) || is_summed_later(ip, end) ||
	    !is_for_us(x, &f, eth, outer->saddr, outer->daddr) ||
	    route(x, &f, x->ingress_ifindex, ip->saddr, ip->daddr, len,
	    s->public_index) != BPF_FIB_LKUP_RET_SUCCESS ||
	    is_kernels_turn(f.ipv4_dst, now) ||
	    bpf_xdp_adjust_head(x, sizeof(*outer)) != 0)
		return XDP_PASS;
	eth = (void *)(long)x->data;
	ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > (void *)(long)x->data_end)
		return XDP_DROP;
	write_link(eth, &f);
	pass_hop_out(ip);
	account_out(b, 1, len, now);
	count(OFFLOAD_COUNT_CARD, 1);
	return (int)bpf_redirect(s->public_index, 0);
}

#endif
