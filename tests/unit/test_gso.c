/* test_gso.c - large TCP segments are split into what a wire carries, and joined only where nothing changes */
#include "config.h"

#include <arpa/inet.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/gso.h"
#include "tests/unit/packet_equal.h"

#define FIN	0x01
#define SYN	0x02
#define PSH	0x08
#define ACK	0x10
#define CWR	0x80
#define OPTIONS	12
#define HEADERS	(IP_HEADER_LEN + 20 + OPTIONS)
#define MANY	256

struct packet {
	size_t	len;
	uint8_t bytes[2048];
};

static struct packet got[MANY];
static unsigned	     ngot;
static size_t	     frame_len[MANY];
static unsigned	     nframes;

static void
collect(void *arg, const struct packet_view *v)
{
	struct packet_view read;

	(void)arg;
	assert_true(ngot < MANY);
	assert_true(v->len <= sizeof(got[0].bytes));
	assert_true(packet_parse(&read, v->data, v->len));
	assert_true(packet_equal(&read, v));
	got[ngot].len = v->len;
	memcpy(got[ngot].bytes, v->data, v->len);
	ngot++;
}

static void
join_add(struct gso_join *j, const uint8_t *pkt, size_t len)
{
	struct packet_view v;

	assert_true(packet_parse(&v, pkt, len));
	gso_join_add(j, &v);
}

/* Frames for the TUN are read as the kernel does: split again. */
static void
collect_frame(void *arg, const uint8_t *frame, size_t len)
{
	static uint8_t copy[GSO_BUFFER_LEN];

	assert_true(nframes < MANY);
	frame_len[nframes++] = len - GSO_HEADER_LEN;
	memcpy(copy, frame, len);
	assert_true(gso_split(copy, len, collect, arg) > 0);
}

static uint16_t
tcp_sum(const uint8_t *pkt, size_t len)
{
	uint32_t sum = checksum_add(0, pkt + 12, 8);

	sum += (uint32_t)(IPPROTO_TCP + len - IP_HEADER_LEN);
	return checksum_fold(checksum_add(sum, pkt + IP_HEADER_LEN,
	    len - IP_HEADER_LEN));
}

/* A whole TCP packet with time stamps; payload bytes follow from seq. */
static size_t
make_tcp(uint8_t *pkt, uint16_t port, uint32_t seq, uint8_t flags,
    size_t payload)
{
	struct packet_view v = { .src = addr_from_v4(inet_addr("192.0.2.1")),
		.dst = addr_from_v4(inet_addr("192.0.2.2")), .ttl = 64,
		.df = true, .protocol = IPPROTO_TCP, .id = 100,
		.len = HEADERS + payload };
	uint8_t		*tcp = pkt + IP_HEADER_LEN;
	size_t		 i;

	ip_write(pkt, &v);
	memset(tcp, 0, 20 + OPTIONS);
	store_u16(tcp, port);
	store_u16(tcp + 2, 80);
	store_u32(tcp + 4, seq);
	store_u32(tcp + 8, 0x11223344);
	tcp[12] = (20 + OPTIONS) / 4 << 4;
	tcp[13] = flags;
	store_u16(tcp + 14, 501);
	memcpy(tcp + 20, "\1\1\10\12abcdefgh", OPTIONS);
	for (i = 0; i < payload; i++)
		pkt[HEADERS + i] = (uint8_t)((seq + i) * 7);
	store_u16(tcp + 16, tcp_sum(pkt, v.len));
	return v.len;
}

static void
resum(uint8_t *pkt, size_t len)
{
	store_u16(pkt + 10, 0);
	store_u16(pkt + 10, checksum_fold(checksum_add(0, pkt, 20)));
	store_u16(pkt + IP_HEADER_LEN + 16, 0);
	store_u16(pkt + IP_HEADER_LEN + 16, tcp_sum(pkt, len));
}

static void
assert_sums(const uint8_t *pkt, size_t len)
{
	assert_int_equal(checksum_fold(checksum_add(0, pkt, 20)), 0);
	assert_int_equal(tcp_sum(pkt, len), 0);
}

