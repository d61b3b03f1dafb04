/* test_demux_bindings.c - what a binding holds, what its packets taught and for how long, and readers beside its end */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/util.h"
#include "tests/unit/demux_world.h"
#include "tests/unit/demux_ids.h"

/* --- bindings ------------------------------------------------------------- */

static void
test_all_or_nothing(void **state)
{
	static const uint32_t spis[] = { 0x5001, 0x1001 };
	struct demux	     *d = two_hosts();
	struct demux_binding  b = binding(3, X2);
	struct demux_range    over = { 20100, 20200 };
	size_t		      before, after, n;

	(void)state;
	demux_count(d, &n, &before, NULL);
	b.spis = spis;
	b.nspis = 2;
	assert_null(demux_add(d, &b));
	assert_int_equal(errno, EEXIST);
	assert_in(d, make_esp(Y, NB, 0x5001), DEMUX_DROP);
	b.nspis = 1;
	b.ports = &over;
	b.nports = 1;
	assert_null(demux_add(d, &b));
	assert_int_equal(errno, EEXIST);
	assert_in(d, make_port(6, Y, NB, 1, 20200), DEMUX_NOT_OURS);
	over = (struct demux_range) { 30000, 49999 };
	b.client_id = 9;
	b.nports = 1;
	assert_null(demux_add(d, &b));
	assert_int_equal(errno, ENOSPC);
	demux_count(d, &n, &after, NULL);
	assert_int_equal(n, 2);
	assert_int_equal(before, after);
	demux_free(d);
}

#define NB2	"198.51.100.2"

/* Each of several gateways draws ids of its own. */
static void
test_same_ids_of_two_gateways(void **state)
{
	static const struct demux_range ports = { 30000, 30063 };
	struct demux_binding b = binding(1, X2);
	struct demux_usage   u;
	struct demux	    *d = two_hosts();

	(void)state;
	b.ports = &ports;
	b.nports = 1;
	b.grantor = 1;
	b.local = addr(NB2);
	assert_non_null(demux_add(d, &b));
	assert_int_equal(out(d, X2, make_port(17, NB2, Y, 30000, 53)),
	    DEMUX_FORWARD);
	assert_int_equal(demux_usage_ids(d, 1, 1, 1, &u), 0);
	assert_int_equal(u.packets_out, 1);
	assert_int_equal(demux_usage_ids(d, 0, 1, 1, &u), 0);
	assert_int_equal(u.packets_out, 0);
	assert_int_equal(demux_remove_ids(d, 0, 1, 1), 0);
	assert_to(d, make_port(17, Y, NB2, 53, 30000), X2);
	assert_int_equal(demux_remove_ids(d, 1, 1, 1), 0);
	assert_in(d, make_port(17, Y, NB2, 53, 30000), DEMUX_NOT_OURS);
	demux_free(d);
}

/* RFC 3103 §10.2.2. */
static void
test_remove_forgets_all(void **state)
{
	struct demux_usage u;
	struct demux	  *d = two_hosts();

	(void)state;
	assert_int_equal(out(d, X1, make_ike(NB, Y, 500, 7)), DEMUX_FORWARD);
	assert_int_equal(out(d, X1, make_echo(NB, Y, 8, 7)), DEMUX_FORWARD);
	assert_int_equal(out(d, X1, make_esp(NB, Y, 0x77)), DEMUX_FORWARD);
	assert_to(d, make_ike(Y, NB, 500, 7), X1);
	assert_int_equal(demux_usage_ids(d, 0, 1, 1, &u), 0);
	assert_int_equal(u.packets_out, 3);
	assert_int_equal(u.packets_in, 1);
	assert_int_equal(u.last_used, NOW);
	assert_int_equal(demux_remove_ids(d, 0, 1, 1), 0);
	assert_int_equal(demux_remove_ids(d, 0, 1, 1), -1);
	assert_int_equal(demux_usage_ids(d, 0, 1, 1, &u), -1);
	assert_in(d, make_ike(Y, NB, 500, 7), DEMUX_DROP);
	assert_in(d, make_echo(Y, NB, 0, 7), DEMUX_NOT_OURS);
	assert_in(d, make_esp(Y, NB, 0x1001), DEMUX_DROP);
	assert_in(d, make_port(17, Y, NB, 1, 20000), DEMUX_NOT_OURS);
	make_esp(NB, Y, 0x77);
	assert_in(d, make_error(Y, NB, 3, 28), DEMUX_NOT_OURS);
	assert_to(d, make_esp(Y, NB, 0x2001), X2);
	assert_int_equal(
	    out(d, X1, make_port(17, NB, Y, 20000, 1)), DEMUX_MISUSE_ADDR);
	/* Another takes the same things. */
	assert_int_equal(out(d, X2, make_ike(NB, Y, 500, 7)), DEMUX_FORWARD);
	assert_to(d, make_ike(Y, NB, 500, 7), X2);
	demux_tick(d, NOW);
	demux_free(d);
}

