/* rules_run.c - running iptables and nft with text in and text out */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "nat/rules_run.h"

#define OUTPUT_MAX	(4 * 1024 * 1024)	/* a firewall of a busy
						 * router */

/* The two streams that come back. */
struct stream {
	int fd;
	char *text;
	size_t len, cap;
};

static void
run_child(const char *const argv[], const int in[2], const int out[2],
    const int err[2])
{
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/sbin:/sbin:"
		"/usr/local/bin:/usr/bin:/bin",
		"LC_ALL=C", NULL };

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(in[0], 0) == -1 || dup2(out[1], 1) == -1 ||
	    dup2(err[1], 2) == -1)
		_exit(127);
	execvpe(argv[0], (char *const *)(uintptr_t)argv,
	    (char *const *)(uintptr_t)env);
	_exit(127);
}

/* Reads what is there; false at the end. */
static bool
stream_read(struct stream *s)
{
	ssize_t n;
	char   *p;

	if (s->cap - s->len < 4096) {
		if (s->cap >= OUTPUT_MAX ||
		    (p = realloc(s->text, s->cap * 2 + 8192)) == NULL)
			return false;
		s->text = p;
		s->cap = s->cap * 2 + 8192;
	}
	n = read(s->fd, s->text + s->len, s->cap - s->len - 1);
	if (n == -1 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	s->len += (size_t)n;
	s->text[s->len] = '\0';
	return true;
}

/* Feeds input and collects both streams until the program closes them. */
static void
run_talk(int in, const char *input, struct stream *out, struct stream *err)
{
	size_t	      left = input != NULL ? strlen(input) : 0;
	struct pollfd fds[3] = {
		{ .fd = in, .events = POLLOUT },
		{ .fd = out->fd, .events = POLLIN },
		{ .fd = err->fd, .events = POLLIN },
	};
	ssize_t	      n;

	while (fds[1].fd != -1 || fds[2].fd != -1) {
		if (left == 0 && fds[0].fd != -1) {
			close(in);
			fds[0].fd = -1;
		}
		if (poll(fds, 3, -1) == -1) {
			if (errno == EINTR)
				continue;
			break;
		}
		if (fds[0].fd != -1 && fds[0].revents != 0) {
			n = write(in, input, left);
			if (n == -1)
				left = 0;
			else {
				input += n;
				left -= (size_t)n;
			}
		}
		if (fds[1].fd != -1 && fds[1].revents != 0 && !stream_read(out))
			fds[1].fd = -1;
		if (fds[2].fd != -1 && fds[2].revents != 0 && !stream_read(err))
			fds[2].fd = -1;
	}
	if (fds[0].fd != -1)
		close(in);
}

static void
close_pair(int fds[2])
{
	if (fds[0] != -1)
		close(fds[0]);
	if (fds[1] != -1)
		close(fds[1]);
}

int
rules_run(const char *const argv[], const char *input, char **output,
    bool quiet)
{
	int	      in[2] = { -1, -1 }, out[2] = { -1, -1 };
	int	      err[2] = { -1, -1 }, status, rc = -1;
	struct stream sout = { 0 }, serr = { 0 };
	pid_t	      pid;

	if (output != NULL)
		*output = NULL;
	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1 ||
	    pipe2(err, O_CLOEXEC) == -1 || (pid = fork()) == -1) {
		log_error("cannot run %s: %s", argv[0], strerror(errno));
		goto out;
	}
	if (pid == 0)
		run_child(argv, in, out, err);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	sout.fd = out[0];
	serr.fd = err[0];
	run_talk(in[1], input, &sout, &serr);
	/* A program that has more to say than we listen to must
	 * not wait for us. */
	close(out[0]);
	close(err[0]);
	in[0] = in[1] = out[0] = out[1] = err[0] = err[1] = -1;
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		rc = 0;
	if (rc == -1 && !quiet) {
		if (serr.text != NULL)
			serr.text[strcspn(serr.text, "\n")] = '\0';
		log_error("%s: %s", argv[0], serr.text != NULL ? serr.text :
		    WIFEXITED(status) && WEXITSTATUS(status) == 127 ?
		    "not found" : "failed");
	}
	if (rc == 0 && output != NULL) {
		*output = sout.text != NULL ? sout.text : strdup("");
		sout.text = NULL;
	}
out:
	close_pair(in);
	close_pair(out);
	close_pair(err);
	free(sout.text);
	free(serr.text);
	return rc;
}
