/* test_rtnl.c - TUN devices, addresses, routes and rules in a network namespace of its own */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/netlink.h"
#include "net/rtnl.h"
#include "net/rtnl_table.h"
#include "net/sysctl.h"
#include "net/tun.h"

static struct addr
ip(const char *s)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, s), 0);
	return a;
}

static struct prefix
net(const char *s)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, s), 0);
	return p;
}

static void
assert_addr(const struct addr *a, const char *text)
{
	assert_string_equal(ADDR_TEXT(a), text);
}

/* The link-local one is the kernel's. */
static void
networks(void *arg, const struct prefix *net)
{
	struct prefix *only = arg;

	if (addr_is_link_local(&net->addr))
		return;
	assert_false(addr_is_set(&only->addr));
	*only = *net;
}

static void
assert_way(const char *dst, uint32_t mark, const char *via, const char *src)
{
	struct addr to = ip(dst), hop = { 0 }, own = { 0 };
	char	    ifname[IFNAMSIZ];

	assert_int_equal(rtnl_route_get(&to, mark, &own, &hop, ifname), 0);
	assert_addr(&hop, via);
	if (src != NULL)
		assert_addr(&own, src);
	assert_string_equal(ifname, "tst0");
}

static void
assert_no_way(const char *dst)
{
	struct addr to = ip(dst);
	char	    ifname[IFNAMSIZ];

	assert_int_equal(rtnl_route_get(&to, 0, NULL, NULL, ifname), -1);
	assert_int_equal(errno, EACCES);
}

struct held {
	unsigned n, shut;
};

static void
hold(void *arg, const struct rtnl_seen *r)
{
	struct held *h = arg;

	h->n++;
	h->shut += r->type == RTN_PROHIBIT;
	assert_int_equal(r->dst.plen, r->dst.addr.family == AF_INET ? 24 : 64);
}

/* As oe/guard.c uses one: a device first, and shut without it. */
static void
tables_hold_what_they_should(const char *name, const char *shut,
    const char *thrown, const char *host)
{
	struct rtnl_route want[] = {
		{ .dst = net(shut), .metric = 1, .ifname = name },
		{ .dst = net(shut), .metric = 2, .type = RTN_PROHIBIT },
		{ .dst = net(thrown), .metric = 2, .type = RTN_THROW },
	};
	struct rtnl_rule rule = { .priority = 90, .table = 78, .mark = 5,
		.invert = true };
	struct held	 h = { 0 };
	struct addr	 to = ip(host);
	int		 family = to.family;

	/* Any destination of that family. */
	rule.dst = prefix_of(&to, 0);

	assert_int_equal(rtnl_table_set(78, want, 3), 0);
	assert_int_equal(rtnl_table_set(78, want, 3), 0);
	assert_int_equal(rtnl_routes(family, 78, hold, &h), 0);
	assert_int_equal(h.n, 3);
	assert_int_equal(h.shut, 1);
	assert_int_equal(rtnl_rule_add(&rule), 0);
	assert_way(host, 0, "none", NULL);
	/* Another type in its place, and without the device. */
	want[2].type = RTN_PROHIBIT;
	assert_int_equal(rtnl_table_set(78, want + 1, 2), 0);
	h = (struct held){ 0 };
	assert_int_equal(rtnl_routes(family, 78, hold, &h), 0);
	assert_int_equal(h.n, 2);
	assert_int_equal(h.shut, 2);
	assert_no_way(host);
	assert_int_equal(rtnl_table_set(78, NULL, 0), 0);
	h = (struct held){ 0 };
	assert_int_equal(rtnl_routes(family, 78, hold, &h), 0);
	assert_int_equal(h.n, 0);
	assert_int_equal(rtnl_rule_del(&rule), 0);
	assert_int_equal(rtnl_rule_del(&rule), -1);
}

/* The monitor tells of the last change; what the kernel adds a little
 * later, such as the end of duplicate address detection, is not taken
 * for the next one. */
static void
assert_told(int monitor)
{
	struct pollfd p = { .fd = monitor, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 5000), 1);
	do {
		netlink_drain(monitor);
	} while (poll(&p, 1, 20) == 1);
}

/* Each of these alone is heard, of whichever family. */
static void
monitor_tells(const char *name, const struct addr *own, unsigned plen,
    const struct rtnl_route *route)
{
	struct rtnl_rule rule = { .priority = 91, .table = 79, .mark = 6,
		.dst = prefix_of(own, 0) };
	int		 mon = rtnl_monitor();

	assert_int_not_equal(mon, -1);
	assert_int_equal(rtnl_route_add(route), 0);
	assert_told(mon);
	assert_int_equal(rtnl_route_del(route), 0);
	assert_told(mon);
	assert_int_equal(rtnl_rule_add(&rule), 0);
	assert_told(mon);
	assert_int_equal(rtnl_rule_del(&rule), 0);
	assert_told(mon);
	assert_int_equal(rtnl_addr_del(name, own, plen), 0);
	assert_told(mon);
	assert_int_equal(rtnl_addr_add(name, own, plen), 0);
	assert_told(mon);
	close(mon);
}

