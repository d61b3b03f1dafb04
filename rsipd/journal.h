/* journal.h - batches of changes, each whole or not there, in a file that grows until it is emptied */
#ifndef RSIPD_JOURNAL_H
#define RSIPD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One file; of one process, and one thread at a time. */
struct journal {
	int	 fd;			/* -1: none */
	uint64_t end;			/* bytes of whole batches */
};

/* Changes that are written together.  Zeroed: empty. */
struct journal_batch {
	uint8_t	*bytes;
	size_t	 len, cap;
	bool	 bad;			/* no room for all: none
					 * of it is written */
};

/* Opens path, made with mode 0600; before priv_drop().  -1 with errno. */
int	journal_open(struct journal *j, const char *path);
void	journal_close(struct journal *j);

/* key: 1 to 255 bytes.  The later of two changes of one key counts. */
void	journal_put(struct journal_batch *b, const uint8_t *key, size_t keylen,
	    const uint8_t *value, size_t len);
void	journal_remove(struct journal_batch *b, const uint8_t *key,
	    size_t keylen);
/* Empty again; its memory stays. */
void	journal_batch_clear(struct journal_batch *b);
void	journal_batch_free(struct journal_batch *b);

/*
 * Appends the batch.  id: of what the changes are for;
 * sequence: of the batch, above all before it.  A killed
 * process loses nothing of it; with journal_sync() a loss of
 * power does not either.  -1 with errno: the file is as it was.
 */
int	journal_write(struct journal *j, struct journal_batch *b, uint64_t id,
	    uint64_t sequence);
int	journal_sync(struct journal *j);
/* What was written from that byte on is
 * taken back; errno, for who returns it. */
int	journal_undo(struct journal *j, uint64_t end);

/* value NULL: removed.  Not 0: it is over. */
typedef int journal_fn(void *arg, const uint8_t *key, size_t keylen,
	    const uint8_t *value, size_t len);
/*
 * Each change of the whole batches that are for id and beyond *done, which
 * becomes the last one's sequence.  What follows the last whole batch was never
 * promised: it is written over.  0, what fn returned, or -1 with errno.
 */
int	journal_replay(struct journal *j, uint64_t id, uint64_t *done,
	    journal_fn *fn, void *arg);
/* Looks at a file that was just opened: sequences of
 * the first and last batch for id, 0: there is none. */
void	journal_scan(struct journal *j, uint64_t id, uint64_t *first,
	    uint64_t *last);
/* Nothing is in it any more.  -1 with errno. */
int	journal_clear(struct journal *j);

#endif
