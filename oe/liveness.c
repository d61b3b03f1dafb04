/* liveness.c - does the peer still have our SAs? One-way traffic, waking, and hints make us ask (RFC 3706 §5.5) */
#include "config.h"

#include "base/log.h"
#include "base/util.h"
#include "oe/connection.h"
#include "oe/esp/dataplane.h"
#include "oe/liveness.h"
#include "oe/pair.h"
#include "oe/request.h"

#define ONE_WAY		2000	/* milliseconds of ESP out and none in */
#define PROBE_INTERVAL	3000	/* between questions about one connection */
#define HINT_INTERVAL	5000	/* the same, where a stranger may cause them */

/* The peer does not answer for these SAs: keyed anew beside them, at most once
 * a minute while that leads to nothing. */
static void
liveness_key_anew(struct connection *conn, const char *why)
{
	struct core *c = conn->core;

	/* A peer that came by itself, without a name, is not
	 * to be found again. */
	if (conn->right == RIGHT_LENT || (conn->anonymous &&
	    conn->right == RIGHT_FLOWS)) {
		conn->gone = true;
		return;
	}
	if (conn->requested || (conn->anew_at != 0 &&
	    c->now - conn->anew_at < SUSPECT_INTERVAL))
		return;
	conn->anew_at = c->now;
	conn->silent = true;
	log_info("%s: %s: asking %s for new keys",
	    ADDR_TEXT(&conn->key.dst.addr), why,
	    keying_id_text(&conn->peer_id));
	conn->request_at = 0;
	request_rekey(conn, why);
}

static void
liveness_probe(struct connection *conn, unsigned interval, const char *why)
{
	struct core *c = conn->core;

	if (conn->state != CONNECTION_KEYED ||
	    (conn->requested && !conn->silent) ||
	    (conn->probe_at != 0 && c->now - conn->probe_at < interval))
		return;
	conn->probe_at = c->now;
	if (conn->unanswered != 0 && conn->asked_at == 0)
		conn->asked_at = c->now;
	if (c->keying->probe(c->keying_arg, c->now, conn) == -1)
		liveness_key_anew(conn, why);
}

void
liveness_sent(struct connection *conn)
{
	struct core *c = conn->core;

	if (conn->unanswered == 0) {
		conn->unanswered = conn->sent_at = c->now;
		conn->sends = 0;
		return;
	}
	if (c->now - conn->sent_at >= 1000) {
		conn->sent_at = c->now;
		conn->sends++;
	}
	if (c->now - conn->unanswered >= ONE_WAY)
		liveness_probe(conn, PROBE_INTERVAL,
		    "nothing comes back, and nobody can be asked");
}

unsigned
liveness_silence(const struct connection *conn)
{
	uint64_t now = conn->core->now;

	if (conn->state != CONNECTION_KEYED || conn->unanswered == 0 ||
	    now - conn->unanswered < ONE_WAY)
		return 0;
	/* A conversation's last packet, such as TCP's, is not for an answer. */
	if (conn->sends == 0 && !conn->silent)
		return 0;
	return (unsigned)((now - conn->unanswered) / 1000);
}

void
liveness_heard(struct connection *conn)
{
	conn->heard = conn->core->now;
	conn->unanswered = conn->asked_at = conn->anew_at = 0;
	conn->silent = false;
}

/* The peer seems to be at another address: asked there whether it is. */
static void
liveness_moved(struct connection *conn)
{
	liveness_probe(conn, PROBE_INTERVAL,
	    "its peer moved, and nobody can be asked");
}

void
liveness_doubt(struct connection *conn)
{
	liveness_probe(conn, HINT_INTERVAL,
	    "somebody else has its flows, and nobody can be asked");
}

void
liveness_tick(struct connection *conn)
{
	/* Programs that wait for an answer send nothing more. */
	if (conn->unanswered != 0 &&
	    conn->core->now - conn->unanswered >= ONE_WAY &&
	    conn->used >= conn->probe_at)
		liveness_probe(conn, PROBE_INTERVAL,
		    "nothing comes back, and nobody can be asked");
}

