/* report.c - what the engine tells people: spd, sa, why, status, events */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/control.h"
#include "base/json.h"
#include "base/report_rows.h"
#include "oe/classes.h"
#include "oe/connection.h"
#include "oe/esp/algorithm.h"
#include "oe/esp/dataplane.h"
#include "oe/flow.h"
#include "oe/identity.h"
#include "oe/liveness.h"
#include "oe/pair.h"
#include "oe/ports.h"
#include "oe/report.h"
#include "oe/session.h"

#define REPORT_ROWS_MAX	20000

/* An address, or a prefix of more than one. */
static void
key_text(const struct prefix *p, char out[PREFIX_TEXT_MAX])
{
	if (p->plen == addr_bits(p->addr.family))
		addr_text(&p->addr, out, PREFIX_TEXT_MAX);
	else
		prefix_text(p, out, PREFIX_TEXT_MAX);
}

static void
spi_text(uint32_t spi, char out[16])
{
	snprintf(out, 16, "0x%08x", spi);
}

void
report_cipher_text(const struct sa_pair *pair, char *out, size_t cap)
{
	const struct esp_params *p = esp_pair_params(pair->esp, true);

	if (p->auth == ESP_AUTH_NONE)
		snprintf(out, cap, "%s", esp_cipher_name(p->cipher,
		    p->cipher_len));
	else
		snprintf(out, cap, "%s/%s", esp_cipher_name(p->cipher,
		    p->cipher_len), esp_auth_name(p->auth));
}

/* How the peer's key came to be believed (RFC 5406 §3.4). */
const char *
report_auth_text(const struct connection *conn)
{
	if (conn->state != CONNECTION_KEYED)
		return "";
	if (conn->class == OE_CLASS_TUNNEL)
		return conn->core->config->tunnels[conn->tunnel].psk != NULL ?
		    "psk" : "configured key";
	if (conn->anonymous)
		return "null";
	return conn->authentic ? "dnssec" : "dns";
}

/* What the peer has shown, as method of IKE. */
static const char *
method_text(const struct sa_pair *p)
{
	switch (p->how) {
	case KEYING_BY_KEY:
		return "signature";
	case KEYING_BY_PSK:
		return "psk";
	case KEYING_BY_NOTHING:
		break;
	}
	return "null";
}

/* How the peer's right to the address came to be believed: another question. */
static const char *
right_text(const struct connection *conn)
{
	static const char *const names[] = { [RIGHT_NONE] = "",
		[RIGHT_FLOWS] = "own flows", [RIGHT_DNS] = "dns",
		[RIGHT_DNSSEC] = "dnssec", [RIGHT_CONFIGURED] = "configured",
		[RIGHT_LENT] = "lent" };

	return conn->state == CONNECTION_KEYED ? names[conn->right] : "";
}

static uint64_t
seconds_to(uint64_t now, uint64_t at)
{
	return at > now ? (at - now + 999) / 1000 : 0;
}

/* --- spd ------------------------------------------------------------------ */

struct connection_row {
	const char *event, *line;	/* NULL: it is no event,
					 * no answer to "why" */
	char	    src[PREFIX_TEXT_MAX], dst[PREFIX_TEXT_MAX];
	char	    spi_in[16], spi_out[16], cipher[64];
	const char *policy, *class, *state, *reason, *peer, *auth, *right;
	char	    detail[REASON_WORDS_MAX + ADDR_TEXT_MAX];
	char	    because[REASON_TEXT_MAX];
	const char *dataplane, *role, *method;
	unsigned    ike;
	char	    key[PUBKEY_KIND_MAX];
	char	    peer_gateway[ADDR_TEXT_MAX], inner[ADDR_TEXT_MAX];
	uint64_t    packets, bytes, age, idle, next, silent;
};

