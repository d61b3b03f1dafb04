/* host.c - the RSIP host: states, timers, and what happens when nobody answers */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "rsipc/host_private.h"

const char *
host_state_name(enum host_state s)
{
	static const char *const names[] = {
		[HOST_UNREGISTERED] = "Unregistered",
		[HOST_REGISTRATION_PENDING] = "Registration Pending",
		[HOST_REGISTERED] = "Registered",
		[HOST_REGISTERED_QUERY_PENDING] = "Registered Query Pending",
		[HOST_REGISTERED_DEREGISTRATION_PENDING] =
		    "Registered De-registration Pending",
		[HOST_ASSIGNMENT_PENDING] = "Assignment Pending",
		[HOST_FREE_PENDING] = "Free Pending",
		[HOST_ASSIGNED] = "Assigned",
		[HOST_ASSIGNED_QUERY_PENDING] = "Assigned Query Pending",
		[HOST_ASSIGNED_ASSIGNMENT_PENDING] =
		    "Assigned Assignment Pending",
		[HOST_ASSIGNED_DEREGISTRATION_PENDING] =
		    "Assigned De-registration Pending",
		[HOST_ASSIGNED_EXTENSION_PENDING] =
		    "Assigned Extension Pending",
	};

	return names[s];
}

void
host_init(struct host *h, const struct host_config *config,
    const struct host_ops *ops, void *arg)
{
	memset(h, 0, sizeof(*h));
	h->config = *config;
	h->ops = ops;
	h->refused_log = (struct ratelimit)RATELIMIT_INIT(3, 20000);
	h->arg = arg;
	h->want_ports = config->ports;
	h->want_spis = config->spis;
	h->want_tunnel = config->tunnel;
	h->first.remote = config->remote;
	h->first.remote_port = config->remote_port;
	h->no_ipsec = config->spis == 0 ||
	    config->method != RSIP_METHOD_RSIPSEC;
	bindings_init(&h->bindings);
	h->jitter = config->seed;
}

void
host_clear(struct host *h)
{
	host_drop_former(h);
	bindings_clear(&h->bindings);
	rsip_message_clear(&h->out);
}

void
host_set_state(struct host *h, enum host_state to)
{
	enum host_state from = h->state;

	if (from == to)
		return;
	h->state = to;
	log_debug("%s -> %s", host_state_name(from), host_state_name(to));
	if (h->ops->changed != NULL)
		h->ops->changed(h->arg, from, to);
}

void
host_settle(struct host *h)
{
	h->pending = 0;
	host_set_state(h, h->bindings.n > 0 ? HOST_ASSIGNED : HOST_REGISTERED);
}

/* A delay from 3/4 to 5/4. */
static uint32_t
jittered(struct host *h, uint32_t delay)
{
	if (h->config.seed == 0)
		return delay;
	h->jitter = h->jitter * 1664525u + 1013904223u;
	return delay - delay / 4 + (h->jitter >> 8) % (delay / 2 + 1);
}

/* What is long ago counts less and less. */
static void
delay_forgive(struct host_delay *d, uint64_t now)
{
	uint64_t calm = now > d->over ? now - d->over : 0;

	for (; calm >= HOST_CALM && d->ms != 0; calm -= HOST_CALM)
		d->ms = d->ms <= HOST_RETRY_MIN ? 0 : d->ms / 2;
}

static void
delay_grow(struct host_delay *d, uint64_t now, uint32_t max)
{
	delay_forgive(d, now);
	d->ms = d->ms == 0 ? HOST_RETRY_MIN : d->ms * 2;
	if (d->ms > max)
		d->ms = max;
}

static void
delay_begin(struct host *h, struct host_delay *d, uint64_t now, uint32_t floor)
{
	d->over = now + jittered(h, floor > d->ms ? floor : d->ms);
	h->retry_at = d->over;
}

void
host_back_off(struct host *h, uint64_t now, uint32_t floor)
{
	delay_grow(&h->refused_delay, now, HOST_RETRY_MAX);
	delay_begin(h, &h->refused_delay, now, floor);
}

void
host_again(struct host *h, uint64_t now)
{
	delay_forgive(&h->refused_delay, now);
	if (h->refused_delay.ms != 0) {
		host_back_off(h, now, 0);
		return;
	}
	h->refused_delay.ms = HOST_RETRY_MIN / 2;
	h->refused_delay.over = now;
	if (h->retry_at < now)
		h->retry_at = now;
}

/* Whatever goes wrong, and however the gateway answers: this is the most. */
bool
host_may_say(struct host *h, uint64_t now)
{
	return now >= host_silent_until(h);
}

void
host_said(struct host *h, uint64_t now)
{
	h->said[h->next_said] = now;
	h->next_said = (h->next_said + 1) % HOST_RATE;
}

