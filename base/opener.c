/* opener.c - a small root process that opens and replaces files for a locked daemon */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/comment.h"
#include "base/helper.h"
#include "base/log.h"
#include "base/opener.h"
#include "base/util.h"

#define OPENER_STATES_MAX 8
#define OPENER_LATE_MAX	32	/* commits that were not answered yet */
#define OPEN_FLAGS	(O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
#define CONF_MAX	(1024 * 1024)
#define BESIDE		".new"

enum opener_wish {
	OPENER_READ = 'r',
	OPENER_REPLACE = 'w',	/* a new file beside a state's */
	OPENER_COMMIT = 'c',	/* becomes the state's */
	OPENER_ABORT = 'a',	/* or does not */
};

static struct helper opener = { .fd = -1 };
static uint32_t	     opener_asked;	/* the number of the last request */
static bool	     opener_gone_said;

struct opener_paths {
	const char *const *path;
	size_t		   n;
};

/* A request is its number, a wish and a path. */
#define REQUEST_HEAD	(sizeof(uint32_t) + 1)
#define REQUEST_MAX	(REQUEST_HEAD + PATH_MAX)

struct opener_reply {
	uint32_t number;
	int	 err;
};

/* Files that may be replaced; told to both processes before they part. */
static struct opener_state {
	char *path;
	int   error;		/* of a commit */
} states[OPENER_STATES_MAX];
static size_t	nstates;
static struct opener_late {		/* oldest first */
	unsigned state;			/* index into states */
	uint32_t number;
} late[OPENER_LATE_MAX];
static unsigned nlate;

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

/* --- what is done for others ---------------------------------------------- */

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
	comment_blank(text);
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

/* The file's name in the folder is on the disk, too; -1 with errno. */
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
opener_state_fulfil(enum opener_wish wish, const char *path)
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
opener_answer(int sock, uint32_t number, int fd, int err)
{
	union {
		struct cmsghdr hdr;
		char	       buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct opener_reply r = { number, err };
	struct iovec	iov = { &r, sizeof(r) };
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

static int
opener_fulfil(const char *const *paths, size_t npaths, enum opener_wish wish,
    const char *path)
{
	if (wish == OPENER_READ && opener_allows(paths, npaths, path))
		return open(path, OPEN_FLAGS);
	if (wish != OPENER_READ && opener_state(path) != NULL)
		return opener_state_fulfil(wish, path);
	errno = EPERM;
	return -1;
}

/*
 * A request is taken off the queue after its answer, so that whoever
 * comes after one that was killed answers it; an answer that comes
 * twice has its number.
 */
static void
opener_serve(int sock, bool again, void *arg)
{
	const struct opener_paths *p = arg;
	char			   request[REQUEST_MAX], wish;
	uint32_t		   number;
	ssize_t			   n;
	int			   fd;

	(void)again;
	for (;;) {
		n = recv(sock, request, sizeof(request) - 1, MSG_PEEK);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= (ssize_t)REQUEST_HEAD)
			return;
		request[n] = '\0';
		memcpy(&number, request, sizeof(number));
		wish = request[sizeof(number)];
		fd = opener_fulfil(p->path, p->n, (enum opener_wish)wish,
		    request + REQUEST_HEAD);
		if (wish != OPENER_READ && wish != OPENER_REPLACE) {
			opener_answer(sock, number, -1, fd == -1 ? errno : 0);
		} else {
			opener_answer(sock, number, fd, fd == -1 ? errno : 0);
			if (fd != -1)
				close(fd);
		}
		if (recv(sock, request, sizeof(request), 0) == -1)
			return;
	}
}

int
opener_start(const char *const *paths, size_t npaths)
{
	struct opener_paths p = { paths, npaths };
	struct helper_work  w = { .name = "rsip-opener", .does = "opens files",
		.type = SOCK_SEQPACKET, .silent = true, .serve = opener_serve,
		.arg = &p };

	return npaths == 0 ? -1 : helper_start(&opener, &w);
}

/* --- what the daemon asks ------------------------------------------------- */

/* Only when both it and who starts it again were killed. */
static int
opener_gone(void)
{
	if (!opener_gone_said)
		log_error("the process that opens files was killed, and who "
		    "starts it again, too: restart this daemon, until then it "
		    "reads no configuration and keeps no state");
	opener_gone_said = true;
	return EPIPE;
}

/* The request's number, or 0 with errno. */
static uint32_t
opener_send(enum opener_wish wish, const char *path)
{
	char   text[REQUEST_MAX];
	size_t len = strlen(path);

	if (len == 0 || len >= PATH_MAX) {
		errno = ENOENT;
		return 0;
	}
	if (++opener_asked == 0)
		opener_asked = 1;
	memcpy(text, &opener_asked, sizeof(opener_asked));
	text[sizeof(opener_asked)] = (char)wish;
	/* A message, whose length goes with it, not a string. */
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
	memcpy(text + REQUEST_HEAD, path, len);
	if (send(opener.fd, text, REQUEST_HEAD + len, MSG_NOSIGNAL) == -1) {
		errno = opener_gone();
		return 0;
	}
	return opener_asked;
}

/* One answer and the descriptor with it: its number, or 0 with errno. */
static uint32_t
opener_receive_any(struct opener_reply *r, int *fd, int flags)
{
	union {
		struct cmsghdr hdr;
		char	       buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec	iov = { r, sizeof(*r) };
	struct msghdr	msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf) };
	struct cmsghdr *cmsg;
	ssize_t		n;

	*fd = -1;
	while ((n = recvmsg(opener.fd, &msg, MSG_CMSG_CLOEXEC | flags)) == -1 &&
	    errno == EINTR)
		continue;
	if (n != sizeof(*r)) {
		if (n != -1 || errno != EAGAIN)
			errno = opener_gone();
		return 0;
	}
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg != NULL && cmsg->cmsg_level == SOL_SOCKET &&
	    cmsg->cmsg_type == SCM_RIGHTS &&
	    cmsg->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
	return r->number;
}

