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

bool
core_is_ours(const struct core *c, const struct addr *addr)
{
	size_t i;

	if (!addr_is_set(addr))
		return false;
	if (addr_equal(addr, &c->local))
		return true;
	for (i = 0; i < c->config->nnetworks; i++) {
		if (prefix_contains(&c->config->networks[i], addr))
			return true;
	}
	return false;
}

struct keying_id
core_my_id(const struct core *c)
{
	struct keying_id id = c->config->id;

	if (id.type == 0) {
		id.type = KEYING_ID_ADDR;
		id.addr = c->local;
	}
	return id;
}

void
core_find_resolver(struct core *c)
{
	size_t i;

	c->resolver_here = false;
	for (i = 0; i < c->config->nresolvers; i++) {
		if (addr_is_loopback(&c->config->resolvers[i]) ||
		    addr_equal(&c->config->resolvers[i], &c->local))
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
