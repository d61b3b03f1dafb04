/* opener.c - a small root process that opens and replaces files for a locked daemon */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/opener.h"
#include "base/util.h"

#define OPENER_FD_MAX	1024	/* it is forked early, when few are open */
#define OPENER_STATES_MAX 8
#define OPENER_LATE_MAX	32	/* commits that were not answered yet */
#define OPEN_FLAGS	(O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
#define CONF_MAX	(1024 * 1024)
#define BESIDE		".new"

/* The first byte of a request; the path follows. */
enum opener_wish {
	OPENER_READ = 'r',
	OPENER_REPLACE = 'w',	/* a new file beside a state's */
	OPENER_COMMIT = 'c',	/* becomes the state's */
	OPENER_ABORT = 'a',	/* or does not */
};

static int   opener_fd = -1;
static pid_t opener_pid;

/* Files that may be replaced; told to both processes before they part. */
static struct opener_state {
	char *path;
	int   error;		/* of a commit */
} states[OPENER_STATES_MAX];
static size_t	nstates;
static unsigned late[OPENER_LATE_MAX], nlate;	/* indexes into states, oldest first */

static struct opener_state *
opener_state(const char *path)
{
	size_t i;

	for (i = 0; i < nstates; i++) {
		if (strcmp(states[i].path, path) == 0)
			return &states[i];
	}
	return NULL;
}

void
opener_allow_state(const char *path)
{
	if (opener_state(path) == NULL && nstates < OPENER_STATES_MAX)
		states[nstates++].path = xstrdup(path);
}

/* --- what is done for others --------------------------------------------------- */

/* Where a path in a configuration may begin and end. */
static bool
opener_delimits(char c)
{
	return c == '\0' || strchr(" \t\r\n\"'=,{}()", c) != NULL;
}

/*
 * Does the configuration name this file, outside comments?  Its owner may name
 * new ones and ask for a reload; whoever got hold of the daemon may not.
 */
static bool
opener_is_named(const char *config, const char *path)
{
	size_t	len = strlen(path), used = 0;
	ssize_t n;
	char   *text = xcalloc(1, CONF_MAX + 2), *at;
	int	fd = open(config, OPEN_FLAGS);
	bool	found = false;

	text[used++] = '\n';
	while (fd != -1 && used < CONF_MAX + 1 &&
	    (n = read(fd, text + used, CONF_MAX + 1 - used)) > 0)
		used += (size_t)n;
	if (fd != -1)
		close(fd);
	conf_blank_comments(text);
	for (at = text + 1; !found && (at = strstr(at, path)) != NULL; at++)
		found = opener_delimits(at[-1]) && opener_delimits(at[len]);
	free(text);
	return found;
}

static bool
opener_allows(const char *const *paths, size_t npaths, const char *path)
{
	size_t i;

	for (i = 0; i < npaths; i++) {
		if (strcmp(paths[i], path) == 0)
			return true;
	}
	return *path == '/' && opener_is_named(paths[0], path);
}

/* Its name in the folder is on the disk, too; -1 with errno. */
static int
opener_sync_folder(const char *path)
{
	char folder[PATH_MAX], *slash;
	int  fd, rc;

	snprintf(folder, sizeof(folder), "%s", path);
	if ((slash = strrchr(folder, '/')) == NULL)
		return 0;
	slash[slash == folder ? 1 : 0] = '\0';
	if ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	rc = fsync(fd);
	close(fd);
	/* Not every file system can. */
	return rc == -1 && errno != EINVAL ? -1 : 0;
}

