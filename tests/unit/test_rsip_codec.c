/* test_rsip_codec.c - RSIP messages byte for byte, and what the codec makes of damaged ones */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "tests/unit/rsip_examples.h"

#define BUF_MAX 2048

static void
examples_encode_to_these_bytes(void **state)
{
	const struct rsip_example *e;
	struct rsip_message	   m;
	uint8_t			   want[BUF_MAX], got[BUF_MAX];
	size_t			   len;

	(void)state;
	for (e = rsip_examples; e < rsip_examples + rsip_examples_count; e++) {
		len = hex_bytes(e->hex, want, sizeof(want));
		rsip_example_message(e, &m);
		assert_int_equal(rsip_encode(&m, got, sizeof(got)), len);
		assert_memory_equal(got, want, len);
		rsip_message_clear(&m);
	}
}

static void
examples_decode_to_these_fields(void **state)
{
	const struct rsip_example *e;
	struct rsip_message	   want = { 0 }, got = { 0 };
	uint8_t			   buf[BUF_MAX], again[BUF_MAX];
	size_t			   len;

	(void)state;
	for (e = rsip_examples; e < rsip_examples + rsip_examples_count; e++) {
		len = hex_bytes(e->hex, buf, sizeof(buf));
		assert_int_equal(rsip_frame_length(buf, len), len);
		assert_int_equal(decode_exact(&got, buf, len), RSIP_OK);
		rsip_example_message(e, &want);
		/* Sets auth_offset, which decoding sets too. */
		assert_int_equal(rsip_encode(&want, again, sizeof(again)), len);
		if (!rsip_message_equal(&want, &got))
			fail_msg("%s %s: %s", e->section, e->name, e->text);
		rsip_message_clear(&want);
		rsip_message_clear(&got);
	}
}

static void
every_type_has_an_example(void **state)
{
	const struct rsip_example *e;
	unsigned		   type, seen = 0, all = 0;

	(void)state;
	for (type = 0; type < 256; type++) {
		if (strcmp(rsip_type_name(type), "unknown") == 0)
			continue;
		seen++;
		for (e = rsip_examples;
		    e < rsip_examples + rsip_examples_count; e++) {
			if (strcmp(e->section, "all") == 0 &&
			    strcmp(e->name, rsip_type_name(type)) == 0)
				all++;
		}
	}
	assert_int_equal(seen, 19);
	assert_int_equal(all, 19);
}

static void
encode_needs_all_the_room(void **state)
{
	const struct rsip_example *e;
	struct rsip_message	   m;
	uint8_t			   buf[BUF_MAX], *room;
	size_t			   len, cap;

	(void)state;
	for (e = rsip_examples; e < rsip_examples + rsip_examples_count; e++) {
		len = hex_bytes(e->hex, buf, sizeof(buf));
		rsip_example_message(e, &m);
		for (cap = 0; cap < len; cap++) {
			room = malloc(cap == 0 ? 1 : cap);
			assert_non_null(room);
			assert_int_equal(rsip_encode(&m, room, cap), -1);
			free(room);
		}
		assert_int_equal(rsip_encode(&m, buf, len), len);
		rsip_message_clear(&m);
	}
}

/*
 * What a message says, as bytes: required parameters, then the others in the
 * encoder's order; the MAC as it was read.
 */
static size_t
content(const struct rsip_message *read, uint8_t *out, size_t cap)
{
	struct rsip_message m = *read;
	int		    n = rsip_encode(&m, out, cap);

	assert_true(n >= RSIP_HEADER_LEN);
	if (m.has & RSIP_HAS_AUTH)
		memcpy(out + m.auth_offset, m.auth_mac, RSIP_AUTH_MAC_LEN);
	return (size_t)n;
}

/*
 * Gives a damaged form of a message to the decoder: it is refused with an error
 * of the codec's and nothing but identifiers left, or it is another valid
 * message, which survives being written and read again.  "Another": it never
 * says what the undamaged one says.
 */
