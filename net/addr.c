/* addr.c - addresses and prefixes of both families: compare, hash, classify, read and write */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "net/addr.h"

/* A space of addresses, as far as its first two words tell. */
struct space {
	uint8_t family;
	uint8_t first[4];
	uint8_t plen;			/* at most 32 */
};

static const struct space space_rfc1918[] = {
	{ AF_INET, { 10 }, 8 },
	{ AF_INET, { 172, 16 }, 12 },
	{ AF_INET, { 192, 168 }, 16 },
};
/* ... and these. */
static const struct space space_private[] = {
	{ AF_INET, { 100, 64 }, 10 },		/* RFC 6598 */
	{ AF_INET6, { 0xfc }, 7 },		/* RFC 4193 */
};
static const struct space space_link_local[] = {
	{ AF_INET, { 169, 254 }, 16 },		/* RFC 3927 */
	{ AF_INET6, { 0xfe, 0x80 }, 10 },	/* RFC 4291 §2.5.6 */
};
#define IN_SPACE(a, plen, list) \
	in_space((a), (plen), (list), sizeof(list) / sizeof((list)[0]))

/* Do the first n bits agree?  All of IPv4's are one word: packets are held
 * against prefixes. */
static bool
bits_equal(const uint8_t *a, const uint8_t *b, unsigned n)
{
	unsigned whole = n / 8, rest = n % 8;

	if (n <= 32)
		return n == 0 || (load_u32(a) ^ load_u32(b)) >> (32 - n) == 0;
	return memcmp(a, b, whole) == 0 && (rest == 0 ||
	    ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

/* Is a/plen within one of n spaces? */
static bool
in_space(const struct addr *a, unsigned plen, const struct space *list,
    size_t n)
{
	for (; n > 0; n--, list++) {
		if (a->family == list->family && plen >= list->plen &&
		    bits_equal(a->bytes, list->first, list->plen))
			return true;
	}
	return false;
}

const struct addr addr_none;

struct addr
addr_from_bytes(int family, const void *bytes)
{
	struct addr a = { 0 };
	size_t	    len = addr_bits(family) / 8;

	if (len != 0) {
		a.family = (uint8_t)family;
		memcpy(a.bytes, bytes, len);
	}
	return a;
}

unsigned
addr_bits(int family)
{
	return family == AF_INET ? 32 : family == AF_INET6 ? 128 : 0;
}

size_t
addr_len(const struct addr *a)
{
	return addr_bits(a->family) / 8;
}

bool
addr_is_set(const struct addr *a)
{
	return a->family != AF_UNSPEC;
}

int
addr_compare(const struct addr *a, const struct addr *b)
{
	size_t alen = addr_len(a), blen = addr_len(b);

	if (alen != blen)
		return alen < blen ? -1 : 1;
	return memcmp(a->bytes, b->bytes, alen);
}

uint64_t
addr_hash(const struct addr *a)
{
	/* The family tells lengths apart, and what follows is zero. */
	return hash_bytes(a, 1 + addr_len(a));
}

bool
addr_is_unspecified(const struct addr *a)
{
	static const uint8_t zero[16];

	return addr_is_set(a) && memcmp(a->bytes, zero, sizeof(zero)) == 0;
}

bool
addr_is_loopback(const struct addr *a)
{
	if (a->family == AF_INET6)
		return memcmp(a->bytes, &in6addr_loopback, 16) == 0;
	return a->family == AF_INET && a->bytes[0] == 127;
}

bool
addr_is_link_local(const struct addr *a)
{
	return IN_SPACE(a, addr_bits(a->family), space_link_local);
}

/* ::, ::1, and an IPv4 address behind zeros or ::ffff. */
static bool
is_embedded_v4(const struct addr *a)
{
	static const uint8_t zero[12], mapped[12] = { [10] = 0xff, 0xff };

	return memcmp(a->bytes, zero, 12) == 0 ||
	    memcmp(a->bytes, mapped, 12) == 0;
}

bool
addr_is_host(const struct addr *a)
{
	uint8_t first = a->bytes[0];

	/* RFC 1122 §3.2.1.3; multicast, class E and
	 * broadcast are at the end. */
	if (a->family == AF_INET)
		return first != 0 && first != 127 && first < 224;
	return a->family == AF_INET6 && first != 0xff && !is_embedded_v4(a);
}

bool
addr_is_private(const struct addr *a)
{
	struct prefix host = prefix_host(a);

	return addr_is_link_local(a) || prefix_is_private(&host);
}

const char *
addr_text(const struct addr *a, char *out, size_t cap)
{
	char text[ADDR_TEXT_MAX] = "none";

	if (addr_is_set(a))
		inet_ntop(a->family, a->bytes, text, sizeof(text));
	snprintf(out, cap, "%s", text);
	return out;
}

int
addr_parse(struct addr *a, const char *text)
{
	uint8_t bytes[16];
	int	family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;

	*a = (struct addr){ 0 };
	if (inet_pton(family, text, bytes) != 1)
		return -1;
	*a = addr_from_bytes(family, bytes);
	return 0;
}

const char *
addr_reverse_name(const struct addr *a, char out[ADDR_REVERSE_MAX])
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t	 *b = a->bytes;
	char		 *p = out;
	int		  i;

	*out = '\0';
	if (a->family == AF_INET)
		snprintf(out, ADDR_REVERSE_MAX, "%u.%u.%u.%u.in-addr.arpa",
		    b[3], b[2], b[1], b[0]);
	if (a->family != AF_INET6)
		return out;
	for (i = 15; i >= 0; i--) {
		*p++ = hex[b[i] & 15];
		*p++ = '.';
		*p++ = hex[b[i] >> 4];
		*p++ = '.';
	}
	memcpy(p, "ip6.arpa", sizeof("ip6.arpa"));
	return out;
}

struct addr
addr_from_sockaddr(const void *sa, socklen_t len, uint16_t *port)
{
	struct sockaddr_in  in;
	struct sockaddr_in6 in6;
	sa_family_t	    family = AF_UNSPEC;

	if (port != NULL)
		*port = 0;
	if (len >= offsetof(struct sockaddr, sa_family) + sizeof(family))
		memcpy(&family, (const uint8_t *)sa +
		    offsetof(struct sockaddr, sa_family), sizeof(family));
	if (family == AF_INET && len >= sizeof(in)) {
		memcpy(&in, sa, sizeof(in));
		if (port != NULL)
			*port = ntohs(in.sin_port);
		return addr_from_v4(in.sin_addr.s_addr);
	}
	if (family == AF_INET6 && len >= sizeof(in6)) {
		memcpy(&in6, sa, sizeof(in6));
		if (port != NULL)
			*port = ntohs(in6.sin6_port);
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
			return addr_from_bytes(AF_INET,
			    in6.sin6_addr.s6_addr + 12);
		return addr_from_bytes(AF_INET6, &in6.sin6_addr);
	}
	return (struct addr){ 0 };
}

socklen_t
addr_to_sockaddr(const struct addr *a, uint16_t port,
    struct sockaddr_storage *ss)
{
	struct sockaddr_in  in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	memset(ss, 0, sizeof(*ss));
	switch (a->family) {
	case AF_INET:
		in.sin_port = htons(port);
		memcpy(&in.sin_addr, a->bytes, 4);
		memcpy(ss, &in, sizeof(in));
		return sizeof(in);
	case AF_INET6:
		in6.sin6_port = htons(port);
		memcpy(&in6.sin6_addr, a->bytes, 16);
		memcpy(ss, &in6, sizeof(in6));
		return sizeof(in6);
	default:
		return 0;
	}
}

struct addr
prefix_mask(int family, unsigned plen)
{
	struct addr mask = { .family = (uint8_t)family };
	unsigned    i, bits = addr_bits(family);

	if (bits == 0)
		return (struct addr){ 0 };
	if (plen > bits)
		plen = bits;
	for (i = 0; i < plen / 8; i++)
		mask.bytes[i] = 0xff;
	if (plen % 8 != 0)
		mask.bytes[i] = (uint8_t)(0xff00 >> plen % 8);
	return mask;
}

int
prefix_mask_len(const struct addr *mask)
{
	unsigned    plen = 0, bits = addr_bits(mask->family);
	struct addr want;

	while (plen < bits && (mask->bytes[plen / 8] & 0x80 >> plen % 8) != 0)
		plen++;
	want = prefix_mask(mask->family, plen);
	return bits != 0 && addr_equal(mask, &want) ? (int)plen : -1;
}

struct prefix
prefix_of(const struct addr *a, unsigned plen)
{
	struct prefix p = { .addr = *a };
	struct addr   mask = prefix_mask(a->family, plen);
	unsigned      i, bits = addr_bits(a->family);

	for (i = 0; i < sizeof(mask.bytes); i++)
		p.addr.bytes[i] &= mask.bytes[i];
	p.plen = (uint8_t)(plen < bits ? plen : bits);
	return p;
}

struct prefix
prefix_host(const struct addr *a)
{
	return prefix_of(a, addr_bits(a->family));
}

bool
prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->plen == b->plen && addr_equal(&a->addr, &b->addr);
}

