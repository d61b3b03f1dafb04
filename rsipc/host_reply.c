/* host_reply.c - the RSIP host: what each answer and asynchronous message means (RFC 3103 §9, §10) */
#include "config.h"

#include <string.h>

#include "base/log.h"
#include "rsipc/host_private.h"

/*
 * Lost synchronization (RFC 3103 §10.2.2): end the registration that the
 * gateway may or may not know, whatever it answers, and begin anew.
 */
static void
resynchronize(struct host *h, uint64_t now)
{
	h->resynchronizations++;
	h->stale = true;
	h->stale_id = h->client_id;
	host_forget(h);
	h->trouble = "the gateway forgets our registration";
	host_again(h, now);
}

static void
register_response(struct host *h, const struct rsip_message *m, uint64_t now)
{
	unsigned i;

	if (m->lease == 0) {
		h->pending = 0;
		host_set_state(h, HOST_UNREGISTERED);
		h->trouble = "the gateway registers us for no time at all";
		host_back_off(h, now, HOST_RETRY_MAX);
		return;
	}
	h->client_id = m->client_id;
	h->registered_until = now + (uint64_t)m->lease * 1000;
	h->waiting_said = false;
	h->local_policy = m->local_policy;
	h->remote_policy = m->remote_policy;
	/* RFC 3103 §9.3.3: what is assumed where nothing is said. */
	h->methods = h->tunnels = 0;
	for (i = 0; i < m->nmethods; i++) {
		if (m->method[i] < 32)
			h->methods |= 1u << m->method[i];
	}
	for (i = 0; i < m->ntunnels; i++) {
		if (m->tunnel[i] < 32)
			h->tunnels |= 1u << m->tunnel[i];
	}
	if (m->nmethods == 0)
		h->methods = 1u << RSIP_METHOD_RSAP_IP;
	if (m->ntunnels == 0)
		h->tunnels = 1u << RSIP_TUNNEL_IPIP;
	h->no_ipsec = h->config.spis == 0 ||
	    h->config.method != RSIP_METHOD_RSIPSEC ||
	    !(h->methods & 1u << RSIP_METHOD_RSIPSEC);
	if (h->no_ipsec && h->config.spis != 0 &&
	    h->config.method == RSIP_METHOD_RSIPSEC)
		log_warn("the gateway offers no RSIPSEC: IPsec is not "
		    "possible");
	h->want_tunnel = h->config.tunnel;
	if (h->want_tunnel != 0 && !(h->tunnels & 1u << h->want_tunnel))
		h->want_tunnel = h->tunnels & 1u << RSIP_TUNNEL_GRE ?
		    RSIP_TUNNEL_GRE : RSIP_TUNNEL_IPIP;
	log_info("registered as client %u for %u s", m->client_id, m->lease);
	host_settle(h);
}

/* SPIs that security associations stand on stay theirs when they come back. */
static void
resume_spis(struct binding *b, const struct binding *had)
{
	unsigned i, j;

	for (i = 0; i < b->nspis; i++) {
		for (j = 0; j < had->nspis; j++) {
			if (b->spi[i] == had->spi[j])
				b->spi_used[i] = had->spi_used[j];
		}
	}
}

static void
resume(struct host *h, struct binding *b)
{
	if (h->asks_former)
		resume_spis(b, h->former[0]);
	if (b->purpose != BINDING_MAIN)
		return;
	if (h->resume && addr_equal(&h->saved.addr, &b->addr))
		resume_spis(b, &h->saved);
	else
		host_drop_former(h);
	h->resume = h->anything = false;
	h->refused_last = 0;
}

/*
 * What is asked for may be ours by an answer that never came, and the
 * gateway says under which bind ID: it is freed (RFC 3103 §9.12.3), and
 * asked for again.
 */
static bool
assign_frees_own(struct host *h, const struct rsip_message *m, uint16_t port)
{
	if ((m->error != RSIP_LOCAL_ADDRPORT_INUSE &&
	    m->error != RSIP_IPSEC_SPI_INUSE) || !(m->has & RSIP_HAS_BIND_ID) ||
	    port == 0 || port == h->freed_port ||
	    h->nunwanted == HOST_UNWANTED_MAX ||
	    bindings_find(&h->bindings, m->bind_id) != NULL)
		return false;
	log_info("port %u is ours by an answer that was lost: freeing binding "
	    "%u first", port, m->bind_id);
	h->freed_port = port;
	h->unwanted[h->nunwanted++] = m->bind_id;
	return true;
}

