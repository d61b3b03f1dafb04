/* option.c - what a configuration may say, as one table: reading it, and what differs in two */
#include "config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/option.h"
#include "base/util.h"

#define NAME_MAX_LEN	96	/* of "section.option" */
#define VALUE_MAX	512	/* of a default */

/* --- libConfuse's table --------------------------------------------------- */

static size_t
count_options(const struct option *table)
{
	size_t n = 0;

	for (; table->type != OPTION_END; table++)
		n += table->type == OPTION_TABLE ? count_options(table->table) :
		    1;
	return n;
}

static cfg_opt_t *confuse_table(const struct option *table);

/* Numbers are texts for it: it keeps them in a long, and takes "" for 0. */
static cfg_opt_t
confuse_option(const struct option *o)
{
	switch (o->type) {
	case OPTION_BOOL:
		return (cfg_opt_t)CFG_BOOL(o->name, cfg_false, CFGF_NODEFAULT);
	case OPTION_LIST:
	case OPTION_PREFIXES:
		return (cfg_opt_t)CFG_STR_LIST(o->name, NULL, CFGF_NODEFAULT);
	case OPTION_SECTION:
		return (cfg_opt_t)CFG_SEC(o->name, confuse_table(o->table),
		    CFGF_NONE);
	case OPTION_SECTIONS:
		return (cfg_opt_t)CFG_SEC(o->name, confuse_table(o->table),
		    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	default:
		break;
	}
	return (cfg_opt_t)CFG_STR(o->name, NULL, CFGF_NODEFAULT);
}

static size_t
confuse_fill(cfg_opt_t *out, const struct option *table)
{
	size_t n = 0;

	for (; table->type != OPTION_END; table++) {
		if (table->type == OPTION_TABLE)
			n += confuse_fill(out + n, table->table);
		else
			out[n++] = confuse_option(table);
	}
	return n;
}

static cfg_opt_t *
confuse_table(const struct option *table)
{
	size_t	   n = count_options(table);
	cfg_opt_t *out = xcalloc(n + 1, sizeof(*out));

	confuse_fill(out, table);
	out[n] = (cfg_opt_t)CFG_END();
	return out;
}

static void
confuse_free(cfg_opt_t *opts)
{
	cfg_opt_t *o;

	for (o = opts; o->name != NULL; o++) {
		if (o->type == CFGT_SEC)
			confuse_free(o->subopts);
	}
	free(opts);
}

cfg_t *
option_parse(const char *path, const struct option *table, bool optional)
{
	cfg_opt_t *opts = confuse_table(table);
	cfg_t	  *cfg = conf_read(path, opts, optional);

	confuse_free(opts);	/* libConfuse has a copy */
	return cfg;
}

cfg_t *
option_parse_nothing(const struct option *table)
{
	cfg_opt_t *opts = confuse_table(table);
	cfg_t	  *cfg = cfg_init(opts, CFGF_NONE);

	confuse_free(opts);
	return cfg;
}

/* --- values --------------------------------------------------------------- */

void *
option_member(const struct option *o, void *to)
{
	size_t *n;

	if (o->type != OPTION_LIST)
		return (uint8_t *)to + o->offset;
	n = (void *)((uint8_t *)to + o->count);
	return (uint8_t *)to + o->offset + (*n)++ * o->size;
}

static void
store(const struct option *o, void *to, uint64_t v)
{
	void *at = option_member(o, to);

	switch (o->size) {
	case 1:
		*(uint8_t *)at = (uint8_t)v;
		break;
	case 2:
		*(uint16_t *)at = (uint16_t)v;
		break;
	case 4:
		*(uint32_t *)at = (uint32_t)v;
		break;
	default:
		*(uint64_t *)at = v;
		break;
	}
}

static int
take_bool(cfg_t *cfg, const struct option *o, void *to, const char *text)
{
	(void)cfg;
	*(bool *)option_member(o, to) = strcmp(text, "true") == 0;
	return 0;
}

static int
take_number(cfg_t *cfg, const struct option *o, void *to, const char *text)
{
	char   *end;
	int64_t v;

	errno = 0;
	v = strtoll(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0') {
		conf_error(cfg, "%s is \"%s\": it must be a number", o->name,
		    text);
		return -1;
	}
	if (v < o->lo || v > o->hi) {
		conf_error(cfg, "%s is %" PRId64 ": it must be between %" PRId64
		    " and %" PRId64, o->name, v, o->lo, o->hi);
		return -1;
	}
	store(o, to, (uint64_t)v * (o->scale == 0 ? 1 : o->scale));
	return 0;
}

static int
take_word(cfg_t *cfg, const struct option *o, void *to, const char *text)
{
	const struct option_word *w;
	char			  words[VALUE_MAX];

	for (w = o->words; w->word != NULL; w++) {
		if (strcmp(w->word, text) == 0) {
			store(o, to, (uint64_t)w->value);
			return 0;
		}
	}
	option_describe(o, words, sizeof(words));
	conf_error(cfg, "%s is \"%s\": it must be one of %s", o->name, text,
	    words);
	return -1;
}

static int
take_text(cfg_t *cfg, const struct option *o, void *to, const char *text)
{
	char **at = option_member(o, to);

	(void)cfg;
	free(*at);
	*at = xstrdup(text);
	return 0;
}

static int
take_name(cfg_t *cfg, const struct option *o, void *to, const char *text)
{
	size_t len = strlen(text);
	bool   interface = o->type == OPTION_INTERFACE;

	if (interface ? len == 0 || strpbrk(text, "/ ") != NULL :
	    len < (size_t)o->lo) {
		conf_error(cfg, "%s: \"%s\" is no name%s", o->name, text,
		    interface ? " of an interface" : "");
		return -1;
	}
	if (len >= o->size) {
		conf_error(cfg, "%s: \"%s\" has more than %d bytes", o->name,
		    text, o->size - 1);
		return -1;
	}
	memcpy(option_member(o, to), text, len + 1);
	return 0;
}

/*
 * A secret's file, as conf_open_secret() allows it: its bytes without white
 * space at the end, lo to hi of them.  0, or -1 after one log line.
 */
static int
option_secret_read(struct option_secret *out, const char *path, size_t lo,
    size_t hi)
{
	uint8_t buf[OPTION_SECRET_MAX + 64];	/* white space beyond it */
	size_t	len = 0;
	ssize_t n;
	int	fd, rc = -1;

	if ((fd = conf_open_secret(path)) == -1)
		return -1;
	while (len < sizeof(buf) &&
	    (n = read(fd, buf + len, sizeof(buf) - len)) > 0)
		len += (size_t)n;
	close(fd);
	while (len > 0 && isspace(buf[len - 1]))
		len--;
	if (len < lo || len > hi || len > sizeof(out->bytes)) {
		log_error("%s: a secret has %zu to %zu bytes", path, lo, hi);
	} else {
		memcpy(out->bytes, buf, len);
		out->len = len;
		rc = 0;
	}
	wipe(buf, sizeof(buf));
	return rc;
}

static int
take_secret(cfg_t *cfg, const struct option *o, void *to, const char *text)
{
	(void)cfg;
	return option_secret_read(option_member(o, to), text, (size_t)o->lo,
	    (size_t)o->hi);
}

static int
take_value(cfg_t *cfg, const struct option *o, void *to, const char *text)
{
	static int (*const takes[])(cfg_t *, const struct option *, void *,
	    const char *) = {
		[OPTION_BOOL] = take_bool,
		[OPTION_NUMBER] = take_number,
		[OPTION_WORD] = take_word,
		[OPTION_TEXT] = take_text,
		[OPTION_NAME] = take_name,
		[OPTION_INTERFACE] = take_name,
		[OPTION_FILE] = take_text,
		[OPTION_STATE] = take_text,
		[OPTION_SECRET] = take_secret,
	};

	if (o->take != NULL)
		return o->take(to, cfg, o, text);
	/* Lists and addresses bring one. */
	assert(o->type <= OPTION_SECRET && takes[o->type] != NULL);
	return takes[o->type](cfg, o, to, text);
}

/* --- reading -------------------------------------------------------------- */

/* What stands at place i, as a text. */
static const char *
value_text(cfg_t *cfg, const struct option *o, unsigned i)
{
	if (o->type == OPTION_BOOL)
		return cfg_getbool(cfg, o->name) ? "true" : "false";
	return cfg_getnstr(cfg, o->name, i);
}

/* Do two texts say the same? */
static bool
same_text(const struct option *o, const char *a, const char *b)
{
	if (o->type == OPTION_NUMBER)
		return strtoll(a, NULL, 0) == strtoll(b, NULL, 0);
	return strcmp(a, b) == 0;
}

/* A default's next text: where it begins is moved behind it.  False: none. */
static bool
default_next(const struct option *o, const char **at, char *out, size_t cap)
{
	bool   list = o->type == OPTION_LIST || o->type == OPTION_PREFIXES;
	size_t n;

	if (*at == NULL)
		return false;
	n = list ? strcspn(*at, ",") : strlen(*at);
	snprintf(out, cap, "%.*s", (int)n, *at);
	*at = (*at)[n] == ',' ? *at + n + 1 : NULL;
	return true;
}

static int
read_values(cfg_t *cfg, const struct option *o, void *to, uint32_t *set)
{
	unsigned    i, n = cfg_size(cfg, o->name);
	const char *at = o->value;
	char	    text[VALUE_MAX];

	if ((o->type == OPTION_LIST || o->type == OPTION_PREFIXES) &&
	    n > o->hi) {
		conf_error(cfg, "%s: more than %" PRId64, o->name, o->hi);
		return -1;
	}
	if (n == 0 && set != NULL)
		return 0;
	if (set != NULL)
		*set |= o->bit;
	for (i = 0; i < n; i++) {
		if (take_value(cfg, o, to, value_text(cfg, o, i)) == -1)
			return -1;
	}
	while (n == 0 && default_next(o, &at, text, sizeof(text))) {
		if (take_value(cfg, o, to, text) == -1)
			return -1;
	}
	return 0;
}

static int
read_sections(cfg_t *cfg, const struct option *o, void *to)
{
	struct option_source s = { NULL, NULL };
	unsigned	     i, n = cfg_size(cfg, o->name);

	if (n > o->hi) {
		conf_error(cfg, "more than %" PRId64 " of %s", o->hi, o->name);
		return -1;
	}
	for (i = 0; i < n; i++) {
		s.cfg = cfg_getnsec(cfg, o->name, i);
		if (o->open(to, &s, o) == -1)
			return -1;
	}
	return 0;
}

static int
read_one(const struct option *o, const struct option_source *s, void *to,
    uint32_t *set)
{
	cfg_t		    *cfg = s->cfg;
	struct option_source in;

	if (o->when == OPTION_FIXED && s->fixed != NULL)
		cfg = s->fixed;
	switch (o->type) {
	case OPTION_TABLE:
		return o->open(to, s, o);
	case OPTION_SECTIONS:
		return read_sections(cfg, o, to);
	case OPTION_SECTION:
		in.cfg = cfg_getsec(s->cfg, o->name);
		in.fixed = s->fixed == NULL ? NULL :
		    cfg_getsec(s->fixed, o->name);
		return o->open != NULL ? o->open(to, &in, o) :
		    option_read_set(o->table, &in, to, set);
	default:
		return read_values(cfg, o, to, set);
	}
}

int
option_read_set(const struct option *table, const struct option_source *s,
    void *to, uint32_t *set)
{
	for (; table->type != OPTION_END; table++) {
		if (read_one(table, s, to, set) == -1)
			return -1;
	}
	return 0;
}

int
option_read(const struct option *table, const struct option_source *s, void *to)
{
	return option_read_set(table, s, to, NULL);
}

void
option_clear(const struct option *table, void *to)
{
	char **text;

	for (; table->type != OPTION_END; table++) {
		switch (table->type) {
		case OPTION_TEXT:
		case OPTION_FILE:
		case OPTION_STATE:
			if (table->take != NULL)
				break;
			text = option_member(table, to);
			free(*text);
			*text = NULL;
			break;
		case OPTION_SECRET:
			wipe(option_member(table, to), table->size);
			break;
		case OPTION_SECTION:
			if (table->open == NULL)
				option_clear(table->table, to);
			break;
		default:
			break;
		}
	}
}

/* --- two files, and the files of one -------------------------------------- */

static bool
same_values(const struct option *o, cfg_t *a, cfg_t *b)
{
	unsigned    i, n = cfg_size(a, o->name), m = cfg_size(b, o->name);
	const char *at = o->value;
	char	    text[VALUE_MAX];
	cfg_t	   *c = n == 0 ? b : a;

	if (n != 0 && m != 0) {
		for (i = 0; i < n && n == m; i++) {
			if (!same_text(o, value_text(a, o, i),
			    value_text(b, o, i)))
				return false;
		}
		return n == m;
	}
	/* The other one is the default. */
	for (i = 0; default_next(o, &at, text, sizeof(text)); i++) {
		if (n + m != 0 && (i >= n + m ||
		    !same_text(o, value_text(c, o, i), text)))
			return false;
	}
	return n + m == 0 || i == n + m;
}

static bool	same_table(const struct option *table, cfg_t *a, cfg_t *b);

static bool
same_sections(const struct option *o, cfg_t *a, cfg_t *b)
{
	unsigned i, n = cfg_size(a, o->name);
	cfg_t	*x, *y;

	if (n != cfg_size(b, o->name))
		return false;
	for (i = 0; i < n; i++) {
		x = cfg_getnsec(a, o->name, i);
		y = cfg_getnsec(b, o->name, i);
		if (strcmp(cfg_title(x), cfg_title(y)) != 0 ||
		    !same_table(o->table, x, y))
			return false;
	}
	return true;
}

struct difference {
	option_differ_fn fn;
	void		*arg;
};

static void
differ(const struct option *table, cfg_t *a, cfg_t *b, const char *in,
    const struct difference *d)
{
	char name[NAME_MAX_LEN];

	for (; table->type != OPTION_END; table++) {
		if (table->type == OPTION_TABLE) {
			differ(table->table, a, b, in, d);
			continue;
		}
		snprintf(name, sizeof(name), "%s%s%s", in, *in == '\0' ? "" :
		    ".", table->name);
		if (table->type == OPTION_SECTION)
			differ(table->table, cfg_getsec(a, table->name),
			    cfg_getsec(b, table->name), name, d);
		else if (table->type == OPTION_SECTIONS ?
		    !same_sections(table, a, b) : !same_values(table, a, b))
			d->fn(d->arg, name, table);
	}
}

void
option_differ(const struct option *table, cfg_t *a, cfg_t *b,
    option_differ_fn fn, void *arg)
{
	struct difference d = { fn, arg };

	differ(table, a, b, "", &d);
}

static void
note_difference(void *arg, const char *name, const struct option *o)
{
	bool *same = arg;

	(void)name;
	(void)o;
	*same = false;
}

static bool
same_table(const struct option *table, cfg_t *a, cfg_t *b)
{
	bool same = true;

	option_differ(table, a, b, note_difference, &same);
	return same;
}

static void
value_files(const struct option *o, cfg_t *cfg, option_file_fn fn, void *arg)
{
	unsigned    i, n = cfg_size(cfg, o->name);
	const char *text;

	/* A default one may be made while the daemon runs. */
	if (n == 0 && o->value != NULL && *o->value == '/')
		fn(arg, o->value, o->type == OPTION_STATE);
	for (i = 0; i < n; i++) {
		text = cfg_getnstr(cfg, o->name, i);
		if (o->type == OPTION_PREFIXES ? *text == '/' : *text != '\0')
			fn(arg, text, o->type == OPTION_STATE);
	}
}

void
option_files(const struct option *table, cfg_t *cfg, option_file_fn fn,
    void *arg)
{
	unsigned i;

	for (; table->type != OPTION_END; table++) {
		switch (table->type) {
		case OPTION_FILE:
		case OPTION_STATE:
		case OPTION_SECRET:
		case OPTION_PREFIXES:
			value_files(table, cfg, fn, arg);
			break;
		case OPTION_TABLE:
			option_files(table->table, cfg, fn, arg);
			break;
		case OPTION_SECTION:
		case OPTION_SECTIONS:
			for (i = 0; i < cfg_size(cfg, table->name); i++)
				option_files(table->table, cfg_getnsec(cfg,
				    table->name, i), fn, arg);
			break;
		default:
			break;
		}
	}
}
