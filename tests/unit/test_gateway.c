/* test_gateway.c - the gateway core on a fake clock: bytes, signatures, and what comes by chance; single exchanges are in gateway_scenarios/ */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/gateway_world.h"

/* --- exchanges ------------------------------------------------------------ */

static void
add_tuple(unsigned indicator, const char *address, const char *mask)
{
	struct rsip_tuple *t = rsip_message_add_tuple(&w.in);

	assert_non_null(t);
	t->indicator = (uint8_t)indicator;
	set_address(&t->address, address);
	if (mask == NULL)
		return;
	set_address(&t->netmask, mask);
	t->netmask.type = RSIP_ADDR_NETMASK4;
}

/* RFC 3103 §9.14.3. */
static void
query_tells_local_from_remote(void **state)
{
	struct policy p = default_policy();
	struct addr   addr = world_addr("10.0.0.99");
	uint32_t      id;

	(void)state;
	world_begin(&p, false);
	id = do_register();
	request(RSIP_QUERY_REQUEST, id);
	expect(RSIP_QUERY_RESPONSE);	/* all that it knows */
	assert_int_equal(w.out.ntuples, 2);
	assert_int_equal(w.out.tuple[0].indicator, RSIP_LOCAL_NETWORK);
	assert_int_equal(w.out.tuple[1].indicator, RSIP_REMOTE_NETWORK);
	/* The interface's network may stand in the configuration as well. */
	w.config.local[1] = w.config.local[0];
	w.config.nlocal = 2;
	gateway_reconfigure(w.g, w.now, &w.config);
	request(RSIP_QUERY_REQUEST, id);
	expect(RSIP_QUERY_RESPONSE);
	assert_int_equal(w.out.ntuples, 2);
	request(RSIP_QUERY_REQUEST, id);
	add_tuple(RSIP_LOCAL_NETWORK, "10.0.0.64", "255.255.255.192");
	add_tuple(RSIP_LOCAL_NETWORK, "10.0.0.65", "255.255.255.192");
	expect(RSIP_QUERY_RESPONSE);
	assert_int_equal(w.out.ntuples, 1);
	request(RSIP_QUERY_REQUEST, id);
	add_tuple(RSIP_LOCAL_ADDRESS, "198.51.100.77", NULL);
	add_tuple(RSIP_LOCAL_NETWORK, "10.0.0.64", "255.255.255.192");
	add_tuple(RSIP_LOCAL_NETWORK, "10.0.0.0", "255.0.0.0");
	add_tuple(RSIP_LOCAL_NETWORK, "10.0.0.1", "255.255.255.1");
	add_tuple(RSIP_LOCAL_ADDRESS, "192.0.2.1", NULL);
	add_tuple(RSIP_LOCAL_ADDRESS, "x.example", NULL);
	assert_int_equal(ask(), GATEWAY_LATER);
	assert_int_equal(w.nasked, 1);
	gateway_resolved(w.g, w.now, w.ticket[0], &addr, 1);
	assert_int_equal(w.nasync, 1);
	assert_true(w.async_answer[0]);
	/* 10.0.0.0/8 and 192.0.2.1 are not known, a mask with a hole is no
	 * network's: no tuple. */
	assert_int_equal(w.async[0].ntuples, 3);
	assert_int_equal(w.async[0].tuple[0].indicator, RSIP_LOCAL_ADDRESS);
	assert_string_equal(w.async[0].tuple[0].address.fqdn, "x.example");
	assert_int_equal(w.async[0].tuple[1].indicator, RSIP_LOCAL_NETWORK);
	assert_int_equal(w.async[0].tuple[2].indicator, RSIP_REMOTE_ADDRESS);
	world_end();
}

static void
cookies_are_negotiated(void **state)
{
	struct policy p = default_policy();
	uint32_t      id;

	(void)state;
	world_begin(&p, false);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	w.in.has |= RSIP_HAS_COOKIES;
	w.in.cookies_number = 2;
	/* The first draw meets a cookie that was learnt. */
	w.demux_errno = EEXIST;
	w.demux_failures = 1;
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	assert_int_equal(w.out.ncookies, 2);
	assert_true(w.out.cookie[0] == w.last_cookie);
	assert_int_equal(w.last.ncookies, 2);
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	w.in.has |= RSIP_HAS_COOKIES;
	w.in.cookies_number = w.in.ncookies = 1;
	w.in.cookie[0] = 0x1122334455667788;
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	assert_true(w.last_cookie == 0x1122334455667788);
	w.demux_failures = 1;
	assert_int_equal(pool_now().spis_leased, 2);
	expect_error(RSIP_IPSEC_SPI_INUSE);
	assert_int_equal(pool_now().spis_leased, 2);
	world_end();
}

