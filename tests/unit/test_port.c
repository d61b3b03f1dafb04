/* test_port.c - packets into a device and out of it with their marks, by a kernel's packet sockets, in a network namespace of its own */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/gso.h"
#include "net/ip.h"
#include "net/port.h"
#include "net/rtnl.h"
#include "net/tc.h"
#include "net/tun.h"

#ifndef SO_RCVMARK
#define SO_RCVMARK	75
#endif

#define MARK	0x4f450007u
#define OURS	"192.0.2.1"
#define THEIRS	"203.0.113.7"
#define MANY	80

/* --- the world ------------------------------------------------------------ */

static int	    tun = -1;
static char	    name[IFNAMSIZ];
static struct port *port;

static struct {
	uint32_t mark;
	size_t	 len;
	uint8_t	 bytes[2048];
} got[MANY];
static unsigned ngot;

static void
collect(void *arg, uint32_t mark, const struct packet_view *v)
{
	struct packet_view read;

	assert_ptr_equal(arg, &ngot);
	assert_true(ngot < MANY && v->len <= sizeof(got[0].bytes));
	assert_true(packet_parse(&read, v->data, v->len));
	assert_int_equal(read.len, v->len);
	got[ngot].mark = mark;
	got[ngot].len = v->len;
	memcpy(got[ngot++].bytes, v->data, v->len);
}

/* A TUN device hands over what is written before write() returns. */
static unsigned
receive(void)
{
	ngot = 0;
	assert_true(port_receive(port, collect, &ngot));
	return ngot;
}

static int
device_begin(void **state)
{
	bool offload;

	(void)state;
	snprintf(name, sizeof(name), "port%%d");
	assert_int_not_equal(tun = tun_open_gso(name, sizeof(name), &offload),
	    -1);
	assert_int_equal(rtnl_link_up(name), 0);
	if ((port = port_open(name)) == NULL)
		print_message("no packet sockets with marks: %s\n",
		    strerror(errno));
	return 0;
}

static int
device_end(void **state)
{
	(void)state;
	port_close(port);
	port = NULL;
	if (tun != -1)
		close(tun);
	tun = -1;
	return 0;
}

static size_t
packet_make(uint8_t *out, size_t len, uint8_t protocol, const char *src,
    const char *dst)
{
	struct packet_view v = { .src = addr_from_v4(inet_addr(src)),
		.dst = addr_from_v4(inet_addr(dst)), .ttl = 64,
		.protocol = protocol, .df = true, .len = len };

	memset(out, 0x5a, len);
	ip_write(out, &v);
	return len;
}

static void
comes_in(const uint8_t *pkt, size_t len)
{
	uint8_t frame[GSO_HEADER_LEN + 4096] = { 0 };

	memcpy(frame + GSO_HEADER_LEN, pkt, len);
	assert_int_equal(write(tun, frame, GSO_HEADER_LEN + len),
	    GSO_HEADER_LEN + len);
}

/* Has all that comes in by the device bear the mark from here on.  False: this
 * kernel, or this user, has no eBPF. */
static bool
mark_what_comes(uint32_t mark)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2,
		  .imm = (int32_t)mark },
		{ .code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_1,
		  .src_reg = BPF_REG_2,
		  .off = offsetof(struct __sk_buff, mark) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0,
		  .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;
	const struct tc_place place = { .ifindex = if_nametoindex(name),
		.priority = 1 };
	int fd, rc = -1;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SCHED_CLS;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = sizeof(code) / sizeof(code[0]);
	attr.license = (uintptr_t)"Dual BSD/GPL";
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd != -1) {
		rc = tc_add(&place, fd, "mark");
		close(fd);
	}
	if (rc == -1)
		print_message("no eBPF: %s\n", strerror(errno));
	return rc == 0;
}

/* --- out ------------------------------------------------------------------ */

/* A queue of the device's may be another processor's just now. */
static void
wait_for(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 5000), 1);
}

/* Who sees what leaves, and its mark. */
static int
tap_open(void)
{
	const struct sockaddr_ll at = { .sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name) };
	const int on = 1;
	int	  fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVMARK, &on,
	    sizeof(on)), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)),
	    0);
	return fd;
}

static void
tap_expect(int tap, uint32_t mark, const uint8_t *pkt, size_t len)
{
	uint8_t	      buf[2048];
	union {
		struct cmsghdr align;
		char	       buf[CMSG_SPACE(sizeof(mark))];
	} control;
	struct iovec  iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };

	/* What the kernel says itself is of IPv6. */
	do {
		wait_for(tap);
		m.msg_controllen = sizeof(control);
		assert_true(recvmsg(tap, &m, 0) > 0);
	} while (buf[0] >> 4 == 6);
	assert_memory_equal(buf, pkt, len);
	assert_non_null(CMSG_FIRSTHDR(&m));
	assert_memory_equal(CMSG_DATA(CMSG_FIRSTHDR(&m)), &mark, sizeof(mark));
}

