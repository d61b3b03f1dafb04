/* core.c - the pure part of the OE engine: whose an address is, who we are, what time it is */
#include "config.h"

#include "oe/core.h"

bool
core_is_resolver(const struct core *c, const struct addr *addr)
{
	size_t i;

	for (i = 0; i < c->config->nresolvers; i++) {
		if (addr_equal(&c->config->resolvers[i], addr))
			return true;
	}
	return false;
}

const struct addr *
core_local(const struct core *c, int family)
{
	return &c->local[family == AF_INET6].addr;
}

uint16_t
core_ike_port(const struct core *c, int family)
{
	return c->local[family == AF_INET6].ike_port;
}

bool
core_has_local(const struct core *c)
{
	return addr_is_set(&c->local[0].addr) || addr_is_set(&c->local[1].addr);
}

bool
core_is_own(const struct core *c, const struct addr *addr)
{
	return addr_is_set(addr) &&
	    (addr_equal(addr, core_local(c, addr->family)) ||
	    (addr->family == AF_INET6 && c->shell->is_own != NULL &&
	    addr_is_set(core_local(c, AF_INET6)) &&
	    c->shell->is_own(c->shell_arg, addr)));
}

static bool
core_is_behind(const struct core *c, const struct addr *addr)
{
	size_t i;

	for (i = 0; i < c->config->nnetworks; i++) {
		if (prefix_contains(&c->config->networks[i], addr))
			return true;
	}
	return false;
}

bool
core_is_ours(const struct core *c, const struct addr *addr)
{
	return core_is_own(c, addr) || core_is_behind(c, addr);
}

struct addr
core_speaks_from(const struct core *c, const struct prefix *src,
    const struct addr *peer)
{
	/* For a network behind us its gateway speaks, for what it has there
	 * itself too: so DNS says. */
	if (src->addr.family == peer->family &&
	    src->plen == addr_bits(peer->family) &&
	    core_is_own(c, &src->addr) && !core_is_behind(c, &src->addr))
		return src->addr;
	return *core_local(c, peer->family);
}

/* Who was to check it and could not is perhaps kept from it. */
bool
core_believes(const struct core *c, enum oe_class class, bool authentic,
    bool unchecked)
{
	return authentic || (!c->config->require_dnssec &&
	    !(unchecked && class == OE_CLASS_PARANOID));
}

struct keying_id
core_my_id(const struct core *c, int family)
{
	struct keying_id id = c->config->id;

	if (id.type == 0) {
		id.type = KEYING_ID_ADDR;
		id.addr = *core_local(c, family);
	}
	return id;
}

void
core_find_resolver(struct core *c)
{
	const struct addr *a;
	size_t		   i;

	c->resolver_here = false;
	for (i = 0; i < c->config->nresolvers; i++) {
		a = &c->config->resolvers[i];
		if (addr_is_loopback(a) || addr_equal(a, core_local(c,
		    a->family)))
			c->resolver_here = true;
	}
}

void
core_set_now(struct core *c, uint64_t now)
{
	c->now = now;
}

bool
core_budget_left(const struct core *c, const unsigned n[CAUSES],
    enum cause cause)
{
	unsigned max = c->config->connections_max;

	if (cause == CAUSE_STRANGERS && n[CAUSE_STRANGERS] >= max / 2)
		return false;
	return n[CAUSE_OURS] + n[CAUSE_STRANGERS] < max;
}

void
core_event(struct core *c, const struct connection *conn, const char *what)
{
	if (c->ops->event != NULL)
		c->ops->event(c->ops_arg, conn, what);
}