/* The same of IPv6, where the kernel has it. */
static void
family_six(const char *name)
{
	struct rtnl_route on_link = { .dst = net("2001:db8:a::/64"),
		.ifname = name };
	struct addr	  own = ip("2001:db8:9::5"), addr, via;
	struct rtnl_route def = { .dst = net("::/0"),
		.via = ip("2001:db8:9::1"), .ifname = name };
	struct prefix	  only = { 0 };
	unsigned	  plen;
	char		  other[IFNAMSIZ];

	if (rtnl_addr_add(name, &own, 64) == -1) {
		printf("skipped: no IPv6: %s\n", strerror(errno));
		return;
	}
	assert_int_equal(rtnl_addr_add(name, &own, 64), 0);
	assert_int_equal(rtnl_networks_of(name, AF_INET6, networks, &only), 0);
	assert_string_equal(PREFIX_TEXT(&only), "2001:db8:9::/64");
	assert_int_equal(rtnl_addr_of(name, AF_INET6, &addr, &plen), 0);
	assert_int_equal(plen, 64);
	assert_int_equal(rtnl_default_route(AF_INET6, &via, other), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(rtnl_route_add(&def), 0);
	assert_int_equal(rtnl_default_route(AF_INET6, &via, other), 0);
	assert_addr(&via, "2001:db8:9::1");
	assert_way("2001:db8:ffff::7", 0, "2001:db8:9::1", NULL);
	tables_hold_what_they_should(name, "2001:db8:1::/64",
	    "2001:db8:2::/64", "2001:db8:1::9");
	assert_int_equal(rtnl_route_del(&def), 0);
	monitor_tells(name, &own, 64, &on_link);
	assert_int_equal(rtnl_addr_del(name, &own, 64), 0);
}

static void
devices_routes_and_rules(void **state)
{
	char		  name[IFNAMSIZ] = "tst%d", other[IFNAMSIZ];
	struct addr	  addr, via, own = ip("10.9.0.5");
	struct prefix	  only = { 0 };
	struct rtnl_route def = { .via = ip("10.9.0.1") }, host = { 0 };
	struct rtnl_route direct = { .dst = net("203.0.113.7") };
	struct rtnl_rule  rule = { .priority = 100, .table = 77, .mark = 5,
		.invert = true };
	unsigned	  plen;
	int		  fd, mon, value;
	bool		  offload;

	(void)state;
	assert_int_equal(rtnl_default_route(AF_INET, &via, other), -1);
	assert_int_equal(errno, ENOENT);
	fd = tun_open_gso(name, sizeof(name), &offload);
	assert_int_not_equal(fd, -1);
	assert_string_equal(name, "tst0");
	assert_int_equal(tun_open_gso(name, sizeof(name), &offload), -1);

	mon = rtnl_monitor();
	assert_int_not_equal(mon, -1);
	assert_int_equal(rtnl_link_up(name), 0);
	assert_int_equal(rtnl_link_mtu(name, 1400), 0);
	assert_int_equal(rtnl_addr_add(name, &own, 24), 0);
	assert_int_equal(rtnl_addr_add(name, &own, 24), 0);
	assert_true(read(mon, other, sizeof(other)) > 0);
	close(mon);
	assert_int_equal(rtnl_addr_of(name, AF_INET, &addr, &plen), 0);
	assert_addr(&addr, "10.9.0.5");
	assert_int_equal(plen, 24);
	assert_int_equal(rtnl_networks_of(name, AF_INET, networks, &only), 0);
	assert_string_equal(PREFIX_TEXT(&only), "10.9.0.0/24");

	assert_int_equal(rtnl_route_add(&def), 0);
	assert_int_equal(rtnl_default_route(AF_INET, &via, other), 0);
	assert_addr(&via, "10.9.0.1");
	assert_string_equal(other, name);

	/* A table of its own for all that is not marked, as oed uses it. */
	host.ifname = name;
	host.table = 77;
	host.src = own;
	assert_int_equal(rtnl_route_add(&host), 0);
	assert_int_equal(rtnl_rule_add(&rule), 0);
	assert_int_equal(rtnl_rule_add(&rule), 0);
	assert_way("203.0.113.7", 0, "none", "10.9.0.5");
	assert_way("203.0.113.7", 5, "10.9.0.1", NULL);
	assert_int_equal(rtnl_rule_del(&rule), 0);
	assert_int_equal(rtnl_rule_del(&rule), -1);
	assert_int_equal(rtnl_route_del(&host), 0);
	assert_int_equal(rtnl_route_del(&def), 0);
	assert_int_equal(rtnl_route_del(&def), -1);

	tables_hold_what_they_should(name, "192.0.2.0/24", "198.51.100.0/24",
	    "192.0.2.9");
	direct.ifname = name;
	direct.mtu = 1300;
	assert_int_equal(rtnl_route_add(&direct), 0);
	assert_int_equal(rtnl_route_add(&direct), 0);
	assert_int_equal(rtnl_route_del(&direct), 0);
	direct.mtu = 0;
	monitor_tells(name, &own, 24, &direct);
	family_six(name);

	assert_int_equal(sysctl_if_set(AF_INET, name, "rp_filter", 2), 0);
	assert_int_equal(sysctl_if_get(AF_INET, name, "rp_filter", &value), 0);
	assert_int_equal(value, 2);
	assert_int_equal(sysctl_if_set(AF_INET, "../all", "rp_filter", 2), -1);

	assert_int_equal(rtnl_addr_del(name, &own, 24), 0);
	assert_int_equal(rtnl_addr_of(name, AF_INET, &addr, &plen), -1);
	close(fd);
	assert_int_equal(rtnl_link_up(name), -1);
	rtnl_close();
}

static int
own_namespace(void **state)
{
	(void)state;
	if (access("/dev/net/tun", R_OK | W_OK) == -1 ||
	    (unshare(CLONE_NEWNET) == -1 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)) {
		print_message("skipped: no network namespace or TUN here\n");
		_exit(77);
	}
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_routes_and_rules),
	};

	return cmocka_run_group_tests(tests, own_namespace, NULL);
}
