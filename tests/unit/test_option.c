/* test_option.c - a table of options: defaults, bounds, wrong types, two files compared, what only a restart changes */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/option.h"
#include "base/util.h"
#include "net/addr_option.h"

#define LIST_MAX	3
#define BIT		4u

struct values {
	bool		     flag;
	uint8_t		     byte;
	uint16_t	     half;
	uint32_t	     wide;
	uint64_t	     ms;
	bool		     udp;
	uint32_t	     kind;
	char		    *text, *file, *state;
	char		     name[8];
	char		     interface[IFNAMSIZ];
	struct addr	     address, either;
	struct option_secret secret;
	uint16_t	     ports[LIST_MAX];
	unsigned	     nports, nsections, ntable;
};

static char dir[] = "/tmp/test_option.XXXXXX";
static char conf[64], secret[64];

static int
take_port(void *to, cfg_t *cfg, const struct option *o, const char *text)
{
	struct values *v = to;
	uint16_t       hi;

	if (conf_port_range(text, &v->ports[v->nports], &hi) == -1) {
		conf_error(cfg, "%s: \"%s\" is no port", o->name, text);
		return -1;
	}
	v->nports++;
	return 0;
}

static int
take_nothing(void *to, cfg_t *cfg, const struct option *o, const char *text)
{
	(void)to;
	(void)cfg;
	(void)o;
	(void)text;
	return 0;
}

static int
open_section(void *to, const struct option_source *s, const struct option *o)
{
	struct values *v = to, in = { 0 };

	v->nsections++;
	return option_read(o->table, s, &in);
}

static int
open_table(void *to, const struct option_source *s, const struct option *o)
{
	struct values *v = to;

	v->ntable++;
	return option_read(o->table, s, v);
}

#define AT(member)	OPTION_AT(struct values, member)

static const struct option_word kinds[] = { { "one", 1 }, { "two", 2 }, { 0 } };
static const struct option_word ways[] = { { "tcp", 0 }, { "udp", 1 }, { 0 } };

static const struct option inner[] = {
	{ "half", OPTION_NUMBER, OPTION_FIXED, "7", AT(half), .lo = 1,
	  .hi = 65535, .help = "h." },
	{ 0 }
};
static const struct option also[] = {
	{ "byte", OPTION_NUMBER, OPTION_LIVE, "3", AT(byte), .lo = 2, .hi = 255,
	  .help = "b." },
	{ 0 }
};
static const struct option table[] = {
	{ "flag", OPTION_BOOL, OPTION_LIVE, "true", AT(flag), .bit = BIT,
	  .help = "f." },
	{ "wide", OPTION_NUMBER, OPTION_FIXED, "7", AT(wide), .lo = 0,
	  .hi = UINT32_MAX, .help = "w." },
	{ "seconds", OPTION_NUMBER, OPTION_LIVE, "120", AT(ms), .lo = 0,
	  .hi = 86400, .scale = 1000, .help = "s." },
	{ "way", OPTION_WORD, OPTION_LIVE, "tcp", AT(udp), .words = ways,
	  .help = "w." },
	{ "kind", OPTION_WORD, OPTION_FIXED, "two", AT(kind), .words = kinds,
	  .help = "k." },
	{ "text", OPTION_TEXT, OPTION_LIVE, "as it is", AT(text),
	  .help = "t." },
	{ "name", OPTION_NAME, OPTION_LIVE, .lo = 1, .hi = 7, AT(name),
	  .example = "x", .help = "n." },
	{ "interface", OPTION_INTERFACE, OPTION_FIXED, "oe0", AT(interface),
	  .help = "i." },
	{ "address", OPTION_ADDRESS, OPTION_LIVE, AT(address), .ipv4 = true,
	  .take = addr_option_take, .example = "192.0.2.1", .help = "a." },
	{ "either", OPTION_ADDRESS, OPTION_LIVE, AT(either),
	  .take = addr_option_take, .example = "2001:db8::1", .help = "e." },
	{ "file", OPTION_FILE, OPTION_LIVE, "/etc/default.pem", AT(file),
	  .help = "f." },
	{ "state", OPTION_STATE, OPTION_FIXED, "/var/state", AT(state),
	  .help = "s." },
	{ "secret", OPTION_SECRET, OPTION_LIVE, .lo = 4, .hi = 8, AT(secret),
	  .example = "/etc/secret", .help = "s." },
	{ "ports", OPTION_LIST, OPTION_LIVE, "22,80", .hi = LIST_MAX,
	  .take = take_port, .help = "p." },
	{ "nets", OPTION_PREFIXES, OPTION_LIVE, .hi = 9, .take = take_nothing,
	  .example = "192.0.2.0/24", .help = "n." },
	{ "once", OPTION_SECTION, OPTION_LIVE, .table = inner, .help = "o." },
	{ "many", OPTION_SECTIONS, OPTION_LIVE, .hi = 2, .table = inner,
	  .open = open_section, .example = "x", .help = "m." },
	{ "also", OPTION_TABLE, OPTION_LIVE, .table = also,
	  .open = open_table },
	{ 0 }
};

