/* report.h - what the engine tells people */
#ifndef OE_REPORT_H
#define OE_REPORT_H

#include <json-c/json.h>

#include "oe/connection.h"

/* privileged: as control.h has it. */
json_object *report_control(struct core *c, uint64_t now, json_object *req,
	    bool privileged);
/* One event for "rsipctl watch". */
void	report_event(struct core *c, const struct connection *conn, const char *what);

#endif
