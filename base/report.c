/* report.c - tables of typed values written as JSON: values, metrics, or what there is */
#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/histogram.h"
#include "base/report.h"
#include "base/util.h"

#define DEPTH_MAX	4	/* of report_enter() */
#define NAME_LEN	128	/* of a metric */

struct report {
	enum report_form form;
	bool		 privileged;
	json_object	*top;
	unsigned	 depth;
	/* values, schema: where tables go */
	json_object	*at[DEPTH_MAX];
	const char	*labels[DEPTH_MAX];	/* NULL: none */
};

static const char *const types[] = {
	[REPORT_END] = "",
	[REPORT_COUNTER] = "counter",
	[REPORT_GAUGE] = "gauge",
	[REPORT_NUMBER] = "number",
	[REPORT_INFO] = "info",
	[REPORT_FLAG] = "flag",
	[REPORT_TEXT] = "text",
	[REPORT_CHARS] = "text",
	[REPORT_LIST] = "list",
	[REPORT_HISTOGRAM] = "histogram",
};
static const char *const units[] = {
	[REPORT_PLAIN] = "",
	[REPORT_BYTES] = "bytes",
	[REPORT_SECONDS] = "seconds",
	[REPORT_MICROSECONDS] = "seconds",
};

static void
put_text(json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static void
put_help(json_object *o, const struct report_field *f)
{
	if (f->help != NULL)
		put_text(o, "help", f->help);
}

/* JSON has signed numbers here. */
static json_object *
new_number(uint64_t n)
{
	return json_object_new_int64(n < INT64_MAX ? (int64_t)n : INT64_MAX);
}

/* As a decimal fraction that is exact. */
static json_object *
new_fraction(uint64_t n, unsigned per_second)
{
	char	 text[40];
	unsigned digits = per_second == 1000 ? 3 : 6;

	snprintf(text, sizeof(text), "%" PRIu64 ".%0*" PRIu64, n / per_second,
	    (int)digits, n % per_second);
	return json_object_new_double_s((double)n / per_second, text);
}

/* --- the members of a struct ---------------------------------------------- */

static uint64_t
member_number(const struct report_field *f, const void *values)
{
	const uint8_t *p = (const uint8_t *)values + f->offset;

	switch (f->size) {
	case sizeof(uint8_t):
		return *p;
	case sizeof(uint16_t):
		return *(const uint16_t *)(const void *)p;
	case sizeof(uint32_t):
		return *(const uint32_t *)(const void *)p;
	}
	assert(f->size == sizeof(uint64_t));
	return *(const uint64_t *)(const void *)p;
}

static const void *
member_pointer(const struct report_field *f, const void *values)
{
	return *(const void *const *)(const void *)((const uint8_t *)values +
	    f->offset);
}

static json_object *
histogram_json(const struct histogram *h)
{
	json_object *o = json_object_new_object(), *le, *n;
	uint64_t     sum = 0;
	char	     bound[24];
	size_t	     i;

	le = json_object_new_object();
	for (i = 0; i <= HISTOGRAM_BUCKETS; i++) {
		sum += h->count[i];
		n = new_number(sum);
		if (i < HISTOGRAM_BUCKETS)
			snprintf(bound, sizeof(bound), "%u.%03u",
			    (unsigned)histogram_bounds[i] / 1000,
			    (unsigned)histogram_bounds[i] % 1000);
		json_object_object_add(le, i < HISTOGRAM_BUCKETS ? bound :
		    "+Inf", n);
	}
	json_object_object_add(o, "count", new_number(sum));
	json_object_object_add(o, "sum", new_fraction(h->sum, 1000));
	json_object_object_add(o, "le", le);
	return o;
}

/* NULL: it is absent. */
static json_object *
member_json(const struct report_field *f, const void *values)
{
	const void  *at = (const uint8_t *)values + f->offset;
	const char  *text;
	uint64_t     n;

	switch (f->type) {
	case REPORT_COUNTER:
	case REPORT_GAUGE:
	case REPORT_NUMBER:
	case REPORT_INFO:
		n = member_number(f, values);
		if (n == REPORT_NONE || (n == 0 && (f->flags & REPORT_MAYBE)))
			return NULL;
		return f->unit == REPORT_MICROSECONDS ?
		    new_fraction(n, 1000000) : new_number(n);
	case REPORT_FLAG:
		if (!*(const bool *)at && (f->flags & REPORT_MAYBE))
			return NULL;
		return json_object_new_boolean(*(const bool *)at);
	case REPORT_TEXT:
	case REPORT_CHARS:
		text = f->type == REPORT_CHARS ? at : member_pointer(f, values);
		if (text == NULL ||
		    (*text == '\0' && (f->flags & REPORT_MAYBE)))
			return NULL;
		return json_object_new_string(text);
	case REPORT_LIST:
		return *(json_object *const *)at;
	case REPORT_HISTOGRAM:
		return histogram_json(at);
	case REPORT_END:
		break;
	}
	return NULL;
}

/* A list that nobody is to see still is ours. */
static void
member_drop(const struct report_field *f, const void *values)
{
	if (f->type == REPORT_LIST)
		json_object_put(*(json_object *const *)(const void *)
		    ((const uint8_t *)values + f->offset));
}

static bool
field_hidden(const struct report_field *f, bool privileged)
{
	return (f->flags & REPORT_PRIVATE) && !privileged;
}

static void
fields_write(json_object *o, const struct report_field *f, const void *values,
    bool privileged)
{
	json_object *v;

	for (; f->type != REPORT_END; f++) {
		if (field_hidden(f, privileged))
			member_drop(f, values);
		else if ((v = member_json(f, values)) != NULL)
			json_object_object_add(o, f->key, v);
	}
}

/* --- metrics -------------------------------------------------------------- */

static void
metric_name(char *name, const struct report_table *t,
    const struct report_field *f)
{
	const char *unit = units[f->unit];
	size_t	    n, u = strlen(unit);

	if (f->metric != NULL)
		snprintf(name, NAME_LEN, "rsip_%s", f->metric);
	else
		snprintf(name, NAME_LEN, "rsip_%s%s%s", t->prefix,
		    *t->prefix != '\0' ? "_" : "", f->key);
	n = strlen(name);
	if (u != 0 && (n < u || strcmp(name + n - u, unit) != 0))
		snprintf(name + n, NAME_LEN - n, "_%s", unit);
}

static bool
is_metric(const struct report_table *t, const struct report_field *f)
{
	return t->prefix != NULL && (f->type == REPORT_COUNTER ||
	    f->type == REPORT_GAUGE || f->type == REPORT_INFO ||
	    f->type == REPORT_FLAG ||
	    f->type == REPORT_HISTOGRAM);
}

/* "path=esp direction=in" */
static void
labels_add(json_object *o, const char *labels)
{
	char  text[160], *word, *value, *save = NULL;

	if (labels == NULL)
		return;
	snprintf(text, sizeof(text), "%s", labels);
	for (word = strtok_r(text, " ", &save); word != NULL;
	    word = strtok_r(NULL, " ", &save)) {
		if ((value = strchr(word, '=')) == NULL)
			continue;
		*value++ = '\0';
		put_text(o, word, value);
	}
}

/* The family of that name, made where there is none. */
static json_object *
family_of(struct report *r, const char *name, const struct report_field *f)
{
	json_object *family;

	if (json_object_object_get_ex(r->at[0], name, &family))
		return family;
	family = json_object_new_object();
	put_text(family, "type", f->type == REPORT_FLAG ? types[REPORT_GAUGE] :
	    types[f->type]);
	put_text(family, "unit", units[f->unit]);
	put_help(family, f);
	json_object_object_add(family, "samples", json_object_new_array());
	json_object_object_add(r->at[0], name, family);
	return family;
}

static void
metrics_add(struct report *r, const struct report_table *t, const char *label,
    const void *values)
{
	const struct report_field *f;
	json_object		  *samples, *sample, *labels, *v;
	char			   name[NAME_LEN];
	unsigned		   i;

	for (f = t->fields; f->type != REPORT_END; f++) {
		if (!is_metric(t, f) || field_hidden(f, r->privileged) ||
		    (v = member_json(f, values)) == NULL) {
			member_drop(f, values);
			continue;
		}
		metric_name(name, t, f);
		json_object_object_get_ex(family_of(r, name, f), "samples",
		    &samples);
		sample = json_object_new_object();
		labels = json_object_new_object();
		for (i = 0; i <= r->depth; i++)
			labels_add(labels, r->labels[i]);
		labels_add(labels, f->labels);
		if (label != NULL)
			put_text(labels, t->label, label);
		json_object_object_add(sample, "labels", labels);
		json_object_object_add(sample, "value", v);
		json_object_array_add(samples, sample);
	}
}

/* --- what there is -------------------------------------------------------- */

static json_object *
field_schema(const struct report_table *t, const struct report_field *f)
{
	json_object *o = json_object_new_object();
	char	     name[NAME_LEN];

	put_text(o, "type", types[f->type]);
	put_text(o, "unit", units[f->unit]);
	put_help(o, f);
	if (t != NULL && is_metric(t, f)) {
		metric_name(name, t, f);
		put_text(o, "metric", name);
		if (f->labels != NULL)
			put_text(o, "labels", f->labels);
	}
	return o;
}

static void
schema_write(json_object *o, const struct report_table *t)
{
	const struct report_field *f;

	for (f = t->fields; f->type != REPORT_END; f++)
		json_object_object_add(o, f->key, field_schema(t, f));
}

/* --- a report ------------------------------------------------------------- */

struct report *
report_new(enum report_form form, bool privileged)
{
	struct report *r = xcalloc(1, sizeof(*r));

	r->form = form;
	r->privileged = privileged;
	r->top = r->at[0] = json_object_new_object();
	if (form == REPORT_METRICS) {
		r->at[0] = json_object_new_object();
		json_object_object_add(r->top, "metrics", r->at[0]);
	}
	return r;
}

enum report_form
report_form(const struct report *r)
{
	return r->form;
}

/* The object under key, made where there is none. */
static json_object *
object_of(json_object *o, const char *key)
{
	json_object *in;

	if (json_object_object_get_ex(o, key, &in))
		return in;
	in = json_object_new_object();
	json_object_object_add(o, key, in);
	return in;
}

void
report_enter(struct report *r, const char *key, const char *labels)
{
	assert(r->depth + 1 < DEPTH_MAX);
	r->depth++;
	r->labels[r->depth] = labels;
	if (r->form != REPORT_METRICS)
		r->at[r->depth] = object_of(r->at[r->depth - 1], key);
}

void
report_leave(struct report *r)
{
	assert(r->depth > 0);
	r->depth--;
}

void
report_write(struct report *r, const char *key, const char *prefix,
    const struct report_field *fields, const void *values)
{
	const struct report_table t = { key, prefix, fields, NULL };
	json_object *o = r->at[r->depth];

	if (r->form == REPORT_METRICS) {
		metrics_add(r, &t, NULL, values);
		return;
	}
	if (key != NULL)
		o = object_of(o, key);
	if (r->form == REPORT_SCHEMA) {
		schema_write(o, &t);
		for (; fields->type != REPORT_END; fields++)
			member_drop(fields, values);
		return;
	}
	fields_write(o, fields, values, r->privileged);
}

void
report_write_labelled(struct report *r, const struct report_table *t,
    const char *label, const void *values)
{
	bool	     alone = t->fields[1].type == REPORT_END;
	json_object *o, *v;

	if (r->form == REPORT_METRICS) {
		metrics_add(r, t, label, values);
		return;
	}
	o = object_of(r->at[r->depth], t->key);
	if (r->form == REPORT_SCHEMA) {
		/* "<reason>" stands for each. */
		char key[64];

		snprintf(key, sizeof(key), "<%s>", t->label);
		if (alone)
			json_object_object_add(o, key,
			    field_schema(t, t->fields));
		else
			schema_write(object_of(o, key), t);
	} else if (!alone) {
		fields_write(object_of(o, label), t->fields, values,
		    r->privileged);
	} else if ((v = member_json(t->fields, values)) != NULL) {
		json_object_object_add(o, label, v);
	}
}

json_object *
report_end(struct report *r)
{
	json_object *o = r->top;

	free(r);
	return o;
}

/* --- rows ----------------------------------------------------------------- */

json_object *
report_row(const struct report_field *f, const void *values, bool privileged)
{
	json_object *o = json_object_new_object();

	fields_write(o, f, values, privileged);
	return o;
}

json_object *
report_columns(const struct report_field *f)
{
	json_object *o = json_object_new_object();

	for (; f->type != REPORT_END; f++)
		json_object_object_add(o, f->key, field_schema(NULL, f));
	return o;
}

json_object *
report_rows_new(const struct report_field *f)
{
	json_object *o = json_object_new_object();
	json_object *columns = json_object_new_array(), *c;

	for (; f->type != REPORT_END; f++) {
		c = json_object_new_object();
		put_text(c, "key", f->key);
		put_text(c, "type", types[f->type]);
		put_text(c, "unit", units[f->unit]);
		json_object_object_add(c, "wide", json_object_new_boolean(
		    (f->flags & REPORT_WIDE) != 0));
		json_object_array_add(columns, c);
	}
	json_object_object_add(o, "columns", columns);
	json_object_object_add(o, "rows", json_object_new_array());
	return o;
}

bool
report_rows_room(json_object *rows, size_t limit)
{
	json_object *a, *more;

	json_object_object_get_ex(rows, "rows", &a);
	if (json_object_array_length(a) < limit)
		return true;
	if (json_object_object_get_ex(rows, "more", &more))
		json_object_set_int64(more, json_object_get_int64(more) + 1);
	else
		json_object_object_add(rows, "more", new_number(1));
	return false;
}

void
report_rows_add(json_object *rows, const struct report_field *f,
    const void *values, bool privileged)
{
	json_object *a;

	json_object_object_get_ex(rows, "rows", &a);
	json_object_array_add(a, report_row(f, values, privileged));
}
