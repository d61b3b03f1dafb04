/* status.c - what rsipctl is told about the RSIP host */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/json.h"
#include "base/report_rows.h"
#include "oe/classes.h"
#include "rsipc/client.h"

/* "20000-20063", ... of ports that are sorted. */
static json_object *
ports_json(const struct binding *b)
{
	json_object *a = json_object_new_array();
	char	     text[16];
	unsigned     i, start = 0;

	for (i = 1; i <= b->nports; i++) {
		if (i < b->nports && b->port[i] == b->port[i - 1] + 1)
			continue;
		snprintf(text, sizeof(text), "%u-%u", b->port[start],
		    b->port[i - 1]);
		json_object_array_add(a, json_object_new_string(text));
		start = i;
	}
	return a;
}

static json_object *
spis_json(const struct binding *b)
{
	json_object *a = json_object_new_array();
	char	     text[16];
	unsigned     i;

	for (i = 0; i < b->nspis; i++) {
		snprintf(text, sizeof(text), "0x%08x", b->spi[i]);
		json_object_array_add(a, json_object_new_string(text));
	}
	return a;
}

static const char *
purpose_text(enum binding_purpose p)
{
	static const char *const names[] = {
		[BINDING_MAIN] = "main",
		[BINDING_PORT] = "on demand",
		[BINDING_PORTS] = "more ports",
		[BINDING_SPIS] = "more SPIs",
		[BINDING_LISTEN] = "listen",
	};

	return names[p];
}

/* --- leases --------------------------------------------------------------- */

/* A row of "leases", and what an event says. */
struct lease_row {
	const char  *event, *state, *method, *tunnel, *purpose;
	char	     host[ADDR_TEXT_MAX], address[ADDR_TEXT_MAX];
	char	     gateway[ADDR_TEXT_MAX];
	uint32_t     client_id, bind_id;
	json_object *ports, *spis;
	char	     remote[ADDR_TEXT_MAX + 6];
	uint64_t     expires, cookies;
};

#define ROW struct lease_row
#define EVENT_FIELDS							\
	TEXT("event", event, "what happened"),				\
	TEXT("state", state, "of the RSIP host (RFC 3103)")
#define BINDING_FIELDS							\
	/* Whoever knows it might speak for us to the gateway. */	\
	NUMBER("client_id", client_id, "the host's registration",	\
	    .flags = REPORT_PRIVATE),					\
	CHARS("host", host, "the host's own address"),			\
	BINDING_ROWS,							\
	CHARS("gateway", gateway, "who leased it"),			\
	SECONDS("expires", expires, "until the binding ends"),		\
	TEXT("purpose", purpose, "why it was asked for",		\
	    .flags = REPORT_WIDE),					\
	NUMBER("cookies", cookies, "leased initiator cookies",		\
	    .flags = REPORT_WIDE)

static const struct report_field lease_fields[] = {
	BINDING_FIELDS, { 0 }
}, state_event_fields[] = {
	EVENT_FIELDS, { 0 }
}, binding_event_fields[] = {
	EVENT_FIELDS, BINDING_FIELDS, { 0 }
};
#undef ROW

static void
row_fill(struct lease_row *row, const struct client *c,
    const struct binding *b)
{
	uint64_t now = clock_now();

	if (!addr_is_set(&b->remote))
		snprintf(row->remote, sizeof(row->remote), "any");
	else if (b->remote_port == 0)
		snprintf(row->remote, sizeof(row->remote), "%s",
		    ADDR_TEXT(&b->remote));
	else
		snprintf(row->remote, sizeof(row->remote), "%s:%u",
		    ADDR_TEXT(&b->remote), b->remote_port);
	row->client_id = c->host.client_id;
	addr_text(&c->link_addr, row->host, sizeof(row->host));
	row->bind_id = b->bind_id;
	addr_text(&b->addr, row->address, sizeof(row->address));
	row->ports = ports_json(b);
	row->spis = spis_json(b);
	row->method = rsip_method_name(b->method);
	row->tunnel = rsip_tunnel_name(b->tunnel);
	addr_text(&c->gateway, row->gateway, sizeof(row->gateway));
	row->expires = b->expires > now ? (b->expires - now) / 1000 : 0;
	row->purpose = purpose_text(b->purpose);
	row->cookies = b->ncookies;
}