/* A descriptor or 0; -1 with errno. */
static int
opener_state_do(enum opener_wish wish, const char *path)
{
	char beside[PATH_MAX + sizeof(BESIDE)];
	int  fd, rc, saved;

	snprintf(beside, sizeof(beside), "%s%s", path, BESIDE);
	switch (wish) {
	case OPENER_REPLACE:
		unlink(beside);
		return open(beside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC |
		    O_NOFOLLOW, 0600);
	case OPENER_COMMIT:
		fd = open(beside, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (fd == -1)
			return -1;
		rc = fsync(fd);
		saved = errno;
		close(fd);
		errno = saved;
		if (rc == -1 || rename(beside, path) == -1)
			return -1;
		return opener_sync_folder(path);
	case OPENER_ABORT:
		return unlink(beside);
	case OPENER_READ:
		break;
	}
	errno = EINVAL;
	return -1;
}

static void
opener_answer(int sock, int fd, int err)
{
	union {
		struct cmsghdr hdr;
		char	       buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec	iov = { &err, sizeof(err) };
	struct msghdr	msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (fd != -1) {
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) == -1)
		_exit(0);
}

/* Keeps nothing of the daemon's: a terminal, pipe or port held here would stay
 * open as long as we live. */
static void
opener_detach(int sock)
{
	int fd;

	for (fd = 0; fd < OPENER_FD_MAX; fd++) {
		if (fd != sock)
			close(fd);
	}
	for (fd = 0; fd < 3; fd++) {
		if (open("/dev/null", O_RDWR) == -1)
			break;
	}
}

static int
opener_do(const char *const *paths, size_t npaths, enum opener_wish wish,
    const char *path)
{
	if (wish == OPENER_READ && opener_allows(paths, npaths, path))
		return open(path, OPEN_FLAGS);
	if (wish != OPENER_READ && opener_state(path) != NULL)
		return opener_state_do(wish, path);
	errno = EPERM;
	return -1;
}

static void
opener_serve(int sock, const char *const *paths, size_t npaths)
{
	char	wish[1 + PATH_MAX];
	ssize_t n;
	int	fd;

	for (;;) {
		n = recv(sock, wish, sizeof(wish) - 1, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		wish[n] = '\0';
		fd = opener_do(paths, npaths, (enum opener_wish)wish[0],
		    wish + 1);
		if (wish[0] != OPENER_READ && wish[0] != OPENER_REPLACE) {
			opener_answer(sock, -1, fd == -1 ? errno : 0);
			continue;
		}
		opener_answer(sock, fd, fd == -1 ? errno : 0);
		if (fd != -1)
			close(fd);
	}
}

int
opener_start(const char *const *paths, size_t npaths)
{
	int sock[2];

	if (npaths == 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    sock) == -1 || (opener_pid = fork()) == -1) {
		log_error("cannot start the process that opens files: %s",
		    strerror(errno));
		return -1;
	}
	if (opener_pid == 0) {
		close(sock[0]);
		/* A terminal's interrupt is the daemon's to handle; we end with it. */
		signal(SIGINT, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		prctl(PR_SET_NAME, "rsip-opener", 0, 0, 0);
		opener_detach(sock[1]);
		opener_serve(sock[1], paths, npaths);
	}
	close(sock[1]);
	opener_fd = sock[0];
	return 0;
}

/* --- what the daemon asks ------------------------------------------------------- */

static int
opener_send(enum opener_wish wish, const char *path)
{
	char   text[1 + PATH_MAX];
	size_t len = strlen(path);

	if (len == 0 || len >= PATH_MAX) {
		errno = ENOENT;
		return -1;
	}
	text[0] = (char)wish;
	memcpy(text + 1, path, len);
	if (send(opener_fd, text, 1 + len, MSG_NOSIGNAL) == -1) {
		errno = EPIPE;
		return -1;
	}
	return 0;
}

/* The answer to the oldest request: its errno, or 0 and perhaps a descriptor. */
static int
opener_receive(int *fd, int flags)
{
	union {
		struct cmsghdr hdr;
		char	       buf[CMSG_SPACE(sizeof(int))];
	} control;
	int		err = 0;
	struct iovec	iov = { &err, sizeof(err) };
	struct msghdr	msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf) };
	struct cmsghdr *cmsg;
	ssize_t		n;

	*fd = -1;
	while ((n = recvmsg(opener_fd, &msg, MSG_CMSG_CLOEXEC | flags)) == -1 &&
	    errno == EINTR)
		continue;
	if (n != sizeof(err))
		return n == -1 && errno == EAGAIN ? EAGAIN : EPIPE;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg != NULL && cmsg->cmsg_level == SOL_SOCKET &&
	    cmsg->cmsg_type == SCM_RIGHTS &&
	    cmsg->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
	return err;
}

/* Takes the answers to commits that have come (flags MSG_DONTWAIT), or all. */
static void
opener_catch_up(int flags)
{
	int error, fd;

	while (nlate > 0) {
		if ((error = opener_receive(&fd, flags)) == EAGAIN)
			return;
		if (fd != -1)
			close(fd);
		if (error != 0)
			states[late[0]].error = error;
		memmove(late, late + 1, --nlate * sizeof(late[0]));
	}
}

static int
opener_ask(enum opener_wish wish, const char *path)
{
	int fd = -1, error;

	opener_catch_up(0);
	if (opener_send(wish, path) == -1)
		return -1;
	if ((error = opener_receive(&fd, 0)) != 0 || fd == -1)
		errno = error != 0 ? error : EPROTO;
	return fd;
}

int
opener_open(const char *path)
{
	if (opener_fd == -1)
		return open(path, OPEN_FLAGS);
	return opener_ask(OPENER_READ, path);
}

int
opener_replace(const char *path)
{
	if (opener_fd == -1)
		return opener_state_do(OPENER_REPLACE, path);
	return opener_ask(OPENER_REPLACE, path);
}

void
opener_commit(const char *path, bool keep)
{
	enum opener_wish     wish = keep ? OPENER_COMMIT : OPENER_ABORT;
	struct opener_state *s;

	opener_allow_state(path);
	if ((s = opener_state(path)) == NULL)
		return;
	if (opener_fd == -1) {
		if (opener_state_do(wish, path) == -1)
			s->error = errno;
		return;
	}
	if (nlate == OPENER_LATE_MAX)
		opener_catch_up(0);
	if (opener_send(wish, path) == -1)
		s->error = errno;
	else
		late[nlate++] = (unsigned)(s - states);
}

int
opener_committed(const char *path)
{
	struct opener_state *s = opener_state(path);
	unsigned	     i;
	int		     error;

	if (opener_fd != -1)
		opener_catch_up(MSG_DONTWAIT);
	if (s == NULL)
		return 0;
	error = s->error;
	s->error = 0;
	for (i = 0; error == 0 && i < nlate; i++) {
		if (&states[late[i]] == s)
			error = EINPROGRESS;
	}
	return error;
}

void
opener_stop(void)
{
	if (opener_fd == -1)
		return;
	close(opener_fd);
	opener_fd = -1;
	nlate = 0;
	waitpid(opener_pid, NULL, 0);
}
