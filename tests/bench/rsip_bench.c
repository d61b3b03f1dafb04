/* rsip_bench.c - assignments a second of rsipd beside a bare libevent echo server, over the same wire */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
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

#define ECHO_PORT	4556
#define WINDOW_MAX	256
#define HOSTS_MAX	128
#define BUFFER		32768
#define BIND_OFFSET	14	/* header, client ID, head of the
				 * bind ID parameter */
#define ANSWER_MS	500	/* nothing for so long: it was lost ... */
#define TRIES		40	/* ... or something is wrong */

struct client {
	int	 fd;
	bool	 udp, echo;
	uint32_t client_id, counter;
	uint8_t	 in[BUFFER], out[BUFFER];
	size_t	 inlen, outlen, lastlen;	/* out still has what
						 * was sent last */
	uint64_t answers;
	unsigned under_way, tries;
	struct rsip_message message;
};

static void
fail(const char *what)
{
	fprintf(stderr, "rsip_bench: %s%s%s\n", what, errno ? ": " : "",
	    errno ? strerror(errno) : "");
	exit(1);
}

/* --- the echo server ------------------------------------------------------ */

static void
echo_read(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t	   buf[BUFFER];
	struct sockaddr_in from;
	socklen_t	   fromlen = sizeof(from);
	ssize_t		   n;
	bool		   udp = arg == NULL;

	(void)what;
	do {
		n = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT,
		    (struct sockaddr *)&from, &fromlen);
		if (n > 0 && sendto(fd, buf, (size_t)n, 0, udp ?
		    (struct sockaddr *)&from : NULL, udp ? fromlen : 0) != n)
			fail("echo");
	} while (udp && n > 0);
	if (n == 0 && !udp) {
		event_free(*(struct event **)arg);
		close(fd);
	}
}

static void
echo_accept(evutil_socket_t fd, short what, void *arg)
{
	struct event **e = xcalloc(1, sizeof(struct event *));
	int	       new = accept4(fd, NULL, NULL, SOCK_NONBLOCK), on = 1;

	(void)what;
	setsockopt(new, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*e = event_new(arg, new, EV_READ | EV_PERSIST, echo_read, e);
	event_add(*e, NULL);
}

static void
echo_serve(struct in_addr addr)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = addr,
		.sin_port = htons(ECHO_PORT) };
	struct event_base *base = event_base_new();
	int		   tcp = socket(AF_INET,
	    SOCK_STREAM | SOCK_NONBLOCK, 0),
			   udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0),
			   on = 1;

	setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(tcp, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    bind(udp, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(tcp, 16) == -1)
		fail("bind");
	event_add(event_new(base, tcp, EV_READ | EV_PERSIST, echo_accept, base),
	    NULL);
	event_add(event_new(base, udp, EV_READ | EV_PERSIST, echo_read, NULL),
	    NULL);
	event_base_dispatch(base);
}

/* --- the client ----------------------------------------------------------- */

static void
client_send(struct client *c, size_t total)
{
	size_t	at = 0, len;
	ssize_t n;

	while (at < total) {
		/* A datagram each; a stream all at once. */
		len = c->udp ? load_u16(c->out + at + 2) : total - at;
		if ((n = send(c->fd, c->out + at, len, 0)) == -1)
			fail("send");
		at += (size_t)n;
	}
}

static void
client_flush(struct client *c)
{
	if (c->outlen == 0)
		return;
	client_send(c, c->outlen);
	c->lastlen = c->outlen;
	c->outlen = 0;
}

static void
client_queue(struct client *c)
{
	struct rsip_message *m = &c->message;
	int		     n;

	if (m->type != RSIP_REGISTER_REQUEST) {
		m->has |= RSIP_HAS_CLIENT_ID;
		m->client_id = c->client_id;
	}
	if (c->udp) {
		m->has |= RSIP_HAS_COUNTER;
		m->counter = ++c->counter;
	}
	n = rsip_encode(m, c->out + c->outlen, sizeof(c->out) - c->outlen);
	if (n == -1)
		fail("encode");
	c->outlen += (size_t)n;
}

/* Address and one port, as a host asks most often. */
static void
queue_assign(struct client *c, bool ipsec)
{
	struct rsip_message *m = &c->message;

	rsip_message_init(m, ipsec ? RSIP_ASSIGN_REQUEST_RSIPSEC :
	    RSIP_ASSIGN_REQUEST_RSAP_IP);
	m->has = RSIP_HAS_LOCAL | RSIP_HAS_LOCAL_PORTS | RSIP_HAS_REMOTE |
	    RSIP_HAS_REMOTE_PORTS | (ipsec ? RSIP_HAS_SPIS : 0);
	m->local.type = m->remote.type = RSIP_ADDR_IPV4;
	m->local.any = m->remote.any = true;
	m->local_ports.none = m->remote_ports.none = ipsec;
	m->local_ports.number = m->remote_ports.number = 1;
	m->spis.number = 1;
	client_queue(c);
}

