/* test_xfrm_led.c - the data plane in the kernel for packets that the engine sees first: what the kernel, the device and eBPF are told, and what is left to the next plane */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ipsec.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/netlink.h"
#include "net/port.h"
#include "net/rtnl.h"
#include "net/xfrmi.h"
#include "oe/esp/beside.h"
#include "oe/esp/beside_map.h"
#include "oe/esp/dataplane_private.h"
#include "oe/esp/esp.h"
#include "oe/esp/xfrm_led.h"
#include "tests/unit/xfrm_kernel.h"

#define US	"192.0.2.1"
#define PEER	"203.0.113.7"
#define SPI_IN	0x11223344u
#define SPI_OUT	0x55667788u
#define ESP_MARK 0x5252u
#define IF_ID	0x4f450005u	/* the TUN's index is 5 */
#define NUMBER	7u		/* of the first pair */
#define MARK	(0x4f450000u | NUMBER)
#define REQID	(0x4f458000u | NUMBER)

/* --- the world ------------------------------------------------------------ */

static struct world {
	char		  said[1024];	/* what the device, eBPF and the shell
					 * were told, in order */
	bool		  name_taken, no_device, no_ebpf, no_link, no_port;
	bool		  no_way;
	bool		  anywhere;	/* no link of its own is asked for */
	bool		  joins;	/* what comes, whatever is asked for */
	unsigned	  left;		/* numbers that eBPF has */
	bool		  leads_not, carries_not;
	struct esp_usage  led;		/* what eBPF has counted */
	struct xfrm_led	 *l;
	struct esp_plane *planes[3];	/* and one for what that leaves */
	struct esp_plane  rest;
	struct esp_policy policy;
	struct esp_params in, out;
} world;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
say(const char *fmt, ...)
{
	size_t	at = strlen(world.said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(world.said + at, sizeof(world.said) - at, fmt, ap);
	va_end(ap);
}

/* All that was said since this was last asked. */
static void
said(const char *want)
{
	assert_string_equal(world.said, want);
	world.said[0] = '\0';
}

static int
answer(bool refused)
{
	errno = refused ? EOPNOTSUPP : 0;
	return refused ? -1 : 0;
}

/* --- device, packet socket, eBPF (the linker's --wrap) -------------------- */

unsigned __wrap_if_nametoindex(const char *name);
int	 __wrap_xfrmi_add(const char *name, const char *link, uint32_t if_id);
int	 __wrap_card_keep_apart(const char *ifname);
int	 __wrap_rtnl_link_up(const char *name);
void	 __wrap_rtnl_link_del(const char *name);
struct port *__wrap_port_open(const char *device);
void	 __wrap_port_close(struct port *p);
int	 __wrap_port_fd(const struct port *p);
bool	 __wrap_port_receive(struct port *p, port_fn fn, void *arg);
int	 __wrap_port_send(struct port *p, uint32_t mark,
    const struct packet_view *v);
struct beside *__wrap_beside_open(const struct beside_devices *d);
void	 __wrap_beside_close(struct beside *b);
uint32_t __wrap_beside_pair_add(struct beside *b, uint32_t spi_in);
void	 __wrap_beside_pair_del(struct beside *b, uint32_t mark);
int	 __wrap_beside_lead(struct beside *b, uint32_t mark,
    const struct esp_lead *lead);
void	 __wrap_beside_lead_end(struct beside *b, uint32_t mark);
void	 __wrap_beside_led(const struct beside *b, uint32_t mark,
    struct esp_usage *u);
void	 __wrap_beside_ports(struct beside *b, void (*used)(void *, uint16_t),
    void *arg);

/* Of what has nothing in it but that it is there. */
static char port_there, ebpf_there;
#define PORT	((struct port *)(void *)&port_there)
#define EBPF	((struct beside *)(void *)&ebpf_there)

unsigned
__wrap_if_nametoindex(const char *name)
{
	return strcmp(name, "oe0") == 0 ? 5 : strcmp(name, "rsip0") == 0 ? 6 :
	    strcmp(name, "oe0-esp") == 0 ? 7 : 0;
}

int
__wrap_xfrmi_add(const char *name, const char *link, uint32_t if_id)
{
	say("add %s at %s 0x%x;", name, link == NULL ? "any" : link, if_id);
	if (!world.name_taken)
		return answer(world.no_device);
	errno = EEXIST;
	return -1;
}

int
__wrap_card_keep_apart(const char *ifname)
{
	say("apart %s;", ifname);
	return answer(world.joins);
}

int
__wrap_rtnl_link_up(const char *name)
{
	say("up %s;", name);
	return answer(world.no_link);
}

void
__wrap_rtnl_link_del(const char *name)
{
	say("del %s;", name);
}

struct port *
__wrap_port_open(const char *device)
{
	say("port %s;", device);
	return answer(world.no_port) == 0 ? PORT : NULL;
}

void
__wrap_port_close(struct port *p)
{
	if (p != NULL)
		say("port closed;");
}

int
__wrap_port_fd(const struct port *p)
{
	assert_ptr_equal(p, PORT);
	return 99;
}

/* What comes in, by the marks that the world has for it. */
static uint32_t come[8];
static unsigned ncome;
static bool	gone;
static const struct packet_view packet = { .data = (const uint8_t *)"abc",
	.len = 3, .dst = { .family = AF_INET } };

bool
__wrap_port_receive(struct port *p, port_fn fn, void *arg)
{
	unsigned i;

	assert_ptr_equal(p, PORT);
	for (i = 0; i < ncome; i++)
		fn(arg, come[i], &packet);
	return !gone;
}

int
__wrap_port_send(struct port *p, uint32_t mark, const struct packet_view *v)
{
	assert_ptr_equal(p, PORT);
	assert_ptr_equal(v, &packet);
	say("sent 0x%x;", mark);
	return answer(world.no_way);
}

struct beside *
__wrap_beside_open(const struct beside_devices *d)
{
	say("ebpf %u %u %u;", d->tun, d->esp, d->from);
	return answer(world.no_ebpf) == 0 ? EBPF : NULL;
}

void
__wrap_beside_close(struct beside *b)
{
	if (b != NULL)
		say("ebpf closed;");
}

uint32_t
__wrap_beside_pair_add(struct beside *b, uint32_t spi_in)
{
	assert_ptr_equal(b, EBPF);
	assert_int_equal(spi_in, world.in.spi);
	if (world.left == 0)
		return 0;
	return BESIDE_MARK | (NUMBER + 2 - world.left--);
}

void
__wrap_beside_pair_del(struct beside *b, uint32_t mark)
{
	assert_ptr_equal(b, EBPF);
	say("free 0x%x;", mark);
	world.left++;
}

int
__wrap_beside_lead(struct beside *b, uint32_t mark,
    const struct esp_lead *lead)
{
	assert_ptr_equal(b, EBPF);
	say("lead 0x%x %zu %u;", mark, lead->mtu, lead->nparts);
	return answer(world.leads_not);
}

void
__wrap_beside_lead_end(struct beside *b, uint32_t mark)
{
	assert_ptr_equal(b, EBPF);
	say("end 0x%x;", mark);
}

void
__wrap_beside_led(const struct beside *b, uint32_t mark, struct esp_usage *u)
{
	assert_ptr_equal(b, EBPF);
	assert_int_equal(mark, MARK);
	u->out.packets = world.led.out.packets;
	u->out.bytes = world.led.out.bytes;
	u->in.packets = world.led.in.packets;
	u->in.bytes = world.led.in.bytes;
}

void
__wrap_beside_ports(struct beside *b, void (*used)(void *, uint16_t),
    void *arg)
{
	assert_ptr_equal(b, EBPF);
	used(arg, 20001);
}

/* --- the shell, and a plane for what is left to it ------------------------ */

static bool
shell_carries(void *arg)
{
	assert_ptr_equal(arg, &world);
	return !world.carries_not;
}

static void
shell_opens(void *arg, uint32_t spi, bool on)
{
	assert_ptr_equal(arg, &world);
	say("%s 0x%x;", on ? "opens" : "opens no more", spi);
}

static void
shell_arrives(void *arg, const struct packet_view *v)
{
	assert_ptr_equal(arg, &world);
	assert_ptr_equal(v, &packet);
	say("arrives;");
}

static void
shell_opened(void *arg, uint32_t spi, const struct packet_view *v)
{
	assert_ptr_equal(arg, &world);
	assert_ptr_equal(v, &packet);
	say("opened 0x%x;", spi);
}

static void
shell_used(void *arg, uint16_t port)
{
	assert_ptr_equal(arg, &world);
	say("port %u;", port);
}

/* The keys come whole. */
static int
rest_up(struct esp_plane *plane, struct esp_pair *p)
{
	assert_ptr_equal(plane, &world.rest);
	assert_memory_equal(&p->in, &world.in, sizeof(p->in));
	assert_memory_equal(&p->out, &world.out, sizeof(p->out));
	say("rest;");
	return 0;
}

static void
rest_down(struct esp_plane *plane, struct esp_pair *p)
{
	(void)plane;
	(void)p;
	say("rest down;");
}

static const struct esp_plane_ops rest_ops = { .name = "rest",
	.pair_up = rest_up, .pair_down = rest_down };

static const char *
world_open(void)
{
	const struct xfrm_led_config config = { .device = "oe0-esp",
		.link = world.anywhere ? NULL : "rsip0", .tun = "oe0",
		.mark = ESP_MARK,
		.carries = world.anywhere ? NULL : shell_carries,
		.opens = shell_opens,
		.arrives = world.anywhere ? NULL : shell_arrives,
		.opened = shell_opened, .arg = &world };
	const char *lacks = "nothing was said";

	world.l = xfrm_led_open(&config, &lacks);
	return lacks;
}

static void
world_begin(void)
{
	struct prefix *ours = &world.policy.ours;

	memset(&kernel, 0, sizeof(kernel));
	memset(&world, 0, sizeof(world));
	ncome = 0;
	gone = false;
	world.left = 2;
	world.policy.leads = true;
	world.in.spi = SPI_IN;
	world.in.cipher = ESP_AES_GCM_16;
	world.in.cipher_len = 20;
	memset(world.in.cipher_key, 0xc1, 20);
	world.in.src = address(PEER);
	world.in.dst = address(US);
	world.out = world.in;
	world.out.spi = SPI_OUT;
	memset(world.out.cipher_key, 0xc2, 20);
	world.out.src = world.in.dst;
	world.out.dst = world.in.src;
	*ours = prefix_host(&world.in.dst);
	world.policy.theirs = prefix_host(&world.in.src);
	assert_null(world_open());
	assert_non_null(world.l);
	said("add oe0-esp at rsip0 0x4f450005;ebpf 5 7 6;up oe0-esp;"
	    "port oe0-esp;");
	assert_int_equal(kernel.nsent, 0);
	world.rest.ops = &rest_ops;
	world.planes[0] = xfrm_led_plane(world.l);
	world.planes[1] = &world.rest;
}

static struct esp_pair *
world_pair(void)
{
	return esp_pair_up(world.planes, &world.policy, &world.in, &world.out);
}

/* A pair that the kernel has, both halves of it where confirmed. */
static struct esp_pair *
world_pair_here(bool confirmed)
{
	struct esp_pair *p;

	world_begin();
	p = world_pair();
	assert_non_null(p);
	assert_string_equal(esp_pair_plane(p), "kernel");
	said("opens 0x11223344;");
	if (confirmed)
		assert_int_equal(esp_pair_confirm(p), 0);
	said("");
	return p;
}

static void
world_end(struct esp_pair *p)
{
	esp_pair_down(p);
	esp_plane_free(world.planes[0]);
}

/* --- life ----------------------------------------------------------------- */

/* What comes in is looked at before the device is up, and the device goes last:
 * nothing that comes by it passes to the host. */
static void
begins_and_ends(void **state)
{
	(void)state;
	world_begin();
	assert_int_equal(xfrm_led_fd(world.l), 99);
	world_end(NULL);
	said("ebpf closed;port closed;del oe0-esp;");
	assert_int_equal(kernel.nsent, 0);
	xfrm_led_close(NULL);
	said("");
}

/* Nothing stays that was made, and no device goes that was not. */
static void
lacks_something(void **state)
{
	(void)state;
	world_begin();
	world_end(NULL);
	said("ebpf closed;port closed;del oe0-esp;");
	kernel.no_socket = true;
	assert_string_equal(world_open(), "XFRM");
	assert_null(world.l);
	said("");
	kernel.no_socket = false;
	world.no_device = true;
	assert_string_equal(world_open(), "xfrm interfaces");
	assert_null(world.l);
	said("add oe0-esp at rsip0 0x4f450005;");
	world.name_taken = true;
	assert_string_equal(world_open(), "free name for a device");
	said("add oe0-esp at rsip0 0x4f450005;");
	world.name_taken = world.no_device = false;
	world.no_ebpf = true;
	assert_string_equal(world_open(), "eBPF");
	assert_null(world.l);
	said("add oe0-esp at rsip0 0x4f450005;ebpf 5 7 6;del oe0-esp;");
	world.no_ebpf = false;
	world.no_link = true;
	assert_string_equal(world_open(), "packet sockets that tell marks");
	assert_null(world.l);
	said("add oe0-esp at rsip0 0x4f450005;ebpf 5 7 6;up oe0-esp;"
	    "ebpf closed;del oe0-esp;");
	world.no_link = false;
	world.no_port = true;
	assert_string_equal(world_open(), "packet sockets that tell marks");
	assert_null(world.l);
	said("add oe0-esp at rsip0 0x4f450005;ebpf 5 7 6;up oe0-esp;"
	    "port oe0-esp;ebpf closed;del oe0-esp;");
}

/* ESP by whichever interface: then nothing is joined, before the device is up,
 * and what comes by us is a copy. */
static void
by_any_link(void **state)
{
	uint8_t		   out[64];
	struct packet_view inner;
	struct esp_pair   *p;
	bool		   newest;

	(void)state;
	world_begin();
	world_end(NULL);
	said("ebpf closed;port closed;del oe0-esp;");
	world.anywhere = true;
	assert_null(world_open());
	said("add oe0-esp at any 0x4f450005;apart oe0-esp;ebpf 5 7 0;"
	    "up oe0-esp;port oe0-esp;");
	world.planes[0] = xfrm_led_plane(world.l);
	p = world_pair();
	said("opens 0x11223344;");
	assert_int_equal(esp_pair_open(p, &packet, out, sizeof(out), &inner,
	    &newest), ESP_E_PLANE);
	said("");
	world_end(p);
	world.said[0] = '\0';
	world.joins = true;
	assert_string_equal(world_open(), "way to keep packets apart");
	assert_null(world.l);
	said("add oe0-esp at any 0x4f450005;apart oe0-esp;del oe0-esp;");
}

/* --- messages ------------------------------------------------------------- */

static void
number_expect(unsigned i, size_t body, uint16_t type, uint32_t want)
{
	const uint8_t *got;
	uint32_t       n;
	size_t	       len = 0;

	got = attribute_of(i, body, type, &len);
	assert_non_null(got);
	assert_int_equal(len, sizeof(n));
	memcpy(&n, got, sizeof(n));
	assert_int_equal(n, want);
}

static void
sa_expect(unsigned i, const char *src, const char *dst, uint32_t spi,
    uint32_t mark, uint8_t key)
{
	struct xfrm_usersa_info want = { .sel.family = AF_INET,
		.id.proto = IPPROTO_ESP, .family = AF_INET, .reqid = REQID,
		.mode = XFRM_MODE_TUNNEL };
	const size_t   body = sizeof(want);
	const uint8_t *got;
	uint8_t	       keys[20];
	size_t	       len;

	want.id.daddr = bytes_of(dst);
	want.id.spi = htonl(spi);
	want.saddr = bytes_of(src);
	want.lft.hard_byte_limit = want.lft.hard_packet_limit = XFRM_INF;
	want.lft.soft_byte_limit = want.lft.soft_packet_limit = XFRM_INF;
	got = payload_of(i, XFRM_MSG_NEWSA, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_EXCL);
	assert_memory_equal(got, &want, body);
	number_expect(i, body, XFRMA_SET_MARK, mark);
	number_expect(i, body, XFRMA_IF_ID, IF_ID);
	assert_null(attribute_of(i, body, XFRMA_ENCAP, &len));
	assert_null(attribute_of(i, body, XFRMA_MARK, &len));
	got = attribute_of(i, body, XFRMA_ALG_AEAD, &len);
	assert_non_null(got);
	assert_int_equal(len, sizeof(struct xfrm_algo_aead) + sizeof(keys));
	memset(keys, key, sizeof(keys));
	assert_memory_equal(got + sizeof(struct xfrm_algo_aead), keys,
	    sizeof(keys));
}

static struct xfrm_selector
hosts(void)
{
	return (struct xfrm_selector){ .family = AF_INET,
		.saddr = bytes_of(US), .daddr = bytes_of(PEER),
		.prefixlen_s = 32, .prefixlen_d = 32 };
}

/* And a mark that only what goes on this pair has. */
static void
rule_named(unsigned i, size_t body)
{
	const struct xfrm_mark want = { MARK, UINT32_MAX };
	const uint8_t	      *got;
	size_t		       len;

	got = attribute_of(i, body, XFRMA_MARK, &len);
	assert_non_null(got);
	assert_int_equal(len, sizeof(want));
	assert_memory_equal(got, &want, sizeof(want));
	number_expect(i, body, XFRMA_IF_ID, IF_ID);
}

static void
policy_expect(unsigned i)
{
	struct xfrm_userpolicy_info want = { .sel = hosts(),
		.priority = 2000, .dir = XFRM_POLICY_OUT,
		.action = XFRM_POLICY_ALLOW };
	struct xfrm_user_tmpl tmpl = { .id.proto = IPPROTO_ESP,
		.family = AF_INET, .reqid = REQID, .mode = XFRM_MODE_TUNNEL,
		.aalgos = ~0u, .ealgos = ~0u, .calgos = ~0u };
	const uint8_t *got;
	size_t	       len;

	want.lft.hard_byte_limit = want.lft.hard_packet_limit = XFRM_INF;
	want.lft.soft_byte_limit = want.lft.soft_packet_limit = XFRM_INF;
	tmpl.saddr = bytes_of(US);
	tmpl.id.daddr = bytes_of(PEER);
	got = payload_of(i, XFRM_MSG_UPDPOLICY, NLM_F_ACK | NLM_F_CREATE |
	    NLM_F_REPLACE);
	assert_memory_equal(got, &want, sizeof(want));
	got = attribute_of(i, sizeof(want), XFRMA_TMPL, &len);
	assert_non_null(got);
	assert_int_equal(len, sizeof(tmpl));
	assert_memory_equal(got, &tmpl, sizeof(tmpl));
	rule_named(i, sizeof(want));
}

static void
policy_gone(unsigned i)
{
	const struct xfrm_userpolicy_id want = { .sel = hosts(),
		.dir = XFRM_POLICY_OUT };

	assert_memory_equal(payload_of(i, XFRM_MSG_DELPOLICY, NLM_F_ACK),
	    &want, sizeof(want));
	rule_named(i, sizeof(want));
}

static void
sa_gone(unsigned i, const char *dst, uint32_t spi)
{
	struct xfrm_usersa_id want = { .family = AF_INET,
		.proto = IPPROTO_ESP, .spi = htonl(spi) };

	want.daddr = bytes_of(dst);
	assert_memory_equal(payload_of(i, XFRM_MSG_DELSA, NLM_F_ACK), &want,
	    sizeof(want));
}

/* The inbound half at once, and ESP comes to it only then; what is sent has its
 * SA before the policy that asks for it. */
static void
comes_up(void **state)
{
	struct esp_pair *p;

	(void)state;
	p = world_pair_here(false);
	assert_int_equal(kernel.nsent, 1);
	sa_expect(0, PEER, US, SPI_IN, MARK, 0xc1);
	assert_int_equal(esp_pair_confirm(p), 0);
	assert_int_equal(kernel.nsent, 3);
	sa_expect(1, US, PEER, SPI_OUT, ESP_MARK, 0xc2);
	policy_expect(2);
	world_end(p);
}

/* ESP comes to us again before the kernel loses the key, and nothing finds a
 * policy without an SA. */
static void
goes_down(void **state)
{
	struct esp_pair *p;

	(void)state;
	p = world_pair_here(true);
	kernel.nsent = 0;
	esp_pair_down(p);
	said("free 0x4f450007;opens no more 0x11223344;");
	assert_int_equal(kernel.nsent, 3);
	sa_gone(0, US, SPI_IN);
	policy_gone(1);
	sa_gone(2, PEER, SPI_OUT);
	world_end(NULL);
}

/* A peer may give an SPI that it has given before, or somebody else have an SA
 * of that SPI there: what we have not made is not removed. */
static void
goes_down_unconfirmed(void **state)
{
	struct esp_pair *p;

	(void)state;
	p = world_pair_here(false);
	kernel.nsent = 0;
	esp_pair_down(p);
	said("free 0x4f450007;opens no more 0x11223344;");
	assert_int_equal(kernel.nsent, 1);
	sa_gone(0, US, SPI_IN);
	world_end(NULL);
}

/* --- what is left to the next plane --------------------------------------- */

static void
left_to_the_rest(void)
{
	struct esp_pair *p = world_pair();
	const unsigned	 numbers = world.left;

	assert_non_null(p);
	assert_string_equal(esp_pair_plane(p), "rest");
	esp_pair_down(p);
	assert_int_equal(numbers, world.left);
}

static void
not_for_the_kernel(void **state)
{
	struct esp_pair *p;

	(void)state;
	world_begin();
	p = esp_pair_up(world.planes, NULL, &world.in, &world.out);
	assert_string_equal(esp_pair_plane(p), "rest");
	esp_pair_down(p);
	world.policy.leads = false;
	left_to_the_rest();
	world.policy.leads = true;
	world.carries_not = true;
	left_to_the_rest();
	world.carries_not = false;
	world.in.transport = true;
	left_to_the_rest();
	world.in.transport = false;
	world.out.transport = true;
	left_to_the_rest();
	world.out.transport = false;
	world.in.encap_sport = 4500;
	left_to_the_rest();
	world.in.encap_sport = 0;
	world.out.encap_sport = 4500;
	left_to_the_rest();
	world.out.encap_sport = 0;
	world.in.dst = world.out.src = address("2001:db8::1");
	world.in.src = world.out.dst = address("2001:db8::2");
	left_to_the_rest();
	/* IPv6 within IPv4 */
	world.in.dst = world.out.src = address(US);
	world.in.src = world.out.dst = address(PEER);
	world.policy.ours.addr = address("2001:db8::1");
	left_to_the_rest();
	world.policy.ours.addr = address(US);
	world.left = 0;
	left_to_the_rest();
	said("rest;rest down;rest;rest down;rest;rest down;rest;rest down;"
	    "rest;rest down;rest;rest down;rest;rest down;rest;rest down;"
	    "rest;rest down;rest;rest down;");
	assert_int_equal(kernel.nsent, 0);
	world_end(NULL);
}

/* As it has no such cipher, or an SA with that SPI: then that is not ours. */
static void
kernel_takes_no_sa(void **state)
{
	(void)state;
	world_begin();
	kernel.refuse = XFRM_MSG_NEWSA;
	kernel.refuse_errno = EEXIST;
	left_to_the_rest();
	said("free 0x4f450007;rest;rest down;");
	assert_int_equal(kernel.nsent, 1);
	assert_int_equal(world.left, 2);
	world_end(NULL);
}

/* The pair goes on in the next plane, with its keys; the kernel has none. */
static void
moves_on(struct esp_pair *p)
{
	assert_int_equal(esp_pair_confirm(p), 0);
	assert_string_equal(esp_pair_plane(p), "rest");
	said("free 0x4f450007;opens no more 0x11223344;rest;");
	assert_int_equal(world.left, 2);
}

static void
kernel_takes_no_outbound_sa(void **state)
{
	struct esp_pair *p;

	(void)state;
	p = world_pair_here(false);
	kernel.refuse = XFRM_MSG_NEWSA;
	kernel.nsent = 0;
	moves_on(p);
	assert_int_equal(kernel.nsent, 2);
	sa_expect(0, US, PEER, SPI_OUT, ESP_MARK, 0xc2);
	sa_gone(1, US, SPI_IN);
	world_end(p);
}

static void
kernel_takes_no_policy(void **state)
{
	struct esp_pair *p;

	(void)state;
	p = world_pair_here(false);
	kernel.refuse = XFRM_MSG_UPDPOLICY;
	kernel.nsent = 0;
	moves_on(p);
	assert_int_equal(kernel.nsent, 5);
	sa_expect(0, US, PEER, SPI_OUT, ESP_MARK, 0xc2);
	policy_expect(1);
	sa_gone(2, US, SPI_IN);
	policy_gone(3);
	sa_gone(4, PEER, SPI_OUT);
	/* What came for it meanwhile is nobody's. */
	come[ncome++] = MARK;
	assert_true(xfrm_led_receive(world.l));
	said("");
	world_end(p);
}

static void
no_plane_is_left(void **state)
{
	struct esp_pair *p;

	(void)state;
	p = world_pair_here(false);
	world.planes[1] = NULL;
	kernel.refuse = XFRM_MSG_UPDPOLICY;
	assert_int_equal(esp_pair_confirm(p), -1);
	said("free 0x4f450007;opens no more 0x11223344;");
	assert_int_equal(esp_pair_send(p, &packet), ESP_E_PLANE);
	assert_false(esp_pair_lead(p, NULL));
	world_end(p);
}

/* --- packets -------------------------------------------------------------- */

static void
sends(void **state)
{
	struct esp_pair *p;

	(void)state;
	p = world_pair_here(true);
	assert_int_equal(esp_pair_send(p, &packet), ESP_OK);
	said("sent 0x4f450007;");
	world.no_way = true;
	assert_int_equal(esp_pair_send(p, &packet), ESP_E_PLANE);
	said("sent 0x4f450007;");
	world_end(p);
}

/* What no policy could take is not called sent. */
static void
sends_nothing_unconfirmed(void **state)
{
	struct esp_pair *p;

	(void)state;
	p = world_pair_here(false);
	assert_int_equal(esp_pair_send(p, &packet), ESP_E_PLANE);
	said("");
	world_end(p);
}

static void
hands_esp_on(void **state)
{
	struct packet_view inner = { 0 };
	struct esp_pair	  *p;
	uint8_t		   out[16];
	bool		   newest = true;

	(void)state;
	p = world_pair_here(false);
	assert_int_equal(esp_pair_open(p, &packet, out, sizeof(out), &inner,
	    &newest), ESP_E_PLANE);
	said("arrives;");
	assert_false(newest);
	assert_null(inner.data);
	world_end(p);
}

/* Whose it is tells the mark; without one of ours, of no pair, or of one that
 * is gone it is nobody's. */
static void
takes_what_was_opened(void **state)
{
	struct esp_pair *p, *other;

	(void)state;
	p = world_pair_here(true);
	world.in.spi = 0x99;
	other = world_pair();
	said("opens 0x99;");
	come[ncome++] = MARK;
	come[ncome++] = MARK + 1;
	come[ncome++] = 0;
	come[ncome++] = BESIDE_MARK;
	come[ncome++] = MARK + 2;
	come[ncome++] = NUMBER;
	come[ncome++] = MARK | BESIDE_SLOTS;
	come[ncome++] = UINT32_MAX;
	assert_true(xfrm_led_receive(world.l));
	said("opened 0x11223344;opened 0x99;");
	esp_pair_down(p);
	said("free 0x4f450007;opens no more 0x11223344;");
	gone = true;
	assert_false(xfrm_led_receive(world.l));
	said("opened 0x99;");
	world_end(other);
}

static void
says_how_long_packets_get(void **state)
{
	struct esp_pair *p;
	struct esp_sa	*sa;

	(void)state;
	p = world_pair_here(false);
	sa = esp_sa_new(&world.out, true);
	assert_non_null(sa);
	assert_int_equal(esp_pair_mtu(p, 1500), esp_inner_mtu(sa, 1500));
	assert_int_equal(esp_pair_mtu(p, 1280), esp_inner_mtu(sa, 1280));
	assert_in_range(esp_pair_mtu(p, 1500), 1400, 1499);
	esp_sa_free(sa);
	world_end(p);
}

/* --- leads and counts ----------------------------------------------------- */

static void
leads(void **state)
{
	struct esp_lead lead = { .mtu = 1400, .nparts = 2 };
	struct esp_pair *p;

	(void)state;
	p = world_pair_here(true);
	assert_true(esp_pair_lead(p, &lead));
	said("lead 0x4f450007 1400 2;");
	assert_false(esp_pair_lead(p, NULL));
	said("end 0x4f450007;");
	world.leads_not = true;
	assert_false(esp_pair_lead(p, &lead));
	said("lead 0x4f450007 1400 2;");
	xfrm_led_ports(world.l, shell_used, &world);
	said("port 20001;");
	world_end(p);
}

static void
kernel_counts(uint32_t packets, uint32_t replays, uint32_t forged)
{
	struct xfrm_usersa_info sa = { .curlft.packets = packets,
		.curlft.bytes = packets * 100, .stats.replay = replays,
		.stats.integrity_failed = forged };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(kernel.answer[0]);

	nlh->nlmsg_type = XFRM_MSG_NEWSA;
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(sa)), &sa, sizeof(sa));
	kernel.answer_len[0] = nlh->nlmsg_len;
}

