/* spd.h - the forwarding plane's table: what happens to datagrams between two addresses, and those on hold (draft -17 §3.1) */
#ifndef OE_SPD_H
#define OE_SPD_H

#include <sys/queue.h>

#include "net/ip.h"
#include "base/hash.h"
#include "oe/core.h"

struct connection;
struct esp_pair;

#define HOLD_BYTES_MAX	(4u << 20)	/* first and last datagrams on
					 * hold, for each cause */

enum spd_policy { SPD_NONE, SPD_HOLD, SPD_PASS, SPD_DENY, SPD_ENCRYPT };

struct datagram {
	TAILQ_ENTRY(datagram) entry;	/* of those that may go */
	struct connection *on;	/* over its keys; NULL: by the entry's policy */
	bool	   once_more;	/* if nothing comes back */
	enum cause cause;
	struct packet_view view;	/* of data, as it was
					 * read when it came */
	uint8_t	   data[];
};

struct spd_key {
	struct prefix src, dst;		/* of one host each, but for
					 * configured tunnels */
};

/* Flows of one connection, or of the clear; the longest unused first. */
struct flow_list {
	TAILQ_HEAD(, flow) list;
	unsigned	   n;
};

/* One (source, destination) pair in the forwarding plane. */
struct spd_entry {
	UT_hash_handle	  hh;
	struct spd_key	  key;
	struct spd_entry *master;	/* a configured tunnel's
					 * entry that decides */
	enum spd_policy	  policy;
	enum cause	  cause;
	bool		  settled;	/* nothing is lost if it makes room */
	bool		  passed;	/* pass_pair(add) was called */
	struct esp_pair	 *led;		/* on which its packets pass beside
					 * us (lead.h); NULL */
	TAILQ_ENTRY(spd_entry) settled_entry;
	struct datagram	 *first, *last;
	TAILQ_HEAD(, datagram) released;	/* may go */
	bool		  ready;	/* released, or nothing is left of it */
	TAILQ_ENTRY(spd_entry) ready_entry;
	struct datagram	 *again;	/* released into new keys, and
					 * not answered yet */
	uint64_t	  again_at;	/* when it was */
	TAILQ_HEAD(connections, connection) connections; /* newest first */
	unsigned	  nconnections;
	uint64_t	  used;
	unsigned	  nshared;	/* connections that may
					 * share the address */
	uint64_t	  shared_since;
	bool		  contested;	/* another than whose packets the
					 * kernel has asked for keys */
	struct flow_list clear_flows;
};

/* The key of two hosts. */
struct spd_key spd_key_of(const struct addr *src, const struct addr *dst);
bool	spd_key_is_of_hosts(const struct spd_key *key);
struct spd_entry *spd_find(struct core *c, const struct addr *src,
	    const struct addr *dst);
/* Finds or makes the entry of a key; NULL where the budget of cause is used up
 * (room.h makes room). */
struct spd_entry *spd_get(struct core *c, const struct spd_key *key,
	    enum cause cause);
/* Frees an entry that neither a connection nor a flow holds. */
void	spd_free(struct core *c, struct spd_entry *e);
const char *spd_policy_name(enum spd_policy p);
/* May it make room for others, as nothing would be lost? */
void	spd_settle(struct core *c, struct spd_entry *e, bool settled);
/* An entry that was used is the last of those that may make room. */
void	spd_used(struct core *c, struct spd_entry *e);

/* May all between its two addresses go past us? */
void	spd_pass(struct core *c, struct spd_entry *e, bool passed);

/* Before anything that is looked at on a packet's way changes: the next one
 * comes to the engine.  NULL is allowed. */
void	spd_led_end(struct spd_entry *e);
void	spd_led_end_all(struct core *c);

/* Keeps a datagram, on the heap, in place of what was in *slot; or drops it
 * where too many are kept for that cause. */
void	spd_keep(struct core *c, struct datagram **slot, enum cause cause,
	    const struct packet_view *v);
void	spd_keep_no_more(struct core *c, struct datagram **d);
/* Keeps what went out, to go once more if nothing comes back; takes d over. */
void	spd_keep_again(struct core *c, struct spd_entry *e, struct datagram *d);

/*
 * Nothing is sent from here: an entry whose policy lets go what it held, or
 * that nothing is left of, is marked, and the forwarding plane (plane.h) sees
 * to it when the call that brought it about is over.
 */
void	spd_ready(struct core *c, struct spd_entry *e);
/* The next one that is marked, and is not any more; NULL: none. */
struct spd_entry *spd_next_ready(struct core *c);
/* What is on hold may go, by the entry's policy. */
void	spd_release(struct core *c, struct spd_entry *e);
/* The same for what waited for conn's keys; takes d over. */
void	spd_release_on(struct core *c, struct spd_entry *e,
	    struct connection *conn, struct datagram *d);
/* What was to go over conn is dropped: it ends. */
void	spd_release_none(struct core *c, struct spd_entry *e,
	    const struct connection *conn);
/* The next datagram that may go, the caller's from here on; NULL: none. */
struct datagram *spd_released(struct spd_entry *e);

#endif
