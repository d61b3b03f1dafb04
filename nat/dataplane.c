/* dataplane.c - the gateway's packet path put together: rules, queues, threads, what they report */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/report_rows.h"
#include "base/util.h"
#include "base/watch.h"
#include "nat/dataplane.h"
#include "nat/demux_reader.h"
#include "nat/mark.h"
#include "nat/offload.h"
#include "nat/plan.h"
#include "nat/queue.h"
#include "nat/rules.h"
#include "net/rtnl.h"

/* RFC 3103 §10.4: at most one notice a second a host; so many hosts at once. */
#define MISUSE_HOSTS	256
#define MISUSE_INTERVAL 1000

/* Seconds without a packet, after which nothing is looked at before the next
 * one.  eBPF, which is not vouched for then, leaves that one to NFQUEUE. */
#define STILL_SECONDS	10
/* But at what hosts' packets have taught, while it is not forgotten. */
#define LOOK_SECONDS	60

#define PROC_QUEUES	"/proc/net/netfilter/nfnetlink_queue"

struct dataplane {
	struct dataplane_config config;
	struct dataplane_pool *pools;
	struct forward_public *public;	/* what the threads have */
	char public_if[IFNAMSIZ], private_if[IFNAMSIZ], public_out[IFNAMSIZ];
	const struct dataplane_ops *ops;
	void *arg;

	struct forward_shared shared;
	struct queue *queues;
	unsigned nqueues;
	bool running;

	const char *firewall;		/* what the rules process chose */
	struct rules_plan plan;
	struct helper rules;
	bool threaded;			/* the interfaces receive in threads */
	uint64_t mended;		/* times that rules were put back */
	bool	 gone;			/* rules are away, and
					 * nothing is forwarded */
	bool	 unjudged;		/* the router has no rules of its own
					 * about what it forwards */
	bool	 moved;			/* from the interfaces that eBPF is
					 * at */
	int proc_fd;			/* the kernel's own counters */
	int ctl_fd;			/* for asking about interfaces */

	struct event *start_event, *wake_event, *rules_event, *tick_event;
	uint64_t moved_sum;		/* of all that is counted */
	unsigned still;			/* seconds that it has not changed */
	uint64_t told[MISUSE_HOSTS];	/* when, by a hash of host and kind */
};

/* --- interfaces ----------------------------------------------------------- */

static int
interface_ask(int fd, const char *ifname, unsigned long what, struct ifreq *r)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->ifr_name, sizeof(r->ifr_name), "%s", ifname);
	return ioctl(fd, what, r);
}

/* The private link may be taken away and come back with another index or
 * MTU. */
static void
refresh_interfaces(struct dataplane *dp)
{
	struct forward_shared *s = &dp->shared;
	struct ifreq	     r;

	if (interface_ask(dp->ctl_fd, dp->private_if, SIOCGIFINDEX, &r) == 0)
		atomic_store(&s->private_index, (unsigned)r.ifr_ifindex);
	if (dp->config.mtu != 0)
		atomic_store(&s->mtu, dp->config.mtu);
	else if (interface_ask(dp->ctl_fd, dp->private_if, SIOCGIFMTU, &r) == 0)
		atomic_store(&s->mtu, (unsigned)r.ifr_mtu);
	if (interface_ask(dp->ctl_fd, dp->public_if, SIOCGIFMTU, &r) == 0)
		atomic_store(&s->public_mtu, (unsigned)r.ifr_mtu);
}

static int
find_interfaces(struct dataplane *dp)
{
	const char  *names[] = { dp->public_if, dp->private_if };
	struct ifreq r;

	dp->ctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (dp->ctl_fd == -1) {
		log_error("socket: %s", strerror(errno));
		return -1;
	}
	for (size_t i = 0; i < 2; i++) {
		if (interface_ask(dp->ctl_fd, names[i], SIOCGIFINDEX, &r) ==
		    -1) {
			log_error("interface %s: %s", names[i],
			    strerror(errno));
			return -1;
		}
	}
	refresh_interfaces(dp);
	return 0;
}

