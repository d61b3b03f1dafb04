/* record_keys.h - keys of records in DNS, for the tests of records and of messages */
#ifndef TESTS_UNIT_RECORD_KEYS_H
#define TESTS_UNIT_RECORD_KEYS_H

#include "oe/pubkey.h"

#define OWNER	"10.100.51.198.in-addr.arpa"
#define GATEWAY	"198.51.100.10"
#define BITS	PUBKEY_BITS_MIN

/* cmocka's assertions in a form that says which case failed. */
#define CHECK_INT(what, got, want) do {					\
	long long g_ = (long long)(got), w_ = (long long)(want);	\
	if (g_ != w_)							\
		fail_msg("%s: " #got " is %lld, not %lld", what, g_, w_); \
} while (0)

struct pubkey key_of(unsigned seed);
/* "PREFIX KEY" with a key of 2048 bits; the caller frees. */
char *text_with_key(const char *prefix, unsigned seed);
void assert_key(const struct pubkey *got, unsigned seed);
/* IPSECKEY data (RFC 4025 §2.1); k NULL: without a key.  Returns the length. */
size_t ipseckey(uint8_t *out, uint8_t precedence, uint8_t type,
	    uint8_t algorithm, const void *gateway, size_t glen,
	    const struct pubkey *k);

#endif
