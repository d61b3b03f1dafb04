/* flow.h - which security association each flow belongs to: session-oriented keying (RFC 3104 §3) */
#ifndef OE_FLOW_H
#define OE_FLOW_H

#include "oe/connection.h"

struct packet_view;

#define FLOWS_PER_OWNER	4096		/* of one peer, or in the clear
					 * with one address */
#define FLOWS_MAX	131072		/* of all peers, and as
					 * many in the clear */

/*
 * All of it is about entries with nshared != 0.  Packets are whole IPv4
 * packets; the caller has checked that their addresses are those of the
 * connection's selectors.
 */

/* A packet came out of conn's SA.  False if its flow is another's, *holder's
 * (NULL: the clear's, or nobody's): to be dropped. */
bool	flow_hear(struct core *c, struct connection *conn,
	    const struct packet_view *v, struct connection **holder);
/* The same for one that came in the clear to e's addresses. */
bool	flow_hear_clear(struct core *c, struct spd_entry *e,
	    const struct packet_view *v);
/* The connection that an outbound packet's flow belongs to; NULL: no SA's. */
struct connection *flow_owner(struct core *c, struct spd_entry *e,
	    const struct packet_view *v);
/* An outbound packet that was no SA's went over conn, or in
 * the clear (NULL). */
void	flow_sent(struct core *c, struct spd_entry *e, struct connection *conn,
	    const struct packet_view *v);
/* The same as flow_owner(), by ports (host order; 0 where there are none), for
 * those who only ask. */
struct connection *flow_peek(const struct core *c, const struct addr *ours,
	    const struct addr *theirs, uint8_t protocol, uint16_t our_port,
	    uint16_t their_port);
/* What one has is the other's from here on. */
void	flow_give(struct core *c, struct connection *from,
	    struct connection *to);
void	flow_forget(struct core *c, struct connection *conn);
void	flow_forget_clear(struct core *c, struct spd_entry *e);

#endif
