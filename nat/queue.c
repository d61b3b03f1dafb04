/* queue.c - one NFQUEUE and the thread that decides about its packets */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "nat/queue.h"
#include "nat/rules.h"

/* Packets taken in at once: more gains nothing measurable. */
#define BATCH		32
#define PACKET_MAX	65535
/* A message of the kernel: the packet and what it tells about it. */
#define RX_SIZE		(PACKET_MAX + 1 + 1024)
/* Verdicts leave together; one with the largest packet must fit. */
#define VERDICT_HEAD	64
#define TX_SIZE		(256 * 1024)
/* The kernel's queue, if the configuration names none. */
#define LENGTH_DEFAULT	2048
/* Socket buffer for each packet of it: what the kernel charges for a small one
 * and a fair share of large ones. */
#define BYTES_PER_PACKET 2048

/* Netlink's own macros are signed. */
#define ALIGN4(n)	(((n) + 3) & ~(size_t)3)

struct queue_buffers {
	struct mmsghdr msgs[BATCH];
	struct iovec   iov[BATCH];
	size_t	       tx_len;
	uint8_t	       tx[TX_SIZE];
	uint8_t	       rx[BATCH][RX_SIZE];
};

/* --- configuration of the kernel's queue ---------------------------------- */

static struct nlmsghdr *
put_header(void *buf, uint16_t type, uint16_t number)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(number);
	return nlh;
}

/* Sends one configuration message and waits for the kernel's answer. */
static int
configure(struct queue *q, struct nlmsghdr *nlh)
{
	char			buf[8192];
	const struct nlmsgerr  *err;
	const struct nlmsghdr  *ans;
	ssize_t			n;

	nlh->nlmsg_flags |= NLM_F_ACK;
	if (send(q->fd, nlh, nlh->nlmsg_len, 0) == -1)
		return -1;
	for (;;) {
		n = recv(q->fd, buf, sizeof(buf), 0);
		if (n == -1) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		ans = (const struct nlmsghdr *)(const void *)buf;
		if (!mnl_nlmsg_ok(ans, (int)n))
			continue;
		/* A packet may be there before the answer: it waits in vain
		 * and is dropped, as any would have been a moment earlier. */
		if (ans->nlmsg_type != NLMSG_ERROR)
			continue;
		err = mnl_nlmsg_get_payload(ans);
		errno = -err->error;
		return err->error == 0 ? 0 : -1;
	}
}

static int
bind_queue(struct queue *q, unsigned length)
{
	char			     buf[256];
	struct nlmsghdr		    *nlh;
	struct nfqnl_msg_config_cmd  cmd = { .command = NFQNL_CFG_CMD_BIND };
	struct nfqnl_msg_config_params params = {
		.copy_range = htonl(PACKET_MAX), .copy_mode = NFQNL_COPY_PACKET };

	nlh = put_header(buf, NFQNL_MSG_CONFIG, q->number);
	cmd.pf = htons(AF_INET);
	mnl_attr_put(nlh, NFQA_CFG_CMD, sizeof(cmd), &cmd);
	if (configure(q, nlh) == -1)
		return -1;
	nlh = put_header(buf, NFQNL_MSG_CONFIG, q->number);
	mnl_attr_put(nlh, NFQA_CFG_PARAMS, sizeof(params), &params);
	mnl_attr_put_u32(nlh, NFQA_CFG_QUEUE_MAXLEN, htonl(length));
	/* Without NFQA_CFG_F_GSO the kernel cuts large packets into segments and
	 * completes checksums before we see them. */
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(0));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK,
	    htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_CONNTRACK | NFQA_CFG_F_FAIL_OPEN));
	return configure(q, nlh);
}

