/* life.c - the pure part of the OE engine as a whole: made, given addresses and configurations, ticked, freed */
#include "config.h"

#include <stdlib.h>

#include "base/queue.h"
#include "base/util.h"
#include "net/ip.h"
#include "oe/aging.h"
#include "oe/authorization.h"
#include "oe/claim.h"
#include "oe/classes.h"
#include "oe/collision.h"
#include "oe/connection.h"
#include "oe/ending.h"
#include "oe/identity.h"
#include "oe/known.h"
#include "oe/life.h"
#include "oe/lookup.h"
#include "oe/peer.h"
#include "oe/pool.h"
#include "oe/request.h"
#include "oe/responder.h"
#include "oe/shell.h"
#include "oe/spd.h"
#include "oe/version.h"

struct core *
core_new(struct oe_config *config, const struct oe_shell *shell,
    void *shell_arg, const struct core_ops *ops, void *ops_arg,
    const struct keying_engine *keying, void *keying_arg)
{
	struct core *c = xcalloc(1, sizeof(*c));
	unsigned     i;

	c->config = config;
	c->shell = shell;
	c->shell_arg = shell_arg;
	c->ops = ops;
	c->ops_arg = ops_arg;
	c->keying = keying;
	c->keying_arg = keying_arg;
	c->opened = xcalloc(1, IP_PACKET_MAX);
	c->translated = xcalloc(1, IP_PACKET_MAX);
	TAILQ_INIT(&c->connections);
	TAILQ_INIT(&c->holding);
	TAILQ_INIT(&c->older);
	c->spoken = xcalloc(SPOKEN_MAX, sizeof(*c->spoken));
	TAILQ_INIT(&c->authorizations);
	TAILQ_INIT(&c->claims);
	TAILQ_INIT(&c->lookups);
	TAILQ_INIT(&c->ready);
	for (i = 0; i < CAUSES; i++)
		TAILQ_INIT(&c->settled[i]);
	known_init(c);
	for (i = 0; i < 2; i++)
		c->identity[i] = identity_new();
	c->bad_packet = (struct ratelimit)RATELIMIT_INIT(5, 1000);
	c->tried = (struct ratelimit)RATELIMIT_INIT(10, 100);
	c->unknown_spi = (struct ratelimit)RATELIMIT_INIT(3, 1000);
	c->icmp = (struct ratelimit)RATELIMIT_INIT(50, 20);
	c->limit_log = (struct ratelimit)RATELIMIT_INIT(1, 60000);
	return c;
}

void
core_free(struct core *c)
{
	struct connection *conn;
	struct lookup	  *l;

	if (c == NULL)
		return;
	while ((conn = TAILQ_FIRST(&c->connections)) != NULL)
		connection_free(conn, false);
	authorizations_free(c);
	claims_free(c);
	pool_free(c);
	peers_free(c);
	while ((l = TAILQ_FIRST(&c->lookups)) != NULL) {
		TAILQ_REMOVE(&c->lookups, l, entry);
		free(l);
	}
	while (c->spd != NULL)
		connection_entry_free(c, c->spd);
	known_free(c);
	free(c->spoken);
	identity_free(c->identity[0]);
	identity_free(c->identity[1]);
	collisions_free(c);
	wipe_free(c->opened, IP_PACKET_MAX);
	wipe_free(c->translated, IP_PACKET_MAX);
	free(c);
}

void
core_drop_all(struct core *c, uint64_t now)
{
	struct connection *conn;

	c->now = now;
	while ((conn = TAILQ_FIRST(&c->connections)) != NULL)
		connection_free(conn, true);
}

/* Is anything of the connection of that family: what it carries, or how? */
static bool
is_of_family(const struct connection *conn, int family)
{
	return conn->key.src.addr.family == family ||
	    conn->path.local.family == family ||
	    conn->path.peer.family == family;
}

/* Are both ends of ours still this host's own? */
static bool
is_from_here(const struct core *c, const struct connection *conn)
{
	return core_is_own(c, &conn->key.src.addr) &&
	    (!addr_is_set(&conn->path.local) ||
	    core_is_own(c, &conn->path.local));
}

/* Everything keyed for an address that is no longer ours is of no use. */
static void
drop_family(struct core *c, uint64_t now, int family)
{
	struct connection *conn, *next;

	c->now = now;
	TAILQ_FOREACH_SAFE(conn, &c->connections, all, next) {
		if (is_of_family(conn, family) && !is_from_here(c, conn))
			connection_free(conn, true);
	}
	collisions_free(c);
}

void
core_set_local(struct core *c, uint64_t now, int family,
    const struct addr *addr, uint16_t ike_port)
{
	bool changed = !addr_equal(addr, core_local(c, family));

	c->local[family == AF_INET6].addr = *addr;
	c->local[family == AF_INET6].ike_port = ike_port;
	core_find_resolver(c);
	spd_led_end_all(c);
	if (changed)
		drop_family(c, now, family);
}

/* New classes count for destinations whose class or tunnel changed. */
void
core_reconfigure(struct core *c, uint64_t now, struct oe_config *config)
{
	struct connection  *conn, *next;
	struct class_match m;

	c->now = now;
	c->config = config;
	core_find_resolver(c);
	spd_led_end_all(c);
	identity_ask_again(c, 0);
	TAILQ_FOREACH_SAFE(conn, &c->connections, all, next) {
		if (conn->state == CONNECTION_EXPIRED)
			continue;
		/* Tunnels are few and may have changed in any part. */
		if (conn->right == RIGHT_LENT && pool_has(c,
		    &conn->key.dst.addr))
			continue;
		if (classes_find(config->classes, &conn->key.dst.addr, &m) ==
		    0 && m.class == conn->class && m.class != OE_CLASS_TUNNEL)
			continue;
		connection_expire(conn, REASON_RECONFIGURED);
	}
}

void
core_network_opens(struct core *c, uint64_t now)
{
	c->now = now;
	identity_ask_again(c, now);
	identity_network_opens(c);
}

void
core_resolvers_changed(struct core *c, uint64_t now)
{
	c->now = now;
	identity_ask_again(c, now);
	core_find_resolver(c);
	spd_led_end_all(c);
	identity_dns_speaks(c);
}

void
core_tick(struct core *c, uint64_t now)
{
	struct connection *conn, *next;

	connection_tick_holding(c, now);
	request_tick_older(c, now);
	/* A tick frees no other connection than its own. */
	TAILQ_FOREACH_SAFE(conn, &c->connections, all, next)
		connection_tick(conn);
	claims_tick(c, now, responder_ask);
	peers_tick(c);
}

uint64_t
core_next(const struct core *c)
{
	const struct connection *conn;
	uint64_t		 next = peers_next(c), at;

	/* The lists of who is held, and whom to ask in an older version, are
	 * in order, and have a timer of their own. */
	if (!TAILQ_EMPTY(&c->claims))
		return 0;
	at = identity_next(c);
	if (at < next)
		next = at;
	TAILQ_FOREACH(conn, &c->connections, all) {
		at = connection_next(conn);
		if (at < next)
			next = at;
	}
	return next;
}
