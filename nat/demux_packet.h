/* demux_packet.h - the demux table's readers: whose is a packet, may a host send it */
#ifndef NAT_DEMUX_PACKET_H
#define NAT_DEMUX_PACKET_H

#include "nat/demux.h"
#include "net/ip.h"

enum demux_verdict {
	DEMUX_FORWARD,		/* to *out */
	DEMUX_NOT_OURS,		/* not a leased resource: let the router have it */
	DEMUX_DROP,		/* must not reach anybody (RFC 3104 §5) */
	DEMUX_MISUSE_ADDR,	/* outbound only: §10.4's four cases ... */
	DEMUX_MISUSE_ADDRPORT,
	DEMUX_MISUSE_REMOTE_ADDR,
	DEMUX_MISUSE_REMOTE_ADDRPORT,
	DEMUX_MISUSE_TUNNEL,	/* ... and the wrong tunnel type */
};

struct demux_target {
	struct addr host, gateway;
	enum tunnel_type tunnel;
	uint32_t client_id, bind_id;
};

/*
 * Reader.  Decides about one packet that came from the public side to a leased
 * address; what stands behind its header is hostile.  Fills out on FORWARD.
 */
enum demux_verdict demux_inbound(struct demux *d, uint64_t now,
	    const struct packet_view *p, struct demux_target *out);

/*
 * Reader that also learns.  Decides about one inner packet, which is no fragment,
 * that host sent through its tunnel; FORWARD means send it to the public side.
 * Learns initiator cookies, ICMP queries and peers' SPIs where the key is new: at
 * once if nobody is writing, else through a queue that the writer drains; the
 * packet that brought it is let through.
 * Fills out (whose it was) on FORWARD and on MISUSE where the host is known.
 */
enum demux_verdict demux_outbound(struct demux *d, uint64_t now,
	    const struct addr *host, enum tunnel_type tunnel,
	    const struct packet_view *p, struct demux_target *out);

/* Reader.  Does host hold anything of a leased address? */
bool	demux_holds(struct demux *d, const struct addr *host,
	    const struct addr *local);

/*
 * A leased port is heard from the private side too (RFC 3103 §9.16.3: packets to
 * a listening port, whoever sends them), and may answer there, and only that.
 * expect: reader that learns; the packet from there that demux_inbound() let
 * through.  expected: reader; is a host's packet the answer to such a one, or an
 * ICMP error about it?
 */
void	demux_expect(struct demux *d, uint64_t now, const struct packet_view *p);
bool	demux_expected(struct demux *d, uint64_t now,
	    const struct packet_view *p);

#endif