void
liveness_peer_silent(struct connection *conn)
{
	if (conn->state != CONNECTION_KEYED)
		return;
	liveness_key_anew(conn, "its peer does not answer");
}

void
liveness_invalid_spi(struct core *c, uint64_t now, const struct addr *peer,
    uint32_t spi_out, const struct keying_id *who)
{
	struct connection *conn;
	struct sa_pair	  *p;

	c->now = now;
	TAILQ_FOREACH(conn, &c->connections, all) {
		if (!addr_equal(&conn->path.peer, peer) ||
		    conn->state != CONNECTION_KEYED)
			continue;
		/* Of several pairs only the one that we send on matters. */
		if ((p = connection_any_pair(conn)) == NULL ||
		    p->spi_out != spi_out)
			continue;
		/* Another host behind the same NAT may get what was for it. */
		if (who != NULL && keying_id_equal(who, &conn->peer_id))
			liveness_key_anew(conn,
			    "its peer has lost our outbound SA");
		else
			liveness_probe(conn, HINT_INTERVAL,
			    "somebody says that its peer has lost our SA");
		return;
	}
}

void
liveness_wake(struct core *c, uint64_t now, const char *why)
{
	struct connection *conn;
	struct sa_pair	  *p;
	unsigned	   n = 0;

	c->now = now;
	TAILQ_FOREACH(conn, &c->connections, all) {
		if (conn->state != CONNECTION_KEYED)
			continue;
		/* What nobody could use was not left unused. */
		conn->used = now;
		TAILQ_FOREACH(p, &conn->pairs, entry)
			p->used = now;
		conn->probe_at = 0;
		liveness_probe(conn, PROBE_INTERVAL, why);
		n++;
	}
	if (n != 0)
		log_info("%s: asking %u peer%s whether our SAs are still known",
		    why, n, plural(n));
}

static void
pair_move(struct sa_pair *p, const struct addr *peer, uint16_t port)
{
	struct core *c = p->connection->core;

	if (esp_pair_move(p->esp, peer, port) == -1)
		return;
	HASH_DELETE(hh_out, c->sad_out, p);
	p->out_key.dst = *peer;
	HASH_ADD(hh_out, c->sad_out, out_key, sizeof(p->out_key), p);
}

void
liveness_heard_from(struct sa_pair *p, const struct addr *peer, uint16_t port)
{
	const struct esp_params *out = esp_pair_params(p->esp, true);
	struct connection	*conn = p->connection;
	struct core		*c = conn->core;
	struct sa_pair		*other;
	bool			 elsewhere = !addr_equal(peer, &out->dst);

	/* What a replaced pair brings late says nothing of now. */
	if (!p->follows || p->linger != 0 || !addr_is_host(peer) ||
	    (!elsewhere && port == out->encap_dport))
		return;
	if (ratelimit_pass(&p->bad, c->now))
		log_info("%s: the NAT before %s maps anew: at %s, port %u",
		    ADDR_TEXT(&conn->key.dst.addr),
		    keying_id_text(&conn->peer_id), ADDR_TEXT(peer), port);
	/* The oldest first: of several the kernel sends on what came last. */
	TAILQ_FOREACH_REVERSE(other, &conn->pairs, sa_pairs, entry) {
		if (other->follows)
			pair_move(other, peer, port);
	}
	conn->path.peer = *peer;
	conn->path.peer_port = port;
	c->keying->moved(c->keying_arg, conn, &conn->path.peer, port);
	/* Is it there, or was it somebody who was quicker on the way? */
	if (elsewhere)
		liveness_moved(conn);
}

void
liveness_mapped(struct core *c, uint64_t now, uint32_t spi,
    const struct addr *dst, const struct addr *peer, uint16_t port)
{
	struct sa_pair *p;

	c->now = now;
	HASH_FIND(hh, c->sad, &spi, sizeof(spi), p);
	/* What is passed over the plane tells again, as it did not move. */
	if (p != NULL && ratelimit_pass(&p->mapped, now) &&
	    addr_equal(&esp_pair_params(p->esp, false)->dst, dst))
		liveness_heard_from(p, peer, port);
}
