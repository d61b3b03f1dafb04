/* offload.bpf.c - eBPF at both interfaces: forwards what is leased, and flows that the daemon let through before */
#include "net/bpf_program.h"
#include "mark.h"
#include "offload_map.h"

/*
 * Who has what stands in maps that the daemon writes when it grants and before
 * it takes back.  All else goes on to NFQUEUE: what has to be learnt or judged
 * (flow policy, IKE, what a host sends by IPsec, ICMP), of which flows that
 * were let through come back here one by one, and what is unusual in any way
 * (fragment, IP options, last hop, too big, congestion to be combined, a route
 * that leads elsewhere).  When the daemon has not vouched for the maps for some
 * seconds, everything does.
 */

#define REFRESH_NS	(10ull * 1000000000)
#define USED_NS		1000000000ull	/* last use is known to the second */
/* offload.c takes fewer on a small machine. */
#define FLOWS_MAX	262144
#define BINDINGS_MAX	131072
#define LEASES_MAX	1048576
#define LOCALS_MAX	256
#define OUTER_TTL	63		/* a hop less, as forwarding takes */
#define ECN_MASK	3
#define PORT_IKE	500
#define PORT_IKE_NATT	4500
#define JOINED_MAX	4096
#define JOINED_NS	20000000ull	/* no device keeps packets so long */
/* BPF_F_ADJ_ROOM_DECAP_IPXIP4 of kernels after 6.18: takes the mark of the
 * tunnel off, too. */
#define TUNNEL_MARK_OFF	(1ull << 11)
#define AF_INET		2		/* on every machine */
#define EINVAL		22
#define LOOPBACK_INDEX	1	/* in every network namespace */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOWS_MAX);
	__type(key, struct offload_key);
	__type(value, struct offload_flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BINDINGS_MAX);
	__type(key, __u32);
	__type(value, struct offload_binding);
} bindings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, LEASES_MAX);
	__type(key, struct offload_lease);
	__type(value, __u64);
} leases SEC(".maps");

/* Every public address that is leased from, to its part of "ports". */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LOCALS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} locals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, OFFLOAD_PORTS);
	__type(key, __u32);
	__type(value, __u64);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct offload_state);
} state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OFFLOAD_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* When joined segments of a flow came last, boot time, ns; by a hash of it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, JOINED_MAX);
	__type(key, __u32);
	__type(value, __u64);
} joined SEC(".maps");

static __always_inline void
count(__u32 which, __u64 by)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &which);

	if (n != NULL)
		*n += by;
}

static __always_inline struct offload_state *
get_state(void)
{
	__u32		      zero = 0;
	struct offload_state *s = bpf_map_lookup_elem(&state, &zero);

	if (s == NULL || bpf_ktime_get_boot_ns() > s->alive)
		return NULL;
	return s;
}

/* RFC 1122 §3.2.1.3; multicast, class E and broadcast are at the end. */
static __always_inline int
is_host(__u32 addr)
{
	__u32 first = bpf_ntohl(addr) >> 24;

	return first != 0 && first != 127 && first < 224;
}

/*
 * Reads the flow of an IPv4 packet at ip, of which room bytes are there; false
 * if packets like it go the slow way.
 */
static __always_inline int
make_key(struct offload_key *k, const struct iphdr *ip, const void *end,
    __u32 room, __u8 side)
{
	const __u32 *words = (const void *)(ip + 1);
	__u16	     len = bpf_ntohs(ip->tot_len);

	if (ip->ihl != 5 || ip->version != 4 || ip->ttl <= 1 ||
	    (ip->frag_off & bpf_htons(IP_FRAGMENT)) != 0 ||
	    (const void *)(words + 2) > end || len > room ||
	    len < sizeof(*ip) + 8 || !is_host(ip->saddr))
		return 0;
	k->src = ip->saddr;
	k->dst = ip->daddr;
	k->protocol = ip->protocol;
	k->side = side;
	k->zero = 0;
	switch (ip->protocol) {
	case IPPROTO_ESP:
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		k->id = words[0];
		return 1;
	case IPPROTO_AH:
		k->id = words[1];
		return 1;
	}
	return 0;
}

