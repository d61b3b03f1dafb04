/* host_private.h - what the files of the host state machine share */
#ifndef RSIPC_HOST_PRIVATE_H
#define RSIPC_HOST_PRIVATE_H

#include "rsipc/host.h"

/* host.c */
void	host_set_state(struct host *h, enum host_state to);
/* Registered or Assigned, as there are bindings or not. */
void	host_settle(struct host *h);
/* Tries again after a delay that doubles; at least floor milliseconds. */
void	host_back_off(struct host *h, uint64_t now, uint32_t floor);
/* The same, but after some quiet the first time is at once. */
void	host_again(struct host *h, uint64_t now);
/* May another message be sent?  Counts it if so. */
bool	host_may_say(struct host *h, uint64_t now);
void	host_said(struct host *h, uint64_t now);
/* When one may be sent again; 0: now. */
uint64_t host_silent_until(const struct host *h);
void	host_revoke(struct host *h, struct binding *b);
/* All bindings and the registration are no more.  They are asked for again. */
void	host_forget(struct host *h);
/* Registration lifetime R = max(R, Bi) (RFC 3103 §6). */
void	host_outlive(struct host *h, uint64_t expires);

/* What was lost beside the main binding is not asked for any more. */
void	host_drop_former(struct host *h);
/* The first of it was answered. */
void	host_end_former(struct host *h);
/* Is what was lost to be asked for now? */
bool	host_asks_former(const struct host *h);
/* Does that request ask for a binding? */
bool	host_is_assignment(uint8_t type);

/* host_request.c */
/* Sends the next request that is due in this state, if there is one. */
void	host_request_next(struct host *h, uint64_t now);
/* Sends the request under way once more, with a message counter of its own. */
void	host_request_again(struct host *h, uint64_t now);
/* When a request falls due that is not due yet; 0: none is foreseen. */
uint64_t host_request_due(const struct host *h);

#endif
