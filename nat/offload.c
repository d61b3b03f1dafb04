/* offload.c - established flows forwarded by the kernel: loads the eBPF programs, keeps their maps */
#include "config.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/util.h"
#include "nat/offload.h"
#include "nat/offload_map.h"
#include "nat/offload_object.h"

#define SECOND_NS	1000000000ull
#define VOUCH_NS	(3 * SECOND_NS)		/* a dead daemon's map dies with
						 * it */
#define REFRESH_NS	(10 * SECOND_NS)
#define MEMORY_A_FLOW	8192		/* of the machine's: 64 MB have 8192
					 * flows */
#define FLOWS_MIN	1024
#define RELEARN_MS	5000		/* a thread tells of one flow this often
					 * at most */
/* "RS" and "RT": ours, whoever left it there; the second says that the qdisc
 * was made for it. */
#define TC_HANDLE	0x5253u
#define TC_HANDLE_MADE	0x5254u
#define TC_PRIORITY	0x5253u

#define PORT_IKE	500
#define PORT_IKE_NATT	4500

struct hook {
	int	 ifindex;
	bool	 attached, made;	/* made: the qdisc is ours */
};

/* Where a binding is in the kernel's array. */
struct slot {
	UT_hash_handle hh;
	uint64_t       ids;		/* client_id << 32 | bind_id */
	uint64_t       generation;
	uint32_t       number;
};

struct offload {
	struct bpf_object *object;
	pthread_rwlock_t lock;		/* of slots; packet threads only ever
					 * try it */
	struct slot	*slots;
	uint32_t	*unused;	/* slot numbers */
	unsigned	 nunused;
	int	 flows, bindings, state, counters;
	struct hook in, out;
	_Atomic bool refused;		/* the kernel lets us not
					 * write the maps now */
	uint64_t generation;
	unsigned ncpus;
};

/* bpf_ktime_get_boot_ns()'s clock. */
static uint64_t
boot_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

/* --- loading -------------------------------------------------------------- */

__attribute__((format(printf, 2, 0))) static int
log_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN && log_enabled(LOG_LEVEL_DEBUG))
		log_message(LOG_LEVEL_DEBUG, fmt, ap);
	return 0;
}

static void
hook_options(struct bpf_tc_hook *h, const struct hook *k)
{
	memset(h, 0, sizeof(*h));
	h->sz = sizeof(*h);
	h->ifindex = k->ifindex;
	h->attach_point = BPF_TC_INGRESS;
}

/* libbpf wants the padding zero too. */
static void
filter_options(struct bpf_tc_opts *o, bool made)
{
	memset(o, 0, sizeof(*o));
	o->sz = sizeof(*o);
	o->priority = TC_PRIORITY;
	o->handle = made ? TC_HANDLE_MADE : TC_HANDLE;
}

/* What a daemon that was killed left: its program does nothing any more. */
static bool
hook_take_over(struct bpf_tc_hook *h, bool made)
{
	struct bpf_tc_opts query, o;

	filter_options(&query, made);
	filter_options(&o, made);
	return bpf_tc_query(h, &query) == 0 && bpf_tc_detach(h, &o) == 0;
}

static int
hook_attach(struct hook *k, const char *ifname, struct bpf_program *prog)
{
	struct bpf_tc_opts o;
	struct bpf_tc_hook h;
	int		   rc;

	k->ifindex = (int)if_nametoindex(ifname);
	hook_options(&h, k);
	rc = bpf_tc_hook_create(&h);
	if (rc != 0 && rc != -EEXIST)
		return rc;
	k->made = rc == 0;
	if (rc == -EEXIST) {
		hook_take_over(&h, false);
		k->made = hook_take_over(&h, true);
	}
	filter_options(&o, k->made);
	o.prog_fd = bpf_program__fd(prog);
	rc = bpf_tc_attach(&h, &o);
	k->attached = rc == 0;
	return rc;
}

