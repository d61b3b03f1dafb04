/* rules.c - the root process that keeps firewall rules and interface settings for the data plane */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "nat/offload.h"
#include "nat/rules.h"
#include "nat/rules_backend.h"
#include "nat/rules_judge.h"
#include "net/netlink.h"
#include "net/rtnl.h"

/* How long rules that somebody removed may be missing (ms). */
#define CHECK_INTERVAL	2000
/* In so many of these the router's own rules are looked at too, which the
 * kernel does not tell of where they are iptables' of old; and neighbours hear
 * again of addresses that go from machine to machine. */
#define JUDGE_CHECKS	5
/* After a change that the kernel tells of, before we look (ms). */
#define SETTLE		300
/* iptables may wait for another's lock and load modules. */
#define BEGIN_TIMEOUT	30000
/* Which tables of the older iptables there are. */
#define OLD_TABLES	"/proc/net/ip_tables_names"

/* What the daemon tells the process, one byte each. */
enum { ORDER_END = 'e', ORDER_REST = 'r', ORDER_WATCH = 'w' };

static const struct rules_backend *const backends[] = { &rules_nftables,
#ifdef HAVE_IPTABLES
	&rules_iptables,
#endif
};

/* what: enum rules_event. */
static void
tell_daemon(int fd, char what)
{
	if (send(fd, &what, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
		log_debug("firewall rules: the daemon does not listen");
}

/* --- the process ---------------------------------------------------------- */

static const struct rules_backend *
choose_backend(enum dataplane_firewall firewall)
{
	switch (firewall) {
	case DATAPLANE_FIREWALL_NFTABLES:
		if (rules_nftables.usable())
			return &rules_nftables;
		log_error("firewall = nftables: this machine's kernel or nft "
		    "cannot queue packets; say firewall = \"iptables\"");
		return NULL;
	case DATAPLANE_FIREWALL_IPTABLES:
#ifdef HAVE_IPTABLES
		if (rules_iptables.usable())
			return &rules_iptables;
		log_error("firewall = iptables: this machine's kernel or "
		    "iptables has no NFQUEUE, CT or REJECT target or no "
		    "rpfilter match; say firewall = \"nftables\"");
#else
		log_error("firewall = iptables: this program was built "
		    "without it (--disable-iptables)");
#endif
		return NULL;
	default:
		for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]);
		    i++) {
			if (backends[i]->usable())
				return backends[i];
		}
		log_error("neither nft nor iptables can queue packets here: "
		    "install one, with its kernel modules nfnetlink_queue and "
		    "nft_queue and nft_fib_ipv4, or xt_NFQUEUE and "
		    "ipt_rpfilter");
		return NULL;
	}
}

struct keeper {
	struct rules_plan *plan;		/* the process's own copies */
	struct dataplane_config *config;
	struct dataplane_pool *pools;
	const struct rules_backend *backend;	/* NULL: firewall = none */
	struct rules_settings saved;
	char *dump;				/* the rules as we made them */
	char public_if[IFNAMSIZ], private_if[IFNAMSIZ], public_out[IFNAMSIZ];
	const struct dataplane_config *first;	/* at whose interfaces eBPF
						 * is */
	int  alone;				/* helper_alone()'s
						 * descriptor */
	bool ordered;				/* the daemon said that it
						 * ends for good */
	bool rests;				/* or that nothing moves */
	bool threaded;				/* interfaces receive in
						 * threads */
	bool gone;				/* not put back so far, and that
						 * was said */
	char judged;				/* what was said of it; 0:
						 * nothing */
};

static int
keeper_install(struct keeper *k)
{
	char *dump;

	if (k->backend == NULL)
		return 0;
	/* If it fails (another program has the lock), what we had stays, so
	 * that the next look finds it amiss and tries again. */
	if (k->backend->install(k->plan, &k->saved) == -1)
		return -1;
	/* Somebody may have removed them again before we looked: what is to be
	 * compared with is what we made. */
	if ((dump = k->backend->dump()) != NULL &&
	    k->backend->whole(k->plan, dump)) {
		free(k->dump);
		k->dump = dump;
	} else
		free(dump);
	return 0;
}

/* What a predecessor that was killed left behind tells what to put back. */
static int
keeper_begin(struct keeper *k)
{
	char *old;

	if (k->plan->config->firewall != DATAPLANE_FIREWALL_NONE) {
		k->backend = choose_backend(k->plan->config->firewall);
		if (k->backend == NULL)
			return -1;
		for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]);
		    i++) {
			old = backends[i]->dump();
			if (old == NULL || *old == '\0') {
				free(old);
				continue;
			}
			log_info("taking over the %s rules of a gateway that "
			    "did not end cleanly", backends[i]->name);
			rules_read_saved(old, &k->saved);
			if (backends[i] != k->backend)
				backends[i]->remove();
			free(old);
		}
	}
	rules_settings_apply(k->plan, &k->saved);
	k->threaded = rules_settings_once(k->plan, &k->saved);
	return keeper_install(k);
}

