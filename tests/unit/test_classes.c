/* test_classes.c - classes: longest prefix, a prefix in one class only; section "oe" */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/conf.h"
#include "base/util.h"
#include "oe/classes.h"
#include "oe/ike2/offer.h"
#include "oe/settings.h"

static int
add4(struct classes *c, uint32_t net, unsigned plen, enum oe_class class,
    unsigned tunnel)
{
	const struct addr   addr = addr_from_v4(net);
	const struct prefix p = prefix_of(&addr, plen);

	return classes_add(c, &p, class, tunnel);
}

static int
find4(const struct classes *c, uint32_t addr, struct class_match *m)
{
	const struct addr a = addr_from_v4(addr);

	return classes_find(c, &a, m);
}

static void
expect(const struct classes *p, const char *addr, enum oe_class class,
    const char *net, unsigned plen)
{
	struct class_match m;

	if (find4(p, inet_addr(addr), &m) == -1)
		fail_msg("%s: no prefix", addr);
	if (m.class != class || addr_v4(&m.prefix.addr) != inet_addr(net) ||
	    m.prefix.plen != plen)
		fail_msg("%s: %s by %s/%u", addr, oe_class_name(m.class),
		    ADDR_TEXT(&m.prefix.addr), m.prefix.plen);
}

static void
longest_prefix_wins(void **state)
{
	struct classes *p = classes_new();

	(void)state;
	assert_int_equal(add4(p, 0, 0, OE_CLASS_PERMISSIVE, 0), 0);
	assert_int_equal(add4(p, inet_addr("198.51.0.0"), 16,
	    OE_CLASS_CLEAR, 0), 0);
	assert_int_equal(add4(p, inet_addr("198.51.100.0"), 24,
	    OE_CLASS_DENY, 0), 0);
	assert_int_equal(add4(p, inet_addr("198.51.100.10"), 32,
	    OE_CLASS_PARANOID, 0), 0);
	assert_int_equal(add4(p, inet_addr("198.51.100.128"), 25,
	    OE_CLASS_TUNNEL, 3), 0);
	assert_int_equal(classes_count(p), 5);
	expect(p, "192.0.2.1", OE_CLASS_PERMISSIVE, "0.0.0.0", 0);
	expect(p, "255.255.255.255", OE_CLASS_PERMISSIVE, "0.0.0.0", 0);
	expect(p, "198.51.101.0", OE_CLASS_CLEAR, "198.51.0.0", 16);
	expect(p, "198.51.100.9", OE_CLASS_DENY, "198.51.100.0", 24);
	expect(p, "198.51.100.10", OE_CLASS_PARANOID, "198.51.100.10", 32);
	expect(p, "198.51.100.11", OE_CLASS_DENY, "198.51.100.0", 24);
	expect(p, "198.51.100.127", OE_CLASS_DENY, "198.51.100.0", 24);
	expect(p, "198.51.100.128", OE_CLASS_TUNNEL, "198.51.100.128", 25);
	expect(p, "198.51.100.255", OE_CLASS_TUNNEL, "198.51.100.128", 25);
	classes_free(p);
}

static void
no_prefix_no_class(void **state)
{
	struct classes	   *p = classes_new();
	struct class_match m;

	(void)state;
	assert_int_equal(find4(p, inet_addr("192.0.2.1"), &m), -1);
	add4(p, inet_addr("192.0.2.0"), 25, OE_CLASS_CLEAR, 0);
	assert_int_equal(find4(p, inet_addr("192.0.2.128"), &m), -1);
	assert_int_equal(find4(p, inet_addr("192.0.2.127"), &m), 0);
	classes_free(p);
	classes_free(NULL);
}

/* Draft -17 §1.2: one prefix may not be in two classes. */
static void
a_prefix_in_one_class_only(void **state)
{
	struct classes	   *p = classes_new();
	struct class_match m;
	unsigned	    plen;
	uint32_t	    net;

	(void)state;
	for (plen = 0; plen <= 32; plen++) {
		net = plen == 0 ? 0 : inet_addr("10.0.0.0");
		if (plen != 0 && plen < 8)
			net = 0;
		assert_int_equal(add4(p, net, plen, OE_CLASS_DENY, 0), 0);
		assert_int_equal(add4(p, net, plen, OE_CLASS_DENY, 0), 1);
		assert_int_equal(add4(p, net, plen, OE_CLASS_CLEAR, 0), -1);
		assert_int_equal(find4(p, net, &m), 0);
		assert_int_equal(m.class, OE_CLASS_DENY);
	}
	assert_int_equal(classes_count(p), 33);
	classes_free(p);
}