/* --- opening -------------------------------------------------------------- */

static int
copy_config(struct dataplane *dp, const struct dataplane_config *c)
{
	dp->config = *c;
	if (strlen(c->public_if) >= IFNAMSIZ ||
	    strlen(c->private_if) >= IFNAMSIZ) {
		log_error("interface name too long");
		return -1;
	}
	if (strcmp(c->public_if, c->private_if) == 0) {
		log_error("public-interface and private-interface are both %s: "
		    "a gateway stands between two", c->public_if);
		return -1;
	}
	snprintf(dp->public_if, sizeof(dp->public_if), "%s", c->public_if);
	snprintf(dp->private_if, sizeof(dp->private_if), "%s", c->private_if);
	if (c->public_out != NULL) {
		snprintf(dp->public_out, sizeof(dp->public_out), "%s",
		    c->public_out);
		dp->config.public_out = dp->public_out;
	}
	dp->pools = xcalloc(c->npools + 1, sizeof(dp->pools[0]));
	for (size_t i = 0; i < c->npools; i++)
		dp->pools[i] = c->pools[i];
	dp->config.public_if = dp->public_if;
	dp->config.private_if = dp->private_if;
	dp->config.pools = dp->pools;
	dp->nqueues = c->queues;
	if (dp->nqueues == 0) {
		long n = sysconf(_SC_NPROCESSORS_ONLN);

		dp->nqueues = n < 1 ? 1 : (unsigned)n;
	}
	if (dp->nqueues > DEMUX_READERS)
		dp->nqueues = DEMUX_READERS;
	if (c->queue_first + dp->nqueues > 65536) {
		log_error("queue-first = %u leaves no room for %u queues",
		    c->queue_first, dp->nqueues);
		return -1;
	}
	return 0;
}

static int
open_raw(struct dataplane *dp)
{
	uint32_t mark = MARK_OURS;
	int	 on = 1, fd;

	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd == -1) {
		log_error("raw socket: %s", strerror(errno));
		return -1;
	}
	dp->shared.raw_fd = fd;
	if (setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == -1) {
		log_error("raw socket: %s", strerror(errno));
		return -1;
	}
	return 0;
}

static int
open_queues(struct dataplane *dp)
{
	dp->queues = xcalloc(dp->nqueues, sizeof(dp->queues[0]));
	for (unsigned i = 0; i < dp->nqueues; i++) {
		if (queue_open(&dp->queues[i], &dp->shared, i,
			(uint16_t)(dp->config.queue_first + i),
			dp->config.queue_length) ==
		    -1)
			return -1;
	}
	return 0;
}

/* --- what threads and the rules process report ---------------------------- */

static void
tell_misuse(struct dataplane *dp, const struct forward_misuse *m, uint64_t now)
{
	/* Each kind by itself: the gateway tells of each (RFC 3103 §10.4). */
	size_t i = (addr_hash(&m->host) + (unsigned)m->verdict) % MISUSE_HOSTS;

	if (dp->told[i] != 0 && now - dp->told[i] < MISUSE_INTERVAL)
		return;
	dp->told[i] = now;
	if (dp->ops != NULL && dp->ops->misuse != NULL)
		dp->ops->misuse(dp->arg, &m->gateway, &m->host, m->verdict,
		    m->client_id, m->bind_id);
}

static void
take_misuses(struct dataplane *dp)
{
	struct forward_misuse m;
	uint64_t	    now = clock_now();

	for (unsigned i = 0; i < dp->nqueues; i++) {
		while (forward_take_misuse(&dp->queues[i].forward, &m))
			tell_misuse(dp, &m, now);
	}
}