static enum rsip_error
decode_damaged(const uint8_t *good, size_t good_len, const uint8_t *bad,
    size_t bad_len)
{
	struct rsip_message m, m2;
	uint8_t		    first[BUF_MAX], second[BUF_MAX];
	size_t		    n, n2;
	enum rsip_error	    rc = decode_exact(&m, bad, bad_len);

	if (rc != RSIP_OK) {
		assert_true(rc == RSIP_UNSUPPORTED_RSIP_VERSION ||
		    (rc >= RSIP_MISSING_PARAM && rc <= RSIP_BAD_MESSAGE));
		assert_int_equal(m.has & ~(RSIP_HAS_CLIENT_ID |
		    RSIP_HAS_BIND_ID | RSIP_HAS_COUNTER), 0);
		assert_int_equal(m.type, bad_len > 1 ? bad[1] : 0);
		rsip_message_clear(&m);
		return rc;
	}
	n = content(&m, first, sizeof(first));
	assert_false(n == good_len && memcmp(first, good, n) == 0);
	assert_int_equal(decode_exact(&m2, first, n), RSIP_OK);
	n2 = content(&m2, second, sizeof(second));
	assert_int_equal(n, n2);
	assert_memory_equal(first, second, n);
	rsip_message_clear(&m);
	rsip_message_clear(&m2);
	return RSIP_OK;
}

static void
every_truncation_is_refused(void **state)
{
	const struct rsip_example *e;
	uint8_t			   good[BUF_MAX];
	size_t			   len, cut;

	(void)state;
	for (e = rsip_examples; e < rsip_examples + rsip_examples_count; e++) {
		len = hex_bytes(e->hex, good, sizeof(good));
		for (cut = 0; cut < len; cut++) {
			assert_int_equal(decode_damaged(good, len, good, cut),
			    RSIP_BAD_MESSAGE);
		}
	}
}

/* As above, with an overall length that agrees: the parameters tell. */
static void
every_truncation_with_its_length_right(void **state)
{
	const struct rsip_example *e;
	uint8_t			   good[BUF_MAX], bad[BUF_MAX];
	size_t			   len, cut;

	(void)state;
	for (e = rsip_examples; e < rsip_examples + rsip_examples_count; e++) {
		len = hex_bytes(e->hex, good, sizeof(good));
		memcpy(bad, good, len);
		for (cut = RSIP_HEADER_LEN; cut < len; cut++) {
			store_u16(bad + 2, (uint16_t)cut);
			decode_damaged(good, len, bad, cut);
		}
	}
}

static void
every_change_of_one_byte(void **state)
{
	const struct rsip_example *e;
	uint8_t			   good[BUF_MAX], bad[BUF_MAX];
	size_t			   len, at;
	unsigned		   v;

	(void)state;
	for (e = rsip_examples; e < rsip_examples + rsip_examples_count; e++) {
		len = hex_bytes(e->hex, good, sizeof(good));
		memcpy(bad, good, len);
		for (at = 0; at < len; at++) {
			for (v = 1; v < 256; v++) {
				bad[at] = (uint8_t)(good[at] ^ v);
				decode_damaged(good, len, bad, len);
			}
			bad[at] = good[at];
		}
	}
}

static void
every_byte_left_out_or_put_in(void **state)
{
	const struct rsip_example *e;
	uint8_t			   good[BUF_MAX], bad[BUF_MAX];
	size_t			   len, at;

	(void)state;
	for (e = rsip_examples; e < rsip_examples + rsip_examples_count; e++) {
		len = hex_bytes(e->hex, good, sizeof(good));
		for (at = RSIP_HEADER_LEN; at < len; at++) {
			memcpy(bad, good, at);
			memcpy(bad + at, good + at + 1, len - at - 1);
			store_u16(bad + 2, (uint16_t)(len - 1));
			decode_damaged(good, len, bad, len - 1);
			memcpy(bad, good, at);
			bad[at] = 0;
			memcpy(bad + at + 1, good + at, len - at);
			store_u16(bad + 2, (uint16_t)(len + 1));
			decode_damaged(good, len, bad, len + 1);
		}
	}
}

