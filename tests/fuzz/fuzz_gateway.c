/* fuzz_gateway.c - hosts that send the gateway anything: nothing is leased twice, and all comes back */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/cursor.h"
#include "base/log.h"
#include "rsipd/gateway.h"
#include "rsipd/lease.h"
#include "tests/fuzz/fuzz.h"

#define HOSTS		8
#define BINDINGS	64
#define PORTS_LO	20000
#define PORTS_HI	20031
#define SPIS		64

/* What the data plane was told, to be compared with what hosts were told. */
struct live {
	uintptr_t name;			/* instead of a pointer */
	uint32_t client_id, bind_id, local;
	bool	 whole;
	size_t	 nports, nspis;
	uint16_t port[BINDINGS];
	uint32_t spi[SPIS];
};

static struct live live[BINDINGS];
static size_t	   nlive;
static uintptr_t   names;
static uint32_t	   client_id[HOSTS], bind_id[HOSTS];
static uint64_t	   ticket[16];
static size_t	   ntickets;

static bool
overlap(const struct live *a, const struct live *b)
{
	size_t i, j;

	if (a->local != b->local)
		return false;
	if (a->whole || b->whole)
		return true;
	for (i = 0; i < a->nports; i++) {
		for (j = 0; j < b->nports; j++) {
			if (a->port[i] == b->port[j])
				return true;
		}
	}
	for (i = 0; i < a->nspis; i++) {
		for (j = 0; j < b->nspis; j++) {
			if (a->spi[i] == b->spi[j])
				return true;
		}
	}
	return false;
}

static struct demux_entry *
op_demux_add(void *arg, const struct demux_binding *b)
{
	struct live *l;
	unsigned     port;
	size_t	     i;

	(void)arg;
	if (nlive == BINDINGS) {
		errno = ENOSPC;
		return NULL;
	}
	l = &live[nlive];
	memset(l, 0, sizeof(*l));
	l->client_id = b->client_id;
	l->bind_id = b->bind_id;
	l->local = addr_v4(&b->local);
	l->whole = b->whole;
	FUZZ_CHECK(b->client_id != 0 && addr_v4(&b->host) != 0 &&
	    addr_v4(&b->gateway) != 0);
	for (i = 0; i < b->nports; i++) {
		FUZZ_CHECK(b->ports[i].lo >= PORTS_LO &&
		    b->ports[i].lo <= b->ports[i].hi &&
		    b->ports[i].hi <= PORTS_HI);
		for (port = b->ports[i].lo; port <= b->ports[i].hi; port++) {
			FUZZ_CHECK(l->nports < BINDINGS);
			l->port[l->nports++] = (uint16_t)port;
		}
	}
	for (i = 0; i < b->nspis; i++) {
		FUZZ_CHECK(b->spis[i] >= POOL_SPI_MIN && l->nspis < SPIS);
		l->spi[l->nspis++] = b->spis[i];
	}
	for (i = 0; i < nlive; i++) {
		FUZZ_CHECK(!overlap(l, &live[i]));
		FUZZ_CHECK(l->client_id != live[i].client_id ||
		    l->bind_id != live[i].bind_id);
	}
	nlive++;
	l->name = ++names;
	return (struct demux_entry *)l->name;
}

static void
op_demux_remove(void *arg, struct demux_entry *e)
{
	size_t i;

	(void)arg;
	for (i = 0; i < nlive; i++) {
		if (live[i].name == (uintptr_t)e) {
			live[i] = live[--nlive];
			return;
		}
	}
	FUZZ_CHECK(false);	/* removed what was not there */
}

static unsigned
host_index(const struct addr *host)
{
	return host->bytes[3] % HOSTS;
}

/* Whatever leaves can be read, and only gateways send it. */
static void
check_answer(const struct addr *host, const uint8_t *msg, size_t len,
    bool asynchronous)
{
	static struct rsip_message m;

	FUZZ_CHECK(rsip_decode(&m, msg, len) == RSIP_OK);
	FUZZ_CHECK(rsip_type_is_response(m.type));
	if (asynchronous)
		FUZZ_CHECK(m.counter == 0 && (m.type == RSIP_ERROR_RESPONSE ||
		    m.type == RSIP_FREE_RESPONSE ||
		    m.type == RSIP_DEREGISTER_RESPONSE));
	if (m.type == RSIP_REGISTER_RESPONSE)
		client_id[host_index(host)] = m.client_id;
	else if (m.type != RSIP_ERROR_RESPONSE && (m.has & RSIP_HAS_BIND_ID))
		bind_id[host_index(host)] = m.bind_id;
	rsip_message_clear(&m);
}

