/* test_scenarios.c - plays scenario files (send, expect, advance time) on the OE core; doc/oe.md lists them */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/conf.h"
#include "base/util.h"
#include "oe/life.h"
#include "oe/pair.h"
#include "oe/plane.h"
#include "oe/report.h"
#include "oe/summary.h"
#include "tests/unit/dns_message.h"
#include "tests/unit/scenario.h"

/*
 * One command a line, '#' begins a comment.  Hosts are named in scenario.c.
 *
 *   config TEXT                 a line for section "oe", before the first other command
 *   option routes|no-key|probes pass_route is wanted; we have no key; probes are events
 *   option kernel               the kernel does ESP
 *   option shares               other hosts may have our address
 *   send [SRC] DST TAG [KIND] [sport=N] [dport=N] [size=N] [df] [id=N] [more]
 *       [frag=BYTES] [seq=N] [ack=N]   out of the TUN
 *   flood COUNT TAG [...]       a datagram to each of COUNT hosts
 *   recv SPI SRC DST TAG [...]  ESP from the network, whose inside is SRC -> DST
 *       from=HOST port=N        where the NAT before the peer sends it from
 *       kept|wrong-icv          it does not come yet (late); somebody changed it
 *   late SPI [from=HOST] [port=N]   what was kept comes, however often
 *   recv-many SPI SRC DST COUNT [...]   from COUNT source ports
 *   clear-many SRC DST COUNT [...]
 *   recv-forged SPI FROM        ESP with that SPI that nobody can have made
 *   clear SRC DST TAG taken|refused [...]   a clear packet from the network
 *   too-big SPI MTU [PEER]      ICMP "fragmentation needed" about our ESP
 *   kernel no-sa|no-policy|takes-all   what the kernel refuses from here on
 *   answer NAME TYPE none|timeout|failed|bogus|malformed|RECORD... [ad] [ttl=N]
 *       RECORD: "text" of a TXT, with KEYn for a key; KEYn of a KEY;
 *       P,GATEWAY|-,KEYn of an IPSECKEY
 *   answer-all none|timeout     to every question under way
 *   up PEER in=SPI out=SPI [id=ID] [key=n] [life=S] [bytes=N] [responder]
 *       [nat=PORT]              the peer is behind a NAT that maps it to PORT
 *       [flow=PROTOCOL/OURS:THEIRS]   for these ports alone (0: any)
 *   confirmed SPI | down SPI peer|expired | fail PEER HOW [detail]
 *   peer-lookup ID FROM         responder: Phase 1 of ID
 *   child-ask ID FROM SRC DST [nat] [flow=...]   responder: Phase 2, SRC is ours;
 *       nat: on port 4500
 *   initial-contact ID FROM
 *   silent PEER                 the peer did not answer a probe
 *   invalid-spi PEER SPI [authenticated]   PEER says that it does not know it
 *   wake                        we slept
 *   identity                    it is time to ask DNS for our own key, KEY0
 *   local ADDRESS | reload      reload takes the config lines since the last
 *   phase1 lost|kept            no Phase 1 SA is left to delete over
 *   requests refused|taken
 *   advance SECONDS
 *   expect EVENT...             the next thing that the core did begins so
 *   quiet                       the core did nothing else
 *   skip-events                 whatever it did
 *   state [SRC] DST NAME        policy [SRC] DST NAME       count DST N
 *   pairs DST N                 SA pairs of its connections
 *   counter NAME N              of "status"
 *   why DST "words"             what rsipctl why says holds the words
 *   logged "words"              since the last command that did something
 *
 * Every event must be expected before the next command that does something.
 */

#define LINE_MAX_LEN	1024

EVP_PKEY *our_key;
static char	 conf_path[] = "/tmp/test_scenarios.XXXXXX";
static FILE	*log_file;
static int	 stderr_fd = -1;

/* --- starting ---------------------------------------------------------------------- */

static struct oe_config *
read_config(struct player *p)
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
	bool		  resolvers = strstr(p->config, "resolvers") != NULL;

	if ((f = fopen(conf_path, "w")) == NULL)
		err(1, "%s", conf_path);
	fprintf(f, "oe {\n%s}\n", p->config);
	fclose(f);
	cfg = option_parse(conf_path, table, false);
	if (cfg != NULL) {
		s.cfg = cfg_getsec(cfg, OE_CONF_SECTION);
		c = oe_config_read(&s);
		cfg_free(cfg);
	}
	p->config[0] = '\0';
	if (c == NULL)
		return NULL;
	EVP_PKEY_free(c->key);
	c->key = NULL;
	if (!p->no_key) {
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
	struct addr a = { 0 };

	if (w->local != 0)
		a = addr_from_v4(w->local);
	core_set_local(w->core, w->now, &a, 0);
}