static json_object *
command_leases(void *arg, json_object *req, bool privileged)
{
	const struct client *c = arg;
	json_object	    *o = report_rows_new(lease_fields);
	size_t		     i;

	(void)req;
	for (i = 0; i < c->host.bindings.n; i++) {
		struct lease_row row = { 0 };

		row_fill(&row, c, c->host.bindings.b[i]);
		report_rows_add(o, lease_fields, &row, privileged);
	}
	return o;
}

/* --- the report ----------------------------------------------------------- */

struct session {
	const char *state, *gateway, *transport, *trouble, *last_error;
	bool	    connected;
	uint32_t    client_id;
	struct transport_counters sent;
	uint64_t    retransmissions, resynchronizations, refused, asynchronous;
	uint64_t    next_try;
};

#define ROW struct session
static const struct report_field session_fields[] = {
	TEXT("state", state, "of the RSIP host (RFC 3103)"),
	TEXT("gateway", gateway, "the RSIP gateway, or none"),
	TEXT("transport", transport, "tcp or udp"),
	FLAG("connected", connected, "the gateway can be spoken to"),
	NUMBER("client_id", client_id, "the host's registration",
	    .flags = REPORT_PRIVATE),
	COUNTER("sent", sent.sent, "messages to gateways"),
	COUNTER("received", sent.received, "messages of gateways"),
	COUNTER("malformed", sent.unreadable, "messages that are no RSIP"),
	COUNTER("auth_failures", sent.unauthentic,
	    "messages that are not signed as they should be"),
	COUNTER("stale", sent.old,
	    "signed messages that are not known to be new"),
	COUNTER("retransmissions", retransmissions, "messages sent again"),
	COUNTER("resynchronizations", resynchronizations,
	    "times that both ends compared what they hold"),
	COUNTER("refused", refused, "requests that the gateway refused"),
	COUNTER("asynchronous", asynchronous,
	    "errors that were told without having been asked"),
	TEXT("trouble", trouble, "why it rests"),
	SECONDS("next_try", next_try, "until it asks the gateway again"),
	TEXT("last_error", last_error, "what the gateway refused with last"),
	{ 0 }
};
#undef ROW

static void
report_session(const struct client *c, struct report *r)
{
	const struct host *h = &c->host;
	uint64_t now = clock_now(), next = h->retry_at > h->rest_until ?
	    h->retry_at : h->rest_until;
	struct session s = {
		.state = host_state_name(h->state),
		.gateway = ADDR_TEXT(&c->gateway),
		.transport = h->udp ? "udp" : "tcp",
		.trouble = host_trouble(h),
		.last_error = h->last_error == 0 ? NULL :
		rsip_error_name(h->last_error),
		.connected = h->up,
		.client_id = h->client_id,
		.sent = *transport_counters(c->transport),
		.retransmissions = h->retransmissions,
		.resynchronizations = h->resynchronizations,
		.refused = h->refused,
		.asynchronous = h->misused,
		.next_try = REPORT_NONE,
	};

	if (s.trouble != NULL)
		s.next_try = next > now ? (next - now) / 1000 : 0;
	report_write(r, "session", "session", session_fields, &s);
}

struct held {
	const char *address, *interface, *dataplane;
	char	    range[16];
	uint64_t    ike_port, spis_free, bindings, age;
};

#define ROW struct held
static const struct report_field held_fields[] = {
	TEXT("address", address, "leased address, or none"),
	TEXT("interface", interface, "where it stands"),
	CHARS("port_range", range, "that programs choose from",
	    .flags = REPORT_MAYBE),
	NUMBER("ike_port", ike_port, "source port of IKE"),
	GAUGE("spis_free", spis_free, "leased SPIs that no SA has"),
	GAUGE("bindings", bindings, "granted bindings"),
	SECONDS("age", age, "since the address is there"),
	TEXT("dataplane", dataplane, "who does ESP from it"),
	{ 0 }
};
#undef ROW

