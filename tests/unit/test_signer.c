/* test_signer.c - the host's signatures against the real gateway core: restarts, replays, and no clock in any of it */
#include "config.h"

#include <arpa/inet.h>
#include <string.h>

#include "rsipc/signer.h"
#include "tests/unit/gateway_world.h"

#define SECRET	"sixteen is enoug"
#define KEPT	16

/* What somebody on the path has recorded. */
static struct kept {
	uint8_t bytes[256];
	size_t	len;
} asked[KEPT], answered[KEPT];
static size_t nasked, nanswered;

static struct signer host;

static void
keep(struct kept *all, size_t *n, const uint8_t *msg, size_t len)
{
	assert_true(*n < KEPT && len <= sizeof(all->bytes));
	memcpy(all[*n].bytes, msg, len);
	all[(*n)++].len = len;
}

static void
start_host(uint64_t seed)
{
	signer_init(&host, seed);
	signer_set_key(&host, 4, (const uint8_t *)SECRET, 16, true);
}

/* Another life of the gateway's. */
static void
start_gateway(uint64_t index)
{
	struct policy	     p = default_policy();
	struct policy_secret secret = { .key_id = 4, .len = 16 };
	struct pool	    *pool;

	if (w.g != NULL)
		world_end();
	memcpy(secret.secret, SECRET, 16);
	p.secret = &secret;
	p.require_auth = true;
	world_begin(&p, false);
	gateway_free(w.g);
	w.config.auth_index = index;
	pool = pool_new(REST, 50);
	assert_non_null(pool);
	w.g = gateway_new(&w.config, pool, &world_ops, NULL);
	assert_non_null(w.g);
}

/* What the host makes of bytes that come from the gateway. */
static enum signer_verdict
hear(const uint8_t *msg, size_t len)
{
	static struct rsip_message m;

	rsip_message_clear(&m);
	assert_int_equal(rsip_decode(&m, msg, len), RSIP_OK);
	return signer_verify(&host, &m, msg, len, &w.peer.host,
	    &w.config.gateway);
}

/* The request in w.in, signed and answered. */
static enum signer_verdict
say(void)
{
	int n = signer_encode(&host, &w.in, w.bytes, sizeof(w.bytes),
	    &w.peer.host, &w.config.gateway);

	assert_true(n > 0);
	keep(asked, &nasked, w.bytes, (size_t)n);
	assert_true(put(w.bytes, (size_t)n) > 0);
	keep(answered, &nanswered, w.answer, w.len);
	return hear(w.answer, w.len);
}

static void
say_register(enum signer_verdict first)
{
	request(RSIP_REGISTER_REQUEST, 0);
	assert_int_equal(say(), first);
	if (first == SIGNER_AGAIN)
		assert_int_equal(say(), SIGNER_GOOD);
	assert_int_equal(w.out.type, RSIP_REGISTER_RESPONSE);
}

static int
begin(void **state)
{
	(void)state;
	nasked = nanswered = 0;
	start_gateway(1000);
	start_host(7);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	world_end();
	return 0;
}

/* Whoever was started again, and whatever its clock says: one round trip. */
static void
a_restart_costs_one_round_trip(void **state)
{
	uint32_t id;

	(void)state;
	say_register(SIGNER_AGAIN);
	id = w.out.client_id;
	request(RSIP_QUERY_REQUEST, id);
	assert_int_equal(say(), SIGNER_GOOD);
	start_gateway(2000);
	say_register(SIGNER_AGAIN);
	start_gateway(1);
	request(RSIP_QUERY_REQUEST, id);
	assert_int_equal(say(), SIGNER_AGAIN);
	assert_int_equal(say(), SIGNER_GOOD);
	assert_int_equal(w.out.error, RSIP_REGISTER_FIRST);
	say_register(SIGNER_GOOD);
	start_host(3);
	request(RSIP_REGISTER_REQUEST, 0);
	assert_int_equal(say(), SIGNER_AGAIN);
	assert_int_equal(say(), SIGNER_GOOD);
	assert_int_equal(w.out.error, RSIP_ALREADY_REGISTERED);
}

/* Each recorded request, to the gateway that it was meant for
 * and to the next. */
static void
requests_are_good_once(void **state)
{
	uint64_t sent;
	size_t	 i, n;
	unsigned life;

	(void)state;
	say_register(SIGNER_AGAIN);
	request(RSIP_QUERY_REQUEST, w.out.client_id);
	assert_int_equal(say(), SIGNER_GOOD);
	n = nasked;
	assert_int_equal(n, 3);
	for (life = 0; life < 3; life++) {
		sent = host.sent;
		for (i = 0; i < n; i++) {
			assert_true(put(asked[i].bytes, asked[i].len) > 0);
			assert_int_equal(w.out.error,
			    RSIP_REGISTRATION_DENIED);
			assert_true(w.out.has & RSIP_HAS_FLOOR);
			/* Nor does the refusal tell the host anything:
			 * it is not about its last message, or for
			 * another life of it. */
			if (life != 1)
				assert_int_equal(hear(w.answer, w.len),
				    SIGNER_OLD);
			assert_int_equal(host.sent, sent);
			if (life == 1)
				break;
		}
		start_gateway(3000 + life);
		say_register(SIGNER_AGAIN);
	}
}