static void
write_to(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static cfg_t *
parse(const char *text)
{
	write_to(conf, text, 0644);
	return option_parse(conf, table, false);
}

/* 0, and the values to be cleared; or -1. */
static int
read_text(const char *text, struct values *v)
{
	struct option_source s = { parse(text), NULL };
	int		     rc = -1;

	memset(v, 0, sizeof(*v));
	if (s.cfg != NULL) {
		rc = option_read(table, &s, v);
		cfg_free(s.cfg);
	}
	if (rc == -1)
		option_clear(table, v);
	return rc;
}

static void
defaults(void **state)
{
	struct values v;

	(void)state;
	assert_int_equal(read_text("", &v), 0);
	assert_true(v.flag);
	assert_int_equal(v.byte, 3);
	assert_int_equal(v.half, 7);
	assert_int_equal(v.wide, 7);
	assert_int_equal(v.ms, 120000);
	assert_false(v.udp);
	assert_int_equal(v.kind, 2);
	assert_string_equal(v.text, "as it is");
	assert_string_equal(v.name, "");
	assert_string_equal(v.interface, "oe0");
	assert_false(addr_is_set(&v.address));
	assert_string_equal(v.file, "/etc/default.pem");
	assert_int_equal(v.secret.len, 0);
	assert_int_equal(v.nports, 2);
	assert_int_equal(v.ports[1], 80);
	assert_int_equal(v.nsections, 0);
	assert_int_equal(v.ntable, 1);
	option_clear(table, &v);
	assert_null(v.text);
}

static void
values(void **state)
{
	struct values v;
	char	      text[512];

	(void)state;
	write_to(secret, "eight b.\n \n", 0600);
	snprintf(text, sizeof(text), "flag = false wide = 4294967295 "
	    "seconds = 86400 way = \"udp\" kind = \"one\" text = \"\" "
	    "name = \"1234567\" interface = \"eth0\" address = \"192.0.2.9\" "
	    "either = \"2001:DB8::9\" "
	    "state = \"\" secret = \"%s\" ports = {1, 2, 65535} byte = 255 "
	    "once { half = 65535 } many \"a\" { } many \"b\" { half = 1 }",
	    secret);
	assert_int_equal(read_text(text, &v), 0);
	assert_false(v.flag);
	assert_int_equal(v.wide, UINT32_MAX);
	assert_int_equal(v.ms, 86400000);
	assert_true(v.udp);
	assert_int_equal(v.kind, 1);
	assert_string_equal(v.text, "");
	assert_string_equal(v.name, "1234567");
	assert_string_equal(v.interface, "eth0");
	assert_string_equal(ADDR_TEXT(&v.address), "192.0.2.9");
	assert_string_equal(ADDR_TEXT(&v.either), "2001:db8::9");
	assert_string_equal(v.state, "");
	assert_int_equal(v.secret.len, 8);
	assert_memory_equal(v.secret.bytes, "eight b.", 8);
	assert_int_equal(v.nports, 3);
	assert_int_equal(v.byte, 255);
	assert_int_equal(v.half, 65535);
	assert_int_equal(v.nsections, 2);
	option_clear(table, &v);
	assert_int_equal(v.secret.bytes[0], 0);
}

static void
errors(void **state)
{
	static const char *const bad[] = {
		"flag = perhaps", "flag = 2",
		"wide = 4294967296", "wide = 18446744073709551617",
		"wide = -1", "wide = 1x", "wide = \"\"",
		"seconds = 86401", "seconds = -1", "seconds = soon",
		"seconds = 99999999999999999999",
		"byte = 1", "byte = 256", "once { half = 0 }",
		"way = \"sctp\"", "way = \"\"", "kind = 1",
		"name = \"\"", "name = \"12345678\"",
		"interface = \"\"", "interface = \"a/b\"",
		"interface = \"sixteen-letters-\"",
		"address = \"192.0.2\"", "address = \"0.0.0.0\"",
		"address = \"2001:db8::9\"", "either = \"::\"",
		"either = \"2001:db8::9::\"", "either = \"\"",
		"secret = \"/nowhere\"",
		"ports = {1, 2, 3, 4}", "ports = {http}",
		"many \"a\" {} many \"b\" {} many \"c\" {}",
		"many \"a\" {} many \"a\" {}", "many \"a\" { half = 0 }",
		"other = 1", "flag = ", "once { other = 1 }",
	};
	struct values v;
	char	      text[128];
	size_t	      i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (read_text(bad[i], &v) != -1)
			fail_msg("%s", bad[i]);
	}
	snprintf(text, sizeof(text), "secret = \"%s\"", secret);
	write_to(secret, "few\n", 0600);
	assert_int_equal(read_text(text, &v), -1);
	write_to(secret, "too many.", 0600);
	assert_int_equal(read_text(text, &v), -1);
	write_to(secret, "enough", 0640);
	assert_int_equal(read_text(text, &v), -1);
	write_to(secret, "enough", 0600);
	assert_int_equal(read_text(text, &v), 0);
	option_clear(table, &v);
}

