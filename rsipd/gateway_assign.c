/* gateway_assign.c - ASSIGN_REQUEST_* and LISTEN_REQUEST: all that is asked, or nothing (RFC 3103 §9.6-§9.9, §9.16; RFC 3104 §6) */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "rsipd/gateway_internal.h"

#define COOKIE_TRIES	4	/* drawn cookies may meet one that was learnt */

/* One request, read and checked, on its way to a binding.  Large; requests are
 * served one at a time. */
struct gateway_assignment {
	struct gateway *g;
	struct gateway_request *r;
	const struct policy *policy;
	struct grant grant;		/* of what follows: as
					 * it will be entered */
	/* wanted */
	bool	 any_local;
	const struct addr *want_local;
	size_t	 nports;		/* 0: none needed */
	bool	 any_port;
	bool	 any_spi;
	bool	 any_cookie;
	size_t	 at;			/* taken: the address'
					 * index in the pool */
	/* as many as the counts above and the grant's say; not zeroed */
	uint16_t port[RSIP_PORTS_MAX];
	struct demux_range range[RSIP_PORTS_MAX];
	uint32_t spi[RSIP_SPIS_MAX];
	uint64_t cookie[RSIP_COOKIES_MAX];
};

struct gateway_assignment *
gateway_assignment_new(void)
{
	return malloc(sizeof(struct gateway_assignment));
}

uint32_t
gateway_grant(const struct gateway *g, uint64_t now, const struct policy *p,
    const struct rsip_message *in)
{
	uint32_t lease = p->lease;
	uint64_t left;

	if ((in->has & RSIP_HAS_LEASE) && in->lease != 0)
		lease = in->lease;
	if (lease > p->lease_max)
		lease = p->lease_max;
	if (g->config.until == 0)
		return lease;
	left = g->config.until > now ? (g->config.until - now) / 1000 : 0;
	return lease < left ? lease : (uint32_t)left;
}

/* --- what was asked ------------------------------------------------------- */

