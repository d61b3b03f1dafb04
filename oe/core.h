/* core.h - the pure part of the OE engine: what its files have in common (draft -17 §3) */
#ifndef OE_CORE_H
#define OE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/hash.h"
#include "base/histogram.h"
#include "base/ratelimit.h"
#include "net/addr.h"
#include "oe/dns.h"
#include "oe/keying.h"
#include "oe/settings.h"
#include "oe/shell.h"

/*
 * Nothing here knows a clock, a socket or DNS: every entry takes "now"
 * (milliseconds) and calls out through struct core_ops and struct
 * keying_engine, so that scenario tests play the network.  engine.c is the
 * shell around it, and calls plane_release() at the end of whatever it says.
 */

#define FRAGMENTS_MAX	64		/* datagrams of ours whose later
					 * fragments follow */
#define DEPARTED_MAX	64		/* peers that said
					 * goodbye, remembered */

/* For whom something is stored: each has a budget of its own. */
enum cause {
	CAUSE_OURS,		/* our programs, or our
				 * operator, asked for it */
	CAUSE_STRANGERS,	/* packets from the network brought it about */
	CAUSES
};

struct authorization;
struct claim;
struct collision;
struct connection;
struct core;
struct flow;
struct identity;
struct known;
struct lent;
struct lookup;
struct peer;
struct sa_pair;
struct spd_entry;
struct spoken;

/* Which way the first fragment of a datagram of ours went. */
struct flow_fragment {
	struct addr	   src, dst;
	uint32_t	   id;
	uint8_t		   protocol;
	struct connection *conn;	/* NULL: none, as if not claimed */
};

struct core_ops {
	void (*dns_query)(void *arg, const char *name, uint16_t type,
	    enum cause cause, dns_fn fn, void *fn_arg);
	/* ESP from peer with an SPI (host order) that nobody here knows. */
	void (*unknown_spi)(void *arg, uint64_t now, const struct addr *peer,
	    uint32_t spi);
	/* Something happened to a connection.  NULL: nobody wants to know. */
	void (*event)(void *arg, const struct connection *conn,
	    const char *what);
};

struct core {
	struct oe_config	*config;
	const struct oe_shell	*shell;
	void			*shell_arg;
	const struct core_ops	*ops;
	void			*ops_arg;
	const struct keying_engine *keying;
	void			*keying_arg;
	uint64_t		 now;	/* of the call under way */
	/* Of each family, IPv4 first: see core_local(). */
	struct { struct addr addr; uint16_t ike_port; } local[2];
	struct addr		 portal;	/* that answers for DNS; none */
	bool			 resolver_here;	/* the resolver that we
						 * ask is on this host */
	struct spd_entry	*spd;
	struct sa_pair		*sad, *sad_out;	/* by inbound, by
						 * outbound SPI */
	TAILQ_HEAD(, connection) connections;
	TAILQ_HEAD(holding, connection) holding;	/* permissive; next
						 * to be let go first */
	TAILQ_HEAD(, connection) older;	/* that IKEv1 is to be tried
					 * with; the next first */
	struct spoken		*spoken;	/* SPOKEN_MAX of version.h */
	struct identity		*identity[2];	/* see identity_of() */
	struct { struct addr addr; uint64_t at; } departed[DEPARTED_MAX];
	unsigned		 ndeparted;	/* ever */
	unsigned		 nentries[CAUSES], nconnections[CAUSES];
	/* Entries that may make room, the longest unused first. */
	TAILQ_HEAD(spd_settled, spd_entry) settled[CAUSES];
	struct known		*known;
	/* Entries that plane_release() is to see to. */
	TAILQ_HEAD(spd_ready, spd_entry) ready;
	size_t			 held[CAUSES];
	struct flow		*flows;
	unsigned		 nflows[2];	/* of SAs, in the clear */
	struct collision	*collisions;
	struct flow_fragment	 fragments[FRAGMENTS_MAX];
	unsigned		 fragment;
	struct peer		*peers;
	unsigned		 npeers;
	TAILQ_HEAD(, authorization) authorizations;
	unsigned		 nauthorizations;
	TAILQ_HEAD(, claim)	 claims;
	struct lent		*lent;	/* of the pool, or rest */
	unsigned		 nclaims;
	TAILQ_HEAD(, lookup)	 lookups;
	unsigned		 nlookups[CAUSES];
	unsigned		 dns_silent;	/* look-ups in a row
						 * that nobody answered */
	struct ratelimit	 tried;	/* peers of whom DNS says nothing */
	struct ratelimit	 bad_packet, unknown_spi, icmp, limit_log;
	struct {
		uint64_t clear_out, esp_out, esp_in, held, dropped, denied;
		uint64_t bad_esp, unknown_spi, filtered, clear_refused;
		uint64_t keyed, failed, limits, evicted, held_back;
		uint64_t flow_refused;
		struct histogram dns_latency, ike_latency;
	} count;
	uint8_t			*opened;	/* IP_PACKET_MAX: what
						 * came out of an SA */
	uint8_t			*translated;	/* the same, of what
					 * goes into one */
};

/* Says the time before an answer of DNS or of the keying engine is brought. */
void	core_set_now(struct core *c, uint64_t now);
/* Every resolver's address: never captured, nor ever a peer. */
bool	core_is_resolver(const struct core *c, const struct addr *addr);
/* Our address of a family, none: there is none now; and the port that IKE has
 * there. */
const struct addr *core_local(const struct core *c, int family);
uint16_t core_ike_port(const struct core *c, int family);
bool	core_has_local(const struct core *c);	/* of any family */
/*
 * Is addr this host's own?  An IPv6 host has several at once, of which old ones
 * go on while connections have them (RFC 8981 §3.4): the shell is asked.
 */
bool	core_is_own(const struct core *c, const struct addr *addr);
/* Is addr ours to speak for: our own, or of a network behind us? */
bool	core_is_ours(const struct core *c, const struct addr *addr);
/* The address that peer is asked from for keys of what src sends; may be
 * none. */
struct addr core_speaks_from(const struct core *c, const struct prefix *src,
	    const struct addr *peer);

/* May a record be gone by for a destination of that class?
 * authentic, unchecked: as in struct record_answer. */
bool	core_believes(const struct core *c, enum oe_class class,
	    bool authentic, bool unchecked);

/* The identity we show in Phase 1, from an address of that family. */
struct keying_id core_my_id(const struct core *c, int family);
/* Is one of the resolvers on this host? */
void	core_find_resolver(struct core *c);

/* Is there room for one more of what n counts?  Strangers have half of what
 * there is; we have what they left, all if need be. */
bool	core_budget_left(const struct core *c, const unsigned n[CAUSES],
	    enum cause cause);
/* Tells whoever watches. */
void	core_event(struct core *c, const struct connection *conn,
	    const char *what);

#endif
