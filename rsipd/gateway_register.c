/* gateway_register.c - who may register, who owns a registration, and who leaves when the table is full (RFC 3103 §9.2 to §9.5) */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/queue.h"
#include "rsipd/gateway_internal.h"

/* Hosts whose link-layer address nobody knows count as one neighbour. */
#define NEIGHBOUR_UNKNOWN	((uint64_t)1 << 63)

bool
gateway_hears(const struct gateway *g, const struct addr *host)
{
	size_t i;

	for (i = 0; i < g->config.nfrom; i++) {
		if (prefix_contains(&g->config.from[i], host))
			return true;
	}
	return policies_name(g->config.policies, host);
}

/* --- neighbours: what one link-layer address may hold --------------------- */

static struct gateway_neighbour *
neighbour_get(struct gateway *g, uint64_t key)
{
	struct gateway_neighbour *n;

	HASH_FIND(hh, g->neighbours, &key, sizeof(key), n);
	if (n != NULL || (n = calloc(1, sizeof(*n))) == NULL)
		return n;
	n->key = key;
	LIST_INIT(&n->clients);
	HASH_ADD(hh, g->neighbours, key, sizeof(n->key), n);
	return n;
}

static void
neighbour_unused(struct gateway *g, struct gateway_neighbour *n)
{
	if (n == NULL || n->count != 0)
		return;
	/* NOLINTNEXTLINE: every neighbour is in the hash table */
	HASH_DEL(g->neighbours, n);
	free(n);
}

static void
neighbour_leave(struct gateway *g, struct lease_client *c)
{
	struct gateway_neighbour *n = c->neighbour;

	if (n == NULL)
		return;
	LIST_REMOVE(c, beside);
	c->neighbour = NULL;
	n->count--;
	neighbour_unused(g, n);
}

/* The client's place is counted already. */
static void
neighbour_join(struct gateway_neighbour *n, struct lease_client *c)
{
	if (n == NULL)
		return;
	c->neighbour = n;
	LIST_INSERT_HEAD(&n->clients, c, beside);
}

/* Which neighbour is the host?  False where there is no limit to be kept. */
static bool
neighbour_key(const struct gateway *g, const struct addr *host, uint64_t *key)
{
	uint8_t mac[8] = { 0 };
	int	known;

	if (g->config.max_neighbour == 0 || g->ops->neighbour == NULL)
		return false;
	known = g->ops->neighbour(g->arg, host, mac);
	memcpy(key, mac, sizeof(*key));
	if (known == 0)
		*key = NEIGHBOUR_UNKNOWN;
	return known != -1;
}

/* Of a neighbour that is full the half open go first, then those without a
 * binding; NULL if all of its registrations are at work. */
static struct lease_client *
neighbour_victim(const struct gateway_neighbour *n)
{
	struct lease_client *c, *found = NULL;

	LIST_FOREACH(c, &n->clients, beside) {
		/* The list begins with the newest. */
		if (c->stage != LEASE_BOUND &&
		    (found == NULL || c->stage <= found->stage))
			found = c;
	}
	return found;
}

void
gateway_neighbours_free(struct gateway *g)
{
	struct gateway_neighbour *n = g->neighbours, *next;

	HASH_CLEAR(hh, g->neighbours);
	for (; n != NULL; n = next) {
		next = n->hh.next;
		free(n);
	}
}

/* --- ends ----------------------------------------------------------------- */

void
gateway_end(struct gateway *g, uint64_t now, struct lease_client *c,
    const char *why)
{
	struct lease_binding *b, *next;

	LIST_FOREACH_SAFE(b, &c->bindings, entry, next)
		gateway_unbind(g, now, b);
	if (c->stage != LEASE_HALF_OPEN && ratelimit_pass(&g->log, now))
		log_info("%s: registration %u %s", ADDR_TEXT(&c->host),
		    c->client_id, why);
	g->ops->event(g->arg, GATEWAY_DEREGISTERED, c, NULL);
	if (c->stage != LEASE_HALF_OPEN)
		grant_client_ended(&g->tables, c);
	neighbour_leave(g, c);
	leases_deregister(g->leases, c);
}

/* Makes room by ending one that does nothing. */
static void
evict(struct gateway *g, uint64_t now, struct lease_client *c)
{
	g->counts.evicted++;
	/* §9.5.3; but who has not shown that it hears us may be forged, and
	 * nobody is to be sent what another caused. */
	if (c->stage != LEASE_HALF_OPEN)
		gateway_send_type(g, c, RSIP_DEREGISTER_RESPONSE, NULL);
	gateway_end(g, now, c, "ended: without a binding, and others wait");
}

static size_t
max_half_open(const struct gateway *g)
{
	size_t n = g->config.max_registrations / 4;

	return n < GATEWAY_HALF_OPEN_MIN ? GATEWAY_HALF_OPEN_MIN : n;
}

