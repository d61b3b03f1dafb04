/* helper.c - a small process beside a daemon that keeps its privileges, and is started again when it is killed */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/helper.h"
#include "base/log.h"

#define HELPER_FD_MAX	1024	/* the helper is forked early,
				 * when few are open */
#define QUICK		3	/* times it is started again
				 * at once, then ... */
#define PAUSE		1	/* ... after so many seconds */
#define ALONE_WAIT	20000	/* ms; iptables may wait for somebody's lock */
#define ALONE_AGAIN	50	/* ms between two tries */

/* Keeps nothing of the daemon's: a terminal, pipe or port held here would stay
 * open as long as we live.  Signals to a whole terminal are the daemon's to
 * handle; the end of the socket is ours. */
static void
helper_detach(const struct helper_work *w, int sock)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGTERM, SIGPIPE };
	size_t		 i;
	int		 fd, null;

	for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_NAME, w->name, 0, 0, 0);
	closelog();
	for (fd = 3; fd < HELPER_FD_MAX; fd++) {
		if (fd != sock)
			close(fd);
	}
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (w->silent)
		dup2(null, STDERR_FILENO);
	close(null);
}

static _Noreturn void
helper_guard(const struct helper_work *w, int sock)
{
	struct timespec pause = { .tv_sec = PAUSE };
	pid_t		pid;
	unsigned	n;
	int		status;

	for (n = 0; ; n++) {
		if ((pid = fork()) == -1) {
			log_error("the process that %s: %s", w->does,
			    strerror(errno));
			_exit(1);
		}
		if (pid == 0) {
			w->serve(sock, n > 0, w->arg);
			_exit(0);
		}
		while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
			continue;
		if (!WIFSIGNALED(status))
			_exit(WEXITSTATUS(status));
		log_warn("the process that %s was killed by signal %d: it is "
		    "started again", w->does, WTERMSIG(status));
		if (n >= QUICK)
			nanosleep(&pause, NULL);
	}
}

/* Waits until whoever has the name lets go of it, ms at most: false if it is
 * not our user's, so that nobody else keeps us waiting. */
static bool
alone_wait(const struct sockaddr_un *name, socklen_t len, int ms)
{
	struct ucred  peer;
	struct pollfd p = { .events = POLLRDHUP };
	socklen_t     n = sizeof(peer);
	bool	      ours = true;

	p.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Bound and not yet listening, or just gone: the next try tells. */
	if (p.fd == -1 || connect(p.fd, (const struct sockaddr *)name, len) ==
	    -1)
		poll(NULL, 0, ALONE_AGAIN);
	else if (getsockopt(p.fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == -1 ||
	    peer.uid != geteuid())
		ours = false;
	else
		poll(&p, 1, ms);
	if (p.fd != -1)
		close(p.fd);
	return ours;
}

int
helper_alone(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	uint64_t	   now, end = clock_now() + ALONE_WAIT;
	socklen_t	   len;
	int		   fd;

	/* An abstract name: its room is the network namespace, as that of what
	 * is kept, and the kernel frees it however its holder ends. */
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	    (size_t)snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1,
	    "rsip/%s", name));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	while (fd != -1 && bind(fd, (const struct sockaddr *)&a, len) == -1) {
		if (errno == EADDRINUSE && (now = clock_now()) < end &&
		    alone_wait(&a, len, (int)(end - now)))
			continue;
		log_warn("another process has the name \"%s\": it is not "
		    "waited for", a.sun_path + 1);
		close(fd);
		return -1;
	}
	if (fd == -1 || listen(fd, 8) == -1)
		log_warn("socket: %s", strerror(errno));
	/* Open until the end of the process. */
	return fd;
}

int
helper_start(struct helper *h, const struct helper_work *w)
{
	int sock[2] = { -1, -1 };

	if (socketpair(AF_UNIX, w->type | SOCK_CLOEXEC, 0, sock) == -1 ||
	    (h->pid = fork()) == -1) {
		log_error("cannot start the process that %s: %s", w->does,
		    strerror(errno));
		if (sock[0] != -1) {
			close(sock[0]);
			close(sock[1]);
		}
		h->fd = -1;
		return -1;
	}
	if (h->pid == 0) {
		helper_detach(w, sock[1]);
		helper_guard(w, sock[1]);
	}
	close(sock[1]);
	h->fd = sock[0];
	return 0;
}

void
helper_leave(struct helper *h)
{
	if (h->fd != -1)
		close(h->fd);
	h->fd = -1;
}

void
helper_stop(struct helper *h)
{
	char	buf[256];
	ssize_t n;

	if (h->fd == -1)
		return;
	/* Not by its process: that may have been killed before it. */
	shutdown(h->fd, SHUT_WR);
	while ((n = recv(h->fd, buf, sizeof(buf), 0)) > 0 ||
	    (n == -1 && errno == EINTR))
		continue;
	close(h->fd);
	h->fd = -1;
	while (waitpid(h->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
}
