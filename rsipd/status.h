/* status.h - what rsipd tells of itself: its report, and tables of leases and flows */
#ifndef RSIPD_STATUS_H
#define RSIPD_STATUS_H

#include <json-c/json.h>

#include "base/report.h"
#include "nat/dataplane.h"
#include "rsipd/gateway.h"
#include "rsipd/server.h"
#include "rsipd/settings.h"
#include "rsipd/shared.h"
#include "rsipd/store.h"

/* store, shared: NULL if there is none. */
void	status_report(struct report *r, const struct settings *c,
	    struct gateway *g, const struct server *s,
	    struct dataplane *dp, struct store *store,
	    const struct shared *shared);

/* Rows of the tables that rsipctl asks for; each call returns a new object. */
extern const struct report_field status_lease_fields[], status_flow_fields[];
json_object *status_leases(uint64_t now, struct gateway *g, size_t limit);
json_object *status_flows(uint64_t now, const struct demux *d, size_t limit);
json_object *status_event(enum gateway_event e, const struct lease_client *c,
	    struct lease_binding *b);

#endif
