/* settings_table.c - section "oe" of a configuration as a table of options, and what takes their texts */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/opener.h"
#include "base/util.h"
#include "net/addr_option.h"
#include "net/validate.h"
#include "oe/ike2/offer.h"
#include "oe/settings.h"

#define KEY_DEFAULT	SYSCONFDIR "/private.pem"
#define PREFIX_FILE_LINES_MAX	100000
#define PREFIXES_MAX	65536	/* texts of one class */
#define TUNNEL_SECRET_MIN 8	/* bytes */
#define TUNNEL_SECRET_MAX 255
#define POOL_PLEN_MIN	8
#define POOL_PLEN_MAX	30

/* --- classes -------------------------------------------------------------- */

/* where: "file:line: " of a file of prefixes, or "". */
static int
settings_add(cfg_t *s, struct classes *p, const char *where, const char *text,
    enum oe_class class, unsigned tunnel)
{
	struct class_match m;
	struct prefix	   prefix;
	const char	  *why;

	if ((why = prefix_read(&prefix, text, false)) != NULL) {
		conf_error(s, "%s\"%s\" %s", where, text, why);
		return -1;
	}
	if (classes_add(p, &prefix, class, tunnel) == -1) {
		classes_find(p, &prefix.addr, &m);
		conf_error(s, "%sprefix %s stands in class %s and in %s", where,
		    text, oe_class_name(m.class), oe_class_name(class));
		return -1;
	}
	return 0;
}

/* A file of prefixes, one a line, '#' begins a comment: as FreeS/WAN's
 * policy groups. */
static int
settings_add_file(cfg_t *s, struct classes *p, const char *path,
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

/* Options that are classes. */
static const struct option_word class_words[] = {
	{ "deny", OE_CLASS_DENY }, { "clear", OE_CLASS_CLEAR },
	{ "paranoid", OE_CLASS_PARANOID }, { "permissive", OE_CLASS_PERMISSIVE }
};

static int
take_class(void *to, cfg_t *s, const struct option *o, const char *text)
{
	const struct option_word *w = class_words;
	struct oe_config	 *c = to;
	enum oe_class		  class;

	while (strcmp(w->word, o->name) != 0)
		w++;
	class = (enum oe_class)w->value;
	return *text == '/' ? settings_add_file(s, c->classes, text, class) :
	    settings_add(s, c->classes, "", text, class, 0);
}

/* --- addresses and names -------------------------------------------------- */

static int
take_id(void *to, cfg_t *s, const struct option *o, const char *given)
{
	struct keying_id *id = option_member(o, to);
	const char	 *text = given;
	struct addr	  a;
	size_t		  i;

	memset(id, 0, sizeof(*id));
	if (text[0] == '@' && text[1] == '#') {
		text += 2;
		if (strlen(text) % 2 == 0 &&
		    text[strspn(text, "0123456789abcdefABCDEF")] == '\0')
			id->type = KEYING_ID_KEY;
	} else if (*text == '@') {
		id->type = KEYING_ID_FQDN;
		text++;
	} else if (strchr(text, '@') != NULL) {
		id->type = KEYING_ID_USER_FQDN;
	} else if (addr_parse(&a, text) == 0) {
		if (addr_option_read(&a, s, o, text) == -1)
			return -1;
		id->type = KEYING_ID_ADDR;
		id->addr = a;
		return 0;
	}
	if (id->type == 0 || *text == '\0' || strlen(text) > KEYING_NAME_MAX) {
		conf_error(s, "%s \"%s\" is neither an address, nor @name, nor "
		    "user@name, nor @#hexadecimal", o->name, given);
		return -1;
	}
	for (i = 0; text[i] != '\0'; i++)
		id->name[i] = (char)tolower((unsigned char)text[i]);
	if (id->name[i - 1] == '.')
		id->name[i - 1] = '\0';
	return 0;
}

/* Hosts of it are reached over SAs alone: for all others it is denied. */
static int
take_pool(void *to, cfg_t *s, const struct option *o, const char *text)
{
	struct oe_config *c = to;

	if (prefix_option_read(&c->pool, s, o, text) == -1)
		return -1;
	if (c->pool.plen < POOL_PLEN_MIN || c->pool.plen > POOL_PLEN_MAX) {
		conf_error(s, "%s \"%s\" is larger than /%d or smaller than "
		    "/%d", o->name, text, POOL_PLEN_MIN, POOL_PLEN_MAX);
		return -1;
	}
	return settings_add(s, c->classes, "", text, OE_CLASS_DENY, 0);
}

static int
take_esp(void *to, cfg_t *s, const struct option *o, const char *text)
{
	static const struct { const char *name; unsigned bit; } known[] = {
		{ "aes-256-gcm", IKE2_ESP_AES_GCM_256 },
		{ "aes-128-gcm", IKE2_ESP_AES_GCM_128 },
		{ "chacha20-poly1305", IKE2_ESP_CHACHA20 },
		{ "aes-256-cbc", IKE2_ESP_AES_CBC_256 },
		{ "aes-128-cbc", IKE2_ESP_AES_CBC_128 },
	};
	struct oe_config *c = to;
	size_t		  i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, text) == 0) {
			c->esp |= known[i].bit;
			return 0;
		}
	}
	cfg_error(s, "%s: no cipher of ESP is called \"%s\"", o->name, text);
	return -1;
}