static void
report_lease(const struct client *c, struct report *r)
{
	const struct binding *b = bindings_main(&c->host.bindings);
	uint64_t	      none = REPORT_NONE;
	uint16_t	      lo, hi;
	struct held	      h = { .address = b == NULL ? "none" :
		ADDR_TEXT(&b->addr), .ike_port = none, .spis_free = none,
		.age = none, .bindings = c->host.bindings.n };

	if (b != NULL) {
		h.interface = device_name(c->device);
		h.dataplane = c->led_text;
		h.ike_port = c->path.ike_port;
		h.spis_free = bindings_spi_free(&c->host.bindings);
		h.age = (clock_now() - c->up_since) / 1000;
		if (binding_port_block(b, &lo, &hi))
			snprintf(h.range, sizeof(h.range), "%u-%u", lo, hi);
	}
	report_write(r, "lease", "lease", held_fields, &h);
}

struct way {
	const char *type, *by;
	uint64_t    mtu, waiting;
	struct oe_passed passed;
	struct tunnel_counters tunnel;
	struct path_counters   path;
};

#define ROW struct way
static const struct report_field way_fields[] = {
	TEXT("type", type, "ipip, gre, or none"),
	FIELD("mtu", NUMBER, BYTES, mtu, "longest packet through it"),
	TEXT("path", by, "what carries what policy passes"),
	PASSED("packets_in", tunnel.in_packets, "packets",
	    "tunnel direction=in"),
	PASSED("packets_out", tunnel.out_packets, "packets",
	    "tunnel direction=out"),
	PASSED_BYTES("bytes_in", tunnel.in_bytes, "packet_bytes",
	    "tunnel direction=in"),
	PASSED_BYTES("bytes_out", tunnel.out_bytes, "packet_bytes",
	    "tunnel direction=out"),
	PASSED("offloaded_in", passed.packets_in, "packets",
	    "ebpf direction=in"),
	PASSED("offloaded_out", passed.packets_out, "packets",
	    "ebpf direction=out"),
	PASSED_BYTES("offloaded_bytes_in", passed.bytes_in, "packet_bytes",
	    "ebpf direction=in"),
	PASSED_BYTES("offloaded_bytes_out", passed.bytes_out, "packet_bytes",
	    "ebpf direction=out"),
	DROPPED("dropped_foreign", tunnel.in_foreign, "tunnel_dropped_packets",
	    "foreign"),
	DROPPED("dropped_malformed", tunnel.in_malformed,
	    "tunnel_dropped_packets", "malformed"),
	DROPPED("dropped_unknown_spi", path.in_stale, "tunnel_dropped_packets",
	    "unknown_spi"),
	DROPPED("dropped_clear_refused", path.in_refused,
	    "tunnel_dropped_packets", "clear_refused"),
	DROPPED("dropped_failed", tunnel.out_failed, "tunnel_dropped_packets",
	    "failed"),
	DROPPED("dropped_unleased", path.out_unleased, "tunnel_dropped_packets",
	    "unleased"),
	DROPPED("dropped_without_lease", path.out_idle,
	    "tunnel_dropped_packets", "without_lease"),
	COUNTER("ports_demanded", path.demands,
	    "ports that programs bound themselves, and were asked for"),
	COUNTER("ports_refused", path.demands_refused,
	    "of these, that were not granted"),
	GAUGE("packets_waiting", waiting, "packets that wait for such a port"),
	{ 0 }
};
#undef ROW

static void
report_tunnel(const struct client *c, struct report *r)
{
	const struct binding *b = bindings_main(&c->host.bindings);
	struct way	      w = {
		.type = b == NULL ? "none" : rsip_tunnel_name(b->tunnel),
		.by = c->path.pass != NULL ? "ebpf, user space for the rest" :
		"user space",
		.mtu = b == NULL ? 0 : device_mtu(c->device),
		.waiting = c->path.demand.n,
		.tunnel = *tunnel_counters(c->tunnel),
		.path = c->path.counters,
	};

	pass_count(c->path.pass, &w.passed);
	w.tunnel.in_foreign += w.path.in_foreign;
	report_write(r, "tunnel", "tunnel", way_fields, &w);
}

