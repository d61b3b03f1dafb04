/* test_rsip_table.c - which parameters a message requires and allows, and the forms of each */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "tests/unit/rsip_examples.h"

/* RFC 3103 §9 and RFC 3104 §6.2, as their BNF has it after <Overall Length>. */
static const struct format {
	unsigned    type;
	const char *bnf;
} formats[] = {
	{ RSIP_ERROR_RESPONSE,
	    "<Error> [Message Counter] [Client ID] [Bind ID]" },
	{ RSIP_REGISTER_REQUEST, "[Message Counter]" },
	{ RSIP_REGISTER_RESPONSE, "<Client ID> <Lease Time> <Flow Policy>"
	    " [Message Counter] [RSIP Method]... [Tunnel Type]..." },
	{ RSIP_DEREGISTER_REQUEST, "<Client ID> [Message Counter]" },
	{ RSIP_DEREGISTER_RESPONSE, "<Client ID> [Message Counter]" },
	{ RSIP_ASSIGN_REQUEST_RSA_IP, "<Client ID> <Address (local)>"
	    " <Address (remote)> <Ports (remote)>"
	    " [Message Counter] [Lease Time] [Tunnel Type]" },
	{ RSIP_ASSIGN_RESPONSE_RSA_IP, "<Client ID> <Bind ID>"
	    " <Address (local)> <Address (remote)> <Ports (remote)>"
	    " <Lease Time> <Tunnel Type>"
	    " [Address (tunnel endpoint)] [Message Counter]" },
	{ RSIP_ASSIGN_REQUEST_RSAP_IP, "<Client ID> <Address (local)>"
	    " <Ports (local)> <Address (remote)> <Ports (remote)>"
	    " [Message Counter] [Lease Time] [Tunnel Type]" },
	{ RSIP_ASSIGN_RESPONSE_RSAP_IP, "<Client ID> <Bind ID>"
	    " <Address (local)> <Ports (local)>"
	    " <Address (remote)> <Ports (remote)> <Lease Time> <Tunnel Type>"
	    " [Address (tunnel endpoint)] [Message Counter]" },
	{ RSIP_EXTEND_REQUEST,
	    "<Client ID> <Bind ID> [Lease Time] [Message Counter]" },
	{ RSIP_EXTEND_RESPONSE,
	    "<Client ID> <Bind ID> <Lease Time> [Message Counter]" },
	{ RSIP_FREE_REQUEST, "<Client ID> <Bind ID> [Message Counter]" },
	{ RSIP_FREE_RESPONSE, "<Client ID> <Bind ID> [Message Counter]" },
	{ RSIP_QUERY_REQUEST, "<Client ID> [Message Counter]"
	    " [Address Tuple]... [Network Tuple]..." },
	{ RSIP_QUERY_RESPONSE, "<Client ID> [Message Counter]"
	    " [Local Address Tuple]... [Local Network Tuple]..."
	    " [Remote Address Tuple]... [Remote Network Tuple]..." },
	{ RSIP_LISTEN_REQUEST, "<Client ID> <Address (local)>"
	    " <Ports (local)> <Address (remote)> <Ports (remote)>"
	    " [Message Counter] [Lease Time] [Tunnel Type]..." },
	{ RSIP_LISTEN_RESPONSE, "<Client ID> <Bind ID>"
	    " <Address (local)> <Ports (local)>"
	    " <Address (remote)> <Ports (remote)> <Tunnel Type> <Lease Time>"
	    " [Address (tunnel endpoint)] [Message Counter]" },
	{ RSIP_ASSIGN_REQUEST_RSIPSEC, "<Client ID> <Address (local)>"
	    " <Ports (local)> <Address (remote)> <Ports (remote)> <SPI>"
	    " [Message Counter] [Lease Time] [Tunnel Type]" },
	{ RSIP_ASSIGN_RESPONSE_RSIPSEC, "<Client ID> <Bind ID>"
	    " <Address (local)> <Ports (local)>"
	    " <Address (remote)> <Ports (remote)> <SPI> <Lease Time>"
	    " <Tunnel Type>"
	    " [Address (tunnel endpoint)] [Message Counter]" },
};
#define NFORMATS (sizeof(formats) / sizeof(formats[0]))

