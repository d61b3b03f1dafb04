/* gateway.h - the RSIP gateway's answers: registrations, assignments, policy, errors (RFC 3103 §9, RFC 3104 §6) */
#ifndef RSIPD_GATEWAY_H
#define RSIPD_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat/demux.h"
#include "nat/demux_verdict.h"
#include "net/addr.h"
#include "rsipd/lease.h"
#include "rsipd/policy.h"
#include "rsipd/pool.h"

/*
 * Pure: "now" is milliseconds, messages come and go as bytes, and everything
 * else happens through struct gateway_ops.
 */
struct gateway;

#define GATEWAY_MESSAGE_MAX	65535	/* the longest that a
					 * header can announce */
#define GATEWAY_NAMES_MAX	8	/* FQDNs of one request
					 * that are looked up */
#define GATEWAY_WAITING_MAX	256	/* requests that wait for DNS */
#define GATEWAY_WAITING_HOST	4	/* of one host */
#define GATEWAY_NETWORKS_MAX	64	/* that QUERY knows */

enum gateway_transport { GATEWAY_TCP = 1, GATEWAY_UDP = 2 };

/* Where a request came from and its answer goes. */
struct gateway_peer {
	struct addr host;
	uint8_t	 transport;		/* enum gateway_transport */
	bool	 privileged;		/* the port is one that only a system's
					 * own programs get */
	uint64_t id;			/* the shell's name for its
					 * connection or endpoint */
};

struct gateway_config {
	struct addr gateway;		/* Na: hosts' tunnels end here */
	struct addr endpoint;		/* none, or what hosts
					 * are told instead */
	bool	 udp;			/* else USE_TCP */
	size_t	 max_registrations;
	size_t	 max_bindings;
	size_t	 max_neighbour;		/* registrations of one
					 * link-layer address; 0: any */
	struct prefix from[GATEWAY_NETWORKS_MAX];
	size_t	 nfrom;			/* who is heard, beside
					 * whom policies name */
	struct prefix local[GATEWAY_NETWORKS_MAX], remote[GATEWAY_NETWORKS_MAX];
	size_t	 nlocal, nremote;	/* what QUERY is answered from */
	const struct policies *policies;/* must outlive its use here */
	uint64_t until;			/* no lease lasts longer (RFC 3102
					 * §4.2.1); 0: no such bound */
	uint64_t auth_index;		/* of this life, drawn at random,
					 * not 0 (doc/wire.md) */
};

enum gateway_event {
	GATEWAY_REGISTERED, GATEWAY_DEREGISTERED, GATEWAY_BOUND,
	GATEWAY_EXTENDED, GATEWAY_FREED, GATEWAY_MISUSE,
};

struct gateway_ops {
	/* As demux_add() and demux_remove(). */
	struct demux_entry *(*demux_add)(void *arg,
		    const struct demux_binding *b);
	void	(*demux_remove)(void *arg, struct demux_entry *e);
	/* Sends a message that answers no request, or
	 * (answer) the late answer to the request that peer
	 * waits with.  A peer that is gone is no error. */
	void	(*send)(void *arg, const struct gateway_peer *to, bool answer,
		    const uint8_t *msg, size_t len);
	/* Starts looking up an IPv4 address; later, never before this returns,
	 * gateway_resolved() is called with the ticket.  -1: cannot. */
	int	(*resolve)(void *arg, const char *name, uint64_t ticket);
	/* The link-layer address of a host, in the low bytes of 8: 1; 0: not
	 * known; -1: it is not on the link.  NULL where nobody can tell. */
	int	(*neighbour)(void *arg, const struct addr *host,
		    uint8_t mac[8]);
	/* Finds out soon whether this connection
	 * still has another end; may be NULL. */
	void	(*probe)(void *arg, uint64_t id);
	/* gateway_tick() is due at this time, no longer at the one
	 * said before; 0: nothing expires.  Each tick says it anew. */
	void	(*alarm)(void *arg, uint64_t at);
	/* For whoever watches; b is NULL unless a binding is meant. */
	void	(*event)(void *arg, enum gateway_event e,
		    const struct lease_client *c,
		    struct lease_binding *b);
};

/* Takes the pool over.  NULL if memory is
 * out; then the pool is the caller's. */
struct gateway *gateway_new(const struct gateway_config *c, struct pool *pool,
	    const struct gateway_ops *ops, void *arg);
void	gateway_free(struct gateway *g);

#define GATEWAY_LATER	(-1)
#define GATEWAY_HELD	(-2)
/*
 * One whole message from a host.  Returns the length of the answer written to
 * out (room: GATEWAY_MESSAGE_MAX), 0 if it gets none, or GATEWAY_LATER: the
 * answer comes through ops->send and no further request of this peer should be
 * given before that.  GATEWAY_HELD: it comes so when the store has written what
 * this request, or one before it, changed; others may follow, and are answered
 * in the same order.
 */
int	gateway_input(struct gateway *g, uint64_t now,
	    const struct gateway_peer *peer,
	    const uint8_t *msg, size_t len, uint8_t *out);