/* --- errors --------------------------------------------------------------- */

static void
what_cannot_be_read_is_answered(void **state)
{
	struct policy	     p = default_policy();
	static const uint8_t version[] = { 2, 2, 0, 4 }, length[] = { 1, 2, 0,
		9 }, type[] = { 1, 99, 0, 4 }, missing[] = { 1, 4, 0, 4 },
		illegal[] = { 1, 2, 0, 7, 99, 0, 0 }, bad[] = { 1, 2, 0, 8, 11,
		0, 1, 0 }, extra[] = { 1, 2, 0, 11, 4, 0, 4, 0, 0, 0, 1 },
		twice[] = { 1, 2, 0, 18, 11, 0, 4, 0, 0, 0, 1, 11, 0, 4, 0, 0,
		0, 1 }, response[] = { 1, 5, 0, 11, 4, 0, 4, 0, 0, 0, 1 },
		error[] = { 1, 1, 0, 9, 8, 0, 2, 0, 101 };
	const struct {
		const uint8_t *msg;
		size_t	       len;
		unsigned       error;
	} t[] = {
		{ version, sizeof(version), RSIP_UNSUPPORTED_RSIP_VERSION },
		{ length, sizeof(length), RSIP_BAD_MESSAGE },
		{ type, sizeof(type), RSIP_ILLEGAL_MESSAGE },
		{ missing, sizeof(missing), RSIP_MISSING_PARAM },
		{ illegal, sizeof(illegal), RSIP_ILLEGAL_PARAM },
		{ bad, sizeof(bad), RSIP_BAD_PARAM },
		{ extra, sizeof(extra), RSIP_EXTRA_PARAM },
		{ twice, sizeof(twice), RSIP_DUPLICATE_PARAM },
		{ response, sizeof(response), RSIP_ILLEGAL_MESSAGE },
	};
	size_t i;

	(void)state;
	world_begin(&p, false);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_true(put(t[i].msg, t[i].len) > 0);
		assert_int_equal(w.out.type, RSIP_ERROR_RESPONSE);
		assert_int_equal(w.out.error, t[i].error);
	}
	/* §9.1.3: no error comes of an ERROR_RESPONSE. */
	assert_int_equal(put(error, sizeof(error)), 0);
	world_end();
}

/* RFC 3103 §8.1: IPv6 is read, and there is none to be had. */
static void
ipv6_is_read_and_not_leased(void **state)
{
	struct policy p = default_policy();
	uint32_t      id;

	(void)state;
	world_begin(&p, true);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	set_address(&w.in.local, "2001:db8::1");
	assert_int_equal(w.in.local.type, RSIP_ADDR_IPV6);
	expect_error(RSIP_LOCAL_ADDR_UNALLOWED);
	assign(RSIP_ASSIGN_REQUEST_RSA_IP, id);
	set_address(&w.in.local, "2001:db8::1");
	expect_error(RSIP_LOCAL_ADDR_UNALLOWED);
	/* Whom no policy asks about does not matter, and is not kept. */
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	set_address(&w.in.remote, "2001:db8::1");
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assert_false(addr_is_set(&w.last.remote));
	request(RSIP_QUERY_REQUEST, id);
	add_tuple(RSIP_LOCAL_ADDRESS, "2001:db8::1", NULL);
	expect(RSIP_QUERY_RESPONSE);
	assert_int_equal(w.out.ntuples, 0);
	world_end();

	p.remote = RSIP_REMOTE_MACRO;
	world_begin(&p, false);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	set_address(&w.in.remote, "2001:db8::1");
	expect_error(RSIP_REMOTE_ADDR_UNALLOWED);
	world_end();
}

