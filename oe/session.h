/* session.h - flows that have keys of their own, or wait for them (RFC 3104 §3) */
#ifndef OE_SESSION_H
#define OE_SESSION_H

#include "oe/connection.h"
#include "oe/pair.h"

struct packet_view;

/* A flow that waits for keys. */
struct session {
	TAILQ_ENTRY(session) entry;
	struct keying_selector ours, theirs;
	struct datagram	  *held;	/* the last one; NULL: none */
	uint64_t	   since;
};

/* May hosts beside us be what is in the way of this connection? */
bool	session_can(const struct connection *conn);
/* The pair for a packet of ours; NULL: none. */
struct sa_pair *session_pair(const struct connection *conn,
	    const struct packet_view *v);
/* A packet of ours goes over the whole pair. */
void	session_note(struct connection *conn, const struct packet_view *v);
/* Is it for a peer that must not be asked for more than flows, and none? */
bool	session_denies(const struct core *c, const struct packet_view *v);
/* The selectors of the flow that a packet of ours is of; false
 * if it names none. */
bool	session_flow(const struct connection *conn,
	    const struct packet_view *v, struct keying_selector *ours,
	    struct keying_selector *theirs);
/* What goes by a protocol and a port (host order) only. */
void	session_narrow(struct keying_selector *s, uint8_t protocol,
	    uint16_t port);
/* The flow waits for keys from here on; NULL at the limit. */
struct session *session_add(struct connection *conn,
	    const struct keying_selector *ours,
	    const struct keying_selector *theirs);
void	session_free(struct connection *conn, struct session *s);
/* The flow of the datagram that is on hold is asked for next;
 * false: it is none. */
bool	session_of_held(struct connection *conn);
/* Keys are about to be asked for: a flow's, perhaps.  False: for nothing. */
bool	session_begin(struct connection *conn);
/* The selectors of the request that is being made; network order. */
void	session_selectors(const struct connection *conn,
	    struct keying_selector *ours, struct keying_selector *theirs);
void	session_forget(struct connection *conn);
/* "tcp 40000 80", ours first; empty for a whole pair. */
void	session_text(const struct sa_pair *p, char *out, size_t cap);

#endif
