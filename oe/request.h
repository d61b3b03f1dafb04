/* request.h - asking the keying engine for keys: what for, of whom, as whom */
#ifndef OE_REQUEST_H
#define OE_REQUEST_H

#include "oe/connection.h"

/* Keys of the current peer gateway.  0, or -1 where the
 * engine takes no more. */
int	request_keys(struct connection *conn);
/* The older version of IKE, beside the newer one that nobody has answered. */
int	request_older(struct connection *conn);
/* Begins those whose time has come. */
void	request_tick_older(struct core *c, uint64_t now);
/* The same again, not too often; for rekeying and suspicion, or for a flow. */
int	request_rekey(struct connection *conn, const char *why);

#endif
