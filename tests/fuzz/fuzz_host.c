/* fuzz_host.c - gateways that answer the RSIP host with anything: leases balance, timers go on, requests stay sane */
#include "config.h"

#include <string.h>

#include "base/cursor.h"
#include "base/log.h"
#include "rsipc/host.h"
#include "tests/fuzz/fuzz.h"

#define ROUNDS_MAX	64	/* of host_tick() while nothing is waited for */
#define MESSAGE_MAX	512
#define COUNTER_LEN	7

struct world {
	struct host host;
	uint64_t    now;
	uint32_t    live[BINDINGS_MAX];
	size_t	    nlive;
	unsigned    sends, left;
	bool	    connecting;
};

static void
op_connect(void *arg, bool udp)
{
	struct world *w = arg;

	(void)udp;
	w->connecting = true;
}

static void
op_disconnect(void *arg)
{
	struct world *w = arg;

	w->connecting = false;
}

static void
op_send(void *arg, struct rsip_message *m)
{
	static uint8_t		   buf[RSIP_MESSAGE_MAX];
	static struct rsip_message again;
	struct world		  *w = arg;
	int			   n = rsip_encode(m, buf, sizeof(buf));

	FUZZ_CHECK(n > 0 && !rsip_type_is_response(m->type));
	FUZZ_CHECK(rsip_decode(&again, buf, (size_t)n) == RSIP_OK);
	rsip_message_clear(&again);
	w->sends++;
}

static void
op_resend(void *arg)
{
	struct world *w = arg;

	w->sends++;
}

static void
op_granted(void *arg, const struct binding *b)
{
	struct world *w = arg;
	size_t	      i;

	FUZZ_CHECK(w->nlive < BINDINGS_MAX && addr_is_host(&b->addr));
	FUZZ_CHECK(b->expires >= w->now && b->renew <= b->expires);
	for (i = 0; i < b->nspis; i++)
		FUZZ_CHECK(b->spi[i] >= 256);
	for (i = 0; i < w->nlive; i++)
		FUZZ_CHECK(w->live[i] != b->bind_id);
	w->live[w->nlive++] = b->bind_id;
}

static void
op_revoked(void *arg, const struct binding *b)
{
	struct world *w = arg;
	size_t	      i;

	for (i = 0; i < w->nlive; i++) {
		if (w->live[i] == b->bind_id) {
			w->live[i] = w->live[--w->nlive];
			return;
		}
	}
	FUZZ_CHECK(false);	/* revoked what was never granted */
}

static void
op_demanded(void *arg, const struct host_demand *d, unsigned error)
{
	(void)arg;
	(void)error;
	FUZZ_CHECK(d != NULL);
}

static void
op_local(void *arg, const struct prefix *net)
{
	(void)arg;
	FUZZ_CHECK(net->addr.family == AF_INET);
	FUZZ_CHECK(net->plen <= 32);
}

static void
op_changed(void *arg, enum host_state from, enum host_state to)
{
	(void)arg;
	FUZZ_CHECK(from != to && host_state_name(to) != NULL);
}

static void
op_left(void *arg)
{
	struct world *w = arg;

	w->left++;
}

static const struct host_ops ops = {
	.connect = op_connect,
	.disconnect = op_disconnect,
	.send = op_send,
	.resend = op_resend,
	.granted = op_granted,
	.revoked = op_revoked,
	.demanded = op_demanded,
	.local = op_local,
	.changed = op_changed,
	.left = op_left,
};

/* What a daemon does: ticks as long as the host has something to do now. */
static void
settle(struct world *w)
{
	unsigned rounds = 0;
	uint64_t next;

	do {
		host_tick(&w->host, w->now);
		if (w->connecting) {
			w->connecting = false;
			host_connected(&w->host, w->now);
		}
		FUZZ_CHECK(w->host.bindings.n == w->nlive);
		FUZZ_CHECK(++rounds < ROUNDS_MAX);
		next = host_next(&w->host);
	} while (next != 0 && next <= w->now);
}

static void
put_counter(uint8_t *to, uint32_t counter)
{
	to[0] = RSIP_PARAM_MESSAGE_COUNTER;
	store_u16(to + 1, 4);
	store_u32(to + 3, counter);
}

