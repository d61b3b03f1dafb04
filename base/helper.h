/* helper.h - a small process beside a daemon that keeps its privileges, and is started again when it is killed */
#ifndef BASE_HELPER_H
#define BASE_HELPER_H

#include <stdbool.h>
#include <sys/types.h>

struct helper {
	int   fd;			/* the daemon's end; closes on exec */
	pid_t pid;
};

struct helper_work {
	const char *name;		/* of the process, 15
					 * characters at most */
	const char *does;		/* "opens files", for the log */
	int	    type;		/* of the socket pair:
					 * SOCK_SEQPACKET, SOCK_STREAM */
	bool	    silent;		/* no standard error is kept */
	/*
	 * Runs in the process with its end of the socket and no other
	 * descriptor but the standard ones.  It returns when the daemon has
	 * closed its end.  again: it takes the place of one that was killed;
	 * messages not yet read are there.
	 */
	void	  (*serve)(int fd, bool again, void *arg);
	void	   *arg;		/* as it was when
					 * helper_start() was called */
};

/*
 * Forks it, and another process that waits for it and starts it again when a
 * signal ends it.  Call it before threads and priv_drop().  fd reads EOF when
 * both are gone: then nothing can be done but to start the daemon again.  0, or
 * -1 after one log line.
 */
int	helper_start(struct helper *h, const struct helper_work *w);
/*
 * In the process: waits until no other of that name is at work in this network
 * namespace (that of a daemon which was killed and started again at once is
 * still putting things back), and keeps others waiting until this process
 * ends.  After 20 s, or if the other is not our user's, goes on with a
 * warning.  Returns a descriptor that is readable when a successor waits, or
 * -1: we are not alone.
 */
int	helper_alone(const char *name);
/* Lets it end and waits until all it had to do is done. */
void	helper_stop(struct helper *h);
/* Lets it end, in its own time: who calls this ends now. */
void	helper_leave(struct helper *h);

#endif
