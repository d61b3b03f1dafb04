/* outbox.h - packets on their way to a raw socket: many a system call, and datagrams of one flow as one (UDP_SEGMENT) */
#ifndef NET_OUTBOX_H
#define NET_OUTBOX_H

#include <stddef.h>
#include <stdint.h>

#include "net/ip.h"

struct event_base;
struct outbox;

/* The kernel did not take a packet, errno says why.  It lies in the outbox, and
 * nothing may be sent there meanwhile. */
typedef packet_fn outbox_refused_fn;

/*
 * Of a raw socket on which we write the header (IPPROTO_RAW), fd, which stays
 * the caller's.  sourced: each packet's source is said besides, for rules of
 * the kernel's that ask for it.  base NULL: no turn of an event loop ends, and
 * what waits goes by outbox_flush() alone.  Never NULL.
 */
struct outbox *outbox_new(struct event_base *base, int fd, bool sourced,
	    outbox_refused_fn refused, void *arg);
void	outbox_free(struct outbox *o);	/* what waits goes; NULL is allowed */

/*
 * Datagrams of IPv4 that leave from that port, have DF set, and follow each
 * other to one destination with one length, the last one may be shorter, may
 * go by udp, a UDP socket of outbox_segments_socket(), in one piece.  What the
 * kernel does not take so goes as all else does, and if it never does so is no
 * more tried.
 */
void	outbox_segments(struct outbox *o, int udp, uint16_t port);
/*
 * A socket that sends from the port of owner, a bound socket of IPv4 that has
 * no other beside it, and to which nothing comes.  Its options beside that are
 * the caller's.  -1 with errno.
 */
int	outbox_segments_socket(int owner);

/*
 * Takes a packet, whose bytes are head and then body (v->data is not looked
 * at); they are copied.  It waits for those that follow until outbox_flush(),
 * or the end of this turn of the event loop.
 */
void	outbox_send(struct outbox *o, const struct packet_view *v,
	    const uint8_t *head, size_t head_len, const uint8_t *body);
/* What waits goes now. */
void	outbox_flush(struct outbox *o);
/*
 * One datagram or packet at once, past any outbox.  That it comes from src is
 * said besides: without it rules and policies of the kernel see the address
 * that the route prefers, and what a policy has to encrypt would pass it by.
 * port: of a UDP socket's peer, host order.  0, or -1 with errno.
 */
int	outbox_once(int fd, const struct addr *src, const struct addr *dst,
	    uint16_t port, const uint8_t *buf, size_t len);

#endif
