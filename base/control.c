/* control.c - the UNIX socket through which rsipctl asks a daemon: one JSON object a line */
#include "config.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/log.h"
#include "base/util.h"

#define CONTROL_ASKERS_MAX	32		/* each costs a descriptor and a line */
#define CONTROL_LINE_MAX	65536		/* of a request */
#define CONTROL_ANSWER_MAX	(64u << 20)	/* 100 000 bindings as text */
#define CONTROL_BACKLOG_MAX	(4u << 20)	/* unread events before a watcher is cut off */
#define CONTROL_IDLE		10		/* seconds */

struct asker {
	TAILQ_ENTRY(asker)	 entry;
	struct control		*control;
	struct bufferevent	*bev;
	bool			 privileged;
	bool			 watching;
	bool			 closing;	/* when what is queued has gone out */
};

struct control {
	struct event_base	*base;
	struct evconnlistener	*listener;
	char			*path;
	control_fn		 fn;
	void			*arg;
	unsigned		 naskers;
	TAILQ_HEAD(, asker)	 askers;
};

static int
control_address(struct sockaddr_un *sa, const char *path)
{
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sa->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sa->sun_path, path, strlen(path) + 1);
	return 0;
}

static void
asker_free(struct asker *a)
{
	TAILQ_REMOVE(&a->control->askers, a, entry);
	a->control->naskers--;
	bufferevent_free(a->bev);
	free(a);
}

static void
asker_send(struct asker *a, json_object *o)
{
	const char *text;
	size_t	    len;

	text = json_object_to_json_string_length(o,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	bufferevent_write(a->bev, text, len);
	bufferevent_write(a->bev, "\n", 1);
}

static void
asker_error(struct asker *a, const char *text)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "error", json_object_new_string(text));
	asker_send(a, o);
	json_object_put(o);
}

static void
asker_line(struct asker *a, const char *line, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(8);
	json_object	    *req = NULL, *cmd, *answer;

	if (tok != NULL)
		req = json_tokener_parse_ex(tok, line, (int)len);
	if (tok == NULL || json_tokener_get_error(tok) != json_tokener_success ||
	    !json_object_is_type(req, json_type_object) ||
	    !json_object_object_get_ex(req, "command", &cmd) ||
	    !json_object_is_type(cmd, json_type_string)) {
		asker_error(a, "not a JSON object with a \"command\"");
		goto out;
	}
	if (strcmp(json_object_get_string(cmd), "watch") == 0 && a->privileged) {
		a->watching = true;
		bufferevent_set_timeouts(a->bev, NULL, NULL);
		goto out;
	}
	answer = a->control->fn(a->control->arg, req, a->privileged);
	if (answer == NULL) {
		asker_error(a, "unknown command");
		goto out;
	}
	asker_send(a, answer);
	json_object_put(answer);
out:
	json_object_put(req);
	if (tok != NULL)
		json_tokener_free(tok);
}

static void
asker_read(struct bufferevent *bev, void *arg)
{
	struct asker	*a = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t		 len;
	char		*line;

	while (!a->closing &&
	    (line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF)) != NULL) {
		asker_line(a, line, len);
		free(line);
	}
	if (evbuffer_get_length(in) > CONTROL_LINE_MAX && !a->closing) {
		asker_error(a, "line too long");
		bufferevent_disable(bev, EV_READ);
		a->closing = true;
	}
}

static void
asker_written(struct bufferevent *bev, void *arg)
{
	struct asker *a = arg;

	(void)bev;
	if (a->closing)
		asker_free(a);
}

static void
asker_event(struct bufferevent *bev, short what, void *arg)
{
	struct asker *a = arg;

	/* An asker may shut its side down and then read the answer. */
	if ((what & BEV_EVENT_EOF) &&
	    evbuffer_get_length(bufferevent_get_output(bev)) != 0) {
		bufferevent_disable(bev, EV_READ);
		a->closing = true;
		return;
	}
	asker_free(a);
}

