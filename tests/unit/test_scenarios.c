/* test_scenarios.c - plays scenario files (send, expect, advance time) on the OE core; doc/oe.md lists them */
#include "config.h"

#include <arpa/inet.h>
#include <err.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/util.h"
#include "oe/esp/dataplane.h"
#include "oe/life.h"
#include "oe/pair.h"
#include "oe/plane.h"
#include "oe/report.h"
#include "oe/summary.h"
#include "oe/version.h"
#include "tests/unit/dns_message.h"
#include "tests/unit/header_reads.h"
#include "tests/unit/scenario.h"

/*
 * One command a line, '#' begins a comment.  Hosts are named in scenario.c.
 *
 *   config TEXT                 a line for section "oe", before the first
 *                               other command
 *   option routes               pass_route is wanted
 *   option past                 pass_pair is wanted
 *   option no-key               we have no key
 *   option led                  packets may pass beside the core (lead.h); each
 *                               scenario is played without, and so, and with
 *                               kernel-led, but for who says so, or
 *   option come-by              each packet comes by the core
 *   option kernel-led           the kernel does ESP of what may be led
 *   beside N                    so many passed beside it since this was last
 *                               asked
 *   plane SPI user|kernel       who has that pair, by its inbound SPI
 *   option probes               probes are events
 *   option kernel               the kernel does ESP
 *   option shares               other hosts may have our address
 *   option ports=FROM-TO        ... and these of its ports are ours
 *   send [SRC] DST TAG [KIND] [sport=N] [dport=N] [size=N] [df] [id=N] [more]
 *       [frag=BYTES] [seq=N] [ack=N]   out of the TUN
 *   passed DST N                N packets to DST went past us
 *   flood COUNT TAG [...]       a datagram to each of COUNT hosts
 *   recv SPI SRC DST TAG [...]  ESP from the network, inside SRC -> DST
 *       from=HOST port=N        where the NAT before the peer sends it from
 *       kept                    it does not come yet (late)
 *       wrong-icv               somebody changed it
 *   late SPI [from=HOST] [port=N]   what was kept comes, however often
 *   opened SPI SRC DST TAG [...]   the same, and the kernel has opened it
 *   recv-many SPI SRC DST COUNT [...]   from COUNT source ports
 *   clear-many SRC DST COUNT [...]
 *   recv-forged SPI FROM        ESP with that SPI that nobody can have made
 *   clear SRC DST TAG taken|refused [...]   a clear packet from the network
 *   too-big SPI MTU [PEER]      ICMP "fragmentation needed" about our ESP
 *   kernel no-sa|no-policy|takes-all|takes-udp   what the kernel refuses from
 *                               here on; takes-udp: not ESP in UDP either
 *   mapped SPI [from=HOST] [port=N]   so much of what it has opened it says
 *   answer NAME TYPE none|timeout|failed|bogus|malformed|RECORD... [ad]
 *       [unchecked] [ttl=N]
 *       RECORD: "text" of a TXT, with KEYn for a key; KEYn of a KEY;
 *       P,GATEWAY|-,KEYn of an IPSECKEY
 *   answer-all none|timeout     to every question under way
 *   up PEER in=SPI out=SPI [id=ID] [key=n] [life=S] [bytes=N] [responder]
 *       [nonce=N]               of the initiator of the IKE SA
 *       [port=N]                the peer's IKE is at; else 500
 *       [nat=PORT]              the peer is behind a NAT that maps it to PORT
 *       [flow=PROTOCOL/OURS:THEIRS]   for these ports alone (0: any)
 *       [ports=FROM-TO]         for these of TCP and UDP, and ICMP, of the
 *       initiator
 *   ports FROM-TO               these are leased from here on
 *   confirmed SPI | down SPI peer|expired | fail PEER HOW [detail]
 *       version=N               of IKE, with these and "up"; else 2
 *       ID "?x": one who proves nothing, told from others by x
 *   peer-lookup ID FROM [version=N]   responder: an IKE SA of ID
 *   child-ask ID FROM SRC DST [nat] [flow=...]   responder: Phase 2, SRC is
 *       ours; nat: on port 4500; [ports=FROM-TO], [or-any] as well;
 *       [inner] with an address that we lend
 *   initial-contact ID FROM
 *   silent PEER [SPI]           the peer (of that SA) did not answer a probe
 *   invalid-spi PEER SPI [authenticated [by=ID]]   PEER says that it does not
 *                               know it
 *   wake                        we slept
 *   identity                    it is time to ask DNS for our own key, KEY0
 *   local ADDRESS | reload      reload takes the config lines since the last
 *   phase1 lost|kept            no Phase 1 SA is left to delete over
 *   requests refused|taken
 *   advance SECONDS
 *   expect EVENT...             the next thing that the core did begins so;
 *                               play.h has what else there is
 *   state [SRC] DST NAME        policy [SRC] DST NAME       count DST N
 *   pairs DST N                 SA pairs of its connections
 *   counter NAME N              of "status"
 *   reads N                     headers were read since this was last asked
 *   why DST "words"             what rsipctl why says holds the words
 */

