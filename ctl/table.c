/* table.c - daemons' JSON answers as text for people */
#include "config.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ctl/table.h"

#define CELL_MAX	256	/* bytes of one value that a table shows */
#define LIST_SHOWN	2	/* of an array's members */
#define COLUMNS_MAX	24
#define DEPTH_MAX	8	/* of nested objects in "status" */

/* Appends s to a cell of CELL_MAX bytes, escaped; stops where it is full. */
static void
cell_add(char *cell, const char *s)
{
	static const char hex[] = "0123456789abcdef";
	size_t		  n = strlen(cell);
	unsigned char	  c;

	for (; *s != '\0' && n + 5 <= CELL_MAX; s++) {
		c = (unsigned char)*s;
		if (c >= ' ' && c < 0x7f) {
			cell[n++] = *s;
			continue;
		}
		cell[n++] = '\\';
		cell[n++] = 'x';
		cell[n++] = hex[c >> 4];
		cell[n++] = hex[c & 15];
	}
	cell[n] = '\0';
}

void
text_print(FILE *f, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s >= ' ' && *s < 0x7f)
			putc(*s, f);
		else
			fprintf(f, "\\x%02x", (unsigned char)*s);
	}
}

static void
cell_bytes(char *cell, int64_t n)
{
	static const char units[] = " kMGTPE";
	double		  v = (double)n;
	size_t		  u = 0;

	if (n < 10000) {
		snprintf(cell, CELL_MAX, "%" PRId64, n);
		return;
	}
	for (; v >= 999.95 && u + 2 < sizeof(units); u++)
		v /= 1000;
	snprintf(cell, CELL_MAX, "%.1f%c", v, units[u]);
}

static void
cell_seconds(char *cell, int64_t s)
{
	const char *sign = s < 0 ? "-" : "";
	uint64_t    t = s < 0 ? -(uint64_t)s : (uint64_t)s;

	if (t < 60)
		snprintf(cell, CELL_MAX, "%s%" PRIu64 "s", sign, t);
	else if (t < 3600)
		snprintf(cell, CELL_MAX, "%s%" PRIu64 "m%02us", sign, t / 60,
		    (unsigned)(t % 60));
	else if (t < 86400)
		snprintf(cell, CELL_MAX, "%s%" PRIu64 "h%02um", sign, t / 3600,
		    (unsigned)(t / 60 % 60));
	else
		snprintf(cell, CELL_MAX, "%s%" PRIu64 "d%02uh", sign, t / 86400,
		    (unsigned)(t / 3600 % 24));
}

/* json-c has no object for null. */
static const char *
value_text(json_object *v)
{
	return v == NULL ? "-" : json_object_get_string(v);
}

static void
cell_list(char *cell, json_object *v)
{
	size_t n = json_object_array_length(v), i;
	char   more[32];

	for (i = 0; i < n && i < LIST_SHOWN; i++) {
		if (i > 0)
			cell_add(cell, ",");
		cell_add(cell, value_text(json_object_array_get_idx(v, i)));
	}
	if (n > LIST_SHOWN) {
		snprintf(more, sizeof(more), ",+%zu", n - LIST_SHOWN);
		cell_add(cell, more);
	}
}

/* The value as text; "" if there is none. */
static void
cell_value(char *cell, json_object *v, enum column_kind kind)
{
	cell[0] = '\0';
	if (v == NULL)
		return;
	if (json_object_is_type(v, json_type_array)) {
		cell_list(cell, v);
		return;
	}
	if (json_object_is_type(v, json_type_int) && kind == COLUMN_BYTES)
		cell_bytes(cell, json_object_get_int64(v));
	else if (json_object_is_type(v, json_type_int) &&
	    kind == COLUMN_SECONDS)
		cell_seconds(cell, json_object_get_int64(v));
	else
		cell_add(cell, value_text(v));
}

static json_object *
row_value(json_object *row, const char *key)
{
	json_object *v = NULL;

	if (json_object_is_type(row, json_type_object))
		json_object_object_get_ex(row, key, &v);
	return v;
}

static bool
kind_is_number(enum column_kind k)
{
	return k == COLUMN_COUNT || k == COLUMN_BYTES || k == COLUMN_SECONDS;
}

