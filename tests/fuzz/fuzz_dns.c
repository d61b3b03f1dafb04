/* fuzz_dns.c - any bytes as a DNS answer; the first byte chooses what was asked for */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "oe/record.h"
#include "oe/rr.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = { RECORD_TYPE_TXT, RECORD_TYPE_KEY,
		RECORD_TYPE_IPSECKEY, RR_TYPE_SOA };
	struct record_answer a;
	unsigned	     i;

	if (size == 0)
		return 0;
	record_parse(&a, data + 1, size - 1, "10.100.51.198.in-addr.arpa",
	    types[data[0] % 4], PUBKEY_BITS_MIN);
	if (a.n > RECORD_MAX || (a.status == RECORD_FOUND) != (a.n > 0) ||
	    a.ttl > INT32_MAX)
		abort();
	for (i = 0; i < a.n; i++) {
		if ((i > 0 && a.r[i - 1].precedence > a.r[i].precedence) ||
		    memchr(a.r[i].gateway.name, '\0',
		    sizeof(a.r[i].gateway.name)) == NULL ||
		    (a.r[i].key.len != 0 && a.r[i].key.type == PUBKEY_RSA &&
		    pubkey_bits(&a.r[i].key) < PUBKEY_BITS_MIN))
			abort();
	}
	return 0;
}
