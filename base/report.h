/* report.h - what a daemon says of itself: tables of typed values, with unit and help, out of its structs */
#ifndef BASE_REPORT_H
#define BASE_REPORT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/help.h"

/* The member of the struct that a field is read from. */
enum report_type {
	REPORT_END,		/* of a table */
	REPORT_COUNTER,		/* unsigned of any size: only grows */
	REPORT_GAUGE,		/* unsigned of any size */
	REPORT_NUMBER,		/* unsigned of any size that measures
				 * nothing: an id, a port */
	REPORT_INFO,		/* unsigned: 1; a metric alone, which its
				 * labels are about */
	REPORT_FLAG,		/* bool */
	REPORT_TEXT,		/* const char *; NULL: absent */
	REPORT_CHARS,		/* char[]: a text in place */
	REPORT_LIST,		/* json_object *: an array of texts, taken
				 * over; NULL: absent */
	REPORT_HISTOGRAM,	/* struct histogram */
};

enum report_unit {
	REPORT_PLAIN,
	REPORT_BYTES,
	REPORT_SECONDS,
	REPORT_MICROSECONDS,	/* of the member; it is told in seconds */
};

#define REPORT_NONE	UINT64_MAX	/* of 64 bits: there is no such
					 * number, so absent */

#define REPORT_MAYBE	1u	/* absent if it is 0, false or empty */
#define REPORT_PRIVATE	2u	/* for the privileged alone (base/control.h) */
#define REPORT_WIDE	4u	/* a column that rsipctl's tables leave out */

struct report_field {
	const char	*key;	/* the same thing has the same
				 * key in every daemon */
	uint16_t	 offset, size;
	uint8_t		 type, unit;	/* enum report_type, report_unit */
	uint8_t		 flags;
	const char	*help;	/* no full stop; NULL: absent */
	/*
	 * Where counters, gauges, flags and histograms stand among the metrics:
	 * "rsip_", then this or the table's prefix and the key, then the unit.
	 * labels: "path=esp direction=in".
	 */
	const char	*metric, *labels;
};

/* Objects of a report, one for each value of a label; where they have one field
 * alone, only its value. */
struct report_table {
	const char *key;	/* of the object around them */
	const char *prefix;	/* as of report_write() */
	const struct report_field *fields;
	const char *label;
};

/*
 * The front ends: what rsipctl prints, what Prometheus reads (OpenMetrics), and
 * what fields there are.  A daemon writes its report once for all of them.
 */
enum report_form {
	REPORT_VALUES,		/* {"key": value, "table": {"key": value}} */
	REPORT_METRICS,		/* for metrics_print() */
	REPORT_SCHEMA,		/* {"key": {"type", "unit",
				 * "help", "metric"}} */
};

struct report;

/* privileged: with what is private. */
struct report *report_new(enum report_form form, bool privileged);
/* An object within which the next tables stand, until report_leave().  labels,
 * as of a field, or NULL, are those of all metrics there; borrowed. */
void	report_enter(struct report *r, const char *key, const char *labels);
void	report_leave(struct report *r);
/* An object of a report.  key: NULL: its fields stand on top.  prefix: of its
 * metrics; "": none; NULL: it has no metrics.  values: the struct that the
 * fields are of; borrowed but for lists. */
void	report_write(struct report *r, const char *key, const char *prefix,
	    const struct report_field *fields, const void *values);
/* One object of a table. */
void	report_write_labelled(struct report *r, const struct report_table *t,
	    const char *label, const void *values);
enum report_form report_form(const struct report *r);
/* The object, the caller's to put; r is gone. */
json_object *report_end(struct report *r);

/* --- rows ----------------------------------------------------------------- */

/* One object: a row, an event, an answer. */
json_object *report_row(const struct report_field *f, const void *values,
	    bool privileged);
/* {"columns": [{"key", "type", "unit", "wide"}], "rows": []} */
json_object *report_rows_new(const struct report_field *f);
/* As REPORT_SCHEMA has it. */
json_object *report_columns(const struct report_field *f);
/* Is there room for a row more, of limit?  If not, the table
 * counts it as "more". */
bool	report_rows_room(json_object *rows, size_t limit);
void	report_rows_add(json_object *rows, const struct report_field *f,
	    const void *values, bool privileged);

#endif
