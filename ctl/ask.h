/* ask.h - the commands that daemons answer */
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include <stdbool.h>
#include <stddef.h>

#define ASK_SOCKETS_MAX	8

struct ask_request {
	const char *command;		/* one of ask_known() */
	const char *address;		/* of "why"; else NULL */
	const char *sockets[ASK_SOCKETS_MAX];
	size_t	    nsockets;		/* 0: every daemon that may know, at
					 * its default socket */
	bool	    verbose;		/* of "status": with the counters */
	bool	    json;		/* the answers as they came,
					 * one line a daemon */
};

/* A daemon to ask: its name, or the socket that was named. */
struct ask_target {
	const char *name, *socket;
};

/* Who is meant, every daemon where no socket was named; returns how many. */
size_t	ask_targets(const struct ask_request *r,
	    struct ask_target out[ASK_SOCKETS_MAX]);

/* What a daemon here has with an address. */
struct ask_keys {
	char	 daemon[32];
	unsigned version;		/* of IKE that made them */
	unsigned silent;		/* seconds since the peer has not
					 * answered what was sent */
};

/* Does one of those daemons encrypt what is sent to the address? */
bool	ask_keys(const struct ask_request *r, const char *address,
	    struct ask_keys *out);

/* Do daemons answer such a command? */
bool	ask_known(const char *command);

/*
 * Asks and prints to stdout; errors go to stderr, one line each.  Returns the
 * program's exit status: 0, or 1 if nobody answered, or one with an error.
 */
int	ask_run(const struct ask_request *r);

#endif
