/* host_request.c - the RSIP host: which request is due, and what it says (RFC 3103 §9, RFC 3104 §6.2) */
#include "config.h"

#include <string.h>

#include "base/log.h"
#include "rsipc/host_private.h"

static struct rsip_message *
request_begin(struct host *h, enum rsip_type type)
{
	struct rsip_message *m = &h->out;

	h->pending_purpose = BINDING_MAIN;
	h->pending_bind = 0;
	h->asks_former = false;
	h->again_signed = 0;
	rsip_message_clear(m);
	rsip_message_init(m, type);
	if (type != RSIP_REGISTER_REQUEST) {
		m->has |= RSIP_HAS_CLIENT_ID;
		m->client_id = h->client_id;
	}
	return m;
}

static void
request_send(struct host *h, struct rsip_message *m, enum host_state state,
    uint64_t now)
{
	/* RFC 3103 §10.1: the counter wraps to 1.  On TCP it is optional, and
	 * there tells an answer from an asynchronous error. */
	if (++h->counter == 0)
		h->counter = 1;
	m->has |= RSIP_HAS_COUNTER;
	m->counter = h->counter;
	h->pending = m->type;
	h->sign_again = false;
	h->attempt = 1;
	h->sent = now;
	h->deadline = now + (h->udp ? 13 : HOST_TCP_TIMEOUT);
	host_set_state(h, state);
	/* What programs ask for they bound. */
	if (!h->for_program)
		host_said(h, now);
	h->for_program = false;
	h->ops->send(h->arg, m);
}

void
host_request_again(struct host *h, uint64_t now)
{
	request_send(h, &h->out, h->state, now);
}

static enum host_state
pending_state(const struct host *h, enum host_state registered,
    enum host_state assigned)
{
	return h->bindings.n > 0 ? assigned : registered;
}

static void
request_register(struct host *h, uint64_t now)
{
	struct rsip_message *m = request_begin(h, RSIP_REGISTER_REQUEST);

	if (h->config.fqdn[0] != '\0' && !h->no_vendor) {
		m->has |= RSIP_HAS_FQDN;
		memcpy(m->fqdn, h->config.fqdn, sizeof(m->fqdn));
	}
	/* A new registration, a new count (RFC 3103 §10.1). */
	h->counter = 0;
	request_send(h, m, HOST_REGISTRATION_PENDING, now);
}

static void
request_deregister(struct host *h, uint32_t client_id, uint64_t now)
{
	struct rsip_message *m = request_begin(h, RSIP_DEREGISTER_REQUEST);

	m->client_id = client_id;
	request_send(h, m, pending_state(h,
	    HOST_REGISTERED_DEREGISTRATION_PENDING,
	    HOST_ASSIGNED_DEREGISTRATION_PENDING), now);
}

static void
request_query(struct host *h, uint64_t now)
{
	/* No tuple: whatever the gateway is willing to tell (§9.14.3). */
	struct rsip_message *m = request_begin(h, RSIP_QUERY_REQUEST);

	h->query_at = now + HOST_QUERY_INTERVAL;
	request_send(h, m, pending_state(h, HOST_REGISTERED_QUERY_PENDING,
	    HOST_ASSIGNED_QUERY_PENDING), now);
}

static void
set_ports(struct rsip_ports *p, uint8_t number, uint16_t first)
{
	memset(p, 0, sizeof(*p));
	p->none = number == 0;
	p->number = number;
	if (first != 0) {
		p->nfields = 1;
		p->port[0] = first;
	}
}

/* What every assignment has in common. */
static struct rsip_message *
assign_begin(struct host *h, enum rsip_type type, enum binding_purpose purpose,
    const struct addr *local)
{
	const struct addr    any = { 0 };
	struct rsip_message *m = request_begin(h, type);

	h->pending_purpose = purpose;
	m->has |= RSIP_HAS_LOCAL | RSIP_HAS_REMOTE | RSIP_HAS_REMOTE_PORTS;
	rsip_address_set(&m->local, local);
	rsip_address_set(&m->remote, &any);
	set_ports(&m->remote_ports, 1, 0);
	if (h->config.lease_time != 0) {
		m->has |= RSIP_HAS_LEASE;
		m->lease = h->config.lease_time;
	}
	if (h->want_tunnel != 0) {
		m->has |= RSIP_HAS_TUNNEL;
		m->ntunnels = 1;
		m->tunnel[0] = h->want_tunnel;
	}
	return m;
}

static void
assign_send(struct host *h, struct rsip_message *m, uint64_t now)
{
	request_send(h, m, pending_state(h, HOST_ASSIGNMENT_PENDING,
	    HOST_ASSIGNED_ASSIGNMENT_PENDING), now);
}

