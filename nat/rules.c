/* rules.c - the root process that keeps firewall rules and interface settings for the data plane */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "base/log.h"
#include "base/util.h"
#include "nat/address.h"
#include "nat/rules.h"

/* How long rules that somebody removed may be missing (ms). */
#define CHECK_INTERVAL	2000
/* iptables may wait for another's lock and load modules. */
#define BEGIN_TIMEOUT	30000
#define FD_MAX		1024
/* The note of an address that is answered for. */
#define CLAIM		"address/"

static const struct rules_backend *const backends[] = { &rules_nftables,
	&rules_iptables };

static void
say(int fd, char what)
{
	if (send(fd, &what, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
		log_debug("firewall rules: the daemon does not listen");
}

/* --- settings of /proc/sys ----------------------------------------------- */

static int
setting_read(const char *key, char *value, size_t cap)
{
	char	path[128];
	ssize_t n;
	int	fd;

	snprintf(path, sizeof(path), "/proc/sys/%s", key);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = read(fd, value, cap - 1);
	close(fd);
	if (n == -1)
		return -1;
	value[n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

static int
setting_write(const char *key, const char *value)
{
	char path[128], line[1026];
	int  fd, n, rc = 0;

	snprintf(path, sizeof(path), "/proc/sys/%s", key);
	/* A line of its own: an empty list is written as an empty line. */
	n = snprintf(line, sizeof(line), "%s\n", value);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (write(fd, line, (size_t)n) != n)
		rc = -1;
	close(fd);
	return rc;
}

/* Keeps what a setting was, unless a dead predecessor's note of it is there. */
static void
setting_save(struct rules_settings *saved, const char *key)
{
	struct rules_setting *s;

	for (size_t i = 0; i < saved->n; i++) {
		if (strcmp(saved->list[i].key, key) == 0)
			return;
	}
	if (saved->n == RULES_SETTINGS)
		return;
	s = &saved->list[saved->n];
	snprintf(s->key, sizeof(s->key), "%s", key);
	if (setting_read(key, s->value, sizeof(s->value)) == 0 &&
	    strlen(s->value) + 1 < sizeof(s->value))
		saved->n++;
}

static void
setting_want(struct rules_settings *saved, const char *key, const char *value,
    bool must)
{
	char now[128];

	if (setting_read(key, now, sizeof(now)) == -1) {
		if (must)
			log_error("/proc/sys/%s: %s", key, strerror(errno));
		return;
	}
	if (strcmp(now, value) == 0)
		return;
	if (saved != NULL)
		setting_save(saved, key);
	if (setting_write(key, value) == -1)
		log_error("cannot set /proc/sys/%s to %s: %s", key, value,
		    strerror(errno));
}

/*
 * A packet leaves the queue with a source address of ours (the tunnel's, or the
 * leased one) as if it had just come in on that interface: both checks that
 * the kernel makes there must let it pass.  The rules against spoofing
 * stand in for them.
 */
static void
settings_of_interface(struct rules_settings *saved, const char *ifname)
{
	char key[96], value[16];

	snprintf(key, sizeof(key), "net/ipv4/conf/%s/accept_local", ifname);
	setting_want(saved, key, "1", true);
	snprintf(key, sizeof(key), "net/ipv4/conf/%s/rp_filter", ifname);
	/* The stricter of "all" and the interface holds; 2 is loose. */
	if (setting_read(key, value, sizeof(value)) == 0 &&
	    (strcmp(value, "1") == 0 ||
	    (setting_read("net/ipv4/conf/all/rp_filter", value,
	    sizeof(value)) == 0 && strcmp(value, "1") == 0)))
		setting_want(saved, key, "2", true);
}

/*
 * The router's own programs must not draw a leased port as their source: the
 * kernel is told once; it writes lists in a way of its own, so that they
 * cannot be compared later.
 */
static void
settings_reserve_ports(const struct rules_plan *p, struct rules_settings *saved)
{
	static const char	       key[] = "net/ipv4/ip_local_reserved_ports";
	const struct dataplane_config *c = p->config;
	const struct rules_setting    *was = NULL;
	char			       value[1024];
	size_t			       n;

	setting_save(saved, key);
	for (size_t i = 0; i < saved->n; i++) {
		if (strcmp(saved->list[i].key, key) == 0)
			was = &saved->list[i];
	}
	if (was == NULL) {
		log_warn("/proc/sys/%s is missing or too long: the router's own "
		    "programs may draw leased ports", key);
		return;
	}
	n = (size_t)snprintf(value, sizeof(value), "%s", was->value);
	for (size_t i = 0; i < c->npools; i++) {
		if (!c->pools[i].local)
			continue;
		for (unsigned k = 0; k < c->pools[i].nports; k++) {
			if (n + 16 > sizeof(value))
				break;
			n += (size_t)snprintf(value + n, sizeof(value) - n,
			    "%s%u-%u", n > 0 ? "," : "",
			    c->pools[i].ports[k].lo, c->pools[i].ports[k].hi);
		}
	}
	if (n > 0 && setting_write(key, value) == -1)
		log_warn("cannot reserve the leased ports in /proc/sys/%s: %s",
		    key, strerror(errno));
}

/*
 * Leased addresses that are nobody's: taken, and noted like a setting so that
 * a successor with another configuration gives them back.  Again at each check,
 * since routes go when an interface does.
 */
static void
settings_claim(const struct rules_plan *p, struct rules_settings *saved)
{
	const struct dataplane_config *c = p->config;
	struct rules_setting	      *s;
	char			       key[64];
	size_t			       k;

	for (size_t i = 0; i < c->npools; i++) {
		if (c->pools[i].local)
			continue;
		snprintf(key, sizeof(key), CLAIM "%s",
		    ipv4_text(c->pools[i].addr));
		for (k = 0; k < saved->n; k++) {
			if (strcmp(saved->list[k].key, key) == 0)
				break;
		}
		if (k == saved->n) {
			if (k == RULES_SETTINGS)
				continue;
			s = &saved->list[saved->n++];
			snprintf(s->key, sizeof(s->key), "%s", key);
			snprintf(s->value, sizeof(s->value), "%s %s",
			    c->public_if, c->private_if);
		}
		if (address_claim(c->pools[i].addr, c->public_if,
		    c->private_if) == -1)
			log_warn("cannot answer for %s on %s: %s",
			    ipv4_text(c->pools[i].addr), c->public_if,
			    strerror(errno));
	}
}

static void
setting_release(const struct rules_setting *s)
{
	struct in_addr addr;
	char	       public_if[16], private_if[16];

	if (inet_pton(AF_INET, s->key + strlen(CLAIM), &addr) == 1 &&
	    sscanf(s->value, "%15s %15s", public_if, private_if) == 2)
		address_release(addr.s_addr, public_if, private_if);
}

static void
settings_apply(const struct rules_plan *p, struct rules_settings *saved)
{
	const struct dataplane_config *c = p->config;

	setting_want(saved, "net/ipv4/ip_forward", "1", true);
	settings_of_interface(saved, c->public_if);
	if (strcmp(c->public_if, c->private_if) != 0)
		settings_of_interface(saved, c->private_if);
	settings_claim(p, saved);
}

static void
settings_restore(const struct rules_settings *saved)
{
	for (size_t i = saved->n; i-- > 0;) {
		if (strncmp(saved->list[i].key, CLAIM, strlen(CLAIM)) == 0) {
			setting_release(&saved->list[i]);
			continue;
		}
		if (setting_write(saved->list[i].key, saved->list[i].value) ==
		    -1 && errno != ENOENT)
			log_warn("cannot set /proc/sys/%s back to %s: %s",
			    saved->list[i].key, saved->list[i].value,
			    strerror(errno));
	}
}

void
rules_read_saved(const char *dump, struct rules_settings *out)
{
	static const char mark[] = "rsip-saved ";
	const char	 *p = dump, *eq;
	size_t		  klen, vlen;

	out->n = 0;
	while ((p = strstr(p, mark)) != NULL && out->n < RULES_SETTINGS) {
		p += sizeof(mark) - 1;
		eq = p + strcspn(p, "=\"\n");
		if (*eq != '=')
			continue;
		klen = (size_t)(eq - p);
		vlen = strcspn(eq + 1, "\"\n");
		/* Written by root, read by root; yet only what we could have
		 * written is put back. */
		if (klen >= sizeof(out->list[0].key) ||
		    vlen >= sizeof(out->list[0].value) ||
		    (strncmp(p, "net/ipv4/", 9) != 0 &&
		    strncmp(p, CLAIM, strlen(CLAIM)) != 0) ||
		    memmem(p, klen, "..", 2) != NULL)
			continue;
		memcpy(out->list[out->n].key, p, klen);
		out->list[out->n].key[klen] = '\0';
		memcpy(out->list[out->n].value, eq + 1, vlen);
		out->list[out->n].value[vlen] = '\0';
		out->n++;
	}
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
		if (rules_iptables.usable())
			return &rules_iptables;
		log_error("firewall = iptables: this machine's kernel or "
		    "iptables has no NFQUEUE or CT target; say firewall = "
		    "\"nftables\"");
		return NULL;
	default:
		for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]);
		    i++) {
			if (backends[i]->usable())
				return backends[i];
		}
		log_error("neither nft nor iptables can queue packets here: "
		    "install one, with its kernel modules nfnetlink_queue and "
		    "nft_queue or xt_NFQUEUE");
		return NULL;
	}
}

