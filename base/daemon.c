/* daemon.c - the command line, pid file, signals and life that the daemons share */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/daemon.h"
#include "base/log.h"

static int   ready_fd = -1;	/* to the parent that waits
				 * for daemon_ready() */
static int   pidfile_fd = -1;
static pid_t pidfile_owner;

/* What is wrong with the command line, and who knows what would be right. */
static _Noreturn void
usage_exit(const char *name, const char *what, const char *arg)
{
	fprintf(stderr, "%s: %s %s (see %s --help)\n", name, what, arg, name);
	exit(2);
}

static void
help(const char *name)
{
	printf("usage: %s [-dfhnoV] [-c file] [-p pidfile]\n"
	    "  -c FILE  configuration (default %s/%s.conf)\n"
	    "  -d       debug messages, in the foreground\n"
	    "  -f       stay in the foreground, messages to stderr\n"
	    "  -n       check the configuration and exit\n"
	    "  -o       print all options of the configuration and exit\n"
	    "  -p FILE  write the process id here\n"
	    "  -V       print the version\n"
	    "See %s(8).\n", name, SYSCONFDIR, name, name);
}

void
daemon_options(struct daemon_options *o, const char *name, const char *built,
    int argc, char **argv)
{
	static const struct option longs[] = { { "help", 0, NULL, 'h' },
		{ "version", 0, NULL, 'V' }, { 0 } };
	static char path[sizeof(SYSCONFDIR) + 32];
	char	    letter[] = "-?";
	int	    c;

	memset(o, 0, sizeof(*o));
	o->name = name;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "c:dfhnop:V", longs,
	    NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			o->config_given = true;
			break;
		case 'd':
			o->debug = o->foreground = true;
			break;
		case 'f':
			o->foreground = true;
			break;
		case 'h':
			help(name);
			exit(0);
		case 'n':
			o->check = true;
			break;
		case 'o':
			o->list = true;
			break;
		case 'p':
			o->pidfile = optarg;
			break;
		case 'V':
			printf("%s %s\n", name, PACKAGE_VERSION);
			if (built != NULL)
				printf("built with %s\n", built);
			exit(0);
		default:
			letter[1] = (char)optopt;
			usage_exit(name, optopt == 'c' || optopt == 'p' ?
			    "no file after" : "bad option", optopt == 0 ?
			    argv[optind - 1] : letter);
		}
	}
	if (optind != argc)
		usage_exit(name, "unexpected argument", argv[optind]);
	if (o->config == NULL) {
		snprintf(path, sizeof(path), "%s/%s.conf", SYSCONFDIR, name);
		o->config = path;
	}
	/* Until the service runs, whoever typed the command reads along. */
	log_init(name, true, o->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
}

/* Passes on what there is; false at the end and where there is nothing. */
static bool
relay_output(int from)
{
	char	buf[1024];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) == -1 && errno == EINTR)
		continue;
	return n > 0 && write(STDERR_FILENO, buf, (size_t)n) == n;
}

/* Until the child is ready or has ended: what it says is for who waits. */
static _Noreturn void
wait_ready(pid_t pid, int ready, int said)
{
	struct pollfd p[] = { { .fd = said, .events = POLLIN },
		{ .fd = ready, .events = POLLIN } };
	char	      c;
	int	      status;
	bool	      good;

	do {
		if (poll(p, 2, -1) == -1)
			continue;
		if (p[0].revents != 0 && !relay_output(said))
			p[0].fd = -1;
	} while (p[1].revents == 0);
	good = read(ready, &c, 1) == 1;
	/* A helper may hold the other end as long as it lives. */
	if (fcntl(said, F_SETFL, O_NONBLOCK) != -1)
		while (relay_output(said))
			continue;
	if (good)
		_exit(0);
	/* The child has said why. */
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
	_exit(1);
}

int
daemon_start(const struct daemon_options *o)
{
	int   ready[2], said[2];
	pid_t pid;

	if (o->foreground)
		return 0;
	/* Helpers have stderr for as long as they live, which must not keep a
	 * terminal or pipe of the starter's open: they have one to us. */
	if (pipe2(ready, O_CLOEXEC) == -1 || pipe2(said, O_CLOEXEC) == -1 ||
	    (pid = fork()) == -1) {
		log_error("cannot go to the background: %s", strerror(errno));
		return -1;
	}
	if (pid != 0) {
		close(ready[1]);
		close(said[1]);
		wait_ready(pid, ready[0], said[0]);
	}
	close(ready[0]);
	close(said[0]);
	dup2(said[1], STDERR_FILENO);
	close(said[1]);
	ready_fd = ready[1];
	setsid();
	if (chdir("/") == -1)
		log_warn("chdir /: %s", strerror(errno));
	return 0;
}

static int
pidfile_write(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char	     text[24];
	int	     fd, n;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd == -1)
		goto fail;
	if (fcntl(fd, F_SETLK, &lock) == -1) {
		log_error("%s: another process holds it", path);
		close(fd);
		return -1;
	}
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == -1 || write(fd, text, (size_t)n) != n)
		goto fail;
	pidfile_fd = fd;
	pidfile_owner = getpid();
	return 0;
fail:
	log_error("%s: %s", path, strerror(errno));
	if (fd != -1)
		close(fd);
	return -1;
}

/* The protocol of sd_notify(3): one datagram to a path, or behind '@' to an
 * abstract name.  Later processes of ours have nothing to tell. */
static void
notify(const char *state)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char	  *path = getenv("NOTIFY_SOCKET");
	size_t		   len;
	int		   fd;

	if (path == NULL || (*path != '/' && *path != '@'))
		return;
	len = strlen(path);
	if (len >= sizeof(to.sun_path)) {
		log_warn("NOTIFY_SOCKET: the path is too long");
		return;
	}
	memcpy(to.sun_path, path, len);
	if (*path == '@')
		to.sun_path[0] = '\0';
	else
		len++;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == -1)
		log_warn("%s: cannot tell that we run: %s", path,
		    strerror(errno));
	if (fd != -1)
		close(fd);
	unsetenv("NOTIFY_SOCKET");
}

int
daemon_ready(const struct daemon_options *o)
{
	int null;

	if (o->pidfile != NULL && pidfile_write(o->pidfile) == -1)
		return -1;
	notify("READY=1");
	if (ready_fd == -1)
		return 0;
	log_init(o->name, false, LOG_LEVEL_INFO);
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) != -1) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		close(null);
	}
	if (write(ready_fd, "", 1) == -1)
		log_debug("nobody waited for the start");
	close(ready_fd);
	ready_fd = -1;
	return 0;
}

void
daemon_checked(const struct daemon_options *o)
{
	if (access(o->config, F_OK) == 0)
		printf("%s: %s: no errors\n", o->name, o->config);
	else
		printf("%s: %s is absent: the defaults are good\n", o->name,
		    o->config);
}

void
daemon_stop(const struct daemon_options *o)
{
	if (pidfile_fd == -1 || pidfile_owner != getpid())
		return;
	/* After priv_drop() the folder may not be ours: then an empty file,
	 * which no one takes for a running daemon, has to do. */
	if (unlink(o->pidfile) == -1 && ftruncate(pidfile_fd, 0) == -1)
		log_debug("%s: %s", o->pidfile, strerror(errno));
	close(pidfile_fd);
	pidfile_fd = -1;
}
