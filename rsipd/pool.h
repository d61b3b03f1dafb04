/* pool.h - the addresses, ports and SPIs a gateway leases, drawn at random, with rest after use (RFC 3102 §6) */
#ifndef RSIPD_POOL_H
#define RSIPD_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat/binding.h"
#include "net/addr.h"

/*
 * Pure: "now" is milliseconds.  Ports and SPIs are in host order.  An address
 * is named by its index, in the order of adding.  Whatever n ports are free,
 * drawing costs O(n log 65536); SPIs O(1).
 */
struct pool;

#define POOL_ADDRS_MAX	256	/* public addresses of one gateway */
#define POOL_RANGES_MAX	8	/* port ranges of one address;
				 * dataplane_pool has as many */
#define POOL_SPIS_MAX	256	/* SPIs of an address that
				 * has not all of them */
#define POOL_SPI_MIN	256	/* RFC 2406 §2.1: below are reserved */

struct pool_address {
	struct addr addr;
	bool exclusive;			/* for RSA-IP: one host has all of it */
	struct demux_range ports[POOL_RANGES_MAX];
	size_t	 nports;		/* 0 where exclusive */
	bool	 few_spis;		/* only those that follow, else all */
	size_t	 nspis;
	uint32_t spis[POOL_SPIS_MAX];
};

/* Do both say the same?  What is beyond their counts does not matter. */
bool	pool_address_equal(const struct pool_address *a,
	    const struct pool_address *b);

enum pool_result {
	POOL_OK,
	POOL_UNALLOWED,		/* not one of ours to give */
	POOL_INUSE,		/* leased, or at rest after
				 * another host's use */
	POOL_UNAVAILABLE,	/* so many are not left */
};

/*
 * quarantine: milliseconds a freed resource rests before another host gets it;
 * the longest freed go first when nothing else is left.  spis_max: how
 * many SPIs may be leased or at rest.  NULL if memory is out.
 */
struct pool *pool_new(uint64_t quarantine, size_t spis_max);
void	pool_free(struct pool *p);
void	pool_set_quarantine(struct pool *p, uint64_t quarantine);
/* While it follows what another gateway gave, what rests is taken all the same:
 * there it had rested, or nothing else was left. */
void	pool_set_follows(struct pool *p, bool follows);

/* Returns the index, or -1: out of memory, too many, or there already.
 * One that was retired comes back as it was: what rested rests on. */
int	pool_add(struct pool *p, const struct pool_address *a);
/*
 * Other ranges for an address: nothing outside of them is leased.  retire: it
 * gives nothing more; nothing of it is leased, but what it gave rests on.
 * sweep: forgets those that have rested, so that others find room.
 */
int	pool_change(struct pool *p, size_t i, const struct pool_address *a);
void	pool_retire(struct pool *p, uint64_t now, size_t i);
void	pool_sweep(struct pool *p, uint64_t now);
/* Indexes are below this; is there an address that is not retired? */
size_t	pool_size(const struct pool *p);
bool	pool_gives(const struct pool *p, size_t i);
/* Index of an address, -1 if it is not ours. */
int	pool_find(const struct pool *p, const struct addr *addr);
const struct pool_address *pool_at(const struct pool *p, size_t i);

/*
 * Ports of a shared address.  take: exactly these, all or none.  draw:
 * any n, contiguous where that is possible, in rising order.  rest: freed by
 * host, go to rest.  undo: as if never taken.
 */
enum pool_result pool_take_ports(struct pool *p, uint64_t now, size_t i,
	    const struct addr *host, const uint16_t *port, size_t n);
enum pool_result pool_draw_ports(struct pool *p, uint64_t now, size_t i,
	    size_t n, uint16_t *port);
void	pool_rest_ports(struct pool *p, uint64_t now, size_t i,
	    const struct addr *host, struct demux_range r);
void	pool_undo_ports(struct pool *p, size_t i, const struct demux_range *r,
	    size_t n);

/* SPIs of an address, the same. take of a
 * number below POOL_SPI_MIN: UNALLOWED. */
enum pool_result pool_take_spis(struct pool *p, uint64_t now, size_t i,
	    const struct addr *host, const uint32_t *spi, size_t n);
enum pool_result pool_draw_spis(struct pool *p, uint64_t now, size_t i,
	    size_t n, uint32_t *spi);
void	pool_rest_spis(struct pool *p, uint64_t now, size_t i,
	    const struct addr *host, const uint32_t *spi, size_t n);
void	pool_undo_spis(struct pool *p, size_t i, const uint32_t *spi, size_t n);

/* Exclusive addresses, whole; of those that allowed() lets (NULL: all). */
typedef bool (*pool_allowed)(const void *arg, const struct addr *addr);
enum pool_result pool_take_whole(struct pool *p, uint64_t now, size_t i,
	    const struct addr *host);
enum pool_result pool_draw_whole(struct pool *p, uint64_t now,
	    const struct addr *host, pool_allowed allowed, const void *arg,
	    size_t *i);
/* Is any such address not leased? */
bool	pool_whole_left(const struct pool *p, pool_allowed allowed,
	    const void *arg);
void	pool_rest_whole(struct pool *p, uint64_t now, size_t i);
void	pool_undo_whole(struct pool *p, size_t i);

struct pool_counts {
	size_t addresses, whole;	/* whole: exclusive ones
					 * that are leased */
	size_t ports, ports_free, ports_resting;
	size_t spis_free, spis_leased, spis_resting;
	size_t bytes;			/* of memory, about */
};
void	pool_count(const struct pool *p, struct pool_counts *c);

#endif
