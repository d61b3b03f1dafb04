/* version.c - which version of IKE a peer is asked in, and who is not spoken to in an old one any more */
#include "config.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/log.h"
#include "oe/identity.h"
#include "oe/peer_gateway.h"
#include "oe/version.h"

#define OLDER_WAIT	1000	/* milliseconds of silence
				 * before IKEv1 begins */
/* Milliseconds it is remembered. */
#define SPOKEN_TIME	(30LL * 24 * 3600 * 1000)

enum { IKEV1 = 1, IKEV2 = 2 };

static bool
both_allowed(const struct core *c)
{
	return c->config->ike == (VERSION_BIT(IKEV1) | VERSION_BIT(IKEV2));
}

/* --- who spoke IKEv2 ------------------------------------------------------ */

bool
version_remembers(const struct core *c, const struct spoken *s)
{
	return s->at != 0 && (int64_t)c->now - s->at < SPOKEN_TIME;
}

static void
key_id(const struct pubkey *key, uint8_t id[SPOKEN_ID_LEN])
{
	uint8_t	 digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	memset(digest, 0, sizeof(digest));
	(void)EVP_Digest(key->wire, key->len, digest, &len, EVP_sha256(), NULL);
	memcpy(id, digest, SPOKEN_ID_LEN);
}

static struct spoken *
spoken_find(struct core *c, const uint8_t id[SPOKEN_ID_LEN])
{
	unsigned i;

	for (i = 0; i < SPOKEN_MAX; i++) {
		if (version_remembers(c, &c->spoken[i]) &&
		    memcmp(c->spoken[i].id, id, SPOKEN_ID_LEN) == 0)
			return &c->spoken[i];
	}
	return NULL;
}

/* In whose place a new one comes: the longest silent, of strangers
 * if there is one. */
static struct spoken *
spoken_place(struct core *c, bool ours)
{
	struct spoken *s, *place = NULL;
	unsigned       i;

	for (i = 0; i < SPOKEN_MAX; i++) {
		s = &c->spoken[i];
		if (!version_remembers(c, s))
			return s;
		if (s->ours && !ours)
			continue;
		if (place == NULL || (place->ours && !s->ours) ||
		    (place->ours == s->ours && s->at < place->at))
			place = s;
	}
	return place;
}

void
version_recall(struct core *c, const struct spoken *s)
{
	struct spoken *o = spoken_find(c, s->id);

	if (o != NULL) {
		o->at = s->at;
		o->ours = o->ours || s->ours;
	} else if ((o = spoken_place(c, s->ours)) != NULL)
		*o = *s;
}

static bool
key_spoke(struct core *c, const struct pubkey *key)
{
	uint8_t id[SPOKEN_ID_LEN];

	key_id(key, id);
	return spoken_find(c, id) != NULL;
}

void
version_answer_keys(struct core *c, uint64_t token, const struct keying_id *id,
    const struct pubkey *keys, size_t n)
{
	struct pubkey left[KEYING_KEYS_MAX];
	size_t	      i, nleft = 0;

	if (token >> 56 == IKEV1 && both_allowed(c)) {
		for (i = 0; i < n && i < KEYING_KEYS_MAX; i++) {
			if (!key_spoke(c, &keys[i]))
				left[nleft++] = keys[i];
		}
		if (nleft < n && ratelimit_pass(&c->bad_packet, c->now))
			log_warn("peer %s comes by IKEv1 with a key that spoke "
			    "IKEv2 before: refused", keying_id_text(id));
		keys = left;
		n = nleft;
	}
	c->keying->peer_keys(c->keying_arg, c->now, token,
	    &(struct keying_credentials){ .keys = keys, .nkeys = n });
}

/* --- which one ------------------------------------------------------------ */

/* Has one of the keys that its peer may prove spoken IKEv2? */
static bool
peer_spoke(const struct connection *conn)
{
	struct core		  *c = conn->core;
	const struct peer_gateway *g;
	unsigned		   i;

	if (conn->class == OE_CLASS_TUNNEL || conn->peer_gateway >=
	    conn->npeer_gateways)
		return false;
	g = &conn->peer_gateways[conn->peer_gateway];
	for (i = 0; i < g->nkeys; i++) {
		if (key_spoke(c, &g->keys[i]))
			return true;
	}
	return false;
}

