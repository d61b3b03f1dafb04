/* grant.c - what a host holds is given to, and taken out of, pool, leases and demultiplexer at once */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/rsip.h"
#include "rsipd/grant.h"

static struct demux_entry *
add_to_demux(const struct grant_tables *t, const struct grant *g,
    const struct lease_binding *b)
{
	struct demux_binding d = {
		.client_id = b->client->client_id,
		.bind_id = b->bind_id,
		.host = b->client->host,
		.gateway = g->gateway,
		.tunnel = (enum tunnel_type)g->tunnel,
		.local = g->local,
		.whole = g->method == RSIP_METHOD_RSA_IP,
		.ipsec = g->method == RSIP_METHOD_RSIPSEC,
		.listen = g->listen,
		.ports = g->ranges, .nports = g->nranges,
		.spis = g->spis, .nspis = g->nspis,
		.cookies = g->cookies, .ncookies = g->ncookies,
		.remote_policy = (enum demux_remote)g->remote_policy,
		.remote = g->remote.addr,
		.remote_ports = g->remote.ports,
	};

	return t->demux_add(t->arg, &d);
}

/* Of nothing there need not be a list. */
static void
copy(void *to, const void *from, size_t len)
{
	if (len != 0)
		memcpy(to, from, len);
}

/* In leases and demultiplexer; NULL with errno. */
static struct lease_binding *
enter_tables(const struct grant_tables *t, struct lease_client *c, size_t at,
    const struct grant *g)
{
	struct lease_binding *b;
	size_t		      i;
	int		      saved;

	b = lease_binding_new(t->leases, c, g->bind_id, g->nranges, g->nspis,
	    g->ncookies, (enum demux_remote)g->remote_policy);
	if (b == NULL)
		return NULL;
	b->pool = (uint16_t)at;
	b->method = g->method & 3u;
	b->tunnel = g->tunnel & 3u;
	b->listen = g->listen;
	copy(lease_cookies(b), g->cookies, g->ncookies * sizeof(*g->cookies));
	copy(lease_spis(b), g->spis, g->nspis * sizeof(*g->spis));
	copy(lease_ranges(b), g->ranges, g->nranges * sizeof(*g->ranges));
	for (i = 0; i < g->nranges; i++)
		b->nports = (uint8_t)(b->nports + g->ranges[i].hi -
		    g->ranges[i].lo + 1);
	if (lease_remote(b) != NULL)
		*lease_remote(b) = g->remote;
	if ((b->demux = add_to_demux(t, g, b)) == NULL)
		goto fail;
	if (leases_bind(t->leases, b, g->expires) == -1) {
		t->demux_remove(t->arg, b->demux);
		errno = ENOMEM;
		goto fail;
	}
	return b;
fail:
	saved = errno;
	lease_binding_free(t->leases, b);
	errno = saved;
	return NULL;
}

/* before: when it ended until now; 0: it is new. */
static int
keep_in_store(struct grant_tables *t, struct lease_binding *b, uint64_t before)
{
	int rc = t->store == NULL ? 0 : t->store->keep(t->store->arg, b->client,
	    b);

	if (rc != 1)
		return rc;
	t->batch = true;
	t->unsafe = (struct grant_unsafe){ b->bind_id, before };
	return 0;
}

static void
drop_from_store(struct grant_tables *t, const struct lease_client *c,
    struct lease_binding *b)
{
	if (t->store != NULL && t->store->forget(t->store->arg, c, b,
	    t->asked) == 1)
		t->batch = true;
}

void
grant_client_changed(struct grant_tables *t, struct lease_client *c)
{
	/* A registration that is lost costs its host a second one. */
	if (t->store != NULL && t->store->keep(t->store->arg, c, NULL) == 1)
		t->batch = true;
}

void
grant_client_ended(struct grant_tables *t, const struct lease_client *c)
{
	drop_from_store(t, c, NULL);
}

struct lease_binding *
grant_enter(struct grant_tables *t, struct lease_client *c, size_t at,
    const struct grant *g)
{
	struct lease_binding *b = enter_tables(t, c, at, g);

	if (b == NULL || keep_in_store(t, b, 0) == 0)
		return b;
	t->demux_remove(t->arg, b->demux);
	leases_unbind(t->leases, b);
	errno = EIO;
	return NULL;
}

