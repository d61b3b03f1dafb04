/* ratelimit.c - a token bucket, for log lines and answers that a stranger can cause */
#include "config.h"

#include "base/ratelimit.h"

bool
ratelimit_pass(struct ratelimit *r, uint64_t now)
{
	uint64_t back;

	if (r->used == 0)
		r->since = now;
	else if (r->interval != 0 && now > r->since) {
		back = (now - r->since) / r->interval;
		r->used = back >= r->used ? 0 : r->used - (uint32_t)back;
		r->since = r->used == 0 ? now : r->since + back * r->interval;
	}
	if (r->used >= r->burst) {
		if (r->missed != UINT32_MAX)
			r->missed++;
		return false;
	}
	r->used++;
	return true;
}

uint32_t
ratelimit_take_missed(struct ratelimit *r)
{
	uint32_t n = r->missed;

	r->missed = 0;
	return n;
}
