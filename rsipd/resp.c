/* resp.c - a connection to Valkey or Redis that never waits: hiredis reads and writes RESP, libevent moves the bytes */
#include "config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/log.h"
#include "net/resolver.h"
#include "rsipd/resp.h"

int
resp_server_parse(struct resp_server *s, const char *text, uint16_t port)
{
	const char *end = strrchr(text, ':');
	uint16_t    hi;
	size_t	    len, i;

	*s = (struct resp_server){ .port = port };
	/* With several colons the text is an IPv6 address, whole. */
	if (end != NULL && (*text != '[' ? strchr(text, ':') != end :
	    end[-1] != ']'))
		end = NULL;
	if (end != NULL && (conf_port_range(end + 1, &s->port, &hi) == -1 ||
	    s->port != hi))
		return -1;
	len = end != NULL ? (size_t)(end - text) : strlen(text);
	if (len > 2 && *text == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(s->name))
		return -1;
	memcpy(s->name, text, len);
	if (addr_parse(&s->addr, s->name) == 0) {
		s->name[0] = '\0';
		return 0;
	}
	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)s->name[i]) &&
		    strchr("-_.", s->name[i]) == NULL)
			return -1;
	}
	/* A mistyped address is no name. */
	return strspn(s->name, "0123456789.") == len ? -1 : 0;
}

#ifdef HAVE_HIREDIS
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/watch.h"

#define TRY_FIRST	50	/* milliseconds until the next
				 * try; doubled each time */
#define TRY_MAX		1000
#define UNREAD_MAX	(64u << 20)	/* bytes of a reply that is not whole */
#define ARGS_MAX	16	/* of resp_ask() */

enum stage {
	RESP_AWAY,		/* the timer makes the next try */
	RESP_NAMING,		/* DNS, where it is */
	RESP_ASKING,		/* a Sentinel, who it is */
	RESP_GREETING,		/* connected; who we are */
	RESP_UP,
};

struct waiting {
	resp_fn	 fn;
	void	*arg;
	uint64_t since;
};

struct resp {
	struct event_base *base;
	const char *name;
	struct resp_config config;
	const struct resp_ops *ops;
	void	*arg;
	enum stage stage;
	size_t	 server;		/* that is tried */
	struct resp_server found;	/* what a Sentinel said */
	struct resolver *resolver;	/* NULL: nobody has a name */
	uint64_t ticket;		/* of the last question */
	bool	 told;			/* that it is away */
	unsigned pause;
	struct bufferevent *io;
	redisReader *reader;
	struct event *timer;
	struct waiting *queue;		/* a ring */
	size_t	 first, n, room;
};

static void greet(struct resp *r);
static void try_next(struct resp *r);

bool
resp_is_built(void)
{
	return true;
}

/* --- the queue ------------------------------------------------------------ */

static int
push(struct resp *r, resp_fn fn, void *arg)
{
	struct waiting *more;
	size_t		i, room;

	if (r->n == RESP_QUEUE_MAX)
		return -1;
	if (r->n == r->room) {
		room = r->room == 0 ? 64 : 2 * r->room;
		if ((more = calloc(room, sizeof(*more))) == NULL)
			return -1;
		for (i = 0; i < r->n; i++)
			more[i] = r->queue[(r->first + i) % r->room];
		free(r->queue);
		r->queue = more;
		r->room = room;
		r->first = 0;
	}
	r->queue[(r->first + r->n++) % r->room] =
	    (struct waiting){ fn, arg, clock_now() };
	return 0;
}

static struct waiting
pop(struct resp *r)
{
	struct waiting w = r->queue[r->first];

	r->first = (r->first + 1) % r->room;
	r->n--;
	return w;
}

/* --- its life ------------------------------------------------------------- */

static void
set_timer(struct resp *r, unsigned ms)
{
	watch_after(r->timer, ms);
}

static const struct resp_server *
server_of(const struct resp *r)
{
	return r->found.port != 0 ? &r->found : &r->config.servers[r->server];
}

static void
hang_up(struct resp *r)
{
	if (r->io != NULL)
		bufferevent_free(r->io);
	r->io = NULL;
	if (r->reader != NULL)
		redisReaderFree(r->reader);
	r->reader = NULL;
	r->stage = RESP_AWAY;
}