/* RFC 3103 §9.3.3: of hosts that are registered at once. */
static void
client_ids_differ(void **state)
{
	struct policy p = default_policy();
	uint32_t      id[4];
	char	      addr[16];
	unsigned      i, j;

	(void)state;
	world_begin(&p, true);
	for (i = 0; i < 4; i++) {
		snprintf(addr, sizeof(addr), "10.0.0.%u", 11 + i);
		as_host(addr, 1 + i);
		id[i] = do_register();
		for (j = 0; j < i; j++)
			assert_int_not_equal(id[i], id[j]);
	}
	assert_int_equal(w.nasync, 0);	/* all of them still are */
	world_end();
}

/* The router's address is another: RFC 3103 §9.10.3. */
static void
pools_come_and_go(void **state)
{
	struct policy	    p = default_policy();
	struct pool_address old = { .addr = world_addr(SHARED),
		.ports = { { 20000, 20009 } }, .nports = 1 }, new = old;
	struct pool_address both[2];
	uint32_t	    id, bind;
	uint16_t	    port;
	unsigned	    got;

	(void)state;
	new.addr = world_addr("198.51.100.7");
	world_begin(&p, false);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	set_spis(2, 5000);
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	bind = w.out.bind_id;
	port = w.out.local_ports.port[0];
	forget_async();
	w.nasync = 0;
	assert_int_equal(gateway_set_pools(w.g, w.now, &old, 1), 0);
	assert_int_equal(w.nasync, 0);
	assert_int_equal(w.bound, 1);
	assert_int_equal(gateway_set_pools(w.g, w.now, &new, 1), 0);
	assert_int_equal(w.nasync, 1);
	assert_int_equal(w.async[0].type, RSIP_FREE_RESPONSE);
	assert_int_equal(w.async[0].bind_id, bind);
	assert_int_equal(w.bound, 0);
	assert_int_equal(leases_bindings(gateway_leases(w.g)), 0);
	/* Registered still; the old address is nobody's, the
	 * new one is given. */
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	set_address(&w.in.local, SHARED);
	expect_error(RSIP_LOCAL_ADDR_UNALLOWED);
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	assert_true(addr_equal(&w.last.local, &new.addr));

	/* Back again, at once: nothing of it goes to another host. */
	both[0] = old;
	both[1] = new;
	assert_int_equal(gateway_set_pools(w.g, w.now, both, 2), 0);
	assert_int_equal(w.bound, 1);
	as_host("10.0.0.12", 2);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	set_address(&w.in.local, SHARED);
	set_spis(2, 5000);
	expect_error(RSIP_IPSEC_SPI_INUSE);
	for (got = 0; got < 9; got++) {
		assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
		set_address(&w.in.local, SHARED);
		expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
		assert_int_not_equal(w.out.local_ports.port[0], port);
	}
	/* Fewer ports: what is outside goes. */
	old.ports[0].hi = 20004;
	assert_int_equal(gateway_set_pools(w.g, w.now, &old, 1), 0);
	assert_in_range(leases_bindings(gateway_leases(w.g)), 4, 5);
	/* None at all. */
	assert_int_equal(gateway_set_pools(w.g, w.now, NULL, 0), 0);
	assert_int_equal(w.bound, 0);
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	expect_error(RSIP_LOCAL_ADDR_UNAVAILABLE);
	world_end();
}

/* --- time ----------------------------------------------------------------- */

/* §9.10.3.  Whatever moves the earliest end moves the alarm, and an early
 * one comes again. */
