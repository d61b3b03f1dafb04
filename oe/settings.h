/* settings.h - what section "oe" of a configuration says, checked */
#ifndef OE_SETTINGS_H
#define OE_SETTINGS_H

#include "oe/classes.h"
#include "oe/engine.h"

#define OE_RESOLVERS_MAX 4

#define OE_NETWORKS_MAX 64
#define OE_TUNNELS_MAX 256

/* A configured tunnel: keyed like an OE connection, with a peer and selectors
 * that the operator named. */
struct oe_tunnel {
	char		 name[64];
	uint32_t	 peer;		/* network order */
	struct keying_id my_id, peer_id;/* type 0: the addresses */
	uint32_t	 local_net, remote_net;
	unsigned	 local_plen;	/* 0: our own address only */
	unsigned	 remote_plen;
	struct pubkey	 key;		/* the peer's; len 0: psk */
	uint8_t		*psk;
	size_t		 psk_len;
};

struct oe_network {			/* behind us, as a security gateway */
	uint32_t net, mask;		/* network order */
};

struct oe_config {
	unsigned	 shares;	/* beside the first */
	struct classes	*classes;
	EVP_PKEY	*key;		/* NULL: none, everything is clear text */
	char		*key_path;
	char		*state;		/* file of remember.h; "": none */
	struct keying_id id;		/* type 0: our own address */
	uint32_t	 resolvers[OE_RESOLVERS_MAX];
	size_t		 nresolvers;
	bool		 resolvers_found; /* in resolv.conf, and followed there */
	struct oe_network networks[OE_NETWORKS_MAX];
	size_t		 nnetworks;
	struct oe_tunnel *tunnels;
	size_t		 ntunnels;
	bool		 require_dnssec;
	bool		 self_delegation_only;	/* draft -17 §3.2.4.1 */
	bool		 legacy;
	enum oe_dataplane dataplane;
	bool		 initiate;	/* false: "accept but do not initiate" */
	bool		 icmp_deny;	/* answer denied packets with ICMP 3/13 */
	unsigned	 rsa_min_bits;
	/* seconds */
	unsigned	 lifespan_short;	/* after silence */
	unsigned	 lifespan_first;	/* draft -17 §3.4.1: 1 minute */
	unsigned	 lifespan;		/* then 20 minutes */
	unsigned	 idle;			/* used in the last 30 seconds */
	unsigned	 hold;			/* a permissive destination's packets */
	unsigned	 give_up;		/* waiting for a peer's IKE */
	unsigned	 phase1_lifetime, phase2_lifetime;
	unsigned	 dpd;
	unsigned	 dns_timeout;		/* milliseconds a try */
	unsigned	 dns_tries;
	unsigned	 connections_max;
};

#define OE_RESOLV_CONF "/etc/resolv.conf"

/* Reads resolv.conf, where "resolvers" were not configured; false: nothing new. */
bool	oe_config_find_resolvers(struct oe_config *c);

#define OE_SECRET_WISE 16	/* bytes; shorter ones are warned of */

/* Logs a warning for each thing that is allowed but unwise (RFC 5406); paranoid:
 * the class has a prefix. */
void	settings_advise(const struct oe_config *c, bool paranoid);

#endif
