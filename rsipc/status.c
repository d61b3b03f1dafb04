/* status.c - what rsipctl is told about the RSIP host */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/control.h"
#include "base/util.h"
#include "oe/classes.h"
#include "rsipc/client.h"

static void
put_str(json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static void
put_int(json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_int64((int64_t)value));
}

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
purpose_text(enum lease_purpose p)
{
	static const char *const names[] = {
		[LEASE_MAIN] = "main",
		[LEASE_PORT] = "on demand",
		[LEASE_PORTS] = "more ports",
		[LEASE_SPIS] = "more SPIs",
		[LEASE_LISTEN] = "listen",
	};

	return names[p];
}

static json_object *
lease_json(const struct client *c, const struct binding *b, bool privileged)
{
	json_object *o = json_object_new_object();
	uint64_t     now = clock_now();
	char	     remote[32] = "any";

	if (b->remote != 0 && b->remote_port != 0)
		snprintf(remote, sizeof(remote), "%s:%u", ipv4_text(b->remote),
		    b->remote_port);
	else if (b->remote != 0)
		snprintf(remote, sizeof(remote), "%s", ipv4_text(b->remote));
	/* Whoever knows it might speak for us to the gateway. */
	if (privileged)
		put_int(o, "client_id", c->host.client_id);
	put_int(o, "bind_id", b->bind_id);
	put_str(o, "host", ipv4_text(c->link_addr));
	put_str(o, "address", ipv4_text(b->addr));
	json_object_object_add(o, "ports", ports_json(b));
	json_object_object_add(o, "spis", spis_json(b));
	put_str(o, "method", rsip_method_name(b->method));
	put_str(o, "remote", remote);
	put_str(o, "tunnel", rsip_tunnel_name(b->tunnel));
	put_int(o, "expires", b->expires > now ? (b->expires - now) / 1000 : 0);
	put_str(o, "gateway", ipv4_text(c->gateway));
	put_str(o, "purpose", purpose_text(b->purpose));
	put_int(o, "cookies", b->ncookies);
	return o;
}

static json_object *
status_leases(const struct client *c, bool privileged)
{
	json_object *o = json_object_new_object();
	json_object *rows = json_object_new_array();
	size_t	     i;

	for (i = 0; i < c->host.lease.n; i++)
		json_object_array_add(rows, lease_json(c, c->host.lease.b[i],
		    privileged));
	json_object_object_add(o, "rows", rows);
	return o;
}

static json_object *
status_session(const struct client *c, bool privileged)
{
	const struct transport_counters *t = transport_counters(c->transport);
	const struct host *h = &c->host;
	uint64_t now = clock_now(), next = h->retry_at > h->rest_until ?
	    h->retry_at : h->rest_until;
	json_object	  *o = json_object_new_object();

	put_str(o, "state", host_state_name(h->state));
	put_str(o, "gateway", c->gateway == 0 ? "none" : ipv4_text(c->gateway));
	put_str(o, "transport", h->udp ? "udp" : "tcp");
	put_str(o, "connected", h->up ? "yes" : "no");
	if (privileged)
		put_int(o, "client_id", h->client_id);
	put_int(o, "sent", t->sent);
	put_int(o, "received", t->received);
	put_int(o, "unreadable", t->unreadable);
	put_int(o, "unauthentic", t->unauthentic);
	put_int(o, "old", t->old);
	put_int(o, "retransmissions", h->retransmissions);
	put_int(o, "resynchronizations", h->resynchronizations);
	put_int(o, "refused", h->refused);
	put_int(o, "asynchronous_errors", h->misused);
	if (host_trouble(h) != NULL) {
		put_str(o, "trouble", host_trouble(h));
		put_int(o, "next_try", next > now ? (next - now) / 1000 : 0);
	}
	if (h->last_error != 0)
		put_str(o, "last_error", rsip_error_name(h->last_error));
	return o;
}

static json_object *
status_lease(const struct client *c)
{
	const struct binding *b = lease_main(&c->host.lease);
	json_object	     *o = json_object_new_object();
	uint16_t	      lo, hi;
	char		      text[16];

	put_str(o, "address", b == NULL ? "none" : ipv4_text(b->addr));
	if (b == NULL)
		return o;
	put_str(o, "interface", device_name(c->device));
	if (lease_port_block(b, &lo, &hi)) {
		snprintf(text, sizeof(text), "%u-%u", lo, hi);
		put_str(o, "ports", text);
	}
	put_int(o, "ike_port", c->path.ike_port);
	put_int(o, "spis_free", lease_spi_free(&c->host.lease));
	put_int(o, "bindings", c->host.lease.n);
	put_int(o, "up_seconds", (clock_now() - c->up_since) / 1000);
	return o;
}

