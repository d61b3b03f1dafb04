/* room.h - what makes room for a new entry or connection where a budget is used up */
#ifndef OE_ROOM_H
#define OE_ROOM_H

#include "oe/connection.h"

/* As spd_get() and connection_new(); to make room they may free other entries,
 * and their connections, that are settled.  e, whose connection it would be, is
 * not freed.  NULL where that does not help. */
struct spd_entry *room_entry(struct core *c, const struct spd_key *key,
	    enum cause cause);
struct connection *room_connection(struct core *c, struct spd_entry *e,
	    enum oe_class class, unsigned tunnel);
/* Strangers' half is full and id, which proved itself, wants keys, in e or in a
 * new entry (NULL): its own longest unused connection goes, or the longest
 * unused of all that are idle.  Its peer is told.  False if there is none. */
bool	room_evict_keyed(struct core *c, const struct keying_id *id,
	    const struct spd_entry *e);

#endif
