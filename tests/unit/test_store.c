/* test_store.c - records come back as they were, or not at all; ends by a clock that jumps */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "rsipd/store.h"

#ifdef HAVE_LMDB
#include <lmdb.h>
#endif

#define WALL	1800000000000u		/* milliseconds of the Epoch */

static const struct demux_range ranges[] = { { 20000, 20003 },
    { 20010, 20010 } };
static const uint32_t spis[] = { 0x100, 0xffffffff };
static const uint64_t cookies[] = { 0x0123456789abcdef };

static struct addr
text(const char *t)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, t), 0);
	return a;
}

static struct grant
example(void)
{
	return (struct grant){ .bind_id = 77, .local = text("198.51.100.1"),
		.method = RSIP_METHOD_RSIPSEC, .tunnel = TUNNEL_GRE,
		.remote_policy = DEMUX_REMOTE_MICRO,
		.remote = { text("198.51.100.10"), { 80, 90 } },
		.ranges = ranges, .nranges = 2, .spis = spis, .nspis = 2,
		.cookies = cookies, .ncookies = 1, .expires = 61000 };
}

static int
decode(struct grant *g, struct store_room *room, uint64_t now, uint64_t wall,
    const uint8_t *value, size_t len)
{
	uint8_t	 key[STORE_KEY_MAX];
	size_t	 keylen = store_grant_key(key, 5, 77);
	uint32_t client_id;
	int	 rc;

	rc = store_grant_decode(g, &client_id, room, now, wall, key, keylen,
	    value, len);
	if (rc == 0)
		assert_int_equal(client_id, 5);
	return rc;
}

static void
a_grant_comes_back(void **state)
{
	struct grant	  g = example(), got;
	struct store_room room;
	uint8_t		  value[STORE_RECORD_MAX];
	size_t		  len = store_grant_encode(value, 1000, WALL, &g);

	(void)state;
	/* Another life: its clock began anew. */
	assert_int_equal(decode(&got, &room, 50, WALL + 20000, value, len), 0);
	assert_int_equal(got.expires, 50 + 40000);
	assert_int_equal(got.bind_id, 77);
	assert_true(addr_equal(&got.local, &g.local));
	assert_int_equal(got.tunnel, TUNNEL_GRE);
	assert_true(addr_equal(&got.remote.addr, &g.remote.addr));
	assert_int_equal(got.remote.ports.hi, 90);
	assert_int_equal(got.nranges, 2);
	assert_memory_equal(got.ranges, ranges, sizeof(ranges));
	assert_memory_equal(got.spis, spis, sizeof(spis));
	assert_memory_equal(got.cookies, cookies, sizeof(cookies));
}

/* Routers without a battery wake in 1970, or in the year of their firmware. */
static void
a_clock_that_went_back_takes_nothing(void **state)
{
	struct grant	  g = example(), got;
	struct store_room room;
	uint8_t		  value[STORE_RECORD_MAX];
	size_t		  len = store_grant_encode(value, 1000, WALL, &g);

	(void)state;
	assert_int_equal(decode(&got, &room, 50, 1000, value, len), 0);
	assert_int_equal(got.expires, 50 + 60000);
	assert_int_equal(decode(&got, &room, 50, WALL * 2, value, len), 0);
	assert_int_equal(got.expires, 50);
}

static void
damaged_bytes_are_no_grant(void **state)
{
	struct grant	  g = example(), got;
	struct store_room room;
	uint8_t		  value[STORE_RECORD_MAX], bad[STORE_RECORD_MAX];
	size_t		  len = store_grant_encode(value, 1000, WALL, &g), i, k;
	unsigned	  x;

	(void)state;
	for (i = 0; i < len; i++)
		assert_int_equal(decode(&got, &room, 50, WALL, value, i), -1);
	memcpy(bad, value, len);
	bad[len] = 0;
	assert_int_equal(decode(&got, &room, 50, WALL, bad, len + 1), -1);
	/* Whatever is taken is within what tables can be given. */
	for (i = 0; i < len; i++) {
		for (x = 1; x < 256; x++) {
			memcpy(bad, value, len);
			bad[i] = (uint8_t)(bad[i] ^ x);
			if (decode(&got, &room, 50, WALL, bad, len) == -1)
				continue;
			for (k = 0; k < got.nranges; k++)
				assert_true(got.ranges[k].lo != 0 &&
				    got.ranges[k].lo <= got.ranges[k].hi);
			assert_true(got.nspis < 2 ||
			    got.spis[0] != got.spis[1]);
			assert_true(got.method >= 1 && got.method <= 3);
		}
	}
}

