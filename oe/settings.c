/* settings.c - reading and checking section "oe" of a configuration */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/opener.h"
#include "base/util.h"
#include "oe/dns.h"
#include "oe/settings.h"

#define KEY_DEFAULT	SYSCONFDIR "/private.pem"
#define PREFIX_FILE_LINES_MAX	100000

cfg_opt_t *
oe_conf_options(void)
{
	static cfg_opt_t tunnel[] = {
		CFG_STR("peer", NULL, CFGF_NONE),
		CFG_STR("id", NULL, CFGF_NONE),
		CFG_STR("peer-id", NULL, CFGF_NONE),
		CFG_STR("local", NULL, CFGF_NONE),
		CFG_STR("remote", NULL, CFGF_NONE),
		CFG_STR("peer-key", NULL, CFGF_NONE),
		CFG_STR("secret", NULL, CFGF_NONE),
		CFG_END()
	};
	static cfg_opt_t opts[] = {
		CFG_STR("id", NULL, CFGF_NONE),
		CFG_STR("key", NULL, CFGF_NONE),
		CFG_STR("state", STATEDIR "/oe.peers", CFGF_NONE),
		CFG_STR_LIST("permissive", NULL, CFGF_NONE),
		CFG_STR_LIST("paranoid", NULL, CFGF_NONE),
		CFG_STR_LIST("clear", NULL, CFGF_NONE),
		CFG_STR_LIST("deny", NULL, CFGF_NONE),
		CFG_STR("dataplane", "user", CFGF_NONE),
		CFG_STR_LIST("networks", NULL, CFGF_NONE),
		CFG_SEC("tunnel", tunnel, CFGF_MULTI | CFGF_TITLE |
		    CFGF_NO_TITLE_DUPES),
		CFG_STR_LIST("resolvers", NULL, CFGF_NONE),
		CFG_BOOL("require-dnssec", cfg_false, CFGF_NONE),
		CFG_BOOL("self-delegation-only", cfg_false, CFGF_NONE),
		CFG_BOOL("legacy", cfg_true, CFGF_NONE),
		CFG_BOOL("initiate", cfg_true, CFGF_NONE),
		CFG_BOOL("icmp-deny", cfg_false, CFGF_NONE),
		CFG_INT("rsa-min-bits", PUBKEY_BITS_MIN, CFGF_NONE),
		CFG_INT("lifespan-short", 60, CFGF_NONE),
		CFG_INT("lifespan-first", 60, CFGF_NONE),
		CFG_INT("lifespan", 1200, CFGF_NONE),
		CFG_INT("idle", 30, CFGF_NONE),
		CFG_INT("hold", 3, CFGF_NONE),
		CFG_INT("give-up", 20, CFGF_NONE),
		CFG_INT("phase1-lifetime", 3600, CFGF_NONE),
		CFG_INT("phase2-lifetime", 1200, CFGF_NONE),
		CFG_INT("dpd", 60, CFGF_NONE),
		CFG_INT("dns-timeout", 250, CFGF_NONE),
		CFG_INT("dns-tries", 5, CFGF_NONE),
		CFG_INT("connections-max", 8192, CFGF_NONE),
		CFG_END()
	};

	return opts;
}

/* where: "file:line: " of a file of prefixes, or "". */
static int
settings_add(cfg_t *s, struct policy *p, const char *where, const char *text,
    enum oe_class class, unsigned tunnel)
{
	struct policy_match m;
	struct in_addr	    net;
	unsigned	    plen;

	if (conf_prefix4(text, &net, &plen) == -1) {
		conf_error(s, "%s\"%s\" is not a prefix like 192.0.2.0/24",
		    where, text);
		return -1;
	}
	if (policy_add(p, net.s_addr, plen, class, tunnel) == -1) {
		policy_find(p, net.s_addr, &m);
		conf_error(s, "%sprefix %s stands in class %s and in %s", where,
		    text, oe_class_name(m.class), oe_class_name(class));
		return -1;
	}
	return 0;
}