/* Each recorded answer, to the host it was meant for and as it is later. */
static void
answers_are_good_once(void **state)
{
	size_t	 i, n;
	unsigned life;

	(void)state;
	say_register(SIGNER_AGAIN);
	gateway_misuse(w.g, w.now, &w.peer.host, DEMUX_MISUSE_ADDR, 0);
	for (life = 0; life < 4; life++) {
		n = nanswered;
		for (i = 0; i < n; i++)
			assert_int_equal(hear(answered[i].bytes,
			    answered[i].len), SIGNER_OLD);
		if (life == 0)
			start_gateway(4000);
		else if (life == 1)
			start_host(99);
		else
			/* Should an index ever be drawn once more. */
			start_gateway(life == 2 ? 1000 : 4000);
		request(RSIP_REGISTER_REQUEST, 0);
		assert_int_equal(say(), SIGNER_AGAIN);
		assert_int_equal(say(), SIGNER_GOOD);
	}
}

/* A gateway's word that was kept back until it has been started again. */
static void
a_word_kept_back_is_worth_nothing(void **state)
{
	(void)state;
	request(RSIP_REGISTER_REQUEST, 0);
	assert_true(put(w.bytes, (size_t)signer_encode(&host, &w.in, w.bytes,
	    sizeof(w.bytes), &w.peer.host, &w.config.gateway)) > 0);
	keep(answered, &nanswered, w.answer, w.len);
	start_gateway(5000);
	say_register(SIGNER_AGAIN);
	assert_int_equal(hear(answered[0].bytes, answered[0].len), SIGNER_OLD);
	request(RSIP_QUERY_REQUEST, w.out.client_id);
	assert_int_equal(say(), SIGNER_GOOD);
}

static void
others_and_the_unsigned(void **state)
{
	const struct addr	   other_host =
	    addr_from_v4(inet_addr("10.0.0.12"));
	const struct addr	   other_gateway =
	    addr_from_v4(inet_addr("10.0.0.2"));
	static struct rsip_message m;
	int			   n;

	(void)state;
	say_register(SIGNER_AGAIN);
	request(RSIP_QUERY_REQUEST, w.out.client_id);
	n = signer_encode(&host, &w.in, w.bytes, sizeof(w.bytes),
	    &w.peer.host, &w.config.gateway);
	assert_true(put(w.bytes, (size_t)n) > 0);
	/* As if it had been for another host, of another
	 * gateway, or changed. */
	assert_int_equal(rsip_decode(&m, w.answer, w.len), RSIP_OK);
	assert_int_equal(signer_verify(&host, &m, w.answer, w.len,
	    &other_host, &w.config.gateway), SIGNER_WRONG);
	assert_int_equal(signer_verify(&host, &m, w.answer, w.len, &w.peer.host,
	    &other_gateway), SIGNER_WRONG);
	m.auth_mac[0] ^= 1;
	assert_int_equal(signer_verify(&host, &m, w.answer, w.len, &w.peer.host,
	    &w.config.gateway), SIGNER_WRONG);
	m.auth_mac[0] ^= 1;
	m.has &= ~RSIP_HAS_AUTH;
	assert_int_equal(signer_verify(&host, &m, w.answer, w.len, &w.peer.host,
	    &w.config.gateway), SIGNER_UNSIGNED);
	/* A floor that nobody signed is no floor. */
	m.has |= RSIP_HAS_FLOOR;
	m.auth_floor = 1ull << 40;
	host.require = false;
	assert_int_equal(signer_verify(&host, &m, w.answer, w.len, &w.peer.host,
	    &w.config.gateway), SIGNER_GOOD);
	host.require = true;
	rsip_message_clear(&m);
	/* All the while the honest one is good. */
	assert_int_equal(hear(w.answer, w.len), SIGNER_GOOD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_restart_costs_one_round_trip,
		    begin, end),
		cmocka_unit_test_setup_teardown(requests_are_good_once, begin,
		    end),
		cmocka_unit_test_setup_teardown(answers_are_good_once, begin,
		    end),
		cmocka_unit_test_setup_teardown(
		    a_word_kept_back_is_worth_nothing, begin, end),
		cmocka_unit_test_setup_teardown(others_and_the_unsigned, begin,
		    end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