/* As the kernel hands it over: the checksum is the pseudo header's. */
static size_t
make_large(uint8_t *buf, uint32_t seq, uint8_t flags, size_t payload,
    uint16_t mss)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .hdr_len = HEADERS,
		.gso_size = mss, .csum_start = 20, .csum_offset = 16 };

	memcpy(buf, &h, sizeof(h));
	make_tcp(buf + GSO_HEADER_LEN, 1000, seq, flags, payload);
	store_u16(buf + GSO_HEADER_LEN + 36, 0x1234);
	return GSO_HEADER_LEN + HEADERS + payload;
}

static void
large_segments_are_split(void **state)
{
	static uint8_t buf[GSO_BUFFER_LEN];
	size_t	       off, payload = 5000, i, len;
	unsigned       k;

	(void)state;
	len = make_large(buf, 0xfffffe00, ACK | PSH | FIN | CWR, payload, 1348);
	ngot = 0;
	assert_int_equal(gso_split(buf, len, collect, NULL), 4);
	assert_int_equal(ngot, 4);
	for (k = 0, off = 0; k < 4; k++) {
		assert_sums(got[k].bytes, got[k].len);
		assert_int_equal(load_u16(got[k].bytes + 2), got[k].len);
		assert_int_equal(got[k].len - HEADERS,
		    k < 3 ? 1348 : 5000 - 3 * 1348);
		assert_int_equal(load_u16(got[k].bytes + 4), 100 + k);
		assert_int_equal(load_u32(got[k].bytes + 24),
		    (uint32_t)(0xfffffe00 + off));
		assert_int_equal(got[k].bytes[33], ACK |
		    (k == 0 ? CWR : 0) | (k == 3 ? PSH | FIN : 0));
		for (i = HEADERS; i < got[k].len; i++, off++)
			assert_int_equal(got[k].bytes[i],
			    (uint8_t)((0xfffffe00 + off) * 7));
	}
	assert_int_equal(off, payload);

	/* Segments smaller than the headers, and exact multiples. */
	len = make_large(buf, 1, ACK, 200, 20);
	ngot = 0;
	assert_int_equal(gso_split(buf, len, collect, NULL), 10);
	for (k = 0, off = 0; k < 10; k++) {
		assert_sums(got[k].bytes, got[k].len);
		for (i = HEADERS; i < got[k].len; i++, off++)
			assert_int_equal(got[k].bytes[i],
			    (uint8_t)((1 + off) * 7));
	}
	assert_int_equal(off, 200);
}

static void
missing_checksums_are_put_in(void **state)
{
	static uint8_t	      buf[GSO_BUFFER_LEN];
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.csum_start = 20, .csum_offset = 16 };
	uint8_t		     *pkt = buf + GSO_HEADER_LEN, whole[2048];
	size_t		      len = make_tcp(whole, 1000, 5, ACK, 777);
	struct packet_view    v;
	struct addr	      from, to;
	uint32_t	      sum;

	(void)state;
	memcpy(pkt, whole, len);
	sum = checksum_add((uint32_t)(6 + len - 20), pkt + 12, 8);
	store_u16(pkt + 36, (uint16_t)~checksum_fold(sum));
	memcpy(buf, &h, sizeof(h));
	ngot = 0;
	assert_int_equal(gso_split(buf, GSO_HEADER_LEN + len, collect,
	    NULL), 1);
	assert_int_equal(got[0].len, len);
	assert_memory_equal(got[0].bytes, whole, len);
	/* Without the flag nothing is touched. */
	memset(buf, 0, GSO_HEADER_LEN);
	pkt[36] = 0x55;
	assert_int_equal(gso_split(buf, GSO_HEADER_LEN + len, collect,
	    NULL), 1);
	assert_memory_equal(got[1].bytes, pkt, len);
	/* A UDP sum of zero is written as its other form. */
	from = addr_from_v4(inet_addr("192.0.2.1"));
	to = addr_from_v4(inet_addr("192.0.2.2"));
	ip_write_udp(pkt, &from, &to, 7, 7, 2, &v);
	len = v.len;
	sum = checksum_add(17 + 10, pkt + 12, 8);
	store_u16(pkt + 26, (uint16_t)~checksum_fold(sum));
	store_u16(pkt + 28, 0);
	store_u16(pkt + 28, checksum_fold(checksum_add(0, pkt + 20, 10)));
	h.csum_offset = 6;
	memcpy(buf, &h, sizeof(h));
	assert_int_equal(gso_split(buf, GSO_HEADER_LEN + len, collect,
	    NULL), 1);
	assert_int_equal(load_u16(got[2].bytes + 26), 0xffff);
}