struct keeper {
	const struct rules_plan *plan;
	const struct rules_backend *backend;	/* NULL: firewall = none */
	struct rules_settings saved;
	char *dump;				/* the rules as we made them */
};

static int
keeper_install(struct keeper *k)
{
	if (k->backend == NULL)
		return 0;
	free(k->dump);
	k->dump = NULL;
	if (k->backend->install(k->plan, &k->saved) == -1)
		return -1;
	k->dump = k->backend->dump();
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
	settings_apply(k->plan, &k->saved);
	settings_reserve_ports(k->plan, &k->saved);
	return keeper_install(k);
}

static void
keeper_check(struct keeper *k, int fd)
{
	char *now;
	bool  same;

	settings_apply(k->plan, &k->saved);
	if (k->backend == NULL || k->dump == NULL)
		return;
	now = k->backend->dump();
	if (now == NULL)
		return;
	same = strcmp(now, k->dump) == 0;
	free(now);
	if (same)
		return;
	log_warn("somebody changed or removed our %s rules: putting them back",
	    k->backend->name);
	if (keeper_install(k) == 0)
		say(fd, RULES_MENDED);
}

static void
keeper_end(struct keeper *k)
{
	if (k->backend != NULL)
		k->backend->remove();
	settings_restore(&k->saved);
	free(k->dump);
}