/*
 * A message as the gateway's: 0x20 puts in the client ID that the host has (and
 * the type that it waits for), 0x40 a message counter, 0x10 the overall length.
 */
static void
one_message(struct world *w, uint8_t how, const uint8_t *data, size_t size)
{
	static const uint8_t	   client[] = { 4, 0, 4 };
	static uint8_t		   in[MESSAGE_MAX + COUNTER_LEN];
	static struct rsip_message m;
	enum rsip_error		   rc;
	size_t			   len = size < MESSAGE_MAX ? size :
	    MESSAGE_MAX;
	size_t			   end = len;

	if (len != 0)
		memcpy(in, data, len);
	if ((how & 0x20) && len >= 11) {
		if (w->host.pending != 0 && in[1] != RSIP_ERROR_RESPONSE)
			in[1] = (uint8_t)(w->host.pending + 1);
		if (memcmp(in + 4, client, 3) == 0 && w->host.client_id != 0)
			store_u32(in + 7, w->host.client_id);
	}
	if ((how & 0x40) && len >= 4) {
		put_counter(in + len, w->host.counter);
		end = len + COUNTER_LEN;
	}
	if ((how & 0x50) && end >= 4)
		store_u16(in + 2, (uint16_t)end);
	rc = rsip_decode(&m, in, end);
	if (rc == RSIP_OK)
		host_receive(&w->host, &m, w->now);
	else
		host_unreadable(&w->host, &m, w->now);
	rsip_message_clear(&m);
}

static void
one_event(struct world *w, uint8_t how)
{
	struct host_demand d = { .port = (uint16_t)(1000 + how % 8),
		.remote = addr_from_v4(0x0a6433c6), .remote_port = 80 };
	uint32_t	   spi;

	switch (how >> 3 & 7) {
	case 0:
		(void)host_demand(&w->host, &d, w->now);
		break;
	case 1:
		if (bindings_spi_get(&w->host.bindings, &spi) == 0)
			host_spis_taken(&w->host);
		break;
	case 2:
		host_suspect(&w->host, w->now);
		break;
	case 3:
		host_more_ports(&w->host, w->now);
		break;
	case 4:
		if (w->host.up)
			host_disconnected(&w->host, w->now);
		break;
	case 5:
		host_reset(&w->host, w->now);
		break;
	case 6:
		w->now += 13u << how % 8;
		break;
	case 7:
		w->now += 1000u << 2 * (how % 8);
		break;
	}
}

/* The first byte is the configuration; then steps: below 0x80 a message of the
 * length in the next two bytes, else one_event(). */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct host_config  config = { .ports = 8, .spis = 4, .cookies = 2,
		.lease_time = 60, .tunnel = RSIP_TUNNEL_IPIP, .port_idle = 5000,
		.listen = { 8080 }, .fqdn = "x1.lab" };
	struct cursor	    c;
	const uint8_t	   *p;
	size_t		    len;
	uint8_t		    how;

	if (size == 0)
		return 0;
	log_init("fuzz_host", true, LOG_LEVEL_ERROR);
	config.udp = data[0] & 1;
	config.nlisten = data[0] >> 1 & 1;
	if (data[0] & 4)
		config.spis = 0;
	if (data[0] & 8)
		config.ports = 0;
	memset(&w, 0, sizeof(w));
	w.now = 1000000;
	host_init(&w.host, &config, &ops, &w);
	settle(&w);
	cursor_init(&c, data + 1, size - 1);
	while (cursor_left(&c) > 0) {
		how = cursor_u8(&c);
		if (how >= 0x80) {
			one_event(&w, how);
		} else {
			len = cursor_u16(&c);
			if (len > cursor_left(&c))
				len = cursor_left(&c);
			p = cursor_take(&c, len);
			one_message(&w, how, p, len);
		}
		settle(&w);
	}
	/* The host leaves, whoever answers or not, and holds nothing then. */
	host_leave(&w.host, w.now, 500);
	for (len = 0; len < 32 && w.left == 0; len++) {
		w.now += 100;
		settle(&w);
	}
	FUZZ_CHECK(w.left > 0 && w.nlive == 0);
	host_clear(&w.host);
	return 0;
}