static void
op_send(void *arg, const struct gateway_peer *to, bool answer,
    const uint8_t *msg, size_t len)
{
	(void)arg;
	check_answer(&to->host, msg, len, !answer);
}

static int
op_resolve(void *arg, const char *name, uint64_t t)
{
	(void)arg;
	(void)name;
	if (ntickets == sizeof(ticket) / sizeof(ticket[0]))
		return -1;
	ticket[ntickets++] = t;
	return 0;
}

static void
op_event(void *arg, enum gateway_event e, const struct lease_client *c,
    struct lease_binding *b)
{
	(void)arg;
	(void)e;
	(void)b;
	FUZZ_CHECK(c != NULL);
}

/* Two neighbours, one that nobody knows, and hosts behind a router. */
static int
op_neighbour(void *arg, const struct addr *host, uint8_t mac[8])
{
	unsigned n = host->bytes[3] % 4;

	(void)arg;
	memset(mac, 0, 8);
	mac[0] = (uint8_t)n;
	return n == 3 ? -1 : n != 0;
}

static uint64_t alarm_at;

static void
op_alarm(void *arg, uint64_t at)
{
	(void)arg;
	alarm_at = at;
}

static const struct gateway_ops ops = {
	.demux_add = op_demux_add,
	.demux_remove = op_demux_remove,
	.send = op_send,
	.resolve = op_resolve,
	.neighbour = op_neighbour,
	.event = op_event,
	.alarm = op_alarm,
};

static const struct prefix *
host_prefix(uint32_t host)
{
	static struct prefix p;
	struct addr	     a = addr_from_v4(htonl(host));

	p = prefix_host(&a);
	return &p;
}

static struct policies *
make_policies(void)
{
	static const struct policy base = {
		.has = UINT32_MAX, .may_register = true,
		.local = RSIP_LOCAL_MACRO, .remote = RSIP_REMOTE_NONE,
		.listen = true, .ipsec = true, .rsa_ip = true,
		.ipip = true, .gre = true, .lease = 60, .lease_max = 600,
		.registration = 60, .max_bindings = 16, .max_ports = 24,
		.max_spis = 24,
	};
	struct policy	 p = { 0 };
	struct policies *all = policies_new(&base);

	FUZZ_CHECK(all != NULL);
	p.has = POLICY_HAS_REMOTE;
	p.remote = RSIP_REMOTE_MACRO;
	FUZZ_CHECK(policies_add(all, host_prefix(0x0a000001), &p) == 0);
	p.remote = RSIP_REMOTE_MICRO;
	FUZZ_CHECK(policies_add(all, host_prefix(0x0a000002), &p) == 0);
	p.has = POLICY_HAS_LOCAL;
	p.local = RSIP_LOCAL_MICRO;
	FUZZ_CHECK(policies_add(all, host_prefix(0x0a000003), &p) == 0);
	return all;
}

static struct gateway *
make_gateway(const struct policies *policies)
{
	struct gateway_config c = {
		.gateway = addr_from_v4(htonl(0x0a0000fe)), .udp = true,
		.max_registrations = HOSTS - 1, .max_bindings = BINDINGS,
		.policies = policies, .max_neighbour = 3,
		.from = { { addr_from_v4(htonl(0x0a000000)), 8 } }, .nfrom = 1,
	};
	struct pool_address shared = { .addr = addr_from_v4(htonl(0xc6336401)),
		.ports = { { PORTS_LO, PORTS_HI } }, .nports = 1 };
	struct pool_address whole = { .addr = addr_from_v4(htonl(0xc6336402)),
		.exclusive = true };
	struct pool    *pool = pool_new(1000, SPIS);
	struct gateway *g;

	FUZZ_CHECK(pool != NULL && pool_add(pool, &shared) == 0 &&
	    pool_add(pool, &whole) == 1);
	g = gateway_new(&c, pool, &ops, NULL);
	FUZZ_CHECK(g != NULL);
	return g;
}

