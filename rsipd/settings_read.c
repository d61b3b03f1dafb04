/* settings_read.c - rsipd.conf: what the operator wants of the gateway */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "nat/binding.h"
#include "net/addr_option.h"
#include "rsipd/settings_policy.h"
#include "rsipd/settings_read.h"

#define NUMBER_MAX	16777216

/* --- lists and pools ------------------------------------------------------ */

static int
take_range(void *to, cfg_t *cfg, const struct option *o, const char *text)
{
	struct demux_range *r = option_member(o, to);

	if (conf_port_range(text, &r->lo, &r->hi) == -1) {
		conf_error(cfg, "%s: \"%s\" is not a range of ports", o->name,
		    text);
		return -1;
	}
	return 0;
}

static int
take_server(void *to, cfg_t *cfg, const struct option *o, const char *text)
{
	struct settings	   *c = to;
	struct resp_server *s = &c->shared.store.servers[
		c->shared.store.nservers];

	if (resp_server_parse(s, text, c->shared.master != NULL ? 26379 :
	    6379) == -1) {
		conf_error(cfg, "%s: \"%s\" is not ADDRESS, NAME, either with "
		    ":PORT, or [ADDRESS]:PORT", o->name, text);
		return -1;
	}
	c->shared.store.nservers++;
	return 0;
}

const char *
settings_pool_refused(const struct settings *c, const struct addr *addr)
{
	size_t i;

	if (!addr_is_host(addr))
		return "is no host's address: it cannot be leased";
	if (addr_equal(addr, &c->gateway.gateway) ||
	    dataplane_is_gateway(&c->gateways, addr))
		return "is the gateway's own address on the private side: it "
		    "cannot be leased";
	for (i = 0; i < c->gateway.nfrom; i++) {
		if (prefix_contains(&c->gateway.from[i], addr))
			return "lies in the private interface's network: it "
			    "cannot be leased";
	}
	if (!c->private_pools && addr_is_private(addr))
		return "is a private address: only private-pools = true "
		    "leases it";
	return NULL;
}

static int
title_pool(struct settings *c, cfg_t *cfg, struct settings_pool *p)
{
	const char *title = cfg_title(cfg), *why;
	struct addr addr;
	size_t	    i;

	if (addr_parse(&addr, title) == 0 && addr.family == AF_INET)
		p->what.addr = addr;
	else if (!addr_is_set(&addr) &&
	    isalpha((unsigned char)*title) && strlen(title) < IF_NAMESIZE)
		memcpy(p->ifname, title, strlen(title) + 1);
	else {
		conf_error(cfg, "pool \"%s\" is neither an IPv4 address nor an "
		    "interface", title);
		return -1;
	}
	if (p->ifname[0] == '\0' &&
	    (why = settings_pool_refused(c, &p->what.addr)) != NULL) {
		conf_error(cfg, "pool \"%s\" %s", title, why);
		return -1;
	}
	for (i = 0; i < c->nnamed; i++) {
		if (addr_is_set(&p->what.addr) ?
		    addr_equal(&c->named[i].what.addr, &p->what.addr) :
		    strcmp(c->named[i].ifname, p->ifname) == 0) {
			conf_error(cfg, "pool \"%s\" is there already", title);
			return -1;
		}
	}
	return 0;
}

static int
open_pool(void *to, const struct option_source *s, const struct option *o)
{
	struct settings	     *c = to;
	struct settings_pool *p = &c->named[c->nnamed];
	struct pool_address  *a = &p->what;

	if (title_pool(c, s->cfg, p) == -1 ||
	    option_read(o->table, s, p) == -1)
		return -1;
	if (a->exclusive && a->nports != 0) {
		conf_error(s->cfg, "an exclusive address is leased with all of "
		    "its ports: leave ports out");
		return -1;
	}
	if (a->exclusive && p->ifname[0] != '\0') {
		conf_error(s->cfg, "the router's own address cannot be "
		    "exclusive");
		return -1;
	}
	if (!a->exclusive && a->nports == 0) {
		memcpy(a->ports, c->ports, sizeof(a->ports));
		a->nports = c->nports;
	}
	c->nnamed++;
	return 0;
}

/* --- the table ------------------------------------------------------------ */

#define AT(member)	OPTION_AT(struct settings, member)

static const struct option_word durabilities[] = {
	{ "commit", STORE_COMMIT }, { "interval", STORE_INTERVAL }, { 0 }
};