static void
queue_free(struct client *c, uint32_t bind_id)
{
	rsip_message_init(&c->message, RSIP_FREE_REQUEST);
	c->message.has = RSIP_HAS_BIND_ID;
	c->message.bind_id = bind_id;
	client_queue(c);
}

/* Takes in what is there; false if nothing is. */
static bool
client_take(struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->inlen, sizeof(c->in) - c->inlen,
	    MSG_DONTWAIT);

	if (n == -1 && errno == EAGAIN)
		return false;
	if (n <= 0)
		fail("receive");
	c->inlen += (size_t)n;
	c->tries = 0;
	return true;
}

/* Nothing came for a while. §10.1: a host repeats what it sent last. */
static void
client_repeat(struct client *c)
{
	errno = 0;
	if (++c->tries == TRIES)
		fail("no answer");
	if (c->udp)
		client_send(c, c->lastlen);
}

static void
client_receive(struct client *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	while (!client_take(c)) {
		if (poll(&p, 1, ANSWER_MS) != 1)
			client_repeat(c);
	}
}

/* The next whole message at *at, or NULL; what is left moves to the front. */
static const uint8_t *
client_next(struct client *c, size_t *at)
{
	int	       len = rsip_frame_length(c->in + *at, c->inlen - *at);
	const uint8_t *m = c->in + *at;

	if (len > 0 && (size_t)len <= c->inlen - *at) {
		*at += (size_t)len;
		c->answers++;
		return m;
	}
	c->inlen -= *at;
	memmove(c->in, m, c->inlen);
	*at = 0;
	return NULL;
}

