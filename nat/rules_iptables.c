/* rules_iptables.c - the data plane's rules as iptables has them, in chains of their own */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "nat/mark.h"
#include "nat/rules_backend.h"
#include "nat/rules_put.h"
#include "nat/rules_run.h"

/* Where each of our chains is called from: first of all, or last. */
static const struct hook {
	const char *table, *hook, *chain;
	bool last;
} hooks[] = {
	{ "raw", "PREROUTING", "RSIP-PREROUTING", false },
	{ "raw", "OUTPUT", "RSIP-OUTPUT", false },
	/* Behind NAT and connection tracking. */
	{ "mangle", "INPUT", "RSIP-LATE-INPUT", false },
	{ "mangle", "FORWARD", "RSIP-LATE-FORWARD", false },
	{ "mangle", "OUTPUT", "RSIP-LATE-OUTPUT", false },
	{ "filter", "INPUT", "RSIP-INPUT", false },
	{ "filter", "FORWARD", "RSIP-FORWARD", false },
	/* What the operator's rules did not decide, before the policy does. */
	{ "filter", "FORWARD", "RSIP-ALLOWED", true },
	{ "nat", "POSTROUTING", "RSIP-POSTROUTING", false },
	/* Called by our own: one look at the interface, not one a rule. */
	{ "raw", NULL, "RSIP-PUBLIC", false },
	{ "raw", NULL, "RSIP-PRIVATE", false },
	{ "filter", NULL, "RSIP-PORT", false },
	/* Called from nowhere: comments that outlive us. */
	{ "raw", NULL, "RSIP-SAVED", false },
};
static const char *const tables[] = { "raw", "mangle", "filter", "nat" };
#define NHOOKS	(sizeof(hooks) / sizeof(hooks[0]))

#define OURS	"-m mark --mark " MARK_TEXT_OURS "/" MARK_TEXT_MASK
#define HOST	"-m mark --mark " MARK_TEXT_HOST
#define OUT	"-m mark --mark " MARK_TEXT_OUT
#define ROUTER	"-m mark --mark " MARK_TEXT_ROUTER
#define ANSWER	"-m mark --mark " MARK_TEXT_ANSWER
#define REFUSE	"-j REJECT --reject-with icmp-admin-prohibited"

static bool
iptables_usable(void)
{
	static const char *const probe[] = { "iptables-restore", "-w", "5",
		"--noflush", "--test", NULL };

	return rules_run(probe,
	    "*raw\n:RSIP-PROBE - [0:0]\n"
	    "-A RSIP-PROBE -p esp -j NFQUEUE --queue-balance 0:1\n"
	    "-A RSIP-PROBE -m rpfilter --invert -j DROP\n"
	    "-A RSIP-PROBE " OURS " -j CT --notrack\nCOMMIT\n"
	    "*mangle\n:RSIP-PROBE - [0:0]\n"
	    "-A RSIP-PROBE -p tcp -j NFQUEUE --queue-bypass\nCOMMIT\n"
	    "*filter\n:RSIP-PROBE - [0:0]\n"
	    "-A RSIP-PROBE " OUT " " REFUSE "\nCOMMIT\n", NULL, true) == 0;
}

static const char *const restore[] = { "iptables-restore", "-w", "5",
	"--noflush", NULL };

static char *iptables_dump(void);

/* How many times a hook calls our chain, in what iptables-save said. */
static unsigned
count_calls(const char *dump, const struct hook *h)
{
	char	 line[96];
	unsigned n = 0;

	if (h->hook == NULL)
		return 0;
	snprintf(line, sizeof(line), "-A %s -j %s\n", h->hook, h->chain);
	for (const char *p = dump; (p = strstr(p, line)) != NULL;
	     p += strlen(line))
		n++;
	return n;
}

static bool
has_chain(const char *dump, const struct hook *h)
{
	char line[96];

	snprintf(line, sizeof(line), ":%s ", h->chain);
	return strstr(dump, line) != NULL;
}

static void
put_uncall(FILE *f, const char *dump, const struct hook *h)
{
	for (unsigned n = count_calls(dump, h); n > 0; n--)
		fprintf(f, "-D %s -j %s\n", h->hook, h->chain);
}