void
table_print(FILE *f, json_object *rows, const struct column *columns)
{
	size_t	     n = json_object_array_length(rows), width[COLUMNS_MAX];
	size_t	     i, j, len, last = 0;
	char	     cell[CELL_MAX];
	json_object *v;

	if (n == 0)
		return;
	for (j = 0; j < COLUMNS_MAX && columns[j].title != NULL; j++) {
		width[j] = 0;
		for (i = 0; i < n; i++) {
			v = row_value(json_object_array_get_idx(rows, i),
			    columns[j].key);
			cell_value(cell, v, columns[j].kind);
			if ((len = strlen(cell)) > width[j])
				width[j] = len;
		}
		if (width[j] == 0)
			continue;
		if ((len = strlen(columns[j].title)) > width[j])
			width[j] = len;
		last = j;
	}
	/* Line 0 is the titles. */
	for (i = 0; i <= n; i++) {
		for (j = 0; j < COLUMNS_MAX && columns[j].title != NULL; j++) {
			if (width[j] == 0)
				continue;
			cell[0] = '\0';
			if (i == 0)
				cell_add(cell, columns[j].title);
			else
				cell_value(cell, row_value(
				    json_object_array_get_idx(rows, i - 1),
				    columns[j].key), columns[j].kind);
			if (cell[0] == '\0')
				cell_add(cell, "-");
			if (kind_is_number(columns[j].kind))
				fprintf(f, "%*s", (int)width[j], cell);
			else if (j == last)
				fputs(cell, f);
			else
				fprintf(f, "%-*s", (int)width[j], cell);
			fputs(j == last ? "\n" : "  ", f);
		}
	}
}

/* Numbers below the first level count things. */
static bool
lines_hidden(json_object *v, unsigned depth, bool counters)
{
	return !counters && depth > 0 && (json_object_is_type(v, json_type_int) ||
	    json_object_is_type(v, json_type_double));
}

static size_t
lines_width(json_object *o, size_t prefix, unsigned depth, bool counters)
{
	size_t widest = 0, n;

	json_object_object_foreach(o, key, v) {
		if (lines_hidden(v, depth, counters))
			continue;
		n = prefix + strlen(key);
		if (json_object_is_type(v, json_type_object) &&
		    depth < DEPTH_MAX)
			n = lines_width(v, n + 1, depth + 1, counters);
		if (n > widest)
			widest = n;
	}
	return widest;
}

static void
lines_value(FILE *f, json_object *v)
{
	size_t n, i;

	if (!json_object_is_type(v, json_type_array)) {
		text_print(f, value_text(v));
		return;
	}
	n = json_object_array_length(v);
	for (i = 0; i < n; i++) {
		if (i > 0)
			fputs(", ", f);
		text_print(f, value_text(json_object_array_get_idx(v, i)));
	}
	if (n == 0)
		fputs("-", f);
}

static void
lines_level(FILE *f, json_object *o, const char *prefix, size_t width,
    unsigned depth, bool counters)
{
	char name[CELL_MAX];

	json_object_object_foreach(o, key, v) {
		if (lines_hidden(v, depth, counters))
			continue;
		name[0] = '\0';
		cell_add(name, prefix);
		if (*prefix != '\0')
			cell_add(name, ".");
		cell_add(name, key);
		if (json_object_is_type(v, json_type_object) &&
		    depth < DEPTH_MAX) {
			lines_level(f, v, name, width, depth + 1, counters);
			continue;
		}
		fprintf(f, "%-*s  ", (int)width, name);
		lines_value(f, v);
		fputc('\n', f);
	}
}

void
lines_print(FILE *f, json_object *o, bool counters)
{
	lines_level(f, o, "", lines_width(o, 0, 0, counters), 0, counters);
}

/* A value in an event's line: in quotes where it would not be one word. */
static void
event_value(FILE *f, json_object *v)
{
	const char *text;
	size_t	    n, i;

	if (json_object_is_type(v, json_type_array)) {
		n = json_object_array_length(v);
		for (i = 0; i < n; i++) {
			if (i > 0)
				fputc(',', f);
			text_print(f,
			    value_text(json_object_array_get_idx(v, i)));
		}
		return;
	}
	text = value_text(v);
	if (strchr(text, ' ') != NULL && json_object_is_type(v, json_type_string)) {
		fputc('"', f);
		text_print(f, text);
		fputc('"', f);
	} else
		text_print(f, text);
}

void
event_print(FILE *f, json_object *o, const char *skip)
{
	static const char *const first[] = { "event", "line" };
	json_object		*v;
	const char		*sep = "";
	size_t			 i;

	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		if ((v = row_value(o, first[i])) == NULL)
			continue;
		fputs(sep, f);
		text_print(f, value_text(v));
		sep = " ";
	}
	json_object_object_foreach(o, key, value) {
		if (strcmp(key, "event") == 0 || strcmp(key, "line") == 0 ||
		    (skip != NULL && strcmp(key, skip) == 0) ||
		    value_text(value)[0] == '\0')
			continue;
		fputs(sep, f);
		text_print(f, key);
		fputc('=', f);
		event_value(f, value);
		sep = " ";
	}
	fputc('\n', f);
}
