/* test_gateway.c - the gateway core on a fake clock: every exchange, every error code, leases that end */
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

/* RFC 3104 §6. */
static void
registration_advertises_what_can_be_had(void **state)
{
	struct policy p = default_policy();

	(void)state;
	world_begin(&p, true);
	assert_int_not_equal(do_register(), 0);
	assert_int_equal(w.out.lease, 300);
	assert_int_equal(w.out.local_policy, RSIP_LOCAL_MACRO);
	assert_int_equal(w.out.remote_policy, RSIP_REMOTE_NONE);
	assert_int_equal(w.out.nmethods, 3);
	assert_int_equal(w.out.ntunnels, 2);
	assert_false(w.out.has & RSIP_HAS_COUNTER);
	world_end();
	p.local = RSIP_LOCAL_MICRO;	/* §9.6.1: not with RSA-IP */
	p.ipsec = false;
	p.gre = false;
	world_begin(&p, true);
	do_register();
	assert_int_equal(w.out.nmethods, 1);
	assert_int_equal(w.out.method[0], RSIP_METHOD_RSAP_IP);
	assert_int_equal(w.out.ntunnels, 1);
	assert_int_equal(w.out.tunnel[0], RSIP_TUNNEL_IPIP);
	world_end();
}

static void
rsap_ip_is_assigned_extended_freed(void **state)
{
	struct policy p = default_policy();
	uint32_t      id, addr;

	(void)state;
	world_begin(&p, false);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	w.in.local_ports = ports(4, 0);
	w.in.has |= RSIP_HAS_LEASE | RSIP_HAS_COUNTER;
	w.in.lease = 99999;
	w.in.counter = 77;
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assert_int_equal(w.out.counter, 77);	/* echoed on TCP too */
	assert_int_equal(w.out.lease, 3600);
	assert_int_equal(w.out.local_ports.number, 4);
	assert_int_equal(w.out.local_ports.nfields, 1);
	assert_true(w.out.remote.any);
	assert_int_equal(w.out.remote_ports.nfields, 0);
	memcpy(&addr, w.out.local.bytes, 4);
	assert_int_equal(addr, inet_addr(SHARED));
	assert_int_equal(w.bound, 1);
	assert_int_equal(w.last.host, w.peer.host);
	assert_int_equal(w.last.gateway, inet_addr("10.0.0.1"));
	assert_int_equal(w.last.tunnel, TUNNEL_IPIP);
	assert_int_equal(w.last.nports, 1);
	assert_false(w.last.ipsec);
	request(RSIP_EXTEND_REQUEST, id);
	w.in.has |= RSIP_HAS_BIND_ID;
	w.in.bind_id = 1;
	expect(RSIP_EXTEND_RESPONSE);
	assert_int_equal(w.out.lease, 600);
	assert_int_equal(w.out.bind_id, 1);
	w.in.type = RSIP_FREE_REQUEST;
	expect(RSIP_FREE_RESPONSE);
	assert_int_equal(w.bound, 0);
	expect_error(RSIP_BAD_BIND_ID);
	assert_int_equal(w.out.bind_id, 1);
	assert_int_equal(w.out.client_id, id);
	world_end();
}

static void
rsipsec_leases_spis_with_or_without_ports(void **state)
{
	struct policy p = default_policy();
	uint32_t      id;

	(void)state;
	world_begin(&p, false);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	set_spis(3, 0);
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	assert_true(w.out.local_ports.none);	/* RFC 3104 §6.2 */
	assert_true(w.out.remote_ports.none);
	assert_int_equal(w.out.spis.number, 3);
	assert_true(w.last.ipsec);
	assert_int_equal(w.last.nspis, 3);
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	w.in.local_ports = ports(2, 20003);
	w.in.remote_ports = ports(1, 0);
	set_spis(2, 1000);
	w.in.has |= RSIP_HAS_TUNNEL;
	w.in.ntunnels = 1;
	w.in.tunnel[0] = RSIP_TUNNEL_GRE;
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	assert_int_equal(w.out.local_ports.port[0], 20003);
	assert_int_equal(w.out.spis.spi[0], 1000);
	assert_int_equal(w.out.spis.nfields, 1);
	assert_int_equal(w.out.tunnel[0], RSIP_TUNNEL_GRE);
	assert_int_equal(w.last.tunnel, TUNNEL_GRE);
	world_end();
}

static void
rsa_ip_leases_an_address(void **state)
{
	struct policy p = default_policy();
	uint32_t      id, addr;

	(void)state;
	world_begin(&p, true);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSA_IP, id);
	expect(RSIP_ASSIGN_RESPONSE_RSA_IP);
	memcpy(&addr, w.out.local.bytes, 4);
	assert_int_equal(addr, inet_addr(WHOLE));
	assert_true(w.last.whole);
	world_end();
}

