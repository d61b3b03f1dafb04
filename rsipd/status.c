/* status.c - what rsipd tells of itself: its report, and tables of leases and flows */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/report_rows.h"
#include "base/util.h"
#include "rsipd/settings_plane.h"
#include "rsipd/status.h"

/* --- the report ----------------------------------------------------------- */

struct summary {
	const char *verdict, *gateway, *public_if, *private_if;
	uint64_t    port;
};

#define ROW struct summary
static const struct report_field summary_fields[] = {
	TEXT("verdict", verdict, "what a person asks first"),
	TEXT("gateway", gateway, "address that hosts speak RSIP to; the first "
	    "of several"),
	TEXT("public_interface", public_if, "leads to the public realm"),
	TEXT("private_interface", private_if, "leads to the hosts"),
	NUMBER("port", port, "of RSIP, TCP and UDP"),
	{ 0 }
};
#undef ROW

#define ROW struct gateway_counts
static const struct report_field gateway_fields[] = {
	GAUGE("registrations", registrations, "registered hosts"),
	GAUGE("half_open", half_open, "registrations of hosts that have not "
	    "proved their address", .metric = "registrations_half_open"),
	GAUGE("bindings", bindings, "granted bindings",
	    .metric = "bindings_granted"),
	{ 0 }
};

struct at {
	const char  *state;
	json_object *pools;
	uint64_t     registrations, bindings, epoch;
	bool	     active;
};

#undef ROW
#define ROW struct at
static const struct report_field at_fields[] = {
	TEXT("state", state, "active: hosts are served; else as shared.state "
	    "has it"),
	FLAG("active", active, "its hosts are served by this machine"),
	LIST("pools", pools, "public addresses that are leased to its hosts"),
	GAUGE("registrations", registrations, "hosts registered there"),
	GAUGE("bindings", bindings, "bindings granted there"),
	NUMBER("epoch", epoch, "under which it was taken; 0: it was not"),
	{ 0 }
};

struct messages {
	struct gateway_counts gateway;
	uint64_t	      duplicates;
};

#undef ROW
#define ROW struct messages
static const struct report_field message_fields[] = {
	COUNTER("requests", gateway.requests, "requests of hosts"),
	COUNTER("answers", gateway.answers, "answers to hosts"),
	COUNTER("asynchronous", gateway.asynchronous,
	    "errors that hosts were told without having asked"),
	GAUGE("waiting_for_dns", gateway.waiting,
	    "requests that wait for a name"),
	COUNTER("duplicates", duplicates,
	    "requests that were answered from memory"),
	COUNTER("stale", gateway.stale,
	    "signed messages that are not known to be new"),
	{ 0 }
};

#undef ROW
#define ROW struct transport
struct transport {
	struct server_counts server;
	uint64_t	     foreign, unknown, evicted;
};

static const struct report_field transport_fields[] = {
	GAUGE("tcp_connections", server.connections, "open connections"),
	COUNTER("tcp_accepted", server.accepted, "connections taken"),
	COUNTER("tcp_refused", server.refused,
	    "connections for which there was no place"),
	COUNTER("tcp_timed_out", server.timed_out,
	    "connections ended for their silence"),
	GAUGE("udp_endpoints", server.endpoints, "hosts that speak by UDP"),
	COUNTER("foreign", foreign, "messages from where no host of ours is"),
	COUNTER("unknown_neighbours", unknown,
	    "hosts whose link-layer address nobody knew"),
	COUNTER("evicted", evicted, "registrations that made room for others"),
	{ 0 }
};

struct share {
	struct pool_counts pool;
	size_t		   ports_leased;
};

#undef ROW
#define ROW struct share
#define PORTS(key, member, state)					\
	GAUGE(key, member, "ports of shared addresses",			\
	    .metric = "ports", .labels = "state=" state)
#define SPIS(key, member, state)					\
	GAUGE(key, member, "SPIs that hosts may hold",			\
	    .metric = "spis", .labels = "state=" state)
