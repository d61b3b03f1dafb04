/* offload.bpf.c - eBPF at both interfaces: forwards the packets of flows that the daemon let through before */
/*
 * The kernel's headers know the byte order by names of the machine's own
 * compiler, which this one does not define.
 */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define __MIPSEB__	1
#define __ARMEB__	1
#define __AARCH64EB__	1
#else
#define __MIPSEL__	1
#endif
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "offload_map.h"

/*
 * Nothing is decided here: a packet whose exact flow is not in the map, or that
 * is unusual in any way (fragment, IP options, last hop, too big, congestion to
 * be combined), goes on to NFQUEUE.  When the daemon has not vouched for the
 * map for some seconds, all do.
 */

#define REFRESH_NS	(10ull * 1000000000)
#define FLOWS_MAX	262144		/* offload.c takes fewer on a small
					 * machine */
#define BINDINGS_MAX	131072
#define IP_FRAGMENT	0x3fff		/* offset and "more" */
#define IP_DF_FLAG	0x4000
#define OUTER_TTL	64
#define ECN_MASK	3
#define TCP_HEADER	20	/* without options */

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOWS_MAX);
	__type(key, struct offload_key);
	__type(value, struct offload_flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BINDINGS_MAX);
	__type(key, __u32);
	__type(value, struct offload_binding);
} bindings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
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

/*
 * A packet made on this machine may have the sum of the pseudo header alone
 * where a network card was to put the checksum.  Out of a tunnel the kernel
 * would still look for it in the tunnel; the slow path has it put in.
 */
static __always_inline int
checksum_is_partial(const struct iphdr *ip, __u16 check)
{
	__u32 sum;

	sum = (ip->saddr & 0xffff) + (ip->saddr >> 16) + (ip->daddr & 0xffff) +
	    (ip->daddr >> 16) + bpf_htons(ip->protocol) +
	    bpf_htons((__u16)(bpf_ntohs(ip->tot_len) - sizeof(*ip)));
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return check == (__u16)sum;
}

/*
 * Reads the flow of an IPv4 packet at ip; false if packets like it have none.
 * partial: its checksum may be left to a card.
 */
static __always_inline int
make_key(struct offload_key *k, const struct iphdr *ip, const void *end,
    __u8 side, int partial)
{
	const __u32 *words = (const void *)(ip + 1);
	const __u16 *check;

	if (ip->ihl != 5 || ip->version != 4 || ip->ttl <= 1 ||
	    (ip->frag_off & bpf_htons(IP_FRAGMENT)) != 0 ||
	    (const void *)(words + 2) > end)
		return 0;
	k->src = ip->saddr;
	k->dst = ip->daddr;
	k->protocol = ip->protocol;
	k->side = side;
	k->zero = 0;
	switch (ip->protocol) {
	case IPPROTO_ESP:
		k->id = words[0];
		return 1;
	case IPPROTO_TCP:
		check = (const __u16 *)words + 8;
		k->id = words[0];
		return (const void *)(check + 1) <= end &&
		    (partial || !checksum_is_partial(ip, *check));
	case IPPROTO_UDP:
		check = (const __u16 *)words + 3;
		k->id = words[0];
		return partial || !checksum_is_partial(ip, *check);
	case IPPROTO_AH:
		k->id = words[1];
		return 1;
	}
	return 0;
}

static __always_inline struct offload_flow *
find_flow(const struct offload_key *k, struct offload_binding **b)
{
	struct offload_flow *f = bpf_map_lookup_elem(&flows, k);
	__u64		     now = bpf_ktime_get_boot_ns();
	__u32		     slot;

	if (f == NULL)
		return NULL;
	if (now > f->refresh) {
		f->refresh = now + REFRESH_NS;
		count(OFFLOAD_COUNT_SLOW, 1);
		return NULL;
	}
	slot = f->slot;
	*b = bpf_map_lookup_elem(&bindings, &slot);
	if (*b == NULL || (*b)->generation != f->generation)
		return NULL;
	return f;
}

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

