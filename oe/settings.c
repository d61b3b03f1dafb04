/* settings.c - what section "oe" of a configuration says: read, checked, and asked for by the engine */
#include "config.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/opener.h"
#include "base/util.h"
#include "net/resolvconf.h"
#include "net/validator.h"
#include "oe/settings.h"

#define TUNNEL_SECRET_WISE 16	/* bytes; shorter ones are warned of */

/* --- what is allowed but unwise (RFC 5406; doc/ipsec-profile.md) ---------- */

/* RFC 5406 §3.3: a secret is for two.  Whoever else has it
 * can pose as either. */
static void
advise_secrets(const struct oe_config *c)
{
	const struct oe_tunnel *a, *b;
	size_t			i, j;

	for (i = 0; i < c->ntunnels; i++) {
		a = &c->tunnels[i];
		for (j = 0; a->psk != NULL && j < i; j++) {
			b = &c->tunnels[j];
			if (b->psk == NULL || b->psk_len != a->psk_len ||
			    compare_secret(a->psk, b->psk, a->psk_len) != 0)
				continue;
			log_warn("tunnels %s and %s have the same secret: each "
			    "peer can pose as the other; give each its own, or "
			    "a peer-key", b->name, a->name);
			break;
		}
		if (a->psk != NULL && a->psk_len < TUNNEL_SECRET_WISE)
			log_warn("tunnel %s: a secret of %zu bytes can be "
			    "guessed by whoever answers in the peer's place; "
			    "take %d random ones, or a peer-key", a->name,
			    a->psk_len, TUNNEL_SECRET_WISE);
	}
}

/* The AD bit is a resolver's word; on a network anybody can give it. */
static void
advise_resolvers(const struct oe_config *c)
{
	struct dns_config dns = oe_config_dns(c);
	bool		  local = c->validate == DNS_VALIDATE_LOCAL;
	size_t		  i, ntrusted = 0;

	for (i = 0; i < c->nresolvers; i++)
		ntrusted += dns_config_trusts(&dns, &c->resolvers[i]);
	if (c->require_dnssec && !local && ntrusted == 0)
		log_warn("require-dnssec without validate = local or a "
		    "resolver that is trusted: no key of any peer counts");
	for (i = 0; c->require_dnssec && i < c->ntrusted; i++) {
		if (addr_is_loopback(&c->trusted[i]))
			continue;
		log_warn("require-dnssec believes the resolver %s, whose "
		    "answers can be changed on their way: %s",
		    ADDR_TEXT(&c->trusted[i]), local ? "validate = local needs "
		    "no trusted-resolvers" : "set validate = local");
		break;
	}
}

static void
settings_advise(const struct oe_config *c, bool paranoid)
{
	advise_secrets(c);
	if (paranoid && !c->require_dnssec)
		log_warn("paranoid without require-dnssec: never in the clear, "
		    "but whoever can forge DNS answers can be the peer");
	if (c->rsa_min_bits < PUBKEY_BITS_MIN)
		log_warn("rsa-min-bits = %u: keys below %d bits are within "
		    "reach of those who can pay for it", c->rsa_min_bits,
		    PUBKEY_BITS_MIN);
	advise_resolvers(c);
}

/* --- what it is asked for ------------------------------------------------- */

struct keying_credentials
oe_tunnel_credentials(const struct oe_tunnel *t)
{
	return (struct keying_credentials){
		.keys = t->key.len != 0 ? &t->key : NULL,
		.nkeys = t->key.len != 0,
		.psk = t->psk,
		.psk_len = t->psk_len,
	};
}

/*
 * Whatever network we are in writes that file, and resolvers are spoken to in
 * the clear: one within a prefix that is not to be has to be named by the
 * operator. Where that is everybody, it cannot be helped.
 */