static void
start(struct player *p)
{
	struct world *w = p->w;

	if (p->started)
		return;
	p->started = true;
	world_init(w, p->routes, p->kernel);
	if ((w->config = read_config(p)) == NULL) {
		world_fail(w, "the configuration was refused");
		return;
	}
	w->core = core_new(w->config, &w->shell, w, &world_ops, w,
	    &world_engine, w);
	world_local(w);
}

static void
do_config(struct player *p, const char *rest)
{
	char   text[2048];
	size_t n = strlen(p->config);

	player_expand(text, sizeof(text), rest);
	snprintf(p->config + n, sizeof(p->config) - n, "%s\n", text);
}

static void
do_option(struct player *p)
{
	if (player_flag(p, "routes"))
		p->routes = true;
	else if (player_flag(p, "no-key"))
		p->no_key = true;
	else if (player_flag(p, "probes"))
		p->w->probes = true;
	else if (player_flag(p, "shares"))
		p->w->shares = true;
	else if (player_flag(p, "kernel"))
		p->kernel = true;
	else
		world_fail(p->w, "no such option");
}

static void
do_reload(struct player *p)
{
	struct oe_config *old = p->w->config, *c = read_config(p);

	if (c == NULL) {
		world_fail(p->w, "the configuration was refused");
		return;
	}
	p->w->config = c;
	core_reconfigure(p->w->core, p->w->now, c);
	plane_release(p->w->core);
	oe_config_free(old);
}

/* --- time, and looking on ---------------------------------------------------------------- */

static void
do_advance(struct player *p)
{
	uint64_t until = p->w->now +
	    (uint64_t)(strtod(p->words[1], NULL) * 1000);

	while (p->w->now < until && p->w->error[0] == '\0') {
		p->w->now += until - p->w->now < 1000 ? until - p->w->now : 1000;
		core_tick(p->w->core, p->w->now);
		plane_release(p->w->core);
	}
}

static void
do_local(struct player *p)
{
	p->w->local = strcmp(p->words[1], "none") == 0 ? 0 :
	    player_host(p, p->words[1]);
	world_local(p->w);
}

static void
do_expect(struct player *p, const char *rest)
{
	const char *event;
	size_t	    n = strlen(rest);

	if (p->w->head == p->w->tail) {
		world_fail(p->w, "nothing happened");
		return;
	}
	event = p->w->events[p->w->head++];
	if (strncmp(event, rest, n) != 0 ||
	    (event[n] != '\0' && event[n] != ' '))
		world_fail(p->w, "this happened: %s", event);
}

static void
must_be_quiet(struct player *p)
{
	if (p->w->head != p->w->tail)
		world_fail(p->w, "unexpected before this: %s",
		    p->w->events[p->w->head]);
	p->w->head = p->w->tail = 0;
}

/* Words 1.. are [SRC] DST; returns the index after them. */
static unsigned
pair_of(struct player *p, uint32_t *src, uint32_t *dst)
{
	*src = p->w->local;
	if (p->n > 3 && host_addr(p->words[2]) != 0) {
		*src = player_host(p, p->words[1]);
		*dst = player_host(p, p->words[2]);
		return 3;
	}
	*dst = player_host(p, p->words[1]);
	return 2;
}

static void
do_state(struct player *p)
{
	struct connection *conn;
	uint32_t	   src, dst;
	unsigned	   i = pair_of(p, &src, &dst);
	const char	  *got = "none";

	TAILQ_FOREACH(conn, &p->w->core->connections, all) {
		if (addr_v4(&conn->key.src.addr) != src ||
		    addr_v4(&conn->key.dst.addr) != dst)
			continue;
		got = connection_state_name(conn->state);
		/* Of several, one must be in that state. */
		if (i < p->n && strcmp(got, p->words[i]) == 0)
			return;
	}
	if (i >= p->n || strcmp(got, p->words[i]) != 0)
		world_fail(p->w, "its state is \"%s\"", got);
}

static void
do_policy(struct player *p)
{
	struct spd_entry *e;
	struct addr	  ours, theirs;
	uint32_t	  src, dst;
	unsigned	  i = pair_of(p, &src, &dst);
	const char	 *got;

	ours = addr_from_v4(src);
	theirs = addr_from_v4(dst);
	e = spd_find(p->w->core, &ours, &theirs);
	got = e == NULL ? "none" : spd_policy_name(e->master != NULL ?
	    e->master->policy : e->policy);
	if (i >= p->n || strcmp(got, p->words[i]) != 0)
		world_fail(p->w, "its policy is \"%s\"", got);
}

