/* report.c - IKE SAs and counters of the IKEv2 engine, for rsipctl */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/report.h"
#include "base/util.h"
#include "oe/ike2/sa.h"

/* Keys are those of the engine's table of SAs. */
struct sa_row {
	unsigned    phase;
	char	    src[64], dst[64], spi_in[20], spi_out[20], cipher[160];
	const char *peer, *state, *role;
	uint64_t    age, expires;
};

#define FIELD(key, type, unit, member) \
	REPORT_FIELD(key, type, unit, struct sa_row, member, "")
static const struct report_field sa_fields[] = {
	{ FIELD("phase", NUMBER, PLAIN, phase) },
	{ FIELD("src", CHARS, PLAIN, src) },
	{ FIELD("dst", CHARS, PLAIN, dst) },
	{ FIELD("peer", TEXT, PLAIN, peer) },
	{ FIELD("spi_in", CHARS, PLAIN, spi_in) },
	{ FIELD("spi_out", CHARS, PLAIN, spi_out) },
	{ FIELD("cipher", CHARS, PLAIN, cipher) },
	{ FIELD("state", TEXT, PLAIN, state) },
	{ FIELD("role", TEXT, PLAIN, role) },
	{ FIELD("age", GAUGE, SECONDS, age) },
	{ FIELD("expires", GAUGE, SECONDS, expires) },
	{ 0 }
};
#undef FIELD

static void
sa_fill(struct sa_row *row, const struct ike2_sa *sa, uint64_t now)
{
	memset(row, 0, sizeof(*row));
	row->phase = 1;
	snprintf(row->src, sizeof(row->src), "%s:%u",
	    ADDR_TEXT(&sa->path.local), sa->path.local_port);
	snprintf(row->dst, sizeof(row->dst), "%s:%u",
	    ADDR_TEXT(&sa->path.peer), sa->path.peer_port);
	row->peer = keying_id_text(&sa->peer_id);
	snprintf(row->spi_in, sizeof(row->spi_in), "%016" PRIx64, sa->spi);
	snprintf(row->spi_out, sizeof(row->spi_out), "%016" PRIx64,
	    sa->peer_spi);
	if (sa->suite.encr != 0)
		ike2_suite_text(&sa->suite, row->cipher, sizeof(row->cipher));
	row->state = sa->state == IKE2_UP ? "up" : sa->state > IKE2_UP ?
	    "closing" : "negotiating";
	row->role = sa->initiator ? "initiator" : "responder";
	row->age = (now - sa->created) / 1000;
	row->expires = sa->expires == IKE_NEVER || sa->expires < now ? 0 :
	    (sa->expires - now) / 1000;
}

void
ike2_report_sas(const void *engine, uint64_t now, json_object *table)
{
	const struct ike2    *e = engine;
	const struct ike2_sa *sa;
	struct sa_row	      row;

	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state >= IKE2_GONE)
			continue;
		sa_fill(&row, sa, now);
		report_rows_add(table, sa_fields, &row, true);
	}
}

/* What the counters of e are not. */
struct moment { unsigned sas, half_open; };

#define FIELD(key, member, help) \
	REPORT_FIELD(key, GAUGE, PLAIN, struct moment, member, help)
static const struct report_field moment_fields[] = {
	{ FIELD("sas", sas, "IKE SAs, unfinished ones as well") },
	{ FIELD("half_open", half_open,
	    "IKE SAs that strangers began and have not finished") },
	{ 0 }
};
#undef FIELD

#define FIELD(key, member, help) \
	REPORT_FIELD(key, COUNTER, PLAIN, struct ike2, count.member, help)
static const struct report_field count_fields[] = {
	{ FIELD("received", received, "messages") },
	{ FIELD("malformed", malformed, "messages that are no IKE") },
	{ FIELD("unknown", unknown, "messages for no SA of ours") },
	{ FIELD("bad_icv", bad_icv, "messages that the peer did not make") },
	{ FIELD("duplicates", duplicates, "messages that came again") },
	{ FIELD("retransmissions", retransmits, "messages sent again") },
	{ FIELD("cookies", cookies, "strangers asked to show an address") },
	{ FIELD("refused", refused, "first messages with nothing that we take") },
	{ FIELD("half_open_refused", half_open_refused,
	    "first messages for which there was no place") },
	{ FIELD("up", up, "IKE SAs that came up") },
	{ FIELD("failed", failed, "IKE SAs that did not") },
	{ FIELD("auth_failures", auth_failed,
	    "peers that did not prove who they are") },
	{ FIELD("children", children, "pairs of ESP SAs that came up") },
	{ FIELD("children_failed", children_failed,
	    "pairs of ESP SAs that did not") },
	{ 0 }
};
#undef FIELD

void
ike2_report(const void *engine, struct report *r)
{
	static const struct report_table moment = { "ike2", "ike2",
		moment_fields, NULL };
	static const struct report_table counts = { "ike2", "ike2",
		count_fields, NULL };
	const struct ike2 *e = engine;
	struct moment	   m = { e->nsas[false] + e->nsas[true], e->half_open };

	report_write(r, &moment, &m);
	report_write(r, &counts, e);
}