/* Why there is no lease. */
static void
trouble_text(const struct client *c, char *out, size_t cap)
{
	const char *trouble = transport_trouble(c->transport);
	bool	    named = addr_is_set(&c->settings->gateway);
	const char *gateway = ADDR_TEXT(addr_is_set(&c->gateway) ?
	    &c->gateway : &c->settings->gateway);

	if (c->unreachable_said && !named && c->direct != NULL &&
	    direct_connected(c->direct))
		snprintf(out, cap, "the default route has no next hop, so no "
		    "gateway");
	else if (c->unreachable_said && !named)
		snprintf(out, cap, "no default route, so no gateway");
	else if (c->unreachable_said)
		snprintf(out, cap, "no route to the RSIP gateway %s", gateway);
	else if (c->host.rest_until > clock_now() &&
	    host_trouble(&c->host) != NULL)
		snprintf(out, cap, "the RSIP gateway %s is of no use (%s)",
		    gateway, host_trouble(&c->host));
	else if (trouble != NULL)
		snprintf(out, cap, "no RSIP gateway at %s (%c%s)", gateway,
		    tolower((unsigned char)trouble[0]), trouble + 1);
	else if (c->host.last_error != 0)
		snprintf(out, cap, "the RSIP gateway %s refuses (%s)", gateway,
		    rsip_error_name(c->host.last_error));
	else if (transport_counters(c->transport)->unreadable != 0)
		snprintf(out, cap, "what %s answers is not RSIP", gateway);
	else if (!named && !addr_is_set(&c->gateway))
		snprintf(out, cap, "no RSIP gateway is known so far");
	else
		snprintf(out, cap, "no answer of an RSIP gateway at %s so far",
		    gateway);
}

/* The engine whose answer counts: that of the address named, or of
 * new connections. */
static struct oe *
status_engine(const struct client *c, const char *source)
{
	struct addr own, from;

	if (c->direct == NULL || c->path.own == PATH_OWN_SHUT)
		return c->oe;
	if (c->path.own == PATH_OWN_ALL)
		return direct_engine(c->direct);
	own = direct_address(c->direct);
	return source != NULL && addr_parse(&from, source) == 0 &&
	    addr_equal(&from, &own) ? direct_engine(c->direct) : c->oe;
}

/* Tables hold what both engines have. */
static json_object *
status_tables(const struct client *c, json_object *req, bool privileged)
{
	json_object *o = oe_control(c->oe, req, privileged);
	json_object *also, *rows, *more;
	size_t	     i;

	if (o == NULL || c->direct == NULL)
		return o;
	also = oe_control(direct_engine(c->direct), req, privileged);
	if (json_object_object_get_ex(o, "rows", &rows) &&
	    json_object_object_get_ex(also, "rows", &more)) {
		for (i = 0; i < json_object_array_length(more); i++)
			json_object_array_add(rows, json_object_get(
			    json_object_array_get_idx(more, i)));
	}
	json_object_put(also);
	return o;
}

/* From where, and why from there. */
static void
status_why_direct(const struct client *c, const char *address, json_object *o)
{
	const char *now = json_member_text(o, "line");
	char	    cause[160], line[1280];

	trouble_text(c, cause, sizeof(cause));
	if (!direct_connected(c->direct))
		snprintf(line, sizeof(line), "%s: nothing goes out: no default "
		    "route", address);
	else
		snprintf(line, sizeof(line), "%s; %s, because: %s",
		    now != NULL ? now : address, direct_how(c->direct), cause);
	control_put(o, "line", line);
}

/* The lease is lost and may come back, or nobody is there who forwards for it:
 * what the engine has is good for nothing until then. */
static void
status_why_lost(const struct client *c, const char *address, const char *class,
    json_object *o)
{
	const char *now = json_member_text(o, "line");
	char	    cause[160], line[1280];

	if (c->host.up && !c->suspended)
		return;
	trouble_text(c, cause, sizeof(cause));
	if (!c->suspended) {
		snprintf(line, sizeof(line), "%s; the lease is kept, but %s",
		    now != NULL ? now : address, cause);
		control_put(o, "line", line);
		return;
	}
	snprintf(line, sizeof(line), "%s: held (%s), because the lease is "
	    "lost: %s", address, class, cause);
	control_put(o, "policy", "hold");
	control_put(o, "line", line);
}

