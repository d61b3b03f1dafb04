/* validate.c - the process that checks DNSSEC: libunbound without rights, files or keys around it */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/opener.h"
#include "net/validate.h"

/* The root's key-signing keys of 2017 and 2024, as IANA gives them. */
static const char anchors_built_in[] =
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D084"
    "58E880409BBC683457104237C7F8EC8D\n"
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219"
    "298D0A450D612C483AF444A4C0FB2B16\n";

static int
anchors_read(int fd, char out[VALIDATOR_ANCHORS_MAX])
{
	const size_t cap = VALIDATOR_ANCHORS_MAX;
	ssize_t	     n;
	size_t	     used = 0;

	while (used < cap - 1 && (n = read(fd, out + used, cap - 1 - used)) > 0)
		used += (size_t)n;
	out[used] = '\0';
	return used < cap - 1 && strlen(out) == used &&
	    (strstr(out, "DS") != NULL || strstr(out, "DNSKEY") != NULL) ?
	    0 : -1;
}

int
validate_anchors_read(const char *path, bool chosen,
    char out[VALIDATOR_ANCHORS_MAX], const char **why)
{
	int fd = *path != '\0' ? opener_open(path) : -1, rc;

	if (fd == -1 && !chosen) {
		snprintf(out, VALIDATOR_ANCHORS_MAX, "%s", anchors_built_in);
		return 0;
	}
	if (fd == -1) {
		*why = strerror(errno);
		return -1;
	}
	if ((rc = anchors_read(fd, out)) == -1)
		*why = "no DS or DNSKEY record, or too long";
	close(fd);
	return rc;
}

#ifdef HAVE_UNBOUND

#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unbound.h>

#include "base/priv.h"

#define CLASS_IN	1
#define RCODE_NXDOMAIN	3
/* Names in the process's folder, which is its root. */
#define ANCHOR_FILE	"/root.key"	/* as libunbound goes on with it */
#define ANCHOR_SEED	"/root.seed"	/* what that was begun with */

#define SOCKETS_MAX	128		/* questions under way at once */

/* --- libunbound ----------------------------------------------------------- */

/* Forwards all: what goes elsewhere than to the resolvers would be captured. */
static const char *const validate_options[][2] = {
	{ "do-not-query-localhost:", "no" },
	/* Peers have private and documentation addresses too. */
	{ "unblock-lan-zones:", "yes" },
	{ "edns-buffer-size:", "1232" },
	{ "msg-cache-size:", "1m" }, { "rrset-cache-size:", "2m" },
	{ "key-cache-size:", "1m" }, { "neg-cache-size:", "256k" },
	{ "num-queries-per-thread:", "256" },
};

static int
validate_set(struct ub_ctx *ctx, const char *name, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	return ub_ctx_set_option(ctx, name, text);
}

/*
 * A random one of these for each question, bound as such; what libunbound would
 * choose itself from all there are is not leased.  Programs have half of the
 * ports: beyond it questions wait for one.  What chance loses by few ports it
 * has back by the case of the letters of a name.
 */
static int
validate_ports(struct ub_ctx *ctx, const struct validator_ports *p)
{
	unsigned n = p->hi - p->lo + 1u;
	char	 range[16];
	int	 rc;

	if (p->hi == 0)
		return validate_set(ctx, "outgoing-range:", SOCKETS_MAX);
	snprintf(range, sizeof(range), "%u-%u", p->lo, p->hi);
	rc = ub_ctx_set_option(ctx, "outgoing-port-avoid:", "1-65535");
	if (rc == 0)
		rc = ub_ctx_set_option(ctx, "outgoing-port-permit:", range);
	if (rc == 0)
		rc = validate_set(ctx, "outgoing-range:",
		    n / 2 > SOCKETS_MAX ? SOCKETS_MAX : n / 2 + 1);
	(void)ub_ctx_set_option(ctx, "use-caps-for-id:", "yes");
	return rc;
}

static int
validate_anchors(struct ub_ctx *ctx, const char *text)
{
	char line[4096];
	size_t n;
	int  rc = 0;

	for (; rc == 0 && *text != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (n == 0 || *text == ';' || *text == '#' ||
		    n >= sizeof(line))
			continue;
		memcpy(line, text, n);
		line[n] = '\0';
		rc = ub_ctx_add_ta(ctx, line);
	}
	return rc;
}

