/* fuzz_txt.c - any bytes as one TXT, KEY or IPSECKEY record's data */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "oe/record.h"
#include "tests/fuzz/fuzz.h"

/* What was taken can be written and read again, and OpenSSL has a say. */
static void
check(const struct record *r)
{
	EVP_PKEY     *pkey;
	char	      text[PUBKEY_WIRE_MAX * 2];
	struct pubkey again;

	if (memchr(r->gateway.name, '\0', sizeof(r->gateway.name)) == NULL)
		abort();
	if (r->key.len == 0)
		return;
	if (pubkey_to_base64(&r->key, text, sizeof(text)) == -1 ||
	    pubkey_from_base64(&again, text, strlen(text), 1024) == -1 ||
	    !pubkey_equal(&again, &r->key))
		abort();
	pkey = pubkey_to_evp(&r->key);
	if (pkey == NULL && r->key.type != PUBKEY_RSA)
		abort();
	EVP_PKEY_free(pkey);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record r;

	if (record_key(&r, data, size, 1024) == RECORD_READ)
		check(&r);
	if (record_ipseckey(&r, data, size, 1024) == RECORD_READ)
		check(&r);
	if (record_txt(&r, (const char *)data, size, 1024) == RECORD_READ)
		check(&r);
	return 0;
}
