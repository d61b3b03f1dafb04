/* beside.bpf.c - eBPF at the kernel's ESP: what is led passes between a TUN and an esp device, all else goes to the daemon */
#include "net/bpf_wire.h"
#include "beside_map.h"

/*
 * An esp device (an xfrm interface) encrypts what enters it with a pair's
 * mark, and what it has decrypted comes out with that of the
 * pair.  The daemon writes down which two hosts a pair leads, and from which
 * ports of ours.  What else a program sends goes on to the daemon; what else
 * comes is for no one but a packet socket of the daemon's.
 */

#define IP_OFFSET	0x1fff	/* of a fragment */
#define UDP_HEADER	8
#define ETH_HEADER	14
#define OTHER_HOST	3	/* PACKET_OTHERHOST of linux/if_packet.h: the
				 * stack drops it */
#define MAPPED		0xffff	/* RFC 4291 §2.5.5.2 */

struct {
	MAP_HASH(struct beside_hosts, __u64, BESIDE_SLOTS);
} leads SEC(".maps");

struct {
	MAP_SHARED(struct beside_slot, BESIDE_SLOTS);
} pairs SEC(".maps");

struct {
	MAP_SHARED(struct beside_state, 1);
} devices SEC(".maps");

static __always_inline struct beside_state *
get_devices(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&devices, &zero);
}

static __always_inline int
is_part(const struct beside_slot *s, __u16 protocol, __u32 port)
{
	int i;

	for (i = 0; i < BESIDE_PARTS && s->part[i].protocol != 0; i++) {
		if (s->part[i].protocol == protocol &&
		    port >= s->part[i].lo && port <= s->part[i].hi)
			return 1;
	}
	return 0;
}

/* What was read of a slot is of the lead that was found: the daemon ends one
 * before it writes another. */
static __always_inline int
stands(const struct beside_slot *s, __u64 handle)
{
	return handle != 0 && *(const volatile __u64 *)&s->handle == handle;
}

/* Another of the same shape as port_index(). */
static __always_inline __u64
flow_index(__u32 ports)
{
	__u64 i = ports ^ ports >> 16;

	asm volatile("%0 &= %1" : "+r"(i) : "i"(BESIDE_FLOWS - 1));
	return i;
}

/*
 * Of TCP the daemon looks at what begins a connection, whose MSS it may lower,
 * and at large segments that are sent again: they tell of paths that lose such
 * without a word.  A flow that has another's place in the table only makes that
 * forget how far it was.
 */
static __always_inline int
tcp_is_daemons(struct beside_slot *s, const struct iphdr *ip, const void *end,
    __u32 ports, const struct wire *w)
{
	const __u8	   *tcp = (const void *)(ip + 1);
	struct beside_flow *f = &s->flow[flow_index(ports)];
	__u32		    seq;

	if ((const void *)(tcp + TCP_HEADER) > end)
		return 1;
	if (w->begins) {
		f->ports = 0;
		return 1;
	}
	if (w->longest <= BESIDE_LARGE)
		return 0;
	seq = bpf_ntohl(*(const __u32 *)(tcp + 4));
	if (f->ports == ports && (__s32)(seq - f->end) < 0)
		return 1;
	f->ports = ports;
	f->end = seq + bpf_ntohs(ip->tot_len) - sizeof(*ip) -
	    (__u32)(tcp[12] >> 4) * 4;
	return 0;
}

