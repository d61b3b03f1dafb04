/* test_register.c - who may register and what ends a registration, against strangers, neighbours and a host's own users */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/gateway_world.h"

static void
begin(size_t registrations)
{
	struct policy p = default_policy();

	p.registration = 60;
	world_begin(&p, false);
	w.config.max_registrations = registrations;
	gateway_reconfigure(w.g, w.now, &w.config);
}

static void
counted(enum rsip_type type, uint32_t client_id, uint32_t counter)
{
	request(type, client_id);
	w.in.has |= RSIP_HAS_COUNTER;
	w.in.counter = counter;
}

static void
as_udp(uint32_t host, uint64_t port)
{
	w.peer = (struct gateway_peer){ .host = addr_from_v4(htonl(host)),
		.transport = GATEWAY_UDP, .id = port };
}

static struct gateway_counts
counts(void)
{
	struct gateway_counts c;

	gateway_count(w.g, &c);
	return c;
}

/* An honest host: registers over TCP and has a binding. */
static uint32_t
honest(const char *addr, uint64_t id)
{
	uint32_t client;

	w.peer.transport = GATEWAY_TCP;
	as_host(addr, id);
	client = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, client);
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	return client;
}

static void
strangers_are_not_heard(void **state)
{
	struct policy section = { .has = POLICY_HAS_LEASE, .lease = 60 };

	(void)state;
	begin(64);
	as_udp(0xc0000201, 1000);
	counted(RSIP_REGISTER_REQUEST, 0, 1);
	assert_int_equal(ask(), 0);
	w.peer.transport = GATEWAY_TCP;
	assert_int_equal(ask(), 0);
	assert_int_equal(counts().registrations, 0);
	assert_int_equal(counts().foreign, 2);
	/* Unless a section names them. */
	assert_int_equal(policies_add(w.policies, world_prefix("192.0.2.0/24"),
	    &section), 0);
	do_register();
	world_end();
}

static void
forged_registrations_take_nothing_from_hosts(void **state)
{
	uint32_t old, id;
	unsigned i, lost = 0;

	(void)state;
	begin(64);
	old = honest("10.0.0.11", 1);
	for (i = 0; i < 5000; i++) {
		w.now++;
		as_udp(0x0a000000 + 20 + i % 230, 1024 + i);
		counted(RSIP_REGISTER_REQUEST, 0, 1);
		ask();
		if (i % 100 != 50)
			continue;
		/* A host that comes now, by UDP, and answers 5 ms later. */
		as_udp(0x0a000000 + 12, 1000);
		counted(RSIP_REGISTER_REQUEST, 0, 1 + i);
		expect(RSIP_REGISTER_RESPONSE);
		id = w.out.client_id;
		w.now += 5;
		as_udp(0x0a000000 + 20 + i % 230, 1024 + i);
		counted(RSIP_REGISTER_REQUEST, 0, 1);
		ask();
		as_udp(0x0a000000 + 12, 1000);
		counted(RSIP_DEREGISTER_REQUEST, id, 2 + i);
		assert_true(ask() > 0);
		lost += w.out.type != RSIP_DEREGISTER_RESPONSE;
	}
	printf("5000 forged registrations: %zu of 64 taken, %u of 50 honest "
	    "ones displaced\n", counts().half_open, lost);
	assert_true(counts().half_open <= 16);
	assert_true(lost <= 10);
	assert_int_equal(w.nasync, 0);	/* nobody is told of forged ones */
	as_host("10.0.0.11", 1);
	w.peer.transport = GATEWAY_TCP;
	request(RSIP_QUERY_REQUEST, old);
	expect(RSIP_QUERY_RESPONSE);
	w.now += 60001;
	gateway_tick(w.g, w.now);
	forget_async();
	assert_int_equal(counts().half_open, 0);
	world_end();
}

