/* service.h - the skeleton of a daemon: command line, configuration, helpers, signals, reload, control commands */
#ifndef BASE_SERVICE_H
#define BASE_SERVICE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/daemon.h"
#include "base/option.h"
#include "base/report.h"
#include "base/web.h"

struct event_base;
struct service;

/* What rsipctl may ask. */
struct service_command {
	const char  *name;
	bool	     privileged;	/* others are refused
					 * (base/control.h) */
	/* As control_fn; the answer needs no "daemon". */
	json_object *(*fn)(void *arg, json_object *req, bool privileged);
	const struct report_field *columns;	/* of a table; else NULL */
};

/* What one daemon is; arg is that of service_main(). */
struct service_plan {
	const char *name;		/* "rsipd" */
	const char *built;		/* with what, for -V; may be NULL */
	const struct option *options;	/* of its configuration */
	const char *resolv_conf;	/* a file that read() opens,
					 * too; NULL: none */
	bool	    low_ports;		/* priv_keep_low_ports() */
	/* Settings out of a file; NULL after one log line.  free:
	 * NULL is allowed. */
	void	 *(*read)(const struct option_source *s);
	void	  (*free)(void *settings);
	/* opener_allow_state() for files that no option names; may be NULL. */
	void	  (*allow)(const void *settings);
	/* Offsets in the settings: where rsipctl asks (char *), and where
	 * browsers and Prometheus do (struct web_config). */
	size_t	    control, web;
	/*
	 * With all privileges, in the process that stays: makes what needs
	 * them. settings are taken over at once.  0, or -1 after one log line;
	 * stop() comes either way.
	 */
	int	  (*start)(void *arg, struct service *s, void *settings);
	/* Everything runs, without privileges; may be NULL. */
	void	  (*ready)(void *arg);
	/* Takes settings over and returns 0; or -1 after one log line, and
	 * all is as it was. */
	int	  (*reload)(void *arg, void *settings);
	/* SIGTERM or SIGINT; again: not the first.  NULL: service_end(). */
	void	  (*end)(void *arg, bool again);
	void	  (*stop)(void *arg);
	/* What it says of itself: "status" and "metrics" (base/report.h). */
	void	  (*report)(void *arg, struct report *r);
	/* To one without a name; "reload", "status", "metrics" and
	 * "schema" are ours. */
	const struct service_command *commands;
};

/* In a plan: the options and what becomes of a file of them; s: the struct of
 * settings, with its members control and web. */
#define SERVICE_SETTINGS(s, opts, read_fn, free_fn)			\
	.options = (opts), .read = (read_fn), .free = (free_fn),	\
	.control = offsetof(s, control), .web = offsetof(s, web)

/* The whole life of a daemon: what main() returns. */
int	service_main(const struct service_plan *plan, void *arg, int argc,
	    char **argv);

/* The loop that service_main() runs; borrowed. */
struct event_base *service_base(const struct service *s);
/* The file that the configuration is read from, for messages. */
const char *service_config(const struct service *s);
/* Ends the loop.  fail: it cannot go on and has said why; who supervises us is
 * to start anew. */
void	service_end(struct service *s);
void	service_fail(struct service *s);
/* Somebody has asked it to end; for good: by SIGINT, where SIGTERM may be that
 * of a restart. */
bool	service_ordered(const struct service *s);
bool	service_is_final(const struct service *s);

/* Tells those who watch; o becomes the service's.  Events that nobody reads
 * need not be made. */
bool	service_watched(const struct service *s);
void	service_publish(struct service *s, json_object *o);

#endif
