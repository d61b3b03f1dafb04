/* discover.h - asks the resolvers of the system which RSIP gateways the search domains have */
#ifndef RSIPC_DISCOVER_H
#define RSIPC_DISCOVER_H

#include "rsipc/dnssd.h"

struct event_base;
struct discover;

/* What was found, in the order to try it in; n 0: nothing.  Good only
 * within the call. */
typedef void (*discover_fn)(void *arg, const struct dnssd_gateway *g, size_t n);

/* A search for gateways by DNS (RFC 2782) that calls fn; not begun. */
struct discover *discover_new(struct event_base *base, discover_fn fn,
	    void *arg);
void	discover_free(struct discover *d);	/* NULL is allowed */

/* Begins, with what /etc/resolv.conf says now; calls fn once, later, within
 * seconds. False: there is nobody to ask, or nothing to ask for. */
bool	discover_start(struct discover *d);
/* On another network: what is under way is forgotten, without a call. */
void	discover_stop(struct discover *d);

#endif
