/* status.c - librsipstatus: asks the daemon about one connection of this program */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "include/rsip/status.h"

/* The library runs in strangers' programs: no logging, no base/,
 * nothing that exits. */

#define STATUS_TIMEOUT	2000	/* milliseconds, for the whole question */
#define STATUS_LINE_MAX	65536
#define STATUS_DEPTH	8	/* of nested objects in an answer */

static const char *const default_sockets[] = {
	RUNDIR "/rsipc.sock", RUNDIR "/oed.sock",
};

static long
milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until fd is ready; -1 with errno. */
static int
wait_ready(int fd, short what, long deadline)
{
	struct pollfd p = { .fd = fd, .events = what };
	long	      left;
	int	      n;

	do {
		if ((left = deadline - milliseconds()) <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
	} while ((n = poll(&p, 1, (int)left)) == -1 && errno == EINTR);
	if (n == 0)
		errno = ETIMEDOUT;
	return n == 1 ? 0 : -1;
}

static int
status_connect(const char *path, long deadline)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int		   fd, saved;

	if (strlen(path) >= sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	/* A full backlog answers EAGAIN on UNIX sockets. */
	while (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1) {
		if (errno == EAGAIN && milliseconds() < deadline) {
			poll(NULL, 0, 10);
			continue;
		}
		saved = errno == EAGAIN ? ETIMEDOUT : errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static int
status_send(int fd, const char *s, size_t len, long deadline)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, s, len, MSG_NOSIGNAL);
		if (n > 0) {
			s += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			if (wait_ready(fd, POLLOUT, deadline) == -1)
				return -1;
		} else if (errno != EINTR)
			return -1;
	}
	return 0;
}

/* Reads one line of JSON; a new object, or NULL with errno. */
static json_object *
status_receive(int fd, long deadline)
{
	struct json_tokener *tok = json_tokener_new_ex(STATUS_DEPTH);
	json_object	    *o = NULL;
	char		    *buf = malloc(STATUS_LINE_MAX), *end = NULL;
	size_t		     len = 0;
	ssize_t		     n;
	int		     saved = ENOMEM;

	if (tok == NULL || buf == NULL)
		goto out;
	while (end == NULL) {
		if (len == STATUS_LINE_MAX) {
			saved = EPROTO;
			goto out;
		}
		if (wait_ready(fd, POLLIN, deadline) == -1) {
			saved = errno;
			goto out;
		}
		n = recv(fd, buf + len, STATUS_LINE_MAX - len, 0);
		if (n == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0) {
			saved = n == 0 ? EPROTO : errno;
			goto out;
		}
		end = memchr(buf + len, '\n', (size_t)n);
		len += (size_t)n;
	}
	o = json_tokener_parse_ex(tok, buf, (int)(end - buf));
	if (!json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		o = NULL;
		saved = EPROTO;
	}
out:
	if (tok != NULL)
		json_tokener_free(tok);
	free(buf);
	if (o == NULL)
		errno = saved;
	return o;
}

static json_object *
status_ask(const char *path, const char *request, long deadline)
{
	json_object *o = NULL;
	int	     fd, saved;

	if ((fd = status_connect(path, deadline)) == -1)
		return NULL;
	if (status_send(fd, request, strlen(request), deadline) == 0)
		o = status_receive(fd, deadline);
	saved = errno;
	close(fd);
	errno = saved;
	return o;
}

static const char *
answer_text(json_object *o, const char *key)
{
	json_object *v = NULL;

	if (!json_object_object_get_ex(o, key, &v) ||
	    !json_object_is_type(v, json_type_string))
		return "";
	return json_object_get_string(v);
}

struct word {
	const char *text;
	int	    value;
};

/* The value of a word; -1 if it is none of n. */
static int
word_find(const struct word *w, size_t n, const char *text)
{
	for (; n > 0; n--, w++) {
		if (strcmp(w->text, text) == 0)
			return w->value;
	}
	return -1;
}