static void
drop(void *arg, const struct packet_view *v)
{
	unsigned *bytes = arg;

	*bytes += (unsigned)v->len;
}

static void
damage_harms_nobody(void **state)
{
	static uint8_t buf[GSO_BUFFER_LEN];
	uint8_t	      *copy;
	unsigned       bytes, v;
	size_t	       len = make_large(buf, 1, ACK, 600, 100), at;

	(void)state;
	for (at = 0; at <= len; at++) {
		copy = malloc(at == 0 ? 1 : at);
		assert_non_null(copy);
		memcpy(copy, buf, at);
		bytes = 0;
		gso_split(copy, at, drop, &bytes);
		assert_true(at >= len || bytes == 0);
		free(copy);
	}
	for (at = 0; at < GSO_HEADER_LEN + HEADERS; at++) {
		for (v = 0; v < 256; v++) {
			copy = malloc(len);
			assert_non_null(copy);
			memcpy(copy, buf, len);
			copy[at] = (uint8_t)v;
			bytes = 0;
			gso_split(copy, len, drop, &bytes);
			free(copy);
		}
	}
}

/* --- joining -------------------------------------------------------------- */

static struct gso_join *
join_start(void)
{
	ngot = 0;
	nframes = 0;
	return gso_join_new(collect_frame, NULL);
}

static void
a_stream_is_joined(void **state)
{
	struct gso_join *j = join_start();
	static uint8_t	 pkt[2048];
	uint32_t	 seq = 0xffffff00;
	size_t		 len;
	unsigned	 i;

	(void)state;
	for (i = 0; i < 10; i++, seq += 1348) {
		len = make_tcp(pkt, 1000, seq, ACK, 1348);
		join_add(j, pkt, len);
		assert_int_equal(nframes, 0);
	}
	/* The last one is shorter, which ends it. */
	len = make_tcp(pkt, 1000, seq, ACK, 500);
	join_add(j, pkt, len);
	assert_int_equal(nframes, 1);
	assert_int_equal(frame_len[0], HEADERS + 10 * 1348 + 500);
	assert_int_equal(ngot, 11);
	for (i = 0, seq = 0xffffff00; i < 11; i++, seq += 1348) {
		len = make_tcp(pkt, 1000, seq, ACK, i < 10 ? 1348 : 500);
		store_u16(pkt + 4, (uint16_t)(100 + i));
		resum(pkt, len);
		assert_int_equal(got[i].len, len);
		assert_memory_equal(got[i].bytes, pkt, len);
	}
	gso_join_flush(j);
	assert_int_equal(nframes, 1);
	gso_join_free(j);
}

/* PSH ends a joined packet, and no joined packet is longer than IP allows. */
static void
joined_packets_end(void **state)
{
	struct gso_join *j = join_start();
	static uint8_t	 pkt[2048];
	uint32_t	 seq = 1;
	unsigned	 i;

	(void)state;
	join_add(j, pkt, make_tcp(pkt, 1, seq, ACK, 100));
	join_add(j, pkt, make_tcp(pkt, 1, seq + 100, ACK | PSH, 100));
	assert_int_equal(nframes, 1);
	assert_int_equal(ngot, 2);
	assert_int_equal(got[1].bytes[33], ACK | PSH);
	assert_int_equal(got[0].bytes[33], ACK);
	join_add(j, pkt, make_tcp(pkt, 1, seq + 200, ACK | PSH, 100));
	assert_int_equal(nframes, 2);
	for (i = 0; i < 100; i++, seq += 1400)
		join_add(j, pkt, make_tcp(pkt, 2, seq, ACK, 1400));
	gso_join_flush(j);
	assert_int_equal(ngot, 103);
	for (i = 0; i < nframes; i++)
		assert_true(frame_len[i] <= IP_PACKET_MAX);
	assert_true(nframes <= 6);
	gso_join_free(j);
}