/* A valid one of each; bit is what the reader must set. */
static const struct sample {
	const char *name;
	uint32_t    bit;
	const char *hex;
} samples[] = {
	{ "Error", RSIP_HAS_ERROR, "08 0002 0065" },
	{ "Message Counter", RSIP_HAS_COUNTER, "0b 0004 00000001" },
	{ "Client ID", RSIP_HAS_CLIENT_ID, "04 0004 00000007" },
	{ "Bind ID", RSIP_HAS_BIND_ID, "05 0004 00000002" },
	{ "Lease Time", RSIP_HAS_LEASE, "03 0004 00000258" },
	{ "Flow Policy", RSIP_HAS_POLICY, "09 0002 01 03" },
	{ "RSIP Method", RSIP_HAS_METHOD, "07 0001 02" },
	{ "Tunnel Type", RSIP_HAS_TUNNEL, "06 0001 01" },
	{ "SPI", RSIP_HAS_SPIS, "16 0002 0004" },
	{ "Address (local)", RSIP_HAS_LOCAL, "01 0005 01 c6336401" },
	{ "Address (remote)", RSIP_HAS_REMOTE, "01 0005 01 c633640a" },
	{ "Address (tunnel endpoint)", RSIP_HAS_ENDPOINT,
	    "01 0005 01 0a000002" },
	{ "Ports (local)", RSIP_HAS_LOCAL_PORTS, "02 0003 10 4e20" },
	{ "Ports (remote)", RSIP_HAS_REMOTE_PORTS, "02 0003 01 0050" },
	{ "Address Tuple", RSIP_HAS_TUPLES,
	    "0a 0002 0001  01 0005 01 0a000009" },
	{ "Network Tuple", RSIP_HAS_TUPLES,
	    "0a 0002 0002  01 0005 01 0a000000  01 0005 02 ffffff00" },
	{ "Local Address Tuple", RSIP_HAS_TUPLES,
	    "0a 0002 0001  01 0005 01 0a000009" },
	{ "Local Network Tuple", RSIP_HAS_TUPLES,
	    "0a 0002 0002  01 0005 01 0a000000  01 0005 02 ffffff00" },
	{ "Remote Address Tuple", RSIP_HAS_TUPLES,
	    "0a 0002 0003  01 0005 01 c0000201" },
	{ "Remote Network Tuple", RSIP_HAS_TUPLES,
	    "0a 0002 0004  01 0005 01 c0000200  01 0005 02 ffffff00" },
};
#define NSAMPLES (sizeof(samples) / sizeof(samples[0]))

#define SLOTS_MAX 12

/* A format taken apart: indices into samples. */
struct slots {
	size_t nrequired;
	size_t required[SLOTS_MAX];
	size_t noptional;
	size_t optional[SLOTS_MAX];
	bool   repeat[SLOTS_MAX];	/* of optional */
};

static void
format_read(const struct format *f, struct slots *s)
{
	const char *p, *end;
	size_t	    i, len;

	memset(s, 0, sizeof(*s));
	for (p = f->bnf; *p != '\0'; p = end) {
		p += strspn(p, " ");
		end = strpbrk(p, ">]");
		assert_non_null(end);
		len = (size_t)(end - p - 1);
		for (i = 0; i < NSAMPLES; i++) {
			if (strlen(samples[i].name) == len &&
			    memcmp(samples[i].name, p + 1, len) == 0)
				break;
		}
		assert_true(i < NSAMPLES);
		end++;
		if (*p == '<') {
			s->required[s->nrequired++] = i;
			continue;
		}
		s->repeat[s->noptional] = strncmp(end, "...", 3) == 0;
		s->optional[s->noptional++] = i;
		end += strspn(end, ".");
	}
}

