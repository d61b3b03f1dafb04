/* nat_gateway.c - the data plane without rsipd: bindings come as lines on stdin (for tests and benchmarks) */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/priv.h"
#include "base/report.h"
#include "base/util.h"
#include "nat/dataplane.h"
#include "tests/unit/demux_ids.h"
#include "net/rtnl.h"

/*
 * nat_gateway PUBLIC-IF PRIVATE-IF GATEWAY [firewall=nftables|iptables|none]
 *     [queues=N] [queue-first=N] [queue-length=N] [entries=N]
 *     [offload|offload-xdp] [local-ipsec] [refuse-ike] [no-napt] [keep-root]
 *     [keep-softirq]
 *     [pool=ADDR:LO-HI[,LO-HI]] [remote-pool=...] [rsip=PORT]
 *     [host=NET/LEN ...]
 *
 * Lines on stdin, one answer line each:
 *     add CLIENT BIND HOST LOCAL ipip|gre [whole] [noipsec] [ports=LO-HI,...]
 *         [spis=HEX,...] [cookies=HEX,...] [remote=ADDR[:LO-HI]]
 *     many FIRST COUNT HOST LOCAL ipip|gre    bindings with one SPI each:
 *                                             0x10000 + i
 *     remove CLIENT BIND
 *     usage CLIENT BIND
 *     flows
 *     status
 * It prints "ready" when it is, and "misuse HOST VERDICT CLIENT BIND" lines.
 */
#define LIST_MAX 1024

static struct dataplane_pool   pools[8];
static struct dataplane_config config = { .pools = pools, .napt = true };
static size_t		       entries = 1 << 20;
static bool		       keep_root;
static struct event_base      *base;
static struct demux	      *demux;
static struct dataplane	      *dataplane;

static const char *const verdicts[] = { "forward", "not-ours", "drop", "addr",
	"addrport", "remote-addr", "remote-addrport", "tunnel" };

static _Noreturn void
fail(const char *what, const char *why)
{
	fprintf(stderr, "nat_gateway: %s: %s\n", what, why);
	exit(2);
}

static struct addr
get_addr(const char *s)
{
	struct addr a;

	if (addr_parse(&a, s) == -1)
		fail("bad address", s);
	return a;
}

static size_t
get_ranges(char *s, struct demux_range *out, size_t max)
{
	char  *save = NULL;
	size_t n = 0;

	for (char *p = strtok_r(s, ",", &save); p != NULL && n < max;
	     p = strtok_r(NULL, ",", &save)) {
		char	     *end;
		unsigned long lo = strtoul(p, &end, 10), hi = lo;

		if (*end == '-')
			hi = strtoul(end + 1, &end, 10);
		if (*end != '\0' || hi > 65535 || lo > hi)
			fail("bad range", p);
		out[n++]
		    = (struct demux_range) { (uint16_t)lo, (uint16_t)hi };
	}
	return n;
}

static size_t
get_numbers(char *s, uint64_t *out)
{
	char  *save = NULL;
	size_t n = 0;

	for (char *p = strtok_r(s, ",", &save); p != NULL && n < LIST_MAX;
	     p = strtok_r(NULL, ",", &save))
		out[n++] = strtoull(p, NULL, 16);
	return n;
}

static void
add_pool(char *s, bool local)
{
	struct dataplane_pool *p = &pools[config.npools++];
	char		      *colon = strchr(s, ':');

	if (config.npools == sizeof(pools) / sizeof(pools[0]))
		fail("too many pools", s);
	if (colon != NULL) {
		*colon = '\0';
		p->nports = (unsigned)get_ranges(colon + 1, p->ports,
		    sizeof(p->ports) / sizeof(p->ports[0]));
	}
	p->addr = get_addr(s);
	p->local = local;
}

static void
add_host(char *s)
{
	static struct prefix hosts[8];

	if (config.nhosts == sizeof(hosts) / sizeof(hosts[0]) ||
	    prefix_parse(&hosts[config.nhosts++], s) == -1)
		fail("bad host", s);
	config.hosts = hosts;
}

static enum dataplane_firewall
get_firewall(const char *s)
{
	static const char *const names[] = {
		[DATAPLANE_FIREWALL_AUTO] = "auto",
		[DATAPLANE_FIREWALL_NFTABLES] = "nftables",
		[DATAPLANE_FIREWALL_IPTABLES] = "iptables",
		[DATAPLANE_FIREWALL_NONE] = "none",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(s, names[i]) == 0)
			return (enum dataplane_firewall)i;
	}
	fail("unknown firewall", s);
}

