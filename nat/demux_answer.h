/* demux_answer.h - what a host may answer to a neighbour that spoke to its leased port first */
#ifndef NAT_DEMUX_ANSWER_H
#define NAT_DEMUX_ANSWER_H

#include "nat/demux.h"
#include "net/ip.h"

/*
 * A leased port is heard from the private side too (RFC 3103 §9.16.3: packets
 * to a listening port, whoever sends them), and may answer there, and only
 * that.  expect: reader that learns; the packet from there that demux_inbound()
 * let through.  expected: reader; is a host's packet the answer to such a one,
 * or an ICMP error about it?  now: ms of clock_now().
 */
void	demux_expect(struct demux *d, uint64_t now,
	    const struct packet_view *p);
bool	demux_expected(struct demux *d, uint64_t now,
	    const struct packet_view *p);

#endif
