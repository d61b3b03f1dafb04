/* core.h - the pure part of the OE engine: forwarding plane, connections, responder (draft -17 §3) */
#ifndef OE_CORE_H
#define OE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/hash.h"
#include "base/ratelimit.h"
#include "oe/dns.h"
#include "oe/engine.h"
#include "oe/keying.h"
#include "oe/record.h"
#include "oe/settings.h"

/*
 * Nothing here knows a clock, a socket or DNS: every entry takes "now"
 * (milliseconds) and calls out through struct core_ops, so that scenario tests
 * play the network.  engine.c is the shell around it.
 */

/* What a stranger, or a busy laptop, can make us store. */
#define HOLD_BYTES_MAX	(4u << 20)	/* first and last datagrams on hold, for each cause */
#define GATEWAYS_MAX	4		/* tried one after another for one destination */
#define PEERS_MAX	1024		/* responder: identities with their keys, cached */
#define PEER_WAITING_MAX 16		/* negotiations that wait for one identity's keys */
#define PEERS_WAITING_PER_ADDRESS 8	/* identities looked up for one address at once */
#define AUTHORIZATIONS_MAX 256		/* Phase 2 proposals that wait for a TXT record */
#define AUTHORIZATIONS_PER_PEER 16
#define LOOKUPS_MAX	1024		/* DNS questions under way, for each cause */
#define CONNECTIONS_PER_ENTRY 64	/* hosts behind one address to one of ours */
#define PAIRS_MAX	8		/* SA pairs of one connection, each with an SPI */
#define SESSIONS_MAX	24		/* and for flows alone; fewer than a Phase 1 SA serves */
#define SESSIONS_WAITING 8		/* flows of one connection that wait for keys */
#define COLLISIONS_MAX	256		/* peers that cannot tell hosts at our address apart */
#define FLOWS_PER_OWNER	4096		/* of one peer, or in the clear with one address */
#define FLOWS_MAX	131072		/* of all peers, and as many in the clear */
#define FRAGMENTS_MAX	64		/* datagrams of ours whose later fragments follow */

#define DELETE_TRIES	3		/* draft -17 §3.4.2 */
#define DELETE_INTERVAL	10000
#define LINGER		5000		/* a replaced inbound SA: packets still under way */
#define CROSSING	10000		/* two negotiations this close crossed: both stay */
#define REKEY_RETRY	10000
#define SUSPECT_INTERVAL 60000		/* an unknown SPI makes us rekey at most this often */
#define ROOM_RETRY	1000		/* a search that met a limit tries again */

/* For whom something is stored: each has a budget of its own. */
enum cause {
	CAUSE_OURS,		/* our programs, or our operator, asked for it */
	CAUSE_STRANGERS,	/* packets from the network brought it about */
	CAUSES
};

enum spd_policy { SPD_NONE, SPD_HOLD, SPD_PASS, SPD_DENY, SPD_ENCRYPT };

/* Draft -17 §3.2's states; a nonexistent connection has no struct. */
enum connection_state {
	CONNECTION_NONEXISTENT,	/* responder: authorized, waiting for its keys */
	CONNECTION_POTENTIAL,	/* DNS is asked */
	CONNECTION_AUTHENTICATE,/* what DNS said is being checked */
	CONNECTION_PENDING,	/* IKE is at work */
	CONNECTION_KEYED,
	CONNECTION_CLEAR,
	CONNECTION_DENY,
	CONNECTION_EXPIRING,	/* its lifespan is over: in use still? */
	CONNECTION_EXPIRED,	/* deletes are on their way */
};

/*
 * Whether the peer of a connection may speak for the address at its other end;
 * whose key it has is another question (connection.authentic).
 */
enum oe_right {
	RIGHT_NONE,		/* no peer yet */
	RIGHT_FLOWS,		/* nobody says so: its own flows only */
	RIGHT_DNS,		/* the address's reverse map names it */
	RIGHT_DNSSEC,		/* and DNSSEC vouches for that */
	RIGHT_CONFIGURED,	/* the operator named it */
};

struct core;
struct connection;
struct flow;

/* Flows of one connection, or of the clear; the longest unused first. */
struct flow_owner {
	TAILQ_HEAD(, flow) list;
	unsigned	   n;
};

