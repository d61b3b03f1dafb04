/* gso.h - large TCP segments at a TUN device: one read or write for many packets (TSO and GRO in user space) */
#ifndef NET_GSO_H
#define NET_GSO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ip.h"

#define GSO_HEADER_LEN	10	/* struct virtio_net_hdr before each packet */
#define GSO_BUFFER_LEN	(GSO_HEADER_LEN + IP_PACKET_MAX)

/*
 * Lets fd, a TUN of tun_open_gso(), hand over TCP segments of up to 64 KiB
 * and packets without checksums.  0, or -1 with errno: it then has only
 * ordinary packets, each behind GSO_HEADER_LEN bytes all the same.
 */
int	gso_enable(int fd);

/* What was read from such a TUN, before it is cut. */
struct gso_frame {
	struct packet_view view;	/* of it all, in the buffer */
	size_t		   largest;	/* bytes of the longest packet that
					 * gso_split() makes of it */
};
/* False: it is malformed. */
bool	gso_look(const uint8_t *buf, size_t len, struct gso_frame *look);

/*
 * What was read from such a TUN, len bytes in buf with the header: calls fn
 * with each packet that goes on a wire, checksums in place.  buf is written
 * to.  Returns how many; 0 for what is malformed.
 */
unsigned gso_split(uint8_t *buf, size_t len, packet_fn fn, void *arg);

/*
 * The way back: packets for the host that follow each other in one TCP
 * connection are joined, so that the kernel handles them as one.  Their order
 * is kept, and only what has right checksums is joined.
 */
struct gso_join;

/* write gets a whole frame for the TUN, header included.  Never NULL. */
struct gso_join *gso_join_new(void (*write)(void *arg, const uint8_t *frame,
	    size_t len), void *arg);
void	gso_join_free(struct gso_join *j);	/* NULL is allowed */
/* Takes one packet (copied), which may stay until gso_join_flush(). */
void	gso_join_add(struct gso_join *j, const struct packet_view *v);
/*
 * The same with one of IPv4 as this machine's kernel received it in a tunnel: a
 * card or the kernel (GRO) may have joined TCP segments already, and what has
 * checked a checksum leaves the pseudo header's sum in its place.  mtu, bytes:
 * what was longer than this was joined.
 */
void	gso_join_received(struct gso_join *j, const struct packet_view *v,
	    size_t mtu);
void	gso_join_flush(struct gso_join *j);

#endif