static void
do_count(struct player *p)
{
	struct connection *conn;
	uint32_t	   dst = player_host(p, p->words[1]);
	int		   n = 0;

	TAILQ_FOREACH(conn, &p->w->core->connections, all) {
		if (addr_v4(&conn->key.dst.addr) == dst &&
		    conn->state != CONNECTION_EXPIRED)
			n++;
	}
	if (p->n < 3 || n != atoi(p->words[2]))
		world_fail(p->w, "there are %d", n);
}

static void
do_pairs(struct player *p)
{
	struct connection *conn;
	struct sa_pair	  *pair;
	uint32_t	   dst = player_host(p, p->words[1]);
	int		   n = 0;

	TAILQ_FOREACH(conn, &p->w->core->connections, all) {
		if (addr_v4(&conn->key.dst.addr) != dst)
			continue;
		TAILQ_FOREACH(pair, &conn->pairs, entry)
			n++;
	}
	if (p->n < 3 || n != atoi(p->words[2]))
		world_fail(p->w, "there are %d", n);
}

static void
do_counter(struct player *p)
{
	struct report *r = report_new(REPORT_VALUES, true);
	json_object   *ans, *o = NULL, *v = NULL;

	summary_report(p->w->core, r);
	ans = report_end(r);
	if ((!json_object_object_get_ex(ans, "packets", &o) ||
	    !json_object_object_get_ex(o, p->words[1], &v)) &&
	    (!json_object_object_get_ex(ans, "outcomes", &o) ||
	    !json_object_object_get_ex(o, p->words[1], &v)))
		world_fail(p->w, "there is no such counter");
	else if (json_object_get_int64(v) != strtoll(p->words[2], NULL, 0))
		world_fail(p->w, "it is %s", json_object_to_json_string(v));
	json_object_put(ans);
}

static void
do_why(struct player *p)
{
	json_object *req = json_object_new_object(), *ans;
	const char  *text;

	json_object_object_add(req, "command", json_object_new_string("why"));
	json_object_object_add(req, "address", json_object_new_string(
	    ipv4_text(player_host(p, p->words[1]))));
	ans = report_control(p->w->core, p->w->now, req, false);
	text = ans == NULL ? "nothing" :
	    json_object_to_json_string_ext(ans, JSON_C_TO_STRING_NOSLASHESCAPE);
	if (p->n < 3 || strstr(text, p->words[2]) == NULL)
		world_fail(p->w, "why says %s", text);
	json_object_put(ans);
	json_object_put(req);
}

static void
do_logged(struct player *p)
{
	char   text[8192];
	size_t n;

	fflush(stderr);
	rewind(log_file);
	n = fread(text, 1, sizeof(text) - 1, log_file);
	text[n] = '\0';
	if (p->n < 2 || strstr(text, p->words[1]) == NULL)
		world_fail(p->w, "the log says: %s", n == 0 ? "nothing" : text);
}

/* --- playing ------------------------------------------------------------------------------ */

static const struct player_command commands[] = {
	{ "local", 2, true, do_local },
	{ "reload", 1, true, do_reload },
	{ "advance", 2, true, do_advance },
	{ "state", 3, false, do_state },
	{ "policy", 3, false, do_policy },
	{ "count", 3, false, do_count },
	{ "pairs", 3, false, do_pairs },
	{ "counter", 3, false, do_counter },
	{ "why", 3, false, do_why },
	{ "logged", 2, false, do_logged },
	{ NULL, 0, false, NULL },
};