/* Which way the first fragment of a datagram of ours went. */
struct flow_fragment {
	uint32_t	   src, dst;
	uint16_t	   id;
	uint8_t		   protocol;
	struct connection *conn;	/* NULL: none, as if not claimed */
};

struct core_ops {
	void (*dns_query)(void *arg, const char *name, uint16_t type,
	    enum cause cause, dns_fn fn, void *fn_arg);
	/* The keying engine: see ike.h for each. */
	int  (*request)(void *arg, uint64_t now,
	    const struct keying_request *r, void *conn);
	void (*forget)(void *arg, uint64_t now, void *conn, bool tell);
	int  (*delete_child)(void *arg, uint64_t now, uint32_t spi_in);
	int  (*probe)(void *arg, uint64_t now, void *conn);
	void (*moved)(void *arg, void *conn, uint32_t peer, uint16_t port);
	/* ESP from peer with an SPI (host order) that nobody here knows. */
	void (*unknown_spi)(void *arg, uint64_t now, uint32_t peer, uint32_t spi);
	void (*peer_identity)(void *arg, uint64_t token,
	    const struct keying_id *my_id);
	void (*peer_keys)(void *arg, uint64_t now, uint64_t token,
	    const struct pubkey *keys, size_t n, const uint8_t *psk,
	    size_t psk_len);
	void (*authorize)(void *arg, uint64_t now, uint64_t token, void *conn);
};

struct datagram {
	size_t	   len;
	enum cause cause;
	uint8_t	   data[];
};

struct spd_key {
	uint32_t src, dst;		/* network order */
	uint32_t src_plen, dst_plen;	/* 32 but for configured tunnels */
};

/* One (source, destination) pair in the forwarding plane. */
struct spd_entry {
	UT_hash_handle	  hh;
	struct spd_key	  key;
	struct spd_entry *master;	/* a configured tunnel's entry that decides */
	enum spd_policy	  policy;
	enum cause	  cause;
	bool		  settled;	/* nothing is lost if it makes room */
	TAILQ_ENTRY(spd_entry) settled_entry;
	struct datagram	 *first, *last;
	struct datagram	 *again;	/* released into new keys, and not answered yet */
	uint64_t	  again_at;	/* when it was */
	TAILQ_HEAD(connections, connection) connections; /* newest first */
	unsigned	  nconnections;
	uint64_t	  used;
	unsigned	  nshared;	/* connections that may share the address */
	uint64_t	  shared_since;
	struct flow_owner clear_flows;
};

/* A pair of Phase 2 SAs. */
struct sa_pair {
	UT_hash_handle	   hh;		/* by spi_in */
	UT_hash_handle	   hh_out;	/* by out_key; two peers at one address may choose alike */
	struct { uint32_t dst, spi; } out_key;
	TAILQ_ENTRY(sa_pair) entry;
	struct connection *connection;
	uint32_t	   spi_in, spi_out;
	struct keying_selector ours, theirs;	/* protocol 0: all between the two */
	uint64_t	   used;
	struct esp_sa	  *in, *out;
	bool		   confirmed;	/* the peer has its half */
	bool		   follows;	/* a NAT's mapping of the peer */
	bool		   initiator;
	uint64_t	   born, soft;
	uint64_t	   soft_bytes;
	bool		   kernel;	/* the kernel has it; kernel_out: not yet that half */
	struct esp_params *kernel_out;
	uint64_t	   kernel_packets, kernel_bytes;	/* counted so far */
	uint64_t	   kernel_in;	/* packets of these */
	uint64_t	   linger;	/* "now" at which a replaced one goes; 0: not replaced */
	struct ratelimit   bad;
};

struct gateway {			/* who may speak for a destination, with what keys */
	struct keying_id id;		/* type 0: whoever proves one of the keys */
	uint32_t	 addr;
	uint16_t	 precedence;
	unsigned	 nkeys;
	struct pubkey	*keys;
};

/* A TCP segment that is large for its path, and not acknowledged. */
struct large_segment {
	uint32_t ports, seq;		/* host order; our port is the high half */
	size_t	 len;			/* of its data */
	unsigned sent;			/* times; 0: none is waited for */
	uint64_t at;			/* first */
};