#define ROW struct connection_row
#define CONNECTION_FIELDS						\
	CHARS("src", src, "our side"),					\
	CHARS("dst", dst, "the other side"),				\
	TEXT("policy", policy,						\
	    "what happens: none, hold, pass, deny, encrypt"),		\
	TEXT("class", class, "policy class"),				\
	TEXT("state", state, "of the connection"),			\
	TEXT("peer", peer, "the peer's identity"),			\
	TEXT("auth", auth, "how the peer's key came to be believed"),	\
	NUMBER("ike_version", ike,					\
	    "version of IKE that made the keys"),			\
	TEXT("method", method, "how the peer proved itself: "		\
	    "signature, psk, null", .flags = REPORT_WIDE),		\
	CHARS("key", key, "of which kind the key is that it signed "	\
	    "with", .flags = REPORT_WIDE),				\
	TEXT("right", right,						\
	    "what says that it may speak for that address"),		\
	CHARS("peer_gateway", peer_gateway,				\
	    "address that ESP goes to", .flags = REPORT_WIDE),		\
	CHARS("inner", inner, "our address within ESP, which the "	\
	    "peer lends us", .flags = REPORT_WIDE),			\
	CHARS("cipher", cipher, "of ESP"),				\
	CHARS("spi_in", spi_in, "SPI of what comes"),			\
	CHARS("spi_out", spi_out, "SPI of what goes"),			\
	TEXT("dataplane", dataplane, "who does ESP",			\
	    .flags = REPORT_WIDE),					\
	TEXT("role", role, "initiator or responder",			\
	    .flags = REPORT_WIDE),					\
	COUNTER("packets", packets, "both ways"),			\
	FIELD("bytes", COUNTER, BYTES, bytes, "both ways"),		\
	SECONDS("age", age, "since it began"),				\
	SECONDS("idle", idle, "since its last packet",			\
	    .flags = REPORT_WIDE),					\
	SECONDS("next", next, "until it is looked at again"),		\
	SECONDS("silent", silent, "since the peer has not answered "	\
	    "what was sent", .flags = REPORT_WIDE),			\
	TEXT("reason", reason, "why it is so, as a code",		\
	    .flags = REPORT_WIDE),					\
	CHARS("detail", detail, "what the reason is about: an "		\
	    "address, a number, words", .flags = REPORT_WIDE),		\
	CHARS("because", because, "why it is so, in words")

const struct report_field oe_spd_fields[] = {
	CONNECTION_FIELDS, { 0 }
};

/* Answers to "why", and events. */
static const struct report_field told_fields[] = {
	TEXT("event", event, "what happened"),
	CONNECTION_FIELDS,
	TEXT("line", line, "a sentence for people"),
	{ 0 }
};
#undef ROW

static void
connection_fill(struct connection_row *row, const struct connection *conn)
{
	const struct core    *c = conn->core;
	const struct sa_pair *p = connection_any_pair(conn);

	memset(row, 0, sizeof(*row));
	key_text(&conn->key.src, row->src);
	key_text(&conn->key.dst, row->dst);
	row->policy = spd_policy_name(conn->policy);
	row->class = oe_class_name(conn->class);
	row->state = connection_state_name(conn->state);
	row->reason = reason_name(conn->reason.code);
	reason_detail(&conn->reason, row->detail, sizeof(row->detail));
	reason_text(&conn->reason, row->because, sizeof(row->because));
	row->peer = conn->peer_id.type != 0 ? keying_id_text(&conn->peer_id) :
	    "";
	row->auth = report_auth_text(conn);
	row->right = right_text(conn);
	if (conn->peer_key != NULL)
		snprintf(row->key, sizeof(row->key), "%s",
		    PUBKEY_KIND(conn->peer_key));
	if (addr_is_set(&conn->path.peer))
		addr_text(&conn->path.peer, row->peer_gateway,
		    sizeof(row->peer_gateway));
	if (p != NULL) {
		spi_text(p->spi_in, row->spi_in);
		spi_text(p->spi_out, row->spi_out);
		report_cipher_text(p, row->cipher, sizeof(row->cipher));
		row->dataplane = esp_pair_plane(p->esp);
		row->role = p->initiator ? "initiator" : "responder";
		row->ike = p->version;
		row->method = method_text(p);
		if (addr_is_set(&p->inner))
			addr_text(&p->inner, row->inner, sizeof(row->inner));
	}
	row->packets = conn->packets;
	row->bytes = conn->bytes;
	row->age = (c->now - conn->born) / 1000;
	row->idle = (c->now - conn->used) / 1000;
	row->next = seconds_to(c->now, conn->look_at);
	row->silent = liveness_silence(conn);
}

static json_object *
report_spd(struct core *c, size_t limit)
{
	struct connection    *conn;
	struct connection_row row;
	json_object	     *o = report_rows_new(oe_spd_fields);

	if (limit > REPORT_ROWS_MAX)
		limit = REPORT_ROWS_MAX;
	TAILQ_FOREACH(conn, &c->connections, all) {
		if (!report_rows_room(o, limit))
			continue;
		connection_fill(&row, conn);
		report_rows_add(o, oe_spd_fields, &row, true);
	}
	return o;
}

/* --- sa ------------------------------------------------------------------- */

