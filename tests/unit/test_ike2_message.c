/* test_ike2_message.c - IKEv2 headers and payload chains: what is read, what is refused, what is written */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oe/ike2/message.h"
#include "tests/unit/ike2_hex.h"

#include "tests/unit/ike2_captures.h"

static const struct ike2_header plain = { .spi_i = 0x0102030405060708,
	.spi_r = 0x1112131415161718, .exchange = IKE2_INFORMATIONAL,
	.flags = IKE2_FLAG_INITIATOR | IKE2_FLAG_RESPONSE, .msgid = 7 };

static void
header_is_written_and_read(void **state)
{
	struct ike2_builder b;
	struct ike2_header  h;
	struct ike2_chain   c;
	uint8_t		    buf[128];
	size_t		    len;

	(void)state;
	ike2_message_begin(&b, buf, sizeof(buf), &plain);
	ike2_put(&b, IKE2_P_NONCE, "abc", 3);
	ike2_put(&b, IKE2_P_VENDOR_ID, "", 0);
	len = ike2_message_end(&b);
	assert_hex(buf, len, "0102030405060708 1112131415161718 28202528"
	    "00000007 00000027 2b000007616263 00000004");
	assert_int_equal(ike2_header_read(&h, buf, len), IKE2_OK);
	assert_true(h.spi_i == plain.spi_i && h.spi_r == plain.spi_r);
	assert_int_equal(h.first, IKE2_P_NONCE);
	assert_int_equal(h.exchange, IKE2_INFORMATIONAL);
	assert_int_equal(h.flags, plain.flags);
	assert_int_equal(h.msgid, 7);
	assert_int_equal(h.length, len);
	assert_int_equal(ike2_chain_split(&c, h.first, buf + IKE2_HEADER_LEN,
	    len - IKE2_HEADER_LEN, true), IKE2_OK);
	assert_int_equal(c.nparts, 2);
	assert_int_equal(c.part[0].len, 3);
	assert_memory_equal(c.part[0].body, "abc", 3);
	assert_int_equal(c.part[1].type, IKE2_P_VENDOR_ID);
	assert_int_equal(c.part[1].len, 0);
	assert_non_null(ike2_chain_only(&c, IKE2_P_NONCE));
	assert_null(ike2_chain_only(&c, IKE2_P_KE));
}

/* RFC 7296 §3.1: other bits are for a future, a lower minor version is none of
 * our business (§2.5), and a length is the datagram's. */
static void
header_rules(void **state)
{
	struct ike2_builder b;
	struct ike2_header  h;
	uint8_t		    buf[64];
	size_t		    len;
	unsigned	    v;

	(void)state;
	ike2_message_begin(&b, buf, sizeof(buf), &plain);
	len = ike2_message_end(&b);
	assert_int_equal(len, IKE2_HEADER_LEN);
	for (v = 0; v < 256; v++) {
		buf[17] = (uint8_t)v;
		assert_int_equal(ike2_header_read(&h, buf, len), v >> 4 == 2 ?
		    IKE2_OK : v >> 4 > 2 ? IKE2_E_VERSION : IKE2_E_SYNTAX);
	}
	buf[17] = IKE2_VERSION;
	buf[19] = 0xff;
	assert_int_equal(ike2_header_read(&h, buf, len), IKE2_OK);
	for (v = 0; v < 64; v++) {
		store_u32(buf + 24, v);
		assert_int_equal(ike2_header_read(&h, buf, len),
		    v == len ? IKE2_OK : IKE2_E_SYNTAX);
	}
	store_u32(buf + 24, 0xffffffff);
	assert_int_equal(ike2_header_read(&h, buf, len), IKE2_E_SYNTAX);
	store_u32(buf + 24, (uint32_t)len);
	memset(buf, 0, 8);
	assert_int_equal(ike2_header_read(&h, buf, len), IKE2_E_SYNTAX);
}

static enum ike2_error
split(struct ike2_chain *c, uint8_t first, const char *hex, bool sealed)
{
	static uint8_t buf[256];

	return ike2_chain_split(c, first, buf, unhex(hex, buf, sizeof(buf)),
	    sealed);
}

