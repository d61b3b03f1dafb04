/* test_lanes.c - packets that pass beside the engine: what is sealed and opened there and what is not, and threads in step with the one that leads */
#include "config.h"

#include <arpa/inet.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/gso.h"
#include "oe/esp/crew.h"
#include "oe/esp/dataplane.h"
#include "oe/esp/user.h"
#include "tests/unit/esp_packets.h"

#define MTU		1400
#define SPI_IN		0x1000u		/* the first pair's; they go up */
#define SPI_OUT		0x2000u
#define THREADS		2
#define PAIRS		20		/* one after the other, under threads */
#define EACH		40		/* packets of the engine on each */
#define TCP_ACK		0x10
#define TCP_SYN		0x02

static const char *const ours = "192.0.2.1", *const theirs = "192.0.2.2";

/* --- what leaves ---------------------------------------------------------- */

/* Only who is in step with the lane writes here: there is no lock. */
static struct {
	unsigned n, flushed;
	uint32_t spi, seq;		/* of the last */
	unsigned out_of_order, of_dead;
	uint32_t dead;			/* SPIs up to this are */
	uint8_t	 last[2048];
	size_t	 len;
} wire;

static void
wire_send(void *arg, const struct packet_view *v)
{
	const uint8_t *esp = v->data + v->header;
	uint32_t       spi = load_u32(esp), seq = load_u32(esp + 4);

	(void)arg;
	wire.out_of_order += spi == wire.spi && seq != wire.seq + 1;
	wire.of_dead += spi <= wire.dead;
	wire.spi = spi;
	wire.seq = seq;
	wire.n++;
	wire.len = v->len;
	if (v->len <= sizeof(wire.last))
		memcpy(wire.last, v->data, v->len);
}

/* Of the engine's own packets; lanes keep none here. */
static void
wire_flush(void *arg)
{
	(void)arg;
	wire.flushed++;
}

static void
nothing_kept(void *arg)
{
	(void)arg;
}

static struct {
	unsigned n;
	uint8_t	 last[2048];
	size_t	 len;
} host;

static void
host_take(void *arg, const struct packet_view *v)
{
	(void)arg;
	host.n++;
	host.len = v->len;
	memcpy(host.last, v->data, v->len);
}

/* --- both ends ------------------------------------------------------------ */

static struct ends {
	struct lanes	 *seal, *open;
	struct esp_plane *user, *planes[2], *peer_planes[2];
	struct esp_pair	 *pair, *peer;
	struct esp_lead	  lead;
} ends;

static void
pair_up(unsigned i)
{
	struct esp_params in = params_default(), out = in;

	in.spi = SPI_IN + i;
	out.spi = SPI_OUT + i;
	in.src = out.dst;
	in.dst = out.src;
	ends.pair = esp_pair_up(ends.planes, NULL, &in, &out);
	ends.peer = esp_pair_up(ends.peer_planes, NULL, &out, &in);
	assert_non_null(ends.pair);
	assert_non_null(ends.peer);
	assert_int_equal(esp_pair_confirm(ends.pair), 0);
}

static void
pair_down(void)
{
	esp_pair_down(ends.pair);
	esp_pair_down(ends.peer);
}

