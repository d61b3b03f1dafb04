/* test_packet.c - packets of both families read once, what errors quote, tunnels */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/icmp.h"
#include "net/ip.h"
#include "net/tunnel.h"
#include "tests/unit/packet_equal.h"

static struct addr
addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static void
assert_addr(const struct addr *a, const char *text)
{
	assert_string_equal(ADDR_TEXT(a), text);
}

/* An IPv4 packet of len bytes with n more of options. */
static size_t
make_v4(uint8_t *p, uint8_t protocol, size_t len, size_t options)
{
	struct packet_view v = { .src = addr_of("10.0.0.11"),
		.dst = addr_of("198.51.100.10"), .tos = 0x2a, .ttl = 64,
		.protocol = protocol, .df = true, .id = 7, .len = len };

	ip_write(p, &v);
	memset(p + 20, 1, options);		/* no operation */
	p[0] = (uint8_t)(0x40 | (20 + options) / 4);
	store_u16(p + 10, 0);
	store_u16(p + 10, checksum_fold(checksum_add(0, p, 20 + options)));
	return len;
}

static size_t
make_v6(uint8_t *p, uint8_t next, size_t payload)
{
	struct addr src = addr_of("2001:db8::1"), dst = addr_of("2001:db8::2");

	memset(p, 0, 40 + payload);
	store_u32(p, 0x6a312345);	/* traffic class 0xa3, a flow label */
	store_u16(p + 4, (uint16_t)payload);
	p[6] = next;
	p[7] = 61;
	memcpy(p + 8, src.bytes, 16);
	memcpy(p + 24, dst.bytes, 16);
	return 40 + payload;
}

/* An allocation of its own lets the sanitizer see a byte read too far. */
static bool
parse_at(struct packet_view *v, const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len + 1);
	bool	 ok;

	assert_non_null(copy);
	memcpy(copy, p, len);
	ok = packet_parse(v, copy, len);
	free(copy);
	return ok;
}

static void
ipv4_is_read(void **state)
{
	struct packet_view v;
	uint8_t		   p[120] = { 0 };
	uint16_t	   sport, dport;
	size_t		   i;

	(void)state;
	make_v4(p, IPPROTO_UDP, 100, 8);
	store_u16(p + 28, 4000);
	store_u16(p + 30, 53);
	/* What follows the packet is no part of it. */
	assert_true(packet_parse(&v, p, sizeof(p)));
	assert_true(packet_parse_ipv4(&v, p, sizeof(p)));
	assert_int_equal(v.len, 100);
	assert_int_equal(v.header, 28);
	assert_ptr_equal(v.data, p);
	assert_addr(&v.src, "10.0.0.11");
	assert_addr(&v.dst, "198.51.100.10");
	assert_int_equal(v.tos, 0x2a);
	assert_int_equal(v.ttl, 64);
	assert_int_equal(v.protocol, IPPROTO_UDP);
	assert_true(v.df);
	assert_int_equal(v.id, 7);
	assert_false(packet_is_fragment(&v));
	assert_true(ip_checksum_ok(&v));
	assert_true(packet_ports(&v, &sport, &dport));
	assert_int_equal(sport, 4000);
	assert_int_equal(dport, 53);
	for (i = 0; i < 100; i++)
		assert_false(parse_at(&v, p, i));
	store_u16(p + 6, 0x2000 | 100);
	assert_true(packet_parse(&v, p, sizeof(p)));
	assert_true(v.more && packet_is_fragment(&v) && !v.df);
	assert_int_equal(v.frag, 800);
	assert_false(packet_ports(&v, &sport, &dport));
	assert_false(ip_checksum_ok(&v));
	p[0] = 0x44;		/* a header shorter than the least */
	assert_false(packet_parse(&v, p, sizeof(p)));
	p[0] = 0x55;
	assert_false(packet_parse(&v, p, sizeof(p)));
}

