/* check.c - "rsipctl check": what a peer would find of a host, up to the first step that fails */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ask.h"
#include "ctl/check.h"
#include "ctl/probe.h"
#include "oe/record.h"

#define ADDRESSES_MAX	8
#define RSA_BITS	2048	/* less is refused by default
				 * (rsa-min-bits) */

struct check {
	struct names *names;
	const struct ask_request *here;
	bool	      insecure;		/* a record that is not signed */
};

/* What DNS has at one name. */
struct found {
	char	      name[RR_NAME_MAX];
	struct record_answer txt, ipseckey, key;
};

/* --- lines ---------------------------------------------------------------- */

static void __attribute__((format(printf, 2, 3)))
check_ok(const char *step, const char *fmt, ...)
{
	va_list ap;

	printf("ok    %-9s ", step);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static int __attribute__((format(printf, 2, 3)))
check_fail(const char *step, const char *fmt, ...)
{
	va_list ap;

	printf("FAIL  %-9s ", step);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	return 1;
}

/* --- records -------------------------------------------------------------- */

static int
check_type(struct check *c, const char *name, uint16_t type,
    struct record_answer *out)
{
	struct names_answer a;

	names_ask(c->names, name, type, true, &a);
	memset(out, 0, sizeof(*out));
	switch (a.verdict) {
	case VALIDATOR_SECURE:
	case VALIDATOR_INSECURE:
		break;
	case VALIDATOR_BOGUS:
		return check_fail("dnssec", "%s does not stand up to DNSSEC "
		    "(%s): peers drop what is for it; sign the zone again, or "
		    "mend its DS record", name, a.why);
	case VALIDATOR_FAILED:
		return check_fail("resolver", "no answer about %s by %s: is "
		    "its zone served, and delegated to who serves it?", name,
		    names_servers(c->names));
	case VALIDATOR_SILENT:
	case VALIDATOR_UNCHECKED:
		return check_fail("resolver", "%s does not answer",
		    names_servers(c->names));
	}
	record_parse(out, a.msg, a.len, name, type, RSA_BITS);
	out->authentic = a.verdict == VALIDATOR_SECURE;
	if (out->status == RECORD_FOUND && !out->authentic)
		c->insecure = true;
	return 0;
}

static int
check_ask(struct check *c, struct found *f, const char *name)
{
	snprintf(f->name, sizeof(f->name), "%s", name);
	return check_type(c, name, RECORD_TYPE_TXT, &f->txt) != 0 ||
	    check_type(c, name, RECORD_TYPE_IPSECKEY, &f->ipseckey) != 0 ||
	    check_type(c, name, RECORD_TYPE_KEY, &f->key) != 0;
}

/* The record that decides (doc/oe.md): TXT before IPSECKEY. */
static const struct record_answer *
found_delegation(const struct found *f)
{
	return f->txt.status == RECORD_FOUND ? &f->txt :
	    f->ipseckey.status == RECORD_FOUND ? &f->ipseckey : NULL;
}

static bool
key_in(const struct record_answer *a, const struct pubkey *k)
{
	unsigned i;

	for (i = 0; i < a->n; i++) {
		if (a->r[i].key.len == k->len && a->r[i].key.type == k->type &&
		    memcmp(a->r[i].key.wire, k->wire, k->len) == 0)
			return true;
	}
	return false;
}

/* Why there is nothing of use at the reverse name. */
static int
check_no_record(const struct found *f, const char *what)
{
	static const enum record_status worst[] = { RECORD_MALFORMED,
		RECORD_UNUSABLE };
	const struct record_answer *all[] = { &f->txt, &f->ipseckey, &f->key };
	size_t i, k;

	for (k = 0; k < 2; k++) {
		for (i = 0; i < 3; i++) {
			if (all[i]->status == worst[k])
				return check_fail("record", "%s: %s; take what "
				    "\"rsipctl dns-records\" prints",
				    f->name, record_status_text(worst[k]));
		}
	}
	if (f->key.status == RECORD_FOUND)
		return check_fail("record", "%s has a KEY record only: without "
		    "TXT or IPSECKEY nobody begins", f->name);
	return check_fail("record", "%s has no TXT, IPSECKEY or KEY record: "
	    "peers find no key for %s (\"rsipctl publish\")", f->name, what);
}

/* --- steps ---------------------------------------------------------------- */

static void
check_signed(const struct check *c)
{
	if (c->insecure)
		printf("warn  dnssec    not signed: peers that insist on it "
		    "(require-dnssec), and whose DNS somebody can forge, are "
		    "not served by these records\n");
	else
		check_ok("dnssec", "signed, from the trust anchor on");
}

/* What is sent to whom this host has keys with goes into these, and no answer
 * in the clear is taken from there; that IKE answered made them. */
static int
check_keys(const struct addr *gateway, const struct ask_keys *k)
{
	if (k->silent != 0)
		return check_fail("ike", "%s has keys with %s, which has not "
		    "answered for %u s: is its daemon still there?", k->daemon,
		    ADDR_TEXT(gateway), k->silent);
	check_ok("ike", "%s answers IKEv%u: %s has keys with it",
	    ADDR_TEXT(gateway), k->version, k->daemon);
	return 0;
}

static int
check_ike(const struct check *c, const struct addr *gateway)
{
	struct ask_keys keys;
	unsigned	version;

	if (ask_keys(c->here, ADDR_TEXT(gateway), &keys))
		return check_keys(gateway, &keys);
	version = probe_ike(gateway);
	if (version != 0) {
		check_ok("ike", "%s answers IKEv%u", ADDR_TEXT(gateway),
		    version);
		return 0;
	}
	if (errno == ECONNREFUSED)
		return check_fail("ike", "nobody listens at UDP port 500 of "
		    "%s: start oed (rsipc) there", ADDR_TEXT(gateway));
	return check_fail("ike", "no answer from UDP port 500 of %s: a "
	    "firewall, or the wrong gateway in the record",
	    ADDR_TEXT(gateway));
}

/* The holder of the key: do its own records say the same? */
static int
check_holder(struct check *c, const struct found *f, const struct record *r)
{
	struct found holder;

	if (r->gateway.type != KEYING_ID_FQDN) {
		if (f->key.status != RECORD_FOUND || r->key.len == 0 ||
		    key_in(&f->key, &r->key))
			return 0;
		return check_fail("agreement", "the KEY record of %s is not "
		    "the key of its %s record: publish both anew", f->name,
		    f->txt.status == RECORD_FOUND ? "TXT" : "IPSECKEY");
	}
	if (check_ask(c, &holder, r->gateway.name) != 0)
		return 1;
	if (holder.key.status != RECORD_FOUND &&
	    holder.ipseckey.status != RECORD_FOUND) {
		if (r->key.len != 0)
			return 0;
		return check_fail("agreement", "%s names %s, which has no KEY "
		    "or IPSECKEY record", f->name, r->gateway.name);
	}
	if (r->key.len != 0 && !key_in(&holder.key, &r->key) &&
	    !key_in(&holder.ipseckey, &r->key))
		return check_fail("agreement", "%s and %s have different keys: "
		    "publish both anew", f->name, r->gateway.name);
	check_ok("agreement", "%s and %s have the same key", f->name,
	    r->gateway.name);
	return 0;
}

/* r->gateway as an address: of itself if it names nobody. */
static int
check_gateway(struct check *c, const struct record *r,
    const struct addr *owner, struct addr *out)
{
	*out = *owner;
	if (r->gateway.type == KEYING_ID_ADDR)
		*out = r->gateway.addr;
	else if (r->gateway.type == KEYING_ID_FQDN &&
	    names_addresses(c->names, r->gateway.name, out, 1) == 0)
		return check_fail("gateway", "%s, which the record names, has "
		    "no address", r->gateway.name);
	if (!addr_equal(out, owner))
		check_ok("gateway", "%s speaks for %s", ADDR_TEXT(out),
		    ADDR_TEXT(owner));
	return 0;
}

/* What who sends to that address finds; name: whose address it is, NULL: only
 * that is known. */
static int
check_address(struct check *c, const struct addr *addr,
    const struct found *name)
{
	static struct found f;
	const struct record_answer *d;
	char		    reverse[ADDR_REVERSE_MAX];
	struct addr	    gateway;

	addr_reverse_name(addr, reverse);
	if (check_ask(c, &f, reverse) != 0)
		return 1;
	if ((d = found_delegation(&f)) == NULL)
		return check_no_record(&f, ADDR_TEXT(addr));
	check_ok("record", "%s: %s%s%s", f.name,
	    d == &f.txt ? "TXT" : "IPSECKEY",
	    f.txt.status == RECORD_FOUND &&
	    f.ipseckey.status == RECORD_FOUND ? ", IPSECKEY" : "",
	    f.key.status == RECORD_FOUND ? ", KEY" : "");
	if (d->r[0].key.len != 0)
		check_ok("key", "%s", PUBKEY_KIND(&d->r[0].key));
	check_signed(c);
	if (check_gateway(c, &d->r[0], addr, &gateway) != 0 ||
	    check_holder(c, &f, &d->r[0]) != 0)
		return 1;
	if (name != NULL && d->r[0].key.len != 0 &&
	    !key_in(&name->key, &d->r[0].key) &&
	    !key_in(&name->ipseckey, &d->r[0].key))
		return check_fail("agreement", "%s and %s have different keys: "
		    "publish both anew", name->name, f.name);
	return check_ike(c, &gateway);
}

static int
check_name(struct check *c, const char *what)
{
	static struct found f;
	struct addr	    addrs[ADDRESSES_MAX];
	size_t		    i, n;
	char		    name[RR_NAME_MAX];

	snprintf(name, sizeof(name), "%s", what + (*what == '@'));
	if ((n = strlen(name)) > 1 && name[n - 1] == '.')
		name[n - 1] = '\0';
	if (check_ask(c, &f, name) != 0)
		return 1;
	n = names_addresses(c->names, name, addrs, ADDRESSES_MAX);
	if (f.key.status != RECORD_FOUND && f.ipseckey.status != RECORD_FOUND) {
		/* A server may have its key under its address alone. */
		if (n == 0 || f.key.status != RECORD_NONE ||
		    f.ipseckey.status != RECORD_NONE)
			return check_no_record(&f, what);
		check_ok("name", "%s has no key of its own, and %zu address%s",
		    name, n, n == 1 ? "" : "es");
		for (i = 0; i < n; i++) {
			if (check_address(c, &addrs[i], NULL) != 0)
				return 1;
		}
		return 0;
	}
	check_ok("record", "%s: %s", name, f.key.status == RECORD_FOUND ?
	    "KEY" : "IPSECKEY");
	if (n == 0) {
		check_signed(c);
		check_ok("name", "%s has no address: peers know it when it "
		    "begins, and nobody begins with it", name);
		return 0;
	}
	for (i = 0; i < n; i++) {
		if (check_address(c, &addrs[i], &f) != 0)
			return 1;
	}
	return 0;
}

int
check_run(const struct names_config *config, const struct ask_request *here,
    const char *what)
{
	struct check c = { .names = names_open(config), .here = here };
	struct addr  addr;
	int	     rc;

	if (c.names == NULL)
		return 1;
	rc = addr_parse(&addr, what) == 0 ? check_address(&c, &addr, NULL) :
	    check_name(&c, what);
	names_close(c.names);
	return rc;
}