struct pair_row {
	char	    src[PREFIX_TEXT_MAX], dst[PREFIX_TEXT_MAX], flow[320];
	char	    spi_in[16], spi_out[16], cipher[64];
	const char *peer, *state, *role, *method;
	unsigned    phase, ike;
	uint64_t    packets, bytes, replays, auth_failures, age, rekey, silent;
	uint64_t    expires;
};

/* Phase 1's rows (oe/ike1/show.c) have some of these. */
#define ROW struct pair_row
const struct report_field oe_sa_fields[] = {
	NUMBER("phase", phase, "1: IKE's own; 2: a pair of ESP's"),
	CHARS("src", src, "our side"),
	CHARS("dst", dst, "the other side"),
	CHARS("flow", flow, "protocols and ports, of a pair for these alone",
	    .flags = REPORT_MAYBE),
	TEXT("peer", peer, "the peer's identity"),
	CHARS("spi_in", spi_in,
	    "SPI of what comes; of IKE the initiator's cookie"),
	CHARS("spi_out", spi_out,
	    "SPI of what goes; of IKE the responder's cookie"),
	CHARS("cipher", cipher, "algorithms"),
	TEXT("state", state, "of IKE: up or negotiating", .flags = REPORT_WIDE),
	TEXT("role", role, "initiator or responder", .flags = REPORT_WIDE),
	NUMBER("ike_version", ike, "version of IKE", .flags = REPORT_WIDE),
	TEXT("method", method, "how the peer proved itself: signature, psk, "
	    "null", .flags = REPORT_WIDE),
	COUNTER("packets", packets, "both ways"),
	FIELD("bytes", COUNTER, BYTES, bytes, "both ways"),
	COUNTER("replays", replays, "packets that came again",
	    .flags = REPORT_WIDE),
	COUNTER("auth_failures", auth_failures, "packets that somebody changed",
	    .flags = REPORT_WIDE),
	SECONDS("age", age, "since it began"),
	SECONDS("rekey", rekey, "until others take its place"),
	SECONDS("silent", silent,
	    "since the peer has not answered what was sent"),
	SECONDS("expires", expires, "until it ends"),
	{ 0 }
};
#undef ROW

static void
pair_fill(struct pair_row *row, const struct connection *conn,
    const struct sa_pair *p)
{
	struct esp_usage u;
	uint64_t	 now = conn->core->now;

	memset(row, 0, sizeof(*row));
	esp_pair_usage(p->esp, &u);
	row->phase = 2;
	key_text(&conn->key.src, row->src);
	key_text(&conn->key.dst, row->dst);
	session_text(p, row->flow, sizeof(row->flow));
	row->peer = keying_id_text(&conn->peer_id);
	row->ike = p->version;
	row->method = method_text(p);
	spi_text(p->spi_in, row->spi_in);
	spi_text(p->spi_out, row->spi_out);
	report_cipher_text(p, row->cipher, sizeof(row->cipher));
	row->packets = u.in.packets + u.out.packets;
	row->bytes = u.in.bytes + u.out.bytes;
	row->replays = u.in.replays;
	row->auth_failures = u.in.auth_failures;
	row->age = (now - p->born) / 1000;
	row->rekey = seconds_to(now, p->soft);
	row->silent = liveness_silence(conn);
	row->expires = REPORT_NONE;
}

static json_object *
report_sa(struct core *c, size_t limit)
{
	struct connection *conn;
	struct sa_pair	  *p;
	struct pair_row	   row;
	json_object	  *o = report_rows_new(oe_sa_fields);

	TAILQ_FOREACH(conn, &c->connections, all) {
		TAILQ_FOREACH(p, &conn->pairs, entry) {
			if (!report_rows_room(o, limit))
				continue;
			pair_fill(&row, conn, p);
			report_rows_add(o, oe_sa_fields, &row, true);
		}
	}
	return o;
}

/* --- why ------------------------------------------------------------------ */

static const char *
right_line(const struct connection *conn)
{
	static const char *const lines[] = {
		[RIGHT_NONE] = "", [RIGHT_CONFIGURED] = "",
		[RIGHT_FLOWS] = "; its own flows only, as the address does "
		    "not name it",
		[RIGHT_DNS] = "; address named in its reverse map, not "
		    "vouched for by DNSSEC",
		[RIGHT_DNSSEC] = "; address vouched for by DNSSEC",
		[RIGHT_LENT] = "; address lent by us",
	};

	return lines[conn->right];
}

static const char *
policy_text(const struct connection *conn)
{
	static const char *const texts[] = { [SPD_NONE] = "nothing flows",
		[SPD_HOLD] = "held", [SPD_PASS] = "in the clear",
		[SPD_DENY] = "denied", [SPD_ENCRYPT] = "encrypted" };

	return texts[conn->policy];
}

