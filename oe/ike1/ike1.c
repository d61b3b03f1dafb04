/* ike1.c - the IKEv1 engine: tables, timers, retransmission, dispatch */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "oe/ike/door.h"
#include "oe/ike1/table.h"

#define STALE_TRIES	3	/* repetitions without a word, over an SA ... */
#define STALE_TIME	10000	/* ... that was silent for as many milliseconds before */

struct ike1 *
ike1_new(const struct ike1_config *c, const struct keying_ops *ops, void *arg)
{
	struct ike1 *e;

	if ((e = calloc(1, sizeof(*e))) == NULL) {
		log_error("IKE: out of memory");
		return NULL;
	}
	e->c = *c;
	if (e->c.key != NULL)
		EVP_PKEY_up_ref(e->c.key);
	e->ops = ops;
	e->arg = arg;
#define DEFAULT(member, value) if (e->c.member == 0) e->c.member = (value)
	DEFAULT(rsa_min_bits, PUBKEY_BITS_MIN);
	DEFAULT(phase1_lifetime, 3600);
	DEFAULT(phase2_lifetime, 1200);
	DEFAULT(half_open_max, 1024);
	DEFAULT(half_open_per_address, 128);
	DEFAULT(half_open_per_port, 8);
	DEFAULT(sa_max, 4096);
	DEFAULT(sa_per_address, 1024);
	DEFAULT(sa_per_peer, 4);
	DEFAULT(give_up, IKE1_GIVE_UP);
#undef DEFAULT
	TAILQ_INIT(&e->sas);
	TAILQ_INIT(&e->half);
	TAILQ_INIT(&e->children);
	TAILQ_INIT(&e->work.waiting);
	e->next = IKE1_NEVER;
	e->next_token = DOOR_TOKEN(ike1_engine.version);
	e->complain = (struct ratelimit)RATELIMIT_INIT(10, 1000);
	random_bytes(e->cookie_key, sizeof(e->cookie_key));
	offers_init(e);
	return e;
}

void
ike1_timer(struct ike1 *e, uint64_t at)
{
	if (at < e->next)
		e->next = at;
}

void
ike1_complain(struct ike1 *e, uint64_t now, const struct keying_path *path,
    const char *fmt, ...)
{
	char	 text[256];
	uint32_t missed;
	va_list	 ap;

	if (!ratelimit_pass(&e->complain, now))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	missed = ratelimit_take_missed(&e->complain);
	if (missed != 0)
		log_warn("IKE with %s: %s (and %u more messages not shown)",
		    ADDR_TEXT(&path->peer), text, missed);
	else
		log_warn("IKE with %s: %s", ADDR_TEXT(&path->peer), text);
}

void
ike1_send_path(struct ike1 *e, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	uint8_t marked[NATT_MARKER_LEN + ISAKMP_MESSAGE_MAX] = { 0 };

	if (!natt_marked(path)) {
		e->ops->send(e->arg, path, buf, len);
		return;
	}
	memcpy(marked + NATT_MARKER_LEN, buf, len);
	e->ops->send(e->arg, path, marked, NATT_MARKER_LEN + len);
}

void
ike1_send(struct ike1_sa *sa, const uint8_t *buf, size_t len)
{
	ike1_send_path(sa->ike, &sa->path, buf, len);
}

void
ike1_remember(uint8_t **to, size_t *to_len, const uint8_t *buf, size_t len)
{
	wipe_free(*to, *to_len);
	*to = NULL;
	*to_len = 0;
	if (len == 0 || (*to = malloc(len)) == NULL)
		return;
	memcpy(*to, buf, len);
	*to_len = len;
}

void
ike1_digest(const uint8_t *buf, size_t len, uint8_t out[32])
{
	struct ike_chunk c = { buf, len };

	if (ike_hash(IKE_SHA2_256, &c, 1, out) == -1)
		random_bytes(out, 32);
}

void
ike1_retry_set(struct ike1 *e, struct ike1_retry *r, uint64_t now,
    const uint8_t *buf, size_t len)
{
	ike1_remember(&r->buf, &r->len, buf, len);
	r->tries = 0;
	r->at = now + IKE1_RETRY_FIRST;
	r->until = now + e->c.give_up;
	ike1_timer(e, r->at);
}

void
ike1_retry_clear(struct ike1_retry *r)
{
	wipe_free(r->buf, r->len);
	memset(r, 0, sizeof(*r));
}