static void
set_spis(struct host *h, struct rsip_message *m)
{
	m->has |= RSIP_HAS_SPIS;
	m->spis.number = h->want_spis;
	if (host_asks_former(h) && h->saved.nspis > 0)
		rsip_spis_set(&m->spis, h->saved.spi, h->saved.nspis);
	if (h->config.cookies > 0 && !h->no_vendor) {
		m->has |= RSIP_HAS_COOKIES;
		m->cookies_number = h->config.cookies;
	}
}

static uint8_t
ports_wanted(const struct host *h)
{
	/* Micro-flow local policy: one port a binding (RFC 3103 §8.2); a port
	 * is of one remote side only where that must be named. */
	return (h->local_policy == RSIP_LOCAL_MICRO || host_flow_policy(h)) &&
	    h->want_ports > 1 ? 1 : h->want_ports;
}

/* RFC 3103 §7.2: under remote flow policy a host MUST say whom it is for. */
static void
set_remote(const struct host *h, struct rsip_message *m,
    const struct addr *remote, uint16_t port)
{
	if (!host_flow_policy(h))
		return;
	rsip_address_set(&m->remote, remote);
	if (h->remote_policy == RSIP_REMOTE_MICRO)
		set_ports(&m->remote_ports, 1, port);
}

static void
request_assign_main(struct host *h, uint64_t now)
{
	/* SPIs for one remote side are none for opportunistic encryption. */
	bool		     ipsec = !h->no_ipsec && (!host_flow_policy(h) ||
				!(h->methods & 1u << RSIP_METHOD_RSAP_IP));
	struct addr	     addr = { 0 };
	struct rsip_message *m;

	if (host_asks_former(h))
		addr = h->saved.addr;
	/* A whole address: where it is asked for, or nothing
	 * else is offered. */
	if (!ipsec && (h->config.method == RSIP_METHOD_RSA_IP ||
	    h->methods == 1u << RSIP_METHOD_RSA_IP)) {
		m = assign_begin(h, RSIP_ASSIGN_REQUEST_RSA_IP, BINDING_MAIN,
		    &addr);
		set_remote(h, m, &h->first.remote, h->first.remote_port);
		assign_send(h, m, now);
		return;
	}
	m = assign_begin(h, ipsec ? RSIP_ASSIGN_REQUEST_RSIPSEC :
	    RSIP_ASSIGN_REQUEST_RSAP_IP, BINDING_MAIN, &addr);
	m->has |= RSIP_HAS_LOCAL_PORTS;
	set_ports(&m->local_ports, ports_wanted(h), 0);
	if (host_asks_former(h) && h->saved.nports > 0)
		rsip_ports_set(&m->local_ports, h->saved.port, h->saved.nports);
	else if (m->local_ports.none && ipsec)
		set_ports(&m->remote_ports, 0, 0);
	else if (m->local_ports.none)
		set_ports(&m->local_ports, 1, 0);
	if (ipsec)
		set_spis(h, m);
	set_remote(h, m, &h->first.remote, h->first.remote_port);
	assign_send(h, m, now);
}

/* One port: ASSIGN_REQUEST_RSAP-IP where the gateway has that method, else
 * RSIPSEC with an SPI that comes handy. */
static void
request_port(struct host *h, const struct host_demand *d,
    enum binding_purpose purpose, uint64_t now)
{
	enum rsip_type	     type = RSIP_ASSIGN_REQUEST_RSAP_IP;
	struct rsip_message *m;

	if (purpose == BINDING_LISTEN)
		type = RSIP_LISTEN_REQUEST;
	else if (!(h->methods & 1u << RSIP_METHOD_RSAP_IP))
		type = RSIP_ASSIGN_REQUEST_RSIPSEC;
	m = assign_begin(h, type, purpose, &bindings_main(&h->bindings)->addr);
	m->has |= RSIP_HAS_LOCAL_PORTS;
	set_ports(&m->local_ports, 1, d->port);
	if (type == RSIP_ASSIGN_REQUEST_RSIPSEC) {
		m->has |= RSIP_HAS_SPIS;
		m->spis.number = 1;
	}
	h->for_program = purpose == BINDING_PORT;
	if (purpose == BINDING_PORT)
		set_remote(h, m, &d->remote, d->remote_port);
	h->pending_demand = *d;
	assign_send(h, m, now);
}