/* --- tunnels -------------------------------------------------------------- */

/* What a section "tunnel" says, until the engine's struct has it. */
struct draft {
	struct oe_tunnel     tunnel;
	char		    *peer_key;
	struct option_secret secret;
};

static const struct option tunnel_options[] = {
	{ "peer", OPTION_ADDRESS, OPTION_LIVE,
	  .take = addr_option_take,
	  OPTION_AT(struct draft, tunnel.peer), .example = "203.0.113.1",
	  HELP("The other gateway.") },
	{ "remote", OPTION_TEXT, OPTION_LIVE,
	  .take = prefix_option_take, OPTION_AT(struct draft, tunnel.remote),
	  .example = "192.168.7.0/24",
	  HELP("What is behind it; else the peer itself.") },
	{ "local", OPTION_TEXT, OPTION_LIVE, .take = prefix_option_take,
	  OPTION_AT(struct draft, tunnel.local),
	  .example = "192.0.2.0/24",
	  HELP("What of ours takes the tunnel; else our own address.") },
	{ "id", OPTION_TEXT, OPTION_LIVE, .ipv4 = true, .take = take_id,
	  OPTION_AT(struct draft, tunnel.my_id),
	  .example = "@left.example.org",
	  HELP("Our identity in Phase 1; else the address.") },
	{ "peer-id", OPTION_TEXT, OPTION_LIVE, .ipv4 = true,
	  .take = take_id, OPTION_AT(struct draft, tunnel.peer_id),
	  .example = "@right.example.org",
	  HELP("The peer's identity; else its address.") },
	{ "peer-key", OPTION_TEXT, OPTION_LIVE,
	  OPTION_AT(struct draft, peer_key), .example = "AwEAAb...",
	  HELP("The peer's public key in base64 as in its IPSECKEY record, "
	      "or") },
	{ "secret", OPTION_SECRET, OPTION_LIVE, .lo = TUNNEL_SECRET_MIN,
	  .hi = TUNNEL_SECRET_MAX, OPTION_AT(struct draft, secret),
	  .example = SYSCONFDIR "/branch.secret",
	  HELP("the secret that both have, in one line.") },
	{ 0 }
};

static int
tunnel_check(cfg_t *s, struct draft *d, unsigned rsa_min_bits)
{
	struct oe_tunnel *t = &d->tunnel;

	if (!addr_is_set(&t->peer)) {
		conf_error(s, "tunnel %s needs peer = \"ADDRESS\"", t->name);
		return -1;
	}
	if (cfg_size(s, "remote") == 0)
		t->remote = prefix_host(&t->peer);
	if (t->remote.addr.family != (addr_is_set(&t->local.addr) ?
	    t->local.addr.family : t->peer.family)) {
		conf_error(s, "tunnel %s: local and remote are of two "
		    "families", t->name);
		return -1;
	}
	if (t->peer_id.type == 0) {
		t->peer_id.type = KEYING_ID_ADDR;
		t->peer_id.addr = t->peer;
	}
	if ((d->peer_key == NULL) == (d->secret.len == 0)) {
		conf_error(s, "tunnel %s needs either peer-key or secret",
		    t->name);
		return -1;
	}
	if (d->peer_key != NULL && pubkey_from_base64(&t->key, d->peer_key,
	    strlen(d->peer_key), rsa_min_bits) == -1) {
		conf_error(s, "peer-key of tunnel %s is no key in base64: of "
		    "RSA with at least %u bits, ECDSA or Ed25519", t->name,
		    rsa_min_bits);
		return -1;
	}
	if (memchr(d->secret.bytes, '\n', d->secret.len) != NULL) {
		conf_error(s, "the secret of tunnel %s has more than one line",
		    t->name);
		return -1;
	}
	return 0;
}

