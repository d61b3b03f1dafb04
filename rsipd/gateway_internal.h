/* gateway_internal.h - what the files of the gateway core know of each other */
#ifndef RSIPD_GATEWAY_INTERNAL_H
#define RSIPD_GATEWAY_INTERNAL_H

#include <stdlib.h>
#include <sys/queue.h>

#include "base/hash.h"
#include "base/ratelimit.h"
#include "proto/rsip.h"
#include "rsipd/gateway.h"
#include "rsipd/grant.h"

#define GATEWAY_HALF_OPEN_MIN	4	/* else a quarter of
					 * all registrations */
#define GATEWAY_ADDRS_MAX	16	/* addresses of one name */
#define GATEWAY_KEPT_MAX	64	/* tuples of a QUERY that
					 * is kept for DNS */
#define GATEWAY_ACCOUNTS_MAX	65536	/* hosts whose authentication
					 * counters are kept */
#define GATEWAY_HELD_MAX	1024	/* answers that wait for
					 * one batch of the store */
#define GATEWAY_HELD_BYTES	(1u << 20)
#define GATEWAY_HELD_TIMES	8	/* so much more while a
					 * store takes its time */

/* A request that serve_request() handles could not finish. */
#define GATEWAY_WAIT		((enum rsip_error)-1)
/* A request that gets no answer. */
#define GATEWAY_SILENT		((enum rsip_error)-2)
/* The host is being registered already. */
#define GATEWAY_SAME		((enum rsip_error)-3)

struct gateway_name {
	const char *fqdn;		/* in the request */
	bool	    done;
	struct addr addr[GATEWAY_ADDRS_MAX];
	size_t	    naddrs;
};

/* A request that waits for DNS. */
struct gateway_waiting {
	uint64_t ticket;		/* with room for a name's
					 * index in the low byte */
	struct gateway_peer peer;
	struct rsip_message request;
	struct gateway_name name[GATEWAY_NAMES_MAX];
	unsigned nnames, missing;
	bool	 authentic;
	LIST_ENTRY(gateway_waiting) entry;
};

/* What an error says of the request that it answers. */
struct gateway_asked {
	uint32_t has;			/* RSIP_HAS_* of the members below */
	uint32_t client_id, bind_id, counter;
};

/* An answer that waits until the store has written. */
struct gateway_held {
	TAILQ_ENTRY(gateway_held) entry;
	struct gateway_peer peer;
	struct gateway_asked asked;
	struct grant_unsafe unsafe;	/* bind_id 0: nothing to undo */
	uint64_t batch;			/* that it waits for */
	bool	 authentic;
	size_t	 len;
	uint8_t	 answer[];
};

/* One request while it is served. */
struct gateway_request {
	uint64_t now;
	const struct gateway_peer *peer;
	struct rsip_message *in, *out;
	struct lease_client *client;
	bool authentic;			/* signed with the host's
					 * secret, and new */
	bool stale;			/* signed with it, but
					 * not known to be new */
	bool owner;			/* ALREADY_REGISTERED: the
					 * host itself asks */
	uint32_t holder;		/* ..._INUSE: the host's own
					 * binding that has it; 0: none */
	struct gateway_waiting *waiting;/* NULL unless it comes back from DNS */
};

/* Counters of authentication, kept beyond a registration: they only grow.  The
 * index is the host's, as its last good message had it. */
struct gateway_account {
	struct addr host;
	uint64_t index, in, out;
	UT_hash_handle hh;
};

/* A link-layer address, and the registrations of hosts that have it. */
struct gateway_neighbour {
	uint64_t key;
	size_t	 count;
	LIST_HEAD(, lease_client) clients;	/* the newest first */
	UT_hash_handle hh;
};

struct gateway {
	struct gateway_config config;
	const struct gateway_ops *ops;
	void *arg;
	struct pool *pool;
	struct leases *leases;
	struct grant_tables tables;	/* pool, leases and ops */
	TAILQ_HEAD(gateway_holding, gateway_held) held, spare;
	size_t nheld, held_bytes;
	size_t nopen, open_bytes;	/* of those, what waits for
					 * the batch that is filled */
	uint64_t batch_open, batch_done;	/* the one that is filled; the
						 * last that is settled */
	bool passive;			/* another gateway serves;
					 * what it says is followed */
	uint8_t mark;			/* of what the store has,
					 * while it is read anew */
	struct gateway_assignment *assignment;	/* large, and one at a time */
	struct gateway_account *accounts;
	struct gateway_neighbour *neighbours;
	LIST_HEAD(, gateway_waiting) waiting;
	size_t nwaiting;
	uint64_t next_ticket;
	uint64_t alarm;			/* as ops->alarm was told */
	bool can_rsa_ip, can_listen, can_ipsec;
	struct ratelimit log, auth_log, unknown;
	struct gateway_counts counts;
	struct rsip_message in, out;	/* too large for stacks */
	uint8_t buffer[GATEWAY_MESSAGE_MAX];
};

