/* session_keying.h - a peer that cannot tell hosts at our address apart is asked for each flow alone (RFC 3104 §3) */
#ifndef OE_SESSION_KEYING_H
#define OE_SESSION_KEYING_H

#include "oe/session.h"

#define SESSIONS_MAX	24		/* pairs for flows alone; fewer than a
					 * Phase 1 SA serves */

/* No pair carries this packet: it waits for keys.  False if
 * it can have none. */
bool	session_wait(struct connection *conn, const struct packet_view *v);
/* Keys for p came; those who waited for them are sent. */
void	session_keyed(struct connection *conn, const struct sa_pair *p);
/* The request under way failed. */
enum session_verdict {
	SESSION_NOT_CONCERNED,
	SESSION_DEALT_WITH,
	SESSION_ASK_AGAIN,	/* keys are to be asked for
				 * again, for a flow now */
};
enum session_verdict session_failed(struct connection *conn,
	    unsigned version, enum keying_failure f, const char *detail);
/* What a refusal of all that was asked for seems to mean; false:
 * nothing is known. */
bool	session_why(const struct connection *conn, char *out, size_t cap);
/* The peer deleted what was in use; heard: something had come on it.  True if
 * the connection was settled. */
bool	session_deleted(struct connection *conn, bool heard);
/* Nothing comes from a peer that lives. */
void	session_one_way(struct connection *conn);
void	session_tick(struct connection *conn);

#endif
