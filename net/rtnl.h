/* rtnl.h - links, addresses, routes and rules through rtnetlink, without running programs */
#ifndef NET_RTNL_H
#define NET_RTNL_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All addresses are IPv4 in network order.  Functions return 0, or -1 with
 * errno and without a log line, unless said otherwise. */

/* Opens the netlink socket the others use, before privileges go: 0, or -1 after one
 * log line. */
int	rtnl_open(void);
void	rtnl_close(void);
/* First in a helper: the socket that it has from before the fork is another's. */
void	rtnl_forked(void);

int	rtnl_link_up(const char *ifname);
int	rtnl_link_mtu(const char *ifname, unsigned mtu);
int	rtnl_addr_add(const char *ifname, uint32_t addr, unsigned plen);
int	rtnl_addr_del(const char *ifname, uint32_t addr, unsigned plen);

struct rtnl_route {
	uint32_t dst;			/* 0/0: default */
	unsigned plen;
	uint32_t via;			/* 0: on the link */
	const char *ifname;		/* NULL: the kernel finds it from via */
	uint32_t src;			/* preferred source, 0: none */
	uint32_t table;			/* 0: main */
	uint32_t metric;		/* 0: the kernel's default */
	unsigned mtu;			/* 0: the link's */
	uint8_t	 type;			/* RTN_PROHIBIT, RTN_THROW; 0: unicast */
};
int	rtnl_route_add(const struct rtnl_route *r);	/* replaces an equal one */
int	rtnl_route_del(const struct rtnl_route *r);

/* A route as the kernel tells it. */
struct rtnl_seen {
	uint32_t dst, via, src, metric;
	unsigned plen, ifindex;
	uint8_t	 type, protocol, scope;
};
/* Calls fn for each route of a table, which must not use netlink itself. */
int	rtnl_routes(uint32_t table, void (*fn)(void *, const struct rtnl_seen *),
	    void *arg);
/*
 * Makes a table hold exactly these n routes (table in each of them is ignored),
 * so that no packet ever finds fewer: what is missing is added before what is too
 * much goes.  -1: not all could be added, and nothing was taken away.
 */
int	rtnl_table_set(uint32_t table, const struct rtnl_route *want, size_t n);

/* "from all [not] fwmark mark lookup table" at a priority. */
struct rtnl_rule {
	uint32_t priority;
	uint32_t table;
	uint32_t mark;
	bool invert;			/* not fwmark mark */
	uint32_t dst;			/* 0/0: any */
	unsigned plen;
};
int	rtnl_rule_add(const struct rtnl_rule *r);	/* once, however often */
int	rtnl_rule_del(const struct rtnl_rule *r);

/* The default route of table main: next hop (0 if on the link) and interface. -1, ENOENT: none. */
int	rtnl_default_route(uint32_t *via, char ifname[IFNAMSIZ]);
/* Which way a packet to dst goes: interface and source address. */
int	rtnl_route_get(uint32_t dst, uint32_t mark, uint32_t *src, uint32_t *via,
	    char ifname[IFNAMSIZ]);
/* First IPv4 address of an interface, with its prefix length (plen may be NULL). */
int	rtnl_addr_of(const char *ifname, uint32_t *addr, unsigned *plen);
/* Calls fn for each on-link IPv4 network of an interface. */
int	rtnl_networks_of(const char *ifname,
	    void (*fn)(void *, uint32_t net, unsigned plen), void *arg);

/* The link-layer address of a neighbour, in the first bytes of 8: 1; 0: the kernel
 * does not know it; -1: addr is not on this link. */
int	rtnl_neighbour(const char *ifname, uint32_t addr, uint8_t lladdr[8]);

/* Answers for addr, which lies behind another interface, on ifname (proxy ARP). */
int	rtnl_proxy_add(const char *ifname, uint32_t addr);
int	rtnl_proxy_del(const char *ifname, uint32_t addr);

/* A descriptor that becomes readable when links, addresses, routes or rules change
 * (the caller drains and closes it); -1 with errno. */
int	rtnl_monitor(void);

#endif
