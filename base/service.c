/* service.c - the skeleton of a daemon: command line, configuration, helpers, signals, reload, control commands */
#include "config.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/opener.h"
#include "base/priv.h"
#include "base/report_rows.h"
#include "base/service.h"
#include "base/util.h"
#include "base/watch.h"

#define SIGNALS		3
#define RESTART_MAX	512	/* bytes of names that only a restart changes */

struct service {
	const struct service_plan *plan;
	void			  *arg;
	struct daemon_options	   options;
	char			  *config;	/* the file's real path */
	cfg_t			  *fixed;	/* as it was at the start */
	struct event_base	  *base;
	struct control		  *control;
	struct web_config	   web_config;	/* as it was at the start */
	struct web		  *web;		/* NULL: none is wanted */
	struct event		  *signals[SIGNALS];
	char			   restart[RESTART_MAX];
	uint64_t		   started;
	bool			   begun;	/* stop() is due */
	bool			   ordered, final, failed;
};

struct event_base *
service_base(const struct service *s)
{
	return s->base;
}

const char *
service_config(const struct service *s)
{
	return s->options.config;
}

void
service_end(struct service *s)
{
	event_base_loopexit(s->base, NULL);
}

void
service_fail(struct service *s)
{
	s->failed = true;
	event_base_loopbreak(s->base);
}

bool
service_ordered(const struct service *s)
{
	return s->ordered;
}

bool
service_is_final(const struct service *s)
{
	return s->final;
}

bool
service_watched(const struct service *s)
{
	return s->control != NULL && control_watched(s->control);
}

void
service_publish(struct service *s, json_object *o)
{
	json_object_object_add(o, "daemon",
	    json_object_new_string(s->plan->name));
	control_publish(s->control, o);
	json_object_put(o);
}

/* --- the configuration ---------------------------------------------------- */

static const struct web_config *
plan_web(const struct service_plan *plan, const void *settings)
{
	return (const void *)((const char *)settings + plan->web);
}

/* The settings of cfg; NULL after one log line. */
static void *
service_read(const struct service *s, cfg_t *cfg, cfg_t *fixed)
{
	const struct option_source source = { cfg, fixed };
	void			  *settings = s->plan->read(&source);

	if (settings != NULL && web_check(plan_web(s->plan, settings)) == -1) {
		s->plan->free(settings);
		return NULL;
	}
	return settings;
}

static void
note_fixed(void *arg, const char *name, const struct option *o)
{
	struct service *s = arg;
	size_t		n = strlen(s->restart);

	if (o->when != OPTION_FIXED)
		return;
	log_warn("%s changes only with a restart: it stays as it is", name);
	if (n + strlen(name) + 3 <= sizeof(s->restart))
		snprintf(s->restart + n, sizeof(s->restart) - n, "%s%s",
		    n > 0 ? ", " : "", name);
}

/* The new settings: of the file, and where only a restart changes them, of what
 * runs.  NULL: the file is wrong. */
static void *
service_read_again(struct service *s, cfg_t *cfg)
{
	void *settings = service_read(s, cfg, NULL);

	s->restart[0] = '\0';
	if (settings == NULL)
		return NULL;
	option_differ(s->plan->options, cfg, s->fixed, note_fixed, s);
	if (s->restart[0] == '\0')
		return settings;
	s->plan->free(settings);
	return service_read(s, cfg, s->fixed);
}

static int
service_reload(struct service *s)
{
	void  *settings = NULL;
	cfg_t *cfg;
	int    rc = -1;

	cfg = option_parse(s->options.config, s->plan->options,
	    !s->options.config_given);
	if (cfg != NULL)
		settings = service_read_again(s, cfg);
	if (settings != NULL)
		rc = s->plan->reload(s->arg, settings);
	if (rc == -1) {
		s->plan->free(settings);
		log_error("the old configuration stays in force");
	} else {
		log_info("configuration read again");
	}
	if (cfg != NULL)
		cfg_free(cfg);
	return rc;
}

/* --- rsipctl -------------------------------------------------------------- */

/* Of every daemon. */
struct process {
	const char *version;
	uint64_t    uptime, one;
};

#define ROW struct process
static const struct report_field process_fields[] = {
	TEXT("version", version, "of the program"),
	SECONDS("uptime", uptime, "since the start"),
	{ 0 }
}, build_fields[] = {
	FIELD("build", INFO, PLAIN, one, "the program that runs"),
	{ 0 }
};

