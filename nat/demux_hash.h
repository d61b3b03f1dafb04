/* demux_hash.h - the demux table's hash table: readers never wait */
#ifndef NAT_DEMUX_HASH_H
#define NAT_DEMUX_HASH_H

#include "nat/demux_table.h"

/*
 * Reader.  The owner of a key or NULL; *slot (which may be NULL) is where
 * demux_touch() writes.
 */
void	*demux_find(const struct demux *d, const struct demux_key *k,
	    struct demux_slot **slot);

/* The place of a key will be looked at soon. */
void	 demux_ahead(const struct demux *d, const struct demux_key *k);

/* Reader.  The entry that has one port of a leased address; NULL if
 * nobody's. */
struct demux_entry *demux_find_port(const struct demux_local *l, uint16_t port);

/* Reader.  Marks a learnt key as used, or as of no more use. */
void	 demux_touch(struct demux_slot *s, uint64_t now);
void	 demux_spend(struct demux_slot *s);
/* --- the writer, under the lock ------------------------------------------ */

/* The key is not in the table, and the table has room. */
void	 demux_insert(struct demux *d, const struct demux_key *k, void *owner,
	    uint64_t now);
/* Removes a key; nothing happens if it is not there. */
void	 demux_erase(struct demux *d, const struct demux_key *k);
/* Whose a slot is, if its key is of that kind; else NULL. */
void	*demux_slot_owner(struct demux_slot *s, enum demux_kind kind);
/* Milliseconds since a slot was used. */
uint64_t demux_slot_idle(struct demux_slot *s, uint64_t now);

/* Makes room for n more keys at a load that keeps chains short.  -1: no
 * memory. */
int	 demux_table_reserve(struct demux *d, size_t n);
/* Replaces the table by one for want keys; NULL is the first time. */
int	 demux_table_resize(struct demux *d, size_t want);
bool	 demux_table_full(const struct demux *d, unsigned percent);

#endif