/* Many prefixes, added in no order, beside a plain list of them. */
static void
agrees_with_a_list(void **state)
{
	enum { PREFIXES = 2000, LOOKUPS = 20000 };
	struct entry {
		uint32_t net;
		unsigned plen;
		enum oe_class class;
	} *list;
	struct classes	   *p = classes_new();
	struct class_match m;
	uint32_t	    x = 12345, addr, mask;
	unsigned	    i, j, n = 0;
	int		    best, rc;

	(void)state;
	list = xcalloc(PREFIXES, sizeof(*list));
	for (i = 0; i < PREFIXES; i++) {
		x = x * 1664525 + 1013904223;
		list[n].plen = 8 + (x >> 8) % 25;
		list[n].class = (x >> 16) % 4;
		x = x * 1664525 + 1013904223;
		mask = 0xffffffffu << (32 - list[n].plen);
		list[n].net = (10u << 24 | (x & 0xffff)) & mask;
		if (add4(p, htonl(list[n].net), list[n].plen,
		    list[n].class, 0) == 0)
			n++;
	}
	assert_int_equal(classes_count(p), n);
	for (i = 0; i < LOOKUPS; i++) {
		x = x * 1664525 + 1013904223;
		addr = (i % 4 ? 10u << 24 : 11u << 24) | (x >> 3 & 0xffff);
		best = -1;
		for (j = 0; j < n; j++) {
			mask = 0xffffffffu << (32 - list[j].plen);
			if ((addr & mask) == list[j].net && (best == -1 ||
			    list[j].plen > list[best].plen))
				best = (int)j;
		}
		rc = find4(p, htonl(addr), &m);
		assert_int_equal(rc, best == -1 ? -1 : 0);
		if (rc == 0) {
			assert_int_equal(m.prefix.plen, list[best].plen);
			assert_int_equal(m.class, list[best].class);
		}
	}
	free(list);
	classes_free(p);
}

/* --- section "oe" --------------------------------------------------------- */