struct ub_ctx *
validate_open(const struct validator_config *c, const char *anchor_file,
    char why[VALIDATOR_WHY_MAX])
{
	struct ub_ctx *ctx = ub_ctx_create();
	bool	       six = false;
	size_t	       i;
	int	       rc;

	if (ctx == NULL) {
		snprintf(why, VALIDATOR_WHY_MAX, "libunbound: out of memory");
		return NULL;
	}
	/* What it complains about is in its answers. */
	ub_ctx_debugout(ctx, NULL);
	/* Options that a version has not are no loss. */
	for (i = 0; i < sizeof(validate_options) / sizeof(validate_options[0]);
	    i++)
		(void)ub_ctx_set_option(ctx, validate_options[i][0],
		    validate_options[i][1]);
	for (i = 0; i < c->nservers; i++)
		six |= c->servers[i].family == AF_INET6;
	(void)ub_ctx_set_option(ctx, "do-ip6:", six ? "yes" : "no");
	rc = validate_ports(ctx, &c->ports);
	for (i = 0; rc == 0 && i < c->nservers; i++)
		rc = ub_ctx_set_fwd(ctx, ADDR_TEXT(&c->servers[i]));
	if (rc == 0)
		rc = anchor_file != NULL ?
		    ub_ctx_add_ta_autr(ctx, anchor_file) :
		    validate_anchors(ctx, c->anchors);
	if (rc == 0)
		return ctx;
	snprintf(why, VALIDATOR_WHY_MAX, "libunbound: %s", ub_strerror(rc));
	ub_ctx_delete(ctx);
	return NULL;
}

enum validator_verdict
validate_verdict(int error, const struct ub_result *r,
    char why[VALIDATOR_WHY_MAX])
{
	why[0] = '\0';
	if (error != 0 || r == NULL) {
		snprintf(why, VALIDATOR_WHY_MAX, "libunbound: %s",
		    ub_strerror(error));
		return VALIDATOR_FAILED;
	}
	if (r->bogus) {
		snprintf(why, VALIDATOR_WHY_MAX, "%s",
		    r->why_bogus != NULL ? r->why_bogus : "");
		return VALIDATOR_BOGUS;
	}
	if (r->answer_packet == NULL ||
	    (r->rcode != 0 && r->rcode != RCODE_NXDOMAIN)) {
		snprintf(why, VALIDATOR_WHY_MAX, "no resolver gives an answer "
		    "(RCODE %d)", r->rcode);
		return VALIDATOR_FAILED;
	}
	return r->secure ? VALIDATOR_SECURE : VALIDATOR_INSECURE;
}

/* --- the process ---------------------------------------------------------- */

struct server {
	int	       fd;
	struct ub_ctx *ctx;
	TAILQ_HEAD(, pending) pending;
	bool	       folder;		/* there is one, and it is / */
	char	       why[VALIDATOR_WHY_MAX];	/* there is no ctx */
};

struct pending {
	TAILQ_ENTRY(pending) entry;
	struct server *server;
	uint32_t       ticket;
};

static void
server_reply(const struct server *s, uint32_t ticket,
    enum validator_verdict verdict, const char *why, const void *msg,
    size_t len)
{
	struct validate_reply r = { .ticket = ticket, .verdict = verdict,
		.hello = ticket == 0 };
	struct iovec	      iov[] = { { &r, sizeof(r) },
		{ (void *)(uintptr_t)msg, len } };
	struct msghdr	      m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (len > VALIDATE_MESSAGE_MAX)
		len = iov[1].iov_len = 0;
	r.len = len;
	snprintf(r.why, sizeof(r.why), "%s", why);
	while (sendmsg(s->fd, &m, MSG_NOSIGNAL) == -1 && errno == EINTR)
		continue;
}

static void
pending_free(struct pending *p)
{
	TAILQ_REMOVE(&p->server->pending, p, entry);
	free(p);
}

static void
server_answered(void *arg, int error, struct ub_result *result)
{
	struct pending	      *p = arg;
	char		       why[VALIDATOR_WHY_MAX];
	enum validator_verdict v = validate_verdict(error, result, why);

	server_reply(p->server, p->ticket, v, why,
	    result != NULL ? result->answer_packet : NULL,
	    result != NULL && result->answer_len > 0 ?
	    (size_t)result->answer_len : 0);
	ub_resolve_free(result);
	pending_free(p);
}

