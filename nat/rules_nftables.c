/* rules_nftables.c - the data plane's rules as nftables has them, in a table of their own */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "nat/mark.h"
#include "nat/rules_backend.h"
#include "nat/rules_put.h"
#include "nat/rules_run.h"

#define OURS	"meta mark & " MARK_TEXT_MASK " == " MARK_TEXT_OURS
#define HOST	"meta mark " MARK_TEXT_HOST
#define OUT	"meta mark " MARK_TEXT_OUT
#define ROUTER	"meta mark " MARK_TEXT_ROUTER
#define ANSWER	"meta mark " MARK_TEXT_ANSWER
#define REFUSE	"reject with icmp type admin-prohibited"
#define ERRORS	"{ destination-unreachable, time-exceeded, parameter-problem }"

static bool
nftables_usable(void)
{
	static const char *const probe[] = { "nft", "-c", "-f", "-", NULL };

	/* With -c the kernel builds it all and then lets it go. */
	return rules_run(probe,
	    "table ip rsip_probe {\n"
	    "chain c { type filter hook prerouting priority raw;\n"
	    "meta l4proto esp queue num 0-1\n"
	    "meta l4proto esp notrack\n"
	    "fib saddr type local drop\n"
	    "fib saddr . iif oif missing drop\n}\n"
	    "chain i { type filter hook input priority 0;\n"
	    REFUSE "\n}\n}\n", NULL, true) == 0;
}

static void
nftables_remove(void)
{
	static const char *const del[] = { "nft", "delete", "table", "ip",
		"rsip", NULL };

	(void)rules_run(del, NULL, NULL, true);
}

static void
put_queue(FILE *f, const struct rules_plan *p, bool bypass)
{
	unsigned first = p->config->queue_first;

	if (p->queues > 1)
		fprintf(f, " queue num %u-%u%s\n", first,
		    first + p->queues - 1, bypass ? " bypass" : "");
	else
		fprintf(f, " queue num %u%s\n", first, bypass ? " bypass" : "");
}

/* As the kernel's own check was at the public side before it had to be loose
 * for our packets; at the private side always (RFC 3704 §2.2). */
static void
put_antispoof_public(FILE *f, const struct rules_plan *p,
    const struct rules_settings *saved)
{
	const struct dataplane_config *c = p->config;

	fputs("fib saddr type local drop\n", f);
	if (rules_settings_was_strict(saved, c->public_if))
		fputs("fib saddr . iif oif missing drop\n", f);
	rules_put_each(f, "ip saddr ", p->networks, p->nnetworks, " drop");
	for (size_t i = 0; i < c->npools; i++) {
		if (!c->pools[i].local)
			fprintf(f, "ip saddr %s drop\n",
			    ADDR_TEXT(&c->pools[i].addr));
	}
	/* A tunnel begins on the private side (RFC 2003 §6). */
	for (size_t i = 0; i < c->gateways.n; i++)
		fprintf(f, "ip daddr %s ip protocol { 4, 47 } drop\n",
		    ADDR_TEXT(&c->gateways.list[i]));
}

static const struct rules_words words = {
	.to = "ip daddr ",
	.of = { [RULES_ALL] = { "" },
		[RULES_IPSEC] = { " ip protocol { esp, ah }",
		    " udp dport 500" },
		[RULES_NATT] = { " udp dport 4500" },
		[RULES_PORTS] = { " ip protocol { tcp, udp } th dport " },
		[RULES_ICMP] = { " icmp type != echo-request" } },
	.dash = '-',
	.queue = put_queue,
};

/* One look at the interface, not one a rule: hence a chain for each. */
static void
put_prerouting(FILE *f, const struct rules_plan *p,
    const struct rules_settings *saved)
{
	const struct dataplane_config *c = p->config;

	fputs("chain public {\n", f);
	put_antispoof_public(f, p, saved);
	for (size_t i = 0; i < c->npools; i++)
		rules_put_pool(f, p, &c->pools[i], &words);
	fputs("}\nchain private {\nfib saddr type local drop\n"
	    "fib saddr . iif oif missing drop\n", f);
	for (size_t i = 0; i < c->npools; i++) {
		if (!c->pools[i].local)
			fprintf(f, "ip saddr %s drop\n",
			    ADDR_TEXT(&c->pools[i].addr));
	}
	for (size_t i = 0; i < c->gateways.n; i++) {
		fprintf(f, "ip daddr %s ip protocol { 4, 47 }",
		    ADDR_TEXT(&c->gateways.list[i]));
		put_queue(f, p, false);
	}
	/* What the router itself is to have is tracked, and may be forwarded by
	 * its port forwards. */
	fprintf(f, "}\nchain prerouting {\n"
	    "type filter hook prerouting priority raw;\n"
	    ROUTER " accept\n"
	    OURS " notrack accept\n"
	    "iifname \"%s\" jump public\niifname \"%s\" jump private\n}\n",
	    c->public_if, c->private_if);
}

