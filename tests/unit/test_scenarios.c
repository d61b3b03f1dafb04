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
#include "tests/unit/dns_message.h"
#include "tests/unit/scenario.h"

/*
 * One command a line, '#' begins a comment.  Hosts are named in scenario.c.
 *
 *   config TEXT                 a line for section "oe", before the first other command
 *   option routes|no-key        pass_route is wanted; we have no key
 *   send [SRC] DST TAG [KIND] [sport=N] [dport=N] [size=N] [df]   out of the TUN
 *   recv SPI SRC DST TAG [...]  ESP from the network, whose inside is SRC -> DST
 *   recv-forged SPI FROM        ESP with that SPI that nobody can have made
 *   clear SRC DST TAG taken|refused [...]   a clear packet from the network
 *   too-big SPI MTU             ICMP "fragmentation needed" about our ESP
 *   answer NAME TYPE none|timeout|failed|bogus|malformed|RECORD... [ad] [ttl=N]
 *       RECORD: "text" of a TXT, with KEYn for a key; KEYn of a KEY;
 *       P,GATEWAY|-,KEYn of an IPSECKEY
 *   up PEER in=SPI out=SPI [id=ID] [key=n] [life=S] [bytes=N] [responder]
 *   confirmed SPI | down SPI peer|expired | fail PEER HOW [detail]
 *   peer-lookup ID FROM         responder: Phase 1 of ID
 *   child-ask ID FROM SRC DST   responder: Phase 2, SRC is ours
 *   initial-contact ID FROM
 *   local ADDRESS | reload      reload takes the config lines since the last
 *   phase1 lost|kept            no Phase 1 SA is left to delete over
 *   requests refused|taken
 *   advance SECONDS
 *   expect EVENT...             the next thing that the core did begins so
 *   quiet                       the core did nothing else
 *   skip-events                 whatever it did
 *   state [SRC] DST NAME        policy [SRC] DST NAME       count DST N
 *   why DST "words"             what rsipctl why says holds the words
 *   logged "words"              since the last command that did something
 *
 * Every event must be expected before the next command that does something.
 */

#define CONFIG_MAX	4096
#define LINE_MAX_LEN	1024

struct player {
	struct world *w;
	const char   *path;
	unsigned      line;
	char	      config[CONFIG_MAX];
	bool	      started, routes, no_key;
	char	     *words[WORDS_MAX];
	unsigned      n;
};

static EVP_PKEY *our_key;
static char	 conf_path[] = "/tmp/test_scenarios.XXXXXX";
static FILE	*log_file;
static int	 stderr_fd = -1;

/* --- small readers ---------------------------------------------------------------- */

static const char *
option_of(const struct player *p, const char *name)
{
	size_t	 n = strlen(name);
	unsigned i;

	for (i = 1; i < p->n; i++) {
		if (strncmp(p->words[i], name, n) == 0 && p->words[i][n] == '=')
			return p->words[i] + n + 1;
	}
	return NULL;
}

static unsigned long
number_of(const struct player *p, const char *name, unsigned long preset)
{
	const char *s = option_of(p, name);

	return s == NULL ? preset : strtoul(s, NULL, 0);
}

static bool
flag_of(const struct player *p, const char *name)
{
	unsigned i;

	for (i = 1; i < p->n; i++) {
		if (strcmp(p->words[i], name) == 0)
			return true;
	}
	return false;
}

static uint32_t
host(struct player *p, const char *name)
{
	uint32_t addr = host_addr(name);

	if (addr == 0)
		world_fail(p->w, "no host is called %s", name);
	return addr;
}

static struct keying_id
identity(struct player *p, const char *text)
{
	struct keying_id id;

	memset(&id, 0, sizeof(id));
	if (*text == '@') {
		id.type = KEYING_ID_FQDN;
		snprintf(id.name, sizeof(id.name), "%s", text + 1);
	} else {
		id.type = KEYING_ID_IPV4;
		id.addr = host(p, text);
	}
	return id;
}

static struct pubkey
key_named(const char *text)
{
	struct pubkey k;

	memset(&k, 0, sizeof(k));
	dns_message_key(&k, PUBKEY_BITS_MIN, (unsigned)atoi(text + 3));
	return k;
}

