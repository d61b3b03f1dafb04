/* lanes.h - lanes side by side, each for one thread at a time, which may use what the lane was told of */
#ifndef OE_ESP_LANES_H
#define OE_ESP_LANES_H

#include "oe/esp/lane.h"

#define LANES_MAX	16

struct lanes;

/*
 * Each address that packets go to has one lane of those that seal, each SPI one
 * of those that open, and none has it besides.  Lanes are entered in the order
 * in which it was asked for: the engine's thread waits for a turn of each other
 * thread at most.
 */

/* n lanes, 1 to LANES_MAX, with as many ways out.  Never NULL. */
struct lanes *lanes_new(unsigned n, const struct lane_out *outs);
void	lanes_free(struct lanes *l);	/* NULL is allowed; nobody is in one */
unsigned lanes_n(const struct lanes *l);

/* Which one packets to dst are of, ... */
unsigned lanes_of(const struct lanes *l, const struct addr *dst);
/* ... or what comes with an SPI. */
unsigned lanes_of_spi(const struct lanes *l, uint32_t spi);
/* Waits for it. */
struct lane *lanes_enter(struct lanes *l, unsigned i);
/* What it sent has left before anybody else enters. */
void	lanes_leave(struct lanes *l, unsigned i);

/* Adds those of all. */
void	lanes_count(struct lanes *l, struct lane_counts *sum);

#endif
