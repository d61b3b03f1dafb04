/* fuzz_ike2.c - datagrams to an IKEv2 engine: a stranger's, and what a peer with keys may say inside of SK */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "oe/ike2/exchange.h"
#include "oe/ike2/table.h"
#include "tests/fuzz/fuzz.h"

static struct ike2 *engine;
static int spis;	/* got, and not put back or handed over */
static unsigned long sent, received;
static unsigned asks;
static int conn;

static void
op_send(void *arg, const struct keying_path *path, const uint8_t *buf,
    size_t len)
{
	(void)arg;
	(void)path;
	FUZZ_CHECK(buf != NULL && len != 0 && len <= IKE2_MESSAGE_MAX + 4);
	sent++;
}

static int
op_spi_get(void *arg, uint32_t *spi)
{
	static uint32_t next = 0x1000;

	(void)arg;
	spis++;
	*spi = next++;
	return 0;
}

static void
op_spi_put(void *arg, uint32_t spi)
{
	(void)arg;
	FUZZ_CHECK(spi != 0);
	spis--;
}

static int
op_cookie_get(void *arg, uint64_t *cookie)
{
	static uint64_t next = 0x1122334455667788;

	(void)arg;
	*cookie = next++;
	return 0;
}

static void
op_peer_lookup(void *arg, uint64_t token, const struct keying_id *id,
    enum keying_how claims, const struct keying_path *path)
{
	struct keying_credentials c = { .nothing = true };

	(void)arg;
	(void)claims;
	(void)path;
	FUZZ_CHECK(memchr(id->name, 0, sizeof(id->name)) != NULL);
	ike2_engine.peer_keys(engine, 1000, token, &c);
}

static void
op_child_ask(void *arg, uint64_t token, const struct keying_ask *a)
{
	(void)arg;
	FUZZ_CHECK(a->ours->n != 0 && a->ours->n <= KEYING_SELECTORS_MAX &&
	    a->theirs->n != 0 && a->theirs->n <= KEYING_SELECTORS_MAX);
	/* Now yes, now no, now later. */
	switch (asks++ % 4) {
	case 2:
		ike2_engine.authorize(engine, 1000, token, NULL);
		break;
	case 3:
		break;
	default:
		ike2_engine.authorize(engine, 1000, token, &conn);
	}
}

static void
op_child_up(void *arg, void *c, const struct keying_child *k)
{
	(void)arg;
	FUZZ_CHECK(c == &conn && k->in.spi != 0 && k->out.spi >= 256);
	FUZZ_CHECK(k->in.cipher_len != 0 && k->ours.n != 0);
	spis--;
}

static void
op_child_confirmed(void *arg, void *c, uint32_t spi_in)
{
	(void)arg;
	(void)spi_in;
	FUZZ_CHECK(c == &conn);
}

static void
op_child_down(void *arg, void *c, uint32_t spi_in, bool by_peer)
{
	(void)arg;
	(void)by_peer;
	FUZZ_CHECK(c == &conn && spi_in != 0);
}

static void
op_failed(void *arg, void *c, unsigned version, enum keying_failure f,
    const char *detail)
{
	(void)version;
	(void)arg;
	(void)f;
	(void)detail;
	FUZZ_CHECK(c == &conn);
}

static void
op_peer_silent(void *arg, void *c)
{
	(void)arg;
	(void)c;
}

static void
op_invalid_spi(void *arg, const struct addr *peer, uint32_t spi_out,
    const struct keying_id *who)
{
	(void)arg;
	(void)peer;
	(void)spi_out;
	FUZZ_CHECK(who != NULL);
}

static void
op_initial_contact(void *arg, const struct keying_id *id,
    const struct addr *peer)
{
	(void)arg;
	(void)id;
	(void)peer;
	/* Nobody here has a key. */
	FUZZ_CHECK(0);
}

/* So that the same octets do the same. */
static uint64_t
no_time(void)
{
	return 0;
}

static const struct keying_ops ops = {
	.send = op_send,
	.spi_get = op_spi_get,
	.spi_put = op_spi_put,
	.cookie_get = op_cookie_get,
	.peer_lookup = op_peer_lookup,
	.child_ask = op_child_ask,
	.child_up = op_child_up,
	.child_confirmed = op_child_confirmed,
	.child_down = op_child_down,
	.failed = op_failed,
	.peer_silent = op_peer_silent,
	.invalid_spi = op_invalid_spi,
	.initial_contact = op_initial_contact,
};

