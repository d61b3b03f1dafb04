/* endpoint.h - hosts that speak RSIP over UDP: message counters and the last answer (RFC 3103 §10.1) */
#ifndef RSIPD_ENDPOINT_H
#define RSIPD_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/hash.h"
#include "net/addr.h"

#define ENDPOINTS_PER_HOST	8	/* ports that one host may speak from */

/* Without padding: it is hashed. */
struct endpoint_key {
	struct addr addr;
	uint8_t	    port[2];		/* network order */
};

/* Times in milliseconds. */
struct endpoint {
	struct endpoint_key key;
	uint16_t port;			/* host order */
	uint64_t used;
	bool	 begun;			/* floor is valid */
	bool	 waiting;		/* the last request is
					 * not answered yet */
	bool	 held;			/* a registration stands on it */
	uint32_t floor;			/* the last counter whose
					 * request was granted */
	uint32_t counter;		/* of the request being served */
	uint64_t request;		/* digest of the last
					 * request; 0: none */
	uint8_t	*answer;		/* the "last message" buffer */
	size_t	 len, cap;
	TAILQ_ENTRY(endpoint) lru;
	UT_hash_handle hh;
};

struct endpoints;

/* max: how many there may be that are not
 * held; the longest silent gives way. */
struct endpoints *endpoints_new(size_t max);
void	endpoints_set_max(struct endpoints *t, size_t max);
void	endpoints_free(struct endpoints *t);
/* Finds or makes one.  NULL if memory is out. */
struct endpoint *endpoints_get(struct endpoints *t, uint64_t now,
	    const struct addr *addr, uint16_t port);
struct endpoint *endpoints_find(struct endpoints *t, const struct addr *addr,
	    uint16_t port);
/* Drops those silent for idle milliseconds; of the held, those that keep() does
 * not want. */
void	endpoints_expire(struct endpoints *t, uint64_t now, uint64_t idle,
	    bool (*keep)(void *arg, const struct endpoint *e), void *arg);
/* When the next that is not held will have been so; UINT64_MAX: none. */
uint64_t endpoints_next(const struct endpoints *t, uint64_t idle);
/* Endpoints that a registration stands on give way to none: the
 * shell bounds them. */
void	endpoints_hold(struct endpoints *t, struct endpoint *e, bool held);
size_t	endpoints_count(const struct endpoints *t);

enum endpoint_action {
	ENDPOINT_SERVE,		/* new: serve it, then endpoint_answered() */
	ENDPOINT_REPEAT,	/* a duplicate: send e->answer once more */
	ENDPOINT_IGNORE,	/* old, or the answer is under way */
};
enum endpoint_action endpoint_arrived(struct endpoints *t, struct endpoint *e,
	    const uint8_t *msg, size_t len);
/* Keeps the answer for duplicates. len 0: there is none. */
void	endpoint_answered(struct endpoint *e, const uint8_t *answer,
	    size_t len);
/* The answer comes later. */
void	endpoint_waits(struct endpoint *e);

#endif
