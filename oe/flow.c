/* flow.c - which security association each flow belongs to: session-oriented keying (RFC 3104 §3) */
#include "config.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/icmp.h"
#include "net/ip.h"
#include "oe/connection.h"
#include "oe/crossing.h"
#include "oe/flow.h"
#include "oe/pair.h"
#include "oe/ports.h"

/*
 * Kept for addresses that several hosts may share (spd_entry.nshared): a flow
 * belongs to the first security association, or to the clear, that it was heard
 * on, until it is idle.  Each connection has a budget of its own, and so has
 * the clear: whoever fills one loses nobody else's flows, and a full one
 * refuses new flows rather than forget which SA an old one had.
 */

#define TCP_HEADER_LEN	20
#define TCP_FLAGS	13
#define TCP_FIN		0x01
#define TCP_SYN		0x02
#define TCP_RST		0x04
#define TCP_ACK		0x10

#define EVICT_TRIES	64	/* of the longest unused, when a
				 * budget is used up */
/* How far two segments of one connection may be apart. */
#define TCP_NEAR	(1u << 20)

/* Milliseconds after which a flow may become another's (RFC 5382 REQ-5, RFC
 * 4787 REQ-5, RFC 5508 REQ-2); one in the clear has less to lose by that. */
#define IDLE_TCP	(7440 * 1000u)
#define IDLE_TCP_CLOSED	(60 * 1000u)
#define IDLE_ICMP	(60 * 1000u)
#define IDLE_OTHER	(300 * 1000u)
#define CLEAR_TCP	(60 * 1000u)
#define CLEAR_ICMP	(5 * 1000u)
#define CLEAR_OTHER	(30 * 1000u)
/* Before a peer begins flows other than TCP's beside one that the reverse map
 * names: so long that the other's were heard. */
#define SETTLE		CLEAR_OTHER

struct flow_key {
	struct addr ours, theirs;
	uint16_t our_port, their_port;	/* ICMP: identifier, 0 */
	uint8_t	 protocol;
	uint8_t	 we_ask;	/* ICMP queries: both sides count identifiers */
	uint16_t zero;
};

struct flow {
	UT_hash_handle	   hh;
	TAILQ_ENTRY(flow)  entry;	/* of its connection, or of the clear;
					 * longest unused first */
	struct flow_key	   key;
	struct connection *conn;	/* NULL: in the clear */
	struct spd_entry  *spd;
	uint64_t	   used;
	bool		   closed;	/* TCP's FIN or RST was seen */
	bool		   proven;	/* else heard in the middle of
					 * a TCP connection */
	bool		   asked;	/* TCP: our SYN went out, and our_seq
					 * is known */
	bool		   counted;	/* what follows is known */
	uint32_t	   our_seq, their_seq;	/* TCP: what either
						 * side sends next */
};

/* What a packet says of its flow. */
struct flow_packet {
	struct flow_key key;
	bool	 error;			/* an ICMP error about the flow */
	bool	 answers;		/* an answer to a query */
	bool	 begins;		/* TCP: a new connection */
	bool	 closes;
	bool	 asks;			/* TCP: our own SYN */
	bool	 counted;
	uint32_t our_seq, their_seq;
};

/* --- what flow a packet is of --------------------------------------------- */