/* Takes what is ours out of one table. */
static void
put_removal(FILE *f, const char *dump, const char *table)
{
	fprintf(f, "*%s\n", table);
	for (size_t i = 0; i < NHOOKS; i++) {
		if (strcmp(hooks[i].table, table) != 0 ||
		    !has_chain(dump, &hooks[i]))
			continue;
		put_uncall(f, dump, &hooks[i]);
		fprintf(f, "-F %s\n", hooks[i].chain);
	}
	/* Empty, none calls another any more. */
	for (size_t i = 0; i < NHOOKS; i++) {
		if (strcmp(hooks[i].table, table) == 0 &&
		    has_chain(dump, &hooks[i]))
			fprintf(f, "-X %s\n", hooks[i].chain);
	}
	fputs("COMMIT\n", f);
}

static void
iptables_remove(void)
{
	char  *dump = iptables_dump(), *text = NULL;
	size_t len;
	FILE  *f;

	if (dump == NULL || *dump == '\0')
		goto out;
	f = open_memstream(&text, &len);
	if (f == NULL)
		goto out;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		put_removal(f, dump, tables[i]);
	if (fclose(f) == 0)
		(void)rules_run(restore, text, NULL, false);
out:
	free(text);
	free(dump);
}

/* Makes our chains of a table, empty, and has them called first. */
static void
put_chains(FILE *f, const char *dump, const char *table)
{
	fprintf(f, "*%s\n", table);
	for (size_t i = 0; i < NHOOKS; i++) {
		if (strcmp(hooks[i].table, table) != 0)
			continue;
		fprintf(f, ":%s - [0:0]\n", hooks[i].chain);
		put_uncall(f, dump, &hooks[i]);
		if (hooks[i].hook != NULL)
			fprintf(f, hooks[i].last ? "-A %s -j %s\n" :
			    "-I %s 1 -j %s\n", hooks[i].hook, hooks[i].chain);
	}
}

static void
put_queue(FILE *f, const struct rules_plan *p, bool bypass)
{
	unsigned first = p->config->queue_first;

	fputs(" -j NFQUEUE", f);
	if (p->queues > 1)
		fprintf(f, " --queue-balance %u:%u", first,
		    first + p->queues - 1);
	else
		fprintf(f, " --queue-num %u", first);
	fputs(bypass ? " --queue-bypass\n" : "\n", f);
}

/*
 * Reverse path filtering must be loose for our packets to leave, so these
 * stand in for it: a source must be where the route back to it leads, at the
 * private side always, at the public side if the kernel wanted it.  Nobody
 * outside has an address of ours or of the private side, and a host uses a
 * leased address only in its tunnel.
 */
static void
put_antispoof(FILE *f, const struct rules_plan *p,
    const struct rules_settings *saved)
{
	const struct dataplane_config *c = p->config;

	fputs("-A RSIP-PUBLIC -m addrtype --src-type LOCAL -j DROP\n"
	    "-A RSIP-PRIVATE -m addrtype --src-type LOCAL -j DROP\n"
	    "-A RSIP-PRIVATE -m rpfilter --invert -j DROP\n", f);
	if (rules_settings_was_strict(saved, c->public_if))
		fputs("-A RSIP-PUBLIC -m rpfilter --invert -j DROP\n", f);
	rules_put_each(f, "-A RSIP-PUBLIC -s ", p->networks, p->nnetworks,
	    " -j DROP");
	for (size_t i = 0; i < c->npools; i++) {
		/* An address of the router's own is LOCAL. */
		if (!c->pools[i].local)
			fprintf(f, "-A RSIP-PUBLIC -s %s -j DROP\n"
			    "-A RSIP-PRIVATE -s %s -j DROP\n",
			    ADDR_TEXT(&c->pools[i].addr),
			    ADDR_TEXT(&c->pools[i].addr));
	}
	/* A tunnel begins on the private side (RFC 2003 §6). */
	for (size_t i = 0; i < c->gateways.n; i++)
		fprintf(f, "-A RSIP-PUBLIC -d %s -p 4 -j DROP\n"
		    "-A RSIP-PUBLIC -d %s -p 47 -j DROP\n",
		    ADDR_TEXT(&c->gateways.list[i]),
		    ADDR_TEXT(&c->gateways.list[i]));
}

static const struct rules_words words = {
	.to = "-A RSIP-PUBLIC -d ",
	.of = { [RULES_ALL] = { "" },
		[RULES_IPSEC] = { " -p esp", " -p ah", " -p udp --dport 500" },
		[RULES_NATT] = { " -p udp --dport 4500" },
		[RULES_PORTS] = { " -p tcp --dport ", " -p udp --dport " },
		[RULES_ICMP] = { " -p icmp -m icmp ! --icmp-type echo-request" }
	},
	.dash = ':',
	.queue = put_queue,
};

