/* test_esp_six.c - ESP over IPv6, and around it: each family in each (RFC 4301 §5.1.2, RFC 4303) */
#include "config.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/util.h"
#include "tests/unit/esp_packets.h"
#include "tests/unit/packet_equal.h"

static struct addr
addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static struct esp_params
params_six(bool encap)
{
	struct esp_params p = params_default();

	p.src = addr_of("2001:db8::1");
	p.dst = addr_of("2001:db8:1::10");
	p.encap_sport = p.encap_dport = encap ? 4500 : 0;
	return p;
}

/* A packet of len bytes into inner. */
static struct packet_view
make_packet(bool six, size_t len, uint8_t tos)
{
	struct packet_view v = { .src = addr_of(six ? "2001:db8::a" :
		"192.0.2.1"), .dst = addr_of(six ? "2001:db8::b" :
		"192.0.2.2"), .tos = tos, .ttl = 63, .protocol = 253,
		.df = true, .label = six ? 0x54321 : 0, .len = len };

	memset(inner, 'x', len);
	ip_write(inner, &v);
	return v;
}

static bool
udp_sum_ok(const struct packet_view *v)
{
	size_t len = v->len - v->header;

	return checksum_fold(checksum_add(ip_pseudo_sum(&v->src, &v->dst,
	    v->protocol, len), v->data + v->header, len)) == 0;
}

static void
each_family_goes_in_each(void **state)
{
	struct packet_view v, sealed, read, opened;
	struct esp_params  p;
	struct esp_sa	  *out, *in;
	unsigned	   i, tos;
	bool		   encap;

	(void)state;
	for (i = 0; i < 8; i++) {
		encap = i & 4;
		p = params_six(encap);
		if (i & 2) {
			p.src = addr_of("198.51.100.1");
			p.dst = addr_of("198.51.100.10");
		}
		out = esp_sa_new(&p, true);
		in = esp_sa_new(&p, false);
		for (tos = 0; tos < 256; tos++) {
			v = make_packet(i & 1, 600, (uint8_t)tos);
			assert_int_equal(esp_seal(out, &v, outer,
			    sizeof(outer), &sealed), ESP_OK);
			assert_true(packet_parse(&read, outer, sealed.len));
			assert_true(packet_equal(&read, &sealed));
			assert_true(addr_equal(&read.src, &p.src));
			assert_true(addr_equal(&read.dst, &p.dst));
			assert_int_equal(read.protocol, encap ? IPPROTO_UDP :
			    IPPROTO_ESP);
			assert_int_equal(read.tos, tos);
			assert_true(read.df);
			assert_int_equal(esp_open(in, &read, back,
			    sizeof(back), &opened), ESP_OK);
			assert_true(packet_parse(&read, back, opened.len));
			assert_true(packet_equal(&read, &opened));
			assert_int_equal(opened.len, 600);
			assert_memory_equal(back, inner, 600);
		}
		esp_sa_free(out);
		esp_sa_free(in);
	}
}

/* RFC 3948's zero means none, which nobody takes over IPv6 (RFC 8200 §8.1). */
static void
udp_has_a_checksum(void **state)
{
	struct esp_params  p = params_six(true);
	struct esp_sa	  *out = esp_sa_new(&p, true);
	struct packet_view v, sealed;
	size_t		   len;

	(void)state;
	for (len = 100; len < 140; len++) {
		v = make_packet(false, len, 0);
		assert_int_equal(esp_seal(out, &v, outer, sizeof(outer),
		    &sealed), ESP_OK);
		assert_int_not_equal(load_u16(outer + sealed.header + 6), 0);
		assert_true(udp_sum_ok(&sealed));
	}
	esp_sa_free(out);
}

/* One for each SA, whatever it carries. */
static void
labels_are_of_the_sa(void **state)
{
	struct esp_params  p = params_six(false);
	struct packet_view v, sealed;
	struct esp_sa	  *out;
	uint32_t	   label = 0, last = 0;
	unsigned	   i, k, same = 0;

	(void)state;
	for (i = 0; i < 8; i++) {
		p.spi = 0x1000 + i;
		out = esp_sa_new(&p, true);
		for (k = 0; k < 4; k++) {
			v = make_packet(k & 1, 80, (uint8_t)k);
			assert_int_equal(esp_seal(out, &v, outer,
			    sizeof(outer), &sealed), ESP_OK);
			if (k > 0)
				assert_int_equal(sealed.label, label);
			label = sealed.label;
		}
		same += i > 0 && label == last;
		last = label;
		esp_sa_free(out);
	}
	assert_in_range(same, 0, 1);
}

/* What the trailer says and what stands there are one. */
static void
next_header_tells_the_family(void **state)
{
	struct esp_params p = params_default();
	struct esp_sa	 *in = esp_sa_new(&p, false);
	uint8_t		  text[64] = { 0 };
	uint32_t	  seq = 0;
	unsigned	  next;
	size_t		  n;

	(void)state;
	make_packet(true, 62, 0);
	memcpy(text, inner, 62);
	for (next = 0; next < 256; next++) {
		text[63] = (uint8_t)next;
		n = reference_seal(&p, ++seq, text, 64);
		assert_int_equal(open_bytes(in, outer, n, back, sizeof(back)),
		    next == 59 ? ESP_E_DUMMY : next == 41 ? 62 : ESP_E_INNER);
	}
	/* The packet claims more than there is. */
	text[63] = 41;
	text[5]++;
	n = reference_seal(&p, ++seq, text, 64);
	assert_int_equal(open_bytes(in, outer, n, back, sizeof(back)),
	    ESP_E_INNER);
	esp_sa_free(in);
}

static void
mtu_is_exact_over_ipv6(void **state)
{
	struct esp_params  p;
	struct packet_view v, sealed;
	struct esp_sa	  *out;
	size_t		   mtu, largest, i;
	unsigned	   encap;

	(void)state;
	for (i = 0; i < NVECTORS; i++) {
		for (encap = 0; encap < 2; encap++) {
			p = params_of(&vectors[i]);
			p.src = addr_of("2001:db8::1");
			p.dst = addr_of("2001:db8::2");
			p.encap_dport = encap ? 4500 : 0;
			out = esp_sa_new(&p, true);
			for (mtu = 1280; mtu < 1300; mtu++) {
				largest = esp_inner_mtu(out, mtu);
				v = make_packet(true, largest, 0);
				assert_int_equal(esp_seal(out, &v, outer,
				    sizeof(outer), &sealed), ESP_OK);
				assert_in_range(sealed.len, 1, mtu);
				v = make_packet(true, largest + 1, 0);
				assert_int_equal(esp_seal(out, &v, outer,
				    sizeof(outer), &sealed), ESP_OK);
				assert_in_range(sealed.len, mtu + 1, 1500);
				assert_true(mtu - largest <= ESP_OVERHEAD6);
			}
			esp_sa_free(out);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_family_goes_in_each),
		cmocka_unit_test(udp_has_a_checksum),
		cmocka_unit_test(labels_are_of_the_sa),
		cmocka_unit_test(next_header_tells_the_family),
		cmocka_unit_test(mtu_is_exact_over_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
