/* histogram.c - how long something took, counted in fixed buckets */
#include "config.h"

#include "base/histogram.h"

/* From a resolver next door to an exchange that was sent again and again. */
const uint32_t histogram_bounds[HISTOGRAM_BUCKETS] = { 1, 2, 5, 10, 20, 50, 100,
	200, 500, 1000, 2000, 5000, 10000, 30000 };

void
histogram_add(struct histogram *h, uint64_t milliseconds)
{
	unsigned i = 0;

	while (i < HISTOGRAM_BUCKETS && milliseconds > histogram_bounds[i])
		i++;
	h->count[i]++;
	h->sum += milliseconds;
}
