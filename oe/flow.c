/* flow.c - which connection each flow was heard on: session-oriented keying (RFC 3104 §3) */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/ip.h"
#include "base/util.h"
#include "oe/core.h"

/*
 * A cache of fixed size, allocated when the first peer that may share its
 * address comes: a set is searched whole, the longest unused flow of it gives way.
 */
#define FLOW_SETS	2048
#define FLOW_WAYS	8

#define TCP_FLAGS	13
#define TCP_SYN		0x02
#define TCP_ACK		0x10
#define ICMP_ECHO_REPLY	0
#define ICMP_ECHO	8

struct flow {
	uint32_t	   ours, theirs;	/* network order */
	uint16_t	   our_port, their_port;/* ICMP: identifier, 0 */
	uint8_t		   protocol;
	struct connection *conn;		/* NULL: unused */
	uint64_t	   used;
};

/* Reads the flow of a packet as seen from our side; false if it has none. */
static bool
flow_of(const uint8_t *pkt, size_t len, bool reply, struct flow *f)
{
	struct ip_info ip;
	uint16_t       sport, dport;

	memset(f, 0, sizeof(*f));
	if (!ip_parse(pkt, len, &ip) || ip.frag != 0)
		return false;
	f->ours = reply ? ip.dst : ip.src;
	f->theirs = reply ? ip.src : ip.dst;
	f->protocol = ip.protocol;
	if (ip.protocol == 1) {
		if (ip.total < ip.header + ICMP_HEADER_LEN)
			return false;
		if (pkt[ip.header] != ICMP_ECHO &&
		    pkt[ip.header] != ICMP_ECHO_REPLY)
			return false;
		f->our_port = load_u16(pkt + ip.header + 4);
		return true;
	}
	if (!ip_ports(pkt, &ip, &sport, &dport))
		return false;
	f->our_port = reply ? dport : sport;
	f->their_port = reply ? sport : dport;
	return true;
}

static struct flow *
flow_set(struct core *c, const struct flow *f)
{
	uint64_t h = f->ours;

	h = (h ^ f->theirs) * 0x9e3779b97f4a7c15u;
	h = (h ^ ((uint64_t)f->our_port << 32 | (uint64_t)f->their_port << 8 |
	    f->protocol)) * 0x9e3779b97f4a7c15u;
	return c->flows + (h >> 40) % FLOW_SETS * FLOW_WAYS;
}

static bool
flow_equal(const struct flow *a, const struct flow *b)
{
	return a->conn != NULL && a->ours == b->ours &&
	    a->theirs == b->theirs && a->our_port == b->our_port &&
	    a->their_port == b->their_port && a->protocol == b->protocol;
}

void
flow_learn(struct core *c, const uint8_t *pkt, size_t len, bool reply,
    struct connection *conn)
{
	struct flow f, *set, *slot;
	unsigned    i;

	if (!flow_of(pkt, len, reply, &f))
		return;
	if (c->flows == NULL)
		c->flows = xcalloc(FLOW_SETS * FLOW_WAYS, sizeof(f));
	slot = set = flow_set(c, &f);
	for (i = 0; i < FLOW_WAYS; i++) {
		if (flow_equal(&set[i], &f)) {
			slot = &set[i];
			break;
		}
		if (slot->conn != NULL &&
		    (set[i].conn == NULL || set[i].used < slot->used))
			slot = &set[i];
	}
	f.conn = conn;
	f.used = c->now;
	*slot = f;
}

struct connection *
flow_find(struct core *c, const uint8_t *pkt, size_t len, bool reply)
{
	struct flow f, *set;
	unsigned    i;

	if (c->flows == NULL || !flow_of(pkt, len, reply, &f))
		return NULL;
	set = flow_set(c, &f);
	for (i = 0; i < FLOW_WAYS; i++) {
		if (flow_equal(&set[i], &f)) {
			set[i].used = c->now;
			return set[i].conn;
		}
	}
	return NULL;
}

void
flow_forget(struct core *c, const struct connection *conn)
{
	size_t i;

	if (c->flows == NULL)
		return;
	for (i = 0; i < FLOW_SETS * FLOW_WAYS; i++) {
		if (c->flows[i].conn == conn)
			memset(&c->flows[i], 0, sizeof(c->flows[i]));
	}
}

bool
flow_is_reply(const uint8_t *pkt, size_t len)
{
	struct ip_info ip;

	if (!ip_parse(pkt, len, &ip) || ip.frag != 0)
		return false;
	if (ip.protocol == 1)
		return ip.total > ip.header &&
		    pkt[ip.header] == ICMP_ECHO_REPLY;
	return ip.protocol == 6 && ip.total > ip.header + TCP_FLAGS &&
	    (pkt[ip.header + TCP_FLAGS] & (TCP_SYN | TCP_ACK)) != TCP_SYN;
}
