/* connection.h - one connection: its struct, its life (draft -17 §3.2, §3.4) */
#ifndef OE_CONNECTION_H
#define OE_CONNECTION_H

#include <sys/queue.h>

#include "oe/esp/dataplane.h"
#include "oe/keying.h"
#include "oe/reason.h"
#include "oe/record.h"
#include "oe/spd.h"

struct peer_gateway;
struct sa_pair;
struct session;

#define SESSIONS_WAITING 8	/* flows of one connection that wait for keys */
#define CONNECTIONS_PER_ENTRY 64	/* hosts behind one
					 * address to one of ours */
#define DELETE_TRIES	3		/* draft -17 §3.4.2 */
#define DELETE_INTERVAL	10000

/* Draft -17 §3.2's states; a nonexistent connection has no struct. */
enum connection_state {
	CONNECTION_NONEXISTENT,	/* responder: authorized,
				 * waiting for its keys */
	CONNECTION_POTENTIAL,	/* DNS is asked */
	CONNECTION_AUTHENTICATE,/* what DNS said is being checked */
	CONNECTION_PENDING,	/* IKE is at work */
	CONNECTION_KEYED,
	CONNECTION_CLEAR,
	CONNECTION_DENY,
	CONNECTION_EXPIRING,	/* end of the lifespan: in use still? */
	CONNECTION_EXPIRED,	/* deletes are on their way */
};

/*
 * Whether the peer of a connection may speak for the address at its other end;
 * whose key it has is another question (connection.authentic).
 */
enum oe_right {
	RIGHT_NONE,		/* no peer yet */
	RIGHT_FLOWS,		/* nobody says so: its own flows only */
	RIGHT_DNS,		/* the address's reverse map names it */
	RIGHT_DNSSEC,		/* and DNSSEC vouches for that */
	RIGHT_CONFIGURED,	/* the operator named it */
	RIGHT_LENT,		/* one of ours, lent to it */
};

/* A TCP segment that is large for its path, and not acknowledged. */
struct large_segment {
	uint32_t ports, seq;		/* host order; our port
					 * is the high half */
	size_t	 len;			/* of its data */
	unsigned sent;			/* times; 0: none is waited for */
	uint64_t at;			/* first */
};

struct connection {
	TAILQ_ENTRY(connection) entry;	/* of its SPD entry */
	TAILQ_ENTRY(connection) all;
	TAILQ_ENTRY(connection) holding;
	uint64_t	      hold_until;	/* 0: its packets are not
						 * held, or for ever */
	struct core	     *core;
	struct spd_entry     *spd;	/* NULL when expired */
	struct spd_key	      key;
	enum connection_state state;
	enum spd_policy	      policy;
	enum cause	      cause;
	enum oe_class	      class;
	unsigned	      tunnel;
	struct reason	      reason;

	/* DNS */
	unsigned	      waiting;	/* answers that have not come */
	bool		      recheck;	/* asked again; policy
					 * stays meanwhile */
	bool		      no_identity;	/* settled, as DNS has
						 * not our own key */
	enum record_status    txt, ipseckey;
	bool		      txt_here, ipseckey_here, key_malformed;
	bool		      authentic;	/* DNSSEC vouches for the key */
	bool		      unchecked;	/* that could not be told */
	uint64_t	      dns_expires;
	enum oe_right	      right;
	uint64_t	      right_expires;	/* as responder:
						 * when to ask again */
	bool		      shares;	/* other hosts may have
					 * that address too */
	struct flow_list      flows;
	struct peer_gateway  *peer_gateways;
	unsigned	      npeer_gateways;
	unsigned	      peer_gateway;	/* the one in use */
	struct pubkey	     *peer_key;	/* that verified; NULL before */

	/* A limit of ours stands in the way: when to try again,
	 * since when; 0: none. */
	uint64_t	      room_at, room_since;