static int
setup(void **state)
{
	const struct lane_out seal[THREADS] = {
		{ .seals = wire_send, .flush = nothing_kept },
		{ .seals = wire_send, .flush = nothing_kept } };
	const struct lane_out open[THREADS] = {
		{ .opens = host_take, .flush = nothing_kept },
		{ .opens = host_take, .flush = nothing_kept } };

	(void)state;
	memset(&wire, 0, sizeof(wire));
	memset(&host, 0, sizeof(host));
	ends.seal = lanes_new(THREADS, seal);
	ends.open = lanes_new(THREADS, open);
	ends.planes[0] = ends.user = esp_user_new(wire_send, NULL);
	ends.peer_planes[0] = esp_user_new(wire_send, NULL);
	esp_user_lanes(ends.user, ends.seal, ends.open, wire_flush);
	ends.lead = (struct esp_lead){ .src = addr_from_v4(inet_addr(ours)),
		.dst = addr_from_v4(inet_addr(theirs)), .mtu = MTU };
	pair_up(0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	pair_down();
	esp_plane_free(ends.user);
	esp_plane_free(ends.peer_planes[0]);
	lanes_free(ends.seal);
	lanes_free(ends.open);
	return 0;
}

/* --- frames --------------------------------------------------------------- */

static uint8_t frame[GSO_BUFFER_LEN], whole[GSO_BUFFER_LEN];

/* A packet of UDP behind the TUN's header; its length. */
static size_t
frame_make(size_t len, void (*change)(struct packet_view *v))
{
	struct packet_view v = { .src = addr_from_v4(inet_addr(ours)),
		.dst = addr_from_v4(inet_addr(theirs)), .ttl = 64,
		.protocol = IPPROTO_UDP, .df = true, .len = len };

	memset(frame, 0, GSO_HEADER_LEN);
	memset(frame + GSO_HEADER_LEN, 0x5a, len);
	if (change != NULL)
		change(&v);
	ip_write(frame + GSO_HEADER_LEN, &v);
	return GSO_HEADER_LEN + len;
}

/* The same of TCP: size bytes of data, in segments of cut (0: in one). */
static size_t
frame_tcp(uint32_t seq, uint8_t flags, size_t size, size_t cut)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = cut == 0 ? VIRTIO_NET_HDR_GSO_NONE :
		    VIRTIO_NET_HDR_GSO_TCPV4,
		.csum_start = IP_HEADER_LEN, .csum_offset = 16,
		.hdr_len = IP_HEADER_LEN + 20, .gso_size = (uint16_t)cut };
	struct packet_view v = { .src = addr_from_v4(inet_addr(ours)),
		.dst = addr_from_v4(inet_addr(theirs)), .ttl = 64,
		.protocol = IPPROTO_TCP, .df = true,
		.len = IP_HEADER_LEN + 20 + size };
	uint8_t *tcp = frame + GSO_HEADER_LEN + IP_HEADER_LEN;

	memset(frame, 0, sizeof(frame));
	memcpy(frame, &h, sizeof(h));
	ip_write(frame + GSO_HEADER_LEN, &v);
	store_u16(tcp, 1000);
	store_u16(tcp + 2, 80);
	store_u32(tcp + 4, seq);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	return GSO_HEADER_LEN + v.len;
}

/* As a worker has it: how many packets were taken; 0: none, and the frame is as
 * it was. */
static unsigned
pass(size_t len)
{
	struct gso_frame look;
	struct lane	*lane;
	unsigned	 i, n;

	if (!gso_look(frame, len, &look))
		return 0;
	memcpy(whole, frame, len);
	i = lanes_of(ends.seal, &look.view.dst);
	lane = lanes_enter(ends.seal, i);
	n = lane_frame(lane, &look, frame, len);
	lanes_leave(ends.seal, i);
	if (n == 0)
		assert_memory_equal(frame, whole, len);
	return n;
}

/* What was sent last, as the peer opens it: its length, or an esp_error. */
static int
peer_opens(uint8_t *out, size_t cap)
{
	struct packet_view v, in;
	bool		   newest;
	int		   rc;

	assert_true(packet_parse(&v, wire.last, wire.len));
	rc = esp_pair_open(ends.peer, &v, out, cap, &in, &newest);
	return rc == ESP_OK ? (int)in.len : rc;
}

static struct esp_usage
passed(void)
{
	struct esp_usage u;

	esp_pair_passed(ends.pair, &u);
	return u;
}

static void
lead(void)
{
	assert_true(esp_pair_lead(ends.pair, &ends.lead));
}

/* --- sealing -------------------------------------------------------------- */

