/* web.c - the numbers for a browser and for Prometheus: a small HTTP server that only tells, on the loopback interface */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/listener.h"
#include "base/log.h"
#include "base/util.h"
#include "base/watch.h"
#include "base/web.h"
#include "base/web_page.h"

#define WEB_READERS_MAX	16
#define WEB_HEAD_MAX	4096	/* bytes of a request */
#define WEB_DEADLINE	10	/* seconds for a request and its answer */
#define WEB_QUEUE	16	/* not yet accepted */
#define WEB_NAME_MAX	64	/* bytes of an address and a port */

struct reader {
	TAILQ_ENTRY(reader) entry;
	struct web	   *web;
	struct bufferevent *bev;
	struct event	   *deadline;
	bool		    answered;
};

struct web {
	const struct web_config *config;
	struct event_base	*base;
	struct listener		*listener;
	char			 name[WEB_NAME_MAX];
	web_fn			 fn;
	void			*arg;
	unsigned		 nreaders;
	TAILQ_HEAD(, reader)	 readers;
};

/* What the page is made of; it holds nothing of the daemon's. */
static const struct {
	const char *path, *type, *text;
} files[] = {
	{ "/", "text/html; charset=utf-8", web_page_html },
	{ "/page.js", "text/javascript; charset=utf-8", web_page_js },
	{ "/page.css", "text/css; charset=utf-8", web_page_css },
};

static void
reader_free(struct reader *r)
{
	TAILQ_REMOVE(&r->web->readers, r, entry);
	r->web->nreaders--;
	bufferevent_free(r->bev);
	watch_end(r->deadline);
	free(r);
}

/* --- answers -------------------------------------------------------------- */

static void
answer_head(struct evbuffer *out, unsigned status, const char *type, size_t len)
{
	evbuffer_add_printf(out, "HTTP/1.1 %u %s\r\n"
	    "Content-Type: %s\r\n"
	    "Content-Length: %zu\r\n"
	    "%s%s"
	    "Connection: close\r\n"
	    "Cache-Control: no-store\r\n"
	    "Content-Security-Policy: default-src 'none'; script-src 'self'; "
	    "style-src 'self'; connect-src 'self'; base-uri 'none'; "
	    "form-action 'none'; frame-ancestors 'none'\r\n"
	    "Cross-Origin-Resource-Policy: same-origin\r\n"
	    "Referrer-Policy: no-referrer\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "X-Frame-Options: DENY\r\n\r\n", status, web_status_text(status),
	    type, len, status == 401 ? "WWW-Authenticate: Bearer\r\n" : "",
	    status == 405 ? "Allow: GET, HEAD\r\n" : "");
}

static void
answer_status(struct evbuffer *out, unsigned status)
{
	const char *text = web_status_text(status);

	answer_head(out, status, "text/plain; charset=utf-8", strlen(text) + 1);
	evbuffer_add_printf(out, "%s\n", text);
}

static void
answer_free(const void *data, size_t len, void *arg)
{
	(void)len;
	(void)arg;
	free((void *)(uintptr_t)data);
}

/* Takes text over. */
static void
answer_text(struct evbuffer *out, const struct web_request *q,
    const char *type, char *text, size_t len)
{
	answer_head(out, 200, type, len);
	if (q->head || len == 0 ||
	    evbuffer_add_reference(out, text, len, answer_free, NULL) == -1)
		free(text);
}

static bool
answer_file(struct evbuffer *out, const struct web_request *q)
{
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (strcmp(files[i].path, q->path) != 0)
			continue;
		answer_head(out, 200, files[i].type, strlen(files[i].text));
		if (!q->head)
			evbuffer_add(out, files[i].text, strlen(files[i].text));
		return true;
	}
	return false;
}

static bool
is_loopback(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in  *in = (const void *)ss;
	const struct sockaddr_in6 *in6 = (const void *)ss;

	return ss->ss_family == AF_INET6 ?
	    IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) :
	    ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static socklen_t
place_len(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
	    sizeof(struct sockaddr_in);
}

