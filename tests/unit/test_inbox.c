/* test_inbox.c - datagrams are received many a call, and what the kernel joined says of which pieces */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/inbox.h"
#include "net/ip.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT	103
#endif
#ifndef SOL_UDP
#define SOL_UDP		17
#endif
#define HEADROOM	48
#define MAX		8

static struct sockaddr_in to;
static int		  in, out;

static int
setup(void **state)
{
	socklen_t len = sizeof(to);
	const int on = 1;

	to = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	in = socket(AF_INET, SOCK_DGRAM, 0);
	out = socket(AF_INET, SOCK_DGRAM, 0);
	*state = inbox_new(MAX, HEADROOM);
	return in == -1 || out == -1 ||
	    bind(in, (struct sockaddr *)&to, len) == -1 ||
	    getsockname(in, (struct sockaddr *)&to, &len) == -1 ||
	    connect(out, (struct sockaddr *)&to, len) == -1 ||
	    setsockopt(in, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == -1 ||
	    setsockopt(in, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)) == -1 ?
	    -1 : 0;
}

static int
teardown(void **state)
{
	inbox_free(*state);
	close(in);
	close(out);
	return 0;
}

static void
many_a_call(void **state)
{
	struct inbox_datagram d;
	struct sockaddr_in    own;
	socklen_t	      len = sizeof(own);
	uint8_t		      buf[2000];
	int		      i, tos = 0x2e;

	assert_int_equal(setsockopt(out, IPPROTO_IP, IP_TOS, &tos,
	    sizeof(tos)), 0);
	assert_int_equal(getsockname(out, (struct sockaddr *)&own, &len), 0);
	for (i = 0; i < MAX + 2; i++) {
		memset(buf, i, sizeof(buf));
		assert_int_equal(send(out, buf, (size_t)i * 100, 0), i * 100);
	}
	assert_int_equal(inbox_receive(*state, in, MAX + 10), MAX);
	for (i = 0; i < MAX; i++) {
		inbox_get(*state, (unsigned)i, &d);
		assert_int_equal(d.len, i * 100);
		assert_int_equal(d.segment, i == 0 ? 1 : i * 100);
		memset(buf, i, sizeof(buf));
		assert_memory_equal(d.data, buf, d.len);
		assert_int_equal(d.port, ntohs(own.sin_port));
		assert_int_equal(addr_v4(&d.from), htonl(INADDR_LOOPBACK));
		assert_int_equal(addr_v4(&d.dst), htonl(INADDR_LOOPBACK));
		assert_int_equal(d.tos, tos);
		/* The room before it is no part of another. */
		memset(d.data - HEADROOM, 0xff, HEADROOM);
	}
	for (i = 0; i < MAX; i++) {
		inbox_get(*state, (unsigned)i, &d);
		memset(buf, i, sizeof(buf));
		assert_memory_equal(d.data, buf, d.len);
	}
	assert_int_equal(inbox_receive(*state, in, 1), 1);
	assert_int_equal(inbox_receive(*state, in, MAX), 1);
	inbox_get(*state, 0, &d);
	assert_int_equal(d.len, (MAX + 1) * 100);
	assert_int_equal(inbox_receive(*state, in, MAX), -1);
	assert_int_equal(errno, EAGAIN);
}

/* The largest that there is, and one that the kernel has joined (on the
 * loopback: not cut). */
static void
what_was_joined_says_so(void **state)
{
	static uint8_t	      buf[IP_PACKET_MAX];
	struct inbox_datagram d;
	const int	      size = 1444;
	size_t		      i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i / 1444);
	assert_int_equal(send(out, buf, 65507, 0), 65507);
	assert_int_equal(inbox_receive(*state, in, MAX), 1);
	inbox_get(*state, 0, &d);
	assert_int_equal(d.len, 65507);
	assert_int_equal(d.segment, 65507);
	if (inbox_joins(in) == -1 || setsockopt(out, SOL_UDP, UDP_SEGMENT,
	    &size, sizeof(size)) == -1) {
		print_message("no UDP_GRO in this kernel\n");
		skip();
	}
	assert_int_equal(send(out, buf, 44 * 1444 + 77, 0), 44 * 1444 + 77);
	assert_int_equal(inbox_receive(*state, in, MAX), 1);
	inbox_get(*state, 0, &d);
	assert_int_equal(d.len, 44 * 1444 + 77);
	assert_int_equal(d.segment, 1444);
	assert_memory_equal(d.data, buf, d.len);
	/* One alone is no segment of anything. */
	assert_int_equal(send(out, buf, 300, 0), 300);
	assert_int_equal(inbox_receive(*state, in, MAX), 1);
	inbox_get(*state, 0, &d);
	assert_int_equal(d.len, 300);
	assert_int_equal(d.segment, 300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(many_a_call, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_joined_says_so, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