/* An IKE SA that is up, whose keys the fuzzer has. */
static struct ike2_sa *
begin(const struct keying_path *path, bool initiator)
{
	static const uint8_t	       secret[32] = { 7 };
	static const struct ike2_suite suite = { .encr = IKE2_ENCR_AES_GCM_16,
		.bits = 128, .prf = IKE2_PRF_HMAC_SHA2_256,
		.ke = IKE2_KE_CURVE25519 };
	struct ike2_sa		      *sa = ike2_sa_new(engine, 1000, path,
	    initiator);
	struct ike2_fresh	       f = { NULL, NULL, secret, 32 };

	FUZZ_CHECK(sa != NULL);
	sa->peer_spi = 0x99;
	sa->suite = suite;
	sa->ni.len = sa->nr.len = 32;
	f.ni = &sa->ni;
	f.nr = &sa->nr;
	FUZZ_CHECK(ike2_keys_make(&sa->keys, &suite, NULL, &f, 1, 2) == 0);
	sa->fragments = true;
	sa->proof.how = KEYING_BY_NOTHING;
	sa->peer_id.type = KEYING_ID_NULL;
	sa->in_next = sa->out_next = 1;
	ike2_sa_up(sa, 1000);
	return sa;
}

/* Seals what is to be inside, as the peer would. */
static void
say(struct ike2_sa *sa, const struct keying_path *path, uint8_t how,
    uint8_t first, const uint8_t *inner, size_t len)
{
	static uint8_t	   out[IKE2_MESSAGE_MAX];
	struct ike2_key	   k = sa->initiator ? sa->keys.r : sa->keys.i;
	struct ike2_header h = {
		.spi_i = sa->initiator ? sa->spi : sa->peer_spi,
		.spi_r = sa->initiator ? sa->peer_spi : sa->spi,
		.exchange = (uint8_t)(IKE2_AUTH + how % 3),
		.flags = (uint8_t)((sa->initiator ? 0 : IKE2_FLAG_INITIATOR) |
		    (how & 0x40 ? IKE2_FLAG_RESPONSE : 0)),
		.msgid = how & 0x40 ? sa->out.msgid : sa->in_next,
	};
	struct ike2_fragment_no no = { 0, 0 };

	/* As one of several parts, whose others may follow. */
	if (how & 0x20) {
		no.number = (uint16_t)(1 + (how >> 2 & 3));
		no.total = (uint16_t)(1 + (how >> 3 & 3));
	}
	len = ike2_seal(&k, &h, first, no, inner, len, out, sizeof(out));
	if (len != 0)
		ike2_message(engine, 1000, path, out, len);
}

/*
 * Records: how, type of the first payload, length in two octets, octets.
 * how with 0x80: a datagram as it is, from a stranger; else what is inside
 * of an SK or SKF.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keying_path	path = { .local_port = 500, .peer_port = 500 };
	struct ike2_config	config = { 0 };
	struct keying_request	r = { 0 };
	struct keying_selector	s;
	struct ike2_sa	       *sa;
	struct cursor		c;
	const uint8_t	       *p;
	uint8_t			how, first, *copy;
	uint64_t		now = 1000;
	size_t			len;
	unsigned		i;

	log_init("fuzz_ike2", true, LOG_LEVEL_ERROR);
	spis = 0;
	asks = 0;
	FUZZ_CHECK(addr_parse(&path.local, "127.0.0.1") == 0 &&
	    addr_parse(&path.peer, "127.0.0.2") == 0);
	config.my_id = keying_id_addr(&path.local);
	config.spent = no_time;
	engine = ike2_new(&config, &ops, NULL);
	FUZZ_CHECK(engine != NULL);
	cursor_init(&c, data, size);
	how = cursor_u8(&c);
	sa = begin(&path, how & 1);
	r.path = path;
	r.my_id = config.my_id;
	r.peer.nothing = true;
	s = keying_selector_host(&path.local, 0, 0);
	r.ours = keying_selectors_of(&s);
	s = keying_selector_host(&path.peer, 0, 0);
	r.theirs = keying_selectors_of(&s);
	sa->my_id = r.my_id;
	/* Something that waits for an answer. */
	if (how & 2)
		FUZZ_CHECK(ike2_engine.request(engine, now, &r, &conn) == 0);
	while (cursor_left(&c) >= 4) {
		how = cursor_u8(&c);
		first = cursor_u8(&c);
		len = cursor_u16(&c);
		if (len > cursor_left(&c))
			len = cursor_left(&c);
		p = cursor_take(&c, len);
		/* An exact allocation: a sanitizer sees reads past the end. */
		copy = malloc(len == 0 ? 1 : len);
		FUZZ_CHECK(copy != NULL && p != NULL);
		memcpy(copy, p, len);
		received++;
		if (how & 0x80)
			ike2_message(engine, now, &path, copy, len);
		else {
			TAILQ_FOREACH(sa, &engine->sas, entry) {
				if (sa->state == IKE2_UP)
					break;
			}
			if (sa != NULL)
				say(sa, &path, how, first, copy, len);
		}
		free(copy);
	}
	for (i = 0; i < 32 && ike2_engine.next(engine) != UINT64_MAX; i++) {
		now = ike2_engine.next(engine) > now ?
		    ike2_engine.next(engine) : now + 1;
		ike2_engine.tick(engine, now);
	}
	ike2_engine.free(engine);
	FUZZ_CHECK(spis == 0);
	return 0;
}
