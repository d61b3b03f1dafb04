/* ratelimit.h - a token bucket, for log lines and answers that a stranger can cause */
#ifndef BASE_RATELIMIT_H
#define BASE_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* All zero but the first two fields is a full bucket. */
struct ratelimit {
	uint32_t burst;		/* tokens at most */
	uint32_t interval;	/* milliseconds a token takes to come back */
	uint32_t used;
	uint32_t missed;	/* refused since the last one let through */
	uint64_t since;		/* now of the last refill */
};

#define RATELIMIT_INIT(burst_, interval_) \
	{ .burst = (burst_), .interval = (interval_) }

/* True if it may happen now (milliseconds); counts in missed if not. */
bool	ratelimit_pass(struct ratelimit *r, uint64_t now);
/* Returns missed and sets it to zero, for "(and N more)". */
uint32_t ratelimit_take_missed(struct ratelimit *r);

#endif
