/* statefile.h - a small file that a daemon replaces as a whole, or not at all */
#ifndef BASE_STATEFILE_H
#define BASE_STATEFILE_H

#include <stdbool.h>
#include <stddef.h>

struct statefile;

/*
 * Opens path (made with mode 0600, and its folder), which no other process may
 * have open like this.  Call it before priv_drop(); for writing afterwards,
 * path is among the states of opener_start().  NULL with errno: EWOULDBLOCK,
 * another daemon has it.
 */
struct statefile *statefile_open(const char *path);

/* What it holds, terminated, the caller's to free; NULL with errno. */
char	*statefile_read(struct statefile *f, size_t *len);

/*
 * Replaces what it holds: written beside, brought to the disk and renamed, by
 * the opener in its own time, so that a full disk or a crash leave the old or
 * the new.  Returns 0, or -1 after one log line a failure, however often
 * repeated; -1 also if the one before turned out to have failed.
 */
int	 statefile_write(struct statefile *f, const char *text, size_t len);
/* True if a write that statefile_write() took has failed since: write again. */
bool	 statefile_failed(struct statefile *f);
/* Is it not known yet whether the last one did, or is it known that one did? */
bool	 statefile_busy(const struct statefile *f);

/* empty: there is nothing to keep.  NULL is allowed. */
void	 statefile_close(struct statefile *f, bool empty);

#endif
