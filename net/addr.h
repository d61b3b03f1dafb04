/* addr.h - addresses and prefixes of both families: compare, hash, classify, read and write */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/*
 * An address in network order.  IPv4 stands in the first four bytes and the
 * others are zero, as all of them are in none: so equal addresses are equal
 * bytes, and the struct may be a part of a key.  {0} is none (AF_UNSPEC).
 */
struct addr {
	uint8_t family;			/* AF_INET, AF_INET6; AF_UNSPEC: none */
	uint8_t bytes[16];
};

#define ADDR_TEXT_MAX		46	/* with the final 0 */
#define ADDR_REVERSE_MAX	74
#define PREFIX_TEXT_MAX		50

/*
 * To and from a bare IPv4 address in network order; addr_v4() gives 0 for
 * all that is not IPv4.  Here, since every packet has two of them; for
 * which addr_set_v4() writes in place, as a copy of what was just written
 * in parts waits for it.
 */
static inline void
addr_set_v4(struct addr *a, const void *bytes)
{
	a->family = AF_INET;
	memcpy(a->bytes, bytes, 4);
	memset(a->bytes + 4, 0, sizeof(a->bytes) - 4);
}

static inline struct addr
addr_from_v4(uint32_t v4)
{
	struct addr a;

	addr_set_v4(&a, &v4);
	return a;
}

static inline uint32_t
addr_v4(const struct addr *a)
{
	uint32_t v4 = 0;

	if (a->family == AF_INET)
		memcpy(&v4, a->bytes, sizeof(v4));
	return v4;
}

extern const struct addr addr_none;
/* From the 4 or 16 bytes of a family; none of any other family. */
struct addr addr_from_bytes(int family, const void *bytes);
/* 4, 16; 0 of none. */
size_t	 addr_len(const struct addr *a);
/* Bits of a family's addresses: 32, 128, 0. */
unsigned addr_bits(int family);

/* Is there an address?  The unspecified 0.0.0.0 and :: are addresses too, see
 * addr_is_unspecified(). */
bool	 addr_is_set(const struct addr *a);
static inline bool
addr_equal(const struct addr *a, const struct addr *b)
{
	/* Most that differ do so in these four; and they are read as they were
	 * written, see addr_set_v4(). */
	return memcmp(a->bytes, b->bytes, 4) == 0 && a->family == b->family &&
	    memcmp(a->bytes + 4, b->bytes + 4, 12) == 0;
}

/* None first, then IPv4, then IPv6, each by value: <0, 0, >0. */
int	 addr_compare(const struct addr *a, const struct addr *b);
/* As hash_bytes(): keyed, for the life of this process. */
uint64_t addr_hash(const struct addr *a);

/* Each is false of none. */
bool	 addr_is_unspecified(const struct addr *a);
bool	 addr_is_loopback(const struct addr *a);	/* 127/8, ::1 */
/* 169.254/16, fe80::/10 */
bool	 addr_is_link_local(const struct addr *a);
/* May it be one host's: no multicast, broadcast, class E, loopback, network 0,
 * and no IPv4 address in IPv6's clothes (RFC 4291 §2.5.5)? */
bool	 addr_is_host(const struct addr *a);
/* Is it of a realm that others have too: RFC 1918, shared (RFC 6598), unique
 * local (RFC 4193), link-local? */
bool	 addr_is_private(const struct addr *a);

/*
 * As people write it (RFC 5952 for IPv6), "none" of none.  Returns out, which
 * holds as much as fits and is terminated.  ADDR_TEXT() has a buffer of its
 * own until the end of the block it stands in.
 */
const char *addr_text(const struct addr *a, char *out, size_t cap);
#define ADDR_TEXT(a) addr_text((a), (char[ADDR_TEXT_MAX]){ 0 }, ADDR_TEXT_MAX)
/* Of either family, whole text only: 0, or -1 and *a is none. */
int	 addr_parse(struct addr *a, const char *text);

/*
 * The name that the reverse tree has for it (RFC 1035 §3.5, RFC 3596 §2.5),
 * without a final dot.  Returns out, "" of none.
 */
const char *addr_reverse_name(const struct addr *a,
	    char out[ADDR_REVERSE_MAX]);

/*
 * From a socket's address: an IPv4-mapped one is IPv4.  None of another family
 * or where len is too short.  port (host order) may be NULL.
 */
struct addr addr_from_sockaddr(const void *sa, socklen_t len, uint16_t *port);
/* Returns the length of what was written; 0 of none. */
socklen_t addr_to_sockaddr(const struct addr *a, uint16_t port,
	    struct sockaddr_storage *ss);

/* The addresses that begin with the same plen bits; what follows these in addr
 * is zero. */
struct prefix {
	struct addr addr;
	uint8_t	    plen;		/* 0 to 32, 0 to 128 */
};

/* addr cut to plen bits, at most the family's. */
struct prefix prefix_of(const struct addr *a, unsigned plen);
/* All of an address: /32, /128. */
struct prefix prefix_host(const struct addr *a);
/* The first plen bits are one: 255.255.255.0 of 24. */
struct addr prefix_mask(int family, unsigned plen);
/* The length whose mask this is, or -1: its ones do not come first. */
int	 prefix_mask_len(const struct addr *mask);

bool	 prefix_equal(const struct prefix *a, const struct prefix *b);
/* By address, the shorter one first. */
int	 prefix_compare(const struct prefix *a, const struct prefix *b);
/* Never of another family. */
bool	 prefix_contains(const struct prefix *p, const struct addr *a);
/* May one host have both?  One address, or of IPv6 two of the same /64: what
 * strangers may have "an address" is counted so. */
bool	 addr_same_network(const struct addr *a, const struct addr *b);
/* Is all of b in a? */
bool	 prefix_covers(const struct prefix *a, const struct prefix *b);
/* Lies all of it where addr_is_private() but link-local: space that
 * no one owner has? */
bool	 prefix_is_private(const struct prefix *p);
/* Of 10/8, 172.16/12 or 192.168/16? */
bool	 prefix_is_rfc1918(const struct prefix *p);

/* "198.51.100.0/24"; an address alone is /32 or /128. */
const char *prefix_text(const struct prefix *p, char *out, size_t cap);
#define PREFIX_TEXT(p) \
	prefix_text((p), (char[PREFIX_TEXT_MAX]){ 0 }, PREFIX_TEXT_MAX)
/* 0, or -1 (and p is of none) of what is malformed or has bits beyond plen. */
int	 prefix_parse(struct prefix *p, const char *text);

#endif
