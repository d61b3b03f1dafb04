/* grant.h - what a host holds as one plain record, and the one place where it is given and taken back */
#ifndef RSIPD_GRANT_H
#define RSIPD_GRANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat/demux.h"
#include "net/addr.h"
#include "rsipd/lease.h"
#include "rsipd/pool.h"

/*
 * A grant stands in three tables: the pool knows that its
 * resources are taken, the leases when it ends and whose it is,
 * the demultiplexer what packets it means; and in the store, if
 * there is one.  Whoever gives, prolongs or ends one does so here,
 * so that they never disagree.  Ports and SPIs are in host order.
 */
struct grant {
	uint32_t bind_id;		/* 0: to be drawn */
	struct addr gateway;		/* Na, or the tunnel's end
					 * that it was told */
	struct addr local;		/* the leased address */
	uint8_t	 method;		/* enum rsip_method;
					 * LISTEN is RSAP-IP */
	uint8_t	 tunnel;		/* enum tunnel_type */
	bool	 listen;
	uint8_t	 remote_policy;		/* enum demux_remote */
	struct lease_remote remote;	/* but under DEMUX_REMOTE_NONE */
	const struct demux_range *ranges;	/* rising, none touches the
						 * next; none: NULL will do */
	const uint32_t *spis;
	const uint64_t *cookies;	/* IKE initiator cookies, negotiated */
	size_t	 nranges, nspis, ncookies;
	uint64_t expires;		/* milliseconds of clock_now() */
};

/*
 * Where grants are kept.  keep: 0: it is safe; 1: it will be, or not be, after
 * the batch that was begun; -1: it cannot be.  b NULL: the registration alone.
 * forget one, whose resources go to rest, or the registration, likewise; asked:
 * by the host, so that it has ended whoever grants from its address by now.
 * commit writes the batch, all of it (0) or nothing (-1); or later (1):
 * gateway_written() says which.
 */
struct grant_store {
	int	(*keep)(void *arg, struct lease_client *c,
		    struct lease_binding *b);
	int	(*forget)(void *arg, const struct lease_client *c,
		    struct lease_binding *b, bool asked);
	int	(*commit)(void *arg);
	/* May the address be granted from now?  NULL: always. */
	bool	(*may_grant)(void *arg, const struct addr *local);
	/* The latest end that a binding can be promised now; NULL: any. */
	uint64_t (*latest)(void *arg, const struct lease_binding *b);
	void	*arg;
};

struct grant_tables {
	struct pool   *pool;
	struct leases *leases;
	/* As demux_add() and demux_remove(). */
	struct demux_entry *(*demux_add)(void *arg,
			  const struct demux_binding *b);
	void	     (*demux_remove)(void *arg, struct demux_entry *e);
	void	      *arg;
	const struct grant_store *store;	/* NULL: none */
	/* Something is in a batch. What the request under
	 * way put there, to be undone if that fails:
	 * nothing, a grant, or (before) when one ended. */
	bool	       batch;
	bool	       asked;		/* what ends now its host has ended */
	struct grant_unsafe {
		uint32_t bind_id;
		uint64_t before;
	}	       unsafe;
};

/*
 * Enters what the pool has given already: all of it, or nothing.  at: the
 * address' index there.  The caller keeps what g points to.  NULL with errno as
 * demux_add() sets it, or EIO: the store cannot keep it; then the pool is as it
 * was, and what it gave is the caller's to undo.
 */
struct lease_binding *grant_enter(struct grant_tables *t,
	    struct lease_client *c, size_t at, const struct grant *g);

/*
 * The same for one that comes from elsewhere, the store or another gateway, and
 * is kept there: takes it from the pool, too.  errno EADDRNOTAVAIL: the pool
 * does not have that; EADDRINUSE: it is somebody's.
 */
struct lease_binding *grant_apply(const struct grant_tables *t, uint64_t now,
	    struct lease_client *c, const struct grant *g);

/* The record of a binding; it points into b. */
void	grant_of(struct lease_binding *b, struct grant *g);

/* Sets when it ends; -1: the store cannot keep that, and it ends as before. */
int	grant_extend(struct grant_tables *t, struct lease_binding *b,
	    uint64_t expires);

/* Says to the store, if there is one, that a registration changed, or ended. */
void	grant_client_changed(struct grant_tables *t, struct lease_client *c);
void	grant_client_ended(struct grant_tables *t,
	    const struct lease_client *c);

/* Takes a grant out of all of them; its resources go to rest. */
void	grant_revoke(struct grant_tables *t, uint64_t now,
	    struct lease_binding *b);

/* What host had of g, which the store says, goes to rest once more:
 * it was freed shortly before now by the gateway's former life. */
void	grant_rest(struct pool *p, uint64_t now, const struct addr *host,
	    const struct grant *g);

/* As if the pool had never given it; at is the address' index there. */
void	grant_undo(struct pool *p, size_t at, const struct grant *g);

#endif
