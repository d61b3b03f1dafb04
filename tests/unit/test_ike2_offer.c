/* test_ike2_offer.c - IKEv2 SA payloads: offers, what is chosen of them, what an answer may say */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oe/ike2/offer.h"
#include "tests/unit/ike2_hex.h"

#include "tests/unit/ike2_captures.h"

static const struct ike2_terms init_terms = { .protocol = IKE2_PROTO_IKE,
	.ke = IKE2_KE_CURVE25519 };
static const struct ike2_terms first_terms = { .protocol = IKE2_PROTO_ESP,
	.spi_len = 4, .first_child = true };
static const struct ike2_terms child_terms = { .protocol = IKE2_PROTO_ESP,
	.spi_len = 4, .ke = IKE2_KE_ECP_256 };
static const struct ike2_terms rekey_terms = { .protocol = IKE2_PROTO_IKE,
	.spi_len = 8, .ke = IKE2_KE_CURVE25519 };

static enum ike2_offer_result
choose(const char *hex, const struct ike2_terms *t, struct ike2_choice *c)
{
	uint8_t	 buf[1024], *copy;
	size_t	 len = unhex(hex, buf, sizeof(buf));
	enum ike2_offer_result r;

	/* Of exactly this size, so that a sanitizer sees its end. */
	copy = malloc(len + 1);
	memcpy(copy, buf, len);
	r = ike2_offer_choose(copy, len, t, c);
	free(copy);
	return r;
}

/* What each side makes of the other's words, for every kind of SA. */
static void
offer_choose_accept(void **state)
{
	static const struct ike2_terms *const all[] = { &init_terms,
		&first_terms, &child_terms, &rekey_terms };
	struct ike2_choice choice;
	struct ike2_suite  suite;
	struct writer	   offer, answer;
	uint8_t		   a[IKE2_OFFER_MAX], b[IKE2_OFFER_MAX];
	uint64_t	   spi;
	char		   text[128];
	unsigned	   i;

	(void)state;
	for (i = 0; i < 4; i++) {
		writer_init(&offer, a, sizeof(a));
		ike2_offer_write(&offer, all[i], 0x11223344);
		assert_false(offer.bad);
		assert_true(offer.len < 300);
		assert_int_equal(ike2_offer_choose(a, offer.len, all[i],
		    &choice), IKE2_OFFER_OK);
		assert_int_equal(choice.number, 1);
		assert_int_equal(choice.suite.encr, IKE2_ENCR_AES_GCM_16);
		assert_int_equal(choice.suite.bits, 256);
		assert_int_equal(choice.suite.integ, 0);
		assert_int_equal(choice.suite.ke, all[i]->first_child ? 0 :
		    all[i]->ke);
		assert_true(choice.suite.esn ==
		    (all[i]->protocol == IKE2_PROTO_ESP));
		assert_true(choice.spi == (all[i]->spi_len == 0 ? 0 :
		    0x11223344));
		writer_init(&answer, b, sizeof(b));
		ike2_offer_answer(&answer, &choice, all[i], 0x55667788);
		assert_int_equal(ike2_offer_accept(b, answer.len, a, offer.len,
		    all[i], &suite, &spi), IKE2_OFFER_OK);
		assert_memory_equal(&suite, &choice.suite, sizeof(suite));
		assert_true(spi == (all[i]->spi_len == 0 ? 0 : 0x55667788));
		/* The offer itself is no choice. */
		assert_int_equal(ike2_offer_accept(a, offer.len, a, offer.len,
		    all[i], &suite, &spi), IKE2_OFFER_NONE);
		print_message("%u octets: %s\n", (unsigned)offer.len,
		    ike2_suite_text(&choice.suite, text, sizeof(text)));
	}
}

/* The offers of Wireshark's captures, which strongSwan made, are chosen from
 * as the other strongSwan did; where there is no MAC whose place is free,
 * octet for octet. */
