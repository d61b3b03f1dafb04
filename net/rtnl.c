/* rtnl.c - links, addresses, routes and rules through rtnetlink, without running programs */
#include "config.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "net/netlink.h"
#include "net/rtnl.h"

/* libmnl's loop macro narrows a pointer difference that fits by
 * construction. */
#pragma GCC diagnostic ignored "-Wconversion"

static int  rtnl_fd = -1;
/* For rtnl_neighbour(), which every host that registers is asked of: open from
 * its first call on. */
static int  arp_fd = -1;
static bool has_ipv6;

/* Who asks later may open no sockets any more. */
static void
look_for_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	has_ipv6 = fd != -1;
	if (fd != -1)
		close(fd);
}

bool
rtnl_has_ipv6(void)
{
	return has_ipv6;
}

int
rtnl_open(void)
{
	if (rtnl_fd == -1)
		look_for_ipv6();
	if (rtnl_fd != -1 || (rtnl_fd = netlink_open(NETLINK_ROUTE)) != -1)
		return 0;
	log_error("rtnetlink: %s", strerror(errno));
	return -1;
}

void
rtnl_close(void)
{
	if (rtnl_fd != -1)
		close(rtnl_fd);
	if (arp_fd != -1)
		close(arp_fd);
	rtnl_forked();
}

void
rtnl_forked(void)
{
	rtnl_fd = arp_fd = -1;
}

static int
rtnl_ask(struct nlmsghdr *nlh, mnl_cb_t fn, void *arg)
{
	return rtnl_open() == -1 ? -1 : netlink_ask(rtnl_fd, nlh, fn, arg);
}

/* Is there something to say? */
static bool
is_named(const struct addr *a)
{
	return addr_is_set(a) && !addr_is_unspecified(a);
}

static void
put_addr(struct nlmsghdr *nlh, uint16_t type, const struct addr *a)
{
	mnl_attr_put(nlh, type, addr_len(a), a->bytes);
}

/* An attribute's address; none if its length is not the family's. */
static struct addr
attr_addr(const struct nlattr *attr, int family)
{
	if (mnl_attr_get_payload_len(attr) * 8u != addr_bits(family))
		return (struct addr){ 0 };
	return addr_from_bytes(family, mnl_attr_get_payload(attr));
}

static uint8_t
family_of(const struct prefix *dst)
{
	return addr_is_set(&dst->addr) ? dst->addr.family : AF_INET;
}

static int
rtnl_link(const char *ifname, unsigned flags, unsigned mtu)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nlmsghdr *nlh;
	char		 buf[NETLINK_REQUEST_MAX];

	if ((ifi.ifi_index = (int)if_nametoindex(ifname)) == 0)
		return -1;
	ifi.ifi_flags = ifi.ifi_change = flags;
	nlh = netlink_begin(buf, RTM_NEWLINK, NLM_F_ACK, &ifi, sizeof(ifi));
	if (mtu != 0)
		mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return rtnl_ask(nlh, NULL, NULL);
}

int
rtnl_link_up(const char *ifname)
{
	return rtnl_link(ifname, IFF_UP, 0);
}

int
rtnl_link_mtu(const char *ifname, unsigned mtu)
{
	return rtnl_link(ifname, 0, mtu);
}

void
rtnl_link_del(const char *ifname)
{
	_Alignas(4) char buf[NETLINK_REQUEST_MAX];
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nlmsghdr *nlh;

	if ((ifi.ifi_index = (int)if_nametoindex(ifname)) == 0)
		return;
	nlh = netlink_begin(buf, RTM_DELLINK, NLM_F_ACK, &ifi, sizeof(ifi));
	(void)netlink_ask_once(NETLINK_ROUTE, nlh);
}