bool
version_has_one(const struct connection *conn)
{
	const struct oe_tunnel *t;

	if (conn->key.dst.addr.family != AF_INET)
		return false;
	t = &conn->core->config->tunnels[conn->tunnel];
	return conn->class != OE_CLASS_TUNNEL || t->peer.family == AF_INET;
}

/* May the peer be asked in IKEv1, should IKEv2 lead to nothing? */
static bool
may_be_older(const struct connection *conn)
{
	if (conn->class != OE_CLASS_TUNNEL && (conn->core->config->key ==
	    NULL || !identity_usable(conn->core, AF_INET)))
		return false;
	if (!version_has_one(conn))
		return false;
	return both_allowed(conn->core) && !conn->blind &&
	    (conn->class == OE_CLASS_TUNNEL ||
	    conn->spoke == IKEV1 ||
	    (conn->txt_here && conn->txt == RECORD_FOUND)) &&
	    !peer_spoke(conn);
}

unsigned
version_first(const struct connection *conn)
{
	if (!both_allowed(conn->core))
		return conn->core->config->ike & VERSION_BIT(IKEV2) ? IKEV2 :
		    IKEV1;
	/* A flow of its own is one more negotiation with a
	 * peer that is known. */
	if ((conn->late || (conn->ask != NULL && conn->spoke == IKEV1)) &&
	    may_be_older(conn))
		return IKEV1;
	return IKEV2;
}

void
version_wait_no_more(struct connection *conn)
{
	if (conn->older_at == 0)
		return;
	TAILQ_REMOVE(&conn->core->older, conn, older);
	conn->older_at = 0;
}

void
version_wait_older(struct connection *conn)
{
	struct core *c = conn->core;

	version_wait_no_more(conn);
	if (!may_be_older(conn))
		return;
	/* A version that was asked in vain before is not waited for again. */
	if (conn->spoke == IKEV1) {
		conn->older_at = c->now;
		TAILQ_INSERT_HEAD(&c->older, conn, older);
	} else {
		conn->older_at = c->now + OLDER_WAIT;
		TAILQ_INSERT_TAIL(&c->older, conn, older);
	}
}

uint64_t
version_next(const struct core *c)
{
	return TAILQ_EMPTY(&c->older) ? UINT64_MAX :
	    TAILQ_FIRST(&c->older)->older_at;
}

/* --- what came of it ------------------------------------------------------ */

enum version_verdict
version_failed(struct connection *conn, unsigned version,
    enum keying_failure f)
{
	bool waits = conn->older_at != 0;

	if (version != IKEV2)
		return conn->requested != 0 ? VERSION_GOES_ON : VERSION_OVER;
	version_wait_no_more(conn);
	switch (f) {
	case KEYING_SIGNATURE:
	case KEYING_IDENTITY:
	case KEYING_OUR_PROOF:
	case KEYING_CHILD_REFUSED:
		/* The peer is there and has said what it has to say: whatever
		 * the older version brings is not asked for any more. */
		conn->requested = 0;
		return VERSION_OVER;
	case KEYING_LOCAL:
		waits = false;
		break;
	case KEYING_SILENCE:
	case KEYING_LOST:
	case KEYING_ICMP:
	case KEYING_PEER_REFUSED:
	case KEYING_VERSION:
		break;
	}
	if (conn->requested != 0)
		return VERSION_GOES_ON;
	return waits ? VERSION_ASK_OLDER : VERSION_OVER;
}

bool
version_is_wanted(const struct connection *conn, unsigned version)
{
	return version != IKEV1 || (conn->requested & VERSION_BIT(IKEV1));
}

void
version_keyed(struct connection *conn, const struct keying_child *k)
{
	struct spoken s = { .at = (int64_t)conn->core->now,
		.ours = k->initiator };

	conn->spoke = k->version;
	if (k->version == IKEV2 && k->proof.how == KEYING_BY_KEY) {
		key_id(&k->proof.key, s.id);
		version_recall(conn->core, &s);
	}
	if (!k->initiator)
		return;
	version_wait_no_more(conn);
	/* The newer may come still, and replaces these then. */
	conn->late = k->version == IKEV1 &&
	    (conn->requested & VERSION_BIT(IKEV2));
	conn->requested = 0;
}
