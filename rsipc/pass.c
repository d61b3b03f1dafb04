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
	struct tc_place	   out, in;
	struct event	  *tick;
	const struct pass_ops *ops;
	void		  *arg;
	int		   pairs;	/* descriptor */
	struct pass_state *state;	/* shared with the kernel, as ... */
	struct pass_slot  *slots;	/* ... these */
	struct ebpf_array  state_map, slots_map;
	struct pair {			/* of a slot that is in use */
		UT_hash_handle	 hh;
		struct pass_key	 key;
		struct addr	 src, dst;
		struct oe_passed told;
	} pair[PASS_SLOTS], *by_key;
	uint16_t unused[PASS_SLOTS];
	unsigned nunused;
	uint32_t generation;
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
}

static bool
way_is(const struct pass_state *s, const struct pass_way *w)
{
	return s->addr == addr_v4(&w->addr) && s->local == addr_v4(&w->local) &&
	    s->remote == addr_v4(&w->remote) && s->link == w->link &&
	    s->clear == w->clear && s->mtu == w->mtu && s->mark == w->mark;
}

/* At the link, wherever it is now.  Where it cannot be what comes is user
 * space's, as before. */
static void
follow_link(struct pass *p, unsigned link)
{
	struct bpf_program *prog;

	if (p->in.ifindex == link)
		return;
	tc_del(&p->in);
	p->in = (struct tc_place){ .ifindex = link, .priority = PASS_PRIORITY };
	prog = bpf_object__find_program_by_name(p->object, "pass_in");
	if (tc_add(&p->in, bpf_program__fd(prog), "pass_in") == -1)
		log_info("eBPF offload: inbound: %s", strerror(errno));
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

static uint64_t
counter(const __u64 *n)
{
	return __atomic_load_n(n, __ATOMIC_RELAXED);
}

static struct oe_passed
slot_counters(const struct pass_slot *s)
{
	return (struct oe_passed){
		.packets_out = counter(&s->packets_out),
		.bytes_out = counter(&s->bytes_out),
		.packets_in = counter(&s->packets_in),
		.bytes_in = counter(&s->bytes_in) };
}

static void
passed_add(struct oe_passed *sum, const struct oe_passed *n)
{
	sum->packets_out += n->packets_out;
	sum->bytes_out += n->bytes_out;
	sum->packets_in += n->packets_in;
	sum->bytes_in += n->bytes_in;
}

static void
pass_tell(struct pass *p, unsigned i, struct oe_passed *sum)
{
	struct pair	*pair = &p->pair[i];
	struct oe_passed all = slot_counters(&p->slots[i]), n;

	n = (struct oe_passed){ all.packets_out - pair->told.packets_out,
		all.bytes_out - pair->told.bytes_out,
		all.packets_in - pair->told.packets_in,
		all.bytes_in - pair->told.bytes_in };
	if (n.packets_out == 0 && n.packets_in == 0)
		return;
	pair->told = all;
	passed_add(sum, &n);
	p->ops->passed(p->arg, &pair->src, &pair->dst, &n);
}

static void
pass_tell_ports(struct pass *p)
{
	uint64_t eight;
	size_t	 i, j;

	for (i = 0; i < sizeof(p->state->used); i += sizeof(eight)) {
		memcpy(&eight, p->state->used + i, sizeof(eight));
		if (eight == 0)
			continue;
		for (j = i; j < i + sizeof(eight); j++) {
			if (p->state->used[j] == 0)
				continue;
			p->state->used[j] = 0;
			p->ops->used(p->arg, (uint16_t)j);
		}
	}
}

static void
pass_tick(void *arg)
{
	struct pass	*p = arg;
	struct oe_passed sum = { 0 };
	unsigned	 i;

	for (i = 1; i < PASS_SLOTS; i++) {
		if (p->slots[i].handle != 0)
			pass_tell(p, i, &sum);
	}
	if (sum.packets_out != 0)
		pass_tell_ports(p);
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
	if (p == NULL || !p->asleep || p->nunused == PASS_SLOTS - 1)
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
	for (i = 1; i < PASS_SLOTS; i++) {
		if (p->slots[i].handle == 0)
			continue;
		n = slot_counters(&p->slots[i]);
		passed_add(out, &n);
	}
}

/* --- whom all is passed to, and from where -------------------------------- */

static uint64_t
handle_new(struct pass *p, unsigned slot)
{
	if (++p->generation == 0)
		p->generation = 1;
	return (uint64_t)p->generation << 32 | slot;
}

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
	unsigned	  slot;

	if (p->nunused == 0)
		return;
	slot = p->unused[p->nunused - 1];
	handle = handle_new(p, slot);
	if (bpf_map_update_elem(p->pairs, key, &handle, BPF_ANY) != 0) {
		log_debug("eBPF: %s: %s", ADDR_TEXT(dst), strerror(errno));
		return;
	}
	p->nunused--;
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
	n = slot_counters(s);
	passed_add(&p->gone, &n);
	(void)bpf_map_delete_elem(p->pairs, &pair->key);
	HASH_DEL(p->by_key, pair);
	p->unused[p->nunused++] = (uint16_t)slot;
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

/* --- life ----------------------------------------------------------------- */

static int
pass_load(struct pass *p, const char **what)
{
	int rc;

	*what = "load";
	ebpf_log();
	p->object = bpf_object__open_mem(pass_object, sizeof(pass_object),
	    NULL);
	if (p->object == NULL)
		return -errno;
	if ((rc = bpf_object__load(p->object)) != 0)
		return rc;
	p->pairs = bpf_object__find_map_fd_by_name(p->object, "pairs");
	if (p->pairs < 0)
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
	struct bpf_program *prog;

	prog = bpf_object__find_program_by_name(p->object, "pass_out");
	p->out.ifindex = if_nametoindex(device);
	p->out.egress = true;
	p->out.priority = PASS_PRIORITY;
	if (prog == NULL)
		return -ENOENT;
	return tc_add(&p->out, bpf_program__fd(prog), "pass_out") == 0 ? 0 :
	    -errno;
}

struct pass *
pass_open(struct event_base *base, const char *device,
    const struct pass_ops *ops, void *arg)
{
	struct pass *p = xcalloc(1, sizeof(*p));
	const char  *what;
	unsigned     i;
	int	     rc;

	p->ops = ops;
	p->arg = arg;
	p->asleep = true;
	p->tick = watch_timer(base, pass_tick, p);
	for (i = PASS_SLOTS - 1; i > 0; i--)
		p->unused[p->nunused++] = (uint16_t)i;
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
	HASH_CLEAR(hh, p->by_key);
	ebpf_array_unmap(&p->state_map);
	ebpf_array_unmap(&p->slots_map);
	bpf_object__close(p->object);
	watch_end(p->tick);
	free(p);
}