static void
renew_offload(struct dataplane *dp)
{
	struct forward_shared *s = &dp->shared;
	struct offload_facts f = { .gateways = dp->config.gateways,
		.networks = dp->plan.networks, .nnetworks = dp->plan.nnetworks,
		.private_index = atomic_load(&s->private_index),
		.public_index = if_nametoindex(dp->public_if),
		.mtu = atomic_load(&s->mtu),
		.public_mtu = atomic_load(&s->public_mtu),
		.judged = !dp->unjudged };

	/* What is not vouched for forwards nothing. */
	if (!dp->moved)
		offload_tick(s->offload, &f);
}

static void
on_rules(int fd, void *arg)
{
	struct dataplane *dp = arg;
	char		  c;
	ssize_t		  n;

	n = recv(fd, &c, 1, MSG_DONTWAIT);
	if (n == 1 && c == RULES_MENDED) {
		dp->mended++;
		dp->gone = false;
	} else if (n == 1 && c == RULES_GONE) {
		dp->gone = true;
	} else if (n == 1 && c == RULES_AGAIN) {
		(void)rules_change(fd, &dp->plan);
	} else if (n == 1 && (c == RULES_JUDGED || c == RULES_UNJUDGED)) {
		dp->unjudged = c == RULES_UNJUDGED;
		renew_offload(dp);
	} else if (n == 1 && c == RULES_THREADED) {
		dp->threaded = true;
	} else if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR)) {
		/* What flushes them now would let packets through as they
		 * are. */
		log_error("the process that keeps firewall rules is gone: "
		    "ending, so that who supervises us starts anew");
		event_del(dp->rules_event);
		dp->firewall = "lost";
		dp->ops->lost(dp->arg);
	}
}

/* Of packets that came, whichever way they went. */
static uint64_t
moved_sum(struct dataplane *dp)
{
	struct offload_counts o = { 0 };
	uint64_t	      sum = 0;

	if (dp->shared.offload != NULL)
		offload_count(dp->shared.offload, &o);
	sum = o.packets_in + o.packets_out + o.refreshed;
	for (unsigned i = 0; i < dp->nqueues; i++) {
		for (unsigned c = 0; c < FORWARD_COUNTERS; c++)
			sum += atomic_load_explicit(
			    &dp->queues[i].forward.count[c],
			    memory_order_relaxed);
	}
	return sum;
}

static void
tick_every(struct dataplane *dp, unsigned seconds)
{
	watch_after(dp->tick_event, seconds * 1000);
}

/* What comes meanwhile wakes us, or is of the second before. */
static void
fall_asleep(struct dataplane *dp)
{
	atomic_store(&dp->shared.asleep, true);
	if (moved_sum(dp) != dp->moved_sum) {
		atomic_store(&dp->shared.asleep, false);
		return;
	}
	rules_rest(dp->rules.fd, true);
	if (demux_rests(dp->shared.demux))
		event_del(dp->tick_event);
	else
		tick_every(dp, LOOK_SECONDS);
}

static void
awaken(struct dataplane *dp)
{
	if (dp->still >= STILL_SECONDS) {
		atomic_store(&dp->shared.asleep, false);
		rules_rest(dp->rules.fd, false);
		tick_every(dp, 1);
	}
	dp->still = 0;
}

static void
on_tick(void *arg)
{
	struct dataplane *dp = arg;
	uint64_t	  sum;

	refresh_interfaces(dp);
	/* A wake-up may be missed when a ring runs empty just then. */
	take_misuses(dp);
	demux_tick(dp->shared.demux, clock_now());
	sum = moved_sum(dp);
	if (sum != dp->moved_sum)
		awaken(dp);
	else
		dp->still++;
	dp->moved_sum = sum;
	if (dp->still >= STILL_SECONDS && !dp->gone)
		fall_asleep(dp);
	else
		renew_offload(dp);
}

void
dataplane_stir(struct dataplane *dp)
{
	bool slept = dp->still >= STILL_SECONDS;

	awaken(dp);
	if (slept)
		on_tick(dp);
}

static void
on_wake(int fd, void *arg)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) != sizeof(n))
		return;
	dataplane_stir(arg);
	take_misuses(arg);
}

