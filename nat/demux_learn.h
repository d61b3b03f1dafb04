/* demux_learn.h - what the demux table learns from outbound packets, and how long it remembers */
#ifndef NAT_DEMUX_LEARN_H
#define NAT_DEMUX_LEARN_H

#include "nat/demux_table.h"

/* Another host may take over a learnt key that lay idle this long (ms). */
uint64_t demux_held(enum demux_kind kind);

/*
 * Reader.  Asks that k leads to an entry from now on.  If nobody is writing it
 * is done before this returns; it never waits.
 */
void	 demux_learn(struct demux *d, const struct demux_key *k,
	    struct demux_entry *e, uint64_t now);

/* --- the writer ---------------------------------------------------------- */

/* Readers leave the lock alone from the first call to the last, and what they
 * learnt meanwhile is taken in by the second. */
void	 demux_lock(struct demux *d);
void	 demux_unlock(struct demux *d);
/*
 * Takes in what readers wished for before the call.  False if a wish is still
 * on its way: its thread was interrupted between taking a place in the queue
 * and filling it, and all behind it wait.
 */
bool	 demux_drain(struct demux *d);

/* Forgets all that an entry was taught. */
void	 demux_forget_all(struct demux *d, struct demux_entry *e);
void	 demux_expire(struct demux *d, uint64_t now);

#endif
