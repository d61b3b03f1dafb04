/* web_request.c - a request of HTTP, read without trust (RFC 9112, as much of it as a reader of numbers needs) */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/conf.h"
#include "base/util.h"
#include "base/web.h"

#define LINE_MAX_LEN	1024	/* of a header; who needs more is
				 * no reader of ours */

/* What the headers say, so far. */
struct head {
	char host[64];
	bool has_host, has_token, wrong_token;
};

const char *
web_status_text(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 421:
		return "Misdirected Request";
	case 431:
		return "Request Header Fields Too Large";
	case 505:
		return "HTTP Version Not Supported";
	}
	return "Service Unavailable";
}

/*
 * "192.0.2.1:80", "[2001:db8::1]:80"; without its port (one that may be absent
 * has a default) either is an address alone.
 */
static int
place_read(struct sockaddr_storage *out, const char *text, const char *port)
{
	struct sockaddr_storage ss = { .ss_family = AF_INET };
	struct sockaddr_in     *in = (void *)&ss;
	struct sockaddr_in6    *in6 = (void *)&ss;
	const char	       *end;
	char			addr[INET6_ADDRSTRLEN];
	size_t			n;
	unsigned long		v = 0;

	if (*text == '[') {
		ss.ss_family = AF_INET6;
		text++;
	}
	n = strcspn(text, ss.ss_family == AF_INET6 ? "]" : ":");
	if (n >= sizeof(addr))
		return -1;
	memcpy(addr, text, n);
	addr[n] = '\0';
	end = text + n;
	if (ss.ss_family == AF_INET6 && *end++ != ']')
		return -1;
	if (*end == ':')
		port = end + 1;
	else if (*end != '\0')
		return -1;
	for (end = port; end != NULL && *end >= '0' && *end <= '9' &&
	    v <= UINT16_MAX; end++)
		v = v * 10 + (unsigned long)(*end - '0');
	if (end == NULL || *end != '\0' || v == 0 || v > UINT16_MAX)
		return -1;
	in->sin_port = htons((uint16_t)v);
	if (inet_pton(ss.ss_family, addr, ss.ss_family == AF_INET ?
	    (void *)&in->sin_addr : (void *)&in6->sin6_addr) != 1)
		return -1;
	*out = ss;
	return 0;
}

int
web_take(void *to, cfg_t *cfg, const struct option *o, const char *text)
{
	struct web_config *c = (void *)((char *)to + o->offset);

	if (*text == '\0' || place_read(&c->addr, text, NULL) == 0)
		return 0;
	conf_error(cfg, "%s: \"%s\" is no address and port", o->name, text);
	return -1;
}

static bool
place_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in  *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	return a->ss_family == AF_INET ?
	    a4->sin_addr.s_addr == b4->sin_addr.s_addr :
	    memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

/* The port is where either family has it. */
static in_port_t
place_port(const struct sockaddr_storage *a)
{
	return ((const struct sockaddr_in *)(const void *)a)->sin_port;
}

static bool
place_is_any(const struct sockaddr_storage *a)
{
	static const struct sockaddr_storage zero;
	struct sockaddr_storage		     any = zero;

	any.ss_family = a->ss_family;
	return place_equal(a, &any);
}

/* A name that leads here because a stranger's DNS says so is none of ours. */
static bool
host_is_ours(const struct web_config *c, const char *host)
{
	static const char local[] = "localhost";
	struct sockaddr_storage asked;
	char		  text[80];

	if (strncasecmp(host, local, sizeof(local) - 1) == 0) {
		snprintf(text, sizeof(text), "127.0.0.1%s",
		    host + sizeof(local) - 1);
		return place_read(&asked, text, "80") == 0 &&
		    place_port(&asked) == place_port(&c->addr);
	}
	return place_read(&asked, host, "80") == 0 &&
	    place_port(&asked) == place_port(&c->addr) &&
	    (place_is_any(&c->addr) || place_equal(&asked, &c->addr));
}

/* "Bearer WORD" */
static bool
token_is_ours(const struct web_config *c, const char *value)
{
	size_t n;

	if (strncasecmp(value, "Bearer ", 7) != 0)
		return false;
	value += 7;
	n = strlen(value);
	return c->token.len != 0 && n == c->token.len &&
	    compare_secret(value, c->token.bytes, n) == 0;
}

