/* test_endpoint.c - UDP's message counters and last-message buffer (RFC 3103 §10.1) */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/cursor.h"
#include "proto/rsip.h"
#include "rsipd/endpoint.h"

static const struct addr host_addr = { AF_INET, { 10, 0, 0, 11 } };
#define HOST	(&host_addr)

/* The n-th host behind it. */
static struct addr
host(unsigned n)
{
	struct addr a = host_addr;

	a.bytes[3] = (uint8_t)(a.bytes[3] + n);
	return a;
}

static uint8_t msg[64];

/* A message with a counter (none if 0) and something that tells it apart. */
static size_t
make(uint8_t type, uint32_t counter, uint32_t id)
{
	struct writer w;

	writer_init(&w, msg, sizeof(msg));
	writer_u8(&w, 1);
	writer_u8(&w, type);
	writer_u16(&w, counter != 0 ? 18 : 11);
	writer_u8(&w, RSIP_PARAM_CLIENT_ID);
	writer_u16(&w, 4);
	writer_u32(&w, id);
	if (counter != 0) {
		writer_u8(&w, RSIP_PARAM_MESSAGE_COUNTER);
		writer_u16(&w, 4);
		writer_u32(&w, counter);
	}
	return w.len;
}

static enum endpoint_action
arrive(struct endpoints *t, struct endpoint *e, uint8_t type, uint32_t counter,
    uint32_t id)
{
	size_t len = make(type, counter, id);

	return endpoint_arrived(t, e, msg, len);
}

static void
a_copy_gets_the_last_answer(void **state)
{
	struct endpoints *t = endpoints_new(4);
	struct endpoint	 *e = endpoints_get(t, 1, HOST, 1000);

	(void)state;
	assert_int_equal(arrive(t, e, RSIP_REGISTER_REQUEST, 1, 0),
	    ENDPOINT_SERVE);
	endpoint_answered(e, (const uint8_t *)"first", 5);
	assert_int_equal(arrive(t, e, RSIP_REGISTER_REQUEST, 1, 0),
	    ENDPOINT_REPEAT);
	assert_int_equal(e->len, 5);
	assert_memory_equal(e->answer, "first", 5);
	assert_int_equal(arrive(t, e, RSIP_FREE_REQUEST, 2, 7), ENDPOINT_SERVE);
	endpoint_answered(e, (const uint8_t *)"2", 1);
	assert_int_equal(arrive(t, e, RSIP_FREE_REQUEST, 2, 7),
	    ENDPOINT_REPEAT);
	assert_int_equal(e->len, 1);
	/* A request that wandered must not be served twice. */
	assert_int_equal(arrive(t, e, RSIP_FREE_REQUEST, 1, 8),
	    ENDPOINT_IGNORE);
	endpoints_free(t);
}

static void
an_answer_that_takes_time(void **state)
{
	struct endpoints *t = endpoints_new(4);
	struct endpoint	 *e = endpoints_get(t, 1, HOST, 1000);

	(void)state;
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 4, 1),
	    ENDPOINT_SERVE);
	endpoint_waits(e);
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 4, 1),
	    ENDPOINT_IGNORE);
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 5, 1),
	    ENDPOINT_IGNORE);
	endpoint_answered(e, (const uint8_t *)"late", 4);
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 4, 1),
	    ENDPOINT_REPEAT);
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 5, 1),
	    ENDPOINT_SERVE);
	endpoints_free(t);
}

static void
counters_wrap_to_one(void **state)
{
	struct endpoints *t = endpoints_new(4);
	struct endpoint	 *e = endpoints_get(t, 1, HOST, 1000);

	(void)state;
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, UINT32_MAX, 1),
	    ENDPOINT_SERVE);
	endpoint_answered(e, (const uint8_t *)"a", 1);
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 1, 1),
	    ENDPOINT_SERVE);
	endpoint_answered(e, (const uint8_t *)"b", 1);
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, UINT32_MAX, 2),
	    ENDPOINT_IGNORE);
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 2, 1),
	    ENDPOINT_SERVE);
	endpoints_free(t);
}

