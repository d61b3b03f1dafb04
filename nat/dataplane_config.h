/* dataplane_config.h - what the data plane is told: interfaces, pools, who may speak RSIP */
#ifndef NAT_DATAPLANE_CONFIG_H
#define NAT_DATAPLANE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat/binding.h"

enum dataplane_firewall {
	DATAPLANE_FIREWALL_AUTO,	/* nftables where its queue works, else
					 * iptables */
	DATAPLANE_FIREWALL_NFTABLES,
	DATAPLANE_FIREWALL_IPTABLES,
	DATAPLANE_FIREWALL_NONE,	/* the operator's own rules feed the
					 * queues */
};

enum dataplane_offload {
	DATAPLANE_OFFLOAD_NONE,
	DATAPLANE_OFFLOAD_AUTO,		/* at the cards (XDP) where both have
					 * what it takes, else at tc */
	DATAPLANE_OFFLOAD_TC,
	DATAPLANE_OFFLOAD_XDP,		/* at the cards, whatever they are, of
					 * which drivers have it */
};

#define DATAPLANE_POOLS_MAX	256
#define DATAPLANE_GATEWAYS_MAX	16

/* Each Na: where hosts' tunnels end. */
struct dataplane_gateways {
	struct addr list[DATAPLANE_GATEWAYS_MAX];
	size_t n;
};

static inline bool
dataplane_is_gateway(const struct dataplane_gateways *g, const struct addr *a)
{
	for (size_t i = 0; i < g->n; i++) {
		if (addr_equal(&g->list[i], a))
			return true;
	}
	return false;
}

struct dataplane_pool {			/* one public address that hosts share
					 * or own */
	struct addr addr;
	struct demux_range ports[8];	/* ranges that RSIP leases from; NAPT
					 * keeps out of them */
	size_t nports;
	bool local;			/* the router has this address itself
					 * (Nb) */
	bool away;			/* another machine serves it now: from
					 * here its hosts are reached there */
};

struct dataplane_config {
	const char *public_if;
	const char *private_if;
	const char *public_out;		/* leads to the public realm besides;
					 * NULL: none */
	struct dataplane_gateways gateways;
	const struct dataplane_pool *pools;
	size_t npools;
	size_t room;			/* for so many pools in eBPF, as others
					 * may come; 0: for these */
	uint16_t rsip_port;		/* where the gateway hears RSIP, TCP and
					 * UDP; 0: nowhere */
	const struct prefix *hosts;	/* who may speak RSIP beside the
					 * private interface's networks */
	size_t nhosts;
	enum dataplane_firewall firewall;
	unsigned queue_first;		/* NFQUEUE numbers queue_first .. +
					 * queues - 1 */
	unsigned queues;		/* 0: one a CPU */
	unsigned queue_length;		/* packets, 0: default */
	bool local_ipsec;		/* ESP, AH, IKE that no host owns go to
					 * the router itself */
	bool refuse_ike;		/* strangers' IKEv2 is answered, no */
	enum dataplane_offload offload;	/* eBPF for what is leased, where built
					 * and possible */
	bool napt;			/* masquerade hosts that do not speak
					 * RSIP */
	unsigned mtu;			/* of the private link, 0: ask the
					 * interface */
	unsigned linger;		/* ms: leases outlive the daemon, so
					 * the rules stay, and what is for
					 * hosts is lost, not refused, until
					 * another takes over; 0: no */
	bool roams;			/* the gateway's address goes to another
					 * machine, which then serves */
	bool keep_softirq;		/* leave the interfaces' NAPI as it is
					 * (no threads) */
};

#endif