static void
get_flag(const char *s)
{
	if (strcmp(s, "local-ipsec") == 0)
		config.local_ipsec = true;
	else if (strcmp(s, "refuse-ike") == 0)
		config.refuse_ike = true;
	else if (strcmp(s, "no-napt") == 0)
		config.napt = false;
	else if (strcmp(s, "offload") == 0)
		config.offload = DATAPLANE_OFFLOAD_AUTO;
	else if (strcmp(s, "offload-xdp") == 0)
		config.offload = DATAPLANE_OFFLOAD_XDP;
	else if (strcmp(s, "keep-root") == 0)
		keep_root = true;
	else if (strcmp(s, "keep-softirq") == 0)
		config.keep_softirq = true;
	else
		fail("unknown option", s);
}

static void
get_option(char *s)
{
	char *v = strchr(s, '=');

	if (v == NULL) {
		get_flag(s);
		return;
	}
	*v++ = '\0';
	if (strcmp(s, "queues") == 0)
		config.queues = (unsigned)strtoul(v, NULL, 10);
	else if (strcmp(s, "queue-first") == 0)
		config.queue_first = (unsigned)strtoul(v, NULL, 10);
	else if (strcmp(s, "queue-length") == 0)
		config.queue_length = (unsigned)strtoul(v, NULL, 10);
	else if (strcmp(s, "entries") == 0)
		entries = strtoul(v, NULL, 10);
	else if (strcmp(s, "rsip") == 0)
		config.rsip_port = (uint16_t)strtoul(v, NULL, 10);
	else if (strcmp(s, "host") == 0)
		add_host(v);
	else if (strcmp(s, "pool") == 0)
		add_pool(v, true);
	else if (strcmp(s, "remote-pool") == 0)
		add_pool(v, false);
	else if (strcmp(s, "firewall") == 0)
		config.firewall = get_firewall(v);
	else
		fail("unknown option", s);
}

/* --- commands ------------------------------------------------------------- */

static char *
word(char **save)
{
	char *w = strtok_r(NULL, " ", save);

	if (w == NULL)
		fail("a command", "lacks a word");
	return w;
}

static uint32_t
number(char **save)
{
	return (uint32_t)strtoul(word(save), NULL, 0);
}

static enum tunnel_type
get_tunnel(const char *s)
{
	return strcmp(s, "gre") == 0 ? TUNNEL_GRE : TUNNEL_IPIP;
}

static int
command_add(char **save)
{
	struct demux_range   ports[64];
	uint64_t	     numbers[LIST_MAX], cookies[LIST_MAX];
	uint32_t	     spis[LIST_MAX];
	struct demux_binding b = { .gateway = config.gateways.list[0],
		.ipsec = true, .remote_policy = DEMUX_REMOTE_NONE,
		.ports = ports, .spis = spis, .cookies = cookies };

	b.client_id = number(save);
	b.bind_id = number(save);
	b.host = get_addr(word(save));
	b.local = get_addr(word(save));
	b.tunnel = get_tunnel(word(save));
	for (char *w; (w = strtok_r(NULL, " ", save)) != NULL;) {
		char *v = strchr(w, '=');

		if (v != NULL)
			*v++ = '\0';
		if (strcmp(w, "whole") == 0) {
			b.whole = true;
		} else if (strcmp(w, "noipsec") == 0) {
			b.ipsec = false;
		} else if (v != NULL && strcmp(w, "ports") == 0) {
			b.nports = get_ranges(v, ports, 64);
		} else if (v != NULL && strcmp(w, "spis") == 0) {
			b.nspis = get_numbers(v, numbers);
			for (size_t i = 0; i < b.nspis; i++)
				spis[i] = (uint32_t)numbers[i];
		} else if (v != NULL && strcmp(w, "cookies") == 0) {
			b.ncookies = get_numbers(v, cookies);
		} else if (v != NULL && strcmp(w, "remote") == 0) {
			char *colon = strchr(v, ':');

			b.remote_policy = DEMUX_REMOTE_MACRO;
			if (colon != NULL) {
				*colon++ = '\0';
				b.remote_policy = DEMUX_REMOTE_MICRO;
				get_ranges(colon, &b.remote_ports, 1);
			}
			b.remote = get_addr(v);
		} else {
			fail("unknown word", w);
		}
	}
	return demux_add(demux, &b) == NULL ? -1 : 0;
}

static int
command_many(char **save)
{
	uint32_t	     spi;
	struct demux_binding b = { .gateway = config.gateways.list[0],
		.ipsec = true,
		.remote_policy = DEMUX_REMOTE_NONE, .spis = &spi, .nspis = 1 };
	uint32_t	     first = number(save), count = number(save);

	b.host = get_addr(word(save));
	b.local = get_addr(word(save));
	b.tunnel = get_tunnel(word(save));
	for (uint32_t i = first; i < first + count; i++) {
		b.client_id = 1000 + i;
		b.bind_id = 1;
		spi = 0x10000 + i;
		if (demux_add(demux, &b) == NULL)
			return -1;
	}
	return 0;
}

