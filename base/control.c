/* control.c - the UNIX socket through which rsipctl asks a daemon: one JSON object a line */
#include "config.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <grp.h>
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
#include "base/json.h"
#include "base/listener.h"
#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"

#define CONTROL_ASKERS_MAX	64	/* each costs a descriptor and a line */
#define CONTROL_ASKERS_OTHERS	48	/* of them for who is not privileged */
#define CONTROL_ASKERS_USER	8	/* of those for one user */
#define CONTROL_LINE_MAX	65536	/* of a request */
#define CONTROL_ANSWER_MAX	(64u << 20)	/* 100 000 bindings as text */
#define CONTROL_QUEUE		1024	/* not yet accepted */
#define CONTROL_DEPTH_MAX	4	/* a request is flat */
/* unread events before a watcher is cut off */
#define CONTROL_BACKLOG_MAX	(4u << 20)
#define CONTROL_DEADLINE	10	/* seconds for a request,
					 * and for its answer */
#define CONTROL_GROUPS_MAX	65536	/* the kernel's NGROUPS_MAX */

struct asker {
	TAILQ_ENTRY(asker)	 entry;
	struct control		*control;
	struct bufferevent	*bev;
	struct event		*deadline;
	uid_t			 uid;
	bool			 privileged;
	bool			 watching;
	/* when what is queued has gone out */
	bool			 closing;
};

