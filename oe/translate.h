/* translate.h - another address in an IPv4 packet: the one that a peer has lent us (RFC 3022 §4.1, §4.3; RFC 7296 §2.19) */
#ifndef OE_TRANSLATE_H
#define OE_TRANSLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/ip.h"

/*
 * One address for one: nothing is kept, ports stay.  to takes from's place as
 * source of what goes out, or as destination of what comes in, and as the other
 * one of the packet that an ICMP error quotes, which went the other way; all
 * checksums follow (RFC 1624), as far as they are there.
 *
 * pkt is the packet that v shows, and may be changed; v follows.  False: its
 * address is another, it is not of IPv4, or it is cut so that its checksum
 * cannot follow.  Then nothing is changed.
 */
bool	translate_out(uint8_t *pkt, struct packet_view *v,
	    const struct addr *from, const struct addr *to);
bool	translate_in(uint8_t *pkt, struct packet_view *v,
	    const struct addr *from, const struct addr *to);

#endif
