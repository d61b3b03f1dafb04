/* table.h - daemons' JSON answers as text for people: aligned tables, "key value" lines */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

/* How a column's value is written. */
enum column_kind {
	COLUMN_TEXT,
	COLUMN_COUNT,		/* right-aligned number */
	COLUMN_BYTES,		/* 10.5M, powers of 1000 */
	COLUMN_SECONDS,		/* 3m20s */
	COLUMN_LIST,		/* an array: the first few, then how many more */
};

struct column {
	const char	*title;
	const char	*key;	/* in the row's object */
	enum column_kind kind;
};

/*
 * Writes rows (an array of objects; borrowed) as a table with a line of titles.
 * Columns end with one whose title is NULL.  Absent values are "-".  A column
 * that is absent from every row is left out.  Nothing is written without rows.
 */
void	table_print(FILE *f, json_object *rows, const struct column *columns);

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
