/* pass.bpf.c - eBPF at the laptop's devices: what policy passes goes into the gateway's tunnel and comes out of it */
#include "net/bpf_program.h"
#include "pass_map.h"

/*
 * The daemon writes down whom all is passed to, and from which leased ports.
 * What else there is goes on to it, as if nothing stood here: other protocols,
 * fragments, options, what is too long or joined and not TCP's, and everything
 * when the daemon has not vouched for the maps for some seconds.
 */

#define ECN_MASK	3
#define OUTER_TTL	64	/* RFC 2003 §3.1, as the daemon has it */
#define PASS_PAIRS	PASS_SLOTS

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct pass_key);
	__type(value, __u64);
	__uint(max_entries, PASS_PAIRS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct pass_slot);
	__uint(max_entries, PASS_SLOTS);
	__uint(map_flags, BPF_F_MMAPABLE);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct pass_state);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} state SEC(".maps");

static __always_inline struct pass_state *
get_state(void)
{
	__u32		   zero = 0;
	struct pass_state *s = bpf_map_lookup_elem(&state, &zero);

	if (s == NULL || bpf_ktime_get_boot_ns() > s->alive)
		return NULL;
	return s;
}

static __always_inline struct pass_slot *
find_pair(__u32 ours, __u32 theirs)
{
	struct pass_key	  k = { .src = ours, .dst = theirs };
	struct pass_slot *slot;
	__u64		 *handle = bpf_map_lookup_elem(&pairs, &k);
	__u32		  i;

	if (handle == NULL)
		return NULL;
	i = (__u32)*handle & PASS_SLOT_MASK;
	slot = bpf_map_lookup_elem(&slots, &i);
	return slot != NULL && *handle != 0 && slot->handle == *handle ?
	    slot : NULL;
}

/* What a packet, joined or not, is on the wire; begins: a connection of TCP. */
struct wire {
	__u32 packets, longest, bytes;
	int   begins;
};

/* A whole TCP or UDP packet of room bytes without options; ports: the source's
 * above the destination's, host order. */
static __always_inline int
read_packet(const struct __sk_buff *skb, const struct iphdr *ip,
    const void *end, __u32 room, __u32 *ports, struct wire *w)
{
	const __u8 *body = (const void *)(ip + 1);
	__u32	    header, len = bpf_ntohs(ip->tot_len), data;

	if ((const void *)(body + 8) > end || ip->version != 4 ||
	    ip->ihl != 5 || (ip->frag_off & bpf_htons(IP_FRAGMENT)) != 0 ||
	    len != room || len < sizeof(*ip) + 8 ||
	    (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP))
		return 0;
	*ports = bpf_ntohl(*(const __u32 *)body);
	w->packets = 1;
	w->longest = w->bytes = len;
	w->begins = 0;
	if (ip->protocol == IPPROTO_TCP) {
		if ((const void *)(body + TCP_HEADER) > end)
			return 0;
		w->begins = (body[13] & TCP_SYN) != 0;
	}
	if (skb->gso_size == 0)
		return 1;
	/* Of what is joined only TCP is understood by adjust_room(). */
	if (ip->protocol != IPPROTO_TCP)
		return 0;
	header = sizeof(*ip) + (__u32)(body[12] >> 4) * 4;
	if (header < sizeof(*ip) + TCP_HEADER || header >= len)
		return 0;
	data = len - header;
	w->packets = (data + skb->gso_size - 1) / skb->gso_size;
	w->longest = header + skb->gso_size;
	w->bytes = data + w->packets * header;
	return 1;
}

/* An index.  After a swap of bytes the verifier of some kernels (6.1) takes a
 * register for one of 64 bits, and the compiler, which knows better, masks
 * nothing. */
static __always_inline __u64
port_index(__u32 port)
{
	__u64 i = port;

	asm volatile("%0 &= 0xffff" : "+r"(i));
	return i;
}

static __always_inline __u8
protocol_bit(const struct iphdr *ip)
{
	return ip->protocol == IPPROTO_TCP ? PASS_TCP : PASS_UDP;
}

