/* identity.c - does DNS confirm who we say we are?  Asked of ourselves before others must ask (RFC 4322 §5) */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "oe/connection.h"
#include "oe/identity.h"
#include "oe/lookup.h"

#define SECONDS		1000u
#define AGAIN_MIN	15	/* seconds until DNS is asked again,
				 * whatever a TTL says */
#define AGAIN_SILENT	5	/* nobody answered: at a portal, or a gateway
				 * that starts again */
#define AGAIN_ABSENT	300	/* a record that is published
				 * should be seen soon */
#define AGAIN_CONFIRMED	3600

struct identity *
identity_new(void)
{
	return xcalloc(1, sizeof(struct identity));
}

void
identity_free(struct identity *i)
{
	free(i);
}

/* What we show peers of a family: one for both where a name is configured. */
static struct identity *
identity_of(const struct core *c, int family)
{
	return c->identity[c->config->id.type == 0 && family == AF_INET6];
}

void
identity_ask_again(struct core *c, uint64_t at)
{
	c->identity[0]->expires = c->identity[1]->expires = at;
}

static const char *
key_name(const struct identity *i, char out[KEYING_NAME_MAX + 1])
{
	return lookup_key_name(&i->id, out) == 0 ? out : "?";
}

static void
identity_look_again(struct connection *conn)
{
	/* The connection may be in use past us: it counts as used. */
	connection_route(conn, false);
	conn->used = conn->look_at = conn->core->now;
}

/* What was settled for want of an identity is looked at anew. */
static void
identity_now_usable(struct core *c)
{
	struct connection *conn;

	TAILQ_FOREACH(conn, &c->connections, all) {
		if (conn->no_identity)
			identity_look_again(conn);
	}
}

static bool
dns_was_silent(enum record_status s)
{
	return s == RECORD_TIMEOUT || s == RECORD_FAILED;
}

/* What was settled because nobody answered is looked at anew. */
void
identity_dns_speaks(struct core *c)
{
	struct connection *conn;

	TAILQ_FOREACH(conn, &c->connections, all) {
		if ((conn->state == CONNECTION_CLEAR ||
		    conn->state == CONNECTION_DENY) &&
		    (dns_was_silent(conn->txt) ||
		    dns_was_silent(conn->ipseckey)))
			identity_look_again(conn);
	}
}

void
identity_network_opens(struct core *c)
{
	struct connection *conn;

	TAILQ_FOREACH(conn, &c->connections, all) {
		if ((conn->state != CONNECTION_CLEAR &&
		    conn->state != CONNECTION_DENY) ||
		    (conn->class != OE_CLASS_PERMISSIVE &&
		    conn->class != OE_CLASS_PARANOID))
			continue;
		identity_look_again(conn);
		/* However long the answer was to be good. */
		conn->dns_expires = c->now;
	}
}

void
identity_doubt(struct core *c)
{
	uint64_t soon = c->now + AGAIN_SILENT * SECONDS;
	unsigned n;

	for (n = 0; n < 2; n++) {
		if (c->identity[n]->expires > soon)
			c->identity[n]->expires = soon;
	}
}

static void
identity_set(struct core *c, struct identity *i, enum identity_state state)
{
	char		 name[KEYING_NAME_MAX + 1];
	bool		 news = state != i->state;

	i->state = state;
	switch (state) {
	case IDENTITY_CONFIRMED:
		if (news)
			log_info("DNS has our key at %s", key_name(i, name));
		break;
	case IDENTITY_ABSENT:
		if (news)
			log_warn("our identity %s is of no use: DNS has %s at "
			    "%s; %s until it has (one "
			    "KEY record is enough: rsipctl dns-records)",
			    keying_id_text(&i->id), i->other_key ?
			    "another key than ours" : "no key",
			    key_name(i, name), c->config->ike & 1 << 2 ?
			    "peers are not shown who we are" :
			    "we begin nothing encrypted");
		break;
	case IDENTITY_UNKNOWN:
		break;
	}
	if (news && state != IDENTITY_ABSENT)
		identity_now_usable(c);
}