/* What a second packet must not differ in. */
static void
strangers_are_not_joined(void **state)
{
	static const struct {
		size_t	at;
		uint8_t with;
	} changes[] = {
		/* TOS, ECN, DF, TTL. */
		{ 1, 0x04 }, { 1, 0x01 }, { 6, 0x40 }, { 8, 1 },
		/* Addresses, ports. */
		{ 12, 1 }, { 19, 1 }, { 21, 1 }, { 23, 1 },
		{ 27, 1 }, { 31, 1 }, { 33, SYN }, { 33, 0x20 }, { 33, 0x40 },
		{ 35, 1 }, { 44, 1 },		/* window, time stamp */
	};
	struct gso_join *j;
	static uint8_t	 pkt[2048];
	size_t		 i, len;

	(void)state;
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		j = join_start();
		join_add(j, pkt, make_tcp(pkt, 1, 1, ACK, 100));
		len = make_tcp(pkt, 1, 101, ACK, 100);
		pkt[changes[i].at] ^= changes[i].with;
		resum(pkt, len);
		join_add(j, pkt, len);
		gso_join_flush(j);
		assert_int_equal(nframes, 2);
		assert_memory_equal(got[1].bytes, pkt, len);
		gso_join_free(j);
	}
	/* A wrong checksum stays wrong, for the kernel to see. */
	for (i = 0; i < 3; i++) {
		j = join_start();
		join_add(j, pkt, make_tcp(pkt, 1, 1, ACK, 100));
		len = make_tcp(pkt, 1, 101, ACK, 100);
		pkt[i == 0 ? 10 : i == 1 ? 36 : HEADERS + 50] ^= 1;
		join_add(j, pkt, len);
		gso_join_flush(j);
		assert_int_equal(nframes, 2);
		assert_memory_equal(got[1].bytes, pkt, len);
		gso_join_free(j);
	}
}

/* --- IPv6 ----------------------------------------------------------------- */

#define HEADERS6	(HEADERS - IP_HEADER_LEN + IP6_HEADER_LEN)

static uint16_t
tcp_sum6(const uint8_t *pkt, size_t len)
{
	struct packet_view v;

	assert_true(packet_parse(&v, pkt, len));
	return checksum_fold(checksum_add(ip_pseudo_sum(&v.src, &v.dst,
	    IPPROTO_TCP, len - IP6_HEADER_LEN), pkt + IP6_HEADER_LEN,
	    len - IP6_HEADER_LEN));
}

/* As make_tcp() does. */
static size_t
make_tcp6(uint8_t *pkt, uint32_t seq, uint8_t flags, size_t payload)
{
	struct packet_view v = { .ttl = 64, .df = true, .tos = 0x28,
		.label = 0x12345, .protocol = IPPROTO_TCP,
		.len = HEADERS6 + payload };

	make_tcp(pkt + IP6_HEADER_LEN - IP_HEADER_LEN, 1000, seq, flags,
	    payload);
	assert_int_equal(addr_parse(&v.src, "2001:db8::1"), 0);
	assert_int_equal(addr_parse(&v.dst, "2001:db8::2"), 0);
	ip_write(pkt, &v);
	store_u16(pkt + IP6_HEADER_LEN + 16, 0);
	store_u16(pkt + IP6_HEADER_LEN + 16, tcp_sum6(pkt, v.len));
	return v.len;
}

static size_t
make_large6(uint8_t *buf, uint32_t seq, uint8_t flags, size_t payload,
    uint16_t mss, uint8_t type)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = type, .hdr_len = HEADERS6, .gso_size = mss,
		.csum_start = IP6_HEADER_LEN, .csum_offset = 16 };

	memcpy(buf, &h, sizeof(h));
	make_tcp6(buf + GSO_HEADER_LEN, seq, flags, payload);
	return GSO_HEADER_LEN + HEADERS6 + payload;
}

