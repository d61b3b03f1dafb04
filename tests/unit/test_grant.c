/* test_grant.c - a grant stands in pool, leases and demultiplexer alike, or in none of them */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "proto/rsip.h"
#include "nat/demux_inbound.h"
#include "rsipd/grant.h"

#define NB	0xc6336401u	/* 198.51.100.1 */
#define NW	0xc6336402u	/* 198.51.100.2, for one host as a whole */
#define XA	0x0a000002u

static const struct addr xa = { AF_INET, { 10, 0, 0, 2 } };
static const struct addr xb = { AF_INET, { 10, 0, 0, 3 } };

struct house {
	struct demux *demux;
	struct grant_tables tables;
	struct lease_client *client;
	size_t nb, nw;			/* indexes in the pool */
};

static struct demux_entry *
add(void *arg, const struct demux_binding *b)
{
	return demux_add(arg, b);
}

static void
take_away(void *arg, struct demux_entry *e)
{
	demux_remove(arg, e);
}

static int
setup(void **state)
{
	struct pool_address shared = { .addr = addr_from_v4(htonl(NB)),
		.nports = 1,
		.ports = { { 20000, 20099 } } };
	struct pool_address whole = { .addr = addr_from_v4(htonl(NW)),
		.exclusive = true };
	struct house	   *h = xcalloc(1, sizeof(*h));
	struct pool	   *p = pool_new(120000, 1024);

	h->demux = demux_new(1024);
	h->nb = (size_t)pool_add(p, &shared);
	h->nw = (size_t)pool_add(p, &whole);
	h->tables = (struct grant_tables){ .pool = p, .leases = leases_new(p),
		.demux_add = add, .demux_remove = take_away, .arg = h->demux };
	h->client = leases_register(h->tables.leases, &xa, 60000);
	*state = h;
	return 0;
}

static int
teardown(void **state)
{
	struct house *h = *state;

	leases_free(h->tables.leases);
	pool_free(h->tables.pool);
	demux_free(h->demux);
	free(h);
	return 0;
}

static const struct demux_range ports[] = {
	{ 20010, 20013 }, { 20020, 20020 }
};
static const uint16_t port[] = { 20010, 20011, 20012, 20013, 20020 };
static const uint32_t spis[] = { 0x1000, 0xfffffff0 };
static const uint64_t cookies[] = { 0x1122334455667788 };

/* As the pool gave it. */
static struct grant
taken(struct house *h)
{
	struct grant g = {
		.gateway = addr_from_v4(htonl(0x0a000001)),
		.local = addr_from_v4(htonl(NB)),
		.method = RSIP_METHOD_RSIPSEC, .tunnel = TUNNEL_IPIP,
		.remote_policy = DEMUX_REMOTE_NONE,
		.ranges = ports, .nranges = 2, .spis = spis, .nspis = 2,
		.cookies = cookies, .ncookies = 1, .expires = 30000,
	};

	assert_int_equal(pool_take_ports(h->tables.pool, 1000, h->nb, &xa,
	    port, 5), POOL_OK);
	assert_int_equal(pool_take_spis(h->tables.pool, 1000, h->nb, &xa,
	    spis, 2), POOL_OK);
	return g;
}

/* An ESP packet from outside to the shared address. */
static enum demux_verdict
esp(struct house *h, uint32_t spi, struct demux_target *to)
{
	uint8_t	 p[40] = { 0x45, 0, 0, 40, 0, 1, 0, 0, 64, 50, 0, 0,
		203, 0, 113, 9, 198, 51, 100, 1 };
	uint32_t be = htonl(spi), sum = 0;
	struct packet_view v;
	size_t	 i;

	memcpy(p + 20, &be, 4);
	for (i = 0; i < 20; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16)) & 0xffff;
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
	assert_true(packet_parse_ipv4(&v, p, sizeof(p)));
	return demux_inbound(h->demux, 1000, &v, to);
}

static size_t
keys(const struct house *h)
{
	size_t bindings, n, bytes;

	demux_count(h->demux, &bindings, &n, &bytes);
	return bindings + n;
}

static struct pool_counts
counts(const struct house *h)
{
	struct pool_counts c;

	pool_count(h->tables.pool, &c);
	return c;
}

static void
entered_in_all_three(void **state)
{
	struct house	     *h = *state;
	struct grant	      g = taken(h);
	struct lease_binding *b = grant_enter(&h->tables, h->client, h->nb, &g);
	struct demux_target   to;

	assert_non_null(b);
	assert_int_equal(esp(h, 0xfffffff0, &to), DEMUX_FORWARD);
	assert_int_equal(addr_v4(&to.host), htonl(XA));
	assert_int_equal(to.bind_id, b->bind_id);
	assert_ptr_equal(leases_binding(h->tables.leases, h->client,
	    b->bind_id), b);
	assert_int_equal(b->nports, 5);
	assert_int_equal(h->client->nports, 5);
	assert_int_equal(leases_first(h->tables.leases)->at, 30000);
}

