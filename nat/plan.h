/* plan.h - what the firewall rules are made from: networks, and ports that NAPT may use */
#ifndef NAT_PLAN_H
#define NAT_PLAN_H

#include <stddef.h>

#include "nat/dataplane_config.h"

/* Networks of the private side; and beside these: more are not let in. */
#define RULES_NETWORKS	8
#define RULES_HOSTS	256

/* What the rules are made from. */
struct rules_plan {
	const struct dataplane_config *config;
	unsigned queues;		/* resolved, at least 1 */
	struct prefix networks[RULES_NETWORKS];	/* private side; masqueraded */
	size_t nnetworks;
	struct prefix hosts[RULES_HOSTS];	/* who may speak RSIP besides */
	size_t nhosts;
	struct demux_range napt_ports;	/* outside of every leased range */
	struct demux_range napt_ids;	/* ICMP ids that NAPT may use */
	bool away;			/* nobody listens to the queues, for a
					 * while: see rules_put_away() */
};

/*
 * Fills *plan from the configuration and the private interface's networks.
 * config is kept by pointer.  0, or -1 after one log line.
 */
int	plan_make(struct rules_plan *plan,
	    const struct dataplane_config *config, unsigned queues);

/* The private side is that interface's networks.  -1 after one log line, and it
 * is what it was. */
int	plan_set_private(struct rules_plan *plan, const char *ifname);

/* Ports for NAPT beside the pools of the configuration; -1 after one log line,
 * and those there were stay. */
int	plan_set_napt(struct rules_plan *plan);

/* Takes those of the networks that are not the private side's already. */
void	plan_set_hosts(struct rules_plan *plan, const struct prefix *hosts,
	    size_t n);

#endif
