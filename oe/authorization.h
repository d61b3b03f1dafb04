/* authorization.h - what peers asked to speak for, until the reverse map has said whether they may (draft -17 §3.3.2, §3.3.3) */
#ifndef OE_AUTHORIZATION_H
#define OE_AUTHORIZATION_H

#include "oe/connection.h"

/*
 * What an authenticated peer asked for, and whether the reverse map of the
 * address that it would speak for names it (draft -17 §3.3.2, §3.3.3).
 */
struct authorization {
	TAILQ_ENTRY(authorization) entry;
	struct core	  *core;
	uint64_t	   token;	/* of the Phase 2 proposal
					 * that waits, or */
	struct connection *conn;	/* granted already, but not
					 * all of the address */
	struct keying_id   id;
	struct spd_key	   key;
	enum oe_class	   class;
	bool		   shares;
	bool		   answered;	/* DNS said something,
					 * not only nothing */
	uint32_t	   ttl;
	unsigned	   waiting;
};

/* The caller fills in the rest; NULL at the limit, of one peer too: its
 * questions must not use up everybody's. */
struct authorization *authorization_new(struct core *c,
	    const struct keying_id *id);
/* Asks nothing more for it. */
void	authorization_free(struct authorization *a);
/* The one for a connection that is granted already; NULL: none. */
struct authorization *authorization_of(const struct core *c,
	    const struct connection *conn);
/* Asks nothing more for a connection that goes. */
void	authorizations_forget(struct core *c, const struct connection *conn);
void	authorizations_free(struct core *c);

#endif