static void
test_learnt_keys_expire(void **state)
{
	struct demux *d = two_hosts();
	size_t	      before, with, after;

	(void)state;
	demux_count(d, NULL, &before, NULL);
	assert_int_equal(out(d, X1, make_echo(NB, Y, 8, 7)), DEMUX_FORWARD);
	assert_int_equal(out(d, X1, make_ike(NB, Y, 500, 7)), DEMUX_FORWARD);
	demux_count(d, NULL, &with, NULL);
	assert_int_equal(with, before + 2);
	for (unsigned i = 0; i < 4; i++)
		demux_tick(d, NOW + 59000);
	assert_to(d, make_echo(Y, NB, 0, 7), X1);
	for (unsigned i = 0; i < 4; i++)
		demux_tick(d, NOW + 62000);
	assert_in(d, make_echo(Y, NB, 0, 7), DEMUX_NOT_OURS);
	assert_to(d, make_ike(Y, NB, 500, 7), X1);
	for (unsigned i = 0; i < 4; i++)
		demux_tick(d, NOW + 25 * 3600 * 1000);
	assert_in(d, make_ike(Y, NB, 500, 7), DEMUX_DROP);
	demux_count(d, NULL, &after, NULL);
	assert_int_equal(after, before);
	demux_free(d);
}

static void
test_learning_is_bounded(void **state)
{
	struct demux *d = two_hosts();
	size_t	      before, after;

	(void)state;
	demux_count(d, NULL, &before, NULL);
	for (unsigned i = 1; i <= 5000; i++)
		assert_int_equal(out_at(d, NOW + i * 1000, X1,
				     make_ike(NB, Y, 500, i)),
		    DEMUX_FORWARD);
	demux_count(d, NULL, &after, NULL);
	assert_true(after - before <= 256);
	/* The latest are there, and the other host's work. */
	assert_to(d, make_ike(Y, NB, 500, 5000), X1);
	assert_int_equal(out(d, X2, make_ike(NB, Y, 500, 77777)),
	    DEMUX_FORWARD);
	assert_to(d, make_ike(Y, NB, 500, 77777), X2);
	demux_free(d);
}

/* What one host taught and left idle is another's when that uses it. */
static void
test_learnt_keys_are_taken_over(void **state)
{
	struct demux *d = two_hosts();
	size_t	      before, after;

	(void)state;
	assert_int_equal(
	    out(d, X1, make_esp(NB, Y, 0x9001)), DEMUX_FORWARD);
	demux_count(d, NULL, &before, NULL);
	/* In use: both may send, errors are the first one's. */
	assert_int_equal(out_at(d, NOW + 59000, X2, make_esp(NB, Y, 0x9001)),
	    DEMUX_FORWARD);
	make_esp(NB, Y, 0x9001);
	assert_to(d, make_error(Y2, NB, 3, 28), X1);
	/* Idle: the second's. */
	assert_int_equal(out_at(d, NOW + 61000, X2, make_esp(NB, Y, 0x9001)),
	    DEMUX_FORWARD);
	make_esp(NB, Y, 0x9001);
	assert_to(d, make_error(Y2, NB, 3, 28), X2);
	demux_count(d, NULL, &after, NULL);
	assert_int_equal(after, before);
	/* The first comes back too soon, and leaves nothing
	 * behind when it ends. */
	assert_int_equal(out_at(d, NOW + 62000, X1, make_esp(NB, Y, 0x9001)),
	    DEMUX_FORWARD);
	assert_int_equal(demux_remove_ids(d, 0, 1, 1), 0);
	make_esp(NB, Y, 0x9001);
	assert_to(d, make_error(Y2, NB, 3, 28), X2);
	/* What was leased is never taken over. */
	assert_int_equal(out_at(d, NOW + 3600000, X2,
			     make_esp(NB, Y, 0x9001)),
	    DEMUX_FORWARD);
	assert_to(d, make_esp(Y, NB, 0x2001), X2);
	demux_free(d);
}

