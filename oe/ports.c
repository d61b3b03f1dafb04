/* ports.c - blocks of ports as selectors, asked for and granted (RFC 3102 §4; RFC 7296 §2.9) */
#include "config.h"

#include <netinet/in.h>
#include <stdio.h>

#include "base/queue.h"
#include "oe/core.h"
#include "oe/ports.h"

/* TCP and UDP for each, and ICMP. */
#define BLOCKS_MAX	((KEYING_SELECTORS_MAX - 1) / 2)

static bool
has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* A part of a protocol's ports. */
static bool
is_part(const struct keying_selector *s)
{
	return has_ports(s->protocol) && keying_selector_port(s) != 0;
}

bool
ports_are_blocks(const struct keying_selectors *side)
{
	unsigned i;

	if (side->n == 1)
		return is_part(&side->ts[0]) &&
		    keying_selector_port(&side->ts[0]) == -1;
	for (i = 0; i < side->n; i++) {
		if (is_part(&side->ts[i]))
			return true;
	}
	return false;
}

static const char *
protocol_text(uint8_t protocol, char *out, size_t cap)
{
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ||
	    protocol == IPPROTO_ICMP)
		return protocol == IPPROTO_TCP ? "tcp" :
		    protocol == IPPROTO_UDP ? "udp" : "icmp";
	snprintf(out, cap, "protocol %u", protocol);
	return out;
}

void
ports_text(const struct keying_selectors *side, char *out, size_t cap)
{
	const struct keying_selector *s;
	char			      name[16];
	size_t			      n = 0;
	unsigned		      i;

	*out = '\0';
	for (i = 0; i < side->n && n < cap; i++) {
		s = &side->ts[i];
		n += (size_t)snprintf(out + n, cap - n, "%s%s",
		    i != 0 ? ", " : "", protocol_text(s->protocol, name,
		    sizeof(name)));
		if (n >= cap || keying_selector_port(s) == 0)
			continue;
		n += (size_t)(s->port_from == s->port_to ?
		    snprintf(out + n, cap - n, " %u", s->port_from) :
		    snprintf(out + n, cap - n, " %u-%u", s->port_from,
		    s->port_to));
	}
}

/* --- as one of several hosts ---------------------------------------------- */

static struct keying_selector
block_of(const struct addr *a, uint8_t protocol, const struct port_block *b)
{
	struct keying_selector s = keying_selector_host(a, protocol, 0);

	s.port_from = b->lo;
	s.port_to = b->hi;
	return s;
}

bool
ports_leased(const struct connection *conn, struct keying_selectors *ours)
{
	const struct core *c = conn->core;
	struct port_block  b[BLOCKS_MAX];
	unsigned	   i, n;

	if (c->shell->ports == NULL || conn->key.src.addr.family != AF_INET ||
	    (n = c->shell->ports(c->shell_arg, &conn->key.dst.addr, b,
	    BLOCKS_MAX)) == 0)
		return false;
	ours->n = 0;
	for (i = 0; i < n; i++)
		ours->ts[ours->n++] = block_of(&conn->key.src.addr,
		    IPPROTO_TCP, &b[i]);
	for (i = 0; i < n; i++)
		ours->ts[ours->n++] = block_of(&conn->key.src.addr,
		    IPPROTO_UDP, &b[i]);
	ours->ts[ours->n++] = keying_selector_host(&conn->key.src.addr,
	    IPPROTO_ICMP, 0);
	return true;
}

static bool
names(const struct keying_selectors *side, uint8_t protocol, uint16_t port)
{
	const struct keying_selector *s;
	unsigned		      i;

	for (i = 0; i < side->n; i++) {
		s = &side->ts[i];
		if (s->protocol == protocol && port >= s->port_from &&
		    port <= s->port_to)
			return true;
	}
	return false;
}

bool
ports_name(const struct keying_selectors *ours,
    const struct keying_selector *flow)
{
	return names(ours, flow->protocol, flow->port_from);
}