/* A fuzzer does not guess identifiers: they are put where
 * they usually stand. */
static void
put_ids(uint8_t *msg, size_t len, unsigned host)
{
	static const uint8_t client[] = { 4, 0, 4 }, bind[] = { 5, 0, 4 };

	if (len >= 11 && memcmp(msg + 4, client, 3) == 0)
		store_u32(msg + 7, client_id[host]);
	if (len >= 18 && memcmp(msg + 11, bind, 3) == 0)
		store_u32(msg + 14, bind_id[host]);
}

static void
one_message(struct gateway *g, uint64_t now, uint8_t how, const uint8_t *data,
    size_t len)
{
	static uint8_t	    in[512], out[GATEWAY_MESSAGE_MAX];
	unsigned	    host = how % HOSTS;
	struct gateway_peer peer = {
		.host = addr_from_v4(htonl(0x0a000000 + host)),
		.transport = how & 0x10 ? GATEWAY_UDP : GATEWAY_TCP,
		.id = host };
	int		    n;

	if (len > sizeof(in))
		len = sizeof(in);
	if (len != 0)
		memcpy(in, data, len);
	if (how & 0x20)
		put_ids(in, len, host);
	if ((how & 0x40) && len >= 4)
		store_u16(in + 2, (uint16_t)len);
	n = gateway_input(g, now, &peer, in, len, out);
	FUZZ_CHECK(n == GATEWAY_LATER || (n >= 0 && n <= (int)sizeof(out)));
	if (n <= 0)
		return;
	check_answer(&peer.host, out, (size_t)n, false);
	FUZZ_CHECK(out[1] == RSIP_ERROR_RESPONSE || out[1] == in[1] + 1);
}

/*
 * Steps of one byte and what belongs to it.  0x80 and above: time passes, names
 * are resolved or packets misuse something; else a host sends the message of
 * the length in the next two bytes.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct policies *policies;
	struct addr	  addr = addr_from_v4(htonl(0xc633640a));
	struct pool_counts counts;
	struct lease_timer *first;
	struct gateway	 *g;
	struct addr	  host;
	struct cursor	  c;
	const uint8_t	 *msg;
	uint64_t	  now = 1000;
	size_t		  len;
	uint8_t		  how;

	if (policies == NULL) {
		log_init("fuzz_gateway", true, LOG_LEVEL_ERROR);
		policies = make_policies();
	}
	nlive = ntickets = 0;
	alarm_at = 0;
	memset(client_id, 0, sizeof(client_id));
	memset(bind_id, 0, sizeof(bind_id));
	g = make_gateway(policies);
	cursor_init(&c, data, size);
	while (cursor_left(&c) > 0) {
		how = cursor_u8(&c);
		if (how >= 0xc0) {
			now += (how & 0x3f) * 1000u;
			gateway_tick(g, now);
		} else if (how >= 0xa0) {
			host = addr_from_v4(htonl(0x0a000000 + how % HOSTS));
			gateway_misuse(g, now, &host,
			    (enum demux_verdict)(how >> 3 & 7),
			    bind_id[how % HOSTS]);
		} else if (how >= 0x80) {
			if (ntickets > 0)
				gateway_resolved(g, now, ticket[--ntickets],
				    &addr, how & 1);
		} else {
			len = cursor_u16(&c);
			if (len > cursor_left(&c))
				len = cursor_left(&c);
			msg = cursor_take(&c, len);
			one_message(g, now, how, msg, len);
		}
		first = leases_first(gateway_leases(g));
		FUZZ_CHECK(alarm_at == (first != NULL ? first->at : 0));
	}
	/* When all leases are over and have rested, everything is back. */
	now += 700 * 1000;
	gateway_tick(g, now);
	FUZZ_CHECK(nlive == 0);
	pool_count(gateway_pool(g), &counts);
	FUZZ_CHECK(counts.spis_leased == 0 && counts.whole == 0);
	FUZZ_CHECK(counts.ports_free + counts.ports_resting == counts.ports);
	gateway_free(g);
	return 0;
}