/* RFC 7296 §2.5, §3.2. */
static void
unknown_payloads(void **state)
{
	struct ike2_chain c;

	(void)state;
	/* Passed over, and the one behind it is read. */
	assert_int_equal(split(&c, 200, "28000005aa 00000005bb", true),
	    IKE2_OK);
	assert_int_equal(c.nparts, 1);
	assert_int_equal(c.part[0].type, IKE2_P_NONCE);
	/* Critical: the message is refused, and the answer names the type. */
	assert_int_equal(split(&c, 200, "28800005aa 00000005bb", true),
	    IKE2_E_CRITICAL);
	assert_int_equal(c.refused, 200);
	/* The bit of the one before says nothing of the next. */
	assert_int_equal(split(&c, IKE2_P_NONCE, "c8800005aa 00000005bb", true),
	    IKE2_OK);
	/* §3.2: it is not looked at in a payload that is known, nor are the
	 * reserved bits in any. */
	assert_int_equal(split(&c, IKE2_P_NONCE, "00ff0005aa", true), IKE2_OK);
	/* IKEv1's numbers are as unknown as any. */
	assert_int_equal(split(&c, 1, "00000005aa", true), IKE2_OK);
	assert_int_equal(c.nparts, 0);
	assert_int_equal(split(&c, 1, "00800005aa", true), IKE2_E_CRITICAL);
}

static void
lengths(void **state)
{
	struct ike2_chain c;

	(void)state;
	assert_int_equal(split(&c, IKE2_NONE, "", true), IKE2_OK);
	assert_int_equal(c.nparts, 0);
	assert_int_equal(split(&c, IKE2_NONE, "00", true), IKE2_E_SYNTAX);
	assert_int_equal(split(&c, IKE2_P_NONCE, "", true), IKE2_E_SYNTAX);
	assert_int_equal(split(&c, IKE2_P_NONCE, "000000", true),
	    IKE2_E_SYNTAX);
	assert_int_equal(split(&c, IKE2_P_NONCE, "00000000", true),
	    IKE2_E_SYNTAX);
	assert_int_equal(split(&c, IKE2_P_NONCE, "00000003", true),
	    IKE2_E_SYNTAX);
	assert_int_equal(split(&c, IKE2_P_NONCE, "00000004", true), IKE2_OK);
	assert_int_equal(split(&c, IKE2_P_NONCE, "00000005", true),
	    IKE2_E_SYNTAX);
	assert_int_equal(split(&c, IKE2_P_NONCE, "0000000400", true),
	    IKE2_E_SYNTAX);
	assert_int_equal(split(&c, IKE2_P_NONCE, "0000ffff00", true),
	    IKE2_E_SYNTAX);
}

/* §3.14: an SK payload is the last, its Next Payload names what is inside. */
static void
sealed_payload_ends_the_chain(void **state)
{
	static const char *const types[] = { "2e", "35" };
	struct ike2_chain	 c;
	char			 hex[64];
	unsigned		 i;

	(void)state;
	for (i = 0; i < 2; i++) {
		snprintf(hex, sizeof(hex), "%s000005aa 23000006bbcc", types[i]);
		assert_int_equal(split(&c, IKE2_P_NOTIFY, hex, true), IKE2_OK);
		assert_int_equal(c.nparts, 2);
		assert_int_equal(c.part[1].next, IKE2_P_IDI);
		assert_int_equal(c.part[1].len, 2);
		assert_int_equal(split(&c, IKE2_P_NOTIFY, hex, false),
		    IKE2_E_SYNTAX);
		snprintf(hex, sizeof(hex), "%s000005aa 23000006bbcc 00000004",
		    types[i]);
		assert_int_equal(split(&c, IKE2_P_NOTIFY, hex, true),
		    IKE2_E_SYNTAX);
	}
}

static void
payloads_are_limited(void **state)
{
	uint8_t		  buf[4 * (IKE2_PAYLOADS_MAX + 1)];
	struct ike2_chain c;
	unsigned	  i, unknown;

	(void)state;
	for (unknown = 0; unknown < 2; unknown++) {
		for (i = 0; i <= IKE2_PAYLOADS_MAX; i++)
			store_u32(buf + 4 * i, 4 | (unknown ? 200u :
			    IKE2_P_VENDOR_ID) << 24);
		buf[4 * IKE2_PAYLOADS_MAX] = IKE2_NONE;
		assert_int_equal(ike2_chain_split(&c, unknown ? 200 :
		    IKE2_P_VENDOR_ID, buf, sizeof(buf), true), IKE2_E_LIMIT);
		buf[4 * IKE2_PAYLOADS_MAX - 4] = IKE2_NONE;
		assert_int_equal(ike2_chain_split(&c, unknown ? 200 :
		    IKE2_P_VENDOR_ID, buf, sizeof(buf) - 4, true), IKE2_OK);
		assert_int_equal(c.nparts, unknown ? 0 : IKE2_PAYLOADS_MAX);
	}
}