static void
ipv6_is_read(void **state)
{
	struct packet_view v;
	uint8_t		   p[200];
	uint16_t	   sport, dport;
	size_t		   i, len;

	(void)state;
	len = make_v6(p, IPPROTO_TCP, 20);
	store_u16(p + 40, 1024);
	store_u16(p + 42, 443);
	assert_true(packet_parse(&v, p, sizeof(p)));
	assert_false(packet_parse_ipv4(&v, p, sizeof(p)));
	assert_true(packet_parse(&v, p, sizeof(p)));
	assert_int_equal(v.len, len);
	assert_int_equal(v.header, 40);
	assert_int_equal(v.tos, 0xa3);
	assert_int_equal(v.ttl, 61);
	assert_true(v.df);
	assert_addr(&v.src, "2001:db8::1");
	assert_addr(&v.dst, "2001:db8::2");
	assert_true(packet_ports(&v, &sport, &dport));
	assert_int_equal(sport, 1024);
	assert_int_equal(dport, 443);
	for (i = 0; i < len; i++)
		assert_false(parse_at(&v, p, i));
}

static void
ipv6_extensions_are_passed(void **state)
{
	struct packet_view v;
	uint8_t		   p[200];
	size_t		   i, len;

	(void)state;
	/* Hop by hop (8), routing (16), a fragment header, destination
	 * options (8), ESP. */
	len = make_v6(p, IPPROTO_HOPOPTS, 8 + 16 + 8 + 8 + 12);
	p[40] = IPPROTO_ROUTING;
	p[48] = IPPROTO_FRAGMENT;
	p[49] = 1;
	p[64] = IPPROTO_DSTOPTS;
	store_u16(p + 66, 1);		/* the first of several */
	store_u32(p + 68, 0xdeadbeef);
	p[72] = IPPROTO_ESP;
	assert_true(packet_parse(&v, p, len));
	assert_int_equal(v.header, 80);
	assert_int_equal(v.protocol, IPPROTO_ESP);
	assert_true(v.more);
	assert_int_equal(v.frag, 0);
	assert_int_equal(v.id, 0xdeadbeef);
	for (i = 0; i < len; i++)
		assert_false(parse_at(&v, p, i));
	/* Every byte changed: never past the end. */
	for (i = 40; i < len; i++) {
		p[i] ^= 0xff;
		if (parse_at(&v, p, len))
			assert_true(v.header <= v.len && v.len <= len);
		p[i] ^= 0xff;
	}
	/* Behind a later fragment's header there are no headers. */
	store_u16(p + 66, 0x0100);
	assert_true(packet_parse(&v, p, len));
	assert_int_equal(v.frag, 256);
	assert_int_equal(v.header, 72);
	assert_int_equal(v.protocol, IPPROTO_DSTOPTS);
	/* A header that says to be longer than there is. */
	store_u16(p + 66, 0);
	p[73] = 200;
	assert_false(packet_parse(&v, p, len));
}

static void
ipv6_extensions_are_bounded(void **state)
{
	struct packet_view v;
	uint8_t		   p[200];
	size_t		   i, n, len;

	(void)state;
	for (n = PACKET_EXTENSIONS_MAX; n <= PACKET_EXTENSIONS_MAX + 1; n++) {
		len = make_v6(p, IPPROTO_DSTOPTS, n * 8 + 8);
		for (i = 0; i < n; i++)
			p[40 + i * 8] = i + 1 < n ? IPPROTO_DSTOPTS :
			    IPPROTO_UDP;
		assert_int_equal(packet_parse(&v, p, len),
		    n == PACKET_EXTENSIONS_MAX);
	}
}

