/* test_wire.c - what goes out through the engine's sockets: in its order and unchanged, in segments too, with the source that it has */
#include "config.h"

#include <arpa/inet.h>
#include <event2/event.h>
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

#include "base/cursor.h"
#include "base/util.h"
#include "net/ip.h"
#include "net/netlink.h"
#include "net/rtnl.h"
#include "oe/wire.h"
#include "tests/plain_tun.h"

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
	wire_flush(wire);
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

/* --- many at once --------------------------------------------------------- */

#define ESP_PORT	4500
#define MANY		60
#define HEADERS		(IP_HEADER_LEN + UDP_HEADER_LEN)
#define PACKET		600

/* A packet with ESP in UDP, as oe/esp makes it; its number is in it. */
struct sample {
	const char *dst;
	uint16_t    sport;
	size_t	    len;
	uint8_t	    tos;
	bool	    df, esp;
};

static struct packet_view
sample_packet(const struct sample *s, uint8_t number, uint8_t pkt[PACKET])
{
	struct packet_view v = { .src = addr_from_v4(inet_addr(SECOND)),
		.dst = addr_from_v4(inet_addr(s->dst)), .ttl = 64,
		.tos = s->tos, .df = s->df, .id = (uint16_t)(7u * number),
		.protocol = s->esp ? 50 : 17, .len = s->len };

	memset(pkt, number, PACKET);
	ip_write(pkt, &v);
	store_u16(pkt + IP_HEADER_LEN, s->sport);
	store_u16(pkt + IP_HEADER_LEN + 2, ESP_PORT);
	store_u16(pkt + IP_HEADER_LEN + 4,
	    (uint16_t)(s->len - IP_HEADER_LEN));
	store_u16(pkt + IP_HEADER_LEN + 6, 0);
	return v;
}

/* Everything but the identification and UDP's checksum is as it was sent.
 * Returns whether there is such a checksum: the kernel has made the header. */
static bool
sample_arrives(const struct sample *s, uint8_t number)
{
	uint8_t		   pkt[PACKET], got[2048];
	struct packet_view want = sample_packet(s, number, pkt), v;
	ssize_t		   n;

	do {
		n = read(tun, got, sizeof(got));
		assert_true(n > 0);
	} while (got[0] >> 4 != 4);	/* the kernel's own of IPv6 */
	assert_true(packet_parse_ipv4(&v, got, (size_t)n));
	assert_true(ip_checksum_ok(&v));
	assert_true(addr_equal(&v.src, &want.src));
	assert_true(addr_equal(&v.dst, &want.dst));
	assert_int_equal(v.len, want.len);
	assert_int_equal(v.tos, want.tos);
	assert_int_equal(v.ttl, want.ttl);
	assert_int_equal(v.df, want.df);
	assert_int_equal(v.protocol, want.protocol);
	assert_memory_equal(got + IP_HEADER_LEN, pkt + IP_HEADER_LEN, 6);
	assert_memory_equal(got + HEADERS, pkt + HEADERS,
	    want.len - HEADERS);
	if (load_u16(got + IP_HEADER_LEN + 6) == 0)
		return false;
	if (!s->esp)
		assert_int_equal(checksum_fold(checksum_add(ip_pseudo_sum(
		    &v.src, &v.dst, v.protocol, v.len - IP_HEADER_LEN),
		    got + IP_HEADER_LEN, v.len - IP_HEADER_LEN)), 0);
	return !s->esp;
}

/* Sends them, reads them: how many the kernel has cut from something larger. */
static unsigned
samples_pass(const struct sample *s, size_t n)
{
	struct packet_view v;
	uint8_t		   pkt[PACKET];
	unsigned	   cut = 0;
	size_t		   i;

	for (i = 0; i < n; i++) {
		v = sample_packet(&s[i], (uint8_t)(i + 1), pkt);
		wire_send(wire, &v);
	}
	wire_flush(wire);
	for (i = 0; i < n; i++)
		cut += sample_arrives(&s[i], (uint8_t)(i + 1));
	return cut;
}

