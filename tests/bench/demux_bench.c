/* demux_bench.c - what deciding about one packet costs: demux table and tunnel header, no kernel */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cursor.h"
#include "base/util.h"
#include "nat/forward.h"
#include "net/ip.h"

/*
 * demux_bench [BINDINGS [ROUNDS]] prints a line a kind of packet: the median of
 * ROUNDS in ns of CPU time, then the least.  Packets are small and go
 * round over all the bindings, so that caches see what a gateway with that
 * many hosts sees.
 */
#define NOW	1000000u
#define NB	0xc6336400u		/* leased addresses, POOLS of them */
#define NA	0x0a000001u
#define HOSTS	0x0a010000u
#define PEER	0xcb007107u
#define PRIVATE	7u
#define POOLS	16
#define PORTS	4			/* of each binding */
#define PACKETS	200000

static struct forward_shared shared;
static struct forward	   f;
static uint8_t		   out_buf[FORWARD_MAX];
static unsigned		   nbindings = 4096;

static uint32_t
local_of(unsigned i)
{
	return NB + 1 + i % POOLS;
}

static uint16_t
port_of(unsigned i)
{
	return (uint16_t)(20000 + i / POOLS * PORTS);
}

static void
fill_table(void)
{
	struct demux *d = demux_new(nbindings * 16ul);
	unsigned      i;

	for (i = 0; i < nbindings; i++) {
		struct demux_range   r = { port_of(i),
			(uint16_t)(port_of(i) + PORTS - 1) };
		uint32_t	     spi = 0x10000 + i;
		struct demux_binding b = { .client_id = i + 1, .bind_id = 1,
			.host = addr_from_v4(htonl(HOSTS + i)),
			.gateway = addr_from_v4(htonl(NA)),
			.tunnel = TUNNEL_IPIP,
			.local = addr_from_v4(htonl(local_of(i))),
			.ipsec = true, .ports = &r, .nports = 1, .spis = &spi,
			.nspis = 1, .remote_policy = DEMUX_REMOTE_NONE };

		if (d == NULL || demux_add(d, &b) == NULL) {
			perror("demux_add");
			exit(1);
		}
	}
	demux_tick(d, NOW);
	shared.demux = d;
}

static void
make_gateway(void)
{
	struct forward_public *p = xcalloc(1, sizeof(*p) +
	    POOLS * sizeof(p->pool[0]));

	p->addr = addr_from_v4(htonl(NB));
	p->gateways = (struct dataplane_gateways){ { addr_from_v4(htonl(NA)) },
		1 };
	p->networks[0] = (struct prefix){
		addr_from_v4(htonl(0x0a000000)), 8 };
	p->nnetworks = 1;
	p->npools = POOLS;
	for (unsigned i = 0; i < POOLS; i++)
		p->pool[i] = (struct forward_pool){
			.addr = addr_from_v4(htonl(local_of(i))),
			.local = true };
	atomic_store(&shared.public, p);
	atomic_store(&shared.private_index, PRIVATE);
	atomic_store(&shared.mtu, 1500);
	atomic_store(&shared.public_mtu, 1500);
	shared.raw_fd = shared.wake_fd = -1;
	if (forward_init(&f, &shared) == -1)
		exit(1);
	f.now = NOW;
}

static size_t
make_ip(uint8_t *p, uint32_t src, uint32_t dst, uint8_t protocol, size_t len)
{
	struct packet_view v = { .src = addr_from_v4(htonl(src)),
		.dst = addr_from_v4(htonl(dst)), .ttl = 64, .df = true,
		.protocol = protocol, .len = len };

	ip_write(p, &v);
	return len;
}

enum kind { ESP_IN, UDP_IN, ESP_OUT, UDP_OUT, KINDS };
static const char *const names[KINDS] = { "esp-in", "udp-in", "esp-out",
	"udp-out" };

static struct packet {
	uint8_t data[104];
	size_t	len;
} *packets;

static void
make_packet(struct packet *to, enum kind kind, unsigned i)
{
	bool	 in = kind == ESP_IN || kind == UDP_IN;
	bool	 esp = kind == ESP_IN || kind == ESP_OUT;
	uint8_t *p = in ? to->data : to->data + 20;
	uint32_t src = in ? PEER : local_of(i), dst = in ? local_of(i) : PEER;

	memset(to, 0, sizeof(*to));
	if (esp)
		store_u32(p + 20, 0x10000 + i);
	else {
		store_u16(p + 20, in ? 7000 : port_of(i));
		store_u16(p + 22, in ? port_of(i) : 7000);
		store_u16(p + 24, 64);
	}
	to->len = make_ip(p, src, dst, esp ? IPPROTO_ESP : IPPROTO_UDP, 84);
	if (!in)
		to->len = make_ip(to->data, HOSTS + i, NA, IPPROTO_IPIP, 104);
}

static uint64_t
ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t
run(enum kind kind)
{
	struct forward_packet in = { .hook = FORWARD_PREROUTING,
		.in_index = PRIVATE };
	struct forward_out    out = { .data = out_buf };
	uint64_t	      began = ns();
	unsigned	      i, at = 0;

	for (i = 0; i < PACKETS; i++) {
		at = (at + 61) % nbindings;
		in.data = packets[at].data;
		in.len = packets[at].len;
		if (forward_packet(&f, &in, &out) != FORWARD_SEND) {
			fprintf(stderr, "%s: packet %u was not sent\n",
			    names[kind], i);
			exit(1);
		}
	}
	return ns() - began;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 15, k, i;
	double	 t[101];

	if (argc > 1)
		nbindings = (unsigned)atoi(argv[1]);
	if (nbindings == 0 || nbindings > 65536 || rounds == 0 || rounds > 101)
		return 2;
	packets = xcalloc(nbindings, sizeof(*packets));
	fill_table();
	make_gateway();
	for (k = 0; k < KINDS; k++) {
		for (i = 0; i < nbindings; i++)
			make_packet(&packets[i], (enum kind)k, i);
		(void)run((enum kind)k);
		for (i = 0; i < rounds; i++)
			t[i] = (double)run((enum kind)k) / PACKETS;
		qsort(t, rounds, sizeof(t[0]), compare);
		printf("%-8s %7.1f %7.1f\n", names[k], t[rounds / 2], t[0]);
	}
	return 0;
}