int
prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int rc = addr_compare(&a->addr, &b->addr);

	return rc != 0 ? rc : a->plen - b->plen;
}

bool
prefix_contains(const struct prefix *p, const struct addr *a)
{
	return addr_is_set(a) && p->addr.family == a->family &&
	    bits_equal(p->addr.bytes, a->bytes, p->plen);
}

#define HOST_NETWORK	64	/* bits of an IPv6 address whose host may have
				 * all that begin so */

bool
addr_same_network(const struct addr *a, const struct addr *b)
{
	const struct prefix p = prefix_of(a, a->family == AF_INET6 ?
	    HOST_NETWORK : addr_bits(a->family));

	return prefix_contains(&p, b);
}

bool
prefix_covers(const struct prefix *a, const struct prefix *b)
{
	return a->plen <= b->plen && prefix_contains(a, &b->addr);
}

bool
prefix_is_private(const struct prefix *p)
{
	return prefix_is_rfc1918(p) ||
	    IN_SPACE(&p->addr, p->plen, space_private);
}

bool
prefix_is_rfc1918(const struct prefix *p)
{
	return IN_SPACE(&p->addr, p->plen, space_rfc1918);
}

const char *
prefix_text(const struct prefix *p, char *out, size_t cap)
{
	char text[ADDR_TEXT_MAX];

	addr_text(&p->addr, text, sizeof(text));
	if (addr_is_set(&p->addr))
		snprintf(out, cap, "%s/%u", text, p->plen);
	else
		snprintf(out, cap, "%s", text);
	return out;
}

/* A decimal number of one to three digits up to max. */
static int
parse_plen(const char *s, unsigned max, unsigned *plen)
{
	size_t n = strspn(s, "0123456789");

	if (n == 0 || n > 3 || s[n] != '\0')
		return -1;
	*plen = (unsigned)strtoul(s, NULL, 10);
	return *plen <= max ? 0 : -1;
}

int
prefix_parse(struct prefix *p, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t	    n = slash == NULL ? strlen(text) : (size_t)(slash - text);
	char	    buf[ADDR_TEXT_MAX];
	struct addr a;
	unsigned    plen;

	*p = (struct prefix){ 0 };
	if (n >= sizeof(buf))
		return -1;
	memcpy(buf, text, n);
	buf[n] = '\0';
	if (addr_parse(&a, buf) == -1)
		return -1;
	plen = addr_bits(a.family);
	if (slash != NULL && parse_plen(slash + 1, plen, &plen) == -1)
		return -1;
	*p = prefix_of(&a, plen);
	if (!addr_equal(&p->addr, &a)) {
		*p = (struct prefix){ 0 };
		return -1;
	}
	return 0;
}
