/* settings.c - rsipd.conf: what the operator wants of the gateway */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/util.h"
#include "rsipd/settings.h"

#define DEFAULT_QUEUE		4555	/* the first NFQUEUE; RSIP's port, to be recognised */
#define SECONDS_MAX		31536000	/* a year */
#define NUMBER_MAX		16777216

/* What may stand at the top and in every client and network section. */
#define POLICY_OPTS							\
	CFG_STR("local-policy", NULL, CFGF_NODEFAULT),			\
	CFG_STR("remote-policy", NULL, CFGF_NODEFAULT),			\
	CFG_BOOL("register-allowed", cfg_true, CFGF_NODEFAULT),		\
	CFG_BOOL("listen-allowed", cfg_true, CFGF_NODEFAULT),		\
	CFG_BOOL("ipsec-allowed", cfg_true, CFGF_NODEFAULT),		\
	CFG_BOOL("rsa-ip-allowed", cfg_true, CFGF_NODEFAULT),		\
	CFG_BOOL("require-auth", cfg_false, CFGF_NODEFAULT),		\
	CFG_INT("lease-time", 0, CFGF_NODEFAULT),			\
	CFG_INT("lease-max", 0, CFGF_NODEFAULT),			\
	CFG_INT("registration-time", 0, CFGF_NODEFAULT),		\
	CFG_INT("max-bindings", 0, CFGF_NODEFAULT),			\
	CFG_INT("max-ports", 0, CFGF_NODEFAULT),			\
	CFG_INT("max-spis", 0, CFGF_NODEFAULT),				\
	CFG_STR_LIST("tunnels", NULL, CFGF_NODEFAULT),			\
	CFG_STR_LIST("addresses", NULL, CFGF_NODEFAULT),		\
	CFG_STR_LIST("remote-allowed", NULL, CFGF_NODEFAULT),		\
	CFG_STR("secret", NULL, CFGF_NODEFAULT),			\
	CFG_STR("key-id", "0", CFGF_NONE)

static char default_ports[] = "{20000-49999}";