static void
tun_expect(const uint8_t *pkt, size_t len)
{
	uint8_t buf[GSO_HEADER_LEN + 2048];
	ssize_t n;

	do {
		wait_for(tun);
		n = read(tun, buf, sizeof(buf));
		assert_true(n > GSO_HEADER_LEN);
	} while (buf[GSO_HEADER_LEN] >> 4 == 6);
	assert_int_equal(n, GSO_HEADER_LEN + len);
	assert_memory_equal(buf + GSO_HEADER_LEN, pkt, len);
}

static void
sends_with_a_mark(void **state)
{
	struct packet_view v;
	uint8_t		   pkt[1600];
	int		   tap;

	(void)state;
	if (port == NULL)
		skip();
	tap = tap_open();
	assert_true(packet_parse(&v, pkt, packet_make(pkt, 100, 17, OURS,
	    THEIRS)));
	assert_int_equal(port_send(port, MARK, &v), 0);
	tun_expect(pkt, 100);
	tap_expect(tap, MARK, pkt, 100);
	assert_int_equal(port_send(port, 1, &v), 0);
	tun_expect(pkt, 100);
	tap_expect(tap, 1, pkt, 100);
	/* As large as the device takes, and no larger. */
	assert_true(packet_parse(&v, pkt, packet_make(pkt, 1500, 17, OURS,
	    THEIRS)));
	assert_int_equal(port_send(port, 2, &v), 0);
	tun_expect(pkt, 1500);
	tap_expect(tap, 2, pkt, 1500);
	assert_true(packet_parse(&v, pkt, packet_make(pkt, 1600, 17, OURS,
	    THEIRS)));
	assert_int_equal(port_send(port, 3, &v), -1);
	assert_int_equal(errno, EMSGSIZE);
	/* Nothing of that comes back. */
	assert_int_equal(receive(), 0);
	close(tap);
}

/* --- in ------------------------------------------------------------------- */

static void
receives_whole_packets(void **state)
{
	uint8_t pkt[1500], six[60] = { 0x60 };

	(void)state;
	if (port == NULL)
		skip();
	assert_int_equal(receive(), 0);
	comes_in(pkt, packet_make(pkt, sizeof(pkt), 17, THEIRS, OURS));
	comes_in(six, sizeof(six));
	assert_int_equal(receive(), 1);
	assert_int_equal(got[0].mark, 0);
	assert_int_equal(got[0].len, sizeof(pkt));
	assert_memory_equal(got[0].bytes, pkt, sizeof(pkt));
	/* A packet that says to be longer than it is. */
	packet_make(pkt, 100, 17, THEIRS, OURS);
	comes_in(pkt, 60);
	assert_int_equal(receive(), 0);
}

static void
receives_with_a_mark(void **state)
{
	uint8_t pkt[100];

	(void)state;
	if (port == NULL || !mark_what_comes(MARK))
		skip();
	comes_in(pkt, packet_make(pkt, sizeof(pkt), 17, THEIRS, OURS));
	assert_true(mark_what_comes(0xffffffff));
	comes_in(pkt, sizeof(pkt));
	assert_int_equal(receive(), 2);
	assert_int_equal(got[0].mark, MARK);
	assert_int_equal(got[1].mark, 0xffffffff);
	assert_memory_equal(got[0].bytes, pkt, sizeof(pkt));
}

/* So that others have their turn. */
static void
receives_some_at_a_time(void **state)
{
	uint8_t	 pkt[60];
	unsigned i;

	(void)state;
	if (port == NULL)
		skip();
	packet_make(pkt, sizeof(pkt), 17, THEIRS, OURS);
	for (i = 0; i < 70; i++)
		comes_in(pkt, sizeof(pkt));
	assert_int_equal(receive(), 64);
	assert_int_equal(receive(), 6);
	assert_int_equal(receive(), 0);
}

/* Three segments, joined as a card or GRO does it: each comes as the peer has
 * sent it, with the mark of them all. */