static json_object *
status_tunnel(const struct client *c)
{
	const struct tunnel_counters *t = tunnel_counters(c->tunnel);
	const struct binding	     *b = lease_main(&c->host.lease);
	json_object		     *o = json_object_new_object();

	put_str(o, "type", b == NULL ? "none" : rsip_tunnel_name(b->tunnel));
	put_int(o, "mtu", b == NULL ? 0 : device_mtu(c->device));
	put_int(o, "in_packets", t->in_packets);
	put_int(o, "in_bytes", t->in_bytes);
	put_int(o, "in_foreign", t->in_foreign + c->path.counters.in_foreign);
	put_int(o, "in_malformed", t->in_malformed);
	put_int(o, "in_stale_esp", c->path.counters.in_stale);
	put_int(o, "in_refused", c->path.counters.in_refused);
	put_int(o, "out_packets", t->out_packets);
	put_int(o, "out_bytes", t->out_bytes);
	put_int(o, "out_failed", t->out_failed);
	put_int(o, "out_unleased", c->path.counters.out_unleased);
	put_int(o, "out_without_lease", c->path.counters.out_idle);
	put_int(o, "ports_demanded", c->path.counters.demands);
	put_int(o, "ports_refused", c->path.counters.demands_refused);
	put_int(o, "packets_waiting", c->path.demand.n);
	return o;
}

/* Why there is no lease. */
static void
trouble_text(const struct client *c, char *out, size_t cap)
{
	const char *trouble = transport_trouble(c->transport);
	const char *gateway = ipv4_text(c->gateway != 0 ? c->gateway :
	    c->settings->gateway);

	if (c->unreachable_said && c->settings->gateway == 0 &&
	    c->direct != NULL && direct_connected(c->direct))
		snprintf(out, cap, "the default route has no next hop, so no "
		    "gateway");
	else if (c->unreachable_said && c->settings->gateway == 0)
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
	else
		snprintf(out, cap, "no answer of an RSIP gateway at %s so far",
		    gateway);
}

/* The engine whose answer counts: that of the address named, or of new connections. */
static struct oe *
status_engine(const struct client *c, const char *source)
{
	if (c->direct != NULL && (c->path.own == PATH_OWN_ALL ||
	    (c->path.own == PATH_OWN_OLD && source != NULL && strcmp(source,
	    ipv4_text(direct_address(c->direct))) == 0)))
		return direct_engine(c->direct);
	return c->oe;
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
	const char *now = control_text(o, "line");
	char	    cause[160], line[1280];

	trouble_text(c, cause, sizeof(cause));
	snprintf(line, sizeof(line), "%s; %s, because: %s", now != NULL ? now :
	    address, direct_how(c->direct), cause);
	put_str(o, "line", line);
}

/* The lease is lost and may come back, or nobody is there who forwards for it:
 * what the engine has is good for nothing until then. */
static void
status_why_lost(const struct client *c, const char *address, const char *class,
    json_object *o)
{
	const char *now = control_text(o, "line");
	char	    cause[160], line[1280];

	if (c->host.up && !c->suspended)
		return;
	trouble_text(c, cause, sizeof(cause));
	if (!c->suspended) {
		snprintf(line, sizeof(line), "%s; the lease is kept, but %s",
		    now != NULL ? now : address, cause);
		put_str(o, "line", line);
		return;
	}
	snprintf(line, sizeof(line), "%s: held (%s), because the lease is "
	    "lost: %s", address, class, cause);
	put_str(o, "policy", "hold");
	put_str(o, "line", line);
}