/* A message under construction. */
struct builder {
	uint8_t buf[4096];
	size_t	len;
};

static void
builder_start(struct builder *b, unsigned type)
{
	b->buf[0] = RSIP_VERSION;
	b->buf[1] = (uint8_t)type;
	b->len = RSIP_HEADER_LEN;
}

static void
builder_hex(struct builder *b, const char *hex)
{
	b->len += hex_bytes(hex, b->buf + b->len, sizeof(b->buf) - b->len);
}

static void
builder_required(struct builder *b, const struct format *f,
    const struct slots *s)
{
	size_t i;

	builder_start(b, f->type);
	for (i = 0; i < s->nrequired; i++)
		builder_hex(b, samples[s->required[i]].hex);
}

static enum rsip_error
builder_decode(struct builder *b, struct rsip_message *m)
{
	store_u16(b->buf + 2, (uint16_t)b->len);
	return decode_exact(m, b->buf, b->len);
}

static void
expect(struct builder *b, enum rsip_error want, const char *what,
    const char *param)
{
	struct rsip_message m;
	enum rsip_error	    rc = builder_decode(b, &m);

	if (rc != want)
		fail_msg("%s: %s %s: %d, not %d", rsip_type_name(b->buf[1]),
		    what, param, rc, want);
	rsip_message_clear(&m);
}

static void
all_types_are_here(void **state)
{
	unsigned type;
	size_t	 i = 0;

	(void)state;
	for (type = 0; type < 256; type++) {
		if (strcmp(rsip_type_name(type), "unknown") == 0)
			continue;
		assert_true(i < NFORMATS);
		assert_int_equal(formats[i].type, type);
		assert_int_equal(rsip_type_is_response(type),
		    strstr(rsip_type_name(type), "RESPONSE") != NULL);
		i++;
	}
	assert_int_equal(i, NFORMATS);
	assert_false(rsip_type_is_response(0));
	assert_false(rsip_type_is_response(255));
}

/* RFC 3103 §3, §9, §9.10.1, §15; RFC 3104 §6.2. */
static void
required_parameters(void **state)
{
	const struct format *f;
	struct slots	     s;
	struct builder	     b;
	struct rsip_message  m;
	uint32_t	     bits;
	size_t		     i, skip;

	(void)state;
	for (f = formats; f < formats + NFORMATS; f++) {
		format_read(f, &s);
		builder_required(&b, f, &s);
		assert_int_equal(builder_decode(&b, &m), RSIP_OK);
		for (bits = 0, i = 0; i < s.nrequired; i++)
			bits |= samples[s.required[i]].bit;
		assert_int_equal(m.has, bits);
		rsip_message_clear(&m);

		for (skip = 0; skip < s.nrequired; skip++) {
			builder_start(&b, f->type);
			for (i = 0; i < s.nrequired; i++) {
				if (i != skip)
					builder_hex(&b,
					    samples[s.required[i]].hex);
			}
			expect(&b, RSIP_MISSING_PARAM, "without",
			    samples[s.required[skip]].name);
		}
	}
}

/* §9: "in the exact order specified below". */
static void
required_parameters_keep_their_order(void **state)
{
	const struct format *f;
	struct slots	     s;
	struct builder	     b;
	size_t		     i, at, to;

	(void)state;
	for (f = formats; f < formats + NFORMATS; f++) {
		format_read(f, &s);
		for (at = 0; at + 1 < s.nrequired; at++) {
			builder_start(&b, f->type);
			for (i = 0; i < s.nrequired; i++) {
				to = i == at ? at + 1 : i == at + 1 ? at : i;
				builder_hex(&b, samples[s.required[to]].hex);
			}
			/* Two addresses side by side change places unseen. */
			expect(&b, samples[s.required[at]].hex[1] ==
			    samples[s.required[at + 1]].hex[1] ? RSIP_OK :
			    RSIP_MISSING_PARAM, "swapped with the next,",
			    samples[s.required[at]].name);
		}
	}
}