/* A file of prefixes, one a line, '#' begins a comment: as FreeS/WAN's
 * policy groups. */
static int
settings_add_file(cfg_t *s, struct policy *p, const char *path,
    enum oe_class class)
{
	char	 line[256], where[PATH_MAX + 16], *word, *end;
	unsigned n = 0;
	FILE	*f;
	int	 fd, rc = -1;

	if ((fd = opener_open(path)) == -1 || (f = fdopen(fd, "r")) == NULL) {
		conf_error(s, "%s: %s", path, strerror(errno));
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		if (++n > PREFIX_FILE_LINES_MAX) {
			conf_error(s, "%s: more than %u lines", path,
			    PREFIX_FILE_LINES_MAX);
			goto out;
		}
		line[strcspn(line, "#\r\n")] = '\0';
		for (word = line; isspace((unsigned char)*word); word++)
			continue;
		for (end = word + strlen(word); end > word &&
		    isspace((unsigned char)end[-1]); end--)
			continue;
		*end = '\0';
		if (*word == '\0')
			continue;
		snprintf(where, sizeof(where), "%s:%u: ", path, n);
		if (settings_add(s, p, where, word, class, 0) == -1)
			goto out;
	}
	rc = 0;
out:
	fclose(f);
	return rc;
}

static int
settings_class(cfg_t *s, struct policy *p, const char *option,
    enum oe_class class)
{
	const char *text;
	unsigned    i;
	int	    rc;

	for (i = 0; i < cfg_size(s, option); i++) {
		text = cfg_getnstr(s, option, i);
		rc = *text == '/' ? settings_add_file(s, p, text, class) :
		    settings_add(s, p, "", text, class, 0);
		if (rc == -1)
			return -1;
	}
	return 0;
}

static int
settings_id(cfg_t *s, const char *option, struct keying_id *id)
{
	const char    *text = cfg_getstr(s, option);
	struct in_addr a;
	size_t	       i;

	memset(id, 0, sizeof(*id));
	if (text == NULL)
		return 0;
	if (*text == '@') {
		id->type = KEYING_ID_FQDN;
		text++;
	} else if (strchr(text, '@') != NULL) {
		id->type = KEYING_ID_USER_FQDN;
	} else if (conf_ipv4(text, &a) == 0) {
		id->type = KEYING_ID_IPV4;
		id->addr = a.s_addr;
		return 0;
	}
	if (id->type == 0 || *text == '\0' || strlen(text) > KEYING_NAME_MAX) {
		conf_error(s, "%s \"%s\" is neither an address, nor @name, nor "
		    "user@name", option, cfg_getstr(s, option));
		return -1;
	}
	for (i = 0; text[i] != '\0'; i++)
		id->name[i] = (char)tolower((unsigned char)text[i]);
	if (id->name[i - 1] == '.')
		id->name[i - 1] = '\0';
	return 0;
}

static int
settings_resolvers(cfg_t *s, struct oe_config *c)
{
	struct in_addr a;
	unsigned       i;

	for (i = 0; i < cfg_size(s, "resolvers"); i++) {
		if (i == OE_RESOLVERS_MAX ||
		    conf_ipv4(cfg_getnstr(s, "resolvers", i), &a) == -1) {
			conf_error(s, "resolvers: at most %d addresses, like "
			    "192.0.2.53", OE_RESOLVERS_MAX);
			return -1;
		}
		c->resolvers[c->nresolvers++] = a.s_addr;
	}
	c->resolvers_found = c->nresolvers == 0;
	return 0;
}

/*
 * Whatever network we are in writes that file, and resolvers are spoken to in the
 * clear: one within a prefix that is not to be has to be named by the operator.
 * Where that is everybody, it cannot be helped.
 */
