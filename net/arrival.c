/* arrival.c - packets of IPv6 that come by a device of this host get a mark, which the kernel's policies can look at */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "net/arrival.h"
#include "net/netlink.h"

/* Among the filters of a device: last, so that it has the last word. */
#define PRIORITY	0x4f49u
#define INGRESS		TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)

struct arrival {
	int program;		/* -1: error says why */
	int error;
	int netlink;
};

#define MARK_OF_PACKET	((short)offsetof(struct __sk_buff, mark))

/* mark = (mark & ~MASK) | MARK, and on to the next filter. */
static const struct bpf_insn program[] = {
	{ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_2,
	    .src_reg = BPF_REG_1, .off = MARK_OF_PACKET },
	{ .code = BPF_ALU | BPF_AND | BPF_K, .dst_reg = BPF_REG_2,
	    .imm = (int32_t)~ARRIVAL_MASK },
	{ .code = BPF_ALU | BPF_OR | BPF_K, .dst_reg = BPF_REG_2,
	    .imm = (int32_t)ARRIVAL_MARK },
	{ .code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_1,
	    .src_reg = BPF_REG_2, .off = MARK_OF_PACKET },
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0,
	    .imm = TC_ACT_UNSPEC },
	{ .code = BPF_JMP | BPF_EXIT },
};

struct arrival *
arrival_open(void)
{
	struct arrival *a = xcalloc(1, sizeof(*a));
	union bpf_attr	attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attr.insns = (uintptr_t)program;
	attr.insn_cnt = sizeof(program) / sizeof(program[0]);
	attr.license = (uintptr_t) "ISC";
	a->program = (int)syscall(__NR_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	a->error = errno;
	a->netlink = netlink_open(NETLINK_ROUTE);
	return a;
}

void
arrival_close(struct arrival *a)
{
	if (a == NULL)
		return;
	if (a->program != -1)
		close(a->program);
	if (a->netlink != -1)
		close(a->netlink);
	free(a);
}

static struct nlmsghdr *
arrival_request(char *buf, unsigned type, unsigned flags, int ifindex,
    uint32_t parent, const char *kind)
{
	struct tcmsg	 tc = { .tcm_ifindex = ifindex, .tcm_parent = parent };
	struct nlmsghdr *nlh;

	if (parent == TC_H_CLSACT) {
		tc.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	} else {
		tc.tcm_handle = 1;
		tc.tcm_info = TC_H_MAKE(PRIORITY << 16, htons(ETH_P_IPV6));
	}
	nlh = netlink_begin(buf, type, NLM_F_ACK | flags, &tc, sizeof(tc));
	mnl_attr_put_strz(nlh, TCA_KIND, kind);
	return nlh;
}

int
arrival_mark(const struct arrival *a, const char *ifname, bool set)
{
	struct nlmsghdr *nlh;
	struct nlattr	*options;
	_Alignas(8) char buf[NETLINK_REQUEST_MAX];
	int		 ifindex;

	if ((ifindex = (int)if_nametoindex(ifname)) == 0)
		return -1;
	if (!set)
		return netlink_ask(a->netlink, arrival_request(buf,
		    RTM_DELTFILTER, 0, ifindex, INGRESS, "bpf"), NULL, NULL);
	if (a->program == -1) {
		errno = a->error;
		return -1;
	}
	/* Somebody else may have needed it before. */
	if (netlink_ask(a->netlink, arrival_request(buf, RTM_NEWQDISC,
	    NLM_F_CREATE | NLM_F_EXCL, ifindex, TC_H_CLSACT, "clsact"), NULL,
	    NULL) == -1 && errno != EEXIST)
		return -1;
	nlh = arrival_request(buf, RTM_NEWTFILTER, NLM_F_CREATE, ifindex,
	    INGRESS, "bpf");
	options = mnl_attr_nest_start(nlh, TCA_OPTIONS);
	mnl_attr_put_u32(nlh, TCA_BPF_FD, (uint32_t)a->program);
	mnl_attr_put_strz(nlh, TCA_BPF_NAME, "oe_arrival");
	mnl_attr_put_u32(nlh, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(nlh, options);
	return netlink_ask(a->netlink, nlh, NULL, NULL);
}
