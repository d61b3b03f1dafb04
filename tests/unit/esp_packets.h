/* esp_packets.h - inner and outer packets of the tests of ESP, and SAs of the known answers */
#ifndef TESTS_UNIT_ESP_PACKETS_H
#define TESTS_UNIT_ESP_PACKETS_H

#include "net/ip.h"
#include "oe/esp/esp.h"
#include "tests/unit/esp_vectors.h"

#define NVECTORS (sizeof(vectors) / sizeof(vectors[0]))

extern uint8_t inner[IP_PACKET_MAX], outer[IP_PACKET_MAX + 1],
    back[IP_PACKET_MAX];

/* Blanks are passed over.  Returns the length. */
size_t unhex(uint8_t *out, const char *s);
struct esp_params params_of(const struct vector *v);
/* AES-256-CBC with HMAC-SHA2-256-128, or what else the vectors have first. */
struct esp_params params_default(void);
/* esp_seal(), esp_open() and esp_spi() of bytes, as they come by a wire.  The
 * first two give the length of what is in out, or an esp_error. */
int seal_bytes(struct esp_sa *sa, const uint8_t *pkt, size_t len, uint8_t *out,
	    size_t cap);
int open_bytes(struct esp_sa *sa, const uint8_t *pkt, size_t len, uint8_t *out,
	    size_t cap);
bool spi_of_bytes(const uint8_t *pkt, size_t len, uint32_t *spi);
/* A whole IPv4 packet of len bytes with recognisable contents, into inner. */
void make_inner(size_t len, uint8_t tos, bool df);
/* Writes an outer header before esp_len bytes that stand at outer + 20. */
size_t outer_finish(size_t esp_len);
/*
 * A packet put together here from RFC 4303, to say what esp_seal() never does:
 * text goes in as it is, padding and trailer included.
 */
size_t reference_seal(const struct esp_params *p, uint32_t seq,
	    const uint8_t *text, size_t len);

#endif
