/* dataplane.h - the gateway's packet path: firewall rules, NFQUEUE, tunnels, NAPT beside RSIP */
#ifndef NAT_DATAPLANE_H
#define NAT_DATAPLANE_H

#include <stdint.h>

#include "nat/dataplane_config.h"
#include "nat/demux.h"
#include "nat/demux_verdict.h"

struct event_base;
struct dataplane;
struct report;

struct dataplane_ops {
	/* A host misused a resource (RFC 3103 §10.4); verdict is one of
	 * DEMUX_MISUSE_*. Called on the control thread, already limited to one
	 * a second a host.  client_id and bind_id are 0 where unknown; they,
	 * or else the tunnel, are that gateway's (Na). */
	void (*misuse)(void *arg, const struct addr *gateway,
	    const struct addr *host,
	    enum demux_verdict verdict, uint32_t client_id, uint32_t bind_id);
	/* Nobody keeps the rules any more, which was logged: end. */
	void (*lost)(void *arg);
};

/*
 * Called as root before privileges go: forks the small helper that keeps the
 * firewall rules and interface settings (it alone runs nft or iptables-restore,
 * mends rules that vanish, and removes them when the daemon ends in any way),
 * then opens the queues and raw sockets and starts the packet threads.  Returns
 * NULL after logging one line that says what to mend.
 */
struct dataplane *dataplane_open(const struct dataplane_config *c,
	    struct event_base *base, struct demux *d,
	    const struct dataplane_ops *ops, void *arg);

/*
 * Other public addresses from now on; what is bound to those that went is to be
 * removed in the same turn.  addr is the router's own, or none.  -1 after a log
 * line: NAPT has too few ports left, and all is as it was.
 */
int	dataplane_set_pools(struct dataplane *dp,
	    const struct dataplane_pool *pools, size_t n,
	    const struct addr *addr);

struct dataplane_links {
	const char *public_if, *private_if, *public_out;	/* as above */
	struct dataplane_gateways gateways;
};

/*
 * Other interfaces, or other Na, from the next dataplane_set_pools() on.  -1
 * after a log line, and all is as it was.
 */
int	dataplane_set_links(struct dataplane *dp,
	    const struct dataplane_links *l);

/* Who may speak RSIP beside the private interface's networks, from now on. */
void	dataplane_set_hosts(struct dataplane *dp,
	    const struct prefix *hosts, size_t n);

/* Bindings or interfaces are others than before, perhaps: it is looked at what
 * follows, which without packets is not done by itself. */
void	dataplane_stir(struct dataplane *dp);

/* Counters and which path is active, and what the demultiplexer holds. */
void	dataplane_report(struct dataplane *dp, struct report *r);
/* Somebody removed the firewall rules, and they cannot be put back. */
bool	dataplane_rules_gone(const struct dataplane *dp);

/* Stops the threads, has the rules removed and waits for it.  NULL is
 * allowed. */
void	dataplane_close(struct dataplane *dp);
/* The same, but another gateway may take over: the rules stay for the
 * configuration's linger. */
void	dataplane_leave(struct dataplane *dp);

#endif