static void
server_ask(struct server *s, const struct validate_request *r)
{
	struct pending *p;
	int		rc;

	if (s->ctx == NULL) {
		server_reply(s, r->ticket, VALIDATOR_FAILED, s->why, NULL, 0);
		return;
	}
	if ((p = malloc(sizeof(*p))) == NULL)
		return;			/* no answer comes */
	p->server = s;
	p->ticket = r->ticket;
	TAILQ_INSERT_TAIL(&s->pending, p, entry);
	rc = ub_resolve_async(s->ctx, r->name, r->type, CLASS_IN, p,
	    server_answered, NULL);
	if (rc == 0)
		return;
	server_reply(s, r->ticket, VALIDATOR_FAILED, ub_strerror(rc), NULL, 0);
	pending_free(p);
}

static bool
file_is(const char *path, const char *text)
{
	char	now[VALIDATOR_ANCHORS_MAX];
	ssize_t n = -1;
	int	fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd != -1) {
		n = read(fd, now, sizeof(now));
		close(fd);
	}
	return n >= 0 && (size_t)n == strlen(text) &&
	    memcmp(now, text, (size_t)n) == 0;
}

static int
file_write(const char *path, const char *text)
{
	size_t len = strlen(text);
	int    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool   whole;

	if (fd == -1)
		return -1;
	whole = write(fd, text, len) == (ssize_t)len;
	return close(fd) == 0 && whole ? 0 : -1;
}

/* The anchors as they were followed so far; those of the distribution where it
 * has brought others since.  NULL: they are not followed. */
static const char *
server_anchor_file(const struct server *s, const struct validate_request *r)
{
	if (!s->folder || !r->follow)
		return NULL;
	if (file_is(ANCHOR_SEED, r->anchors) && access(ANCHOR_FILE, R_OK) == 0)
		return ANCHOR_FILE;
	return file_write(ANCHOR_FILE, r->anchors) == 0 &&
	    file_write(ANCHOR_SEED, r->anchors) == 0 ? ANCHOR_FILE : NULL;
}

/* What it was asked ends here without an answer. */
static void
server_close(struct server *s)
{
	struct pending *p;

	ub_ctx_delete(s->ctx);
	s->ctx = NULL;
	while ((p = TAILQ_FIRST(&s->pending)) != NULL)
		pending_free(p);
}

static void
server_configure(struct server *s, struct validate_request *r)
{
	struct validator_config c = { .servers = r->servers,
		.nservers = r->nservers, .anchors = r->anchors,
		.follow = r->follow, .ports = r->ports };
	const char	       *followed = server_anchor_file(s, r);

	/* The former server's caches, too, are of another network. */
	server_close(s);
	s->ctx = validate_open(&c, followed, s->why);
	if (s->ctx == NULL && followed != NULL)
		s->ctx = validate_open(&c, NULL, s->why);
	if (s->ctx != NULL)
		ub_ctx_async(s->ctx, 1);
}

/* False: the daemon has ended. */
static bool
server_request(struct server *s)
{
	static struct validate_request r;
	ssize_t			       n;

	memset(&r, 0, sizeof(r));
	n = recv(s->fd, &r, sizeof(r) - 1, 0);
	if (n == -1 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	if (r.nservers > VALIDATOR_SERVERS_MAX || r.ports.lo > r.ports.hi)
		return false;
	r.name[sizeof(r.name) - 1] = '\0';
	if (r.wish == VALIDATE_CONFIGURE)
		server_configure(s, &r);
	else
		server_ask(s, &r);
	return true;
}

void
validate_serve(int fd, bool again, void *arg)
{
	const struct validate_work *w = arg;
	struct server		    s = { .fd = fd };
	struct pollfd		    p[2] = { { .fd = fd, .events = POLLIN },
		{ .events = POLLIN } };

	(void)again;
	TAILQ_INIT(&s.pending);
	/* OpenSSL reads its configuration with the first use. */
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	if (priv_confine(w->daemon, *w->folder != '\0' ? w->folder : NULL,
	    &s.folder) == -1 ||
	    priv_lock(s.folder ? "validator" : "validator without files") == -1)
		return;
	server_reply(&s, 0, VALIDATOR_FAILED, "", NULL, 0);
	for (;;) {
		p[1].fd = s.ctx != NULL ? ub_fd(s.ctx) : -1;
		if (poll(p, 2, -1) == -1 && errno != EINTR)
			return;
		if (p[1].fd != -1 && (p[1].revents & POLLIN))
			ub_process(s.ctx);
		if (p[0].revents != 0 && !server_request(&s))
			break;
	}
	server_close(&s);
}

#endif