static void
only_what_stands_there(void **state)
{
	struct option_source s = { parse("flag = false"), NULL };
	struct values	     v = { .wide = 9 };
	uint32_t	     set = 0;

	(void)state;
	assert_int_equal(option_read_set(also, &s, &v, &set), 0);
	assert_int_equal(set, 0);
	assert_int_equal(v.byte, 0);
	assert_int_equal(option_read_set(table, &s, &v, &set), 0);
	assert_int_equal(set, BIT);
	assert_int_equal(v.wide, 9);
	option_clear(table, &v);
	cfg_free(s.cfg);
}

struct names {
	char text[256];
};

static void
note(void *arg, const char *name, const struct option *o)
{
	struct names *n = arg;
	size_t	      len = strlen(n->text);

	snprintf(n->text + len, sizeof(n->text) - len, "%s%s ", name,
	    o->when == OPTION_FIXED ? "!" : "");
}

static void
expect_differ(const char *a, const char *b, const char *want)
{
	struct names n = { "" };
	cfg_t	    *x = parse(a), *y = parse(b);

	assert_non_null(x);
	assert_non_null(y);
	option_differ(table, x, y, note, &n);
	assert_string_equal(n.text, want);
	n.text[0] = '\0';
	option_differ(table, y, x, note, &n);
	assert_string_equal(n.text, want);
	cfg_free(x);
	cfg_free(y);
}