static void
hook_detach(struct hook *k)
{
	struct bpf_tc_opts o;
	struct bpf_tc_hook h;

	hook_options(&h, k);
	filter_options(&o, k->made);
	if (k->attached)
		(void)bpf_tc_detach(&h, &o);
	/* A qdisc that others have put programs on is not ours to take. */
	if (k->made) {
		h.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
		(void)bpf_tc_hook_destroy(&h);
	}
}

/* A router with little memory has few flows. */
static void
size_maps(struct offload *o)
{
	struct bpf_map *flows, *bindings;
	long		pages = sysconf(_SC_PHYS_PAGES);
	long		size = sysconf(_SC_PAGESIZE);
	uint64_t	n;
	uint32_t	i, max;

	flows = bpf_object__find_map_by_name(o->object, "flows");
	bindings = bpf_object__find_map_by_name(o->object, "bindings");
	if (flows == NULL || bindings == NULL)
		return;
	n = pages > 0 && size > 0 ?
	    (uint64_t)pages * (uint64_t)size / MEMORY_A_FLOW : FLOWS_MIN;
	if (n < FLOWS_MIN)
		n = FLOWS_MIN;
	if (n < bpf_map__max_entries(flows))
		(void)bpf_map__set_max_entries(flows, (uint32_t)n);
	if (n < bpf_map__max_entries(bindings))
		(void)bpf_map__set_max_entries(bindings, (uint32_t)n);
	max = bpf_map__max_entries(bindings);
	o->unused = xcalloc(max, sizeof(*o->unused));
	for (i = 0; i < max; i++)
		o->unused[o->nunused++] = max - 1 - i;
}

struct offload *
offload_open(const char *public_if, const char *private_if)
{
	struct offload	   *o = xcalloc(1, sizeof(*o));
	struct bpf_program *in, *out;
	const char	   *what = "load";
	int		    rc;

	pthread_rwlock_init(&o->lock, NULL);
	libbpf_set_print(log_libbpf);
	random_bytes(&o->generation, sizeof(o->generation));
	o->ncpus = (unsigned)libbpf_num_possible_cpus();
	o->object = bpf_object__open_mem(offload_object,
	    sizeof(offload_object), NULL);
	if (o->object == NULL) {
		rc = -errno;
		goto fail;
	}
	size_maps(o);
	if ((rc = bpf_object__load(o->object)) != 0)
		goto fail;
	in = bpf_object__find_program_by_name(o->object, "offload_in");
	out = bpf_object__find_program_by_name(o->object, "offload_out");
	o->flows = bpf_object__find_map_fd_by_name(o->object, "flows");
	o->bindings = bpf_object__find_map_fd_by_name(o->object, "bindings");
	o->state = bpf_object__find_map_fd_by_name(o->object, "state");
	o->counters = bpf_object__find_map_fd_by_name(o->object, "counters");
	if (in == NULL || out == NULL || o->flows < 0 || o->bindings < 0 ||
	    o->state < 0 || o->counters < 0) {
		rc = -ENOENT;
		goto fail;
	}
	what = "attach";
	if ((rc = hook_attach(&o->in, public_if, in)) != 0 ||
	    (rc = hook_attach(&o->out, private_if, out)) != 0)
		goto fail;
	return o;
fail:
	log_info("eBPF offload: cannot %s: %s; NFQUEUE does it all", what,
	    strerror(-rc));
	offload_close(o);
	return NULL;
}

void
offload_close(struct offload *o)
{
	struct slot *s, *next;

	if (o == NULL)
		return;
	hook_detach(&o->in);
	hook_detach(&o->out);
	bpf_object__close(o->object);
	HASH_ITER(hh, o->slots, s, next) {
		HASH_DEL(o->slots, s);
		free(s);
	}
	pthread_rwlock_destroy(&o->lock);
	free(o->unused);
	free(o);
}