static void
cuts_what_was_joined(void **state)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .hdr_len = 40,
		.gso_size = 1000, .csum_start = 20, .csum_offset = 16 };
	uint8_t frame[GSO_HEADER_LEN + 2540], *ip = frame + GSO_HEADER_LEN,
	       *tcp = ip + 20;
	uint32_t sum;
	bool	 marked;
	unsigned i;

	(void)state;
	if (port == NULL)
		skip();
	marked = mark_what_comes(MARK);
	memcpy(frame, &h, sizeof(h));
	packet_make(ip, 2540, 6, THEIRS, OURS);
	memset(tcp, 0, 20);
	store_u16(tcp, 80);
	store_u16(tcp + 2, 20000);
	store_u32(tcp + 4, 5000);
	tcp[12] = 5 << 4;
	tcp[13] = 0x10;
	sum = checksum_add(6 + 2520, ip + 12, 8);
	sum = (sum & 0xffff) + (sum >> 16);
	store_u16(tcp + 16, (uint16_t)((sum & 0xffff) + (sum >> 16)));
	assert_int_equal(write(tun, frame, sizeof(frame)), sizeof(frame));
	assert_int_equal(receive(), 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(got[i].mark, marked ? MARK : 0);
		assert_int_equal(got[i].len, i < 2 ? 1040 : 540);
		assert_int_equal(load_u32(got[i].bytes + 24), 5000 + i * 1000);
		sum = checksum_add((uint32_t)(6 + got[i].len - 20),
		    got[i].bytes + 12, got[i].len - 12);
		while (sum >> 16 != 0)
			sum = (sum & 0xffff) + (sum >> 16);
		assert_int_equal(sum, 0xffff);
	}
}

/* Joined in a way that the kernel has no words for: that is lost, and nothing
 * else is. */
static void
loses_what_cannot_be_told(void **state)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_UDP, .hdr_len = 28,
		.gso_size = 1000, .csum_start = 20, .csum_offset = 6 };
	uint8_t	 frame[GSO_HEADER_LEN + 2528], pkt[100];
	unsigned i;

	(void)state;
	if (port == NULL)
		skip();
	memcpy(frame, &h, sizeof(h));
	packet_make(frame + GSO_HEADER_LEN, 2528, 17, THEIRS, OURS);
	store_u16(frame + GSO_HEADER_LEN + 24, 2508);
	if (write(tun, frame, sizeof(frame)) != sizeof(frame))
		skip();
	comes_in(pkt, packet_make(pkt, sizeof(pkt), 17, THEIRS, OURS));
	for (i = 0; i < 10 && receive() == 0; i++)
		continue;
	assert_int_equal(got[ngot - 1].len, sizeof(pkt));
	assert_memory_equal(got[ngot - 1].bytes, pkt, sizeof(pkt));
}

/* --- life ----------------------------------------------------------------- */

static void
device_is_taken_away(void **state)
{
	struct packet_view v;
	struct pollfd	   p;
	uint8_t		   pkt[100];

	(void)state;
	if (port == NULL)
		skip();
	p = (struct pollfd){ .fd = port_fd(port), .events = POLLIN };
	assert_int_equal(poll(&p, 1, 0), 0);
	close(tun);
	tun = -1;
	assert_int_equal(poll(&p, 1, 1000), 1);
	ngot = 0;
	assert_false(port_receive(port, collect, &ngot));
	assert_int_equal(ngot, 0);
	assert_true(packet_parse(&v, pkt, packet_make(pkt, sizeof(pkt), 17,
	    OURS, THEIRS)));
	assert_int_equal(port_send(port, MARK, &v), -1);
}

static void
device_is_not_there(void **state)
{
	(void)state;
	errno = 0;
	assert_null(port_open("nowhere"));
	assert_int_equal(errno, ENODEV);
	port_close(NULL);
}

/* As root here, or in a user's own namespace. */
static int
own_namespace(void **state)
{
	(void)state;
	if (access("/dev/net/tun", R_OK | W_OK) == 0 &&
	    (unshare(CLONE_NEWNET) == 0 ||
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0))
		return 0;
	print_message("skipped: no network namespace or TUN here\n");
	_exit(77);
}

#define WITH_DEVICE(test) \
	cmocka_unit_test_setup_teardown(test, device_begin, device_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DEVICE(sends_with_a_mark),
		WITH_DEVICE(receives_whole_packets),
		WITH_DEVICE(receives_with_a_mark),
		WITH_DEVICE(receives_some_at_a_time),
		WITH_DEVICE(cuts_what_was_joined),
		WITH_DEVICE(loses_what_cannot_be_told),
		WITH_DEVICE(device_is_taken_away),
		cmocka_unit_test(device_is_not_there),
	};

	return cmocka_run_group_tests(tests, own_namespace, NULL);
}