static void
errors_quote(void **state)
{
	static const uint8_t types[] = { ICMP_DEST_UNREACH, ICMP_TIME_EXCEEDED,
		ICMP_PARAMETERPROB };
	struct packet_view v, about, quoted, error;
	struct addr	   from = addr_of("203.0.113.1");
	uint8_t		   p[600] = { 0 }, out[ICMP_ERROR_MAX];
	size_t		   i, n;

	(void)state;
	make_v4(p, IPPROTO_UDP, sizeof(p), 4);
	store_u16(p + 24, 4000);
	assert_true(packet_parse_ipv4(&about, p, sizeof(p)));
	for (i = 0; i < sizeof(types); i++) {
		assert_true(icmp_write_error(out, &from, types[i], 1, 1400,
		    &about, &error));
		n = error.len;
		assert_int_equal(n, ICMP_ERROR_MAX);
		assert_true(packet_parse_ipv4(&v, out, n));
		assert_true(packet_equal(&v, &error));
		assert_true(ip_checksum_ok(&v));
		assert_addr(&v.src, "203.0.113.1");
		assert_addr(&v.dst, "10.0.0.11");
		assert_true(icmp_quoted(&v, &quoted));
		assert_int_equal(quoted.len, n - 28);
		assert_int_equal(quoted.header, 24);
		assert_addr(&quoted.src, "10.0.0.11");
		/* Never an error about an error. */
		assert_false(icmp_may_answer(&v));
		assert_false(icmp_write_error(p, &from, types[i], 0, 0, &v,
		    &error));
		make_v4(p, IPPROTO_UDP, sizeof(p), 4);
	}
	/* Cut anywhere: the quoted header is whole, or nothing is quoted. */
	for (i = 0; i < 80; i++) {
		store_u16(out + 2, (uint16_t)(28 + i));
		assert_true(packet_parse_ipv4(&v, out, 28 + i));
		assert_int_equal(icmp_quoted(&v, &quoted), i >= 24);
	}
	/* What is behind a whole packet is not of it. */
	make_v4(p, IPPROTO_UDP, 40, 4);
	assert_true(packet_parse_ipv4(&about, p, 40));
	assert_true(icmp_write_error(out, &from, 3, 1, 0, &about, &error));
	n = error.len;
	store_u16(out + 2, (uint16_t)(n + 50));
	assert_true(packet_parse_ipv4(&v, out, n + 50));
	assert_true(icmp_quoted(&v, &quoted));
	assert_int_equal(quoted.len, 40);
	/* Queries are no errors, and a fragment shows none. */
	out[20] = ICMP_ECHO;
	assert_false(icmp_quoted(&v, &quoted));
	out[20] = ICMP_DEST_UNREACH;
	store_u16(out + 6, 1);
	assert_true(packet_parse_ipv4(&v, out, n + 50));
	assert_false(icmp_quoted(&v, &quoted));
}

/* RFC 8200 §8.1: right where all of it, with the pseudo header,
 * sums up to none. */
static bool
upper_sum_ok(const struct packet_view *v)
{
	size_t len = v->len - v->header;

	return checksum_fold(checksum_add(ip_pseudo_sum(&v->src, &v->dst,
	    v->protocol, len), v->data + v->header, len)) == 0;
}

static void
headers_of_both_families_are_written(void **state)
{
	static const char *const ends[][2] = {
		{ "192.0.2.1", "198.51.100.10" },
		{ "2001:db8::1", "2001:db8:1::10" } };
	struct packet_view v, written;
	struct addr	   src, dst;
	uint8_t		   p[100];
	size_t		   i;

	(void)state;
	for (i = 0; i < 2; i++) {
		src = addr_of(ends[i][0]);
		dst = addr_of(ends[i][1]);
		memset(p, 'x', sizeof(p));
		written = (struct packet_view){ .src = src, .dst = dst,
			.tos = 0xb9, .ttl = 7, .protocol = IPPROTO_ESP,
			.df = true, .id = i == 0 ? 5 : 0,
			.label = i == 0 ? 0 : 0xabcde, .len = sizeof(p) };
		ip_write(p, &written);
		assert_true(packet_parse(&v, p, sizeof(p)));
		assert_true(packet_equal(&v, &written));
		assert_int_equal(v.header, ip_header_len(src.family));
		ip_set_tos(p, 0x46);
		assert_true(packet_parse(&v, p, sizeof(p)));
		written.tos = 0x46;
		assert_true(packet_equal(&v, &written));

		memset(p, 'x', sizeof(p));
		ip_write_udp(p, &src, &dst, 500, 4500, 31, &written);
		assert_true(packet_parse(&v, p, sizeof(p)));
		assert_true(packet_equal(&v, &written));
		assert_int_equal(v.len, v.header + 39);
		assert_true(upper_sum_ok(&v));
		assert_int_equal(p[v.header + 8], 'x');
	}
}