static void
request_more_ports(struct host *h, uint64_t now)
{
	struct rsip_message *m;
	bool		     rsap = h->methods & 1u << RSIP_METHOD_RSAP_IP;

	h->more_ports = false;
	m = assign_begin(h, rsap ? RSIP_ASSIGN_REQUEST_RSAP_IP :
	    RSIP_ASSIGN_REQUEST_RSIPSEC, BINDING_PORTS,
	    &bindings_main(&h->bindings)->addr);
	m->has |= RSIP_HAS_LOCAL_PORTS;
	set_ports(&m->local_ports, ports_wanted(h), 0);
	if (!rsap) {
		m->has |= RSIP_HAS_SPIS;
		m->spis.number = 1;
	}
	assign_send(h, m, now);
}

static void
request_more_spis(struct host *h, uint64_t now)
{
	struct rsip_message *m;

	h->more_spis = false;
	m = assign_begin(h, RSIP_ASSIGN_REQUEST_RSIPSEC, BINDING_SPIS,
	    &bindings_main(&h->bindings)->addr);
	m->has |= RSIP_HAS_LOCAL_PORTS | RSIP_HAS_SPIS;
	set_ports(&m->local_ports, 0, 0);
	set_ports(&m->remote_ports, 0, 0);
	m->spis.number = h->want_spis;
	assign_send(h, m, now);
}

/* What stood beside the main binding, the same once more. */
static void
request_former(struct host *h, uint64_t now)
{
	const struct binding *b = h->former[0];
	bool		      rsap = b->nspis == 0;
	struct rsip_message  *m;

	m = assign_begin(h, rsap ? RSIP_ASSIGN_REQUEST_RSAP_IP :
	    RSIP_ASSIGN_REQUEST_RSIPSEC, b->purpose,
	    &bindings_main(&h->bindings)->addr);
	h->asks_former = true;
	m->has |= RSIP_HAS_LOCAL_PORTS;
	set_ports(&m->local_ports, 0, 0);
	if (b->nports > 0)
		rsip_ports_set(&m->local_ports, b->port, b->nports);
	else
		set_ports(&m->remote_ports, 0, 0);
	if (!rsap) {
		m->has |= RSIP_HAS_SPIS;
		rsip_spis_set(&m->spis, b->spi, b->nspis);
	}
	assign_send(h, m, now);
}

static void
request_extend(struct host *h, const struct binding *b, uint64_t now)
{
	struct rsip_message *m = request_begin(h, RSIP_EXTEND_REQUEST);

	m->has |= RSIP_HAS_BIND_ID;
	m->bind_id = h->pending_bind = b->bind_id;
	if (h->config.lease_time != 0) {
		m->has |= RSIP_HAS_LEASE;
		m->lease = h->config.lease_time;
	}
	request_send(h, m, HOST_ASSIGNED_EXTENSION_PENDING, now);
}

static void
request_free(struct host *h, uint32_t bind_id, uint64_t now)
{
	struct rsip_message *m = request_begin(h, RSIP_FREE_REQUEST);

	m->has |= RSIP_HAS_BIND_ID;
	m->bind_id = h->pending_bind = bind_id;
	request_send(h, m, HOST_FREE_PENDING, now);
}

static bool
port_idle(const struct host *h, const struct binding *b, uint64_t now)
{
	return (b->purpose == BINDING_PORT || (b->purpose == BINDING_PORTS &&
	    (b->port[0] > h->bindings.hi || b->port[0] < h->bindings.lo))) &&
	    h->config.port_idle != 0 &&
	    now >= b->used + h->config.port_idle;
}

/* Renews or frees what is due; true if a request was sent. */
static bool
request_upkeep(struct host *h, uint64_t now)
{
	const struct binding *b;
	size_t		      i;

	for (i = 0; i < h->bindings.n; i++) {
		b = h->bindings.b[i];
		if (now < b->renew)
			continue;
		if (port_idle(h, b, now))
			request_free(h, b->bind_id, now);
		else
			request_extend(h, b, now);
		return true;
	}
	return false;
}

/* Room for ports that programs ask for now, at the cost of those that were used
 * longest ago: they are leased again should they be used again. */
static bool
request_room(struct host *h, uint64_t now)
{
	const struct binding *b;

	if (h->bindings.n + HOST_PORT_SPARE < BINDINGS_MAX ||
	    now < HOST_PORT_REST || (b = bindings_oldest_port(&h->bindings,
	    now - HOST_PORT_REST)) == NULL)
		return false;
	h->for_program = true;
	request_free(h, b->bind_id, now);
	return true;
}

