/* beside.c - packets that eBPF leads between a TUN and the kernel's ESP: loads the programs, keeps their maps */
#include "config.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "net/ebpf.h"
#include "net/tc.h"
#include "oe/esp/beside.h"
#include "oe/esp/beside_map.h"
#include "oe/esp/beside_object.h"
#include "oe/esp/dataplane.h"

_Static_assert(BESIDE_SLOTS == EBPF_SLOTS, "each has a number");
_Static_assert(BESIDE_PARTS == ESP_PARTS_MAX, "each has room");

/* Before what carries the rest at the TUN (rsipc/pass.c): lower is earlier. */
#define BESIDE_PRIORITY	0x5250u
#define MAPPED		0xffff	/* RFC 4291 §2.5.5.2 */

enum { OUT, IN, HASH, PLACES };

struct beside {
	struct bpf_object *object;
	struct tc_place	   place[PLACES];
	int		   leads;	/* descriptor */
	struct beside_slot  *slots;	/* shared with the kernel, as ... */
	struct beside_state *state;	/* ... this */
	struct ebpf_array  slots_map, state_map;
	struct ebpf_slots  numbers;
};

/* --- pairs ---------------------------------------------------------------- */

uint32_t
beside_pair_add(struct beside *b, uint32_t spi_in)
{
	uint16_t	    number = ebpf_slots_next(&b->numbers);
	struct beside_slot *s = &b->slots[number];

	if (number == 0)
		return 0;
	ebpf_slots_take(&b->numbers);
	memset(s, 0, sizeof(*s));
	s->spi = spi_in;
	return BESIDE_MARK | number;
}

void
beside_pair_del(struct beside *b, uint32_t mark)
{
	uint16_t	    number = mark & BESIDE_MASK;
	struct beside_slot *s = &b->slots[number];

	beside_lead_end(b, mark);
	s->spi = 0;
	ebpf_slots_give(&b->numbers, number);
}

/* --- what they lead ------------------------------------------------------- */

static struct beside_hosts
hosts_of(const struct addr *src, const struct addr *dst)
{
	const uint32_t mapped = htonl(MAPPED);

	return (struct beside_hosts){ .src = { 0, 0, mapped, addr_v4(src) },
		.dst = { 0, 0, mapped, addr_v4(dst) } };
}

static void
parts_write(struct beside_part *to, const struct esp_lead *lead)
{
	const struct esp_part any[2] = { { IPPROTO_TCP, 0, UINT16_MAX },
		{ IPPROTO_UDP, 0, UINT16_MAX } }, *p = lead->part;
	unsigned i, n = lead->nparts;

	if (n == 0) {
		p = any;
		n = 2;
	}
	memset(to, 0, BESIDE_PARTS * sizeof(*to));
	for (i = 0; i < n && i < BESIDE_PARTS; i++, p++) {
		if (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP)
			*to++ = (struct beside_part){ .lo = p->lo,
				.hi = p->hi, .protocol = p->protocol };
	}
}

void
beside_lead_end(struct beside *b, uint32_t mark)
{
	struct beside_slot *s = &b->slots[mark & BESIDE_MASK];
	uint64_t	    handle = s->handle, stands;

	if (handle == 0)
		return;
	__atomic_store_n(&s->handle, 0, __ATOMIC_SEQ_CST);
	/* What follows only makes room; another pair may lead them by now. */
	if (bpf_map_lookup_elem(b->leads, &s->hosts, &stands) == 0 &&
	    stands == handle)
		(void)bpf_map_delete_elem(b->leads, &s->hosts);
}

