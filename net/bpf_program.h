/* bpf_program.h - what eBPF programs begin with, and what all of them do with a packet */
#ifndef NET_BPF_PROGRAM_H
#define NET_BPF_PROGRAM_H

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

#define IP_FRAGMENT	0x3fff		/* offset and "more" */
#define IP_DF_FLAG	0x4000
#define TCP_HEADER	20		/* without options */
#define PACKET_TO_US	0		/* PACKET_HOST of linux/if_packet.h */
#define TCP_SYN		2		/* of the header's flags */

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

/* An IP-IP tunnel's header in front of ip (RFC 2003 §3.1), len bytes with
 * it. */
static __always_inline void
write_outer(struct iphdr *outer, const struct iphdr *ip, __u16 len, __u8 ttl,
    __u32 src, __u32 dst)
{
	__builtin_memset(outer, 0, sizeof(*outer));
	outer->version = 4;
	outer->ihl = 5;
	outer->tos = ip->tos;
	outer->tot_len = bpf_htons(len);
	outer->frag_off = ip->frag_off & bpf_htons(IP_DF_FLAG);
	/* Only what may be fragmented needs an id of its own (RFC 6864). */
	if (outer->frag_off == 0)
		outer->id = (__u16)bpf_get_prandom_u32();
	outer->ttl = ttl;
	outer->protocol = IPPROTO_IPIP;
	outer->saddr = src;
	outer->daddr = dst;
	outer->check = header_checksum(outer);
}

/*
 * Is it IPv4, for this machine, and of the link itself?  tc programs see frames
 * for others, too, where somebody listens to all, and those of VLANs that have
 * devices of their own, whose tag was taken off.
 */
static __always_inline int
is_received(const struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_IP) &&
	    skb->pkt_type == PACKET_TO_US && !skb->vlan_present;
}

/*
 * The headers are readable for tc programs only where they stand in the skb's
 * first part.  want: bytes from its beginning on.
 */
static __always_inline void
pull_headers(struct __sk_buff *skb, __u32 want)
{
	void *end = (void *)(long)skb->data_end;

	if ((void *)(long)skb->data + want > end)
		(void)bpf_skb_pull_data(skb, skb->len < want ? skb->len : want);
}

#endif
