/* pair.h - a pair of SAs, and which of a connection carries what */
#ifndef OE_PAIR_H
#define OE_PAIR_H

#include <sys/queue.h>

#include "base/hash.h"
#include "base/ratelimit.h"
#include "oe/keying.h"

struct connection;
struct core;
struct packet_view;

/* By which an ICMP error about our ESP finds the pair; zeroed
 * before it is filled. */
struct sa_out_key {
	struct addr dst;
	uint32_t    spi;
};

/* A pair of SAs. */
struct sa_pair {
	UT_hash_handle	   hh;		/* by spi_in */
	UT_hash_handle	   hh_out;	/* by out_key; two peers at one address
					 * may choose alike */
	struct sa_out_key  out_key;
	TAILQ_ENTRY(sa_pair) entry;
	struct connection *connection;
	uint32_t	   spi_in, spi_out;
	struct keying_selectors ours, theirs;
	struct addr	   inner;	/* lent to us, ours within it;
					 * none: it is our own */
	/* For blocks of ports (ports.h), at that side. */
	bool		   our_blocks, their_blocks;
	uint64_t	   used;
	struct esp_pair	  *esp;		/* in its data plane */
	bool		   unled;	/* which leads none (lead.h) */
	bool		   confirmed;	/* the peer has its half */
	bool		   follows;	/* a NAT's mapping of the peer */
	bool		   initiator;
	unsigned	   version;	/* of IKE that made it */
	enum keying_how	   how;		/* the peer proved itself */
	uint64_t	   born, soft;
	uint64_t	   soft_bytes;
	uint64_t	   linger;	/* "now" at which a replaced one
					 * goes; 0: not replaced */
	struct ratelimit   bad;
	struct ratelimit   mapped;	/* moves that its plane tells of */
};

/* Is it for all packets between the two addresses? */
bool	pair_is_whole(const struct sa_pair *p);
/* May this packet be in it (RFC 4301 §5.2)?  in: it came from the peer.  Later
 * fragments name no port. */
bool	pair_takes(const struct sa_pair *p, const struct packet_view *v,
	    bool in);
/* Is it for one flow alone? */
bool	pair_is_flow(const struct sa_pair *p);
/* By the outbound SPI (host order) towards dst; NULL: there is none. */
struct sa_pair *pair_by_spi_out(const struct core *c, const struct addr *dst,
	    uint32_t spi);
/* The pair that carries what we send, but flows that have their own; NULL
 * if there is none. */
struct sa_pair *connection_pair(const struct connection *conn);
/* The same, or the newest for the blocks of ports that we have. */
struct sa_pair *connection_carrier(const struct connection *conn);
/* The same, or where there are only flows' pairs one of these. */
struct sa_pair *connection_any_pair(const struct connection *conn);
void	pair_free(struct sa_pair *p);

#endif