/*
 * Room for one more.  Nobody can tell a forged half-open registration from an
 * honest one, so chance decides which leaves: whoever answers within
 * milliseconds is hardly ever met.
 */
static bool
make_room(struct gateway *g, uint64_t now)
{
	struct lease_client *c;

	if (leases_at(g->leases, LEASE_HALF_OPEN) >= max_half_open(g))
		evict(g, now, leases_any(g->leases, LEASE_HALF_OPEN));
	if (leases_clients(g->leases) < g->config.max_registrations)
		return true;
	if ((c = leases_any(g->leases, LEASE_HALF_OPEN)) == NULL &&
	    (c = leases_oldest(g->leases, LEASE_BARE)) == NULL)
		return false;
	evict(g, now, c);
	return true;
}

/* --- whose registration is it? -------------------------------------------- */

static bool
is_same_peer(const struct lease_client *c, const struct gateway_peer *peer)
{
	return c->peer == peer->id && c->transport == peer->transport;
}

/*
 * Does the request come from the host, rather than from one of its users?  Its
 * own connection or port; the secret; a port that only its system hands out.
 * While its connection is open, and where it has registered from such a port,
 * that is all.
 */
static bool
is_owner(const struct gateway *g, const struct gateway_request *r)
{
	const struct lease_client *c = r->client;

	if (is_same_peer(c, r->peer) || r->authentic || r->peer->privileged)
		return true;
	/* A host that lost its memory, or its address for a while, is let in
	 * once its old connection is known to be gone. */
	if (c->live && g->ops->probe != NULL)
		g->ops->probe(g->arg, c->peer);
	return !c->live && !c->privileged;
}

/* From now on the registration's end is there. */
static void
gateway_move(struct lease_client *c, const struct gateway_peer *peer)
{
	c->peer = peer->id;
	c->live = peer->transport == GATEWAY_TCP;
	if (peer->privileged)
		c->privileged = true;
}

void
gateway_disconnected(struct gateway *g, const struct gateway_peer *peer)
{
	struct lease_client *c = leases_client(g->leases, &peer->host);

	if (c != NULL && is_same_peer(c, peer))
		c->live = false;
}

/* The host has answered: only it can know the client ID. */
static void
prove(struct gateway *g, uint64_t now, struct lease_client *c)
{
	struct gateway_neighbour *n;
	uint64_t		  key;

	if (c->stage != LEASE_HALF_OPEN)
		return;
	leases_prove(g->leases, c);
	/* Bindings are kept or not granted; a registration by itself
	 * is soon had anew. */
	grant_client_changed(&g->tables, c);
	if (ratelimit_pass(&g->log, now))
		log_info("%s: registered as %u", ADDR_TEXT(&c->host),
		    c->client_id);
	/* By now its link-layer address is known. */
	if (c->neighbour != NULL && c->neighbour->key == NEIGHBOUR_UNKNOWN &&
	    neighbour_key(g, &c->host, &key) && key != NEIGHBOUR_UNKNOWN) {
		neighbour_leave(g, c);
		if ((n = neighbour_get(g, key)) != NULL)
			n->count++;
		neighbour_join(n, c);
	}
}

enum rsip_error
gateway_check_registration(struct gateway *g, struct gateway_request *r)
{
	struct lease_client *c = r->client;

	/* §9.4.3, for DE-REGISTER_REQUEST too. */
	if (c == NULL)
		return RSIP_REGISTER_FIRST;
	if (r->in->client_id != c->client_id)
		return RSIP_BAD_CLIENT_ID;
	/* A host that has forgotten how it registered may
	 * still end it (§10.2.1); all else stays with the
	 * transport of the registration (§5). */
	if (r->in->type != RSIP_DEREGISTER_REQUEST &&
	    r->peer->transport != c->transport)
		return r->peer->transport == GATEWAY_UDP ? RSIP_USE_TCP :
		    RSIP_UNKNOWN_ERROR;
	if (!is_owner(g, r))
		return RSIP_BAD_CLIENT_ID;
	prove(g, r->now, c);
	if (r->in->type != RSIP_DEREGISTER_REQUEST)
		gateway_move(c, r->peer);
	return RSIP_OK;
}

/* --- requests ------------------------------------------------------------- */

static void
register_response(struct gateway *g, struct gateway_request *r)
{
	struct rsip_message	  *m = r->out;
	const struct lease_client *c = r->client;
	const struct policy	  *p = &c->policy;

	rsip_message_init(m, RSIP_REGISTER_RESPONSE);
	m->has |= RSIP_HAS_CLIENT_ID | RSIP_HAS_LEASE | RSIP_HAS_POLICY |
	    RSIP_HAS_METHOD | RSIP_HAS_TUNNEL;
	m->client_id = c->client_id;
	m->lease = p->registration;
	m->local_policy = p->local;
	m->remote_policy = p->remote;
	m->method[m->nmethods++] = RSIP_METHOD_RSAP_IP;
	/* §9.6.1: not together with local micro-flow policy. */
	if (g->can_rsa_ip && p->rsa_ip && p->local == RSIP_LOCAL_MACRO)
		m->method[m->nmethods++] = RSIP_METHOD_RSA_IP;
	if (g->can_ipsec && p->ipsec)
		m->method[m->nmethods++] = RSIP_METHOD_RSIPSEC;
	if (p->ipip)
		m->tunnel[m->ntunnels++] = RSIP_TUNNEL_IPIP;
	if (p->gre)
		m->tunnel[m->ntunnels++] = RSIP_TUNNEL_GRE;
}