/* Where programs' packets go to the daemon, before any other of ours. */
SEC("tc")
int
beside_out(struct __sk_buff *skb)
{
	struct beside_hosts  hosts = { 0 };
	struct beside_state *d = get_devices();
	struct beside_slot  *s;
	struct iphdr	    *ip;
	struct wire	     w;
	void		    *end;
	__u64		     handle;
	__u32		     ports;

	if (d == NULL || skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_UNSPEC;
	pull_headers(skb, sizeof(*ip) + TCP_HEADER);
	ip = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	if ((void *)(ip + 1) > end ||
	    !read_packet(skb, ip, end, skb->len, &ports, &w))
		return TC_ACT_UNSPEC;
	hosts.src[2] = hosts.dst[2] = bpf_htonl(MAPPED);
	hosts.src[3] = ip->saddr;
	hosts.dst[3] = ip->daddr;
	s = find_slot(&leads, &hosts, &pairs, BESIDE_MASK);
	if (s == NULL)
		return TC_ACT_UNSPEC;
	handle = s->handle;
	if (w.longest > s->mtu || !is_part(s, ip->protocol, ports >> 16) ||
	    !stands(s, handle) || (ip->protocol == IPPROTO_TCP &&
	    tcp_is_daemons(s, ip, end, ports, &w)))
		return TC_ACT_UNSPEC;
	d->used[port_index(ports >> 16)] = 1;
	__sync_fetch_and_add(&s->packets_out, w.packets);
	__sync_fetch_and_add(&s->bytes_out, w.bytes);
	skb->mark = BESIDE_MARK | (__u32)handle;
	return (int)bpf_redirect(d->esp, 0);
}

/* For the daemon's packet socket, which sees the pair's number, and nobody
 * else. */
static __always_inline int
to_daemon(struct __sk_buff *skb)
{
	return bpf_skb_change_type(skb, OTHER_HOST) == 0 ? TC_ACT_OK :
	    TC_ACT_SHOT;
}

struct head {
	struct iphdr ip;
	__u8	     body[TCP_HEADER];
};

/*
 * Of a packet that was decrypted: where its ESP came by a link with headers, as
 * Ethernet, the kernel leaves such a one before it.  room: how long it is
 * without.
 */
static __always_inline int
load_head(struct __sk_buff *skb, struct head *h, __u32 *room)
{
	pull_headers(skb, ETH_HEADER + sizeof(*h));
	if (bpf_skb_load_bytes_relative(skb, 0, h, sizeof(*h),
	    BPF_HDR_START_NET) != 0 && (bpf_skb_load_bytes_relative(skb, 0, h,
	    sizeof(h->ip) + UDP_HEADER, BPF_HDR_START_NET) != 0 ||
	    h->ip.protocol != IPPROTO_UDP))
		return 0;
	*room = skb->len;
	if (*room == bpf_ntohs(h->ip.tot_len) + ETH_HEADER)
		*room -= ETH_HEADER;
	return 1;
}

/* Where decrypted packets come. */
SEC("tc")
int
beside_in(struct __sk_buff *skb)
{
	struct beside_state *d = get_devices();
	struct beside_slot  *s;
	struct head	     h = { 0 };
	struct wire	     w;
	__u64		     handle;
	__u32		     number = skb->mark ^ BESIDE_MARK, ports, room;

	if (d == NULL)
		return TC_ACT_SHOT;
	s = bpf_map_lookup_elem(&pairs, &number);
	/* Joined of packets of two pairs, it would pass for one of the
	 * first's. */
	if (skb->gso_size != 0 && (s == NULL || s->spi == 0 ||
	    skb->hash != s->spi))
		return TC_ACT_SHOT;
	if (s == NULL || (handle = s->handle) == 0 ||
	    skb->protocol != bpf_htons(ETH_P_IP))
		return to_daemon(skb);
	if (!load_head(skb, &h, &room) ||
	    !read_packet(skb, &h.ip, &h + 1, room, &ports, &w) ||
	    h.ip.saddr != s->hosts.dst[3] || h.ip.daddr != s->hosts.src[3] ||
	    s->hosts.src[2] != bpf_htonl(MAPPED) ||
	    !is_part(s, h.ip.protocol, ports & 0xffff) || !stands(s, handle))
		return to_daemon(skb);
	__sync_fetch_and_add(&s->packets_in, w.packets);
	__sync_fetch_and_add(&s->bytes_in, w.bytes);
	skb->mark = 0;
	return (int)bpf_redirect(d->tun, BPF_F_INGRESS);
}

/*
 * Where ESP comes: what comes out of it has the SPI for a hash, and only what
 * has one hash is joined.  In UDP (RFC 3948) whichever port it is: of another
 * packet the hash is nobody's.
 */
SEC("tc")
int
beside_hash(struct __sk_buff *skb)
{
	struct iphdr *ip;
	const __u32  *spi;
	void	     *end;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return TC_ACT_UNSPEC;
	pull_headers(skb, sizeof(*ip) + UDP_HEADER + sizeof(*spi));
	ip = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl != 5 ||
	    (ip->frag_off & bpf_htons(IP_OFFSET)) != 0)
		return TC_ACT_UNSPEC;
	spi = (const void *)(ip + 1);
	if (ip->protocol == IPPROTO_UDP)
		spi += UDP_HEADER / sizeof(*spi);
	else if (ip->protocol != IPPROTO_ESP)
		return TC_ACT_UNSPEC;
	if ((const void *)(spi + 1) <= end)
		(void)bpf_set_hash(skb, bpf_ntohl(*spi));
	return TC_ACT_UNSPEC;
}

char beside_license[] SEC("license") = "Dual BSD/GPL";
