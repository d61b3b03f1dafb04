/* fuzz_esp_text.c - what an OE peer, a stranger with a key, encrypts for us: padding, next header, inner packet */
#include "config.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/cursor.h"
#include "net/ip.h"
#include "oe/esp/esp.h"
#include "tests/fuzz/fuzz.h"

#define SPI		0x80001000
#define TEXT_MAX	2048
#define HEAD_LEN	(IP_HEADER_LEN + 8 + 8)	/* with SPI, number and IV */
#define ICV_LEN		16

static const uint8_t key[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16 };
static const uint8_t salt[4] = { 17, 18, 19, 20 };

/* AES-128-GCM as RFC 4106 has it, of any text. */
static struct packet_view
seal(uint8_t *out, uint8_t tos, const uint8_t *text, size_t len)
{
	struct packet_view v = { .src = addr_from_v4(1), .dst = addr_from_v4(2),
		.tos = tos, .ttl = 64, .protocol = 50,
		.len = HEAD_LEN + len + ICV_LEN };
	EVP_CIPHER_CTX	*ctx = EVP_CIPHER_CTX_new();
	uint8_t		 nonce[12];
	int		 n;

	ip_write(out, &v);
	store_u32(out + 20, SPI);
	store_u32(out + 24, 1);
	store_u64(out + 28, 1);
	memcpy(nonce, salt, 4);
	store_u64(nonce + 4, 1);
	FUZZ_CHECK(ctx != NULL && EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(),
	    NULL, key, nonce) == 1 &&
	    EVP_EncryptUpdate(ctx, NULL, &n, out + 20, 8) == 1 &&
	    EVP_EncryptUpdate(ctx, out + HEAD_LEN, &n, text, (int)len) == 1 &&
	    EVP_EncryptFinal_ex(ctx, out + HEAD_LEN + n, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, ICV_LEN,
	    out + HEAD_LEN + len) == 1);
	EVP_CIPHER_CTX_free(ctx);
	return v;
}

/* The first byte is the outer header's TOS, the rest the decrypted text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t	  pkt[HEAD_LEN + TEXT_MAX + ICV_LEN];
	struct esp_params p = { .spi = SPI, .cipher = ESP_AES_GCM_16,
		.cipher_len = 20 };
	struct esp_sa	 *in;
	struct packet_view outer, ip;
	uint8_t		 *inner;
	size_t		  n;
	int		  rc;

	if (size < 2 || size - 1 > TEXT_MAX)
		return 0;
	memcpy(p.cipher_key, key, 16);
	memcpy(p.cipher_key + 16, salt, 4);
	in = esp_sa_new(&p, false);
	/* Of the exact size, so that AddressSanitizer sees its end. */
	inner = malloc(size - 1);
	FUZZ_CHECK(in != NULL && inner != NULL);
	outer = seal(pkt, data[0], data + 1, size - 1);
	rc = esp_open(in, &outer, inner, size - 1, &ip);
	if (size - 1 < 2) {
		FUZZ_CHECK(rc == ESP_E_LENGTH);
	} else if (rc < 0) {
		FUZZ_CHECK(rc == ESP_E_AUTH || rc == ESP_E_INNER ||
		    rc == ESP_E_DUMMY);
	} else {
		n = ip.len;
		FUZZ_CHECK(n <= size - 3 && ip.data == inner);
		FUZZ_CHECK(packet_parse(&ip, inner, n) && ip.len == n);
		FUZZ_CHECK(memcmp(inner + 12, data + 13, n - 12) == 0);
	}
	/* Whatever was in it, it is not taken twice. */
	if (rc != ESP_E_LENGTH)
		FUZZ_CHECK(esp_open(in, &outer, inner, size - 1, &ip) ==
		    ESP_E_REPLAY);
	free(inner);
	esp_sa_free(in);
	return 0;
}