/* RFC 4443 §2.4, §3.1, §3.2 */
static void
errors_of_ipv6_quote(void **state)
{
	static uint8_t	   big[1500];
	struct addr	   from = addr_of("2001:db8::1");
	struct packet_view v, about, quoted, error;
	uint8_t		   out[ICMP_ERROR_ROOM];
	size_t		   i, n, mtu = 0;

	(void)state;
	n = make_v6(big, IPPROTO_UDP, sizeof(big) - 40);
	assert_true(packet_parse(&about, big, n));
	for (i = 0; i < 2; i++) {
		assert_true(i == 0 ? icmp_write_too_big(out, &from, 1400,
		    &about, &error) : icmp_write_prohibited(out, &from, &about,
		    &error));
		assert_int_equal(error.len, ICMP_ERROR_ROOM);
		assert_true(packet_parse(&v, out, error.len));
		assert_true(packet_equal(&v, &error));
		assert_true(upper_sum_ok(&v));
		assert_addr(&v.src, "2001:db8::1");
		assert_true(addr_equal(&v.dst, &about.src));
		assert_true(icmp_is_error(&v));
		assert_int_equal(icmp_is_too_big(&v, &mtu), i == 0);
		assert_int_equal(icmp_is_unreachable(&v), i == 1);
		assert_true(icmp_quoted(&v, &quoted));
		assert_int_equal(quoted.len, ICMP_ERROR_ROOM - 48);
		assert_int_equal(quoted.header, 40);
		assert_true(addr_equal(&quoted.dst, &about.dst));
		/* Never an error about an error. */
		assert_false(icmp_may_answer(&v));
	}
	assert_int_equal(mtu, 1400);
	/* Cut anywhere: the quoted header is whole, or nothing is quoted. */
	for (i = 0; i < 80; i++) {
		store_u16(out + 4, (uint16_t)(8 + i));
		assert_true(packet_parse(&v, out, 48 + i));
		assert_int_equal(icmp_quoted(&v, &quoted), i >= 40);
	}
	/* Nor one about what neighbours say, or to whom they all are. */
	n = make_v6(big, IPPROTO_ICMPV6, 24);
	for (i = 0; i < 256; i++) {
		big[40] = (uint8_t)i;
		assert_true(packet_parse(&about, big, n));
		assert_int_equal(icmp_may_answer(&about), i == 128 || i == 129);
		assert_int_equal(icmp_is_query(&about), i == 128);
	}
	big[40] = 128;
	big[24] = 0xff;
	assert_true(packet_parse(&about, big, n));
	assert_false(icmp_write_prohibited(out, &from, &about, &error));
	/* An error of the one family quotes nothing of the other. */
	n = make_v6(big, IPPROTO_ICMPV6, 60);
	memset(big + 40, 0, 60);
	big[40] = 1;
	make_v4(big + 48, IPPROTO_UDP, 40, 0);
	assert_true(packet_parse(&v, big, n));
	assert_true(icmp_is_error(&v));
	assert_false(icmp_quoted(&v, &quoted));
}

struct pieces {
	uint8_t	 whole[3000];
	size_t	 len, largest;
	unsigned n, more;
	uint32_t id;
};

