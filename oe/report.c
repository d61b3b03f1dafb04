/* report.c - what the engine tells people: spd, sa, why, status, events */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/control.h"
#include "base/util.h"
#include "net/ip.h"
#include "oe/connection.h"
#include "oe/esp/algorithm.h"
#include "oe/esp/esp.h"
#include "oe/flow.h"
#include "oe/identity.h"
#include "oe/liveness.h"
#include "oe/pair.h"
#include "oe/report.h"
#include "oe/session.h"

#define REPORT_ROWS_MAX	20000

static void
add_text(json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static void
add_number(json_object *o, const char *key, uint64_t n)
{
	json_object_object_add(o, key, json_object_new_int64((int64_t)n));
}

static void
add_spi(json_object *o, const char *key, uint32_t spi)
{
	char text[16];

	snprintf(text, sizeof(text), "0x%08x", spi);
	add_text(o, key, text);
}

static void
add_prefix(json_object *o, const char *key, uint32_t net, unsigned plen)
{
	char text[32];

	if (plen == 32)
		snprintf(text, sizeof(text), "%s", ipv4_text(net));
	else
		snprintf(text, sizeof(text), "%s/%u", ipv4_text(net), plen);
	add_text(o, key, text);
}

static void
cipher_text(const struct esp_sa *sa, char *out, size_t cap)
{
	const struct esp_params *p = esp_sa_params(sa);

	if (p->auth == ESP_AUTH_NONE)
		snprintf(out, cap, "%s", esp_cipher_name(p->cipher,
		    p->cipher_len));
	else
		snprintf(out, cap, "%s/%s", esp_cipher_name(p->cipher,
		    p->cipher_len), esp_auth_name(p->auth));
}

/* How the peer's key came to be believed (RFC 5406 §3.4). */
static const char *
auth_text(const struct connection *conn)
{
	if (conn->state != CONNECTION_KEYED)
		return "";
	if (conn->class == OE_CLASS_TUNNEL)
		return conn->core->config->tunnels[conn->tunnel].psk != NULL ?
		    "psk" : "configured key";
	return conn->authentic ? "dnssec" : "dns";
}

/* How the peer's right to the address came to be believed: another question. */
static const char *
right_text(const struct connection *conn)
{
	static const char *const names[] = { [RIGHT_NONE] = "",
		[RIGHT_FLOWS] = "own flows", [RIGHT_DNS] = "dns",
		[RIGHT_DNSSEC] = "dnssec", [RIGHT_CONFIGURED] = "configured" };

	return conn->state == CONNECTION_KEYED ? names[conn->right] : "";
}

static uint64_t
seconds_to(uint64_t now, uint64_t at)
{
	return at > now ? (at - now + 999) / 1000 : 0;
}

static json_object *
connection_row(const struct connection *conn)
{
	const struct core    *c = conn->core;
	const struct sa_pair *p = connection_any_pair(conn);
	json_object	     *o = json_object_new_object();
	char		      cipher[64];

	add_prefix(o, "src", conn->key.src, conn->key.src_plen);
	add_prefix(o, "dst", conn->key.dst, conn->key.dst_plen);
	add_text(o, "policy", spd_policy_name(conn->policy));
	add_text(o, "class", oe_class_name(conn->class));
	add_text(o, "state", connection_state_name(conn->state));
	add_text(o, "reason", conn->reason);
	add_text(o, "peer", conn->peer_id.type != 0 ?
	    keying_id_text(&conn->peer_id) : "");
	add_text(o, "auth", auth_text(conn));
	add_text(o, "right", right_text(conn));
	add_text(o, "gateway", conn->path.peer != 0 ?
	    ipv4_text(conn->path.peer) : "");
	if (p != NULL) {
		add_spi(o, "spi_in", p->spi_in);
		add_spi(o, "spi_out", p->spi_out);
		cipher_text(p->out, cipher, sizeof(cipher));
		add_text(o, "cipher", cipher);
		add_text(o, "dataplane", p->kernel ? "kernel" : "user");
		add_text(o, "role", p->initiator ? "initiator" : "responder");
	} else {
		add_text(o, "spi_in", "");
		add_text(o, "spi_out", "");
		add_text(o, "cipher", "");
	}
	add_number(o, "packets", conn->packets);
	add_number(o, "bytes", conn->bytes);
	add_number(o, "age", (c->now - conn->born) / 1000);
	add_number(o, "idle", (c->now - conn->used) / 1000);
	add_number(o, "next", seconds_to(c->now, conn->look_at));
	add_number(o, "silent", liveness_silence(conn));
	return o;
}

static json_object *
report_spd(struct core *c)
{
	struct connection *conn;
	json_object	  *o = json_object_new_object();
	json_object	  *rows = json_object_new_array();
	unsigned	   n = 0;

	TAILQ_FOREACH(conn, &c->connections, all) {
		if (n++ == REPORT_ROWS_MAX)
			break;
		json_object_array_add(rows, connection_row(conn));
	}
	json_object_object_add(o, "rows", rows);
	return o;
}

static json_object *
report_sa(struct core *c)
{
	struct connection  *conn;
	struct sa_pair	   *p;
	struct esp_counters in, out;
	json_object	   *o = json_object_new_object();
	json_object	   *rows = json_object_new_array(), *r;
	char		    cipher[64], flow[32];

	TAILQ_FOREACH(conn, &c->connections, all) {
		TAILQ_FOREACH(p, &conn->pairs, entry) {
			r = json_object_new_object();
			esp_sa_counters(p->in, &in);
			esp_sa_counters(p->out, &out);
			cipher_text(p->out, cipher, sizeof(cipher));
			add_number(r, "phase", 2);
			add_prefix(r, "src", conn->key.src, conn->key.src_plen);
			add_prefix(r, "dst", conn->key.dst, conn->key.dst_plen);
			add_text(r, "peer", keying_id_text(&conn->peer_id));
			add_spi(r, "spi_in", p->spi_in);
			add_spi(r, "spi_out", p->spi_out);
			session_text(p, flow, sizeof(flow));
			if (*flow != '\0')
				add_text(r, "flow", flow);
			add_text(r, "cipher", cipher);
			add_number(r, "packets", in.packets + out.packets);
			add_number(r, "bytes", in.bytes + out.bytes);
			add_number(r, "replays", in.replays);
			add_number(r, "auth_failures", in.auth_failures);
			add_number(r, "age", (c->now - p->born) / 1000);
			add_number(r, "rekey", seconds_to(c->now, p->soft));
			add_number(r, "silent", liveness_silence(conn));
			json_object_array_add(rows, r);
		}
	}
	json_object_object_add(o, "rows", rows);
	return o;
}

static const char *
right_line(const struct connection *conn)
{
	switch (conn->right) {
	case RIGHT_FLOWS:
		return "; its own flows only, as the address does not name it";
	case RIGHT_DNS:
		return "; address named in its reverse map, not vouched for by "
		    "DNSSEC";
	case RIGHT_DNSSEC:
		return "; address vouched for by DNSSEC";
	case RIGHT_NONE:
	case RIGHT_CONFIGURED:
		break;
	}
	return "";
}

static const char *
policy_text(const struct connection *conn)
{
	switch (conn->policy) {
	case SPD_HOLD:
		return "held";
	case SPD_PASS:
		return "in the clear";
	case SPD_DENY:
		return "denied";
	case SPD_ENCRYPT:
		return "encrypted";
	case SPD_NONE:
		break;
	}
	return "nothing flows";
}

/* A black hole is not "encrypted", whatever IKE said once. */
static void
silence_text(const struct connection *conn, char *out, size_t cap)
{
	unsigned seconds = liveness_silence(conn);

	*out = '\0';
	if (seconds != 0)
		snprintf(out, cap, "; but nothing heard for %u s: %s", seconds,
		    conn->silent ? "its peer does not answer, and is asked for "
		    "new keys" : "its peer is asked whether it lives");
}

/* "198.51.100.10: encrypted ...": the answer at 3 a.m., in one line. */
static void
why_line(const struct connection *conn, char *out, size_t cap)
{
	const struct sa_pair *p = connection_any_pair(conn);
	const char	     *dst = ipv4_text(conn->key.dst);
	char		      cipher[64], peer[KEYING_NAME_MAX + 2];
	char		      silence[128];
	unsigned long long    next;

	next = (unsigned long long)seconds_to(conn->core->now, conn->look_at);
	switch (conn->state) {
	case CONNECTION_KEYED:
		if (p == NULL)
			break;
		cipher_text(p->out, cipher, sizeof(cipher));
		snprintf(peer, sizeof(peer), "%s", keying_id_text(&conn->peer_id));
		silence_text(conn, silence, sizeof(silence));
		snprintf(out, cap, "%s: encrypted with %s to %s at %s (%s%s), "
		    "because %s%s; %llu packets, looked at again in %llu s", dst,
		    cipher, peer, ipv4_text(conn->path.peer),
		    conn->class == OE_CLASS_TUNNEL ? auth_text(conn) :
		    conn->authentic ? "key vouched for by DNSSEC" :
		    "key from DNS, not vouched for by DNSSEC",
		    right_line(conn), conn->reason, silence,
		    (unsigned long long)conn->packets, next);
		return;
	case CONNECTION_CLEAR:
	case CONNECTION_DENY:
	case CONNECTION_EXPIRING:
		snprintf(out, cap, "%s: %s (%s), because: %s; looked at again "
		    "in %llu s", dst, conn->policy == SPD_DENY ? "denied" :
		    "in the clear", oe_class_name(conn->class), conn->reason,
		    next);
		return;
	case CONNECTION_POTENTIAL:
	case CONNECTION_AUTHENTICATE:
		snprintf(out, cap, "%s: %s while %s", dst,
		    policy_text(conn),
		    conn->room_since != 0 ? conn->reason :
		    "DNS is asked for its key");
		return;
	case CONNECTION_PENDING:
		snprintf(out, cap, "%s: %s while IKE negotiates with %s%s%s",
		    dst, policy_text(conn),
		    ipv4_text(conn->path.peer), conn->room_since != 0 ? ": " :
		    "", conn->room_since != 0 ? conn->reason : "");
		return;
	case CONNECTION_NONEXISTENT:
	case CONNECTION_EXPIRED:
		break;
	}
	snprintf(out, cap, "%s: nothing flows: the connection is %s", dst,
	    connection_state_name(conn->state));
}

static void
why_nothing(const struct core *c, uint32_t addr, json_object *o, char *out,
    size_t cap)
{
	static const char *const then[] = {
		[OE_CLASS_DENY] = "it would be denied",
		[OE_CLASS_CLEAR] = "it would go in the clear",
		[OE_CLASS_PERMISSIVE] = "it would be encrypted if DNS has its "
		    "key, else go in the clear",
		[OE_CLASS_PARANOID] = "it would be encrypted if DNS has its "
		    "key, else be denied",
		[OE_CLASS_TUNNEL] = "it would be encrypted to the tunnel's "
		    "peer, or denied",
	};
	struct class_match m = { .class = OE_CLASS_CLEAR };
	const char	   *text = ipv4_text(addr);

	if (core_is_resolver(c, addr))
		snprintf(out, cap, "%s: in the clear, because it is a resolver",
		    text);
	else if (addr == c->local)
		snprintf(out, cap, "%s: that is our own address", text);
	else if (classes_find(c->config->classes, addr, &m) == -1)
		snprintf(out, cap, "%s: in the clear, because no policy class "
		    "holds it", text);
	else
		snprintf(out, cap, "%s: no traffic now; class %s by %s/%u: %s%s",
		    text, oe_class_name(m.class), ipv4_text(m.net), m.plen,
		    then[m.class], m.class != OE_CLASS_PERMISSIVE ? "" :
		    c->config->key == NULL ?
		    "; we have no key, so in the clear" : !identity_usable(c) ?
		    "; our own key is not in DNS, so in the clear" : "");
	/* Where traffic would ask nobody, what would happen is what happens. */
	add_text(o, "policy", spd_policy_name(m.class == OE_CLASS_CLEAR ?
	    SPD_PASS : m.class == OE_CLASS_DENY ? SPD_DENY : SPD_NONE));
	add_text(o, "class", oe_class_name(m.class));
	add_text(o, "auth", "");
	add_text(o, "right", "");
}

static json_object *
error_answer(const char *text)
{
	json_object *o = json_object_new_object();

	add_text(o, "error", text);
	return o;
}

/* A number in a question, all of them texts; 0 if there is none. */
static unsigned
number_of(json_object *req, const char *key, unsigned most)
{
	const char   *text = control_text(req, key);
	unsigned long n = text != NULL ? strtoul(text, NULL, 10) : 0;

	return n <= most ? (unsigned)n : 0;
}

/* Who is at that address with nothing but flows of its own: one of them, and
 * how many. */
static void
why_flows(const struct core *c, uint32_t addr, char *line, size_t cap)
{
	const struct connection *conn, *one = NULL;
	unsigned		 n = 0;
	size_t			 len = strlen(line);

	TAILQ_FOREACH(conn, &c->connections, all) {
		if (conn->key.dst == addr && conn->right == RIGHT_FLOWS &&
		    conn->state == CONNECTION_KEYED) {
			one = conn;
			n++;
		}
	}
	if (one != NULL)
		snprintf(line + len, cap - len, "; but encrypted with %s%s on "
		    "their own flows only, as the address does not name them",
		    keying_id_text(&one->peer_id), n > 1 ? " and others" : "");
}

static json_object *
report_why(struct core *c, json_object *req)
{
	struct connection *conn, *best = NULL;
	json_object	  *o;
	const char	  *address = control_text(req, "address");
	const char	  *source = control_text(req, "source");
	struct in_addr	   a, src = { 0 };
	unsigned	   protocol = number_of(req, "protocol", 255);
	bool		   flow;
	char		   line[1024];

	if (address == NULL || inet_pton(AF_INET, address, &a) != 1)
		return error_answer("why needs an IPv4 address");
	if (source != NULL && inet_pton(AF_INET, source, &src) != 1)
		return error_answer("the source is no IPv4 address");
	TAILQ_FOREACH(conn, &c->connections, all) {
		if (!ip_in_prefix(a.s_addr, conn->key.dst, conn->key.dst_plen) ||
		    conn->spd == NULL || conn->right == RIGHT_FLOWS ||
		    (src.s_addr != 0 &&
		    !ip_in_prefix(src.s_addr, conn->key.src, conn->key.src_plen)))
			continue;
		/* What decides for the packet: the strongest policy. */
		if (best == NULL || conn->policy == SPD_ENCRYPT ||
		    (best->policy != SPD_ENCRYPT && conn->used > best->used))
			best = conn;
	}
	/* Where hosts share an address each flow has its own answer. */
	conn = protocol == 0 ? NULL : flow_peek(c, src.s_addr != 0 ?
	    src.s_addr : c->local, a.s_addr, (uint8_t)protocol,
	    (uint16_t)number_of(req, "source_port", 65535),
	    (uint16_t)number_of(req, "port", 65535));
	if ((flow = conn != NULL && conn->spd != NULL))
		best = conn;
	if (best != NULL) {
		o = connection_row(best);
		why_line(best, line, sizeof(line));
	} else {
		o = json_object_new_object();
		why_nothing(c, a.s_addr, o, line, sizeof(line));
	}
	if (!flow)
		why_flows(c, a.s_addr, line, sizeof(line));
	add_text(o, "line", line);
	return o;
}

/* Why nothing new would be encrypted; empty if nothing stands against it. */
static void
report_obstacle(const struct core *c, char *out, size_t cap)
{
	char identity[2 * KEYING_NAME_MAX];

	*out = '\0';
	if (c->config->key == NULL && c->config->ntunnels == 0) {
		snprintf(out, cap, "there is no key %s (\"rsipctl keygen\" "
		    "makes one)", c->config->key_path);
	} else if (c->dns_silent > 0) {
		snprintf(out, cap, "no resolver answers (%s%s)",
		    c->config->nresolvers > 0 ?
		    ipv4_text(c->config->resolvers[0]) : "/etc/resolv.conf",
		    c->config->nresolvers > 1 ? ", ..." : "");
	} else if (!identity_usable(c)) {
		identity_text(c, identity, sizeof(identity));
		snprintf(out, cap, "DNS has %s (\"rsipctl dns-records\" prints "
		    "the record)", identity);
	}
}

/* With how many we have keys; returns that. */
static unsigned
report_peers(const struct core *c, char *out, size_t cap)
{
	const struct connection *conn;
	char			 mute[48] = "";
	unsigned		 n = 0, nmute = 0;

	TAILQ_FOREACH(conn, &c->connections, all) {
		n += conn->state == CONNECTION_KEYED;
		nmute += liveness_silence(conn) != 0;
	}
	if (nmute > 0)
		snprintf(mute, sizeof(mute), ", of which %u %s silent", nmute,
		    nmute == 1 ? "is" : "are");
	if (n == 0)
		snprintf(out, cap, "no peer so far");
	else
		snprintf(out, cap, "%u peer%s%s", n, n == 1 ? "" : "s", mute);
	return n;
}

/* What a person asks first: is my traffic encrypted, and if not, why? */
static void
report_verdict(const struct core *c, json_object *o)
{
	char	 obstacle[3 * KEYING_NAME_MAX], peers[64];
	char	 verdict[4 * KEYING_NAME_MAX];
	unsigned n = report_peers(c, peers, sizeof(peers));

	report_obstacle(c, obstacle, sizeof(obstacle));
	if (n > 0)
		snprintf(verdict, sizeof(verdict), "encrypting; %s%s%s", peers,
		    *obstacle != '\0' ? "; no new ones: " : "", obstacle);
	else if (*obstacle != '\0')
		snprintf(verdict, sizeof(verdict), "in the clear: %s", obstacle);
	else
		snprintf(verdict, sizeof(verdict), "ready to encrypt; %s",
		    peers);
	add_text(o, "verdict", verdict);
	add_text(o, "peers", peers);
	add_text(o, "keyed", n > 0 ? "yes" : "no");
	add_text(o, "obstacle", obstacle);
}

static json_object *
report_status(struct core *c)
{
	json_object	 *o = json_object_new_object();
	json_object	 *n = json_object_new_object();
	struct keying_id  id = core_my_id(c);
	char		  identity[2 * KEYING_NAME_MAX];

	report_verdict(c, o);
	add_text(o, "address", c->local != 0 ? ipv4_text(c->local) : "none");
	add_text(o, "identity", keying_id_text(&id));
	identity_text(c, identity, sizeof(identity));
	add_text(o, "identity_in_dns", identity);
	add_text(o, "key", c->config->key != NULL ? c->config->key_path :
	    "none: everything goes in the clear");
	add_text(o, "require_dnssec", c->config->require_dnssec ? "yes" : "no");
	add_text(o, "weak_algorithms", c->config->legacy ?
	    "allowed (legacy = true)" : "refused");
	add_number(o, "connections", c->nconnections[CAUSE_OURS] +
	    c->nconnections[CAUSE_STRANGERS]);
	add_number(o, "connections_of_strangers",
	    c->nconnections[CAUSE_STRANGERS]);
	add_number(o, "lookups", c->nlookups[CAUSE_OURS] +
	    c->nlookups[CAUSE_STRANGERS]);
	add_number(o, "held_bytes", c->held[CAUSE_OURS] +
	    c->held[CAUSE_STRANGERS]);
	add_number(n, "esp_out", c->count.esp_out);
	add_number(n, "esp_in", c->count.esp_in);
	add_number(n, "clear_out", c->count.clear_out);
	add_number(n, "held", c->count.held);
	add_number(n, "denied", c->count.denied);
	add_number(n, "dropped", c->count.dropped);
	add_number(n, "bad_esp", c->count.bad_esp);
	add_number(n, "unknown_spi", c->count.unknown_spi);
	add_number(n, "ingress_filtered", c->count.filtered);
	add_number(n, "clear_refused", c->count.clear_refused);
	add_number(n, "flow_refused", c->count.flow_refused);
	add_number(n, "keyed", c->count.keyed);
	add_number(n, "failed", c->count.failed);
	add_number(n, "limits", c->count.limits);
	add_number(n, "evicted", c->count.evicted);
	add_number(n, "held_back", c->count.held_back);
	json_object_object_add(o, "packets", n);
	return o;
}

json_object *
report_control(struct core *c, uint64_t now, json_object *req, bool privileged)
{
	const char *text = control_text(req, "command");
	bool	    tables;

	c->now = now;
	if (text == NULL)
		return NULL;
	/* With whom all the others of this machine speak. */
	tables = strcmp(text, "spd") == 0 || strcmp(text, "sa") == 0;
	if (tables && !privileged)
		return error_answer("only root and group " RSIP_GROUP
		    " may ask this");
	if (strcmp(text, "spd") == 0)
		return report_spd(c);
	if (tables)
		return report_sa(c);
	if (strcmp(text, "why") == 0)
		return report_why(c, req);
	if (strcmp(text, "status") == 0)
		return report_status(c);
	return NULL;
}

void
report_event(struct core *c, const struct connection *conn, const char *what)
{
	json_object *o;

	if (c->shell->event == NULL)
		return;
	o = connection_row(conn);
	add_text(o, "event", what);
	c->shell->event(c->shell_arg, o);
}
