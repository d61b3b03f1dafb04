/* test_esp_transport.c - ESP in transport mode: between the two ends' own addresses, of either family */
#include "config.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "tests/unit/esp_packets.h"

/* Between the SA's own addresses; len octets, with what ip_write() makes. */
static void
make_between(const struct esp_params *p, size_t len, uint8_t tos)
{
	struct packet_view v = { .src = p->src, .dst = p->dst, .tos = tos,
		.ttl = 61, .protocol = 253, .df = true, .id = 0x1234,
		.len = len };
	size_t		   i;

	ip_write(inner, &v);
	for (i = ip_header_len(p->src.family); i < len; i++)
		inner[i] = (uint8_t)(i * 29 + 3);
}

static void
transport_mode_round_trip(const struct vector *v, bool ipv6)
{
	struct esp_params  p = params_of(v);
	struct packet_view outside, sealed, opened;
	struct esp_sa	  *in, *out;
	size_t		   head, len, mtu, largest;

	p.transport = true;
	if (ipv6) {
		assert_int_equal(addr_parse(&p.src, "2001:db8::1"), 0);
		assert_int_equal(addr_parse(&p.dst, "2001:db8::10"), 0);
	}
	head = ip_header_len(p.src.family);
	assert_non_null(out = esp_sa_new(&p, true));
	assert_non_null(in = esp_sa_new(&p, false));
	for (len = head; len <= 1500; len += len < 128 ? 1 : 61) {
		make_between(&p, len, 0x2a);
		assert_true(packet_parse(&outside, inner, len));
		assert_int_equal(esp_seal(out, &outside, outer, sizeof(outer),
		    &sealed), ESP_OK);
		/* One header, with what it had to say. */
		assert_int_equal(sealed.protocol, IPPROTO_ESP);
		assert_int_equal(sealed.ttl, 61);
		assert_int_equal(sealed.tos, 0x2a);
		assert_int_equal((sealed.len - head) % 4, 0);
		assert_true(sealed.len < len + ESP_OVERHEAD - 20);
		assert_int_equal(open_bytes(in, outer, sealed.len, back,
		    sizeof(back)), len);
		assert_true(packet_parse(&opened, back, len));
		assert_true(addr_equal(&opened.src, &p.src));
		assert_true(addr_equal(&opened.dst, &p.dst));
		assert_int_equal(opened.protocol, 253);
		assert_int_equal(opened.ttl, 61);
		assert_int_equal(opened.tos, 0x2a);
		assert_memory_equal(back + head, inner + head, len - head);
	}
	for (mtu = 200; mtu < 240; mtu++) {
		largest = esp_inner_mtu(out, mtu);
		make_between(&p, largest, 0);
		assert_in_range(seal_bytes(out, inner, largest, outer,
		    sizeof(outer)), 1, mtu);
		make_between(&p, largest + 1, 0);
		assert_in_range(seal_bytes(out, inner, largest + 1, outer,
		    sizeof(outer)), mtu + 1, 65535);
	}
	esp_sa_free(in);
	esp_sa_free(out);
}

static void
transport_mode(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NVECTORS; i++) {
		transport_mode_round_trip(&vectors[i], false);
		transport_mode_round_trip(&vectors[i], true);
	}
}

/* Neither others' packets, nor parts, nor options; and no buffer too small. */
static void
transport_mode_refuses(void **state)
{
	struct esp_params  p = params_default(), tunnel = p;
	struct esp_sa	  *in, *out, *within;
	struct packet_view v;
	int		   n;

	(void)state;
	p.transport = true;
	assert_non_null(out = esp_sa_new(&p, true));
	assert_non_null(in = esp_sa_new(&p, false));
	assert_non_null(within = esp_sa_new(&tunnel, true));
	make_inner(100, 0, false);
	assert_int_equal(seal_bytes(out, inner, 100, outer, sizeof(outer)),
	    ESP_E_INNER);
	make_between(&p, 100, 0);
	store_u16(inner + 6, 8);
	assert_int_equal(seal_bytes(out, inner, 100, outer, sizeof(outer)),
	    ESP_E_INNER);
	make_between(&p, 100, 0);
	assert_true(packet_parse(&v, inner, 100));
	v.header += 4;
	assert_int_equal(esp_seal(out, &v, outer, sizeof(outer), &v),
	    ESP_E_INNER);
	make_between(&p, 100, 0);
	n = seal_bytes(out, inner, 100, outer, sizeof(outer));
	assert_in_range(n, 100, 200);
	assert_int_equal(open_bytes(in, outer, (size_t)n, back, 101),
	    ESP_E_LENGTH);
	assert_int_equal(open_bytes(in, outer, (size_t)n, back, sizeof(back)),
	    100);
	/* A peer that tunnels all the same says so in "next header": what comes
	 * is IP in IP from it, and no packet of whoever is named inside. */
	make_inner(100, 0, false);
	(void)seal_bytes(within, inner, 100, outer, sizeof(outer));
	n = seal_bytes(within, inner, 100, outer, sizeof(outer));
	assert_int_equal(open_bytes(in, outer, (size_t)n, back, sizeof(back)),
	    IP_HEADER_LEN + 100);
	assert_true(packet_parse(&v, back, IP_HEADER_LEN + 100));
	assert_int_equal(v.protocol, IPPROTO_IPIP);
	assert_true(addr_equal(&v.src, &p.src));
	esp_sa_free(in);
	esp_sa_free(out);
	esp_sa_free(within);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(transport_mode),
		cmocka_unit_test(transport_mode_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
