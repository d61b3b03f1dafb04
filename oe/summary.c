/* summary.c - what the engine is and has counted, and in one line whether traffic is encrypted */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/report_rows.h"
#include "base/util.h"
#include "net/validator.h"
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
		snprintf(out, cap, "%u peer%s%s", n, plural(n), mute);
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
	if (addr_is_set(&c->portal))
		snprintf(out->obstacle, sizeof(out->obstacle), "a captive "
		    "portal, as it seems: names that nobody has are %s",
		    ADDR_TEXT(&c->portal));
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

/* --- DNSSEC --------------------------------------------------------------- */

static bool
checks_here(const struct core *c)
{
	return c->config->validate == DNS_VALIDATE_LOCAL &&
	    validator_state() == VALIDATOR_WORKS;
}

/* Whose word counts where this host does not check itself; NULL: nobody's. */
static const struct addr *
believed(const struct core *c)
{
	struct dns_config dns = oe_config_dns(c->config);
	size_t		  i;

	for (i = 0; i < dns.nservers; i++) {
		if (dns_config_trusts(&dns, &dns.servers[i]))
			return &dns.servers[i];
	}
	return NULL;
}

static void
dnssec_text(const struct core *c, char *out, size_t cap)
{
	const struct addr *resolver = believed(c);
	bool		   local = c->config->validate == DNS_VALIDATE_LOCAL;
	const char	  *why = validator_why();

	if (checks_here(c))
		snprintf(out, cap, "checked on this host");
	else if (local && validator_state() == VALIDATOR_TRIES)
		snprintf(out, cap, "not known yet");
	else if (resolver != NULL)
		snprintf(out, cap, "the resolver %s is believed%s%s",
		    ADDR_TEXT(resolver), *why != '\0' ? ": " : "", why);
	else
		snprintf(out, cap, "not checked: %s", *why != '\0' ? why :
		    c->config->validate == DNS_VALIDATE_NO ? "validate = no" :
		    "no resolver is trusted");
}

/* --- the report ----------------------------------------------------------- */

struct engine {
	const char *address, *address6, *portal, *identity, *key, *weak;
	char	    in_dns[2 * KEYING_NAME_MAX];
	char	    dnssec[VALIDATOR_WHY_MAX + 96];
	bool	    checked, require_dnssec;
	unsigned    connections, strangers, lookups;
	size_t	    held;
};

#define ROW struct engine
static const struct report_field engine_fields[] = {
	TEXT("address", address, "that peers see, or none"),
	TEXT("address6", address6, "the same of IPv6"),
	TEXT("address6", address6, "the same of IPv6"),
	TEXT("portal", portal, "captive portal: the address that names "
	    "have which nobody has, or none"),
	TEXT("identity", identity, "who we are to peers"),
	CHARS("identity_in_dns", in_dns, "whether others find our key"),
	TEXT("key", key, "file of our key"),
	CHARS("dnssec", dnssec, "who checks it, or why nobody does"),
	FLAG("dnssec_checked_here", checked, "this host checks it, and trusts "
	    "no resolver", .metric = "oe_dnssec_checked_here"),
	FLAG("require_dnssec", require_dnssec, "keys count only where DNSSEC "
	    "vouches for them", .metric = "oe_require_dnssec"),
	TEXT("weak_algorithms", weak, "whether they are agreed to"),
	GAUGE("connections", connections,
	    "pairs of source and destination that are looked after"),
	GAUGE("connections_of_strangers", strangers,
	    "of these, that packets from the network brought about"),
	GAUGE("lookups", lookups, "questions to DNS under way"),
	BYTES("held_bytes", held, "packets that wait for a decision"),
	{ 0 }
};
#undef ROW

