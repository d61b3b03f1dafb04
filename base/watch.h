/* watch.h - libevent's events: made, or the program ends, as xcalloc() has it; and freed */
#ifndef BASE_WATCH_H
#define BASE_WATCH_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct bufferevent;

/* fn is called whenever fd can be read, from now on. */
struct event *watch_fd(struct event_base *base, int fd,
	    void (*fn)(int fd, void *arg), void *arg);
/* For watch_after(): once a time; or every so often. */
struct event *watch_timer(struct event_base *base, void (*fn)(void *arg),
	    void *arg);
struct event *watch_ticks(struct event_base *base, void (*fn)(void *arg),
	    void *arg);
/* Sets a timer, or sets it anew, so many milliseconds from now. */
void	watch_after(struct event *timer, uint64_t ms);
/* NULL is allowed, and an event that libevent made.  watch_close(): its
 * descriptor is closed too. */
void	watch_end(struct event *ev);
void	watch_close(struct event *ev);

/*
 * A connection that somebody else opened, fd, with a timer for its end.  Nobody
 * else is to make us end: false where memory is out, and fd is closed.
 */
bool	watch_stream(struct event_base *base, int fd, void (*late)(void *arg),
	    void *arg, struct bufferevent **bev, struct event **deadline);

#endif