static void
identity_conclude(struct core *c, struct identity *i)
{
	uint32_t	 max = i->found ? AGAIN_CONFIRMED : AGAIN_ABSENT;

	if (i->ttl > max)
		i->ttl = max;
	if (i->ttl < AGAIN_MIN)
		i->ttl = AGAIN_MIN;
	if (i->found)
		identity_set(c, i, IDENTITY_CONFIRMED);
	else if (!i->silent)
		identity_set(c, i, IDENTITY_ABSENT);
	else
		/* Nothing was said: as before, and asked again soon. */
		i->ttl = AGAIN_SILENT;
	if (i->was_silent && !i->silent)
		identity_dns_speaks(c);
	i->was_silent = i->silent && !i->found;
	i->expires = c->now + (uint64_t)i->ttl * SECONDS;
}

static void
identity_dns(struct core *c, void *owner, unsigned tag,
    const struct record_answer *a)
{
	struct identity	     *i = owner;
	unsigned	      k;

	i->waiting--;
	if (a->status == RECORD_TIMEOUT || a->status == RECORD_FAILED)
		i->silent = true;
	if (a->ttl < i->ttl)
		i->ttl = a->ttl;
	for (k = 0; a->status == RECORD_FOUND && k < a->n; k++) {
		if (!record_gives_key(&a->r[k], lookup_key_types[tag], &i->id))
			continue;
		if (!pubkey_equal(&a->r[k].key, &i->key)) {
			i->other_key = true;
			continue;
		}
		i->found = true;
		i->authentic = a->authentic;
		i->ttl = a->ttl;
		lookups_forget(c, i);
		i->waiting = 0;
		break;
	}
	if (i->waiting == 0)
		identity_conclude(c, i);
}

static void
identity_ask(struct core *c, struct identity *i, const char *name)
{
	lookups_forget(c, i);
	i->found = i->silent = i->other_key = false;
	i->ttl = UINT32_MAX;
	i->waiting = lookup_keys(c, CAUSE_OURS, name, identity_dns, i);
	i->silent = i->waiting != LOOKUP_KEY_TYPES;
	if (i->waiting == 0)
		identity_conclude(c, i);
}

static void
identity_look(struct core *c, struct identity *i, const struct keying_id *id)
{
	struct pubkey key;
	char	      name[KEYING_NAME_MAX + 1];
	bool	      changed;

	if (c->config->key == NULL || !c->config->initiate ||
	    (id->type == KEYING_ID_ADDR && !addr_is_set(&id->addr)) ||
	    lookup_key_name(id, name) == -1 ||
	    pubkey_from_evp(&key, c->config->key) == -1) {
		i->state = IDENTITY_UNKNOWN;
		i->id = *id;
		i->expires = 0;
		return;
	}
	changed = !keying_id_equal(id, &i->id) || !pubkey_equal(&key, &i->key);
	if (changed) {
		i->id = *id;
		i->key = key;
		i->state = IDENTITY_UNKNOWN;
	} else if (i->waiting > 0 || c->now < i->expires) {
		return;
	}
	identity_ask(c, i, name);
}

/* Nothing is asked about an identity without a key or an address. */
static bool
identity_is_asked(const struct core *c, const struct identity *i)
{
	return c->config->key != NULL && c->config->initiate &&
	    i->waiting == 0 && i->expires != 0;
}

uint64_t
identity_next(const struct core *c)
{
	uint64_t next = UINT64_MAX;
	unsigned n;

	for (n = 0; n < (c->config->id.type == 0 ? 2 : 1); n++) {
		if (identity_is_asked(c, c->identity[n]) &&
		    c->identity[n]->expires < next)
			next = c->identity[n]->expires;
	}
	return next;
}

void
identity_check(struct core *c, uint64_t now)
{
	struct keying_id four = core_my_id(c, AF_INET);
	struct keying_id six = core_my_id(c, AF_INET6);

	c->now = now;
	identity_look(c, c->identity[0], &four);
	if (c->config->id.type == 0)
		identity_look(c, c->identity[1], &six);
}