int
queue_open(struct queue *q, struct queue_shared *shared, unsigned index,
    uint16_t number, unsigned length)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int		   on = 1, size;

	q->shared = shared;
	q->index = index;
	q->number = number;
	q->errors = (struct ratelimit) RATELIMIT_INIT(50, 10);
	if (length == 0)
		length = LENGTH_DEFAULT;
	q->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	q->buffers = calloc(1, sizeof(*q->buffers));
	if (q->stop_fd == -1 || q->fd == -1 || q->buffers == NULL) {
		log_error("queue %u: %s", number, strerror(errno));
		return -1;
	}
	if (bind(q->fd, (struct sockaddr *)&addr, sizeof(addr)) == -1 ||
	    bind_queue(q, length) == -1) {
		if (errno == EBUSY || errno == EPERM)
			log_error("NFQUEUE %u is taken by another program: "
			    "choose others with queue-first", number);
		else
			log_error("NFQUEUE %u: %s (is nfnetlink_queue in the "
			    "kernel?)", number, strerror(errno));
		return -1;
	}
	size = (int)(length > INT32_MAX / BYTES_PER_PACKET
	    ? INT32_MAX : length * BYTES_PER_PACKET);
	if (setsockopt(q->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ==
	    -1)
		(void)setsockopt(
		    q->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	size = TX_SIZE * 2;
	if (setsockopt(q->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ==
	    -1)
		(void)setsockopt(
		    q->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	/* Overflow is counted by the kernel; we need no word of it each time. */
	(void)setsockopt(
	    q->fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	(void)setsockopt(q->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

/* --- packets --------------------------------------------------------------- */

static void
flush(struct queue *q)
{
	struct queue_buffers *b = q->buffers;

	/* Failing verdicts come back as messages of their own. */
	if (b->tx_len > 0 && send(q->fd, b->tx, b->tx_len, 0) == -1)
		queue_count(q, QUEUE_LOST);
	b->tx_len = 0;
}

/* Room for a verdict with a packet of len bytes; where its payload will lie. */
static uint8_t *
verdict_payload(struct queue *q, size_t len)
{
	struct queue_buffers *b = q->buffers;

	if (b->tx_len + VERDICT_HEAD + len > TX_SIZE)
		flush(q);
	/* Header, verdict, mark, and the payload attribute's own header. */
	return b->tx + b->tx_len + ALIGN4(sizeof(struct nlmsghdr)) +
	    ALIGN4(sizeof(struct nfgenmsg)) +
	    ALIGN4(sizeof(struct nlattr) +
	    sizeof(struct nfqnl_msg_verdict_hdr)) +
	    ALIGN4(sizeof(struct nlattr) + sizeof(uint32_t)) +
	    sizeof(struct nlattr);
}

/*
 * Puts a verdict behind the others.  With a payload, which stands where
 * verdict_payload() said, the packet passes the same rules once more (NF_REPEAT):
 * these see the mark and take it out of connection tracking, which a
 * packet that is not ours must not miss.
 */
static void
put_verdict(struct queue *q, uint32_t id, enum forward_action action, size_t len)
{
	struct queue_buffers	    *b = q->buffers;
	struct nfqnl_msg_verdict_hdr v;
	struct nlmsghdr		    *nlh;
	struct nlattr		    *attr;

	nlh = put_header(b->tx + b->tx_len, NFQNL_MSG_VERDICT, q->number);
	v.id = id;
	v.verdict = htonl(action == FORWARD_DROP ? NF_DROP :
	    action == FORWARD_ACCEPT ? NF_ACCEPT : NF_REPEAT);
	mnl_attr_put(nlh, NFQA_VERDICT_HDR, sizeof(v), &v);
	if (action == FORWARD_SEND) {
		mnl_attr_put_u32(nlh, NFQA_MARK, htonl(RULES_MARK));
		attr = mnl_nlmsg_get_payload_tail(nlh);
		attr->nla_type = NFQA_PAYLOAD;
		attr->nla_len = (uint16_t)(sizeof(*attr) + len);
		nlh->nlmsg_len += (uint32_t)ALIGN4(attr->nla_len);
	}
	b->tx_len += ALIGN4(nlh->nlmsg_len);
}

static void
handle_packet(struct queue *q, const struct nlmsghdr *nlh)
{
	const struct nfqnl_msg_packet_hdr *hdr = NULL;
	const struct nlattr		  *attr;
	const char			  *tail;
	struct forward_packet		   in = { 0 };
	enum forward_action		   action;
	uint8_t				  *out;
	size_t				   out_len = 0;
	bool				   cut = false;

	tail = mnl_nlmsg_get_payload_tail(nlh);
	for (attr = mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg));
	     mnl_attr_ok(attr, (int)(tail - (const char *)attr));
	     attr = mnl_attr_next(attr)) {
		switch (mnl_attr_get_type(attr)) {
		case NFQA_PACKET_HDR:
			if (mnl_attr_get_payload_len(attr) >= sizeof(*hdr))
				hdr = mnl_attr_get_payload(attr);
			break;
		case NFQA_IFINDEX_INDEV:
			in.in_index = ntohl(mnl_attr_get_u32(attr));
			break;
		case NFQA_CAP_LEN:
			cut = true;
			break;
		case NFQA_PAYLOAD:
			in.data = mnl_attr_get_payload(attr);
			in.len = mnl_attr_get_payload_len(attr);
			break;
		default:
			break;
		}
	}
	if (hdr == NULL)
		return;
	in.output = hdr->hook == NF_INET_LOCAL_OUT;
	out = verdict_payload(q, in.len + FORWARD_GROWTH);
	if (cut || in.data == NULL) {
		queue_count(q, QUEUE_DROP_MALFORMED);
		action = FORWARD_DROP;
	} else {
		action = forward_packet(q, &in, out, &out_len);
	}
	put_verdict(q, hdr->packet_id, action, out_len);
}

static void
handle_message(struct queue *q, const uint8_t *buf, size_t len)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)buf;
	int		       left = (int)len;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type == NLMSG_ERROR)
			queue_count(q, QUEUE_LOST);
		else if (nlh->nlmsg_type ==
		    (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
			handle_packet(q, nlh);
	}
}

/* Sleeps until there are packets; false when it is time to end. */
static bool
wait_for_packets(struct queue *q)
{
	struct pollfd fds[2] = { { .fd = q->fd, .events = POLLIN },
		{ .fd = q->stop_fd, .events = POLLIN } };
	int	      n;

	demux_offline(q->shared->demux, q->index);
	n = poll(fds, 2, -1);
	return n == -1 ? errno == EINTR : fds[1].revents == 0;
}

static void *
run(void *arg)
{
	struct queue	     *q = arg;
	struct queue_buffers *b = q->buffers;
	char		      name[16];
	int		      n;

	snprintf(name, sizeof(name), "rsip-queue%u", q->number);
	prctl(PR_SET_NAME, name, 0, 0, 0);
	for (unsigned i = 0; i < BATCH; i++) {
		b->iov[i] = (struct iovec) { b->rx[i], RX_SIZE };
		b->msgs[i].msg_hdr.msg_iov = &b->iov[i];
		b->msgs[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;) {
		n = recvmmsg(q->fd, b->msgs, BATCH, MSG_DONTWAIT, NULL);
		if (n <= 0) {
			if (!wait_for_packets(q))
				break;
			continue;
		}
		demux_online(q->shared->demux, q->index);
		q->now = clock_now();
		for (int i = 0; i < n; i++)
			handle_message(q, b->rx[i], b->msgs[i].msg_len);
		flush(q);
	}
	demux_offline(q->shared->demux, q->index);
	return NULL;
}

int
queue_start(struct queue *q)
{
	sigset_t all, old;
	int	 error;

	/* Signals are the control thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&q->thread, NULL, run, q);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error != 0) {
		log_error("queue %u: cannot start a thread: %s", q->number,
		    strerror(error));
		return -1;
	}
	q->running = true;
	return 0;
}

void
queue_close(struct queue *q)
{
	static const uint64_t one = 1;

	if (q->shared == NULL)
		return;
	if (q->running) {
		while (write(q->stop_fd, &one, sizeof(one)) == -1 &&
		    errno == EINTR)
			continue;
		pthread_join(q->thread, NULL);
	}
	if (q->fd != -1)
		close(q->fd);
	if (q->stop_fd != -1)
		close(q->stop_fd);
	free(q->buffers);
	memset(q, 0, sizeof(*q));
}

bool
queue_take_misuse(struct queue *q, struct queue_misuse *out)
{
	unsigned head, tail;

	tail = atomic_load_explicit(&q->misuse_tail, memory_order_relaxed);
	head = atomic_load_explicit(&q->misuse_head, memory_order_acquire);
	if (head == tail)
		return false;
	*out = q->misuse[tail % QUEUE_MISUSES];
	atomic_store_explicit(&q->misuse_tail, tail + 1, memory_order_release);
	return true;
}