static void
control_accept(struct evconnlistener *l, evutil_socket_t fd,
    struct sockaddr *sa, int len, void *arg)
{
	struct timeval	idle = { .tv_sec = CONTROL_IDLE };
	struct control *c = arg;
	struct ucred	cred;
	socklen_t	credlen = sizeof(cred);
	struct asker   *a;

	(void)l;
	(void)sa;
	(void)len;
	if (c->naskers >= CONTROL_ASKERS_MAX ||
	    (a = calloc(1, sizeof(*a))) == NULL) {
		close(fd);
		return;
	}
	a->bev = bufferevent_socket_new(c->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (a->bev == NULL) {
		close(fd);
		free(a);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &credlen) == 0)
		a->privileged = cred.uid == 0 || cred.uid == geteuid();
	a->control = c;
	TAILQ_INSERT_TAIL(&c->askers, a, entry);
	c->naskers++;
	bufferevent_setwatermark(a->bev, EV_READ, 0, CONTROL_LINE_MAX + 1);
	bufferevent_setcb(a->bev, asker_read, asker_written, asker_event, a);
	bufferevent_set_timeouts(a->bev, &idle, &idle);
	bufferevent_enable(a->bev, EV_READ | EV_WRITE);
}

/* Makes the folders that lead to path: after "make install" to /usr/local not
 * even /usr/local/var/run is there. */
static void
control_make_folder(const char *path)
{
	char  folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	for (slash = strchr(folder + 1, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(folder, 0755) == -1 && errno != EEXIST)
			log_debug("%s: %s", folder, strerror(errno));
		*slash = '/';
	}
}

struct control *
control_open(struct event_base *base, const char *path, control_fn fn,
    void *arg)
{
	struct sockaddr_un sa;
	struct control	  *c = NULL;
	int		   fd = -1, probe;

	if (control_address(&sa, path) == -1)
		goto fail;
	control_make_folder(path);
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe != -1) {
		if (connect(probe, (struct sockaddr *)&sa, sizeof(sa)) == 0) {
			log_error("%s: another daemon answers there: is it "
			    "running already?", path);
			close(probe);
			return NULL;
		}
		if (errno == ECONNREFUSED)
			unlink(path);
		close(probe);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1 ||
	    chmod(path, 0666) == -1)
		goto fail;
	c = xcalloc(1, sizeof(*c));
	c->base = base;
	c->fn = fn;
	c->arg = arg;
	c->path = xstrdup(path);
	TAILQ_INIT(&c->askers);
	c->listener = evconnlistener_new(base, control_accept, c,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16, fd);
	if (c->listener == NULL) {
		free(c->path);
		free(c);
		goto fail;
	}
	return c;
fail:
	log_error("control socket %s: %s", path, strerror(errno));
	if (fd != -1)
		close(fd);
	return NULL;
}

bool
control_watched(const struct control *c)
{
	const struct asker *a;

	TAILQ_FOREACH(a, &c->askers, entry) {
		if (a->watching)
			return true;
	}
	return false;
}

void
control_publish(struct control *c, json_object *event)
{
	static const struct timeval soon = { .tv_usec = 1000 };
	struct asker		   *a;

	if (c == NULL)
		return;
	TAILQ_FOREACH(a, &c->askers, entry) {
		if (!a->watching)
			continue;
		asker_send(a, event);
		if (evbuffer_get_length(bufferevent_get_output(a->bev)) <=
		    CONTROL_BACKLOG_MAX)
			continue;
		/* A watcher that does not read must not grow us. It may be the
		 * one whose command is being answered: it goes by a timeout. */
		a->watching = false;
		bufferevent_set_timeouts(a->bev, NULL, &soon);
	}
}

void
control_close(struct control *c)
{
	struct asker *a;

	if (c == NULL)
		return;
	while ((a = TAILQ_FIRST(&c->askers)) != NULL)
		asker_free(a);
	evconnlistener_free(c->listener);
	/* The folder may belong to root when we no longer do: the next start
	 * replaces a socket that nobody answers. */
	unlink(c->path);
	free(c->path);
	free(c);
}