bool
identity_usable(const struct core *c, int family)
{
	return identity_of(c, family)->state != IDENTITY_ABSENT;
}

/* Is there one that we have an address for? */
static bool
is_shown(const struct core *c, const struct identity *i)
{
	return i == c->identity[0] ? c->config->id.type != 0 ||
	    addr_is_set(core_local(c, AF_INET)) ||
	    !addr_is_set(core_local(c, AF_INET6)) :
	    c->config->id.type == 0 && addr_is_set(core_local(c, AF_INET6));
}

/* Of use to peers of any family? */
static bool
any_usable(const struct core *c)
{
	unsigned n;

	for (n = 0; n < 2; n++) {
		if (is_shown(c, c->identity[n]) &&
		    c->identity[n]->state != IDENTITY_ABSENT)
			return true;
	}
	return false;
}

static void
one_text(const struct core *c, const struct identity *i, char *out, size_t cap)
{
	char name[KEYING_NAME_MAX + 1];

	switch (i->state) {
	case IDENTITY_CONFIRMED:
		snprintf(out, cap, "our key is at %s%s", key_name(i, name),
		    i->authentic ? ", vouched for by DNSSEC" : "");
		return;
	case IDENTITY_ABSENT:
		snprintf(out, cap, "%s at %s", i->other_key ?
		    "another key than ours" : "no key of ours",
		    key_name(i, name));
		return;
	case IDENTITY_UNKNOWN:
		break;
	}
	snprintf(out, cap, "not known: %s", c->config->key == NULL ?
	    "we have no key" : i->waiting > 0 ? "DNS is asked" :
	    "DNS does not say");
}

void
identity_text(const struct core *c, char *out, size_t cap)
{
	unsigned n;
	size_t	 len = 0;

	*out = '\0';
	for (n = 0; n < 2; n++) {
		if (!is_shown(c, c->identity[n]) || (n > 0 && len > 0 &&
		    c->identity[n]->state == IDENTITY_UNKNOWN))
			continue;
		if (len > 0 && len + 2 < cap) {
			memcpy(out + len, "; ", 3);
			len += 2;
		}
		one_text(c, c->identity[n], out + len, cap - len);
		len = strlen(out);
	}
}

void
identity_obstacle(const struct core *c, bool keyless, char *out, size_t cap)
{
	char identity[2 * KEYING_NAME_MAX];
	bool v2 = c->config->ike & 1 << 2;

	*out = '\0';
	if (c->config->key == NULL && !keyless && !v2) {
		snprintf(out, cap, "there is no key %s (\"rsipctl keygen\" "
		    "makes one)", c->config->key_path);
	} else if (c->dns_silent > 0) {
		snprintf(out, cap, "no resolver answers (%s%s)",
		    c->config->nresolvers > 0 ?
		    ADDR_TEXT(&c->config->resolvers[0]) : "/etc/resolv.conf",
		    c->config->nresolvers > 1 ? ", ..." : "");
	} else if (!any_usable(c) && !v2) {
		identity_text(c, identity, sizeof(identity));
		snprintf(out, cap, "DNS has %s (\"rsipctl dns-records\" prints "
		    "the record)", identity);
	}
}

void
identity_nobody(const struct core *c, char *out, size_t cap)
{
	char identity[2 * KEYING_NAME_MAX];

	*out = '\0';
	if (!(c->config->ike & 1 << 2))
		return;
	if (c->config->key == NULL) {
		snprintf(out, cap, "peers are not shown who we are: there is "
		    "no key%s%s", c->config->key_path != NULL ? " " : "",
		    c->config->key_path != NULL ? c->config->key_path : "");
	} else if (!any_usable(c)) {
		identity_text(c, identity, sizeof(identity));
		snprintf(out, cap, "peers are not shown who we are: DNS has %s "
		    "(\"rsipctl dns-records\" prints the record)", identity);
	}
}