static void
keeper_check(struct keeper *k, int fd)
{
	char *now;
	bool  same;

	rules_settings_apply(k->plan, &k->saved);
	if (k->backend == NULL || (now = k->backend->dump()) == NULL)
		return;
	same = k->dump != NULL && strcmp(now, k->dump) == 0;
	free(now);
	if (same && !k->gone)
		return;
	if (!k->gone)
		log_warn("somebody changed or removed our %s rules: putting "
		    "them back", k->backend->name);
	if (keeper_install(k) == 0) {
		k->gone = false;
		tell_daemon(fd, RULES_MENDED);
	} else if (!k->gone) {
		k->gone = true;
		tell_daemon(fd, RULES_GONE);
	}
}

static void
keeper_end(struct keeper *k)
{
	if (k->backend != NULL)
		k->backend->remove();
	rules_settings_restore(&k->saved);
	/* A daemon that was killed could not. */
	if (k->first->offload)
		offload_sweep(k->first->public_if, k->first->private_if);
	free(k->dump);
}

/* For eBPF, whose packets pass no rule. */
static void
keeper_judge(struct keeper *k, int fd)
{
	char now;

	if (!k->first->offload)
		return;
	now = rules_judge() ? RULES_JUDGED : RULES_UNJUDGED;
	if (now != k->judged)
		tell_daemon(fd, now);
	k->judged = now;
}

/* What may be other than at the start. */
struct news {
	char public_if[IFNAMSIZ], private_if[IFNAMSIZ], public_out[IFNAMSIZ];
	struct dataplane_gateways gateways;
	struct prefix networks[RULES_NETWORKS];
	size_t nnetworks, npools, nhosts;
	struct demux_range napt_ports;
	struct prefix hosts[RULES_HOSTS];
	struct dataplane_pool pools[DATAPLANE_POOLS_MAX];
};

static void
keeper_move(struct keeper *k, const struct news *new, int fd)
{
	bool moved = strcmp(new->public_if, k->config->public_if) != 0 ||
	    strcmp(new->private_if, k->config->private_if) != 0;

	memcpy(k->public_if, new->public_if, sizeof(k->public_if));
	memcpy(k->private_if, new->private_if, sizeof(k->private_if));
	memcpy(k->public_out, new->public_out, sizeof(k->public_out));
	k->config->public_if = k->public_if;
	k->config->private_if = k->private_if;
	k->config->public_out = *k->public_out != '\0' ? k->public_out : NULL;
	k->config->gateways = new->gateways;
	memcpy(k->plan->networks, new->networks, sizeof(new->networks));
	k->plan->nnetworks = new->nnetworks;
	if (moved && rules_settings_once(k->plan, &k->saved))
		tell_daemon(fd, RULES_THREADED);
}

/* What the daemon says in a byte. */
static void
keeper_order(struct keeper *k, int fd, char order)
{
	k->ordered |= order == ORDER_END;
	if (k->rests && order == ORDER_WATCH) {
		keeper_check(k, fd);
		keeper_judge(k, fd);
	}
	k->rests = order == ORDER_REST;
}

/* Other interfaces, hosts or pools, or the daemon's end: false. */
static bool
keeper_hear(struct keeper *k, int fd)
{
	static struct news new;
	ssize_t		   n;

	n = recv(fd, &new, sizeof(new), MSG_DONTWAIT);
	if (n < 1)
		return n == -1 && (errno == EAGAIN || errno == EINTR);
	if (n == 1) {
		keeper_order(k, fd, *(const char *)&new);
		return true;
	}
	if (n != sizeof(new) || new.nhosts > RULES_HOSTS ||
	    new.nnetworks > RULES_NETWORKS ||
	    new.npools > DATAPLANE_POOLS_MAX)
		return true;
	k->plan->nhosts = new.nhosts;
	memcpy(k->plan->hosts, new.hosts, sizeof(new.hosts));
	k->plan->napt_ports = new.napt_ports;
	memcpy(k->pools, new.pools, sizeof(new.pools));
	k->config->npools = new.npools;
	keeper_move(k, &new, fd);
	rules_settings_pools(k->plan, &k->saved);
	(void)keeper_install(k);
	return true;
}

