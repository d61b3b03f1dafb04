/* test_translate.c - a lent address in a packet: headers, quotations, checksums; whatever is cut */
#include "config.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/icmp.h"
#include "oe/translate.h"

enum { PACKET_MAX = 256 };

static struct addr own, inner, peer, router;

static int
set_up(void **state)
{
	(void)state;
	addr_parse(&own, "198.51.100.1");
	addr_parse(&inner, "100.64.0.7");
	addr_parse(&peer, "203.0.113.10");
	addr_parse(&router, "192.0.2.77");
	return 0;
}

static uint16_t
sum_of(const uint8_t *p, size_t len, uint32_t start)
{
	return checksum_fold(checksum_add(start, p, len));
}

static uint32_t
pseudo(const struct packet_view *v)
{
	uint8_t h[12] = { 0 };

	memcpy(h, v->src.bytes, 4);
	memcpy(h + 4, v->dst.bytes, 4);
	h[9] = v->protocol;
	store_u16(h + 10, (uint16_t)(v->len - v->header));
	return checksum_add(0, h, sizeof(h));
}

static size_t
sum_at(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? 16 : protocol == IPPROTO_ICMP ? 2 : 6;
}

static void
upper_sum_set(uint8_t *pkt, const struct packet_view *v)
{
	uint8_t *at = pkt + v->header + sum_at(v->protocol);
	uint16_t sum;

	store_u16(at, 0);
	sum = sum_of(pkt + v->header, v->len - v->header,
	    v->protocol == IPPROTO_ICMP ? 0 : pseudo(v));
	store_u16(at, sum == 0 && (v->protocol == IPPROTO_UDP ||
	    v->protocol == 136) ? 0xffff : sum);
}

/* A packet of that many random octets behind its header, sums in place. */
static void
make(uint8_t *pkt, struct packet_view *v, const struct addr *src,
    const struct addr *dst, uint8_t protocol, size_t body)
{
	memset(v, 0, sizeof(*v));
	random_bytes(pkt + IP_HEADER_LEN, body);
	v->len = IP_HEADER_LEN + body;
	v->src = *src;
	v->dst = *dst;
	v->ttl = 64;
	v->protocol = protocol;
	random_bytes(&v->id, 2);
	ip_write(pkt, v);
	assert_true(packet_parse(v, pkt, v->len));
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ||
	    protocol == 33 || protocol == 136)
		upper_sum_set(pkt, v);
}

/* Are all sums right, and is it from src to dst? */
static void
good(const uint8_t *pkt, const struct packet_view *shown,
    const struct addr *src, const struct addr *dst)
{
	struct packet_view v;
	uint16_t	   sum;

	assert_ptr_equal(shown->data, pkt);
	assert_true(packet_parse(&v, pkt, shown->len));
	assert_true(ip_checksum_ok(&v));
	assert_true(addr_equal(&v.src, src));
	assert_true(addr_equal(&v.dst, dst));
	assert_true(addr_equal(&shown->src, src));
	assert_true(addr_equal(&shown->dst, dst));
	if (v.protocol != IPPROTO_TCP && v.protocol != IPPROTO_UDP &&
	    v.protocol != IPPROTO_ICMP && v.protocol != 33 &&
	    v.protocol != 136)
		return;
	sum = sum_of(pkt + v.header, v.len - v.header,
	    v.protocol == IPPROTO_ICMP ? 0 : pseudo(&v));
	assert_int_equal(sum, 0);
}

