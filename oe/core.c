/* core.c - the pure part of the OE engine: life, timers, DNS questions */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "base/log.h"
#include "base/util.h"
#include "oe/core.h"

struct core *
core_new(struct oe_config *config, const struct oe_shell *shell,
    void *shell_arg, const struct core_ops *ops, void *ops_arg)
{
	struct core *c = xcalloc(1, sizeof(*c));

	c->config = config;
	c->shell = shell;
	c->shell_arg = shell_arg;
	c->ops = ops;
	c->ops_arg = ops_arg;
	c->opened = xcalloc(1, IP_PACKET_MAX);
	c->sealed = xcalloc(1, IP_PACKET_MAX);
	TAILQ_INIT(&c->connections);
	TAILQ_INIT(&c->holding);
	TAILQ_INIT(&c->authorizations);
	TAILQ_INIT(&c->lookups);
	limits_init(c);
	c->bad_packet = (struct ratelimit)RATELIMIT_INIT(5, 1000);
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
	responder_free(c);
	while ((l = TAILQ_FIRST(&c->lookups)) != NULL) {
		TAILQ_REMOVE(&c->lookups, l, entry);
		free(l);
	}
	spd_free_all(c);
	limits_free(c);
	collisions_free(c);
	wipe_free(c->opened, IP_PACKET_MAX);
	wipe_free(c->sealed, IP_PACKET_MAX);
	free(c);
}

bool
core_is_resolver(const struct core *c, uint32_t addr)
{
	size_t i;

	for (i = 0; i < c->config->nresolvers; i++) {
		if (c->config->resolvers[i] == addr)
			return true;
	}
	return false;
}

bool
core_is_ours(const struct core *c, uint32_t addr)
{
	size_t i;

	if (addr == c->local)
		return c->local != 0;
	for (i = 0; i < c->config->nnetworks; i++) {
		if ((addr & c->config->networks[i].mask) ==
		    c->config->networks[i].net)
			return true;
	}
	return false;
}

struct keying_id
core_my_id(const struct core *c)
{
	struct keying_id id = c->config->id;

	if (id.type == 0) {
		id.type = KEYING_ID_IPV4;
		id.addr = c->local;
	}
	return id;
}

void
core_drop_all(struct core *c, uint64_t now)
{
	struct connection *conn;

	c->now = now;
	while ((conn = TAILQ_FIRST(&c->connections)) != NULL)
		connection_free(conn, true);
}

void
core_find_resolver(struct core *c)
{
	size_t i;

	c->resolver_here = false;
	for (i = 0; i < c->config->nresolvers; i++) {
		if (ntohl(c->config->resolvers[i]) >> 24 == 127 ||
		    c->config->resolvers[i] == c->local)
			c->resolver_here = true;
	}
}

/* Everything keyed for an address that is no longer ours is of no use. */
void
core_set_local(struct core *c, uint64_t now, uint32_t addr, uint16_t ike_port)
{
	if (addr != c->local)
		core_drop_all(c, now);
	if (addr != c->local)
		collisions_free(c);
	c->local = addr;
	core_find_resolver(c);
	c->ike_port = ike_port;
}

/* New classes count for destinations whose class or tunnel changed. */
void
core_reconfigure(struct core *c, uint64_t now, struct oe_config *config)
{
	struct connection  *conn, *next;
	struct policy_match m;

	c->now = now;
	c->config = config;
	core_find_resolver(c);
	c->identity.expires = 0;
	for (conn = TAILQ_FIRST(&c->connections); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, all);
		if (conn->state == CONNECTION_EXPIRED)
			continue;
		/* Tunnels are few and may have changed in any part. */
		if (policy_find(config->policy, conn->key.dst, &m) == 0 &&
		    m.class == conn->class && m.class != OE_CLASS_TUNNEL)
			continue;
		connection_expire(conn, "the configuration changed");
	}
}

void
core_set_now(struct core *c, uint64_t now)
{
	c->now = now;
}

void
core_tick(struct core *c, uint64_t now)
{
	struct connection *conn, *next;

	connection_tick_holding(c, now);
	/* A tick frees no other connection than its own. */
	for (conn = TAILQ_FIRST(&c->connections); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, all);
		connection_tick(conn);
	}
	responder_tick(c);
}

/* --- DNS questions -------------------------------------------------------------- */

static void
lookup_answered(void *arg, const struct record_answer *a)
{
	struct lookup *l = arg;

	TAILQ_REMOVE(&l->core->lookups, l, entry);
	l->core->nlookups[l->cause]--;
	l->core->dns_silent = a->status == RECORD_TIMEOUT ?
	    l->core->dns_silent + 1 : 0;
	if (l->owner != NULL)
		l->fn(l->core, l->owner, l->tag, a);
	free(l);
}

int
lookup_start(struct core *c, enum cause cause, const char *name, uint16_t type,
    void (*fn)(struct core *, void *, unsigned, const struct record_answer *),
    void *owner, unsigned tag)
{
	struct lookup *l;

	if (c->nlookups[cause] >= LOOKUPS_MAX) {
		c->count.limits++;
		return -1;
	}
	l = xcalloc(1, sizeof(*l));
	l->core = c;
	l->cause = cause;
	l->fn = fn;
	l->owner = owner;
	l->tag = tag;
	TAILQ_INSERT_TAIL(&c->lookups, l, entry);
	c->nlookups[cause]++;
	c->ops->dns_query(c->ops_arg, name, type, cause, lookup_answered, l);
	return 0;
}

void
lookups_forget(struct core *c, const void *owner)
{
	struct lookup *l;

	TAILQ_FOREACH(l, &c->lookups, entry) {
		if (l->owner == owner)
			l->owner = NULL;
	}
}

int
lookup_key_name(const struct keying_id *id, char out[KEYING_NAME_MAX + 1])
{
	char name[RECORD_REVERSE_LEN];

	switch (id->type) {
	case KEYING_ID_IPV4:
		record_reverse_name(id->addr, name);
		memcpy(out, name, sizeof(name));
		return 0;
	case KEYING_ID_FQDN:
		snprintf(out, KEYING_NAME_MAX + 1, "%s", id->name);
		return 0;
	}
	return -1;
}
