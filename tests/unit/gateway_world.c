/* gateway_world.c - the gateway core with everything around it faked, for its tests */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/gateway_world.h"

struct world w;

static struct demux_entry *
fake_add(void *arg, const struct demux_binding *b)
{
	(void)arg;
	if (w.demux_failures > 0) {
		w.demux_failures--;
		errno = w.demux_errno;
		return NULL;
	}
	w.last = *b;
	w.last_cookie = b->ncookies != 0 ? b->cookies[0] : 0;
	w.bound++;
	return (struct demux_entry *)(void *)&w;
}

static void
fake_remove(void *arg, struct demux_entry *e)
{
	(void)arg;
	(void)e;
	w.bound--;
}

static void
fake_send(void *arg, const struct gateway_peer *to, bool answer,
    const uint8_t *msg, size_t len)
{
	(void)arg;
	if (w.nasync == 16)
		forget_async();
	assert_int_equal(rsip_decode(&w.async[w.nasync], msg, len), RSIP_OK);
	w.async_to[w.nasync] = *to;
	w.async_answer[w.nasync++] = answer;
}

static int
fake_resolve(void *arg, const char *name, uint64_t ticket)
{
	(void)arg;
	if (strcmp(name, "nomemory.example") == 0)
		return -1;
	snprintf(w.asked[w.nasked], sizeof(w.asked[0]), "%s", name);
	w.ticket[w.nasked++] = ticket;
	return 0;
}

static void
fake_event(void *arg, enum gateway_event e, const struct lease_client *c,
    struct lease_binding *b)
{
	(void)arg;
	(void)b;
	assert_true(e <= GATEWAY_MISUSE);
	assert_non_null(c);
}

static int
fake_neighbour(void *arg, const struct addr *host, uint8_t mac[8])
{
	static const uint8_t unknown[8];

	(void)arg;
	(void)host;
	memcpy(mac, w.mac, sizeof(w.mac));
	return w.routed ? -1 : memcmp(mac, unknown, sizeof(w.mac)) != 0;
}

static void
fake_probe(void *arg, uint64_t id)
{
	(void)arg;
	w.probed = id;
}

static void
fake_alarm(void *arg, uint64_t at)
{
	(void)arg;
	w.alarm = at;
	w.alarms++;
}

const struct gateway_ops world_ops = { fake_add, fake_remove, fake_send,
	fake_resolve, fake_neighbour, fake_probe, fake_alarm, fake_event };

struct policy
default_policy(void)
{
	return (struct policy){ .has = UINT32_MAX, .may_register = true,
		.local = RSIP_LOCAL_MACRO, .remote = RSIP_REMOTE_NONE,
		.listen = true, .ipsec = true, .rsa_ip = true, .ipip = true,
		.gre = true, .lease = 600, .lease_max = 3600,
		.registration = 300, .max_bindings = 100, .max_ports = 100,
		.max_spis = 100 };
}

void
forget_async(void)
{
	while (w.nasync > 0)
		rsip_message_clear(&w.async[--w.nasync]);
}

void
world_end(void)
{
	gateway_free(w.g);
	policies_free(w.policies);
	rsip_message_clear(&w.in);
	rsip_message_clear(&w.out);
	forget_async();
	memset(&w, 0, sizeof(w));
}

/* Ports 20000-20009 of a shared address and, with whole, an exclusive one. */
void
world_begin(const struct policy *base, bool whole)
{
	struct pool_address a = { .addr = world_addr(SHARED),
		.ports = { { 20000, 20009 } }, .nports = 1 };
	struct pool_address e = { .addr = world_addr(WHOLE),
		.exclusive = true };
	struct pool	   *p;

	memset(&w, 0, sizeof(w));
	p = pool_new(REST, 50);
	assert_non_null(p);
	assert_int_equal(pool_add(p, &a), 0);
	if (whole)
		assert_int_equal(pool_add(p, &e), 1);
	w.policies = policies_new(base);
	w.config.gateway = world_addr("10.0.0.1");
	w.config.udp = true;
	w.config.max_registrations = 4;
	w.config.from[0] = *world_prefix("10.0.0.0/24");
	w.config.nfrom = 1;
	w.config.max_bindings = 20;
	w.config.local[0] = *world_prefix("10.0.0.0/24");
	w.config.nlocal = 1;
	w.config.remote[0] = *world_prefix("198.51.100.0/24");
	w.config.nremote = 1;
	w.config.policies = w.policies;
	w.config.auth_index = WORLD_INDEX;
	w.auth_index = 5;
	w.auth_echo = WORLD_INDEX;
	w.now = 5000000;
	w.peer = (struct gateway_peer){ .host = world_addr("10.0.0.11"),
		.transport = GATEWAY_TCP, .id = 1 };
	w.g = gateway_new(&w.config, p, &world_ops, NULL);
	assert_non_null(w.g);
}

