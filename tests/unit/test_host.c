/* test_host.c - the RSIP host's states (RFC 3103 Appendix D) with a clock and a gateway of our own */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rsipc/demand.h"
#include "rsipc/host.h"
#include "rsipc/remember.h"

#define LEASE	60	/* seconds that our gateway grants */

struct world {
	struct host	host;
	uint64_t	now;
	unsigned	connects, disconnects, sends, resends, granted, revoked;
	unsigned	demands_done, left, changes;
	unsigned	demand_error;
	bool		udp;
	uint32_t	local_net, local_mask;
	struct rsip_message sent;	/* the last request */
	uint64_t	resent_at[16];
	bool		state_seen[HOST_ASSIGNED_EXTENSION_PENDING + 1];
};

static void
w_connect(void *arg, bool udp)
{
	struct world *w = arg;

	w->connects++;
	w->udp = udp;
}

static void
w_disconnect(void *arg)
{
	struct world *w = arg;

	w->disconnects++;
}

static void
w_send(void *arg, struct rsip_message *m)
{
	struct world *w = arg;
	uint8_t	      buf[RSIP_MESSAGE_MAX];
	int	      n;

	/* Whatever is asked must be a message that a gateway can read. */
	n = rsip_encode(m, buf, sizeof(buf));
	assert_true(n > 0);
	assert_int_not_equal(m->type, RSIP_ERROR_RESPONSE);	/* §9.1.3 */
	rsip_message_clear(&w->sent);
	assert_int_equal(rsip_decode(&w->sent, buf, (size_t)n), RSIP_OK);
	w->sends++;
}

static void
w_resend(void *arg)
{
	struct world *w = arg;

	if (w->resends < 16)
		w->resent_at[w->resends] = w->now;
	w->resends++;
}

static void
w_granted(void *arg, const struct binding *b)
{
	struct world *w = arg;

	assert_non_null(b);
	w->granted++;
}

static void
w_revoked(void *arg, const struct binding *b)
{
	struct world *w = arg;

	assert_non_null(b);
	w->revoked++;
}

static void
w_demanded(void *arg, const struct host_demand *d, unsigned error)
{
	struct world *w = arg;

	assert_non_null(d);
	w->demands_done++;
	w->demand_error = error;
}

static void
w_local(void *arg, uint32_t net, uint32_t mask)
{
	struct world *w = arg;

	w->local_net = net;
	w->local_mask = mask;
}

static void
w_changed(void *arg, enum host_state from, enum host_state to)
{
	struct world *w = arg;

	assert_int_not_equal(from, to);
	w->state_seen[to] = true;
	w->changes++;
}

static void
w_left(void *arg)
{
	struct world *w = arg;

	w->left++;
}

static const struct host_ops ops = {
	w_connect, w_disconnect, w_send, w_resend, w_granted, w_revoked,
	w_demanded, w_local, w_changed, w_left,
};

static void
begin(struct world *w, bool udp)
{
	struct host_config c = { .udp = udp, .ports = 64,
		.method = RSIP_METHOD_RSIPSEC, .spis = 16,
		.tunnel = RSIP_TUNNEL_IPIP, .port_idle = 1000 };

	memset(w, 0, sizeof(*w));
	w->now = 1000;
	host_init(&w->host, &c, &ops, w);
}

static bool
leased(struct world *w, uint16_t port)
{
	return bindings_flow_use(&w->host.bindings, port,
	    inet_addr("192.0.2.9"), 80, w->now) == BINDINGS_FLOW_OK;
}

static void
end(struct world *w)
{
	rsip_message_clear(&w->sent);
	host_clear(&w->host);
}

static void
tick(struct world *w)
{
	host_tick(&w->host, w->now);
}

/* Lets time pass, looking at the machine exactly when it asks for it. */
static void
pass(struct world *w, uint64_t ms)
{
	uint64_t until = w->now + ms, next;
	unsigned turns = 0;

	for (;;) {
		assert_true(++turns < 10000);
		next = host_next(&w->host);
		if (next == 0 || next > until)
			break;
		if (next > w->now)
			w->now = next;
		tick(w);
	}
	w->now = until;
	tick(w);
}

/* ... until a request is under way, or a connection is made. */
static void
pass_until_said(struct world *w)
{
	unsigned turns, connects = w->connects;
	uint64_t next;

	for (turns = 0; w->host.pending == 0 && w->connects == connects;
	    turns++) {
		assert_true(turns < 100);
		next = host_next(&w->host);
		assert_true(next != 0);
		pass(w, next > w->now ? next - w->now : 0);
	}
}

/* An answer to the request sent last; the caller fills in the rest. */
static struct rsip_message *
answer(struct world *w, enum rsip_type type)
{
	static struct rsip_message m;

	rsip_message_clear(&m);
	rsip_message_init(&m, type);
	m.has |= RSIP_HAS_COUNTER;
	m.counter = w->sent.counter;
	if (type != RSIP_ERROR_RESPONSE) {
		m.has |= RSIP_HAS_CLIENT_ID;
		m.client_id = w->sent.client_id;
	}
	return &m;
}

static void
give(struct world *w, const struct rsip_message *m)
{
	host_receive(&w->host, m, w->now);
	tick(w);
}

static void
give_error(struct world *w, unsigned error)
{
	struct rsip_message *m = answer(w, RSIP_ERROR_RESPONSE);

	m->has |= RSIP_HAS_ERROR;
	m->error = (uint16_t)error;
	give(w, m);
}

static void
asynchronous_error(struct world *w, unsigned error)
{
	struct rsip_message *m = answer(w, RSIP_ERROR_RESPONSE);

	m->has |= RSIP_HAS_ERROR;
	m->counter = 0;
	m->error = (uint16_t)error;
	give(w, m);
}

static struct { uint8_t remote_policy; } registration = { RSIP_REMOTE_NONE };

static void
give_registration(struct world *w)
{
	struct rsip_message *m = answer(w, RSIP_REGISTER_RESPONSE);

	m->has |= RSIP_HAS_LEASE | RSIP_HAS_POLICY | RSIP_HAS_METHOD |
	    RSIP_HAS_TUNNEL;
	m->client_id = 77;
	m->lease = LEASE;
	m->local_policy = RSIP_LOCAL_MACRO;
	m->remote_policy = registration.remote_policy;
	m->nmethods = 2;
	m->method[0] = RSIP_METHOD_RSAP_IP;
	m->method[1] = RSIP_METHOD_RSIPSEC;
	m->ntunnels = 1;
	m->tunnel[0] = RSIP_TUNNEL_IPIP;
	give(w, m);
}

static void
set_ipv4(struct rsip_address *a, const char *text)
{
	a->type = RSIP_ADDR_IPV4;
	a->any = text == NULL;
	if (text != NULL)
		inet_pton(AF_INET, text, a->bytes);
}