/*
 * The threads begin with the event loop: by then the process has given up its
 * privileges, so that they are born with the few that are left and need not
 * be stripped one by one.  Packets wait in the kernel's queues meanwhile.
 */
static void
on_start(void *arg)
{
	struct dataplane *dp = arg;

	for (unsigned i = 0; i < dp->nqueues; i++) {
		if (queue_start(&dp->queues[i]) == -1)
			return;
	}
	dp->running = true;
}

static void
make_events(struct dataplane *dp, struct event_base *base)
{
	dp->start_event = watch_timer(base, on_start, dp);
	dp->tick_event = watch_ticks(base, on_tick, dp);
	dp->wake_event = watch_fd(base, dp->shared.wake_fd, on_wake, dp);
	dp->rules_event = watch_fd(base, dp->rules.fd, on_rules, dp);
	watch_after(dp->start_event, 0);
	tick_every(dp, 1);
}

/* The threads see the pools of now, or those of before until they look
 * again. */
static void
publish(struct dataplane *dp, const struct addr *addr)
{
	size_t		     n = dp->config.npools;
	struct forward_public *new = xcalloc(1, sizeof(*new) +
	    n * sizeof(new->pool[0]));
	void		    *old = dp->public;

	new->addr = *addr;
	new->gateways = dp->config.gateways;
	memcpy(new->networks, dp->plan.networks, sizeof(new->networks));
	new->nnetworks = dp->plan.nnetworks;
	new->npools = n;
	for (size_t i = 0; i < n; i++)
		new->pool[i] = (struct forward_pool){ .addr = dp->pools[i].addr,
			.local = dp->pools[i].local,
			.away = dp->pools[i].away };
	atomic_store_explicit(&dp->shared.public, new, memory_order_release);
	dp->public = new;
	offload_set_locals(dp->shared.offload, dp->pools, n);
	if (old != NULL)
		demux_retire(dp->shared.demux, old);
}

struct dataplane *
dataplane_open(const struct dataplane_config *c, struct event_base *base,
    struct demux *d, const struct dataplane_ops *ops, void *arg)
{
	struct dataplane *dp = xcalloc(1, sizeof(*dp));
	struct addr	  addr;

	dp->ops = ops;
	dp->arg = arg;
	dp->rules.fd = dp->proc_fd = dp->ctl_fd = -1;
	dp->shared.raw_fd = dp->shared.wake_fd = -1;
	if (copy_config(dp, c) == -1 || find_interfaces(dp) == -1)
		goto fail;
	dp->shared.demux = d;
	if (rtnl_addr_of(dp->public_if, AF_INET, &addr, NULL) == -1) {
		log_error("interface %s has no IPv4 address", dp->public_if);
		goto fail;
	}
	atomic_store(&dp->shared.outer_id, random_uniform(65536));
	demux_set_local_ipsec(d, c->local_ipsec);
	demux_set_refuse_ike(d, c->refuse_ike);
	atomic_store(&dp->shared.inner_id, random_uniform(65536));
	if (plan_make(&dp->plan, &dp->config, dp->nqueues) == -1)
		goto fail;
	publish(dp, &addr);
	/* First of all: the child need not have what is opened below. */
	if (rules_start(&dp->plan, &dp->rules) == -1)
		goto fail;
	dp->shared.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (dp->shared.wake_fd == -1) {
		log_error("eventfd: %s", strerror(errno));
		goto fail;
	}
	if (open_raw(dp) == -1 || open_queues(dp) == -1)
		goto fail;
	if (c->offload != DATAPLANE_OFFLOAD_NONE)
		dp->shared.offload = offload_open(c->offload, dp->public_if,
		    dp->private_if, c->room > c->npools ? c->room : c->npools);
	if (dp->shared.offload != NULL) {
		offload_watch(dp->shared.offload, d);
		offload_set_locals(dp->shared.offload, dp->pools,
		    dp->config.npools);
		renew_offload(dp);
	}
	/* No rule sends packets to a queue that nobody has opened. */
	if (rules_begin(dp->rules.fd, &dp->firewall) == -1)
		goto fail;
	dp->proc_fd = open(PROC_QUEUES, O_RDONLY | O_CLOEXEC);
	make_events(dp, base);
	log_info("data plane: %s rules, NFQUEUE %u to %u, tunnel MTU %u",
	    dp->firewall, c->queue_first, c->queue_first + dp->nqueues - 1,
	    atomic_load(&dp->shared.mtu));
	return dp;
fail:
	dataplane_close(dp);
	return NULL;
}

