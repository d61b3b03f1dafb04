/* test_wire.c - what goes out through the engine's sockets is seen by the kernel's policies with the source that it has */
#include "config.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/ip.h"
#include "net/netlink.h"
#include "net/rtnl.h"
#include "net/tun.h"
#include "oe/wire.h"

#define MARK	0x4f45u
#define FIRST	"198.51.100.1"	/* what the route to the peer prefers */
#define SECOND	"203.0.113.1"
#define PEER	"198.51.100.9"

static struct event_base *base;
static struct wire	 *wire;
static int		  tun = -1;

static int
block(const char *src, const char *dst)
{
	struct xfrm_userpolicy_info p;
	_Alignas(8) char	    buf[NETLINK_REQUEST_MAX];
	int			    fd, rc;

	memset(&p, 0, sizeof(p));
	p.sel.family = AF_INET;
	p.sel.saddr.a4 = inet_addr(src);
	p.sel.daddr.a4 = inet_addr(dst);
	p.sel.prefixlen_s = p.sel.prefixlen_d = 32;
	p.lft.soft_byte_limit = p.lft.hard_byte_limit = XFRM_INF;
	p.lft.soft_packet_limit = p.lft.hard_packet_limit = XFRM_INF;
	p.dir = XFRM_POLICY_OUT;
	p.action = XFRM_POLICY_BLOCK;
	if ((fd = netlink_open(NETLINK_XFRM)) == -1)
		return -1;
	rc = netlink_ask(fd, netlink_begin(buf, XFRM_MSG_UPDPOLICY, NLM_F_ACK |
	    NLM_F_CREATE, &p, sizeof(p)), NULL, NULL);
	close(fd);
	return rc;
}

/* Sends one packet: does it come out at the link? */
static bool
goes_out(const char *src, const char *dst)
{
	struct packet_view v = { .src = addr_from_v4(inet_addr(src)),
		.dst = addr_from_v4(inet_addr(dst)), .ttl = 64,
		.protocol = 17, .len = 60 };
	uint8_t		 pkt[60] = { 0 }, got[2048];
	ssize_t		 n;

	ip_write(pkt, &v);
	wire_send(wire, &v);
	/* A TUN device has it when the call returns. */
	while ((n = read(tun, got, sizeof(got))) > 0) {
		if (n >= IP_HEADER_LEN && memcmp(got + 12, pkt + 12, 8) == 0)
			return true;
	}
	return false;
}

static void
policies_see_the_source(void **state)
{
	(void)state;
	assert_true(goes_out(FIRST, PEER));
	assert_true(goes_out(SECOND, PEER));
	if (block(SECOND, PEER) == -1) {
		print_message("no XFRM in this kernel\n");
		skip();
	}
	/* Of two addresses the route prefers the first; that is not
	 * whose policy decides. */
	assert_false(goes_out(SECOND, PEER));
	assert_true(goes_out(FIRST, PEER));
	assert_true(goes_out(SECOND, "198.51.100.10"));
}

/* A packet that a network behind us sent, or that a lease is the source of. */
static void
sources_of_others_go_out(void **state)
{
	(void)state;
	assert_true(goes_out("192.0.2.77", PEER));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_see_the_source),
		cmocka_unit_test(sources_of_others_go_out),
	};
	struct addr first = addr_from_v4(inet_addr(FIRST));
	struct addr second = addr_from_v4(inet_addr(SECOND));
	char	    name[16] = "wire0";
	int	    rc;

	if (unshare(CLONE_NEWNET) == -1 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1) {
		printf("skipped: no network namespace of its own\n");
		return 77;
	}
	if ((tun = tun_open(name, sizeof(name))) == -1) {
		printf("skipped: no TUN device\n");
		return 77;
	}
	if (fcntl(tun, F_SETFL, O_NONBLOCK) == -1 || rtnl_open() == -1 ||
	    rtnl_addr_add(name, &first, 24) == -1 ||
	    rtnl_addr_add(name, &second, 24) == -1 ||
	    rtnl_link_up(name) == -1 || rtnl_link_up("lo") == -1 ||
	    (base = event_base_new()) == NULL ||
	    (wire = wire_open(base, MARK)) == NULL) {
		perror("wire0");
		return 1;
	}
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	wire_close(wire);
	event_base_free(base);
	rtnl_close();
	close(tun);
	return rc;
}