static void
read_tcp(const uint8_t *tcp, size_t len, bool in, struct flow_packet *p)
{
	uint32_t end, ack;
	uint8_t	 flags;
	size_t	 header;

	if (len < TCP_HEADER_LEN)
		return;
	flags = tcp[TCP_FLAGS];
	header = (size_t)(tcp[12] >> 4) * 4;
	p->begins = (flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	p->closes = (flags & (TCP_FIN | TCP_RST)) != 0;
	p->asks = p->begins && !in;
	if (p->asks)
		p->our_seq = load_u32(tcp + 4) + 1;
	if (!(flags & TCP_ACK) || header > len)
		return;
	end = load_u32(tcp + 4);
	ack = load_u32(tcp + 8);
	/* Of ours the end counts: what they will acknowledge. */
	if (!in)
		end += (uint32_t)(len - header) + ((flags & TCP_SYN) != 0) +
		    ((flags & TCP_FIN) != 0);
	p->counted = true;
	p->our_seq = in ? ack : end;
	p->their_seq = in ? end : ack;
}

/* The key of what stands behind an IP header; in: it travels towards us.  len
 * may be cut short, as in the quotation of an error. */
static bool
read_key(const uint8_t *p, size_t len, uint8_t protocol, bool in,
    struct flow_packet *out)
{
	struct flow_key *k = &out->key;
	uint8_t		 type;

	k->protocol = protocol;
	if (protocol == IPPROTO_ICMPV6) {
		if (len < ICMP_HEADER_LEN)
			return false;
		if (p[0] == ICMP6_ECHO_REQUEST || p[0] == ICMP6_ECHO_REPLY) {
			out->answers = p[0] == ICMP6_ECHO_REPLY;
			k->our_port = load_u16(p + 4);
			k->we_ask = in == out->answers;
		}
		return true;
	}
	if (protocol == IPPROTO_ICMP) {
		if (len < ICMP_HEADER_LEN)
			return false;
		type = p[0];
		/* Echo; then time stamp, information, mask: 13 asks, 14
		 * answers, and so on. */
		if (type == ICMP_ECHO || type == ICMP_ECHOREPLY ||
		    (type >= 13 && type <= 18)) {
			out->answers = type == ICMP_ECHOREPLY ||
			    (type >= 13 && type % 2 == 0);
			k->our_port = load_u16(p + 4);
			k->we_ask = in == out->answers;
		}
		return true;
	}
	if (protocol == 6 || protocol == 17) {
		if (len < 4)
			return false;
		k->our_port = load_u16(p + (in ? 2 : 0));
		k->their_port = load_u16(p + (in ? 0 : 2));
	}
	return true;
}

static bool
is_icmp_error(uint8_t protocol, uint8_t type)
{
	if (protocol == IPPROTO_ICMPV6)
		return type < 128;	/* RFC 4443 §2.1 */
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

static bool
is_icmp(uint8_t protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/* An error travels against the packet that it quotes (RFC 792). */
static bool
read_quotation(const struct packet_view *v, bool in, struct flow_packet *p)
{
	size_t		   skip = v->header + ICMP_HEADER_LEN;
	struct packet_view q;

	if (!packet_parse_quoted(&q, v->data + skip, v->len - skip) ||
	    q.frag != 0)
		return false;
	p->error = true;
	p->key.ours = in ? q.src : q.dst;
	p->key.theirs = in ? q.dst : q.src;
	return read_key(q.data + q.header, q.len - q.header, q.protocol, !in,
	    p);
}

/* False if nothing in it tells: a later fragment, or cut short. */
static bool
flow_read(const struct packet_view *v, bool in, struct flow_packet *p)
{
	const uint8_t *body = v->data + v->header;
	size_t	       len = v->len - v->header;

	memset(p, 0, sizeof(*p));
	if (v->frag != 0)
		return false;
	if (is_icmp(v->protocol) && len >= ICMP_HEADER_LEN &&
	    is_icmp_error(v->protocol, body[0]))
		return read_quotation(v, in, p);
	p->key.ours = in ? v->dst : v->src;
	p->key.theirs = in ? v->src : v->dst;
	if (!read_key(body, len, v->protocol, in, p))
		return false;
	if (v->protocol == 6)
		read_tcp(body, len, in, p);
	return true;
}

/* --- the table ------------------------------------------------------------ */

static struct flow *
flow_get(const struct core *c, const struct flow_key *k)
{
	struct flow *f;

	HASH_FIND(hh, c->flows, k, sizeof(*k), f);
	return f;
}

static struct flow_list *
owner_of(struct spd_entry *e, struct connection *conn)
{
	return conn != NULL ? &conn->flows : &e->clear_flows;
}

static void
flow_leave(struct core *c, struct flow *f)
{
	struct flow_list *o = owner_of(f->spd, f->conn);

	TAILQ_REMOVE(&o->list, f, entry);
	o->n--;
	c->nflows[f->conn == NULL]--;
}

static void
flow_enter(struct core *c, struct flow *f, struct spd_entry *e,
    struct connection *conn)
{
	struct flow_list *o = owner_of(e, conn);

	f->spd = e;
	f->conn = conn;
	f->used = c->now;
	TAILQ_INSERT_TAIL(&o->list, f, entry);
	o->n++;
	c->nflows[conn == NULL]++;
}

static void
flow_free(struct core *c, struct flow *f)
{
	flow_leave(c, f);
	HASH_DEL(c->flows, f); /* NOLINT(clang-analyzer-core.NullDereference) */
	free(f);
}

static void
flow_used(struct core *c, struct flow *f, const struct flow_packet *p)
{
	struct flow_list *o = owner_of(f->spd, f->conn);

	f->used = c->now;
	TAILQ_REMOVE(&o->list, f, entry);
	TAILQ_INSERT_TAIL(&o->list, f, entry);
	f->closed = (f->closed || p->closes) && !p->begins;
	if (p->asks) {
		f->asked = true;
		f->our_seq = p->our_seq;
	}
	if (p->counted) {
		f->counted = true;
		f->our_seq = p->our_seq;
		f->their_seq = p->their_seq;
	}
}

static bool
flow_idle(const struct core *c, const struct flow *f, bool clear)
{
	uint64_t most;

	if (f->key.protocol == 6)
		most = clear ? CLEAR_TCP : f->closed ? IDLE_TCP_CLOSED :
		    IDLE_TCP;
	else if (is_icmp(f->key.protocol))
		most = clear ? CLEAR_ICMP : IDLE_ICMP;
	else
		most = clear ? CLEAR_OTHER : IDLE_OTHER;
	return c->now - f->used >= most;
}

/* Room for one more, perhaps in place of one that nothing is expected of. */
static bool
flow_room(struct core *c, struct spd_entry *e, struct connection *conn)
{
	struct flow_list *o = owner_of(e, conn);
	struct flow	  *f;
	unsigned	   i = 0;

	if (o->n < FLOWS_PER_OWNER && c->nflows[conn == NULL] < FLOWS_MAX)
		return true;
	TAILQ_FOREACH(f, &o->list, entry) {
		if (conn == NULL || flow_idle(c, f, f->key.protocol != 6)) {
			flow_free(c, f);
			return true;
		}
		if (++i == EVICT_TRIES)
			break;
	}
	return false;
}

static bool
flow_add(struct core *c, struct spd_entry *e, struct connection *conn,
    const struct flow_packet *p, bool proven)
{
	struct flow *f;

	if (!flow_room(c, e, conn)) {
		c->count.limits++;
		return false;
	}
	f = xcalloc(1, sizeof(*f));
	f->key = p->key;
	f->proven = proven;
	flow_enter(c, f, e, conn);
	flow_used(c, f, p);
	HASH_ADD(hh, c->flows, key, sizeof(f->key), f);
	return true;
}

static bool
flow_move(struct core *c, struct flow *f, struct spd_entry *e,
    struct connection *conn, const struct flow_packet *p, bool proven)
{
	if (!flow_room(c, e, conn)) {
		c->count.limits++;
		return false;
	}
	/* Making room may have taken this very one. */
	if (flow_get(c, &p->key) != f)
		return flow_add(c, e, conn, p, proven);
	flow_leave(c, f);
	f->closed = false;
	f->proven = proven;
	flow_enter(c, f, e, conn);
	flow_used(c, f, p);
	return true;
}

/* --- whose flow it is ----------------------------------------------------- */

/* Sequence numbers are what somebody who is not on the path of a TCP connection
 * does not know of it (RFC 5961 §1). */
static bool
same_tcp(const struct flow *f, const struct flow_packet *p)
{
	return f->counted && p->counted &&
	    p->our_seq - f->our_seq + TCP_NEAR < 2 * TCP_NEAR &&
	    p->their_seq - f->their_seq + TCP_NEAR < 2 * TCP_NEAR;
}

/* Does who sent this know what went over f's own SA, as well as can be seen? */
static bool
knows_flow(const struct flow *f, const struct flow_packet *p)
{
	if (p->error)
		return false;
	return p->key.protocol != 6 || same_tcp(f, p) || (!f->counted &&
	    f->asked && p->counted && p->our_seq == f->our_seq);
}

/* May a flow that others have become conn's by this packet from its SA? */
static bool
flow_yields(const struct core *c, const struct flow *f,
    const struct connection *conn, const struct flow_packet *p)
{
	bool right = conn->right != RIGHT_FLOWS;

	if (f->conn == NULL)
		return right || flow_idle(c, f, true) || same_tcp(f, p);
	/* A peer that the reverse map names goes before others. */
	if (right != (f->conn->right != RIGHT_FLOWS))
		return right;
	return !f->proven || flow_idle(c, f, false);
}

static bool
named_is_keyed(const struct spd_entry *e)
{
	const struct connection *conn;

	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (conn->state == CONNECTION_KEYED && !conn->anonymous &&
		    conn->right != RIGHT_FLOWS)
			return true;
	}
	return false;
}

bool
flow_hear(struct core *c, struct connection *conn, const struct packet_view *v,
    struct connection **holder)
{
	struct spd_entry  *e = conn->spd;
	struct connection *owner;
	struct flow_packet p;
	struct flow	  *f;
	bool		   right, proven;

	/* The first fragment decided for later ones; alone they are nothing. */
	if (!flow_read(v, true, &p))
		return true;
	f = flow_get(c, &p.key);
	if (f != NULL && f->conn != NULL && knows_flow(f, &p) &&
	    crossing_may_be(conn, f->conn))
		crossing_join(conn, f->conn);
	conn = crossing_ours(conn);
	right = conn->right != RIGHT_FLOWS;
	if (f != NULL && f->conn == conn) {
		if (!p.error)
			flow_used(c, f, &p);
		if (p.begins)
			f->proven = true;
		return true;
	}
	owner = ports_owner(e, p.key.protocol, p.key.their_port);
	if (owner != NULL && owner != conn && (!right || owner->right !=
	    RIGHT_FLOWS)) {
		*holder = owner;
		return false;
	}
	if (f != NULL && !flow_yields(c, f, conn, &p)) {
		*holder = f->conn;
		return false;
	}
	/* Errors and answers to nothing that we know of begin no flow. */
	if (p.error || (f == NULL && p.answers))
		return true;
	if (f == NULL && owner != conn && !right && p.key.protocol != 6 &&
	    !is_icmp(p.key.protocol) && named_is_keyed(e) &&
	    c->now - e->shared_since < SETTLE)
		return false;
	proven = right || owner == conn || p.key.protocol != 6 || p.begins ||
	    (f != NULL && f->conn == NULL && same_tcp(f, &p));
	/* All of the address is the named one's, learnt or not. */
	return (f == NULL ? flow_add(c, e, conn, &p, proven) :
	    flow_move(c, f, e, conn, &p, proven)) || right || owner == conn;
}

bool
flow_hear_clear(struct core *c, struct spd_entry *e,
    const struct packet_view *v)
{
	struct flow_packet p;
	struct flow	  *f;

	if (!flow_read(v, true, &p))
		return true;
	f = flow_get(c, &p.key);
	/* While the SA lives, idle or not: encryption is not taken from it.
	 * Who was granted a port and says nothing from it shuts nobody out. */
	if (f != NULL && f->conn != NULL)
		return false;
	if (f != NULL)
		flow_used(c, f, &p);
	else if (!p.error && !p.answers)
		flow_add(c, e, NULL, &p, true);
	return true;
}

/* --- outbound ------------------------------------------------------------- */

/* The first fragment has the ports; the others follow it. */
static void
fragment_note(struct core *c, const struct packet_view *v,
    struct connection *conn)
{
	struct flow_fragment *f;

	f = &c->fragments[c->fragment++ % FRAGMENTS_MAX];
	f->src = v->src;
	f->dst = v->dst;
	f->id = v->id;
	f->protocol = v->protocol;
	f->conn = conn;
}

static struct connection *
fragment_find(const struct core *c, const struct packet_view *v)
{
	const struct flow_fragment *f;
	unsigned		    i;

	for (i = 1; i <= FRAGMENTS_MAX; i++) {
		f = &c->fragments[(c->fragment - i) % FRAGMENTS_MAX];
		if (addr_equal(&f->src, &v->src) &&
		    addr_equal(&f->dst, &v->dst) && f->id == v->id &&
		    f->protocol == v->protocol)
			return f->conn;
	}
	return NULL;
}

/* Is the packet on the flow that an SA was heard with? */
static bool
flow_is_of(struct core *c, struct spd_entry *e, struct flow *f,
    const struct flow_packet *p)
{
	if (f->conn->spd != e || connection_any_pair(f->conn) == NULL)
		return false;
	if (p->error)
		return true;
	/* What we begin ourselves is no answer to anything that it said. */
	if (p->begins && f->conn->right == RIGHT_FLOWS) {
		flow_free(c, f);
		return false;
	}
	if (!f->proven && !same_tcp(f, p)) {
		flow_move(c, f, e, NULL, p, true);
		return false;
	}
	f->proven = true;
	flow_used(c, f, p);
	return true;
}

struct connection *
flow_owner(struct core *c, struct spd_entry *e, const struct packet_view *v)
{
	struct connection *conn = NULL;
	struct flow_packet p;
	struct flow	  *f;
	bool		   clear;

	if (v->frag != 0)
		return fragment_find(c, v);
	if (!flow_read(v, false, &p))
		return NULL;
	f = flow_get(c, &p.key);
	clear = f != NULL && f->conn == NULL;
	if (f != NULL && f->conn != NULL) {
		conn = f->conn;
		if (!flow_is_of(c, e, f, &p))
			conn = NULL;
	} else if (f != NULL && !p.error) {
		flow_used(c, f, &p);
	}
	/* What was granted needs not be heard first. */
	if (conn == NULL && !clear)
		conn = ports_owner(e, p.key.protocol, p.key.their_port);
	if (v->more)
		fragment_note(c, v, conn);
	return conn;
}

void
flow_sent(struct core *c, struct spd_entry *e, struct connection *conn,
    const struct packet_view *v)
{
	struct flow_packet p;
	struct flow	  *f;

	if (!flow_read(v, false, &p) || p.error)
		return;
	f = flow_get(c, &p.key);
	if (f == NULL)
		flow_add(c, e, conn, &p, true);
	else if (f->conn == NULL && conn != NULL)
		flow_move(c, f, e, conn, &p, true);
}

struct connection *
flow_peek(const struct core *c, const struct addr *ours,
    const struct addr *theirs,
    uint8_t protocol, uint16_t our_port, uint16_t their_port)
{
	struct flow_key k;
	struct flow    *f;

	memset(&k, 0, sizeof(k));
	k.ours = *ours;
	k.theirs = *theirs;
	k.protocol = protocol;
	k.our_port = our_port;
	k.their_port = their_port;
	f = flow_get(c, &k);
	return f != NULL && f->proven ? f->conn : NULL;
}

/* --- the end -------------------------------------------------------------- */

void
flow_give(struct core *c, struct connection *from, struct connection *to)
{
	struct flow_list *o = &from->flows;
	struct flow	 *f;

	while ((f = TAILQ_FIRST(&o->list)) != NULL) {
		if (!flow_room(c, f->spd, to))
			break;
		TAILQ_REMOVE(&o->list, f, entry);
		o->n--;
		f->conn = to;
		TAILQ_INSERT_TAIL(&to->flows.list, f, entry);
		to->flows.n++;
	}
}

void
flow_forget(struct core *c, struct connection *conn)
{
	struct flow *f;
	unsigned     i;

	while ((f = TAILQ_FIRST(&conn->flows.list)) != NULL)
		flow_free(c, f);
	for (i = 0; i < FRAGMENTS_MAX; i++) {
		if (c->fragments[i].conn == conn)
			c->fragments[i].conn = NULL;
	}
}

void
flow_forget_clear(struct core *c, struct spd_entry *e)
{
	struct flow *f;

	while ((f = TAILQ_FIRST(&e->clear_flows.list)) != NULL)
		flow_free(c, f);
}
