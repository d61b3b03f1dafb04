/* test_ike2_payload.c - what IKEv2 payloads say: selectors, identities, notifies, deletes, addresses lent */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "oe/ike2/configuration.h"
#include "oe/ike2/identity.h"
#include "oe/ike2/notify.h"
#include "oe/ike2/selector.h"
#include "tests/unit/ike2_hex.h"

/* --- traffic selectors --- */

static struct addr
address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text), 0);
	return a;
}

static struct keying_selector
range(const char *from, const char *to, uint8_t protocol, uint16_t port_from,
    uint16_t port_to)
{
	struct keying_selector s = { address(from), address(to), protocol,
		port_from, port_to };

	return s;
}

/* The layout of §3.13.1, figure 20, both families. */
static void
selectors_on_the_wire(void **state)
{
	struct keying_selectors s = { 2, { range("198.51.100.1",
	    "198.51.100.255", 6, 1024, 2047), range("2001:db8::",
	    "2001:db8::ffff", 0, 0, 65535) } }, got;
	uint8_t		      buf[128];
	struct writer	      w;
	unsigned	      i;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	ike2_selectors_write(&w, &s);
	assert_hex(buf, w.len, "02000000"
	    "07060010 0400 07ff c6336401 c63364ff"
	    "08000028 0000 ffff 20010db8000000000000000000000000"
	    "20010db800000000000000000000ffff");
	assert_int_equal(ike2_selectors_read(&got, buf, w.len), 0);
	assert_int_equal(got.n, 2);
	for (i = 0; i < 2; i++)
		assert_true(keying_selector_equal(&got.ts[i], &s.ts[i]));
}

static void
selector_rules(void **state)
{
	static const struct {
		const char *what, *body;
		int	    rc;
		unsigned    n;
	} cases[] = {
		{ "nothing", "", -1, 0 },
		{ "none", "00000000", -1, 0 },
		{ "one, all", "01000000 07000010 0000ffff 00000000 ffffffff",
		    0, 1 },
		{ "reserved octets are not looked at",
		    "01abcdef 07000010 0000ffff 00000000 ffffffff", 0, 1 },
		{ "fewer than counted",
		    "02000000 07000010 0000ffff 00000000 ffffffff", -1, 0 },
		{ "more than counted",
		    "01000000 07000010 0000ffff 00000000 ffffffff 00", -1, 0 },
		{ "addresses in the wrong order",
		    "01000000 07000010 0000ffff 00000002 00000001", -1, 0 },
		{ "a v4 selector with v6's length",
		    "01000000 07000028 0000ffff 00000000 ffffffff"
		    "000000000000000000000000 000000000000000000000000",
		    -1, 0 },
		{ "a length beyond the end",
		    "01000000 07000011 0000ffff 00000000 ffffffff", -1, 0 },
		{ "shorter than its header", "01000000 07000003", -1, 0 },
		{ "an unknown type is passed over",
		    "02000000 0a000008 00000000 "
		    "07000010 0000ffff 00000000 ffffffff", 0, 1 },
		{ "and alone leaves none", "01000000 0a000004", 0, 0 },
		{ "OPAQUE ports are none of ours",
		    "01000000 07060010 ffff0000 00000000 ffffffff", 0, 0 },
		{ "ports without a protocol",
		    "01000000 07000010 00500050 00000000 ffffffff", 0, 0 },
		{ "ICMP echo request (RFC 4301 §4.4.1.3)",
		    "01000000 07010010 080008ff 00000000 ffffffff", 0, 1 },
	};
	struct keying_selectors s;
	uint8_t		      buf[256];
	size_t		      i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (ike2_selectors_read(&s, buf, unhex(cases[i].body, buf,
		    sizeof(buf))) != cases[i].rc ||
		    (cases[i].rc == 0 && s.n != cases[i].n))
			fail_msg("%s", cases[i].what);
	}
}

