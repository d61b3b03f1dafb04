/* store_internal.h - the store's sources know this of each other; nobody else does */
#ifndef RSIPD_STORE_INTERNAL_H
#define RSIPD_STORE_INTERNAL_H

#include <lmdb.h>
#include <pthread.h>

#include "rsipd/journal.h"
#include "rsipd/store.h"

#define STORE_JOURNALS	2
#define STORE_MARK	0	/* first byte of the key
				 * that is the file's own */

/*
 * What changes goes into a journal at once, and from there into the file when
 * that is due: meanwhile the other journal takes what comes.  A thread does it;
 * the file is its alone until it is done.
 */
struct store {
	char *path;
	int   lock;			/* nobody else has the file */
	MDB_env *env;
	MDB_dbi	 dbi;
	enum store_durability durability;
	struct journal journal[STORE_JOURNALS];
	unsigned current;		/* that is written */
	uint64_t id;			/* of the file, drawn
					 * when it was made */
	uint64_t sequence;		/* of the last batch */
	struct journal_batch batch;	/* not written yet */
	int	 error;			/* that this batch met */
	struct owed {
		uint8_t key[STORE_KEY_MAX], len;
	}	*owed;			/* removals that are not written */
	size_t	 nowed;
	uint8_t *freed;			/* records of it that are not written */
	size_t	 nfreed;
	uint64_t rest;			/* milliseconds */
	uint64_t wall, last_freed;	/* of the batch; key of
					 * the last such record */
	struct store_counts counts;
	struct store_room room;
	char	 fqdn[UINT8_MAX + 1];
	uint8_t	 record[STORE_RECORD_MAX];

	pthread_t flusher;	/* which flushes a journal while we go on */
	bool	  has_flusher;
	int	  flushed_fd;		/* by which the flusher is
					 * told; -1: we flush */

	pthread_t thread;
	bool	  threaded;
	pthread_mutex_t mutex;		/* of what follows */
	pthread_cond_t	wake;
	bool	  busy, stop;
	uint64_t  written, flushed;	/* sequences: to be flushed,
					 * and what is */
	unsigned  dirty;		/* journals with what is to be */
	int	  error_flush;
	unsigned  full;			/* the journal that goes
					 * into the file */
	uint64_t  full_wall;
	int	  error_full;		/* how that ended; 0: well */
	/* Whoever brings a journal into the file:
	 * the thread, or we while it rests. */
	uint64_t  applied;		/* sequence of the last
					 * batch in the file */
};

/* store_file.c: mdb_strerror()'s numbers, 0 if it went well. */
int	store_file_open(struct store *s, size_t max);
bool	store_file_is_sound(struct store *s, size_t max);
/* All that journal n has, and without what has rested; then it is empty. */
int	store_file_apply(struct store *s, unsigned n, uint64_t wall);
/* The same in two parts: into txn; and commit it, or with rc not 0 abort it. */
int	store_file_replay(struct store *s, MDB_txn *txn, unsigned n,
	    uint64_t *done);
int	store_file_commit(struct store *s, MDB_txn *txn, uint64_t done,
	    uint64_t wall, int rc);

/* store_turn.c: the thread's end is waited for, and nobody is at the file. */
void	store_turn_wait(struct store *s);
/* The journal that was begun first; nobody's
 * batch is to have a sequence of before. */
unsigned store_turn_older(struct store *s);
/* Does the thread run?  Made when it is needed first: the daemon is what it
 * will be by then. */
bool	store_has_thread(struct store *s, bool *runs, pthread_t *thread,
	    void *(*fn)(void *));
/* Has done what is due and is gone. */
void	store_end_thread(struct store *s, bool *runs, pthread_t thread);
/* How the file was written last. */
void	store_turn_note(struct store *s, int rc);
/* store_flush.c: a batch is written; is there one that is not flushed? */
void	store_flush_wanted(struct store *s);
bool	store_flush_is_under_way(struct store *s);
void	store_flush_end(struct store *s);
void	store_turn_init(struct store *s);
void	store_turn_end(struct store *s);

#endif
