/* initiator.h - from the first datagram through DNS to IKE (draft -17 §3.2.1 to §3.2.5) */
#ifndef OE_INITIATOR_H
#define OE_INITIATOR_H

#include "oe/classes.h"
#include "oe/connection.h"

/* PF_ACQUIRE: traffic wants keys for e. */
void	initiator_acquire(struct core *c, struct spd_entry *e,
	    const struct class_match *m);
/* Asks DNS, for the first time or again; then IKE. */
void	initiator_ask_dns(struct connection *conn);
void	initiator_ask_keys(struct connection *conn);
/* A request in that version of IKE ended without keys. */
void	initiator_failed(struct connection *conn, unsigned version,
	    enum keying_failure f, const char *detail);
/* A search that met a limit goes on. */
void	initiator_tick_room(struct connection *conn);

#endif
