/* watch.c - libevent's events: made, or the program ends, as xcalloc() has it; and freed */
#include "config.h"

#include <event2/bufferevent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/watch.h"

/* What an event of ours calls. */
struct watch {
	void (*readable)(int fd, void *arg);	/* NULL: a timer */
	void (*due)(void *arg);
	void *arg;
};

static void
watch_called(evutil_socket_t fd, short what, void *arg)
{
	const struct watch *w = arg;

	(void)what;
	/* Which may end the event: nothing is done after it. */
	if (w->readable != NULL)
		w->readable(fd, w->arg);
	else
		w->due(w->arg);
}

/* NULL: no memory. */
static struct event *
watch_make(struct event_base *base, int fd, short what, struct watch watch)
{
	struct watch *w = malloc(sizeof(*w));
	struct event *ev = w == NULL ? NULL : event_new(base, fd, what,
	    watch_called, w);

	if (ev == NULL)
		free(w);
	else
		*w = watch;
	return ev;
}

static struct event *
watch_new(struct event_base *base, int fd, short what, struct watch watch)
{
	struct event *ev = watch_make(base, fd, what, watch);

	if (ev == NULL || (fd != -1 && event_add(ev, NULL) == -1)) {
		log_error("cannot watch for events");
		exit(1);
	}
	return ev;
}

struct event *
watch_fd(struct event_base *base, int fd, void (*fn)(int fd, void *arg),
    void *arg)
{
	return watch_new(base, fd, EV_READ | EV_PERSIST,
	    (struct watch){ .readable = fn, .arg = arg });
}

struct event *
watch_timer(struct event_base *base, void (*fn)(void *arg), void *arg)
{
	return watch_new(base, -1, 0, (struct watch){ .due = fn, .arg = arg });
}

struct event *
watch_ticks(struct event_base *base, void (*fn)(void *arg), void *arg)
{
	return watch_new(base, -1, EV_PERSIST,
	    (struct watch){ .due = fn, .arg = arg });
}

void
watch_after(struct event *timer, uint64_t ms)
{
	const struct timeval tv = { (time_t)(ms / 1000),
		(suseconds_t)(ms % 1000 * 1000) };

	if (event_add(timer, &tv) == -1)
		log_error("out of memory");
}

void
watch_end(struct event *ev)
{
	if (ev == NULL)
		return;
	if (event_get_callback(ev) == watch_called)
		free(event_get_callback_arg(ev));
	event_free(ev);
}

void
watch_close(struct event *ev)
{
	evutil_socket_t fd;

	if (ev == NULL)
		return;
	fd = event_get_fd(ev);
	watch_end(ev);
	close(fd);
}

bool
watch_stream(struct event_base *base, int fd, void (*late)(void *arg),
    void *arg, struct bufferevent **bev, struct event **deadline)
{
	*deadline = watch_make(base, -1, 0,
	    (struct watch){ .due = late, .arg = arg });
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
