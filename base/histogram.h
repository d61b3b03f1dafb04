/* histogram.h - how long something took, counted in fixed buckets */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS	14

/* All zero: nothing counted. */
struct histogram {
	uint64_t count[HISTOGRAM_BUCKETS + 1];	/* the last: above all bounds */
	uint64_t sum;				/* milliseconds */
};

/* Milliseconds up to which a bucket counts, growing. */
extern const uint32_t histogram_bounds[HISTOGRAM_BUCKETS];

/* Counts one that took so long, in its bucket and in the sum. */
void	histogram_add(struct histogram *h, uint64_t milliseconds);

#endif