static const struct report_field pool_fields[] = {
	GAUGE("addresses", pool.addresses, "public addresses to lease from"),
	GAUGE("exclusive_leased", pool.whole,
	    "whole addresses that hosts have"),
	NUMBER("ports_total", pool.ports, "ports of shared addresses in all"),
	PORTS("ports_free", pool.ports_free, "free"),
	PORTS("ports_leased", ports_leased, "leased"),
	PORTS("ports_resting", pool.ports_resting, "resting"),
	SPIS("spis_free", pool.spis_free, "free"),
	SPIS("spis_leased", pool.spis_leased, "leased"),
	SPIS("spis_resting", pool.spis_resting, "resting"),
	BYTES("memory", pool.bytes, "memory of the pools, about"),
	{ 0 }
};

struct kept {
	struct store_counts store;
	bool		    writable;
};

#undef ROW
#define ROW struct kept
static const struct report_field store_fields[] = {
	GAUGE("records", store.records,
	    "registrations and bindings on the disk"),
	GAUGE("loaded", store.loaded, "records found at the start"),
	COUNTER("writes", store.writes, "transactions"),
	COUNTER("failures", store.failures,
	    "transactions that could not be written"),
	FLAG("writable", writable, "the last one was written"),
	{ 0 }
};
#undef ROW

struct shared_report {
	struct shared_counts n;
	const char	    *state;
	uint64_t	     silent;
	bool		     grants;
};

#define ROW struct shared_report
static const struct report_field shared_fields[] = {
	TEXT("state", state, "active: this gateway serves; alone: it does, but "
	    "the store is away and nothing new is granted; standby: another "
	    "does; of several the one nearest to serving"),
	FLAG("grants", grants, "something may be granted"),
	GAUGE("addresses_held", n.held, "addresses that are on this machine"),
	GAUGE("addresses_ours", n.ours,
	    "... whose newest epoch is this gateway's"),
	NUMBER("epoch", n.epoch, "of the gateway's address; 0: another's"),
	COUNTER("log", n.log, "entries of the log, all read"),
	SECONDS("silent", silent, "since the log was read to its end"),
	COUNTER("loads", n.loads, "times that all records were read"),
	GAUGE("records", n.records, "records that were read the last time"),
	COUNTER("writes", n.writes, "batches written"),
	COUNTER("failures", n.failures, "batches that were not written"),
	COUNTER("refused", n.refused,
	    "batches that were refused: another had taken the address"),
	COUNTER("lost", n.lost,
	    "times that another took an address of this gateway's"),
	GAUGE("underway", n.underway,
	    "batches that the store has not answered"),
	{ 0 }
};
#undef ROW

/* One number under a label. */
static const struct report_field method_fields[] = {
	{ .key = "bindings", .type = REPORT_GAUGE, .size = sizeof(uint64_t),
	    HELP("granted bindings, by what was asked for"),
	    .metric = "bindings" },
	{ 0 }
}, error_fields[] = {
	{ .key = "errors", .type = REPORT_COUNTER, .size = sizeof(uint64_t),
	    HELP("errors that hosts were told, by RFC 3103's name"),
	    .metric = "errors" },
	{ 0 }
};

static void
report_methods(struct report *r, const struct na *list, size_t n)
{
	static const struct report_table t = { "methods", "", method_fields,
		"method" };
	uint64_t sum;
	unsigned k;
	size_t	 i;

	for (k = 0; k < LEASE_KINDS; k++) {
		for (sum = 0, i = 0; i < n; i++)
			sum += leases_of_kind(gateway_leases(list[i].gateway),
			    k);
		report_write_labelled(r, &t, lease_kind_name(k), &sum);
	}
}

