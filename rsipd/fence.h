/* fence.h - the addresses that this gateway may grant from: those that it holds and whose newest epoch is its own */
#ifndef RSIPD_FENCE_H
#define RSIPD_FENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "rsipd/pool.h"

/*
 * Pure.  An address that comes to one of our interfaces is asked for: the store
 * counts its epoch up, and says so in the log that all gateways read.  It is
 * ours when we have read that far ourselves: then we know of every grant
 * before, and whoever had it is refused by the store.  Who hears of a newer
 * epoch stops at once; if it holds the address all the same, as when both think
 * that they are active, it asks again after a rest.  Times in milliseconds.
 */
#define FENCE_ADDRS_MAX	(POOL_ADDRS_MAX + 1)	/* and Na */
#define FENCE_REST	2000

enum fence_state {
	FENCE_ABSENT,		/* another machine has it, or none */
	FENCE_WANTED,		/* the address is here; the
				 * store is to be asked */
	FENCE_ASKED,
	FENCE_READING,		/* the epoch is known, the
				 * log not read up to it */
	FENCE_OURS,
	FENCE_FENCED,		/* another gateway has a newer epoch */
};

struct fence {
	struct fence_address {
		struct addr addr;
		enum fence_state state;
		uint64_t epoch;		/* ours, while READING or OURS */
		uint64_t heard;		/* the newest of the log */
		bool	 heard_own;	/* ... and it was our taking */
		uint64_t again;		/* while FENCED */
	}	list[FENCE_ADDRS_MAX];
	size_t	n;
	uint64_t lost;			/* times that another
					 * took one of ours */
};

/* No address yet. */
void	fence_init(struct fence *f);
/* An address that may be leased from, or Na;
 * those of former calls stay.  -1: too many. */
int	fence_add(struct fence *f, const struct addr *a);
/* The address is on one of our interfaces, or is not.  True: that is news. */
bool	fence_hold(struct fence *f, const struct addr *a, bool held);

/* Addresses to be asked for now, which are ASKED from here on; into out. */
size_t	fence_ask(struct fence *f, uint64_t now, struct addr *out, size_t max);
/* The store's answer. */
void	fence_taken(struct fence *f, const struct addr *a, uint64_t epoch,
	    uint64_t now);
/* The log says that somebody took it; own: we. */
void	fence_heard(struct fence *f, const struct addr *a, uint64_t epoch,
	    bool own, uint64_t now);
/* The store refused something: ours was not the newest, and what we ask for is
 * not to be ours before all is read again. */
void	fence_refused(struct fence *f, const struct addr *a, uint64_t now);
/* No answer will come. */
void	fence_unanswered(struct fence *f);
/* The store is not the one that gave the epochs, or has forgotten some. */
void	fence_reset(struct fence *f);

/* FENCE_ABSENT for one that was never added, too. */
enum fence_state fence_state(const struct fence *f, const struct addr *a);
/* 0: it may not be granted from. */
uint64_t fence_epoch(const struct fence *f, const struct addr *a);
/* The epoch that we took it under, if it is ours, or will be
 * once it is read. */
uint64_t fence_took(const struct fence *f, const struct addr *a);
/* How many are here, and how many ours. */
void	fence_count(const struct fence *f, size_t *held, size_t *ours);
/* When fence_ask() has something again; 0: nothing known. */
uint64_t fence_next(const struct fence *f);

#endif