static int
status_read(json_object *o, struct rsip_status *out)
{
	/* Policies of draft-richardson-ipsec-opportunistic-17 §3.1. */
	static const struct word policies[] = {
		{ "", RSIP_NONE }, { "none", RSIP_NONE },
		{ "hold", RSIP_HELD }, { "pass", RSIP_CLEAR },
		{ "deny", RSIP_DROPPED }, { "encrypt", RSIP_ENCRYPTED },
	};
	static const struct word auths[] = {
		{ "", RSIP_AUTH_NONE }, { "dns", RSIP_AUTH_DNS },
		{ "dnssec", RSIP_AUTH_DNSSEC },
		{ "configured key", RSIP_AUTH_KEY }, { "psk", RSIP_AUTH_PSK },
	};
	static const struct word rights[] = {
		{ "", RSIP_RIGHT_NONE }, { "own flows", RSIP_RIGHT_FLOWS },
		{ "dns", RSIP_RIGHT_DNS }, { "dnssec", RSIP_RIGHT_DNSSEC },
		{ "configured", RSIP_RIGHT_CONFIGURED },
	};
	const char *class = answer_text(o, "class");
	int	    policy, auth, right;

	policy = word_find(policies, sizeof(policies) / sizeof(policies[0]),
	    answer_text(o, "policy"));
	auth = word_find(auths, sizeof(auths) / sizeof(auths[0]),
	    answer_text(o, "auth"));
	right = word_find(rights, sizeof(rights) / sizeof(rights[0]),
	    answer_text(o, "right"));
	/* Every answer to "why" has its line; what has none
	 * is something else. */
	if (answer_text(o, "error")[0] != '\0' || policy == -1 || auth == -1 ||
	    right == -1 ||
	    answer_text(o, "line")[0] == '\0') {
		errno = EPROTO;
		return -1;
	}
	out->protection = (enum rsip_protection)policy;
	/* What was found about a peer counts only while it protects. */
	if (out->protection == RSIP_ENCRYPTED) {
		out->authentication = (enum rsip_authentication)auth;
		out->right = (enum rsip_right)right;
		snprintf(out->peer, sizeof(out->peer), "%s",
		    answer_text(o, "peer"));
		snprintf(out->cipher, sizeof(out->cipher), "%s",
		    answer_text(o, "cipher"));
	}
	out->required = strstr(class, "paranoid") != NULL ||
	    strstr(class, "tunnel") != NULL || strcmp(class, "deny") == 0;
	snprintf(out->reason, sizeof(out->reason), "%s",
	    answer_text(o, "line"));
	return 0;
}

struct ends {
	int		family;
	union {
		struct in_addr	v4;
		struct in6_addr v6;
	} local, remote;
	int		protocol;	/* 0: of no flow in particular */
	in_port_t	local_port, remote_port;	/* network order */
};

/* src stays empty where any will do. */
static void
ends_text(const struct ends *e, char src[INET6_ADDRSTRLEN],
    char dst[INET6_ADDRSTRLEN])
{
	bool any = e->family == AF_INET ?
	    e->local.v4.s_addr == htonl(INADDR_ANY) :
	    IN6_IS_ADDR_UNSPECIFIED(&e->local.v6);

	*src = '\0';
	if (!any)
		inet_ntop(e->family, &e->local, src, INET6_ADDRSTRLEN);
	inet_ntop(e->family, &e->remote, dst, INET6_ADDRSTRLEN);
}

