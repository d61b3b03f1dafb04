/* limits.h - who may fill what, and what makes room */
#ifndef OE_LIMITS_H
#define OE_LIMITS_H

#include "oe/connection.h"

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

#endif
