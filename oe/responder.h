/* responder.h - keying, responder (draft -17 §3.3) */
#ifndef OE_RESPONDER_H
#define OE_RESPONDER_H

#include "oe/connection.h"

/* keying_ops.peer_lookup: finds the keys of an identity that claims how; the
 * answer goes to the engine by token. */
void	responder_peer_lookup(struct core *c, uint64_t now, uint64_t token,
	    const struct keying_id *id, enum keying_how claims,
	    const struct keying_path *path);
/* keying_ops.child_ask: may the peer have these SAs?  The answer as above. */
void	responder_child_ask(struct core *c, uint64_t now, uint64_t token,
	    const struct keying_ask *ask);
/* The same, since when it was asked for first. */
void	responder_ask(struct core *c, uint64_t now, uint64_t token,
	    const struct keying_ask *ask, uint64_t since);
/* keying_ops.initial_contact: what is older with that peer ends. */
void	responder_initial_contact(struct core *c, uint64_t now,
	    const struct keying_id *id, const struct addr *peer);

#endif