static void
what_is_led_is_sealed(void **state)
{
	struct esp_usage u;
	uint8_t		 out[2048];
	size_t		 len;

	(void)state;
	assert_int_equal(pass(frame_make(100, NULL)), 0);
	lead();
	len = frame_make(100, NULL);
	assert_int_equal(pass(len), 1);
	assert_int_equal(peer_opens(out, sizeof(out)), 100);
	assert_memory_equal(out, whole + GSO_HEADER_LEN, 100);
	/* Of a large one each segment, and their numbers follow. */
	assert_int_equal(pass(frame_tcp(1, TCP_ACK, 3000, 1200)), 3);
	assert_int_equal(wire.n, 4);
	assert_int_equal(wire.seq, 4);
	assert_int_equal(wire.out_of_order, 0);
	assert_int_equal(peer_opens(out, sizeof(out)),
	    IP_HEADER_LEN + 20 + 600);
	u = passed();
	assert_int_equal(u.out.packets, 4);
	assert_int_equal(u.out.bytes, 100 + 3 * (IP_HEADER_LEN + 20) + 3000);
	assert_int_equal(passed().out.packets, 0);
	esp_pair_usage(ends.pair, &u);
	assert_int_equal(u.out.seq, 4);
}

/* The engine's own packets have the numbers between. */
static void
numbers_are_of_both(void **state)
{
	struct packet_view v;
	unsigned	   i;

	(void)state;
	for (i = 0; i < 20; i++) {
		if (i == 5)
			lead();
		if (i == 15)
			assert_false(esp_pair_lead(ends.pair, NULL));
		frame_make(100, NULL);
		assert_true(packet_parse(&v, frame + GSO_HEADER_LEN, 100));
		assert_int_equal(esp_pair_send(ends.pair, &v), ESP_OK);
		assert_int_equal(pass(frame_make(100, NULL)), i >= 5 && i < 15);
	}
	assert_int_equal(wire.n, 30);
	assert_int_equal(wire.seq, 30);
	assert_int_equal(wire.out_of_order, 0);
	/* All that was kept had left before the first one passed beside, and
	 * before each of the engine's own could be overtaken. */
	assert_true(wire.flushed >= 11);
}

static void
to_another(struct packet_view *v)
{
	v->dst = addr_from_v4(inet_addr("192.0.2.3"));
}

static void
from_another(struct packet_view *v)
{
	v->src = addr_from_v4(inet_addr("192.0.2.3"));
}

static void
of_six(struct packet_view *v)
{
	static const uint8_t a[16] = { 0x20, 1 }, b[16] = { 0x20, 2 };

	v->src = addr_from_bytes(AF_INET6, a);
	v->dst = addr_from_bytes(AF_INET6, b);
	v->protocol = IPPROTO_ICMPV6;
}

static void
what_is_the_engines_stays_whole(void **state)
{
	size_t len;

	(void)state;
	lead();
	assert_int_equal(pass(frame_make(MTU, NULL)), 1);
	assert_int_equal(pass(frame_make(MTU + 1, NULL)), 0);
	assert_int_equal(pass(frame_make(100, to_another)), 0);
	assert_int_equal(pass(frame_make(100, from_another)), 0);
	/* The first fragment, and a later one. */
	len = frame_make(100, NULL);
	store_u16(frame + GSO_HEADER_LEN + 6, 0x2000);
	assert_int_equal(pass(len), 0);
	store_u16(frame + GSO_HEADER_LEN + 6, 0x0001);
	assert_int_equal(pass(len), 0);
	/* Options. */
	len = frame_make(100, NULL);
	frame[GSO_HEADER_LEN] = 0x46;
	memset(frame + GSO_HEADER_LEN + IP_HEADER_LEN, 1, 4);
	assert_int_equal(pass(len), 0);
	/* TCP begins, is broken, or too large when it is cut. */
	assert_int_equal(pass(frame_tcp(1, TCP_SYN, 0, 0)), 0);
	assert_int_equal(pass(frame_tcp(1, TCP_SYN | TCP_ACK, 0, 0)), 0);
	len = frame_tcp(1, TCP_ACK, 10, 0);
	frame[GSO_HEADER_LEN + IP_HEADER_LEN + 12] = 4 << 4;
	assert_int_equal(pass(len), 0);
	assert_int_equal(pass(frame_tcp(1, TCP_ACK, 9000, MTU)), 0);
	/* What is large and sent again. */
	assert_int_equal(pass(frame_tcp(1, TCP_ACK, 1000, 0)), 1);
	assert_int_equal(pass(frame_tcp(1001, TCP_ACK, 1000, 0)), 1);
	assert_int_equal(pass(frame_tcp(1, TCP_ACK, 1000, 0)), 0);
	assert_int_equal(pass(frame_tcp(1, TCP_ACK, 100, 0)), 1);
	assert_int_equal(pass(frame_tcp(2001, TCP_ACK, 1000, 0)), 1);
	assert_int_equal(wire.n, 5);
}

