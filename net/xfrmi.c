/* xfrmi.c - a device at which the kernel does ESP (Linux' xfrm interfaces) */
#include "config.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/netlink.h"
#include "net/rtnl.h"
#include "net/sysctl.h"
#include "net/xfrmi.h"

static const char kind[] = "xfrm";

static int
found_kind(const struct nlattr *a, void *is)
{
	if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
		*(bool *)is = mnl_attr_get_payload_len(a) == sizeof(kind) &&
		    memcmp(mnl_attr_get_payload(a), kind, sizeof(kind)) == 0;
	return MNL_CB_OK;
}

static int
found_info(const struct nlattr *a, void *is)
{
	return mnl_attr_get_type(a) != IFLA_LINKINFO ? MNL_CB_OK :
	    mnl_attr_parse_nested(a, found_kind, is);
}

static int
found_link(const struct nlmsghdr *nlh, void *is)
{
	(void)mnl_attr_parse(nlh, sizeof(struct ifinfomsg), found_info, is);
	return MNL_CB_STOP;
}

/* Is there one of that name?  errno stays. */
static bool
xfrmi_is_there(const char *name)
{
	_Alignas(4) char buf[NETLINK_REQUEST_MAX];
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nlmsghdr *nlh;
	int		 error = errno, fd = netlink_open(NETLINK_ROUTE);
	bool		 is = false;

	nlh = netlink_begin(buf, RTM_GETLINK, 0, &ifi, sizeof(ifi));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	if (fd != -1) {
		(void)netlink_ask(fd, nlh, found_link, &is);
		close(fd);
	}
	errno = error;
	return is;
}

static int
xfrmi_make(const char *name, unsigned link, uint32_t if_id)
{
	_Alignas(4) char buf[NETLINK_REQUEST_MAX];
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nlmsghdr *nlh;
	struct nlattr	*info, *data;

	nlh = netlink_begin(buf, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_EXCL, &ifi, sizeof(ifi));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, kind);
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	if (link != 0)
		mnl_attr_put_u32(nlh, IFLA_XFRM_LINK, link);
	mnl_attr_put_u32(nlh, IFLA_XFRM_IF_ID, if_id);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return netlink_ask_once(NETLINK_ROUTE, nlh);
}

int
xfrmi_add(const char name[IFNAMSIZ], const char *link, uint32_t if_id)
{
	unsigned ifindex = link == NULL ? 0 : if_nametoindex(link);

	if (ifindex == 0 && link != NULL)
		return -1;
	if (xfrmi_make(name, ifindex, if_id) == -1) {
		if (errno != EEXIST || !xfrmi_is_there(name))
			return -1;
		rtnl_link_del(name);
		if (xfrmi_make(name, ifindex, if_id) == -1)
			return -1;
	}
	if (rtnl_has_ipv6())
		(void)sysctl_if_set(AF_INET6, name, "disable_ipv6", 1);
	return 0;
}

void
xfrmi_clear(const char name[IFNAMSIZ])
{
	if (xfrmi_is_there(name))
		rtnl_link_del(name);
}
