/* plane.c - the forwarding plane: what happens to each datagram (draft -17 §3.1) */
#include "config.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>

#include "base/log.h"
#include "net/icmp.h"
#include "net/ip.h"
#include "oe/child.h"
#include "oe/classes.h"
#include "oe/connection.h"
#include "oe/ending.h"
#include "oe/esp/dataplane.h"
#include "oe/esp/esp.h"
#include "oe/flow.h"
#include "oe/initiator.h"
#include "oe/known.h"
#include "oe/lead.h"
#include "oe/liveness.h"
#include "oe/packet_cause.h"
#include "oe/pair.h"
#include "oe/pathmtu.h"
#include "oe/plane.h"
#include "oe/request.h"
#include "oe/room.h"
#include "oe/session.h"
#include "oe/session_keying.h"
#include "oe/translate.h"

#define PORT_DNS		53
#define PORT_DNS_TLS		853	/* RFC 7858 */
#define AGAIN		1000	/* milliseconds */

/* --- outbound ------------------------------------------------------------- */

static void
plane_hold(struct core *c, struct spd_entry *e, const struct packet_view *v)
{
	spd_keep(c, e->first == NULL ? &e->first : &e->last, e->cause, v);
}

static void
plane_pass(struct core *c, const struct packet_view *v)
{
	c->count.clear_out++;
	c->shell->send_clear(c->shell_arg, v);
}

/* An ICMP error to the host, from the address it has asked: our own it would
 * take for a forgery (RFC 1812 §5.3.7). */
static void
plane_answer(struct core *c, size_t mtu, const struct packet_view *v)
{
	struct packet_view error;
	uint8_t		   out[ICMP_ERROR_ROOM];

	if (ratelimit_pass(&c->icmp, c->now) && (mtu != 0 ?
	    icmp_write_too_big(out, &v->dst, mtu, v, &error) :
	    icmp_write_prohibited(out, &v->dst, v, &error)))
		c->shell->answer(c->shell_arg, &error);
}

/* The host is told, if wanted, that policy forbids it (§3.1: deny). */
static void
plane_deny(struct core *c, const struct packet_view *v)
{
	c->count.denied++;
	if (c->config->icmp_deny)
		plane_answer(c, 0, v);
}

/*
 * The connection for what no SA has claimed: its peer may speak for all of the
 * address, as its gateway (of several the one keyed last, §8) or as the one
 * host there.  NULL: none has keys now; or, where *shared, several hosts have
 * that right (§5.3), and nothing tells for which of them the packet is.
 */
static struct connection *
plane_choose(const struct spd_entry *e, bool *shared)
{
	struct connection *conn, *newest = NULL;
	unsigned	   n = 0, nshared = 0;

	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (conn->policy != SPD_ENCRYPT || !connection_decides(conn) ||
		    connection_any_pair(conn) == NULL)
			continue;
		n++;
		nshared += conn->shares;
		if (newest == NULL || connection_any_pair(conn)->born >
		    connection_any_pair(newest)->born)
			newest = conn;
	}
	*shared = n > 1 && nshared == n;
	return *shared ? NULL : newest;
}

/* Larger than the path takes, and not to be cut: the host is told what fits
 * (RFC 4301 §8.2). */
static void
plane_too_big(struct core *c, size_t mtu, const struct packet_view *v)
{
	c->count.dropped++;
	if (v->src.family == AF_INET6 && mtu < IP6_MTU_MIN)
		mtu = IP6_MTU_MIN;
	plane_answer(c, mtu, v);
}

/* In a pair whose peer has lent us an address a packet has that. */
static bool
plane_translated(const struct sa_pair *p, const struct packet_view *v,
    struct packet_view *out)
{
	struct core *c = p->connection->core;

	memcpy(c->translated, v->data, v->len);
	*out = *v;
	return translate_out(c->translated, out, &p->connection->key.src.addr,
	    &p->inner);
}