static const struct option_word firewalls[] = {
	{ "auto", DATAPLANE_FIREWALL_AUTO },
	{ "nftables", DATAPLANE_FIREWALL_NFTABLES },
	{ "iptables", DATAPLANE_FIREWALL_IPTABLES },
	{ "none", DATAPLANE_FIREWALL_NONE }, { 0 }
};

static const struct option_word offloads[] = {
	{ "true", DATAPLANE_OFFLOAD_AUTO }, { "false", DATAPLANE_OFFLOAD_NONE },
	{ "tc", DATAPLANE_OFFLOAD_TC }, { "xdp", DATAPLANE_OFFLOAD_XDP }, { 0 }
};

static const struct option pool_options[] = {
	{ "ports", OPTION_LIST, OPTION_LIVE, .hi = POOL_RANGES_MAX,
	  .take = take_range,
	  OPTION_LIST_AT(struct settings_pool, what.ports, what.nports),
	  .example = "20000-49999",
	  HELP("Ranges that are leased and that NAPT keeps out of; else "
	      "ports-default.") },
	{ "exclusive", OPTION_BOOL, OPTION_LIVE, "false",
	  OPTION_AT(struct settings_pool, what.exclusive),
	  HELP("One host leases all of the address (RSA-IP), and ports are "
	      "left out.") },
	{ "proxy", OPTION_BOOL, OPTION_FIXED, "false",
	  OPTION_AT(struct settings_pool, proxy),
	  HELP("Where leases are shared: no machine has the address itself; "
	      "who has the gateway's answers ARP for it.") },
	{ "gateway", OPTION_ADDRESS, OPTION_FIXED, .ipv4 = true,
	  .take = addr_option_take, OPTION_AT(struct settings_pool, gateway),
	  .example = "10.0.0.2",
	  HELP("The hosts that speak to this address lease of it, and no "
	      "others; else those of the gateway above.") },
	{ 0 }
};

static const struct option shared_options[] = {
	{ "master", OPTION_TEXT, OPTION_FIXED, AT(shared.master),
	  .example = "rsip",
	  HELP("The servers are Sentinels, who know the store by this "
	      "name.") },
	{ "servers", OPTION_LIST, OPTION_FIXED, .hi = RESP_SERVERS_MAX,
	  .take = take_server, .example = "10.9.0.5:6379",
	  HELP("Valkey or Redis, by name (of an IPv4 address) or address of "
	      "either family, and port: the first that answers as a master; "
	      "none: leases are not shared.") },
	{ "name", OPTION_NAME, OPTION_FIXED, "rsip", AT(shared.name),
	  .lo = 1, .hi = 63,
	  HELP("How its keys begin: gateways with the same name share.") },
	{ "user", OPTION_TEXT, OPTION_FIXED, AT(shared.user),
	  .example = "rsipd", HELP("Of the store; else its default one.") },
	{ "password", OPTION_SECRET, OPTION_FIXED, .lo = 1,
	  .hi = OPTION_SECRET_MAX, AT(shared.password),
	  .example = SYSCONFDIR "/store.password",
	  HELP("File with the user's password.") },
	{ "ca", OPTION_FILE, OPTION_FIXED, AT(shared.ca),
	  .example = SYSCONFDIR "/store-ca.pem",
	  HELP("Whose certificates are believed; with it the connection is "
	      "TLS, without it in the clear.") },
	{ "tls-name", OPTION_TEXT, OPTION_FIXED, AT(shared.tls_name),
	  .example = "store.example",
	  HELP("In the store's certificate; else its name or address.") },
	{ "replicas", OPTION_NUMBER, OPTION_FIXED, "0", AT(shared.replicas),
	  .lo = 0, .hi = 16,
	  HELP("That must have a grant before its host is answered.") },
	{ "patience", OPTION_NUMBER, OPTION_FIXED, "1000",
	  AT(shared.store.patience), .lo = 500, .hi = 60000,
	  HELP("Milliseconds without an answer, after which the store is "
	      "away.") },
	{ 0 }
};