static void
leases_end_on_time(void **state)
{
	struct policy p = default_policy();
	uint64_t      start, at;
	unsigned      said, i;
	uint32_t      id;

	(void)state;
	world_begin(&p, false);
	start = w.now;
	assert_int_equal(w.alarms, 0);	/* nobody: nothing to wake up for */
	id = do_register();
	assert_int_equal(w.alarm, start + 300000);
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	w.in.has |= RSIP_HAS_LEASE;
	w.in.lease = 100;
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assert_int_equal(w.alarm, start + 100000);
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);	/* 600 s, behind it */
	said = w.alarms;
	request(RSIP_QUERY_REQUEST, id);
	expect(RSIP_QUERY_RESPONSE);
	assert_int_equal(w.alarms, said);	/* nothing moved */
	/* A clock that is coarser than ours. */
	w.now = start + 99996;
	gateway_tick(w.g, w.now);
	assert_int_equal(w.nasync, 0);
	assert_int_equal(w.alarms, said + 1);
	assert_int_equal(w.alarm, start + 100000);
	w.now = start + 50000;
	request(RSIP_EXTEND_REQUEST, id);
	w.in.has |= RSIP_HAS_BIND_ID | RSIP_HAS_LEASE;
	w.in.bind_id = 1;
	w.in.lease = 200;
	expect(RSIP_EXTEND_RESPONSE);
	assert_int_equal(w.alarm, start + 250000);
	gateway_set_until(w.g, w.now, start + 70000);
	assert_int_equal(w.alarm, start + 70000);
	/* At each alarm something ends, exactly then. */
	for (i = 0; w.alarm != 0 && i < 10; i++) {
		at = w.now = w.alarm;
		said = w.nasync;
		gateway_tick(w.g, w.now);
		assert_true(w.nasync > said);
		assert_true(w.alarm == 0 || w.alarm > at);
	}
	assert_int_equal(w.nasync, 3);
	assert_int_equal(w.bound, 0);
	id = do_register();
	assert_int_equal(w.alarm, w.now + 300000);
	request(RSIP_DEREGISTER_REQUEST, id);
	expect(RSIP_DEREGISTER_RESPONSE);
	assert_int_equal(w.alarm, 0);
	do_register();
	gateway_shutdown(w.g, w.now);
	assert_int_equal(w.alarm, 0);
	world_end();
}

/* --- authentication ------------------------------------------------------- */

#define SECRET	"sixteen is enoug"

/* The host must sign, and does from now on. */
static void
world_of_secrets(void)
{
	struct policy	     p = default_policy(), one = { .has =
		POLICY_HAS_SECRET | POLICY_HAS_AUTH, .require_auth = true };
	struct policy_secret secret = { .key_id = 4, .len = 16 };

	memcpy(secret.secret, SECRET, 16);
	one.secret = &secret;
	world_begin(&p, false);
	assert_int_equal(policies_add(w.policies, world_prefix("10.0.0.0/24"),
	    &one), 0);
	w.secret = SECRET;
	w.key_id = 4;
}

/* The answer is signed for this life of the host's. */
static void
answer_is_authentic(void)
{
	struct rsip_key key = key_now();

	assert_true(rsip_auth_verify(&w.out, w.answer, w.len, &key));
	assert_int_equal(w.out.auth_index, w.config.auth_index);
	assert_int_equal(w.out.auth_echo, w.auth_index);
}

/* Refused for its counter, and what a new one has to pass is told. */
static void
refused_as_old(uint64_t floor)
{
	assert_int_equal(w.out.error, RSIP_REGISTRATION_DENIED);
	assert_true(w.out.has & RSIP_HAS_FLOOR);
	assert_int_equal(w.out.auth_floor, floor);
	answer_is_authentic();
}

static void
signed_messages_only(void **state)
{
	uint32_t id;
	uint64_t before;
	uint8_t	 copy[128];
	size_t	 n;

	(void)state;
	world_of_secrets();
	w.secret = NULL;
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_REGISTRATION_DENIED);
	w.secret = "sixteen is wrong";
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_REGISTRATION_DENIED);
	assert_false(w.out.has & (RSIP_HAS_AUTH | RSIP_HAS_FLOOR));
	w.secret = SECRET;
	w.key_id = 5;
	expect_error(RSIP_REGISTRATION_DENIED);
	w.key_id = 4;
	id = do_register();
	answer_is_authentic();
	before = w.out.auth_counter;
	request(RSIP_QUERY_REQUEST, id);
	expect(RSIP_QUERY_RESPONSE);
	assert_true(w.out.auth_counter > before);
	/* A replay, then one that was changed on its way. */
	memcpy(copy, w.bytes, sizeof(copy));
	n = (size_t)(copy[2] << 8 | copy[3]);
	assert_true(put(copy, n) > 0);
	refused_as_old(w.auth_counter);
	copy[n - 1] ^= 1;
	assert_true(put(copy, n) > 0);
	assert_int_equal(w.out.error, RSIP_REGISTRATION_DENIED);
	assert_false(w.out.has & (RSIP_HAS_AUTH | RSIP_HAS_FLOOR));
	/* What comes unasked is signed too, for the same life. */
	gateway_misuse(w.g, w.now, &w.peer.host, DEMUX_MISUSE_ADDR, 0);
	assert_true(w.async[0].has & RSIP_HAS_AUTH);
	assert_int_equal(w.async[0].auth_echo, w.auth_index);
	world_end();
}

