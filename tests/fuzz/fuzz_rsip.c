/* fuzz_rsip.c - RSIP messages: what is read can be written, and read again the same */
#include "config.h"

#include <string.h>

#include "proto/rsip.h"
#include "tests/fuzz/fuzz.h"

static void
check_lists(const struct rsip_message *m)
{
	static uint16_t port[RSIP_PORTS_MAX];
	static uint32_t spi[RSIP_SPIS_MAX];
	int		n;

	if (m->has & RSIP_HAS_LOCAL_PORTS) {
		n = rsip_ports_expand(&m->local_ports, port, RSIP_PORTS_MAX);
		FUZZ_CHECK(n == (m->local_ports.nfields == 0 ? 0 :
		    m->local_ports.number));
	}
	if (m->has & RSIP_HAS_SPIS) {
		n = rsip_spis_expand(&m->spis, spi, RSIP_SPIS_MAX);
		FUZZ_CHECK(n == (m->spis.nfields == 0 ? 0 :
		    m->spis.number > RSIP_SPIS_MAX ? -1 : m->spis.number));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rsip_message m, again;
	static uint8_t		   out[RSIP_MESSAGE_MAX];
	static uint8_t		   out2[RSIP_MESSAGE_MAX];
	struct rsip_key		   key = { .secret = data, .len = size };
	enum rsip_error		   rc;
	int			   n;

	if (size > RSIP_MESSAGE_MAX)
		return 0;
	n = rsip_frame_length(data, size);
	FUZZ_CHECK(n == -1 || n == 0 ||
	    (n >= RSIP_HEADER_LEN && n <= RSIP_MESSAGE_MAX));
	rc = rsip_decode(&m, data, size);
	if (rc != RSIP_OK) {
		FUZZ_CHECK(rc == RSIP_UNSUPPORTED_RSIP_VERSION ||
		    (rc >= RSIP_MISSING_PARAM && rc <= RSIP_BAD_MESSAGE));
		rsip_message_clear(&m);
		return 0;
	}
	FUZZ_CHECK((size_t)n == size);
	check_lists(&m);
	key.id = m.auth_key_id;
	if (m.has & RSIP_HAS_AUTH)
		FUZZ_CHECK(!rsip_auth_verify(&m, data, size, &key));
	n = rsip_encode(&m, out, sizeof(out));
	FUZZ_CHECK(n >= RSIP_HEADER_LEN && (size_t)n <= size);
	FUZZ_CHECK(rsip_decode(&again, out, (size_t)n) == RSIP_OK);
	FUZZ_CHECK(again.has == m.has);
	FUZZ_CHECK(rsip_encode(&again, out2, sizeof(out2)) == n);
	FUZZ_CHECK(memcmp(out, out2, (size_t)n) == 0);
	rsip_message_clear(&m);
	rsip_message_clear(&again);
	return 0;
}