/* Replaces each KEYn by the key in base64 and each $host by its address. */
static void
expand(char *out, size_t cap, const char *in)
{
	struct pubkey k;
	char	      word[64];
	size_t	      n = 0, len;

	while (*in != '\0' && n + 1 < cap) {
		if (strncmp(in, "KEY", 3) == 0 && isdigit((unsigned char)in[3])) {
			k = key_named(in);
			n += (size_t)pubkey_to_base64(&k, out + n, cap - n);
			for (in += 3; isdigit((unsigned char)*in); in++)
				continue;
		} else if (*in == '$') {
			len = strspn(++in, "abcdefghijklmnopqrstuvwxyz");
			snprintf(word, sizeof(word), "%.*s", (int)len, in);
			n += (size_t)snprintf(out + n, cap - n, "%s",
			    ipv4_text(host_addr(word)));
			in += len;
		} else {
			out[n++] = *in++;
		}
	}
	out[n] = '\0';
}

/* --- starting ---------------------------------------------------------------------- */

static struct oe_config *
read_config(struct player *p)
{
	cfg_opt_t opts[] = {
		CFG_SEC(OE_CONF_SECTION, oe_conf_options(), CFGF_NONE),
		CFG_END()
	};
	struct oe_config *c = NULL;
	cfg_t		 *cfg;
	FILE		 *f;

	if ((f = fopen(conf_path, "w")) == NULL)
		err(1, "%s", conf_path);
	fprintf(f, "oe {\n%s}\n", p->config);
	fclose(f);
	cfg = conf_read(conf_path, opts, false);
	if (cfg != NULL) {
		c = oe_config_read(cfg_getsec(cfg, OE_CONF_SECTION));
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
	}
	/* The machine's own resolvers have no part in a scenario. */
	if (c->nresolvers == 0 || strstr(p->config, "resolvers") == NULL) {
		c->nresolvers = 1;
		c->resolvers[0] = host_addr("dns");
	}
	return c;
}

static void
start(struct player *p)
{
	struct world *w = p->w;

	if (p->started)
		return;
	p->started = true;
	world_init(w, p->routes);
	if ((w->config = read_config(p)) == NULL) {
		world_fail(w, "the configuration was refused");
		return;
	}
	w->core = core_new(w->config, &w->shell, w, &world_ops, w);
	core_set_local(w->core, w->now, w->local, 0);
}

static void
do_config(struct player *p, const char *rest)
{
	char   text[2048];
	size_t n = strlen(p->config);

	expand(text, sizeof(text), rest);
	snprintf(p->config + n, sizeof(p->config) - n, "%s\n", text);
}

static void
do_option(struct player *p)
{
	if (flag_of(p, "routes"))
		p->routes = true;
	else if (flag_of(p, "no-key"))
		p->no_key = true;
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
	oe_config_free(old);
}

/* --- packets ------------------------------------------------------------------------ */

/* Words from i on: SRC DST TAG [KIND]; options anywhere. */
static size_t
packet_of(struct player *p, uint8_t *buf, size_t cap, uint32_t src,
    uint32_t dst, unsigned i)
{
	static const char *const kinds[] = { "udp", "tcp", "syn", "syn-ack",
		"ack", "echo", "echo-reply" };
	const char		*kind = "udp";
	size_t			 k;

	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		if (flag_of(p, kinds[k]))
			kind = kinds[k];
	}
	return packet_make(buf, cap, src, dst, kind,
	    (unsigned)number_of(p, "sport", 1000),
	    (unsigned)number_of(p, "dport", 80), i < p->n ? p->words[i] : "?",
	    number_of(p, "size", 0), flag_of(p, "df"));
}

static void
do_send(struct player *p)
{
	uint8_t	 buf[2048];
	uint32_t src = p->w->local;
	unsigned i = 1;
	size_t	 n;

	if (p->n > 3 && host_addr(p->words[1]) != 0 &&
	    host_addr(p->words[2]) != 0)
		src = host(p, p->words[i++]);
	n = packet_of(p, buf, sizeof(buf), src, host(p, p->words[i]), i + 1);
	spd_outbound(p->w->core, p->w->now, buf, n);
}

