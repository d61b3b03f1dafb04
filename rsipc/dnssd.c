/* dnssd.c - RSIP gateways that DNS names for a domain (RFC 2782, RFC 6763): what to ask, and what answers say */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "rsipc/dnssd.h"

#define CNAMES_MAX	8
#define RCODE		15
#define RCODE_NXDOMAIN	3

static bool
name_fits(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' &&
		    s[i] != '_' && s[i] != '.')
			return false;
	}
	return len > 0 && s[0] != '.' &&
	    len + sizeof(DNSSD_SERVICE) + 1 < RR_NAME_MAX;
}

bool
dnssd_domains(const char *line, char out[][RR_NAME_MAX], size_t *n)
{
	size_t len;

	if (strncmp(line, "search", 6) != 0 && strncmp(line, "domain", 6) != 0)
		return false;
	line += 6;
	if (*line != ' ' && *line != '\t')
		return false;
	for (*n = 0; *n < DNSSD_DOMAINS_MAX; line += len) {
		line += strspn(line, " \t\r\n");
		len = strcspn(line, " \t\r\n");
		if (len == 0)
			break;
		if (name_fits(line, line[len - 1] == '.' ? len - 1 : len))
			snprintf(out[(*n)++], RR_NAME_MAX, "%.*s",
			    (int)(line[len - 1] == '.' ? len - 1 : len), line);
	}
	return true;
}

static void
add_ask(struct dnssd *d, const char *name, uint16_t type,
    const struct dnssd_gateway *of)
{
	struct dnssd_ask *a = &d->ask[d->n];
	size_t		  i;

	/* What rr_name() could not say in ASCII cannot be asked for. */
	if (d->n == DNSSD_ASKS_MAX || *name == '\0' ||
	    strchr(name, '?') != NULL)
		return;
	for (i = 0; i < d->n; i++) {
		if (d->ask[i].type == type &&
		    strcmp(d->ask[i].name, name) == 0 &&
		    (of == NULL || d->ask[i].of.port == of->port))
			return;
	}
	memset(a, 0, sizeof(*a));
	snprintf(a->name, sizeof(a->name), "%s", name);
	a->type = type;
	if (of != NULL)
		a->of = *of;
	d->n++;
}

void
dnssd_begin(struct dnssd *d, char domain[][RR_NAME_MAX], size_t n)
{
	char   name[RR_NAME_MAX + sizeof(DNSSD_SERVICE)];
	size_t i;

	memset(d, 0, sizeof(*d));
	for (i = 0; i < n && i < DNSSD_DOMAINS_MAX; i++) {
		snprintf(name, sizeof(name), DNSSD_SERVICE ".%s", domain[i]);
		add_ask(d, name, RR_TYPE_SRV, NULL);
		add_ask(d, name, RR_TYPE_PTR, NULL);
	}
}

const struct dnssd_ask *
dnssd_next(const struct dnssd *d)
{
	return d->at < d->n ? &d->ask[d->at] : NULL;
}

void
dnssd_step(struct dnssd *d)
{
	d->at++;
}

static void
add_found(struct dnssd *d, const struct dnssd_gateway *g)
{
	size_t i;

	if (d->nfound == DNSSD_FOUND_MAX || !addr_is_host(&g->addr))
		return;
	for (i = 0; i < d->nfound; i++) {
		if (addr_equal(&d->found[i].addr, &g->addr) &&
		    d->found[i].port == g->port)
			return;
	}
	d->found[d->nfound++] = *g;
}

/* One record of the type that was asked for. */
static void
take(struct dnssd *d, const struct rr *rr, const uint8_t *msg, size_t len)
{
	struct dnssd_gateway g = d->ask[d->at].of;
	struct cursor	     c = rr->data;
	char		     name[RR_NAME_MAX];

	switch (rr->type) {
	case RR_TYPE_PTR:
		if (rr_name(&c, msg, len, name) == 0)
			add_ask(d, name, RR_TYPE_SRV, NULL);
		break;
	case RR_TYPE_SRV:
		g.priority = cursor_u16(&c);
		g.weight = cursor_u16(&c);
		g.port = cursor_u16(&c);
		/* "." says that there is none (RFC 2782). */
		if (!c.bad && rr_name(&c, msg, len, name) == 0 && g.port != 0)
			add_ask(d, name, RR_TYPE_A, &g);
		break;
	case RR_TYPE_A:
		if (cursor_left(&c) != 4)
			break;
		g.addr = addr_from_bytes(AF_INET, c.p);
		add_found(d, &g);
		break;
	default:
		break;
	}
}

enum record_status
dnssd_answer(struct dnssd *d, const uint8_t *msg, size_t len)
{
	const struct dnssd_ask *ask = dnssd_next(d);
	struct rr_message	m;
	struct cursor		c;
	struct rr		rr;
	char			want[RR_NAME_MAX], next[RR_NAME_MAX];
	unsigned		i, hops;
	bool			again = true;

	if (ask == NULL || rr_begin(&m, msg, len) == -1 ||
	    ((m.flags & RCODE) != 0 && (m.flags & RCODE) != RCODE_NXDOMAIN))
		return RECORD_FAILED;
	for (i = 0; ask->name[i] != '\0'; i++)
		want[i] = (char)tolower((unsigned char)ask->name[i]);
	want[i] = '\0';
	/* Nothing of a message that breaks off is used. */
	for (c = m.answers, i = 0; i < m.nanswers; i++) {
		if (rr_next(&c, msg, len, &rr) == -1)
			return RECORD_FAILED;
	}
	for (hops = 0; again && hops < CNAMES_MAX; hops++) {
		again = false;
		c = m.answers;
		for (i = 0; i < m.nanswers; i++) {
			(void)rr_next(&c, msg, len, &rr);
			if (strcmp(rr.owner, want) != 0)
				continue;
			if (rr.type == RR_TYPE_CNAME && !again)
				again = rr_name(&rr.data, msg, len, next) == 0;
			else if (rr.type == ask->type)
				take(d, &rr, msg, len);
		}
		if (again)
			memcpy(want, next, sizeof(want));
	}
	return RECORD_NONE;
}

/* RFC 2782: of one priority one by chance, as weights say; 0
 * has a small one. */
static size_t
pick(const struct dnssd *d, size_t from, uint32_t (*random)(uint32_t bound))
{
	uint16_t lowest = UINT16_MAX;
	uint32_t sum = 0, at;
	size_t	 i;

	for (i = from; i < d->nfound; i++) {
		if (d->found[i].priority < lowest)
			lowest = d->found[i].priority;
	}
	for (i = from; i < d->nfound; i++) {
		if (d->found[i].priority == lowest)
			sum += d->found[i].weight * 16u + 1;
	}
	at = random(sum);
	for (i = from; i < d->nfound; i++) {
		if (d->found[i].priority != lowest)
			continue;
		if (at < d->found[i].weight * 16u + 1)
			break;
		at -= d->found[i].weight * 16u + 1;
	}
	return i < d->nfound ? i : from;
}

void
dnssd_order(struct dnssd *d, uint32_t (*random)(uint32_t bound))
{
	struct dnssd_gateway g;
	size_t		     i, k;

	for (i = 0; i + 1 < d->nfound; i++) {
		k = pick(d, i, random);
		g = d->found[k];
		d->found[k] = d->found[i];
		d->found[i] = g;
	}
}
