/* lease.h - registrations and their bindings, found by host and id, expiring in order (RFC 3103 §6) */
#ifndef RSIPD_LEASE_H
#define RSIPD_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "nat/binding.h"
#include "net/addr.h"
#include "rsipd/policy.h"

/* Ports and SPIs in host order, times in milliseconds. */
struct leases;
struct demux_entry;
struct pool;

/* In the heap of what expires; the first member of what it times. */
struct lease_timer {
	uint64_t at;
	uint32_t slot;			/* of the heap */
	bool	 is_binding;
	uint8_t	 mark;			/* gateway_follow.c's */
};

struct lease_binding {
	struct lease_timer timer;
	struct lease_client *client;
	uint64_t kept;				/* the end that the shared store
						 * knows; 0: not known */
	LIST_ENTRY(lease_binding) entry;	/* of the client's */
	struct lease_binding *chain;		/* of the hash table */
	struct demux_entry *demux;		/* what demux_add() returned */
	uint32_t bind_id;
	uint16_t pool;				/* index of lease_local() */
	uint16_t nspis;
	uint8_t	 nranges, nports;		/* nports: in all ranges,
						 * RSIP_PORTS_MAX at most */
	/* In few bits, as there may be a million of these. */
	uint8_t	 method : 2;			/* enum rsip_method */
	uint8_t	 tunnel : 2;			/* enum rsip_tunnel */
	uint8_t	 remote_policy : 2;		/* enum demux_remote */
	uint8_t	 listen : 1;
	uint8_t	 ncookies;
	/* SPIs, ranges, remote: see lease_spis(); cookies come first, and begin
	 * behind the struct. */
	uint32_t data[];
};

/* What was asked for. */
enum lease_kind {
	LEASE_RSA_IP,
	LEASE_RSAP_IP,
	LEASE_RSIPSEC,
	LEASE_LISTEN,
	LEASE_KINDS
};

/* What flow policy bound it to. */
struct lease_remote {
	struct addr addr;
	struct demux_range ports;		/* hi 0: any */
};

/* How far a registration has come.  Who fills the table is asked to leave in
 * this order. */
enum lease_stage {
	LEASE_HALF_OPEN,	/* the host has not shown that it
				 * hears our answers */
	LEASE_BARE,		/* no binding */
	LEASE_BOUND,
};

struct gateway_neighbour;

#define LEASE_MISUSES	5	/* kinds that a host is told
				 * of (RFC 3103 §10.4) */

struct lease_client {
	struct lease_timer timer;
	struct addr host;
	const struct pool *pool;		/* that its bindings are from */
	uint32_t client_id;			/* never 0 */
	uint32_t next_bind_id;
	uint32_t nbindings, nports, nspis;
	uint8_t	 transport;			/* enum gateway_transport */
	uint64_t peer;				/* the shell's name for
						 * its end */
	uint64_t since;
	uint64_t misused[LEASE_MISUSES];	/* when it was last told
						 * of each; 0: never */
	enum lease_stage stage;
	TAILQ_ENTRY(lease_client) entry;	/* of its stage, but
						 * LEASE_BOUND */
	struct gateway_neighbour *neighbour;	/* NULL: not counted */
	struct {				/* how the store has it,
						 * for store.c only */
		uint64_t expires, life;
		uint32_t next_bind_id;
	}	 kept;
	LIST_ENTRY(lease_client) beside;	/* of the neighbour's */
	bool	 wrapped;			/* bind ids began anew */
	bool	 authentic;			/* registered with a
						 * signed message */
	bool	 privileged;			/* from a port that only
						 * the system may use */
	bool	 live;				/* peer is a connection
						 * that is open */
	struct policy policy;
	char	*fqdn;				/* NULL: none given */
	LIST_HEAD(, lease_binding) bindings;
	struct lease_client *chain, *id_chain;	/* of the hash tables */
};

/* Empty tables, of what is from the pool, which is borrowed; NULL: out of
 * memory. */
struct leases *leases_new(const struct pool *pool);
/* Frees every client and binding too. */
void	leases_free(struct leases *l);