/* --- whose a packet is ---------------------------------------------------- */

static __always_inline struct offload_binding *
binding_of(__u64 handle, __u32 local)
{
	__u32			slot = (__u32)handle & OFFLOAD_SLOT_MASK;
	struct offload_binding *b = bpf_map_lookup_elem(&bindings, &slot);

	return b != NULL && handle != 0 && b->handle == handle &&
	    b->local == local ? b : NULL;
}

static __always_inline __u64
leased(__u32 kind, __u32 local, __u32 first, __u32 second)
{
	struct offload_lease k = { .value = { first, second }, .local = local,
		.kind = kind };
	__u64		    *handle = bpf_map_lookup_elem(&leases, &k);

	return handle != NULL ? *handle : 0;
}

static __always_inline __u64
leased_port(__u32 number, __u16 port)
{
	__u32  i = number * OFFLOAD_PORTS + port;
	__u64 *handle = bpf_map_lookup_elem(&ports, &i);

	return handle != NULL ? *handle : 0;
}

static __always_inline int
is_ike(const struct offload_key *k, __u16 port)
{
	return k->protocol == IPPROTO_UDP &&
	    (port == PORT_IKE || port == PORT_IKE_NATT);
}

/* RFC 3104 §4: (port, initiator cookie, destination), but for cookies that
 * were learnt; RFC 3948 §2: on 4500 four zero bytes stand before IKE. */
static __always_inline __u64
leased_ike(const struct iphdr *ip, const void *end, __u16 port)
{
	const __u32 *w = (const void *)(ip + 1);
	__u32	     len = bpf_ntohs(ip->tot_len) - sizeof(*ip) - 8, marker;

	if ((const void *)(w + 4) > end || len < 8)
		return 0;
	if (port == PORT_IKE_NATT) {
		marker = w[2];
		if (marker != 0)
			return leased(OFFLOAD_SPI, ip->daddr, marker, 0);
		if ((const void *)(w + 5) > end || len < 12)
			return 0;
		w++;
	}
	return leased(OFFLOAD_COOKIE, ip->daddr, w[2], w[3]);
}

/* The ports of the packet that k was made of, in host order. */
static __always_inline __u16
source_port(const struct offload_key *k)
{
	return bpf_ntohs(((const __u16 *)&k->id)[0]);
}

static __always_inline __u16
destination_port(const struct offload_key *k)
{
	return bpf_ntohs(((const __u16 *)&k->id)[1]);
}

/* As demux_inbound() (nat/demux_inbound.c); NULL where the maps do not say. */
static __always_inline struct offload_binding *
find_inbound(const struct offload_key *k, const struct iphdr *ip,
    const void *end)
{
	__u32 *number = bpf_map_lookup_elem(&locals, &ip->daddr);
	__u64  handle;
	__u16  port;

	if (number == NULL)
		return NULL;
	if (k->protocol == IPPROTO_ESP || k->protocol == IPPROTO_AH) {
		handle = leased(OFFLOAD_SPI, ip->daddr, k->id, 0);
	} else {
		port = destination_port(k);
		if (is_ike(k, port))
			return binding_of(leased_ike(ip, end, port),
			    ip->daddr);
		handle = leased_port(*number, port);
	}
	if (handle == 0)
		handle = leased_port(*number, OFFLOAD_WHOLE);
	return binding_of(handle, ip->daddr);
}

/* As demux_outbound(), for what teaches it nothing. */
static __always_inline struct offload_binding *
find_outbound(const struct offload_key *k)
{
	__u32 *number;
	__u64  handle;
	__u16  port = source_port(k);

	if ((k->protocol != IPPROTO_TCP && k->protocol != IPPROTO_UDP) ||
	    is_ike(k, port) ||
	    (number = bpf_map_lookup_elem(&locals, &k->src)) == NULL)
		return NULL;
	handle = leased_port(*number, port);
	if (handle == 0)
		handle = leased_port(*number, OFFLOAD_WHOLE);
	return binding_of(handle, k->src);
}

