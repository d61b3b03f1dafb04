/* remember.h - the peers we have keys with, on disk, so that a crash can be made good (draft -17 §4; RFC 2407 §4.6.3.3) */
#ifndef OE_REMEMBER_H
#define OE_REMEMBER_H

#include <stdint.h>

#include "oe/core.h"

#define REMEMBER_PEERS_MAX 1024	/* remembered; more are found again
				 * by their traffic */

struct remembered;

/*
 * Opens (makes, mode 0600) the file and reads what a crashed predecessor left.
 * The descriptor stays open, since a locked daemon opens none.  NULL after a
 * log line if the file cannot be had, or another daemon has it.
 */
struct remembered *remember_open(const char *path);
/* Ends it: every peer was told, nothing is left but who spoke IKEv2.
 * NULL is allowed. */
void	remember_close(struct remembered *m, const struct core *c,
	    int64_t wall);

/* Writes down who is keyed now, and who spoke IKEv2 (version.h), if that
 * changed. wall: seconds since the Epoch, here and below. */
void	remember_note(struct remembered *m, const struct core *c, int64_t wall);
/* Tells c who spoke IKEv2.  m may be NULL. */
void	remember_spoken(const struct remembered *m, struct core *c,
	    int64_t wall);
/*
 * Begins anew with at most n of the remembered peers: what they still send with
 * keys that we have lost goes nowhere until then.  Returns how many are left.
 */
unsigned remember_recall(struct remembered *m, struct core *c, uint64_t now,
	    unsigned n);
/* Is there something left to write, or somebody to begin with, in a second?
 * m may be NULL. */
bool	remember_busy(const struct remembered *m, const struct core *c);
/* The IKE port (host order) of the peer that sends with this lost SPI; 500 if
 * nobody remembers it.  m may be NULL. */
uint16_t remember_port(const struct remembered *m, const struct addr *peer,
	    uint32_t spi);

#endif
