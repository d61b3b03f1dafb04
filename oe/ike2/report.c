/* report.c - IKE SAs and counters of the IKEv2 engine, for rsipctl */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/report.h"
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
	{ FIELD("refused", refused,
	    "first messages with nothing that we take") },
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
