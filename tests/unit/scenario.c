/* scenario.c - the fake network around the OE core that scenario files play on */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/ip.h"
#include "oe/esp/dataplane_private.h"
#include "oe/esp/user.h"
#include "oe/life.h"
#include "oe/ports.h"
#include "oe/version.h"
#include "tests/unit/dns_message.h"
#include "tests/unit/header_reads.h"
#include "tests/unit/scenario.h"

/* Draft -17's figure 1 in documentation addresses. */
static const struct {
	const char *name, *addr;
} hosts[] = {
	{ "me", "198.51.100.1" },	/* SG-A, or the host itself */
	{ "sgd", "198.51.100.4" },	/* the second way out
					 * of Alice's network */
	{ "alice", "198.51.100.130" },	/* behind us */
	{ "dns", "198.51.100.53" },
	{ "sgb", "203.0.113.1" },
	{ "sgc", "203.0.113.3" },
	{ "bob", "203.0.113.130" },	/* behind SG-B and SG-C, or alone */
	{ "carol", "203.0.113.131" },
	{ "nb", "192.0.2.1" },		/* an RSIP gateway's public address */
	{ "la", "192.0.2.65" },		/* a pool of two to lend */
	{ "lb", "192.0.2.66" },
	{ "nobody", "192.0.2.99" },
	/* The same hosts over IPv6, and one that has no other. */
	{ "me-six", "2001:db8:1::1" },
	{ "alice-six", "2001:db8:1::130" },
	{ "sgb-six", "2001:db8:2::1" },
	{ "bob-six", "2001:db8:2::130" },
	{ "carol-six", "2001:db8:2::131" },
};

struct addr
host_addr(const char *name)
{
	struct addr a = { 0 };
	size_t	    i;

	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		if (strcmp(hosts[i].name, name) == 0)
			name = hosts[i].addr;
	}
	if (addr_parse(&a, name) == -1)
		a = (struct addr){ 0 };
	return a;
}

const char *
host_name(const struct addr *addr)
{
	static char text[4][ADDR_TEXT_MAX];	/* of one line */
	static unsigned next;
	struct addr a;
	size_t	    i;

	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		a = host_addr(hosts[i].addr);
		if (addr_equal(&a, addr))
			return hosts[i].name;
	}
	return addr_text(addr, text[next++ % 4], ADDR_TEXT_MAX);
}

static const char *
id_name(const struct keying_id *id)
{
	return id->type == 0 ? "any" : id->type == KEYING_ID_NULL ? "?" :
	    id->type == KEYING_ID_ADDR ? host_name(&id->addr) :
	    keying_id_text(id);
}

