/* offload_judge.h - whose a packet is and where it may go, as eBPF programs at any place find it */
#ifndef NAT_OFFLOAD_JUDGE_H
#define NAT_OFFLOAD_JUDGE_H

#include "net/bpf_program.h"
#include "mark.h"
#include "offload_map.h"

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
#define AF_INET		2		/* on every machine */
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

static __always_inline void
count(__u32 which, __u64 by)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &which);

	if (n != NULL)
		*n += by;
}

/* NULL: the daemon does not vouch for the maps.  *now: boot time, ns; the clock
 * is read once for a packet, of whose cost it is not the least. */
static __always_inline struct offload_state *
get_state(__u64 *now)
{
	__u32		      zero = 0;
	struct offload_state *s = bpf_map_lookup_elem(&state, &zero);

	*now = bpf_ktime_get_boot_ns();
	if (s == NULL || *now > s->alive)
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

/* at_card: a program at tc looks after this one, for which packets that are due
 * on the slow path are left. */
static __always_inline struct offload_binding *
find_flow(const struct offload_state *s, const struct offload_key *k,
    __u64 now, int at_card)
{
	struct offload_flow *f = bpf_map_lookup_elem(&flows, k);

	if (f == NULL)
		return NULL;
	if (now > f->refresh) {
		if (at_card)
			return NULL;
		f->refresh = now + REFRESH_NS;
		count(OFFLOAD_COUNT_SLOW, 1);
		return NULL;
	}
	if (s->judged && !f->left)
		return NULL;
	return binding_of(f->handle,
	    k->side == OFFLOAD_IN ? k->dst : k->src);
}

/* Whose a packet from outside is; NULL: it has to be judged or learnt from. */
static __always_inline struct offload_binding *
owner_in(const struct offload_state *s, const struct offload_key *k,
    const struct iphdr *ip, const void *end, __u64 now, int at_card)
{
	struct offload_binding *b = NULL;

	if (!s->judged)
		b = find_inbound(k, ip, end);
	return b != NULL ? b : find_flow(s, k, now, at_card);
}

/* The same for one in a tunnel. */
static __always_inline struct offload_binding *
owner_out(const struct offload_state *s, const struct offload_key *k,
    __u64 now, int at_card)
{
	struct offload_binding *b = NULL;

	if (!s->judged)
		b = find_outbound(k);
	return b != NULL ? b : find_flow(s, k, now, at_card);
}

/* --- where it may go ------------------------------------------------------ */

/*
 * The way of a packet of len bytes that came in by the interface from: what
 * bpf_fib_lookup() says and fills *f with, if it leaves by the interface to.
 */
static __always_inline long
route(void *ctx, struct bpf_fib_lookup *f, __u32 from, __u32 src, __u32 dst,
    __u16 len, __u32 to)
{
	long rc;

	__builtin_memset(f, 0, sizeof(*f));
	f->family = AF_INET;
	f->tot_len = len;
	f->ifindex = from;
	f->ipv4_src = src;
	f->ipv4_dst = dst;
	rc = bpf_fib_lookup(ctx, f, sizeof(*f), 0);
	return f->ifindex == to ? rc : BPF_FIB_LKUP_RET_NOT_FWDED;
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

/* A packet from outside, of which the longest that it becomes is longest bytes:
 * may it go into a tunnel? */
static __always_inline int
may_enter(const struct offload_state *s, const struct iphdr *ip, __u32 longest)
{
	return longest <= s->mtu - sizeof(*ip) && longest <= s->public_mtu &&
	    bpf_ntohs(ip->tot_len) <= 0xffff - sizeof(*ip) &&
	    header_checksum(ip) == 0 && is_outside(s, ip->saddr);
}

static __always_inline int
is_tunnel(const struct iphdr *outer)
{
	return outer->ihl == 5 && outer->version == 4 &&
	    outer->protocol == IPPROTO_IPIP &&
	    (outer->frag_off & bpf_htons(IP_FRAGMENT)) == 0;
}

/*
 * May ip, which is of b, leave its tunnel?  The source check: this is leased to
 * this host alone.  ECN of the outer header is combined on the slow path (RFC
 * 6040 §4.2).
 */
static __always_inline int
may_leave(const struct offload_state *s, const struct offload_binding *b,
    const struct iphdr *outer, const struct iphdr *ip, __u32 longest)
{
	return b->host == outer->saddr && b->gateway == outer->daddr &&
	    is_gateway(s, outer->daddr) && longest <= s->public_mtu &&
	    bpf_ntohs(ip->tot_len) + sizeof(*outer) ==
		bpf_ntohs(outer->tot_len) &&
	    ((outer->tos ^ ip->tos) & ECN_MASK) == 0 &&
	    header_checksum(outer) == 0 && header_checksum(ip) == 0 &&
	    is_outside(s, ip->daddr);
}

/* --- counting ------------------------------------------------------------- */

static __always_inline void
use(struct offload_binding *b, __u64 now)
{
	if (now - b->last_used > USED_NS)
		b->last_used = now;
}

static __always_inline void
account_in(struct offload_binding *b, __u32 packets, __u16 len, __u64 now)
{
	use(b, now);
	__sync_fetch_and_add(&b->packets_in, packets);
	__sync_fetch_and_add(&b->bytes_in, len);
	count(OFFLOAD_COUNT_IN, packets);
	count(OFFLOAD_COUNT_BYTES_IN, len);
}

static __always_inline void
account_out(struct offload_binding *b, __u32 packets, __u16 len, __u64 now)
{
	use(b, now);
	__sync_fetch_and_add(&b->packets_out, packets);
	__sync_fetch_and_add(&b->bytes_out, len);
	count(OFFLOAD_COUNT_OUT, packets);
	count(OFFLOAD_COUNT_BYTES_OUT, len);
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

/* What becomes of a packet that leaves its tunnel: hosts at one address must
 * not draw the same identification (RFC 3102 §6.3), and AH covers it. */
static __always_inline void
pass_hop_out(struct iphdr *ip)
{
	decrement_ttl(ip);
	if ((ip->frag_off & bpf_htons(IP_DF_FLAG)) == 0 &&
	    ip->protocol != IPPROTO_AH)
		set_id(ip, (__u16)bpf_get_prandom_u32());
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

#endif
