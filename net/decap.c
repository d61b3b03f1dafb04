/* decap.c - a device that takes a tunnel's header, and the mark of one, off packets */
#include "config.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <linux/seg6_local.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "net/decap.h"
#include "net/netlink.h"
#include "net/rtnl.h"
#include "net/sysctl.h"

/* As long as packets get: the kernel sends nothing longer out by it. */
#define DECAP_MTU	65535u

static void
put_end(struct nlmsghdr *nlh, const char *name)
{
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_MTU, DECAP_MTU);
}

static int
pair_make(const char *name, const char *peer)
{
	static const uint8_t link[] = DECAP_LINK;
	_Alignas(4) char     buf[NETLINK_REQUEST_MAX];
	struct ifinfomsg     ifi = { .ifi_family = AF_UNSPEC };
	struct nlmsghdr	    *nlh;
	struct nlattr	    *info, *data, *other;

	nlh = netlink_begin(buf, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_EXCL, &ifi, sizeof(ifi));
	put_end(nlh, name);
	mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(link), link);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	other = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
	memset(mnl_nlmsg_put_extra_header(nlh, sizeof(ifi)), 0, sizeof(ifi));
	put_end(nlh, peer);
	mnl_attr_nest_end(nlh, other);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return netlink_ask_once(NETLINK_ROUTE, nlh);
}

/* The device speaks IPv6 with nobody, so it makes no address and hears no
 * router; its peer not even that. */
static int
bring_up(const char *name, const char *peer)
{
	(void)sysctl_if_set(AF_INET6, peer, "disable_ipv6", 1);
	if (sysctl_if_set(AF_INET6, name, "addr_gen_mode", 1) == -1 ||
	    sysctl_if_set(AF_INET6, name, "accept_ra", 0) == -1 ||
	    sysctl_if_set(AF_INET6, name, "disable_ipv6", 0) == -1 ||
	    rtnl_link_up(name) == -1)
		return -1;
	return rtnl_link_up(peer);
}

/* An address of the link is looked for among the routes of the device that a
 * packet came in by: nobody else's packet finds this one. */
static int
route_make(const char *name)
{
	static const uint8_t sid[] = DECAP_SID;
	_Alignas(4) char     buf[NETLINK_REQUEST_MAX];
	struct rtmsg	     rtm = { .rtm_family = AF_INET6,
		.rtm_dst_len = sizeof(sid) * 8,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_type = RTN_UNICAST,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_table = RT_TABLE_MAIN };
	struct nlmsghdr *nlh;
	struct nlattr	*encap;
	unsigned	 ifindex = if_nametoindex(name);

	nlh = netlink_begin(buf, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_REPLACE, &rtm, sizeof(rtm));
	mnl_attr_put(nlh, RTA_DST, sizeof(sid), sid);
	mnl_attr_put_u32(nlh, RTA_OIF, ifindex);
	mnl_attr_put_u16(nlh, RTA_ENCAP_TYPE, LWTUNNEL_ENCAP_SEG6_LOCAL);
	encap = mnl_attr_nest_start(nlh, RTA_ENCAP);
	mnl_attr_put_u32(nlh, SEG6_LOCAL_ACTION, SEG6_LOCAL_ACTION_END_DX2);
	mnl_attr_put_u32(nlh, SEG6_LOCAL_OIF, ifindex);
	mnl_attr_nest_end(nlh, encap);
	return netlink_ask_once(NETLINK_ROUTE, nlh);
}

int
decap_add(const char *name, const char *peer)
{
	int error;

	if (pair_make(name, peer) == -1)
		return -1;
	if (bring_up(name, peer) == 0 && route_make(name) == 0)
		return 0;
	error = errno;
	rtnl_link_del(name);
	errno = error;
	return -1;
}
