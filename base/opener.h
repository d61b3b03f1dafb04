/* opener.h - a small root process that opens and replaces files for a locked daemon */
#ifndef BASE_OPENER_H
#define BASE_OPENER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Forks a process that keeps the caller's privileges and does two things: open
 * files read-only and pass the descriptors; and replace files of state.  It
 * opens only paths given here, and those that the configuration (the first
 * path) names now, outside comments. It ends when the daemon does, and is
 * started again when it is killed.  Call it before threads and priv_drop();
 * from then on conf_read() and conf_open_secret() go through it, so that SIGHUP
 * works after priv_lock(). Returns 0, or -1 after one log line.
 */
int	opener_start(const char *const *paths, size_t npaths);

/* Allows path, copied, to be replaced.  Before
 * opener_start(); eight at most. */
void	opener_allow_state(const char *path);

/* As open(path, O_RDONLY): a descriptor, or -1 with errno (EPERM: not a path
 * that was allowed). Plain open() if there is no opener. */
int	opener_open(const char *path);

/*
 * A new file beside path, to be written; -1 with errno.  Then opener_commit():
 * keep, and it is brought to the disk and renamed to path while the caller goes
 * on; else it is removed.  opener_committed() tells, once, the errno of a
 * commit that failed since; EINPROGRESS while one is under way; or 0.
 */
int	opener_replace(const char *path);
void	opener_commit(const char *path, bool keep);
int	opener_committed(const char *path);

/* Ends the process and waits for it; without one, does nothing. */
void	opener_stop(void);

#endif