static void
selectors_are_limited(void **state)
{
	struct keying_selectors s;
	uint8_t		      buf[4 + 255 * 16] = { 255 };
	unsigned	      i;

	(void)state;
	for (i = 0; i < 255; i++) {
		uint8_t *p = buf + 4 + 16 * i;

		store_u32(p, 0x07000010);
		store_u32(p + 4, 0xffff);
		store_u32(p + 8, i);
		store_u32(p + 12, i);
	}
	assert_int_equal(ike2_selectors_read(&s, buf, sizeof(buf)), 0);
	assert_int_equal(s.n, KEYING_SELECTORS_MAX);
	assert_int_equal(addr_v4(&s.ts[15].from), htonl(15));
}

/* The packet's own beside all, as charon's trap asks (RFC 7296 §2.9): all. */
static void
selectors_within_another(void **state)
{
	static const char *const bodies[] = {
		"02000000 07110010 ba91ba91 c633642a c633642a "
		"07000010 0000ffff c633642a c633642a",
		"02000000 07000010 0000ffff c633642a c633642a "
		"07110010 ba91ba91 c633642a c633642a",
		"03000000 07110010 ba91ba91 c633642a c633642a "
		"07060010 00500050 c633642a c633642a "
		"07000010 0000ffff c633642a c633642a",
	};
	struct keying_selectors s;
	struct keying_selector  all = range("198.51.100.42",
		"198.51.100.42", 0, 0, 65535);
	uint8_t			buf[256];
	size_t			i;

	(void)state;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_int_equal(ike2_selectors_read(&s, buf, unhex(bodies[i],
		    buf, sizeof(buf))), 0);
		assert_int_equal(s.n, 1);
		assert_true(keying_selector_equal(&s.ts[0], &all));
	}
}

