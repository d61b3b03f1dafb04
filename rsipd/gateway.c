/* gateway.c - the RSIP gateway's answers: order of checks, registrations, expiry (RFC 3103 §6, §9) */
#include "config.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/queue.h"
#include "rsipd/gateway_internal.h"

#define MISUSE_INTERVAL	1000	/* milliseconds between two told
				 * to a host (RFC 3103 §10.4) */

static bool
allows_rsa_ip(const struct policy *p)
{
	return p->rsa_ip;
}

static bool
allows_listen(const struct policy *p)
{
	return p->listen;
}

static bool
allows_ipsec(const struct policy *p)
{
	return p->ipsec;
}

/* What no host may do is not supported at all: not advertised, and 208. */
static void
find_abilities(struct gateway *g)
{
	size_t i;
	bool   exclusive = false, shared = false;

	for (i = 0; i < pool_size(g->pool); i++) {
		if (!pool_gives(g->pool, i))
			continue;
		if (pool_at(g->pool, i)->exclusive)
			exclusive = true;
		else
			shared = true;
	}
	g->can_rsa_ip = exclusive &&
	    policies_any(g->config.policies, allows_rsa_ip);
	g->can_listen = policies_any(g->config.policies, allows_listen);
	g->can_ipsec = shared && policies_any(g->config.policies, allows_ipsec);
}

struct gateway *
gateway_new(const struct gateway_config *c, struct pool *pool,
    const struct gateway_ops *ops, void *arg)
{
	struct gateway *g;

	if ((g = calloc(1, sizeof(*g))) == NULL)
		return NULL;
	g->assignment = gateway_assignment_new();
	if ((g->leases = leases_new(pool)) == NULL || g->assignment == NULL) {
		leases_free(g->leases);
		free(g->assignment);
		free(g);
		return NULL;
	}
	g->config = *c;
	g->pool = pool;
	g->ops = ops;
	g->arg = arg;
	g->tables = (struct grant_tables){ .pool = pool, .leases = g->leases,
		.demux_add = ops->demux_add, .demux_remove = ops->demux_remove,
		.arg = arg };
	g->log = (struct ratelimit)RATELIMIT_INIT(20, 500);
	g->auth_log = (struct ratelimit)RATELIMIT_INIT(5, 2000);
	g->unknown = (struct ratelimit)RATELIMIT_INIT(32, 20);
	LIST_INIT(&g->waiting);
	TAILQ_INIT(&g->held);
	TAILQ_INIT(&g->spare);
	g->batch_open = 1;
	find_abilities(g);
	return g;
}

void
gateway_free(struct gateway *g)
{
	struct gateway_account *a, *next;

	if (g == NULL)
		return;
	while (!LIST_EMPTY(&g->waiting))
		gateway_waiting_free(g, LIST_FIRST(&g->waiting));
	gateway_held_free(g);
	/* HASH_DEL one by one would only rearrange what all goes. */
	a = g->accounts;
	HASH_CLEAR(hh, g->accounts);
	for (; a != NULL; a = next) {
		next = a->hh.next;
		free(a);
	}
	gateway_release(&g->in);
	gateway_release(&g->out);
	gateway_neighbours_free(g);
	leases_free(g->leases);
	free(g->assignment);
	pool_free(g->pool);
	free(g);
}

/* --- messages that answer no request -------------------------------------- */

/* §10.1: their counter is 0, whatever the transport. */
static void
send_async(struct gateway *g, const struct lease_client *c,
    struct rsip_message *m)
{
	struct gateway_peer to = { .host = c->host, .transport = c->transport,
		.id = c->peer };
	int		    len;

	m->has |= RSIP_HAS_CLIENT_ID | RSIP_HAS_COUNTER;
	m->client_id = c->client_id;
	m->counter = 0;
	len = gateway_encode(g, &c->host, c->authentic ? c->policy.secret :
	    NULL, m, g->buffer);
	if (len == -1)
		return;
	g->counts.asynchronous++;
	g->ops->send(g->arg, &to, false, g->buffer, (size_t)len);
}

void
gateway_send_type(struct gateway *g, const struct lease_client *c,
    enum rsip_type type, const struct lease_binding *b)
{
	struct rsip_message *m = &g->out;