/* Ends the assignment under way without a binding that can be used. */
static void
host_unwanted(struct host *h, uint32_t bind_id, uint64_t now)
{
	struct host_demand demand = h->pending_demand;

	host_settle(h);
	if (h->asks_former)
		host_end_former(h);
	/* RFC 3103 §9.7.3, §9.9.3: what cannot be understood
	 * SHOULD be freed. */
	h->trouble = "the gateway leases what cannot be used";
	if (h->nunwanted < HOST_UNWANTED_MAX &&
	    bindings_find(&h->bindings, bind_id) == NULL)
		h->unwanted[h->nunwanted++] = bind_id;
	host_back_off(h, now, HOST_RETRY_MAX);
	if (h->pending_purpose == BINDING_PORT)
		h->ops->demanded(h->arg, &demand, RSIP_BAD_PARAM);
}

static void
assign_response(struct host *h, const struct rsip_message *m, uint64_t now)
{
	enum binding_purpose purpose = h->pending_purpose;
	struct host_demand demand = h->pending_demand;
	const char	  *why;
	struct binding	  *b;

	b = bindings_add(&h->bindings, m, purpose, now, &why);
	if (b != NULL && purpose == BINDING_PORT && demand.port != 0 &&
	    (b->nports == 0 || b->port[0] != demand.port)) {
		bindings_remove(&h->bindings, b);
		b = NULL;
		why = "another port than the one asked for";
	}
	/* §9.7.3, §9.9.3: under remote flow policy as requested. */
	if (b != NULL && host_flow_policy(h) && addr_is_set(&b->remote) &&
	    ((purpose == BINDING_MAIN &&
	    !addr_equal(&b->remote, &h->first.remote)) ||
	    (purpose == BINDING_PORT &&
	    !addr_equal(&b->remote, &demand.remote)))) {
		bindings_remove(&h->bindings, b);
		b = NULL;
		why = "another remote side than the one asked for";
	}
	if (b == NULL) {
		log_warn("%s is refused: %s", rsip_type_name(m->type), why);
		host_unwanted(h, m->bind_id, now);
		return;
	}
	host_settle(h);
	if (purpose == BINDING_PORTS)
		h->more_ports_at = now;
	resume(h, b);
	if (h->asks_former)
		host_end_former(h);
	h->trouble = NULL;
	host_outlive(h, b->expires);
	h->ops->granted(h->arg, b);
	if (demand.port == h->freed_port && (purpose == BINDING_PORT ||
	    purpose == BINDING_LISTEN))
		h->freed_port = 0;
	if (purpose == BINDING_PORT)
		h->ops->demanded(h->arg, &demand, RSIP_OK);
}

static void
postpone_renewal(struct binding *b, uint64_t now)
{
	b->renew = now + (b->expires > now ? b->expires - now : 0) / 2 + 1000;
}

static void
extend_response(struct host *h, const struct rsip_message *m, uint64_t now)
{
	struct binding *b = bindings_find(&h->bindings, h->pending_bind);

	/* An answer about another binding, or for no time, renews nothing. */
	if (b != NULL && (m->bind_id != b->bind_id || m->lease == 0)) {
		postpone_renewal(b, now);
	} else if (b != NULL) {
		binding_set_lease(b, m->lease, now);
		host_outlive(h, b->expires);
		log_debug("binding %u renewed for %u s", b->bind_id,
		    b->seconds);
	}
	host_settle(h);
}

/* An answer to FREE_REQUEST, or the gateway's own will (§9.13). */
static void
free_response(struct host *h, const struct rsip_message *m, bool answer,
    uint64_t now)
{
	struct binding *b = bindings_find(&h->bindings, m->bind_id);

	if (b != NULL) {
		if (!answer) {
			log_info("the gateway takes binding %u back",
			    b->bind_id);
			/* Several at once are one event. */
			if (h->retry_at <= now)
				host_back_off(h, now, 1000);
		}
		host_revoke(h, b);
	}
	if (answer || h->state == HOST_ASSIGNED)
		host_settle(h);
}

/* False of what is not local, or no network of IPv4: a mask with holes, bits
 * beyond it. */
static bool
is_local(const struct rsip_tuple *t, struct prefix *out)
{
	return (t->indicator == RSIP_LOCAL_ADDRESS ||
	    t->indicator == RSIP_LOCAL_NETWORK) &&
	    t->address.type == RSIP_ADDR_IPV4 && rsip_tuple_prefix(t, out) &&
	    addr_equal(&out->addr, &t->address.addr);
}