/* What one message must be answered with; where two things are wrong, the order
 * of checks is doc/wire.md's. */
static const struct {
	enum rsip_error want;
	const char     *why;
	const char     *hex;
} verdicts[] = {
	{ RSIP_BAD_MESSAGE, "no bytes", "" },
	{ RSIP_BAD_MESSAGE, "less than a header", "01 02 00" },
	{ RSIP_BAD_MESSAGE, "overall length beyond the bytes", "01 02 0005" },
	{ RSIP_BAD_MESSAGE, "bytes beyond the overall length",
	    "01 02 0004 00" },
	{ RSIP_BAD_MESSAGE, "overall length within the header", "01 02 0003" },
	{ RSIP_BAD_MESSAGE, "parameter without its length",
	    "01 04 0006  04 00" },
	{ RSIP_BAD_MESSAGE, "parameter past the end",
	    "01 04 000b  04 0005 00000001" },
	{ RSIP_UNSUPPORTED_RSIP_VERSION, "version 2", "02 02 0004" },
	{ RSIP_UNSUPPORTED_RSIP_VERSION, "version 0", "00 02 0004" },
	{ RSIP_UNSUPPORTED_RSIP_VERSION, "version before length",
	    "02 02 0009" },
	{ RSIP_UNSUPPORTED_RSIP_VERSION, "version before type", "02 ff 0004" },
	{ RSIP_ILLEGAL_MESSAGE, "type 0", "01 00 0004" },
	{ RSIP_ILLEGAL_MESSAGE, "type 18", "01 12 0004" },
	{ RSIP_ILLEGAL_MESSAGE, "type 21", "01 15 0004" },
	{ RSIP_ILLEGAL_MESSAGE, "type 24", "01 18 0004" },
	{ RSIP_ILLEGAL_MESSAGE, "type 255", "01 ff 0004" },
	{ RSIP_BAD_MESSAGE, "length before type", "01 ff 0005" },
	{ RSIP_ILLEGAL_MESSAGE, "type before its parameters",
	    "01 ff 0006  04 00" },
	{ RSIP_ILLEGAL_PARAM, "parameter 0", "01 02 0007  00 0000" },
	{ RSIP_ILLEGAL_PARAM, "parameter 13", "01 02 0007  0d 0000" },
	{ RSIP_ILLEGAL_PARAM, "parameter 21", "01 02 0007  15 0000" },
	{ RSIP_ILLEGAL_PARAM, "parameter 23", "01 02 0007  17 0000" },
	{ RSIP_ILLEGAL_PARAM, "parameter 255", "01 02 0008  ff 0001 00" },
	{ RSIP_BAD_MESSAGE, "framing before an unknown parameter",
	    "01 02 000a  0d 0000  04 0004" },
	{ RSIP_ILLEGAL_PARAM, "unknown parameter before a bad one",
	    "01 04 000b  04 0001 07  0d 0000" },
	{ RSIP_BAD_PARAM, "client ID of one byte", "01 04 0008  04 0001 07" },
	{ RSIP_BAD_PARAM, "client ID of five",
	    "01 04 000c  04 0005 0000000701" },
	{ RSIP_BAD_PARAM, "bad parameter before one not allowed",
	    "01 04 0013  04 0004 00000007  05 0005 0000000001" },
	{ RSIP_BAD_PARAM, "reserved flow policy, local",
	    "01 03 0017  04 0004 00000001  03 0004 00000258  09 0002 00 03" },
	{ RSIP_BAD_PARAM, "flow policy, local 3",
	    "01 03 0017  04 0004 00000001  03 0004 00000258  09 0002 03 03" },
	{ RSIP_BAD_PARAM, "reserved flow policy, remote",
	    "01 03 0017  04 0004 00000001  03 0004 00000258  09 0002 01 00" },
	{ RSIP_BAD_PARAM, "flow policy, remote 4",
	    "01 03 0017  04 0004 00000001  03 0004 00000258  09 0002 01 04" },
	{ RSIP_BAD_PARAM, "reserved tunnel type",
	    "01 03 001b  04 0004 00000001  03 0004 00000258  09 0002 01 03"
	    "  06 0001 00" },
	{ RSIP_BAD_PARAM, "reserved method",
	    "01 03 001b  04 0004 00000001  03 0004 00000258  09 0002 01 03"
	    "  07 0001 00" },
	{ RSIP_OK, "a tunnel type not defined yet is the receiver's to refuse",
	    "01 03 001b  04 0004 00000001  03 0004 00000258  09 0002 01 03"
	    "  06 0001 04" },
	{ RSIP_EXTRA_PARAM, "bind ID to register with",
	    "01 02 000b  05 0004 00000001" },
	{ RSIP_EXTRA_PARAM, "lease time on a free",
	    "01 0c 0019  04 0004 00000007  05 0004 00000001"
	    "  03 0004 00000258" },
	{ RSIP_EXTRA_PARAM, "not allowed before missing",
	    "01 04 000b  05 0004 00000001" },
	{ RSIP_MISSING_PARAM, "no client ID", "01 04 0004" },
	{ RSIP_MISSING_PARAM, "no bind ID", "01 0c 000b  04 0004 00000007" },
	{ RSIP_MISSING_PARAM, "required ones in another order",
	    "01 0c 0012  05 0004 00000001  04 0004 00000007" },
	{ RSIP_MISSING_PARAM, "counter before the required ones",
	    "01 04 0012  0b 0004 00000001  04 0004 00000007" },
	{ RSIP_MISSING_PARAM, "16.1 as printed, without the tunnel type",
	    "01 09 002f  04 0004 00000001  05 0004 00000002"
	    "  01 0005 01 9570f09c  02 0003 08 0519  01 0001 01  02 0001 01"
	    "  03 0004 00000708" },
	{ RSIP_MISSING_PARAM, "16.2 as printed, without the bind ID",
	    "01 11 0032  04 0004 00000005  01 0005 01 9570f09c"
	    "  02 0003 01 0802  01 0005 01 26c44906  02 0003 01 0014"
	    "  06 0001 01  03 0004 00000258" },
	{ RSIP_DUPLICATE_PARAM, "client ID twice",
	    "01 04 0012  04 0004 00000007  04 0004 00000007" },
	{ RSIP_DUPLICATE_PARAM, "counter twice",
	    "01 02 0012  0b 0004 00000001  0b 0004 00000001" },
	/* Vendor parameters (§8.12). */
	{ RSIP_BAD_PARAM, "vendor parameter without its subtype",
	    "01 02 000a  0c 0003 7ed9 00" },
	{ RSIP_OK, "another vendor's, of any content",
	    "01 02 000d  0c 0006 0009 0001 ffff" },
	{ RSIP_OK, "another vendor's before the required parameters",
	    "01 04 0012  0c 0004 0009 0001  04 0004 00000007" },
	{ RSIP_OK, "another vendor's, many times",
	    "01 02 0019  0c 0004 0009 0001  0c 0004 0009 0001"
	    "  0c 0004 0009 0001" },
	{ RSIP_OK, "our vendor, a subtype of the future",
	    "01 02 000c  0c 0005 7ed9 0005 ff" },
	{ RSIP_OK, "two cookies, don't care",
	    "01 02 000d  0c 0006 7ed9 0001 0002" },
	{ RSIP_BAD_PARAM, "no cookies", "01 02 000d  0c 0006 7ed9 0001 0000" },
	{ RSIP_BAD_PARAM, "65 cookies", "01 02 000d  0c 0006 7ed9 0001 0041" },
	{ RSIP_OK, "64 cookies", "01 02 000d  0c 0006 7ed9 0001 0040" },
	{ RSIP_BAD_PARAM, "cookies without a number",
	    "01 02 000b  0c 0004 7ed9 0001" },
	{ RSIP_BAD_PARAM, "cookies with half a number",
	    "01 02 000c  0c 0005 7ed9 0001 00" },
	{ RSIP_BAD_PARAM, "cookie of seven bytes",
	    "01 02 0014  0c 000d 7ed9 0001 0001 11223344556677" },
	{ RSIP_BAD_PARAM, "two cookies, one field",
	    "01 02 0015  0c 000e 7ed9 0001 0002 1122334455667788" },
	{ RSIP_DUPLICATE_PARAM, "cookies twice",
	    "01 02 0016  0c 0006 7ed9 0001 0002  0c 0006 7ed9 0001 0002" },
	{ RSIP_BAD_PARAM, "a name of no bytes",
	    "01 02 000b  0c 0004 7ed9 0003" },
	{ RSIP_BAD_PARAM, "a name with a blank",
	    "01 02 000e  0c 0007 7ed9 0003 612062" },
	{ RSIP_BAD_PARAM, "a name with a zero",
	    "01 02 000e  0c 0007 7ed9 0003 610062" },
	{ RSIP_BAD_PARAM, "a name beyond ASCII",
	    "01 02 000e  0c 0007 7ed9 0003 61ff62" },
	{ RSIP_DUPLICATE_PARAM, "a name twice",
	    "01 02 0014  0c 0005 7ed9 0003 61  0c 0005 7ed9 0003 62" },
	{ RSIP_OK, "authentication as the last",
	    "01 02 0037  0c 0030 7ed9 0002 00000009"
	    " 0000000000000011 0000000000000022 0000000000000001"
	    " 00112233445566778899aabbccddeeff" },
	{ RSIP_BAD_PARAM, "authentication, MAC too short",
	    "01 02 0036  0c 002f 7ed9 0002 00000009"
	    " 0000000000000011 0000000000000022 0000000000000001"
	    " 00112233445566778899aabbccddee" },
	{ RSIP_BAD_PARAM, "authentication, MAC too long",
	    "01 02 0038  0c 0031 7ed9 0002 00000009"
	    " 0000000000000011 0000000000000022 0000000000000001"
	    " 00112233445566778899aabbccddeeff00" },
	{ RSIP_BAD_PARAM, "authentication before a name",
	    "01 02 003f  0c 0030 7ed9 0002 00000009"
	    " 0000000000000011 0000000000000022 0000000000000001"
	    " 00112233445566778899aabbccddeeff  0c 0005 7ed9 0003 61" },
	{ RSIP_BAD_PARAM, "authentication before a counter",
	    "01 02 003e  0c 0030 7ed9 0002 00000009"
	    " 0000000000000011 0000000000000022 0000000000000001"
	    " 00112233445566778899aabbccddeeff  0b 0004 00000001" },
	{ RSIP_BAD_PARAM, "authentication twice",
	    "01 02 006a  0c 0030 7ed9 0002 00000009"
	    " 0000000000000011 0000000000000022 0000000000000001"
	    " 00112233445566778899aabbccddeeff"
	    "  0c 0030 7ed9 0002 00000009"
	    " 0000000000000011 0000000000000022 0000000000000001"
	    " 00112233445566778899aabbccddeeff" },
	{ RSIP_OK, "a floor",
	    "01 02 0013  0c 000c 7ed9 0004 0000000000000001" },
	{ RSIP_BAD_PARAM, "a floor of seven bytes",
	    "01 02 0012  0c 000b 7ed9 0004 00000000000001" },
	{ RSIP_BAD_PARAM, "a floor of nine bytes",
	    "01 02 0014  0c 000d 7ed9 0004 000000000000000001" },
	{ RSIP_DUPLICATE_PARAM, "a floor twice",
	    "01 02 0022  0c 000c 7ed9 0004 0000000000000001"
	    "  0c 000c 7ed9 0004 0000000000000001" },
	/* Tuples (§9.14.2, §9.15.2). */
	{ RSIP_OK, "a query of nothing", "01 0e 000b  04 0004 00000001" },
	{ RSIP_MISSING_PARAM, "indicator without an address",
	    "01 0e 0010  04 0004 00000001  0a 0002 0001" },
	{ RSIP_MISSING_PARAM, "network without a netmask",
	    "01 0e 0018  04 0004 00000001  0a 0002 0002"
	    "  01 0005 01 0a143c00" },
	{ RSIP_MISSING_PARAM, "counter within a tuple",
	    "01 0e 0017  04 0004 00000001  0a 0002 0001"
	    "  0b 0004 00000001" },
	{ RSIP_EXTRA_PARAM, "address without an indicator",
	    "01 0e 0013  04 0004 00000001  01 0005 01 0a143c00" },
	{ RSIP_EXTRA_PARAM, "two addresses for one indicator",
	    "01 0e 0020  04 0004 00000001  0a 0002 0001"
	    "  01 0005 01 0a143c00  01 0005 01 0a143c00" },
	{ RSIP_BAD_PARAM, "indicator 0",
	    "01 0e 0018  04 0004 00000001  0a 0002 0000"
	    "  01 0005 01 0a143c00" },
	{ RSIP_BAD_PARAM, "a request with a response's indicator",
	    "01 0e 0018  04 0004 00000001  0a 0002 0003"
	    "  01 0005 01 0a143c00" },
	{ RSIP_BAD_PARAM, "indicator 5 in a response",
	    "01 0f 0018  04 0004 00000001  0a 0002 0005"
	    "  01 0005 01 0a143c00" },
	{ RSIP_BAD_PARAM, "indicator 257 is not 1",
	    "01 0e 0018  04 0004 00000001  0a 0002 0101"
	    "  01 0005 01 0a143c00" },
	{ RSIP_BAD_PARAM, "a tuple that does not care",
	    "01 0e 0014  04 0004 00000001  0a 0002 0001  01 0001 01" },
	{ RSIP_BAD_PARAM, "an FQDN as a network",
	    "01 0e 001d  04 0004 00000001  0a 0002 0002  01 0002 04 61"
	    "  01 0005 02 ffffff00" },
	{ RSIP_OK, "an FQDN as an address",
	    "01 0e 0015  04 0004 00000001  0a 0002 0001  01 0002 04 61" },
	{ RSIP_BAD_PARAM, "a netmask as an address",
	    "01 0e 0018  04 0004 00000001  0a 0002 0001"
	    "  01 0005 02 ffffff00" },
	{ RSIP_BAD_PARAM, "an address as a netmask",
	    "01 0e 0020  04 0004 00000001  0a 0002 0002"
	    "  01 0005 01 0a143c00  01 0005 01 ffffff00" },
};