/* Connects and sends one line; the descriptor, or -1 with errno. */
static int
control_connect(const char *path, json_object *req, int timeout_ms)
{
	struct timeval	   tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	struct sockaddr_un sa;
	const char	  *text;
	size_t		   len;
	int		   fd, saved;

	if (control_address(&sa, path) == -1)
		return -1;
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	if (timeout_ms > 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1)
		goto fail;
	text = json_object_to_json_string_length(req, JSON_C_TO_STRING_PLAIN,
	    &len);
	if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len ||
	    send(fd, "\n", 1, MSG_NOSIGNAL) != 1)
		goto fail;
	return fd;
fail:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

struct line_reader {
	int	 fd;
	char	*buf;
	size_t	 len, cap, used;	/* used: bytes of the line handed out last */
};

/* Next line, terminated in place; NULL with errno (0 at the end). */
static char *
line_next(struct line_reader *r, int timeout_ms)
{
	struct pollfd pfd = { .fd = r->fd, .events = POLLIN };
	uint64_t      until = clock_now() + (uint64_t)timeout_ms, now;
	char	     *nl;
	ssize_t	      n;
	int	      wait = -1;

	memmove(r->buf, r->buf + r->used, r->len - r->used);
	r->len -= r->used;
	r->used = 0;
	for (;;) {
		if (r->len > 0 && (nl = memchr(r->buf, '\n', r->len)) != NULL) {
			*nl = '\0';
			r->used = (size_t)(nl - r->buf) + 1;
			return r->buf;
		}
		if (r->cap - r->len < 4096) {
			if (r->cap >= CONTROL_ANSWER_MAX) {
				errno = EMSGSIZE;
				return NULL;
			}
			r->cap = r->cap * 2 + 8192;
			r->buf = xrealloc(r->buf, r->cap, 1);
		}
		if (timeout_ms > 0) {
			if ((now = clock_now()) >= until) {
				errno = ETIMEDOUT;
				return NULL;
			}
			wait = (int)(until - now);
		}
		n = poll(&pfd, 1, wait);
		if (n == 0)
			continue;
		if (n > 0)
			n = read(r->fd, r->buf + r->len, r->cap - r->len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == 0)
				errno = 0;
			return NULL;
		}
		r->len += (size_t)n;
	}
}

json_object *
control_ask(const char *path, json_object *req, int timeout_ms)
{
	struct line_reader r = { 0 };
	json_object	  *answer = NULL;
	char		  *line;
	int		   saved;

	if ((r.fd = control_connect(path, req, timeout_ms)) == -1)
		return NULL;
	r.buf = xcalloc(1, r.cap = 8192);
	if ((line = line_next(&r, timeout_ms)) != NULL) {
		if ((answer = json_tokener_parse(line)) == NULL)
			errno = EPROTO;
	} else if (errno == 0)
		errno = ECONNRESET;
	saved = errno;
	free(r.buf);
	close(r.fd);
	errno = saved;
	return answer;
}

int
control_watch(const char *path, bool (*fn)(void *, json_object *), void *arg)
{
	struct line_reader r = { 0 };
	json_object	  *req, *event;
	char		  *line;
	bool		   more = true;
	int		   saved;

	req = json_object_new_object();
	json_object_object_add(req, "command", json_object_new_string("watch"));
	r.fd = control_connect(path, req, 0);
	json_object_put(req);
	if (r.fd == -1)
		return -1;
	r.buf = xcalloc(1, r.cap = 8192);
	while (more && (line = line_next(&r, 0)) != NULL) {
		if ((event = json_tokener_parse(line)) == NULL)
			continue;
		more = fn(arg, event);
		json_object_put(event);
	}
	saved = more ? errno : 0;
	free(r.buf);
	close(r.fd);
	errno = saved;
	return saved == 0 ? 0 : -1;
}
