/* capture.c - which packets of this host go into the device: all but the local ones, whatever the main table says */
#include "config.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/ratelimit.h"
#include "base/util.h"
#include "net/rtnl.h"
#include "net/rtnl_table.h"
#include "rsipc/capture.h"

/* One number for table and priority: "RS"; the guard's follow. */
#define CAPTURE_TABLE	0x5253u
#define GUARD_TABLE	0x5254u

/* Of the default route: the second stays when an address goes, and the first
 * with it. */
#define METRIC_SOURCE	1
#define METRIC_BARE	2

#define LINKS_MAX	256	/* networks and routes of the host
				 * that are left alone */
#define LOCAL_PLEN_MIN	8	/* whole realms are not local,
				 * whatever anybody says */

struct capture {
	char	 name[IFNAMSIZ], clear_name[IFNAMSIZ];
	struct guard *guard;
	bool	 works, ipv6;		/* leads packets of IPv4, IPv6 */
	struct addr src, gateway;
	char	 link[IFNAMSIZ];	/* towards the gateway */
	struct addr next_hop;		/* none: the gateway is on the link */
	struct prefix local[CAPTURE_LOCALS_MAX];
	size_t	 nlocals;
	struct prefix links[LINKS_MAX];	/* as the main table has them */
	size_t	 nlinks;
	unsigned own[2];		/* indices of our devices */
	struct ratelimit refusals;
};

struct capture *
capture_new(const char *name, const char *clear_name)
{
	struct capture *c = xcalloc(1, sizeof(*c));

	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->clear_name, sizeof(c->clear_name), "%s", clear_name);
	c->guard = guard_new(GUARD_TABLE, GUARD_TABLE, CAPTURE_MARK, c->name);
	c->refusals = (struct ratelimit)RATELIMIT_INIT(5, 60000);
	return c;
}

void
capture_free(struct capture *c, bool open)
{
	if (c == NULL)
		return;
	c->ipv6 = false;
	capture_end(c);
	guard_close(c->guard, open);
	free(c);
}

int
capture_policy(struct capture *c, const struct oe_config *config)
{
	if (guard_set(c->guard, config) == -1)
		return -1;
	/* What was local may not be so any more. */
	capture_mend(c);
	return 0;
}

/* --- what is local -------------------------------------------------------- */

/* By the host's own address; or, of IPv6, by what a router says is on the link
 * (RFC 4861 §6.3.4), which the kernel marks as its own or a router's. */
static bool
is_of_link(const struct rtnl_seen *r)
{
	if (r->dst.addr.family == AF_INET6)
		return !addr_is_set(&r->via) &&
		    (r->protocol == RTPROT_KERNEL || r->protocol == RTPROT_RA);
	return r->protocol == RTPROT_KERNEL && r->scope == RT_SCOPE_LINK;
}

/* An address makes its network local (the kernel adds that route); other
 * routes are believed in private space only. */
static void
capture_link(void *arg, const struct rtnl_seen *r)
{
	struct capture *c = arg;

	if (r->type != RTN_UNICAST || r->dst.plen < LOCAL_PLEN_MIN ||
	    r->ifindex == c->own[0] || r->ifindex == c->own[1] ||
	    c->nlinks == LINKS_MAX || !(prefix_is_rfc1918(&r->dst) ||
	    (r->dst.addr.family == AF_INET6 && prefix_is_private(&r->dst)) ||
	    is_of_link(r)))
		return;
	c->links[c->nlinks++] = r->dst;
}

static void
capture_read_links(struct capture *c)
{
	c->own[0] = if_nametoindex(c->name);
	c->own[1] = if_nametoindex(c->clear_name);
	c->nlinks = 0;
	if ((c->works && rtnl_routes(AF_INET, RT_TABLE_MAIN, capture_link,
	    c) == -1) || (c->ipv6 && rtnl_routes(AF_INET6, RT_TABLE_MAIN,
	    capture_link, c) == -1))
		log_debug("routes: %s", strerror(errno));
}

static bool
within_links(const struct capture *c, const struct prefix *net)
{
	size_t i;

	for (i = 0; i < c->nlinks; i++) {
		if (prefix_covers(&c->links[i], net))
			return true;
	}
	return false;
}

/* May what a gateway calls local be so now? */
static bool
may_be_local(const struct capture *c, const struct prefix *net)
{
	return (prefix_is_rfc1918(net) || within_links(c, net)) &&
	    guard_leaves(c->guard, net);
}

/* --- the table ------------------------------------------------------------ */

static void
want_local(const struct capture *c, struct rtnl_route *want, size_t *n,
    const struct prefix *net)
{
	if (guard_leaves(c->guard, net))
		want[(*n)++] = (struct rtnl_route){ .dst = *net,
			.type = RTN_THROW };
}

/* What the gateway alone tells of lies behind it, whatever the
 * main table says. */
