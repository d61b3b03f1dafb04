/* spd.c - the forwarding plane's table: a policy for each two addresses, and what is on hold (draft -17 §3.1) */
#include "config.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/queue.h"
#include "base/util.h"
#include "net/ip.h"
#include "oe/esp/dataplane.h"
#include "oe/spd.h"

const char *
spd_policy_name(enum spd_policy p)
{
	static const char *const names[] = { "none", "hold", "pass", "deny",
		"encrypt" };

	return names[p];
}

/* --- entries -------------------------------------------------------------- */

struct spd_key
spd_key_of(const struct addr *src, const struct addr *dst)
{
	return (struct spd_key){ prefix_host(src), prefix_host(dst) };
}

bool
spd_key_is_of_hosts(const struct spd_key *key)
{
	return key->src.plen == addr_bits(key->src.addr.family) &&
	    key->dst.plen == addr_bits(key->dst.addr.family);
}

struct spd_entry *
spd_find(struct core *c, const struct addr *src, const struct addr *dst)
{
	struct spd_key	  key = spd_key_of(src, dst);
	struct spd_entry *e;

	HASH_FIND(hh, c->spd, &key, sizeof(key), e);
	return e;
}

void
spd_keep_no_more(struct core *c, struct datagram **d)
{
	if (*d != NULL)
		c->held[(*d)->cause] -= (*d)->view.len;
	free(*d);
	*d = NULL;
}

struct spd_entry *
spd_get(struct core *c, const struct spd_key *key, enum cause cause)
{
	struct spd_entry *e;

	HASH_FIND(hh, c->spd, key, sizeof(*key), e);
	if (e != NULL || !core_budget_left(c, c->nentries, cause))
		return e;
	e = xcalloc(1, sizeof(*e));
	e->key = *key;
	e->cause = cause;
	e->used = c->now;
	TAILQ_INIT(&e->connections);
	TAILQ_INIT(&e->released);
	TAILQ_INIT(&e->clear_flows.list);
	HASH_ADD(hh, c->spd, key, sizeof(e->key), e);
	c->nentries[cause]++;
	return e;
}

static void
spd_entry_free(struct core *c, struct spd_entry *e)
{
	struct datagram *d;

	spd_settle(c, e, false);
	spd_pass(c, e, false);
	if (e->ready)
		TAILQ_REMOVE(&c->ready, e, ready_entry);
	while ((d = spd_released(e)) != NULL)
		spd_keep_no_more(c, &d);
	spd_keep_no_more(c, &e->first);
	spd_keep_no_more(c, &e->last);
	spd_keep_no_more(c, &e->again);
	HASH_DEL(c->spd, e); /* NOLINT(clang-analyzer-core.NullDereference) */
	c->nentries[e->cause]--;
	free(e);
}

void
spd_free(struct core *c, struct spd_entry *e)
{
	struct spd_entry *alias, *next;

	if (!spd_key_is_of_hosts(&e->key)) {
		HASH_ITER(hh, c->spd, alias, next) {
			if (alias->master == e)
				spd_entry_free(c, alias);
		}
	}
	spd_entry_free(c, e);
}

/* --- what makes room ------------------------------------------------------ */

void
spd_settle(struct core *c, struct spd_entry *e, bool settled)
{
	if (settled == e->settled)
		return;
	e->settled = settled;
	if (settled)
		TAILQ_INSERT_TAIL(&c->settled[e->cause], e, settled_entry);
	else
		TAILQ_REMOVE(&c->settled[e->cause], e, settled_entry);
}

void
spd_used(struct core *c, struct spd_entry *e)
{
	e->used = c->now;
	if (!e->settled)
		return;
	TAILQ_REMOVE(&c->settled[e->cause], e, settled_entry);
	TAILQ_INSERT_TAIL(&c->settled[e->cause], e, settled_entry);
}

/* --- what goes past us ---------------------------------------------------- */

void
spd_pass(struct core *c, struct spd_entry *e, bool passed)
{
	if (passed == e->passed || c->shell->pass_pair == NULL)
		return;
	e->passed = passed;
	c->shell->pass_pair(c->shell_arg, &e->key.src.addr, &e->key.dst.addr,
	    passed);
}

void
spd_led_end(struct spd_entry *e)
{
	if (e == NULL || e->led == NULL)
		return;
	(void)esp_pair_lead(e->led, NULL);
	e->led = NULL;
}

void
spd_led_end_all(struct core *c)
{
	struct spd_entry *e, *next;

	HASH_ITER(hh, c->spd, e, next)
		spd_led_end(e);
}

/* --- datagrams on hold ---------------------------------------------------- */

void
spd_keep(struct core *c, struct datagram **slot, enum cause cause,
    const struct packet_view *v)
{
	spd_keep_no_more(c, slot);
	if (c->held[cause] + v->len > HOLD_BYTES_MAX) {
		c->count.limits++;
		return;
	}
	*slot = xcalloc(1, sizeof(**slot) + v->len);
	(*slot)->cause = cause;
	memcpy((*slot)->data, v->data, v->len);
	(*slot)->view = *v;
	(*slot)->view.data = (*slot)->data;
	c->held[cause] += v->len;
	c->count.held++;
}

void
spd_keep_again(struct core *c, struct spd_entry *e, struct datagram *d)
{
	spd_keep_no_more(c, &e->again);
	e->again = d;
	e->again_at = c->now;
}

void
spd_ready(struct core *c, struct spd_entry *e)
{
	if (e->ready)
		return;
	e->ready = true;
	TAILQ_INSERT_TAIL(&c->ready, e, ready_entry);
}

struct spd_entry *
spd_next_ready(struct core *c)
{
	struct spd_entry *e = TAILQ_FIRST(&c->ready);

	if (e == NULL)
		return NULL;
	TAILQ_REMOVE(&c->ready, e, ready_entry);
	e->ready = false;
	return e;
}

static void
spd_release_one(struct spd_entry *e, struct datagram **d, bool once_more)
{
	if (*d == NULL)
		return;
	(*d)->on = NULL;
	(*d)->once_more = once_more;
	TAILQ_INSERT_TAIL(&e->released, *d, entry);
	*d = NULL;
}

void
spd_release(struct core *c, struct spd_entry *e)
{
	spd_release_one(e, &e->first, true);
	spd_release_one(e, &e->last, false);
	spd_ready(c, e);
}

void
spd_release_on(struct core *c, struct spd_entry *e, struct connection *conn,
    struct datagram *d)
{
	d->on = conn;
	d->once_more = true;
	TAILQ_INSERT_TAIL(&e->released, d, entry);
	spd_ready(c, e);
}

void
spd_release_none(struct core *c, struct spd_entry *e,
    const struct connection *conn)
{
	struct datagram *d, *next;

	TAILQ_FOREACH_SAFE(d, &e->released, entry, next) {
		if (d->on != conn)
			continue;
		TAILQ_REMOVE(&e->released, d, entry);
		spd_keep_no_more(c, &d);
	}
}

struct datagram *
spd_released(struct spd_entry *e)
{
	struct datagram *d = TAILQ_FIRST(&e->released);

	if (d != NULL)
		TAILQ_REMOVE(&e->released, d, entry);
	return d;
}
