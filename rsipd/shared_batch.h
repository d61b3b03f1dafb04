/* shared_batch.h - changes on their way to the store that gateways share, as arguments of write.lua */
#ifndef RSIPD_SHARED_BATCH_H
#define RSIPD_SHARED_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "net/addr.h"

/*
 * kind, address, key, milliseconds and record of each change, one
 * after the other.  Lua takes some thousands of values at once.
 */
#define SHARED_BATCH_MAX	1024
#define SHARED_BATCH_WORDS	5
#define SHARED_KEY_MAX		20	/* "g:01234567:01234567" */

struct shared_batch {
	uint8_t *bytes;
	size_t	 len, room;
	/* Where each ends. */
	uint32_t word[SHARED_BATCH_MAX * SHARED_BATCH_WORDS];
	size_t	 nwords, changes;
	bool	 grants;		/* a grant is among them */
	void	*owner;			/* shared_write.c's */
	unsigned waiting;
	bool	 good;
	STAILQ_ENTRY(shared_batch) entry;
};
STAILQ_HEAD(shared_batches, shared_batch);

/* -1: no memory, or it is full. */
int	shared_batch_add(struct shared_batch *b, char kind,
	    const struct addr *a,
	    const char *key, uint64_t ms, const void *record, size_t len);
/* Leaves those that take something away: they are to be done once more, since
 * nobody knows whether they were. */
void	shared_batch_strip(struct shared_batch *b);
/* Into argv and len, which have room for nwords. */
void	shared_batch_words(const struct shared_batch *b, const char **argv,
	    size_t *len);
void	shared_batch_free(struct shared_batch *b);

#endif