/* Grants what the request sent last asked for. */
static struct rsip_message *
grant(struct world *w, uint32_t bind_id)
{
	struct rsip_message *m = answer(w, w->sent.type + 1);
	bool		     ipsec = w->sent.type ==
			RSIP_ASSIGN_REQUEST_RSIPSEC;

	m->has |= RSIP_HAS_BIND_ID | RSIP_HAS_LOCAL | RSIP_HAS_LOCAL_PORTS |
	    RSIP_HAS_REMOTE | RSIP_HAS_REMOTE_PORTS | RSIP_HAS_LEASE |
	    RSIP_HAS_TUNNEL;
	m->bind_id = bind_id;
	set_ipv4(&m->local, "198.51.100.1");
	set_ipv4(&m->remote, NULL);
	m->local_ports = w->sent.local_ports;
	if (m->local_ports.nfields == 0 && !m->local_ports.none) {
		m->local_ports.nfields = 1;
		m->local_ports.port[0] = 20000;
	}
	m->remote_ports = w->sent.remote_ports;
	if (ipsec) {
		m->has |= RSIP_HAS_SPIS;
		m->spis = w->sent.spis;
		if (m->spis.nfields == 0) {
			m->spis.nfields = 1;
			m->spis.spi[0] = 0x1000 + bind_id * 0x100;
		}
	}
	m->lease = LEASE;
	m->ntunnels = 1;
	m->tunnel[0] = RSIP_TUNNEL_IPIP;
	return m;
}

static void
give_grant(struct world *w, uint32_t bind_id)
{
	give(w, grant(w, bind_id));
}

static void
give_extension(struct world *w)
{
	struct rsip_message *m = answer(w, RSIP_EXTEND_RESPONSE);

	m->has |= RSIP_HAS_BIND_ID | RSIP_HAS_LEASE;
	m->bind_id = w->sent.bind_id;
	m->lease = LEASE;
	give(w, m);
}

/* The host frees that binding, and is answered. */
static void
give_freed(struct world *w, uint32_t bind_id)
{
	struct rsip_message *m;

	assert_int_equal(w->host.state, HOST_FREE_PENDING);
	assert_int_equal(w->sent.type, RSIP_FREE_REQUEST);
	assert_int_equal(w->sent.bind_id, bind_id);
	m = answer(w, RSIP_FREE_RESPONSE);
	m->has |= RSIP_HAS_BIND_ID;
	m->bind_id = bind_id;
	give(w, m);
}

static void
connected(struct world *w)
{
	host_connected(&w->host, w->now);
	tick(w);
}

static void
expect(struct world *w, enum host_state state, enum rsip_type sent)
{
	if (w->host.state != state)
		fail_msg("state %s, not %s", host_state_name(w->host.state),
		    host_state_name(state));
	if (w->sent.type != sent)
		fail_msg("sent %s, not %s", rsip_type_name(w->sent.type),
		    rsip_type_name(sent));
}

/* From nothing to Assigned. */
static void
reach_assigned(struct world *w, bool udp)
{
	begin(w, udp);
	tick(w);
	assert_int_equal(w->connects, 1);
	connected(w);
	expect(w, HOST_REGISTRATION_PENDING, RSIP_REGISTER_REQUEST);
	give_registration(w);
	expect(w, HOST_REGISTERED_QUERY_PENDING, RSIP_QUERY_REQUEST);
	give(w, answer(w, RSIP_QUERY_RESPONSE));
	expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSIPSEC);
	give_grant(w, 1);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	assert_int_equal(w->granted, 1);
}

/* RFC 3103 §3, §5, §9.2.1, §15; RFC 3104 §6.2. */
static void
registers_and_assigns(void **state)
{
	struct world	    *w = *state;
	struct rsip_message *m;
	struct rsip_tuple   *t;
	uint16_t	     lo, hi;

	begin(w, false);
	tick(w);
	assert_false(w->udp);
	tick(w);
	assert_int_equal(w->connects, 1);
	connected(w);
	expect(w, HOST_REGISTRATION_PENDING, RSIP_REGISTER_REQUEST);
	give_registration(w);
	expect(w, HOST_REGISTERED_QUERY_PENDING, RSIP_QUERY_REQUEST);
	assert_int_equal(w->sent.client_id, 77);
	m = answer(w, RSIP_QUERY_RESPONSE);
	t = rsip_message_add_tuple(m);
	t->indicator = RSIP_LOCAL_NETWORK;
	set_ipv4(&t->address, "10.1.0.0");
	set_ipv4(&t->netmask, "255.255.0.0");
	give(w, m);
	assert_int_equal(w->local_net, inet_addr("10.1.0.0"));
	assert_int_equal(w->local_mask, inet_addr("255.255.0.0"));
	expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSIPSEC);
	assert_int_equal(w->sent.local_ports.number, 64);
	assert_int_equal(w->sent.local_ports.nfields, 0);
	assert_int_equal(w->sent.spis.number, 16);
	assert_true(w->sent.local.any);
	give_grant(w, 9);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	assert_true(binding_port_block(bindings_main(&w->host.bindings), &lo,
	    &hi));
	assert_int_equal(lo, 20000);
	assert_int_equal(hi, 20063);
	assert_int_equal(bindings_spi_free(&w->host.bindings), 16);
	end(w);
}

/* Appendix D: seven attempts, then back; RFC 3103 §5: 12.5 ms doubling. */
static void
udp_backs_off(void **state)
{
	static const unsigned at[] = { 13, 38, 88, 188, 388, 788 };
	struct world	     *w = *state;
	uint64_t	      start;
	unsigned	      i;

	begin(w, true);
	tick(w);
	assert_true(w->udp);
	start = w->now;
	connected(w);
	pass(w, 1587);
	assert_int_equal(w->sends, 1);
	assert_int_equal(w->resends, 6);
	for (i = 0; i < 6; i++)
		assert_int_equal(w->resent_at[i] - start, at[i]);
	assert_int_equal(w->host.state, HOST_REGISTRATION_PENDING);
	pass(w, 1);
	assert_int_equal(w->host.state, HOST_UNREGISTERED);
	assert_int_equal(w->disconnects, 0);
	/* It tries on by itself, and then it works. */
	pass(w, 1000);
	assert_int_equal(w->sends, 2);
	give_registration(w);
	expect(w, HOST_REGISTERED_QUERY_PENDING, RSIP_QUERY_REQUEST);
	end(w);
}

/* RFC 3103 §8.11. */
static void
udp_counts_messages(void **state)
{
	struct world	    *w = *state;
	struct rsip_message *m;

	reach_assigned(w, true);
	assert_int_equal(w->sent.counter, 3);
	/* A duplicate of an older answer, and one without any number. */
	w->host.verify = true;
	tick(w);
	expect(w, HOST_ASSIGNED_EXTENSION_PENDING, RSIP_EXTEND_REQUEST);
	m = answer(w, RSIP_EXTEND_RESPONSE);
	m->has |= RSIP_HAS_BIND_ID | RSIP_HAS_LEASE;
	m->bind_id = 1;
	m->lease = 5;
	m->counter--;
	give(w, m);
	assert_int_equal(w->host.state, HOST_ASSIGNED_EXTENSION_PENDING);
	m->has &= ~RSIP_HAS_COUNTER;
	give(w, m);
	assert_int_equal(w->host.state, HOST_ASSIGNED_EXTENSION_PENDING);
	give_extension(w);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	/* §10.1: wraps to 1, not 0. */
	w->host.counter = UINT32_MAX;
	w->host.verify = true;
	tick(w);
	assert_int_equal(w->sent.counter, 1);
	end(w);
}

/* RFC 3103 §9.10.1. */
static void
renews_at_half_time(void **state)
{
	struct world *w = *state;
	unsigned      i;

	reach_assigned(w, false);
	for (i = 0; i < 5; i++) {
		pass(w, LEASE * 500 - 1);
		assert_int_equal(w->host.state, HOST_ASSIGNED);
		pass(w, 1);
		expect(w, HOST_ASSIGNED_EXTENSION_PENDING, RSIP_EXTEND_REQUEST);
		assert_int_equal(w->sent.bind_id, 1);
		give_extension(w);
	}
	assert_int_equal(w->revoked, 0);
	end(w);
}

