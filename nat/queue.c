/* queue.c - one NFQUEUE and the thread that decides about its packets */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
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
#include "nat/demux_reader.h"
#include "nat/mark.h"
#include "nat/queue.h"
#include "net/netlink.h"

/* Packets taken in at once: more gains nothing measurable. */
#define BATCH		32
#define PACKET_MAX	65535
/* A message of the kernel: the packet and what it tells about it. */
#define RX_SIZE		(PACKET_MAX + 1 + 1024)
/* Verdicts leave together, at the latest when there are more than these bytes;
 * the one that makes them more may carry the largest packet. */
#define TX_SIZE		(256 * 1024)
#define VERDICT_MAX	(FORWARD_MAX + 1 + 64)
/* The kernel's queue, if the configuration names none. */
#define LENGTH_DEFAULT	2048
/* Socket buffer for each packet of it: what the kernel charges for a small one
 * and a fair share of large ones. */
#define BYTES_PER_PACKET 2048

struct queue_buffers {
	struct mmsghdr		msgs[BATCH];
	struct iovec		iov[BATCH];
	struct mnl_nlmsg_batch *batch;	/* in tx */
	char			tx[TX_SIZE + VERDICT_MAX];
	uint8_t			rx[BATCH][RX_SIZE];
};

/* --- configuration of the kernel's queue ---------------------------------- */

/* A packet that comes before the kernel's answer waits in vain and is dropped,
 * as any would have been a moment earlier. */
static int
configure(struct queue *q, struct nlmsghdr *nlh)
{
	nlh->nlmsg_flags |= NLM_F_ACK;
	return netlink_ask(q->fd, nlh, NULL, NULL);
}

static int
bind_queue(struct queue *q, unsigned length)
{
	char		 buf[256];
	struct nlmsghdr *nlh;

	nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, q->number);
	nfq_nlmsg_cfg_put_cmd(nlh, AF_INET, NFQNL_CFG_CMD_BIND);
	if (configure(q, nlh) == -1)
		return -1;
	nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, q->number);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, PACKET_MAX);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, length);
	/* Without NFQA_CFG_F_GSO the kernel cuts large packets into segments
	 * and completes checksums before we see them. */
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(0));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK,
	    htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_CONNTRACK |
	    NFQA_CFG_F_FAIL_OPEN));
	return configure(q, nlh);
}

/* As large as it may be: beyond the machine's bound where we are root. */
static void
set_buffer(int fd, int force, int ask, int size)
{
	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) == -1)
		(void)setsockopt(fd, SOL_SOCKET, ask, &size, sizeof(size));
}

