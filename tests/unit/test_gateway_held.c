/* test_gateway_held.c - answers wait for the store's batch, in order, and are errors where it cannot be written */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rsipd/grant.h"
#include "rsipd/store.h"
#include "tests/unit/gateway_world.h"

static struct {
	int	 answer;	/* of keep and forget */
	int	 commit;	/* what commit() answers */
	unsigned kept, forgotten, commits;
} store;

static int
keep(void *arg, struct lease_client *c, struct lease_binding *b)
{
	(void)arg;
	(void)c;
	(void)b;
	store.kept++;
	return store.answer;
}

static int
forget(void *arg, const struct lease_client *c, struct lease_binding *b,
    bool asked)
{
	(void)arg;
	(void)c;
	(void)b;
	(void)asked;
	store.forgotten++;
	return store.answer;
}

static int
commit(void *arg)
{
	(void)arg;
	store.commits++;
	return store.commit;
}

static const struct grant_store batches = { .keep = keep,
	.forget = forget, .commit = commit };

/* A registered host, and a store that takes what comes as a batch. */
static uint32_t
begin(void)
{
	struct policy p = default_policy();
	uint32_t      id;

	world_begin(&p, false);
	id = do_register();
	store.answer = 1;
	store.commit = 0;
	store.kept = store.forgotten = store.commits = 0;
	gateway_set_store(w.g, w.now, &batches);
	return id;
}

static void
ask_ports(uint32_t id, uint32_t counter)
{
	assign(RSIP_ASSIGN_REQUEST_RSAP_IP, id);
	w.in.local_ports = ports(2, 0);
	w.in.has |= RSIP_HAS_COUNTER;
	w.in.counter = counter;
}

/* A batch of one grant is on its way to the store. */
static void
send_batch(uint32_t id, uint32_t counter)
{
	ask_ports(id, counter);
	assert_int_equal(ask(), GATEWAY_HELD);
	gateway_commit(w.g, w.now);
}

