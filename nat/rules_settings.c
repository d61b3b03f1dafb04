/* rules_settings.c - settings of the machine that the data plane needs, noted and put back */
#include "config.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "nat/address.h"
#include "nat/rules_settings.h"
#include "net/sysctl.h"

/* The note of an address that is answered for. */
#define CLAIM		"address/"
/* An interface's own settings. */
#define LINK		"class/net/"

/* NULL: not noted. */
static const struct rules_setting *
setting_find(const struct rules_settings *saved, const char *key)
{
	for (size_t i = 0; i < saved->n; i++) {
		if (strcmp(saved->list[i].key, key) == 0)
			return &saved->list[i];
	}
	return NULL;
}

/* Keeps what a setting was, unless a dead predecessor's note of it is there. */
static void
setting_save(struct rules_settings *saved, const char *key)
{
	struct rules_setting *s;

	if (setting_find(saved, key) != NULL || saved->n == RULES_SETTINGS)
		return;
	s = &saved->list[saved->n];
	snprintf(s->key, sizeof(s->key), "%s", key);
	if (sysctl_get(key, s->value, sizeof(s->value)) == 0)
		saved->n++;
}

static void
setting_want(struct rules_settings *saved, const char *key, const char *value,
    bool must)
{
	char now[128];

	if (sysctl_get(key, now, sizeof(now)) == -1) {
		if (must)
			log_error("/proc/sys/%s: %s", key, strerror(errno));
		return;
	}
	if (strcmp(now, value) == 0)
		return;
	if (saved != NULL)
		setting_save(saved, key);
	if (sysctl_set(key, value) == -1)
		log_error("cannot set /proc/sys/%s to %s: %s", key, value,
		    strerror(errno));
}

static void
rp_filter_key(char *key, size_t cap, const char *ifname)
{
	snprintf(key, cap, "net/ipv4/conf/%s/rp_filter", ifname);
}

/*
 * A packet leaves the queue with a source address of ours (the tunnel's, or the
 * leased one) as if it had just come in on that interface: both checks that
 * the kernel makes there must let it pass.  The rules against spoofing
 * stand in for them, for all packets but these.
 */