	gateway_release(m);
	rsip_message_init(m, type);
	if (b != NULL) {
		m->has |= RSIP_HAS_BIND_ID;
		m->bind_id = b->bind_id;
	}
	send_async(g, c, m);
}

/* --- ends of bindings and registrations ----------------------------------- */

void
gateway_set_alarm(struct gateway *g)
{
	const struct lease_timer *t = leases_first(g->leases);
	uint64_t		  at = t != NULL && !g->passive ? t->at : 0;

	if (at == g->alarm)
		return;
	g->alarm = at;
	g->ops->alarm(g->arg, at);
}

void
gateway_tick(struct gateway *g, uint64_t now)
{
	struct lease_timer   *t;
	struct lease_client  *c;
	struct lease_binding *b;

	while (!g->passive && (t = leases_first(g->leases)) != NULL &&
	    t->at <= now) {
		if (t->is_binding) {
			b = (struct lease_binding *)(void *)t;
			/* §9.10.3 leaves it to us; a host that is told need not
			 * find out by lost packets. */
			gateway_send_type(g, b->client, RSIP_FREE_RESPONSE, b);
			gateway_unbind(g, now, b);
			continue;
		}
		c = (struct lease_client *)(void *)t;
		/* §9.5.3: MUST be told. */
		gateway_send_type(g, c, RSIP_DEREGISTER_RESPONSE, NULL);
		gateway_end(g, now, c, "expired");
	}
	g->alarm = UINT64_MAX;	/* the alarm has gone off, and
				 * may have been early */
	gateway_set_alarm(g);
}

struct walk {
	struct gateway *g;
	uint64_t now;
};

static bool
shut_down_client(void *arg, struct lease_client *c)
{
	struct walk *w = arg;

	gateway_send_type(w->g, c, RSIP_DEREGISTER_RESPONSE, NULL);
	gateway_end(w->g, w->now, c, "ended: shutting down");
	return true;
}

void
gateway_shutdown(struct gateway *g, uint64_t now)
{
	struct walk w = { g, now };

	leases_each(g->leases, shut_down_client, &w);
	gateway_set_alarm(g);
}

static bool
reconfigure_client(void *arg, struct lease_client *c)
{
	struct walk	     *w = arg;
	struct gateway	     *g = w->g;
	struct lease_binding *b, *next;

	policies_find(g->config.policies, &c->host, &c->policy);
	if (!c->policy.may_register || !gateway_hears(g, &c->host) ||
	    (c->policy.require_auth && !c->authentic)) {
		gateway_send_type(g, c, RSIP_DEREGISTER_RESPONSE, NULL);
		gateway_end(g, w->now, c, "ended: no longer allowed");
		return true;
	}
	LIST_FOREACH_SAFE(b, &c->bindings, entry, next) {
		if (gateway_still_allowed(b))
			continue;
		gateway_send_type(g, c, RSIP_FREE_RESPONSE, b);
		gateway_unbind(g, w->now, b);
	}
	return true;
}

void
gateway_set_passive(struct gateway *g, uint64_t now, bool passive)
{
	struct walk w = { g, now };

	if (passive == g->passive)
		return;
	g->passive = passive;
	if (!passive)
		leases_each(g->leases, reconfigure_client, &w);
	gateway_tick(g, now);
}

void
gateway_reconfigure(struct gateway *g, uint64_t now,
    const struct gateway_config *c)
{
	struct walk w = { g, now };
	uint64_t    auth_index = g->config.auth_index, until = g->config.until;

	g->config = *c;
	g->config.auth_index = auth_index;
	g->config.until = until;
	find_abilities(g);
	if (!g->passive)
		leases_each(g->leases, reconfigure_client, &w);
	gateway_set_alarm(g);
}

/* --- addresses that come and go ------------------------------------------- */

/* What an address is to become; NULL: it goes. */
struct retreat {
	struct gateway *g;
	uint64_t now;
	size_t at;
	const struct pool_address *to;
};

static bool
is_outside(struct lease_binding *b, const struct pool_address *a)
{
	const struct demux_range *r = lease_ranges(b);
	unsigned		  i, k;

	for (i = 0; i < b->nranges; i++) {
		for (k = 0; k < a->nports; k++) {
			if (a->ports[k].lo <= r[i].lo &&
			    r[i].hi <= a->ports[k].hi)
				break;
		}
		if (k == a->nports)
			return true;
	}
	/* An address with few SPIs is another
	 * gateway's, which says anew which. */
	return a->few_spis;
}