/* At the device that packets are led into: into the tunnel (RFC 2003 §3.1). */
SEC("tc")
int
pass_out(struct __sk_buff *skb)
{
	struct pass_state *s;
	struct pass_slot  *slot;
	struct iphdr	  *ip, outer;
	struct wire	   w;
	void		  *end;
	__u32		   ports;
	__u64		   port;

	if (skb->protocol != bpf_htons(ETH_P_IP) || (s = get_state()) == NULL)
		return TC_ACT_OK;
	pull_headers(skb, sizeof(*ip) + TCP_HEADER);
	ip = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	if ((void *)(ip + 1) > end || ip->saddr != s->addr ||
	    !read_packet(skb, ip, end, skb->len, &ports, &w) ||
	    w.longest > s->mtu || skb->len > 0xffff - sizeof(outer))
		return TC_ACT_OK;
	/* Many connections use up the ports before the daemon looks here. */
	if (w.begins)
		return TC_ACT_OK;
	port = port_index(ports >> 16);
	if ((s->port[port] & protocol_bit(ip)) == 0 ||
	    (slot = find_pair(ip->saddr, ip->daddr)) == NULL)
		return TC_ACT_OK;
	write_outer(&outer, ip, (__u16)(skb->len + sizeof(outer)), OUTER_TTL,
	    s->local, s->remote);
	s->used[port] = 1;
	__sync_fetch_and_add(&slot->packets_out, w.packets);
	__sync_fetch_and_add(&slot->bytes_out, w.bytes);
	/* The device has no header of a link, and where it goes has. */
	if (bpf_skb_change_head(skb, sizeof(struct ethhdr), 0) != 0 ||
	    bpf_skb_adjust_room(skb, sizeof(outer), BPF_ADJ_ROOM_MAC,
	    BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_FIXED_GSO) != 0 ||
	    bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &outer,
	    sizeof(outer), 0) != 0)
		return TC_ACT_SHOT;
	/* Routed as the daemon's own packets are. */
	skb->mark = s->mark;
	return (int)bpf_redirect_neigh(s->link, NULL, 0, 0);
}

/*
 * Has a program of this host that connection?  No kernel takes the mark of the
 * tunnel from joined segments for a tc program: a socket of ours does not mind,
 * and a card that they were forwarded to would.
 */
static __always_inline int
is_of_socket(struct __sk_buff *skb, const struct iphdr *ip, __u32 ports)
{
	struct bpf_sock_tuple t = { 0 };
	struct bpf_sock	     *sk;

	t.ipv4.saddr = ip->saddr;
	t.ipv4.daddr = ip->daddr;
	t.ipv4.sport = bpf_htons((__u16)(ports >> 16));
	t.ipv4.dport = bpf_htons((__u16)ports);
	sk = bpf_skc_lookup_tcp(skb, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS,
	    0);
	if (sk == NULL)
		return 0;
	bpf_sk_release(sk);
	return 1;
}

/* At the link towards the gateway: out of the tunnel. */
SEC("tc")
int
pass_in(struct __sk_buff *skb)
{
	struct pass_state *s;
	struct pass_slot  *slot;
	struct ethhdr	  *eth;
	struct iphdr	  *outer, *ip;
	struct wire	   w;
	void		  *end;
	__u32		   ports, room;

	if (!is_received(skb) || (s = get_state()) == NULL)
		return TC_ACT_OK;
	pull_headers(skb, sizeof(*eth) + 2 * sizeof(*ip) + TCP_HEADER);
	eth = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	outer = (void *)(eth + 1);
	ip = outer + 1;
	room = skb->len - sizeof(*eth) - sizeof(*outer);
	/* The gateway alone may speak for the public realm; ECN of the outer
	 * header is combined by the daemon (RFC 6040 §4.2). */
	if ((void *)(ip + 1) > end || outer->ihl != 5 || outer->version != 4 ||
	    outer->protocol != IPPROTO_IPIP || outer->saddr != s->remote ||
	    outer->daddr != s->local ||
	    (outer->frag_off & bpf_htons(IP_FRAGMENT)) != 0 ||
	    bpf_ntohs(outer->tot_len) != room + sizeof(*outer) ||
	    ((outer->tos ^ ip->tos) & ECN_MASK) != 0 ||
	    header_checksum(outer) != 0 || header_checksum(ip) != 0 ||
	    ip->daddr != s->addr || ip->saddr == s->addr ||
	    !read_packet(skb, ip, end, room, &ports, &w))
		return TC_ACT_OK;
	if ((s->port[port_index(ports)] & protocol_bit(ip)) == 0 ||
	    (slot = find_pair(ip->daddr, ip->saddr)) == NULL ||
	    (skb->gso_size != 0 && !is_of_socket(skb, ip, ports)))
		return TC_ACT_OK;
	__sync_fetch_and_add(&slot->packets_in, w.packets);
	__sync_fetch_and_add(&slot->bytes_in, w.bytes);
	if (bpf_skb_adjust_room(skb, -(__s32)sizeof(*outer), BPF_ADJ_ROOM_MAC,
	    BPF_F_ADJ_ROOM_FIXED_GSO) != 0)
		return TC_ACT_SHOT;
	return (int)bpf_redirect(s->clear, BPF_F_INGRESS);
}

/* bpf_redirect_neigh() and its like are for programs under the GPL only. */
char pass_license[] SEC("license") = "Dual BSD/GPL";