static void
what_was_freed_is_read_to_the_byte(void **state)
{
	struct grant	  g = example(), got;
	struct store_room room;
	struct cursor	  c;
	uint8_t		  value[2 * STORE_RECORD_MAX];
	size_t		  one, len, i;
	struct addr	  first = text("10.0.0.11"), host;
	struct addr	  second = text("2001:db8::12");
	const uint8_t	  version = 2;

	(void)state;
	one = store_rest_encode(value, &first, &g);
	assert_int_not_equal(one, 0);
	len = one + store_rest_encode(value + one, &second, &g);
	cursor_init(&c, value, len);
	assert_int_equal(store_rest_decode(&c, version, &host, &got, &room),
	    0);
	assert_true(addr_equal(&host, &first));
	assert_true(addr_equal(&got.local, &g.local));
	assert_int_equal(got.nspis, 2);
	assert_int_equal(got.ranges[0].hi, 20003);
	assert_int_equal(got.ncookies, 0);
	assert_int_equal(store_rest_decode(&c, version, &host, &got, &room),
	    0);
	assert_true(addr_equal(&host, &second));
	assert_int_equal(cursor_left(&c), 0);
	for (i = 0; i < one; i++) {
		cursor_init(&c, value, i);
		assert_int_equal(store_rest_decode(&c, version, &host, &got,
		    &room), -1);
	}
}

static void
a_registration_comes_back(void **state)
{
	struct store_client c = { .host = text("10.0.0.2"), .client_id = 9,
		.next_bind_id = 3, .transport = 2, .authentic = true,
		.expires = 11000, .fqdn = "x1.lab" }, got;
	uint8_t		    value[STORE_RECORD_MAX], key[STORE_KEY_MAX];
	char		    fqdn[256];
	size_t		    keylen = store_client_key(key, 9), i;
	size_t		    len = store_client_encode(value, 1000, WALL, &c);

	(void)state;
	for (i = 0; i < len; i++)
		assert_int_equal(store_client_decode(&got, fqdn, 50, WALL, key,
		    keylen, value, i), -1);
	assert_int_equal(store_client_decode(&got, fqdn, 50, WALL + 4000, key,
	    keylen, value, len), 0);
	assert_true(addr_equal(&got.host, &c.host));
	assert_int_equal(got.client_id, 9);
	assert_int_equal(got.next_bind_id, 3);
	assert_true(got.authentic);
	assert_false(got.privileged);
	assert_string_equal(got.fqdn, "x1.lab");
	assert_int_equal(got.expires, 50 + 6000);
	/* A grant's key has no registration. */
	assert_int_equal(store_client_decode(&got, fqdn, 50, WALL, key,
	    store_grant_key(key, 9, 1), value, len), -1);
}

static void
addresses_of_either_family_come_back(void **state)
{
	struct grant	  g = example(), got;
	struct store_room room;
	uint8_t		  value[STORE_RECORD_MAX];
	size_t		  len;

	(void)state;
	g.local = text("2001:db8::1");
	g.remote.addr = (struct addr){ 0 };
	g.remote_policy = DEMUX_REMOTE_NONE;
	len = store_grant_encode(value, 1000, WALL, &g);
	assert_int_equal(decode(&got, &room, 50, WALL, value, len), 0);
	assert_true(addr_equal(&got.local, &g.local));
	assert_false(addr_is_set(&got.remote.addr));
	/* One address has one form: no family 5, nothing behind four bytes. */
	value[1] = 5;
	assert_int_equal(decode(&got, &room, 50, WALL, value, len), -1);
	value[1] = 4;
	assert_int_equal(decode(&got, &room, 50, WALL, value, len), -1);
	value[1] = 0;
	assert_int_equal(decode(&got, &room, 50, WALL, value, len), -1);
}

/* --- what the version before wrote ---------------------------------------- */