int
beside_lead(struct beside *b, uint32_t mark, const struct esp_lead *lead)
{
	uint16_t	    number = mark & BESIDE_MASK;
	struct beside_slot *s = &b->slots[number];
	uint64_t	    handle;

	beside_lead_end(b, mark);
	if (lead->src.family != AF_INET || lead->dst.family != AF_INET)
		return -1;
	handle = ebpf_slots_handle(&b->numbers, number);
	s->hosts = hosts_of(&lead->src, &lead->dst);
	s->mtu = lead->mtu < UINT16_MAX ? (uint32_t)lead->mtu : UINT16_MAX;
	parts_write(s->part, lead);
	/* What went by the daemon meanwhile did not pass there. */
	memset(s->flow, 0, sizeof(s->flow));
	if (bpf_map_update_elem(b->leads, &s->hosts, &handle, BPF_ANY) != 0) {
		log_debug("eBPF: %s: %s", ADDR_TEXT(&lead->dst),
		    strerror(errno));
		return -1;
	}
	__atomic_store_n(&s->handle, handle, __ATOMIC_SEQ_CST);
	return 0;
}

/* --- what was led --------------------------------------------------------- */

void
beside_led(const struct beside *b, uint32_t mark, struct esp_usage *u)
{
	const struct beside_slot *s = &b->slots[mark & BESIDE_MASK];

	u->out.packets = ebpf_counter(&s->packets_out);
	u->out.bytes = ebpf_counter(&s->bytes_out);
	u->in.packets = ebpf_counter(&s->packets_in);
	u->in.bytes = ebpf_counter(&s->bytes_in);
}

void
beside_ports(struct beside *b, void (*used)(void *, uint16_t), void *arg)
{
	ebpf_ports_used(b->state->used, used, arg);
}

/* --- life ----------------------------------------------------------------- */

static int
beside_load(struct beside *b, const struct beside_devices *d)
{
	int rc = ebpf_load(beside_object, sizeof(beside_object), &b->object);

	if (rc != 0)
		return rc;
	b->leads = bpf_object__find_map_fd_by_name(b->object, "leads");
	if (b->leads < 0)
		return -ENOENT;
	if ((rc = ebpf_array_map(b->object, "pairs", &b->slots_map)) != 0 ||
	    (rc = ebpf_array_map(b->object, "devices", &b->state_map)) != 0)
		return rc;
	b->slots = b->slots_map.memory;
	b->state = b->state_map.memory;
	b->state->tun = d->tun;
	b->state->esp = d->esp;
	return 0;
}

/* What comes in is looked at before anything can be led out. */
static int
beside_attach(struct beside *b, const struct beside_devices *d)
{
	static const char *const name[PLACES] = { [OUT] = "beside_out",
		[IN] = "beside_in", [HASH] = "beside_hash" };
	const unsigned at[PLACES] = { [OUT] = d->tun, [IN] = d->esp,
		[HASH] = d->from };
	int i, rc = 0;

	for (i = PLACES - 1; i >= 0 && rc == 0; i--) {
		if (at[i] == 0)
			continue;
		b->place[i] = (struct tc_place){ .ifindex = at[i],
			.egress = i == OUT, .priority = BESIDE_PRIORITY };
		rc = ebpf_attach(b->object, name[i], &b->place[i]);
	}
	return rc;
}

struct beside *
beside_open(const struct beside_devices *d)
{
	struct beside *b = xcalloc(1, sizeof(*b));
	int	       rc;

	ebpf_slots_init(&b->numbers);
	if ((rc = beside_load(b, d)) == 0 && (rc = beside_attach(b, d)) == 0)
		return b;
	log_info("eBPF at the kernel's ESP: cannot %s: %s",
	    b->state == NULL ? "load" : "attach", strerror(-rc));
	beside_close(b);
	return NULL;
}

/* What stands at the esp device stays there: it keeps what comes from the
 * host's stack. */
void
beside_close(struct beside *b)
{
	uint32_t i;

	if (b == NULL)
		return;
	for (i = 1; b->slots != NULL && i < BESIDE_SLOTS; i++)
		beside_lead_end(b, i);
	tc_del(&b->place[OUT]);
	tc_del(&b->place[HASH]);
	ebpf_array_unmap(&b->slots_map);
	ebpf_array_unmap(&b->state_map);
	bpf_object__close(b->object);
	free(b);
}