/* A lease's second binding of the same host takes over at once. */
static void
test_learnt_keys_move_within_a_host(void **state)
{
	struct demux	    *d = two_hosts();
	struct demux_binding b = binding(1, X1);

	(void)state;
	assert_int_equal(
	    out(d, X1, make_esp(NB, Y, 0x9001)), DEMUX_FORWARD);
	b.bind_id = 2;
	assert_non_null(demux_add(d, &b));
	assert_int_equal(
	    out(d, X1, make_esp(NB, Y, 0x9001)), DEMUX_FORWARD);
	/* The SPI is still the first binding's, and ends with it. */
	assert_int_equal(demux_remove_ids(d, 0, 1, 1), 0);
	make_esp(NB, Y, 0x9001);
	assert_in(d, make_error(Y2, NB, 3, 28), DEMUX_NOT_OURS);
	assert_int_equal(
	    out(d, X1, make_esp(NB, Y, 0x9001)), DEMUX_FORWARD);
	make_esp(NB, Y, 0x9001);
	assert_to(d, make_error(Y2, NB, 3, 28), X1);
	demux_free(d);
}

/* A cookie that is in use stays when many others are seen once. */
static void
test_what_is_used_is_kept(void **state)
{
	struct demux *d = two_hosts();

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t now = NOW + i * 2000;

		assert_int_equal(out_at(d, now, X1, make_ike(NB, Y, 500, 7)),
		    DEMUX_FORWARD);
		assert_int_equal(
		    out_at(d, now, X1, make_ike(NB, Y, 500, 1000 + i)),
		    DEMUX_FORWARD);
		/* Pings have a budget of their own. */
		assert_int_equal(
		    out_at(d, now, X1, make_echo(NB, Y, 8, (uint16_t)i)),
		    DEMUX_FORWARD);
	}
	assert_to(d, make_ike(Y, NB, 500, 7), X1);
	assert_in(d, make_ike(Y, NB, 500, 1000), DEMUX_DROP);
	demux_free(d);
}

/* Two addresses that the table cannot tell apart would be one host's. */
static void
test_only_ipv4_is_bound(void **state)
{
	struct demux	    *d = two_hosts();
	struct demux_binding good = binding(7, "10.0.0.17"), b;
	struct addr	     six = addr("2001:db8::7"), none = { 0 };
	struct addr	    *part[] = { &b.host, &b.gateway, &b.local };
	size_t		     i;

	(void)state;
	for (i = 0; i < 3; i++) {
		b = good;
		*part[i] = six;
		assert_null(demux_add(d, &b));
		assert_int_equal(errno, EAFNOSUPPORT);
		*part[i] = none;
		assert_null(demux_add(d, &b));
		assert_int_equal(errno, EAFNOSUPPORT);
	}
	b = good;
	b.remote_policy = DEMUX_REMOTE_MACRO;
	b.remote = six;
	assert_null(demux_add(d, &b));
	assert_int_equal(errno, EAFNOSUPPORT);
	assert_false(demux_holds(d, &six, &good.local));
	assert_false(demux_holds(d, &none, &good.local));
	assert_non_null(demux_add(d, &good));
	assert_true(demux_holds(d, &good.host, &good.local));
	demux_free(d);
}

