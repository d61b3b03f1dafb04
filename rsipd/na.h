/* na.h - one address that hosts speak and tunnel to (Na): its sockets, gateway core, pools and leases */
#ifndef RSIPD_NA_H
#define RSIPD_NA_H

#include <event2/event.h>

#include "base/service.h"
#include "nat/dataplane.h"
#include "nat/demux.h"
#include "net/resolver.h"
#include "rsipd/keep.h"
#include "rsipd/server.h"
#include "rsipd/settings.h"
#include "rsipd/shared.h"

/*
 * A machine may have several, each a gateway of its own to its hosts, of which
 * it serves those whose addresses are here.  They share what follows, and no
 * lease, id or port.
 */
struct na;
struct na_house {
	struct service *service;
	/* What whoever watches is told of it. */
	json_object *(*event)(enum gateway_event e, const struct na *n,
		    const struct lease_client *c, struct lease_binding *b);
	struct settings *settings;
	struct demux *demux;
	struct dataplane *dataplane;	/* NULL before it is there, and
					 * when it is no more */
	struct resolver *resolver;
	struct resolver_options dns;	/* as it is at the start */
	struct option_secret password;	/* the store's */
	struct ssl_ctx_st *tls;
};

struct na {
	struct na_house *house;
	uint32_t number;		/* demux_binding's grantor */
	struct addr addr;
	struct event *alarm;		/* the next lease ends */
	struct server *server;
	struct gateway *gateway;
	struct pool *pool;		/* the gateway's */
	struct keep *keep;		/* leases on disk; NULL: none */
	struct shared *shared;		/* ... or in a store that
					 * gateways share */
	struct shared_config shared_config;
	bool	 here;			/* where it goes from machine to
					 * machine: this one has it */
};

/* Something changes that packets are judged by. */
static inline void
na_stir(const struct na_house *h)
{
	if (h->dataplane != NULL)
		dataplane_stir(h->dataplane);
}

/* Sockets and core.  -1 after one log line; na_close() frees what there is
 * either way. */
int	na_open(struct na *n, struct na_house *h, uint32_t number,
	    const struct addr *addr);
/* What is on the disk of it, before the first packet is judged; as above. */
int	na_load(struct na *n);
/* Hosts are heard, or the shared store is asked whether they are to be. */
int	na_start(struct na *n);

/*
 * c: the house's settings, or those that are to be.  hold: which of its
 * addresses are on this machine; true: Na came, or went.  set_pools: its pools
 * are what c says, and what is on the disk of addresses that came is given.
 */
bool	na_hold(struct na *n, const struct settings *c);
void	na_set_pools(struct na *n, const struct settings *c);
void	na_reconfigure(struct na *n, const struct settings *c);
/* To another address, on that interface.  -1 after one log line, and all is as
 * it was. */
int	na_move(struct na *n, const char *ifname, const struct addr *addr);
/* DNS has answered one of them: list has n. */
void	na_resolved(struct na *list, size_t n, uint64_t ticket,
	    const struct resolver_answer *a);

/* Does it serve?  SHARED_ACTIVE where no other machine could. */
enum shared_state na_state(const struct na *n);
static inline bool
na_serves(const struct na *n)
{
	enum shared_state s = na_state(n);

	return s == SHARED_ACTIVE || s == SHARED_ALONE;
}
/* Sums over n of list. */
struct na_totals {
	struct gateway_counts gateway;
	struct server_counts  server;
	struct pool_counts    pool;
	struct store_counts   store;
	struct shared_counts  shared;
};
void	na_total(const struct na *list, size_t n, struct na_totals *out);

/* What is under way to hosts is sent; goodbye: and that all of it ends. */
void	na_finish(struct na *n, bool goodbye);
/* The shared store is told the last, when no packet passes any more. */
void	na_unshare(struct na *n);
void	na_close(struct na *n);

#endif
