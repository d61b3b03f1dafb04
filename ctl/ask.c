/* ask.c - the commands that daemons answer: asking, and printing what they say */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/control.h"
#include "base/json.h"
#include "base/metrics.h"
#include "ctl/ask.h"
#include "ctl/table.h"

#define WATCH_RETRY	250000	/* microseconds between looks whether
				 * a daemon is back */
#define ASK_TIMEOUT	5000	/* milliseconds; a daemon reloading
				 * asks DNS of nobody */

enum {				/* who may know a command */
	RSIPD = 1,
	RSIPC = 2,
	OED = 4,
	OE = RSIPC | OED,
	ALL = RSIPD | OE,
};

static const struct daemon {
	unsigned    bit;
	const char *name, *socket;
} daemons[] = {
	{ RSIPD, "rsipd", RUNDIR "/rsipd.sock" },
	{ RSIPC, "rsipc", RUNDIR "/rsipc.sock" },
	{ OED, "oed", RUNDIR "/oed.sock" },
};
#define NDAEMONS (sizeof(daemons) / sizeof(daemons[0]))

static const struct command {
	const char *name;
	unsigned    who;
	const char *nothing;		/* what a table without rows
					 * says; NULL: no table */
} commands[] = {
	{ "status", ALL, NULL },
	{ "leases", RSIPD | RSIPC, "no leases" },
	{ "flows", RSIPD, "no flows" },
	{ "sa", OE, "no security associations" },
	{ "spd", OE, "no policies" },
	{ "why", OE, NULL },
	{ "metrics", ALL, NULL },
	{ "schema", ALL, NULL },
	{ "reload", ALL, NULL },
	{ "watch", ALL, NULL },
};

static const struct command *
command_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

bool
ask_known(const char *command)
{
	return command_find(command) != NULL;
}

static void
json_print(json_object *o)
{
	/* One call, so that lines of several daemons do not mix. */
	fprintf(stdout, "%s\n", json_object_to_json_string_ext(o,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
}

/* An answer as people read it; name is the daemon's, many: several answered. */
static void
answer_print(const struct command *cmd, json_object *answer, const char *name,
    bool many, bool verbose)
{
	const char *line = json_member_text(answer, "line");

	if (cmd->nothing != NULL) {
		if (many)
			printf("%s:\n", name);
		if (!table_print(stdout, answer, verbose))
			printf("%s\n", cmd->nothing);
		return;
	}
	if (strcmp(cmd->name, "schema") == 0) {
		json_print(answer);
		return;
	}
	if (strcmp(cmd->name, "status") == 0) {
		if (json_member_text(answer, "verdict") != NULL) {
			printf("%s: ", name);
			text_print(stdout, json_member_text(answer, "verdict"));
			putchar('\n');
			json_object_object_del(answer, "verdict");
		}
		lines_print(stdout, answer, verbose);
		return;
	}
	if (many || line == NULL)
		printf("%s: ", name);
	if (line != NULL) {
		text_print(stdout, line);
		putchar('\n');
	} else if (strcmp(cmd->name, "reload") == 0)
		printf("reloaded\n");
	else
		event_print(stdout, answer, "daemon");
}

/* Why a daemon did not answer, for the errno of control_ask(). */
static void
silence_explain(const char *name, const char *socket, int error)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		fprintf(stderr, "rsipctl: %s does not run (%s: %s)\n", name,
		    socket, strerror(error));
		break;
	case EAGAIN:
	case ETIMEDOUT:
		fprintf(stderr, "rsipctl: %s does not answer at %s\n", name,
		    socket);
		break;
	default:
		fprintf(stderr, "rsipctl: %s: %s\n", socket, strerror(error));
		break;
	}
}

struct target {
	const char  *name;		/* a daemon's, or the
					 * socket that was named */
	const char  *socket;
	json_object *answer;
	bool	     json;		/* of watch */
	bool	     refused;		/* to be watched, and that was said */
};

