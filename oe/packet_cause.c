/* packet_cause.c - did a program of ours send it, or could anybody have made our kernel send it? */
#include "config.h"

#include "net/ip.h"
#include "oe/packet_cause.h"

#define TCP_FLAGS	13
#define TCP_SYN		0x02
#define TCP_RST		0x04
#define TCP_ACK		0x10
#define ICMP_ECHO	8
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
packet_cause(const uint8_t *pkt, size_t len)
{
	struct ip_info ip;
	uint16_t       sport, dport;

	if (!ip_parse(pkt, len, &ip) || ip.frag != 0)
		return PACKET_ASKS;
	if (ip.protocol == 1) {
		/* Requests have a program behind them, all else a packet. */
		return ip.total > ip.header && pkt[ip.header] == ICMP_ECHO ?
		    PACKET_ASKS : PACKET_REFLEX;
	}
	if (ip.protocol == 6)
		return ip.total > ip.header + TCP_FLAGS ?
		    cause_of_tcp(pkt[ip.header + TCP_FLAGS]) : PACKET_ASKS;
	if (!ip_ports(pkt, &ip, &sport, &dport))
		return PACKET_ASKS;
	return sport < PORT_SERVICE && dport >= PORT_SERVICE ?
	    PACKET_ANSWERS : PACKET_ASKS;
}
