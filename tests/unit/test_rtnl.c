/* test_rtnl.c - TUN devices, addresses, routes and rules in a network namespace of its own */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/rtnl.h"
#include "net/sysctl.h"
#include "net/tun.h"

static uint32_t
ip(const char *s)
{
	return inet_addr(s);
}

static void
networks(void *arg, uint32_t net, unsigned plen)
{
	uint32_t *sum = arg;

	assert_int_equal(plen, 24);
	*sum += ntohl(net);
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
	assert_int_equal(r->plen, 24);
}

/* As oe/guard.c uses one: a device first, and shut without it. */
static void
tables_hold_what_they_should(const char *name)
{
	struct rtnl_route want[] = {
		{ .dst = ip("192.0.2.0"), .plen = 24, .metric = 1,
		    .ifname = name },
		{ .dst = ip("192.0.2.0"), .plen = 24, .metric = 2,
		    .type = RTN_PROHIBIT },
		{ .dst = ip("198.51.100.0"), .plen = 24, .metric = 2,
		    .type = RTN_THROW },
	};
	struct rtnl_rule rule = { .priority = 90, .table = 78, .mark = 5,
		.invert = true };
	struct held	 h = { 0 };
	uint32_t	 src, via;
	char		 other[IFNAMSIZ];

	assert_int_equal(rtnl_table_set(78, want, 3), 0);
	assert_int_equal(rtnl_table_set(78, want, 3), 0);
	assert_int_equal(rtnl_routes(78, hold, &h), 0);
	assert_int_equal(h.n, 3);
	assert_int_equal(h.shut, 1);
	assert_int_equal(rtnl_rule_add(&rule), 0);
	assert_int_equal(rtnl_route_get(ip("192.0.2.9"), 0, &src, &via, other),
	    0);
	assert_string_equal(other, name);
	/* Another type in its place, and without the device. */
	want[2].type = RTN_PROHIBIT;
	assert_int_equal(rtnl_table_set(78, want + 1, 2), 0);
	h = (struct held){ 0 };
	assert_int_equal(rtnl_routes(78, hold, &h), 0);
	assert_int_equal(h.n, 2);
	assert_int_equal(h.shut, 2);
	assert_int_equal(rtnl_route_get(ip("192.0.2.9"), 0, &src, &via, other),
	    -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(rtnl_table_set(78, NULL, 0), 0);
	h = (struct held){ 0 };
	assert_int_equal(rtnl_routes(78, hold, &h), 0);
	assert_int_equal(h.n, 0);
	assert_int_equal(rtnl_rule_del(&rule), 0);
	assert_int_equal(rtnl_rule_del(&rule), -1);
}

static void
devices_routes_and_rules(void **state)
{
	char		  name[IFNAMSIZ] = "tst%d", other[IFNAMSIZ];
	uint32_t	  addr, via, src, sum = 0;
	struct rtnl_route def = { .via = ip("10.9.0.1") }, host = { 0 };
	struct rtnl_route direct = { .dst = ip("203.0.113.7"), .plen = 32 };
	struct rtnl_rule  rule = { .priority = 100, .table = 77, .mark = 5,
		.invert = true };
	unsigned	  plen;
	int		  fd, mon, value;

	(void)state;
	assert_int_equal(rtnl_default_route(&via, other), -1);
	assert_int_equal(errno, ENOENT);
	fd = tun_open(name, sizeof(name));
	assert_int_not_equal(fd, -1);
	assert_string_equal(name, "tst0");
	assert_int_equal(tun_open(name, sizeof(name)), -1);

	mon = rtnl_monitor();
	assert_int_not_equal(mon, -1);
	assert_int_equal(rtnl_link_up(name), 0);
	assert_int_equal(rtnl_link_mtu(name, 1400), 0);
	assert_int_equal(rtnl_addr_add(name, ip("10.9.0.5"), 24), 0);
	assert_int_equal(rtnl_addr_add(name, ip("10.9.0.5"), 24), 0);
	assert_true(read(mon, other, sizeof(other)) > 0);
	close(mon);
	assert_int_equal(rtnl_addr_of(name, &addr, &plen), 0);
	assert_int_equal(addr, ip("10.9.0.5"));
	assert_int_equal(plen, 24);
	assert_int_equal(rtnl_networks_of(name, networks, &sum), 0);
	assert_int_equal(sum, ntohl(ip("10.9.0.0")));

	assert_int_equal(rtnl_route_add(&def), 0);
	assert_int_equal(rtnl_default_route(&via, other), 0);
	assert_int_equal(via, ip("10.9.0.1"));
	assert_string_equal(other, name);

	/* A table of its own for all that is not marked, as oed uses it. */
	host.ifname = name;
	host.table = 77;
	host.src = ip("10.9.0.5");
	assert_int_equal(rtnl_route_add(&host), 0);
	assert_int_equal(rtnl_rule_add(&rule), 0);
	assert_int_equal(rtnl_rule_add(&rule), 0);
	assert_int_equal(rtnl_route_get(ip("203.0.113.7"), 0, &src, &via, other), 0);
	assert_int_equal(via, 0);
	assert_int_equal(src, ip("10.9.0.5"));
	assert_int_equal(rtnl_route_get(ip("203.0.113.7"), 5, &src, &via, other), 0);
	assert_int_equal(via, ip("10.9.0.1"));
	assert_int_equal(rtnl_rule_del(&rule), 0);
	assert_int_equal(rtnl_rule_del(&rule), -1);
	assert_int_equal(rtnl_route_del(&host), 0);
	assert_int_equal(rtnl_route_del(&def), 0);
	assert_int_equal(rtnl_route_del(&def), -1);

	tables_hold_what_they_should(name);
	direct.ifname = name;
	direct.mtu = 1300;
	assert_int_equal(rtnl_route_add(&direct), 0);
	assert_int_equal(rtnl_route_add(&direct), 0);
	assert_int_equal(rtnl_route_del(&direct), 0);

	assert_int_equal(sysctl_if_set(name, "rp_filter", 2), 0);
	assert_int_equal(sysctl_if_get(name, "rp_filter", &value), 0);
	assert_int_equal(value, 2);
	assert_int_equal(sysctl_if_set("../all", "rp_filter", 2), -1);

	assert_int_equal(rtnl_addr_del(name, ip("10.9.0.5"), 24), 0);
	assert_int_equal(rtnl_addr_of(name, &addr, &plen), -1);
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
