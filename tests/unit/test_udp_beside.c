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
hears(int fd, const char *word)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char	      got[16];

	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(recv(fd, got, sizeof(got), 0), strlen(word));
	assert_memory_equal(got, word, strlen(word));
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_peer_has_its_own),
		cmocka_unit_test(who_has_no_port_lends_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
