/* pass.c - what policy passes, carried by the kernel: loads the eBPF programs, keeps their maps */
#include "config.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <event2/event.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "net/ebpf.h"
#include "net/tc.h"
#include "rsipc/pass.h"
#include "rsipc/pass_map.h"
#include "rsipc/pass_object.h"

_Static_assert((int)PASS_OF_TCP == (int)PASS_TCP &&
    (int)PASS_OF_UDP == (int)PASS_UDP, "the daemon's words are the map's");

#define SECOND_NS	1000000000ull
#define VOUCH_NS	(3 * SECOND_NS)	/* a dead daemon's maps die with it */
#define QUIET		5	/* looks at counters that did not move, before
				 * there are no more */
#define PASS_PRIORITY	0x5255u

struct pass {
	struct bpf_object *object;
	struct tc_place	   out, in, esp;
	struct event	  *tick;
	const struct pass_ops *ops;
	void		  *arg;
	int		   pairs, spis;	/* descriptors */
	struct pass_state *state;	/* shared with the kernel, as ... */
	struct pass_slot  *slots;	/* ... these */
	struct ebpf_array  state_map, slots_map;
	struct pair {			/* of a slot that is in use */
		UT_hash_handle	 hh;
		struct pass_key	 key;
		struct addr	 src, dst;
		struct oe_passed told;
	} pair[PASS_SLOTS], *by_key;
	struct ebpf_slots numbers;
	unsigned nspis;
	struct oe_passed esp_told;
	unsigned quiet;
	bool	 asleep;
	struct oe_passed gone;		/* of slots that ended */
};

/* --- vouching ------------------------------------------------------------- */

/* bpf_ktime_get_boot_ns()'s clock. */
static uint64_t
boot_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

static void
vouch_until(struct pass *p, uint64_t end)
{
	__atomic_store_n(&p->state->alive, end, __ATOMIC_SEQ_CST);
}

static void
way_write(struct pass_state *s, const struct pass_way *w)
{
	s->addr = addr_v4(&w->addr);
	s->local = addr_v4(&w->local);
	s->remote = addr_v4(&w->remote);
	s->link = w->link;
	s->clear = w->clear;
	s->mtu = w->mtu;
	s->mark = w->mark;
	s->esp_mark = w->esp_mark;
}

static bool
way_is(const struct pass_state *s, const struct pass_way *w)
{
	return s->addr == addr_v4(&w->addr) && s->local == addr_v4(&w->local) &&
	    s->remote == addr_v4(&w->remote) && s->link == w->link &&
	    s->clear == w->clear && s->mtu == w->mtu && s->mark == w->mark &&
	    s->esp_mark == w->esp_mark;
}

/* At the link, wherever it is now.  Where it cannot be what comes is user
 * space's, as before. */
static void
follow_link(struct pass *p, unsigned link)
{
	int rc;

	if (p->in.ifindex == link)
		return;
	tc_del(&p->in);
	p->in = (struct tc_place){ .ifindex = link, .priority = PASS_PRIORITY };
	if ((rc = ebpf_attach(p->object, "pass_in", &p->in)) != 0)
		log_info("eBPF offload: inbound: %s", strerror(-rc));
}

static void
vouch(struct pass *p)
{
	struct pass_way w = { 0 };

	if (!p->ops->way(p->arg, &w)) {
		vouch_until(p, 0);
		return;
	}
	if (!way_is(p->state, &w)) {
		/* Packets come to the daemon meanwhile. */
		vouch_until(p, 0);
		way_write(p->state, &w);
	}
	follow_link(p, w.link);
	vouch_until(p, boot_now() + VOUCH_NS);
}

/* --- what went by --------------------------------------------------------- */

static struct oe_passed
counters_read(const struct pass_counters *n)
{
	return (struct oe_passed){
		.packets_out = ebpf_counter(&n->packets_out),
		.bytes_out = ebpf_counter(&n->bytes_out),
		.packets_in = ebpf_counter(&n->packets_in),
		.bytes_in = ebpf_counter(&n->bytes_in) };
}

static void
passed_add(struct oe_passed *sum, const struct oe_passed *n)
{
	sum->packets_out += n->packets_out;
	sum->bytes_out += n->bytes_out;
	sum->packets_in += n->packets_in;
	sum->bytes_in += n->bytes_in;
}