static void
ipv6_is_split_and_joined(void **state)
{
	static uint8_t	 buf[GSO_BUFFER_LEN], pkt[2048];
	static struct packet pieces[MANY];
	struct gso_join	*j;
	unsigned	 i, n = 4;
	size_t		 len;

	(void)state;
	len = make_large6(buf, 0xfffffe00, ACK | PSH | CWR, 5000, 1348,
	    VIRTIO_NET_HDR_GSO_TCPV6);
	ngot = 0;
	assert_int_equal(gso_split(buf, len, collect, NULL), n);
	memcpy(pieces, got, sizeof(pieces));
	for (i = 0; i < n; i++) {
		len = make_tcp6(pkt, 0xfffffe00 + i * 1348, ACK |
		    (i == 0 ? CWR : 0) | (i == n - 1 ? PSH : 0),
		    i < n - 1 ? 1348 : 5000 - 3 * 1348);
		assert_int_equal(pieces[i].len, len);
		assert_memory_equal(pieces[i].bytes, pkt, len);
	}
	/* The way back, but for the first, whose CWR is its own. */
	j = join_start();
	for (i = 0; i < n; i++)
		join_add(j, pieces[i].bytes, pieces[i].len);
	assert_int_equal(nframes, 2);
	assert_int_equal(frame_len[1], HEADERS6 + 5000 - 1348);
	assert_int_equal(ngot, n);
	for (i = 0; i < n; i++) {
		assert_int_equal(got[i].len, pieces[i].len);
		assert_memory_equal(got[i].bytes, pieces[i].bytes, got[i].len);
	}
	gso_join_free(j);
	/* The header before a packet says another family than its own. */
	len = make_large6(buf, 1, ACK, 3000, 1348, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(gso_split(buf, len, collect, NULL), 0);
}

static void
ipv6_strangers_are_not_joined(void **state)
{
	/* Class, label, hop limit, addresses. */
	static const size_t at[] = { 0, 1, 3, 7, 8, 23, 24, 39 };
	struct gso_join	   *j;
	static uint8_t	    pkt[2048];
	size_t		    i, len;

	(void)state;
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		j = join_start();
		join_add(j, pkt, make_tcp6(pkt, 1, ACK, 100));
		len = make_tcp6(pkt, 101, ACK, 100);
		pkt[at[i]] ^= 1;
		store_u16(pkt + IP6_HEADER_LEN + 16, 0);
		store_u16(pkt + IP6_HEADER_LEN + 16, tcp_sum6(pkt, len));
		join_add(j, pkt, len);
		gso_join_flush(j);
		assert_int_equal(nframes, 2);
		assert_memory_equal(got[1].bytes, pkt, len);
		gso_join_free(j);
	}
	/* Nor one of the other family, in either order. */
	for (i = 0; i < 2; i++) {
		j = join_start();
		join_add(j, pkt, i == 0 ? make_tcp6(pkt, 1, ACK, 100) :
		    make_tcp(pkt, 1000, 1, ACK, 100));
		join_add(j, pkt, i == 1 ? make_tcp6(pkt, 101, ACK, 100) :
		    make_tcp(pkt, 1000, 101, ACK, 100));
		gso_join_flush(j);
		assert_int_equal(nframes, 2);
		gso_join_free(j);
	}
}

static void
ipv6_damage_harms_nobody(void **state)
{
	static uint8_t buf[GSO_BUFFER_LEN];
	uint8_t	      *copy;
	unsigned       bytes, v;
	size_t	       len, at;

	(void)state;
	len = make_large6(buf, 1, ACK, 600, 100, VIRTIO_NET_HDR_GSO_TCPV6);
	for (at = 0; at < GSO_HEADER_LEN + HEADERS6; at++) {
		for (v = 0; v < 256; v++) {
			copy = malloc(len);
			assert_non_null(copy);
			memcpy(copy, buf, len);
			copy[at] = (uint8_t)v;
			bytes = 0;
			gso_split(copy, len, drop, &bytes);
			free(copy);
		}
	}
}

/* Whatever comes, in whatever order: the host gets the same
 * packets in that order. */