static void
query_response(struct host *h, const struct rsip_message *m)
{
	struct prefix net;
	unsigned      i;

	for (i = 0; i < m->ntuples; i++) {
		if (is_local(&m->tuple[i], &net))
			h->ops->local(h->arg, &net);
	}
	host_settle(h);
}

static void
deregister_response(struct host *h, bool answer, uint64_t now)
{
	h->stale = false;
	if (!answer) {
		log_info("the gateway has ended the registration");
		host_back_off(h, now, 1000);
	} else if (h->retry_at < now) {
		h->retry_at = now;
	}
	host_forget(h);
}

static void
register_error(struct host *h, const struct rsip_message *m, uint64_t now)
{
	host_set_state(h, HOST_UNREGISTERED);
	h->pending = 0;
	switch (m->error) {
	case RSIP_ALREADY_REGISTERED:
		/* §10.2.1: the error names the registration of
		 * our former life. */
		if (m->has & RSIP_HAS_CLIENT_ID) {
			log_info("the gateway knows us as client %u: "
			    "de-registering that first", m->client_id);
			h->stale = true;
			h->stale_id = m->client_id;
			h->trouble = "the gateway calls us registered already";
			host_again(h, now);
			return;
		}
		break;
	case RSIP_USE_TCP:
		if (!h->udp)
			break;
		log_info("the gateway wants TCP");
		h->use_tcp = true;
		h->ops->disconnect(h->arg);
		h->up = false;
		host_again(h, now);
		return;
	case RSIP_EXTRA_PARAM:
	case RSIP_ILLEGAL_PARAM:
	case RSIP_BAD_PARAM:
		/* §8.12 has it skip what it does not know; not all do. */
		if (!h->no_vendor) {
			h->no_vendor = true;
			h->retry_at = now;
			return;
		}
		break;
	default:
		break;
	}
	log_warn("the gateway refuses registration: %s",
	    rsip_error_name(m->error));
	h->trouble = "the gateway refuses registration";
	host_back_off(h, now, m->error == RSIP_REGISTRATION_DENIED ?
	    HOST_DENIED_RETRY : HOST_RETRY_MAX);
}

/* Asks for less; false if there is nothing left to give up. */
static bool
assign_less(struct host *h, unsigned error)
{
	switch (error) {
	case RSIP_LOCAL_ADDRPORT_UNAVAILABLE:
		if (h->want_ports <= 1)
			return false;
		h->want_ports /= 2;
		return true;
	case RSIP_IPSEC_SPI_UNAVAILABLE:
		if (h->want_spis <= 1)
			return false;
		h->want_spis /= 2;
		return true;
	case RSIP_FLOW_POLICY_VIOLATION:
		/* Ports one by one, as programs use them. */
		if (h->want_ports == 0 || h->no_ipsec || host_flow_policy(h))
			return false;
		h->want_ports = 0;
		return true;
	case RSIP_BAD_TUNNEL_TYPE:
		if (h->want_tunnel == 0)
			return false;
		h->want_tunnel = 0;
		return true;
	case RSIP_IPSEC_UNALLOWED:
	case RSIP_UNSUPPORTED_MESSAGE:
	case RSIP_ILLEGAL_MESSAGE:
		if (h->no_ipsec)
			return false;
		log_warn("the gateway does not let us use IPsec: %s",
		    rsip_error_name(error));
		return h->no_ipsec = true;
	case RSIP_EXTRA_PARAM:
	case RSIP_ILLEGAL_PARAM:
	case RSIP_BAD_PARAM:
		if (h->no_vendor || h->config.cookies == 0)
			return false;
		return h->no_vendor = true;
	default:
		return false;
	}
}

/*
 * After a change of our address the gateway keeps the lease of the old one
 * until it runs out (RFC 3103 §9.13 has no way to take it along), and
 * programs that go on with their old ports are refused one by one: one line
 * names the cause.
 */
static bool
assign_in_former_use(struct host *h, unsigned error)
{
	if (!h->readdressed || error != RSIP_LOCAL_ADDRPORT_INUSE)
		return false;
	if (!h->readdressed_said)
		log_warn("%s: the lease of our former address still has these "
		    "ports; programs that use them must connect again, or wait "
		    "until it runs out", rsip_error_name(error));
	h->readdressed_said = true;
	return true;
}