static const struct player_command *
player_find(const struct player_command *c, const char *name)
{
	for (; c->name != NULL; c++) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

/* Cuts a line into words; "..." is one word. */
static void
split(struct player *p, char *line)
{
	p->n = 0;
	while (p->n < WORDS_MAX) {
		while (isspace((unsigned char)*line))
			line++;
		if (*line == '\0' || *line == '#')
			return;
		if (*line == '"') {
			p->words[p->n++] = ++line;
			line += strcspn(line, "\"");
		} else {
			p->words[p->n++] = line;
			line += strcspn(line, " \t\n");
		}
		if (*line != '\0')
			*line++ = '\0';
	}
}

static void
play_line(struct player *p, char *line)
{
	const struct player_command *c;
	char			     copy[LINE_MAX_LEN], *rest, *end;

	snprintf(copy, sizeof(copy), "%s", line);
	split(p, line);
	if (p->n == 0)
		return;
	rest = strstr(copy, p->words[0]) + strlen(p->words[0]);
	rest += strspn(rest, " \t");
	for (end = rest + strlen(rest); end > rest &&
	    isspace((unsigned char)end[-1]); end--)
		end[-1] = '\0';
	if (strcmp(p->words[0], "config") == 0) {
		do_config(p, rest);
		return;
	}
	if (strcmp(p->words[0], "option") == 0) {
		do_option(p);
		return;
	}
	start(p);
	if (p->w->core == NULL)
		return;
	if (strcmp(p->words[0], "expect") == 0) {
		if ((end = strstr(rest, " #")) != NULL)
			*end = '\0';
		do_expect(p, rest);
		return;
	}
	if (strcmp(p->words[0], "quiet") == 0) {
		must_be_quiet(p);
		return;
	}
	if (strcmp(p->words[0], "skip-events") == 0) {
		p->w->head = p->w->tail = 0;
		return;
	}
	if (strcmp(p->words[0], "phase1") == 0) {
		p->w->phase1_lost = player_flag(p, "lost");
		return;
	}
	if (strcmp(p->words[0], "requests") == 0) {
		p->w->requests_refused = player_flag(p, "refused");
		return;
	}
	if (strcmp(p->words[0], "peers") == 0) {
		p->w->peers_known = player_flag(p, "known");
		return;
	}
	c = player_find(commands, p->words[0]);
	if (c == NULL)
		c = player_find(player_acts, p->words[0]);
	if (c == NULL || p->n < c->words) {
		world_fail(p->w, c == NULL ? "no such command" :
		    "too few words");
		return;
	}
	if (c->acts) {
		must_be_quiet(p);
		fflush(stderr);
		if (ftruncate(fileno(log_file), 0) == 0)
			rewind(log_file);
	}
	if (p->w->error[0] != '\0')
		return;
	c->fn(p);
	plane_release(p->w->core);
}

/* What the core logs goes to a file that "logged" reads. */
static void
log_divert(bool on)
{
	fflush(stderr);
	if (on)
		dup2(fileno(log_file), STDERR_FILENO);
	else
		dup2(stderr_fd, STDERR_FILENO);
}

static void
play(void **state)
{
	struct player p;
	char	      line[LINE_MAX_LEN], copy[LINE_MAX_LEN], error[1024];
	FILE	     *f;

	memset(&p, 0, sizeof(p));
	p.path = *state;
	p.w = xcalloc(1, sizeof(*p.w));
	if ((f = fopen(p.path, "r")) == NULL)
		fail_msg("%s: cannot be read", p.path);
	log_divert(true);
	copy[0] = '\0';
	while (p.w->error[0] == '\0' && fgets(line, sizeof(line), f) != NULL) {
		p.line++;
		snprintf(copy, sizeof(copy), "%s", line);
		play_line(&p, line);
	}
	fclose(f);
	if (p.w->error[0] == '\0')
		must_be_quiet(&p);
	copy[strcspn(copy, "\n")] = '\0';
	snprintf(error, sizeof(error), "%s", p.w->error);
	world_free(p.w);
	log_divert(false);
	if (error[0] != '\0')
		fail_msg("%s:%u: %s\n  %s", p.path, p.line, copy, error);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct CMUnitTest *)a)->name,
	    ((const struct CMUnitTest *)b)->name);
}

/* Arguments are scenario files; else all of $srcdir/tests/unit/scenarios. */
int
main(int argc, char **argv)
{
	struct CMUnitTest *tests;
	struct dirent	  *e;
	const char	  *srcdir = getenv("srcdir");
	char		   dir[1024], path[2048];
	size_t		   n = 0, i;
	DIR		  *d;
	int		   fd, failed;

	tests = xcalloc(1024, sizeof(*tests));
	for (i = 1; i < (size_t)argc && n < 1024; i++)
		tests[n++].name = xstrdup(argv[i]);
	snprintf(dir, sizeof(dir), "%s/tests/unit/scenarios",
	    srcdir == NULL ? "." : srcdir);
	if (argc < 2 && (d = opendir(dir)) != NULL) {
		while ((e = readdir(d)) != NULL && n < 1024) {
			if (strstr(e->d_name, ".scn") == NULL)
				continue;
			snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
			tests[n++].name = xstrdup(path);
		}
		closedir(d);
	}
	if (n == 0)
		errx(1, "%s: no scenarios", dir);
	qsort(tests, n, sizeof(*tests), by_name);
	for (i = 0; i < n; i++) {
		tests[i].test_func = play;
		tests[i].initial_state = (void *)(uintptr_t)tests[i].name;
	}
	if ((fd = mkstemp(conf_path)) == -1 || (log_file = tmpfile()) == NULL)
		err(1, "temporary files");
	close(fd);
	stderr_fd = dup(STDERR_FILENO);
	our_key = EVP_RSA_gen(2048);
	failed = _cmocka_run_group_tests("scenarios", tests, n, NULL, NULL);
	unlink(conf_path);
	EVP_PKEY_free(our_key);
	for (i = 0; i < n; i++)
		free((void *)(uintptr_t)tests[i].name);
	free(tests);
	return failed != 0;
}