bool
oe_config_find_resolvers(struct oe_config *c)
{
	struct policy_match m;
	uint32_t	    found[OE_RESOLVERS_MAX], kept[OE_RESOLVERS_MAX];
	size_t		    i, n, nkept = 0;

	memset(kept, 0, sizeof(kept));
	n = dns_read_resolv_conf(OE_RESOLV_CONF, found, OE_RESOLVERS_MAX);
	for (i = 0; i < n; i++) {
		if (policy_find(c->policy, found[i], &m) == 0 &&
		    m.plen > 0 && m.class != OE_CLASS_PERMISSIVE &&
		    m.class != OE_CLASS_CLEAR) {
			log_warn("%s: nameserver %s is not asked: it is %s",
			    OE_RESOLV_CONF, ipv4_text(found[i]),
			    oe_class_name(m.class));
			continue;
		}
		kept[nkept++] = found[i];
	}
	if (nkept == 0) {
		/* Being written, perhaps. */
		if (c->nresolvers > 0)
			return false;
		/* As resolver libraries do: one on this host. */
		kept[nkept++] = htonl(INADDR_LOOPBACK);
	}
	if (nkept == c->nresolvers &&
	    memcmp(kept, c->resolvers, sizeof(kept)) == 0)
		return false;
	memcpy(c->resolvers, kept, sizeof(kept));
	c->nresolvers = nkept;
	return true;
}

static int
settings_dataplane(cfg_t *s, enum oe_dataplane *out)
{
	static const char *const names[] = { [OE_DATAPLANE_USER] = "user",
		[OE_DATAPLANE_KERNEL] = "kernel",
		[OE_DATAPLANE_AUTO] = "auto" };
	const char *text = cfg_getstr(s, "dataplane");
	unsigned    i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = (enum oe_dataplane)i;
			return 0;
		}
	}
	conf_error(s, "dataplane \"%s\" is none of user, kernel, auto", text);
	return -1;
}

void
oe_config_files(const struct oe_config *c, cfg_t *section,
    void (*fn)(void *, const char *), void *arg)
{
	static const char *const lists[] = { "permissive", "paranoid", "clear",
		"deny" };
	const char *text;
	unsigned    i, j;

	fn(arg, KEY_DEFAULT);	/* it may be made while we run */
	if (c->key_path != NULL)
		fn(arg, c->key_path);
	if (section == NULL)
		return;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (j = 0; j < cfg_size(section, lists[i]); j++) {
			text = cfg_getnstr(section, lists[i], j);
			if (*text == '/')
				fn(arg, text);
		}
	}
	for (i = 0; i < cfg_size(section, "tunnel"); i++) {
		text = cfg_getstr(cfg_getnsec(section, "tunnel", i), "secret");
		if (text != NULL)
			fn(arg, text);
	}
}

const char *
oe_config_state(const struct oe_config *c, const char *suffix)
{
	static char path[PATH_MAX];

	if (*c->state == '\0')
		return NULL;
	snprintf(path, sizeof(path), "%s%s", c->state,
	    suffix != NULL ? suffix : "");
	return path;
}

struct oe_config *
oe_config_share(struct oe_config *c)
{
	c->shares++;
	return c;
}

enum oe_dataplane
oe_config_dataplane(const struct oe_config *c)
{
	return c->dataplane;
}

static int
settings_networks(cfg_t *s, struct oe_config *c)
{
	struct in_addr net;
	unsigned       i, plen;

	for (i = 0; i < cfg_size(s, "networks"); i++) {
		if (i == OE_NETWORKS_MAX || conf_prefix4(
		    cfg_getnstr(s, "networks", i), &net, &plen) == -1) {
			conf_error(s, "networks: at most %d prefixes, like "
			    "192.0.2.0/24", OE_NETWORKS_MAX);
			return -1;
		}
		c->networks[i].net = net.s_addr;
		c->networks[i].mask = ip_mask(plen);
		c->nnetworks++;
	}
	return 0;
}