uint64_t
host_silent_until(const struct host *h)
{
	uint64_t oldest = h->said[h->next_said];

	return oldest == 0 ? 0 : oldest + 1000;
}

void
host_outlive(struct host *h, uint64_t expires)
{
	if (expires > h->registered_until)
		h->registered_until = expires;
}

static void
host_refuse_demands(struct host *h, unsigned error)
{
	struct host_demand d;

	while (h->ndemands > 0) {
		d = h->demand[--h->ndemands];
		h->ops->demanded(h->arg, &d, error);
	}
}

void
host_revoke(struct host *h, struct binding *b)
{
	/* What connections stand on is asked for again, so
	 * that they live on. */
	if (b->purpose == BINDING_MAIN) {
		h->saved = *b;
		h->resume = true;
		h->anything = false;
	} else if (b->purpose == BINDING_LISTEN) {
		h->listened = 0;
	}
	h->ops->revoked(h->arg, b);
	bindings_remove(&h->bindings, b);
}

void
host_end_former(struct host *h)
{
	h->asks_former = false;
	if (h->nformer == 0)
		return;
	free(h->former[0]);
	h->nformer--;
	memmove(h->former, h->former + 1, h->nformer * sizeof(h->former[0]));
}

void
host_drop_former(struct host *h)
{
	while (h->nformer > 0)
		host_end_former(h);
}

/* Connections stand on these too.  Ports that programs have bound are asked for
 * when a packet leaves from them. */
static void
host_keep_former(struct host *h)
{
	const struct binding *b;
	size_t		      i;

	for (i = 0; i < h->bindings.n && h->nformer < BINDINGS_MAX; i++) {
		b = h->bindings.b[i];
		if (b->purpose != BINDING_PORTS && b->purpose != BINDING_SPIS)
			continue;
		h->former[h->nformer] = xcalloc(1, sizeof(*b));
		*h->former[h->nformer++] = *b;
	}
}

void
host_forget(struct host *h)
{
	struct binding *main = bindings_main(&h->bindings);

	host_keep_former(h);
	if (main != NULL)
		host_revoke(h, main);
	while (h->bindings.n > 0)
		host_revoke(h, h->bindings.b[h->bindings.n - 1]);
	host_refuse_demands(h, RSIP_REGISTER_FIRST);
	h->pending = 0;
	h->client_id = 0;
	h->nunwanted = 0;
	h->listened = 0;
	h->query_at = 0;
	h->verify = false;
	h->more_spis = h->more_ports = false;
	host_set_state(h, HOST_UNREGISTERED);
}

bool
host_asks_former(const struct host *h)
{
	return h->resume && !h->anything;
}

bool
host_is_assignment(uint8_t type)
{
	return type == RSIP_ASSIGN_REQUEST_RSA_IP ||
	    type == RSIP_ASSIGN_REQUEST_RSAP_IP ||
	    type == RSIP_ASSIGN_REQUEST_RSIPSEC || type == RSIP_LISTEN_REQUEST;
}

/*
 * Nobody answers the request for what everything stands on.  It may have been
 * granted, and would be in use, by us, when it is asked for again: only the
 * registration's end gives it back (RFC 3103 §10.2.2).
 */
static void
host_unanswered(struct host *h)
{
	if (!host_is_assignment(h->pending) ||
	    h->pending_purpose != BINDING_MAIN)
		return;
	h->stale = true;
	h->stale_id = h->client_id;
	host_forget(h);
}

static void
host_done(struct host *h)
{
	h->leaving = false;
	if (h->bindings.n > 0 || h->state != HOST_UNREGISTERED)
		host_forget(h);
	h->ops->left(h->arg);
}

void
host_connected(struct host *h, uint64_t now)
{
	h->connecting = false;
	h->up = true;
	h->pending = 0;
	h->counters = false;
	/* Whether the gateway has restarted meanwhile is what an
	 * extension shows at once: REGISTER_FIRST, or a renewed lease
	 * (RFC 3103 §10.2.2). */
	h->verify = h->bindings.n > 0;
	h->retry_at = now;
}

void
host_disconnected(struct host *h, uint64_t now)
{
	h->connecting = h->up = false;
	host_unanswered(h);
	h->pending = 0;
	host_set_state(h, h->state <= HOST_REGISTRATION_PENDING || h->stale ?
	    HOST_UNREGISTERED : h->bindings.n > 0 ? HOST_ASSIGNED :
	    HOST_REGISTERED);
	if (now >= h->rest_until)
		h->trouble = "the gateway cannot be reached";
	delay_grow(&h->absent_delay, now, h->resume || h->bindings.n > 0 ?
	    HOST_RECONNECT_MAX : HOST_RETRY_MAX);
	delay_begin(h, &h->absent_delay, now, 0);
}

