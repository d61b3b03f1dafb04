/* watch.c - libevent's events: made, or the program ends, as xcalloc() has it; and freed */
#include "config.h"

#include <event2/bufferevent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/watch.h"

static struct event *
watch_new(struct event_base *base, int fd, short what, event_callback_fn fn,
    void *arg)
{
	struct event *ev = event_new(base, fd, what, fn, arg);

	if (ev == NULL || (fd != -1 && event_add(ev, NULL) == -1)) {
		log_error("cannot watch for events");
		exit(1);
	}
	return ev;
}

struct event *
watch_fd(struct event_base *base, int fd, event_callback_fn fn, void *arg)
{
	return watch_new(base, fd, EV_READ | EV_PERSIST, fn, arg);
}

struct event *
watch_timer(struct event_base *base, event_callback_fn fn, void *arg)
{
	return watch_new(base, -1, 0, fn, arg);
}

struct event *
watch_ticks(struct event_base *base, event_callback_fn fn, void *arg)
{
	return watch_new(base, -1, EV_PERSIST, fn, arg);
}

void
watch_end(struct event *ev)
{
	if (ev != NULL)
		event_free(ev);
}

void
watch_close(struct event *ev)
{
	evutil_socket_t fd;

	if (ev == NULL)
		return;
	fd = event_get_fd(ev);
	event_free(ev);
	close(fd);
}

bool
watch_stream(struct event_base *base, int fd, event_callback_fn late, void *arg,
    struct bufferevent **bev, struct event **deadline)
{
	*deadline = evtimer_new(base, late, arg);
	*bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (*bev != NULL && *deadline != NULL)
		return true;
	if (*bev != NULL)
		bufferevent_free(*bev);
	else
		close(fd);
	watch_end(*deadline);
	return false;
}