struct connection {
	TAILQ_ENTRY(connection) entry;	/* of its SPD entry */
	TAILQ_ENTRY(connection) all;
	TAILQ_ENTRY(connection) holding;
	uint64_t	      hold_until;	/* 0: its packets are not held, or for ever */
	struct core	     *core;
	struct spd_entry     *spd;	/* NULL when expired */
	struct spd_key	      key;
	enum connection_state state;
	enum spd_policy	      policy;
	enum cause	      cause;
	enum oe_class	      class;
	unsigned	      tunnel;
	char		      reason[128];

	/* DNS */
	unsigned	      waiting;	/* answers that have not come */
	bool		      recheck;	/* asked again; policy stays meanwhile */
	bool		      no_identity;	/* settled, as DNS has not our own key */
	enum record_status    txt, ipseckey;
	bool		      txt_here, ipseckey_here, key_malformed;
	bool		      authentic;	/* DNSSEC vouches for the key */
	uint64_t	      dns_expires;
	enum oe_right	      right;
	uint64_t	      right_expires;	/* as responder: when to ask again */
	bool		      shares;	/* other hosts may have that address too */
	struct flow_owner     flows;
	struct gateway	     *gateways;
	unsigned	      ngateways, gateway;	/* gateway: the one in use */
	struct pubkey	     *peer_key;	/* that verified; NULL before */

	/* A limit of ours stands in the way: when to try again, since when; 0: none. */
	uint64_t	      room_at, room_since;

	/* keying */
	bool		      requested;	/* an ike request is under way */
	bool		      failed;	/* since the last success, as failure says */
	enum keying_failure   failure;
	struct keying_id      peer_id;
	struct keying_path    path;
	TAILQ_HEAD(, sa_pair) pairs;		/* newest first */
	uint64_t	      request_at;	/* of the last (re)key */
	uint64_t	      suspect_at;
	uint64_t	      heard;	/* last ESP from the peer; 0: none yet */
	uint64_t	      unanswered; /* first ESP to it since; 0: none */
	uint64_t	      probe_at;	/* it was last asked whether it lives */
	uint64_t	      asked_at;	/* and since then first asked; 0: not */
	uint64_t	      sent_at;	/* and since then last, a second or more apart */
	unsigned	      sends;	/* so often */
	uint64_t	      anew_at;	/* keyed anew, nothing heard since; 0: not */
	bool		      silent;	/* it did not answer: what fails now is lost */
	bool		      by_flow;	/* each flow has keys of its own (session.c) */
	struct session	     *ask;	/* whose keys the request is for; NULL: all */
	TAILQ_HEAD(, session) sessions;	/* that wait for keys, in turn */
	unsigned	      nsessions;
	struct {
		uint8_t	 protocol;	/* 0: none */
		uint16_t ours, theirs;
		uint64_t used;
	}		      recent[SESSIONS_WAITING];	/* flows of the whole pair */
	size_t		      mtu;		/* of the path, 0: unknown */
	uint64_t	      mtu_raise_at;	/* when more is tried; 0: it is no guess */
	uint64_t	      mtu_wait;		/* milliseconds, of the last guess */
	struct large_segment  large;

	/* aging */
	uint64_t	      born, used, look_at;
	uint64_t	      dns_time;		/* when potential OE began */
	uint64_t	      packets, bytes;	/* both directions */
	bool		      routed;		/* pass_route(add) was called */
	bool		      kernel_policy;	/* the kernel encrypts it */
	uint16_t	      kernel_id;	/* 0: none yet */
	unsigned	      delete_tries;
	uint64_t	      delete_at;
};

/* A DNS question whose asker may die before the answer. */
struct lookup {
	TAILQ_ENTRY(lookup) entry;
	struct core	*core;
	void		*owner;		/* NULL: nobody waits any more */
	enum cause	 cause;
	unsigned	 tag;
	void (*fn)(struct core *core, void *owner, unsigned tag,
	    const struct record_answer *a);
};

/* Whether others will find our key in DNS. */
enum identity_state { IDENTITY_UNKNOWN, IDENTITY_CONFIRMED, IDENTITY_ABSENT };
struct identity {
	enum identity_state state;
	struct keying_id id;	/* that was asked about */
	struct pubkey	 key;	/* ours */
	unsigned	 waiting;
	bool		 found, authentic, silent, other_key;
	bool		 was_silent;	/* DNS said nothing the last time */
	uint32_t	 ttl;
	uint64_t	 expires;
};