/* No lease has a part in it. */
static void
status_why_six(const struct client *c, const char *address, json_object *o)
{
	const char *class = json_member_text(o, "class");
	char	    line[256];
	bool	    shut;

	if (class == NULL || device_leads_ipv6(c->device))
		return;
	shut = strcmp(class, oe_class_name(OE_CLASS_CLEAR)) != 0 &&
	    strcmp(class, oe_class_name(OE_CLASS_PERMISSIVE)) != 0;
	snprintf(line, sizeof(line), "%s: %s (%s), because over IPv6 nothing "
	    "is encrypted here: %s", address, shut ? "denied" : "in the clear",
	    class, c->direct == NULL ? "that is the work of direct = true" :
	    "this host has no address for it");
	control_put(o, "policy", shut ? "deny" : "pass");
	control_put(o, "line", line);
}

/* Where there is no lease, what the engine would do has no place to happen. */
static void
status_why(const struct client *c, const char *address, json_object *o)
{
	char	    cause[160], line[256];
	const char *class = json_member_text(o, "class"), *then;
	struct addr leased;
	bool	    shut;

	if (class == NULL || address == NULL)
		return;
	if (c->path.own == PATH_OWN_ALL) {
		status_why_direct(c, address, o);
		return;
	}
	leased = device_address(c->device);
	if (addr_is_set(&leased)) {
		status_why_lost(c, address, class, o);
		return;
	}
	shut = c->seeking || !c->settings->direct ||
	    (strcmp(class, oe_class_name(OE_CLASS_CLEAR)) != 0 &&
	    strcmp(class, oe_class_name(OE_CLASS_PERMISSIVE)) != 0);
	then = c->seeking ? "held" : shut ? "denied" : "in the clear";
	trouble_text(c, cause, sizeof(cause));
	snprintf(line, sizeof(line), "%s: %s (%s), because: %s",
	    address, then, class, cause);
	control_put(o, "policy", c->seeking ? "hold" : shut ? "deny" : "pass");
	control_put(o, "line", line);
}

/* No lease, and no need of one to encrypt. */
static void
status_verdict_direct(const struct client *c, const struct oe_verdict *v,
    char *out, size_t cap)
{
	char cause[160];

	trouble_text(c, cause, sizeof(cause));
	if (!direct_connected(c->direct))
		snprintf(out, cap, "nothing goes out: no default route");
	else if (*v->obstacle != '\0' && v->keyed == 0)
		snprintf(out, cap, "in the clear: %s; %s", cause, v->obstacle);
	else
		snprintf(out, cap,
		    "no RSIP gateway here; encrypting %s; %s%s%s",
		    direct_how(c->direct), v->peers, *v->obstacle != '\0' ?
		    "; no new ones: " : "", v->obstacle);
}

struct answer {
	char	 verdict[1536];
	unsigned keyed;
};

#define ROW struct answer
static const struct report_field answer_fields[] = {
	CHARS("verdict", verdict, "what a person asks first"),
	GAUGE("peers", keyed, "peers that we have keys with",
	    .metric = "oe_peers"),
	{ 0 }
};
#undef ROW

/* oe: the engine that counts, or NULL. */
static void
report_verdict(const struct client *c, struct report *r, const struct oe *oe)
{
	struct oe_verdict v = { 0 };
	struct answer	  a = { .verdict = "no engine" };
	struct addr	  leased = device_address(c->device);
	char		  cause[160];

	trouble_text(c, cause, sizeof(cause));
	if (oe != NULL)
		oe_verdict(oe, &v);
	a.keyed = v.keyed;
	if (c->path.own == PATH_OWN_ALL && oe != NULL)
		status_verdict_direct(c, &v, a.verdict, sizeof(a.verdict));
	else if (!addr_is_set(&leased))
		snprintf(a.verdict, sizeof(a.verdict), "%s: %s", c->seeking ?
		    "held" : c->settings->direct ? "in the clear" :
		    "shut (direct = false)", cause);
	else if (c->suspended)
		snprintf(a.verdict, sizeof(a.verdict),
		    "held: the lease is lost: %s", cause);
	else if (oe != NULL)
		snprintf(a.verdict, sizeof(a.verdict), "%s%s%s", v.line,
		    c->host.up ? "" : "; the lease is kept, but ",
		    c->host.up ? "" : cause);
	report_write(r, NULL, "", answer_fields, &a);
}

