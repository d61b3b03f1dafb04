/* keeper.h - a small root process that changes kernel settings and puts them back however we end */
#ifndef RSIPC_KEEPER_H
#define RSIPC_KEEPER_H

/*
 * Forks it.  Call it before threads and priv_drop().  It changes only
 * settings below net/ipv4, and restores each as it was before keeper_set()
 * first changed it, unless somebody else has changed it since, when the daemon
 * ends in whatever way.  0, or -1 after one log line.
 */
int	keeper_start(void);

/* Sets "net/ipv4/..." to a value.  The process does it soon after and logs
 * what goes wrong. */
void	keeper_set(const char *key, const char *value);
/* Puts one setting back now. */
void	keeper_restore(const char *key);

/* Restores everything and waits until it is done. */
void	keeper_stop(void);

#endif