static bool
any_old_table(void)
{
	char one;
	int  fd = open(OLD_TABLES, O_RDONLY | O_CLOEXEC);
	bool any = fd != -1 && read(fd, &one, 1) == 1;

	if (fd != -1)
		close(fd);
	return any;
}

/* Two may have had its addresses for a while, and the other one was heard last:
 * neighbours hear of them again and again. */
static bool
keeper_announces(const struct keeper *k)
{
	const struct dataplane_config *c = k->config;

	for (size_t i = 0; c->roams && i < c->npools; i++) {
		if (!c->pools[i].local)
			return true;
	}
	return false;
}

/*
 * May changes be waited for?  The older iptables changes rules without a word,
 * and who is to put some back that could not be tries again.
 */
static bool
keeper_may_rest(const struct keeper *k, int monitor)
{
	return k->rests && !k->gone && !keeper_announces(k) &&
	    (k->backend == NULL ||
	    (monitor != -1 && !any_old_table()));
}

/* Until the daemon ends: looks at each change, or else each interval. */
static void
keeper_watch(struct keeper *k, int fd)
{
	/* Most iptables are nftables today.  Without this only the interval
	 * notices. */
	static const unsigned group = NFNLGRP_NFTABLES;
	int		      monitor = k->backend == NULL ? -1 :
	    netlink_monitor(NETLINK_NETFILTER, &group, 1);
	struct pollfd	      p[2] = { { .fd = fd, .events = POLLIN },
			 { .fd = monitor, .events = POLLIN } };
	unsigned	      checks = 0;

	for (;;) {
		if (poll(p, 2, keeper_may_rest(k, monitor) ? -1 :
		    CHECK_INTERVAL) == -1) {
			if (errno == EINTR)
				continue;
			break;
		}
		if (p[0].revents != 0) {
			if (!keeper_hear(k, fd))
				break;
			continue;
		}
		if (p[1].revents != 0) {
			/* Whoever it is shall finish, and may do much: */
			if (poll(p, 1, SETTLE) != 0)
				continue;
			netlink_drain(monitor);
			checks = 0;
		}
		keeper_check(k, fd);
		if (checks++ % JUDGE_CHECKS != 0)
			continue;
		keeper_judge(k, fd);
		if (keeper_announces(k))
			rules_settings_announce(k->plan);
	}
	if (monitor != -1)
		close(monitor);
}

/* Readable when somebody wants the end now: a machine that shuts down, too. */
static int
keeper_hurry(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGTERM, SIG_DFL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static bool
is_any_here(const struct dataplane_gateways *g)
{
	for (size_t i = 0; i < g->n; i++) {
		if (rtnl_is_local(&g->list[i], 0))
			return true;
	}
	return false;
}

/*
 * The daemon is away, and whoever starts it again has its leases.  Until then
 * packets for hosts are lost; without the rules the router itself would answer
 * them, and end connections that are to go on.  True: a successor is here, and
 * takes over what there is.
 */
static bool
keeper_linger(struct keeper *k)
{
	const struct dataplane_config *c = k->config;
	struct pollfd		       p[3] = { { .fd = k->alone },
		{ .fd = -1 }, { .fd = -1 } };
	uint64_t		       now, end;
	bool			       taken = false;

	if (k->ordered || c->linger == 0 || k->alone == -1)
		return false;
	p[1].fd = keeper_hurry();
	p[2].fd = c->roams ? rtnl_monitor() : -1;
	for (size_t i = 0; i < 3; i++)
		p[i].events = POLLIN;
	end = clock_now() + c->linger;
	log_info("the gateway is away: firewall rules stay for %u s, until one "
	    "takes over", c->linger / 1000);
	k->plan->away = true;
	(void)keeper_install(k);
	while (!taken && p[1].revents == 0 && (now = clock_now()) < end &&
	    (!c->roams || is_any_here(&c->gateways))) {
		if (poll(p, 3, (int)(end - now)) == -1)
			break;
		taken = p[0].revents != 0;
		if (p[2].revents != 0)
			netlink_drain(p[2].fd);
	}
	if (!taken)
		log_info("nobody took over: firewall rules go");
	close(p[1].fd);
	if (p[2].fd != -1)
		close(p[2].fd);
	return taken;
}

/* The daemon gave up before there was anything; but what a predecessor left to
 * it would stay for ever. */
static void
keeper_abandon(struct keeper *k)
{
	char *old;

	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		if ((old = backends[i]->dump()) != NULL && *old != '\0') {
			rules_read_saved(old, &k->saved);
			backends[i]->remove();
		}
		free(old);
	}
	rules_settings_restore(&k->saved);
}

