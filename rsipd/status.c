/* status.c - what rsipctl is told by rsipd, as JSON */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/util.h"
#include "rsipd/status.h"

static void
add_string(json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static void
add_int(json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_int64((int64_t)value));
}

static json_object *
add_object(json_object *o, const char *key)
{
	json_object *new = json_object_new_object();

	json_object_object_add(o, key, new);
	return new;
}

/* --- status --------------------------------------------------------------- */

static void
add_pool(json_object *o, const struct pool *p)
{
	struct pool_counts c;

	pool_count(p, &c);
	o = add_object(o, "pool");
	add_int(o, "addresses", c.addresses);
	add_int(o, "exclusive_leased", c.whole);
	add_int(o, "ports", c.ports);
	add_int(o, "ports_leased", c.ports - c.ports_free - c.ports_resting);
	add_int(o, "ports_resting", c.ports_resting);
	add_int(o, "spis_leased", c.spis_leased);
	add_int(o, "spis_resting", c.spis_resting);
	add_int(o, "memory", c.bytes);
}

static void
add_store(json_object *o, struct store *s)
{
	struct store_counts c;

	if (s == NULL)
		return;
	store_count(s, &c);
	o = add_object(o, "store");
	add_int(o, "records", c.records);
	add_int(o, "loaded", c.loaded);
	add_int(o, "writes", c.writes);
	add_int(o, "failures", c.failures);
	json_object_object_add(o, "writable",
	    json_object_new_boolean(!c.behind));
}

static void
add_errors(json_object *o, const struct gateway_counts *c)
{
	size_t i;

	o = add_object(o, "errors");
	for (i = 0; i < sizeof(c->errors) / sizeof(c->errors[0]); i++) {
		if (c->errors[i] != 0)
			add_int(o, rsip_error_name((unsigned)i), c->errors[i]);
	}
}

json_object *
status_all(const struct settings *c, const struct gateway *g,
    const struct server *s, const struct demux *d, struct dataplane *dp,
    struct store *store)
{
	json_object	     *o = json_object_new_object(), *in;
	struct gateway_counts gc;
	struct server_counts  sc;
	size_t		      bindings, keys, bytes;
	char		      verdict[128];

	gateway_count(g, &gc);
	server_count(s, &sc);
	demux_count(d, &bindings, &keys, &bytes);
	snprintf(verdict, sizeof(verdict), gc.registrations == 0 ?
	    "ready at %s, port %u; no host so far" :
	    "serving at %s, port %u: %zu host%s, %zu lease%s",
	    ipv4_text(c->gateway.gateway), (unsigned)c->port,
	    (size_t)gc.registrations, gc.registrations == 1 ? "" : "s",
	    (size_t)gc.bindings, gc.bindings == 1 ? "" : "s");
	add_string(o, "verdict", !dataplane_rules_gone(dp) ? verdict :
	    "forwarding nothing: the firewall rules are gone and cannot be "
	    "put back (the log says why)");
	add_string(o, "gateway", ipv4_text(c->gateway.gateway));
	add_string(o, "public_interface", c->public_if);
	add_string(o, "private_interface", c->private_if);
	add_int(o, "port", c->port);
	add_int(o, "registrations", gc.registrations);
	add_int(o, "half_open", gc.half_open);
	add_int(o, "bindings", gc.bindings);
	in = add_object(o, "messages");
	add_int(in, "requests", gc.requests);
	add_int(in, "answers", gc.answers);
	add_int(in, "asynchronous", gc.asynchronous);
	add_int(in, "waiting_for_dns", gc.waiting);
	add_int(in, "duplicates", sc.duplicates);
	add_int(in, "stale", gc.stale);
	in = add_object(o, "transport");
	add_int(in, "tcp_connections", sc.connections);
	add_int(in, "tcp_accepted", sc.accepted);
	add_int(in, "tcp_refused", sc.refused);
	add_int(in, "tcp_timed_out", sc.timed_out);
	add_int(in, "udp_endpoints", sc.endpoints);
	add_int(in, "foreign", sc.foreign + gc.foreign);
	add_int(in, "unknown_neighbours", gc.unknown);
	add_int(in, "evicted", gc.evicted);
	add_errors(o, &gc);
	add_pool(o, gateway_pool(g));
	add_store(o, store);
	in = add_object(o, "demux");
	add_int(in, "bindings", bindings);
	add_int(in, "keys", keys);
	add_int(in, "memory", bytes);
	json_object_object_add(o, "dataplane", dataplane_status(dp));
	return o;
}

/* --- leases --------------------------------------------------------------- */

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
add_remote(json_object *o, struct lease_binding *b)
{
	const struct lease_remote *r = lease_remote(b);
	char			   text[40] = "any";

	if (r != NULL && r->ports.hi != 0)
		snprintf(text, sizeof(text), "%s:%u-%u", ipv4_text(r->addr),
		    r->ports.lo, r->ports.hi);
	else if (r != NULL)
		snprintf(text, sizeof(text), "%s", ipv4_text(r->addr));
	add_string(o, "remote", text);
}