static __always_inline struct offload_binding *
find_flow(const struct offload_state *s, const struct offload_key *k)
{
	struct offload_flow *f = bpf_map_lookup_elem(&flows, k);
	__u64		     now = bpf_ktime_get_boot_ns();

	if (f == NULL)
		return NULL;
	if (now > f->refresh) {
		f->refresh = now + REFRESH_NS;
		count(OFFLOAD_COUNT_SLOW, 1);
		return NULL;
	}
	if (s->judged && !f->left)
		return NULL;
	return binding_of(f->handle,
	    k->side == OFFLOAD_IN ? k->dst : k->src);
}

/* --- where it may go ------------------------------------------------------ */

/*
 * Does a packet of len bytes that came in by the interface from leave by the
 * interface to?  Fills *hop with its next one.
 */
static __always_inline int
is_routed(struct __sk_buff *skb, __u32 from, __u32 src, __u32 dst, __u16 len,
    __u32 to, struct bpf_redir_neigh *hop)
{
	struct bpf_fib_lookup f = { .family = AF_INET, .tot_len = len,
		.ifindex = from, .ipv4_src = src, .ipv4_dst = dst };
	long		      rc = bpf_fib_lookup(skb, &f, sizeof(f), 0);

	if ((rc != BPF_FIB_LKUP_RET_SUCCESS &&
	    rc != BPF_FIB_LKUP_RET_NO_NEIGH) || f.ifindex != to)
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

static __always_inline int
is_gateway(const struct offload_state *s, __u32 addr)
{
	int i;

	for (i = 0; i < OFFLOAD_GATEWAYS; i++) {
		if (s->gateway[i] == addr)
			return 1;
	}
	return 0;
}

static __always_inline int
is_private(const struct offload_state *s, __u32 addr)
{
	int i;

	for (i = 0; i < OFFLOAD_NETWORKS; i++) {
		if (i < (int)s->nnetworks &&
		    (addr & s->network[i].mask) == s->network[i].addr)
			return 1;
	}
	return is_gateway(s, addr);
}

/* Neither the private side's nor leased itself: what is goes the slow way,
 * into a host's tunnel or nowhere. */
static __always_inline int
is_outside(const struct offload_state *s, __u32 addr)
{
	return is_host(addr) && !is_private(s, addr) &&
	    bpf_map_lookup_elem(&locals, &addr) == NULL;
}

static __always_inline void
use(struct offload_binding *b)
{
	__u64 now = bpf_ktime_get_boot_ns();

	if (now - b->last_used > USED_NS)
		b->last_used = now;
}

/* --- the packet ----------------------------------------------------------- */

/* RFC 1624: one less in the upper byte of the word that holds TTL and
 * protocol. */
static __always_inline void
decrement_ttl(struct iphdr *ip)
{
	__u32 sum = ip->check;

	sum += bpf_htons(0x0100);
	ip->check = (__u16)(sum + (sum >= 0xffff));
	ip->ttl--;
}

/* RFC 1624, equation 3: another identification. */
static __always_inline void
set_id(struct iphdr *ip, __u16 id)
{
	__u32 sum = (__u16)~ip->check;

	sum += (__u16)~ip->id;
	sum += id;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = (__u16)~sum;
	ip->id = id;
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

	if (skb->protocol != bpf_htons(ETH_P_IP))
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
	b = s->judged ? NULL : find_inbound(&k, ip, end);
	if (b == NULL && (b = find_flow(s, &k)) == NULL)
		return TC_ACT_OK;
	len = bpf_ntohs(ip->tot_len);
	longest = wire_len(skb, ip, end);
	if (longest > s->mtu - sizeof(outer) || longest > s->public_mtu ||
	    len > 0xffff - sizeof(outer) || header_checksum(ip) != 0 ||
	    !is_outside(s, ip->saddr) || !is_from(skb, ip->saddr, ip->daddr) ||
	    !is_routed(skb, skb->ifindex, b->gateway, b->host,
	    (__u16)(longest + sizeof(outer)), s->private_index, &hop))
		return TC_ACT_OK;
	decrement_ttl(ip);
	write_outer(&outer, ip, (__u16)(len + sizeof(outer)), OUTER_TTL,
	    b->gateway, b->host);
	packets = skb->gso_segs > 1 ? skb->gso_segs : 1;
	use(b);
	__sync_fetch_and_add(&b->packets_in, packets);
	__sync_fetch_and_add(&b->bytes_in, len);
	if (bpf_skb_adjust_room(skb, sizeof(outer), BPF_ADJ_ROOM_MAC,
	    BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_FIXED_GSO) != 0 ||
	    bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &outer,
	    sizeof(outer), 0) != 0)
		return TC_ACT_SHOT;
	count(OFFLOAD_COUNT_IN, packets);
	count(OFFLOAD_COUNT_BYTES_IN, len);
	return (int)bpf_redirect_neigh(s->private_index, &hop, sizeof(hop), 0);
}

