/* top.c - the daemons' numbers live in a terminal */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_CURSES
#include <curses.h>
#endif

#include "base/clock.h"
#include "base/control.h"
#include "base/json.h"
#include "ctl/ask.h"
#include "ctl/table.h"
#include "ctl/top.h"

#define TOP_EVERY	2000	/* milliseconds */
#define TOP_TIMEOUT	1500
#define TOP_ROWS	"100"	/* of a table */

struct top {
	struct ask_target target[ASK_SOCKETS_MAX];
	size_t		  n;
	/* metrics, of the last look */
	json_object	 *before[ASK_SOCKETS_MAX];
	uint64_t	  when[ASK_SOCKETS_MAX];
	unsigned	  answers;			/* of this look */
};

/* Families whose counters are traffic, and what they count. */
static const struct {
	const char *name, *what;
} traffic[] = {
	{ "rsip_packet_bytes", "bytes" },
	{ "rsip_packets", "packets" },
	{ "rsip_oe_packets", "packets" },
	{ "rsip_dropped_packets", "dropped" },
	{ "rsip_tunnel_dropped_packets", "dropped" },
	{ "rsip_oe_dropped_packets", "dropped" },
};

/* An object, the caller's to put; NULL with errno. */
static json_object *
top_ask(const struct top *t, size_t i, const char *command)
{
	json_object *req = control_answer("command", command), *answer;

	control_put(req, "limit", TOP_ROWS);
	errno = 0;
	answer = control_ask(t->target[i].socket, req, TOP_TIMEOUT);
	json_object_put(req);
	if (answer != NULL && !json_object_is_type(answer, json_type_object)) {
		json_object_put(answer);
		errno = EPROTO;
		return NULL;
	}
	return answer;
}

/* --- traffic -------------------------------------------------------------- */

static json_object *
samples_of(json_object *answer, const char *family)
{
	json_object *all = json_member(answer, "metrics", json_type_object);

	return json_member(json_member(all, family, json_type_object),
	    "samples", json_type_array);
}

/* What the sample with these labels was before; -1: there was none. */
static int64_t
value_before(json_object *answer, const char *family, const char *labels)
{
	json_object *samples = samples_of(answer, family), *o, *l, *v;
	size_t	     i, n = samples != NULL ?
			    json_object_array_length(samples) : 0;

	for (i = 0; i < n; i++) {
		o = json_object_array_get_idx(samples, i);
		l = json_member(o, "labels", json_type_object);
		v = json_member(o, "value", json_type_int);
		if (l != NULL && v != NULL &&
		    strcmp(json_object_to_json_string(l), labels) == 0)
			return json_object_get_int64(v);
	}
	return -1;
}

/* "esp in bytes": the labels' values, and what is counted. */
static void
label_text(json_object *labels, const char *what, char *out, size_t cap)
{
	size_t n;

	*out = '\0';
	json_object_object_foreach(labels, key, value) {
		(void)key;
		n = strlen(out);
		snprintf(out + n, cap - n, "%s ",
		    json_object_get_string(value));
	}
	n = strlen(out);
	snprintf(out + n, cap - n, "%s", what);
}

static void
column_add(json_object *columns, const char *key, const char *type,
    const char *unit)
{
	json_object *c = control_answer("key", key);

	control_put(c, "type", type);
	control_put(c, "unit", unit);
	json_object_array_add(columns, c);
}

static void
family_rates(json_object *rows, json_object *now, json_object *before,
    const char *family, const char *what, uint64_t milliseconds)
{
	json_object *samples = samples_of(now, family), *o, *labels, *v, *row;
	size_t	     i, n = samples != NULL ?
			    json_object_array_length(samples) : 0;
	int64_t	     value, old;
	char	     text[160];

	for (i = 0; i < n; i++) {
		o = json_object_array_get_idx(samples, i);
		labels = json_member(o, "labels", json_type_object);
		v = json_member(o, "value", json_type_int);
		if (labels == NULL || v == NULL ||
		    (value = json_object_get_int64(v)) == 0)
			continue;
		old = value_before(before, family,
		    json_object_to_json_string(labels));
		label_text(labels, what, text, sizeof(text));
		row = control_answer("traffic", text);
		json_object_object_add(row, "per_second", json_object_new_int64(
		    old < 0 || old > value || milliseconds == 0 ? 0 :
		    (value - old) * 1000 / (int64_t)milliseconds));
		json_object_object_add(row, "total",
		    json_object_new_int64(value));
		json_object_array_add(rows, row);
	}
}

/* Takes now over. */
static void
rates_print(FILE *f, struct top *t, size_t i, json_object *now)
{
	json_object *table = json_object_new_object(), *columns, *rows;
	uint64_t     at = clock_now();
	size_t	     k;

	json_object_object_add(table, "columns",
	    columns = json_object_new_array());
	json_object_object_add(table, "rows", rows = json_object_new_array());
	column_add(columns, "traffic", "text", "");
	column_add(columns, "per_second", "gauge", "bytes");
	column_add(columns, "total", "counter", "bytes");
	for (k = 0; k < sizeof(traffic) / sizeof(traffic[0]); k++)
		family_rates(rows, now, t->before[i], traffic[k].name,
		    traffic[k].what, at - t->when[i]);
	if (table_print(f, table, false))
		putc('\n', f);
	json_object_put(table);
	json_object_put(t->before[i]);
	t->before[i] = now;
	t->when[i] = at;
}

