/* pass.bpf.c - eBPF at the laptop's devices: what policy passes goes into the gateway's tunnel and comes out of it */
#include "net/bpf_wire.h"
#include "pass_map.h"

/*
 * The daemon writes down whom all is passed to, and from which leased ports.
 * What else there is goes on to it, as if nothing stood here: other protocols,
 * fragments, options, what is too long or joined and not TCP's, and everything
 * when the daemon has not vouched for the maps for some seconds.
 */

#define ECN_MASK	3
#define ESP_HEADER	8	/* SPI and number */
#define OUTER_TTL	64	/* RFC 2003 §3.1, as the daemon has it */
#define PASS_PAIRS	PASS_SLOTS

struct {
	MAP_HASH(struct pass_key, __u64, PASS_PAIRS);
} pairs SEC(".maps");

struct {
	MAP_SHARED(struct pass_slot, PASS_SLOTS);
} slots SEC(".maps");

struct {
	MAP_SHARED(struct pass_state, 1);
} state SEC(".maps");

/* Inbound SPIs of the kernel's ESP, host order. */
struct {
	MAP_HASH(__u32, __u8, PASS_SLOTS);
} spis SEC(".maps");

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
	struct pass_key k = { .src = ours, .dst = theirs };

	return find_slot(&pairs, &k, &slots, PASS_SLOT_MASK);
}

static __always_inline __u8
protocol_bit(const struct iphdr *ip)
{
	return ip->protocol == IPPROTO_TCP ? PASS_TCP : PASS_UDP;
}

/* Into the tunnel (RFC 2003 §3.1), from a device without a link's header; it
 * fits. */
static __always_inline int
into_tunnel(struct __sk_buff *skb, const struct pass_state *s,
    const struct iphdr *ip)
{
	struct iphdr outer;

	write_outer(&outer, ip, (__u16)(skb->len + sizeof(outer)), OUTER_TTL,
	    s->local, s->remote);
	/* Where it goes there is one. */
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

/* At the device that packets are led into. */
SEC("tc")
int
pass_out(struct __sk_buff *skb)
{
	struct pass_state *s;
	struct pass_slot  *slot;
	struct iphdr	  *ip;
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
	    w.longest > s->mtu || skb->len > 0xffff - sizeof(*ip))
		return TC_ACT_OK;
	/* Many connections use up the ports before the daemon looks here. */
	if (w.begins)
		return TC_ACT_OK;
	port = port_index(ports >> 16);
	if ((s->port[port] & protocol_bit(ip)) == 0 ||
	    (slot = find_pair(ip->saddr, ip->daddr)) == NULL)
		return TC_ACT_OK;
	s->used[port] = 1;
	__sync_fetch_and_add(&slot->n.packets_out, w.packets);
	__sync_fetch_and_add(&slot->n.bytes_out, w.bytes);
	return into_tunnel(skb, s, ip);
}

/* A whole packet with ESP of the kernel's, of room bytes; NULL: it is not. */
static __always_inline const __u32 *
read_esp(const struct __sk_buff *skb, const struct iphdr *ip, const void *end,
    __u32 room)
{
	const __u32 *spi = (const void *)(ip + 1);

	if ((const void *)(spi + 2) > end || ip->version != 4 ||
	    ip->ihl != 5 || ip->protocol != IPPROTO_ESP ||
	    (ip->frag_off & bpf_htons(IP_FRAGMENT)) != 0 ||
	    bpf_ntohs(ip->tot_len) != room || skb->gso_size != 0)
		return NULL;
	return spi;
}

/* At the device of clear packets: what the kernel has encrypted. */
SEC("tc")
int
pass_esp_out(struct __sk_buff *skb)
{
	struct pass_state *s;
	struct iphdr	  *ip;
	void		  *end;

	if (skb->protocol != bpf_htons(ETH_P_IP) || (s = get_state()) == NULL ||
	    skb->mark != s->esp_mark)
		return TC_ACT_OK;
	pull_headers(skb, sizeof(*ip) + ESP_HEADER);
	ip = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	if ((void *)(ip + 1) > end || ip->saddr != s->addr ||
	    read_esp(skb, ip, end, skb->len) == NULL || skb->len > s->mtu)
		return TC_ACT_OK;
	__sync_fetch_and_add(&s->esp.packets_out, 1);
	__sync_fetch_and_add(&s->esp.bytes_out, skb->len);
	return into_tunnel(skb, s, ip);
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

/* May what is inside pass, of room bytes?  Then it is counted. */
static __always_inline int
comes(struct __sk_buff *skb, struct pass_state *s, const struct iphdr *ip,
    const void *end, __u32 room)
{
	struct pass_counters *n;
	struct pass_slot     *slot;
	struct wire	      w = { .packets = 1, .bytes = room };
	const __u32	     *in;
	__u32		      ports, spi;

	if ((in = read_esp(skb, ip, end, room)) != NULL) {
		spi = bpf_ntohl(*in);
		if (bpf_map_lookup_elem(&spis, &spi) == NULL)
			return 0;
		n = &s->esp;
	} else {
		if (!read_packet(skb, ip, end, room, &ports, &w) ||
		    (s->port[port_index(ports)] & protocol_bit(ip)) == 0 ||
		    (slot = find_pair(ip->daddr, ip->saddr)) == NULL ||
		    (skb->gso_size != 0 && !is_of_socket(skb, ip, ports)))
			return 0;
		n = &slot->n;
	}
	__sync_fetch_and_add(&n->packets_in, w.packets);
	__sync_fetch_and_add(&n->bytes_in, w.bytes);
	return 1;
}

/* At the link towards the gateway: out of the tunnel. */
SEC("tc")
int
pass_in(struct __sk_buff *skb)
{
	struct pass_state *s;
	struct ethhdr	  *eth;
	struct iphdr	  *outer, *ip;
	void		  *end;
	__u32		   room;

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
	    !comes(skb, s, ip, end, room))
		return TC_ACT_OK;
	if (bpf_skb_adjust_room(skb, -(__s32)sizeof(*outer), BPF_ADJ_ROOM_MAC,
	    BPF_F_ADJ_ROOM_FIXED_GSO) != 0)
		return TC_ACT_SHOT;
	return (int)bpf_redirect(s->clear, BPF_F_INGRESS);
}

/* bpf_redirect_neigh() and its like are for programs under the GPL only. */
char pass_license[] SEC("license") = "Dual BSD/GPL";