static bool
retreat_client(void *arg, struct lease_client *c)
{
	struct retreat	     *r = arg;
	struct lease_binding *b, *next;

	LIST_FOREACH_SAFE(b, &c->bindings, entry, next) {
		if (b->pool != r->at ||
		    (r->to != NULL && !is_outside(b, r->to)))
			continue;
		/* §9.10.3 has no error for it: FREE_RESPONSE says it all. */
		gateway_send_type(r->g, c, RSIP_FREE_RESPONSE, b);
		gateway_unbind(r->g, r->now, b);
	}
	return true;
}

static const struct pool_address *
find_address(const struct pool_address *a, size_t n,
    const struct pool_address *like)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (addr_equal(&a[i].addr, &like->addr))
			return a[i].exclusive == like->exclusive ? &a[i] : NULL;
	}
	return NULL;
}

int
gateway_set_pools(struct gateway *g, uint64_t now, const struct pool_address *a,
    size_t n)
{
	struct retreat		   r = { .g = g, .now = now };
	const struct pool_address *is;
	size_t			   i;
	int			   rc = 0;

	pool_sweep(g->pool, now);
	for (r.at = 0; r.at < pool_size(g->pool); r.at++) {
		if (!pool_gives(g->pool, r.at))
			continue;
		is = pool_at(g->pool, r.at);
		r.to = find_address(a, n, is);
		if (r.to != NULL && pool_address_equal(r.to, is))
			continue;
		leases_each(g->leases, retreat_client, &r);
		if (r.to == NULL || pool_change(g->pool, r.at, r.to) == -1)
			pool_retire(g->pool, now, r.at);
	}
	for (i = 0; i < n; i++) {
		if (pool_find(g->pool, &a[i].addr) == -1 &&
		    pool_add(g->pool, &a[i]) == -1) {
			log_error("pool %s: no room for it",
			    ADDR_TEXT(&a[i].addr));
			rc = -1;
		}
	}
	find_abilities(g);
	gateway_set_alarm(g);
	return rc;
}

static bool
shorten_client(void *arg, struct lease_client *c)
{
	struct walk	     *w = arg;
	struct lease_binding *b;

	LIST_FOREACH(b, &c->bindings, entry) {
		if (b->timer.at > w->g->config.until)
			leases_extend(w->g->leases, b, w->g->config.until);
	}
	return true;
}

void
gateway_set_until(struct gateway *g, uint64_t now, uint64_t until)
{
	struct walk w = { g, now };
	bool	    sooner = until != 0 && (g->config.until == 0 ||
		until < g->config.until);

	g->config.until = until;
	if (sooner)
		leases_each(g->leases, shorten_client, &w);
	gateway_set_alarm(g);
}

void
gateway_misuse(struct gateway *g, uint64_t now, const struct addr *host,
    enum demux_verdict verdict, uint32_t bind_id)
{
	static const struct {
		enum demux_verdict verdict;
		enum rsip_error	   error;
	} kinds[LEASE_MISUSES] = {
		{ DEMUX_MISUSE_ADDR, RSIP_LOCAL_ADDR_UNALLOWED },
		{ DEMUX_MISUSE_ADDRPORT, RSIP_LOCAL_ADDRPORT_UNALLOWED },
		{ DEMUX_MISUSE_REMOTE_ADDR, RSIP_REMOTE_ADDR_UNALLOWED },
		{ DEMUX_MISUSE_REMOTE_ADDRPORT,
		    RSIP_REMOTE_ADDRPORT_UNALLOWED },
		{ DEMUX_MISUSE_TUNNEL, RSIP_BAD_TUNNEL_TYPE },
	};
	struct lease_client  *c = leases_client(g->leases, host);
	struct lease_binding *b = NULL;
	struct rsip_message  *m = &g->out;
	unsigned	      kind;