/* What went by since told; told is as of now. */
static struct oe_passed
counters_since(const struct pass_counters *n, struct oe_passed *told)
{
	struct oe_passed all = counters_read(n), since;

	since = (struct oe_passed){ all.packets_out - told->packets_out,
		all.bytes_out - told->bytes_out,
		all.packets_in - told->packets_in,
		all.bytes_in - told->bytes_in };
	*told = all;
	return since;
}

static void
pass_tell(struct pass *p, unsigned i, struct oe_passed *sum)
{
	struct pair	*pair = &p->pair[i];
	struct oe_passed n = counters_since(&p->slots[i].n, &pair->told);

	if (n.packets_out == 0 && n.packets_in == 0)
		return;
	passed_add(sum, &n);
	p->ops->passed(p->arg, &pair->src, &pair->dst, &n);
}

static void
pass_tick(void *arg)
{
	struct pass	*p = arg;
	struct oe_passed sum = { 0 }, esp;
	unsigned	 i;

	for (i = 1; i < PASS_SLOTS; i++) {
		if (p->slots[i].handle != 0)
			pass_tell(p, i, &sum);
	}
	if (sum.packets_out != 0)
		ebpf_ports_used(p->state->used, p->ops->used, p->arg);
	esp = counters_since(&p->state->esp, &p->esp_told);
	passed_add(&sum, &esp);
	p->quiet = sum.packets_out + sum.packets_in != 0 ? 0 : p->quiet + 1;
	if (p->quiet == 0)
		p->ops->moved(p->arg, &sum);
	if (p->quiet > QUIET) {
		vouch_until(p, 0);
		p->asleep = true;
		return;
	}
	vouch(p);
	watch_after(p->tick, 1000);
}

void
pass_wake(struct pass *p)
{
	if (p == NULL || !p->asleep || (p->by_key == NULL && p->nspis == 0))
		return;
	p->asleep = false;
	p->quiet = 0;
	event_active(p->tick, EV_TIMEOUT, 0);
}

void
pass_look_again(struct pass *p)
{
	if (p == NULL)
		return;
	vouch_until(p, 0);
	if (!p->asleep)
		event_active(p->tick, EV_TIMEOUT, 0);
}

void
pass_count(struct pass *p, struct oe_passed *out)
{
	struct oe_passed n;
	unsigned	 i;

	*out = (struct oe_passed){ 0 };
	if (p == NULL)
		return;
	*out = p->gone;
	n = counters_read(&p->state->esp);
	passed_add(out, &n);
	for (i = 1; i < PASS_SLOTS; i++) {
		if (p->slots[i].handle == 0)
			continue;
		n = counters_read(&p->slots[i].n);
		passed_add(out, &n);
	}
}

/* --- whom all is passed to, and from where -------------------------------- */

static struct pair *
pair_find(struct pass *p, const struct pass_key *key)
{
	struct pair *pair;

	HASH_FIND(hh, p->by_key, key, sizeof(*key), pair);
	return pair;
}

/* Where there is no room user space does it. */
static void
pair_add(struct pass *p, const struct pass_key *key, const struct addr *src,
    const struct addr *dst)
{
	struct pass_slot *s;
	struct pair	 *pair;
	uint64_t	  handle;
	uint16_t	  slot = ebpf_slots_next(&p->numbers);

	if (slot == 0)
		return;
	handle = ebpf_slots_handle(&p->numbers, slot);
	if (bpf_map_update_elem(p->pairs, key, &handle, BPF_ANY) != 0) {
		log_debug("eBPF: %s: %s", ADDR_TEXT(dst), strerror(errno));
		return;
	}
	ebpf_slots_take(&p->numbers);
	pair = &p->pair[slot];
	*pair = (struct pair){ .key = *key, .src = *src, .dst = *dst };
	HASH_ADD(hh, p->by_key, key, sizeof(pair->key), pair);
	s = &p->slots[slot];
	memset(s, 0, sizeof(*s));
	__atomic_store_n(&s->handle, handle, __ATOMIC_SEQ_CST);
}

/* What ends it cannot fail; what follows only makes room. */
static void
pair_del(struct pass *p, struct pair *pair)
{
	unsigned	  slot = (unsigned)(pair - p->pair);
	struct pass_slot *s = &p->slots[slot];
	struct oe_passed  n;

	__atomic_store_n(&s->handle, 0, __ATOMIC_SEQ_CST);
	n = counters_read(&s->n);
	passed_add(&p->gone, &n);
	(void)bpf_map_delete_elem(p->pairs, &pair->key);
	HASH_DEL(p->by_key, pair);
	ebpf_slots_give(&p->numbers, (uint16_t)slot);
}

