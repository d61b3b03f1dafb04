/* test_gateway_scenarios.c - plays scenario files on the gateway core: a clock, hosts and look-ups of lines */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/unit/gateway_world.h"
#include "tests/unit/play.h"
#include "tests/unit/play_rsip.h"

/*
 * What scenarios say (play.h has the rest, play_rsip.h how
 * messages are written):
 *
 *   gateway [whole] [POLICY...]  first: ports 20000-20009 of 198.51.100.1
 *                               and, with whole, all of 198.51.100.2, for
 *                               hosts of 10.0.0.0/24
 *   policy [POLICY...]          another one from now on, by reconfiguring
 *   section PREFIX/LEN POLICY...    for these hosts
 *   reconfigure endpoint=ADDRESS|no-udp|local-twice
 *
 *   POLICY: policy=LOCAL,REMOTE lease=N lease-max=N registration=N max-ports=N
 *           max-spis=N max-bindings=N allow=PREFIX/LEN:PORT-PORT, and
 *           no-register, no-listen, no-ipsec, no-rsa-ip, no-gre; of a section
 *           also ipsec
 *
 *   as HOST CONNECTION [udp]    who speaks from now on
 *   register [...]              REGISTER_REQUEST
 *   ask TYPE [...]              any message; an assignment wants one port, an
 *                               SPI where it is of IPsec
 *   resolved N [ADDRESS...]     the answer to question N (0: the first)
 *   disconnected HOST CONNECTION    of TCP
 *   misuse addr|addrport|remote|remoteport|tunnel
 *   pass MS                     with the tick that is due then
 *   sleep MS                    without it
 *   until MS                    what is leased on ends so long from now
 *   demux-fails ENOMEM|ENOSPC|EEXIST    the next entry is refused
 *   extra ADDRESS               another whole address
 *   shutdown
 *
 * and what is looked at:
 *
 *   bound N   free-ports N   resting-ports N
 *   spis-leased N   whole N   probed N
 *   registered yes|no           whoever speaks
 *   alarm MS|none               when the core wants to be ticked
 *
 * Client IDs are numbered as they are given out: client=1 is the first.
 *
 * Events: answer MESSAGE, later, silence, to HOST/CONNECTION MESSAGE and late
 * MESSAGE (an answer that had to wait), resolve NAME, entered ..., left.
 */

#define CLIENTS_MAX	64

struct stage {
	bool	 made;
	unsigned bound, asked;		/* that events have told of */
	uint32_t client[CLIENTS_MAX];
	unsigned nclients;
	struct policy_remote allow;
};

/* --- what happened -------------------------------------------------------- */

static unsigned
client_alias(const struct stage *s, uint32_t id)
{
	unsigned i;

	for (i = s->nclients; i-- > 0; ) {
		if (s->client[i] == id)
			return i + 1;
	}
	return id;
}

static uint32_t
client_real(const struct stage *s, uint32_t alias)
{
	return alias >= 1 && alias <= s->nclients ? s->client[alias - 1] :
	    alias;
}

static void
tell(struct play *p, const char *what, struct rsip_message *m)
{
	struct stage *s = p->world;

	if (m->type == RSIP_REGISTER_RESPONSE && s->nclients < CLIENTS_MAX &&
	    client_alias(s, m->client_id) == m->client_id)
		s->client[s->nclients++] = m->client_id;
	if (m->has & RSIP_HAS_CLIENT_ID)
		m->client_id = client_alias(s, m->client_id);
	play_rsip_event(p, what, m);
}

static void
tell_entered(struct play *p)
{
	static const char *const policy[] = { [DEMUX_REMOTE_NONE] = "none",
		[DEMUX_REMOTE_MACRO] = "macro",
		    [DEMUX_REMOTE_MICRO] = "micro" };
	const struct demux_binding *b = &w.last;
	char host[16], gateway[16], local[16], remote[16];

	snprintf(host, sizeof(host), "%s", ADDR_TEXT(&b->host));
	snprintf(gateway, sizeof(gateway), "%s", ADDR_TEXT(&b->gateway));
	snprintf(local, sizeof(local), "%s", ADDR_TEXT(&b->local));
	snprintf(remote, sizeof(remote), "%s",
	    addr_is_set(&b->remote) ? ADDR_TEXT(&b->remote) : "0.0.0.0");
	play_event(p, "entered host=%s gateway=%s local=%s tunnel=%s ranges=%u "
	    "spis=%u cookies=%u policy=%s remote=%s rport=%u ipsec=%s "
	    "whole=%s listen=%s", host,
	    gateway, local, b->tunnel == TUNNEL_GRE ? "GRE" : "IP-IP",
	    (unsigned)b->nports, (unsigned)b->nspis, (unsigned)b->ncookies,
	    policy[b->remote_policy], remote, b->remote_ports.lo,
	    b->ipsec ? "yes" : "no", b->whole ? "yes" : "no",
	    b->listen ? "yes" : "no");
}

