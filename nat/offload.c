/* offload.c - established flows forwarded by the kernel: loads the eBPF programs, keeps their maps */
#include "config.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "nat/offload.h"
#include "nat/offload_card.h"
#include "nat/offload_lease.h"
#include "nat/offload_unpack.h"
#include "nat/offload_state.h"
#include "net/decap.h"
#include "net/rtnl.h"

#define VOUCH_NS	(3 * OFFLOAD_SECOND_NS)	/* a dead daemon's maps die
						 * with it */
#define MEMORY_A_FLOW	8192		/* of the machine's: 64 MB have 8192
					 * flows, bindings and leases */
#define MEMORY_A_LOCAL	(64u << 20)	/* a public address' ports are half
					 * a MB */
#define FLOWS_MIN	1024
#define DECAP_LOST	3		/* packets in, and none out for a
					 * second */
/* "RS" and "RT": ours, whoever left it there; the second says that the qdisc
 * was made for it. */
#define TC_HANDLE	0x5253u
#define TC_HANDLE_MADE	0x5254u
#define TC_PRIORITY	0x5253u

/* --- loading -------------------------------------------------------------- */

static void
hook_options(struct bpf_tc_hook *h, const struct hook *k)
{
	memset(h, 0, sizeof(*h));
	h->sz = sizeof(*h);
	h->ifindex = k->ifindex;
	h->attach_point = k->egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
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
hook_attach(struct offload *o, struct hook *k, const char *ifname,
    const char *program)
{
	struct bpf_program *prog;
	struct bpf_tc_opts  f;
	struct bpf_tc_hook  h;
	int		    rc;

	prog = bpf_object__find_program_by_name(o->object, program);
	if (prog == NULL)
		return -ENOENT;
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
	filter_options(&f, k->made);
	f.prog_fd = bpf_program__fd(prog);
	rc = bpf_tc_attach(&h, &f);
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

static void
shrink(struct offload *o, const char *name, uint64_t n)
{
	struct bpf_map *m = bpf_object__find_map_by_name(o->object, name);

	if (m != NULL && n < bpf_map__max_entries(m))
		(void)bpf_map__set_max_entries(m, (uint32_t)n);
}

/* A router with little memory has few flows. */
static void
size_maps(struct offload *o, size_t nlocals)
{
	struct bpf_map *ports;
	long		pages = sysconf(_SC_PHYS_PAGES);
	long		size = sysconf(_SC_PAGESIZE);
	uint64_t	memory, n;

	memory = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
	n = memory / MEMORY_A_FLOW;
	if (n < FLOWS_MIN)
		n = FLOWS_MIN;
	shrink(o, "flows", n);
	shrink(o, "bindings", n);
	shrink(o, "leases", n);
	n = memory / MEMORY_A_LOCAL;
	if (n > nlocals)
		n = nlocals;
	if (n < 1)
		n = 1;
	ports = bpf_object__find_map_by_name(o->object, "ports");
	if (ports != NULL)
		(void)bpf_map__set_max_entries(ports,
		    (uint32_t)n * OFFLOAD_PORTS);
}

static int
find_fd(struct offload *o, const char *name, int *fd)
{
	*fd = bpf_object__find_map_fd_by_name(o->object, name);
	return *fd < 0 ? -ENOENT : 0;
}

static int
find_maps(struct offload *o)
{
	int rc;

	if ((rc = find_fd(o, "flows", &o->flows)) != 0 ||
	    (rc = find_fd(o, "leases", &o->leases)) != 0 ||
	    (rc = find_fd(o, "locals", &o->locals)) != 0 ||
	    (rc = find_fd(o, "counters", &o->counters)) != 0 ||
	    (rc = ebpf_array_map(o->object, "bindings", &o->bindings)) != 0 ||
	    (rc = ebpf_array_map(o->object, "ports", &o->ports)) != 0 ||
	    (rc = ebpf_array_map(o->object, "state", &o->state)) != 0)
		return rc;
	offload_slots_init(o);
	return 0;
}

/* --- joined segments out of tunnels --------------------------------------- */

/* The devices are those of the private interface with that index. */
static void
decap_names(unsigned ifindex, char name[IFNAMSIZ], char peer[IFNAMSIZ])
{
	snprintf(name, IFNAMSIZ, "rsip-dec%u", ifindex);
	snprintf(peer, IFNAMSIZ, "rsip-end%u", ifindex);
}

static void
decap_open(struct offload *o, const char *private_if)
{
	char name[IFNAMSIZ], peer[IFNAMSIZ];
	int  rc;

	decap_names(if_nametoindex(private_if), name, peer);
	/* Of one that was killed. */
	rtnl_link_del(name);
	rc = decap_add(name, peer) == -1 ? -errno : 0;
	if (rc == 0) {
		o->bare.egress = true;
		rc = hook_attach(o, &o->bare, name, "offload_bare");
		if (rc != 0)
			rtnl_link_del(name);
	}
	if (rc != 0) {
		log_info("eBPF offload: no device for joined segments out of "
		    "tunnels: %s; NFQUEUE has them", strerror(-rc));
		return;
	}
	snprintf(o->decap, sizeof(o->decap), "%s", name);
	o->decap_index = if_nametoindex(name);
}

struct offload *
offload_open(enum dataplane_offload where, const char *public_if,
    const char *private_if, size_t nlocals)
{
	struct offload *o = xcalloc(1, sizeof(*o));
	const char     *what = "load";
	void	       *program;
	size_t		len;
	int		rc;

	o->cards.asker.fd = -1;
	o->cards.card[0].link = o->cards.card[1].link = -1;
	ebpf_log();
	o->ncpus = (unsigned)libbpf_num_possible_cpus();
	if ((program = offload_unpack(&len)) == NULL) {
		rc = -ENOMEM;
		goto fail;
	}
	o->object = bpf_object__open_mem(program, len, NULL);
	if (o->object == NULL) {
		rc = -errno;
		free(program);
		goto fail;
	}
	size_maps(o, nlocals);
	offload_cards_choose(o, where, public_if, private_if);
	rc = bpf_object__load(o->object);
	free(program);
	if (rc != 0)
		goto fail;
	if ((rc = find_maps(o)) != 0)
		goto fail;
	what = "attach";
	o->left_in.egress = o->left_out.egress = true;
	if ((rc = hook_attach(o, &o->in, public_if, "offload_in")) != 0 ||
	    (rc = hook_attach(o, &o->out, private_if, "offload_out")) != 0 ||
	    (rc = hook_attach(o, &o->left_in, private_if, "offload_left")) !=
	    0 ||
	    (rc = hook_attach(o, &o->left_out, public_if, "offload_left")) != 0)
		goto fail;
	decap_open(o, private_if);
	offload_cards_attach(o);
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
	if (o == NULL)
		return;
	offload_cards_close(o);
	/* The qdisc goes with the programs for what comes in. */
	hook_detach(&o->left_in);
	hook_detach(&o->left_out);
	hook_detach(&o->in);
	hook_detach(&o->out);
	if (o->decap[0] != '\0')
		rtnl_link_del(o->decap);
	ebpf_array_unmap(&o->bindings);
	ebpf_array_unmap(&o->ports);
	ebpf_array_unmap(&o->state);
	bpf_object__close(o->object);
	free(o->unused);
	free(o);
}

void
offload_sweep(const char *public_if, const char *private_if)
{
	const char *const names[] = { public_if, private_if };
	struct bpf_tc_hook h;
	struct hook	   k = { 0 };
	char		   name[IFNAMSIZ], peer[IFNAMSIZ];

	ebpf_log();
	decap_names(if_nametoindex(private_if), name, peer);
	rtnl_link_del(name);
	for (size_t i = 0; i < 2; i++) {
		k.ifindex = (int)if_nametoindex(names[i]);
		if (k.ifindex == 0)
			continue;
		k.egress = true;
		hook_options(&h, &k);
		(void)hook_take_over(&h, false);
		k.egress = false;
		hook_options(&h, &k);
		(void)hook_take_over(&h, false);
		if (hook_take_over(&h, true)) {
			h.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
			(void)bpf_tc_hook_destroy(&h);
		}
	}
}

/* --- vouching ------------------------------------------------------------- */

static void
fill_state(const struct offload *o, struct offload_state *s,
    const struct offload_facts *f)
{
	size_t i, n = f->nnetworks;

	memset(s, 0, sizeof(*s));
	s->private_index = f->private_index;
	s->public_index = f->public_index;
	s->mtu = f->mtu;
	s->public_mtu = f->public_mtu;
	s->judged = f->judged;
	s->at_cards = o->cards.on;
	s->decap_index = o->decap_index;
	for (i = 0; i < f->gateways.n; i++)
		s->gateway[i] = addr_v4(&f->gateways.list[i]);
	s->nnetworks = (uint32_t)n;
	for (i = 0; i < n && i < OFFLOAD_NETWORKS; i++) {
		s->network[i].addr = addr_v4(&f->networks[i].addr);
		s->network[i].mask = htonl(f->networks[i].plen == 0 ? 0 :
		    ~(uint32_t)0 << (32 - f->networks[i].plen));
	}
}

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

/*
 * What the device was sent comes out of it, but where somebody forbade IPv6 on
 * this machine, has rules against all that it receives, or where a kernel to
 * come does otherwise: then NFQUEUE has what is joined, in a second or two.
 */
static void
watch_decap(struct offload *o)
{
	uint64_t *each, marked, bare;

	if (o->decap_index == 0)
		return;
	each = xcalloc(o->ncpus, sizeof(*each));
	marked = count_of(o, OFFLOAD_COUNT_MARKED, each);
	bare = count_of(o, OFFLOAD_COUNT_BARE, each);
	free(each);
	if (bare != o->nbare) {
		o->nbare = bare;
		o->nmarked = marked;
		o->lost = 0;
	} else if (o->lost >= DECAP_LOST) {
		log_warn("eBPF offload: nothing comes out of %s (are there "
		    "rules about IPv6 against it?): NFQUEUE has joined "
		    "segments out of tunnels", o->decap);
		o->decap_index = 0;
	} else {
		o->lost = marked - o->nmarked;
	}
}

void
offload_tick(struct offload *o, const struct offload_facts *f)
{
	struct offload_state *s, new;

	if (o == NULL)
		return;
	offload_cards_look(o);
	s = o->state.memory;
	watch_decap(o);
	fill_state(o, &new, f);
	new.alive = s->alive;
	if (memcmp(s, &new, sizeof(new)) != 0 || new.nnetworks >
	    OFFLOAD_NETWORKS || atomic_load(&o->refused)) {
		/* Packets go the slow way meanwhile. */
		__atomic_store_n(&s->alive, 0, __ATOMIC_SEQ_CST);
		new.alive = 0;
		memcpy(s, &new, sizeof(new));
	}
	if (new.nnetworks <= OFFLOAD_NETWORKS && !atomic_load(&o->refused))
		__atomic_store_n(&s->alive, offload_now() + VOUCH_NS,
		    __ATOMIC_RELEASE);
}

/* --- reporting ------------------------------------------------------------ */

bool
offload_joined(const struct offload *o)
{
	const struct offload_state *s = o->state.memory;

	return s->decap_index != 0;
}

bool
offload_at_cards(const struct offload *o)
{
	return o->cards.on;
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
	out->cards = count_of(o, OFFLOAD_COUNT_CARD, each);
	free(each);
}