static const struct option limit_options[] = {
	{ "registrations", OPTION_NUMBER, OPTION_LIVE, "4096",
	  AT(gateway.max_registrations), .lo = 1, .hi = NUMBER_MAX,
	  HELP("Hosts that are registered.") },
	{ "bindings", OPTION_NUMBER, OPTION_LIVE, "131072",
	  AT(gateway.max_bindings), .lo = 1, .hi = NUMBER_MAX,
	  HELP("Bindings of all hosts.") },
	{ "spis", OPTION_NUMBER, OPTION_FIXED, "262144", AT(max_spis),
	  .lo = 0, .hi = NUMBER_MAX, HELP("SPIs that are leased or rest.") },
	{ "connections", OPTION_NUMBER, OPTION_LIVE, "4096",
	  AT(max_connections), .lo = 1, .hi = 65536,
	  HELP("TCP connections.") },
	{ "host-connections", OPTION_NUMBER, OPTION_LIVE, "4",
	  AT(max_host_connections), .lo = 1, .hi = 65536,
	  HELP("TCP connections of one host.") },
	{ "neighbour-registrations", OPTION_NUMBER, OPTION_LIVE, "32",
	  AT(gateway.max_neighbour), .lo = 0, .hi = NUMBER_MAX,
	  HELP("Registrations of one link-layer address; 0: no limit.") },
	{ 0 }
};