void
world_event(struct world *w, const char *fmt, ...)
{
	char	text[PLAY_EVENT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	play_event(w->play, "%s", text);
}

void
world_fail(struct world *w, const char *fmt, ...)
{
	char	text[PLAY_EVENT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	play_fail(w->play, "%s", text);
}

/* --- words of a scenario -------------------------------------------------- */

struct addr
player_host(struct play *p, const char *name)
{
	struct addr addr = host_addr(name);

	if (!addr_is_set(&addr))
		play_fail(p, "no host is called %s", name);
	return addr;
}

struct addr
player_local(struct play *p, const struct addr *dst)
{
	return dst->family == AF_INET6 ? W(p)->local6 : W(p)->local;
}

struct keying_id
player_identity(struct play *p, const char *text)
{
	struct keying_id id;

	memset(&id, 0, sizeof(id));
	if (*text == '?') {
		id.type = KEYING_ID_NULL;
		snprintf(id.name, sizeof(id.name), "%s", text + 1);
	} else if (*text == '@') {
		id.type = KEYING_ID_FQDN;
		snprintf(id.name, sizeof(id.name), "%s", text + 1);
	} else {
		id.type = KEYING_ID_ADDR;
		id.addr = player_host(p, text);
	}
	return id;
}

struct pubkey
player_key(const char *text)
{
	struct pubkey k;

	memset(&k, 0, sizeof(k));
	if (atoi(text + 3) == 0)
		pubkey_from_evp(&k, our_key);
	else
		dns_message_key(&k, PUBKEY_BITS_MIN, (unsigned)atoi(text + 3));
	return k;
}

void
player_expand(char *out, size_t cap, const char *in)
{
	struct pubkey k;
	struct addr   addr;
	char	      word[64];
	size_t	      n = 0, len;

	while (*in != '\0' && n + 1 < cap) {
		if (strncmp(in, "KEY", 3) == 0 &&
		    isdigit((unsigned char)in[3])) {
			k = player_key(in);
			n += (size_t)pubkey_to_base64(&k, out + n, cap - n);
			for (in += 3; isdigit((unsigned char)*in); in++)
				continue;
		} else if (*in == '$') {
			len = strspn(++in, "abcdefghijklmnopqrstuvwxyz-");
			snprintf(word, sizeof(word), "%.*s", (int)len, in);
			addr = host_addr(word);
			n += (size_t)snprintf(out + n, cap - n, "%s",
			    ADDR_TEXT(&addr));
			in += len;
		} else {
			out[n++] = *in++;
		}
	}
	out[n] = '\0';
}

/* --- packets -------------------------------------------------------------- */

size_t
packet_make(uint8_t *out, size_t cap, const struct addr *src,
    const struct addr *dst, const char *kind, unsigned sport, unsigned dport,
    const char *tag, size_t size, bool df)
{
	struct packet_view h = { .src = *src, .dst = *dst, .ttl = 64,
		.df = df };
	bool		six = dst->family == AF_INET6;
	const size_t	ip = ip_header_len(dst->family);
	uint8_t	       *p = out + ip;
	size_t		head = UDP_HEADER_LEN, n = strlen(tag) + 1;

	memset(out, 0, cap);
	if (strncmp(kind, "echo", 4) == 0) {
		h.protocol = six ? 58 : 1;
		p[0] = strcmp(kind, "echo") == 0 ? (six ? 128 : 8) :
		    strcmp(kind, "echo-reply") == 0 ? (six ? 129 : 0) :
		    (six ? 1 : 3);
		store_u16(p + 4, (uint16_t)sport);
	} else {
		h.protocol = strcmp(kind, "udp") == 0 ? 17 : 6;
		store_u16(p, (uint16_t)sport);
		store_u16(p + 2, (uint16_t)dport);
		if (h.protocol == 6) {
			head = 20;
			p[12] = 5 << 4;
			p[13] = strcmp(kind, "syn") == 0 ? 0x02 :
			    strcmp(kind, "syn-ack") == 0 ? 0x12 :
			    strcmp(kind, "rst") == 0 ? 0x04 : 0x10;
		} else {
			store_u16(p + 4, (uint16_t)(UDP_HEADER_LEN + n));
		}
	}
	if (size > ip + head + n)
		n = size - ip - head;
	if (ip + head + n > cap)
		n = cap - ip - head;
	snprintf((char *)p + head, n, "%s", tag);
	h.len = ip + head + n;
	ip_write(out, &h);
	return h.len;
}

/* The tag of a packet, or what kind of ICMP error it is. */
static const char *
packet_tag(const struct packet_view *v)
{
	static char	text[64];
	const uint8_t  *pkt = v->data;
	size_t		off;

	off = v->header + (v->protocol == 6 ? 20u : 8u);
	if (v->protocol == 58 && pkt[v->header] < 128) {
		snprintf(text, sizeof(text), "icmpv6-%u/%u", pkt[v->header],
		    pkt[v->header + 1]);
		return text;
	}
	if (v->protocol == 1 && pkt[v->header] != 0 && pkt[v->header] != 8) {
		snprintf(text, sizeof(text), "icmp-%u/%u mtu=%u",
		    pkt[v->header], pkt[v->header + 1],
		    load_u16(pkt + v->header + 6));
		return text;
	}
	if (off >= v->len || memchr(pkt + off, '\0', v->len - off) == NULL)
		return "no-tag";
	return (const char *)pkt + off;
}

/* Where the kernel has a policy, what we send in the clear is not so. */
static void
shell_clear(void *arg, const struct packet_view *v)
{
	struct world *w = arg;
	unsigned      i, j;

	for (i = 0; i < w->kernel.npolicies; i++) {
		if (!addr_equal(&w->kernel.policy[i]->theirs.addr, &v->dst))
			continue;
		for (j = 0; j < w->kernel.nsa; j++) {
			if (addr_equal(&w->kernel.sa[j].dst,
			    &w->kernel.policy[i]->peer) &&
			    w->kernel.sa[j].outbound)
				break;
		}
		world_event(w, "kernel %s %s", j < w->kernel.nsa ? "esp" :
		    "drop", packet_tag(v));
		return;
	}
	world_event(w, "clear %s", packet_tag(v));
}

/* --- a kernel that does ESP: what it has been told ------------------------ */

struct kernel_plane {
	struct esp_plane plane;
	struct world	*w;
};

static struct world *
kernel_world(struct esp_plane *plane)
{
	return ((struct kernel_plane *)plane)->w;
}

static int
kernel_sa_add(struct world *w, const struct esp_params *p, bool outbound)
{
	if (w->kernel.no_sa || w->kernel.nsa == MIRRORS_MAX)
		return -1;
	w->kernel.sa[w->kernel.nsa].dst = p->dst;
	w->kernel.sa[w->kernel.nsa].spi = p->spi;
	w->kernel.sa[w->kernel.nsa++].outbound = outbound;
	return 0;
}

static void
kernel_sa_remove(struct world *w, const struct esp_params *p)
{
	unsigned i;

	for (i = 0; i < w->kernel.nsa; i++) {
		if (addr_equal(&w->kernel.sa[i].dst, &p->dst) &&
		    w->kernel.sa[i].spi == p->spi) {
			w->kernel.sa[i] = w->kernel.sa[--w->kernel.nsa];
			return;
		}
	}
}

static int
kernel_pair_up(struct esp_plane *plane, struct esp_pair *p)
{
	if (p->policy == NULL || !p->policy->sole || (p->in.encap_sport != 0 &&
	    !kernel_world(plane)->kernel.in_udp))
		return -1;
	return kernel_sa_add(kernel_world(plane), &p->in, false);
}

static int
kernel_pair_move(struct esp_plane *plane, struct esp_pair *p,
    const struct addr *dst, uint16_t port)
{
	struct world *w = kernel_world(plane);

	unsigned      i;

	if (w->kernel.no_sa)
		return -1;
	for (i = 0; i < w->kernel.nsa; i++) {
		if (w->kernel.sa[i].spi == p->out.spi)
			w->kernel.sa[i].dst = *dst;
	}
	p->policy->peer = *dst;
	world_event(w, "kernel moves 0x%04x %s:%u", p->out.spi,
	    host_name(dst), port);
	return 0;
}

static int
kernel_pair_confirm(struct esp_plane *plane, struct esp_pair *p)
{
	return kernel_sa_add(kernel_world(plane), &p->out, true);
}

static void
kernel_pair_down(struct esp_plane *plane, struct esp_pair *p)
{
	kernel_sa_remove(kernel_world(plane), &p->in);
	kernel_sa_remove(kernel_world(plane), &p->out);
}

static int
kernel_policy_up(struct esp_plane *plane, const struct esp_policy *policy)
{
	struct world *w = kernel_world(plane);

	if (w->kernel.no_policy || w->kernel.npolicies == MIRRORS_MAX)
		return -1;
	w->kernel.policy[w->kernel.npolicies++] = policy;
	return 0;
}

static void
kernel_policy_down(struct esp_plane *plane, const struct esp_policy *policy)
{
	struct world *w = kernel_world(plane);
	unsigned      i;

	for (i = 0; i < w->kernel.npolicies; i++) {
		if (w->kernel.policy[i] == policy) {
			w->kernel.policy[i] =
			    w->kernel.policy[--w->kernel.npolicies];
			return;
		}
	}
}

static int
kernel_send(struct esp_plane *plane, struct esp_pair *p,
    const struct packet_view *v)
{
	if (p->policy->plane != plane)
		return ESP_E_PLANE;
	shell_clear(kernel_world(plane), v);
	return ESP_PAST;
}

static void
kernel_free(struct esp_plane *plane)
{
	free(plane);
}

static const struct esp_plane_ops kernel_ops = {
	.name = "kernel",
	.past = true,
	.pair_up = kernel_pair_up,
	.pair_confirm = kernel_pair_confirm,
	.pair_down = kernel_pair_down,
	.pair_move = kernel_pair_move,
	.send = kernel_send,
	.policy_up = kernel_policy_up,
	.policy_down = kernel_policy_down,
	.free = kernel_free,
};

static struct esp_plane *
kernel_new(struct world *w)
{
	struct kernel_plane *k = xcalloc(1, sizeof(*k));

	k->plane.ops = &kernel_ops;
	k->w = w;
	return &k->plane;
}

/* Where ESP in UDP goes. */
static const char *
udp_port(const struct packet_view *v)
{
	static char text[16];
	uint16_t    sport, dport = 0;

	packet_ports(v, &sport, &dport);
	snprintf(text, sizeof(text), ":%u", dport);
	return text;
}

static void
shell_esp(void *arg, const struct packet_view *v)
{
	struct world	  *w = arg;
	struct packet_view inner;
	uint8_t		   buf[IP_PACKET_MAX];
	uint32_t	   spi = 0;
	unsigned	   i;
	int		   rc;

	if (!esp_spi(v, &spi)) {
		world_fail(w, "send_esp: not ESP");
		return;
	}
	for (i = w->nmirrors; i > 0; i--) {
		if (w->mirrors[i - 1].spi_out != spi ||
		    (!w->mirrors[i - 1].nat &&
		    !addr_equal(&w->mirrors[i - 1].dst, &v->dst)))
			continue;
		header_reads_peer = true;
		rc = esp_open(w->mirrors[i - 1].open, v, buf, sizeof(buf),
		    &inner);
		header_reads_peer = false;
		world_event(w, "esp 0x%x %s to=%s%s", spi, rc != ESP_OK ?
		    "unreadable" : packet_tag(&inner),
		    host_name(&v->dst),
		    w->mirrors[i - 1].nat ? udp_port(v) : "");
		return;
	}
	world_event(w, "esp 0x%x unknown", spi);
}

static void
shell_to_host(void *arg, const struct packet_view *v)
{
	world_event(arg, "deliver %s", packet_tag(v));
}

/* A LAN of ours. */
static bool
shell_near(void *arg, const struct addr *addr)
{
	struct prefix lan = { addr_from_v4(inet_addr("10.9.0.0")), 16 };

	(void)arg;
	return prefix_contains(&lan, addr);
}

static bool
shell_own(void *arg, const struct addr *addr)
{
	return addr_equal(addr, &((struct world *)arg)->other);
}

static bool
shell_peer_known(void *arg, const struct keying_id *peer)
{
	(void)peer;
	return ((struct world *)arg)->peers_known;
}

static bool
shell_shares(void *arg)
{
	return ((struct world *)arg)->shares;
}

static unsigned
shell_ports(void *arg, const struct addr *dst, struct port_block *out,
    unsigned max)
{
	const struct world *w = arg;

	(void)dst;
	if (w->ports.hi == 0 || max == 0)
		return 0;
	*out = w->ports;
	return 1;
}

static void
shell_answer(void *arg, const struct packet_view *v)
{
	world_event(arg, "answer %s", packet_tag(v));
}

static void
shell_route(void *arg, const struct addr *dst, bool add)
{
	world_event(arg, "route %s %s", host_name(dst), add ? "add" :
	    "del");
}

static void
shell_pair(void *arg, const struct addr *src, const struct addr *dst, bool add)
{
	(void)src;
	world_event(arg, "past %s %s", host_name(dst), add ? "add" :
	    "del");
}

bool scenario_led, scenario_kernel;

static void
nothing_waits(void *arg)
{
	(void)arg;
}

/* Who would be a thread is the player (scenario_act.c). */
static void
world_lanes(struct world *w, struct esp_plane *user)
{
	const struct lane_out seal = { .seals = shell_esp,
		.flush = nothing_waits, .arg = w };
	const struct lane_out open = { .opens = shell_to_host,
		.flush = nothing_waits, .arg = w };

	w->seal = lanes_new(1, &seal);
	w->open = lanes_new(1, &open);
	esp_user_lanes(user, w->seal, w->open, nothing_waits);
}

void
world_init(struct world *w, bool routes, bool past, bool kernel)
{
	unsigned n = 0;

	w->now = 10000000;
	w->local = host_addr("me");
	w->shell.send_clear = shell_clear;
	w->shell.to_host = shell_to_host;
	w->shell.answer = shell_answer;
	w->shell.is_near = shell_near;
	w->shell.is_own = shell_own;
	w->shell.peer_known = shell_peer_known;
	w->shell.shares = shell_shares;
	w->shell.ports = shell_ports;
	w->shell.pass_route = routes ? shell_route : NULL;
	w->shell.pass_pair = past ? shell_pair : NULL;
	if (kernel)
		w->planes[n++] = kernel_new(w);
	if (w->led_offered)
		w->planes[n++] = w->led_plane = scenario_led_plane(w,
		    shell_esp);
	w->planes[n] = esp_user_new(shell_esp, w);
	if (w->led)
		world_lanes(w, w->planes[n]);
	w->shell.planes = w->planes;
}

void
world_free(struct world *w)
{
	unsigned i;

	core_free(w->core);
	oe_config_free(w->config);
	for (i = 0; w->planes[i] != NULL; i++)
		esp_plane_free(w->planes[i]);
	lanes_free(w->seal);
	lanes_free(w->open);
	for (i = 0; i < w->nmirrors; i++) {
		esp_sa_free(w->mirrors[i].seal);
		esp_sa_free(w->mirrors[i].open);
	}
	free(w);
}

/* --- DNS and the keying engine -------------------------------------------- */

static const char *
type_name(uint16_t type)
{
	return type == RECORD_TYPE_TXT ? "TXT" : type == RECORD_TYPE_KEY ?
	    "KEY" : type == RECORD_TYPE_IPSECKEY ? "IPSECKEY" : "?";
}

static void
ops_dns_query(void *arg, const char *name, uint16_t type, enum cause cause,
    dns_fn fn, void *fn_arg)
{
	struct world	*w = arg;
	struct question *q;
	struct addr	 host;
	char		 reverse[ADDR_REVERSE_MAX];
	size_t		 i;

	(void)cause;
	if (w->nquestions == QUESTIONS_MAX) {
		world_fail(w, "too many questions");
		return;
	}
	q = &w->questions[w->nquestions++];
	snprintf(q->name, sizeof(q->name), "%s", name);
	q->type = type;
	q->fn = fn;
	q->arg = fn_arg;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		host = host_addr(hosts[i].addr);
		addr_reverse_name(&host, reverse);
		if (strcmp(reverse, name) == 0)
			name = hosts[i].name;
	}
	world_event(w, "dns %s %s", name, type_name(type));
}

static int
ops_request(void *arg, uint64_t now, const struct keying_request *r,
    void *conn)
{
	const struct keying_selector *ours = &r->ours.ts[0];
	const struct keying_selector *theirs = &r->theirs.ts[0];
	struct world		     *w = arg;
	struct request		     *q;
	char			      flow[192] = "", version[24] = "";
	const struct addr	     *from = &r->path.local;

	(void)now;
	if (ports_are_blocks(&r->ours)) {
		snprintf(flow, sizeof(flow), " ports=");
		ports_text(&r->ours, flow + 7, sizeof(flow) - 7);
	} else if (ours->protocol != 0)
		snprintf(flow, sizeof(flow), " flow=%u/%d:%d", ours->protocol,
		    keying_selector_port(ours), keying_selector_port(theirs));
	if (w->config->ike != VERSION_BIT(2))
		snprintf(version, sizeof(version), " ike=%u%s", r->version,
		    r->modern ? "" : " legacy");
	world_event(w,
	    "request %s%s id=%s src=%s dst=%s%s keys=%zu%s%s%s%s%s my=%s",
	    host_name(&r->path.peer), version, id_name(&r->peer_id),
	    host_name(&ours->from), host_name(&theirs->from),
	    flow, r->peer.nkeys,
	    r->peer.psk != NULL ? " psk" : r->peer.nothing ? " nothing" : "",
	    r->inner == KEYING_INNER_YES ? " inner" : "",
	    r->initial_contact ? " initial-contact" : "",
	    r->departed ? " departed" : "",
	    addr_is_set(from) && addr_equal(from, &w->other) ? " from-other" :
	    "", id_name(&r->my_id));
	if (w->requests_refused)
		return -1;
	if (w->nrequests == REQUESTS_MAX) {
		world_fail(w, "too many requests");
		return -1;
	}
	q = &w->requests[w->nrequests++];
	q->peer = r->path.peer;
	q->src = ours->from;
	q->dst = theirs->from;
	q->conn = conn;
	return 0;
}

/* Whatever still names conn would be a call about freed memory. */
static void
ops_forget(void *arg, uint64_t now, void *conn, bool tell)
{
	struct world *w = arg;
	unsigned      i, told = 0, known = 0;

	(void)now;
	for (i = 0; i < w->nrequests; i++) {
		if (w->requests[i].conn == conn) {
			w->requests[i].conn = NULL;
			known++;
		}
	}
	for (i = 0; i < w->nmirrors; i++) {
		if (w->mirrors[i].conn == conn) {
			w->mirrors[i].conn = NULL;
			known++;
			told++;
		}
	}
	if (w->authorized == conn)
		w->authorized = NULL;
	/* Said only where a real engine would do something. */
	if (known > 0)
		world_event(w, "forget%s", tell && told > 0 ? " tell" : "");
}

static int
ops_delete_child(void *arg, uint64_t now, uint32_t spi_in)
{
	struct world *w = arg;

	(void)now;
	world_event(w, "delete 0x%x", spi_in);
	return w->phase1_lost ? -1 : 0;
}

static int
ops_probe(void *arg, uint64_t now, void *conn)
{
	struct world *w = arg;

	(void)now;
	(void)conn;
	if (!w->probes)
		return 0;
	world_event(w, "probe");
	return w->phase1_lost ? -1 : 0;
}

static void
ops_unknown_spi(void *arg, uint64_t now, const struct addr *peer, uint32_t spi)
{
	struct world *w = arg;

	(void)now;
	if (w->probes)
		world_event(w, "unknown-spi 0x%x %s", spi,
		    host_name(peer));
}

static void
ops_peer_identity(void *arg, uint64_t token, const struct keying_id *my_id)
{
	(void)token;
	world_event(arg, "identity %s", id_name(my_id));
}

static void
ops_peer_keys(void *arg, uint64_t now, uint64_t token,
    const struct keying_credentials *c)
{
	(void)now;
	(void)token;
	world_event(arg, "keys %zu%s", c->nkeys, c->psk != NULL ? " psk" :
	    c->nothing ? " nothing" : "");
}

static void
ops_narrow(void *arg, uint64_t token, const struct keying_selectors *ours,
    const struct keying_selectors *theirs, const struct addr *inner)
{
	char part[160] = "";

	(void)token;
	if (inner != NULL)
		addr_text(inner, part, sizeof(part));
	else if (ports_are_blocks(theirs))
		ports_text(theirs, part, sizeof(part));
	world_event(arg, "narrow %s%s%s", inner != NULL ? "lent " : "",
	    *part != '\0' ? part : host_name(&theirs->ts[0].from),
	    addr_equal(&ours->ts[0].from, &ours->ts[0].to) ? "" :
	    " with a network of ours");
}

static void
ops_authorize(void *arg, uint64_t now, uint64_t token, void *conn)
{
	struct world *w = arg;

	(void)now;
	(void)token;
	w->authorized = conn;
	world_event(w, "authorize %s", conn != NULL ? "yes" : "no");
}

static void
ops_moved(void *arg, void *conn, const struct addr *peer, uint16_t port)
{
	(void)conn;
	world_event(arg, "moved %s %u", host_name(peer), port);
}

const struct core_ops world_ops = {
	.dns_query = ops_dns_query,
	.unknown_spi = ops_unknown_spi,
};

const struct keying_engine world_engine = {
	.request = ops_request,
	.forget = ops_forget,
	.delete_child = ops_delete_child,
	.probe = ops_probe,
	.moved = ops_moved,
	.peer_identity = ops_peer_identity,
	.peer_keys = ops_peer_keys,
	.narrow = ops_narrow,
	.authorize = ops_authorize,
};