/* Each by itself: of several one may serve while another stands by. */
static void
report_gateways(struct report *r, const struct na *list, size_t n)
{
	static const struct report_table t = { "gateways", "gateway", at_fields,
		"gateway" };
	struct na_totals     sum;
	struct pool_address *pools;
	struct at	     at;
	size_t		     i, k, npools;

	for (i = 0; i < n; i++) {
		na_total(&list[i], 1, &sum);
		at = (struct at){ .state = shared_state_text(na_state(
			&list[i])), .pools = json_object_new_array(),
			.registrations = sum.gateway.registrations,
			.bindings = sum.gateway.bindings,
			.epoch = sum.shared.epoch,
			.active = na_serves(&list[i]) };
		pools = settings_pools_at(list[i].house->settings,
		    &list[i].addr, &npools);
		for (k = 0; k < npools; k++)
			json_object_array_add(at.pools, json_object_new_string(
			    ADDR_TEXT(&pools[k].addr)));
		free(pools);
		report_write_labelled(r, &t, ADDR_TEXT(&list[i].addr), &at);
	}
}

static void
report_errors(struct report *r, const struct gateway_counts *c)
{
	static const struct report_table t = { "errors", "", error_fields,
		"error" };
	size_t i;

	for (i = 0; i < sizeof(c->errors) / sizeof(c->errors[0]); i++) {
		if (c->errors[i] != 0 || (i == 0 &&
		    report_form(r) == REPORT_SCHEMA))
			report_write_labelled(r, &t,
			    rsip_error_name((unsigned)i), &c->errors[i]);
	}
}

static void
report_pool(struct report *r, const struct pool_counts *p)
{
	struct share s = { .pool = *p };

	s.ports_leased = s.pool.ports - s.pool.ports_free -
	    s.pool.ports_resting;
	report_write(r, "pool", "pool", pool_fields, &s);
}

static void
report_store(struct report *r, bool there, const struct store_counts *n)
{
	struct kept k = { .store = *n };

	if (!there && report_form(r) != REPORT_SCHEMA)
		return;
	k.writable = !k.store.behind;
	report_write(r, "store", "store", store_fields, &k);
}

static void
report_shared(struct report *r, bool there, const struct shared_counts *n)
{
	struct shared_report s = { .n = *n };

	if (!resp_is_built() || (!there && report_form(r) != REPORT_SCHEMA))
		return;
	s.state = there ? shared_state_text(n->state) : "";
	s.silent = n->silent / 1000;
	s.grants = there && n->state == SHARED_ACTIVE;
	report_write(r, "shared", "shared", shared_fields, &s);
}

/* Who of several gateways this is; "": nothing to say of it. */
static const char *
say_role(const struct na *n)
{
	static const char *const texts[] = {
		[SHARED_AWAY] = "not serving: the shared store is away; ",
		[SHARED_READING] = "reading the shared store; ",
		[SHARED_STANDBY] = "standby: another gateway serves; ",
		[SHARED_TAKING] = "taking over; ",
		[SHARED_ACTIVE] = "",
		[SHARED_ALONE] = ("the shared store is away, so nothing new is "
		    "granted; "),
	};
	return texts[na_state(n)];
}

#define NAMED_MOST	4	/* of several, in one sentence */

/* "10.0.0.1 active, 10.0.0.2 standby; ", or how many are. */
static void
say_roles(const struct na *list, size_t n, char *out, size_t cap)
{
	size_t i, len = 0, active = 0;

	for (i = 0; i < n; i++)
		active += na_serves(&list[i]);
	if (n > NAMED_MOST) {
		snprintf(out, cap, "%zu of %zu gateways active; ", active, n);
		return;
	}
	for (i = 0; i < n && len < cap; i++)
		len += (size_t)snprintf(out + len, cap - len, "%s %s%s",
		    ADDR_TEXT(&list[i].addr),
		    shared_state_text(na_state(&list[i])),
		    i + 1 < n ? ", " : "; ");
}

