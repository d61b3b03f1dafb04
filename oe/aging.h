/* aging.h - what time does to a connection (draft -17 §3.4.1, §3.4.2) */
#ifndef OE_AGING_H
#define OE_AGING_H

#include "oe/connection.h"

/* Frees no other connection than this one. */
void	connection_tick(struct connection *conn);
/*
 * After that: when it has something to do again, if no packet, answer or wish
 * comes, after which it is ticked anyway; in the past: as soon as may be;
 * UINT64_MAX: not by itself.
 */
uint64_t connection_next(const struct connection *conn);

#endif