static void
raw_packets_keep_their_order(void **state)
{
	struct sample s[2 * MANY];
	size_t	      i;

	(void)state;
	for (i = 0; i < 2 * MANY; i++)
		s[i] = (struct sample){ .dst = PEER, .len = HEADERS + 20 + i,
			.df = i % 2, .esp = true };
	assert_int_equal(samples_pass(s, 2 * MANY), 0);
}

static void
datagrams_of_one_flow_go_as_one(void **state)
{
	const struct sample bulk = { .dst = PEER, .sport = ESP_PORT,
		.len = 560, .tos = 2, .df = true };
	struct sample	    s[MANY];
	unsigned	    cut;
	size_t		    i;

	(void)state;
	for (i = 0; i < MANY; i++)
		s[i] = bulk;
	s[MANY - 1].len = 131;
	cut = samples_pass(s, MANY);
	if (cut == 0) {
		print_message("no UDP_SEGMENT in this kernel\n");
		skip();
	}
	assert_int_equal(cut, MANY);
	/* 64 KiB are the most that a datagram has. */
	for (i = 0; i < MANY; i++)
		s[i].len = PACKET;
	assert_int_equal(samples_pass(s, MANY), MANY);
}

/* What differs from what is before it begins anew, and what no segment may be
 * part of goes alone: nothing overtakes anything. */
static void
others_between_them_go_alone(void **state)
{
	const struct sample bulk = { .dst = PEER, .sport = ESP_PORT,
		.len = 560, .df = true };
	struct sample	    s[MANY];
	size_t		    i;

	(void)state;
	for (i = 0; i < MANY; i++)
		s[i] = bulk;
	s[0].df = false;
	s[7].dst = "198.51.100.10";
	s[14].tos = 0xb8;
	s[15].tos = 0xb8;
	s[21].len = 400;
	s[28].sport = 4501;
	s[29].df = false;
	s[35].esp = true;
	for (i = 40; i < 48; i++)
		s[i].len = 500 + i;	/* each longer than the last */
	(void)samples_pass(s, MANY);
}

/* A second daemon is told that the ports are taken, as ever; and nobody can
 * take them beside us. */
static void
ports_are_nobody_elses(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(ESP_PORT) };
	const int on = 1;
	int	  i, fd;

	(void)state;
	for (i = 0; i < 4; i++) {
		assert_true((fd = socket(AF_INET, SOCK_DGRAM, 0)) != -1);
		assert_int_equal(setsockopt(fd, SOL_SOCKET, i & 1 ?
		    SO_REUSEADDR : SO_REUSEPORT, &on, sizeof(on)), 0);
		sin.sin_addr.s_addr = inet_addr(i & 2 ? FIRST : "127.0.0.1");
		assert_int_equal(bind(fd, (struct sockaddr *)&sin,
		    sizeof(sin)), -1);
		close(fd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_packets_keep_their_order),
		cmocka_unit_test(datagrams_of_one_flow_go_as_one),
		cmocka_unit_test(others_between_them_go_alone),
		cmocka_unit_test(ports_are_nobody_elses),
		cmocka_unit_test(policies_see_the_source),
		cmocka_unit_test(sources_of_others_go_out),
	};
	struct addr first = addr_from_v4(inet_addr(FIRST));
	struct addr second = addr_from_v4(inet_addr(SECOND));
	const char  name[] = "wire0";
	int	    rc;

	if (unshare(CLONE_NEWNET) == -1 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1) {
		printf("skipped: no network namespace of its own\n");
		return 77;
	}
	if ((tun = plain_tun(name)) == -1) {
		printf("skipped: no TUN device\n");
		return 77;
	}
	if (rtnl_open() == -1 || rtnl_addr_add(name, &first, 24) == -1 ||
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
