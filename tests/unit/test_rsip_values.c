/* test_rsip_values.c - what messages carry: lists of ports and SPIs, authentication, counters, names */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "tests/unit/rsip_examples.h"

static void
lists_become_ranges_and_back(void **state)
{
	static const uint16_t run[] = { 20000, 20001, 20002 };
	static const uint16_t list[] = { 20000, 20002, 20001 };
	static const uint16_t wrap[] = { 65535, 0 };
	static const uint32_t spi_run[] = { 0xfffffffe, 0xffffffff };
	static const uint32_t spi_wrap[] = { 0xffffffff, 0 };
	struct rsip_ports     p;
	struct rsip_spis      s;
	uint16_t	      port[RSIP_PORTS_MAX], many[RSIP_PORTS_MAX + 1];
	uint32_t	      spi[RSIP_SPIS_MAX + 1];

	(void)state;
	memset(many, 0, sizeof(many));
	assert_int_equal(rsip_ports_set(&p, run, 3), 0);
	assert_int_equal(p.number, 3);
	assert_int_equal(p.nfields, 1);
	assert_int_equal(rsip_ports_expand(&p, port, 3), 3);
	assert_memory_equal(port, run, sizeof(run));
	assert_int_equal(rsip_ports_expand(&p, port, 2), -1);
	assert_int_equal(rsip_ports_set(&p, list, 3), 0);
	assert_int_equal(p.nfields, 3);
	assert_int_equal(rsip_ports_expand(&p, port, 3), 3);
	assert_memory_equal(port, list, sizeof(list));
	/* 65535 and 0 are no neighbours. */
	assert_int_equal(rsip_ports_set(&p, wrap, 2), 0);
	assert_int_equal(p.nfields, 2);
	assert_int_equal(rsip_ports_set(&p, many, 0), -1);
	assert_int_equal(rsip_ports_set(&p, many, RSIP_PORTS_MAX + 1), -1);
	assert_int_equal(rsip_ports_set(&p, many, RSIP_PORTS_MAX), 0);

	memset(&p, 0, sizeof(p));
	p.number = 4;
	assert_int_equal(rsip_ports_expand(&p, port, 4), 0);
	p.nfields = 1;
	p.port[0] = 65533;
	assert_int_equal(rsip_ports_expand(&p, port, 4), -1);
	p.none = true;
	assert_int_equal(rsip_ports_expand(&p, port, 4), 0);

	assert_int_equal(rsip_spis_set(&s, spi_run, 2), 0);
	assert_int_equal(s.nfields, 1);
	assert_int_equal(rsip_spis_expand(&s, spi, 2), 2);
	assert_memory_equal(spi, spi_run, sizeof(spi_run));
	assert_int_equal(rsip_spis_expand(&s, spi, 1), -1);
	assert_int_equal(rsip_spis_set(&s, spi_wrap, 2), 0);
	assert_int_equal(s.nfields, 2);
	s.nfields = 1;
	assert_int_equal(rsip_spis_expand(&s, spi, 2), -1);
	assert_int_equal(rsip_spis_set(&s, spi, 0), -1);
	assert_int_equal(rsip_spis_set(&s, spi, RSIP_SPIS_MAX + 1), -1);
}

/* Vendor subtype 2: the MAC is HMAC-SHA256, worked out
 * elsewhere (doc/wire.md). */
static void
authentication(void **state)
{
	struct rsip_key key = { .id = 9,
		.secret = (const uint8_t *)"between x1 and N", .len = 16,
		.host = { AF_INET, { 10, 0, 0, 11 } },
		.gateway = { AF_INET, { 10, 0, 0, 1 } } }, other = key;
	struct rsip_message m;
	uint8_t		    buf[80], bad[80], want[80];
	size_t		    len, i;
	int		    n;

	(void)state;
	rsip_message_init(&m, RSIP_REGISTER_REQUEST);
	m.has = RSIP_HAS_COUNTER | RSIP_HAS_AUTH;
	m.counter = 1;
	m.auth_key_id = 9;
	m.auth_index = 0x1122334455667788;
	m.auth_echo = 0x99aabbccddeeff00;
	m.auth_counter = 1;
	n = rsip_encode(&m, buf, sizeof(buf));
	assert_true(n > 0);
	rsip_auth_sign(&m, buf, (size_t)n, &key);
	len = hex_bytes("01 02 003e  0b 0004 00000001"
	    "  0c 0030 7ed9 0002 00000009 1122334455667788"
	    " 99aabbccddeeff00 0000000000000001"
	    " d7f3ece35e1bff6cbed9d6df67138f70", want, sizeof(want));
	assert_int_equal(n, len);
	assert_memory_equal(buf, want, len);
	assert_int_equal(decode_exact(&m, buf, len), RSIP_OK);
	assert_true(rsip_auth_verify(&m, buf, len, &key));
	/* Nor is it good under another key, or between others. */
	other.len--;
	assert_false(rsip_auth_verify(&m, buf, len, &other));
	other = key;
	other.id++;
	assert_false(rsip_auth_verify(&m, buf, len, &other));
	other = key;
	other.host.bytes[3] = 12;
	assert_false(rsip_auth_verify(&m, buf, len, &other));
	other = key;
	other.gateway.bytes[3] = 2;
	assert_false(rsip_auth_verify(&m, buf, len, &other));

	/* No byte can be changed, neither in the message nor in the MAC. */
	for (i = 0; i < len; i++) {
		memcpy(bad, buf, len);
		bad[i] ^= 1;
		rsip_message_clear(&m);
		if (decode_exact(&m, bad, len) == RSIP_OK)
			assert_false(rsip_auth_verify(&m, bad, len, &key));
	}
	rsip_message_clear(&m);

	/* Another vendor's parameter is skipped, yet signed. */
	len = hex_bytes("01 02 0045  0b 0004 00000001  0c 0004 0009 0001"
	    "  0c 0030 7ed9 0002 00000009 1122334455667788"
	    " 99aabbccddeeff00 0000000000000001"
	    " b1c67620e8d253c7b1cbf0a841b64730", buf, sizeof(buf));
	assert_int_equal(decode_exact(&m, buf, len), RSIP_OK);
	assert_true(rsip_auth_verify(&m, buf, len, &key));
	buf[15] ^= 1;
	rsip_message_clear(&m);
	assert_int_equal(decode_exact(&m, buf, len), RSIP_OK);
	assert_false(rsip_auth_verify(&m, buf, len, &key));
	rsip_message_clear(&m);

	/* A message without the parameter never verifies. */
	len = hex_bytes("01 02 0004", buf, sizeof(buf));
	assert_int_equal(decode_exact(&m, buf, len), RSIP_OK);
	assert_false(rsip_auth_verify(&m, buf, len, &key));
	rsip_message_clear(&m);
}