/* What the world has noted since the last time. */
static void
harvest(struct play *p)
{
	struct stage *s = p->world;
	char	      to[64];
	unsigned      i;

	for (; s->bound < w.bound; s->bound++)
		tell_entered(p);
	for (; s->bound > w.bound; s->bound--)
		play_event(p, "left");
	for (; s->asked < w.nasked; s->asked++)
		play_event(p, "resolve %s", w.asked[s->asked]);
	for (i = 0; i < w.nasync; i++) {
		snprintf(to, sizeof(to), "to %s/%u",
		    ADDR_TEXT(&w.async_to[i].host),
		    (unsigned)w.async_to[i].id);
		tell(p, w.async_answer[i] ? "late" : to, &w.async[i]);
	}
	forget_async();
}

/* --- policy --------------------------------------------------------------- */

static void
fill_allow(struct play *p, struct policy *out)
{
	struct stage *s = p->world;
	const char   *text = play_option(p, "allow");
	unsigned      lo, hi;
	char	      net[32];

	if (text == NULL)
		return;
	if (sscanf(text, "%31[0-9./]:%u-%u", net, &lo, &hi) != 3) {
		play_fail(p, "%s is no prefix with ports", text);
		return;
	}
	s->allow = (struct policy_remote){ .to = *world_prefix(net),
		.ports = { (uint16_t)lo, (uint16_t)hi } };
	out->remotes = &s->allow;
	out->nremotes = 1;
}

static void
fill_policy(struct play *p, struct policy *out)
{
	struct rsip_message m = { .local_policy = out->local,
		.remote_policy = out->remote };

	rsip_message_clear(&w.in);
	if (play_option(p, "policy") != NULL) {
		rsip_message_init(&m, RSIP_REGISTER_RESPONSE);
		play_rsip_fill(p, &m);
		out->local = m.local_policy;
		out->remote = m.remote_policy;
		rsip_message_clear(&m);
	}
	out->may_register &= !play_flag(p, "no-register");
	out->listen &= !play_flag(p, "no-listen");
	out->ipsec = (out->ipsec || play_flag(p, "ipsec")) &&
	    !play_flag(p, "no-ipsec");
	out->rsa_ip &= !play_flag(p, "no-rsa-ip");
	out->gre &= !play_flag(p, "no-gre");
	out->lease = (uint32_t)play_number(p, "lease", out->lease);
	out->lease_max = (uint32_t)play_number(p, "lease-max", out->lease_max);
	out->registration = (uint32_t)play_number(p, "registration",
	    out->registration);
	out->max_ports = (uint32_t)play_number(p, "max-ports", out->max_ports);
	out->max_spis = (uint32_t)play_number(p, "max-spis", out->max_spis);
	out->max_bindings = (uint32_t)play_number(p, "max-bindings",
	    out->max_bindings);
	fill_allow(p, out);
}

static void
do_gateway(struct play *p)
{
	struct stage *s = p->world;
	struct policy base = default_policy();

	if (s->made) {
		play_fail(p, "there is a gateway already");
		return;
	}
	fill_policy(p, &base);
	world_begin(&base, play_flag(p, "whole"));
	s->made = true;
}

static void
do_policy(struct play *p)
{
	struct policy	 base = default_policy();
	struct policies *old = w.policies;

	fill_policy(p, &base);
	w.config.policies = w.policies = policies_new(&base);
	gateway_reconfigure(w.g, w.now, &w.config);
	policies_free(old);
	harvest(p);
}

