/* daemon.h - the command line, pid file, signals and life that the daemons share */
#ifndef BASE_DAEMON_H
#define BASE_DAEMON_H

#include <stdbool.h>

/* sysexits.h's EX_CONFIG: to start again would not help, says the unit file. */
#define DAEMON_EXIT_CONFIG	78

struct daemon_options {
	const char	*name;		/* "rsipd" */
	const char	*config;	/* -c, else SYSCONFDIR/name.conf */
	bool		 config_given;	/* -c was given: the file must exist */
	const char	*pidfile;	/* -p, else NULL */
	bool		 foreground;	/* -f */
	bool		 debug;		/* -d, implies -f */
	bool		 check;		/* -n: check the
					 * configuration and exit */
	bool		 list;		/* -o: print all options and exit */
};

/*
 * Parses argv (-f -d -n -o -c FILE -p FILE -V -h) and starts the log.  -h and
 * -V print and exit 0; anything wrong prints one usage line and exits 2.
 * built: what -V says the program was built with; may be NULL.
 */
void	daemon_options(struct daemon_options *o, const char *name,
	    const char *built, int argc, char **argv);

/*
 * Goes to the background unless in the foreground: the parent waits until
 * daemon_ready() and exits 0, or as the child does if it dies before.  Call it
 * before any thread, socket or event base exists.
 */
int	daemon_start(const struct daemon_options *o);

/* The service runs: writes the pid file, lets the waiting parent exit and tells
 * the service manager (sd_notify(3)) if it asked by NOTIFY_SOCKET. */
int	daemon_ready(const struct daemon_options *o);

/* Says that -n found the configuration good, or that there is none. */
void	daemon_checked(const struct daemon_options *o);

/* Removes the pid file if it is ours.  Safe when daemon_ready()
 * was not reached. */
void	daemon_stop(const struct daemon_options *o);

#endif