static void
unrenewed_lease_expires(void **state)
{
	struct world *w = *state;

	/* UDP, and nobody answers ever again. */
	reach_assigned(w, true);
	pass(w, LEASE * 1000 - 1);
	assert_int_equal(w->revoked, 0);
	assert_true(w->sends > 4);
	pass(w, 1);
	assert_int_equal(w->revoked, 1);
	assert_int_equal(w->host.bindings.n, 0);
	assert_true(w->host.state <= HOST_REGISTERED_QUERY_PENDING ||
	    w->host.state == HOST_ASSIGNMENT_PENDING);
	end(w);
}

static void
refused_registration_is_retried(void **state)
{
	struct world *w = *state;

	begin(w, false);
	tick(w);
	connected(w);
	give_error(w, RSIP_REGISTRATION_DENIED);
	assert_int_equal(w->host.state, HOST_UNREGISTERED);
	assert_int_equal(w->sends, 1);
	pass(w, HOST_DENIED_RETRY);
	assert_int_equal(w->sends, 2);
	expect(w, HOST_REGISTRATION_PENDING, RSIP_REGISTER_REQUEST);
	end(w);
}

/* RFC 3103 §9.4.1, §10.2.1. */
static void
already_registered_is_ended_first(void **state)
{
	struct world	    *w = *state;
	struct rsip_message *m;

	begin(w, false);
	tick(w);
	connected(w);
	m = answer(w, RSIP_ERROR_RESPONSE);
	m->has |= RSIP_HAS_ERROR | RSIP_HAS_CLIENT_ID;
	m->error = RSIP_ALREADY_REGISTERED;
	m->client_id = 5;
	give(w, m);
	expect(w, HOST_REGISTERED_DEREGISTRATION_PENDING,
	    RSIP_DEREGISTER_REQUEST);
	assert_int_equal(w->sent.client_id, 5);
	give(w, answer(w, RSIP_DEREGISTER_RESPONSE));
	pass(w, HOST_RETRY_MIN);
	expect(w, HOST_REGISTRATION_PENDING, RSIP_REGISTER_REQUEST);
	give_registration(w);
	expect(w, HOST_REGISTERED_QUERY_PENDING, RSIP_QUERY_REQUEST);
	end(w);
}

/*
 * RFC 3103 §9.4.1; §10.2.2, and the same resources are asked for again.
 */
static void
forgetful_gateway_is_told_anew(void **state)
{
	struct world *w = *state;
	uint32_t      spi[2];

	reach_assigned(w, false);
	assert_int_equal(bindings_spi_get(&w->host.bindings, &spi[0]), 0);
	pass(w, LEASE * 500);
	expect(w, HOST_ASSIGNED_EXTENSION_PENDING, RSIP_EXTEND_REQUEST);
	give_error(w, RSIP_REGISTER_FIRST);
	assert_int_equal(w->revoked, 1);
	expect(w, HOST_REGISTERED_DEREGISTRATION_PENDING,
	    RSIP_DEREGISTER_REQUEST);
	assert_int_equal(w->sent.client_id, 77);
	/* Its error is to be ignored. */
	give_error(w, RSIP_REGISTER_FIRST);
	expect(w, HOST_REGISTRATION_PENDING, RSIP_REGISTER_REQUEST);
	give_registration(w);
	give(w, answer(w, RSIP_QUERY_RESPONSE));
	expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSIPSEC);
	assert_false(w->sent.local.any);
	assert_int_equal(w->sent.local_ports.number, 64);
	assert_int_equal(w->sent.local_ports.port[0], 20000);
	assert_int_equal(w->sent.spis.nfields, 1);
	give_grant(w, 2);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	/* The SPI that was in use still is. */
	assert_int_equal(bindings_spi_free(&w->host.bindings), 15);
	assert_true(bindings_spi_used(&w->host.bindings, spi[0]));
	end(w);
}

static void
lost_resources_are_asked_for_anew(void **state)
{
	struct world *w = *state;

	reach_assigned(w, false);
	asynchronous_error(w, RSIP_REGISTER_FIRST);
	expect(w, HOST_REGISTERED_DEREGISTRATION_PENDING,
	    RSIP_DEREGISTER_REQUEST);
	give(w, answer(w, RSIP_DEREGISTER_RESPONSE));
	give_registration(w);
	give(w, answer(w, RSIP_QUERY_RESPONSE));
	assert_false(w->sent.local.any);
	give_error(w, RSIP_LOCAL_ADDRPORT_INUSE);
	expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSIPSEC);
	assert_true(w->sent.local.any);
	assert_int_equal(w->sent.local_ports.nfields, 0);
	end(w);
}

/* Refused altogether: what kept it from anything may have kept it from that. */
static void
what_it_had_is_asked_for_until_something_is_granted(void **state)
{
	struct world *w = *state;
	unsigned      i;

	reach_assigned(w, false);
	asynchronous_error(w, RSIP_REGISTER_FIRST);
	give(w, answer(w, RSIP_DEREGISTER_RESPONSE));
	give_registration(w);
	give(w, answer(w, RSIP_QUERY_RESPONSE));
	for (i = 0; i < 5; i++) {
		expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSIPSEC);
		assert_int_equal(w->sent.local_ports.port[0], 20000);
		give_error(w, RSIP_LOCAL_ADDR_UNALLOWED);
		pass_until_said(w);
		assert_true(w->sent.local.any);
		give_error(w, RSIP_LOCAL_ADDR_UNAVAILABLE);
		assert_int_equal(w->host.state, HOST_REGISTERED);
		pass_until_said(w);
	}
	/* Left alone for a while is no reason to want less. */
	host_abandon(&w->host, "of no use", w->now, 60000);
	tick(w);
	if (w->sent.type == RSIP_DEREGISTER_REQUEST)
		give(w, answer(w, RSIP_DEREGISTER_RESPONSE));
	pass(w, 60000);
	expect(w, HOST_REGISTRATION_PENDING, RSIP_REGISTER_REQUEST);
	give_registration(w);
	give(w, answer(w, RSIP_QUERY_RESPONSE));
	assert_int_equal(w->sent.local_ports.port[0], 20000);
	give_error(w, RSIP_LOCAL_ADDRPORT_INUSE);
	give_grant(w, 2);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	end(w);
}

/* However long nobody was there: that is no reason to wait once somebody is. */
static void
who_is_back_is_asked_at_once(void **state)
{
	struct world *w = *state;
	unsigned      i;

	reach_assigned(w, false);
	for (i = 0; i < 10; i++) {
		host_disconnected(&w->host, w->now);
		assert_true(host_next(&w->host) <= w->now + HOST_RECONNECT_MAX);
		pass_until_said(w);
	}
	connected(w);
	expect(w, HOST_ASSIGNED_EXTENSION_PENDING, RSIP_EXTEND_REQUEST);
	give_error(w, RSIP_REGISTER_FIRST);
	expect(w, HOST_REGISTERED_DEREGISTRATION_PENDING,
	    RSIP_DEREGISTER_REQUEST);
	give_error(w, RSIP_REGISTER_FIRST);
	expect(w, HOST_REGISTRATION_PENDING, RSIP_REGISTER_REQUEST);
	end(w);
}

