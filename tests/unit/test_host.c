/* test_host.c - the RSIP host against many ports and any message; what single cases show is in host_scenarios/ */
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
	unsigned	demand_error;
	struct rsip_message sent;	/* the last request */
};

static void
w_connect(void *arg, bool udp)
{
	(void)arg;
	(void)udp;
}

static void
w_disconnect(void *arg)
{
	(void)arg;
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
}

static void
w_resend(void *arg)
{
	(void)arg;
}

static void
w_binding(void *arg, const struct binding *b)
{
	(void)arg;
	assert_non_null(b);
}

static void
w_demanded(void *arg, const struct host_demand *d, unsigned error)
{
	struct world *w = arg;

	assert_non_null(d);
	w->demand_error = error;
}

static void
w_local(void *arg, const struct prefix *net)
{
	(void)arg;
	assert_true(addr_is_set(&net->addr));
}

static void
w_changed(void *arg, enum host_state from, enum host_state to)
{
	(void)arg;
	assert_int_not_equal(from, to);
}

static void
w_left(void *arg)
{
	(void)arg;
	fail_msg("left unasked");
}

static const struct host_ops ops = {
	w_connect, w_disconnect, w_send, w_resend, w_binding, w_binding,
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
	struct addr remote = addr_from_v4(inet_addr("192.0.2.9"));

	return bindings_flow_use(&w->host.bindings, port, &remote, 80, true,
	    w->now) == BINDINGS_FLOW_OK;
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
give_registration(struct world *w)
{
	struct rsip_message *m = answer(w, RSIP_REGISTER_RESPONSE);

	m->has |= RSIP_HAS_LEASE | RSIP_HAS_POLICY | RSIP_HAS_METHOD |
	    RSIP_HAS_TUNNEL;
	m->client_id = 77;
	m->lease = LEASE;
	m->local_policy = RSIP_LOCAL_MACRO;
	m->remote_policy = RSIP_REMOTE_NONE;
	m->nmethods = 2;
	m->method[0] = RSIP_METHOD_RSAP_IP;
	m->method[1] = RSIP_METHOD_RSIPSEC;
	m->ntunnels = 1;
	m->tunnel[0] = RSIP_TUNNEL_IPIP;
	give(w, m);
}

static void
set_address(struct rsip_address *a, const char *text)
{
	struct addr addr = { 0 };

	assert_true(text == NULL || addr_parse(&addr, text) == 0);
	rsip_address_set(a, &addr);
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
	set_address(&m->local, "198.51.100.1");
	set_address(&m->remote, NULL);
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
reach_assigned(struct world *w)
{
	begin(w, false);
	tick(w);
	connected(w);
	expect(w, HOST_REGISTRATION_PENDING, RSIP_REGISTER_REQUEST);
	give_registration(w);
	expect(w, HOST_REGISTERED_QUERY_PENDING, RSIP_QUERY_REQUEST);
	give(w, answer(w, RSIP_QUERY_RESPONSE));
	expect(w, HOST_ASSIGNMENT_PENDING, RSIP_ASSIGN_REQUEST_RSIPSEC);
	give_grant(w, 1);
	assert_int_equal(w->host.state, HOST_ASSIGNED);
}

/* Ports on demand until the host frees one to get another. */
static unsigned
demand_until_it_frees(struct world *w, unsigned i)
{
	struct host_demand d = {
		.remote = addr_from_v4(inet_addr("192.0.2.9")) };

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

	reach_assigned(w);
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

/*
 * RFC 3102 §6.6.
 * More ports than bindings may be had: the ones unused longest give way.
 */
static void
old_ports_give_way(void **state)
{
	struct host_demand d = {
		.remote = addr_from_v4(inet_addr("192.0.2.9")) };
	struct world	  *w = *state;
	unsigned	   i, freed = 0;

	reach_assigned(w);
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
count_packet(void *arg, const struct packet_view *v)
{
	unsigned *n = arg;

	assert_int_equal(v->data[0], 'x');
	assert_int_equal(v->len, 100);
	++*n;
}

static const struct addr remote = { AF_INET, { 192, 0, 2, 9 } };

static void
held_packets_are_bounded(void **state)
{
	static struct demand d;
	static const uint8_t pkt[100] = { 'x' };
	struct packet_view   v = { .data = pkt, .len = sizeof(pkt) };
	unsigned	     i, n = 0, kept = 0;

	(void)state;
	for (i = 0; i < 10; i++)
		kept += demand_hold(&d, 7, &remote, &v, 0);
	assert_int_equal(kept, DEMAND_PORT_MAX);
	for (i = 0; i < 1000; i++)
		kept += demand_hold(&d, (uint16_t)(i + 100), &remote, &v, 1);
	assert_int_equal(kept, DEMAND_PACKETS_MAX);
	demand_release(&d, 7, &remote, count_packet, &n);
	assert_int_equal(n, DEMAND_PORT_MAX);
	demand_release(&d, 7, &remote, count_packet, &n);
	assert_int_equal(n, DEMAND_PORT_MAX);
	demand_expire(&d, DEMAND_WAIT);
	assert_int_equal(d.n, DEMAND_PACKETS_MAX - DEMAND_PORT_MAX);
	demand_expire(&d, DEMAND_WAIT + 1);
	assert_int_equal(d.n, 0);
	assert_int_equal(d.bytes, 0);
}

static void
hold_again(void *arg, const struct packet_view *v)
{
	struct demand *d = arg;

	assert_true(demand_hold(d, 7, &remote, v, 0));
}

/* A gateway that leases for a port what does not cover its packets. */
static void
released_packets_are_not_released_twice(void **state)
{
	static struct demand d;
	static const uint8_t pkt[100] = { 'x' };
	struct packet_view   v = { .data = pkt, .len = sizeof(pkt) };
	unsigned	     i, n = 0;

	(void)state;
	for (i = 0; i < DEMAND_PORT_MAX; i++)
		assert_true(demand_hold(&d, 7, &remote, &v, 0));
	demand_release(&d, 7, &remote, hold_again, &d);
	demand_release(&d, 7, &remote, count_packet, &n);
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
		"rsipc-lease 1\ngateway 10.0.0.1\naddress 198.51.100.1\n"
		    "port 0\n",
		"rsipc-lease 1\ngateway 10.0.0.1\naddress 198.51.100.1\n"
		    "port 65536\n",
		"rsipc-lease 1\ngateway 10.0.0.1\naddress 198.51.100.1\n"
		    "spi -1\n",
		"rsipc-lease 1\ngateway 10.0.0.1\naddress 198.51.100.1\n"
		    "spi 100000000\n",
		"rsipc-lease 1\ngateway 10.0.0.1\naddress 198.51.100.1\n"
		    "port 2x\n",
		"rsipc-lease 1\ngateway 2001:db8::1\naddress 198.51.100.1\n",
		"rsipc-lease 1\ngateway 10.0.0.1\naddress 127.0.0.1\n" };
	static struct binding b, got;
	struct addr gateway, gw = addr_from_v4(inet_addr("10.0.0.1"));
	char	    text[REMEMBER_MAX], cut[REMEMBER_MAX];
	size_t	    n, i;

	(void)state;
	b.addr = addr_from_v4(inet_addr("198.51.100.1"));
	for (i = 0; i < RSIP_PORTS_MAX; i++)
		b.port[b.nports++] = (uint16_t)(65535 - i);
	for (i = 0; i < RSIP_SPIS_MAX; i++)
		b.spi[b.nspis++] = 0xffffffffu - (uint32_t)i;
	n = remember_write(text, sizeof(text), &gw, &b);
	assert_int_not_equal(n, 0);
	assert_int_equal(remember_read(text, &gateway, &got), 0);
	assert_true(addr_equal(&gateway, &gw));
	assert_true(addr_equal(&got.addr, &b.addr));
	assert_int_equal(got.nports, b.nports);
	assert_memory_equal(got.port, b.port, sizeof(b.port));
	assert_int_equal(got.nspis, b.nspis);
	assert_memory_equal(got.spi, b.spi, sizeof(b.spi));
	assert_int_equal(remember_write(text, n, &gw, &b), 0);
	/* Cut within a line it is refused; between lines it is
	 * a smaller lease. */
	for (i = 0; i < n; i++) {
		n = remember_write(text, sizeof(text), &gw, &b);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lease_is_remembered),
		cmocka_unit_test(an_error_to_free_resynchronizes),
		cmocka_unit_test(old_ports_give_way),
		cmocka_unit_test(nothing_stops_it),
		cmocka_unit_test(held_packets_are_bounded),
		cmocka_unit_test(released_packets_are_not_released_twice),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
