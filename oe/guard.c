/* guard.c - what policy denies or takes only encrypted stays in, also while nobody runs to encrypt it */
#include "config.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "net/rtnl.h"
#include "net/rtnl_table.h"
#include "oe/classes.h"
#include "oe/guard.h"
#include "oe/settings.h"

/* Of one prefix: the device comes first, and goes with the daemon. */
#define METRIC_DEVICE	1
#define METRIC_SHUT	2

struct guard_prefix {
	struct prefix net;
	bool	      shut;
};

struct guard {
	struct rtnl_rule     rule;
	const char	    *ifname;
	struct addr	     src;
	bool		     ipv6;	/* goes to the device */
	struct guard_prefix *at;	/* shorter ones first */
	size_t		     n, nshut;
};

struct guard *
guard_new(uint32_t table, uint32_t priority, uint32_t mark, const char *ifname)
{
	struct guard *g = xcalloc(1, sizeof(*g));

	g->rule = (struct rtnl_rule){ .priority = priority, .table = table,
		.mark = mark, .invert = true };
	g->ifname = ifname;
	return g;
}

/* The longest prefix that holds all of the network; NULL: none does. */
static const struct guard_prefix *
guard_find(const struct guard *g, const struct prefix *net)
{
	size_t i;

	for (i = g->n; i-- > 0; ) {
		if (prefix_covers(&g->at[i].net, net))
			return &g->at[i];
	}
	return NULL;
}

bool
guard_leaves(const struct guard *g, const struct prefix *net)
{
	const struct guard_prefix *p = guard_find(g, net);

	return p == NULL || !p->shut;
}

static void
guard_add(struct guard *g, const struct prefix *net, bool shut)
{
	const struct guard_prefix *p = guard_find(g, net);

	/* Open is what is left to the main table anyway. */
	if (!shut && (p == NULL || !p->shut))
		return;
	/* A resolver may be a prefix of its own. */
	if (p != NULL && p->net.plen == net->plen) {
		g->at[p - g->at].shut = shut;
		g->nshut--;
		return;
	}
	if ((g->n & (g->n - 1)) == 0)
		g->at = xrealloc(g->at, g->n == 0 ? 1 : g->n * 2,
		    sizeof(*g->at));
	g->at[g->n++] = (struct guard_prefix){ *net, shut };
	g->nshut += shut;
}

static void
guard_policy(void *arg, const struct prefix *p, enum oe_class class)
{
	guard_add(arg, p, class != OE_CLASS_CLEAR &&
	    class != OE_CLASS_PERMISSIVE);
}

/* What goes to the device, where its family does. */
static bool
guard_leads(const struct guard *g, const struct guard_prefix *p,
    struct rtnl_route *r)
{
	bool six = p->net.addr.family == AF_INET6;

	if (!p->shut || g->ifname == NULL || (six && !g->ipv6))
		return false;
	*r = (struct rtnl_route){ .dst = p->net, .metric = METRIC_DEVICE,
		.ifname = g->ifname };
	if (!six)
		r->src = g->src;
	return true;
}

/* The kernel's table as g has it. */
static int
guard_apply(struct guard *g)
{
	struct rtnl_route *want = xcalloc(2 * g->n + 1, sizeof(*want));
	size_t		   i, n = 0, four = 0, six = 0;
	int		   rc;

	for (i = 0; i < g->n; i++) {
		if (g->at[i].net.addr.family == AF_INET)
			four++;
		else if (rtnl_has_ipv6())
			six++;
		else
			continue;
		want[n++] = (struct rtnl_route){ .dst = g->at[i].net,
			.metric = METRIC_SHUT,
			.type = g->at[i].shut ? RTN_PROHIBIT : RTN_THROW };
		n += guard_leads(g, &g->at[i], &want[n]);
	}
	rc = rtnl_table_set(g->rule.table, want, n);
	free(want);
	if (rc == 0)
		rc = rtnl_rule_set(&g->rule, AF_INET, four > 0);
	if (rc == 0)
		rc = rtnl_rule_set(&g->rule, AF_INET6, six > 0);
	return rc;
}

int
guard_set(struct guard *g, const struct oe_config *c)
{
	struct guard  old = *g;
	struct prefix resolver;
	size_t	      i;

	g->at = NULL;
	g->n = g->nshut = 0;
	if (c != NULL) {
		classes_each(c->classes, guard_policy, g);
		for (i = 0; i < c->nresolvers; i++) {
			resolver = prefix_host(&c->resolvers[i]);
			guard_add(g, &resolver, false);
		}
	}
	if (guard_apply(g) == 0) {
		free(old.at);
		return 0;
	}
	log_error("cannot shut denied and paranoid prefixes by routes: %s",
	    strerror(errno));
	free(g->at);
	*g = old;
	return -1;
}

int
guard_source(struct guard *g, const struct addr *src)
{
	g->src = *src;
	if (g->nshut == 0 || guard_apply(g) == 0)
		return 0;
	log_error("cannot lead paranoid prefixes into %s: %s", g->ifname,
	    strerror(errno));
	return -1;
}

int
guard_ipv6(struct guard *g, bool leads)
{
	if (g->ipv6 == leads)
		return 0;
	g->ipv6 = leads;
	return guard_source(g, &g->src);
}

void
guard_mend(struct guard *g)
{
	if (g->nshut > 0 && guard_apply(g) == -1)
		log_error("routes that shut denied and paranoid prefixes are "
		    "gone and cannot be put back: %s", strerror(errno));
}

void
guard_close(struct guard *g, bool open)
{
	if (g == NULL)
		return;
	if (open && g->nshut > 0) {
		free(g->at);
		g->at = NULL;
		g->n = g->nshut = 0;
		if (guard_apply(g) == 0)
			log_info("denied and paranoid prefixes are open again: "
			    "nothing encrypts now");
		else
			log_warn("denied and paranoid prefixes stay shut: %s",
			    strerror(errno));
	}
	free(g->at);
	free(g);
}
