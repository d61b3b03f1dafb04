/* record_keys.c - keys of records in DNS, for the tests of records and of messages */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "tests/unit/dns_message.h"
#include "tests/unit/record_keys.h"

struct pubkey
key_of(unsigned seed)
{
	struct pubkey k;

	memset(&k, 0, sizeof(k));
	dns_message_key(&k, BITS, seed);
	return k;
}

char *
text_with_key(const char *prefix, unsigned seed)
{
	struct pubkey k = key_of(seed);
	size_t	      n = strlen(prefix), cap = n + 2048;
	char	     *s = xcalloc(1, cap);

	memcpy(s, prefix, n);
	assert_true(pubkey_to_base64(&k, s + n, cap - n) > 0);
	return s;
}

void
assert_key(const struct pubkey *got, unsigned seed)
{
	struct pubkey want = key_of(seed);

	assert_int_equal(got->len, want.len);
	assert_memory_equal(got->wire, want.wire, want.len);
}

size_t
ipseckey(uint8_t *out, uint8_t precedence, uint8_t type, uint8_t algorithm,
    const void *gateway, size_t glen, const struct pubkey *k)
{
	out[0] = precedence;
	out[1] = type;
	out[2] = algorithm;
	memcpy(out + 3, gateway, glen);
	if (k == NULL)
		return 3 + glen;
	memcpy(out + 3 + glen, k->wire, k->len);
	return 3 + glen + k->len;
}
