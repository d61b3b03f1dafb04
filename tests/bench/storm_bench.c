/* storm_bench.c - hosts that all find their gateway restarted: each is told so, registers and is assigned anew, by UDP */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/util.h"
#include "proto/rsip.h"

#define PORT	  4600		/* of all hosts */
#define ECHO_PORT 4556		/* rsip_bench's */
#define WINDOW	  256		/* hosts that wait for an answer */
#define BATCH	  64
#define LEN_MAX	  256
#define AGAIN_MS  100		/* the answer, or the request, was lost */
#define TRIES	  100

/* What a host asks, and what it has to hear. */
static const struct step {
	uint8_t request, answer;
} steps[] = {
	{ RSIP_EXTEND_REQUEST, RSIP_ERROR_RESPONSE },
	{ RSIP_REGISTER_REQUEST, RSIP_REGISTER_RESPONSE },
	{ RSIP_ASSIGN_REQUEST_RSIPSEC, RSIP_ASSIGN_RESPONSE_RSIPSEC },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

struct host {
	uint32_t client_id;
	unsigned step;
	uint64_t sent;		/* when it last asked */
};

struct datagram {
	struct sockaddr_in peer;
	struct iovec	   iov;
	_Alignas(struct cmsghdr) uint8_t
	    control[CMSG_SPACE(sizeof(struct in_pktinfo))];
	uint8_t data[LEN_MAX];
};

static struct host    *hosts;
static unsigned	       nhosts = 100000, begun, done, repeats;
static unsigned	       waiting[WINDOW], nwaiting;	/* hosts */
static uint32_t	       first;
static int	       fd;
static bool	       echo;
static struct datagram out[BATCH], in[BATCH];
static struct mmsghdr  outmsg[BATCH], inmsg[BATCH];
static unsigned	       nout;

static struct cmsghdr *
header_of(struct datagram *d)
{
	return (struct cmsghdr *)(void *)d->control;
}

static void
fail(const char *what)
{
	fprintf(stderr, "storm_bench: %s%s%s\n", what, errno ? ": " : "",
	    errno ? strerror(errno) : "");
	exit(1);
}

static void
send_batch(void)
{
	unsigned at = 0;
	int	 n;

	for (; at < nout; at += (unsigned)n) {
		if ((n = sendmmsg(fd, outmsg + at, nout - at, 0)) == -1)
			fail("send");
	}
	nout = 0;
}

static size_t
make_request(const struct host *h, uint8_t *buf)
{
	static struct rsip_message m;
	int			   n;

	rsip_message_init(&m, (enum rsip_type)steps[h->step].request);
	m.has = RSIP_HAS_COUNTER;
	m.counter = h->step + 1;
	if (m.type != RSIP_REGISTER_REQUEST)
		m.has |= RSIP_HAS_CLIENT_ID;
	m.client_id = h->client_id;
	if (m.type == RSIP_EXTEND_REQUEST) {
		m.has |= RSIP_HAS_BIND_ID;
		m.bind_id = 1;
	}
	if (m.type == RSIP_ASSIGN_REQUEST_RSIPSEC) {
		m.has |= RSIP_HAS_LOCAL | RSIP_HAS_LOCAL_PORTS |
		    RSIP_HAS_REMOTE | RSIP_HAS_REMOTE_PORTS | RSIP_HAS_SPIS;
		m.local.type = m.remote.type = RSIP_ADDR_IPV4;
		m.local.any = m.remote.any = true;
		m.local_ports.number = m.remote_ports.number = 1;
		m.spis.number = 1;
	}
	if ((n = rsip_encode(&m, buf, LEN_MAX)) == -1)
		fail("encode");
	return (size_t)n;
}

static void
ask(unsigned i, uint64_t now)
{
	struct datagram	  *d = &out[nout];
	struct in_pktinfo *from = (void *)CMSG_DATA(header_of(d));

	hosts[i].sent = now;
	from->ipi_spec_dst.s_addr = htonl(first + i);
	d->iov.iov_len = make_request(&hosts[i], d->data);
	if (++nout == BATCH)
		send_batch();
}

static void
take(struct datagram *d, size_t len, uint64_t now)
{
	const struct in_pktinfo *to = (void *)CMSG_DATA(header_of(d));
	uint32_t		 i = ntohl(to->ipi_addr.s_addr) - first;
	struct host		*h;
	const uint8_t		*m = d->data;

	if (i >= nhosts || len < 11 || hosts[i].step == STEPS)
		return;
	h = &hosts[i];
	/* What was asked twice is answered twice. */
	if (m[1] != (echo ? steps[h->step].request : steps[h->step].answer)) {
		if (m[1] == RSIP_ERROR_RESPONSE && h->step != 1) {
			errno = 0;
			fail(rsip_error_name(load_u16(m + 7)));
		}
		return;
	}
	if (m[1] == RSIP_REGISTER_RESPONSE)
		h->client_id = load_u32(m + 7);
	if (++h->step < STEPS)
		ask(i, now);
	else
		done++;
}

static void
prepare(struct datagram *d, struct mmsghdr *m, bool sends)
{
	d->iov = (struct iovec){ d->data, sizeof(d->data) };
	m->msg_hdr = (struct msghdr){ .msg_name = sends ? &d->peer : NULL,
		.msg_namelen = sends ? sizeof(d->peer) : 0,
		.msg_iov = &d->iov, .msg_iovlen = 1,
		.msg_control = d->control,
		.msg_controllen = sizeof(d->control) };
	header_of(d)->cmsg_level = IPPROTO_IP;
	header_of(d)->cmsg_type = IP_PKTINFO;
	header_of(d)->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
}

static void
receive(void)
{
	uint64_t now = clock_now();
	int	 n, i;

	for (i = 0; i < BATCH; i++)
		prepare(&in[i], &inmsg[i], false);
	n = recvmmsg(fd, inmsg, BATCH, MSG_DONTWAIT, NULL);
	for (i = 0; i < n; i++)
		take(&in[i], inmsg[i].msg_len, now);
}

/* Hosts that are done give way to the next; who waits for long asks again. */
static void
look_after_hosts(void)
{
	uint64_t now = clock_now();
	unsigned i;

	for (i = 0; i < nwaiting; i++) {
		if (hosts[waiting[i]].step == STEPS)
			waiting[i--] = waiting[--nwaiting];
		else if (now > hosts[waiting[i]].sent + AGAIN_MS) {
			ask(waiting[i], now);
			if (++repeats == TRIES * nhosts)
				fail("no answers");
		}
	}
	while (nwaiting < WINDOW && begun < nhosts) {
		waiting[nwaiting++] = begun;
		ask(begun++, now);
	}
	send_batch();
}

static void
open_socket(struct in_addr to)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_port = htons(PORT) };
	int		   on = 1, room = 4 << 20;
	unsigned	   i;

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&from, sizeof(from)) ==
	    -1 || setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) ==
	    -1)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	for (i = 0; i < BATCH; i++) {
		prepare(&out[i], &outmsg[i], true);
		out[i].peer = (struct sockaddr_in){ .sin_family = AF_INET,
			.sin_addr = to,
			.sin_port = htons(echo ? ECHO_PORT : RSIP_PORT) };
	}
}