	/* keying */
	uint64_t	      met_at;	/* the first keys came; 0: none */
	uint64_t	      nonce;	/* of the initiator of the IKE SA that
					 * they came by: how it begins */
	struct connection    *crossed;	/* the other one with its
					 * peer (crossing.h) */
	uint64_t	      gives_way_at;	/* to that one; 0: it stays */
	unsigned	      requested;	/* versions of IKE that are
						 * at work, as bits */
	bool		      blind;	/* asked for although DNS has no key */
	bool		      anonymous;	/* the peer has proved
						 * nothing (RFC 7619) */
	bool		      gone;	/* does not live, and is not to
					 * be asked for keys */
	bool		      late;	/* IKEv2 is at work, but
					 * IKEv1 was quicker */
	unsigned	      spoke;	/* version of IKE that led to the
					 * last keys; 0: none */
	uint64_t	      older_at;	/* when IKEv1 begins
					 * beside; 0: it does not */
	TAILQ_ENTRY(connection) older;
	bool		      failed;	/* since the last success,
					 * as failure says */
	enum keying_failure   failure;
	struct keying_id      peer_id;
	struct keying_path    path;
	TAILQ_HEAD(sa_pairs, sa_pair) pairs;	/* newest first */
	unsigned	      nwhole;		/* of these for all between
						 * the two addresses */
	unsigned	      nblocks;	/* for blocks of our ports */
	uint64_t	      request_at;	/* of the last (re)key */
	uint64_t	      suspect_at;
	uint64_t	      heard;	/* last ESP from the
					 * peer; 0: none yet */
	uint64_t	      unanswered; /* first ESP to it since; 0: none */
	uint64_t	      probe_at;	/* when the peer was last asked
					 * whether it lives */
	uint64_t	      asked_at;	/* and since then first asked; 0: not */
	uint64_t	      sent_at;	/* and since then last, a
					 * second or more apart */
	unsigned	      sends;	/* so often */
	uint64_t	      anew_at;	/* keyed anew, nothing
					 * heard since; 0: not */
	bool		      silent;	/* no answer came: what
					 * fails now is lost */
	bool		      by_flow;	/* each flow has keys of
					 * its own (session.c) */
	struct session	     *ask;	/* whose keys the request
					 * is for; NULL: all */
	TAILQ_HEAD(, session) sessions;	/* that wait for keys, in turn */
	unsigned	      nsessions;
	struct {			/* flows of the whole pair */
		uint8_t	 protocol;	/* 0: none */
		uint16_t ours, theirs;
		uint64_t used;
	}		      recent[SESSIONS_WAITING];
	size_t		      mtu;		/* of the path, 0: unknown */
	uint64_t	      mtu_raise_at;	/* when more is tried;
						 * 0: it is no guess */
	uint64_t	      mtu_wait;		/* milliseconds, of
						 * the last guess */
	struct large_segment  large;

	/* aging */
	uint64_t	      born, used, look_at;
	uint64_t	      dns_time;		/* when potential OE began */
	uint64_t	      packets, bytes;	/* both directions */
	bool		      routed;		/* pass_route(add) was called */
	struct esp_policy     esp;		/* what its whole pairs carry */
	bool		      unled;		/* and cannot for now */
	unsigned	      delete_tries;
	uint64_t	      delete_at;
};

/* A new connection in state nonexistent; NULL where the entry is full or the
 * budget of its cause is used up (room.h makes room). */
struct connection *connection_new(struct core *c, struct spd_entry *e,
	    enum oe_class class, unsigned tunnel);
/* For whom the next connection of e would be. */
enum cause connection_cause(const struct spd_entry *e);
/* Takes it out of its entry: what it decided is decided no more. */
void	connection_leave(struct connection *conn);
/* The entry takes the strongest policy of its connections; what it holds is
 * marked for release, and itself where nothing is left of it (spd.h). */
void	connections_decide(struct core *c, struct spd_entry *e);
/* Is one keyed with that peer?  Then what comes is not the first contact. */
bool	connection_peer_known(const struct core *c, const struct keying_id *id);
/* The connection of e that keys of that peer belong to: the identical one
 * (§3.3.2), or else one that has found no peer so far; NULL. */
struct connection *connection_with(const struct spd_entry *e,
	    const struct keying_id *id);
/* The identical one only. */
struct connection *connection_identical(const struct spd_entry *e,
	    const struct keying_id *id);
/* What the peer may speak for, and whether others may speak from there too. */
void	connection_set_right(struct connection *conn, enum oe_right right,
	    bool shares);
const char *connection_state_name(enum connection_state s);
/* Permissive or paranoid. */
bool	connection_is_oe(const struct connection *conn);
bool	connection_recently_used(const struct connection *conn);
/* Does its policy count for packets that are of no SA's flow? */
bool	connection_decides(const struct connection *conn);
/* A new state, and the policy that the forwarding plane takes from it. */
void	connection_set(struct connection *conn, enum connection_state state,
	    enum spd_policy policy);
/* Traffic goes past the TUN (add), or through it. */
void	connection_route(struct connection *conn, bool add);
/* When the next permissive connection has held packets for long enough;
 * UINT64_MAX: none does. connection_tick_holding() lets them go. */
uint64_t connection_next_holding(const struct core *c);
void	connection_tick_holding(struct core *c, uint64_t now);

#endif