/* Whom to ask. */
static size_t
targets_find(struct target *t, const struct ask_request *r,
    const struct command *cmd)
{
	size_t n = 0, i;

	memset(t, 0, sizeof(*t) * ASK_SOCKETS_MAX);
	for (i = 0; i < r->nsockets; i++, n++)
		t[n].name = t[n].socket = r->sockets[i];
	for (i = 0; r->nsockets == 0 && i < NDAEMONS; i++) {
		if (!(cmd->who & daemons[i].bit))
			continue;
		t[n].name = daemons[i].name;
		t[n++].socket = daemons[i].socket;
	}
	for (i = 0; i < n; i++)
		t[i].json = r->json;
	return n;
}

size_t
ask_targets(const struct ask_request *r, struct ask_target out[ASK_SOCKETS_MAX])
{
	struct target t[ASK_SOCKETS_MAX];
	size_t	      n = targets_find(t, r, command_find("status")), i;

	for (i = 0; i < n; i++) {
		out[i].name = t[i].name;
		out[i].socket = t[i].socket;
	}
	return n;
}

static void
nobody_explain(const struct target *t, size_t n)
{
	size_t i;

	fputs("rsipctl: no daemon answers: ", stderr);
	for (i = 0; i < n; i++)
		fprintf(stderr, "%s%s (%s)", i == 0 ? "" :
		    i + 1 == n ? " and " : ", ", t[i].name, t[i].socket);
	fputs(n == 1 ? " does not run\n" : " do not run\n", stderr);
}

/* --- watch ---------------------------------------------------------------- */

static bool
watch_event(void *arg, json_object *event)
{
	struct target *t = arg;
	const char    *name = json_member_text(event, "daemon");
	const char    *error = json_member_text(event, "error");
	char	       when[16];
	struct tm      tm;
	time_t	       now = time(NULL);

	if (!json_object_is_type(event, json_type_object))
		return true;
	if (error != NULL) {
		fprintf(stderr, "rsipctl: %s: ", t->name);
		text_print(stderr, strcmp(error, "unknown command") == 0 ?
		    "only root and group " RSIP_GROUP " may watch" : error);
		fputc('\n', stderr);
		t->refused = true;
		return false;
	}
	if (t->json) {
		json_print(event);
		return true;
	}
	localtime_r(&now, &tm);
	strftime(when, sizeof(when), "%H:%M:%S", &tm);
	flockfile(stdout);
	printf("%s ", when);
	text_print(stdout, name != NULL ? name : t->name);
	putchar(' ');
	event_print(stdout, event, "daemon");
	fflush(stdout);
	funlockfile(stdout);
	return true;
}

static void
watch_said(const struct target *t, const char *what)
{
	fprintf(stderr, "rsipctl: %s %s\n", t->name, what);
}

/* Is anybody there?  A watcher of a daemon that is not would
 * only add a line. */
static bool
watch_probe(const char *socket)
{
	json_object *req = control_answer("command", "status"), *answer;

	answer = control_ask(socket, req, ASK_TIMEOUT);
	json_object_put(req);
	json_object_put(answer);
	return answer != NULL;
}

static void *
watch_one(void *arg)
{
	struct target *t = arg;
	bool	       gone;

	while (!t->refused) {
		errno = 0;
		gone = control_watch(t->socket, watch_event, t) == -1 &&
		    errno != 0 && errno != ECONNRESET;
		if (t->refused)
			break;
		if (gone && errno != ENOENT && errno != ECONNREFUSED) {
			silence_explain(t->name, t->socket, errno);
			break;
		}
		/* A daemon that is started again is watched again. */
		watch_said(t, "went away");
		do
			usleep(WATCH_RETRY);
		while (!watch_probe(t->socket));
		watch_said(t, "is back");
	}
	return NULL;
}

static int
watch_run(struct target *t, size_t n)
{
	pthread_t thread[ASK_SOCKETS_MAX];
	bool	  started[ASK_SOCKETS_MAX] = { false };
	size_t	  i, alive = 0;

	for (i = 0; i < n; i++) {
		if (!watch_probe(t[i].socket))
			continue;
		if (pthread_create(&thread[i], NULL, watch_one, &t[i]) != 0) {
			fputs("rsipctl: cannot start a thread\n", stderr);
			return 1;
		}
		started[i] = true;
		alive++;
	}
	if (alive == 0) {
		nobody_explain(t, n);
		return 1;
	}
	for (i = 0; i < n; i++) {
		if (started[i])
			pthread_join(thread[i], NULL);
	}
	return 1;		/* watching only ends by a signal, or
				 * where it may not be */
}