static void
print_flow(void *arg, const struct demux_row *e)
{
	(void)arg;
	printf("flow %s %u %s %s %s %" PRIx64 " %u %u\n", e->kind, e->protocol,
	    ADDR_TEXT(&e->local), ADDR_TEXT(&e->host), ADDR_TEXT(&e->remote),
	    e->key, e->client_id, e->bind_id);
}

static void
command(char *line)
{
	struct demux_usage u;
	char		  *save = NULL, *w = strtok_r(line, " ", &save);
	struct report	  *r;
	json_object	  *o;
	uint32_t	   id;
	int		   rc = 0;

	if (w == NULL)
		return;
	dataplane_stir(dataplane);
	if (strcmp(w, "add") == 0) {
		rc = command_add(&save);
	} else if (strcmp(w, "many") == 0) {
		rc = command_many(&save);
	} else if (strcmp(w, "remove") == 0) {
		id = number(&save);
		rc = demux_remove_ids(demux, 0, id, number(&save));
	} else if (strcmp(w, "usage") == 0) {
		id = number(&save);
		rc = demux_usage_ids(demux, 0, id, number(&save), &u);
		if (rc == 0)
			printf("usage in %" PRIu64 " %" PRIu64 " out %" PRIu64
			       " %" PRIu64 "\n",
			    u.packets_in, u.bytes_in, u.packets_out,
			    u.bytes_out);
	} else if (strcmp(w, "flows") == 0) {
		demux_each(demux, print_flow, NULL);
	} else if (strcmp(w, "status") == 0) {
		r = report_new(REPORT_VALUES, true);
		dataplane_report(dataplane, r);
		o = report_end(r);
		printf("%s\n", json_object_to_json_string_ext(
				   o, JSON_C_TO_STRING_PLAIN));
		json_object_put(o);
	} else {
		fail("unknown command", w);
	}
	if (rc == -1)
		printf("error %s\n", strerror(errno));
	else
		puts("ok");
}

static void
on_stdin(evutil_socket_t fd, short what, void *arg)
{
	static char   buf[65536];
	static size_t len;
	char	     *nl;
	ssize_t	      n;

	(void)what;
	(void)arg;
	n = read(fd, buf + len, sizeof(buf) - len - 1);
	if (n <= 0) {
		event_base_loopbreak(base);
		return;
	}
	len += (size_t)n;
	buf[len] = '\0';
	while ((nl = strchr(buf, '\n')) != NULL) {
		*nl = '\0';
		command(buf);
		len -= (size_t)(nl + 1 - buf);
		memmove(buf, nl + 1, len + 1);
	}
}

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	event_base_loopbreak(base);
}

static void
on_lost(void *arg)
{
	(void)arg;
	printf("lost\n");
	exit(1);
}

static void
on_misuse(void *arg, const struct addr *gateway, const struct addr *host,
    enum demux_verdict v, uint32_t client_id, uint32_t bind_id)
{
	(void)arg;
	(void)gateway;
	printf("misuse %s %s %u %u\n", ADDR_TEXT(host), verdicts[v], client_id,
	    bind_id);
}

int
main(int argc, char *argv[])
{
	static const struct dataplane_ops ops = { .misuse = on_misuse,
		.lost = on_lost };
	struct event			 *in, *term;

	if (argc < 4)
		fail("usage", "PUBLIC-IF PRIVATE-IF GATEWAY [option ...]");
	setvbuf(stdout, NULL, _IOLBF, 0);
	log_init("nat_gateway", true, LOG_LEVEL_INFO);
	config.public_if = argv[1];
	config.private_if = argv[2];
	config.gateways.list[0] = get_addr(argv[3]);
	config.gateways.n = 1;
	for (int i = 4; i < argc; i++)
		get_option(argv[i]);
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	demux = demux_new(entries);
	if (base == NULL || demux == NULL || rtnl_open() == -1)
		fail("start", strerror(errno));
	dataplane = dataplane_open(&config, base, demux, &ops, NULL);
	if (dataplane == NULL)
		return 1;
	/* As rsipd does, so that the packet threads are tried with the
	 * capabilities that they will have. */
	if (!keep_root &&
	    (priv_drop("rsipd") == -1 || priv_lock("rsipd") == -1))
		return 1;
	in = event_new(base, 0, EV_READ | EV_PERSIST, on_stdin, NULL);
	term = evsignal_new(base, SIGTERM, on_signal, NULL);
	if (in == NULL || term == NULL || event_add(in, NULL) == -1
	    || event_add(term, NULL) == -1)
		fail("events", "cannot be made");
	puts("ready");
	event_base_dispatch(base);
	dataplane_close(dataplane);
	demux_free(demux);
	event_free(in);
	event_free(term);
	event_base_free(base);
	rtnl_close();
	return 0;
}