/* What is the link's own has no policy, whatever was led. */
static void
the_links_own_is_the_engines(void **state)
{
	struct packet_view v;

	(void)state;
	frame_make(100, of_six);
	assert_true(packet_parse(&v, frame + GSO_HEADER_LEN, 100));
	ends.lead.src = v.src;
	ends.lead.dst = v.dst;
	lead();
	assert_int_equal(pass(GSO_HEADER_LEN + 100), 0);
	frame[GSO_HEADER_LEN + 6] = IPPROTO_UDP;
	assert_int_equal(pass(GSO_HEADER_LEN + 100), 1);
}

static void
an_end_is_at_once(void **state)
{
	struct ends first = ends;

	(void)state;
	lead();
	assert_int_equal(pass(frame_make(100, NULL)), 1);
	assert_false(esp_pair_lead(ends.pair, NULL));
	assert_int_equal(pass(frame_make(100, NULL)), 0);
	/* Another pair between the two has what there is; the end of the first
	 * is no end of that. */
	lead();
	pair_up(1);
	assert_false(esp_pair_lead(first.pair, NULL));
	lead();
	assert_int_equal(pass(frame_make(100, NULL)), 1);
	assert_int_equal(wire.spi, SPI_OUT + 1);
	esp_pair_down(first.pair);
	esp_pair_down(first.peer);
	assert_int_equal(pass(frame_make(100, NULL)), 1);
	/* A pair that goes down takes it along. */
	pair_down();
	assert_int_equal(pass(frame_make(100, NULL)), 0);
	assert_int_equal(wire.n, 3);
	pair_up(2);
}

/* A lane that nobody has told of traffic is told of once. */
static void
traffic_is_told_of_once(void **state)
{
	unsigned i = lanes_of(ends.seal, &ends.lead.dst), turn;
	bool	 stirred;

	(void)state;
	lead();
	for (turn = 0; turn < 6; turn++) {
		assert_int_equal(pass(frame_make(100, NULL)), 1);
		stirred = lane_stirred(lanes_enter(ends.seal, i));
		lanes_leave(ends.seal, i);
		assert_int_equal(stirred, turn % 3 == 0);
		if (turn == 2)
			(void)passed();
	}
}

/* --- opening -------------------------------------------------------------- */

/* A packet of the peer's, from and to these inside. */
static struct packet_view
peer_sends(const char *src, const char *dst)
{
	struct packet_view v = { .src = addr_from_v4(inet_addr(src)),
		.dst = addr_from_v4(inet_addr(dst)), .ttl = 64,
		.protocol = IPPROTO_UDP, .len = 100 };
	uint8_t		   pkt[100] = { 0 };

	ip_write(pkt, &v);
	assert_int_equal(esp_pair_send(ends.peer, &v), ESP_OK);
	assert_true(packet_parse(&v, wire.last, wire.len));
	return v;
}

static bool
arrives(const struct packet_view *v)
{
	unsigned i = lanes_of_spi(ends.open, load_u32(v->data + v->header));
	bool	 done = lane_esp(lanes_enter(ends.open, i), v);

	lanes_leave(ends.open, i);
	return done;
}

