/* summary.c - what the engine is and has counted, and in one line whether traffic is encrypted */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "oe/connection.h"
#include "oe/identity.h"
#include "oe/liveness.h"
#include "oe/pair.h"
#include "oe/report.h"
#include "oe/summary.h"

/* --- the verdict ---------------------------------------------------------- */

/* With how many we have keys; returns that. */
static unsigned
peers_text(const struct core *c, char *out, size_t cap)
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

void
summary_verdict(const struct core *c, struct oe_verdict *out)
{
	char   nobody[3 * KEYING_NAME_MAX];
	size_t n;

	out->keyed = peers_text(c, out->peers, sizeof(out->peers));
	identity_obstacle(c, c->config->ntunnels > 0, out->obstacle,
	    sizeof(out->obstacle));
	identity_nobody(c, nobody, sizeof(nobody));
	if (out->keyed > 0)
		snprintf(out->line, sizeof(out->line), "encrypting; %s%s%s",
		    out->peers, *out->obstacle != '\0' ? "; no new ones: " : "",
		    out->obstacle);
	else if (*out->obstacle != '\0')
		snprintf(out->line, sizeof(out->line), "in the clear: %s",
		    out->obstacle);
	else
		snprintf(out->line, sizeof(out->line), "ready to encrypt; %s",
		    out->peers);
	n = strlen(out->line);
	if (*nobody != '\0' && (out->keyed > 0 || *out->obstacle == '\0'))
		snprintf(out->line + n, sizeof(out->line) - n, "; %s", nobody);
}

/* --- the report ----------------------------------------------------------- */

struct engine {
	const char *address, *identity, *key, *weak;
	char	    in_dns[2 * KEYING_NAME_MAX];
	bool	    require_dnssec;
	unsigned    connections, strangers, lookups;
	size_t	    held;
};

#define FIELD(key, type, unit, member, help) \
	REPORT_FIELD(key, type, unit, struct engine, member, help)
static const struct report_field engine_fields[] = {
	{ FIELD("address", TEXT, PLAIN, address,
	    "that peers see, or none") },
	{ FIELD("identity", TEXT, PLAIN, identity, "who we are to peers") },
	{ FIELD("identity_in_dns", CHARS, PLAIN, in_dns,
	    "whether others find our key") },
	{ FIELD("key", TEXT, PLAIN, key, "file of our key") },
	{ FIELD("require_dnssec", FLAG, PLAIN, require_dnssec,
	    "keys count only where DNSSEC vouches for them"),
	    .metric = "oe_require_dnssec" },
	{ FIELD("weak_algorithms", TEXT, PLAIN, weak,
	    "whether they are agreed to") },
	{ FIELD("connections", GAUGE, PLAIN, connections,
	    "pairs of source and destination that are looked after") },
	{ FIELD("connections_of_strangers", GAUGE, PLAIN, strangers,
	    "of these, that packets from the network brought about") },
	{ FIELD("lookups", GAUGE, PLAIN, lookups,
	    "questions to DNS under way") },
	{ FIELD("held_bytes", GAUGE, BYTES, held,
	    "packets that wait for a decision") },
	{ 0 }
};
#undef FIELD

#define FIELD(key, member, help) \
	REPORT_FIELD(key, COUNTER, PLAIN, struct core, count.member, help)
#define PASSED(key, member, way) \
	REPORT_PASSED(key, struct core, count.member, "oe_packets", way)
#define DROPPED(key, member, why) REPORT_DROPPED(key, struct core,	\
	count.member, "oe_dropped_packets", why)
static const struct report_field packet_fields[] = {
	PASSED("esp_out", esp_out, "esp direction=out"),
	PASSED("esp_in", esp_in, "esp direction=in"),
	PASSED("clear_out", clear_out, "clear direction=out"),
	{ FIELD("held", held, "packets that waited for a decision") },
	DROPPED("denied", denied, "denied"),
	DROPPED("dropped", dropped, "no_way"),
	DROPPED("bad_esp", bad_esp, "bad_esp"),
	DROPPED("unknown_spi", unknown_spi, "unknown_spi"),
	DROPPED("ingress_filtered", filtered, "ingress_filtered"),
	DROPPED("clear_refused", clear_refused, "clear_refused"),
	DROPPED("flow_refused", flow_refused, "flow_refused"),
	{ 0 }
};

#define OUTCOME(key, member, labels_)					\
	{ FIELD(key, member,						\
	    "connections that came to an end of their search"),		\
	    .metric = "oe_outcomes", .labels = "outcome=" labels_ }
