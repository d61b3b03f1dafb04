/* demux_inbound.h - whose is a packet that comes from the public side (RFC 3104 §4, §5) */
#ifndef NAT_DEMUX_INBOUND_H
#define NAT_DEMUX_INBOUND_H

#include "nat/demux.h"
#include "nat/demux_verdict.h"
#include "net/ip.h"

/*
 * Reader.  Decides about one packet that came from the public side to a leased
 * address; what stands behind its header is hostile.  Fills out on FORWARD.
 * now: ms of clock_now().
 */
enum demux_verdict demux_inbound(struct demux *d, uint64_t now,
	    const struct packet_view *p, struct demux_target *out);

#endif