static void
what_is_led_is_opened(void **state)
{
	struct esp_usage   u;
	struct packet_view v, in;
	uint8_t		   out[2048];
	bool		   newest;

	(void)state;
	v = peer_sends(theirs, ours);
	assert_false(arrives(&v));
	lead();
	assert_true(arrives(&v));
	assert_int_equal(host.n, 1);
	assert_int_equal(host.len, 100);
	/* Once, whoever opens it. */
	assert_true(arrives(&v));
	assert_int_equal(esp_pair_open(ends.pair, &v, out, sizeof(out), &in,
	    &newest), ESP_E_REPLAY);
	v = peer_sends(theirs, ours);
	assert_int_equal(esp_pair_open(ends.pair, &v, out, sizeof(out), &in,
	    &newest), ESP_OK);
	assert_true(newest);
	assert_true(arrives(&v));
	/* Not authentic. */
	v = peer_sends(theirs, ours);
	wire.last[wire.len - 1] ^= 1;
	assert_true(arrives(&v));
	/* Not between the two. */
	v = peer_sends("192.0.2.3", ours);
	assert_true(arrives(&v));
	v = peer_sends(theirs, "192.0.2.3");
	assert_true(arrives(&v));
	assert_int_equal(host.n, 1);
	u = passed();
	assert_int_equal(u.in.packets, 1);
	assert_int_equal(u.in.bytes, 100);
	assert_int_equal(u.bad, 3);
	assert_int_equal(u.filtered, 2);
	assert_int_equal(passed().bad, 0);
	assert_false(esp_pair_lead(ends.pair, NULL));
	v = peer_sends(theirs, ours);
	assert_false(arrives(&v));
	assert_int_equal(host.n, 1);
}

/* What seals opens nothing, and the reverse, whatever it is told. */
static void
each_lane_has_one_way(void **state)
{
	struct packet_view v;
	struct gso_frame   look;
	size_t		   len;

	(void)state;
	lead();
	v = peer_sends(theirs, ours);
	assert_false(lane_esp(lanes_enter(ends.seal, 0), &v));
	lanes_leave(ends.seal, 0);
	len = frame_make(100, NULL);
	assert_true(gso_look(frame, len, &look));
	assert_int_equal(lane_frame(lanes_enter(ends.open, 0), &look, frame,
	    len), 0);
	lanes_leave(ends.open, 0);
	/* ESP in UDP is not for a lane, which does not see ports change. */
	v.protocol = IPPROTO_UDP;
	assert_false(arrives(&v));
}

/* --- threads -------------------------------------------------------------- */

static atomic_bool stop;

/* A worker whose TUN is always full of one packet. */
static void *
seal_on(void *arg)
{
	struct packet_view v = { .src = ends.lead.src, .dst = ends.lead.dst,
		.ttl = 64, .protocol = IPPROTO_UDP, .df = true, .len = 100 };
	struct gso_frame look;
	struct lane	*lane;
	uint8_t		 own[GSO_HEADER_LEN + 100];
	unsigned	 i = lanes_of(ends.seal, &ends.lead.dst), n;
	atomic_ulong	*sealed = arg;

	while (!atomic_load(&stop)) {
		memset(own, 0, sizeof(own));
		ip_write(own + GSO_HEADER_LEN, &v);
		if (!gso_look(own, sizeof(own), &look))
			continue;
		lane = lanes_enter(ends.seal, i);
		n = lane_frame(lane, &look, own, sizeof(own));
		lanes_leave(ends.seal, i);
		atomic_fetch_add(sealed, n);
	}
	return NULL;
}

/*
 * The engine leads, sends itself, asks, moves, ends and takes pairs down while
 * others seal: each number once and in its order, none on a pair that is down.
 */
static void
threads_are_in_step(void **state)
{
	pthread_t	   thread[THREADS];
	atomic_ulong	   sealed;
	struct packet_view v;
	struct esp_usage   u;
	uint8_t		   pkt[100] = { 0 };
	unsigned	   i, k;

	(void)state;
	atomic_init(&sealed, 0);
	atomic_init(&stop, false);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, seal_on,
		    &sealed), 0);
	for (i = 1; i <= PAIRS; i++) {
		lead();
		for (k = 0; k < EACH; k++) {
			v = (struct packet_view){ .src = ends.lead.src,
				.dst = ends.lead.dst, .ttl = 64,
				.protocol = IPPROTO_UDP, .len = sizeof(pkt) };
			ip_write(pkt, &v);
			assert_int_equal(esp_pair_send(ends.pair, &v), ESP_OK);
			if (k % 8 == 0)
				esp_pair_usage(ends.pair, &u);
			if (k % 16 == 8)
				(void)esp_pair_lead(ends.pair, NULL);
			if (k % 16 == 12)
				lead();
		}
		/* A pair may be led when it goes. */
		if (i % 2 == 0)
			(void)esp_pair_lead(ends.pair, NULL);
		pair_down();
		wire.dead = SPI_OUT + i - 1;
		pair_up(i);
	}
	atomic_store(&stop, true);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(wire.out_of_order, 0);
	assert_int_equal(wire.of_dead, 0);
	assert_int_equal(wire.n, PAIRS * EACH + atomic_load(&sealed));
}

