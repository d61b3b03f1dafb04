/* esp_led.c - eBPF at the kernel's ESP and at the tunnel, without rsipc: what it shall lead comes as lines on stdin (for tests) */
#include "config.h"

#include <bpf/bpf.h>
#include <event2/event.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "net/addr.h"
#include "net/tc.h"
#include "oe/esp/beside.h"
#include "oe/esp/dataplane.h"
#include "rsipc/pass.h"

/*
 * esp_led TUN ESP CLEAR
 *
 * Lines on stdin, one answer line each:
 *     pair SPI                          its mark
 *     unpair NUMBER
 *     lead NUMBER SRC DST MTU [tcp|udp LO HI ...]
 *     unlead NUMBER
 *     led NUMBER                        packets and bytes out, and in
 *     ports                             that something led has left from
 *     way [ADDR LOCAL REMOTE LINK MTU MARK ESP-MARK]
 *                                       into the tunnel; none
 *     esp SPI on|off                    the kernel opens it
 *     clear SRC DST on|off              all between these passes in the clear
 *     port PORT                         from here
 *     wake
 *     passed                            packets and bytes out, and in, of the
 *                                       tunnel; the same as it was told of
 *     stamp MARK HASH                   what comes by ESP has these
 *     show                              what comes by CLEAR has its hash for a
 *                                       mark
 *     close                             nothing is led any more
 * It prints "ready" when it is.  SPIs, marks and hashes are in hexadecimal.
 */
static struct beside   *beside;
static struct pass     *pass;
static struct pass_way	way;
static bool		has_way;
static struct oe_passed told;
static const char      *device[3];	/* TUN, ESP, CLEAR */

static _Noreturn void
fail(const char *what, const char *why)
{
	fprintf(stderr, "esp_led: %s: %s\n", what, why);
	exit(2);
}

static struct addr
get_addr(const char *s)
{
	struct addr a;

	if (s == NULL || addr_parse(&a, s) == -1)
		fail("bad address", s == NULL ? "none" : s);
	return a;
}

static uint32_t
get_number(const char *s, int base)
{
	if (s == NULL)
		fail("number", "none");
	return (uint32_t)strtoul(s, NULL, base);
}

/* --- what pass asks ------------------------------------------------------- */

static bool
get_way(void *arg, struct pass_way *out)
{
	(void)arg;
	*out = way;
	return has_way;
}

static void
on_passed(void *arg, const struct addr *src, const struct addr *dst,
    const struct oe_passed *n)
{
	(void)arg;
	(void)src;
	(void)dst;
	(void)n;
}

static void
on_used(void *arg, uint16_t port)
{
	(void)arg;
	(void)port;
}

static void
on_moved(void *arg, const struct oe_passed *n)
{
	(void)arg;
	told.packets_out += n->packets_out;
	told.bytes_out += n->bytes_out;
	told.packets_in += n->packets_in;
	told.bytes_in += n->bytes_in;
}

static const struct pass_ops ops = { .way = get_way, .passed = on_passed,
	.used = on_used, .moved = on_moved };

/* --- programs of the test's own ------------------------------------------- */

static void
put(const char *dev, uint16_t priority, const struct bpf_insn *insn, size_t n)
{
	const struct tc_place p = { .ifindex = if_nametoindex(dev),
		.priority = priority };
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "esp_led", "GPL", insn,
	    n, NULL);

	if (fd < 0 || tc_add(&p, fd, "esp_led") == -1)
		fail("program", dev);
	close(fd);
}

#define INSN(c, d, s, o, i)						\
	{ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) }
#define COPY(d, s)	INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define SET(d, i)	INSN(BPF_ALU | BPF_MOV | BPF_K, d, 0, 0, i)
#define NEXT								\
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, -1),		\
	INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define FIELD(f)	((short)offsetof(struct __sk_buff, f))

/* Before ours, as if the kernel had decrypted it. */
static void
stamp(uint32_t mark, uint32_t hash)
{
	const struct bpf_insn insn[] = {
		COPY(BPF_REG_6, BPF_REG_1),
		SET(BPF_REG_2, (int)hash),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_set_hash),
		SET(BPF_REG_1, (int)mark),
		INSN(BPF_STX | BPF_MEM | BPF_W, BPF_REG_6, BPF_REG_1,
		    FIELD(mark), 0),
		NEXT,
	};

	put(device[1], 1, insn, sizeof(insn) / sizeof(insn[0]));
}

static void
show(void)
{
	const struct bpf_insn insn[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_1,
		    FIELD(hash), 0),
		INSN(BPF_STX | BPF_MEM | BPF_W, BPF_REG_1, BPF_REG_2,
		    FIELD(mark), 0),
		NEXT,
	};

	put(device[2], 0x7000, insn, sizeof(insn) / sizeof(insn[0]));
}

/* --- lines ---------------------------------------------------------------- */

static char *
word(void)
{
	return strtok(NULL, " \n");
}

