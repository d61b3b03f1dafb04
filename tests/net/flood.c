/* flood.c - what a stranger with a fast line sends: forged first messages, echo requests, datagrams; and true handshakes, half-way */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/ip.h"
#include "oe/ike1/isakmp.h"
#include "oe/ike1/proposal.h"
#include "oe/ike2/message.h"
#include "oe/ike2/offer.h"

/*
 * flood KIND SOURCE TARGET RATE SECONDS
 *
 * KIND: ike (message 1 of Main Mode), ike2 (IKE_SA_INIT), echo (ICMP echo
 * request), udp (to port 53), syn (TCP, to port 80): from a raw socket, SOURCE
 * an address or "random", of TARGET's family.  handshake (IPv4): messages 1
 * and 3, from ports of our own address SOURCE; it costs us nothing and the
 * other end two exponentiations.
 * RATE is of packets, or of handshakes, a second.  Prints what was sent.
 */
#define BATCH	32
#define PACKET	640
#define PORTS	64

static uint8_t packets[BATCH][PACKET];
static size_t  lengths[BATCH];

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(2);
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* As the project's own hosts begin. */
static size_t
first_message(uint8_t *out, size_t cap)
{
	struct isakmp_header  h = { .exchange = ISAKMP_MAIN_MODE };
	struct isakmp_builder b;

	random_bytes(&h.cookie_i, sizeof(h.cookie_i));
	isakmp_begin(&b, out, cap, &h);
	isakmp_open(&b, ISAKMP_SA);
	proposal_offer_phase1(&b.w, IKE1_RSA_SIG, false, 3600);
	isakmp_close(&b);
	return isakmp_end(&b);
}

/* The same in IKEv2; its public value is of nobody's key. */
static size_t
init_request(uint8_t *out, size_t cap)
{
	struct ike2_header  h = { .exchange = IKE2_SA_INIT,
		.flags = IKE2_FLAG_INITIATOR };
	struct ike2_terms   t = { .protocol = IKE2_PROTO_IKE,
		.ke = IKE2_KE_CURVE25519 };
	struct ike2_builder b;
	uint8_t		    value[32];

	random_bytes(&h.spi_i, sizeof(h.spi_i));
	ike2_message_begin(&b, out, cap, &h);
	ike2_open(&b, IKE2_P_SA);
	ike2_offer_write(&b.w, &t, 0);
	ike2_close(&b);
	random_bytes(value, sizeof(value));
	ike2_open(&b, IKE2_P_KE);
	writer_u16(&b.w, IKE2_KE_CURVE25519);
	writer_u16(&b.w, 0);
	writer_put(&b.w, value, sizeof(value));
	ike2_close(&b);
	random_bytes(value, sizeof(value));
	ike2_put(&b, IKE2_P_NONCE, value, sizeof(value));
	return ike2_message_end(&b);
}

/* The answer to a message 2: a public value that needed no arithmetic. */
static size_t
third_message(uint8_t *out, size_t cap, const struct isakmp_header *second)
{
	struct isakmp_header  h = { .cookie_i = second->cookie_i,
		.cookie_r = second->cookie_r, .exchange = ISAKMP_MAIN_MODE };
	struct isakmp_builder b;
	uint8_t		      ke[256] = { 0 };

	ke[16 + random_uniform(200)] = 1;
	isakmp_begin(&b, out, cap, &h);
	isakmp_put(&b, ISAKMP_KE, ke, sizeof(ke));
	isakmp_put(&b, ISAKMP_NONCE, ke + 200, 32);
	return isakmp_end(&b);
}

static size_t
payload(const char *kind, uint8_t *p, size_t cap, bool six,
    uint8_t *protocol)
{
	size_t n;

	memset(p, 0, cap);
	if (strcmp(kind, "echo") == 0) {
		*protocol = six ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		p[0] = six ? 128 : 8;
		store_u16(p + 4, 0x4f45);
		return 64;
	}
	if (strcmp(kind, "syn") == 0) {
		*protocol = IPPROTO_TCP;
		store_u16(p, (uint16_t)(1024 + random_uniform(60000)));
		store_u16(p + 2, 80);
		random_bytes(p + 4, 4);
		p[12] = 5 << 4;
		p[13] = 0x02;
		store_u16(p + 14, 65535);
		return 20;
	}
	*protocol = IPPROTO_UDP;
	store_u16(p, (uint16_t)(1024 + random_uniform(60000)));
	if (strncmp(kind, "ike", 3) == 0) {
		store_u16(p + 2, 500);
		n = (strcmp(kind, "ike2") == 0 ? init_request :
		    first_message)(p + 8, cap - 8);
	} else {
		store_u16(p + 2, 53);
		n = 16;
	}
	store_u16(p + 4, (uint16_t)(8 + n));
	return 8 + n;
}

/* IPv4's UDP may leave it out. */
static void
checksum_put(uint8_t *p, const struct packet_view *v, size_t n)
{
	bool	 six = v->src.family == AF_INET6;
	size_t	 at = v->protocol == IPPROTO_TCP ? 16 :
	    v->protocol == IPPROTO_UDP ? 6 : 2;
	uint32_t sum = v->protocol == IPPROTO_ICMP ? 0 :
	    ip_pseudo_sum(&v->src, &v->dst, v->protocol, n);

	if (v->protocol != IPPROTO_UDP || six)
		store_u16(p + at, checksum_fold(checksum_add(sum, p, n)));
}

