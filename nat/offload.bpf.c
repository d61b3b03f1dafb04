/* offload.bpf.c - eBPF at both interfaces: forwards what is leased, and flows that the daemon let through before */
#include "offload_judge.h"

/*
 * Who has what stands in maps that the daemon writes when it grants and before
 * it takes back.  All else goes on to NFQUEUE: what has to be learnt or judged
 * (flow policy, IKE, what a host sends by IPsec, ICMP), of which flows that
 * were let through come back here one by one, and what is unusual in any way
 * (fragment, IP options, last hop, too big, congestion to be combined, a route
 * that leads elsewhere).  When the daemon has not vouched for the maps for some
 * seconds, everything does.
 */

#define JOINED_MAX	4096
#define JOINED_NS	20000000ull	/* no device keeps packets so long */
/* BPF_F_ADJ_ROOM_DECAP_IPXIP4 of kernels after 6.18: takes the mark of the
 * tunnel off, too. */
#define TUNNEL_MARK_OFF	(1ull << 11)
#define EINVAL		22

/* When joined segments of a flow came last, boot time, ns; by a hash of it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, JOINED_MAX);
	__type(key, __u32);
	__type(value, __u64);
} joined SEC(".maps");

/*
 * Does a packet of len bytes that came in by the interface from leave by the
 * interface to?  Fills *hop with its next one.
 */
static __always_inline int
is_routed(struct __sk_buff *skb, __u32 from, __u32 src, __u32 dst, __u16 len,
    __u32 to, struct bpf_redir_neigh *hop)
{
	struct bpf_fib_lookup f;
	long		      rc = route(skb, &f, from, src, dst, len, to);

	if (rc != BPF_FIB_LKUP_RET_SUCCESS && rc != BPF_FIB_LKUP_RET_NO_NEIGH)
		return 0;
	hop->nh_family = AF_INET;
	hop->ipv4_nh = f.ipv4_dst;
	return 1;
}

/* The rules' check of sources (RFC 3704 §2.2), which see no packet that passes
 * here: the route to src leads to where it came from. */
static __always_inline int
is_from(struct __sk_buff *skb, __u32 src, __u32 dst)
{
	struct bpf_redir_neigh hop;

	return is_routed(skb, LOOPBACK_INDEX, dst, src, sizeof(struct iphdr),
	    skb->ifindex, &hop);
}

/* The length of the longest packet that the kernel will make of this one. */
static __always_inline __u32
wire_len(const struct __sk_buff *skb, const struct iphdr *ip, const void *end)
{
	const __u8 *tcp = (const void *)(ip + 1);

	if (skb->gso_size == 0)
		return bpf_ntohs(ip->tot_len);
	/* Of what is joined only TCP is understood by adjust_room() here. */
	if (ip->protocol != IPPROTO_TCP || (const void *)(tcp + 13) > end)
		return ~0u;
	return sizeof(*ip) + (__u32)(tcp[12] >> 4) * 4 + skb->gso_size;
}