static void
sums_follow(void **state)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, 33, 136,
		47, 132 };
	struct packet_view   v, before;
	uint8_t		     pkt[PACKET_MAX], was[PACKET_MAX];
	unsigned	     i, k;

	(void)state;
	for (i = 0; i < sizeof(protocols); i++) {
		for (k = 0; k < 400; k++) {
			make(pkt, &v, &own, &peer, protocols[i], 20 + k % 100);
			memcpy(was, pkt, v.len);
			before = v;
			assert_true(translate_out(pkt, &v, &own, &inner));
			good(pkt, &v, &inner, &peer);
			/* The other end answers, and all is as it was. */
			v.src = peer;
			v.dst = inner;
			make(pkt, &v, &peer, &inner, protocols[i],
			    20 + k % 100);
			assert_true(translate_in(pkt, &v, &inner, &own));
			good(pkt, &v, &peer, &own);
			memcpy(pkt, was, before.len);
			v = before;
			assert_true(translate_out(pkt, &v, &own, &inner));
			assert_true(translate_out(pkt, &v, &inner, &own));
			assert_memory_equal(pkt, was, before.len);
		}
	}
}

/* RFC 768: no checksum stays none; one that comes out as zero is sent as
 * ones. */
static void
udp_without_a_sum(void **state)
{
	struct packet_view v;
	uint8_t		   pkt[PACKET_MAX];
	unsigned	   n;

	(void)state;
	make(pkt, &v, &own, &peer, IPPROTO_UDP, 30);
	store_u16(pkt + v.header + 6, 0);
	assert_true(translate_out(pkt, &v, &own, &inner));
	assert_int_equal(load_u16(pkt + v.header + 6), 0);
	assert_true(ip_checksum_ok(&v));
	for (n = 0; n < 0x10000; n++) {
		make(pkt, &v, &own, &peer, IPPROTO_UDP, 8);
		store_u16(pkt + v.header, (uint16_t)n);
		upper_sum_set(pkt, &v);
		assert_true(translate_out(pkt, &v, &own, &inner));
		assert_int_not_equal(load_u16(pkt + v.header + 6), 0);
		good(pkt, &v, &inner, &peer);
	}
}

/* An error about a packet that came to the lent address quotes ours, and the
 * peer knows but the lent one; and the other way round. */
static void
errors_and_what_they_quote(void **state)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP,
		IPPROTO_ICMP };
	struct packet_view   v, q, in_quote;
	uint8_t		     pkt[ICMP_ERROR_MAX], about[PACKET_MAX];
	unsigned	     i, k;

	(void)state;
	for (i = 0; i < sizeof(protocols); i++) {
		for (k = 0; k < 200; k++) {
			make(about, &q, &peer, &own, protocols[i], 28);
			if (protocols[i] == IPPROTO_ICMP)
				about[q.header] = ICMP_ECHO;
			upper_sum_set(about, &q);
			assert_true(icmp_write_error(pkt, &own,
			    ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0, &q, &v));
			assert_true(translate_out(pkt, &v, &own, &inner));
			good(pkt, &v, &inner, &peer);
			assert_true(icmp_quoted(&v, &in_quote));
			good(in_quote.data, &in_quote, &peer, &inner);

			make(about, &q, &inner, &peer, protocols[i], 28);
			if (protocols[i] == IPPROTO_ICMP)
				about[q.header] = ICMP_ECHO;
			upper_sum_set(about, &q);
			assert_true(icmp_write_error(pkt, &router,
			    ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, 1300, &q, &v));
			assert_true(translate_in(pkt, &v, &inner, &own));
			assert_true(icmp_quoted(&v, &in_quote));
			good(in_quote.data, &in_quote, &own, &peer);
			good(pkt, &v, &router, &own);
		}
	}
}

/* About another's packet: the quotation stays. */
static void
a_quotation_of_another(void **state)
{
	struct packet_view v, q, in_quote;
	uint8_t		   pkt[ICMP_ERROR_MAX], about[PACKET_MAX];

	(void)state;
	make(about, &q, &peer, &router, IPPROTO_UDP, 28);
	assert_true(icmp_write_error(pkt, &own, ICMP_DEST_UNREACH,
	    ICMP_PORT_UNREACH, 0, &q, &v));
	v.dst = peer;
	assert_true(translate_out(pkt, &v, &own, &inner));
	assert_true(icmp_quoted(&v, &in_quote));
	assert_true(addr_equal(&in_quote.dst, &router));
	assert_memory_equal(in_quote.data, about, q.len);
}