static void
a_rebooted_host_begins_anew(void **state)
{
	struct endpoints *t = endpoints_new(4);
	struct endpoint	 *e = endpoints_get(t, 1, HOST, 1000);

	(void)state;
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 500, 1),
	    ENDPOINT_SERVE);
	endpoint_answered(e, (const uint8_t *)"a", 1);
	assert_int_equal(arrive(t, e, RSIP_REGISTER_REQUEST, 1, 0),
	    ENDPOINT_SERVE);
	endpoint_answered(e, (const uint8_t *)"\1\1already", 9);
	/* The registration is still there, so what wandered would count. */
	assert_int_equal(arrive(t, e, RSIP_ASSIGN_REQUEST_RSAP_IP, 499, 1),
	    ENDPOINT_IGNORE);
	assert_int_equal(arrive(t, e, RSIP_DEREGISTER_REQUEST, 2, 1),
	    ENDPOINT_SERVE);
	endpoint_answered(e, (const uint8_t *)"\1\5", 2);
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 3, 1),
	    ENDPOINT_SERVE);
	endpoints_free(t);
}

/* Only what was granted moves the count: a datagram in the host's name
 * whose sender knows neither client ID nor secret does not put the
 * host's own behind it. */
static void
a_forged_one_does_not_move_the_count(void **state)
{
	struct endpoints *t = endpoints_new(4);
	struct endpoint	 *e = endpoints_get(t, 1, HOST, 1000);

	(void)state;
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 4, 1),
	    ENDPOINT_SERVE);
	endpoint_answered(e, (const uint8_t *)"\1\17granted", 9);
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 0x70000000, 2),
	    ENDPOINT_SERVE);
	endpoint_answered(e, (const uint8_t *)"\1\1wrong", 7);
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 5, 1),
	    ENDPOINT_SERVE);
	endpoint_answered(e, (const uint8_t *)"\1\17granted", 9);
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 4, 3),
	    ENDPOINT_IGNORE);
	endpoints_free(t);
}

static void
without_a_counter_each_is_served(void **state)
{
	struct endpoints *t = endpoints_new(4);
	struct endpoint	 *e = endpoints_get(t, 1, HOST, 1000);

	(void)state;
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 0, 1),
	    ENDPOINT_SERVE);
	endpoint_answered(e, (const uint8_t *)"105", 3);
	assert_int_equal(arrive(t, e, RSIP_QUERY_REQUEST, 0, 1),
	    ENDPOINT_SERVE);
	assert_int_equal(endpoint_arrived(t, e, msg, 0), ENDPOINT_SERVE);
	endpoints_free(t);
}

static bool
keep_port_1001(void *arg, const struct endpoint *e)
{
	(void)arg;
	return e->port == 1001;
}

static void
the_table_is_bounded(void **state)
{
	struct endpoints *t = endpoints_new(12);
	struct addr	  other;
	unsigned	  i;

	(void)state;
	for (i = 0; i < 30; i++)
		assert_non_null(endpoints_get(t, i, HOST,
		    (uint16_t)(1000 + i)));
	/* One host displaces itself ... */
	assert_true(endpoints_count(t) <= ENDPOINTS_PER_HOST);
	assert_non_null(endpoints_find(t, HOST, 1029));
	/* ... and many hosts the longest silent. */
	for (i = 0; i < 30; i++) {
		other = host(1 + i);
		assert_non_null(endpoints_get(t, 100 + i, &other, 1001));
	}
	assert_int_equal(endpoints_count(t), 12);
	assert_null(endpoints_find(t, HOST, 1029));
	/* A registration's gives way to none of them. */
	endpoints_hold(t, endpoints_get(t, 200, HOST, 1001), true);
	endpoints_hold(t, endpoints_get(t, 200, HOST, 1002), true);
	for (i = 0; i < 100; i++) {
		other = host(i % 7);
		assert_non_null(endpoints_get(t, 300 + i, &other,
		    (uint16_t)(2000 + i)));
	}
	assert_int_equal(endpoints_count(t), 14);
	assert_non_null(endpoints_find(t, HOST, 1001));
	endpoints_expire(t, 1000, 500, keep_port_1001, NULL);
	assert_int_equal(endpoints_count(t), 1);
	assert_non_null(endpoints_find(t, HOST, 1001));
	endpoints_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_gets_the_last_answer),
		cmocka_unit_test(an_answer_that_takes_time),
		cmocka_unit_test(counters_wrap_to_one),
		cmocka_unit_test(a_rebooted_host_begins_anew),
		cmocka_unit_test(a_forged_one_does_not_move_the_count),
		cmocka_unit_test(without_a_counter_each_is_served),
		cmocka_unit_test(the_table_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