static void
listen_is_for_strangers_too(void **state)
{
	struct policy p = default_policy();
	uint32_t      id;

	(void)state;
	world_begin(&p, false);
	id = do_register();
	assign(RSIP_LISTEN_REQUEST, id);
	w.in.local_ports = ports(1, 20007);
	w.in.has |= RSIP_HAS_TUNNEL;
	w.in.ntunnels = 2;
	w.in.tunnel[0] = RSIP_TUNNEL_L2TP;
	w.in.tunnel[1] = RSIP_TUNNEL_GRE;
	expect(RSIP_LISTEN_RESPONSE);
	assert_true(w.last.listen);
	assert_int_equal(w.out.tunnel[0], RSIP_TUNNEL_GRE);
	assert_int_equal(w.out.local_ports.port[0], 20007);
	world_end();
}

static void
add_tuple(unsigned indicator, const char *address, const char *mask)
{
	struct rsip_tuple *t = rsip_message_add_tuple(&w.in);
	uint32_t	   m;

	assert_non_null(t);
	t->indicator = (uint8_t)indicator;
	set_address(&t->address, address);
	if (mask == NULL)
		return;
	t->netmask.type = RSIP_ADDR_NETMASK4;
	m = inet_addr(mask);
	memcpy(t->netmask.bytes, &m, 4);
}

/* RFC 3103 §9.14.3. */
static void
query_tells_local_from_remote(void **state)
{
	struct policy p = default_policy();
	uint32_t      id, addr;

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
	add_tuple(RSIP_LOCAL_ADDRESS, "192.0.2.1", NULL);
	add_tuple(RSIP_LOCAL_ADDRESS, "x.example", NULL);
	assert_int_equal(ask(), GATEWAY_LATER);
	assert_int_equal(w.nasked, 1);
	addr = inet_addr("10.0.0.99");
	gateway_resolved(w.g, w.now, w.ticket[0], &addr, 1);
	assert_int_equal(w.nasync, 1);
	assert_true(w.async_answer[0]);
	/* 10.0.0.0/8 and 192.0.2.1 are not known: no tuple. */
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

static void
tunnel_endpoint_elsewhere(void **state)
{
	struct policy p = default_policy();
	uint32_t      id, addr;

	(void)state;
	world_begin(&p, false);
	w.config.endpoint = inet_addr("10.0.0.2");
	gateway_reconfigure(w.g, w.now, &w.config);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assert_true(w.out.has & RSIP_HAS_ENDPOINT);
	memcpy(&addr, w.out.endpoint.bytes, 4);
	assert_int_equal(addr, w.config.endpoint);
	assert_int_equal(w.last.gateway, w.config.endpoint);
	world_end();
}

/* --- flow policy ---------------------------------------------------------- */

static void
macro_policy_wants_an_address(void **state)
{
	struct policy	     p = default_policy();
	struct policy_remote r = { .to = *world_prefix("203.0.113.0/24"),
		.ports = { 1, 65535 } };
	uint32_t	     id;

	(void)state;
	p.remote = RSIP_REMOTE_MACRO;
	p.remotes = &r;
	p.nremotes = 1;
	world_begin(&p, false);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	expect_error(RSIP_FLOW_POLICY_VIOLATION);
	set_address(&w.in.remote, "0.0.0.0");	/* §9.8.3: zeros are no address */
	expect_error(RSIP_FLOW_POLICY_VIOLATION);
	set_address(&w.in.remote, "192.0.2.1");
	expect_error(RSIP_REMOTE_ADDR_UNALLOWED);
	set_address(&w.in.remote, REMOTE);
	w.in.remote_ports = ports(1, 80);
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assert_memory_equal(w.out.remote.bytes, w.in.remote.bytes, 4);
	assert_int_equal(w.out.remote_ports.nfields, 0);	/* §9.9.3 */
	assert_int_equal(w.last.remote_policy, DEMUX_REMOTE_MACRO);
	assert_int_equal(w.last.remote, inet_addr(REMOTE));
	world_end();
}

static void
micro_policy_wants_a_port_too(void **state)
{
	struct policy	     p = default_policy();
	struct policy_remote r = { .to = *world_prefix("203.0.113.0/24"),
		.ports = { 80, 443 } };
	uint32_t	     id;

	(void)state;
	p.local = RSIP_LOCAL_MICRO;
	p.remote = RSIP_REMOTE_MICRO;
	p.remotes = &r;
	p.nremotes = 1;
	world_begin(&p, true);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSA_IP, id);
	expect_error(RSIP_FLOW_POLICY_VIOLATION);
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	set_address(&w.in.remote, REMOTE);
	expect_error(RSIP_FLOW_POLICY_VIOLATION);
	w.in.remote_ports = ports(1, 22);
	expect_error(RSIP_REMOTE_ADDRPORT_UNALLOWED);
	w.in.remote_ports = ports(1, 80);
	w.in.local_ports = ports(2, 0);
	expect_error(RSIP_FLOW_POLICY_VIOLATION);
	w.in.local_ports = ports(1, 0);
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assert_int_equal(w.out.remote_ports.port[0], 80);
	assert_int_equal(w.last.remote_policy, DEMUX_REMOTE_MICRO);
	assert_int_equal(w.last.remote_ports.lo, 80);
	/* RFC 3104 App. D: without ports only the address can be enforced. */
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	set_address(&w.in.remote, REMOTE);
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	assert_int_equal(w.last.remote_policy, DEMUX_REMOTE_MACRO);
	world_end();
}