/* A second REGISTER_REQUEST: RSIP_OK if it
 * makes a new registration after all. */
static enum rsip_error
register_again(struct gateway *g, struct gateway_request *r)
{
	struct lease_client *c = r->client;

	if (c->stage == LEASE_HALF_OPEN && !is_same_peer(c, r->peer)) {
		/* Somebody else may have begun it in the host's
		 * name: that takes nothing from the host. */
		if (r->peer->transport == GATEWAY_TCP || r->authentic) {
			gateway_end(g, r->now, c, "");
			r->client = NULL;
			return RSIP_OK;
		}
		gateway_move(c, r->peer);
		return GATEWAY_SAME;
	}
	r->owner = is_owner(g, r);
	return RSIP_ALREADY_REGISTERED;
}

/* A place among its neighbour's registrations, which *n is to have; NULL there
 * means that none is needed. */
static enum rsip_error
reserve_neighbour(struct gateway *g, const struct gateway_request *r,
    struct gateway_neighbour **n)
{
	struct lease_client *victim;
	uint64_t	     key;

	*n = NULL;
	if (!neighbour_key(g, &r->peer->host, &key))
		return RSIP_OK;
	/* To answer these is to have the kernel look for each. */
	if (key == NEIGHBOUR_UNKNOWN && !ratelimit_pass(&g->unknown, r->now)) {
		g->counts.unknown++;
		return GATEWAY_SILENT;
	}
	if ((*n = neighbour_get(g, key)) == NULL)
		return RSIP_INTERNAL_SERVER_ERROR;
	if (++(*n)->count <= g->config.max_neighbour)
		return RSIP_OK;
	if ((victim = neighbour_victim(*n)) != NULL) {
		evict(g, r->now, victim);
		return RSIP_OK;
	}
	(*n)->count--;
	return RSIP_REGISTRATION_DENIED;
}

static enum rsip_error
register_new(struct gateway *g, struct gateway_request *r,
    const struct policy *policy)
{
	struct gateway_neighbour *n;
	struct lease_client	 *c = NULL;
	enum rsip_error		  rc;

	if ((rc = reserve_neighbour(g, r, &n)) != RSIP_OK)
		return rc;
	if (!make_room(g, r->now))
		rc = RSIP_REGISTRATION_DENIED;
	else if ((c = leases_register(g->leases, &r->peer->host, r->now +
	    (uint64_t)policy->registration * 1000)) == NULL)
		rc = RSIP_INTERNAL_SERVER_ERROR;
	if (c == NULL) {
		if (n != NULL)
			n->count--;
		neighbour_unused(g, n);
		return rc;
	}
	neighbour_join(n, c);
	r->client = c;
	c->policy = *policy;
	c->transport = r->peer->transport;
	c->since = r->now;
	c->authentic = r->authentic;
	gateway_move(c, r->peer);
	/* A connection shows that its host hears us; so does the secret. */
	if (c->transport == GATEWAY_TCP || c->authentic)
		prove(g, r->now, c);
	if (r->in->has & RSIP_HAS_FQDN)
		c->fqdn = strdup(r->in->fqdn);	/* a courtesy: without
						 * memory, none */
	g->ops->event(g->arg, GATEWAY_REGISTERED, c, NULL);
	return RSIP_OK;
}

enum rsip_error
gateway_register(struct gateway *g, struct gateway_request *r)
{
	struct policy	policy;
	enum rsip_error rc = RSIP_OK;

	policies_find(g->config.policies, &r->peer->host, &policy);
	if (!policy.may_register)
		return RSIP_REGISTRATION_DENIED;
	if (r->client != NULL)
		rc = register_again(g, r);
	if (rc == RSIP_OK)
		rc = register_new(g, r, &policy);
	if (rc != RSIP_OK && rc != GATEWAY_SAME)
		return rc;
	register_response(g, r);
	return RSIP_OK;
}

enum rsip_error
gateway_deregister(struct gateway *g, struct gateway_request *r)
{
	rsip_message_init(r->out, RSIP_DEREGISTER_RESPONSE);
	r->out->has |= RSIP_HAS_CLIENT_ID;
	r->out->client_id = r->client->client_id;
	g->tables.asked = true;
	gateway_end(g, r->now, r->client, "ended by the host");
	g->tables.asked = false;
	r->client = NULL;
	return RSIP_OK;
}