/* Frees what a message owns.  Unlike rsip_message_clear() it does not zero four
 * kilobytes that the next use of the message will zero. */
static inline void
gateway_release(struct rsip_message *m)
{
	free(m->tuple);
	m->tuple = NULL;
}

static inline struct gateway_asked
gateway_asked(const struct rsip_message *m)
{
	return (struct gateway_asked){ m->has, m->client_id, m->bind_id,
		m->counter };
}

/* gateway_assign.c: ASSIGN_REQUEST_* and LISTEN_REQUEST.  new:
 * the room that one needs, to be freed; NULL: out of memory. */
struct gateway_assignment *gateway_assignment_new(void);
enum rsip_error gateway_assign(struct gateway *g, struct gateway_request *r);
/* Takes a binding back: its resources go to rest. */
void	gateway_unbind(struct gateway *g, uint64_t now,
	    struct lease_binding *b);
/* Seconds that a request is granted; 0: nothing can be leased now. */
uint32_t gateway_grant(const struct gateway *g, uint64_t now,
	    const struct policy *p, const struct rsip_message *in);
/* May the client go on using the binding under the policy that it has now? */
bool	gateway_still_allowed(struct lease_binding *b);

/* A registration of a store's, anew and proved; NULL: it cannot be.  Where its
 * end is, its next message shows. */
struct lease_client *gateway_restored(struct gateway *g, uint64_t now,
	    const struct store_client *s, const struct policy *policy);

/* Where hosts' tunnels end here. */
static inline const struct addr *
gateway_tunnel_end(const struct gateway *g)
{
	return addr_is_set(&g->config.endpoint) ? &g->config.endpoint :
	    &g->config.gateway;
}

/* gateway.c: after whatever may have moved the earliest end. */
void	gateway_set_alarm(struct gateway *g);
/* A message on our own account; b is NULL unless a binding is meant. */
void	gateway_send_type(struct gateway *g, const struct lease_client *c,
	    enum rsip_type type, const struct lease_binding *b);

/* Makes m an ERROR_RESPONSE. */
void	gateway_error(struct rsip_message *m, enum rsip_error error,
	    const struct gateway_asked *asked);
/* As gateway_encode(), under the secret that host has now. */
int	gateway_encode_answer(struct gateway *g, const struct addr *host,
	    bool sign, struct rsip_message *m, uint8_t *out);

/* gateway_held.c: puts an answer aside while
 * there is a batch; -1: out of memory. */
int	gateway_hold(struct gateway *g, const struct gateway_request *r,
	    const uint8_t *answer, size_t len);
void	gateway_held_free(struct gateway *g);

/* gateway_register.c */
enum rsip_error gateway_register(struct gateway *g, struct gateway_request *r);
enum rsip_error gateway_deregister(struct gateway *g,
	    struct gateway_request *r);
/* What a message needs of the registration that it is sent under. */
enum rsip_error gateway_check_registration(struct gateway *g,
	    struct gateway_request *r);
/* Ends a registration and all of its bindings without a word to the host. */
void	gateway_end(struct gateway *g, uint64_t now, struct lease_client *c,
	    const char *why);
void	gateway_neighbours_free(struct gateway *g);

/* gateway_query.c: QUERY_REQUEST. */
enum rsip_error gateway_query(struct gateway *g, struct gateway_request *r);

/*
 * gateway_name.c.  The addresses of a name in r->in.  On the first call the
 * request is put aside: want all names first, then GATEWAY_WAIT is returned by
 * gateway_names_wait().  After DNS gateway_name_find() has them.
 */
enum rsip_error gateway_names_wait(struct gateway *g,
	    struct gateway_request *r);
const struct gateway_name *gateway_name_find(const struct gateway_request *r,
	    const char *fqdn);
void	gateway_waiting_free(struct gateway *g, struct gateway_waiting *w);

/* gateway_auth.c: vendor subtypes 2 and 4. */
enum rsip_error gateway_authenticate(struct gateway *g,
	    struct gateway_request *r,
	    const uint8_t *msg, size_t len);
/* The answer to a stale request says what a new one has to pass. */
void	gateway_tell_floor(struct gateway *g, const struct gateway_request *r);
/* Encodes m, signed with the secret if there is one; the length, or -1. */
int	gateway_encode(struct gateway *g, const struct addr *host,
	    const struct policy_secret *secret, struct rsip_message *m,
	    uint8_t *out);

#endif
