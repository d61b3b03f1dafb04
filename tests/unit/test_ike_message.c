/* test_ike_message.c - what is read from ISAKMP messages: payload chains, proposals, identities */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "oe/ike1/id.h"
#include "oe/ike1/proposal.h"

#define FIRST_ATTRS	(8 + 8 + 8)	/* DOI and situation,
					 * proposal, transform */

/* One transform of an offer, alone, as a responder answers with it. */
static size_t
answer_with(unsigned n, const uint8_t *offer, uint8_t *answer, size_t spi_len)
{
	size_t at = 8 + 8 + spi_len, from = at, len;

	while (n-- > 1)
		from += load_u16(offer + from + 2);
	len = load_u16(offer + from + 2);
	memcpy(answer, offer, at);
	memcpy(answer + at, offer + from, len);
	store_u16(answer + 8 + 2, (uint16_t)(8 + spi_len + len));
	answer[8 + 7] = 1;
	answer[at] = 0;
	return at + len;
}

/* Replaces the value of a short attribute in the one transform. */
static void
change_attr(uint8_t *answer, size_t at, size_t len, uint16_t type,
    uint16_t value)
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
		{ 3, IKE1_PRESHARED, false },
		{ 14, 192, false },
		{ 12, 60, false },	/* a lifetime nobody asked for */
		{ 12, 65535, false },
	};
	uint8_t		 offer[1024], answer[1024];
	struct ike1_suite suite;
	struct writer	 w;
	size_t		 i, len;

	(void)state;
	writer_init(&w, offer, sizeof(offer));
	proposal_offer_phase1(&w, IKE1_RSA_SIG, true, 3600);
	assert_false(w.bad);
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		len = answer_with(1, offer, answer, 0);
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
		{ 5, 0, false },
		{ 3, 2, false },
		{ 2, 30, false },
	};
	static const struct proposal_phase2 want = { .group = 14,
		.encapsulation = IKE1_TUNNEL, .legacy = true,
		.lifetime = 1200 };
	struct ike1_esp_suite suite;
	uint8_t		     offer[1024], answer[1024];
	struct writer	     w;
	uint32_t	     spi;
	size_t		     i, len;

	(void)state;
	writer_init(&w, offer, sizeof(offer));
	proposal_offer_phase2(&w, 0x1234, &want);
	assert_false(w.bad);
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		len = answer_with(3, offer, answer, 4);
		store_u32(answer + 16, 0xabcdef01);
		change_attr(answer, FIRST_ATTRS + 4, len, changes[i].type,
		    changes[i].value);
		assert_int_equal(proposal_accept_phase2(answer, len, offer,
		    w.len, &suite, &spi), changes[i].good ? 0 : -1);
		if (changes[i].good)
			assert_int_equal(spi, 0xabcdef01);
	}
	/* A reserved SPI. */
	len = answer_with(3, offer, answer, 4);
	store_u32(answer + 16, 255);
	assert_int_equal(proposal_accept_phase2(answer, len, offer, w.len,
	    &suite, &spi), -1);
}

static void
all_of_an_offer_is_there(void **state)
{
	static const struct proposal_phase2 want = { .group = 19,
		.encapsulation = IKE1_UDP_TUNNEL, .esn = true, .lifetime = 1200,
		.kilobytes = 100000 };
	struct ike1_esp_suite   suite;
	struct proposal_choice choice;
	uint8_t		       offer[1024], answer[1024];
	struct writer	       w, a;
	uint32_t	       spi;

	(void)state;
	writer_init(&w, offer, sizeof(offer));
	proposal_offer_phase2(&w, 0x1234, &want);
	assert_false(w.bad);
	/* The wrong encapsulation is no choice. */
	assert_int_equal(proposal_choose_phase2(offer, w.len, IKE1_TUNNEL,
	    false, &suite, &spi, &choice), -1);
	assert_int_equal(proposal_choose_phase2(offer, w.len, IKE1_UDP_TUNNEL,
	    false, &suite, &spi, &choice), 0);
	assert_int_equal(spi, 0x1234);
	assert_true(suite.esn);
	assert_int_equal(suite.cipher, ESP_AES_GCM_16);
	assert_int_equal(suite.cipher_bits, 256);
	assert_int_equal(suite.group, 19);
	assert_int_equal(suite.lifetime, 1200);
	assert_int_equal(suite.bytes, 100000ull * 1024);
	writer_init(&a, answer, sizeof(answer));
	proposal_answer(&a, &choice, 0xabcdef01);
	assert_int_equal(proposal_accept_phase2(answer, a.len, offer, w.len,
	    &suite, &spi), 0);
	assert_int_equal(spi, 0xabcdef01);
	/* A bundle with AH (one number, two protocols) is passed over. */
	writer_init(&a, answer, sizeof(answer));
	writer_put(&a, offer, 8);
	writer_put(&a, (const uint8_t[]){ 2, 0, 0, 20, 1, PROTO_AH, 4, 1,
	    0, 0, 9, 9, 0, 0, 0, 8, 1, 2, 0, 0 }, 20);
	writer_put(&a, offer + 8, w.len - 8);
	assert_int_equal(proposal_choose_phase2(answer, a.len, IKE1_UDP_TUNNEL,
	    false, &suite, &spi, &choice), -1);
	/* As an alternative of another number it does no harm. */
	answer[8 + 4] = 7;
	assert_int_equal(proposal_choose_phase2(answer, a.len, IKE1_UDP_TUNNEL,
	    false, &suite, &spi, &choice), 0);
}