static __always_inline __u16
header_checksum(const struct iphdr *ip)
{
	const __u16 *w = (const __u16 *)ip;
	__u32	     sum = 0;
	int	     i;

#pragma unroll
	for (i = 0; i < 10; i++)
		sum += w[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

/*
 * The headers are readable for tc programs only where they stand in the skb's
 * first part.  want: bytes from the Ethernet header on.
 */
static __always_inline void
pull_headers(struct __sk_buff *skb, __u32 want)
{
	void *end = (void *)(long)skb->data_end;

	if ((void *)(long)skb->data + want > end)
		(void)bpf_skb_pull_data(skb, skb->len < want ? skb->len : want);
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
	struct offload_binding *b = NULL;
	struct offload_state   *s;
	struct offload_flow    *f;
	struct offload_key	k;
	struct ethhdr	       *eth;
	struct iphdr	       *ip, outer = { 0 };
	void		       *end;
	__u32			host, gateway, packets;
	__u16			len;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	pull_headers(skb, sizeof(*eth) + sizeof(*ip) + TCP_HEADER);
	eth = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	ip = (void *)(eth + 1);
	/* A checksum that is left to a card stays so, and the kernel cuts
	 * joined segments in their tunnel, or the host's card does. */
	if ((void *)(ip + 1) > end || !make_key(&k, ip, end, OFFLOAD_IN, 1) ||
	    (s = get_state()) == NULL || (f = find_flow(&k, &b)) == NULL)
		return TC_ACT_OK;
	len = bpf_ntohs(ip->tot_len);
	if (wire_len(skb, ip, end) > s->mtu - sizeof(outer) ||
	    len > 0xffff - sizeof(outer))
		return TC_ACT_OK;
	host = f->host;
	gateway = f->gateway;
	decrement_ttl(ip);
	outer.version = 4;
	outer.ihl = 5;
	outer.tos = ip->tos;
	outer.tot_len = bpf_htons((__u16)(len + sizeof(outer)));
	outer.frag_off = ip->frag_off & bpf_htons(IP_DF_FLAG);
	/* Only what may be fragmented needs an id of its own (RFC 6864). */
	if (outer.frag_off == 0)
		outer.id = (__u16)bpf_get_prandom_u32();
	outer.ttl = OUTER_TTL;
	outer.protocol = IPPROTO_IPIP;
	outer.saddr = gateway;
	outer.daddr = host;
	outer.check = header_checksum(&outer);
	packets = skb->gso_segs > 1 ? skb->gso_segs : 1;
	__sync_fetch_and_add(&b->packets_in, packets);
	__sync_fetch_and_add(&b->bytes_in, len);
	if (bpf_skb_adjust_room(skb, sizeof(outer), BPF_ADJ_ROOM_MAC,
	    BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_FIXED_GSO) != 0 ||
	    bpf_skb_store_bytes(skb, sizeof(struct ethhdr), &outer,
	    sizeof(outer), 0) != 0)
		return TC_ACT_SHOT;
	count(OFFLOAD_COUNT_IN, packets);
	count(OFFLOAD_COUNT_BYTES_IN, len);
	return (int)bpf_redirect_neigh(s->private_index, NULL, 0, 0);
}

/* At the private interface: out of the tunnel, if this host may send this. */
SEC("tc")
int
offload_out(struct __sk_buff *skb)
{
	struct offload_binding *b = NULL;
	struct offload_state   *s;
	struct offload_flow    *f;
	struct offload_key	k;
	struct ethhdr	       *eth;
	struct iphdr	       *outer, *ip;
	void		       *end;
	__u16			len;

	/* No kernel takes the mark of a tunnel from joined segments for a tc
	 * program: NFQUEUE has them cut first. */
	if (skb->protocol != bpf_htons(ETH_P_IP) || skb->gso_size != 0)
		return TC_ACT_OK;
	pull_headers(skb, sizeof(*eth) + 2 * sizeof(*ip) + TCP_HEADER);
	eth = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	outer = (void *)(eth + 1);
	ip = outer + 1;
	if ((void *)(ip + 1) > end || outer->ihl != 5 || outer->version != 4 ||
	    outer->protocol != IPPROTO_IPIP ||
	    (outer->frag_off & bpf_htons(IP_FRAGMENT)) != 0 ||
	    !make_key(&k, ip, end, OFFLOAD_OUT, 0) ||
	    (s = get_state()) == NULL || outer->daddr != s->gateway ||
	    (f = find_flow(&k, &b)) == NULL)
		return TC_ACT_OK;
	len = bpf_ntohs(ip->tot_len);
	/* The source check: this flow is this host's alone.  ECN of the outer
	 * header is combined on the slow path (RFC 6040 §4.2). */
	if (f->host != outer->saddr || len > s->public_mtu ||
	    len + sizeof(*outer) != bpf_ntohs(outer->tot_len) ||
	    ((outer->tos ^ ip->tos) & ECN_MASK) != 0)
		return TC_ACT_OK;
	decrement_ttl(ip);
	/* As the slow path: hosts at one address must not draw the same (RFC
	 * 3102 §6.3), and AH covers it. */
	if ((ip->frag_off & bpf_htons(IP_DF_FLAG)) == 0 &&
	    ip->protocol != IPPROTO_AH)
		set_id(ip, (__u16)bpf_get_prandom_u32());
	__sync_fetch_and_add(&b->packets_out, 1);
	__sync_fetch_and_add(&b->bytes_out, len);
	if (bpf_skb_adjust_room(skb, -(__s32)sizeof(*outer), BPF_ADJ_ROOM_MAC,
	    0) != 0)
		return TC_ACT_SHOT;
	count(OFFLOAD_COUNT_OUT, 1);
	count(OFFLOAD_COUNT_BYTES_OUT, len);
	return (int)bpf_redirect_neigh(s->public_index, NULL, 0, 0);
}

/* bpf_redirect_neigh() and its like are for programs under the GPL only. */
char offload_license[] SEC("license") = "Dual BSD/GPL";
