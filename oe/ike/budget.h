/* budget.h - what strangers may cost: cookies before state, unfinished exchanges, public-key work */
#ifndef OE_IKE_BUDGET_H
#define OE_IKE_BUDGET_H

#include <sys/queue.h>

#include "oe/ike/prf.h"
#include "oe/keying.h"

struct ike_budget_limits {	/* of unfinished exchanges; 0: the preset in
				 * brackets */
	unsigned per_port;		/* of one network (8) */
	unsigned per_network;		/* an address, of IPv6 what one host
					 * may have of these: a /64 (128) */
	unsigned all;			/* (1024) */
};

/* A stranger's exchange that has state and is not finished; a part of an SA. */
struct ike_half {
	TAILQ_ENTRY(ike_half) entry;
	struct addr addr;
	uint16_t    port;
	bool	    shown;		/* who began it receives there */
	bool	    works;		/* more than that came: it
					 * makes room for nobody */
	void	   *owner;		/* NULL: not counted */
};

/* A message that waits until its work can be done, as it came. */
struct ike_waiting {
	TAILQ_ENTRY(ike_waiting) entry;
	struct keying_path path;
	uint64_t since;
	size_t	 len;
	uint8_t	 buf[];
};

struct ike_budget {			/* of one engine */
	struct ike_budget_limits limits;
	TAILQ_HEAD(ike_halves, ike_half) half;
	unsigned nhalf;
	TAILQ_HEAD(, ike_waiting) waiting;
	unsigned nwaiting;
	int64_t	 credit;	/* microseconds of work that may be done */
	uint64_t at;			/* of the last refill */
	bool	 serving;		/* one of those that waited */
	uint64_t (*spent)(void);
	uint8_t	 cookie_key[32];
	uint64_t work_us, waited, lost;	/* counted so far */
};

/* spent: microseconds of processor time so far; NULL: the thread's. */
void	ike_budget_init(struct ike_budget *b,
	    const struct ike_budget_limits *limits, uint64_t (*spent)(void));
void	ike_budget_free(struct ike_budget *b);

/* --- cookies --- */

#define IKE_COOKIE_EPOCH	30000	/* milliseconds; good in this one and
					 * the next */
/*
 * A MAC over path, time (epoch = now / IKE_COOKIE_EPOCH) and n chunks of less
 * than 64 KiB: whoever shows it receives there, and nothing is kept of him
 * before.
 */
void	ike_cookie(const struct ike_budget *b, uint64_t epoch,
	    const struct keying_path *path, const struct ike_chunk *c,
	    size_t n, uint8_t out[32]);

/* --- unfinished exchanges --- */

/*
 * May one more begin?  At each limit one of the same port, network or of all
 * makes room: of those that showed no cookie, else of all, whichever chance
 * names, so that who comes with many is hit most.  *victim is then the owner
 * that is to be ended, and is not counted any more; else NULL.
 */
bool	ike_half_room(struct ike_budget *b, const struct keying_path *path,
	    void **victim);
/* So many there are of the network of an address. */
unsigned ike_half_of(const struct ike_budget *b, const struct addr *a);
void	ike_half_add(struct ike_budget *b, struct ike_half *h,
	    const struct keying_path *path, bool shown, void *owner);
/* The exchange is finished, or ends; of one that is not counted
 * nothing happens. */
void	ike_half_remove(struct ike_budget *b, struct ike_half *h);

/* --- public-key work --- */

/* Around operations that a peer caused: their cost counts. */
uint64_t ike_work_begin(const struct ike_budget *b);
void	ike_work_end(struct ike_budget *b, uint64_t begun);
/* May there be some now? If not, ike_work_wait() keeps the message for
 * later. */
bool	ike_work_ready(struct ike_budget *b, uint64_t now);
void	ike_work_wait(struct ike_budget *b, uint64_t now,
	    const struct keying_path *path, const uint8_t *buf, size_t len);
/* When the next of those that wait may be served; UINT64_MAX: none waits. */
uint64_t ike_work_due(const struct ike_budget *b);
/* A message that may be served now, or NULL: one at a time, so that between two
 * of them the daemon looks after its packets.  ike_work_served() frees it. */
struct ike_waiting *ike_work_next(struct ike_budget *b, uint64_t now);
void	ike_work_served(struct ike_budget *b, struct ike_waiting *w);

#endif