static const struct report_field outcome_fields[] = {
	OUTCOME("keyed", keyed, "keyed"),
	OUTCOME("failed", failed, "failed"),
	{ FIELD("limits", limits, "times that one of our limits was reached"),
	    .metric = "oe_limits" },
	{ FIELD("evicted", evicted, "connections that made room for others"),
	    .metric = "oe_evicted" },
	{ FIELD("held_back", held_back,
	    "packets of one flow that waited for keys of its own"),
	    .metric = "oe_held_back" },
	{ 0 }
};
#undef FIELD

static const struct report_field latency_fields[] = {
	{ REPORT_FIELD("dns", HISTOGRAM, SECONDS, struct core,
	    count.dns_latency, "from a question to DNS to its answer"),
	    .metric = "oe_dns_latency" },
	{ REPORT_FIELD("ike", HISTOGRAM, SECONDS, struct core,
	    count.ike_latency, "from when keys were asked for until they came"),
	    .metric = "oe_ike_latency" },
	{ 0 }
};

/* --- ESP by cipher and grade ---------------------------------------------- */

#define CIPHERS_MAX	32	/* more than there are */

/* How peers' keys came to be believed, the weakest first. */
static const struct grade {
	const char *auth, *key, *labels;
} grades[] = {
	{ "null", "null", "grade=null" },
	{ "dns", "dns", "grade=dns" },
	{ "dnssec", "dnssec", "grade=dnssec" },
	{ "configured key", "configured_key", "grade=configured_key" },
	{ "psk", "psk", "grade=psk" },
};

struct tally {
	char	 cipher[64];
	uint64_t pairs;
};

static void
tally_add(struct tally *t, size_t *n, const char *cipher)
{
	size_t i = 0;

	while (i < *n && strcmp(t[i].cipher, cipher) != 0)
		i++;
	if (i == CIPHERS_MAX)
		return;
	if (i == *n) {
		snprintf(t[i].cipher, sizeof(t[i].cipher), "%s", cipher);
		t[i].pairs = 0;
		(*n)++;
	}
	t[i].pairs++;
}

static size_t
grade_count(const struct core *c, const struct grade *g, struct tally *t)
{
	const struct connection *conn;
	const struct sa_pair	*p;
	char			 cipher[64];
	size_t			 n = 0;

	TAILQ_FOREACH(conn, &c->connections, all) {
		if (strcmp(report_auth_text(conn), g->auth) != 0)
			continue;
		TAILQ_FOREACH(p, &conn->pairs, entry) {
			report_cipher_text(p, cipher, sizeof(cipher));
			tally_add(t, &n, cipher);
		}
	}
	return n;
}

static void
report_grades(const struct core *c, struct report *r)
{
	static const struct report_field fields[] = {
		{ REPORT_FIELD("pairs", GAUGE, PLAIN, struct tally, pairs,
		    "pairs of SAs, by cipher and by how the peer's key came to "
		    "be believed"), .metric = "oe_esp_pairs" },
		{ 0 }
	};
	struct report_table table = { NULL, "", fields, "cipher" };
	struct tally	    t[CIPHERS_MAX] = { 0 };
	size_t		    i, k, n;

	for (i = 0; i < sizeof(grades) / sizeof(grades[0]); i++) {
		n = grade_count(c, &grades[i], t);
		if (report_form(r) == REPORT_SCHEMA)
			n = 1;
		table.key = grades[i].key;
		report_enter(r, "esp", grades[i].labels);
		for (k = 0; k < n; k++)
			report_write_labelled(r, &table, t[k].cipher, &t[k]);
		report_leave(r);
	}
}

void
summary_report(struct core *c, struct report *r)
{
	static const struct report_table engine = { NULL, "oe", engine_fields,
		NULL };
	static const struct report_table packets = { "packets", "oe",
		packet_fields, NULL };
	static const struct report_table outcomes = { "outcomes", "oe",
		outcome_fields, NULL };
	static const struct report_table latency = { "latency", "oe",
		latency_fields, NULL };
	struct keying_id id = core_my_id(c);
	struct engine	 e = {
		.address = ADDR_TEXT(&c->local),
		.identity = keying_id_text(&id),
		.key = c->config->key != NULL ? c->config->key_path :
		    "none: everything goes in the clear",
		.weak = c->config->legacy ? "allowed (legacy = true)" :
		    "refused",
		.require_dnssec = c->config->require_dnssec,
		.connections = c->nconnections[CAUSE_OURS] +
		    c->nconnections[CAUSE_STRANGERS],
		.strangers = c->nconnections[CAUSE_STRANGERS],
		.lookups = c->nlookups[CAUSE_OURS] +
		    c->nlookups[CAUSE_STRANGERS],
		.held = c->held[CAUSE_OURS] + c->held[CAUSE_STRANGERS],
	};

	identity_text(c, e.in_dns, sizeof(e.in_dns));
	report_write(r, &engine, &e);
	report_write(r, &packets, c);
	report_write(r, &outcomes, c);
	report_write(r, &latency, c);
	report_grades(c, r);
}
