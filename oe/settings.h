/* settings.h - what section "oe" of a configuration says, checked */
#ifndef OE_SETTINGS_H
#define OE_SETTINGS_H

#include <openssl/evp.h>

#include "base/option.h"
#include "oe/classes.h"
#include "oe/dns.h"
#include "oe/keying.h"

/*
 * What every embedding daemon puts into its own table of options as section
 * "oe", with oe_config_open(): classes, key, id, timers, DNS.
 */
#define OE_CONF_SECTION "oe"
extern const struct option oe_options[];

/* Who does ESP (option "dataplane"). */
enum oe_dataplane { OE_DATAPLANE_USER, OE_DATAPLANE_KERNEL, OE_DATAPLANE_AUTO };

/* When ESP stands within the packet's own header (option "transport"). */
enum oe_transport {
	OE_TRANSPORT_NO,
	OE_TRANSPORT_ACCEPT,	/* where the peer asks for it */
	OE_TRANSPORT_ASK,
};

/* With whom that proves nothing there are SAs (RFC 7619): options "anonymous"
 * and "paranoid-anonymous". */
enum oe_anonymous {
	OE_ANONYMOUS_NO,
	OE_ANONYMOUS_ACCEPT,		/* that asks for them */
	OE_ANONYMOUS_TRY,		/* also asked for,
					 * where DNS has no key */
};

#define OE_RESOLVERS_MAX 4
#define OE_TRUSTED_MAX 8

#define OE_NETWORKS_MAX 64
#define OE_TUNNELS_MAX 256

/* A configured tunnel: keyed like an OE connection, with a peer and selectors
 * that the operator named. */
struct oe_tunnel {
	char		 name[64];
	struct addr	 peer;
	struct keying_id my_id, peer_id;/* type 0: the addresses */
	struct prefix	 local;		/* of none: our own address only */
	struct prefix	 remote;
	struct pubkey	 key;		/* the peer's; len 0: psk */
	uint8_t		*psk;
	size_t		 psk_len;
};

/* What its peer has to prove; borrowed from t. */
struct keying_credentials oe_tunnel_credentials(const struct oe_tunnel *t);

struct oe_config {
	unsigned	 shares;	/* beside the first */
	struct classes	*classes;
	EVP_PKEY	*key;	/* NULL: none, everything is clear text */
	char		*key_path;
	char		*state;		/* file of remember.h; "": none */
	struct keying_id id;		/* type 0: our own address */
	struct addr	 resolvers[OE_RESOLVERS_MAX];
	size_t		 nresolvers;
	bool		 resolvers_found;	/* in resolv.conf,
						 * and followed there */
	enum dns_validate validate;
	struct addr	 trusted[OE_TRUSTED_MAX];	/* resolvers, by
							 * their AD bit */
	size_t		 ntrusted;
	char		*anchor_path;
	char		*anchors;	/* records; the program's own where
					 * there is no file */
	bool		 anchors_follow;	/* nobody chose them:
						 * RFC 5011 */
	/* Behind us, as a security gateway. */
	struct prefix	 networks[OE_NETWORKS_MAX];
	size_t		 nnetworks;
	struct prefix	 pool;		/* lent to peers; of none: nothing is */
	struct oe_tunnel *tunnels;
	size_t		 ntunnels;
	bool		 require_dnssec;
	bool		 self_delegation_only;	/* draft -17 §3.2.4.1 */
	unsigned	 ike;		/* versions, as bits (version.h) */
	bool		 legacy;
	unsigned	 anonymous, paranoid_anonymous;	/* enum oe_anonymous */
	unsigned	 transport;	/* enum oe_transport */
	unsigned	 encapsulate;	/* 1: ESP in UDP where no NAT
					 * is, too */
	unsigned	 esp;	/* ciphers, as IKEv2 has them; 0: all */
	enum oe_dataplane dataplane;
	bool		 initiate;	/* false: "accept but
					 * do not initiate" */
	bool		 icmp_deny;	/* answer denied packets
					 * with ICMP 3/13 */
	unsigned	 rsa_min_bits;
	/* seconds */
	unsigned	 lifespan_short;	/* after silence */
	unsigned	 lifespan_first;	/* draft -17 §3.4.1: 1 minute */
	unsigned	 lifespan;		/* then 20 minutes */
	unsigned	 idle;			/* used in the
						 * last 30 seconds */
	unsigned	 hold;			/* a permissive
						 * destination's packets */
	unsigned	 hold_dual;		/* milliseconds */
	unsigned	 give_up;		/* waiting for a peer's IKE */
	unsigned	 phase1_lifetime, phase2_lifetime;
	unsigned	 dpd;
	unsigned	 dns_timeout;		/* milliseconds a try */
	unsigned	 dns_tries;
	unsigned	 connections_max;
};

/* Reads and checks section "oe" (NULL: the preconfigured default, OE-permissive
 * for all), loads the key.  NULL after one log line
 * "file:line: reason". */
struct oe_config *oe_config_read(const struct option_source *s);
/* The same as option_open: the option's member is a struct oe_config *. */
int	oe_config_open(void *to, const struct option_source *s,
	    const struct option *o);
/* May keys be asked for at all: with a key of ours, or by IKEv2 as nobody? */
bool	oe_config_can_begin(const struct oe_config *c);
/* What holds for a destination of that class. */
enum oe_anonymous oe_config_anonymous(const struct oe_config *c,
	    enum oe_class class);
enum oe_dataplane oe_config_dataplane(const struct oe_config *c);
/* The file of state that is replaced while an engine runs with oe_shell.state;
 * NULL: none.  Good until the next call. */
const char *oe_config_state(const struct oe_config *c, const char *suffix);
/*
 * Starts the process that checks DNSSEC, where that is wanted, for the daemon
 * of that name: before threads and priv_drop(); validator_stop() ends it.  0,
 * or -1 after one log line.
 */
int	oe_config_validator(const struct oe_config *c, const char *daemon);
/* How DNS is asked; borrowed from c. */
struct dns_config oe_config_dns(const struct oe_config *c);
/* The same once more, for a second engine: each is freed, or taken
 * over, by itself. */
struct oe_config *oe_config_share(struct oe_config *c);
void	oe_config_free(struct oe_config *c);		/* wipes */

/* Reads resolv.conf, where "resolvers" were not configured;
 * false: nothing new. */
bool	oe_config_find_resolvers(struct oe_config *c);

#endif