/* ICMP errors about what a host sent. */
static const char *const errors[] = { "destination-unreachable",
	"time-exceeded", "parameter-problem" };
#define NERRORS	(sizeof(errors) / sizeof(errors[0]))

static void
put_raw(FILE *f, const struct rules_plan *p, const struct rules_settings *saved)
{
	const struct dataplane_config *c = p->config;

	/* What the router itself is to have is tracked, and may be forwarded by
	 * its port forwards. */
	fprintf(f, "-A RSIP-PREROUTING " ROUTER " -j ACCEPT\n"
	    "-A RSIP-PREROUTING " OURS " -j CT --notrack\n"
	    "-A RSIP-PREROUTING " OURS " -j ACCEPT\n"
	    "-A RSIP-PREROUTING -i %s -j RSIP-PUBLIC\n"
	    "-A RSIP-PREROUTING -i %s -j RSIP-PRIVATE\n", c->public_if,
	    c->private_if);
	put_antispoof(f, p, saved);
	for (size_t i = 0; i < c->npools; i++)
		rules_put_pool(f, p, &c->pools[i], &words);
	for (size_t i = 0; i < c->gateways.n; i++) {
		fprintf(f, "-A RSIP-PRIVATE -d %s -p 4",
		    ADDR_TEXT(&c->gateways.list[i]));
		put_queue(f, p, false);
		fprintf(f, "-A RSIP-PRIVATE -d %s -p 47",
		    ADDR_TEXT(&c->gateways.list[i]));
		put_queue(f, p, false);
	}

	/* The kernel's own errors about a host's packet go to its tunnel.  One
	 * about a tracked packet shares its entry, and is not queued before
	 * that packet is gone: on its way in again, if it has one. */
	fputs("-A RSIP-OUTPUT " OURS " -j CT --notrack\n"
	    "-A RSIP-OUTPUT " OURS " -j ACCEPT\n", f);
	for (size_t i = 0; i < c->npools; i++) {
		for (size_t k = 0; k < NERRORS; k++) {
			fprintf(f, "-A RSIP-OUTPUT -d %s -p icmp -m icmp "
			    "--icmp-type %s -m conntrack ! --ctstate RELATED",
			    ADDR_TEXT(&c->pools[i].addr), errors[k]);
			put_queue(f, p, true);
		}
	}
	for (size_t i = 0; i < saved->n; i++)
		fprintf(f, "-A RSIP-SAVED -m comment --comment "
		    "\"rsip-saved %s=%s\"\n", saved->list[i].key,
		    saved->list[i].value);
	fputs("COMMIT\n", f);
}

/*
 * A leased port is reached from the private side and from the router itself as
 * from outside, and so is a host that uses a service of the router: what would
 * be the router's is queued where connection tracking has seen it.  No table
 * comes behind NAT, which changes the source of what answers a port forward:
 * those to other machines are refused to hosts (put_filter()).
 */
static void
put_late(FILE *f, const struct rules_plan *p)
{
	const struct dataplane_config *c = p->config;
	const struct dataplane_pool   *pool;
	struct rules_words	       away = words;
	char			       from[2][32], to[64];
	const char		      *addr;

	fputs("-A RSIP-LATE-INPUT " OURS " -j RETURN\n"
	    "-A RSIP-LATE-FORWARD " OURS " -j RETURN\n"
	    "-A RSIP-LATE-OUTPUT " OURS " -j RETURN\n", f);
	snprintf(to, sizeof(to), "-A RSIP-LATE-INPUT -i %s -d ", c->public_if);
	away.to = to;
	snprintf(from[0], sizeof(from[0]), "-i %s", c->private_if);
	snprintf(from[1], sizeof(from[1]), "-i lo");
	for (size_t i = 0; i < c->npools; i++) {
		pool = &c->pools[i];
		addr = ADDR_TEXT(&pool->addr);
		rules_put_away(f, p, pool, &away);
		if (!pool->local) {
			fprintf(f, "-A RSIP-LATE-FORWARD %s -d %s", from[0],
			    addr);
			put_queue(f, p, false);
			fprintf(f, "-A RSIP-LATE-OUTPUT -d %s", addr);
			put_queue(f, p, false);
			continue;
		}
		for (size_t k = 0; k < 2 * pool->nports; k++) {
			for (size_t n = 0; n < 2; n++) {
				fprintf(f, "-A RSIP-LATE-INPUT %s -d %s -p "
				    "%s --dport %u:%u", from[n], addr,
				    k % 2 == 0 ? "tcp" : "udp",
				    pool->ports[k / 2].lo,
				    pool->ports[k / 2].hi);
				put_queue(f, p, p->config->linger == 0);
			}
		}
		for (size_t k = 0; k < 2 * NERRORS; k++) {
			fprintf(f, "-A RSIP-LATE-INPUT %s -d %s -p icmp "
			    "-m icmp --icmp-type %s", from[k % 2], addr,
			    errors[k / 2]);
			put_queue(f, p, true);
		}
		fprintf(f, "-A RSIP-LATE-INPUT -i lo -d %s -p icmp -m icmp "
		    "--icmp-type echo-reply", addr);
		put_queue(f, p, true);
	}
	fputs("COMMIT\n", f);
}