void
resp_drop(struct resp *r, const char *why)
{
	const struct resp_server *s = server_of(r);
	bool			  was_up = r->stage == RESP_UP;
	struct waiting		  w;

	if (r->io == NULL && r->stage != RESP_NAMING)
		return;
	if (was_up || !r->told)
		log_warn("%s: %s port %u: %s", r->name, s->name[0] != '\0' ?
		    s->name : ADDR_TEXT(&s->addr), (unsigned)s->port, why);
	r->told = true;
	hang_up(r);
	while (r->n > 0) {
		w = pop(r);
		w.fn(w.arg, NULL);
	}
	if (was_up) {
		r->pause = TRY_FIRST;
		r->ops->down(r->arg);
	} else {
		r->server = (r->server + 1) % r->config.nservers;
		r->pause = r->pause < TRY_MAX / 2 ? 2 * r->pause : TRY_MAX;
	}
	r->found.port = 0;
	set_timer(r, r->pause);
}

/* Is there an error that another server, or a later try, would not have? */
static bool
is_of_the_server(const redisReply *reply)
{
	static const char *const words[] = { "READONLY", "LOADING",
		"MASTERDOWN", "NOSCRIPT", "NOAUTH", "NOREPLICAS", "MISCONF" };
	size_t			 i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strncmp(reply->str, words[i], strlen(words[i])) == 0)
			return true;
	}
	return false;
}

static bool
take_reply(struct resp *r)
{
	redisReply    *reply = NULL;
	struct waiting w;
	char	       why[128];
	void	      *out;

	if (redisReaderGetReply(r->reader, &out) != REDIS_OK) {
		resp_drop(r, "what it sends is no RESP");
		return false;
	}
	if ((reply = out) == NULL)
		return false;
	if (r->n == 0) {
		freeReplyObject(reply);
		resp_drop(r, "it answers what nobody asked");
		return false;
	}
	if (r->stage == RESP_UP && reply->type == REDIS_REPLY_ERROR &&
	    is_of_the_server(reply)) {
		snprintf(why, sizeof(why), "%s", reply->str);
		freeReplyObject(reply);
		resp_drop(r, why);
		return false;
	}
	w = pop(r);
	w.fn(w.arg, reply);
	freeReplyObject(reply);
	/* What was said may have ended the connection. */
	return r->reader != NULL;
}

static void
on_read(struct bufferevent *io, void *arg)
{
	struct resp	*r = arg;
	struct evbuffer *in = bufferevent_get_input(io);
	size_t		 len;

	while ((len = evbuffer_get_contiguous_space(in)) > 0) {
		if (r->reader->len + len > UNREAD_MAX) {
			resp_drop(r, "it sends too much");
			return;
		}
		if (redisReaderFeed(r->reader, (char *)evbuffer_pullup(in,
		    (ev_ssize_t)len), len) != REDIS_OK) {
			resp_drop(r, "out of memory");
			return;
		}
		evbuffer_drain(in, len);
	}
	while (take_reply(r))
		;
}

static void
on_event(struct bufferevent *io, short what, void *arg)
{
	struct resp  *r = arg;
	const char   *why;
	unsigned long e;
	int	      on = 1;

	if (what & BEV_EVENT_CONNECTED) {
		setsockopt(bufferevent_getfd(io), IPPROTO_TCP, TCP_NODELAY,
		    &on, sizeof(on));
		greet(r);
		return;
	}
	if (r->config.tls != NULL &&
	    (e = bufferevent_get_openssl_error(io)) != 0) {
		why = ERR_reason_error_string(e);
		resp_drop(r, why != NULL ? why : "TLS");
		return;
	}
	resp_drop(r, what & BEV_EVENT_EOF ? "it hung up" :
	    evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
}

static SSL *
make_ssl(struct resp *r, const struct resp_server *s)
{
	SSL	   *ssl = SSL_new(r->config.tls);
	const char *name = r->config.tls_name != NULL ? r->config.tls_name :
		s->name[0] != '\0' ? s->name : NULL;

	if (ssl == NULL)
		return NULL;
	if (name != NULL ? SSL_set1_host(ssl, name) == 1 &&
	    SSL_set_tlsext_host_name(ssl, name) == 1 :
	    X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), s->addr.bytes,
	    addr_len(&s->addr)) == 1)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

