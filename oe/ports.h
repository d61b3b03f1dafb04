/* ports.h - blocks of ports as selectors: whose flows are whose, where hosts share an address (RFC 3102 §4; RFC 7296 §2.9) */
#ifndef OE_PORTS_H
#define OE_PORTS_H

#include "oe/connection.h"
#include "oe/pair.h"

/* Of all that one peer may hold of a protocol's ports: others at its address
 * need some, too. */
#define PORTS_PER_PEER	16384u

/* Are these blocks of ports, more than a flow's and less than all? */
bool	ports_are_blocks(const struct keying_selectors *side);
/* "tcp 20000-20063, udp 20000-20063, icmp". */
void	ports_text(const struct keying_selectors *side, char *out, size_t cap);

/* --- as one of several hosts --- */

/* What of our address is leased, with ICMP, as our side of a request; false:
 * nothing by ports. */
bool	ports_leased(const struct connection *conn,
	    struct keying_selectors *ours);
/* Is that flow's port of ours within what is leased now, and named by the
 * selectors above? */
bool	ports_lease_has(const struct connection *conn,
	    const struct keying_selector *flow);
/* Are all of these leased now, whichever port is at the other end? */
bool	ports_lease_covers(const struct connection *conn,
	    const struct keying_selectors *ours);
/* Is that flow's port of ours one of them? */
bool	ports_name(const struct keying_selectors *ours,
	    const struct keying_selector *flow);
/* Has the peer granted enough of it to be of use?  A part may be one that no
 * two hosts differ in. */
bool	ports_granted(const struct keying_selectors *ours);

/* --- as their peer --- */

/* To whom of those at its address has a port (host order) been granted?  NULL:
 * nobody, and what is heard tells. */
struct connection *ports_owner(const struct spd_entry *e, uint8_t protocol,
	    uint16_t port);
/* Who else, alive, holds something of that? */
struct connection *ports_holder(const struct spd_entry *e,
	    const struct keying_id *id, const struct keying_selectors *theirs);
/* How many of a protocol's are that, at most? */
unsigned ports_count(const struct keying_selectors *theirs);
/* What it holds of that is another's from here on. */
void	ports_take(struct connection *holder,
	    const struct keying_selectors *theirs);

#endif
