/* settings.c - reading and checking rsipc.conf */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/util.h"
#include "oe/settings.h"
#include "rsipc/settings.h"

#define DNS_PORT	53
#define SECRET_MIN	16	/* bytes: less can be guessed */

static cfg_opt_t *
settings_options(void)
{
	static cfg_opt_t opts[] = {
		CFG_STR("gateway", NULL, CFGF_NONE),
		CFG_BOOL("discover", cfg_true, CFGF_NONE),
		CFG_INT("port", RSIP_PORT, CFGF_NONE),
		CFG_STR("transport", "tcp", CFGF_NONE),
		CFG_STR("method", "rsipsec", CFGF_NONE),
		CFG_INT("ports", 64, CFGF_NONE),
		CFG_INT("spis", 16, CFGF_NONE),
		CFG_INT("cookies", 0, CFGF_NONE),
		CFG_INT("lease-time", 0, CFGF_NONE),
		CFG_STR("tunnel", "ipip", CFGF_NONE),
		CFG_STR("ike-source-port", "leased", CFGF_NONE),
		CFG_STR_LIST("listen", NULL, CFGF_NONE),
		CFG_INT("port-idle", 300, CFGF_NONE),
		CFG_BOOL("direct", cfg_true, CFGF_NONE),
		CFG_BOOL("stay-shut", cfg_false, CFGF_NONE),
		CFG_BOOL("cascade", cfg_false, CFGF_NONE),
		CFG_STR("name", NULL, CFGF_NONE),
		CFG_STR("secret", NULL, CFGF_NONE),
		CFG_STR("key-id", "0", CFGF_NONE),
		CFG_BOOL("require-auth", cfg_false, CFGF_NONE),
		CFG_STR("interface", "rsip0", CFGF_NONE),
		CFG_STR("oe-interface", "oe0", CFGF_NONE),
		CFG_STR("control", RUNDIR "/rsipc.sock", CFGF_NONE),
		CFG_STR("state", STATEDIR "/rsipc.lease", CFGF_NONE),
		CFG_END(),	/* section "oe", put in below */
		CFG_END()
	};
	const size_t last = sizeof(opts) / sizeof(opts[0]) - 2;

	opts[last] = (cfg_opt_t)CFG_SEC(OE_CONF_SECTION, oe_conf_options(),
	    CFGF_NONE);
	return opts;
}

static int
settings_numbers(cfg_t *cfg, struct settings *s)
{
	uint32_t port, ports, spis, cookies, lease, idle;

	if (conf_get_number(cfg, "port", 1, 65535, &port) == -1 ||
	    conf_get_number(cfg, "ports", 0, RSIP_PORTS_MAX, &ports) == -1 ||
	    conf_get_number(cfg, "spis", 0, RSIP_SPIS_MAX, &spis) == -1 ||
	    conf_get_number(cfg, "cookies", 0, RSIP_COOKIES_MAX,
	    &cookies) == -1 ||
	    conf_get_number(cfg, "lease-time", 0, LEASE_TIME_MAX,
	    &lease) == -1 ||
	    conf_get_number(cfg, "port-idle", 0, 86400, &idle) == -1 ||
	    conf_get_number(cfg, "key-id", 0, UINT32_MAX, &s->key_id) == -1)
		return -1;
	s->port = (uint16_t)port;
	s->host.ports = (uint8_t)ports;
	s->host.spis = (uint16_t)spis;
	s->host.cookies = (uint16_t)cookies;
	s->host.lease_time = lease;
	s->host.port_idle = idle * 1000;
	return 0;
}

/* One of two words. */
static int
settings_choice(cfg_t *cfg, const char *option, const char *no,
    const char *yes, bool *out)
{
	const char *text = cfg_getstr(cfg, option);

	*out = strcmp(text, yes) == 0;
	if (*out || strcmp(text, no) == 0)
		return 0;
	conf_error(cfg, "%s is \"%s\": it must be \"%s\" or \"%s\"", option,
	    text, no, yes);
	return -1;
}

static int
settings_method(cfg_t *cfg, struct settings *s)
{
	static const struct {
		const char *word;
		uint8_t	    method;
	} methods[] = {
		{ "rsipsec", RSIP_METHOD_RSIPSEC },
		{ "rsap-ip", RSIP_METHOD_RSAP_IP },
		{ "rsa-ip", RSIP_METHOD_RSA_IP },
	};
	const char *text = cfg_getstr(cfg, "method");
	size_t	    i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(text, methods[i].word) == 0) {
			s->host.method = methods[i].method;
			return 0;
		}
	}
	conf_error(cfg, "method is \"%s\": it must be \"rsipsec\", \"rsap-ip\" "
	    "or \"rsa-ip\"", text);
	return -1;
}

static int
settings_interface(cfg_t *cfg, const char *option, char out[IFNAMSIZ])
{
	const char *text = cfg_getstr(cfg, option);

	if (*text == '\0' || strlen(text) >= IFNAMSIZ ||
	    strpbrk(text, "/ %") != NULL) {
		conf_error(cfg, "%s: \"%s\" is no interface name", option, text);
		return -1;
	}
	snprintf(out, IFNAMSIZ, "%s", text);
	return 0;
}