static void
order_and_contents_stay(void **state)
{
	static struct packet in[MANY];
	struct gso_join	    *j = join_start();
	uint32_t	     rnd = 1, seq[3] = { 1, 1, 1 };
	unsigned	     i, flow, n = MANY;
	size_t		     len;

	(void)state;
	for (i = 0; i < n; i++) {
		rnd = rnd * 1664525 + 1013904223;
		flow = rnd >> 30 == 3 ? 0 : (rnd >> 30) % 3;
		len = rnd >> 8 & 1 ? 1000 : (rnd >> 9) % 1000;
		in[i].len = make_tcp(in[i].bytes, (uint16_t)flow, seq[flow],
		    (rnd >> 20) % 16 == 0 ? ACK | FIN : (rnd >> 20) % 16 == 1 ?
		    ACK | PSH : ACK, len);
		seq[flow] += (uint32_t)len;
		if ((rnd >> 24) % 16 == 0)
			seq[flow] += 7;		/* lost on the way */
		if ((rnd >> 16) % 16 == 0)
			in[i].bytes[9] = IPPROTO_UDP;
		if ((rnd >> 16) % 16 == 1)
			in[i].bytes[HEADERS - 1]++;
		join_add(j, in[i].bytes, in[i].len);
		if ((rnd >> 12) % 32 == 0)
			gso_join_flush(j);
	}
	gso_join_flush(j);
	assert_int_equal(ngot, n);
	assert_true(nframes < n);
	for (i = 0; i < n; i++) {
		assert_int_equal(got[i].len, in[i].len);
		/* But for the identification, which DF makes meaningless
		 * (RFC 6864 §4.1), and the checksum that covers it. */
		memcpy(got[i].bytes + 4, in[i].bytes + 4, 2);
		memcpy(got[i].bytes + 10, in[i].bytes + 10, 2);
		assert_memory_equal(got[i].bytes, in[i].bytes, in[i].len);
	}
	gso_join_free(j);
}

static void
rubbish_passes_unchanged(void **state)
{
	struct gso_join *j = join_start();
	static uint8_t	 pkt[2048];
	uint8_t		*copy;
	size_t		 len = make_tcp(pkt, 1, 1, ACK, 100), at;

	(void)state;
	for (at = IP_HEADER_LEN; at < len; at++) {
		/* From memory of exactly this size, for AddressSanitizer. */
		copy = malloc(at);
		assert_non_null(copy);
		store_u16(pkt + 2, (uint16_t)at);
		memcpy(copy, pkt, at);
		ngot = nframes = 0;
		join_add(j, copy, at);
		assert_int_equal(ngot, 1);
		assert_memory_equal(got[0].bytes, pkt, at);
		free(copy);
	}
	gso_join_free(j);
	gso_join_free(NULL);
}

static void
received(struct gso_join *j, const uint8_t *pkt, size_t len, size_t mtu)
{
	struct packet_view v;

	assert_true(packet_parse(&v, pkt, len));
	gso_join_received(j, &v, mtu);
}

/* The pseudo header's sum alone, where a card puts in the rest. */
static void
sum_partly(uint8_t *pkt, size_t len, uint8_t protocol, size_t field)
{
	uint32_t sum = checksum_add(0, pkt + 12, 8);

	sum += (uint32_t)(protocol + len - IP_HEADER_LEN);
	store_u16(pkt + IP_HEADER_LEN + field, checksum_fold(sum) ^ 0xffff);
}