static void
names_are_looked_up_and_answered_as_asked(void **state)
{
	struct policy	     p = default_policy();
	struct policy_remote r = { .to = *world_prefix("203.0.113.0/24"),
		.ports = { 1, 65535 } };
	uint32_t	     id, addrs[2] = { inet_addr("192.0.2.9"),
		inet_addr(REMOTE) };

	(void)state;
	p.remote = RSIP_REMOTE_MACRO;
	p.remotes = &r;
	p.nremotes = 1;
	world_begin(&p, false);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	set_address(&w.in.remote, "www.example");
	w.in.has |= RSIP_HAS_COUNTER;
	w.in.counter = 5;
	assert_int_equal(ask(), GATEWAY_LATER);
	assert_string_equal(w.asked[0], "www.example");
	gateway_resolved(w.g, w.now, 0xdead00, addrs, 2);	/* no such ticket */
	assert_int_equal(w.nasync, 0);
	gateway_resolved(w.g, w.now, w.ticket[0], addrs, 2);
	gateway_resolved(w.g, w.now, w.ticket[0], addrs, 2);	/* once only */
	assert_int_equal(w.nasync, 1);
	assert_true(w.async_answer[0]);
	assert_int_equal(w.async[0].type, RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assert_int_equal(w.async[0].counter, 5);
	assert_string_equal(w.async[0].remote.fqdn, "www.example");
	assert_int_equal(w.last.remote, inet_addr(REMOTE));
	forget_async();
	/* No address, no memory, and a registration that ended meanwhile. */
	assert_int_equal(ask(), GATEWAY_LATER);
	gateway_resolved(w.g, w.now, w.ticket[1], NULL, 0);
	assert_int_equal(w.async[0].error, RSIP_REMOTE_ADDR_UNALLOWED);
	forget_async();
	set_address(&w.in.remote, "nomemory.example");
	expect_error(RSIP_REMOTE_ADDR_UNALLOWED);
	set_address(&w.in.remote, "www.example");
	assert_int_equal(ask(), GATEWAY_LATER);
	request(RSIP_DEREGISTER_REQUEST, id);
	expect(RSIP_DEREGISTER_RESPONSE);
	gateway_resolved(w.g, w.now, w.ticket[2], addrs, 2);
	assert_int_equal(w.async[0].error, RSIP_REGISTER_FIRST);
	assert_int_equal(w.bound, 0);
	world_end();
}

static void
sections_override_the_base(void **state)
{
	struct policy p = default_policy(), net = { .has = POLICY_HAS_IPSEC |
		POLICY_HAS_LEASE, .ipsec = false, .lease = 60 },
		      one = { .has = POLICY_HAS_IPSEC, .ipsec = true },
		      out = { .has = POLICY_HAS_REGISTER };
	uint32_t      id;

	(void)state;
	world_begin(&p, false);
	assert_int_equal(policies_add(w.policies, world_prefix("10.0.0.0/24"),
	    &net), 0);
	assert_int_equal(policies_add(w.policies, world_prefix("10.0.0.12/32"),
	    &one), 0);
	assert_int_equal(policies_add(w.policies, world_prefix("10.0.0.13/32"),
	    &out), 0);
	assert_int_equal(policies_add(w.policies, world_prefix("10.0.0.0/24"),
	    &one), -1);
	id = do_register();
	assert_int_equal(w.out.nmethods, 1);
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	expect_error(RSIP_IPSEC_UNALLOWED);
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assert_int_equal(w.out.lease, 60);
	as_host("10.0.0.12", 2);
	id = do_register();
	assert_int_equal(w.out.nmethods, 2);
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	assert_int_equal(w.out.lease, 60);
	as_host("10.0.0.13", 3);
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_REGISTRATION_DENIED);
	world_end();
}

