/* refusal.h - a stranger's IKEv2 to an address that several hosts have is refused, where silence would make it wait (RFC 7296 §2.21.1) */
#ifndef NAT_REFUSAL_H
#define NAT_REFUSAL_H

#include "net/ip.h"

#define REFUSAL_MAX (IP_HEADER_LEN + UDP_HEADER_LEN + 36)

/*
 * If p is the first message of an IKE_SA_INIT exchange to port 500: writes the
 * answer that its sender believes soonest, a NO_PROPOSAL_CHOSEN in the clear,
 * into out, v its view.  It is not longer than p.  False if p is anything else.
 */
bool	refusal_write(uint8_t out[REFUSAL_MAX], const struct packet_view *p,
	    struct packet_view *v);

#endif