static void
fragments(void **state)
{
	struct packet_view v;
	uint8_t		   pkt[PACKET_MAX], was[PACKET_MAX];

	(void)state;
	/* A later one has no header of TCP: what stands there stays. */
	make(pkt, &v, &own, &peer, IPPROTO_TCP, 40);
	store_u16(pkt + 6, 0x2005);
	store_u16(pkt + 10, 0);
	store_u16(pkt + 10, sum_of(pkt, IP_HEADER_LEN, 0));
	assert_true(packet_parse(&v, pkt, v.len));
	memcpy(was, pkt, v.len);
	assert_true(translate_out(pkt, &v, &own, &inner));
	assert_true(ip_checksum_ok(&v));
	assert_memory_equal(pkt + v.header, was + v.header, 40);
}

/* Nothing is read or written behind the end, and what cannot follow is
 * refused. */
static void
whatever_is_cut(void **state)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, 33, 136,
		IPPROTO_ICMP, 47 };
	struct packet_view   v, q;
	uint8_t		     about[PACKET_MAX], pkt[ICMP_ERROR_MAX], *exact;
	size_t		     len;
	unsigned	     i;
	bool		     rc;

	(void)state;
	for (i = 0; i < sizeof(protocols); i++) {
		for (len = 0; len <= 30; len++) {
			make(pkt, &v, &own, &peer, 47, len);
			v.protocol = pkt[9] = protocols[i];
			exact = malloc(v.len);
			memcpy(exact, pkt, v.len);
			v.data = exact;
			rc = translate_out(exact, &v, &own, &inner);
			assert_int_equal(rc, protocols[i] == 47 ||
			    protocols[i] == IPPROTO_ICMP ||
			    len >= sum_at(protocols[i]) + 2);
			if (!rc)
				assert_memory_equal(exact, pkt, v.len);
			free(exact);
		}
	}
	/* Errors, cut at each octet, and each octet another. */
	make(about, &q, &peer, &own, IPPROTO_TCP, 28);
	assert_true(icmp_write_error(pkt, &own, ICMP_DEST_UNREACH,
	    ICMP_PORT_UNREACH, 0, &q, &v));
	for (len = IP_HEADER_LEN; len <= v.len; len++) {
		exact = malloc(len);
		memcpy(exact, pkt, len);
		store_u16(exact + 2, (uint16_t)len);
		assert_true(packet_parse(&q, exact, len));
		assert_true(translate_out(exact, &q, &own, &inner));
		free(exact);
	}
	for (i = IP_HEADER_LEN; i < v.len; i++) {
		exact = malloc(v.len);
		memcpy(exact, pkt, v.len);
		exact[i] ^= 0xff;
		if (packet_parse(&q, exact, v.len))
			(void)translate_out(exact, &q, &own, &inner);
		free(exact);
	}
}

static void
another_address(void **state)
{
	struct packet_view v;
	uint8_t		   pkt[PACKET_MAX], was[PACKET_MAX];
	struct addr	   six;

	(void)state;
	make(pkt, &v, &router, &peer, IPPROTO_UDP, 30);
	memcpy(was, pkt, v.len);
	assert_false(translate_out(pkt, &v, &own, &inner));
	assert_false(translate_in(pkt, &v, &inner, &own));
	addr_parse(&six, "2001:db8::1");
	assert_false(translate_out(pkt, &v, &router, &six));
	assert_memory_equal(pkt, was, v.len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_follow),
		cmocka_unit_test(udp_without_a_sum),
		cmocka_unit_test(errors_and_what_they_quote),
		cmocka_unit_test(a_quotation_of_another),
		cmocka_unit_test(fragments),
		cmocka_unit_test(whatever_is_cut),
		cmocka_unit_test(another_address),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