struct collision;
struct ip_info;
struct peer;
struct authorization;

#define DEPARTED_MAX	64	/* peers that said goodbye, remembered */

struct core {
	struct oe_config	*config;
	const struct oe_shell	*shell;
	void			*shell_arg;
	const struct core_ops	*ops;
	void			*ops_arg;
	uint64_t		 now;	/* of the call under way */
	uint32_t		 local;
	uint16_t		 ike_port;
	bool			 resolver_here;	/* we ask one on this host */
	struct spd_entry	*spd;
	struct sa_pair		*sad, *sad_out;	/* by inbound, by outbound SPI */
	TAILQ_HEAD(, connection) connections;
	TAILQ_HEAD(, connection) holding;	/* permissive; next to be let go first */
	struct identity		 identity;
	struct { uint32_t addr; uint64_t at; } departed[DEPARTED_MAX];
	unsigned		 ndeparted;	/* ever */
	unsigned		 nentries[CAUSES], nconnections[CAUSES];
	/* Entries that may make room, the longest unused first. */
	TAILQ_HEAD(spd_settled, spd_entry) settled[CAUSES];
	struct known		*known;
	uint8_t			 known_key[16];
	size_t			 held[CAUSES];
	uint16_t		 kernel_id;	/* last one given */
	struct flow		*flows;
	unsigned		 nflows[2];	/* of SAs, in the clear */
	struct collision	*collisions;
	struct flow_fragment	 fragments[FRAGMENTS_MAX];
	unsigned		 fragment;
	struct peer		*peers;
	unsigned		 npeers;
	TAILQ_HEAD(, authorization) authorizations;
	unsigned		 nauthorizations;
	TAILQ_HEAD(, lookup)	 lookups;
	unsigned		 nlookups[CAUSES];
	unsigned		 dns_silent;	/* look-ups in a row that nobody answered */
	struct ratelimit	 bad_packet, unknown_spi, icmp, limit_log;
	struct {
		uint64_t clear_out, esp_out, esp_in, held, dropped, denied;
		uint64_t bad_esp, unknown_spi, filtered, clear_refused;
		uint64_t keyed, failed, limits, evicted, held_back;
		uint64_t flow_refused;
	} count;
	/* IP_PACKET_MAX each.  Two: what was opened still waits for delivery while
	 * the datagrams that it released are sealed. */
	uint8_t			*opened, *sealed;
};

/* --- core.c ----------------------------------------------------------------- */

/* Borrows config; ops and shell must outlive it. */
struct core *core_new(struct oe_config *config, const struct oe_shell *shell,
	    void *shell_arg, const struct core_ops *ops, void *ops_arg);
/* The keying engine must be gone, or never call again. */
void	core_free(struct core *c);
void	core_set_local(struct core *c, uint64_t now, uint32_t addr, uint16_t ike_port);
/* Ends every connection at once; peers are told. */
void	core_drop_all(struct core *c, uint64_t now);
/* Once a second or so: lifespans, deletes, rekeying. */
void	core_tick(struct core *c, uint64_t now);
/* Says the time before an answer of DNS or of the keying engine is brought. */
void	core_set_now(struct core *c, uint64_t now);
void	core_reconfigure(struct core *c, uint64_t now, struct oe_config *config);
/* Every resolver's address: never captured, nor ever a peer. */
bool	core_is_resolver(const struct core *c, uint32_t addr);
/* Is addr ours to speak for: our own, or of a network behind us? */
bool	core_is_ours(const struct core *c, uint32_t addr);

/* Asks DNS; fn gets the answer later unless lookups_forget(owner) was called.
 * 0, or -1 at the limit. */
int	lookup_start(struct core *c, enum cause cause, const char *name,
	    uint16_t type,
	    void (*fn)(struct core *, void *, unsigned, const struct record_answer *),
	    void *owner, unsigned tag);
void	lookups_forget(struct core *c, const void *owner);
/* Name of an identity's KEY: reverse for addresses, forward for FQDN. 0, or -1. */
int	lookup_key_name(const struct keying_id *id, char out[KEYING_NAME_MAX + 1]);

/* The identity we show in Phase 1. */
struct keying_id core_my_id(const struct core *c);

/* --- spd.c: the forwarding plane (§3.1) -------------------------------------- */