int
queue_open(struct queue *q, struct forward_shared *shared,
    unsigned index, uint16_t number, unsigned length)
{
	int on = 1;

	q->index = index;
	q->number = number;
	if (length == 0)
		length = LENGTH_DEFAULT;
	q->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->fd = netlink_open(NETLINK_NETFILTER);
	q->buffers = calloc(1, sizeof(*q->buffers));
	if (q->buffers != NULL)
		q->buffers->batch = mnl_nlmsg_batch_start(q->buffers->tx,
		    TX_SIZE);
	if (forward_init(&q->forward, shared) == -1 || q->stop_fd == -1 ||
	    q->fd == -1 || q->buffers == NULL ||
	    q->buffers->batch == NULL) {
		log_error("queue %u: %s", number, strerror(errno));
		return -1;
	}
	if (bind_queue(q, length) == -1) {
		if (errno == EBUSY || errno == EPERM)
			log_error("NFQUEUE %u is taken by another program: "
			    "choose others with queue-first", number);
		else
			log_error("NFQUEUE %u: %s (is nfnetlink_queue in the "
			    "kernel?)", number, strerror(errno));
		return -1;
	}
	set_buffer(q->fd, SO_RCVBUFFORCE, SO_RCVBUF,
	    length > INT32_MAX / BYTES_PER_PACKET ? INT32_MAX :
	    (int)length * BYTES_PER_PACKET);
	set_buffer(q->fd, SO_SNDBUFFORCE, SO_SNDBUF, TX_SIZE * 2);
	/* Overflow is counted by the kernel; we need no word of it each
	 * time. */
	(void)setsockopt(q->fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on,
	    sizeof(on));
	(void)setsockopt(q->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

/* --- packets -------------------------------------------------------------- */

/* Sends what is complete; a verdict that exceeded the batch begins the next. */
static void
send_verdicts(struct queue *q)
{
	struct mnl_nlmsg_batch *batch = q->buffers->batch;

	/* Failing verdicts come back as messages of their own. */
	if (!mnl_nlmsg_batch_is_empty(batch) &&
	    send(q->fd, mnl_nlmsg_batch_head(batch),
	    mnl_nlmsg_batch_size(batch), 0) == -1)
		forward_count(&q->forward, FORWARD_COUNT_LOST);
	mnl_nlmsg_batch_reset(batch);
}

/* A message behind the others, with a verdict (NF_*) and so far no more. */
static struct nlmsghdr *
begin_verdict(struct queue *q, uint32_t id, int verdict)
{
	struct nlmsghdr *nlh;

	nlh = nfq_nlmsg_put(mnl_nlmsg_batch_current(q->buffers->batch),
	    NFQNL_MSG_VERDICT, q->number);
	nfq_nlmsg_verdict_put(nlh, (int)id, verdict);
	return nlh;
}

_Static_assert(sizeof(struct nlattr) + FORWARD_MAX <= UINT16_MAX,
    "a verdict's packet fits its attribute");

/*
 * Decides about a packet and puts the verdict behind the others.  One with a
 * payload is the packet's new form, and it passes the same rules once more
 * (NF_REPEAT): these see the mark and take it out of connection tracking, which
 * a packet that is not ours must not miss.
 */
static void
put_verdict(struct queue *q, uint32_t id, const struct forward_packet *in)
{
	enum forward_action action = FORWARD_DROP;
	struct forward_out  out;
	struct nlmsghdr	   *nlh;
	struct nlattr	   *attr, *mark;
	uint32_t	    value;

	nlh = begin_verdict(q, id, NF_REPEAT);
	mark = mnl_nlmsg_get_payload_tail(nlh);
	nfq_nlmsg_verdict_put_mark(nlh, MARK_OURS);
	/* Written where it leaves from: nfq_nlmsg_verdict_put_pkt() would
	 * copy. */
	attr = mnl_nlmsg_get_payload_tail(nlh);
	out.data = mnl_attr_get_payload(attr);
	if (in->data == NULL)
		forward_count(&q->forward, FORWARD_COUNT_DROP_MALFORMED);
	else
		action = forward_packet(&q->forward, in, &out);
	/* Behind PREROUTING the kernel has decided already where it goes. */
	if (action == FORWARD_SEND && in->hook == FORWARD_LATE) {
		forward_raw(&q->forward, &out.outer);
		action = FORWARD_DROP;
	}
	if (action == FORWARD_SEND) {
		value = htonl(out.mark);
		memcpy(mnl_attr_get_payload(mark), &value, sizeof(value));
		attr->nla_type = NFQA_PAYLOAD;
		attr->nla_len = (uint16_t)(sizeof(*attr) + out.len);
		nlh->nlmsg_len += (uint32_t)MNL_ALIGN(attr->nla_len);
	} else {
		begin_verdict(q, id,
		    action == FORWARD_ACCEPT ? NF_ACCEPT : NF_DROP);
	}
	if (!mnl_nlmsg_batch_next(q->buffers->batch))
		send_verdicts(q);
}

static enum forward_hook
get_hook(uint8_t hook)
{
	switch (hook) {
	case NF_INET_PRE_ROUTING:
		return FORWARD_PREROUTING;
	case NF_INET_LOCAL_OUT:
		return FORWARD_OUTPUT;
	default:
		return FORWARD_LATE;
	}
}

static void
decide_packet(struct queue *q, const struct nlmsghdr *nlh)
{
	const struct nfqnl_msg_packet_hdr *hdr;
	struct nlattr			  *attr[NFQA_MAX + 1] = { NULL };
	struct forward_packet		   in = { 0 };

	if (nfq_nlmsg_parse(nlh, attr) == -1 ||
	    attr[NFQA_PACKET_HDR] == NULL)
		return;
	hdr = mnl_attr_get_payload(attr[NFQA_PACKET_HDR]);
	in.hook = get_hook(hdr->hook);
	if (attr[NFQA_IFINDEX_INDEV] != NULL)
		in.in_index =
		    ntohl(mnl_attr_get_u32(attr[NFQA_IFINDEX_INDEV]));
	/* What was cut cannot be sent on. */
	if (attr[NFQA_PAYLOAD] != NULL && attr[NFQA_CAP_LEN] == NULL) {
		in.data = mnl_attr_get_payload(attr[NFQA_PAYLOAD]);
		in.len = mnl_attr_get_payload_len(attr[NFQA_PAYLOAD]);
	}
	put_verdict(q, ntohl(hdr->packet_id), &in);
}

static void
read_messages(struct queue *q, const uint8_t *buf, size_t len)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)buf;
	int		       left = (int)len;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type == NLMSG_ERROR)
			forward_count(&q->forward, FORWARD_COUNT_LOST);
		else if (nlh->nlmsg_type ==
		    (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
			decide_packet(q, nlh);
	}
}

/* Sleeps until there are packets; false when it is time to end. */
static bool
wait_for_packets(struct queue *q)
{
	struct pollfd fds[2] = { { .fd = q->fd, .events = POLLIN },
		{ .fd = q->stop_fd, .events = POLLIN } };
	int	      n;

	demux_offline(q->forward.shared->demux, q->index);
	n = poll(fds, 2, -1);
	return n == -1 ? errno == EINTR : fds[1].revents == 0;
}

static void *
decide_packets(void *arg)
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
		demux_online(q->forward.shared->demux, q->index);
		q->forward.now = clock_now();
		for (int i = 0; i < n; i++)
			read_messages(q, b->rx[i], b->msgs[i].msg_len);
		send_verdicts(q);
		forward_awaken(q->forward.shared);
	}
	demux_offline(q->forward.shared->demux, q->index);
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
	error = pthread_create(&q->thread, NULL, decide_packets, q);
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

	if (q->forward.shared == NULL)
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
	if (q->buffers != NULL && q->buffers->batch != NULL)
		mnl_nlmsg_batch_stop(q->buffers->batch);
	free(q->buffers);
	forward_clear(&q->forward);
	memset(q, 0, sizeof(*q));
}