static void
plane_send(void *arg, const struct packet_view *v)
{
	struct sa_pair	  *p = arg;
	struct connection *conn = p->connection;
	struct core	  *c = conn->core;
	struct packet_view lent;
	int		   n;

	if (addr_is_set(&p->inner)) {
		if (!plane_translated(p, v, &lent)) {
			c->count.dropped++;
			return;
		}
		v = &lent;
	}
	n = esp_pair_send(p->esp, v);
	if (n < 0) {
		c->count.dropped++;
		if (n == ESP_E_OVERFLOW)
			request_rekey(conn, "sequence numbers used up");
		return;
	}
	c->count.esp_out++;
	if (n != ESP_PAST)
		liveness_sent(conn);
}

static void
plane_encrypt_on(struct connection *conn, const struct packet_view *v)
{
	struct core	  *c = conn->core;
	struct sa_pair	  *p;
	struct packet_view clamped;
	uint8_t		   syn[PATH_SYN_MAX];
	size_t		   mtu;

	if ((p = session_pair(conn, v)) == NULL) {
		if (!session_wait(conn, v))
			plane_deny(c, v);
		return;
	}
	conn->used = p->used = c->now;
	if (pair_is_whole(p))
		session_note(conn, v);
	conn->packets++;
	conn->bytes += v->len;
	pathmtu_sent(conn, p->esp, v);
	mtu = esp_pair_mtu(p->esp, pathmtu_of(conn));
	clamped = pathmtu_clamp(conn, mtu, v, syn);
	lead_begin(conn, p, v, mtu);
	if (v->len <= mtu) {
		plane_send(p, &clamped);
		return;
	}
	/* Every link of IPv6 takes so much, and no host can be told less (RFC
	 * 8200 §5): cut after it was encrypted. */
	if (v->src.family == AF_INET6 && v->len <= IP6_MTU_MIN) {
		esp_pair_cut(p->esp, pathmtu_of(conn));
		plane_send(p, &clamped);
		esp_pair_cut(p->esp, 0);
		return;
	}
	/* Cut before it is encrypted: the peer need not reassemble to
	 * decrypt.  In a flow's own SA only what names its ports is
	 * taken (RFC 4301 §7). */
	if (pair_is_flow(p) ||
	    ip_fragment(&clamped, mtu, plane_send, p) == -1)
		plane_too_big(c, mtu, v);
}

/* A packet that no SA has claimed, to an address that must be encrypted to. */
static void
plane_encrypt(struct core *c, struct spd_entry *e, const struct packet_view *v)
{
	struct connection *conn;
	bool		   shared;

	if ((conn = plane_choose(e, &shared)) != NULL) {
		if (e->nshared != 0)
			flow_sent(c, e, conn, v);
		plane_encrypt_on(conn, v);
		return;
	}
	if (!shared) {
		/* Keys are there, but the peer has not shown
		 * that it has them. */
		plane_hold(c, e, v);
		return;
	}
	if (TAILQ_FIRST(&e->connections)->class != OE_CLASS_PERMISSIVE) {
		c->count.dropped++;
		return;
	}
	flow_sent(c, e, NULL, v);
	plane_pass(c, v);
}

/* So much went in the clear, or nowhere. */
static void
plane_count(struct core *c, struct spd_entry *e, uint64_t packets,
    uint64_t bytes)
{
	struct connection *conn;

	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (!connection_decides(conn))
			continue;
		conn->used = c->now;
		conn->packets += packets;
		conn->bytes += bytes;
	}
}

static void
plane_forward(struct core *c, struct spd_entry *e, const struct packet_view *v)
{
	spd_used(c, e);
	switch (e->policy) {
	case SPD_ENCRYPT:
		plane_encrypt(c, e, v);
		return;
	case SPD_PASS:
		if (e->nshared != 0)
			flow_sent(c, e, NULL, v);
		plane_pass(c, v);
		break;
	case SPD_DENY:
		plane_deny(c, v);
		break;
	case SPD_HOLD:
	case SPD_NONE:
		plane_hold(c, e, v);
		return;
	}
	plane_count(c, e, 1, v->len);
}