/* Is param, a type in two hex digits, in a list of samples? */
static size_t
count_param(const size_t *list, size_t n, const char *param)
{
	size_t i, count = 0;

	for (i = 0; i < n; i++)
		count += memcmp(samples[list[i]].hex, param, 2) == 0;
	return count;
}

/* RFC 3103 §9. */
static void
required_parameters_once(void **state)
{
	const struct format *f;
	struct slots	     s;
	struct builder	     b;
	size_t		     i;
	bool		     again;

	(void)state;
	for (f = formats; f < formats + NFORMATS; f++) {
		format_read(f, &s);
		for (i = 0; i < s.nrequired; i++) {
			builder_required(&b, f, &s);
			builder_hex(&b, samples[s.required[i]].hex);
			/* A further address is a tunnel endpoint where one may
			 * be; a fourth is too many. */
			again = count_param(s.optional, s.noptional,
			    samples[s.required[i]].hex) != 0;
			if (again) {
				expect(&b, RSIP_OK, "second",
				    samples[s.required[i]].name);
				builder_hex(&b, samples[s.required[i]].hex);
			}
			expect(&b, RSIP_DUPLICATE_PARAM, "second",
			    samples[s.required[i]].name);
		}
	}
}

static void
optional_parameters_in_any_order(void **state)
{
	const struct format *f;
	struct slots	     s;
	struct builder	     b;
	struct rsip_message  m;
	uint32_t	     bits;
	size_t		     i, turn, pick;

	(void)state;
	for (f = formats; f < formats + NFORMATS; f++) {
		format_read(f, &s);
		/* Every rotation, forwards and backwards. */
		for (turn = 0; turn < 2 * s.noptional; turn++) {
			builder_required(&b, f, &s);
			for (bits = 0, i = 0; i < s.nrequired; i++)
				bits |= samples[s.required[i]].bit;
			for (i = 0; i < s.noptional; i++) {
				pick = (i + turn) % s.noptional;
				if (turn >= s.noptional)
					pick = s.noptional - 1 - pick;
				bits |= samples[s.optional[pick]].bit;
				builder_hex(&b, samples[s.optional[pick]].hex);
			}
			assert_int_equal(builder_decode(&b, &m), RSIP_OK);
			assert_int_equal(m.has, bits);
			rsip_message_clear(&m);
		}
		for (i = 0; i < s.noptional; i++) {
			builder_required(&b, f, &s);
			builder_hex(&b, samples[s.optional[i]].hex);
			expect(&b, RSIP_OK, "with only",
			    samples[s.optional[i]].name);
			builder_hex(&b, samples[s.optional[i]].hex);
			expect(&b, s.repeat[i] ? RSIP_OK : RSIP_DUPLICATE_PARAM,
			    "two of", samples[s.optional[i]].name);
		}
		/* §9: optional parameters follow the required ones. */
		if (s.nrequired == 0)
			continue;
		builder_start(&b, f->type);
		builder_hex(&b, "0b 0004 00000001");
		for (i = 0; i < s.nrequired; i++)
			builder_hex(&b, samples[s.required[i]].hex);
		expect(&b, RSIP_MISSING_PARAM, "begun with", "a counter");
	}
}

