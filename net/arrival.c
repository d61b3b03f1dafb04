/* arrival.c - packets of IPv6 that come by a device of this host get a mark, which the kernel's policies can look at */
#include "config.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "net/arrival.h"
#include "net/tc.h"

/* Among the filters of a device: last, so that it has the last word. */
#define PRIORITY	0x4f49u

struct arrival {
	int program;		/* -1: error says why */
	int error;
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
	return a;
}

void
arrival_close(struct arrival *a)
{
	if (a == NULL)
		return;
	if (a->program != -1)
		close(a->program);
	free(a);
}

int
arrival_mark(const struct arrival *a, const char *ifname, bool set)
{
	struct tc_place place = { .ifindex = if_nametoindex(ifname),
		.priority = PRIORITY, .protocol = ETH_P_IPV6 };

	if (place.ifindex == 0)
		return -1;
	if (!set) {
		tc_del(&place);
		return 0;
	}
	if (a->program == -1) {
		errno = a->error;
		return -1;
	}
	return tc_add(&place, a->program, "oe_arrival");
}
