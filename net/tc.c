/* tc.c - eBPF programs on interfaces, by the kernel's traffic control */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "net/netlink.h"
#include "net/tc.h"

static struct tcmsg
tc_message(const struct tc_place *p)
{
	return (struct tcmsg){ .tcm_family = AF_UNSPEC,
		.tcm_ifindex = (int)p->ifindex,
		.tcm_handle = p->priority,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, p->egress ?
		TC_H_MIN_EGRESS : TC_H_MIN_INGRESS),
		.tcm_info = TC_H_MAKE((uint32_t)p->priority << 16,
		htons(p->protocol == 0 ? ETH_P_ALL : p->protocol)) };
}

static int
tc_make_ready(const struct tc_place *p)
{
	_Alignas(4) char buf[NETLINK_REQUEST_MAX];
	struct tcmsg	 t = tc_message(p);
	struct nlmsghdr *nlh;

	t.tcm_parent = TC_H_CLSACT;
	t.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	t.tcm_info = 0;
	nlh = netlink_begin(buf, RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_EXCL, &t, sizeof(t));
	mnl_attr_put_strz(nlh, TCA_KIND, "clsact");
	return netlink_ask_once(NETLINK_ROUTE, nlh) == 0 ||
	    errno == EEXIST ? 0 : -1;
}

void
tc_del(const struct tc_place *p)
{
	_Alignas(4) char buf[NETLINK_REQUEST_MAX];
	struct tcmsg	 t = tc_message(p);
	struct nlmsghdr *nlh;

	if (p->ifindex == 0)
		return;
	nlh = netlink_begin(buf, RTM_DELTFILTER, NLM_F_ACK, &t, sizeof(t));
	mnl_attr_put_strz(nlh, TCA_KIND, "bpf");
	(void)netlink_ask_once(NETLINK_ROUTE, nlh);
}

int
tc_add(const struct tc_place *p, int fd, const char *name)
{
	_Alignas(4) char buf[NETLINK_REQUEST_MAX];
	struct tcmsg	 t = tc_message(p);
	struct nlmsghdr *nlh;
	struct nlattr	*options;

	if (tc_make_ready(p) == -1)
		return -1;
	tc_del(p);
	nlh = netlink_begin(buf, RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_EXCL, &t, sizeof(t));
	mnl_attr_put_strz(nlh, TCA_KIND, "bpf");
	options = mnl_attr_nest_start(nlh, TCA_OPTIONS);
	mnl_attr_put_u32(nlh, TCA_BPF_FD, (uint32_t)fd);
	mnl_attr_put_strz(nlh, TCA_BPF_NAME, name);
	mnl_attr_put_u32(nlh, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(nlh, options);
	return netlink_ask_once(NETLINK_ROUTE, nlh);
}