/* A secret's file: its first line. */
static int
tunnel_secret(cfg_t *s, struct oe_tunnel *t, const char *path)
{
	uint8_t buf[256];
	ssize_t n;
	int	fd;

	if ((fd = conf_open_secret(path)) == -1)
		return -1;
	n = read(fd, buf, sizeof(buf));
	close(fd);
	if (n > 0 && memchr(buf, '\n', (size_t)n) != NULL)
		n = (uint8_t *)memchr(buf, '\n', (size_t)n) - buf;
	if (n < 8 || n == sizeof(buf)) {
		conf_error(s, "%s: a secret has 8 to 255 bytes in one line",
		    path);
		wipe(buf, sizeof(buf));
		return -1;
	}
	t->psk = xcalloc(1, (size_t)n);
	t->psk_len = (size_t)n;
	memcpy(t->psk, buf, (size_t)n);
	wipe(buf, sizeof(buf));
	return 0;
}

static int
settings_tunnel(cfg_t *s, struct oe_config *c, unsigned index)
{
	struct oe_tunnel *t = &c->tunnels[index];
	const char	 *peer = cfg_getstr(s, "peer");
	const char	 *local = cfg_getstr(s, "local");
	const char	 *remote = cfg_getstr(s, "remote");
	const char	 *key = cfg_getstr(s, "peer-key");
	const char	 *secret = cfg_getstr(s, "secret");
	struct in_addr	  a;

	snprintf(t->name, sizeof(t->name), "%s", cfg_title(s));
	if (peer == NULL || conf_ipv4(peer, &a) == -1) {
		conf_error(s, "tunnel %s needs peer = \"ADDRESS\"", t->name);
		return -1;
	}
	t->peer = a.s_addr;
	t->remote_net = t->peer;
	t->remote_plen = 32;
	if (remote != NULL) {
		if (conf_prefix4(remote, &a, &t->remote_plen) == -1) {
			conf_error(s, "remote \"%s\" is not a prefix", remote);
			return -1;
		}
		t->remote_net = a.s_addr;
	}
	if (local != NULL) {
		if (conf_prefix4(local, &a, &t->local_plen) == -1) {
			conf_error(s, "local \"%s\" is not a prefix", local);
			return -1;
		}
		t->local_net = a.s_addr;
	}
	if (settings_id(s, "id", &t->my_id) == -1 ||
	    settings_id(s, "peer-id", &t->peer_id) == -1)
		return -1;
	if (t->peer_id.type == 0) {
		t->peer_id.type = KEYING_ID_IPV4;
		t->peer_id.addr = t->peer;
	}
	if ((key == NULL) == (secret == NULL)) {
		conf_error(s, "tunnel %s needs either peer-key or secret",
		    t->name);
		return -1;
	}
	if (key != NULL && pubkey_from_base64(&t->key, key, strlen(key),
	    c->rsa_min_bits) == -1) {
		conf_error(s, "peer-key of tunnel %s is no RSA key of at least "
		    "%u bits in base64", t->name, c->rsa_min_bits);
		return -1;
	}
	if (secret != NULL && tunnel_secret(s, t, secret) == -1)
		return -1;
	return settings_add(s, c->policy, "", remote != NULL ? remote : peer,
	    OE_CLASS_TUNNEL, index);
}

static int
settings_tunnels(cfg_t *s, struct oe_config *c)
{
	unsigned i, n = cfg_size(s, "tunnel");

	if (n > OE_TUNNELS_MAX) {
		conf_error(s, "at most %d tunnels", OE_TUNNELS_MAX);
		return -1;
	}
	c->tunnels = xcalloc(n + 1, sizeof(*c->tunnels));
	for (i = 0; i < n; i++) {
		c->ntunnels++;
		if (settings_tunnel(cfg_getnsec(s, "tunnel", i), c, i) == -1)
			return -1;
	}
	return 0;
}

/* A key that is named must be there; the default one may be absent, and then
 * there is no encryption, which is said. */
static int
settings_key(cfg_t *s, struct oe_config *c)
{
	const char *path = cfg_getstr(s, "key");
	int	    fd;

	if (path == NULL) {
		path = KEY_DEFAULT;
		if ((fd = opener_open(path)) == -1) {
			log_warn("no key %s: everything goes in the clear; make "
			    "one with \"rsipctl keygen\"", path);
			return 0;
		}
		close(fd);
	}
	c->key_path = xstrdup(path);
	return (c->key = pubkey_load_private(path)) == NULL ? -1 : 0;
}

