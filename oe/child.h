/* child.h - the keyed connection: what the keying engine reports (draft -17 §3.2.6) */
#ifndef OE_CHILD_H
#define OE_CHILD_H

#include "oe/connection.h"
#include "oe/pair.h"

#define PAIRS_MAX	8		/* SA pairs of one connection,
					 * each with an SPI */

/* What the keying engine reports (keying.h). */
void	child_up(struct connection *conn, const struct keying_child *k);
void	child_confirmed(struct connection *conn, uint32_t spi_in);
void	child_down(struct connection *conn, uint32_t spi_in, bool by_peer);
/* Another pair may be the one that carries what is sent: the data plane that
 * has it must be able to. */
void	child_follow(struct connection *conn);

#endif