/* RFC 3103 §8.10, §8.12, §9.1.1. */
static void
one_error_each(void **state)
{
	struct rsip_message m;
	uint8_t		    buf[BUF_MAX];
	size_t		    i, len;
	enum rsip_error	    rc;

	(void)state;
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		len = hex_bytes(verdicts[i].hex, buf, sizeof(buf));
		rc = decode_exact(&m, buf, len);
		if (rc != verdicts[i].want)
			fail_msg("%s: %d, not %d", verdicts[i].why, rc,
			    verdicts[i].want);
		rsip_message_clear(&m);
	}
}

/* RFC 3103 §9.1.1: the ERROR_RESPONSE names the client and the binding. */
static void
identifiers_survive_an_error(void **state)
{
	struct rsip_message m;
	uint8_t		    buf[BUF_MAX];
	size_t		    len;

	(void)state;
	len = hex_bytes("01 0a 001c  04 0004 00000007  05 0004 00000002"
	    "  0b 0004 00000009  0d 0000", buf, sizeof(buf));
	assert_int_equal(decode_exact(&m, buf, len), RSIP_ILLEGAL_PARAM);
	assert_int_equal(m.type, RSIP_EXTEND_REQUEST);
	assert_int_equal(m.has, RSIP_HAS_CLIENT_ID | RSIP_HAS_BIND_ID |
	    RSIP_HAS_COUNTER);
	assert_int_equal(m.client_id, 7);
	assert_int_equal(m.bind_id, 2);
	assert_int_equal(m.counter, 9);
	rsip_message_clear(&m);

	/* As far as they can be read: here, before a broken end. */
	len = hex_bytes("01 0a 000f  04 0004 00000007  05 0004 00", buf,
	    sizeof(buf));
	assert_int_equal(decode_exact(&m, buf, len), RSIP_BAD_MESSAGE);
	assert_int_equal(m.has, RSIP_HAS_CLIENT_ID);
	assert_int_equal(m.client_id, 7);
	rsip_message_clear(&m);

	/* Of messages that nobody knows, and of other versions
	 * (§9.1.1, §10.1). */
	len = hex_bytes("01 00 0012  04 0004 e621753b  0b 0004 00000002", buf,
	    sizeof(buf));
	assert_int_equal(decode_exact(&m, buf, len), RSIP_ILLEGAL_MESSAGE);
	assert_int_equal(m.has, RSIP_HAS_CLIENT_ID | RSIP_HAS_COUNTER);
	assert_int_equal(m.client_id, 0xe621753b);
	assert_int_equal(m.counter, 2);
	buf[0] = 2;
	assert_int_equal(decode_exact(&m, buf, len),
	    RSIP_UNSUPPORTED_RSIP_VERSION);
	assert_int_equal(m.has, RSIP_HAS_CLIENT_ID | RSIP_HAS_COUNTER);
	assert_int_equal(m.counter, 2);
	rsip_message_clear(&m);

	/* The first of two that do not agree. */
	len = hex_bytes("01 04 0012  04 0004 00000007  04 0004 00000008", buf,
	    sizeof(buf));
	assert_int_equal(decode_exact(&m, buf, len), RSIP_DUPLICATE_PARAM);
	assert_int_equal(m.client_id, 7);
	rsip_message_clear(&m);
}