static void
settings_of_interface(struct rules_settings *saved, const char *ifname)
{
	char key[64], value[16];

	snprintf(key, sizeof(key), "net/ipv4/conf/%s/accept_local", ifname);
	setting_want(saved, key, "1", true);
	rp_filter_key(key, sizeof(key), ifname);
	/* The stricter of "all" and the interface holds; 2 is loose. */
	if (sysctl_get(key, value, sizeof(value)) == 0 &&
	    (strcmp(value, "1") == 0 ||
	    (sysctl_get("net/ipv4/conf/all/rp_filter", value,
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
	static const char	       key[] =
	    "net/ipv4/ip_local_reserved_ports";
	const struct dataplane_config *c = p->config;
	const struct rules_setting    *was;
	char			       value[1024];
	size_t			       n;

	setting_save(saved, key);
	was = setting_find(saved, key);
	if (was == NULL) {
		log_warn("/proc/sys/%s is missing or too long: the router's "
		    "own programs may draw leased ports", key);
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
	/* What is nothing now may have been something before. */
	if (sysctl_set(key, value) == -1 && n > 0)
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
	bool			       new;

	for (size_t i = 0; i < c->npools; i++) {
		if (c->pools[i].local)
			continue;
		snprintf(key, sizeof(key), CLAIM "%s",
		    ADDR_TEXT(&c->pools[i].addr));
		new = setting_find(saved, key) == NULL;
		if (new) {
			if (saved->n == RULES_SETTINGS)
				continue;
			s = &saved->list[saved->n++];
			snprintf(s->key, sizeof(s->key), "%s", key);
			snprintf(s->value, sizeof(s->value), "%s %s",
			    c->public_if, c->private_if);
		}
		if (address_claim(&c->pools[i].addr, c->public_if,
		    c->private_if) == -1)
			log_warn("cannot answer for %s on %s: %s",
			    ADDR_TEXT(&c->pools[i].addr), c->public_if,
			    strerror(errno));
		else if (new)
			address_announce(&c->pools[i].addr, c->public_if);
	}
}

void
rules_settings_announce(const struct rules_plan *p)
{
	const struct dataplane_config *c = p->config;

	for (size_t i = 0; i < c->npools; i++) {
		if (!c->pools[i].local)
			address_announce(&c->pools[i].addr, c->public_if);
	}
}

static void
setting_release(const struct rules_setting *s)
{
	struct addr addr;
	char	    public_if[16], private_if[16];

	if (addr_parse(&addr, s->key + strlen(CLAIM)) == 0 &&
	    sscanf(s->value, "%15s %15s", public_if, private_if) == 2)
		address_release(&addr, public_if, private_if);
}

void
rules_settings_apply(const struct rules_plan *p, struct rules_settings *saved)
{
	const struct dataplane_config *c = p->config;

	setting_want(saved, "net/ipv4/ip_forward", "1", true);
	settings_of_interface(saved, c->public_if);
	settings_of_interface(saved, c->private_if);
	settings_claim(p, saved);
}

static bool
is_claimed(const struct dataplane_config *c, const struct rules_setting *s)
{
	char where[sizeof(s->value)];

	snprintf(where, sizeof(where), "%s %s", c->public_if, c->private_if);
	if (strcmp(where, s->value) != 0)
		return false;
	for (size_t i = 0; i < c->npools; i++) {
		if (!c->pools[i].local && strcmp(s->key + strlen(CLAIM),
		    ADDR_TEXT(&c->pools[i].addr)) == 0)
			return true;
	}
	return false;
}

void
rules_settings_pools(const struct rules_plan *p, struct rules_settings *saved)
{
	size_t i = 0;

	while (i < saved->n) {
		if (strncmp(saved->list[i].key, CLAIM, strlen(CLAIM)) != 0 ||
		    is_claimed(p->config, &saved->list[i])) {
			i++;
			continue;
		}
		setting_release(&saved->list[i]);
		memmove(&saved->list[i], &saved->list[i + 1],
		    (--saved->n - i) * sizeof(saved->list[0]));
	}
	settings_reserve_ports(p, saved);
	rules_settings_apply(p, saved);
}

/* Is the interface that /sys shows under this name ours?  Not if somebody
 * entered a network namespace without its /sys. */
static bool
sys_shows(const char *ifname)
{
	char key[64], value[16];

	snprintf(key, sizeof(key), LINK "%s/ifindex", ifname);
	return sysctl_get(key, value, sizeof(value)) == 0 &&
	    strtoul(value, NULL, 10) == if_nametoindex(ifname);
}

/*
 * The cure for overload: an interface that receives in soft interrupts does so
 * whenever our threads leave a system call, until these get nothing done.  In
 * a thread of its own it competes with ours for the CPU like any other, and
 * what is too much is dropped where it costs nothing, at the interface.
 */
static bool
receive_in_thread(struct rules_settings *saved, const char *ifname)
{
	char   key[64], value[128];
	size_t noted;

	if (!sys_shows(ifname))
		return false;
	snprintf(key, sizeof(key), LINK "%s/queues/rx-0/rps_cpus", ifname);
	if (sysctl_get(key, value, sizeof(value)) == 0 &&
	    value[strspn(value, "0,")] != '\0')
		log_warn("%s: receive packet steering (rps_cpus = %s) puts "
		    "packets back into soft interrupts: under overload little "
		    "may get through", ifname, value);
	snprintf(key, sizeof(key), LINK "%s/threaded", ifname);
	if (sysctl_get(key, value, sizeof(value)) == -1)
		return false;
	if (strcmp(value, "0") != 0)
		return true;
	noted = saved->n;
	setting_save(saved, key);
	if (sysctl_set(key, "1") == 0)
		return true;
	/* A driver without NAPI says no: nothing to put back. */
	saved->n = noted;
	return false;
}

bool
rules_settings_once(const struct rules_plan *p, struct rules_settings *saved)
{
	const struct dataplane_config *c = p->config;
	bool			       both;

	settings_reserve_ports(p, saved);
	if (c->keep_softirq)
		return false;
	both = receive_in_thread(saved, c->public_if);
	if (!receive_in_thread(saved, c->private_if))
		both = false;
	return both;
}

bool
rules_settings_was_strict(const struct rules_settings *saved,
    const char *ifname)
{
	char key[64];

	/* The setting was noted because it was changed, and only
	 * that is changed. */
	rp_filter_key(key, sizeof(key), ifname);
	return setting_find(saved, key) != NULL;
}

void
rules_settings_restore(const struct rules_settings *saved)
{
	for (size_t i = saved->n; i-- > 0;) {
		if (strncmp(saved->list[i].key, CLAIM, strlen(CLAIM)) == 0) {
			setting_release(&saved->list[i]);
			continue;
		}
		if (sysctl_set(saved->list[i].key, saved->list[i].value) ==
		    -1 && errno != ENOENT)
			log_warn("cannot set %s back to %s: %s",
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
		    strncmp(p, LINK, strlen(LINK)) != 0 &&
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
