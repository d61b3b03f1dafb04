/* shared.h - leases in a store that several gateways share: who is active grants, the others follow */
#ifndef RSIPD_SHARED_H
#define RSIPD_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat/dataplane_config.h"
#include "rsipd/gateway.h"
#include "rsipd/grant.h"
#include "rsipd/resp.h"

struct event_base;
struct shared;

struct shared_config {
	struct resp_config store;
	const char *name;		/* how the store's keys
					 * begin, borrowed */
	unsigned replicas;		/* that have what is answered */
	uint64_t rest;			/* milliseconds that what
					 * was freed rests */
	struct addr na;			/* who holds it is active */
	struct dataplane_gateways all;	/* this and others of
					 * the machine, which have
					 * names of their own */
};

/* The gateway serves: its hosts are heard.  Called when that changes. */
typedef void (*shared_serving)(void *arg, bool serving);

/*
 * Is the gateway's store from here on (grant.h), and tells it what others do.
 * Each address of which it is told (shared_hold()) that this machine has it is
 * taken under a new epoch (fence.h); the gateway is passive until Na is ours.
 * Nothing waits: what is sent is answered by events.  Both base and g must
 * outlive it.  NULL: out of memory.
 */
struct shared *shared_open(struct event_base *base,
	    const struct shared_config *c,
	    struct gateway *g, shared_serving serving, void *arg);
/* An address of the pools, or Na. */
void	shared_hold(struct shared *s, const struct addr *a, bool held);
/* What was answered is sent before the end,
 * as far as that is possible at once. */
void	shared_close(struct shared *s);

enum shared_state {
	SHARED_AWAY,		/* the store, and what is known
				 * here is too old to serve by */
	SHARED_READING,		/* all that there is */
	SHARED_STANDBY,		/* another machine has Na */
	SHARED_TAKING,		/* Na is here, but not ours yet */
	SHARED_ACTIVE,
	SHARED_ALONE,		/* Na is here, the store is away:
				 * what is leased goes on */
};

struct shared_counts {
	enum shared_state state;
	size_t	 held, ours;		/* addresses */
	uint64_t epoch;			/* of Na; 0: not ours */
	uint64_t log;			/* entries of the log so far */
	uint64_t silent;		/* milliseconds since
					 * all of it was read */
	uint64_t loads, records;	/* times that all was read,
					 * and of the last time */
	uint64_t writes, failures;	/* batches; that were not written */
	uint64_t refused, lost;		/* batches of a former
					 * epoch; addresses */
	size_t	 underway;
};
void	shared_count(const struct shared *s, struct shared_counts *out);
const char *shared_state_text(enum shared_state s);

#endif