static void
captured_offers(void **state)
{
	const struct ike2_part *sa;
	struct ike2_choice	choice;
	struct ike2_terms	terms = init_terms;
	struct ike2_suite	suite;
	struct ike2_chain	c;
	struct writer		w;
	uint8_t			msg[512], answer[512], mine[128];
	size_t			len, alen;
	uint64_t		spi;
	unsigned		i;

	(void)state;
	for (i = 0; i < 2; i++) {
		len = unhex(captures[i].message[0], msg, sizeof(msg));
		assert_int_equal(ike2_chain_split(&c, msg[16], msg + 28,
		    len - 28, true), IKE2_OK);
		sa = ike2_chain_only(&c, IKE2_P_SA);
		terms.ke = load_u16(ike2_chain_only(&c, IKE2_P_KE)->body);
		/* Groups that we do not want end it. */
		if (!ike2_ke_allowed(terms.ke)) {
			assert_int_equal(ike2_offer_choose(sa->body, sa->len,
			    &terms, &choice), IKE2_OFFER_NONE);
			continue;
		}
		assert_int_equal(ike2_offer_choose(sa->body, sa->len, &terms,
		    &choice), IKE2_OFFER_OK);
		assert_int_equal(choice.suite.encr, captures[i].encr);
		assert_int_equal(choice.suite.bits, captures[i].bits);
		assert_int_equal(choice.suite.integ, captures[i].integ);
		writer_init(&w, mine, sizeof(mine));
		ike2_offer_answer(&w, &choice, &terms, 0);
		alen = unhex(captures[i].message[1], answer, sizeof(answer));
		assert_int_equal(ike2_chain_split(&c, answer[16], answer + 28,
		    alen - 28, true), IKE2_OK);
		assert_int_equal(w.len, ike2_chain_only(&c, IKE2_P_SA)->len);
		if (captures[i].integ == 0)
			assert_memory_equal(mine, ike2_chain_only(&c,
			    IKE2_P_SA)->body, w.len);
		assert_int_equal(ike2_offer_accept(mine, w.len, msg + 32,
		    load_u16(msg + 30) - 4u, &terms, &suite, &spi),
		    IKE2_OFFER_OK);
	}
}

#define T_GCM256 "0300000c01000014800e0100"
#define T_GCM128 "0300000c01000014800e0080"
#define T_CHACHA "030000080100001c"
#define T_CBC256 "0300000c0100000c800e0100"
#define T_3DES	 "0300000801000003"
#define T_PRF512 "0300000802000007"
#define T_PRF1	 "0300000802000002"
#define T_INT256 "030000080300000c"
#define T_INT0	 "0300000803000000"
#define T_KE14	 "030000080400000e"
#define T_KE19	 "0300000804000013"
#define T_KE2	 "0300000804000002"
#define T_KE0	 "0300000804000000"
#define L_KE19	 "0000000804000013"
#define L_KE2	 "0000000804000002"
#define L_ESN0	 "0000000805000000"
#define T_ESN1	 "0300000805000001"
#define L_ESN1	 "0000000805000001"