/* Moves the next repetition back; false when there is to be none. */
static bool
retry_again(struct ike1 *e, struct ike1_retry *r, uint64_t now)
{
	uint64_t wait;

	if (now >= r->until)
		return false;
	r->tries++;
	wait = (uint64_t)IKE1_RETRY_FIRST << (r->tries < IKE1_RETRY_EVEN ? 0 :
	    r->tries - IKE1_RETRY_EVEN > 2 ? 3 : r->tries - IKE1_RETRY_EVEN + 1);
	if (wait > IKE1_RETRY_MOST)
		wait = IKE1_RETRY_MOST;
	r->at = now + wait < r->until ? now + wait : r->until;
	ike1_timer(e, r->at);
	e->count.retransmits++;
	return true;
}

uint32_t
ike1_msgid(void)
{
	uint32_t id;

	do
		random_bytes(&id, sizeof(id));
	while (id == 0);
	return id;
}

int
ike1_phase2_iv(const struct ike1_sa *sa, uint32_t msgid, uint8_t *iv)
{
	uint8_t		 id[4], out[IKE_HASH_MAX];
	size_t		 block = ike1_block_len(sa->suite.enc);
	struct ike_chunk c[2] = { { sa->iv, block }, { id, 4 } };

	store_u32(id, msgid);
	if (ike_hash(sa->suite.hash, c, 2, out) == -1)
		return -1;
	memcpy(iv, out, block);
	return 0;
}

/* Half of a lifetime in kilobytes is over: the rest is for the renewal. */
static bool
sa_used_up(const struct ike1_sa *sa)
{
	return sa->suite.bytes != 0 && sa->bytes > sa->suite.bytes / 2;
}

static void
sa_count(struct ike1_sa *sa, size_t len)
{
	sa->bytes += len;
	if (sa_used_up(sa))
		ike1_timer(sa->ike, 0);
}

int
ike1_open(struct ike1_sa *sa, uint8_t *iv, uint8_t *buf, size_t len)
{
	sa_count(sa, len);
	return ike1_cbc(sa->suite.enc, false, sa->k.enc, sa->k.enc_len, iv, buf,
	    len);
}

size_t
ike1_seal(struct ike1_sa *sa, struct isakmp_builder *b, uint8_t *iv)
{
	size_t block = ike1_block_len(sa->suite.enc);

	while (!b->w.bad && (b->w.len - ISAKMP_HEADER_LEN) % block != 0)
		writer_u8(&b->w, 0);
	if (isakmp_end(b) == 0 || ike1_cbc(sa->suite.enc, true, sa->k.enc,
	    sa->k.enc_len, iv, b->w.base + ISAKMP_HEADER_LEN,
	    b->w.len - ISAKMP_HEADER_LEN) == -1)
		return 0;
	sa_count(sa, b->w.len);
	return b->w.len;
}

/* --- what connections ask -------------------------------------------------- */

/* Did the peer of an SA that is up prove itself by what the request allows? */
static bool
sa_proved_by(const struct ike1_sa *sa, const struct keying_request *r)
{
	const struct pubkey *used;
	size_t		     i;

	if (sa->psk != NULL || r->peer.psk != NULL)
		return sa->psk != NULL && r->peer.psk != NULL &&
		    sa->psk_len == r->peer.psk_len &&
		    compare_secret(sa->psk, r->peer.psk, sa->psk_len) == 0;
	if (sa->key_used < 0)
		return false;
	used = &sa->keys[sa->key_used];
	for (i = 0; i < r->peer.nkeys; i++) {
		if (used->len == r->peer.keys[i].len &&
		    memcmp(used->wire, r->peer.keys[i].wire, used->len) == 0)
			return true;
	}
	return false;
}

/* Does a Phase 1 SA, up or on its way, serve this request? */
static bool
sa_serves(const struct ike1_sa *sa, const struct keying_request *r,
    uint64_t now)
{
	if (sa->state == IKE1_MM_DEAD || !addr_equal(&sa->path.peer, &r->path.peer) ||
	    !addr_equal(&sa->path.local, &r->path.local) ||
	    !keying_id_equal(&sa->my_id, &r->my_id) ||
	    (sa->psk != NULL) != (r->peer.psk != NULL))
		return false;
	if (sa->state == IKE1_MM_UP) {
		/* One about to end would take its Quick Mode with it. */
		if (sa->expires < now + sa->ike->c.give_up ||
		    sa->nchildren >= IKE1_CHILDREN_MAX)
			return false;
		return sa_proved_by(sa, r) && (r->peer_id.type == 0 ||
		    keying_id_equal(&sa->peer_id, &r->peer_id));
	}
	return sa->initiator && sa->nchildren < IKE1_CHILDREN_MAX &&
	    sa->peer_id.type == r->peer_id.type &&
	    (r->peer_id.type == 0 || keying_id_equal(&sa->peer_id, &r->peer_id));
}

