/* fuzz_esp.c - ESP packets: strangers' are refused, sealed ones come back as they were */
#include "config.h"

#include <string.h>

#include "base/cursor.h"
#include "oe/esp/algorithm.h"
#include "oe/esp/esp.h"
#include "tests/fuzz/fuzz.h"

#define SPI	0x80001000
#define MTU	2048

static struct esp_sa *
sa_new(enum esp_cipher cipher, enum esp_auth auth, size_t cipher_len,
    uint16_t encap, bool six, bool outbound)
{
	static const uint8_t doc[16] = { 0x20, 1, 0xd, 0xb8 };
	struct esp_params p = {
		.spi = SPI,
		.src = six ? addr_from_bytes(AF_INET6, doc) :
		    addr_from_v4(0x0a6433c6),
		.dst = six ? addr_from_bytes(AF_INET6, doc) :
		    addr_from_v4(0x016433c6),
		.encap_sport = encap,
		.encap_dport = encap,
		.cipher = cipher,
		.cipher_len = cipher_len,
		.auth = auth,
		.auth_len = esp_auth_key_len(auth),
	};
	struct esp_sa *sa;

	memset(p.cipher_key, 7, sizeof(p.cipher_key));
	memset(p.auth_key, 9, sizeof(p.auth_key));
	sa = esp_sa_new(&p, outbound);
	FUZZ_CHECK(sa != NULL);
	return sa;
}

/* The first byte chooses the algorithms; the rest is a
 * packet, ours or theirs. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		enum esp_cipher cipher;
		enum esp_auth	auth;
		unsigned	bits;
		uint16_t	encap;
		bool		six;
	} suites[] = {
		{ ESP_AES_CBC, ESP_AUTH_HMAC_SHA2_256, 256, 0, false },
		{ ESP_AES_GCM_16, ESP_AUTH_NONE, 128, 0, false },
		{ ESP_3DES_CBC, ESP_AUTH_HMAC_MD5, 192, 0, true },
		{ ESP_AES_CBC, ESP_AUTH_HMAC_SHA1, 128, 4500, false },
		{ ESP_AES_CBC, ESP_AUTH_HMAC_SHA2_256, 256, 4500, true },
		{ ESP_CHACHA20_POLY1305, ESP_AUTH_NONE, 0, 0, false },
		{ ESP_AES_CBC, ESP_AUTH_HMAC_SHA2_384, 256, 0, true },
	};
	uint8_t	       sealed[MTU + ESP_OVERHEAD6], opened[MTU + ESP_OVERHEAD6];
	struct packet_view v, outer, back;
	struct esp_sa *out, *in;
	uint32_t       spi;
	unsigned       n;

	if (size < 1 || size > MTU)
		return 0;
	n = data[0] % (sizeof(suites) / sizeof(suites[0]));
	data++;
	size--;
	out = sa_new(suites[n].cipher, suites[n].auth,
	    esp_cipher_key_len(suites[n].cipher, suites[n].bits),
	    suites[n].encap, suites[n].six, true);
	in = sa_new(suites[n].cipher, suites[n].auth,
	    esp_cipher_key_len(suites[n].cipher, suites[n].bits),
	    suites[n].encap, suites[n].six, false);
	if (packet_parse(&v, data, size)) {
		(void)esp_spi(&v, &spi);
		/* Without the key nobody makes one that opens. */
		FUZZ_CHECK(esp_open(in, &v, opened, sizeof(opened), &back) < 0);
		FUZZ_CHECK(esp_seal(out, &v, sealed, sizeof(sealed), &outer) ==
		    ESP_OK);
		FUZZ_CHECK(outer.len <= size + ESP_OVERHEAD6);
		FUZZ_CHECK(esp_spi(&outer, &spi) && spi == SPI);
		if (esp_open(in, &outer, opened, sizeof(opened), &back) ==
		    ESP_OK) {
			FUZZ_CHECK(back.len <= size && back.data == opened);
			FUZZ_CHECK(opened[0] == data[0]);
			FUZZ_CHECK(back.len >= 12 && memcmp(opened + 12,
			    data + 12, back.len - 12) == 0);
		}
		FUZZ_CHECK(esp_open(in, &outer, opened, sizeof(opened), &back) <
		    0);
	}
	esp_sa_free(out);
	esp_sa_free(in);
	return 0;
}
