/* statefile.c - a small file that a daemon replaces as a whole, or not at all */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/opener.h"
#include "base/statefile.h"
#include "base/util.h"

#define STATEFILE_MAX	(4u << 20)
#define STATEFILE_TRIES	4	/* to lock it while others replace it */

struct statefile {
	char *path;
	int   fd;		/* has the lock */
	bool  said;		/* that it cannot be written */
	bool  committed;	/* what came of that was not looked at yet */
};

/* Locked, and still the file of that name; -1 with errno. */
static int
statefile_lock(const char *path)
{
	struct stat ours, named;
	int	    fd, tries, saved;

	for (tries = 0; tries < STATEFILE_TRIES; tries++) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
		    O_NONBLOCK, 0600);
		if (fd == -1)
			return -1;
		if (flock(fd, LOCK_EX | LOCK_NB) == -1 ||
		    fstat(fd, &ours) == -1) {
			saved = errno;
			close(fd);
			errno = saved;
			return -1;
		}
		if (stat(path, &named) == 0 && named.st_ino == ours.st_ino &&
		    named.st_dev == ours.st_dev)
			return fd;
		close(fd);
	}
	errno = EWOULDBLOCK;
	return -1;
}

struct statefile *
statefile_open(const char *path)
{
	struct statefile *f;
	int		  fd;

	make_parent_folder(path);
	if ((fd = statefile_lock(path)) == -1)
		return NULL;
	f = xcalloc(1, sizeof(*f));
	f->path = xstrdup(path);
	f->fd = fd;
	return f;
}

char *
statefile_read(struct statefile *f, size_t *len)
{
	struct stat st;
	ssize_t	    n;
	char	   *text;

	if (fstat(f->fd, &st) == -1)
		return NULL;
	if (!S_ISREG(st.st_mode) || st.st_size > STATEFILE_MAX) {
		errno = EFBIG;
		return NULL;
	}
	text = xcalloc(1, (size_t)st.st_size + 1);
	if ((n = pread(f->fd, text, (size_t)st.st_size, 0)) == -1) {
		free(text);
		return NULL;
	}
	*len = (size_t)n;
	return text;
}

static int
statefile_refused(struct statefile *f, int error)
{
	if (!f->said)
		log_warn("%s: %s: what it held before stays", f->path,
		    strerror(error));
	f->said = true;
	return -1;
}

bool
statefile_failed(struct statefile *f)
{
	int error = opener_committed(f->path);

	if (error == EINPROGRESS)
		return false;
	if (error != 0) {
		statefile_refused(f, error);
	} else if (f->said && f->committed) {
		log_info("%s: can be written again", f->path);
		f->said = false;
	}
	f->committed = false;
	return error != 0;
}

bool
statefile_busy(const struct statefile *f)
{
	return f->committed || f->said;
}

static int
statefile_write_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	for (; len > 0; text += n, len -= (size_t)n) {
		if ((n = write(fd, text, len)) == -1)
			return -1;
	}
	return 0;
}

int
statefile_write(struct statefile *f, const char *text, size_t len)
{
	int fd;

	if ((fd = opener_replace(f->path)) == -1)
		return statefile_refused(f, errno);
	if (statefile_write_all(fd, text, len) == -1 ||
	    flock(fd, LOCK_EX | LOCK_NB) == -1) {
		statefile_refused(f, errno);
		close(fd);
		opener_commit(f->path, false);
		return -1;
	}
	opener_commit(f->path, true);
	f->committed = true;
	close(f->fd);
	f->fd = fd;
	return 0;
}

void
statefile_close(struct statefile *f, bool empty)
{
	if (f == NULL)
		return;
	if (empty && ftruncate(f->fd, 0) == -1)
		log_warn("%s: %s", f->path, strerror(errno));
	close(f->fd);
	free(f->path);
	free(f);
}
