/* record.c - what OE reads in DNS answers: TXT, KEY and IPSECKEY */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/cursor.h"
#include "base/util.h"
#include "oe/record.h"
#include "oe/rr.h"

#define DNS_LABEL_MAX	63	/* RFC 1035 §2.3.4 */
#define DNS_TEXT_MAX	253	/* 255 bytes on the wire, as text
				 * without a final dot */
#define PREFERENCE_MAX	65535	/* as of MX (RFC 4322 §5.2) */
#define DNS_CNAMES_MAX	8
#define DNS_RCODE_OK	0
#define DNS_RCODE_NXDOMAIN 3
#define KEY_PROTOCOL_IPSEC 4	/* RFC 2535 §3.1.3 */
#define KEY_ALGORITHM_RSA_MD5 1
#define KEY_ALGORITHM_RSA_SHA1 5
#define KEY_NOT_FOR_AUTHENTICATION 0x8000
#define KEY_EXTENDED	0x1000
#define KEY_NAME_TYPE	0x0300
#define KEY_ZONE	0x0100

const char *
record_status_text(enum record_status s)
{
	static const char *const texts[] = {
		[RECORD_FOUND] = "record found",
		[RECORD_NONE] = "no OE record in DNS",
		[RECORD_UNUSABLE] = ("OE record in DNS that is of no use to us "
		    "(key size, algorithm or gateway)"),
		[RECORD_MALFORMED] = "malformed OE record in DNS",
		[RECORD_FAILED] = "DNS failure",
		[RECORD_BOGUS] = "DNSSEC failure",
		[RECORD_TIMEOUT] = "DNS time-out",
	};

	return texts[s];
}

/* --- records -------------------------------------------------------------- */

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *
skip_space(const char *s, const char *end)
{
	while (s < end && is_space(*s))
		s++;
	return s;
}

/* A name for look-ups and identities: letters, digits, '-', '_' and dots. */
static int
take_fqdn(struct keying_id *id, const char *s, size_t len)
{
	size_t i, label = 0;

	if (len > 0 && s[len - 1] == '.')
		len--;
	if (len == 0 || len > DNS_TEXT_MAX)
		return -1;
	for (i = 0; i < len; i++) {
		id->name[i] = (char)tolower((unsigned char)s[i]);
		if (s[i] == '.' && label > 0) {
			label = 0;
			continue;
		}
		if ((!isalnum((unsigned char)s[i]) && s[i] != '-' &&
		    s[i] != '_') || ++label > DNS_LABEL_MAX)
			return -1;
	}
	if (label == 0)
		return -1;
	id->name[len] = '\0';
	id->type = KEYING_ID_FQDN;
	return 0;
}

static enum record_kind
take_key(struct record *r, enum pubkey_type type, const uint8_t *p, size_t len,
    unsigned min_bits)
{
	if (pubkey_from_wire(&r->key, type, p, len, min_bits) == 0)
		return RECORD_READ;
	return pubkey_is_key(type, p, len) ? RECORD_USELESS : RECORD_WRONG;
}

/* "A.B.C.D" or "@FQDN". */
static enum record_kind
take_gateway(struct record *r, const char *word, size_t len)
{
	char	addr[INET6_ADDRSTRLEN];
	uint8_t v4[4], v6[16];

	if (len > 0 && *word == '@')
		return take_fqdn(&r->gateway, word + 1, len - 1) == 0 ?
		    RECORD_READ : RECORD_WRONG;
	if (len >= sizeof(addr))
		return RECORD_WRONG;
	memcpy(addr, word, len);
	addr[len] = '\0';
	if (strlen(addr) != len)
		return RECORD_WRONG;
	r->gateway.type = KEYING_ID_ADDR;
	if (inet_pton(AF_INET, addr, v4) == 1) {
		r->gateway.addr = addr_from_bytes(AF_INET, v4);
		return RECORD_READ;
	}
	return inet_pton(AF_INET6, addr, v6) == 1 ? RECORD_USELESS :
	    RECORD_WRONG;
}

