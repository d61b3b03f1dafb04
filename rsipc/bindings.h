/* bindings.h - the bindings that a gateway has granted, and who uses what of them */
#ifndef RSIPC_BINDINGS_H
#define RSIPC_BINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/rsip.h"

#define LEASE_BINDINGS_MAX	256	/* of one registration; a gateway that grants more is ignored */
#define LEASE_RECENT		60000	/* ms that a port counts as in use after a packet */
#define LEASE_TIME_MAX		(30u * 86400)	/* seconds; longer grants are renewed as if this */

/* What a binding was asked for. */
enum lease_purpose {
	LEASE_MAIN,		/* the address, its ports and SPIs: what the host stands on */
	LEASE_PORT,		/* one port that a program bound by itself (RFC 3102 §3.1) */
	LEASE_PORTS,		/* another block, as the one in use has few left (the same) */
	LEASE_SPIS,		/* more SPIs */
	LEASE_LISTEN,		/* a port of the configuration, by LISTEN_REQUEST */
};

struct binding {
	uint32_t bind_id;
	enum lease_purpose purpose;
	uint8_t	 method;		/* enum rsip_method */
	uint8_t	 tunnel;		/* enum rsip_tunnel */
	uint32_t addr;			/* network order */
	uint32_t endpoint;		/* of the tunnel, network order; 0: the gateway */
	uint32_t remote;		/* network order; 0: any */
	uint16_t remote_port;		/* host order; 0: any */
	uint16_t nports, nspis, ncookies;
	uint16_t port[RSIP_PORTS_MAX];	/* host order */
	uint32_t spi[RSIP_SPIS_MAX];	/* host order */
	bool	 spi_used[RSIP_SPIS_MAX];
	uint64_t cookie[RSIP_COOKIES_MAX];
	uint16_t cookie_next;
	uint32_t seconds;		/* granted */
	uint64_t renew, expires;	/* milliseconds of now */
	uint64_t used;			/* LEASE_PORT, LEASE_PORTS: when a packet last left from it */
};

struct lease {
	struct binding *b[LEASE_BINDINGS_MAX];	/* owned */
	size_t	 n;
	bool	 whole;			/* the address is ours alone (RSA-IP): all of its ports and SPIs */
	uint16_t owner[65536];		/* of a port: index in b, plus one; 0: not leased */
	/* Ports seen in this half of LEASE_RECENT and in the one before. */
	uint8_t	 recent[2][8192];
	unsigned half;
	uint64_t half_ends;
	uint16_t lo, hi;		/* the block that programs choose from; hi 0: none */
	unsigned nrecent;		/* of lo..hi, in either half */
	uint16_t spi_binding, spi_index;/* where the last SPI was taken: the next is another */
};

void	lease_init(struct lease *l);
void	lease_clear(struct lease *l);

/*
 * Takes the answer to an assignment or LISTEN into a new binding.  Returns it
 * (borrowed), or NULL with *why set to a sentence if it is not what such an
 * answer may hold: nothing of it is kept then.
 */
struct binding *lease_add(struct lease *l, const struct rsip_message *m,
	    enum lease_purpose purpose, uint64_t now, const char **why);
void	lease_remove(struct lease *l, struct binding *b);
/* The binding of LEASE_PORT that was used longest ago, and not since then; NULL: none. */
struct binding *lease_oldest_port(const struct lease *l, uint64_t then);
struct binding *lease_find(const struct lease *l, uint32_t bind_id);
/* The binding of LEASE_MAIN, NULL if there is none. */
struct binding *lease_main(const struct lease *l);

/* Sets seconds, renew (half time) and expires from a granted lease time. */
void	lease_grant(struct binding *b, uint32_t seconds, uint64_t now);

enum lease_flow {
	LEASE_FLOW_OK,
	LEASE_FLOW_UNLEASED,	/* nothing that is leased covers it */
	LEASE_FLOW_OTHER,	/* its source port is leased for another remote side */
};
/*
 * May this flow leave (RFC 3103 §7)?  port: the source's, 0 for a protocol that
 * has none; remote in network order, ports in host order.  Notes that the
 * port is in use.
 */
enum lease_flow lease_flow_use(struct lease *l, uint16_t port, uint32_t remote,
	    uint16_t remote_port, uint64_t now);
/* Which block do programs choose their ports from?  hi 0: none. */
void	lease_port_range(struct lease *l, uint16_t lo, uint16_t hi);
/* Are three quarters of that block in use? */
bool	lease_ports_scarce(const struct lease *l);

/* The longest run of contiguous ports of a binding; false if it has none. */
bool	lease_port_block(const struct binding *b, uint16_t *lo, uint16_t *hi);

/* SPIs in turn, so that a returned one rests as long as possible. 0, or -1: none free. */
int	lease_spi_get(struct lease *l, uint32_t *spi);
void	lease_spi_put(struct lease *l, uint32_t spi);
size_t	lease_spi_free(const struct lease *l);
/* True if it is ours and lease_spi_get() gave it out; with a whole address, always. */
bool	lease_spi_used(const struct lease *l, uint32_t spi);

/* A negotiated initiator cookie that was not given out before. 0, or -1: none. */
int	lease_cookie_get(struct lease *l, uint64_t *cookie);

#endif