static void
a_forged_registration_does_not_bar_the_host(void **state)
{
	uint32_t first, id;

	(void)state;
	begin(64);
	/* Forged in the name of 10.0.0.11; the answer goes to the host. */
	as_udp(0x0a00000b, 7777);
	counted(RSIP_REGISTER_REQUEST, 0, 1);
	expect(RSIP_REGISTER_RESPONSE);
	first = w.out.client_id;
	/* By UDP the host is given the same registration,
	 * whoever asks how often. */
	as_udp(0x0a00000b, 1000);
	counted(RSIP_REGISTER_REQUEST, 0, 1);
	expect(RSIP_REGISTER_RESPONSE);
	assert_int_equal(w.out.client_id, first);
	as_udp(0x0a00000b, 7778);
	expect(RSIP_REGISTER_RESPONSE);
	as_udp(0x0a00000b, 1000);
	counted(RSIP_QUERY_REQUEST, first, 2);
	expect(RSIP_QUERY_RESPONSE);
	/* Now it is the host's: §9.2.3. */
	as_udp(0x0a00000b, 7779);
	counted(RSIP_REGISTER_REQUEST, 0, 1);
	expect_error(RSIP_ALREADY_REGISTERED);
	/* By TCP the forged one gives way. */
	as_udp(0x0a00000c, 7777);
	counted(RSIP_REGISTER_REQUEST, 0, 1);
	expect(RSIP_REGISTER_RESPONSE);
	first = w.out.client_id;
	w.peer.transport = GATEWAY_TCP;
	id = do_register();
	assert_int_not_equal(id, first);
	assert_int_equal(counts().registrations, 2);
	world_end();
}

static void
without_a_binding_a_registration_leaves_first(void **state)
{
	uint32_t bound, id;
	char	 host[16];
	unsigned i;

	(void)state;
	begin(4);
	bound = honest("10.0.0.11", 1);
	for (i = 0; i < 3; i++) {
		snprintf(host, sizeof(host), "10.0.0.%u", 20 + i);
		as_host(host, 20 + i);
		do_register();
		assert_int_equal(w.out.lease, 60);
	}
	/* Full: the oldest that does nothing is told and leaves. */
	as_host("10.0.0.30", 30);
	do_register();
	assert_int_equal(w.nasync, 1);
	assert_int_equal(w.async[0].type, RSIP_DEREGISTER_RESPONSE);
	assert_string_equal(ADDR_TEXT(&w.async_to[0].host), "10.0.0.20");
	forget_async();
	w.now += 60001;
	gateway_tick(w.g, w.now);
	assert_int_equal(w.nasync, 3);
	forget_async();
	assert_int_equal(counts().registrations, 1);
	/* A binding that was long keeps nothing once it is freed. */
	as_host("10.0.0.11", 1);
	request(RSIP_FREE_REQUEST, bound);
	w.in.has |= RSIP_HAS_BIND_ID;
	w.in.bind_id = 1;
	expect(RSIP_FREE_RESPONSE);
	w.now += 60001;
	gateway_tick(w.g, w.now);
	assert_int_equal(counts().registrations, 0);
	/* All four at work: nobody gives way. */
	for (i = 0; i < 4; i++) {
		snprintf(host, sizeof(host), "10.0.0.%u", 40 + i);
		id = honest(host, 40 + i);
	}
	as_host("10.0.0.50", 50);
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_REGISTRATION_DENIED);
	as_host("10.0.0.43", 43);
	request(RSIP_QUERY_REQUEST, id);
	expect(RSIP_QUERY_RESPONSE);
	world_end();
}

static void
one_neighbour_displaces_itself(void **state)
{
	char	 host[16];
	unsigned i;

	(void)state;
	begin(64);
	w.config.max_neighbour = 3;
	gateway_reconfigure(w.g, w.now, &w.config);
	w.mac[0] = 2;
	honest("10.0.0.11", 1);
	w.mac[0] = 4;
	for (i = 0; i < 30; i++) {
		snprintf(host, sizeof(host), "10.0.0.%u", 20 + i);
		as_host(host, 20 + i);
		do_register();
		forget_async();
	}
	assert_int_equal(counts().registrations, 4);
	/* With bindings it gets three, and no fourth; others get theirs. */
	for (i = 0; i < 3; i++) {
		snprintf(host, sizeof(host), "10.0.0.%u", 60 + i);
		honest(host, 60 + i);
		forget_async();
	}
	as_host("10.0.0.70", 70);
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_REGISTRATION_DENIED);
	w.mac[0] = 6;
	do_register();
	/* Behind a router all have its address: no limit. */
	w.mac[0] = 4;
	w.routed = true;
	as_host("10.0.0.80", 80);
	do_register();
	world_end();
}

static void
unknown_neighbours_are_answered_slowly(void **state)
{
	unsigned i, answered = 0;

	(void)state;
	begin(4096);
	w.config.max_neighbour = 32;
	gateway_reconfigure(w.g, w.now, &w.config);
	for (i = 0; i < 1000; i++) {
		w.now++;
		as_udp(0x0a000000 + i % 250 + 1, 2000 + i);
		counted(RSIP_REGISTER_REQUEST, 0, 1);
		answered += ask() > 0;
	}
	printf("1000 a second from unknown neighbours: %u answered, %zu "
	    "registered\n", answered, counts().registrations);
	assert_true(counts().registrations <= 32);
	assert_true(answered < 250);
	/* A neighbour that the kernel knows is not among them. */
	w.mac[0] = 2;
	as_udp(0x0a0000fe, 1000);
	counted(RSIP_REGISTER_REQUEST, 0, 1);
	expect(RSIP_REGISTER_RESPONSE);
	world_end();
}

