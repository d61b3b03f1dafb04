/* inbox.h - datagrams of a socket: many a system call, and those that the kernel joined (UDP_GRO) as one */
#ifndef NET_INBOX_H
#define NET_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct inbox;

/* What the socket's options ask for is told; else none, and 0. */
struct inbox_datagram {
	uint8_t	   *data;	/* before it there is room, too */
	size_t	    len;
	size_t	    segment;	/* > 0; what is longer was joined of pieces of
				 * this length, but for the last one */
	struct addr from, dst;
	uint16_t    port;	/* of from, host order */
	uint8_t	    tos, ttl;
};

/* For max datagrams at once, with headroom bytes before each, which the caller
 * may write to.  Never NULL. */
struct inbox *inbox_new(unsigned max, size_t headroom);
void	inbox_free(struct inbox *i);	/* NULL is allowed */

/* Lets the kernel join datagrams of UDP.  0, or -1 with errno. */
int	inbox_joins(int fd);

/* What waits at fd, max at most: it replaces what was here.  How many, or -1
 * with errno. */
int	inbox_receive(struct inbox *i, int fd, unsigned max);
/* The n-th of them. */
void	inbox_get(struct inbox *i, unsigned n, struct inbox_datagram *d);

#endif
