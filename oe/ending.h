/* ending.h - how a search ends, and a connection: settled, expired, lost, freed (draft -17 §3.2, §3.4) */
#ifndef OE_ENDING_H
#define OE_ENDING_H

#include "oe/connection.h"

/* Frees it; the keying engine forgets it, and tells the peer if tell. */
void	connection_free(struct connection *conn, bool tell);
/* Teardown begun by us: deletes, three tries (§3.4.2). */
void	connection_expire(struct connection *conn, enum oe_reason why);
/* What the peer began at the same time (crossing.h) takes conn's place, which
 * ends; false: there is nothing that could. */
bool	connection_give_way(struct connection *conn);
/*
 * conn was tried without a record, and failed at a peer that began itself and
 * lives: what it began is for all that we send there, as an answer to us would
 * be, and conn ends.  False: there is no such peer, or IKE at that address is
 * not its own.
 */
bool	connection_stand_aside(struct connection *conn);
/*
 * conn came to be keyed: it takes the place of such a one, or that is tried
 * again soon.  In no tick, as another connection than conn is freed: keys with
 * who speaks for flows are not the kernel's: a message or packet brings them.
 */
void	connection_stand_in(struct connection *conn);
/* Frees an entry that no connection holds, and the flows that
 * went in the clear. */
void	connection_entry_free(struct core *c, struct spd_entry *e);
/* The end of a search: clear text or denial, for lifespan seconds.  Some ends
 * deny whatever the class: malformed records, DNSSEC failure (§3.2.4). */
void	connection_settle(struct connection *conn, bool deny,
	    unsigned lifespan, const struct reason *reason);
/* No encryption: what the class says of that. */
void	connection_no_oe(struct connection *conn, unsigned lifespan,
	    const struct reason *reason);
/* Seconds that what DNS said holds on; until a failed negotiation is
 * tried again (§3.2.5). */
unsigned connection_dns_left(const struct connection *conn);
unsigned connection_failure_lifespan(const struct connection *conn);
/* The last pair of keys is gone. */
void	connection_unkeyed(struct connection *conn, enum oe_reason why);
/* The peer cannot be reached any more: the SAs go without a word to it. */
void	connection_lost(struct connection *conn);

#endif