static int
rtnl_addr(unsigned type, unsigned flags, const char *ifname,
    const struct addr *addr, unsigned plen)
{
	struct ifaddrmsg ifa = {
		.ifa_family = addr->family,
		.ifa_prefixlen = (uint8_t)plen,
		.ifa_scope = RT_SCOPE_UNIVERSE,
	};
	struct nlmsghdr *nlh;
	char		 buf[NETLINK_REQUEST_MAX];

	if ((ifa.ifa_index = if_nametoindex(ifname)) == 0)
		return -1;
	nlh = netlink_begin(buf, type, flags | NLM_F_ACK, &ifa,
	    sizeof(ifa));
	put_addr(nlh, IFA_LOCAL, addr);
	put_addr(nlh, IFA_ADDRESS, addr);
	return rtnl_ask(nlh, NULL, NULL);
}

int
rtnl_addr_add(const char *ifname, const struct addr *addr, unsigned plen)
{
	return rtnl_addr(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, ifname,
	    addr, plen);
}

int
rtnl_addr_del(const char *ifname, const struct addr *addr, unsigned plen)
{
	return rtnl_addr(RTM_DELADDR, 0, ifname, addr, plen);
}

static int
rtnl_route(unsigned type, unsigned flags, const struct rtnl_route *r)
{
	struct rtmsg rtm = {
		.rtm_family = family_of(&r->dst),
		.rtm_dst_len = r->dst.plen,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_type = r->type != 0 ? r->type : RTN_UNICAST,
		/* A scope of "link" would let the kernel look for the next hops
		 * of others' routes in a table of ours. */
		.rtm_scope = is_named(&r->via) || r->table != 0 ?
		    RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.rtm_table = RT_TABLE_UNSPEC,
	};
	struct nlmsghdr *nlh;
	struct nlattr	*nest;
	unsigned	 ifindex = 0;
	char		 buf[NETLINK_REQUEST_MAX];

	if (r->ifname != NULL && (ifindex = if_nametoindex(r->ifname)) == 0)
		return -1;
	if (type == RTM_DELROUTE)
		rtm.rtm_scope = RT_SCOPE_NOWHERE;
	nlh = netlink_begin(buf, type, flags | NLM_F_ACK, &rtm,
	    sizeof(rtm));
	mnl_attr_put_u32(nlh, RTA_TABLE,
	    r->table != 0 ? r->table : RT_TABLE_MAIN);
	if (r->dst.plen != 0)
		put_addr(nlh, RTA_DST, &r->dst.addr);
	if (is_named(&r->via))
		put_addr(nlh, RTA_GATEWAY, &r->via);
	if (ifindex != 0)
		mnl_attr_put_u32(nlh, RTA_OIF, ifindex);
	if (is_named(&r->src))
		put_addr(nlh, RTA_PREFSRC, &r->src);
	if (r->metric != 0)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, r->metric);
	if (r->mtu != 0) {
		nest = mnl_attr_nest_start(nlh, RTA_METRICS);
		mnl_attr_put_u32(nlh, RTAX_MTU, r->mtu);
		mnl_attr_nest_end(nlh, nest);
	}
	return rtnl_ask(nlh, NULL, NULL);
}

int
rtnl_route_add(const struct rtnl_route *r)
{
	return rtnl_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, r);
}

int
rtnl_route_del(const struct rtnl_route *r)
{
	return rtnl_route(RTM_DELROUTE, 0, r);
}

static int
rtnl_rule(unsigned type, unsigned flags, const struct rtnl_rule *r)
{
	struct fib_rule_hdr frh = {
		.family = family_of(&r->dst),
		.dst_len = r->dst.plen,
		.action = FR_ACT_TO_TBL,
		.table = RT_TABLE_UNSPEC,
		.flags = r->invert ? FIB_RULE_INVERT : 0,
	};
	struct nlmsghdr *nlh;
	char		 buf[NETLINK_REQUEST_MAX];

	nlh = netlink_begin(buf, type, flags | NLM_F_ACK, &frh,
	    sizeof(frh));
	mnl_attr_put_u32(nlh, FRA_TABLE, r->table);
	mnl_attr_put_u32(nlh, FRA_PRIORITY, r->priority);
	if (r->mark != 0) {
		mnl_attr_put_u32(nlh, FRA_FWMARK, r->mark);
		mnl_attr_put_u32(nlh, FRA_FWMASK, 0xffffffff);
	}
	if (r->dst.plen != 0)
		put_addr(nlh, FRA_DST, &r->dst.addr);
	return rtnl_ask(nlh, NULL, NULL);
}