static void
other_parameters_are_extra(void **state)
{
	const struct format *f;
	struct slots	     s;
	struct builder	     b;
	size_t		     i;
	unsigned	     param;
	char		     hex[16];

	(void)state;
	for (f = formats; f < formats + NFORMATS; f++) {
		format_read(f, &s);
		for (i = 0; i < NSAMPLES; i++) {
			if (count_param(s.required, s.nrequired,
			    samples[i].hex) != 0 || count_param(s.optional,
			    s.noptional, samples[i].hex) != 0)
				continue;
			builder_required(&b, f, &s);
			builder_hex(&b, samples[i].hex);
			expect(&b, RSIP_EXTRA_PARAM, "with", samples[i].name);
		}
		for (param = 0; param < 256; param++) {
			if ((param >= 1 && param <= 12) || param == 22)
				continue;
			builder_required(&b, f, &s);
			snprintf(hex, sizeof(hex), "%02x 0001 00", param);
			builder_hex(&b, hex);
			expect(&b, RSIP_ILLEGAL_PARAM, "with", hex);
		}
	}
}

/* The forms of one parameter, in a message that has it. */
static const struct form {
	enum rsip_error want;
	unsigned	type;
	const char     *param;	/* which sample it takes the place of */
	const char     *why;
	const char     *hex;
} forms[] = {
#define RSAP	RSIP_ASSIGN_REQUEST_RSAP_IP
#define SEC	RSIP_ASSIGN_REQUEST_RSIPSEC
#define LOCAL	"Address (local)"
#define REMOTE	"Address (remote)"
#define PORTS	"Ports (local)"
	{ RSIP_BAD_PARAM, RSAP, LOCAL, "no address type", "01 0000" },
	{ RSIP_OK, RSAP, LOCAL, "don't care", "01 0001 01" },
	{ RSIP_OK, RSAP, LOCAL, "don't care, IPv6", "01 0001 03" },
	{ RSIP_OK, RSAP, REMOTE, "don't care, FQDN", "01 0001 04" },
	{ RSIP_BAD_PARAM, RSAP, LOCAL, "don't care, reserved", "01 0001 00" },
	{ RSIP_BAD_PARAM, RSAP, LOCAL, "address type 5",
	    "01 0005 05 c6336401" },
	{ RSIP_BAD_PARAM, RSAP, LOCAL, "IPv4 of three", "01 0004 01 c63364" },
	{ RSIP_BAD_PARAM, RSAP, LOCAL, "IPv4 of five",
	    "01 0006 01 c633640101" },
	{ RSIP_BAD_PARAM, RSAP, LOCAL, "IPv6 of four", "01 0005 03 20010db8" },
	{ RSIP_OK, RSAP, LOCAL, "IPv6",
	    "01 0011 03 20010db8000000000000000000000001" },
	{ RSIP_OK, RSAP, REMOTE, "FQDN", "01 0003 04 6162" },
	{ RSIP_BAD_PARAM, RSAP, REMOTE, "FQDN with a zero",
	    "01 0004 04 610062" },
	{ RSIP_BAD_PARAM, RSAP, REMOTE, "FQDN beyond ASCII",
	    "01 0004 04 61e962" },
	{ RSIP_BAD_PARAM, RSAP, REMOTE, "FQDN with a blank",
	    "01 0004 04 612062" },
	{ RSIP_OK, RSAP, PORTS, "four, don't care", "02 0001 04" },
	{ RSIP_OK, RSAP, PORTS, "one", "02 0003 01 0050" },
	{ RSIP_OK, RSAP, PORTS, "255 from 1", "02 0003 ff 0001" },
	{ RSIP_OK, RSAP, PORTS, "the last two", "02 0003 02 fffe" },
	{ RSIP_OK, RSAP, PORTS, "a list", "02 0007 03 0050 01bb 1f90" },
	{ RSIP_BAD_PARAM, RSAP, PORTS, "none, don't care", "02 0001 00" },
	{ RSIP_BAD_PARAM, RSAP, PORTS, "none, one field", "02 0003 00 0050" },
	{ RSIP_BAD_PARAM, RSAP, PORTS, "range past the end",
	    "02 0003 02 ffff" },
	{ RSIP_BAD_PARAM, RSAP, PORTS, "one, two fields",
	    "02 0005 01 0050 0051" },
	{ RSIP_BAD_PARAM, RSAP, PORTS, "three, two fields",
	    "02 0005 03 0050 0051" },
	{ RSIP_BAD_PARAM, RSAP, PORTS, "half a port", "02 0002 01 00" },
	{ RSIP_BAD_PARAM, RSAP, PORTS, "don't need, outside RSIPSEC",
	    "02 0000" },
	{ RSIP_BAD_PARAM, RSIP_LISTEN_REQUEST, PORTS,
	    "don't need, to listen", "02 0000" },
	{ RSIP_OK, SEC, PORTS, "don't need", "02 0000" },
	{ RSIP_OK, SEC, "Ports (remote)", "don't need", "02 0000" },
	{ RSIP_OK, RSIP_ASSIGN_RESPONSE_RSIPSEC, PORTS, "don't need",
	    "02 0000" },
	{ RSIP_OK, SEC, "SPI", "four, don't care", "16 0002 0004" },
	{ RSIP_OK, SEC, "SPI", "65535, don't care", "16 0002 ffff" },
	{ RSIP_OK, SEC, "SPI", "one", "16 0006 0001 c0ffee00" },
	{ RSIP_OK, SEC, "SPI", "1024 from here", "16 0006 0400 c0ffee00" },
	{ RSIP_OK, SEC, "SPI", "the last two", "16 0006 0002 fffffffe" },
	{ RSIP_OK, SEC, "SPI", "a list",
	    "16 000e 0003 c0ffee00 c0ffee02 00001000" },
	{ RSIP_BAD_PARAM, SEC, "SPI", "no number", "16 0000" },
	{ RSIP_BAD_PARAM, SEC, "SPI", "half a number", "16 0001 00" },
	{ RSIP_BAD_PARAM, SEC, "SPI", "none, don't care", "16 0002 0000" },
	{ RSIP_BAD_PARAM, SEC, "SPI", "none, one field",
	    "16 0006 0000 c0ffee00" },
	{ RSIP_BAD_PARAM, SEC, "SPI", "range past the end",
	    "16 0006 0002 ffffffff" },
	{ RSIP_BAD_PARAM, SEC, "SPI", "three, two fields",
	    "16 000a 0003 c0ffee00 c0ffee02" },
	{ RSIP_BAD_PARAM, SEC, "SPI", "half an SPI", "16 0004 0001 c0ff" },
	{ RSIP_BAD_PARAM, RSIP_DEREGISTER_REQUEST, "Client ID",
	    "no bytes", "04 0000" },
	{ RSIP_BAD_PARAM, RSIP_FREE_REQUEST, "Bind ID", "three bytes",
	    "05 0003 000002" },
	{ RSIP_BAD_PARAM, RSIP_EXTEND_RESPONSE, "Lease Time", "eight bytes",
	    "03 0008 0000000000000258" },
	{ RSIP_BAD_PARAM, RSIP_ERROR_RESPONSE, "Error", "one byte",
	    "08 0001 65" },
	{ RSIP_BAD_PARAM, RSIP_ASSIGN_RESPONSE_RSIPSEC, "Tunnel Type",
	    "two bytes", "06 0002 0001" },
	{ RSIP_BAD_PARAM, RSIP_REGISTER_RESPONSE, "Flow Policy", "one byte",
	    "09 0001 01" },
};

