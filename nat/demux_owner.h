/* demux_owner.h - whose a leased address or port is, whom it may speak with, and what passed */
#ifndef NAT_DEMUX_OWNER_H
#define NAT_DEMUX_OWNER_H

#include "nat/demux_table.h"
#include "nat/demux_verdict.h"
#include "net/ip.h"

/* Of a packet that shows no port. */
#define DEMUX_ANY_PORT	(-1)

/* Readers all of them.  now: ms of clock_now(). */

/* Who has all of an address (RSA-IP); NULL: nobody. */
struct demux_entry *demux_owner(struct demux *d, const struct addr *addr);
/* Whose a port is: leased by itself, or with its address; NULL: nobody's. */
struct demux_entry *demux_port_owner(struct demux *d, const struct addr *addr,
	    uint16_t port);
/* Whose a key is, which counts as used now; NULL: nobody's. */
struct demux_entry *demux_find_used(struct demux *d, const struct demux_key *k,
	    uint64_t now);

/*
 * RFC 3103 §7.2, both ways: DEMUX_FORWARD or what it is misuse of.  port is the
 * remote one in host order; DEMUX_ANY_PORT: the packet shows none (IPsec, ICMP)
 * or the policy cannot be about it (RFC 3104 Appendix D).
 */
enum demux_verdict demux_may_speak(struct demux_entry *e,
	    const struct addr *remote, int port);

/* Where a packet under e is to go: host, tunnel, and whose binding it is. */
void	demux_fill_target(struct demux_target *out,
	    const struct demux_entry *e);
/* A packet of len bytes passes under an entry: its last use, and its
 * counters. */
void	demux_count_in(struct demux *d, struct demux_entry *e, uint64_t now,
	    size_t len);
void	demux_count_out(struct demux *d, struct demux_entry *e, uint64_t now,
	    size_t len);

#endif