static void
frames_of_a_stream(void **state)
{
	uint8_t buf[8];

	(void)state;
	hex_bytes("01 02 0004 01 02 ffff", buf, sizeof(buf));
	assert_int_equal(rsip_frame_length(buf, 0), 0);
	assert_int_equal(rsip_frame_length(buf, 3), 0);
	assert_int_equal(rsip_frame_length(buf, 4), 4);
	assert_int_equal(rsip_frame_length(buf, 8), 4);
	assert_int_equal(rsip_frame_length(buf + 4, 4), RSIP_MESSAGE_MAX);
	hex_bytes("01 02 0003", buf, sizeof(buf));
	assert_int_equal(rsip_frame_length(buf, 4), -1);
	hex_bytes("ff ff 0000", buf, sizeof(buf));
	assert_int_equal(rsip_frame_length(buf, 4), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_has_an_example),
		cmocka_unit_test(examples_encode_to_these_bytes),
		cmocka_unit_test(examples_decode_to_these_fields),
		cmocka_unit_test(encode_needs_all_the_room),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_truncation_with_its_length_right),
		cmocka_unit_test(every_change_of_one_byte),
		cmocka_unit_test(every_byte_left_out_or_put_in),
		cmocka_unit_test(one_error_each),
		cmocka_unit_test(identifiers_survive_an_error),
		cmocka_unit_test(frames_of_a_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