/* As whom, where that is not simply our address. */
static void
as_text(const struct sa_pair *p, char *out, size_t cap)
{
	*out = '\0';
	if (addr_is_set(&p->inner))
		snprintf(out, cap, " as %s, which it lends us",
		    ADDR_TEXT(&p->inner));
	else if (p->our_blocks || p->their_blocks)
		snprintf(out, cap, " for %u of %s ports",
		    ports_count(p->our_blocks ? &p->ours : &p->theirs),
		    p->our_blocks ? "our" : "its");
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
	const char	     *dst = ADDR_TEXT(&conn->key.dst.addr);
	char		      cipher[64], peer[KEYING_NAME_MAX + 2];
	char		      silence[128], as[192];
	unsigned long long    next;

	next = (unsigned long long)seconds_to(conn->core->now, conn->look_at);
	switch (conn->state) {
	case CONNECTION_KEYED:
		if (p == NULL)
			break;
		report_cipher_text(p, cipher, sizeof(cipher));
		snprintf(peer, sizeof(peer), "%s",
		    keying_id_text(&conn->peer_id));
		silence_text(conn, silence, sizeof(silence));
		as_text(p, as, sizeof(as));
		snprintf(out, cap,
		    "%s: encrypted%s with %s to %s at %s%s (IKEv%u, "
		    "%s%s), "
		    "because %s%s; %llu packets, looked at again in %llu s",
		    dst, conn->anonymous ? ", peer unknown," : "", cipher, peer,
		    ADDR_TEXT(&conn->path.peer), as, p->version,
		    conn->class == OE_CLASS_TUNNEL ? report_auth_text(conn) :
		    conn->anonymous ? "it proves nothing" :
		    conn->authentic ? "key vouched for by DNSSEC" :
		    "key from DNS, not vouched for by DNSSEC",
		    right_line(conn), REASON_TEXT(&conn->reason), silence,
		    (unsigned long long)conn->packets, next);
		return;
	case CONNECTION_CLEAR:
	case CONNECTION_DENY:
	case CONNECTION_EXPIRING:
		snprintf(out, cap, "%s: %s (%s), because: %s%s; looked at "
		    "again in %llu s", dst, conn->policy == SPD_DENY ?
		    "denied" : "in the clear", oe_class_name(conn->class),
		    REASON_TEXT(&conn->reason),
		    addr_is_set(&conn->core->portal) ?
		    ", behind a captive portal" : "", next);
		return;
	case CONNECTION_POTENTIAL:
	case CONNECTION_AUTHENTICATE:
		snprintf(out, cap, "%s: %s while %s", dst,
		    policy_text(conn),
		    conn->room_since != 0 ? REASON_TEXT(&conn->reason) :
		    "DNS is asked for its key");
		return;
	case CONNECTION_PENDING:
		snprintf(out, cap, "%s: %s while IKE negotiates with %s%s%s",
		    dst, policy_text(conn),
		    ADDR_TEXT(&conn->path.peer), conn->room_since != 0 ? ": " :
		    "", conn->room_since != 0 ?
		    REASON_TEXT(&conn->reason) : "");
		return;
	case CONNECTION_NONEXISTENT:
	case CONNECTION_EXPIRED:
		break;
	}
	snprintf(out, cap, "%s: nothing flows: the connection is %s", dst,
	    connection_state_name(conn->state));
}

/* What would happen, by the same obstacles as the verdict's. */
static void
would_text(const struct core *c, enum oe_class class, char *out, size_t cap)
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
	char obstacle[3 * KEYING_NAME_MAX] = "";

	if (class == OE_CLASS_PERMISSIVE || class == OE_CLASS_PARANOID)
		identity_obstacle(c, false, obstacle, sizeof(obstacle));
	if (*obstacle == '\0')
		snprintf(out, cap, "%s", then[class]);
	else
		snprintf(out, cap, "%s, because %s", then[class ==
		    OE_CLASS_PARANOID ? OE_CLASS_DENY : OE_CLASS_CLEAR],
		    obstacle);
}

