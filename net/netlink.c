/* netlink.c - one request to the kernel and what it answers, of whichever family */
#include "config.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "net/netlink.h"

#define HEARD_MAX	64	/* datagrams at once */

static int
netlink_bind(int protocol, int flags, uint32_t groups)
{
	struct sockaddr_nl us = { .nl_family = AF_NETLINK,
		.nl_groups = groups };
	int		   fd, saved;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, protocol);
	if (fd == -1)
		return -1;
	if (bind(fd, (struct sockaddr *)&us, sizeof(us)) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

int
netlink_open(int protocol)
{
	return netlink_bind(protocol, 0, 0);
}

int
netlink_monitor(int protocol, const unsigned *groups, size_t n)
{
	uint32_t bits = 0;
	size_t	 i;

	for (i = 0; i < n; i++)
		bits |= 1u << (groups[i] - 1);
	return netlink_bind(protocol, SOCK_NONBLOCK, bits);
}

void
netlink_drain(int fd)
{
	char buf[8192];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) != -1 ||
	    errno == ENOBUFS)
		continue;
}

struct nlmsghdr *
netlink_begin(void *buf, unsigned type, unsigned flags, const void *header,
    size_t len)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	void		*body;

	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	body = mnl_nlmsg_put_extra_header(nlh, len);
	if (header != NULL)
		memcpy(body, header, len);
	return nlh;
}

/* The next datagram, the kernel's own only: its length, or -1. */
static ssize_t
netlink_receive(int fd, void *buf, size_t cap)
{
	struct sockaddr_nl from;
	socklen_t	   len;
	ssize_t		   n;

	do {
		/* Who does not say is not the kernel. */
		from = (struct sockaddr_nl){ .nl_pid = 1 };
		len = sizeof(from);
		n = recvfrom(fd, buf, cap, 0, (struct sockaddr *)&from, &len);
	} while ((n == -1 && errno == EINTR) || (n >= 0 && from.nl_pid != 0));
	return n;
}

int
netlink_ask(int fd, struct nlmsghdr *nlh, mnl_cb_t fn, void *arg)
{
	static uint32_t	   last;
	_Alignas(8) char   buf[NETLINK_ANSWER_MAX];
	ssize_t		   n;
	size_t		   most = 0;
	int		   rc = MNL_CB_ERROR;

	if (++last == 0)
		last = 1;	/* 0 would be everybody's */
	nlh->nlmsg_seq = last;
	if (send(fd, nlh, nlh->nlmsg_len, 0) == -1)
		return -1;
	do {
		if ((n = netlink_receive(fd, buf, sizeof(buf))) == -1) {
			rc = MNL_CB_ERROR;
			break;
		}
		most = (size_t)n > most ? (size_t)n : most;
		rc = mnl_cb_run(buf, (size_t)n, last, 0, fn, arg);
	} while (rc > MNL_CB_STOP);
	/* An SA's keys may be in it. */
	wipe(buf, most);
	return rc == MNL_CB_ERROR ? -1 : 0;
}

void
netlink_heard(int fd, mnl_cb_t fn, void *arg)
{
	_Alignas(8) char buf[8192];
	ssize_t		 n;
	int		 i;

	for (i = 0; i < HEARD_MAX; i++) {
		n = netlink_receive(fd, buf, sizeof(buf));
		/* What did not fit in the socket is lost, and said again. */
		if (n == -1 && errno != ENOBUFS)
			return;
		if (n > 0)
			(void)mnl_cb_run(buf, (size_t)n, 0, 0, fn, arg);
	}
}

int
netlink_ask_once(int protocol, struct nlmsghdr *nlh)
{
	int fd = netlink_open(protocol), rc, error;

	if (fd == -1)
		return -1;
	rc = netlink_ask(fd, nlh, NULL, NULL);
	error = errno;
	close(fd);
	errno = error;
	return rc;
}