static struct ike1_sa *
sa_request(struct ike1 *e, uint64_t now, const struct keying_request *r)
{
	struct keying_path path = r->path;
	struct ike1_sa	  *sa;

	if (path.local_port == 0)
		path.local_port = 500;
	if (path.peer_port == 0)
		path.peer_port = 500;
	if ((r->peer.psk == NULL &&
	    (r->peer.nkeys == 0 || e->c.key == NULL)) ||
	    (sa = ike1_sa_new(e, now, &path, true)) == NULL)
		return NULL;
	sa->my_id = r->my_id;
	sa->peer_id = r->peer_id;
	sa->initial_contact = r->initial_contact;
	sa->departed = r->departed;
	sa->nkeys = r->peer.nkeys < KEYING_KEYS_MAX ? r->peer.nkeys :
	    KEYING_KEYS_MAX;
	if (sa->nkeys != 0)
		memcpy(sa->keys, r->peer.keys, sa->nkeys * sizeof(sa->keys[0]));
	if (r->peer.psk != NULL)
		ike1_remember(&sa->psk, &sa->psk_len, r->peer.psk,
		    r->peer.psk_len);
	return sa;
}

static int
engine_request(void *engine, uint64_t now, const struct keying_request *r,
    void *conn)
{
	struct ike1 *e = engine;
	struct ike1_sa	 *sa;
	struct ike1_child *c;
	bool		  fresh = false;

	if ((r->version != 0 && r->version != ike1_engine.version) ||
	    r->mode != KEYING_TUNNEL || r->peer.nothing ||
	    !ike1_selector_fits(&r->ours) || !ike1_selector_fits(&r->theirs))
		return -1;
	/* The newest first: after a reboot of the peer the older ones are stale. */
	TAILQ_FOREACH_REVERSE(sa, &e->sas, ike1_sas, entry) {
		if (sa_serves(sa, r, now))
			break;
	}
	if (sa == NULL) {
		if ((sa = sa_request(e, now, r)) == NULL)
			return -1;
		fresh = true;
	}
	if ((c = ike1_child_new(e, sa, true)) == NULL) {
		if (fresh)
			ike1_sa_kill(sa, now);
		return -1;
	}
	c->conn = conn;
	c->ours = r->ours.ts[0];
	c->theirs = r->theirs.ts[0];
	c->since = now;
	c->state = IKE1_QM_WAIT_SA;
	if (fresh)
		phase1_start(sa, now);
	else if (sa->state == IKE1_MM_UP)
		phase2_start(c, now);
	return 0;
}

static void
engine_forget(void *engine, uint64_t now, void *conn, bool tell)
{
	struct ike1 *e = engine;
	struct ike1_child *c, *next;
	struct ike1_sa	 *sa;

	for (c = TAILQ_FIRST(&e->children); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->conn != conn || c->state == IKE1_QM_DEAD)
			continue;
		c->conn = NULL;
		if (tell && c->announced && (sa = ike1_sa_for_peer(e, &c->peer,
		    &c->peer_id)) != NULL)
			info_delete_child(sa, now, c->spi_in);
		if (!c->announced && c->spi_in != 0)
			e->ops->spi_put(e->arg, c->spi_in);
		ike1_child_kill(c);
	}
}

static int
engine_delete_child(void *engine, uint64_t now, uint32_t spi_in)
{
	struct ike1 *e = engine;
	struct ike1_child *c;
	struct ike1_sa	 *sa;

	TAILQ_FOREACH(c, &e->children, entry) {
		if (c->state == IKE1_QM_DEAD || !c->announced ||
		    c->spi_in != spi_in)
			continue;
		if ((sa = ike1_sa_for_peer(e, &c->peer, &c->peer_id)) == NULL)
			return -1;
		info_delete_child(sa, now, spi_in);
		return 0;
	}
	return -1;
}