/*
 * RFC 3103 §10.2.2.  The answer to an assignment is lost: what it may have granted
 * would be in use, by ourselves, were it asked for again.
 */
static void
an_unanswered_assignment_is_undone(void **state)
{
	struct world *w = *state;
	unsigned      how;

	for (how = 0; how < 3; how++) {
		reach_assigned(w, how == 2);
		asynchronous_error(w, RSIP_REGISTER_FIRST);
		give(w, answer(w, RSIP_DEREGISTER_RESPONSE));
		give_registration(w);
		give(w, answer(w, RSIP_QUERY_RESPONSE));
		expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSIPSEC);
		if (how == 0)
			host_disconnected(&w->host, w->now);
		else
			pass(w, how == 1 ? HOST_TCP_TIMEOUT : 1588);
		if (how < 2) {
			assert_int_equal(w->host.state, HOST_UNREGISTERED);
			pass_until_said(w);
			connected(w);
		}
		pass_until_said(w);
		expect(w, HOST_REGISTERED_DEREGISTRATION_PENDING,
		    RSIP_DEREGISTER_REQUEST);
		assert_int_equal(w->sent.client_id, 77);
		give(w, answer(w, RSIP_DEREGISTER_RESPONSE));
		pass_until_said(w);
		expect(w, HOST_REGISTRATION_PENDING, RSIP_REGISTER_REQUEST);
		give_registration(w);
		give(w, answer(w, RSIP_QUERY_RESPONSE));
		expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSIPSEC);
		assert_int_equal(w->sent.local_ports.port[0], 20000);
		end(w);
	}
}

/* Ports on demand until the host frees one to get another. */
static unsigned
demand_until_it_frees(struct world *w, unsigned i)
{
	struct host_demand d = { .remote = inet_addr("192.0.2.9") };

	for (;; i++) {
		assert_true(i < 1000);
		d.port = (uint16_t)(1000 + i);
		assert_true(host_demand(&w->host, &d, w->now));
		tick(w);
		if (w->host.pending == RSIP_FREE_REQUEST)
			return i;
		if (w->host.pending == RSIP_EXTEND_REQUEST)
			give_extension(w);
		assert_int_equal(w->host.pending, RSIP_ASSIGN_REQUEST_RSAP_IP);
		give_grant(w, 10 + i);
		w->now += 100;
	}
}

/* RFC 3103 §9.12.3: an error to FREE_REQUEST; both sides agree again. */
static void
an_error_to_free_resynchronizes(void **state)
{
	struct world *w = *state;
	unsigned      i;
	uint32_t      id;

	reach_assigned(w, false);
	i = demand_until_it_frees(w, 0);
	id = w->sent.bind_id;
	assert_non_null(bindings_find(&w->host.bindings, id));
	give_error(w, RSIP_BAD_BIND_ID);
	/* The gateway has not got it, so the host has not. */
	assert_null(bindings_find(&w->host.bindings, id));
	assert_int_equal(w->host.pending, RSIP_ASSIGN_REQUEST_RSAP_IP);
	give_grant(w, 10 + i);
	assert_int_equal(w->demand_error, 0);
	assert_true(leased(w, (uint16_t)(1000 + i)));

	demand_until_it_frees(w, i + 1);
	give_error(w, RSIP_REGISTER_FIRST);
	expect(w, HOST_REGISTERED_DEREGISTRATION_PENDING,
	    RSIP_DEREGISTER_REQUEST);
	assert_int_equal(w->host.bindings.n, 0);
	give_error(w, RSIP_REGISTER_FIRST);
	pass(w, HOST_RETRY_MIN * 2);
	expect(w, HOST_REGISTRATION_PENDING, RSIP_REGISTER_REQUEST);
	end(w);
}

/* RFC 3103 §4, §9.3.3: what is not said is RSAP-IP and IP-IP. */
static void
a_registration_that_says_nothing(void **state)
{
	struct world	    *w = *state;
	struct rsip_message *m;

	begin(w, false);
	tick(w);
	connected(w);
	m = answer(w, RSIP_REGISTER_RESPONSE);
	m->has |= RSIP_HAS_LEASE | RSIP_HAS_POLICY;
	m->client_id = 77;
	m->lease = LEASE;
	m->local_policy = RSIP_LOCAL_MACRO;
	m->remote_policy = RSIP_REMOTE_NONE;
	give(w, m);
	give(w, answer(w, RSIP_QUERY_RESPONSE));
	expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSAP_IP);
	if (w->sent.has & RSIP_HAS_TUNNEL)
		assert_int_equal(w->sent.tunnel[0], RSIP_TUNNEL_IPIP);
	give_grant(w, 1);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	end(w);
}

/* RFC 3103 §9.16.3: without remote policy a listener names nobody. */
static void
listens_for_anyone(void **state)
{
	struct world *w = *state;

	begin(w, false);
	w->host.config.nlisten = 1;
	w->host.config.listen[0] = 8080;
	tick(w);
	connected(w);
	give_registration(w);
	give(w, answer(w, RSIP_QUERY_RESPONSE));
	give_grant(w, 1);
	tick(w);
	assert_int_equal(w->host.pending, RSIP_LISTEN_REQUEST);
	assert_int_equal(w->sent.local_ports.nfields, 1);
	assert_int_equal(w->sent.local_ports.port[0], 8080);
	assert_true(w->sent.remote.any);
	assert_int_equal(w->sent.remote_ports.nfields, 0);
	assert_false(w->sent.remote_ports.none);
	end(w);
}

/* RFC 3103 §10.2.1: messages for who had this address before a reboot. */
static void
messages_of_another_life(void **state)
{
	static const enum rsip_type types[] = { RSIP_FREE_RESPONSE,
		RSIP_DEREGISTER_RESPONSE, RSIP_ASSIGN_RESPONSE_RSAP_IP,
		RSIP_EXTEND_RESPONSE, RSIP_QUERY_RESPONSE };
	struct world	    *w = *state;
	struct rsip_message *m;
	size_t		     i;
	unsigned	     sends;

	begin(w, true);
	tick(w);
	connected(w);
	sends = w->sends;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		m = answer(w, types[i]);
		m->has |= RSIP_HAS_BIND_ID | RSIP_HAS_LEASE;
		m->client_id = 1234;
		m->bind_id = 5;
		m->counter = i % 2 ? 999 : 0;
		give(w, m);
		expect(w, HOST_REGISTRATION_PENDING, RSIP_REGISTER_REQUEST);
	}
	assert_int_equal(w->sends, sends);
	assert_int_equal(w->granted + w->revoked, 0);
	give_registration(w);
	/* The old registration ends while the new one stands. */
	m = answer(w, RSIP_DEREGISTER_RESPONSE);
	m->client_id = 1234;
	m->counter = 0;
	give(w, m);
	expect(w, HOST_REGISTERED_QUERY_PENDING, RSIP_QUERY_REQUEST);
	end(w);
}

static void
closed_connection_is_resumed(void **state)
{
	struct world *w = *state;

	reach_assigned(w, false);
	host_disconnected(&w->host, w->now);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	pass(w, HOST_RETRY_MIN);
	assert_int_equal(w->connects, 2);
	assert_int_equal(w->revoked, 0);
	connected(w);
	expect(w, HOST_ASSIGNED_EXTENSION_PENDING, RSIP_EXTEND_REQUEST);
	give_extension(w);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	assert_int_equal(w->granted, 1);
	end(w);
}