static void
piece(void *arg, const struct packet_view *v)
{
	struct packet_view read;
	struct pieces	  *p = arg;

	assert_true(packet_parse(&read, v->data, v->len));
	assert_true(packet_equal(&read, v));
	assert_int_equal(v->header, 48);
	assert_int_equal(v->protocol, IPPROTO_ESP);
	assert_int_equal(v->frag, p->len);
	assert_int_equal(v->id, p->id);
	assert_int_equal(p->more, p->n);	/* all before said so */
	memcpy(p->whole + p->len, v->data + v->header, v->len - v->header);
	p->len += v->len - v->header;
	if (v->len > p->largest)
		p->largest = v->len;
	p->n++;
	p->more += v->more;
}

static void
ipv6_is_cut_by_its_sender(void **state)
{
	static uint8_t	   p[3000];
	struct packet_view v;
	struct pieces	   got;
	size_t		   len, mtu, i;
	int		   n;

	(void)state;
	for (len = 1241; len < 3000; len += 97) {
		(void)make_v6(p, IPPROTO_ESP, len - 40);
		for (i = 40; i < len; i++)
			p[i] = (uint8_t)(i * 7);
		assert_true(packet_parse(&v, p, len));
		for (mtu = 1280; mtu < 1290; mtu++) {
			memset(&got, 0, sizeof(got));
			got.id = 0x12345678;
			n = ip6_fragment(&v, mtu, got.id, piece, &got);
			assert_int_equal(n, got.n);
			assert_int_equal(got.more, got.n - 1);
			assert_in_range(got.largest, 1, mtu);
			assert_int_equal(got.len, len - 40);
			assert_memory_equal(got.whole, p + 40, len - 40);
		}
		assert_int_equal(ip6_fragment(&v, 1279, 1, piece, &got), -1);
	}
	/* Packets with a fragment header, or others, are not cut again. */
	len = make_v6(p, IPPROTO_FRAGMENT, 1400);
	p[40] = IPPROTO_ESP;
	assert_true(packet_parse(&v, p, len));
	assert_int_equal(ip6_fragment(&v, 1280, 1, piece, &got), -1);
}

static void
tunnels_hold_what_was_put_in(void **state)
{
	struct addr	   x = addr_of("10.0.0.11"), n = addr_of("10.0.0.1");
	struct packet_view inner, outer, written, back;
	enum tunnel_type   type, was;
	uint8_t		   p[100 + TUNNEL_OVERHEAD_MAX] = { 0 };
	size_t		   over, i;

	(void)state;
	for (type = TUNNEL_IPIP; type <= TUNNEL_GRE; type++) {
		over = tunnel_overhead(type);
		make_v4(p + over, IPPROTO_UDP, 100, 0);
		assert_true(packet_parse_ipv4(&inner, p + over, 100));
		tunnel_write(p, type, &x, &n, &inner, 99, &written);
		assert_true(packet_parse_ipv4(&outer, p, over + 100));
		assert_true(packet_equal(&outer, &written));
		assert_true(ip_checksum_ok(&outer));
		assert_int_equal(outer.protocol, tunnel_protocol(type));
		assert_int_equal(outer.tos, inner.tos);
		assert_int_equal(outer.id, 99);
		assert_true(outer.df);
		assert_true(tunnel_inner(&outer, &back, &was));
		assert_int_equal(was, type);
		assert_ptr_equal(back.data, p + over);
		assert_int_equal(back.len, 100);
		/* A header that was damaged on the way. */
		for (i = over; i < over + 20; i++) {
			p[i] ^= 0x10;
			assert_false(tunnel_inner(&outer, &back, &was));
			p[i] ^= 0x10;
		}
		outer.more = true;
		assert_false(tunnel_inner(&outer, &back, &was));
	}
}