static void
client_open(struct client *c, const struct in_addr *from, struct in_addr to,
    uint16_t port, bool udp)
{
	struct sockaddr_in source = { .sin_family = AF_INET };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = to,
		.sin_port = htons(port) };
	int		   on = 1;

	c->udp = udp;
	c->fd = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	if (from != NULL)
		source.sin_addr = *from;
	if (c->fd == -1 ||
	    bind(c->fd, (struct sockaddr *)&source, sizeof(source)) == -1 ||
	    connect(c->fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		fail("connect");
	if (!udp)
		setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void
client_register(struct client *c)
{
	const uint8_t *m;
	size_t	       at = 0;

	rsip_message_init(&c->message, RSIP_REGISTER_REQUEST);
	client_queue(c);
	client_flush(c);
	do
		client_receive(c);
	while ((m = client_next(c, &at)) == NULL);
	if (m[1] != RSIP_REGISTER_RESPONSE) {
		errno = 0;
		fail("registration refused");
	}
	c->client_id = load_u32(m + 7);
	c->inlen = 0;
}

static void
check(const uint8_t *m)
{
	if (m[1] != RSIP_ERROR_RESPONSE)
		return;
	errno = 0;
	fail(rsip_error_name(load_u16(m + 7)));
}

/* Makes n bindings that stay. */
static void
client_fill(struct client *c, size_t n)
{
	const uint8_t *m;
	size_t	       at = 0, asked = 0, done = 0;

	while (done < n) {
		while (asked < n && asked - done < 64) {
			queue_assign(c, true);
			asked++;
		}
		client_flush(c);
		client_receive(c);
		while ((m = client_next(c, &at)) != NULL) {
			check(m);
			done++;
		}
	}
}

/* What to do with an answer; adds nothing when the time is over. */
static unsigned
client_next_request(struct client *c, const uint8_t *m, bool over)
{
	if (!c->echo && m[1] != RSIP_FREE_RESPONSE) {
		check(m);
		queue_free(c, load_u32(m + BIND_OFFSET));
		return 1;
	}
	if (over)
		return 0;
	queue_assign(c, false);
	return 1;
}

/* Answers what is there of one host's. */
static void
client_serve(struct client *c, bool over)
{
	const uint8_t *m;
	size_t	       at = 0;

	if (!client_take(c))
		return;
	while ((m = client_next(c, &at)) != NULL)
		c->under_way += client_next_request(c, m, over) - 1;
	client_flush(c);
}

/* Each host keeps window requests under way for a time; answers a second. */
static double
run(struct client *c, unsigned hosts, unsigned window, unsigned ms)
{
	struct pollfd p[HOSTS_MAX];
	uint64_t      begin, now, answers = 0;
	unsigned      i, k, busy = hosts;

	for (i = 0; i < hosts; i++) {
		p[i] = (struct pollfd){ .fd = c[i].fd, .events = POLLIN };
		c[i].answers = 0;
		c[i].under_way = window;
		for (k = 0; k < window; k++)
			queue_assign(&c[i], false);
	}
	begin = now = clock_now();
	for (i = 0; i < hosts; i++)
		client_flush(&c[i]);
	while (busy > 0) {
		k = (unsigned)poll(p, hosts, ANSWER_MS);
		if (now < begin + ms) {
			now = clock_now();
			for (answers = 0, i = 0; i < hosts; i++)
				answers += c[i].answers;
		}
		for (busy = 0, i = 0; i < hosts; i++) {
			if (k == 0 && c[i].under_way != 0)
				client_repeat(&c[i]);
			if (p[i].revents != 0)
				client_serve(&c[i], now >= begin + ms);
			busy += c[i].under_way != 0;
		}
	}
	return (double)answers * 1000 / (double)(now - begin);
}

static void
client_deregister(struct client *c)
{
	size_t at = 0;

	rsip_message_init(&c->message, RSIP_DEREGISTER_REQUEST);
	client_queue(c);
	client_flush(c);
	do
		client_receive(c);
	while (client_next(c, &at) == NULL);
}

/* KiB that a process has in memory. */
static long
resident(const char *pid)
{
	char  path[64], line[256];
	long  kib = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	if ((f = fopen(path, "r")) == NULL)
		fail(path);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "VmRSS:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	}
	fclose(f);
	return kib;
}

/* Microseconds of processor that a process has used (proc(5): utime, stime). */
static double
processor(const char *pid)
{
	char	      path[64], line[1024] = "", *p = NULL, *save = NULL;
	unsigned long ticks = 0;
	unsigned      field;
	FILE	     *f;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	if ((f = fopen(path, "r")) == NULL ||
	    fgets(line, sizeof(line), f) == NULL ||
	    (p = strrchr(line, ')')) == NULL)
		fail(path);
	fclose(f);
	p = strtok_r(p, " ", &save);
	for (field = 2; p != NULL && field <= 15; field++) {
		if (field >= 14)
			ticks += strtoul(p, NULL, 10);
		p = strtok_r(NULL, " ", &save);
	}
	return (double)ticks * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

static void
usage(void)
{
	fprintf(stderr, "usage: rsip_bench -e address\n"
	    "       rsip_bench [-Eu] [-h hosts -s source] [-n bindings] "
	    "[-w window] [-t ms]\n"
	    "           [-m pid] address\n"
	    "       -e serves echo; -E asks the echo server, else rsipd; "
	    "-h so many hosts,\n"
	    "       from source on; -m shows the server's microseconds of "
	    "processor a\n"
	    "       request and KiB of memory\n");
	exit(2);
}

static unsigned long
number(const char *s, unsigned long min, unsigned long max)
{
	char	     *end;
	unsigned long v = strtoul(s, &end, 10);

	if (*end != '\0' || v < min || v > max)
		usage();
	return v;
}

int
main(int argc, char **argv)
{
	struct client *c;
	struct in_addr addr = { 0 }, source = { 0 }, from;
	unsigned       hosts = 1, window = 1, ms = 2000, i;
	unsigned long  fill = 0;
	uint64_t       answers = 0;
	bool	       udp = false, serve = false, echo = false;
	const char    *pid = NULL;
	double	       rate, used;
	int	       ch;

	while ((ch = getopt(argc, argv, "eEuh:s:n:w:t:m:")) != -1) {
		switch (ch) {
		case 'e':
			serve = true;
			break;
		case 'E':
			echo = true;
			break;
		case 'u':
			udp = true;
			break;
		case 'h':
			hosts = (unsigned)number(optarg, 1, HOSTS_MAX);
			break;
		case 's':
			if (inet_pton(AF_INET, optarg, &source) != 1)
				usage();
			break;
		case 'n':
			fill = number(optarg, 0, 10000000);
			break;
		case 'm':
			pid = optarg;
			break;
		case 'w':
			window = (unsigned)number(optarg, 1, WINDOW_MAX);
			break;
		case 't':
			ms = (unsigned)number(optarg, 1, 1000000);
			break;
		default:
			usage();
		}
	}
	if (optind + 1 != argc || inet_pton(AF_INET, argv[optind], &addr) != 1)
		usage();
	if (serve)
		echo_serve(addr);
	c = xcalloc(hosts, sizeof(*c));
	for (i = 0; i < hosts; i++) {
		from.s_addr = htonl(ntohl(source.s_addr) + i);
		c[i].echo = echo;
		client_open(&c[i], source.s_addr == 0 ? NULL : &from, addr,
		    echo ? ECHO_PORT : RSIP_PORT, udp);
		if (echo)
			continue;
		client_register(&c[i]);
		client_fill(&c[i], fill / hosts);
	}
	used = pid == NULL ? 0 : processor(pid);
	rate = run(c, hosts, window, ms);
	for (i = 0; i < hosts; i++)
		answers += c[i].answers;
	printf("%.0f", rate);
	if (pid != NULL)
		printf(" %.2f %ld", (processor(pid) - used) / (double)answers,
		    resident(pid));
	printf("\n");
	for (i = 0; i < hosts && !echo; i++)
		client_deregister(&c[i]);
	free(c);
	return 0;
}
