/* child.h - the keyed connection: what the keying engine reports (draft -17 §3.2.6) */
#ifndef OE_CHILD_H
#define OE_CHILD_H

#include "oe/connection.h"
#include "oe/pair.h"

#define PAIRS_MAX	8		/* SA pairs of one connection, each with an SPI */

void	connection_tick_keyed(struct connection *conn);
/* What the keying engine reports (keying.h). */
void	child_up(struct connection *conn, const struct keying_child *k);
void	child_confirmed(struct connection *conn, uint32_t spi_in);
void	child_down(struct connection *conn, uint32_t spi_in, bool by_peer);
/* Its peer cannot be reached any more: the SAs go without a word to it. */
void	connection_lost(struct connection *conn);

/* ESP that was good, and newer than all before, came in UDP from this address
 * (network order) and port: a NAT's mapping may have changed (RFC 3948 §4). */
void	pair_heard_from(struct sa_pair *p, uint32_t peer, uint16_t port);

#endif