/* RSIP is spoken on the private side, by its networks and those named. */
static void
put_port(FILE *f, const struct rules_plan *p)
{
	const struct dataplane_config *c = p->config;

	if (c->rsip_port == 0)
		return;
	for (size_t i = 0; i < c->gateways.n; i++)
		fprintf(f, "-A RSIP-INPUT -d %s -p tcp --dport %u "
		    "-j RSIP-PORT\n"
		    "-A RSIP-INPUT -d %s -p udp --dport %u -j RSIP-PORT\n",
		    ADDR_TEXT(&c->gateways.list[i]), c->rsip_port,
		    ADDR_TEXT(&c->gateways.list[i]), c->rsip_port);
	fprintf(f, "-A RSIP-PORT -i lo -j RETURN\n"
	    "-A RSIP-PORT ! -i %s -j DROP\n", c->private_if);
	rules_put_each(f, "-A RSIP-PORT -s ", p->networks, p->nnetworks,
	    " -j RETURN");
	rules_put_each(f, "-A RSIP-PORT -s ", p->hosts, p->nhosts,
	    " -j RETURN");
	fputs("-A RSIP-PORT -j DROP\n", f);
}

/*
 * Where our packets may go.  Out of a tunnel: to the public side and nowhere
 * else, but for services of the router at its public address and for answers to
 * neighbours.  The operator's rules come next; what these do not decide is ours
 * before the policy is.  Naming a conntrack state keeps the kernel making
 * fragments whole before they come to us, also where there is no NAPT.
 */
static void
put_filter(FILE *f, const struct rules_plan *p)
{
	const struct dataplane_config *c = p->config;

	if (c->rsip_port != 0)
		fprintf(f, "-A RSIP-INPUT " ROUTER " -p tcp --dport %u " REFUSE
		    "\n-A RSIP-INPUT " ROUTER " -p udp --dport %u " REFUSE
		    "\n", c->rsip_port, c->rsip_port);
	fputs("-A RSIP-INPUT " OUT " " REFUSE "\n"
	    "-A RSIP-INPUT " ANSWER " " REFUSE "\n"
	    "-A RSIP-INPUT " OURS " -j RETURN\n", f);
	put_port(f, p);
	if (c->public_out != NULL)
		fprintf(f, "-A RSIP-FORWARD " OUT " -o %s -j RETURN\n",
		    c->public_out);
	fprintf(f, "-A RSIP-FORWARD " OUT " ! -o %s " REFUSE "\n"
	    "-A RSIP-FORWARD " ANSWER " ! -o %s " REFUSE "\n"
	    "-A RSIP-FORWARD " HOST " ! -o %s -j DROP\n"
	    "-A RSIP-FORWARD " ROUTER " " REFUSE "\n"
	    "-A RSIP-ALLOWED " OURS " -m conntrack --ctstate UNTRACKED "
	    "-j ACCEPT\nCOMMIT\n", c->public_if, c->private_if,
	    c->private_if);
}