static void
silent_tcp_is_closed(void **state)
{
	struct world *w = *state;

	begin(w, false);
	tick(w);
	connected(w);
	pass(w, HOST_TCP_TIMEOUT);
	assert_int_equal(w->disconnects, 1);
	assert_int_equal(w->host.state, HOST_UNREGISTERED);
	pass(w, HOST_RETRY_MIN);
	assert_int_equal(w->connects, 2);
	end(w);
}

/* RFC 3102 §3.1. */
static void
ports_are_leased_on_demand(void **state)
{
	struct host_demand d = { .port = 4000, .remote = inet_addr("192.0.2.9"),
		.remote_port = 80 };
	struct world	  *w = *state;

	reach_assigned(w, false);
	assert_false(leased(w, 4000));
	assert_true(host_demand(&w->host, &d, w->now));
	assert_true(host_demand(&w->host, &d, w->now));
	tick(w);
	expect(w, HOST_ASSIGNED_ASSIGNMENT_PENDING,
	    RSIP_ASSIGN_REQUEST_RSAP_IP);
	assert_int_equal(w->sent.local_ports.port[0], 4000);
	assert_true(w->sent.remote.any);
	assert_true(host_demand(&w->host, &d, w->now));
	give_grant(w, 2);
	assert_int_equal(w->demands_done, 1);
	assert_int_equal(w->demand_error, 0);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	assert_true(leased(w, 4000));

	d.port = 4001;
	assert_true(host_demand(&w->host, &d, w->now));
	tick(w);
	give_error(w, RSIP_LOCAL_ADDRPORT_INUSE);
	assert_int_equal(w->demands_done, 2);
	assert_int_equal(w->demand_error, RSIP_LOCAL_ADDRPORT_INUSE);
	assert_int_equal(w->host.state, HOST_ASSIGNED);

	/* Unused for a while, it goes back; the main lease is renewed. */
	pass(w, LEASE * 500);
	expect(w, HOST_ASSIGNED_EXTENSION_PENDING, RSIP_EXTEND_REQUEST);
	give_extension(w);
	expect(w, HOST_FREE_PENDING, RSIP_FREE_REQUEST);
	assert_int_equal(w->sent.bind_id, 2);
	give_freed(w, 2);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	assert_false(leased(w, 4000));
	end(w);
}

/* Ports of the lease that another address of ours had: the cause is said once. */
static void
former_lease_is_named(void **state)
{
	struct host_demand d = { .port = 4000, .remote = inet_addr("192.0.2.9"),
		.remote_port = 80 };
	struct world	  *w = *state;

	reach_assigned(w, false);
	assert_true(host_demand(&w->host, &d, w->now));
	tick(w);
	give_error(w, RSIP_LOCAL_ADDRPORT_INUSE);
	assert_false(w->host.readdressed_said);
	host_reset(&w->host, w->now);
	tick(w);
	connected(w);
	give_registration(w);
	give(w, answer(w, RSIP_QUERY_RESPONSE));
	give_grant(w, 3);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	assert_true(host_demand(&w->host, &d, w->now));
	tick(w);
	give_error(w, RSIP_LOCAL_ADDRPORT_INUSE);
	assert_int_equal(w->demands_done, 2);
	assert_true(w->host.readdressed_said);
	end(w);
}

/*
 * RFC 3103 §9.6.3, §9.8.3, §9.16.3.
 * RFC 3103 §7.2: macro-flow remote policy, with and without somebody to
 * name.
 */
static void
names_remotes(void **state)
{
	struct host_demand d = { .port = 20001, .remote = inet_addr("192.0.2.9"),
		.remote_port = 80 };
	struct world	    *w = *state;
	struct rsip_message *m;

	begin(w, false);
	tick(w);
	connected(w);
	registration.remote_policy = RSIP_REMOTE_MACRO;
	give_registration(w);
	registration.remote_policy = RSIP_REMOTE_NONE;
	give(w, answer(w, RSIP_QUERY_RESPONSE));
	assert_int_equal(w->host.state, HOST_REGISTERED);
	pass(w, LEASE * 500);
	assert_int_equal(w->host.state, HOST_REGISTERED);
	host_name_remote(&w->host, inet_addr("192.0.2.1"), 53);
	tick(w);
	expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSAP_IP);
	assert_false(w->sent.remote.any);
	assert_int_equal(w->sent.local_ports.number, 1);
	give_error(w, RSIP_REMOTE_ADDR_UNALLOWED);
	assert_int_equal(w->host.state, HOST_REGISTERED);
	host_name_remote(&w->host, inet_addr("192.0.2.2"), 53);
	tick(w);
	m = grant(w, 1);
	m->remote = w->sent.remote;
	give(w, m);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	assert_int_equal(bindings_flow_use(&w->host.bindings, 20000,
	    inet_addr("192.0.2.2"), 53, w->now), BINDINGS_FLOW_OK);
	assert_int_equal(bindings_flow_use(&w->host.bindings, 20000,
	    inet_addr("192.0.2.9"), 53, w->now), BINDINGS_FLOW_OTHER);
	assert_int_equal(bindings_flow_use(&w->host.bindings, 0,
	    inet_addr("192.0.2.2"), 0, w->now), BINDINGS_FLOW_OK);
	assert_int_equal(bindings_flow_use(&w->host.bindings, 0,
	    inet_addr("192.0.2.9"), 0, w->now), BINDINGS_FLOW_UNLEASED);
	assert_true(host_demand(&w->host, &d, w->now));
	tick(w);
	assert_false(w->sent.remote.any);
	assert_true(w->sent.remote_ports.nfields == 0);
	m = grant(w, 2);
	m->remote = w->sent.remote;
	give(w, m);
	assert_int_equal(w->demand_error, 0);
	assert_true(leased(w, 20001));
	/* Whose lease is for somebody else is not served by it. */
	d.port = 20002;
	assert_true(host_demand(&w->host, &d, w->now));
	tick(w);
	m = grant(w, 3);
	set_ipv4(&m->remote, "192.0.2.77");
	give(w, m);
	assert_int_equal(w->demand_error, RSIP_BAD_PARAM);
	assert_int_equal(w->host.bindings.n, 2);
	end(w);
}

/* §9.7.3, §9.9.3: the remote side is as requested. */
static void
another_remote_is_refused(void **state)
{
	struct world	    *w = *state;
	struct rsip_message *m;

	begin(w, false);
	tick(w);
	connected(w);
	registration.remote_policy = RSIP_REMOTE_MACRO;
	give_registration(w);
	registration.remote_policy = RSIP_REMOTE_NONE;
	give(w, answer(w, RSIP_QUERY_RESPONSE));
	host_name_remote(&w->host, inet_addr("192.0.2.1"), 53);
	tick(w);
	m = grant(w, 1);
	set_ipv4(&m->remote, "192.0.2.77");
	give(w, m);
	assert_int_equal(w->granted, 0);
	give_freed(w, 1);
	end(w);
}