static int
engine_probe(void *engine, uint64_t now, void *conn)
{
	struct ike1 *e = engine;
	struct ike1_child *c;
	struct ike1_sa	 *sa;

	TAILQ_FOREACH(c, &e->children, entry) {
		if (c->conn == conn && c->state == IKE1_QM_WAIT_SA &&
		    c->sa->retry.buf != NULL) {
			if (c->sa->retry.at > now)
				c->sa->retry.at = now;
			ike1_timer(e, now);
			return 0;
		}
	}
	TAILQ_FOREACH(c, &e->children, entry) {
		if (c->conn != conn || c->state == IKE1_QM_DEAD || !c->announced)
			continue;
		sa = ike1_sa_for_peer(e, &c->peer, &c->peer_id);
		if (sa == NULL || !sa->dpd)
			return -1;
		info_probe(sa, now);
		return 0;
	}
	return -1;
}

static void
engine_moved(void *engine, void *conn, const struct addr *peer, uint16_t port)
{
	struct ike1 *e = engine;
	struct ike1_child *c;
	struct ike1_sa	 *sa;

	TAILQ_FOREACH(c, &e->children, entry) {
		if (c->conn != conn || c->state == IKE1_QM_DEAD || !c->announced)
			continue;
		sa = ike1_sa_for_peer(e, &c->peer, &c->peer_id);
		if (sa != NULL)
			natt_follow(sa, peer, port);
		c->peer = *peer;
	}
}

static void
engine_shutdown(void *engine, uint64_t now)
{
	struct ike1 *e = engine;
	struct ike1_child *c;
	struct ike1_sa	 *sa;

	TAILQ_FOREACH(c, &e->children, entry) {
		if (c->state != IKE1_QM_DEAD && c->announced &&
		    (sa = ike1_sa_for_peer(e, &c->peer, &c->peer_id)) != NULL)
			info_delete_child(sa, now, c->spi_in);
	}
	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state == IKE1_MM_UP)
			info_delete_sa(sa, now);
	}
}

static struct ike1_sa *
sa_of_token(struct ike1 *e, uint64_t token)
{
	struct ike1_sa *sa;

	if (token == 0)
		return NULL;
	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->token == token)
			break;
	}
	return sa;
}

static void
engine_peer_identity(void *engine, uint64_t token, const struct keying_id *my_id)
{
	struct ike1 *e = engine;
	struct ike1_sa *sa = sa_of_token(e, token);

	if (sa != NULL)
		sa->my_id = *my_id;
}

static void
engine_peer_keys(void *engine, uint64_t now, uint64_t token,
    const struct keying_credentials *c)
{
	struct ike1 *e = engine;
	struct ike1_sa *sa = sa_of_token(e, token);
	size_t	       i;

	if (sa == NULL)
		return;
	sa->token = 0;
	sa->nkeys = 0;
	for (i = 0; i < c->nkeys && sa->nkeys < KEYING_KEYS_MAX; i++) {
		if (pubkey_bits(&c->keys[i]) >= e->c.rsa_min_bits)
			sa->keys[sa->nkeys++] = c->keys[i];
	}
	if (sa->state == IKE1_MM_WAIT_PSK && c->psk != NULL)
		ike1_remember(&sa->psk, &sa->psk_len, c->psk, c->psk_len);
	sa->psk_confirmed = sa->psk != NULL && c->psk != NULL &&
	    c->psk_len == sa->psk_len &&
	    compare_secret(c->psk, sa->psk, c->psk_len) == 0;
	phase1_keys_found(sa, now);
}

static void
engine_authorize(void *engine, uint64_t now, uint64_t token, void *conn)
{
	struct ike1 *e = engine;
	struct ike1_child *c;

	if (token == 0)
		return;
	TAILQ_FOREACH(c, &e->children, entry) {
		if (c->token == token)
			break;
	}
	if (c == NULL || c->sa == NULL)
		return;
	c->token = 0;
	c->deadline = IKE1_NEVER;
	phase2_authorized(c, now, conn);
}

/* --- the network ----------------------------------------------------------- */

static void
engine_packet(void *engine, uint64_t now, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	struct ike1 *e = engine;
	e->count.received++;
	if (natt_marked(path)) {
		if (len == 1 && buf[0] == 0xff)
			return;		/* a NAT-keepalive */
		if (len < NATT_MARKER_LEN || load_u32(buf) != 0) {
			e->count.malformed++;
			return;
		}
		buf += NATT_MARKER_LEN;
		len -= NATT_MARKER_LEN;
	}
	ike1_message(e, now, path, buf, len);
}