/* RFC 7296 §3.3, §3.3.6, RFC 5282 §8, RFC 8247: one case each. */
static void
choice_rules(void **state)
{
	const struct {
		const char *what;
		const struct ike2_terms *terms;
		const char *body;
		enum ike2_offer_result result;
		unsigned encr, integ, ke, number, esn;
	} cases[] = {
		{ "libreswan's: one cipher a proposal", &init_terms,
		    "0200002c 01010004" T_GCM256 T_PRF512 T_KE14 L_KE19
		    "0000002c 02010004" T_GCM128 T_PRF512 T_KE14 L_KE19,
		    IKE2_OFFER_OK, 20, 0, 19, 1, 0 },
		{ "the group of the KE payload is taken if acceptable",
		    &(struct ike2_terms){ .protocol = 1, .ke = 14 },
		    "0000002c 01010004" T_GCM256 T_PRF512 T_KE14 L_KE19,
		    IKE2_OFFER_OK, 20, 0, 14, 1, 0 },
		{ "and another named if not (INVALID_KE_PAYLOAD)",
		    &(struct ike2_terms){ .protocol = 1, .ke = 2 },
		    "0000002c 01010004" T_GCM256 T_PRF512 T_KE2 L_KE19,
		    IKE2_OFFER_OK, 20, 0, 19, 1, 0 },
		{ "an old group alone", &init_terms,
		    "00000024 01010003" T_GCM256 T_PRF512 L_KE2,
		    IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "an old PRF alone", &init_terms,
		    "00000024 01010003" T_GCM256 T_PRF1 L_KE19,
		    IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "an old cipher, then a good proposal", &init_terms,
		    "02000028 01010004" T_3DES T_PRF512 T_INT256 L_KE19
		    "0000002c 02010004" T_CBC256 T_PRF512 T_INT256 L_KE19,
		    IKE2_OFFER_OK, 12, 12, 19, 2, 0 },
		{ "CBC without a MAC", &init_terms,
		    "00000024 01010003" T_CBC256 T_PRF512 L_KE19,
		    IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "CBC with the MAC \"none\"", &init_terms,
		    "0000002c 01010004" T_CBC256 T_PRF512 T_INT0 L_KE19,
		    IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "GCM with the MAC \"none\"", &init_terms,
		    "0000002c 01010004" T_GCM256 T_PRF512 T_INT0 L_KE19,
		    IKE2_OFFER_OK, 20, 0, 19, 1, 0 },
		{ "GCM with a MAC", &init_terms,
		    "0000002c 01010004" T_GCM256 T_PRF512 T_INT256 L_KE19,
		    IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "both kinds in one proposal: the one that fits",
		    &init_terms,
		    "00000038 01010005" T_GCM256 T_CBC256 T_PRF512 T_INT256
		    L_KE19, IKE2_OFFER_OK, 12, 12, 19, 1, 0 },
		{ "no PRF", &init_terms,
		    "0000001c 01010002" T_GCM256 L_KE19,
		    IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "no group", &init_terms,
		    "0000001c 01010002" T_GCM256 "0000000802000007",
		    IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "the group \"none\" for an IKE SA", &init_terms,
		    "00000024 01010003" T_GCM256 T_PRF512 "0000000804000000",
		    IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "a transform type that we do not know (RFC 9370's)",
		    &init_terms,
		    "0200002c 01010004" T_GCM256 T_PRF512 T_KE19
		    "0000000806000024"
		    "00000024 02010003" T_GCM128 T_PRF512 L_KE19,
		    IKE2_OFFER_OK, 20, 0, 19, 2, 0 },
		{ "a transform id that we do not know", &init_terms,
		    "00000028 01010004 0300000801001234" T_CHACHA T_PRF512
		    L_KE19, IKE2_OFFER_OK, 28, 0, 19, 1, 0 },
		{ "an attribute that we do not know, short and long",
		    &init_terms,
		    "0000003e 01010005"
		    "0300000c0100000c800f0100"
		    "0300001201000014 800e0100 0010 0002 abcd" T_CHACHA
		    T_PRF512 L_KE19,
		    IKE2_OFFER_OK, 28, 0, 19, 1, 0 },
		{ "AES without a key length, ChaCha20 with one", &init_terms,
		    "00000038 01010005 0300000801000014"
		    "0300000c0100001c800e0100 0300000c01000014800e0040"
		    T_PRF512 L_KE19, IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "two key lengths", &init_terms,
		    "00000028 01010003 0300001001000014800e0100800e0080"
		    T_PRF512 L_KE19, IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "an SPI where there is none", &init_terms,
		    "00000028 01010403 11223344" T_GCM256 T_PRF512 L_KE19,
		    IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "no SPI where there is one", &first_terms,
		    "0000001c 01030002" T_GCM256 L_ESN0,
		    IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "a reserved SPI", &first_terms,
		    "00000020 01030402 000000ff" T_GCM256 L_ESN0,
		    IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "an IKE SPI of zero", &rekey_terms,
		    "0000002c 01010803 0000000000000000" T_GCM256 T_PRF512
		    L_KE19, IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "strongSwan's child: no ESN", &first_terms,
		    "00000020 01030402 00000100" T_GCM256 L_ESN0,
		    IKE2_OFFER_OK, 20, 0, 0, 1, 0 },
		{ "libreswan's child: both", &first_terms,
		    "00000028 01030403 00000100" T_GCM256 T_ESN1 L_ESN0,
		    IKE2_OFFER_OK, 20, 0, 0, 1, 1 },
		{ "ESN where our ESP cannot", &(struct ike2_terms){
		    .protocol = 3, .spi_len = 4, .first_child = true,
		    .no_esn = true },
		    "00000028 01030403 00000100" T_GCM256 T_ESN1 L_ESN0,
		    IKE2_OFFER_OK, 20, 0, 0, 1, 0 },
		{ "and only it", &(struct ike2_terms){ .protocol = 3,
		    .spi_len = 4, .first_child = true, .no_esn = true },
		    "00000020 01030402 00000100" T_GCM256 L_ESN1,
		    IKE2_OFFER_NONE, 0, 0, 0, 0, 0 },
		{ "a child that says nothing of it", &first_terms,
		    "00000018 01030401 00000100 0000000c01000014800e0100",
		    IKE2_OFFER_OK, 20, 0, 0, 1, 0 },
		{ "groups in IKE_AUTH are passed over", &first_terms,
		    "00000028 01030403 00000100" T_GCM256 T_KE2 L_ESN0,
		    IKE2_OFFER_OK, 20, 0, 0, 1, 0 },
		{ "a child with a group or none, KE there", &child_terms,
		    "00000030 01030404 00000100" T_GCM256 T_KE19 T_KE0 L_ESN0,
		    IKE2_OFFER_OK, 20, 0, 19, 1, 0 },
		{ "KE not there", &(struct ike2_terms){ .protocol = 3,
		    .spi_len = 4 },
		    "00000030 01030404 00000100" T_GCM256 T_KE19 T_KE0 L_ESN0,
		    IKE2_OFFER_OK, 20, 0, 0, 1, 0 },
		{ "KE not there, and wanted", &(struct ike2_terms){
		    .protocol = 3, .spi_len = 4 },
		    "00000028 01030403 00000100" T_GCM256 T_KE19 L_ESN0,
		    IKE2_OFFER_OK, 20, 0, 19, 1, 0 },
		{ "KE of a group nobody takes, none is offered too",
		    &(struct ike2_terms){ .protocol = 3, .spi_len = 4,
		    .ke = 2 },
		    "00000030 01030404 00000100" T_GCM256 T_KE2 T_KE0 L_ESN0,
		    IKE2_OFFER_OK, 20, 0, 0, 1, 0 },
		{ "AH, then ESP", &first_terms,
		    "0200001c 01020402 00000100" T_INT256 L_ESN0
		    "00000020 02030402 00000100" T_GCM256 L_ESN0,
		    IKE2_OFFER_OK, 20, 0, 0, 2, 0 },
		/* Lengths and counts (§3.3) */
		{ "nothing", &init_terms, "", IKE2_OFFER_MALFORMED,
		    0, 0, 0, 0, 0 },
		{ "a number out of order", &init_terms,
		    "00000024 02010003" T_GCM256 T_PRF512 L_KE19,
		    IKE2_OFFER_MALFORMED, 0, 0, 0, 0, 0 },
		{ "a transform fewer than counted", &init_terms,
		    "00000024 01010004" T_GCM256 T_PRF512 L_KE19,
		    IKE2_OFFER_MALFORMED, 0, 0, 0, 0, 0 },
		{ "one more", &init_terms,
		    "00000024 01010002" T_GCM256 T_PRF512 L_KE19,
		    IKE2_OFFER_MALFORMED, 0, 0, 0, 0, 0 },
		{ "\"more\" behind the last transform", &init_terms,
		    "00000024 01010003" T_GCM256 T_PRF512 T_KE19,
		    IKE2_OFFER_MALFORMED, 0, 0, 0, 0, 0 },
		{ "\"last\" before the last proposal", &init_terms,
		    "00000024 01010003" T_GCM256 T_PRF512 L_KE19
		    "00000024 02010003" T_GCM256 T_PRF512 L_KE19,
		    IKE2_OFFER_MALFORMED, 0, 0, 0, 0, 0 },
		{ "a good one, then a malformed one", &init_terms,
		    "02000024 01010003" T_GCM256 T_PRF512 L_KE19
		    "00000024 02010003" T_GCM256 T_PRF512 "00000009 04000013",
		    IKE2_OFFER_MALFORMED, 0, 0, 0, 0, 0 },
	};
	struct ike2_choice c;
	size_t		   i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum ike2_offer_result r = choose(cases[i].body,
		    cases[i].terms, &c);

		if (r != cases[i].result)
			fail_msg("%s: %d", cases[i].what, r);
		if (r != IKE2_OFFER_OK)
			continue;
		if (c.suite.encr != cases[i].encr ||
		    c.suite.integ != cases[i].integ ||
		    c.suite.ke != cases[i].ke || c.number != cases[i].number ||
		    c.suite.esn != cases[i].esn)
			fail_msg("%s: %u %u %u %u %d", cases[i].what,
			    c.suite.encr, c.suite.integ, c.suite.ke, c.number,
			    c.suite.esn);
	}
}

