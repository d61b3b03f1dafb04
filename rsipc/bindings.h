/* bindings.h - the bindings that a gateway has granted, and who uses what of them */
#ifndef RSIPC_BINDINGS_H
#define RSIPC_BINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "proto/rsip.h"

#define BINDINGS_MAX	256	/* of one registration; more than
				 * these are refused */
#define BINDINGS_RECENT	60000	/* ms that a port counts as in
				 * use after a packet */
#define LEASE_TIME_MAX	(30u * 86400)	/* seconds; longer grants are
					 * renewed as if this */

/* What a binding was asked for. */
enum binding_purpose {
	BINDING_MAIN,		/* address, ports and SPIs that
				 * the host stands on */
	BINDING_PORT,		/* one that a program bound
				 * itself (RFC 3102 §3.1) */
	BINDING_PORTS,		/* another block, few being left (the same) */
	BINDING_SPIS,		/* more SPIs */
	BINDING_LISTEN,		/* of the configuration, by LISTEN_REQUEST */
};

struct binding {
	uint32_t bind_id;
	enum binding_purpose purpose;
	uint8_t	 method;		/* enum rsip_method */
	uint8_t	 tunnel;		/* enum rsip_tunnel */
	struct addr addr;
	struct addr endpoint;		/* of the tunnel; none: the gateway */
	struct addr remote;		/* none: any */
	uint16_t remote_port;		/* host order; 0: any */
	uint16_t nports, nspis, ncookies;
	uint16_t port[RSIP_PORTS_MAX];	/* host order */
	uint32_t spi[RSIP_SPIS_MAX];	/* host order */
	bool	 spi_used[RSIP_SPIS_MAX];
	uint64_t cookie[RSIP_COOKIES_MAX];
	uint16_t cookie_next;
	uint32_t seconds;		/* granted */
	uint64_t renew, expires;	/* milliseconds of now */
	uint64_t used;			/* of ports: when a packet
					 * last left from one */
};

struct bindings {
	struct binding *b[BINDINGS_MAX];	/* owned */
	size_t	 n;
	bool	 whole;			/* the address is ours alone (RSA-IP):
					 * all of its ports and SPIs */
	uint16_t owner[65536];		/* of a port: index in b, plus
					 * one; 0: not leased */
	/* Ports seen in this half of BINDINGS_RECENT and in the one before. */
	uint8_t	 recent[2][8192];
	unsigned half;
	uint64_t half_ends;
	uint16_t lo, hi;		/* the block that programs choose
					 * from; hi 0: none */
	unsigned nrecent;		/* of lo..hi, in either half */
	uint16_t spi_binding, spi_index; /* where the last SPI was taken:
					  * the next is another */
};

/* No binding at all; and back to that, what they hold is freed. */
void	bindings_init(struct bindings *bs);
void	bindings_clear(struct bindings *bs);

/*
 * Takes the answer to an assignment or LISTEN into a new binding.  Returns it
 * (borrowed), or NULL with *why set to a sentence if it is not what such an
 * answer may hold: nothing of it is kept then.
 */
struct binding *bindings_add(struct bindings *bs, const struct rsip_message *m,
	    enum binding_purpose purpose, uint64_t now, const char **why);
void	bindings_remove(struct bindings *bs, struct binding *b);
/* The BINDING_PORT that was used longest ago, and not since
 * then; NULL: none. */
struct binding *bindings_oldest_port(const struct bindings *bs, uint64_t then);
struct binding *bindings_find(const struct bindings *bs, uint32_t bind_id);
/* The BINDING_MAIN, NULL if there is none. */
struct binding *bindings_main(const struct bindings *bs);

/* Sets seconds, renew (half time) and expires from a granted lease time. */
void	binding_set_lease(struct binding *b, uint32_t seconds, uint64_t now);

enum bindings_flow {
	BINDINGS_FLOW_OK,
	BINDINGS_FLOW_UNLEASED,	/* nothing that is leased covers it */
	BINDINGS_FLOW_OTHER,	/* the source port is for another remote side */
};
/*
 * May this flow leave (RFC 3103 §7)?  port: the source's, 0 for a protocol that
 * has none; ports in host order.  Notes that the port is in use, if more than
 * one packet and its answer are to be expected.
 */
enum bindings_flow bindings_flow_use(struct bindings *bs, uint16_t port,
	    const struct addr *remote, uint16_t remote_port, bool lasts,
	    uint64_t now);
/* Is that port leased, whoever is at the other end? */
bool	bindings_covers(const struct bindings *bs, uint16_t port);
/* Which block do programs choose their ports from?  hi 0: none. */
void	bindings_port_range(struct bindings *bs, uint16_t lo, uint16_t hi);
/* Are three quarters of that block in use? */
bool	bindings_ports_scarce(const struct bindings *bs);

/* The longest run of contiguous ports of a binding; false if it has none. */
bool	binding_port_block(const struct binding *b, uint16_t *lo, uint16_t *hi);

/* The runs of contiguous ports, of whatever bindings, that may be used towards
 * remote on any port; how many there are, max at most: then the longest. */
struct bindings_run { uint16_t lo, hi; };
unsigned bindings_port_runs(const struct bindings *bs,
	    const struct addr *remote, struct bindings_run *out, unsigned max);

/* SPIs in turn, so that a returned one rests as long as possible. 0,
 * or -1: none free. */
int	bindings_spi_get(struct bindings *bs, uint32_t *spi);
void	bindings_spi_put(struct bindings *bs, uint32_t spi);
size_t	bindings_spi_free(const struct bindings *bs);
/* Is it ours, and did bindings_spi_get() give it out?  Of a whole
 * address: always. */
bool	bindings_spi_used(const struct bindings *bs, uint32_t spi);

/* A negotiated initiator cookie that was not given out
 * before. 0, or -1: none. */
int	bindings_cookie_get(struct bindings *bs, uint64_t *cookie);

#endif