int
rtnl_rule_add(const struct rtnl_rule *r)
{
	int rc = rtnl_rule(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, r);

	/* A single rule of each kind is enough, and stays all the while. */
	return rc == -1 && errno == EEXIST ? 0 : rc;
}

int
rtnl_rule_del(const struct rtnl_rule *r)
{
	return rtnl_rule(RTM_DELRULE, 0, r);
}

int
rtnl_rule_set(const struct rtnl_rule *r, int family, bool wanted)
{
	struct rtnl_rule rule = *r;

	rule.dst.addr.family = (uint8_t)family;
	if (wanted)
		return rtnl_rule_add(&rule);
	while (rtnl_rule_del(&rule) == 0)
		continue;
	return 0;
}

struct route_answer {
	struct addr dst, via, src;
	uint32_t metric;
	int	 oif;
	uint8_t	 type;
	bool	 found;
};

/* The attributes of a route message that answers are made of. */
static void
route_attrs(const struct nlmsghdr *nlh, struct route_answer *a, uint32_t *table)
{
	const struct rtmsg  *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	memset(a, 0, sizeof(*a));
	*table = rtm->rtm_table;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		if (mnl_attr_get_payload_len(attr) < 4)
			continue;
		switch (mnl_attr_get_type(attr)) {
		case RTA_DST:
			a->dst = attr_addr(attr, rtm->rtm_family);
			break;
		case RTA_GATEWAY:
			a->via = attr_addr(attr, rtm->rtm_family);
			break;
		case RTA_PREFSRC:
			a->src = attr_addr(attr, rtm->rtm_family);
			break;
		case RTA_OIF:
			a->oif = (int)mnl_attr_get_u32(attr);
			break;
		case RTA_PRIORITY:
			a->metric = mnl_attr_get_u32(attr);
			break;
		case RTA_TABLE:
			*table = mnl_attr_get_u32(attr);
			break;
		}
	}
}

struct route_walk {
	int	 family;
	uint32_t table;
	void   (*fn)(void *, const struct rtnl_seen *);
	void	*arg;
};

static int
routes_cb(const struct nlmsghdr *nlh, void *arg)
{
	static const uint8_t zero[16];
	const struct rtmsg  *rtm = mnl_nlmsg_get_payload(nlh);
	struct route_walk   *w = arg;
	struct route_answer  a;
	struct rtnl_seen     seen = { .type = rtm->rtm_type,
		.protocol = rtm->rtm_protocol, .scope = rtm->rtm_scope };
	uint32_t	     table;

	if (rtm->rtm_family != w->family || (rtm->rtm_flags & RTM_F_CLONED))
		return MNL_CB_OK;
	route_attrs(nlh, &a, &table);
	if (table != w->table)
		return MNL_CB_OK;
	if (!addr_is_set(&a.dst))
		a.dst = addr_from_bytes(w->family, zero);
	seen.dst = prefix_of(&a.dst, rtm->rtm_dst_len);
	seen.via = a.via;
	seen.src = a.src;
	seen.metric = a.metric;
	seen.ifindex = (unsigned)a.oif;
	w->fn(w->arg, &seen);
	return MNL_CB_OK;
}

int
rtnl_routes(int family, uint32_t table,
    void (*fn)(void *, const struct rtnl_seen *), void *arg)
{
	struct rtmsg	  rtm = { .rtm_family = (uint8_t)family };
	struct route_walk w = { family, table, fn, arg };
	char		  buf[NETLINK_REQUEST_MAX];

	return rtnl_ask(netlink_begin(buf, RTM_GETROUTE, NLM_F_DUMP, &rtm,
	    sizeof(rtm)), routes_cb, &w);
}

struct default_walk {
	int		    family;
	struct route_answer best;
};

