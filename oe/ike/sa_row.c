/* sa_row.c - a row of rsipctl's table for an IKE SA, and counters, of either version */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/report_rows.h"
#include "oe/ike/budget.h"
#include "oe/ike/exchange.h"
#include "oe/ike/sa_row.h"

struct sa_row {
	unsigned    phase;
	char	    src[64], dst[64], spi_in[20], spi_out[20];
	const char *cipher, *peer, *state, *role;
	uint64_t    age, expires;
};

#define ROW struct sa_row
static const struct report_field sa_fields[] = {
	NUMBER("phase", phase, ""),
	CHARS("src", src, ""),
	CHARS("dst", dst, ""),
	TEXT("peer", peer, ""),
	CHARS("spi_in", spi_in, ""),
	CHARS("spi_out", spi_out, ""),
	TEXT("cipher", cipher, ""),
	TEXT("state", state, ""),
	TEXT("role", role, ""),
	SECONDS("age", age, ""),
	SECONDS("expires", expires, ""),
	{ 0 }
};
#undef ROW

void
ike_sa_row_add(json_object *table, uint64_t now, const struct ike_sa_row *sa)
{
	struct sa_row row = { .phase = 1, .cipher = sa->cipher,
		.peer = keying_id_text(sa->peer), .state = sa->state,
		.role = sa->initiator ? "initiator" : "responder",
		.age = (now - sa->created) / 1000 };

	snprintf(row.src, sizeof(row.src), "%s:%u",
	    ADDR_TEXT(&sa->path->local), sa->path->local_port);
	snprintf(row.dst, sizeof(row.dst), "%s:%u",
	    ADDR_TEXT(&sa->path->peer), sa->path->peer_port);
	snprintf(row.spi_in, sizeof(row.spi_in), "%016" PRIx64, sa->spi_in);
	snprintf(row.spi_out, sizeof(row.spi_out), "%016" PRIx64, sa->spi_out);
	if (sa->expires != IKE_NEVER && sa->expires > now)
		row.expires = (sa->expires - now) / 1000;
	report_rows_add(table, sa_fields, &row, true);
}

#define ROW struct ike_budget
const struct report_field ike_work_fields[] = {
	FIELD("work_seconds", COUNTER, MICROSECONDS, work_us,
	    "time for strangers' public-key operations"),
	COUNTER("work_waited", waited,
	    "messages that had to wait for their turn"),
	COUNTER("work_lost", lost, "messages whose turn did not come"),
	{ 0 }
};
#undef ROW
