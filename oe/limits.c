/* limits.c - who may fill which table, what makes room in it, and whose packets then wait */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/util.h"
#include "net/ip.h"
#include "oe/connection.h"
#include "oe/limits.h"
#include "oe/report.h"

#define TCP_FLAGS	13
#define TCP_SYN		0x02
#define TCP_RST		0x04
#define TCP_ACK		0x10
#define ICMP_ECHO	8
#define PORT_SERVICE	1024	/* below: a service, as a rule */

#define KNOWN_SETS	1024
#define KNOWN_WAYS	8

/* Peers with keys, of late or in DNS: a cache of fixed size. */
struct known {
	uint32_t addr;		/* 0: free */
	uint64_t used;
};

/* --- why a packet is sent ----------------------------------------------------- */

static enum packet_cause
cause_of_tcp(uint8_t flags)
{
	if (flags & TCP_RST)
		return PACKET_REFLEX;
	if ((flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK))
		return PACKET_REFLEX;
	/* Past the handshake both ends have shown that they receive. */
	return PACKET_ASKS;
}

enum packet_cause
limits_cause(const uint8_t *pkt, size_t len)
{
	struct ip_info ip;
	uint16_t       sport, dport;

	if (!ip_parse(pkt, len, &ip) || ip.frag != 0)
		return PACKET_ASKS;
	if (ip.protocol == 1) {
		/* Requests have a program behind them, all else a packet. */
		return ip.total > ip.header && pkt[ip.header] == ICMP_ECHO ?
		    PACKET_ASKS : PACKET_REFLEX;
	}
	if (ip.protocol == 6)
		return ip.total > ip.header + TCP_FLAGS ?
		    cause_of_tcp(pkt[ip.header + TCP_FLAGS]) : PACKET_ASKS;
	if (!ip_ports(pkt, &ip, &sport, &dport))
		return PACKET_ASKS;
	return sport < PORT_SERVICE && dport >= PORT_SERVICE ?
	    PACKET_ANSWERS : PACKET_ASKS;
}

/* --- budgets ------------------------------------------------------------------- */

/* Strangers have half of what there is; we have what they left, all if need be. */
static bool
budget_left(const struct core *c, const unsigned n[CAUSES], enum cause cause)
{
	unsigned max = c->config->connections_max;

	if (cause == CAUSE_STRANGERS && n[CAUSE_STRANGERS] >= max / 2)
		return false;
	return n[CAUSE_OURS] + n[CAUSE_STRANGERS] < max;
}

static void
entry_evict(struct core *c, struct spd_entry *e)
{
	struct connection *conn, *next;

	c->count.evicted++;
	if (TAILQ_EMPTY(&e->connections)) {
		spd_free(c, e);
		return;
	}
	/* With the last of them the entry goes. */
	for (conn = TAILQ_FIRST(&e->connections); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, entry);
		connection_free(conn, false);
	}
}

static struct spd_entry *
longest_unused(const struct core *c, enum cause cause,
    const struct spd_entry *keep)
{
	struct spd_entry *e = TAILQ_FIRST(&c->settled[cause]);

	return e != NULL && e == keep ? TAILQ_NEXT(e, settled_entry) : e;
}

/* The longest unused entry gives way, but for keep: a stranger's, or, for us,
 * then ours. */
static bool
evict_one(struct core *c, enum cause cause, const struct spd_entry *keep)
{
	struct spd_entry *e = longest_unused(c, CAUSE_STRANGERS, keep);

	if (e == NULL && cause == CAUSE_OURS)
		e = longest_unused(c, CAUSE_OURS, keep);
	if (e == NULL)
		return false;
	entry_evict(c, e);
	return true;
}

bool
limits_entry_room(struct core *c, enum cause cause)
{
	return budget_left(c, c->nentries, cause) ||
	    (evict_one(c, cause, NULL) &&
	    budget_left(c, c->nentries, cause));
}

bool
limits_connection_room(struct core *c, enum cause cause,
    const struct spd_entry *e)
{
	return budget_left(c, c->nconnections, cause) ||
	    (evict_one(c, cause, e) &&
	    budget_left(c, c->nconnections, cause));
}

/* Keys that a peer brought: may they go?  Of somebody else's only what is not in
 * use; and never a peer's whose flows alone are encrypted, while it has some: what
 * we would send on these is not known to be its any more. */