/* A card's GRO before the tunnel's end leaves the pseudo header's sum. */
static void
what_a_card_joined_arrives(void **state)
{
	struct gso_join *j = join_start();
	static uint8_t	 large[GSO_BUFFER_LEN], pkt[2048];
	size_t		 len, mtu = HEADERS + 1000;
	unsigned	 i;

	(void)state;
	len = make_large(large, 5000, ACK | PSH, 3500, 1000) - GSO_HEADER_LEN;
	sum_partly(large + GSO_HEADER_LEN, len, IPPROTO_TCP, 16);
	/* What waited is older. */
	join_add(j, pkt, make_tcp(pkt, 1000, 4000, ACK, 1000));
	received(j, large + GSO_HEADER_LEN, len, mtu);
	assert_int_equal(nframes, 2);
	assert_int_equal(frame_len[1], len);
	assert_int_equal(ngot, 5);
	for (i = 0; i < ngot; i++) {
		assert_sums(got[i].bytes, got[i].len);
		assert_int_equal(load_u32(got[i].bytes + 24), 4000 + i * 1000);
		assert_int_equal(got[i].len, HEADERS + (i < 4 ? 1000 : 500));
	}
	/* A single one, whose sum the sender's card was to put in. */
	len = make_large(large, 8500, ACK, 300, 1000) - GSO_HEADER_LEN;
	sum_partly(large + GSO_HEADER_LEN, len, IPPROTO_TCP, 16);
	received(j, large + GSO_HEADER_LEN, len, mtu);
	assert_int_equal(ngot, 6);
	assert_sums(got[5].bytes, got[5].len);
	/* A segment that has its sum is joined as ever, a
	 * damaged one stays it. */
	len = make_tcp(pkt, 1000, 8800, ACK, 100);
	received(j, pkt, len, mtu);
	pkt[HEADERS]++;
	received(j, pkt, len, mtu);
	assert_int_equal(ngot, 8);
	assert_sums(got[6].bytes, got[6].len);
	assert_int_not_equal(tcp_sum(got[7].bytes, got[7].len), 0);
	gso_join_free(j);
}

static void
a_udp_sum_left_to_a_card_is_put_in(void **state)
{
	struct gso_join	  *j = join_start();
	struct addr	   src = addr_from_v4(inet_addr("192.0.2.1"));
	struct addr	   dst = addr_from_v4(inet_addr("192.0.2.2"));
	struct packet_view v;
	uint8_t		   pkt[128], whole[128];

	(void)state;
	memset(pkt, 0x5a, sizeof(pkt));
	ip_write_udp(pkt, &src, &dst, 1, 2, 40, &v);
	memcpy(whole, pkt, v.len);
	sum_partly(pkt, v.len, IPPROTO_UDP, 6);
	received(j, pkt, v.len, 1480);
	assert_int_equal(ngot, 1);
	assert_memory_equal(got[0].bytes, whole, v.len);
	gso_join_free(j);
}

/* Any bytes may stand where the headers should be. */
static void
received_rubbish_harms_nobody(void **state)
{
	struct gso_join *j = join_start();
	static uint8_t	 large[GSO_BUFFER_LEN];
	uint8_t		*copy;
	size_t		 len, at;

	(void)state;
	len = make_large(large, 1, ACK, 200, 100) - GSO_HEADER_LEN;
	for (at = IP_HEADER_LEN; at < len; at++) {
		uint8_t *pkt = large + GSO_HEADER_LEN;

		copy = malloc(at);
		assert_non_null(copy);
		store_u16(pkt + 2, (uint16_t)at);
		if (at >= IP_HEADER_LEN + 18)
			sum_partly(pkt, at, IPPROTO_TCP, 16);
		memcpy(copy, pkt, at);
		ngot = nframes = 0;
		received(j, copy, at, HEADERS + 100);
		gso_join_flush(j);
		assert_int_equal(nframes, 1);
		free(copy);
	}
	gso_join_free(j);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_segments_are_split),
		cmocka_unit_test(missing_checksums_are_put_in),
		cmocka_unit_test(damage_harms_nobody),
		cmocka_unit_test(a_stream_is_joined),
		cmocka_unit_test(joined_packets_end),
		cmocka_unit_test(strangers_are_not_joined),
		cmocka_unit_test(ipv6_is_split_and_joined),
		cmocka_unit_test(ipv6_strangers_are_not_joined),
		cmocka_unit_test(ipv6_damage_harms_nobody),
		cmocka_unit_test(order_and_contents_stay),
		cmocka_unit_test(rubbish_passes_unchanged),
		cmocka_unit_test(what_a_card_joined_arrives),
		cmocka_unit_test(a_udp_sum_left_to_a_card_is_put_in),
		cmocka_unit_test(received_rubbish_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