void
pass_pair(struct pass *p, const struct addr *src, const struct addr *dst,
    bool add)
{
	struct pass_key key;
	struct pair    *pair;

	if (p == NULL || src->family != AF_INET || dst->family != AF_INET)
		return;
	key = (struct pass_key){ .src = addr_v4(src), .dst = addr_v4(dst) };
	pair = pair_find(p, &key);
	if (add && pair == NULL)
		pair_add(p, &key, src, dst);
	else if (!add && pair != NULL)
		pair_del(p, pair);
}

void
pass_port(struct pass *p, uint16_t port, enum pass_protocols of)
{
	if (p != NULL)
		p->state->port[port] = (uint8_t)of;
}

void
pass_no_ports(struct pass *p)
{
	if (p != NULL)
		memset(p->state->port, 0, sizeof(p->state->port));
}

/* --- the kernel's ESP ----------------------------------------------------- */

int
pass_esp_way(struct pass *p, const char *clear_device)
{
	int rc;

	if (p == NULL)
		return -1;
	tc_del(&p->esp);
	p->esp = (struct tc_place){ .ifindex = if_nametoindex(clear_device),
		.egress = true, .priority = PASS_PRIORITY };
	if ((rc = ebpf_attach(p->object, "pass_esp_out", &p->esp)) == 0)
		return 0;
	log_info("eBPF offload: ESP at %s: %s", clear_device, strerror(-rc));
	p->esp.ifindex = 0;
	return -1;
}

/* Of what does not stand there user space gives the ESP to the kernel. */
void
pass_esp(struct pass *p, uint32_t spi, bool opens)
{
	const uint8_t stands = 1;
	int	      rc;

	if (p == NULL)
		return;
	rc = opens ? bpf_map_update_elem(p->spis, &spi, &stands, BPF_NOEXIST) :
	    bpf_map_delete_elem(p->spis, &spi);
	if (rc == 0)
		p->nspis += opens ? 1u : -1u;
	else if (opens && errno != EEXIST)
		log_debug("eBPF: SPI %#x: %s", spi, strerror(errno));
}

/* --- life ----------------------------------------------------------------- */

static int
pass_load(struct pass *p, const char **what)
{
	int rc;

	*what = "load";
	rc = ebpf_load(pass_object, sizeof(pass_object), &p->object);
	if (rc != 0)
		return rc;
	p->pairs = bpf_object__find_map_fd_by_name(p->object, "pairs");
	p->spis = bpf_object__find_map_fd_by_name(p->object, "spis");
	if (p->pairs < 0 || p->spis < 0)
		return -ENOENT;
	if ((rc = ebpf_array_map(p->object, "state", &p->state_map)) != 0)
		return rc;
	p->state = p->state_map.memory;
	rc = ebpf_array_map(p->object, "slots", &p->slots_map);
	p->slots = p->slots_map.memory;
	return rc;
}

static int
pass_attach(struct pass *p, const char *device)
{
	p->out.ifindex = if_nametoindex(device);
	p->out.egress = true;
	p->out.priority = PASS_PRIORITY;
	return ebpf_attach(p->object, "pass_out", &p->out);
}

struct pass *
pass_open(struct event_base *base, const char *device,
    const struct pass_ops *ops, void *arg)
{
	struct pass *p = xcalloc(1, sizeof(*p));
	const char  *what;
	int	     rc;

	p->ops = ops;
	p->arg = arg;
	p->asleep = true;
	p->tick = watch_timer(base, pass_tick, p);
	ebpf_slots_init(&p->numbers);
	if ((rc = pass_load(p, &what)) == 0) {
		what = "attach";
		rc = pass_attach(p, device);
	}
	if (rc == 0)
		return p;
	log_info("eBPF offload: cannot %s: %s; user space does it all", what,
	    strerror(-rc));
	pass_close(p);
	return NULL;
}

void
pass_close(struct pass *p)
{
	if (p == NULL)
		return;
	if (p->state != NULL)
		vouch_until(p, 0);
	tc_del(&p->out);
	tc_del(&p->in);
	tc_del(&p->esp);
	HASH_CLEAR(hh, p->by_key);
	ebpf_array_unmap(&p->state_map);
	ebpf_array_unmap(&p->slots_map);
	bpf_object__close(p->object);
	watch_end(p->tick);
	free(p);
}