static const uint8_t client_1[] = {
	0x01, 0x0a, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x03, 0x02,
	0x01, 0x00, 0x00, 0x01, 0xa3, 0x18, 0x5c, 0x50, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x27, 0x10, 0x06, 0x78, 0x31,
	0x2e, 0x6c, 0x61, 0x62
};
static const uint8_t grant_1[] = {
	0x01, 0xc6, 0x33, 0x64, 0x01, 0x03, 0x02, 0x00, 0x02, 0xc6,
	0x33, 0x64, 0x0a, 0x00, 0x50, 0x00, 0x5a, 0x00, 0x00, 0x01,
	0xa3, 0x18, 0x5c, 0x50, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0xea, 0x60, 0x00, 0x02, 0x00, 0x02, 0x00, 0x01, 0x4e,
	0x20, 0x4e, 0x23, 0x4e, 0x2a, 0x4e, 0x2a, 0x00, 0x00, 0x01,
	0x00, 0xff, 0xff, 0xff, 0xff, 0x01, 0x23, 0x45, 0x67, 0x89,
	0xab, 0xcd, 0xef
};
static const uint8_t rest_1[] = {
	0x0a, 0x00, 0x00, 0x0b, 0x00, 0x37, 0x01, 0xc6, 0x33, 0x64,
	0x01, 0x03, 0x02, 0x00, 0x02, 0xc6, 0x33, 0x64, 0x0a, 0x00,
	0x50, 0x00, 0x5a, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x02, 0x00, 0x02, 0x00, 0x00, 0x4e, 0x20, 0x4e, 0x23, 0x4e,
	0x2a, 0x4e, 0x2a, 0x00, 0x00, 0x01, 0x00, 0xff, 0xff, 0xff,
	0xff
};

/* What a load has handed over. */
struct loaded {
	struct store_client client;
	struct grant grant;
	struct addr  rested;
	unsigned     clients, grants, rests;
};

static void
assert_is_example(const struct loaded *l)
{
	struct grant g = example();
	struct addr  host = text("10.0.0.2"), rested = text("10.0.0.11");

	assert_int_equal(l->clients, 1);
	assert_true(addr_equal(&l->client.host, &host));
	assert_int_equal(l->client.client_id, 9);
	assert_int_equal(l->client.next_bind_id, 3);
	assert_int_equal(l->client.expires, 50 + 10000);
	assert_true(l->client.authentic);
	assert_int_equal(l->grants, 1);
	assert_int_equal(l->grant.bind_id, 77);
	assert_true(addr_equal(&l->grant.local, &g.local));
	assert_true(addr_equal(&l->grant.remote.addr, &g.remote.addr));
	assert_int_equal(l->grant.remote.ports.hi, 90);
	assert_int_equal(l->grant.expires, 50 + 60000);
	assert_int_equal(l->rests, 1);
	assert_true(addr_equal(&l->rested, &rested));
}

static void
the_first_layout_is_read(void **state)
{
	struct loaded	    l = { .clients = 1, .grants = 1, .rests = 1 };
	struct store_room   room;
	struct cursor	    c;
	struct grant	    g;
	uint8_t		    key[STORE_KEY_MAX];
	char		    fqdn[256];
	size_t		    i;

	(void)state;
	assert_int_equal(store_client_decode(&l.client, fqdn, 50, WALL, key,
	    store_client_key(key, 9), client_1, sizeof(client_1)), 0);
	assert_string_equal(l.client.fqdn, "x1.lab");
	assert_int_equal(decode(&l.grant, &room, 50, WALL, grant_1,
	    sizeof(grant_1)), 0);
	cursor_init(&c, rest_1, sizeof(rest_1));
	assert_int_equal(store_rest_decode(&c, 1, &l.rested, &g, &room), 0);
	assert_int_equal(cursor_left(&c), 0);
	assert_is_example(&l);
	for (i = 0; i < sizeof(grant_1); i++)
		assert_int_equal(decode(&g, &room, 50, WALL, grant_1, i), -1);
	for (i = 0; i < sizeof(rest_1); i++) {
		cursor_init(&c, rest_1, i);
		assert_int_equal(store_rest_decode(&c, 1, &l.rested, &g, &room),
		    -1);
	}
	/* A record of a version to come is not. */
	cursor_init(&c, rest_1, sizeof(rest_1));
	assert_int_equal(store_rest_decode(&c, 3, &l.rested, &g, &room), -1);
}

#ifdef HAVE_LMDB
static int
take_client(void *arg, const struct store_client *c)
{
	struct loaded *l = arg;

	l->client = *c;
	l->client.fqdn = NULL;
	l->clients++;
	return 0;
}

