/* opener.h - a small root process that opens again what a locked daemon may read */
#ifndef BASE_OPENER_H
#define BASE_OPENER_H

#include <stddef.h>

/*
 * Forks a process that keeps the caller's privileges and does one thing: open
 * files read-only and pass the descriptors.  It opens only paths given here,
 * and files directly in the folder of the first one (the configuration file).
 * It ends when the daemon does.  Call it before threads and priv_drop();
 * from then on conf_read() and conf_open_secret() go through it,
 * so that SIGHUP works after priv_lock().
 * Returns 0, or -1 after one log line.
 */
int	opener_start(const char *const *paths, size_t npaths);

/* As open(path, O_RDONLY): a descriptor, or -1 with errno (EPERM: not a path
 * that was allowed). Plain open() if there is no opener. */
int	opener_open(const char *path);

/* Ends the process and waits for it; without one, does nothing. */
void	opener_stop(void);

#endif