static void
do_recv(struct player *p)
{
	uint8_t	 inner[2048], pkt[2048 + ESP_OVERHEAD];
	uint32_t spi = (uint32_t)strtoul(p->words[1], NULL, 0);
	size_t	 n;
	unsigned i;
	int	 len;

	n = packet_of(p, inner, sizeof(inner), host(p, p->words[2]),
	    host(p, p->words[3]), 4);
	for (i = p->w->nmirrors; i > 0; i--) {
		if (p->w->mirrors[i - 1].spi_in == spi)
			break;
	}
	if (i == 0) {
		world_fail(p->w, "no SA has SPI 0x%x", spi);
		return;
	}
	len = esp_seal(p->w->mirrors[i - 1].seal, inner, n, pkt, sizeof(pkt));
	if (len < 0)
		world_fail(p->w, "esp_seal: %d", len);
	else
		spd_inbound_esp(p->w->core, p->w->now, pkt, (size_t)len);
}

static void
do_recv_forged(struct player *p)
{
	uint8_t		 pkt[120];
	uint32_t	 spi = (uint32_t)strtoul(p->words[1], NULL, 0);
	size_t		 n;

	n = packet_make(pkt, sizeof(pkt), host(p, p->words[2]), p->w->local,
	    "udp", 0, 0, "forged", sizeof(pkt), false);
	pkt[9] = 50;
	store_u32(pkt + 20, spi);
	store_u32(pkt + 24, 1);
	spd_inbound_esp(p->w->core, p->w->now, pkt, n);
}

static void
do_clear(struct player *p)
{
	uint8_t buf[2048];
	size_t	n;
	bool	taken;

	n = packet_of(p, buf, sizeof(buf), host(p, p->words[1]),
	    host(p, p->words[2]), 3);
	taken = spd_inbound_clear(p->w->core, p->w->now, buf, n);
	if (taken != flag_of(p, "taken"))
		world_fail(p->w, "it was %s", taken ? "taken" : "refused");
}

static void
do_too_big(struct player *p)
{
	uint8_t	 pkt[20 + 8 + 20 + 8];
	uint32_t spi = (uint32_t)strtoul(p->words[1], NULL, 0);
	uint32_t peer = 0;
	unsigned i;
	size_t	 n;

	for (i = 0; i < p->w->nmirrors; i++) {
		if (p->w->mirrors[i].spi_out == spi)
			peer = esp_sa_params(p->w->mirrors[i].open)->dst;
	}
	n = packet_make(pkt, sizeof(pkt), host(p, "nobody"), p->w->local,
	    "echo", 0, 0, "", sizeof(pkt), false);
	pkt[20] = 3;
	pkt[21] = 4;
	store_u16(pkt + 26, (uint16_t)atoi(p->words[2]));
	packet_make(pkt + 28, 28, p->w->local, peer, "udp", 0, 0, "", 28, true);
	store_u16(pkt + 28 + 2, 1500);
	pkt[28 + 9] = 50;
	store_u32(pkt + 48, spi);
	spd_inbound_icmp(p->w->core, p->w->now, pkt, n);
}

/* --- DNS ----------------------------------------------------------------------------- */

static uint16_t
type_of(struct player *p, const char *name)
{
	if (strcmp(name, "TXT") == 0)
		return RECORD_TYPE_TXT;
	if (strcmp(name, "KEY") == 0)
		return RECORD_TYPE_KEY;
	if (strcmp(name, "IPSECKEY") == 0)
		return RECORD_TYPE_IPSECKEY;
	world_fail(p->w, "no such type: %s", name);
	return 0;
}

static void
put_record(struct player *p, struct dns_message *m, uint16_t type,
    uint32_t ttl, const char *text)
{
	struct pubkey k;
	uint8_t	      data[2048];
	char	      buf[4096], gateway[64];
	uint32_t      addr;
	unsigned      precedence;
	size_t	      n;

	if (type == RECORD_TYPE_TXT) {
		expand(buf, sizeof(buf), text);
		dns_message_txt(m, NULL, ttl, buf, 255);
		return;
	}
	if (type == RECORD_TYPE_KEY) {
		k = key_named(text);
		n = dns_message_key_data(data, 0x4200, 4, 1, &k);
		dns_message_answer(m, NULL, type, ttl, data, n);
		return;
	}
	if (sscanf(text, "%u,%63[^,],%63s", &precedence, gateway, buf) != 3) {
		world_fail(p->w, "not an IPSECKEY: %s", text);
		return;
	}
	k = key_named(buf);
	data[0] = (uint8_t)precedence;
	data[1] = strcmp(gateway, "-") == 0 ? 0 : 1;
	data[2] = 2;
	n = 3;
	if (data[1] == 1) {
		addr = host(p, gateway);
		memcpy(data + n, &addr, 4);
		n += 4;
	}
	memcpy(data + n, k.wire, k.len);
	dns_message_answer(m, NULL, type, ttl, data, n + k.len);
}