struct own {
	const char *in_use, *address, *interface, *how, *dataplane;
};

#define ROW struct own
static const struct report_field own_fields[] = {
	TEXT("in_use", in_use, "who uses the host's own address"),
	TEXT("address", address, "it"),
	TEXT("interface", interface, "where it stands"),
	TEXT("how", how, "how peers are reached from it"),
	TEXT("dataplane", dataplane, "who does ESP from it"),
	{ 0 }
};
#undef ROW

static void
report_direct(const struct client *c, struct report *r)
{
	static const char *const uses[] = { [PATH_OWN_SHUT] = "no",
		[PATH_OWN_OLD] = "by connections that have it",
		[PATH_OWN_ALL] = "yes" };
	struct own  o = { .in_use = uses[c->path.own] };
	struct addr own = { 0 };
	char	    address[ADDR_TEXT_MAX];

	if (c->direct != NULL)
		own = direct_address(c->direct);
	if (addr_is_set(&own)) {
		o.address = addr_text(&own, address, sizeof(address));
		o.interface = direct_link(c->direct);
		o.how = direct_how(c->direct);
		o.dataplane = direct_dataplane(c->direct);
	}
	report_write(r, "direct", NULL, own_fields, &o);
}

void
status_report(void *arg, struct report *r)
{
	struct client *c = arg;
	struct oe     *oe = c->oe == NULL ? NULL : status_engine(c, NULL);
	struct oe     *other;

	report_verdict(c, r, oe);
	report_session(c, r);
	report_lease(c, r);
	report_tunnel(c, r);
	report_direct(c, r);
	if (oe == NULL)
		return;
	report_enter(r, "oe", c->direct == NULL ? NULL : oe == c->oe ?
	    "engine=lease" : "engine=own");
	oe_report(oe, r);
	report_leave(r);
	/* Who counts sees both. */
	if (report_form(r) != REPORT_METRICS || c->direct == NULL)
		return;
	other = oe == c->oe ? direct_engine(c->direct) : c->oe;
	report_enter(r, "oe", oe == c->oe ? "engine=own" : "engine=lease");
	oe_report(other, r);
	report_leave(r);
}

/* The engines are gone when we are about to leave. */
static json_object *
command_tables(void *arg, json_object *req, bool privileged)
{
	struct client *c = arg;

	return c->oe == NULL ? NULL : status_tables(c, req, privileged);
}

static json_object *
command_why(void *arg, json_object *req, bool privileged)
{
	struct client *c = arg;
	json_object   *o;
	const char    *address = json_member_text(req, "address");
	struct addr    a;
	bool	       six = address != NULL && addr_parse(&a, address) == 0 &&
	    a.family == AF_INET6;

	if (c->oe == NULL)
		return NULL;
	o = oe_control(six && c->direct != NULL ? direct_engine(c->direct) :
	    status_engine(c, json_member_text(req, "source")), req,
	    privileged);
	if (o != NULL && six)
		status_why_six(c, address, o);
	else if (o != NULL)
		status_why(c, address, o);
	return o;
}

const struct service_command status_commands[] = {
	{ "leases", false, command_leases, lease_fields },
	{ "why", false, command_why, NULL },
	{ "sa", true, command_tables, oe_sa_fields },
	{ "spd", true, command_tables, oe_spd_fields },
	{ 0 }
};

void
status_publish(struct client *c, const char *event, const struct binding *b)
{
	struct lease_row row = { .event = event,
		.state = host_state_name(c->host.state) };

	if (!service_watched(c->service))
		return;
	if (b != NULL)
		row_fill(&row, c, b);
	service_publish(c->service, report_row(b != NULL ?
	    binding_event_fields : state_event_fields, &row, true));
}

void
status_engine_event(void *arg, const struct oe_event *e)
{
	struct client *c = arg;

	if (service_watched(c->service))
		service_publish(c->service, oe_event_json(e));
}
