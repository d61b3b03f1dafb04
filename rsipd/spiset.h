/* spiset.h - which SPIs of which address are leased or at rest */
#ifndef RSIPD_SPISET_H
#define RSIPD_SPISET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

/* SPIs in host order, times in milliseconds. */
struct spiset;

/* An empty set that holds at most max SPIs; NULL: out of memory. */
struct spiset *spiset_new(size_t max);
void	spiset_free(struct spiset *s);

/* Makes room for n more, at the cost of those longest at rest; false if max
 * or memory forbids it. */
bool	spiset_reserve(struct spiset *s, size_t n);
/* Is the SPI at rest, for whomever? */
bool	spiset_rests(const struct spiset *s, uint16_t address, uint32_t spi);
/* Is the SPI neither leased nor at rest after another host's use?
 * host NULL: anyone's. */
bool	spiset_usable(const struct spiset *s, uint16_t address, uint32_t spi,
	    const struct addr *host);
/* After spiset_reserve() and spiset_usable(). */
void	spiset_lease(struct spiset *s, uint16_t address, uint32_t spi);
void	spiset_rest(struct spiset *s, uint16_t address, uint32_t spi,
	    const struct addr *host, uint64_t now);
void	spiset_remove(struct spiset *s, uint16_t address, uint32_t spi);
/* Forgets those that have been at rest for as long as quarantine. */
void	spiset_refresh(struct spiset *s, uint64_t now, uint64_t quarantine);

/* How many may still be taken, are leased, are at rest; bytes of memory. */
void	spiset_count(const struct spiset *s, size_t *unused, size_t *leased,
	    size_t *resting);
size_t	spiset_bytes(const struct spiset *s);

#endif