static void
report_summary(struct report *r, const struct na *list, size_t nlist,
    const struct gateway_counts *n, bool forwarding)
{
	const struct settings *c = list->house->settings;
	char	       verdict[256], roles[160];
	struct summary s = { .gateway = ADDR_TEXT(&c->gateway.gateway),
		.public_if = c->public_if, .private_if = c->private_if,
		.port = c->port };

	if (nlist == 1)
		snprintf(roles, sizeof(roles), "%s", say_role(list));
	else
		say_roles(list, nlist, roles, sizeof(roles));
	snprintf(verdict, sizeof(verdict), n->registrations == 0 ?
	    "%sready at %s%s, port %u; no host so far" :
	    "%sserving at %s%s, port %u: %zu host%s, %zu lease%s",
	    roles, s.gateway, nlist > 1 ? " and others" : "",
	    (unsigned)c->port,
	    (size_t)n->registrations, plural(n->registrations),
	    (size_t)n->bindings, plural(n->bindings));
	s.verdict = forwarding ? verdict :
	    "forwarding nothing: the firewall rules are gone and cannot be "
	    "put back (the log says why)";
	report_write(r, NULL, NULL, summary_fields, &s);
}

void
status_report(struct report *r, const struct na *list, size_t n,
    struct dataplane *dp)
{
	struct na_totals sum;
	struct messages	 m;
	struct transport t;

	na_total(list, n, &sum);
	m.gateway = sum.gateway;
	t.server = sum.server;
	report_summary(r, list, n, &m.gateway, !dataplane_rules_gone(dp));
	report_write(r, NULL, "", gateway_fields, &m.gateway);
	report_gateways(r, list, n);
	report_methods(r, list, n);
	m.duplicates = t.server.duplicates;
	report_write(r, "messages", "messages", message_fields, &m);
	t.foreign = t.server.foreign + m.gateway.foreign;
	t.unknown = m.gateway.unknown;
	t.evicted = m.gateway.evicted;
	report_write(r, "transport", "transport", transport_fields, &t);
	report_errors(r, &m.gateway);
	report_pool(r, &sum.pool);
	report_store(r, list->keep != NULL, &sum.store);
	report_shared(r, list->shared != NULL, &sum.shared);
	dataplane_report(dp, r);
}

/* --- leases --------------------------------------------------------------- */

/* A row of "leases", and what an event says. */
struct lease_row {
	const char  *event, *fqdn, *method, *tunnel, *transport;
	char	     gateway[ADDR_TEXT_MAX];
	char	     host[ADDR_TEXT_MAX], address[ADDR_TEXT_MAX];
	char	     remote[ADDR_TEXT_MAX + sizeof(":65535-65535")];
	uint32_t     client_id, bind_id;
	json_object *ports, *spis;
	uint64_t     expires, registration_expires;
	bool	     authenticated;
};

#define ROW struct lease_row
#define EVENT_FIELDS							\
	TEXT("event", event, "what happened")
#define CLIENT_FIELDS							\
	CHARS("gateway", gateway, "where the host is registered",	\
	    .flags = REPORT_WIDE),					\
	NUMBER("client_id", client_id, "the host's registration"),	\
	CHARS("host", host, "the host's own address"),			\
	TEXT("fqdn", fqdn, "the host's name, as it says itself",	\
	    .flags = REPORT_WIDE)

static const struct report_field client_event_fields[] = {
	EVENT_FIELDS, CLIENT_FIELDS, { 0 }
}, binding_event_fields[] = {
	EVENT_FIELDS, CLIENT_FIELDS, BINDING_ROWS, { 0 }
};

const struct report_field status_lease_fields[] = {
	CLIENT_FIELDS,
	BINDING_ROWS,
	SECONDS("expires", expires, "until the binding ends"),
	SECONDS("registration_expires", registration_expires,
	    "until the registration ends", .flags = REPORT_WIDE),
	TEXT("transport", transport, "tcp or udp", .flags = REPORT_WIDE),
	FLAG("authenticated", authenticated,
	    "it registered with a signed message", .flags = REPORT_WIDE),
	{ 0 }
};
#undef ROW

