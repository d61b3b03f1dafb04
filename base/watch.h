/* watch.h - libevent's events: made, or the program ends, as xcalloc() has it; and freed */
#ifndef BASE_WATCH_H
#define BASE_WATCH_H

#include <event2/event.h>
#include <stdbool.h>

struct bufferevent;

/* fn is called whenever fd can be read, from now on. */
struct event *watch_fd(struct event_base *base, int fd, event_callback_fn fn,
	    void *arg);
/* For event_add(): once a time; or every so often. */
struct event *watch_timer(struct event_base *base, event_callback_fn fn,
	    void *arg);
struct event *watch_ticks(struct event_base *base, event_callback_fn fn,
	    void *arg);
/* NULL is allowed.  watch_close(): its descriptor is closed too. */
void	watch_end(struct event *ev);
void	watch_close(struct event *ev);

/*
 * A connection that somebody else opened, fd, with a timer for its end.  Nobody
 * else is to make us end: false where memory is out, and fd is closed.
 */
bool	watch_stream(struct event_base *base, int fd, event_callback_fn late,
	    void *arg, struct bufferevent **bev, struct event **deadline);

#endif