static void
put_output(FILE *f, const struct rules_plan *p)
{
	const struct dataplane_config *c = p->config;

	/* The kernel's own errors about a host's packet go to its tunnel.  One
	 * about a tracked packet shares its entry, and is not queued before
	 * that packet is gone: on its way in again, if it has one. */
	fputs("chain output {\n"
	    "type filter hook output priority raw;\n"
	    OURS " notrack accept\n", f);
	for (size_t i = 0; i < c->npools; i++) {
		fprintf(f, "ip daddr %s icmp type " ERRORS
		    " ct state & related == 0", ADDR_TEXT(&c->pools[i].addr));
		put_queue(f, p, true);
	}
	fputs("}\n", f);
}

/*
 * A leased port is reached from the private side and from the router itself as
 * from outside, and so is a host that uses a service of the router: what would
 * be the router's is queued where NAT has done its part.
 */
static void
put_late(FILE *f, const struct rules_plan *p)
{
	const struct dataplane_config *c = p->config;
	const struct dataplane_pool   *pool;
	char			       from[2][96];
	const char		      *addr;

	struct rules_words	       away = words;
	char			       to[96];

	snprintf(to, sizeof(to), "iifname \"%s\" ip daddr ", c->public_if);
	away.to = to;
	/* From other networks of the router only what answers a host. */
	snprintf(from[0], sizeof(from[0]), "iifname { \"%s\", \"lo\" }",
	    c->private_if);
	snprintf(from[1], sizeof(from[1]), "iifname != \"%s\" ct state "
	    "established", c->public_if);
	fputs("chain late_input {\n"
	    "type filter hook input priority 150;\n" OURS " accept\n", f);
	for (size_t i = 0; i < c->npools; i++) {
		pool = &c->pools[i];
		addr = ADDR_TEXT(&pool->addr);
		rules_put_away(f, p, pool, &away);
		if (!pool->local)
			continue;
		for (unsigned k = 0; k < 2 * pool->nports; k++) {
			fprintf(f, "%s ip daddr %s ip protocol { tcp, udp } "
			    "th dport %u-%u", from[k % 2], addr,
			    pool->ports[k / 2].lo, pool->ports[k / 2].hi);
			put_queue(f, p, p->config->linger == 0);
		}
		fprintf(f, "%s ip daddr %s icmp type " ERRORS, from[0], addr);
		put_queue(f, p, true);
		fprintf(f, "iifname \"lo\" ip daddr %s icmp type echo-reply",
		    addr);
		put_queue(f, p, true);
	}
	fputs("}\nchain late_forward {\n"
	    "type filter hook postrouting priority 150;\n" OURS " accept\n",
	    f);
	for (size_t i = 0; i < c->npools; i++) {
		if (c->pools[i].local)
			continue;
		for (size_t k = 0; k < 2; k++) {
			fprintf(f, "%s ip daddr %s", from[k],
			    ADDR_TEXT(&c->pools[i].addr));
			put_queue(f, p, false);
		}
	}
	fputs("}\nchain late_output {\n"
	    "type filter hook output priority mangle;\n" OURS " accept\n", f);
	for (size_t i = 0; i < c->npools; i++) {
		if (c->pools[i].local)
			continue;
		fprintf(f, "ip daddr %s", ADDR_TEXT(&c->pools[i].addr));
		put_queue(f, p, false);
	}
	fputs("}\n", f);
}

/* RSIP is spoken on the private side, by its networks and those named. */
static void
put_port(FILE *f, const struct rules_plan *p)
{
	const struct dataplane_config *c = p->config;

	fputs("chain port {\niifname \"lo\" return\n", f);
	fprintf(f, "iifname != \"%s\" drop\n", c->private_if);
	rules_put_each(f, "ip saddr ", p->networks, p->nnetworks, " return");
	rules_put_each(f, "ip saddr ", p->hosts, p->nhosts, " return");
	fputs("drop\n}\n", f);
}