/* RFC 3103 §9.5.3. */
static void
reconfiguration_takes_back(void **state)
{
	struct policy	 p = default_policy(), q = default_policy();
	struct policies *old;
	uint32_t	 id;

	(void)state;
	world_begin(&p, false);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	old = w.policies;
	q.ipsec = false;
	w.config.policies = w.policies = policies_new(&q);
	gateway_reconfigure(w.g, w.now, &w.config);
	policies_free(old);
	assert_int_equal(w.nasync, 1);
	assert_int_equal(w.async[0].type, RSIP_FREE_RESPONSE);
	assert_int_equal(w.async[0].bind_id, 2);
	assert_int_equal(w.bound, 1);
	old = w.policies;
	q.may_register = false;
	w.config.policies = w.policies = policies_new(&q);
	gateway_reconfigure(w.g, w.now, &w.config);
	policies_free(old);
	assert_int_equal(w.async[1].type, RSIP_DEREGISTER_RESPONSE);
	assert_int_equal(w.async[1].client_id, id);
	assert_int_equal(w.bound, 0);
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

static void
registration_errors(void **state)
{
	struct policy p = default_policy();
	uint32_t      id;

	(void)state;
	world_begin(&p, false);
	request(RSIP_FREE_REQUEST, 7);
	w.in.has |= RSIP_HAS_BIND_ID;
	w.in.bind_id = 3;
	expect_error(RSIP_REGISTER_FIRST);
	assert_int_equal(w.out.client_id, 7);
	request(RSIP_DEREGISTER_REQUEST, 7);
	expect_error(RSIP_REGISTER_FIRST);
	id = do_register();
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_ALREADY_REGISTERED);
	assert_int_equal(w.out.client_id, id);	/* §9.2.3 */
	request(RSIP_QUERY_REQUEST, id + 1);
	expect_error(RSIP_BAD_CLIENT_ID);
	request(RSIP_EXTEND_REQUEST, id);
	w.in.has |= RSIP_HAS_BIND_ID;
	w.in.bind_id = 3;
	expect_error(RSIP_BAD_BIND_ID);
	request(RSIP_DEREGISTER_REQUEST, id + 1);
	expect_error(RSIP_BAD_CLIENT_ID);
	/* §5: the transport stays, but a host may forget which it was. */
	w.peer.transport = GATEWAY_UDP;
	request(RSIP_QUERY_REQUEST, id);
	w.in.has |= RSIP_HAS_COUNTER;
	w.in.counter = 1;
	expect_error(RSIP_USE_TCP);
	w.in.counter = 0;
	expect_error(RSIP_MESSAGE_COUNTER_REQUIRED);
	w.in.has &= ~RSIP_HAS_COUNTER;
	expect_error(RSIP_MESSAGE_COUNTER_REQUIRED);
	gateway_disconnected(w.g, &(struct gateway_peer){ .host = w.peer.host,
		.transport = GATEWAY_TCP, .id = 1 });
	request(RSIP_DEREGISTER_REQUEST, id);
	w.in.has |= RSIP_HAS_COUNTER;
	w.in.counter = 2;
	expect(RSIP_DEREGISTER_RESPONSE);
	assert_int_equal(w.out.counter, 2);
	expect_error(RSIP_REGISTER_FIRST);	/* §9.4.3 */
	request(RSIP_REGISTER_REQUEST, 0);
	w.in.has |= RSIP_HAS_COUNTER;
	w.in.counter = 3;
	expect(RSIP_REGISTER_RESPONSE);
	id = w.out.client_id;
	w.peer.transport = GATEWAY_TCP;
	request(RSIP_QUERY_REQUEST, id);
	expect_error(RSIP_UNKNOWN_ERROR);
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

static void
udp_switched_off_and_a_full_house(void **state)
{
	struct policy p = default_policy();
	unsigned      i;
	char	      host[16];

	(void)state;
	world_begin(&p, false);
	w.config.udp = false;
	gateway_reconfigure(w.g, w.now, &w.config);
	w.peer.transport = GATEWAY_UDP;
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_USE_TCP);
	w.peer.transport = GATEWAY_TCP;
	for (i = 0; i < 4; i++) {
		snprintf(host, sizeof(host), "10.0.0.%u", 20 + i);
		as_host(host, i);
		assign(RSIP_ASSIGN_REQUEST_RSAP_IP, do_register());
		expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	}
	as_host("10.0.0.30", 9);
	request(RSIP_REGISTER_REQUEST, 0);
	expect_error(RSIP_REGISTRATION_DENIED);
	world_end();
}