static int
settings_listen(cfg_t *cfg, struct settings *s)
{
	uint16_t lo, hi;
	unsigned i;

	for (i = 0; i < cfg_size(cfg, "listen"); i++) {
		if (conf_port_range(cfg_getnstr(cfg, "listen", i), &lo,
		    &hi) == -1) {
			conf_error(cfg, "listen: \"%s\" is no port",
			    cfg_getnstr(cfg, "listen", i));
			return -1;
		}
		for (; lo <= hi; lo++) {
			if (s->host.nlisten == HOST_LISTEN_MAX) {
				conf_error(cfg, "listen: more than %d ports",
				    HOST_LISTEN_MAX);
				return -1;
			}
			s->host.listen[s->host.nlisten++] = lo;
			if (lo == UINT16_MAX)
				break;
		}
	}
	return 0;
}

static void
settings_path(void *arg, const char *path)
{
	struct settings *s = arg;

	if (path != NULL && s->npaths < SETTINGS_PATHS_MAX)
		s->paths[s->npaths++] = xstrdup(path);
}

/* The file's bytes without white space at the end, so that an editor's newline
 * does not matter. */
static int
settings_secret(cfg_t *cfg, struct settings *s)
{
	const char *path = cfg_getstr(cfg, "secret");
	ssize_t	    n;
	int	    fd;

	s->require_auth = cfg_getbool(cfg, "require-auth");
	if (path == NULL) {
		if (s->require_auth)
			conf_error(cfg, "require-auth needs a secret");
		return s->require_auth ? -1 : 0;
	}
	settings_path(s, path);
	if ((fd = conf_open_secret(path)) == -1)
		return -1;
	n = read(fd, s->secret, sizeof(s->secret));
	close(fd);
	while (n > 0 && isspace(s->secret[n - 1]))
		n--;
	if (n < SECRET_MIN) {
		log_error("%s: a secret has at least %d bytes", path,
		    SECRET_MIN);
		return -1;
	}
	s->secret_len = (size_t)n;
	return 0;
}

static int
settings_name(cfg_t *cfg, struct settings *s)
{
	const char *name = cfg_getstr(cfg, "name");

	if (name == NULL)
		return 0;
	if (*name == '\0' || strlen(name) > RSIP_FQDN_MAX) {
		conf_error(cfg, "name: \"%s\" is no host name", name);
		return -1;
	}
	snprintf(s->host.fqdn, sizeof(s->host.fqdn), "%s", name);
	return 0;
}

static int
settings_gateway(cfg_t *cfg, struct settings *s)
{
	const char    *text = cfg_getstr(cfg, "gateway");
	struct in_addr a;

	if (text == NULL)
		return 0;
	if (conf_ipv4(text, &a) == -1 || a.s_addr == 0) {
		conf_error(cfg, "gateway: \"%s\" is no IPv4 address", text);
		return -1;
	}
	s->gateway = a.s_addr;
	return 0;
}

struct settings *
settings_read(const char *path, bool optional)
{
	struct settings *s;
	cfg_t		*cfg;
	bool		 gre;

	if ((cfg = conf_read(path, settings_options(), optional)) == NULL)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	settings_path(s, path);
	settings_path(s, OE_RESOLV_CONF);
	if (settings_gateway(cfg, s) == -1 ||
	    settings_numbers(cfg, s) == -1 || settings_method(cfg, s) == -1 ||
	    settings_choice(cfg, "transport", "tcp", "udp",
	    &s->host.udp) == -1 ||
	    settings_choice(cfg, "tunnel", "ipip", "gre", &gre) == -1 ||
	    settings_choice(cfg, "ike-source-port", "leased", "500",
	    &s->ike_500) == -1 ||
	    settings_interface(cfg, "interface", s->interface) == -1 ||
	    settings_interface(cfg, "oe-interface", s->oe_interface) == -1 ||
	    settings_listen(cfg, s) == -1 || settings_name(cfg, s) == -1 ||
	    settings_secret(cfg, s) == -1)
		goto fail;
	s->host.tunnel = gre ? RSIP_TUNNEL_GRE : RSIP_TUNNEL_IPIP;
	s->discover = cfg_getbool(cfg, "discover");
	s->direct = cfg_getbool(cfg, "direct");
	s->stay_shut = cfg_getbool(cfg, "stay-shut");
	s->cascade = cfg_getbool(cfg, "cascade");
	s->control = xstrdup(cfg_getstr(cfg, "control"));
	s->state = xstrdup(cfg_getstr(cfg, "state"));
	s->oe = oe_config_read(cfg_getsec(cfg, OE_CONF_SECTION));
	if (s->oe == NULL)
		goto fail;
	oe_config_files(s->oe, cfg_getsec(cfg, OE_CONF_SECTION),
	    settings_path, s);
	/* Whom every program asks first. */
	if (s->oe->nresolvers > 0) {
		s->host.remote = s->oe->resolvers[0];
		s->host.remote_port = DNS_PORT;
	}
	cfg_free(cfg);
	return s;
fail:
	cfg_free(cfg);
	settings_free(s);
	return NULL;
}

void
settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	oe_config_free(s->oe);
	free(s->control);
	free(s->state);
	while (s->npaths > 0)
		free(s->paths[--s->npaths]);
	wipe_free(s, sizeof(*s));
}
