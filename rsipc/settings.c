/* settings.c - reading and checking rsipc.conf */
#include "config.h"

#include <stdlib.h>

#include "base/util.h"
#include "net/addr_option.h"
#include "rsipc/settings.h"

#define DNS_PORT	53
#define SECRET_MIN	16	/* bytes: less can be guessed */

static int
take_listen(void *to, cfg_t *cfg, const struct option *o, const char *text)
{
	struct settings *s = to;
	uint16_t	 lo, hi;

	if (conf_port_range(text, &lo, &hi) == -1) {
		conf_error(cfg, "%s: \"%s\" is no port", o->name, text);
		return -1;
	}
	for (; lo <= hi; lo++) {
		if (s->host.nlisten == HOST_LISTEN_MAX) {
			conf_error(cfg, "%s: more than %d ports", o->name,
			    HOST_LISTEN_MAX);
			return -1;
		}
		s->host.listen[s->host.nlisten++] = lo;
		if (lo == UINT16_MAX)
			break;
	}
	return 0;
}

static const struct option_word transports[] = {
	{ "tcp", false }, { "udp", true }, { 0 }
};
static const struct option_word methods[] = {
	{ "rsipsec", RSIP_METHOD_RSIPSEC }, { "rsap-ip", RSIP_METHOD_RSAP_IP },
	{ "rsa-ip", RSIP_METHOD_RSA_IP }, { 0 }
};
static const struct option_word ike_ports[] = {
	{ "leased", false }, { "500", true }, { 0 }
};
static const struct option_word tunnels[] = {
	{ "ipip", RSIP_TUNNEL_IPIP }, { "gre", RSIP_TUNNEL_GRE }, { 0 }
};

#define AT(member)	OPTION_AT(struct settings, member)

