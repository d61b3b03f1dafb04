/* direct.h - OE from the host's own address, where no lease is: through the network's NAT, or with a public address */
#ifndef RSIPC_DIRECT_H
#define RSIPC_DIRECT_H

#include <json-c/json.h>
#include <net/if.h>
#include <stdbool.h>

#include "oe/engine.h"
#include "rsipc/device.h"

#define DIRECT_STATE	".direct"	/* oe_shell.state */

struct event_base;
struct direct;
struct planes_choice;

/*
 * A second engine beside that of the lease, with sockets of its own, so that
 * what began on either address lives on when new connections leave from the
 * other.  It takes c over.  planes: who does ESP.  event as in
 * path.h.  NULL after a log line.
 */
struct direct *direct_open(struct event_base *base, struct oe_config *c,
	    const struct planes_choice *planes, struct device *device,
	    void (*event)(void *arg, const struct oe_event *e), void *arg);
/* Tells every peer goodbye and frees.  NULL is allowed. */
void	direct_free(struct direct *d);

/* The lease's engine: the same host to peers.  d may be NULL. */
void	direct_beside(struct direct *d, const struct oe *leased);
/* ESP to that address is the kernel's to open, for the lease's engine; none:
 * none is.  d may be NULL. */
void	direct_esp_other(struct direct *d, const struct addr *leased);
/* The network may have changed: the default route's source is our own address
 * now.  SAs of another one are torn down. */
void	direct_follow(struct direct *d);
/* Without use for it, it has no address; what was opened
 * stays, and is silent. */
void	direct_use(struct direct *d, bool use);
/* Of IPv4; may be none. */
struct addr direct_address(const struct direct *d);
/* Has it one of IPv6 to encrypt from, whatever becomes of leases? */
struct addr direct_address6(const struct direct *d);
const char *direct_link(const struct direct *d);	/* where it is */
/* Is there a default route now?  Without one what is known of it stays. */
bool	direct_connected(const struct direct *d);
/* What oe-interface's packets may have before ESP; 0: nobody knows. */
unsigned direct_mtu(const struct direct *d);
/* "through NAT", or not. */
const char *direct_how(const struct direct *d);
/* Who does ESP from there, for people. */
const char *direct_dataplane(const struct direct *d);

/* A packet from a program. */
void	direct_outbound(struct direct *d, const struct packet_view *v);
/* For oe_control(), oe_reconfigure(). */
struct oe *direct_engine(const struct direct *d);

#endif
