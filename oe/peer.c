/* peer.c - the identities that ask us for keys, and what DNS says their keys are (draft -17 §3.3.1) */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "oe/core.h"
#include "oe/keying.h"
#include "oe/lookup.h"
#include "oe/peer.h"
#include "oe/pubkey.h"
#include "oe/record.h"
#include "oe/version.h"

#define PEERS_MAX	1024		/* identities with their keys, cached */
#define PEER_WAITING_MAX 16		/* negotiations that wait for
					 * one identity's keys */
#define PEERS_WAITING_PER_NETWORK 8	/* identities looked up at
					 * once for one address, of
					 * IPv6 for one /64 */
#define SECONDS		1000u
#define PEER_TTL_MIN	5		/* seconds: a flood of
					 * message 1 asks DNS once */
#define PEER_TTL_MAX	86400

/* An identity and what DNS says its keys are: the unauthenticated OE peer. */
struct peer {
	UT_hash_handle	 hh;
	struct keying_id id;
	struct core	*core;
	struct addr	 from;		/* the address that named it first */
	unsigned	 waiting;	/* answers that have not come */
	bool		 found, authentic, unchecked;
	enum record_status problem;	/* RECORD_NONE: just no record */
	unsigned	 nkeys;
	struct pubkey	*keys;
	uint32_t	 ttl;
	uint64_t	 expires;
	unsigned	 ntokens;
	uint64_t	 tokens[PEER_WAITING_MAX];
};

static void
peer_free(struct peer *p)
{
	struct core *c = p->core;

	HASH_DEL(c->peers, p);
	c->npeers--;
	lookups_forget(c, p);
	free(p->keys);
	free(p);
}

static void
peer_answer(struct peer *p)
{
	struct core *c = p->core;
	unsigned     i, n = p->ntokens;

	p->ntokens = 0;
	for (i = 0; i < n; i++)
		version_answer_keys(c, p->tokens[i], &p->id, p->keys, p->nkeys);
}

/* A peer's key is for packets of the address that it came
 * from, and of its own. */
static bool
peer_believes(const struct peer *p, const struct record_answer *a)
{
	const struct addr *of[] = { &p->from, p->id.type == KEYING_ID_ADDR ?
	    &p->id.addr : &p->from };
	struct class_match m;
	size_t		   i;

	for (i = 0; i < 2; i++) {
		if (!core_believes(p->core, classes_find(
		    p->core->config->classes, of[i], &m) == 0 ? m.class :
		    OE_CLASS_PERMISSIVE, a->authentic, a->unchecked))
			return false;
	}
	return true;
}

static void
peer_dns(struct core *c, void *owner, unsigned tag,
    const struct record_answer *a)
{
	struct peer *p = owner;
	unsigned     i, had = p->nkeys;
	char	     name[KEYING_NAME_MAX + 1];

	p->waiting--;
	if (a->status == RECORD_FOUND && peer_believes(p, a)) {
		for (i = 0; i < a->n; i++) {
			if (record_gives_key(&a->r[i], lookup_key_types[tag],
			    &p->id))
				pubkey_list_add(&p->keys, &p->nkeys,
				    KEYING_KEYS_MAX, &a->r[i].key);
		}
		if (p->nkeys > had) {
			p->authentic = a->authentic &&
			    (had == 0 || p->authentic);
			p->unchecked = p->unchecked || a->unchecked;
			p->found = true;
		}
	} else if (a->status != RECORD_FOUND && a->status != RECORD_NONE) {
		p->problem = a->status;
	}
	if (a->ttl < p->ttl)
		p->ttl = a->ttl;
	/* The draft asks for its KEY record; the others stand in. */
	if (tag == LOOKUP_KEY && p->found) {
		lookups_forget(c, p);
		p->waiting = 0;
	}
	if (p->waiting > 0)
		return;
	if (p->ttl < PEER_TTL_MIN)
		p->ttl = PEER_TTL_MIN;
	p->expires = c->now + (uint64_t)p->ttl * SECONDS;
	if (!p->found && ratelimit_pass(&c->bad_packet, c->now) &&
	    lookup_key_name(&p->id, name) == 0)
		log_info("peer %s has no key in DNS: no KEY, IPSECKEY or TXT "
		    "record with one at %s%s%s", keying_id_text(&p->id), name,
		    p->problem != RECORD_NONE ? ": " : "",
		    p->problem != RECORD_NONE ?
		    record_status_text(p->problem) : "");
	peer_answer(p);
}