/* Takes the question out of those under way; false if it was not asked. */
static bool
take_question(struct world *w, const char *name, uint16_t type,
    struct question *out)
{
	unsigned i;

	/* The newest: an older one of the same name may be nobody's any more. */
	for (i = w->nquestions; i-- > 0;) {
		if (w->questions[i].type != type ||
		    strcmp(w->questions[i].name, name) != 0)
			continue;
		*out = w->questions[i];
		memmove(&w->questions[i], &w->questions[i + 1],
		    (--w->nquestions - i) * sizeof(w->questions[0]));
		return true;
	}
	return false;
}

static void
do_answer(struct player *p)
{
	struct record_answer a;
	struct dns_message   m;
	struct question	     q;
	char		     name[KEYING_NAME_MAX + 1];
	uint16_t	     type = type_of(p, p->words[2]), flags;
	uint32_t	     ttl = (uint32_t)number_of(p, "ttl", 3600);
	unsigned	     i;

	if (host_addr(p->words[1]) != 0)
		record_reverse_name(host_addr(p->words[1]), name);
	else
		snprintf(name, sizeof(name), "%s", p->words[1]);
	if (!take_question(p->w, name, type, &q)) {
		world_fail(p->w, "nobody asked for %s of %s", p->words[2], name);
		return;
	}
	flags = flag_of(p, "ad") ? DNS_FLAG_AD : 0;
	if (flag_of(p, "failed"))
		flags = DNS_RCODE(2);
	dns_message_init(&m, name, type, flags);
	if (flag_of(p, "none")) {
		dns_message_soa(&m, "lab", ttl, ttl);
	} else if (flag_of(p, "malformed")) {
		if (type == RECORD_TYPE_TXT)
			dns_message_txt(&m, NULL, ttl, "X-IPsec-Server(x)=", 255);
		else
			dns_message_answer(&m, NULL, type, ttl,
			    "\x42\x00\x04\x01", 4);
	} else if (!flag_of(p, "timeout") && !flag_of(p, "failed") &&
	    !flag_of(p, "bogus")) {
		for (i = 3; i < p->n; i++) {
			if (strcmp(p->words[i], "ad") != 0 &&
			    strncmp(p->words[i], "ttl=", 4) != 0)
				put_record(p, &m, type, ttl, p->words[i]);
		}
	}
	record_parse(&a, m.buf, m.w.len, name, type,
	    p->w->config->rsa_min_bits);
	if (flag_of(p, "timeout") || flag_of(p, "bogus")) {
		memset(&a, 0, sizeof(a));
		a.status = flag_of(p, "bogus") ? RECORD_BOGUS : RECORD_TIMEOUT;
	}
	p->w->core->now = p->w->now;
	q.fn(q.arg, &a);
}

/* --- keying --------------------------------------------------------------------------- */

/* The connection of the last request to a gateway, or what was authorized. */
static struct connection *
conn_of(struct player *p, const char *peer)
{
	uint32_t addr = host(p, peer);
	unsigned i;

	if (flag_of(p, "responder"))
		return p->w->authorized;
	for (i = p->w->nrequests; i > 0; i--) {
		if (p->w->requests[i - 1].peer == addr &&
		    p->w->requests[i - 1].conn != NULL)
			return p->w->requests[i - 1].conn;
	}
	return NULL;
}

