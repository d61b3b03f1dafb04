/* listener.c - accepting connections, a few at a time, also when descriptors run out */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/listener.h"
#include "base/log.h"
#include "base/ratelimit.h"
#include "base/util.h"
#include "base/watch.h"

#define LISTENER_TURN	16	/* accepted at once */
#define LISTENER_PAUSE	1	/* seconds, without descriptors */

struct listener {
	struct event	*readable, *pause;
	struct ratelimit log;
	const char	*name;
	listener_fn	 fn;
	void		*arg;
	int		 fd, spare;	/* spare -1: in use, or not wanted */
	bool		 keeps_spare;
};

/* A copy of our own socket: after priv_lock() nothing else can be opened. */
static void
listener_keep_spare(struct listener *l)
{
	if (l->keeps_spare && l->spare == -1)
		l->spare = fcntl(l->fd, F_DUPFD_CLOEXEC, 0);
}

static void
listener_give_spare(struct listener *l)
{
	if (l->spare != -1)
		close(l->spare);
	l->spare = -1;
}

static int
listener_accept(const struct listener *l, struct sockaddr_storage *from)
{
	socklen_t len = sizeof(*from);

	memset(from, 0, len);
	return accept4(l->fd, (struct sockaddr *)from, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static bool
listener_is_out(int error)
{
	return error != EAGAIN && error != EINTR && error != ECONNABORTED;
}

/* The next one; -1 when there is nobody, or no place.  last: on the descriptor
 * that was kept back. */
static int
listener_take(struct listener *l, struct sockaddr_storage *from, bool *last)
{
	int fd = listener_accept(l, from), error = errno;

	*last = false;
	if (fd != -1 || !listener_is_out(error))
		return fd;
	/* Out of descriptors the kernel says so whether
	 * somebody waits or not. */
	if (l->spare != -1) {
		listener_give_spare(l);
		if ((fd = listener_accept(l, from)) != -1)
			*last = true;
		else if (!listener_is_out(errno)) {
			listener_keep_spare(l);
			return -1;
		}
	}
	if (ratelimit_pass(&l->log, clock_now()))
		log_warn("%s: %s: who asks now has to wait", l->name,
		    strerror(error));
	if (fd != -1)
		return fd;
	/* Readable all the time, which would be noticed all the time. */
	event_del(l->readable);
	watch_after(l->pause, LISTENER_PAUSE * 1000);
	return -1;
}

static void
listener_readable(int sock, void *arg)
{
	struct listener	       *l = arg;
	struct sockaddr_storage from;
	unsigned		i;
	bool			last;
	int			fd;

	(void)sock;
	for (i = 0; i < LISTENER_TURN; i++) {
		if ((fd = listener_take(l, &from, &last)) == -1)
			break;
		l->fn(l->arg, fd, (struct sockaddr *)&from, last);
		if (last)
			listener_keep_spare(l);
	}
}

static void
listener_again(void *arg)
{
	struct listener *l = arg;

	listener_keep_spare(l);
	event_add(l->readable, NULL);
}

struct listener *
listener_new(struct event_base *base, int fd, const char *name, bool spare,
    listener_fn fn, void *arg)
{
	struct listener *l = xcalloc(1, sizeof(*l));

	l->log = (struct ratelimit)RATELIMIT_INIT(1, 60000);
	l->name = name;
	l->fn = fn;
	l->arg = arg;
	l->fd = fd;
	l->spare = -1;
	l->keeps_spare = spare;
	listener_keep_spare(l);
	l->readable = watch_fd(base, fd, listener_readable, l);
	l->pause = watch_timer(base, listener_again, l);
	return l;
}

void
listener_pause(struct listener *l, bool pause)
{
	event_del(l->pause);
	if (pause)
		event_del(l->readable);
	else
		event_add(l->readable, NULL);
}

void
listener_free(struct listener *l)
{
	if (l == NULL)
		return;
	watch_close(l->readable);
	watch_end(l->pause);
	listener_give_spare(l);
	free(l);
}