static void
line_lead(uint32_t number)
{
	struct esp_lead	 l = { .src = get_addr(word()),
		.dst = get_addr(word()), .mtu = get_number(word(), 10) };
	struct esp_part *part = l.part;
	const char	*protocol;

	while ((protocol = word()) != NULL) {
		part->protocol = strcmp(protocol, "tcp") == 0 ? IPPROTO_TCP :
		    strcmp(protocol, "udp") == 0 ? IPPROTO_UDP : IPPROTO_SCTP;
		part->lo = (uint16_t)get_number(word(), 10);
		part->hi = (uint16_t)get_number(word(), 10);
		part++;
		l.nparts++;
	}
	printf("%d\n", beside_lead(beside, number, &l));
}

static void
line_way(void)
{
	const char *addr = word();

	has_way = addr != NULL;
	if (has_way) {
		way.addr = get_addr(addr);
		way.local = get_addr(word());
		way.remote = get_addr(word());
		way.link = if_nametoindex(word());
		way.clear = if_nametoindex(device[2]);
		way.mtu = get_number(word(), 10);
		way.mark = get_number(word(), 16);
		way.esp_mark = get_number(word(), 16);
	}
	pass_look_again(pass);
	printf("0\n");
}

static void
print_port(void *arg, uint16_t port)
{
	(void)arg;
	printf("%u ", port);
}

static void
print_passed(const struct oe_passed *n)
{
	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " ",
	    n->packets_out, n->bytes_out, n->packets_in, n->bytes_in);
}

static void
line_led(uint32_t number)
{
	struct esp_usage u = { 0 };

	beside_led(beside, number, &u);
	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
	    u.out.packets, u.out.bytes, u.in.packets, u.in.bytes);
}

/* Of pairs; false: the line is about something else. */
static bool
line_beside(const char *what)
{
	if (strcmp(what, "pair") == 0) {
		printf("%u\n", beside_pair_add(beside, get_number(word(), 16)));
	} else if (strcmp(what, "unpair") == 0) {
		beside_pair_del(beside, get_number(word(), 10));
		printf("0\n");
	} else if (strcmp(what, "lead") == 0) {
		line_lead(get_number(word(), 10));
	} else if (strcmp(what, "unlead") == 0) {
		beside_lead_end(beside, get_number(word(), 10));
		printf("0\n");
	} else if (strcmp(what, "led") == 0) {
		line_led(get_number(word(), 10));
	} else if (strcmp(what, "ports") == 0) {
		beside_ports(beside, print_port, NULL);
		printf("\n");
	} else if (strcmp(what, "close") == 0) {
		beside_close(beside);
		beside = NULL;
		printf("0\n");
	} else {
		return false;
	}
	return true;
}

static void
line_passed(void)
{
	struct oe_passed n;

	pass_count(pass, &n);
	print_passed(&n);
	print_passed(&told);
	printf("\n");
}

static void
line_pass(const char *what)
{
	struct addr src, dst;

	if (strcmp(what, "way") == 0) {
		line_way();
		return;
	}
	if (strcmp(what, "passed") == 0) {
		line_passed();
		return;
	}
	if (strcmp(what, "wake") == 0) {
		pass_wake(pass);
	} else if (strcmp(what, "port") == 0) {
		pass_port(pass, (uint16_t)get_number(word(), 10),
		    PASS_OF_TCP | PASS_OF_UDP);
	} else if (strcmp(what, "esp") == 0) {
		uint32_t spi = get_number(word(), 16);

		pass_esp(pass, spi, strcmp(word(), "on") == 0);
	} else if (strcmp(what, "clear") == 0) {
		src = get_addr(word());
		dst = get_addr(word());
		pass_pair(pass, &src, &dst, strcmp(word(), "on") == 0);
	} else if (strcmp(what, "stamp") == 0) {
		uint32_t mark = get_number(word(), 16);

		stamp(mark, get_number(word(), 16));
	} else if (strcmp(what, "show") == 0) {
		show();
	} else {
		fail("no such line", what);
	}
	printf("0\n");
}

static void
on_stdin(evutil_socket_t fd, short what, void *base)
{
	char  line[1024];
	char *first;

	(void)fd;
	(void)what;
	/* Whoever asks waits for the answer before the next line. */
	if (fgets(line, sizeof(line), stdin) == NULL) {
		event_base_loopbreak(base);
		return;
	}
	first = strtok(line, " \n");
	if (first != NULL && !line_beside(first))
		line_pass(first);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct event_base    *base = event_base_new();
	struct event	     *input;
	struct beside_devices d;

	if (argc != 4 || base == NULL)
		fail("usage", "esp_led TUN ESP CLEAR");
	log_init("esp_led", true, LOG_LEVEL_DEBUG);
	memcpy(device, argv + 1, sizeof(device));
	d = (struct beside_devices){ if_nametoindex(device[0]),
		if_nametoindex(device[1]), if_nametoindex(device[2]) };
	beside = beside_open(&d);
	pass = pass_open(base, device[0], &ops, NULL);
	if (beside == NULL || pass == NULL ||
	    pass_esp_way(pass, device[2]) == -1)
		fail("cannot", "load");
	input = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_stdin,
	    base);
	if (input == NULL || event_add(input, NULL) == -1)
		fail("cannot", "listen");
	printf("ready\n");
	fflush(stdout);
	event_base_dispatch(base);
	event_free(input);
	beside_close(beside);
	pass_close(pass);
	event_base_free(base);
	return 0;
}