enum record_kind
record_txt(struct record *r, const char *s, size_t len, unsigned min_bits)
{
	static const char tag[] = "X-IPsec-Server";
	const char	 *end = s + len, *word;
	uint8_t		  key[RECORD_TXT_MAX];
	unsigned	  p = 0, digits = 0;
	enum record_kind  kind;
	int		  n;

	memset(r, 0, sizeof(*r));
	s = skip_space(s, end);
	/* RFC 1464 §2: attribute names are not case sensitive. */
	if ((size_t)(end - s) < sizeof(tag) - 1 ||
	    strncasecmp(s, tag, sizeof(tag) - 1) != 0)
		return RECORD_OTHER;
	s += sizeof(tag) - 1;
	if (s < end && (isalnum((unsigned char)*s) || *s == '-' || *s == '_'))
		return RECORD_OTHER;	/* a longer attribute name */
	/* FreeS/WAN reads white space around each sign, so some publish it. */
	s = skip_space(s, end);
	if (s == end || *s != '(')
		return RECORD_WRONG;
	for (s = skip_space(s + 1, end); s < end && isdigit((unsigned char)*s);
	    s++, digits++) {
		p = p * 10 + (unsigned)(*s - '0');
		if (p > PREFERENCE_MAX)
			return RECORD_WRONG;
	}
	s = skip_space(s, end);
	if (digits == 0 || s == end || *s != ')')
		return RECORD_WRONG;
	s = skip_space(s + 1, end);
	if (s == end || *s != '=')
		return RECORD_WRONG;
	r->precedence = (uint16_t)p;
	word = s = skip_space(s + 1, end);
	while (s < end && !is_space(*s))
		s++;
	kind = take_gateway(r, word, (size_t)(s - word));
	s = skip_space(s, end);
	if (kind != RECORD_READ || s == end)
		return kind;		/* no key: it is to be looked up */
	/* FreeS/WAN's "0s" says base64 where it writes keys; some
	 * records keep it. */
	if (end - s > 2 && s[0] == '0' && s[1] == 's')
		s += 2;
	n = base64_decode(key, sizeof(key), s, (size_t)(end - s));
	return n == -1 ? RECORD_WRONG :
	    take_key(r, PUBKEY_RSA, key, (size_t)n, min_bits);
}

enum record_kind
record_key(struct record *r, const uint8_t *p, size_t len, unsigned min_bits)
{
	struct cursor c;
	unsigned      flags, protocol, algorithm;

	memset(r, 0, sizeof(*r));
	cursor_init(&c, p, len);
	flags = cursor_u16(&c);
	protocol = cursor_u8(&c);
	algorithm = cursor_u8(&c);
	if (c.bad)
		return RECORD_WRONG;
	if (flags & KEY_EXTENDED)
		cursor_u16(&c);
	/* RFC 2535 §3.1.2: a key of a host or user that may authenticate. */
	if ((flags & KEY_NOT_FOR_AUTHENTICATION) ||
	    (protocol != KEY_PROTOCOL_IPSEC && protocol != 255) ||
	    (flags & KEY_NAME_TYPE) == KEY_ZONE)
		return RECORD_OTHER;
	if (algorithm != KEY_ALGORITHM_RSA_MD5 &&
	    algorithm != KEY_ALGORITHM_RSA_SHA1)
		return RECORD_USELESS;
	return take_key(r, PUBKEY_RSA, c.p, cursor_left(&c), min_bits);
}