/* §3.3.6: "MUST check that the accepted offer is consistent with one
 * of its proposals". */
static void
answer_rules(void **state)
{
	static const struct {
		const char *what, *body;
		enum ike2_offer_result result;
	} cases[] = {
		{ "good", "00000024 01010003" T_GCM256 T_PRF512
		    "000000080400001f", IKE2_OFFER_OK },
		{ "the second", "0000002c 02010004" T_CBC256 T_PRF512 T_INT256
		    "0000000804000013", IKE2_OFFER_OK },
		{ "CBC in the first", "0000002c 01010004" T_CBC256 T_PRF512
		    T_INT256 "000000080400001f", IKE2_OFFER_NONE },
		{ "a third", "00000024 03010003" T_GCM256 T_PRF512
		    "000000080400001f", IKE2_OFFER_NONE },
		{ "number 0", "00000024 00010003" T_GCM256 T_PRF512
		    "000000080400001f", IKE2_OFFER_MALFORMED },
		{ "another key length", "00000024 01010003"
		    "0300000c01000014800e00c0" T_PRF512 "000000080400001f",
		    IKE2_OFFER_NONE },
		{ "an attribute on top", "00000028 01010003"
		    "0300001001000014800e0100800f0001" T_PRF512
		    "000000080400001f", IKE2_OFFER_NONE },
		{ "an old group", "00000024 01010003" T_GCM256 T_PRF512
		    "0000000804000002", IKE2_OFFER_NONE },
		{ "no group", "0000001c 01010002" T_GCM256 "0000000802000007",
		    IKE2_OFFER_NONE },
		{ "no PRF", "0000001c 01010002" T_GCM256 "000000080400001f",
		    IKE2_OFFER_NONE },
		{ "two groups", "0000002c 01010004" T_GCM256 T_PRF512 T_KE19
		    "000000080400001f", IKE2_OFFER_NONE },
		{ "another protocol", "00000024 01030003" T_GCM256 T_PRF512
		    "000000080400001f", IKE2_OFFER_NONE },
		{ "a second proposal", "02000024 01010003" T_GCM256 T_PRF512
		    "000000080400001f 00000024 02010003" T_GCM256 T_PRF512
		    "000000080400001f", IKE2_OFFER_NONE },
		{ "ESN in an IKE SA", "0000002c 01010004" T_GCM256 T_PRF512
		    "030000080400001f" L_ESN0, IKE2_OFFER_NONE },
		{ "an unknown type", "0000002c 01010004" T_GCM256 T_PRF512
		    "030000080400001f 0000000806000000", IKE2_OFFER_NONE },
	};
	struct ike2_suite suite;
	struct writer	  w;
	uint8_t		  offer[IKE2_OFFER_MAX], body[256];
	uint64_t	  spi;
	size_t		  i;

	(void)state;
	writer_init(&w, offer, sizeof(offer));
	ike2_offer_write(&w, &init_terms, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (ike2_offer_accept(body, unhex(cases[i].body, body,
		    sizeof(body)), offer, w.len, &init_terms, &suite, &spi) !=
		    cases[i].result)
			fail_msg("%s", cases[i].what);
	}
}