/* What a GRE header says, with n bytes of options behind it. */
static bool
gre_taken(uint16_t flags, uint16_t protocol, size_t n)
{
	struct packet_view outer, inner;
	enum tunnel_type   type;
	uint8_t		   p[20 + 16 + 60] = { 0 };
	size_t		   len = 20 + 4 + n + 60;

	make_v4(p, IPPROTO_GRE, len, 0);
	make_v4(p + 24 + n, IPPROTO_UDP, 60, 0);
	store_u16(p + 20, flags);
	store_u16(p + 22, protocol);
	if (flags & 0x8000)
		store_u16(p + 24, checksum_fold(checksum_add(0, p + 20,
		    len - 20)));
	assert_true(packet_parse_ipv4(&outer, p, len));
	return tunnel_inner(&outer, &inner, &type);
}

/* One opinion at both ends of a tunnel (RFC 2784 §2.3). */
static void
gre_keys_are_nobodys(void **state)
{
	unsigned bit;

	(void)state;
	assert_true(gre_taken(0, 0x0800, 0));
	assert_true(gre_taken(0x8000, 0x0800, 4));
	assert_false(gre_taken(0x2000, 0x0800, 4));		/* key */
	assert_false(gre_taken(0x1000, 0x0800, 4)); /* sequence number */
	assert_false(gre_taken(0x3000, 0x0800, 8));
	assert_false(gre_taken(0xb000, 0x0800, 12));
	assert_false(gre_taken(0, 0x86dd, 0));
	assert_false(gre_taken(0, 0x6558, 0));
	/* Bits 1 to 5 and the version: not ours; 6 to 12: ignored. */
	for (bit = 1; bit < 16; bit++)
		assert_int_equal(gre_taken((uint16_t)(0x8000 >> bit),
		    0x0800, 0), bit >= 6 && bit <= 12);
}

static void
ecn_leaves_a_tunnel(void **state)
{
	/* RFC 6040 figure 4: rows inner, columns outer: Not-ECT,
	 * ECT(1), ECT(0), CE. */
	static const int table[4][4] = {
		[0] = { 0, 0, 0, -1 },
		[1] = { 1, 1, 1, 3 },
		[2] = { 2, 1, 2, 3 },
		[3] = { 3, 3, 3, 3 },
	};
	unsigned in, out;
	int	 tos;

	(void)state;
	for (in = 0; in < 4; in++) {
		for (out = 0; out < 4; out++) {
			tos = tunnel_leave_tos((uint8_t)(0x28 | in),
			    (uint8_t)(0x48 | out));
			assert_int_equal(tos, table[in][out] == -1 ? -1 :
			    0x28 | table[in][out]);
		}
	}
}

static void
changes_keep_the_checksum(void **state)
{
	const struct addr  odd = { AF_INET, { 255, 254, 253, 252 } };
	struct packet_view v;
	uint8_t		   p[60] = { 0 };

	(void)state;
	make_v4(p, IPPROTO_UDP, 60, 0);
	ip_set_tos(p, 0xff);
	ip_set_id(p, 0xfffe);
	ip_set_src(p, &odd);
	assert_true(ip_lower_ttl(p));
	assert_true(packet_parse_ipv4(&v, p, 60));
	assert_true(ip_checksum_ok(&v));
	assert_int_equal(v.tos, 0xff);
	assert_int_equal(v.id, 0xfffe);
	assert_int_equal(v.ttl, 63);
	assert_addr(&v.src, "255.254.253.252");
	p[8] = 1;
	assert_false(ip_lower_ttl(p));
	assert_int_equal(p[8], 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_is_read),
		cmocka_unit_test(ipv6_is_read),
		cmocka_unit_test(ipv6_extensions_are_passed),
		cmocka_unit_test(ipv6_extensions_are_bounded),
		cmocka_unit_test(errors_quote),
		cmocka_unit_test(headers_of_both_families_are_written),
		cmocka_unit_test(errors_of_ipv6_quote),
		cmocka_unit_test(ipv6_is_cut_by_its_sender),
		cmocka_unit_test(tunnels_hold_what_was_put_in),
		cmocka_unit_test(gre_keys_are_nobodys),
		cmocka_unit_test(ecn_leaves_a_tunnel),
		cmocka_unit_test(changes_keep_the_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