void
offload_sweep(const char *public_if, const char *private_if)
{
	const char *const names[] = { public_if, private_if };
	struct bpf_tc_hook h;
	struct hook	   k = { 0 };

	libbpf_set_print(log_libbpf);
	for (size_t i = 0; i < 2; i++) {
		k.ifindex = (int)if_nametoindex(names[i]);
		if (k.ifindex == 0)
			continue;
		hook_options(&h, &k);
		(void)hook_take_over(&h, false);
		if (hook_take_over(&h, true)) {
			h.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
			(void)bpf_tc_hook_destroy(&h);
		}
	}
}

/* --- keeping the maps ----------------------------------------------------- */

void
offload_tick(struct offload *o, const struct offload_facts *f)
{
	struct offload_state s = { .alive = boot_ns() + VOUCH_NS };
	uint32_t	     zero = 0;

	if (o == NULL)
		return;
	s.gateway = addr_v4(&f->gateway);
	s.private_index = f->private_index;
	s.public_index = f->public_index;
	s.mtu = f->mtu;
	s.public_mtu = f->public_mtu;
	if (bpf_map_update_elem(o->state, &zero, &s, BPF_ANY) != 0 &&
	    !atomic_exchange(&o->refused, true))
		log_warn("eBPF offload: %s; NFQUEUE does it all",
		    strerror(errno));
}

static uint64_t
ids_of(uint32_t client_id, uint32_t bind_id)
{
	return (uint64_t)client_id << 32 | bind_id;
}

static struct slot *
slot_find(struct offload *o, uint32_t client_id, uint32_t bind_id)
{
	struct slot *s;
	uint64_t     ids = ids_of(client_id, bind_id);

	HASH_FIND(hh, o->slots, &ids, sizeof(ids), s);
	return s;
}

static void
binding_added(void *arg, uint32_t client_id, uint32_t bind_id)
{
	struct offload	      *o = arg;
	struct offload_binding b;
	struct slot	      *s;

	/* Without a slot its flows stay on the slow path. */
	if (o->nunused == 0)
		return;
	memset(&b, 0, sizeof(b));
	s = xcalloc(1, sizeof(*s));
	s->ids = ids_of(client_id, bind_id);
	s->generation = b.generation = ++o->generation;
	s->number = o->unused[o->nunused - 1];
	if (bpf_map_update_elem(o->bindings, &s->number, &b, BPF_ANY) != 0) {
		free(s);
		return;
	}
	o->nunused--;
	pthread_rwlock_wrlock(&o->lock);
	HASH_ADD(hh, o->slots, ids, sizeof(s->ids), s);
	pthread_rwlock_unlock(&o->lock);
}

static void
binding_removed(void *arg, uint32_t client_id, uint32_t bind_id)
{
	struct offload	      *o = arg;
	struct offload_binding b;
	struct slot	      *s;

	if ((s = slot_find(o, client_id, bind_id)) == NULL)
		return;
	memset(&b, 0, sizeof(b));
	(void)bpf_map_update_elem(o->bindings, &s->number, &b, BPF_ANY);
	pthread_rwlock_wrlock(&o->lock);
	HASH_DEL(o->slots, s);
	pthread_rwlock_unlock(&o->lock);
	o->unused[o->nunused++] = s->number;
	free(s);
}

static void
binding_usage(void *arg, uint32_t client_id, uint32_t bind_id,
    struct demux_usage *u)
{
	struct offload	      *o = arg;
	struct offload_binding b;
	struct slot	      *s;

	if ((s = slot_find(o, client_id, bind_id)) == NULL ||
	    bpf_map_lookup_elem(o->bindings, &s->number, &b) != 0)
		return;
	u->packets_in += b.packets_in;
	u->bytes_in += b.bytes_in;
	u->packets_out += b.packets_out;
	u->bytes_out += b.bytes_out;
}

void
offload_watch(struct offload *o, struct demux *d)
{
	static const struct demux_watcher watcher = {
		.added = binding_added,
		.removed = binding_removed,
		.usage = binding_usage,
	};

	demux_watch(d, &watcher, o);
}

_Static_assert(sizeof(struct offload_key) == 16, "a key is two words");