static void
want_told(const struct capture *c, struct rtnl_route *want, size_t *n,
    const struct prefix *l)
{
	size_t at = *n;

	if (!may_be_local(c, l))
		return;
	want_local(c, want, n, l);
	if (c->link[0] == '\0' || within_links(c, l))
		return;
	want[at].type = 0;
	want[at].via = addr_is_set(&c->next_hop) ? c->next_hop : c->gateway;
	want[at].ifname = c->link;
}

static const struct rtnl_rule capture_rule = { .priority = CAPTURE_TABLE,
	.table = CAPTURE_TABLE, .mark = CAPTURE_MARK, .invert = true };

static int
capture_apply(struct capture *c)
{
	const struct prefix all6 = { .addr = { .family = AF_INET6 } };
	struct rtnl_route want[LINKS_MAX + CAPTURE_LOCALS_MAX + 4] = { 0 };
	struct prefix	  gateway;
	size_t		  n = 0, i;
	int		  rc;

	capture_read_links(c);
	for (i = 0; i < c->nlinks; i++)
		want_local(c, want, &n, &c->links[i]);
	if (c->ipv6)
		want[n++] = (struct rtnl_route){ .ifname = c->name,
			.dst = all6, .metric = METRIC_BARE };
	if (c->works) {
		want[n++] = (struct rtnl_route){ .ifname = c->name,
			.metric = METRIC_BARE };
		if (addr_is_set(&c->src))
			want[n++] = (struct rtnl_route){ .ifname = c->name,
				.metric = METRIC_SOURCE, .src = c->src };
		gateway = prefix_host(&c->gateway);
		if (addr_is_set(&c->gateway))
			want_local(c, want, &n, &gateway);
		for (i = 0; i < c->nlocals; i++)
			want_told(c, want, &n, &c->local[i]);
	}
	rc = rtnl_table_set(CAPTURE_TABLE, want, n);
	if (rc == 0)
		rc = rtnl_rule_set(&capture_rule, AF_INET, c->works);
	if (rc == 0)
		rc = rtnl_rule_set(&capture_rule, AF_INET6, c->ipv6);
	return rc;
}

int
capture_begin(struct capture *c, const struct addr *src,
    const struct addr *gateway)
{
	c->works = true;
	c->src = *src;
	c->gateway = *gateway;
	c->link[0] = '\0';
	c->next_hop = addr_none;
	if (addr_is_set(gateway) && rtnl_route_get(gateway, CAPTURE_MARK, NULL,
	    &c->next_hop, c->link) == -1)
		log_debug("no route to %s: %s", ADDR_TEXT(gateway),
		    strerror(errno));
	if (capture_apply(c) == -1) {
		log_error("cannot lead packets into %s: %s", c->name,
		    strerror(errno));
		return -1;
	}
	return guard_source(c->guard, &c->src);
}

int
capture_ipv6(struct capture *c, bool leads)
{
	c->ipv6 = leads;
	if (capture_apply(c) == -1) {
		log_error("cannot lead IPv6 into %s: %s", c->name,
		    strerror(errno));
		return -1;
	}
	return guard_ipv6(c->guard, leads);
}

void
capture_end(struct capture *c)
{
	c->works = false;
	c->src = c->gateway = addr_none;
	if (capture_apply(c) == -1)
		log_warn("cannot take routes into %s away: %s", c->name,
		    strerror(errno));
	guard_source(c->guard, &addr_none);
}

void
capture_forget_locals(struct capture *c)
{
	c->nlocals = 0;
	if (c->works)
		capture_mend(c);
}

bool
capture_leaves(const struct capture *c, const struct addr *addr)
{
	struct prefix host = prefix_host(addr);

	return guard_leaves(c->guard, &host);
}

void
capture_mend(struct capture *c)
{
	if ((c->works || c->ipv6) && capture_apply(c) == -1)
		log_error("routes into %s are gone and cannot be put back: %s",
		    c->name, strerror(errno));
	guard_mend(c->guard);
}

void
capture_add_local(struct capture *c, const struct prefix *net)
{
	size_t i;

	if (net->addr.family != AF_INET || net->plen < LOCAL_PLEN_MIN)
		return;
	for (i = 0; i < c->nlocals; i++) {
		if (prefix_equal(&c->local[i], net))
			return;
	}
	capture_read_links(c);
	if (!may_be_local(c, net)) {
		if (ratelimit_pass(&c->refusals, clock_now()))
			log_warn("the gateway calls %s local: it is not "
			    "believed, as that is %s", PREFIX_TEXT(net),
			    guard_leaves(c->guard, net) ? "neither "
			    "private nor on a link of ours" :
			    "to be denied or encrypted");
		return;
	}
	if (c->nlocals == CAPTURE_LOCALS_MAX)
		return;
	c->local[c->nlocals++] = *net;
	log_info("%s is local", PREFIX_TEXT(net));
	if (c->works)
		capture_mend(c);
}