/* Keeps nothing of the daemon's but the log and its end of the socket. */
static void
detach(int sock)
{
	int null;

	closelog();
	for (int fd = 3; fd < FD_MAX; fd++) {
		if (fd != sock)
			close(fd);
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null != -1) {
		dup2(null, 0);
		dup2(null, 1);
		close(null);
	}
	/* Signals to the whole terminal are the daemon's to handle; the end of
	 * the socket is ours. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_NAME, "rsip-rules", 0, 0, 0);
}

static _Noreturn void
rules_main(int fd, const struct rules_plan *plan)
{
	struct keeper k = { .plan = plan };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char	      go;

	if (recv(fd, &go, 1, 0) != 1)
		_exit(0);
	if (keeper_begin(&k) == -1) {
		settings_restore(&k.saved);
		say(fd, RULES_FAILED);
		_exit(1);
	}
	if (k.backend == NULL)
		say(fd, RULES_UP_NONE);
	else
		say(fd, k.backend == &rules_nftables ? RULES_UP_NFTABLES :
		    RULES_UP_IPTABLES);
	for (;;) {
		switch (poll(&p, 1, CHECK_INTERVAL)) {
		case -1:
			if (errno != EINTR)
				goto end;
			break;
		case 0:
			keeper_check(&k, fd);
			break;
		default:
			goto end;
		}
	}
end:
	keeper_end(&k);
	_exit(0);
}

int
rules_start(const struct rules_plan *plan, pid_t *pid)
{
	int sock[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) == -1) {
		log_error("cannot start the firewall process: %s",
		    strerror(errno));
		return -1;
	}
	*pid = fork();
	if (*pid == -1) {
		log_error("cannot start the firewall process: %s",
		    strerror(errno));
		close(sock[0]);
		close(sock[1]);
		return -1;
	}
	if (*pid == 0) {
		detach(sock[1]);
		rules_main(sock[1], plan);
	}
	close(sock[1]);
	return sock[0];
}

int
rules_begin(int fd, const char **backend)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char	      c = 'g';

	if (send(fd, &c, 1, MSG_NOSIGNAL) == -1)
		return -1;
	while (poll(&p, 1, BEGIN_TIMEOUT) == -1 && errno == EINTR)
		continue;
	if (recv(fd, &c, 1, MSG_DONTWAIT) != 1) {
		log_error("the firewall process does not answer");
		return -1;
	}
	switch (c) {
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
rules_stop(int fd, pid_t pid)
{
	close(fd);
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		continue;
}