EVP_PKEY *our_key;
static char	 conf_path[] = "/tmp/test_scenarios.XXXXXX";

/* --- starting ------------------------------------------------------------- */

static struct oe_config *
read_config(struct play *p)
{
	static const struct option table[] = {
		{ OE_CONF_SECTION, OPTION_SECTION, OPTION_LIVE,
		  .table = oe_options },
		{ 0 }
	};
	struct option_source s = { NULL, NULL };
	struct oe_config *c = NULL;
	cfg_t		 *cfg;
	FILE		 *f;
	bool		  resolvers;

	resolvers = strstr(W(p)->config_text, "resolvers") != NULL;
	if ((f = fopen(conf_path, "w")) == NULL)
		err(1, "%s", conf_path);
	fprintf(f, "oe {\n%s%s}\n", strstr(W(p)->config_text, "ike =") ? "" :
	    "ike = \"2\"\n", W(p)->config_text);
	fclose(f);
	cfg = option_parse(conf_path, table, false);
	if (cfg != NULL) {
		s.cfg = cfg_getsec(cfg, OE_CONF_SECTION);
		c = oe_config_read(&s);
		cfg_free(cfg);
	}
	W(p)->config_text[0] = '\0';
	if (c == NULL)
		return NULL;
	EVP_PKEY_free(c->key);
	c->key = NULL;
	if (!W(p)->no_key) {
		EVP_PKEY_up_ref(our_key);
		c->key = our_key;
		if (c->key_path == NULL)
			c->key_path = xstrdup("the scenarios' key");
	}
	/* The machine's own resolvers have no part in a scenario. */
	if (!resolvers) {
		c->nresolvers = 1;
		c->resolvers[0] = host_addr("dns");
	}
	return c;
}

static void
world_local(struct world *w)
{
	core_set_local(w->core, w->now, AF_INET, &w->local, 0);
	if (addr_is_set(&w->local6))
		core_set_local(w->core, w->now, AF_INET6, &w->local6, 0);
}

static void
start(struct play *p)
{
	struct world *w = W(p);

	if (w->started)
		return;
	w->started = true;
	world_init(w, w->routes, w->past, w->kernel_offered);
	if ((w->config = read_config(p)) == NULL) {
		world_fail(w, "the configuration was refused");
		return;
	}
	w->core = core_new(w->config, &w->shell, w, &world_ops, w,
	    &world_engine, w);
	world_local(w);
}

static void
do_config(struct play *p)
{
	struct world *w = W(p);
	char	      text[2048];
	size_t	      n = strlen(w->config_text);

	player_expand(text, sizeof(text), p->rest);
	snprintf(w->config_text + n, sizeof(w->config_text) - n, "%s\n", text);
}

static void
lease_ports(struct play *p, const char *text)
{
	unsigned lo, hi;

	if (sscanf(text, "%u-%u", &lo, &hi) != 2)
		play_fail(p, "no ports");
	W(p)->shares = true;
	W(p)->ports = (struct port_block){ (uint16_t)lo, (uint16_t)hi };
}

static void
do_ports(struct play *p)
{
	lease_ports(p, p->words[1]);
	spd_led_end_all(W(p)->core);
}

static void
do_option(struct play *p)
{
	if (play_flag(p, "routes"))
		W(p)->routes = true;
	else if (play_flag(p, "past"))
		W(p)->past = true;
	else if (play_flag(p, "no-key"))
		W(p)->no_key = true;
	else if (play_flag(p, "led") || play_flag(p, "come-by") ||
	    play_flag(p, "kernel-led")) {
		W(p)->led = play_flag(p, "led");
		W(p)->led_offered = play_flag(p, "kernel-led");
	} else if (play_flag(p, "probes"))
		W(p)->probes = true;
	else if (play_flag(p, "shares"))
		W(p)->shares = true;
	else if (play_option(p, "other") != NULL)
		W(p)->other = host_addr(play_option(p, "other"));
	else if (play_option(p, "ports") != NULL)
		lease_ports(p, play_option(p, "ports"));
	else if (play_flag(p, "kernel"))
		W(p)->kernel_offered = true;
	else
		play_fail(p, "no such option");
}

static void
do_reload(struct play *p)
{
	struct oe_config *old = W(p)->config, *c = read_config(p);

	if (c == NULL) {
		play_fail(p, "the configuration was refused");
		return;
	}
	W(p)->config = c;
	core_reconfigure(W(p)->core, W(p)->now, c);
	plane_release(W(p)->core);
	oe_config_free(old);
}