void
host_reset(struct host *h, uint64_t now)
{
	h->ops->disconnect(h->arg);
	h->connecting = h->up = h->stale = false;
	host_forget(h);
	h->readdressed = h->resume;
	h->resume = h->readdressed_said = false;
	host_drop_former(h);
	h->first.remote = h->config.remote;
	h->first.remote_port = h->config.remote_port;
	memset(&h->refused_delay, 0, sizeof(h->refused_delay));
	memset(&h->absent_delay, 0, sizeof(h->absent_delay));
	h->retry_at = now;
	h->rest_until = 0;
}

void
host_abandon(struct host *h, const char *why, uint64_t now, uint32_t rest)
{
	bool stale = h->up && h->state >= HOST_REGISTERED;

	if (stale)
		h->stale_id = h->client_id;
	h->stale |= stale;
	host_forget(h);
	h->first.remote = h->config.remote;
	h->first.remote_port = h->config.remote_port;
	h->trouble = why;
	host_back_off(h, now, 0);
	h->rest_until = rest == 0 ? 0 : now + jittered(h, rest);
}

void
host_resume(struct host *h, const struct binding *had)
{
	h->saved = *had;
	h->resume = true;
	h->anything = false;
}

void
host_leave(struct host *h, uint64_t now, uint32_t wait)
{
	h->leaving = true;
	h->leave_by = now + wait;
	host_refuse_demands(h, RSIP_REGISTER_FIRST);
}

/* RFC 3103 §5: 12.5 ms, doubling; now is in whole milliseconds. */
static uint64_t
host_backoff_deadline(const struct host *h)
{
	return h->sent + (25 * ((1u << h->attempt) - 1) + 1) / 2;
}

/* The seventh timeout of Appendix D, or a TCP connection gone silent. */
static void
host_give_up(struct host *h, uint64_t now)
{
	struct binding *b = bindings_find(&h->bindings, h->pending_bind);
	uint8_t		pending = h->pending;

	log_info("no answer to %s from the gateway", rsip_type_name(pending));
	if (now >= h->rest_until)
		h->trouble = "the gateway does not answer";
	host_unanswered(h);
	h->pending = 0;
	if (!h->udp) {
		h->ops->disconnect(h->arg);
		h->up = false;
	}
	switch (h->state) {
	case HOST_UNREGISTERED:
		break;
	case HOST_REGISTRATION_PENDING:
		host_set_state(h, HOST_UNREGISTERED);
		break;
	case HOST_REGISTERED_DEREGISTRATION_PENDING:
	case HOST_ASSIGNED_DEREGISTRATION_PENDING:
		h->stale = false;
		host_forget(h);
		break;
	default:
		host_settle(h);
		break;
	}
	if (b != NULL && b->expires > now)
		b->renew = now + (b->expires - now) / 2 + 1;
	if (h->pending_purpose == BINDING_PORT)
		h->ops->demanded(h->arg, &h->pending_demand,
		    RSIP_UNKNOWN_ERROR);
	host_back_off(h, now, 0);
}

static void
host_overdue(struct host *h, uint64_t now)
{
	if (h->pending == 0 || now < h->deadline)
		return;
	if (h->sign_again) {
		if (host_may_say(h, now))
			host_request_again(h, now);
		else
			h->deadline = host_silent_until(h);
		return;
	}
	if (h->udp && h->attempt < HOST_ATTEMPTS) {
		if (!host_may_say(h, now)) {
			h->deadline = host_silent_until(h);
			return;
		}
		host_said(h, now);
		h->attempt++;
		h->deadline = host_backoff_deadline(h);
		h->retransmissions++;
		h->ops->resend(h->arg);
		return;
	}
	host_give_up(h, now);
}

static void
host_expire(struct host *h, uint64_t now)
{
	size_t i;

	for (i = h->bindings.n; i-- > 0; ) {
		if (i >= h->bindings.n || now < h->bindings.b[i]->expires)
			continue;
		log_info("binding %u has expired", h->bindings.b[i]->bind_id);
		host_revoke(h, h->bindings.b[i]);
	}
	/* While another life's registration is ended there is none of ours. */
	if (h->bindings.n > 0 || h->state <= HOST_REGISTRATION_PENDING ||
	    h->stale)
		return;
	if (now >= h->registered_until) {
		host_forget(h);
		host_again(h, now);
		return;
	}
	/* The state's other half, for what is under way. */
	if (h->state == HOST_ASSIGNED)
		host_set_state(h, HOST_REGISTERED);
	else if (h->state == HOST_ASSIGNED_ASSIGNMENT_PENDING)
		host_set_state(h, HOST_ASSIGNMENT_PENDING);
	else if (h->state == HOST_ASSIGNED_QUERY_PENDING)
		host_set_state(h, HOST_REGISTERED_QUERY_PENDING);
	else if (h->state == HOST_ASSIGNED_DEREGISTRATION_PENDING)
		host_set_state(h, HOST_REGISTERED_DEREGISTRATION_PENDING);
	else if (h->state == HOST_ASSIGNED_EXTENSION_PENDING ||
	    h->state == HOST_FREE_PENDING)
		host_settle(h);
}