static void
do_section(struct play *p)
{
	struct policy one = { .has = 0 };

	if (play_flag(p, "ipsec") || play_flag(p, "no-ipsec"))
		one.has |= POLICY_HAS_IPSEC;
	if (play_flag(p, "no-rsa-ip"))
		one.has |= POLICY_HAS_RSA_IP;
	if (play_flag(p, "no-register"))
		one.has |= POLICY_HAS_REGISTER;
	if (play_option(p, "lease") != NULL)
		one.has |= POLICY_HAS_LEASE;
	fill_policy(p, &one);
	if ((policies_add(w.policies, world_prefix(p->words[1]), &one) == -1) !=
	    play_flag(p, "refused"))
		play_fail(p, "it is %s", play_flag(p, "refused") ? "taken" :
		    "refused");
}

static void
do_reconfigure(struct play *p)
{
	const char *endpoint = play_option(p, "endpoint");

	if (endpoint != NULL)
		w.config.endpoint = addr_from_v4(play_address(p, endpoint));
	if (play_flag(p, "no-udp"))
		w.config.udp = false;
	/* The interface's network may stand in the configuration as well. */
	if (play_flag(p, "local-twice")) {
		w.config.local[1] = w.config.local[0];
		w.config.nlocal = 2;
	}
	gateway_reconfigure(w.g, w.now, &w.config);
	harvest(p);
}

/* --- hosts ---------------------------------------------------------------- */

static void
do_as(struct play *p)
{
	as_host(p->words[1], play_word_number(p, 2));
	w.peer.transport = play_flag(p, "udp") ? GATEWAY_UDP : GATEWAY_TCP;
}

static void
answered(struct play *p, int n)
{
	struct rsip_message m;

	if (n == GATEWAY_LATER) {
		play_event(p, "later");
	} else if (n <= 0) {
		play_event(p, "silence");
	} else {
		m = w.out;	/* the world's own keeps its tuples */
		tell(p, "answer", &m);
	}
	harvest(p);
}

static bool
is_assignment(unsigned type)
{
	return type == RSIP_ASSIGN_REQUEST_RSA_IP ||
	    type == RSIP_ASSIGN_REQUEST_RSAP_IP ||
	    type == RSIP_ASSIGN_REQUEST_RSIPSEC || type == RSIP_LISTEN_REQUEST;
}

/* The client ID is the one that was given out last for this host. */
static uint32_t
client_of_host(void)
{
	const struct lease_client *c = leases_client(gateway_leases(w.g),
	    &w.peer.host);

	return c == NULL ? 0 : c->client_id;
}

static void
do_ask(struct play *p)
{
	struct stage *s = p->world;
	unsigned      type = play_rsip_type(p, p->words[1]);
	uint32_t      id = client_of_host();

	if (type == 0)
		return;
	if (is_assignment(type))
		assign((enum rsip_type)type, id);
	else
		request((enum rsip_type)type, id);
	play_rsip_fill(p, &w.in);
	if (play_option(p, "client") != NULL)
		w.in.client_id = client_real(s, w.in.client_id);
	answered(p, ask());
}

static void
play_register(struct play *p)
{
	request(RSIP_REGISTER_REQUEST, 0);
	play_rsip_fill(p, &w.in);
	answered(p, ask());
}

static void
do_resolved(struct play *p)
{
	struct addr	   addr[PLAY_WORDS_MAX];
	unsigned	   i;
	unsigned long long n = play_word_number(p, 1);

	for (i = 2; i < p->n; i++)
		addr[i - 2] = addr_from_v4(play_address(p, p->words[i]));
	gateway_resolved(w.g, w.now, n < w.nasked ? w.ticket[n] : 0xdead00,
	    addr, p->n - 2);
	harvest(p);
}

static void
do_disconnected(struct play *p)
{
	const struct gateway_peer peer = { .transport = GATEWAY_TCP,
		.host = addr_from_v4(play_address(p, p->words[1])),
		.id = play_word_number(p, 2) };

	gateway_disconnected(w.g, &peer);
	harvest(p);
}

static void
do_misuse(struct play *p)
{
	static const struct {
		const char	  *name;
		enum demux_verdict verdict;
	} t[] = {
		{ "addr", DEMUX_MISUSE_ADDR },
		{ "addrport", DEMUX_MISUSE_ADDRPORT },
		{ "remote", DEMUX_MISUSE_REMOTE_ADDR },
		{ "remoteport", DEMUX_MISUSE_REMOTE_ADDRPORT },
		{ "tunnel", DEMUX_MISUSE_TUNNEL },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (strcmp(t[i].name, p->words[1]) != 0)
			continue;
		gateway_misuse(w.g, w.now, &w.peer.host, t[i].verdict, 0);
		harvest(p);
		return;
	}
	play_fail(p, "no such misuse");
}

