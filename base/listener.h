/* listener.h - accepting connections, a few at a time, also when descriptors run out */
#ifndef BASE_LISTENER_H
#define BASE_LISTENER_H

#include <stdbool.h>

struct event_base;
struct listener;
struct sockaddr;

/*
 * Takes fd, which is the callee's from here on.  last: no other descriptor is
 * left; who is not worth the last one is sent away (close), so that the next
 * can be looked at.
 */
typedef void (*listener_fn)(void *arg, int fd, const struct sockaddr *from,
	    bool last);

/*
 * Accepts on fd, a listening socket that does not block, which is the
 * listener's from here on.  At most 16 are accepted before others of the
 * program have their turn.  Where there is no descriptor the listener says so
 * (as name, once a minute) and looks again in a second, instead of spinning.
 * spare: keeps one descriptor back, so that somebody can be served even then.
 */
struct listener *listener_new(struct event_base *base, int fd,
	    const char *name, bool spare, listener_fn fn, void *arg);

/* Who connects meanwhile waits. */
void	listener_pause(struct listener *l, bool pause);
/* Stops and closes.  NULL is allowed. */
void	listener_free(struct listener *l);

#endif
