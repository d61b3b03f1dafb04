/* params.h - what was negotiated for one ESP SA (RFC 2407 §4.4, RFC 4303), whoever does it */
#ifndef OE_ESP_PARAMS_H
#define OE_ESP_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

/* ESP transform identifiers of the IPsec DOI (RFC 2407 §4.4.4,
 * RFC 3602, RFC 4106), and of IKEv2 alone (RFC 7634). */
enum esp_cipher {
	ESP_3DES_CBC = 3,
	ESP_AES_CBC = 12,
	ESP_AES_GCM_16 = 20,
	ESP_CHACHA20_POLY1305 = 28,
};
/* Authentication algorithm attribute (RFC 2407 §4.5, RFC 4868). */
enum esp_auth {
	ESP_AUTH_NONE = 0,		/* only with combined modes */
	ESP_AUTH_HMAC_MD5 = 1,		/* -96 */
	ESP_AUTH_HMAC_SHA1 = 2,		/* -96 */
	ESP_AUTH_HMAC_SHA2_256 = 5,	/* -128 */
	ESP_AUTH_HMAC_SHA2_384 = 6,	/* -192 */
	ESP_AUTH_HMAC_SHA2_512 = 7,	/* -256 */
};

#define ESP_KEY_MAX	68		/* AES-256-GCM would be 36,
					 * HMAC-SHA2-512 is 64 */

struct esp_params {
	uint32_t spi;			/* host order */
	struct addr src, dst;		/* outer addresses */
	uint16_t encap_sport, encap_dport;	/* RFC 3948 UDP encapsulation,
						 * host order; 0: none */
	enum esp_cipher cipher;
	size_t	 cipher_len;		/* bytes of cipher_key (combined
					 * modes: with 4 bytes of salt) */
	uint8_t	 cipher_key[ESP_KEY_MAX];
	enum esp_auth auth;
	size_t	 auth_len;
	uint8_t	 auth_key[ESP_KEY_MAX];
	bool	 esn;			/* 64-bit sequence numbers (RFC 4304) */
	bool	 transport;		/* between src and dst themselves (RFC
					 * 4303 §3.1.1); false: a tunnel */
	uint32_t replay_window;		/* packets, 0: the default, 1024 */
};

struct esp_counters {			/* of one SA */
	uint64_t packets, bytes;	/* inner bytes; a kernel counts
					 * the outer header */
	uint64_t seq;			/* last sent, or highest received */
	uint64_t replays, auth_failures;
};

#endif