/* addrs: the addresses of the name asked for; n 0: it has none. */
void	gateway_resolved(struct gateway *g, uint64_t now, uint64_t ticket,
	    const struct addr *addrs, size_t n);

/* When ops->alarm said so: ends what has expired. */
void	gateway_tick(struct gateway *g, uint64_t now);

/* A packet misused a resource (§10.4): tells the host, at most once a
 * second of each kind. */
void	gateway_misuse(struct gateway *g, uint64_t now,
	    const struct addr *host, enum demux_verdict verdict,
	    uint32_t bind_id);

/* New policies, limits and networks: what
 * they no longer allow is taken back. */
void	gateway_reconfigure(struct gateway *g, uint64_t now,
	    const struct gateway_config *c);

/*
 * What a store has from a former life (store.h), before the first message, and
 * again when an address has come back: 0; 1 if it is here already, or its
 * address is not; -1 if it has ended, is no longer allowed, or is another's.
 * Then set_store, which is borrowed.
 */
struct store_client;
struct grant;
struct grant_store;
int	gateway_restore_client(struct gateway *g, uint64_t now,
	    const struct store_client *s);
int	gateway_restore_grant(struct gateway *g, uint64_t now,
	    uint32_t client_id, const struct grant *stored);
void	gateway_restore_rest(struct gateway *g, uint64_t now,
	    const struct addr *host, const struct grant *stored);
void	gateway_set_store(struct gateway *g, uint64_t now,
	    const struct grant_store *store);

/*
 * Ends the store's batch, if there is one: commit writes it, 0 or -1, and the
 * answers that waited for it go out through ops->send.  Where it cannot be
 * written they are INTERNAL_SERVER_ERROR, and what they granted is taken back.
 * To be called soon after keep or forget have returned 1; the gateway itself
 * does it when too many answers wait.
 */
void	gateway_commit(struct gateway *g, uint64_t now);
/* A store whose commit said "later": the oldest of those
 * batches is written, or is not; none of them will be. */
void	gateway_written(struct gateway *g, uint64_t now, bool written);
void	gateway_lost(struct gateway *g, uint64_t now);
/* Answers that wait for it. */
size_t	gateway_held(const struct gateway *g);

/*
 * What another gateway did, as the store that both share tells it: it is taken
 * over whatever our own policy says, since it is given; hosts are told
 * nothing.  0, 1: we lease no such address; -1: it contradicts what we have,
 * and all of it should be read anew.  mark() before that, sweep() afterwards:
 * what was not told of in between is gone.
 */
int	gateway_follow_client(struct gateway *g, uint64_t now,
	    const struct store_client *s);
int	gateway_follow_grant(struct gateway *g, uint64_t now,
	    uint32_t client_id,
	    const struct grant *stored);
void	gateway_follow_freed(struct gateway *g, uint64_t now,
	    uint32_t client_id,
	    uint32_t bind_id);
void	gateway_follow_ended(struct gateway *g, uint64_t now,
	    uint32_t client_id);
void	gateway_follow_mark(struct gateway *g);
void	gateway_follow_sweep(struct gateway *g, uint64_t now);
/* Passive: another gateway serves, and nothing ends here before it says so.  No
 * longer: what has ended, or is not allowed here, does. */
void	gateway_set_passive(struct gateway *g, uint64_t now, bool passive);

/* From now on these n addresses are leased, and no others: bindings of others,
 * or outside of their ranges, are taken back, the hosts told.  -1 after a log
 * line: not all of them could be added. */
int	gateway_set_pools(struct gateway *g, uint64_t now,
	    const struct pool_address *a, size_t n);

/* Moves the bound of all leases: those that exist may then end sooner. */
void	gateway_set_until(struct gateway *g, uint64_t now, uint64_t until);

/* De-registers every host, telling it (§9.5.3). */
void	gateway_shutdown(struct gateway *g, uint64_t now);

/* Is a host's word worth anything here?  Everybody else gets no answer. */
bool	gateway_hears(const struct gateway *g, const struct addr *host);
/* A connection has ended. */
void	gateway_disconnected(struct gateway *g,
	    const struct gateway_peer *peer);
/* Whether the host's registration is at this
 * peer: the shell keeps those longer. */
bool	gateway_registered(const struct gateway *g,
	    const struct gateway_peer *peer);
/* Where a host's registration is; false if it has none. */
bool	gateway_end_of(const struct gateway *g, const struct addr *host,
	    struct gateway_peer *out);

struct gateway_counts {
	size_t	 registrations, half_open, bindings, waiting;
	uint64_t requests, answers, asynchronous;
	uint64_t foreign, unknown, evicted;	/* not heard; neighbours not
						 * answered; registrations */
	uint64_t stale;			/* signed, but not known to be new */
	uint64_t errors[512];		/* by enum rsip_error */
};
void	gateway_count(const struct gateway *g, struct gateway_counts *out);
const struct pool *gateway_pool(const struct gateway *g);
struct leases *gateway_leases(struct gateway *g);

#endif