void
plane_passed(struct core *c, uint64_t now, const struct addr *src,
    const struct addr *dst, const struct oe_passed *n)
{
	struct spd_entry *e;

	c->now = now;
	c->count.clear_out += n->packets_out;
	if ((e = spd_find(c, src, dst)) == NULL)
		return;
	spd_used(c, e);
	plane_count(c, e, n->packets_out, n->bytes_out);
}

/* Multicast and broadcast have no one peer; a resolver's packets must not wait
 * for an answer of that resolver (§5, DNS of our own). */
static bool
plane_never_captured(const struct core *c, const struct addr *dst)
{
	return !addr_is_host(dst) || core_is_resolver(c, dst) ||
	    addr_equal(dst, core_local(c, dst->family)) ||
	    (dst->family == AF_INET6 && addr_is_link_local(dst));
}

/* What neighbours and routers on a link say to each other (RFC 4861), as the
 * hop limit shows: without it nothing is sent, encrypted or not. */
static bool
plane_is_of_link(const struct packet_view *v)
{
	return v->dst.family == AF_INET6 && v->protocol == IPPROTO_ICMPV6 &&
	    v->ttl == 255 && v->frag == 0 && v->len > v->header &&
	    v->data[v->header] >= ND_ROUTER_SOLICIT &&
	    v->data[v->header] <= ND_REDIRECT;
}

/* The entry for a destination that has none yet, and its keying begun. */
static struct spd_entry *
plane_acquire(struct core *c, const struct packet_view *v,
    struct class_match *m, enum cause cause)
{
	const struct oe_tunnel *t = NULL;
	struct spd_entry       *e, *alias;
	struct spd_key		key, own;

	own = spd_key_of(&v->src, &v->dst);
	key = own;
	if (m->class == OE_CLASS_TUNNEL) {
		t = &c->config->tunnels[m->tunnel];
		key.dst = t->remote;
		if (addr_is_set(&t->local.addr))
			key.src = t->local;
		if (!prefix_contains(&key.src, &v->src))
			return NULL;
	}
	if ((e = room_entry(c, &key, cause)) == NULL)
		return NULL;
	if (e->policy == SPD_NONE)
		initiator_acquire(c, e, m);
	alias = t != NULL && memcmp(&key, &own, sizeof(key)) != 0 ?
	    room_entry(c, &own, cause) : NULL;
	/* Acquiring may have ended at once, and the entry with it; or it made
	 * room for its own alias. */
	HASH_FIND(hh, c->spd, &key, sizeof(key), e);
	if (e != NULL && TAILQ_EMPTY(&e->connections))
		e = NULL;
	if (alias != NULL) {
		alias->master = e;
		spd_settle(c, alias, true);
	}
	return e;
}

/* No entry can be made, and a limit opens nothing: whom we had keys with is not
 * spoken to in the clear; its packets are lost until there is room. */
static void
plane_no_room(struct core *c, const struct class_match *m,
    const struct packet_view *v)
{
	if (m->class == OE_CLASS_PERMISSIVE && known_has(c, &v->dst))
		c->count.held_back++;
	else if (m->class == OE_CLASS_PERMISSIVE || m->class == OE_CLASS_CLEAR)
		plane_pass(c, v);
	else
		plane_deny(c, v);
}

/*
 * A resolver on this host that we ask for keys cannot answer while its own
 * questions wait for them: what it asks begins no search and waits for none.
 * Who asks is known by the port alone, so only where clear text is allowed.
 */
static bool
plane_resolver_asks(const struct core *c, const struct packet_view *v)
{
	struct class_match m;
	uint16_t	    sport, dport;

	return c->resolver_here && core_is_own(c, &v->src) &&
	    packet_ports(v, &sport, &dport) &&
	    (dport == PORT_DNS || dport == PORT_DNS_TLS) &&
	    classes_find(c->config->classes, &v->dst, &m) == 0 &&
	    m.class == OE_CLASS_PERMISSIVE;
}

/* A peer that asked for nothing but flows, and not as one of several hosts
 * (those are flow_owner()'s), is answered on them. */
static struct connection *
plane_narrow(const struct spd_entry *e, const struct packet_view *v)
{
	struct connection *conn;

	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (conn->right != RIGHT_FLOWS && !connection_decides(conn) &&
		    session_pair(conn, v) != NULL)
			return conn;
	}
	return NULL;
}