static enum pool_result
take_ports(struct pool *p, uint64_t now, size_t at, const struct addr *host,
    const struct grant *g)
{
	uint16_t port[RSIP_PORTS_MAX];
	size_t	 i, n = 0;
	unsigned k;

	for (i = 0; i < g->nranges; i++) {
		for (k = g->ranges[i].lo; k <= g->ranges[i].hi; k++) {
			if (n == RSIP_PORTS_MAX)
				return POOL_UNALLOWED;
			port[n++] = (uint16_t)k;
		}
	}
	return n == 0 ? POOL_OK :
	    pool_take_ports(p, now, at, host, port, n);
}

static enum pool_result
take_from_pool(struct pool *p, uint64_t now, size_t at, const struct addr *host,
    const struct grant *g)
{
	enum pool_result rc;

	if (g->method == RSIP_METHOD_RSA_IP)
		return pool_take_whole(p, now, at, host);
	if ((rc = take_ports(p, now, at, host, g)) != POOL_OK ||
	    g->nspis == 0)
		return rc;
	rc = pool_take_spis(p, now, at, host, g->spis, g->nspis);
	if (rc != POOL_OK)
		pool_undo_ports(p, at, g->ranges, g->nranges);
	return rc;
}

struct lease_binding *
grant_apply(const struct grant_tables *t, uint64_t now, struct lease_client *c,
    const struct grant *g)
{
	struct lease_binding *b;
	enum pool_result      rc;
	int		      at = pool_find(t->pool, &g->local), saved;

	if (at == -1 || pool_at(t->pool, (size_t)at)->exclusive !=
	    (g->method == RSIP_METHOD_RSA_IP)) {
		errno = EADDRNOTAVAIL;
		return NULL;
	}
	rc = take_from_pool(t->pool, now, (size_t)at, &c->host, g);
	if (rc != POOL_OK) {
		errno = rc == POOL_UNALLOWED ? EADDRNOTAVAIL : EADDRINUSE;
		return NULL;
	}
	if ((b = enter_tables(t, c, (size_t)at, g)) != NULL)
		return b;
	saved = errno;
	grant_undo(t->pool, (size_t)at, g);
	errno = saved;
	return NULL;
}

void
grant_of(struct lease_binding *b, struct grant *g)
{
	*g = (struct grant){
		.bind_id = b->bind_id,
		.local = *lease_local(b),
		.method = b->method,
		.tunnel = b->tunnel,
		.listen = b->listen,
		.remote_policy = b->remote_policy,
		.ranges = lease_ranges(b), .nranges = b->nranges,
		.spis = lease_spis(b), .nspis = b->nspis,
		.cookies = lease_cookies(b), .ncookies = b->ncookies,
		.expires = b->timer.at,
	};
	if (lease_remote(b) != NULL)
		g->remote = *lease_remote(b);
}

int
grant_extend(struct grant_tables *t, struct lease_binding *b,
    uint64_t expires)
{
	uint64_t before = b->timer.at;

	leases_extend(t->leases, b, expires);
	if (keep_in_store(t, b, before) == 0)
		return 0;
	leases_extend(t->leases, b, before);
	return -1;
}

static void
rest_in_pool(struct pool *p, uint64_t now, size_t at, const struct addr *host,
    const struct grant *g)
{
	size_t i;

	if (g->method == RSIP_METHOD_RSA_IP)
		pool_rest_whole(p, now, at);
	for (i = 0; i < g->nranges; i++)
		pool_rest_ports(p, now, at, host, g->ranges[i]);
	pool_rest_spis(p, now, at, host, g->spis, g->nspis);
}

void
grant_revoke(struct grant_tables *t, uint64_t now, struct lease_binding *b)
{
	struct grant g;

	grant_of(b, &g);
	t->demux_remove(t->arg, b->demux);
	rest_in_pool(t->pool, now, b->pool, &b->client->host, &g);
	drop_from_store(t, b->client, b);
	leases_unbind(t->leases, b);
}

void
grant_rest(struct pool *p, uint64_t now, const struct addr *host,
    const struct grant *g)
{
	int at = pool_find(p, &g->local);

	/* Somebody may have it by now. */
	if (at != -1 && pool_at(p, (size_t)at)->exclusive ==
	    (g->method == RSIP_METHOD_RSA_IP) &&
	    take_from_pool(p, now, (size_t)at, host, g) == POOL_OK)
		rest_in_pool(p, now, (size_t)at, host, g);
}

void
grant_undo(struct pool *p, size_t at, const struct grant *g)
{
	if (g->method == RSIP_METHOD_RSA_IP) {
		pool_undo_whole(p, at);
		return;
	}
	pool_undo_ports(p, at, g->ranges, g->nranges);
	pool_undo_spis(p, at, g->spis, g->nspis);
}