static void
do_up(struct player *p)
{
	struct keying_child k;
	struct connection  *conn = conn_of(p, p->words[1]);
	struct esp_params   e;
	struct mirror	   *m;
	char		    name[32];

	if (conn == NULL) {
		world_fail(p->w, "no negotiation with %s", p->words[1]);
		return;
	}
	memset(&k, 0, sizeof(k));
	k.in.spi = (uint32_t)number_of(p, "in", 0);
	k.in.src = host(p, p->words[1]);
	k.in.dst = p->w->local;
	k.in.cipher = ESP_AES_CBC;
	k.in.cipher_len = 16;
	memset(k.in.cipher_key, (int)(k.in.spi & 0xff), 16);
	k.in.auth = ESP_AUTH_HMAC_SHA2_256;
	k.in.auth_len = 32;
	memset(k.in.auth_key, 0x5a, 32);
	k.out = k.in;
	k.out.spi = (uint32_t)number_of(p, "out", 0);
	k.out.src = k.in.dst;
	k.out.dst = k.in.src;
	k.src.net = conn->key.src;
	k.dst.net = conn->key.dst;
	k.src.mask = k.dst.mask = 0xffffffff;
	k.path.local = p->w->local;
	k.path.peer = k.in.src;
	k.path.local_port = k.path.peer_port = 500;
	k.peer_id = identity(p, option_of(p, "id") != NULL ?
	    option_of(p, "id") : p->words[1]);
	k.hard = p->w->now + number_of(p, "life", 1200) * 1000;
	k.soft = k.hard - (k.hard - p->w->now) / 4;
	k.soft_bytes = number_of(p, "bytes", 0);
	k.initiator = !flag_of(p, "responder");
	snprintf(name, sizeof(name), "KEY%lu", number_of(p, "key", 1));
	k.peer_key = key_named(name);
	if (p->w->nmirrors == MIRRORS_MAX) {
		world_fail(p->w, "too many SAs");
		return;
	}
	m = &p->w->mirrors[p->w->nmirrors++];
	m->spi_in = k.in.spi;
	m->spi_out = k.out.spi;
	m->conn = conn;
	e = k.in;
	m->seal = esp_sa_new(&e, true);
	e = k.out;
	m->open = esp_sa_new(&e, false);
	p->w->core->now = p->w->now;
	connection_child_up(conn, &k);
}

static struct mirror *
mirror_of(struct player *p, const char *text)
{
	uint32_t spi = (uint32_t)strtoul(text, NULL, 0);
	unsigned i;

	for (i = p->w->nmirrors; i > 0; i--) {
		if (p->w->mirrors[i - 1].spi_in == spi &&
		    p->w->mirrors[i - 1].conn != NULL)
			return &p->w->mirrors[i - 1];
	}
	world_fail(p->w, "no SA has SPI 0x%x", spi);
	return NULL;
}

static void
do_confirmed(struct player *p)
{
	struct mirror *m = mirror_of(p, p->words[1]);

	p->w->core->now = p->w->now;
	if (m != NULL)
		connection_child_confirmed(m->conn, m->spi_in);
}

static void
do_down(struct player *p)
{
	struct mirror *m = mirror_of(p, p->words[1]);
	void	      *conn;

	if (m == NULL)
		return;
	conn = m->conn;
	m->conn = NULL;
	p->w->core->now = p->w->now;
	connection_child_down(conn, m->spi_in, flag_of(p, "peer"));
}

static void
do_fail(struct player *p)
{
	static const struct {
		const char	   *name;
		enum keying_failure f;
	} how[] = {
		{ "silence", KEYING_SILENCE }, { "icmp", KEYING_ICMP },
		{ "phase1", KEYING_PHASE1_REFUSED },
		{ "phase2", KEYING_PHASE2_REFUSED },
		{ "signature", KEYING_SIGNATURE },
		{ "identity", KEYING_IDENTITY }, { "local", KEYING_LOCAL },
	};
	struct connection *conn = conn_of(p, p->words[1]);
	size_t		   i;

	p->w->core->now = p->w->now;
	for (i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		if (strcmp(how[i].name, p->words[2]) == 0 && conn != NULL) {
			connection_failed(conn, how[i].f, "in a scenario");
			return;
		}
	}
	world_fail(p->w, "nothing to fail");
}

static struct keying_path
path_from(struct player *p, const char *name)
{
	struct keying_path path;

	memset(&path, 0, sizeof(path));
	path.local = p->w->local;
	path.peer = host(p, name);
	path.local_port = path.peer_port = 500;
	return path;
}

static void
do_peer_lookup(struct player *p)
{
	struct keying_id   id = identity(p, p->words[1]);
	struct keying_path path = path_from(p, p->words[2]);

	responder_peer_lookup(p->w->core, p->w->now, ++p->w->token, &id, &path);
}