static void
optional_messages_that_nobody_may_use(void **state)
{
	struct policy p = default_policy();
	uint32_t      id;

	(void)state;
	p.listen = false;
	world_begin(&p, false);
	id = do_register();
	assign(RSIP_LISTEN_REQUEST, id);
	expect_error(RSIP_UNSUPPORTED_MESSAGE);
	assign(RSIP_ASSIGN_REQUEST_RSA_IP, id);
	expect_error(RSIP_UNSUPPORTED_MESSAGE);
	world_end();
}

/* RFC 3103 §9.8.3, §9.16.3. */
static void
local_resource_errors(void **state)
{
	struct policy p = default_policy();
	uint32_t      id, other;

	(void)state;
	world_begin(&p, true);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	w.in.has |= RSIP_HAS_TUNNEL;
	w.in.ntunnels = 1;
	w.in.tunnel[0] = RSIP_TUNNEL_L2TP;
	expect_error(RSIP_BAD_TUNNEL_TYPE);
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	set_address(&w.in.local, "a.name");
	expect_error(RSIP_BAD_PARAM);
	set_address(&w.in.local, WHOLE);
	expect_error(RSIP_LOCAL_ADDR_UNALLOWED);
	set_address(&w.in.local, "192.0.2.1");
	expect_error(RSIP_LOCAL_ADDR_UNALLOWED);
	set_address(&w.in.local, SHARED);
	w.in.local_ports = ports(2, 20009);
	expect_error(RSIP_LOCAL_ADDRPORT_UNALLOWED);
	w.in.local_ports = ports(2, 20004);
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	w.in.local_ports = (struct rsip_ports){ .number = 2, .nfields = 2,
		.port = { 20001, 20001 } };
	expect_error(RSIP_BAD_PARAM);
	as_host("10.0.0.12", 2);
	other = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, other);
	w.in.local_ports = ports(2, 20003);
	expect_error(RSIP_LOCAL_ADDRPORT_INUSE);
	w.in.local_ports = ports(9, 0);
	expect_error(RSIP_LOCAL_ADDRPORT_UNAVAILABLE);
	w.in.local_ports = ports(8, 0);
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assert_int_equal(w.out.local_ports.nfields, 8);
	w.in.local_ports = ports(1, 0);
	expect_error(RSIP_LOCAL_ADDRPORT_UNAVAILABLE);
	world_end();
}

/* The router's address is another: RFC 3103 §9.10.3. */
static void
pools_come_and_go(void **state)
{
	struct policy	    p = default_policy();
	struct pool_address old = { .addr = inet_addr(SHARED),
		.ports = { { 20000, 20009 } }, .nports = 1 }, new = old;
	struct pool_address both[2];
	uint32_t	    id, bind;
	uint16_t	    port;
	unsigned	    got;

	(void)state;
	new.addr = inet_addr("198.51.100.7");
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
	/* Registered still; the old address is nobody's, the new one is given. */
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	set_address(&w.in.local, SHARED);
	expect_error(RSIP_LOCAL_ADDR_UNALLOWED);
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	assert_int_equal(w.last.local, new.addr);

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

static void
whole_address_errors(void **state)
{
	struct policy p = default_policy(), no = { .has = POLICY_HAS_RSA_IP };
	uint32_t      id, other;

	(void)state;
	world_begin(&p, true);
	assert_int_equal(policies_add(w.policies, world_prefix("10.0.0.13/32"),
	    &no), 0);
	id = do_register();
	as_host("10.0.0.12", 2);
	other = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSA_IP, other);
	set_address(&w.in.local, SHARED);
	expect_error(RSIP_LOCAL_ADDR_UNALLOWED);
	set_address(&w.in.local, WHOLE);
	expect(RSIP_ASSIGN_RESPONSE_RSA_IP);
	as_host("10.0.0.11", 1);
	assign(RSIP_ASSIGN_REQUEST_RSA_IP, id);
	expect_error(RSIP_LOCAL_ADDR_UNAVAILABLE);
	set_address(&w.in.local, WHOLE);
	expect_error(RSIP_LOCAL_ADDR_UNAVAILABLE);	/* not ANY, §9.6.3 */
	as_host("10.0.0.13", 3);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSA_IP, id);
	expect_error(RSIP_LOCAL_ADDR_UNALLOWED);
	world_end();
}

/* RFC 3103 §9.6.3. */
static void
an_address_in_use_while_others_are_free(void **state)
{
	struct policy	    p = default_policy();
	struct pool_address e = { .addr = inet_addr("198.51.100.3"),
		.exclusive = true };
	uint32_t	    id;

	(void)state;
	world_begin(&p, true);
	assert_int_equal(pool_add((struct pool *)(uintptr_t)gateway_pool(w.g),
	    &e), 2);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSA_IP, id);
	set_address(&w.in.local, WHOLE);
	expect(RSIP_ASSIGN_RESPONSE_RSA_IP);
	as_host("10.0.0.12", 2);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSA_IP, id);
	set_address(&w.in.local, WHOLE);
	expect_error(RSIP_LOCAL_ADDR_INUSE);
	world_end();
}