static bool
keyed_may_go(const struct connection *conn, const struct spd_entry *keep,
    bool own)
{
	return conn->cause == CAUSE_STRANGERS &&
	    conn->state == CONNECTION_KEYED && conn->class != OE_CLASS_TUNNEL &&
	    (keep == NULL ? conn->spd->nconnections == 1 :
	    conn->spd != keep || keep->nconnections > 1) &&
	    (conn->right != RIGHT_FLOWS || conn->flows.n == 0) &&
	    (own || !connection_recently_used(conn));
}

bool
limits_keyed_evict(struct core *c, const struct keying_id *id,
    const struct spd_entry *e)
{
	struct connection *conn, *victim = NULL;
	bool		   own, victim_own = false;

	TAILQ_FOREACH(conn, &c->connections, all) {
		own = keying_id_equal(&conn->peer_id, id);
		if (!keyed_may_go(conn, e, own) || (victim_own && !own))
			continue;
		if (victim == NULL || own != victim_own ||
		    conn->used < victim->used) {
			victim = conn;
			victim_own = own;
		}
	}
	if (victim == NULL)
		return false;
	c->count.evicted++;
	report_event(c, victim, "expired");
	connection_free(victim, true);
	return true;
}

/* --- what may give way ----------------------------------------------------------- */

/* Clear text and denial are found out again; keys and searches are not lost. */
static bool
entry_is_settled(const struct spd_entry *e)
{
	const struct connection *conn;

	if (e->master != NULL)
		return true;
	if (TAILQ_EMPTY(&e->connections))
		return false;
	TAILQ_FOREACH(conn, &e->connections, entry) {
		if (conn->state != CONNECTION_CLEAR &&
		    conn->state != CONNECTION_DENY &&
		    conn->state != CONNECTION_EXPIRING)
			return false;
	}
	return true;
}

void
limits_entry_changed(struct core *c, struct spd_entry *e)
{
	bool settled = entry_is_settled(e);

	if (settled == e->settled)
		return;
	e->settled = settled;
	if (settled)
		TAILQ_INSERT_TAIL(&c->settled[e->cause], e, settled_entry);
	else
		TAILQ_REMOVE(&c->settled[e->cause], e, settled_entry);
}

void
limits_entry_used(struct core *c, struct spd_entry *e)
{
	e->used = c->now;
	if (!e->settled)
		return;
	TAILQ_REMOVE(&c->settled[e->cause], e, settled_entry);
	TAILQ_INSERT_TAIL(&c->settled[e->cause], e, settled_entry);
}

void
limits_entry_gone(struct core *c, struct spd_entry *e)
{
	if (e->settled)
		TAILQ_REMOVE(&c->settled[e->cause], e, settled_entry);
	e->settled = false;
	c->nentries[e->cause]--;
}

/* --- peers with keys --------------------------------------------------------------- */

/* Keyed, as whoever chooses addresses could else fill one set. */
static struct known *
known_set(const struct core *c, uint32_t addr)
{
	uint64_t h = load_u64(c->known_key) ^ addr;

	h *= 0x9e3779b97f4a7c15u;
	h = (h ^ (h >> 29) ^ load_u64(c->known_key + 8)) * 0xbf58476d1ce4e5b9u;
	return c->known + (h >> 40) % KNOWN_SETS * KNOWN_WAYS;
}

void
limits_known_add(struct core *c, uint32_t dst)
{
	struct known *set = known_set(c, dst), *slot = set;
	unsigned      i;

	for (i = 0; i < KNOWN_WAYS; i++) {
		if (set[i].addr == dst) {
			slot = &set[i];
			break;
		}
		if (slot->addr != 0 &&
		    (set[i].addr == 0 || set[i].used < slot->used))
			slot = &set[i];
	}
	slot->addr = dst;
	slot->used = c->now;
}

bool
limits_known(const struct core *c, uint32_t dst)
{
	const struct known *set = known_set(c, dst);
	unsigned	    i;

	for (i = 0; i < KNOWN_WAYS; i++) {
		if (set[i].addr == dst)
			return true;
	}
	return false;
}

void
limits_init(struct core *c)
{
	unsigned i;

	for (i = 0; i < CAUSES; i++)
		TAILQ_INIT(&c->settled[i]);
	c->known = xcalloc(KNOWN_SETS * KNOWN_WAYS, sizeof(*c->known));
	random_bytes(c->known_key, sizeof(c->known_key));
}

void
limits_free(struct core *c)
{
	free(c->known);
	c->known = NULL;
}