/* Each truncation and each changed octet of an offer: no crash, and what is
 * chosen is among what we have. */
static void
damaged_offers(void **state)
{
	struct ike2_choice c;
	struct ike2_suite  suite;
	struct writer	   w;
	uint8_t		   offer[IKE2_OFFER_MAX], *copy;
	uint64_t	   spi;
	size_t		   at;
	unsigned	   v;

	(void)state;
	writer_init(&w, offer, sizeof(offer));
	ike2_offer_write(&w, &init_terms, 0);
	for (at = 0; at < w.len; at++) {
		copy = malloc(at + 1);
		memcpy(copy, offer, at);
		assert_int_equal(ike2_offer_choose(copy, at, &init_terms, &c),
		    IKE2_OFFER_MALFORMED);
		free(copy);
	}
	if (w.len == 0)
		abort();
	copy = malloc(w.len);
	for (at = 0; at < w.len; at++) {
		for (v = 1; v < 256; v++) {
			memcpy(copy, offer, w.len);
			copy[at] ^= (uint8_t)v;
			if (ike2_offer_choose(copy, w.len, &init_terms, &c) ==
			    IKE2_OFFER_OK) {
				assert_non_null(ike2_encr_info(c.suite.encr,
				    c.suite.bits));
				assert_non_null(ike2_prf_info(c.suite.prf));
				assert_true(ike2_ke_allowed(c.suite.ke));
			}
			(void)ike2_offer_accept(copy, w.len, offer, w.len,
			    &init_terms, &suite, &spi);
		}
	}
	free(copy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offer_choose_accept),
		cmocka_unit_test(captured_offers),
		cmocka_unit_test(choice_rules),
		cmocka_unit_test(answer_rules),
		cmocka_unit_test(damaged_offers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
