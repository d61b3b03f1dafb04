/* rtnl_table.c - a routing table that is to hold certain routes and no others */
#include "config.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>

#include "base/util.h"
#include "net/rtnl_table.h"

#define DUMP_TRIES	4	/* of a table that changes while it is told */

struct table {
	struct rtnl_seen *at;
	size_t		  n;
};

static void
table_seen(void *arg, const struct rtnl_seen *r)
{
	struct table *t = arg;

	if ((t->n & (t->n - 1)) == 0)
		t->at = xrealloc(t->at, t->n == 0 ? 1 : t->n * 2,
		    sizeof(*t->at));
	t->at[t->n++] = *r;
}

/* What names a route within a table: the kernel replaces by that. */
static int
seen_compare(const void *a, const void *b)
{
	const struct rtnl_seen *x = a, *y = b;

	int rc = prefix_compare(&x->dst, &y->dst);

	if (rc != 0)
		return rc;
	if (x->metric != y->metric)
		return x->metric < y->metric ? -1 : 1;
	return 0;
}

static int
table_read(uint32_t table, struct table *t)
{
	int tries = DUMP_TRIES, rc;

	do {
		t->n = 0;
		free(t->at);
		t->at = NULL;
		rc = rtnl_routes(AF_INET, table, table_seen, t);
		/* A kernel without IPv6 has none. */
		if (rc == 0 && rtnl_routes(AF_INET6, table, table_seen,
		    t) == -1 && errno == EINTR)
			rc = -1;
	} while (rc == -1 && errno == EINTR && --tries > 0);
	if (rc == 0 && t->n > 0)
		qsort(t->at, t->n, sizeof(*t->at), seen_compare);
	return rc;
}

/* What the kernel is told of an address: the unspecified one is none. */
static struct addr
specified_or_none(const struct addr *a)
{
	return addr_is_unspecified(a) ? addr_none : *a;
}

static struct rtnl_seen
seen_of(const struct rtnl_route *r)
{
	struct rtnl_seen s = { .dst = r->dst, .src = specified_or_none(&r->src),
		.metric = r->metric, .via = specified_or_none(&r->via),
		.type = r->type != 0 ? r->type : RTN_UNICAST };

	if (!addr_is_set(&s.dst.addr))
		s.dst.addr = addr_from_v4(0);
	if (r->ifname != NULL)
		s.ifindex = if_nametoindex(r->ifname);
	return s;
}

static int
table_add(uint32_t table, const struct table *have,
    const struct rtnl_route *want)
{
	struct rtnl_seen  key = seen_of(want), *old = NULL;
	struct rtnl_route r = *want;

	if (have->n > 0)
		old = bsearch(&key, have->at, have->n, sizeof(key),
		    seen_compare);
	/* What leads nowhere is IPv6's on the loopback device. */
	if (old != NULL && old->type == key.type &&
	    addr_equal(&old->src, &key.src) &&
	    addr_equal(&old->via, &key.via) && (old->ifindex == key.ifindex ||
	    key.type != RTN_UNICAST))
		return 0;
	r.table = table;
	return rtnl_route_add(&r);
}

int
rtnl_table_set(uint32_t table, const struct rtnl_route *want, size_t n)
{
	struct table	  have = { 0 };
	struct rtnl_seen *keys = xcalloc(n + 1, sizeof(*keys));
	struct rtnl_route r = { .table = table };
	size_t		  i;
	int		  rc;

	rc = table_read(table, &have);
	for (i = 0; i < n; i++) {
		keys[i] = seen_of(&want[i]);
		if (table_add(table, &have, &want[i]) == -1)
			rc = -1;
	}
	qsort(keys, n, sizeof(*keys), seen_compare);
	for (i = 0; rc == 0 && i < have.n; i++) {
		if (n > 0 && bsearch(&have.at[i], keys, n, sizeof(*keys),
		    seen_compare) != NULL)
			continue;
		r.dst = have.at[i].dst;
		r.metric = have.at[i].metric;
		r.type = have.at[i].type;
		/* The route may have gone with its device. */
		if (rtnl_route_del(&r) == -1 && errno != ESRCH)
			rc = -1;
	}
	free(keys);
	free(have.at);
	return rc;
}