/*
 * A packet made on this machine may have the sum of the pseudo header alone
 * where a network card was to put the checksum.
 */
static __always_inline int
is_summed_later(const struct iphdr *ip, const void *end)
{
	const __u16 *check = (const __u16 *)(ip + 1) +
	    (ip->protocol == IPPROTO_TCP ? 8 : 3);
	__u32	     sum;

	if ((ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP) ||
	    (const void *)(check + 1) > end)
		return 0;
	sum = (ip->saddr & 0xffff) + (ip->saddr >> 16) + (ip->daddr & 0xffff) +
	    (ip->daddr >> 16) + bpf_htons(ip->protocol) +
	    bpf_htons((__u16)(bpf_ntohs(ip->tot_len) - sizeof(*ip)));
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return *check == (__u16)sum;
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

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	pull_headers(skb, sizeof(*eth) + 2 * sizeof(*ip) + TCP_HEADER);
	eth = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	outer = (void *)(eth + 1);
	ip = outer + 1;
	if ((void *)(ip + 1) > end || outer->ihl != 5 || outer->version != 4 ||
	    outer->protocol != IPPROTO_IPIP ||
	    (outer->frag_off & bpf_htons(IP_FRAGMENT)) != 0 ||
	    !make_key(&k, ip, end, skb->len - sizeof(*eth) - sizeof(*outer),
	    OFFLOAD_OUT) ||
	    (s = get_state()) == NULL)
		return TC_ACT_OK;
	cut = is_cut(skb, &k, ip, end);
	if (cut && s->cut_index == 0)
		return TC_ACT_OK;
	b = s->judged ? NULL : find_outbound(&k);
	if (b == NULL && (b = find_flow(s, &k)) == NULL)
		return TC_ACT_OK;
	len = bpf_ntohs(ip->tot_len);
	longest = wire_len(skb, ip, end);
	/* The source check: this is leased to this host alone.  ECN of the
	 * outer header is combined on the slow path (RFC 6040 §4.2). */
	if (b->host != outer->saddr || b->gateway != outer->daddr ||
	    !is_gateway(s, outer->daddr) || longest > s->public_mtu ||
	    len + sizeof(*outer) != bpf_ntohs(outer->tot_len) ||
	    ((outer->tos ^ ip->tos) & ECN_MASK) != 0 ||
	    header_checksum(outer) != 0 || header_checksum(ip) != 0 ||
	    !is_outside(s, ip->daddr) ||
	    !is_from(skb, outer->saddr, outer->daddr) ||
	    !is_routed(skb, skb->ifindex, ip->saddr, ip->daddr,
	    (__u16)longest, s->public_index, &hop))
		return TC_ACT_OK;
	decrement_ttl(ip);
	/* As the slow path: hosts at one address must not draw the same (RFC
	 * 3102 §6.3), and AH covers it. */
	if ((ip->frag_off & bpf_htons(IP_DF_FLAG)) == 0 &&
	    ip->protocol != IPPROTO_AH)
		set_id(ip, (__u16)bpf_get_prandom_u32());
	packets = skb->gso_segs > 1 ? skb->gso_segs : 1;
	use(b);
	__sync_fetch_and_add(&b->packets_out, packets);
	__sync_fetch_and_add(&b->bytes_out, len);
	count(OFFLOAD_COUNT_OUT, packets);
	count(OFFLOAD_COUNT_BYTES_OUT, len);
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
