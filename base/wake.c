/* wake.c - tells that the machine slept, or the process was stopped: time has passed in which nothing was heard */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/util.h"
#include "base/wake.h"
#include "base/watch.h"

struct wake {
	struct event *clock, *signal;
	wake_fn	      fn;
	void	     *arg;
};

/* The timer itself never ends: reading fails when the wall clock was set, which
 * the kernel does after each sleep. */
static void
on_clock(int fd, void *arg)
{
	struct wake *w = arg;
	uint64_t     n;

	if (read(fd, &n, sizeof(n)) == -1 && errno != ECANCELED)
		return;
	w->fn(w->arg, false);
}

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct wake *w = arg;

	(void)fd;
	(void)what;
	w->fn(w->arg, true);
}

struct wake *
wake_new(struct event_base *base, wake_fn fn, void *arg)
{
	const struct itimerspec never = { .it_value = {
		.tv_sec = (time_t)(sizeof(time_t) > 4 ? UINT32_MAX :
		    INT32_MAX) } };
	struct wake	       *w;
	int			fd = timerfd_create(CLOCK_REALTIME,
	    TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd == -1 || timerfd_settime(fd, TFD_TIMER_ABSTIME |
	    TFD_TIMER_CANCEL_ON_SET, &never, NULL) == -1) {
		log_warn("nobody tells when this machine has slept: %s",
		    strerror(errno));
		if (fd != -1)
			close(fd);
		return NULL;
	}
	w = xcalloc(1, sizeof(*w));
	w->fn = fn;
	w->arg = arg;
	w->clock = watch_fd(base, fd, on_clock, w);
	w->signal = evsignal_new(base, SIGCONT, on_signal, w);
	if (w->signal == NULL || event_add(w->signal, NULL) == -1)
		log_warn("nobody tells when this process was stopped");
	return w;
}

void
wake_free(struct wake *w)
{
	if (w == NULL)
		return;
	watch_close(w->clock);
	watch_end(w->signal);
	free(w);
}
