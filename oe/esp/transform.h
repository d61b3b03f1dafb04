/* transform.h - encryption and ICV of ESP under the keys of one SA (RFC 4303 §3.3.2, §3.4.4) */
#ifndef OE_ESP_TRANSFORM_H
#define OE_ESP_TRANSFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oe/esp/params.h"

#define ESP_HEADER_LEN	8	/* SPI, sequence number */

/*
 * Nothing of a packet is remembered: which numbers were used is the caller's
 * to know.  So there may be several of one SA, each for one thread at a time,
 * as long as none of them ever gets a number that another one had.
 */
struct esp_transform;

/*
 * Copies the keys of p.  seals: for what is sent; else for what comes.  NULL
 * after a log line if the algorithms or key lengths do not fit.
 */
struct esp_transform *esp_transform_new(const struct esp_params *p, bool seals);
/* Wipes keys; NULL is allowed. */
void	esp_transform_free(struct esp_transform *t);

/* What stands between header and text, and behind the text, in bytes; text is a
 * multiple of the block. */
size_t	esp_transform_iv_len(const struct esp_transform *t);
size_t	esp_transform_icv_len(const struct esp_transform *t);
size_t	esp_transform_block(const struct esp_transform *t);

/*
 * esp: header, room for the IV, text_len bytes of text with its trailer, room
 * for the ICV.  Writes the IV, encrypts in place, writes the ICV.  seq is the
 * number in the header with its high half, and must never come again under
 * these keys.  False: nothing of it may be sent.
 */
bool	esp_transform_seal(struct esp_transform *t, uint8_t *esp,
	    size_t text_len, uint64_t seq);
/*
 * The reverse: text_len bytes are written to out, which is not within esp;
 * with false they are not authentic.
 */
bool	esp_transform_open(struct esp_transform *t, const uint8_t *esp,
	    size_t text_len, uint64_t seq, uint8_t *out);

#endif