static json_object *
ports_array(struct lease_binding *b)
{
	json_object		 *a = json_object_new_array();
	const struct demux_range *r = lease_ranges(b);
	char			  text[16];
	unsigned		  i;

	for (i = 0; i < b->nranges; i++) {
		snprintf(text, sizeof(text), "%u-%u", r[i].lo, r[i].hi);
		json_object_array_add(a, json_object_new_string(text));
	}
	return a;
}

static json_object *
spis_array(struct lease_binding *b)
{
	json_object *a = json_object_new_array();
	char	     text[16];
	unsigned     i;

	for (i = 0; i < b->nspis; i++) {
		snprintf(text, sizeof(text), "0x%08" PRIx32, lease_spis(b)[i]);
		json_object_array_add(a, json_object_new_string(text));
	}
	return a;
}

static void
remote_text(struct lease_binding *b, char *out, size_t cap)
{
	const struct lease_remote *r = lease_remote(b);

	if (r == NULL)
		snprintf(out, cap, "any");
	else if (r->ports.hi != 0)
		snprintf(out, cap, "%s:%u-%u", ADDR_TEXT(&r->addr),
		    r->ports.lo, r->ports.hi);
	else
		snprintf(out, cap, "%s", ADDR_TEXT(&r->addr));
}

/* b: NULL is allowed. */
static void
row_fill(struct lease_row *row, const struct na *n,
    const struct lease_client *c, struct lease_binding *b)
{
	addr_text(&n->addr, row->gateway, sizeof(row->gateway));
	row->client_id = c->client_id;
	addr_text(&c->host, row->host, sizeof(row->host));
	row->fqdn = c->fqdn;
	if (b == NULL)
		return;
	row->bind_id = b->bind_id;
	addr_text(lease_local(b), row->address, sizeof(row->address));
	row->ports = ports_array(b);
	row->spis = spis_array(b);
	row->method = lease_kind_name(lease_kind(b));
	row->tunnel = rsip_tunnel_name(b->tunnel);
	remote_text(b, row->remote, sizeof(row->remote));
}

struct walk {
	const struct na *na;
	uint64_t     now;
	json_object *table;
	size_t	     limit;
};

static uint64_t
seconds_left(uint64_t at, uint64_t now)
{
	return at > now ? (at - now) / 1000 : 0;
}

static bool
lease_rows(void *arg, struct lease_client *c)
{
	struct walk	     *w = arg;
	struct lease_binding *b;

	LIST_FOREACH(b, &c->bindings, entry) {
		struct lease_row row = {
			.expires = seconds_left(b->timer.at, w->now),
			.registration_expires = seconds_left(c->timer.at,
			    w->now),
			.transport = c->transport == GATEWAY_UDP ? "udp" :
			    "tcp",
			.authenticated = c->authentic,
		};

		if (!report_rows_room(w->table, w->limit))
			continue;
		row_fill(&row, w->na, c, b);
		report_rows_add(w->table, status_lease_fields, &row, true);
	}
	return true;
}

json_object *
status_leases(uint64_t now, const struct na *list, size_t n, size_t limit)
{
	struct walk w = { list, now, report_rows_new(status_lease_fields),
		limit };

	for (; w.na < list + n; w.na++)
		leases_each(gateway_leases(w.na->gateway), lease_rows, &w);
	return w.table;
}

json_object *
status_event(enum gateway_event e, const struct na *n,
    const struct lease_client *c, struct lease_binding *b)
{
	static const char *const names[] = {
		[GATEWAY_REGISTERED] = "registered",
		[GATEWAY_DEREGISTERED] = "deregistered",
		[GATEWAY_BOUND] = "assigned",
		[GATEWAY_EXTENDED] = "extended",
		[GATEWAY_FREED] = "freed",
		[GATEWAY_MISUSE] = "misuse",
	};
	struct lease_row row = { .event = names[e] };

	row_fill(&row, n, c, b);
	return report_row(b != NULL ? binding_event_fields :
	    client_event_fields, &row, true);
}

