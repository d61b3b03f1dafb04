/* clock.c - the monotonic time that shells read and hand to the pure core */
#include "config.h"

#include <time.h>

#include "base/clock.h"

uint64_t
clock_now(void)
{
	struct timespec ts;

	/* Leases, keys and DNS records grow old while the machine sleeps. */
	clock_gettime(CLOCK_BOOTTIME, &ts);
	/* Just after boot it could be 0, which callers keep for "never". */
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000 + 1;
}

uint64_t
clock_slept(void)
{
	struct timespec	   ts;
	uint64_t	   awake, now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	awake = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	now = clock_now();
	return now > awake ? now - awake : 0;
}

int64_t
clock_wall(void)
{
	return (int64_t)time(NULL);
}
