/* netlink.h - one request to the kernel and what it answers, of whichever family */
#ifndef NET_NETLINK_H
#define NET_NETLINK_H

#include <libmnl/libmnl.h>
#include <stddef.h>

/* The largest message that the kernel sends at once
 * (mnl_socket_recvfrom(3)). */
#define NETLINK_ANSWER_MAX	32768
/* Room for a request that begins with netlink_begin(). */
#define NETLINK_REQUEST_MAX	4096

/* A bound, blocking socket of NETLINK_ROUTE and the like, which the caller
 * closes; -1 with errno. */
int	netlink_open(int protocol);

/* Begins a request in buf (aligned to 4, of NETLINK_REQUEST_MAX bytes) with a
 * family's own header of len bytes: a copy, or zeros for NULL.  Attributes
 * follow. */
struct nlmsghdr *netlink_begin(void *buf, unsigned type, unsigned flags,
	    const void *header, size_t len);

/*
 * Sends a request and hands each part of the answer to fn (may be NULL) until
 * the kernel says that it is whole; one without NLM_F_DUMP has to have
 * NLM_F_ACK, or an answer for which fn returns MNL_CB_STOP.  What else arrives
 * meanwhile is lost.  0, or -1 with errno.
 */
int	netlink_ask(int fd, struct nlmsghdr *nlh, mnl_cb_t fn, void *arg);
/* The same, of which only the success is asked, on a socket of its own. */
int	netlink_ask_once(int protocol, struct nlmsghdr *nlh);

/* Hands what came on a socket of netlink_monitor() to fn, message by message; a
 * good many at most: what is left, it is readable for. */
void	netlink_heard(int fd, mnl_cb_t fn, void *arg);

/*
 * A descriptor that becomes readable when the kernel tells groups (RTNLGRP_*
 * and the like, each 32 at most) of a change; the caller closes it.  -1 with
 * errno.
 */
int	netlink_monitor(int protocol, const unsigned *groups, size_t n);
/* Takes what a monitor said.  An overrun is news, too, and ends with this. */
void	netlink_drain(int fd);

#endif