/* How old keys are tells the kernel, which sees all that goes on them; before
 * there is the outbound half, of the inbound one. */
static void
usage_is_the_kernels(void **state)
{
	struct esp_usage u;
	struct esp_pair *p;

	(void)state;
	p = world_pair_here(false);
	kernel_counts(5, 0, 0);
	kernel.nsent = 0;
	esp_pair_usage(p, &u);
	assert_int_equal(kernel.nsent, 1);
	assert_int_equal(u.in.packets, 5);
	assert_int_equal(u.out.packets, 0);
	assert_int_equal(esp_pair_confirm(p), 0);
	kernel.nsent = 0;
	esp_pair_usage(p, &u);
	assert_int_equal(kernel.nsent, 2);
	assert_int_equal(u.in.packets, 5);
	assert_int_equal(u.out.bytes, 500);
	world_end(p);
}

/* Of what was led eBPF tells; of what was replayed or forged the kernel, led or
 * not, as it comes to us by neither way. */
static void
passed_is_what_was_led(void **state)
{
	struct esp_usage u;
	struct esp_pair *p;

	(void)state;
	p = world_pair_here(true);
	kernel_counts(90, 2, 3);
	world.led.out = (struct esp_counters){ .packets = 10, .bytes = 1000 };
	world.led.in = (struct esp_counters){ .packets = 20, .bytes = 3000 };
	esp_pair_passed(p, &u);
	assert_int_equal(u.out.packets, 10);
	assert_int_equal(u.out.bytes, 1000);
	assert_int_equal(u.in.packets, 20);
	assert_int_equal(u.in.bytes, 3000);
	assert_int_equal(u.bad, 5);
	assert_int_equal(u.filtered, 0);
	kernel_counts(91, 2, 4);
	world.led.in.packets++;
	esp_pair_passed(p, &u);
	assert_int_equal(u.out.packets, 0);
	assert_int_equal(u.in.packets, 1);
	assert_int_equal(u.bad, 1);
	/* What is asked for between changes nothing. */
	esp_pair_usage(p, &u);
	assert_int_equal(u.in.packets, 91);
	world.led.in.packets++;
	esp_pair_passed(p, &u);
	assert_int_equal(u.in.packets, 1);
	assert_int_equal(u.bad, 0);
	/* Somebody has flushed the SAs: nothing new, and nothing less. */
	kernel.answer_len[0] = 0;
	esp_pair_passed(p, &u);
	assert_int_equal(u.in.packets, 0);
	assert_int_equal(u.bad, 0);
	world_end(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_and_ends),
		cmocka_unit_test(lacks_something),
		cmocka_unit_test(by_any_link),
		cmocka_unit_test(comes_up),
		cmocka_unit_test(goes_down),
		cmocka_unit_test(goes_down_unconfirmed),
		cmocka_unit_test(not_for_the_kernel),
		cmocka_unit_test(kernel_takes_no_sa),
		cmocka_unit_test(kernel_takes_no_outbound_sa),
		cmocka_unit_test(kernel_takes_no_policy),
		cmocka_unit_test(no_plane_is_left),
		cmocka_unit_test(sends),
		cmocka_unit_test(sends_nothing_unconfirmed),
		cmocka_unit_test(hands_esp_on),
		cmocka_unit_test(takes_what_was_opened),
		cmocka_unit_test(says_how_long_packets_get),
		cmocka_unit_test(leads),
		cmocka_unit_test(usage_is_the_kernels),
		cmocka_unit_test(passed_is_what_was_led),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
