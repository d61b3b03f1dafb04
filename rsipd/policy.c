/* policy.c - what each host may do: flow policy, leases, limits, secrets */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "net/ip.h"
#include "rsipd/policy.h"

struct section {
	uint32_t	net;
	unsigned	plen;
	struct policy	policy;		/* owns what it points to */
};

/* Sections sorted by prefix length, then address: one binary search a length. */
struct policies {
	struct section	base;
	struct section *section;
	size_t		n, cap;
	size_t		first[34];	/* of each prefix length; [33] is n */
};

static int
section_compare(const void *x, const void *y)
{
	const struct section *a = x, *b = y;
	uint32_t	      na = ntohl(a->net), nb = ntohl(b->net);

	if (a->plen != b->plen)
		return a->plen < b->plen ? -1 : 1;
	return na == nb ? 0 : na < nb ? -1 : 1;
}

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
	if (policy_copy(&p->base.policy, base) == -1) {
		free(p);
		return NULL;
	}
	return p;
}

void
policies_free(struct policies *p)
{
	size_t i;

	if (p == NULL)
		return;
	policy_release(&p->base.policy);
	for (i = 0; i < p->n; i++)
		policy_release(&p->section[i].policy);
	free(p->section);
	free(p);
}

static const struct section *
section_find(const struct policies *p, uint32_t net, unsigned plen)
{
	struct section key = { .net = net & ip_mask(plen), .plen = plen };
	size_t	       n = p->first[plen + 1] - p->first[plen];

	return n == 0 ? NULL : bsearch(&key, p->section + p->first[plen], n,
	    sizeof(key), section_compare);
}

int
policies_add(struct policies *p, uint32_t net, unsigned plen,
    const struct policy *section)
{
	struct section	new, *s;
	unsigned	k;
	size_t		i, cap;

	if (section_find(p, net, plen) != NULL) {
		errno = EEXIST;
		return -1;
	}
	if (p->n == p->cap) {
		cap = p->cap == 0 ? 16 : p->cap * 2;
		if ((s = reallocarray(p->section, cap, sizeof(*s))) == NULL)
			return -1;
		p->section = s;
		p->cap = cap;
	}
	new.net = net & ip_mask(plen);
	new.plen = plen;
	if (policy_copy(&new.policy, section) == -1)
		return -1;
	/* Configurations are mostly in order: from the end it is not far. */
	for (i = p->n++; i > 0 && section_compare(&p->section[i - 1], &new) > 0;
	    i--)
		p->section[i] = p->section[i - 1];
	p->section[i] = new;
	for (k = 0, i = 0; k <= 33; k++) {
		while (i < p->n && p->section[i].plen < k)
			i++;
		p->first[k] = i;
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

void
policies_find(const struct policies *p, uint32_t host, struct policy *out)
{
	const struct section *s;
	unsigned	      plen;

	*out = p->base.policy;
	for (plen = 0; plen <= 32; plen++) {
		if ((s = section_find(p, host, plen)) != NULL)
			policy_override(out, &s->policy);
	}
}

void
policies_each(const struct policies *p,
    void (*fn)(void *, uint32_t net, unsigned plen), void *arg)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		fn(arg, p->section[i].net, p->section[i].plen);
}

bool
policies_name(const struct policies *p, uint32_t host)
{
	unsigned plen;

	for (plen = 0; plen <= 32; plen++) {
		if (section_find(p, host, plen) != NULL)
			return true;
	}
	return false;
}

bool
policies_any(const struct policies *p, bool (*test)(const struct policy *))
{
	struct policy merged;
	size_t	      i;

	if (test(&p->base.policy))
		return true;
	for (i = 0; i < p->n; i++) {
		policies_find(p, p->section[i].net, &merged);
		policy_override(&merged, &p->section[i].policy);
		if (test(&merged))
			return true;
	}
	return false;
}

bool
policy_allows_local(const struct policy *p, uint32_t addr)
{
	size_t i;

	for (i = 0; i < p->naddresses; i++) {
		if (p->addresses[i] == addr)
			return true;
	}
	return p->naddresses == 0;
}

bool
policy_allows_remote(const struct policy *p, uint32_t addr,
    struct demux_range ports)
{
	const struct policy_remote *r;
	size_t			    i;

	for (i = 0; i < p->nremotes; i++) {
		r = &p->remotes[i];
		if (!ip_in_prefix(addr, r->net, r->plen))
			continue;
		if (ports.hi == 0 || (r->ports.lo <= ports.lo &&
		    ports.hi <= r->ports.hi))
			return true;
	}
	return p->nremotes == 0;
}