void
plane_outbound(struct core *c, uint64_t now, const struct packet_view *v)
{
	struct class_match m;
	struct spd_entry   *e;
	struct connection  *conn;
	enum packet_cause   cause;

	c->now = now;
	if (plane_never_captured(c, &v->dst) || plane_is_of_link(v)) {
		plane_pass(c, v);
		return;
	}
	e = spd_find(c, &v->src, &v->dst);
	if (e != NULL && e->master != NULL) {
		spd_used(c, e);
		e = e->master;
	}
	/* RFC 3104 §3: where hosts share an address, first whose flow it is. */
	if (e != NULL && e->nshared != 0 &&
	    (conn = flow_owner(c, e, v)) != NULL) {
		spd_used(c, e);
		plane_encrypt_on(conn, v);
		return;
	}
	if (e != NULL && (conn = plane_narrow(e, v)) != NULL) {
		spd_used(c, e);
		plane_encrypt_on(conn, v);
		return;
	}
	if ((e == NULL || e->policy == SPD_NONE) &&
	    session_denies(c, v)) {
		plane_deny(c, v);
		return;
	}
	if ((e == NULL || e->policy == SPD_NONE || e->policy == SPD_HOLD) &&
	    plane_resolver_asks(c, v)) {
		plane_pass(c, v);
		return;
	}
	if (e == NULL || e->policy == SPD_NONE) {
		if (!core_has_local(c)) {
			c->count.dropped++;
			return;
		}
		if (classes_find(c->config->classes, &v->dst, &m) == -1) {
			plane_pass(c, v);
			return;
		}
		/* A tunnel's ends may be of another family. */
		if (m.class != OE_CLASS_TUNNEL &&
		    !addr_is_set(core_local(c, v->src.family))) {
			c->count.dropped++;
			return;
		}
		/* The source is not an address that we could speak for; what
		 * must not go in the clear does not, whoever sends it. */
		if (!core_is_ours(c, &v->src)) {
			if (m.class == OE_CLASS_CLEAR ||
			    m.class == OE_CLASS_PERMISSIVE)
				plane_pass(c, v);
			else
				plane_deny(c, v);
			return;
		}
		/* What anybody can make our kernel send begins nothing, unless
		 * it must not go in the clear. */
		cause = packet_cause(v);
		if (e == NULL && cause == PACKET_REFLEX &&
		    (m.class == OE_CLASS_CLEAR ||
		    (m.class == OE_CLASS_PERMISSIVE &&
		    !known_has(c, &v->dst)))) {
			plane_pass(c, v);
			return;
		}
		if ((e = plane_acquire(c, v, &m, cause == PACKET_ASKS ?
		    CAUSE_OURS : CAUSE_STRANGERS)) == NULL) {
			plane_no_room(c, &m, v);
			return;
		}
	}
	plane_forward(c, e, v);
}

/* --- what was held -------------------------------------------------------- */

/*
 * First and last datagram go out in the order they came (§3.1).  That of an
 * entry which has no connection any more ends with it.
 */
static void
plane_release_entry(struct core *c, struct spd_entry *e)
{
	struct datagram *d;

	while ((d = spd_released(e)) != NULL) {
		if (d->on != NULL)
			plane_encrypt_on(d->on, &d->view);
		else
			plane_forward(c, e, &d->view);
		if (d->once_more && e->policy == SPD_ENCRYPT)
			spd_keep_again(c, e, d);
		else
			spd_keep_no_more(c, &d);
	}
	if (TAILQ_EMPTY(&e->connections))
		connection_entry_free(c, e);
}

void
plane_release(struct core *c)
{
	struct spd_entry *e;

	while ((e = spd_next_ready(c)) != NULL)
		plane_release_entry(c, e);
}

