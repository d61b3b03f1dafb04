/* gateway_query.c - QUERY: is an address or network local or remote? (RFC 3103 §9.14, §9.15) */
#include "config.h"

#include <stdlib.h>

#include "rsipd/gateway_internal.h"

static bool
any_covers(const struct prefix *networks, size_t n, const struct prefix *net)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (prefix_covers(&networks[i], net))
			return true;
	}
	return false;
}

/* 1: local, 0: remote, -1: not known. */
static int
is_local(const struct gateway *g, const struct prefix *net)
{
	if (any_covers(g->config.local, g->config.nlocal, net))
		return 1;
	if (any_covers(g->config.remote, g->config.nremote, net))
		return 0;
	return -1;
}

static int
host_is_local(const struct gateway *g, const struct addr *host)
{
	struct prefix net = prefix_host(host);

	return is_local(g, &net);
}

/* The configuration and the interface may both name one; a host may ask twice.
 * Only so many are known. */
static bool
has_network(const struct rsip_message *m, enum rsip_indicator what,
    const struct prefix *net)
{
	struct prefix has;
	size_t	      i;

	for (i = 0; i < m->ntuples && i < 2 * GATEWAY_NETWORKS_MAX; i++) {
		if (m->tuple[i].indicator == what &&
		    rsip_tuple_prefix(&m->tuple[i], &has) &&
		    prefix_equal(&has, net))
			return true;
	}
	return false;
}

static void
add_network(struct rsip_message *m, enum rsip_indicator what,
    const struct prefix *net)
{
	struct rsip_tuple *t;

	if (!has_network(m, what, net) &&
	    (t = rsip_message_add_tuple(m)) != NULL)
		rsip_tuple_set_prefix(t, what, net);
}

static void
answer_all(const struct gateway *g, struct rsip_message *m)
{
	const struct gateway_config *c = &g->config;
	size_t			     i;

	for (i = 0; i < c->nlocal; i++)
		add_network(m, RSIP_LOCAL_NETWORK, &c->local[i]);
	for (i = 0; i < c->nremote; i++)
		add_network(m, RSIP_REMOTE_NETWORK, &c->remote[i]);
}

static void
answer_network(const struct gateway *g, const struct rsip_tuple *ask,
    struct rsip_message *m)
{
	struct prefix net;
	int	      local;

	if (rsip_tuple_prefix(ask, &net) && (local = is_local(g, &net)) != -1)
		add_network(m, local ? RSIP_LOCAL_NETWORK :
		    RSIP_REMOTE_NETWORK, &net);
}

/* A name is local or remote if all of its addresses are. */
static int
name_is_local(const struct gateway *g, const struct gateway_request *r,
    const char *fqdn)
{
	const struct gateway_name *n = gateway_name_find(r, fqdn);
	int			   one, all = -1;
	size_t			   i;

	for (i = 0; n != NULL && i < n->naddrs; i++) {
		one = host_is_local(g, &n->addr[i]);
		if (one == -1 || (i > 0 && one != all))
			return -1;
		all = one;
	}
	return all;
}

static void
answer_address(const struct gateway *g, const struct gateway_request *r,
    const struct rsip_tuple *ask, struct rsip_message *m)
{
	struct rsip_tuple *t;
	int		   local;

	local = ask->address.type == RSIP_ADDR_FQDN ?
	    name_is_local(g, r, ask->address.fqdn) :
	    host_is_local(g, &ask->address.addr);
	if (local == -1 || (t = rsip_message_add_tuple(m)) == NULL)
		return;
	t->indicator = local ? RSIP_LOCAL_ADDRESS : RSIP_REMOTE_ADDRESS;
	t->address = ask->address;
}

/* §9.15.2: local addresses, local networks,
 * remote addresses, remote networks. */
static enum rsip_error
sort_tuples(struct rsip_message *m)
{
	struct rsip_tuple *t;
	unsigned	   what;
	size_t		   i, n = 0;

	if (m->ntuples == 0)
		return RSIP_OK;
	/* As much room as rsip_message_add_tuple() counts on. */
	for (i = 1; i < m->ntuples; i *= 2)
		;
	if ((t = calloc(i, sizeof(*t))) == NULL)
		return RSIP_INTERNAL_SERVER_ERROR;
	for (what = RSIP_LOCAL_ADDRESS; what <= RSIP_REMOTE_NETWORK; what++) {
		for (i = 0; i < m->ntuples; i++) {
			if (m->tuple[i].indicator == what)
				t[n++] = m->tuple[i];
		}
	}
	free(m->tuple);
	m->tuple = t;
	return RSIP_OK;
}

enum rsip_error
gateway_query(struct gateway *g, struct gateway_request *r)
{
	enum rsip_error rc;
	size_t		i;

	if ((rc = gateway_names_wait(g, r)) != RSIP_OK)
		return rc;
	rsip_message_init(r->out, RSIP_QUERY_RESPONSE);
	if (r->in->ntuples == 0)
		answer_all(g, r->out);
	for (i = 0; i < r->in->ntuples; i++) {
		if (r->in->tuple[i].indicator == RSIP_LOCAL_ADDRESS)
			answer_address(g, r, &r->in->tuple[i], r->out);
		else
			answer_network(g, &r->in->tuple[i], r->out);
	}
	return sort_tuples(r->out);
}
