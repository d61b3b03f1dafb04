/* veth.c - a pair of devices, of which each receives what the other one sends */
#include "config.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/netlink.h"
#include "net/rtnl.h"
#include "net/sysctl.h"
#include "net/veth.h"

static int
pair_make(const char *name, const char *peer, unsigned mtu)
{
	_Alignas(4) char buf[NETLINK_REQUEST_MAX];
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nlmsghdr *nlh;
	struct nlattr	*info, *data, *other;

	nlh = netlink_begin(buf, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_EXCL, &ifi, sizeof(ifi));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	other = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
	memset(mnl_nlmsg_put_extra_header(nlh, sizeof(ifi)), 0, sizeof(ifi));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, peer);
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	mnl_attr_nest_end(nlh, other);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return netlink_ask_once(NETLINK_ROUTE, nlh);
}

static int
set_feature(const char *name, uint32_t command, bool on)
{
	struct ethtool_value v = { .cmd = command, .data = on };
	struct ifreq	     ifr = { .ifr_data = (void *)&v };
	int		     fd, rc, error;

	if ((fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	rc = ioctl(fd, SIOCETHTOOL, &ifr);
	error = errno;
	close(fd);
	errno = error;
	return rc;
}

/* Without IPv6, of which the kernel would make addresses and send reports. */
static int
bring_up(const char *name)
{
	(void)sysctl_if_set(AF_INET6, name, "disable_ipv6", 1);
	return rtnl_link_up(name);
}

int
veth_add(const char *name, const char *peer, unsigned mtu)
{
	int error;

	if (pair_make(name, peer, mtu) == -1)
		return -1;
	if (set_feature(name, ETHTOOL_STXCSUM, false) == 0 &&
	    set_feature(name, ETHTOOL_SGRO, true) == 0 &&
	    bring_up(name) == 0 && bring_up(peer) == 0)
		return 0;
	error = errno;
	veth_del(name);
	errno = error;
	return -1;
}

void
veth_del(const char *name)
{
	_Alignas(4) char buf[NETLINK_REQUEST_MAX];
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nlmsghdr *nlh;

	if ((ifi.ifi_index = (int)if_nametoindex(name)) == 0)
		return;
	nlh = netlink_begin(buf, RTM_DELLINK, NLM_F_ACK, &ifi, sizeof(ifi));
	(void)netlink_ask_once(NETLINK_ROUTE, nlh);
}