static void
count_entry(void *arg, const struct demux_row *e)
{
	unsigned *n = arg;

	assert_non_null(e->kind);
	(*n)++;
}

static void
test_each(void **state)
{
	struct demux *d = two_hosts();
	unsigned      n = 0;

	(void)state;
	out(d, X1, make_ike(NB, Y, 500, 7));
	demux_each(d, count_entry, &n);
	assert_int_equal(n, 2 + 3 + 1);	/* ports, SPIs, cookie */
	demux_free(d);
}

static void
test_many_bindings(void **state)
{
	struct demux	    *d = demux_new(300000);
	struct demux_binding b = binding(1, X1);
	uint32_t	     spi;
	struct demux_target  t;
	/* Looked for by their ids each would walk the table. */
	static struct demux_entry *all[100000];

	(void)state;
	b.spis = &spi;
	b.nspis = 1;
	for (uint32_t i = 0; i < 100000; i++) {
		b.client_id = i;
		b.host = addr_from_v4(htonl(0x0a000001 + i));
		spi = 0x10000 + i;
		all[i] = demux_add(d, &b);
		assert_non_null(all[i]);
	}
	for (uint32_t i = 0; i < 100000; i++) {
		size_t n = make_esp(Y, NB, 0x10000 + i);

		assert_int_equal(in(d, n, &t), DEMUX_FORWARD);
		assert_int_equal(t.client_id, i);
	}
	for (uint32_t i = 0; i < 100000; i += 2)
		demux_remove(d, all[i]);
	demux_tick(d, NOW);
	for (uint32_t i = 0; i < 100000; i++)
		assert_in(d, make_esp(Y, NB, 0x10000 + i),
		    i % 2 == 0 ? DEMUX_DROP : DEMUX_FORWARD);
	demux_free(d);
}

/* --- readers beside the writer -------------------------------------------- */

struct race {
	struct demux *d;
	_Atomic bool stop;
	_Atomic unsigned next, wrong, seen;
};

/* An SPI leads to its own client or to nobody, at any moment. */
static void *
race_reader(void *arg)
{
	struct race	   *r = arg;
	unsigned	    me = atomic_fetch_add(&r->next, 1);
	uint8_t		    p[64], q[64];
	struct demux_target t;
	struct packet_view  v;
	struct addr	    host;
	size_t		    n, m;
	uint32_t	    i = me;

	memset(p, 0, sizeof(p));
	memset(q, 0, sizeof(q));
	n = make_ip(p, Y, NB, IPPROTO_ESP, 24);
	m = make_ip(q, NB, Y, IPPROTO_ICMP, 12);
	q[20] = 8;
	while (!atomic_load(&r->stop)) {
		demux_online(r->d, me);
		for (unsigned k = 0; k < 64; k++) {
			i = (i * 1103515245 + 12345) % 512;
			store_u32(p + 20, 0x10000 + i);
			if (ask_inbound(r->d, p, n, &t)
			    == DEMUX_FORWARD) {
				atomic_fetch_add(&r->seen, 1);
				if (t.client_id != i)
					atomic_fetch_add(&r->wrong, 1);
			}
			store_u16(q + 24, (uint16_t)i);
			host = addr_from_v4(htonl(0x0a000001 + i));
			if (packet_parse_ipv4(&v, q, m))
				(void)demux_outbound(r->d, NOW, &host,
				    TUNNEL_IPIP, &v, &t);
		}
		demux_offline(r->d, me);
	}
	return NULL;
}

static void
test_readers_beside_the_writer(void **state)
{
	struct demux_binding b = binding(0, X1);
	struct race	     r = { .d = demux_new(100000) };
	pthread_t	     t[3];
	uint32_t	     spi;
	bool		     there[512] = { false };

	(void)state;
	b.spis = &spi;
	b.nspis = 1;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
		    pthread_create(&t[i], NULL, race_reader, &r), 0);
	/* On a busy machine the readers may come late. */
	for (unsigned round = 0; round < 60000 ||
	    (atomic_load(&r.seen) == 0 && round < 60000000); round++) {
		uint32_t i = random_uniform(512);

		b.client_id = i;
		b.host = addr_from_v4(htonl(0x0a000000 + i + 1));
		spi = 0x10000 + i;
		if (there[i])
			assert_int_equal(demux_remove_ids(r.d, 0, i, 1), 0);
		else
			assert_non_null(demux_add(r.d, &b));
		there[i] = !there[i];
		if (round % 64 == 0)
			demux_tick(r.d, NOW + round);
	}
	atomic_store(&r.stop, true);
	for (size_t i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(atomic_load(&r.wrong), 0);
	assert_true(atomic_load(&r.seen) > 0);
	demux_free(r.d);
}

