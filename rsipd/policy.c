/* policy.c - what each host may do: flow policy, leases, limits, secrets */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "net/prefixes.h"
#include "rsipd/policy.h"

struct policies {
	struct policy	 base;
	struct prefixes *sections;	/* struct policy, which owns
					 * what it points to */
};

static void *
copy(const void *from, size_t n, size_t size)
{
	void *p;

	if (n == 0)
		return NULL;
	if ((p = calloc(n, size)) != NULL)
		memcpy(p, from, n * size);
	return p;
}

static void
policy_release(struct policy *p)
{
	free((void *)(uintptr_t)p->remotes);
	free((void *)(uintptr_t)p->addresses);
	wipe_free((void *)(uintptr_t)p->secret, sizeof(*p->secret));
}

static int
policy_copy(struct policy *to, const struct policy *from)
{
	*to = *from;
	to->remotes = copy(from->remotes, from->nremotes,
	    sizeof(*from->remotes));
	to->addresses = copy(from->addresses, from->naddresses,
	    sizeof(*from->addresses));
	to->secret = copy(from->secret, from->secret != NULL,
	    sizeof(*from->secret));
	if ((from->nremotes != 0 && to->remotes == NULL) ||
	    (from->naddresses != 0 && to->addresses == NULL) ||
	    (from->secret != NULL && to->secret == NULL)) {
		policy_release(to);
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

struct policies *
policies_new(const struct policy *base)
{
	struct policies *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	if (policy_copy(&p->base, base) == -1) {
		free(p);
		return NULL;
	}
	p->sections = prefixes_new(sizeof(struct policy));
	return p;
}

static void
section_release(void *arg, const struct prefix *prefix, void *policy)
{
	(void)arg;
	(void)prefix;
	policy_release(policy);
}

void
policies_free(struct policies *p)
{
	if (p == NULL)
		return;
	policy_release(&p->base);
	prefixes_each(p->sections, section_release, NULL);
	prefixes_free(p->sections);
	free(p);
}

int
policies_add(struct policies *p, const struct prefix *hosts,
    const struct policy *section)
{
	struct policy own;

	if (policy_copy(&own, section) == -1)
		return -1;
	if (prefixes_add(p->sections, hosts, &own) == -1) {
		policy_release(&own);
		return -1;
	}
	return 0;
}

static void
policy_override(struct policy *o, const struct policy *s)
{
#define OVERRIDE(bit, member)						\
	do {								\
		if (s->has & (bit))					\
			o->member = s->member;				\
	} while (0)
	OVERRIDE(POLICY_HAS_REGISTER, may_register);
	OVERRIDE(POLICY_HAS_LOCAL, local);
	OVERRIDE(POLICY_HAS_REMOTE, remote);
	OVERRIDE(POLICY_HAS_LISTEN, listen);
	OVERRIDE(POLICY_HAS_IPSEC, ipsec);
	OVERRIDE(POLICY_HAS_RSA_IP, rsa_ip);
	OVERRIDE(POLICY_HAS_AUTH, require_auth);
	OVERRIDE(POLICY_HAS_TUNNELS, ipip);
	OVERRIDE(POLICY_HAS_TUNNELS, gre);
	OVERRIDE(POLICY_HAS_LEASE, lease);
	OVERRIDE(POLICY_HAS_LEASE_MAX, lease_max);
	OVERRIDE(POLICY_HAS_REGISTRATION, registration);
	OVERRIDE(POLICY_HAS_BINDINGS, max_bindings);
	OVERRIDE(POLICY_HAS_PORTS, max_ports);
	OVERRIDE(POLICY_HAS_SPIS, max_spis);
	OVERRIDE(POLICY_HAS_REMOTES, remotes);
	OVERRIDE(POLICY_HAS_REMOTES, nremotes);
	OVERRIDE(POLICY_HAS_ADDRESSES, addresses);
	OVERRIDE(POLICY_HAS_ADDRESSES, naddresses);
	OVERRIDE(POLICY_HAS_SECRET, secret);
#undef OVERRIDE
}

static void
section_override(void *arg, const struct prefix *prefix, void *policy)
{
	(void)prefix;
	policy_override(arg, policy);
}

void
policies_find(const struct policies *p, const struct addr *host,
    struct policy *out)
{
	*out = p->base;
	prefixes_holding(p->sections, host, section_override, out);
}

void
policies_each(const struct policies *p,
    void (*fn)(void *, const struct prefix *, void *), void *arg)
{
	prefixes_each(p->sections, fn, arg);
}

bool
policies_name(const struct policies *p, const struct addr *host)
{
	return prefixes_find(p->sections, host, NULL) != NULL;
}

struct search {
	const struct policies *policies;
	bool		     (*test)(const struct policy *);
	bool		       found;
};

/* What holds for the hosts of a section in all that it lies in. */
static void
section_test(void *arg, const struct prefix *prefix, void *policy)
{
	struct search *s = arg;
	struct policy  merged;

	policies_find(s->policies, &prefix->addr, &merged);
	policy_override(&merged, policy);
	s->found = s->found || s->test(&merged);
}

bool
policies_any(const struct policies *p, bool (*test)(const struct policy *))
{
	struct search s = { p, test, test(&p->base) };

	prefixes_each(p->sections, section_test, &s);
	return s.found;
}

bool
policy_allows_local(const struct policy *p, const struct addr *addr)
{
	size_t i;

	for (i = 0; i < p->naddresses; i++) {
		if (addr_equal(&p->addresses[i], addr))
			return true;
	}
	return p->naddresses == 0;
}

bool
policy_allows_remote(const struct policy *p, const struct addr *addr,
    struct demux_range ports)
{
	const struct policy_remote *r;
	size_t			    i;

	for (i = 0; i < p->nremotes; i++) {
		r = &p->remotes[i];
		if (!prefix_contains(&r->to, addr))
			continue;
		if (ports.hi == 0 || (r->ports.lo <= ports.lo &&
		    ports.hi <= r->ports.hi))
			return true;
	}
	return p->nremotes == 0;
}
