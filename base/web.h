/* web.h - the numbers for a browser and for Prometheus: a small HTTP server that only tells, on the loopback interface */
#ifndef BASE_WEB_H
#define BASE_WEB_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/option.h"

struct event_base;
struct web;

#define WEB_TOKEN_MIN	16	/* bytes */

/* In a daemon's settings. */
struct web_config {
	struct sockaddr_storage addr;	/* ss_family 0: no server */
	struct option_secret token;	/* len 0: none, rows are
					 * told to nobody */
};

/* The daemon's options for it: member m of struct s. */
/* NOLINTBEGIN(bugprone-macro-parentheses): it is a member */
#define WEB_OPTIONS(s, m)						\
	{ "metrics", OPTION_TEXT, OPTION_FIXED, .take = web_take,	\
	  OPTION_AT(s, m), .example = "127.0.0.1:9478",			\
	  HELP("Address and port where /metrics and a page with the " \
	      "numbers are; none by default.  Beyond the loopback "	\
	      "interface only with metrics-token.") },			\
	{ "metrics-token", OPTION_SECRET, OPTION_FIXED,			\
	  .lo = WEB_TOKEN_MIN, .hi = OPTION_SECRET_MAX,			\
	  OPTION_AT(s, m.token), .example = "/etc/rsip/metrics.token",	\
	  HELP("File with the word that lets a reader see tables of hosts " \
	      "and flows there.") }
/* NOLINTEND(bugprone-macro-parentheses) */
/* "127.0.0.1:9478", "[::1]:9478" */
int	web_take(void *to, cfg_t *cfg, const struct option *o,
	    const char *text);
/* Is this allowed?  -1 after one log line. */
int	web_check(const struct web_config *c);

/*
 * Writes what stands at path ("/metrics") to f and returns its media type;
 * NULL: there is nothing.  trusted: the reader has the token.
 */
typedef const char *(*web_fn)(void *arg, const char *path, bool trusted,
	    FILE *f);

/*
 * Serves GET and HEAD on base: one request a connection, of at most 4 KiB and
 * ten seconds with its answer, 16 connections at once.  Readers name the
 * address in Host (a page of another name, which was made to lead here, is
 * refused), and a token that is wrong is refused.  Where addr is not of the
 * loopback interface nothing is told without the token.  c must outlive it.
 * NULL after one log line.
 */
struct web *web_open(struct event_base *base, const struct web_config *c,
	    web_fn fn, void *arg);
/* NULL is allowed. */
void	web_close(struct web *w);

/* --- the part without sockets --------------------------------------------- */

struct web_request {
	char path[64];		/* without what follows a '?' */
	bool head;		/* only headers are wanted */
	bool trusted;
};

/*
 * Reads a request's head, hostile, up to and with its empty line.  Returns the
 * status of HTTP: 200, and the request may be answered; else why not.
 */
unsigned web_request_read(const struct web_config *c, const char *buf,
	    size_t len, struct web_request *out);
/* What is wrong with a status, for its line. */
const char *web_status_text(unsigned status);

#endif