static void
connect_to(struct resp *r, const struct resp_server *s)
{
	struct sockaddr_storage ss;
	socklen_t		len = addr_to_sockaddr(&s->addr, s->port, &ss);
	SSL		       *ssl;

	r->reader = redisReaderCreate();
	if (r->config.tls == NULL)
		r->io = bufferevent_socket_new(r->base, -1,
		    BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	else if ((ssl = make_ssl(r, s)) != NULL)
		r->io = bufferevent_openssl_socket_new(r->base, -1, ssl,
		    BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE |
		    BEV_OPT_DEFER_CALLBACKS);
	if (r->io == NULL || r->reader == NULL) {
		hang_up(r);
		set_timer(r, TRY_MAX);
		return;
	}
	if (r->config.tls != NULL)
		bufferevent_openssl_set_allow_dirty_shutdown(r->io, 1);
	bufferevent_setcb(r->io, on_read, NULL, on_event, r);
	r->stage = r->config.master != NULL && r->found.port == 0 ?
	    RESP_ASKING : RESP_GREETING;
	set_timer(r, r->config.patience);
	if (bufferevent_enable(r->io, EV_READ | EV_WRITE) == -1 ||
	    bufferevent_socket_connect(r->io, (struct sockaddr *)&ss,
	    (int)len) == -1)
		resp_drop(r, strerror(errno));
}

/* Where a name has several addresses, each try takes another. */
static void
on_named(void *arg, uint64_t ticket, const struct resolver_answer *a)
{
	struct resp	  *r = arg;
	struct resp_server s;

	if (r->stage != RESP_NAMING || ticket != r->ticket)
		return;
	if (a->naddrs == 0) {
		resp_drop(r, a->timeout ? "DNS does not answer" :
		    "DNS has no address of it");
		return;
	}
	s = *server_of(r);
	s.addr = a->addr[r->ticket % a->naddrs];
	connect_to(r, &s);
}

static void
try_next(struct resp *r)
{
	const struct resp_server *s = server_of(r);

	if (addr_is_set(&s->addr)) {
		connect_to(r, s);
		return;
	}
	r->stage = RESP_NAMING;
	set_timer(r, r->config.patience);
	if (r->resolver == NULL ||
	    resolver_ask_name(r->resolver, s->name, ++r->ticket) == -1)
		resp_drop(r, "nobody can be asked where it is");
}

/* A server that says nothing is away; one that was not asked is asked. */
static void
on_pong(void *arg, const redisReply *reply)
{
	(void)arg;
	(void)reply;
}

static void
on_timer(void *arg)
{
	struct resp *r = arg;
	uint64_t     now = clock_now();

	if (r->stage == RESP_AWAY) {
		try_next(r);
		return;
	}
	if (r->stage != RESP_UP) {
		resp_drop(r, "no answer");
		return;
	}
	if (r->n > 0 && now - r->queue[r->first].since >= r->config.patience) {
		resp_drop(r, "no answer");
		return;
	}
	if (r->n == 0)
		resp_ask(r, on_pong, r, "PING", NULL);
	set_timer(r, r->config.patience / 4);
}

/* --- who are you, who are we ---------------------------------------------- */

static void
on_role(void *arg, const redisReply *reply)
{
	struct resp *r = arg;

	if (reply == NULL)
		return;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 ||
	    reply->element[0]->str == NULL ||
	    strcmp(reply->element[0]->str, "master") != 0) {
		resp_drop(r, reply->type == REDIS_REPLY_ERROR ? reply->str :
		    "it is no master");
		return;
	}
	if (r->told)
		log_info("%s is there", r->name);
	r->told = false;
	r->stage = RESP_UP;
	r->pause = TRY_FIRST;
	set_timer(r, r->config.patience / 4);
	r->ops->up(r->arg);
}

static void
on_auth(void *arg, const redisReply *reply)
{
	struct resp *r = arg;

	if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
		resp_drop(r, reply->str);
}

