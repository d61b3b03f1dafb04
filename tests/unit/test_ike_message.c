/* test_ike_message.c - what is read from ISAKMP messages: payload chains, proposals, identities */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "oe/ike/id.h"
#include "oe/ike/proposal.h"

#define FIRST_ATTRS	(8 + 8 + 8)	/* DOI and situation, proposal, transform */

/* The first transform of an offer, alone, as a responder answers with it. */
static size_t
answer_first(const uint8_t *offer, uint8_t *answer, size_t spi_len)
{
	size_t at = 8 + 8 + spi_len, len = load_u16(offer + at + 2);

	memcpy(answer, offer, at + len);
	store_u16(answer + 8 + 2, (uint16_t)(8 + spi_len + len));
	answer[8 + 7] = 1;
	answer[at] = 0;
	return at + len;
}

/* Replaces the value of a short attribute in the one transform. */
static void
change_attr(uint8_t *answer, size_t at, size_t len, uint16_t type, uint16_t value)
{
	for (; at + 4 <= len; at += 4) {
		if (load_u16(answer + at) == (type | 0x8000)) {
			store_u16(answer + at + 2, value);
			return;
		}
	}
	fail_msg("no attribute %u", type);
}

static void
phase1_answer_must_equal_an_offer(void **state)
{
	static const struct { uint16_t type, value; bool good; } changes[] = {
		{ 1, 7, true },		/* no change */
		{ 14, 128, true },	/* AES-128/SHA2-256/14 is offered too */
		{ 2, IKE_SHA1, false },	/* each part offered, the mix not */
		{ 2, IKE_SHA2_512, false },
		{ 4, 15, false },
		{ 4, 5, false },
		{ 3, IKE_PRESHARED, false },
		{ 14, 192, false },
		{ 12, 60, false },	/* a lifetime nobody asked for */
		{ 12, 65535, false },
	};
	uint8_t		 offer[1024], answer[1024];
	struct ike_suite suite;
	struct writer	 w;
	size_t		 i, len;

	(void)state;
	writer_init(&w, offer, sizeof(offer));
	proposal_offer_phase1(&w, IKE_RSA_SIG, true, 3600);
	assert_false(w.bad);
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		len = answer_first(offer, answer, 0);
		change_attr(answer, FIRST_ATTRS, len, changes[i].type,
		    changes[i].value);
		assert_int_equal(proposal_accept_phase1(answer, len, offer,
		    w.len, &suite), changes[i].good ? 0 : -1);
	}
	/* More than one transform is no choice. */
	assert_int_equal(proposal_accept_phase1(offer, w.len, offer, w.len,
	    &suite), -1);
}

static void
phase2_answer_must_equal_an_offer(void **state)
{
	static const struct { uint16_t type, value; bool good; } changes[] = {
		{ 4, 1, true },
		{ 6, 128, true },
		{ 4, 2, false },	/* transport mode */
		{ 4, 3, false },	/* UDP encapsulation */
		{ 5, 2, false },	/* AES-256 with SHA1 */
		{ 3, 2, false },
		{ 2, 30, false },
	};
	struct ike_esp_suite suite;
	uint8_t		     offer[1024], answer[1024];
	struct writer	     w;
	uint32_t	     spi;
	size_t		     i, len;

	(void)state;
	writer_init(&w, offer, sizeof(offer));
	proposal_offer_phase2(&w, 0x1234, 14, true, 1200);
	assert_false(w.bad);
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		len = answer_first(offer, answer, 4);
		store_u32(answer + 16, 0xabcdef01);
		change_attr(answer, FIRST_ATTRS + 4, len, changes[i].type,
		    changes[i].value);
		assert_int_equal(proposal_accept_phase2(answer, len, offer,
		    w.len, &suite, &spi), changes[i].good ? 0 : -1);
		if (changes[i].good)
			assert_int_equal(spi, 0xabcdef01);
	}
	/* A reserved SPI. */
	len = answer_first(offer, answer, 4);
	store_u32(answer + 16, 255);
	assert_int_equal(proposal_accept_phase2(answer, len, offer, w.len,
	    &suite, &spi), -1);
}

static int
read_id(struct keying_id *id, uint8_t type, uint8_t protocol, uint16_t port,
    const char *rest, size_t len)
{
	uint8_t buf[300];

	buf[0] = type;
	buf[1] = protocol;
	store_u16(buf + 2, port);
	memcpy(buf + 4, rest, len);
	return ike_id_read(id, buf, 4 + len);
}

static void
identities_are_checked(void **state)
{
	struct keying_id id;

	(void)state;
	assert_int_equal(read_id(&id, 2, 0, 0, "X1.Lab.", 7), 0);
	assert_string_equal(id.name, "x1.lab");
	assert_int_equal(read_id(&id, 1, 17, 500, "\xc6\x33\x64\x0a", 4), 0);
	assert_int_equal(id.addr, inet_addr("198.51.100.10"));
	assert_int_equal(read_id(&id, 3, 17, 0, "a@b.c", 5), 0);
	assert_int_equal(read_id(&id, 4, 0, 0, "\x0a\0\0\0\xff\0\0\0", 8), 0);
	/* RFC 2407 §4.6.2: protocol and port are 0/0 or UDP/500. */
	assert_int_equal(read_id(&id, 2, 6, 0, "x1.lab", 6), -1);
	assert_int_equal(read_id(&id, 2, 17, 4500, "x1.lab", 6), -1);
	assert_int_equal(read_id(&id, 2, 0, 500, "x1.lab", 6), -1);
	/* Lengths, types, bytes that do not belong in a name. */
	assert_int_equal(read_id(&id, 1, 0, 0, "\x0a\0\0", 3), -1);
	assert_int_equal(read_id(&id, 1, 0, 0, "\x0a\0\0\0\0", 5), -1);
	assert_int_equal(read_id(&id, 2, 0, 0, "", 0), -1);
	assert_int_equal(read_id(&id, 2, 0, 0, "x1\0lab", 6), -1);
	assert_int_equal(read_id(&id, 2, 0, 0, "x1 lab", 6), -1);
	assert_int_equal(read_id(&id, 2, 0, 0, "a@lab", 5), -1);
	assert_int_equal(read_id(&id, 9, 0, 0, "CN=x1", 5), -1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(phase1_answer_must_equal_an_offer),
		cmocka_unit_test(phase2_answer_must_equal_an_offer),
		cmocka_unit_test(identities_are_checked),
	};

	return cmocka_run_group_tests_name("ike_message", tests, NULL, NULL);
}
