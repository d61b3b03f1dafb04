/* keeper.h - a small root process that changes kernel settings and puts them back however we end */
#ifndef RSIPC_KEEPER_H
#define RSIPC_KEEPER_H

#include <stdbool.h>

/*
 * Forks it (base/helper.h).  Call it before threads and priv_drop().  It
 * changes only settings below net/ipv4, and restores each as it was before
 * keeper_set() first changed it, unless somebody else has changed it since,
 * when the daemon ends in whatever way.  What it was is noted in the file note,
 * with which the next one puts back what was left when all were killed at once.
 * 0, or -1 after one log line.
 */
int	keeper_start(const char *note);
/* Puts back what the note says, once it is certain that no
 * other daemon runs. */
void	keeper_take_over(void);
/* Can be read when it is gone for good, which keeper_alive() tells from an
 * answer for which keeper_settle() did not wait any longer. */
int	keeper_fd(void);
bool	keeper_alive(void);

/* Sets "net/ipv4/..." to a value.  The process does it soon after and logs
 * what goes wrong. */
void	keeper_set(const char *key, const char *value);
/* Puts one setting back now. */
void	keeper_restore(const char *key);
/* Waits until all of these is done, for so many milliseconds at
 * most; false: it may not be. */
bool	keeper_settle(unsigned ms);

/* Restores everything and waits until it is done. */
void	keeper_stop(void);

#endif
