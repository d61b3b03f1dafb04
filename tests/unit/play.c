/* play.c - plays scenario files, a command a line, on whatever world a test makes */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "tests/unit/play.h"

#define LINE_MAX_LEN	1024
#define FILES_MAX	1024

static const struct play_stage *stage;
static FILE *log_file;
static int   stderr_fd = -1;

void
play_event(struct play *p, const char *fmt, ...)
{
	va_list ap;

	if (p->tail == PLAY_EVENTS_MAX) {
		play_fail(p, "too many events");
		return;
	}
	va_start(ap, fmt);
	vsnprintf(p->events[p->tail++], PLAY_EVENT_MAX, fmt, ap);
	va_end(ap);
}

void
play_fail(struct play *p, const char *fmt, ...)
{
	va_list ap;

	if (p->error[0] != '\0')
		return;
	va_start(ap, fmt);
	vsnprintf(p->error, sizeof(p->error), fmt, ap);
	va_end(ap);
}

/* --- words ---------------------------------------------------------------- */

const char *
play_option(const struct play *p, const char *name)
{
	size_t	 n = strlen(name);
	unsigned i;

	for (i = 1; i < p->n; i++) {
		if (strncmp(p->words[i], name, n) == 0 &&
		    p->words[i][n] == '=')
			return p->words[i] + n + 1;
	}
	return NULL;
}

unsigned long
play_number(const struct play *p, const char *name, unsigned long preset)
{
	const char *text = play_option(p, name);

	return text == NULL ? preset : strtoul(text, NULL, 0);
}

bool
play_flag(const struct play *p, const char *word)
{
	unsigned i;

	for (i = 1; i < p->n; i++) {
		if (strcmp(p->words[i], word) == 0)
			return true;
	}
	return false;
}

unsigned long long
play_word_number(struct play *p, unsigned at)
{
	unsigned long long n;
	char		  *end;

	if (at >= p->n || !isdigit((unsigned char)*p->words[at])) {
		play_fail(p, "a number is missing");
		return 0;
	}
	n = strtoull(p->words[at], &end, 0);
	if (*end != '\0')
		play_fail(p, "%s is no number", p->words[at]);
	return n;
}

uint32_t
play_address(struct play *p, const char *text)
{
	struct in_addr a = { 0 };

	if (inet_pton(AF_INET, text, &a) != 1)
		play_fail(p, "%s is no address", text);
	return a.s_addr;
}

void
play_same(struct play *p, const char *got, const char *want)
{
	if (strcmp(got, want) != 0)
		play_fail(p, "it is \"%s\"", got);
}

void
play_same_number(struct play *p, unsigned long long got,
    unsigned long long want)
{
	if (got != want)
		play_fail(p, "it is %llu", got);
}

/* --- what every stage knows ----------------------------------------------- */

/* Is it one of the event's words after the first? */
static bool
event_has(const char *event, const char *word)
{
	size_t	    n = strlen(word);
	const char *at;

	for (at = event; (at = strstr(at, word)) != NULL; at++) {
		if (at > event && at[-1] == ' ' &&
		    (at[n] == '\0' || at[n] == ' '))
			return true;
	}
	return false;
}

/* Does the event begin with what the line says? */
static void
expect_whole(struct play *p, const char *event)
{
	const char *comment = strstr(p->rest, " #");
	size_t	    n = comment == NULL ? strlen(p->rest) :
			(size_t)(comment - p->rest);

	if (strncmp(event, p->rest, n) != 0 ||
	    (event[n] != '\0' && event[n] != ' '))
		play_fail(p, "this happened: %s", event);
}

static void
play_expect(struct play *p)
{
	const char *event;
	char	    name[64];
	unsigned    i;
	size_t	    n;

	if (p->head == p->tail) {
		play_fail(p, "nothing happened");
		return;
	}
	event = p->events[p->head++];
	if (stage->whole) {
		expect_whole(p, event);
		return;
	}
	n = strlen(p->words[1]);
	if (strncmp(event, p->words[1], n) != 0 ||
	    (event[n] != '\0' && event[n] != ' '))
		play_fail(p, "this happened: %s", event);
	for (i = 2; i < p->n; i++) {
		if (*p->words[i] == '!') {
			snprintf(name, sizeof(name), " %s=", p->words[i] + 1);
			if (strstr(event, name) != NULL)
				play_fail(p, "there is%sin: %s", name, event);
		} else if (!event_has(event, p->words[i]))
			play_fail(p, "no %s in: %s", p->words[i], event);
	}
}

static void
play_quiet(struct play *p)
{
	if (p->head != p->tail)
		play_fail(p, "unexpected before this: %s", p->events[p->head]);
	p->head = p->tail = 0;
}

static void
play_skip(struct play *p)
{
	p->head = p->tail = 0;
}

static void
play_logged(struct play *p)
{
	char   text[8192];
	size_t n;

	fflush(stderr);
	rewind(log_file);
	n = fread(text, 1, sizeof(text) - 1, log_file);
	text[n] = '\0';
	if (strstr(text, p->words[1]) == NULL)
		play_fail(p, "the log says: %s", n == 0 ? "nothing" : text);
}

static void play_repeat(struct play *p);

static const struct play_command common[] = {
	{ "expect", 2, false, play_expect },
	{ "quiet", 1, false, play_quiet },
	{ "skip-events", 1, false, play_skip },
	{ "logged", 2, false, play_logged },
	{ "repeat", 3, false, play_repeat },
	{ NULL, 0, false, NULL },
};

