/* gateway_restore.c - registrations and bindings of the gateway's former life, as far as they may go on */
#include "config.h"

#include <string.h>

#include "rsipd/gateway_internal.h"
#include "rsipd/store.h"

struct lease_client *
gateway_restored(struct gateway *g, uint64_t now, const struct store_client *s,
    const struct policy *policy)
{
	struct lease_client *c = leases_restore(g->leases, &s->host,
	    s->client_id, s->next_bind_id, s->expires);

	if (c == NULL)
		return NULL;
	/* Where its end is, its next message shows; until then it has none. */
	c->policy = *policy;
	c->transport = s->transport;
	c->since = now;
	leases_prove(g->leases, c);
	return c;
}

int
gateway_restore_client(struct gateway *g, uint64_t now,
    const struct store_client *s)
{
	struct lease_client *c;
	struct policy	     policy;

	if ((c = leases_by_id(g->leases, s->client_id)) != NULL)
		return addr_equal(&c->host, &s->host) ? 1 : -1;
	policies_find(g->config.policies, &s->host, &policy);
	if (s->expires <= now || !policy.may_register ||
	    (policy.require_auth && !s->authentic) ||
	    leases_clients(g->leases) >= g->config.max_registrations)
		return -1;
	if ((c = gateway_restored(g, now, s, &policy)) == NULL)
		return -1;
	c->authentic = s->authentic;
	c->privileged = s->privileged;
	if (s->fqdn != NULL)
		c->fqdn = strdup(s->fqdn);
	return 0;
}

int
gateway_restore_grant(struct gateway *g, uint64_t now, uint32_t client_id,
    const struct grant *stored)
{
	struct lease_client  *c = leases_by_id(g->leases, client_id);
	struct lease_binding *b;
	struct grant	      grant = *stored;

	if (c == NULL || grant.expires <= now ||
	    leases_bindings(g->leases) >= g->config.max_bindings)
		return -1;
	if (leases_binding(g->leases, c, grant.bind_id) != NULL ||
	    pool_find(g->pool, &grant.local) == -1)
		return 1;
	grant.gateway = *gateway_tunnel_end(g);
	if ((b = grant_apply(&g->tables, now, c, &grant)) == NULL)
		return -1;
	if (gateway_still_allowed(b))
		return 0;
	grant_revoke(&g->tables, now, b);
	return -1;
}

void
gateway_restore_rest(struct gateway *g, uint64_t now, const struct addr *host,
    const struct grant *stored)
{
	grant_rest(g->pool, now, host, stored);
}

void
gateway_set_store(struct gateway *g, uint64_t now,
    const struct grant_store *store)
{
	g->tables.store = store;
	/* What was restored has its ends, too. */
	gateway_tick(g, now);
}
