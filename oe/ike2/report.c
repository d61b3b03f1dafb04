/* report.c - IKE SAs and counters of the IKEv2 engine, for rsipctl */
#include "config.h"

#include "base/report_rows.h"
#include "oe/ike/sa_row.h"
#include "oe/ike2/report.h"
#include "oe/ike2/sa.h"

void
ike2_report_sas(const void *engine, uint64_t now, json_object *table)
{
	const struct ike2    *e = engine;
	const struct ike2_sa *sa;
	char		      cipher[160];

	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state >= IKE2_GONE)
			continue;
		*cipher = '\0';
		if (sa->suite.encr != 0)
			ike2_suite_text(&sa->suite, cipher, sizeof(cipher));
		ike_sa_row_add(table, now, &(struct ike_sa_row){
			.path = &sa->path, .peer = &sa->peer_id,
			.spi_in = sa->spi, .spi_out = sa->peer_spi,
			.cipher = cipher, .state = sa->state == IKE2_UP ?
			"up" : sa->state > IKE2_UP ? "closing" : "negotiating",
			.initiator = sa->initiator, .created = sa->created,
			.expires = sa->expires });
	}
}

/* What the counters of e are not. */
struct moment { unsigned sas, half_open; uint64_t operations; };

#define ROW struct moment
static const struct report_field moment_fields[] = {
	GAUGE("sas", sas, "IKE SAs, unfinished ones as well"),
	GAUGE("half_open", half_open,
	    "IKE SAs that strangers began and have not finished"),
	COUNTER("dh_operations", operations,
	    "key pairs made and secrets derived, of IKEv1 too"),
	{ 0 }
};
#undef ROW

#define ROW struct ike2
static const struct report_field count_fields[] = {
	COUNTER("received", count.received, "messages"),
	COUNTER("malformed", count.malformed, "messages that are no IKE"),
	COUNTER("unknown", count.unknown, "messages for no SA of ours"),
	COUNTER("bad_icv", count.bad_icv,
	    "messages that the peer did not make"),
	COUNTER("duplicates", count.duplicates, "messages that came again"),
	COUNTER("retransmissions", count.retransmits, "messages sent again"),
	COUNTER("cookies", count.cookies, "strangers asked to show an address"),
	COUNTER("refused", count.refused,
	    "first messages with nothing that we take"),
	COUNTER("half_open_refused", count.half_open_refused,
	    "first messages for which there was no place"),
	COUNTER("half_open_evicted", count.half_open_evicted,
	    "unfinished SAs that made room for others"),
	COUNTER("up", count.up, "IKE SAs that came up"),
	COUNTER("failed", count.failed, "IKE SAs that did not"),
	COUNTER("auth_failures", count.auth_failed,
	    "peers that did not prove who they are"),
	COUNTER("children", count.children, "pairs of ESP SAs that came up"),
	COUNTER("children_failed", count.children_failed,
	    "pairs of ESP SAs that did not"),
	{ 0 }
};
#undef ROW

void
ike2_report(const void *engine, struct report *r)
{
	const struct ike2 *e = engine;
	struct moment	   m = { e->nsas[false] + e->nsas[true],
		e->budget.nhalf, ike_dh_operations() };

	report_write(r, "ike2", "ike2", moment_fields, &m);
	report_write(r, "ike2", "ike2", count_fields, e);
	report_write(r, "ike2", "ike2", ike_work_fields, &e->budget);
}
