/* bpf_wire.h - eBPF: TCP and UDP packets as a wire has them, and what a daemon has written down for two hosts */
#ifndef NET_BPF_WIRE_H
#define NET_BPF_WIRE_H

#include "net/bpf_program.h"

/* Maps: a hash that takes memory for what stands in it, and an array that the
 * daemon shares. */
#define MAP_HASH(k, v, n)			\
	__uint(type, BPF_MAP_TYPE_HASH);	\
	__type(key, k);				\
	__type(value, v);			\
	__uint(max_entries, n);			\
	__uint(map_flags, BPF_F_NO_PREALLOC)
#define MAP_SHARED(v, n)			\
	__uint(type, BPF_MAP_TYPE_ARRAY);	\
	__type(key, __u32);			\
	__type(value, v);			\
	__uint(max_entries, n);			\
	__uint(map_flags, BPF_F_MMAPABLE)

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

/*
 * The slot of slots that belongs to key in pairs.  What stands there is a
 * handle, whose lowest bits, those of mask, are the slot's number; it counts
 * while the slot begins with the same, which is never 0.
 */
static __always_inline void *
find_slot(void *pairs, const void *key, void *slots, __u32 mask)
{
	__u64 *handle = bpf_map_lookup_elem(pairs, key), *slot;
	__u32  i;

	if (handle == NULL)
		return NULL;
	i = (__u32)*handle & mask;
	slot = bpf_map_lookup_elem(slots, &i);
	return slot != NULL && *handle != 0 && *slot == *handle ? slot : NULL;
}

#endif