/* One secret for a network: what one host said is nothing that another says. */
static void
a_signature_is_of_one_address(void **state)
{
	uint8_t copy[128];
	size_t	n;

	(void)state;
	world_of_secrets();
	do_register();
	memcpy(copy, w.bytes, sizeof(copy));
	n = (size_t)(copy[2] << 8 | copy[3]);
	as_host("10.0.0.12", 2);
	assert_true(put(copy, n) > 0);
	assert_int_equal(w.out.error, RSIP_REGISTRATION_DENIED);
	assert_false(w.out.has & (RSIP_HAS_AUTH | RSIP_HAS_FLOOR));
	/* The other with its own signature, and counters of its own. */
	w.auth_counter = 0;
	do_register();
	world_end();
}

/* What was recorded in an earlier life of the gateway is never new to this one,
 * and an honest host is back after one refusal. */
static void
nothing_outlives_the_gateway(void **state)
{
	uint8_t	 copy[128];
	size_t	 n;
	unsigned i;

	(void)state;
	world_of_secrets();
	w.auth_counter = 1000;
	do_register();
	memcpy(copy, w.bytes, sizeof(copy));
	n = (size_t)(copy[2] << 8 | copy[3]);
	world_end();

	world_of_secrets();
	gateway_free(w.g);
	w.config.auth_index++;
	w.g = gateway_new(&w.config, pool_new(REST, 50), &world_ops, NULL);
	for (i = 0; i < 3; i++) {
		assert_true(put(copy, n) > 0);
		refused_as_old(0);
		assert_false(gateway_registered(w.g, &w.peer));
	}
	/* The forged ones did not move what the host itself has to pass. */
	w.auth_echo = w.out.auth_index;
	w.auth_counter = w.out.auth_floor;
	w.auth_index++;
	do_register();
	answer_is_authentic();
	world_end();
}

/* A host that has lost its counters; one that has just been started. */
static void
a_host_begins_anew(void **state)
{
	(void)state;
	world_of_secrets();
	do_register();
	w.auth_index = 77;
	w.auth_echo = 0;
	w.auth_counter = 0;
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_REGISTRATION_DENIED);
	refused_as_old(1);
	/* Neither of the two is counted as an error of the host's. */
	w.auth_echo = w.out.auth_index;
	w.auth_counter = w.out.auth_floor;
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_ALREADY_REGISTERED);
	assert_true(w.out.has & RSIP_HAS_CLIENT_ID);
	world_end();
}

/* Who knows the secret cannot use all counters up either. */
static void
counters_do_not_run_out(void **state)
{
	(void)state;
	world_of_secrets();
	w.auth_counter = UINT64_MAX - 1;
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_REGISTRATION_DENIED);
	refused_as_old(0);
	w.auth_counter = RSIP_AUTH_JUMP - 1;
	do_register();
	world_end();
}

static void
who_signed_goes_on_signing(void **state)
{
	struct policy	     p = default_policy();
	struct policy_secret secret = { .key_id = 0, .len = 16 };
	uint32_t	     id;

	(void)state;
	memcpy(secret.secret, "sixteen is enoug", 16);
	p.secret = &secret;
	world_begin(&p, false);
	id = do_register();		/* not required: without is fine */
	request(RSIP_DEREGISTER_REQUEST, id);
	expect(RSIP_DEREGISTER_RESPONSE);
	w.secret = SECRET;
	id = do_register();
	w.secret = NULL;
	request(RSIP_DEREGISTER_REQUEST, id);
	expect_error(RSIP_REGISTRATION_DENIED);
	world_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(query_tells_local_from_remote),
		cmocka_unit_test(cookies_are_negotiated),
		cmocka_unit_test(what_cannot_be_read_is_answered),
		cmocka_unit_test(ipv6_is_read_and_not_leased),
		cmocka_unit_test(client_ids_differ),
		cmocka_unit_test(pools_come_and_go),
		cmocka_unit_test(leases_end_on_time),
		cmocka_unit_test(signed_messages_only),
		cmocka_unit_test(a_signature_is_of_one_address),
		cmocka_unit_test(nothing_outlives_the_gateway),
		cmocka_unit_test(a_host_begins_anew),
		cmocka_unit_test(counters_do_not_run_out),
		cmocka_unit_test(who_signed_goes_on_signing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