static void
narrowing(void **state)
{
	static const struct {
		const char *a_from, *a_to;
		uint8_t	    a_proto;
		uint16_t    a_pf, a_pt;
		const char *b_from, *b_to;
		uint8_t	    b_proto;
		uint16_t    b_pf, b_pt;
		const char *from, *to;	/* NULL: nothing */
		uint8_t	    proto;
		uint16_t    pf, pt;
	} c[] = {
		/* The whole Internet to one host. */
		{ "0.0.0.0", "255.255.255.255", 0, 0, 65535, "198.51.100.1",
		    "198.51.100.1", 0, 0, 65535, "198.51.100.1", "198.51.100.1",
		    0, 0, 65535 },
		/* All to a block of ports, both ways round. */
		{ "198.51.100.1", "198.51.100.1", 0, 0, 65535, "198.51.100.1",
		    "198.51.100.1", 17, 20480, 20735, "198.51.100.1",
		    "198.51.100.1", 17, 20480, 20735 },
		{ "198.51.100.1", "198.51.100.1", 17, 20480, 20735,
		    "198.51.100.1", "198.51.100.1", 0, 0, 65535, "198.51.100.1",
		    "198.51.100.1", 17, 20480, 20735 },
		/* Overlap of ranges that are no prefixes. */
		{ "10.0.0.5", "10.0.0.20", 6, 10, 20, "10.0.0.15", "10.0.1.0",
		    6, 15, 30, "10.0.0.15", "10.0.0.20", 6, 15, 20 },
		{ "10.0.0.1", "10.0.0.9", 0, 0, 65535, "10.0.0.10", "10.0.0.20",
		    0, 0, 65535, NULL, NULL, 0, 0, 0 },
		{ "10.0.0.1", "10.0.0.1", 6, 0, 65535, "10.0.0.1", "10.0.0.1",
		    17, 0, 65535, NULL, NULL, 0, 0, 0 },
		{ "10.0.0.1", "10.0.0.1", 6, 1, 5, "10.0.0.1", "10.0.0.1", 6,
		    6, 9, NULL, NULL, 0, 0, 0 },
		{ "0.0.0.0", "255.255.255.255", 0, 0, 65535, "::", "::ffff", 0,
		    0, 65535, NULL, NULL, 0, 0, 0 },
		{ "2001:db8::1", "2001:db8::f", 0, 0, 65535, "::",
		    "2001:db8::3", 58, 0, 65535, "2001:db8::1", "2001:db8::3",
		    58, 0, 65535 },
	};
	struct keying_selectors a, b, got;
	struct keying_selector  want;
	size_t		      i;

	(void)state;
	for (i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		a = (struct keying_selectors){ 1,
		    { range(c[i].a_from, c[i].a_to, c[i].a_proto, c[i].a_pf,
		    c[i].a_pt) } };
		b = (struct keying_selectors){ 1,
		    { range(c[i].b_from, c[i].b_to, c[i].b_proto, c[i].b_pf,
		    c[i].b_pt) } };
		assert_true(keying_selectors_narrow(&got, &a, &b) ==
		    (c[i].from != NULL));
		if (c[i].from == NULL)
			continue;
		want = range(c[i].from, c[i].to, c[i].proto, c[i].pf, c[i].pt);
		assert_int_equal(got.n, 1);
		assert_true(keying_selector_equal(&got.ts[0], &want));
		assert_true(keying_selectors_within(&got, &a));
		assert_true(keying_selectors_within(&got, &b));
	}
	/* The packet's own first, then all (§2.9): all has the first within it,
	 * and doubles go. */
	a = (struct keying_selectors){ 3, {
	    range("10.0.0.1", "10.0.0.1", 6, 80, 80),
	    range("10.0.0.1", "10.0.0.1", 0, 0, 65535),
	    range("10.0.0.1", "10.0.0.1", 6, 80, 80) } };
	b = (struct keying_selectors){ 1,
	    { range("10.0.0.0", "10.0.0.255", 0, 0, 65535) } };
	assert_true(keying_selectors_narrow(&got, &a, &b));
	assert_int_equal(got.n, 1);
	assert_true(keying_selector_equal(&got.ts[0], &a.ts[1]));
	/* 16 by 16 is 256; what is kept is bounded. */
	for (i = 0; i < 16; i++) {
		a.ts[i] = range("10.0.0.1", "10.0.0.1", 6,
		    (uint16_t)(i * 100), (uint16_t)(i * 100 + 99));
		b.ts[i] = range("10.0.0.1", "10.0.0.1", 6,
		    (uint16_t)(i * 100 + 50), (uint16_t)(i * 100 + 149));
	}
	a.n = b.n = 16;
	assert_true(keying_selectors_narrow(&got, &a, &b));
	assert_int_equal(got.n, KEYING_SELECTORS_MAX);
	assert_true(keying_selectors_within(&got, &a));
	/* An answer that adds something is none. */
	got.ts[3].to = address("10.0.0.2");
	assert_false(keying_selectors_within(&got, &a));
	got.n = 0;
	assert_false(keying_selectors_within(&got, &a));
}

static void
selectors_and_prefixes(void **state)
{
	static const char *const prefixes[] = { "198.51.100.7", "10.0.0.0/8",
		"0.0.0.0/0", "2001:db8::/33", "::/0", "2001:db8::1" };
	struct keying_selector s;
	struct prefix	     p, back;
	struct addr	     a;
	size_t		     i;

	(void)state;
	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		assert_int_equal(prefix_parse(&p, prefixes[i]), 0);
		s = keying_selector_prefix(&p);
		assert_true(keying_selector_is_prefix(&s, &back));
		assert_true(prefix_equal(&p, &back));
	}
	s = range("10.0.0.0", "10.0.0.2", 0, 0, 65535);
	assert_false(keying_selector_is_prefix(&s, &p));
	s = range("10.0.0.1", "10.0.0.2", 0, 0, 65535);
	assert_false(keying_selector_is_prefix(&s, &p));
	s = range("::1", "ffff::", 0, 0, 65535);
	assert_false(keying_selector_is_prefix(&s, &p));
	a = address("192.0.2.1");
	s = keying_selector_host(&a, 17, 53);
	assert_int_equal(s.port_from, 53);
	assert_int_equal(s.port_to, 53);
	s = keying_selector_host(&a, 0, 0);
	assert_int_equal(s.port_to, 65535);
}

/* --- identities --- */