struct spd_entry *spd_find(struct core *c, uint32_t src, uint32_t dst);
/* Finds or makes the entry of a key; NULL at the limit. To make room it may
 * free other entries, and their connections, that are settled. */
struct spd_entry *spd_get(struct core *c, const struct spd_key *key,
	    enum cause cause);
/* Frees an entry that no connection holds. */
void	spd_free(struct core *c, struct spd_entry *e);
/* Takes the strongest policy of its connections, releases what was held, and
 * frees the entry when nothing is left of it. */
void	spd_update(struct core *c, struct spd_entry *e);
void	spd_free_all(struct core *c);
void	spd_outbound(struct core *c, uint64_t now, const uint8_t *pkt, size_t len);
bool	spd_inbound_clear(struct core *c, uint64_t now, const uint8_t *pkt, size_t len);
void	spd_inbound_esp(struct core *c, uint64_t now, const uint8_t *pkt, size_t len);
/* The datagram that began a connection goes once more if nothing came back on
 * its keys: a peer may have had them later than we. */
void	spd_again(struct connection *conn);
const char *spd_policy_name(enum spd_policy p);
/* Over this connection, whose peer the packet is for. */
void	spd_encrypt_on(struct connection *conn, const uint8_t *pkt, size_t len);
/* The same for what waited for conn's keys; takes d over. */
void	spd_release_on(struct connection *conn, struct datagram *d);
/* Keeps a datagram, on the heap, in place of what was in *slot; or drops it where
 * too many are kept for that cause. */
void	spd_keep(struct core *c, struct datagram **slot, enum cause cause,
	    const uint8_t *pkt, size_t len);
void	spd_keep_no_more(struct core *c, struct datagram **slot);

/* --- limits.c: who may fill what, and what makes room ------------------------- */

/* How an outbound packet came about. */
enum packet_cause {
	PACKET_ASKS,		/* a program of ours began, or goes on */
	PACKET_ANSWERS,		/* a service of ours answers */
	PACKET_REFLEX,		/* the kernel's answer to what anybody may have forged:
				 * echo reply, ICMP error, SYN-ACK, RST */
};
enum packet_cause limits_cause(const uint8_t *pkt, size_t len);
/* Is there room for one more, perhaps by evicting?  e, whose connection it would
 * be, is not evicted. */
bool	limits_entry_room(struct core *c, enum cause cause);
bool	limits_connection_room(struct core *c, enum cause cause,
	    const struct spd_entry *e);
/* Strangers' half is full and id, which proved itself, wants keys, in e or in a new
 * entry (NULL): its own longest unused connection goes, or the longest unused of
 * all that are idle.  Its peer is told.  False if there is none. */
bool	limits_keyed_evict(struct core *c, const struct keying_id *id,
	    const struct spd_entry *e);
/* An entry changed, was used, goes. */
void	limits_entry_changed(struct core *c, struct spd_entry *e);
void	limits_entry_used(struct core *c, struct spd_entry *e);
void	limits_entry_gone(struct core *c, struct spd_entry *e);
/* Destinations whose keys we had or know: at a limit they are held, never passed. */
void	limits_known_add(struct core *c, uint32_t dst);
bool	limits_known(const struct core *c, uint32_t dst);
void	limits_init(struct core *c);
void	limits_free(struct core *c);

/* --- flow.c: session-oriented keying (RFC 3104 §3) ---------------------------- */

/*
 * All of it is about entries with nshared != 0.  Packets are whole IPv4 packets;
 * the caller has checked that their addresses are those of the connection's
 * selectors.
 */

/* A packet came out of conn's SA.  False if its flow is another's: to be dropped. */
bool	flow_hear(struct core *c, struct connection *conn, const uint8_t *pkt,
	    size_t len);
/* The same for one that came in the clear to e's addresses. */
bool	flow_hear_clear(struct core *c, struct spd_entry *e, const uint8_t *pkt,
	    size_t len);
/* The connection that an outbound packet's flow belongs to; NULL: no SA's. */
struct connection *flow_owner(struct core *c, struct spd_entry *e,
	    const uint8_t *pkt, size_t len);
/* An outbound packet that was no SA's went over conn, or in the clear (NULL). */
void	flow_sent(struct core *c, struct spd_entry *e, struct connection *conn,
	    const uint8_t *pkt, size_t len);
/* The same as flow_owner(), by ports (host order; 0 where there are none), for
 * those who only ask. */