static cfg_opt_t pool_opts[] = {
	CFG_STR_LIST("ports", NULL, CFGF_NODEFAULT),
	CFG_BOOL("exclusive", cfg_false, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t limits_opts[] = {
	CFG_INT("registrations", 4096, CFGF_NONE),
	CFG_INT("bindings", 131072, CFGF_NONE),
	CFG_INT("spis", 262144, CFGF_NONE),
	CFG_INT("connections", 4096, CFGF_NONE),
	CFG_INT("host-connections", 4, CFGF_NONE),
	CFG_INT("neighbour-registrations", 32, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t section_opts[] = { POLICY_OPTS, CFG_END() };

static cfg_opt_t opts[] = {
	CFG_STR("public-interface", NULL, CFGF_NODEFAULT),
	CFG_STR("private-interface", NULL, CFGF_NODEFAULT),
	CFG_STR("gateway", NULL, CFGF_NODEFAULT),
	CFG_STR("tunnel-endpoint", NULL, CFGF_NODEFAULT),
	CFG_INT("port", RSIP_PORT, CFGF_NONE),
	CFG_STR("control", RUNDIR "/rsipd.sock", CFGF_NONE),
	CFG_STR("parent", NULL, CFGF_NODEFAULT),
	CFG_SEC("pool", pool_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_STR_LIST("ports-default", default_ports, CFGF_NONE),
	CFG_BOOL("private-pools", cfg_false, CFGF_NONE),
	CFG_INT("quarantine", 120, CFGF_NONE),
	CFG_SEC("limits", limits_opts, CFGF_NONE),
	CFG_BOOL("udp", cfg_true, CFGF_NONE),
	CFG_STR("firewall", "auto", CFGF_NONE),
	CFG_INT("queues", 0, CFGF_NONE),
	CFG_INT("queue-first", DEFAULT_QUEUE, CFGF_NONE),
	CFG_INT("queue-length", 0, CFGF_NONE),
	CFG_INT("mtu", 0, CFGF_NONE),
	CFG_BOOL("local-ipsec", cfg_false, CFGF_NONE),
	CFG_BOOL("napt", cfg_true, CFGF_NONE),
	CFG_BOOL("offload", cfg_true, CFGF_NONE),
	CFG_STR_LIST("local-networks", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("remote-networks", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("resolvers", NULL, CFGF_NODEFAULT),
	POLICY_OPTS,
	CFG_SEC("network", section_opts,
	    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("client", section_opts,
	    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_END()
};

/* --- values --------------------------------------------------------------- */

static int
get_address(cfg_t *cfg, const char *name, uint32_t *out)
{
	struct in_addr a;

	if (cfg_size(cfg, name) == 0)
		return 0;
	if (conf_ipv4(cfg_getstr(cfg, name), &a) == -1) {
		conf_error(cfg, "%s: \"%s\" is not an IPv4 address", name,
		    cfg_getstr(cfg, name));
		return -1;
	}
	*out = a.s_addr;
	return 0;
}

static int
get_interface(cfg_t *cfg, const char *name, char out[IF_NAMESIZE])
{
	const char *s;

	if (cfg_size(cfg, name) == 0)
		return 0;
	s = cfg_getstr(cfg, name);
	if (*s == '\0' || strlen(s) >= IF_NAMESIZE) {
		conf_error(cfg, "%s: \"%s\" is not an interface's name", name,
		    s);
		return -1;
	}
	memcpy(out, s, strlen(s) + 1);
	return 0;
}

static int
get_ranges(cfg_t *cfg, const char *name, struct demux_range *out, unsigned *n)
{
	unsigned i, count = cfg_size(cfg, name);

	if (count > POOL_RANGES_MAX) {
		conf_error(cfg, "%s: more than %d ranges", name,
		    POOL_RANGES_MAX);
		return -1;
	}
	for (i = 0; i < count; i++) {
		if (conf_port_range(cfg_getnstr(cfg, name, i), &out[i].lo,
		    &out[i].hi) == -1) {
			conf_error(cfg, "%s: \"%s\" is not a range of ports",
			    name, cfg_getnstr(cfg, name, i));
			return -1;
		}
	}
	*n = count;
	return 0;
}

static int
get_networks(cfg_t *cfg, const char *name, struct gateway_network *out,
    size_t *n)
{
	struct in_addr a;
	unsigned       i, plen, count = cfg_size(cfg, name);

	if (count > GATEWAY_NETWORKS_MAX / 2) {
		conf_error(cfg, "%s: more than %d networks", name,
		    GATEWAY_NETWORKS_MAX / 2);
		return -1;
	}
	for (i = 0; i < count; i++) {
		if (conf_prefix4(cfg_getnstr(cfg, name, i), &a, &plen) == -1) {
			conf_error(cfg, "%s: \"%s\" is not a network", name,
			    cfg_getnstr(cfg, name, i));
			return -1;
		}
		out[i] = (struct gateway_network){ a.s_addr, plen };
	}
	*n = count;
	return 0;
}

/* --- policy --------------------------------------------------------------- */

static int
get_flow_policy(cfg_t *cfg, struct policy *p)
{
	const char *s;

	if (cfg_size(cfg, "local-policy") != 0) {
		s = cfg_getstr(cfg, "local-policy");
		p->has |= POLICY_HAS_LOCAL;
		p->local = strcmp(s, "macro") == 0 ? RSIP_LOCAL_MACRO :
		    strcmp(s, "micro") == 0 ? RSIP_LOCAL_MICRO : 0;
		if (p->local == 0) {
			conf_error(cfg, "local-policy is \"macro\" or "
			    "\"micro\", not \"%s\"", s);
			return -1;
		}
	}
	if (cfg_size(cfg, "remote-policy") != 0) {
		s = cfg_getstr(cfg, "remote-policy");
		p->has |= POLICY_HAS_REMOTE;
		p->remote = strcmp(s, "macro") == 0 ? RSIP_REMOTE_MACRO :
		    strcmp(s, "micro") == 0 ? RSIP_REMOTE_MICRO :
		    strcmp(s, "none") == 0 ? RSIP_REMOTE_NONE : 0;
		if (p->remote == 0) {
			conf_error(cfg, "remote-policy is \"none\", \"macro\" "
			    "or \"micro\", not \"%s\"", s);
			return -1;
		}
	}
	return 0;
}

static void
get_bools(cfg_t *cfg, struct policy *p)
{
	const struct {
		const char *name;
		uint32_t    bit;
		bool	   *to;
	} b[] = {
		{ "register-allowed", POLICY_HAS_REGISTER, &p->may_register },
		{ "listen-allowed", POLICY_HAS_LISTEN, &p->listen },
		{ "ipsec-allowed", POLICY_HAS_IPSEC, &p->ipsec },
		{ "rsa-ip-allowed", POLICY_HAS_RSA_IP, &p->rsa_ip },
		{ "require-auth", POLICY_HAS_AUTH, &p->require_auth },
	};
	size_t i;

	for (i = 0; i < sizeof(b) / sizeof(b[0]); i++) {
		if (cfg_size(cfg, b[i].name) == 0)
			continue;
		p->has |= b[i].bit;
		*b[i].to = cfg_getbool(cfg, b[i].name);
	}
}

static int
get_numbers(cfg_t *cfg, struct policy *p)
{
	const struct {
		const char *name;
		uint32_t    bit;
		uint32_t   *to;
		int64_t	    min, max;
	} n[] = {
		{ "lease-time", POLICY_HAS_LEASE, &p->lease, 1, SECONDS_MAX },
		{ "lease-max", POLICY_HAS_LEASE_MAX, &p->lease_max, 1,
		    SECONDS_MAX },
		{ "registration-time", POLICY_HAS_REGISTRATION,
		    &p->registration, 1, SECONDS_MAX },
		{ "max-bindings", POLICY_HAS_BINDINGS, &p->max_bindings, 1,
		    NUMBER_MAX },
		{ "max-ports", POLICY_HAS_PORTS, &p->max_ports, 0, NUMBER_MAX },
		{ "max-spis", POLICY_HAS_SPIS, &p->max_spis, 0, NUMBER_MAX },
	};
	size_t i;

	for (i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		if (cfg_size(cfg, n[i].name) == 0)
			continue;
		p->has |= n[i].bit;
		if (conf_get_number(cfg, n[i].name, n[i].min, n[i].max, n[i].to) ==
		    -1)
			return -1;
	}
	return 0;
}

static int
get_tunnels(cfg_t *cfg, struct policy *p)
{
	const char *s;
	unsigned    i, n = cfg_size(cfg, "tunnels");

	for (i = 0; i < n; i++) {
		s = cfg_getnstr(cfg, "tunnels", i);
		p->has |= POLICY_HAS_TUNNELS;
		if (strcmp(s, "ipip") == 0)
			p->ipip = true;
		else if (strcmp(s, "gre") == 0)
			p->gre = true;
		else {
			conf_error(cfg, "tunnels: \"%s\" is neither \"ipip\" "
			    "nor \"gre\"", s);
			return -1;
		}
	}
	return 0;
}

/* "192.0.2.0/24", or "192.0.2.0/24 80-443". */
static int
parse_remote(const char *s, struct policy_remote *r)
{
	char	       net[32];
	size_t	       n = strcspn(s, " ");
	struct in_addr a;

	if (n >= sizeof(net))
		return -1;
	memcpy(net, s, n);
	net[n] = '\0';
	r->ports = (struct demux_range){ 1, UINT16_MAX };
	s += n + strspn(s + n, " ");
	if (*s != '\0' && conf_port_range(s, &r->ports.lo, &r->ports.hi) == -1)
		return -1;
	if (conf_prefix4(net, &a, &r->plen) == -1)
		return -1;
	r->net = a.s_addr;
	return 0;
}

static int
get_lists(cfg_t *cfg, struct policy *p, struct policy_remote *remotes,
    uint32_t *addresses)
{
	struct in_addr a;
	unsigned       i, n = cfg_size(cfg, "remote-allowed");

	if (n > POLICY_REMOTES_MAX) {
		conf_error(cfg, "remote-allowed: more than %d entries",
		    POLICY_REMOTES_MAX);
		return -1;
	}
	for (i = 0; i < n; i++) {
		if (parse_remote(cfg_getnstr(cfg, "remote-allowed", i),
		    &remotes[i]) == -1) {
			conf_error(cfg, "remote-allowed: \"%s\" is not "
			    "\"NETWORK\" or \"NETWORK PORTS\"",
			    cfg_getnstr(cfg, "remote-allowed", i));
			return -1;
		}
		p->has |= POLICY_HAS_REMOTES;
	}
	p->remotes = remotes;
	p->nremotes = n;
	n = cfg_size(cfg, "addresses");
	if (n > POLICY_ADDRESSES_MAX) {
		conf_error(cfg, "addresses: more than %d", POLICY_ADDRESSES_MAX);
		return -1;
	}
	for (i = 0; i < n; i++) {
		if (conf_ipv4(cfg_getnstr(cfg, "addresses", i), &a) == -1) {
			conf_error(cfg, "addresses: \"%s\" is not an IPv4 "
			    "address", cfg_getnstr(cfg, "addresses", i));
			return -1;
		}
		p->has |= POLICY_HAS_ADDRESSES;
		addresses[i] = a.s_addr;
	}
	p->addresses = addresses;
	p->naddresses = n;
	return 0;
}

static int
remember_secret(struct settings *c, const char *path)
{
	char **list;

	if (c->nsecrets == SETTINGS_SECRETS_MAX) {
		log_error("more than %d secrets", SETTINGS_SECRETS_MAX);
		return -1;
	}
	list = xrealloc(c->secret, c->nsecrets + 1, sizeof(*list));
	c->secret = list;
	c->secret[c->nsecrets++] = xstrdup(path);
	return 0;
}

/* The file's bytes without white space at the end. */
static int
get_secret(struct settings *c, cfg_t *cfg, struct policy *p,
    struct policy_secret *s)
{
	const char *path;
	ssize_t	    n;
	size_t	    len = 0;
	uint8_t	    buf[POLICY_SECRET_MAX + 2];
	int	    fd;

	if (conf_get_number(cfg, "key-id", 0, UINT32_MAX, &s->key_id) == -1)
		return -1;
	if (cfg_size(cfg, "secret") == 0)
		return 0;
	path = cfg_getstr(cfg, "secret");
	if ((fd = conf_open_secret(path)) == -1)
		return -1;
	while (len < sizeof(buf) &&
	    (n = read(fd, buf + len, sizeof(buf) - len)) > 0)
		len += (size_t)n;
	close(fd);
	while (len > 0 && isspace(buf[len - 1]))
		len--;
	if (len < POLICY_SECRET_MIN || len > POLICY_SECRET_MAX) {
		wipe(buf, sizeof(buf));
		log_error("%s: a secret has %d to %d bytes", path,
		    POLICY_SECRET_MIN, POLICY_SECRET_MAX);
		return -1;
	}
	memcpy(s->secret, buf, len);
	wipe(buf, sizeof(buf));
	s->len = len;
	p->has |= POLICY_HAS_SECRET;
	p->secret = s;
	return remember_secret(c, path);
}

/* Reads the policy of a section (or of the top); the rest comes from base. */
static int
get_policy(struct settings *c, cfg_t *cfg, const struct policy *base,
    int (*use)(struct settings *, cfg_t *, const struct policy *))
{
	struct policy	      p = *base;
	struct policy_remote *remotes;
	uint32_t	     *addresses;
	struct policy_secret  secret = { 0 };
	int		      rc = -1;

	remotes = xcalloc(POLICY_REMOTES_MAX, sizeof(*remotes));
	addresses = xcalloc(POLICY_ADDRESSES_MAX, sizeof(*addresses));
	if (cfg_size(cfg, "tunnels") != 0)
		p.ipip = p.gre = false;
	if (get_flow_policy(cfg, &p) == -1 || get_numbers(cfg, &p) == -1 ||
	    get_tunnels(cfg, &p) == -1 ||
	    get_lists(cfg, &p, remotes, addresses) == -1 ||
	    get_secret(c, cfg, &p, &secret) == -1)
		goto out;
	get_bools(cfg, &p);
	rc = use(c, cfg, &p);
out:
	wipe(&secret, sizeof(secret));
	free(remotes);
	free(addresses);
	return rc;
}

static int
use_base(struct settings *c, cfg_t *cfg, const struct policy *p)
{
	if ((c->policies = policies_new(p)) == NULL) {
		conf_error(cfg, "out of memory");
		return -1;
	}
	return 0;
}

static int
use_section(struct settings *c, cfg_t *cfg, const struct policy *p)
{
	struct in_addr a;
	unsigned       plen;
	const char    *title = cfg_title(cfg);

	if (conf_prefix4(title, &a, &plen) == -1 ||
	    (strcmp(cfg_name(cfg), "client") == 0 && plen != 32)) {
		conf_error(cfg, "%s \"%s\" is not %s", cfg_name(cfg), title,
		    strcmp(cfg_name(cfg), "client") == 0 ? "an IPv4 address" :
		    "a network such as 10.0.0.0/24");
		return -1;
	}
	if (policies_add(c->policies, a.s_addr, plen, p) == -1) {
		conf_error(cfg, "%s \"%s\": %s", cfg_name(cfg), title,
		    errno == EEXIST ? "there already" : strerror(errno));
		return -1;
	}
	return 0;
}

static int
get_policies(struct settings *c, cfg_t *cfg)
{
	static const struct policy base = {
		.has = UINT32_MAX, .may_register = true,
		.local = RSIP_LOCAL_MACRO, .remote = RSIP_REMOTE_NONE,
		.listen = true, .ipsec = true, .rsa_ip = true,
		.ipip = true, .gre = true,
		.lease = 600, .lease_max = 3600, .registration = 60,
		.max_bindings = 256, .max_ports = 1024, .max_spis = 256,
	}, nothing;
	static const char *const kinds[] = { "network", "client" };
	unsigned	   i, k;

	if (get_policy(c, cfg, &base, use_base) == -1)
		return -1;
	for (k = 0; k < 2; k++) {
		for (i = 0; i < cfg_size(cfg, kinds[k]); i++) {
			if (get_policy(c, cfg_getnsec(cfg, kinds[k], i),
			    &nothing, use_section) == -1)
				return -1;
		}
	}
	return 0;
}

/* --- the rest ------------------------------------------------------------- */

const char *
settings_pool_refused(const struct settings *c, uint32_t addr)
{
	size_t i;

	if (!ip_is_host(addr))
		return "is no host's address: it cannot be leased";
	if (addr == c->gateway.gateway)
		return "is the gateway's own address on the private side: it "
		    "cannot be leased";
	for (i = 0; i < c->gateway.nfrom; i++) {
		if (ip_in_prefix(addr, c->gateway.from[i].net,
		    c->gateway.from[i].plen))
			return "lies in the private interface's network: it "
			    "cannot be leased";
	}
	if (!c->private_pools && ip_is_private(addr))
		return "is a private address: only private-pools = true "
		    "leases it";
	return NULL;
}

static int
get_pool(struct settings *c, cfg_t *cfg)
{
	struct settings_pool *p = &c->named[c->nnamed];
	struct pool_address  *a = &p->what;
	const char	     *title = cfg_title(cfg);
	struct in_addr	      addr;
	const char	     *why;
	size_t		      i;

	if (conf_ipv4(title, &addr) == 0)
		a->addr = addr.s_addr;
	else if (isalpha((unsigned char)*title) && strlen(title) < IF_NAMESIZE)
		memcpy(p->ifname, title, strlen(title) + 1);
	else {
		conf_error(cfg, "pool \"%s\" is neither an IPv4 address nor an "
		    "interface", title);
		return -1;
	}
	if (p->ifname[0] == '\0' &&
	    (why = settings_pool_refused(c, a->addr)) != NULL) {
		conf_error(cfg, "pool \"%s\" %s", title, why);
		return -1;
	}
	for (i = 0; i < c->nnamed; i++) {
		if (a->addr != 0 ? c->named[i].what.addr == a->addr :
		    strcmp(c->named[i].ifname, p->ifname) == 0) {
			conf_error(cfg, "pool \"%s\" is there already", title);
			return -1;
		}
	}
	a->exclusive = cfg_getbool(cfg, "exclusive");
	if (get_ranges(cfg, "ports", a->ports, &a->nports) == -1)
		return -1;
	if (a->exclusive && a->nports != 0) {
		conf_error(cfg, "an exclusive address is leased with all of "
		    "its ports: leave ports out");
		return -1;
	}
	if (a->exclusive && p->ifname[0] != '\0') {
		conf_error(cfg, "the router's own address cannot be exclusive");
		return -1;
	}
	if (!a->exclusive && a->nports == 0) {
		memcpy(a->ports, c->ports, sizeof(a->ports));
		a->nports = c->nports;
	}
	c->nnamed++;
	return 0;
}

static int
get_pools(struct settings *c, cfg_t *cfg)
{
	unsigned i, n = cfg_size(cfg, "pool");

	if (get_ranges(cfg, "ports-default", c->ports, &c->nports) == -1)
		return -1;
	if (n > POOL_ADDRS_MAX) {
		conf_error(cfg, "more than %d pools", POOL_ADDRS_MAX);
		return -1;
	}
	c->private_pools = cfg_getbool(cfg, "private-pools");
	c->named = xcalloc(n + 1, sizeof(*c->named));
	c->pools = xcalloc(n + 1, sizeof(*c->pools));
	for (i = 0; i < n; i++) {
		if (get_pool(c, cfg_getnsec(cfg, "pool", i)) == -1)
			return -1;
	}
	return 0;
}

static int
get_limits(struct settings *c, cfg_t *cfg)
{
	cfg_t	*l = cfg_getsec(cfg, "limits");
	uint32_t v[6], quarantine;

	if (conf_get_number(l, "registrations", 1, NUMBER_MAX, &v[0]) == -1 ||
	    conf_get_number(l, "bindings", 1, NUMBER_MAX, &v[1]) == -1 ||
	    conf_get_number(l, "spis", 0, NUMBER_MAX, &v[2]) == -1 ||
	    conf_get_number(l, "connections", 1, 65536, &v[3]) == -1 ||
	    conf_get_number(l, "host-connections", 1, 65536, &v[4]) == -1 ||
	    conf_get_number(l, "neighbour-registrations", 0, NUMBER_MAX,
	    &v[5]) == -1 ||
	    conf_get_number(cfg, "quarantine", 0, 86400, &quarantine) == -1)
		return -1;
	c->gateway.max_registrations = v[0];
	c->gateway.max_bindings = v[1];
	c->max_spis = v[2];
	c->max_connections = v[3];
	c->max_host_connections = v[4];
	c->gateway.max_neighbour = v[5];
	c->quarantine = (uint64_t)quarantine * 1000;
	return 0;
}

static int
get_dataplane(struct settings *c, cfg_t *cfg)
{
	static const char *const names[] = {
		[DATAPLANE_FIREWALL_AUTO] = "auto",
		[DATAPLANE_FIREWALL_NFTABLES] = "nftables",
		[DATAPLANE_FIREWALL_IPTABLES] = "iptables",
		[DATAPLANE_FIREWALL_NONE] = "none",
	};
	const char *s = cfg_getstr(cfg, "firewall");
	unsigned    i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(s, names[i]) == 0)
			break;
	}
	if (i == sizeof(names) / sizeof(names[0])) {
		conf_error(cfg, "firewall is \"auto\", \"nftables\", "
		    "\"iptables\" or \"none\", not \"%s\"", s);
		return -1;
	}
	c->firewall = (enum dataplane_firewall)i;
	c->local_ipsec = cfg_getbool(cfg, "local-ipsec");
	c->napt = cfg_getbool(cfg, "napt");
	c->offload = cfg_getbool(cfg, "offload");
	return conf_get_number(cfg, "queues", 0, DEMUX_READERS, &c->queues) == -1 ||
	    conf_get_number(cfg, "queue-first", 0, 65535 - DEMUX_READERS,
		&c->queue_first) == -1 ||
	    conf_get_number(cfg, "queue-length", 0, NUMBER_MAX,
		&c->queue_length) == -1 ||
	    conf_get_number(cfg, "mtu", 0, 65535, &c->mtu) == -1 ? -1 : 0;
}

static int
get_resolvers(struct settings *c, cfg_t *cfg)
{
	struct in_addr a;
	unsigned       i, n = cfg_size(cfg, "resolvers");

	for (i = 0; i < n; i++) {
		if (i == SETTINGS_RESOLVERS_MAX ||
		    conf_ipv4(cfg_getnstr(cfg, "resolvers", i), &a) == -1) {
			conf_error(cfg, "resolvers: at most %d IPv4 addresses",
			    SETTINGS_RESOLVERS_MAX);
			return -1;
		}
		c->resolver[c->nresolvers++] = a.s_addr;
	}
	return 0;
}

static int
get_all(struct settings *c, cfg_t *cfg)
{
	uint32_t port;

	if (get_interface(cfg, "public-interface", c->public_if) == -1 ||
	    get_interface(cfg, "private-interface", c->private_if) == -1 ||
	    get_address(cfg, "gateway", &c->gateway.gateway) == -1 ||
	    get_address(cfg, "tunnel-endpoint", &c->gateway.endpoint) == -1 ||
	    conf_get_number(cfg, "port", 1, 65535, &port) == -1 ||
	    get_pools(c, cfg) == -1 || get_limits(c, cfg) == -1 ||
	    get_dataplane(c, cfg) == -1 || get_resolvers(c, cfg) == -1 ||
	    get_networks(cfg, "local-networks", c->gateway.local,
	    &c->gateway.nlocal) == -1 ||
	    get_networks(cfg, "remote-networks", c->gateway.remote,
	    &c->gateway.nremote) == -1)
		return -1;
	c->nlocal = c->gateway.nlocal;
	c->nremote = c->gateway.nremote;
	c->port = (uint16_t)port;
	c->gateway.udp = cfg_getbool(cfg, "udp");
	c->control = xstrdup(cfg_getstr(cfg, "control"));
	if (cfg_size(cfg, "parent") != 0) {
		if (c->nnamed != 0) {
			conf_error(cfg, "parent: what it has leased is the "
			    "pool: leave pool out");
			return -1;
		}
		c->parent = xstrdup(cfg_getstr(cfg, "parent"));
	}
	if (get_policies(c, cfg) == -1)
		return -1;
	c->gateway.policies = c->policies;
	return 0;
}

struct settings *
settings_read(const char *path, bool optional)
{
	struct settings *c;
	cfg_t	      *cfg;
	int	       rc;

	if ((cfg = conf_read(path, opts, optional)) == NULL)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	rc = get_all(c, cfg);
	cfg_free(cfg);
	if (rc == -1) {
		settings_free(c);
		return NULL;
	}
	return c;
}

void
settings_free(struct settings *c)
{
	size_t i;

	if (c == NULL)
		return;
	policies_free(c->policies);
	for (i = 0; i < c->nsecrets; i++)
		free(c->secret[i]);
	free(c->secret);
	free(c->named);
	free(c->pools);
	free(c->control);
	free(c->parent);
	free(c);
}

bool
settings_needs_restart(const struct settings *a, const struct settings *b)
{
	return strcmp(a->public_if, b->public_if) != 0 ||
	    strcmp(a->private_if, b->private_if) != 0 ||
	    a->gateway.gateway != b->gateway.gateway || a->port != b->port ||
	    strcmp(a->control, b->control) != 0 ||
	    (a->parent == NULL) != (b->parent == NULL) ||
	    a->firewall != b->firewall || a->queues != b->queues ||
	    a->queue_first != b->queue_first || a->mtu != b->mtu ||
	    a->queue_length != b->queue_length || a->napt != b->napt ||
	    a->offload != b->offload ||
	    a->max_spis != b->max_spis || a->nresolvers != b->nresolvers ||
	    memcmp(a->resolver, b->resolver, sizeof(a->resolver)) != 0;
}

static void
keep_pools(struct settings *to, const struct settings *from)
{
	free(to->named);
	free(to->pools);
	to->named = xcalloc(from->nnamed + 1, sizeof(*to->named));
	memcpy(to->named, from->named, from->nnamed * sizeof(*to->named));
	to->nnamed = from->nnamed;
	to->pools = xcalloc(from->nnamed + 1, sizeof(*to->pools));
	memcpy(to->pools, from->pools, from->npools * sizeof(*to->pools));
	to->npools = from->npools;
	to->public_addr = from->public_addr;
}

void
settings_keep_fixed(struct settings *to, const struct settings *from)
{
	/* Pools that are another interface's come with it. */
	if (strcmp(to->public_if, from->public_if) != 0 ||
	    to->parent != NULL || from->parent != NULL)
		keep_pools(to, from);
	memcpy(to->public_if, from->public_if, sizeof(to->public_if));
	memcpy(to->private_if, from->private_if, sizeof(to->private_if));
	to->gateway.gateway = from->gateway.gateway;
	to->port = from->port;
	free(to->control);
	to->control = xstrdup(from->control);
	free(to->parent);
	to->parent = from->parent == NULL ? NULL : xstrdup(from->parent);
	to->firewall = from->firewall;
	to->queues = from->queues;
	to->queue_first = from->queue_first;
	to->queue_length = from->queue_length;
	to->mtu = from->mtu;
	to->napt = from->napt;
	to->offload = from->offload;
	to->max_spis = from->max_spis;
	memcpy(to->resolver, from->resolver, sizeof(to->resolver));
	to->nresolvers = from->nresolvers;
}