static void
identities(void **state)
{
	static const struct {
		const char *body;
		int	    rc;
		const char *name;	/* or address */
	} cases[] = {
		{ "01000000 c6336401", 0, "198.51.100.1" },
		{ "01abcdef c6336401", 0, "198.51.100.1" },
		{ "01000000 c63364", -1, NULL },
		{ "01000000 c633640101", -1, NULL },
		{ "05000000 20010db8000000000000000000000001", 0,
		    "2001:db8::1" },
		{ "05000000 c6336401", -1, NULL },
		{ "02000000 58312e4c6162", 0, "x1.lab" },
		{ "02000000 78312e6c61622e", 0, "x1.lab" },
		{ "02000000", -1, NULL },
		{ "02000000 2e", -1, NULL },
		{ "02000000 612e2e62", -1, NULL },
		{ "02000000 612062", -1, NULL },
		{ "02000000 610062", -1, NULL },
		{ "02000000 61406c6162", -1, NULL },
		{ "02000000 612a", -1, NULL },
		{ "03000000 61406c6162", 0, "a@lab" },
		{ "03000000 612e62406c61622e78", 0, "a.b@lab.x" },
		{ "03000000 616c6162", -1, NULL },
		{ "03000000 4061", -1, NULL },
		{ "03000000 6140", -1, NULL },
		{ "03000000 61402e", -1, NULL },
		{ "03000000 61406240", -1, NULL },
		{ "0d000000", 0, "" },
		{ "0d000000 00", -1, NULL },
		{ "0b000000 6162", 0, "6162" },
		{ "0b000000 00ff10", 0, "00ff10" },
		{ "0b000000", -1, NULL },
		{ "09000000 3000", -1, NULL },
		{ "0100", -1, NULL },
		{ "", -1, NULL },
	};
	struct keying_id id, again;
	struct writer  w;
	uint8_t	       buf[300], out[300];
	struct addr    a;
	size_t	       i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (ike2_id_read(&id, buf, unhex(cases[i].body, buf,
		    sizeof(buf))) != cases[i].rc)
			fail_msg("%s", cases[i].body);
		if (cases[i].rc == -1)
			continue;
		if (addr_is_set(&id.addr)) {
			a = address(cases[i].name);
			assert_true(addr_equal(&id.addr, &a));
			again = keying_id_addr(&a);
			assert_true(keying_id_equal(&id, &again));
		} else
			assert_string_equal(id.name, cases[i].name);
		writer_init(&w, out, sizeof(out));
		assert_int_equal(ike2_id_write(&w, &id), 0);
		assert_int_equal(ike2_id_read(&again, out, w.len), 0);
		assert_true(keying_id_equal(&id, &again));
	}
	/* What no payload says. */
	id = (struct keying_id){ .type = KEYING_ID_ANYONE };
	assert_int_equal(ike2_id_write(&w, &id), -1);
	id.type = KEYING_ID_PREFIX;
	assert_int_equal(ike2_id_write(&w, &id), -1);
	/* The longest name, and one octet more. */
	memset(buf, 'a', sizeof(buf));
	store_u32(buf, 0x02000000);
	assert_int_equal(ike2_id_read(&id, buf, 4 + KEYING_NAME_MAX), 0);
	assert_int_equal(strlen(id.name), KEYING_NAME_MAX);
	assert_int_equal(ike2_id_read(&id, buf, 5 + KEYING_NAME_MAX), -1);
}

/* --- notify, delete, configuration --- */

static enum ike2_error
notifies(struct ike2_chain *c, const char *hex)
{
	static uint8_t buf[256];

	return ike2_chain_split(c, IKE2_P_NOTIFY, buf, unhex(hex, buf,
	    sizeof(buf)), false);
}