/* RFC 3103 §10.5 and RFC 3104 §6.1: never half of it. */
static void
refused_by_one_it_is_in_none(void **state)
{
	struct house	     *h = *state;
	struct pool_counts    before = counts(h), after;
	struct grant	      g = taken(h);
	struct demux_binding  other = { .client_id = 1, .bind_id = 1,
		.host = addr_from_v4(htonl(XA + 1)), .gateway = g.gateway,
		.tunnel = TUNNEL_IPIP, .local = g.local, .ipsec = true,
		.cookies = cookies, .ncookies = 1,
		.remote_policy = DEMUX_REMOTE_NONE };
	struct demux_target   to;
	size_t		      was;

	assert_non_null(demux_add(h->demux, &other));
	was = keys(h);
	assert_null(grant_enter(&h->tables, h->client, h->nb, &g));
	assert_int_equal(errno, EEXIST);
	assert_int_equal(keys(h), was);
	assert_int_equal(leases_bindings(h->tables.leases), 0);
	assert_int_equal(h->client->nports, 0);
	assert_int_not_equal(esp(h, 0x1000, &to), DEMUX_FORWARD);
	grant_undo(h->tables.pool, h->nb, &g);
	after = counts(h);
	assert_int_equal(after.ports_free, before.ports_free);
	assert_int_equal(after.spis_leased, before.spis_leased);
	assert_int_equal(after.ports_resting, 0);
	assert_int_equal(after.spis_resting, 0);
}

static void
revoked_it_rests(void **state)
{
	struct house	  *h = *state;
	struct grant	   g = taken(h);
	size_t		   was = keys(h);
	struct demux_target to;

	grant_revoke(&h->tables, 2000, grant_enter(&h->tables, h->client,
	    h->nb, &g));
	assert_int_equal(keys(h), was);
	assert_int_not_equal(esp(h, 0x1000, &to), DEMUX_FORWARD);
	assert_int_equal(leases_bindings(h->tables.leases), 0);
	assert_int_equal(h->client->nspis, 0);
	assert_int_equal(counts(h).ports_resting, 5);
	assert_int_equal(counts(h).spis_resting, 2);
	/* RFC 3102 §6: for its own host only. */
	assert_int_equal(pool_take_ports(h->tables.pool, 3000, h->nb,
	    &xb, port, 5), POOL_INUSE);
	assert_int_equal(pool_take_ports(h->tables.pool, 3000, h->nb,
	    &xa, port, 5), POOL_OK);
}

/* What a store or a second gateway does with the record. */
static void
its_record_makes_it_anew(void **state)
{
	struct house	    *h = *state, *other;
	struct grant	     g = taken(h), record;
	struct lease_binding *b = grant_enter(&h->tables, h->client, h->nb,
				 &g), *c;
	struct lease_client *same;
	struct demux_target  to;

	assert_int_equal(setup((void **)&other), 0);
	grant_of(b, &record);
	assert_int_equal(record.ncookies, 1);
	assert_true(record.cookies[0] == cookies[0]);
	leases_deregister(other->tables.leases, other->client);
	same = leases_restore(other->tables.leases, &xa,
	    h->client->client_id, 9, 60000);
	assert_non_null(same);
	assert_null(leases_restore(other->tables.leases, &xb,
	    h->client->client_id, 9, 60000));
	record.gateway = g.gateway;
	c = grant_apply(&other->tables, 1000, same, &record);
	assert_non_null(c);
	assert_int_equal(c->bind_id, b->bind_id);
	assert_int_equal(esp(other, 0x1000, &to), DEMUX_FORWARD);
	assert_int_equal(to.client_id, h->client->client_id);
	assert_int_equal(counts(other).ports_free, counts(h).ports_free);
	assert_int_equal(keys(other), keys(h));
	/* Once only, and not beside what is somebody's. */
	assert_null(grant_apply(&other->tables, 1000, same, &record));
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(counts(other).ports_free, counts(h).ports_free);
	teardown((void **)&other);
}

static int
cannot(void *arg, struct lease_client *c, struct lease_binding *b)
{
	(void)arg;
	(void)c;
	(void)b;
	return -1;
}

static const struct grant_store full = { .keep = cannot };

static void
what_cannot_be_kept_is_not_given(void **state)
{
	struct house	     *h = *state;
	struct grant	      g = taken(h);
	size_t		      was = keys(h);
	struct lease_binding *b;

	h->tables.store = &full;
	assert_null(grant_enter(&h->tables, h->client, h->nb, &g));
	assert_int_equal(errno, EIO);
	assert_int_equal(keys(h), was);
	assert_int_equal(leases_bindings(h->tables.leases), 0);
	h->tables.store = NULL;
	assert_non_null(b = grant_enter(&h->tables, h->client, h->nb, &g));
	h->tables.store = &full;
	assert_int_equal(grant_extend(&h->tables, b, 90000), -1);
	assert_int_equal(b->timer.at, 30000);
}

static void
a_whole_address_too(void **state)
{
	struct house	     *h = *state;
	struct grant	      g = { .gateway = addr_from_v4(htonl(0x0a000001)),
		.local = addr_from_v4(htonl(NW)), .method = RSIP_METHOD_RSA_IP,
		.tunnel = TUNNEL_GRE, .remote_policy = DEMUX_REMOTE_MACRO,
		.remote = { .addr = addr_from_v4(htonl(0xcb007109)) },
		.expires = 30000 };
	struct lease_binding *b;

	assert_int_equal(pool_take_whole(h->tables.pool, 1000, h->nw,
	    &xa), POOL_OK);
	b = grant_enter(&h->tables, h->client, h->nw, &g);
	assert_non_null(b);
	assert_int_equal(b->pool, h->nw);
	assert_int_equal(addr_v4(&lease_remote(b)->addr), htonl(0xcb007109));
	assert_int_equal(counts(h).whole, 1);
	grant_revoke(&h->tables, 2000, b);
	assert_int_equal(counts(h).whole, 0);
	assert_int_equal(pool_take_whole(h->tables.pool, 3000, h->nw,
	    &xb), POOL_INUSE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(entered_in_all_three, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(refused_by_one_it_is_in_none,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(revoked_it_rests, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(its_record_makes_it_anew, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    what_cannot_be_kept_is_not_given, setup, teardown),
		cmocka_unit_test_setup_teardown(a_whole_address_too, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
