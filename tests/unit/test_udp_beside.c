/* test_udp_beside.c - two sockets at one port: who has what, and who else is refused */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/udp.h"

static const struct addr here = { .family = AF_INET,
	.bytes = { 127, 0, 0, 1 } };

/* Bound to the loopback's address; port 0: any.  -1 with errno. */
static int
bound(uint16_t port, int share)
{
	struct sockaddr_storage ss;
	socklen_t		len = addr_to_sockaddr(&here, port, &ss);
	int			fd = socket(AF_INET, SOCK_DGRAM, 0), error;

	assert_int_not_equal(fd, -1);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &share,
	    sizeof(share)), 0);
	if (bind(fd, (struct sockaddr *)&ss, len) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void
say(int fd, uint16_t port, const char *word)
{
	struct sockaddr_storage ss;
	socklen_t		len = addr_to_sockaddr(&here, port, &ss);

	assert_int_equal(sendto(fd, word, strlen(word), 0,
	    (struct sockaddr *)&ss, len), strlen(word));
}

static void
hears_first(int fd, const char *word)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char	      got[16];

	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(recv(fd, got, sizeof(got), 0), strlen(word));
	assert_memory_equal(got, word, strlen(word));
}

static void
hears(int fd, const char *word)
{
	char got[16];

	hears_first(fd, word);
	assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
}

static void
each_peer_has_its_own(void **state)
{
	int	 owner = bound(0, 0), first = bound(0, 0), second = bound(0, 0);
	int	 other = bound(0, 0), one, two, fd;
	uint16_t port = udp_port(owner);

	(void)state;
	assert_int_not_equal(port, 0);
	one = socket(AF_INET, SOCK_DGRAM, 0);
	two = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(udp_bind_beside(owner, one, &here, &here,
	    udp_port(first)), 0);
	assert_int_equal(udp_bind_beside(owner, two, &here, &here,
	    udp_port(second)), 0);
	assert_int_equal(udp_port(one), port);
	say(first, port, "first");
	say(second, port, "second");
	say(other, port, "other");
	hears(one, "first");
	hears(two, "second");
	hears(owner, "other");
	/* Nobody else gets there, however it asks. */
	for (fd = 0; fd < 2; fd++) {
		assert_int_equal(bound(port, fd), -1);
		assert_int_equal(errno, EADDRINUSE);
	}
	/* What it had goes to the owner again. */
	close(one);
	say(first, port, "again");
	hears(owner, "again");
	close(two);
	close(other);
	close(second);
	close(first);
	close(owner);
}

static void
who_has_no_port_lends_none(void **state)
{
	int owner = socket(AF_INET, SOCK_DGRAM, 0);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(udp_bind_beside(owner, fd, &here, &here, 9), -1);
	assert_int_equal(udp_port(fd), 0);
	close(fd);
	close(owner);
}

/* A datagram that begins with a word of ours, from wherever. */
static void
words_are_shared_out(void **state)
{
	const uint32_t words[] = { 0x61626364, 0x71727374 };
	const int      on = 1;
	int	       owner = bound(0, 0), beside, fd, peer = bound(0, 0);
	int	       foreign;
	uint16_t       port = udp_port(owner);
	uint32_t       many[UDP_SHARE_MAX + 1] = { 0 };
	unsigned       i;
	socklen_t      len;
	struct sockaddr_storage ss;

	(void)state;
	beside = socket(AF_INET, SOCK_DGRAM, 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(udp_bind_beside(owner, beside, &here, &here,
	    udp_port(peer) == 9 ? 10 : 9), 0);
	/* Who is bound to nothing shares nothing. */
	assert_int_equal(udp_share(fd, words, 2), -1);
	assert_int_equal(udp_bind_shared(owner, fd), 0);
	assert_int_equal(udp_port(fd), port);
	for (i = 0; i < 2; i++) {
		assert_int_equal(udp_share(owner, words, 2), 0);
		say(peer, port, "abcd");
		say(peer, port, "qrst and more");
		say(peer, port, "abcx");
		say(peer, port, "abc");
		hears_first(fd, "abcd");
		hears(fd, "qrst and more");
		hears_first(owner, "abcx");
		hears(owner, "abc");
		assert_int_equal(udp_share(owner, words + 1, 1), 0);
		say(peer, port, "abcd");
		hears(owner, "abcd");
	}
	/* As many as there is room for; not more, and all is as before. */
	many[UDP_SHARE_MAX - 1] = words[0];
	assert_int_equal(udp_share(owner, many, UDP_SHARE_MAX), 0);
	assert_int_equal(udp_share(owner, many, UDP_SHARE_MAX + 1), -1);
	assert_int_equal(errno, ENOBUFS);
	say(peer, port, "abcd");
	say(peer, port, "qrst");
	hears(fd, "abcd");
	hears(owner, "qrst");
	/* Anybody else is refused, or let in and gets nothing. */
	for (i = 0; i < 2; i++)
		assert_int_equal(bound(port, (int)i), -1);
	foreign = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(setsockopt(foreign, SOL_SOCKET, SO_REUSEPORT, &on,
	    sizeof(on)), 0);
	assert_int_equal(setsockopt(foreign, SOL_SOCKET, SO_REUSEADDR, &on,
	    sizeof(on)), 0);
	len = addr_to_sockaddr(&here, port, &ss);
	assert_int_equal(bind(foreign, (struct sockaddr *)&ss, len), 0);
	say(peer, port, "abcd");
	say(peer, port, "qrst");
	hears(fd, "abcd");
	hears(owner, "qrst");
	close(foreign);
	/* The second one goes: what it had is the owner's. */
	close(fd);
	say(peer, port, "abcd");
	hears(owner, "abcd");
	close(beside);
	close(peer);
	close(owner);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_peer_has_its_own),
		cmocka_unit_test(who_has_no_port_lends_none),
		cmocka_unit_test(words_are_shared_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