/* --- time, and what is around --------------------------------------------- */

static void
do_pass(struct play *p)
{
	w.now += play_word_number(p, 1);
	gateway_tick(w.g, w.now);
	harvest(p);
}

static void
do_sleep(struct play *p)
{
	w.now += play_word_number(p, 1);
}

static void
do_until(struct play *p)
{
	gateway_set_until(w.g, w.now, w.now + play_word_number(p, 1));
	harvest(p);
}

static void
do_demux_fails(struct play *p)
{
	w.demux_failures = 1;
	w.demux_errno = strcmp(p->words[1], "ENOMEM") == 0 ? ENOMEM :
	    strcmp(p->words[1], "ENOSPC") == 0 ? ENOSPC : EEXIST;
}

static void
do_extra(struct play *p)
{
	const struct pool_address a = { .exclusive = true,
		.addr = addr_from_v4(play_address(p, p->words[1])) };

	if (pool_add((struct pool *)(uintptr_t)gateway_pool(w.g), &a) == -1)
		play_fail(p, "the pool takes none");
}

static void
do_shutdown(struct play *p)
{
	gateway_shutdown(w.g, w.now);
	harvest(p);
}

/* --- what is looked at ---------------------------------------------------- */

static void
see_bound(struct play *p)
{
	play_same_number(p, w.bound, play_word_number(p, 1));
}

static void
see_free_ports(struct play *p)
{
	play_same_number(p, pool_now().ports_free, play_word_number(p, 1));
}

static void
see_resting_ports(struct play *p)
{
	play_same_number(p, pool_now().ports_resting, play_word_number(p, 1));
}

static void
see_spis_leased(struct play *p)
{
	play_same_number(p, pool_now().spis_leased, play_word_number(p, 1));
}

static void
see_whole(struct play *p)
{
	play_same_number(p, pool_now().whole, play_word_number(p, 1));
}

static void
see_probed(struct play *p)
{
	play_same_number(p, w.probed, play_word_number(p, 1));
}

static void
see_registered(struct play *p)
{
	play_same(p, gateway_registered(w.g, &w.peer) ? "yes" : "no",
	    p->words[1]);
}

static void
see_alarm(struct play *p)
{
	if (strcmp(p->words[1], "none") == 0)
		play_same_number(p, w.alarm, 0);
	else
		play_same_number(p, w.alarm - w.now, play_word_number(p, 1));
}

static void
stage_begin(struct play *p)
{
	p->world = xcalloc(1, sizeof(struct stage));
}

static void
stage_end(struct play *p)
{
	struct stage *s = p->world;

	if (s->made)
		world_end();
	free(s);
}

static const struct play_command commands[] = {
	{ "gateway", 1, true, do_gateway },
	{ "policy", 1, true, do_policy },
	{ "section", 3, true, do_section },
	{ "reconfigure", 2, true, do_reconfigure },
	{ "as", 3, true, do_as },
	{ "register", 1, true, play_register },
	{ "ask", 2, true, do_ask },
	{ "resolved", 2, true, do_resolved },
	{ "disconnected", 3, true, do_disconnected },
	{ "misuse", 2, true, do_misuse },
	{ "pass", 2, true, do_pass },
	{ "sleep", 2, true, do_sleep },
	{ "until", 2, true, do_until },
	{ "demux-fails", 2, true, do_demux_fails },
	{ "extra", 2, true, do_extra },
	{ "shutdown", 1, true, do_shutdown },
	{ "bound", 2, false, see_bound },
	{ "free-ports", 2, false, see_free_ports },
	{ "resting-ports", 2, false, see_resting_ports },
	{ "spis-leased", 2, false, see_spis_leased },
	{ "whole", 2, false, see_whole },
	{ "probed", 2, false, see_probed },
	{ "registered", 2, false, see_registered },
	{ "alarm", 2, false, see_alarm },
	{ NULL, 0, false, NULL },
};

int
main(int argc, char **argv)
{
	static const struct play_stage stage = { "gateway_scenarios", commands,
		NULL, stage_begin, stage_end, NULL, NULL, false };

	return play_main(&stage, argc, argv);
}