struct control {
	struct event_base	*base;
	struct listener		*listener;
	char			*path;
	control_fn		 fn;
	void			*arg;
	uid_t			 owner;		/* who started the daemon */
	gid_t			 group;		/* (gid_t)-1: there is none */
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
	watch_end(a->deadline);
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

void
control_put(json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

json_object *
control_answer(const char *key, const char *text)
{
	json_object *o = json_object_new_object();

	control_put(o, key, text);
	return o;
}

static void
asker_error(struct asker *a, const char *text)
{
	json_object *o = control_answer("error", text);

	asker_send(a, o);
	json_object_put(o);
}

size_t
control_limit(json_object *req)
{
	const char *text = json_member_text(req, "limit");

	return text == NULL ? SIZE_MAX : (size_t)strtoul(text, NULL, 10);
}

json_object *
control_parse(const char *line, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(CONTROL_DEPTH_MAX);
	json_object	    *req = NULL;

	if (tok == NULL)
		return NULL;
	if (len <= CONTROL_LINE_MAX)
		req = json_tokener_parse_ex(tok, line, (int)len);
	if (json_tokener_get_error(tok) != json_tokener_success ||
	    json_member_text(req, "command") == NULL)
		goto refuse;
	json_object_object_foreach(req, key, value) {
		(void)key;
		if (!json_object_is_type(value, json_type_string))
			goto refuse;
	}
	json_tokener_free(tok);
	return req;
refuse:
	json_object_put(req);
	json_tokener_free(tok);
	return NULL;
}

static void
asker_line(struct asker *a, const char *line, size_t len)
{
	json_object *req = control_parse(line, len), *answer;

	if (req == NULL) {
		asker_error(a, "not a JSON object of texts with a \"command\"");
		return;
	}
	if (strcmp(json_member_text(req, "command"), "watch") == 0 &&
	    a->privileged) {
		a->watching = true;
	} else if ((answer = a->control->fn(a->control->arg, req,
	    a->privileged)) == NULL) {
		asker_error(a, "unknown command");
	} else {
		asker_send(a, answer);
		json_object_put(answer);
	}
	json_object_put(req);
}

static size_t
asker_unread(const struct asker *a)
{
	return evbuffer_get_length(bufferevent_get_output(a->bev));
}

/* A request has its time to come, and an answer to be read; a
 * watcher has all. */
static void
asker_set_deadline(struct asker *a)
{
	if (a->watching && !a->closing)
		event_del(a->deadline);
	else
		watch_after(a->deadline, CONTROL_DEADLINE * 1000);
}

/*
 * One answer at a time: who asks on without reading is not heard until he has
 * read, and costs us one line and one answer.
 */
static void
asker_serve(struct asker *a)
{
	struct evbuffer *in = bufferevent_get_input(a->bev);
	size_t		 len;
	char		*line;
	bool		 any = false;

	while (asker_unread(a) == 0 &&
	    (line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF)) != NULL) {
		asker_line(a, line, len);
		free(line);
		any = true;
	}
	if (asker_unread(a) == 0 &&
	    evbuffer_get_length(in) > CONTROL_LINE_MAX) {
		asker_error(a, "line too long");
		a->closing = any = true;
	}
	if (a->closing || asker_unread(a) != 0)
		bufferevent_disable(a->bev, EV_READ);
	else
		bufferevent_enable(a->bev, EV_READ);
	if (any)
		asker_set_deadline(a);
}

static void
asker_read(struct bufferevent *bev, void *arg)
{
	(void)bev;
	asker_serve(arg);
}

static void
asker_written(struct bufferevent *bev, void *arg)
{
	struct asker *a = arg;

	(void)bev;
	if (a->closing) {
		asker_free(a);
		return;
	}
	asker_set_deadline(a);
	asker_serve(a);
}

static void
asker_event(struct bufferevent *bev, short what, void *arg)
{
	struct asker *a = arg;

	/* An asker may shut its side down and then read the answer. */
	if ((what & BEV_EVENT_EOF) && asker_unread(a) != 0) {
		bufferevent_disable(bev, EV_READ);
		a->closing = true;
		asker_set_deadline(a);
		return;
	}
	asker_free(a);
}

static void
asker_late(void *arg)
{
	asker_free(arg);
}

/* Is the group among those of the process at the other end? */
static bool
control_in_group(const struct control *c, int fd, const struct ucred *cred)
{
	socklen_t len = 0;
	gid_t	 *groups;
	size_t	  i, n;
	bool	  found = false;

	if (c->group == (gid_t)-1)
		return false;
	if (cred->gid == c->group)
		return true;
	/* Asked with no room, the kernel says how much it wants. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 ||
	    errno != ERANGE || len > CONTROL_GROUPS_MAX * sizeof(*groups) ||
	    (groups = calloc(1, len)) == NULL)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0) {
		n = len / sizeof(*groups);
		for (i = 0; i < n && !found; i++)
			found = groups[i] == c->group;
	}
	free(groups);
	return found;
}

/* Why this asker cannot be served now; NULL if he can. */
static const char *
control_full(const struct control *c, uid_t uid, bool privileged)
{
	const struct asker *a;
	unsigned	    others = 0, same = 0;

	if (c->naskers >= CONTROL_ASKERS_MAX)
		return "too many ask at once";
	if (privileged)
		return NULL;
	TAILQ_FOREACH(a, &c->askers, entry) {
		others += !a->privileged;
		same += !a->privileged && a->uid == uid;
	}
	return same >= CONTROL_ASKERS_USER ?
	    "too many of this user ask at once" :
	    others >= CONTROL_ASKERS_OTHERS ? "too many ask at once" : NULL;
}

static struct asker *
asker_new(struct control *c, int fd)
{
	struct asker *a = calloc(1, sizeof(*a));

	if (a == NULL || !watch_stream(c->base, fd, asker_late, a, &a->bev,
	    &a->deadline)) {
		free(a);
		return NULL;
	}
	a->control = c;
	TAILQ_INSERT_TAIL(&c->askers, a, entry);
	c->naskers++;
	return a;
}

static void
control_send_away(int fd, const char *why)
{
	char text[128];
	int  n;

	n = snprintf(text, sizeof(text), "{\"error\":\"%s\"}\n", why);
	if (send(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
		log_debug("an asker who is sent away does not listen");
	close(fd);
}

static void
control_accept(void *arg, int fd, const struct sockaddr *from, bool last)
{
	struct control *c = arg;
	struct ucred	cred = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	socklen_t	credlen = sizeof(cred);
	struct asker   *a;
	const char     *why;
	bool		privileged = false;

	(void)from;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &credlen) == 0)
		privileged = cred.uid == 0 || cred.uid == c->owner ||
		    control_in_group(c, fd, &cred);
	if (last && !privileged)
		why = "no descriptors left";
	else
		why = control_full(c, cred.uid, privileged);
	if (why != NULL) {
		control_send_away(fd, why);
		return;
	}
	if ((a = asker_new(c, fd)) == NULL)
		return;
	a->uid = cred.uid;
	a->privileged = privileged;
	bufferevent_setwatermark(a->bev, EV_READ, 0, CONTROL_LINE_MAX + 1);
	bufferevent_setcb(a->bev, asker_read, asker_written, asker_event, a);
	bufferevent_enable(a->bev, EV_READ | EV_WRITE);
	asker_set_deadline(a);
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
	struct sockaddr_un   sa;
	struct control	    *c = NULL;
	const struct group  *group;
	int		     fd = -1, probe;

	if (control_address(&sa, path) == -1)
		goto fail;
	control_make_folder(path);
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe != -1) {
		if (connect(probe, (struct sockaddr *)&sa, sizeof(sa)) == 0) {
			log_error("one is running already, and answers at %s",
			    path);
			close(probe);
			return NULL;
		}
		if (errno == ECONNREFUSED)
			unlink(path);
		close(probe);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1 ||
	    chmod(path, 0666) == -1 || listen(fd, CONTROL_QUEUE) == -1)
		goto fail;
	c = xcalloc(1, sizeof(*c));
	c->base = base;
	c->fn = fn;
	c->arg = arg;
	c->path = xstrdup(path);
	/* Not the user we change to: others may be that one, too. */
	c->owner = geteuid();
	group = getgrnam(RSIP_GROUP);
	c->group = group != NULL ? group->gr_gid : (gid_t)-1;
	TAILQ_INIT(&c->askers);
	c->listener = listener_new(base, fd, c->path, true, control_accept, c);
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
	struct asker *a;

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
		watch_after(a->deadline, 1);
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
	listener_free(c->listener);
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
	size_t	 len, cap, used;	/* used: bytes of the line
					 * handed out last */
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

	req = control_answer("command", "watch");
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
