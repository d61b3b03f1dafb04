/* names.c - DNS as rsipctl asks it: one question at a time, checked by DNSSEC from the trust anchor on */
#include "config.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "ctl/names.h"
#include "net/resolvconf.h"

#ifdef HAVE_UNBOUND

#include <poll.h>
#include <unbound.h>

#include "base/clock.h"

#define ASK_MS		8000	/* for one question */
#define CLASS_IN	1

struct names {
	struct ub_ctx	 *checking, *plain;
	struct addr	  servers[VALIDATOR_SERVERS_MAX];
	size_t		  nservers;
	struct ub_result *result;	/* of the last question */
	char		  text[VALIDATOR_SERVERS_MAX * (ADDR_TEXT_MAX + 2)];
};

static void
names_find_servers(struct names *n, const struct names_config *c)
{
	size_t i, used = 0;

	if (addr_is_set(&c->resolver))
		n->servers[n->nservers++] = c->resolver;
	else
		n->nservers = resolvconf_read(RESOLVCONF_PATH, n->servers,
		    VALIDATOR_SERVERS_MAX, NULL, NULL);
	if (n->nservers == 0)
		n->servers[n->nservers++] =
		    addr_from_v4(htonl(INADDR_LOOPBACK));
	for (i = 0; i < n->nservers; i++)
		used += (size_t)snprintf(n->text + used,
		    sizeof(n->text) - used, "%s%s", i > 0 ? ", " : "",
		    ADDR_TEXT(&n->servers[i]));
}

struct names *
names_open(const struct names_config *c)
{
	struct names		*n = xcalloc(1, sizeof(*n));
	static char		 anchors[VALIDATOR_ANCHORS_MAX];
	struct validator_config	 v = { .servers = n->servers,
		.anchors = anchors }, plain = { .servers = n->servers,
		.anchors = "" };
	char			 why[VALIDATOR_WHY_MAX];
	const char		*words, *path = c->anchors != NULL ?
				     c->anchors : VALIDATE_ANCHORS;

	names_find_servers(n, c);
	v.nservers = plain.nservers = n->nservers;
	if (validate_anchors_read(path, c->anchors != NULL, anchors, &words) ==
	    -1) {
		log_error("%s: %s", path, words);
		names_close(n);
		return NULL;
	}
	n->checking = validate_open(&v, NULL, why);
	if (n->checking != NULL)
		n->plain = validate_open(&plain, NULL, why);
	if (n->plain == NULL) {
		log_error("%s", why);
		names_close(n);
		return NULL;
	}
	ub_ctx_async(n->checking, 1);
	ub_ctx_async(n->plain, 1);
	return n;
}

void
names_close(struct names *n)
{
	if (n == NULL)
		return;
	ub_resolve_free(n->result);
	ub_ctx_delete(n->checking);
	ub_ctx_delete(n->plain);
	free(n);
}

struct waiting {
	bool		  here;
	int		  error;
	struct ub_result *result;
};

static void
names_answered(void *arg, int error, struct ub_result *result)
{
	struct waiting *w = arg;

	w->here = true;
	w->error = error;
	w->result = result;
}

void
names_ask(struct names *n, const char *name, uint16_t type, bool checked,
    struct names_answer *out)
{
	struct ub_ctx *ctx = checked ? n->checking : n->plain;
	struct pollfd  p = { .fd = ub_fd(ctx), .events = POLLIN };
	struct waiting w = { 0 };
	uint64_t       now, end = clock_now() + ASK_MS;
	int	       id = 0;

	memset(out, 0, sizeof(*out));
	out->verdict = VALIDATOR_SILENT;
	ub_resolve_free(n->result);
	n->result = NULL;
	if (ub_resolve_async(ctx, name, type, CLASS_IN, &w, names_answered,
	    &id) != 0)
		return;
	while (!w.here && (now = clock_now()) < end) {
		if (poll(&p, 1, (int)(end - now)) > 0)
			ub_process(ctx);
	}
	if (!w.here) {
		ub_cancel(ctx, id);
		return;
	}
	n->result = w.result;
	out->verdict = validate_verdict(w.error, w.result, out->why);
	if (out->verdict == VALIDATOR_FAILED || w.result == NULL ||
	    w.result->answer_len <= 0)
		return;
	out->none = w.result->nxdomain;
	out->msg = w.result->answer_packet;
	out->len = (size_t)w.result->answer_len;
}

const char *
names_servers(const struct names *n)
{
	return n->text;
}

#else

struct names *
names_open(const struct names_config *c)
{
	(void)c;
	log_error("rsipctl was built without libunbound, by which it asks DNS");
	return NULL;
}

void
names_close(struct names *n)
{
	(void)n;
}

void
names_ask(struct names *n, const char *name, uint16_t type, bool checked,
    struct names_answer *out)
{
	(void)n;
	(void)name;
	(void)type;
	(void)checked;
	memset(out, 0, sizeof(*out));
	out->verdict = VALIDATOR_SILENT;
}

const char *
names_servers(const struct names *n)
{
	(void)n;
	return "";
}

#endif

size_t
names_addresses(struct names *n, const char *name, struct addr *out,
    size_t cap)
{
	struct names_answer a;
	struct rr_message   m;
	struct rr	    rr;
	struct cursor	    c;
	size_t		    found = 0;
	unsigned	    i;
	const uint8_t	   *p;

	names_ask(n, name, RR_TYPE_A, false, &a);
	if (a.len == 0 || rr_begin(&m, a.msg, a.len) == -1)
		return 0;
	c = m.answers;
	for (i = 0; i < m.nanswers && found < cap; i++) {
		if (rr_next(&c, a.msg, a.len, &rr) == -1)
			break;
		if (rr.type == RR_TYPE_A &&
		    (p = cursor_take(&rr.data, 4)) != NULL)
			out[found++] = addr_from_bytes(AF_INET, p);
	}
	return found;
}

int
names_zone(struct names *n, const char *name, char zone[RR_NAME_MAX],
    char primary[RR_NAME_MAX])
{
	struct names_answer a;
	struct rr_message   m;
	struct rr	    rr;
	struct cursor	    c;
	unsigned	    i;

	names_ask(n, name, RR_TYPE_SOA, false, &a);
	if (a.len == 0 || rr_begin(&m, a.msg, a.len) == -1)
		return -1;
	c = m.answers;
	for (i = 0; i < m.nanswers + m.nauthority; i++) {
		if (rr_next(&c, a.msg, a.len, &rr) == -1)
			return -1;
		if (rr.type != RR_TYPE_SOA)
			continue;
		snprintf(zone, RR_NAME_MAX, "%s", rr.owner);
		return rr_name(&rr.data, a.msg, a.len, primary);
	}
	return -1;
}