static json_object *
service_report(struct service *s, enum report_form form, bool privileged)
{
	static const struct report_table build = { "build", "", build_fields,
		"version" };
	struct report *r = report_new(form, privileged);
	struct process p = { PACKAGE_VERSION, (clock_now() - s->started) / 1000,
		1 };

	s->plan->report(s->arg, r);
	report_write(r, NULL, "", process_fields, &p);
	if (form == REPORT_METRICS)
		report_write_labelled(r, &build, PACKAGE_VERSION, &p);
	return report_end(r);
}

/* What the other commands answer: keys, types, units. */
static json_object *
answer_schema(struct service *s, bool privileged)
{
	json_object *o = json_object_new_object();
	const struct service_command *c;

	json_object_object_add(o, "status",
	    service_report(s, REPORT_SCHEMA, privileged));
	for (c = s->plan->commands; c->name != NULL; c++) {
		if (c->columns != NULL)
			json_object_object_add(o, c->name,
			    report_columns(c->columns));
	}
	return o;
}

static json_object *
answer_reload(struct service *s)
{
	char line[RESTART_MAX + 80];

	if (service_reload(s) == -1)
		return control_answer("error", "the configuration has an "
		    "error, see the log; the old one stays in force");
	snprintf(line, sizeof(line), "configuration read again%s%s",
	    s->restart[0] == '\0' ? "" : "; only a restart changes ",
	    s->restart);
	return control_answer("line", line);
}

static json_object *
service_run_command(struct service *s, json_object *req, bool privileged)
{
	static const char *const      refused = "only root and group "
	    RSIP_GROUP " may ask this";
	const char		     *name = json_member_text(req, "command");
	const struct service_command *c = s->plan->commands;

	if (strcmp(name, "status") == 0)
		return service_report(s, REPORT_VALUES, privileged);
	if (strcmp(name, "metrics") == 0)
		return service_report(s, REPORT_METRICS, false);
	if (strcmp(name, "schema") == 0)
		return answer_schema(s, privileged);
	if (strcmp(name, "reload") == 0)
		return privileged ? answer_reload(s) :
		    control_answer("error", refused);
	while (c->name != NULL && strcmp(c->name, name) != 0)
		c++;
	if (c->name == NULL)
		return NULL;
	if (c->privileged && !privileged)
		return control_answer("error", refused);
	return c->fn(s->arg, req, privileged);
}

static json_object *
service_answer(void *arg, json_object *req, bool privileged)
{
	struct service *s = arg;
	json_object    *o = service_run_command(s, req, privileged);

	if (o != NULL)
		json_object_object_add(o, "daemon",
		    json_object_new_string(s->plan->name));
	return o;
}

/* --- browsers ------------------------------------------------------------- */

#ifdef HAVE_WEB
#define WEB_ROWS "200"	/* of a table: people read it, every other second */

static json_object *
web_status(struct service *s, bool trusted)
{
	json_object *o = control_answer("daemon", s->plan->name), *tables, *req;
	json_object *table;
	const struct service_command *c;

	json_object_object_add(o, "status",
	    service_report(s, REPORT_VALUES, trusted));
	if (!trusted)
		return o;
	json_object_object_add(o, "tables", tables = json_object_new_object());
	for (c = s->plan->commands; c->name != NULL; c++) {
		if (c->columns == NULL)
			continue;
		req = control_answer("command", c->name);
		control_put(req, "limit", WEB_ROWS);
		if ((table = c->fn(s->arg, req, true)) != NULL)
			json_object_object_add(tables, c->name, table);
		json_object_put(req);
	}
	return o;
}