/* --- a crew --------------------------------------------------------------- */

static void
read_esp(void *arg, int fd, packet_fn fn, void *fn_arg)
{
	struct packet_view v;
	uint8_t		   buf[2048];
	ssize_t		   n;

	(void)arg;
	n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n > 0 && packet_parse(&v, buf, (size_t)n))
		fn(fn_arg, &v);
}

/* Waits for it. */
static enum crew_word
hear(struct crew *c, uint8_t *buf, size_t cap, size_t *len)
{
	enum crew_word word;
	unsigned       i;

	for (i = 0; i < 5000; i++) {
		word = crew_hear(c, buf, cap, len);
		if (word != CREW_NOTHING)
			return word;
		usleep(1000);
	}
	return CREW_NOTHING;
}

/* Every frame and packet either passes or is heard of, in step with the
 * lead. */
static void
a_crew_hands_over_the_rest(void **state)
{
	struct crew_plan   plan = { .seal = ends.seal, .open = ends.open,
		.read = read_esp, .n = THREADS };
	int		   tun[THREADS][2], esp[THREADS][2];
	struct packet_view v;
	struct crew	  *c;
	size_t		   len, n;
	unsigned	   i, k;

	(void)state;
	for (i = 0; i < THREADS; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET |
		    SOCK_NONBLOCK, 0, tun[i]), 0);
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET |
		    SOCK_NONBLOCK, 0, esp[i]), 0);
		plan.duty[i] = (struct crew_duty){ tun[i][0],
			{ esp[i][0], -1 }, NULL };
	}
	c = crew_new(&plan);
	assert_non_null(c);
	assert_int_equal(crew_start(c), 0);
	i = lanes_of_spi(ends.open, SPI_IN);
	for (k = 0; k < 3; k++) {
		if (k == 1)
			lead();
		if (k == 2)
			(void)esp_pair_lead(ends.pair, NULL);
		len = frame_make(200 + k, NULL);
		assert_int_equal(write(tun[0][1], frame, len), (ssize_t)len);
		memcpy(whole, frame, len);
		if (k == 1) {
			/* The one word of traffic that nobody knows of. */
			assert_int_equal(hear(c, frame, sizeof(frame), &n),
			    CREW_STIRRED);
		} else {
			assert_int_equal(hear(c, frame, sizeof(frame), &n),
			    CREW_FRAME);
			assert_int_equal(n, len);
			assert_memory_equal(frame, whole, len);
		}
		v = peer_sends(theirs, ours);
		assert_int_equal(write(esp[i][1], v.data, v.len),
		    (ssize_t)v.len);
		assert_int_equal(hear(c, frame, sizeof(frame), &n), k == 1 ?
		    CREW_STIRRED : CREW_ESP);
		if (k != 1)
			assert_memory_equal(frame, v.data, v.len);
	}
	/* Nothing at all of what is no packet. */
	memset(frame, 0xff, 40);
	assert_int_equal(write(tun[1][1], frame, 40), 40);
	crew_free(c);
	assert_int_equal(host.n, 1);
	assert_int_equal(passed().out.packets, 1);
	for (i = 0; i < THREADS; i++) {
		for (k = 0; k < 2; k++) {
			close(tun[i][k]);
			close(esp[i][k]);
		}
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(what_is_led_is_sealed),
		TEST(numbers_are_of_both),
		TEST(what_is_the_engines_stays_whole),
		TEST(the_links_own_is_the_engines),
		TEST(an_end_is_at_once),
		TEST(traffic_is_told_of_once),
		TEST(what_is_led_is_opened),
		TEST(each_lane_has_one_way),
		TEST(threads_are_in_step),
		TEST(a_crew_hands_over_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
