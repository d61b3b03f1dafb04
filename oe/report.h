/* report.h - what the engine tells people */
#ifndef OE_REPORT_H
#define OE_REPORT_H

#include <json-c/json.h>

#include "base/report.h"

struct connection;
struct core;
struct sa_pair;

/* Columns of "spd" and "sa". */
extern const struct report_field oe_spd_fields[], oe_sa_fields[];

/* "AES-256-CBC/HMAC-SHA2-256-128"; how the peer's key came to be believed, ""
 * where there is none. */
void	report_cipher_text(const struct sa_pair *pair, char *out, size_t cap);
const char *report_auth_text(const struct connection *conn);

/* privileged: as control.h has it. */
json_object *report_control(struct core *c, uint64_t now, json_object *req,
	    bool privileged);
/* One event for "rsipctl watch": its object is made only where
 * somebody watches. */
struct oe_event {
	const struct connection *conn;
	const char		*what;
};
json_object *report_event_json(const struct oe_event *e);

#endif