static int
take_grant(void *arg, uint32_t client_id, const struct grant *g)
{
	struct loaded *l = arg;

	assert_int_equal(client_id, 9);
	assert_memory_equal(g->ranges, ranges, sizeof(ranges));
	assert_memory_equal(g->spis, spis, sizeof(spis));
	assert_memory_equal(g->cookies, cookies, sizeof(cookies));
	l->grant = *g;
	l->grants++;
	return 0;
}

static void
take_rest(void *arg, const struct addr *host, const struct grant *g)
{
	struct loaded *l = arg;

	assert_memory_equal(g->ranges, ranges, sizeof(ranges));
	l->rested = *host;
	l->rests++;
}

static void
remove_folder(const char *folder, const char *path)
{
	char journal[80];

	unlink(path);
	snprintf(journal, sizeof(journal), "%s.1", path);
	unlink(journal);
	snprintf(journal, sizeof(journal), "%s.2", path);
	unlink(journal);
	assert_int_equal(rmdir(folder), 0);
}

static void
write_record(MDB_txn *txn, MDB_dbi dbi, uint8_t *key, size_t keylen,
    const uint8_t *value, size_t len)
{
	MDB_val k = { keylen, key }, v = { len, (void *)(uintptr_t)value };

	assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
}

/* A file as the version before left it. */
static void
write_first_layout(const char *path)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi	 dbi;
	uint8_t	 key[STORE_KEY_MAX];

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK,
	    0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	write_record(txn, dbi, key, store_client_key(key, 9), client_1,
	    sizeof(client_1));
	write_record(txn, dbi, key, store_grant_key(key, 9, 77), grant_1,
	    sizeof(grant_1));
	/* The key of a version 1 record had no version. */
	assert_int_equal(store_rest_key(key, WALL - 1000), 10);
	write_record(txn, dbi, key, 9, rest_1, sizeof(rest_1));
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static struct loaded
load(const char *path, uint64_t rest)
{
	struct loaded		  l = { 0 };
	const struct store_reader r = { take_client, take_grant, take_rest,
	    &l };
	struct store		 *s = store_open(path, STORE_COMMIT, 16, rest);
	struct store_counts	  counts;

	assert_non_null(s);
	assert_int_equal(store_load(s, 50, WALL, &r), 0);
	store_count(s, &counts);
	assert_int_equal(counts.loaded, l.clients + l.grants);
	store_close(s);
	return l;
}

/* An upgrade ends no lease, and what rests goes on to rest. */
static void
a_file_of_the_first_layout_goes_on(void **state)
{
	char	      folder[] = "/tmp/test_store.XXXXXX", path[64];
	struct loaded l;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/leases", folder);
	write_first_layout(path);
	l = load(path, 120000);
	assert_is_example(&l);
	/* All is there for the next start too, but for what has rested. */
	l = load(path, 120000);
	assert_is_example(&l);
	l = load(path, 500);
	assert_int_equal(l.grants, 1);
	assert_int_equal(l.rests, 0);
	l = load(path, 120000);
	assert_int_equal(l.rests, 0);
	remove_folder(folder, path);
}

