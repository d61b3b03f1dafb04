/* rules_iptables.c - the data plane's rules as iptables has them, in chains of their own */
#include "config.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "nat/rules.h"

/* Where each of our chains is called from. */
static const struct hook {
	const char *table, *hook, *chain;
} hooks[] = {
	{ "raw", "PREROUTING", "RSIP-PREROUTING" },
	{ "raw", "OUTPUT", "RSIP-OUTPUT" },
	{ "filter", "FORWARD", "RSIP-FORWARD" },
	{ "nat", "POSTROUTING", "RSIP-POSTROUTING" },
	/* Called by our own: one look at the interface, not one a rule. */
	{ "raw", NULL, "RSIP-PUBLIC" },
	{ "raw", NULL, "RSIP-PRIVATE" },
	/* Called from nowhere: comments that outlive us. */
	{ "raw", NULL, "RSIP-SAVED" },
};
static const char *const tables[] = { "raw", "filter", "nat" };
#define NHOOKS	(sizeof(hooks) / sizeof(hooks[0]))

#define OURS	"-m mark --mark 0x52000000/0xff000000"

static bool
iptables_usable(void)
{
	static const char *const probe[] = { "iptables-restore", "-w", "5",
		"--noflush", "--test", NULL };

	return rules_run(probe,
	    "*raw\n:RSIP-PROBE - [0:0]\n"
	    "-A RSIP-PROBE -p esp -j NFQUEUE --queue-balance 0:1\n"
	    "-A RSIP-PROBE " OURS " -j CT --notrack\nCOMMIT\n", NULL, true) == 0;
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
			fprintf(f, "-I %s 1 -j %s\n", hooks[i].hook,
			    hooks[i].chain);
	}
}

/* The end of a rule that gives packets to the queues.  bypass: if nobody
 * listens to them, the router has the packet as if we were not there. */
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
 * stand in for it: nobody outside has an address of ours or of the private
 * side, and a host uses a leased address only in its tunnel.
 */
static void
put_antispoof(FILE *f, const struct rules_plan *p)
{
	const struct dataplane_config *c = p->config;

	fputs("-A RSIP-PUBLIC -m addrtype --src-type LOCAL -j DROP\n"
	    "-A RSIP-PRIVATE -m addrtype --src-type LOCAL -j DROP\n", f);
	for (size_t i = 0; i < p->nnetworks; i++)
		fprintf(f, "-A RSIP-PUBLIC -s %s/%u -j DROP\n",
		    ipv4_text(p->networks[i].addr), p->networks[i].plen);
	for (size_t i = 0; i < c->npools; i++) {
		/* One of the router's own is LOCAL. */
		if (!c->pools[i].local)
			fprintf(f, "-A RSIP-PUBLIC -s %s -j DROP\n"
			    "-A RSIP-PRIVATE -s %s -j DROP\n",
			    ipv4_text(c->pools[i].addr),
			    ipv4_text(c->pools[i].addr));
	}
	/* A tunnel begins on the private side (RFC 2003 §6). */
	fprintf(f, "-A RSIP-PUBLIC -d %s -p 4 -j DROP\n"
	    "-A RSIP-PUBLIC -d %s -p 47 -j DROP\n", ipv4_text(c->gateway),
	    ipv4_text(c->gateway));
}

static void
put_pool(FILE *f, const struct rules_plan *p, const struct dataplane_pool *pool)
{
	static const char *const ipsec[] = { "-p esp", "-p ah",
		"-p udp --dport 500" };
	const char	  *addr = ipv4_text(pool->addr);

	if (!pool->local) {
		fprintf(f, "-A RSIP-PUBLIC -d %s", addr);
		put_queue(f, p, false);
		return;
	}
	for (size_t i = 0; i < sizeof(ipsec) / sizeof(ipsec[0]); i++) {
		fprintf(f, "-A RSIP-PUBLIC -d %s %s", addr, ipsec[i]);
		put_queue(f, p, p->config->local_ipsec);
	}
	fprintf(f, "-A RSIP-PUBLIC -d %s -p udp --dport 4500", addr);
	put_queue(f, p, true);
	for (unsigned i = 0; i < pool->nports; i++) {
		static const char *const proto[] = { "tcp", "udp" };

		for (size_t k = 0; k < 2; k++) {
			fprintf(f, "-A RSIP-PUBLIC -d %s -p %s --dport %u:%u",
			    addr, proto[k], pool->ports[i].lo,
			    pool->ports[i].hi);
			put_queue(f, p, true);
		}
	}
	fprintf(f, "-A RSIP-PUBLIC -d %s -p icmp -m icmp ! --icmp-type "
	    "echo-request", addr);
	put_queue(f, p, true);
}