	for (kind = 0; kind < LEASE_MISUSES; kind++) {
		if (kinds[kind].verdict == verdict)
			break;
	}
	/* Who is not registered has no end that a message could go to. */
	if (kind == LEASE_MISUSES || c == NULL || (c->misused[kind] != 0 &&
	    now - c->misused[kind] < MISUSE_INTERVAL))
		return;
	c->misused[kind] = now;
	gateway_release(m);
	rsip_message_init(m, RSIP_ERROR_RESPONSE);
	m->has |= RSIP_HAS_ERROR;
	m->error = (uint16_t)kinds[kind].error;
	if (bind_id != 0)
		b = leases_binding(g->leases, c, bind_id);
	if (b != NULL) {
		m->has |= RSIP_HAS_BIND_ID;
		m->bind_id = bind_id;
	}
	g->counts.errors[kinds[kind].error]++;
	if (ratelimit_pass(&g->log, now))
		log_info("%s: %s", ADDR_TEXT(host),
		    rsip_error_name(kinds[kind].error));
	g->ops->event(g->arg, GATEWAY_MISUSE, c, b);
	send_async(g, c, m);
}

/* --- requests ------------------------------------------------------------- */

static enum rsip_error
serve_free(struct gateway *g, struct gateway_request *r,
    struct lease_binding *b)
{
	rsip_message_init(r->out, RSIP_FREE_RESPONSE);
	r->out->has |= RSIP_HAS_CLIENT_ID | RSIP_HAS_BIND_ID;
	r->out->client_id = r->client->client_id;
	r->out->bind_id = b->bind_id;
	g->tables.asked = true;
	gateway_unbind(g, r->now, b);
	g->tables.asked = false;
	return RSIP_OK;
}

static enum rsip_error
serve_extend(struct gateway *g, struct gateway_request *r,
    struct lease_binding *b)
{
	const struct grant_store *store = g->tables.store;
	uint32_t lease = gateway_grant(g, r->now, &r->client->policy, r->in);
	uint64_t latest;

	/* §9.10.3: not renewed, and the host is told so. */
	if (lease == 0)
		return serve_free(g, r, b);
	if (store != NULL && store->latest != NULL) {
		latest = store->latest(store->arg, b);
		if (latest < r->now + (uint64_t)lease * 1000)
			lease = latest > r->now ? (uint32_t)((latest - r->now) /
			    1000) : 0;
		if (lease == 0)
			return RSIP_INTERNAL_SERVER_ERROR;
	}
	if (grant_extend(&g->tables, b, r->now + (uint64_t)lease * 1000) == -1)
		return RSIP_INTERNAL_SERVER_ERROR;
	rsip_message_init(r->out, RSIP_EXTEND_RESPONSE);
	r->out->has |= RSIP_HAS_CLIENT_ID | RSIP_HAS_BIND_ID | RSIP_HAS_LEASE;
	r->out->client_id = r->client->client_id;
	r->out->bind_id = b->bind_id;
	r->out->lease = lease;
	g->ops->event(g->arg, GATEWAY_EXTENDED, r->client, b);
	return RSIP_OK;
}

static bool
is_supported(const struct gateway *g, uint8_t type)
{
	switch (type) {
	case RSIP_ASSIGN_REQUEST_RSA_IP:
		return g->can_rsa_ip;
	case RSIP_LISTEN_REQUEST:
		return g->can_listen;
	default:
		return true;
	}
}

static enum rsip_error
serve_registered(struct gateway *g, struct gateway_request *r)
{
	struct lease_binding *b;
	enum rsip_error	      rc;

	if ((rc = gateway_check_registration(g, r)) != RSIP_OK)
		return rc;
	switch (r->in->type) {
	case RSIP_DEREGISTER_REQUEST:
		return gateway_deregister(g, r);
	case RSIP_EXTEND_REQUEST:
	case RSIP_FREE_REQUEST:
		b = leases_binding(g->leases, r->client, r->in->bind_id);
		if (b == NULL)
			return RSIP_BAD_BIND_ID;
		return r->in->type == RSIP_FREE_REQUEST ?
		    serve_free(g, r, b) : serve_extend(g, r, b);
	case RSIP_QUERY_REQUEST:
		rc = gateway_query(g, r);
		break;
	default:
		rc = gateway_assign(g, r);
		break;
	}
	if (rc == RSIP_OK) {
		r->out->has |= RSIP_HAS_CLIENT_ID;
		r->out->client_id = r->client->client_id;
	}
	return rc;
}

