/* show.c - Phase 1 SAs and counters for rsipctl */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/report.h"
#include "base/util.h"
#include "oe/ike1/show.h"

/* Keys are those of the engine's table of SAs. */
struct sa_row {
	unsigned    phase;
	char	    src[64], dst[64], spi_in[20], spi_out[20], cipher[64];
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
sa_fill(struct sa_row *row, const struct ike1_sa *sa, uint64_t now)
{
	memset(row, 0, sizeof(*row));
	row->phase = 1;
	snprintf(row->src, sizeof(row->src), "%s:%u",
	    ADDR_TEXT(&sa->path.local), sa->path.local_port);
	snprintf(row->dst, sizeof(row->dst), "%s:%u",
	    ADDR_TEXT(&sa->path.peer), sa->path.peer_port);
	row->peer = keying_id_text(&sa->peer_id);
	snprintf(row->spi_in, sizeof(row->spi_in), "%016" PRIx64, sa->cookie_i);
	snprintf(row->spi_out, sizeof(row->spi_out), "%016" PRIx64,
	    sa->cookie_r);
	if (sa->suite.enc != 0)
		snprintf(row->cipher, sizeof(row->cipher), "%s/%s/%s",
		    ike1_enc_name(sa->suite.enc, sa->suite.enc_bits),
		    ike_hash_name(sa->suite.hash),
		    ike_group_name(sa->suite.group));
	row->state = sa->state == IKE1_MM_UP ? "up" : "negotiating";
	row->role = sa->initiator ? "initiator" : "responder";
	row->age = (now - sa->created) / 1000;
	row->expires = sa->expires == IKE_NEVER || sa->expires < now ? 0 :
	    (sa->expires - now) / 1000;
}

void
ike1_report_sas(const void *engine, uint64_t now, json_object *table)
{
	const struct ike1    *e = engine;
	const struct ike1_sa *sa;
	struct sa_row	      row;

	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state == IKE1_MM_DEAD)
			continue;
		sa_fill(&row, sa, now);
		report_rows_add(table, sa_fields, &row, true);
	}
}

/* What the counters of e are not. */
struct moment {
	unsigned    phase1_sas, half_open, waiting;
	const char *algorithms;
};

#define FIELD(key, type, unit, member, help) \
	REPORT_FIELD(key, type, unit, struct moment, member, help)
static const struct report_field moment_fields[] = {
	{ FIELD("phase1_sas", GAUGE, PLAIN, phase1_sas,
	    "Phase 1 SAs, unfinished ones as well") },
	{ FIELD("half_open", GAUGE, PLAIN, half_open,
	    "Phase 1 SAs that strangers began and have not finished") },
	{ FIELD("work_waiting", GAUGE, PLAIN, waiting,
	    "messages of strangers that wait for their turn") },
	{ FIELD("algorithms", TEXT, PLAIN, algorithms, "that are agreed to") },
	{ 0 }
};
#undef FIELD

#define FIELD(key, unit, member, help) \
	REPORT_FIELD(key, COUNTER, unit, struct ike1, member, help)
#define OUTCOME(key, member, labels_)					\
	{ FIELD(key, PLAIN, member, "negotiations that ended"),		\
	    .metric = "ike_negotiations", .labels = labels_ }
static const struct report_field count_fields[] = {
	{ FIELD("received", PLAIN, count.received, "messages") },
	{ FIELD("malformed", PLAIN, count.malformed,
	    "messages that are no IKE") },
	{ FIELD("unknown", PLAIN, count.unknown,
	    "messages for no SA of ours") },
	{ FIELD("half_open_refused", PLAIN, count.half_open_refused,
	    "first messages for which there was no place") },
	{ FIELD("half_open_evicted", PLAIN, count.half_open_evicted,
	    "unfinished SAs that made room for others") },
	{ FIELD("phase1_evicted", PLAIN, count.phase1_evicted,
	    "finished SAs that made room for others") },
	OUTCOME("phase1_up", count.phase1_up, "phase=1 outcome=up"),
	OUTCOME("phase1_failed", count.phase1_failed, "phase=1 outcome=failed"),
	OUTCOME("phase2_up", count.phase2_up, "phase=2 outcome=up"),
	OUTCOME("phase2_failed", count.phase2_failed, "phase=2 outcome=failed"),
	{ FIELD("auth_failures", PLAIN, count.auth_failed,
	    "peers that did not prove who they are") },
	{ FIELD("retransmissions", PLAIN, x.retransmits,
	    "messages sent again") },
	{ FIELD("duplicates", PLAIN, count.duplicates,
	    "messages that came again") },
	{ FIELD("replays", PLAIN, count.replays,
	    "messages that were answered already") },
	{ FIELD("work_seconds", MICROSECONDS, budget.work_us,
	    "time for strangers' public-key operations") },
	{ FIELD("work_waited", PLAIN, budget.waited,
	    "messages that had to wait for their turn") },
	{ FIELD("work_lost", PLAIN, budget.lost,
	    "messages whose turn did not come") },
	{ 0 }
};
#undef FIELD

void
ike1_report(const void *engine, struct report *r)
{
	const struct ike1 *e = engine;
	static const struct report_table moment = { "ike", "ike",
		moment_fields, NULL };
	static const struct report_table counts = { "ike", "ike",
		count_fields, NULL };
	struct moment m = { e->nsas[false] + e->nsas[true], e->budget.nhalf,
		e->budget.nwaiting, e->c.legacy ?
		"AES, SHA2, groups 14 15 19 20, and legacy: 3DES, MD5, SHA1, "
		"groups 2 5" : "AES, SHA2, groups 14 15 19 20" };

	report_write(r, &moment, &m);
	report_write(r, &counts, e);
}