const struct option settings_options[] = {
	{ "public-interface", OPTION_INTERFACE, OPTION_LIVE, .example = "eth0",
	  AT(public_if),
	  HELP("The public side; else the default route's interface.") },
	{ "private-interface", OPTION_INTERFACE, OPTION_LIVE,
	  .example = "eth1", AT(private_if),
	  HELP("The hosts' side; else the only other interface that is up "
	      "with an RFC 1918 address.") },
	{ "gateway", OPTION_ADDRESS, OPTION_LIVE, .example = "10.0.0.1",
	  .ipv4 = true, .take = addr_option_take,
	  AT(gateway.gateway), HELP("The address that hosts speak to and "
	      "tunnel to; else the private interface's first.") },
	{ "tunnel-endpoint", OPTION_ADDRESS, OPTION_LIVE,
	  .ipv4 = true, .take = addr_option_take,
	  .example = "10.0.0.2", AT(gateway.endpoint),
	  HELP("Hosts are told to tunnel to this address of the router.") },
	{ "port", OPTION_NUMBER, OPTION_FIXED, "4555", AT(port), .lo = 1,
	  .hi = 65535, HELP("Of RSIP, TCP and UDP.") },
	{ "udp", OPTION_BOOL, OPTION_LIVE, "true", AT(gateway.udp),
	  HELP("Answer over UDP; else hosts are told USE_TCP.") },
	{ "mtu", OPTION_NUMBER, OPTION_FIXED, "0", AT(mtu), .lo = 0,
	  .hi = 65535, HELP("Of the private link; 0: the interface's.") },
	{ "control", OPTION_TEXT, OPTION_FIXED, RUNDIR "/rsipd.sock",
	  AT(control), HELP("The socket of rsipctl(8).") },
	WEB_OPTIONS(struct settings, web),
	{ "ports-default", OPTION_LIST, OPTION_LIVE, "20000-49999",
	  .hi = POOL_RANGES_MAX, .take = take_range,
	  OPTION_LIST_AT(struct settings, ports, nports),
	  HELP("Leased of pools that name no ports.") },
	{ "private-pools", OPTION_BOOL, OPTION_LIVE, "false", AT(private_pools),
	  HELP("Addresses of RFC 1918, RFC 6598 and the link may be leased, "
	      "as in a lab.") },
	{ "pool", OPTION_SECTIONS, OPTION_LIVE, .hi = POOL_ADDRS_MAX,
	  .table = pool_options, .open = open_pool, .example = "198.51.100.1",
	  HELP("A public address, or the interface whose address it is; "
	      "without pools the public interface's is leased.") },
	{ "parent", OPTION_TEXT, OPTION_FIXED, AT(parent),
	  .example = RUNDIR "/rsipc.sock",
	  HELP("Instead of pools: the control socket of this machine's "
	      "rsipc(8), whose lease is leased on.") },
	{ "quarantine", OPTION_NUMBER, OPTION_LIVE, "120", AT(quarantine),
	  .lo = 0, .hi = 86400, .scale = 1000,
	  HELP("Seconds that what was freed rests before another host gets "
	      "it.") },
	{ "leases", OPTION_TEXT, OPTION_FIXED, SETTINGS_LEASES, AT(leases),
	  .example = "",
	  HELP("Where leases are kept over a restart, a crash and a loss of "
	      "power; \"\": nowhere, hosts register anew.") },
	{ "durability", OPTION_WORD, OPTION_FIXED, "commit", AT(durability),
	  .words = durabilities,
	  HELP("Leases are on the disk before hosts are answered, or within "
	      "a second.") },
	{ "linger", OPTION_NUMBER, OPTION_FIXED, "30", AT(linger),
	  .lo = 0, .hi = 600, .scale = 1000,
	  HELP("Seconds that firewall rules outlive the daemon where leases "
	      "do, for who takes over: hosts' packets are lost meanwhile, not "
	      "refused.") },
	{ "shared", OPTION_SECTION, OPTION_FIXED, .table = shared_options,
	  HELP("Leases are kept in a store that several gateways share, and "
	      "not in a file.") },
	{ "limits", OPTION_SECTION, OPTION_LIVE, .table = limit_options,
	  HELP("Of all that hosts can make the gateway remember.") },
	{ "resolvers", OPTION_LIST, OPTION_FIXED, .hi = SETTINGS_RESOLVERS_MAX,
	  .ipv4 = true, .take = addr_option_take_any,
	  OPTION_LIST_AT(struct settings, resolver, nresolvers),
	  .example = "192.0.2.53",
	  HELP("For names of remote hosts; else those of "
	      "/etc/resolv.conf.") },
	{ "local-networks", OPTION_LIST, OPTION_LIVE,
	  .hi = GATEWAY_NETWORKS_MAX / 2, .ipv4 = true,
	  .take = prefix_option_take,
	  OPTION_LIST_AT(struct settings, gateway.local, nlocal),
	  .example = "10.1.0.0/16", HELP("What QUERY calls local beside the "
	      "private interface's networks.") },
	{ "remote-networks", OPTION_LIST, OPTION_LIVE,
	  .hi = GATEWAY_NETWORKS_MAX / 2, .ipv4 = true,
	  .take = prefix_option_take,
	  OPTION_LIST_AT(struct settings, gateway.remote, nremote),
	  .example = "203.0.113.0/24", HELP("What QUERY calls remote beside "
	      "the public interface's networks.") },
	{ "firewall", OPTION_WORD, OPTION_FIXED, "auto", AT(firewall),
	  .words = firewalls,
	  HELP("Whose rules bring packets to the daemon; none: the "
	      "operator's own.") },
	{ "queues", OPTION_NUMBER, OPTION_FIXED, "0", AT(queues), .lo = 0,
	  .hi = DEMUX_READERS, HELP("NFQUEUEs; 0: one a processor.") },
	{ "queue-first", OPTION_NUMBER, OPTION_FIXED, "4555", AT(queue_first),
	  .lo = 0, .hi = 65535 - DEMUX_READERS,
	  HELP("The number of the first.") },
	{ "queue-length", OPTION_NUMBER, OPTION_FIXED, "0", AT(queue_length),
	  .lo = 0, .hi = NUMBER_MAX,
	  HELP("Packets that each holds; 0: as many as are good.") },
	{ "offload", OPTION_WORD, OPTION_FIXED, "true", AT(offload),
	  .words = offloads,
	  HELP("The kernel forwards what is leased by eBPF, where it can; xdp: "
	      "before all else, at network cards whose drivers do that; tc: "
	      "never there.") },
	{ "local-ipsec", OPTION_BOOL, OPTION_LIVE, "false", AT(local_ipsec),
	  HELP("ESP, AH and IKE that no host owns are the router's own "
	      "instead of being dropped.") },
	{ "refuse-ike", OPTION_BOOL, OPTION_LIVE, "true", AT(refuse_ike),
	  HELP("Strangers' first messages of IKEv2 to a leased address that "
	      "no host owns are answered with a refusal, ten a second, so that "
	      "they do not wait.") },
	{ "napt", OPTION_BOOL, OPTION_FIXED, "true", AT(napt),
	  HELP("Masquerades hosts that do not speak RSIP.") },
	{ "policy", OPTION_TABLE, OPTION_LIVE,
	  .table = settings_policy_options, .open = settings_base_policy },
	{ "network", OPTION_SECTIONS, OPTION_LIVE, .hi = NUMBER_MAX,
	  .table = settings_policy_options, .open = settings_section_policy,
	  .example = "\"10.0.1.0/24\" { remote-policy = \"micro\" }",
	  HELP("Policy of the hosts of a network; the most specific section "
	      "decides.") },
	{ "client", OPTION_SECTIONS, OPTION_LIVE, .hi = NUMBER_MAX,
	  .table = settings_policy_options, .open = settings_section_policy,
	  .example = "\"10.0.0.11\" { require-auth = true }",
	  HELP("Policy of one host.") },
	{ 0 }
};

/* --- the whole ------------------------------------------------------------ */

