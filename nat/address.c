/* address.c - answering ARP for a leased address that the router does not have itself */
#include "config.h"

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
address_release(const struct addr *addr, const char *public_if,
    const char *private_if)
{
	struct rtnl_route r = { .dst = prefix_host(addr),
		.ifname = private_if };

	(void)rtnl_proxy_del(public_if, addr);
	(void)rtnl_route_del(&r);
}
