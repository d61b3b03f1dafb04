/* responder.h - keying, responder (draft -17 §3.3) */
#ifndef OE_RESPONDER_H
#define OE_RESPONDER_H

#include "oe/connection.h"

#define PEERS_MAX	1024		/* responder: identities with their keys, cached */
#define PEER_WAITING_MAX 16		/* negotiations that wait for one identity's keys */
#define PEERS_WAITING_PER_ADDRESS 8	/* identities looked up for one address at once */
#define AUTHORIZATIONS_MAX 256		/* Phase 2 proposals that wait for a TXT record */
#define AUTHORIZATIONS_PER_PEER 16

void	responder_peer_lookup(struct core *c, uint64_t now, uint64_t token,
	    const struct keying_id *id, enum keying_how claims,
	    const struct keying_path *path);
void	responder_child_ask(struct core *c, uint64_t now, uint64_t token,
	    const struct keying_ask *ask);
void	responder_initial_contact(struct core *c, uint64_t now,
	    const struct keying_id *id, const struct addr *peer);
/* How DNS vouched for an identity's cached keys. */
bool	responder_authentic(struct core *c, const struct keying_id *id);
/* Asks nothing more for a connection that goes. */
void	responder_forget(struct core *c, const struct connection *conn);
void	responder_tick(struct core *c);
void	responder_free(struct core *c);

#endif