/* The order of checks is written down in doc/wire.md. */
static enum rsip_error
serve_request(struct gateway *g, struct gateway_request *r,
    enum rsip_error decoded, const uint8_t *msg, size_t len)
{
	enum rsip_error rc;

	if (decoded == RSIP_UNSUPPORTED_RSIP_VERSION)
		return decoded;
	if (r->peer->transport == GATEWAY_UDP && !g->config.udp)
		return RSIP_USE_TCP;
	if (rsip_type_is_response(r->in->type))
		return RSIP_ILLEGAL_MESSAGE;
	if (decoded != RSIP_OK)
		return decoded;
	if (!is_supported(g, r->in->type))
		return RSIP_UNSUPPORTED_MESSAGE;
	if (r->peer->transport == GATEWAY_UDP &&
	    (!(r->in->has & RSIP_HAS_COUNTER) || r->in->counter == 0))
		return RSIP_MESSAGE_COUNTER_REQUIRED;
	if ((rc = gateway_authenticate(g, r, msg, len)) != RSIP_OK)
		return rc;
	if (r->in->type == RSIP_REGISTER_REQUEST)
		return gateway_register(g, r);
	return serve_registered(g, r);
}

void
gateway_error(struct rsip_message *m, enum rsip_error error,
    const struct gateway_asked *asked)
{
	gateway_release(m);
	rsip_message_init(m, RSIP_ERROR_RESPONSE);
	m->has = RSIP_HAS_ERROR | (asked->has & (RSIP_HAS_CLIENT_ID |
	    RSIP_HAS_BIND_ID | RSIP_HAS_COUNTER));
	m->error = (uint16_t)error;
	m->client_id = asked->client_id;
	m->bind_id = asked->bind_id;
	m->counter = asked->counter;
}

static void
make_error(const struct gateway_request *r, enum rsip_error error)
{
	struct gateway_asked asked = gateway_asked(r->in);

	/* §9.2.3: with the id that the host may have forgotten, and that its
	 * users need not know. */
	if (error == RSIP_ALREADY_REGISTERED) {
		asked.has &= ~RSIP_HAS_CLIENT_ID;
		if (r->owner) {
			asked.has |= RSIP_HAS_CLIENT_ID;
			asked.client_id = r->client->client_id;
		}
	}
	/* §9.12.3: so that a host to which the answer was lost can free it. */
	if (r->holder != 0) {
		asked.has |= RSIP_HAS_BIND_ID;
		asked.bind_id = r->holder;
	}
	gateway_error(r->out, error, &asked);
}

int
gateway_encode_answer(struct gateway *g, const struct addr *host, bool sign,
    struct rsip_message *m, uint8_t *out)
{
	struct policy		    policy;
	const struct policy_secret *secret = NULL;

	if (sign) {
		policies_find(g->config.policies, host, &policy);
		secret = policy.secret;
	}
	return gateway_encode(g, host, secret, m, out);
}

/* Turns what serve_request() left into bytes. */
static int
encode_result(struct gateway *g, struct gateway_request *r, enum rsip_error rc,
    uint8_t *out)
{
	int len;

	if (rc != RSIP_OK) {
		make_error(r, rc);
		if (r->stale)
			g->counts.stale++;
		else
			g->counts.errors[rc]++;
		log_debug("%s: %s: %s", ADDR_TEXT(&r->peer->host),
		    rsip_type_name(r->in->type), rsip_error_name(rc));
	}
	if (r->in->has & RSIP_HAS_COUNTER) {
		r->out->has |= RSIP_HAS_COUNTER;
		r->out->counter = r->in->counter;
	}
	if (r->stale)
		gateway_tell_floor(g, r);
	len = gateway_encode_answer(g, &r->peer->host, r->authentic || r->stale,
	    r->out, out);
	gateway_release(r->out);
	g->counts.answers++;
	return len == -1 ? 0 : len;
}

