/* status.h - what rsipd tells of itself: its report, and tables of leases and flows */
#ifndef RSIPD_STATUS_H
#define RSIPD_STATUS_H

#include <json-c/json.h>

#include "base/report.h"
#include "nat/dataplane.h"
#include "rsipd/na.h"

/* Of n gateways, of which there is one at least. */
void	status_report(struct report *r, const struct na *list, size_t n,
	    struct dataplane *dp);

/* Rows of the tables that rsipctl asks for; each call returns a new object. */
extern const struct report_field status_lease_fields[], status_flow_fields[];
json_object *status_leases(uint64_t now, const struct na *list, size_t n,
	    size_t limit);
json_object *status_flows(uint64_t now, const struct demux *d, size_t limit);
json_object *status_event(enum gateway_event e, const struct na *n,
	    const struct lease_client *c, struct lease_binding *b);

#endif
