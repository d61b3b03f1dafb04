/* table.h - daemons' JSON answers as text for people: aligned tables, "key value" lines */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Writes an answer's "rows" (borrowed; base/report.h) as a table: titles
 * are the keys of its "columns", and how a value is written their type and
 * unit say. Absent values are "-".  A column that is absent from every row
 * is left out, and a wide one unless verbose.  False, and nothing is
 * written, without rows.
 */
bool	table_print(FILE *f, json_object *answer, bool verbose);

/*
 * Writes a nested object (borrowed) as aligned lines "outer.inner  value".
 * Without counters, numbers of inner objects are left out.
 */
void	lines_print(FILE *f, json_object *o, bool counters);

/*
 * One line of an event object: its "event" and "line", then key=value for
 * the rest that is not empty, in quotes if there is a space in it.
 * skip: a key that the caller has written already, or NULL.
 */
void	event_print(FILE *f, json_object *o, const char *skip);

/* Text of the daemons may hold what a peer chose (identities): bytes outside
 * printable ASCII are written as \xNN, so that they cannot drive a terminal. */
void	text_print(FILE *f, const char *s);

#endif
