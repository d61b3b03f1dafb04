/* rtnl.h - links, addresses, routes and rules through rtnetlink, without running programs */
#ifndef NET_RTNL_H
#define NET_RTNL_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/addr.h"

/* Addresses are of either family; the unspecified one says as little as none.
 * Functions return 0, or -1 with errno and without a log line, unless said
 * otherwise. */

/* Opens the netlink socket the others use, before privileges go: 0, or -1 after
 * one log line. */
int	rtnl_open(void);
void	rtnl_close(void);
/* First in a helper: the socket that it has from before the fork is
 * another's. */
void	rtnl_forked(void);

/* Has this kernel IPv6 at all?  As it was at rtnl_open(). */
bool	rtnl_has_ipv6(void);

/* Brings a link up, sets its MTU in bytes; adds an address with a prefix
 * length, or finds it there; takes one away. */
int	rtnl_link_up(const char *ifname);
int	rtnl_link_mtu(const char *ifname, unsigned mtu);
int	rtnl_addr_add(const char *ifname, const struct addr *addr,
	    unsigned plen);
int	rtnl_addr_del(const char *ifname, const struct addr *addr,
	    unsigned plen);

/* A device of ours, which may not be there any more. */
void	rtnl_link_del(const char *ifname);

struct rtnl_route {
	struct prefix dst;		/* of none: IPv4's default */
	struct addr via;		/* none: on the link */
	const char *ifname;		/* NULL: the kernel finds it from via */
	struct addr src;		/* preferred source */
	uint32_t table;			/* 0: main */
	uint32_t metric;		/* 0: the kernel's default */
	unsigned mtu;			/* 0: the link's */
	uint8_t	 type;			/* RTN_PROHIBIT, RTN_THROW; 0:
					 * unicast */
};
int	rtnl_route_add(const struct rtnl_route *r);	/* replaces an equal
							 * one */
int	rtnl_route_del(const struct rtnl_route *r);

/* A route as the kernel tells it. */
struct rtnl_seen {
	struct prefix dst;
	struct addr via, src;
	uint32_t metric;
	unsigned ifindex;
	uint8_t	 type, protocol, scope;
};
/* Calls fn for each route of a family's table, which must not use netlink
 * itself. */
int	rtnl_routes(int family, uint32_t table,
	    void (*fn)(void *, const struct rtnl_seen *), void *arg);
/* "from all [not] fwmark mark lookup table" at a priority. */
struct rtnl_rule {
	uint32_t priority;
	uint32_t table;
	uint32_t mark;
	bool invert;			/* not fwmark mark */
	struct prefix dst;		/* of none: any of IPv4 */
};
int	rtnl_rule_add(const struct rtnl_rule *r);	/* once, however
							 * often */
int	rtnl_rule_del(const struct rtnl_rule *r);
/* The rule in a family, once if it is wanted, else not at all: a kernel without
 * the family has none either.  0, or -1: it is wanted and cannot be. */
int	rtnl_rule_set(const struct rtnl_rule *r, int family, bool wanted);

/* A family's default route in table main: next hop (none if on the link) and
 * interface. -1, ENOENT: none. */
int	rtnl_default_route(int family, struct addr *via, char ifname[IFNAMSIZ]);
/* Which way a packet to dst goes: interface, source address, next hop.  src and
 * via may be NULL. */
int	rtnl_route_get(const struct addr *dst, uint32_t mark, struct addr *src,
	    struct addr *via, char ifname[IFNAMSIZ]);
/* Would a packet to addr stay on this host? */
bool	rtnl_is_local(const struct addr *addr, uint32_t mark);
/* First address of a family at an interface, with its prefix length (plen may
 * be NULL). */
int	rtnl_addr_of(const char *ifname, int family, struct addr *addr,
	    unsigned *plen);
/* Calls fn for each on-link network of a family at an interface. */
int	rtnl_networks_of(const char *ifname, int family,
	    void (*fn)(void *, const struct prefix *net), void *arg);

/* The link-layer address of an IPv4 neighbour, in the first bytes of 8: 1; 0:
 * the kernel does not know it; -1: addr is not on this link. */
int	rtnl_neighbour(const char *ifname, const struct addr *addr,
	    uint8_t lladdr[8]);

/* Answers for addr, which lies behind another interface, on ifname (proxy ARP,
 * proxy neighbour discovery). */
int	rtnl_proxy_add(const char *ifname, const struct addr *addr);
int	rtnl_proxy_del(const char *ifname, const struct addr *addr);

/* A netlink_monitor() of links, and of addresses, routes and rules of either
 * family. */
int	rtnl_monitor(void);

#endif
