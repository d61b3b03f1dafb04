/* plane.h - the forwarding plane: what happens to each datagram (draft -17 §3.1) */
#ifndef OE_PLANE_H
#define OE_PLANE_H

#include "oe/connection.h"

/* A clear packet on its way out: held, passed, encrypted or dropped. */
void	plane_outbound(struct core *c, uint64_t now,
	    const struct packet_view *v);
/* A clear packet from the network: false if policy forbids taking it. */
bool	plane_inbound_clear(struct core *c, uint64_t now,
	    const struct packet_view *v);
/* Clear packets between two addresses went past us (shell.h: pass_pair). */
void	plane_passed(struct core *c, uint64_t now, const struct addr *src,
	    const struct addr *dst, const struct oe_passed *n);
void	plane_inbound_esp(struct core *c, uint64_t now,
	    const struct packet_view *v);
/* The same of what was opened already, by the data plane of the pair with that
 * inbound SPI. */
void	plane_inbound_opened(struct core *c, uint64_t now, uint32_t spi,
	    const struct packet_view *v);
/* The datagram that began a connection goes once more if nothing came back on
 * its keys: a peer may have had them later than we. */
void	plane_again(struct connection *conn);
/* Sends what may go now, and frees entries that nothing is left of.  To be
 * called at the end of whatever was said to the core. */
void	plane_release(struct core *c);

#endif