/* --- time, and looking on ------------------------------------------------- */

/* As engine.c does, which has timers of their own for two of these: at is when
 * the core is ticked. */
static uint64_t
next_tick(struct play *p, uint64_t at)
{
	const uint64_t other[] = { connection_next_holding(W(p)->core),
		version_next(W(p)->core) };
	uint64_t       next = at > W(p)->now + 1000 ? at : W(p)->now + 1000;
	size_t	       i;

	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		if (other[i] < next)
			next = other[i];
	}
	return next > W(p)->now ? next : W(p)->now;
}

static void
do_advance(struct play *p)
{
	uint64_t until = W(p)->now +
	    (uint64_t)(strtod(p->words[1], NULL) * 1000);
	/* A second after whatever happened, and then when it is due. */
	uint64_t next = next_tick(p, 0);

	while (W(p)->now < until && p->error[0] == '\0') {
		W(p)->now = next < until ? next : until;
		if (next <= until) {
			core_tick(W(p)->core, W(p)->now);
			plane_release(W(p)->core);
		}
		next = next_tick(p, core_next(W(p)->core));
	}
}

static void
do_local(struct play *p)
{
	struct addr addr = { 0 };

	if (strcmp(p->words[1], "none") != 0)
		addr = player_host(p, p->words[1]);
	if (addr.family == AF_INET6)
		W(p)->local6 = addr;
	else
		W(p)->local = addr;
	world_local(W(p));
}

/* Words 1.. are [SRC] DST; returns the index after them. */
static unsigned
pair_of(struct play *p, struct addr *src, struct addr *dst)
{
	*dst = p->n > 3 ? host_addr(p->words[2]) : (struct addr){ 0 };
	if (addr_is_set(dst)) {
		*src = player_host(p, p->words[1]);
		return 3;
	}
	*dst = player_host(p, p->words[1]);
	*src = player_local(p, dst);
	return 2;
}

static void
do_state(struct play *p)
{
	struct connection *conn;
	struct addr	   src, dst;
	unsigned	   i = pair_of(p, &src, &dst);
	const char	  *got = "none";

	TAILQ_FOREACH(conn, &W(p)->core->connections, all) {
		if (!addr_equal(&conn->key.src.addr, &src) ||
		    !addr_equal(&conn->key.dst.addr, &dst))
			continue;
		got = connection_state_name(conn->state);
		/* Of several, one must be in that state. */
		if (i < p->n && strcmp(got, p->words[i]) == 0)
			return;
	}
	if (i >= p->n || strcmp(got, p->words[i]) != 0)
		play_fail(p, "its state is \"%s\"", got);
}

static void
do_policy(struct play *p)
{
	struct spd_entry *e;
	struct addr	  src, dst;
	unsigned	  i = pair_of(p, &src, &dst);
	const char	 *got;

	e = spd_find(W(p)->core, &src, &dst);
	got = e == NULL ? "none" : spd_policy_name(e->master != NULL ?
	    e->master->policy : e->policy);
	if (i >= p->n || strcmp(got, p->words[i]) != 0)
		play_fail(p, "its policy is \"%s\"", got);
}

static void
do_count(struct play *p)
{
	struct connection *conn;
	struct addr	   dst = player_host(p, p->words[1]);
	int		   n = 0;

	TAILQ_FOREACH(conn, &W(p)->core->connections, all) {
		if (addr_equal(&conn->key.dst.addr, &dst) &&
		    conn->state != CONNECTION_EXPIRED)
			n++;
	}
	if (p->n < 3 || n != atoi(p->words[2]))
		play_fail(p, "there are %d", n);
}

static void
do_pairs(struct play *p)
{
	struct connection *conn;
	struct sa_pair	  *pair;
	struct addr	   dst = player_host(p, p->words[1]);
	int		   n = 0;

	TAILQ_FOREACH(conn, &W(p)->core->connections, all) {
		if (!addr_equal(&conn->key.dst.addr, &dst))
			continue;
		TAILQ_FOREACH(pair, &conn->pairs, entry)
			n++;
	}
	if (p->n < 3 || n != atoi(p->words[2]))
		play_fail(p, "there are %d", n);
}

static void
do_counter(struct play *p)
{
	struct report *r = report_new(REPORT_VALUES, true);
	json_object   *ans, *o = NULL, *v = NULL;

	summary_report(W(p)->core, r);
	ans = report_end(r);
	if ((!json_object_object_get_ex(ans, "packets", &o) ||
	    !json_object_object_get_ex(o, p->words[1], &v)) &&
	    (!json_object_object_get_ex(ans, "outcomes", &o) ||
	    !json_object_object_get_ex(o, p->words[1], &v)))
		play_fail(p, "there is no such counter");
	else if (json_object_get_int64(v) != strtoll(p->words[2], NULL, 0))
		play_fail(p, "it is %s", json_object_to_json_string(v));
	json_object_put(ans);
}