static void
rules_main(int fd, bool again, void *arg)
{
	static struct rules_plan       copy;
	static struct dataplane_config config;
	static struct dataplane_pool   pools[DATAPLANE_POOLS_MAX];
	struct dataplane_config	       first;
	struct keeper		       k = { .plan = &copy, .config = &config,
		.pools = pools, .first = &first };
	char			       go;

	memcpy(&copy, arg, sizeof(copy));
	config = *copy.config;
	memcpy(pools, config.pools, config.npools * sizeof(pools[0]));
	config.pools = pools;
	copy.config = &config;
	first = config;
	rtnl_forked();
	k.alone = helper_alone("rules");
	if (!again)
		tell_daemon(fd, RULES_ALONE);
	/* The rules of one that was killed are still there. */
	if (!again && recv(fd, &go, 1, 0) != 1) {
		if (k.alone != -1)
			keeper_abandon(&k);
		return;
	}
	/* Somebody may be at the firewall just now: the watch tries again. */
	if (keeper_begin(&k) == -1 && (!again || k.backend == NULL)) {
		rules_settings_restore(&k.saved);
		tell_daemon(fd, RULES_FAILED);
		_exit(1);
	}
	if (again)
		tell_daemon(fd, RULES_AGAIN);
	else if (k.backend == NULL)
		tell_daemon(fd, RULES_UP_NONE);
	else
		tell_daemon(fd, k.backend == &rules_nftables ?
		    RULES_UP_NFTABLES : RULES_UP_IPTABLES);
	if (k.threaded)
		tell_daemon(fd, RULES_THREADED);
	keeper_judge(&k, fd);
	keeper_watch(&k, fd);
	if (keeper_linger(&k))
		return;
	keeper_end(&k);
}

/* The next byte that the process says, or 0 after a log line. */
static char
rules_hear(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char	      c;

	while (poll(&p, 1, BEGIN_TIMEOUT) == -1 && errno == EINTR)
		continue;
	if (recv(fd, &c, 1, MSG_DONTWAIT) == 1)
		return c;
	log_error("the firewall process does not answer");
	return 0;
}

int
rules_start(const struct rules_plan *plan, struct helper *h)
{
	struct helper_work w = { .name = "rsip-rules",
		.does = "keeps firewall rules", .type = SOCK_SEQPACKET,
		.serve = rules_main, .arg = (void *)(uintptr_t)plan };

	return helper_start(h, &w) == -1 || rules_hear(h->fd) != RULES_ALONE ?
	    -1 : 0;
}

int
rules_begin(int fd, const char **backend)
{
	char c = 'g';

	if (send(fd, &c, 1, MSG_NOSIGNAL) == -1)
		return -1;
	switch (rules_hear(fd)) {
	case RULES_UP_NFTABLES:
		*backend = rules_nftables.name;
		return 0;
	case RULES_UP_IPTABLES:
		*backend = rules_iptables.name;
		return 0;
	case RULES_UP_NONE:
		*backend = "none";
		return 0;
	default:
		return -1;
	}
}

void
rules_stop(struct helper *h)
{
	char c = ORDER_END;

	if (h->fd != -1 && send(h->fd, &c, 1, MSG_NOSIGNAL) == -1)
		log_debug("firewall rules: %s", strerror(errno));
	helper_stop(h);
}

void
rules_rest(int fd, bool rest)
{
	char c = rest ? ORDER_REST : ORDER_WATCH;

	if (send(fd, &c, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
		log_debug("firewall rules: %s", strerror(errno));
}

int
rules_change(int fd, const struct rules_plan *plan)
{
	static struct news	       new;
	const struct dataplane_config *c = plan->config;

	memset(&new, 0, sizeof(new));
	snprintf(new.public_if, sizeof(new.public_if), "%s", c->public_if);
	snprintf(new.private_if, sizeof(new.private_if), "%s", c->private_if);
	snprintf(new.public_out, sizeof(new.public_out), "%s",
	    c->public_out != NULL ? c->public_out : "");
	new.gateways = c->gateways;
	memcpy(new.networks, plan->networks, sizeof(new.networks));
	new.nnetworks = plan->nnetworks;
	new.nhosts = plan->nhosts;
	memcpy(new.hosts, plan->hosts, sizeof(new.hosts));
	new.napt_ports = plan->napt_ports;
	new.npools = plan->config->npools;
	memcpy(new.pools, plan->config->pools,
	    new.npools * sizeof(new.pools[0]));
	return send(fd, &new, sizeof(new), MSG_NOSIGNAL | MSG_DONTWAIT) == -1 ?
	    -1 : 0;
}