static void
an_answer_waits_for_its_batch(void **state)
{
	uint32_t id = begin();

	(void)state;
	ask_ports(id, 1);
	assert_int_equal(ask(), GATEWAY_HELD);
	ask_ports(id, 2);
	assert_int_equal(ask(), GATEWAY_HELD);
	/* A query changes nothing, but must not overtake. */
	request(RSIP_QUERY_REQUEST, id);
	w.in.has |= RSIP_HAS_COUNTER;
	w.in.counter = 3;
	assert_int_equal(ask(), GATEWAY_HELD);
	assert_int_equal(w.nasync, 0);
	assert_int_equal(w.bound, 2);
	gateway_commit(w.g, w.now);
	assert_int_equal(store.commits, 1);
	assert_int_equal(w.nasync, 3);
	assert_true(w.async_answer[0]);
	assert_int_equal(w.async[0].type, RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assert_int_equal(w.async[0].counter, 1);
	assert_int_equal(w.async[1].counter, 2);
	assert_int_equal(w.async[2].type, RSIP_QUERY_RESPONSE);
	/* Nothing is left to be written: an answer is one at once. */
	gateway_commit(w.g, w.now);
	assert_int_equal(store.commits, 1);
	request(RSIP_QUERY_REQUEST, id);
	expect(RSIP_QUERY_RESPONSE);
	world_end();
}

static void
what_is_safe_at_once_is_answered_at_once(void **state)
{
	uint32_t id = begin();

	(void)state;
	store.answer = 0;
	ask_ports(id, 1);
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	assert_int_equal(store.kept, 1);
	store.answer = -1;
	ask_ports(id, 2);
	expect_error(RSIP_INTERNAL_SERVER_ERROR);
	assert_int_equal(w.bound, 1);
	world_end();
}

static void
a_batch_that_fails_is_taken_back(void **state)
{
	uint32_t id = begin();

	(void)state;
	ask_ports(id, 1);
	assert_int_equal(ask(), GATEWAY_HELD);
	request(RSIP_QUERY_REQUEST, id);
	w.in.has |= RSIP_HAS_COUNTER;
	w.in.counter = 2;
	assert_int_equal(ask(), GATEWAY_HELD);
	store.commit = -1;
	store.answer = 0;
	gateway_commit(w.g, w.now);
	assert_int_equal(w.bound, 0);
	assert_int_equal(w.nasync, 2);
	assert_int_equal(w.async[0].type, RSIP_ERROR_RESPONSE);
	assert_int_equal(w.async[0].error, RSIP_INTERNAL_SERVER_ERROR);
	assert_int_equal(w.async[0].counter, 1);
	assert_int_equal(w.async[0].client_id, id);
	assert_int_equal(w.async[1].type, RSIP_QUERY_RESPONSE);
	world_end();
}

static void
extend(uint32_t id, uint32_t bind_id, uint32_t lease)
{
	request(RSIP_EXTEND_REQUEST, id);
	w.in.has |= RSIP_HAS_BIND_ID | RSIP_HAS_LEASE;
	w.in.bind_id = bind_id;
	w.in.lease = lease;
}

/* Prolonged twice, and neither is written: it ends as it would have. */
static void
a_lease_ends_as_before(void **state)
{
	uint32_t id = begin();

	(void)state;
	store.answer = 0;
	ask_ports(id, 1);
	w.in.has |= RSIP_HAS_LEASE;
	w.in.lease = 60;
	expect(RSIP_ASSIGN_RESPONSE_RSAP_IP);
	store.answer = 1;
	store.commit = -1;
	extend(id, 1, 120);
	assert_int_equal(ask(), GATEWAY_HELD);
	extend(id, 1, 180);
	assert_int_equal(ask(), GATEWAY_HELD);
	gateway_commit(w.g, w.now);
	assert_int_equal(w.nasync, 2);
	assert_int_equal(w.async[0].error, RSIP_INTERNAL_SERVER_ERROR);
	assert_int_equal(w.async[1].error, RSIP_INTERNAL_SERVER_ERROR);
	assert_int_equal(w.async[1].bind_id, 1);
	assert_int_equal(w.alarm, w.now + 60000);
	w.now += 60000;
	gateway_tick(w.g, w.now);
	assert_int_equal(w.bound, 0);
	world_end();
}

/* Who sends without reading cannot make us hold more and more. */
static void
held_answers_are_limited(void **state)
{
	uint32_t id = begin();
	unsigned i;

	(void)state;
	ask_ports(id, 1);
	assert_int_equal(ask(), GATEWAY_HELD);
	for (i = 0; i < 1023; i++) {
		request(RSIP_QUERY_REQUEST, id);
		assert_int_equal(ask(), GATEWAY_HELD);
	}
	assert_int_equal(store.commits, 0);
	request(RSIP_QUERY_REQUEST, id);
	expect(RSIP_QUERY_RESPONSE);
	assert_int_equal(store.commits, 1);
	world_end();
}

/* An address that is away keeps what was granted of it. */
static void
a_grant_waits_for_its_address(void **state)
{
	static const struct demux_range range = { 20001, 20002 };
	struct pool_address   both[2] = {
		{ .addr = world_addr(SHARED), .nports = 1,
		  .ports = { { 20000, 20009 } } },
		{ .addr = world_addr("198.51.100.77"), .nports = 1,
		  .ports = { { 20000, 20009 } } },
	};
	struct policy	      p = default_policy();
	struct store_client   c = { .host = world_addr("10.0.0.7"),
		.client_id = 5, .next_bind_id = 10, .transport = GATEWAY_TCP };
	struct grant	      g = { .bind_id = 9,
		.local = both[1].addr,
		.method = RSIP_METHOD_RSAP_IP, .tunnel = TUNNEL_IPIP,
		.remote_policy = DEMUX_REMOTE_NONE, .ranges = &range,
		.nranges = 1 };

	(void)state;
	world_begin(&p, false);
	c.expires = g.expires = w.now + 60000;
	assert_int_equal(gateway_restore_grant(w.g, w.now, 5, &g), -1);
	assert_int_equal(gateway_restore_client(w.g, w.now, &c), 0);
	assert_int_equal(gateway_restore_grant(w.g, w.now, 5, &g), 1);
	assert_int_equal(w.bound, 0);
	assert_int_equal(gateway_set_pools(w.g, w.now, both, 2), 0);
	assert_int_equal(gateway_restore_client(w.g, w.now, &c), 1);
	assert_int_equal(gateway_restore_grant(w.g, w.now, 5, &g), 0);
	assert_int_equal(w.bound, 1);
	assert_int_equal(gateway_restore_grant(w.g, w.now, 5, &g), 1);
	c.host = world_addr("10.0.0.8");	/* the same lease
						 * would be two hosts' */
	assert_int_equal(gateway_restore_client(w.g, w.now, &c), -1);
	world_end();
}

/* --- a store that says later what became of a batch ----------------------- */

static void
batches_on_their_way_are_answered_in_order(void **state)
{
	uint32_t id = begin();

	(void)state;
	store.commit = 1;
	send_batch(id, 1);
	send_batch(id, 2);
	/* No batch is open, but it must not overtake. */
	request(RSIP_QUERY_REQUEST, id);
	w.in.has |= RSIP_HAS_COUNTER;
	w.in.counter = 3;
	store.answer = 0;
	assert_int_equal(ask(), GATEWAY_HELD);
	assert_int_equal(w.nasync, 0);
	gateway_written(w.g, w.now, true);
	assert_int_equal(w.nasync, 1);
	assert_int_equal(w.async[0].counter, 1);
	/* The second is refused: what it promised is taken back, alone. */
	gateway_written(w.g, w.now, false);
	assert_int_equal(w.nasync, 3);
	assert_int_equal(w.async[1].type, RSIP_ERROR_RESPONSE);
	assert_int_equal(w.async[1].error, RSIP_INTERNAL_SERVER_ERROR);
	assert_int_equal(w.async[2].type, RSIP_QUERY_RESPONSE);
	assert_int_equal(leases_bindings(gateway_leases(w.g)), 1);
	gateway_written(w.g, w.now, true);
	assert_int_equal(w.nasync, 3);
	world_end();
}

static void
all_that_was_on_its_way_is_lost_at_once(void **state)
{
	uint32_t id = begin();

	(void)state;
	store.commit = 1;
	send_batch(id, 1);
	send_batch(id, 2);
	gateway_lost(w.g, w.now);
	assert_int_equal(w.nasync, 2);
	assert_int_equal(w.async[0].type, RSIP_ERROR_RESPONSE);
	assert_int_equal(w.async[1].type, RSIP_ERROR_RESPONSE);
	assert_int_equal(leases_bindings(gateway_leases(w.g)), 0);
	assert_int_equal(store.forgotten, 2);
	world_end();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_waits_for_its_batch),
		cmocka_unit_test(what_is_safe_at_once_is_answered_at_once),
		cmocka_unit_test(a_batch_that_fails_is_taken_back),
		cmocka_unit_test(a_lease_ends_as_before),
		cmocka_unit_test(held_answers_are_limited),
		cmocka_unit_test(a_grant_waits_for_its_address),
		cmocka_unit_test(batches_on_their_way_are_answered_in_order),
		cmocka_unit_test(all_that_was_on_its_way_is_lost_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
