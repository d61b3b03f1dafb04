/* packet_cause.c - did a program of ours send it, or could anybody have made our kernel send it? */
#include "config.h"

#include <netinet/in.h>

#include "net/icmp.h"
#include "oe/packet_cause.h"

#define TCP_FLAGS	13
#define TCP_SYN		0x02
#define TCP_RST		0x04
#define TCP_ACK		0x10
#define PORT_SERVICE	1024	/* below: a service, as a rule */

static enum packet_cause
cause_of_tcp(uint8_t flags)
{
	if (flags & TCP_RST)
		return PACKET_REFLEX;
	if ((flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		return PACKET_REFLEX;
	/* Past the handshake both ends have shown that they receive. */
	return PACKET_ASKS;
}

enum packet_cause
packet_cause(const struct packet_view *v)
{
	const uint8_t *body = v->data + v->header;
	size_t	       len = v->len - v->header;
	uint16_t       sport, dport;

	if (v->frag != 0)
		return PACKET_ASKS;
	/* Requests have a program behind them, all else a packet. */
	if (v->protocol == IPPROTO_ICMP || v->protocol == IPPROTO_ICMPV6)
		return icmp_is_query(v) ? PACKET_ASKS : PACKET_REFLEX;
	if (v->protocol == 6)
		return len > TCP_FLAGS ? cause_of_tcp(body[TCP_FLAGS]) :
		    PACKET_ASKS;
	if (!packet_ports(v, &sport, &dport))
		return PACKET_ASKS;
	return sport < PORT_SERVICE && dport >= PORT_SERVICE ?
	    PACKET_ANSWERS : PACKET_ASKS;
}