static void
why_nothing(const struct core *c, const struct addr *addr, json_object *o,
    char *out, size_t cap)
{
	struct class_match m = { .class = OE_CLASS_CLEAR };
	const char	   *text = ADDR_TEXT(addr);
	char		    would[3 * KEYING_NAME_MAX + 64];

	if (core_is_resolver(c, addr))
		snprintf(out, cap, "%s: in the clear, because it is a resolver",
		    text);
	else if (core_is_own(c, addr))
		snprintf(out, cap, "%s: that is our own address", text);
	else if (classes_find(c->config->classes, addr, &m) == -1)
		snprintf(out, cap, "%s: in the clear, because no policy class "
		    "holds it", text);
	else {
		would_text(c, m.class, would, sizeof(would));
		snprintf(out, cap, "%s: no traffic now; class %s by %s: %s",
		    text, oe_class_name(m.class), PREFIX_TEXT(&m.prefix),
		    would);
	}
	/* Where traffic would ask nobody, what would happen is what happens. */
	control_put(o, "policy", spd_policy_name(m.class == OE_CLASS_CLEAR ?
	    SPD_PASS : m.class == OE_CLASS_DENY ? SPD_DENY : SPD_NONE));
	control_put(o, "class", oe_class_name(m.class));
	control_put(o, "auth", "");
	control_put(o, "right", "");
}

/* A number in a question, all of them texts; 0 if there is none. */
static unsigned
number_of(json_object *req, const char *key, unsigned most)
{
	const char   *text = json_member_text(req, key);
	unsigned long n = text != NULL ? strtoul(text, NULL, 10) : 0;

	return n <= most ? (unsigned)n : 0;
}

/* Peers are at that address with nothing but flows of their own: one of
 * them, and how many. */
static void
why_flows(const struct core *c, const struct addr *addr, char *line,
    size_t cap)
{
	const struct connection *conn, *one = NULL;
	unsigned		 n = 0;
	size_t			 len = strlen(line);

	TAILQ_FOREACH(conn, &c->connections, all) {
		if (addr_equal(&conn->key.dst.addr, addr) &&
		    conn->right == RIGHT_FLOWS &&
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
	struct connection_row row;
	struct connection *conn, *best = NULL;
	json_object	  *o;
	const char	  *address = json_member_text(req, "address");
	const char	  *source = json_member_text(req, "source");
	struct addr	   a, src = { 0 };
	unsigned	   protocol = number_of(req, "protocol", 255);
	bool		   flow;
	char		   line[1024];

	if (address == NULL || addr_parse(&a, address) == -1)
		return control_answer("error", "why needs an address");
	if (source != NULL && addr_parse(&src, source) == -1)
		return control_answer("error", "the source is no address");
	if (addr_is_unspecified(&src))
		src = (struct addr){ 0 };
	TAILQ_FOREACH(conn, &c->connections, all) {
		if (!prefix_contains(&conn->key.dst, &a) ||
		    conn->spd == NULL || conn->right == RIGHT_FLOWS ||
		    (addr_is_set(&src) &&
		    !prefix_contains(&conn->key.src, &src)))
			continue;
		/* What decides for the packet: the strongest policy. */
		if (best == NULL || conn->policy == SPD_ENCRYPT ||
		    (best->policy != SPD_ENCRYPT && conn->used > best->used))
			best = conn;
	}
	/* Where hosts share an address each flow has its own answer. */
	conn = protocol == 0 ? NULL : flow_peek(c, addr_is_set(&src) ?
	    &src : core_local(c, a.family), &a, (uint8_t)protocol,
	    (uint16_t)number_of(req, "source_port", 65535),
	    (uint16_t)number_of(req, "port", 65535));
	if ((flow = conn != NULL && conn->spd != NULL))
		best = conn;
	if (best != NULL) {
		connection_fill(&row, best);
		o = report_row(told_fields, &row, true);
		why_line(best, line, sizeof(line));
	} else {
		o = json_object_new_object();
		why_nothing(c, &a, o, line, sizeof(line));
	}
	if (!flow)
		why_flows(c, &a, line, sizeof(line));
	control_put(o, "line", line);
	return o;
}

json_object *
report_control(struct core *c, uint64_t now, json_object *req, bool privileged)
{
	const char *text = json_member_text(req, "command");
	bool	    tables;

	c->now = now;
	if (text == NULL)
		return NULL;
	/* With whom all the others of this machine speak. */
	tables = strcmp(text, "spd") == 0 || strcmp(text, "sa") == 0;
	if (tables && !privileged)
		return control_answer("error", "only root and group " RSIP_GROUP
		    " may ask this");
	if (strcmp(text, "spd") == 0)
		return report_spd(c, control_limit(req));
	if (tables)
		return report_sa(c, control_limit(req));
	return strcmp(text, "why") == 0 ? report_why(c, req) : NULL;
}

json_object *
report_event_json(const struct oe_event *e)
{
	struct connection_row row;

	connection_fill(&row, e->conn);
	row.event = e->what;
	return report_row(told_fields, &row, true);
}
