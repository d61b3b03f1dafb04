/* test_host_hostile.c - gateways that answer anything at all: the host never asks more than ten times in any second */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rsipc/host.h"

#define SEEDS		10000	/* HOST_SEEDS in the environment: others */
#define RATE		10	/* messages and connections in any second */
#define STEPS		400	/* of one seed */
#define DAY		90000	/* ms of one seed at most */

/* What a gateway does with a request. */
enum habit {
	GRANT, NO_TIME, SHORT, REFUSE, ALREADY, FORGOTTEN, WRONG_ID, USE_TCP,
	OTHER_BIND, TAKE_BACK, SILENT, CLOSE, GARBAGE, UNREADABLE, ANY_TYPE,
	SIGN_AGAIN, HABITS
};

struct world {
	struct host	host;
	uint64_t	now, rng;
	uint64_t	when[RATE];	/* of the last messages
					 * and connections */
	uint64_t	total;
	unsigned	seed;
	bool		connect, answer;
	enum habit	habit[32];	/* by type of the request */
	uint8_t		errors[32];
	bool		loyal;		/* to its habits */
	struct rsip_message sent, reply;
};

static struct world w;

static uint32_t
any(uint32_t bound)
{
	w.rng ^= w.rng << 13;
	w.rng ^= w.rng >> 7;
	w.rng ^= w.rng << 17;
	return (uint32_t)(w.rng >> 32) % bound;
}

static void
count(void)
{
	uint64_t oldest = w.when[w.total % RATE];

	if (oldest != 0 && w.now < oldest + 1000) {
		printf("gateway %u: %d messages in %u ms: %s\n", w.seed,
		    RATE + 1, (unsigned)(w.now - oldest),
		    host_state_name(w.host.state));
		fail();
	}
	w.when[w.total++ % RATE] = w.now;
}

static void
w_connect(void *arg, bool udp)
{
	(void)arg;
	(void)udp;
	count();
	w.connect = true;
	w.answer = false;
}

static void
w_disconnect(void *arg)
{
	(void)arg;
	w.connect = w.answer = false;
}

static void
w_send(void *arg, struct rsip_message *m)
{
	uint8_t buf[RSIP_MESSAGE_MAX];
	int	n;

	(void)arg;
	n = rsip_encode(m, buf, sizeof(buf));
	if (n <= 0)
		printf("gateway %u: %s cannot be encoded\n", w.seed,
		    rsip_type_name(m->type));
	assert_true(n > 0);
	assert_int_not_equal(m->type, RSIP_ERROR_RESPONSE);	/* §9.1.3 */
	rsip_message_clear(&w.sent);
	assert_int_equal(rsip_decode(&w.sent, buf, (size_t)n), RSIP_OK);
	w.answer = true;
	count();
}

