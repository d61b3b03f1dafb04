/* clock.h - the monotonic time that shells read and hand to the pure core */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/*
 * Milliseconds of CLOCK_BOOTTIME, which counts sleep; never 0, never backwards.
 * Only shells call it: tables and state machines are given "now" in this unit.
 */
uint64_t clock_now(void);
/* Milliseconds that the machine has been suspended since it was booted. */
uint64_t clock_slept(void);

/* Seconds since the Epoch, for what people and other hosts are shown. */
int64_t	 clock_wall(void);

#endif