void
as_host(const char *addr, uint64_t id)
{
	w.peer.host = world_addr(addr);
	w.peer.id = id;
}

/* Sends bytes; the answer is in w.out.  Returns what gateway_input() did. */
int
put(const uint8_t *msg, size_t len)
{
	int n = gateway_input(w.g, w.now, &w.peer, msg, len, w.answer);

	rsip_message_clear(&w.out);
	if (n > 0) {
		assert_int_equal(rsip_decode(&w.out, w.answer, (size_t)n),
		    RSIP_OK);
		w.len = (size_t)n;
	}
	return n;
}

struct rsip_key
key_now(void)
{
	return (struct rsip_key){ .id = w.key_id,
		.secret = (const uint8_t *)w.secret, .len = strlen(w.secret),
		.host = w.peer.host, .gateway = w.config.gateway };
}

int
ask(void)
{
	struct rsip_key key;
	int		n;

	if (w.secret != NULL) {
		w.in.has |= RSIP_HAS_AUTH;
		w.in.auth_key_id = w.key_id;
		w.in.auth_index = w.auth_index;
		w.in.auth_echo = w.auth_echo;
		w.in.auth_counter = ++w.auth_counter;
	}
	n = rsip_encode(&w.in, w.bytes, sizeof(w.bytes));
	assert_true(n > 0);
	if (w.secret != NULL) {
		key = key_now();
		rsip_auth_sign(&w.in, w.bytes, (size_t)n, &key);
	}
	return put(w.bytes, (size_t)n);
}

void
request(enum rsip_type type, uint32_t client_id)
{
	rsip_message_clear(&w.in);
	rsip_message_init(&w.in, type);
	if (type != RSIP_REGISTER_REQUEST) {
		w.in.has |= RSIP_HAS_CLIENT_ID;
		w.in.client_id = client_id;
	}
}

void
expect(enum rsip_type type)
{
	assert_true(ask() > 0);
	if (w.out.type == RSIP_ERROR_RESPONSE && type != RSIP_ERROR_RESPONSE)
		print_error("%s\n", rsip_error_name(w.out.error));
	assert_int_equal(w.out.type, type);
}

void
expect_error(enum rsip_error error)
{
	expect(RSIP_ERROR_RESPONSE);
	if (w.out.error != error)
		print_error("%s, not %s\n", rsip_error_name(w.out.error),
		    rsip_error_name(error));
	assert_int_equal(w.out.error, error);
}

uint32_t
do_register(void)
{
	request(RSIP_REGISTER_REQUEST, 0);
	expect(RSIP_REGISTER_RESPONSE);
	return w.out.client_id;
}

void
set_address(struct rsip_address *a, const char *text)
{
	struct addr addr = { 0 };

	if (text == NULL || addr_parse(&addr, text) == 0)
		rsip_address_set(a, &addr);
	else {
		memset(a, 0, sizeof(*a));
		a->type = RSIP_ADDR_FQDN;
		snprintf(a->fqdn, sizeof(a->fqdn), "%s", text);
	}
}

/* n ports from lo on; lo 0: don't care; n 0: don't need. */
struct rsip_ports
ports(unsigned n, unsigned lo)
{
	return (struct rsip_ports){ .none = n == 0, .number = (uint8_t)n,
		.nfields = lo != 0, .port = { (uint16_t)lo } };
}

/* An assignment where nothing matters; tests change what they are about. */
void
assign(enum rsip_type type, uint32_t client_id)
{
	request(type, client_id);
	w.in.has |= RSIP_HAS_LOCAL | RSIP_HAS_REMOTE | RSIP_HAS_REMOTE_PORTS;
	set_address(&w.in.local, NULL);
	set_address(&w.in.remote, NULL);
	w.in.remote_ports = ports(1, 0);
	if (type != RSIP_ASSIGN_REQUEST_RSA_IP) {
		w.in.has |= RSIP_HAS_LOCAL_PORTS;
		w.in.local_ports = ports(1, 0);
	}
	if (type == RSIP_ASSIGN_REQUEST_RSIPSEC) {
		w.in.has |= RSIP_HAS_SPIS;
		w.in.spis.number = 1;
		w.in.local_ports = w.in.remote_ports = ports(0, 0);
	}
}

void
set_spis(unsigned n, uint32_t lo)
{
	w.in.spis = (struct rsip_spis){ .number = (uint16_t)n,
		.nfields = lo != 0, .spi = { lo } };
}

struct pool_counts
pool_now(void)
{
	struct pool_counts c;

	pool_count(gateway_pool(w.g), &c);
	return c;
}

struct addr
world_addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

const struct prefix *
world_prefix(const char *text)
{
	static struct prefix p;

	assert_int_equal(prefix_parse(&p, text), 0);
	return &p;
}
