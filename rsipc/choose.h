/* choose.h - which gateway: the one of the configuration, the default route's next hop, or one that DNS names */
#ifndef RSIPC_CHOOSE_H
#define RSIPC_CHOOSE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "rsipc/discover.h"
#include "rsipc/settings.h"

#define CHOOSE_ASK_AGAIN	600000	/* ms after which DNS is asked
					 * anew, on one network */

struct choose {
	struct discover *discover;
	struct addr hop;		/* the default route's */
	struct dnssd_gateway other[DNSSD_FOUND_MAX];
	size_t	 n, at;			/* at 0: the hop; else other[at - 1] */
	uint64_t asked;			/* DNS, when last; 0: not
					 * on this network */
	void	(*found)(void *arg);
	void	*arg;
};

/* Where a gateway is, and over which link. */
struct choose_way {
	struct addr gateway, addr;	/* addr: ours */
	uint16_t port;
	char	 link[IFNAMSIZ];
};

/* found is called when there are others to try. */
void	choose_open(struct choose *c, struct event_base *base,
	    void (*found)(void *arg), void *arg);
void	choose_close(struct choose *c);

/* False: there is none to be seen.  Another next hop is another network, of
 * which nothing is known yet. */
bool	choose_way(struct choose *c, const struct settings *s,
	    struct choose_way *out);
/* The one in use registers nobody, or what it leases is of no use: DNS is asked
 * if it was not of late. */
void	choose_ask(struct choose *c, const struct settings *s, uint64_t now);
/* On to the next; after the last one comes the hop. */
void	choose_next(struct choose *c);
/* Is one left that was not tried since the hop was? */
bool	choose_more(const struct choose *c);

#endif
