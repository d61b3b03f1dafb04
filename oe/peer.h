/* peer.h - the identities that ask us for keys, and what DNS says their keys are (draft -17 §3.3.1) */
#ifndef OE_PEER_H
#define OE_PEER_H

#include "oe/core.h"

/* The keying engine wants the keys of an identity that is being negotiated
 * with, from an address: it gets them by that token, now or when DNS has
 * answered.  False: it gets none. */
bool	peer_ask_keys(struct core *c, uint64_t token,
	    const struct keying_id *id, const struct addr *from);
/* Did DNSSEC vouch for an identity's cached keys? */
bool	peer_is_authentic(const struct core *c, const struct keying_id *id);
/* Was DNSSEC to be checked here for them, and could not be? */
bool	peer_is_doubtful(const struct core *c, const struct keying_id *id);
void	peers_tick(struct core *c);
/* When that has something to do again; UINT64_MAX: not by itself. */
uint64_t peers_next(const struct core *c);
void	peers_free(struct core *c);

#endif
