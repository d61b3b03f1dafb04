/* grant.c - what a host holds is given to, and taken out of, pool, leases and demultiplexer at once */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/rsip.h"
#include "rsipd/grant.h"

static int
add_to_demux(const struct grant_tables *t, const struct grant *g,
    const struct lease_binding *b)
{
	struct demux_binding d = {
		.client_id = b->client->client_id,
		.bind_id = b->bind_id,
		.host = b->client->host,
		.gateway = g->gateway,
		.tunnel = (enum demux_tunnel)g->tunnel,
		.local = g->local,
		.whole = g->method == RSIP_METHOD_RSA_IP,
		.ipsec = g->method == RSIP_METHOD_RSIPSEC,
		.listen = g->listen,
		.ports = g->ranges, .nports = g->nranges,
		.spis = g->spis, .nspis = g->nspis,
		.cookies = g->cookies, .ncookies = g->ncookies,
		.remote_policy = (enum demux_remote)g->remote_policy,
		.remote = g->remote.addr, .remote_ports = g->remote.ports,
	};

	return t->demux_add(t->arg, &d);
}

/* A pool has fewer addresses than an index has room for. */
static uint16_t
pool_index(const struct pool *p, uint32_t local)
{
	int i = pool_find(p, local);

	return i == -1 ? UINT16_MAX : (uint16_t)i;
}

struct lease_binding *
grant_enter(const struct grant_tables *t, struct lease_client *c,
    const struct grant *g)
{
	struct lease_binding *b;
	size_t		      i;
	int		      saved;

	b = lease_binding_new(t->leases, c, g->nranges, g->nspis,
	    (enum demux_remote)g->remote_policy);
	if (b == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	b->local = g->local;
	b->pool = pool_index(t->pool, g->local);
	b->method = g->method;
	b->tunnel = g->tunnel;
	b->listen = g->listen;
	memcpy(lease_spis(b), g->spis, g->nspis * sizeof(*g->spis));
	memcpy(lease_ranges(b), g->ranges, g->nranges * sizeof(*g->ranges));
	for (i = 0; i < g->nranges; i++)
		b->nports = (uint16_t)(b->nports + g->ranges[i].hi -
		    g->ranges[i].lo + 1);
	if (lease_remote(b) != NULL)
		*lease_remote(b) = g->remote;
	if (add_to_demux(t, g, b) == -1)
		goto fail;
	if (leases_bind(t->leases, b, g->expires) == -1) {
		t->demux_remove(t->arg, c->client_id, b->bind_id);
		errno = ENOMEM;
		goto fail;
	}
	return b;
fail:
	saved = errno;
	free(b);
	errno = saved;
	return NULL;
}

void
grant_revoke(const struct grant_tables *t, uint64_t now,
    struct lease_binding *b)
{
	uint32_t host = b->client->host;
	size_t	 i;

	t->demux_remove(t->arg, b->client->client_id, b->bind_id);
	if (b->method == RSIP_METHOD_RSA_IP)
		pool_rest_whole(t->pool, now, b->pool);
	for (i = 0; i < b->nranges; i++)
		pool_rest_ports(t->pool, now, b->pool, host,
		    lease_ranges(b)[i]);
	pool_rest_spis(t->pool, now, b->pool, host, lease_spis(b), b->nspis);
	leases_unbind(t->leases, b);
}

void
grant_undo(struct pool *p, size_t at, const struct grant *g)
{
	size_t i;

	if (g->method == RSIP_METHOD_RSA_IP) {
		pool_undo_whole(p, at);
		return;
	}
	for (i = 0; i < g->nranges; i++)
		pool_undo_ports(p, at, g->ranges[i]);
	pool_undo_spis(p, at, g->spis, g->nspis);
}