static int
default_route_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg  *rtm = mnl_nlmsg_get_payload(nlh);
	struct default_walk *w = arg;
	struct route_answer  a;
	uint32_t	     table;

	if (rtm->rtm_family != w->family || rtm->rtm_dst_len != 0 ||
	    rtm->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	route_attrs(nlh, &a, &table);
	if (table != RT_TABLE_MAIN || a.oif == 0)
		return MNL_CB_OK;
	if (!w->best.found || a.metric < w->best.metric) {
		w->best = a;
		w->best.found = true;
	}
	return MNL_CB_OK;
}

int
rtnl_default_route(int family, struct addr *via, char ifname[IFNAMSIZ])
{
	struct rtmsg	    rtm = { .rtm_family = (uint8_t)family };
	struct default_walk w = { .family = family };
	char		    buf[NETLINK_REQUEST_MAX];

	if (rtnl_ask(netlink_begin(buf, RTM_GETROUTE, NLM_F_DUMP, &rtm,
	    sizeof(rtm)), default_route_cb, &w) == -1)
		return -1;
	if (!w.best.found) {
		errno = ENOENT;
		return -1;
	}
	*via = w.best.via;
	return if_indextoname((unsigned)w.best.oif, ifname) == NULL ? -1 : 0;
}

static int
route_get_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg  *rtm = mnl_nlmsg_get_payload(nlh);
	struct route_answer *a = arg;
	uint32_t	     table;

	route_attrs(nlh, a, &table);
	a->type = rtm->rtm_type;
	a->found = true;
	return MNL_CB_OK;
}

static int
route_ask(const struct addr *dst, uint32_t mark, struct route_answer *a)
{
	struct rtmsg	 rtm = { .rtm_family = dst->family,
		.rtm_dst_len = (uint8_t)addr_bits(dst->family) };
	struct nlmsghdr *nlh;
	char		 buf[NETLINK_REQUEST_MAX];

	memset(a, 0, sizeof(*a));
	nlh = netlink_begin(buf, RTM_GETROUTE, NLM_F_ACK, &rtm, sizeof(rtm));
	put_addr(nlh, RTA_DST, dst);
	if (mark != 0)
		mnl_attr_put_u32(nlh, RTA_MARK, mark);
	if (rtnl_ask(nlh, route_get_cb, a) == -1)
		return -1;
	if (a->found && a->oif != 0)
		return 0;
	errno = ENETUNREACH;
	return -1;
}

bool
rtnl_is_local(const struct addr *addr, uint32_t mark)
{
	struct route_answer a;

	return route_ask(addr, mark, &a) == 0 && a.type == RTN_LOCAL;
}

int
rtnl_route_get(const struct addr *dst, uint32_t mark, struct addr *src,
    struct addr *via, char ifname[IFNAMSIZ])
{
	struct route_answer a;

	if (route_ask(dst, mark, &a) == -1)
		return -1;
	if (src != NULL)
		*src = a.src;
	if (via != NULL)
		*via = a.via;
	return if_indextoname((unsigned)a.oif, ifname) == NULL ? -1 : 0;
}

struct addr_walk {
	int	    family;
	unsigned    ifindex;
	struct addr addr;		/* the first one */
	unsigned    plen;
	void	  (*fn)(void *, const struct prefix *);
	void	   *arg;
};

static int
addr_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr    *attr;
	struct addr_walk       *w = arg;
	struct addr		addr = { 0 };
	struct prefix		net;

	if (ifa->ifa_index != w->ifindex || ifa->ifa_family != w->family)
		return MNL_CB_OK;
	/* IPv6 addresses have no IFA_LOCAL unless there is a peer. */
	mnl_attr_for_each(attr, nlh, sizeof(*ifa)) {
		if (mnl_attr_get_type(attr) == IFA_LOCAL ||
		    (mnl_attr_get_type(attr) == IFA_ADDRESS &&
		    w->family == AF_INET6 && !addr_is_set(&addr)))
			addr = attr_addr(attr, w->family);
	}
	if (!addr_is_set(&addr))
		return MNL_CB_OK;
	if (!addr_is_set(&w->addr)) {
		w->addr = addr;
		w->plen = ifa->ifa_prefixlen;
	}
	net = prefix_of(&addr, ifa->ifa_prefixlen);
	if (w->fn != NULL)
		w->fn(w->arg, &net);
	return MNL_CB_OK;
}