/* At the public interface: into the host's tunnel (RFC 2003 §3.1). */
SEC("tc")
int
offload_in(struct __sk_buff *skb)
{
	struct bpf_redir_neigh	hop = { 0 };
	struct offload_binding *b;
	struct offload_state   *s;
	struct offload_key	k;
	struct ethhdr	       *eth;
	struct iphdr	       *ip, outer;
	void		       *end;
	__u32			packets, longest;
	__u16			len;

	if (!is_received(skb))
		return TC_ACT_OK;
	pull_headers(skb, sizeof(*eth) + sizeof(*ip) + TCP_HEADER);
	eth = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	ip = (void *)(eth + 1);
	/* A checksum that is left to a card stays so, and the kernel cuts
	 * joined segments in their tunnel, or the host's card does. */
	if ((void *)(ip + 1) > end ||
	    !make_key(&k, ip, end, skb->len - sizeof(*eth), OFFLOAD_IN) ||
	    (s = get_state()) == NULL)
		return TC_ACT_OK;
	if ((b = owner_in(s, &k, ip, end)) == NULL)
		return TC_ACT_OK;
	len = bpf_ntohs(ip->tot_len);
	longest = wire_len(skb, ip, end);
	if (!may_enter(s, ip, longest) ||
	    !is_from(skb, ip->saddr, ip->daddr) ||
	    !is_routed(skb, skb->ifindex, b->gateway, b->host,
	    (__u16)(longest + sizeof(outer)), s->private_index, &hop))
		return TC_ACT_OK;
	decrement_ttl(ip);
	write_outer(&outer, ip, (__u16)(len + sizeof(outer)), OUTER_TTL,
	    b->gateway, b->host);
	packets = skb->gso_segs > 1 ? skb->gso_segs : 1;
	account_in(b, packets, len);
	if (bpf_skb_adjust_room(skb, sizeof(outer), BPF_ADJ_ROOM_MAC,
	    BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_FIXED_GSO) != 0 ||
	    bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &outer,
	    sizeof(outer), 0) != 0)
		return TC_ACT_SHOT;
	return (int)bpf_redirect_neigh(s->private_index, &hop, sizeof(hop), 0);
}

/*
 * Does the packet go out of the tunnel by the devices that cut and sum (see
 * offload_strip())?  What comes close behind joined segments does, too, or
 * would overtake them.
 */
static __always_inline int
is_cut(const struct __sk_buff *skb, const struct offload_key *k,
    const struct iphdr *ip, const void *end)
{
	__u32  i = (k->src ^ k->dst ^ k->id) * 0x9e3779b1u >> 20;
	__u64 *when, now;

	if (skb->gso_size == 0 && is_summed_later(ip, end))
		return 1;
	if (k->protocol != IPPROTO_TCP ||
	    (when = bpf_map_lookup_elem(&joined, &i)) == NULL)
		return skb->gso_size != 0;
	now = bpf_ktime_get_boot_ns();
	if (skb->gso_size == 0)
		return now - *when < JOINED_NS;
	*when = now;
	return 1;
}

/* At the private interface: out of the tunnel, if this host may send this. */
SEC("tc")
int
offload_out(struct __sk_buff *skb)
{
	struct bpf_redir_neigh	hop = { 0 };
	struct offload_binding *b;
	struct offload_state   *s;
	struct offload_key	k;
	struct ethhdr	       *eth;
	struct iphdr	       *outer, *ip;
	void		       *end;
	__u32			packets, longest;
	__u16			len;
	int			cut;
	long			rc;

	if (!is_received(skb))
		return TC_ACT_OK;
	pull_headers(skb, sizeof(*eth) + 2 * sizeof(*ip) + TCP_HEADER);
	eth = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	outer = (void *)(eth + 1);
	ip = outer + 1;
	if ((void *)(ip + 1) > end || !is_tunnel(outer) ||
	    !make_key(&k, ip, end, skb->len - sizeof(*eth) - sizeof(*outer),
	    OFFLOAD_OUT) ||
	    (s = get_state()) == NULL)
		return TC_ACT_OK;
	cut = is_cut(skb, &k, ip, end);
	if (cut && s->cut_index == 0)
		return TC_ACT_OK;
	if ((b = owner_out(s, &k)) == NULL)
		return TC_ACT_OK;
	len = bpf_ntohs(ip->tot_len);
	longest = wire_len(skb, ip, end);
	if (!may_leave(s, b, outer, ip, longest) ||
	    !is_from(skb, outer->saddr, outer->daddr) ||
	    !is_routed(skb, skb->ifindex, ip->saddr, ip->daddr,
	    (__u16)longest, s->public_index, &hop))
		return TC_ACT_OK;
	pass_hop_out(ip);
	packets = skb->gso_segs > 1 ? skb->gso_segs : 1;
	account_out(b, packets, len);
	rc = bpf_skb_adjust_room(skb, -(__s32)sizeof(*outer), BPF_ADJ_ROOM_MAC,
	    cut ? TUNNEL_MARK_OFF | BPF_F_ADJ_ROOM_FIXED_GSO : 0);
	if (cut && rc == -EINVAL)
		return (int)bpf_redirect(s->cut_index, 0);
	if (rc != 0)
		return TC_ACT_SHOT;
	return (int)bpf_redirect_neigh(s->public_index, &hop, sizeof(hop), 0);
}

