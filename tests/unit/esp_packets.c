/* esp_packets.c - inner and outer packets of the tests of ESP, and SAs of the known answers */
#include "config.h"

#include <arpa/inet.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "tests/unit/esp_packets.h"
#include "tests/unit/packet_equal.h"

uint8_t inner[IP_PACKET_MAX], outer[IP_PACKET_MAX + 1],
    back[IP_PACKET_MAX];

size_t
unhex(uint8_t *out, const char *s)
{
	static const char digits[] = "0123456789abcdef";
	size_t		  n = 0;
	unsigned	  nibbles = 0, v = 0;

	for (; *s != '\0'; s++) {
		if (*s == ' ')
			continue;
		v = v << 4 | (unsigned)(strchr(digits, *s) - digits);
		if (++nibbles % 2 == 0) {
			out[n++] = (uint8_t)v;
			v = 0;
		}
	}
	return n;
}

struct esp_params
params_of(const struct vector *v)
{
	struct esp_params p = { .spi = VECTOR_SPI, .cipher = v->cipher,
		.cipher_len = v->key_len, .auth = v->auth,
		.auth_len = v->auth_len, .esn = v->esn };

	p.src = addr_from_v4(inet_addr("198.51.100.1"));
	p.dst = addr_from_v4(inet_addr("198.51.100.10"));
	memcpy(p.cipher_key, vector_key, v->key_len);
	memcpy(p.auth_key, vector_auth, v->auth_len);
	return p;
}

struct esp_params
params_default(void)
{
	size_t i;

	for (i = 0; i < NVECTORS; i++) {
		if (vectors[i].cipher == ESP_AES_CBC && !vectors[i].esn &&
		    vectors[i].key_len == 32 &&
		    vectors[i].auth == ESP_AUTH_HMAC_SHA2_256)
			return params_of(&vectors[i]);
	}
	abort();
}

void
make_inner(size_t len, uint8_t tos, bool df)
{
	struct packet_view v = { .src = addr_from_v4(inet_addr("192.0.2.1")),
		.dst = addr_from_v4(inet_addr("192.0.2.2")), .tos = tos,
		.ttl = 63, .protocol = 253, .df = df, .id = 0x1234,
		.len = len };
	size_t		   i;

	ip_write(inner, &v);
	for (i = IP_HEADER_LEN; i < len; i++)
		inner[i] = (uint8_t)(i * 31 + 7);
}

size_t
outer_finish(size_t esp_len)
{
	struct packet_view v = { .src = addr_from_v4(inet_addr("198.51.100.1")),
		.dst = addr_from_v4(inet_addr("198.51.100.10")), .ttl = 64,
		.protocol = IPPROTO_ESP, .len = IP_HEADER_LEN + esp_len };

	ip_write(outer, &v);
	return v.len;
}

int
seal_bytes(struct esp_sa *sa, const uint8_t *pkt, size_t len, uint8_t *out,
    size_t cap)
{
	struct packet_view v, sealed, read;
	int		   rc;

	if (!packet_parse(&v, pkt, len))
		return ESP_E_INNER;
	if ((rc = esp_seal(sa, &v, out, cap, &sealed)) != ESP_OK)
		return rc;
	/* What it says of the packet is what stands there. */
	assert_true(packet_parse(&read, out, sealed.len));
	assert_true(packet_equal(&read, &sealed));
	return (int)sealed.len;
}

int
open_bytes(struct esp_sa *sa, const uint8_t *pkt, size_t len, uint8_t *out,
    size_t cap)
{
	struct packet_view v, opened, read;
	int		   rc;

	if (!packet_parse(&v, pkt, len))
		return ESP_E_LENGTH;
	if ((rc = esp_open(sa, &v, out, cap, &opened)) != ESP_OK)
		return rc;
	assert_true(packet_parse(&read, out, opened.len));
	assert_true(packet_equal(&read, &opened));
	return (int)opened.len;
}

bool
spi_of_bytes(const uint8_t *pkt, size_t len, uint32_t *spi)
{
	struct packet_view v;

	return packet_parse(&v, pkt, len) && esp_spi(&v, spi);
}

size_t
reference_seal(const struct esp_params *p, uint32_t seq, const uint8_t *text,
    size_t len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t	       *esp = outer + IP_HEADER_LEN;
	unsigned	maclen;
	int		n;

	store_u32(esp, p->spi);
	store_u32(esp + 4, seq);
	memset(esp + 8, 0x5a, 16);
	assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_256_cbc(), NULL,
	    p->cipher_key, esp + 8), 1);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	assert_int_equal(EVP_EncryptUpdate(ctx, esp + 24, &n, text,
	    (int)len), 1);
	assert_int_equal(n, len);
	EVP_CIPHER_CTX_free(ctx);
	assert_non_null(HMAC(EVP_sha256(), p->auth_key, 32, esp, 24 + len,
	    esp + 24 + len, &maclen));
	return outer_finish(24 + len + 16);
}