/* RFC 3103 §8.2; RFC 3104 §6.2. */
static void
forms_of_parameters(void **state)
{
	const struct form   *form;
	const struct format *f;
	struct slots	     s;
	struct builder	     b;
	size_t		     i;
	bool		     found;

	(void)state;
	for (form = forms; form < forms + sizeof(forms) / sizeof(forms[0]);
	    form++) {
		for (f = formats; f->type != form->type; f++)
			;
		format_read(f, &s);
		builder_start(&b, f->type);
		for (found = false, i = 0; i < s.nrequired; i++) {
			if (strcmp(samples[s.required[i]].name,
			    form->param) == 0) {
				builder_hex(&b, form->hex);
				found = true;
			} else {
				builder_hex(&b, samples[s.required[i]].hex);
			}
		}
		assert_true(found);
		expect(&b, form->want, form->param, form->why);
	}
}

/* One parameter of `bytes` value bytes, its length in the head. */
static void
long_param(struct builder *b, const char *head, size_t bytes, uint8_t fill)
{
	size_t at = b->len;

	builder_hex(b, head);
	memset(b->buf + b->len, fill, bytes);
	b->len += bytes;
	store_u16(b->buf + at + 1, (uint16_t)(b->len - at - 3));
}

/* The named limits of proto/rsip.h, at and past each. */
static void
limits(void **state)
{
	static const char spi_message[] = "04 0004 00000007  01 0001 01"
	    "  02 0000  01 0001 01  02 0000";
	static struct builder b;
	static uint8_t	      big[RSIP_MESSAGE_MAX];
	size_t		      len;
	struct rsip_message   m;
	unsigned	      i, n;

	(void)state;
	for (n = RSIP_SPIS_MAX; n <= RSIP_SPIS_MAX + 1; n++) {
		builder_start(&b, RSIP_ASSIGN_REQUEST_RSIPSEC);
		builder_hex(&b, spi_message);
		long_param(&b, n == RSIP_SPIS_MAX ? "16 0000 0100" :
		    "16 0000 0101", n * 4, 7);
		expect(&b, n == RSIP_SPIS_MAX ? RSIP_OK : RSIP_BAD_PARAM,
		    "256 or more", "SPIs");
	}
	for (n = RSIP_FQDN_MAX; n <= RSIP_FQDN_MAX + 1; n++) {
		builder_start(&b, RSIP_QUERY_REQUEST);
		builder_hex(&b, "04 0004 00000007  0a 0002 0001");
		long_param(&b, "01 0000 04", n, 'a');
		expect(&b, n == RSIP_FQDN_MAX ? RSIP_OK : RSIP_BAD_PARAM,
		    "255 or more bytes", "FQDN");
		builder_start(&b, RSIP_REGISTER_REQUEST);
		long_param(&b, "0c 0000 7ed9 0003", n, 'a');
		expect(&b, n == RSIP_FQDN_MAX ? RSIP_OK : RSIP_BAD_PARAM,
		    "255 or more bytes", "own name");
	}
	builder_start(&b, RSIP_REGISTER_RESPONSE);
	builder_hex(&b, "04 0004 00000001  03 0004 00000258  09 0002 01 03");
	for (i = 0; i < RSIP_METHODS_MAX; i++)
		builder_hex(&b, "07 0001 02");
	for (i = 0; i < RSIP_TUNNELS_MAX; i++)
		builder_hex(&b, "06 0001 01");
	assert_int_equal(builder_decode(&b, &m), RSIP_OK);
	assert_int_equal(m.nmethods, RSIP_METHODS_MAX);
	assert_int_equal(m.ntunnels, RSIP_TUNNELS_MAX);
	rsip_message_clear(&m);
	builder_hex(&b, "07 0001 02");
	expect(&b, RSIP_BAD_PARAM, "nine", "methods");
	b.len -= 4;
	builder_hex(&b, "06 0001 01");
	expect(&b, RSIP_BAD_PARAM, "nine", "tunnel types");

	/* §9.14.3 sets no limit: as many as go into a message. */
	len = hex_bytes("01 0e ffff  04 0004 00000007", big, sizeof(big));
	for (i = 0; i < RSIP_QUERY_MAX; i++)
		len += hex_bytes("0a 0002 0001  01 0002 04 78", big + len,
		    sizeof(big) - len);
	big[2] = (uint8_t)(len >> 8);
	big[3] = (uint8_t)len;
	assert_true(sizeof(big) - len < 10);
	assert_int_equal(rsip_decode(&m, big, len), RSIP_OK);
	assert_int_equal(m.ntuples, RSIP_QUERY_MAX);
	assert_string_equal(m.tuple[RSIP_QUERY_MAX - 1].address.fqdn, "x");
	rsip_message_clear(&m);
}