static int
status_flow(const struct ends *e, const char *control, struct rsip_status *out)
{
	char	     src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	char	     flow[80] = "", request[320];
	json_object *o = NULL;
	long	     deadline = milliseconds() + STATUS_TIMEOUT;
	size_t	     i;
	int	     rc, saved;

	memset(out, 0, sizeof(*out));
	if (e->family == AF_INET) {
		out->local = e->local.v4;
		out->remote = e->remote.v4;
	} else {
		out->local6 = e->local.v6;
		out->remote6 = e->remote.v6;
	}
	ends_text(e, src, dst);
	if (e->protocol != 0)
		snprintf(flow, sizeof(flow), ",\"protocol\":\"%d\","
		    "\"source_port\":\"%u\",\"port\":\"%u\"", e->protocol,
		    ntohs(e->local_port), ntohs(e->remote_port));
	snprintf(request, sizeof(request),
	    "{\"command\":\"why\",\"address\":\"%s\"%s%s%s%s}\n", dst,
	    *src != '\0' ? ",\"source\":\"" : "", src,
	    *src != '\0' ? "\"" : "", flow);
	if (control != NULL)
		o = status_ask(control, request, deadline);
	else {
		for (i = 0; o == NULL && i < sizeof(default_sockets) /
		    sizeof(default_sockets[0]); i++) {
			o = status_ask(default_sockets[i], request, deadline);
			if (o == NULL && errno != ENOENT &&
			    errno != ECONNREFUSED)
				break;
		}
	}
	if (o == NULL)
		return -1;
	rc = status_read(o, out);
	saved = errno;
	json_object_put(o);
	errno = saved;
	return rc;
}

int
rsip_status_address(struct in_addr local, struct in_addr remote,
    const char *control, struct rsip_status *out)
{
	struct ends e = { .family = AF_INET, .local.v4 = local,
		.remote.v4 = remote };

	return status_flow(&e, control, out);
}

int
rsip_status_address6(const struct in6_addr *local,
    const struct in6_addr *remote, const char *control,
    struct rsip_status *out)
{
	struct ends e = { .family = AF_INET6, .local.v6 = *local,
		.remote.v6 = *remote };

	return status_flow(&e, control, out);
}

/* What programs with one socket for both families get (RFC 3493 §3.7) is IPv4.
 * Ports stand in one place in either family. */
static int
ends_of_socket(int fd, struct ends *e)
{
	union {
		struct sockaddr_storage ss;
		struct sockaddr_in	v4;
		struct sockaddr_in6	v6;
	} local = { 0 }, remote = { 0 };
	socklen_t llen = sizeof(local), rlen = sizeof(remote);

	if (getsockname(fd, (struct sockaddr *)&local, &llen) == -1 ||
	    getpeername(fd, (struct sockaddr *)&remote, &rlen) == -1)
		return -1;
	e->family = local.ss.ss_family;
	if (local.ss.ss_family != remote.ss.ss_family ||
	    (e->family != AF_INET && e->family != AF_INET6)) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	e->local_port = local.v4.sin_port;
	e->remote_port = remote.v4.sin_port;
	if (e->family == AF_INET) {
		e->local.v4 = local.v4.sin_addr;
		e->remote.v4 = remote.v4.sin_addr;
	} else if (IN6_IS_ADDR_V4MAPPED(&local.v6.sin6_addr) &&
	    IN6_IS_ADDR_V4MAPPED(&remote.v6.sin6_addr)) {
		e->family = AF_INET;
		memcpy(&e->local, local.v6.sin6_addr.s6_addr + 12, 4);
		memcpy(&e->remote, remote.v6.sin6_addr.s6_addr + 12, 4);
	} else {
		e->local.v6 = local.v6.sin6_addr;
		e->remote.v6 = remote.v6.sin6_addr;
	}
	return 0;
}

int
rsip_status_socket(int fd, const char *control, struct rsip_status *out)
{
	struct ends e = { 0 };
	socklen_t   plen = sizeof(e.protocol);

	if (ends_of_socket(fd, &e) == -1)
		return -1;
	/* TCP or UDP; of other protocols the addresses say all. */
	if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &e.protocol, &plen) == -1 ||
	    (e.protocol != IPPROTO_TCP && e.protocol != IPPROTO_UDP))
		e.protocol = 0;
	return status_flow(&e, control, out);
}