/* A counter goes up, and not so far at once that counters run out. */
static void
counters_that_are_newer(void **state)
{
	(void)state;
	assert_false(rsip_auth_newer(0, 0));
	assert_true(rsip_auth_newer(1, 0));
	assert_false(rsip_auth_newer(7, 7));
	assert_false(rsip_auth_newer(6, 7));
	assert_true(rsip_auth_newer(UINT32_MAX, 0));
	assert_false(rsip_auth_newer(1ull << 32, 0));
	assert_true(rsip_auth_newer(UINT64_MAX, UINT64_MAX - 1));
	assert_false(rsip_auth_newer(0, UINT64_MAX));
}

/* RFC 3103 App. A and RFC 3104 App. B: every number has its name. */
static void
names(void **state)
{
	unsigned e, named = 0;

	(void)state;
	for (e = 0; e < 65536; e++)
		named += strcmp(rsip_error_name(e), "unknown") != 0;
	assert_int_equal(named, 6 + 8 + 15 + 3);
	assert_string_equal(rsip_error_name(101), "UNKNOWN_ERROR");
	assert_string_equal(rsip_error_name(208), "UNSUPPORTED_MESSAGE");
	assert_string_equal(rsip_error_name(301), "REGISTER_FIRST");
	assert_string_equal(rsip_error_name(315), "REMOTE_ADDRPORT_UNALLOWED");
	assert_string_equal(rsip_error_name(403), "IPSEC_SPI_INUSE");
	assert_string_equal(rsip_type_name(5), "DE-REGISTER_RESPONSE");
	assert_string_equal(rsip_type_name(22), "ASSIGN_REQUEST_RSIPSEC");
	assert_string_equal(rsip_tunnel_name(1), "IP-IP");
	assert_string_equal(rsip_tunnel_name(2), "GRE");
	assert_string_equal(rsip_tunnel_name(3), "L2TP");
	assert_string_equal(rsip_tunnel_name(4), "unknown");
	assert_string_equal(rsip_method_name(1), "RSA-IP");
	assert_string_equal(rsip_method_name(2), "RSAP-IP");
	assert_string_equal(rsip_method_name(3), "RSIPSEC");
	assert_string_equal(rsip_method_name(0), "unknown");
}

static struct prefix
prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, text), 0);
	return p;
}

/* RFC 3103 §8.1, §9.14. */
static void
addresses_and_networks_of_either_family(void **state)
{
	static const char *const texts[] = { "10.0.0.0/24", "0.0.0.0/0",
		"192.0.2.1/32", "2001:db8::/48" };
	const struct addr   none = { 0 };
	struct rsip_address a;
	struct rsip_tuple   t;
	struct prefix	    net, got;
	size_t		    i;

	(void)state;
	rsip_address_set(&a, &none);
	assert_true(a.any);
	assert_int_equal(a.type, RSIP_ADDR_IPV4);
	for (i = 0; i < 4; i++) {
		net = prefix(texts[i]);
		memset(&t, 0xff, sizeof(t));
		rsip_tuple_set_prefix(&t, RSIP_REMOTE_NETWORK, &net);
		assert_int_equal(t.netmask.type, i < 3 ? RSIP_ADDR_NETMASK4 :
		    RSIP_ADDR_IPV6);
		assert_true(rsip_tuple_prefix(&t, &got));
		assert_true(prefix_equal(&got, &net));
		t.indicator = RSIP_REMOTE_ADDRESS;
		assert_true(rsip_tuple_prefix(&t, &got));
		assert_int_equal(got.plen, i < 3 ? 32 : 128);
	}
	/* A mask with a hole, one of the other family, a name. */
	t.indicator = RSIP_LOCAL_NETWORK;
	t.netmask.addr.bytes[0] = 0x7f;
	assert_false(rsip_tuple_prefix(&t, &got));
	net = prefix("10.0.0.0/24");
	rsip_tuple_set_prefix(&t, RSIP_LOCAL_NETWORK, &net);
	t.netmask.addr = prefix_mask(AF_INET6, 24);
	assert_false(rsip_tuple_prefix(&t, &got));
	memset(&t, 0, sizeof(t));
	t.indicator = RSIP_LOCAL_ADDRESS;
	t.address.type = RSIP_ADDR_FQDN;
	assert_false(rsip_tuple_prefix(&t, &got));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_become_ranges_and_back),
		cmocka_unit_test(authentication),
		cmocka_unit_test(counters_that_are_newer),
		cmocka_unit_test(names),
		cmocka_unit_test(addresses_and_networks_of_either_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
