/* test_esp_filter.c - ESP that a raw socket gets, by its SPI */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/esp_filter.h"

/* Filters are the same for each kind of socket: of this one the kernel gives
 * what is sent, header or not. */
static struct world {
	int here, there;
} world;

static int
world_begin(void **state)
{
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd), 0);
	world.here = fd[0];
	world.there = fd[1];
	return 0;
}

static int
world_end(void **state)
{
	(void)state;
	close(world.here);
	close(world.there);
	return 0;
}

/* Does a packet to dst with that SPI arrive behind header octets of IPv4? */
static bool
arrives_at(uint32_t dst, uint32_t spi, size_t header)
{
	uint8_t packet[80] = { 0 }, got[80];

	packet[0] = (uint8_t)(0x40 | header / 4);
	store_u32(packet + 16, dst);
	store_u32(packet + header, spi);
	/* What is filtered is a refusal to the sender. */
	(void)send(world.there, packet, header + 20, MSG_DONTWAIT);
	return recv(world.here, got, sizeof(got), MSG_DONTWAIT) ==
	    (ssize_t)(header + 20);
}

static bool
arrives(uint32_t spi, size_t header)
{
	return arrives_at(0, spi, header);
}

static void
set(int family, unsigned i, unsigned n, const uint32_t *but, size_t nbut)
{
	const struct esp_filter f = { .i = i, .n = n, .but = but,
		.nbut = nbut };

	assert_int_equal(esp_filter_set(world.here, family, &f), 0);
}

static void
shares_and_exceptions(void **state)
{
	const uint32_t but[] = { 0x80000001, 0x11223344, 7 };

	(void)state;
	set(AF_INET, 0, 1, NULL, 0);
	assert_true(arrives(0xfffffffe, 20));
	set(AF_INET, 0, 1, but, 3);
	assert_true(arrives(0xfffffffe, 20));
	assert_true(arrives(0x80000002, 20));
	assert_false(arrives(0x80000001, 20));
	assert_false(arrives(0x11223344, 20));
	assert_false(arrives(7, 20));
	/* Behind options, too. */
	assert_true(arrives(8, 60));
	assert_false(arrives(7, 60));
	set(AF_INET, 1, 3, but, 3);
	assert_true(arrives(10, 20));
	assert_false(arrives(7, 20));
	assert_false(arrives(11, 20));
	assert_false(arrives(12, 20));
	set(AF_INET, 0, 0, but, 3);
	assert_false(arrives(10, 20));
	set(AF_INET, 0, 1, NULL, 0);
	assert_true(arrives(7, 20));
}

static void
not_to_an_address(void **state)
{
	const uint32_t but[] = { 7, 9 };
	struct esp_filter f = { .n = 1, .but = but, .nbut = 2,
		.not_to = 0xc6336401 };

	(void)state;
	assert_int_equal(esp_filter_set(world.here, AF_INET, &f), 0);
	assert_true(arrives_at(0xc6336402, 8, 20));
	assert_true(arrives_at(0xc6336402, 8, 60));
	assert_false(arrives_at(0xc6336402, 7, 20));
	assert_false(arrives_at(0xc6336402, 9, 20));
	assert_false(arrives_at(0xc6336401, 8, 20));
	f.nbut = 0;
	assert_int_equal(esp_filter_set(world.here, AF_INET, &f), 0);
	assert_true(arrives_at(0xc6336402, 7, 20));
	assert_false(arrives_at(0xc6336401, 7, 20));
}

static void
ipv6_without_a_header(void **state)
{
	const uint32_t but[] = { 0x45000014 };

	(void)state;
	set(AF_INET6, 0, 2, but, 1);
	assert_true(arrives(0x45000016, 0));
	assert_false(arrives(0x45000014, 0));
	assert_false(arrives(0x45000015, 0));
}

/* As many as it may look at, and those beyond, which come. */
static void
the_longest(void **state)
{
	uint32_t but[ESP_FILTER_MAX + 1];
	size_t	 i;

	(void)state;
	for (i = 0; i < ESP_FILTER_MAX + 1; i++)
		but[i] = (uint32_t)(1000 + i);
	set(AF_INET, 0, 1, but, ESP_FILTER_MAX + 1);
	assert_false(arrives(1000, 20));
	assert_false(arrives(1000 + ESP_FILTER_MAX - 1, 20));
	assert_true(arrives(1000 + ESP_FILTER_MAX, 20));
	assert_true(arrives(999, 20));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(shares_and_exceptions,
		    world_begin, world_end),
		cmocka_unit_test_setup_teardown(not_to_an_address,
		    world_begin, world_end),
		cmocka_unit_test_setup_teardown(ipv6_without_a_header,
		    world_begin, world_end),
		cmocka_unit_test_setup_teardown(the_longest, world_begin,
		    world_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