static void
assign_error(struct host *h, const struct rsip_message *m, uint64_t now)
{
	struct host_demand demand = h->pending_demand;
	uint32_t	   missed;

	host_settle(h);
	h->refused++;
	if (h->asks_former) {
		log_info("what was leased before is not to be had: %s",
		    rsip_error_name(m->error));
		host_end_former(h);
		return;
	}
	switch (h->pending_purpose) {
	case BINDING_PORT:
		if (h->ndemands < HOST_DEMANDS_MAX &&
		    assign_frees_own(h, m, demand.port)) {
			h->demand[h->ndemands++] = demand;
			return;
		}
		if (assign_in_former_use(h, m->error))
			log_debug("port %u is in use by our former lease",
			    demand.port);
		else if (ratelimit_pass(&h->refused_log, now)) {
			missed = ratelimit_take_missed(&h->refused_log);
			log_info("port %u is not to be had: %s (and %u "
			    "before it)", demand.port,
			    rsip_error_name(m->error), missed);
		}
		h->ops->demanded(h->arg, &demand, m->error);
		return;
	case BINDING_LISTEN:
		if (h->listened > 0 && assign_frees_own(h, m, demand.port)) {
			h->listened--;
			return;
		}
		log_warn("cannot listen on port %u: %s", demand.port,
		    rsip_error_name(m->error));
		return;
	case BINDING_PORTS:
		log_warn("no more ports: %s", rsip_error_name(m->error));
		return;
	case BINDING_SPIS:
		log_warn("no more SPIs: %s", rsip_error_name(m->error));
		return;
	case BINDING_MAIN:
		break;
	}
	if (host_asks_former(h)) {
		/* The former lease is somebody else's now: anything will do. */
		h->anything = true;
		return;
	}
	if (assign_less(h, m->error))
		return;
	if (host_flow_policy(h) && (m->error == RSIP_REMOTE_ADDR_UNALLOWED ||
	    m->error == RSIP_REMOTE_ADDRPORT_UNALLOWED)) {
		/* Not with that one: the next packet names another. */
		memset(&h->first, 0, sizeof(h->first));
		host_again(h, now);
		return;
	}
	/* The gateway is asked again and again; what it says is news once. */
	if (h->refused_last != m->error && !assign_in_former_use(h, m->error))
		log_warn("the gateway refuses to lease: %s",
		    rsip_error_name(m->error));
	h->refused_last = (uint8_t)m->error;
	h->trouble = "the gateway refuses to lease";
	/* Whatever keeps it from leasing at all may have kept that from us. */
	h->anything = false;
	host_back_off(h, now, HOST_RETRY_MIN);
}

static void
extend_error(struct host *h, const struct rsip_message *m, uint64_t now)
{
	struct binding *b = bindings_find(&h->bindings, h->pending_bind);
	bool		freeing = h->pending == RSIP_FREE_REQUEST;

	if (b != NULL && (m->error == RSIP_BAD_BIND_ID || freeing)) {
		if (!freeing)
			log_info("the gateway does not know binding %u any "
			    "more", b->bind_id);
		host_again(h, now);
		host_revoke(h, b);
	} else if (b != NULL) {
		log_info("binding %u is not renewed: %s", b->bind_id,
		    rsip_error_name(m->error));
		postpone_renewal(b, now);
	}
	host_settle(h);
}

static void
error_response(struct host *h, const struct rsip_message *m, uint64_t now)
{
	h->last_error = m->error;
	/* De-registration first: its errors have their own meaning. */
	if (h->pending == RSIP_DEREGISTER_REQUEST) {
		if (h->stale || h->leaving || m->error == RSIP_REGISTER_FIRST) {
			deregister_response(h, true, now);
			return;
		}
		host_settle(h);
		return;
	}
	if (m->error == RSIP_REGISTER_FIRST || m->error == RSIP_BAD_CLIENT_ID) {
		log_info("%s: the gateway has forgotten us, registering anew",
		    rsip_error_name(m->error));
		resynchronize(h, now);
		return;
	}
	switch (h->pending) {
	case RSIP_REGISTER_REQUEST:
		register_error(h, m, now);
		break;
	case RSIP_EXTEND_REQUEST:
	case RSIP_FREE_REQUEST:
		extend_error(h, m, now);
		break;
	case RSIP_QUERY_REQUEST:
		host_settle(h);
		break;
	default:
		assign_error(h, m, now);
		break;
	}
}

