/* spd.h - the forwarding plane's table: what happens to datagrams between two addresses, and those on hold (draft -17 §3.1) */
#ifndef OE_SPD_H
#define OE_SPD_H

#include <sys/queue.h>

#include "base/hash.h"
#include "oe/core.h"

struct connection;

#define HOLD_BYTES_MAX	(4u << 20)	/* first and last datagrams on hold, for each cause */

enum spd_policy { SPD_NONE, SPD_HOLD, SPD_PASS, SPD_DENY, SPD_ENCRYPT };

struct datagram {
	size_t	   len;
	enum cause cause;
	uint8_t	   data[];
};

struct spd_key {
	uint32_t src, dst;		/* network order */
	uint32_t src_plen, dst_plen;	/* 32 but for configured tunnels */
};

/* Flows of one connection, or of the clear; the longest unused first. */
struct flow_owner {
	TAILQ_HEAD(, flow) list;
	unsigned	   n;
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

#endif