struct connection *flow_peek(const struct core *c, uint32_t ours,
	    uint32_t theirs, uint8_t protocol, uint16_t our_port,
	    uint16_t their_port);
void	flow_forget(struct core *c, struct connection *conn);
void	flow_forget_clear(struct core *c, struct spd_entry *e);

/* --- session.c: flows that have keys of their own (RFC 3104 §3) ---------------- */

/* Is it for all packets between the two addresses? */
bool	pair_is_whole(const struct sa_pair *p);
/* May this packet be in it (RFC 4301 §5.2)?  in: it came from the peer.  Later
 * fragments name no port. */
bool	pair_takes(const struct sa_pair *p, const uint8_t *pkt,
	    const struct ip_info *ip, bool in);
/* The pair for a packet of ours; NULL: none. */
struct sa_pair *session_pair(const struct connection *conn, const uint8_t *pkt,
	    const struct ip_info *ip);
/* A packet of ours goes over the whole pair. */
void	session_note(struct connection *conn, const uint8_t *pkt,
	    const struct ip_info *ip);
/* There is none: it waits for keys.  False if it can have none. */
bool	session_wait(struct connection *conn, const uint8_t *pkt,
	    const struct ip_info *ip);
/* Is it for a peer that must not be asked for more than flows, and none? */
bool	session_denies(const struct core *c, const uint8_t *pkt,
	    const struct ip_info *ip);
/* Keys are about to be asked for: a flow's, perhaps.  False: for nothing. */
bool	session_begin(struct connection *conn);
/* The selectors of the request that is being made; network order. */
void	session_selectors(const struct connection *conn,
	    struct keying_selector *ours, struct keying_selector *theirs);
/* Keys for p came; those who waited for them are sent. */
void	session_keyed(struct connection *conn, const struct sa_pair *p);
/* The request under way failed.  True if that is dealt with. */
bool	session_failed(struct connection *conn, enum keying_failure f);
/* The peer deleted what was in use.  True if the connection was settled. */
bool	session_deleted(struct connection *conn);
/* Nothing comes from a peer that lives. */
void	session_one_way(struct connection *conn);
void	session_tick(struct connection *conn);
void	session_forget(struct connection *conn);
void	collisions_free(struct core *c);
/* "tcp 40000 80", ours first; empty for a whole pair. */
void	session_text(const struct sa_pair *p, char *out, size_t cap);

/* --- connection.c: one connection's life (§3.2, §3.4) --------------------------- */

/* A new connection in state nonexistent; NULL at a limit. */
struct connection *connection_new(struct core *c, struct spd_entry *e,
	    enum oe_class class, unsigned tunnel);
/* Frees it; the keying engine forgets it, and tells the peer if tell. */
void	connection_free(struct connection *conn, bool tell);
/* Teardown begun by us: deletes, three tries (§3.4.2). */
void	connection_expire(struct connection *conn, const char *why);
void	connection_tick(struct connection *conn);
/* The connection of e that keys of that peer belong to: the identical one
 * (§3.3.2), or else one that has found no peer so far; NULL. */
struct connection *connection_with(const struct spd_entry *e,
	    const struct keying_id *id);
/* The identical one only. */
struct connection *connection_identical(const struct spd_entry *e,
	    const struct keying_id *id);
/* What the peer may speak for, and whether others may speak from there too. */
void	connection_set_right(struct connection *conn, enum oe_right right,
	    bool shares);
const char *connection_state_name(enum connection_state s);
bool	connection_is_oe(const struct connection *conn);	/* permissive or paranoid */
bool	connection_recently_used(const struct connection *conn);
/* Does its policy count for packets that are of no SA's flow? */
bool	connection_decides(const struct connection *conn);
/* A new state, and the policy that the forwarding plane takes from it. */
void	connection_set(struct connection *conn, enum connection_state state,
	    enum spd_policy policy);
/* Traffic goes past the TUN (add), or through it. */
void	connection_route(struct connection *conn, bool add);
/* The end of a search: clear text or denial, for lifespan seconds.  Some ends
 * deny whatever the class: malformed records, DNSSEC failure (§3.2.4). */
void	connection_settle(struct connection *conn, bool deny,
	    unsigned lifespan, const char *fmt, ...)
	    __attribute__((format(printf, 4, 5)));