/* RFC 3104 §6.2. */
static void
ipsec_errors(void **state)
{
	struct policy p = default_policy();
	uint32_t      id;

	(void)state;
	world_begin(&p, false);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	set_spis(2, 5000);
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	as_host("10.0.0.12", 2);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	w.in.local_ports = ports(3, 0);
	set_spis(2, 5001);
	expect_error(RSIP_IPSEC_SPI_INUSE);
	/* One request never half-succeeds. */
	assert_int_equal(pool_now().ports_free, 10);
	assert_int_equal(pool_now().spis_leased, 2);
	set_spis(1, 200);
	expect_error(RSIP_IPSEC_SPI_UNAVAILABLE);
	set_spis(49, 0);
	expect_error(RSIP_IPSEC_SPI_UNAVAILABLE);
	set_spis(300, 0);
	expect_error(RSIP_IPSEC_SPI_UNAVAILABLE);
	assert_int_equal(pool_now().ports_free, 10);
	assert_int_equal(w.bound, 1);
	world_end();
}

static void
limits_of_one_host(void **state)
{
	struct policy p = default_policy();
	uint32_t      id;

	(void)state;
	p.max_ports = 3;
	p.max_spis = 2;
	p.max_bindings = 3;
	world_begin(&p, false);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	w.in.local_ports = ports(4, 0);
	expect_error(RSIP_LOCAL_ADDRPORT_UNAVAILABLE);
	w.in.local_ports = ports(3, 0);
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	set_spis(3, 0);
	expect_error(RSIP_IPSEC_SPI_UNAVAILABLE);
	set_spis(1, 0);
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	expect_error(RSIP_IPSEC_SPI_UNAVAILABLE);
	world_end();
}

/* RFC 3103 §10.4. */
static void
the_demux_table_refuses(void **state)
{
	struct policy p = default_policy();
	uint32_t      id;

	(void)state;
	world_begin(&p, true);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	w.in.local_ports = ports(3, 0);
	w.demux_failures = 1;
	w.demux_errno = ENOMEM;
	expect_error(RSIP_INTERNAL_SERVER_ERROR);
	w.demux_failures = 1;
	w.demux_errno = ENOSPC;
	expect_error(RSIP_LOCAL_ADDRPORT_UNAVAILABLE);
	assert_int_equal(pool_now().ports_free, 10);
	assert_int_equal(pool_now().spis_leased, 0);
	assign(RSIP_ASSIGN_REQUEST_RSA_IP, id);
	w.demux_failures = 1;
	expect_error(RSIP_LOCAL_ADDR_UNAVAILABLE);
	assert_int_equal(pool_now().whole, 0);
	world_end();
}

static void
misuse_is_told_once_a_second(void **state)
{
	static const struct {
		enum demux_verdict verdict;
		unsigned	   error;
	} t[] = {
		{ DEMUX_MISUSE_ADDR, RSIP_LOCAL_ADDR_UNALLOWED },
		{ DEMUX_MISUSE_ADDRPORT, RSIP_LOCAL_ADDRPORT_UNALLOWED },
		{ DEMUX_MISUSE_REMOTE_ADDR, RSIP_REMOTE_ADDR_UNALLOWED },
		{ DEMUX_MISUSE_REMOTE_ADDRPORT,
		    RSIP_REMOTE_ADDRPORT_UNALLOWED },
		{ DEMUX_MISUSE_TUNNEL, RSIP_BAD_TUNNEL_TYPE },
	};
	struct policy p = default_policy();
	unsigned      i;
	uint32_t      id;

	(void)state;
	world_begin(&p, false);
	gateway_misuse(w.g, w.now, w.peer.host, DEMUX_MISUSE_ADDR, 0);
	assert_int_equal(w.nasync, 0);	/* nobody to tell */
	id = do_register();
	for (i = 0; i < 5; i++) {
		gateway_misuse(w.g, w.now, w.peer.host, t[i].verdict, 0);
		gateway_misuse(w.g, w.now + 999, w.peer.host, t[i].verdict, 0);
		assert_int_equal(w.nasync, i + 1);
		assert_int_equal(w.async[i].error, t[i].error);
		assert_int_equal(w.async[i].client_id, id);
		assert_true(w.async[i].has & RSIP_HAS_COUNTER);
		assert_int_equal(w.async[i].counter, 0);	/* §10.1 */
		w.now += 1000;
	}
	/* One kind does not hide another of the same second. */
	w.nasync = 0;
	for (i = 0; i < 5; i++) {
		gateway_misuse(w.g, w.now, w.peer.host, t[i].verdict, 0);
		gateway_misuse(w.g, w.now, w.peer.host, t[0].verdict, 0);
		assert_int_equal(w.nasync, i + 1);
		assert_int_equal(w.async[i].error, t[i].error);
	}
	world_end();
}

