/* plan.c - what the firewall rules are made from: networks, and ports that NAPT may use */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "nat/plan.h"
#include "net/rtnl.h"

/* Below: services, IKE's 500 and 4500, RSIP's 4555. */
#define NAPT_LOWEST	5000
/* Fewer are no use to a household. */
#define NAPT_FEWEST	256
/* ICMP ids are no ports and no host leases them: a part of them is NAPT's, so
 * that a host that draws its own seldom meets one. */
#define NAPT_ID_LO	57344
#define NAPT_ID_HI	65535

static bool
is_leased(const struct dataplane_pool *pools, size_t npools, unsigned port,
    unsigned *last)
{
	for (size_t i = 0; i < npools; i++) {
		if (!pools[i].local)
			continue;
		for (unsigned k = 0; k < pools[i].nports; k++) {
			if (port >= pools[i].ports[k].lo &&
			    port <= pools[i].ports[k].hi) {
				*last = pools[i].ports[k].hi;
				return true;
			}
		}
	}
	return false;
}

/*
 * The widest run of ports in lo..hi that none of the local pools leases.
 * False if there is none.  Pure.
 */
static bool
plan_free_ports(const struct dataplane_pool *pools, size_t npools, uint16_t lo,
    uint16_t hi, struct demux_range *out)
{
	unsigned best = 0, start, last, p = lo;

	while (p <= hi) {
		if (is_leased(pools, npools, p, &last)) {
			p = last + 1;
			continue;
		}
		for (start = p; p <= hi && !is_leased(pools, npools, p, &last);)
			p++;
		if (p - start > best) {
			best = p - start;
			out->lo = (uint16_t)start;
			out->hi = (uint16_t)(p - 1);
		}
	}
	return best > 0;
}

struct networks {
	struct prefix list[RULES_NETWORKS];
	size_t n;
};

static void
add_network(void *arg, const struct prefix *net)
{
	struct networks *to = arg;

	if (to->n < RULES_NETWORKS)
		to->list[to->n++] = *net;
}

int
plan_set_private(struct rules_plan *plan, const char *ifname)
{
	struct networks found = { .n = 0 };

	if (rtnl_networks_of(ifname, AF_INET, add_network, &found) == -1) {
		log_error("interface %s: cannot read its networks: %s", ifname,
		    strerror(errno));
		return -1;
	}
	if (found.n == 0) {
		log_error("interface %s has no IPv4 network", ifname);
		return -1;
	}
	memcpy(plan->networks, found.list, sizeof(plan->networks));
	plan->nnetworks = found.n;
	return 0;
}

void
plan_set_hosts(struct rules_plan *plan, const struct prefix *hosts, size_t n)
{
	size_t i, k;

	plan->nhosts = 0;
	for (i = 0; i < n; i++) {
		for (k = 0; k < plan->nnetworks; k++) {
			if (prefix_covers(&plan->networks[k], &hosts[i]))
				break;
		}
		if (k < plan->nnetworks)
			continue;
		if (plan->nhosts == RULES_HOSTS) {
			log_warn("only %d networks outside of the private "
			    "interface's may speak RSIP: the rest is kept out",
			    RULES_HOSTS);
			return;
		}
		plan->hosts[plan->nhosts++] = hosts[i];
	}
}

int
plan_set_napt(struct rules_plan *plan)
{
	const struct dataplane_config *config = plan->config;
	struct demux_range	       r;

	if (!config->napt)
		return 0;
	if (!plan_free_ports(config->pools, config->npools, NAPT_LOWEST,
		UINT16_MAX, &r) ||
	    r.hi - r.lo + 1 < NAPT_FEWEST) {
		log_error("the pools leave fewer than %u ports above %u to "
		    "NAPT: lease fewer, or say napt = false",
		    NAPT_FEWEST, NAPT_LOWEST);
		return -1;
	}
	plan->napt_ports = r;
	return 0;
}

int
plan_make(struct rules_plan *plan, const struct dataplane_config *config,
    unsigned queues)
{
	memset(plan, 0, sizeof(*plan));
	plan->config = config;
	plan->queues = queues;
	if (plan_set_private(plan, config->private_if) == -1)
		return -1;
	plan_set_hosts(plan, config->hosts, config->nhosts);
	plan->napt_ids = (struct demux_range) { NAPT_ID_LO, NAPT_ID_HI };
	return plan_set_napt(plan);
}