struct oe_config *
oe_config_read(cfg_t *section)
{
	struct oe_config *c = xcalloc(1, sizeof(*c));
	cfg_t		 *s = section, *own = NULL;

	if (s == NULL)
		s = own = cfg_init(oe_conf_options(), CFGF_NONE);
	c->policy = policy_new();
	c->state = xstrdup(cfg_getstr(s, "state"));
	c->require_dnssec = cfg_getbool(s, "require-dnssec");
	c->self_delegation_only = cfg_getbool(s, "self-delegation-only");
	c->legacy = cfg_getbool(s, "legacy");
	c->initiate = cfg_getbool(s, "initiate");
	c->icmp_deny = cfg_getbool(s, "icmp-deny");
	if (conf_get_number(s, "rsa-min-bits", 1024, PUBKEY_BITS_MAX,
	    &c->rsa_min_bits) == -1 ||
	    conf_get_number(s, "lifespan-short", 1, 86400,
	    &c->lifespan_short) == -1 ||
	    conf_get_number(s, "lifespan-first", 1, 86400,
	    &c->lifespan_first) == -1 ||
	    conf_get_number(s, "lifespan", 1, 86400, &c->lifespan) == -1 ||
	    conf_get_number(s, "idle", 1, 86400, &c->idle) == -1 ||
	    conf_get_number(s, "hold", 1, 600, &c->hold) == -1 ||
	    conf_get_number(s, "give-up", 1, 600, &c->give_up) == -1 ||
	    conf_get_number(s, "phase1-lifetime", 60, 86400,
	    &c->phase1_lifetime) == -1 ||
	    conf_get_number(s, "phase2-lifetime", 30, 86400,
	    &c->phase2_lifetime) == -1 ||
	    conf_get_number(s, "dpd", 0, 3600, &c->dpd) == -1 ||
	    conf_get_number(s, "dns-timeout", 50, 60000,
	    &c->dns_timeout) == -1 ||
	    conf_get_number(s, "dns-tries", 1, 10, &c->dns_tries) == -1 ||
	    conf_get_number(s, "connections-max", 16, 1000000,
	    &c->connections_max) == -1 ||
	    settings_id(s, "id", &c->id) == -1 ||
	    settings_resolvers(s, c) == -1 ||
	    settings_class(s, c->policy, "deny", OE_CLASS_DENY) == -1 ||
	    settings_class(s, c->policy, "clear", OE_CLASS_CLEAR) == -1 ||
	    settings_class(s, c->policy, "paranoid", OE_CLASS_PARANOID) == -1 ||
	    settings_class(s, c->policy, "permissive",
	    OE_CLASS_PERMISSIVE) == -1 ||
	    settings_dataplane(s, &c->dataplane) == -1 ||
	    settings_networks(s, c) == -1 ||
	    settings_tunnels(s, c) == -1 || settings_key(s, c) == -1)
		goto fail;
	/* The preconfigured default (draft -17 §3.2): try with everybody. */
	if (policy_count(c->policy) == c->ntunnels)
		policy_add(c->policy, 0, 0, OE_CLASS_PERMISSIVE, 0);
	if (c->resolvers_found)
		(void)oe_config_find_resolvers(c);
	settings_advise(c, cfg_size(s, "paranoid") > 0);
	if (own != NULL)
		cfg_free(own);
	return c;
fail:
	if (own != NULL)
		cfg_free(own);
	oe_config_free(c);
	return NULL;
}

void
oe_config_free(struct oe_config *c)
{
	size_t i;

	if (c == NULL || c->shares-- > 0)
		return;
	for (i = 0; i < c->ntunnels; i++)
		wipe_free(c->tunnels[i].psk, c->tunnels[i].psk_len);
	free(c->tunnels);
	policy_free(c->policy);
	EVP_PKEY_free(c->key);
	free(c->key_path);
	free(c->state);
	wipe_free(c, sizeof(*c));
}