/* --- time ----------------------------------------------------------------- */

static void
leases_end(void **state)
{
	struct policy p = default_policy();
	uint32_t      id;

	(void)state;
	world_begin(&p, false);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	w.in.has |= RSIP_HAS_LEASE;
	w.in.lease = 100;
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);	/* 600 s: R follows (§6) */
	w.now += 99999;
	gateway_tick(w.g, w.now);
	assert_int_equal(w.nasync, 0);
	w.now += 1;
	gateway_tick(w.g, w.now);
	assert_int_equal(w.nasync, 1);
	assert_int_equal(w.async[0].type, RSIP_FREE_RESPONSE);
	assert_int_equal(w.async[0].bind_id, 1);
	assert_int_equal(w.async[0].counter, 0);
	assert_int_equal(w.bound, 1);
	assert_int_equal(pool_now().ports_resting, 1);
	/* The registration's own 300 s are over, the binding's are not. */
	w.now += 499999;
	gateway_tick(w.g, w.now);
	assert_int_equal(w.nasync, 1);
	request(RSIP_EXTEND_REQUEST, id);
	w.in.has |= RSIP_HAS_BIND_ID;
	w.in.bind_id = 2;
	expect(RSIP_EXTEND_RESPONSE);
	w.now += 600000;
	gateway_tick(w.g, w.now);
	assert_int_equal(w.nasync, 3);
	assert_int_equal(w.async[1].type, RSIP_FREE_RESPONSE);
	assert_int_equal(w.async[2].type, RSIP_DEREGISTER_RESPONSE);	/* §9.5.3 */
	assert_int_equal(w.bound, 0);
	expect_error(RSIP_REGISTER_FIRST);
	world_end();
}

/* §9.10.3.  Whatever moves the earliest end moves the alarm, and an early one comes again. */
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

static void
registrations_without_bindings_end(void **state)
{
	struct policy p = default_policy();

	(void)state;
	world_begin(&p, false);
	do_register();
	gateway_tick(w.g, w.now + 299999);
	assert_int_equal(w.nasync, 0);
	gateway_tick(w.g, w.now + 300000);
	assert_int_equal(w.nasync, 1);
	assert_int_equal(w.async[0].type, RSIP_DEREGISTER_RESPONSE);
	world_end();
}

/* A cascaded gateway leases on what it has leased itself (RFC 3102 §4.2.1). */
static void
leases_do_not_outlive_the_parents(void **state)
{
	struct policy p = default_policy();
	uint32_t      id;

	(void)state;
	world_begin(&p, false);
	gateway_set_until(w.g, w.now, w.now + 90000);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assert_int_equal(w.out.lease, 90);
	gateway_set_until(w.g, w.now, w.now + 900000);
	request(RSIP_EXTEND_REQUEST, id);
	w.in.has |= RSIP_HAS_BIND_ID;
	w.in.bind_id = 1;
	expect(RSIP_EXTEND_RESPONSE);
	assert_int_equal(w.out.lease, 600);
	/* The parent wants it back sooner. */
	gateway_set_until(w.g, w.now, w.now + 10000);
	gateway_tick(w.g, w.now + 9999);
	assert_int_equal(w.bound, 1);
	w.now += 10000;
	request(RSIP_EXTEND_REQUEST, id);
	w.in.has |= RSIP_HAS_BIND_ID;
	w.in.bind_id = 1;
	expect(RSIP_FREE_RESPONSE);
	assert_int_equal(w.bound, 0);
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	expect_error(RSIP_LOCAL_ADDR_UNAVAILABLE);
	world_end();
}

static void
freed_resources_rest_for_others(void **state)
{
	struct policy p = default_policy();
	uint32_t      id;

	(void)state;
	world_begin(&p, false);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	w.in.local_ports = ports(1, 20005);
	set_spis(1, 4000);
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	request(RSIP_DEREGISTER_REQUEST, id);
	expect(RSIP_DEREGISTER_RESPONSE);
	assert_int_equal(w.bound, 0);
	as_host("10.0.0.12", 2);
	id = do_register();
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	w.in.local_ports = ports(1, 20005);
	expect_error(RSIP_LOCAL_ADDRPORT_INUSE);
	assign(RSIP_ASSIGN_REQUEST_RSIPSEC, id);
	set_spis(1, 4000);
	expect_error(RSIP_IPSEC_SPI_INUSE);
	w.now += REST;
	expect(RSIP_ASSIGN_RESPONSE_RSIPSEC);
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	w.in.local_ports = ports(1, 20005);
	w.now += 1000;
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	world_end();
}