/* Where there is no lease, what the engine would do has no place to happen. */
static void
status_why(const struct client *c, const char *address, json_object *o)
{
	char	    cause[160], line[256];
	const char *class = control_text(o, "class"), *then;
	bool	    shut;

	if (class == NULL || address == NULL)
		return;
	if (c->path.own == PATH_OWN_ALL) {
		status_why_direct(c, address, o);
		return;
	}
	if (device_address(c->device) != 0) {
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
	put_str(o, "policy", c->seeking ? "hold" : shut ? "deny" : "pass");
	put_str(o, "line", line);
}

/* No lease, and no need of one to encrypt. */
static void
status_verdict_direct(const struct client *c, json_object *oe, char *out,
    size_t cap)
{
	const char *peers = control_text(oe, "peers");
	const char *obstacle = control_text(oe, "obstacle");
	const char *keyed = control_text(oe, "keyed");
	char	    cause[160];
	bool	    any = keyed != NULL && strcmp(keyed, "yes") == 0;

	trouble_text(c, cause, sizeof(cause));
	if (peers == NULL || obstacle == NULL)
		snprintf(out, cap, "no engine");
	else if (!direct_connected(c->direct))
		snprintf(out, cap, "nothing goes out: no default route");
	else if (*obstacle != '\0' && !any)
		snprintf(out, cap, "in the clear: %s; %s", cause, obstacle);
	else
		snprintf(out, cap, "no RSIP gateway here; encrypting %s; %s%s%s",
		    direct_how(c->direct), peers, *obstacle != '\0' ?
		    "; no new ones: " : "", obstacle);
}

static void
status_verdict(const struct client *c, json_object *o, json_object *oe)
{
	char	    cause[160], text[1024];
	const char *verdict = oe == NULL ? NULL : control_text(oe, "verdict");

	if (c->path.own == PATH_OWN_ALL && oe != NULL) {
		status_verdict_direct(c, oe, text, sizeof(text));
		verdict = text;
	} else if (device_address(c->device) == 0) {
		trouble_text(c, cause, sizeof(cause));
		snprintf(text, sizeof(text), "%s: %s", c->seeking ? "held" :
		    c->settings->direct ? "in the clear" :
		    "shut (direct = false)", cause);
		verdict = text;
	} else if (c->suspended) {
		trouble_text(c, cause, sizeof(cause));
		snprintf(text, sizeof(text), "held: the lease is lost: %s",
		    cause);
		verdict = text;
	} else if (!c->host.up && verdict != NULL) {
		trouble_text(c, cause, sizeof(cause));
		snprintf(text, sizeof(text), "%s; the lease is kept, but %s",
		    verdict, cause);
		verdict = text;
	}
	put_str(o, "verdict", verdict == NULL ? "no engine" : verdict);
	if (oe == NULL)
		return;
	json_object_object_del(oe, "verdict");
	json_object_object_del(oe, "obstacle");
	json_object_object_del(oe, "keyed");
}

static json_object *
status_direct(const struct client *c)
{
	static const char *const uses[] = { [PATH_OWN_SHUT] = "no",
		[PATH_OWN_OLD] = "by connections that have it",
		[PATH_OWN_ALL] = "yes" };
	json_object *o = json_object_new_object();

	put_str(o, "in_use", uses[c->path.own]);
	if (c->direct == NULL || direct_address(c->direct) == 0)
		return o;
	put_str(o, "address", ipv4_text(direct_address(c->direct)));
	put_str(o, "interface", direct_link(c->direct));
	put_str(o, "how", direct_how(c->direct));
	return o;
}

static json_object *
command_status(void *arg, json_object *req, bool privileged)
{
	struct client *c = arg;
	json_object   *o = json_object_new_object(), *oe = NULL;

	if (c->oe != NULL)
		oe = oe_control(status_engine(c, NULL), req, privileged);
	status_verdict(c, o, oe);
	json_object_object_add(o, "session", status_session(c, privileged));
	json_object_object_add(o, "lease", status_lease(c));
	json_object_object_add(o, "tunnel", status_tunnel(c));
	json_object_object_add(o, "direct", status_direct(c));
	if (oe != NULL)
		json_object_object_add(o, "oe", oe);
	return o;
}

static json_object *
command_leases(void *arg, json_object *req, bool privileged)
{
	(void)req;
	return status_leases(arg, privileged);
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

	if (c->oe == NULL)
		return NULL;
	o = oe_control(status_engine(c, control_text(req, "source")), req,
	    privileged);
	if (o != NULL)
		status_why(c, control_text(req, "address"), o);
	return o;
}

const struct service_command status_commands[] = {
	{ "status", false, command_status },
	{ "leases", false, command_leases },
	{ "why", false, command_why },
	{ "sa", true, command_tables },
	{ "spd", true, command_tables },
	{ 0 }
};

void
status_publish(struct client *c, const char *event, const struct binding *b)
{
	json_object *o;

	if (!service_watched(c->service))
		return;
	o = b != NULL ? lease_json(c, b, true) : json_object_new_object();
	put_str(o, "event", event);
	put_str(o, "state", host_state_name(c->host.state));
	service_publish(c->service, o);
}

void
status_engine_event(void *arg, json_object *o)
{
	struct client *c = arg;

	service_publish(c->service, o);
}