static int
addr_walk(const char *ifname, struct addr_walk *w)
{
	struct ifaddrmsg ifa = { .ifa_family = (uint8_t)w->family };
	char		 buf[NETLINK_REQUEST_MAX];

	if ((w->ifindex = if_nametoindex(ifname)) == 0)
		return -1;
	return rtnl_ask(netlink_begin(buf, RTM_GETADDR, NLM_F_DUMP, &ifa,
	    sizeof(ifa)), addr_cb, w);
}

int
rtnl_addr_of(const char *ifname, int family, struct addr *addr, unsigned *plen)
{
	struct addr_walk w = { .family = family };

	if (addr_walk(ifname, &w) == -1)
		return -1;
	if (!addr_is_set(&w.addr)) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	*addr = w.addr;
	if (plen != NULL)
		*plen = w.plen;
	return 0;
}

int
rtnl_networks_of(const char *ifname, int family,
    void (*fn)(void *, const struct prefix *), void *arg)
{
	struct addr_walk w = { .family = family, .fn = fn, .arg = arg };

	return addr_walk(ifname, &w);
}

int
rtnl_neighbour(const char *ifname, const struct addr *addr, uint8_t lladdr[8])
{
	struct sockaddr_in  sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = addr_v4(addr) };
	struct arpreq	    req = { 0 };
	struct ifreq	    out = { 0 };
	struct route_answer way;

	if (addr->family != AF_INET || route_ask(addr, 0, &way) == -1)
		return 0;
	if (arp_fd == -1 && (arp_fd = socket(AF_INET, SOCK_DGRAM |
	    SOCK_CLOEXEC, 0)) == -1)
		return 0;
	/* As if_indextoname(), which opens a socket each time. */
	out.ifr_ifindex = way.oif;
	if (ioctl(arp_fd, SIOCGIFNAME, &out) == -1)
		return 0;
	if (is_named(&way.via) || strcmp(out.ifr_name, ifname) != 0)
		return -1;
	/* The kernel answers this for one address since ever; RTM_GETNEIGH does
	 * since Linux 5.0. */
	memcpy(&req.arp_pa, &sin, sizeof(sin));
	memcpy(req.arp_dev, out.ifr_name, sizeof(req.arp_dev));
	if (ioctl(arp_fd, SIOCGARP, &req) == -1 || !(req.arp_flags & ATF_COM))
		return 0;
	memset(lladdr, 0, 8);
	memcpy(lladdr, req.arp_ha.sa_data, 6);
	return 1;
}

static int
rtnl_proxy(unsigned type, unsigned flags, const char *ifname,
    const struct addr *addr)
{
	struct ndmsg ndm = { .ndm_family = addr->family,
		.ndm_state = NUD_PERMANENT, .ndm_flags = NTF_PROXY };
	struct nlmsghdr *nlh;
	char		 buf[NETLINK_REQUEST_MAX];

	if ((ndm.ndm_ifindex = (int)if_nametoindex(ifname)) == 0)
		return -1;
	nlh = netlink_begin(buf, type, flags | NLM_F_ACK, &ndm, sizeof(ndm));
	put_addr(nlh, NDA_DST, addr);
	return rtnl_ask(nlh, NULL, NULL);
}

int
rtnl_proxy_add(const char *ifname, const struct addr *addr)
{
	return rtnl_proxy(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, ifname,
	    addr);
}

int
rtnl_proxy_del(const char *ifname, const struct addr *addr)
{
	return rtnl_proxy(RTM_DELNEIGH, 0, ifname, addr);
}

int
rtnl_monitor(void)
{
	static const unsigned groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
		RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
		RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE };

	return netlink_monitor(NETLINK_ROUTE, groups,
	    sizeof(groups) / sizeof(groups[0]));
}
