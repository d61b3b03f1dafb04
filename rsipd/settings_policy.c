/* settings_policy.c - what rsipd.conf says of hosts: at the top for all, in sections "network" and "client" for some */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "net/addr_option.h"
#include "rsipd/settings_policy.h"

#define SECONDS_MAX	31536000	/* a year */
#define NUMBER_MAX	16777216

/* What one section says, until the policies have a copy. */
struct draft {
	struct policy	     policy;
	struct policy_remote remotes[POLICY_REMOTES_MAX];
	struct addr	     addresses[POLICY_ADDRESSES_MAX];
	struct option_secret secret;
	uint32_t	     key_id;
};

static int
take_tunnel(void *to, cfg_t *cfg, const struct option *o, const char *text)
{
	struct draft *d = to;

	if (strcmp(text, "ipip") == 0)
		d->policy.ipip = true;
	else if (strcmp(text, "gre") == 0)
		d->policy.gre = true;
	else {
		conf_error(cfg, "%s: \"%s\" is neither \"ipip\" nor \"gre\"",
		    o->name, text);
		return -1;
	}
	return 0;
}

/* "192.0.2.0/24", or "192.0.2.0/24 80-443". */
static int
parse_remote(const char *s, struct policy_remote *r)
{
	char   net[PREFIX_TEXT_MAX];
	size_t n = strcspn(s, " ");

	if (n >= sizeof(net))
		return -1;
	memcpy(net, s, n);
	net[n] = '\0';
	r->ports = (struct demux_range){ 1, UINT16_MAX };
	s += n + strspn(s + n, " ");
	if (*s != '\0' && conf_port_range(s, &r->ports.lo, &r->ports.hi) == -1)
		return -1;
	return prefix_parse(&r->to, net);
}

static int
take_remote(void *to, cfg_t *cfg, const struct option *o, const char *text)
{
	struct draft *d = to;

	if (parse_remote(text, &d->remotes[d->policy.nremotes]) == -1) {
		conf_error(cfg, "%s: \"%s\" is not \"NETWORK\" or \"NETWORK "
		    "PORTS\"", o->name, text);
		return -1;
	}
	d->policy.nremotes++;
	return 0;
}

#define IN_POLICY(member)	OPTION_AT(struct draft, policy.member)

static const struct option_word local_words[] = {
	{ "macro", RSIP_LOCAL_MACRO }, { "micro", RSIP_LOCAL_MICRO }, { 0 }
};
static const struct option_word remote_words[] = {
	{ "none", RSIP_REMOTE_NONE }, { "macro", RSIP_REMOTE_MACRO },
	{ "micro", RSIP_REMOTE_MICRO }, { 0 }
};

