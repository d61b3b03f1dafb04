/* wire_private.h - the sockets of wire.h, for those behind it */
#ifndef OE_WIRE_PRIVATE_H
#define OE_WIRE_PRIVATE_H

#include <sys/queue.h>

#include "net/esp_filter.h"
#include "net/icmp.h"
#include "net/udp.h"
#include "oe/wire.h"

struct inbox_datagram;

#define NATT_PORT	4500
#define BATCH		64	/* packets a wake-up: the other
				 * sockets wait no longer */

/* SOCK_TAKEN: beside SOCK_NATT, once the kernel takes ESP in UDP. */
enum { SOCK_ESP, SOCK_ICMP, SOCK_IKE, SOCK_NATT, SOCK_TAKEN, SOCK_N };

/* Inbound SPIs of the kernel. */
struct wire_taken {
	uint32_t spi[UDP_SHARE_MAX];
	unsigned n;
};

/* A socket of each family for raw ESP, which of n such ones has what is i's. */
struct wire_in {
	LIST_ENTRY(wire_in) entry;
	int		    fd[2];
	unsigned	    i, n;
	struct inbox	   *inbox;
};

/* The sockets of one family; -1: it has none here. */
struct wire_side {
	struct wire	  *wire;
	int		   family;
	struct addr	   local;
	int		   fd[SOCK_N], out;
	int		   segments;	/* for ESP in UDP by the piece */
	struct event	  *ev[SOCK_N];
	struct outbox	  *outbox;	/* of out */
	struct addr	   other;	/* whose ESP is not ours */
	struct wire_taken  taken, in_udp;
	bool		   shared;	/* SOCK_TAKEN is bound */
};

struct wire {
	struct event_base *base;
	struct oe	  *oe;
	wire_batch_fn	   batch;
	void		  *batch_arg;
	uint32_t	   mark;
	struct wire_side   side[2];	/* IPv4, IPv6 */
	struct inbox	  *inbox;
	LIST_HEAD(, wire_in) ins;
	bool		   shared;	/* ESP is for these alone */
	struct event	  *kernel;	/* says where its peers are */
	/* What a router would have told us, for the turn that comes. */
	struct event	  *told;
	struct packet_view error;	/* no data: nothing */
	uint8_t		   error_buf[ICMP_ERROR_ROOM];
};

/* The socket gets what is i's of n, n 0: nothing, and in any case nothing that
 * the kernel takes.  0, or -1 with errno. */
int	wire_esp_share(const struct wire_side *s, int fd, unsigned i,
	    unsigned n);
/* With the options that each has; -1 after a log line. */
int	wire_raw_socket(const struct wire_side *s, int protocol);
/* For packets with a header that we write. */
int	wire_out_socket(const struct wire_side *s);
/* A whole packet, with the header that it had; false: it was none. */
bool	wire_raw_packet(int family, uint8_t protocol,
	    const struct inbox_datagram *d, struct packet_view *v);

#endif