static void
on_master(void *arg, const redisReply *reply)
{
	struct resp	  *r = arg;
	struct resp_server s = { .port = 0 };

	if (reply == NULL)
		return;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    reply->element[0]->str == NULL || reply->element[1]->str == NULL ||
	    resp_server_parse(&s, reply->element[0]->str,
	    (uint16_t)strtoul(reply->element[1]->str, NULL, 10)) == -1 ||
	    s.port == 0) {
		resp_drop(r, "this Sentinel knows no such master");
		return;
	}
	hang_up(r);
	r->found = s;
	/* Not from within the reader that was freed. */
	set_timer(r, 1);
}

static void
greet(struct resp *r)
{
	const struct option_secret *p = r->config.password;
	const char		   *argv[3] = { "AUTH", r->config.user };
	size_t			    len[3] = { 4 };
	int			    argc = 1;

	if (p != NULL && p->len != 0) {
		if (r->config.user != NULL)
			len[argc++] = strlen(r->config.user);
		argv[argc] = (const char *)p->bytes;
		len[argc++] = p->len;
		resp_send(r, on_auth, r, argc, argv, len);
	}
	if (r->stage == RESP_ASKING)
		resp_ask(r, on_master, r, "SENTINEL",
		    "get-master-addr-by-name", r->config.master, NULL);
	else
		resp_ask(r, on_role, r, "ROLE", NULL);
}

/* --- what others ask ------------------------------------------------------ */

int
resp_send(struct resp *r, resp_fn fn, void *arg, int argc,
    const char *const *argv, const size_t *len)
{
	struct evbuffer *out;
	char		*bytes;
	int		 n;

	if (r->io == NULL || push(r, fn, arg) == -1)
		return -1;
	/* hiredis takes what it does not change without const. */
	n = (int)redisFormatCommandArgv(&bytes, argc, (const char **)(uintptr_t)
	    argv, len);
	out = bufferevent_get_output(r->io);
	if (n == -1 || evbuffer_add(out, bytes, (size_t)n) == -1) {
		/* The last of the ring is taken back. */
		r->n--;
		if (n != -1)
			redisFreeCommand(bytes);
		return -1;
	}
	redisFreeCommand(bytes);
	return 0;
}

int
resp_ask(struct resp *r, resp_fn fn, void *arg, ...)
{
	const char *argv[ARGS_MAX];
	va_list	    ap;
	int	    argc = 0;

	va_start(ap, arg);
	while (argc < ARGS_MAX && (argv[argc] = va_arg(ap, const char *)) !=
	    NULL)
		argc++;
	va_end(ap);
	return resp_send(r, fn, arg, argc, argv, NULL);
}

struct resp *
resp_new(struct event_base *base, const char *name, const struct resp_config *c,
    const struct resp_ops *ops, void *arg)
{
	struct resp *r = calloc(1, sizeof(*r));
	bool	     names = c->master != NULL;
	size_t	     i;

	if (r == NULL)
		return NULL;
	for (i = 0; i < c->nservers; i++)
		names = names || !addr_is_set(&c->servers[i].addr);
	r->base = base;
	r->name = name;
	r->config = *c;
	r->ops = ops;
	r->arg = arg;
	r->pause = TRY_FIRST;
	r->config.dns = NULL;
	if (names && c->dns != NULL)
		r->resolver = resolver_new(base, c->dns, on_named, r);
	r->timer = watch_timer(base, on_timer, r);
	if (names && c->dns != NULL && r->resolver == NULL) {
		resp_free(r);
		return NULL;
	}
	set_timer(r, 0);
	return r;
}

void
resp_free(struct resp *r)
{
	if (r == NULL)
		return;
	hang_up(r);
	resolver_free(r->resolver);
	watch_end(r->timer);
	free(r->queue);
	free(r);
}

SSL_CTX *
resp_tls_new(const char *ca)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (tls != NULL && SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) ==
	    1 && SSL_CTX_load_verify_file(tls, ca) == 1) {
		SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
		return tls;
	}
	log_error("%s: %s", ca, ERR_reason_error_string(ERR_peek_last_error()));
	SSL_CTX_free(tls);
	return NULL;
}

void
resp_tls_free(SSL_CTX *tls)
{
	SSL_CTX_free(tls);
}
#else

bool
resp_is_built(void)
{
	return false;
}

struct ssl_ctx_st *
resp_tls_new(const char *ca)
{
	(void)ca;
	return NULL;
}

void
resp_tls_free(struct ssl_ctx_st *tls)
{
	(void)tls;
}
#endif