/* RFC 3103 §9.5.3. */
static void
shutdown_tells_every_host(void **state)
{
	struct policy p = default_policy();

	(void)state;
	world_begin(&p, false);
	do_register();
	as_host("10.0.0.12", 2);
	do_register();
	gateway_shutdown(w.g, w.now);
	assert_int_equal(w.nasync, 2);
	assert_int_equal(w.async[0].type, RSIP_DEREGISTER_RESPONSE);
	assert_int_equal(w.async[1].type, RSIP_DEREGISTER_RESPONSE);
	world_end();
}

static void
a_new_connection_takes_over(void **state)
{
	struct policy p = default_policy();
	uint32_t      id;

	(void)state;
	world_begin(&p, false);
	id = do_register();
	assert_true(gateway_registered(w.g, &w.peer));
	w.peer.id = 9;
	assert_false(gateway_registered(w.g, &w.peer));
	request(RSIP_QUERY_REQUEST, id + 1);
	expect_error(RSIP_BAD_CLIENT_ID);
	assert_false(gateway_registered(w.g, &w.peer));
	/* Not while the old one is open, as far as anybody can tell. */
	request(RSIP_QUERY_REQUEST, id);
	expect_error(RSIP_BAD_CLIENT_ID);
	assert_int_equal(w.probed, 1);
	gateway_disconnected(w.g, &(struct gateway_peer){ .host = w.peer.host,
		.transport = GATEWAY_TCP, .id = 1 });
	request(RSIP_QUERY_REQUEST, id);
	expect(RSIP_QUERY_RESPONSE);
	assert_true(gateway_registered(w.g, &w.peer));
	gateway_misuse(w.g, w.now, w.peer.host, DEMUX_MISUSE_ADDR, 0);
	assert_int_equal(w.async_to[0].id, 9);
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
	gateway_misuse(w.g, w.now, w.peer.host, DEMUX_MISUSE_ADDR, 0);
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
	/* That did not move what the host itself has to pass. */
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
		cmocka_unit_test(registration_advertises_what_can_be_had),
		cmocka_unit_test(rsap_ip_is_assigned_extended_freed),
		cmocka_unit_test(rsipsec_leases_spis_with_or_without_ports),
		cmocka_unit_test(rsa_ip_leases_an_address),
		cmocka_unit_test(listen_is_for_strangers_too),
		cmocka_unit_test(query_tells_local_from_remote),
		cmocka_unit_test(cookies_are_negotiated),
		cmocka_unit_test(tunnel_endpoint_elsewhere),
		cmocka_unit_test(macro_policy_wants_an_address),
		cmocka_unit_test(micro_policy_wants_a_port_too),
		cmocka_unit_test(names_are_looked_up_and_answered_as_asked),
		cmocka_unit_test(sections_override_the_base),
		cmocka_unit_test(reconfiguration_takes_back),
		cmocka_unit_test(what_cannot_be_read_is_answered),
		cmocka_unit_test(registration_errors),
		cmocka_unit_test(client_ids_differ),
		cmocka_unit_test(udp_switched_off_and_a_full_house),
		cmocka_unit_test(optional_messages_that_nobody_may_use),
		cmocka_unit_test(local_resource_errors),
		cmocka_unit_test(whole_address_errors),
		cmocka_unit_test(pools_come_and_go),
		cmocka_unit_test(an_address_in_use_while_others_are_free),
		cmocka_unit_test(ipsec_errors),
		cmocka_unit_test(limits_of_one_host),
		cmocka_unit_test(the_demux_table_refuses),
		cmocka_unit_test(misuse_is_told_once_a_second),
		cmocka_unit_test(leases_end),
		cmocka_unit_test(leases_end_on_time),
		cmocka_unit_test(registrations_without_bindings_end),
		cmocka_unit_test(leases_do_not_outlive_the_parents),
		cmocka_unit_test(freed_resources_rest_for_others),
		cmocka_unit_test(shutdown_tells_every_host),
		cmocka_unit_test(a_new_connection_takes_over),
		cmocka_unit_test(signed_messages_only),
		cmocka_unit_test(a_signature_is_of_one_address),
		cmocka_unit_test(nothing_outlives_the_gateway),
		cmocka_unit_test(a_host_begins_anew),
		cmocka_unit_test(counters_do_not_run_out),
		cmocka_unit_test(who_signed_goes_on_signing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
