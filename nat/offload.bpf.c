/* offload.bpf.c - eBPF at both interfaces: forwards what is leased, and flows that the daemon let through before */
#include "offload_judge.h"
#include <linux/ipv6.h>

#include "net/decap.h"

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

/* When joined segments of a flow came last, boot time, ns; by a hash of it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, JOINED_MAX);
	__type(key, __u32);
	__type(value, __u64);
} joined SEC(".maps");

/*
 * What stands before a packet that the kernel is to decapsulate, and what is
 * left of that: with a type of IPv6, as offload_bare() has the packet made one
 * of IPv4, and as long as an IPv6 header is longer than an IPv4 one.
 */
struct decap_inner {
	struct ethhdr link;
	__u8	      fill[sizeof(struct ipv6hdr) - sizeof(struct iphdr) -
	    sizeof(struct ethhdr)];
} __attribute__((packed));

struct decap_headers {
	struct ethhdr	   link;
	struct ipv6hdr	   ip;
	struct decap_inner inner;
} __attribute__((packed));

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
	__u64			now;
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
	    (s = get_state(&now)) == NULL)
		return TC_ACT_OK;
	if ((b = owner_in(s, &k, ip, end, now, 0)) == NULL)
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
	account_in(b, packets, len, now);
	if (bpf_skb_adjust_room(skb, sizeof(outer), BPF_ADJ_ROOM_MAC,
	    BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_FIXED_GSO) != 0 ||
	    bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &outer,
	    sizeof(outer), 0) != 0)
		return TC_ACT_SHOT;
	return (int)bpf_redirect_neigh(s->private_index, &hop, sizeof(hop), 0);
}

/*
 * Does the kernel have to take the mark of the tunnel off this packet (see
 * offload_bare())?  What comes close behind joined segments goes the same way,
 * or would overtake them.
 */
static __always_inline int
is_marked(const struct __sk_buff *skb, const struct offload_key *k,
    const struct iphdr *ip, const void *end, __u64 now)
{
	__u32  i = (k->src ^ k->dst ^ k->id) * 0x9e3779b1u >> 20;
	__u64 *when;

	if (skb->gso_size == 0 && is_summed_later(ip, end))
		return 1;
	if (k->protocol != IPPROTO_TCP ||
	    (when = bpf_map_lookup_elem(&joined, &i)) == NULL)
		return skb->gso_size != 0;
	if (skb->gso_size == 0)
		return now - *when < JOINED_NS;
	*when = now;
	return 1;
}

/*
 * No tc program can take the mark of a tunnel from joined segments on the
 * kernels that there are, and a card would cut what is left as if it were one.
 * The kernel does where it decapsulates by itself: so the outer header becomes
 * those of net/decap.h, and offload_bare() has the packet from there.  len: of
 * the inner packet.
 */
static __always_inline int
send_to_decap(struct __sk_buff *skb, const struct offload_state *s, __u16 len)
{
	struct decap_headers h = {
		.link = { .h_dest = DECAP_LINK, .h_source = DECAP_LINK,
		    .h_proto = bpf_htons(ETH_P_IPV6) },
		.ip = { .version = 6, .nexthdr = DECAP_NEXT, .hop_limit = 1,
		    .saddr.s6_addr = DECAP_SID, .daddr.s6_addr = DECAP_SID },
		.inner.link = { .h_dest = DECAP_LINK, .h_source = DECAP_LINK,
		    .h_proto = bpf_htons(ETH_P_IPV6) } };

	h.ip.payload_len = bpf_htons((__u16)(len + sizeof(h.inner)));
	if (bpf_skb_change_head(skb, sizeof(h) - sizeof(struct ethhdr) -
	    sizeof(struct iphdr), 0) != 0 ||
	    bpf_skb_store_bytes(skb, 0, &h, sizeof(h), 0) != 0)
		return TC_ACT_SHOT;
	count(OFFLOAD_COUNT_MARKED, 1);
	return (int)bpf_redirect(s->decap_index, BPF_F_INGRESS);
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
	__u64			now;
	__u16			len;
	int			marked;

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
	    (s = get_state(&now)) == NULL)
		return TC_ACT_OK;
	marked = is_marked(skb, &k, ip, end, now);
	if (marked && s->decap_index == 0)
		return TC_ACT_OK;
	if ((b = owner_out(s, &k, now, 0)) == NULL)
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
	account_out(b, packets, len, now);
	if (marked)
		return send_to_decap(skb, s, len);
	if (bpf_skb_adjust_room(skb, -(__s32)sizeof(*outer), BPF_ADJ_ROOM_MAC,
	    0) != 0)
		return TC_ACT_SHOT;
	return (int)bpf_redirect_neigh(s->public_index, &hop, sizeof(hop), 0);
}

static __always_inline int
is_decap_link(const __u8 *address)
{
	const __u8 link[ETH_ALEN] = DECAP_LINK;
	int	   i;

#pragma unroll
	for (i = 0; i < ETH_ALEN; i++) {
		if (address[i] != link[i])
			return 0;
	}
	return 1;
}

/*
 * Behind the device that decapsulates: offload_out() has found that the packet
 * may leave, and its mark is gone.  Nothing else passes, least of all what the
 * kernel or a program of this machine says there by itself, which is never to
 * the address that it is from.
 */
SEC("tc")
int
offload_bare(struct __sk_buff *skb)
{
	struct bpf_redir_neigh hop = { 0 };
	struct offload_state  *s;
	struct decap_inner    *inner;
	__u64		       now;
	struct iphdr	      *ip;
	void		      *end;

	pull_headers(skb, sizeof(*inner) + sizeof(*ip) + TCP_HEADER);
	inner = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	ip = (void *)(inner + 1);
	if (skb->protocol != bpf_htons(ETH_P_IPV6) || (void *)(ip + 1) > end ||
	    !is_decap_link(inner->link.h_dest) ||
	    !is_decap_link(inner->link.h_source))
		return TC_ACT_SHOT;
	count(OFFLOAD_COUNT_BARE, 1);
	if ((s = get_state(&now)) == NULL ||
	    !is_routed(skb, s->private_index, ip->saddr, ip->daddr,
	    (__u16)wire_len(skb, ip, end), s->public_index, &hop))
		return TC_ACT_SHOT;
	/* The kernel takes the inner link header for the network's.  Behind
	 * another one it is, and goes when IPv6 becomes IPv4. */
	if (bpf_skb_change_head(skb, sizeof(struct ethhdr), 0) != 0 ||
	    bpf_skb_change_proto(skb, bpf_htons(ETH_P_IP), 0) != 0)
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

#include "offload_xdp.bpf.h"

/* bpf_redirect_neigh() and its like are for programs under the GPL only. */
char offload_license[] SEC("license") = "Dual BSD/GPL";