/* --- somebody else who forwards ------------------------------------------- */

struct seen {
	struct demux *d;
	uint32_t      slots, gone;
	size_t	      nspis, nports;
};

static uint32_t
watch_added(void *arg, const struct demux_binding *b)
{
	struct seen *s = arg;

	s->nspis += b->nspis;
	s->nports += b->nports;
	return ++s->slots;
}

static void
watch_removed(void *arg, uint32_t slot, const struct demux_binding *b)
{
	struct seen	   *s = arg;
	struct demux_target t;

	/* The binding is still there: nobody else can have it yet. */
	assert_int_equal(in(s->d, make_esp(Y, NB, b->spis[0]), &t),
	    DEMUX_FORWARD);
	assert_int_equal(t.slot, slot);
	assert_true(addr_equal(&b->host, &t.host));
	s->nspis -= b->nspis;
	s->nports -= b->nports;
	s->gone = slot;
}

static void
watch_usage(void *arg, uint32_t slot, struct demux_usage *u)
{
	(void)arg;
	u->packets_in += 1000 * slot;
	u->last_used = NOW + 5000;
}

static void
find_used(void *arg, const struct demux_row *row)
{
	uint64_t *used = arg;

	*used = row->last_used;
}

/* Whoever else forwards knows of a binding from when it is added until before
 * it is gone, and what passed there counts. */
static void
test_watcher(void **state)
{
	static const struct demux_watcher w = { watch_added, watch_removed,
		watch_usage };
	struct seen	     s = { .d = demux_new(1000) };
	uint32_t	     spis[] = { 0x5001, 0x5002 };
	struct demux_range   ports = { 25000, 25007 };
	struct demux_binding b = binding(1, X1);
	struct demux_usage   u;
	struct demux_target  t;
	uint64_t	     used = 0;

	(void)state;
	demux_watch(s.d, &w, &s);
	b.spis = spis;
	b.nspis = 2;
	b.ports = &ports;
	b.nports = 1;
	assert_non_null(demux_add(s.d, &b));
	assert_null(demux_add(s.d, &b));
	assert_int_equal(s.slots, 1);
	assert_int_equal(in(s.d, make_esp(Y, NB, 0x5002), &t), DEMUX_FORWARD);
	assert_int_equal(t.slot, 1);
	assert_int_equal(demux_usage_ids(s.d, 0, 1, 1, &u), 0);
	assert_int_equal(u.packets_in, 1001);
	assert_int_equal(u.last_used, NOW + 5000);
	demux_each(s.d, find_used, &used);
	assert_int_equal(used, NOW + 5000);
	assert_int_equal(demux_remove_ids(s.d, 0, 1, 1), 0);
	assert_int_equal(s.gone, 1);
	assert_int_equal(s.nspis + s.nports, 0);
	assert_int_equal(demux_remove_ids(s.d, 0, 1, 1), -1);
	demux_free(s.d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_ipv4_is_bound),
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_remove_forgets_all),
		cmocka_unit_test(test_learnt_keys_expire),
		cmocka_unit_test(test_learning_is_bounded),
		cmocka_unit_test(test_learnt_keys_are_taken_over),
		cmocka_unit_test(test_learnt_keys_move_within_a_host),
		cmocka_unit_test(test_what_is_used_is_kept),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_many_bindings),
		cmocka_unit_test(test_same_ids_of_two_gateways),
		cmocka_unit_test(test_readers_beside_the_writer),
		cmocka_unit_test(test_watcher),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
