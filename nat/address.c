/* address.c - answering ARP for a leased address that the router does not have itself */
#include "config.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "nat/address.h"
#include "net/rtnl.h"

int
address_claim(const struct addr *addr, const char *public_if,
    const char *private_if)
{
	struct rtnl_route r = { .dst = prefix_host(addr),
		.ifname = private_if };

	/* The kernel only answers for what lies behind another interface. */
	if (rtnl_route_add(&r) == -1)
		return -1;
	return rtnl_proxy_add(public_if, addr);
}

void
address_announce(const struct addr *addr, const char *public_if)
{
	struct sockaddr_ll us = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETHERTYPE_ARP),
		.sll_ifindex = (int)if_nametoindex(public_if) }, to;
	struct ether_arp   arp = { .ea_hdr = { .ar_hrd = htons(ARPHRD_ETHER),
		.ar_pro = htons(ETHERTYPE_IP), .ar_hln = ETH_ALEN, .ar_pln = 4,
		.ar_op = htons(ARPOP_REQUEST) } };
	socklen_t	   len = sizeof(us);
	int		   fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	/* Bound, it says which hardware address the interface has. */
	if (fd == -1 || us.sll_ifindex == 0 ||
	    bind(fd, (struct sockaddr *)&us, sizeof(us)) == -1 ||
	    getsockname(fd, (struct sockaddr *)&us, &len) == -1 ||
	    us.sll_hatype != ARPHRD_ETHER)
		goto done;
	memcpy(arp.arp_sha, us.sll_addr, ETH_ALEN);
	memcpy(arp.arp_spa, addr->bytes, 4);
	memcpy(arp.arp_tpa, addr->bytes, 4);
	to = us;
	to.sll_halen = ETH_ALEN;
	memset(to.sll_addr, 0xff, ETH_ALEN);
	if (sendto(fd, &arp, sizeof(arp), MSG_DONTWAIT,
	    (struct sockaddr *)&to, sizeof(to)) == -1)
		log_debug("%s: neighbours are not told of an address",
		    public_if);
done:
	if (fd != -1)
		close(fd);
}

void
address_release(const struct addr *addr, const char *public_if,
    const char *private_if)
{
	struct rtnl_route r = { .dst = prefix_host(addr),
		.ifname = private_if };

	(void)rtnl_proxy_del(public_if, addr);
	(void)rtnl_route_del(&r);
}