/* --- playing -------------------------------------------------------------- */

static const struct play_command *
play_find(const struct play_command *c, const char *name)
{
	for (; c->name != NULL; c++) {
		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

static void
play_words(struct play *p)
{
	const struct play_command *c = play_find(common, p->words[0]);
	const struct play_command *const *more;

	if (stage->ready != NULL)
		stage->ready(p);
	if (c == NULL)
		c = play_find(stage->commands, p->words[0]);
	for (more = stage->more; c == NULL && more != NULL && *more != NULL;
	    more++)
		c = play_find(*more, p->words[0]);
	if (c == NULL || p->n < c->words) {
		play_fail(p, c == NULL ? "no such command" : "too few words");
		return;
	}
	if (c->acts) {
		play_quiet(p);
		fflush(stderr);
		if (ftruncate(fileno(log_file), 0) == 0)
			rewind(log_file);
	}
	if (p->error[0] == '\0')
		c->fn(p);
	if (stage->done != NULL)
		stage->done(p);
}

static void
play_repeat(struct play *p)
{
	unsigned long long n = play_word_number(p, 1);
	char		  *words[PLAY_WORDS_MAX];
	unsigned	   nwords = p->n;

	memcpy(words, p->words, sizeof(words));
	for (; n > 0 && p->error[0] == '\0'; n--) {
		p->n = nwords - 2;
		memcpy(p->words, words + 2, p->n * sizeof(p->words[0]));
		play_words(p);
		play_skip(p);
	}
}

/* Cuts a line into words. */
static void
play_split(struct play *p, char *line)
{
	p->n = 0;
	while (p->n < PLAY_WORDS_MAX) {
		while (isspace((unsigned char)*line))
			line++;
		if (*line == '\0' || *line == '#')
			return;
		if (*line == '"') {
			p->words[p->n++] = ++line;
			line += strcspn(line, "\"");
		} else {
			p->words[p->n++] = line;
			line += strcspn(line, " \t\n");
		}
		if (*line != '\0')
			*line++ = '\0';
	}
}

/* What is logged goes to a file that "logged" reads. */
static void
log_divert(bool on)
{
	fflush(stderr);
	if (on)
		dup2(fileno(log_file), STDERR_FILENO);
	else
		dup2(stderr_fd, STDERR_FILENO);
}

static void
play(void **state)
{
	static struct play p;
	char  line[LINE_MAX_LEN], copy[LINE_MAX_LEN] = "", *end;
	FILE *f;

	memset(&p, 0, sizeof(p));
	p.path = *state;
	if ((f = fopen(p.path, "r")) == NULL)
		fail_msg("%s: cannot be read", p.path);
	log_divert(true);
	stage->begin(&p);
	while (p.error[0] == '\0' && fgets(line, sizeof(line), f) != NULL) {
		p.line++;
		for (end = line + strlen(line); end > line &&
		    isspace((unsigned char)end[-1]); end--)
			end[-1] = '\0';
		snprintf(copy, sizeof(copy), "%s", line);
		p.rest = copy + strspn(copy, " \t");
		p.rest += strcspn(p.rest, " \t");
		p.rest += strspn(p.rest, " \t");
		play_split(&p, line);
		if (p.n > 0 && p.error[0] == '\0')
			play_words(&p);
	}
	fclose(f);
	if (p.error[0] == '\0')
		play_quiet(&p);
	stage->end(&p);
	log_divert(false);
	if (p.error[0] != '\0')
		fail_msg("%s:%u: %s\n  %s", p.path, p.line, copy, p.error);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct CMUnitTest *)a)->name,
	    ((const struct CMUnitTest *)b)->name);
}

int
play_main(const struct play_stage *s, int argc, char **argv)
{
	struct CMUnitTest *tests = xcalloc(FILES_MAX, sizeof(*tests));
	struct dirent	  *e;
	const char	  *srcdir = getenv("srcdir");
	char		   dir[1024], path[2048];
	size_t		   n = 0, i;
	DIR		  *d;
	int		   failed;

	stage = s;
	for (i = 1; i < (size_t)argc && n < FILES_MAX; i++)
		tests[n++].name = xstrdup(argv[i]);
	snprintf(dir, sizeof(dir), "%s/tests/unit/%s",
	    srcdir == NULL ? "." : srcdir, stage->folder);
	if (argc < 2 && (d = opendir(dir)) != NULL) {
		while ((e = readdir(d)) != NULL && n < FILES_MAX) {
			if (strstr(e->d_name, ".scn") == NULL)
				continue;
			snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
			tests[n++].name = xstrdup(path);
		}
		closedir(d);
	}
	if (n == 0)
		errx(1, "%s: no scenarios", dir);
	qsort(tests, n, sizeof(*tests), by_name);
	for (i = 0; i < n; i++) {
		tests[i].test_func = play;
		tests[i].initial_state = (void *)(uintptr_t)tests[i].name;
	}
	if ((log_file = tmpfile()) == NULL ||
	    (stderr_fd = dup(STDERR_FILENO)) == -1)
		err(1, "temporary files");
	failed = _cmocka_run_group_tests("scenarios", tests, n, NULL, NULL);
	for (i = 0; i < n; i++)
		free((void *)(uintptr_t)tests[i].name);
	free(tests);
	return failed != 0;
}
