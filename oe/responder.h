/* responder.h - keying, responder (draft -17 §3.3) */
#ifndef OE_RESPONDER_H
#define OE_RESPONDER_H

#include "oe/connection.h"

void	responder_peer_lookup(struct core *c, uint64_t now, uint64_t token,
	    const struct keying_id *id, enum keying_how claims,
	    const struct keying_path *path);
void	responder_child_ask(struct core *c, uint64_t now, uint64_t token,
	    const struct keying_ask *ask);
/* The same, since when it was asked for first. */
void	responder_ask(struct core *c, uint64_t now, uint64_t token,
	    const struct keying_ask *ask, uint64_t since);
void	responder_initial_contact(struct core *c, uint64_t now,
	    const struct keying_id *id, const struct addr *peer);

#endif
