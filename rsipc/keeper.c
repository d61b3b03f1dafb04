/* keeper.c - a small root process that changes kernel settings and puts them back */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "rsipc/keeper.h"

#define KEEPER_KEYS_MAX	16
#define KEEPER_FD_MAX	1024	/* it is forked early, when few are open */
#define KEEPER_PREFIX	"net/ipv4/"

struct keeper_order {		/* value "": restore */
	char key[96];
	char value[32];
};

struct keeper_setting {
	char key[96];
	char before[32], ours[32];
};

static int   keeper_fd = -1;
static pid_t keeper_pid;

/* Reads a setting's words with one blank between them, so that what the kernel
 * prints with tabs compares equal. */
static int
setting_read(const char *key, char *out, size_t cap)
{
	char	path[128], *p, *word, *save = NULL;
	char	text[64];
	ssize_t n;
	size_t	at = 0;
	int	fd;

	snprintf(path, sizeof(path), "/proc/sys/%s", key);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	out[0] = '\0';
	for (p = text; (word = strtok_r(p, " \t\n", &save)) != NULL; p = NULL) {
		n = snprintf(out + at, cap - at, "%s%s", at > 0 ? " " : "", word);
		if (n < 0 || (size_t)n >= cap - at)
			return -1;
		at += (size_t)n;
	}
	return 0;
}

static int
setting_write(const char *key, const char *value)
{
	char	path[128];
	size_t	len = strlen(value);
	ssize_t n;
	int	fd;

	snprintf(path, sizeof(path), "/proc/sys/%s", key);
	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return -1;
	n = write(fd, value, len);
	close(fd);
	return n == (ssize_t)len ? 0 : -1;
}

static void
keeper_put_back(struct keeper_setting *s)
{
	char current[32];

	/* What the operator set meanwhile is his. */
	if (s->ours[0] != '\0' &&
	    setting_read(s->key, current, sizeof(current)) == 0 &&
	    strcmp(current, s->ours) == 0 &&
	    setting_write(s->key, s->before) == -1)
		log_warn("cannot put %s back to \"%s\": %s", s->key, s->before,
		    strerror(errno));
	s->key[0] = '\0';
}

/* The setting of that name; "": a free place; NULL if there is none. */
static struct keeper_setting *
keeper_find(struct keeper_setting *list, const char *key)
{
	size_t i;

	for (i = 0; i < KEEPER_KEYS_MAX; i++) {
		if (strcmp(list[i].key, key) == 0)
			return &list[i];
	}
	return NULL;
}

static void
keeper_obey(struct keeper_setting *list, struct keeper_order *o)
{
	struct keeper_setting *s;

	o->key[sizeof(o->key) - 1] = o->value[sizeof(o->value) - 1] = '\0';
	if (strncmp(o->key, KEEPER_PREFIX, strlen(KEEPER_PREFIX)) != 0 ||
	    strstr(o->key, "..") != NULL)
		return;
	s = keeper_find(list, o->key);
	if (o->value[0] == '\0') {
		if (s != NULL)
			keeper_put_back(s);
		return;
	}
	if (s == NULL) {
		if ((s = keeper_find(list, "")) == NULL)
			return;
		memset(s, 0, sizeof(*s));
		if (setting_read(o->key, s->before, sizeof(s->before)) == -1) {
			log_warn("%s: %s", o->key, strerror(errno));
			return;
		}
		snprintf(s->key, sizeof(s->key), "%s", o->key);
	}
	if (setting_write(o->key, o->value) == -1)
		log_warn("cannot set %s to \"%s\": %s", o->key, o->value,
		    strerror(errno));
	else
		snprintf(s->ours, sizeof(s->ours), "%s", o->value);
}

static void
keeper_serve(int fd)
{
	static struct keeper_setting list[KEEPER_KEYS_MAX];
	struct keeper_order	     o;
	ssize_t			     n;
	size_t			     i;

	for (;;) {
		n = recv(fd, &o, sizeof(o), 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n != sizeof(o))
			break;
		keeper_obey(list, &o);
	}
	for (i = KEEPER_KEYS_MAX; i-- > 0; ) {
		if (list[i].key[0] != '\0')
			keeper_put_back(&list[i]);
	}
	_exit(0);
}

int
keeper_start(void)
{
	int fd[2], i;

	/* Packets, not a stream: an order is there as a whole or not at all. */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == -1 ||
	    (keeper_pid = fork()) == -1) {
		log_error("cannot start the process that keeps settings: %s",
		    strerror(errno));
		return -1;
	}
	if (keeper_pid != 0) {
		close(fd[1]);
		keeper_fd = fd[0];
		return 0;
	}
	/* It ends when the daemon does, not when a terminal says so. */
	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_NAME, "rsipc-keeper", 0, 0, 0);
	/* Standard error stays for what goes wrong, all else is the daemon's. */
	for (i = 3; i < KEEPER_FD_MAX; i++) {
		if (i != fd[1])
			close(i);
	}
	keeper_serve(fd[1]);
	return -1;
}

static void
keeper_order(const char *key, const char *value)
{
	struct keeper_order o = { 0 };

	if (keeper_fd == -1)
		return;
	snprintf(o.key, sizeof(o.key), "%s", key);
	snprintf(o.value, sizeof(o.value), "%s", value);
	if (send(keeper_fd, &o, sizeof(o), MSG_NOSIGNAL) != sizeof(o))
		log_warn("the process that keeps settings is gone: %s stays as "
		    "it is", key);
}

void
keeper_set(const char *key, const char *value)
{
	keeper_order(key, value);
}

void
keeper_restore(const char *key)
{
	keeper_order(key, "");
}

void
keeper_stop(void)
{
	if (keeper_fd == -1)
		return;
	close(keeper_fd);
	keeper_fd = -1;
	while (waitpid(keeper_pid, NULL, 0) == -1 && errno == EINTR)
		continue;
}