int
dataplane_set_pools(struct dataplane *dp, const struct dataplane_pool *pools,
    size_t n, const struct addr *addr)
{
	struct dataplane_pool *before = dp->pools;
	size_t		       nbefore = dp->config.npools;

	dp->pools = xcalloc(n + 1, sizeof(dp->pools[0]));
	memcpy(dp->pools, pools, n * sizeof(dp->pools[0]));
	dp->config.pools = dp->pools;
	dp->config.npools = n;
	if (plan_set_napt(&dp->plan) == -1) {
		free(dp->pools);
		dp->config.pools = dp->pools = before;
		dp->config.npools = nbefore;
		return -1;
	}
	free(before);
	publish(dp, addr);
	if (rules_change(dp->rules.fd, &dp->plan) == -1)
		log_error("firewall rules: pools stay as they were: %s",
		    strerror(errno));
	return 0;
}

static void
set_name(char to[IFNAMSIZ], const char *name, bool *moved)
{
	if (strcmp(to, name) != 0)
		*moved = true;
	snprintf(to, IFNAMSIZ, "%s", name);
}

int
dataplane_set_links(struct dataplane *dp, const struct dataplane_links *l)
{
	bool moved = false;

	if (strlen(l->public_if) >= IFNAMSIZ ||
	    strlen(l->private_if) >= IFNAMSIZ ||
	    strcmp(l->public_if, l->private_if) == 0) {
		log_error("public-interface %s and private-interface %s: a "
		    "gateway stands between two", l->public_if, l->private_if);
		return -1;
	}
	if (plan_set_private(&dp->plan, l->private_if) == -1)
		return -1;
	set_name(dp->public_if, l->public_if, &moved);
	set_name(dp->private_if, l->private_if, &moved);
	set_name(dp->public_out, l->public_out != NULL ? l->public_out : "",
	    &moved);
	dp->config.public_out = l->public_out != NULL ? dp->public_out : NULL;
	dp->config.gateways = l->gateways;
	if (moved && !dp->moved && dp->shared.offload != NULL)
		log_warn("other interfaces: eBPF is not at these before a "
		    "restart, and NFQUEUE does it all");
	dp->moved |= moved;
	refresh_interfaces(dp);
	return 0;
}

void
dataplane_set_hosts(struct dataplane *dp, const struct prefix *hosts, size_t n)
{
	plan_set_hosts(&dp->plan, hosts, n);
	if (rules_change(dp->rules.fd, &dp->plan) == -1)
		log_error("firewall rules: the networks that may speak RSIP "
		    "stay as they were: %s", strerror(errno));
}

void
dataplane_close(struct dataplane *dp)
{
	if (dp == NULL)
		return;
	/* Rules first: what comes later is the router's again, not lost. */
	rules_stop(&dp->rules);
	dataplane_leave(dp);
}