/*
 * RFC 7296 §2.15: a secret is text, or octets in hexadecimal, which we know as
 * others do by "0x" in front.  0, or -1: that, and no such octets.
 */
static int
secret_octets(struct oe_tunnel *t, const struct option_secret *secret)
{
	const uint8_t *p = secret->bytes;
	size_t	       i, n = secret->len;
	unsigned       octet;

	t->psk = xcalloc(1, n);
	t->psk_len = n;
	memcpy(t->psk, p, n);
	if (n < 2 || p[0] != '0' || p[1] != 'x')
		return 0;
	t->psk_len = n / 2 - 1;
	for (i = 2; i < n; i++) {
		if (n % 2 != 0 || !isxdigit(p[i]))
			return -1;
		octet = isdigit(p[i]) ? p[i] - (unsigned)'0' :
		    (p[i] | 0x20u) - 'a' + 10;
		t->psk[i / 2 - 1] = (uint8_t)(i % 2 == 0 ? octet << 4 :
		    t->psk[i / 2 - 1] | octet);
	}
	wipe(t->psk + t->psk_len, n - t->psk_len);
	return t->psk_len < TUNNEL_SECRET_MIN ? -1 : 0;
}

static int
open_tunnel(void *to, const struct option_source *s, const struct option *o)
{
	struct oe_config *c = to;
	struct oe_tunnel *t = &c->tunnels[c->ntunnels];
	struct draft	  d = { 0 };
	int		  rc = -1;

	snprintf(d.tunnel.name, sizeof(d.tunnel.name), "%s", cfg_title(s->cfg));
	if (option_read(o->table, s, &d) == -1 ||
	    tunnel_check(s->cfg, &d, c->rsa_min_bits) == -1)
		goto out;
	*t = d.tunnel;
	if (d.secret.len != 0 && secret_octets(t, &d.secret) == -1) {
		conf_error(s->cfg, "the secret of tunnel %s begins with 0x, "
		    "and is not at least %d octets in hexadecimal", t->name,
		    TUNNEL_SECRET_MIN);
		wipe_free(t->psk, d.secret.len);
		t->psk = NULL;
		goto out;
	}
	rc = settings_add(s->cfg, c->classes, "", PREFIX_TEXT(&t->remote),
	    OE_CLASS_TUNNEL, (unsigned)c->ntunnels++);
out:
	option_clear(o->table, &d);
	return rc;
}

/* --- the table ------------------------------------------------------------ */

static const struct option_word dataplanes[] = {
	{ "user", OE_DATAPLANE_USER }, { "kernel", OE_DATAPLANE_KERNEL },
	{ "auto", OE_DATAPLANE_AUTO }, { 0 }
};

static const struct option_word versions[] = {
	{ "2,1", 1 << 2 | 1 << 1 }, { "2", 1 << 2 }, { "1", 1 << 1 }, { 0 }
};

static const struct option_word anonymous[] = {
	{ "no", OE_ANONYMOUS_NO }, { "accept", OE_ANONYMOUS_ACCEPT },
	{ "try", OE_ANONYMOUS_TRY }, { 0 }
};

static const struct option_word validates[] = {
	{ "local", DNS_VALIDATE_LOCAL }, { "resolver", DNS_VALIDATE_RESOLVER },
	{ "no", DNS_VALIDATE_NO }, { 0 }
};

static const struct option_word transport[] = {
	{ "no", OE_TRANSPORT_NO }, { "accept", OE_TRANSPORT_ACCEPT },
	{ "ask", OE_TRANSPORT_ASK }, { 0 }
};

static const struct option_word encapsulations[] = {
	{ "auto", 0 }, { "always", 1 }, { 0 }
};

#define AT(member)	OPTION_AT(struct oe_config, member)
#define LIST_AT(array, length) OPTION_LIST_AT(struct oe_config, array, length)
#define DAY		86400	/* seconds */

