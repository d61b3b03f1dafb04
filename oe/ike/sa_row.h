/* sa_row.h - a row of rsipctl's table for an IKE SA, and counters, of either version */
#ifndef OE_IKE_SA_ROW_H
#define OE_IKE_SA_ROW_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/report_rows.h"
#include "oe/keying.h"

/* SPIs (of IKEv1: cookies) as 64 bits, times in milliseconds;
 * text is borrowed. */
struct ike_sa_row {
	const struct keying_path *path;
	const struct keying_id *peer;
	uint64_t spi_in, spi_out;
	const char *cipher;		/* "": nothing is agreed yet */
	const char *state;
	bool	 initiator;
	uint64_t created, expires;	/* IKE_NEVER: it does not */
};

/* Appends it; the keys are those of the engine's table of SAs. */
void	ike_sa_row_add(json_object *table, uint64_t now,
	    const struct ike_sa_row *sa);

/* What work peers caused: members of a struct ike_budget. */
extern const struct report_field ike_work_fields[];

#endif