/*
 * No kernel up to 6.18 takes the mark of a tunnel from joined segments for a tc
 * program, and a card would cut what is left as if it were one.  So they go
 * through a pair of devices of ours, the first of which cuts and sums them: the
 * second takes the outer header off and sends them back, and the first joins
 * them anew, without a tunnel.
 */
SEC("xdp")
int
offload_strip(struct xdp_md *x)
{
	struct ethhdr *eth = (void *)(long)x->data, link;
	struct iphdr  *outer = (void *)(eth + 1);

	if ((void *)(outer + 1) > (void *)(long)x->data_end ||
	    eth->h_proto != bpf_htons(ETH_P_IP) || outer->ihl != 5 ||
	    outer->protocol != IPPROTO_IPIP)
		return XDP_DROP;
	link = *eth;
	if (bpf_xdp_adjust_head(x, sizeof(*outer)) != 0)
		return XDP_DROP;
	eth = (void *)(long)x->data;
	if ((void *)(eth + 1) > (void *)(long)x->data_end)
		return XDP_DROP;
	*eth = link;
	return XDP_TX;
}

/* The first takes them back, and joins, only where a program stands. */
SEC("xdp")
int
offload_back(struct xdp_md *x)
{
	return XDP_PASS;
}

/* What comes back there: offload_out() has found that it may leave, and nothing
 * else passes. */
SEC("tc")
int
offload_anew(struct __sk_buff *skb)
{
	struct bpf_redir_neigh hop = { 0 };
	struct offload_state  *s;
	struct ethhdr	      *eth;
	struct iphdr	      *ip;
	void		      *end;

	pull_headers(skb, sizeof(*eth) + sizeof(*ip) + TCP_HEADER);
	eth = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	ip = (void *)(eth + 1);
	if (skb->protocol != bpf_htons(ETH_P_IP) || (void *)(ip + 1) > end ||
	    (s = get_state()) == NULL ||
	    !is_routed(skb, s->private_index, ip->saddr, ip->daddr,
	    (__u16)wire_len(skb, ip, end), s->public_index, &hop))
		return TC_ACT_SHOT;
	return (int)bpf_redirect_neigh(s->public_index, &hop, sizeof(hop), 0);
}

/*
 * Behind both interfaces: what NFQUEUE let through and the router's rules after
 * it leaves, and its flow goes on here from the next packet on.
 */
SEC("tc")
int
offload_left(struct __sk_buff *skb)
{
	struct offload_flow *f;
	struct offload_key   k;
	struct ethhdr	    *eth;
	struct iphdr	    *ip;
	void		    *end;
	__u32		     mark = skb->mark, room;

	if (skb->protocol != bpf_htons(ETH_P_IP) ||
	    (mark != MARK_HOST && mark != MARK_OUT))
		return TC_ACT_OK;
	pull_headers(skb, sizeof(*eth) + 2 * sizeof(*ip) + TCP_HEADER);
	eth = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	ip = (void *)(eth + 1);
	room = skb->len - sizeof(*eth);
	if (mark == MARK_HOST) {
		if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_IPIP ||
		    ip->ihl != 5)
			return TC_ACT_OK;
		ip++;
		room -= sizeof(*ip);
	}
	if ((void *)(ip + 1) <= end && make_key(&k, ip, end, room,
	    mark == MARK_HOST ? OFFLOAD_IN : OFFLOAD_OUT) &&
	    (f = bpf_map_lookup_elem(&flows, &k)) != NULL)
		f->left = 1;
	return TC_ACT_OK;
}

/* bpf_redirect_neigh() and its like are for programs under the GPL only. */
char offload_license[] SEC("license") = "Dual BSD/GPL";