void
plane_again(struct connection *conn)
{
	struct core	 *c = conn->core;
	struct spd_entry *e = conn->spd;
	struct datagram	 *d;

	if (e == NULL || e->again == NULL || c->now - e->again_at < AGAIN)
		return;
	d = e->again;
	e->again = NULL;
	/* Of what goes past us we hear later. */
	if (conn->heard < e->again_at && e->policy == SPD_ENCRYPT &&
	    !esp_policy_is_past(&conn->esp))
		plane_forward(c, e, &d->view);
	spd_keep_no_more(c, &d);
}

/* --- inbound -------------------------------------------------------------- */

/*
 * Clear packets are no less trusted than those of an OE tunnel, but what runs
 * encrypted, and who must encrypt, is not to be spoken for in
 * the clear (§12.1).
 */
bool
plane_inbound_clear(struct core *c, uint64_t now, const struct packet_view *v)
{
	struct connection *conn;
	struct class_match m;
	struct spd_entry   *e;

	c->now = now;
	if (plane_never_captured(c, &v->src) || plane_is_of_link(v) ||
	    !core_is_ours(c, &v->dst))
		return true;
	if (classes_find(c->config->classes, &v->src, &m) == 0 &&
	    (m.class == OE_CLASS_DENY || m.class == OE_CLASS_PARANOID ||
	    m.class == OE_CLASS_TUNNEL))
		goto refuse;
	e = spd_find(c, &v->dst, &v->src);
	if (e == NULL)
		return true;
	if (e->policy == SPD_DENY)
		goto refuse;
	if (e->policy == SPD_ENCRYPT) {
		/* ICMP errors of hosts on the way are not the
		 * peer's to encrypt. */
		TAILQ_FOREACH(conn, &e->connections, entry) {
			if (conn->policy == SPD_ENCRYPT &&
			    conn->peer_id.type == KEYING_ID_ADDR &&
			    addr_equal(&conn->peer_id.addr, &v->src))
				goto refuse;
		}
	} else {
		TAILQ_FOREACH(conn, &e->connections, entry) {
			if (conn->right != RIGHT_FLOWS)
				conn->used = now;
		}
	}
	if (e->nshared != 0 && !flow_hear_clear(c, e, v)) {
		c->count.flow_refused++;
		goto refuse;
	}
	e->used = now;
	return true;
refuse:
	c->count.clear_refused++;
	return false;
}

/* Only what was negotiated may come out of a tunnel (§13; RFC 4301 §5.2). */
static bool
plane_ingress(const struct sa_pair *p, struct packet_view *v)
{
	const struct core    *c = p->connection->core;
	const struct spd_key *key = &p->connection->key;

	return prefix_contains(&key->dst, &v->src) &&
	    (!addr_is_set(&p->inner) || translate_in(c->opened +
	    (v->data - c->opened), v, &p->inner, &key->src.addr)) &&
	    prefix_contains(&key->src, &v->dst) &&
	    pair_takes(p, v, true);
}

/*
 * A peer that has SAs which we have not believes in a past that we lost, or we
 * are lied to: keys are asked for anew, carefully (§3.2.6).
 */
static void
plane_unknown_spi(struct core *c, const struct packet_view *v, uint32_t spi)
{
	struct connection  *conn;
	struct class_match m;
	struct spd_entry   *e;
	struct spd_key	    key;

	c->count.unknown_spi++;
	if (!ratelimit_pass(&c->unknown_spi, c->now))
		return;
	log_info("ESP from %s with unknown SPI 0x%08x", ADDR_TEXT(&v->src),
	    spi);
	c->ops->unknown_spi(c->ops_arg, c->now, &v->src, spi);
	if (!addr_is_set(core_local(c, v->src.family)) ||
	    !c->config->initiate ||
	    classes_find(c->config->classes, &v->src, &m) == -1 ||
	    (m.class != OE_CLASS_PERMISSIVE && m.class != OE_CLASS_PARANOID))
		return;
	e = spd_find(c, core_local(c, v->src.family), &v->src);
	if (e == NULL) {
		key = spd_key_of(core_local(c, v->src.family), &v->src);
		if ((e = room_entry(c, &key, CAUSE_STRANGERS)) != NULL)
			initiator_acquire(c, e, &m);
		return;
	}
	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (conn->state == CONNECTION_KEYED && (conn->suspect_at == 0 ||
		    c->now - conn->suspect_at >= SUSPECT_INTERVAL)) {
			conn->suspect_at = c->now;
			request_rekey(conn, "unknown SPI from the peer");
			return;
		}
	}
}