/* No encryption: what the class says of that. */
#define connection_no_oe(conn_, lifespan_, ...) \
	connection_settle(conn_, (conn_)->class != OE_CLASS_PERMISSIVE, \
	    lifespan_, __VA_ARGS__)

/* When the next permissive connection has held packets for long enough; UINT64_MAX:
 * none does. connection_tick_holding() lets them go. */
uint64_t connection_next_holding(const struct core *c);
void	connection_tick_holding(struct core *c, uint64_t now);

/* --- identity.c: our own records (§5) --------------------------------------------- */

/* Asks DNS for our own key, where it is time to: a new identity, a TTL over. */
void	identity_check(struct core *c, uint64_t now);
/* DNS has not answered about somebody: is it there at all?  Once it answers about us,
 * what was settled for its silence is looked at anew. */
void	identity_doubt(struct core *c);
/* False where DNS said that nobody can find our key: we need not begin. */
bool	identity_usable(const struct core *c);
void	identity_text(const struct core *c, char *out, size_t cap);

/* --- search.c: from nonexistent to pending OE (§3.2.1 to §3.2.5) ------------------ */

/* PF_ACQUIRE: traffic wants keys for e. */
void	connection_acquire(struct core *c, struct spd_entry *e,
	    const struct policy_match *m);
/* Asks DNS, for the first time or again; then IKE. */
void	connection_potential(struct connection *conn);
void	connection_pending(struct connection *conn);
/* Keys of the current gateway again; for rekeying and suspicion, or for a flow. */
int	connection_rekey(struct connection *conn, const char *why);
/* Has it SAs of ours?  Then what comes is not the first contact. */
bool	connection_peer_known(const struct core *c, const struct keying_id *id);
int	connection_request(struct connection *conn);
/* Seconds until a failed negotiation is tried again (§3.2.5). */
unsigned connection_failure_lifespan(const struct connection *conn);
void	connection_failed(struct connection *conn, enum keying_failure f,
	    const char *detail);
/* A search that met a limit goes on. */
void	connection_tick_room(struct connection *conn);

/* --- keyed.c: the keyed connection (§3.2.6) ---------------------------------------- */

/* The pair that carries what we send, but flows that have their own; NULL if there
 * is none. */
struct sa_pair *connection_pair(const struct connection *conn);
/* That, or where there are only flows' pairs one of these. */
struct sa_pair *connection_any_pair(const struct connection *conn);
void	pair_free(struct sa_pair *p);
void	connection_tick_keyed(struct connection *conn);
/* What the keying engine reports (keying.h). */
void	connection_child_up(struct connection *conn, const struct keying_child *k);
void	connection_child_confirmed(struct connection *conn, uint32_t spi_in);
void	connection_child_down(struct connection *conn, uint32_t spi_in, bool by_peer);
/* Its peer cannot be reached any more: the SAs go without a word to it. */
void	connection_lost(struct connection *conn);

/* ESP that was good, and newer than all before, came in UDP from this address
 * (network order) and port: a NAT's mapping may have changed (RFC 3948 §4). */
void	pair_heard_from(struct sa_pair *p, uint32_t peer, uint16_t port);

/* --- liveness.c: does the peer still have our SAs? ---------------------------------- */

/* ESP went to the peer, or came from it and was good. */
void	connection_sent(struct connection *conn);
/* Seconds since ESP first went without an answer; 0: not for so long that it
 * says anything. */
unsigned connection_silence(const struct connection *conn);
void	connection_heard(struct connection *conn);
/* Its peer seems to be at another address: asked there whether it is. */
void	connection_moved(struct connection *conn);
void	connection_tick_liveness(struct connection *conn);
/* The keying engine asked, and nobody answered (keying.h). */
void	connection_peer_silent(struct connection *conn);
void	core_invalid_spi(struct core *c, uint64_t now, uint32_t peer,
	    uint32_t spi_out, bool authenticated);
/* The peer at that address (network order) deleted what we had, in good order; and
 * did it so within the last minute? */
void	core_departed(struct core *c, uint32_t addr);
bool	core_has_departed(const struct core *c, uint32_t addr);
/* Is one of the resolvers on this host? */
void	core_find_resolver(struct core *c);
/* What was settled because resolvers did not answer is looked at again. */
void	core_resolvers_changed(struct core *c, uint64_t now);
/* We slept, or came to another link: every peer is asked at once. */
void	core_wake(struct core *c, uint64_t now, const char *why);