/* --- flows ---------------------------------------------------------------- */

struct flow_row {
	const char *kind, *protocol, *address, *host, *remote;
	char	    key[32];
	uint64_t    idle, packets, bytes;
	uint32_t    client_id, bind_id;
};

#define ROW struct flow_row
const struct report_field status_flow_fields[] = {
	TEXT("kind", kind, "what tells packets apart"),
	TEXT("protocol", protocol, "of these packets"),
	TEXT("address", address, "leased address"),
	CHARS("key", key, "port, SPI, cookie or identifier"),
	TEXT("host", host, "the host's own address"),
	TEXT("remote", remote, "the other end, or any"),
	SECONDS("idle", idle,
	    "since its last packet; absent if there was none"),
	COUNTER("packets", packets, "packets of the binding, both ways"),
	FIELD("bytes", COUNTER, BYTES, bytes, "bytes of the binding, both ways",
	    .flags = REPORT_WIDE),
	NUMBER("client_id", client_id, "the host's registration",
	    .flags = REPORT_WIDE),
	NUMBER("bind_id", bind_id, "the binding", .flags = REPORT_WIDE),
	{ 0 }
};
#undef ROW

struct flow_walk {
	struct walk	    walk;
	const struct demux *demux;
};

/* A leased SPI is for ESP and AH, a leased port for TCP and UDP. */
static const char *
protocol_name(const struct demux_row *e)
{
	switch (e->protocol) {
	case 1:
		return "icmp";
	case 6:
		return "tcp";
	case 17:
		return "udp";
	case 50:
		return "esp";
	case 51:
		return "ah";
	default:
		return e->kind[0] == 's' ? "esp/ah" : "tcp/udp";
	}
}

static void
key_text(const struct demux_row *e, char *out, size_t cap)
{
	if (e->kind[0] == 'p' && e->kind[1] == 'o')
		snprintf(out, cap, "%u-%u", (unsigned)(e->key >> 16),
		    (unsigned)(e->key & 0xffff));
	else if (e->kind[0] == 'c')
		snprintf(out, cap, "%016" PRIx64, e->key);
	else if (e->kind[0] == 'i')
		snprintf(out, cap, "%" PRIu64, e->key);
	else
		snprintf(out, cap, "0x%08" PRIx64, e->key);
}

static void
flow_row(void *arg, const struct demux_row *e)
{
	struct flow_walk  *w = arg;
	struct flow_row	   row = { .kind = e->kind,
		.protocol = protocol_name(e), .address = ADDR_TEXT(&e->local),
		.host = ADDR_TEXT(&e->host),
		.remote = addr_is_set(&e->remote) ? ADDR_TEXT(&e->remote) :
		"any", .client_id = e->client_id, .bind_id = e->bind_id };

	if (!report_rows_room(w->walk.table, w->walk.limit))
		return;
	key_text(e, row.key, sizeof(row.key));
	row.idle = REPORT_NONE;
	if (e->last_used != 0)
		row.idle = w->walk.now > e->last_used ?
		    (w->walk.now - e->last_used) / 1000 : 0;
	/* Of the binding: keys are not counted one by one. */
	row.packets = e->used.packets_in + e->used.packets_out;
	row.bytes = e->used.bytes_in + e->used.bytes_out;
	report_rows_add(w->walk.table, status_flow_fields, &row, true);
}

json_object *
status_flows(uint64_t now, const struct demux *d, size_t limit)
{
	struct flow_walk w = { { NULL, now, report_rows_new(status_flow_fields),
		limit }, d };

	demux_each(d, flow_row, &w);
	return w.walk.table;
}
