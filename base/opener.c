/* opener.c - a small root process that opens again what a locked daemon may read */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/opener.h"
#include "base/util.h"

#define OPENER_FD_MAX	1024	/* it is forked early, when few are open */
#define OPEN_FLAGS	(O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int   opener_fd = -1;
static pid_t opener_pid;

static bool
opener_allows(const char *const *paths, size_t npaths, const char *path)
{
	const char *slash = strrchr(paths[0], '/');
	size_t	    folder = slash == NULL ? 0 : (size_t)(slash - paths[0]) + 1;
	size_t	    i;

	for (i = 0; i < npaths; i++) {
		if (strcmp(paths[i], path) == 0)
			return true;
	}
	return folder != 0 && strncmp(path, paths[0], folder) == 0 &&
	    path[folder] != '\0' && strchr(path + folder, '/') == NULL &&
	    path[folder] != '.';
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

static void
opener_serve(int sock, const char *const *paths, size_t npaths)
{
	char	path[PATH_MAX];
	ssize_t n;
	int	fd;

	for (;;) {
		n = recv(sock, path, sizeof(path) - 1, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		path[n] = '\0';
		if (!opener_allows(paths, npaths, path)) {
			opener_answer(sock, -1, EPERM);
			continue;
		}
		fd = open(path, OPEN_FLAGS);
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

int
opener_open(const char *path)
{
	union {
		struct cmsghdr hdr;
		char	       buf[CMSG_SPACE(sizeof(int))];
	} control;
	int		err = 0, fd = -1;
	struct iovec	iov = { &err, sizeof(err) };
	struct msghdr	msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf) };
	struct cmsghdr *cmsg;

	if (opener_fd == -1)
		return open(path, OPEN_FLAGS);
	if (*path == '\0' || strlen(path) >= PATH_MAX) {
		errno = ENOENT;
		return -1;
	}
	if (send(opener_fd, path, strlen(path), MSG_NOSIGNAL) == -1 ||
	    recvmsg(opener_fd, &msg, MSG_CMSG_CLOEXEC) != sizeof(err)) {
		errno = EPIPE;
		return -1;
	}
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg != NULL && cmsg->cmsg_level == SOL_SOCKET &&
	    cmsg->cmsg_type == SCM_RIGHTS &&
	    cmsg->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	if (fd == -1)
		errno = err != 0 ? err : EPROTO;
	return fd;
}

void
opener_stop(void)
{
	if (opener_fd == -1)
		return;
	close(opener_fd);
	opener_fd = -1;
	waitpid(opener_pid, NULL, 0);
}