static void
users_of_a_host_do_not_end_its_registration(void **state)
{
	uint32_t id;

	(void)state;
	begin(64);
	id = honest("10.0.0.11", 1);
	/* Another connection, while that of the registration is open. */
	w.peer.id = 2;
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_ALREADY_REGISTERED);
	assert_false(w.out.has & RSIP_HAS_CLIENT_ID);
	assert_int_equal(w.probed, 1);
	request(RSIP_DEREGISTER_REQUEST, id);
	expect_error(RSIP_BAD_CLIENT_ID);
	request(RSIP_FREE_REQUEST, id);
	w.in.has |= RSIP_HAS_BIND_ID;
	w.in.bind_id = 1;
	expect_error(RSIP_BAD_CLIENT_ID);
	w.peer.transport = GATEWAY_UDP;
	counted(RSIP_DEREGISTER_REQUEST, id, 1);
	expect_error(RSIP_BAD_CLIENT_ID);
	/* The connection itself, and a port of the system, are the host. */
	w.peer.transport = GATEWAY_TCP;
	w.peer.id = 1;
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_ALREADY_REGISTERED);
	assert_int_equal(w.out.client_id, id);
	w.peer.id = 3;
	w.peer.privileged = true;
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_ALREADY_REGISTERED);
	assert_int_equal(w.out.client_id, id);
	request(RSIP_QUERY_REQUEST, id);
	expect(RSIP_QUERY_RESPONSE);
	/* From then on only such ports are, with or without a connection. */
	gateway_disconnected(w.g, &w.peer);
	w.peer.id = 4;
	w.peer.privileged = false;
	request(RSIP_DEREGISTER_REQUEST, id);
	expect_error(RSIP_BAD_CLIENT_ID);
	w.peer.privileged = true;
	expect(RSIP_DEREGISTER_RESPONSE);
	world_end();
}

/* §10.2.1: a host that has lost its memory, and has no ports of its own. */
static void
a_host_that_rebooted_is_let_in(void **state)
{
	uint32_t id;

	(void)state;
	begin(64);
	id = honest("10.0.0.11", 1);
	gateway_disconnected(w.g, &w.peer);
	w.peer.id = 2;
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_ALREADY_REGISTERED);
	assert_int_equal(w.out.client_id, id);
	request(RSIP_DEREGISTER_REQUEST, id);
	expect(RSIP_DEREGISTER_RESPONSE);
	/* §9.4.3: once more is not an error of its own. */
	expect_error(RSIP_REGISTER_FIRST);
	do_register();
	world_end();
}

static void
on_udp_a_system_port_owns_the_registration(void **state)
{
	uint32_t id;

	(void)state;
	begin(64);
	as_udp(0x0a00000b, 700);
	w.peer.privileged = true;
	counted(RSIP_REGISTER_REQUEST, 0, 1);
	expect(RSIP_REGISTER_RESPONSE);
	id = w.out.client_id;
	counted(RSIP_QUERY_REQUEST, id, 2);
	expect(RSIP_QUERY_RESPONSE);
	as_udp(0x0a00000b, 7000);
	counted(RSIP_REGISTER_REQUEST, 0, 1);
	expect_error(RSIP_ALREADY_REGISTERED);
	assert_false(w.out.has & RSIP_HAS_CLIENT_ID);
	counted(RSIP_DEREGISTER_REQUEST, id, 2);
	expect_error(RSIP_BAD_CLIENT_ID);
	w.peer.privileged = true;
	expect(RSIP_DEREGISTER_RESPONSE);
	world_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers_are_not_heard),
		cmocka_unit_test(forged_registrations_take_nothing_from_hosts),
		cmocka_unit_test(a_forged_registration_does_not_bar_the_host),
		cmocka_unit_test(without_a_binding_a_registration_leaves_first),
		cmocka_unit_test(one_neighbour_displaces_itself),
		cmocka_unit_test(unknown_neighbours_are_answered_slowly),
		cmocka_unit_test(users_of_a_host_do_not_end_its_registration),
		cmocka_unit_test(a_host_that_rebooted_is_let_in),
		cmocka_unit_test(on_udp_a_system_port_owns_the_registration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
