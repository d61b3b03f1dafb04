/* option_print.c - a table of options as what people read: a commented configuration file */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/option.h"

#define WIDTH		76	/* of comments */
#define TEXT_MAX	1024

static void
describe_words(const struct option *o, char *out, size_t cap)
{
	const struct option_word *w;
	size_t			  n = 0;

	out[0] = '\0';
	for (w = o->words; w->word != NULL && n < cap; w++)
		n += (size_t)snprintf(out + n, cap - n, "%s\"%s\"",
		    w == o->words ? "" : " | ", w->word);
}

void
option_describe(const struct option *o, char *out, size_t cap)
{
	switch (o->type) {
	case OPTION_BOOL:
		snprintf(out, cap, "true | false");
		break;
	case OPTION_NUMBER:
		snprintf(out, cap, "%" PRId64 " to %" PRId64, o->lo, o->hi);
		break;
	case OPTION_WORD:
		describe_words(o, out, cap);
		break;
	case OPTION_ADDRESS:
		snprintf(out, cap, "address");
		break;
	case OPTION_INTERFACE:
		snprintf(out, cap, "interface");
		break;
	case OPTION_NAME:
		snprintf(out, cap, "%" PRId64 " to %" PRId64 " bytes", o->lo,
		    o->hi);
		break;
	case OPTION_FILE:
	case OPTION_STATE:
		snprintf(out, cap, "file");
		break;
	case OPTION_SECRET:
		snprintf(out, cap, "file with %" PRId64 " to %" PRId64 " bytes",
		    o->lo, o->hi);
		break;
	case OPTION_LIST:
	case OPTION_PREFIXES:
		snprintf(out, cap, "at most %" PRId64, o->hi);
		break;
	case OPTION_SECTIONS:
		snprintf(out, cap, "at most %" PRId64 " sections", o->hi);
		break;
	default:
		snprintf(out, cap, "text");
		break;
	}
}

static void
print_list(const char *texts, char *out, size_t cap)
{
	size_t n, at;

	at = (size_t)snprintf(out, cap, "{");
	while (*texts != '\0' && at < cap) {
		n = strcspn(texts, ",");
		at += (size_t)snprintf(out + at, cap - at, "%s\"%.*s\"",
		    at == 1 ? "" : ", ", (int)n, texts);
		texts += n + (texts[n] == ',');
	}
	if (at < cap)
		snprintf(out + at, cap - at, "}");
}

/* As it is written in a file. */
static void
quote(const struct option *o, const char *value, char *out, size_t cap)
{
	if (o->type == OPTION_LIST || o->type == OPTION_PREFIXES)
		print_list(value, out, cap);
	else if (o->type == OPTION_BOOL || o->type == OPTION_NUMBER)
		snprintf(out, cap, "%s", value);
	else
		snprintf(out, cap, "\"%s\"", value);
}

/* The default as it is written in a file: quoted, in braces.  "": none. */
static void
option_default(const struct option *o, char *out, size_t cap)
{
	out[0] = '\0';
	if (o->value != NULL)
		quote(o, o->value, out, cap);
}

/* Comment lines of at most WIDTH. */
static void
print_comment(FILE *f, const char *text, const char *indent)
{
	size_t width, n;

	while (text != NULL && *text != '\0') {
		width = WIDTH - 8 * strlen(indent);
		if (strlen(text) <= width)
			n = strlen(text);
		else
			for (n = width; n > 0 && text[n] != ' '; n--)
				continue;
		if (n == 0)
			n = strlen(text);
		fprintf(f, "%s# %.*s\n", indent, (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
}

static void	print_table(FILE *f, const struct option *table,
		    const char *indent, const char *mark);

/* mark: "#", or "" within a section that is an example as a whole. */
static void
print_option(FILE *f, const struct option *o, const char *indent,
    const char *mark)
{
	char value[TEXT_MAX];

	print_comment(f, o->help, indent);
	option_describe(o, value, sizeof(value));
	fprintf(f, "%s# (%s%s)\n", indent, value,
	    o->when == OPTION_FIXED ? "; restart" : "");
	option_default(o, value, sizeof(value));
	if (value[0] == '\0')
		quote(o, o->example, value, sizeof(value));
	fprintf(f, "%s%s%s = %s%s\n", indent, mark, o->name, value,
	    o->value == NULL ? "\t# for example" : "");
}

/* An example is a title, or a title and all that stands in braces. */
static void
print_section(FILE *f, const struct option *o, const char *indent)
{
	char inner[32];

	print_comment(f, o->help, indent);
	if (o->type == OPTION_SECTIONS && strchr(o->example, '{') != NULL) {
		fprintf(f, "%s#%s %s\n", indent, o->name, o->example);
		return;
	}
	if (o->type == OPTION_SECTION) {
		fprintf(f, "%s%s {\n", indent, o->name);
		snprintf(inner, sizeof(inner), "%s\t", indent);
		print_table(f, o->table, inner, "#");
		fprintf(f, "%s}\n", indent);
	} else {
		fprintf(f, "%s#%s \"%s\" {\n", indent, o->name, o->example);
		snprintf(inner, sizeof(inner), "%s#\t", indent);
		print_table(f, o->table, inner, "");
		fprintf(f, "%s#}\n", indent);
	}
}

static void
print_table(FILE *f, const struct option *table, const char *indent,
    const char *mark)
{
	const struct option *o;

	for (o = table; o->type != OPTION_END; o++) {
		if (o != table)
			fprintf(f, "%.*s\n", *mark == '#' ? 0 :
			    (int)strlen(indent) - 1, indent);
		if (o->type == OPTION_TABLE)
			print_table(f, o->table, indent, mark);
		else if (o->type == OPTION_SECTION ||
		    o->type == OPTION_SECTIONS)
			print_section(f, o, indent);
		else
			print_option(f, o, indent, mark);
	}
}

void
option_print(FILE *f, const struct option *table)
{
	print_table(f, table, "", "#");
}
