/* address.c - answering ARP for a leased address that the router does not have itself */
#include "config.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "nat/address.h"

/* Sends one request and waits for the kernel's answer. */
static int
ask(struct nlmsghdr *nlh)
{
	char		    buf[4096];
	struct mnl_socket  *s;
	ssize_t		    n;
	unsigned	    seq = (unsigned)time(NULL);
	int		    rc = -1;

	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = seq;
	s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (s == NULL)
		return -1;
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) == 0
	    && mnl_socket_sendto(s, nlh, nlh->nlmsg_len) != -1
	    && (n = mnl_socket_recvfrom(s, buf, sizeof(buf))) > 0)
		rc = mnl_cb_run(buf, (size_t)n, seq,
			 mnl_socket_get_portid(s), NULL, NULL)
			== -1
		    ? -1
		    : 0;
	mnl_socket_close(s);
	return rc;
}

static int
change_neighbour(uint16_t type, uint16_t flags, uint32_t addr,
    const char *ifname)
{
	char		 buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg	*ndm;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = AF_INET;
	ndm->ndm_ifindex = (int)if_nametoindex(ifname);
	ndm->ndm_state = NUD_PERMANENT;
	ndm->ndm_flags = NTF_PROXY;
	mnl_attr_put_u32(nlh, NDA_DST, addr);
	return ask(nlh);
}

static int
change_route(uint16_t type, uint16_t flags, uint32_t addr, const char *ifname)
{
	char		 buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg	*rtm;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = 32;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_scope = RT_SCOPE_LINK;
	rtm->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(nlh, RTA_DST, addr);
	mnl_attr_put_u32(nlh, RTA_OIF, if_nametoindex(ifname));
	return ask(nlh);
}

int
address_claim(uint32_t addr, const char *public_if, const char *private_if)
{
	/* The kernel only answers for what lies behind another interface. */
	if (change_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, addr,
		private_if)
	    == -1)
		return -1;
	return change_neighbour(
	    RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, addr, public_if);
}

void
address_release(uint32_t addr, const char *public_if, const char *private_if)
{
	(void)change_neighbour(RTM_DELNEIGH, 0, addr, public_if);
	(void)change_route(RTM_DELROUTE, 0, addr, private_if);
}