static void
put_napt(FILE *f, const struct rules_plan *p)
{
	const struct {
		const char *what;
		const struct demux_range *to;
	} kinds[] = { { "-p tcp ", &p->napt_ports },
		{ "-p udp ", &p->napt_ports }, { "-p icmp ", &p->napt_ids },
		{ "", NULL } };

	for (size_t i = 0; i < p->nnetworks; i++) {
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			fprintf(f, "-A RSIP-POSTROUTING -o %s -s %s %s"
			    "-j MASQUERADE", p->config->public_if,
			    PREFIX_TEXT(&p->networks[i]), kinds[k].what);
			if (kinds[k].to != NULL)
				fprintf(f, " --to-ports %u-%u",
				    kinds[k].to->lo, kinds[k].to->hi);
			fputc('\n', f);
		}
	}
	fputs("COMMIT\n", f);
}

/*
 * One run of iptables-restore, which is one step for each table: rules of a
 * predecessor, or what is left of ours, are in force until then.
 */
static int
iptables_install(const struct rules_plan *p, const struct rules_settings *saved)
{
	char  *text = NULL, *dump = iptables_dump();
	size_t len;
	FILE  *f;
	int    rc = -1;

	f = open_memstream(&text, &len);
	if (f == NULL || dump == NULL) {
		log_error("firewall rules: cannot read what is there");
		if (f != NULL)
			fclose(f);
		goto out;
	}
	/* What one of them gives up the other one has to have before. */
	for (size_t i = 0; i < 2; i++) {
		if (p->away == (i == 0)) {
			put_chains(f, dump, "mangle");
			put_late(f, p);
		} else {
			put_chains(f, dump, "raw");
			put_raw(f, p, saved);
		}
	}
	put_chains(f, dump, "filter");
	put_filter(f, p);
	if (p->config->napt) {
		put_chains(f, dump, "nat");
		put_napt(f, p);
	} else if (strstr(dump, ":RSIP-POSTROUTING ") != NULL) {
		put_removal(f, dump, "nat");
	}
	if (fclose(f) == 0)
		rc = rules_run(restore, text, NULL, false);
	if (rc == -1)
		iptables_remove();
out:
	free(text);
	free(dump);
	return rc;
}

/* Does a line append to the chain that our call in another line is in? */
static bool
is_beside(const char *line, const char *call)
{
	size_t n = strcspn(call + 3, " ");

	return strncmp(line, call, 3 + n + 1) == 0;
}

/* What stands before a call of ours that is to be first, or behind one that is
 * to be last, is shown with it: somebody put it there. */
static bool
is_called(const char *line, bool last)
{
	char call[96];

	for (size_t i = 0; i < NHOOKS; i++) {
		if (hooks[i].hook == NULL || hooks[i].last != last)
			continue;
		snprintf(call, sizeof(call), "-A %s -j %s\n", hooks[i].hook,
		    hooks[i].chain);
		if (strncmp(line, call, strlen(call)) == 0)
			return true;
	}
	return false;
}

static const char *
line_end(const char *line)
{
	const char *end = strchr(line, '\n');

	return end != NULL ? end + 1 : line + strlen(line);
}

/* The lines of iptables-save that name a chain of ours; these have no
 * counters. */
static char *
iptables_dump(void)
{
	static const char *const save[] = { "iptables-save", NULL };
	const char		*line, *next;
	char			*all, *out;
	size_t			 n = 0, len;
	bool			 ours, before = false;

	if (rules_run(save, NULL, &all, true) == -1)
		return NULL;
	/* Lines only move towards the front: the same buffer holds both. */
	out = all;
	for (line = all; *line != '\0'; line = next) {
		next = line_end(line);
		len = (size_t)(next - line);
		ours = memmem(line, len, "RSIP-", 5) != NULL;
		if (!ours && !before && !(is_called(next, false) &&
		    is_beside(line, next)))
			continue;
		before = ours && is_called(line, true) &&
		    is_beside(next, line);
		memmove(out + n, line, len);
		n += len;
	}
	out[n] = '\0';
	return out;
}

static bool
iptables_whole(const struct rules_plan *p, const char *dump)
{
	for (size_t i = 0; i < NHOOKS; i++) {
		if (strcmp(hooks[i].table, "nat") == 0 && !p->config->napt)
			continue;
		if (!has_chain(dump, &hooks[i]) || count_calls(dump,
		    &hooks[i]) != (hooks[i].hook != NULL))
			return false;
	}
	return true;
}

const struct rules_backend rules_iptables = {
	.name = "iptables",
	.usable = iptables_usable,
	.install = iptables_install,
	.remove = iptables_remove,
	.dump = iptables_dump,
	.whole = iptables_whole,
};
