/* demand.h - packets from source ports that are not leased yet wait here (RFC 3102 §3.1) */
#ifndef RSIPC_DEMAND_H
#define RSIPC_DEMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ip.h"

#define DEMAND_PACKETS_MAX	64	/* held at once, of all ports */
#define DEMAND_PORT_MAX		4	/* held of one port; later
					 * ones are dropped */
#define DEMAND_BYTES_MAX	65536	/* of all packets */
#define DEMAND_WAIT		5000	/* ms a packet waits at most */

struct demand_packet {
	uint16_t port;			/* 0: a protocol without ports ... */
	struct addr remote;		/* ... to this address */
	uint64_t until;
	struct packet_view view;	/* as it was read when it came */
	uint8_t	*data;
};

struct demand {
	struct demand_packet held[DEMAND_PACKETS_MAX];	/* oldest first */
	size_t	n, bytes;
	uint64_t dropped;
};

/* Keeps a copy; false if there is no room for it.  remote counts
 * where port is 0. */
bool	demand_hold(struct demand *d, uint16_t port, const struct addr *remote,
	    const struct packet_view *v, uint64_t now);
/* Hands over what waits for a port, oldest first, and forgets it; not what fn
 * holds again. */
void	demand_release(struct demand *d, uint16_t port,
	    const struct addr *remote, packet_fn fn, void *arg);
/* Forgets what has waited too long, or (now UINT64_MAX) everything. */
void	demand_expire(struct demand *d, uint64_t now);

#endif
