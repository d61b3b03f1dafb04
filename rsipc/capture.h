/* capture.h - which packets of this host go into the device: all but the local ones, whatever the main table says */
#ifndef RSIPC_CAPTURE_H
#define RSIPC_CAPTURE_H

#include <net/if.h>
#include <stdbool.h>

#include "oe/guard.h"

/* What our own sockets towards the gateway carry past it: "RS". */
#define CAPTURE_MARK		0x5253u
/* ESP that the kernel has made of what a lease sends; a table, and a rule's
 * priority before ours: "RR". */
#define CAPTURE_ESP	0x5252u
#define CAPTURE_LOCALS_MAX	64	/* networks that a
					 * gateway calls local */

/*
 * A rule before the main table leads packets without our mark into a table of
 * our own, whose default route is the device.  Longer routes of the main table,
 * which DHCP or a neighbour may bring, change nothing.  Local stay, and are
 * left to the main table: networks on the host's links, its routes to private
 * space (RFC 1918, RFC 4193), the gateway itself, and networks that the gateway
 * calls local if they lie within one of these.  Never what policy denies or
 * takes only encrypted: see oe/guard.h, whose rule comes next.
 */
struct capture;

/* name: the device that packets go to; clear_name: the one with the address. */
struct capture *capture_new(const char *name, const char *clear_name);
/* open: as guard_close(). NULL is allowed. */
void	capture_free(struct capture *c, bool open);

/* What policy shuts; before the engine gets config, which is borrowed.  NULL:
 * nothing. 0, or -1 after one log line. */
int	capture_policy(struct capture *c, const struct oe_config *config);

/* Begins, or goes on with other values.  src: the leased address; without one
 * nothing gets out.  gateway may be none.  0, or -1 logged. */
int	capture_begin(struct capture *c, const struct addr *src,
	    const struct addr *gateway);
/* The same of IPv6, whatever becomes of the lease's family: there is neither a
 * gateway nor a source to go by.  0, or -1 logged. */
int	capture_ipv6(struct capture *c, bool leads);
void	capture_end(struct capture *c);
/* After links, addresses, routes or rules have changed. */
void	capture_mend(struct capture *c);

/* A network behind the gateway that this calls local. */
void	capture_add_local(struct capture *c, const struct prefix *net);
/* Another gateway: what the last one called local is so no more. */
void	capture_forget_locals(struct capture *c);
/* May packets to addr go to the main table, as far as policy goes? */
bool	capture_leaves(const struct capture *c, const struct addr *addr);

#endif