const struct option settings_options[] = {
	{ "gateway", OPTION_ADDRESS, OPTION_LIVE, .example = "10.0.0.1",
	  .ipv4 = true, .take = addr_option_take, AT(gateway),
	  HELP("The RSIP gateway; else the next hop of the "
	      "default route, also when that changes.") },
	{ "discover", OPTION_BOOL, OPTION_LIVE, "true", AT(discover),
	  HELP("Where the next hop is none: ask DNS for _rsip._tcp in the "
	      "search domains.") },
	{ "port", OPTION_NUMBER, OPTION_LIVE, "4555", AT(port), .lo = 1,
	  .hi = 65535, HELP("Its port.") },
	{ "transport", OPTION_WORD, OPTION_LIVE, "tcp", AT(host.udp),
	  .words = transports, HELP("How to talk to it first.") },
	{ "secret", OPTION_SECRET, OPTION_LIVE, .lo = SECRET_MIN,
	  .hi = SIGNER_SECRET_MAX, AT(secret),
	  .example = SYSCONFDIR "/rsip.secret",
	  HELP("Signs messages to and from the gateway.") },
	{ "key-id", OPTION_NUMBER, OPTION_LIVE, "0", AT(key_id), .lo = 0,
	  .hi = UINT32_MAX, HELP("The secret's number at the gateway.") },
	{ "require-auth", OPTION_BOOL, OPTION_LIVE, "false", AT(require_auth),
	  HELP("Ignore answers that are not signed.") },
	{ "name", OPTION_NAME, OPTION_LIVE, .lo = 1, .hi = RSIP_FQDN_MAX,
	  AT(host.fqdn), .example = "laptop.example.org",
	  HELP("The host's name, told to the gateway.") },
	{ "method", OPTION_WORD, OPTION_LIVE, "rsipsec", AT(host.method),
	  .words = methods, HELP("What to ask for: an address with ports "
	      "and SPIs, with ports, or of one's own.") },
	{ "ports", OPTION_NUMBER, OPTION_LIVE, "64", AT(host.ports), .lo = 0,
	  .hi = RSIP_PORTS_MAX, HELP("Ports in a block; 0: each port is "
	      "leased when a program uses it.") },
	{ "spis", OPTION_NUMBER, OPTION_LIVE, "16", AT(host.spis), .lo = 0,
	  .hi = RSIP_SPIS_MAX,
	  HELP("SPIs; more are leased when they get few.  0: no IPsec.") },
	{ "cookies", OPTION_NUMBER, OPTION_LIVE, "0", AT(host.cookies), .lo = 0,
	  .hi = RSIP_COOKIES_MAX, HELP("Initiator cookies to negotiate; 0: "
	      "trial and error (RFC 3104, 6.1).") },
	{ "ike-source-port", OPTION_WORD, OPTION_LIVE, "leased", AT(ike_500),
	  .words = ike_ports, HELP("Where IKE is sent from: the last leased "
	      "port, or 500, where the cookie has to do.") },
	{ "lease-time", OPTION_NUMBER, OPTION_LIVE, "0", AT(host.lease_time),
	  .lo = 0, .hi = LEASE_TIME_MAX,
	  HELP("Seconds to ask for; 0: what the gateway likes.") },
	{ "listen", OPTION_LIST, OPTION_LIVE, .hi = HOST_LISTEN_MAX,
	  .take = take_listen, .example = "22,8000-8010",
	  HELP("Ports on which strangers may speak first.") },
	{ "port-idle", OPTION_NUMBER, OPTION_LIVE, "300", AT(host.port_idle),
	  .lo = 0, .hi = 86400, .scale = 1000,
	  HELP("Seconds without use after which a program's port is given "
	      "back; 0: it is kept.") },
	{ "tunnel", OPTION_WORD, OPTION_LIVE, "ipip", AT(host.tunnel),
	  .words = tunnels, HELP("The tunnel to ask for.") },
	{ "direct", OPTION_BOOL, OPTION_LIVE, "true", AT(direct),
	  HELP("Without a lease this host's own address is used, through "
	      "NAT, and what has no key goes in the clear; false: nothing "
	      "goes into the public realm.") },
	{ "stay-shut", OPTION_BOOL, OPTION_LIVE, "false", AT(stay_shut),
	  HELP("Denied, paranoid and tunnel prefixes stay shut after an "
	      "orderly end too.") },
	{ "offload", OPTION_BOOL, OPTION_FIXED, "true", AT(offload),
	  HELP("Let the kernel carry what policy passes, by eBPF, where it "
	      "can.") },
	{ "cascade", OPTION_BOOL, OPTION_FIXED, "false", AT(cascade),
	  HELP("What is leased is for an rsipd(8) on this machine to lease "
	      "on.") },
	{ "interface", OPTION_INTERFACE, OPTION_FIXED, "rsip0", AT(interface),
	  HELP("Of what goes out with the leased address.") },
	{ "oe-interface", OPTION_INTERFACE, OPTION_FIXED, "oe0",
	  AT(oe_interface), HELP("Of what came in encrypted.") },
	{ "control", OPTION_TEXT, OPTION_FIXED, RUNDIR "/rsipc.sock",
	  AT(control), HELP("The socket of rsipctl(8).") },
	WEB_OPTIONS(struct settings, web),
	{ "state", OPTION_STATE, OPTION_FIXED, STATEDIR "/rsipc.lease",
	  AT(state), HELP("Where the lease is kept, so that a restarted "
	      "daemon asks for the same; empty: nowhere.") },
	{ OE_CONF_SECTION, OPTION_SECTION, OPTION_LIVE, .table = oe_options,
	  .open = oe_config_open, AT(oe),
	  HELP("Whom to encrypt with, and how.") },
	{ 0 }
};

/* Leases are of IPv4, and so is whom they are for. */
void
settings_remote(struct host_config *host, const struct oe_config *oe)
{
	size_t i;

	for (i = 0; i < oe->nresolvers; i++) {
		if (oe->resolvers[i].family == AF_INET) {
			host->remote = oe->resolvers[i];
			host->remote_port = DNS_PORT;
			return;
		}
	}
}

void *
settings_read(const struct option_source *source)
{
	struct settings *s = xcalloc(1, sizeof(*s));

	if (option_read(settings_options, source, s) == -1)
		goto fail;
	if (s->require_auth && s->secret.len == 0) {
		conf_error(source->cfg, "require-auth needs a secret");
		goto fail;
	}
	settings_remote(&s->host, s->oe);
	return s;
fail:
	settings_free(s);
	return NULL;
}

void
settings_free(void *settings)
{
	struct settings *s = settings;

	if (s == NULL)
		return;
	oe_config_free(s->oe);
	option_clear(settings_options, s);
	wipe_free(s, sizeof(*s));
}