/* IKE's ports are shared by cookie: a flow does not tell whose a packet is. */
static bool
make_key(struct offload_key *k, bool outbound, const struct packet_view *p)
{
	const uint8_t *payload = p->data + p->header;
	uint16_t       port;

	if (p->header != IP_HEADER_LEN || packet_is_fragment(p) ||
	    p->len < p->header + 8)
		return false;
	memset(k, 0, sizeof(*k));
	k->src = addr_v4(&p->src);
	k->dst = addr_v4(&p->dst);
	k->protocol = p->protocol;
	k->side = outbound ? OFFLOAD_OUT : OFFLOAD_IN;
	switch (p->protocol) {
	case IPPROTO_UDP:
		port = outbound ? (uint16_t)(payload[0] << 8 | payload[1]) :
		    (uint16_t)(payload[2] << 8 | payload[3]);
		if (port == PORT_IKE || port == PORT_IKE_NATT)
			return false;
		/* FALLTHROUGH */
	case IPPROTO_TCP:
	case IPPROTO_ESP:
		memcpy(&k->id, payload, 4);
		return true;
	case IPPROTO_AH:
		memcpy(&k->id, payload + 4, 4);
		return true;
	}
	return false;
}

/* A flow that the programs keep refusing must not cost a system call a
 * packet. */
static bool
told_lately(struct offload_recent *r, const struct offload_key *k,
    const struct demux_target *to, uint64_t now)
{
	uint64_t words[4], h;
	size_t	 i;

	memcpy(words, k, sizeof(*k));
	words[2] = ids_of(to->client_id, to->bind_id);
	words[3] = addr_v4(&to->host);
	h = hash_bytes(words, sizeof(words));
	i = (h >> 32) % OFFLOAD_RECENT;
	if (r->hash[i] == h && now - r->when[i] < RELEARN_MS)
		return true;
	r->hash[i] = h;
	r->when[i] = now;
	return false;
}

void
offload_learn(struct offload *o, struct offload_recent *r, uint64_t now,
    bool outbound, const struct packet_view *p, const struct demux_target *to)
{
	struct offload_flow f;
	struct offload_key  k;
	struct slot	   *s;

	if (o == NULL || to->tunnel != TUNNEL_IPIP ||
	    atomic_load_explicit(&o->refused, memory_order_relaxed) ||
	    !make_key(&k, outbound, p) || told_lately(r, &k, to, now))
		return;
	/* The control thread is changing it: another packet will do. */
	if (pthread_rwlock_tryrdlock(&o->lock) != 0)
		return;
	if ((s = slot_find(o, to->client_id, to->bind_id)) != NULL)
		f = (struct offload_flow){ .slot = s->number,
			.generation = s->generation };
	pthread_rwlock_unlock(&o->lock);
	if (s == NULL)
		return;		/* gone meanwhile */
	f.refresh = boot_ns() + REFRESH_NS;
	f.host = addr_v4(&to->host);
	f.gateway = addr_v4(&to->gateway);
	(void)bpf_map_update_elem(o->flows, &k, &f, BPF_ANY);
}

/* --- reporting ------------------------------------------------------------ */

static uint64_t
count_of(struct offload *o, uint32_t which, uint64_t *each)
{
	uint64_t sum = 0;
	unsigned cpu;

	if (bpf_map_lookup_elem(o->counters, &which, each) == 0) {
		for (cpu = 0; cpu < o->ncpus; cpu++)
			sum += each[cpu];
	}
	return sum;
}

void
offload_count(struct offload *o, struct offload_counts *out)
{
	uint64_t *each = xcalloc(o->ncpus, sizeof(*each));

	out->packets_in = count_of(o, OFFLOAD_COUNT_IN, each);
	out->packets_out = count_of(o, OFFLOAD_COUNT_OUT, each);
	out->bytes_in = count_of(o, OFFLOAD_COUNT_BYTES_IN, each);
	out->bytes_out = count_of(o, OFFLOAD_COUNT_BYTES_OUT, each);
	out->refreshed = count_of(o, OFFLOAD_COUNT_SLOW, each);
	free(each);
}