void
dataplane_leave(struct dataplane *dp)
{
	if (dp == NULL)
		return;
	watch_end(dp->start_event);
	watch_end(dp->tick_event);
	watch_end(dp->wake_event);
	watch_end(dp->rules_event);
	helper_leave(&dp->rules);
	if (dp->queues != NULL) {
		for (unsigned i = 0; i < dp->nqueues; i++)
			queue_close(&dp->queues[i]);
	}
	if (dp->shared.demux != NULL)
		demux_watch(dp->shared.demux, NULL, NULL);
	offload_close(dp->shared.offload);
	if (dp->proc_fd != -1)
		close(dp->proc_fd);
	if (dp->ctl_fd != -1)
		close(dp->ctl_fd);
	if (dp->shared.raw_fd != -1)
		close(dp->shared.raw_fd);
	if (dp->shared.wake_fd != -1)
		close(dp->shared.wake_fd);
	free(dp->queues);
	free(dp->public);
	free(dp->pools);
	free(dp);
}

/* --- status --------------------------------------------------------------- */

struct counts {
	const char *path, *firewall, *receive, *joined, *where;
	uint64_t    mended, queues, mtu, overload, waiting;
	uint64_t    packets[FORWARD_COUNTERS];
	struct offload_counts offload;
};

#define ROW struct counts
#define COUNT(which)	packets[FORWARD_COUNT_##which]

static const struct report_field path_fields[] = {
	TEXT("path", path, "what forwards packets"),
	TEXT("firewall", firewall, "whose rules bring packets here"),
	TEXT("receive", receive, "where the interfaces' packets are received"),
	COUNTER("rules_mended", mended,
	    "times that rules which others removed were put back"),
	GAUGE("queues", queues, "threads that decide about packets"),
	FIELD("tunnel_mtu", NUMBER, BYTES, mtu, "longest packet towards hosts"),
	PASSED("packets_in", COUNT(IN), "packets", "nfqueue direction=in"),
	PASSED("packets_out", COUNT(OUT), "packets", "nfqueue direction=out"),
	PASSED("packets_between_hosts", COUNT(HAIRPIN), "packets",
	    "nfqueue direction=between_hosts"),
	PASSED_BYTES("bytes_in", COUNT(BYTES_IN), "packet_bytes",
	    "nfqueue direction=in"),
	PASSED_BYTES("bytes_out", COUNT(BYTES_OUT), "packet_bytes",
	    "nfqueue direction=out"),
	PASSED_BYTES("bytes_between_hosts", COUNT(BYTES_HAIRPIN),
	    "packet_bytes", "nfqueue direction=between_hosts"),
	COUNTER("left_to_router", COUNT(NOT_OURS),
	    "packets for a leased address that are the router's own"),
	DROPPED("dropped_unknown", COUNT(DROP_UNKNOWN), "dropped_packets",
	    "unknown"),
	DROPPED("dropped_misuse", COUNT(DROP_MISUSE), "dropped_packets",
	    "misuse"),
	DROPPED("dropped_malformed", COUNT(DROP_MALFORMED), "dropped_packets",
	    "malformed"),
	DROPPED("dropped_ecn", COUNT(DROP_ECN), "dropped_packets", "ecn"),
	DROPPED("dropped_overload", overload, "dropped_packets", "overload"),
	DROPPED("dropped_too_big", COUNT(TOO_BIG), "dropped_packets",
	    "too_big"),
	DROPPED("dropped_ttl", COUNT(TTL), "dropped_packets", "ttl"),
	DROPPED("dropped_refused", COUNT(REFUSED), "dropped_packets",
	    "refused"),
	COUNTER("verdicts_late", COUNT(LOST),
	    "packets that the kernel had forgotten before the verdict"),
	GAUGE("packets_waiting", waiting, "packets in the kernel's queues"),
	{ 0 }
};

static const struct report_field offload_fields[] = {
	TEXT("offload", where,
	    "where eBPF forwards: at the cards (xdp) or in the kernel (tc)"),
	TEXT("offload_joined", joined,
	    "what forwards joined segments out of tunnels"),
	PASSED("offloaded_in", offload.packets_in, "packets",
	    "ebpf direction=in"),
	PASSED("offloaded_out", offload.packets_out, "packets",
	    "ebpf direction=out"),
	PASSED_BYTES("offloaded_bytes_in", offload.bytes_in, "packet_bytes",
	    "ebpf direction=in"),
	PASSED_BYTES("offloaded_bytes_out", offload.bytes_out, "packet_bytes",
	    "ebpf direction=out"),
	COUNTER("offload_refreshed", offload.refreshed,
	    "packets of offloaded flows that took the slow way"),
	COUNTER("offloaded_xdp", offload.cards,
	    "packets that eBPF forwarded at the cards"),
	{ 0 }
};