/* No SA has this cookie: strangers may only begin. */
static void
ike1_stranger(struct ike1 *e, uint64_t now, const struct keying_path *path,
    const struct isakmp_header *h, const uint8_t *buf, size_t len)
{
	if (h->exchange == ISAKMP_MAIN_MODE && h->cookie_r == 0) {
		admit_first(e, now, path, h, buf, len);
	} else if (h->exchange == ISAKMP_MAIN_MODE &&
	    !(h->flags & ISAKMP_FLAG_ENCRYPTION)) {
		admit_third(e, now, path, h, buf, len);
	} else {
		e->count.unknown++;
		if (h->exchange == ISAKMP_INFORMATIONAL)
			info_stray(e, path, h, buf, len);
	}
}

void
ike1_message(struct ike1 *e, uint64_t now, const struct keying_path *path,
    const uint8_t *buf, size_t len)
{
	struct isakmp_header h;
	struct ike1_sa	    *sa;

	if (isakmp_header_read(&h, buf, len) == -1) {
		e->count.malformed++;
		return;
	}
	sa = ike1_sa_find(e, h.cookie_i, &path->peer);
	if (sa == NULL) {
		ike1_stranger(e, now, path, &h, buf, len);
		return;
	}
	/* A first message that comes late; its exchange has gone on. */
	if (!sa->initiator && h.cookie_r == 0) {
		e->count.duplicates++;
		return;
	}
	/* Only the answer to message 1 brings a new cookie. */
	if (sa->cookie_r != h.cookie_r && !(sa->state == IKE1_MM_SENT_SA &&
	    sa->cookie_r == 0)) {
		e->count.unknown++;
		return;
	}
	sa->came = *path;
	switch (h.exchange) {
	case ISAKMP_MAIN_MODE:
		phase1_message(sa, now, &h, buf, len);
		break;
	case ISAKMP_QUICK_MODE:
		phase2_message(sa, now, &h, buf, len);
		break;
	case ISAKMP_INFORMATIONAL:
		info_message(sa, now, &h, buf, len);
		break;
	default:
		e->count.malformed++;
	}
}

static void
engine_icmp(void *engine, uint64_t now, const struct keying_path *path)
{
	struct ike1 *e = engine;
	struct ike1_sa *sa;

	/* Anybody can forge one: it only gives a silence its name, unless the
	 * peer itself has said that it would be silent. */
	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state == IKE1_MM_UP || sa->state == IKE1_MM_DEAD ||
		    !addr_equal(&sa->path.peer, &path->peer) ||
		    sa->path.peer_port != path->peer_port)
			continue;
		sa->icmp = true;
		if (sa->departed && sa->state == IKE1_MM_SENT_SA)
			ike1_sa_failed(sa, now, KEYING_ICMP,
			    "it said goodbye before");
	}
}

/* --- time ------------------------------------------------------------------- */

