/* filewatch.c - tells when a file has changed that others write */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/filewatch.h"
#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"

/* Writers come in several steps: told is when they are done. */
#define SETTLE_MS	50
#define WRITTEN		(IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE)

struct filewatch {
	int	      fd;
	struct event *ev, *settle;
	filewatch_fn  fn;
	void	     *arg;
	/* of the file, in both folders */
	char	      name[2][NAME_MAX + 1];
};

static void
filewatch_settled(void *arg)
{
	struct filewatch *w = arg;

	w->fn(w->arg);
}

static bool
filewatch_concerns(const struct filewatch *w, const struct inotify_event *e)
{
	/* The file itself is watched too, and then has no name. */
	return e->len == 0 || strcmp(e->name, w->name[0]) == 0 ||
	    strcmp(e->name, w->name[1]) == 0;
}

static void
filewatch_read(int fd, void *arg)
{
	struct filewatch     *w = arg;
	struct inotify_event *e;
	_Alignas(struct inotify_event) char buf[4096];
	ssize_t		      n, at;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (struct inotify_event *)(void *)(buf + at);
			if (filewatch_concerns(w, e))
				watch_after(w->settle, SETTLE_MS);
		}
	}
}

/* A file that is replaced is seen in its folder; one that is written, wherever
 * it was mounted from, only itself. */
static bool
filewatch_add(struct filewatch *w, const char *path, char name[NAME_MAX + 1])
{
	const char *base = strrchr(path, '/');
	char	   *folder;
	int	    rc;

	if (base == NULL || strlen(base + 1) > NAME_MAX)
		return false;
	memcpy(name, base + 1, strlen(base + 1) + 1);
	folder = xstrdup(path);
	folder[base == path ? 1 : base - path] = '\0';
	rc = inotify_add_watch(w->fd, folder, WRITTEN);
	free(folder);
	(void)inotify_add_watch(w->fd, path, IN_CLOSE_WRITE);
	return rc != -1;
}

struct filewatch *
filewatch_new(struct event_base *base, const char *path, filewatch_fn fn,
    void *arg)
{
	struct filewatch *w = xcalloc(1, sizeof(*w));
	char		 *real;

	w->fn = fn;
	w->arg = arg;
	if ((w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) == -1 ||
	    !filewatch_add(w, path, w->name[0]))
		goto fail;
	/* As systemd-resolved has it: a link to where the file is replaced. */
	if ((real = realpath(path, NULL)) != NULL) {
		(void)filewatch_add(w, real, w->name[1]);
		free(real);
	}
	w->ev = watch_fd(base, w->fd, filewatch_read, w);
	w->settle = watch_timer(base, filewatch_settled, w);
	return w;
fail:
	log_warn("%s cannot be watched: %s", path, strerror(errno));
	filewatch_free(w);
	return NULL;
}

void
filewatch_free(struct filewatch *w)
{
	if (w == NULL)
		return;
	watch_end(w->ev);
	watch_end(w->settle);
	if (w->fd != -1)
		close(w->fd);
	free(w);
}
