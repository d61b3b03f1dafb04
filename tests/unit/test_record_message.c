/* test_record_message.c - TXT, KEY and IPSECKEY records in whole DNS messages, hostile ones too */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "oe/record.h"
#include "tests/unit/dns_message.h"
#include "tests/unit/record_keys.h"

static void
parse(struct record_answer *a, const struct dns_message *m, uint16_t type)
{
	assert_false(m->w.bad);
	memset(a, 0xa5, sizeof(*a));
	record_parse(a, m->buf, m->w.len, OWNER, type, BITS);
}

/* Long TXT in several strings, cut at any place (draft -17 §5.2.1), beside
 * records of others; strongest precedence first; AD and TTL as they came. */
static void
message_txt(void **state)
{
	struct record_answer a;
	struct dns_message   m;
	char		    *s10, *s5, *s20;
	size_t		     chunk;

	(void)state;
	s10 = text_with_key("X-IPsec-Server(10)=" GATEWAY " ", 1);
	s5 = text_with_key("X-IPsec-Server(5)=192.0.2.1 ", 2);
	s20 = text_with_key("X-IPsec-Server(20)=@sg.lab ", 3);
	for (chunk = 1; chunk <= 255; chunk++) {
		dns_message_init(&m, OWNER, RECORD_TYPE_TXT, DNS_FLAG_AD);
		dns_message_txt(&m, NULL, 3600, s10, chunk);
		dns_message_txt(&m, NULL, 3600, "v=spf1 -all", 255);
		dns_message_txt(&m, OWNER, 1800, s5, chunk);
		dns_message_txt(&m, "10.100.51.198.IN-ADDR.arpa", 7200, s20,
		    chunk);
		dns_message_txt(&m, "other.lab", 1, s20, 255);
		parse(&a, &m, RECORD_TYPE_TXT);
		assert_int_equal(a.status, RECORD_FOUND);
		assert_true(a.authentic);
		assert_int_equal(a.ttl, 1800);
		assert_int_equal(a.n, 3);
		assert_int_equal(a.r[0].precedence, 5);
		assert_key(&a.r[0].key, 2);
		assert_int_equal(a.r[1].precedence, 10);
		assert_key(&a.r[1].key, 1);
		assert_int_equal(a.r[2].precedence, 20);
		assert_key(&a.r[2].key, 3);
	}
	free(s5);
	free(s20);

	/* Without AD; nothing but ours counts for the TTL. */
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	dns_message_txt(&m, NULL, 7, "v=spf1 -all", 255);
	dns_message_txt(&m, NULL, 60, s10, 255);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FOUND);
	assert_false(a.authentic);
	assert_int_equal(a.ttl, 60);

	/* A malformed one beside a good one is only passed over ... */
	dns_message_txt(&m, NULL, 60, "X-IPsec-Server(1)=x", 255);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FOUND);
	assert_int_equal(a.n, 1);
	free(s10);

	/* ... and alone it is told apart from none (draft -17 §3.2.4). */
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, DNS_FLAG_AD);
	dns_message_txt(&m, NULL, 60, "X-IPsec-Server(1)=x", 255);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_MALFORMED);
	assert_int_equal(a.ttl, 60);
	assert_int_equal(a.n, 0);
}

/* More records than we keep: the strongest of those seen stay in order. */
static void
message_many_records(void **state)
{
	struct record_answer a;
	struct dns_message   m;
	char		     text[64];
	unsigned	     i;

	(void)state;
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "X-IPsec-Server(%u)=192.0.2.%u",
		    (i * 7) % 100, i);
		dns_message_txt(&m, NULL, 60, text, 255);
	}
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FOUND);
	assert_int_equal(a.n, RECORD_MAX);
	for (i = 1; i < a.n; i++)
		assert_true(a.r[i - 1].precedence <= a.r[i].precedence);
	/* A hundred answers cannot hide the strongest from us. */
	assert_int_equal(a.r[0].precedence, 0);
	assert_int_equal(a.r[RECORD_MAX - 1].precedence, RECORD_MAX - 1);
}

