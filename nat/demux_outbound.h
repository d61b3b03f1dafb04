/* demux_outbound.h - what a host may send out of its tunnel (RFC 3103 §7.3, §10.4; RFC 3104 §6.1) */
#ifndef NAT_DEMUX_OUTBOUND_H
#define NAT_DEMUX_OUTBOUND_H

#include "nat/demux.h"
#include "nat/demux_verdict.h"
#include "net/ip.h"

/*
 * Reader that also learns.  Decides about one inner packet, which is no
 * fragment, that host sent through its tunnel; FORWARD means send it to the
 * public side.  Learns initiator cookies, ICMP queries and peers' SPIs where
 * the key is new: at once if nobody is writing, else through a queue that the
 * writer drains; the packet that brought it is let through.  Fills out (whose
 * it was) on FORWARD and on MISUSE where the host is known.  now: ms of
 * clock_now().
 */
enum demux_verdict demux_outbound(struct demux *d, uint64_t now,
	    const struct addr *host, enum tunnel_type tunnel,
	    const struct packet_view *p, struct demux_target *out);

/* Reader.  Does host hold anything of a leased address? */
bool	demux_holds(struct demux *d, const struct addr *host,
	    const struct addr *local);

#endif