struct table_counts {
	size_t bindings, keys, bytes;
};

#undef ROW
#define ROW struct table_counts
static const struct report_field table_fields[] = {
	GAUGE("bindings", bindings, "bindings that packets are judged by"),
	GAUGE("keys", keys, "ports, SPIs, cookies and what traffic taught"),
	BYTES("memory", bytes, "memory of the table, about"),
	{ 0 }
};

/* Columns of a line of PROC_QUEUES. */
enum { COLUMN_NUMBER, COLUMN_WAITING = 2, COLUMN_FULL = 5, COLUMN_REFUSED,
	COLUMNS };

static bool
read_columns(const char *line, unsigned long column[COLUMNS])
{
	char *end;

	for (size_t i = 0; i < COLUMNS; i++) {
		column[i] = strtoul(line, &end, 10);
		if (end == line)
			return false;
		line = end;
	}
	return true;
}

/* Packets of our queues that the kernel dropped: too many waiting, or too
 * much for our socket. */
static uint64_t
kernel_drops(const struct dataplane *dp, uint64_t *waiting)
{
	char	      text[8192], *save = NULL;
	unsigned long column[COLUMNS], sum = 0;
	ssize_t	      n;

	*waiting = 0;
	n = dp->proc_fd == -1 ? -1 :
			      pread(dp->proc_fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (!read_columns(line, column) ||
		    column[COLUMN_NUMBER] < dp->config.queue_first ||
		    column[COLUMN_NUMBER]
			>= dp->config.queue_first + dp->nqueues)
			continue;
		sum += column[COLUMN_FULL] + column[COLUMN_REFUSED];
		*waiting += column[COLUMN_WAITING];
	}
	return sum;
}

bool
dataplane_rules_gone(const struct dataplane *dp)
{
	return dp != NULL && dp->gone;
}

static const char *
path_name(const struct dataplane *dp)
{
	if (!dp->running)
		return "not running";
	if (dp->shared.offload == NULL)
		return "nfqueue";
	return dp->unjudged ? "ebpf, nfqueue for what is judged or learnt" :
	    "nfqueue and the router's rules, then ebpf";
}

void
dataplane_report(struct dataplane *dp, struct report *r)
{
	struct counts	    c = { .firewall = dp->firewall,
		.mended = dp->mended, .queues = dp->nqueues };
	struct table_counts t;
	size_t		    i;
	unsigned	    k;

	c.path = path_name(dp);
	c.receive = dp->threaded ? "in threads" : "in soft interrupts";
	c.mtu = atomic_load(&dp->shared.mtu);
	for (i = 0; i < FORWARD_COUNTERS; i++) {
		for (k = 0; k < dp->nqueues; k++)
			c.packets[i] += atomic_load_explicit(
			    &dp->queues[k].forward.count[i],
			    memory_order_relaxed);
	}
	c.overload = kernel_drops(dp, &c.waiting);
	report_write(r, "dataplane", "dataplane", path_fields, &c);
	if (dp->shared.offload != NULL) {
		offload_count(dp->shared.offload, &c.offload);
		c.where = offload_at_cards(dp->shared.offload) ? "xdp" : "tc";
		c.joined = offload_joined(dp->shared.offload) ? "ebpf" :
		    "nfqueue";
	}
	if (dp->shared.offload != NULL || report_form(r) == REPORT_SCHEMA)
		report_write(r, "dataplane", "dataplane", offload_fields, &c);
	demux_count(dp->shared.demux, &t.bindings, &t.keys, &t.bytes);
	report_write(r, "demux", "demux", table_fields, &t);
}