/* Out of ESP, on a pair: is it what was negotiated?  Then the peer lives. */
static bool
plane_opened(struct sa_pair *p, struct packet_view *inner)
{
	struct connection *conn = p->connection;
	struct core	  *c = conn->core;

	if (!plane_ingress(p, inner)) {
		c->count.filtered++;
		if (ratelimit_pass(&p->bad, c->now))
			log_warn("peer %s sent what was not negotiated, "
			    "dropped", keying_id_text(&conn->peer_id));
		return false;
	}
	conn->used = p->used = c->now;
	conn->packets++;
	conn->bytes += inner->len;
	if (conn->spd != NULL)
		conn->spd->used = c->now;
	c->count.esp_in++;
	liveness_heard(conn);
	pathmtu_heard(conn, inner);
	return true;
}

static void
plane_to_host(struct sa_pair *p, const struct packet_view *inner)
{
	struct connection *conn = p->connection, *holder = NULL;
	struct core	  *c = conn->core;

	/* Only a peer that has its half can have sent this; what waited for
	 * that goes before what it sent. */
	if (!p->confirmed) {
		child_confirmed(conn, p->spi_in);
		plane_release(c);
	}
	if (conn->spd != NULL && conn->spd->nshared != 0 &&
	    !flow_hear(c, conn, inner, &holder)) {
		/* RFC 7619 §2.3: who began anew cannot say so; who was there
		 * before can be asked. */
		if (conn->anonymous && holder != NULL && holder->anonymous)
			liveness_doubt(holder);
		c->count.flow_refused++;
		if (ratelimit_pass(&p->bad, c->now))
			log_warn("peer %s sent on a flow that is another's, "
			    "dropped", keying_id_text(&conn->peer_id));
		return;
	}
	/* Heard on one, it lives for both. */
	if (conn->crossed != NULL) {
		conn->crossed->used = c->now;
		liveness_heard(conn->crossed);
	}
	c->shell->to_host(c->shell_arg, inner);
}

void
plane_inbound_esp(struct core *c, uint64_t now, const struct packet_view *v)
{
	struct sa_pair	  *p = NULL;
	struct packet_view inner;
	uint32_t	   spi;
	uint16_t	   sport, dport;
	bool		   newest;
	int		   n;

	c->now = now;
	if (!esp_spi(v, &spi)) {
		c->count.bad_esp++;
		return;
	}
	HASH_FIND(hh, c->sad, &spi, sizeof(spi), p);
	if (p == NULL) {
		plane_unknown_spi(c, v, spi);
		return;
	}
	n = esp_pair_open(p->esp, v, c->opened, IP_PACKET_MAX, &inner, &newest);
	if (n == ESP_E_DUMMY || n == ESP_E_PLANE)
		return;
	if (n < 0) {
		c->count.bad_esp++;
		if (ratelimit_pass(&p->bad, now))
			log_info("ESP SPI 0x%08x from %s dropped: %s", spi,
			    ADDR_TEXT(&v->src), n == ESP_E_REPLAY ? "replayed" :
			    n == ESP_E_AUTH ? "wrong ICV" : "malformed");
		return;
	}
	if (!plane_opened(p, &inner))
		return;
	if (p->follows && v->protocol == IPPROTO_UDP && newest &&
	    packet_ports(v, &sport, &dport))
		liveness_heard_from(p, &v->src, sport);
	plane_to_host(p, &inner);
}

void
plane_inbound_opened(struct core *c, uint64_t now, uint32_t spi,
    const struct packet_view *v)
{
	struct sa_pair	  *p = NULL;
	struct packet_view inner = *v;

	c->now = now;
	HASH_FIND(hh, c->sad, &spi, sizeof(spi), p);
	if (p != NULL && !addr_is_set(&p->inner) && plane_opened(p, &inner))
		plane_to_host(p, &inner);
}