bool
oe_config_find_resolvers(struct oe_config *c)
{
	struct class_match m;
	struct addr	   found[OE_RESOLVERS_MAX], kept[OE_RESOLVERS_MAX];
	size_t		   i, n, nkept = 0;

	memset(kept, 0, sizeof(kept));
	n = resolvconf_read(RESOLVCONF_PATH, found, OE_RESOLVERS_MAX, NULL,
	    NULL);
	for (i = 0; i < n; i++) {
		if (classes_find(c->classes, &found[i], &m) == 0 &&
		    m.prefix.plen > 0 && m.class != OE_CLASS_PERMISSIVE &&
		    m.class != OE_CLASS_CLEAR) {
			log_warn("%s: nameserver %s is not asked: it is %s",
			    RESOLVCONF_PATH, ADDR_TEXT(&found[i]),
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
		kept[nkept++] = addr_from_v4(htonl(INADDR_LOOPBACK));
	}
	if (nkept == c->nresolvers &&
	    memcmp(kept, c->resolvers, sizeof(kept)) == 0)
		return false;
	memcpy(c->resolvers, kept, sizeof(kept));
	c->nresolvers = nkept;
	return true;
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

int
oe_config_validator(const struct oe_config *c, const char *daemon)
{
	char folder[PATH_MAX];

	if (c->validate != DNS_VALIDATE_LOCAL)
		return 0;
	snprintf(folder, sizeof(folder), "%s.dnssec", c->state);
	return validator_start(daemon, *c->state != '\0' ? folder : NULL);
}

struct dns_config
oe_config_dns(const struct oe_config *c)
{
	return (struct dns_config){
		.servers = c->resolvers,
		.nservers = c->nresolvers,
		.trusted = c->trusted,
		.ntrusted = c->ntrusted,
		.validate = c->validate,
		.timeout = c->dns_timeout,
		.tries = c->dns_tries,
		.rsa_min_bits = c->rsa_min_bits,
	};
}

struct oe_config *
oe_config_share(struct oe_config *c)
{
	c->shares++;
	return c;
}

bool
oe_config_can_begin(const struct oe_config *c)
{
	return c->key != NULL || (c->ike & 1 << 2);
}

enum oe_anonymous
oe_config_anonymous(const struct oe_config *c, enum oe_class class)
{
	/* IKEv1 has nothing like it. */
	if (!(c->ike & 1 << 2))
		return OE_ANONYMOUS_NO;
	switch (class) {
	case OE_CLASS_PERMISSIVE:
		return c->anonymous;
	case OE_CLASS_PARANOID:
		return c->paranoid_anonymous;
	case OE_CLASS_DENY:
	case OE_CLASS_CLEAR:
	case OE_CLASS_TUNNEL:
		break;
	}
	return OE_ANONYMOUS_NO;
}

enum oe_dataplane
oe_config_dataplane(const struct oe_config *c)
{
	return c->dataplane;
}

/* --- the whole ------------------------------------------------------------ */

/* A key that is named must be there; the default one may be absent, and then
 * there is no encryption, which is said. */
static int
settings_key(cfg_t *s, struct oe_config *c)
{
	int fd;

	if (cfg_size(s, "key") == 0) {
		if ((fd = opener_open(c->key_path)) == -1) {
			if (c->ike & 1 << 2)
				log_info("no key %s: peers are not shown "
				    "who we are (\"rsipctl keygen\" makes one)",
				    c->key_path);
			else
				log_warn("no key %s: everything goes in the "
				    "clear; make one with \"rsipctl keygen\"",
				    c->key_path);
			return 0;
		}
		close(fd);
	}
	return (c->key = pubkey_load_private(c->key_path)) == NULL ? -1 : 0;
}

static int
settings_anchors(cfg_t *s, struct oe_config *c)
{
	const char *why;
	int	    rc;

	c->anchors = xcalloc(1, VALIDATOR_ANCHORS_MAX);
	c->anchors_follow = cfg_size(s, "trust-anchor") == 0;
	if (c->validate != DNS_VALIDATE_LOCAL)
		return 0;
	if (!validator_built()) {
		conf_error(s, "validate = \"local\": this program was built "
		    "without libunbound");
		return -1;
	}
	if (*c->anchor_path == '\0')
		c->anchors_follow = true;
	if ((rc = validate_anchors_read(c->anchor_path, !c->anchors_follow,
	    c->anchors, &why)) == -1)
		conf_error(s, "trust-anchor %s: %s", c->anchor_path, why);
	return rc;
}

static struct oe_config *
config_read(const struct option_source *s)
{
	const struct prefix all = { .addr = { .family = AF_INET } };
	const struct prefix all6 = { .addr = { .family = AF_INET6 } };
	struct oe_config *c = xcalloc(1, sizeof(*c));

	c->classes = classes_new();
	c->tunnels = xcalloc(cfg_size(s->cfg, "tunnel") + 1,
	    sizeof(*c->tunnels));
	if (option_read(oe_options, s, c) == -1 ||
	    settings_key(s->cfg, c) == -1 ||
	    settings_anchors(s->cfg, c) == -1) {
		oe_config_free(c);
		return NULL;
	}
	/* The preconfigured default (draft -17 §3.2): try with everybody. */
	if (classes_count(c->classes) == c->ntunnels +
	    addr_is_set(&c->pool.addr)) {
		classes_add(c->classes, &all, OE_CLASS_PERMISSIVE, 0);
		classes_add(c->classes, &all6, OE_CLASS_PERMISSIVE, 0);
	}
	c->resolvers_found = c->nresolvers == 0;
	if (c->resolvers_found)
		(void)oe_config_find_resolvers(c);
	settings_advise(c, cfg_size(s->cfg, "paranoid") > 0);
	return c;
}

struct oe_config *
oe_config_read(const struct option_source *s)
{
	struct option_source nothing = { NULL, NULL };
	struct oe_config    *c;

	if (s != NULL)
		return config_read(s);
	nothing.cfg = option_parse_nothing(oe_options);
	c = config_read(&nothing);
	cfg_free(nothing.cfg);
	return c;
}

int
oe_config_open(void *to, const struct option_source *s, const struct option *o)
{
	struct oe_config *c = oe_config_read(s);

	memcpy((uint8_t *)to + o->offset, &c, sizeof(c));
	return c == NULL ? -1 : 0;
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
	classes_free(c->classes);
	free(c->anchors);
	EVP_PKEY_free(c->key);
	option_clear(oe_options, c);
	wipe_free(c, sizeof(*c));
}