static void
add_binding(json_object *o, struct lease_binding *b)
{
	add_int(o, "bind_id", b->bind_id);
	add_string(o, "address", ipv4_text(b->local));
	json_object_object_add(o, "ports", ports_array(b));
	json_object_object_add(o, "spis", spis_array(b));
	add_string(o, "method", b->listen ? "LISTEN" :
	    rsip_method_name(b->method));
	add_remote(o, b);
	add_string(o, "tunnel", rsip_tunnel_name(b->tunnel));
}

static void
add_client(json_object *o, const struct lease_client *c)
{
	add_int(o, "client_id", c->client_id);
	add_string(o, "host", ipv4_text(c->host));
	if (c->fqdn != NULL)
		add_string(o, "fqdn", c->fqdn);
}

struct walk {
	uint64_t     now;
	json_object *rows;
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
	json_object	     *o;

	LIST_FOREACH(b, &c->bindings, entry) {
		o = json_object_new_object();
		add_client(o, c);
		add_binding(o, b);
		add_int(o, "expires", seconds_left(b->timer.at, w->now));
		add_int(o, "registration_expires",
		    seconds_left(c->timer.at, w->now));
		add_string(o, "transport", c->transport == GATEWAY_UDP ?
		    "udp" : "tcp");
		json_object_object_add(o, "authenticated",
		    json_object_new_boolean(c->authentic));
		json_object_array_add(w->rows, o);
	}
	return true;
}

static json_object *
table(json_object *rows)
{
	json_object *o = json_object_new_object();

	json_object_object_add(o, "rows", rows);
	return o;
}

json_object *
status_leases(uint64_t now, struct gateway *g)
{
	struct walk w = { now, json_object_new_array() };

	leases_each(gateway_leases(g), lease_rows, &w);
	return table(w.rows);
}

/* --- flows ---------------------------------------------------------------- */

struct flow_walk {
	uint64_t	    now;
	const struct demux *demux;
	json_object	   *rows;
};

/* A leased SPI is for ESP and AH, a leased port for TCP and UDP. */
static const char *
protocol_name(const struct demux_entry *e)
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
flow_row(void *arg, const struct demux_entry *e)
{
	struct flow_walk  *w = arg;
	struct demux_usage u = { 0 };
	json_object	  *o = json_object_new_object();
	char		   key[32];

	if (e->kind[0] == 'p' && e->kind[1] == 'o')
		snprintf(key, sizeof(key), "%u-%u", (unsigned)(e->key >> 16),
		    (unsigned)(e->key & 0xffff));
	else if (e->kind[0] == 'c')
		snprintf(key, sizeof(key), "%016" PRIx64, e->key);
	else if (e->kind[0] == 'i')
		snprintf(key, sizeof(key), "%" PRIu64, e->key);
	else
		snprintf(key, sizeof(key), "0x%08" PRIx64, e->key);
	add_string(o, "kind", e->kind);
	add_string(o, "protocol", protocol_name(e));
	add_string(o, "address", ipv4_text(e->local));
	add_string(o, "key", key);
	add_string(o, "host", ipv4_text(e->host));
	add_string(o, "remote", e->remote == 0 ? "any" : ipv4_text(e->remote));
	/* Absent: never used. */
	if (e->last_used != 0)
		add_int(o, "idle", w->now > e->last_used ?
		    (w->now - e->last_used) / 1000 : 0);
	/* Of the binding: keys are not counted one by one. */
	demux_usage(w->demux, e->client_id, e->bind_id, &u);
	add_int(o, "packets", u.packets_in + u.packets_out);
	add_int(o, "bytes", u.bytes_in + u.bytes_out);
	add_int(o, "client_id", e->client_id);
	add_int(o, "bind_id", e->bind_id);
	json_object_array_add(w->rows, o);
}

json_object *
status_flows(uint64_t now, const struct demux *d)
{
	struct flow_walk w = { now, d, json_object_new_array() };

	demux_each(d, flow_row, &w);
	return table(w.rows);
}

json_object *
status_event(enum gateway_event e, const struct lease_client *c,
    struct lease_binding *b)
{
	static const char *const names[] = {
		[GATEWAY_REGISTERED] = "registered",
		[GATEWAY_DEREGISTERED] = "deregistered",
		[GATEWAY_BOUND] = "assigned",
		[GATEWAY_EXTENDED] = "extended",
		[GATEWAY_FREED] = "freed",
		[GATEWAY_MISUSE] = "misuse",
	};
	json_object *o = json_object_new_object();

	add_string(o, "event", names[e]);
	add_client(o, c);
	if (b != NULL)
		add_binding(o, b);
	return o;
}