static void
place_text(const struct sockaddr_storage *ss, char out[WEB_NAME_MAX])
{
	char host[INET6_ADDRSTRLEN] = "", port[8] = "";

	(void)getnameinfo((const struct sockaddr *)ss, place_len(ss), host,
	    sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(out, WEB_NAME_MAX, ss->ss_family == AF_INET6 ? "[%s]:%s" :
	    "%s:%s", host, port);
}

static void
answer(struct web *w, struct evbuffer *out, const struct web_request *q)
{
	const char *type;
	char	   *text = NULL;
	size_t	    len = 0;
	FILE	   *f;

	if (answer_file(out, q))
		return;
	if (!q->trusted && !is_loopback(&w->config->addr)) {
		answer_status(out, 401);
		return;
	}
	if ((f = open_memstream(&text, &len)) == NULL) {
		answer_status(out, 503);
		return;
	}
	type = w->fn(w->arg, q->path, q->trusted, f);
	if (fclose(f) == 0 && type != NULL) {
		answer_text(out, q, type, text, len);
		return;
	}
	free(text);
	answer_status(out, type == NULL ? 404 : 503);
}

/* --- readers -------------------------------------------------------------- */

static void
reader_read(struct bufferevent *bev, void *arg)
{
	struct reader	  *r = arg;
	struct evbuffer	  *in = bufferevent_get_input(bev);
	struct evbuffer	  *out = bufferevent_get_output(bev);
	size_t		   have = evbuffer_get_length(in);
	struct evbuffer_ptr end;
	struct web_request q;
	unsigned	   status;

	if (r->answered)
		return;
	end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	if (end.pos == -1 && have <= WEB_HEAD_MAX)
		return;
	r->answered = true;
	bufferevent_disable(bev, EV_READ);
	if (end.pos == -1 || end.pos + 4 > WEB_HEAD_MAX)
		status = 431;
	else
		status = web_request_read(r->web->config,
		    (const char *)evbuffer_pullup(in, end.pos + 4),
		    (size_t)end.pos + 4, &q);
	if (status == 200)
		answer(r->web, out, &q);
	else
		answer_status(out, status);
	evbuffer_drain(in, have);
}

static void
reader_written(struct bufferevent *bev, void *arg)
{
	struct reader *r = arg;

	(void)bev;
	if (r->answered)
		reader_free(r);
}

static void
reader_event(struct bufferevent *bev, short what, void *arg)
{
	struct reader *r = arg;

	/* A reader may shut its side down and then read the answer. */
	if ((what & BEV_EVENT_EOF) && r->answered &&
	    evbuffer_get_length(bufferevent_get_output(bev)) != 0)
		return;
	reader_free(r);
}

static void
reader_late(void *arg)
{
	reader_free(arg);
}

static void
web_accept(void *arg, int fd, const struct sockaddr *from, bool last)
{
	struct web    *w = arg;
	struct reader *r;

	(void)from;
	if (last || w->nreaders >= WEB_READERS_MAX ||
	    (r = calloc(1, sizeof(*r))) == NULL) {
		close(fd);
		return;
	}
	r->web = w;
	if (!watch_stream(w->base, fd, reader_late, r, &r->bev, &r->deadline)) {
		free(r);
		return;
	}
	TAILQ_INSERT_TAIL(&w->readers, r, entry);
	w->nreaders++;
	bufferevent_setwatermark(r->bev, EV_READ, 0, WEB_HEAD_MAX + 1);
	bufferevent_setcb(r->bev, reader_read, reader_written, reader_event, r);
	bufferevent_enable(r->bev, EV_READ | EV_WRITE);
	watch_after(r->deadline, WEB_DEADLINE * 1000);
}

/* --- life ----------------------------------------------------------------- */

int
web_check(const struct web_config *c)
{
	char name[WEB_NAME_MAX];

	if (c->addr.ss_family == 0 || is_loopback(&c->addr) ||
	    c->token.len != 0)
		return 0;
	place_text(&c->addr, name);
	log_error("metrics = \"%s\" is not of the loopback interface: that "
	    "needs metrics-token", name);
	return -1;
}

struct web *
web_open(struct event_base *base, const struct web_config *c, web_fn fn,
    void *arg)
{
	struct web *w = xcalloc(1, sizeof(*w));
	int	    one = 1, fd;

	w->config = c;
	w->base = base;
	w->fn = fn;
	w->arg = arg;
	TAILQ_INIT(&w->readers);
	place_text(&c->addr, w->name);
	fd = socket(c->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
	    sizeof(one)) == -1 ||
	    bind(fd, (const struct sockaddr *)&c->addr,
	    place_len(&c->addr)) == -1 ||
	    listen(fd, WEB_QUEUE) == -1)
		goto fail;
	w->listener = listener_new(base, fd, w->name, false, web_accept, w);
	log_info("numbers at http://%s/", w->name);
	return w;
fail:
	log_error("metrics at %s: %s", w->name, strerror(errno));
	if (fd != -1)
		close(fd);
	free(w);
	return NULL;
}

void
web_close(struct web *w)
{
	struct reader *r;

	if (w == NULL)
		return;
	while ((r = TAILQ_FIRST(&w->readers)) != NULL)
		reader_free(r);
	listener_free(w->listener);
	free(w);
}