/* Are all of the one in one of the others? */
static bool
lies_in(const struct keying_selector *one, const struct keying_selectors *side)
{
	unsigned i;

	for (i = 0; i < side->n; i++) {
		if (side->ts[i].protocol == one->protocol &&
		    side->ts[i].port_from <= one->port_from &&
		    side->ts[i].port_to >= one->port_to)
			return true;
	}
	return false;
}

bool
ports_lease_covers(const struct connection *conn,
    const struct keying_selectors *ours)
{
	struct keying_selectors leased;
	unsigned		i;

	if (!ports_leased(conn, &leased))
		return false;
	for (i = 0; i < ours->n; i++) {
		if (!lies_in(&ours->ts[i], &leased))
			return false;
	}
	return true;
}

bool
ports_lease_has(const struct connection *conn,
    const struct keying_selector *flow)
{
	struct keying_selectors ours;

	return ports_leased(conn, &ours) &&
	    names(&ours, flow->protocol, flow->port_from);
}

bool
ports_granted(const struct keying_selectors *ours)
{
	bool	 tcp = false, udp = false;
	unsigned i;

	for (i = 0; i < ours->n; i++) {
		if (ours->ts[i].protocol == 0)
			return true;
		tcp |= ours->ts[i].protocol == IPPROTO_TCP;
		udp |= ours->ts[i].protocol == IPPROTO_UDP;
	}
	return tcp && udp;
}

/* --- as their peer -------------------------------------------------------- */

struct connection *
ports_owner(const struct spd_entry *e, uint8_t protocol, uint16_t port)
{
	struct connection    *conn;
	const struct sa_pair *p;

	if (!has_ports(protocol))
		return NULL;
	TAILQ_FOREACH(conn, &e->connections, entry) {
		TAILQ_FOREACH(p, &conn->pairs, entry) {
			if (p->their_blocks && names(&p->theirs, protocol,
			    port))
				return conn;
		}
	}
	return NULL;
}

static bool
overlap(const struct keying_selectors *a, const struct keying_selectors *b)
{
	const struct keying_selector *s, *t;
	unsigned		      i, k;

	for (i = 0; i < a->n; i++) {
		for (k = 0; k < b->n; k++) {
			s = &a->ts[i];
			t = &b->ts[k];
			if (is_part(s) && is_part(t) &&
			    s->protocol == t->protocol &&
			    s->port_from <= t->port_to &&
			    t->port_from <= s->port_to)
				return true;
		}
	}
	return false;
}

struct connection *
ports_holder(const struct spd_entry *e, const struct keying_id *id,
    const struct keying_selectors *theirs)
{
	struct connection    *conn;
	const struct sa_pair *p;

	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (keying_id_equal(&conn->peer_id, id))
			continue;
		TAILQ_FOREACH(p, &conn->pairs, entry) {
			if (p->their_blocks && overlap(&p->theirs, theirs))
				return conn;
		}
	}
	return NULL;
}

unsigned
ports_count(const struct keying_selectors *theirs)
{
	const struct keying_selector *s;
	unsigned		      n[2] = { 0, 0 }, i;

	for (i = 0; i < theirs->n; i++) {
		s = &theirs->ts[i];
		if (has_ports(s->protocol))
			n[s->protocol == IPPROTO_UDP] += s->port_to -
			    (unsigned)s->port_from + 1;
	}
	return n[0] > n[1] ? n[0] : n[1];
}

void
ports_take(struct connection *holder, const struct keying_selectors *theirs)
{
	struct core    *c = holder->core;
	struct sa_pair *p, *next;

	TAILQ_FOREACH_SAFE(p, &holder->pairs, entry, next) {
		if (!p->their_blocks || !overlap(&p->theirs, theirs))
			continue;
		c->keying->delete_child(c->keying_arg, c->now, p->spi_in);
		pair_free(p);
	}
}
