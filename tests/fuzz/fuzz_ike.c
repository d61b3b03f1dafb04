/* fuzz_ike.c - datagrams from strangers to an IKE responder with a key */
#include "config.h"

#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/log.h"
#include "oe/ike1/ike1.h"
#include "tests/fuzz/fuzz.h"

static unsigned long sent, received;
static uint8_t last_cookie[8];	/* the responder's, in its last message */

static void
op_send(void *arg, const struct keying_path *path, const uint8_t *buf,
    size_t len)
{
	(void)arg;
	(void)path;
	FUZZ_CHECK(buf != NULL && len >= 28 && len <= 4100);
	memcpy(last_cookie, buf + (load_u32(buf) == 0 ? 12 : 8),
	    sizeof(last_cookie));
	sent++;
}

static int
op_spi_get(void *arg, uint32_t *spi)
{
	(void)arg;
	*spi = 0x1000;
	return 0;
}

static void
op_spi_put(void *arg, uint32_t spi)
{
	(void)arg;
	(void)spi;
}

static int
op_cookie_get(void *arg, uint64_t *cookie)
{
	(void)arg;
	*cookie = 0x1122334455667788;
	return 0;
}

static void
op_peer_lookup(void *arg, uint64_t token, const struct keying_id *id,
    enum keying_how claims, const struct keying_path *path)
{
	(void)arg;
	(void)token;
	(void)path;
	FUZZ_CHECK(claims != KEYING_BY_NOTHING);
	FUZZ_CHECK(memchr(id->name, 0, sizeof(id->name)) != NULL);
}

static void
op_child_ask(void *arg, uint64_t token, const struct keying_ask *a)
{
	(void)arg;
	(void)token;
	(void)a;
	/* Nobody here has proved who he is. */
	FUZZ_CHECK(0);
}

static void
op_child_up(void *arg, void *conn, const struct keying_child *c)
{
	(void)arg;
	(void)conn;
	(void)c;
	FUZZ_CHECK(0);
}

static void
op_child_confirmed(void *arg, void *conn, uint32_t spi_in)
{
	(void)arg;
	(void)conn;
	(void)spi_in;
	FUZZ_CHECK(0);
}

static void
op_child_down(void *arg, void *conn, uint32_t spi_in, bool by_peer)
{
	(void)arg;
	(void)conn;
	(void)spi_in;
	(void)by_peer;
	FUZZ_CHECK(0);
}

static void
op_failed(void *arg, void *conn, unsigned version, enum keying_failure f,
    const char *detail)
{
	(void)version;
	(void)arg;
	(void)conn;
	(void)f;
	(void)detail;
}

static void
op_peer_silent(void *arg, void *conn)
{
	(void)arg;
	(void)conn;
}

static void
op_invalid_spi(void *arg, const struct addr *peer, uint32_t spi_out,
    const struct keying_id *who)
{
	(void)arg;
	(void)peer;
	(void)spi_out;
	(void)who;
}

static void
op_initial_contact(void *arg, const struct keying_id *id,
    const struct addr *peer)
{
	(void)arg;
	(void)id;
	(void)peer;
	FUZZ_CHECK(0);
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

/* Nobody guesses a cookie: where one is all ones, the last
 * one that was sent. */
static void
fill_cookie(uint8_t *p, size_t len, bool marked)
{
	static const uint8_t ones[8] = { 255, 255, 255, 255, 255, 255, 255,
	    255 };
	size_t		     at = marked ? 12 : 8;

	if (len >= at + 8 && memcmp(p + at, ones, sizeof(ones)) == 0)
		memcpy(p + at, last_cookie, sizeof(last_cookie));
}

/* No work costs anything: budgets would make runs differ. */
static uint64_t
no_work(void)
{
	return 0;
}

/* Datagrams, each after its length in two bytes; a length
 * beyond the end is cut. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static EVP_PKEY	  *key;
	struct keying_path path = { addr_from_v4(0x0100007f),
		addr_from_v4(0x0200007f), 500, 500 };
	struct ike1_config  config = { .legacy = true, .rsa_min_bits = 1024,
		.spent = no_work };
	struct ike1	  *e;
	struct cursor	   c;
	const uint8_t	  *p;
	uint8_t		  *copy;
	uint64_t	   now = 1000;
	size_t		   len;

	if (key == NULL) {
		log_init("fuzz_ike", true, LOG_LEVEL_ERROR);
		key = EVP_RSA_gen(2048);
	}
	config.key = key;
	config.my_id = keying_id_addr(&path.local);
	e = ike1_new(&config, &ops, NULL);
	FUZZ_CHECK(key != NULL && e != NULL);
	cursor_init(&c, data, size);
	while (cursor_left(&c) > 2) {
		len = cursor_u16(&c);
		if (len & 0x8000)
			path.local_port = path.peer_port = 4500;
		len &= 0x7fff;
		if (len > cursor_left(&c))
			len = cursor_left(&c);
		p = cursor_take(&c, len);
		/* An exact allocation: a sanitizer sees reads past the end. */
		copy = malloc(len == 0 ? 1 : len);
		FUZZ_CHECK(copy != NULL && p != NULL);
		memcpy(copy, p, len);
		fill_cookie(copy, len, path.local_port == 4500);
		ike1_engine.packet(e, now, &path, copy, len);
		free(copy);
		received++;
		now += 10;
	}
	for (len = 0; len < 64 && ike1_engine.next(e) != UINT64_MAX; len++) {
		now = ike1_engine.next(e) > now ? ike1_engine.next(e) : now + 1;
		ike1_engine.tick(e, now);
	}
	ike1_engine.free(e);
	/* At most one datagram for one, and its retransmissions. */
	FUZZ_CHECK(sent <= 16 * received);
	return 0;
}