/* Pools that are another interface's, or a parent's, come with it. */
static void
note_public_side(void *arg, const char *name, const struct option *o)
{
	struct settings *c = arg;

	(void)o;
	if (strcmp(name, "parent") == 0)
		c->pools_stay = true;
}

/* Several gateways: each has pools, and every pool one of them. */
static int
check_gateways(cfg_t *cfg, struct settings *c)
{
	const struct settings_pool *p;
	struct settings_pool	   *k;
	struct dataplane_gateways   g = { .n = 1 };
	bool			    named = false, first = c->nnamed == 0;

	for (p = c->named; p < c->named + c->nnamed; p++) {
		named = named || addr_is_set(&p->gateway);
		first = first || !addr_is_set(&p->gateway) ||
		    addr_equal(&p->gateway, &c->gateway.gateway);
		for (k = c->named; k < c->named + c->nnamed; k++) {
			if (addr_is_set(&p->gateway) && addr_equal(&p->gateway,
			    &k->what.addr)) {
				conf_error(cfg, "gateway %s is a pool itself",
				    ADDR_TEXT(&p->gateway));
				return -1;
			}
		}
	}
	if (!named)
		return 0;
	if (addr_is_set(&c->gateway.endpoint)) {
		conf_error(cfg, "tunnel-endpoint: hosts of several gateways "
		    "tunnel to the one that they speak to");
		return -1;
	}
	if (!first && addr_is_set(&c->gateway.gateway)) {
		conf_error(cfg, "gateway %s has no pool: name it in one, or "
		    "leave it out", ADDR_TEXT(&c->gateway.gateway));
		return -1;
	}
	if (first && !addr_is_set(&c->gateway.gateway)) {
		conf_error(cfg, "pools name a gateway: name that of the others "
		    "too");
		return -1;
	}
	if (!first)
		c->gateway.gateway = c->named[0].gateway;
	g.list[0] = c->gateway.gateway;
	for (p = c->named; p < c->named + c->nnamed; p++) {
		if (!addr_is_set(&p->gateway) ||
		    dataplane_is_gateway(&g, &p->gateway))
			continue;
		if (g.n == DATAPLANE_GATEWAYS_MAX) {
			conf_error(cfg, "pools name more than %d gateways",
			    DATAPLANE_GATEWAYS_MAX);
			return -1;
		}
		g.list[g.n++] = p->gateway;
	}
	return 0;
}

/* Each of a pair has to mean the same by it. */
static int
check_shared(cfg_t *cfg, const struct settings *c)
{
	size_t i;

	if (c->shared.store.nservers == 0)
		return 0;
	if (!resp_is_built()) {
		conf_error(cfg, "shared: built without hiredis");
		return -1;
	}
	if (!addr_is_set(&c->gateway.gateway) || c->nnamed == 0 ||
	    c->parent != NULL) {
		conf_error(cfg, "shared: name gateway and each pool by the "
		    "address that goes from machine to machine");
		return -1;
	}
	for (i = 0; i < c->nnamed; i++) {
		if (c->named[i].ifname[0] != '\0') {
			conf_error(cfg, "shared: pool \"%s\" has to be an "
			    "address", c->named[i].ifname);
			return -1;
		}
	}
	return 0;
}

void *
settings_read(const struct option_source *s)
{
	struct settings *c = xcalloc(1, sizeof(*c));
	size_t		 n = cfg_size(s->cfg, "pool") + 1;

	c->named = xcalloc(n, sizeof(*c->named));
	c->pools = xcalloc(n, sizeof(*c->pools));
	if (option_read(settings_options, s, c) == -1 ||
	    check_shared(s->cfg, c) == -1 || check_gateways(s->cfg, c) == -1)
		goto fail;
	if (s->fixed != NULL) {
		option_differ(settings_options, s->cfg, s->fixed,
		    note_public_side, c);
	} else if (c->parent != NULL && c->nnamed != 0) {
		conf_error(s->cfg, "parent: what it has leased is the pool: "
		    "leave pool out");
		goto fail;
	}
	c->gateway.nlocal = c->nlocal;
	c->gateway.nremote = c->nremote;
	c->gateway.policies = c->policies;
	return c;
fail:
	settings_free(c);
	return NULL;
}

void
settings_free(void *settings)
{
	struct settings *c = settings;

	if (c == NULL)
		return;
	option_clear(settings_options, c);
	policies_free(c->policies);
	free(c->named);
	free(c->pools);
	free(c);
}