static void
notify_payloads(void **state)
{
	struct ike2_builder b;
	struct ike2_notify  n;
	struct ike2_chain   c;
	uint8_t		    buf[64];

	(void)state;
	ike2_chain_begin(&b, buf, sizeof(buf));
	ike2_notify_put(&b, IKE2_N_INVALID_KE_PAYLOAD, "\0\23", 2);
	ike2_notify_put_esp(&b, IKE2_N_REKEY_SA, 0xc0ffee01);
	assert_hex(buf, b.w.len, "2900000a 00000011 0013"
	    "0000000c 03044009 c0ffee01");
	assert_int_equal(ike2_chain_split(&c, b.first, buf, b.w.len, false),
	    IKE2_OK);
	assert_int_equal(ike2_notify_error(&c), IKE2_N_INVALID_KE_PAYLOAD);
	assert_true(ike2_notify_find(&c, IKE2_N_REKEY_SA, &n));
	assert_int_equal(n.protocol, IKE2_PROTO_ESP);
	assert_int_equal(n.spi, 0xc0ffee01);
	assert_int_equal(n.len, 0);
	assert_true(ike2_notify_find(&c, IKE2_N_INVALID_KE_PAYLOAD, &n));
	assert_int_equal(n.len, 2);
	assert_int_equal(load_u16(n.data), 19);
	assert_false(ike2_notify_find(&c, IKE2_N_COOKIE, &n));
	assert_string_equal(ike2_notify_text(24), "AUTHENTICATION_FAILED");
	assert_string_equal(ike2_notify_text(9999), "notify 9999");

	/* Unknown status is no error, an unknown error is one (§3.10.1). */
	assert_int_equal(notifies(&c, "29000008 0000ffff 00000008 00003fff"),
	    IKE2_OK);
	assert_int_equal(ike2_notify_error(&c), 0x3fff);
	/* Peers exist that write the IKE SPI; others write lengths
	 * that nothing has. */
	assert_int_equal(notifies(&c,
	    "00000010 01084000 0102030405060708"), IKE2_OK);
	assert_true(ike2_notify_find(&c, IKE2_N_INITIAL_CONTACT, &n));
	assert_int_equal(notifies(&c, "00000009 01014000 01"), IKE2_OK);
	assert_int_equal(ike2_notify_read(&n, &c.part[0]), -1);
	assert_int_equal(notifies(&c, "0000000b 03044009 c0ffee"), IKE2_OK);
	assert_int_equal(ike2_notify_read(&n, &c.part[0]), -1);
	assert_int_equal(notifies(&c, "00000007 030440"), IKE2_OK);
	assert_int_equal(ike2_notify_read(&n, &c.part[0]), -1);
	assert_int_equal(notifies(&c, "00000004"), IKE2_OK);
	assert_int_equal(ike2_notify_read(&n, &c.part[0]), -1);
}

static void
delete_payloads(void **state)
{
	static const struct {
		const char *body;
		int rc;
		unsigned n;
	} cases[] = {
		{ "01000000", 0, 0 },		/* the IKE SA itself */
		{ "01000001", -1, 0 },
		{ "01080001 0102030405060708", -1, 0 },
		{ "03040001 c0ffee01", 0, 1 },
		{ "03040002 c0ffee01", -1, 0 },
		{ "03040001 c0ffee01 00", -1, 0 },
		{ "03040000", -1, 0 },
		{ "03000000", -1, 0 },
		{ "0304ffff c0ffee01", -1, 0 },
		{ "02040001 c0ffee01", 0, 1 },
		{ "0304", -1, 0 },
	};
	struct ike2_delete  d;
	struct ike2_builder b;
	struct ike2_part    p = { .type = IKE2_P_DELETE };
	uint8_t		    buf[4 + 4 * (IKE2_DELETE_MAX + 1)];
	size_t		    i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		p.body = buf;
		p.len = unhex(cases[i].body, buf, sizeof(buf));
		assert_int_equal(ike2_delete_read(&d, &p), cases[i].rc);
		if (cases[i].rc == 0)
			assert_int_equal(d.n, cases[i].n);
	}
	store_u32(buf, 0x03040000 | (IKE2_DELETE_MAX + 1));
	p.len = sizeof(buf);
	assert_int_equal(ike2_delete_read(&d, &p), -1);
	store_u32(buf, 0x03040000 | IKE2_DELETE_MAX);
	p.len -= 4;
	assert_int_equal(ike2_delete_read(&d, &p), 0);
	assert_int_equal(d.n, IKE2_DELETE_MAX);
	d = (struct ike2_delete){ IKE2_PROTO_ESP, 2, { 0x100, 0xc0ffee01 } };
	ike2_chain_begin(&b, buf, sizeof(buf));
	ike2_delete_put(&b, &d);
	d = (struct ike2_delete){ IKE2_PROTO_IKE, 0, { 0 } };
	ike2_delete_put(&b, &d);
	assert_hex(buf, b.w.len, "2a000010 03040002 00000100 c0ffee01"
	    "00000008 01000000");
}