static void
weak_and_unknown_transforms_are_passed_over(void **state)
{
	/* DES, NULL, AES without integrity, transport mode, no PFS. */
	static const struct {
		uint8_t id;
		uint16_t auth, mode, group;
	} bad[] = {
		{ 2, 1, 1, 14 }, { 11, 2, 1, 14 }, { 12, 0, 1, 14 },
		{ 12, 5, 2, 14 }, { 12, 5, 1, 0 }, { 12, 5, 1, 1 },
		{ 12, 5, 1, 22 }, { 20, 5, 1, 14 }, { 99, 5, 1, 14 },
	};
	struct ike1_esp_suite   suite;
	struct proposal_choice choice;
	uint8_t		       sa[256];
	struct writer	       w;
	uint32_t	       spi;
	size_t		       i, at;

	(void)state;
	for (i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		bool ok = i == sizeof(bad) / sizeof(bad[0]);

		writer_init(&w, sa, sizeof(sa));
		writer_u32(&w, IPSEC_DOI);
		writer_u32(&w, IPSEC_SIT_IDENTITY);
		writer_put(&w, (const uint8_t[]){ 0, 0, 0, 0, 1, PROTO_ESP, 4,
		    1, 0, 0, 0x30, 0x39 }, 12);
		at = w.len;
		writer_put(&w, (const uint8_t[]){ 0, 0, 0, 0, 1,
		    ok ? 12 : bad[i].id, 0, 0 }, 8);
		isakmp_attr(&w, 4, ok ? 1 : bad[i].mode);
		if (ok || bad[i].auth != 0)
			isakmp_attr(&w, 5, ok ? 5 : bad[i].auth);
		if (ok || bad[i].group != 0)
			isakmp_attr(&w, 3, ok ? 14 : bad[i].group);
		writer_patch_u16(&w, at + 2, (uint16_t)(w.len - at));
		writer_patch_u16(&w, 10, (uint16_t)(w.len - 8));
		assert_int_equal(proposal_choose_phase2(sa, w.len, IKE1_TUNNEL,
		    true, &suite, &spi, &choice), ok ? 0 : -1);
	}
}

static void
payload_chains_are_checked(void **state)
{
	struct isakmp_message m = { .h.first = ISAKMP_NONCE };
	uint8_t		      body[] = { ISAKMP_VENDOR_ID, 0, 0, 5, 'n',
		ISAKMP_NONE, 0, 0, 4, 0, 0, 0 };

	(void)state;
	assert_int_equal(isakmp_split(&m, body, 9, false), 0);
	assert_int_equal(m.nparts, 2);
	/* Padding: only under encryption. */
	assert_int_equal(isakmp_split(&m, body, 12, false), -1);
	assert_int_equal(isakmp_split(&m, body, 12, true), 0);
	/* RFC 2408 §5.3: RESERVED is zero, types are known,
	 * lengths are true. */
	body[1] = 1;
	assert_int_equal(isakmp_split(&m, body, 9, false), -1);
	body[1] = 0;
	body[0] = 14;
	assert_int_equal(isakmp_split(&m, body, 9, false), -1);
	body[0] = ISAKMP_NAT_D;
	assert_int_equal(isakmp_split(&m, body, 9, false), 0);
	body[0] = 130;
	assert_int_equal(isakmp_split(&m, body, 9, false), 0);
	body[3] = 3;
	assert_int_equal(isakmp_split(&m, body, 9, false), -1);
	body[3] = 6;
	assert_int_equal(isakmp_split(&m, body, 9, false), -1);
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
	return ike1_id_read(id, buf, 4 + len);
}

static void
identities_are_checked(void **state)
{
	struct keying_id id;

	(void)state;
	assert_int_equal(read_id(&id, 2, 0, 0, "X1.Lab.", 7), 0);
	assert_string_equal(id.name, "x1.lab");
	assert_int_equal(read_id(&id, 1, 17, 500, "\xc6\x33\x64\x0a", 4), 0);
	assert_int_equal(addr_v4(&id.addr), inet_addr("198.51.100.10"));
	assert_int_equal(read_id(&id, 3, 17, 0, "a@b.c", 5), 0);
	assert_int_equal(read_id(&id, 4, 0, 0, "\x0a\0\0\0\xff\0\0\0", 8), 0);
	assert_int_equal(id.plen, 8);
	/* A mask with a hole, and a net with bits beyond its mask. */
	assert_int_equal(read_id(&id, 4, 0, 0, "\x0a\0\0\0\xff\0\xff\0",
	    8), -1);
	assert_int_equal(read_id(&id, 4, 0, 0, "\x0a\0\0\1\xff\0\0\0", 8), -1);
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
		cmocka_unit_test(all_of_an_offer_is_there),
		cmocka_unit_test(weak_and_unknown_transforms_are_passed_over),
		cmocka_unit_test(payload_chains_are_checked),
		cmocka_unit_test(identities_are_checked),
	};

	return cmocka_run_group_tests_name("ike_message", tests, NULL, NULL);
}
