/* port.h - packets into a device and out of it, each with a mark: packet(7) sockets */
#ifndef NET_PORT_H
#define NET_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "net/ip.h"

struct port;

/* A packet, whole, with its mark. */
typedef void (*port_fn)(void *arg, uint32_t mark, const struct packet_view *v);

/*
 * Of a device without a header of a link.  What comes in there is taken besides
 * by the host's own stack, if that wants it; nothing that is sent is.  Needs
 * CAP_NET_RAW.  NULL with errno.
 */
struct port *port_open(const char *device);
void	port_close(struct port *p);	/* NULL is allowed */

/* Becomes readable when something came. */
int	port_fd(const struct port *p);
/* Of IPv4, what has come by now, joined segments cut; some 64 at most.  False:
 * nothing more comes, as the device is gone. */
bool	port_receive(struct port *p, port_fn fn, void *arg);
/* Sends a packet of IPv4 out by the device.  0, or -1 with errno. */
int	port_send(struct port *p, uint32_t mark, const struct packet_view *v);

#endif