int
gateway_input(struct gateway *g, uint64_t now, const struct gateway_peer *peer,
    const uint8_t *msg, size_t len, uint8_t *out)
{
	struct gateway_request r = { .now = now, .peer = peer, .in = &g->in,
		.out = &g->out };
	enum rsip_error	       rc;
	int		       n;

	/* Not even an error: it would go to whoever was named as the source. */
	if (!gateway_hears(g, &peer->host)) {
		g->counts.foreign++;
		return 0;
	}
	if (g->nopen >= GATEWAY_HELD_MAX || g->open_bytes >= GATEWAY_HELD_BYTES)
		gateway_commit(g, now);
	/* The store takes its time: hosts ask again. */
	if (g->nheld >= GATEWAY_HELD_TIMES * GATEWAY_HELD_MAX ||
	    g->held_bytes >= GATEWAY_HELD_TIMES * GATEWAY_HELD_BYTES)
		return 0;
	g->counts.requests++;
	g->tables.unsafe.bind_id = 0;
	/* First, as what it has comes from memory while this is read. */
	r.client = leases_client(g->leases, &peer->host);
	rc = rsip_decode(&g->in, msg, len);
	/* §9.1.3: no error can be caused by one, and two gateways that are
	 * pointed at each other must fall silent. */
	if (g->in.type == RSIP_ERROR_RESPONSE &&
	    rc != RSIP_UNSUPPORTED_RSIP_VERSION)
		return 0;
	rc = serve_request(g, &r, rc, msg, len);
	n = rc == GATEWAY_WAIT ? GATEWAY_LATER : rc == GATEWAY_SILENT ? 0 :
	    encode_result(g, &r, rc, out);
	if (n > 0 && (g->tables.batch || g->nheld > 0))
		n = gateway_hold(g, &r, out, (size_t)n) == -1 ? 0 :
		    GATEWAY_HELD;
	gateway_release(&g->in);
	gateway_set_alarm(g);
	return n;
}

void
gateway_resolved(struct gateway *g, uint64_t now, uint64_t ticket,
    const struct addr *addrs, size_t n)
{
	struct gateway_waiting *w;
	struct gateway_name    *name;
	struct gateway_peer	peer;
	enum rsip_error		rc;
	int			len;

	LIST_FOREACH(w, &g->waiting, entry) {
		if (w->ticket == (ticket & ~(uint64_t)0xff))
			break;
	}
	if (w == NULL || (ticket & 0xff) >= w->nnames)
		return;
	name = &w->name[ticket & 0xff];
	if (name->done)
		return;
	name->done = true;
	for (; name->naddrs < n && name->naddrs < GATEWAY_ADDRS_MAX;
	    name->naddrs++)
		name->addr[name->naddrs] = addrs[name->naddrs];
	if (--w->missing > 0)
		return;
	peer = w->peer;
	struct gateway_request r = { .now = now, .peer = &peer,
		.in = &w->request, .out = &g->out, .waiting = w,
		.authentic = w->authentic,
		.client = leases_client(g->leases, &peer.host) };

	gateway_release(&g->out);
	g->tables.unsafe.bind_id = 0;
	/* Meanwhile the registration may have ended. */
	rc = serve_registered(g, &r);
	len = encode_result(g, &r, rc, g->buffer);
	if (len > 0 && (g->tables.batch || g->nheld > 0))
		len = gateway_hold(g, &r, g->buffer, (size_t)len);
	gateway_waiting_free(g, w);
	gateway_set_alarm(g);
	if (len > 0)
		g->ops->send(g->arg, &peer, true, g->buffer, (size_t)len);
}

bool
gateway_registered(const struct gateway *g, const struct gateway_peer *peer)
{
	const struct lease_client *c = leases_client(g->leases, &peer->host);

	return c != NULL && c->stage != LEASE_HALF_OPEN &&
	    c->peer == peer->id && c->transport == peer->transport;
}

bool
gateway_end_of(const struct gateway *g, const struct addr *host,
    struct gateway_peer *out)
{
	const struct lease_client *c = leases_client(g->leases, host);

	if (c == NULL)
		return false;
	*out = (struct gateway_peer){ .host = *host,
		.transport = c->transport, .id = c->peer };
	return true;
}

void
gateway_count(const struct gateway *g, struct gateway_counts *out)
{
	*out = g->counts;
	out->registrations = leases_clients(g->leases);
	out->half_open = leases_at(g->leases, LEASE_HALF_OPEN);
	out->bindings = leases_bindings(g->leases);
	out->waiting = g->nwaiting;
}

const struct pool *
gateway_pool(const struct gateway *g)
{
	return g->pool;
}

struct leases *
gateway_leases(struct gateway *g)
{
	return g->leases;
}
