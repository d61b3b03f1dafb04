/* show.c - Phase 1 SAs and counters for rsipctl */
#include "config.h"

#include <stdio.h>

#include "base/report_rows.h"
#include "oe/ike/sa_row.h"
#include "oe/ike1/show.h"

void
ike1_report_sas(const void *engine, uint64_t now, json_object *table)
{
	const struct ike1    *e = engine;
	const struct ike1_sa *sa;
	char		      cipher[64];

	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state == IKE1_MM_DEAD)
			continue;
		*cipher = '\0';
		if (sa->suite.enc != 0)
			snprintf(cipher, sizeof(cipher), "%s/%s/%s",
			    ike1_enc_name(sa->suite.enc, sa->suite.enc_bits),
			    ike_hash_name(sa->suite.hash),
			    ike_group_name(sa->suite.group));
		ike_sa_row_add(table, now, &(struct ike_sa_row){
			.path = &sa->path, .peer = &sa->peer_id,
			.spi_in = sa->cookie_i, .spi_out = sa->cookie_r,
			.cipher = cipher, .state = sa->state == IKE1_MM_UP ?
			"up" : "negotiating", .initiator = sa->initiator,
			.created = sa->created, .expires = sa->expires });
	}
}

/* What the counters of e are not. */
struct moment {
	unsigned    phase1_sas, half_open, waiting;
	const char *algorithms;
};

#define ROW struct moment
static const struct report_field moment_fields[] = {
	GAUGE("phase1_sas", phase1_sas, "Phase 1 SAs, unfinished ones as well"),
	GAUGE("half_open", half_open,
	    "Phase 1 SAs that strangers began and have not finished"),
	GAUGE("work_waiting", waiting,
	    "messages of strangers that wait for their turn"),
	TEXT("algorithms", algorithms, "that are agreed to"),
	{ 0 }
};
#undef ROW

#define ROW struct ike1
/* NOLINTBEGIN(bugprone-macro-parentheses): a member, and a text */
#define OUTCOME(key, member, labels_)					\
	COUNTER(key, member, "negotiations that ended",			\
	    .metric = "ike_negotiations", .labels = labels_)
/* NOLINTEND(bugprone-macro-parentheses) */
static const struct report_field count_fields[] = {
	COUNTER("received", count.received, "messages"),
	COUNTER("malformed", count.malformed, "messages that are no IKE"),
	COUNTER("unknown", count.unknown, "messages for no SA of ours"),
	COUNTER("half_open_refused", count.half_open_refused,
	    "first messages for which there was no place"),
	COUNTER("half_open_evicted", count.half_open_evicted,
	    "unfinished SAs that made room for others"),
	COUNTER("phase1_evicted", count.phase1_evicted,
	    "finished SAs that made room for others"),
	OUTCOME("phase1_up", count.phase1_up, "phase=1 outcome=up"),
	OUTCOME("phase1_failed", count.phase1_failed, "phase=1 outcome=failed"),
	OUTCOME("phase2_up", count.phase2_up, "phase=2 outcome=up"),
	OUTCOME("phase2_failed", count.phase2_failed, "phase=2 outcome=failed"),
	COUNTER("auth_failures", count.auth_failed,
	    "peers that did not prove who they are"),
	COUNTER("retransmissions", x.retransmits, "messages sent again"),
	COUNTER("duplicates", count.duplicates, "messages that came again"),
	COUNTER("replays", count.replays,
	    "messages that were answered already"),
	{ 0 }
};
#undef ROW

void
ike1_report(const void *engine, struct report *r)
{
	const struct ike1 *e = engine;
	struct moment m = { e->nsas[false] + e->nsas[true], e->budget.nhalf,
		e->budget.nwaiting, e->c.legacy ?
		"AES, SHA2, groups 14 15 19 20, and legacy: 3DES, MD5, SHA1, "
		"groups 2 5" : "AES, SHA2, groups 14 15 19 20" };

	report_write(r, "ike", "ike", moment_fields, &m);
	report_write(r, "ike", "ike", count_fields, e);
	report_write(r, "ike", "ike", ike_work_fields, &e->budget);
}