/* What it gave is given back, and for so long nothing more is asked of it. */
static void
useless_gateways_are_left_alone(void **state)
{
	struct world *w = *state;
	uint64_t      begun;
	unsigned      sends, i;

	reach_assigned(w, false);
	begun = w->now;
	host_abandon(&w->host, "of no use", w->now, 60000);
	assert_int_equal(w->revoked, 1);
	tick(w);
	expect(w, HOST_REGISTERED_DEREGISTRATION_PENDING,
	    RSIP_DEREGISTER_REQUEST);
	assert_int_equal(w->sent.client_id, 77);
	give(w, answer(w, RSIP_DEREGISTER_RESPONSE));
	assert_int_equal(w->host.state, HOST_UNREGISTERED);
	assert_string_equal(host_trouble(&w->host), "of no use");
	/* Whatever the connection does meanwhile. */
	sends = w->sends;
	pass(w, 10000);
	host_disconnected(&w->host, w->now);
	pass(w, 40000);
	assert_int_equal(w->sends, sends);
	assert_int_equal(w->connects, 1);
	assert_string_equal(host_trouble(&w->host), "of no use");
	pass(w, 60000);
	assert_int_equal(w->connects, 2);
	assert_true(w->now >= begun + 60000);
	connected(w);
	expect(w, HOST_REGISTRATION_PENDING, RSIP_REGISTER_REQUEST);
	end(w);

	/* Another network ends that. */
	reach_assigned(w, false);
	host_abandon(&w->host, "of no use", w->now, 60000);
	host_reset(&w->host, w->now);
	i = w->connects;
	tick(w);
	assert_int_equal(w->connects, i + 1);
	end(w);

	/* One that once worked is asked as before, for the same. */
	reach_assigned(w, false);
	host_abandon(&w->host, "away", w->now, 0);
	tick(w);
	give(w, answer(w, RSIP_DEREGISTER_RESPONSE));
	pass(w, 1000);
	expect(w, HOST_REGISTRATION_PENDING, RSIP_REGISTER_REQUEST);
	give_registration(w);
	give(w, answer(w, RSIP_QUERY_RESPONSE));
	expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSIPSEC);
	assert_int_equal(w->sent.local_ports.port[0], 20000);
	end(w);
}

/*
 * RFC 3102 §6.6.
 * More ports than bindings may be had: the ones unused longest give way.
 */
static void
old_ports_give_way(void **state)
{
	struct host_demand d = { .remote = inet_addr("192.0.2.9") };
	struct world	  *w = *state;
	unsigned	   i, freed = 0;

	reach_assigned(w, false);
	for (i = 0; i < 1000; i++) {
		d.port = (uint16_t)(1000 + i);
		assert_true(host_demand(&w->host, &d, w->now));
		tick(w);
		while (w->host.pending == RSIP_FREE_REQUEST) {
			assert_true(w->sent.bind_id < 10 + i);
			give_freed(w, w->sent.bind_id);
			freed++;
		}
		if (w->host.pending == RSIP_EXTEND_REQUEST)
			give_extension(w);
		assert_int_equal(w->host.pending, RSIP_ASSIGN_REQUEST_RSAP_IP);
		give_grant(w, 10 + i);
		assert_int_equal(w->demand_error, 0);
		assert_true(leased(w, d.port));
		w->now += 100;
	}
	assert_true(freed >= 1000 - BINDINGS_MAX);
	assert_true(w->host.bindings.n <= BINDINGS_MAX);
	end(w);
}

/* RFC 3104 §6.2. */
static void
spis_are_replenished(void **state)
{
	struct world *w = *state;
	uint32_t      spi, first;
	unsigned      i;

	reach_assigned(w, false);
	assert_int_equal(bindings_spi_get(&w->host.bindings, &first), 0);
	bindings_spi_put(&w->host.bindings, first);
	/* One that came back is not the next to go out. */
	assert_int_equal(bindings_spi_get(&w->host.bindings, &spi), 0);
	assert_int_not_equal(spi, first);
	for (i = 0; i < 12; i++)
		assert_int_equal(bindings_spi_get(&w->host.bindings, &spi), 0);
	host_spis_taken(&w->host);
	tick(w);
	expect(w, HOST_ASSIGNED_ASSIGNMENT_PENDING,
	    RSIP_ASSIGN_REQUEST_RSIPSEC);
	assert_true(w->sent.local_ports.none);
	assert_int_equal(w->sent.spis.number, 16);
	give_grant(w, 2);
	assert_int_equal(bindings_spi_free(&w->host.bindings), 19);
	end(w);
}

/*
 * RFC 3103 §9.5, §9.5.1, §9.5.3, §9.13, §10.2.1: the gateway's own will, at
 * any moment.
 */
static void
asynchronous_messages(void **state)
{
	struct world	    *w = *state;
	struct rsip_message *m;

	reach_assigned(w, false);
	m = answer(w, RSIP_FREE_RESPONSE);
	m->counter = 0;
	m->client_id = 1234;
	m->has |= RSIP_HAS_BIND_ID;
	m->bind_id = 1;
	give(w, m);		/* another client's: ignored */
	assert_int_equal(w->revoked, 0);
	m->client_id = 77;
	give(w, m);
	assert_int_equal(w->revoked, 1);
	assert_int_equal(w->host.state, HOST_REGISTERED);
	pass(w, 1000);
	expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSIPSEC);
	give_grant(w, 3);

	asynchronous_error(w, RSIP_LOCAL_ADDRPORT_UNALLOWED);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	asynchronous_error(w, RSIP_INTERNAL_SERVER_ERROR);
	assert_int_equal(w->host.state, HOST_ASSIGNED);

	m = answer(w, RSIP_DEREGISTER_RESPONSE);
	m->counter = 0;
	m->client_id = 1234;
	give(w, m);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	m->client_id = 77;
	give(w, m);
	assert_int_equal(w->revoked, 2);
	assert_int_equal(w->host.state, HOST_UNREGISTERED);
	pass(w, 1000);
	expect(w, HOST_REGISTRATION_PENDING, RSIP_REGISTER_REQUEST);
	end(w);
}

/* An error that is not the answer must not end the request, without counters. */
static void
tcp_without_counters(void **state)
{
	struct world	    *w = *state;
	struct rsip_message *m;

	reach_assigned(w, false);
	w->host.counters = false;
	pass(w, LEASE * 500);
	expect(w, HOST_ASSIGNED_EXTENSION_PENDING, RSIP_EXTEND_REQUEST);
	m = answer(w, RSIP_ERROR_RESPONSE);
	m->has = RSIP_HAS_ERROR;
	m->error = RSIP_LOCAL_ADDRPORT_UNALLOWED;
	give(w, m);
	assert_int_equal(w->host.state, HOST_ASSIGNED_EXTENSION_PENDING);
	m->error = RSIP_BAD_BIND_ID;
	give(w, m);
	assert_int_equal(w->revoked, 1);
	assert_int_equal(w->host.bindings.n, 0);
	end(w);
}

static void
asks_for_less(void **state)
{
	struct world *w = *state;

	begin(w, false);
	tick(w);
	connected(w);
	give_registration(w);
	give_error(w, RSIP_UNSUPPORTED_MESSAGE);	/* QUERY */
	expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSIPSEC);
	give_error(w, RSIP_LOCAL_ADDRPORT_UNAVAILABLE);
	assert_int_equal(w->sent.local_ports.number, 32);
	give_error(w, RSIP_IPSEC_SPI_UNAVAILABLE);
	assert_int_equal(w->sent.spis.number, 8);
	assert_true(w->sent.has & RSIP_HAS_TUNNEL);
	give_error(w, RSIP_BAD_TUNNEL_TYPE);
	assert_false(w->sent.has & RSIP_HAS_TUNNEL);
	give_error(w, RSIP_IPSEC_UNALLOWED);
	expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSAP_IP);
	give_error(w, RSIP_LOCAL_ADDR_UNAVAILABLE);
	assert_int_equal(w->host.state, HOST_REGISTERED);
	pass(w, HOST_RETRY_MIN);
	expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSAP_IP);
	end(w);
}