static void
do_reads(struct play *p)
{
	play_same_number(p, header_reads, play_word_number(p, 1));
	header_reads = 0;
}

static void
do_beside(struct play *p)
{
	struct lane_counts n = { 0 };
	uint64_t	   before = W(p)->beside;

	if (W(p)->seal != NULL) {
		lanes_count(W(p)->seal, &n);
		lanes_count(W(p)->open, &n);
	}
	W(p)->beside = n.frames + n.opened + W(p)->nled;
	play_same_number(p, W(p)->beside - before, play_word_number(p, 1));
}

static void
do_plane(struct play *p)
{
	uint32_t	spi = (uint32_t)play_word_number(p, 1);
	struct sa_pair *pair;

	HASH_FIND(hh, W(p)->core->sad, &spi, sizeof(spi), pair);
	if (pair == NULL)
		play_fail(p, "there is no such pair");
	else
		play_same(p, esp_pair_plane(pair->esp), p->words[2]);
}

static void
do_why(struct play *p)
{
	json_object *req = json_object_new_object(), *ans;
	struct addr  addr = player_host(p, p->words[1]);
	const char  *text;

	json_object_object_add(req, "command", json_object_new_string("why"));
	json_object_object_add(req, "address", json_object_new_string(
	    ADDR_TEXT(&addr)));
	ans = report_control(W(p)->core, W(p)->now, req, false);
	text = ans == NULL ? "nothing" :
	    json_object_to_json_string_ext(ans, JSON_C_TO_STRING_NOSLASHESCAPE);
	if (p->n < 3 || strstr(text, p->words[2]) == NULL)
		play_fail(p, "why says %s", text);
	json_object_put(ans);
	json_object_put(req);
}

/* --- playing -------------------------------------------------------------- */

static void
do_phase1(struct play *p)
{
	W(p)->phase1_lost = play_flag(p, "lost");
}

static void
do_requests(struct play *p)
{
	W(p)->requests_refused = play_flag(p, "refused");
}

static void
do_peers(struct play *p)
{
	W(p)->peers_known = play_flag(p, "known");
}

static const struct play_command commands[] = {
	{ "config", 2, false, do_config },
	{ "option", 2, false, do_option },
	{ "ports", 2, true, do_ports },
	{ "phase1", 2, false, do_phase1 },
	{ "requests", 2, false, do_requests },
	{ "peers", 2, false, do_peers },
	{ "local", 2, true, do_local },
	{ "reload", 1, true, do_reload },
	{ "advance", 2, true, do_advance },
	{ "state", 3, false, do_state },
	{ "policy", 3, false, do_policy },
	{ "count", 3, false, do_count },
	{ "pairs", 3, false, do_pairs },
	{ "counter", 3, false, do_counter },
	{ "why", 3, false, do_why },
	{ "reads", 2, false, do_reads },
	{ "beside", 2, false, do_beside },
	{ "plane", 3, false, do_plane },
	{ NULL, 0, false, NULL },
};

static void
scenario_begin(struct play *p)
{
	p->world = xcalloc(1, sizeof(struct world));
	W(p)->play = p;
	W(p)->led = scenario_led;
	W(p)->led_offered = scenario_kernel;
	header_reads = 0;
}

/* The core begins with the first command that is not about how it begins. */
static void
scenario_ready(struct play *p)
{
	if (strcmp(p->words[0], "config") != 0 &&
	    strcmp(p->words[0], "option") != 0)
		start(p);
}

static void
scenario_done(struct play *p)
{
	if (W(p)->core != NULL)
		plane_release(W(p)->core);
}

static void
scenario_end(struct play *p)
{
	world_free(W(p));
}

int
main(int argc, char **argv)
{
	static const struct play_command *const more[] = { player_acts,
		player_keying_acts, NULL };
	static const struct play_stage stage = { "scenarios", commands,
		more, scenario_begin, scenario_end, scenario_ready,
		scenario_done, true };
	int fd, failed;

	if ((fd = mkstemp(conf_path)) == -1)
		err(1, "%s", conf_path);
	close(fd);
	our_key = EVP_RSA_gen(2048);
	failed = play_main(&stage, argc, argv);
	scenario_led = true;
	failed |= play_main(&stage, argc, argv);
	scenario_led = false;
	scenario_kernel = true;
	failed |= play_main(&stage, argc, argv);
	unlink(conf_path);
	EVP_PKEY_free(our_key);
	return failed;
}