/* The same bytes for the same identity: it is a hash key. */
static struct keying_id
canonical_id(const struct keying_id *id)
{
	struct keying_id out;

	memset(&out, 0, sizeof(out));
	out.type = id->type;
	if (id->type == KEYING_ID_ADDR)
		out.addr = id->addr;
	else
		memcpy(out.name, id->name, strlen(id->name));
	return out;
}

static struct peer *
peer_find(const struct core *c, const struct keying_id *id)
{
	struct keying_id key = canonical_id(id);
	struct peer	*p;

	HASH_FIND(hh, c->peers, &key, sizeof(key), p);
	return p;
}

/* No network may have many names looked up at once: each costs questions whose
 * answers it can delay. */
static bool
peer_room(struct core *c, const struct addr *from)
{
	struct peer *p, *next, *victim = NULL;
	unsigned     mine = 0, idle = 0;

	HASH_ITER(hh, c->peers, p, next) {
		if (p->waiting != 0)
			mine += addr_same_network(&p->from, from);
		else if (random_uniform(++idle) == 0)
			victim = p;
	}
	if (mine >= PEERS_WAITING_PER_NETWORK)
		return false;
	if (c->npeers >= PEERS_MAX && victim != NULL)
		peer_free(victim);
	return c->npeers < PEERS_MAX;
}

static struct peer *
peer_new(struct core *c, const struct keying_id *id, const char *name,
    const struct addr *from)
{
	struct peer *p;

	if (!peer_room(c, from)) {
		c->count.limits++;
		return NULL;
	}
	p = xcalloc(1, sizeof(*p));
	p->core = c;
	p->id = *id;
	p->from = *from;
	p->ttl = PEER_TTL_MAX;
	p->problem = RECORD_NONE;
	HASH_ADD(hh, c->peers, id, sizeof(p->id), p);
	c->npeers++;
	p->waiting = lookup_keys(c, CAUSE_STRANGERS, name, peer_dns, p);
	if (p->waiting == 0) {
		peer_free(p);
		return NULL;
	}
	return p;
}

bool
peer_ask_keys(struct core *c, uint64_t token, const struct keying_id *id,
    const struct addr *from)
{
	struct keying_id key = canonical_id(id);
	struct peer	*p = peer_find(c, id);
	char		 name[KEYING_NAME_MAX + 1];

	if (lookup_key_name(id, name) == -1)
		return false;
	if (p != NULL && p->waiting == 0 && c->now >= p->expires) {
		peer_free(p);
		p = NULL;
	}
	if (p == NULL && (p = peer_new(c, &key, name, from)) == NULL)
		return false;
	if (p->waiting == 0) {
		version_answer_keys(c, token, &p->id, p->keys, p->nkeys);
		return true;
	}
	if (p->ntokens == PEER_WAITING_MAX)
		return false;
	p->tokens[p->ntokens++] = token;
	return true;
}

bool
peer_is_authentic(const struct core *c, const struct keying_id *id)
{
	const struct peer *p = peer_find(c, id);

	return p != NULL && p->found && p->authentic;
}

bool
peer_is_doubtful(const struct core *c, const struct keying_id *id)
{
	const struct peer *p = peer_find(c, id);

	return p != NULL && p->found && p->unchecked;
}

void
peers_tick(struct core *c)
{
	struct peer *p, *next;

	HASH_ITER(hh, c->peers, p, next) {
		if (p->waiting == 0 && c->now >= p->expires)
			peer_free(p);
	}
}

uint64_t
peers_next(const struct core *c)
{
	const struct peer *p;
	uint64_t	   next = UINT64_MAX;

	for (p = c->peers; p != NULL; p = p->hh.next) {
		if (p->waiting == 0 && p->expires < next)
			next = p->expires;
	}
	return next;
}

void
peers_free(struct core *c)
{
	struct peer *p, *next;

	HASH_ITER(hh, c->peers, p, next)
		peer_free(p);
}
