/* table.c - daemons' JSON answers as text for people */
#include "config.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "ctl/table.h"

#define CELL_MAX	256	/* bytes of one value that a table shows */
#define LIST_SHOWN	2	/* of an array's members */
#define COLUMNS_MAX	24
#define DEPTH_MAX	8	/* of nested objects in "status" */

/* How a column's value is written. */
enum column_kind {
	COLUMN_TEXT,		/* or an array: the first few,
				 * then how many more */
	COLUMN_COUNT,		/* right-aligned number */
	COLUMN_BYTES,		/* 10.5M, powers of 1000 */
	COLUMN_SECONDS,		/* 3m20s */
};

/* Appends s to a cell of CELL_MAX bytes, escaped; stops where it is full. */
static void
cell_add(char *cell, const char *s)
{
	size_t n = strlen(cell);

	log_escape(cell + n, CELL_MAX - n, s);
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
	if (json_object_is_type(v, json_type_boolean))
		return json_object_get_boolean(v) ? "yes" : "no";
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

static const char *
column_text(json_object *column, const char *key)
{
	json_object *v = row_value(column, key);

	return json_object_is_type(v, json_type_string) ?
	    json_object_get_string(v) : "";
}

static enum column_kind
column_kind_of(json_object *column)
{
	const char *type = column_text(column, "type");
	const char *unit = column_text(column, "unit");

	if (strcmp(type, "counter") != 0 && strcmp(type, "gauge") != 0 &&
	    strcmp(type, "number") != 0)
		return COLUMN_TEXT;
	return strcmp(unit, "bytes") == 0 ? COLUMN_BYTES :
	    strcmp(unit, "seconds") == 0 ? COLUMN_SECONDS : COLUMN_COUNT;
}

/* "spi_in": SPI-IN */
static void
column_title(const char *key, char *title)
{
	size_t i;

	title[0] = '\0';
	cell_add(title, key);
	for (i = 0; title[i] != '\0'; i++)
		title[i] = title[i] == '_' ? '-' :
		    (char)toupper((unsigned char)title[i]);
}

struct column {
	const char	*key;		/* borrowed of the answer */
	enum column_kind kind;
	size_t		 width;		/* 0: nothing to show */
	char		 title[CELL_MAX];
};

static void
column_measure(struct column *c, json_object *rows)
{
	size_t n = json_object_array_length(rows), i, len;
	char   cell[CELL_MAX];

	c->width = 0;
	for (i = 0; i < n; i++) {
		cell_value(cell, row_value(json_object_array_get_idx(rows, i),
		    c->key), c->kind);
		if ((len = strlen(cell)) > c->width)
			c->width = len;
	}
	if (c->width != 0 && (len = strlen(c->title)) > c->width)
		c->width = len;
}

/* Which columns there are to show, and how wide; returns how many. */
static size_t
columns_find(struct column *c, json_object *columns, json_object *rows,
    bool verbose)
{
	json_object *column, *wide;
	size_t	     i, n = 0;

	for (i = 0; i < json_object_array_length(columns); i++) {
		column = json_object_array_get_idx(columns, i);
		wide = row_value(column, "wide");
		if (n == COLUMNS_MAX || *column_text(column, "key") == '\0' ||
		    (!verbose && json_object_get_boolean(wide)))
			continue;
		c[n].key = column_text(column, "key");
		c[n].kind = column_kind_of(column);
		column_title(c[n].key, c[n].title);
		column_measure(&c[n], rows);
		if (c[n].width != 0)
			n++;
	}
	return n;
}

static void
cell_print(FILE *f, const struct column *c, const char *cell, bool last)
{
	if (c->kind == COLUMN_COUNT || c->kind == COLUMN_BYTES ||
	    c->kind == COLUMN_SECONDS)
		fprintf(f, "%*s", (int)c->width, cell);
	else if (last)
		fputs(cell, f);
	else
		fprintf(f, "%-*s", (int)c->width, cell);
	fputs(last ? "\n" : "  ", f);
}

bool
table_print(FILE *f, json_object *answer, bool verbose)
{
	json_object  *rows = row_value(answer, "rows"), *row;
	json_object  *columns = row_value(answer, "columns");
	struct column c[COLUMNS_MAX];
	size_t	      n, i, j;
	char	      cell[CELL_MAX];

	if (!json_object_is_type(rows, json_type_array) ||
	    !json_object_is_type(columns, json_type_array) ||
	    json_object_array_length(rows) == 0)
		return false;
	n = columns_find(c, columns, rows, verbose);
	for (j = 0; j < n; j++)
		cell_print(f, &c[j], c[j].title, j + 1 == n);
	for (i = 0; i < json_object_array_length(rows); i++) {
		row = json_object_array_get_idx(rows, i);
		for (j = 0; j < n; j++) {
			cell_value(cell, row_value(row, c[j].key), c[j].kind);
			cell_print(f, &c[j], cell[0] == '\0' ? "-" : cell,
			    j + 1 == n);
		}
	}
	return true;
}

/* Numbers below the first level count things; a histogram's buckets are for
 * machines. */
static bool
lines_hidden(const char *key, json_object *v, unsigned depth, bool counters)
{
	if (strcmp(key, "le") == 0 && json_object_is_type(v, json_type_object))
		return true;
	return !counters && depth > 0 &&
	    (json_object_is_type(v, json_type_int) ||
	    json_object_is_type(v, json_type_double));
}

static size_t
lines_width(json_object *o, size_t prefix, unsigned depth, bool counters)
{
	size_t widest = 0, n;

	json_object_object_foreach(o, key, v) {
		if (lines_hidden(key, v, depth, counters))
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
		if (lines_hidden(key, v, depth, counters))
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
	if (strchr(text, ' ') != NULL &&
	    json_object_is_type(v, json_type_string)) {
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
