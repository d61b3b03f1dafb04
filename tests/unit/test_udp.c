/* test_udp.c - rsipd/udp.c over sockets: more answers than a batch has, and sends that fail */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "base/watch.h"
#include "net/inbox.h"
#include "proto/rsip.h"
#include "rsipd/server_internal.h"

#define HOSTS	70	/* more than a turn reads */
#define BATCH	16	/* of udp.c */

static struct server *server;
static int	      host[HOSTS];
static size_t	      answer_len;
static unsigned	      served, calls;
static int	      fails_with;	/* errno of a send, ... */
static int	      fails_for;	/* ... to one host; -1: to all */

/* --- the gateway, as udp.c knows it -------------------------------------- */

bool
gateway_hears(const struct gateway *g, const struct addr *from)
{
	(void)g;
	(void)from;
	return true;
}

bool
gateway_registered(const struct gateway *g, const struct gateway_peer *peer)
{
	(void)g;
	(void)peer;
	return true;
}

bool
gateway_end_of(const struct gateway *g, const struct addr *of,
    struct gateway_peer *out)
{
	(void)g;
	(void)of;
	(void)out;
	return false;
}

int
gateway_input(struct gateway *g, uint64_t now,
    const struct gateway_peer *peer, const uint8_t *msg, size_t len,
    uint8_t *out)
{
	(void)g;
	(void)now;
	(void)msg;
	assert_true(len > 0);
	/* Which one it is for: 127.0.0.2 hears 1. */
	memset(out, peer->host.bytes[3] - 1, answer_len);
	served++;
	return (int)answer_len;
}

void
server_wake(struct server *s, uint64_t now)
{
	(void)s;
	(void)now;
}

/* --- the kernel, which may refuse to send -------------------------------- */

int	__real_sendmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags);
int	__wrap_sendmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags);

/* 127.0.0.1 is the server's, 127.0.0.2 the first host's. */
static int
host_of(const struct mmsghdr *m)
{
	const struct sockaddr_in *sin = m->msg_hdr.msg_name;

	return (int)(ntohl(sin->sin_addr.s_addr) & 0xff) - 2;
}

/* As the kernel: so many as go before the first that fails. */
int
__wrap_sendmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags)
{
	unsigned i;

	calls++;
	for (i = 0; i < n && (fails_with == 0 || (fails_for != -1 &&
	    host_of(&msg[i]) != fails_for)); i++)
		continue;
	if (i == 0) {
		errno = fails_with;
		return -1;
	}
	return __real_sendmmsg(fd, msg, i, flags);
}

/* --- hosts --------------------------------------------------------------- */

static int
bound(uint8_t last)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f000000u | last) };
	int		   fd;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

static int
begin(void **state)
{
	struct sockaddr_in sin;
	socklen_t	   len = sizeof(sin);
	int		   i;

	(void)state;
	server = xcalloc(1, sizeof(*server));
	server->base = event_base_new();
	server->endpoints = endpoints_new(HOSTS);
	server->udp_fd = bound(1);
	udp_start(server);
	assert_int_equal(getsockname(server->udp_fd, (struct sockaddr *)&sin,
	    &len), 0);
	for (i = 0; i < HOSTS; i++) {
		host[i] = bound((uint8_t)(i + 2));
		assert_int_equal(connect(host[i], (struct sockaddr *)&sin,
		    sizeof(sin)), 0);
	}
	answer_len = 4;
	served = calls = 0;
	fails_with = 0;
	return 0;
}

static int
end(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < HOSTS; i++)
		close(host[i]);
	watch_end(server->udp_event);
	close(server->udp_fd);
	inbox_free(server->inbox);
	endpoints_free(server->endpoints);
	event_base_free(server->base);
	free(server);
	return 0;
}

static void
ask(int i)
{
	static struct rsip_message m;
	uint8_t			   question[64];
	int			   n;

	/* With a counter: what is asked again is known by that. */
	rsip_message_init(&m, RSIP_REGISTER_REQUEST);
	m.has |= RSIP_HAS_COUNTER;
	m.counter = 1;
	n = rsip_encode(&m, question, sizeof(question));
	assert_true(n > 0);
	assert_int_equal(send(host[i], question, (size_t)n, 0), n);
}

static void
ask_all(void)
{
	int i;

	for (i = 0; i < HOSTS; i++)
		ask(i);
}

static bool
is_answered(int i)
{
	static uint8_t answer[GATEWAY_MESSAGE_MAX];
	ssize_t	       n = recv(host[i], answer, sizeof(answer), 0);

	if (n == -1)
		return false;
	assert_int_equal(n, answer_len);
	assert_int_equal(answer[0], i + 1);
	assert_int_equal(answer[n - 1], i + 1);
	/* ... and once. */
	assert_int_equal(recv(host[i], answer, sizeof(answer), 0), -1);
	return true;
}

/* What is there is served, in as many turns as that takes. */
static void
serve(unsigned want)
{
	unsigned turns;

	for (turns = 0; turns < 4; turns++)
		event_base_loop(server->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(served, want);
}

static void
test_more_than_a_batch(void **state)
{
	int i;

	(void)state;
	ask_all();
	serve(HOSTS);
	for (i = 0; i < HOSTS; i++)
		assert_true(is_answered(i));
	assert_int_equal(calls, (HOSTS + BATCH - 1) / BATCH);
}

static void
test_answers_larger_than_a_turn_keeps(void **state)
{
	int i;

	(void)state;
	answer_len = GATEWAY_MESSAGE_MAX / 5;
	ask_all();
	serve(HOSTS);
	for (i = 0; i < HOSTS; i++)
		assert_true(is_answered(i));
}

static void
one_fails(int at, int error)
{
	int i;

	fails_with = error;
	fails_for = at;
	ask_all();
	serve(HOSTS);
	for (i = 0; i < HOSTS; i++)
		assert_int_equal(is_answered(i), i != at);
	/* The batch with it takes one call more before it, one for it. */
	assert_true(calls <= (HOSTS + BATCH - 1) / BATCH + 2);
	/* Who asks again hears what was said. */
	fails_with = 0;
	ask(at);
	serve(HOSTS);
	assert_true(is_answered(at));
}

static void
test_the_first_fails(void **state)
{
	(void)state;
	one_fails(0, ENOBUFS);
}

static void
test_one_in_the_middle_fails(void **state)
{
	(void)state;
	one_fails(BATCH + 5, EPERM);
}

static void
test_the_last_of_a_batch_fails(void **state)
{
	(void)state;
	one_fails(BATCH - 1, EAGAIN);
}

static void
test_all_fail(void **state)
{
	int i;

	(void)state;
	fails_with = ENOBUFS;
	fails_for = -1;
	ask_all();
	serve(HOSTS);
	/* Each is tried once. */
	assert_int_equal(calls, HOSTS);
	fails_with = 0;
	ask_all();
	serve(HOSTS);
	for (i = 0; i < HOSTS; i++)
		assert_true(is_answered(i));
}

#define WITH_HOSTS(f)	cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOSTS(test_more_than_a_batch),
		WITH_HOSTS(test_answers_larger_than_a_turn_keeps),
		WITH_HOSTS(test_the_first_fails),
		WITH_HOSTS(test_one_in_the_middle_fails),
		WITH_HOSTS(test_the_last_of_a_batch_fails),
		WITH_HOSTS(test_all_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