/* What does not fit, or is longer than a length can say, is no message. */
static void
builder_is_bounded(void **state)
{
	static uint8_t	    big[70000];
	struct ike2_builder b;
	uint8_t		    buf[128];
	size_t		    cap, len;

	(void)state;
	ike2_message_begin(&b, buf, sizeof(buf), &plain);
	ike2_put(&b, IKE2_P_KE, big, 20);
	ike2_put(&b, IKE2_P_NONCE, big, 16);
	len = ike2_message_end(&b);
	assert_int_equal(len, 28 + 24 + 20);
	for (cap = 0; cap < len; cap++) {
		ike2_message_begin(&b, buf, cap, &plain);
		ike2_put(&b, IKE2_P_KE, big, 20);
		ike2_put(&b, IKE2_P_NONCE, big, 16);
		assert_int_equal(ike2_message_end(&b), 0);
	}
	ike2_chain_begin(&b, big, sizeof(big));
	ike2_open(&b, IKE2_P_KE);
	b.w.len += 65532;
	ike2_close(&b);
	assert_true(b.w.bad);
}

/* Each truncation and each changed octet of real messages: split or refused. */
static void
damage(const uint8_t *msg, size_t len)
{
	struct ike2_header h;
	struct ike2_chain  c;
	uint8_t		  *copy;
	size_t		   at;
	unsigned	   i, v;

	for (at = 0; at < len; at++) {
		copy = malloc(at + 1);
		memcpy(copy, msg, at);
		assert_int_equal(ike2_header_read(&h, copy, at), IKE2_E_SYNTAX);
		if (at >= IKE2_HEADER_LEN) {
			assert_int_not_equal(ike2_chain_split(&c, msg[16],
			    copy + IKE2_HEADER_LEN, at - IKE2_HEADER_LEN, true),
			    IKE2_OK);
		}
		free(copy);
	}
	if (len == 0)
		abort();
	copy = malloc(len);
	for (at = 0; at < len; at++) {
		for (v = 1; v < 256; v++) {
			memcpy(copy, msg, len);
			copy[at] ^= (uint8_t)v;
			if (ike2_header_read(&h, copy, len) != IKE2_OK ||
			    ike2_chain_split(&c, h.first,
			    copy + IKE2_HEADER_LEN, len - IKE2_HEADER_LEN,
			    true) != IKE2_OK)
				continue;
			for (i = 0; i < c.nparts; i++)
				assert_true(c.part[i].body >= copy +
				    IKE2_HEADER_LEN + IKE2_GENERIC_LEN &&
				    c.part[i].body + c.part[i].len <= copy +
				    len);
		}
	}
	free(copy);
}

static void
damaged_captures(void **state)
{
	uint8_t	 msg[512];
	unsigned i, k;

	(void)state;
	for (i = 0; i < sizeof(captures) / sizeof(captures[0]); i++)
		for (k = 0; k < CAPTURE_MESSAGES; k++)
			if (captures[i].message[k] != NULL)
				damage(msg, unhex(captures[i].message[k], msg,
				    sizeof(msg)));
}

/* What others sent is read as it was meant, and built again it is the same. */
static void
captures_are_read_and_rebuilt(void **state)
{
	uint8_t		    msg[512], again[512];
	struct ike2_builder b;
	struct ike2_header  h;
	struct ike2_chain   c;
	size_t		    len;
	unsigned	    i, k, n;

	(void)state;
	for (i = 0; i < 2; i++) {
		for (k = 0; k < 2; k++) {
			len = unhex(captures[i].message[k], msg, sizeof(msg));
			assert_int_equal(ike2_header_read(&h, msg, len),
			    IKE2_OK);
			assert_int_equal(h.exchange, IKE2_SA_INIT);
			assert_int_equal(h.flags, k == 0 ? IKE2_FLAG_INITIATOR :
			    IKE2_FLAG_RESPONSE);
			assert_int_equal(ike2_chain_split(&c, h.first, msg +
			    IKE2_HEADER_LEN, len - IKE2_HEADER_LEN, true),
			    IKE2_OK);
			assert_non_null(ike2_chain_only(&c, IKE2_P_SA));
			assert_non_null(ike2_chain_only(&c, IKE2_P_KE));
			assert_non_null(ike2_chain_only(&c, IKE2_P_NONCE));
			assert_true(ike2_chain_count(&c, IKE2_P_NOTIFY) >= 2);
			ike2_message_begin(&b, again, sizeof(again), &h);
			for (n = 0; n < c.nparts; n++)
				ike2_put(&b, c.part[n].type, c.part[n].body,
				    c.part[n].len);
			assert_int_equal(ike2_message_end(&b), len);
			assert_memory_equal(again, msg, len);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_is_written_and_read),
		cmocka_unit_test(header_rules),
		cmocka_unit_test(unknown_payloads),
		cmocka_unit_test(lengths),
		cmocka_unit_test(sealed_payload_ends_the_chain),
		cmocka_unit_test(payloads_are_limited),
		cmocka_unit_test(builder_is_bounded),
		cmocka_unit_test(damaged_captures),
		cmocka_unit_test(captures_are_read_and_rebuilt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