/* Messages for which there was no request: three kinds (§10.1). */
static void
receive_asynchronous(struct host *h, const struct rsip_message *m, uint64_t now)
{
	bool ours = h->state >= HOST_REGISTERED && h->client_id == m->client_id;

	switch (m->type) {
	case RSIP_DEREGISTER_RESPONSE:
		/* §10.2.1: silently ignored when it is for another life. */
		if (ours)
			deregister_response(h, false, now);
		break;
	case RSIP_FREE_RESPONSE:
		if (ours)
			free_response(h, m, false, now);
		break;
	case RSIP_ERROR_RESPONSE:
		if ((m->has & RSIP_HAS_CLIENT_ID) && !ours)
			break;
		h->last_error = m->error;
		h->misused++;
		if (m->error == RSIP_REGISTER_FIRST && h->bindings.n > 0)
			resynchronize(h, now);
		else if (m->error == RSIP_LOCAL_ADDR_UNALLOWED)
			/* §10.4: it does not know our address;
			 * does it know us? */
			host_suspect(h, now);
		log_debug("the gateway says %s", rsip_error_name(m->error));
		break;
	default:
		break;
	}
}

/* §10.4's errors, which come when packets are wrong rather than requests. */
static bool
error_is_misuse(unsigned error)
{
	return error == RSIP_INTERNAL_SERVER_ERROR ||
	    error == RSIP_BAD_TUNNEL_TYPE ||
	    (error >= RSIP_LOCAL_ADDR_UNALLOWED &&
	    error <= RSIP_REMOTE_ADDRPORT_UNALLOWED);
}

/* Is m the answer to the request under way, or nothing of that kind? */
static bool
is_answer(struct host *h, const struct rsip_message *m)
{
	if (h->pending == 0)
		return false;
	/* A response has the number of its request plus one (App. B). */
	if (m->type != RSIP_ERROR_RESPONSE && m->type != h->pending + 1)
		return false;
	if (m->has & RSIP_HAS_COUNTER) {
		h->counters = true;
		return m->counter == h->counter;
	}
	if (h->udp || h->counters)
		return false;
	/* TCP without counters: by what the text lets each request cause. */
	if (m->type == RSIP_FREE_RESPONSE)
		return m->bind_id == h->pending_bind;
	return m->type != RSIP_ERROR_RESPONSE || !error_is_misuse(m->error) ||
	    (host_is_assignment(h->pending) && !(m->has & RSIP_HAS_BIND_ID));
}

static bool
is_for_us(const struct host *h, const struct rsip_message *m)
{
	uint32_t id = h->pending == RSIP_DEREGISTER_REQUEST ?
	    h->out.client_id : h->client_id;

	return m->type == RSIP_REGISTER_RESPONSE ||
	    m->type == RSIP_ERROR_RESPONSE || m->client_id == id;
}

void
host_receive(struct host *h, const struct rsip_message *m, uint64_t now)
{
	h->suspected = h->heard = now;
	if (!is_answer(h, m)) {
		/* On UDP what carries another number is a late duplicate. */
		if (!(m->has & RSIP_HAS_COUNTER) || m->counter == 0)
			receive_asynchronous(h, m, now);
		return;
	}
	if (!is_for_us(h, m))
		return;
	switch (m->type) {
	case RSIP_REGISTER_RESPONSE:
		register_response(h, m, now);
		break;
	case RSIP_DEREGISTER_RESPONSE:
		deregister_response(h, true, now);
		break;
	case RSIP_ASSIGN_RESPONSE_RSA_IP:
	case RSIP_ASSIGN_RESPONSE_RSAP_IP:
	case RSIP_ASSIGN_RESPONSE_RSIPSEC:
	case RSIP_LISTEN_RESPONSE:
		assign_response(h, m, now);
		break;
	case RSIP_EXTEND_RESPONSE:
		extend_response(h, m, now);
		break;
	case RSIP_FREE_RESPONSE:
		free_response(h, m, true, now);
		break;
	case RSIP_QUERY_RESPONSE:
		query_response(h, m);
		break;
	case RSIP_ERROR_RESPONSE:
		error_response(h, m, now);
		break;
	}
}

void
host_unreadable(struct host *h, const struct rsip_message *m, uint64_t now)
{
	if (!host_is_assignment(h->pending) || m->type != h->pending + 1 ||
	    !(m->has & RSIP_HAS_BIND_ID) || m->client_id != h->client_id ||
	    ((m->has & RSIP_HAS_COUNTER) ? m->counter != h->counter : h->udp))
		return;
	host_unwanted(h, m->bind_id, now);
}
