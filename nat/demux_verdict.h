/* demux_verdict.h - what the demux table says of one packet: whose it is, or why it is nobody's */
#ifndef NAT_DEMUX_VERDICT_H
#define NAT_DEMUX_VERDICT_H

#include "nat/binding.h"

enum demux_verdict {
	DEMUX_FORWARD,		/* to its target */
	DEMUX_NOT_OURS,		/* not a leased resource: let the router have
				 * it */
	DEMUX_DROP,		/* must not reach anybody (RFC 3104 §5) */
	DEMUX_MISUSE_ADDR,	/* outbound only: RFC 3103 §10.4's four cases
				 * ... */
	DEMUX_MISUSE_ADDRPORT,
	DEMUX_MISUSE_REMOTE_ADDR,
	DEMUX_MISUSE_REMOTE_ADDRPORT,
	DEMUX_MISUSE_TUNNEL,	/* ... and the wrong tunnel type */
};

/* Whose a packet is, and the tunnel's ends: Xa and Na. */
struct demux_target {
	struct addr host, gateway;
	enum tunnel_type tunnel;
	uint32_t client_id, bind_id;
	uint32_t slot;		/* demux_watcher's; 0: none */
};

#endif
