/* crossing.h - both ends began at once without names: two connections that are with one peer */
#ifndef OE_CROSSING_H
#define OE_CROSSING_H

#include "oe/connection.h"

#define CROSSING	10000	/* milliseconds: two negotiations this close
				 * crossed */

/*
 * Who proves nothing is not known again: what it began and what it answered are
 * two connections (RFC 7619 §2.3).  These may be with one peer: theirs, which
 * came of it, and ours, which it answered.  Where other nobodies are at that
 * address too, or theirs is of some NAT's or lease's port, that is not known.
 */
bool	crossing_may_be(const struct connection *theirs,
	    const struct connection *ours);
/* One peer has both.  What comes on either is for ours, which is sent on; that
 * gives way after a while where its IKE SA has the lower nonce, and else the
 * peer's does, by the peer (RFC 7296 §2.8 has that choice for rekeys). */
void	crossing_join(struct connection *theirs, struct connection *ours);
/* Each is for itself again. */
void	crossing_part(struct connection *conn);
/* The one that flows belong to. */
struct connection *crossing_ours(struct connection *conn);
/*
 * What the peer of conn, which has no keys, began itself with port 500 of its
 * address, all to all and with no NAT before it: the only one there that has
 * keys with us.  NULL: there is none.
 */
struct connection *crossing_theirs(const struct connection *conn);
/* Somebody at the address of conn has keys with us. */
bool	crossing_is_beside(const struct connection *conn);

#endif
