/* dataplane_load.c - sends packets on an interface at a steady rate, cycling through flows (for dataplane) */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cursor.h"
#include "base/util.h"

/*
 * dataplane_load IF DST-MAC SRC DST KIND LENGTH FLOWS RATE SECONDS
 * CPU [HOST GATEWAY]
 *
 * KIND: esp (flow i has SPI 0x10000 + i), udp[:PORT] (source port 1024 + i %
 * 60000, destination port PORT (9) + i / 60000 % 64), new[:PORT] (the same, and
 * each run begins at another flow).  With HOST and GATEWAY each packet goes in
 * an IP-IP tunnel.  RATE 0 is as fast as it goes.  Prints packets
 * sent and seconds.
 */
#define BATCH 64

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "dataplane_load: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t
nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint32_t
get_addr(const char *s)
{
	struct in_addr a;

	if (inet_pton(AF_INET, s, &a) != 1) {
		errno = EINVAL;
		fail(s);
	}
	return a.s_addr;
}

static void
get_mac(const char *s, uint8_t mac[6])
{
	char *end;

	for (unsigned i = 0; i < 6; i++) {
		mac[i] = (uint8_t)strtoul(s, &end, 16);
		if (end == s || *end != (i < 5 ? ':' : '\0')) {
			errno = EINVAL;
			fail("mac");
		}
		s = end + 1;
	}
}

static void
put_ip(uint8_t *p, uint32_t src, uint32_t dst, uint8_t protocol, size_t len)
{
	memset(p, 0, 20);
	p[0] = 0x45;
	store_u16(p + 2, (uint16_t)len);
	store_u16(p + 6, 0x4000);
	p[8] = 64;
	p[9] = protocol;
	memcpy(p + 12, &src, 4);
	memcpy(p + 16, &dst, 4);
	store_u16(p + 10, checksum_fold(checksum_add(0, p, 20)));
}

static void
put_flow(uint8_t *l4, bool esp, unsigned port, uint32_t flow, size_t len)
{
	if (esp) {
		store_u32(l4, 0x10000 + flow);
		return;
	}
	store_u16(l4, (uint16_t)(1024 + flow % 60000));
	store_u16(l4 + 2, (uint16_t)(port + flow / 60000 % 64));
	store_u16(l4 + 4, (uint16_t)len);
	store_u16(l4 + 6, 0);		/* no checksum: it need not be mended */
}

int
main(int argc, char *argv[])
{
	static uint8_t	   frames[BATCH][2048];
	struct mmsghdr	   msgs[BATCH] = { 0 };
	struct iovec	   iov[BATCH];
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP), .sll_halen = 6 };
	uint8_t		   mac[6];
	const char	  *colon;
	unsigned	   cpu, port;
	bool		   esp;
	size_t		   len, head, tun;
	uint32_t	   flows, flow = 0;
	uint64_t	   rate, start, end, now, sent = 0;
	cpu_set_t	   set;
	int		   fd, on = 1, size = 4 << 20;

	if (argc != 11 && argc != 13) {
		fputs("usage: see the source\n", stderr);
		return 2;
	}
	get_mac(argv[2], mac);
	esp = strcmp(argv[5], "esp") == 0;
	len = strtoul(argv[6], NULL, 10);
	flows = (uint32_t)strtoul(argv[7], NULL, 10);
	rate = strtoull(argv[8], NULL, 10);
	colon = strchr(argv[5], ':');
	port = colon == NULL ? 9 : (unsigned)strtoul(colon + 1, NULL, 10);
	if (strncmp(argv[5], "new", 3) == 0)
		flow = random_uniform(flows);
	cpu = (unsigned)strtoul(argv[10], NULL, 10);
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
	tun = argc == 13 ? 20 : 0;
	head = 14 + tun + 20;
	for (unsigned i = 0; i < BATCH; i++) {
		uint8_t *f = frames[i];

		for (unsigned k = 0; k < 6; k++) {
			f[k] = mac[k];
			f[6 + k] = (uint8_t)(2 + k);
		}
		store_u16(f + 12, ETHERTYPE_IP);
		if (tun != 0)
			put_ip(f + 14, get_addr(argv[11]), get_addr(argv[12]),
			    4, len + tun);
		put_ip(f + 14 + tun, get_addr(argv[3]), get_addr(argv[4]),
		    esp ? 50 : 17, len);
		iov[i] = (struct iovec) { f, 14 + tun + len };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
		msgs[i].msg_hdr.msg_name = &to;
		msgs[i].msg_hdr.msg_namelen = sizeof(to);
	}
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd == -1)
		fail("socket");
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	(void)setsockopt(
	    fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	start = nanoseconds();
	end = start + (uint64_t)(strtod(argv[9], NULL) * 1e9);
	while ((now = nanoseconds()) < end) {
		int n;

		/* A batch is sent when its time has come; others' use of the
		 * CPU is caught up with, a little at a time. */
		if (rate != 0 && sent * 1000000000u > (now - start) * rate)
			continue;
		for (unsigned i = 0; i < BATCH; i++) {
			put_flow(frames[i] + head, esp, port, flow, len - 20);
			flow = flow + 1 < flows ? flow + 1 : 0;
		}
		n = sendmmsg(fd, msgs, BATCH, 0);
		if (n == -1) {
			if (errno == ENOBUFS || errno == EAGAIN)
				continue;
			fail("sendmmsg");
		}
		sent += (uint64_t)n;
	}
	printf("%llu %.6f\n", (unsigned long long)sent,
	    (double)(nanoseconds() - start) / 1e9);
	return 0;
}