static void
encode_refuses_what_the_table_does(void **state)
{
	const struct format *f;
	struct slots	     s;
	struct builder	     b;
	struct rsip_message  m;
	uint8_t		     out[4096];
	uint32_t	     has, bit, allowed;
	size_t		     i;

	(void)state;
	for (f = formats; f < formats + NFORMATS; f++) {
		format_read(f, &s);
		builder_required(&b, f, &s);
		assert_int_equal(builder_decode(&b, &m), RSIP_OK);
		assert_int_equal(rsip_encode(&m, out, sizeof(out)), b.len);
		assert_memory_equal(out, b.buf, b.len);
		has = m.has;
		for (i = 0; i < s.nrequired; i++) {
			m.has = has & ~samples[s.required[i]].bit;
			assert_int_equal(rsip_encode(&m, out, sizeof(out)), -1);
		}
		allowed = has | RSIP_HAS_COOKIES | RSIP_HAS_AUTH |
		    RSIP_HAS_FQDN | RSIP_HAS_FLOOR;
		for (i = 0; i < s.noptional; i++)
			allowed |= samples[s.optional[i]].bit;
		for (bit = 1; bit != 0; bit <<= 1) {
			m.has = has | bit;
			if (!(allowed & bit))
				assert_int_equal(rsip_encode(&m, out,
				    sizeof(out)), -1);
		}
		rsip_message_clear(&m);
	}
	rsip_message_init(&m, 18);
	assert_int_equal(rsip_encode(&m, out, sizeof(out)), -1);

	/* Where RFC 3104 §6.2 does not reach, ports are always needed. */
	rsip_message_init(&m, RSIP_ASSIGN_REQUEST_RSAP_IP);
	m.has = RSIP_HAS_CLIENT_ID | RSIP_HAS_LOCAL | RSIP_HAS_LOCAL_PORTS |
	    RSIP_HAS_REMOTE | RSIP_HAS_REMOTE_PORTS;
	m.local.type = m.remote.type = RSIP_ADDR_IPV4;
	m.local_ports.none = true;
	assert_int_equal(rsip_encode(&m, out, sizeof(out)), -1);

	/* One tunnel type where §9 has no "...": optional, and required. */
	m.local_ports.none = false;
	m.local_ports.number = m.remote_ports.number = 1;
	m.has |= RSIP_HAS_TUNNEL;
	m.ntunnels = 1;
	m.tunnel[0] = m.tunnel[1] = RSIP_TUNNEL_GRE;
	assert_int_not_equal(rsip_encode(&m, out, sizeof(out)), -1);
	m.ntunnels = 2;
	assert_int_equal(rsip_encode(&m, out, sizeof(out)), -1);
	m.type = RSIP_LISTEN_REQUEST;
	assert_int_not_equal(rsip_encode(&m, out, sizeof(out)), -1);
	m.type = RSIP_ASSIGN_RESPONSE_RSAP_IP;
	m.has |= RSIP_HAS_BIND_ID | RSIP_HAS_LEASE;
	assert_int_equal(rsip_encode(&m, out, sizeof(out)), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_types_are_here),
		cmocka_unit_test(required_parameters),
		cmocka_unit_test(required_parameters_keep_their_order),
		cmocka_unit_test(required_parameters_once),
		cmocka_unit_test(optional_parameters_in_any_order),
		cmocka_unit_test(other_parameters_are_extra),
		cmocka_unit_test(forms_of_parameters),
		cmocka_unit_test(limits),
		cmocka_unit_test(encode_refuses_what_the_table_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
