/* discover.c - asks the resolvers of the system which RSIP gateways the search domains have */
#include "config.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "net/resolvconf.h"
#include "oe/ask.h"
#include "rsipc/capture.h"
#include "rsipc/discover.h"

#define SERVERS_MAX	3	/* as resolv.conf(5) has it */
#define TRY_MS		1000
#define TRIES		2

struct discover {
	discover_fn fn;
	void	*arg;
	struct ask_question question;
	struct ask *ask;		/* NULL: nothing is under way */
	struct addr server[SERVERS_MAX];
	size_t	 nservers, at;
	struct dnssd dnssd;
};

static void	discover_go_on(struct discover *d);

struct domains {
	char   name[DNSSD_DOMAINS_MAX][RR_NAME_MAX];
	size_t n;
};

/* The last line counts. */
static void
on_line(void *arg, const char *text)
{
	struct domains *d = arg;

	(void)dnssd_domains(text, d->name, &d->n);
}

/* The host's own domain, where no other is told. */
static void
own_domain(struct domains *d)
{
	char  line[RR_NAME_MAX + 8] = "domain ", *dot;
	char *name = line + strlen(line);

	if (gethostname(name, RR_NAME_MAX - 1) == 0 &&
	    (dot = strchr(name, '.')) != NULL) {
		memmove(name, dot + 1, strlen(dot));
		(void)dnssd_domains(line, d->name, &d->n);
	}
}

static enum record_status
on_message(void *arg, const uint8_t *msg, size_t len)
{
	struct discover *d = arg;

	return dnssd_answer(&d->dnssd, msg, len);
}

static void
on_answer(void *arg, unsigned tag, const struct record_answer *a)
{
	struct discover *d = arg;

	(void)tag;
	ask_free(d->ask);
	d->ask = NULL;
	if ((a->status == RECORD_TIMEOUT || a->status == RECORD_FAILED) &&
	    d->at + 1 < d->nservers) {
		d->at++;
	} else {
		/* A server that answered is asked first again. */
		if (a->status != RECORD_NONE)
			d->at = 0;
		dnssd_step(&d->dnssd);
	}
	discover_go_on(d);
}

static void
discover_go_on(struct discover *d)
{
	const struct dnssd_ask *ask = dnssd_next(&d->dnssd);

	if (ask == NULL) {
		dnssd_order(&d->dnssd, random_uniform);
		d->fn(d->arg, d->dnssd.found, d->dnssd.nfound);
		return;
	}
	snprintf(d->question.name, sizeof(d->question.name), "%s", ask->name);
	d->question.type = ask->type;
	d->ask = ask_new(&d->question, &d->server[d->at], on_answer, d, 0);
}

struct discover *
discover_new(struct event_base *base, discover_fn fn, void *arg)
{
	struct discover *d = xcalloc(1, sizeof(*d));

	d->fn = fn;
	d->arg = arg;
	d->question = (struct ask_question){ .base = base, .timeout = TRY_MS,
		.tries = TRIES, .read = on_message, .read_arg = d,
		/* Without a lease the device leads nowhere. */
		.mark = CAPTURE_MARK };
	return d;
}

void
discover_free(struct discover *d)
{
	if (d == NULL)
		return;
	ask_free(d->ask);
	free(d);
}

bool
discover_start(struct discover *d)
{
	struct domains domains;

	if (d->ask != NULL)
		return true;
	domains.n = 0;
	d->nservers = resolvconf_read(RESOLVCONF_PATH, d->server, SERVERS_MAX,
	    on_line, &domains);
	if (domains.n == 0)
		own_domain(&domains);
	d->at = 0;
	dnssd_begin(&d->dnssd, domains.name, domains.n);
	if (d->nservers == 0 || dnssd_next(&d->dnssd) == NULL)
		return false;
	discover_go_on(d);
	return true;
}

void
discover_stop(struct discover *d)
{
	ask_free(d->ask);
	d->ask = NULL;
}
