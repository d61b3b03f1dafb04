/* inbox.c - datagrams of a socket: many a system call, and those that the kernel joined (UDP_GRO) as one */
#include "config.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/util.h"
#include "net/inbox.h"
#include "net/ip.h"

#ifndef UDP_GRO			/* not in every libc */
#define UDP_GRO		104
#endif
#ifndef SOL_UDP
#define SOL_UDP		17
#endif

#define LINE		64	/* bytes of a processor's cache */

union inbox_control {
	struct cmsghdr align;
	char	       buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
	    3 * CMSG_SPACE(sizeof(int))];
};

struct inbox {
	unsigned	max;
	size_t		headroom, room;	/* in bytes; of each with headroom */
	struct mmsghdr *msg;
	struct iovec   *iov;
	struct sockaddr_storage *from;
	union inbox_control	*control;
	uint8_t	       *buf;	/* pages that nothing came to are never
				 * touched */
};

struct inbox *
inbox_new(unsigned max, size_t headroom)
{
	struct inbox *i = xcalloc(1, sizeof(*i));

	i->max = max;
	i->headroom = headroom;
	i->room = (headroom + IP_PACKET_MAX + LINE - 1) / LINE * LINE;
	i->msg = xcalloc(max, sizeof(*i->msg));
	i->iov = xcalloc(max, sizeof(*i->iov));
	i->from = xcalloc(max, sizeof(*i->from));
	i->control = xcalloc(max, sizeof(*i->control));
	i->buf = xcalloc(max, i->room);
	return i;
}

void
inbox_free(struct inbox *i)
{
	if (i == NULL)
		return;
	free(i->msg);
	free(i->iov);
	free(i->from);
	free(i->control);
	free(i->buf);
	free(i);
}

int
inbox_joins(int fd)
{
	const int on = 1;

	return setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof(on));
}

int
inbox_receive(struct inbox *i, int fd, unsigned max)
{
	unsigned n;

	if (max > i->max)
		max = i->max;
	for (n = 0; n < max; n++) {
		i->iov[n] = (struct iovec){ i->buf + n * i->room +
			i->headroom, IP_PACKET_MAX };
		i->msg[n].msg_hdr = (struct msghdr){ .msg_name = &i->from[n],
			.msg_namelen = sizeof(i->from[n]),
			.msg_iov = &i->iov[n], .msg_iovlen = 1,
			.msg_control = &i->control[n],
			.msg_controllen = sizeof(i->control[n]) };
	}
	return recvmmsg(fd, i->msg, max, MSG_DONTWAIT, NULL);
}

static void
told_by(struct inbox_datagram *d, struct cmsghdr *c)
{
	struct in_pktinfo  four;
	struct in6_pktinfo six;
	int		   n = 0;

	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		memcpy(&four, CMSG_DATA(c), sizeof(four));
		d->dst = addr_from_v4(four.ipi_addr.s_addr);
		return;
	}
	if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		memcpy(&six, CMSG_DATA(c), sizeof(six));
		d->dst = addr_from_bytes(AF_INET6, &six.ipi6_addr);
		return;
	}
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
		d->tos = *CMSG_DATA(c);	/* one byte, unlike IPv6's */
		return;
	}
	if (c->cmsg_len < CMSG_LEN(sizeof(n)))
		return;
	memcpy(&n, CMSG_DATA(c), sizeof(n));
	if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO && n > 0)
		d->segment = (size_t)n;
	else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
		d->tos = (uint8_t)n;
	else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)
		d->ttl = (uint8_t)n;
}

void
inbox_get(struct inbox *i, unsigned n, struct inbox_datagram *d)
{
	struct msghdr  *m = &i->msg[n].msg_hdr;
	struct cmsghdr *c;

	memset(d, 0, sizeof(*d));
	d->data = i->iov[n].iov_base;
	d->len = i->msg[n].msg_len;
	d->from = addr_from_sockaddr(&i->from[n], m->msg_namelen, &d->port);
	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c))
		told_by(d, c);
	if (d->segment == 0 || d->segment > d->len)
		d->segment = d->len == 0 ? 1 : d->len;
}