/* The answer to that request: its errno, or 0 and perhaps a descriptor. */
static int
opener_receive(uint32_t number, int *fd, int flags)
{
	struct opener_reply r;
	uint32_t	    got;

	while ((got = opener_receive_any(&r, fd, flags)) != number) {
		if (got == 0)
			return errno;
		/* Twice, of one that was killed in between. */
		if (*fd != -1)
			close(*fd);
	}
	return r.err;
}

/* Takes the answers to commits that have come (flags MSG_DONTWAIT), or all. */
static void
opener_catch_up(int flags)
{
	int error, fd;

	while (nlate > 0) {
		if ((error = opener_receive(late[0].number, &fd, flags)) ==
		    EAGAIN)
			return;
		if (fd != -1)
			close(fd);
		if (error != 0)
			states[late[0].state].error = error;
		memmove(late, late + 1, --nlate * sizeof(late[0]));
	}
}

static int
opener_ask(enum opener_wish wish, const char *path)
{
	int	 fd = -1, error;
	uint32_t number;

	opener_catch_up(0);
	if ((number = opener_send(wish, path)) == 0)
		return -1;
	if ((error = opener_receive(number, &fd, 0)) != 0 || fd == -1)
		errno = error != 0 ? error : EPROTO;
	return fd;
}

int
opener_open(const char *path)
{
	if (opener.fd == -1)
		return open(path, OPEN_FLAGS);
	return opener_ask(OPENER_READ, path);
}

int
opener_replace(const char *path)
{
	if (opener.fd == -1)
		return opener_state_fulfil(OPENER_REPLACE, path);
	return opener_ask(OPENER_REPLACE, path);
}

void
opener_commit(const char *path, bool keep)
{
	enum opener_wish     wish = keep ? OPENER_COMMIT : OPENER_ABORT;
	struct opener_state *s;
	uint32_t	     number;

	opener_allow_state(path);
	if ((s = opener_state(path)) == NULL)
		return;
	if (opener.fd == -1) {
		if (opener_state_fulfil(wish, path) == -1)
			s->error = errno;
		return;
	}
	if (nlate == OPENER_LATE_MAX)
		opener_catch_up(0);
	if ((number = opener_send(wish, path)) == 0)
		s->error = errno;
	else
		late[nlate++] = (struct opener_late){ (unsigned)(s - states),
			number };
}

int
opener_committed(const char *path)
{
	struct opener_state *s = opener_state(path);
	unsigned	     i;
	int		     error;

	if (opener.fd != -1)
		opener_catch_up(MSG_DONTWAIT);
	if (s == NULL)
		return 0;
	error = s->error;
	s->error = 0;
	for (i = 0; error == 0 && i < nlate; i++) {
		if (&states[late[i].state] == s)
			error = EINPROGRESS;
	}
	return error;
}

void
opener_stop(void)
{
	helper_stop(&opener);
	nlate = 0;
}