static void
configuration_payloads(void **state)
{
	static const struct { const char *body; int rc; bool v4, v6;
		const char *a4, *a6; } cases[] = {
		{ "01000000", 0, false, false, NULL, NULL },
		{ "01000000 00010000", 0, true, false, NULL, NULL },
		{ "02000000 00010004 64400001", 0, true, false, "100.64.0.1",
		    NULL },
		/* DNS, a netmask, an unknown one, a reserved bit. */
		{ "02000000 00030004 0a000001 80010004 64400001"
		    "00020004 ffffffff 7fff0003 010203", 0, true, false,
		    "100.64.0.1", NULL },
		{ "02000000 00080011 20010db8000000000000000000000001 40", 0,
		    false, true, NULL, "2001:db8::1" },
		{ "02000000 00010004 64400001 00010004 64400002", 0, true,
		    false, "100.64.0.1", NULL },
		{ "02000000 00010003 644000", -1, false, false, NULL, NULL },
		{ "02000000 00010005 64400001", -1, false, false, NULL, NULL },
		{ "02000000 000800", -1, false, false, NULL, NULL },
		{ "0200", -1, false, false, NULL, NULL },
	};
	struct ike2_cfg	    c;
	struct ike2_builder b;
	uint8_t		    buf[128];
	struct addr	    a;
	size_t		    i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ike2_cfg_read(&c, buf, unhex(cases[i].body,
		    buf, sizeof(buf))), cases[i].rc);
		if (cases[i].rc == -1)
			continue;
		assert_true(c.v4 == cases[i].v4 && c.v6 == cases[i].v6);
		assert_true(addr_is_set(&c.addr4) == (cases[i].a4 != NULL));
		assert_true(addr_is_set(&c.addr6) == (cases[i].a6 != NULL));
		if (cases[i].a4 != NULL) {
			a = address(cases[i].a4);
			assert_true(addr_equal(&a, &c.addr4));
		}
		if (cases[i].a6 != NULL) {
			a = address(cases[i].a6);
			assert_true(addr_equal(&a, &c.addr6));
		}
	}
	c = (struct ike2_cfg){ .type = IKE2_CFG_REPLY, .v4 = true,
		.v6 = true, .addr4 = address("100.64.0.1"),
		.addr6 = address("2001:db8::1") };
	ike2_chain_begin(&b, buf, sizeof(buf));
	ike2_cfg_put(&b, &c);
	assert_hex(buf, b.w.len, "00000025 02000000 00010004 64400001"
	    "00080011 20010db8000000000000000000000001 80");
	c = (struct ike2_cfg){ .type = IKE2_CFG_REQUEST, .v4 = true,
	    .v6 = true };
	ike2_chain_begin(&b, buf, sizeof(buf));
	ike2_cfg_put(&b, &c);
	assert_hex(buf, b.w.len, "00000010 01000000 00010000 00080000");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selectors_on_the_wire),
		cmocka_unit_test(selector_rules),
		cmocka_unit_test(selectors_are_limited),
		cmocka_unit_test(selectors_within_another),
		cmocka_unit_test(narrowing),
		cmocka_unit_test(selectors_and_prefixes),
		cmocka_unit_test(identities),
		cmocka_unit_test(notify_payloads),
		cmocka_unit_test(delete_payloads),
		cmocka_unit_test(configuration_payloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
