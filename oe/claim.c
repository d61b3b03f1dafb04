/* claim.c - ports of a shared address, granted to the first that asks, for as long as it lives */
#include "config.h"

#include <stdlib.h>

#include "base/util.h"
#include "oe/claim.h"
#include "oe/connection.h"
#include "oe/liveness.h"
#include "oe/ports.h"

#define CLAIMS_MAX	64	/* that wait for who has their ports */
#define CLAIM_TIME	3000	/* milliseconds: who lives has answered */

/* What a peer asked for, while who has some of its ports is asked whether it
 * lives. */
struct claim {
	TAILQ_ENTRY(claim)	entry;
	uint64_t		token, since;
	struct keying_id	id;
	struct keying_proof	proof;
	struct keying_path	path;
	struct keying_selectors ours, theirs;
	enum keying_mode	mode;
	bool			wants_inner;
};

static bool
claim_keep(struct core *c, uint64_t token, const struct keying_ask *ask,
    uint64_t since)
{
	struct claim *k;

	if (c->nclaims >= CLAIMS_MAX)
		return false;
	k = xcalloc(1, sizeof(*k));
	k->token = token;
	k->since = since;
	k->id = *ask->peer_id;
	k->proof = *ask->proof;
	k->path = *ask->path;
	k->ours = *ask->ours;
	k->theirs = *ask->theirs;
	k->mode = ask->mode;
	k->wants_inner = ask->wants_inner;
	TAILQ_INSERT_TAIL(&c->claims, k, entry);
	c->nclaims++;
	return true;
}

static void
claim_free(struct core *c, struct claim *k)
{
	TAILQ_REMOVE(&c->claims, k, entry);
	c->nclaims--;
	free(k);
}

void
claims_free(struct core *c)
{
	while (!TAILQ_EMPTY(&c->claims))
		claim_free(c, TAILQ_FIRST(&c->claims));
}

/* Who does not live, or proves nothing where the other does, is no reason to
 * refuse what it has (RFC 7619 §3.3). */
static bool
holds_on(const struct connection *holder, const struct keying_ask *ask)
{
	return !holder->gone && !holder->silent && (!holder->anonymous ||
	    ask->proof->how == KEYING_BY_NOTHING);
}

const char *
claim_refused(struct core *c, uint64_t token, const struct keying_ask *ask,
    const struct keying_selectors *theirs, const struct spd_key *key,
    uint64_t since, bool *waits)
{
	const struct spd_entry *e = spd_find(c, &key->src.addr,
	    &key->dst.addr);
	struct connection      *conn;

	if (ports_count(theirs) > PORTS_PER_PEER)
		return "it wants more ports than one of several hosts may have";
	if (e == NULL)
		return NULL;
	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (conn->state == CONNECTION_KEYED && !conn->anonymous &&
		    conn->right > RIGHT_FLOWS && !conn->shares &&
		    !keying_id_equal(&conn->peer_id, ask->peer_id))
			return "another, who is known, has that address";
	}
	while ((conn = ports_holder(e, ask->peer_id, theirs)) != NULL) {
		if (!holds_on(conn, ask)) {
			ports_take(conn, theirs);
			continue;
		}
		if (c->now - since >= CLAIM_TIME)
			return "another, who lives, has some of these ports";
		liveness_doubt(conn);
		if (!holds_on(conn, ask))
			continue;
		*waits = claim_keep(c, token, ask, since);
		return "too many wait for ports that others have";
	}
	return NULL;
}

bool
claim_wait(struct core *c, uint64_t token, const struct keying_ask *ask,
    uint64_t since)
{
	return c->now - since < CLAIM_TIME && claim_keep(c, token, ask, since);
}

void
claims_tick(struct core *c, uint64_t now, claim_fn ask)
{
	struct keying_ask a;
	struct claim	  k;
	unsigned	  n = c->nclaims;

	/* Who waits on goes to the end. */
	for (; n > 0 && !TAILQ_EMPTY(&c->claims); n--) {
		k = *TAILQ_FIRST(&c->claims);
		claim_free(c, TAILQ_FIRST(&c->claims));
		a = (struct keying_ask){ &k.id, &k.proof, &k.path, &k.ours,
			&k.theirs, k.mode, false, k.wants_inner };
		ask(c, now, k.token, &a, k.since);
	}
}
