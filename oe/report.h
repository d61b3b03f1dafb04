/* report.h - what the engine tells people */
#ifndef OE_REPORT_H
#define OE_REPORT_H

#include <json-c/json.h>

#include "base/report.h"

struct connection;
struct core;

/* Columns of "spd" and "sa". */
extern const struct report_field oe_spd_fields[], oe_sa_fields[];

/* privileged: as control.h has it. */
json_object *report_control(struct core *c, uint64_t now, json_object *req,
	    bool privileged);
/* One event for "rsipctl watch": its object is made only where somebody watches. */
struct oe_event {
	const struct connection *conn;
	const char		*what;
};
json_object *report_event_json(const struct oe_event *e);
void	report_event(struct core *c, const struct connection *conn, const char *what);

#endif