/* RFC 2317 reverse zones: the name is a CNAME into the holder's zone. */
static void
message_cname(void **state)
{
	struct record_answer a;
	struct dns_message   m;
	char		    *s, from[64], to[64];
	unsigned	     i;

	(void)state;
	s = text_with_key("X-IPsec-Server(10)=" GATEWAY " ", 1);
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, DNS_FLAG_AD);
	/* The order of the answer does not matter. */
	dns_message_txt(&m, "y1.keys.lab", 600, s, 255);
	dns_message_cname(&m, "10.rev.lab", 300, "Y1.keys.lab");
	dns_message_cname(&m, NULL, 900, "10.rev.lab");
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FOUND);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.ttl, 300);

	/* The chain leads nowhere, in a circle, or too far. */
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	dns_message_cname(&m, NULL, 900, "nobody.lab");
	dns_message_txt(&m, "y1.keys.lab", 600, s, 255);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_NONE);

	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	dns_message_cname(&m, NULL, 900, "b.lab");
	dns_message_cname(&m, "b.lab", 900, OWNER);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_NONE);

	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	dns_message_cname(&m, NULL, 900, "c0.lab");
	for (i = 0; i < 100; i++) {
		snprintf(from, sizeof(from), "c%u.lab", i);
		snprintf(to, sizeof(to), "c%u.lab", i + 1);
		dns_message_cname(&m, from, 900, to);
	}
	dns_message_txt(&m, to, 600, s, 255);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_NONE);
	free(s);
}

/* RFC 2308 §5: a negative answer is held for the SOA's MINIMUM, or its TTL
 * where that is less. */
static void
message_negative(void **state)
{
	struct record_answer a;
	struct dns_message   m;
	unsigned	     rcode;

	(void)state;
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT,
	    DNS_FLAG_AD | DNS_RCODE(3));
	dns_message_soa(&m, "100.51.198.in-addr.arpa", 3600, 120);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_NONE);
	assert_true(a.authentic);
	assert_int_equal(a.ttl, 120);

	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	dns_message_soa(&m, "100.51.198.in-addr.arpa", 30, 120);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_NONE);
	assert_int_equal(a.ttl, 30);

	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_NONE);
	assert_int_equal(a.ttl, RECORD_NEGATIVE_TTL);

	for (rcode = 1; rcode < 16; rcode++) {
		if (rcode == 3)
			continue;
		dns_message_init(&m, OWNER, RECORD_TYPE_TXT,
		    (uint16_t)DNS_RCODE(rcode));
		parse(&a, &m, RECORD_TYPE_TXT);
		assert_int_equal(a.status, RECORD_FAILED);
		assert_int_equal(a.n, 0);
	}

	/* RFC 2181 §8: a TTL with the top bit is zero. */
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	dns_message_txt(&m, NULL, 0x80000001, "X-IPsec-Server(1)=@x.lab", 255);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FOUND);
	assert_int_equal(a.ttl, 0);
}

/* Several KEY records at a name: all are to be tried (draft -17 §5.1, §6.4). */
static void
message_key_rollover(void **state)
{
	struct record_answer a;
	struct dns_message   m;
	struct pubkey	     k;
	uint8_t		     data[2048];
	unsigned	     i;

	(void)state;
	dns_message_init(&m, OWNER, RECORD_TYPE_KEY, 0);
	for (i = 0; i < 3; i++) {
		k = key_of(i);
		dns_message_answer(&m, NULL, RECORD_TYPE_KEY, 100, data,
		    dns_message_key_data(data, 0x4200, 4, 1, &k));
	}
	k = key_of(9);
	dns_message_answer(&m, NULL, RECORD_TYPE_KEY, 100, data,
	    dns_message_key_data(data, 0x0100, 3, 5, &k));
	parse(&a, &m, RECORD_TYPE_KEY);
	assert_int_equal(a.status, RECORD_FOUND);
	assert_int_equal(a.n, 3);
	for (i = 0; i < 3; i++)
		assert_key(&a.r[i].key, i);
	/* Asked for another type they are not there. */
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_NONE);
}

/* Everything in one: what the next two tests cut and change. */
static void
build_rich(struct dns_message *m, uint16_t type)
{
	struct pubkey k = key_of(1);
	uint8_t	      data[2048];
	char	     *s;

	dns_message_init(m, OWNER, type, DNS_FLAG_AD);
	dns_message_cname(m, NULL, 900, "10.rev.lab");
	s = text_with_key("X-IPsec-Server(10)=" GATEWAY " ", 1);
	dns_message_txt(m, "10.rev.lab", 600, s, 100);
	free(s);
	dns_message_txt(m, "10.rev.lab", 600, "X-IPsec-Server(5)=@sg.lab", 255);
	dns_message_answer(m, "10.rev.lab", RECORD_TYPE_KEY, 500, data,
	    dns_message_key_data(data, 0x4200, 4, 1, &k));
	dns_message_answer(m, "10.rev.lab", RECORD_TYPE_IPSECKEY, 500, data,
	    ipseckey(data, 4, 3, 2, "\002sg\003lab", 8, &k));
	dns_message_soa(m, "lab", 3600, 120);
}