/* A client with an unpredictable id that no other has, half open. NULL: out of
 * memory. */
struct lease_client *leases_register(struct leases *l,
	    const struct addr *host, uint64_t at);
/* The same with the id and the next bind id that it had in a former
 * life; NULL with errno EEXIST: its host or its id is registered. */
struct lease_client *leases_restore(struct leases *l,
	    const struct addr *host, uint32_t client_id, uint32_t next_bind_id,
	    uint64_t at);
/* A registration by its host, by its client ID; NULL if there is none. */
struct lease_client *leases_client(struct leases *l,
	    const struct addr *host);
struct lease_client *leases_by_id(const struct leases *l, uint32_t client_id);
/* Half open no more. */
void	leases_prove(struct leases *l, struct lease_client *c);
/* The oldest registration at a stage but LEASE_BOUND. */
struct lease_client *leases_oldest(const struct leases *l,
	    enum lease_stage stage);
/* How many are at a stage. */
size_t	leases_at(const struct leases *l, enum lease_stage stage);
/* A registration at that stage by chance, NULL if there is none. */
struct lease_client *leases_any(const struct leases *l, enum lease_stage stage);
/* Ends the registration at a time, unless it ends before. */
void	leases_shorten(struct leases *l, struct lease_client *c, uint64_t at);
/* ... or lets it last until then, unless it does so anyhow. */
void	leases_prolong(struct leases *l, struct lease_client *c, uint64_t at);
/* The client must have no bindings left. */
void	leases_deregister(struct leases *l, struct lease_client *c);

/*
 * A binding of a client with room for ranges, SPIs, cookies and a remote; not
 * yet in any table.  bind_id 0: one that its client does not use.  NULL with
 * errno ENOMEM, or EEXIST: it has that bind_id.
 */
struct lease_binding *lease_binding_new(struct leases *l,
	    struct lease_client *c,
	    uint32_t bind_id, size_t nranges, size_t nspis, size_t ncookies,
	    enum demux_remote policy);
/* For what leases_bind() did not take. */
void	lease_binding_free(struct leases *l, struct lease_binding *b);
/* The address that is leased, or that ports and SPIs are of. */
const struct addr *lease_local(const struct lease_binding *b);
/* The parts of a binding's data, as many as it was made with. */
uint64_t *lease_cookies(struct lease_binding *b);
uint32_t *lease_spis(struct lease_binding *b);
struct demux_range *lease_ranges(struct lease_binding *b);
/* NULL under DEMUX_REMOTE_NONE. */
struct lease_remote *lease_remote(struct lease_binding *b);
/* Puts it in the tables, to expire at a time; -1: out of memory.  Counts ports
 * and SPIs for its client, whose registration lasts as long (§6). */
int	leases_bind(struct leases *l, struct lease_binding *b, uint64_t at);
/* The client's binding of that ID, NULL if there is none. */
struct lease_binding *leases_binding(const struct leases *l,
	    const struct lease_client *c, uint32_t bind_id);
/* Takes it out of the tables and frees it. */
void	leases_unbind(struct leases *l, struct lease_binding *b);

/* Sets when a binding expires, and R = max(R, Bi) (§6). */
void	leases_extend(struct leases *l, struct lease_binding *b, uint64_t at);

/* The earliest timer, NULL if there is none.
 * Bindings come before their client. */
struct lease_timer *leases_first(const struct leases *l);

/* Registrations, bindings, and bindings of a kind that are there now. */
size_t	leases_clients(const struct leases *l);
size_t	leases_bindings(const struct leases *l);
enum lease_kind lease_kind(const struct lease_binding *b);
const char *lease_kind_name(enum lease_kind k);	/* "RSAP-IP" */
size_t	leases_of_kind(const struct leases *l, enum lease_kind k);
/* Calls fn for every client until it returns
 * false; fn may deregister the one it is given. */
void	leases_each(struct leases *l, bool (*fn)(void *, struct lease_client *),
	    void *arg);

#endif