static void
request_assigned(struct host *h, uint64_t now)
{
	const struct binding *main = bindings_main(&h->bindings);
	struct host_demand    d = { 0 };
	bool		      may = host_may_say(h, now);

	/* Asked for before a refusal ended that. */
	if (h->want_ports == 0)
		h->more_ports = false;
	if (h->verify && may) {
		h->verify = false;
		request_extend(h, main != NULL ? main : h->bindings.b[0], now);
	} else if (h->nunwanted > 0 && may) {
		request_free(h, h->unwanted[--h->nunwanted], now);
	} else if (h->nformer > 0 && main != NULL && may) {
		request_former(h, now);
	} else if (h->ndemands > 0 && main != NULL) {
		d = h->demand[0];
		h->ndemands--;
		memmove(h->demand, h->demand + 1,
		    h->ndemands * sizeof(h->demand[0]));
		request_port(h, &d, BINDING_PORT, now);
	} else if ((may && request_upkeep(h, now)) || request_room(h, now) ||
	    !may) { /* NOLINT(bugprone-branch-clone): their
		     * order is what counts */
		return;
	} else if (main == NULL) {
		/* Bindings of an older address are of no use. */
		request_free(h, h->bindings.b[0]->bind_id, now);
	} else if (now < h->retry_at) {
		return;
	} else if (h->more_ports) {
		request_more_ports(h, now);
	} else if (h->more_spis) {
		request_more_spis(h, now);
	} else if (h->listened < h->config.nlisten && host_flow_policy(h)) {
		log_warn("the gateway wants remote hosts named: nothing can "
		    "listen");
		h->listened = h->config.nlisten;
	} else if (h->listened < h->config.nlisten) {
		d.port = h->config.listen[h->listened++];
		request_port(h, &d, BINDING_LISTEN, now);
	} else if (now >= h->query_at) {
		request_query(h, now);
	}
}

/* Nobody can be named yet. */
static bool
host_waits(struct host *h)
{
	if (!host_flow_policy(h) || addr_is_set(&h->first.remote))
		return false;
	if (!h->waiting_said)
		log_info("the gateway wants each remote host named: leasing "
		    "when a program asks");
	return h->waiting_said = true;
}

void
host_request_next(struct host *h, uint64_t now)
{
	if (h->state != HOST_ASSIGNED && !host_may_say(h, now))
		return;
	switch (h->state) {
	case HOST_UNREGISTERED:
		/* RFC 3103 §10.2: first end what the other
		 * side may still know. */
		if (h->stale)
			request_deregister(h, h->stale_id, now);
		else if (!h->leaving && now >= h->retry_at &&
		    now >= h->rest_until)
			request_register(h, now);
		break;
	case HOST_REGISTERED:
		if (h->leaving)
			request_deregister(h, h->client_id, now);
		else if (h->nunwanted > 0)
			request_free(h, h->unwanted[--h->nunwanted], now);
		else if (now < h->retry_at)
			break;
		else if (h->query_at == 0)
			/* What is local must be known before routes change. */
			request_query(h, now);
		else if (!host_waits(h))
			request_assign_main(h, now);
		break;
	case HOST_ASSIGNED:
		if (h->leaving)
			request_deregister(h, h->client_id, now);
		else
			request_assigned(h, now);
		break;
	default:
		break;
	}
}

static uint64_t
due_assigned(const struct host *h)
{
	uint64_t next, at = h->retry_at;
	size_t	 i;

	if (h->verify || h->nunwanted > 0 || h->nformer > 0 || h->leaving ||
	    bindings_main(&h->bindings) == NULL)
		return 1;
	/* What a refusal delays. */
	if (!h->more_spis && !h->more_ports &&
	    h->listened >= h->config.nlisten && h->query_at > at)
		at = h->query_at;
	next = at == 0 ? 1 : at;
	for (i = 0; i < h->bindings.n; i++) {
		if (h->bindings.b[i]->renew < next)
			next = h->bindings.b[i]->renew;
	}
	return next == 0 ? 1 : next;
}

uint64_t
host_request_due(const struct host *h)
{
	uint64_t next, silent = host_silent_until(h);

	switch (h->state) {
	case HOST_UNREGISTERED:
	case HOST_REGISTERED:
		if (h->waiting_said && !addr_is_set(&h->first.remote) &&
		    host_flow_policy(h) && !h->leaving && h->nunwanted == 0)
			return 0;
		/* 1: at once; never 0, which is "nothing". */
		next = h->stale || h->leaving || h->nunwanted > 0 ||
		    h->retry_at == 0 ? 1 : h->retry_at;
		if (h->state == HOST_UNREGISTERED && !h->stale && !h->leaving &&
		    next < h->rest_until)
			next = h->rest_until;
		break;
	case HOST_ASSIGNED:
		if (h->ndemands > 0)
			return 1;
		next = due_assigned(h);
		break;
	default:
		return 0;
	}
	return next > silent ? next : silent;
}