static uint64_t
engine_next(const void *engine)
{
	const struct ike1 *e = engine;
	return e->next;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

bool
ike1_sa_in_use(const struct ike1_sa *sa)
{
	const struct ike1_child *c;

	TAILQ_FOREACH(c, &sa->ike->children, entry) {
		if (c->state != IKE1_QM_DEAD && c->conn != NULL &&
		    addr_equal(&c->peer, &sa->path.peer) &&
		    keying_id_equal(&c->peer_id, &sa->peer_id))
			return true;
	}
	return false;
}

/* A new SA to the same peer, on the same path, to be proved the same way. */
static struct ike1_sa *
sa_like(const struct ike1_sa *sa, uint64_t now)
{
	struct keying_request r = { .path = sa->path, .my_id = sa->my_id,
		.peer_id = sa->peer_id, .peer = { .keys = sa->keys,
		.nkeys = sa->nkeys, .psk = sa->psk, .psk_len = sa->psk_len } };

	return sa_request(sa->ike, now, &r);
}

/*
 * A peer may drop the Phase 2 SAs with the Phase 1 SA that made them, so one
 * in use is followed by another before it ends.
 */
static void
sa_renew(struct ike1_sa *sa, uint64_t now)
{
	struct ike1    *e = sa->ike;
	struct ike1_sa *next;

	/* Again, should it fail; what replaces it puts an end to that. */
	sa->renew_at = now + e->c.give_up + IKE1_LINGER;
	if (!ike1_sa_in_use(sa) ||
	    ike1_sa_for_peer(e, &sa->path.peer, &sa->peer_id) != sa ||
	    (next = sa_like(sa, now)) == NULL)
		return;
	next->renewal = true;
	phase1_start(next, now);
}

/* Quick Mode over an SA from earlier, and not a word since it began. */
static bool
child_unheard(const struct ike1_child *c)
{
	return !c->again && c->initiator && c->state == IKE1_QM_SENT_1 &&
	    c->sa->up_at <= c->since && c->sa->heard < c->since;
}

static void
child_begin_again(struct ike1_child *c, struct ike1_sa *next)
{
	c->ike->ops->spi_put(c->ike->arg, c->spi_in);
	c->spi_in = 0;
	ike1_retry_clear(&c->retry);
	ike_dh_free(c->dh);
	c->dh = NULL;
	c->sa->nchildren--;
	next->nchildren++;
	c->sa = next;
	c->state = IKE1_QM_WAIT_SA;
	c->again = true;
}

bool
ike1_children_again(struct ike1_sa *stale, uint64_t now)
{
	struct ike1_child *c;
	struct ike1_sa	 *next = NULL;

	TAILQ_FOREACH(c, &stale->ike->children, entry) {
		if (c->sa != stale || !child_unheard(c))
			continue;
		if (next == NULL && (next = sa_like(stale, now)) == NULL)
			return false;
		child_begin_again(c, next);
	}
	if (next == NULL)
		return false;
	log_info("IKE peer %s (%s) does not know its Phase 1 SA any more",
	    keying_id_text(&stale->peer_id), ADDR_TEXT(&stale->path.peer));
	ike1_sa_kill(stale, now);
	phase1_start(next, now);
	return true;
}

/* An SA of before a sleep, or a restart of the peer's, is not waited for long. */
static bool
child_sa_lost(const struct ike1_child *c, uint64_t now)
{
	return child_unheard(c) && c->retry.tries >= STALE_TRIES &&
	    now - c->sa->heard >= STALE_TIME;
}

void
ike1_sa_expired(struct ike1_sa *sa, uint64_t now)
{
	/* A delete takes some peers' Phase 2 SAs along, so not while these
	 * have no other Phase 1 SA. */
	if (sa->state == IKE1_MM_UP && (!ike1_sa_in_use(sa) ||
	    ike1_sa_for_peer(sa->ike, &sa->path.peer, &sa->peer_id) != sa))
		info_delete_sa(sa, now);
	ike1_sa_kill(sa, now);
}

/* An SA is kept for its Phase 2 SAs; without any it is made anew as easily. */
static void
sa_childless(struct ike1_sa *sa, uint64_t now)
{
	if (sa->nchildren == 0 && (!ike1_sa_in_use(sa) || ike1_sa_for_peer(sa->ike,
	    &sa->path.peer, &sa->peer_id) != sa)) {
		ike1_sa_expired(sa, now);
		return;
	}
	sa->childless_at = now + IKE1_CHILDLESS_TIME;
}

static void
sa_tick(struct ike1_sa *sa, uint64_t now)
{
	enum keying_failure f;

	if (sa->retry.buf != NULL && now >= sa->retry.at) {
		if (!retry_again(sa->ike, &sa->retry, now)) {
			f = sa->refused != 0 ? KEYING_PEER_REFUSED :
			    sa->icmp ? KEYING_ICMP : KEYING_SILENCE;
			ike1_sa_failed(sa, now, f, sa->refused ==
			    ISAKMP_N_AUTHENTICATION_FAILED ? "it has not found "
			    "our key in DNS, or another one (AUTHENTICATION-"
			    "FAILED)" : NULL);
			return;
		}
		if (sa->state == IKE1_MM_SENT_SA)
			phase1_retry_first(sa, now);
		else
			ike1_send(sa, sa->retry.buf, sa->retry.len);
	}
	if (now >= sa->expires) {
		ike1_sa_expired(sa, now);
		return;
	}
	if (sa->state != IKE1_MM_UP)
		return;
	if (sa_used_up(sa)) {
		sa->suite.bytes = 0;
		sa->renew_at = now;
		sa->expires = earlier(sa->expires, now + sa->ike->c.give_up);
	}
	if (now >= sa->renew_at)
		sa_renew(sa, now);
	natt_tick(sa, now);
	if (now >= sa->dpd_at)
		info_dpd(sa, now);
	if (now >= sa->childless_at && sa->state == IKE1_MM_UP)
		sa_childless(sa, now);
}

/* When an SA that is up wants to be looked at. */
static uint64_t
sa_next(const struct ike1_sa *sa)
{
	uint64_t at = earlier(earlier(sa->dpd_at, sa->renew_at),
	    sa->childless_at);

	return sa->nat_here ? earlier(at, sa->keepalive_at) : at;
}

static void
child_tick(struct ike1_child *c, uint64_t now)
{
	if (c->retry.buf != NULL && now >= c->retry.at) {
		if (child_sa_lost(c, now) && ike1_children_again(c->sa, now))
			return;
		if (!retry_again(c->ike, &c->retry, now)) {
			if (!child_unheard(c) || !ike1_children_again(c->sa, now))
				phase2_failed(c, now, KEYING_CHILD_REFUSED,
				    "no answer to Quick Mode");
			return;
		}
		ike1_send(c->sa, c->retry.buf, c->retry.len);
	}
	if (now >= c->deadline && c->state == IKE1_QM_UP) {
		phase2_confirmed(c, now);	/* CONNECTED never came */
	} else if (now >= c->deadline) {
		phase2_failed(c, now, KEYING_LOCAL, "no decision in time");
	} else if (now >= c->hard) {
		ike1_child_gone(c, false);
	}
}

static void
engine_tick(void *engine, uint64_t now)
{
	struct ike1 *e = engine;
	struct ike1_sa	 *sa, *s_next;
	struct ike1_child *c, *c_next;
	uint64_t	  next;

	next = work_tick(e, now);
	/* Callbacks of a tick may set timers, but free nothing. */
	TAILQ_FOREACH(sa, &e->sas, entry) {
		if (sa->state != IKE1_MM_DEAD)
			sa_tick(sa, now);
	}
	TAILQ_FOREACH(c, &e->children, entry) {
		if (c->state != IKE1_QM_DEAD)
			child_tick(c, now);
	}
	for (c = TAILQ_FIRST(&e->children); c != NULL; c = c_next) {
		c_next = TAILQ_NEXT(c, entry);
		if (c->state == IKE1_QM_DEAD) {
			ike1_child_free(c);
			continue;
		}
		next = earlier(next, earlier(c->deadline, c->hard));
		if (c->retry.buf != NULL)
			next = earlier(next, c->retry.at);
	}
	for (sa = TAILQ_FIRST(&e->sas); sa != NULL; sa = s_next) {
		s_next = TAILQ_NEXT(sa, entry);
		if (sa->state == IKE1_MM_DEAD) {
			ike1_sa_free(sa);
			continue;
		}
		next = earlier(next, earlier(sa->expires, sa->state ==
		    IKE1_MM_UP ? sa_next(sa) : IKE1_NEVER));
		if (sa->retry.buf != NULL)
			next = earlier(next, sa->retry.at);
	}
	e->next = next;
}

static void
engine_free(void *engine)
{
	struct ike1 *e = engine;
	struct ike1_child *c;
	struct ike1_sa	 *sa;

	if (e == NULL)
		return;
	while ((c = TAILQ_FIRST(&e->children)) != NULL)
		ike1_child_free(c);
	while ((sa = TAILQ_FIRST(&e->sas)) != NULL)
		ike1_sa_free(sa);
	offers_free(e);
	work_free(e);
	EVP_PKEY_free(e->c.key);
	wipe_free(e, sizeof(*e));
}

const struct keying_engine ike1_engine = {
	.version = 1,
	.free = engine_free,
	.shutdown = engine_shutdown,
	.request = engine_request,
	.forget = engine_forget,
	.delete_child = engine_delete_child,
	.probe = engine_probe,
	.moved = engine_moved,
	.invalid_spi = ike1_invalid_spi,
	.peer_identity = engine_peer_identity,
	.peer_keys = engine_peer_keys,
	.authorize = engine_authorize,
	.packet = engine_packet,
	.icmp = engine_icmp,
	.next = engine_next,
	.tick = engine_tick,
	.report_sas = ike1_report_sas,
	.report = ike1_report,
};
