/* peer_gateway.c - who may speak for a destination, and with which keys (draft -17 §5) */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "oe/connection.h"
#include "oe/peer_gateway.h"

void
peer_gateways_clear(struct connection *conn)
{
	unsigned i;

	for (i = 0; i < conn->npeer_gateways; i++)
		free(conn->peer_gateways[i].keys);
	free(conn->peer_gateways);
	conn->peer_gateways = NULL;
	conn->npeer_gateways = conn->peer_gateway = 0;
}

static struct peer_gateway *
peer_gateway_of(struct connection *conn, const struct keying_id *id)
{
	struct peer_gateway *g;
	unsigned	i;

	for (i = 0; i < conn->npeer_gateways; i++) {
		if (keying_id_equal(&conn->peer_gateways[i].id, id))
			return &conn->peer_gateways[i];
	}
	if (conn->npeer_gateways == PEER_GATEWAYS_MAX)
		return NULL;
	conn->peer_gateways = xrealloc(conn->peer_gateways,
	    conn->npeer_gateways + 1, sizeof(*g));
	g = &conn->peer_gateways[conn->npeer_gateways++];
	memset(g, 0, sizeof(*g));
	g->id = *id;
	return g;
}

/*
 * Whoever owns a zone may name any address as gateway, and we would send IKE
 * there: nobody's address, our own, or one in the network that we are in must
 * not come from a record about somebody else.  NULL, or what is wrong.
 */
static const char *
peer_gateway_refused(const struct core *c, const struct addr *addr,
    const struct addr *dst)
{
	if (!addr_is_host(addr))
		return "not a host's address";
	if (addr->family != dst->family)
		return "of another family of addresses";
	if (core_is_ours(c, addr) || (c->shell->is_own != NULL &&
	    c->shell->is_own(c->shell_arg, addr)))
		return "our own address";
	if (core_is_resolver(c, addr))
		return "our resolver";
	if (addr_is_private(addr) && !addr_is_private(dst))
		return "a private address, for a public one";
	return NULL;
}

void
peer_gateways_set(struct connection *conn, const struct record_answer *a)
{
	const struct record *r;
	struct core	    *c = conn->core;
	struct peer_gateway	    *g;
	struct keying_id     id;
	const char	    *why;
	unsigned	     i;

	peer_gateways_clear(conn);
	for (i = 0; i < a->n; i++) {
		r = &a->r[i];
		id = r->gateway;
		if (id.type == 0) {
			/* IPSECKEY gateway type 0: the destination itself. */
			id.type = KEYING_ID_ADDR;
			id.addr = conn->key.dst.addr;
		}
		/* §3.2.4.1: what DNS does not vouch for may not send our
		 * packets elsewhere. */
		if (c->config->self_delegation_only && !a->authentic &&
		    id.type == KEYING_ID_ADDR &&
		    !addr_equal(&id.addr, &conn->key.dst.addr))
			continue;
		if (id.type == KEYING_ID_ADDR && (why = peer_gateway_refused(c,
		    &id.addr, &conn->key.dst.addr)) != NULL) {
			if (ratelimit_pass(&c->bad_packet, c->now))
				log_info("%s: its DNS record names %s as "
				    "gateway, refused: %s",
				    ADDR_TEXT(&conn->key.dst.addr),
				    ADDR_TEXT(&id.addr), why);
			continue;
		}
		if ((g = peer_gateway_of(conn, &id)) == NULL)
			continue;
		if (!addr_is_set(&g->addr)) {
			/* A name has no address here (§5.3): the destination,
			 * known by that name, is its own gateway. */
			g->addr = id.type == KEYING_ID_ADDR ?
			    id.addr : conn->key.dst.addr;
			g->precedence = r->precedence;
		}
		pubkey_list_add(&g->keys, &g->nkeys, KEYING_KEYS_MAX, &r->key);
	}
}

void
peer_gateways_blind(struct connection *conn)
{
	static const struct keying_id anyone = { .type = KEYING_ID_ANYONE };
	struct peer_gateway	     *g;

	peer_gateways_clear(conn);
	g = peer_gateway_of(conn, &anyone);
	g->addr = conn->key.dst.addr;
}

void
peer_gateway_add_keys(struct peer_gateway *g, const struct record_answer *a)
{
	unsigned i;

	for (i = 0; i < a->n; i++)
		pubkey_list_add(&g->keys, &g->nkeys, KEYING_KEYS_MAX,
		    &a->r[i].key);
}

/* Without a key nobody can be known. */
void
peer_gateways_drop_unusable(struct connection *conn)
{
	unsigned i, n = 0;

	for (i = 0; i < conn->npeer_gateways; i++) {
		if (conn->peer_gateways[i].nkeys == 0)
			free(conn->peer_gateways[i].keys);
		else
			conn->peer_gateways[n++] = conn->peer_gateways[i];
	}
	conn->npeer_gateways = n;
}

void
peer_gateways_keep_peer(struct connection *conn, const struct keying_child *k)
{
	struct peer_gateway *g;

	if (k->proof.how != KEYING_BY_KEY)
		return;		/* a pre-shared key: nothing in DNS */
	peer_gateways_clear(conn);
	g = peer_gateway_of(conn, &k->peer_id);
	g->addr = k->path.peer;
	pubkey_list_add(&g->keys, &g->nkeys, KEYING_KEYS_MAX, &k->proof.key);
}

bool
peer_gateways_have_key(const struct connection *conn, const struct pubkey *key)
{
	unsigned i, j;

	for (i = 0; i < conn->npeer_gateways; i++) {
		for (j = 0; j < conn->peer_gateways[i].nkeys; j++) {
			if (pubkey_equal(&conn->peer_gateways[i].keys[j], key))
				return true;
		}
	}
	return false;
}
