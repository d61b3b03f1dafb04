/* gateway_follow.c - what another gateway grants and ends is taken over, so that its hosts find here what they had there */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/queue.h"
#include "rsipd/gateway_internal.h"
#include "rsipd/store.h"

/* What the store told us is not told to it. */
static const struct grant_store *
detach_store(struct gateway *g)
{
	const struct grant_store *store = g->tables.store;

	g->tables.store = NULL;
	return store;
}

static void
drop_client(struct gateway *g, uint64_t now, struct lease_client *c)
{
	const struct grant_store *store = detach_store(g);

	gateway_end(g, now, c, "ended by the other gateway");
	g->tables.store = store;
}

static void
update_client(struct gateway *g, struct lease_client *c,
    const struct store_client *s)
{
	leases_prolong(g->leases, c, s->expires);
	if (s->next_bind_id > c->next_bind_id)
		c->next_bind_id = s->next_bind_id;
	c->authentic = s->authentic;
	c->privileged = s->privileged;
	if (s->fqdn != NULL && (c->fqdn == NULL ||
	    strcmp(c->fqdn, s->fqdn) != 0)) {
		free(c->fqdn);
		c->fqdn = strdup(s->fqdn);
	}
}

int
gateway_follow_client(struct gateway *g, uint64_t now,
    const struct store_client *s)
{
	struct lease_client *c = leases_by_id(g->leases, s->client_id);
	struct policy	     policy;

	if (s->expires <= now)
		return 0;
	if (c != NULL && !addr_equal(&c->host, &s->host)) {
		drop_client(g, now, c);
		c = NULL;
	}
	if (c == NULL) {
		/* The host registered anew there. */
		if ((c = leases_client(g->leases, &s->host)) != NULL)
			drop_client(g, now, c);
		policies_find(g->config.policies, &s->host, &policy);
		if ((c = gateway_restored(g, now, s, &policy)) == NULL)
			return -1;
	}
	update_client(g, c, s);
	c->timer.mark = g->mark;
	gateway_set_alarm(g);
	return 0;
}

int
gateway_follow_grant(struct gateway *g, uint64_t now, uint32_t client_id,
    const struct grant *stored)
{
	struct lease_client  *c = leases_by_id(g->leases, client_id);
	struct lease_binding *b;
	struct grant	      grant = *stored;

	if (grant.expires <= now)
		return 0;
	if (pool_find(g->pool, &grant.local) == -1)
		return 1;
	if (c == NULL)
		return -1;
	b = leases_binding(g->leases, c, grant.bind_id);
	if (b == NULL) {
		grant.gateway = *gateway_tunnel_end(g);
		pool_set_follows(g->pool, true);
		b = grant_apply(&g->tables, now, c, &grant);
		pool_set_follows(g->pool, false);
		if (b == NULL)
			return errno == EADDRNOTAVAIL ? 1 : -1;
	} else if (g->passive) {
		leases_extend(g->leases, b, grant.expires);
	}
	b->kept = grant.expires;
	b->timer.mark = c->timer.mark = g->mark;
	gateway_set_alarm(g);
	return 0;
}

static void
drop_binding(struct gateway *g, uint64_t now, struct lease_binding *b)
{
	const struct grant_store *store = detach_store(g);

	gateway_unbind(g, now, b);
	g->tables.store = store;
}

void
gateway_follow_freed(struct gateway *g, uint64_t now, uint32_t client_id,
    uint32_t bind_id)
{
	struct lease_client  *c = leases_by_id(g->leases, client_id);
	struct lease_binding *b = c == NULL ? NULL : leases_binding(g->leases,
		c, bind_id);

	if (b != NULL)
		drop_binding(g, now, b);
	gateway_set_alarm(g);
}

void
gateway_follow_ended(struct gateway *g, uint64_t now, uint32_t client_id)
{
	struct lease_client *c = leases_by_id(g->leases, client_id);

	if (c != NULL)
		drop_client(g, now, c);
	gateway_set_alarm(g);
}

void
gateway_follow_mark(struct gateway *g)
{
	g->mark++;
}

struct sweep {
	struct gateway *g;
	uint64_t now;
};

static bool
sweep_client(void *arg, struct lease_client *c)
{
	struct sweep	     *s = arg;
	struct lease_binding *b, *next;

	if (c->timer.mark != s->g->mark) {
		drop_client(s->g, s->now, c);
		return true;
	}
	LIST_FOREACH_SAFE(b, &c->bindings, entry, next) {
		if (b->timer.mark != s->g->mark)
			drop_binding(s->g, s->now, b);
	}
	return true;
}

void
gateway_follow_sweep(struct gateway *g, uint64_t now)
{
	struct sweep s = { g, now };

	leases_each(g->leases, sweep_client, &s);
	gateway_set_alarm(g);
}