const struct option settings_policy_options[] = {
	{ "register-allowed", OPTION_BOOL, OPTION_LIVE, "true",
	  IN_POLICY(may_register), .bit = POLICY_HAS_REGISTER,
	  HELP("May register.") },
	{ "local-policy", OPTION_WORD, OPTION_LIVE, "macro", IN_POLICY(local),
	  .words = local_words, .bit = POLICY_HAS_LOCAL,
	  HELP("micro: one port a binding and no RSA-IP.") },
	{ "remote-policy", OPTION_WORD, OPTION_LIVE, "none", IN_POLICY(remote),
	  .words = remote_words, .bit = POLICY_HAS_REMOTE,
	  HELP("What a host says of whom it will contact, and is held to: "
	      "nothing, the address, or the address and port.") },
	{ "remote-allowed", OPTION_LIST, OPTION_LIVE, .hi = POLICY_REMOTES_MAX,
	  .take = take_remote, .bit = POLICY_HAS_REMOTES,
	  .example = "192.0.2.0/24,0.0.0.0/0 80-443",
	  HELP("Whom macro and micro remote policy allow; else everybody.") },
	{ "addresses", OPTION_LIST, OPTION_LIVE, .hi = POLICY_ADDRESSES_MAX,
	  .take = addr_option_take_any, .bit = POLICY_HAS_ADDRESSES,
	  OPTION_LIST_AT(struct draft, addresses, policy.naddresses),
	  .example = "198.51.100.1",
	  HELP("Pool addresses that may be leased; else all.") },
	{ "ipsec-allowed", OPTION_BOOL, OPTION_LIVE, "true", IN_POLICY(ipsec),
	  .bit = POLICY_HAS_IPSEC, HELP("RSIPSEC is granted.") },
	{ "rsa-ip-allowed", OPTION_BOOL, OPTION_LIVE, "true", IN_POLICY(rsa_ip),
	  .bit = POLICY_HAS_RSA_IP,
	  HELP("Addresses are leased as a whole, of exclusive pools.") },
	{ "listen-allowed", OPTION_BOOL, OPTION_LIVE, "true", IN_POLICY(listen),
	  .bit = POLICY_HAS_LISTEN, HELP("Strangers may speak first.") },
	{ "tunnels", OPTION_LIST, OPTION_LIVE, "ipip,gre", .hi = 2,
	  .take = take_tunnel, .bit = POLICY_HAS_TUNNELS,
	  HELP("Tunnels to the host.") },
	{ "lease-time", OPTION_NUMBER, OPTION_LIVE, "600", IN_POLICY(lease),
	  .lo = 1, .hi = SECONDS_MAX, .bit = POLICY_HAS_LEASE,
	  HELP("Seconds, for who asks for no time.") },
	{ "lease-max", OPTION_NUMBER, OPTION_LIVE, "3600",
	  IN_POLICY(lease_max), .lo = 1, .hi = SECONDS_MAX,
	  .bit = POLICY_HAS_LEASE_MAX,
	  HELP("Seconds that one gets at most.") },
	{ "registration-time", OPTION_NUMBER, OPTION_LIVE, "60",
	  IN_POLICY(registration), .lo = 1, .hi = SECONDS_MAX,
	  .bit = POLICY_HAS_REGISTRATION,
	  HELP("Seconds of a registration without bindings.") },
	{ "max-bindings", OPTION_NUMBER, OPTION_LIVE, "256",
	  IN_POLICY(max_bindings), .lo = 1, .hi = NUMBER_MAX,
	  .bit = POLICY_HAS_BINDINGS, HELP("Bindings of one host.") },
	{ "max-ports", OPTION_NUMBER, OPTION_LIVE, "1024", IN_POLICY(max_ports),
	  .lo = 0, .hi = NUMBER_MAX, .bit = POLICY_HAS_PORTS,
	  HELP("Ports of one host.") },
	{ "max-spis", OPTION_NUMBER, OPTION_LIVE, "256", IN_POLICY(max_spis),
	  .lo = 0, .hi = NUMBER_MAX, .bit = POLICY_HAS_SPIS,
	  HELP("SPIs of one host.") },
	{ "secret", OPTION_SECRET, OPTION_LIVE,
	  .lo = POLICY_SECRET_MIN, .hi = POLICY_SECRET_MAX,
	  OPTION_AT(struct draft, secret), .bit = POLICY_HAS_SECRET,
	  .example = SYSCONFDIR "/x1.secret",
	  HELP("Signs messages to and from the host.") },
	{ "key-id", OPTION_NUMBER, OPTION_LIVE, "0",
	  OPTION_AT(struct draft, key_id), .lo = 0, .hi = UINT32_MAX,
	  HELP("The secret's number in messages.") },
	{ "require-auth", OPTION_BOOL, OPTION_LIVE, "false",
	  IN_POLICY(require_auth), .bit = POLICY_HAS_AUTH,
	  HELP("Refuses what is not signed with the secret.") },
	{ 0 }
};

/* Makes d's members that point into it, then hands it on. */
static int
use_base(struct draft *d, struct settings *c, cfg_t *cfg)
{
	if ((c->policies = policies_new(&d->policy)) == NULL) {
		conf_error(cfg, "out of memory");
		return -1;
	}
	return 0;
}

static int
use_section(struct draft *d, struct settings *c, cfg_t *cfg)
{
	struct prefix hosts;
	const char   *title = cfg_title(cfg);
	bool	      client = strcmp(cfg_name(cfg), "client") == 0;

	/* RSIP is spoken over IPv4 here. */
	if (prefix_parse(&hosts, title) == -1 || hosts.addr.family != AF_INET ||
	    (client && hosts.plen != 32)) {
		conf_error(cfg, "%s \"%s\" is not %s", cfg_name(cfg), title,
		    client ? "an IPv4 address" :
		    "a network such as 10.0.0.0/24");
		return -1;
	}
	if (policies_add(c->policies, &hosts, &d->policy) == -1) {
		conf_error(cfg, "%s \"%s\": %s", cfg_name(cfg), title,
		    errno == EEXIST ? "there already" : strerror(errno));
		return -1;
	}
	return 0;
}

static int
read_policy(struct settings *c, const struct option_source *s, bool base)
{
	struct draft	    *d = xcalloc(1, sizeof(*d));
	struct policy_secret secret = { 0 };
	int		     rc;

	rc = option_read_set(settings_policy_options, s, d,
	    base ? NULL : &d->policy.has);
	if (base)
		d->policy.has = UINT32_MAX;
	if (rc == 0) {
		d->policy.remotes = d->remotes;
		d->policy.addresses = d->addresses;
		secret.key_id = d->key_id;
		secret.len = d->secret.len;
		memcpy(secret.secret, d->secret.bytes, d->secret.len);
		d->policy.secret = secret.len != 0 ? &secret : NULL;
		rc = base ? use_base(d, c, s->cfg) : use_section(d, c, s->cfg);
	}
	wipe(&secret, sizeof(secret));
	wipe_free(d, sizeof(*d));
	return rc;
}

int
settings_base_policy(void *to, const struct option_source *s,
    const struct option *o)
{
	(void)o;
	return read_policy(to, s, true);
}

int
settings_section_policy(void *to, const struct option_source *s,
    const struct option *o)
{
	(void)o;
	return read_policy(to, s, false);
}
