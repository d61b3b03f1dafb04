/* packet_cause.h - did a program of ours send it, or could anybody have made our kernel send it? */
#ifndef OE_PACKET_CAUSE_H
#define OE_PACKET_CAUSE_H

struct packet_view;

/* How an outbound packet came about. */
enum packet_cause {
	PACKET_ASKS,		/* a program of ours began, or goes on */
	PACKET_ANSWERS,		/* a service of ours answers */
	PACKET_REFLEX,		/* the kernel's answer to what anybody may have
				 * forged: echo reply, ICMP error, SYN-ACK,
				 * RST */
};
enum packet_cause packet_cause(const struct packet_view *v);

#endif
