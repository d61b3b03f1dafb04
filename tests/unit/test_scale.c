/* test_scale.c - 100 000 bindings in less than 25 MB, demux table included, and nothing left of them */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/util.h"
#include "rsipd/gateway.h"

#define HOSTS		400
#define OF_HOST		250
#define LIMIT		(25u << 20)

static struct demux *demux;
static uint32_t	     client_id[HOSTS];

static struct demux_entry *
op_add(void *arg, const struct demux_binding *b)
{
	(void)arg;
	return demux_add(demux, b);
}

static void
op_remove(void *arg, struct demux_entry *e)
{
	(void)arg;
	demux_remove(demux, e);
}

static void
op_send(void *arg, const struct gateway_peer *to, bool answer,
    const uint8_t *msg, size_t len)
{
	(void)arg;
	(void)to;
	(void)answer;
	(void)msg;
	(void)len;
}

static int
op_resolve(void *arg, const char *name, uint64_t ticket)
{
	(void)arg;
	(void)name;
	(void)ticket;
	return -1;
}

static void
op_event(void *arg, enum gateway_event e, const struct lease_client *c,
    struct lease_binding *b)
{
	(void)arg;
	(void)e;
	(void)c;
	(void)b;
}

static void
op_alarm(void *arg, uint64_t at)
{
	(void)arg;
	(void)at;
}

static const struct gateway_ops ops = {
	.demux_add = op_add,
	.demux_remove = op_remove,
	.send = op_send,
	.resolve = op_resolve,
	.event = op_event,
	.alarm = op_alarm,
};

/* Bytes that the kernel has given; 0 where a sanitizer has some beside each. */
static size_t
memory(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return 0;
#else
	FILE  *f = fopen("/proc/self/statm", "r");
	size_t pages = 0;

	/* The second number: what is resident. */
	if (f != NULL) {
		(void)!fscanf(f, "%*u %zu", &pages);
		fclose(f);
	}
	return pages * (size_t)sysconf(_SC_PAGESIZE);
#endif
}

static void
ask(struct gateway *g, unsigned host, struct rsip_message *m)
{
	static uint8_t	    buf[GATEWAY_MESSAGE_MAX], out[GATEWAY_MESSAGE_MAX];
	struct gateway_peer peer = {
		.host = addr_from_v4(htonl(0x0a000100 + host)),
		.transport = GATEWAY_TCP, .id = host + 1 };
	int		    n;

	n = rsip_encode(m, buf, sizeof(buf));
	assert_true(n > 0);
	n = gateway_input(g, 1000000, &peer, buf, (size_t)n, out);
	assert_true(n > 0);
	rsip_message_clear(m);
	assert_int_equal(rsip_decode(m, out, (size_t)n), RSIP_OK);
	assert_int_not_equal(m->type, RSIP_ERROR_RESPONSE);
}

static void
assign_all(struct gateway *g)
{
	static struct rsip_message m;
	unsigned		   host, i;

	for (host = 0; host < HOSTS; host++) {
		rsip_message_init(&m, RSIP_REGISTER_REQUEST);
		ask(g, host, &m);
		client_id[host] = m.client_id;
		for (i = 0; i < OF_HOST; i++) {
			rsip_message_init(&m, RSIP_ASSIGN_REQUEST_RSIPSEC);
			m.has = RSIP_HAS_CLIENT_ID | RSIP_HAS_LOCAL |
			    RSIP_HAS_LOCAL_PORTS | RSIP_HAS_REMOTE |
			    RSIP_HAS_REMOTE_PORTS | RSIP_HAS_SPIS;
			m.client_id = client_id[host];
			m.local.type = m.remote.type = RSIP_ADDR_IPV4;
			m.local.any = m.remote.any = true;
			m.local_ports.none = m.remote_ports.none = true;
			m.spis.number = 1;
			ask(g, host, &m);
		}
	}
	rsip_message_clear(&m);
}

static void
a_hundred_thousand_bindings(void **state)
{
	struct policy		   p = { .has = UINT32_MAX,
		.may_register = true, .local = RSIP_LOCAL_MACRO,
		.remote = RSIP_REMOTE_NONE, .ipsec = true, .ipip = true,
		.lease = 600, .lease_max = 600, .registration = 600,
		.max_bindings = OF_HOST, .max_spis = OF_HOST };
	struct policies		  *policies = policies_new(&p);
	struct gateway_config	   config = { .max_registrations = HOSTS,
		.gateway = { AF_INET, { 10, 0, 0, 1 } },
		.max_bindings = HOSTS * OF_HOST, .policies = policies,
		.from = { { .addr.family = AF_INET } }, .nfrom = 1 };
	struct pool_address	   a =
	    { .addr = { AF_INET, { 198, 51, 100, 1 } },
		.ports = { { 20000, 49999 } }, .nports = 1 };
	struct pool		  *pool = pool_new(0, HOSTS * OF_HOST);
	struct gateway		  *g;
	struct pool_counts	   c;
	static struct rsip_message m;
	size_t			   before, used, bindings, keys;
	unsigned		   host;

	(void)state;
	memory_goes_back();
	before = memory();
	demux = demux_new(4 * HOSTS * OF_HOST);
	assert_int_equal(pool_add(pool, &a), 0);
	g = gateway_new(&config, pool, &ops, NULL);
	assert_non_null(g);
	assign_all(g);
	demux_tick(demux, 1000000);
	demux_tick(demux, 1001000);
	used = memory() - before;
	print_message("%zu KiB\n", used / 1024);
	assert_true(used < LIMIT);
	pool_count(pool, &c);
	assert_int_equal(c.spis_leased, HOSTS * OF_HOST);
	demux_count(demux, &bindings, &keys, NULL);
	assert_int_equal(bindings, HOSTS * OF_HOST);
	for (host = 0; host < HOSTS; host++) {
		rsip_message_init(&m, RSIP_DEREGISTER_REQUEST);
		m.has = RSIP_HAS_CLIENT_ID;
		m.client_id = client_id[host];
		ask(g, host, &m);
	}
	rsip_message_clear(&m);
	pool_count(pool, &c);
	assert_int_equal(c.spis_leased + c.spis_resting, 0);
	demux_count(demux, &bindings, &keys, NULL);
	assert_int_equal(bindings + keys, 0);
	gateway_free(g);
	demux_free(demux);
	policies_free(policies);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hundred_thousand_bindings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
