/* settings.h - rsipd.conf: what the operator wants of the gateway */
#ifndef RSIPD_SETTINGS_H
#define RSIPD_SETTINGS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/option.h"
#include "base/web.h"
#include "nat/dataplane_config.h"
#include "rsipd/gateway.h"
#include "rsipd/resp.h"
#include "rsipd/store.h"

#define SETTINGS_RESOLVERS_MAX	8

/* A pool by its address, or by the interface whose address it is. */
struct settings_pool {
	struct pool_address what;	/* addr none: the interface has none */
	char	 ifname[IF_NAMESIZE];	/* "": the address is given */
	bool	 local;			/* this machine has
					 * the address itself */
	bool	 proxy;			/* shared: no machine has it,
					 * ARP is answered with Na */
	struct addr gateway;		/* whose it is; none: the first's */
};

struct settings {
	/* "": find it. */
	char	 public_if[IF_NAMESIZE], private_if[IF_NAMESIZE];
	/* ... not named by the file. */
	bool	 public_found, private_found, gateway_found;
	struct addr public_addr;	/* none until settings_complete() */
	struct dataplane_gateways gateways;	/* ... each Na; the first is
						 * gateway.gateway */
	uint16_t port;
	char	*control;
	struct web_config web;
	char	*parent;		/* rsipc's control socket; NULL:
					 * the pools are our own */
	uint32_t parent_expires;	/* seconds after settings_complete() */
	struct settings_pool *named;	/* as configured; none: the
					 * public interface's */
	size_t	 nnamed;
	struct pool_address *pools;	/* what there is of them after
					 * settings_complete() */
	size_t	 npools;
	bool	 pools_stay;		/* ... as they are: the file
					 * names another public side */
	bool	 private_pools;		/* such addresses may be
					 * leased: labs, cascades */
	/* Where a pool names none. */
	struct demux_range ports[POOL_RANGES_MAX];
	size_t	 nports;
	uint64_t quarantine;		/* milliseconds */
#define SETTINGS_LEASES	STATEDIR "/leases.mdb"
	char	*leases;		/* the store's file; "": none */
	enum store_durability durability;
	unsigned linger;		/* milliseconds */
	struct {			/* a store that gateways
					 * share; no servers: none */
		struct resp_config store;	/* but what the options
						 * say apart */
		char	 name[64];
		char	*master, *user, *ca, *tls_name;
		struct option_secret password;
		unsigned replicas;
	}	 shared;
	size_t	 max_spis, max_connections, max_host_connections;
	enum dataplane_firewall firewall;
	unsigned queues, queue_first, queue_length, mtu;
	enum dataplane_offload offload;
	bool	 local_ipsec, refuse_ike, napt;
	struct addr resolver[SETTINGS_RESOLVERS_MAX];
	size_t	 nresolvers;
	struct gateway_config gateway;
	size_t	 nlocal, nremote;	/* networks that the file names */
	struct policies *policies;
};

#endif
