/* esp.h - ESP in user space: one security association a struct (RFC 4303, RFC 2406) */
#ifndef OE_ESP_ESP_H
#define OE_ESP_ESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ip.h"
#include "oe/esp/params.h"

/* At most: outer header 20 or 40, UDP 8, ESP 8, IV 16, padding 15, trailer 2,
 * ICV 32. */
#define ESP_OVERHEAD	104
#define ESP_OVERHEAD6	124

struct esp_sa;

enum esp_error {
	ESP_OK = 0,
	ESP_E_LENGTH = -1,	/* too short, not a multiple of the block, too
				 * long for the buffer */
	ESP_E_REPLAY = -2,	/* seen, or left of the window */
	ESP_E_AUTH = -3,	/* bad ICV or bad padding: not told apart */
	ESP_E_OVERFLOW = -4,	/* sequence numbers are used up: rekey */
	ESP_E_INNER = -5,	/* decrypted, but not a whole packet */
	ESP_E_DUMMY = -6,	/* next header 59 (RFC 4303 §2.6):
				 * drop in silence */
	ESP_E_INTERNAL = -7,
	ESP_E_PLANE = -8,	/* not done here (dataplane.h): the kernel
				 * has it, or nobody */
};

/*
 * Copies p (the caller wipes its own copy).  outbound decides which way the
 * cipher context is keyed.  NULL after a log line if the algorithms or key
 * lengths do not fit.
 */
struct esp_sa *esp_sa_new(const struct esp_params *p, bool outbound);
void	esp_sa_free(struct esp_sa *sa);	/* wipes keys; NULL is allowed */

/*
 * Encapsulates a packet (of a tunnel its family need not be the outer one; in
 * transport mode it is between the SA's two addresses, no fragment, and without
 * options: else ESP_E_INNER) into the one that *outer shows, in out: outer
 * header, UDP if asked, ESP.
 * DSCP, ECN and DF as RFC 4301 §5.1.2 and RFC 6040; a flow label of IPv6 for
 * the SA, not for what is inside (RFC 6437).  inner's bytes may lie in out too.
 * No allocation.
 */
enum esp_error esp_seal(struct esp_sa *sa, const struct packet_view *inner,
	    uint8_t *out, size_t cap, struct packet_view *outer);

/*
 * The reverse: outer is raw ESP or UDP-encapsulated, and belongs to sa.  With
 * ESP_OK *inner shows what was in it, in out, its TTL as it was, ECN combined
 * as RFC 6040 §4.2.  The replay window moves only when the ICV is right.
 */
enum esp_error esp_open(struct esp_sa *sa, const struct packet_view *outer,
	    uint8_t *out, size_t cap, struct packet_view *inner);

/* The SPI (host order) of a raw or UDP-encapsulated ESP packet; false
 * if there is none. */
bool	esp_spi(const struct packet_view *v, uint32_t *spi);

/* Packets and bytes that went through, and what was refused. */
void	esp_sa_counters(const struct esp_sa *sa, struct esp_counters *out);

/* Outbound and in UDP: from here on to that address, of the same family, and
 * port. */
void	esp_sa_move(struct esp_sa *sa, const struct addr *dst, uint16_t port);

/* Largest inner packet whose encapsulation fits in mtu bytes. */
size_t	esp_inner_mtu(const struct esp_sa *sa, size_t mtu);

#endif