static void
do_child_ask(struct player *p)
{
	struct keying_id       id = identity(p, p->words[1]);
	struct keying_path     path = path_from(p, p->words[2]);
	struct keying_selector src, dst;

	memset(&src, 0, sizeof(src));
	memset(&dst, 0, sizeof(dst));
	src.net = host(p, p->words[3]);
	dst.net = host(p, p->words[4]);
	src.mask = htonl(0xffffffffu << number_of(p, "src-bits", 0));
	dst.mask = htonl(0xffffffffu << number_of(p, "dst-bits", 0));
	src.net &= src.mask;
	dst.net &= dst.mask;
	responder_child_ask(p->w->core, p->w->now, ++p->w->token, &id, &path,
	    &src, &dst);
}

static void
do_initial_contact(struct player *p)
{
	struct keying_id id = identity(p, p->words[1]);

	responder_initial_contact(p->w->core, p->w->now, &id,
	    host(p, p->words[2]));
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
	}
}

static void
do_local(struct player *p)
{
	p->w->local = strcmp(p->words[1], "none") == 0 ? 0 :
	    host(p, p->words[1]);
	core_set_local(p->w->core, p->w->now, p->w->local, 0);
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
		*src = host(p, p->words[1]);
		*dst = host(p, p->words[2]);
		return 3;
	}
	*dst = host(p, p->words[1]);
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
		if (conn->key.src != src || conn->key.dst != dst)
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
	uint32_t	  src, dst;
	unsigned	  i = pair_of(p, &src, &dst);
	const char	 *got;

	e = spd_find(p->w->core, src, dst);
	got = e == NULL ? "none" : spd_policy_name(e->master != NULL ?
	    e->master->policy : e->policy);
	if (i >= p->n || strcmp(got, p->words[i]) != 0)
		world_fail(p->w, "its policy is \"%s\"", got);
}

static void
do_count(struct player *p)
{
	struct connection *conn;
	uint32_t	   dst = host(p, p->words[1]);
	int		   n = 0;

	TAILQ_FOREACH(conn, &p->w->core->connections, all) {
		if (conn->key.dst == dst && conn->state != CONNECTION_EXPIRED)
			n++;
	}
	if (p->n < 3 || n != atoi(p->words[2]))
		world_fail(p->w, "there are %d", n);
}

static void
do_why(struct player *p)
{
	json_object *req = json_object_new_object(), *ans;
	const char  *text;

	json_object_object_add(req, "command", json_object_new_string("why"));
	json_object_object_add(req, "address", json_object_new_string(
	    ipv4_text(host(p, p->words[1]))));
	ans = report_control(p->w->core, p->w->now, req);
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

static const struct {
	const char *name;
	unsigned    words;		/* at least, with the name */
	bool	    acts;		/* events must be expected before it */
	void (*fn)(struct player *p);
} commands[] = {
	{ "send", 3, true, do_send },
	{ "recv", 5, true, do_recv },
	{ "recv-forged", 3, true, do_recv_forged },
	{ "clear", 5, true, do_clear },
	{ "too-big", 3, true, do_too_big },
	{ "answer", 4, true, do_answer },
	{ "up", 4, true, do_up },
	{ "confirmed", 2, true, do_confirmed },
	{ "down", 3, true, do_down },
	{ "fail", 3, true, do_fail },
	{ "peer-lookup", 3, true, do_peer_lookup },
	{ "child-ask", 5, true, do_child_ask },
	{ "initial-contact", 3, true, do_initial_contact },
	{ "local", 2, true, do_local },
	{ "reload", 1, true, do_reload },
	{ "advance", 2, true, do_advance },
	{ "state", 3, false, do_state },
	{ "policy", 3, false, do_policy },
	{ "count", 3, false, do_count },
	{ "why", 3, false, do_why },
	{ "logged", 2, false, do_logged },
};

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
	char   copy[LINE_MAX_LEN], *rest, *end;
	size_t i;

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
		p->w->phase1_lost = flag_of(p, "lost");
		return;
	}
	if (strcmp(p->words[0], "requests") == 0) {
		p->w->requests_refused = flag_of(p, "refused");
		return;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, p->words[0]) != 0)
			continue;
		if (p->n < commands[i].words) {
			world_fail(p->w, "too few words");
			return;
		}
		if (commands[i].acts) {
			must_be_quiet(p);
			fflush(stderr);
			if (ftruncate(fileno(log_file), 0) == 0)
				rewind(log_file);
		}
		if (p->w->error[0] == '\0')
			commands[i].fn(p);
		return;
	}
	world_fail(p->w, "no such command");
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