/* A file of a version to come is not taken, and stays as it is. */
static void
a_newer_file_is_left_alone(void **state)
{
	char	folder[] = "/tmp/test_store.XXXXXX", path[64];
	uint8_t key[STORE_KEY_MAX], value[sizeof(grant_1)];
	struct loaded		  l = { 0 };
	const struct store_reader r = { take_client, take_grant, take_rest,
	    &l };
	struct store *s;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi	 dbi;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/leases", folder);
	write_first_layout(path);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK,
	    0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	memcpy(value, grant_1, sizeof(value));
	value[0] = 3;
	write_record(txn, dbi, key, store_grant_key(key, 9, 78), value,
	    sizeof(value));
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
	assert_non_null(s = store_open(path, STORE_COMMIT, 16, 120000));
	assert_int_equal(store_load(s, 50, WALL, &r), -1);
	store_close(s);
	/* Neither has it lost what this version can read. */
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK,
	    0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
	assert_int_equal(mdb_del(txn, dbi, &(MDB_val){ store_grant_key(key, 9,
	    78), key }, NULL), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
	l = load(path, 120000);
	assert_is_example(&l);
	remove_folder(folder, path);
}

/* A gateway that ends at once after that, as one that is killed. */
static void
put_and_die(const char *path, struct lease_client *c, struct lease_binding *b,
    bool turn)
{
	struct store *s;
	pid_t	      pid = fork();
	int	      status;

	if (pid == 0) {
		s = store_open(path, STORE_COMMIT, 16, 120000);
		if (s == NULL || store_put(s, 50, WALL, c, b) != 1 ||
		    store_commit(s) != 0)
			_exit(1);
		if (turn) {
			store_turn(s);
			while (store_is_due(s))
				usleep(1000);
			if (!store_remove(s, WALL, c, b) ||
			    store_commit(s) != 0)
				_exit(1);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* What a registration and a binding become on the disk, and are again. */
static void
what_was_put_is_loaded(void **state)
{
	char		      folder[] = "/tmp/test_store.XXXXXX", path[64];
	struct pool	     *pool = pool_new(0, 16);
	struct leases	     *leases = leases_new(pool);
	struct lease_client  *c;
	struct lease_binding *b;
	struct addr	      host = text("10.0.0.2");
	struct grant	      g = example();
	struct pool_address   a = { .addr = g.local, .nports = 1,
		.ports = { ranges[0] } };
	struct loaded	      l;
	struct store	     *s;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/leases", folder);
	c = leases_restore(leases, &host, 9, 3, 10050);
	assert_non_null(c);
	c->transport = 2;
	b = lease_binding_new(leases, c, 77, 2, 2, 1, DEMUX_REMOTE_MICRO);
	assert_non_null(b);
	b->pool = (uint16_t)pool_add(pool, &a);
	b->method = g.method & 3u;
	b->tunnel = g.tunnel & 3u;
	*lease_remote(b) = g.remote;
	memcpy(lease_ranges(b), ranges, sizeof(ranges));
	memcpy(lease_spis(b), spis, sizeof(spis));
	memcpy(lease_cookies(b), cookies, sizeof(cookies));
	assert_int_equal(leases_bind(leases, b, 60050), 0);
	s = store_open(path, STORE_COMMIT, 16, 120000);
	assert_non_null(s);
	assert_int_equal(store_put(s, 50, WALL, c, b), 1);
	assert_int_equal(store_commit(s), 0);
	store_close(s);
	l = load(path, 120000);
	assert_int_equal(l.clients, 1);
	assert_int_equal(l.grants, 1);
	assert_true(addr_equal(&l.grant.local, &g.local));
	assert_true(addr_equal(&l.grant.remote.addr, &g.remote.addr));
	s = store_open(path, STORE_COMMIT, 16, 120000);
	assert_non_null(s);
	assert_int_equal(store_remove(s, WALL, c, b), 1);
	store_close(s);
	l = load(path, 120000);
	assert_int_equal(l.grants, 0);
	assert_int_equal(l.rests, 1);
	assert_true(addr_equal(&l.rested, &host));
	/* From the journal; and from file and journal together. */
	put_and_die(path, c, b, false);
	l = load(path, 120000);
	assert_int_equal(l.clients, 1);
	assert_int_equal(l.grants, 1);
	put_and_die(path, c, b, true);
	l = load(path, 120000);
	assert_int_equal(l.clients, 1);
	assert_int_equal(l.grants, 0);
	/* Another file's journals say nothing: this one is new. */
	put_and_die(path, c, b, false);
	unlink(path);
	l = load(path, 120000);
	assert_int_equal(l.clients, 0);
	assert_int_equal(l.grants, 0);
	leases_free(leases);
	pool_free(pool);
	remove_folder(folder, path);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_grant_comes_back),
		cmocka_unit_test(a_clock_that_went_back_takes_nothing),
		cmocka_unit_test(damaged_bytes_are_no_grant),
		cmocka_unit_test(what_was_freed_is_read_to_the_byte),
		cmocka_unit_test(a_registration_comes_back),
		cmocka_unit_test(addresses_of_either_family_come_back),
		cmocka_unit_test(the_first_layout_is_read),
#ifdef HAVE_LMDB
		cmocka_unit_test(a_file_of_the_first_layout_goes_on),
		cmocka_unit_test(a_newer_file_is_left_alone),
		cmocka_unit_test(what_was_put_is_loaded),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