static char dir[] = "/tmp/test_classes.XXXXXX";

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
remove_dir(void **state)
{
	static const char *const names[] = { "oed.conf", "prefixes",
	    "key.pem", "secret" };
	char			 path[128];
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static void
write_file(const char *name, const char *text)
{
	char  path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* body may hold one "%s": the folder. */
static struct oe_config *
config_of(const char *body)
{
	static const struct option table[] = {
		{ OE_CONF_SECTION, OPTION_SECTION, OPTION_LIVE,
		  .table = oe_options },
		{ 0 }
	};
	struct option_source s = { NULL, NULL };
	struct oe_config *c;
	const char	 *mark = strstr(body, "%s");
	char		  text[1024], path[128];
	cfg_t		 *cfg;

	if (mark != NULL)
		snprintf(text, sizeof(text), "oe {\n%.*s%s%s\n}\n",
		    (int)(mark - body), body, dir, mark + 2);
	else
		snprintf(text, sizeof(text), "oe {\n%s\n}\n", body);
	write_file("oed.conf", text);
	snprintf(path, sizeof(path), "%s/oed.conf", dir);
	cfg = option_parse(path, table, false);
	if (cfg == NULL)
		return NULL;
	s.cfg = cfg_getsec(cfg, OE_CONF_SECTION);
	c = oe_config_read(&s);
	cfg_free(cfg);
	return c;
}

/* Draft -17 §3.2: OE-permissive to everybody is the preconfigured default. */
static void
the_default_is_permissive(void **state)
{
	struct oe_config *c;

	(void)state;
	c = oe_config_read(NULL);
	assert_non_null(c);
	expect(c->classes, "192.0.2.1", OE_CLASS_PERMISSIVE, "0.0.0.0", 0);
	assert_int_equal(c->lifespan_first, 60);
	assert_int_equal(c->lifespan, 1200);
	assert_int_equal(c->idle, 30);
	assert_true(c->initiate);
	oe_config_free(c);
	oe_config_free(NULL);
	/* One class named: nothing is added to it. */
	c = config_of("clear = {\"192.0.2.0/24\"}");
	assert_non_null(c);
	assert_int_equal(classes_count(c->classes), 1);
	oe_config_free(c);
}

static void
classes_and_included_files(void **state)
{
	struct class_match m;
	struct oe_config  *c;
	struct addr	   six;

	(void)state;
	write_file("prefixes", "# as FreeS/WAN's policy groups\n"
	    "198.51.100.0/24\n\n  203.0.113.7   # one host\n"
	    "\t192.0.2.0/28\r\n2001:db8::/32\n");
	c = config_of("paranoid = {\"%s/prefixes\", \"10.0.0.0/8\"}\n"
	    "permissive = {\"0.0.0.0/0\"}\n"
	    "deny = {\"198.51.100.66\"}\nid = \"@X1.Lab.\"");
	assert_non_null(c);
	assert_int_equal(classes_count(c->classes), 7);
	assert_int_equal(addr_parse(&six, "2001:db8::7"), 0);
	assert_int_equal(classes_find(c->classes, &six, &m), 0);
	assert_int_equal(m.class, OE_CLASS_PARANOID);
	expect(c->classes, "198.51.100.65", OE_CLASS_PARANOID,
	    "198.51.100.0", 24);
	expect(c->classes, "198.51.100.66", OE_CLASS_DENY, "198.51.100.66", 32);
	expect(c->classes, "203.0.113.7", OE_CLASS_PARANOID, "203.0.113.7", 32);
	expect(c->classes, "203.0.113.8", OE_CLASS_PERMISSIVE, "0.0.0.0", 0);
	expect(c->classes, "192.0.2.15", OE_CLASS_PARANOID, "192.0.2.0", 28);
	assert_int_equal(c->id.type, KEYING_ID_FQDN);
	assert_string_equal(c->id.name, "x1.lab");
	oe_config_free(c);
	c = config_of("id = \"198.51.100.10\"");
	assert_non_null(c);
	assert_int_equal(c->id.type, KEYING_ID_ADDR);
	assert_int_equal(addr_v4(&c->id.addr), inet_addr("198.51.100.10"));
	oe_config_free(c);
	c = config_of("id = \"Joe@X1.Lab\"");
	assert_non_null(c);
	assert_int_equal(c->id.type, KEYING_ID_USER_FQDN);
	assert_string_equal(c->id.name, "joe@x1.lab");
	oe_config_free(c);
}

static void
configuration_errors(void **state)
{
	static const char *const bad[] = {
		"clear = {\"0.0.0.0/0\"}\ndeny = {\"0.0.0.0/0\"}",
		"paranoid = {\"192.0.2.1\"}\npermissive = {\"192.0.2.1/32\"}",
		"clear = {\"192.0.2.1/24\"}",		/* host bits */
		"clear = {\"192.0.2.0/33\"}",
		"clear = {\"host.example\"}",
		"clear = {\"%s/absent\"}",
		"deny = {\"%s/prefixes\"}",		/* a bad line in it */
		"id = \"x1\"", "id = \"@\"", "id = \"\"",
		"id = \"@#\"", "id = \"@#616\"", "id = \"@#616g\"",
		"esp = {\"des\"}",
		"key = \"%s/absent.pem\"",
		"key = \"%s/key.pem\"",			/* no key in it */
		"resolvers = {\"dns.example\"}",
		"clear = {\"2001:db8::1/32\"}",
		"clear = {\"2001:db8::/129\"}",
		"clear = {\"::/0\"}\ndeny = {\"::/0\"}",
		/* Of IPv6 nothing would be enforced. */
		"id = \"2001:db8::1\"",
		("tunnel t { peer = \"2001:db8::1\" secret = \"%s/secret\" "
		    "remote = \"192.0.2.0/24\" }"),
		("tunnel t { peer = \"192.0.2.1\" secret = \"%s/secret\" "
		    "remote = \"2001:db8::/32\" }"),
		("resolvers = {\"192.0.2.1\", \"192.0.2.2\", \"192.0.2.3\", "
		    "\"192.0.2.4\", \"192.0.2.5\"}"),
		"lifespan = 0", "lifespan = -5", "lifespan = 90000",
		"rsa-min-bits = 512", "dns-tries = 0", "connections-max = 1",
		"no-such-option = 1",
	};
	struct oe_config *c;
	char		  path[128];
	size_t		  i;

	(void)state;
	write_file("prefixes", "192.0.2.0/24\nnot a prefix\n");
	write_file("key.pem", "this is not PEM\n");
	write_file("secret", "a secret of two\n");
	snprintf(path, sizeof(path), "%s/secret", dir);
	assert_int_equal(chmod(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/key.pem", dir);
	assert_int_equal(chmod(path, 0600), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c = config_of(bad[i]);
		if (c != NULL)
			fail_msg("taken: %s", bad[i]);
	}
	c = config_of("tunnel t { peer = \"192.0.2.1\" "
	    "secret = \"%s/secret\" remote = \"192.0.2.0/28\" }");
	assert_non_null(c);
	assert_string_equal(PREFIX_TEXT(&c->tunnels[0].remote),
	    "192.0.2.0/28");
	assert_false(addr_is_set(&c->tunnels[0].local.addr));
	oe_config_free(c);
}

static void
identities_of_tunnels(void **state)
{
	struct oe_config *c;
	char		  path[128];

	(void)state;
	write_file("secret", "correct horse\n");
	snprintf(path, sizeof(path), "%s/secret", dir);
	assert_int_equal(chmod(path, 0600), 0);
	c = config_of("tunnel t { peer = \"192.0.2.1\" peer-id = \"@#00fFa1\" "
	    "id = \"@x1.lab\" secret = \"%s/secret\" }");
	assert_non_null(c);
	assert_int_equal(c->tunnels[0].peer_id.type, KEYING_ID_KEY);
	assert_string_equal(c->tunnels[0].peer_id.name, "00ffa1");
	assert_string_equal(keying_id_text(&c->tunnels[0].peer_id), "@#00ffa1");
	oe_config_free(c);
}

static void
ciphers_of_esp(void **state)
{
	struct oe_config *c;

	(void)state;
	c = config_of("esp = {\"chacha20-poly1305\", \"aes-256-cbc\"}");
	assert_non_null(c);
	assert_int_equal(c->esp, IKE2_ESP_CHACHA20 | IKE2_ESP_AES_CBC_256);
	oe_config_free(c);
	c = config_of("");
	assert_non_null(c);
	assert_int_equal(c->esp, 0);
	oe_config_free(c);
}

/* RFC 7296 §2.15: text as it is, without a final 0, or
 * octets in hexadecimal. */
static void
secrets_are_text_or_hexadecimal(void **state)
{
	static const struct { const char *file, *octets; size_t len; } t[] = {
		{ "correct horse\n", "correct horse", 13 },
		{ "0x0011aaFf00000042", "\0\x11\xaa\xff\0\0\0\x42", 8 },
		{ "0X0011aaff00000042", "0X0011aaff00000042", 18 },
		{ "0x0011aaff000000", NULL, 0 },	/* too short */
		{ "0x0011aaff000000421", NULL, 0 },	/* half an octet */
		{ "0x0011aaff0000004g", NULL, 0 },
		{ "0x............", NULL, 0 },
	};
	struct oe_config *c;
	char		  path[128];
	size_t		  i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		write_file("secret", t[i].file);
		snprintf(path, sizeof(path), "%s/secret", dir);
		assert_int_equal(chmod(path, 0600), 0);
		c = config_of("tunnel t { peer = \"192.0.2.1\" "
		    "secret = \"%s/secret\" }");
		if ((c != NULL) != (t[i].octets != NULL))
			fail_msg("%s", t[i].file);
		if (c == NULL)
			continue;
		assert_int_equal(c->tunnels[0].psk_len, t[i].len);
		assert_memory_equal(c->tunnels[0].psk, t[i].octets, t[i].len);
		oe_config_free(c);
	}
}

static void
families_do_not_mix(void **state)
{
	static const struct {
		const char *prefix;
		enum oe_class class;
	} in[] = {
		{ "::/0", OE_CLASS_PERMISSIVE },
		{ "0.0.0.0/0", OE_CLASS_CLEAR },
		{ "2001:db8::/32", OE_CLASS_PARANOID },
		{ "2001:db8::7/128", OE_CLASS_DENY },
	};
	static const struct { const char *addr; enum oe_class class; } out[] = {
		{ "2001:db9::1", OE_CLASS_PERMISSIVE },
		{ "2001:db8:ffff::1", OE_CLASS_PARANOID },
		{ "2001:db8::7", OE_CLASS_DENY },
		{ "32.1.13.184", OE_CLASS_CLEAR }, /* the same first bytes */
	};
	struct classes	  *c = classes_new();
	struct class_match m;
	struct prefix	   p;
	struct addr	   a;
	size_t		   i;

	(void)state;
	for (i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		assert_int_equal(prefix_parse(&p, in[i].prefix), 0);
		assert_int_equal(classes_add(c, &p, in[i].class, 0), 0);
	}
	for (i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
		assert_int_equal(addr_parse(&a, out[i].addr), 0);
		assert_int_equal(classes_find(c, &a, &m), 0);
		assert_int_equal(m.class, out[i].class);
	}
	assert_int_equal(classes_count(c), 4);
	classes_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identities_of_tunnels),
		cmocka_unit_test(ciphers_of_esp),
		cmocka_unit_test(secrets_are_text_or_hexadecimal),
		cmocka_unit_test(families_do_not_mix),
		cmocka_unit_test(longest_prefix_wins),
		cmocka_unit_test(no_prefix_no_class),
		cmocka_unit_test(a_prefix_in_one_class_only),
		cmocka_unit_test(agrees_with_a_list),
		cmocka_unit_test(the_default_is_permissive),
		cmocka_unit_test(classes_and_included_files),
		cmocka_unit_test(configuration_errors),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