void
host_tick(struct host *h, uint64_t now)
{
	host_overdue(h, now);
	host_expire(h, now);
	if (h->leaving && (now >= h->leave_by || !h->up ||
	    (h->state == HOST_UNREGISTERED && !h->stale))) {
		host_done(h);
		return;
	}
	if (h->up) {
		if (h->pending == 0)
			host_request_next(h, now);
	} else if (!h->connecting && now >= h->retry_at &&
	    now >= h->rest_until && host_may_say(h, now)) {
		host_said(h, now);
		h->connecting = true;
		h->udp = h->config.udp && !h->use_tcp;
		h->ops->connect(h->arg, h->udp);
	}
}

static void
sooner(uint64_t *next, uint64_t t)
{
	if (t != 0 && (*next == 0 || t < *next))
		*next = t;
}

static uint64_t
later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t
host_next(const struct host *h)
{
	uint64_t next = 0;
	size_t	 i;

	if (h->pending != 0)
		sooner(&next, h->deadline);
	if (h->leaving)
		sooner(&next, h->leave_by);
	for (i = 0; i < h->bindings.n; i++)
		sooner(&next, h->bindings.b[i]->expires);
	if (h->state >= HOST_REGISTERED && h->bindings.n == 0 && !h->stale)
		sooner(&next, h->registered_until);
	if (!h->up && !h->connecting)
		sooner(&next, later(later(h->retry_at, h->rest_until),
		    host_silent_until(h)));
	if (h->up && h->pending == 0)
		sooner(&next, host_request_due(h));
	return next;
}

const char *
host_trouble(const struct host *h)
{
	return h->bindings.n > 0 ? NULL : h->trouble;
}

bool
host_flow_policy(const struct host *h)
{
	return h->state >= HOST_REGISTERED &&
	    h->remote_policy != RSIP_REMOTE_NONE;
}

void
host_name_remote(struct host *h, const struct addr *remote,
    uint16_t remote_port)
{
	if (addr_is_set(&h->first.remote))
		return;
	h->first.remote = *remote;
	h->first.remote_port = remote_port;
}

/* Ports are one host's: two demands for one port are the same. */
static bool
demand_equal(const struct host_demand *a, const struct host_demand *b)
{
	return a->port == b->port &&
	    (a->port != 0 || addr_equal(&a->remote, &b->remote));
}

bool
host_demand(struct host *h, const struct host_demand *d, uint64_t now)
{
	size_t i;

	(void)now;
	if (h->bindings.n == 0 || !h->up || h->leaving)
		return false;
	if (h->pending_purpose == BINDING_PORT && h->pending != 0 &&
	    demand_equal(&h->pending_demand, d))
		return true;
	for (i = 0; i < h->ndemands; i++) {
		if (demand_equal(&h->demand[i], d))
			return true;
	}
	if (h->ndemands == HOST_DEMANDS_MAX ||
	    h->bindings.n + h->ndemands >= BINDINGS_MAX)
		return false;
	h->demand[h->ndemands++] = *d;
	return true;
}

void
host_more_ports(struct host *h, uint64_t now)
{
	unsigned blocks = 0;
	size_t	 i;

	if (h->more_ports || now < h->more_ports_at || h->want_ports == 0 ||
	    h->local_policy == RSIP_LOCAL_MICRO || host_flow_policy(h))
		return;
	for (i = 0; i < h->bindings.n; i++)
		blocks += h->bindings.b[i]->purpose == BINDING_PORTS;
	if (blocks >= HOST_BLOCKS_MAX)
		return;
	h->more_ports = true;
	h->more_ports_at = now + HOST_BLOCK_RETRY;
}

void
host_spis_taken(struct host *h)
{
	if (!h->no_ipsec && !host_flow_policy(h) &&
	    bindings_spi_free(&h->bindings) < HOST_SPIS_LOW)
		h->more_spis = true;
}

void
host_again_signed(struct host *h, uint64_t now)
{
	/* What a gateway that has no end of it is left with is silence. */
	if (h->pending == 0 || h->again_signed == HOST_SIGNED_MAX)
		return;
	h->again_signed++;
	h->sign_again = true;
	h->deadline = now;
}

void
host_suspect(struct host *h, uint64_t now)
{
	if (h->bindings.n == 0 ||
	    (h->suspected != 0 && now < h->suspected + HOST_SUSPECT_INTERVAL))
		return;
	h->suspected = now;
	h->verify = true;
}