enum record_kind
record_ipseckey(struct record *r, const uint8_t *p, size_t len,
    unsigned min_bits)
{
	struct cursor  c;
	const uint8_t *label;
	char	       name[RR_NAME_MAX];
	uint8_t	       address[16];
	size_t	       n = 0, k;
	unsigned       gateway, algorithm;

	memset(r, 0, sizeof(*r));
	cursor_init(&c, p, len);
	r->precedence = cursor_u8(&c);
	gateway = cursor_u8(&c);
	algorithm = cursor_u8(&c);
	switch (gateway) {
	case 0:				/* the owner itself */
		break;
	case 1:
	case 2:
		r->gateway.type = KEYING_ID_ADDR;
		cursor_copy(&c, address, gateway == 1 ? 4 : 16);
		r->gateway.addr = addr_from_bytes(gateway == 1 ? AF_INET :
		    AF_INET6, address);
		break;
	case 3:	/* an uncompressed name (RFC 4025 §2.5) */
		while ((k = cursor_u8(&c)) != 0) {
			label = cursor_take(&c, k);
			if (k > DNS_LABEL_MAX || label == NULL ||
			    n + k + 2 > sizeof(name))
				return RECORD_WRONG;
			memcpy(name + n, label, k);
			name[n + k] = '.';
			n += k + 1;
		}
		if (c.bad || take_fqdn(&r->gateway, name, n) == -1)
			return RECORD_WRONG;
		break;
	default:			/* of a later standard */
		return RECORD_USELESS;
	}
	if (c.bad)
		return RECORD_WRONG;
	if (algorithm == 0)
		return RECORD_READ;	/* no key here */
	/* 1 is DSA, and what is beyond is of a later standard. */
	if (algorithm != PUBKEY_RSA && algorithm != PUBKEY_ECDSA &&
	    algorithm != PUBKEY_ED25519)
		return RECORD_USELESS;
	return take_key(r, (enum pubkey_type)algorithm, c.p, cursor_left(&c),
	    min_bits);
}

/* --- messages ------------------------------------------------------------- */

/* The strings of a TXT record joined (draft -17 §5.2.1). */
static enum record_kind
txt_record(struct record *r, struct cursor data, unsigned min_bits)
{
	char	       text[RECORD_TXT_MAX];
	const uint8_t *s;
	size_t	       n = 0, k;

	while (cursor_left(&data) > 0) {
		k = cursor_u8(&data);
		if ((s = cursor_take(&data, k)) == NULL)
			return RECORD_WRONG;
		/* If it is ours, then with a key larger than any we take. */
		if (n + k > sizeof(text))
			return record_txt(r, text, n, min_bits) ==
			    RECORD_OTHER ? RECORD_OTHER : RECORD_USELESS;
		if (k != 0)
			memcpy(text + n, s, k);
		n += k;
	}
	return record_txt(r, text, n, min_bits);
}

static void
answer_add(struct record_answer *out, const struct record *r)
{
	unsigned i;

	if (out->n == RECORD_MAX) {
		if (out->r[RECORD_MAX - 1].precedence <= r->precedence)
			return;
		out->n--;		/* the weakest makes room */
	}
	/* Equal precedence keeps the order of the answer:
	 * resolvers rotate it. */
	for (i = out->n; i > 0 && out->r[i - 1].precedence > r->precedence; i--)
		out->r[i] = out->r[i - 1];
	out->r[i] = *r;
	out->n++;
}

static void
answer_ttl(struct record_answer *out, uint32_t ttl)
{
	if (ttl < out->ttl)
		out->ttl = ttl;
}

static enum record_kind
record_of(struct record *r, const struct rr *rr, unsigned min_bits)
{
	switch (rr->type) {
	case RECORD_TYPE_TXT:
		return txt_record(r, rr->data, min_bits);
	case RECORD_TYPE_KEY:
		return record_key(r, rr->data.p, cursor_left(&rr->data),
		    min_bits);
	case RECORD_TYPE_IPSECKEY:
		return record_ipseckey(r, rr->data.p, cursor_left(&rr->data),
		    min_bits);
	}
	return RECORD_OTHER;
}

