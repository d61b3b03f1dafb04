/* liveness.h - does the peer still have our SAs? */
#ifndef OE_LIVENESS_H
#define OE_LIVENESS_H

#include "oe/connection.h"
#include "oe/pair.h"

#define SUSPECT_INTERVAL 60000		/* an unknown SPI makes us rekey
					 * at most this often */

/* ESP went to the peer, or came from it and was good. */
void	liveness_sent(struct connection *conn);
/* Seconds since ESP first went without an answer; 0: not for so long, or not so
 * often, that it says anything. */
unsigned liveness_silence(const struct connection *conn);
void	liveness_heard(struct connection *conn);
/* Another without a name at its address wants what it has: does it live? */
void	liveness_doubt(struct connection *conn);
void	liveness_tick(struct connection *conn);
/* The keying engine asked, and nobody answered (keying.h). */
void	liveness_peer_silent(struct connection *conn);
void	liveness_invalid_spi(struct core *c, uint64_t now,
	    const struct addr *peer, uint32_t spi_out,
	    const struct keying_id *who);
/* ESP that was good, and newer than all before, came in UDP from this address
 * and port: a NAT's mapping may have changed (RFC 3948 §4). */
void	liveness_heard_from(struct sa_pair *p, const struct addr *peer,
	    uint16_t port);
/* The same of ESP that a data plane has opened, whose inbound SA is known by
 * its SPI and by where it came to. */
void	liveness_mapped(struct core *c, uint64_t now, uint32_t spi,
	    const struct addr *dst, const struct addr *peer, uint16_t port);
/* The machine slept, or came to another link: every peer is asked at once. */
void	liveness_wake(struct core *c, uint64_t now, const char *why);

#endif