/*
 * Where our packets may go.  Out of a tunnel: to the public side and nowhere
 * else, but for services of the router at its public address and for answers to
 * neighbours.  Naming a conntrack state keeps the kernel making fragments whole
 * before they come to us, also where there is no NAPT.
 */
static void
put_filter(FILE *f, const struct rules_plan *p)
{
	const struct dataplane_config *c = p->config;

	if (c->rsip_port != 0)
		put_port(f, p);
	fputs("chain input {\ntype filter hook input priority -1;\n", f);
	if (c->rsip_port != 0)
		fprintf(f, ROUTER " ip protocol { tcp, udp } th dport %u "
		    REFUSE "\n", c->rsip_port);
	fputs(OUT " " REFUSE "\n" ANSWER " " REFUSE "\n" OURS " accept\n",
	    f);
	for (size_t i = 0; c->rsip_port != 0 && i < c->gateways.n; i++)
		fprintf(f, "ip daddr %s ip protocol { tcp, udp } th dport %u "
		    "jump port\n", ADDR_TEXT(&c->gateways.list[i]),
		    c->rsip_port);
	fprintf(f, "}\nchain forward {\n"
	    "type filter hook forward priority -1;\n"
	    OUT " oifname != { \"%s\", \"%s\" } " REFUSE "\n"
	    ANSWER " oifname != \"%s\" " REFUSE "\n"
	    HOST " oifname != \"%s\" drop\n"
	    ROUTER " ct status & dnat == 0 " REFUSE "\n"
	    OURS " ct state untracked accept\n}\n", c->public_if,
	    c->public_out != NULL ? c->public_out : c->public_if,
	    c->private_if, c->private_if);
}

static void
put_napt(FILE *f, const struct rules_plan *p)
{
	const struct {
		const char *what;
		const struct demux_range *to;
	} kinds[] = { { "ip protocol { tcp, udp } ", &p->napt_ports },
		{ "ip protocol icmp ", &p->napt_ids }, { "", NULL } };

	fputs("chain postrouting {\n"
	    "type nat hook postrouting priority 99;\n", f);
	for (size_t i = 0; i < p->nnetworks; i++) {
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			fprintf(f, "oifname \"%s\" ip saddr %s %smasquerade",
			    p->config->public_if,
			    PREFIX_TEXT(&p->networks[i]), kinds[k].what);
			if (kinds[k].to != NULL)
				fprintf(f, " to :%u-%u", kinds[k].to->lo,
				    kinds[k].to->hi);
			fputc('\n', f);
		}
	}
	fputs("}\n", f);
}

static int
nftables_install(const struct rules_plan *p, const struct rules_settings *saved)
{
	static const char *const load[] = { "nft", "-f", "-", NULL };
	char			*text = NULL;
	size_t			 len;
	FILE			*f;
	int			 rc = -1;

	f = open_memstream(&text, &len);
	if (f == NULL) {
		log_error("firewall rules: out of memory");
		return -1;
	}
	/* One transaction: at no time are there no rules. */
	fputs("table ip rsip\ndelete table ip rsip\ntable ip rsip {\n", f);
	put_prerouting(f, p, saved);
	put_output(f, p);
	put_late(f, p);
	put_filter(f, p);
	if (p->config->napt)
		put_napt(f, p);
	fputs("chain saved {\n", f);
	for (size_t i = 0; i < saved->n; i++)
		fprintf(f, "return comment \"rsip-saved %s=%s\"\n",
		    saved->list[i].key, saved->list[i].value);
	fputs("}\n}\n", f);
	if (fclose(f) == 0)
		rc = rules_run(load, text, NULL, false);
	free(text);
	return rc;
}

static char *
nftables_dump(void)
{
	static const char *const list[] = { "nft", "-n", "list", "table", "ip",
		"rsip", NULL };
	char			*text;

	/* A table that is gone is an empty one. */
	if (rules_run(list, NULL, &text, true) == -1)
		return strdup("");
	return text;
}

/* The table comes and goes as one, but for its rules: "nft flush table". */
static bool
nftables_whole(const struct rules_plan *p, const char *dump)
{
	(void)p;
	return strstr(dump, "jump public") != NULL;
}

const struct rules_backend rules_nftables = {
	.name = "nftables",
	.usable = nftables_usable,
	.install = nftables_install,
	.remove = nftables_remove,
	.dump = nftables_dump,
	.whole = nftables_whole,
};