static void
put_raw(FILE *f, const struct rules_plan *p, const struct rules_settings *saved)
{
	const struct dataplane_config *c = p->config;

	fprintf(f, "-A RSIP-PREROUTING " OURS " -j CT --notrack\n"
	    "-A RSIP-PREROUTING " OURS " -j ACCEPT\n"
	    "-A RSIP-PREROUTING -i %s -j RSIP-PUBLIC\n"
	    "-A RSIP-PREROUTING -i %s -j RSIP-PRIVATE\n", c->public_if,
	    c->private_if);
	put_antispoof(f, p);
	for (size_t i = 0; i < c->npools; i++)
		put_pool(f, p, &c->pools[i]);
	fprintf(f, "-A RSIP-PRIVATE -d %s -p 4", ipv4_text(c->gateway));
	put_queue(f, p, false);
	fprintf(f, "-A RSIP-PRIVATE -d %s -p 47", ipv4_text(c->gateway));
	put_queue(f, p, false);

	/* The kernel's own errors about a host's packet go to its tunnel. */
	fputs("-A RSIP-OUTPUT " OURS " -j CT --notrack\n"
	    "-A RSIP-OUTPUT " OURS " -j ACCEPT\n", f);
	for (size_t i = 0; i < c->npools; i++) {
		static const char *const types[] = {
			"destination-unreachable", "time-exceeded",
			"parameter-problem" };

		for (size_t k = 0; k < 3; k++) {
			fprintf(f, "-A RSIP-OUTPUT -d %s -p icmp -m icmp "
			    "--icmp-type %s", ipv4_text(c->pools[i].addr),
			    types[k]);
			put_queue(f, p, true);
		}
	}
	for (size_t i = 0; i < saved->n; i++)
		fprintf(f, "-A RSIP-SAVED -m comment --comment "
		    "\"rsip-saved %s=%s\"\n", saved->list[i].key,
		    saved->list[i].value);
	fputs("COMMIT\n", f);
}

static void
put_napt(FILE *f, const struct rules_plan *p)
{
	const struct rules_network *n;

	for (size_t i = 0; i < p->nnetworks; i++) {
		n = &p->networks[i];
		fprintf(f, "-A RSIP-POSTROUTING -o %s -s %s/%u -p tcp "
		    "-j MASQUERADE --to-ports %u-%u\n", p->config->public_if,
		    ipv4_text(n->addr), n->plen, p->napt_ports.lo,
		    p->napt_ports.hi);
		fprintf(f, "-A RSIP-POSTROUTING -o %s -s %s/%u -p udp "
		    "-j MASQUERADE --to-ports %u-%u\n", p->config->public_if,
		    ipv4_text(n->addr), n->plen, p->napt_ports.lo,
		    p->napt_ports.hi);
		fprintf(f, "-A RSIP-POSTROUTING -o %s -s %s/%u -p icmp "
		    "-j MASQUERADE --to-ports %u-%u\n", p->config->public_if,
		    ipv4_text(n->addr), n->plen, p->napt_ids.lo,
		    p->napt_ids.hi);
		fprintf(f, "-A RSIP-POSTROUTING -o %s -s %s/%u "
		    "-j MASQUERADE\n", p->config->public_if,
		    ipv4_text(n->addr), n->plen);
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
	put_chains(f, dump, "raw");
	put_raw(f, p, saved);
	/* Naming a conntrack state keeps the kernel making fragments whole
	 * before they come to us, also where there is no NAPT. */
	put_chains(f, dump, "filter");
	fputs("-A RSIP-FORWARD " OURS " -m conntrack --ctstate UNTRACKED "
	    "-j ACCEPT\nCOMMIT\n", f);
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

/* The lines of iptables-save that name a chain of ours; these have no counters. */
static char *
iptables_dump(void)
{
	static const char *const save[] = { "iptables-save", NULL };
	char			*all, *line, *next, *out;
	size_t			 n = 0, len;

	if (rules_run(save, NULL, &all, true) == -1)
		return NULL;
	/* Lines only move towards the front: the same buffer holds both. */
	out = all;
	for (line = all; *line != '\0'; line = next) {
		next = strchr(line, '\n');
		next = next != NULL ? next + 1 : line + strlen(line);
		len = (size_t)(next - line);
		if (memmem(line, len, "RSIP-", 5) == NULL)
			continue;
		memmove(out + n, line, len);
		n += len;
	}
	out[n] = '\0';
	return out;
}

const struct rules_backend rules_iptables = {
	.name = "iptables",
	.usable = iptables_usable,
	.install = iptables_install,
	.remove = iptables_remove,
	.dump = iptables_dump,
};