static void
two_files(void **state)
{
	(void)state;
	expect_differ("", "", "");
	/* A default that is written is none the less the default. */
	expect_differ("", "flag = yes wide = 7 seconds = 0x78 way = \"tcp\" "
	    "kind = \"two\" interface = \"oe0\" ports = {22, 80} "
	    "once { half = 7 } state = \"/var/state\"", "");
	expect_differ("", "flag = false", "flag ");
	expect_differ("wide = 1", "wide = 2", "wide! ");
	expect_differ("", "ports = {22}", "ports ");
	expect_differ("", "ports = {22, 80, 443}", "ports ");
	expect_differ("ports = {1, 2}", "ports = {1, 3}", "ports ");
	expect_differ("", "nets = {\"192.0.2.0/24\"}", "nets ");
	expect_differ("", "address = \"192.0.2.1\" kind = \"one\"",
	    "kind! address ");
	expect_differ("", "once { half = 8 } byte = 4", "once.half! byte ");
	expect_differ("many \"a\" {}", "many \"b\" {}", "many ");
	expect_differ("many \"a\" {}", "many \"a\" { half = 8 }", "many ");
	expect_differ("many \"a\" {}", "many \"a\" { half = 7 }", "");
	expect_differ("", "many \"a\" {}", "many ");
}

static void
what_is_fixed_stays(void **state)
{
	struct option_source s;
	struct values	     v = { 0 };

	(void)state;
	s.fixed = parse("wide = 1 interface = \"old\" once { half = 1 } "
	    "flag = true");
	s.cfg = parse("wide = 2 kind = \"one\" once { half = 2 } flag = false "
	    "text = \"new\"");
	assert_int_equal(option_read(table, &s, &v), 0);
	assert_int_equal(v.wide, 1);
	assert_int_equal(v.kind, 2);
	assert_string_equal(v.interface, "old");
	assert_int_equal(v.half, 1);
	assert_false(v.flag);
	assert_string_equal(v.text, "new");
	option_clear(table, &v);
	cfg_free(s.cfg);
	cfg_free(s.fixed);
}

static void
note_file(void *arg, const char *path, bool state)
{
	struct names *n = arg;
	size_t	      len = strlen(n->text);

	snprintf(n->text + len, sizeof(n->text) - len, "%s%s ", path,
	    state ? "!" : "");
}

static void
files(void **state)
{
	struct names n = { "" };
	cfg_t	    *cfg = parse("");

	(void)state;
	option_files(table, cfg, note_file, &n);
	assert_string_equal(n.text, "/etc/default.pem /var/state! ");
	cfg_free(cfg);
	cfg = parse("state = \"\" file = \"/a\" secret = \"/b\" "
	    "nets = {\"192.0.2.0/24\", \"/c\", \"/d\"}");
	n.text[0] = '\0';
	option_files(table, cfg, note_file, &n);
	assert_string_equal(n.text, "/a /b /c /d ");
	cfg_free(cfg);
}

/* What is printed is a file that says what holds anyway. */
static void
printed(void **state)
{
	FILE *f = fopen(conf, "w");
	cfg_t *a, *b = option_parse_nothing(table);
	struct names n = { "" };

	(void)state;
	assert_non_null(f);
	option_print(f, table);
	fclose(f);
	a = option_parse(conf, table, false);
	assert_non_null(a);
	option_differ(table, a, b, note, &n);
	assert_string_equal(n.text, "");
	cfg_free(a);
	cfg_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(values),
		cmocka_unit_test(errors),
		cmocka_unit_test(only_what_stands_there),
		cmocka_unit_test(two_files),
		cmocka_unit_test(what_is_fixed_stays),
		cmocka_unit_test(files),
		cmocka_unit_test(printed),
	};
	int failed;

	log_init("test", true, LOG_LEVEL_ERROR);
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(conf, sizeof(conf), "%s/conf", dir);
	snprintf(secret, sizeof(secret), "%s/secret", dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(conf);
	unlink(secret);
	rmdir(dir);
	return failed;
}
