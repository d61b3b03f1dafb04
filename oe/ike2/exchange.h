/* exchange.h - the exchanges of an IKE SA: what comes, what is repeated, what is next */
#ifndef OE_IKE2_EXCHANGE_H
#define OE_IKE2_EXCHANGE_H

#include "oe/ike2/sa.h"

/* The next of what is to be done, if the window is free. */
void	ike2_exchange_next(struct ike2_sa *sa, uint64_t now);
void	ike2_exchange_tick(struct ike2_sa *sa, uint64_t now);
/* Says in the clear that nobody here knows this SPI of the peer's ESP
 * (RFC 7296 §1.5). */
void	ike2_spi_hint(struct ike2 *e, const struct keying_path *path,
	    uint32_t spi);
/* A datagram without its marker, hostile. */
void	ike2_message(struct ike2 *e, uint64_t now,
	    const struct keying_path *path, const uint8_t *buf, size_t len);

#endif