static void
assert_sane(const struct record_answer *a)
{
	unsigned i;

	assert_true(a->n <= RECORD_MAX);
	assert_int_equal(a->status == RECORD_FOUND, a->n > 0);
	/* Never "for ever": it would outlive every correction. */
	assert_true(a->ttl <= INT32_MAX);
	for (i = 0; i < a->n; i++) {
		assert_true(a->r[i].key.len == 0 ||
		    pubkey_bits(&a->r[i].key) >= BITS);
		assert_non_null(memchr(a->r[i].gateway.name, '\0',
		    sizeof(a->r[i].gateway.name)));
		assert_true(i == 0 ||
		    a->r[i - 1].precedence <= a->r[i].precedence);
	}
}

static void
message_cut_anywhere(void **state)
{
	static const uint16_t types[] = { RECORD_TYPE_TXT, RECORD_TYPE_KEY,
		RECORD_TYPE_IPSECKEY };
	struct record_answer a;
	struct dns_message   m;
	uint8_t		    *cut;
	size_t		     t, n, answers_end;

	(void)state;
	for (t = 0; t < 3; t++) {
		build_rich(&m, types[t]);
		/* The authority is the last thing: 3 + 2 + ... bytes of SOA. */
		answers_end = m.w.len - (5 + 10 + 8 + 10 + 20);
		for (n = 0; n <= m.w.len; n++) {
			cut = xcalloc(1, n + 1);
			memcpy(cut, m.buf, n);
			/* One byte less is allocated than a
			 * read past n needs. */
			cut = xrealloc(cut, n > 0 ? n : 1, 1);
			record_parse(&a, cut, n, OWNER, types[t], BITS);
			free(cut);
			assert_sane(&a);
			CHECK_INT("cut", a.status, n >= answers_end ?
			    RECORD_FOUND : RECORD_FAILED);
		}
	}
}

static void
message_every_byte_changed(void **state)
{
	static const uint16_t types[] = { RECORD_TYPE_TXT, RECORD_TYPE_KEY,
		RECORD_TYPE_IPSECKEY };
	static const uint8_t  flips[] = { 0x01, 0x80, 0xff, 0xc0, 0x3f };
	struct record_answer  a;
	struct dns_message    m;
	uint8_t		     *copy;
	size_t		      t, i, f;

	(void)state;
	for (t = 0; t < 3; t++) {
		build_rich(&m, types[t]);
		copy = xcalloc(1, m.w.len);
		for (i = 0; i < m.w.len; i++) {
			for (f = 0; f < sizeof(flips); f++) {
				memcpy(copy, m.buf, m.w.len);
				copy[i] ^= flips[f];
				record_parse(&a, copy, m.w.len, OWNER, types[t],
				    BITS);
				assert_sane(&a);
			}
		}
		free(copy);
	}
}

/* A name whose pointers go round, and one that is too long. */
static void
message_hostile_names(void **state)
{
	struct record_answer a;
	struct dns_message   m;
	size_t		     at;
	unsigned	     i;

	(void)state;
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	at = m.w.len;
	writer_patch_u16(&m.w, 6, 1);
	writer_u16(&m.w, (uint16_t)(0xc000 | at));
	writer_u16(&m.w, RECORD_TYPE_TXT);
	writer_u16(&m.w, 1);
	writer_u32(&m.w, 60);
	writer_u16(&m.w, 0);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FAILED);

	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	writer_patch_u16(&m.w, 6, 1);
	for (i = 0; i < 10; i++) {
		writer_u8(&m.w, 63);
		writer_put(&m.w,
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaaaaaaaaa", 63);
	}
	writer_u8(&m.w, 0);
	writer_u16(&m.w, RECORD_TYPE_TXT);
	writer_u16(&m.w, 1);
	writer_u32(&m.w, 60);
	writer_u16(&m.w, 0);
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FAILED);

	/* A query is no answer. */
	dns_message_init(&m, OWNER, RECORD_TYPE_TXT, 0);
	dns_message_txt(&m, NULL, 60, "X-IPsec-Server(1)=@x.lab", 255);
	m.buf[2] &= 0x7f;
	parse(&a, &m, RECORD_TYPE_TXT);
	assert_int_equal(a.status, RECORD_FAILED);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_txt),
		cmocka_unit_test(message_many_records),
		cmocka_unit_test(message_cname),
		cmocka_unit_test(message_negative),
		cmocka_unit_test(message_key_rollover),
		cmocka_unit_test(message_cut_anywhere),
		cmocka_unit_test(message_every_byte_changed),
		cmocka_unit_test(message_hostile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
