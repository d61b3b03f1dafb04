/* session.h - flows that have keys of their own (RFC 3104 §3) */
#ifndef OE_SESSION_H
#define OE_SESSION_H

#include "oe/connection.h"
#include "oe/pair.h"

struct ip_info;

#define SESSIONS_MAX	24		/* and for flows alone; fewer than a Phase 1 SA serves */
#define COLLISIONS_MAX	256		/* peers that cannot tell hosts at our address apart */

/* The pair for a packet of ours; NULL: none. */
struct sa_pair *session_pair(const struct connection *conn, const uint8_t *pkt,
	    const struct ip_info *ip);
/* A packet of ours goes over the whole pair. */
void	session_note(struct connection *conn, const uint8_t *pkt,
	    const struct ip_info *ip);
/* There is none: it waits for keys.  False if it can have none. */
bool	session_wait(struct connection *conn, const uint8_t *pkt,
	    const struct ip_info *ip);
/* Is it for a peer that must not be asked for more than flows, and none? */
bool	session_denies(const struct core *c, const uint8_t *pkt,
	    const struct ip_info *ip);
/* Keys are about to be asked for: a flow's, perhaps.  False: for nothing. */
bool	session_begin(struct connection *conn);
/* The selectors of the request that is being made; network order. */
void	session_selectors(const struct connection *conn,
	    struct keying_selector *ours, struct keying_selector *theirs);
/* Keys for p came; those who waited for them are sent. */
void	session_keyed(struct connection *conn, const struct sa_pair *p);
/* The request under way failed.  True if that is dealt with. */
bool	session_failed(struct connection *conn, enum keying_failure f,
	    const char *detail);
/* What a refusal of all that was asked for seems to mean; false: nothing is known. */
bool	session_why(const struct connection *conn, char *out, size_t cap);
/* The peer deleted what was in use; heard: something had come on it.  True if the
 * connection was settled. */
bool	session_deleted(struct connection *conn, bool heard);
/* Nothing comes from a peer that lives. */
void	session_one_way(struct connection *conn);
void	session_tick(struct connection *conn);
void	session_forget(struct connection *conn);
void	collisions_free(struct core *c);
/* "tcp 40000 80", ours first; empty for a whole pair. */
void	session_text(const struct sa_pair *p, char *out, size_t cap);

#endif
