/* metrics.c - reports as OpenMetrics text, which Prometheus and its kin read */
#include "config.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/json.h"
#include "base/metrics.h"

static const char *
text_of(json_object *o, const char *key)
{
	const char *text = json_member_text(o, key);

	return text != NULL ? text : "";
}

static bool
is_name(const char *s)
{
	if (*s == '\0' || isdigit((unsigned char)*s))
		return false;
	for (; *s != '\0'; s++) {
		if (!isalnum((unsigned char)*s) && *s != '_')
			return false;
	}
	return true;
}

static bool
is_type(const char *s)
{
	return strcmp(s, "counter") == 0 || strcmp(s, "gauge") == 0 ||
	    strcmp(s, "info") == 0 || strcmp(s, "histogram") == 0;
}

/* A name that ends in its unit, of a type that there is. */
static bool
is_family(const char *name, json_object *family)
{
	const char *unit = text_of(family, "unit");
	size_t	    n = strlen(name), u = strlen(unit);

	if (!is_name(name) || !is_type(text_of(family, "type")) ||
	    json_member(family, "samples", json_type_array) == NULL)
		return false;
	return u == 0 || (is_name(unit) && n > u + 1 &&
	    name[n - u - 1] == '_' && strcmp(name + n - u, unit) == 0);
}

/* Escapes of OpenMetrics; a document is UTF-8, and we write no
 * more than ASCII. */
static void
text_escape(FILE *f, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\' || *s == '"')
			fprintf(f, "\\%c", *s);
		else if (*s == '\n')
			fputs("\\n", f);
		else if (*s >= ' ' && *s < 0x7f)
			putc(*s, f);
		else
			putc('?', f);
	}
}

struct sample {
	const char  *name, *daemon;
	json_object *labels;
};

/* suffix: "_total"; le: a bucket's bound or NULL. */
static void
sample_print(FILE *f, const struct sample *s, const char *suffix,
    const char *le, json_object *value)
{
	fprintf(f, "%s%s{daemon=\"", s->name, suffix);
	text_escape(f, s->daemon);
	putc('"', f);
	if (s->labels != NULL) {
		json_object_object_foreach(s->labels, key, v) {
			if (!is_name(key) || strcmp(key, "daemon") == 0 ||
			    !json_object_is_type(v, json_type_string))
				continue;
			fprintf(f, ",%s=\"", key);
			text_escape(f, json_object_get_string(v));
			putc('"', f);
		}
	}
	if (le != NULL)
		fprintf(f, ",le=\"%s\"", le);
	fprintf(f, "} %s\n", json_object_is_type(value, json_type_boolean) ?
	    json_object_get_boolean(value) ? "1" : "0" :
	    json_object_to_json_string(value));
}

static bool
is_value(json_object *v)
{
	return json_object_is_type(v, json_type_int) ||
	    json_object_is_type(v, json_type_double) ||
	    json_object_is_type(v, json_type_boolean);
}

static bool
is_bound(const char *s)
{
	return strcmp(s, "+Inf") == 0 || (isdigit((unsigned char)*s) &&
	    strspn(s, "0123456789.") == strlen(s));
}

static void
histogram_print(FILE *f, const struct sample *s, json_object *value)
{
	json_object *le = json_member(value, "le", json_type_object);
	json_object *count, *sum;

	if (le == NULL || !json_object_object_get_ex(value, "count", &count) ||
	    !json_object_object_get_ex(value, "sum", &sum) ||
	    !is_value(count) || !is_value(sum))
		return;
	json_object_object_foreach(le, bound, n) {
		if (is_bound(bound) && is_value(n))
			sample_print(f, s, "_bucket", bound, n);
	}
	sample_print(f, s, "_count", NULL, count);
	sample_print(f, s, "_sum", NULL, sum);
}

static void
samples_print(FILE *f, const char *name, const char *daemon,
    json_object *family)
{
	json_object  *samples = json_member(family, "samples", json_type_array);
	json_object  *o, *value;
	const char   *type = text_of(family, "type");
	struct sample s = { name, daemon, NULL };
	size_t	      i;

	for (i = 0; i < json_object_array_length(samples); i++) {
		o = json_object_array_get_idx(samples, i);
		s.labels = json_member(o, "labels", json_type_object);
		if (!json_object_is_type(o, json_type_object) ||
		    !json_object_object_get_ex(o, "value", &value))
			continue;
		if (strcmp(type, "histogram") == 0)
			histogram_print(f, &s, value);
		else if (is_value(value))
			sample_print(f, &s, strcmp(type, "counter") == 0 ?
			    "_total" : strcmp(type, "info") == 0 ? "_info" :
			    "", NULL, value);
	}
}

/* The family of that name that an answer has; NULL: none, or no good one. */
static json_object *
family_of(json_object *answer, const char *name)
{
	json_object *family = json_member(json_member(answer, "metrics",
	    json_type_object), name, json_type_object);

	return family != NULL && is_family(name, family) ? family : NULL;
}

/* One family of all who have it, as the format wants it together. */
static void
family_print(FILE *f, const char *name, json_object *const *answers, size_t n)
{
	json_object *first = NULL, *family;
	size_t	     i;

	for (i = 0; i < n; i++) {
		if ((family = family_of(answers[i], name)) == NULL)
			continue;
		if (first == NULL) {
			first = family;
			fprintf(f, "# TYPE %s %s\n", name,
			    text_of(first, "type"));
			if (*text_of(first, "unit") != '\0')
				fprintf(f, "# UNIT %s %s\n", name,
				    text_of(first, "unit"));
			fprintf(f, "# HELP %s ", name);
			text_escape(f, text_of(first, "help"));
			putc('\n', f);
		} else if (strcmp(text_of(first, "type"),
		    text_of(family, "type")) != 0) {
			continue;
		}
		samples_print(f, name, text_of(answers[i], "daemon"), family);
	}
}

void
metrics_print(FILE *f, json_object *const *answers, size_t n)
{
	json_object *families;
	size_t	     i, k;

	for (i = 0; i < n; i++) {
		if ((families = json_member(answers[i], "metrics",
		    json_type_object)) == NULL)
			continue;
		json_object_object_foreach(families, name, family) {
			for (k = 0; k < i &&
			    family_of(answers[k], name) == NULL;)
				k++;
			if (k == i && json_object_is_type(family,
			    json_type_object) && is_family(name, family))
				family_print(f, name, answers, n);
		}
	}
	fputs("# EOF\n", f);
}