/* RFC 2308 §5: the smaller of the SOA's TTL and its MINIMUM. */
static uint32_t
soa_ttl(const struct rr *rr, const uint8_t *msg, size_t len)
{
	struct cursor c = rr->data;
	char	      name[RR_NAME_MAX];
	uint32_t      minimum;

	/* Names in the data may be compressed against the whole message. */
	if (rr_name(&c, msg, len, name) == -1 ||
	    rr_name(&c, msg, len, name) == -1)
		return RECORD_NEGATIVE_TTL;
	cursor_take(&c, 16);
	minimum = cursor_u32(&c);
	if (c.bad)
		return RECORD_NEGATIVE_TTL;
	return minimum < rr->ttl ? minimum : rr->ttl;
}

void
record_parse(struct record_answer *out, const uint8_t *msg, size_t len,
    const char *name, uint16_t type, unsigned min_bits)
{
	struct rr_message m;
	struct cursor c;
	struct rr     rr;
	struct record r;
	char	      want[RR_NAME_MAX], target[RR_NAME_MAX];
	unsigned      rcode, i, hops = 0;
	size_t	      n = strlen(name);
	bool	      malformed = false, useless = false, again;

	memset(out, 0, sizeof(*out));
	out->status = RECORD_FAILED;
	out->ttl = RECORD_NEGATIVE_TTL;
	if (n >= sizeof(want))
		return;
	for (i = 0; i <= n; i++)
		want[i] = (char)tolower((unsigned char)name[i]);
	if (n > 0 && want[n - 1] == '.')
		want[n - 1] = '\0';
	if (rr_begin(&m, msg, len) == -1)
		return;
	rcode = m.flags & 15;
	out->authentic = (m.flags & 0x0020) != 0;
	if (rcode != DNS_RCODE_OK && rcode != DNS_RCODE_NXDOMAIN)
		return;

	out->ttl = UINT32_MAX;
	do {
		/* One pass a name of the CNAME chain: its
		 * records, or the next. */
		again = false;
		c = m.answers;
		for (i = 0; i < m.nanswers; i++) {
			if (rr_next(&c, msg, len, &rr) == -1)
				goto bad;
			if (strcmp(rr.owner, want) != 0)
				continue;
			if (rr.type == RR_TYPE_CNAME && !again) {
				if (rr_name(&rr.data, msg, len, target) == -1)
					goto bad;
				answer_ttl(out, rr.ttl);
				again = ++hops <= DNS_CNAMES_MAX;
				continue;
			}
			if (rr.type != type)
				continue;
			switch (record_of(&r, &rr, min_bits)) {
			case RECORD_READ:
				answer_add(out, &r);
				break;
			case RECORD_OTHER:
				continue;
			case RECORD_USELESS:
				useless = true;
				break;
			case RECORD_WRONG:
				malformed = true;
				break;
			}
			answer_ttl(out, rr.ttl);
		}
		if (again)
			memcpy(want, target, sizeof(want));
	} while (again && out->n == 0);

	if (out->n > 0) {
		out->status = RECORD_FOUND;
		return;
	}
	/* A malformed one is passed over where another was in order. */
	out->status = useless ? RECORD_UNUSABLE : malformed ? RECORD_MALFORMED :
	    RECORD_NONE;
	for (i = 0; i < m.nauthority; i++) {
		if (rr_next(&c, msg, len, &rr) == -1)
			break;
		if (rr.type == RR_TYPE_SOA)
			answer_ttl(out, soa_ttl(&rr, msg, len));
	}
	if (out->ttl == UINT32_MAX)
		out->ttl = RECORD_NEGATIVE_TTL;
	return;
bad:
	/* Nothing of a message that breaks off is used. */
	memset(out->r, 0, sizeof(out->r));
	out->n = 0;
	out->ttl = RECORD_NEGATIVE_TTL;
}

bool
record_gives_key(const struct record *r, uint16_t type,
    const struct keying_id *id)
{
	return r->key.len != 0 && (type == RECORD_TYPE_KEY ||
	    keying_id_equal(&r->gateway, id) ||
	    (type == RECORD_TYPE_IPSECKEY && r->gateway.type == 0));
}
