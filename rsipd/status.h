/* status.h - what rsipctl is told by rsipd, as JSON */
#ifndef RSIPD_STATUS_H
#define RSIPD_STATUS_H

#include <json-c/json.h>

#include "nat/dataplane.h"
#include "rsipd/gateway.h"
#include "rsipd/server.h"
#include "rsipd/settings.h"
#include "rsipd/store.h"

/* Each returns a new object.  store: NULL if there is none. */
json_object *status_all(const struct settings *c, const struct gateway *g,
	    const struct server *s, const struct demux *d,
	    struct dataplane *dp, struct store *store);
json_object *status_leases(uint64_t now, struct gateway *g);
json_object *status_flows(uint64_t now, const struct demux *d);
json_object *status_event(enum gateway_event e, const struct lease_client *c,
	    struct lease_binding *b);

#endif
