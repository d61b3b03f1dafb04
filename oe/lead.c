/* lead.c - packets that may be sealed and opened before the engine sees them: when, and until when */
#include "config.h"

#include "net/ip.h"
#include "oe/connection.h"
#include "oe/lead.h"
#include "oe/pair.h"
#include "oe/pathmtu.h"
#include "oe/ports.h"

/* Blocks of ports as parts: of a protocol each, towards all that the peer has.
 * What is leased no more is not led. */
static bool
lead_parts(struct esp_lead *lead, const struct connection *conn,
    const struct sa_pair *p)
{
	const struct keying_selector *s;
	unsigned		      i;

	if (p->ours.n > ESP_PARTS_MAX || p->theirs.n != 1 ||
	    p->theirs.ts[0].protocol != 0 ||
	    !ports_lease_covers(conn, &p->ours))
		return false;
	for (i = 0; i < p->ours.n; i++) {
		s = &p->ours.ts[i];
		if (s->protocol == 0)
			return false;
		lead->part[i] = (struct esp_part){ s->protocol, s->port_from,
			s->port_to };
	}
	lead->nparts = p->ours.n;
	return true;
}

/* Between the two hosts nobody else has keys, or may be the peer. */
static bool
lead_is_alone(const struct connection *conn)
{
	const struct connection *other;

	if (conn->spd == NULL)
		return true;
	if (conn->spd->nshared != 0)
		return false;
	TAILQ_FOREACH(other, &conn->spd->connections, entry) {
		if (other != conn && !TAILQ_EMPTY(&other->pairs))
			return false;
	}
	return true;
}

bool
lead_likely(const struct connection *conn, const struct sa_pair *p)
{
	const struct core *c = conn->core;
	bool shares = c->shell->shares != NULL &&
	    c->shell->shares(c->shell_arg);

	return !addr_is_set(&p->inner) && spd_key_is_of_hosts(&conn->key) &&
	    lead_is_alone(conn) && (shares ? p->our_blocks &&
	    !p->their_blocks && !conn->by_flow : pair_is_whole(p));
}

/*
 * Is it the pair that any other packet would go on, in which there are the same
 * two hosts, and of ours one of its ports if it has some?  Of an address that
 * we share only ports are led: in a pair for all of it who sends what is
 * noted (session_note()).
 */
static bool
lead_is_first(const struct connection *conn, const struct sa_pair *p)
{
	const struct sa_pair *q, *first = NULL;

	if (!lead_likely(conn, p))
		return false;
	TAILQ_FOREACH(q, &conn->pairs, entry) {
		if (pair_is_flow(q) || (!p->our_blocks && !pair_is_whole(q)))
			return false;
		if (first == NULL && q->confirmed && !pair_is_whole(q))
			first = q;
	}
	return !p->our_blocks || first == p;
}

/* Neither flows, nor other hosts, nor other peers have keys of their own there,
 * and nothing is to be changed in a packet. */
static bool
lead_may(const struct connection *conn, const struct sa_pair *p,
    const struct packet_view *v)
{
	const struct spd_entry *e = conn->spd;

	return e->policy == SPD_ENCRYPT && conn->crossed == NULL &&
	    !pathmtu_doubts(conn) &&
	    addr_equal(&e->key.src.addr, &v->src) &&
	    addr_equal(&e->key.dst.addr, &v->dst) && lead_is_first(conn, p);
}

void
lead_begin(struct connection *conn, struct sa_pair *p,
    const struct packet_view *v, size_t mtu)
{
	struct spd_entry *e = conn->spd;
	struct esp_lead	  lead;

	if (p->unled || e == NULL || e->led != NULL || !lead_may(conn, p, v))
		return;
	lead = (struct esp_lead){ .src = v->src, .dst = v->dst, .mtu = mtu };
	p->unled = (p->our_blocks && !lead_parts(&lead, conn, p)) ||
	    !esp_pair_lead(p->esp, &lead);
	if (!p->unled)
		e->led = p->esp;
}