static void
wants_tcp(void **state)
{
	struct world *w = *state;

	begin(w, true);
	tick(w);
	connected(w);
	give_error(w, RSIP_USE_TCP);
	assert_int_equal(w->disconnects, 1);
	pass(w, 1);
	assert_int_equal(w->connects, 2);
	assert_false(w->udp);
	end(w);
}

static void
leaves(void **state)
{
	struct world *w = *state;

	reach_assigned(w, false);
	host_leave(&w->host, w->now, 1500);
	tick(w);
	expect(w, HOST_ASSIGNED_DEREGISTRATION_PENDING,
	    RSIP_DEREGISTER_REQUEST);
	assert_int_equal(w->left, 0);
	give(w, answer(w, RSIP_DEREGISTER_RESPONSE));
	assert_int_equal(w->left, 1);
	assert_int_equal(w->revoked, 1);
	assert_int_equal(w->host.state, HOST_UNREGISTERED);
	end(w);

	/* Nobody answers: not for ever. */
	reach_assigned(w, true);
	host_leave(&w->host, w->now, 500);
	pass(w, 499);
	assert_int_equal(w->left, 0);
	w->now++;
	tick(w);
	assert_int_equal(w->left, 1);
	end(w);
}

/* RFC 3103 §9.1.3. */
static void
hostile_grants_are_refused(void **state)
{
	struct world	    *w = *state;
	struct rsip_message *m;

	begin(w, false);
	tick(w);
	connected(w);
	give_registration(w);
	give(w, answer(w, RSIP_QUERY_RESPONSE));
	m = grant(w, 1);
	set_ipv4(&m->local, "127.0.0.1");
	give(w, m);
	assert_int_equal(w->granted, 0);
	give_freed(w, 1);	/* §9.9.3: what is not understood is freed */
	pass(w, HOST_RETRY_MAX);
	m = grant(w, 1);
	m->spis.spi[0] = 200;
	give(w, m);
	assert_int_equal(w->granted, 0);
	give_freed(w, 1);
	pass(w, HOST_RETRY_MAX);
	/* Not even readable, but we know which binding it is. */
	m = grant(w, 3);
	host_unreadable(&w->host, m, w->now);
	tick(w);
	give_freed(w, 3);
	pass(w, HOST_RETRY_MAX);
	give_grant(w, 1);
	assert_int_equal(w->granted, 1);

	/* On demand: another port, another address, a bind ID in use. */
	assert_true(host_demand(&w->host, &(struct host_demand){ .port = 99 },
	    w->now));
	tick(w);
	m = grant(w, 2);
	m->local_ports.port[0] = 98;
	give(w, m);
	give_freed(w, 2);
	assert_int_equal(w->host.bindings.n, 1);
	assert_true(w->demand_error != 0);
	assert_true(host_demand(&w->host, &(struct host_demand){ .port = 99 },
	    w->now));
	tick(w);
	m = grant(w, 2);
	set_ipv4(&m->local, "198.51.100.2");
	give(w, m);
	give_freed(w, 2);
	assert_int_equal(w->host.bindings.n, 1);
	assert_true(host_demand(&w->host, &(struct host_demand){ .port = 99 },
	    w->now));
	tick(w);
	give_grant(w, 1);
	assert_int_equal(w->host.bindings.n, 1);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	end(w);
}

/*
 * RFC 3103 §9.1.3, §9.5.3.
 * Every message at every moment: no crash, and the machine still gets a
 * lease.
 */
static void
nothing_stops_it(void **state)
{
	static const enum rsip_type types[] = {
		RSIP_ERROR_RESPONSE, RSIP_REGISTER_RESPONSE,
		RSIP_DEREGISTER_RESPONSE, RSIP_ASSIGN_RESPONSE_RSA_IP,
		RSIP_ASSIGN_RESPONSE_RSAP_IP, RSIP_EXTEND_RESPONSE,
		RSIP_FREE_RESPONSE, RSIP_QUERY_RESPONSE, RSIP_LISTEN_RESPONSE,
		RSIP_ASSIGN_RESPONSE_RSIPSEC,
	};
	struct world	    *w = *state;
	struct rsip_message *m;
	unsigned	     i, seed = 1, turn;

	begin(w, true);
	tick(w);
	connected(w);
	for (turn = 0; turn < 20000; turn++) {
		seed = seed * 1103515245 + 12345;
		i = seed >> 16;
		m = answer(w, types[i % 10]);
		m->has |= RSIP_HAS_ERROR | RSIP_HAS_BIND_ID | RSIP_HAS_LEASE;
		m->error = (uint16_t)(301 + i % 15);
		m->bind_id = i % 3;
		m->lease = i % 5;
		m->client_id = i % 2 ? 77 : i;
		if (i % 7 == 0)
			m->counter = 0;
		if (i % 11 == 0)
			m->has &= ~RSIP_HAS_COUNTER;
		give(w, m);
		if (i % 5 == 0)
			pass(w, i % 100000);
		if (!w->host.up && !w->host.connecting)
			pass(w, HOST_RETRY_MAX);
		if (!w->host.up)
			connected(w);
	}
	for (turn = 0; turn < 100 && w->host.bindings.n == 0; turn++) {
		switch (w->host.pending) {
		case RSIP_REGISTER_REQUEST:
			give_registration(w);
			break;
		case RSIP_DEREGISTER_REQUEST:
			give(w, answer(w, RSIP_DEREGISTER_RESPONSE));
			break;
		case RSIP_QUERY_REQUEST:
			give(w, answer(w, RSIP_QUERY_RESPONSE));
			break;
		case RSIP_ASSIGN_REQUEST_RSIPSEC:
		case RSIP_ASSIGN_REQUEST_RSAP_IP:
			give_grant(w, 50);
			break;
		default:
			pass(w, 3000);
			if (!w->host.up)
				connected(w);
			break;
		}
	}
	assert_int_equal(w->host.state, HOST_ASSIGNED);
	end(w);
}

static void
count_packet(void *arg, const uint8_t *pkt, size_t len)
{
	unsigned *n = arg;

	assert_int_equal(pkt[0], 'x');
	assert_int_equal(len, 100);
	++*n;
}

static void
held_packets_are_bounded(void **state)
{
	static struct demand d;
	uint8_t		     pkt[100] = { 'x' };
	unsigned	     i, n = 0, kept = 0;

	(void)state;
	for (i = 0; i < 10; i++)
		kept += demand_hold(&d, 7, 0, pkt, sizeof(pkt), 0);
	assert_int_equal(kept, DEMAND_PORT_MAX);
	for (i = 0; i < 1000; i++)
		kept += demand_hold(&d, (uint16_t)(i + 100), 0, pkt, sizeof(pkt), 1);
	assert_int_equal(kept, DEMAND_PACKETS_MAX);
	demand_release(&d, 7, 0, count_packet, &n);
	assert_int_equal(n, DEMAND_PORT_MAX);
	demand_release(&d, 7, 0, count_packet, &n);
	assert_int_equal(n, DEMAND_PORT_MAX);
	demand_expire(&d, DEMAND_WAIT);
	assert_int_equal(d.n, DEMAND_PACKETS_MAX - DEMAND_PORT_MAX);
	demand_expire(&d, DEMAND_WAIT + 1);
	assert_int_equal(d.n, 0);
	assert_int_equal(d.bytes, 0);
}

