/* port.c - packets into a device and out of it, each with a mark: packet(7) sockets */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "net/gso.h"
#include "net/port.h"

#ifndef SO_RCVMARK		/* Linux 5.19 */
#define SO_RCVMARK	75
#endif

#define PORT_BATCH	64	/* before others have their turn */

struct port {
	int	in, out;
	struct sockaddr_ll to;
	port_fn fn;
	void   *arg;
	uint32_t mark;		/* of what is being cut */
	uint8_t	buf[GSO_BUFFER_LEN];
};

union port_control {
	struct cmsghdr align;
	char	       buf[CMSG_SPACE(sizeof(uint32_t))];
};

/* Of one protocol: so it gets nothing of what goes out. */
static int
port_listen(struct port *p)
{
	const int on = 1;

	p->in = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return p->in == -1 || setsockopt(p->in, SOL_PACKET, PACKET_VNET_HDR,
	    &on, sizeof(on)) == -1 || setsockopt(p->in, SOL_SOCKET,
	    SO_RCVMARK, &on, sizeof(on)) == -1 || bind(p->in,
	    (struct sockaddr *)&p->to, sizeof(p->to)) == -1 ? -1 : 0;
}

struct port *
port_open(const char *device)
{
	struct port *p = xcalloc(1, sizeof(*p));
	int	     error;

	p->in = p->out = -1;
	p->to = (struct sockaddr_ll){ .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)if_nametoindex(device) };
	if (p->to.sll_ifindex != 0 && port_listen(p) == 0 &&
	    (p->out = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0)) != -1)
		return p;
	error = errno;
	port_close(p);
	errno = error;
	return NULL;
}

void
port_close(struct port *p)
{
	if (p == NULL)
		return;
	if (p->in != -1)
		close(p->in);
	if (p->out != -1)
		close(p->out);
	free(p);
}

int
port_fd(const struct port *p)
{
	return p->in;
}

static bool
mark_of(struct msghdr *m, uint32_t *mark)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_MARK ||
		    c->cmsg_len < CMSG_LEN(sizeof(*mark)))
			continue;
		memcpy(mark, CMSG_DATA(c), sizeof(*mark));
		return true;
	}
	return false;
}

static void
port_cut(void *arg, const struct packet_view *v)
{
	struct port *p = arg;

	p->fn(p->arg, p->mark, v);
}

/* One; false with errno: there is none, or what there was is lost, as no header
 * of a TUN's frames says how it was joined. */
static bool
port_take(struct port *p)
{
	union port_control control;
	struct iovec	   iov = { p->buf, sizeof(p->buf) };
	struct msghdr	   m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t		   n;

	if ((n = recvmsg(p->in, &m, 0)) == -1)
		return errno == EINTR;
	if ((m.msg_flags & MSG_TRUNC) == 0 && mark_of(&m, &p->mark))
		(void)gso_split(p->buf, (size_t)n, port_cut, p);
	return true;
}

bool
port_receive(struct port *p, port_fn fn, void *arg)
{
	int i;

	p->fn = fn;
	p->arg = arg;
	for (i = 0; i < PORT_BATCH; i++) {
		if (!port_take(p))
			return errno != ENETDOWN;
	}
	return true;
}

int
port_send(struct port *p, uint32_t mark, const struct packet_view *v)
{
	union port_control control;
	struct iovec	   iov = { (void *)(uintptr_t)v->data, v->len };
	struct msghdr	   m = { .msg_name = &p->to,
		.msg_namelen = sizeof(p->to), .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr	  *c;

	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SO_MARK;
	c->cmsg_len = CMSG_LEN(sizeof(mark));
	memcpy(CMSG_DATA(c), &mark, sizeof(mark));
	return sendmsg(p->out, &m, 0) == -1 ? -1 : 0;
}