static const char *
service_web(void *arg, const char *path, bool trusted, FILE *f)
{
	struct service *s = arg;
	json_object    *o;

	if (strcmp(path, "/metrics") == 0) {
		o = service_report(s, REPORT_METRICS, false);
		control_put(o, "daemon", s->plan->name);
		metrics_print(f, &o, 1);
		json_object_put(o);
		return METRICS_TYPE;
	}
	if (strcmp(path, "/status.json") == 0) {
		o = web_status(s, trusted);
		fprintf(f, "%s\n", json_object_to_json_string_ext(o,
		    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(o);
		return "application/json";
	}
	return NULL;
}

static int
service_web_open(struct service *s)
{
	s->web = web_open(s->base, &s->web_config, service_web, s);
	return s->web == NULL ? -1 : 0;
}
#else
static int
service_web_open(struct service *s)
{
	(void)s;
	log_error("metrics: this program was built without it "
	    "(--disable-web)");
	return -1;
}
#endif

/* --- life ----------------------------------------------------------------- */

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct service *s = arg;
	bool		again = s->ordered;

	(void)what;
	if (sig == SIGHUP) {
		service_reload(s);
		return;
	}
	if (!again)
		log_info("ending on signal %d", (int)sig);
	s->ordered = true;
	s->final |= sig == SIGINT;
	if (s->plan->end != NULL)
		s->plan->end(s->arg, again);
	else
		service_end(s);
}

static int
service_signals(struct service *s)
{
	static const int sigs[SIGNALS] = { SIGHUP, SIGTERM, SIGINT };
	size_t		 i;

	for (i = 0; i < SIGNALS; i++) {
		s->signals[i] = evsignal_new(s->base, sigs[i], on_signal, s);
		if (s->signals[i] == NULL ||
		    event_add(s->signals[i], NULL) == -1) {
			log_error("signals: out of memory");
			return -1;
		}
	}
	return 0;
}

/* Files that SIGHUP may read again when nothing else can be opened. */
struct paths {
	const char **path;
	size_t	     n;
};

static void
add_path(void *arg, const char *path, bool state)
{
	struct paths *p = arg;

	if (state) {
		opener_allow_state(path);
		return;
	}
	p->path = xrealloc(p->path, p->n + 1, sizeof(*p->path));
	p->path[p->n++] = path;
}

static int
service_opener(const struct service *s)
{
	struct paths p = { NULL, 0 };
	int	     rc;

	add_path(&p, s->options.config, false);	/* the first: see opener.h */
	if (s->plan->resolv_conf != NULL)
		add_path(&p, s->plan->resolv_conf, false);
	option_files(s->plan->options, s->fixed, add_path, &p);
	rc = opener_start(p.path, p.n);
	free(p.path);
	return rc;
}

/* Takes settings over. */
static int
service_start(struct service *s, void *settings)
{
	const char *control = *(char *const *)(const void *)((const char *)
	    settings + s->plan->control);

	if (daemon_start(&s->options) == -1)
		goto fail;
	if (s->plan->allow != NULL)
		s->plan->allow(settings);
	if (service_opener(s) == -1)
		goto fail;
	if ((s->base = event_base_new()) == NULL) {
		log_error("no event base");
		goto fail;
	}
	/* First what says best that one is running already. */
	s->control = control_open(s->base, control, service_answer, s);
	if (s->control == NULL)
		goto fail;
	s->web_config = *plan_web(s->plan, settings);
	if (s->web_config.addr.ss_family != 0 && service_web_open(s) == -1)
		goto fail;
	s->started = clock_now();
	if (s->plan->low_ports)
		priv_keep_low_ports();
	s->begun = true;
	if (s->plan->start(s->arg, s, settings) == -1 ||
	    service_signals(s) == -1 || daemon_ready(&s->options) == -1 ||
	    priv_drop(s->plan->name) == -1 || priv_lock(s->plan->name) == -1)
		return -1;
	if (s->plan->ready != NULL)
		s->plan->ready(s->arg);
	return 0;
fail:
	s->plan->free(settings);
	return -1;
}

static void
service_stop(struct service *s)
{
	size_t i;

	if (s->begun)
		s->plan->stop(s->arg);
#ifdef HAVE_WEB
	web_close(s->web);
#endif
	wipe(&s->web_config, sizeof(s->web_config));
	control_close(s->control);
	for (i = 0; i < SIGNALS; i++) {
		watch_end(s->signals[i]);
	}
	opener_stop();
	if (s->base != NULL)
		event_base_free(s->base);
	daemon_stop(&s->options);
}

/* Reads the configuration, and starts unless it is only to be checked. */
static int
service_live(struct service *s)
{
	void *settings = NULL;
	int   rc = 1;

	s->fixed = option_parse(s->options.config, s->plan->options,
	    !s->options.config_given);
	if (s->fixed != NULL)
		settings = service_read(s, s->fixed, NULL);
	if (settings == NULL)
		return DAEMON_EXIT_CONFIG;
	if (s->options.check) {
		daemon_checked(&s->options);
		s->plan->free(settings);
		return 0;
	}
	signal(SIGPIPE, SIG_IGN);
	if (service_start(s, settings) == 0)
		rc = event_base_dispatch(s->base) == -1 || s->failed;
	service_stop(s);
	return rc;
}

int
service_main(const struct service_plan *plan, void *arg, int argc, char **argv)
{
	struct service s = { .plan = plan, .arg = arg };
	int	       rc = 1;

	daemon_options(&s.options, plan->name, plan->built, argc, argv);
	if (s.options.list) {
		option_print(stdout, plan->options);
		return 0;
	}
	/* A daemon's folder is /, whatever the name was relative to. */
	if ((s.config = realpath(s.options.config, NULL)) != NULL)
		s.options.config = s.config;
	if (s.options.check || priv_have_net())
		rc = service_live(&s);
	else
		log_error("needs root, or CAP_NET_ADMIN and CAP_NET_RAW");
	if (s.fixed != NULL)
		cfg_free(s.fixed);
	free(s.config);
	return rc;
}