/* --- pathmtu.c: paths that lose large packets without a word --------------------------- */

#define PATH_MTU_MIN	576	/* RFC 791; a smaller claim is a forgery or no use */
#define PATH_SYN_MAX	128
/* Of packets around which ESP goes to the peer, in bytes. */
size_t	pathmtu_of(const struct connection *conn);
/* An ICMP error about one of our ESP packets. */
void	pathmtu_inbound_icmp(struct core *c, uint64_t now, const uint8_t *pkt,
	    size_t len);
/* A packet is about to go out: may find that the path takes less. */
void	pathmtu_sent(struct connection *conn, const struct esp_sa *out,
	    const uint8_t *pkt, const struct ip_info *ip);
/* One came out of an SA. */
void	pathmtu_heard(struct connection *conn, const uint8_t *pkt, size_t len);
void	pathmtu_tick(struct connection *conn);
/* The packet, or where it begins a TCP connection over a path known to take
 * less than the link, a copy in syn whose MSS fits mtu (of inner packets). */
const uint8_t *pathmtu_clamp(const struct connection *conn, size_t mtu,
	    const uint8_t *pkt, const struct ip_info *ip,
	    uint8_t syn[PATH_SYN_MAX]);

/* --- kernel.c: ESP that the kernel does --------------------------------------------- */

/* Keys came: gives them to the kernel if it can have this pair. */
void	kernel_pair_up(struct sa_pair *p, const struct keying_child *k);
/* The pair carries what we send from here on. */
void	kernel_pair_confirm(struct sa_pair *p);
void	kernel_pair_down(struct sa_pair *p);
/* What the connection sends comes to the TUN again. */
void	kernel_connection_down(struct connection *conn);
/* Another pair carries what is sent: the kernel's policy follows.  False if the
 * kernel refuses the policy that this pair needs: it must not be sent on. */
bool	kernel_follow(struct connection *conn);
/* Sees what passed meanwhile. */
void	kernel_tick(struct connection *conn);

/* --- gateway.c: who may speak for a destination (§5) --------------------------- */

/* Appends k to a list of n keys on the heap, unless k is empty, there already, or
 * one too many. */
void	keys_add(struct pubkey **keys, unsigned *n, const struct pubkey *k);
/* Replaces conn's gateways by those an answer names, strongest first. */
void	gateways_set(struct connection *conn, const struct record_answer *a);
void	gateways_clear(struct connection *conn);
/* Adds what a KEY look-up found; drops gateways that have no key at the end. */
void	gateway_add_keys(struct gateway *g, const struct record_answer *a);
void	gateways_drop_unusable(struct connection *conn);
/* Is a record's key, at the name of id's key, meant for id?  A TXT or IPSECKEY
 * record may name another's key. */
bool	record_gives_key(const struct record *r, uint16_t type,
	    const struct keying_id *id);
/* Leaves one: the peer that proved itself. */
void	gateways_keep_peer(struct connection *conn, const struct keying_child *k);
bool	gateways_have_key(const struct connection *conn, const struct pubkey *key);

/* --- responder.c: keying, responder (§3.3) ------------------------------------- */

void	responder_peer_lookup(struct core *c, uint64_t now, uint64_t token,
	    const struct keying_id *id, const struct keying_path *path);
void	responder_child_ask(struct core *c, uint64_t now, uint64_t token,
	    const struct keying_id *id, const struct keying_path *path,
	    const struct keying_selector *src, const struct keying_selector *dst);
void	responder_initial_contact(struct core *c, uint64_t now,
	    const struct keying_id *id, uint32_t peer);
/* How DNS vouched for an identity's cached keys. */
bool	responder_authentic(struct core *c, const struct keying_id *id);
/* Asks nothing more for a connection that goes. */
void	responder_forget(struct core *c, const struct connection *conn);
void	responder_tick(struct core *c);
void	responder_free(struct core *c);

/* --- report.c ------------------------------------------------------------------ */

/* privileged: as control.h has it. */
json_object *report_control(struct core *c, uint64_t now, json_object *req,
	    bool privileged);
/* One event for "rsipctl watch". */
void	report_event(struct core *c, const struct connection *conn, const char *what);

#endif