static void
w_resend(void *arg)
{
	(void)arg;
	w.answer = true;
	count();
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
	(void)arg;
	(void)error;
	assert_non_null(d);
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

static uint32_t
some_number(void)
{
	static const uint32_t n[] = { 0, 1, 2, 7, 600, 0x7fffffff, UINT32_MAX };

	return any(4) == 0 ? any(UINT32_MAX) : n[any(7)];
}

static void
set_address(struct rsip_address *a)
{
	struct addr addr = addr_from_v4(any(8) == 0 ? any(UINT32_MAX) :
	    inet_addr("198.51.100.1"));

	if (any(16) == 0)
		addr = (struct addr){ 0 };
	rsip_address_set(a, &addr);
}

/* A reply as a good gateway gives it. */
static void
make_good(struct rsip_message *m, uint32_t lease)
{
	const struct rsip_message *q = &w.sent;

	rsip_message_clear(m);
	rsip_message_init(m, q->type + 1);
	m->has = RSIP_HAS_CLIENT_ID | (q->has & RSIP_HAS_COUNTER);
	m->client_id = q->has & RSIP_HAS_CLIENT_ID ? q->client_id :
	    1 + any(1000);
	m->counter = q->counter;
	m->lease = lease;
	switch (q->type) {
	case RSIP_REGISTER_REQUEST:
		m->has |= RSIP_HAS_LEASE | RSIP_HAS_POLICY | RSIP_HAS_METHOD;
		m->local_policy = (uint8_t)(1 + (any(4) == 0));
		m->remote_policy = any(4) == 0 ? (uint8_t)(1 + any(3)) :
		    RSIP_REMOTE_NONE;
		m->method[0] = RSIP_METHOD_RSAP_IP;
		m->method[1] = RSIP_METHOD_RSIPSEC;
		m->nmethods = (uint8_t)(1 + any(2));
		break;
	case RSIP_EXTEND_REQUEST:
		m->has |= RSIP_HAS_BIND_ID | RSIP_HAS_LEASE;
		m->bind_id = q->bind_id;
		break;
	case RSIP_FREE_REQUEST:
		m->has |= RSIP_HAS_BIND_ID;
		m->bind_id = q->bind_id;
		break;
	case RSIP_QUERY_REQUEST:
	case RSIP_DEREGISTER_REQUEST:
		break;
	default:
		m->has |= RSIP_HAS_BIND_ID | RSIP_HAS_LOCAL | RSIP_HAS_REMOTE |
		    RSIP_HAS_REMOTE_PORTS | RSIP_HAS_LEASE | RSIP_HAS_TUNNEL |
		    (q->has & (RSIP_HAS_LOCAL_PORTS | RSIP_HAS_SPIS));
		m->bind_id = 1 + any(any(4) == 0 ? 3 : 1000000);
		set_address(&m->local);
		set_address(&m->remote);
		m->remote.any = true;
		m->remote_ports.number = 1;
		m->tunnel[0] = RSIP_TUNNEL_IPIP;
		m->ntunnels = 1;
		m->local_ports = q->local_ports;
		m->local_ports.nfields = !q->local_ports.none;
		m->local_ports.port[0] = q->local_ports.nfields != 0 ?
		    q->local_ports.port[0] : (uint16_t)(20000 + any(20000));
		m->spis.number = q->spis.number;
		m->spis.nfields = 1;
		m->spis.spi[0] = 256 + any(1u << 30);
		break;
	}
}

static void
make_error(struct rsip_message *m, unsigned error)
{
	const struct rsip_message *q = &w.sent;

	rsip_message_clear(m);
	rsip_message_init(m, RSIP_ERROR_RESPONSE);
	m->has = RSIP_HAS_ERROR | (q->has & (RSIP_HAS_COUNTER |
	    RSIP_HAS_CLIENT_ID | RSIP_HAS_BIND_ID));
	m->error = (uint16_t)error;
	m->client_id = q->client_id;
	m->bind_id = q->bind_id;
	m->counter = q->counter;
}

static unsigned
some_error(void)
{
	static const uint16_t base[] = { 101, 201, 301, 401 };

	return base[any(4)] + any(16);
}

/* On the gateway's own account (§10.1). */
static void
unasked(enum rsip_type type)
{
	struct rsip_message *m = &w.reply;

	rsip_message_clear(m);
	rsip_message_init(m, type);
	m->has = RSIP_HAS_CLIENT_ID | RSIP_HAS_COUNTER;
	m->client_id = w.host.client_id;
	if (type == RSIP_FREE_RESPONSE && w.host.bindings.n > 0) {
		m->has |= RSIP_HAS_BIND_ID;
		m->bind_id = w.host.bindings.b[any((uint32_t)
		    w.host.bindings.n)]->bind_id;
	}
	if (type == RSIP_ERROR_RESPONSE) {
		m->has |= RSIP_HAS_ERROR;
		m->error = (uint16_t)some_error();
	}
	host_receive(&w.host, m, w.now);
}

static void
reply(enum habit how)
{
	static const enum rsip_type own[] = { RSIP_DEREGISTER_RESPONSE,
		RSIP_FREE_RESPONSE, RSIP_ERROR_RESPONSE };
	struct rsip_message *m = &w.reply;
	uint8_t		     type = w.sent.type;

	w.answer = false;
	make_good(m, 600);
	switch (how) {
	case SHORT:
		m->lease = 1 + any(3);
		break;
	case NO_TIME:
		m->lease = 0;
		break;
	case REFUSE:
		make_error(m, w.loyal ? 100u * (1 + w.errors[type] / 64u) + 1 +
		    w.errors[type] % 16u : some_error());
		break;
	case ALREADY:
		make_error(m, RSIP_ALREADY_REGISTERED);
		m->has |= RSIP_HAS_CLIENT_ID;
		break;
	case FORGOTTEN:
		make_error(m, any(2) != 0 ? RSIP_REGISTER_FIRST :
		    RSIP_BAD_CLIENT_ID);
		break;
	case WRONG_ID:
		m->client_id ^= 1;
		break;
	case USE_TCP:
		make_error(m, RSIP_USE_TCP);
		break;
	case OTHER_BIND:
		m->bind_id += 7;
		break;
	case TAKE_BACK:
		host_receive(&w.host, m, w.now);
		unasked(own[any(3)]);
		return;
	case SILENT:
		return;
	case CLOSE:
		host_disconnected(&w.host, w.now);
		return;
	case GARBAGE:
		m->lease = some_number();
		m->bind_id = some_number();
		m->client_id = any(2) != 0 ? some_number() : m->client_id;
		m->local_ports.number = (uint8_t)any(256);
		m->spis.number = (uint16_t)any(300);
		m->tunnel[0] = (uint8_t)any(5);
		m->counter = any(4) == 0 ? some_number() : m->counter;
		break;
	case UNREADABLE:
		host_unreadable(&w.host, m, w.now);
		return;
	case SIGN_AGAIN:
		host_again_signed(&w.host, w.now);
		return;
	case ANY_TYPE:
		m->type = (uint8_t)(1 + 2 * any(12));
		break;
	default:
		break;
	}
	host_receive(&w.host, m, w.now);
}

static void
begin(uint64_t seed)
{
	struct host_config c = { .ports = 64, .method = RSIP_METHOD_RSIPSEC,
		.spis = 16, .tunnel = RSIP_TUNNEL_IPIP, .port_idle = 60000,
		.seed = (uint32_t)seed };
	unsigned	   i;

	memset(&w, 0, sizeof(w));
	w.now = 1000000;
	w.seed = (unsigned)seed;
	w.rng = (seed + 1) * 0x9e3779b97f4a7c15u;
	for (i = 0; i < 8; i++)
		any(2);
	c.udp = any(3) == 0;
	c.nlisten = (uint8_t)any(4);
	for (i = 0; i < c.nlisten; i++)
		c.listen[i] = (uint16_t)(8000 + i);
	w.loyal = any(2) != 0;
	for (i = 0; i < 32; i++) {
		w.habit[i] = any(2) != 0 ? GRANT : (enum habit)any(HABITS);
		w.errors[i] = (uint8_t)any(256);
	}
	host_init(&w.host, &c, &ops, NULL);
}

/* Whatever is due now; what the gateway says comes at once,
 * or a little later. */
static void
step(void)
{
	const struct addr named = addr_from_v4(inet_addr("203.0.113.9"));
	uint64_t	  next;

	host_tick(&w.host, w.now);
	if (w.connect) {
		w.connect = false;
		if (any(w.loyal ? 40 : 8) == 0)
			host_disconnected(&w.host, w.now);
		else
			host_connected(&w.host, w.now);
		return;
	}
	if (w.answer && any(4) != 0) {
		reply(w.loyal ? w.habit[w.sent.type] :
		    (enum habit)any(HABITS));
		return;
	}
	if (!w.loyal && any(16) == 0)
		unasked(RSIP_ERROR_RESPONSE);
	if (any(16) == 0 && w.host.bindings.n > 0)
		host_spis_taken(&w.host);
	if (any(16) == 0)
		host_more_ports(&w.host, w.now);
	if (any(8) == 0)
		host_suspect(&w.host, w.now);
	if (any(64) == 0)
		host_abandon(&w.host, "of no use", w.now,
		    any(2) != 0 ? 0 : 10000);
	if (host_flow_policy(&w.host) && any(4) == 0)
		host_name_remote(&w.host, &named, 80);
	next = host_next(&w.host);
	if (next > w.now + 1 && !w.answer)
		w.now = next;
	else
		w.now += 1 + any(3);
}

/* RFC 3103 §9.1.3. */
static void
any_gateway_at_all(void **state)
{
	const char *env = getenv("HOST_SEEDS");
	uint64_t    seed, seeds, messages = 0, until;
	unsigned    i;

	(void)state;
	seeds = env == NULL ? SEEDS : strtoull(env, NULL, 10);
	for (seed = 0; seed < seeds; seed++) {
		begin(seed);
		until = w.now + DAY;
		for (i = 0; i < STEPS && w.now < until; i++)
			step();
		messages += w.total;
		host_clear(&w.host);
		rsip_message_clear(&w.sent);
		rsip_message_clear(&w.reply);
	}
	printf("%u gateways, %u messages: never more than %d in a second\n",
	    (unsigned)seeds, (unsigned)messages, RATE);
}

/* The cases that were storms once, each for two minutes: so many messages. */
static void
each_habit_alone(void **state)
{
	static const uint8_t types[] = { RSIP_REGISTER_REQUEST,
		RSIP_DEREGISTER_REQUEST, RSIP_ASSIGN_REQUEST_RSIPSEC,
		RSIP_EXTEND_REQUEST, RSIP_QUERY_REQUEST, RSIP_LISTEN_REQUEST,
		RSIP_FREE_REQUEST };
	uint64_t most = 0, until;
	unsigned t, how, i;

	(void)state;
	for (t = 0; t < sizeof(types); t++) {
		for (how = 1; how < HABITS; how++) {
			begin(how * 100 + t);
			for (i = 0; i < 32; i++)
				w.habit[i] = GRANT;
			w.loyal = true;
			w.habit[types[t]] = (enum habit)how;
			until = w.now + 120000;
			for (i = 0; i < 200000 && w.now < until; i++)
				step();
			assert_true(w.now >= until);
			if (w.total > most)
				most = w.total;
			host_clear(&w.host);
		}
	}
	printf("%d habits of %zu requests, two minutes each: at most %u "
	    "messages\n", HABITS - 1, sizeof(types), (unsigned)most);
	assert_true(most < 600);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_habit_alone),
		cmocka_unit_test(any_gateway_at_all),
	};

	/* A log line each time would be all that there is to see. */
	if (getenv("HOST_SEEDS") == NULL &&
	    freopen("/dev/null", "w", stderr) == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