int
main(int argc, char **argv)
{
	struct in_addr to, source = { 0 };
	struct pollfd  p = { .events = POLLIN };
	uint64_t       begin;
	unsigned       i;
	int	       ch;

	while ((ch = getopt(argc, argv, "En:s:")) != -1) {
		if (ch == 'E')
			echo = true;
		else if (ch == 'n')
			nhosts = (unsigned)strtoul(optarg, NULL, 10);
		else if (ch != 's' || inet_pton(AF_INET, optarg, &source) != 1)
			goto usage;
	}
	if (optind + 1 != argc || source.s_addr == 0 || nhosts == 0 ||
	    inet_pton(AF_INET, argv[optind], &to) != 1)
		goto usage;
	first = ntohl(source.s_addr);
	hosts = xcalloc(nhosts, sizeof(*hosts));
	for (i = 0; i < nhosts; i++)
		hosts[i].client_id = 0x10000 + i;	/* of its former life */
	open_socket(to);
	p.fd = fd;
	begin = clock_now();
	while (done < nhosts) {
		look_after_hosts();
		if (poll(&p, 1, AGAIN_MS) == 1)
			receive();
	}
	printf("%llu %u\n", (unsigned long long)(clock_now() - begin),
	    repeats);
	return 0;
usage:
	fprintf(stderr, "usage: storm_bench [-E] [-n hosts] -s first-host "
	    "address\n       prints milliseconds, and how often a host had to "
	    "ask again\n");
	return 2;
}