static unsigned
header_read(const struct web_config *c, struct head *h, const char *name,
    const char *value, struct web_request *out)
{
	if (strcasecmp(name, "Host") == 0) {
		if (h->has_host || strlen(value) >= sizeof(h->host))
			return 400;
		h->has_host = true;
		memcpy(h->host, value, strlen(value) + 1);
	} else if (strcasecmp(name, "Authorization") == 0) {
		if (h->has_token)
			return 400;
		h->has_token = true;
		out->trusted = token_is_ours(c, value);
		h->wrong_token = !out->trusted;
	} else if (strcasecmp(name, "Transfer-Encoding") == 0 ||
	    (strcasecmp(name, "Content-Length") == 0 &&
	    strcmp(value, "0") != 0)) {
		return 400;	/* nobody has anything to tell us */
	} else if (strcasecmp(name, "Sec-Fetch-Site") == 0) {
		/* A browser says that another site's page asks. */
		if (strcmp(value, "same-origin") != 0 &&
		    strcmp(value, "none") != 0)
			return 403;
	}
	return 200;
}

/* "GET /metrics HTTP/1.1" */
static unsigned
first_line_read(char *line, struct web_request *out)
{
	char  *target = strchr(line, ' '), *version;
	size_t n;

	if (target == NULL)
		return 400;
	*target++ = '\0';
	if ((version = strchr(target, ' ')) == NULL)
		return 400;
	*version++ = '\0';
	if (strcmp(version, "HTTP/1.1") != 0 &&
	    strcmp(version, "HTTP/1.0") != 0)
		return strncmp(version, "HTTP/", 5) == 0 ? 505 : 400;
	out->head = strcmp(line, "HEAD") == 0;
	if (!out->head && strcmp(line, "GET") != 0)
		return 405;
	if (*target != '/')
		return 400;
	n = strcspn(target, "?#");
	if (n >= sizeof(out->path))
		return 404;
	memcpy(out->path, target, n);
	out->path[n] = '\0';
	return 200;
}

/* The next line without its end, into line; -1: it is none. */
static int
line_next(const char **at, const char *end, char line[LINE_MAX_LEN])
{
	const char *nl = memchr(*at, '\n', (size_t)(end - *at)), *p;
	size_t	    n;

	if (nl == NULL || nl == *at || nl[-1] != '\r')
		return -1;
	n = (size_t)(nl - *at) - 1;
	if (n >= LINE_MAX_LEN)
		return -1;
	for (p = *at; p < *at + n; p++) {
		if ((*p < ' ' && *p != '\t') || *p == 0x7f)
			return -1;
	}
	memcpy(line, *at, n);
	line[n] = '\0';
	*at = nl + 1;
	return 0;
}

/* "Name: value", blanks around the value taken off; NULL: it is no header. */
static char *
header_split(char *line)
{
	char  *value = strchr(line, ':');
	size_t n;

	if (value == NULL || value == line || strcspn(line, " \t") <
	    (size_t)(value - line))
		return NULL;
	*value++ = '\0';
	value += strspn(value, " \t");
	for (n = strlen(value); n > 0 && strchr(" \t", value[n - 1]) != NULL;)
		value[--n] = '\0';
	return value;
}

unsigned
web_request_read(const struct web_config *c, const char *buf, size_t len,
    struct web_request *out)
{
	const char *at = buf, *end = buf + len;
	struct head h = { 0 };
	char	    line[LINE_MAX_LEN], *value;
	unsigned    status;

	memset(out, 0, sizeof(*out));
	if (line_next(&at, end, line) == -1)
		return 400;
	if ((status = first_line_read(line, out)) != 200)
		return status;
	while (status == 200) {
		if (line_next(&at, end, line) == -1)
			return 400;
		if (line[0] == '\0')
			break;
		if ((value = header_split(line)) == NULL)
			return 400;
		status = header_read(c, &h, line, value, out);
	}
	if (status != 200)
		return status;
	if (at != end || !h.has_host)
		return 400;
	if (!host_is_ours(c, h.host))
		return 421;
	return h.wrong_token ? 401 : 200;
}