const struct option oe_options[] = {
	{ "id", OPTION_TEXT, OPTION_LIVE, .ipv4 = true, .take = take_id,
	  AT(id), .example = "@laptop.example.org",
	  HELP("Who we are: an address, @name or user@name; else our "
	      "address.") },
	{ "key", OPTION_FILE, OPTION_LIVE, KEY_DEFAULT, AT(key_path),
	  HELP("The private key (rsipctl keygen); without the default "
	      "one peers are not shown who we are.") },
	{ "state", OPTION_STATE, OPTION_FIXED, STATEDIR "/oe.peers", AT(state),
	  HELP("Where peers are remembered for after a crash; empty: "
	      "nowhere.") },
	{ "deny", OPTION_PREFIXES, OPTION_LIVE, .hi = PREFIXES_MAX,
	  .take = take_class, .example = "198.51.100.66," SYSCONFDIR "/deny",
	  HELP("Destinations: drop.") },
	{ "clear", OPTION_PREFIXES, OPTION_LIVE, .hi = PREFIXES_MAX,
	  .take = take_class, .example = "192.0.2.0/24",
	  HELP("Never encrypt.") },
	{ "paranoid", OPTION_PREFIXES, OPTION_LIVE, .hi = PREFIXES_MAX,
	  .take = take_class, .example = "198.51.100.0/24",
	  HELP("Encrypt or drop.") },
	{ "permissive", OPTION_PREFIXES, OPTION_LIVE, .hi = PREFIXES_MAX,
	  .take = take_class, .example = "0.0.0.0/0",
	  HELP("Encrypt if possible, else go in the clear: all, where no "
	      "class is named.") },
	{ "icmp-deny", OPTION_BOOL, OPTION_LIVE, "false", AT(icmp_deny),
	  HELP("Answer what is dropped with an ICMP error.") },
	{ "initiate", OPTION_BOOL, OPTION_LIVE, "true", AT(initiate),
	  HELP("false: answer peers, but begin with nobody.") },
	{ "networks", OPTION_LIST, OPTION_FIXED, .hi = OE_NETWORKS_MAX,
	  .take = prefix_option_take, LIST_AT(networks, nnetworks),
	  .example = "192.0.2.0/24",
	  HELP("Networks behind us, for which we are the security "
	      "gateway.") },
	{ "pool", OPTION_LIST, OPTION_LIVE, .hi = 1, .ipv4 = true,
	  .take = take_pool, .example = "100.64.0.0/16",
	  HELP("Addresses lent to peers behind a NAT, and to several at one "
	      "address.") },
	{ "resolvers", OPTION_LIST, OPTION_LIVE, .hi = OE_RESOLVERS_MAX,
	  .take = addr_option_take_any, LIST_AT(resolvers, nresolvers),
	  .example = "127.0.0.1",
	  HELP("DNS servers; else those of /etc/resolv.conf.") },
	{ "validate", OPTION_WORD, OPTION_FIXED, VALIDATE_DEFAULT, AT(validate),
	  .words = validates,
	  HELP("Who checks DNSSEC: this host (with libunbound), a resolver "
	      "that is trusted, or nobody.") },
	{ "trust-anchor", OPTION_FILE, OPTION_LIVE, VALIDATE_ANCHORS,
	  AT(anchor_path), HELP("DS or DNSKEY records that local checks "
	      "begin with, as they are; the default one, or where there is "
	      "none the root's as the program knows it, is followed as it "
	      "rolls (RFC 5011).") },
	{ "trusted-resolvers", OPTION_LIST, OPTION_LIVE, .hi = OE_TRUSTED_MAX,
	  .take = addr_option_take_any, LIST_AT(trusted, ntrusted),
	  .example = "192.0.2.53",
	  HELP("Whose AD bit is believed, beside resolvers of this host.") },
	{ "require-dnssec", OPTION_BOOL, OPTION_LIVE, "false",
	  AT(require_dnssec),
	  HELP("Records that DNSSEC does not vouch for count as none.") },
	{ "self-delegation-only", OPTION_BOOL, OPTION_LIVE, "false",
	  AT(self_delegation_only),
	  HELP("Such records may name their own address as gateway only.") },
	{ "dns-timeout", OPTION_NUMBER, OPTION_LIVE, "250", AT(dns_timeout),
	  .lo = 50, .hi = 60000,
	  HELP("Milliseconds of the first try; each further one waits twice "
	      "as long.") },
	{ "dns-tries", OPTION_NUMBER, OPTION_LIVE, "5", AT(dns_tries), .lo = 1,
	  .hi = 10, HELP("Tries.") },
	{ "ike", OPTION_WORD, OPTION_LIVE, "2,1", AT(ike), .words = versions,
	  HELP("Versions of IKE; the first is tried first, IKEv1 only where "
	      "nobody answers, with a key from a TXT record or of a tunnel, "
	      "and without legacy.") },
	{ "anonymous", OPTION_WORD, OPTION_LIVE, "accept",
	  AT(anonymous), .words = anonymous,
	  HELP("Permissive peers that show nobody who they are (IKEv2): "
	      "accept them, or try it also where DNS has no key.") },
	{ "paranoid-anonymous", OPTION_WORD, OPTION_LIVE, "no",
	  AT(paranoid_anonymous), .words = anonymous,
	  HELP("The same for paranoid ones, which anybody on the way can "
	      "then pose as.") },
	{ "transport", OPTION_WORD, OPTION_LIVE, "accept", AT(transport),
	  .words = transport, HELP("Transport mode with single peers that "
	      "no NAT is before (IKEv2): where they ask for it, or ask for "
	      "it too.") },
	{ "encapsulate", OPTION_WORD, OPTION_LIVE, "auto", AT(encapsulate),
	  .words = encapsulations, HELP("ESP in UDP where a NAT is, or "
	      "always: for networks that pass nothing but what has ports.") },
	{ "esp", OPTION_LIST, OPTION_LIVE, .hi = 5, .take = take_esp,
	  .example = "chacha20-poly1305",
	  HELP("Ciphers of ESP that IKEv2 offers and takes, else all: "
	      "aes-256-gcm, aes-128-gcm, chacha20-poly1305, aes-256-cbc, "
	      "aes-128-cbc.") },
	{ "legacy", OPTION_BOOL, OPTION_LIVE, "true", AT(legacy),
	  HELP("3DES, MD5, SHA-1 and groups 2 and 5 too, as RFC 4322 "
	      "demands.") },
	{ "rsa-min-bits", OPTION_NUMBER, OPTION_LIVE, "2048",
	  AT(rsa_min_bits), .lo = 1024, .hi = PUBKEY_BITS_MAX,
	  HELP("Smaller keys of peers are refused.") },
	{ "dataplane", OPTION_WORD, OPTION_FIXED, "auto", AT(dataplane),
	  .words = dataplanes,
	  HELP("Who encrypts: the daemon, the kernel, or (auto) the kernel "
	      "if it can: for leased addresses and networks with eBPF.") },
	{ "lifespan-first", OPTION_NUMBER, OPTION_LIVE, "60",
	  AT(lifespan_first), .lo = 1, .hi = DAY,
	  HELP("Seconds after which a new conclusion is looked at again.") },
	{ "lifespan", OPTION_NUMBER, OPTION_LIVE, "1200", AT(lifespan), .lo = 1,
	  .hi = DAY, HELP("Then each time after so many.") },
	{ "idle", OPTION_NUMBER, OPTION_LIVE, "30", AT(idle), .lo = 1,
	  .hi = DAY, HELP("Seconds without traffic that end it.") },
	{ "lifespan-short", OPTION_NUMBER, OPTION_LIVE, "60",
	  AT(lifespan_short), .lo = 1, .hi = DAY,
	  HELP("Seconds after silence of IKE or DNS.") },
	{ "hold", OPTION_NUMBER, OPTION_LIVE, "3", AT(hold), .lo = 0, .hi = 600,
	  HELP("Seconds that a permissive destination's packets wait; 0: "
	      "they go in the clear until there are keys.") },
	{ "hold-dual-stack", OPTION_NUMBER, OPTION_LIVE, "300", AT(hold_dual),
	  .lo = 0, .hi = 600000,
	  HELP("Milliseconds that they wait at most for an IPv6 destination "
	      "where this host has IPv4, too: programs try that instead.") },
	{ "give-up", OPTION_NUMBER, OPTION_LIVE, "20", AT(give_up), .lo = 1,
	  .hi = 600, HELP("Seconds that IKE waits for a silent peer.") },
	{ "phase1-lifetime", OPTION_NUMBER, OPTION_LIVE, "3600",
	  AT(phase1_lifetime), .lo = 60, .hi = DAY,
	  HELP("Seconds of keys of Phase 1.") },
	{ "phase2-lifetime", OPTION_NUMBER, OPTION_LIVE, "1200",
	  AT(phase2_lifetime), .lo = 30, .hi = DAY,
	  HELP("Seconds of keys of Phase 2.") },
	{ "dpd", OPTION_NUMBER, OPTION_LIVE, "60", AT(dpd), .lo = 0, .hi = 3600,
	  HELP("Seconds of silence after which a peer is asked; 0: never.") },
	{ "connections-max", OPTION_NUMBER, OPTION_LIVE, "8192",
	  AT(connections_max), .lo = 16, .hi = 1000000,
	  HELP("Pairs of addresses that are kept.") },
	{ "tunnel", OPTION_SECTIONS, OPTION_LIVE, .hi = OE_TUNNELS_MAX,
	  .table = tunnel_options, .open = open_tunnel, .example = "branch",
	  HELP("A tunnel with a peer that we agreed with.") },
	{ 0 }
};
