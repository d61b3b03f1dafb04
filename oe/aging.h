/* aging.h - what time does to a connection (draft -17 §3.4.1, §3.4.2) */
#ifndef OE_AGING_H
#define OE_AGING_H

#include "oe/connection.h"

/* Frees no other connection than this one. */
void	connection_tick(struct connection *conn);

#endif