static void
hold_again(void *arg, const uint8_t *pkt, size_t len)
{
	struct demand *d = arg;

	assert_true(demand_hold(d, 7, 0, pkt, len, 0));
}

/* A gateway that leases for a port what does not cover its packets. */
static void
released_packets_are_not_released_twice(void **state)
{
	static struct demand d;
	uint8_t		     pkt[100] = { 'x' };
	unsigned	     i, n = 0;

	(void)state;
	for (i = 0; i < DEMAND_PORT_MAX; i++)
		assert_true(demand_hold(&d, 7, 0, pkt, sizeof(pkt), 0));
	demand_release(&d, 7, 0, hold_again, &d);
	demand_release(&d, 7, 0, count_packet, &n);
	assert_int_equal(n, DEMAND_PORT_MAX);
	assert_int_equal(d.n, 0);
}

static int
setup(void **state)
{
	static struct world w;

	*state = &w;
	return 0;
}

/* What is written is read; whatever else stands there is refused whole. */
static void
a_lease_is_remembered(void **state)
{
	static const char *const wrong[] = { "", "garbage\n",
		"rsipc-lease 1\n", "rsipc-lease 1\ngateway 10.0.0.1\n",
		"rsipc-lease 1\ngateway 10.0.0.1\naddress 198.51.100.1\nport 0\n",
		"rsipc-lease 1\ngateway 10.0.0.1\naddress 198.51.100.1\nport 65536\n",
		"rsipc-lease 1\ngateway 10.0.0.1\naddress 198.51.100.1\nspi -1\n",
		"rsipc-lease 1\ngateway 10.0.0.1\naddress 198.51.100.1\nspi 100000000\n",
		"rsipc-lease 1\ngateway 10.0.0.1\naddress 198.51.100.1\nport 2x\n" };
	static struct binding b, got;
	char	 text[REMEMBER_MAX], cut[REMEMBER_MAX];
	uint32_t gateway, gw = 0x0100000a;
	size_t	 n, i;

	(void)state;
	b.addr = 0x016433c6;
	for (i = 0; i < RSIP_PORTS_MAX; i++)
		b.port[b.nports++] = (uint16_t)(65535 - i);
	for (i = 0; i < RSIP_SPIS_MAX; i++)
		b.spi[b.nspis++] = 0xffffffffu - (uint32_t)i;
	n = remember_write(text, sizeof(text), gw, &b);
	assert_int_not_equal(n, 0);
	assert_int_equal(remember_read(text, &gateway, &got), 0);
	assert_int_equal(gateway, gw);
	assert_int_equal(got.addr, b.addr);
	assert_int_equal(got.nports, b.nports);
	assert_memory_equal(got.port, b.port, sizeof(b.port));
	assert_int_equal(got.nspis, b.nspis);
	assert_memory_equal(got.spi, b.spi, sizeof(b.spi));
	assert_int_equal(remember_write(text, n, gw, &b), 0);
	/* Cut within a line it is refused; between lines it is a smaller lease. */
	for (i = 0; i < n; i++) {
		n = remember_write(text, sizeof(text), gw, &b);
		memcpy(cut, text, i);
		cut[i] = '\0';
		if (remember_read(cut, &gateway, &got) == 0)
			assert_int_equal(cut[i - 1], '\n');
	}
	/* One port and one SPI more than any message holds. */
	snprintf(text + n, sizeof(text) - n, "port 1\n");
	assert_int_equal(remember_read(text, &gateway, &got), -1);
	snprintf(text + n, sizeof(text) - n, "spi 1000\n");
	assert_int_equal(remember_read(text, &gateway, &got), -1);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(remember_read(wrong[i], &gateway, &got), -1);
}

/* What the gateway could not know as new is said twice more at most, each time as a
 * message of its own; then it is as with one that is silent. */
static void
a_request_is_signed_again(void **state)
{
	struct world w;
	unsigned     i;

	(void)state;
	begin(&w, false);
	tick(&w);
	host_connected(&w.host, w.now);
	tick(&w);
	for (i = 0; i < 5; i++) {
		assert_int_equal(w.sent.type, RSIP_REGISTER_REQUEST);
		assert_int_equal(w.sent.counter, i < 2 ? i + 1 : 3);
		host_again_signed(&w.host, w.now);
		tick(&w);
		assert_int_equal(w.sends, i < 2 ? i + 2 : 3);
	}
	/* The last is still waited for, and an answer to one before is none. */
	w.sent.counter = 1;
	give_registration(&w);
	assert_int_equal(w.host.state, HOST_REGISTRATION_PENDING);
	w.sent.counter = 3;
	give_registration(&w);
	assert_int_equal(w.host.client_id, 77);
	/* The next request has its own two. */
	i = w.sends;
	host_again_signed(&w.host, w.now);
	tick(&w);
	assert_int_equal(w.sends, i + 1);
	assert_int_equal(w.sent.type, RSIP_QUERY_REQUEST);
	/* With nothing under way there is nothing to sign. */
	host_disconnected(&w.host, w.now);
	i = w.sends;
	host_again_signed(&w.host, w.now);
	tick(&w);
	assert_int_equal(w.sends, i);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lease_is_remembered),
		cmocka_unit_test(registers_and_assigns),
		cmocka_unit_test(udp_backs_off),
		cmocka_unit_test(udp_counts_messages),
		cmocka_unit_test(renews_at_half_time),
		cmocka_unit_test(unrenewed_lease_expires),
		cmocka_unit_test(refused_registration_is_retried),
		cmocka_unit_test(already_registered_is_ended_first),
		cmocka_unit_test(forgetful_gateway_is_told_anew),
		cmocka_unit_test(lost_resources_are_asked_for_anew),
		cmocka_unit_test(what_it_had_is_asked_for_until_something_is_granted),
		cmocka_unit_test(who_is_back_is_asked_at_once),
		cmocka_unit_test(an_unanswered_assignment_is_undone),
		cmocka_unit_test(an_error_to_free_resynchronizes),
		cmocka_unit_test(a_registration_that_says_nothing),
		cmocka_unit_test(listens_for_anyone),
		cmocka_unit_test(messages_of_another_life),
		cmocka_unit_test(closed_connection_is_resumed),
		cmocka_unit_test(silent_tcp_is_closed),
		cmocka_unit_test(ports_are_leased_on_demand),
		cmocka_unit_test(former_lease_is_named),
		cmocka_unit_test(names_remotes),
		cmocka_unit_test(another_remote_is_refused),
		cmocka_unit_test(useless_gateways_are_left_alone),
		cmocka_unit_test(old_ports_give_way),
		cmocka_unit_test(spis_are_replenished),
		cmocka_unit_test(asynchronous_messages),
		cmocka_unit_test(tcp_without_counters),
		cmocka_unit_test(asks_for_less),
		cmocka_unit_test(wants_tcp),
		cmocka_unit_test(leaves),
		cmocka_unit_test(hostile_grants_are_refused),
		cmocka_unit_test(nothing_stops_it),
		cmocka_unit_test(held_packets_are_bounded),
		cmocka_unit_test(released_packets_are_not_released_twice),
		cmocka_unit_test(a_request_is_signed_again),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