#define ROW struct core
static const struct report_field packet_fields[] = {
	PASSED("esp_out", count.esp_out, "oe_packets", "esp direction=out"),
	PASSED("esp_in", count.esp_in, "oe_packets", "esp direction=in"),
	PASSED("clear_out", count.clear_out, "oe_packets",
	    "clear direction=out"),
	COUNTER("held", count.held, "packets that waited for a decision"),
	DROPPED("denied", count.denied, "oe_dropped_packets", "denied"),
	DROPPED("dropped", count.dropped, "oe_dropped_packets", "no_way"),
	DROPPED("bad_esp", count.bad_esp, "oe_dropped_packets", "bad_esp"),
	DROPPED("unknown_spi", count.unknown_spi, "oe_dropped_packets",
	    "unknown_spi"),
	DROPPED("ingress_filtered", count.filtered, "oe_dropped_packets",
	    "ingress_filtered"),
	DROPPED("clear_refused", count.clear_refused, "oe_dropped_packets",
	    "clear_refused"),
	DROPPED("flow_refused", count.flow_refused, "oe_dropped_packets",
	    "flow_refused"),
	{ 0 }
};

#define OUTCOME(key, member, labels_)					\
	COUNTER(key, count.member, "connections that came to an end "	\
	    "of their search", .metric = "oe_outcomes",			\
	    .labels = "outcome=" labels_)
static const struct report_field outcome_fields[] = {
	OUTCOME("keyed", keyed, "keyed"),
	OUTCOME("failed", failed, "failed"),
	COUNTER("limits", count.limits,
	    "times that one of our limits was reached", .metric = "oe_limits"),
	COUNTER("evicted", count.evicted,
	    "connections that made room for others", .metric = "oe_evicted"),
	COUNTER("held_back", count.held_back, "packets of one flow that waited "
	    "for keys of its own", .metric = "oe_held_back"),
	{ 0 }
};

static const struct report_field latency_fields[] = {
	FIELD("dns", HISTOGRAM, SECONDS, count.dns_latency,
	    "from a question to DNS to its answer", .metric = "oe_dns_latency"),
	FIELD("ike", HISTOGRAM, SECONDS, count.ike_latency,
	    "from when keys were asked for until they came",
	    .metric = "oe_ike_latency"),
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

#undef ROW
#define ROW struct tally
static const struct report_field grade_fields[] = {
	GAUGE("pairs", pairs, "pairs of SAs, by cipher and by how the peer's "
	    "key came to be believed", .metric = "oe_esp_pairs"),
	{ 0 }
};

static void
report_grades(const struct core *c, struct report *r)
{
	struct report_table table = { NULL, "", grade_fields, "cipher" };
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
	const struct addr *four = core_local(c, AF_INET);
	struct keying_id   id = core_my_id(c, addr_is_set(four) ? AF_INET :
	    AF_INET6);
	struct engine	   e = {
		.address = ADDR_TEXT(four),
		.address6 = ADDR_TEXT(core_local(c, AF_INET6)),
		.portal = ADDR_TEXT(&c->portal),
		.identity = keying_id_text(&id),
		.key = c->config->key != NULL ? c->config->key_path :
		    "none: everything goes in the clear",
		.weak = c->config->legacy ? "allowed (legacy = true)" :
		    "refused",
		.checked = checks_here(c),
		.require_dnssec = c->config->require_dnssec,
		.connections = c->nconnections[CAUSE_OURS] +
		    c->nconnections[CAUSE_STRANGERS],
		.strangers = c->nconnections[CAUSE_STRANGERS],
		.lookups = c->nlookups[CAUSE_OURS] +
		    c->nlookups[CAUSE_STRANGERS],
		.held = c->held[CAUSE_OURS] + c->held[CAUSE_STRANGERS],
	};

	identity_text(c, e.in_dns, sizeof(e.in_dns));
	dnssec_text(c, e.dnssec, sizeof(e.dnssec));
	report_write(r, NULL, "oe", engine_fields, &e);
	report_write(r, "packets", "oe", packet_fields, c);
	report_write(r, "outcomes", "oe", outcome_fields, c);
	report_write(r, "latency", "oe", latency_fields, c);
	report_grades(c, r);
}