/* --- everything else ------------------------------------------------------ */

static const char *
target_name(const struct target *t)
{
	const char *name = json_member_text(t->answer, "daemon");

	return name != NULL ? name : t->name;
}

static unsigned
answer_number(json_object *o, const char *key)
{
	json_object *v = json_member(o, key, json_type_int);

	return v == NULL ? 0 : (unsigned)json_object_get_int(v);
}

bool
ask_keys(const struct ask_request *r, const char *address, struct ask_keys *out)
{
	struct target t[ASK_SOCKETS_MAX];
	json_object  *req = control_answer("command", "why");
	const char   *policy;
	size_t	      n = targets_find(t, r, command_find("why")), i;
	bool	      found = false;

	control_put(req, "address", address);
	for (i = 0; i < n && !found; i++) {
		t[i].answer = control_ask(t[i].socket, req, ASK_TIMEOUT);
		policy = json_member_text(t[i].answer, "policy");
		if (policy != NULL && strcmp(policy, "encrypt") == 0) {
			found = true;
			snprintf(out->daemon, sizeof(out->daemon), "%s",
			    target_name(&t[i]));
			out->version = answer_number(t[i].answer,
			    "ike_version");
			out->silent = answer_number(t[i].answer, "silent");
		}
		json_object_put(t[i].answer);
	}
	json_object_put(req);
	return found;
}

/* All daemons' as one document. */
static void
targets_metrics(struct target *t, size_t n)
{
	json_object *answers[ASK_SOCKETS_MAX];
	size_t	     i, k = 0;

	for (i = 0; i < n; i++) {
		if (t[i].answer != NULL)
			answers[k++] = t[i].answer;
	}
	if (k > 0)
		metrics_print(stdout, answers, k);
}

int
ask_run(const struct ask_request *r)
{
	const struct command *cmd = command_find(r->command);
	struct target	      t[ASK_SOCKETS_MAX];
	const char	     *error;
	json_object	     *req;
	size_t		      n, i, answers = 0, good = 0;
	const char	     *sep = "";
	int		      status = 0;

	n = targets_find(t, r, cmd);
	if (strcmp(r->command, "watch") == 0)
		return watch_run(t, n);
	req = control_answer("command", r->command);
	if (r->address != NULL)
		control_put(req, "address", r->address);
	for (i = 0; i < n; i++) {
		errno = 0;
		t[i].answer = control_ask(t[i].socket, req, ASK_TIMEOUT);
		if (t[i].answer != NULL &&
		    !json_object_is_type(t[i].answer, json_type_object)) {
			json_object_put(t[i].answer);
			t[i].answer = NULL;
			errno = EPROTO;
		}
		if (t[i].answer != NULL) {
			answers++;
			if (json_member_text(t[i].answer, "error") == NULL)
				good++;
		} else if (r->nsockets != 0 ||
		    (errno != ENOENT && errno != ECONNREFUSED)) {
			silence_explain(t[i].name, t[i].socket, errno);
			status = 1;
		}
	}
	json_object_put(req);
	if (strcmp(cmd->name, "metrics") == 0 && !r->json)
		targets_metrics(t, n);
	for (i = 0; i < n; i++) {
		if (t[i].answer == NULL)
			continue;
		if ((error = json_member_text(t[i].answer, "error")) != NULL) {
			fprintf(stderr, "rsipctl: %s: ", target_name(&t[i]));
			text_print(stderr, error);
			fputc('\n', stderr);
			status = 1;
		} else if (r->json) {
			if (json_member_text(t[i].answer, "daemon") == NULL)
				json_object_object_add(t[i].answer, "daemon",
				    json_object_new_string(t[i].name));
			json_print(t[i].answer);
		} else if (strcmp(cmd->name, "metrics") != 0) {
			fputs(sep, stdout);
			answer_print(cmd, t[i].answer, target_name(&t[i]),
			    good > 1, r->verbose);
			sep = cmd->nothing != NULL ||
			    strcmp(cmd->name, "status") == 0 ? "\n" : "";
		}
		json_object_put(t[i].answer);
	}
	if (answers == 0 && status == 0) {
		nobody_explain(t, n);
		status = 1;
	}
	return status;
}