/* --- a look --------------------------------------------------------------- */

/* Of a gateway who is here, of all others what each flow is. */
static void
rows_print(FILE *f, const struct top *t, size_t i, const char *daemon)
{
	json_object *answer = top_ask(t, i, strcmp(daemon, "rsipd") == 0 ?
	    "leases" : "spd"), *more;
	const char  *error = json_member_text(answer, "error");

	if (error != NULL) {
		text_print(f, error);
		putc('\n', f);
	} else if (answer != NULL && !table_print(f, answer, false)) {
		fputs(strcmp(daemon, "rsipd") == 0 ? "no leases\n" :
		    "no policies\n", f);
	}
	if ((more = json_member(answer, "more", json_type_int)) != NULL)
		fprintf(f, "and %lld more\n",
		    (long long)json_object_get_int64(more));
	json_object_put(answer);
}

static void
daemon_print(FILE *f, struct top *t, size_t i)
{
	json_object *status = top_ask(t, i, "status"), *metrics;
	const char  *name = json_member_text(status, "daemon");
	const char  *verdict = json_member_text(status, "verdict");

	if (status == NULL)
		return;
	if (t->answers++ > 0)
		putc('\n', f);
	if (name == NULL)
		name = t->target[i].name;
	text_print(f, name);
	fputs(": ", f);
	text_print(f, verdict != NULL ? verdict : "no verdict");
	fputs("\n\n", f);
	if ((metrics = top_ask(t, i, "metrics")) != NULL)
		rates_print(f, t, i, metrics);
	rows_print(f, t, i, name);
	json_object_put(status);
}

/* The whole of it as text, to be freed; NULL: no memory. */
static char *
top_look(struct top *t)
{
	char	 *text = NULL, when[16];
	size_t	  len, i;
	time_t	  now = time(NULL);
	struct tm tm;
	FILE	 *f = open_memstream(&text, &len);

	if (f == NULL)
		return NULL;
	localtime_r(&now, &tm);
	strftime(when, sizeof(when), "%H:%M:%S", &tm);
	fprintf(f, "%s\n", when);
	t->answers = 0;
	for (i = 0; i < t->n; i++)
		daemon_print(f, t, i);
	if (t->answers == 0)
		fputs("no daemon answers\n", f);
	fclose(f);
	return text;
}

static void
top_clear(struct top *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		json_object_put(t->before[i]);
}

/* --- screens -------------------------------------------------------------- */

static int
top_plain(struct top *t)
{
	char *text;

	for (;;) {
		if ((text = top_look(t)) == NULL)
			return 1;
		fputs(text, stdout);
		putchar('\n');
		free(text);
		if (fflush(stdout) != 0)
			return 1;
		(void)poll(NULL, 0, TOP_EVERY);
	}
}

#ifdef HAVE_CURSES
/* From line first on; returns how many lines there are. */
static int
screen_draw(const char *text, int first)
{
	const char *nl;
	int	    line = 0, n;

	erase();
	for (; *text != '\0'; text = nl + 1, line++) {
		if ((nl = strchr(text, '\n')) == NULL)
			break;
		n = (int)(nl - text) < COLS ? (int)(nl - text) : COLS;
		if (line >= first && line - first < LINES - 1)
			mvaddnstr(line - first, 0, text, n);
	}
	attron(A_REVERSE);
	mvaddnstr(LINES - 1, 0, " q: end  arrows: scroll ", COLS);
	attroff(A_REVERSE);
	refresh();
	return line;
}

/* Which line is first after a key; -1: the end. */
static int
screen_key(int key, int first, int lines)
{
	int most = lines > LINES - 1 ? lines - (LINES - 1) : 0;

	switch (key) {
	case 'q':
	case 'Q':
		return -1;
	case KEY_DOWN:
	case 'j':
		first++;
		break;
	case KEY_UP:
	case 'k':
		first--;
		break;
	case KEY_NPAGE:
		first += LINES - 2;
		break;
	case KEY_PPAGE:
		first -= LINES - 2;
		break;
	}
	return first > most ? most : first < 0 ? 0 : first;
}

static int
top_screen(struct top *t)
{
	uint64_t next = 0;
	char	*text = NULL;
	int	 first = 0, lines = 0;

	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	while (first != -1) {
		if (clock_now() >= next) {
			free(text);
			if ((text = top_look(t)) == NULL)
				break;
			next = clock_now() + TOP_EVERY;
		}
		lines = screen_draw(text, first);
		timeout((int)(next > clock_now() ? next - clock_now() : 1));
		first = screen_key(getch(), first, lines);
	}
	endwin();
	free(text);
	return first == -1 ? 0 : 1;
}

/* A terminal that can be written all over; what it is is said by TERM. */
static bool
screen_open(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) && term != NULL &&
	    *term != '\0' && strcmp(term, "dumb") != 0 &&
	    newterm(NULL, stdout, stdin) != NULL;
}
#endif

int
top_run(const struct ask_request *r)
{
	static struct top t;
	int		  rc;

	t.n = ask_targets(r, t.target);
#ifdef HAVE_CURSES
	if (screen_open()) {
		rc = top_screen(&t);
		top_clear(&t);
		return rc;
	}
#endif
	rc = top_plain(&t);
	top_clear(&t);
	return rc;
}