/* Nobody's here: 11.0.0.0/8, 2001:db8:bad::/64. */
static struct addr
random_source(bool six)
{
	struct addr a;

	if (!six)
		return addr_from_v4(htonl(0x0b000001 +
		    random_uniform(0xfffff0)));
	addr_parse(&a, "2001:db8:bad::");
	random_bytes(a.bytes + 8, 8);
	return a;
}

static void
packet_make(unsigned i, const char *kind, const char *source,
    const struct addr *dst)
{
	bool		   six = dst->family == AF_INET6;
	struct packet_view v = { .dst = *dst, .ttl = 64 };
	size_t		   n, header = ip_header_len(dst->family);
	uint8_t		  *p = packets[i] + header;

	n = payload(kind, p, PACKET - header, six, &v.protocol);
	if (strcmp(source, "random") == 0)
		v.src = random_source(six);
	else if (addr_parse(&v.src, source) == -1)
		fail(source);
	checksum_put(p, &v, n);
	v.len = header + n;
	ip_write(packets[i], &v);
	lengths[i] = v.len;
}

static unsigned long
flood_raw(const char *kind, const char *source, const struct addr *dst,
    double rate, double until)
{
	struct sockaddr_storage to;
	socklen_t	   to_len = addr_to_sockaddr(dst, 0, &to);
	struct mmsghdr	   msgs[BATCH];
	struct iovec	   iov[BATCH];
	double		   start = seconds(), now;
	unsigned long	   sent = 0;
	unsigned	   i;
	int		   fd, n;

	if ((fd = socket(dst->family, SOCK_RAW, IPPROTO_RAW)) == -1)
		fail("raw socket");
	memset(msgs, 0, sizeof(msgs));
	while ((now = seconds()) < until) {
		if ((double)sent + BATCH > (now - start) * rate) {
			usleep(1000);
			continue;
		}
		for (i = 0; i < BATCH; i++) {
			packet_make(i, kind, source, dst);
			iov[i].iov_base = packets[i];
			iov[i].iov_len = lengths[i];
			msgs[i].msg_hdr.msg_name = &to;
			msgs[i].msg_hdr.msg_namelen = to_len;
			msgs[i].msg_hdr.msg_iov = &iov[i];
			msgs[i].msg_hdr.msg_iovlen = 1;
		}
		if ((n = sendmmsg(fd, msgs, BATCH, 0)) == -1 &&
		    errno != ENOBUFS && errno != EAGAIN && errno != EPERM)
			fail("sendmmsg");
		sent += n > 0 ? (unsigned long)n : BATCH;
	}
	close(fd);
	return sent;
}

/* Every message 2 that has come is answered. */
static unsigned long
answer_all(int fd)
{
	struct isakmp_header h;
	uint8_t		     buf[2048];
	unsigned long	     answered = 0;
	size_t		     len;
	ssize_t		     n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		if (isakmp_header_read(&h, buf, (size_t)n) == -1 ||
		    h.exchange != ISAKMP_MAIN_MODE || h.first != ISAKMP_SA)
			continue;
		len = third_message(buf, sizeof(buf), &h);
		if (send(fd, buf, len, 0) > 0)
			answered++;
	}
	return answered;
}

static unsigned long
flood_handshakes(const char *source, uint32_t dst, double rate, double until)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = inet_addr(source) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(500),
		.sin_addr.s_addr = dst };
	double		   start = seconds(), now;
	unsigned long	   begun = 0, answered = 0;
	uint8_t		   buf[PACKET];
	size_t		   len;
	int		   fd[PORTS], i, burst;

	for (i = 0; i < PORTS; i++) {
		if ((fd[i] = socket(AF_INET, SOCK_DGRAM, 0)) == -1 ||
		    bind(fd[i], (struct sockaddr *)&at, sizeof(at)) == -1 ||
		    connect(fd[i], (struct sockaddr *)&to, sizeof(to)) == -1)
			fail("UDP socket");
	}
	/* A machine that is busy with this would be measured,
	 * not the other end. */
	for (i = 0; (now = seconds()) < until; i = (i + 1) % PORTS) {
		answered += answer_all(fd[i]);
		for (burst = 0; burst < 8 && (double)begun < (now - start) *
		    rate; burst++) {
			len = first_message(buf, sizeof(buf));
			if (send(fd[i], buf, len, 0) > 0)
				begun++;
		}
		usleep(500);
	}
	for (i = 0; i < PORTS; i++)
		close(fd[i]);
	return answered;
}

int
main(int argc, char **argv)
{
	double	      start = seconds(), rate, until;
	unsigned long sent;
	struct addr   dst;

	if (argc != 6) {
		fprintf(stderr, "usage: flood ike|ike2|echo|udp|syn|handshake "
		    "SOURCE|random TARGET RATE SECONDS\n");
		return 2;
	}
	if (addr_parse(&dst, argv[3]) == -1)
		fail(argv[3]);
	rate = atof(argv[4]);
	until = start + atof(argv[5]);
	if (strcmp(argv[1], "handshake") == 0)
		sent = flood_handshakes(argv[2], inet_addr(argv[3]), rate,
		    until);
	else
		sent = flood_raw(argv[1], argv[2], &dst, rate, until);
	printf("%s from %s: %lu in %.1f s, %.0f a second\n", argv[1], argv[2],
	    sent, seconds() - start, (double)sent / (seconds() - start));
	return 0;
}