static int
port_compare(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static int
spi_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* "Don't care": no address, or all zeros (§9.8.3, Appendix C). */
static bool
is_any(const struct rsip_address *a)
{
	return a->any || addr_is_unspecified(&a->addr);
}

static bool
any_ports(const struct rsip_ports *p)
{
	return p->none || p->nfields == 0 ||
	    (p->nfields == 1 && p->port[0] == 0);
}

/* Sorted ports as ranges; false if one is there twice or is 0. */
static bool
make_ranges(struct gateway_assignment *a)
{
	uint16_t sorted[RSIP_PORTS_MAX];
	size_t	 i;

	a->grant.nranges = 0;
	memcpy(sorted, a->port, a->nports * sizeof(*sorted));
	qsort(sorted, a->nports, sizeof(*sorted), port_compare);
	for (i = 0; i < a->nports; i++) {
		if (sorted[i] == 0 || (i > 0 && sorted[i] == sorted[i - 1]))
			return false;
		if (i > 0 && sorted[i] == a->range[a->grant.nranges - 1].hi + 1)
			a->range[a->grant.nranges - 1].hi = sorted[i];
		else
			a->range[a->grant.nranges++] = (struct demux_range){
				sorted[i], sorted[i] };
	}
	return true;
}

static enum rsip_error
read_spis(struct gateway_assignment *a, const struct rsip_spis *s)
{
	uint32_t sorted[RSIP_SPIS_MAX];
	size_t	 i;

	if (s->number > RSIP_SPIS_MAX)
		return RSIP_IPSEC_SPI_UNAVAILABLE;
	a->grant.nspis = s->number;
	a->any_spi = s->nfields == 0;
	if (a->any_spi)
		return RSIP_OK;
	if (rsip_spis_expand(s, a->spi, RSIP_SPIS_MAX) == -1)
		return RSIP_BAD_PARAM;
	memcpy(sorted, a->spi, a->grant.nspis * sizeof(*sorted));
	qsort(sorted, a->grant.nspis, sizeof(*sorted), spi_compare);
	for (i = 1; i < a->grant.nspis; i++) {
		if (sorted[i] == sorted[i - 1])
			return RSIP_BAD_PARAM;
	}
	return RSIP_OK;
}

/* The values that no policy could make right. */
static enum rsip_error
read_wanted(struct gateway_assignment *a)
{
	const struct rsip_message *m = a->r->in;
	enum rsip_error		   rc;

	/* §8.1: a name cannot be a local address. */
	if (m->local.type == RSIP_ADDR_FQDN ||
	    m->local.type == RSIP_ADDR_NETMASK4 ||
	    m->remote.type == RSIP_ADDR_NETMASK4)
		return RSIP_BAD_PARAM;
	a->any_local = is_any(&m->local);
	a->want_local = &m->local.addr;
	if (m->has & RSIP_HAS_LOCAL_PORTS) {
		a->nports = m->local_ports.none ? 0 : m->local_ports.number;
		a->any_port = any_ports(&m->local_ports);
		if (!a->any_port) {
			if (rsip_ports_expand(&m->local_ports, a->port,
			    RSIP_PORTS_MAX) == -1)
				return RSIP_BAD_PARAM;
			if (!make_ranges(a))
				return RSIP_BAD_PARAM;
		}
	}
	if ((m->has & RSIP_HAS_SPIS) &&
	    (rc = read_spis(a, &m->spis)) != RSIP_OK)
		return rc;
	if (a->grant.method == RSIP_METHOD_RSIPSEC &&
	    (m->has & RSIP_HAS_COOKIES)) {
		a->grant.ncookies = m->cookies_number;
		a->any_cookie = m->ncookies == 0;
		memcpy(a->cookie, m->cookie, m->ncookies * sizeof(*a->cookie));
	}
	return RSIP_OK;
}

static enum rsip_error
choose_tunnel(struct gateway_assignment *a)
{
	const struct rsip_message *m = a->r->in;
	unsigned		   i;

	if (!(m->has & RSIP_HAS_TUNNEL)) {
		/* §9.3.3: IP-IP is what both assume. */
		a->grant.tunnel = (uint8_t)(a->policy->ipip ?
		    RSIP_TUNNEL_IPIP : RSIP_TUNNEL_GRE);
		return RSIP_OK;
	}
	/* LISTEN may offer several: the first that we can do. */
	for (i = 0; i < m->ntunnels; i++) {
		if ((m->tunnel[i] == RSIP_TUNNEL_IPIP && a->policy->ipip) ||
		    (m->tunnel[i] == RSIP_TUNNEL_GRE && a->policy->gre)) {
			a->grant.tunnel = m->tunnel[i];
			return RSIP_OK;
		}
	}
	return RSIP_BAD_TUNNEL_TYPE;
}

/* Is there as much detail as the flow policy asks (§7, §8.2)? */
static enum rsip_error
check_detail(struct gateway_assignment *a)
{
	const struct rsip_message *m = a->r->in;

	if (a->policy->local == RSIP_LOCAL_MICRO &&
	    (a->grant.method == RSIP_METHOD_RSA_IP || a->nports > 1))
		return RSIP_FLOW_POLICY_VIOLATION;
	switch (a->policy->remote) {
	case RSIP_REMOTE_MACRO:
		a->grant.remote_policy = DEMUX_REMOTE_MACRO;
		break;
	case RSIP_REMOTE_MICRO:
		a->grant.remote_policy = DEMUX_REMOTE_MICRO;
		break;
	default:
		a->grant.remote_policy = DEMUX_REMOTE_NONE;
		return RSIP_OK;
	}
	if (is_any(&m->remote))
		return RSIP_FLOW_POLICY_VIOLATION;
	if (a->grant.remote_policy == DEMUX_REMOTE_MACRO)
		return RSIP_OK;
	if (m->remote_ports.none) {
		/* RFC 3104 App. D: ports within ESP cannot be seen. */
		a->grant.remote_policy = DEMUX_REMOTE_MACRO;
		return RSIP_OK;
	}
	/* §8.2: exactly one port field under micro-flow policy. */
	if (any_ports(&m->remote_ports) || m->remote_ports.nfields != 1)
		return RSIP_FLOW_POLICY_VIOLATION;
	a->grant.remote.ports.lo = m->remote_ports.port[0];
	a->grant.remote.ports.hi = (uint16_t)(m->remote_ports.port[0] +
	    m->remote_ports.number - 1);
	return RSIP_OK;
}

/* The remote's address, and whether policy lets the host contact it. */
static enum rsip_error
check_remote(struct gateway_assignment *a)
{
	const struct rsip_address *remote = &a->r->in->remote;
	const struct gateway_name *name;
	enum rsip_error		   rc, no;
	size_t			   i;

	if (a->grant.remote_policy == DEMUX_REMOTE_NONE)
		return RSIP_OK;
	no = a->grant.remote_policy == DEMUX_REMOTE_MACRO ?
	    RSIP_REMOTE_ADDR_UNALLOWED : RSIP_REMOTE_ADDRPORT_UNALLOWED;
	if (remote->type == RSIP_ADDR_IPV4) {
		a->grant.remote.addr = remote->addr;
		return policy_allows_remote(a->policy, &a->grant.remote.addr,
		    a->grant.remote.ports) ? RSIP_OK : no;
	}
	if (remote->type != RSIP_ADDR_FQDN)
		return no;
	if ((rc = gateway_names_wait(a->g, a->r)) != RSIP_OK)
		return rc;
	name = gateway_name_find(a->r, a->r->in->remote.fqdn);
	for (i = 0; name != NULL && i < name->naddrs; i++) {
		if (policy_allows_remote(a->policy, &name->addr[i],
		    a->grant.remote.ports)) {
			a->grant.remote.addr = name->addr[i];
			return RSIP_OK;
		}
	}
	return no;
}

/* --- what is given -------------------------------------------------------- */

static bool
address_allowed(const void *arg, const struct addr *addr)
{
	return policy_allows_local(arg, addr);
}

/* ... and may we give of it, as far as the store knows? */
static bool
can_give(const void *arg, const struct addr *addr)
{
	const struct gateway_assignment *a = arg;
	const struct grant_store	*s = a->g->tables.store;

	return address_allowed(a->policy, addr) && (s == NULL ||
	    s->may_grant == NULL || s->may_grant(s->arg, addr));
}

static enum rsip_error
take_whole(struct gateway_assignment *a)
{
	const struct addr *host = &a->r->peer->host;
	struct pool	  *p = a->g->pool;
	int		   i;

	if (a->any_local) {
		return pool_draw_whole(p, a->r->now, host, can_give, a,
		    &a->at) == POOL_OK ? RSIP_OK :
		    RSIP_LOCAL_ADDR_UNAVAILABLE;
	}
	if ((i = pool_find(p, a->want_local)) == -1 ||
	    !pool_at(p, (size_t)i)->exclusive ||
	    !can_give(a, a->want_local))
		return RSIP_LOCAL_ADDR_UNALLOWED;
	a->at = (size_t)i;
	if (pool_take_whole(p, a->r->now, a->at, host) == POOL_OK)
		return RSIP_OK;
	/* §9.6.3 tells "none at all" from "not this one". */
	return pool_whole_left(p, can_give, a) ?
	    RSIP_LOCAL_ADDR_INUSE : RSIP_LOCAL_ADDR_UNAVAILABLE;
}

static enum rsip_error
take_ports(struct gateway_assignment *a, size_t at)
{
	struct pool    *p = a->g->pool;
	enum pool_result rc;

	if (a->nports == 0)
		return RSIP_OK;
	if (a->any_port) {
		if (pool_draw_ports(p, a->r->now, at, a->nports, a->port) !=
		    POOL_OK)
			return RSIP_LOCAL_ADDRPORT_UNAVAILABLE;
		make_ranges(a);
		return RSIP_OK;
	}
	rc = pool_take_ports(p, a->r->now, at, &a->r->peer->host, a->port,
	    a->nports);
	return rc == POOL_OK ? RSIP_OK : rc == POOL_INUSE ?
	    RSIP_LOCAL_ADDRPORT_INUSE : RSIP_LOCAL_ADDRPORT_UNALLOWED;
}

static enum rsip_error
take_spis(struct gateway_assignment *a, size_t at)
{
	struct pool    *p = a->g->pool;
	enum pool_result rc;

	if (a->grant.nspis == 0)
		return RSIP_OK;
	if (a->any_spi)
		rc = pool_draw_spis(p, a->r->now, at, a->grant.nspis, a->spi);
	else
		rc = pool_take_spis(p, a->r->now, at, &a->r->peer->host,
		    a->spi, a->grant.nspis);
	return rc == POOL_OK ? RSIP_OK : rc == POOL_INUSE ?
	    RSIP_IPSEC_SPI_INUSE : RSIP_IPSEC_SPI_UNAVAILABLE;
}

/* All of it from one address, or nothing. */
static enum rsip_error
take_at(struct gateway_assignment *a, size_t at)
{
	enum rsip_error rc;

	if ((rc = take_ports(a, at)) != RSIP_OK)
		return rc;
	if ((rc = take_spis(a, at)) != RSIP_OK)
		pool_undo_ports(a->g->pool, at, a->range, a->grant.nranges);
	else
		a->at = at;
	return rc;
}

static bool
shared_allowed(const struct gateway_assignment *a, size_t i)
{
	const struct pool_address *p = pool_at(a->g->pool, i);

	return pool_gives(a->g->pool, i) && !p->exclusive &&
	    can_give(a, &p->addr);
}

static enum rsip_error
take_shared(struct gateway_assignment *a)
{
	const struct lease_binding *b;
	struct pool		   *p = a->g->pool;
	enum rsip_error		    rc = RSIP_LOCAL_ADDR_UNAVAILABLE, one;
	size_t			    i, at, first = SIZE_MAX, n = pool_size(p);
	int			    found;

	if (!a->any_local) {
		if ((found = pool_find(p, a->want_local)) == -1 ||
		    !shared_allowed(a, (size_t)found))
			return RSIP_LOCAL_ADDR_UNALLOWED;
		return take_at(a, (size_t)found);
	}
	/* The host's own address first: a host is known by one. */
	b = LIST_FIRST(&a->r->client->bindings);
	if (b != NULL && shared_allowed(a, b->pool))
		first = b->pool;
	if (first == SIZE_MAX && n > 0)
		first = random_uniform((uint32_t)n);
	for (i = 0; i < n; i++) {
		at = (first + i) % n;
		if (!shared_allowed(a, at))
			continue;
		if ((one = take_at(a, at)) == RSIP_OK)
			return RSIP_OK;
		/* "In use" says more than "not in this address's ranges". */
		if (rc == RSIP_LOCAL_ADDR_UNAVAILABLE ||
		    rc == RSIP_LOCAL_ADDRPORT_UNALLOWED)
			rc = one;
	}
	return rc;
}

/* Not one host alone may have everything (RFC 3103 §11). */
static enum rsip_error
check_limits(const struct gateway_assignment *a)
{
	const struct lease_client *c = a->r->client;
	const struct policy	  *p = a->policy;

	if (c->nspis + a->grant.nspis > p->max_spis && a->grant.nspis != 0)
		return RSIP_IPSEC_SPI_UNAVAILABLE;
	if (c->nports + a->nports > p->max_ports && a->nports != 0)
		return RSIP_LOCAL_ADDRPORT_UNAVAILABLE;
	if (c->nbindings < p->max_bindings &&
	    leases_bindings(a->g->leases) < a->g->config.max_bindings)
		return RSIP_OK;
	return a->grant.method == RSIP_METHOD_RSA_IP ?
	    RSIP_LOCAL_ADDR_UNAVAILABLE : RSIP_LOCAL_ADDRPORT_UNAVAILABLE;
}

/* --- the binding ---------------------------------------------------------- */

/* What of a request could not be entered, by what the tables said. */
static enum rsip_error
why_not_entered(struct gateway_assignment *a)
{
	/* Ports and SPIs are ours alone to give: what exists is a cookie, of
	 * which RFC 3104 §6.1 says no more than that it must be unique. */
	if (errno == EEXIST && a->grant.ncookies != 0)
		return RSIP_IPSEC_SPI_INUSE;
	if (errno == ENOSPC)
		return a->grant.method == RSIP_METHOD_RSA_IP ?
		    RSIP_LOCAL_ADDR_UNAVAILABLE :
		    RSIP_LOCAL_ADDRPORT_UNAVAILABLE;
	if (ratelimit_pass(&a->g->log, a->r->now))
		log_error("cannot enter a binding of %s: %s",
		    ADDR_TEXT(&a->r->peer->host), strerror(errno));
	return RSIP_INTERNAL_SERVER_ERROR;
}

static enum rsip_error
bind_resources(struct gateway_assignment *a, uint32_t lease,
    struct lease_binding **out)
{
	struct gateway	     *g = a->g;
	struct grant	     *grant = &a->grant;
	unsigned	      tries;

	grant->gateway = *gateway_tunnel_end(g);
	grant->local = pool_at(g->pool, a->at)->addr;
	grant->expires = a->r->now + (uint64_t)lease * 1000;
	for (tries = 0; tries < COOKIE_TRIES; tries++) {
		if (a->any_cookie)
			random_bytes(a->cookie, grant->ncookies *
			    sizeof(*a->cookie));
		*out = grant_enter(&g->tables, a->r->client, a->at, grant);
		if (*out != NULL)
			return RSIP_OK;
		if (errno != EEXIST || !a->any_cookie)
			break;
	}
	grant_undo(g->pool, a->at, grant);
	return why_not_entered(a);
}

void
gateway_unbind(struct gateway *g, uint64_t now, struct lease_binding *b)
{
	struct lease_client *c = b->client;

	g->ops->event(g->arg, GATEWAY_FREED, c, b);
	grant_revoke(&g->tables, now, b);
	/* What it had is no reason to keep it for as long as it had that. */
	if (c->nbindings == 0)
		leases_shorten(g->leases, c, now +
		    (uint64_t)c->policy.registration * 1000);
}

bool
gateway_still_allowed(struct lease_binding *b)
{
	const struct policy	  *p = &b->client->policy;
	const struct lease_remote *r = lease_remote(b);

	if (!policy_allows_local(p, lease_local(b)) ||
	    (b->listen && !p->listen) ||
	    (b->method == RSIP_METHOD_RSIPSEC && !p->ipsec) ||
	    (b->method == RSIP_METHOD_RSA_IP && !p->rsa_ip) ||
	    (b->tunnel == RSIP_TUNNEL_IPIP ? !p->ipip : !p->gre))
		return false;
	if (p->remote == RSIP_REMOTE_NONE)
		return true;
	if (r == NULL || (p->remote == RSIP_REMOTE_MICRO && r->ports.hi == 0 &&
	    b->method != RSIP_METHOD_RSIPSEC))
		return false;
	return policy_allows_remote(p, &r->addr, r->ports);
}

/* --- the answer ----------------------------------------------------------- */

/* §9.7.3, §9.9.3: what no policy asks for is
 * "don't care", all else as it was asked. */
static void
answer_remote(const struct gateway_assignment *a, struct rsip_message *m)
{
	const struct rsip_message *in = a->r->in;

	m->has |= RSIP_HAS_REMOTE | RSIP_HAS_REMOTE_PORTS;
	if (a->policy->remote == RSIP_REMOTE_NONE)
		rsip_address_set(&m->remote, &addr_none);
	else
		m->remote = in->remote;
	if (in->remote_ports.none || a->policy->remote == RSIP_REMOTE_MICRO)
		m->remote_ports = in->remote_ports;
	else
		m->remote_ports.number = 1;
}

static void
fill_answer(const struct gateway_assignment *a, const struct lease_binding *b,
    uint32_t lease)
{
	static const uint8_t types[] = {
		[RSIP_METHOD_RSA_IP] = RSIP_ASSIGN_RESPONSE_RSA_IP,
		[RSIP_METHOD_RSAP_IP] = RSIP_ASSIGN_RESPONSE_RSAP_IP,
		[RSIP_METHOD_RSIPSEC] = RSIP_ASSIGN_RESPONSE_RSIPSEC,
	};
	struct rsip_message *m = a->r->out;

	rsip_message_init(m, a->grant.listen ? RSIP_LISTEN_RESPONSE :
	    (enum rsip_type)types[a->grant.method]);
	m->has |= RSIP_HAS_BIND_ID | RSIP_HAS_LOCAL | RSIP_HAS_LEASE |
	    RSIP_HAS_TUNNEL;
	m->bind_id = b->bind_id;
	rsip_address_set(&m->local, lease_local(b));
	m->lease = lease;
	m->ntunnels = 1;
	m->tunnel[0] = b->tunnel;
	answer_remote(a, m);
	if (a->grant.method != RSIP_METHOD_RSA_IP) {
		m->has |= RSIP_HAS_LOCAL_PORTS;
		m->local_ports.none = a->nports == 0;
		if (a->nports != 0)
			rsip_ports_set(&m->local_ports, a->port, a->nports);
	}
	if (a->grant.method == RSIP_METHOD_RSIPSEC) {
		m->has |= RSIP_HAS_SPIS;
		rsip_spis_set(&m->spis, a->spi, a->grant.nspis);
	}
	if (a->grant.ncookies != 0) {
		m->has |= RSIP_HAS_COOKIES;
		m->cookies_number = m->ncookies = (uint16_t)a->grant.ncookies;
		memcpy(m->cookie, a->cookie,
		    a->grant.ncookies * sizeof(*a->cookie));
	}
	if (addr_is_set(&a->g->config.endpoint)) {
		m->has |= RSIP_HAS_ENDPOINT;
		rsip_address_set(&m->endpoint, &a->g->config.endpoint);
	}
}

/* May the host ask for this at all? */
static enum rsip_error
check_allowed(const struct gateway_assignment *a)
{
	if (a->grant.method == RSIP_METHOD_RSIPSEC &&
	    (!a->g->can_ipsec || !a->policy->ipsec))
		return RSIP_IPSEC_UNALLOWED;
	if (a->grant.method == RSIP_METHOD_RSA_IP && !a->policy->rsa_ip)
		return RSIP_LOCAL_ADDR_UNALLOWED;
	if (a->grant.listen && !a->policy->listen)
		return RSIP_LOCAL_ADDRPORT_UNALLOWED;
	return RSIP_OK;
}

/* Does b have one of the ports or SPIs that were asked for by number? */
static bool
binding_has(const struct gateway_assignment *a, struct lease_binding *b)
{
	const struct demux_range *range = lease_ranges(b);
	const uint32_t		 *spi = lease_spis(b);
	size_t			  i, j;

	for (i = 0; !a->any_port && i < a->nports; i++) {
		for (j = 0; j < b->nranges; j++) {
			if (a->port[i] >= range[j].lo &&
			    a->port[i] <= range[j].hi)
				return true;
		}
	}
	for (i = 0; !a->any_spi && i < a->grant.nspis; i++) {
		for (j = 0; j < b->nspis; j++) {
			if (a->spi[i] == spi[j])
				return true;
		}
	}
	return false;
}

/* The host's own binding that has it; 0: it is another's. */
static uint32_t
find_holder(const struct gateway_assignment *a)
{
	struct lease_binding *b;

	LIST_FOREACH(b, &a->r->client->bindings, entry) {
		if ((a->any_local ||
		    addr_equal(lease_local(b), a->want_local)) &&
		    binding_has(a, b))
			return b->bind_id;
	}
	return 0;
}

enum rsip_error
gateway_assign(struct gateway *g, struct gateway_request *r)
{
	struct gateway_assignment *a = g->assignment;
	struct lease_binding	  *b;
	enum rsip_error		   rc;
	uint32_t		   lease;

	memset(a, 0, offsetof(struct gateway_assignment, port));
	a->grant.ranges = a->range;
	a->grant.spis = a->spi;
	a->grant.cookies = a->cookie;
	a->grant.remote_policy = DEMUX_REMOTE_NONE;
	a->g = g;
	a->r = r;
	a->policy = &r->client->policy;
	a->grant.listen = r->in->type == RSIP_LISTEN_REQUEST;
	a->grant.method = r->in->type == RSIP_ASSIGN_REQUEST_RSA_IP ?
	    RSIP_METHOD_RSA_IP : r->in->type == RSIP_ASSIGN_REQUEST_RSIPSEC ?
	    RSIP_METHOD_RSIPSEC : RSIP_METHOD_RSAP_IP;
	if ((rc = check_allowed(a)) != RSIP_OK ||
	    (rc = read_wanted(a)) != RSIP_OK ||
	    (rc = choose_tunnel(a)) != RSIP_OK ||
	    (rc = check_detail(a)) != RSIP_OK ||
	    (rc = check_remote(a)) != RSIP_OK ||
	    (rc = check_limits(a)) != RSIP_OK)
		return rc;
	if ((lease = gateway_grant(g, r->now, a->policy, r->in)) == 0)
		return RSIP_LOCAL_ADDR_UNAVAILABLE;
	rc = a->grant.method == RSIP_METHOD_RSA_IP ? take_whole(a) :
	    take_shared(a);
	if (rc == RSIP_LOCAL_ADDRPORT_INUSE || rc == RSIP_IPSEC_SPI_INUSE)
		r->holder = find_holder(a);
	if (rc != RSIP_OK)
		return rc;
	if ((rc = bind_resources(a, lease, &b)) != RSIP_OK)
		return rc;
	fill_answer(a, b, lease);
	g->ops->event(g->arg, GATEWAY_BOUND, r->client, b);
	return RSIP_OK;
}
